"""The append-only journal: one SQLite file that is the only truth of a store; nothing in it is altered or removed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import msgspec

from truceline.adapters.clock import Clock
from truceline.adapters.stores.database import BUSY_WAIT_MS, make_durable, sync_what_stands, transaction
from truceline.adapters.stores.durable import sync_folder
from truceline.adapters.stores.failures import damaged, store_failures
from truceline.errors import StoreUnavailable
from truceline.model.quantity import EPOCH

JOURNAL_SCHEMA_NAME = "truceline.journal"
JOURNAL_SCHEMA_VERSION = 1
APPLICATION_ID = 0x54524C4E
"""Marks the SQLite file as a Truceline journal ("TRLN"), so that `file` and other tools can tell."""

WAL_SIZE_LIMIT_BYTES = 64 << 20
"""Size to which the write-ahead file is cut back after a large batch."""

WAL_PAGE_COUNT = 16_000
"""Pages after which the write-ahead file is brought into the main file (64 MB): pages written often go there once."""

PAGE_CACHE_KIB = 64 << 10
"""Memory for pages of the identity index, whose ids come in no order."""

BODY_SIZE_MAX_BYTES = 500_000_000
"""Largest single record or checkpoint; SQLite itself ends at one billion bytes."""

_SCHEMA = """
CREATE TABLE record (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    record_kind TEXT NOT NULL,
    record_id TEXT NOT NULL,
    schema_name TEXT NOT NULL,
    body BLOB NOT NULL,
    body_sha256 TEXT NOT NULL,
    equivocation INTEGER NOT NULL,
    logged_time_us INTEGER NOT NULL
) STRICT;
CREATE INDEX record_identity ON record (record_kind, record_id);
CREATE TRIGGER record_no_update BEFORE UPDATE ON record
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no update'); END;
CREATE TRIGGER record_no_removal BEFORE DELETE ON record
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no delete'); END;
CREATE TRIGGER record_no_replacement BEFORE INSERT ON record
    WHEN EXISTS (SELECT 1 FROM record WHERE sequence = NEW.sequence) OR EXISTS (
        SELECT 1 FROM record
        WHERE record_kind = NEW.record_kind AND record_id = NEW.record_id AND body_sha256 = NEW.body_sha256
    )
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no replace'); END;
CREATE TABLE checkpoint (
    name TEXT PRIMARY KEY,
    after_sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    body_sha256 TEXT NOT NULL,
    logged_time_us INTEGER NOT NULL
) STRICT;
CREATE TABLE journal_schema (schema_name TEXT NOT NULL, schema_version INTEGER NOT NULL) STRICT;
"""

# An identical row is passed over; the same id with other bytes stays as a second row, marked. No unique index: a row is
# told apart by its hash, and an index that held the hash would be twice as large and a third slower to write.
_INSERT = """
INSERT INTO record (record_kind, record_id, schema_name, body, body_sha256, equivocation, logged_time_us)
SELECT ?1, ?2, ?3, ?4, ?5, EXISTS (SELECT 1 FROM record WHERE record_kind = ?1 AND record_id = ?2), ?6
WHERE NOT EXISTS (SELECT 1 FROM record WHERE record_kind = ?1 AND record_id = ?2 AND body_sha256 = ?5)
"""

_SELECT = """
SELECT sequence, record_kind, record_id, schema_name, body, body_sha256, equivocation, logged_time_us FROM record
"""


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A record on its way into the journal: what kind, under which id, in canonical bytes."""

    record_kind: str
    record_id: str
    schema_name: str
    body: bytes


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it stands in the journal; `equivocation` marks a second body under an id already taken."""

    sequence: int
    record_kind: str
    record_id: str
    schema_name: str
    body: bytes
    body_sha256: str
    equivocation: bool
    logged_time: datetime

    @property
    def intact(self) -> bool:
        """Say whether the body is still what was written."""
        return hashlib.sha256(self.body).hexdigest() == self.body_sha256


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A named state, saved in the same transaction as the records it goes with; the newest replaces the one before."""

    name: str
    body: bytes


class RowQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows to read; `None` means any. `record_id_prefix` selects ids that begin with it."""

    record_kind: str | None = None
    record_id_prefix: str | None = None
    after_sequence: int = 0
    through_sequence: int | None = None
    equivocation: bool | None = None


class Journal:
    """One open journal: many readers, one writer (the workspace's lock sees to that); not shared between threads."""

    def __init__(self, path: Path, *, writing: bool, clock: Clock) -> None:
        """Open an existing journal, or raise `StoreUnavailable` where it is missing, damaged or of another version."""
        self.path = path
        self._clock = clock
        self._writing = writing
        self._failed = False
        flags = apsw.SQLITE_OPEN_READWRITE if writing else apsw.SQLITE_OPEN_READONLY
        with store_failures(path, "opening"):
            self._connection = apsw.Connection(str(path), flags=flags)
        try:
            with store_failures(path, "opening"):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self._connection.set_busy_timeout(BUSY_WAIT_MS)
        require_schema(self._connection, self.path)
        if self._writing:
            make_durable(self._connection)
            self._connection.pragma("journal_size_limit", WAL_SIZE_LIMIT_BYTES)
            self._connection.wal_autocheckpoint(WAL_PAGE_COUNT)
            self._connection.pragma("cache_size", -PAGE_CACHE_KIB)
            sync_what_stands(self._connection)
        newest = self._connection.execute("SELECT logged_time_us FROM record ORDER BY sequence DESC LIMIT 1").get
        self._logged_time_us: int = newest or 0

    def close(self) -> None:
        """Close the file; what was acknowledged is on disk already."""
        with store_failures(self.path, "closing"):
            self._connection.close()

    def append(self, entries: Iterable[JournalEntry], *, checkpoint: Checkpoint | None = None) -> int:
        """Put all entries and the checkpoint on disk in one transaction, or none; give how many were new.

        After a failure this journal takes nothing more until it is opened again, because what a disk did with a write
        it reported as failed is unknown until the file is read afresh.
        """
        assert self._writing, "append on a journal opened for reading"
        if self._failed:
            raise StoreUnavailable(f"{self.path}: an earlier write failed; close the store and open it again")
        self._failed = True
        try:
            with store_failures(self.path, "writing"), transaction(self._connection):
                count = self._insert(entries)
                if checkpoint is not None:
                    self._save(checkpoint)
        except StoreUnavailable:
            raise
        except BaseException:
            self._failed = False  # not the disk: the transaction was rolled back whole
            raise
        self._failed = False
        return count

    def _insert(self, entries: Iterable[JournalEntry]) -> int:
        before_count = self._connection.total_changes()
        logged_time_us = self._next_logged_time_us()
        self._connection.executemany(_INSERT, (_values(entry, logged_time_us) for entry in entries))
        return self._connection.total_changes() - before_count

    def _save(self, checkpoint: Checkpoint) -> None:
        require_size(checkpoint.name, checkpoint.body)
        self._connection.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (?, (SELECT coalesce(max(sequence), 0) FROM record), ?, ?, ?)",
            (checkpoint.name, checkpoint.body, hashlib.sha256(checkpoint.body).hexdigest(), self._logged_time_us),
        )

    def _next_logged_time_us(self) -> int:
        """Give the present moment, never before the last one given: a clock set back does not reorder the journal."""
        now_us = (self._clock() - EPOCH) // timedelta(microseconds=1)
        self._logged_time_us = max(self._logged_time_us, now_us)
        return self._logged_time_us

    def rows(self, query: RowQuery | None = None) -> Iterator[JournalRow]:
        """Give rows in the order in which they were written; a body that is not what was written raises."""
        for row in self.rows_unchecked(query):
            if not row.intact:
                raise damaged(self.path, f"record {row.sequence} ({row.record_kind} {row.record_id}) is altered")
            yield row

    def rows_unchecked(self, query: RowQuery | None = None) -> Iterator[JournalRow]:
        """Give rows in the order in which they were written, altered or not."""
        where, bindings = _where(query or RowQuery())
        with store_failures(self.path, "reading"):
            for values in self._connection.execute(f"{_SELECT} {where} ORDER BY sequence", bindings):
                yield _row(values, self.path)

    def count(self, record_kind: str) -> int:
        """Give how many rows of a kind there are, equivocations included."""
        query = "SELECT count(*) FROM record WHERE record_kind = ?"
        with store_failures(self.path, "reading"):
            return int(self._connection.execute(query, (record_kind,)).get)

    def last_sequence(self) -> int:
        """Give the sequence of the newest row; 0 for an empty journal."""
        with store_failures(self.path, "reading"):
            return int(self._connection.execute("SELECT coalesce(max(sequence), 0) FROM record").get)

    def checkpoint(self, name: str) -> bytes | None:
        """Give the newest state saved under a name, or `None`; a state that is not what was written raises."""
        query = "SELECT body, body_sha256 FROM checkpoint WHERE name = ?"
        with store_failures(self.path, "reading"):
            found = self._connection.execute(query, (name,)).fetchone()
        if found is None:
            return None
        body, body_sha256 = found
        if hashlib.sha256(body).hexdigest() != body_sha256:
            raise damaged(self.path, f"checkpoint {name!r} is altered")
        return bytes(body)

    def checkpoint_names(self) -> list[str]:
        """Give the names under which states are saved."""
        with store_failures(self.path, "reading"):
            return [name for (name,) in self._connection.execute("SELECT name FROM checkpoint ORDER BY name")]

    def damages(self) -> list[str]:
        """Give what SQLite itself finds wrong with the file; empty where it is sound."""
        with store_failures(self.path, "checking"):
            found = [str(line) for (line,) in self._connection.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found


def create_journal(path: Path) -> None:
    """Make an empty journal, whole and durable, where there is none (or finish one whose making was cut off)."""
    with store_failures(path, "creating"):
        connection = apsw.Connection(str(path))
        try:
            make_durable(connection)
            connection.pragma("journal_mode", "wal")
            if not _is_empty(connection):
                return
            with connection:
                connection.execute(_SCHEMA)
                connection.execute(
                    "INSERT INTO journal_schema VALUES (?, ?)", (JOURNAL_SCHEMA_NAME, JOURNAL_SCHEMA_VERSION)
                )
                connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", JOURNAL_SCHEMA_VERSION)
        finally:
            connection.close()
        sync_folder(path.parent)


def require_schema(connection: apsw.Connection, path: Path) -> None:
    """Hold that the file is a Truceline journal of a version this program knows."""
    if _is_empty(connection):
        raise StoreUnavailable(f"{path}: is an empty journal; create it with `truceline ingest`")
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreUnavailable(f"{path}: is a database of another program, not a Truceline journal")
    version = connection.pragma("user_version")
    if version != JOURNAL_SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{path}: journal version={version}, this program reads {JOURNAL_SCHEMA_VERSION}; "
            "use the version of Truceline that wrote it, or a newer one"
        )
    if connection.pragma("journal_mode") != "wal":
        raise StoreUnavailable(f"{path}: journal_mode is not wal; restore this file from a copy")


