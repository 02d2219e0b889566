"""Compiled: how much of an error lies in belts where no other way tells, as a mixture of narrower errors."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.assess.zone_belt_mass import BeltZones, Place, between, variance_m2
from truceline.assess.zone_columns import Bools, Floats
from truceline.assess.zone_earth import frame_beside
from truceline.assess.zone_ground import is_inside
from truceline.assess.zone_line import BY_DIRECTION, BY_GROUND, Paper, ReferenceLine, locate_place
from truceline.assess.zone_nearby import Nearby
from truceline.assess.zone_normal import Axes, Nodes, lay_nodes
from truceline.assess.zone_rivals import is_left, nearest_rival, rival_station

NODES_REACH_RATIO = 3.6
COARSE = lay_nodes(0.5, step_ratio=0.75, reach_ratio=NODES_REACH_RATIO)
MIDDLE = lay_nodes(0.3, step_ratio=0.45, reach_ratio=NODES_REACH_RATIO)
FINE = lay_nodes(0.15, step_ratio=0.225, reach_ratio=NODES_REACH_RATIO)
FAR_SIGMAS_COUNT = 6.0
"""Three mixtures: parts 0.5, 0.3 and 0.15 times as wide as the error (73, 197 and 797 of them).

A part whose middle lies farther than the last outside an interval adds nothing to it."""


SMOOTH_RIVALS_COUNT = 40
"""With fewer rivals around, depth bends so little that the coarse mixture does for it."""


class Scene(NamedTuple):
    """One position: its frame, its radius of curvature (m), where it lies, whether the line is in reach.

    Then the rivals around it, their number (0 or less: the tree is asked), and what their distances lack (m) of those
    on the ellipsoid.
    """

    frame: Floats
    radius_m: float
    place: Place
    is_near: bool
    nearby: Nearby
    rival_count: int
    bias_m: float


@njit(cache=True)
def node_place(
    line: ReferenceLine, paper: Paper, scene: Scene, east: float, north: float
) -> tuple[float, float, float, float]:
    """Give signed distance, gradient east and north and station of the place so far (m) from the scene's."""
    if scene.rival_count <= 0:
        place_deg = frame_beside(scene.frame, scene.radius_m, east, north, paper.frame)
        return locate_place(line, paper, scene.radius_m, place_deg)
    plane = scene.nearby.plane
    distance, g_east, g_north, row, share = nearest_rival(plane, scene.rival_count, east, north)
    distance = max(distance + scene.bias_m, 0.0)
    if g_east == 0.0 and g_north == 0.0:
        length = max(math.hypot(plane[row, 2], plane[row, 3]), 1e-300)
        g_east, g_north = -plane[row, 3] / length, plane[row, 2] / length
    is_held = scene.place.distance_m >= 0.0
    if scene.is_near and line.sign_index == BY_GROUND:
        place_deg = frame_beside(scene.frame, scene.radius_m, east, north, paper.frame)
        is_held = is_inside(line.edges, place_deg[0], place_deg[1])
    elif scene.is_near and line.sign_index == BY_DIRECTION:
        is_held = is_left(line.pieces, scene.nearby, scene.frame, row, share, (g_east, g_north))
    station = rival_station(line.pieces, scene.nearby, row, share)
    if is_held:
        return distance, g_east, g_north, station
    return -distance, -g_east, -g_north, station


@njit(cache=True)
def departure_m(line: ReferenceLine, paper: Paper, scene: Scene, axes: Axes) -> float:
    """Give by how much (m), at most, distance leaves the linear one at eight places around a scene's.

    They lie one and two sigmas away along the error's axes.
    """
    place, most = scene.place, 0.0
    for k in range(8):
        size = (1.0 if k < 4 else 2.0) * (1.0 if k % 2 == 0 else -1.0)
        if k % 4 < 2:
            east, north = size * axes.large_m * axes.east_ratio, size * axes.large_m * axes.north_ratio
        else:
            east, north = -size * axes.small_m * axes.north_ratio, size * axes.small_m * axes.east_ratio
        distance, _, _, _ = node_place(line, paper, scene, east, north)
        most = max(most, abs(distance - place.distance_m - place.east_ratio * east - place.north_ratio * north))
    return most


