"""Compiled: columns of positions weighed against belts: what is certain and what profiles settle."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.assess.zone_belt_mass import REACH_SIGMAS_COUNT, BeltZones
from truceline.assess.zone_columns import Bools, Floats, Longs, Spread
from truceline.assess.zone_earth import frame_at
from truceline.assess.zone_line import BY_DIRECTION, BY_GROUND, ReferenceLine
from truceline.assess.zone_nearby import Nearby
from truceline.assess.zone_nearest import box_gap_m2, slot_gap_m2
from truceline.assess.zone_pieces import LEAF_COUNT, Pieces
from truceline.assess.zone_profile import profile_below
from truceline.assess.zone_rivals import RIVALS_REACH_RATIO, gather_rivals, is_left, nearest_rival, rival_stations


@njit(cache=True)
def settle_certain(
    zones: BeltZones, found: Floats, spread: Spread, boundary_m2: float, has_ground: bool, open_rows: Longs,
    probability: Floats,
) -> int:  # fmt: skip
    """Fill `probability` [zones, N] with 1 and 0 where that is certain; list the other rows, and give their number.

    Certain is what no edge of depth or marker, nor, with ground, the line, lies within reach of. Where a line has
    ground and a zone is not the same on both grounds, the ground may end anywhere, and every row is listed.
    """
    start, rectangle, depth_start, depth_edge = zones.start, zones.rectangle, zones.depth_start, zones.depth_edge
    station_start, distances, stations = zones.station_start, found[0], found[3]
    east_m2, north_m2, covariance_m2 = spread.east_m2, spread.north_m2, spread.covariance_m2
    zone_count, open_count = len(start) - 1, 0
    for i in range(len(distances)):
        distance, station = distances[i], stations[i]
        if math.isnan(distance):
            continue
        deep, is_held = abs(distance), distance >= 0.0
        middle = 0.5 * (east_m2[i] + north_m2[i])
        half = 0.5 * (east_m2[i] - north_m2[i])
        large_m2 = middle + math.sqrt(half * half + covariance_m2[i] * covariance_m2[i])
        reach = REACH_SIGMAS_COUNT * math.sqrt(large_m2 + boundary_m2)
        is_open = False
        for z in range(zone_count):
            is_within, is_mirrored, deepest = False, False, 0.0
            for r in range(start[z], start[z + 1]):
                deepest = max(deepest, rectangle[r, 2])
                is_deep = rectangle[r, 1] <= deep < rectangle[r, 2]
                if is_deep and rectangle[r, 3] <= station < rectangle[r, 4]:
                    is_own = is_held == (rectangle[r, 0] > 0.0)
                    is_within, is_mirrored = is_within or is_own, is_mirrored or not is_own
            probability[z, i] = 1.0 if is_within else 0.0
            if reach == 0.0:
                continue
            is_open = is_open or (has_ground and is_within != is_mirrored)
            is_open = is_open or (station_start[z] < station_start[z + 1] and deep <= deepest + reach)
            for k in range(depth_start[z], depth_start[z + 1]):
                is_open = is_open or abs(depth_edge[k] - distance) <= reach
        if is_open:
            open_rows[open_count] = i
            open_count += 1
    return open_count


@njit(cache=True)
def is_in_reach(box: Floats, ray: Floats, place: Floats, reach: float, nodes: Longs) -> bool:
    """Say whether any piece of a tree lies within reach (m) of a place."""
    limit_m2, inner_count, waiting = reach * reach, len(box) // 2, min(1, len(box))
    nodes[0] = 0
    while waiting > 0:
        waiting -= 1
        node = nodes[waiting]
        if box_gap_m2(box, node, place) > limit_m2:
            continue
        if node < inner_count:
            nodes[waiting], nodes[waiting + 1] = 2 * node + 1, 2 * node + 2
            waiting += 2
            continue
        slot = (node - inner_count) * LEAF_COUNT
        for k in range(slot, slot + LEAF_COUNT):
            if slot_gap_m2(ray, k, place)[0] <= limit_m2:
                return True
    return False


@njit(cache=True)
def fill_ways(
    distance: float, gradient_east: float, gradient_north: float, east_m2: float, north_m2: float, shared_m2: float,
    ways: Floats,
) -> None:  # fmt: skip
    """Fill `ways` (`zone_profile.is_clear`) for a place and its error."""
    sign = 1.0 if distance >= 0.0 else -1.0
    east, north = sign * gradient_east, sign * gradient_north
    along_m2 = max(north * north * east_m2 + east * east * north_m2 - 2.0 * east * north * shared_m2, 0.0)
    across_m2 = max(east * east * east_m2 + north * north * north_m2 + 2.0 * east * north * shared_m2, 0.0)
    both_m2 = east * north * (north_m2 - east_m2) + (east * east - north * north) * shared_m2
    lean = both_m2 / along_m2 if along_m2 > 0.0 else 0.0
    ways[0], ways[1], ways[2], ways[3] = east, north, math.sqrt(along_m2), lean
    ways[4], ways[5] = math.sqrt(max(across_m2 - lean * both_m2, 0.0)), abs(distance)


@njit(cache=True)
def _profile_mass(
    rectangle: Floats, first: int, last: int, plane: Floats, count: int, bias: float, ways: Floats, boundary_m2: float,
    reach: float, is_held: bool, station: float,
) -> float:  # fmt: skip
    """Give the probability of a zone away from markers by profiles of one ground's depths, or -1 where none tells."""
    deep, total = ways[5], 0.0
    for r in range(first, last):
        if is_held != (rectangle[r, 0] > 0.0) or not rectangle[r, 3] <= station < rectangle[r, 4]:
            continue
        for bound in range(1, 3):
            edge = rectangle[r, bound]
            below = 1.0 if deep < edge else 0.0
            if edge > 0.0 and abs(edge - deep) <= reach:
                below = profile_below(plane, count, bias, ways, boundary_m2, edge)
                if below < 0.0:
                    return -1.0
            total += below if bound == 2 else -below
    return total


