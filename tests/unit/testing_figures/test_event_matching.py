"""Laws of matching solved with reference events: one to one, within the gates, and never worse than any other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.errors import InputUnusable
from truceline.testing import event_matching
from truceline.testing.event_matching import STRICT_GATES, WIDE_GATES, EventPlaces, Matches, MatchGates, match_events

GATES = MatchGates(distance_m=2.0, time_s=3.0)


def places(rows: list[tuple[float, float, float]]) -> EventPlaces:
    """Make places from rows of x, y and time."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return EventPlaces(table[:, 0], table[:, 1], table[:, 2])


def cost_of(reference: EventPlaces, solved: EventPlaces, pair: tuple[int, int]) -> float | None:
    """Give what a pair costs under the gates, `None` where it is not allowed."""
    first, second = pair
    distance = np.hypot(reference.x_m[first] - solved.x_m[second], reference.y_m[first] - solved.y_m[second])
    gap = abs(reference.time_s[first] - solved.time_s[second])
    if distance > GATES.distance_m or gap > GATES.time_s:
        return None
    return float((distance / GATES.distance_m) ** 2 + (gap / GATES.time_s) ** 2)


def best_by_trial(reference: EventPlaces, solved: EventPlaces) -> tuple[int, float]:
    """Try every way to pair, and give the most pairs and the least cost of so many."""
    best = (0, 0.0)
    counts = (len(reference.x_m), len(solved.x_m))
    for size in range(1, min(counts) + 1):
        for chosen in itertools.combinations(range(counts[0]), size):
            for partners in itertools.permutations(range(counts[1]), size):
                costs = [cost_of(reference, solved, pair) for pair in zip(chosen, partners, strict=True)]
                known = [cost for cost in costs if cost is not None]
                if len(known) == size and (size > best[0] or sum(known) < best[1]):
                    best = (size, sum(known))
    return best


def total_cost(reference: EventPlaces, solved: EventPlaces, matches: Matches) -> float:
    """Give the cost of a match, in which every pair must be allowed."""
    costs = [cost_of(reference, solved, pair) for pair in zip(*matches, strict=True)]
    known = [cost for cost in costs if cost is not None]
    assert len(costs) == len(known)
    return sum(known)


ROWS = st.lists(st.tuples(*[st.integers(-6, 6).map(lambda value: value / 2.0)] * 3), max_size=4)


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS)
def test_no_other_pairing_is_better(
    reference_rows: list[tuple[float, float, float]], solved_rows: list[tuple[float, float, float]]
) -> None:
    """The match has as many pairs as any allowed pairing, and of those with so many the least cost."""
    reference, solved = places(reference_rows), places(solved_rows)
    matches = match_events(reference, solved, gates=GATES)
    most, least = best_by_trial(reference, solved)

    assert most == len(matches.reference_index)
    assert least == pytest.approx(total_cost(reference, solved, matches))
    assert len(set(matches.solved_index.tolist())) == len(matches.solved_index)
    assert sorted(set(matches.reference_index.tolist())) == matches.reference_index.tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_events_does_not_matter(seed: int) -> None:
    """Shuffle either list and the same events are matched with one another."""
    chance = np.random.default_rng(seed)
    first, second = chance.uniform(0.0, 12.0, (40, 3)), chance.uniform(0.0, 12.0, (35, 3))
    order, other = chance.permutation(40), chance.permutation(35)
    plain = match_events(EventPlaces(*first.T), EventPlaces(*second.T), gates=GATES)
    mixed = match_events(EventPlaces(*first[order].T), EventPlaces(*second[other].T), gates=GATES)
    expected = set(zip(plain.reference_index.tolist(), plain.solved_index.tolist(), strict=True))

    assert expected == set(zip(order[mixed.reference_index], other[mixed.solved_index], strict=True))


def test_a_chain_is_solved_as_a_whole() -> None:
    """An event gives way to a nearer one, where its own second choice lets both be matched."""
    reference = places([(0.0, 0.0, 0.0), (1.5, 0.0, 0.0)])
    solved = places([(1.4, 0.0, 0.0), (3.4, 0.0, 0.0)])
    matches = match_events(reference, solved, gates=GATES)

    assert [(0, 0), (1, 1)] == list(zip(matches.reference_index, matches.solved_index, strict=True))
    assert [0, 1, -1] == matches.solved_by_reference(3).tolist()
    assert [0, 1] == matches.reference_by_solved(2).tolist()


def test_a_gate_is_closed_just_beyond_it() -> None:
    """A pair exactly at both gates is allowed, and none further."""
    reference = places([(0.0, 0.0, 0.0)])

    assert 1 == len(match_events(reference, places([(2.0, 0.0, 3.0)]), gates=GATES).solved_index)
    assert 0 == len(match_events(reference, places([(2.001, 0.0, 0.0)]), gates=GATES).solved_index)
    assert 0 == len(match_events(reference, places([(0.0, 0.0, -3.001)]), gates=GATES).solved_index)
    assert (2_000.0, 3.0, 500.0, 1.5) == (
        WIDE_GATES.distance_m,
        WIDE_GATES.time_s,
        STRICT_GATES.distance_m,
        STRICT_GATES.time_s,
    )


def test_gates_that_tell_nothing_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all events lie within the gates of one another beyond the limit of memory, the answer says so."""
    monkeypatch.setattr(event_matching, "COMPONENT_MATRIX_MAX_BYTES", 70)
    three = places([(0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (0.2, 0.0, 0.0)])

    with pytest.raises(InputUnusable, match="3 by 3 events lie within the gates of one another, a table of 72 bytes"):
        match_events(three, three, gates=GATES)


def test_a_gate_that_is_none_is_refused() -> None:
    """A gate must be open and finite."""
    with pytest.raises(ValueError, match="distance_m=0"):
        MatchGates(distance_m=0.0, time_s=1.0)
    with pytest.raises(ValueError, match="time_s=nan"):
        MatchGates(distance_m=1.0, time_s=float("nan"))
