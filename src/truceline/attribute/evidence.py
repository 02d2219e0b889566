"""What an event carries today -> a case: its place and the ground held there, sensors' origins, what patrols said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from truceline.attribute.case import Case
from truceline.attribute.explain import Subject
from truceline.attribute.tiers import (
    REASON_IMPRECISE,
    REASON_INDICATED,
    REASON_INDICATED_OUTGOING,
    REASON_NO_LINE,
    REASON_NOT_TOLD,
    REASON_STALE_LINE,
    REASON_THERMAL_ONLY,
    REASON_WITHDRAWN,
)
from truceline.model.event import Association, Event
from truceline.model.evidence import CatalogueNumber, EvidenceCatalogue, EvidenceItem, OriginPoint

Conduct = Literal["impact", "outgoing"]


Files = Mapping[str, str]
"""Observation id -> SHA-256 of the file it came in."""

NO_FILES: Files = {}
"""Where it is not known which files an event rests on."""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event lies against the line of its day: who holds that ground, and how far it is from the line."""

    holder: str
    holds_probability: float
    distance_m: float
    line_date: date
    age_days: int

    def signed_distance_m(self, first_party: str) -> float:
        """Give how deep it lies on the first party's ground; negative: on the other's."""
        return self.distance_m if self.holder == first_party else -self.distance_m


def sources_of(event: Event, kind: str) -> set[str]:
    """Name the sources of an event's records of one kind."""
    return {link.source_id for link in event.associations if link.observation_kind == kind}


def custody_name(sources: set[str]) -> str:
    """Give the one name under which sources stand as one hand."""
    return " + ".join(sorted(sources))


def conduct_of(event: Event) -> Conduct | None:
    """Say whether something landed there or was fired from there; `None` where nobody could tell.

    A report of an attack speaks of an impact. An airburst is above ground, and an undetermined explosion may be either.
    """
    if event.observed_as == "outgoing":
        return "outgoing"
    reported = any(link.observation_kind == "media_report" for link in event.associations)
    if event.observed_as == "impact" or (reported and event.observed_as in {"not reported", "undetermined"}):
        return "impact"
    return None


def abstention_of(event: Event, ground: Ground | None, catalogue: EvidenceCatalogue) -> str | None:
    """Give why no party can be indicated whatever the arithmetic says, or `None`."""
    place = catalogue.place
    limits = (
        (event.evaluation_status == "rejected", REASON_WITHDRAWN),
        (event.event_type == "fire", REASON_THERMAL_ONLY),
        (conduct_of(event) is None, REASON_NOT_TOLD),
        (event.place_is_region or event.origin_position.sigma_m > place.sigma_most_m.number, REASON_IMPRECISE),
        (ground is None, REASON_NO_LINE),
        (ground is not None and ground.age_days > place.line_age_most_days.number, REASON_STALE_LINE),
    )
    return next((reason for holds, reason in limits if holds), None)


def subject_of(event: Event, ground: Ground | None, catalogue: EvidenceCatalogue) -> Subject:
    """Give what the answer is about, and whether it must abstain."""
    outgoing = conduct_of(event) == "outgoing"
    return Subject(
        event_id=event.event_id,
        event_revision_index=event.revision_index,
        abstention=abstention_of(event, ground, catalogue),
        place_only_reason=REASON_INDICATED_OUTGOING if outgoing else REASON_INDICATED,
    )


def case_of(
    event: Event,
    ground: Ground | None,
    *,
    parties: tuple[str, str],
    catalogue: EvidenceCatalogue,
    files: Files = NO_FILES,
) -> Case:
    """Make the case of an event: an impact by the ground it hit, fire going out by where it was located.

    Where sensors located an impact, the place is theirs and their records stand beside those of who saw it.

    Whose word an event is stands behind it as one cluster: all reports of one feed are one, a network of stations is
    one. Of a fire, or where nobody could tell impact from outgoing, the place says nothing about a party.
    """
    conduct = conduct_of(event)
    wrong, witness = _witness(event, catalogue, files)
    telling = conduct is not None and not event.place_is_region and event.evaluation_status != "rejected"
    telling = telling and event.event_type != "fire"
    sigma_m = max(catalogue.place.sigma_least_m.number, event.origin_position.sigma_m)
    return Case(
        case_id=event.event_id,
        latitude_deg=event.origin_position.latitude_deg,
        longitude_deg=event.origin_position.longitude_deg,
        position_sigma_m=sigma_m,
        anchor="launch" if conduct == "outgoing" else "impact",
        items=(_launch_item(event, wrong, witness, sigma_m),) if telling and conduct == "outgoing" and ground else (),
        place_contamination_probability=wrong.number,
        place_cluster_id=witness.cluster_id,
        place_operator=witness.operator,
        place_modality=witness.modality,
        place_basis=wrong.basis,
        place_statement=""
        if ground is None
        else ground_words(ground, conduct, witness.modality) + located_words(event),
        place_signed_distance_m=None if ground is None else ground.signed_distance_m(parties[0]),
        place_usable=telling and ground is not None,
        observation_ids=witness.observation_ids,
        file_sha256s=witness.file_sha256s,
        neither_probability=catalogue.priors.neither_fire.number if event.event_type == "fire" else None,
    )


