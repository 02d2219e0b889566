"""A grid of equal-area cells on the ellipsoid that is fine where the posterior is, and coarse elsewhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod, Proj

from truceline.associate.array_likelihood import Geometry, TimeTable, explain
from truceline.associate.array_records import ArrayColumns, ArraySettings, Evidence, Floats, Ints
from truceline.physics.celerity import great_circle
from truceline.physics.geodesy import FLATTENING_RATIO, SEMI_MAJOR_AXIS_M, Points

COARSE_CELL_COUNT = 48
"""Cells along each edge of the first, coarse grid."""


class EqualAreaPlane(NamedTuple):
    """Lambert's azimuthal equal-area plane about a place, in metres: it knows no pole and no antimeridian.

    Snyder 1987, USGS PP 1395, chapter 24. Used for areas only; distances and bearings are geodesics.
    """

    latitude_deg: float
    longitude_deg: float

    def points_at(self, east_m: Floats, north_m: Floats) -> Points:
        """Give the points that are shown there."""
        longitude_deg, latitude_deg = self._projection()(east_m, north_m, inverse=True)
        return Points(np.asarray(longitude_deg), np.asarray(latitude_deg))

    def project_m(self, points: Points) -> tuple[Floats, Floats]:
        """Give where points are shown, metres east and north of the origin."""
        east_m, north_m = self._projection()(points.longitude_deg, points.latitude_deg)
        return np.asarray(east_m), np.asarray(north_m)

    def _projection(self) -> Proj:
        return Proj(
            proj="laea",
            lat_0=self.latitude_deg,
            lon_0=self.longitude_deg,
            a=SEMI_MAJOR_AXIS_M,
            rf=1.0 / FLATTENING_RATIO,
        )


class Cells(NamedTuple):
    """Square cells in an equal-area plane (metres east and north of its origin) and what was found in them.

    `log_density` is per square metre and not normalised; `times` is `None` where only bearings counted.
    """

    east_m: Floats
    north_m: Floats
    width_m: Floats
    log_density: Floats
    times: TimeTable | None

    def log_mass(self) -> Floats:
        """Give the log of each cell's share of the posterior, not normalised."""
        return self.log_density + 2.0 * np.log(self.width_m)

    def shares(self) -> Floats:
        """Give each cell's share of the posterior; they sum to one."""
        logs = self.log_mass()
        weights = np.exp(logs - logs.max())
        normed: Floats = weights / weights.sum()
        return normed

    def log_odds_ratio(self) -> float:
        """Give the log of the posterior's integral: the log odds of an event against clutter."""
        logs = self.log_mass()
        top = float(logs.max())
        return top + float(np.log(np.exp(logs - top).sum()))


class Question(NamedTuple):
    """What is asked of the grid: where the event is that some detections have in common."""

    columns: ArrayColumns
    members: Ints
    evidence: Evidence
    settings: ArraySettings


def plane_about(columns: ArrayColumns, members: Ints) -> EqualAreaPlane:
    """Give the plane about the middle of the arrays of some detections (the mean of their unit vectors)."""
    latitude = np.radians(columns.latitude_deg()[members])
    longitude = np.radians(columns.longitude_deg()[members])
    x = (np.cos(latitude) * np.cos(longitude)).mean()
    y = (np.cos(latitude) * np.sin(longitude)).mean()
    z = np.sin(latitude).mean()
    return EqualAreaPlane(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x))))


def adaptive_cells(question: Question, plane: EqualAreaPlane) -> Cells:
    """Cover all that the priors allow with cells, none of which holds much of the posterior.

    It begins with a coarse square about the arrays; a cell that holds more than `cell_mass_max_share` is split into
    four until it is `cell_min_m` wide or there are `cell_max_count` cells.
    """
    settings = question.settings
    half_m = settings.range_max_m
    width_m = 2.0 * half_m / COARSE_CELL_COUNT
    axis_m = -half_m + (np.arange(COARSE_CELL_COUNT) + 0.5) * width_m
    east_m, north_m = (grid.ravel() for grid in np.meshgrid(axis_m, axis_m))
    cells = _evaluated(question, plane, (east_m, north_m, np.full(len(east_m), width_m)))
    while True:
        is_heavy = (cells.shares() > settings.cell_mass_max_share) & (cells.width_m > 2.0 * settings.cell_min_m)
        if not is_heavy.any() or len(cells.east_m) + 3 * is_heavy.sum() > settings.cell_max_count:
            return cells
        cells = _joined(_chosen(cells, ~is_heavy), _evaluated(question, plane, _quarters(_chosen(cells, is_heavy))))


def _quarters(cells: Cells) -> tuple[Floats, Floats, Floats]:
    """Give centres and widths of the four quarters of each cell."""
    shift_m = cells.width_m / 4.0
    east_m = np.concatenate([cells.east_m + turn * shift_m for turn in (-1, 1, -1, 1)])
    north_m = np.concatenate([cells.north_m + turn * shift_m for turn in (-1, -1, 1, 1)])
    return east_m, north_m, np.tile(cells.width_m / 2.0, 4)


def _chosen(cells: Cells, keep: NDArray[np.bool_]) -> Cells:
    times = None if cells.times is None else TimeTable(*(column[keep] for column in cells.times))
    return Cells(cells.east_m[keep], cells.north_m[keep], cells.width_m[keep], cells.log_density[keep], times)


def _joined(first: Cells, second: Cells) -> Cells:
    times = None
    if first.times is not None and second.times is not None:
        times = TimeTable(*(np.concatenate(pair) for pair in zip(first.times, second.times, strict=True)))
    return Cells(
        np.concatenate([first.east_m, second.east_m]),
        np.concatenate([first.north_m, second.north_m]),
        np.concatenate([first.width_m, second.width_m]),
        np.concatenate([first.log_density, second.log_density]),
        times,
    )


def _evaluated(question: Question, plane: EqualAreaPlane, squares: tuple[Floats, Floats, Floats]) -> Cells:
    east_m, north_m, width_m = squares
    geometry = geometry_to(question.columns, plane.points_at(east_m, north_m), width_m, members=question.members)
    found = explain(
        question.columns, question.members, geometry, evidence=question.evidence, settings=question.settings
    )
    return Cells(east_m, north_m, width_m, found.log_density, found.times)


def geometry_to(columns: ArrayColumns, places: Points, cell_m: Floats, *, members: Ints) -> Geometry:
    """Measure from every array to every place: geodesics for the members' arrays, great circles for silent ones."""
    distance_m, bearing_deg = great_circle(
        columns.array_latitude_deg[:, None],
        columns.array_longitude_deg[:, None],
        (places.latitude_deg[None, :], places.longitude_deg[None, :]),
    )
    ellipsoid = Geod(a=SEMI_MAJOR_AXIS_M, f=FLATTENING_RATIO)
    for index in np.unique(columns.array_index[members]):
        forward_deg, _, geodesic_m = ellipsoid.inv(
            np.full(len(places), columns.array_longitude_deg[index]),
            np.full(len(places), columns.array_latitude_deg[index]),
            places.longitude_deg,
            places.latitude_deg,
        )
        distance_m[index], bearing_deg[index] = geodesic_m, np.mod(forward_deg, 360.0)
    return Geometry(distance_m, bearing_deg, cell_m)
