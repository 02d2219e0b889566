"""Laws of ids: what is public bears numbers of its issue, and nothing that could be made from a feed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import msgspec
import pytest

from truceline.report import ReportInput, build_daily_report, events_csv, numbers_csv, render_html, render_markdown
from truceline.report.period import ReportClock, issue_of

Maker = Callable[..., ReportInput]


def artefacts(given: ReportInput) -> list[str]:
    """Render every artefact of an issue."""
    report = build_daily_report(given)
    return [render_html(report), render_markdown(report), events_csv(report), numbers_csv(report)]


def test_no_public_artefact_bears_the_id_of_an_event(made_up_input: Maker) -> None:
    """The ids that events have inside the house stand in the mission's table and in nothing that is public."""
    public = artefacts(made_up_input(audience="public"))
    mission = artefacts(made_up_input(audience="mission"))

    assert all(re.search(r"event-\d", content) is None for content in public)
    assert "event-1" in mission[2]


def test_public_artefacts_do_not_depend_on_event_ids(made_up_input: Maker) -> None:
    """With other ids, and so another order of coming, the public issue is the same to the byte."""
    given = made_up_input(audience="public")
    renamed = tuple(
        msgspec.structs.replace(event, record=msgspec.structs.replace(event.record, event_id=f"z{index}"))
        for index, event in enumerate(reversed(given.events))
    )

    assert artefacts(given) == artefacts(msgspec.structs.replace(given, events=renamed))


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2025, 4, 19), "2025-094-0001"),
        (date(2025, 4, 20), "2025-094S-0001"),
        (date(2025, 4, 21), "2025-095-0001"),
    ],
)
def test_public_ids_count_the_events_of_an_issue(made_up_input: Maker, day: date, first: str) -> None:
    """Public ids are the issue's number and 1, 2, 3 ...; a Sunday's supplement shares none with Saturday's issue."""
    ids = [event.event_id or "" for event in build_daily_report(made_up_input(day, audience="public")).events]

    assert ids[0] == first
    assert [int(name[-4:]) for name in ids] == list(range(1, len(ids) + 1))


def test_a_supplement_is_counted_in_the_year_of_its_saturday() -> None:
    """On a Sunday that is New Year's Day the supplement bears number and year of the Saturday before it."""
    clock = ReportClock(timezone_name="Europe/Kyiv", evening_cutoff_hour=19.5)
    saturday, sunday = (issue_of(day, clock) for day in (date(2022, 12, 31), date(2023, 1, 1)))

    assert sunday.number_label == f"{saturday.number_label} (Sunday supplement)"
    assert sunday.number_label.startswith("313/2022")
