"""A record that was coarsened, delayed and cleared for an audience; made only by `truceline.release`."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from truceline.model.attribution import PartyProbability, Tier
from truceline.model.event import EventType
from truceline.model.quantity import Count, TimeSpan, require_between, require_utc

T = TypeVar("T")

Audience = Literal["mission", "public"]

FindingKind = Literal["potential_violation", "indeterminate", "exempt", "compliant"]


class ReleasePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How coarse and how late a record may leave the house for one audience.

    `settlement_name_shown` says whether names of settlements may appear; names of whole regions always may.
    `event_id_shown` says whether events keep their ids, which are hashes over what was observed: who holds the feed can
    make them too.
    """

    audience: Audience
    cell_deg: float
    delay_hours: float
    party_probability_shown: bool
    time_step_s: float = 0.0
    settlement_name_shown: bool = False
    event_id_shown: bool = False


class Released(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One cleared record with the policy it was cleared under and the time of clearing."""

    record: T
    policy: ReleasePolicy
    released_time: datetime


class ReleasedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of one finding: its kind, the clause and window, the probability, and one plain sentence."""

    kind: FindingKind
    provision_id: str | None
    window_id: str | None
    probability: float | None
    headline: str


class ReleasedAttribution(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of an attribution, for audiences that may see it at all; the ledger stays in the dossier."""

    probabilities: tuple[PartyProbability, ...]
    tier: Tier
    indicated_party: str | None
    reason: str


class ReleasedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of one event: a cell instead of a position, and no position of who or what observed it.

    The cell is never smaller than the event's own uncertainty, so that a release does not look sharper than the
    record. `attribution` is `None` where the policy does not release it or none was made; `event_id` is `None` where
    the policy does not release it, until an issue numbers its events.
    """

    event_id: str | None
    revision_index: int
    event_type: EventType
    event_type_certainty: Literal["known", "suspected"]
    time: TimeSpan
    cell_latitude_deg: float
    cell_longitude_deg: float
    cell_deg: float
    place_name: str | None
    place_is_region: bool
    signature_count: Count
    findings: tuple[ReleasedFinding, ...]
    attribution: ReleasedAttribution | None

    def __post_init__(self) -> None:
        """Check the cell."""
        require_between("cell_latitude_deg", self.cell_latitude_deg, -90.0, 90.0)
        require_between("cell_longitude_deg", self.cell_longitude_deg, -180.0, 180.0)
        require_between("cell_deg", self.cell_deg, 0.0, 90.0)


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """A record that may not leave yet, or not at all: why, and from when on it may (`None` if never by itself)."""

    event_id: str
    reason: str
    release_time: datetime | None

    def __post_init__(self) -> None:
        """Check the time."""
        if self.release_time is not None:
            require_utc("release_time", self.release_time)
