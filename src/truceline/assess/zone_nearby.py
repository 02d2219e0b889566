"""Compiled: the pieces of a line around one place, laid in a plane, for many distances from places close to it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Floats, Longs
from truceline.assess.zone_earth import ground_m
from truceline.assess.zone_nearest import STACK_COUNT, box_gap_m2, slot_gap_m2
from truceline.assess.zone_pieces import LEAF_COUNT, Pieces

NEARBY_MAX_COUNT = 4_096
"""Pieces that are laid in the plane, at most; where there are more, the tree is asked."""


class Nearby(NamedTuple):
    """Room for the pieces around a place, in metres east and north of it.

    `plane` [NEARBY_MAX, 6]: start east and north, way to the end east and north, one over its squared length or 0, and
    the distance of the place from the piece in space. `slot` says which pieces they are.
    """

    plane: Floats
    slot: Longs
    nodes: Longs


def new_nearby() -> Nearby:
    """Give room for one thread."""
    return Nearby(
        np.empty((NEARBY_MAX_COUNT, 6)),
        np.empty(NEARBY_MAX_COUNT, dtype=np.int64),
        np.empty(2 * STACK_COUNT, dtype=np.int64),
    )


@njit(cache=True)
def lay_corner(x: float, y: float, z: float, frame: Floats, radius: float) -> tuple[float, float]:
    """Give how far east and north (m) of a frame's place another lies, in true distance and direction from it."""
    x, y, z = x - frame[0, 0], y - frame[0, 1], z - frame[0, 2]
    east = x * frame[1, 0] + y * frame[1, 1] + z * frame[1, 2]
    north = x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2]
    level = math.hypot(east, north)
    if level == 0.0:
        return 0.0, 0.0
    stretch = ground_m(math.sqrt(x * x + y * y + z * z), radius) / level
    return east * stretch, north * stretch


@njit(cache=True)
def gather(pieces: Pieces, frame: Floats, radius: float, reach: float, nearby: Nearby) -> int:
    """Lay every piece within reach (m, in space) of a frame's place in the plane; give their number, -1 for too many.

    The plane is true in distance and direction from the place (azimuthal equidistant): a way across, `d` metres
    off, is too long by `d^2 / 6 R^2`, 0.016 % at 200 km.
    """
    count, waiting, inner_count = 0, 1, len(pieces.box) // 2
    nearby.nodes[0] = 0
    place = frame[0]
    while waiting > 0:
        waiting -= 1
        node = nearby.nodes[waiting]
        if box_gap_m2(pieces.box, node, place) > reach * reach:
            continue
        if node < inner_count:
            nearby.nodes[waiting], nearby.nodes[waiting + 1] = 2 * node + 1, 2 * node + 2
            waiting += 2
            continue
        slot = (node - inner_count) * LEAF_COUNT
        for k in range(slot, slot + LEAF_COUNT):
            gap_m2, _ = slot_gap_m2(pieces.ray, k, place)
            if gap_m2 > reach * reach:
                continue
            if count == NEARBY_MAX_COUNT:
                return -1
            _lay(pieces, k, frame, radius, nearby.plane[count])
            nearby.plane[count, 5] = math.sqrt(gap_m2)
            nearby.slot[count] = k
            count += 1
    return count


@njit(cache=True)
def _lay(pieces: Pieces, slot: int, frame: Floats, radius: float, row: Floats) -> None:
    """Fill in a row of `Nearby.plane` but for the distance."""
    ray = pieces.ray
    x, y, z = ray[slot, 0], ray[slot, 1], ray[slot, 2]
    row[0], row[1] = lay_corner(x, y, z, frame, radius)
    east, north = lay_corner(x + ray[slot, 3], y + ray[slot, 4], z + ray[slot, 5], frame, radius)
    row[2], row[3] = east - row[0], north - row[1]
    length_m2 = row[2] * row[2] + row[3] * row[3]
    row[4] = 1.0 / length_m2 if length_m2 > 0.0 else 0.0
