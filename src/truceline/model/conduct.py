"""What a text speaks of: acts, the domain they happen in, what they are for, and who else than a party may do them."""

from __future__ import annotations

from typing import Literal

ActKind = Literal[
    "fire",
    "live_fire_exercise",
    "return_fire",
    "attack",
    "offensive_action",
    "advance",
    "reconnaissance",
    "sabotage",
    "flight",
    "presence",
    "placement",
    "reinforcement",
    "field_exercise",
    "maritime_manoeuvre",
    "gun_uncovering",
    "mine_laying",
    "mine_removal",
    "engineering_work",
    "military_manifestation",
    "jamming",
    "self_defence",
]
"""Conduct that a clause may name. `attack` is fire at an object of a class; `presence` is being somewhere at all,
`placement` is bringing a heavy weapon into position; `gun_uncovering` is opening gun ports and uncovering barrels."""

ActDomain = Literal["land", "air", "sea"]
"""Where an act happens; a clause that names none speaks of all three."""

Purpose = Literal[
    "firefighting",
    "rescue",
    "medical_evacuation",
    "weather_service",
    "farming",
    "commercial_transport",
    "monitoring",
    "demining",
    "repair",
    "training",
    "humanitarian_convoy",
    "policing",
    "civilian_work",
]
"""What an act is for, where a text lets some purposes pass."""

UnitSize = Literal["squad", "platoon", "company", "battalion", "regiment", "brigade", "division"]
"""Size of a formation, smallest first."""

UNIT_SIZES: tuple[UnitSize, ...] = ("squad", "platoon", "company", "battalion", "regiment", "brigade", "division")
"""The sizes in rising order, so that "of regiment size or larger" can be held."""
