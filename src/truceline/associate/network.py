"""The columns that the association engine works on: a network of stations, detections, a window, and its solution.

Everything is in one plane: metres east and north of an origin, seconds after the window's origin, metres per second.
Named tuples of flat arrays, because compiled code takes them as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Network(NamedTuple):
    """Stations, one element each; `nan` where something is not known (clutter rate) or not there (bearing).

    `weight_ratio` is 1 for a station in good health, 0 for one that is to change nothing.
    """

    x_m: Floats
    y_m: Floats
    timing_sigma_s: Floats
    dead_time_s: Floats
    clutter_rate_hz: Floats
    bearing_sigma_deg: Floats
    modality_index: Ints
    weight_ratio: Floats


class Detections(NamedTuple):
    """Detections in canonical order: by station, then time, then id; `nan` where the detector says nothing.

    `time_s` counts from the window's origin; `sigma_s` is `nan` where the station's own holds; `phase_index` is -1
    where the phase is not labelled.
    """

    station_index: Ints
    time_s: Floats
    sigma_s: Floats
    bearing_deg: Floats
    bearing_sigma_deg: Floats
    amplitude_log10_ratio: Floats
    phase_index: Ints


class Solution(NamedTuple):
    """What the engine makes of one window: events, their members, and what it learnt of stations and air.

    Events are in order of time, then x, then y. `covariance` has shape (events, 6): xx, xy, xt, yy, yt, tt in metres
    and seconds; it is that of the normal with the same 90 % region, and `region_tail_ratio` (events,), from 0 for the
    normal to 1, says how much heavier the errors' tail is (`truceline.physics.region`). Members are flat: the event's
    index, the detection's index, the probability and the residual in seconds.
    """

    x_m: Floats
    y_m: Floats
    time_s: Floats
    covariance: Floats
    region_tail_ratio: Floats
    log_odds_ratio: Floats
    event_probability: Floats
    detection_range_m: Floats
    defining_count: Ints
    alternative_x_m: Floats
    alternative_y_m: Floats
    alternative_probability: Floats
    member_event_index: Ints
    member_detection_index: Ints
    member_probability: Floats
    member_residual_s: Floats
    station_clock_offset_s: Floats
    station_clock_sigma_s: Floats
    station_clutter_rate_hz: Floats
