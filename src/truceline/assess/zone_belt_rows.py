"""Compiled: positions weighed against belts one by one, where the line, its ground or markers are within reach."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.assess.zone_belt_columns import is_in_reach
from truceline.assess.zone_belt_ground import held_mass, settle_apart, settle_even, weigh_off_line
from truceline.assess.zone_belt_mass import REACH_SIGMAS_COUNT, BeltZones, Place, gap, is_in, linear_mass, variance_m2
from truceline.assess.zone_columns import Bools, Floats, Longs, Spread
from truceline.assess.zone_earth import frame_at
from truceline.assess.zone_line import BY_DIRECTION, BY_GROUND, UNSIGNED, Paper, ReferenceLine
from truceline.assess.zone_mixture import COARSE, FINE, MIDDLE, Scene, departure_m, mix
from truceline.assess.zone_nearby import Nearby
from truceline.assess.zone_normal import Axes, axes_of
from truceline.assess.zone_rivals import RIVALS_REACH_RATIO, gather_rivals, nearest_rival, rival_stations

LINEAR_MAX_RATIO = 0.05
"""How far, in sigmas, the distance one and two sigmas away may leave the linear one.

The probability is then wrong by about a tenth of that."""

COARSE_MAX_RATIO = 0.5
"""Beyond this departure from the linear form a finer mixture is taken."""

THIN_RATIO = 0.3
"""The finest mixture is for errors whose smaller sigma is below this share of the larger."""

WINDING_COUNT = 40
"""More rivals than this near the line say that it winds within the error's reach: the finest mixture is taken."""


@njit(cache=True)
def _mark_open(zones: BeltZones, place: Place, reach: float, wanted: Bools, mass: Floats) -> bool:
    """Settle the zones none of whose edges is within reach (m); mark the others, and say whether there are any."""
    any_open = False
    for z in range(len(wanted)):
        mass[z] = 1.0 if is_in(zones, z, place.distance_m, place.station_m) else 0.0
        deepest = 0.0
        for r in range(zones.start[z], zones.start[z + 1]):
            deepest = max(deepest, zones.rectangle[r, 2])
        has_markers = zones.station_start[z] < zones.station_start[z + 1] and abs(place.distance_m) <= deepest + reach
        near = gap(zones.depth_edge, zones.depth_start[z], zones.depth_start[z + 1], place.distance_m)
        wanted[z] = has_markers or near <= reach
        any_open = any_open or wanted[z]
    return any_open


@njit(cache=True)
def _divides(zones: BeltZones, zone: int, place: Place, reach: float) -> bool:
    """Say whether the line itself, within reach (m), bounds a zone: pockets of it may then lie between the probes."""
    if abs(place.distance_m) > reach:
        return False
    return gap(zones.depth_edge, zones.depth_start[zone], zones.depth_start[zone + 1], 0.0) == 0.0


@njit(cache=True)
def _meets_marker(zones: BeltZones, zone: int, low: float, high: float) -> bool:
    """Say whether a marker's edge of a zone lies between two stations (m)."""
    meets = False
    for k in range(zones.station_start[zone], zones.station_start[zone + 1]):
        meets = meets or low <= zones.station_edge[k] <= high
    return meets


@njit(cache=True)
def _weigh_here(
    line: ReferenceLine, zones: BeltZones, paper: Paper, scene: Scene, axes: Axes, spread: tuple[float, float, float],
    boundary_m2: float, reach: float, wanted: Bools, met: Bools, mass: Floats,
) -> None:  # fmt: skip
    """Fill `mass` of the zones wanted: the linear form where it holds, else a mixture."""
    place, any_left = scene.place, False
    is_near = abs(place.distance_m) <= reach
    across = math.sqrt(variance_m2(spread, place.east_ratio, place.north_ratio) + boundary_m2)
    along = math.sqrt(variance_m2(spread, -place.north_ratio, place.east_ratio) + boundary_m2)
    departure = departure_m(line, paper, scene, axes) / max(across, 1e-9)
    is_coarse = departure <= COARSE_MAX_RATIO and is_near
    for z in range(len(wanted)):
        if not wanted[z]:
            continue
        if departure <= LINEAR_MAX_RATIO and not met[z] and not _divides(zones, z, place, reach):
            wanted[z] = False
            mass[z] = linear_mass(zones, z, place, across, along)
        any_left = any_left or wanted[z]
        is_coarse = is_coarse and not met[z]
    if any_left:
        is_fine = axes.small_m < THIN_RATIO * axes.large_m or (is_near and scene.rival_count > WINDING_COUNT)
        nodes = COARSE if is_coarse else (FINE if is_fine else MIDDLE)
        mix(line, zones, paper, scene, axes, spread, boundary_m2, nodes, wanted, mass)


