"""Words of monitors become sectors and counts; centres are held against points drawn at random."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.observe.sectors import (
    COMPASS_POINTS,
    POINT_WIDTH_DEG,
    RANGE_MAX_KM,
    RANGE_UNKNOWN_KM,
    Range,
    Sectors,
    Tally,
    bearing_from_words,
    centre_distance_m,
    centre_sigma_m,
    range_from_words,
    read_words,
    tally_from_words,
)

WORDS = {"n": "north", "e": "east", "s": "south", "w": "west"}
POINTS = st.sampled_from(COMPASS_POINTS)


def spelled(point: str) -> str:
    """Spell a point of the compass out."""
    return "-".join(WORDS[letter] for letter in point)


@settings(deadline=None)
@given(point=POINTS)
def test_each_point_reads_the_same_in_every_spelling(point: str) -> None:
    """Abbreviated, spelled out, with hyphens, blanks or neither: one bearing."""
    spellings = [
        point,
        point.upper(),
        spelled(point),
        spelled(point).replace("-", " "),
        spelled(point).replace("-", ""),
    ]
    read = [bearing_from_words(text) for text in [*spellings, f"at {spelled(point)} direction", f"from the {point}"]]

    bearings = {(arc.bearing_deg, arc.width_deg) for arc in read if arc is not None}
    assert bearings == {(COMPASS_POINTS.index(point) * POINT_WIDTH_DEG, POINT_WIDTH_DEG)}
    assert None not in read


@settings(deadline=None)
@given(first=POINTS, second=POINTS)
def test_a_union_holds_both_points(first: str, second: str) -> None:
    """An arc from one point to another holds both, is the shorter way, and does not mind the order."""
    union = bearing_from_words(f"in directions ranging from {spelled(first)} to {spelled(second)}")
    other = bearing_from_words(f"{second} and {first}")

    assert union is not None
    assert union == other
    apart_deg = abs(COMPASS_POINTS.index(first) - COMPASS_POINTS.index(second)) * POINT_WIDTH_DEG
    assert union.width_deg == pytest.approx(min(apart_deg, 360.0 - apart_deg) + POINT_WIDTH_DEG)
    for point in (first, second):
        off_deg = (COMPASS_POINTS.index(point) * POINT_WIDTH_DEG - union.bearing_deg + 180.0) % 360.0 - 180.0
        assert abs(off_deg) + POINT_WIDTH_DEG / 2.0 <= union.width_deg / 2.0 + 1e-9


def test_wide_and_unknown_directions() -> None:
    """An `-erly` direction is a quarter of the horizon, an unknown one all of it, a number a point's width."""
    widths = [bearing_from_words(text) for text in ("westerly directions", "N/K", "all directions", "112", "360 deg")]

    known = [(arc.bearing_deg, arc.width_deg) for arc in widths if arc is not None]
    assert known == [(270.0, 90.0), (0.0, 360.0), (0.0, 360.0), (112.0, 22.5), (0.0, 22.5)]


def test_points_all_round_are_the_whole_horizon() -> None:
    """Wide directions to all four sides hold the whole horizon."""
    arc = bearing_from_words("northerly, easterly, southerly and westerly")

    assert arc is not None
    assert arc.width_deg == 360.0


@pytest.mark.parametrize("text", ["up", "from south to up", "between", "400", "to", "nne-ish"])
def test_what_is_no_direction_is_not_read(text: str) -> None:
    """Words that name no direction, or only partly, give nothing."""
    assert bearing_from_words(text) is None


