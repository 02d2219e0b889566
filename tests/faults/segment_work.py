"""Two days of a sensor to verify, in two calls with one state, and a process of its own that is ended in the midst.

As a program: `FOLDER DAY INDEX BEFORE|AFTER` does one day's call and ends itself by SIGKILL at the write of that index,
or, where there are fewer, says last how many there were.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from truceline.adapters.segments.files import OFFICERS_NAME, add_officer, read_state, write_record
from truceline.adapters.segments.format import encode_frames
from truceline.cli import main
from truceline.testing import segment_world as world

SENSOR = world.simulated_sensor("A17")
DAYS = (1, 2)
SEGMENT_COUNT = 4


def begin(folder: Path) -> None:
    """Write a registry and what was received on both days, with a segment that is received on both."""
    for officer, _ in world.officers():
        add_officer(folder / "registry" / OFFICERS_NAME, officer)
    write_record(folder / "registry", world.enrolment_of(SENSOR))
    made = world.made_segments(SENSOR, 2 * SEGMENT_COUNT, np.random.default_rng(1))
    contents = [entry.content for entry in made]
    (folder / "1.seg").write_bytes(encode_frames(contents[:SEGMENT_COUNT]))
    (folder / "2.seg").write_bytes(encode_frames(contents[SEGMENT_COUNT - 1 :]))


def verify(folder: Path, day: int) -> int:
    """Give the answer of one day's call."""
    places = ("--registry", folder / "registry", "--received", folder / f"{day}.seg", "--out", folder / f"out{day}")
    more = ("--state", folder / "state", "--received-time", "2026-03-01T06:00:00Z", "--gateway-id", "G1")
    return main(["segments", "verify", *map(str, (*places, *more))])


class Told(NamedTuple):
    """What both calls told in the end: detections with how often, what was kept out, what is remembered."""

    detections: list[str]
    duplicate_count: int
    missing_count: int
    remembered: tuple[Any, ...]


def told(folder: Path) -> Told:
    """Read everything that the calls put in place."""
    outs = [folder / f"out{day}" for day in DAYS]
    found = [name for out in outs for name in pq.read_table(out / "detections")["detection_id"].to_pylist()]
    totals = [json.loads((out / "summary.json").read_bytes())["total"] for out in outs]
    state = read_state(folder / "state")
    assert state is not None
    return Told(
        sorted(found),
        sum(total["duplicate_count"] for total in totals),
        totals[-1]["missing_segment_count"],
        tuple((chain.sensor_id, chain.prefixes, chain.gaps) for chain in state.chains),
    )


class _Ending:
    """Wraps calls so that the process ends at one of them, before it is done or after."""

    def __init__(self, index: int, *, after: bool) -> None:
        self.count = 0
        self._index, self._after = index, after

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*values: Any, **named: Any) -> Any:
            is_last = self.count == self._index
            self.count += 1
            if is_last and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            given = call(*values, **named)
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
            return given

        return counting


def run_and_end(folder: Path, day: int, index: int, *, after: bool) -> int:
    """Do one day's call, ending at the write of that index where there are so many."""
    ending = _Ending(index, after=after)
    for name in ("fsync", "replace", "rename", "mkdir"):
        setattr(os, name, ending.wrap(getattr(os, name)))
    code = verify(folder, day)
    sys.stdout.write(f"{ending.count}\n")
    return code


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(run_and_end(Path(given[0]), int(given[1]), int(given[2]), after=given[3] == "AFTER"))