@njit(cache=True)
def _are_sided(zones: BeltZones) -> Bools:
    """Say of each zone whether it differs between the two grounds."""
    start, rectangle = zones.start, zones.rectangle
    sided = np.zeros(len(start) - 1, np.bool_)
    for z in range(len(sided)):
        for r in range(start[z], start[z + 1]):
            has_twin = False
            for k in range(start[z], start[z + 1]):
                is_twin = rectangle[k, 0] == -rectangle[r, 0]
                for m in range(1, 5):
                    is_twin = is_twin and rectangle[k, m] == rectangle[r, m]
                has_twin = has_twin or is_twin
            sided[z] = sided[z] or not has_twin
    return sided


@njit(cache=True)
def _depth_edges_m(rectangle: Floats, first: int, last: int, deep: float) -> tuple[float, float, float]:
    """Give how near (m) a depth is to the nearest edge of a zone above 0, and the lowest and the highest edge."""
    near, lowest, deepest = math.inf, math.inf, 0.0
    for r in range(first, last):
        for bound in range(1, 3):
            edge = rectangle[r, bound]
            if edge > 0.0:
                near, lowest, deepest = min(near, abs(edge - deep)), min(lowest, edge), max(deepest, edge)
    return near, lowest, deepest


@njit(cache=True)
def _has_one_sign(pieces: Pieces, nearby: Nearby, frame: Floats, count: int, ways: Floats, is_held: bool) -> bool:
    """Say whether places two sigmas away along the line and outwards lie on the same side by its drawn direction."""
    for k in range(-1, 2):
        t = 2.0 * ways[2] * k
        n = ways[3] * t + (2.0 * ways[4] if k == 0 else 0.0)
        east, north = n * ways[0] - t * ways[1], n * ways[1] + t * ways[0]
        _, a_east, a_north, row, share = nearest_rival(nearby.plane, count, east, north)
        if is_left(pieces, nearby, frame, row, share, (a_east, a_north)) != is_held:
            return False
    return True


