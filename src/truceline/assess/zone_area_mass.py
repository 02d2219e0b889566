"""Compiled: the mass of a normal error on ground with a polygon for its boundary, exact."""

from __future__ import annotations

import math

from numba import njit

from truceline.assess.zone_columns import Floats
from truceline.assess.zone_nearby import Nearby, gather
from truceline.assess.zone_normal import Axes, edge_mass
from truceline.assess.zone_pieces import Pieces

REACH_SIGMAS_COUNT = 6.0
"""Edges farther away than so many of the largest sigma add less than 2e-8 each turn around."""

OFF_CORNER_RATIO, OFF_EDGE_RATIO = 1.3e-7, 0.7e-7
"""The ground is moved by so many sigmas, so that no corner and no edge lies exactly under the error's middle."""

FLATTEST_RATIO = 1e-3
"""A smaller sigma below this share of the larger one is raised to it: an error along a line is a very thin ellipse."""


@njit(cache=True)
def _lacking(nearby: Nearby, count: int, axes: tuple[float, float, float, float]) -> float:
    """Give the sum of `edge_mass` over the pieces laid in the plane, in units of the error's axes."""
    large, small, east, north = axes
    total = 0.0
    for k in range(count):
        x, y = nearby.plane[k, 0], nearby.plane[k, 1]
        ax, ay = (x * east + y * north) / large + OFF_CORNER_RATIO, (y * east - x * north) / small + OFF_EDGE_RATIO
        x, y = x + nearby.plane[k, 2], y + nearby.plane[k, 3]
        bx, by = (x * east + y * north) / large + OFF_CORNER_RATIO, (y * east - x * north) / small + OFF_EDGE_RATIO
        total += edge_mass(ax, ay, bx, by)
    return total


@njit(cache=True)
def ground_mass(pieces: Pieces, frame: Floats, radius: float, axes: Axes, is_held: bool, nearby: Nearby) -> float:
    """Give the probability of ground with that boundary for an error about a frame's place, inside the ground or not.

    Where more pieces than there is room for lie within reach, it is shortened until they fit. Whole turns are put
    right: they differ where the place lies within rounding of the boundary.
    """
    reach = REACH_SIGMAS_COUNT * axes.large_m
    count = gather(pieces, frame, radius, reach, nearby)
    while count < 0:
        reach *= 0.8
        count = gather(pieces, frame, radius, reach, nearby)
    small = max(axes.small_m, FLATTEST_RATIO * axes.large_m)
    total = (1.0 if is_held else 0.0) - _lacking(
        nearby, count, (axes.large_m, small, axes.east_ratio, axes.north_ratio)
    )
    if total < -1e-6:
        total = total - math.floor(total)
    elif total > 1.0 + 1e-6:
        total = total - math.ceil(total) + 1.0
    return min(max(total, 0.0), 1.0)
