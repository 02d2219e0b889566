"""Power goes while log and store are written: what was acknowledged or shown to the world is there, and no fork."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from faults.log_checks import hold_log
from faults.log_work import begin, go_on
from faults.recording_disk import Operation, RecordingDisk, after_power_loss
from truceline.adapters.log import schema
from truceline.adapters.log.journal import LogJournal
from truceline.adapters.stores.workspace import Workspace

BATCH_COUNT = 12
JOURNALS = {"log.sqlite": "log", "journal.sqlite": "store"}


def _recorded(folder: Path) -> tuple[list[Operation], list[tuple[int, str]]]:
    """Work on a recording disk; give all operations, and what was said where, with the checkpoint then shown."""
    operations: list[Operation] = []
    said: list[tuple[int, str]] = []
    public = folder / "log" / "public"

    def say(text: str) -> None:
        if text.startswith("checkpoint"):
            shutil.copytree(public, folder.parent / "public" / text.split()[2])
        said.append((len(operations), text))

    disk = RecordingDisk(operations)
    try:
        go_on(folder, 0, say, batch_count=BATCH_COUNT)
    finally:
        disk.unregister()
    return operations, said


def _hold_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, loss_count: int, seed_index: int = 11
) -> None:
    monkeypatch.setattr(schema, "WAL_PAGE_COUNT", 12)
    work = tmp_path / "work"
    work.mkdir()
    begin(work)
    bases = {name: (work / place / name).read_bytes() for name, place in JOURNALS.items()}
    operations, said = _recorded(work)
    generator = np.random.default_rng(seed_index)
    for _ in range(loss_count):
        end_place = int(generator.integers(0, said[-1][0] + 1))
        folder = tmp_path / "after"
        shutil.copytree(work, folder)
        past = [text for place, text in said if place <= end_place]
        roots = [text.split()[2] for text in past if text.startswith("checkpoint")]
        _lay_out(folder, after_power_loss(operations[:end_place], bases, generator), roots[-1] if roots else "")
        if generator.random() < 0.5:
            shutil.rmtree(folder / "log" / "public" / "tile", ignore_errors=True)
        hold_log(folder, past)
        stored = [int(text.split()[1]) for text in past if text.startswith("store")]
        with Workspace.open(folder / "store", create=False) as store:
            assert list(store.damages()) == []
            assert not stored or int(store.restore("run") or b"-1") >= max(stored)
        shutil.rmtree(folder)


def _lay_out(folder: Path, contents: dict[str, bytes], past_root: str) -> None:
    """Put what stood on the disk after the loss where it belongs, with what the world was shown by then."""
    public = folder / "log" / "public"
    shutil.rmtree(public)
    if past_root:
        shutil.copytree(folder.parent / "public" / past_root, public)
    else:
        public.mkdir()
    for name, place in JOURNALS.items():
        for old in (folder / place).glob(f"{name}*"):
            old.unlink()
    for file_name, content in contents.items():
        place = JOURNALS[file_name.removesuffix("-wal").removesuffix("-shm")]
        (folder / place / file_name).write_bytes(content)


def test_a_loss_of_power_loses_nothing_acknowledged_in_log_or_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any loss the log holds every acknowledged record, goes on from what was shown, and passes its audit."""
    _hold_nothing_is_lost(tmp_path, monkeypatch, loss_count=25)


def test_a_log_that_synced_less_would_be_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: with commits left unsynced it sees the loss."""
    prepare = LogJournal._prepare

    def prepared_carelessly(self: LogJournal) -> None:
        prepare(self)
        self._connection.pragma("synchronous", "normal")

    monkeypatch.setattr(LogJournal, "_prepare", prepared_carelessly)

    with pytest.raises(Exception, match=r"lost|not in this journal|two histories"):
        _hold_nothing_is_lost(tmp_path, monkeypatch, loss_count=25)


@pytest.mark.long
@pytest.mark.parametrize("seed_index", range(20))
def test_ten_thousand_losses_of_power_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed_index: int
) -> None:
    """The same, 10,000 times over all seeds."""
    _hold_nothing_is_lost(tmp_path, monkeypatch, loss_count=500, seed_index=1_000 + seed_index)
