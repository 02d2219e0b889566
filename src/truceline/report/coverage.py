"""Who watched in which hour; an hour that nobody is known to have watched is never shown as quiet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from truceline.model.quantity import TimeSpan
from truceline.report.period import Period, ReportClock
from truceline.report.records import Coverage, CoverageRow, SourceWatch
from truceline.report.timeline import hour_label, hour_starts

WATCHED = "watched"
NOT_WATCHED = "not watched"
NOT_KNOWN = "not known"

HOUR = timedelta(hours=1)


def build_coverage(period: Period, watches: Sequence[SourceWatch], clock: ReportClock) -> Coverage:
    """Give one word per source and hour of a day, and the same for all sources together."""
    starts = hour_starts(period)
    rows = tuple(_row(watch, starts) for watch in sorted(watches, key=lambda watch: watch.source_id))
    together = tuple(_together([row.states[index] for row in rows]) for index in range(len(starts)))
    outages = (_outage_words(watch, period, clock) for watch in watches)
    return Coverage(
        period=period,
        hour_labels=tuple(hour_label(start, clock) for start in starts),
        rows=rows,
        any_states=together,
        outages=tuple(sorted(words for listed in outages for words in listed)),
        day_titles=tuple(sorted({watch.title for watch in watches if _reported_day(watch, period)})),
    )


def _reported_day(watch: SourceWatch, period: Period) -> bool:
    """Say whether a source reported on a day without naming an hour; as for events, the middle of the time decides."""
    return any(period.holds(span.middle) for span in watch.day_dated)


def _row(watch: SourceWatch, starts: Sequence[datetime]) -> CoverageRow:
    """Give one source's words."""
    states = tuple(_state(watch, start) for start in starts)
    return CoverageRow(
        title=watch.title,
        source_id=watch.source_id,
        states=states,
        watched_count=states.count(WATCHED),
        not_watched_count=states.count(NOT_WATCHED),
        not_known_count=states.count(NOT_KNOWN),
    )


def _state(watch: SourceWatch, start: datetime) -> str:
    """Say what is known of one source in one hour; dark for more than half of it means not watched."""
    end = start + HOUR
    dark = sum((_overlap(outage.span, start, end) for outage in watch.outages), timedelta(0))
    if dark > HOUR / 2:
        return NOT_WATCHED
    if any(_touches(span, start, end) for span in watch.watched):
        return WATCHED
    return NOT_KNOWN


def _together(states: Sequence[str]) -> str:
    """Say what is known of all sources in one hour."""
    if WATCHED in states:
        return WATCHED
    return NOT_WATCHED if states and all(state == NOT_WATCHED for state in states) else NOT_KNOWN


def _overlap(span: TimeSpan, start: datetime, end: datetime) -> timedelta:
    """Give how much of an hour a span covers."""
    return max(min(span.end, end) - max(span.start, start), timedelta(0))


def _touches(span: TimeSpan, start: datetime, end: datetime) -> bool:
    """Say whether a span, or an instant, lies in an hour at least in part."""
    return span.start < end and (span.end > start or span.start >= start)


def _outage_words(watch: SourceWatch, period: Period, clock: ReportClock) -> list[str]:
    """Write each outage of a day in one line."""
    listed = []
    for outage in watch.outages:
        if outage.span.start < period.span.end and outage.span.end > period.span.start:
            start, end = clock.local(outage.span.start), clock.local(outage.span.end)
            since = f"{start:%H:%M} {start.day} {start:%B}"
            until = f"{end:%H:%M} {end.day} {end:%B}"
            listed.append(f"{watch.title}: not watching from {since} to {until} ({outage.reason})")
    return listed
