"""Laws of the series that adherence is read from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.assess.series import BulletinReach, ClaimSeries, ReportSeries, moment_of, seconds_of, series_of
from truceline.model.agreement import Domain
from truceline.model.columns import complete_columns

DAY_S = 86400.0

claims = st.lists(
    st.tuples(st.floats(0, 20 * DAY_S), st.floats(700, 2 * DAY_S), st.integers(0, 50), st.booleans()),
    min_size=1,
    max_size=12,
)


def claim_series(rows: list[tuple[float, float, int, bool]]) -> ClaimSeries:
    """Build a series from (start_s, length_s, count, stated) rows known over [0, 30 days]."""
    start, length, count, stated = (np.array(column) for column in zip(*rows, strict=True))
    return ClaimSeries(
        start_s=start.astype(float),
        end_s=(start + length).astype(float),
        count=count.astype(float),
        stated=stated.astype(bool),
        reach=BulletinReach(
            np.array([0.0, 6.0, 12.0, 18.0, 24.0]) * DAY_S, np.array([1.0, 7.0, 13.0, 19.0, 30.0]) * DAY_S
        ),
    )


@given(claims, st.floats(0, 25 * DAY_S), st.floats(0, 5 * DAY_S))
def test_a_count_is_the_overlap_of_every_claim(
    rows: list[tuple[float, float, int, bool]], start_s: float, length_s: float
) -> None:
    """A window holds of each claim the share of its span that lies inside."""
    end_s = start_s + length_s
    expected = sum(
        count * max(0.0, min(start + span, end_s) - max(start, start_s)) / span for start, span, count, _ in rows
    )

    counted = claim_series(rows).counted(np.array([start_s]), np.array([end_s]))

    assert expected == pytest.approx(float(counted.count[0]), abs=1e-4)


@given(claims)
def test_the_order_of_claims_does_not_matter(rows: list[tuple[float, float, int, bool]]) -> None:
    """Reversing the rows changes no count and no first claim."""
    edges = np.arange(0.0, 25.0) * DAY_S
    forward, backward = claim_series(rows), claim_series(rows[::-1])

    expected = forward.counted(edges[:-1], edges[1:]).count.tolist()

    assert expected == pytest.approx(backward.counted(edges[:-1], edges[1:]).count.tolist(), abs=1e-6)
    assert forward.first_between(0.0, 30 * DAY_S) == backward.first_between(0.0, 30 * DAY_S)


def test_a_window_past_the_last_bulletin_is_not_covered() -> None:
    """Where the bulletins do not reach, the count is not to be read as quiet."""
    series = claim_series([(DAY_S, DAY_S, 5, True)])

    counted = series.counted(np.array([29.5 * DAY_S, 28.0 * DAY_S]), np.array([30.5 * DAY_S, 29.0 * DAY_S]))

    assert [False, True] == counted.covered.tolist()


def test_no_claims_of_the_class_count_as_none() -> None:
    """Bulletins that name no weapon of the class give zeros, and no first claim."""
    nothing = np.zeros(0)
    series = ClaimSeries(
        start_s=nothing,
        end_s=nothing,
        count=nothing,
        stated=nothing.astype(bool),
        reach=BulletinReach(np.zeros(1), np.full(1, DAY_S)),
    )

    counted = series.counted(np.array([0.0]), np.array([DAY_S]))

    assert [0.0] == counted.count.tolist()
    assert series.first_between(0.0, DAY_S) is None


def test_a_stated_time_is_preferred_for_the_first_claim() -> None:
    """A claim that only names its day does not set the hour when one with a stated time stands beside it."""
    series = claim_series([(0.0, DAY_S, 3, False), (0.3 * DAY_S, 1000.0, 2, True)])

    expected = (0.3 * DAY_S, True)

    assert expected == series.first_between(0.0, DAY_S)


def test_a_stated_time_days_later_is_not_the_first_claim() -> None:
    """A claim with a stated time sets the hour only of its own day; an earlier day stays the first."""
    series = claim_series([(0.0, DAY_S, 3, False), (3.0 * DAY_S, 1000.0, 2, True)])

    assert (0.0, False) == series.first_between(0.0, 5 * DAY_S)


def report_series(daily: list[tuple[int, int]], *, missing: frozenset[int] = frozenset()) -> ReportSeries:
    """Build a series of (count, volume) a day from day 0, leaving out the days in `missing`."""
    kept = [index for index in range(len(daily)) if index not in missing]
    start_s = np.array(kept, dtype=float) * DAY_S
    return ReportSeries(
        day_start_s=start_s,
        day_end_s=start_s + DAY_S,
        count=np.array([daily[index][0] for index in kept], dtype=float),
        volume=np.array([daily[index][1] for index in kept], dtype=float),
    )


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(40, 90)), min_size=12, max_size=12), st.integers(0, 8))
def test_whole_days_are_counted_whole(daily: list[tuple[int, int]], first: int) -> None:
    """A window of whole days holds exactly the reports of those days."""
    counted = report_series(daily).counted(np.array([first * DAY_S]), np.array([(first + 3) * DAY_S]))

    expected = (sum(count for count, _ in daily[first : first + 3]), sum(v for _, v in daily[first : first + 3]), 3.0)

    assert expected == (counted.count[0], counted.volume[0], counted.exposure_days[0])
    assert counted.covered[0]


def test_a_day_belongs_to_a_window_that_holds_half_of_it() -> None:
    """Thirty hours from 18:00 hold the second day and not the first, of which they hold a quarter."""
    daily = [(10, 50), (3, 30), (9, 50)]

    counted = report_series(daily).counted(np.array([0.75 * DAY_S]), np.array([2.0 * DAY_S]))

    assert (3.0, 30.0, 1.0) == (counted.count[0], counted.volume[0], counted.exposure_days[0])


def test_a_day_without_any_report_is_not_covered() -> None:
    """A gap in the feed is a gap in what was watched, not a quiet day."""
    series = report_series([(5, 20)] * 6, missing=frozenset({2}))

    counted = series.counted(np.array([0.0, 1.0, 3.0]) * DAY_S, np.array([2.0, 4.0, 5.0]) * DAY_S)

    assert [True, False, True] == counted.covered.tolist()


def test_a_day_missing_at_an_edge_is_not_covered() -> None:
    """A window whose last day has no report, or lies past the end of the feed, is not covered."""
    series = report_series([(5, 20)] * 6, missing=frozenset({3}))
    start_s = np.array([1.0, 2.0, 4.0, 4.0]) * DAY_S

    counted = series.counted(start_s, start_s + np.array([3.0, 2.0, 2.0, 3.0]) * DAY_S)

    assert [False, False, True, False] == counted.covered.tolist()


@given(st.floats(0, 4), st.floats(0.02, 0.49))
def test_part_of_a_day_cannot_be_told_by_days(first: float, length: float) -> None:
    """A window of less than half a day is not covered by reports that name days."""
    counted = report_series([(5, 20)] * 6).counted(np.array([first * DAY_S]), np.array([(first + length) * DAY_S]))

    assert not counted.covered[0]


def test_the_first_report_of_a_window_is_known_to_the_day() -> None:
    """The hour of a report is never given as the hour of an event."""
    series = report_series([(0, 5), (2, 5), (4, 5)])

    assert (DAY_S, False) == series.first_between(0.0, 3 * DAY_S)
    assert series.first_between(0.0, 0.9 * DAY_S) is None


def observation_rows(kind: str, starts: list[datetime], ends: list[datetime], **columns: pa.Array) -> pa.Table:
    """Build an observation table with the given spans and columns."""
    size = len(starts)
    base = {
        "observation_id": pa.array([f"obs-{index}" for index in range(size)]),
        "kind": pa.array([kind] * size),
        "source_id": pa.array(["s"] * size),
        "file_sha256": pa.array(["f"] * size),
        "row_index": pa.array(range(size)),
        "phenomenon_start": pa.array(starts),
        "phenomenon_end": pa.array(ends),
        "result_time": pa.array(ends),
        "low_count": pa.array([0.0] * size),
        "count_is_approximate": pa.array([False] * size),
    }
    return complete_columns(base | columns, size)


def claim_domain(*, claimant: str = "B", actor: str = "A", coverage_hours: float | None = 8.0) -> Domain:
    """Give a domain over one party's one-way UAVs, as the other counts them."""
    return Domain(
        domain_id="long",
        title="long range",
        series="party_claim",
        actor=actor,
        claimant=claimant,
        weapon_classes=("oneway_uav",),
        measure="destroyed",
        coverage_hours=coverage_hours,
    )


