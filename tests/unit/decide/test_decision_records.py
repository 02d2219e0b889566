"""What a record of a consultation refuses to say, and what laws say of states that no guard lets through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from truceline.decide.consultation import Guarantor, Step, initial
from truceline.decide.invariants import broken_by_state, broken_by_step, is_at_rest
from truceline.model.decision import (
    Clarification,
    CommissionFinding,
    Consultation,
    Decision,
    DossierVersion,
    Founding,
    KeyGrant,
    Mandate,
)
from truceline.model.quantity import TimeSpan
from truceline.testing.consultation_world import START, World, hash_of, walk_to_meeting

BASE: dict[str, Any] = {"case_id": "c", "said_time": START}
VERSION = {"version_index": 1, "dossier_id": "D", "root_sha256": hash_of(1), "status": "draft"}
FINDING = {
    "version_index": 1,
    "outcome": "breach",
    "votes": {"A": "for"},
    "for_count": 1,
    "against_count": 0,
    "abstain_count": 0,
}
MANDATE = {
    "guarantor": "QM",
    "body": "B",
    "instrument": "I",
    "outcome": "refused",
    "for_count": 1,
    "against_count": 1,
    "abstain_count": 0,
    "present_count": 2,
}
DECISION = {
    "guarantor": "QM",
    "outcome": "no",
    "cites_index": 1,
    "cites_sha256": hash_of(1),
    "legal_basis": "law",
}
GRANT = {
    "key_id": "0",
    "public_key": hash_of(3),
    "holder": "A",
    "office": "B",
    "role": "office",
    "organisation": "QM",
    "since": START,
}

WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no text": (Clarification, {"status": "asked", "text": " "}, "text="),
    "no hash": (DossierVersion, {**VERSION, "root_sha256": "ab"}, "root_sha256="),
    "version 0": (DossierVersion, {**VERSION, "version_index": 0}, "version_index=0 is below 1"),
    "a withdrawal without reasons": (DossierVersion, {**VERSION, "status": "withdrawn"}, "reasons are missing"),
    "a stranger's dissent": (CommissionFinding, {**FINDING, "dissents": {"Z": "no"}}, "did not vote"),
    "a tally": (CommissionFinding, {**FINDING, "for_count": 2}, "does not add up"),
    "a request by no state": (Consultation, {"status": "requested", "instrument": "I"}, "ISO 3166-1"),
    "no minutes": (Consultation, {"status": "concluded"}, "minutes_sha256="),
    "no reason": (Consultation, {"status": "lapsed"}, "reason="),
    "votes below 0": (Mandate, {**MANDATE, "for_count": -1}, "below 0"),
    "votes that are lost": (Mandate, {**MANDATE, "present_count": 3}, "does not add up"),
    "a mandate without end": (Mandate, {**MANDATE, "outcome": "granted"}, "span is missing"),
    "kinds of no": (Decision, {**DECISION, "kinds": ("military",)}, "kinds="),
    "another key's id": (KeyGrant, GRANT, "is not that of the public key"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_record_that_contradicts_itself_is_not_built(name: str) -> None:
    """A record checks itself when it is built, and names value and limit."""
    kind, fields, words = WRONG[name]

    with pytest.raises(ValueError, match=words):
        kind(**BASE, **fields)


def test_a_case_needs_two_officers_guarantors_and_limits(tmp_path: Path) -> None:
    """A founding with one officer, no guarantor or a limit outside its range is not built."""
    founding = World(tmp_path / "case").founding
    fields = {name: getattr(founding, name) for name in Founding.__struct_fields__}

    for change, words in (
        ({"guarantors": ()}, "at least one"),
        ({"officers": founding.officers[:1]}, "at least two"),
        ({"reply_hours": 0.0}, "reply_hours=0.0 is outside"),
    ):
        with pytest.raises(ValueError, match=words):
            Founding(**{**fields, **change})


def test_a_record_handed_in_twice_counts_once(tmp_path: Path) -> None:
    """The same record again is refused as being there, and the board stays."""
    world = World(tmp_path / "case")
    walk_to_meeting(world)
    decision = world.decision("QN", "no")
    first, second = (world.submit(decision, world.key("office", "QN")).reason for _ in range(2))

    assert ("", "order: this record is there already") == (first, second)
    assert "no" == world.store.board().guarantors[1].decision


def test_what_is_late_is_shown_as_late(tmp_path: Path) -> None:
    """An acknowledgement, a meeting and the ladder that are overdue are shown so; nothing else changes."""
    world = World(tmp_path / "case")
    walk_to_meeting(world)
    world.find(1, "breach")
    world.release(2)
    service = {"guarantor": "QN", "version_index": 2, "acknowledge_by": world.now}
    from truceline.model.decision import Service

    world.submit(world.record(Service, **service), world.key("secretariat"))
    world.wait(timedelta(hours=100))
    late = [clock.title for clock in world.store.board().clocks if clock.status.startswith("overdue")]

    assert 6 == len(late)
    assert ("response", "warning") == world.store.replayed().state.flags
    world.wait()
    assert ("response", "warning") == world.store.replayed().state.flags


def test_a_mandate_that_begins_later_lets_nothing_start_before(tmp_path: Path) -> None:
    """A measure does not start before the day from which the mandate holds."""
    world = World(tmp_path / "case")
    walk_to_meeting(world)
    later = TimeSpan(start=world.now + timedelta(days=5), end=world.now + timedelta(days=9))
    mandate = world.record(Mandate, **{**MANDATE, "outcome": "granted", "span": later})
    world.submit(mandate, world.key("parliament", "QM"))
    world.decide("QM")
    world.measure("QM", "authorised")
    early = world.measure("QM", "executing")
    world.wait(timedelta(days=6))

    assert "holds only from" in early.reason
    assert "accepted" == world.measure("QM", "executing").verdict


def test_a_key_revoked_later_still_holds_what_it_signed_before(tmp_path: Path) -> None:
    """What a key signed before the time of its loss stays, also after its revocation."""
    from truceline.model.decision import KeyRevocation

    world = World(tmp_path / "case")
    walk_to_meeting(world)
    world.decide("QN", "no")
    world.wait()
    lost = {"key_id": world.key("office", "QN").key_id, "since": world.now, "reason": "lost"}

    assert "accepted" == world.submit(world.record(KeyRevocation, **lost), *world.officers).verdict
    assert "no" == world.store.board().guarantors[1].decision


def test_officers_register_keys_and_sign_nothing_else(tmp_path: Path) -> None:
    """Two officers' signatures under a decision make it no decision."""
    world = World(tmp_path / "case")
    walk_to_meeting(world)

    assert "forged" == world.submit(world.decision("QN"), *world.officers).verdict
    assert "none yet" == world.store.board().guarantors[1].decision


def test_laws_see_what_no_guard_lets_through() -> None:
    """The laws that single faults do not reach are not empty either."""
    own, start = ("office", 0), initial((False,))
    drafted = start._replace(versions=("draft",), findings=("none",))
    loose = Guarantor(False, 0, 1, outcome="no", cites_index=1, decided_by=own)
    machine = Step("release", "machine", version_index=1)
    released = drafted._replace(versions=("released",))
    measured = Guarantor(False, 1, 1, outcome="no", cites_index=1, decided_by=own, measures=("executing",))
    unread = Guarantor(False, 1, 1, notice="delivered")

    assert "I6: no decision cites a draft" == broken_by_state(drafted._replace(guarantors=(loose,)))
    assert "I2" == (broken_by_state(released._replace(guarantors=(measured,))) or "")[:2]
    assert "T4: the machine releases and withdraws nothing" == broken_by_step(drafted, machine, released)
    found = released._replace(findings=("breach",))
    assert "T4: the machine changes no finding" == broken_by_step(released, machine, found)
    before, after = (released._replace(guarantors=(one,)) for one in (unread, unread._replace(notice="none")))
    read = Step("read", "secretariat", -1, 0)
    assert "T2: only a guarantor's own people read its notices" == broken_by_step(before, read, after)
    assert not is_at_rest(start)
    assert is_at_rest(start._replace(phase="concluded"))
    assert not is_at_rest(before._replace(phase="concluded"))
    assert msgspec.json.encode(start)
