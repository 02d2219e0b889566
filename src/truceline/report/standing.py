"""How whole the counts of a day are: assessed, released and observed, or which of these is lacking; never zero then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from truceline.model.quantity import TimeSpan, union_of_spans
from truceline.model.released import ReleasedEvent
from truceline.report.period import Issue, Period
from truceline.report.records import (
    Comparison,
    ComparisonRow,
    Coverage,
    DayStatus,
    PeriodTable,
    ReportInput,
    WithheldEvent,
)
from truceline.report.tables import area_rows, tally

WINDOWS_DIFFER = "not compared: the text was not in force for the same time"
NO_WINDOW = "not compared: no text was in force"
POTENTIAL_ROW = "Potential violations (events)"


def day_table(
    period: Period, events: Sequence[ReleasedEvent], coverage: Coverage, *, given: ReportInput
) -> PeriodTable:
    """Make one day's table of areas, with how whole its counts are."""
    return PeriodTable(
        period=period,
        observed=bool(events) or coverage.observed,
        status=_status(period, events, coverage, given),
        rows=area_rows(events),
        total=tally(events),
    )


def delayed_events(given: ReportInput, periods: Sequence[Period]) -> list[WithheldEvent]:
    """List the events of these days that are withheld only until a time."""
    return [event for event in withheld_events(given, periods) if event.record.release_time is not None]


def withheld_events(given: ReportInput, periods: Sequence[Period]) -> list[WithheldEvent]:
    """List the events of these days that are withheld, for a time or for good."""
    return [event for event in given.withheld if any(period.holds(event.middle_time) for period in periods)]


def _status(period: Period, events: Sequence[ReleasedEvent], coverage: Coverage, given: ReportInput) -> DayStatus:
    """Say how whole the counts of a day are; a count of nothing is whole only if all was assessed and released."""
    assessed = given.assessment.covers(period.span.end)
    delayed = bool(delayed_events(given, (period,)))
    if events:
        return "complete" if assessed and not delayed else "incomplete"
    if delayed:
        return "not released"
    if not coverage.observed:
        return "not observed"
    return "complete" if assessed else "not assessed"


def honest_comparison(
    comparison: Comparison, now: Sequence[PeriodTable], before: Sequence[PeriodTable], *, obstacle: str | None
) -> Comparison:
    """Take differences away where a period is not whole, and of potential violations where the text is an obstacle."""
    lacking = next(
        (table.status for table in (*now, *before) if table.status not in ("complete", "not observed")), None
    )
    rows = comparison.rows
    if lacking is not None:
        words = f"not compared: {'counts are incomplete' if lacking == 'incomplete' else lacking}"
        rows = tuple(
            replace(row, now=_shown(row.now, now), before=_shown(row.before, before), difference=None, words=words)
            for row in rows
        )
        return replace(comparison, rows=rows, obstacle=words)
    if obstacle is None or comparison.obstacle is not None:
        return comparison
    return replace(comparison, rows=tuple(_without_difference(row, obstacle) for row in rows))


def _shown(words: str, tables: Sequence[PeriodTable]) -> str:
    """Keep a number where any of its days has one, and otherwise give why there is none."""
    return words if any(table.stated for table in tables) else tables[-1].status


def _without_difference(row: ComparisonRow, obstacle: str) -> ComparisonRow:
    """Take the difference of potential violations away; those of events stay."""
    return replace(row, difference=None, words=obstacle) if row.name == POTENTIAL_ROW else row


def window_obstacle(given: ReportInput, issue: Issue) -> str | None:
    """Say why potential violations cannot be compared: only two periods wholly under a text can be."""
    windows = [window.span for agreement in given.agreements for window in agreement.windows]
    shares = [_covered_share(windows, periods) for periods in (issue.periods, issue.previous_periods)]
    if shares == [1.0, 1.0]:
        return None
    return NO_WINDOW if shares == [0.0, 0.0] else WINDOWS_DIFFER


def _covered_share(windows: Sequence[TimeSpan], periods: Sequence[Period]) -> float:
    """Give the share of some adjacent days that windows cover; what several cover counts once."""
    start, end = periods[0].span.start, periods[-1].span.end
    shared = (min(window.end, end) - max(window.start, start) for window in union_of_spans(windows))
    return sum((length for length in shared if length > timedelta(0)), timedelta(0)) / (end - start)


def status_notice(status: DayStatus) -> str:
    """Say in a sentence or two what a day's counts lack; nothing where they are whole."""
    notices: dict[DayStatus, str] = {
        "complete": "",
        "incomplete": "Counts are incomplete: not all of this day is assessed and released yet.",
        "not assessed": "Not assessed yet: no counts can be given. This does not mean that it was quiet.",
        "not released": "Not yet released: no counts can be given. This does not mean that it was quiet.",
        "not observed": "Not observed: no source is known to have been watching and no event was recorded. This does "
        "not mean that it was quiet.",
    }
    return notices[status]