def require_size(name: str, body: bytes) -> None:
    """Hold that one body fits into the journal, or raise `StoreUnavailable`."""
    if len(body) > BODY_SIZE_MAX_BYTES:
        raise StoreUnavailable(f"{name}: size={len(body)} bytes is above {BODY_SIZE_MAX_BYTES}")


def _is_empty(connection: apsw.Connection) -> bool:
    return int(connection.execute("SELECT count(*) FROM sqlite_schema").get) == 0


def _values(entry: JournalEntry, logged_time_us: int) -> tuple[Any, ...]:
    require_size(entry.record_id, entry.body)
    body_sha256 = hashlib.sha256(entry.body).hexdigest()
    return entry.record_kind, entry.record_id, entry.schema_name, entry.body, body_sha256, logged_time_us


def _row(values: tuple[Any, ...], path: Path) -> JournalRow:
    sequence, record_kind, record_id, schema_name, body, body_sha256, equivocation, logged_time_us = values
    try:
        logged_time = EPOCH + timedelta(microseconds=logged_time_us)
    except (OverflowError, TypeError) as error:
        raise damaged(path, f"record {sequence} has logged_time_us={logged_time_us}") from error
    return JournalRow(
        sequence=sequence,
        record_kind=record_kind,
        record_id=record_id,
        schema_name=schema_name,
        body=body,
        body_sha256=body_sha256,
        equivocation=bool(equivocation),
        logged_time=logged_time,
    )


def _where(query: RowQuery) -> tuple[str, tuple[Any, ...]]:
    terms: list[str] = ["sequence > ?"]
    bindings: list[Any] = [query.after_sequence]
    if query.through_sequence is not None:
        terms.append("sequence <= ?")
        bindings.append(query.through_sequence)
    if query.record_kind is not None:
        terms.append("record_kind = ?")
        bindings.append(query.record_kind)
    if query.record_id_prefix is not None:
        terms.append("record_id >= ? AND record_id < ?")
        bindings += [query.record_id_prefix, query.record_id_prefix + "\U0010ffff"]
    if query.equivocation is not None:
        terms.append("equivocation = ?")
        bindings.append(int(query.equivocation))
    return "WHERE " + " AND ".join(terms), tuple(bindings)
