"""Made dossiers for the page: an assessed one with evidence of every family, and one that stays undetermined."""

from __future__ import annotations

from typing import Any

import msgspec

from laws.attribution_cases import (
    ADMITS,
    BLAMES,
    CLASS,
    CRATER,
    FIELD,
    MEDIA,
    MISSION,
    PARTIES,
    SETTINGS,
    SILENCE,
    SOUND,
    case,
    decided,
    exchanged_item,
)
from truceline.attribute.control import ControlField, exchanged_field
from truceline.attribute.explain import Subject, attribution_of
from truceline.attribute.tiers import REASON_NEAR_LINE, tiers_of
from truceline.dossier.bundle import Bundle, bind
from truceline.model.attribution import Attribution
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.evidence import EvidenceItem
from truceline.model.finding import Finding, PotentialViolation
from truceline.model.quantity import Position
from unit.attribute.test_stage import made

NAMES_OTHER = msgspec.structs.replace(MEDIA, about="B")
WORDS = {
    "acoustic_seismic_origin": "Sound network: origin 16 km east of the impact, within 0.9 km",
    "crater_bearing": "Patrol 4: crater, fired from 88 degrees, within 15",
    "weapon_class_from_remnant": "Patrol 4: remnant of a howitzer round, range 3 to 25 km",
    "expected_detection_absent": "Three stations in order near the other ground heard no launch",
    "party_blames_other": "Bulletin of B blames A",
    "third_party_media_names_party": "A newspaper of neither party names B",
}
STANDS_BEHIND = {
    "acoustic_seismic_origin": ("sound network", "sound"),
    "crater_bearing": ("patrol 4", "inspection of the impact"),
    "weapon_class_from_remnant": ("patrol 4", "inspection of the impact"),
    "expected_detection_absent": ("sound network", "sound"),
    "party_blames_other": ("bloc B", "statement"),
    "third_party_media_names_party": ("a newspaper", "statement"),
}
ITEMS = tuple(
    msgspec.structs.replace(
        entry,
        statement=WORDS[entry.item_type],
        file_sha256s=(f"{number:x}" * 64,),
        operator=STANDS_BEHIND[entry.item_type][0],
        modality=STANDS_BEHIND[entry.item_type][1],
    )
    for number, entry in enumerate((SOUND, CRATER, CLASS, SILENCE, BLAMES, NAMES_OTHER), start=1)
)


def answer(*items: EvidenceItem, field: ControlField = FIELD, **changes: Any) -> Attribution:
    """Give the record of the impact with such evidence; `abstention` is why nobody may be named."""
    abstention = changes.pop("abstention", None)
    one = case(*items, place_statement="Ground held by the other party, 7.4 km from the line of that day", **changes)
    decisions = decided(one, field=field)
    return attribution_of(
        Subject(event_id="made", event_revision_index=0, abstention=abstention),
        one,
        0,
        answers=(decisions, tiers_of(decisions, SETTINGS)),
        said_by=(PARTIES, SETTINGS),
    )


def finding(**changes: Any) -> Finding:
    """Give what the event may be contrary to."""
    found = PotentialViolation(
        finding_id="finding-made",
        event_id="made",
        event_revision_index=0,
        agreement_id="made_truce",
        agreement_version="1",
        window_id=None,
        provision_id="article 3",
        probability=0.97,
    )
    return msgspec.structs.replace(found, **changes)


def bound(attribution: Attribution, *, held_against: Finding | None = None, known_count: int = 2) -> Dossier:
    """Bind an attribution with its event and finding."""
    event = made(
        event_id="made",
        place_name="Made Village",
        origin_position=Position(latitude_deg=48.0, longitude_deg=36.9, sigma_m=300.0),
    )
    hashes = [
        EvidenceHash(observation_id=f"o{number}", source_id="made_feed", file_sha256="e" * 64, row_index=number)
        for number in range(known_count)
    ]
    used = EvidenceHash(observation_id="patrol_report", source_id="made_patrol", file_sha256="a" * 64, row_index=7)
    return bind(
        Bundle(
            finding=held_against or finding(),
            event=event,
            attribution=attribution,
            used=(used,),
            known_not_used=tuple(hashes),
        ),
        agreement_sha256="b" * 64,
        code_version="made",
        synthetic=True,
    )


def assessed() -> Dossier:
    """Give the dossier of an event with a located origin, a crater, and words both ways."""
    return bound(answer(*ITEMS, place_operator="patrol 4", place_modality="inspection of the impact"))


def mirrored() -> Dossier:
    """Give the same with the parties exchanged in everything."""
    items = (exchanged_item(entry) for entry in ITEMS)
    place = {"place_operator": "patrol 4", "place_modality": "inspection of the impact"}
    return bound(answer(*items, field=exchanged_field(FIELD), **place))


def undetermined() -> Dossier:
    """Give the dossier of an impact on the line, of which only the parties speak."""
    return bound(
        answer(BLAMES, ADMITS, longitude_deg=37.0, abstention=REASON_NEAR_LINE), held_against=finding(probability=0.5)
    )


def turned() -> Dossier:
    """Give the dossier of an impact of which so much is said that one party's blame points the other way in the sum."""
    return bound(answer(BLAMES, MEDIA, MISSION))


def turned_mirrored() -> Dossier:
    """Give the same with the parties exchanged in everything."""
    return bound(answer(*(exchanged_item(entry) for entry in (BLAMES, MEDIA, MISSION)), field=exchanged_field(FIELD)))