class _Witness(msgspec.Struct, frozen=True, kw_only=True):
    cluster_id: str
    operator: str
    modality: str
    observation_ids: tuple[str, ...]
    file_sha256s: tuple[str, ...]


def _witness(event: Event, catalogue: EvidenceCatalogue, files: Files) -> tuple[CatalogueNumber, _Witness]:
    """Say whose word the event's conduct is: a patrol's, else a report's; and how often such a word is wrong."""
    if event.observed_as in {"impact", "outgoing"}:
        return catalogue.place.patrol_wrong, _witness_of(event, "patrol_report", files)
    return catalogue.place.report_wrong, _witness_of(event, "media_report", files)


def _witness_of(event: Event, kind: str, files: Files) -> _Witness:
    """Give whose word it is; detections that located the event stand with it, for the place is where they put it."""
    links: list[Association] = [link for link in event.associations if link.observation_kind == kind]
    links = links or list(event.associations)
    custody = custody_name({link.source_id for link in links})
    sensed = [] if event.sensor_origin is None else event.associations
    rests_on = sorted(
        {link.observation_id for link in links}
        | {link.observation_id for link in sensed if link.observation_kind == "detection"}
    )
    return _Witness(
        cluster_id=custody,
        operator=custody,
        modality=kind,
        observation_ids=tuple(rests_on),
        file_sha256s=tuple(sorted({files[name] for name in rests_on if name in files})),
    )


def _launch_item(event: Event, wrong: CatalogueNumber, witness: _Witness, sigma_m: float) -> EvidenceItem:
    """Give where fire went out as an origin: by the sensors' ellipse where they located it, else the place's circle."""
    place, sensed = event.origin_position, event.sensor_origin
    variance_m2 = sigma_m**2
    covariance = (
        (variance_m2, 0.0, variance_m2)
        if sensed is None
        else (sensed.covariance_east_m2 + 1.0, sensed.covariance_east_north_m2, sensed.covariance_north_m2 + 1.0)
    )
    return EvidenceItem(
        item_id=event.event_id,
        item_type="patrol_outgoing_incoming" if sensed is None else "acoustic_seismic_origin",
        cluster_id=witness.cluster_id,
        operator=witness.operator,
        modality=witness.modality,
        shapes=(
            OriginPoint(
                latitude_deg=place.latitude_deg,
                longitude_deg=place.longitude_deg,
                covariance_east_m2=covariance[0],
                covariance_east_north_m2=covariance[1],
                covariance_north_m2=covariance[2],
            ),
        ),
        observation_ids=witness.observation_ids,
        file_sha256s=witness.file_sha256s,
        statement=f"{witness.modality} of fire going out",
        contamination_probability=wrong.number,
    )


def located_words(event: Event) -> str:
    """Say that sensors located the place, and how surely."""
    sensed = event.sensor_origin
    if sensed is None:
        return ""
    spread_m = math.sqrt(sensed.covariance_east_m2 + sensed.covariance_north_m2)
    return f"; located by sensors to {spread_m:.0f} m"


def ground_words(ground: Ground, conduct: str | None, modality: str) -> str:
    """Say what was told of the place, and who held that ground how far from the line."""
    return (
        f"{modality} of {conduct}; ground held by {ground.holder} with probability"
        f" {ground.holds_probability:.3f}, {ground.distance_m:.0f} m from the line of {ground.line_date.isoformat()}"
    )
