"""Weeks of monitoring on a failing disk, from one seed: what a store promises it keeps, and a seed gives it again."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from faults.work import make_pipeline
from truceline.adapters.stores.journal import Journal
from truceline.adapters.stores.workspace import Workspace
from truceline.errors import StoreUnavailable
from truceline.pipeline import Pipeline, PipelineSettings
from truceline.testing import simulated_disk
from truceline.testing.observation_tables import observation_table, received_file
from truceline.testing.simulated_disk import DiskFaults, SimulatedDisk
from truceline.testing.simulation import SimulationResult, SimulationSize, plan_of, simulate
from truceline.testing.simulation_audit import AuditFailure, Auditor

SIZE = SimulationSize(file_count=4, rows_per_file_count=24, day_count=20)
SMALL = SimulationSize(file_count=2, rows_per_file_count=20, day_count=10)
SYNC_LESS = DiskFaults(failure_probability=0.0, end_probability=0.03, power_loss_share=1.0)


@cache
def _settings(folder: Path) -> PipelineSettings:
    with Workspace.open(folder, create=True) as store:
        return make_pipeline(store).settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> PipelineSettings:
    """Give the settings of the made-up truce, read once."""
    return _settings(tmp_path_factory.mktemp("settings"))


def _simulated(
    seed: int,
    folder: Path,
    settings: PipelineSettings,
    *,
    size: SimulationSize = SIZE,
    faults: DiskFaults | None = None,
) -> SimulationResult:
    def make(store: Workspace) -> Pipeline:
        return Pipeline(settings, lines=store.lines())

    return simulate(seed, folder, make_pipeline=make, size=size, faults=faults)


@pytest.mark.parametrize("seed", range(2))
def test_a_failing_world_leaves_no_trace(tmp_path: Path, settings: PipelineSettings, seed: int) -> None:
    """Whatever fails, ends or loses power, what was acknowledged stands, and in the end a sound run said the same."""
    result = _simulated(seed, tmp_path, settings)

    assert result.virtual_days > 30.0
    assert result.attempt_count > result.step_count
    assert result.disk_counts["ends"] + result.disk_counts["failures"] > 0


def test_one_seed_is_one_run(tmp_path: Path, settings: PipelineSettings) -> None:
    """The same seed fails at the same writes and says the same; another seed is another run."""
    first, second = (_simulated(4, tmp_path / name, settings, size=SMALL) for name in ("first", "second"))

    assert first == second
    assert plan_of(4, SMALL) != plan_of(5, SMALL)


def _simulate_many(folder: Path, settings: PipelineSettings) -> None:
    for seed in range(20):
        _simulated(seed, folder / str(seed), settings, size=SMALL, faults=SYNC_LESS)


def test_a_store_that_synced_less_is_found_out_and_the_seed_is_named(
    tmp_path: Path, settings: PipelineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation can fail: with commits left unsynced some seed loses what was acknowledged, and names itself."""
    prepare = Journal._prepare

    def prepared_carelessly(self: Journal) -> None:
        prepare(self)
        self._connection.pragma("synchronous", "off")

    monkeypatch.setattr(Journal, "_prepare", prepared_carelessly)

    with pytest.raises(AuditFailure, match=r"seed=\d+, step"):
        _simulate_many(tmp_path, settings)


def test_an_auditor_sees_what_was_never_offered(tmp_path: Path, settings: PipelineSettings) -> None:
    """A file from nowhere, or one that was acknowledged and is not there, is a broken promise."""
    sound = DiskFaults(failure_probability=0.0, end_probability=0.0)
    _simulated(6, tmp_path, settings, size=SMALL, faults=sound)
    auditor = Auditor(6)

    with pytest.raises(AuditFailure, match=r"seed=6.*never offered"):
        auditor.check(tmp_path / "sound")
    auditor.offer("step 1", {"f" * 64: frozenset()})
    with pytest.raises(AuditFailure, match=r"seed=6, step 1: an acknowledged file was lost"):
        auditor.acknowledge(tmp_path / "sound", {"f" * 64})


def test_a_loss_of_power_takes_only_what_was_not_synced(tmp_path: Path) -> None:
    """Of many losses some take unsynced writes, whole or in part, and none takes a synced one."""
    path = tmp_path / "file"
    results = set()
    for seed in range(40):
        path.write_bytes(b"a" * 1_024)
        disk = SimulatedDisk(np.random.default_rng(seed), DiskFaults(power_loss_share=1.0))
        path.write_bytes(b"b" * 1_024)
        disk.note(str(path), simulated_disk.Unsynced(0, b"b" * 1_024, b"a" * 1_024, 1_024))
        disk.ended = True
        disk.restart()
        results.add(path.read_bytes()[:: simulated_disk.SECTOR_BYTES])
        synced = SimulatedDisk(np.random.default_rng(seed), DiskFaults(power_loss_share=1.0))
        path.write_bytes(b"c" * 1_024)
        synced.note(str(path), None)
        synced.ended = True
        synced.restart()

        assert path.read_bytes() == b"c" * 1_024
    assert {b"aa", b"ba", b"bb"} == results


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 300))
def test_many_failing_worlds_leave_no_trace(tmp_path: Path, settings: PipelineSettings, seed: int) -> None:
    """The same over 200 seeds."""
    assert _simulated(seed, tmp_path, settings).row_count > 0


def test_what_an_ended_process_left_unsynced_is_synced_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file written by a process that ended before its sync is acknowledged again only once it is safe."""
    table = observation_table(20, np.random.default_rng(0))
    folder, file = tmp_path / "store", received_file("a")
    disk = SimulatedDisk(np.random.default_rng(1), DiskFaults(power_loss_share=0.0))
    with disk.installed():
        Workspace.open(folder, create=True).close()
        store = Workspace.open(folder, create=False)
        syncs: list[int] = []
        with monkeypatch.context() as patch:
            note = disk.note

            def ending(name: str, write: simulated_disk.Unsynced | None) -> None:
                syncs.extend([1] if write is None else [])
                if len(syncs) == 2:
                    disk.ended = True
                    raise simulated_disk.database_failure()
                note(name, write)

            patch.setattr(disk, "note", ending)
            with pytest.raises(StoreUnavailable):
                store.append_file(file, [table])
            with contextlib.suppress(StoreUnavailable):
                store.close()
        disk.restart()
        store = Workspace.open(folder, create=False)
        store.append_file(file, [table])
        disk.ended = True
        with contextlib.suppress(StoreUnavailable):
            store.close()
        disk.ended = False
        disk.cut_power()
        with Workspace.open(folder, create=False) as store:
            assert store.ingested_file(file.file_sha256) is not None
