"""Records in, a board out: what holds, what is refused, what is forged, at any moment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from truceline.adapters.consultations import JOURNAL_NAME, RECORD_KIND, REJECTION_KIND, ConsultationStore
from truceline.adapters.office_keys import OfficeKey, sign_record
from truceline.adapters.stores.journal import JournalEntry
from truceline.model.decision import (
    CommissionFinding,
    DossierVersion,
    KeyGrant,
    KeyRevocation,
    Notice,
    Signature,
    SignedRecord,
    record_id,
)
from truceline.model.quantity import canonical_bytes
from truceline.testing.consultation_world import World, hash_of, seed_of, walk_to_meeting


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a case whose consultation met."""
    made = World(tmp_path / "case")
    walk_to_meeting(made)
    return made


def row_of(world: World, code: str) -> Any:
    """Give a guarantor's row of the board now."""
    return next(one for one in world.store.board().guarantors if one.guarantor == code)


def write_row(world: World, content: bytes, *, kind: str = RECORD_KIND, name: str = "dcn-direct") -> None:
    """Write a row into the database, past the program's own checks."""
    world.store._journal.append([JournalEntry(record_kind=kind, record_id=name, schema_name="x", body=content)])


def test_a_decision_shows_who_signed_it(world: World) -> None:
    """A decision that is signed by an office-holder after the own constitutional step stands with its signer."""
    assert "refused" == world.decide("QM").verdict
    assert "accepted" == world.mandate("QM").verdict
    assert "accepted" == world.decide("QM").verdict
    row = row_of(world, "QM")

    assert ("assist", ("Office holder of QM, office of QM",)) == (row.decision, row.signed_by)
    assert ("logistical", "intelligence") == row.kinds


def forgeries(world: World) -> dict[str, SignedRecord]:
    """Give decisions that no office-holder of the state signed, each by another way."""
    decision = world.decision("QN")
    other = world.decision("QN", legal_basis="made-up law 4")
    office, stranger = world.key("office", "QN"), OfficeKey(seed_of("a stranger"))
    good = office.sign(decision)
    named = Signature(key_id=office.key_id, signature=stranger.sign(decision).signature)
    return {
        "unsigned": SignedRecord(record=decision),
        "stranger": sign_record(decision, stranger),
        "stranger under the office's key id": SignedRecord(record=decision, signatures=(named,)),
        "signature of another decision": SignedRecord(record=other, signatures=(good,)),
        "no hexadecimal": SignedRecord(record=decision, signatures=(Signature(key_id=good.key_id, signature="zz"),)),
        "one good and one bad": SignedRecord(record=decision, signatures=(good, named)),
        "another case": sign_record(msgspec.structs.replace(decision, case_id="made-up-2"), office),
        "secretariat for a silent state": sign_record(decision, world.key("secretariat")),
        "liaison": sign_record(decision, world.key("liaison", "QN")),
        "parliament": sign_record(decision, world.key("parliament", "QN")),
        "another state": sign_record(decision, world.key("office", "QM")),
        "an officer who registers keys": sign_record(decision, world.officers[0]),
    }


FORGERIES = (
    "unsigned",
    "stranger",
    "stranger under the office's key id",
    "signature of another decision",
    "no hexadecimal",
    "one good and one bad",
    "another case",
    "secretariat for a silent state",
    "liaison",
    "parliament",
    "another state",
    "an officer who registers keys",
)


@pytest.mark.parametrize("way", ["handed in", "written into the database", "kept as a rejection"])
@pytest.mark.parametrize("name", FORGERIES)
def test_no_decision_stands_without_its_office_holder(world: World, name: str, way: str) -> None:
    """Whatever is handed in or written into the database unsigned by the office-holder is shown and has no effect."""
    content = canonical_bytes(forgeries(world)[name])
    if way == "handed in":
        world.store.submit(content)
    else:
        write_row(world, content, kind=RECORD_KIND if way == "written into the database" else REJECTION_KIND)
    board = world.store.board()

    assert "none yet" == row_of(world, "QN").decision
    assert "forged" == board.without_effect[-1].verdict
    assert board.without_effect[-1].reason