def test_a_stated_instant_is_not_spread() -> None:
    """A claim whose instant is stated stays there, however short; only postings reach back."""
    moment = datetime(2030, 1, 2, 0, 30, tzinfo=UTC)
    table = observation_rows(
        "party_claim",
        [moment],
        [moment],
        claimant=pa.array(["B"]),
        actor=pa.array(["A"]),
        weapon_class=pa.array(["oneway_uav"]),
        destroyed_count=pa.array([80.0]),
        time_is_stated=pa.array([True]),
    )
    series = series_of(claim_domain(), table)

    assert isinstance(series, ClaimSeries)
    assert [moment] == [moment_of(value) for value in series.start_s]


@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 3)), min_size=1, max_size=9), st.floats(0, 60), st.floats(0, 5)
)
def test_a_long_silence_is_not_covered(spans: list[tuple[float, float]], first: float, length: float) -> None:
    """A window is covered if it lies between first and last bulletin and meets no silence of more than seven days."""
    start_s, end_s = (np.array(column) * DAY_S for column in zip(*((a, a + b) for a, b in spans), strict=True))
    window = (first * DAY_S, (first + length + 0.1) * DAY_S)
    heard_until_s, silences = float(np.sort(start_s)[0]), []
    for a, b in sorted(zip(start_s, end_s, strict=True)):
        if a - heard_until_s > 7 * DAY_S:
            silences.append((heard_until_s, a))
        heard_until_s = max(heard_until_s, b)
    inside = start_s.min() <= window[0] and window[1] <= end_s.max()
    expected = inside and not any(a < window[1] and b > window[0] for a, b in silences)

    covered = BulletinReach(start_s, end_s).covers(np.array([window[0]]), np.array([window[1]]))

    assert [expected] == covered.tolist()


