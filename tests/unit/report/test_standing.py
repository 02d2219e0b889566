"""Laws of what a report may not say as a number: not assessed, not released, not observed, not comparable."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from truceline.model.agreement import Agreement
from truceline.model.quantity import TimeSpan
from truceline.model.released import Withheld
from truceline.report import DailyReport, ReportInput, build_daily_report, numbers_csv, render_html, render_markdown
from truceline.report.records import Assessment, ClaimRow, WithheldEvent
from truceline.report.tables import kind_rows, leading_kind
from unit.report.conftest import MADE, NOON, an_agreement, an_event

Maker = Callable[..., ReportInput]
PARTIES = ("Northland", "Southland")
NOT_REACHED = (
    Assessment(),
    Assessment(through_time=datetime(2025, 4, 18, 21, tzinfo=UTC)),
    Assessment(through_time=MADE, newer_parts_count=1),
)
CLAIM = ClaimRow(
    claimant="Northland",
    actor="Southland",
    weapon_class="oneway_uav",
    bulletin_count=3,
    launched_count=180.0,
    destroyed_count=None,
)


def an_agreement_over(start: datetime, end: datetime) -> Agreement:
    """Make a text whose only window runs from one time to another."""
    text = an_agreement(PARTIES)
    return replace(text, windows=(replace(text.windows[0], span=TimeSpan(start=start, end=end)),))


def a_delayed_event(middle: datetime) -> WithheldEvent:
    """Make an event that waits for its release."""
    record = Withheld(event_id="event-x", reason="younger than the delay", release_time=middle + timedelta(hours=24))
    return WithheldEvent(record=record, middle_time=middle)


def numbers(report: DailyReport) -> list[dict[str, str]]:
    """Read the table of numbers."""
    return list(csv.DictReader(io.StringIO(numbers_csv(report))))


@pytest.mark.parametrize("assessment", NOT_REACHED)
def test_what_is_not_assessed_is_not_zero(made_up_input: Maker, assessment: Assessment) -> None:
    """A watched day that no run has reached says so first and gives no count, in no table and no comparison."""
    report = build_daily_report(made_up_input(event_count=0, assessment=assessment))

    assert report.summary[0].startswith("Not assessed yet: ")
    assert "run `truceline run`" in report.summary[0]
    assert not any("0 events" in line or "no clear change" in line for line in report.summary)
    assert {row["events"] for row in numbers(report)} == {""}
    assert {row.now for row in report.comparison.rows} == {"not assessed"}
    assert all(row.difference is None for row in report.comparison.rows)
    assert "Not assessed yet: no counts" in render_html(report)
    assert "Not assessed yet: no counts" in render_markdown(report)


@pytest.mark.parametrize("assessment", NOT_REACHED)
def test_counts_of_an_unfinished_run_are_said_to_be_incomplete(made_up_input: Maker, assessment: Assessment) -> None:
    """Events of a day that is not assessed to its end are counted, and neither whole nor compared."""
    report = build_daily_report(made_up_input(assessment=assessment))

    assert report.summary[0].endswith("Counts below are incomplete.")
    assert {table.status for table in report.tables} == {"incomplete"}
    assert all(row.difference is None for row in report.comparison.rows)


def test_an_assessed_day_without_events_is_zero(made_up_input: Maker) -> None:
    """Where all was assessed and somebody watched, no event is a count of zero."""
    report = build_daily_report(made_up_input(event_count=0))

    assert report.summary[0].startswith("Recorded: 0 events")
    assert [row["events"] for row in numbers(report)] == ["0"]


def test_what_is_not_released_is_not_zero(made_up_input: Maker) -> None:
    """A day whose events all wait for their release says how many and until when, and gives no count."""
    waiting = (a_delayed_event(NOON - timedelta(hours=24)),)
    report = build_daily_report(made_up_input(audience="public", event_count=0, withheld=waiting))

    assert report.summary[0].startswith("Not yet released: 1 event of this period, the last of them until 15:00 20 Apr")
    assert not any("previous reporting period" in line or "0 events" in line for line in report.summary)
    assert [(row["status"], row["events"]) for row in numbers(report)] == [("not_released", "")]


def test_events_withheld_from_another_day_do_not_count_here(made_up_input: Maker) -> None:
    """An event that waits in the previous period makes this one's counts no less whole, but not comparable."""
    waiting = (a_delayed_event(NOON - timedelta(hours=48)),)
    report = build_daily_report(made_up_input(event_count=0, withheld=waiting))

    assert report.summary[0].startswith("Recorded: 0 events")
    assert report.withheld == ()
    assert all(row.difference is None for row in report.comparison.rows)


@pytest.mark.parametrize("audience", ["mission", "public"])
def test_claims_are_named_as_claims_and_nobody_watched(made_up_input: Maker, audience: str) -> None:
    """A day of which only claims were received is not observed, and shows what was claimed as claimed."""
    changes = {"event_count": 0, "watches": (), "claims": (CLAIM,)}
    report = build_daily_report(made_up_input(audience=audience, **changes))

    assert report.summary[0].startswith("Not observed")
    assert "not observations" in report.summary[1]
    assert "180 launches claimed" in report.summary[1]
    assert all("Claims of the parties" in page for page in (render_html(report), render_markdown(report)))
    assert "| Northland | Southland | oneway_uav | 3 | 180 | not stated |" in render_markdown(report)


def test_an_event_outside_any_window_is_not_compliant(made_up_input: Maker) -> None:
    """What happened when nothing was agreed stands in a row of its own, and the summary says that nothing was."""
    event = an_event(3, PARTIES)
    outside = replace(event, findings=(replace(event.findings[0], window_id=None),))
    counts = {row.kind: row.event_count for row in kind_rows([outside, event])}
    report = build_daily_report(made_up_input(agreements=()))

    assert leading_kind(outside) == "no_clause_in_force"
    assert (counts["no_clause_in_force"], counts["compliant"]) == (1, 1)
    assert "No agreement in the store was in force in this period." in report.summary


def test_before_a_run_nothing_is_said_of_agreements(made_up_input: Maker) -> None:
    """A store that no run was made over has no agreement yet, which does not say that none was in force."""
    report = build_daily_report(made_up_input(agreements=(), assessment=Assessment()))

    assert not any("in force" in line.lower() for line in report.summary)


@pytest.mark.parametrize(
    ("start", "end", "compared"),
    [
        (date(2025, 4, 1), date(2025, 4, 30), True),
        (date(2025, 4, 19), date(2025, 4, 30), False),
        (date(2025, 4, 18), date(2025, 4, 30), False),
        (date(2025, 4, 1), date(2025, 4, 18), False),
    ],
)
def test_potential_violations_are_compared_only_under_the_same_text(
    made_up_input: Maker, start: date, end: date, *, compared: bool
) -> None:
    """Potential violations of two periods are compared only where a text was in force all of both; events always."""
    begun, ended = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, end))
    watch = replace(
        made_up_input().watches[0], watched=(TimeSpan(start=NOON - timedelta(days=9), end=NOON),), outages=()
    )
    changes = {"agreements": (an_agreement_over(begun, ended),), "watches": (watch,)}
    report = build_daily_report(made_up_input(**changes))
    rows = {row.name: row for row in report.comparison.rows}

    assert rows["Events"].difference is not None
    assert (rows["Potential violations (events)"].difference is not None) == compared
    assert any("the text was not in force for the same time" in line for line in report.summary) != compared
