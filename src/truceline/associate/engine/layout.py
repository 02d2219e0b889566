"""Where each number stands in the arrays that the compiled parts of the engine share.

Compiled code wants few flat arrays; these names are compile-time constants, so a reader never meets a bare index. All
lengths are metres, all times seconds, all logarithms natural unless the name says log10.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.int32]

(
    STA_X, STA_Y, STA_SIGMA, STA_DEAD, STA_CLUTTER, STA_BEARING_SIGMA, STA_WEIGHT, STA_SLOWNESS, STA_SECOND_SLOWNESS,
    STA_FREE_RATE, STA_LISTENS,
) = range(11)  # fmt: skip
STATION_COLUMNS_COUNT = 11
"""Columns of `Scene.stations`. The slownesses (s/m) are of two ground phases, both 0 where sound is what is heard;
`STA_LISTENS` is 1 for a station whose silence or detection counts for a proposal: of sound, and of some weight."""

DET_SIGMA, DET_BEARING, DET_BEARING_SIGMA, DET_AMPLITUDE, DET_EXPLAINED, DET_ECHO = range(6)
DETECTION_COLUMNS_COUNT = 6
"""Columns of `Scene.detections`; the time stands apart, because it is searched. Bearings are radians, `nan` for none;
`DET_EXPLAINED` is the rate (1/s) at which accepted events are expected to make the detection, and changes; `DET_ECHO`
that at which their echoes are, 0 until it is known."""

(
    TH_SIGMA_RATIO, TH_KAPPA, TH_EXTRA_S, TH_GATE, TH_PD, TH_EDGE, TH_RANGE_MAX, TH_SPAN_START, TH_SPAN_END,
    TH_AMPLITUDE_ON, TH_AMPLITUDE_LEVEL, TH_AMPLITUDE_SLOPE, TH_AMPLITUDE_SIGMA, TH_CLUTTER_LEVEL, TH_CLUTTER_SIGMA,
    TH_DENSITY, TH_KIN_COUNT, TH_KIN_SIGMA, TH_KIN_TIME, TH_BEARING_DOUBT, TH_QUICK_S, TH_QUICK_RATIO,
    TH_OF_ARRAYS,
) = range(23)  # fmt: skip
THETA_COUNT = 23
"""Places in the vector of what is estimated of network and fire (`Scene.theta`). `TH_OF_ARRAYS` is 1 where most of the
detections have bearings."""

EV_X, EV_Y, EV_T, EV_RANGE, EV_LOG_ODDS, EV_COUNT, EV_LOG_DENSITY, EV_ALIVE, EV_PURITY = range(9)
EVENT_COLUMNS_COUNT = 9
"""Columns of a hypothesis or event."""

(
    WK_DISTANCE, WK_TRAVEL, WK_SIGMA, WK_RESIDUAL, WK_LOG_RATIO, WK_DX, WK_DY, WK_DT, WK_PROBABILITY, WK_BEARING,
    WK_ELSE_RATE,
) = range(11)  # fmt: skip
WORK_COLUMNS_COUNT = 11
WORK_COUNT = 1024
"""Stations that one hypothesis can look at; more of them, the farthest, are left out."""

CLAIM_COUNT = 320
"""Detections that one event can claim; more of them, the farthest, are left out."""

RANGE_COUNT = 12
"""Detection ranges that are weighed against each other for every event."""

CURVE_COUNT = 151
CURVE_STEP_RATIO = 0.02
"""Steps in which the detection probability is tabulated against distance over range."""


class Air(NamedTuple):
    """Sound speed and wind on nodes: `value[time, y, x]` holds (c, u, v) in m/s; linear between, constant outside."""

    value: Floats
    x0_m: float
    y0_m: float
    t0_s: float
    step_m: float
    step_s: float


class Lookup(NamedTuple):
    """Stations near every cell of a square mesh, nearest first: those of cell k are `station[start[k]:start[k + 1]]`.

    `place` holds their x and y again, in that order: what is read one after the other stands side by side.
    """

    start: Longs
    station: Longs
    place: Floats
    x0_m: float
    y0_m: float
    cell_m: float
    nx_count: int
    ny_count: int


class Buckets(NamedTuple):
    """For every station and step of time, the first detection not before it: the way to a time without a search."""

    first: Counts
    start_s: float
    per_s: float


class Scene(NamedTuple):
    """All that hypotheses are weighed on; `DET_EXPLAINED` of `detections` changes as events are accepted.

    `start[s]:start[s + 1]` are the detections of station s in order of time. `near`, `reach_m` are the nearest stations
    of each, and how far an event may lie whose first detection is there. `range_m`, `log_range` are the grid of
    detection ranges and the logarithm of the share of events that has each; `curve` has the logarithms of the detection
    probability and of its complement, by distance over range.
    """

    stations: Floats
    start: Longs
    time_s: Floats
    detections: Floats
    lookup: Lookup
    near: Longs
    reach_m: Floats
    theta: Floats
    range_m: Floats
    log_range: Floats
    curve: Floats
    bucket: Buckets


class Work(NamedTuple):
    """Room in which one hypothesis is weighed: rows per station, whose station and detection, and sums per range."""

    row: Floats
    station: Longs
    detection: Longs
    by_range: Floats


def new_work() -> Work:
    """Give empty room."""
    return Work(
        np.zeros((WORK_COUNT, WORK_COLUMNS_COUNT)),
        np.zeros(WORK_COUNT, dtype=np.int64),
        np.zeros(WORK_COUNT, dtype=np.int64),
        np.zeros(RANGE_COUNT),
    )
