"""The audit: everything of a log made again from its journal and held against what is there, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.entry_rows import EntryRows
from truceline.adapters.log.journal import JOURNAL_NAME, PADDING_MULTIPLE_COUNT, LogJournal
from truceline.adapters.log.keys import key_set_faults, vkeys_for
from truceline.adapters.log.leaf import LEAF_BYTES, SALT_BYTES, commitment_rows
from truceline.adapters.log.note import Verifier, parse_note, parse_signature_lines, verify_note
from truceline.adapters.log.pages import page_faults
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.publisher import CHECKPOINT_NAME, public_note
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.rows import ERASED, SECRET_BYTES, Batch, KeySet, SignedCheckpoint
from truceline.adapters.log.service import LOCK_NAME, POLICY_NAME, PUBLIC_NAME, system_ms
from truceline.adapters.log.sha256_many import as_rows, digest_pieces
from truceline.adapters.log.tiles import TILE_FOLDER, TileReader
from truceline.adapters.log.tiles_check import check_tiles
from truceline.adapters.stores.durable import WriterLock
from truceline.errors import TrucelineError

COMMITMENT = slice(10, 42)
FAULTS_SAID_COUNT = 1000


class AuditReport(NamedTuple):
    """What was held, and every fault, one sentence each; without faults nothing was changed since it was written."""

    leaf_count: int
    checkpoint_count: int
    erased_count: int
    body_bytes: int
    faults: tuple[str, ...]


class _Auditing:
    """The counts while batches pass."""

    def __init__(self, journal: LogJournal) -> None:
        self.journal = journal
        self.leaf_count, self.body_bytes = 0, 0
        self.faults: list[str] = []
        self.erased = {erasure.leaf_index for erasure in journal.erasures()}

    def say(self, fault: str) -> None:
        if len(self.faults) < FAULTS_SAID_COUNT:
            self.faults.append(fault)

    def pieces(self, checkpoints: list[SignedCheckpoint]) -> Iterator[EntryRows]:
        """Give the leaves of each published tree as it grew, every batch held against what it commits to."""
        ends = [checkpoint.size_count for checkpoint in checkpoints]
        pending = b""
        start = 0
        for batch in self.journal.batches():
            if batch.first_leaf_index != self.leaf_count:
                self.say(f"batch {batch.batch_index} begins at leaf {batch.first_leaf_index}, not {self.leaf_count}")
            self.hold_batch(batch)
            pending += batch.leaves
            self.leaf_count += batch.leaf_count
            while ends and ends[0] <= self.leaf_count:
                end = ends.pop(0)
                taken_bytes = (end - start) * LEAF_BYTES
                yield EntryRows(pending[:taken_bytes], width_bytes=LEAF_BYTES)
                pending, start = pending[taken_bytes:], end

    def hold_batch(self, batch: Batch) -> None:
        """Hold commitments against salts and hashes, hashes against bodies; erased ones against the erasures."""
        count = batch.leaf_count
        lengths = batch.length_column()
        if len(batch.secrets) != count * SECRET_BYTES or len(lengths) != count or lengths.sum() != len(batch.bodies):
            self.say(f"batch {batch.batch_index} has secrets or bodies for another number of leaves")
            return
        self.body_bytes += len(batch.bodies)
        secrets = as_rows(batch.secrets, width_bytes=SECRET_BYTES)
        said = as_rows(batch.leaves, width_bytes=LEAF_BYTES)[:, COMMITMENT]
        made, found = commitment_rows(secrets), digest_pieces(batch.bodies, lengths)
        if np.array_equal(made, said) and np.array_equal(found, secrets[:, SALT_BYTES:]):
            return
        is_committed = (made == said).all(axis=1)
        is_kept = (found == secrets[:, SALT_BYTES:]).all(axis=1)
        for offset in np.flatnonzero(~(is_committed & is_kept)).tolist():
            self._hold_each(batch, offset, is_committed=bool(is_committed[offset]), is_kept=bool(is_kept[offset]))

    def _hold_each(self, batch: Batch, offset: int, *, is_committed: bool, is_kept: bool) -> None:
        """Say what is wrong with a leaf, unless it was erased."""
        leaf_index = batch.first_leaf_index + offset
        is_blank = batch.secrets[offset * SECRET_BYTES : (offset + 1) * SECRET_BYTES] == ERASED
        if is_blank and leaf_index in self.erased:
            return
        if not is_committed:
            self.say(f"leaf {leaf_index} does not commit to its salt and hash")
        if not is_kept:
            self.say(f"the body of leaf {leaf_index} is not what was logged")


def audit_log(path: Path, *, policy: Policy | None = None) -> AuditReport:
    """Audit a log, taking its writer's lock; raise `StoreUnavailable` only where it cannot be read at all.

    `policy` is the auditor's own; without it the log's keys are taken from its journal, and only that the keys follow
    one another is held.
    """
    lock = WriterLock(path / LOCK_NAME)
    try:
        return _audit(path, policy)
    finally:
        lock.release()


def _audit(path: Path, policy: Policy | None) -> AuditReport:
    faults: list[str] = []
    counts = (0, 0, 0, 0)
    try:
        journal = LogJournal(path / JOURNAL_NAME, clock_ms=system_ms)
    except TrucelineError as error:
        journal = None
        faults.append(str(error))
    if journal is not None:
        try:
            with journal:
                faults += journal.settle()
                counts = _audit_journal(path, journal, policy, faults)
        except (TrucelineError, msgspec.MsgspecError, ValueError) as error:
            faults.append(str(error))
    faults += page_faults(path / JOURNAL_NAME)
    return AuditReport(*counts, tuple(faults[:FAULTS_SAID_COUNT]))


def _audit_journal(
    path: Path, journal: LogJournal, policy: Policy | None, faults: list[str]
) -> tuple[int, int, int, int]:
    auditing = _Auditing(journal)
    checkpoints = list(journal.checkpoints())
    tiles = check_tiles(path / PUBLIC_NAME, auditing.pieces(checkpoints))
    faults += [*auditing.faults, *tiles.faults]
    if auditing.leaf_count != journal.size_count:
        faults.append(f"the journal says {journal.size_count} leaves and holds {auditing.leaf_count}")
    newest_size_count = checkpoints[-1].size_count if checkpoints else 0
    if tiles.frontier.size_count != newest_size_count:
        faults.append(f"the newest checkpoint has {newest_size_count} leaves, the journal's batches lead to fewer")
    elif not tiles.faults:
        faults += _checkpoint_faults(journal, checkpoints, TileReader(path / PUBLIC_NAME))
    key_sets = journal.key_sets()
    faults += key_set_faults(key_sets, origin=journal.origin)
    faults += _key_leaf_faults(journal, key_sets)
    faults += _public_faults(path, journal, checkpoints[-1] if checkpoints else None)
    faults += _policy_faults(path, journal, policy, checkpoints)
    journal.stamps()
    journal.equivocations()
    return auditing.leaf_count, len(checkpoints), len(auditing.erased), auditing.body_bytes


def _checkpoint_faults(journal: LogJournal, checkpoints: list[SignedCheckpoint], reader: TileReader) -> Iterator[str]:
    """Hold each checkpoint's root against the tree, its note against the keys in force, its size against padding."""
    key_sets, before_size_count = journal.key_sets(), 0
    for checkpoint in checkpoints:
        size_count = checkpoint.size_count
        name = f"the checkpoint of {size_count} leaves"
        root = reader.root(tree_size_count=size_count)
        if not root == checkpoint.root == checkpoint.frontier.root():
            yield f"{name} has another root than the journal's leaves lead to"
        if size_count % PADDING_MULTIPLE_COUNT:
            yield f"{name} is not padded"
        try:
            note = parse_note(checkpoint.note)
            vkeys = vkeys_for(key_sets, size_count=size_count, before_size_count=before_size_count)
            verify_note(note, [Verifier.from_vkey(vkey) for vkey in vkeys], is_exact=True)
            if note.text != format_checkpoint(Checkpoint(journal.origin, size_count, root)):
                yield f"{name} was signed with another text"
            for line in journal.cosignatures(size_count):
                parse_signature_lines(line)
        except Refused as refused:
            yield f"{name}: {refused}"
        before_size_count = size_count


