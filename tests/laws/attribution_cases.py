"""Made cases of attribution for the laws: a straight line, items of every kind, and their mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.attribute.case import Case
from truceline.attribute.control import ControlField, straight_field
from truceline.attribute.decide import Decisions, decide_cases
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.tiers import Tiers, tiers_of
from truceline.model.evidence import (
    CatalogueNumber,
    EvidenceCatalogue,
    EvidenceItem,
    OriginBand,
    OriginDirection,
    OriginPoint,
    OriginSegment,
    OriginShape,
    OriginSilence,
    PartyShare,
    PlaceTeller,
)

PARTIES = ("A", "B")
CATALOGUE = load_evidence_catalogue()
SETTINGS = AttributionSettings(catalogue=CATALOGUE)
LATITUDE_DEG, LONGITUDE_DEG = 48.0, 37.0
FIELD = straight_field(
    latitude_deg=LATITUDE_DEG,
    longitude_deg=LONGITUDE_DEG,
    bearing_deg=0.0,
    sigma_m=1_000.0,
    line_date=date(2025, 4, 19),
)
"""A line due north through 37 E: the first party holds the ground to its east."""

IMPACT = Case(case_id="made", latitude_deg=LATITUDE_DEG, longitude_deg=36.9, position_sigma_m=300.0)
"""An impact 7.4 km into the second party's ground."""


def renumbered(part: str, **numbers: float) -> EvidenceCatalogue:
    """Give the catalogue with other numbers in one of its parts."""
    made = {name: CatalogueNumber(number=number, basis="guess", source="made") for name, number in numbers.items()}
    changed = msgspec.structs.replace(getattr(CATALOGUE, part), **made)
    return msgspec.structs.replace(CATALOGUE, **{part: changed})


def item(item_type: str, *shapes: OriginShape, **changes: Any) -> EvidenceItem:
    """Give an item of its own cluster, operator and modality, changed as asked."""
    made = EvidenceItem(
        item_id=item_type,
        item_type=item_type,
        cluster_id=item_type,
        operator=item_type,
        modality=item_type,
        shapes=tuple(shapes),
    )
    return msgspec.structs.replace(made, **changes)


def point(longitude_deg: float, *, sigma_m: float = 500.0, latitude_deg: float = LATITUDE_DEG) -> OriginPoint:
    """Give an origin that was located with a circular error."""
    return OriginPoint(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        covariance_east_m2=sigma_m**2,
        covariance_east_north_m2=0.0,
        covariance_north_m2=sigma_m**2,
    )


def direction(bearing_deg: float, *, sigma_deg: float = 15.0) -> OriginDirection:
    """Give the bearing of a crater at the impact."""
    return OriginDirection(
        latitude_deg=LATITUDE_DEG, longitude_deg=36.9, bearing_deg=bearing_deg, bearing_sigma_deg=sigma_deg
    )


def band(low_m: float, high_m: float) -> OriginBand:
    """Give the range of a weapon class from the impact."""
    return OriginBand(latitude_deg=LATITUDE_DEG, longitude_deg=36.9, range_low_m=low_m, range_high_m=high_m)


def said(item_type: str, speaker: str, **changes: Any) -> EvidenceItem:
    """Give a party's own statement, in the cluster of that party with its media."""
    bloc = f"bloc {speaker}"
    return item(
        item_type,
        speaker=speaker,
        cluster_id=bloc,
        operator=bloc,
        modality="statement",
        item_id=f"{item_type} {speaker}",
        **changes,
    )


