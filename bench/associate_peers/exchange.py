"""The one interface of our engine and its peers: a scene in, an answer out, each a file of flat arrays.

Needs NumPy only, because peers run in an environment of their own. An adapter is a function of a scene to an answer;
`run` measures it: one call on a tiny scene to warm up (imports, compiled code), then one call whose processor time
counts. Reading and writing files, and turning arrays into whatever a peer takes, is left out of the time.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SECOND_CHANCE_S = 5
"""How long after the soft limit of processor time the hard one comes."""


class Scene(NamedTuple):
    """What everyone is given: metres in a plane (x along the line, y across), seconds after the recording's start.

    Columns of stations and of detections; `nan` where nothing is said. Bearings go from +y to +x. `span_s` is (start,
    end) of the recording, `bounds_m` (x low, x high, y low, y high) of where events are looked for, `wind_m_per_s` the
    forecast, `sound_speed_m_per_s` in still air.
    """

    station_x_m: Floats
    station_y_m: Floats
    station_timing_sigma_s: Floats
    station_dead_time_s: Floats
    station_clutter_rate_hz: Floats
    station_bearing_sigma_deg: Floats
    detection_station_index: Ints
    detection_time_s: Floats
    detection_sigma_s: Floats
    detection_bearing_deg: Floats
    detection_amplitude_log10_ratio: Floats
    span_s: Floats
    bounds_m: Floats
    wind_m_per_s: Floats
    sound_speed_m_per_s: Floats


class Answer(NamedTuple):
    """Events, and for each detection the event that it is given to, or -1; `covariance_m2` is xx, xy, yy or `nan`.

    `region_tail_ratio` is 0 where errors are normal; the covariance is the normal's with the same 90 % region.
    """

    x_m: Floats
    y_m: Floats
    time_s: Floats
    covariance_m2: Floats
    region_tail_ratio: Floats
    event_of: Ints


class Measured(NamedTuple):
    """An answer, the processor seconds that it took, the process's peak memory in bytes, and which version gave it."""

    answer: Answer
    cpu_s: float
    peak_bytes: int
    version: str


Prepared = Callable[[], Answer]
"""Associates when it is called: only this is timed."""

Adapter = Callable[[Scene], Prepared]
"""Turns a scene into what the peer takes, and gives what is to be timed."""


def no_answer(scene: Scene) -> Answer:
    """Give the answer without any event."""
    none = np.empty(0)
    nobody = np.full(len(scene.detection_time_s), -1, dtype=np.int64)
    return Answer(none, none, none, np.empty((0, 3)), none, nobody)


def answer_of(places: tuple[Any, Any, Any], event_of: Ints) -> Answer:
    """Give the answer of a peer that says where and when (x and y in metres, seconds), but not how surely."""
    x_m, y_m, time_s = (np.asarray(column, dtype=np.float64) for column in places)
    unsaid = np.full((len(x_m), 3), np.nan)
    return Answer(x_m, y_m, time_s, unsaid, np.zeros(len(x_m)), np.asarray(event_of, dtype=np.int64))


def write_scene(path: Path, scene: Scene) -> None:
    """Write a scene to a file."""
    np.savez(path, **{name: np.asarray(column) for name, column in scene._asdict().items()})


def read_scene(path: Path) -> Scene:
    """Read a scene back."""
    with np.load(path) as columns:
        return Scene(**columns)


def write_measured(path: Path, measured: Measured) -> None:
    """Write an answer and its figures to a file."""
    columns: dict[str, Any] = {name: np.asarray(column) for name, column in measured.answer._asdict().items()}
    figures = {name: np.array(value) for name, value in measured._asdict().items() if name != "answer"}
    np.savez(path, **columns, **figures)


def read_measured(path: Path) -> Measured:
    """Read an answer and its figures back."""
    with np.load(path) as columns:
        answer = Answer(**{name: columns[name] for name in Answer._fields})
        return Measured(answer, float(columns["cpu_s"]), int(columns["peak_bytes"]), str(columns["version"]))


def tiny_scene() -> Scene:
    """Give the scene to warm up with: 40 stations on a grid of 4 km, twelve explosions, each heard within 12 km."""
    sound_m_per_s = 340.0
    east, north = np.meshgrid(np.arange(8.0), np.arange(5.0))
    x_m, y_m = 4_000.0 * east.ravel() + 300.0 * north.ravel(), 4_000.0 * north.ravel() - 150.0 * east.ravel()
    number = np.arange(12.0)
    event_x_m, event_y_m = 4_000.0 + 1_900.0 * number, 3_000.0 + 7_000.0 * np.abs(np.sin(1.7 * number))
    away_m = np.hypot(x_m - event_x_m[:, None], y_m - event_y_m[:, None])
    event, station = np.nonzero(away_m < 12_000.0)
    ripple_s = 0.02 * np.sin(12.9898 * event + 78.233 * station)
    time_s = 12.0 * (event + 1.0) + away_m[event, station] / sound_m_per_s + ripple_s
    bearing_sigma_deg = np.where(np.arange(len(x_m)) % 4 == 0, 3.0, np.nan)
    turn_rad = np.arctan2(event_x_m[event] - x_m[station], event_y_m[event] - y_m[station])
    said = np.where(np.isnan(bearing_sigma_deg[station]), np.nan, np.degrees(turn_rad) % 360.0)
    return Scene(
        station_x_m=x_m,
        station_y_m=y_m,
        station_timing_sigma_s=np.full(len(x_m), 0.03),
        station_dead_time_s=np.full(len(x_m), 0.3),
        station_clutter_rate_hz=np.full(len(x_m), 0.002),
        station_bearing_sigma_deg=bearing_sigma_deg,
        detection_station_index=station.astype(np.int64),
        detection_time_s=time_s,
        detection_sigma_s=np.full(len(time_s), np.nan),
        detection_bearing_deg=said,
        detection_amplitude_log10_ratio=1.2 * np.log10(11_000.0 / np.maximum(away_m[event, station], 100.0)),
        span_s=np.array([0.0, 200.0]),
        bounds_m=np.array([0.0, float(x_m.max()), float(y_m.min()) - 6_000.0, float(y_m.max()) + 6_000.0]),
        wind_m_per_s=np.zeros(2),
        sound_speed_m_per_s=np.array(sound_m_per_s),
    )


def peak_bytes() -> int:
    """Give this process's own peak of resident memory.

    Linux carries `ru_maxrss` over from the process that started this one; the peak of its own memory stands in /proc.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes


def run(adapter: Adapter, version: str) -> None:
    """Warm up, then associate and measure: `adapter.py SCENE ANSWER LIMIT_S`.

    Past the limit of processor time, warm-up and all, the system ends the process with SIGXCPU.
    """
    limit_s = int(float(sys.argv[3]))
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + SECOND_CHANCE_S))
    adapter(tiny_scene())()
    associate = adapter(read_scene(Path(sys.argv[1])))
    started_s = time.process_time()
    answer = associate()
    cpu_s = time.process_time() - started_s
    write_measured(Path(sys.argv[2]), Measured(answer, cpu_s, peak_bytes(), version))
