"""The laws of zones: turning the globe, mirrors, unions, refinement, bounds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.assess.zone_area import area_probability
from truceline.assess.zone_belt import Belt, belts_inside, belts_probability, compile_belts, halved
from truceline.assess.zone_columns import spread_of
from truceline.assess.zone_combine import (
    AreaZone,
    ComplementZone,
    IntersectionZone,
    SiteZone,
    UnionZone,
    belt_zone,
    zone_inside,
    zone_probability,
)
from truceline.assess.zone_ground import compile_ground, ground_inside
from truceline.assess.zone_line import compile_line, locate
from truceline.assess.zone_site import compile_sites
from truceline.physics.geodesy import points_of

HELD = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 10_000)
LATITUDES_DEG = st.floats(-80.0, 80.0)
TURNS_DEG = st.floats(-360.0, 360.0)
SIGMAS_M = st.floats(1.0, 20e3)
STRAIGHT = compile_line([np.array([[-4.0, 0.0], [4.0, 0.0]])])
ROUNDING_M = 1e-3


def drawn(seed: int, latitude_deg: float) -> np.ndarray:
    """Draw a line of ten corners around a latitude."""
    rng = np.random.default_rng(seed)
    return np.column_stack([np.linspace(30.0, 32.0, 10), latitude_deg + rng.normal(0.0, 0.1, 10)])


def scattered(seed: int, latitude_deg: float, count: int = 30) -> np.ndarray:
    """Scatter points around it."""
    rng = np.random.default_rng(seed + 1)
    return np.column_stack([rng.uniform(29.5, 32.5, count), latitude_deg + rng.normal(0.0, 0.4, count)])


def ring(seed: int, latitude_deg: float) -> np.ndarray:
    """Draw ground south of the line."""
    line = drawn(seed, latitude_deg)
    return np.vstack([line, [[32.0, latitude_deg - 1.0], [30.0, latitude_deg - 1.0]]])


@HELD
@given(SEEDS, LATITUDES_DEG, TURNS_DEG)
def test_turning_the_globe_changes_nothing(seed: int, latitude_deg: float, turn_deg: float) -> None:
    """Line and points moved together along longitude, across the date line too, keep distance, side and station."""
    turn = np.array([np.round(turn_deg, 3), 0.0])
    line, points = drawn(seed, latitude_deg), scattered(seed, latitude_deg)
    here = locate(compile_line([line]), points_of(*points.T))
    there = locate(compile_line([line + turn]), points_of(*(points + turn).T))

    for mine, turned in zip(here, there, strict=True):
        np.testing.assert_allclose(turned, mine, atol=0.05, rtol=1e-6)
    inside = ground_inside(compile_ground([[ring(seed, latitude_deg)]]), points_of(*points.T))
    turned_ground = compile_ground([[ring(seed, latitude_deg) + turn]])
    np.testing.assert_array_equal(ground_inside(turned_ground, points_of(*(points + turn).T)), inside)


@HELD
@given(SEEDS, LATITUDES_DEG)
def test_a_mirror_exchanges_left_and_right(seed: int, latitude_deg: float) -> None:
    """Mirrored from east to west the distance keeps its size and changes its sign; from north to south likewise."""
    line, points = drawn(seed, latitude_deg), scattered(seed, latitude_deg)
    here = locate(compile_line([line]), points_of(*points.T)).signed_distance_m
    for mirror in (np.array([-1.0, 1.0]), np.array([1.0, -1.0])):
        there = locate(compile_line([line * mirror]), points_of(*(points * mirror).T)).signed_distance_m

        np.testing.assert_allclose(there, -here, atol=ROUNDING_M)


@HELD
@given(SEEDS, LATITUDES_DEG, SIGMAS_M)
def test_exchanging_the_grounds_exchanges_their_belts(seed: int, latitude_deg: float, sigma_m: float) -> None:
    """A line drawn backwards gives the belts of each ground to the other."""
    line, points = drawn(seed, latitude_deg), points_of(*scattered(seed, latitude_deg).T)
    zones = compile_belts([[Belt(from_m=2e3, to_m=15e3, ground=ground)] for ground in ("held", "other")])
    spread = spread_of(sigma_m, count=len(points))
    _, here = belts_probability(compile_line([line]), zones, points, spread=spread)
    _, there = belts_probability(compile_line([line[::-1]]), zones, points, spread=spread)

    np.testing.assert_allclose(there[::-1], here, atol=1e-6)


@HELD
@given(st.floats(-70e3, 70e3), st.lists(st.floats(0.0, 40e3), min_size=2, max_size=8), st.floats(100.0, 60e3))
def test_refining_a_position_moves_away_from_one_half(off_m: float, sigmas_m: list[float], depth_m: float) -> None:
    """At a straight edge the probability of a ground goes to one half as sigma grows, and never crosses it."""
    sigmas = np.sort(sigmas_m)
    points = points_of(np.zeros(len(sigmas)), np.full(len(sigmas), off_m / 110_574.0))
    zones = compile_belts([[Belt(from_m=depth_m, to_m=1e9, ground="held")]])
    located, found = belts_probability(STRAIGHT, zones, points, spread=spread_of(sigmas, count=len(sigmas)))
    away = np.abs(found[0] - 0.5)
    is_in = located.signed_distance_m[0] >= depth_m

    assert ((found >= 0.0) & (found <= 1.0)).all()
    assert (found[0] >= 0.5 - 1e-3).all() if is_in else (found[0] <= 0.5 + 1e-3).all()
    assert (np.diff(away) <= 3e-3).all()


@HELD
@given(SEEDS, LATITUDES_DEG, SIGMAS_M)
def test_a_union_is_at_least_its_parts_and_at_most_their_sum(seed: int, latitude_deg: float, sigma_m: float) -> None:
    """No union is less likely than a part of it, no intersection likelier, and complements add to 1."""
    points = points_of(*scattered(seed, latitude_deg, count=8).T)
    spread = spread_of(sigma_m, count=len(points))
    parts = (
        AreaZone(compile_ground([[ring(seed, latitude_deg)]])),
        belt_zone(compile_line([drawn(seed + 1, latitude_deg)]), halved(30e3)),
        SiteZone(compile_sites(points_of(*scattered(seed + 2, latitude_deg, count=3).T), 12e3)),
    )
    table = np.array([zone_probability(part, points, spread) for part in parts])
    any_of = zone_probability(UnionZone(parts), points, spread)
    all_of = zone_probability(IntersectionZone(parts), points, spread)

    assert ((table >= 0.0) & (table <= 1.0)).all()
    assert (any_of >= table.max(axis=0)).all()
    assert (any_of <= np.minimum(table.sum(axis=0), 1.0) + 1e-4).all()
    assert (all_of <= table.min(axis=0) + 1e-12).all()
    for part, own in zip(parts, table, strict=True):
        np.testing.assert_allclose(zone_probability(ComplementZone(part), points, spread), 1.0 - own)


@HELD
@given(SEEDS, LATITUDES_DEG)
def test_without_error_probability_is_membership(seed: int, latitude_deg: float) -> None:
    """With exact positions every zone has probability 1 inside and 0 outside."""
    points = points_of(*scattered(seed, latitude_deg).T)
    spread = spread_of(0.0, count=len(points))
    area = AreaZone(compile_ground([[ring(seed, latitude_deg)]]))
    belt = belt_zone(compile_line([drawn(seed, latitude_deg)]), Belt(from_m=1e3, to_m=20e3, ground="other"))
    for zone in (area, belt, UnionZone((area, belt)), IntersectionZone((area, ComplementZone(belt)))):
        np.testing.assert_array_equal(zone_probability(zone, points, spread), zone_inside(zone, points).astype(float))


@HELD
@given(SEEDS, LATITUDES_DEG, SIGMAS_M)
def test_order_and_batches_do_not_matter(seed: int, latitude_deg: float, sigma_m: float) -> None:
    """Points asked for one by one, or in another order, have the same answers as in one column."""
    points, order = scattered(seed, latitude_deg), np.random.default_rng(seed).permutation(30)
    line, zones = compile_line([drawn(seed, latitude_deg)]), compile_belts([[halved(30e3)]])
    ground = compile_ground([[ring(seed, latitude_deg)]])
    _, whole = belts_probability(line, zones, points_of(*points.T), spread=spread_of(sigma_m, count=30))
    _, mixed = belts_probability(line, zones, points_of(*points[order].T), spread=spread_of(sigma_m, count=30))
    alone = area_probability(ground, points_of(*points[:1].T), spread_of(sigma_m, count=1))

    np.testing.assert_array_equal(mixed, whole[:, order])
    assert alone[0] == area_probability(ground, points_of(*points.T), spread_of(sigma_m, count=30))[0]


@HELD
@given(SEEDS, LATITUDES_DEG, st.floats(500.0, 30e3), st.floats(0.0, 30e3))
def test_a_deeper_belt_holds_more(seed: int, latitude_deg: float, depth_m: float, more_m: float) -> None:
    """What lies in a belt lies in every deeper one."""
    located = locate(compile_line([drawn(seed, latitude_deg)]), points_of(*scattered(seed, latitude_deg).T))
    zones = compile_belts([[Belt(from_m=0.0, to_m=depth_m)], [Belt(from_m=0.0, to_m=depth_m + more_m)]])
    shallow, deep = belts_inside(zones, located)

    assert not (shallow & ~deep).any()
