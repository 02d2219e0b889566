"""How every database that is a truth is opened and written: synced at each commit, all or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import apsw

BUSY_WAIT_MS = 5_000
"""How long one waits for a lock that is only ever held for moments."""


def make_durable(connection: apsw.Connection) -> None:
    """Have every commit of a database with a write-ahead file be on disk when it is acknowledged."""
    connection.set_busy_timeout(BUSY_WAIT_MS)
    connection.pragma("synchronous", "full")


def sync_what_stands(connection: apsw.Connection) -> None:
    """Sync what an ended process wrote and did not sync, before anything is acknowledged or signed on its strength.

    It can be read, and might still be lost with the power. A checkpoint syncs the write-ahead file first.
    """
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Write all that the block does, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(apsw.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise
