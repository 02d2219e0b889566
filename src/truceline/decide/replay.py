"""From records to the state at a moment: every row is accepted, refused or forged, and each says why.

The same rows and the same moment always give the same answer. A row counts only if its signatures hold under keys
that two officers registered; whoever writes into the database without such a key writes rows that are shown as
forged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from truceline.decide.acts import Facts, act_of, note, wrong_fact
from truceline.decide.clocks import due_steps
from truceline.decide.consultation import State, initial, step
from truceline.decide.guards import Refusal
from truceline.model.decision import (
    ConsultationRecord,
    DossierVersion,
    Founding,
    KeyGrant,
    KeyRevocation,
    Notice,
    SignedRecord,
    record_id,
    signing_bytes,
)

CLOCK_TOLERANCE_MINUTES = 5.0
"""How far a signer's clock may be ahead of the store's."""

WRONG_SIGNER_GUARDS = frozenset(
    {
        "right_role",
        "own_people",
        "machine_never_decides",
        "silence_is_no_answer",
        "own_state_decides",
        "office_decides",
    }
)
"""Guards that say that the signer may not do this: such a record is shown as forged, not as premature."""

RowVerdict = Literal["accepted", "refused", "forged"]
Verify = Callable[[str, bytes, str], bool]
"""Says whether a signature (hexadecimal) by a public key (hexadecimal) over these bytes holds."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it was read: its place, when it was written, the record, or what is wrong with its bytes.

    `rejected_as` is the verdict under which it was kept as a rejection when it came; such a row never has an effect.
    """

    sequence: int
    logged_time: datetime
    signed: SignedRecord | None
    fault: str = ""
    rejected_as: RowVerdict | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row: accepted, refused by a rule, or forged; by whom it is signed."""

    sequence: int
    logged_time: datetime
    record_id: str
    record: ConsultationRecord | None
    verdict: RowVerdict
    reason: str = ""
    signers: tuple[str, ...] = ()


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A consultation at a moment: the machine's state, what was noted beside it, and every row with its verdict."""

    now: datetime
    state: State
    facts: Facts
    rows: tuple[Judged, ...]
    keys: dict[str, KeyGrant]
    revocations: dict[str, KeyRevocation]


class _Key(msgspec.Struct, frozen=True):
    grant: KeyGrant
    sequence: int


def replay(founding: Founding, entries: Sequence[Entry], *, now: datetime, verify: Verify) -> Replayed:
    """Replay every row written by a moment, and let the clocks run to it."""
    seen = [entry for entry in entries if entry.logged_time <= now]
    fold = _Fold(founding, verify)
    fold.read_keys(seen)
    rows = tuple(fold.judge(entry) for entry in seen)
    fold.run_clocks(now)
    return Replayed(
        now=now,
        state=fold.state,
        facts=fold.facts,
        rows=rows,
        keys={key_id: key.grant for key_id, key in sorted(fold.keys.items())},
        revocations={key_id: one for key_id, (one, _) in sorted(fold.revoked.items())},
    )