def test_a_post_covers_the_hours_before_it() -> None:
    """A claim known only by its posting reaches back to the post before it, at most the stated hours."""
    posts = [datetime(2030, 1, 1, hour, tzinfo=UTC) for hour in (0, 3, 20)]
    table = observation_rows(
        "party_claim",
        posts,
        posts,
        claimant=pa.array(["B"] * 3),
        actor=pa.array(["A"] * 3),
        weapon_class=pa.array(["oneway_uav"] * 3),
        destroyed_count=pa.array([1.0, 2.0, 4.0]),
        time_is_stated=pa.array([False] * 3),
    )
    series = series_of(claim_domain(), table)

    assert isinstance(series, ClaimSeries)
    expected = [posts[0] - timedelta(hours=8), posts[0], posts[2] - timedelta(hours=8)]
    assert expected == [moment_of(value) for value in series.start_s]


def test_claims_of_others_and_of_other_weapons_do_not_count() -> None:
    """Only the named claimant's claims about the named party's named weapons count; the bulletins set the reach."""
    times = [datetime(2030, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    ends = [time + timedelta(hours=1) for time in times]
    table = observation_rows(
        "party_claim",
        times,
        ends,
        claimant=pa.array(["B", "A", "B", "B"]),
        actor=pa.array(["A", "B", "A", "A"]),
        weapon_class=pa.array(["oneway_uav", "oneway_uav", "missile", "oneway_uav"]),
        launched_count=pa.array([5.0, 7.0, 9.0, 3.0]),
        destroyed_count=pa.array([4.0, 7.0, 9.0, None], pa.float64()),
        time_is_stated=pa.array([True] * 4),
    )
    series = series_of(claim_domain(coverage_hours=None), table)

    assert isinstance(series, ClaimSeries)
    assert [4.0, 3.0] == series.claim_count.tolist()
    assert (seconds_of(times[0]), seconds_of(ends[3])) == (series.reach.first_s, series.reach.last_s)


def test_reports_count_only_as_attacks() -> None:
    """An energy report that speaks of no fire is volume, not an attack."""
    start = datetime(2030, 1, 1, tzinfo=UTC)
    table = observation_rows(
        "media_report",
        [start] * 3,
        [start + timedelta(days=1)] * 3,
        kinetic=pa.array([True, False, None], pa.bool_()),
        energy_object=pa.array([True, True, True]),
    )
    energy = Domain(domain_id="energy", title="energy", series="media_report", report_flag="energy_object")
    series = series_of(energy, table)

    assert isinstance(series, ReportSeries)
    assert [1.0] == series.daily_count.tolist()


def test_a_table_without_the_kind_gives_no_series() -> None:
    """Nothing of a kind is no series, which is not the same as a series of zeros."""
    start = datetime(2030, 1, 1, tzinfo=UTC)
    table = observation_rows("thermal", [start], [start])
    flagless = Domain(domain_id="x", title="x", series="media_report")

    assert series_of(claim_domain(), table) is None
    assert series_of(flagless, table) is None


def test_a_domain_may_read_a_claimant_about_anyone() -> None:
    """Without a named party every claim of the claimant counts, by launches where launches are the measure."""
    start = datetime(2030, 1, 1, tzinfo=UTC)
    table = observation_rows(
        "party_claim",
        [start, start],
        [start + timedelta(hours=1)] * 2,
        claimant=pa.array(["B", "B"]),
        actor=pa.array(["A", "C"]),
        weapon_class=pa.array(["oneway_uav"] * 2),
        launched_count=pa.array([5.0, 7.0]),
        destroyed_count=pa.array([1.0, 1.0]),
        time_is_stated=pa.array([True] * 2),
    )
    anyone = Domain(
        domain_id="long",
        title="long",
        series="party_claim",
        claimant="B",
        weapon_classes=("oneway_uav",),
        measure="launched",
    )
    series = series_of(anyone, table)

    assert isinstance(series, ClaimSeries)
    assert [5.0, 7.0] == sorted(series.claim_count.tolist())