@njit(cache=True)
def _with_rivals(line: ReferenceLine, scene: Scene, reach: float) -> Scene:
    """Give a scene with the rivals within reach (m) laid out."""
    place, nearby = scene.place, scene.nearby
    sign = 1.0 if place.distance_m >= 0.0 else -1.0
    deep, away = abs(place.distance_m), (sign * place.east_ratio, sign * place.north_ratio)
    count = gather_rivals(line.pieces, scene.frame, scene.radius_m, deep, away, reach, nearby)
    bias = 0.0
    if count > 0:
        bias = deep - nearest_rival(nearby.plane, count, 0.0, 0.0)[0]
    return Scene(scene.frame, scene.radius_m, place, scene.is_near, nearby, count, bias)


@njit(cache=True)
def _weigh_row(
    line: ReferenceLine, zones: BeltZones, paper: Paper, bare: Scene, axes: Axes, spread: tuple[float, float, float],
    boundary_m2: float, wanted: Bools, met: Bools, mass: Floats,
) -> None:  # fmt: skip
    """Fill `mass` [zones] for one position."""
    place = bare.place
    reach = REACH_SIGMAS_COUNT * math.sqrt(axes.large_m * axes.large_m + boundary_m2)
    has_ground = line.sign_index == BY_GROUND
    if has_ground and not bare.is_near and weigh_off_line(line, zones, bare, spread, boundary_m2, mass):
        return
    if not _mark_open(zones, place, reach, wanted, mass):
        return
    comes_apart = (
        line.sign_index != UNSIGNED
        and bare.is_near
        and not is_in_reach(line.beyond.box, line.beyond.ray, bare.frame[0], reach, bare.nearby.nodes)
    )
    held = -1.0
    if (has_ground and bare.is_near) or comes_apart:
        is_any_left, held = settle_even(line, zones, bare, spread, boundary_m2, reach, wanted, mass)
        if not is_any_left:
            return
    if axes.large_m == 0.0:
        boundary = math.sqrt(boundary_m2)
        for z in range(len(wanted)):
            if wanted[z]:
                mass[z] = linear_mass(zones, z, place, boundary, boundary)
        return
    if comes_apart and held < 0.0:
        held = held_mass(line, bare, spread, boundary_m2)
    scene = _with_rivals(line, bare, RIVALS_REACH_RATIO * axes.large_m)
    if comes_apart and scene.rival_count > 0:
        is_any_left = settle_apart(zones, scene, axes, spread, boundary_m2, reach, held, wanted, mass)
        if not is_any_left:
            return
    low, high = -math.inf, math.inf
    if len(zones.station_edge) > 0 and scene.rival_count > 0:
        low, high = rival_stations(line.pieces, scene.nearby, scene.rival_count, reach)
    for z in range(len(wanted)):
        met[z] = wanted[z] and _meets_marker(zones, z, low, high)
    _weigh_here(line, zones, paper, scene, axes, spread, boundary_m2, reach, wanted, met, mass)


@njit(cache=True)
def weigh_rest(
    line: ReferenceLine, zones: BeltZones, paper: Paper, nearby: Nearby, points: tuple[Floats, Floats], spread: Spread,
    boundary_m2: float, found: Floats, rows: Longs, probability: Floats,
) -> None:  # fmt: skip
    """Fill `probability` [zones, N] for the rows listed, whatever bounds the zones there."""
    zone_count = len(zones.start) - 1
    wanted, met, mass = np.zeros(zone_count, np.bool_), np.zeros(zone_count, np.bool_), np.zeros(zone_count)
    frame = np.empty((4, 3))
    for row in range(len(rows)):
        i = rows[row]
        radius = frame_at(points[0][i], points[1][i], frame)
        place = Place(found[0, i], found[1, i], found[2, i], found[3, i])
        errors = (spread.east_m2[i], spread.north_m2[i], spread.covariance_m2[i])
        axes = axes_of(errors[0], errors[1], errors[2])
        reach = REACH_SIGMAS_COUNT * math.sqrt(axes.large_m * axes.large_m + boundary_m2)
        has_sign = line.sign_index == BY_DIRECTION or abs(place.distance_m) <= reach
        scene = Scene(frame, radius, place, has_sign, nearby, 0, 0.0)
        _weigh_row(line, zones, paper, scene, axes, errors, boundary_m2, wanted, met, mass)
        for z in range(zone_count):
            probability[z, i] = min(max(mass[z], 0.0), 1.0)
