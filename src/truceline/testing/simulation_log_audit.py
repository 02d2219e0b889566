"""The auditor of a simulated log: knows what was acknowledged, shown and cosigned, and reads as anyone may."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.checkpoint import parse_checkpoint
from truceline.adapters.log.journal import ERASURE_SOURCE, JOURNAL_NAME, KEY_SOURCE, LogJournal
from truceline.adapters.log.note import Signer, Verifier, parse_note
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.proof import verify_proof
from truceline.adapters.log.publisher import CHECKPOINT_NAME
from truceline.adapters.log.rows import NO_SEQUENCE, LogRecord, SignedCheckpoint
from truceline.adapters.log.service import EvidenceLog
from truceline.adapters.log.tree import EMPTY_ROOT
from truceline.adapters.log.witness import Answer, Witness
from truceline.errors import TrucelineError
from truceline.testing.simulation_audit import AuditFailure

PROVEN_COUNT = 5
"""Records that are proven and verified by the policy alone, in the end."""


class LogAuditor:
    """Holds a log and its witness to their promises: nothing acknowledged is lost, and there is one history."""

    def __init__(self, seed: int, log_path: Path, witness_path: Path, *, key: Signer) -> None:
        """Begin with nothing acknowledged."""
        self._seed, self._path, self._witness_path, self._key = seed, log_path, witness_path, key
        self._step = "before the first step"
        self._acknowledged: dict[bytes, LogRecord] = {}
        self._shown: dict[int, bytes] = {}
        self._cosigned: tuple[int, bytes] = (0, EMPTY_ROOT)
        self.erased: int | None = None
        self.check_count = 0

    def begin(self, step: str) -> None:
        """Note which step is taken."""
        self._step = step

    def logged(self, records: Sequence[LogRecord]) -> None:
        """Note that records were acknowledged."""
        self._acknowledged |= {sha256(record.body).digest(): record for record in records}

    def shown(self, checkpoint: SignedCheckpoint) -> None:
        """Note that a checkpoint was shown to the world."""
        known_root = self._shown.setdefault(checkpoint.size_count, checkpoint.root)
        self._hold(known_root == checkpoint.root, "two trees of one size were shown")

    def answered(self, answer: Answer, checkpoint: SignedCheckpoint) -> None:
        """Note what a witness gave out."""
        if answer.status != HTTPStatus.OK:
            return
        size_count, root = self._cosigned
        self._hold(checkpoint.size_count >= size_count, "a witness cosigned a smaller tree than before")
        self._hold(checkpoint.size_count > size_count or checkpoint.root == root, "a witness cosigned a fork")
        self._cosigned = (checkpoint.size_count, checkpoint.root)

    def verifiers(self, vkeys: Sequence[str]) -> list[Verifier]:
        """Give the keys by which a witness knows the log."""
        return [Verifier.from_vkey(vkey) for vkey in vkeys]

    def check(self) -> None:
        """Read journal, published checkpoint and witness, and hold them against every promise."""
        self.check_count += 1
        with self._reading():
            self._check()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """On a sound disk everything can be read."""
        try:
            yield
        except TrucelineError as error:
            raise AuditFailure(f"seed={self._seed}, {self._step}: log or witness cannot be read: {error}") from error

    def _check(self) -> None:
        if not (self._path / JOURNAL_NAME).is_file():
            self._hold(not self._acknowledged and not self._shown, "a log that was acknowledged is gone")
            return
        with EvidenceLog.open(self._path, read_only=True) as log:
            self._check_journal(log.journal)
            shown = log.public_folder / CHECKPOINT_NAME
            if shown.is_file():
                public = parse_checkpoint(parse_note(shown.read_bytes()).text)
                signed = {checkpoint.size_count: checkpoint.root for checkpoint in log.journal.checkpoints()}
                self._hold(signed.get(public.size_count) == public.root, "what is shown is not in the journal")
        if self._witness_path.is_file() and self._cosigned[0]:
            with Witness(self._witness_path, signers=[self._key], logs=[]) as witness:
                remembered = witness.cosigned(log.journal.origin)
            self._hold(remembered[0] >= self._cosigned[0], "a witness forgot what it cosigned")

    def _check_journal(self, journal: LogJournal) -> None:
        signed = {checkpoint.size_count: checkpoint.root for checkpoint in journal.checkpoints()}
        self._hold(self._shown.items() <= signed.items(), "a checkpoint that was shown is not in the journal")
        hashes = {digest for digest, _ in _bodies(journal)} | {bytes.fromhex(e.body_sha256) for e in journal.erasures()}
        self._hold(self._acknowledged.keys() <= hashes, "an acknowledged record was lost")
        for record in self._acknowledged.values():
            if record.sequence != NO_SEQUENCE:
                is_known = journal.leaf_index_of(record.source, record.sequence) is not None
                self._hold(is_known, "an acknowledged record is not known by its number")

    def finish(self) -> list[str]:
        """Audit everything and verify proofs; give what is held, in order, without the log's own records."""
        self.check()
        with self._reading():
            return self._finish()

    def _finish(self) -> list[str]:
        faults = audit_log(self._path).faults
        self._hold(faults == (), f"the audit finds {faults[:3]}")
        with EvidenceLog.open(self._path, read_only=True) as log:
            policy = Policy.parse(log.policy_text)
            for place in range(0, log.journal.size_count, max(1, log.journal.size_count // PROVEN_COUNT)):
                sealed = log.journal.sealed(place)
                self._hold(verify_proof(log.prove(place), sealed.leaf, policy).is_proven, f"leaf {place} is not proven")
            own = {place for source in (KEY_SOURCE, ERASURE_SOURCE) for place in _own_places(log.journal, source)}
            bodies = _bodies(log.journal)
            held = [digest.hex() for place, (digest, length) in enumerate(bodies) if length and place not in own]
            contradicted = [f"{source} {sequence}" for source, sequence, _ in log.journal.equivocations()]
        return held + contradicted

    def hold_equal(self, found: list[str], expected: list[str]) -> None:
        """Hold that two worlds hold the same records in the same order."""
        self._hold(found == expected, f"{len(found)} records differ from the {len(expected)} of a sound world")

    def _hold(self, is_so: bool, promise: str) -> None:
        if not is_so:
            raise AuditFailure(f"seed={self._seed}, {self._step}: {promise}; the same seed gives the same run")


def _bodies(journal: LogJournal) -> list[tuple[bytes, int]]:
    """Give hash and length of every body."""
    found: list[tuple[bytes, int]] = []
    for batch in journal.batches():
        place = 0
        for length in batch.body_lengths():
            found.append((sha256(batch.bodies[place : place + length]).digest(), length))
            place += length
    return found


def _own_places(journal: LogJournal, source: str) -> list[int]:
    last = journal.last_sequence(source)
    places = (journal.leaf_index_of(source, sequence) for sequence in range(last + 1))
    return [place for place in places if place is not None]
