"""A drawn line cut into pieces that are straight in space, and a tree of boxes over them.

Between two vertices a line runs straight in longitude and latitude, as GeoJSON says (RFC 7946, 3.1.1), the short way
around: an edge of exactly 180 degrees goes west. An edge to or from a pole follows the other end's meridian.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from truceline.assess.zone_columns import Floats, Longs
from truceline.assess.zone_earth import geodetic_deg, up_vectors, vectors_m
from truceline.physics.geodesy import SEMI_MAJOR_AXIS_M

PIECE_LENGTH_MAX_M = 4_000.0
"""A chord of this length lies 0.3 m below the ground at its middle."""

PIECE_BEND_MAX_M = 0.5
"""How far an edge that is straight in longitude and latitude may leave the chord of a piece of it."""

PIECES_MAX_COUNT = 4_000_000
"""A line of more pieces is refused: it would fill the memory (about 0.3 kB each)."""

LEAF_COUNT = 4
"""Pieces in a box of the lowest level: on a daily line 4 and 8 are equally quick, 2 is slower."""

SAME_PLACE_M = 1e-6
"""A piece shorter than this is a point."""

FAR_AWAY_M = 1e12
"""Where the slots lie that no piece fills: a complete tree may have more slots than there are pieces."""

_WITHOUT_PIECES = np.zeros((0, 3))


class Pieces(NamedTuple):
    """The pieces of a line in their order, and the tree over them; what compiled code reads.

    `start` and `end` [M, 3] are places in metres; `left` [M, 3] the unit normals to the left, level with the ground;
    `left_start` and `left_end` the mean normals with the neighbour at each vertex (Baerentzen and Aanaes 2005: the sign
    at a vertex); `way_m` [M] the lengths over the ground, `station_m` [M] where each begins along the line.
    `open_start` and `open_end` [M] are 1 at the line's first and last piece where the line has an end there.
    `box` [2^k * 2 - 1, 6] are the boxes (lowest, highest corner) of a complete binary tree, root first; below its
    leaves lie slots, `order` [2^k * LEAF] of them, each with a piece and its `ray` (start, way to the end, one over the
    squared length or 0).
    """

    start: Floats
    end: Floats
    left: Floats
    left_start: Floats
    left_end: Floats
    way_m: Floats
    station_m: Floats
    open_start: Longs
    open_end: Longs
    box: Floats
    order: Longs
    ray: Floats


def turned_deg(from_deg: Floats, to_deg: Floats) -> Floats:
    """Give the short way from one longitude to another, in [-180, 180) degrees."""
    return np.mod(to_deg - from_deg + 180.0, 360.0) - 180.0


def edges_of(corners_deg: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the edges of a part [n, 2]: starts [n-1, 2], turns in longitude [n-1] and rises in latitude [n-1]."""
    start = corners_deg[:-1].copy()
    end_longitude_deg = corners_deg[1:, 0].copy()
    at_pole = np.abs(corners_deg[:, 1]) >= 90.0
    start[:, 0] = np.where(at_pole[:-1], end_longitude_deg, start[:, 0])
    end_longitude_deg = np.where(at_pole[1:], start[:, 0], end_longitude_deg)
    return start, turned_deg(start[:, 0], end_longitude_deg), corners_deg[1:, 1] - corners_deg[:-1, 1]


def _cut_counts(start: Floats, turn_deg: Floats, rise_deg: Floats) -> Longs:
    """Give into how many pieces each edge is cut, so that none is too long or too bent.

    A way with longitude and latitude linear in t bends away from the straight one by
    `R (turn^2 sin cos / 8 + turn rise sin / 4)` at most, with the turns in radians; taken at the edge's worst latitude.
    """
    turn, rise = np.radians(np.abs(turn_deg)), np.radians(np.abs(rise_deg))
    ends = np.radians(np.column_stack([start[:, 1], start[:, 1] + rise_deg]))
    far, near = np.abs(ends).max(axis=1), np.where(np.prod(ends, axis=1) <= 0.0, 0.0, np.abs(ends).min(axis=1))
    worst = np.clip(np.pi / 4.0, near, far)
    bend_m = SEMI_MAJOR_AXIS_M * (turn**2 * np.sin(worst) * np.cos(worst) / 8.0 + turn * rise * np.sin(far) / 4.0)
    length_m = SEMI_MAJOR_AXIS_M * np.hypot(turn * np.cos(near), rise)
    counts = np.maximum(length_m / PIECE_LENGTH_MAX_M, np.sqrt(bend_m / PIECE_BEND_MAX_M))
    found: Longs = np.maximum(np.ceil(counts), 1.0).astype(np.int64)
    return found


