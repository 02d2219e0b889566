"""Places drawn and measured: the probability, for columns of uncertain positions, of lying in the zones of clauses.

Each line is searched once for all belts along it, whichever clauses they belong to, and only for the events that one of
these clauses asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, assert_never
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray

from truceline.assess.columns import Bools, EventColumns, Floats, Longs
from truceline.assess.compile_clauses import references_of
from truceline.assess.compile_zones import (
    AreaPart,
    BeltPart,
    BetweenPart,
    CorridorPart,
    FixedPart,
    LineKey,
    Place,
    SitesPart,
)
from truceline.assess.line_scraps import DIFFERENCE_MOST_PROBABILITY, DOUBT_SIGMAS_COUNT, Doubt, doubt_of, near_scraps
from truceline.assess.spans import local_days
from truceline.assess.stack import Stack
from truceline.assess.zone_area import area_probability
from truceline.assess.zone_belt import Belt, Grounds, belts_probability, compile_belts
from truceline.assess.zone_belt_mass import BeltZones
from truceline.assess.zone_between import corridor, ground_between
from truceline.assess.zone_columns import Located, Spread, rows_of, spread_rows
from truceline.assess.zone_combine import AreaZone, BeltZone, SiteZone, UnionZone, Zone, zone_probability
from truceline.assess.zone_ground import Ground, compile_ground
from truceline.assess.zone_line import ReferenceLine, boundary_line, compile_line, locate
from truceline.assess.zone_site import compile_sites, sites_probability
from truceline.model.reference_line import DatedLine
from truceline.model.zone import AgreedGeometry, GeometryReference
from truceline.physics.contact_line import LineHistory
from truceline.physics.geodesy import Points, points_of

DAYS_KEPT_COUNT = 40
"""How many days' lines are kept ready at a time."""

LINE_AGE_MOST_DAYS = 30.0
"""A dated line older than this on the day of an event says nothing about that day."""

MARKER_LAST_M = 1e-3
"""How far beyond the last marker of a line a belt reaches that goes up to it: the marker itself belongs to it."""

UNCERTAIN_PROBABILITY = 1e-5
"""A part of a place is certain to hold a position, or not to, when it is nearer than this to 1 or 0."""

BOX_SIGMAS_COUNT = 6.0
"""Beyond so many sigmas an error does not reach: less than 2e-8 of it does."""

BOX_MOST_DEG, BOX_MARGIN_MOST_DEG = 170.0, 5.0
"""Boxes beyond this longitude (and latitude 68), or errors wider than 5 degrees, are not left to a box to tell."""

DEGREE_LEAST_M = 110_500.0
"""No degree of latitude is shorter (110,574 m at the equator)."""

Held = Callable[[Points, Spread], Floats]


class _Drawn(NamedTuple):
    """A line on the ground: its left (or held) ground is whose, and how far off it may be.

    `doubt` is there where the line has pieces that may be none.
    """

    line: ReferenceLine
    left_party: str | None
    sigma_m: float
    markers: dict[int, float]
    doubt: Doubt | None = None


class _Fixed(NamedTuple):
    """A part of a place that is the same every day: its probability, and the zone for joint ones."""

    held: Held
    zone: Zone
    sigma_m: float


class Measured(NamedTuple):
    """For some rows: the probability of lying in a place, and which of them could not be measured."""

    probability: Floats
    untold: Bools


class _Group(NamedTuple):
    """Belts of one place along one line, taken together."""

    line: LineKey
    belts: tuple[BeltPart, ...]


class _Laid:
    """A line with the belts along it: which of them cannot be told on it, and any of them together."""

    def __init__(self, drawn: _Drawn, belts: Sequence[Sequence[Belt | None]]) -> None:
        self.drawn = drawn
        self.untold = np.array([None in some for some in belts], dtype=np.bool_)
        self.belts = [[one for one in some if one is not None] for some in belts]
        self._compiled: dict[tuple[int, ...], BeltZones] = {}

    def zones(self, wanted: tuple[int, ...]) -> BeltZones:
        """Give some groups of belts, compiled once."""
        if wanted not in self._compiled:
            self._compiled[wanted] = compile_belts([self.belts[index] for index in wanted])
        return self._compiled[wanted]


