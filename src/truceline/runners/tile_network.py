"""A table of stations becomes a network in one plane; a station that cannot be used is kept, counted and said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from truceline.associate.network import Network
from truceline.associate.tiles import STATIONS_MIN_COUNT, TileGrid, tile_stations
from truceline.errors import InputUnusable
from truceline.model.network import STATION_SCHEMA
from truceline.model.quantity import content_id
from truceline.physics.geodesy import EqualScalePlane, Points, geodesic_distance_m, plane_for, points_of
from truceline.runners.tile_counts import Example, TileCounts, counted
from truceline.runners.tile_values import numbers_of, texts_of

PLANE_REACH_M = 1_500_000.0
"""A station farther than this from the middle (median) of all is outside the plane."""

ORIGIN_STEP_M = 10_000.0
"""The grid's origin stands on multiples of this, so that a few more stations need not move it."""

MARGIN_M = 25_000.0
"""How far outside the network events are expected, when the grid is laid so that few tiles cover them."""

HEARING_MODALITIES = frozenset({"acoustic", "bearing", "amplitude", "infrasound", "seismic"})
"""Modalities of stations whose arrival times the engine weighs; others (flash, thermal, human) get no weight."""

_LIMITS = {
    "timing_sigma_s": (0.0001, 60.0),
    "bearing_sigma_deg": (0.01, 180.0),
    "dead_time_s": (0.0, 3_600.0),
    "clutter_rate_hz": (0.0, 100.0),
}
_OPTIONAL = frozenset({"bearing_sigma_deg", "clutter_rate_hz"})


class StationNetwork(NamedTuple):
    """The stations in use, in the order of their ids, in metres of the plane; and the others with their reason.

    `listed` gives every station id its index, or -1 where it is not used.
    """

    station_ids: tuple[str, ...]
    network: Network
    plane: EqualScalePlane
    listed: dict[str, int]
    counts: TileCounts

    @property
    def network_id(self) -> str:
        """The network's name: the hash of what is used of it."""
        columns = [np.ascontiguousarray(column).tobytes() for column in self.network]
        return content_id("network", "\0".join(self.station_ids).encode(), *columns)


class _Station(msgspec.Struct, frozen=True, order=True, array_like=True):
    station_id: str
    longitude_deg: float
    latitude_deg: float
    modality: str
    timing_sigma_s: float
    bearing_sigma_deg: float
    dead_time_s: float
    clutter_rate_hz: float


def read_stations(
    table: pa.Table, *, modality_index: Mapping[str, int], plane: EqualScalePlane | None = None
) -> StationNetwork:
    """Give the network of a table in `STATION_SCHEMA` (numbers may be text), whatever the order of its rows.

    Without a plane one is laid through the stations, its band on whole degrees. Raise `InputUnusable` where columns
    are missing or no station can be used: then there is no place to speak of.
    """
    stations, reasons, counts = _checked(_rows(table), modality_index)
    stations, outside, counts = _inside(stations, counts)
    if not stations:
        said = "; ".join(line.strip() for line in counts.shown_lines())
        raise InputUnusable(f"station_count=0 of {table.num_rows} rows can be used: {said or 'the table is empty'}")
    points = points_of([s.longitude_deg for s in stations], [s.latitude_deg for s in stations])
    plane = plane or _plane_of(points)
    x_m, y_m = plane.project_m(points)
    network = Network(
        x_m=x_m,
        y_m=y_m,
        timing_sigma_s=np.array([s.timing_sigma_s for s in stations]),
        dead_time_s=np.array([s.dead_time_s for s in stations]),
        clutter_rate_hz=np.array([s.clutter_rate_hz for s in stations]),
        bearing_sigma_deg=np.array([s.bearing_sigma_deg for s in stations]),
        modality_index=np.array([modality_index[s.modality] for s in stations], np.int64),
        weight_ratio=np.array([float(s.modality in HEARING_MODALITIES) for s in stations]),
    )
    counts = _not_weighed(stations, counts)
    listed = dict.fromkeys([*reasons, *outside], -1)
    listed |= {station.station_id: index for index, station in enumerate(stations)}
    return StationNetwork(tuple(s.station_id for s in stations), network, plane, listed, counts)


def grid_for(stations: StationNetwork, like: TileGrid) -> TileGrid:
    """Lay a grid of given numbers through the network's plane so that few tiles cover it."""
    origins_m = []
    for value_m in (stations.network.x_m, stations.network.y_m):
        low_m, high_m = float(value_m.min()) - MARGIN_M, float(value_m.max()) + MARGIN_M
        tiles_count = max(1, math.ceil((high_m - low_m) / like.core_m))
        free_m = tiles_count * like.core_m - (high_m - low_m)
        origins_m.append(math.floor((low_m - free_m / 2.0) / ORIGIN_STEP_M) * ORIGIN_STEP_M)
    return msgspec.structs.replace(like, plane=stations.plane, origin_x_m=origins_m[0], origin_y_m=origins_m[1])


def solvable_tiles(stations: StationNetwork, grid: TileGrid) -> dict[tuple[int, int], Any]:
    """Give the stations of every (column, row) that has enough of them."""
    tiles = tile_stations(grid, stations.network.x_m, stations.network.y_m)
    return {place: members for place, members in tiles.items() if len(members) >= STATIONS_MIN_COUNT}


