"""One physical occurrence in space and time, whatever its cause, with the observations it was made from."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.model.quantity import Count, Position, TimeSpan, require_between

EVENT_SCHEMA_NAME = "truceline.event/1"

EventType = Literal["explosion", "fire", "projectile in flight", "shot", "attack", "not reported"]


class Association(msgspec.Struct, frozen=True, kw_only=True):
    """The link between an observation and an origin: how far off it lies, and whether it defined the origin."""

    observation_id: str
    observation_kind: str
    source_id: str
    distance_m: float
    time_residual_s: float
    defining: bool


class SensorOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Where, when and how surely sensors place an origin: the ellipse, the odds, and which grid they were solved on.

    Covariances are of true east and north at the origin, metres squared: the normal's with the same 90 % region.
    `region_tail_ratio` says how much heavier the tail of errors is than the normal's, from 0 to 1
    (`truceline.physics.region`). `log_odds_ratio` is the natural logarithm of the odds that there was an event; it
    rests on detections alone. `named_type` is what sound and repetition say of its kind, in the words of
    `truceline.associate.event_type`, with the probability of that. `alternative_*` are `None` unless a second place
    explains the same detections about as well.
    """

    covariance_east_m2: float
    covariance_east_north_m2: float
    covariance_north_m2: float
    time_sigma_s: float
    event_probability: float
    log_odds_ratio: float
    detection_range_m: float
    named_type: str
    named_probability: float
    grid_id: str
    tile_id: str
    alternative_latitude_deg: float | None = None
    alternative_longitude_deg: float | None = None
    alternative_probability: float | None = None
    region_tail_ratio: float = 0.0

    def __post_init__(self) -> None:
        """Check that the numbers can be those of an ellipse and of probabilities."""
        require_between("covariance_east_m2", self.covariance_east_m2, 0.0, 1.0e12)
        require_between("covariance_north_m2", self.covariance_north_m2, 0.0, 1.0e12)
        require_between("region_tail_ratio", self.region_tail_ratio, 0.0, 1.0)
        require_between("event_probability", self.event_probability, 0.0, 1.0)
        require_between("named_probability", self.named_probability, 0.0, 1.0)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence: origin with uncertainty, type with certainty, QuakeML's evaluation words, and its lineage.

    `signature_count` counts what was observed (as OSCE counts), an event itself counts once; the two stand side by
    side. `observed_as` is what patrols called it (monitors' words); an explosion that only sensors located is
    undetermined. `revision_index` rises under one `event_id`; `supersedes_revision_index` names what it replaces.
    `sensor_origin` is there where sensors located it.
    """

    event_id: str
    revision_index: int
    supersedes_revision_index: int | None
    event_type: EventType
    event_type_certainty: Literal["known", "suspected"]
    evaluation_mode: Literal["automatic", "manual"]
    evaluation_status: Literal["preliminary", "confirmed", "reviewed", "final", "rejected"]
    origin_time: TimeSpan
    origin_position: Position
    place_name: str
    place_is_region: bool
    energy_object: bool
    signature_count: Count
    observed_as: Literal["impact", "outgoing", "airburst", "undetermined", "not reported"] = "not reported"
    associations: tuple[Association, ...]
    sensor_origin: SensorOrigin | None = None
    schema_name: str = EVENT_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check the revision order and that an event rests on something."""
        require_between("revision_index", self.revision_index, 0, 1_000_000)
        if not self.associations:
            raise ValueError("associations is empty: an event rests on at least one observation")
        if self.supersedes_revision_index is not None and self.supersedes_revision_index >= self.revision_index:
            raise ValueError(
                f"supersedes_revision_index={self.supersedes_revision_index} is not before {self.revision_index}"
            )
