"""Clauses, terms and whole texts: each refuses what it cannot mean, and a text finds what it names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from truceline.model.agreement import Agreement, ForceSpan, TruceWindow
from truceline.model.definition import Definition, Reading, TextSource
from truceline.model.in_force import InForce, Stage
from truceline.model.provision import (
    Ceiling,
    ConditionalPermission,
    Duty,
    Exemption,
    Freeze,
    Prohibition,
    Provision,
    ResponseLadder,
    ResponseRung,
    Reversal,
    Verification,
    Withdrawal,
)
from truceline.model.quantity import TimeSpan, canonical_bytes
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import AgreedGeometry, AgreedLine, Belt, GeometryReference, PartyLine

START = datetime(2030, 1, 1, tzinfo=UTC)
SPAN = TimeSpan(start=START, end=START + timedelta(days=1))
RULE = InForce(timezone_name="UTC", start=START)
DRAWN = GeometryReference(file="x.geojson")


def clause(kind: type[Any], **fields: Any) -> Any:
    """Make a clause of a kind."""
    return kind(provision_id="p", article="1", summary="", source_ids=("s",), **fields)


@pytest.mark.parametrize(
    ("kind", "fields", "fault"),
    [
        (Prohibition, {"acts": ()}, "acts is empty"),
        (Withdrawal, {"weapons": None, "zone_ids": ("z",)}, "both missing"),
        (Withdrawal, {"weapons": None, "forces": True, "zone_ids": ()}, "zone_ids is empty"),
        (Ceiling, {"item": "tank", "ceiling_count": -1.0, "zone_ids": ("z",)}, "ceiling_count"),
        (Ceiling, {"item": "tank", "ceiling_count": 1.0, "zone_ids": ()}, "zone_ids is empty"),
        (Freeze, {"positions_as_of": date(2030, 1, 1), "line_id": "l", "tolerance_m": -1.0}, "tolerance_m"),
        (Exemption, {"acts": ("flight",)}, "are all missing"),
        (Exemption, {"acts": ("flight",), "purposes": ("rescue",), "lead_time_hours": -1.0}, "lead_time_hours"),
        (Exemption, {"acts": (), "purposes": ("rescue",), "acknowledgement_needed": True}, "without notification"),
        (ConditionalPermission, {"acts": (), "conditions": ()}, "acts is empty"),
        (Duty, {"task": "t", "due": RULE, "due_within_hours": 1.0}, "give one"),
        (Duty, {"task": "t", "due_within_hours": -1.0}, "due_within_hours"),
        (Duty, {"task": "t", "due_within_days": -1.0}, "due_within_days"),
        (Reversal, {"released_provision_ids": ()}, "released_provision_ids is empty"),
        (Verification, {"body_id": "b", "every_days": 0.0}, "every_days"),
        (ResponseLadder, {"rungs": ()}, "do not rise"),
    ],
)
def test_a_clause_that_cannot_be_is_refused(kind: type[Any], fields: dict[str, Any], fault: str) -> None:
    """A clause says what it is held against, and its numbers can be meant."""
    with pytest.raises(ValueError, match=fault):
        clause(kind, **fields)


def test_rungs_stand_in_order_with_clocks_that_can_be() -> None:
    """Rungs rise from 1 on, each once, and a clock is not negative."""
    first, second = (ResponseRung(rung_index=index, title="", actions=()) for index in (1, 2))

    assert (first, second) == clause(ResponseLadder, rungs=(first, second)).rungs
    with pytest.raises(ValueError, match="do not rise"):
        clause(ResponseLadder, rungs=(second, first))
    with pytest.raises(ValueError, match="rung_index"):
        ResponseRung(rung_index=0, title="", actions=())
    with pytest.raises(ValueError, match="within_hours"):
        ResponseRung(rung_index=1, title="", actions=(), within_hours=-1.0)


@pytest.mark.parametrize(
    "made",
    [
        clause(Prohibition, acts=("fire",)),
        clause(Withdrawal, weapons=WeaponTerm(title="any"), zone_ids=("z",)),
        clause(Ceiling, item="tank", ceiling_count=75.0, zone_ids=("z",)),
        clause(Freeze, positions_as_of=date(2014, 9, 19), line_id="l"),
        clause(Exemption, acts=("flight",), notification_needed=True, acknowledgement_needed=True),
        clause(ConditionalPermission, acts=("return_fire",), conditions=("ordered",)),
        clause(Duty, task="map mines", due_within_days=27.0),
        clause(Reversal, released_provision_ids=("q",)),
        clause(Verification, body_id="b", every_days=14.0),
        clause(ResponseLadder, rungs=(ResponseRung(rung_index=1, title="", actions=(), within_hours=24.0),)),
    ],
)
def test_every_clause_is_read_back_as_its_kind(made: Provision) -> None:
    """The kind of a clause is written with it."""
    assert made == msgspec.json.decode(canonical_bytes(made), type=Provision)


@pytest.mark.parametrize(
    ("standing", "reading_count", "sound"),
    [
        ("defined", 1, True),
        ("defined", 2, False),
        ("disputed", 2, True),
        ("disputed", 1, False),
        ("undefined", 1, False),
    ],
)
def test_a_term_has_the_readings_of_its_standing(standing: Any, reading_count: int, sound: bool) -> None:
    """A defined term has at most one reading, a disputed one at least two, and one that nobody defined none."""
    readings = tuple(Reading(reading_id=str(index), statement="") for index in range(reading_count))
    given: dict[str, Any] = {"definition_id": "d", "term": "", "statement": "", "source_ids": ("s",)}

    if sound:
        assert readings == Definition(standing=standing, readings=readings, **given).readings
    else:
        with pytest.raises(ValueError, match="readings are outside"):
            Definition(standing=standing, readings=readings, **given)


def text(**changes: Any) -> Agreement:
    """Make a text with one clause, changed as asked."""
    given: dict[str, Any] = {
        "agreement_id": "t",
        "version": "1",
        "title": "",
        "theatre_id": "t",
        "parties": ("A", "B"),
        "sources": (TextSource(source_id="s", title=""),),
        "provisions": (clause(Prohibition, acts=("fire",)),),
        "in_force": RULE,
    }
    return Agreement(**(given | changes))


def window(window_id: str) -> TruceWindow:
    """Make a window of a day."""
    return TruceWindow(
        window_id=window_id, span=SPAN, declared_by="A", accepted_by_other="no", scope="", covered_domain_ids=()
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"parties": ("A", "A")}, "one and the same"),
        ({"version_by": "C"}, "version_by='C'"),
        ({"in_force": None}, "both missing"),
    ],
)
def test_a_text_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    """A text is between two parties, a version is one of theirs, and it is said when the text holds."""
    with pytest.raises(ValueError, match=fault):
        text(**changes)


def test_a_clause_holds_in_its_own_span_else_in_its_windows_else_with_the_text() -> None:
    """The narrower rule goes before the wider, and a text that has no date yet holds nowhere."""
    own = InForce(timezone_name="UTC", start=START + timedelta(days=5))
    plain, windowed = clause(Prohibition, acts=("fire",)), clause(Prohibition, acts=("fire",), window_ids=("w",))
    with_own = clause(Prohibition, acts=("fire",), in_force=own, window_ids=("w",))
    both = text(windows=(window("w"), window("v")), version_by="A")
    windows_only = text(windows=(window("w"), window("v")), in_force=None)
    undated = text(in_force=InForce(timezone_name="UTC", trigger="signature"))

    assert own.span is not None
    assert RULE.span is not None
    assert (ForceSpan(span=own.span),) == both.spans_of(with_own)
    assert (ForceSpan(span=SPAN, window_id="w"),) == both.spans_of(windowed)
    assert (ForceSpan(span=RULE.span),) == both.spans_of(plain)
    assert ["w", "v"] == [span.window_id for span in windows_only.spans_of(plain)]
    assert () == undated.spans_of(plain)


def test_a_text_finds_what_it_names() -> None:
    """Everything named is found by its id, and what is not there is `None`."""
    line, zone = AgreedLine(line_id="l", title="", drawn=DRAWN), Belt(zone_id="z", width_total_m=2.0)
    stage = Stage(stage_id="g", title="")
    term = Definition(definition_id="d", term="", statement="", standing="undefined", source_ids=("s",))
    drawn = AgreedGeometry(
        reference=DRAWN, kind="line", wkb=b"", vertex_count=2, sigma_m=0.0, approximate=False, file_sha256=""
    )
    whole = text(
        lines=(line,),
        zones=(zone,),
        stages=(stage,),
        definitions=(term,),
        geometries=(drawn,),
        reference_lines=(PartyLine(party="A", line_id="l"),),
    )

    assert (zone, line, stage, term) == (whole.zone("z"), whole.line("l"), whole.stage("g"), whole.definition("d"))
    assert (whole.provisions[0], drawn) == (whole.provision("p"), whole.geometry(DRAWN))
    assert line == whole.reference_line_of("A")
    assert {None} == {
        whole.zone("x"),
        whole.line("x"),
        whole.stage("x"),
        whole.definition("x"),
        whole.provision("x"),
        whole.geometry(GeometryReference(file="y.geojson")),
        whole.reference_line_of("B"),
    }
    assert whole == msgspec.json.decode(canonical_bytes(whole), type=Agreement)
