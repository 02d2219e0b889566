"""One seed, one run: a store and an embedded runner through weeks of virtual time, on a disk that fails.

The seed draws two streams. The first is the *plan*: files that come late, twice, out of order, with rows that came
before, and runs in between. The second is the *world*: which write fails, where the process ends, what a loss of power
takes, how the clock jumps. The plan alone decides what the store has to say in the end, so a run in a sound world must
say the same, byte for byte; an auditor that shares nothing with the work checks all that was promised on the way. After
the simulations of FoundationDB (Zhou et al. 2021, SIGMOD) and TigerBeetle.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from unittest import mock

import msgspec
import numpy as np
import pyarrow as pa

from truceline.adapters.stores import journal
from truceline.adapters.stores.workspace import Workspace
from truceline.errors import StoreUnavailable
from truceline.model.observation import Rejection
from truceline.pipeline import Pipeline
from truceline.runners import embedded
from truceline.testing.observation_tables import FIRST_START, MANIFEST, SOURCE_ID, observation_table, received_file
from truceline.testing.simulated_disk import DiskFaults, SimulatedDisk
from truceline.testing.simulation_audit import Auditor, Said

PLAN_STREAM_INDEX, WORLD_STREAM_INDEX = 0, 1

ATTEMPTS_FAULTY_COUNT = 6
"""Attempts of one step in a failing world; after so many the disk is sound, so that every run ends."""

IDLE_LOSS_PROBABILITY = 0.3
"""That power is lost right after a step was acknowledged, with nothing going on."""

SMALL_BOUNDS = {"BATCH_ROW_COUNT": 40, "SPAN_ROW_COUNT": 300, "COMMIT_ROW_COUNT": 80, "COMMIT_GROWTH_RATIO": 0.0}
"""Bounds of the runner under which little work has many commits."""

WAL_PAGE_COUNT = 40
"""Pages after which the write-ahead file goes into the main file: often, so that ends fall there too."""

MakePipeline = Callable[[Workspace], Pipeline]


class SimulationSize(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how busy a simulation is."""

    day_count: int = 30
    file_count: int = 10
    rows_per_file_count: int = 60
    delay_max_days: float = 10.0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the plan at its virtual time: a file to be kept, or (`file_index` is `None`) a run up to `until`."""

    moment: datetime
    file_index: int | None
    until: datetime


class SimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one simulation that kept all promises."""

    seed: int
    step_count: int
    attempt_count: int
    check_count: int
    row_count: int
    said_sha256: str
    disk_counts: dict[str, int]
    virtual_days: float


class SimulatedClock:
    """Virtual time: it stands still unless moved, and what it shows may be set wrong by the world."""

    def __init__(self) -> None:
        """Begin when the observations begin."""
        self.true_time = FIRST_START
        self._off = timedelta(0)

    def __call__(self) -> datetime:
        """Give the time that the machine shows."""
        return self.true_time + self._off

    def move_to(self, moment: datetime, chance: np.random.Generator | None) -> None:
        """Go on to a moment; a faulty world sets the machine's clock wrong now and then, by up to two days."""
        self.true_time = max(self.true_time, moment)
        if chance is not None and chance.random() < 0.2:
            self._off = timedelta(seconds=float(chance.uniform(-172_800.0, 172_800.0)))


def plan_of(seed: int, size: SimulationSize) -> list[Step]:
    """Draw the plan of a seed: files late, out of order, a third of them twice, and a run after every third or so."""
    chance = np.random.default_rng([seed, PLAN_STREAM_INDEX])
    arrivals = []
    for index in range(size.file_count):
        made_day = chance.uniform(0.0, size.day_count)
        copies = 2 if chance.random() < 0.33 else 1
        arrivals += [(made_day + chance.uniform(0.0, size.delay_max_days), index) for _ in range(copies)]
    steps = []
    for day, index in sorted(arrivals):
        moment = FIRST_START + timedelta(days=float(day))
        steps.append(Step(moment=moment, file_index=index, until=moment))
        if chance.random() < 0.35:
            until = moment - timedelta(days=float(chance.uniform(0.0, 5.0)))
            steps.append(Step(moment=moment, file_index=None, until=until))
    end = FIRST_START + timedelta(days=size.day_count + size.delay_max_days + 3.0)
    return [*steps, Step(moment=end, file_index=None, until=end)]


