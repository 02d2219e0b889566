"""Belts along lines: by depth, ground and markers, exact and uncertain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from truceline.assess.zone_belt import Belt, belts_inside, belts_probability, compile_belts, halved
from truceline.assess.zone_columns import Spread, checked_spread, spread_of
from truceline.assess.zone_ground import compile_ground
from truceline.assess.zone_line import ReferenceLine, compile_line, locate
from truceline.assess.zone_normal import axes_of, edge_mass, owen_t
from truceline.physics.geodesy import Points, geodesic_destination, points_of

EQUATOR = compile_line([np.array([[-3.0, 0.0], [3.0, 0.0]])])
HALF_DEGREE_M = 55_659.7


def north_of(distance_m: list[float]) -> Points:
    """Give points north of the middle of the straight line."""
    count = len(distance_m)
    return geodesic_destination(points_of(np.zeros(count), np.zeros(count)), np.zeros(count), distance_m)


def drawn_share(line: ReferenceLine, zones: list[list[Belt]], points: Points, sigma_m: float) -> np.ndarray:
    """Give the share of 40,000 drawn positions that lie in each zone; [zones, points]."""
    rng = np.random.default_rng(6)
    compiled, shares = compile_belts(zones), []
    for k in range(len(points)):
        centre = points_of(np.full(40_000, points.longitude_deg[k]), np.full(40_000, points.latitude_deg[k]))
        way_m = sigma_m * np.sqrt(-2.0 * np.log(rng.uniform(size=40_000)))
        moved = geodesic_destination(centre, rng.uniform(0.0, 360.0, 40_000), way_m)
        shares.append(belts_inside(compiled, locate(line, moved)).mean(axis=1))
    return np.array(shares).T


def test_the_golden_case_of_the_belt() -> None:
    """A gun 34.5 km from a line, known to 1 km, lies in a belt of 35 km with probability 0.69."""
    _, found = belts_probability(
        EQUATOR, compile_belts([[halved(70e3)]]), north_of([34.5e3]), spread=spread_of(1e3, count=1)
    )

    assert 0.69 == round(float(found[0, 0]), 2)
    assert found[0, 0] == pytest.approx(norm.cdf(0.5), abs=1e-4)


def test_the_lines_own_error_adds_in_variance() -> None:
    """With 3 km of the line and 4 km of the position the belt's edge is as blurred as with 5 km of either."""
    zones, point = compile_belts([[halved(70e3)]]), north_of([30e3])
    _, found = belts_probability(EQUATOR, zones, point, spread=spread_of(4e3, count=1), boundary_sigma_m=3e3)
    _, line_alone = belts_probability(EQUATOR, zones, point, spread=spread_of(0.0, count=1), boundary_sigma_m=5e3)

    assert found[0, 0] == pytest.approx(norm.cdf(1.0), abs=1e-4)
    assert line_alone[0, 0] == pytest.approx(norm.cdf(1.0), abs=1e-4)


def test_belts_are_half_open() -> None:
    """A place at exactly the inner depth is in, one at exactly the outer is not, and the line itself is held ground."""
    point = north_of([20e3])
    depth_m = float(locate(EQUATOR, point).signed_distance_m[0])
    zones = compile_belts(
        [
            [Belt(from_m=0.0, to_m=depth_m)],
            [Belt(from_m=depth_m, to_m=40e3)],
            [Belt(from_m=0.0, to_m=1e3, ground="held")],
            [Belt(from_m=0.0, to_m=1e3, ground="other")],
        ]
    )
    spread = spread_of(0.0, count=2)
    points = points_of([point.longitude_deg[0], 0.5], [point.latitude_deg[0], 0.0])
    located, found = belts_probability(EQUATOR, zones, points, spread=spread)

    assert [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]] == found.tolist()
    np.testing.assert_array_equal(belts_inside(zones, located), found > 0.5)


