"""The tables of the log's journal, and how the file is opened."""

from __future__ import annotations

from pathlib import Path

import apsw

from truceline.adapters.log.pages import StampedDisk, connect
from truceline.adapters.stores.database import make_durable
from truceline.adapters.stores.failures import damaged
from truceline.errors import StoreUnavailable

APPLICATION_ID = 0x54524C47
"""Marks the SQLite file as a Truceline log ("TRLG")."""
SCHEMA_VERSION = 1
WAL_PAGE_COUNT = 4_000
"""Pages after which the write-ahead file is brought into the main file (64 MB)."""
PAGE_CACHE_KIB = 32 << 10
ROW_MOST_BYTES = 500_000_000

_REFUSING = """
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, 'the log is append-only: no update'); END;
CREATE TRIGGER {table}_no_removal BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, 'the log is append-only: no delete'); END;
"""

_TABLES = """
CREATE TABLE log_setting (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE batch (
    batch_index INTEGER PRIMARY KEY,
    first_leaf_index INTEGER NOT NULL UNIQUE,
    leaves BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE secret (batch_index INTEGER PRIMARY KEY, secrets BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE payload (
    batch_index INTEGER PRIMARY KEY,
    lengths BLOB NOT NULL,
    bodies BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE source (source_index INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE span (
    source_index INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    leaf_count INTEGER NOT NULL,
    first_leaf_index INTEGER NOT NULL,
    PRIMARY KEY (source_index, first_sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE content (body_sha256 BLOB PRIMARY KEY, leaf_index INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE equivocation (
    source_index INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    body_sha256 BLOB NOT NULL,
    leaf_index INTEGER NOT NULL,
    PRIMARY KEY (source_index, sequence, body_sha256)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (
    size_count INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    frontier BLOB NOT NULL,
    time_s INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE cosignature (
    cosignature_index INTEGER PRIMARY KEY,
    size_count INTEGER NOT NULL,
    line TEXT NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (size_count, line)
) STRICT;
CREATE TABLE stamp (
    stamp_index INTEGER PRIMARY KEY,
    size_count INTEGER NOT NULL,
    response BLOB NOT NULL,
    logged_time_ms INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE key_set (leaf_index INTEGER PRIMARY KEY, vkeys TEXT NOT NULL, statement TEXT NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE TABLE erasure (
    leaf_index INTEGER PRIMARY KEY,
    body_sha256 BLOB NOT NULL,
    reason TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
"""

APPEND_ONLY_TABLES = ("batch", "checkpoint", "cosignature", "stamp", "key_set", "erasure", "equivocation", "span")
SCHEMA = _TABLES + "".join(_REFUSING.format(table=table) for table in APPEND_ONLY_TABLES)


def open_database(path: Path, *, creates: bool, writes: bool) -> tuple[apsw.Connection, StampedDisk]:
    """Open the journal's file, or make an empty one; raise `StoreUnavailable` for a file of another program."""
    connection, disk = connect(path, creates=creates)
    try:
        make_durable(connection)
        connection.pragma("secure_delete", True)
        connection.pragma("cache_size", -PAGE_CACHE_KIB)
        connection.wal_autocheckpoint(WAL_PAGE_COUNT)
        connection.set_last_insert_rowid(0)
        if creates and not connection.execute("SELECT count(*) FROM sqlite_schema").get:
            _create(connection)
        _require_schema(connection, path)
        if not writes:
            connection.pragma("query_only", True)
    except BaseException:
        connection.close()
        disk.unregister()
        raise
    return connection, disk


def _create(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")
    with connection:
        connection.execute(SCHEMA)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", SCHEMA_VERSION)


def _require_schema(connection: apsw.Connection, path: Path) -> None:
    if not connection.execute("SELECT count(*) FROM sqlite_schema").get:
        raise StoreUnavailable(f"{path}: is an empty file; make a log with `truceline log init`")
    if connection.pragma("application_id") != APPLICATION_ID:
        raise damaged(path, "it is not a Truceline log's journal")
    if connection.pragma("user_version") != SCHEMA_VERSION:
        raise StoreUnavailable(f"{path}: was written by another version ({connection.pragma('user_version')})")
