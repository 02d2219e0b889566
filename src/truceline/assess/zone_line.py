"""A reference line ready for whole columns: signed distance, gradient and station of any number of points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Floats, Located, Longs, columns_of
from truceline.assess.zone_earth import frame_at, geodetic_deg, vectors_m
from truceline.assess.zone_ground import Edges, Ground, compile_ground, is_inside
from truceline.assess.zone_nearest import STACK_COUNT, fill_gaps, fill_guesses, measure_piece, nearest_piece
from truceline.assess.zone_pieces import Pieces, lay_pieces, turned_deg
from truceline.physics.geodesy import Points

BY_DIRECTION, BY_GROUND, UNSIGNED = 0, 1, 2
"""What gives a distance its sign: the drawn direction, a ground, or nothing (places rather than lines)."""


ALONG_LINE_MAX_M = 50.0
"""A boundary of ground nearer to the line than this runs along it: drawings of both differ by rounding, not by more."""

GUESSES_MAX_COUNT, GUESSES_PER_PIECE_COUNT = 40_000, 16
"""Cells of the mesh of guesses of a line, at most, and for each of its pieces."""

GUESS_MARGIN_DEG = 2.0
"""How far around the line its mesh of guesses reaches; places beyond take the guess of the nearest cell."""


class Guesses(NamedTuple):
    """A mesh of longitude and latitude with the slot of the piece nearest to the middle of each cell.

    Searches begin there. It makes them short and changes no answer. `corner_deg` is the south-western corner,
    `per_deg` the cells in a degree, both (longitude, latitude); `slot` [rows from the south, columns].
    """

    corner_deg: tuple[float, float]
    per_deg: tuple[float, float]
    slot: Longs


class ReferenceLine(NamedTuple):
    """A line as pieces, and what tells its two grounds apart; what compiled code reads.

    `boundary` is what parts the grounds: that of the ground, which need not run along the line everywhere (at a coast,
    say), or the line itself. `beyond` is where the two differ: pieces of the boundary off the line, or the line's open
    ends. Away from it, whoever goes from one ground to the other crosses the line.
    """

    pieces: Pieces
    guesses: Guesses
    edges: Edges
    boundary: Pieces
    beyond: Pieces
    sign_index: int

    @property
    def length_m(self) -> float:
        """The length of all parts together."""
        return float(self.pieces.way_m.sum())

    @property
    def piece_count(self) -> int:
        """The number of straight pieces that the line was cut into."""
        return len(self.pieces.start)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was drawn: every distance from it is `nan`, and its belts hold nothing."""
        return self.piece_count == 0


def compile_line(parts: Sequence[Floats], *, ground: Ground | None = None) -> ReferenceLine:
    """Make a reference line of its parts, each [n, 2] longitude and latitude in degrees.

    With ground, distances are signed by it: at least 0 inside. Without, they are at least 0 left of the drawn
    direction; the parts should then run one after the other, because beyond an end the nearest part alone decides.
    Parts of no length are left out; where none stays, the line is empty. Pieces cost about 0.3 kB each.
    """
    pieces = lay_pieces(parts)
    if ground is None:
        edges, beyond = compile_ground([]).edges, _open_ends(parts, pieces)
        return ReferenceLine(pieces, _guesses(pieces), edges, pieces, beyond, BY_DIRECTION)
    guesses = _guesses(pieces)
    return ReferenceLine(pieces, guesses, *ground, _beyond(pieces, ground.pieces), BY_GROUND)


def compile_places(points: Points) -> ReferenceLine:
    """Make a line of places: one piece of no length for each, in their order; distances from it have no sign."""
    corners_deg = np.column_stack([points.longitude_deg, points.latitude_deg])
    pieces = lay_pieces([corner[None, :] for corner in corners_deg], points_too=True)
    return ReferenceLine(pieces, _guesses(pieces), *compile_ground([]), lay_pieces([]), UNSIGNED)


def _guesses(pieces: Pieces) -> Guesses:
    """Lay the mesh of guesses over a line and its surroundings."""
    if len(pieces.start) == 0:
        return Guesses((0.0, 0.0), (0.0, 0.0), np.zeros((1, 1), dtype=np.int64))
    longitude_deg, latitude_deg = geodetic_deg(pieces.start)
    turns_deg = turned_deg(longitude_deg[:1], longitude_deg)
    low = np.array([turns_deg.min() + longitude_deg[0], latitude_deg.min()]) - GUESS_MARGIN_DEG
    high = np.array([turns_deg.max() + longitude_deg[0], latitude_deg.max()]) + GUESS_MARGIN_DEG
    size = int(np.sqrt(min(GUESSES_MAX_COUNT, GUESSES_PER_PIECE_COUNT * len(pieces.start))))
    per_deg = size / (high - low)
    columns, rows = np.meshgrid(*((low + (np.arange(size)[:, None] + 0.5) / per_deg).T))
    guess = np.zeros(size * size, dtype=np.int64)
    fill_guesses(pieces, vectors_m(columns.ravel(), np.clip(rows.ravel(), -90.0, 90.0)), guess)
    return Guesses((float(low[0]), float(low[1])), (float(per_deg[0]), float(per_deg[1])), guess.reshape(size, size))


