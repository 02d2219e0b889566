"""The made-up theatre: events with ground truth, and cases as the attribution reads them, with or without an attack.

Its tables are not the catalogue's, see the modules beside it: where errors come from, how they hang together, who sees
what, how often a party does it on its own ground. Both parties are drawn by the same rules. docs/method/
attribution_evaluation.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.attribute.case import Case, told_by
from truceline.attribute.control import ControlField
from truceline.attribute.layout import TELLERS_MOST_COUNT
from truceline.model.evidence import EvidenceItem
from truceline.model.quantity import require_between
from truceline.testing.attribution_theatre_attacks import (
    Attack,
    attacked_field,
    attacked_items,
    attacked_tellers,
)
from truceline.testing.attribution_theatre_ground import PARTIES, Day, make_days
from truceline.testing.attribution_theatre_places import Known, other_tellers, teller_of, witness_place
from truceline.testing.attribution_theatre_sensors import ARRAY, Scene, circle, sensor_items
from truceline.testing.attribution_theatre_truth import (
    Account,
    Happening,
    draw_account,
    draw_false_flag,
    draw_happening,
)
from truceline.testing.attribution_theatre_words import word_items

EVENTS_PER_PAIR_COUNT = 10
DAY_PAIRS_LEAST_COUNT, DAY_PAIRS_MOST_COUNT = 10, 250
"""Events of a pair of days share the errors of one drawing and one atmosphere."""

VISITED_SHARE = 0.8
"""Events that a patrol visits: it knows the place well and reads craters; of others a report gives the place."""

OWN_SIDE_DEFAULT_PROBABILITY = 0.03


class TheatreWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a theatre is made of: how many events, how often a party did it on its own ground, and which attack.

    `notice_ratio` multiplies the probability of everything that is noticed; at 1 events have 3 to 12 items.
    `tellers_most_count`: so many at most tell an impact's place; with 1 only the patrol or the report does.
    """

    events_count: int
    own_side_probability: float = OWN_SIDE_DEFAULT_PROBABILITY
    notice_ratio: float = 1.0
    attack: Attack = "none"
    tellers_most_count: int = TELLERS_MOST_COUNT

    def __post_init__(self) -> None:
        """Check the limits."""
        require_between("events_count", self.events_count, 1, 1_000_000)
        require_between("own_side_probability", self.own_side_probability, 0.0, 1.0)
        require_between("notice_ratio", self.notice_ratio, 0.0, 2.0)
        require_between("tellers_most_count", self.tellers_most_count, 1, TELLERS_MOST_COUNT)


class Theatre(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Cases with the field of their day, and what was so: in columns as long as the cases.

    `responsible`: index of the party that did it, -1 for neither. `line_distance_m`: true distance of the place.
    """

    parties: tuple[str, str]
    cases: tuple[Case, ...]
    fields: tuple[ControlField, ...]
    responsible: NDArray[np.int64]
    accounts: tuple[Account, ...]
    line_distance_m: NDArray[np.float64]


def theatre_days(wish: TheatreWish, chance: np.random.Generator) -> tuple[Day, ...]:
    """Make the days of the theatre that `make_theatre` makes by the same chance."""
    return _days_of(wish, chance.spawn(3)[0])


def _days_of(wish: TheatreWish, chance: np.random.Generator) -> tuple[Day, ...]:
    pairs_count = min(DAY_PAIRS_MOST_COUNT, max(DAY_PAIRS_LEAST_COUNT, wish.events_count // EVENTS_PER_PAIR_COUNT))
    return make_days(pairs_count, chance, back_dated=wish.attack == "back_dated_line")


def make_theatre(wish: TheatreWish, chance: np.random.Generator, *, days: tuple[Day, ...] | None = None) -> Theatre:
    """Make a theatre. Of one seed, events are the same whatever attacks them; false flags are events of their own.

    `days`: those of `theatre_days` of the same chance, where they were made before; most of the work is in them.
    """
    of_days, of_events, of_attacks = chance.spawn(3)
    days = _days_of(wish, of_days) if days is None else days
    made = []
    for index, (own, attacker) in enumerate(
        zip(of_events.spawn(wish.events_count), of_attacks.spawn(wish.events_count), strict=True)
    ):
        happening = _draw(wish, days[int(own.integers(len(days)))], own)
        made.append((_case_of(f"event {index:06d}", happening, wish, chance=own, attacker=attacker), happening))
    return Theatre(
        parties=PARTIES,
        cases=tuple(case for case, _ in made),
        fields=tuple(attacked_field(happening, wish.attack) for _, happening in made),
        responsible=np.array([happening.party_index for _, happening in made], dtype=np.int64),
        accounts=tuple(happening.account for _, happening in made),
        line_distance_m=np.array([abs(happening.day.depth_m(happening.place)) for _, happening in made]),
    )


def _draw(wish: TheatreWish, day: Day, chance: np.random.Generator) -> Happening:
    party_index = int(chance.integers(2))
    if wish.attack in {"false_flag", "false_flag_spoofed_array", "false_flag_spoofed_sensors"}:
        return draw_false_flag(party_index, day, chance)
    return draw_happening(draw_account(wish.own_side_probability, chance), party_index, day=day, chance=chance)


def _numbered(items: Iterable[EvidenceItem]) -> tuple[EvidenceItem, ...]:
    return tuple(
        msgspec.structs.replace(item, item_id=f"{item.item_type} {number:03d}") for number, item in enumerate(items)
    )


def _case_of(
    case_id: str, happening: Happening, wish: TheatreWish, *, chance: np.random.Generator, attacker: np.random.Generator
) -> Case:
    """Let everybody notice the event, deceive whom the attack deceives, and lay out what is known as a case."""
    visited = bool(chance.random() < VISITED_SHARE * wish.notice_ratio)
    patrol = f"patrol {int(chance.integers(10))}" if visited else ""
    scene = Scene(happening=happening, patrol=patrol, chance=chance, notice_ratio=wish.notice_ratio)
    place = witness_place(scene)
    witness = (scene.patrol, "mission", "patrol_report") if visited else ("reports", "reports", "media_report")
    told = teller_of(scene, place, witness)
    sensed = list(sensor_items(scene))
    words, outlets = word_items(scene)
    items = [*sensed, *words]
    tellers = [told]
    if happening.launch_seen:
        origin = circle(told.latitude_deg, told.longitude_deg, max(told.position_sigma_m, 300.0))
        heard = scene.item("patrol_outgoing_incoming", (witness[0], witness[1]), witness[2], origin)
        items.insert(0, msgspec.structs.replace(heard, contamination_probability=told.contamination_probability))
    else:
        launch_heard = any(
            item.cluster_id == ARRAY[0] and item.item_type == "acoustic_seismic_origin" for item in sensed
        )
        known = Known(outlets, launch_heard)
        others = other_tellers(scene, place, known=known, chance=chance.spawn(1)[0])
        tellers += attacked_tellers(others, told, wish.attack)[: wish.tellers_most_count - 1]
    evidence = attacked_items(tuple(items), happening, attack=wish.attack, chance=attacker)
    plain = Case(
        case_id=case_id,
        latitude_deg=told.latitude_deg,
        longitude_deg=told.longitude_deg,
        position_sigma_m=told.position_sigma_m,
        anchor="launch" if happening.launch_seen else "impact",
        items=_numbered(evidence),
    )
    return told_by(plain, *sorted(tellers, key=lambda teller: (teller.position_sigma_m, teller.cluster_id)))
