"""What goes into and comes out of the geometry of zones: columns of position errors, and of where points lay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truceline.physics.geodesy import Points

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Spread(NamedTuple):
    """The error of each position: its covariance in the point's own east and north, in square metres; [N] each.

    All zero means an exact position. Correlation is held to what a covariance allows by `checked_spread`.
    """

    east_m2: Floats
    north_m2: Floats
    covariance_m2: Floats


class Located(NamedTuple):
    """Where each point lay seen from a line: columns [N], `nan` where the point has no coordinates or the line none.

    `signed_distance_m` is at least 0 on held ground (left of the drawn direction where no ground was given) and below 0
    elsewhere. The gradient is the unit vector, at the point, in its east and north, in which that distance grows.
    `station_m` is how far along the line the nearest place of it is, summed over its parts in their order; before the
    first and beyond the last vertex it goes on, straight, below 0 and above the line's length.
    """

    signed_distance_m: Floats
    gradient_east_ratio: Floats
    gradient_north_ratio: Floats
    station_m: Floats


def spread_of(sigma_m: ArrayLike, *, count: int) -> Spread:
    """Give the error of positions that are as uncertain (1 sigma, metres; one or [N]) in every direction."""
    variance_m2 = np.broadcast_to(np.square(np.asarray(sigma_m, dtype=np.float64)), count)
    return Spread(variance_m2, variance_m2, np.zeros(count))


def checked_spread(spread: Spread, points: Points) -> Spread:
    """Give the spread as flat columns, after holding that each is a covariance and that there is one for each point."""
    columns = [np.ascontiguousarray(column, dtype=np.float64) for column in spread]
    assert all(column.shape == (len(points),) for column in columns), f"spread does not go with {len(points)} points"
    east_m2, north_m2, covariance_m2 = columns
    negative = (east_m2 < 0.0) | (north_m2 < 0.0)
    too_large = np.square(covariance_m2) > east_m2 * north_m2 * (1.0 + 1e-9) + 1e-12
    wrong = np.flatnonzero(negative | too_large)
    assert len(wrong) == 0, f"row {wrong[:1]} of {len(wrong)} has no covariance: a variance below 0 or too correlated"
    return Spread(east_m2, north_m2, covariance_m2)


def known_rows(points: Points) -> Bools:
    """Say which points have both coordinates, as numbers of degrees on the globe; [N]."""
    return (np.abs(points.longitude_deg) <= 720.0) & (np.abs(points.latitude_deg) <= 90.0)


def columns_of(points: Points) -> tuple[Floats, Floats]:
    """Give longitudes and latitudes as compiled code wants them: each in one piece of memory."""
    return np.ascontiguousarray(points.longitude_deg), np.ascontiguousarray(points.latitude_deg)


def rows_of(points: Points, rows: NDArray[np.intp] | Bools | slice) -> Points:
    """Give some rows of a column of points."""
    return Points(points.longitude_deg[rows], points.latitude_deg[rows])


def spread_rows(spread: Spread, rows: NDArray[np.intp] | Bools | slice) -> Spread:
    """Give some rows of a column of errors."""
    return Spread(*(column[rows] for column in spread))
