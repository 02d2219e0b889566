"""Cells instead of positions, steps instead of instants; doing it twice takes nothing more away."""

from __future__ import annotations

import math
from datetime import timedelta
from fractions import Fraction

from truceline.model.quantity import EPOCH, TimeSpan, require_between

CELL_LADDER_DEG: tuple[float, ...] = (0.05, 0.2, 1.0, 5.0)
"""Cell sizes in use, degrees; each divides the next, so releasing in two steps is releasing in one."""

METRES_PER_LATITUDE_DEGREE_M = 111_000.0
"""Length of one degree of latitude, metres, rounded down to hold at every latitude to within 1 %."""


def coarsen(latitude_deg: float, longitude_deg: float, *, cell_deg: float) -> tuple[float, float]:
    """Give the centre of the cell a position lies in, as (latitude, longitude) in degrees.

    The arithmetic is exact, so that a position on a border falls into one cell for every cell size and a coarse cell
    is always a union of finer ones.

    >>> coarsen(48.0159, 37.8028, cell_deg=0.05)
    (48.025, 37.825)
    """
    require_between("latitude_deg", latitude_deg, -90.0, 90.0)
    require_between("longitude_deg", longitude_deg, -180.0, 180.0)
    return _cell_centre(latitude_deg, cell_deg, limit_deg=90), _cell_centre(longitude_deg, cell_deg, limit_deg=180)


def _cell_centre(value_deg: float, cell_deg: float, *, limit_deg: int) -> float:
    """Give the middle of the cell along one axis; the last cell holds its upper border too."""
    cell = Fraction(str(cell_deg))
    if cell <= 0 or (Fraction(90) / cell).denominator != 1:
        raise ValueError(f"cell_deg={cell_deg} is not a whole fraction of 90 degrees")
    index = min(math.floor(Fraction(value_deg) / cell), int(limit_deg / cell) - 1)
    return float((index + Fraction(1, 2)) * cell)


def released_cell_deg(sigma_m: float, *, cell_deg: float) -> float:
    """Give the smallest cell of the ladder, not below the policy's, that spans two standard deviations of a position.

    A region's stand-in point must not come out as a 5 km cell: coarsening never sharpens.
    """
    wide_enough = (
        candidate_deg
        for candidate_deg in CELL_LADDER_DEG
        if candidate_deg >= cell_deg and candidate_deg * METRES_PER_LATITUDE_DEGREE_M >= 2.0 * sigma_m
    )
    return next(wide_enough, max(cell_deg, CELL_LADDER_DEG[-1]))


def coarsen_time(span: TimeSpan, *, step_s: float) -> TimeSpan:
    """Widen a span to whole steps since 1970 (start down, end up); an instant becomes one whole step."""
    if step_s <= 0.0:
        return span
    step = timedelta(seconds=step_s)
    start = EPOCH + ((span.start - EPOCH) // step) * step
    end = EPOCH - ((EPOCH - span.end) // step) * step
    return TimeSpan(start=start, end=max(end, start + step))
