"""One seed, one run: sensors' segments into an evidence log with a witness, in virtual time, on a disk that fails.

As [simulation](simulation.py#simulate) does for the store: the seed draws a *plan* (segments that come late, twice, out
of order or altered; publications, cosignatures, a rotation, an erasure between them) and a *world* (which write fails,
where the process ends, what a loss of power takes, how the clock jumps). The plan alone decides which records the log
has to hold in the end, so a sound world must hold the same, in the same order.
"""

from __future__ import annotations

import contextlib
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from unittest import mock

import msgspec
import numpy as np

from truceline.adapters.log import schema
from truceline.adapters.log.journal import JOURNAL_NAME
from truceline.adapters.log.leaf import LeafKind
from truceline.adapters.log.note import Signer
from truceline.adapters.log.publisher import publish_note
from truceline.adapters.log.rebuild import rebuild_public
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog, create_log
from truceline.adapters.log.tiles import TileReader
from truceline.adapters.log.witness import Answer, Witness
from truceline.adapters.log.witness_client import request_cosignatures
from truceline.adapters.segments.files import read_state, write_state
from truceline.adapters.segments.gateway import WindowRoots
from truceline.adapters.segments.receiver import Receiver
from truceline.adapters.segments.verify import Quarantined, Reason
from truceline.errors import TrucelineError
from truceline.testing.segment_world import (
    GATEWAY_SECRET,
    SEGMENT_MS,
    beacons_ns,
    honest_arrivals,
    made_segments,
    registry,
    simulated_sensor,
)
from truceline.testing.simulated_disk import DiskFaults, SimulatedDisk
from truceline.testing.simulation import (
    ATTEMPTS_FAULTY_COUNT,
    IDLE_LOSS_PROBABILITY,
    PLAN_STREAM_INDEX,
    WORLD_STREAM_INDEX,
    SimulatedClock,
)
from truceline.testing.simulation_audit import AuditFailure
from truceline.testing.simulation_log_audit import LogAuditor

ORIGIN = "log.example/simulated"
WITNESS_NAME = "witness.example/simulated"
ATTEMPTS_MOST_COUNT = ATTEMPTS_FAULTY_COUNT + 4
"""Attempts after which a step on a disk that is sound again should have worked."""
WAL_PAGE_COUNT = 12

Doing = Literal["receive", "publish", "cosign", "rotate", "erase"]


