"""How probably the settlement a report stands on is the one it means, among all settlements of that name.

Of k settlements of a name one is meant, likelier the denser fire is there; whoever placed the report knew which, with
probability q, or took any of the k. With I the density of fire where it was placed and J the mean over settlements:

    meant(k) = I (q + (1 - q) / k) / [q I + (1 - q) / k (I + (k - 1) J)]                 this project's own; Bayes

One settlement of a name (k = 1) is always meant. Nothing here knows whose ground a place lies on.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from truceline.attribute.report_settings import ReportSettings
from truceline.physics.geodesy import Floats

CITY_CATEGORIES = ("M", "K")
"""What the Ukrainian codifier calls cities, and cities of special status: a name alone means these."""

SETTLEMENT_CATEGORIES = ("M", "K", "T", "C", "X")
"""What it calls settlements of any size: cities as above, towns, villages, hamlets."""

LATIN_LETTERS = {
    **dict(zip("абвгґдеєзиіїйклмнопрстуфыэё", "abvhgdeeziiiiklmnoprstufieo", strict=True)),
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ю": "iu",
    "я": "ia",
    "ъ": "",
    "ь": "",
}
"""Cyrillic letters in Latin ones, as in the Ukrainian resolution of 2010, without its exceptions."""

KEY_RULES = (
    (r"['’ʼ`\"]", ""),
    (r"[\s-]+", " "),
    (r"g", "h"),
    (r"[yij]+", "i"),
    (r"i(?=[aeou])", ""),
    (r"(.)\1+", r"\1"),
    (r"oe\b", "e"),
    (r"[eo]v[eo]\b", "ove"),
    (r"[eo](?=vka\b)", "i"),
)
"""What makes spellings of one name the same, in this order: several ways to write it in Latin letters are in use, and
Russian and Ukrainian endings."""


class Namesakes(msgspec.Struct, frozen=True, kw_only=True):
    """How many settlements bear a name, by the name's key; a name that is not here is borne by one."""

    settlement_counts: Mapping[str, int]

    def count(self, place_name: pl.Series) -> NDArray[np.int64]:
        """Give, for each name, how many settlements bear it: 1 or more."""
        names = place_name.cast(pl.String).fill_null("")
        unique = names.unique()
        counts = [max(1, self.settlement_counts.get(name_key(name), 1)) for name in unique.to_list()]
        counted = names.replace_strict(unique, pl.Series(counts, dtype=pl.Int64), return_dtype=pl.Int64)
        return counted.to_numpy()


NO_NAMESAKES = Namesakes(settlement_counts={})
"""No name is borne twice, as far as is known."""


def name_key(name: str) -> str:
    """Give what is the same for all spellings of a settlement's name, in Latin or Cyrillic letters."""
    latin = "".join(LATIN_LETTERS.get(letter, letter) for letter in unicodedata.normalize("NFC", name.casefold()))
    key = "".join(letter for letter in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(letter))
    for pattern, replacement in KEY_RULES:
        key = re.sub(pattern, replacement, key)
    return key.strip()


def count_namesakes(settlements: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Count settlements, given as (category, name), by the key of their names: those borne by several and by no city.

    A city's name alone means the city, so it is left out, whoever else bears it.
    """
    known = [(category, name_key(name)) for category, name in settlements if category in SETTLEMENT_CATEGORIES]
    cities = {key for category, key in known if category in CITY_CATEGORIES}
    counts = Counter(key for _, key in known if key not in cities)
    return {key: count for key, count in sorted(counts.items()) if count > 1}


def meant_probability(density_ratio: Floats, namesake_count: NDArray[np.int64], *, settings: ReportSettings) -> Floats:
    """Give the probability that the settlement a report stands on is the one it means; columns in, a column out.

    `density_ratio` is the density of fire there, as a ratio to that at the line. Unknown densities (`nan`) stay `nan`.
    """
    by_chance = (1.0 - settings.placed_knowing_probability) / namesake_count
    others_ratio = (namesake_count - 1) * settings.settlement_density_ratio
    placed_here = settings.placed_knowing_probability * density_ratio + by_chance * (density_ratio + others_ratio)
    probability: Floats = density_ratio * (settings.placed_knowing_probability + by_chance) / placed_here
    return probability
