"""Areas: the probability that an uncertain position lies inside polygons, exact for the polygon as drawn."""

from __future__ import annotations

import numpy as np
from numba import njit

from truceline.assess.zone_area_mass import ground_mass
from truceline.assess.zone_columns import Floats, Located, Spread, checked_spread, columns_of
from truceline.assess.zone_earth import frame_at
from truceline.assess.zone_ground import Ground, is_inside
from truceline.assess.zone_line import boundary_line, locate
from truceline.assess.zone_nearby import Nearby, new_nearby
from truceline.assess.zone_normal import axes_of
from truceline.physics.geodesy import Points


def area_distance(ground: Ground, points: Points) -> Located:
    """Give where points [N] lie seen from the boundary of ground: at least 0 inside, `nan` where ground is empty."""
    return locate(boundary_line(ground), points)


def area_probability(ground: Ground, points: Points, spread: Spread, *, boundary_sigma_m: float = 0.0) -> Floats:
    """Give the probability [N] that positions with normal errors lie inside ground.

    Exact for the polygon in the plane true in distance and direction from the position: the normal's mass inside is 1
    or 0, for the middle inside or not, less the sum of `edge_mass` over the edges within reach. The boundary's own
    uncertainty is taken as the same in every direction and adds to the position's variance. Without any error the
    answer is `ground_inside`. A point without coordinates, and every point for empty ground, has probability 0.
    """
    checked = checked_spread(spread, points)
    assert boundary_sigma_m >= 0.0, f"boundary_sigma_m={boundary_sigma_m} is below 0"
    probability = np.zeros(len(points))
    columns = columns_of(points)
    if not ground.is_empty:
        _weigh_area(ground, new_nearby(), columns, checked, boundary_sigma_m**2, probability)
    return probability


@njit(cache=True)
def _weigh_area(
    ground: Ground, nearby: Nearby, points: tuple[Floats, Floats], spread: Spread, boundary_m2: float, mass: Floats
) -> None:
    """Fill `mass` [N] for the points that have coordinates."""
    frame = np.empty((4, 3))
    for i in range(len(points[0])):
        if not (abs(points[0][i]) <= 720.0 and abs(points[1][i]) <= 90.0):
            continue
        is_held = is_inside(ground.edges, points[0][i], points[1][i])
        axes = axes_of(spread.east_m2[i] + boundary_m2, spread.north_m2[i] + boundary_m2, spread.covariance_m2[i])
        if axes.large_m == 0.0:
            mass[i] = 1.0 if is_held else 0.0
            continue
        radius = frame_at(points[0][i], points[1][i], frame)
        mass[i] = ground_mass(ground.pieces, frame, radius, axes, is_held, nearby)