class Places:
    """The places of one version of the texts, drawn at their first use and kept."""

    def __init__(self, stack: Stack, lines: Sequence[DatedLine], *, timezone_name: str) -> None:
        """Take the texts' drawings and the dated lines in."""
        self._stack = stack
        self._history = LineHistory(lines)
        self._timezone = ZoneInfo(timezone_name)
        self.groups: dict[LineKey, list[tuple[BeltPart, ...]]] = {}
        self._fixed: dict[FixedPart, _Fixed | None] = {}
        self._drawn: dict[tuple[LineKey, int], _Drawn | None] = {}
        self._zones: dict[tuple[LineKey, int], _Laid | None] = {}

    def know(self, place: Place) -> None:
        """Note the belts of a place, so that every line is searched once for all of them."""
        for group in _groups_of(place):
            known = self.groups.setdefault(group.line, [])
            if group.belts not in known:
                known.append(group.belts)

    def chunk(self, columns: EventColumns) -> Chunk:
        """Make ready to measure one stretch of events."""
        return Chunk(self, columns)

    def day_indices(self, middle_s: Floats) -> Longs:
        """Give the dated line for each moment's local day: the newest on or before it; -1 for none or too old a one."""
        days = local_days(middle_s, self._timezone)
        indices = np.asarray(self._history.line_indices(days), dtype=np.int64)
        if len(self._history) == 0:
            return indices
        age_days = (days - self._history.line_dates[indices]).astype(np.float64)
        return np.where((indices >= 0) & (age_days <= LINE_AGE_MOST_DAYS), indices, -1)

    def zones_along(self, key: LineKey, day_index: int) -> _Laid | None:
        """Give a line with all belts along it; `None` where there is no line."""
        name = (key, day_index)
        if name not in self._zones:
            while len(self._zones) >= DAYS_KEPT_COUNT * max(1, len(self.groups)):
                del self._zones[next(iter(self._zones))]
            self._zones[name] = self._laid(key, day_index)
        return self._zones[name]

    def _laid(self, key: LineKey, day_index: int) -> _Laid | None:
        drawn = self._line(key, day_index)
        if drawn is None:
            return None
        return _Laid(drawn, [[self._belt(drawn, belt) for belt in belts] for belts in self.groups[key]])

    def _belt(self, drawn: _Drawn, part: BeltPart) -> Belt | None:
        """Give a belt on a drawn line; `None` where its ground or its markers cannot be told there."""
        if part.ground_of is not None and drawn.left_party is None:
            return None
        ground: Grounds = (
            "both" if part.ground_of is None else "held" if part.ground_of == drawn.left_party else "other"
        )
        from_m, to_m = -np.inf, np.inf
        if part.marker_from_index is not None and part.marker_until_index is not None:
            if not {part.marker_from_index, part.marker_until_index} <= set(drawn.markers):
                return None
            from_m, to_m = drawn.markers[part.marker_from_index], drawn.markers[part.marker_until_index]
            to_m += MARKER_LAST_M if part.marker_until_index == max(drawn.markers) else 0.0
        return Belt(from_m=part.from_m, to_m=part.to_m, ground=ground, station_from_m=from_m, station_to_m=to_m)

    def _line(self, key: LineKey, day_index: int) -> _Drawn | None:
        """Give a line as drawn in a file of the text, or as dated for a day."""
        if key.drawn is None:
            return self._dated(day_index)
        geometry = self._geometry(key.layer_index, key.drawn)
        if geometry is None:
            return None
        markers = {one.marker_index: one.along_m for one in geometry.markers}
        return _Drawn(compile_line(_lines(geometry.wkb)), self._left_party(key), geometry.sigma_m, markers)

    def _left_party(self, key: LineKey) -> str | None:
        lines = (line for line in self._stack.layers[key.layer_index].lines if line.drawn == key.drawn)
        return next((line.left_party for line in lines if line.left_party is not None), None)

    def _dated(self, day_index: int) -> _Drawn | None:
        if day_index < 0:
            return None
        dated = self._history.lines[day_index]
        if dated.held_wkb is None:
            assert dated.line_wkb is not None, "a dated line has a geometry"
            return _Drawn(compile_line(_lines(dated.line_wkb)), None, dated.sigma_m, {})
        ground = compile_ground(_polygons(dated.held_wkb))
        if dated.line_wkb is None:
            return _Drawn(boundary_line(ground), dated.held_by, dated.sigma_m, {})
        parts = [part for part in _lines(dated.line_wkb) if len(part) > 1]
        line = compile_line(parts, ground=ground)
        return _Drawn(line, dated.held_by, dated.sigma_m, {}, doubt_of(parts, ground))

    def day_index_of(self, day: date) -> int:
        """Give the dated line that stands for a day named in a text; -1 for none."""
        return int(self.day_indices(np.array([datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()]))[0])

    def fixed(self, part: FixedPart) -> _Fixed | None:
        """Give a part that is the same every day; `None` where its drawing was not read."""
        if part not in self._fixed:
            self._fixed[part] = self._made(part)
        return self._fixed[part]

    def _made(self, part: FixedPart) -> _Fixed | None:
        geometries = [self._geometry(index, drawn) for index, drawn in references_of(part)]
        if not geometries or any(one is None for one in geometries):
            return None
        drawings = [one for one in geometries if one is not None]
        sigma_m = max(one.sigma_m for one in drawings)
        match part:
            case AreaPart():
                bounds = tuple(shapely.bounds(shapely.from_wkb(drawings[0].wkb)).tolist())
                return _area(compile_ground(_polygons(drawings[0].wkb)), sigma_m, box_deg=bounds)
            case BetweenPart():
                if len(drawings) < 2:
                    return None
                first, second = (np.vstack(_lines(one.wkb)) for one in drawings)
                return _area(ground_between(first, second), sigma_m)
            case SitesPart():
                return _sites(drawings[0], part.names, part.radius_m)
            case CorridorPart():
                return _corridor(drawings[0], part.names, part.half_width_m)
            case _:
                assert_never(part)

    def _geometry(self, layer_index: int, drawn: GeometryReference) -> AgreedGeometry | None:
        return self._stack.layers[layer_index].geometry(drawn)

    def group_index(self, group: _Group) -> int:
        """Give the number of a group of belts along its line."""
        return self.groups[group.line].index(group.belts)


