"""Made-up explosions heard by infrasound arrays far away: from the model that locates them, and from worse than it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from truceline.associate.array_likelihood import bearing_concentration_ratio
from truceline.associate.array_records import ArrayDetection, ArraySettings
from truceline.physics.celerity import (
    CelerityModel,
    draw_reciprocal_s_per_m,
    great_circle,
    great_circle_destination,
)

FIRST_TIME = datetime(2025, 1, 1, tzinfo=UTC)
"""When made-up time begins."""


Circle = tuple[tuple[float, float], float]
"""A circle on the ground: (latitude, longitude) of its middle in degrees, radius in metres."""


class ArrayPlace(msgspec.Struct, frozen=True, kw_only=True):
    """An array: its id, where it stands, and how many elements it has."""

    array_id: str
    latitude_deg: float
    longitude_deg: float
    element_count: int = 4


class ArrayWorld(msgspec.Struct, frozen=True, kw_only=True):
    """How the made-up world departs from the model of `ArraySettings`; as it stands, not at all.

    `bearing_width_ratio` widens every bearing's error; `bearing_bias_sigma_deg` draws one more for each event, the
    same at all arrays (a crosswind); `celerity` is where celerities come from, and with `one_celerity` each event has
    one for all arrays.
    """

    settings: ArraySettings = ArraySettings()
    celerity: CelerityModel | None = None
    one_celerity: bool = False
    bearing_width_ratio: float = 1.0
    bearing_bias_sigma_deg: float = 0.0
    outlier_share: float | None = None
    f_statistic_low_ratio: float = 4.0
    f_statistic_high_ratio: float = 20.0


class MadeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A made-up explosion and what the arrays detected of it."""

    latitude_deg: float
    longitude_deg: float
    time: datetime
    detections: tuple[ArrayDetection, ...]


def draw_event(
    places: Sequence[ArrayPlace], *, at_deg: tuple[float, float], world: ArrayWorld, chance: np.random.Generator
) -> MadeEvent:
    """Let one explosion happen at (latitude, longitude) at the first time, and each array hear it or not."""
    settings = world.settings
    latitude_deg = np.array([place.latitude_deg for place in places])
    longitude_deg = np.array([place.longitude_deg for place in places])
    distance_m, bearing_deg = great_circle(latitude_deg, longitude_deg, at_deg)
    reach_m = float(chance.choice(settings.hearing_range_m))
    hears = settings.detection_probability * np.exp(-((distance_m / reach_m) ** 2))
    heard = np.flatnonzero((chance.random(len(places)) < hears) & (distance_m < settings.range_max_m))
    slowness_s_per_m = draw_reciprocal_s_per_m(world.celerity or settings.celerity, len(places), chance=chance)
    if world.one_celerity:
        slowness_s_per_m[:] = slowness_s_per_m[0]
    delay_s = distance_m * slowness_s_per_m + chance.normal(0.0, settings.timing_sigma_s, len(places))
    bias_deg = float(chance.normal(0.0, world.bearing_bias_sigma_deg)) if world.bearing_bias_sigma_deg else 0.0
    detections = [
        _detection(places[index], float(bearing_deg[index]) + bias_deg, float(delay_s[index]), (world, chance))
        for index in heard.tolist()
    ]
    return MadeEvent(latitude_deg=at_deg[0], longitude_deg=at_deg[1], time=FIRST_TIME, detections=tuple(detections))


def _detection(
    place: ArrayPlace, bearing_deg: float, delay_s: float, drawn: tuple[ArrayWorld, np.random.Generator]
) -> ArrayDetection:
    world, chance = drawn
    f_statistic_ratio = float(chance.uniform(world.f_statistic_low_ratio, world.f_statistic_high_ratio))
    kappa = bearing_concentration_ratio(f_statistic_ratio, place.element_count) / world.bearing_width_ratio**2
    outlier_share = world.settings.outlier_share if world.outlier_share is None else world.outlier_share
    if chance.random() < outlier_share:
        measured_deg = float(chance.uniform(0.0, 360.0))
    else:
        measured_deg = bearing_deg + float(np.degrees(chance.vonmises(0.0, kappa)))
    return ArrayDetection(
        array_id=place.array_id,
        latitude_deg=place.latitude_deg,
        longitude_deg=place.longitude_deg,
        time=FIRST_TIME + timedelta(seconds=delay_s),
        bearing_deg=measured_deg % 360.0,
        f_statistic_ratio=f_statistic_ratio,
        element_count=place.element_count,
    )


def heard_events(
    places: Sequence[ArrayPlace],
    *,
    within: Circle,
    heard_min_count: int,
    world: ArrayWorld,
    chance: np.random.Generator,
) -> Iterator[MadeEvent]:
    """Give, without end, explosions anywhere alike in a circle that at least so many arrays detected."""
    middle_deg, radius_m = within
    while True:
        way = chance.uniform(0.0, 360.0), radius_m * np.sqrt(chance.random())
        latitude_deg, longitude_deg = great_circle_destination(*middle_deg, way)
        event = draw_event(places, at_deg=(float(latitude_deg), float(longitude_deg)), world=world, chance=chance)
        if len(event.detections) >= heard_min_count:
            yield event


def clutter(
    places: Sequence[ArrayPlace], *, rate_hz: float, duration_s: float, world: ArrayWorld, chance: np.random.Generator
) -> list[ArrayDetection]:
    """Draw detections of nothing in common: at a constant rate at each array, from any bearing."""
    found = []
    for place in places:
        for time_s in chance.uniform(0.0, duration_s, int(chance.poisson(rate_hz * duration_s))).tolist():
            bearing_deg = float(chance.uniform(0.0, 360.0))
            found.append(_detection(place, bearing_deg, time_s, (world, chance)))
    return found


def moved(event: MadeEvent, later_s: float) -> MadeEvent:
    """Give the same event with everything later by so many seconds."""
    shift = timedelta(seconds=later_s)
    detections = tuple(
        msgspec.structs.replace(detection, time=detection.time + shift) for detection in event.detections
    )
    return msgspec.structs.replace(event, time=event.time + shift, detections=detections)