class _Fold:
    """The state while rows are read one after the other."""

    def __init__(self, founding: Founding, verify: Verify) -> None:
        self.founding = founding
        self.verify = verify
        self.state = initial(tuple(one.needs_mandate for one in founding.guarantors))
        self.facts = Facts()
        self.keys: dict[str, _Key] = {}
        self.revoked: dict[str, tuple[KeyRevocation, int]] = {}
        self.accepted: set[str] = set()
        self.refused: set[tuple[str, tuple[KeyGrant, ...]]] = set()
        self.newest: datetime | None = None

    def read_keys(self, entries: Sequence[Entry]) -> None:
        """Take every key and revocation that two officers signed; a revocation also voids what was signed before it."""
        for entry in entries:
            record = None if entry.signed is None else entry.signed.record
            if entry.signed is None or entry.rejected_as is not None or not self._by_officers(entry.signed):
                continue
            if isinstance(record, KeyGrant):
                self.keys.setdefault(record.key_id, _Key(record, entry.sequence))
            elif isinstance(record, KeyRevocation):
                self.revoked.setdefault(record.key_id, (record, entry.sequence))

    def _by_officers(self, signed: SignedRecord) -> bool:
        """Say whether two officers of two organisations signed."""
        if signed.record.case_id != self.founding.case_id:
            return False
        body = signing_bytes(signed.record)
        organisations = {
            officer.organisation
            for officer in self.founding.officers
            if any(self.verify(officer.public_key, body, one.signature) for one in signed.signatures)
        }
        return len(organisations) >= 2

    def judge(self, entry: Entry) -> Judged:
        """Say what becomes of one row, and let it have its effect."""
        if entry.rejected_as is not None or entry.signed is None:
            if entry.rejected_as == "refused" and entry.signed is not None:
                self.refused.add((record_id(entry.signed.record), self._signers(entry, entry.signed)[0]))
            return self._verdict(entry, entry.rejected_as or "forged", entry.fault)
        if self.newest is not None and entry.logged_time < self.newest:
            return self._verdict(entry, "forged", "the row is out of the order of time")
        self.newest = entry.logged_time
        record = entry.signed.record
        if record_id(record) in self.accepted:
            return self._verdict(entry, "refused", "order: this record is there already")
        if record.case_id != self.founding.case_id:
            return self._verdict(entry, "forged", f"the record belongs to case {record.case_id!r}")
        self.run_clocks(entry.logged_time)
        if isinstance(record, KeyGrant | KeyRevocation):
            return self._judge_key(entry, entry.signed)
        return self._judge_act(entry, entry.signed)

    def _judge_key(self, entry: Entry, signed: SignedRecord) -> Judged:
        if not self._by_officers(signed):
            return self._verdict(entry, "forged", "not signed by two officers of two organisations")
        if isinstance(signed.record, KeyGrant) and self.keys[signed.record.key_id].sequence != entry.sequence:
            return self._verdict(entry, "refused", "order: the key is registered already")
        self.accepted.add(record_id(signed.record))
        return self._verdict(entry, "accepted")

    def _judge_act(self, entry: Entry, signed: SignedRecord) -> Judged:
        record = signed.record
        grants, fault = self._signers(entry, signed)
        if fault:
            return self._verdict(entry, "forged", fault)
        if not grants and not _is_machines(record):
            return self._verdict(entry, "forged", "unsigned: no signature of a registered key")
        if (record_id(record), grants) in self.refused:
            return self._verdict(entry, "refused", "order: this record was refused before; sign a new one")
        signers = tuple(f"{one.holder}, {one.office}" for one in grants)
        if record.said_time - entry.logged_time > timedelta(minutes=CLOCK_TOLERANCE_MINUTES):
            return self._verdict(entry, "refused", f"time: said_time={record.said_time.isoformat()} is yet to come")
        wrong = wrong_fact(record, self.founding, self.facts, grants=grants)
        if wrong:
            return self._verdict(entry, "refused", wrong, signers)
        after = step(self.state, act_of(record, self.founding, grants))
        if isinstance(after, Refusal):
            verdict: RowVerdict = "forged" if after.guard in WRONG_SIGNER_GUARDS else "refused"
            return self._verdict(entry, verdict, f"{after.guard}: {after.reason}", signers)
        self.state = after
        self.accepted.add(record_id(record))
        note(self.facts, record, self.founding, now=entry.logged_time)
        return self._verdict(entry, "accepted", "", signers)

    def _signers(self, entry: Entry, signed: SignedRecord) -> tuple[tuple[KeyGrant, ...], str]:
        """Give whose signatures hold, or why one does not: one bad signature voids the row."""
        body, found = signing_bytes(signed.record), {}
        for one in signed.signatures:
            key = self.keys.get(one.key_id)
            if key is None or key.sequence > entry.sequence:
                return (), f"key {one.key_id!r} was not registered by two officers"
            if not self.verify(key.grant.public_key, body, one.signature):
                return (), f"the signature by key {one.key_id!r} does not hold"
            if fault := self._outside(key.grant, entry, signed.record):
                return (), fault
            found[key.grant.holder] = key.grant
        return tuple(found.values()), ""

    def _outside(self, grant: KeyGrant, entry: Entry, record: ConsultationRecord) -> str:
        if record.said_time < grant.since:
            return f"key {grant.key_id!r} holds only since {grant.since.isoformat()}"
        revoked = self.revoked.get(grant.key_id)
        if revoked is None:
            return ""
        revocation, sequence = revoked
        if entry.sequence > sequence or record.said_time >= revocation.since:
            return f"key {grant.key_id!r} was revoked since {revocation.since.isoformat()}"
        return ""

    def run_clocks(self, now: datetime) -> None:
        """Raise the flags of every clock that ran out by a moment."""
        for act in tuple(due_steps(self.facts.clocks, self.state, now)):
            after = step(self.state, act)
            assert not isinstance(after, Refusal), "a clock that is not raised yet raises its flag"
            self.state = after

    def _verdict(self, entry: Entry, verdict: RowVerdict, reason: str = "", signers: tuple[str, ...] = ()) -> Judged:
        record = None if entry.signed is None else entry.signed.record
        return Judged(
            sequence=entry.sequence,
            logged_time=entry.logged_time,
            record_id="" if record is None else record_id(record),
            record=record,
            verdict=verdict,
            reason=reason,
            signers=signers,
        )


def _is_machines(record: ConsultationRecord) -> bool:
    """Say whether a program may make a record unsigned: a draft, or that a notice was delivered."""
    if isinstance(record, DossierVersion):
        return record.status == "draft"
    return isinstance(record, Notice) and record.status == "delivered"
