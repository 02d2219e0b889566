"""Compiled: belts where the boundary of ground decides, by the exact probability of that ground."""

from __future__ import annotations

import math

from numba import njit

from truceline.assess.zone_area_mass import ground_mass
from truceline.assess.zone_belt_mass import REACH_SIGMAS_COUNT, BeltZones, Place, is_in, linear_mass, variance_m2
from truceline.assess.zone_columns import Bools, Floats
from truceline.assess.zone_line import ReferenceLine
from truceline.assess.zone_mixture import Scene
from truceline.assess.zone_nearby import gather
from truceline.assess.zone_normal import axes_of


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
) -> bool:  # fmt: skip
    """Settle zones that only the line bounds within reach by the exact probability of ground; say if any is left."""
    held, is_left, place = -1.0, False, scene.place
    for z in range(len(mass)):
        if wanted[z] and _is_even(zones, z, place, reach):
            if held < 0.0:
                axes = axes_of(spread[0] + boundary_m2, spread[1] + boundary_m2, spread[2])
                is_held = place.distance_m >= 0.0
                held = ground_mass(line.boundary, scene.frame, scene.radius_m, axes, is_held, scene.nearby)
            deep = max(abs(place.distance_m), 1e-9)
            mass[z] = held * is_in(zones, z, deep, place.station_m)
            mass[z] += (1.0 - held) * is_in(zones, z, -deep, place.station_m)
            wanted[z] = False
        is_left = is_left or wanted[z]
    return is_left
