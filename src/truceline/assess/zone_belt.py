"""Belts along a line, by depth and between markers, and the probability that an uncertain position lies in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from truceline.assess.zone_belt_columns import settle_certain, weigh_clear
from truceline.assess.zone_belt_mass import BeltZones, is_in_belts
from truceline.assess.zone_belt_rows import weigh_rest
from truceline.assess.zone_columns import Bools, Floats, Located, Longs, Spread, checked_spread, columns_of
from truceline.assess.zone_line import BY_GROUND, ReferenceLine, locate, new_paper
from truceline.assess.zone_nearby import new_nearby
from truceline.physics.geodesy import Points

Grounds = Literal["both", "held", "other"]


class Belt(msgspec.Struct, frozen=True, kw_only=True):
    """The places from one depth up to another from a line, on held ground, on the other, or on both.

    Half-open: a place at exactly `from_m` is in the belt, one at exactly `to_m` is not; a place on the line itself is
    held ground at depth 0. Between stations, likewise half-open, the belt ends square to the line; without, it
    is rounded at the ends of the line. `to_m` at or below `from_m` makes an empty belt.
    """

    from_m: float
    to_m: float
    ground: Grounds = "both"
    station_from_m: float = -math.inf
    station_to_m: float = math.inf

    def __post_init__(self) -> None:
        """Check that depths are not negative and that nothing is `nan`."""
        facts = (self.from_m, self.to_m, self.station_from_m, self.station_to_m)
        if self.from_m < 0.0 or self.to_m < 0.0 or any(math.isnan(fact) for fact in facts):
            raise ValueError(f"from_m={self.from_m}, to_m={self.to_m} of a belt: a depth is at least 0")


def halved(total_width_m: float) -> Belt:
    """Give the belt of a total width: one half of it on each side of the line."""
    return Belt(from_m=0.0, to_m=total_width_m / 2.0)


class _Rectangle(NamedTuple):
    """A part of a zone in depth and station; `sign` is +1 on held ground and -1 on the other."""

    sign: float
    from_m: float
    to_m: float
    station_from_m: float
    station_to_m: float


def compile_belts(zones: Sequence[Sequence[Belt]]) -> BeltZones:
    """Make zones ready, each the union of its belts along one line; belts may overlap, and a zone may have none."""
    rectangles = [list(_rectangles(belts)) for belts in zones]
    depths = [sorted(_depth_edges(found)) for found in rectangles]
    stations = [sorted({edge for r in found for edge in r[3:] if math.isfinite(edge)}) for found in rectangles]
    table = np.array([r for found in rectangles for r in found], dtype=np.float64).reshape(-1, 5)
    return BeltZones(_starts(rectangles), table, _starts(depths), _flat(depths), _starts(stations), _flat(stations))


def _starts(lists: Sequence[Sequence[object]]) -> Longs:
    """Give where each list begins when they are laid end to end, and where the last ends."""
    return np.concatenate([[0], np.cumsum([len(entries) for entries in lists], dtype=np.int64)]).astype(np.int64)


def _flat(lists: Iterable[Sequence[float]]) -> Floats:
    """Lay lists of numbers end to end."""
    return np.array([entry for entries in lists for entry in entries], dtype=np.float64)


def _rectangles(belts: Sequence[Belt]) -> Iterator[_Rectangle]:
    """Give the union of belts as rectangles that do not overlap: strips of station, intervals of depth in each."""
    cuts = sorted({edge for belt in belts for edge in (belt.station_from_m, belt.station_to_m)})
    for low_m, high_m in pairwise(cuts):
        here = [belt for belt in belts if belt.station_from_m <= low_m and high_m <= belt.station_to_m]
        for sign, own in ((1.0, "held"), (-1.0, "other")):
            merged = _merged((belt.from_m, belt.to_m) for belt in here if belt.ground in {own, "both"})
            yield from (_Rectangle(sign, from_m, to_m, low_m, high_m) for from_m, to_m in merged)


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Give the union of intervals as intervals that neither overlap nor touch."""
    merged: list[tuple[float, float]] = []
    for from_m, to_m in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and from_m <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], to_m))
        else:
            merged.append((from_m, to_m))
    return merged


def _depth_edges(rectangles: Sequence[_Rectangle]) -> set[float]:
    """Give the signed distances at which a zone begins or ends; the line itself where only one ground is in it."""
    edges = {r.sign * depth_m for r in rectangles for depth_m in (r.from_m, r.to_m) if math.isfinite(depth_m)}
    at_line = [{r[3:] for r in rectangles if r.sign == sign and r.from_m == 0.0} for sign in (1.0, -1.0)]
    return edges if at_line[0] ^ at_line[1] else edges - {0.0}


def belts_inside(zones: BeltZones, located: Located) -> Bools:
    """Say which exact positions lie in which zone; [zones, N]. What is not located lies in none."""
    inside = np.zeros((len(zones.start) - 1, len(located.station_m)), dtype=np.bool_)
    is_in_belts(zones, located.signed_distance_m, located.station_m, inside)
    return inside


def belts_probability(
    line: ReferenceLine, zones: BeltZones, points: Points, *, spread: Spread, boundary_sigma_m: float = 0.0
) -> tuple[Located, Floats]:
    """Give where points [N] lie seen from a line, and the probability [zones, N] that they lie in each zone.

    The error of a position is normal with its spread; the line's own, `boundary_sigma_m`, moves it square to itself,
    so that variances add. With `d` the signed distance, `g` its gradient and `s^2 = g' S g + boundary^2`, a zone from
    a to b deep holds `Phi((b - d) / s) - Phi((a - d) / s)`: exact where the line is straight over the error's reach
    (34.5 km from a line, 1 km of sigma, a belt of 35 km: Phi(0.5) = 0.69). Where it
    bends, the linear form is taken at places along its edge (`zone_profile`). Where it folds, or where the line, its
    ground or a marker is within reach, the error is divided into a mixture of narrower ones (`zone_mixture`).
    Against drawn positions on a real daily line the error is below 0.01 for belts of both grounds (bench/zones.py),
    on a line that winds within the error's reach 0.03. With no error at all
    the answer is `belts_inside`, 0 or 1. A point without coordinates, and every point where the line is empty, has
    probability 0.

    Where the line's sign comes from ground, and only the line or the ground's end elsewhere bounds a zone in reach,
    the two grounds have the exact probabilities of `area_probability` instead.
    """
    checked = checked_spread(spread, points)
    assert boundary_sigma_m >= 0.0, f"boundary_sigma_m={boundary_sigma_m} is below 0"
    located = locate(line, points)
    probability = np.zeros((len(zones.start) - 1, len(points)))
    if not line.is_empty:
        columns, found, boundary_m2 = columns_of(points), np.vstack(located), boundary_sigma_m**2
        open_rows = np.empty(len(points), dtype=np.int64)
        has_ground = line.sign_index == BY_GROUND
        count = settle_certain(zones, found, checked, boundary_m2, has_ground, open_rows, probability)
        rows, nearby = open_rows[:count], new_nearby()
        count = weigh_clear(line, zones, nearby, columns, checked, boundary_m2, found, rows, probability)
        rows = open_rows[:count]
        weigh_rest(line, zones, new_paper(), nearby, columns, checked, boundary_m2, found, rows, probability)
    return located, probability
