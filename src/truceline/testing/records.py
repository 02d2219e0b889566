"""Observations made to measure, one builder per modality, for tests of stages: ids follow from what they say."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from truceline.model.observation import (
    Detection,
    MediaReport,
    Observation,
    PartyClaim,
    PatrolReport,
    Provenance,
    Result,
    Statement,
    Thermal,
)
from truceline.model.quantity import Count, Position, TimeSpan, canonical_bytes, content_id, exactly

MADE_FILE_SHA256 = "0" * 64
"""The hash that stands for the file of a made record."""


class Spot(msgspec.Struct, frozen=True):
    """Where and when a made record speaks of: latitude and longitude in degrees, time span, sigma in metres."""

    latitude_deg: float
    longitude_deg: float
    span: TimeSpan
    sigma_m: float = 400.0


def _observation(result: Result, span: TimeSpan, position: Position | None, count: Count) -> Observation:
    """Give an observation named by its content, made by one feed per modality."""
    kind = str(result.__struct_config__.tag)
    unnamed = Observation(
        observation_id="",
        phenomenon_time=span,
        result_time=span.end,
        received_time=span.end,
        position=position,
        count=count,
        result=result,
        provenance=Provenance(
            source_id=f"made_{kind}",
            procedure="made",
            operator="made",
            influenced_by_parties=(),
            file_sha256=MADE_FILE_SHA256,
            row_index=0,
        ),
    )
    return msgspec.structs.replace(unnamed, observation_id=content_id("observation", canonical_bytes(unnamed)))


def _position(spot: Spot) -> Position:
    return Position(latitude_deg=spot.latitude_deg, longitude_deg=spot.longitude_deg, sigma_m=spot.sigma_m)


def made_thermal(spot: Spot, *, satellite: str = "N20") -> Observation:
    """Give a hot pixel."""
    result = Thermal(
        satellite=satellite,
        instrument="VIIRS",
        brightness_k=330.0,
        radiative_power_mw=5.0,
        detector_class="nominal",
        daytime=True,
    )
    return _observation(result, spot.span, _position(spot), exactly(1))


def made_report(
    spot: Spot,
    *,
    place_name: str = "Place",
    speaks_of: Literal["place", "region", "no attack"] = "place",
    energy_object: bool = False,
    outlet: str = "",
) -> Observation:
    """Give a news report of an attack on a place, on a region, or of no attack; `outlet` tells copies apart."""
    result = MediaReport(
        place_name=place_name,
        place_is_region=speaks_of == "region",
        kinetic=speaks_of != "no attack",
        energy_object=energy_object,
        named_party=None,
        weapon_hints=(outlet,) if outlet else (),
    )
    return _observation(result, spot.span, _position(spot), exactly(1))


def made_patrol(
    spot: Spot,
    *,
    description: Literal["undetermined", "outgoing", "impact", "airburst", "burst", "shot", "projectile"] = "impact",
    means: Literal["saw", "heard", "recorded"] = "heard",
    observer_longitude_deg: float = 37.0,
    count: Count | None = None,
) -> Observation:
    """Give a patrol's report; patrols are told apart by where they stand."""
    result = PatrolReport(
        observer_latitude_deg=48.0,
        observer_longitude_deg=observer_longitude_deg,
        bearing_deg=90.0,
        bearing_width_deg=22.5,
        range_low_m=2_000.0,
        range_high_m=4_000.0,
        means=means,
        description=description,
        weapon="N/K",
    )
    return _observation(result, spot.span, _position(spot), count or exactly(1))


def made_detection(
    station: Spot, *, bearing_deg: float | None = 90.0, bearing_sigma_deg: float | None = 3.0, station_id: str = "S1"
) -> Observation:
    """Give a station's detection; the spot is the station's and the time that of the arrival."""
    result = Detection(
        station_id=station_id,
        station_latitude_deg=station.latitude_deg,
        station_longitude_deg=station.longitude_deg,
        bearing_deg=bearing_deg,
        bearing_sigma_deg=bearing_sigma_deg,
        amplitude_pa=None,
    )
    return _observation(result, station.span, None, exactly(1))


def made_claim(span: TimeSpan, *, claimant: str = "A", actor: str = "B") -> Observation:
    """Give a party's claim about the other's launches."""
    result = PartyClaim(
        claimant=claimant,
        actor=actor,
        weapon_class="oneway_uav",
        weapon_model="",
        launched_count=10.0,
        destroyed_count=5.0,
        time_is_stated=True,
        places=(),
    )
    return _observation(result, span, None, exactly(10))


def made_statement(
    spot: Spot,
    *,
    speaker: str = "A",
    speaker_role: Literal["party", "media", "mission"] = "party",
    says: Literal["blames", "denies", "admits"] = "blames",
    about: str = "B",
) -> Observation:
    """Give what somebody says of who did something at a place; it is of nobody's media and nobody's copy."""
    result = Statement(
        speaker_role=speaker_role,
        speaker=speaker,
        says=says,
        about=about,
        bloc=None,
        first_publisher=speaker,
        place_name="",
    )
    return _observation(result, spot.span, _position(spot), exactly(1))


def without_position(observation: Observation) -> Observation:
    """Give the same observation with its place left out."""
    return msgspec.structs.replace(observation, observation_id=f"{observation.observation_id}-unplaced", position=None)


def moment(day: datetime, *, offset_s: float) -> TimeSpan:
    """Give the instant so many seconds after a time."""
    at = datetime.fromtimestamp(day.timestamp() + offset_s, tz=day.tzinfo)
    return TimeSpan(start=at, end=at)