def test_what_is_handed_in_unsigned_is_kept_and_said(world: World) -> None:
    """An unsigned decision is shown as forged, stays in the journal with its text, and the signed one still counts."""
    decision = world.decision("QN")
    judged = world.submit(decision)
    kept = [row for row in world.store._journal.rows() if row.record_kind == REJECTION_KIND]

    assert ("forged", "unsigned: no signature of a registered key") == (judged.verdict, judged.reason)
    assert b"made-up law 3" in kept[-1].body
    assert "accepted" == world.submit(decision, world.key("office", "QN")).verdict


def test_a_key_that_one_officer_signs_is_none(world: World) -> None:
    """A key counts once two officers of two organisations registered it, and a second grant changes nothing."""
    stranger = OfficeKey(seed_of("a stranger"))
    grant = world.record(
        KeyGrant,
        key_id=stranger.key_id,
        public_key=stranger.public_key,
        holder="A Stranger",
        office="minister",
        role="office",
        organisation="QN",
        since=world.now,
    )
    world.officers.append(stranger)
    write_row(world, canonical_bytes(sign_record(grant, world.officers[0], stranger)))

    assert "forged" == world.store.board().without_effect[-1].verdict
    assert "forged" == world.submit(world.decision("QN"), stranger).verdict
    assert "accepted" == world.submit(grant, *world.officers[:2]).verdict
    again = msgspec.structs.replace(grant, holder="Another Name")
    assert "refused" == world.submit(again, *world.officers[:2]).verdict
    early = world.submit(msgspec.structs.replace(world.decision("QN"), said_time=grant.since - timedelta(1)), stranger)
    assert ("forged", True) == (early.verdict, "holds only since" in early.reason)


def test_a_revoked_key_voids_what_it_signed_since(world: World) -> None:
    """What a key signed since its loss is forged, also what was believed before, and nothing of it is taken later."""
    world.decide("QN", "no")
    office = world.key("office", "QN")
    since = world.now - timedelta(minutes=1)
    revocation = world.record(KeyRevocation, key_id=office.key_id, since=since, reason="stolen")

    assert "forged" == world.submit(revocation, world.officers[0]).verdict
    assert "no" == row_of(world, "QN").decision
    before = world.now
    world.wait()
    assert "accepted" == world.submit(revocation, *world.officers).verdict
    assert "none yet" == row_of(world, "QN").decision
    assert "no" == world.store.board(before).guarantors[1].decision
    old = msgspec.structs.replace(world.decision("QN"), said_time=since - timedelta(hours=1))
    assert "forged" == world.submit(old, office).verdict


def test_rows_that_were_altered_or_moved_are_forged(world: World) -> None:
    """A row whose bytes or time were changed in the database is shown as forged and hides no other row."""
    world.decide("QN", "no")
    path = world.folder / JOURNAL_NAME
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER record_no_update")
    last = "(SELECT max(sequence) FROM record)"
    change = "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), 'law 3', 'law 9') AS BLOB) WHERE sequence = "
    connection.execute(change + last)
    connection.close()
    write_row(world, b"\xff", kind="consultation.strange")
    write_row(world, b"{}", kind=REJECTION_KIND)
    write_row(world, b" " + canonical_bytes(SignedRecord(record=world.decision("QM"))))
    back = sign_record(world.decision("QM", "no"), world.key("office", "QM"))
    connection = apsw.Connection(str(path))
    write_row(world, canonical_bytes(back))
    connection.execute(f"UPDATE record SET logged_time_us = logged_time_us - 3600000000 WHERE sequence = {last}")  # noqa: S608 - our own text
    connection.close()
    reasons = [row.reason for row in world.store.board().without_effect if row.verdict == "forged"]

    assert "none yet" == row_of(world, "QN").decision
    assert "none yet" == row_of(world, "QM").decision
    assert 5 == len(reasons)
    assert {"the row's bytes are not what was written", "the row is out of the order of time"} < set(reasons)


def test_a_refused_record_does_not_come_back(world: World) -> None:
    """A signed record that was refused has no effect later, also when somebody writes it into the database."""
    decision = sign_record(world.decision("QM"), world.key("office", "QM"))
    world.store.submit(canonical_bytes(decision))
    world.mandate("QM")
    write_row(world, canonical_bytes(decision), name=record_id(decision.record))

    assert "none yet" == row_of(world, "QM").decision


