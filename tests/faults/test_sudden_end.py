"""A process ended at any moment loses nothing it acknowledged, and what it does after going on shows no seam."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from faults.work import content_of, do_all

WORK = Path(__file__).with_name("work.py")


def _ended_after(process: subprocess.Popen[str], folder: Path, delay_s: float) -> list[str]:
    """Do the work in a process of its own, ended after a delay (below zero: let it finish); give what it said."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{folder} {delay_s}\n")
    process.stdin.flush()
    said = []
    while (line := process.stdout.readline().strip()) != "ended":
        assert line, "the work failed by itself"
        said.append(line)
    return said


def _hold_no_seam(tmp_path: Path, *, end_count: int, seed_index: int) -> None:
    started_s = time.monotonic()
    do_all(tmp_path / "unbroken")
    whole_s = time.monotonic() - started_s
    unbroken = content_of(tmp_path / "unbroken")
    generator = np.random.default_rng(seed_index)
    folder = tmp_path / "broken"
    acknowledged: set[str] = set()
    with subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, str(WORK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        for _ in range(end_count):
            acknowledged |= set(_ended_after(process, folder, generator.uniform(0.0, whole_s / 2)))
            if (folder / "journal.sqlite").exists() and acknowledged:
                kept = {record_id for _, kind, record_id, _, _ in content_of(folder) if kind == "ingested_file"}
                assert acknowledged - {"done"} <= kept, "an acknowledged file was lost"
        assert "done" in _ended_after(process, folder, -1.0)

    assert unbroken == content_of(folder)


def test_a_work_ended_at_random_moments_gives_the_same_records(tmp_path: Path) -> None:
    """Ended by SIGKILL again and again and then finished, a store holds byte for byte what an unbroken one holds."""
    _hold_no_seam(tmp_path, end_count=8, seed_index=20261123)


@pytest.mark.long
@pytest.mark.parametrize("seed_index", range(10))
def test_a_work_ended_very_often_gives_the_same_records(tmp_path: Path, seed_index: int) -> None:
    """The same, over many more moments."""
    _hold_no_seam(tmp_path, end_count=25, seed_index=seed_index)
