"""Compiled: what was heard near a place and belongs to no event yet, and when an event there would have been by it."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from truceline.associate.engine.layout import (
    DET_EXPLAINED,
    STA_CLUTTER,
    STA_SLOWNESS,
    STA_WEIGHT,
    STA_X,
    STA_Y,
    Air,
    Floats,
    Longs,
    Scene,
)
from truceline.associate.engine.propose import FREE_RATIO
from truceline.associate.engine.sound import air_at, travel_by, travel_factors
from truceline.associate.engine.weigh import cell_of, first_at

STATIONS_COUNT = 30
"""Stations that are asked: what so many heard is enough to see whether it is worth looking there."""


class Heard(NamedTuple):
    """Room for detections: which, whose, and when an event at the place would have been by each (s)."""

    detection: Longs
    station: Longs
    origin_s: Floats


@njit(cache=True, error_model="numpy")
def free_near(scene: Scene, air: Air, site: tuple[float, float, float, float], within_s: float, out: Heard) -> int:
    """Write the free detections within so many seconds of when an event (x, y, t, range) is heard; give how many.

    Stations come in the order of the mesh, the nearest to the cell's middle first, each one's detections in order of
    time. Stations of zero weight and those that wait for ground waves are left out; where the room is full, so is what
    is farther.
    """
    stations, start, time_s, detections = scene.stations, scene.start, scene.time_s, scene.detections
    index = scene.lookup.station
    x, y, t, range_m = site
    cell = cell_of(scene.lookup, x, y)
    factors = travel_factors(air_at(air, x, y, t))
    n, looked_at = 0, 0
    for place in range(scene.lookup.start[cell], scene.lookup.start[cell + 1]):
        s = index[place]
        dx, dy = stations[s, STA_X] - x, stations[s, STA_Y] - y
        if stations[s, STA_SLOWNESS] > 0.0 or stations[s, STA_WEIGHT] == 0.0:
            continue
        if dx * dx + dy * dy > range_m * range_m or looked_at == STATIONS_COUNT:
            continue
        looked_at += 1
        travel = travel_by(dx, dy, factors)
        k = first_at(time_s, start[s], start[s + 1], t + travel - within_s)
        while k < start[s + 1] and time_s[k] <= t + travel + within_s and n < len(out.detection):
            if detections[k, DET_EXPLAINED] < FREE_RATIO * stations[s, STA_CLUTTER]:
                out.detection[n], out.station[n], out.origin_s[n] = k, s, time_s[k] - travel
                n += 1
            k += 1
    return n