def test_boards_of_the_past_stay_as_they_were(tmp_path: Path) -> None:
    """The board as of any moment has the same bytes later, after more records, rejections and a restart."""
    world = World(tmp_path / "case")
    taken = []
    for code in ("walk", "QM", "QN"):
        walk_to_meeting(world) if code == "walk" else world.decide(code, "no")
        taken.append((world.now, canonical_bytes(world.store.board())))
        world.wait(timedelta(hours=20))
        taken.append((world.now, canonical_bytes(world.store.board())))
    world.release(2)
    world.submit(world.decision("QN"))
    world.restart()
    moments = [row.logged_time for row in world.store.replayed().rows]
    twice = [canonical_bytes(world.store.board(moment)) for moment in moments for _ in range(2)]

    assert [board for _, board in taken] == [canonical_bytes(world.store.board(moment)) for moment, _ in taken]
    assert twice[::2] == twice[1::2]


def test_a_correction_flags_every_decision_and_stops_what_is_new(world: World) -> None:
    """After a correction each guarantor has a notice and an open review; nothing starts before its own people spoke."""
    world.mandate("QM")
    for code in ("QM", "QN"):
        world.decide(code)
        world.measure(code, "authorised")
    world.measure("QN", "executing")
    world.release(2)
    rows = world.store.board().guarantors

    assert [True, True] == [row.is_flagged for row in rows]
    assert ["open: affirm, amend or revoke before anything new starts"] * 2 == [row.review for row in rows]
    assert ("C-4 medical transport: executing",) == rows[1].measures  # a correction ends no state's measure
    assert "notice_read_first" in world.measure("QM", "executing").reason
    for code in ("QM", "QN"):
        world.notice(code, "delivered")
        world.notice(code, "read")
    assert "review_first" in world.measure("QM", "executing").reason
    world.serve("QN", 2)
    assert "accepted" == world.review("QM", "affirm").verdict
    assert "accepted" == world.review("QN", "amend", 2).verdict
    assert "accepted" == world.measure("QM", "executing").verdict
    assert ("version 1", "version 2") == tuple(row.cites for row in world.store.board().guarantors)


def test_a_withdrawal_cancels_no_measure_and_revoking_does(world: World) -> None:
    """A withdrawn dossier leaves a state's measure as it is, flagged; the state's own revocation ends it."""
    world.decide("QN")
    world.measure("QN", "authorised")
    world.measure("QN", "executing")
    world.version(1, "withdrawn", reasons="the evidence was staged")

    assert ("C-4 medical transport: executing",) == row_of(world, "QN").measures
    assert "accepted" == world.review("QN", "revoke").verdict
    assert ("revoked", ("C-4 medical transport: ended",)) == (
        row_of(world, "QN").decision,
        row_of(world, "QN").measures,
    )
    assert "accepted" == world.consultation("lapsed").verdict


def test_silence_is_printed_and_never_consent(world: World) -> None:
    """When the time to answer is over, the board says so, and every decision is what it was."""
    world.wait(timedelta(hours=200))
    board = world.store.board()

    assert {"no answer in its time (silence is not consent)"} == {row.decision for row in board.guarantors}
    assert {"overdue: raises a flag only"} == {
        one.status for one in board.clocks if one.guarantor and "answer" in one.title
    }
    assert "did not reply in its time (recorded)" == board.clarification


def test_a_mandate_that_ends_or_is_recalled_flags(world: World) -> None:
    """An ended mandate lets nothing new start; a recall opens a review; neither ends a measure by itself."""
    world.mandate("QM", days=2.0)
    world.decide("QM")
    world.measure("QM", "authorised")
    world.wait(timedelta(days=3))

    assert "mandate_runs" in world.measure("QM", "executing").reason
    assert "has ended" in row_of(world, "QM").own_step
    world.mandate("QM")
    assert "accepted" == world.measure("QM", "executing").verdict
    world.mandate("QM", "refused")
    assert row_of(world, "QM").review.startswith("open")
    assert ("C-4 medical transport: executing",) == row_of(world, "QM").measures