class Chunk:
    """One stretch of events: first asked which rows matter for which place, then measured, then read."""

    def __init__(self, places: Places, columns: EventColumns) -> None:
        """Take the events in."""
        self._places = places
        self._columns = columns
        self._needed: dict[LineKey, Longs] = {}
        self._results: dict[LineKey, tuple[Longs, Floats, Bools]] = {}

    def need(self, place: Place, rows: Longs) -> None:
        """Note that some rows will be asked for."""
        for group in _groups_of(place):
            mask = self._needed.get(group.line)
            if mask is None:
                mask = self._needed[group.line] = np.zeros(len(self._columns), dtype=np.int64)
            bit = 1 << self._places.group_index(group)
            if not (mask[rows] & bit).all():
                mask[rows] |= bit
                self._results.pop(group.line, None)

    def measured(self, place: Place, rows: Longs) -> Measured:
        """Give, for rows noted before, the probability of lying in a place, and where that cannot be told."""
        probabilities: list[Floats] = []
        untold = np.zeros(len(rows), dtype=np.bool_)
        joint: list[tuple[Zone, float] | None] = []
        for group in _groups_of(place):
            slot_of, table, missing = self._along(group.line)
            index = self._places.group_index(group)
            slots = slot_of[rows]
            probabilities.append(table[index, slots])
            untold |= missing[index, slots]
            joint.append(self._belt_zone(group))
        for part in place.parts:
            if isinstance(part, BeltPart):
                continue
            fixed = self._places.fixed(part)
            if fixed is None:
                untold[:] = True
                continue
            probabilities.append(
                fixed.held(rows_of(self._columns.points, rows), spread_rows(self._columns.spread, rows))
            )
            joint.append((fixed.zone, fixed.sigma_m))
        return Measured(self._together(probabilities, joint, rows), untold)

    def _together(self, probabilities: list[Floats], joint: list[tuple[Zone, float] | None], rows: Longs) -> Floats:
        """Give the probability of a union: of one uncertain part its own; of several the joint one.

        Where parts lie along lines that change from day to day, the larger of the bounds is not measured jointly: the
        sum, at most 1, stands for it, which is exact for parts that do not overlap.
        """
        if not probabilities:
            return np.zeros(len(rows))
        table = np.vstack(probabilities)
        found: Floats = table.max(axis=0)
        uncertain = (table > UNCERTAIN_PROBABILITY) & (table < 1.0 - UNCERTAIN_PROBABILITY)
        several = np.flatnonzero((uncertain.sum(axis=0) > 1) & (found < 1.0 - UNCERTAIN_PROBABILITY))
        if len(several) == 0:
            return found
        known = [one for one in joint if one is not None]
        most = np.minimum(table[:, several].sum(axis=0), 1.0)
        if len(known) < len(joint):
            found[several] = most
            return found
        union = UnionZone(tuple(zone for zone, _ in known))
        sigma_m = max(sigma for _, sigma in known)
        here = rows_of(self._columns.points, rows[several])
        spread = spread_rows(self._columns.spread, rows[several])
        shared = zone_probability(union, here, spread, boundary_sigma_m=sigma_m)
        found[several] = np.clip(shared, found[several], most)
        return found

    def _belt_zone(self, group: _Group) -> tuple[Zone, float] | None:
        """Give belts along a line that stays as a zone of their own; `None` for a line of each day."""
        if group.line.drawn is None and group.line.as_of is None:
            return None
        laid = self._places.zones_along(group.line, self._fixed_day(group.line))
        if laid is None:
            return None
        own = laid.zones((self._places.group_index(group),))
        return BeltZone(laid.drawn.line, own), laid.drawn.sigma_m

    def _fixed_day(self, key: LineKey) -> int:
        return -1 if key.as_of is None else self._places.day_index_of(key.as_of)

    def _along(self, key: LineKey) -> tuple[Longs, Floats, Bools]:
        """Give for each row its slot in the table of probabilities [groups, slots], measured once."""
        if key not in self._results:
            rows = np.flatnonzero(self._needed[key])
            slot_of = np.full(len(self._columns), -1, dtype=np.int64)
            slot_of[rows] = np.arange(len(rows))
            count = len(self._places.groups[key])
            table, untold = np.zeros((count, len(rows))), np.zeros((count, len(rows)), dtype=np.bool_)
            for day_index, slots in self._days(key, rows):
                laid = self._places.zones_along(key, day_index)
                if laid is None:
                    untold[:, slots] = True
                    continue
                untold[:, slots] = laid.untold[:, None]
                self._weigh(laid, (table, untold), rows, slots=slots, asked=self._needed[key][rows[slots]])
            self._results[key] = (slot_of, table, untold)
        return self._results[key]

    def _weigh(self, laid: _Laid, tables: tuple[Floats, Bools], rows: Longs, *, slots: Longs, asked: Longs) -> None:
        """Fill the tables for some slots; each event is weighed only for the belts that it is asked about.

        What hinges on scraps of a line cannot be told.
        """
        table, untold = tables
        drawn, points = laid.drawn, self._columns.points
        doubt = drawn.doubt
        doubtful = near_scraps(() if doubt is None else doubt.scraps, rows_of(points, rows[slots]))
        for bits in np.unique(asked):
            chosen = slots[asked == bits]
            wanted = [index for index in range(len(table)) if int(bits) >> index & 1]
            zones = laid.zones(tuple(wanted))
            located, found = self._along_line(drawn.line, zones, rows[chosen], sigma_m=drawn.sigma_m)
            table[np.ix_(wanted, chosen)] = found
            if doubt is not None:
                near = np.flatnonzero(doubtful[asked == bits])
                near = near[self._meets_scrap(doubt, rows[chosen[near]], located.signed_distance_m[near])]
                _, without = self._along_line(doubt.sure, zones, rows[chosen[near]], sigma_m=drawn.sigma_m)
                hinges = np.abs(found[:, near] - without) > DIFFERENCE_MOST_PROBABILITY
                untold[np.ix_(wanted, chosen[near])] |= hinges
                table[np.ix_(wanted, chosen[near])] = np.minimum(found[:, near], without)

    def _meets_scrap(self, doubt: Doubt, rows: Longs, distance_m: Floats) -> Bools:
        """Say for which rows a scrap is the nearest piece of the line, or may be within their error."""
        spread = spread_rows(self._columns.spread, rows)
        reach_m = DOUBT_SIGMAS_COUNT * np.sqrt(
            np.maximum(spread.east_m2, spread.north_m2) + np.abs(spread.covariance_m2)
        )
        gap_m = np.abs(locate(doubt.scrap_line, rows_of(self._columns.points, rows)).signed_distance_m)
        meets: Bools = gap_m <= np.abs(distance_m) + 2.0 * reach_m
        return meets

    def _along_line(
        self, line: ReferenceLine, zones: BeltZones, rows: Longs, *, sigma_m: float
    ) -> tuple[Located, Floats]:
        """Give where rows lie seen from a line, and the probability [zones, rows] of lying in belts along it."""
        points, spread = rows_of(self._columns.points, rows), spread_rows(self._columns.spread, rows)
        return belts_probability(line, zones, points, spread=spread, boundary_sigma_m=sigma_m)

    def _days(self, key: LineKey, rows: Longs) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Give the slots that use one dated line, for each of them."""
        if key.drawn is not None or key.as_of is not None:
            yield self._fixed_day(key), np.arange(len(rows))
            return
        middle_s = (self._columns.start_s[rows] + self._columns.end_s[rows]) / 2.0
        indices = self._places.day_indices(middle_s)
        order = np.argsort(indices, kind="stable")
        found, starts = np.unique(indices[order], return_index=True)
        for day_index, slots in zip(found, np.split(order, starts[1:]), strict=False):
            yield int(day_index), slots


def _groups_of(place: Place) -> list[_Group]:
    """Give the belts of a place, line by line."""
    by_line: dict[LineKey, list[BeltPart]] = {}
    for part in place.parts:
        if isinstance(part, BeltPart):
            by_line.setdefault(part.line, []).append(part)
    return [_Group(line, tuple(belts)) for line, belts in by_line.items()]


def _lines(wkb: bytes) -> list[Floats]:
    """Give the parts of a drawn line, each [n, 2] longitude and latitude."""
    parts = shapely.get_parts(shapely.from_wkb(wkb))
    return [shapely.get_coordinates(part) for part in parts]


def _polygons(wkb: bytes) -> list[list[Floats]]:
    """Give polygons as rings, each its shell and then its holes."""
    parts = shapely.get_parts(shapely.from_wkb(wkb))
    return [[shapely.get_coordinates(ring) for ring in shapely.get_rings(part)] for part in parts]


def _near(box_deg: tuple[float, float, float, float], points: Points, spread: Spread, *, reach_m: float) -> Bools:
    """Say which positions may reach into a box (west, south, east, north) with their errors.

    Near the date line and the poles, where a box in degrees is not what it seems, everything may.
    """
    west_deg, south_deg, east_deg, north_deg = box_deg
    if max(abs(west_deg), abs(east_deg)) > BOX_MOST_DEG or max(abs(south_deg), abs(north_deg)) > BOX_MOST_DEG / 2.5:
        return np.ones(len(points), dtype=np.bool_)
    margin_deg = (BOX_SIGMAS_COUNT * np.sqrt(spread.east_m2 + spread.north_m2) + reach_m) / DEGREE_LEAST_M
    wide_deg = margin_deg / np.cos(
        np.radians(max(abs(south_deg), abs(north_deg))) + np.radians(margin_deg).clip(0.0, 0.1)
    )
    longitude_deg, latitude_deg = points.longitude_deg, points.latitude_deg
    with np.errstate(invalid="ignore"):
        inside = (longitude_deg >= west_deg - wide_deg) & (longitude_deg <= east_deg + wide_deg)
        near: Bools = inside & (latitude_deg >= south_deg - margin_deg) & (latitude_deg <= north_deg + margin_deg)
    return near | (margin_deg > BOX_MARGIN_MOST_DEG)


def _only_near(measure: Held, box_deg: tuple[float, float, float, float], *, reach_m: float) -> Held:
    """Measure only positions that may lie in a box; all others lie nowhere in it."""

    def held(points: Points, spread: Spread) -> Floats:
        found = np.zeros(len(points))
        rows = np.flatnonzero(_near(box_deg, points, spread, reach_m=reach_m))
        found[rows] = measure(rows_of(points, rows), spread_rows(spread, rows))
        return found

    return held


def _area(ground: Ground, sigma_m: float, *, box_deg: tuple[float, float, float, float] | None = None) -> _Fixed:
    def held(points: Points, spread: Spread) -> Floats:
        return area_probability(ground, points, spread, boundary_sigma_m=sigma_m)

    measure = held if box_deg is None else _only_near(held, box_deg, reach_m=BOX_SIGMAS_COUNT * sigma_m)
    return _Fixed(measure, AreaZone(ground), sigma_m)


def _named_places(geometry: AgreedGeometry, names: Sequence[str]) -> Points:
    """Give the places of a file that are named, in that order; all of them where none is."""
    corners: NDArray[Any] = shapely.get_coordinates(shapely.from_wkb(geometry.wkb))
    chosen = [geometry.names.index(name) for name in names] if names else list(range(len(corners)))
    return points_of(corners[chosen, 0], corners[chosen, 1])


def _sites(geometry: AgreedGeometry, names: Sequence[str], radius_m: float) -> _Fixed:
    sites = compile_sites(_named_places(geometry, names), radius_m)
    more_m2 = geometry.sigma_m**2

    def held(points: Points, spread: Spread) -> Floats:
        wider = Spread(spread.east_m2 + more_m2, spread.north_m2 + more_m2, spread.covariance_m2)
        return sites_probability(sites, points, wider)

    return _Fixed(held, SiteZone(sites), geometry.sigma_m)


def _corridor(geometry: AgreedGeometry, names: Sequence[str], half_width_m: float) -> _Fixed:
    ends = _named_places(geometry, names)
    start, end = ((float(ends.longitude_deg[i]), float(ends.latitude_deg[i])) for i in (0, 1))
    line = corridor(start, end)
    zones = compile_belts([[Belt(from_m=0.0, to_m=half_width_m, station_from_m=0.0, station_to_m=line.length_m)]])

    def held(points: Points, spread: Spread) -> Floats:
        _, found = belts_probability(line, zones, points, spread=spread, boundary_sigma_m=geometry.sigma_m)
        column: Floats = found[0]
        return column

    return _Fixed(held, BeltZone(line, zones), geometry.sigma_m)
