"""Where and when an event was that some array detections have in common: posterior mean, covariance, regions, times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from truceline.associate.array_grid import Cells, EqualAreaPlane, Question, adaptive_cells, plane_about
from truceline.associate.array_records import ArrayRegion, Floats, Ints, Ring
from truceline.physics.geodesy import Points

ORIGIN_SHARES = (0.025, 0.5, 0.975)
"""The points of the origin time's posterior that are given: the middle, and the ends of what holds 95 %."""

_NEGLIGIBLE_SHARE = 1e-7


class Location(NamedTuple):
    """The posterior of one event on its cells, with what is said of it.

    `mean` and `densest` are single points; `covariance_m2` is of east and north about the mean, and `origin_s` (low,
    middle, high) counts as the detections' times do, `nan` where only bearings were used.
    """

    cells: Cells
    plane: EqualAreaPlane
    mean: Points
    densest: Points
    covariance_m2: Floats
    origin_s: Floats


def locate(question: Question) -> Location:
    """Locate what some detections have in common, by their bearings, their times, or both.

    Bayesian infrasonic source location (Modrak, Arrowsmith and Anderson 2010, GJI 181, 399; Blom, Marcillo and
    Arrowsmith 2015, GJI 203, 1682) with a prior that is uniform over ground and time, on an adaptive grid. The location
    is the posterior's mean, which has the least expected squared error.
    """
    plane, cells, mean = centre(question)
    shares = cells.shares()
    densest = int(np.argmax(cells.log_density))
    return Location(
        cells=cells,
        plane=plane,
        mean=mean,
        densest=plane.points_at(cells.east_m[[densest]], cells.north_m[[densest]]),
        covariance_m2=_covariance_m2(cells, shares, (plane, mean)),
        origin_s=_origin_s(cells, shares),
    )


def centre(question: Question) -> tuple[EqualAreaPlane, Cells, Points]:
    """Give the posterior on its cells and its mean, and nothing more."""
    plane = plane_about(question.columns, question.members)
    cells = adaptive_cells(question, plane)
    shares = cells.shares()
    return plane, cells, plane.points_at(np.array([shares @ cells.east_m]), np.array([shares @ cells.north_m]))


def _covariance_m2(cells: Cells, shares: Floats, about: tuple[EqualAreaPlane, Points]) -> Floats:
    """Give the covariance of east and north at the mean, where these are those of the map; cells count as uniform."""
    plane, mean = about
    own = EqualAreaPlane(float(mean.latitude_deg[0]), float(mean.longitude_deg[0]))
    offsets_m = np.stack(own.project_m(plane.points_at(cells.east_m, cells.north_m)))
    covariance_m2: Floats = (offsets_m * shares) @ offsets_m.T + np.eye(2) * float(shares @ cells.width_m**2) / 12.0
    return covariance_m2


def _origin_s(cells: Cells, shares: Floats) -> Floats:
    """Give low, middle and high of the origin time: quantiles over all cells and points of time together."""
    if cells.times is None:
        return np.full(len(ORIGIN_SHARES), np.nan)
    held = shares > _NEGLIGIBLE_SHARE
    log_density = cells.times.log_density[held]
    inner = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    weights = (shares[held, None] * inner / inner.sum(axis=1, keepdims=True)).ravel()
    node_s = cells.times.node_s[held].ravel()
    order = np.argsort(node_s, kind="stable")
    return np.interp(ORIGIN_SHARES, np.cumsum(weights[order]), node_s[order])


def region_of(location: Location, share: float) -> ArrayRegion:
    """Give the smallest set of cells that holds a share of the posterior: densest cells first, joined to patches."""
    chosen = region_cells(location.cells, share)
    cells = location.cells
    half_m = cells.width_m[chosen] / 2.0
    east_m, north_m = cells.east_m[chosen], cells.north_m[chosen]
    squares = shapely.box(east_m - half_m, north_m - half_m, east_m + half_m, north_m + half_m)
    joined = shapely.get_parts(shapely.unary_union(squares))
    patches = tuple(
        tuple(_ring(location.plane, ring) for ring in (patch.exterior, *patch.interiors))
        for patch in sorted(joined, key=lambda patch: -patch.area)
    )
    return ArrayRegion(share=share, area_m2=float((cells.width_m[chosen] ** 2).sum()), patches=patches)


def region_cells(cells: Cells, share: float) -> Ints:
    """Give the indices of the densest cells that together hold a share of the posterior."""
    order = np.argsort(-cells.log_density, kind="stable")
    held = np.cumsum(cells.shares()[order])
    return order[: int(np.searchsorted(held, share)) + 1]


def _ring(plane: EqualAreaPlane, ring: shapely.LinearRing) -> Ring:
    corners = shapely.get_coordinates(ring)
    points = plane.points_at(corners[:, 0], corners[:, 1])
    return tuple(zip(points.longitude_deg.round(5).tolist(), points.latitude_deg.round(5).tolist(), strict=True))


def region_share_at(location: Location, place: Points) -> float:
    """Give the share of the posterior that is denser than it is at a place: the least region that still holds it.

    0 where the posterior is densest; 1 outside all cells. Over many events of which the truth is known, and if the
    model is right, this is uniform between 0 and 1: so 90 % of truths lie in the 90 % region.
    """
    cells = location.cells
    east_m, north_m = location.plane.project_m(place)
    away_m = np.maximum(np.abs(cells.east_m - east_m[0]), np.abs(cells.north_m - north_m[0])) - cells.width_m / 2.0
    nearest = int(np.argmin(away_m))
    if away_m[nearest] > 0.0:
        return 1.0
    is_denser = cells.log_density > cells.log_density[nearest]
    shares = cells.shares()
    return float(shares[is_denser].sum() + shares[nearest] / 2.0)
