"""What does not speak of the origin, as log-likelihoods of the five accounts: ground of the place, weapons, words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from truceline.model.evidence import EvidenceItem, ItemType

_LEAST_PROBABILITY = 1e-12


def kish_weight_ratio(items_count: int, within_probability: float) -> float:
    """Give what each of n items with correlation rho weighs: `1 / (1 + (n - 1) rho)` (Kish 1965, design effect)."""
    return 1.0 / (1.0 + (items_count - 1) * within_probability) if items_count else 1.0


def wrong_together(wrong_probability: Sequence[float], together_probability: float) -> float:
    """Give how probable it is that all who tell one place are wrong: `(1 - r) e_1 e_2 ... + r min e`.

    `together_probability` r: what misled one misled all. One alone is as often wrong as it is; one that is wrong for
    certain changes nothing; and however many tell it, it is wrong at least `r` times as often as the best of them.
    """
    return (1.0 - together_probability) * math.prod(wrong_probability) + together_probability * min(wrong_probability)


def place_log_likelihoods(holds_probability: float, contamination_probability: float) -> list[float]:
    """Give what an impact's place says: one across the line lands on the other's ground, one's own on its own.

    `holds_probability`: the first party holds the ground there. Wrong places say nothing: `(1-e) P + e / 2`.
    """
    e = contamination_probability
    first, second = holds_probability, 1.0 - holds_probability
    on_first = math.log(max((1.0 - e) * first + e / 2.0, _LEAST_PROBABILITY))
    on_second = math.log(max((1.0 - e) * second + e / 2.0, _LEAST_PROBABILITY))
    return [on_second, on_first, on_first, on_second, math.log(0.5)]


def item_log_likelihoods(item: EvidenceItem, kind: ItemType, parties: tuple[str, str]) -> list[float]:
    """Give what a statement or a party item says: `(1-e) P(item | account) + e q`, read by the role of who is named.

    The role is that of the party that speaks (`speaker`), or that is named (`about`); shares add to both roles.
    """
    assert kind.if_self is not None, f"item_type={kind.item_type} has no table: it speaks by shapes alone"
    assert kind.if_other is not None, f"item_type={kind.item_type} has no table: it speaks by shapes alone"
    assert kind.if_neither is not None, f"item_type={kind.item_type} has no table: it speaks by shapes alone"
    assert kind.background is not None, f"item_type={kind.item_type} has no table: it speaks by shapes alone"
    e = kind.contamination.number if item.contamination_probability is None else item.contamination_probability
    if item.shares:
        share = {entry.party: entry.share_probability for entry in item.shares}
        first = share.get(parties[0], 0.0) + kind.if_self.number
        second = share.get(parties[1], 0.0) + kind.if_self.number
        mean = (first + second) / 2.0
        told = (first, second, mean, mean)
    else:
        role = item.speaker if item.speaker is not None else item.about
        assert role in parties, f"item {item.item_id} speaks of {role}, which is none of {parties}"
        own, other = kind.if_self.number, kind.if_other.number
        ordered = (own, other) if role == parties[0] else (other, own)
        told = (*ordered, kind.if_neither.number, kind.background.number)
    first, second, neither = (math.log(max((1.0 - e) * entry + e * told[3], _LEAST_PROBABILITY)) for entry in told[:3])
    return [first, second, first, second, neither]
