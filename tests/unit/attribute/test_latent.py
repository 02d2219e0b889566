"""Who holds two points on one map: what is said of both together never contradicts what is said of each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.attribute.latent import _join_ground, err_alike, even_ring_weight, weigh_points, weigh_points_told
from truceline.attribute.layout import (
    ACROSS_FIRST,
    ACROSS_SECOND,
    EVEN_WEIGHT,
    EXCHANGED,
    FIRST_HOLDS,
    HYPOTHESIS_COUNT,
    NEITHER,
    NODE_NUMBERS_COUNT,
    OWN_FIRST,
    OWN_SECOND,
    RING_EDGES_M,
    SECOND_HOLDS,
    WEIGHT,
    Floats,
    Place,
)

POINTS_COUNT = 40
probabilities = st.floats(1e-6, 1.0 - 1e-6)
reaches_m = st.sampled_from([0.0, 500.0, 10_000.0, 1.0e6])


def points(seed_index: int) -> Floats:
    """Give points up to 20 km away, held by either party with any probability, and the place as the last one."""
    chance = np.random.default_rng(seed_index)
    nodes = np.zeros((NODE_NUMBERS_COUNT, POINTS_COUNT))
    nodes[:2, :-1] = chance.normal(0.0, 10_000.0, (2, POINTS_COUNT - 1))
    nodes[WEIGHT, :-1], nodes[EVEN_WEIGHT, :-1] = chance.random((2, POINTS_COUNT - 1))
    nodes[FIRST_HOLDS] = chance.random(POINTS_COUNT)
    nodes[SECOND_HOLDS] = 1.0 - nodes[FIRST_HOLDS]
    return nodes


def place(first_holds: float, *, wrong: float = 0.1, together_m: float = 10_000.0, still: float = 0.5) -> Place:
    """Give what is told of a place."""
    return Place(
        told=np.array([[first_holds, wrong]]),
        variance_m2=1e4,
        together_m=together_m,
        wrong_within_m=30_000.0,
        still_probability=still,
    )


def held_by(nodes: Floats, where: Place) -> Floats:
    """Give the weights of points under every account, without and with the word of the place."""
    held = np.zeros((2 * HYPOTHESIS_COUNT, POINTS_COUNT))

    assert weigh_points(where.still_probability, nodes, POINTS_COUNT, held)
    err_alike(where.together_m, nodes, POINTS_COUNT)
    weigh_points_told(where, 0, nodes, POINTS_COUNT, held)
    return held


@given(seed_index=st.integers(0, 10_000), first_holds=probabilities, together_m=reaches_m)
def test_who_holds_two_points_agrees_with_who_holds_each(
    seed_index: int, first_holds: float, together_m: float
) -> None:
    """Holding the point with the place, and without it, add up to holding the point; no share is below nought."""
    nodes, held = points(seed_index), np.zeros((HYPOTHESIS_COUNT, POINTS_COUNT))
    err_alike(together_m, nodes, POINTS_COUNT)
    _join_ground(first_holds, nodes, POINTS_COUNT, held, np.zeros(HYPOTHESIS_COUNT))
    joined = held[:, :-1]

    assert nodes[WEIGHT, :-1] * nodes[FIRST_HOLDS, :-1] == pytest.approx(joined[ACROSS_FIRST] + joined[OWN_FIRST])
    assert nodes[WEIGHT, :-1] * nodes[SECOND_HOLDS, :-1] == pytest.approx(joined[ACROSS_SECOND] + joined[OWN_SECOND])
    assert joined.min() >= 0.0


@given(seed_index=st.integers(0, 10_000), first_holds=probabilities, wrong=st.floats(0.0, 1.0), together_m=reaches_m)
def test_every_account_weighs_all_points_as_one(
    seed_index: int, first_holds: float, wrong: float, together_m: float
) -> None:
    """Weights under each account sum to 1, with the word of the place and without."""
    held = held_by(points(seed_index), place(first_holds, wrong=wrong, together_m=together_m))

    assert [1.0] * len(held) == pytest.approx(held.sum(axis=1))


@given(seed_index=st.integers(0, 10_000), first_holds=st.floats(0.5, 1.0 - 1e-6))
def test_exchanging_who_holds_what_exchanges_the_weights(seed_index: int, first_holds: float) -> None:
    """The mirror image of map and place gives the mirror image of the weights, bit for bit."""
    nodes = points(seed_index)
    other = nodes.copy()
    other[[FIRST_HOLDS, SECOND_HOLDS]] = nodes[[SECOND_HOLDS, FIRST_HOLDS]]
    here, there = held_by(nodes, place(first_holds)), held_by(other, place(1.0 - first_holds))
    order = list(EXCHANGED)

    assert np.array_equal(here[order], there[:HYPOTHESIS_COUNT])
    assert np.array_equal(here[HYPOTHESIS_COUNT:][order], there[HYPOTHESIS_COUNT:])


def test_a_wrong_place_leaves_only_the_disc_about_it() -> None:
    """Where the place is certainly wrong, points count by the even disc and by who holds them."""
    nodes = points(7)
    held = held_by(nodes, place(0.3, wrong=1.0))
    even = nodes[EVEN_WEIGHT] * nodes[FIRST_HOLDS]

    assert even / even.sum() == pytest.approx(held[HYPOTHESIS_COUNT + ACROSS_FIRST])
    assert 0.0 == held[HYPOTHESIS_COUNT + OWN_FIRST, -1] == held[HYPOTHESIS_COUNT + NEITHER, -1]


@pytest.mark.parametrize("within_m", [1_000.0, 30_000.0, 1.5e6])
def test_rings_about_a_wrong_place_share_its_disc_by_area(within_m: float) -> None:
    """For every disc that the catalogue allows, the rings' weights are areas up to its edge, and sum to 1."""
    edges_m = (0.0, *RING_EDGES_M)
    weights = [even_ring_weight(low, high, within_m) for low, high in pairwise(edges_m)]

    assert 1.0 == pytest.approx(sum(weights))
    assert (RING_EDGES_M[0] / within_m) ** 2 == pytest.approx(weights[0])
    assert all(weight == 0.0 for weight, low in zip(weights, edges_m, strict=False) if low >= within_m)


def test_where_nothing_can_be_fired_from_nothing_is_weighed() -> None:
    """Points without weight are said to be none."""
    nodes = points(1)
    nodes[WEIGHT] = 0.0

    assert not weigh_points(0.5, nodes, POINTS_COUNT, np.zeros((HYPOTHESIS_COUNT, POINTS_COUNT)))
