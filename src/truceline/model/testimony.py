"""What is known of an event beyond its place and time: who told what of it, from where, and who heard nothing."""

from __future__ import annotations

from datetime import datetime

import msgspec

from truceline.model.dossier import EvidenceHash
from truceline.model.observation import Observation
from truceline.model.quantity import Position


class Bearing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When and from where a station heard an event: the direction to its sound (degrees from true north, 1 sigma)."""

    record: EvidenceHash
    time: datetime
    station_id: str
    latitude_deg: float
    longitude_deg: float
    bearing_deg: float
    bearing_sigma_deg: float


class SilentStation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A station that gave nothing while an event's sound could have come, and detected shortly before and after.

    `before` and `after` are those detections: they say that it was in order. `quiet_s` is how long lies between them.
    """

    before: EvidenceHash
    after: EvidenceHash
    station_id: str
    latitude_deg: float
    longitude_deg: float
    distance_m: float
    quiet_s: float


class ToldPlace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a record of an event puts it: a patrol that says something landed there, or a report of a place."""

    observation_id: str
    kind: str
    position: Position


class Testimony(msgspec.Struct, frozen=True, kw_only=True):
    """Of one event: the records that are part of it, those that speak of it, bearings, silent stations, told places.

    Each is in the order of its ids. `own` and `said` hold whole records, since what they say is read by its kind.
    """

    own: tuple[Observation, ...] = ()
    said: tuple[Observation, ...] = ()
    bearings: tuple[Bearing, ...] = ()
    silent: tuple[SilentStation, ...] = ()
    places: tuple[ToldPlace, ...] = ()


def hash_of(record: Observation) -> EvidenceHash:
    """Say which bytes a record is from."""
    origin = record.provenance
    return EvidenceHash(
        observation_id=record.observation_id,
        source_id=origin.source_id,
        file_sha256=origin.file_sha256,
        row_index=origin.row_index,
    )
