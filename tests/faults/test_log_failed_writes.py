"""The table of a log's durable writes: each fails once, or is done and reported as failed; nothing is lost, no fork."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from faults.failing_disk import FOREVER_COUNT, FailingDisk, failing
from faults.log_checks import hold_log
from faults.log_work import TIME_S, begin, records_of
from truceline.adapters.log.service import EvidenceLog
from truceline.errors import StoreUnavailable

WRITE_KINDS = ("journal write", "journal sync", "file sync", "rename")


def _publish_two(folder: Path, disk: FailingDisk, fails_at_index: int) -> tuple[list[str], int]:
    """Publish a batch on a sound disk and one on a failing one; give what was acknowledged, and the writes between."""
    said = []
    with EvidenceLog.open(folder / "log") as log:
        publisher = log.publisher()
        publisher.append_and_publish(records_of(0), time_s=TIME_S)
        said.append("batch 0")
        assert publisher.newest is not None
        said.append(f"checkpoint {publisher.newest.size_count} {publisher.newest.root.hex()}")
        disk.call_count, disk.fails_at_index = 0, fails_at_index
        try:
            log.journal.append(records_of(1))
            said.append("batch 1")
            published = publisher.publish(time_s=TIME_S + 1)
            said.append(f"checkpoint {published.checkpoint.size_count} {published.checkpoint.root.hex()}")
            said.extend(["rebuilt"] if published.is_rebuilt else [])
        except StoreUnavailable as error:
            assert "disk" in str(error)  # noqa: PT017 -- both ways are looked at
        call_count, disk.fails_at_index = disk.call_count, FOREVER_COUNT
    return said, call_count


@pytest.mark.parametrize("clock_step_s", [-86_400, 86_400])
def test_a_clock_that_jumps_leaves_a_log_sound(tmp_path: Path, clock_step_s: int) -> None:
    """Whichever way the clock jumps between two openings, leaves' times never go back and the audit finds nothing."""
    begin(tmp_path)
    for step_index in range(3):
        now_ms = (TIME_S + step_index * clock_step_s) * 1_000
        with EvidenceLog.open(tmp_path / "log", clock_ms=lambda now_ms=now_ms: now_ms) as log:
            log.publisher().append_and_publish(records_of(step_index), time_s=now_ms // 1_000)
            entries = [entry for batch in log.journal.batches() for entry in batch.entries()]
    times = [int.from_bytes(entry[2:10], "big") for entry in entries]

    assert times == sorted(times)
    assert hold_log(tmp_path, ["batch 0", "batch 1", "batch 2"]) == 3


@pytest.mark.parametrize("error_number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("kind", WRITE_KINDS)
def test_a_failed_write_of_a_log_is_said_and_loses_nothing(
    tmp_path: Path, kind: str, written: bool, error_number: int
) -> None:
    """Whether a first, a middle or a last write fails, what was acknowledged stands and the log goes on."""
    _hold_table(tmp_path, kind, written, error_number, every=False)


@pytest.mark.long
@pytest.mark.parametrize("error_number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("kind", WRITE_KINDS)
def test_every_failed_write_of_a_log_is_said_and_loses_nothing(
    tmp_path: Path, kind: str, written: bool, error_number: int
) -> None:
    """The same for every write."""
    _hold_table(tmp_path, kind, written, error_number, every=True)


def _hold_table(tmp_path: Path, kind: str, written: bool, error_number: int, *, every: bool) -> None:
    folder = tmp_path / "counted"
    folder.mkdir()
    begin(folder)
    with failing(FailingDisk(kind, error_number)) as sound:
        _, count = _publish_two(folder, sound, FOREVER_COUNT)
    assert count > 0
    for index in range(count) if every else sorted({0, count // 2, count - 1}):
        folder = tmp_path / str(index)
        folder.mkdir()
        begin(folder)
        disk = FailingDisk(kind, error_number)
        disk.written = written
        with failing(disk):
            said, _ = _publish_two(folder, disk, index)
        assert disk.failure_count == 1
        assert len(said) < 4 or said[-1] == "rebuilt", "a failed write was passed over in silence"
        hold_log(folder, said)
