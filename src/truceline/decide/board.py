"""The board at one moment: who was served, answered and decided, which clocks run, who dissents, what is flagged."""

from __future__ import annotations

from datetime import datetime

from truceline.decide.clocks import Clock
from truceline.decide.consultation import Guarantor, has_own_step
from truceline.decide.replay import Judged, Replayed
from truceline.model.board import Board, BoardClock, BoardFinding, BoardGuarantor, BoardRow, BoardVersion
from truceline.model.decision import (
    Clarification,
    CommissionFinding,
    Decision,
    DossierVersion,
    Founding,
    Mandate,
    Measure,
    Review,
)

CLOCK_TITLES = {
    "clarification": "reply of the accused party",
    "meeting": "consultation to meet",
    "warning": "first rung of the reported ladder",
    "response": "second rung of the reported ladder",
    "answer": "answer of the guarantor",
    "mandate": "mandate runs out",
    "acknowledge": "acknowledgement of service",
}
"""What each clock waits for."""


CLARIFICATION_WORDS = {
    "none": "not asked",
    "asked": "asked; no reply yet",
    "overdue": "asked; no reply in its time, to be recorded",
    "replied": "replied",
    "silent": "did not reply in its time (recorded)",
}
"""What is said of the accused party's reply."""


def board_of(founding: Founding, replayed: Replayed) -> Board:
    """Give the board of a replayed consultation; the same rows and moment give the same bytes."""
    accepted = [row for row in replayed.rows if row.verdict == "accepted"]
    without = [row for row in replayed.rows if row.verdict != "accepted"]
    state = replayed.state
    texts = [
        f"{row.record.status}: {row.record.text}"
        for row in accepted
        if isinstance(row.record, Clarification) and row.record.text
    ]
    return Board(
        case_id=founding.case_id,
        title=founding.title,
        synthetic=founding.synthetic,
        now=replayed.now,
        party=founding.party,
        phase=state.phase,
        clarification=CLARIFICATION_WORDS[state.clarification],
        clarification_text=texts[-1] if texts else "",
        versions=tuple(_version(index, one, accepted) for index, one in enumerate(state.versions, start=1)),
        findings=tuple(_finding(row.record) for row in accepted if isinstance(row.record, CommissionFinding)),
        clocks=tuple(_clock(one, founding, replayed.now) for _, one in sorted(replayed.facts.clocks.items())),
        guarantors=tuple(_guarantor(founding, replayed, index, accepted) for index in range(len(state.guarantors))),
        without_effect=tuple(_row(row) for row in without),
        record_count=len(accepted),
        refused_count=sum(row.verdict == "refused" for row in without),
        forged_count=sum(row.verdict == "forged" for row in without),
    )


def _version(version_index: int, status: str, accepted: list[Judged]) -> BoardVersion:
    mine = [
        (row.record, row.signers)
        for row in accepted
        if isinstance(row.record, DossierVersion) and row.record.version_index == version_index
    ]
    record, signers = mine[-1]
    return BoardVersion(
        version_index=version_index,
        root_sha256=record.root_sha256,
        status=status,
        reasons=record.reasons,
        reviewers=signers,
    )


def _finding(record: CommissionFinding) -> BoardFinding:
    return BoardFinding(
        version_index=record.version_index,
        outcome=record.outcome,
        votes=dict(sorted(record.votes.items())),
        dissents=dict(sorted(record.dissents.items())),
    )


def _clock(clock: Clock, founding: Founding, now: datetime) -> BoardClock:
    is_overdue = clock.is_overdue(now)
    if clock.stopped is not None:
        status = "met late" if is_overdue else "met"
    else:
        status = "overdue: raises a flag only" if is_overdue else "running"
    code = founding.guarantors[int(clock.guarantor)].guarantor if clock.guarantor else ""
    code = founding.party if clock.name == "clarification" else code
    return BoardClock(
        title=CLOCK_TITLES[clock.name], guarantor=code, started=clock.started, due=clock.due, status=status
    )


def _guarantor(founding: Founding, replayed: Replayed, index: int, accepted: list[Judged]) -> BoardGuarantor:
    entry, one = founding.guarantors[index], replayed.state.guarantors[index]
    mine = [row for row in accepted if getattr(row.record, "guarantor", "") == entry.guarantor]
    decided = [(row.record, row.signers) for row in mine if isinstance(row.record, Decision)]
    record, signers = decided[-1] if decided else (None, ())
    flagged = one.review == "open" or one.notice != "none" or one.is_late or not _is_covered(one)
    return BoardGuarantor(
        guarantor=entry.guarantor,
        title=entry.title,
        needs_mandate=one.needs_mandate,
        served=f"version {one.served_index}" if one.served_index else "not served",
        acknowledged=f"version {one.acknowledged_index}" if one.acknowledged_index else "not acknowledged",
        notice={"none": "none unread", "due": "to be delivered", "delivered": "delivered, unread"}[one.notice],
        own_step=_own_step(one, mine),
        decision=_decision_words(one),
        kinds=() if record is None or one.outcome == "revoked" else tuple(record.kinds),
        cites=f"version {one.cites_index}" if one.cites_index else "",
        signed_by=signers,
        legal_basis="" if record is None else record.legal_basis,
        review=_review_words(one, mine),
        measures=_measures(one, mine),
        is_flagged=flagged,
    )


def _is_covered(one: Guarantor) -> bool:
    return one.outcome != "assist" or has_own_step(one)


def _decision_words(one: Guarantor) -> str:
    if one.outcome == "none":
        return "no answer in its time (silence is not consent)" if one.is_late else "none yet"
    return one.outcome


def _own_step(one: Guarantor, mine: list[Judged]) -> str:
    if not one.needs_mandate:
        return "none needed"
    votes = [row.record for row in mine if isinstance(row.record, Mandate)]
    if not votes:
        return "mandate needed, no vote recorded"
    last = votes[-1]
    words = (
        f"{last.body}: {last.outcome} ({last.for_count} for, {last.against_count} against, {last.abstain_count} abst.)"
    )
    return words + ("; has ended" if one.mandate_ended else "")


def _review_words(one: Guarantor, mine: list[Judged]) -> str:
    if one.review == "open":
        return "open: affirm, amend or revoke before anything new starts"
    reviews = [row.record for row in mine if isinstance(row.record, Review)]
    return f"last: {reviews[-1].outcome} ({reviews[-1].cause})" if reviews else "none needed"


def _measures(one: Guarantor, mine: list[Judged]) -> tuple[str, ...]:
    named = {
        row.record.measure_index: ", ".join(row.record.contribution_ids)
        for row in mine
        if isinstance(row.record, Measure) and row.record.contribution_ids
    }
    return tuple(f"{named.get(index, f'measure {index}')}: {status}" for index, status in enumerate(one.measures))


def _row(row: Judged) -> BoardRow:
    what = "unreadable" if row.record is None else str(type(row.record).__name__)
    code = getattr(row.record, "guarantor", "")
    return BoardRow(
        sequence=row.sequence,
        logged_time=row.logged_time,
        what=f"{what} {code}".strip(),
        verdict=row.verdict,
        reason=row.reason,
    )
