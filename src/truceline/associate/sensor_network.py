"""The stations of one day as a network in one plane, with the grid it is solved on: a function of the day's detections.

A station counts if it is listed in the settings, whether it was heard of that day or not, or if it detected something
that day. What cannot be placed is left out of the network, with the reason; its detections can still support.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from truceline.associate.network import Floats, Network
from truceline.associate.rows import (
    KEPT_OUT_STATION_FAR,
    KEPT_OUT_STATION_MODALITY,
    KEPT_OUT_STATION_MOVED,
    Row,
)
from truceline.associate.settings import AssociationSettings, StationSheet
from truceline.associate.tiles import STATIONS_MIN_COUNT, TileGrid
from truceline.physics.geodesy import Points, geodesic_distance_m, plane_for, points_of

REACH_MAX_M = 1_500_000.0
"""A station farther than this from the middle (median) of all is outside the plane, as in the columnar runner."""

ORIGIN_STEP_M = 10_000.0
"""A laid grid's origin stands on multiples of this, so that a few more stations need not move it."""

MARGIN_M = 25_000.0
"""How far outside the stations events are expected, when a grid is laid so that few tiles cover them."""


class DayNetwork(NamedTuple):
    """The stations in use, in the order of their ids; the grid with its plane; why other stations are not used."""

    station_ids: tuple[str, ...]
    network: Network
    grid: TileGrid
    reasons: dict[str, str]


def day_network(detections: Sequence[Row], settings: AssociationSettings) -> DayNetwork | None:
    """Give the network of one day's detections, or `None` where too few stations detected anything.

    With fewer than `STATIONS_MIN_COUNT` stations a place and a time cannot be told from chance.
    """
    heard: dict[str, list[Row]] = {}
    for row in detections:
        heard.setdefault(row.observer, []).append(row)
    listed = {sheet.station_id: sheet for sheet in settings.sensors.stations}
    sheets, reasons = _usable({**listed, **_unlisted(heard, listed, settings)}, heard, settings)
    if sum(sheet.station_id in heard for sheet in sheets) < STATIONS_MIN_COUNT:
        return None
    points = points_of([sheet.longitude_deg for sheet in sheets], [sheet.latitude_deg for sheet in sheets])
    grid = settings.sensors.grid
    plane = grid.plane or plane_for(_whole_degrees(points))
    x_m, y_m = plane.project_m(points)
    if grid.plane is None:
        grid = msgspec.structs.replace(
            grid, plane=plane, origin_x_m=_origin_m(x_m, grid.core_m), origin_y_m=_origin_m(y_m, grid.core_m)
        )
    network = _columns(sheets, heard, settings)._replace(x_m=x_m, y_m=y_m)
    return DayNetwork(tuple(sheet.station_id for sheet in sheets), network, grid, reasons)


def _unlisted(
    heard: Mapping[str, Sequence[Row]], listed: Mapping[str, StationSheet], settings: AssociationSettings
) -> dict[str, StationSheet]:
    """Give a sheet to every station that is known by its detections alone: its smallest place, and usual errors."""
    return {
        name: StationSheet(
            station_id=name,
            latitude_deg=min((row.latitude_deg, row.longitude_deg) for row in rows)[0],
            longitude_deg=min((row.latitude_deg, row.longitude_deg) for row in rows)[1],
            timing_sigma_s=settings.sensors.station_timing_sigma_s,
            dead_time_s=settings.sensors.station_dead_time_s,
        )
        for name, rows in heard.items()
        if name not in listed
    }


