"""Compiled: belts where the boundary of ground decides, by the exact probability of that ground."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.assess.zone_area_mass import ground_mass
from truceline.assess.zone_belt_columns import fill_ways
from truceline.assess.zone_belt_mass import REACH_SIGMAS_COUNT, BeltZones, Place, is_in, linear_mass, variance_m2
from truceline.assess.zone_columns import Bools, Floats
from truceline.assess.zone_line import ReferenceLine
from truceline.assess.zone_mixture import Scene, mixed_below
from truceline.assess.zone_nearby import gather
from truceline.assess.zone_normal import Axes, axes_of
from truceline.assess.zone_profile import profile_below


@njit(cache=True)
def weigh_off_line(
    line: ReferenceLine, zones: BeltZones, scene: Scene, spread: tuple[float, float, float], boundary_m2: float,
    mass: Floats,
) -> bool:  # fmt: skip
    """Fill `mass` [zones] where the ground ends within reach but the line does not; say whether that is so.

    There the two grounds have their exact probabilities, and depth, the same on both, is independent of them.
    """
    place, is_one_sided = scene.place, False
    for z in range(len(mass)):
        other = is_in(zones, z, -place.distance_m, place.station_m)
        is_one_sided = is_one_sided or is_in(zones, z, place.distance_m, place.station_m) != other
    if not is_one_sided:
        return False
    axes = axes_of(spread[0] + boundary_m2, spread[1] + boundary_m2, spread[2])
    if gather(line.boundary, scene.frame, scene.radius_m, REACH_SIGMAS_COUNT * axes.large_m, scene.nearby) == 0:
        return False
    is_held = place.distance_m >= 0.0
    held = ground_mass(line.boundary, scene.frame, scene.radius_m, axes, is_held, scene.nearby)
    across = math.sqrt(variance_m2(spread, place.east_ratio, place.north_ratio) + boundary_m2)
    along = math.sqrt(variance_m2(spread, -place.north_ratio, place.east_ratio) + boundary_m2)
    deep = abs(place.distance_m)
    on_held = Place(deep, place.east_ratio, place.north_ratio, place.station_m)
    on_other = Place(-deep, place.east_ratio, place.north_ratio, place.station_m)
    for z in range(len(mass)):
        mass[z] = held * linear_mass(zones, z, on_held, across, along)
        mass[z] += (1.0 - held) * linear_mass(zones, z, on_other, across, along)
    return True


@njit(cache=True)
def _is_even(zones: BeltZones, zone: int, place: Place, reach: float) -> bool:
    """Say whether, within reach (m) of a place, nothing but the line itself bounds a zone."""
    if zones.station_start[zone] < zones.station_start[zone + 1]:
        return False
    for k in range(zones.depth_start[zone], zones.depth_start[zone + 1]):
        edge = abs(zones.depth_edge[k])
        if edge > 0.0 and abs(edge - abs(place.distance_m)) <= reach:
            return False
    return True


@njit(cache=True)
def settle_even(
    line: ReferenceLine, zones: BeltZones, scene: Scene, spread: tuple[float, float, float], boundary_m2: float,
    reach: float, wanted: Bools, mass: Floats,
) -> tuple[bool, float]:  # fmt: skip
    """Settle zones that only the line bounds within reach by the exact probability of ground; say if any is left.

    Then the probability of the held ground, or -1 where it was not needed.
    """
    held, is_left, place = -1.0, False, scene.place
    for z in range(len(mass)):
        if wanted[z] and _is_even(zones, z, place, reach):
            if held < 0.0:
                held = held_mass(line, scene, spread, boundary_m2)
            deep = max(abs(place.distance_m), 1e-9)
            mass[z] = held * is_in(zones, z, deep, place.station_m)
            mass[z] += (1.0 - held) * is_in(zones, z, -deep, place.station_m)
            wanted[z] = False
        is_left = is_left or wanted[z]
    return is_left, held


@njit(cache=True)
def held_mass(line: ReferenceLine, scene: Scene, spread: tuple[float, float, float], boundary_m2: float) -> float:
    """Give the exact probability of the held ground; lays the boundary in the scene's room for pieces."""
    axes = axes_of(spread[0] + boundary_m2, spread[1] + boundary_m2, spread[2])
    is_held = scene.place.distance_m >= 0.0
    return ground_mass(line.boundary, scene.frame, scene.radius_m, axes, is_held, scene.nearby)


@njit(cache=True)
def _part_apart(
    low: float, high: float, is_own: bool, scene: Scene, axes: Axes, spread: tuple[float, float, float], ways: Floats,
    boundary_m2: float, same: float, reach: float,
) -> float:  # fmt: skip
    """Give the probability of depths [low, high) on one ground, or -1 where it does not come apart; `settle_apart`."""
    deep, plane, count, bias = ways[5], scene.nearby.plane, scene.rival_count, scene.bias_m
    if not is_own:
        if deep + (low if low > 0.0 else high) <= reach:
            return -1.0
        return 0.0 if low > 0.0 else 1.0 - same
    if deep + (low if low > 0.0 else high) <= reach:
        return -1.0
    total = same - 1.0 if low == 0.0 else 0.0
    for bound in range(2):
        edge = low if bound == 0 else high
        if edge == 0.0:
            continue
        below = 1.0 if deep < edge else 0.0
        if abs(edge - deep) <= reach:
            below = profile_below(plane, count, bias, ways, boundary_m2, edge)
            if below < 0.0:
                below = mixed_below(scene, axes, spread, boundary_m2, edge)
        total += below if bound == 1 else -below
    return max(total, 0.0)


@njit(cache=True)
def settle_apart(
    zones: BeltZones, scene: Scene, axes: Axes, spread: tuple[float, float, float], boundary_m2: float, reach: float,
    held: float, wanted: Bools, mass: Floats,
) -> bool:  # fmt: skip
    """Settle zones of which the line and an edge of depth come apart; say whether any is left.

    Whoever goes from a place at depth d to depth e on the other ground crosses the line, so e + d is the least way. Is
    that beyond reach, then depths from e lie on the place's own ground alone, and `P(own, < e) = P(own) - P(>= e)`: the
    first exact by the boundary, the second by a profile or, where the line winds, a mixture. `held` is the probability
    of the held ground. The scene has the rivals laid out, and no ground ends within reach but along the line.
    """
    place, is_left, ways = scene.place, False, np.zeros(6)
    is_held = place.distance_m >= 0.0
    same = held if is_held else 1.0 - held
    fill_ways(place.distance_m, place.east_ratio, place.north_ratio, spread[0], spread[1], spread[2], ways)
    for z in range(len(mass)):
        if not wanted[z]:
            continue
        total, is_apart = 0.0, zones.station_start[z] == zones.station_start[z + 1]
        for r in range(zones.start[z], zones.start[z + 1]):
            if is_apart:
                low, high, is_own = (
                    zones.rectangle[r, 1],
                    zones.rectangle[r, 2],
                    is_held == (zones.rectangle[r, 0] > 0.0),
                )
                part = _part_apart(low, high, is_own, scene, axes, spread, ways, boundary_m2, same, reach)
                is_apart = part >= 0.0
                total += part
        if is_apart:
            mass[z], wanted[z] = total, False
        is_left = is_left or wanted[z]
    return is_left
