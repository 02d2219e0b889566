"""Compiled: the few pieces of a line that places close to one place may be nearest to, laid in a plane.

A piece is a convex set, so its distance from a place moved by `e` is at least `d_k + g_k . e`, with `d_k` and `g_k` its
distance and the direction away from it. The nearest piece's is at most `d + g . e + r^2 / 2 (d - r)` for every
`|e| <= r`. A piece can thus only become the nearest within `r` where `d_k <= d + r |g - g_k| + r^2 / 2 (d - r)`.
The others are left out; what is left gives the same distances as the whole line.
"""

from __future__ import annotations

import math

from numba import njit

from truceline.assess.zone_columns import Floats
from truceline.assess.zone_nearby import NEARBY_MAX_COUNT, Nearby
from truceline.assess.zone_nearest import box_gap_m2, slot_gap_m2
from truceline.assess.zone_pieces import LEAF_COUNT, Pieces

RIVALS_REACH_RATIO = 3.3
"""Pieces that are the nearest only to places farther away than so many of the largest sigma are left out."""

TILT_RATIO = 0.02
"""Directions in space and in the plane differ by the Earth's curve: so much of the reach is allowed for it."""


@njit(cache=True)
def _lay(ray: Floats, slot: int, frame: Floats, bend: float, row: Floats) -> None:
    """Fill in a row of `Nearby.plane` but for the distance; `bend` is `1 / 6 R^2`.

    The way over the ground is `1 + c^2 / 6 R^2` times the level part of a chord `c`, up to `c^4 / R^4`: 0.1 m at
    200 km.
    """
    x, y, z = ray[slot, 0] - frame[0, 0], ray[slot, 1] - frame[0, 1], ray[slot, 2] - frame[0, 2]
    stretch = 1.0 + (x * x + y * y + z * z) * bend
    row[0] = stretch * (x * frame[1, 0] + y * frame[1, 1] + z * frame[1, 2])
    row[1] = stretch * (x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2])
    x, y, z = x + ray[slot, 3], y + ray[slot, 4], z + ray[slot, 5]
    stretch = 1.0 + (x * x + y * y + z * z) * bend
    row[2] = stretch * (x * frame[1, 0] + y * frame[1, 1] + z * frame[1, 2]) - row[0]
    row[3] = stretch * (x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2]) - row[1]
    length_m2 = row[2] * row[2] + row[3] * row[3]
    row[4] = 1.0 / length_m2 if length_m2 > 0.0 else 0.0


@njit(cache=True)
def gather_rivals(
    pieces: Pieces, frame: Floats, radius: float, deep: float, away: tuple[float, float], reach: float, nearby: Nearby
) -> int:
    """Lay the pieces that may be nearest within reach (m) of a frame's place in the plane; give their number.

    `deep` is the place's distance from the line (m), `away` the direction in which it grows. -1 stands for more pieces
    than there is room for. The nearest piece comes first.
    """
    box, ray, plane, slots, nodes = pieces.box, pieces.ray, nearby.plane, nearby.slot, nearby.nodes
    limit = (deep + 2.0 * reach) * (1.0 + 1e-6) + 1e-3
    limit_m2, inner_count, bend = limit * limit, len(box) // 2, 1.0 / (6.0 * radius * radius)
    prunes = deep > 2.0 * reach
    least = deep + TILT_RATIO * reach + (0.5 * reach * reach / (deep - reach) if prunes else 0.0)
    x = away[0] * frame[1, 0] + away[1] * frame[2, 0]
    y = away[0] * frame[1, 1] + away[1] * frame[2, 1]
    z = away[0] * frame[1, 2] + away[1] * frame[2, 2]
    place = frame[0]
    nodes[0], waiting, count, first, best = 0, 1, 0, 0, math.inf
    while waiting > 0:
        waiting -= 1
        node = nodes[waiting]
        if node < inner_count:
            for child in (2 * node + 1, 2 * node + 2):
                if box_gap_m2(box, child, place) <= limit_m2:
                    nodes[waiting] = child
                    waiting += 1
            continue
        slot = (node - inner_count) * LEAF_COUNT
        for k in range(slot, slot + LEAF_COUNT):
            gap_m2, share = slot_gap_m2(ray, k, place)
            if gap_m2 > limit_m2:
                continue
            gap = math.sqrt(gap_m2)
            over = gap - least
            if prunes and over > 0.0:
                along = x * (place[0] - ray[k, 0] - share * ray[k, 3]) + y * (place[1] - ray[k, 1] - share * ray[k, 4])
                along += z * (place[2] - ray[k, 2] - share * ray[k, 5])
                if over * over > reach * reach * (2.0 - 2.0 * along / gap):
                    continue
            if count == NEARBY_MAX_COUNT:
                return -1
            _lay(ray, k, frame, bend, plane[count])
            plane[count, 5], slots[count] = gap, k
            if gap < best:
                best, first = gap, count
            count += 1
    if count > 0:
        slots[0], slots[first] = slots[first], slots[0]
        for m in range(6):
            plane[0, m], plane[first, m] = plane[first, m], plane[0, m]
    return count


