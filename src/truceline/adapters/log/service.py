"""One log in one folder: journal, secret keys, trust policy, and the public files that anybody may copy."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from truceline.adapters.log.journal import JOURNAL_NAME, Chance, ClockMs, LogJournal, create_log_journal
from truceline.adapters.log.keys import SEED_BYTES, key_statement, new_signers, signers_for, write_keys
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.proof import TlogProof
from truceline.adapters.log.publisher import Publisher, public_note
from truceline.adapters.log.rows import ERASED, SECRET_BYTES, SealedLeaf
from truceline.adapters.log.tiles import TileReader
from truceline.adapters.stores.durable import WriterLock, durable_file, make_folder, sync_folder
from truceline.adapters.stores.failures import store_failures
from truceline.errors import StoreUnavailable

PUBLIC_NAME = "public"
KEYS_NAME = "keys"
POLICY_NAME = "policy.txt"
LOCK_NAME = "writer.lock"
MAKING_NAME = ".making"
"""Where a log is made, below its folder, until all of it is on disk."""
MADE_NAMES = (KEYS_NAME, PUBLIC_NAME, POLICY_NAME, JOURNAL_NAME)
"""What a new log has, the journal last."""
HASH_BYTES = 32


def system_ms() -> int:
    """Give this machine's POSIX time in milliseconds."""
    return time.time_ns() // 1_000_000


class LoggedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that a log gives for one record: what shows, offline, that it stood there at a time."""

    sealed: SealedLeaf
    proof: TlogProof
    stamps: tuple[bytes, ...]
    """RFC 3161 answers, DER, over the log's own note of the proof's checkpoint or a later one."""


class EvidenceLog:
    """One open log; any number may read, one at a time may write. Open it with `EvidenceLog.open`."""

    def __init__(self, path: Path, journal: LogJournal, lock: WriterLock | None) -> None:
        """Put the parts together; `EvidenceLog.open` is the way in."""
        self.path, self.journal, self._lock = path, journal, lock
        self.public_folder, self.keys_folder = path / PUBLIC_NAME, path / KEYS_NAME
        self._index: _BodyIndex | None = None
        self._reader: TileReader | None = None

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, clock_ms: ClockMs = system_ms) -> Self:
        """Open a log, for writing or only for reading; raise `StoreUnavailable` where there is none."""
        if not (path / JOURNAL_NAME).is_file():
            raise StoreUnavailable(f"{path}: is not a log (no {JOURNAL_NAME}); make one with `truceline log init`")
        lock = None if read_only else WriterLock(path / LOCK_NAME)
        try:
            if not read_only:
                with store_failures(path, "opening"):
                    sync_folder(path)  # an ended process may have given the journal its name and not synced it
            journal = LogJournal(path / JOURNAL_NAME, clock_ms=clock_ms, writes=not read_only)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return cls(path, journal, lock)

    def close(self) -> None:
        """Close the log and let others write."""
        try:
            self.journal.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        """Give the open log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        self.close()

    @property
    def policy_text(self) -> str:
        """Give the trust policy as its file has it."""
        with store_failures(self.path / POLICY_NAME, "reading"):
            return (self.path / POLICY_NAME).read_text()

    def publisher(self) -> Publisher:
        """Give the publisher, resumed from the newest checkpoint."""
        return Publisher(self.journal, public_folder=self.public_folder, keys_folder=self.keys_folder)

    def rotate(self, *, time_s: int, chance: Chance = os.urandom) -> tuple[str, ...]:
        """Make new keys and log them, signed by the old; the next checkpoint is signed by both."""
        journal = self.journal
        signing = signers_for(self.keys_folder, journal.key_sets()[-1].vkeys)
        signers = new_signers(journal.origin, (chance(SEED_BYTES), chance(SEED_BYTES)))
        write_keys(self.keys_folder, signers)
        vkeys = tuple(signer.vkey for signer in signers)
        lines = self.policy_text.splitlines()
        rest = [line for line in lines if not line.startswith("log ")]
        named = [line.removeprefix("log ") for line in lines if line.startswith("log ")]
        write_policy(self.path, policy_text_of([*vkeys, *named], rest))  # a key too many until the next line, never few
        journal.put_key_set(vkeys, key_statement(vkeys, signing, origin=journal.origin, time_s=time_s))
        return vkeys

    def prove(self, leaf_index: int) -> TlogProof:
        """Prove one leaf in the newest checkpoint; raise `StoreUnavailable` where it is not published yet."""
        newest = self.journal.newest_checkpoint()
        if newest is None or leaf_index >= newest.size_count:
            raise StoreUnavailable(
                f"{self.path}: leaf {leaf_index} is committed but not published: `truceline log publish`"
            )
        if self._reader is None:
            self._reader = TileReader(self.public_folder)
        hashes = self._reader.inclusion_proof(leaf_index, tree_size_count=newest.size_count)
        return TlogProof(leaf_index=leaf_index, hashes=hashes, checkpoint_note=public_note(self.journal, newest))

    def find(self, body: bytes) -> LoggedRecord | None:
        """Give leaf, salt, proof and stamps of a record by its exact bytes, `None` where they are not logged."""
        indexes = self.leaf_indexes(body)
        if not indexes:
            return None
        proof = self.prove(indexes[0])
        stamps = self.journal.stamps(proof.checkpoint().size_count)
        sealed = self.journal.sealed(indexes[0])
        return LoggedRecord(sealed=sealed, proof=proof, stamps=tuple(stamp.response for stamp in stamps))

    def leaf_indexes(self, body: bytes) -> list[int]:
        """Give every leaf, not erased, that commits to exactly these bytes."""
        from hashlib import sha256

        return self.leaf_indexes_of_hash(sha256(body).digest())

    def leaf_indexes_of_hash(self, body_sha256: bytes) -> list[int]:
        """Give every leaf, not erased, that commits to a body of this hash."""
        if self._index is None or self._index.size_count != self.journal.size_count:
            self._index = _BodyIndex(self.journal)
        return self._index.find(body_sha256)

    @property
    def erased_sha256s(self) -> frozenset[str]:
        """Give the hashes of all bodies that were erased, so that no export gives them on."""
        return frozenset(erasure.body_sha256 for erasure in self.journal.erasures())


