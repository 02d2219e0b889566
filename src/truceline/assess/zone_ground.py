"""Ground on the globe: which points lie inside polygons with holes, across the date line and around the poles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Bools, Floats, Longs, columns_of, known_rows
from truceline.assess.zone_pieces import Pieces, edges_of, lay_pieces
from truceline.physics.geodesy import Points, points_of

BANDS_MAX_COUNT = 65_536
"""Bands of longitude that the globe is divided into for a ground, at most; as wide as its edges on average."""


class Edges(NamedTuple):
    """What the compiled test of being inside reads: edges from west to east, and the bands of longitude they cross.

    `west_deg`, `west_latitude_deg`, `east_deg`, `east_latitude_deg` [E] with -180 <= west < east <= 180; band `b` of
    `len(band_start) - 1` equal ones from -180 to 180 is crossed by the edges
    `band_edge[band_start[b]:band_start[b+1]]`. `at_pole` [1] is 1 where the north pole lies inside.
    """

    west_deg: Floats
    west_latitude_deg: Floats
    east_deg: Floats
    east_latitude_deg: Floats
    band_start: Longs
    band_edge: Longs
    at_pole: Longs


class Ground(NamedTuple):
    """Polygons ready for whole columns: their edges, and their boundary as pieces with the inside to the left."""

    edges: Edges
    pieces: Pieces

    @property
    def is_empty(self) -> bool:
        """Whether no point lies inside."""
        return len(self.pieces.start) == 0


def compile_ground(polygons: Sequence[Sequence[Floats]]) -> Ground:
    """Make ground of polygons, each its shell and then its holes, as rings [n, 2] of longitude and latitude in degrees.

    A point lies inside where it lies in an odd number of rings, so rings may be given in any order and direction, but
    none may cross another or itself. Edges run straight in longitude and latitude, the short way around. A ring that
    goes around a pole holds the pole of the hemisphere in which its corners lie on average. No polygons, or rings
    of fewer than three corners, make empty ground.
    """
    rings = [_closed(np.asarray(ring, dtype=np.float64)) for polygon in polygons for ring in polygon]
    rings = [ring for ring in rings if len(ring) > 3]
    edges = _edges(rings)
    return Ground(edges, lay_pieces([ring if _has_inside_left(ring, edges) else ring[::-1] for ring in rings]))


def ground_inside(ground: Ground, points: Points) -> Bools:
    """Say which points lie inside; [N].

    Half-open: of its boundary, ground holds what lies to its south and west, so that of neighbours that share an edge
    exactly one holds each point. A point without coordinates lies nowhere.
    """
    inside = np.zeros(len(points), dtype=np.bool_)
    _inside_column(ground.edges, *columns_of(points), inside)
    inside &= known_rows(points)
    return inside


def _closed(ring: Floats) -> Floats:
    """Give a ring whose last corner is its first, without corners given twice in a row."""
    assert ring.ndim == 2, f"shape {ring.shape} of a ring is not (corners, 2)"
    assert np.isfinite(ring).all(), "a ring has a corner without coordinates"
    if len(ring) == 0:
        return ring
    closed = ring if np.array_equal(ring[0], ring[-1]) else np.vstack([ring, ring[:1]])
    return closed[np.r_[True, (closed[1:] != closed[:-1]).any(axis=1)]]


def _ring_edges(ring: Floats) -> tuple[Floats, bool]:
    """Give a ring's edges [E, 4] (west, its latitude, east, its latitude) and whether it holds the north pole.

    Where a corner is a pole, an edge along the pole joins the meridians by which the ring comes and goes.
    """
    start, turn_deg, rise_deg = edges_of(ring)
    start, turn_deg, rise_deg = _with_pole_edges(start, turn_deg, rise_deg)
    is_around = abs(round(float(turn_deg.sum()) / 360.0)) % 2 == 1
    end_deg, end_latitude_deg = start[:, 0] + turn_deg, start[:, 1] + rise_deg
    rows = np.column_stack([start, end_deg, end_latitude_deg])
    rows[turn_deg < 0.0] = rows[turn_deg < 0.0][:, [2, 3, 0, 1]]
    rows = rows[turn_deg != 0.0]
    shift_deg = np.floor((rows[:, 0] + 180.0) / 360.0) * 360.0
    rows[:, [0, 2]] -= shift_deg[:, None]
    return rows, bool(is_around and ring[:-1, 1].mean() >= 0.0)


def _with_pole_edges(start: Floats, turn_deg: Floats, rise_deg: Floats) -> tuple[Floats, Floats, Floats]:
    """Put in, at every corner that is a pole, the edge from the meridian of coming to that of going."""
    from_pole = np.flatnonzero(np.abs(start[:, 1]) >= 90.0)
    came_deg = start[from_pole - 1, 0] + turn_deg[from_pole - 1]
    turns = np.mod(start[from_pole, 0] - came_deg + 180.0, 360.0) - 180.0
    extra = np.column_stack([came_deg, start[from_pole, 1]])
    return np.vstack([start, extra]), np.r_[turn_deg, turns], np.r_[rise_deg, np.zeros(len(from_pole))]


def _edges(rings: Sequence[Floats]) -> Edges:
    """Put the edges of rings into bands; what crosses the date line is cut there."""
    found = [_ring_edges(ring) for ring in rings]
    rows = np.vstack([np.zeros((0, 4)), *(edges for edges, _ in found)])
    beyond = rows[:, 2] > 180.0
    over = rows[beyond]
    cut = over[:, 1] + (180.0 - over[:, 0]) / (over[:, 2] - over[:, 0]) * (over[:, 3] - over[:, 1])
    rest = np.column_stack([np.full(len(over), -180.0), cut, over[:, 2] - 360.0, over[:, 3]])
    rows[beyond, 2], rows[beyond, 3] = 180.0, cut
    rows = np.vstack([rows, rest])
    width_deg = float((rows[:, 2] - rows[:, 0]).mean()) if len(rows) else 360.0
    band_count = int(np.clip(360.0 / max(width_deg, 1e-9), 1, BANDS_MAX_COUNT))
    first = np.clip(((rows[:, 0] + 180.0) / 360.0 * band_count).astype(np.int64), 0, band_count - 1)
    last = np.clip(((rows[:, 2] + 180.0) / 360.0 * band_count).astype(np.int64), 0, band_count - 1)
    counts = last - first + 1
    edge = np.repeat(np.arange(len(rows)), counts)
    band = np.repeat(first, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.argsort(band, kind="stable")
    band_start = np.searchsorted(band[order], np.arange(band_count + 1))
    is_north = np.array([sum(holds for _, holds in found) % 2], dtype=np.int64)
    west, west_latitude, east, east_latitude = (np.ascontiguousarray(column) for column in rows.T)
    band_edge = edge[order].astype(np.int64)
    return Edges(west, west_latitude, east, east_latitude, band_start.astype(np.int64), band_edge, is_north)


def _has_inside_left(ring: Floats, edges: Edges) -> bool:
    """Say whether the ground lies to the left of a ring as drawn: by the length of those edges where it does."""
    start, turn_deg, rise_deg = edges_of(ring)
    level = np.maximum(np.cos(np.radians(start[:, 1] + rise_deg / 2.0)), 1e-9)
    length = np.hypot(turn_deg * level, rise_deg)
    usable = length > 0.0
    step = 1e-6
    longitude_deg = start[:, 0] + turn_deg / 2.0 - step * rise_deg / level
    latitude_deg = start[:, 1] + rise_deg / 2.0 + step * turn_deg * level
    inside = np.zeros(len(ring) - 1, dtype=np.bool_)
    _inside_column(edges, *columns_of(points_of(longitude_deg, latitude_deg)), inside)
    return bool(length[usable & inside].sum() >= length[usable & ~inside].sum())


@njit(cache=True)
def is_inside(edges: Edges, longitude_deg: float, latitude_deg: float) -> bool:
    """Say whether a point lies inside: an odd number of edges lies strictly north of it, the pole's own share included.

    An edge counts from its western end on, up to its eastern end without it.
    """
    east = longitude_deg - 360.0 * np.floor((longitude_deg + 180.0) / 360.0)
    band_count = len(edges.band_start) - 1
    band = min(int((east + 180.0) / 360.0 * band_count), band_count - 1)
    odd: bool = bool(edges.at_pole[0] == 1)
    for k in range(edges.band_start[band], edges.band_start[band + 1]):
        e = edges.band_edge[k]
        west, until = edges.west_deg[e], edges.east_deg[e]
        if west <= east < until:
            low, rise = edges.west_latitude_deg[e], edges.east_latitude_deg[e] - edges.west_latitude_deg[e]
            if low + (east - west) / (until - west) * rise > latitude_deg:
                odd = not odd
    return odd


@njit(cache=True)
def _inside_column(edges: Edges, longitude_deg: Floats, latitude_deg: Floats, inside: Bools) -> None:
    """Fill in which points lie inside; those without coordinates do not."""
    for i in range(len(longitude_deg)):
        if abs(longitude_deg[i]) <= 720.0 and abs(latitude_deg[i]) <= 90.0:
            inside[i] = is_inside(edges, longitude_deg[i], latitude_deg[i])
