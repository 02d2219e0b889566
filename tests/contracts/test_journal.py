"""The contract of the journal: nothing in it is altered or removed, and what was altered from outside is found."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from truceline.adapters.clock import system_now
from truceline.adapters.stores.journal import Checkpoint, Journal, JournalEntry, create_journal
from truceline.errors import StoreUnavailable


def entry(record_id: str, body: bytes = b"{}") -> JournalEntry:
    """Give a record on its way in."""
    return JournalEntry(record_kind="note", record_id=record_id, schema_name="truceline.note/1", body=body)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a journal of two records and one state."""
    path = tmp_path / "journal.sqlite"
    create_journal(path)
    journal = Journal(path, writing=True, clock=system_now)
    journal.append([entry("one"), entry("two")], checkpoint=Checkpoint(name="state", body=b"1"))
    journal.close()
    return path


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET body = x'00'",
        "UPDATE record SET logged_time_us = 0 WHERE sequence = 1",
        "DELETE FROM record",
        "DELETE FROM record WHERE sequence = 2",
        "INSERT OR REPLACE INTO record SELECT * FROM record WHERE sequence = 1",
        "REPLACE INTO record SELECT sequence, 'note', 'three', '', x'00', '', 0, 0 FROM record WHERE sequence = 1",
        "REPLACE INTO record SELECT 9, record_kind, record_id, '', x'00', body_sha256, 0, 0 FROM record LIMIT 1",
    ],
)
def test_no_statement_alters_or_removes_a_record(path: Path, statement: str) -> None:
    """Whoever opens the file with any SQLite is refused every update, delete and replace."""
    stranger = apsw.Connection(str(path))
    before = list(stranger.execute("SELECT * FROM record"))
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        stranger.execute(statement)
    after = list(stranger.execute("SELECT * FROM record"))
    stranger.close()

    assert before == after


def test_an_altered_body_is_found_on_reading(path: Path) -> None:
    """A body changed behind the triggers' back is named, not believed."""
    stranger = apsw.Connection(str(path))
    stranger.execute("DROP TRIGGER record_no_update; UPDATE record SET body = x'00' WHERE sequence = 2")
    stranger.execute("UPDATE checkpoint SET body = x'00'")
    stranger.close()
    journal = Journal(path, writing=False, clock=system_now)

    with pytest.raises(StoreUnavailable, match=r"record 2 \(note two\) is altered"):
        list(journal.rows())
    with pytest.raises(StoreUnavailable, match="checkpoint 'state' is altered"):
        journal.checkpoint("state")
    journal.close()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("PRAGMA user_version = 2", "journal version=2, this program reads 1"),
        ("PRAGMA application_id = 5", "database of another program"),
        ("PRAGMA journal_mode = delete", "journal_mode is not wal"),
    ],
)
def test_a_journal_of_another_kind_or_version_is_refused(path: Path, statement: str, reason: str) -> None:
    """What this program did not write it does not open."""
    stranger = apsw.Connection(str(path))
    stranger.execute(statement)
    stranger.close()

    with pytest.raises(StoreUnavailable, match=reason):
        Journal(path, writing=False, clock=system_now)


def test_making_a_journal_twice_is_making_it_once(path: Path) -> None:
    """A journal that stands is left as it is, and one whose making was cut off is finished."""
    create_journal(path)
    cut_off = path.with_name("cut_off.sqlite")
    cut_off.touch()
    with pytest.raises(StoreUnavailable, match="empty journal"):
        Journal(cut_off, writing=True, clock=system_now)
    create_journal(cut_off)
    journals = [Journal(each, writing=False, clock=system_now) for each in (path, cut_off)]
    counts = [journal.last_sequence() for journal in journals]
    for journal in journals:
        journal.close()

    assert counts == [2, 0]


def test_every_commit_is_synced(path: Path) -> None:
    """The writer runs with the write-ahead log synced in full at every commit."""
    journal = Journal(path, writing=True, clock=system_now)
    modes = (journal._connection.pragma("journal_mode"), journal._connection.pragma("synchronous"))
    journal.close()

    assert modes == ("wal", 2)
