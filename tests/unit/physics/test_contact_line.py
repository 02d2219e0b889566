"""The line's laws: the newest line counts, order is no matter, parties mirror, and distances are the ellipsoid's."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from truceline.model.reference_line import DatedLine
from truceline.physics.contact_line import LineHistory, Located, normal_probability, side_probability

SHARED = Path(__file__).parents[4] / "shared" / "data"
DAY = date(2025, 4, 20)
FIELDS = ("side", "distance_m", "signed_distance_m", "sigma_m", "line_date", "line_age_days")


def dated(
    held: shapely.Geometry | None, line: shapely.Geometry | None = None, *, day: date = DAY, held_by: str = "A"
) -> DatedLine:
    """Make one day's line."""
    return DatedLine(
        valid_date=day,
        held_by=held_by,
        held_wkb=None if held is None else shapely.to_wkb(held),
        line_wkb=None if line is None else shapely.to_wkb(line),
        sigma_m=800.0,
        source_id="drawn",
        file_sha256="0" * 64,
    )


def blob(seed: int, corner_count: int = 14) -> shapely.Polygon:
    """Draw a ragged polygon that does not cross itself in the theatre, around 34 E 48 N."""
    rng = np.random.default_rng(seed)
    turn_rad = 2.0 * np.pi * (np.arange(corner_count) + rng.uniform(0.0, 0.9, corner_count)) / corner_count
    radius_deg = rng.uniform(0.4, 2.0, corner_count)
    corners = np.column_stack([34.0 + radius_deg * np.cos(turn_rad), 48.0 + radius_deg * np.sin(turn_rad)])
    return shapely.Polygon(corners)


def days(*dates: date) -> np.ndarray:
    """Give days as a column."""
    return np.array(dates, dtype="datetime64[D]")


def same(one: Located, other: Located, order: np.ndarray | slice = slice(None)) -> bool:
    """Say whether an answer, its rows put in an order, is bit for bit another."""
    return all(np.array_equal(getattr(one, name)[order], getattr(other, name), equal_nan=True) for name in FIELDS)


def scattered(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Scatter points over the theatre and up to 1,000 km around it."""
    rng = np.random.default_rng(seed)
    return rng.uniform(22.0, 46.0, count), rng.uniform(44.0, 53.0, count)


def brute_distance_m(boundary: shapely.Geometry, longitude_deg: float, latitude_deg: float) -> float:
    """Measure to a corner every 100 m of the boundary at the most, on the ellipsoid: half of that too far beside it."""
    corners = shapely.get_coordinates(shapely.segmentize(boundary, 0.0009))
    count = len(corners)
    _, _, distance_m = Geod(ellps="WGS84").inv(
        np.full(count, longitude_deg), np.full(count, latitude_deg), corners[:, 0], corners[:, 1]
    )
    return float(distance_m.min())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
@example(seed=696)
def test_distance_and_side_agree_with_brute_force(seed: int) -> None:
    """Distances are the ellipsoid's to 0.5 % (or the step of the brute force), sides those of the ground."""
    held = blob(seed)
    longitude_deg, latitude_deg = scattered(seed, 12)
    located = LineHistory([dated(held)]).locate(longitude_deg, latitude_deg, np.repeat(days(DAY), 12))
    expected_m = [brute_distance_m(held.boundary, *point) for point in zip(longitude_deg, latitude_deg, strict=True)]

    np.testing.assert_allclose(located.distance_m, expected_m, rtol=0.005, atol=60.0)
    assert located.side.tolist() == np.where(shapely.intersects_xy(held, longitude_deg, latitude_deg), 1, -1).tolist()


@pytest.mark.parametrize("latitude_deg", [44.0, 48.0, 53.0])
def test_distance_is_exact_to_thirty_metres_near_a_line(latitude_deg: float) -> None:
    """A point put 5 km off a meridian line by geodesic is found 5 km off it."""
    line = shapely.LineString([(35.0, latitude_deg - 1.0), (35.0, latitude_deg + 1.0)])
    longitude_deg, north_deg, _ = Geod(ellps="WGS84").fwd(35.0, latitude_deg, 90.0, 5_000.0)
    located = LineHistory([dated(None, line)]).locate([longitude_deg], [north_deg], days(DAY))

    assert located.distance_m[0] == pytest.approx(5_000.0, abs=0.5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_exchanging_the_parties_mirrors_the_answer(seed: int) -> None:
    """The same ground held by the other party gives the same distances with the opposite sign."""
    points, day = scattered(seed), np.repeat(days(DAY), 40)
    one = LineHistory([dated(blob(seed), held_by="A")], held_by="A").locate(*points, day)
    other = LineHistory([dated(blob(seed), held_by="B")], held_by="A").locate(*points, day)

    np.testing.assert_array_equal(one.side, -other.side)
    np.testing.assert_array_equal(one.signed_distance_m, -other.signed_distance_m)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), names=st.sampled_from(["AA", "AB"]))
