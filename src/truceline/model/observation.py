"""What was seen, heard, recorded, reported or claimed; and what was received but could not be used."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from truceline.model.quantity import Count, Position, TimeSpan, require_between, require_utc

OBSERVATION_SCHEMA_NAME = "truceline.observation/1"

ObservationKind = Literal["thermal", "media_report", "party_claim", "patrol_report", "detection", "statement"]


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record came from: feed, how the value was got, who runs it, who could influence it, and its bytes."""

    source_id: str
    procedure: str
    operator: str
    influenced_by_parties: tuple[str, ...]
    file_sha256: str
    row_index: int


class Thermal(msgspec.Struct, frozen=True, kw_only=True, tag="thermal"):
    """A satellite's hot pixel (FIRMS); brightness in kelvin, fire radiative power in megawatts."""

    satellite: str
    instrument: str
    brightness_k: float | None
    radiative_power_mw: float | None
    detector_class: str
    daytime: bool | None


class MediaReport(msgspec.Struct, frozen=True, kw_only=True, tag="media_report"):
    """A news report geolocated to a place; hints come from keyword rules over its headline."""

    place_name: str
    place_is_region: bool
    kinetic: bool
    energy_object: bool
    named_party: str | None
    weapon_hints: tuple[str, ...]


class PartyClaim(msgspec.Struct, frozen=True, kw_only=True, tag="party_claim"):
    """A party's own bulletin about the other's launches: a claim, never an observation of fact."""

    claimant: str
    actor: str
    weapon_class: str
    weapon_model: str
    launched_count: float | None
    destroyed_count: float | None
    time_is_stated: bool
    places: tuple[str, ...]


class PatrolReport(msgspec.Struct, frozen=True, kw_only=True, tag="patrol_report"):
    """What a patrol or camera saw or heard, as a sector from its own position (bearing in degrees from north)."""

    observer_latitude_deg: float
    observer_longitude_deg: float
    bearing_deg: float
    bearing_width_deg: float
    range_low_m: float
    range_high_m: float
    means: Literal["saw", "heard", "recorded"]
    description: Literal["undetermined", "outgoing", "impact", "airburst", "burst", "shot", "projectile"]
    weapon: str


class Detection(msgspec.Struct, frozen=True, kw_only=True, tag="detection"):
    """A detector's claim that a signal is present at a station; not yet tied to an event."""

    station_id: str
    station_latitude_deg: float
    station_longitude_deg: float
    bearing_deg: float | None
    bearing_sigma_deg: float | None
    amplitude_pa: float | None


class Statement(msgspec.Struct, frozen=True, kw_only=True, tag="statement"):
    """What a party, media or a mission says of who did something; `about` is the party spoken of.

    `bloc` is the party whose media the speaker belongs to, `None` for neither's. `first_publisher` is who had it first
    (PROV-O, `hadPrimarySource`): all copies name the same one.
    """

    speaker_role: Literal["party", "media", "mission"]
    speaker: str
    says: Literal["blames", "denies", "admits"]
    about: str
    bloc: str | None
    first_publisher: str
    place_name: str


Result = Thermal | MediaReport | PartyClaim | PatrolReport | Detection | Statement


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One act of determining a value, by instrument or person, with its times, place, count and provenance.

    Four times: `phenomenon_time` (it happened), `result_time` (the sensor or author said so), `received_time` (we had
    it), `logged_time` (it could no longer be altered; `None` before). `position` is `None` where no place was given.
    """

    observation_id: str
    phenomenon_time: TimeSpan
    result_time: datetime
    received_time: datetime
    logged_time: datetime | None = None
    position: Position | None
    count: Count
    result: Result
    provenance: Provenance
    schema_name: str = OBSERVATION_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that every time is UTC."""
        require_utc("result_time", self.result_time)
        require_utc("received_time", self.received_time)
        if self.logged_time is not None:
            require_utc("logged_time", self.logged_time)

    @property
    def kind(self) -> str:
        """The modality, as written in the archive's `kind` column."""
        return str(self.result.__struct_config__.tag)


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """A received record we could not use, kept with the reason; `raw` is what came, cut at 2,000 characters."""

    source_id: str
    file_sha256: str
    row_index: int
    raw: str
    reason: str
    received_time: datetime


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which a source could not see or did not report; never to be shown as quiet."""

    source_id: str
    span: TimeSpan
    reason: str


def require_bearing(name: str, value: float) -> None:
    """Hold that a bearing is in [0, 360] degrees."""
    require_between(name, value, 0.0, 360.0)
