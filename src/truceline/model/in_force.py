"""When a text holds: its span in its own time zone, stages with deadlines, preconditions whose clock restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from truceline.model.conduct import ActKind
from truceline.model.quantity import TimeSpan, require_between, require_utc

OPEN_END = datetime(2200, 1, 1, tzinfo=UTC)
"""Stands for "until further notice": the end of a span that has none."""

PERIOD_MOST_DAYS = 36_525.0
"""Longest period that can be meant."""


def calendar_days_later(moment: datetime, days: float, timezone_name: str) -> datetime:
    """Give the same clock time so many days later in a time zone, in UTC: a day may have 23 or 25 hours."""
    local = moment.astimezone(ZoneInfo(timezone_name))
    return (local + timedelta(days=days)).astimezone(UTC)


def _require_period(name: str, days: float | None, hours: float | None) -> None:
    if days is not None and hours is not None:
        raise ValueError(f"{name}: days and hours are both given")
    if days is not None:
        require_between(f"{name}_days", days, 0.0, PERIOD_MOST_DAYS)
    if hours is not None:
        require_between(f"{name}_hours", hours, 0.0, 24.0 * PERIOD_MOST_DAYS)


class InForce(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When something holds: [start, until) in UTC, with the time zone in which the text counts days.

    Without `until` it lasts `duration_days` calendar days from the start, and without either until further notice.
    `trigger` names the occurrence that starts it; before somebody dates it, `start` is `None` and nothing is in force.
    `grace_hours` is how long after the start the parties had to carry out what they agreed.
    """

    timezone_name: str
    start: datetime | None = None
    until: datetime | None = None
    duration_days: float | None = None
    trigger: str = ""
    extension: Literal["none", "by_agreement", "automatic"] = "none"
    grace_hours: float = 0.0

    def __post_init__(self) -> None:
        """Check times, order, length and that a start or what triggers it is known."""
        require_between("grace_hours", self.grace_hours, 0.0, 24.0 * PERIOD_MOST_DAYS)
        for name, moment in (("start", self.start), ("until", self.until)):
            if moment is not None:
                require_utc(name, moment)
        if self.start is None and not self.trigger:
            raise ValueError("start and trigger are both missing")
        if self.until is not None and self.duration_days is not None:
            raise ValueError("until and duration_days are both given")
        if self.duration_days is not None:
            require_between("duration_days", self.duration_days, 0.0, PERIOD_MOST_DAYS)
        if self.start is not None and self.until is not None and self.until <= self.start:
            raise ValueError(f"until={self.until.isoformat()} is not after start={self.start.isoformat()}")

    @property
    def span(self) -> TimeSpan | None:
        """The span in UTC, or `None` where what triggers it has no date yet."""
        if self.start is None:
            return None
        end = self.until or OPEN_END
        if self.duration_days is not None:
            end = calendar_days_later(self.start, self.duration_days, self.timezone_name)
        return TimeSpan(start=self.start, end=end)


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of a schedule: when it starts, and by when what belongs to it must be done.

    It starts at `start`, or `after_days` or `after_hours` after the end of `after_stage_id` (of none: after the text's
    own start, or after its precondition was met where it has one). Before the deadline its weapons may still be where
    they were; after it they may not.
    """

    stage_id: str
    title: str
    start: datetime | None = None
    after_stage_id: str | None = None
    after_days: float | None = None
    after_hours: float | None = None
    complete_within_days: float | None = None
    complete_within_hours: float | None = None
    precondition_id: str | None = None

    def __post_init__(self) -> None:
        """Check that periods are given once each and that a stage does not wait for itself."""
        _require_period(f"{self.stage_id}: after", self.after_days, self.after_hours)
        _require_period(f"{self.stage_id}: complete_within", self.complete_within_days, self.complete_within_hours)
        if self.start is not None:
            require_utc("start", self.start)
        if self.after_stage_id == self.stage_id:
            raise ValueError(f"{self.stage_id}: after_stage_id is the stage itself")

    def deadline(self, start: datetime, timezone_name: str) -> datetime | None:
        """Give by when the stage must be complete if it started then, or `None` where the text gives no time."""
        if self.complete_within_hours is not None:
            return start + timedelta(hours=self.complete_within_hours)
        if self.complete_within_days is not None:
            return calendar_days_later(start, self.complete_within_days, timezone_name)
        return None

    def begins_after(self, moment: datetime, timezone_name: str) -> datetime:
        """Give when the stage starts if what it waits for came about at a moment."""
        if self.after_hours is not None:
            return moment + timedelta(hours=self.after_hours)
        return calendar_days_later(moment, self.after_days or 0.0, timezone_name)


class Precondition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must have held for a time before something starts: no such acts, in each zone by itself or anywhere.

    Every act named restarts the clock. `quiet_days` counts calendar days in the text's time zone.
    """

    precondition_id: str
    title: str
    quiet_days: float
    resets_on_acts: tuple[ActKind, ...]
    zone_ids: tuple[str, ...] = ()
    each_zone_alone: bool = False

    def __post_init__(self) -> None:
        """Check the period and that something restarts the clock."""
        require_between("quiet_days", self.quiet_days, 0.0, PERIOD_MOST_DAYS)
        if not self.resets_on_acts:
            raise ValueError(f"{self.precondition_id}: resets_on_acts is empty")
