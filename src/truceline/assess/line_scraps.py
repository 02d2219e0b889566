"""Short pieces of a day's line that stand alone: a front of its own, or a scrap of another drawing; it cannot be told.

Lines of a day are cut from drawings of ground. Where such a drawing does not follow a state border or a coast exactly,
slivers stay behind as pieces of "line" that nobody faces anybody along. A real front may be as short. So a belt is
measured with these pieces and without, and where the two differ nothing is said but that the line is lacking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from truceline.assess.zone_columns import Bools, Floats
from truceline.assess.zone_ground import Ground
from truceline.assess.zone_line import ReferenceLine, compile_line
from truceline.physics.geodesy import Points, geodesic_distance_m, points_of

SCRAP_LENGTH_MAX_M = 20_000.0
"""A piece that stands alone and is shorter than this may be a scrap. Basis: seen; of the 28 pieces of a daily line of
March 2025 the front is 1,068 km long, and of the others the longest along the state border are 16, 13 and 10 km."""

JOINT_MAX_M = 1_000.0
"""A piece that begins or ends nearer than this to the end of a sure one goes on from it: a gap in the drawing."""

NEAR_MOST_M = 100_000.0
"""Farther from every scrap than this nothing can hinge on it but which piece of a line is the nearest."""

DIFFERENCE_MOST_PROBABILITY = 0.05
"""Where the probabilities with and without the scraps differ by more, what is measured hinges on them."""

DOUBT_SIGMAS_COUNT = 2.5
"""Beyond so many of the larger sigma lies less than 0.05 of an error: a scrap not met within does not matter."""

DEGREE_LEAST_M = 110_500.0
"""No degree of latitude is shorter (110,574 m at the equator)."""


class Doubt(NamedTuple):
    """A day's line without its scraps, a line of these alone, and the scraps as drawn."""

    sure: ReferenceLine
    scrap_line: ReferenceLine
    scraps: tuple[Floats, ...]


def doubt_of(parts: Sequence[Floats], ground: Ground) -> Doubt | None:
    """Give what is doubtful of a line signed by ground; `None` where every part of it is sure."""
    kept = is_sure(parts)
    if kept.all():
        return None
    scraps = tuple(part for part, stays in zip(parts, kept, strict=True) if not stays)
    sure = [part for part, stays in zip(parts, kept, strict=True) if stays]
    return Doubt(compile_line(sure, ground=ground), compile_line(scraps), scraps)


def is_sure(parts: Sequence[Floats]) -> Bools:
    """Say which parts of a line ([n, 2] longitude and latitude each) are surely line: long ones and what joins them."""
    length_m = np.array([_length_m(part) for part in parts])
    sure: Bools = (length_m >= SCRAP_LENGTH_MAX_M) | (length_m >= length_m.max(initial=0.0))
    for _ in range(len(parts)):
        joined = np.array([sure[index] or _joins(parts, sure, index) for index in range(len(parts))], dtype=np.bool_)
        if (joined == sure).all():
            break
        sure = joined
    return sure


def _length_m(part: Floats) -> float:
    start, end = points_of(part[:-1, 0], part[:-1, 1]), points_of(part[1:, 0], part[1:, 1])
    return float(geodesic_distance_m(start, end).sum())


def _joins(parts: Sequence[Floats], sure: Bools, index: int) -> bool:
    """Say whether a part begins or ends where a sure one does."""
    others = np.vstack([part[[0, -1]] for part, is_one in zip(parts, sure, strict=True) if is_one])
    for corner in parts[index][[0, -1]]:
        here = points_of(np.full(len(others), corner[0]), np.full(len(others), corner[1]))
        if bool((geodesic_distance_m(here, points_of(others[:, 0], others[:, 1])) <= JOINT_MAX_M).any()):
            return True
    return False


def near_scraps(scraps: Sequence[Floats], points: Points) -> Bools:
    """Say which points [N] lie within `NEAR_MOST_M` of a scrap's box of longitude and latitude, or more near a pole."""
    near = np.zeros(len(points), dtype=np.bool_)
    high_deg = NEAR_MOST_M / DEGREE_LEAST_M
    for part in scraps:
        low, high = part.min(axis=0), part.max(axis=0)
        level = np.cos(np.radians(min(max(abs(low[1]), abs(high[1])) + high_deg, 89.0)))
        middle, half_deg = (low[0] + high[0]) / 2.0, (high[0] - low[0]) / 2.0 + high_deg / level
        turn_deg = np.mod(points.longitude_deg - middle + 180.0, 360.0) - 180.0
        with np.errstate(invalid="ignore"):
            beside = (points.latitude_deg >= low[1] - high_deg) & (points.latitude_deg <= high[1] + high_deg)
            near |= beside & (np.abs(turn_deg) <= half_deg)
    return near