@njit(cache=True)
def mixed_below(scene: Scene, axes: Axes, spread: tuple[float, float, float], boundary_m2: float, edge: float) -> float:
    """Give the probability of lying less deep than an edge (m) on either ground, by a mixture; the rivals are laid out.

    Depth has no jump at the line, so the middle mixture is fine enough even where the line winds.
    """
    nodes = MIDDLE if scene.rival_count > SMOOTH_RIVALS_COUNT else COARSE
    inner2, plane, total = nodes.inner_ratio * nodes.inner_ratio, scene.nearby.plane, 0.0
    for q in range(len(nodes.weight)):
        first, second = nodes.first[q] * axes.large_m, nodes.second[q] * axes.small_m
        east = first * axes.east_ratio - second * axes.north_ratio
        north = first * axes.north_ratio + second * axes.east_ratio
        found, g_east, g_north, _, _ = nearest_rival(plane, scene.rival_count, east, north)
        blur = math.sqrt(inner2 * variance_m2(spread, g_east, g_north) + boundary_m2)
        total += nodes.weight[q] * between(-math.inf, edge, max(found + scene.bias_m, 0.0), blur)
    return total


@njit(cache=True)
def _lay_far(plane: Floats, count: int, bias: float, places: Floats) -> None:
    """Fill rows of `places` [Q, 8] (`mix`) from the way east and north in the last two: unsigned depth and station."""
    for q in range(len(places)):
        found, g_east, g_north, row, share = nearest_rival(plane, count, places[q, 4], places[q, 5])
        places[q, 0], places[q, 1], places[q, 2] = max(found + bias, 0.0), g_east, g_north
        places[q, 6], places[q, 7] = row, share


@njit(cache=True)
def _lay_places(line: ReferenceLine, paper: Paper, scene: Scene, has_markers: bool, places: Floats) -> None:
    """Fill rows of `places` [Q, 8] (`mix`)."""
    if scene.is_near or scene.rival_count <= 0:
        for q in range(len(places)):
            found = node_place(line, paper, scene, places[q, 4], places[q, 5])
            places[q, 0], places[q, 1], places[q, 2], places[q, 3] = found
        return
    _lay_far(scene.nearby.plane, scene.rival_count, scene.bias_m, places)
    sign = 1.0 if scene.place.distance_m >= 0.0 else -1.0
    for q in range(len(places)):
        places[q, 0], places[q, 1], places[q, 2] = sign * places[q, 0], sign * places[q, 1], sign * places[q, 2]
        if has_markers:
            places[q, 3] = rival_station(line.pieces, scene.nearby, int(places[q, 6]), places[q, 7])


@njit(cache=True)
def _zone_mass(
    rectangle: Floats, first: int, last: int, has_markers: bool, places: Floats, weight: Floats, blur: Floats
) -> float:
    """Give the probability of the zone with those rows of rectangles for parts of a mixture; `blur` [Q, 2] in m."""
    total = 0.0
    for r in range(first, last):
        sign, low, high = rectangle[r, 0], rectangle[r, 1], rectangle[r, 2]
        for q in range(len(weight)):
            depth, across = sign * places[q, 0], blur[q, 0]
            if depth < low - FAR_SIGMAS_COUNT * across or depth > high + FAR_SIGMAS_COUNT * across:
                continue
            if across == 0.0 and depth == 0.0 and sign < 0.0:
                continue
            part = weight[q] * between(low, high, depth, across)
            if has_markers:
                part *= between(rectangle[r, 3], rectangle[r, 4], places[q, 3], blur[q, 1])
            total += part
    return total


@njit(cache=True)
def mix(
    line: ReferenceLine, zones: BeltZones, paper: Paper, scene: Scene, axes: Axes,
    spread: tuple[float, float, float], boundary_m2: float, nodes: Nodes, wanted: Bools, mass: Floats,
) -> None:  # fmt: skip
    """Fill `mass` [zones] of the zones wanted: the linear form for each part of a mixture of narrower errors.

    A part is a row of `places` [Q, 8]: signed distance, gradient east and north, station, and the way east and north.
    """
    start, rectangle, stations = zones.start, zones.rectangle, zones.station_start
    firsts, seconds, weight, inner2 = nodes.first, nodes.second, nodes.weight, nodes.inner_ratio * nodes.inner_ratio
    places, blur = np.zeros((len(weight), 8)), np.empty((len(weight), 2))
    for q in range(len(weight)):
        first, second = firsts[q] * axes.large_m, seconds[q] * axes.small_m
        places[q, 4] = first * axes.east_ratio - second * axes.north_ratio
        places[q, 5] = first * axes.north_ratio + second * axes.east_ratio
    _lay_places(line, paper, scene, len(zones.station_edge) > 0, places)
    for q in range(len(weight)):
        blur[q, 0] = math.sqrt(inner2 * variance_m2(spread, places[q, 1], places[q, 2]) + boundary_m2)
        blur[q, 1] = math.sqrt(inner2 * variance_m2(spread, -places[q, 2], places[q, 1]) + boundary_m2)
    for z in range(len(wanted)):
        if wanted[z]:
            has_markers = stations[z] < stations[z + 1]
            mass[z] = _zone_mass(rectangle, start[z], start[z + 1], has_markers, places, weight, blur)
