"""From launches to what may be told of them: probabilities in whole hundredths, and cells of at least 5 km."""

from __future__ import annotations

import numpy as np

from truceline.associate.fire_columns import CELLS_COUNT, CoarseOrigins, Floats, Ints
from truceline.associate.fire_settings import CELL_EDGE_MIN_M, CELL_LADDER_DEG

METRES_PER_DEGREE_M = 111_000.0
"""Length of one degree of latitude, and of longitude at the equator, rounded down, as the release policy takes it."""

_BAND_DEG = 5.0
_STEPS_COUNT = 100


def rounded_down(probability: Floats) -> Floats:
    """Give the probabilities rounded down to whole hundredths: what may be told is never surer than what was found."""
    rounded: Floats = np.floor(np.asarray(probability) * _STEPS_COUNT + 1e-9) / _STEPS_COUNT
    return rounded


def cell_sizes_deg(latitude_deg: Floats, *, cell_deg: float) -> Floats:
    """Give the edge of the cells at each latitude: the smallest of the ladder from `cell_deg` on that is wide enough.

    Wide enough is 5 km from east to west at the pole-ward edge of the band of 5 degrees in which the latitude lies, so
    that all cells of a band are of one size. `nan` where the latitude is.
    """
    edge_deg = np.minimum(_BAND_DEG * (np.floor(np.abs(latitude_deg) / _BAND_DEG) + 1.0), 90.0)
    widths_m = METRES_PER_DEGREE_M * np.cos(np.radians(edge_deg))
    sizes_deg = np.full(np.shape(latitude_deg), CELL_LADDER_DEG[-1])
    for size_deg in sorted(CELL_LADDER_DEG, reverse=True):
        sizes_deg = np.where((size_deg * widths_m >= CELL_EDGE_MIN_M) & (size_deg >= cell_deg), size_deg, sizes_deg)
    return np.where(np.isfinite(latitude_deg), sizes_deg, np.nan)


def cell_centres_deg(places_deg: Floats, sizes_deg: Floats) -> Floats:
    """Give the centres of the cells in which places (n, 2: longitude, latitude) lie, cells counted from 0 degrees.

    The last cell holds its upper border too, as in the release policy.
    """
    steps = np.round(1.0 / sizes_deg[:, None], 6)
    last = np.round(np.array([180.0, 90.0]) * steps) - 1.0
    centres: Floats = (np.minimum(np.floor(places_deg * steps), last) + 0.5) / steps
    return centres


def coarse_origins(
    event_count: Ints,
    on_a: Floats,
    on_b: Floats,
    *,
    cells: tuple[Ints, Floats, Floats],
    cell_deg: float = CELL_LADDER_DEG[0],
) -> CoarseOrigins:
    """Make the coarse record from pairings: their missions, launch places (longitude, latitude) and probabilities.

    Pairings with launches in one cell are added up; the likeliest `CELLS_COUNT` cells of a mission are named, those of
    less than one hundredth not at all. Where two are as likely, the one further west, then south, comes first.
    """
    mission, places_deg, probability = cells
    count = len(event_count)
    ground_a, ground_b = rounded_down(on_a), rounded_down(on_b)
    told = np.full((3, count, CELLS_COUNT), np.nan)
    sizes_deg = cell_sizes_deg(places_deg[:, 1], cell_deg=cell_deg)
    placed = np.isfinite(sizes_deg)
    centres_deg = cell_centres_deg(places_deg[placed], sizes_deg[placed])
    rows = np.column_stack([mission[placed], centres_deg, sizes_deg[placed]])
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    weight = np.bincount(inverse.ravel(), weights=probability[placed], minlength=len(unique)).astype(np.float64)
    total = rounded_down(weight)
    likeliest = np.lexsort((unique[:, 2], unique[:, 1], -total, unique[:, 0]))
    likeliest = likeliest[total[likeliest] > 0.0]
    owner = unique[likeliest, 0].astype(np.int64)
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    shown = place < CELLS_COUNT
    for row, values in enumerate((unique[likeliest, 1], unique[likeliest, 2], total[likeliest])):
        told[row, owner[shown], place[shown]] = values[shown]
    edges_deg = np.full((count, CELLS_COUNT), np.nan)
    edges_deg[owner[shown], place[shown]] = unique[likeliest, 3][shown]
    return CoarseOrigins(
        event_count=event_count,
        ground_a_probability=ground_a,
        ground_b_probability=ground_b,
        undetermined_probability=np.round(1.0 - ground_a - ground_b, 2),
        cell_longitude_deg=told[0],
        cell_latitude_deg=told[1],
        cell_deg=edges_deg,
        cell_probability=told[2],
    )
