"""Event against agreement: the window's share of the time span, the clause, and what is lacking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.made import DAY, event_lists, events
from laws.test_findings import AGREEMENT
from truceline.assess.assess_columns import Assessor
from truceline.assess.compile_stack import compile_texts
from truceline.assess.findings import (
    CERTAINTY_KNOWN_PROBABILITY,
    CERTAINTY_SUSPECTED_PROBABILITY,
    LACKING_CAUSE,
    LACKING_OCCURRENCE,
    REASON_NO_WINDOW,
    REASON_NOT_ENERGY,
    REASON_WITHDRAWN,
    assess_events,
    overlap_probability,
)
from truceline.model.agreement import Agreement
from truceline.model.definition import Definition
from truceline.model.event import Event
from truceline.model.finding import Compliant, Finding, Indeterminate, PotentialViolation
from truceline.model.provision import Duty
from truceline.model.quantity import TimeSpan

INSIDE = TimeSpan(start=DAY + timedelta(hours=1), end=DAY + timedelta(hours=1))
OUTSIDE = TimeSpan(start=DAY - timedelta(hours=1), end=DAY - timedelta(hours=1))

spans = st.builds(
    lambda start_h, length_h: TimeSpan(
        start=DAY + timedelta(hours=start_h), end=DAY + timedelta(hours=start_h + length_h)
    ),
    st.integers(-48, 48),
    st.integers(0, 48),
)


def made(span: TimeSpan, **changes: object) -> Event:
    """Give an explosion at a time, changed as asked."""
    return msgspec.structs.replace(EXPLOSION, origin_time=span, **changes)


def assess_event(event: Event, agreement: Agreement) -> list[Finding]:
    """Give the findings about one event under one text."""
    return assess_events([event], Assessor(compile_texts([agreement])))


EXPLOSION: Event = msgspec.json.decode(
    b'{"event_id":"made","revision_index":0,"supersedes_revision_index":null,"event_type":"explosion",'
    b'"event_type_certainty":"known","evaluation_mode":"automatic","evaluation_status":"preliminary",'
    b'"origin_time":{"start":"2025-04-19T00:00:00Z","end":"2025-04-19T00:00:00Z"},'
    b'"origin_position":{"latitude_deg":48,"longitude_deg":37,"sigma_m":400},"place_name":"","place_is_region":false,'
    b'"energy_object":false,"signature_count":{"low_count":1,"high_count":1},"observed_as":"impact",'
    b'"associations":[{"observation_id":"o","observation_kind":"patrol_report","source_id":"s","distance_m":0,'
    b'"time_residual_s":0,"defining":true}]}',
    type=Event,
)


@given(span=spans, window=spans)
def test_overlap_is_the_share_of_the_span_inside_the_window(span: TimeSpan, window: TimeSpan) -> None:
    """Inside, outside and the two sides of an edge add up to the whole."""
    inside = overlap_probability(span, window)
    before = overlap_probability(span, TimeSpan(start=datetime(2000, 1, 1, tzinfo=UTC), end=window.start))
    after = overlap_probability(span, TimeSpan(start=window.end, end=datetime(2100, 1, 1, tzinfo=UTC)))

    assert inside + before + after == pytest.approx(1.0)


def test_a_report_of_a_day_that_the_window_covers_in_part_is_likely_in_part() -> None:
    """A whole local day of which the window covers 21 of 24 hours was inside with 7/8, times what the type allows."""
    span = TimeSpan(start=DAY - timedelta(hours=3), end=DAY + timedelta(hours=21))
    finding, _ = assess_event(made(span, event_type="attack", event_type_certainty="suspected"), AGREEMENT)

    assert isinstance(finding, PotentialViolation)
    assert finding.probability == pytest.approx(0.875 * CERTAINTY_SUSPECTED_PROBABILITY)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (made(OUTSIDE), REASON_NO_WINDOW),
        (made(INSIDE, evaluation_status="rejected"), REASON_WITHDRAWN),
    ],
)
def test_what_no_clause_touches_is_in_keeping(event: Event, reason: str) -> None:
    """Outside every window, or withdrawn, an event is in keeping with every clause, and the reason says why."""
    findings = assess_event(event, AGREEMENT)

    assert [reason, reason] == [finding.reason for finding in findings if isinstance(finding, Compliant)]


def test_the_energy_clause_touches_energy_objects_only() -> None:
    """The same explosion may be contrary to one clause and in keeping with another."""
    fire, energy = assess_event(made(INSIDE), AGREEMENT)
    _, touched = assess_event(made(INSIDE, energy_object=True), AGREEMENT)

    assert isinstance(fire, PotentialViolation)
    assert isinstance(energy, Compliant)
    assert energy.reason == REASON_NOT_ENERGY
    assert isinstance(touched, PotentialViolation)
    assert touched.probability == CERTAINTY_KNOWN_PROBABILITY


@pytest.mark.parametrize(("event_type", "lacking"), [("fire", LACKING_CAUSE), ("not reported", LACKING_OCCURRENCE)])
def test_what_cannot_be_assessed_names_what_is_lacking(event_type: str, lacking: str) -> None:
    """A bare fire may be any fire; something not reported may be anything."""
    finding, _ = assess_event(made(INSIDE, event_type=event_type), AGREEMENT)

    assert isinstance(finding, Indeterminate)
    assert (lacking,) == finding.lacking


def test_an_event_across_two_windows_belongs_to_the_likelier() -> None:
    """Probabilities of windows add up; the window named is the one it most probably fell into."""
    second = msgspec.structs.replace(
        AGREEMENT.windows[0],
        window_id="second",
        span=TimeSpan(start=DAY + timedelta(hours=30), end=DAY + timedelta(hours=60)),
    )
    agreement = msgspec.structs.replace(AGREEMENT, windows=(*AGREEMENT.windows, second))
    finding, _ = assess_event(made(TimeSpan(start=DAY + timedelta(hours=28), end=DAY + timedelta(hours=33))), agreement)

    assert isinstance(finding, PotentialViolation)
    assert (finding.window_id, finding.probability) == ("second", pytest.approx(CERTAINTY_KNOWN_PROBABILITY))


@given(span=spans, windows=st.lists(spans, min_size=1, max_size=4), cut_h=st.integers(1, 24))
def test_time_that_several_windows_cover_counts_once(span: TimeSpan, windows: list[TimeSpan], cut_h: int) -> None:
    """A window given twice, or in two overlapping parts, changes no probability; it is the share of covered hours."""
    parts = [
        TimeSpan(start=one.start + timedelta(hours=start_h), end=one.start + timedelta(hours=end_h))
        for one in windows
        for length_h in [round(one.duration_s / 3_600.0)]
        for start_h, end_h in [(0, min(cut_h, length_h)), (min(cut_h // 2, length_h), length_h)]
    ]
    inside = [_inside_probability(span, given_windows) for given_windows in (windows, [*windows, *windows], parts)]
    covered = [
        any(window.start <= span.start + timedelta(hours=hour) < window.end for window in windows)
        for hour in range(max(1, round(span.duration_s / 3_600.0)))
    ]

    assert inside == pytest.approx([sum(covered) / len(covered)] * 3)


def _inside_probability(span: TimeSpan, windows: list[TimeSpan]) -> float:
    """Give the probability that a known explosion is said to have been inside any of the windows."""
    given_windows = tuple(
        msgspec.structs.replace(AGREEMENT.windows[0], window_id=f"w{index}", span=window)
        for index, window in enumerate(windows)
    )
    finding, _ = assess_event(made(span), msgspec.structs.replace(AGREEMENT, windows=given_windows))
    return finding.probability / CERTAINTY_KNOWN_PROBABILITY if isinstance(finding, PotentialViolation) else 0.0


def test_a_clause_is_held_against_its_own_windows_only() -> None:
    """A clause that names windows is not in force in the others; one that names none is in force in all."""
    second = msgspec.structs.replace(
        AGREEMENT.windows[0],
        window_id="second",
        span=TimeSpan(start=DAY + timedelta(hours=40), end=DAY + timedelta(hours=60)),
    )
    fire = AGREEMENT.provisions[0]
    agreement = msgspec.structs.replace(
        AGREEMENT,
        windows=(*AGREEMENT.windows, second),
        provisions=(fire, msgspec.structs.replace(fire, provision_id="made.second", window_ids=("second",))),
    )
    of_all, of_second = assess_event(made(INSIDE), agreement)
    late = TimeSpan(start=second.span.start, end=second.span.start)

    assert (of_all.window_id, of_second.window_id) == ("made", None)
    assert isinstance(of_second, Compliant)
    assert of_second.reason == REASON_NO_WINDOW
    assert ["second", "second"] == [finding.window_id for finding in assess_event(made(late), agreement)]


@given(record=events)
def test_a_finding_names_event_revision_text_and_clause(record: Event) -> None:
    """Whatever it says, a finding can be traced to what it was made from."""
    for finding, provision in zip(assess_event(record, AGREEMENT), AGREEMENT.provisions, strict=True):
        assert (record.event_id, record.revision_index) == (finding.event_id, finding.event_revision_index)
        assert (AGREEMENT.version, provision.provision_id) == (finding.agreement_version, finding.provision_id)


@given(records=event_lists)
def test_different_findings_have_different_ids(records: list[Event]) -> None:
    """An id names one event revision and one clause."""
    ids = [finding.finding_id for record in records for finding in assess_event(record, AGREEMENT)]

    assert len(set(ids)) == len(ids)


def test_a_clause_that_asks_for_more_than_an_event_says_is_not_guessed() -> None:
    """A zone that nobody described is lacking, and so is a term that nobody defined; duties are not about events."""
    term = Definition(definition_id="d", term="offensive", statement="", standing="undefined", source_ids=("made",))
    fire = AGREEMENT.provisions[0]
    named: dict[str, Any] = {"article": "3", "summary": "", "source_ids": ("made",)}
    provisions = (
        msgspec.structs.replace(fire, provision_id="made.term", definition_ids=("d",)),
        msgspec.structs.replace(fire, provision_id="made.zone", zone_ids=("z",)),
        Duty(provision_id="made.duty", task="map mines", **named),
    )
    agreement = msgspec.structs.replace(AGREEMENT, provisions=provisions, definitions=(term,))
    findings = assess_event(made(INSIDE), agreement)

    assert [("offensive (undefined)",), ("zone z, which no layer here describes",)] == [
        finding.lacking for finding in findings if isinstance(finding, Indeterminate)
    ]
