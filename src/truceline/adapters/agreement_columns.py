"""Turns events as they were read into the columns that an agreement is held against."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl

from truceline.adapters.agreement_events import mixture_of
from truceline.adapters.agreements import load_weapons
from truceline.assess.columns import (
    ACTS,
    ACTS_AT_WEAPON,
    CATEGORIES,
    DOMAIN_OF_ACT,
    DOMAINS,
    NOT_TOLD_INDEX,
    PURPOSES,
    EventColumns,
    Longs,
    Mixture,
    WeaponKind,
    bits_of,
)
from truceline.assess.zone_columns import Spread
from truceline.model.conduct import UNIT_SIZES
from truceline.model.weapon import WeaponCatalogue
from truceline.physics.geodesy import Points

MICRO_COUNT = 1_000_000.0
"""Microseconds in a second."""

WEAPON_COLUMNS = ("weapon", "weapon_class", "class_probabilities", "calibre_mm")
"""Columns of an event that together say what weapon it may have been."""


def columns_of_frame(frame: pl.DataFrame, *, parties: tuple[str, str]) -> EventColumns:
    """Give events (columns of `EVENT_FRAME`) as columns for the assessment of a text between two parties.

    An actor that is one of the parties counts with its probability, any other is a third actor of the text.
    """
    actors = frame["actor"]
    is_party = actors.is_in(list(parties)).fill_null(value=False)
    third = _numbered(pl.select(pl.when(~is_party).then(actors)).to_series())
    lackings = _numbered(frame["lacking"])
    mixture, mixtures = _mixtures(frame)
    domain = frame["domain"].fill_null(frame["act"].replace_strict(DOMAIN_OF_ACT, default=None, return_dtype=pl.String))
    shares = frame["actor_probability"].to_numpy()
    return EventColumns(
        points=Points(_numbers(frame["longitude_deg"]), _numbers(frame["latitude_deg"])),
        spread=Spread(
            _numbers(frame["covariance_east_m2"]),
            _numbers(frame["covariance_north_m2"]),
            _numbers(frame["covariance_east_north_m2"]),
        ),
        start_s=_seconds(frame["start"]),
        end_s=_seconds(frame["end"]),
        act=_codes(frame["act"], ACTS),
        act_probability=_numbers(frame["event_probability"]),
        party_probability=np.array(
            [np.where((actors == party).fill_null(value=False), shares, 0.0) for party in parties]
        ),
        parties=parties,
        actor=third[0],
        mixture=mixture,
        domain=_codes(domain, DOMAINS),
        purpose=_codes(frame["purpose"], PURPOSES),
        unit_size=_codes(frame["unit_size"], UNIT_SIZES),
        objects=_bits(frame["object_category"]),
        objects_not=_bits(frame["object_category_not"]),
        at_weapon=_at_weapon(frame),
        lacking=lackings[0],
        withdrawn=frame["withdrawn"].to_numpy().astype(np.bool_),
        actor_ids=third[1],
        mixtures=mixtures,
        lackings=lackings[1],
        event_ids=tuple(frame["event_id"].to_list()),
        revision_index=tuple(frame["revision_index"].to_list()),
    )


def _numbers(column: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)


def _seconds(column: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(column.dt.epoch("us").to_numpy() / MICRO_COUNT, dtype=np.float64)


def _codes(column: pl.Series, words: Sequence[str]) -> Longs:
    """Give the place of each word in a table, `NOT_TOLD_INDEX` where there is none."""
    table = {word: index for index, word in enumerate(words)}
    codes = column.replace_strict(table, default=NOT_TOLD_INDEX, return_dtype=pl.Int64).fill_null(NOT_TOLD_INDEX)
    return codes.to_numpy().astype(np.int64)


def _numbered(column: pl.Series) -> tuple[Longs, tuple[str, ...]]:
    """Number the distinct texts of a column, and give them in that order."""
    distinct = tuple(column.drop_nulls().unique().sort().to_list())
    return _codes(column, distinct), distinct


def _bits(column: pl.Series) -> Longs:
    """Give each category as a set of one bit, and nothing said as the empty set."""
    table = {word: bits_of([word]) for word in CATEGORIES}
    return column.replace_strict(table, default=0, return_dtype=pl.Int64).fill_null(0).to_numpy().astype(np.int64)


def _at_weapon(frame: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    by_act = frame["act"].is_in(sorted(ACTS_AT_WEAPON))
    said = frame["place_is"]
    return pl.select(pl.when(said.is_null()).then(by_act).otherwise(said == "weapon")).to_series().to_numpy()


def _mixtures(frame: pl.DataFrame) -> tuple[Longs, tuple[Mixture, ...]]:
    """Give each event's mixture of weapon kinds by its number; each distinct mixture is read once."""
    named = frame.select(WEAPON_COLUMNS)
    distinct = named.unique(maintain_order=True)
    table: dict[Mixture, int] = {}
    numbers = []
    for row in distinct.iter_rows():
        mixture = _mixture(*row)
        numbers.append(NOT_TOLD_INDEX if mixture is None else table.setdefault(mixture, len(table)))
    numbered = distinct.with_columns(pl.Series("number", numbers, dtype=pl.Int64))
    joined = named.join(numbered, on=list(WEAPON_COLUMNS), how="left", nulls_equal=True, maintain_order="left")
    return joined["number"].to_numpy().astype(np.int64), tuple(table)


def _mixture(
    weapon: str | None, weapon_class: str | None, class_probabilities: str | None, calibre_mm: float | None
) -> Mixture | None:
    """Give what a weapon may be: its type if it is named, else the mixture of classes, else its class."""
    if weapon is not None:
        found = _catalogue().named(weapon)
        assert found is not None, f"weapon {weapon!r} was held against the catalogue when it was read"
        return ((WeaponKind(found.type_id), 1.0),)
    if class_probabilities is not None:
        shares = mixture_of(class_probabilities)
        assert shares is not None, f"mixture {class_probabilities!r} was held when it was read"
        kinds = [(WeaponKind(None, name, calibre_mm), share) for name, share in sorted(shares.items())]  # type: ignore[arg-type]
        return tuple(kinds)
    if weapon_class is not None:
        return ((WeaponKind(None, weapon_class, calibre_mm), 1.0),)  # type: ignore[arg-type]
    return None


@cache
def _catalogue() -> WeaponCatalogue:
    return load_weapons()