def _key_leaf_faults(journal: LogJournal, key_sets: list[KeySet]) -> Iterator[str]:
    for key_set in key_sets:
        body = journal.sealed(key_set.leaf_index).body
        if body is not None and body != key_set.statement.encode():
            yield f"leaf {key_set.leaf_index} is not the key statement that the journal has"


def _public_faults(path: Path, journal: LogJournal, newest: SignedCheckpoint | None) -> Iterator[str]:
    public = path / PUBLIC_NAME
    shown = public / CHECKPOINT_NAME
    if newest is None:
        if shown.exists():
            yield f"{CHECKPOINT_NAME} is published, and the journal has none"
    elif not shown.exists():
        yield f"{CHECKPOINT_NAME} is missing: `truceline log publish` puts it out again"
    elif shown.read_bytes() != public_note(journal, newest).encode():
        yield f"{CHECKPOINT_NAME} is not the newest one of the journal"
    for entry in sorted(public.iterdir()):
        if entry.name not in {CHECKPOINT_NAME, TILE_FOLDER} and not entry.name.endswith(".part"):
            yield f"{entry.name} in {PUBLIC_NAME} belongs to no log"


def _policy_faults(
    path: Path, journal: LogJournal, policy: Policy | None, checkpoints: list[SignedCheckpoint]
) -> Iterator[str]:
    """Hold that the log's own policy names its keys, and the newest checkpoint against the auditor's policy."""
    try:
        own = Policy.parse((path / POLICY_NAME).read_bytes())
    except (OSError, Refused) as error:
        yield f"{POLICY_NAME}: {error}"
        return
    named = {log.verifier.vkey for log in own.logs}
    missing = [vkey for vkey in journal.key_sets()[-1].vkeys if vkey not in named]
    if missing:
        yield f"{POLICY_NAME} does not name the key {missing[0][:60]} that signs now"
    if checkpoints and policy is not None:
        result = policy.satisfied(parse_note(public_note(journal, checkpoints[-1])))
        if not result.is_satisfied:
            yield f"the newest checkpoint does not satisfy the policy: {result.reason}"