def tables_of(seed: int, file_index: int, size: SimulationSize) -> list[pa.Table]:
    """Give a file's rows in two tables; its first rows are the last of the file before, so they come twice."""
    own = _own_rows(seed, file_index, size)
    if file_index == 0:
        return [own]
    before = _own_rows(seed, file_index - 1, size)
    return [before.slice(before.num_rows - size.rows_per_file_count // 4), own]


@lru_cache(maxsize=64)
def _own_rows(seed: int, file_index: int, size: SimulationSize) -> pa.Table:
    chance = np.random.default_rng([seed, PLAN_STREAM_INDEX, file_index])
    return observation_table(size.rows_per_file_count, chance, day_count=size.day_count)


def rejections_of(seed: int, file_index: int) -> list[Rejection]:
    """Give a row of a file that could not be used."""
    return [
        Rejection(
            source_id=SOURCE_ID,
            file_sha256=_file_sha256(seed, file_index),
            row_index=10_000,
            raw="?",
            reason="latitude_deg=91.2 is outside [-90, 90]",
            received_time=FIRST_START,
        )
    ]


def _file_sha256(seed: int, file_index: int) -> str:
    return received_file(_file_name(seed, file_index)).file_sha256


def _file_name(seed: int, file_index: int) -> str:
    return f"simulation {seed} file {file_index}"


def simulate(
    seed: int,
    folder: Path,
    *,
    make_pipeline: MakePipeline,
    size: SimulationSize | None = None,
    faults: DiskFaults | None = None,
) -> SimulationResult:
    """Run one seed in a failing and in a sound world; raise `AuditFailure`, naming the seed, on a broken promise."""
    size = size or SimulationSize()
    sound = _Run(seed, folder / "sound", make_pipeline=make_pipeline, size=size, faults=None)
    expected = sound.run()
    failing = _Run(seed, folder / "failing", make_pipeline=make_pipeline, size=size, faults=faults or DiskFaults())
    found = failing.run()
    failing.auditor.hold_equal(found, expected)
    digest = hashlib.sha256()
    for row in found:
        digest.update(repr((row.sequence, row.record_kind, row.record_id, row.equivocation)).encode() + row.body)
    return SimulationResult(
        seed=seed,
        step_count=len(failing.steps),
        attempt_count=failing.attempt_count,
        check_count=failing.auditor.check_count,
        row_count=len(found),
        said_sha256=digest.hexdigest(),
        disk_counts=dict(failing.disk.counts),
        virtual_days=(failing.clock.true_time - FIRST_START) / timedelta(days=1),
    )


class _Run:
    """One world: its disk, its clock, the work in it, and the auditor beside it."""

    def __init__(
        self, seed: int, folder: Path, *, make_pipeline: MakePipeline, size: SimulationSize, faults: DiskFaults | None
    ) -> None:
        self.seed = seed
        self.steps = plan_of(seed, size)
        self.clock = SimulatedClock()
        self.auditor = Auditor(seed)
        self.attempt_count = 0
        self._folder = folder
        self._make_pipeline = make_pipeline
        self._size = size
        self._chance = None if faults is None else np.random.default_rng([seed, WORLD_STREAM_INDEX])
        disk_chance = np.random.default_rng([seed, WORLD_STREAM_INDEX, 1])
        self.disk = SimulatedDisk(disk_chance, faults or DiskFaults())
        self._store: Workspace | None = None

    def run(self) -> list[Said]:
        """Take every step until it is acknowledged; give what the store says in the end."""
        with contextlib.ExitStack() as world:
            world.enter_context(self.disk.installed())
            world.enter_context(mock.patch.object(journal, "WAL_PAGE_COUNT", WAL_PAGE_COUNT))
            for name, bound in SMALL_BOUNDS.items():
                world.enter_context(mock.patch.object(embedded, name, bound))
            for index, step in enumerate(self.steps):
                self._take(index, step)
            self._close()
            return self.auditor.check(self._folder)

    def _take(self, index: int, step: Step) -> None:
        offered = {} if step.file_index is None else {_file_sha256(self.seed, step.file_index): self._ids(step)}
        self.auditor.offer(f"step {index} of {len(self.steps)} ({step})", offered)
        self.clock.move_to(step.moment, self._chance)
        attempt_index = 0
        while not self._attempt(step, is_faulty=self._chance is not None and attempt_index < ATTEMPTS_FAULTY_COUNT):
            attempt_index += 1
            self.clock.move_to(self.clock.true_time + timedelta(minutes=5), self._chance)
        self.auditor.acknowledge(self._folder, set(offered))
        if self._chance is not None and self._chance.random() < IDLE_LOSS_PROBABILITY:
            self.disk.ended = True
            self._close()
            self.disk.ended = False
            self.disk.cut_power()
            self.auditor.check(self._folder)

    def _ids(self, step: Step) -> frozenset[str]:
        assert step.file_index is not None, "a run offers nothing"
        tables = tables_of(self.seed, step.file_index, self._size)
        return frozenset(name for table in tables for name in table["observation_id"].to_pylist())

    def _attempt(self, step: Step, *, is_faulty: bool) -> bool:
        """Try one step; say whether it was acknowledged. After a failure the store is opened anew, as it asks."""
        self.attempt_count += 1
        with self._armed(is_faulty):
            try:
                self._work(step)
                return True
            except StoreUnavailable:
                if not self.disk.ended:
                    self.disk.armed = False
                self._close()
        if self.disk.ended:
            self.disk.restart()
        if (self._folder / "journal.sqlite").is_file() and self._is_complete():
            self.auditor.check(self._folder)
        return False

    def _is_complete(self) -> bool:
        """Say whether there is a store to read: its making may have been cut off."""
        with contextlib.suppress(StoreUnavailable):
            Workspace.open(self._folder, create=False, read_only=True).close()
            return True
        return False

    @contextlib.contextmanager
    def _armed(self, is_faulty: bool) -> Iterator[None]:
        self.disk.armed = is_faulty
        try:
            yield
        finally:
            self.disk.armed = False

    def _work(self, step: Step) -> None:
        if self._store is None:
            self._store = Workspace.open(self._folder, create=True, clock=self.clock)
        if step.file_index is None:
            run = embedded.EmbeddedRun(self._make_pipeline(self._store), self._store, manifests={SOURCE_ID: MANIFEST})
            run.run(until=step.until)
            return
        file = received_file(_file_name(self.seed, step.file_index), synthetic=True)
        tables = tables_of(self.seed, step.file_index, self._size)
        self._store.append_file(file, tables, rejections_of(self.seed, step.file_index))

    def _close(self) -> None:
        if self._store is not None:
            with contextlib.suppress(StoreUnavailable):
                self._store.close()
            self._store = None