def _usable(
    sheets: Mapping[str, StationSheet], heard: Mapping[str, Sequence[Row]], settings: AssociationSettings
) -> tuple[list[StationSheet], dict[str, str]]:
    """Part the stations that have one place in reach of the others and a known modality from the rest, by id."""
    known = _modality_indexes()
    reasons: dict[str, str] = {}
    for name, sheet in sheets.items():
        if sheet.modality not in known:
            reasons[name] = KEPT_OUT_STATION_MODALITY
        elif _moved_m(sheet, heard.get(name, ())) > settings.sensors.station_place_max_m:
            reasons[name] = KEPT_OUT_STATION_MOVED
    left = [sheets[name] for name in sorted(sheets) if name not in reasons]
    if not left:
        return [], reasons
    points = points_of([sheet.longitude_deg for sheet in left], [sheet.latitude_deg for sheet in left])
    middle = Points(
        np.full(len(left), float(np.median(points.longitude_deg))),
        np.full(len(left), float(np.median(points.latitude_deg))),
    )
    away_m = geodesic_distance_m(middle, points)
    reasons |= {
        sheet.station_id: KEPT_OUT_STATION_FAR
        for sheet, distance_m in zip(left, away_m.tolist(), strict=True)
        if distance_m > REACH_MAX_M
    }
    return [sheet for sheet in left if sheet.station_id not in reasons], reasons


def _modality_indexes() -> dict[str, int]:
    from truceline.associate.modalities.registry import MODALITIES

    return {modality.name: index for index, modality in enumerate(MODALITIES)}


def _moved_m(sheet: StationSheet, rows: Sequence[Row]) -> float:
    """Give how far from its sheet's place a station said to stand, at most."""
    places = sorted({(row.longitude_deg, row.latitude_deg) for row in rows})
    own = (sheet.longitude_deg, sheet.latitude_deg)
    if not places or places == [own]:
        return 0.0
    start = points_of([own[0]] * len(places), [own[1]] * len(places))
    end = points_of([place[0] for place in places], [place[1] for place in places])
    return float(geodesic_distance_m(start, end).max())


def _columns(
    sheets: Sequence[StationSheet], heard: Mapping[str, Sequence[Row]], settings: AssociationSettings
) -> Network:
    """Give what the sheets say as columns, without places; a bearing's sigma is the sheet's, or what is usual of it."""
    known = _modality_indexes()
    bearing_sigma_deg = [
        _bearing_sigma_deg(sheet, heard.get(sheet.station_id, ()), settings.detection_bearing_default_sigma_deg)
        for sheet in sheets
    ]
    rates_hz = [math.nan if sheet.clutter_rate_hz is None else sheet.clutter_rate_hz for sheet in sheets]
    return Network(
        x_m=np.zeros(0),
        y_m=np.zeros(0),
        timing_sigma_s=np.array([sheet.timing_sigma_s for sheet in sheets]),
        dead_time_s=np.array([sheet.dead_time_s for sheet in sheets]),
        clutter_rate_hz=np.array(rates_hz),
        bearing_sigma_deg=np.array(bearing_sigma_deg),
        modality_index=np.array([known[sheet.modality] for sheet in sheets], np.int64),
        weight_ratio=np.ones(len(sheets)),
    )


def _bearing_sigma_deg(sheet: StationSheet, rows: Sequence[Row], default_sigma_deg: float) -> float:
    """Give a station's usual error of bearings: its sheet's, else the median of its detections'; `nan` for none."""
    if sheet.bearing_sigma_deg is not None:
        return sheet.bearing_sigma_deg
    own = [row.bearing_sigma_deg or default_sigma_deg for row in rows if row.bearing_deg is not None]
    return float(np.median(own)) if own else math.nan


def _whole_degrees(points: Points) -> Points:
    """Give the corners, on whole degrees, of what the stations span, so that a few more need not change the plane."""
    return points_of(
        [math.floor(points.longitude_deg.min()), math.ceil(points.longitude_deg.max())],
        [math.floor(points.latitude_deg.min()), math.ceil(points.latitude_deg.max())],
    )


def _origin_m(value_m: Floats, core_m: float) -> float:
    """Give where along one axis a grid begins, so that few cores cover all stations with their margin evenly."""
    low_m, high_m = float(value_m.min()) - MARGIN_M, float(value_m.max()) + MARGIN_M
    free_m = max(1, math.ceil((high_m - low_m) / core_m)) * core_m - (high_m - low_m)
    return math.floor((low_m - free_m / 2.0) / ORIGIN_STEP_M) * ORIGIN_STEP_M