class LogSize(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how busy a simulation of a log is."""

    sensor_count: int = 2
    segment_count: int = 16
    altered_share: float = 0.1
    twice_share: float = 0.25
    outage_max_s: float = 120.0


class LogStep(NamedTuple):
    """One step of the plan: when, what is done, and the segments that are received with their times of receipt (ns)."""

    time_ns: int
    doing: Doing
    arrivals: tuple[tuple[bytes, int], ...] = ()


class LogSimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one simulation that kept all promises."""

    seed: int
    step_count: int
    attempt_count: int
    check_count: int
    record_count: int
    held_sha256: str
    disk_counts: dict[str, int]


def log_plan_of(seed: int, size: LogSize) -> list[LogStep]:
    """Draw the plan of a seed."""
    chance = np.random.default_rng([seed, PLAN_STREAM_INDEX])
    arrivals: list[tuple[int, bytes]] = []
    for index in range(size.sensor_count):
        made = made_segments(simulated_sensor(f"sensor-{index}"), size.segment_count, chance, message_count=1)
        times = honest_arrivals(made, chance, outage_s=float(chance.uniform(0.0, size.outage_max_s)))
        for entry, time_ns in zip(made, times, strict=True):
            arrivals.append((time_ns, entry.content))
            if chance.random() < size.twice_share:
                arrivals.append((time_ns + int(chance.integers(0, 600_000_000_000)), entry.content))
            if chance.random() < size.altered_share:
                arrivals.append((time_ns + int(chance.integers(0, 60_000_000_000)), _altered(entry.content, chance)))
    steps: list[LogStep] = []
    arrivals.sort()
    while arrivals:
        count = int(chance.integers(1, 9))
        taken, arrivals = arrivals[:count], arrivals[count:]
        time_ns = taken[-1][0]
        steps.append(LogStep(time_ns, "receive", tuple((content, moment) for moment, content in taken)))
        steps += [LogStep(time_ns, doing) for doing in _between(chance)]
    return [*steps, LogStep(steps[-1].time_ns, "publish"), LogStep(steps[-1].time_ns, "cosign")]


def _altered(content: bytes, chance: np.random.Generator) -> bytes:
    place = int(chance.integers(0, len(content)))
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _between(chance: np.random.Generator) -> list[Doing]:
    """Draw what is done after a receipt: mostly nothing, else a publication and what follows it."""
    drawn = chance.random(4)
    following: tuple[tuple[float, Doing], ...] = ((0.7, "cosign"), (0.1, "rotate"), (0.15, "erase"))
    if drawn[0] >= 0.4:
        return []
    return ["publish", *(doing for (share, doing), found in zip(following, drawn[1:], strict=True) if found < share)]


def simulate_log(
    seed: int, folder: Path, *, size: LogSize | None = None, faults: DiskFaults | None = None
) -> LogSimulationResult:
    """Run one seed in a failing and in a sound world; raise `AuditFailure`, naming the seed, on a broken promise."""
    size = size or LogSize()
    sound = _LogRun(seed, folder / "sound", size=size, faults=None)
    failing = _LogRun(seed, folder / "failing", size=size, faults=faults or DiskFaults())
    expected, found = sound.run(), failing.run()
    failing.auditor.hold_equal(found, expected)
    return LogSimulationResult(
        seed=seed,
        step_count=len(failing.steps),
        attempt_count=failing.attempt_count,
        check_count=failing.auditor.check_count,
        record_count=len(found),
        held_sha256=hashlib.sha256(repr(found).encode()).hexdigest(),
        disk_counts=dict(failing.disk.counts),
    )


class _LogRun:
    """One world: its disk, clock, log, receiver's state and witness, and the auditor beside it."""

    def __init__(self, seed: int, folder: Path, *, size: LogSize, faults: DiskFaults | None) -> None:
        self.seed, self.steps, self._size = seed, log_plan_of(seed, size), size
        self.clock = SimulatedClock()
        self.attempt_count = 0
        self._folder = folder
        self._key = Signer.cosigner(WITNESS_NAME, hashlib.sha256(f"witness {seed}".encode()).digest())
        self.auditor = LogAuditor(seed, folder / "log", folder / "witness.sqlite", key=self._key)
        self._chance = None if faults is None else np.random.default_rng([seed, WORLD_STREAM_INDEX])
        self._salts = np.random.default_rng([seed, WORLD_STREAM_INDEX, 2])
        self.disk = SimulatedDisk(np.random.default_rng([seed, WORLD_STREAM_INDEX, 1]), faults or DiskFaults())
        self._log: EvidenceLog | None = None
        self._is_after_loss = False

    def run(self) -> list[str]:
        """Take every step until it is acknowledged; give what the log holds in the end."""
        self._folder.mkdir(parents=True)
        with contextlib.ExitStack() as world:
            world.enter_context(self.disk.installed())
            world.enter_context(mock.patch.object(schema, "WAL_PAGE_COUNT", WAL_PAGE_COUNT))
            world.callback(self._close)
            for index, step in enumerate(self.steps):
                self.auditor.begin(f"step {index} of {len(self.steps)} ({step.doing})")
                self._take(step)
            self._is_after_loss = True
            self._opened()
            self._close()
            self.auditor.begin("in the end")
            return self.auditor.finish()

    def _take(self, step: LogStep) -> None:
        self.clock.move_to(datetime.fromtimestamp(step.time_ns / 1e9, tz=UTC), self._chance)
        attempt_index = 0
        while complaint := self._attempt(
            step, is_faulty=self._chance is not None and attempt_index < ATTEMPTS_FAULTY_COUNT
        ):
            attempt_index += 1
            if attempt_index > ATTEMPTS_MOST_COUNT:
                raise AuditFailure(f"seed={self.seed}, {step.doing}: fails on a sound disk too: {complaint}")
        if self._chance is not None and self._chance.random() < IDLE_LOSS_PROBABILITY:
            self.disk.ended = True
            self._close()
            self.disk.ended = False
            self.disk.cut_power()
            self._is_after_loss = True
        self.auditor.check()

    def _attempt(self, step: LogStep, *, is_faulty: bool) -> str:
        """Try one step; give what was complained of, nothing where it was acknowledged. Then all is opened anew."""
        self.attempt_count += 1
        self.disk.armed = is_faulty
        try:
            self._work(step)
            return ""
        except TrucelineError as error:
            complaint = str(error)
            self.disk.armed = False
            self._close()
        finally:
            self.disk.armed = False
        if self.disk.ended:
            losses_count = self.disk.counts["power losses"]
            self.disk.restart()
            self._is_after_loss |= self.disk.counts["power losses"] > losses_count
        self.auditor.check()
        return complaint

    def _work(self, step: LogStep) -> None:
        log = self._opened()
        if step.doing == "receive":
            self._receive(log, step.arrivals)
        elif step.doing == "publish":
            self.auditor.shown(log.publisher().publish(time_s=self._now_s()).checkpoint)
        elif step.doing == "cosign":
            self._cosign(log)
        elif step.doing == "rotate":
            log.rotate(time_s=self._now_s(), chance=self._bytes)
        else:
            leaf_index = log.journal.leaf_index_of("segment/sensor-0", 0)
            log.journal.erase([] if leaf_index is None else [leaf_index], reason="protection of a witness")
            self.auditor.erased = leaf_index

    def _receive(self, log: EvidenceLog, arrivals: tuple[tuple[bytes, int], ...]) -> None:
        """Verify what came, log it, then remember the chains: ended in between, the same is logged again, as known."""
        receiver = self._receiver()
        roots = WindowRoots("gateway")
        records = []
        for content, received_ns in arrivals:
            judged = receiver.take(content, received_ns=received_ns)
            roots.add(judged)
            if isinstance(judged, Quarantined):
                if judged.reason is Reason.DUPLICATE:
                    continue  # its bytes are logged; after an end between state and answer, all that came is one
                records.append(LogRecord(content, f"quarantine/{judged.reason}"))
            else:
                header = judged.signed.segment.header
                records.append(LogRecord(content, f"segment/{judged.signed.sensor_id}", header.sequence))
        records += [LogRecord(part.leaf_bytes(), "gateway", kind=LeafKind.GATEWAY_WINDOW) for part in roots.windows()]
        log.journal.append(records)
        self.auditor.logged(records)
        write_state(self._folder / "chains", receiver.state())

    def _receiver(self) -> Receiver:
        sensors = [simulated_sensor(f"sensor-{index}") for index in range(self._size.sensor_count)]
        length_s = self._size.segment_count * SEGMENT_MS / 1e3
        receiver = Receiver(registry(sensors), beacons_ns=beacons_ns(length_s), exchange_secret=GATEWAY_SECRET)
        if (state := read_state(self._folder / "chains")) is not None:
            receiver.restore(state)
        return receiver

    def _cosign(self, log: EvidenceLog) -> None:
        newest = log.journal.newest_checkpoint()
        if newest is None:
            return
        logs = [signer for keys in log.journal.key_sets() for signer in self.auditor.verifiers(keys.vkeys)]
        with Witness(self._folder / "witness.sqlite", signers=[self._key], logs=logs) as witness:

            def ask(content: bytes) -> Answer:
                answer = witness.answer(content, time_s=self._now_s())
                self.auditor.answered(answer, newest)
                return answer

            reader = TileReader(log.public_folder)
            request_cosignatures(log.journal, ask, reader=reader, verifier=self._key.verifier)
        publish_note(log.journal, newest, log.public_folder)

    def _opened(self) -> EvidenceLog:
        """Give the open log, made first where there is none; after a loss of power its tiles are made again."""
        path = self._folder / "log"
        if self._log is None:
            if not (path / JOURNAL_NAME).is_file():
                create_log(path, origin=ORIGIN, clock_ms=self._now_ms, chance=self._bytes)
            self._log = EvidenceLog.open(path, clock_ms=self._now_ms)
            self._log.publisher().resume()
        if self._is_after_loss and self._log.journal.newest_checkpoint() is not None:
            rebuild_public(self._log.journal, self._log.public_folder)
        self._is_after_loss = False
        return self._log

    def _close(self) -> None:
        if self._log is not None:
            with contextlib.suppress(TrucelineError):
                self._log.close()
            self._log = None

    def _bytes(self, count: int) -> bytes:
        return self._salts.bytes(count)

    def _now_ms(self) -> int:
        return int(self.clock().timestamp() * 1_000)

    def _now_s(self) -> int:
        return self._now_ms() // 1_000
