"""Compiled: which pairings hold, when every event is one end of one pairing at most.

Without the rule, two impacts could claim one launch, and a launch could be an impact too. With it, the pairings that
hold are a weighted matching (a monomer-dimer system, Heilmann and Lieb 1972); its marginal probabilities are found by
sending messages until they settle (Bayati, Gamarnik, Katz, Nair and Tetali 2007; Williams and Lau 2014 for data
association).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.fire_columns import Floats, Ints

ROUNDS_MOST_COUNT = 200
"""Messages are sent at most so often."""

CHANGE_LEAST_RATIO = 1e-7
"""Messages that change by less, relative to one plus their size, have settled."""

_DAMPING = 0.5


class Claims(NamedTuple):
    """What each pairing claims: its impact mission, its weight, and its events.

    `start` leads into `events` (2, matches), impact and launch; `mission_index` says whose source is in question.
    """

    mission_index: Ints
    weight: Floats
    start: Ints
    events: Ints
    event_count: int


class Totals(NamedTuple):
    """The sums of messages: of a mission's pairings, and of pairings that match an event as impact, and as launch."""

    mission: Floats
    impact: Floats
    launch: Floats


@njit(cache=True)
def _totals(claims: Claims, messages: Floats) -> Totals:
    """Sum the messages up."""
    totals = Totals(np.zeros(claims.event_count), np.zeros(claims.event_count), np.zeros(claims.event_count))
    for h in range(len(claims.weight)):
        totals.mission[claims.mission_index[h]] += messages[0, h]
        for k in range(claims.start[h], claims.start[h + 1]):
            totals.impact[claims.events[0, k]] += messages[0, h]
            totals.launch[claims.events[1, k]] += messages[1, h]
    return totals


@njit(cache=True)
def _at_impact(claims: Claims, totals: Totals, h: int, own: float) -> float:
    """Give how free the impacts of pairing h are: its mission has one source, and none of them is a launch itself."""
    as_launch = 0.0
    for k in range(claims.start[h], claims.start[h + 1]):
        as_launch = max(as_launch, totals.launch[claims.events[0, k]])
    freedom: float = 1.0 / (1.0 + max(totals.mission[claims.mission_index[h]] - own, 0.0) + as_launch)
    return freedom


@njit(cache=True)
def _at_launch(claims: Claims, totals: Totals, h: int, own: float) -> float:
    """Give how free the launches of pairing h are: settled once, at the event that others want most."""
    others = 0.0
    for k in range(claims.start[h], claims.start[h + 1]):
        event = claims.events[1, k]
        others = max(others, max(totals.launch[event] - own, 0.0) + totals.impact[event])
    return 1.0 / (1.0 + others)


@njit(cache=True)
def _settle(claims: Claims) -> Floats:
    """Send messages until they settle; give each pairing's probability."""
    count = len(claims.weight)
    messages, probability = np.zeros((2, count)), np.zeros(count)
    for _ in range(ROUNDS_MOST_COUNT):
        totals = _totals(claims, messages)
        change = 0.0
        for h in range(count):
            at_impact = _at_impact(claims, totals, h, messages[0, h])
            at_launch = _at_launch(claims, totals, h, messages[1, h])
            odds = claims.weight[h] * at_impact * at_launch
            probability[h] = odds / (1.0 + odds)
            for end, freedom in ((0, at_launch), (1, at_impact)):
                new = _DAMPING * messages[end, h] + (1.0 - _DAMPING) * claims.weight[h] * freedom
                change = max(change, abs(new - messages[end, h]) / (1.0 + new))
                messages[end, h] = new
        if change < CHANGE_LEAST_RATIO:
            break
    return probability


def pairing_probabilities(claims: Claims) -> Floats:
    """Give the probability that each pairing holds.

    A mission has one source at most and an event one part; exact where the pairings form no circle. Launches that two
    pairings share exclude them once, not once for each event; two pairings that share none may both hold, as where one
    battery fires at two places. `claims.mission_index` must lie below `event_count`, which missions of events do.
    """
    probability: Floats = _settle(claims)
    return probability
