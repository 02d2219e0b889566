"""Circles around sites on the ellipsoid: what lies within a radius of them, and how near the nearest is."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from truceline.assess.zone_columns import Bools, Floats, Longs, Spread, checked_spread, columns_of
from truceline.assess.zone_earth import frame_at, vectors_m
from truceline.assess.zone_line import Paper, ReferenceLine, compile_places, new_paper
from truceline.assess.zone_nearby import Nearby, gather, new_nearby
from truceline.assess.zone_nearest import nearest_piece
from truceline.assess.zone_normal import UNIT_POINTS, UNIT_WEIGHTS, Nodes, axes_of, lay_nodes, normal_below
from truceline.physics.geodesy import Points, geodesic_distance_m

REACH_SIGMAS_COUNT = 6.0
"""A circle farther away than so many of the largest sigma holds less than 1e-8 of the error."""

SLICES_COUNT, THIN_SLICES_COUNT, THIN_RATIO, THINNEST_RATIO = 4, 32, 0.2, 1e-3
"""So many stretches of 16 points each, across the part of a circle within reach of the error.

More where the smaller sigma is below a share of the radius; below the last share the error lies along a line, and the
circle cuts a chord out of it.
"""

OVERLAP_NODES = lay_nodes(0.0, step_ratio=0.125, reach_ratio=4.0)
"""Exact places that stand for the error where circles overlap (3,200 of them): error below 0.01."""


class Sites(NamedTuple):
    """Sites with a radius each (m, [K]), and the largest of them; what compiled code reads."""

    places: ReferenceLine
    longitude_deg: Floats
    latitude_deg: Floats
    radius_m: Floats
    radius_max_m: float

    @property
    def is_empty(self) -> bool:
        """Whether there is no site, or none with a radius."""
        return not self.radius_max_m > 0.0


def compile_sites(points: Points, radius_m: ArrayLike) -> Sites:
    """Make circles of a radius (m; one, or [K]) around sites; a radius of 0 holds nothing, and no sites too."""
    radii_m = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(points)).copy()
    assert (radii_m >= 0.0).all(), "a radius is below 0 or not a number"
    largest_m = float(radii_m.max()) if len(radii_m) > 0 else 0.0
    return Sites(compile_places(points), points.longitude_deg, points.latitude_deg, radii_m, largest_m)


def nearest_site(sites: Sites, points: Points) -> tuple[Longs, Floats]:
    """Give the index of the nearest site and its geodesic distance (m), [N] each; -1 and `inf` where there is none.

    Which is nearest is found by vectors, the distance is Karney's. Of two equally near the lower index is given.
    """
    index = np.full(len(points), -1, dtype=np.int64)
    distance_m = np.full(len(points), np.inf)
    known = (np.abs(points.longitude_deg) <= 720.0) & (np.abs(points.latitude_deg) <= 90.0)
    if sites.places.is_empty or not known.any():
        return index, distance_m
    here = Points(points.longitude_deg[known], points.latitude_deg[known])
    found = np.zeros(len(here), dtype=np.int64)
    _nearest_column(sites, new_paper(), vectors_m(here.longitude_deg, here.latitude_deg), found)
    index[known] = found
    there = Points(sites.longitude_deg[found], sites.latitude_deg[found])
    distance_m[known] = geodesic_distance_m(here, there)
    return index, distance_m


def sites_inside(sites: Sites, points: Points) -> Bools:
    """Say which points [N] lie nearer than its radius to a site; half-open: one at exactly the radius does not."""
    inside = np.zeros(len(points), dtype=np.bool_)
    if not sites.is_empty:
        columns = columns_of(points)
        _inside_column(sites, new_nearby(), columns, inside)
    return inside


def sites_probability(sites: Sites, points: Points, spread: Spread) -> Floats:
    """Give the probability [N] that positions with normal errors lie within the radius of a site.

    For one circle in reach the mass is integrated across it (64 points of Gauss and Legendre over the part within
    reach, the other way in closed form): error below 1e-6. For several that do not meet the masses add. Where
    circles in reach meet, 3,200 exact places stand for the error, and the result is held between the largest of the
    circles' own masses and their sum. Without error it is `sites_inside`; without coordinates or sites 0.
    """
    checked = checked_spread(spread, points)
    probability = np.zeros(len(points))
    if not sites.is_empty:
        columns = columns_of(points)
        _weigh_sites(sites, new_nearby(), new_paper(), columns, checked, OVERLAP_NODES, probability)
    return probability


def probability_nearer(sites: Sites, points: Points, spread: Spread, *, distance_m: float) -> Floats:
    """Give the probability [N] that positions lie nearer than a distance to any of the sites, whatever their radii."""
    radii_m = np.full(len(sites.radius_m), distance_m, dtype=np.float64)
    largest_m = distance_m if len(radii_m) > 0 else 0.0
    return sites_probability(sites._replace(radius_m=radii_m, radius_max_m=largest_m), points, spread)


@njit(cache=True)
def _nearest_column(sites: Sites, paper: Paper, vectors: Floats, found: Longs) -> None:
    """Fill in the nearest site of each place."""
    slot = 0
    for i in range(len(vectors)):
        slot, _ = nearest_piece(sites.places.pieces, vectors[i], slot, paper.nodes, paper.gaps)
        found[i] = sites.places.pieces.order[slot]


@njit(cache=True)
def _site_count(sites: Sites, frame: Floats, radius: float, reach: float, nearby: Nearby) -> int:
    """Lay the sites whose circles come within reach (m) in the plane; give their number.

    Where more sites than there is room for lie near, reach is shortened until they fit.
    """
    count = gather(sites.places.pieces, frame, radius, sites.radius_max_m + reach, nearby)
    while count < 0:
        reach = 0.8 * (sites.radius_max_m + reach) - sites.radius_max_m
        count = gather(sites.places.pieces, frame, radius, sites.radius_max_m + reach, nearby)
    kept = 0
    for k in range(count):
        site = sites.places.pieces.order[nearby.slot[k]]
        away = math.hypot(nearby.plane[k, 0], nearby.plane[k, 1])
        if sites.radius_m[site] > 0.0 and away < sites.radius_m[site] + max(reach, 1e-6):
            nearby.plane[kept, 0], nearby.plane[kept, 1] = nearby.plane[k, 0], nearby.plane[k, 1]
            nearby.plane[kept, 2] = sites.radius_m[site]
            kept += 1
    return kept


@njit(cache=True)
def _is_in_circles(nearby: Nearby, count: int, east: float, north: float) -> bool:
    """Say whether a place of the plane lies in one of the circles there."""
    for k in range(count):
        if math.hypot(east - nearby.plane[k, 0], north - nearby.plane[k, 1]) < nearby.plane[k, 2]:
            return True
    return False


@njit(cache=True)
def _inside_column(sites: Sites, nearby: Nearby, points: tuple[Floats, Floats], inside: Bools) -> None:
    """Fill in which points lie in a circle."""
    frame = np.empty((4, 3))
    for i in range(len(points[0])):
        if abs(points[0][i]) <= 720.0 and abs(points[1][i]) <= 90.0:
            radius = frame_at(points[0][i], points[1][i], frame)
            inside[i] = _is_in_circles(nearby, _site_count(sites, frame, radius, 0.0, nearby), 0.0, 0.0)


@njit(cache=True)
def circle_mass(along: float, across: float, radius: float, large: float, small: float) -> float:
    """Give the mass of a normal with sigmas (m) along two axes inside a circle whose middle lies so far along them (m).

    `int phi(x) (Phi(top(x)) - Phi(bottom(x))) dx` with `x = along + radius sin t`, which makes the ends smooth.
    """
    low = max((-REACH_SIGMAS_COUNT * large - along) / radius, -1.0)
    high = min((REACH_SIGMAS_COUNT * large - along) / radius, 1.0)
    if low >= high:
        return 0.0
    first, last = math.asin(low), math.asin(high)
    if small < THINNEST_RATIO * radius:
        half = math.sqrt(max(radius * radius - across * across, 0.0))
        return normal_below((along + half) / large) - normal_below((along - half) / large)
    slice_count = SLICES_COUNT if small > THIN_RATIO * radius else THIN_SLICES_COUNT
    step, total = (last - first) / slice_count, 0.0
    for s in range(slice_count):
        for k in range(len(UNIT_POINTS)):
            t = first + step * (s + UNIT_POINTS[k])
            x, half = (along + radius * math.sin(t)) / large, radius * math.cos(t)
            share = normal_below((across + half) / small) - normal_below((across - half) / small)
            total += UNIT_WEIGHTS[k] * step * half / large * math.exp(-0.5 * x * x) * share
    return total / math.sqrt(2.0 * math.pi)


@njit(cache=True)
def _do_meet(nearby: Nearby, count: int) -> bool:
    """Say whether any two of the circles in the plane overlap."""
    for k in range(count):
        for m in range(k):
            apart = math.hypot(nearby.plane[k, 0] - nearby.plane[m, 0], nearby.plane[k, 1] - nearby.plane[m, 1])
            if apart < nearby.plane[k, 2] + nearby.plane[m, 2]:
                return True
    return False


@njit(cache=True)
def _weigh_sites(
    sites: Sites, nearby: Nearby, paper: Paper, points: tuple[Floats, Floats], spread: Spread, nodes: Nodes,
    mass: Floats,
) -> None:  # fmt: skip
    """Fill `mass` [N]."""
    frame = paper.frame
    for i in range(len(points[0])):
        if not (abs(points[0][i]) <= 720.0 and abs(points[1][i]) <= 90.0):
            continue
        axes = axes_of(spread.east_m2[i], spread.north_m2[i], spread.covariance_m2[i])
        radius = frame_at(points[0][i], points[1][i], frame)
        count = _site_count(sites, frame, radius, REACH_SIGMAS_COUNT * axes.large_m, nearby)
        if axes.large_m == 0.0:
            mass[i] = 1.0 if _is_in_circles(nearby, count, 0.0, 0.0) else 0.0
            continue
        total, most = 0.0, 0.0
        for k in range(count):
            east, north = nearby.plane[k, 0], nearby.plane[k, 1]
            along, across = (
                east * axes.east_ratio + north * axes.north_ratio,
                north * axes.east_ratio - east * axes.north_ratio,
            )
            own = circle_mass(along, across, nearby.plane[k, 2], axes.large_m, axes.small_m)
            total, most = total + own, max(most, own)
        if total - most > 1e-6 and _do_meet(nearby, count):
            joint = 0.0
            for q in range(len(nodes.weight)):
                first, second = nodes.first[q] * axes.large_m, nodes.second[q] * axes.small_m
                east, north = (
                    first * axes.east_ratio - second * axes.north_ratio,
                    first * axes.north_ratio + second * axes.east_ratio,
                )
                joint += nodes.weight[q] * _is_in_circles(nearby, count, east, north)
            total = min(max(joint, most), total)
        mass[i] = min(max(total, 0.0), 1.0)
