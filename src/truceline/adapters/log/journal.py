"""The log's journal: one SQLite file that is the only truth of a log; tiles, checkpoint and proofs come from it.

A batch is one transaction: leaves, salts, bodies and by which source and sequence they are known. Nothing is
acknowledged before it is committed, and nothing is signed that is not committed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import apsw
import msgspec
import numpy as np

from truceline.adapters.log.entry_rows import EntryRows
from truceline.adapters.log.journal_reading import JournalReading
from truceline.adapters.log.leaf import (
    LEAF_BYTES,
    SALT_BYTES,
    TAG_BYTES,
    LeafKind,
    commitment_rows,
    head_rows,
    leaf_rows,
    subject_tag_of,
)
from truceline.adapters.log.rows import (
    ERASED,
    LENGTH_TYPE,
    NO_SEQUENCE,
    SECRET_BYTES,
    Appended,
    LogRecord,
    SignedCheckpoint,
    row_digest,
    runs_of,
)
from truceline.adapters.log.schema import ROW_MOST_BYTES, open_database
from truceline.adapters.log.sha256_many import Bytes, Longs, as_rows, digest_pieces
from truceline.adapters.log.tree import HASH_BYTES
from truceline.adapters.stores.database import sync_what_stands, transaction
from truceline.adapters.stores.durable import sync_folder
from truceline.adapters.stores.failures import store_failures
from truceline.errors import StoreUnavailable

JOURNAL_NAME = "log.sqlite"
PADDING_MULTIPLE_COUNT = 256
"""A published tree has a size divisible by this: full level-0 tiles, and how much was logged shows only coarsely."""
ERASURE_SOURCE = "truceline.log.erasure"
KEY_SOURCE = "truceline.log.key"
EMPTY_SHA256 = sha256(b"").digest()
"""What padding commits to."""

Chance = Callable[[int], bytes]
"""Gives that many random bytes."""
ClockMs = Callable[[], int]
"""Gives the POSIX time in milliseconds."""


class _Chosen(NamedTuple):
    """What of a batch goes in: the new records by index, their keys as runs or hashes, and contradicted keys."""

    fresh: Sequence[int]
    spans: list[tuple[str, int, int, int]]
    contents: list[tuple[bytes, int]]
    contradictions: list[tuple[int, int, bytes, int]]


class _Bodies(NamedTuple):
    """Records with their bodies one behind the other, each one's length [n] and its SHA-256 [n, 32]."""

    records: Sequence[LogRecord]
    content: bytes
    lengths: Longs
    digests: Bytes

    def taken(self, places: Sequence[int]) -> _Bodies:
        """Give some of them."""
        records, at = [self.records[place] for place in places], np.asarray(places, dtype=np.int64)
        return _Bodies(records, b"".join([record.body for record in records]), self.lengths[at], self.digests[at])


def _bodies_of(records: Sequence[LogRecord]) -> _Bodies:
    bodies = [record.body for record in records]
    content, lengths = b"".join(bodies), np.fromiter(map(len, bodies), dtype=np.int64, count=len(bodies))
    return _Bodies(records, content, lengths, digest_pieces(content, lengths))


