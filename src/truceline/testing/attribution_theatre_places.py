"""Who tells where it was in the made-up theatre: a patrol or a report, an outlet that wrote of it, the arrays.

Each is wrong in its own way and not as often as the catalogue holds; some are misled by one thing. Whoever puts it
elsewhere than the witness is taken to tell of another event, as the association does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from truceline.attribute.case import Case, told_by
from truceline.model.evidence import CataloguePlace, PlaceTeller
from truceline.testing.attribution_theatre_attacks import (
    ARRAY_HELD_WRONG_PROBABILITY,
    BURST_NAMED_PROBABILITY,
    PAIR_NAMED_PROBABILITY,
)
from truceline.testing.attribution_theatre_ground import Spot
from truceline.testing.attribution_theatre_sensors import ARRAY, Scene

PATROL_WRONG, REPORT_WRONG, ARRAY_WRONG = 0.05, 0.13, 0.07
"""How often the place is that of another event (5 to 30 km off), or of the fire going out taken for the impact."""

LAUNCH_TAKEN_SHARE = 0.4
MISLED_ALIKE_SHARE = 0.35
"""Where the witness took the fire going out for the impact, so often any other who tells it did as well."""

JOINED_MOST_SIGMA_RATIO = 3.0

HELD_WRONG = {"patrol_report": 0.10, "media_report": 0.20, "sound": ARRAY_HELD_WRONG_PROBABILITY}
"""How often the catalogue holds such a place wrong."""


class Place(NamedTuple):
    """Where somebody says it was, with the error stated, and whether the fire going out was taken for the impact."""

    spot: Spot
    sigma_m: float
    launch_taken: bool


class Known(NamedTuple):
    """What else was noticed of an event: which outlets wrote of it, and whether the arrays located its launch."""

    outlets: Sequence[str]
    launch_heard: bool


def witness_place(scene: Scene) -> Place:
    """Draw the place as the witness tells it: a patrol's, else a report's."""
    if scene.patrol:
        return _told(scene, PATROL_WRONG, 60.0)
    return _told(scene, REPORT_WRONG, None)


def other_tellers(
    scene: Scene, witness: Place, *, known: Known, chance: np.random.Generator
) -> tuple[PlaceTeller, ...]:
    """Draw who else puts it there: the first outlet that wrote of it, where a patrol is the witness, and the arrays.

    Arrays that located the launch as well name an impact; where they did not, it is an explosion to them.
    """
    own = msgspec.structs.replace(scene, chance=chance)
    found = []
    if scene.patrol and known.outlets:
        outlet = (known.outlets[0], known.outlets[0], "media_report")
        found.append((_again(own, witness, REPORT_WRONG, sigma_m=None), outlet, 1.0))
    depth_m = abs(scene.happening.day.depth_m(scene.happening.impact))
    burst = 0.85 if scene.happening.weapon.loud else 0.6
    if own.notices(burst * scene.happening.day.hearing_ratio / (1.0 + (depth_m / 20_000.0) ** 4)):
        sigma_m = float(chance.lognormal(math.log(120.0 + 0.01 * depth_m), 0.3))
        heard = _again(own, witness, ARRAY_WRONG, sigma_m=sigma_m)
        east_m, north_m = scene.happening.day.array_bias_m
        shifted = heard._replace(spot=(heard.spot[0] + east_m, heard.spot[1] + north_m))
        named = PAIR_NAMED_PROBABILITY if known.launch_heard else BURST_NAMED_PROBABILITY
        found.append((shifted, (*ARRAY, "sound"), named))
    return tuple(
        teller_of(scene, place, owner, named_probability=named)
        for place, owner, named in found
        if _joined(place, witness)
    )


def teller_of(
    scene: Scene, place: Place, owner: tuple[str, str, str], *, named_probability: float = 1.0
) -> PlaceTeller:
    """Give who tells a place, as the attribution reads it, and how surely that it was an impact.

    `with_place_rates` says how often it is held wrong.
    """
    wrong = HELD_WRONG[owner[2]]
    latitude_deg, longitude_deg = scene.happening.day.coordinates_deg(place.spot)
    return PlaceTeller(
        cluster_id=owner[0],
        operator=owner[1],
        modality=owner[2],
        contamination_probability=1.0 - (1.0 - wrong) * named_probability,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        position_sigma_m=place.sigma_m,
        statement=f"made-up {owner[2]}",
    )


def with_place_rates(case: Case, place: CataloguePlace) -> Case:
    """Give a case whose place, and what was heard there, are held wrong as often as a catalogue says."""
    numbers = {"patrol_report": place.patrol_wrong, "media_report": place.report_wrong, "sound": place.sensor_wrong}
    own, *others = (
        msgspec.structs.replace(
            teller,
            contamination_probability=_held_wrong(teller, numbers[teller.modality].number),
            basis=numbers[teller.modality].basis,
        )
        for teller in (case.tellers[0], *case.also_told)
    )
    items = tuple(
        msgspec.structs.replace(item, contamination_probability=own.contamination_probability)
        if item.modality == own.modality and item.contamination_probability is not None
        else item
        for item in case.items
    )
    return told_by(msgspec.structs.replace(case, items=items), own, *others)


def _held_wrong(teller: PlaceTeller, wrong_probability: float) -> float:
    """Give how often a teller is held wrong by another rate, as sure as it is that it was an impact."""
    named = (1.0 - teller.contamination_probability) / (1.0 - HELD_WRONG[teller.modality])
    return 1.0 - (1.0 - wrong_probability) * named


def _told(scene: Scene, wrong_probability: float, sigma_m: float | None) -> Place:
    """Draw a place as it is told, with its stated error: heavier tails than stated, and wrong at times."""
    happening, chance = scene.happening, scene.chance
    spot, launch_taken = happening.place, False
    if scene.happens(wrong_probability):
        if happening.launch is not None and scene.happens(LAUNCH_TAKEN_SHARE):
            spot, launch_taken = happening.launch, True
        else:
            angle, distance_m = float(chance.uniform(0.0, 2.0 * math.pi)), float(chance.uniform(5_000.0, 30_000.0))
            spot = (spot[0] + distance_m * math.sin(angle), spot[1] + distance_m * math.cos(angle))
    return _spread(scene, spot, sigma_m, launch_taken=launch_taken)


def _spread(scene: Scene, spot: Spot, sigma_m: float | None, *, launch_taken: bool) -> Place:
    """Draw the error of a place that is told; a report's is a kilometre or so."""
    stated_m = float(scene.chance.lognormal(math.log(1_000.0), 0.4)) if sigma_m is None else sigma_m
    error = stated_m * scene.chance.standard_t(4, 2)
    return Place((spot[0] + float(error[0]), spot[1] + float(error[1])), stated_m, launch_taken)


def _again(scene: Scene, witness: Place, wrong_probability: float, *, sigma_m: float | None) -> Place:
    """Draw where one more puts it; what misled the witness misleads some of them as well."""
    launch = scene.happening.launch
    if witness.launch_taken and launch is not None and scene.happens(MISLED_ALIKE_SHARE):
        return _spread(scene, launch, sigma_m, launch_taken=True)
    return _told(scene, wrong_probability, sigma_m)


def _joined(place: Place, witness: Place) -> bool:
    """Say whether two places are so near each other that both are taken to be of one event."""
    return math.dist(place.spot, witness.spot) <= JOINED_MOST_SIGMA_RATIO * math.hypot(place.sigma_m, witness.sigma_m)
