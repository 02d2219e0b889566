"""A day of a small acoustic network as observations: what happened is known, and all was heard in four minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import msgspec
import numpy as np

from laws.engine_world import Conditions, World, make_world
from laws.made import DAY
from truceline.associate.rows import row_from_observation
from truceline.associate.sensor_events import SensorEvent
from truceline.associate.settings import AssociationSettings, SensorSettings, StationSheet
from truceline.associate.settings_engine import MediumPrior
from truceline.model.event import SensorOrigin
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan
from truceline.physics.geodesy import Points, plane_for, points_of
from truceline.testing.records import Spot, made_detection

START = DAY + timedelta(hours=9, minutes=58)
"""When the world's clock began: its four minutes lie across the border of two slabs of the grid."""

WORLD_PLANE = plane_for(points_of([36.5, 37.5], [47.5, 48.5]))
_ORIGIN_X_M, _ORIGIN_Y_M = (float(value[0]) for value in WORLD_PLANE.project_m(points_of([37.0], [48.0])))
MEDIUM = MediumPrior(wind_east_m_per_s=5.0, wind_north_m_per_s=-3.0)
"""The world's own wind, as forecast."""


class SensorDay(NamedTuple):
    """Detections of one day in the world's order, and where and when it truly happened."""

    detections: tuple[Observation, ...]
    places: Points
    world: World


@cache
def sensor_day(*, event_count: int = 5, seed: int = 3, clutter_hz: float = 0.002) -> SensorDay:
    """Draw a day: explosions within four minutes, over a network of 50 stations of which every third gives bearings."""
    return day_of(make_world(seed, Conditions(event_count=event_count, clutter_hz=clutter_hz)))


def day_of(world: World) -> SensorDay:
    """Give what a world's stations detected as observations."""
    stations = WORLD_PLANE.points_at(world.network.x_m + _ORIGIN_X_M, world.network.y_m + _ORIGIN_Y_M)
    columns = world.detections
    detections = []
    for index, station in enumerate(columns.station_index.tolist()):
        at = START + timedelta(microseconds=round(float(columns.time_s[index]) * 1e6))
        spot = Spot(
            float(stations.latitude_deg[station]), float(stations.longitude_deg[station]), TimeSpan(start=at, end=at)
        )
        bearing_deg = float(columns.bearing_deg[index])
        heard = made_detection(
            spot,
            station_id=f"S{station:02d}",
            bearing_deg=None if np.isnan(bearing_deg) else bearing_deg,
            bearing_sigma_deg=None if np.isnan(bearing_deg) else 3.0,
        )
        amplitude_pa = float(10.0 ** columns.amplitude_log10_ratio[index])
        result = msgspec.structs.replace(heard.result, amplitude_pa=amplitude_pa)
        detections.append(msgspec.structs.replace(heard, result=result))
    places = WORLD_PLANE.points_at(world.event_x_m + _ORIGIN_X_M, world.event_y_m + _ORIGIN_Y_M)
    return SensorDay(tuple(detections), places, world)


def event_span(day: SensorDay, index: int) -> TimeSpan:
    """Give the instant at which an event truly happened."""
    at = START + timedelta(microseconds=round(float(day.world.event_time_s[index]) * 1e6))
    return TimeSpan(start=at, end=at)


def event_spot(day: SensorDay, index: int, *, sigma_m: float = 600.0) -> Spot:
    """Give where and when an event truly happened, with the sigma of whoever saw it."""
    latitude_deg, longitude_deg = day.places.latitude_deg[index], day.places.longitude_deg[index]
    return Spot(float(latitude_deg), float(longitude_deg), event_span(day, index), sigma_m)


def sensor_settings(*, stations: Sequence[StationSheet] = (), **changes: object) -> AssociationSettings:
    """Give settings with the world's wind, stations and whatever is changed of the sensors."""
    sensors = SensorSettings(stations=tuple(stations), medium=MEDIUM, **changes)  # type: ignore[arg-type]
    return AssociationSettings(timezone_name="Europe/Kyiv", sensors=sensors)


def made_sensor_event(
    spot: Spot, *heard: Observation, probability: float = 0.99, named_type: str = "unknown"
) -> SensorEvent:
    """Give a sensor event made to measure at a place, with the detections that define it."""
    members = tuple(sorted((row_from_observation(one) for one in heard), key=lambda row: row.order))
    origin = SensorOrigin(
        covariance_east_m2=spot.sigma_m**2,
        covariance_east_north_m2=0.0,
        covariance_north_m2=spot.sigma_m**2,
        time_sigma_s=0.1,
        event_probability=probability,
        log_odds_ratio=float(np.log(probability / (1.0 - probability))),
        detection_range_m=10_000.0,
        named_type=named_type,
        named_probability=0.9,
        grid_id="grid",
        tile_id="0.0.0",
    )
    place = msgspec.structs.replace(
        members[0],
        start=spot.span.start,
        end=spot.span.end,
        observation_id=f"sensor-event-of-{members[0].observation_id}",
        role="sensor_event",
        latitude_deg=spot.latitude_deg,
        longitude_deg=spot.longitude_deg,
        sigma_m=spot.sigma_m,
    )
    return SensorEvent(place=place, origin=origin, members=members, residuals_s=tuple(0.25 for _ in members))