def test_exchanging_the_names_over_two_drawings_of_one_day_mirrors_the_answer(seed: int, names: str) -> None:
    """Which of two drawings of one day is used does not depend on who is called what, also between the two."""
    near, far = shapely.box(33.0, 46.0, 35.0, 48.0), shapely.box(33.0, 46.0, 35.0, 48.5 + seed % 100 / 100.0)
    day, points = days(DAY), ([34.0], [48.25])
    one, other = [
        LineHistory([dated(held, held_by=name) for held, name in zip((near, far), called, strict=True)], held_by="A")
        for called in (names, names.translate(str.maketrans("AB", "BA")))
    ]
    plain, exchanged = one.locate(*points, day), other.locate(*points, day)

    assert [line.held_wkb for line in one.lines] == [line.held_wkb for line in other.lines]
    assert plain.side[0] != 0
    np.testing.assert_array_equal(plain.side, -exchanged.side)
    np.testing.assert_array_equal(plain.signed_distance_m, -exchanged.signed_distance_m)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_later_line_never_changes_an_earlier_day(seed: int) -> None:
    """What was answered for a day stays answered so, bit for bit, when newer lines come."""
    points = scattered(seed)
    day = np.repeat(days(DAY, DAY + timedelta(2)), 20)
    first = [dated(blob(seed)), dated(blob(seed + 1), day=DAY + timedelta(1))]
    later = [*first, dated(blob(seed + 2), day=DAY + timedelta(3), held_by="B")]

    assert same(LineHistory(first).locate(*points, day), LineHistory(later).locate(*points, day))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_does_not_matter(seed: int) -> None:
    """Neither the order of points nor that of lines changes any answer; nor does a line loaded twice."""
    longitude_deg, latitude_deg = scattered(seed)
    day = np.datetime64(DAY) + np.arange(40) % 4
    lines = [dated(blob(seed + index), day=DAY + timedelta(index)) for index in range(3)]
    order = np.random.default_rng(seed).permutation(40)
    straight = LineHistory(lines).locate(longitude_deg, latitude_deg, day)
    shuffled = LineHistory([*lines[::-1], lines[0]]).locate(longitude_deg[order], latitude_deg[order], day[order])

    assert same(straight, shuffled, order)


def test_the_newest_line_on_or_before_the_day_is_used() -> None:
    """Before the first line nothing is known; afterwards the newest one counts, and its age is shown."""
    history = LineHistory([dated(blob(1)), dated(blob(2), day=DAY + timedelta(5))])
    asked = days(DAY - timedelta(1), DAY, DAY + timedelta(4), DAY + timedelta(7))
    located = history.locate(np.full(4, 34.0), np.full(4, 48.0), asked)

    assert located.line_date.tolist() == [None, DAY, DAY, DAY + timedelta(5)]
    np.testing.assert_array_equal([np.nan, 0.0, 4.0, 2.0], located.line_age_days)
    np.testing.assert_array_equal([np.nan, 800.0, 800.0, 800.0], located.sigma_m)
    assert (located.side[0], bool(np.isnan(located.signed_distance_m[0]))) == (0, True)


@pytest.mark.parametrize(
    ("longitude_deg", "latitude_deg"), [(np.nan, 48.0), (34.0, np.nan), (np.inf, 48.0), (34.0, 91.0)]
)
def test_a_point_without_coordinates_has_no_side(longitude_deg: float, latitude_deg: float) -> None:
    """A point that is nowhere on the globe is on no side and at no distance, and spoils no other."""
    located = LineHistory([dated(blob(1))]).locate([longitude_deg, 34.0], [latitude_deg, 48.0], days(DAY, DAY))

    assert located.side.tolist() == [0, 1]
    assert np.isnan(located.distance_m).tolist() == [True, False]


def test_a_day_that_is_not_known_has_no_line() -> None:
    """A point without a day is on no side."""
    located = LineHistory([dated(blob(1))]).locate([34.0], [48.0], np.array(["NaT"], dtype="datetime64[D]"))

    assert located.side.tolist() == [0]


def test_a_pole_has_a_side_but_no_distance() -> None:
    """The plane cannot show a pole: its distance is missing rather than wrong."""
    located = LineHistory([dated(blob(1))]).locate([34.0], [90.0], days(DAY))

    assert (int(located.side[0]), bool(np.isnan(located.distance_m[0]))) == (-1, True)


def test_a_line_without_ground_tells_no_side() -> None:
    """Where only a line is drawn its distance is known, its side is not."""
    line = shapely.MultiLineString([[(34.0, 47.0), (34.0, 48.0), (34.0, 48.0)], [(34.0, 48.5), (34.0, 49.0)]])
    located = LineHistory([dated(None, line)]).locate([34.1], [47.5], days(DAY))

    assert located.side.tolist() == [0]
    assert np.isnan(located.signed_distance_m).tolist() == [True]
    assert located.distance_m[0] == pytest.approx(brute_distance_m(line, 34.1, 47.5), rel=1e-3)


