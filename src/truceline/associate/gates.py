"""When two things lie close enough in space and time to be one occurrence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from truceline.associate.rows import Row

METRES_PER_DEGREE_M = 111_195.0
"""Length of one degree of a great circle on a sphere of radius 6,371,009 m, metres."""

CELL_MARGIN_RATIO = 1.01
"""Cells are this much wider than the reach, so that rounding never hides a leader from a row."""

COSINE_FLOOR_RATIO = 0.01
"""Lower bound of cos(latitude) for cell widths, so that cells near the poles stay finite."""


def offset_m(from_row: Row, to_row: Row) -> tuple[float, float]:
    """Give the way east and north from one place to another in metres, on the plane that touches between them.

    Over the 40 km this package needs, the plane and the sphere cost under 0.6 % against the ellipsoid.
    """
    middle_rad = math.radians((from_row.latitude_deg + to_row.latitude_deg) / 2.0)
    turn_deg = math.remainder(to_row.longitude_deg - from_row.longitude_deg, 360.0)
    east_m = turn_deg * METRES_PER_DEGREE_M * math.cos(middle_rad)
    north_m = (to_row.latitude_deg - from_row.latitude_deg) * METRES_PER_DEGREE_M
    return east_m, north_m


def distance_between_m(first: Row, second: Row) -> float:
    """Give the distance between two rows in metres; the same both ways."""
    return math.hypot(*offset_m(first, second))


def gap_between_s(first: Row, second: Row) -> float:
    """Give the time between two spans in seconds: 0 where they overlap or touch; the same both ways."""
    return max(0.0, (max(first.start, second.start) - min(first.end, second.end)).total_seconds())


def normalised_distance_ratio(first: Row, second: Row) -> float:
    """Give the squared distance in units of the combined variance; infinite for two exact places that differ."""
    distance_m = distance_between_m(first, second)
    variance_m2 = first.sigma_m**2 + second.sigma_m**2
    if variance_m2 <= 0.0:
        return 0.0 if distance_m <= 0.0 else math.inf
    return distance_m**2 / variance_m2


class LeaderGrid:
    """Leaders by cell, so that a row meets only those that can lie within reach of it."""

    def __init__(self, *, reach_m: float, latitude_limit_deg: float) -> None:
        """Lay the cells out for a reach; `latitude_limit_deg` is the greatest distance of any row from the equator."""
        cosine_ratio = max(COSINE_FLOOR_RATIO, math.cos(math.radians(min(90.0, latitude_limit_deg))))
        self._north_deg = max(reach_m, 1.0) * CELL_MARGIN_RATIO / METRES_PER_DEGREE_M
        self._column_count = max(1, math.floor(360.0 * cosine_ratio / self._north_deg))
        self._cells: dict[tuple[int, int], list[Row]] = {}

    def _cell(self, row: Row) -> tuple[int, int]:
        """Give the row's cell; columns close around the globe."""
        column = math.floor((row.longitude_deg + 180.0) / 360.0 * self._column_count) % self._column_count
        return (math.floor(row.latitude_deg / self._north_deg), column)

    def add(self, row: Row) -> None:
        """Take a new leader in."""
        self._cells.setdefault(self._cell(row), []).append(row)

    def near(self, row: Row) -> Iterator[Row]:
        """Give every leader within reach of a row, and some beyond."""
        band, column = self._cell(row)
        columns = {(column + step) % self._column_count for step in (-1, 0, 1)}
        for north in (band - 1, band, band + 1):
            for east in columns:
                yield from self._cells.get((north, east), ())
