"""Sectors as monitors write them: compass words, ranges in kilometres and counts, read into numbers; and their centres.

Words repeat, so each distinct text is read once and the column is filled from that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from truceline.observe.parsing import Parsed, fault_where

Floats = npt.NDArray[np.float64]

COMPASS_POINTS = (
    *("n", "nne", "ne", "ene", "e", "ese", "se", "sse"),
    *("s", "ssw", "sw", "wsw", "w", "wnw", "nw", "nnw"),
)
"""The 16 points, clockwise from north."""

POINT_WIDTH_DEG = 22.5
"""A point of 16 stands for this much of the horizon."""

WIDE_WIDTH_DEG = 90.0
"""What `westerly directions` stands for: a quarter of the horizon. A guess; the reports do not define it."""

ALL_ROUND_WIDTH_DEG = 360.0

RANGE_SPREAD_RATIO = 0.2
"""A single range is an estimate by eye or ear: it is taken a fifth to either side. A guess."""

RANGE_SPREAD_LEAST_KM = 0.5
"""And at least half a kilometre to either side."""

RANGE_UNKNOWN_KM = 20.0
"""How far an explosion may be heard from, where no range is given. A guess; some nights it is farther."""

RANGE_MAX_KM = 100.0
"""A longer range is a fault of the report."""

ROUND_MAX_COUNT = 100_000.0
"""A larger count is a fault of the report."""

NOT_KNOWN = ("", "n/k", "nk", "unknown", "not known", "undetermined", "-")
"""How `not known` is written."""

NUMBER_WORDS = {
    "a": 1.0,
    "an": 1.0,
    "single": 1.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "eleven": 11.0,
    "twelve": 12.0,
    "zero": 0.0,
}
"""Counts written as words."""

_FILLER = re.compile(r"\b(?:from|in|at|the|between|ranging|directions?|of|point)\b")
_JOIN = re.compile(r"\s*(?:\bto\b|\band\b|[,/–—])\s*")
_NUMBER = r"(\d+(?:\.\d+)?)"
_SPAN = re.compile(rf"^{_NUMBER}\s*(?:-|–|—|to)\s*{_NUMBER}$")
_APPROXIMATE = re.compile(r"^(?:about|around|approximately|approx\.?|some|circa|ca\.?|c\.|~)\s*")
_AT_LEAST = re.compile(r"^(?:at least|minimum|min\.?|>=|≥)\s*")
_OVER = re.compile(r"^(?:over|more than|above|>)\s*")
_UP_TO = re.compile(r"^(?:up to|at most|less than|under|<=?|≤)\s*")


class Bearing(msgspec.Struct, frozen=True, kw_only=True):
    """A direction as the middle of an arc and its width."""

    bearing_deg: float
    width_deg: float


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A distance from the observer, between two limits."""

    low_km: float
    high_km: float


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """A count with its limits; no upper limit where none was given."""

    low_count: float
    high_count: float | None
    approximate: bool


def bearing_from_words(words: str) -> Bearing | None:
    """Read `ESE`, `east-south-east`, `from south to south-west`, `westerly directions`, `112`; `None` if it is none."""
    text = words.strip().lower()
    if text in NOT_KNOWN or "all directions" in text or "various directions" in text:
        return Bearing(bearing_deg=0.0, width_deg=ALL_ROUND_WIDTH_DEG)
    text = _FILLER.sub(" ", text).strip()
    single = _arc(text)
    if single is not None:
        return single
    arcs = [_arc(piece) for piece in _JOIN.split(text) if piece.strip()]
    known = [arc for arc in arcs if arc is not None]
    return _union(known) if known and len(known) == len(arcs) else None


def _arc(text: str) -> Bearing | None:
    """Read one point, or one number of degrees."""
    stem = re.sub(r"[\s\-.]", "", text)
    degrees = re.fullmatch(r"(\d{1,3})(?:°|deg|degrees)?", stem)
    if degrees is not None and int(degrees[1]) <= 360:
        return Bearing(bearing_deg=float(degrees[1]) % 360.0, width_deg=POINT_WIDTH_DEG)
    is_wide = stem.endswith("erly")
    stem = stem.replace("erly", "")
    for name in ("north", "south", "east", "west"):
        stem = stem.replace(name, name[0])
    if stem not in COMPASS_POINTS:
        return None
    width_deg = WIDE_WIDTH_DEG if is_wide else POINT_WIDTH_DEG
    return Bearing(bearing_deg=COMPASS_POINTS.index(stem) * POINT_WIDTH_DEG, width_deg=width_deg)


def _union(arcs: Sequence[Bearing]) -> Bearing:
    """Give the narrowest arc that holds all; of two that fit as well, the one that begins first after north."""
    candidates = [_arc_from(first, arcs) for first in sorted(arcs, key=lambda arc: _edge_deg(arc) % 360.0)]
    return min(candidates, key=lambda arc: round(arc.width_deg, 6))


def _edge_deg(arc: Bearing) -> float:
    return arc.bearing_deg - arc.width_deg / 2.0


def _arc_from(first: Bearing, arcs: Sequence[Bearing]) -> Bearing:
    """Give the arc that begins where one arc begins and goes clockwise until it has held all."""
    start_deg = _edge_deg(first)
    width_deg = max((_edge_deg(arc) - start_deg) % 360.0 + arc.width_deg for arc in arcs)
    if width_deg >= ALL_ROUND_WIDTH_DEG:
        return Bearing(bearing_deg=0.0, width_deg=ALL_ROUND_WIDTH_DEG)
    return Bearing(bearing_deg=(start_deg + width_deg / 2.0) % 360.0, width_deg=width_deg)