def test_a_point_on_the_line_is_at_no_distance() -> None:
    """On a corner of the line the distance is nought, and the ground's boundary is ground."""
    held = shapely.box(34.0, 46.0, 36.0, 48.0)
    located = LineHistory([dated(held)]).locate([36.0, 34.0], [48.0, 47.0], days(DAY, DAY))

    np.testing.assert_allclose(located.distance_m, 0.0, atol=1e-3)
    assert located.side.tolist() == [1, 1]


def test_distance_is_from_the_line_and_not_from_the_coast() -> None:
    """Where line and ground are drawn, the sign is the ground's and the distance the line's."""
    held, line = shapely.box(34.0, 46.0, 36.0, 48.0), shapely.LineString([(34.0, 48.0), (36.0, 48.0)])
    located = LineHistory([dated(held, line)]).locate([35.0], [46.1], days(DAY))

    assert located.signed_distance_m[0] == pytest.approx(211_250.0, rel=2e-3)


def test_of_two_drawings_of_one_day_the_fuller_is_used_and_the_other_kept() -> None:
    """A drawing with ground goes before one without; what is not used still stands there."""
    bare, full = dated(None, shapely.LineString([(34.0, 47.0), (34.0, 48.0)])), dated(blob(1))
    history = LineHistory([bare, full])

    assert (history.lines, history.not_used, len(history)) == ((full,), (bare,), 1)


def test_forgetting_prepared_days_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many days are kept prepared shows in memory and time only."""
    lines = [dated(blob(index), day=DAY + timedelta(index)) for index in range(4)]
    points, day = scattered(5), np.datetime64(DAY) + np.arange(40) % 4
    kept = LineHistory(lines).locate(*points, day)
    monkeypatch.setattr("truceline.physics.contact_line.PREPARED_LINES_MAX_COUNT", 1)
    history = LineHistory(lines)

    assert same(kept, history.locate(*points, day))
    assert same(kept, history.locate(*points, day))


def test_a_third_party_is_refused() -> None:
    """Ground that one party does not hold is the other's only where there are two."""
    lines = [dated(blob(1), held_by=party, day=DAY + timedelta(index)) for index, party in enumerate("ABC")]

    with pytest.raises(ValueError, match="names 3 parties"):
        LineHistory(lines)


def test_no_lines_answer_nothing() -> None:
    """Without any line every side is unknown."""
    located = LineHistory([]).locate([34.0], [48.0], days(DAY))

    assert (located.held_by, located.side.tolist(), located.line_date.tolist()) == ("", [0], [None])


@given(deviation_ratio=st.floats(-40.0, 40.0))
def test_normal_probability_is_the_error_functions(deviation_ratio: float) -> None:
    """The distribution function agrees with the C library's to 1e-11."""
    expected = 0.5 * math.erfc(-deviation_ratio / math.sqrt(2.0))

    assert float(normal_probability(deviation_ratio)) == pytest.approx(expected, abs=1e-11)


@given(distance_m=st.floats(-1e6, 1e6), sigma_m=st.floats(0.0, 1e5), position_sigma_m=st.floats(0.0, 1e5))
def test_side_probabilities_of_both_sides_sum_to_one(
    distance_m: float, sigma_m: float, position_sigma_m: float
) -> None:
    """Being on the one side and on the other exclude and exhaust each other."""
    one = side_probability(distance_m, sigma_m, position_sigma_m)
    other = side_probability(-distance_m, sigma_m, position_sigma_m)

    assert float(one + other) == pytest.approx(1.0, abs=1e-12)


def test_side_probability_without_uncertainty_is_certain() -> None:
    """No uncertainty gives 0, a half on the line, or 1; an unknown distance or uncertainty gives none."""
    probability = side_probability([-5.0, 0.0, 5.0, np.nan, 5.0], 0.0, [0.0, 0.0, 0.0, 0.0, np.nan])

    np.testing.assert_array_equal([0.0, 0.5, 1.0, np.nan, np.nan], probability)


@pytest.mark.shared
def test_real_reports_fall_on_the_side_another_reckoning_gave_them() -> None:
    """For all located reports of 18 months side and distance agree with an independent computation."""
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is absent")
    drawn = pq.read_table(SHARED / "contact_line" / "line_daily.parquet").to_pylist()
    lines = [
        DatedLine(
            valid_date=row["date"],
            held_by="A",
            held_wkb=row["occupied_wkb_wgs84"],
            line_wkb=row["line_wkb_wgs84"],
            sigma_m=1_000.0,
            source_id="drawn",
            file_sha256="0" * 64,
        )
        for row in drawn
    ]
    table = pq.read_table(SHARED / "media_events" / "media_events.parquet")
    known = table.filter(pc.is_valid(table["side"]))
    located = LineHistory(lines).locate(known["lon"].to_numpy(), known["lat"].to_numpy(), known["date"].to_numpy())
    expected = np.where(np.array(known["side"].to_pylist()) == "RU", 1, -1)
    far = located.distance_m > 1_000.0
    expected_m = np.abs(known["dist_line_km"].to_numpy()) * 1_000.0

    assert (located.side == expected)[far].mean() >= 0.99
    np.testing.assert_allclose(located.distance_m, expected_m, rtol=0.005, atol=30.0)
