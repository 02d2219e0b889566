"""Hours of sensing into an evidence log on a failing disk, from one seed: one history, nothing lost, any seed again."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from truceline.adapters.log.journal import LogJournal
from truceline.adapters.log.witness import Witness
from truceline.testing.simulated_disk import DiskFaults
from truceline.testing.simulation_audit import AuditFailure
from truceline.testing.simulation_log import LogSize, log_plan_of, simulate_log

SMALL = LogSize(sensor_count=1, segment_count=8)
LOSSES_ONLY = DiskFaults(failure_probability=0.0, end_probability=0.03, power_loss_share=1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_failing_world_leaves_no_trace_in_a_log(tmp_path: Path, seed: int) -> None:
    """Whatever fails, ends or loses power, log and witness keep their word; a sound world holds the same records."""
    result = simulate_log(seed, tmp_path)

    assert result.attempt_count > result.step_count
    assert result.disk_counts["ends"] + result.disk_counts["failures"] > 0


def test_one_seed_is_one_run_of_a_log(tmp_path: Path) -> None:
    """The same seed fails at the same writes and holds the same; another seed is another plan."""
    first, second = (simulate_log(5, tmp_path / name, size=SMALL) for name in ("first", "second"))

    assert first == second
    assert log_plan_of(5, SMALL) != log_plan_of(6, SMALL)


def _simulate_many(folder: Path, size: LogSize) -> None:
    for seed in range(30):
        simulate_log(seed, folder / str(seed), size=size, faults=LOSSES_ONLY)


def test_a_log_that_synced_less_is_found_out_and_the_seed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation can fail: with commits left unsynced some seed loses what was acknowledged, and names itself."""
    prepare = LogJournal._prepare

    def prepared_carelessly(self: LogJournal) -> None:
        prepare(self)
        self._connection.pragma("synchronous", "off")

    monkeypatch.setattr(LogJournal, "_prepare", prepared_carelessly)

    with pytest.raises(AuditFailure, match=r"seed=\d+, "):
        _simulate_many(tmp_path, SMALL)


def test_a_witness_that_synced_less_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a witness's commits left unsynced some seed makes it forget what it gave out, or breaks its state."""
    opened = Witness._open

    def opened_carelessly(self: Witness) -> None:
        opened(self)
        self._connection.pragma("synchronous", "off")
        self._connection.wal_autocheckpoint(0)
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)

    monkeypatch.setattr(Witness, "_open", opened_carelessly)

    with pytest.raises(AuditFailure, match=r"seed=\d+.*witness"):
        _simulate_many(tmp_path, LogSize(sensor_count=1, segment_count=40))


@pytest.mark.long
@pytest.mark.parametrize("first_seed", range(1_000, 1_300, 10))
def test_many_failing_worlds_leave_no_trace_in_a_log(tmp_path: Path, first_seed: int) -> None:
    """The same over 300 seeds."""
    for seed in range(first_seed, first_seed + 10):
        assert simulate_log(seed, tmp_path / str(seed)).record_count > 0