def cut_part(corners_deg: Floats) -> Floats:
    """Give the corners [m, 2] of a part with those between, so that each piece is straight in space."""
    start, turn_deg, rise_deg = edges_of(corners_deg)
    counts = _cut_counts(start, turn_deg, rise_deg)
    assert counts.sum() <= PIECES_MAX_COUNT, f"{counts.sum()} pieces of a line, the limit is {PIECES_MAX_COUNT}"
    edge = np.repeat(np.arange(len(counts)), counts)
    share = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[edge]
    cut = np.column_stack([start[edge, 0] + share * turn_deg[edge], start[edge, 1] + share * rise_deg[edge]])
    return np.vstack([cut, corners_deg[-1:]])


def lay_pieces(parts: Sequence[Floats], *, points_too: bool = False) -> Pieces:
    """Lay the parts of a line ([n, 2] longitude and latitude in degrees each) into space.

    Pieces of no length are left out, and so are parts of which nothing stays, unless points are wanted too.
    """
    kept = [laid for part in parts for laid in [_laid(part, points_too=points_too)] if len(laid[0]) > 0]
    if not kept:
        return _grown(_WITHOUT_PIECES, _WITHOUT_PIECES, (_WITHOUT_PIECES,) * 3, np.zeros(0, dtype=np.int64))
    start, end = np.vstack([laid[0] for laid in kept]), np.vstack([laid[1] for laid in kept])
    part_index = np.repeat(np.arange(len(kept)), [len(laid[0]) for laid in kept])
    assert len(start) <= PIECES_MAX_COUNT, f"{len(start)} pieces of a line, the limit is {PIECES_MAX_COUNT}"
    left = _left(start, end)
    return _grown(start, end, (left, *_at_vertices(start, end, left=left, part_index=part_index)), part_index)


def _laid(part: Floats, *, points_too: bool) -> tuple[Floats, Floats]:
    """Give starts and ends of one part's pieces."""
    corners_deg = np.asarray(part, dtype=np.float64)
    assert corners_deg.ndim == 2, f"shape {corners_deg.shape} of a part is not (corners, 2)"
    assert np.isfinite(corners_deg).all(), "a part has a corner without coordinates"
    if len(corners_deg) == 0:
        return _WITHOUT_PIECES, _WITHOUT_PIECES
    corners_m = vectors_m(*cut_part(corners_deg).T)
    start, end = corners_m[:-1], corners_m[1:]
    long = np.linalg.norm(end - start, axis=1) > SAME_PLACE_M
    if points_too and not long.any():
        return corners_m[:1], corners_m[:1]
    return start[long], end[long]


def _left(start: Floats, end: Floats) -> Floats:
    """Give the unit normals to the left of pieces, level at their middles; of a point, east."""
    up = up_vectors(*geodetic_deg((start + end) / 2.0))
    left = np.cross(up, end - start)
    length = np.linalg.norm(left, axis=1)
    east = np.column_stack([-up[:, 1], up[:, 0], np.zeros(len(up))]) + np.array([0.0, 1e-12, 0.0])
    east /= np.linalg.norm(east, axis=1)[:, None]
    return np.where(length[:, None] > 0.0, left / np.where(length > 0.0, length, 1.0)[:, None], east)