class _BodyIndex:
    """Where bodies stand, by hash; made from the journal in one reading and kept nowhere."""

    def __init__(self, journal: LogJournal) -> None:
        self.size_count = journal.size_count
        parts = [np.frombuffer(secrets, dtype=np.uint8).reshape(-1, SECRET_BYTES) for _, secrets in journal.secrets()]
        table = np.concatenate([part[:, SECRET_BYTES - HASH_BYTES :] for part in parts]) if parts else np.empty((0, 32))
        self._hashes: npt.NDArray[np.uint8] = np.ascontiguousarray(table, dtype=np.uint8)
        self._heads = self._hashes[:, :8].copy().view(">u8").ravel().astype(np.uint64)
        self._order = np.argsort(self._heads, kind="stable")

    def find(self, body_sha256: bytes) -> list[int]:
        if body_sha256 == ERASED[:HASH_BYTES]:
            return []
        head = np.uint64(int.from_bytes(body_sha256[:8], "big"))
        ordered = self._heads[self._order]
        start, end = np.searchsorted(ordered, head, side="left"), np.searchsorted(ordered, head, side="right")
        places = np.sort(self._order[start:end])
        return [int(at) for at in places if self._hashes[at].tobytes() == body_sha256]


def create_log(
    path: Path,
    *,
    origin: str,
    witnesses: Sequence[str] = (),
    clock_ms: ClockMs = system_ms,
    chance: Callable[[int], bytes] = os.urandom,
) -> tuple[str, ...]:
    """Make a log with fresh keys in an empty folder, and give its public keys; its first leaf says them.

    `witnesses` are lines of the policy file (witness, group, quorum); without any, the policy asks for no quorum.
    """
    signers = new_signers(origin, (chance(SEED_BYTES), chance(SEED_BYTES)))
    vkeys = tuple(signer.vkey for signer in signers)
    text = policy_text_of(vkeys, witnesses)
    Policy.parse(text)
    with store_failures(path, "creating"):
        making = _begun(path)
        make_folder(making / PUBLIC_NAME)
    write_keys(making / KEYS_NAME, signers)
    create_log_journal(making / JOURNAL_NAME, origin=origin, tag_key=chance(HASH_BYTES))
    write_policy(making, text)
    with LogJournal(making / JOURNAL_NAME, clock_ms=clock_ms, chance=chance) as journal:
        journal.put_key_set(vkeys, key_statement(vkeys, signers, origin=origin, time_s=clock_ms() // 1000))
    with store_failures(path, "creating"):
        _put_in_place(making)
    return vkeys


def _begun(path: Path) -> Path:
    """Give an empty folder to make a log in; what a making that was cut off left behind is removed, nothing else is.

    A log whose journal is not in its place yet has signed nothing.
    """
    make_folder(path)
    making = path / MAKING_NAME
    present = {entry.name for entry in path.iterdir()}
    if present and (MAKING_NAME not in present or present - {*MADE_NAMES[:-1], MAKING_NAME}):
        raise StoreUnavailable(f"{path}: is not empty; give a new folder")
    for name in sorted(present):
        place = path / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    making.mkdir(mode=0o700)
    sync_folder(path)
    return making


def _put_in_place(making: Path) -> None:
    """Move the parts of a new log to where they belong, its journal last: with it the log is there."""
    path = making.parent
    left = sorted(entry.name for entry in making.iterdir() if entry.name not in MADE_NAMES)
    if left:
        raise StoreUnavailable(f"{making}: the journal was not closed ({left[0]}); give the same command again")
    for name in MADE_NAMES:
        if name == JOURNAL_NAME:
            sync_folder(path)
        (making / name).replace(path / name)
    sync_folder(path)
    making.rmdir()


def policy_text_of(vkeys: Sequence[str], witnesses: Sequence[str]) -> str:
    """Write a trust policy: the log's keys, then the lines on witnesses, or that no quorum is asked for."""
    return "".join(f"{line}\n" for line in (*(f"log {vkey}" for vkey in vkeys), *(witnesses or ("quorum none",))))


def write_policy(path: Path, text: str) -> None:
    """Put a policy in a log's place, whole and durable."""
    with durable_file(path / POLICY_NAME) as stream:
        stream.write(text.encode())
