"""Which side of the contact line a point lay on, on its own day, and how far from the line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property

import msgspec
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from truceline.model.reference_line import DatedLine
from truceline.physics.geodesy import EqualScalePlane, Floats, Points, geodesic_distance_m, plane_for, points_of

SEGMENT_LENGTH_MAX_DEG = 0.1
"""Longest piece of a drawn line that is taken as straight in the plane: it is off by less than 4 m up to 60 degrees."""

PLANE_MARGIN_DEG = 2.0
"""How far north and south of a line its plane still has a small scale error: points lie around lines, not on them."""

PREPARED_LINES_MAX_COUNT = 128
"""How many days' lines are kept prepared at a time (0.2 MB each for 1,300 corners of line and 2,900 of ground)."""

Dates = NDArray[np.datetime64]
Rows = NDArray[np.intp]


class Located(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Where each point lay on its own day: columns as long as the points, in their order.

    `side` is +1 on ground held by the party `held_by`, -1 on other ground, 0 where it is not known (no line yet, no
    ground drawn, no coordinates). `signed_distance_m` has the sign of `side` and is `nan` where `side` is 0;
    `distance_m` is the distance from the line, `nan` only where there is no line or there are no coordinates.
    `line_date` is the day of the line used (`NaT` for none), `line_age_days` how old it was on the point's day, and
    `sigma_m` the line's own uncertainty (1 sigma).
    """

    held_by: str
    side: NDArray[np.int8]
    distance_m: Floats
    signed_distance_m: Floats
    sigma_m: Floats
    line_date: Dates
    line_age_days: Floats


class LineHistory:
    """The dated lines of one theatre, loaded once, that answers for any number of points and days.

    For every point the newest line on or before its day is used, never a later one. A line of another party than
    `held_by` is read mirrored: ground that one of two parties does not hold counts as held by the other. Of several
    lines of one day the fullest is used (ground and line, then ground, then the smallest uncertainty, then by content,
    so that the order of loading does not matter); the others stand in `not_used`.
    """

    def __init__(self, lines: Sequence[DatedLine], *, held_by: str | None = None) -> None:
        """Take the lines in; without `held_by`, +1 stands for the party that holds the ground of the earliest line."""
        ordered = sorted(set(lines), key=_preference)
        parties = sorted({line.held_by for line in ordered})
        if len(parties) > 2:
            raise ValueError(f"held_by={parties} names {len(parties)} parties, the limit is 2")
        best: dict[date, DatedLine] = {}
        for line in ordered:
            best.setdefault(line.valid_date, line)
        used = list(best.values())
        self.lines: tuple[DatedLine, ...] = tuple(used)
        self.not_used: tuple[DatedLine, ...] = tuple(line for line in ordered if best[line.valid_date] is not line)
        self.held_by: str = held_by if held_by is not None else (used[0].held_by if used else "")
        self.line_dates: Dates = np.array([line.valid_date for line in used], dtype="datetime64[D]")
        self._signs = np.array([1 if line.held_by == self.held_by else -1 for line in used], dtype=np.int8)
        self._sigmas_m = np.array([line.sigma_m for line in used], dtype=np.float64)
        self._drawn: dict[int, _DrawnLine] = {}

    def __len__(self) -> int:
        """Give the number of days that have a line."""
        return len(self.lines)

    def line_indices(self, dates: Dates) -> Rows:
        """Give, for each day, the index in `lines` of the newest line on or before it; -1 where there is none."""
        days = np.asarray(dates).astype("datetime64[D]")
        indices = np.searchsorted(self.line_dates, days, side="right") - 1
        return np.where(np.isnat(days), -1, indices)

    def locate(self, longitude_deg: ArrayLike, latitude_deg: ArrayLike, dates: Dates) -> Located:
        """Give each point's side and distance by the newest line on or before its day.

        >>> LineHistory([]).locate([37.8], [48.0], np.array(["2025-04-20"], dtype="datetime64[D]")).side.tolist()
        [0]
        """
        points = Points(np.asarray(longitude_deg, dtype=np.float64), np.asarray(latitude_deg, dtype=np.float64))
        days = np.asarray(dates).astype("datetime64[D]")
        assert days.shape == points.longitude_deg.shape, f"{days.shape} dates do not go with {len(points)} points"
        indices = self.line_indices(days)
        side = np.zeros(len(points), dtype=np.int8)
        foot_longitude_deg, foot_latitude_deg = np.full(len(points), np.nan), np.full(len(points), np.nan)
        for line_index, rows in _rows_by_line(np.where(_has_coordinates(points), indices, -1)):
            here = Points(points.longitude_deg[rows], points.latitude_deg[rows])
            drawn = self._drawn_line(line_index)
            side[rows] = drawn.side(here) * self._signs[line_index]
            foot = drawn.nearest(here)
            foot_longitude_deg[rows], foot_latitude_deg[rows] = foot.longitude_deg, foot.latitude_deg
        distance_m = geodesic_distance_m(points, Points(foot_longitude_deg, foot_latitude_deg))
        return self._located(side, distance_m, indices=indices, days=days)

    def _drawn_line(self, line_index: int) -> _DrawnLine:
        """Give one day's geometry; the one asked for longest ago makes room when there are too many."""
        drawn = self._drawn.pop(line_index, None) or _DrawnLine(self.lines[line_index])
        self._drawn[line_index] = drawn
        if len(self._drawn) > PREPARED_LINES_MAX_COUNT:
            del self._drawn[next(iter(self._drawn))]
        return drawn

    def _located(self, side: NDArray[np.int8], distance_m: Floats, *, indices: Rows, days: Dates) -> Located:
        """Put the answer together; index -1 reads the last entry, which stands for no line."""
        line_date = np.append(self.line_dates, np.datetime64("NaT", "D"))[indices]
        age = (days - line_date).astype(np.float64)
        return Located(
            held_by=self.held_by,
            side=side,
            distance_m=distance_m,
            signed_distance_m=np.where(side == 0, np.nan, side * distance_m),
            sigma_m=np.append(self._sigmas_m, np.nan)[indices],
            line_date=line_date,
            line_age_days=np.where(np.isnat(line_date), np.nan, age),
        )


class _DrawnLine:
    """One day's geometry; what is costly (parsing, indexing) is made at its first use and then kept."""

    def __init__(self, line: DatedLine) -> None:
        """Keep the record."""
        self._line = line

    @cached_property
    def _held(self) -> shapely.Geometry | None:
        """The ground held, prepared for many points."""
        if self._line.held_wkb is None:
            return None
        held = shapely.from_wkb(self._line.held_wkb)
        shapely.prepare(held)
        return held

    @cached_property
    def _index(self) -> _LineInPlane:
        """The pieces of the line; the ground's boundary where no line was drawn."""
        if self._line.line_wkb is not None:
            return _LineInPlane(shapely.from_wkb(self._line.line_wkb))
        assert self._held is not None, f"line of {self._line.valid_date} has neither line nor ground"
        return _LineInPlane(shapely.boundary(self._held))

    def side(self, points: Points) -> NDArray[np.int8]:
        """Give +1 on the ground (its boundary is part of it), -1 off it, 0 where no ground was drawn."""
        if self._held is None:
            return np.zeros(len(points), dtype=np.int8)
        inside = shapely.intersects_xy(self._held, points.longitude_deg, points.latitude_deg)
        return np.where(inside, 1, -1).astype(np.int8)

    def nearest(self, points: Points) -> Points:
        """Give each point's nearest point of the line."""
        return self._index.nearest(points)


class _LineInPlane:
    """One line in its own plane, prepared for many points.

    Tried and rejected: a tree over the line's pieces, asked for the nearest, takes four times as long.
    """

    def __init__(self, line: shapely.Geometry) -> None:
        """Cut the line into pieces short enough to be straight in the plane too, and lay them there."""
        cut = shapely.segmentize(shapely.force_2d(line), SEGMENT_LENGTH_MAX_DEG)
        corners_deg = shapely.get_coordinates(cut)
        self._plane: EqualScalePlane = plane_for(points_of(*corners_deg.T), margin_deg=PLANE_MARGIN_DEG)
        self._line_m = shapely.transform(cut, self._laid_m)
        shapely.prepare(self._line_m)

    def _laid_m(self, corners_deg: Floats) -> Floats:
        """Give corners in the plane."""
        return np.column_stack(self._plane.project_m(points_of(*corners_deg.T)))

    def nearest(self, points: Points) -> Points:
        """Give each point's nearest point of the line; a point that the plane cannot show has none (`nan`)."""
        points_m = np.column_stack(self._plane.project_m(points))
        shown = np.isfinite(points_m).all(axis=1)
        ways_m = shapely.shortest_line(self._line_m, shapely.points(points_m[shown]))
        feet_m = np.full((len(points), 2), np.nan)
        feet_m[shown] = shapely.get_coordinates(ways_m).reshape(-1, 2, 2)[:, 0]
        return self._plane.points_at(feet_m[:, 0], feet_m[:, 1])


def _has_coordinates(points: Points) -> NDArray[np.bool_]:
    """Say which points have both coordinates, as numbers of degrees on the globe."""
    return (np.abs(points.longitude_deg) <= 360.0) & (np.abs(points.latitude_deg) <= 90.0)


def _rows_by_line(indices: Rows) -> Iterator[tuple[int, Rows]]:
    """Give each line in use with the rows that use it; rows of index -1 are left out."""
    order = np.argsort(indices, kind="stable")
    line_indices, starts = np.unique(indices[order], return_index=True)
    for line_index, rows in zip(line_indices.tolist(), np.split(order, starts[1:]), strict=True):
        if line_index >= 0:
            yield line_index, rows


def _preference(line: DatedLine) -> tuple[date, bool, bool, float, str, bytes, bytes, str, str]:
    """Order lines by day, and within a day from the one to be used down; total, so that loading order is no matter.

    Names come last: who is called what must not choose between two drawings (a file's hash changes with the names).
    """
    return (
        line.valid_date,
        line.held_wkb is None,
        line.line_wkb is None,
        line.sigma_m,
        line.source_id,
        line.held_wkb or b"",
        line.line_wkb or b"",
        line.file_sha256,
        line.held_by,
    )


# The numerator's and denominator's coefficients of Hart 1968 (algorithm 5666), as given in West 2005, "Better
# approximations to cumulative normal functions", Wilmott; highest power first; |error| < 1e-14.
_NUMERATOR = (
    0.0352624965998911,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_DENOMINATOR = (
    0.0883883476483184,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)
_DEVIATION_LIMIT = 7.0
_DEVIATION_CERTAIN = 40.0


def normal_probability(deviation_ratio: ArrayLike) -> Floats:
    """Give the standard normal distribution function, for whole columns, to 1e-11; `nan` stays `nan`."""
    deviation = np.asarray(deviation_ratio, dtype=np.float64)
    size = np.minimum(np.abs(deviation), _DEVIATION_CERTAIN)
    inner = np.minimum(size, _DEVIATION_LIMIT)
    tail = np.exp(-(size**2) / 2.0) * np.polyval(_NUMERATOR, inner) / np.polyval(_DENOMINATOR, inner)
    probability: Floats = np.where(deviation > 0.0, 1.0 - tail, tail)
    return probability


def side_probability(signed_distance_m: ArrayLike, sigma_m: ArrayLike, position_sigma_m: ArrayLike) -> Floats:
    """Give the probability that a point lies on held ground: `Phi(d / sqrt(sigma_line^2 + sigma_position^2))`.

    Both errors are taken as normal and independent, and the line as straight over their reach. Without any uncertainty
    the answer is 0, 1, or on the line one half. A distance that is not known (`nan`) gives `nan`, never a half: whoever
    asks must decide what not knowing means there.
    """
    distance_m = np.asarray(signed_distance_m, dtype=np.float64)
    spread_m = np.hypot(np.asarray(sigma_m, dtype=np.float64), np.asarray(position_sigma_m, dtype=np.float64))
    exact = np.where(distance_m == 0.0, 0.0, np.copysign(np.inf, distance_m))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        deviation_ratio = np.where((spread_m > 0.0) | np.isnan(distance_m + spread_m), distance_m / spread_m, exact)
    return normal_probability(deviation_ratio)