def _at_vertices(start: Floats, end: Floats, *, left: Floats, part_index: Longs) -> tuple[Floats, Floats]:
    """Give the mean of the normals of the two pieces that meet at each start and end; the own one at open ends.

    Rings close: the last piece of a part that ends where the part starts meets the first.
    """
    count = len(start)
    first = np.flatnonzero(np.r_[True, part_index[1:] != part_index[:-1]])
    last = np.r_[first[1:], count] - 1
    before, after = np.arange(count) - 1, np.arange(count) + 1
    before[first], after[last] = first, last
    closed = np.linalg.norm(start[first] - end[last], axis=1) <= SAME_PLACE_M
    before[first[closed]], after[last[closed]] = last[closed], first[closed]
    return _unit(left + left[before], left), _unit(left + left[after], left)


def _unit(summed: Floats, otherwise: Floats) -> Floats:
    """Give sums of unit vectors as unit vectors; the other one where the sum is nothing (a line that turns back)."""
    length = np.linalg.norm(summed, axis=1)[:, None]
    return np.where(length > 1e-9, summed / np.where(length > 1e-9, length, 1.0), otherwise)


def _grown(start: Floats, end: Floats, normals: tuple[Floats, Floats, Floats], part_index: Longs) -> Pieces:
    """Put pieces together with their stations and their tree."""
    count = len(start)
    chord_m = np.linalg.norm(end - start, axis=1)
    way_m = 2.0 * SEMI_MAJOR_AXIS_M * np.arcsin(chord_m / (2.0 * SEMI_MAJOR_AXIS_M))
    open_start, open_end = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    if count > 0 and np.linalg.norm(end[part_index == part_index[-1]][-1] - start[part_index == part_index[-1]][0]) > 0:
        open_end[-1] = 1
    if count > 0 and np.linalg.norm(end[part_index == part_index[0]][-1] - start[part_index == part_index[0]][0]) > 0:
        open_start[0] = 1
    box, order = _tree(np.minimum(start, end), np.maximum(start, end))
    is_spare, order = order >= count, np.minimum(order, count - 1)
    length_m2 = chord_m[order] ** 2
    inverse = np.where(length_m2 > 0.0, 1.0 / np.where(length_m2 > 0.0, length_m2, 1.0), 0.0)
    ray = np.column_stack([start[order], (end - start)[order], inverse])
    ray[is_spare] = FAR_AWAY_M * np.r_[np.ones(3), np.zeros(4)]
    return Pieces(start, end, *normals, way_m, np.cumsum(way_m) - way_m, open_start, open_end, box, order, ray)


def _tree(low: Floats, high: Floats) -> tuple[Floats, Longs]:
    """Grow a complete binary tree of boxes: each box is halved, by count, across its longest extent."""
    count = len(low)
    if count == 0:
        return np.zeros((0, 6)), np.zeros(0, dtype=np.int64)
    depth = max(int(np.ceil(np.log2(max(count / LEAF_COUNT, 1.0)))), 0)
    slot_count = LEAF_COUNT << depth
    spare = np.minimum(np.arange(slot_count), count - 1)
    low, high = low[spare], high[spare]
    order, middle = np.arange(slot_count), (low + high) / 2.0
    for level in range(depth):
        order = _halved(order.reshape(1 << level, -1), middle)
    lows = [low[order].reshape(-1, LEAF_COUNT, 3).min(axis=1)]
    highs = [high[order].reshape(-1, LEAF_COUNT, 3).max(axis=1)]
    while len(lows[0]) > 1:
        lows.insert(0, lows[0].reshape(-1, 2, 3).min(axis=1))
        highs.insert(0, highs[0].reshape(-1, 2, 3).max(axis=1))
    return np.hstack([np.vstack(lows), np.vstack(highs)]), order


def _halved(blocks: Longs, middle: Floats) -> Longs:
    """Order each block [blocks, size] of pieces along its own longest extent, so that its halves lie apart."""
    places = middle[blocks]
    axis = np.ptp(places, axis=1).argmax(axis=1)
    along = np.take_along_axis(places, axis[:, None, None], axis=2)[:, :, 0]
    return np.take_along_axis(blocks, np.argsort(along, axis=1, kind="stable"), axis=1).ravel()
