"""Events per hour of a reporting day, with what is dated only to the day kept apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from truceline.model.agreement import TruceWindow
from truceline.model.released import ReleasedEvent
from truceline.report.period import Period, ReportClock

DATED_SPAN_MAX_HOURS = 3.0
"""An event whose time is known no better than this is shown as undated within its day."""


class HourBar(msgspec.Struct, frozen=True, kw_only=True):
    """One hour: its label on the theatre's clock, events that may be contrary to the text, others, and the watch."""

    label: str
    potential_count: int
    other_count: int
    state: str


class WindowShade(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a reporting day that a truce window covers, as shares of the day's length."""

    window_id: str
    label: str
    start_share: float
    end_share: float


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One day's hours, what could not be placed in an hour, and the truce windows; all adds up to `event_count`."""

    period: Period
    hours: tuple[HourBar, ...]
    undated_potential_count: int
    undated_other_count: int
    shades: tuple[WindowShade, ...]
    event_count: int

    def __post_init__(self) -> None:
        """Check that hours and undated add up to all events of the day."""
        hours_count = sum(hour.potential_count + hour.other_count for hour in self.hours)
        parts_count = hours_count + self.undated_potential_count + self.undated_other_count
        assert parts_count == self.event_count, f"hours and undated {parts_count} are not all {self.event_count}"

    @property
    def peak_count(self) -> int:
        """The most events in one hour."""
        return max((hour.potential_count + hour.other_count for hour in self.hours), default=0)


def hour_starts(period: Period) -> tuple[datetime, ...]:
    """List the starts of the hours that make up a day: 24, or 23 or 25 where the clocks changed."""
    return tuple(period.span.start + timedelta(hours=index) for index in range(round(period.duration_hours)))


def hour_label(moment: datetime, clock: ReportClock) -> str:
    """Write the hour's start on the theatre's clock."""
    return f"{clock.local(moment):%H:%M}"


def build_timeline(
    period: Period,
    events: Sequence[ReleasedEvent],
    *,
    states: Sequence[str],
    windows: Sequence[TruceWindow],
    clock: ReportClock,
    is_potential: Callable[[ReleasedEvent], bool],
) -> Timeline:
    """Put each event into the hour of its middle, or beside the hours where its time is known only to the day."""
    starts = hour_starts(period)
    counts = [[0, 0] for _ in starts]
    undated = [0, 0]
    for event in events:
        dated = event.time.duration_s <= DATED_SPAN_MAX_HOURS * 3600.0
        index = int((event.time.middle - period.span.start).total_seconds() // 3600)
        cell = counts[min(index, len(counts) - 1)] if dated else undated
        cell[0 if is_potential(event) else 1] += 1
    hours = tuple(
        HourBar(label=hour_label(start, clock), potential_count=count[0], other_count=count[1], state=state)
        for start, count, state in zip(starts, counts, states, strict=True)
    )
    shades = (_shade(period, window, clock) for window in windows)
    return Timeline(
        period=period,
        hours=hours,
        undated_potential_count=undated[0],
        undated_other_count=undated[1],
        shades=tuple(shade for shade in shades if shade is not None),
        event_count=len(events),
    )


def _shade(period: Period, window: TruceWindow, clock: ReportClock) -> WindowShade | None:
    """Give the part of a day that a window covers, or `None` where they do not meet."""
    start = max(window.span.start, period.span.start)
    end = min(window.span.end, period.span.end)
    if end <= start:
        return None
    whole_s = period.span.duration_s
    until = clock.local(window.span.end)
    since = clock.local(window.span.start)
    return WindowShade(
        window_id=window.window_id,
        label=f"{window.window_id}: {since:%H:%M} {since.day} {since:%b} to {until:%H:%M} {until.day} {until:%b}",
        start_share=(start - period.span.start).total_seconds() / whole_s,
        end_share=(end - period.span.start).total_seconds() / whole_s,
    )
