"""Zones put together: unions, intersections and complements of belts, areas and circles, also with uncertain positions.

One rule for what is jointly uncertain: where all but one part are certain, the answer is that part's own, exact
probability. Where several are uncertain at once, exact places stand for the error and the share of them inside is held
between Frechet's bounds (1935), so that a union is never less likely than any part of it, nor more than their sum.
"""

from __future__ import annotations

from typing import assert_never

import msgspec
import numpy as np

from truceline.assess.zone_area import area_probability
from truceline.assess.zone_belt import Belt, belts_inside, belts_probability, compile_belts
from truceline.assess.zone_belt_mass import BeltZones
from truceline.assess.zone_columns import Bools, Floats, Spread, known_rows, rows_of, spread_rows
from truceline.assess.zone_ground import Ground, ground_inside
from truceline.assess.zone_line import ReferenceLine, locate
from truceline.assess.zone_normal import lay_nodes
from truceline.assess.zone_site import Sites, sites_inside, sites_probability
from truceline.physics.geodesy import Points, geodesic_destination

CERTAIN_PROBABILITY = 1e-5
"""A part that is nearer than this to 0 or 1 counts as certain."""

JOINT_NODES = lay_nodes(0.0, step_ratio=0.25, reach_ratio=3.9)
"""Exact places that stand for the error where several parts are uncertain (765 of them): error below 0.02."""

JOINT_ROWS_COUNT = 512
"""So many points are expanded into their places at a time."""


class BeltZone(msgspec.Struct, frozen=True, eq=False):
    """Belts along one line, taken together."""

    line: ReferenceLine
    zones: BeltZones


class AreaZone(msgspec.Struct, frozen=True, eq=False):
    """Ground inside polygons."""

    ground: Ground


class SiteZone(msgspec.Struct, frozen=True, eq=False):
    """Circles around sites."""

    sites: Sites


class UnionZone(msgspec.Struct, frozen=True, eq=False):
    """What lies in any of some zones; in none where there are no parts."""

    parts: tuple[Zone, ...]


class IntersectionZone(msgspec.Struct, frozen=True, eq=False):
    """What lies in all of some zones; everywhere where there are no parts."""

    parts: tuple[Zone, ...]


class ComplementZone(msgspec.Struct, frozen=True, eq=False):
    """What does not lie in a zone; a point without coordinates lies nowhere."""

    part: Zone


Zone = BeltZone | AreaZone | SiteZone | UnionZone | IntersectionZone | ComplementZone


def belt_zone(line: ReferenceLine, *belts: Belt) -> BeltZone:
    """Give the union of belts along a line as a zone."""
    return BeltZone(line, compile_belts([belts]))


def zone_inside(zone: Zone, points: Points) -> Bools:
    """Say which exact positions [N] lie in a zone; half-open as its parts are."""
    match zone:
        case BeltZone(line=line, zones=zones):
            inside: Bools = belts_inside(zones, locate(line, points))[0]
        case AreaZone(ground=ground):
            inside = ground_inside(ground, points)
        case SiteZone(sites=sites):
            inside = sites_inside(sites, points)
        case UnionZone(parts=parts):
            nowhere = np.zeros(len(points), dtype=np.bool_)
            inside = np.logical_or.reduce([nowhere, *(zone_inside(part, points) for part in parts)])
        case IntersectionZone(parts=parts):
            inside = np.logical_and.reduce([known_rows(points), *(zone_inside(part, points) for part in parts)])
        case ComplementZone(part=part):
            inside = known_rows(points) & ~zone_inside(part, points)
        case _:
            assert_never(zone)
    return inside


def zone_probability(zone: Zone, points: Points, spread: Spread, *, boundary_sigma_m: float = 0.0) -> Floats:
    """Give the probability [N] that positions with normal errors lie in a zone.

    `boundary_sigma_m` is the uncertainty of lines and of boundaries of ground; circles around sites have none.
    """
    match zone:
        case BeltZone(line=line, zones=zones):
            _, rows = belts_probability(line, zones, points, spread=spread, boundary_sigma_m=boundary_sigma_m)
            probability: Floats = rows[0]
        case AreaZone(ground=ground):
            probability = area_probability(ground, points, spread, boundary_sigma_m=boundary_sigma_m)
        case SiteZone(sites=sites):
            probability = sites_probability(sites, points, spread)
        case UnionZone(parts=parts):
            within = [zone_probability(part, points, spread, boundary_sigma_m=boundary_sigma_m) for part in parts]
            probability = _any_of(zone, within, points, spread=spread)
        case IntersectionZone(parts=parts):
            within = [zone_probability(part, points, spread, boundary_sigma_m=boundary_sigma_m) for part in parts]
            outside = UnionZone(tuple(ComplementZone(part) for part in parts))
            lacking = _any_of(outside, [1.0 - own for own in within], points, spread=spread)
            probability = np.where(known_rows(points), 1.0 - lacking, 0.0)
        case ComplementZone(part=part):
            own = zone_probability(part, points, spread, boundary_sigma_m=boundary_sigma_m)
            probability = np.where(known_rows(points), 1.0 - own, 0.0)
        case _:
            assert_never(zone)
    return probability


def _any_of(zone: UnionZone, parts: list[Floats], points: Points, *, spread: Spread) -> Floats:
    """Give the probability of a union from those of its parts; of no parts 0."""
    if not parts:
        return np.zeros(len(points))
    table = np.vstack(parts)
    least, most = table.max(axis=0), np.minimum(table.sum(axis=0), 1.0)
    uncertain = (table > CERTAIN_PROBABILITY) & (table < 1.0 - CERTAIN_PROBABILITY)
    joint = np.flatnonzero((uncertain.sum(axis=0) > 1) & (most - least > CERTAIN_PROBABILITY) & known_rows(points))
    probability: Floats = least.copy()
    for first in range(0, len(joint), JOINT_ROWS_COUNT):
        rows = joint[first : first + JOINT_ROWS_COUNT]
        share = _share_inside(zone, rows_of(points, rows), spread_rows(spread, rows))
        probability[rows] = np.clip(share, least[rows], most[rows])
    return probability


def _share_inside(zone: Zone, points: Points, spread: Spread) -> Floats:
    """Give the share of the error's places that lies in a zone; [N]."""
    middle, off = (spread.east_m2 + spread.north_m2) / 2.0, (spread.east_m2 - spread.north_m2) / 2.0
    spun = np.hypot(off, spread.covariance_m2)
    large_m, small_m = np.sqrt(middle + spun), np.sqrt(np.maximum(middle - spun, 0.0))
    turn_rad = 0.5 * np.arctan2(2.0 * spread.covariance_m2, 2.0 * off)
    along = JOINT_NODES.first * large_m[:, None]
    across = JOINT_NODES.second * small_m[:, None]
    east_m = along * np.cos(turn_rad)[:, None] - across * np.sin(turn_rad)[:, None]
    north_m = along * np.sin(turn_rad)[:, None] + across * np.cos(turn_rad)[:, None]
    count = len(JOINT_NODES.weight)
    centres = Points(np.repeat(points.longitude_deg, count), np.repeat(points.latitude_deg, count))
    bearing_deg, way_m = np.degrees(np.arctan2(east_m, north_m)).ravel(), np.hypot(east_m, north_m).ravel()
    inside = zone_inside(zone, geodesic_destination(centres, bearing_deg, way_m))
    share: Floats = inside.reshape(len(points), count) @ JOINT_NODES.weight
    return share
