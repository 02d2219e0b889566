"""What a deceiver does to the evidence of every event of the made-up theatre, always to have the other party named.

The deceiver is whoever did it (of events of neither: a party by lot). Every attack has the best position: it knows the
truth, the line and what the model reads.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import msgspec
import numpy as np

from truceline.attribute.control import ControlField
from truceline.model.evidence import EvidenceItem, OriginDirection, PlaceTeller
from truceline.testing.attribution_theatre_ground import Spot
from truceline.testing.attribution_theatre_sensors import ARRAY, RADAR, Scene, circle
from truceline.testing.attribution_theatre_truth import Happening
from truceline.testing.attribution_theatre_words import named, spoken

Attack = Literal[
    "none",
    "planted_media",
    "spoofed_array",
    "spoofed_sensors",
    "false_flag",
    "false_flag_spoofed_array",
    "false_flag_spoofed_sensors",
    "back_dated_line",
    "syndication",
    "impostor_admission",
]

ATTACKS: tuple[Attack, ...] = get_args(Attack)
ATTACK_WORDS: dict[Attack, str] = {
    "none": "no attack",
    "planted_media": "30 copies by the doer's media and 10 invented outlets name the other",
    "spoofed_array": "every event's array network locates the launch on the other's ground",
    "spoofed_sensors": "array network and track radar, of two owners, both say so",
    "false_flag": "every event staged on own ground, fired from just behind the line to look as from across",
    "false_flag_spoofed_array": "the same, and the array network is spoofed",
    "false_flag_spoofed_sensors": "the same, and array network and track radar are spoofed",
    "back_dated_line": "the line used is an old one, 6 km into the doer's ground: launches lie on the other's",
    "syndication": "every outlet's report is copied 100 times",
    "impostor_admission": "an impostor admits it in the other's name",
}
PLANTED_COPIES_COUNT, PLANTED_OUTLETS_COUNT, SYNDICATED_COUNT = 30, 10, 100
SPOOFED_SIGMA_M = 250.0
SPOOFED_PLACE_SIGMA_M = 150.0
ARRAY_HELD_WRONG_PROBABILITY = 0.06
"""How often arrays' places are held wrong, before what they make of the event."""

PAIR_NAMED_PROBABILITY, BURST_NAMED_PROBABILITY = 0.85, 0.5
"""How surely arrays name an impact where they located its launch as well, and where they heard an explosion alone."""


def attacked_items(
    items: tuple[EvidenceItem, ...], happening: Happening, *, attack: Attack, chance: np.random.Generator
) -> tuple[EvidenceItem, ...]:
    """Give an event's evidence after the attack."""
    doer = happening.party_index if happening.party_index >= 0 else int(chance.integers(2))
    scene = Scene(happening=happening, patrol="", chance=chance)
    match attack:
        case "none" | "false_flag" | "back_dated_line":
            return items
        case "planted_media":
            copies = (spoken(scene, "party_blames_other", doer),) * PLANTED_COPIES_COUNT
            outlets = [(f"planted {number}", f"planted {number}") for number in range(PLANTED_OUTLETS_COUNT)]
            planted = [
                named(scene, "third_party_media_names_party", owner=outlet, party_index=1 - doer) for outlet in outlets
            ]
            return (*items, *copies, *planted)
        case "spoofed_array" | "false_flag_spoofed_array":
            return _spoofed(items, scene, doer, owners=("array",))
        case "spoofed_sensors" | "false_flag_spoofed_sensors":
            return _spoofed(items, scene, doer, owners=("array", "radar"))
        case "syndication":
            copied = [item for item in items if item.item_type == "third_party_media_names_party"]
            return (*items, *(item for item in copied for _ in range(SYNDICATED_COUNT)))
        case "impostor_admission":
            return (*items, spoken(scene, "party_admits_or_claims", 1 - doer))


def attacked_tellers(tellers: tuple[PlaceTeller, ...], witness: PlaceTeller, attack: Attack) -> tuple[PlaceTeller, ...]:
    """Give who else tells the place after the attack: arrays that are spoofed put it where the witness does.

    That harms most: a place of which everybody is sure carries what they say of the launch. Were they silent on it,
    staged attacks would name the other in fewer events (docs/method/attribution_evaluation.md).
    """
    if "spoofed" not in attack:
        return tellers
    agreeing = msgspec.structs.replace(
        witness,
        cluster_id=ARRAY[0],
        operator=ARRAY[1],
        modality="sound",
        contamination_probability=1.0 - (1.0 - ARRAY_HELD_WRONG_PROBABILITY) * PAIR_NAMED_PROBABILITY,
        position_sigma_m=SPOOFED_PLACE_SIGMA_M,
    )
    return (agreeing, *(teller for teller in tellers if teller.cluster_id != ARRAY[0]))


def attacked_field(happening: Happening, attack: Attack) -> ControlField:
    """Give the drawing of the line that the event is read by; a back-dated one puts launches on the other's ground."""
    moved = happening.day.moved_fields
    if attack != "back_dated_line" or moved is None:
        return happening.day.field
    return moved[1 if happening.party_index == 1 else 0]


def _spoofed(
    items: tuple[EvidenceItem, ...], scene: Scene, doer: int, *, owners: tuple[str, ...]
) -> tuple[EvidenceItem, ...]:
    """Replace all that these owners say by an origin on the other's ground that fits everything else."""
    spot = _best_spot(items, scene, doer)
    latitude_deg, longitude_deg = scene.happening.day.coordinates_deg(spot)
    origin = circle(latitude_deg, longitude_deg, SPOOFED_SIGMA_M)
    array = scene.item("acoustic_seismic_origin", ARRAY, "sound", origin)
    radar = scene.item("counter_battery_or_track_backprojection", RADAR, "radar", origin)
    gone = {ARRAY[0]} | ({RADAR[0]} if "radar" in owners else set())
    kept = [item for item in items if item.cluster_id not in gone]
    return (*kept, array, *((radar,) if "radar" in owners else ()))


def _best_spot(items: tuple[EvidenceItem, ...], scene: Scene, doer: int) -> Spot:
    """Choose where the launch is said to have been: well on the other's ground, and where craters point if they do."""
    happening, day = scene.happening, scene.happening.day
    inward = 1.0 if doer == 1 else -1.0
    impact = happening.impact
    pointed = [
        math.radians(shape.bearing_deg - day.direction_deg((0.0, 0.0), (0.0, 1.0)))
        for item in items
        for shape in item.shapes
        if item.item_type == "crater_bearing" and isinstance(shape, OriginDirection)
    ]
    for angle in pointed[:1]:
        for distance_m in (4_000.0, 6_000.0, 9_000.0, 13_000.0, 18_000.0):
            spot = (impact[0] - distance_m * math.sin(angle), impact[1] + distance_m * math.cos(angle))
            if inward * day.depth_m(spot) > 2_500.0:
                return spot
    along_m = impact[0] + float(scene.chance.normal(0.0, 1_500.0))
    return along_m, day.line_across_m(along_m) + inward * float(scene.chance.uniform(3_000.0, 6_000.0))
