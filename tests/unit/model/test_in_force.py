"""When texts and steps hold: own time zone, calendar days over clock changes, and what has no date yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from truceline.model.in_force import OPEN_END, InForce, Precondition, Stage, calendar_days_later

KYIV = "Europe/Kyiv"
START = datetime(2015, 3, 28, 22, tzinfo=UTC)
"""Midnight in Kyiv before a night of 23 hours."""


def test_days_are_counted_by_the_calendar_over_a_clock_change() -> None:
    """The day of the clock change has 23 hours in its own zone and 24 in UTC."""
    assert timedelta(hours=23) == calendar_days_later(START, 1.0, KYIV) - START
    assert timedelta(hours=24) == calendar_days_later(START, 1.0, "UTC") - START


def test_a_span_ends_where_it_says_or_after_its_days_or_never() -> None:
    """An end is taken as given, a duration by the calendar, and without either a rule holds until further notice."""
    end = START + timedelta(days=3)
    given = InForce(timezone_name=KYIV, start=START, until=end).span
    counted = InForce(timezone_name=KYIV, start=START, duration_days=30.0).span
    open_ended = InForce(timezone_name=KYIV, start=START).span

    assert given is not None
    assert counted is not None
    assert open_ended is not None
    assert (end, OPEN_END) == (given.end, open_ended.end)
    assert timedelta(hours=30 * 24 - 1) == counted.end - counted.start
    assert InForce(timezone_name=KYIV, trigger="signature").span is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, "start and trigger are both missing"),
        ({"start": START, "until": START}, "is not after"),
        ({"start": START, "until": OPEN_END, "duration_days": 1.0}, "both given"),
        ({"start": START, "duration_days": -1.0}, "duration_days"),
        ({"start": START, "grace_hours": -1.0}, "grace_hours"),
        ({"start": START.astimezone(timezone(timedelta(hours=2)))}, "start=.* is not in UTC"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    """A rule has a start or a trigger, its times are UTC and in order, and it ends once."""
    with pytest.raises(ValueError, match=fault):
        InForce(timezone_name=KYIV, **changes)


def test_a_deadline_counts_days_by_the_calendar_and_hours_by_the_clock() -> None:
    """Fifteen days end at the same clock time, 24 hours 24 hours later, and no limit never."""
    days = Stage(stage_id="s", title="", complete_within_days=1.0, after_days=1.0)
    hours = Stage(stage_id="s", title="", complete_within_hours=24.0, after_hours=24.0, start=START)
    free = Stage(stage_id="s", title="")

    assert START + timedelta(hours=23) == days.deadline(START, KYIV) == days.begins_after(START, KYIV)
    assert START + timedelta(hours=24) == hours.deadline(START, KYIV) == hours.begins_after(START, KYIV)
    assert free.deadline(START, KYIV) is None
    assert START == free.begins_after(START, KYIV)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"after_days": 1.0, "after_hours": 1.0}, "s: after: days and hours are both given"),
        ({"complete_within_days": 1.0, "complete_within_hours": 1.0}, "both given"),
        ({"complete_within_days": -1.0}, "complete_within_days"),
        ({"after_hours": -1.0}, "after_hours"),
        ({"after_stage_id": "s"}, "the stage itself"),
        ({"start": START.astimezone(timezone(timedelta(hours=2)))}, "is not in UTC"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    """A period is given once, a stage does not wait for itself, and its start is UTC."""
    with pytest.raises(ValueError, match=fault):
        Stage(stage_id="s", title="", **changes)


def test_a_precondition_has_a_length_and_something_that_restarts_it() -> None:
    """Without an act that restarts its clock, or with a negative length, a precondition means nothing."""
    made = Precondition(precondition_id="p", title="", quiet_days=7.0, resets_on_acts=("fire",))

    assert 7.0 == made.quiet_days
    with pytest.raises(ValueError, match="resets_on_acts is empty"):
        Precondition(precondition_id="p", title="", quiet_days=7.0, resets_on_acts=())
    with pytest.raises(ValueError, match="quiet_days"):
        Precondition(precondition_id="p", title="", quiet_days=-7.0, resets_on_acts=("fire",))
