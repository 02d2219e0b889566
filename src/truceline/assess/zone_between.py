"""Ground between two lines, and the line between two places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyproj import Geod

from truceline.assess.zone_columns import Floats
from truceline.assess.zone_ground import Ground, compile_ground
from truceline.assess.zone_line import ReferenceLine, compile_line
from truceline.physics.geodesy import FLATTENING_RATIO, SEMI_MAJOR_AXIS_M, geodesic_distance_m, points_of

CORRIDOR_STEP_M = 1_000.0
"""The line between two places has a vertex at least every so often, so that it is a geodesic to a centimetre."""

CORRIDOR_STEPS_MAX_COUNT = 50_000
"""Vertices of the line between two places, at most."""


def ground_between(first: Floats, second: Floats) -> Ground:
    """Make the ground between two lines, each [n, 2] longitude and latitude: their ends are joined straight.

    The second is turned around where that makes the joins shorter, so it does not matter how the lines were drawn. They
    must not cross. Where either has fewer than two vertices, or both are the same, the ground is empty.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(first) < 2 or len(second) < 2 or np.array_equal(first, second) or np.array_equal(first, second[::-1]):
        return compile_ground([])
    straight_m = _join_m(first, second)
    turned_m = _join_m(first, second[::-1])
    ring = np.vstack([first, second[::-1] if straight_m <= turned_m else second])
    return compile_ground([[ring]])


def _join_m(first: Floats, second: Floats) -> float:
    """Give the length of the joins from start to start and from end to end."""
    ends = np.vstack([first[[0, -1]], second[[0, -1]]])
    return float(geodesic_distance_m(points_of(*ends[:2].T), points_of(*ends[2:].T)).sum())


def corridor(start_deg: tuple[float, float], end_deg: tuple[float, float]) -> ReferenceLine:
    """Give the geodesic between two places (longitude, latitude) as a line.

    With a belt of half the width, from station 0 to its `length_m`, it is the corridor between them; a belt without
    stations is rounded at both places. Two equal places make an empty line.
    """
    ellipsoid = Geod(a=SEMI_MAJOR_AXIS_M, f=FLATTENING_RATIO)
    _, _, length_m = ellipsoid.inv(*start_deg, *end_deg)
    count = min(int(length_m / CORRIDOR_STEP_M), CORRIDOR_STEPS_MAX_COUNT)
    between: Sequence[tuple[float, float]] = ellipsoid.npts(*start_deg, *end_deg, count) if count > 0 else []
    return compile_line([np.array([start_deg, *between, end_deg], dtype=np.float64)])