def range_from_words(words: str) -> Range | None:
    """Read `2-4`, `5`, `about 5km`, `up to 3`, `over 5`, `N/K`; kilometres; `None` if it is no range."""
    text = re.sub(r"\s*(?:km|kilomet(?:re|er)s?)\b", "", words.strip().lower())
    if text in NOT_KNOWN:
        return Range(low_km=0.0, high_km=RANGE_UNKNOWN_KM)
    span = _SPAN.match(text)
    if span is not None:
        return _sound_range(float(span[1]), float(span[2]))
    if (rest := _after(_UP_TO, text)) is not None:
        return _sound_range(0.0, _number(rest))
    if (rest := _after(_AT_LEAST, text) or _after(_OVER, text)) is not None:
        low_km = _number(rest)
        return None if low_km is None else _sound_range(low_km, max(RANGE_UNKNOWN_KM, min(2.0 * low_km, RANGE_MAX_KM)))
    middle_km = _number(_APPROXIMATE.sub("", text))
    if middle_km is None:
        return None
    spread_km = max(RANGE_SPREAD_RATIO * middle_km, RANGE_SPREAD_LEAST_KM)
    return _sound_range(max(0.0, middle_km - spread_km), middle_km + spread_km)


def _sound_range(low_km: float, high_km: float | None) -> Range | None:
    if high_km is None or not 0.0 <= low_km <= high_km <= RANGE_MAX_KM:
        return None
    return Range(low_km=low_km, high_km=high_km)


def tally_from_words(words: str) -> Tally | None:
    """Read `3`, `about 20`, `at least 5`, `over 10`, `3-5`, `uncountable`; `None` if it is no count."""
    text = words.strip().lower()
    if text in (*NOT_KNOWN[1:], "uncountable", "continuous"):
        return Tally(low_count=1.0, high_count=None, approximate=True)
    span = _SPAN.match(text)
    if span is not None:
        return _sound_tally(float(span[1]), float(span[2]), approximate=False)
    if (rest := _after(_AT_LEAST, text)) is not None:
        return _sound_tally(_number(rest), None, approximate=False)
    if (rest := _after(_OVER, text)) is not None:
        number = _number(rest)
        return _sound_tally(None if number is None else number + 1.0, None, approximate=False)
    if (rest := _after(_UP_TO, text)) is not None:
        number = _number(rest)
        return None if number is None else _sound_tally(0.0, number, approximate=False)
    number = _number(_APPROXIMATE.sub("", text))
    return _sound_tally(number, number, approximate=_APPROXIMATE.match(text) is not None)


def _sound_tally(low_count: float | None, high_count: float | None, *, approximate: bool) -> Tally | None:
    if low_count is None or low_count > ROUND_MAX_COUNT:
        return None
    if high_count is not None and not low_count <= high_count <= ROUND_MAX_COUNT:
        return None
    return Tally(low_count=low_count, high_count=high_count, approximate=approximate)


def _after(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.match(text)
    return None if match is None else text[match.end() :]


def _number(text: str) -> float | None:
    if text in NUMBER_WORDS:
        return NUMBER_WORDS[text]
    return float(text) if re.fullmatch(_NUMBER, text) else None


def read_words(
    texts: pl.Series, name: str, *, says: str, read: Callable[[str], msgspec.Struct | None]
) -> tuple[dict[str, pl.Series], Parsed]:
    """Read each distinct text once; give the fields of what was read as columns, and the faults of what was not."""
    distinct = texts.unique().to_list()
    found = {text: read(text) for text in distinct}
    fields = next((entry.__struct_fields__ for entry in found.values() if entry is not None), ())
    unread = [text for text, entry in found.items() if entry is None]
    columns = {}
    for field in fields:
        values = [None if found[text] is None else getattr(found[text], field) for text in distinct]
        table = pl.DataFrame({"text": distinct, "value": values})
        columns[field] = pl.DataFrame({"text": texts}).join(table, on="text", how="left", maintain_order="left")[
            "value"
        ]
    return columns, Parsed(texts, fault_where(texts.is_in(unread), name, texts, says=says))


class Sectors(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A column of sectors: the middle of each arc, its width, and the ranges; arrays of equal length."""

    bearing_deg: Floats
    width_deg: Floats
    low_m: Floats
    high_m: Floats


def centre_distance_m(sectors: Sectors) -> Floats:
    """Give how far from the observer, along its middle, each sector's centre of area lies.

    Mean radius of an annulus is 2/3 (a2 + ab + b2) / (a + b); an arc of half-width h pulls it in by sin h / h.
    """
    return _mean_radius_m(sectors) * _sinc(np.radians(sectors.width_deg) / 2.0)


def centre_sigma_m(sectors: Sectors) -> Floats:
    """Give the larger of the two standard deviations of a point anywhere in each sector, about its centre."""
    half_width_rad = np.radians(sectors.width_deg) / 2.0
    mean_square_m2 = (sectors.low_m**2 + sectors.high_m**2) / 2.0
    along_m2 = mean_square_m2 * (1.0 + _sinc(2.0 * half_width_rad)) / 2.0 - centre_distance_m(sectors) ** 2
    across_m2 = mean_square_m2 * (1.0 - _sinc(2.0 * half_width_rad)) / 2.0
    return np.sqrt(np.maximum(np.maximum(along_m2, across_m2), 0.0))


def _mean_radius_m(sectors: Sectors) -> Floats:
    low_m, high_m = sectors.low_m, sectors.high_m
    total_m = np.where(low_m + high_m > 0.0, low_m + high_m, 1.0)
    return 2.0 / 3.0 * (low_m**2 + low_m * high_m + high_m**2) / total_m


def _sinc(angle_rad: Floats) -> Floats:
    return np.asarray(np.sinc(angle_rad / np.pi), dtype=np.float64)