def _rows(table: pa.Table) -> list[tuple[_Station, str]]:
    """Read a table's rows, each with the name of a number that could not be read (empty: none)."""
    wanted = [field.name for field in STATION_SCHEMA if not field.nullable]
    if missing := [name for name in wanted if name not in table.column_names]:
        raise InputUnusable(f"stations: columns {missing} are missing; there are {table.column_names}")
    count = table.num_rows
    texts = {name: texts_of(table, name) for name in ("station_id", "modality")}
    numbers, unread = {}, {}
    for name in ("longitude_deg", "latitude_deg", *_LIMITS):
        numbers[name], unread[name] = numbers_of(table, name)
    fields = [
        *(texts[name] if name in texts else numbers[name].tolist() for name in _Station.__struct_fields__),
    ]
    bad = [",".join(name for name, mask in unread.items() if mask[at]) for at in range(count)]
    return [(_Station(*values), names) for *values, names in zip(*fields, bad, strict=True)]


def _checked(
    rows: list[tuple[_Station, str]], modality_index: Mapping[str, int]
) -> tuple[list[_Station], set[str], TileCounts]:
    """Part the stations that can be used, each once and by id, from the others."""
    counts = TileCounts()
    kept: dict[str, list[_Station]] = {}
    refused: set[str] = set()
    for station, unread in rows:
        reason, message = _fault(station, unread, modality_index)
        if reason:
            counts = counted(counts, reason, 1, example=Example(station.station_id, message))
            refused.add(station.station_id)
        else:
            kept.setdefault(station.station_id, []).append(station)
    used = []
    for station_id in sorted(kept):
        several = sorted(kept[station_id], key=repr)
        different = len({repr(station) for station in several})
        example = Example(station_id, _difference(several))
        if different > 1:
            counts = counted(counts, "station_contradiction", len(several), example=example)
            refused.add(station_id)
        else:
            counts = counted(counts, "station_duplicate", len(several) - 1, example=example)
            used.append(several[0])
    return used, refused - {station.station_id for station in used}, counts


def _not_weighed(stations: list[_Station], counts: TileCounts) -> TileCounts:
    """Count stations whose detections the engine cannot weigh yet."""
    for station in stations:
        if station.modality not in HEARING_MODALITIES:
            message = f"modality={station.modality!r} is none of {sorted(HEARING_MODALITIES)}"
            counts = counted(counts, "station_not_weighed", 1, example=Example(station.station_id, message))
    return counts


def _difference(several: list[_Station]) -> str:
    """Say how the rows of one station differ."""
    first, last = several[0], several[-1]
    start, end = (points_of([s.longitude_deg], [s.latitude_deg]) for s in (first, last))
    apart_m = float(geodesic_distance_m(start, end)[0])
    names = [
        name for name in _Station.__struct_fields__ if len({repr(getattr(station, name)) for station in several}) > 1
    ]
    return f"{len(several)} rows, {apart_m:,.0f} m apart, that differ in {names or 'nothing'}"


def _fault(station: _Station, unread: str, modality_index: Mapping[str, int]) -> tuple[str, str]:
    """Give the reason why a station cannot be used and value, name and limit; empty where it can."""
    if not station.station_id:
        return "station_id_missing", "station_id is empty"
    if not (abs(station.longitude_deg) <= 180.0 and abs(station.latitude_deg) <= 90.0):
        place = f"longitude_deg={station.longitude_deg}, latitude_deg={station.latitude_deg}"
        return "station_position", f"{place} is outside [-180, 180], [-90, 90]"
    if unread:
        return "station_number", f"{unread} is no number"
    for name, (low, high) in _LIMITS.items():
        value = getattr(station, name)
        absent = name in _OPTIONAL and math.isnan(value)
        if not absent and not low <= value <= high:
            return "station_number", f"{name}={value} is outside [{low:g}, {high:g}]"
    if station.modality not in modality_index:
        return "station_modality", f"modality={station.modality!r} is none of {sorted(modality_index)}"
    return "", ""


def _inside(stations: list[_Station], counts: TileCounts) -> tuple[list[_Station], list[str], TileCounts]:
    """Part the stations within reach of the plane's middle from the others."""
    if not stations:
        return [], [], counts
    points = points_of([s.longitude_deg for s in stations], [s.latitude_deg for s in stations])
    middle = Points(
        np.full(len(points), float(np.median(points.longitude_deg))),
        np.full(len(points), float(np.median(points.latitude_deg))),
    )
    distance_m = geodesic_distance_m(middle, points)
    outside = []
    for station, away_m in zip(stations, distance_m.tolist(), strict=True):
        if away_m > PLANE_REACH_M:
            message = f"distance_m={away_m:,.0f} from the middle of all stations is over {PLANE_REACH_M:,.0f}"
            counts = counted(counts, "station_outside_plane", 1, example=Example(station.station_id, message))
            outside.append(station.station_id)
    return [station for station in stations if station.station_id not in set(outside)], outside, counts


def _plane_of(points: Points) -> EqualScalePlane:
    """Lay a plane through whole degrees around the stations, so that a few more need not change it."""
    longitudes_deg = [math.floor(points.longitude_deg.min()), math.ceil(points.longitude_deg.max())]
    latitudes_deg = [math.floor(points.latitude_deg.min()), math.ceil(points.latitude_deg.max())]
    return plane_for(points_of(longitudes_deg, latitudes_deg))