RADAR = item("counter_battery_or_track_backprojection", point(37.1))
SOUND = item("acoustic_seismic_origin", point(37.11, sigma_m=900.0))
CRATER = item("crater_bearing", direction(88.0))
CLASS = item(
    "weapon_class_from_remnant", band(3_000.0, 25_000.0), cluster_id="crater_bearing", operator="crater_bearing"
)
DRONE = item(
    "drone_track_crossing",
    OriginSegment(
        start_latitude_deg=47.98,
        start_longitude_deg=37.05,
        end_latitude_deg=48.02,
        end_longitude_deg=37.05,
        sigma_m=2e3,
    ),
)
SILENCE = item(
    "expected_detection_absent",
    *(
        OriginSilence(latitude_deg=47.9 + 0.1 * k, longitude_deg=36.8, range_half_m=9e3, detection_probability=0.9)
        for k in range(3)
    ),
)
MODEL = item(
    "weapon_model_exclusive",
    shares=(PartyShare(party="A", share_probability=0.6), PartyShare(party="B", share_probability=0.05)),
)
BLAMES = said("party_blames_other", "B")
DENIES = said("party_denies", "A")
ADMITS = said("party_admits_or_claims", "A")
MEDIA = item("third_party_media_names_party", about="A")
MISSION = item("international_mission_statement", about="A")
REPORTS = PlaceTeller(
    cluster_id="reports",
    operator="reports",
    modality="media_report",
    contamination_probability=0.2,
    latitude_deg=48.005,
    longitude_deg=36.905,
    position_sigma_m=1_000.0,
)
"""A report puts the impact some 700 m off."""

NETWORK = PlaceTeller(
    cluster_id=SOUND.cluster_id,
    operator=SOUND.operator,
    modality=SOUND.modality,
    contamination_probability=0.1,
    latitude_deg=48.001,
    longitude_deg=36.901,
    position_sigma_m=100.0,
)
"""The network that heard the launch located the impact as well."""

TEAM = PlaceTeller(
    cluster_id=CRATER.cluster_id,
    operator=CRATER.operator,
    modality=CRATER.modality,
    contamination_probability=0.05,
    latitude_deg=LATITUDE_DEG,
    longitude_deg=36.9,
    position_sigma_m=50.0,
    signed_distance_m=-7_400.0,
)
"""The team that measured the crater says where it lies."""

EVERY = (RADAR, SOUND, CRATER, CLASS, DRONE, SILENCE, MODEL, BLAMES, DENIES, ADMITS, MEDIA, MISSION)
"""One of every shape and family."""

teller_lists = st.lists(st.sampled_from([REPORTS, NETWORK, TEAM]), unique=True, max_size=2).map(tuple)

item_lists = st.lists(st.sampled_from(EVERY), unique=True, max_size=len(EVERY))


def exchanged_item(entry: EvidenceItem) -> EvidenceItem:
    """Give an item in which the parties' names are exchanged; places stay, for the ground is exchanged instead."""
    names: dict[str | None, str | None] = {"A": "B", "B": "A", None: None}
    shares = tuple(PartyShare(party=str(names[s.party]), share_probability=s.share_probability) for s in entry.shares)
    return msgspec.structs.replace(entry, speaker=names[entry.speaker], about=names[entry.about], shares=shares)


def exchanged_tellers(tellers: Sequence[PlaceTeller]) -> tuple[PlaceTeller, ...]:
    """Give tellers of the mirrored ground: as deep on the one party's as they were on the other's."""
    return tuple(
        teller
        if teller.signed_distance_m is None
        else msgspec.structs.replace(teller, signed_distance_m=-teller.signed_distance_m)
        for teller in tellers
    )


def case(*items: EvidenceItem, **changes: Any) -> Case:
    """Give the impact with such evidence, changed as asked."""
    return msgspec.structs.replace(IMPACT, items=tuple(items), **changes)


def decided(*cases: Case, field: ControlField | None = FIELD) -> Decisions:
    """Decide cases on one field."""
    return decide_cases(cases, [field] * len(cases), parties=PARTIES, catalogue=CATALOGUE)


def answered(*cases: Case, field: ControlField | None = FIELD, settings: AttributionSettings = SETTINGS) -> Tiers:
    """Give the tiers of cases on one field."""
    return tiers_of(decided(*cases, field=field), settings)


def ahead(*cases: Case, field: ControlField | None = FIELD) -> np.ndarray:
    """Give the log-odds of the first party against the second."""
    return decided(*cases, field=field).log_odds_ratio
