"""Compiled: zones of belts along a line, and how much of an error lies in them where the line is straight."""

from __future__ import annotations

import math
from typing import NamedTuple

from numba import njit

from truceline.assess.zone_columns import Bools, Floats, Longs
from truceline.assess.zone_normal import normal_below

REACH_SIGMAS_COUNT = 4.0
"""An edge farther away than so many of the largest sigma does not matter.

3e-5 of the error lies beyond a straight edge there, and at most 3e-4 outside the whole circle.
"""


class BeltZones(NamedTuple):
    """Zones along one line; what compiled code reads.

    Zone z has the rows `start[z]:start[z + 1]` of `rectangle` [R, 5]: sign (+1 held ground, -1 the other), depths from
    and to (m), stations from and to (m), none overlapping; the signed distances `depth_edge` at
    `depth_start[z]:depth_start[z + 1]` at which it begins or ends, and likewise the stations.
    """

    start: Longs
    rectangle: Floats
    depth_start: Longs
    depth_edge: Floats
    station_start: Longs
    station_edge: Floats


class Place(NamedTuple):
    """Where a place lies seen from a line: signed distance, gradient east and north, station."""

    distance_m: float
    east_ratio: float
    north_ratio: float
    station_m: float


@njit(cache=True)
def is_in(zones: BeltZones, zone: int, distance: float, station: float) -> bool:
    """Say whether an exact place lies in a zone; half-open."""
    for r in range(zones.start[zone], zones.start[zone + 1]):
        if (distance >= 0.0) == (zones.rectangle[r, 0] > 0.0):
            is_deep = zones.rectangle[r, 1] <= abs(distance) < zones.rectangle[r, 2]
            if is_deep and zones.rectangle[r, 3] <= station < zones.rectangle[r, 4]:
                return True
    return False


@njit(cache=True)
def is_in_belts(zones: BeltZones, distance: Floats, station: Floats, inside: Bools) -> None:
    """Fill in, [zones, N], which places lie in which zone."""
    for z in range(len(zones.start) - 1):
        for i in range(len(distance)):
            inside[z, i] = not math.isnan(distance[i]) and is_in(zones, z, distance[i], station[i])


@njit(cache=True)
def variance_m2(spread: tuple[float, float, float], east: float, north: float) -> float:
    """Give the variance (m2) of an error in a direction."""
    return max(east * east * spread[0] + north * north * spread[1] + 2.0 * east * north * spread[2], 0.0)


@njit(cache=True)
def between(low: float, high: float, x: float, sigma: float) -> float:
    """Give the probability that a normal about x lies between two bounds."""
    if sigma == 0.0:
        return 1.0 if low <= x < high else 0.0
    return normal_below((high - x) / sigma) - normal_below((low - x) / sigma)


@njit(cache=True)
def linear_mass(zones: BeltZones, zone: int, place: Place, across: float, along: float) -> float:
    """Give the probability of a zone for a normal with sigmas across and along a straight line (m)."""
    total = 0.0
    for r in range(zones.start[zone], zones.start[zone + 1]):
        depth = zones.rectangle[r, 0] * place.distance_m
        mass = between(zones.rectangle[r, 1], zones.rectangle[r, 2], depth, across)
        if across == 0.0 and depth == 0.0 and zones.rectangle[r, 0] < 0.0:
            mass = 0.0
        if mass > 0.0 and zones.station_start[zone] < zones.station_start[zone + 1]:
            mass *= between(zones.rectangle[r, 3], zones.rectangle[r, 4], place.station_m, along)
        total += mass
    return min(max(total, 0.0), 1.0)


@njit(cache=True)
def gap(edges: Floats, first: int, last: int, x: float) -> float:
    """Give how near a number is to the nearest of some edges."""
    gap = math.inf
    for k in range(first, last):
        gap = min(gap, abs(edges[k] - x))
    return gap
