"""Who tells where an impact was: patrols, reports and the sensors that located it, each on a custody of its own.

That something landed there, and not went off or was fired from there, is part of the word: sensors are wrong as often
as their place is, or what sound and repetition make of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from truceline.attribute.case import Case, told_by
from truceline.attribute.evidence import (
    Files,
    Ground,
    conduct_of,
    custody_name,
    ground_words,
    located_words,
    sources_of,
)
from truceline.model.event import Event, SensorOrigin
from truceline.model.evidence import CatalogueNumber, CataloguePlace, PlaceTeller
from truceline.model.quantity import Position
from truceline.model.testimony import ToldPlace

DETECTION, PATROL, REPORT = "detection", "patrol_report", "media_report"

IMPACT, EXPLOSION = "impact", "explosion undetermined"
"""What sensors can name an event by that may have been an impact (`truceline.associate.event_type`)."""


def tellers_of(event: Event, places: Sequence[ToldPlace], place: CataloguePlace) -> tuple[PlaceTeller, ...]:
    """Give who tells an impact's place, the one first whose place the event's is; nobody where only one does.

    `places`: where each record that is part of it puts it. All patrols together are one teller, and so are all reports:
    their place is that of the most precise record. Patrols that do not agree that it was an impact tell nothing, and
    neither does who knows the place too poorly to be used. Sensors tell it where sound and repetition name an impact or
    an explosion that may be one, and where no patrol and no feed is of the same hand. How each lies against the line is
    not said here.
    """
    if conduct_of(event) != "impact" or event.place_is_region or event.evaluation_status == "rejected":
        return ()
    told = _told_by_kind(event, places, place.sigma_most_m.number)
    others = {source for kind in told for source in sources_of(event, kind)}
    numbers = {PATROL: place.patrol_wrong, REPORT: place.report_wrong}
    sensed = event.sensor_origin
    own = _no_better_than(place.sigma_least_m.number, event.origin_position)
    found: list[PlaceTeller] = []
    impact = _impact_probability(sensed, place)
    if impact > 0.0 and not others & sources_of(event, DETECTION):
        number = msgspec.structs.replace(place.sensor_wrong, number=1.0 - (1.0 - place.sensor_wrong.number) * impact)
        found.append(_teller(event, DETECTION, at=own, wrong=number, rests_on=_detections(event)))
    for kind, said in told.items():
        rests_on = {one.observation_id for one in said}
        best = min((one.position for one in said), key=lambda at: (at.sigma_m, at.latitude_deg, at.longitude_deg))
        at = _no_better_than(place.sigma_least_m.number, best)
        if not found:
            rests_on |= set() if sensed is None else _detections(event)
            at = own
        found.append(_teller(event, kind, at=at, wrong=numbers[kind], rests_on=rests_on))
    return tuple(found) if len(found) > 1 else ()


def _impact_probability(sensed: SensorOrigin | None, place: CataloguePlace) -> float:
    """Give how probably an event was an impact by sound and repetition alone; 0 where they name something else."""
    if sensed is None or sensed.named_type not in {IMPACT, EXPLOSION}:
        return 0.0
    share = 1.0 if sensed.named_type == IMPACT else place.impact_share.number
    return share * sensed.named_probability


def _told_by_kind(event: Event, places: Sequence[ToldPlace], sigma_most_m: float) -> dict[str, list[ToldPlace]]:
    """Give what patrols and what reports tell, each where it may be used; of two that are one hand the patrols."""
    told: dict[str, list[ToldPlace]] = {}
    for kind in (PATROL, REPORT) if event.observed_as == "impact" else (REPORT,):
        said = [one for one in places if one.kind == kind and one.position.sigma_m <= sigma_most_m]
        if said and not any(sources_of(event, kind) & sources_of(event, other) for other in told):
            told[kind] = said
    return told


def _no_better_than(sigma_least_m: float, at: Position) -> Position:
    return msgspec.structs.replace(at, sigma_m=max(sigma_least_m, at.sigma_m))


def _detections(event: Event) -> set[str]:
    return {link.observation_id for link in event.associations if link.observation_kind == DETECTION}


def with_tellers(
    case: Case,
    event: Event,
    told: Iterable[tuple[PlaceTeller, Ground | None]],
    *,
    parties: tuple[str, str],
    files: Files,
) -> Case:
    """Give a case told by these, each with where its place lies against the line of that day.

    Whose place lies on no party's ground tells nothing; without a line of that day nobody does.
    """
    grounded = [
        msgspec.structs.replace(
            teller,
            signed_distance_m=ground.signed_distance_m(parties[0]),
            statement=_told_words(event, teller, ground),
            file_sha256s=tuple(sorted({files[name] for name in teller.observation_ids if name in files})),
        )
        for teller, ground in told
        if ground is not None
    ]
    return told_by(case, *grounded) if len(grounded) > 1 else case


def _told_words(event: Event, teller: PlaceTeller, ground: Ground) -> str:
    """Say what somebody told of a place, and what sensors had to do with it."""
    sensed = event.sensor_origin
    if sensed is None or not _detections(event) & set(teller.observation_ids):
        return ground_words(ground, IMPACT, teller.modality)
    if teller.modality != DETECTION:
        return ground_words(ground, IMPACT, teller.modality) + located_words(event)
    what = IMPACT if sensed.named_type == IMPACT else "explosion"
    named = f", and named {sensed.named_type} with probability {sensed.named_probability:.2f}"
    return ground_words(ground, what, "sound") + located_words(event) + named


def _teller(event: Event, kind: str, *, at: Position, wrong: CatalogueNumber, rests_on: set[str]) -> PlaceTeller:
    """Give who tells that it was there: all sources of a kind, as the items of what they saw hang on them as well."""
    custody = custody_name(sources_of(event, kind))
    return PlaceTeller(
        cluster_id=custody,
        operator=custody,
        modality=kind,
        contamination_probability=wrong.number,
        latitude_deg=at.latitude_deg,
        longitude_deg=at.longitude_deg,
        position_sigma_m=at.sigma_m,
        basis=wrong.basis,
        observation_ids=tuple(sorted(rests_on)),
    )