@njit(cache=True)
def weigh_clear(
    line: ReferenceLine, zones: BeltZones, nearby: Nearby, points: tuple[Floats, Floats], spread: Spread,
    boundary_m2: float, found: Floats, rows: Longs, probability: Floats,
) -> int:  # fmt: skip
    """Fill `probability` [zones, N] for those of the rows listed that profiles settle; list the others in their place.

    Not settled are rows where a marker may be met, where the line or the end of its ground is within reach and a zone
    differs between the grounds, or where the line folds. Gives the number of those.
    """
    longitude_deg, latitude_deg = points
    east_m2, north_m2, covariance_m2 = spread.east_m2, spread.north_m2, spread.covariance_m2
    start, rectangle, station_start, marks = zones.start, zones.rectangle, zones.station_start, zones.station_edge
    pieces, plane, nodes = line.pieces, nearby.plane, nearby.nodes
    edge_box, edge_ray, has_ground = line.boundary.box, line.boundary.ray, line.sign_index == BY_GROUND
    zone_count, left_count, sided = len(start) - 1, 0, _are_sided(zones)
    is_any_sided, frame, ways, mass = sided.any(), np.empty((4, 3)), np.zeros(6), np.zeros(zone_count)
    for row in range(len(rows)):
        i = rows[row]
        distance, station = found[0, i], found[3, i]
        deep, is_held = abs(distance), distance >= 0.0
        middle, half = 0.5 * (east_m2[i] + north_m2[i]), 0.5 * (east_m2[i] - north_m2[i])
        large_m2 = middle + math.sqrt(half * half + covariance_m2[i] * covariance_m2[i])
        reach = REACH_SIGMAS_COUNT * math.sqrt(large_m2 + boundary_m2)
        radius = frame_at(longitude_deg[i], latitude_deg[i], frame)
        is_bounded = is_any_sided and deep <= reach
        if has_ground and is_any_sided and not is_bounded:
            is_bounded = is_in_reach(edge_box, edge_ray, frame[0], reach, nodes)
        if large_m2 == 0.0 or is_bounded:
            rows[left_count], left_count = i, left_count + 1
            continue
        fill_ways(distance, found[1, i], found[2, i], east_m2[i], north_m2[i], covariance_m2[i], ways)
        far = RIVALS_REACH_RATIO * math.sqrt(large_m2)
        count = gather_rivals(pieces, frame, radius, deep, (ways[0], ways[1]), far, nearby)
        is_settled, bias, low, high = count > 0, 0.0, math.inf, -math.inf
        if is_settled:
            bias = deep - nearest_rival(plane, count, 0.0, 0.0)[0]
        if is_settled and is_any_sided and line.sign_index == BY_DIRECTION:
            is_settled = _has_one_sign(pieces, nearby, frame, count, ways, is_held)
        if len(marks) > 0:
            low, high = rival_stations(pieces, nearby, count, reach)
        for z in range(zone_count):
            mass[z] = probability[z, i]
            near, lowest, deepest = _depth_edges_m(rectangle, start[z], start[z + 1], deep)
            if deep > deepest + reach:
                continue
            for k in range(station_start[z], station_start[z + 1]):
                is_settled = is_settled and not low <= marks[k] <= high
            if near > reach or not is_settled:
                continue
            mass[z] = _profile_mass(
                rectangle, start[z], start[z + 1], plane, count, bias, ways, boundary_m2, reach, is_held, station
            )
            is_settled = mass[z] >= 0.0 and deep + lowest > reach
        if not is_settled:
            rows[left_count], left_count = i, left_count + 1
            continue
        for z in range(zone_count):
            probability[z, i] = min(max(mass[z], 0.0), 1.0)
    return left_count