WRONG = {
    "a draft": (lambda w: w.decision("QN", version_index=2), "cites_current"),
    "another hash": (lambda w: w.decision("QN", cites_sha256=hash_of(7)), "cites_sha256"),
    "no such version": (lambda w: w.decision("QN", version_index=9, cites_sha256=hash_of(9)), "cites_sha256"),
    "an unknown guarantor": (lambda w: w.decision("QZ"), "guarantor"),
    "another's place": (lambda w: w.decision("QN", supersedes="dcn-none"), "supersedes"),
    "the future": (
        lambda w: msgspec.structs.replace(w.decision("QN"), said_time=w.now + timedelta(hours=1)),
        "yet to come",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_decision_on_a_wrong_basis_is_refused_with_the_reason(world: World, name: str) -> None:
    """A decision on a draft, another hash, for an unknown state or from the future is refused, kept, and says why."""
    world.version(2, "draft")
    build, word = WRONG[name]
    judged = world.submit(build(world), world.key("office", "QN"))

    assert "refused" == judged.verdict
    assert word in judged.reason
    assert judged.reason == world.store.board().without_effect[-1].reason


def test_a_tally_that_does_not_add_up_is_kept(world: World) -> None:
    """A record whose votes do not add up is refused by its own check and stands among the rejections."""
    text = canonical_bytes(SignedRecord(record=world.record(Notice, guarantor="QN", status="read"))).decode()
    bad = text.replace('"kind":"notice"', '"kind":"commission_finding"')
    tally = (
        '{"record":{"kind":"commission_finding","case_id":"made-up-1","said_time":"2026-03-03T12:00:00Z",'
        '"version_index":1,"outcome":"breach","votes":{"member A":"for"},"for_count":2,"against_count":0,'
        '"abstain_count":0}}'
    )
    reasons = [world.store.submit(one.encode()).reason for one in (tally, bad, "no json")]

    assert "the tally does not add up" in reasons[0]
    assert reasons == [row.reason for row in world.store.board().without_effect[-3:]]


def test_one_reviewer_releases_nothing(world: World) -> None:
    """A release or withdrawal needs two named reviewers, and the hash that was drafted."""
    world.version(2, "draft")
    record = world.record(
        DossierVersion,
        version_index=2,
        dossier_id="dossier-made-up",
        root_sha256=hash_of(2),
        status="released",
        reasons="corrected",
        supersedes_index=1,
    )
    one = world.key("reviewers")

    assert "reviewers: 1 signed" in world.submit(record, one).reason
    assert "are not reviewers" in world.submit(record, one, world.key("secretariat")).reason
    both = [key for (role, _), key in world.keys.items() if role == "reviewers"]
    assert "root_sha256" in world.submit(msgspec.structs.replace(record, root_sha256=hash_of(3)), *both).reason


def test_measures_and_reviews_name_the_standing_decision(world: World) -> None:
    """A measure or review of a decision that does not stand is refused, and votes of strangers are not counted."""
    assert "decision_id" in world.measure("QN", "authorised").reason
    assert "decision_id" in world.review("QN", "affirm").reason
    assert "order" in world.find(1, "no_consensus", text="as before").reason
    stranger = world.record(
        CommissionFinding,
        version_index=1,
        outcome="breach",
        votes={"member Z": "for"},
        for_count=1,
        against_count=0,
        abstain_count=0,
    )
    assert "no members of the commission" in world.submit(stranger, world.key("commission")).reason
    assert "accepted" == world.find(1, "breach").verdict
    assert 2 == sum("ladder" in clock.title for clock in world.store.board().clocks)
    assert "accepted" == world.clarification("replied").verdict
    assert ("replied", "met late") == (world.store.board().clarification, world.store.board().clocks[4].status)


def test_a_case_is_founded_once_and_closed(world: World) -> None:
    """A case that is there is opened, not replaced, and reads the same after a restart."""
    before = canonical_bytes(world.store.board())
    world.restart()

    assert before == canonical_bytes(world.store.board())
    assert isinstance(world.store, ConsultationStore)
    assert "accepted" == world.consultation("concluded").verdict
    assert "accepted" == world.decide("QN", "defer").verdict