@settings(deadline=None)
@given(low=st.integers(0, 50), more=st.integers(0, 50))
def test_ranges_are_read_as_written(low: int, more: int) -> None:
    """A range is its two limits; a single number lies inside its own."""
    assert range_from_words(f"{low}-{low + more}km") == Range(low_km=low, high_km=low + more)
    single = range_from_words(f"about {low}")
    assert single is not None
    assert single.low_km <= low <= single.high_km


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N/K", (0.0, RANGE_UNKNOWN_KM)),
        ("up to 3", (0.0, 3.0)),
        ("over 8 km", (8.0, RANGE_UNKNOWN_KM)),
        ("at least 15", (15.0, 30.0)),
        ("more than 80", (80.0, RANGE_MAX_KM)),
        ("5", (4.0, 6.0)),
        ("1", (0.5, 1.5)),
        ("0.2", (0.0, 0.7)),
        ("4-2", None),
        ("101", None),
        ("over here", None),
        ("up to there", None),
        ("far", None),
    ],
)
def test_forms_of_range(text: str, expected: tuple[float, float] | None) -> None:
    """Each form that monitors write gives its limits, and what is no range gives nothing."""
    read = range_from_words(text)

    assert (None if read is None else pytest.approx((read.low_km, read.high_km))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (3.0, 3.0, False)),
        ("about 20", (20.0, 20.0, True)),
        ("~20", (20.0, 20.0, True)),
        ("at least 5", (5.0, None, False)),
        ("over 10", (11.0, None, False)),
        ("up to 4", (0.0, 4.0, False)),
        ("3-5", (3.0, 5.0, False)),
        ("3 to 5", (3.0, 5.0, False)),
        ("uncountable", (1.0, None, True)),
        ("N/K", (1.0, None, True)),
        ("twelve", (12.0, 12.0, False)),
        ("5-3", None),
        ("", None),
        ("1000000", None),
        ("at least many", None),
        ("over many", None),
        ("up to many", None),
    ],
)
def test_forms_of_count(text: str, expected: tuple[float, float | None, bool] | None) -> None:
    """Each form that monitors write gives its limits, and what is no count gives nothing."""
    read = tally_from_words(text)

    assert (None if read is None else (read.low_count, read.high_count, read.approximate)) == expected


@settings(deadline=None)
@given(texts=st.lists(st.sampled_from(["3", "about 20", "many", "3-5"])))
def test_columns_of_words_are_read_row_by_row(texts: list[str]) -> None:
    """A column read at once is each of its texts read alone."""
    columns, parsed = read_words(
        pl.Series(texts, dtype=pl.String), "count", says="is not a count", read=tally_from_words
    )
    alone = [tally_from_words(text) for text in texts]

    for field in Tally.__struct_fields__ if columns else ():
        assert columns[field].to_list() == [None if tally is None else getattr(tally, field) for tally in alone]
    assert (parsed.faults is None) == all(tally is not None for tally in alone)


@settings(deadline=None)
@given(
    width_deg=st.floats(1.0, 360.0),
    low_m=st.floats(0.0, 20_000.0),
    more_m=st.floats(100.0, 20_000.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_centre_and_uncertainty_are_those_of_points_in_the_sector(
    width_deg: float, low_m: float, more_m: float, seed: int
) -> None:
    """Points spread evenly over a sector have its centre as their mean and its uncertainty as their larger spread."""
    chance = np.random.default_rng(seed)
    high_m = low_m + more_m
    count = 20_000
    radius_m = np.sqrt(chance.uniform(low_m**2, high_m**2, count))
    angle_rad = np.radians(chance.uniform(-width_deg / 2.0, width_deg / 2.0, count))
    along_m, across_m = radius_m * np.cos(angle_rad), radius_m * np.sin(angle_rad)
    sector = Sectors(
        bearing_deg=np.array([0.0]),
        width_deg=np.array([width_deg]),
        low_m=np.array([low_m]),
        high_m=np.array([high_m]),
    )

    tolerance_m = 0.03 * high_m
    assert centre_distance_m(sector)[0] == pytest.approx(along_m.mean(), abs=tolerance_m)
    assert centre_sigma_m(sector)[0] == pytest.approx(max(along_m.std(), across_m.std()), abs=tolerance_m)
