"""Which stretch of time an issue covers: from evening to evening, in the theatre's own time zone.

An issue carries the date of the evening on which its information closes. No issue closes on a Sunday; Monday's covers
two days, as two sub-periods. Days on which the clocks change are 23 or 25 hours long, and are counted as such.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from truceline.model.quantity import TimeSpan

MONDAY_INDEX = 0
SUNDAY_INDEX = 6


class ReportClock(msgspec.Struct, frozen=True, kw_only=True):
    """The theatre's way of reading time: its zone and the evening hour at which a reporting day ends."""

    timezone_name: str
    evening_cutoff_hour: float

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone_name)

    def cutoff(self, day: date) -> datetime:
        """Give the moment, in UTC, at which the information of a day closes."""
        minutes = round(self.evening_cutoff_hour * 60)
        evening = datetime.combine(day, time(0), tzinfo=None) + timedelta(minutes=minutes)
        return evening.replace(tzinfo=self.zone).astimezone(UTC)

    def local(self, moment: datetime) -> datetime:
        """Give a moment on the theatre's wall clock."""
        return moment.astimezone(self.zone)

    @property
    def cutoff_label(self) -> str:
        """The cut-off as it is printed, such as 19:30."""
        minutes = round(self.evening_cutoff_hour * 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One reporting day: from the evening before `day` to the evening of `day`."""

    day: date
    span: TimeSpan
    label: str

    @property
    def duration_hours(self) -> float:
        """Length in hours: 24, or 23 or 25 where the clocks changed."""
        return self.span.duration_s / 3600.0

    def holds(self, moment: datetime) -> bool:
        """Say whether a moment lies in this day."""
        return self.span.start <= moment < self.span.end


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One issue of the report: its number in the year, the days it covers, and those of the issue before it."""

    issue_date: date
    number_count: int
    is_supplement: bool
    periods: tuple[Period, ...]
    previous_periods: tuple[Period, ...]

    @property
    def number_year(self) -> int:
        """Year in which the issue is counted: that of the Saturday before for a Sunday's supplement."""
        return (self.issue_date - timedelta(days=self.is_supplement)).year

    @property
    def number_label(self) -> str:
        """Number and year as printed, such as 94/2025; a Sunday's is a supplement to Saturday's."""
        label = f"{self.number_count}/{self.number_year}"
        return f"{label} (Sunday supplement)" if self.is_supplement else label


def period_of(day: date, clock: ReportClock) -> Period:
    """Give the reporting day that ends on the evening of a date."""
    before = day - timedelta(days=1)
    span = TimeSpan(start=clock.cutoff(before), end=clock.cutoff(day))
    return Period(day=day, span=span, label=f"Between the evenings of {_evenings(before, day)}")


def issue_of(issue_date: date, clock: ReportClock) -> Issue:
    """Give the issue whose information closes on the evening of a date."""
    is_sunday = issue_date.weekday() == SUNDAY_INDEX
    days = _days_of(issue_date)
    previous_close = days[0] - timedelta(days=1)
    return Issue(
        issue_date=issue_date,
        number_count=_issues_before_or_on(issue_date - timedelta(days=is_sunday)),
        is_supplement=is_sunday,
        periods=tuple(period_of(day, clock) for day in days),
        previous_periods=tuple(period_of(day, clock) for day in _days_of(previous_close)),
    )


def _days_of(issue_date: date) -> tuple[date, ...]:
    """List the days an issue covers: Monday's covers Sunday too."""
    if issue_date.weekday() == MONDAY_INDEX:
        return issue_date - timedelta(days=1), issue_date
    return (issue_date,)


def _issues_before_or_on(day: date) -> int:
    """Count the days of the year up to a date on which an issue closes, which is every day but Sundays."""
    first = date(day.year, 1, 1)
    days_count = (day - first).days + 1
    sundays_count = (days_count + first.weekday()) // 7
    return days_count - sundays_count


def _evenings(before: date, day: date) -> str:
    """Write two evenings, naming month and year once where they are the same."""
    if (before.year, before.month) == (day.year, day.month):
        return f"{before.day} and {long_date(day)}"
    return f"{long_date(before)} and {long_date(day)}"


def long_date(day: date) -> str:
    """Write a date as 20 April 2025."""
    return f"{day.day} {day:%B} {day.year}"
