"""Compiled: the piece of a line nearest to a place, and distance, gradient and station from it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Floats, Longs
from truceline.assess.zone_earth import ground_m
from truceline.assess.zone_pieces import LEAF_COUNT, Pieces

STACK_COUNT = 64
"""Boxes that may wait while the tree is walked: one for each level, and a tree of 2^63 boxes does not exist."""

CONTACT_M = 1e-3
"""Nearer than this to a vertex, the direction away from it says nothing and the line's own normal is taken."""


@njit(cache=True)
def box_gap_m2(box: Floats, node: int, place: Floats) -> float:
    """Give the squared distance (m2) of a place from a box; 0 inside."""
    x: float = max(box[node, 0] - place[0], place[0] - box[node, 3], 0.0)
    y: float = max(box[node, 1] - place[1], place[1] - box[node, 4], 0.0)
    z: float = max(box[node, 2] - place[2], place[2] - box[node, 5], 0.0)
    return x * x + y * y + z * z


@njit(cache=True)
def slot_gap_m2(ray: Floats, slot: int, place: Floats) -> tuple[float, float]:
    """Give the squared distance (m2) of a place from a piece in space, and the share of the piece where it is met."""
    ux, uy, uz = ray[slot, 3], ray[slot, 4], ray[slot, 5]
    vx, vy, vz = place[0] - ray[slot, 0], place[1] - ray[slot, 1], place[2] - ray[slot, 2]
    share = min(1.0, max(0.0, (ux * vx + uy * vy + uz * vz) * ray[slot, 6]))
    vx, vy, vz = vx - share * ux, vy - share * uy, vz - share * uz
    return vx * vx + vy * vy + vz * vz, share


@njit(cache=True)
def nearest_piece(pieces: Pieces, place: Floats, first: int, nodes: Longs, gaps: Floats) -> tuple[int, float]:
    """Give the piece nearest to a place and the share of it where it is met; the search starts from a guess, a slot.

    The lower piece wins where two are equally near, so that the answer does not depend on the guess. `nodes` and
    `gaps` [STACK_COUNT] are the caller's paper to work on.
    """
    box, ray, order = pieces.box, pieces.ray, pieces.order
    best = first
    best_m2, best_share = slot_gap_m2(ray, first, place)
    inner_count = len(box) // 2
    nodes[0], gaps[0], waiting = 0, 0.0, 1
    while waiting > 0:
        waiting -= 1
        node = nodes[waiting]
        if gaps[waiting] > best_m2:
            continue
        while node < inner_count:
            near, far = 2 * node + 1, 2 * node + 2
            near_m2, far_m2 = box_gap_m2(box, near, place), box_gap_m2(box, far, place)
            if far_m2 < near_m2:
                near, far, near_m2, far_m2 = far, near, far_m2, near_m2
            if far_m2 <= best_m2:
                nodes[waiting], gaps[waiting] = far, far_m2
                waiting += 1
            if near_m2 > best_m2:
                break
            node = near
        if node < inner_count:
            continue
        slot = (node - inner_count) * LEAF_COUNT
        for k in range(slot, slot + LEAF_COUNT):
            gap_m2, share = slot_gap_m2(ray, k, place)
            if gap_m2 < best_m2 or (gap_m2 == best_m2 and order[k] < order[best]):
                best, best_m2, best_share = k, gap_m2, share
    return best, best_share


@njit(cache=True)
def fill_guesses(pieces: Pieces, vectors: Floats, guess: Longs) -> None:
    """Fill in the slot of the piece nearest to each place [N, 3]."""
    nodes, gaps, last = np.empty(STACK_COUNT, np.int64), np.empty(STACK_COUNT), 0
    for i in range(len(vectors)):
        last, _ = nearest_piece(pieces, vectors[i], last, nodes, gaps)
        guess[i] = last


@njit(cache=True)
def fill_gaps(pieces: Pieces, vectors: Floats, gap: Floats) -> None:
    """Fill in the distance in space (m) of each place [N, 3] from the pieces."""
    nodes, gaps, last = np.empty(STACK_COUNT, np.int64), np.empty(STACK_COUNT), 0
    for i in range(len(vectors)):
        last, _ = nearest_piece(pieces, vectors[i], last, nodes, gaps)
        gap[i] = math.sqrt(slot_gap_m2(pieces.ray, last, vectors[i])[0])


@njit(cache=True)
def _dot(a: Floats, i: int, b: Floats, j: int) -> float:
    """Give the product of two vectors that stand in rows."""
    return float(a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1] + a[i, 2] * b[j, 2])


@njit(cache=True)
def _past_end_m(pieces: Pieces, piece: int, frame: Floats, from_end: bool) -> float:
    """Give how far along a piece's direction a place lies past its start or end (m)."""
    corner = pieces.end if from_end else pieces.start
    along, length2 = 0.0, 0.0
    for k in range(3):
        u = pieces.end[piece, k] - pieces.start[piece, k]
        along += u * (frame[0, k] - corner[piece, k])
        length2 += u * u
    return along / math.sqrt(length2)


@njit(cache=True)
def measure_piece(
    pieces: Pieces, piece: int, share: float, frame: Floats, radius: float
) -> tuple[float, float, float, float]:
    """Give distance (m; left of the piece is at least 0), gradient east and north, and station (m) of a frame's place.

    Beside a piece the distance is `R asin(s / R)` with `s` the way off the upright plane through it; at a vertex it is
    that of the two places, with the sign of the mean normal there. The gradient is level at the place.
    """
    station = pieces.station_m[piece] + share * pieces.way_m[piece]
    if 0.0 < share < 1.0:
        off = 0.0
        for k in range(3):
            off += (frame[0, k] - pieces.start[piece, k]) * pieces.left[piece, k]
        east, north = _dot(frame, 1, pieces.left, piece), _dot(frame, 2, pieces.left, piece)
        size = math.hypot(east, north)
        return radius * math.asin(max(-1.0, min(1.0, off / radius))), east / size, north / size, station
    at_end = share >= 1.0
    corner, normal = (pieces.end, pieces.left_end) if at_end else (pieces.start, pieces.left_start)
    chord2, east, north, across = 0.0, 0.0, 0.0, 0.0
    for k in range(3):
        off = frame[0, k] - corner[piece, k]
        chord2 += off * off
        east += off * frame[1, k]
        north += off * frame[2, k]
        across += off * normal[piece, k]
    if at_end and pieces.open_end[piece] == 1:
        station += max(_past_end_m(pieces, piece, frame, True), 0.0)
    elif not at_end and pieces.open_start[piece] == 1:
        station += min(_past_end_m(pieces, piece, frame, False), 0.0)
    sign = 1.0 if across >= 0.0 else -1.0
    if chord2 < CONTACT_M * CONTACT_M:
        east, north = sign * _dot(frame, 1, normal, piece), sign * _dot(frame, 2, normal, piece)
    size = max(math.hypot(east, north), 1e-300)
    return sign * ground_m(math.sqrt(chord2), radius), sign * east / size, sign * north / size, station