@njit(cache=True)
def nearest_rival(plane: Floats, count: int, east: float, north: float) -> tuple[float, float, float, int, float]:
    """Give how far (m) a place of the plane is from the pieces laid there, and the unit vector away from the nearest.

    Then the nearest's row and the share of it, below 0 or above 1 past its ends. On the line the direction is 0. A
    piece whose distance from the plane's middle exceeds the best by more than the way from the middle is passed over.
    """
    way = math.hypot(east, north) + 1e-3
    limit, best_m2, away_east, away_north, at, at_share = math.inf, math.inf, 0.0, 0.0, 0, 0.0
    for k in range(count):
        if plane[k, 5] > limit:
            continue
        x, y = east - plane[k, 0], north - plane[k, 1]
        raw = (x * plane[k, 2] + y * plane[k, 3]) * plane[k, 4]
        share = min(1.0, max(0.0, raw))
        x, y = x - share * plane[k, 2], y - share * plane[k, 3]
        gap_m2 = x * x + y * y
        if gap_m2 < best_m2:
            best_m2, away_east, away_north, at, at_share = gap_m2, x, y, k, raw
            limit = math.sqrt(gap_m2) * 1.0001 + way
    best = math.sqrt(best_m2)
    if best < 1e-6:
        return best, 0.0, 0.0, at, at_share
    return best, away_east / best, away_north / best, at, at_share


@njit(cache=True)
def is_left(pieces: Pieces, nearby: Nearby, frame: Floats, row: int, share: float, away: tuple[float, float]) -> bool:
    """Say whether a place lies left of the rival nearest to it, from the direction away: by the mean normal at ends."""
    if 0.0 < share < 1.0:
        return bool(nearby.plane[row, 2] * away[1] - nearby.plane[row, 3] * away[0] >= 0.0)
    piece = pieces.order[nearby.slot[row]]
    normal = pieces.left_end if share >= 1.0 else pieces.left_start
    across = 0.0
    for m in range(3):
        across += normal[piece, m] * (away[0] * frame[1, m] + away[1] * frame[2, m])
    return across >= 0.0


@njit(cache=True)
def rival_station(pieces: Pieces, nearby: Nearby, row: int, share: float) -> float:
    """Give the station (m) of the place of a rival at a share of it; past the line's open ends it goes on, straight."""
    piece = pieces.order[nearby.slot[row]]
    if not (share < 0.0 and pieces.open_start[piece] == 1) and not (share > 1.0 and pieces.open_end[piece] == 1):
        share = min(1.0, max(0.0, share))
    return float(pieces.station_m[piece] + share * pieces.way_m[piece])


@njit(cache=True)
def rival_stations(pieces: Pieces, nearby: Nearby, count: int, reach: float) -> tuple[float, float]:
    """Give the lowest and the highest station (m) that a place within reach (m) may have; past open ends, all."""
    order, station_m, way_m, slots = pieces.order, pieces.station_m, pieces.way_m, nearby.slot
    low, high = math.inf, -math.inf
    for k in range(count):
        piece = order[slots[k]]
        low = min(low, station_m[piece] - (math.inf if pieces.open_start[piece] == 1 else 0.0))
        high = max(high, station_m[piece] + way_m[piece] + (math.inf if pieces.open_end[piece] == 1 else 0.0))
    return low - reach, high + reach
