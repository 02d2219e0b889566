"""A day's detections become sensor events: the engine's solutions of the tiles of one grid, each event once.

The grid, who owns an event and how seams are merged are those of the columnar runner; what differs is that a whole
local day is solved at once. The answer is a function of the set of the detections and of the settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from truceline.associate.event_type import TYPES
from truceline.associate.network import Floats, Ints
from truceline.associate.rows import KEPT_OUT_LOAD, Row
from truceline.associate.seams import (
    Candidates,
    candidates_of,
    kept_mask,
    put_together,
    selected,
    with_mirrored,
    without_seams,
)
from truceline.associate.sensor_network import DayNetwork, day_network
from truceline.associate.settings import AssociationSettings, SensorSettings
from truceline.associate.tile_rows import (
    DetectionRows,
    in_canonical_order,
    joined,
    keys_of,
    station_share,
    taken,
    tile_share,
)
from truceline.associate.tiles import (
    NS_PER_S_COUNT,
    STATIONS_MIN_COUNT,
    StationLine,
    Tile,
    TileGrid,
    line_through,
    slabs_needing,
    slabs_of,
    station_rows,
    tile_detections,
    tile_network,
    tile_stations,
    window_mask,
)
from truceline.model.event import SensorOrigin
from truceline.model.quantity import EPOCH
from truceline.physics.geodesy import EqualScalePlane

NS_PER_MICROSECOND_COUNT = 1_000
SPAN_SIGMAS_COUNT = 2.0
"""An origin's time span reaches so many sigmas before and after its time."""

POSITION_SIGMA_MAX_M = 1.0e6

SLOWEST_M_PER_S = 250.0
CLOCK_MARGIN_S = 5.0
"""Two detections farther apart in time than sound this slow takes between their stations, and clocks may be wrong, are
not of one event: slower than any sound against the wind, and wider than the clock errors that the engine mends."""

COMPARED_MAX_COUNT = 2_000
"""Windows with more detections than this are solved without comparing all pairs of them first."""


class SensorEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event located by sensors: its origin as a row, how it was placed, and the detections that define it.

    `members` are in canonical order, `residuals_s` beside them: how much later each came than the origin lets expect.
    """

    place: Row
    origin: SensorOrigin
    members: tuple[Row, ...]
    residuals_s: tuple[float, ...]


class SensedDay(msgspec.Struct, frozen=True, kw_only=True):
    """The sensor events of one day by time, and by detection why some could not take part."""

    events: tuple[SensorEvent, ...] = ()
    reasons: dict[str, str] = {}


class _Window(NamedTuple):
    """What a tile is solved from, and the line on which its stations stand, if they do."""

    tile: Tile
    stations: Ints
    rows: DetectionRows
    line: StationLine | None


def sense_day(detections: Sequence[Row], settings: AssociationSettings) -> SensedDay:
    """Give the sensor events of one day's detections, in whatever order they come; none where too few stations heard.

    A detection defines the event to which it most probably belongs, if that is probable enough; so it defines one at
    most.
    """
    day = day_network(detections, settings)
    if day is None:
        return SensedDay()
    reasons = {row.observation_id: day.reasons[row.observer] for row in detections if row.observer in day.reasons}
    by_id = {row.observation_id: row for row in detections if row.observation_id not in reasons}
    rows, left_out = _shared(_columns(list(by_id.values()), day, settings), day.grid, settings.sensors)
    parts: list[Candidates] = []
    solvable = _solvable(day)
    for window in _windows(rows, day, solvable, range_max_m=settings.sensors.engine.range_max_m):
        stays = tile_share(window.rows, tile_max_count=settings.sensors.tile_max_count)
        left_out |= set(window.rows.detection_id.filter(pa.array(~stays)).to_pylist())
        parts.append(_solved(window._replace(rows=taken(window.rows, stays)), day, settings.sensors, set(solvable)))
    reasons |= dict.fromkeys(sorted(left_out), KEPT_OUT_LOAD)
    if not parts:
        return SensedDay(reasons=reasons)
    return SensedDay(events=_sensor_events(_each_once(put_together(parts)), by_id, day.grid, settings), reasons=reasons)


def _columns(detections: Sequence[Row], day: DayNetwork, settings: AssociationSettings) -> DetectionRows:
    """Give detections as columns in canonical order; bearings are turned from true north to the plane's."""
    index_of = {name: index for index, name in enumerate(day.station_ids)}
    count = len(detections)
    bearing_deg = _numbers([row.bearing_deg for row in detections])
    sigma_deg = _numbers([row.bearing_sigma_deg or settings.detection_bearing_default_sigma_deg for row in detections])
    amplitude_pa = _numbers([row.amplitude_pa for row in detections])
    turned_deg = np.degrees(_turn_rad(day.grid, np.array([row.longitude_deg for row in detections])))
    ids = pa.array([row.observation_id for row in detections], pa.string())
    rows = DetectionRows(
        station_index=np.array([index_of[row.observer] for row in detections], np.int32),
        time_ns=np.array([_nanoseconds_of(row.start) for row in detections], np.int64),
        received_ns=np.zeros(count, np.int64),
        sigma_s=np.full(count, np.nan),
        bearing_deg=np.mod(bearing_deg - turned_deg, 360.0),
        bearing_sigma_deg=np.where(np.isfinite(bearing_deg), sigma_deg, np.nan),
        amplitude_log10_ratio=np.log10(amplitude_pa, out=np.full(count, np.nan), where=amplitude_pa > 0.0),
        phase_index=np.full(count, -1, np.int16),
        key=keys_of(ids),
        copy_count=np.ones(count, np.int32),
        same_count=np.ones(count, np.int32),
        detection_id=ids,
    )
    return in_canonical_order(rows)


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _nanoseconds_of(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * NS_PER_MICROSECOND_COUNT


def _turn_rad(grid: TileGrid, longitude_deg: Floats) -> Floats:
    """Give by how much true north is turned from the plane's, clockwise negative: the convergence of the meridians.

    Snyder 1987, "Map projections - a working manual", eq. 14-4: `n (longitude - origin)` for a conic plane.
    """
    plane = _plane_of(grid)
    turned_deg = np.mod(longitude_deg - plane.longitude_origin_deg + 180.0, 360.0) - 180.0
    return np.asarray(plane.cone_constant_ratio * np.radians(turned_deg), np.float64)


def _plane_of(grid: TileGrid) -> EqualScalePlane:
    assert grid.plane is not None, "the grid of a day has a plane"
    return grid.plane


def _shared(rows: DetectionRows, grid: TileGrid, sensors: SensorSettings) -> tuple[DetectionRows, set[str]]:
    """Hold each station to its limit in each slab; give what stays in canonical order, and the ids of the rest."""
    slabs = slabs_of(grid, rows.time_ns)
    kept: list[DetectionRows] = []
    left_out: set[str] = set()
    for slab_index in np.unique(slabs).tolist():
        inside = taken(rows, slabs == slab_index)
        share, rest = station_share(inside, station_max_count=sensors.station_slab_max_count)
        kept.append(share)
        left_out |= set(rest.detection_id.to_pylist())
    return in_canonical_order(joined(kept)), left_out


def _solvable(day: DayNetwork) -> dict[tuple[int, int], Ints]:
    """Give the stations of every (column, row) that has enough of them."""
    tiles = tile_stations(day.grid, day.network.x_m, day.network.y_m)
    return {place: stations for place, stations in tiles.items() if len(stations) >= STATIONS_MIN_COUNT}


def _windows(
    rows: DetectionRows, day: DayNetwork, solvable: dict[tuple[int, int], Ints], *, range_max_m: float
) -> Iterator[_Window]:
    """Give every tile of every slab in which enough stations may have heard one event, in their order."""
    first, last = slabs_needing(day.grid, rows.time_ns)
    spans = set(zip(first.tolist(), last.tolist(), strict=True))
    needed = sorted({slab for low, high in spans for slab in range(low, high + 1)})
    lines = {place: _line_of(day, stations) for place, stations in solvable.items()}
    for slab_index in needed:
        window = taken(rows, window_mask(day.grid, slab_index, rows.time_ns))
        for place, stations in solvable.items():
            inside = station_rows(window, stations, station_count=len(day.station_ids))
            if _may_be_of_one(inside, day, range_max_m=range_max_m):
                yield _Window(Tile(*place, slab_index), stations, inside, lines[place])


def _may_be_of_one(rows: DetectionRows, day: DayNetwork, *, range_max_m: float) -> bool:
    """Say whether some detection has company of enough stations within reach, and in time, of one sound.

    What is heard at two stations from within `range_max_m` of both lies at most twice that apart, and comes no farther
    apart in time than sound from one to the other: the triangle's inequality. So no event of so many stations is lost.
    """
    heard, station = np.unique(rows.station_index, return_inverse=True)
    if len(heard) < STATIONS_MIN_COUNT or rows.row_count > COMPARED_MAX_COUNT:
        return len(heard) >= STATIONS_MIN_COUNT
    x_m, y_m = day.network.x_m[rows.station_index], day.network.y_m[rows.station_index]
    apart_m = np.hypot(x_m[:, None] - x_m, y_m[:, None] - y_m)
    gap_s = np.abs(rows.time_ns[:, None] - rows.time_ns) / NS_PER_S_COUNT
    fits = (apart_m <= 2.0 * range_max_m) & (gap_s <= apart_m / SLOWEST_M_PER_S + CLOCK_MARGIN_S)
    is_of = station[:, None] == np.arange(len(heard))
    companions_count = ((fits.astype(np.float64) @ is_of) > 0.0).sum(axis=1)
    return bool(companions_count.max() >= STATIONS_MIN_COUNT)


def _line_of(day: DayNetwork, stations: Ints) -> StationLine | None:
    if np.isfinite(day.network.bearing_sigma_deg[stations]).any():
        return None
    return line_through(day.network.x_m[stations], day.network.y_m[stations])


def _solved(window: _Window, day: DayNetwork, sensors: SensorSettings, solvable: set[tuple[int, int]]) -> Candidates:
    """Solve one tile; give the events it speaks for, with their types."""
    from truceline.associate.engine import solve_window
    from truceline.associate.tile_types import event_types

    grid, tile = day.grid, window.tile
    network = tile_network(day.network, window.stations, centre_m=grid.centre_m(tile.column_index, tile.row_index))
    detections = tile_detections(window.rows, window.stations, start_ns=grid.slab_start_ns(tile.slab_index))
    solution = solve_window(network, detections, span_s=grid.span, medium=sensors.medium, settings=sensors.engine)
    types = event_types(network, detections, solution)
    candidates = candidates_of(solution, window.rows, grid=grid, tile=tile)
    candidates = candidates._replace(type_index=types.named_index, type_probability=types.named_probability)
    kept = kept_mask(candidates, grid=grid, tile=tile, solved=solvable)
    return with_mirrored(selected(candidates, np.flatnonzero(kept)), window.line)


def _each_once(candidates: Candidates) -> Candidates:
    """Give each event of several tiles or slabs once: of two that are one, the one with the larger log-odds stands.

    `without_seams` tells tiles by column and row, since it is given one slab at a time; so tiles are numbered for it,
    in their order, with the slab as a part of them.
    """
    tiles = np.column_stack([candidates.tile_column, candidates.tile_row, candidates.tile_slab])
    names, number = np.unique(tiles, axis=0, return_inverse=True)
    numbered = candidates._replace(tile_column=number.reshape(-1), tile_row=np.zeros(len(tiles), np.int64))
    once, _ = without_seams(numbered)
    column, row, slab = names[once.tile_column].T
    return once._replace(tile_column=column, tile_row=row, tile_slab=slab)


def _sensor_events(
    candidates: Candidates, by_id: dict[str, Row], grid: TileGrid, settings: AssociationSettings
) -> tuple[SensorEvent, ...]:
    """Give the events with the detections that define them; one that none defines is not an event of its own."""
    assert np.isfinite(candidates.covariance).all(), "the engine gives every event a finite covariance"
    members = _defining(candidates, settings.sensors.member_least_probability)
    origins = _origins(candidates, grid)
    points = _plane_of(grid).points_at(candidates.x_m, candidates.y_m)
    events = []
    for index in sorted(members):
        rows = sorted(
            ((by_id[name], residual_s) for name, residual_s in members[index]), key=lambda pair: pair[0].order
        )
        place = _place(
            rows[0][0],
            origins[index],
            time_ns=int(candidates.time_ns[index]),
            latitude_deg=float(points.latitude_deg[index]),
            longitude_deg=float(points.longitude_deg[index]),
        )
        events.append(
            SensorEvent(
                place=place,
                origin=origins[index],
                members=tuple(row for row, _ in rows),
                residuals_s=tuple(residual_s for _, residual_s in rows),
            )
        )
    return tuple(events)


def _defining(candidates: Candidates, least_probability: float) -> dict[int, list[tuple[str, float]]]:
    """Give, by event, the ids and residuals of the detections that belong to it more than to any other event."""
    best: dict[str, tuple[float, int, float]] = {}
    flat = zip(
        candidates.members.event_index.tolist(),
        candidates.member_id.to_pylist(),
        candidates.member_probability.tolist(),
        candidates.member_residual_s.tolist(),
        strict=True,
    )
    for event, name, probability, residual_s in flat:
        if probability >= least_probability and (name not in best or probability > best[name][0]):
            best[name] = (probability, event, residual_s)
    found: dict[int, list[tuple[str, float]]] = {}
    for name, (_, event, residual_s) in best.items():
        found.setdefault(event, []).append((name, residual_s))
    return found


def _place(member: Row, origin: SensorOrigin, *, time_ns: int, latitude_deg: float, longitude_deg: float) -> Row:
    """Give an origin as a row, named after its first detection; its circle has the ellipse's mean variance."""
    moment = EPOCH + timedelta(microseconds=time_ns // NS_PER_MICROSECOND_COUNT)
    reach = timedelta(seconds=SPAN_SIGMAS_COUNT * origin.time_sigma_s)
    sigma_m = math.sqrt((origin.covariance_east_m2 + origin.covariance_north_m2) / 2.0)
    return Row(
        start=moment - reach,
        observation_id=f"sensor-event-of-{member.observation_id}",
        end=moment + reach,
        role="sensor_event",
        kind=member.kind,
        source_id=member.source_id,
        file_sha256="",
        row_index=0,
        latitude_deg=round(latitude_deg, 7),
        longitude_deg=round(longitude_deg, 7),
        sigma_m=round(min(sigma_m, POSITION_SIGMA_MAX_M), 3),
        low_count=1.0,
        high_count=1.0,
        approximate=False,
    )


def _origins(candidates: Candidates, grid: TileGrid) -> list[SensorOrigin]:
    """Give how each event was placed, its covariance turned from the plane's axes to true east and north.

    A way (x, y) in the plane goes `x cos g + y sin g` east and `y cos g - x sin g` north, g the convergence.
    """
    c, plane = candidates, _plane_of(grid)
    points, other = plane.points_at(c.x_m, c.y_m), plane.points_at(c.alternative_x_m, c.alternative_y_m)
    turn_rad = _turn_rad(grid, points.longitude_deg)
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    xx, xy, yy = c.covariance[:, 0], c.covariance[:, 1], c.covariance[:, 3]
    east_m2 = xx * cosine**2 + 2.0 * xy * sine * cosine + yy * sine**2
    north_m2 = xx * sine**2 - 2.0 * xy * sine * cosine + yy * cosine**2
    both_m2 = (yy - xx) * sine * cosine + xy * (cosine**2 - sine**2)
    columns = np.round([east_m2, both_m2, north_m2, c.detection_range_m], 3)
    time_sigma_s = np.round(np.sqrt(c.covariance[:, 5]), 6).tolist()
    tiles = np.column_stack([c.tile_column, c.tile_row, c.tile_slab]).tolist()
    grid_id = grid.grid_id
    return [
        SensorOrigin(
            covariance_east_m2=numbers[0],
            covariance_east_north_m2=numbers[1],
            covariance_north_m2=numbers[2],
            region_tail_ratio=round(float(c.region_tail_ratio[index]), 6),
            time_sigma_s=time_sigma_s[index],
            detection_range_m=numbers[3],
            event_probability=float(c.event_probability[index]),
            log_odds_ratio=float(c.log_odds_ratio[index]),
            named_type=TYPES[int(c.type_index[index])],
            named_probability=float(c.type_probability[index]),
            grid_id=grid_id,
            tile_id=Tile(*tiles[index]).tile_id,
            alternative_latitude_deg=_known(other.latitude_deg[index], 7),
            alternative_longitude_deg=_known(other.longitude_deg[index], 7),
            alternative_probability=_known(c.alternative_probability[index], 6),
        )
        for index, numbers in enumerate(columns.T.tolist())
    ]


def _known(value: float, digits_count: int) -> float | None:
    """Give a rounded number, or `None` for `nan`."""
    return round(float(value), digits_count) if math.isfinite(value) else None