def boundary_line(ground: Ground) -> ReferenceLine:
    """Give the boundary of ground as a line: distances are at least 0 inside."""
    return ReferenceLine(ground.pieces, _guesses(ground.pieces), *ground, lay_pieces([]), BY_GROUND)


def _open_ends(parts: Sequence[Floats], pieces: Pieces) -> Pieces:
    """Give the open ends of a line of one part as points; of several parts all of it, as their grounds may overlap."""
    if sum(len(part) > 1 for part in parts) > 1:
        return pieces
    ends = np.vstack([pieces.start[pieces.open_start == 1], pieces.end[pieces.open_end == 1]])
    corners_deg = np.column_stack(geodetic_deg(ends))
    return lay_pieces([corner[None, :] for corner in corners_deg], points_too=True)


def _beyond(line: Pieces, boundary: Pieces) -> Pieces:
    """Give the pieces of a ground's boundary of which an end or the middle lies off the line; without a line, all."""
    off = np.ones(len(boundary.start), dtype=np.bool_)
    if len(line.start) > 0 and len(off) > 0:
        gaps_m = np.empty((3, len(off)))
        for row, places in enumerate((boundary.start, (boundary.start + boundary.end) / 2.0, boundary.end)):
            fill_gaps(line, places, gaps_m[row])
        off = np.asarray(gaps_m.max(axis=0) > ALONG_LINE_MAX_M)
    rows = np.flatnonzero(off)
    breaks = np.flatnonzero((np.diff(rows) > 1) | (boundary.start[rows[1:]] != boundary.end[rows[:-1]]).any(axis=1)) + 1
    parts = [np.vstack([boundary.start[run], boundary.end[run[-1:]]]) for run in np.split(rows, breaks) if len(run)]
    return lay_pieces([np.column_stack(geodetic_deg(part)) for part in parts])


def locate(line: ReferenceLine, points: Points) -> Located:
    """Give distance, gradient and station of each point [N]; see `Located`.

    Distances are on the ellipsoid: within 0.1 % out to 200 km, at any place (measured: see bench/zones.py).
    A point on the line itself lies on held ground, or left.
    """
    found = np.full((4, len(points)), np.nan)
    if not line.is_empty:
        _locate_column(line, new_paper(), columns_of(points), found)
    return Located(*found)


def marker_stations_m(line: ReferenceLine, markers: Points, *, off_max_m: float) -> Floats:
    """Give how far along the line each marker stands [K]; `nan` for one farther off the line than the limit."""
    located = locate(line, markers)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(located.signed_distance_m) <= off_max_m, located.station_m, np.nan)


class Paper(NamedTuple):
    """What compiled code works on: the frame of a place [4, 3], and boxes that wait, with their distances."""

    frame: Floats
    nodes: Longs
    gaps: Floats


def new_paper() -> Paper:
    """Give paper for one thread."""
    return Paper(np.empty((4, 3)), np.empty(STACK_COUNT, dtype=np.int64), np.empty(STACK_COUNT))


@njit(cache=True)
def _guess(guesses: Guesses, longitude_deg: float, latitude_deg: float) -> int:
    """Give the slot at which to begin for a place; the nearest cell's for one outside the mesh."""
    row = int(min(max((latitude_deg - guesses.corner_deg[1]) * guesses.per_deg[1], 0.0), guesses.slot.shape[0] - 1.0))
    turn = longitude_deg - guesses.corner_deg[0]
    turn -= 360.0 * math.floor(turn / 360.0)
    column = int(min(turn * guesses.per_deg[0], guesses.slot.shape[1] - 1.0))
    return int(guesses.slot[row, column])


@njit(cache=True)
def locate_place(
    line: ReferenceLine, paper: Paper, radius: float, place_deg: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Give signed distance (m), gradient east and north, and station (m) of the place on the paper."""
    guess = _guess(line.guesses, place_deg[0], place_deg[1])
    slot, share = nearest_piece(line.pieces, paper.frame[0], guess, paper.nodes, paper.gaps)
    distance, east, north, station = measure_piece(line.pieces, line.pieces.order[slot], share, paper.frame, radius)
    flip = distance < 0.0
    if line.sign_index == BY_GROUND:
        flip = (distance < 0.0) == is_inside(line.edges, place_deg[0], place_deg[1])
    elif line.sign_index == BY_DIRECTION:
        flip = False
    if flip:
        return -distance, -east, -north, station
    return distance, east, north, station


@njit(cache=True)
def _locate_column(line: ReferenceLine, paper: Paper, points: tuple[Floats, Floats], found: Floats) -> None:
    """Fill `found` [4, N] for the points that have coordinates."""
    longitude_deg, latitude_deg = points
    for i in range(len(longitude_deg)):
        if abs(longitude_deg[i]) <= 720.0 and abs(latitude_deg[i]) <= 90.0:
            radius = frame_at(longitude_deg[i], latitude_deg[i], paper.frame)
            place_deg = (longitude_deg[i], latitude_deg[i])
            found[0, i], found[1, i], found[2, i], found[3, i] = locate_place(line, paper, radius, place_deg)
