"""Which of the proposed sets are events: every way to share the detections out, weighed, each detection used once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from truceline.associate.array_proposals import Proposal
from truceline.associate.array_records import Floats

CANDIDATE_MAX_COUNT = 24
"""How many proposals that share detections with each other are weighed together; the least likely are left out."""


class Weighed(NamedTuple):
    """A proposal in the best way to share the detections out, with its probability over all ways, and its rivals.

    A way counts for the proposal if it holds an event that is the same in the main (`is_same`). `rivals` are the others
    that would use some of its detections for something else, with their probabilities.
    """

    proposal: Proposal
    event_probability: float
    rivals: tuple[tuple[Proposal, float], ...]


def is_same(first: Proposal, second: Proposal) -> bool:
    """Say whether two sets are one event with and without a few detections: they share most of the smaller."""
    shared_count = len(set(first.members) & set(second.members))
    return 2 * shared_count > min(len(first.members), len(second.members)) and shared_count > 1


def weigh(proposals: Sequence[Proposal], hypothesis_max_count: int) -> list[Weighed]:
    """Choose the likeliest way to share the detections out, and weigh each of its events against all other ways.

    A way is a set of proposals no two of which share a detection; its odds are the product of theirs, 1 for none at
    all. Proposals that touch each other are weighed together, others apart, which changes nothing. At most
    `hypothesis_max_count` ways are weighed for each group, likeliest beginnings first.
    """
    chosen: list[Weighed] = []
    for group in _groups(proposals):
        ways = _ways(group, hypothesis_max_count)
        logs = np.array([sum(group[index].log_odds_ratio for index in way) for way in ways])
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        best = ways[int(np.argmax(weights))]
        chosen += [_weighed(group, index, ways=ways, weights=weights) for index in best]
    return sorted(chosen, key=lambda entry: entry.proposal.members)


def _weighed(group: Sequence[Proposal], index: int, *, ways: Sequence[tuple[int, ...]], weights: Floats) -> Weighed:
    own = group[index]
    is_kin = [is_same(own, other) for other in group]
    rivals = []
    for other, proposal in enumerate(group):
        if not is_kin[other] and set(proposal.members) & set(own.members):
            rivals.append((proposal, float(sum(w for w, way in zip(weights, ways, strict=True) if other in way))))
    held = sum(w for w, way in zip(weights, ways, strict=True) if any(is_kin[entry] for entry in way))
    return Weighed(own, float(held), tuple(sorted(rivals, key=lambda rival: (-rival[1], rival[0].members))))


def _groups(proposals: Sequence[Proposal]) -> list[list[Proposal]]:
    """Give the proposals in groups that share no detection with each other, each with its likeliest first."""
    groups: list[tuple[set[int], list[Proposal]]] = []
    for proposal in sorted(proposals, key=lambda entry: (-entry.log_odds_ratio, entry.members)):
        touched = [entry for entry in groups if entry[0] & set(proposal.members)]
        groups = [entry for entry in groups if entry not in touched]
        members = set(proposal.members).union(*(entry[0] for entry in touched))
        joined = [other for entry in touched for other in entry[1]] + [proposal]
        groups.append((members, joined))
    return [
        sorted(group, key=lambda entry: (-entry.log_odds_ratio, entry.members))[:CANDIDATE_MAX_COUNT]
        for _, group in groups
    ]


def _ways(group: Sequence[Proposal], hypothesis_max_count: int) -> list[tuple[int, ...]]:
    """Give every set of proposals that share no detection, up to a number; always the one that takes the best first."""
    ways: list[tuple[int, ...]] = []
    waiting: list[tuple[int, tuple[int, ...], frozenset[int]]] = [(0, (), frozenset())]
    while waiting and len(ways) < hypothesis_max_count:
        index, way, used = waiting.pop()
        if index == len(group):
            ways.append(way)
            continue
        waiting.append((index + 1, way, used))
        if not used & set(group[index].members):
            waiting.append((index + 1, (*way, index), used | set(group[index].members)))
    return ways
