"""The table of durable writes: each fails, or is done and reported as failed, passing or for good; nothing is lost."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.failing_disk import FOREVER_COUNT, FailingDisk, failing
from faults.work import content_of, drawn_lines, rejections_of, tables_of
from truceline.adapters.stores.durable import durable_file
from truceline.adapters.stores.workspace import Workspace
from truceline.errors import StoreUnavailable
from truceline.testing.observation_tables import received_file

Act = Callable[[Workspace], object]

WRITE_KINDS = ("file write", "file sync", "rename", "journal write", "journal sync")

ACTS: dict[str, Act] = {
    "append_file": lambda store: store.append_file(received_file("file 1"), tables_of(1), rejections_of(1)),
    "append_lines": lambda store: store.append_lines(drawn_lines(), received_file("lines", kind="contact_line")),
    "append_records": lambda store: store.append_records("note", rejections_of(2)),
    "commit": lambda store: store.commit(
        {"note": rejections_of(3)}, checkpoint_name="run", checkpoint_body=b"state" * 10_000
    ),
}


def begin(folder: Path) -> None:
    """Make a store with one acknowledged file and one acknowledged state."""
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("file 0"), tables_of(0), rejections_of(0))
        store.checkpoint("run", b"before")


def said_by(folder: Path) -> list[tuple[str, str, bytes]]:
    """Give what the journal says without the places at which it says it."""
    return [(kind, record_id, body) for _, kind, record_id, body, _ in content_of(folder)]


def write_count(act: Act, kind: str, folder: Path) -> int:
    """Count the writes of a kind that an act makes on a sound disk."""
    begin(folder)
    with failing(FailingDisk(kind, errno.EIO)) as disk, Workspace.open(folder, create=False) as store:
        disk.call_count = 0
        act(store)
        return disk.call_count


def picked_indices(count: int) -> list[int]:
    """Pick the first, the last and one writing in the middle."""
    return sorted({0, count // 2, count - 1} & set(range(count)))


@pytest.mark.parametrize("error_number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("fatal", [False, True])
@pytest.mark.parametrize("kind", WRITE_KINDS)
@pytest.mark.parametrize("name", ACTS)
def test_a_failed_write_is_said_and_loses_nothing(
    tmp_path: Path, name: str, kind: str, fatal: bool, written: bool, error_number: int
) -> None:
    """Whichever write fails in whichever way: the act says so, what was acknowledged stands, and trying again works."""
    act = ACTS[name]
    begin(tmp_path / "sound")
    before = said_by(tmp_path / "sound")
    with Workspace.open(tmp_path / "sound", create=False) as store:
        act(store)
    expected = said_by(tmp_path / "sound")
    for index in picked_indices(write_count(act, kind, tmp_path / "counted")):
        folder = tmp_path / str(index)
        begin(folder)
        disk = FailingDisk(kind, error_number)
        with failing(disk):
            _fail(act, disk, folder, (index, fatal, written))
        found = said_by(folder)
        assert found in (before, expected), "an act was done by half"
        with Workspace.open(folder, create=False) as store:
            act(store)

        assert expected == said_by(folder)
        assert sorted(path.name for path in folder.rglob("*.part")) == []


def _fail(act: Act, disk: FailingDisk, folder: Path, how: tuple[int, bool, bool]) -> None:
    """Let an act meet the failure; a disk that stays broken may also refuse the closing."""
    store = Workspace.open(folder, create=False)
    disk.call_count = 0
    disk.fails_at_index, disk.fatal, disk.written = how
    complaint = ""
    try:
        act(store)
    except StoreUnavailable as error:
        complaint = str(error)
    assert bool(complaint) == (disk.failure_count > 0), "a failed write was passed over in silence"
    assert not complaint or re.search(rf"{folder}.*disk (is full|failed to read or write)", complaint)
    disk.fails_at_index = FOREVER_COUNT
    store.close()


def test_a_failed_write_is_said_even_where_the_layer_above_passes_over_it(tmp_path: Path) -> None:
    """A file of which one write failed never gets its name, whoever swallowed the failure."""
    disk = FailingDisk("file write", errno.EIO)
    disk.fails_at_index = 1
    with failing(disk), pytest.raises(StoreUnavailable, match="failed to read"):
        _write_heedlessly(tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


def _write_heedlessly(path: Path) -> None:
    with durable_file(path) as stream:
        for _ in range(3):
            with contextlib.suppress(OSError):
                stream.write(b"x")


def test_after_a_failed_write_the_journal_takes_nothing_until_opened_again(tmp_path: Path) -> None:
    """What a disk did with a failed write is unknown, so the writer does not build upon it."""
    begin(tmp_path)
    disk = FailingDisk("journal sync", errno.EIO)
    with failing(disk), Workspace.open(tmp_path, create=False) as store:
        disk.fails_at_index = disk.call_count
        with pytest.raises(StoreUnavailable):
            store.checkpoint("run", b"after")

        with pytest.raises(StoreUnavailable, match="open it again"):
            store.checkpoint("run", b"after")


def test_a_full_database_is_said_and_reading_goes_on(tmp_path: Path) -> None:
    """Where the database may not grow, the act says that the disk is full, and what was kept can still be read."""
    begin(tmp_path)
    before = content_of(tmp_path)
    with Workspace.open(tmp_path, create=False) as store:
        connection = store._journal._connection
        connection.pragma("max_page_count", connection.pragma("page_count"))
        with pytest.raises(StoreUnavailable, match=r"journal\.sqlite: writing failed: the disk is full; free space"):
            store.checkpoint("run", b"x" * 1_000_000)

        assert store.restore("run") == b"before"
        assert store.observations().num_rows == 150
    assert before == content_of(tmp_path)


def _fill(store: Workspace, acknowledged: list[str]) -> None:
    for index in range(1_000):
        file = received_file(f"file {index}")
        store.append_file(file, tables_of(index), rejections_of(index))
        acknowledged.append(file.file_sha256)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of two megabytes, where this machine permits mounting one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, b"size=2m") != 0:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        yield folder
    finally:
        libc.umount2(str(folder).encode(), 2)


def test_a_disk_that_is_really_full_loses_nothing_acknowledged(small_disk: Path) -> None:
    """Files go in until the disk is full; all acknowledged before are there, and after making room it goes on."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 400_000)
    folder = small_disk / "store"
    acknowledged: list[str] = []
    store = Workspace.open(folder, create=True)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        _fill(store, acknowledged)
    store.close()
    ballast.unlink()
    with Workspace.open(folder, create=False) as store:
        kept = [file.file_sha256 for file in store.ingested_files()]
        row_count = store.observations().num_rows
        refused = received_file(f"file {len(acknowledged)}")
        again = store.append_file(refused, tables_of(len(acknowledged)), rejections_of(len(acknowledged)))

    assert acknowledged == kept[: len(acknowledged)]
    assert row_count == 150 * len(kept)
    assert again.accepted_count == 150
    assert content_of(folder)
