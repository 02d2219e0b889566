"""Laws of what may be said about hours: who watched them, and what cannot be compared because too few are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from truceline.model.quantity import TimeSpan
from truceline.report import ReportInput, SourceWatch, build_daily_report, render_html, render_markdown
from truceline.report.comparison import WATCHED_DIFFER, WATCHED_UNKNOWN, watch_obstacle
from truceline.report.summary import coverage_bullets

Maker = Callable[..., ReportInput]
DAY = TimeSpan(start=datetime(2025, 4, 18, 21, tzinfo=UTC), end=datetime(2025, 4, 19, 21, tzinfo=UTC))
NAMES_ONLY_THE_DAY = SourceWatch(source_id="media", title="Media reports", watched=(), day_dated=(DAY,))
BEGIN = datetime(2025, 4, 18, 16, 30, tzinfo=UTC)


def a_watch(begin: datetime, hours: int) -> SourceWatch:
    """Make a source that watched some hours from a moment on."""
    return SourceWatch(
        source_id="camera", title="Cameras", watched=(TimeSpan(start=begin, end=begin + timedelta(hours=hours)),)
    )


def test_a_report_that_names_only_the_day_makes_no_hour_watched(made_up_input: Maker) -> None:
    """The day was reported on, so it is observed, but of none of its hours is it known if anybody watched."""
    report = build_daily_report(made_up_input(watches=(NAMES_ONLY_THE_DAY,), event_count=0))
    words = " ".join(report.summary)

    assert report.observed
    assert set(report.coverages[0].any_states) == {"not known"}
    assert "name only the day reported on this period; for 24 of 24 hours it is not known if anybody watched" in words
    assert "Every one of" not in words
    assert "Media reports" in render_html(report).split("without naming the hour")[1]
    assert "Reported on the day without naming the hour: Media reports." in render_markdown(report)


def test_a_report_of_another_day_leaves_this_one_unobserved(made_up_input: Maker) -> None:
    """A day-dated record counts for the one reporting day that holds its middle."""
    moved = TimeSpan(start=DAY.start - timedelta(days=1), end=DAY.end - timedelta(days=1))
    watch = SourceWatch(source_id="media", title="Media reports", watched=(), day_dated=(moved,))
    report = build_daily_report(made_up_input(watches=(watch,), event_count=0))

    assert not report.observed


def test_hours_that_a_source_names_are_watched_beside_day_dated_ones(made_up_input: Maker) -> None:
    """Only the hours that no record names remain unknown where another source names only the day."""
    report = build_daily_report(made_up_input(watches=(NAMES_ONLY_THE_DAY, a_watch(BEGIN, 6))))
    whole = build_daily_report(made_up_input(watches=(NAMES_ONLY_THE_DAY, a_watch(BEGIN, 24))))

    assert "for 18 of 24 hours it is not known" in coverage_bullets(report.coverages)[0]
    assert coverage_bullets(whole.coverages)[0].startswith("Every one of the 24 hours")


@pytest.mark.parametrize(
    ("now_share", "before_share", "obstacle"),
    [
        (1.0, 1.0, None),
        (0.75, 1.0, None),
        (0.5, 0.4, None),
        (0.7, 1.0, WATCHED_DIFFER),
        (0.2, 0.1, WATCHED_DIFFER),
        (0.0, 1.0, WATCHED_UNKNOWN),
        (0.0, 0.0, WATCHED_UNKNOWN),
    ],
)
def test_unequal_watches_are_not_compared(now_share: float, before_share: float, obstacle: str | None) -> None:
    """Shares of watched hours that differ by more than a quarter, or are not known, stand against a comparison."""
    assert obstacle == watch_obstacle(now_share, before_share)
    assert obstacle == watch_obstacle(before_share, now_share)


def test_unequal_watches_give_no_more_and_no_fewer(made_up_input: Maker) -> None:
    """Where the watched hours differ, no row has a difference and the first bullets say why."""
    watch = a_watch(BEGIN - timedelta(hours=6), 30)
    report = build_daily_report(made_up_input(watches=(watch,)))
    words = {row.words for row in report.comparison.rows if row.name != "Signatures observed"}

    assert report.comparison.obstacle is not None
    assert all(row.difference is None for row in report.comparison.rows)
    assert all(entry.startswith("not compared") for entry in words)
    assert not {"more", "fewer", "no clear change"} & words
    assert any(report.comparison.obstacle in line for line in report.summary[:4])