def test_belts_on_one_ground_end_at_the_line() -> None:
    """The belt of one ground and that of the other divide the belt of both, whichever place one looks at."""
    zones = [[Belt(from_m=0.0, to_m=15e3, ground=ground)] for ground in ("held", "other", "both")]
    points = north_of([1e3, 14e3, 15e3, 0.0, -300.0, -16e3])
    for sigma_m in (0.0, 500.0, 3e3):
        _, found = belts_probability(EQUATOR, compile_belts(zones), points, spread=spread_of(sigma_m, count=6))

        np.testing.assert_allclose(found[0] + found[1], found[2], atol=2e-3)


def test_overlapping_belts_count_once() -> None:
    """A union of belts that overlap, touch or are empty is the belt they cover."""
    parts = [Belt(from_m=0.0, to_m=10e3), Belt(from_m=5e3, to_m=20e3), Belt(from_m=20e3, to_m=30e3)]
    empty = [Belt(from_m=4e3, to_m=4e3), Belt(from_m=9e3, to_m=2e3)]
    zones = compile_belts([[*parts, *empty], [halved(60e3)], empty, []])
    points = north_of([0.0, 9e3, 20e3, 29e3, 31e3])
    _, found = belts_probability(EQUATOR, zones, points, spread=spread_of(1e3, count=5))

    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    assert not found[2:].any()


def test_a_belt_holds_between_its_markers_only() -> None:
    """Between two stations the belt ends square to the line, half-open, and neighbours divide the whole."""
    middle_m = EQUATOR.length_m / 2.0
    west = Belt(from_m=0.0, to_m=20e3, station_to_m=middle_m)
    east = Belt(from_m=0.0, to_m=40e3, station_from_m=middle_m)
    points = points_of([-0.5, 0.5, 0.0, 0.5, -0.02], [0.1, 0.1, 0.1, 0.3, 0.1])
    zones = compile_belts([[west], [east], [west, east], [halved(40e3)]])
    exact = belts_inside(zones, locate(EQUATOR, points))
    _, found = belts_probability(EQUATOR, zones, points, spread=spread_of(2e3, count=5))

    assert [True, False, False, False, True] == exact[0].tolist()
    assert [False, True, True, True, False] == exact[1].tolist()
    np.testing.assert_allclose(found[0] + found[1], found[2], atol=1e-9)
    assert found[0, 4] == pytest.approx(norm.cdf(0.02 * 2 * HALF_DEGREE_M / 2e3), abs=0.01)
    assert found[2, 2] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("sigma_m", [400.0, 3e3, 12e3])
def test_probabilities_along_a_bent_line_are_those_of_chance(sigma_m: float) -> None:
    """Along a bent line the probability of a belt is the share of drawn positions in it, to two hundredths."""
    rng = np.random.default_rng(3)
    corners = np.column_stack([np.linspace(36.0, 38.0, 60), 48.0 + rng.normal(0.0, 0.05, 60)])
    ground = compile_ground([[np.vstack([corners, [[38.0, 47.0], [36.0, 47.0]]])]])
    points = points_of(rng.uniform(36.2, 37.8, 12), 48.0 + rng.normal(0.0, 0.12, 12))
    zones = [
        [halved(30e3)],
        [Belt(from_m=0.0, to_m=9e3, ground="held")],
        [Belt(from_m=3e3, to_m=9e3, station_from_m=100e3, station_to_m=300e3)],
    ]
    for line in (compile_line([corners]), compile_line([corners], ground=ground)):
        _, found = belts_probability(line, compile_belts(zones), points, spread=spread_of(sigma_m, count=12))

        np.testing.assert_allclose(found[0], drawn_share(line, zones, points, sigma_m)[0], atol=0.02)
        np.testing.assert_allclose(found[1:], drawn_share(line, zones, points, sigma_m)[1:], atol=0.03)


@pytest.mark.parametrize("sigma_m", [30.0, 400.0, 2e3])
def test_deep_edges_of_a_bent_line_are_those_of_chance(sigma_m: float) -> None:
    """Near the edge of a deep belt the probability is the share of drawn positions in it, to two hundredths."""
    rng = np.random.default_rng(8)
    corners = np.column_stack([np.linspace(36.0, 38.0, 60), 48.0 + rng.normal(0.0, 0.03, 60)])
    line = compile_line([corners])
    zones = [[halved(30e3)], [Belt(from_m=15e3, to_m=50e3, ground="held")]]
    points = points_of(rng.uniform(36.1, 37.9, 20), 48.0 + rng.uniform(0.08, 0.2, 20))
    _, found = belts_probability(line, compile_belts(zones), points, spread=spread_of(sigma_m, count=20))

    np.testing.assert_allclose(found, drawn_share(line, zones, points, sigma_m), atol=0.02)


