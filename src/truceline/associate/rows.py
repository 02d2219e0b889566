"""What the association keeps of an observation: its role, its time, its place, its count, and where it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec

from truceline.model.observation import (
    Detection,
    MediaReport,
    Observation,
    PartyClaim,
    PatrolReport,
    Statement,
    Thermal,
)

Role = Literal["occurrence", "fire", "report", "region", "detection", "sensor_event", "kept_out"]

KEPT_OUT_CLAIM = "party claim: states no place"
KEPT_OUT_STATEMENT = "statement: what somebody says is no occurrence"
KEPT_OUT_NOT_KINETIC = "report of no attack: counts as coverage only"
KEPT_OUT_NO_POSITION = "no position given"
KEPT_OUT_DETECTION = "detection without an occurrence that fits"
KEPT_OUT_STATION_MOVED = "detection of a station that gave several places, without an occurrence that fits"
KEPT_OUT_STATION_FAR = "detection of a station far outside the network, without an occurrence that fits"
KEPT_OUT_STATION_MODALITY = "detection of a station of an unknown modality, without an occurrence that fits"
KEPT_OUT_LOAD = "detection beyond the limit per station or tile, without an occurrence that fits"
KEPT_OUT_TOO_LATE = "day no longer remembered"

READ_WHOLE = (Thermal, PartyClaim, PatrolReport, Statement)
"""Of these attribution reads the whole record; of detections, of which there are many, their row says enough."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One observation as the association needs it; for a detection the position is its station's.

    What the engine found stands beside them as a row of the role `sensor_event`, which is no observation. `record` is
    the whole observation where attribution reads more of it than its row says.
    """

    start: datetime
    observation_id: str
    end: datetime
    role: Role
    kind: str
    source_id: str
    file_sha256: str
    row_index: int
    latitude_deg: float
    longitude_deg: float
    sigma_m: float
    low_count: float
    high_count: float | None
    approximate: bool
    located: bool = True
    observer: str = ""
    place_name: str = ""
    energy_object: bool = False
    description: str = ""
    seen: bool = False
    bearing_deg: float | None = None
    bearing_sigma_deg: float | None = None
    kept_out_reason: str = ""
    amplitude_pa: float | None = None
    record: Observation | None = None

    @property
    def order(self) -> tuple[datetime, str]:
        """The canonical order of rows: by time, then by id."""
        return (self.start, self.observation_id)


class _Reading(msgspec.Struct, frozen=True):
    """What the modality adds to a row."""

    role: Role
    observer: str = ""
    place_name: str = ""
    energy_object: bool = False
    description: str = ""
    seen: bool = False
    bearing_deg: float | None = None
    bearing_sigma_deg: float | None = None
    kept_out_reason: str = ""
    amplitude_pa: float | None = None


def _read_media(report: MediaReport, observation: Observation) -> _Reading:
    """Tell a located report of an attack from a region's stand-in and from reports of anything else."""
    if not report.kinetic:
        return _Reading("kept_out", kept_out_reason=KEPT_OUT_NOT_KINETIC)
    return _Reading(
        "region" if report.place_is_region else "report",
        observer=observation.observation_id,
        place_name=report.place_name,
        energy_object=report.energy_object,
    )


def _read_patrol(report: PatrolReport) -> _Reading:
    """Give a patrol's words; a camera or patrol is known by where it stood."""
    return _Reading(
        "occurrence",
        observer=f"{report.observer_latitude_deg:.5f},{report.observer_longitude_deg:.5f}",
        description=report.description,
        seen=report.means != "heard",
    )


def _read(observation: Observation) -> _Reading:
    """Say what part an observation can play, by its modality."""
    match observation.result:
        case Thermal() as pixel:
            return _Reading("fire", observer=f"{observation.provenance.source_id}/{pixel.satellite}")
        case MediaReport() as report:
            return _read_media(report, observation)
        case PatrolReport() as report:
            return _read_patrol(report)
        case Detection() as detection:
            return _Reading(
                "detection",
                observer=detection.station_id,
                bearing_deg=detection.bearing_deg,
                bearing_sigma_deg=detection.bearing_sigma_deg,
                amplitude_pa=detection.amplitude_pa,
            )
        case PartyClaim():
            return _Reading("kept_out", kept_out_reason=KEPT_OUT_CLAIM)
        case Statement() as statement:
            return _Reading("kept_out", place_name=statement.place_name, kept_out_reason=KEPT_OUT_STATEMENT)
        case _:
            assert_never(observation.result)


def _place(observation: Observation) -> tuple[float, float, float] | None:
    """Give latitude, longitude and sigma: a station's for a detection, else the position stated."""
    if isinstance(observation.result, Detection):
        return (observation.result.station_latitude_deg, observation.result.station_longitude_deg, 0.0)
    position = observation.position
    return None if position is None else (position.latitude_deg, position.longitude_deg, position.sigma_m)


def row_from_observation(observation: Observation) -> Row:
    """Reduce an observation to its row; what cannot go into an event says why."""
    reading = _read(observation)
    place = _place(observation)
    if place is None and reading.role != "kept_out":
        reading = _Reading("kept_out", kept_out_reason=KEPT_OUT_NO_POSITION)
    latitude_deg, longitude_deg, sigma_m = place or (0.0, 0.0, 0.0)
    return Row(
        start=observation.phenomenon_time.start,
        observation_id=observation.observation_id,
        end=observation.phenomenon_time.end,
        role=reading.role,
        kind=observation.kind,
        source_id=observation.provenance.source_id,
        file_sha256=observation.provenance.file_sha256,
        row_index=observation.provenance.row_index,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        sigma_m=sigma_m,
        low_count=float(observation.count.low_count),
        high_count=None if observation.count.high_count is None else float(observation.count.high_count),
        approximate=observation.count.approximate,
        located=place is not None,
        observer=reading.observer,
        place_name=reading.place_name,
        energy_object=reading.energy_object,
        description=reading.description,
        seen=reading.seen,
        bearing_deg=reading.bearing_deg,
        bearing_sigma_deg=reading.bearing_sigma_deg,
        kept_out_reason=reading.kept_out_reason,
        amplitude_pa=reading.amplitude_pa,
        record=observation if isinstance(observation.result, READ_WHOLE) else None,
    )