class LogJournal(JournalReading):
    """One open journal; one writer at a time (the caller's lock sees to that), not shared between threads."""

    def __init__(self, path: Path, *, clock_ms: ClockMs, chance: Chance = os.urandom, writes: bool = True) -> None:
        """Open an existing journal, or raise `StoreUnavailable`; use `create_log_journal` for a new one."""
        self.path = path
        self._clock_ms, self._chance, self._writes = clock_ms, chance, writes
        self._failed = False
        if not path.is_file():
            raise StoreUnavailable(f"{path}: is missing; make a log with `truceline log init`, or restore it")
        with store_failures(path, "opening"):
            self._connection, self._disk = open_database(path, creates=False, writes=writes)
        try:
            with store_failures(path, "opening"):
                self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        ask = self._connection.execute
        if self._writes:
            sync_what_stands(self._connection)
        last = ask(
            "SELECT batch_index, first_leaf_index, leaves FROM batch ORDER BY batch_index DESC LIMIT 1"
        ).fetchone()
        self._batch_count = 0 if last is None else last[0]
        self.size_count = 0 if last is None else last[1] + len(last[2]) // LEAF_BYTES
        self._time_ms = 0 if last is None else int.from_bytes(last[2][-LEAF_BYTES + 2 : -LEAF_BYTES + 10], "big")
        self._sources = {str(name): int(index) for index, name in ask("SELECT source_index, name FROM source")}
        self._tag_key = bytes(self.setting("tag_key"))
        self.origin = self.setting("origin").decode()
        self._tags: dict[str, bytes] = {}
        self._tail = (self.size_count, b"")

    def close(self) -> None:
        """Bring everything into the main file, where nobody reads it, and close; what was acknowledged is on disk."""
        with contextlib.suppress(apsw.Error):
            if self._writes and not self._failed:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        try:
            with store_failures(self.path, "closing"):
                self._connection.close()
        finally:
            self._disk.unregister()

    def __enter__(self) -> Self:
        """Give the open journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal."""
        self.close()

    # writing

    def append(self, records: Sequence[LogRecord], *, is_padded: bool = False) -> Appended:
        """Commit all records not yet known, in one transaction, and give what became of them.

        A known record (same source and sequence, or same bytes where there is none) is passed over; other bytes under
        a known source and sequence become a leaf of their own and an equivocation. `is_padded` adds leaves that look
        like any other up to the next multiple of 256, and a whole block of them where there would be none.
        """
        bodies = _bodies_of(records)
        first = self.size_count
        with self._writing():
            chosen = self._choose(bodies)
            padding_count = (-(first + len(chosen.fresh))) % PADDING_MULTIPLE_COUNT if is_padded else 0
            if is_padded and not chosen.fresh and not padding_count and self._is_published_whole():
                padding_count = PADDING_MULTIPLE_COUNT
            if chosen.fresh or padding_count:
                fresh = bodies if len(chosen.fresh) == len(records) else bodies.taken(chosen.fresh)
                self._insert_batch(fresh, padding_count=padding_count)
                self._insert_keys(chosen)
        return Appended(
            first_leaf_index=first,
            new_count=len(chosen.fresh),
            known_count=len(records) - len(chosen.fresh),
            equivocation_count=len(chosen.contradictions),
            padding_count=padding_count,
        )

    def _is_published_whole(self) -> bool:
        newest = self._connection.execute("SELECT max(size_count) FROM checkpoint").get
        return (newest or 0) == self.size_count

    def _choose(self, bodies: _Bodies) -> _Chosen:
        """Give the records that are new, their keys, and the keys under which other bytes stand."""
        records = bodies.records
        if self._is_new_run(records):
            span = (records[0].source, records[0].sequence, self.size_count, len(records))
            return _Chosen(range(len(records)), [span], [], [])
        return self._choose_each(records, EntryRows(bodies.digests.tobytes(), width_bytes=HASH_BYTES))

    def _choose_each(self, records: Sequence[LogRecord], digests: Sequence[bytes]) -> _Chosen:
        fresh: list[int] = []
        chosen = _Chosen(fresh, [], [], [])
        keys: list[tuple[str, int, int]] = []
        seen: dict[tuple[str, int] | bytes, set[bytes]] = {}
        for index, (record, digest) in enumerate(zip(records, digests, strict=True)):
            key = digest if record.sequence == NO_SEQUENCE else (record.source, record.sequence)
            if key not in seen:
                seen[key] = self._standing(record, digest)
            standing = seen[key]
            if digest in standing:
                continue
            leaf_index = self.size_count + len(fresh)
            if standing:
                source_index = self._source_index(record.source)
                chosen.contradictions.append((source_index, record.sequence, digest, leaf_index))
            elif record.sequence == NO_SEQUENCE:
                chosen.contents.append((digest, leaf_index))
            else:
                keys.append((record.source, record.sequence, leaf_index))
            standing.add(digest)
            fresh.append(index)
        return chosen._replace(spans=runs_of(keys))

    def _is_new_run(self, records: Sequence[LogRecord]) -> bool:
        """Say whether the records are one source's next ones, none of which can be known: then nothing is asked."""
        if not records or records[0].sequence == NO_SEQUENCE:
            return False
        source, first = records[0].source, records[0].sequence
        if {record.source for record in records} != {source}:
            return False
        if [record.sequence for record in records] != list(range(first, first + len(records))):
            return False
        last = self._connection.execute(
            "SELECT first_sequence + leaf_count FROM span WHERE source_index = ? ORDER BY first_sequence DESC LIMIT 1",
            (self._source_index(source),),
        ).get
        return first >= (last or 0)

    def _standing(self, record: LogRecord, digest: bytes) -> set[bytes]:
        """Give the body hashes that stand under a record's key."""
        if record.sequence == NO_SEQUENCE:
            query = (
                "SELECT body_sha256 FROM content WHERE body_sha256 = ?1 "
                "UNION SELECT body_sha256 FROM erasure WHERE body_sha256 = ?1"
            )
            return {bytes(found) for (found,) in self._connection.execute(query, (digest,))}
        leaf_index = self.leaf_index_of(record.source, record.sequence)
        if leaf_index is None:
            return set()
        source_index = self._source_index(record.source)
        query = "SELECT body_sha256 FROM equivocation WHERE source_index = ? AND sequence = ?"
        others = {bytes(found) for (found,) in self._connection.execute(query, (source_index, record.sequence))}
        return others | {self._body_sha256(leaf_index)}

    def _body_sha256(self, leaf_index: int) -> bytes:
        erased = self._connection.execute("SELECT body_sha256 FROM erasure WHERE leaf_index = ?", (leaf_index,)).get
        if erased is not None:
            return bytes(erased)
        batch, place = self._batch_with(leaf_index)
        return batch.secrets[place * SECRET_BYTES + SALT_BYTES : (place + 1) * SECRET_BYTES]

    def _source_index(self, source: str) -> int:
        if source not in self._sources:
            self._connection.execute("INSERT INTO source (name) VALUES (?)", (source,))
            self._sources[source] = self._connection.last_insert_rowid()
        return self._sources[source]

    def _tag(self, subject: str) -> bytes:
        if subject not in self._tags:
            self._tags[subject] = subject_tag_of(subject, self._tag_key)
        return self._tags[subject]

    def _insert_batch(self, bodies: _Bodies, *, padding_count: int) -> None:
        """Insert one batch: leaves with fresh salts, then padding that commits to nothing under a salt of its own."""
        self._time_ms = max(self._time_ms, self._clock_ms())
        count = len(bodies.records) + padding_count
        chance = self._chance(count * SALT_BYTES + padding_count * TAG_BYTES)
        secrets = np.empty((count, SECRET_BYTES), dtype=np.uint8)
        secrets[:, :SALT_BYTES] = as_rows(chance[: count * SALT_BYTES], width_bytes=SALT_BYTES)
        secrets[: len(bodies.records), SALT_BYTES:] = bodies.digests
        secrets[len(bodies.records) :, SALT_BYTES:] = np.frombuffer(EMPTY_SHA256, dtype=np.uint8)
        tags = np.empty((count, TAG_BYTES), dtype=np.uint8)
        tags[: len(bodies.records)] = self._tags_of(bodies.records)
        tags[len(bodies.records) :] = as_rows(chance[count * SALT_BYTES :], width_bytes=TAG_BYTES)
        kinds = [record.kind for record in bodies.records] + [LeafKind.SEALED] * padding_count
        leaves = leaf_rows(head_rows(kinds, self._time_ms), commitment_rows(secrets), tags)
        lengths = np.concatenate((bodies.lengths, np.zeros(padding_count, dtype=np.int64)))
        self._put_batch(leaves.tobytes(), secrets.tobytes(), lengths.astype(LENGTH_TYPE).tobytes(), bodies.content)

    def _tags_of(self, records: Sequence[LogRecord]) -> Bytes:
        """Give the subject tags of records [n, 8], or the one of them all."""
        sources = [record.source for record in records]
        tag_by_source = {source: self._tag(source) for source in set(sources)}
        if len(tag_by_source) == 1:
            return as_rows(tag_by_source[sources[0]], width_bytes=TAG_BYTES)
        return as_rows(b"".join([tag_by_source[source] for source in sources]), width_bytes=TAG_BYTES)

    def _put_batch(self, leaves: bytes, secrets: bytes, lengths: bytes, bodies: bytes) -> None:
        if len(bodies) > ROW_MOST_BYTES:
            raise StoreUnavailable(f"{self.path}: a batch of {len(bodies)} bytes, at most {ROW_MOST_BYTES}: log fewer")
        index, first, ask = self._batch_count + 1, self.size_count, self._connection.execute
        ask("INSERT INTO batch VALUES (?, ?, ?, ?)", (index, first, leaves, row_digest(index, first, leaves)))
        ask("INSERT INTO secret VALUES (?, ?, ?)", (index, secrets, row_digest(index, secrets)))
        digest = row_digest(index, lengths, bodies)
        ask("INSERT INTO payload VALUES (?, ?, ?, ?)", (index, lengths, bodies, digest))
        self._tail = (first, leaves)
        self._batch_count, self.size_count = index, first + len(leaves) // LEAF_BYTES

    def _insert_keys(self, chosen: _Chosen) -> None:
        put = self._connection.executemany
        spans = [(self._source_index(source), *numbers) for source, *numbers in chosen.spans]
        put("INSERT INTO span (source_index, first_sequence, first_leaf_index, leaf_count) VALUES (?, ?, ?, ?)", spans)
        put("INSERT INTO content VALUES (?, ?)", chosen.contents)
        put("INSERT INTO equivocation VALUES (?, ?, ?, ?)", chosen.contradictions)

    def _insert_own(self, source: str, body: bytes, kind: LeafKind) -> None:
        """Insert a leaf of the log's own, numbered by its place."""
        record = LogRecord(body, source, self.size_count, kind)
        span = (source, self.size_count, self.size_count, 1)
        self._insert_batch(_bodies_of([record]), padding_count=0)
        self._insert_keys(_Chosen([0], [span], [], []))

    def put_checkpoint(self, checkpoint: SignedCheckpoint) -> None:
        """Commit a signed checkpoint over committed leaves, larger than every one before."""
        assert checkpoint.size_count <= self.size_count, "only what is committed is signed"
        frontier = msgspec.json.encode(checkpoint.frontier)
        values = (checkpoint.size_count, checkpoint.root, checkpoint.note, frontier, checkpoint.time_s)
        with self._writing():
            newest = self._connection.execute("SELECT max(size_count) FROM checkpoint").get or 0
            assert checkpoint.size_count > newest, "a log only grows"
            self._put("checkpoint", values)

    def put_cosignatures(self, size_count: int, lines: Iterable[str]) -> int:
        """Commit signature lines of witnesses for a checkpoint; give how many were new."""
        kept = set(self.cosignatures(size_count))
        new = [line for line in dict.fromkeys(lines) if line not in kept]
        with self._writing():
            for line in new:
                number = (self._connection.execute("SELECT max(cosignature_index) FROM cosignature").get or 0) + 1
                self._put("cosignature", (number, size_count, line))
        return len(new)

    def put_stamp(self, size_count: int, response: bytes) -> None:
        """Commit an authority's time-stamp of a checkpoint."""
        with self._writing():
            number = (self._connection.execute("SELECT max(stamp_index) FROM stamp").get or 0) + 1
            self._put("stamp", (number, size_count, response, self._clock_ms()))

    def put_key_set(self, vkeys: Sequence[str], statement: str) -> int:
        """Commit a leaf that says the log's keys from here on, and give its index."""
        with self._writing():
            leaf_index = self.size_count
            self._insert_own(KEY_SOURCE, statement.encode(), LeafKind.KEY)
            self._put("key_set", (leaf_index, "\n".join(vkeys), statement))
        return leaf_index

    def erase(self, leaf_ids: Sequence[int], *, reason: str) -> int:
        """Overwrite salts and bodies of leaves and log that it was done; give how many were erased now.

        The leaves stay, so the tree and all its proofs stay valid. The write-ahead file is emptied too.
        """
        with self._writing():
            time_ms = max(self._time_ms, self._clock_ms())
            erased = [index for index in dict.fromkeys(leaf_ids) if self._erase(index, reason, time_ms)]
            if erased:
                said = {"erased_leaf_indexes": erased, "reason": reason, "time_ms": time_ms}
                self._insert_own(ERASURE_SOURCE, msgspec.json.encode(said), LeafKind.DECISION)
        with store_failures(self.path, "erasing"):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return len(erased)

    def _erase(self, leaf_index: int, reason: str, time_ms: int) -> bool:
        batch, place = self._batch_with(leaf_index)
        secret = batch.secrets[place * SECRET_BYTES : (place + 1) * SECRET_BYTES]
        if secret == ERASED:
            return False
        lengths = batch.body_lengths()
        start = sum(lengths[:place])
        bodies = batch.bodies[:start] + bytes(lengths[place]) + batch.bodies[start + lengths[place] :]
        secrets = batch.secrets[: place * SECRET_BYTES] + ERASED + batch.secrets[(place + 1) * SECRET_BYTES :]
        index, ask = batch.batch_index, self._connection.execute
        ask(
            "UPDATE secret SET secrets = ?2, digest = ?3 WHERE batch_index = ?1",
            (index, secrets, row_digest(index, secrets)),
        )
        digest = row_digest(index, batch.lengths, bodies)
        ask("UPDATE payload SET bodies = ?2, digest = ?3 WHERE batch_index = ?1", (index, bodies, digest))
        ask("DELETE FROM content WHERE leaf_index = ?", (leaf_index,))
        self._put("erasure", (leaf_index, secret[SALT_BYTES:], reason, time_ms))
        return True

    def _put(self, table: str, values: tuple[int | bytes | str, ...]) -> None:
        marks = ", ".join("?" * (len(values) + 1))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", (*values, row_digest(*values)))  # noqa: S608

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction; after a failed one nothing more is taken until the journal is opened again."""
        assert self._writes, "writing to a journal opened for reading"
        if self._failed:
            raise StoreUnavailable(f"{self.path}: an earlier write failed; close the log and open it again")
        self._failed = True
        with store_failures(self.path, "writing"), transaction(self._connection):
            yield
        self._failed = False


def create_log_journal(path: Path, *, origin: str, tag_key: bytes) -> None:
    """Make an empty journal, whole and durable, where there is none."""
    assert len(tag_key) == HASH_BYTES, "a tag key has 32 bytes"
    with store_failures(path, "creating"):
        connection, disk = open_database(path, creates=True, writes=True)
        try:
            with connection:
                settings = (("origin", origin.encode()), ("tag_key", tag_key))
                connection.executemany("INSERT OR IGNORE INTO log_setting VALUES (?, ?)", settings)
        finally:
            connection.close()
            disk.unregister()
        sync_folder(path.parent)