def test_ground_that_ends_away_from_the_line_divides_too() -> None:
    """Where held ground ends far from the line, the probability of its belt is that of the ground."""
    corners = np.array([[30.0, 50.0], [30.0, 51.0]])
    ground = compile_ground([[np.array([[30.0, 50.0], [30.0, 51.0], [30.5, 51.0], [30.5, 50.0]])]])
    line = compile_line([corners], ground=ground)
    zones = compile_belts([[Belt(from_m=0.0, to_m=80e3, ground="held")], [Belt(from_m=0.0, to_m=80e3)]])
    points = points_of([30.5, 30.49, 30.3], [50.5, 50.5, 50.5])
    _, found = belts_probability(line, zones, points, spread=spread_of(1e3, count=3))

    np.testing.assert_allclose(found[0], [0.5, norm.cdf(0.7107), 1.0], atol=2e-3)
    np.testing.assert_allclose(found[1], 1.0, atol=1e-4)


def test_nothing_is_drawn_and_nothing_is_known() -> None:
    """Belts of an empty line, and points without coordinates, have probability 0."""
    zones = compile_belts([[halved(30e3)]])
    points = points_of([0.0, np.nan], [0.1, 0.0])

    assert [[0.0, 0.0]] == belts_probability(compile_line([]), zones, points, spread=spread_of(1e3, count=2))[
        1
    ].tolist()
    assert 0.0 == belts_probability(EQUATOR, zones, points, spread=spread_of(1e3, count=2))[1][0, 1]
    assert [[False, False]] == belts_inside(zones, locate(compile_line([]), points)).tolist()


def test_a_belt_without_sense_is_refused() -> None:
    """A depth below 0 or a fact that is no number is refused with its value."""
    for facts in ({"from_m": -1.0, "to_m": 5.0}, {"from_m": 0.0, "to_m": -5.0}, {"from_m": 0.0, "to_m": math.nan}):
        with pytest.raises(ValueError, match="a depth is at least 0"):
            Belt(**facts)


def test_a_spread_that_is_none_is_refused() -> None:
    """Variances below 0 and correlations beyond 1 are our own mistake."""
    points = points_of([0.0], [0.0])
    for facts in ((-1.0, 1.0, 0.0), (1.0, 1.0, 2.0)):
        with pytest.raises(AssertionError, match="has no covariance"):
            checked_spread(Spread(*(np.array([fact]) for fact in facts)), points)


def test_owens_function_is_his() -> None:
    """Owen's T is half the mass of the bivariate normal it stands for, and odd in its second argument."""
    for h, a in ((0.0, 1.0), (0.5, 0.3), (1.0, 4.0), (3.0, 0.9)):
        joint = multivariate_normal([0.0, 0.0], [[1.0, -a / math.hypot(1, a)], [-a / math.hypot(1, a), 1.0]])

        assert owen_t(h, a) == pytest.approx(0.5 * norm.cdf(h) - joint.cdf([h, 0.0]), abs=1e-5)
        assert owen_t(h, -a) == pytest.approx(-owen_t(h, a), abs=1e-12)


def test_compiled_code_is_what_its_source_says() -> None:
    """The compiled mass of an edge and the compiled axes equal those of the same source run by Python."""
    rng = np.random.default_rng(1)
    for row in rng.normal(size=(40, 4)):
        assert edge_mass(*row) == pytest.approx(edge_mass.py_func(*row), abs=1e-12)
        east, north = row[0] ** 2, row[1] ** 2
        off = 0.5 * math.sqrt(east * north)
        np.testing.assert_allclose(axes_of(east, north, off), axes_of.py_func(east, north, off))
    assert 0.0 == edge_mass(1.0, 1.0, 1.0, 1.0)
