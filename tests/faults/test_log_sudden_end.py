"""A process ended at any moment while log and store are written loses nothing acknowledged, and signs no fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from faults.log_checks import hold_log
from faults.log_work import begin
from truceline.adapters.stores.workspace import Workspace

WORK = Path(__file__).with_name("log_work.py")
ENDS_PER_FOLDER_COUNT = 8
DELAY_MAX_S = 0.25


def _said_until_end(process: subprocess.Popen[str], order: str) -> list[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(order)
    process.stdin.flush()
    said = []
    while (line := process.stdout.readline().strip()) != "ended":
        assert line, "the work failed by itself"
        said.append(line)
    return said


def _hold_store(folder: Path, acknowledged: list[str]) -> None:
    stored = [int(said.split()[1]) for said in acknowledged if said.startswith("store")]
    with Workspace.open(folder / "store", create=False) as store:
        assert list(store.damages()) == []
        kept = store.restore("run")
    assert not stored or (kept is not None and int(kept) >= max(stored)), "an acknowledged state was lost"


def _hold_all_ends(tmp_path: Path, *, end_count: int, seed_index: int) -> int:
    generator = np.random.default_rng(seed_index)
    said_count = 0
    environment = {**os.environ, "PYTHONPATH": str(WORK.parent.parent)}
    with subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, str(WORK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        for end_index in range(end_count):
            folder = tmp_path / str(end_index // ENDS_PER_FOLDER_COUNT)
            if end_index % ENDS_PER_FOLDER_COUNT == 0:
                folder.mkdir()
                begin(folder)
                acknowledged: list[str] = []
                first = 0
            delay_s = generator.uniform(0.0, DELAY_MAX_S)
            acknowledged += _said_until_end(process, f"{folder} {first} {delay_s}\n")
            first = hold_log(folder, acknowledged)
            _hold_store(folder, acknowledged)
            said_count += len(acknowledged)
    return said_count


def test_a_log_and_a_store_ended_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    """Ended by SIGKILL again and again, both hold all that was acknowledged and every checkpoint fits the others."""
    assert _hold_all_ends(tmp_path, end_count=12, seed_index=5) > 0


@pytest.mark.long
@pytest.mark.parametrize("seed_index", range(10))
def test_a_thousand_ends_lose_nothing(tmp_path: Path, seed_index: int) -> None:
    """The same, 1,000 times over all seeds."""
    assert _hold_all_ends(tmp_path, end_count=100, seed_index=100 + seed_index) > 0
