"""Who tells where an impact was: patrols, reports and the sensors that located it, each on a custody of its own.

That something landed there, and not went off or was fired from there, is part of the word: sensors say it only where
sound and repetition named it an impact, and are wrong as often as either is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from truceline.attribute.case import Case, told_by
from truceline.attribute.evidence import Files, Ground, conduct_of, ground_words, located_words
from truceline.model.event import Event
from truceline.model.evidence import CatalogueNumber, CataloguePlace, PlaceTeller
from truceline.model.quantity import Position
from truceline.model.testimony import ToldPlace

DETECTION, PATROL, REPORT = "detection", "patrol_report", "media_report"

WORD_OF = {DETECTION: "sound"}
"""What a teller's word is of an impact, where its kind of record does not say it."""


def tellers_of(event: Event, places: Sequence[ToldPlace], place: CataloguePlace) -> tuple[PlaceTeller, ...]:
    """Give who tells an impact's place, the one first whose place the event's is; nobody where only one does.

    `places`: where each record that is part of it puts it. All patrols together are one teller, and so are all reports:
    their place is that of the most precise record. How each lies against the line is not said here.
    """
    if conduct_of(event) != "impact" or event.place_is_region or event.evaluation_status == "rejected":
        return ()
    sensed, least_m = event.sensor_origin, place.sigma_least_m.number
    found = []
    if sensed is not None and sensed.named_type == "impact":
        wrong = 1.0 - (1.0 - place.sensor_wrong.number) * sensed.named_probability
        number = msgspec.structs.replace(place.sensor_wrong, number=wrong)
        found.append(_teller(event, (DETECTION,), at=event.origin_position, wrong=number, least_m=least_m))
    for kind, number in ((PATROL, place.patrol_wrong), (REPORT, place.report_wrong)):
        told = [one.position for one in places if one.kind == kind]
        if told and not found:
            kinds = (kind,) if sensed is None else (kind, DETECTION)
            found.append(_teller(event, kinds, at=event.origin_position, wrong=number, least_m=least_m))
        elif told:
            nearest = min(told, key=lambda at: (at.sigma_m, at.latitude_deg, at.longitude_deg))
            found.append(_teller(event, (kind,), at=nearest, wrong=number, least_m=least_m))
    return tuple(found) if len(found) > 1 else ()


def with_tellers(
    case: Case,
    event: Event,
    tellers: Sequence[PlaceTeller],
    *,
    grounds: Sequence[Ground | None],
    parties: tuple[str, str],
    files: Files,
) -> Case:
    """Give a case told by these; `grounds`: where each one's place lies against the line of that day.

    Whose place no line says anything of tells nothing, and of a place that may not be used nobody does.
    """
    if not case.place_usable:
        return case
    told = [
        msgspec.structs.replace(
            teller,
            signed_distance_m=ground.signed_distance_m(parties[0]),
            statement=ground_words(ground, "impact", WORD_OF.get(teller.modality, teller.modality))
            + _named_words(event, teller),
            file_sha256s=tuple(sorted({files[name] for name in teller.observation_ids if name in files})),
        )
        for teller, ground in zip(tellers, grounds, strict=True)
        if ground is not None
    ]
    return told_by(case, *told) if len(told) > 1 else case


def _named_words(event: Event, teller: PlaceTeller) -> str:
    """Say what sensors had to do with a place, and that they named the event an impact where they tell it."""
    if event.sensor_origin is None or not any(
        link.observation_kind == DETECTION and link.observation_id in teller.observation_ids
        for link in event.associations
    ):
        return ""
    words = located_words(event)
    if teller.modality != DETECTION:
        return words
    return f"{words}, and named an impact with probability {event.sensor_origin.named_probability:.2f}"


def _teller(
    event: Event, kinds: tuple[str, ...], *, at: Position, wrong: CatalogueNumber, least_m: float
) -> PlaceTeller:
    """Give who tells that it was there: the sources of the first of these kinds, resting on records of them all."""
    links = [link for link in event.associations if link.observation_kind in kinds]
    sources = " + ".join(sorted({link.source_id for link in links if link.observation_kind == kinds[0]}))
    return PlaceTeller(
        cluster_id=sources,
        operator=sources,
        modality=kinds[0],
        contamination_probability=wrong.number,
        latitude_deg=at.latitude_deg,
        longitude_deg=at.longitude_deg,
        position_sigma_m=max(least_m, at.sigma_m),
        basis=wrong.basis,
        observation_ids=tuple(sorted(link.observation_id for link in links)),
    )
