"""Which points lie inside polygons on the globe, and how probable that is for uncertain ones."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from truceline.assess.zone_area import area_distance, area_probability
from truceline.assess.zone_columns import Spread, spread_of
from truceline.assess.zone_ground import compile_ground, ground_inside
from truceline.physics.geodesy import geodesic_destination, points_of

SQUARE = np.array([[30.0, 50.0], [31.0, 50.0], [31.0, 51.0], [30.0, 51.0]])
HOLE = np.array([[30.4, 50.4], [30.6, 50.4], [30.6, 50.6], [30.4, 50.6]])


def rosette(count: int) -> np.ndarray:
    """Draw a ring with as many corners as wanted, in and out."""
    turn = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    reach = 1.0 + 0.3 * np.sin(7.0 * turn)
    return np.column_stack([30.0 + reach * np.cos(turn), 50.0 + 0.7 * reach * np.sin(turn)])


def test_inside_is_what_shapely_says() -> None:
    """Away from poles and the date line a point lies inside exactly where shapely finds it in the polygon."""
    rng = np.random.default_rng(2)
    points = points_of(rng.uniform(28.0, 32.0, 20_000), rng.uniform(48.5, 51.5, 20_000))
    shell, hole = rosette(300), rosette(100) * 0.2 + np.array([24.0, 40.0])
    ground = compile_ground([[shell, hole[::-1]]])
    expected = shapely.contains_xy(shapely.Polygon(shell, [hole]), points.longitude_deg, points.latitude_deg)

    np.testing.assert_array_equal(ground_inside(ground, points), expected)
    np.testing.assert_array_equal(area_distance(ground, points).signed_distance_m >= 0.0, expected)


def test_ground_across_the_date_line_is_whole() -> None:
    """A ring across the date line holds what lies between its sides, written either way."""
    for west, east in ((179.0, -179.0), (179.0, 181.0), (-181.0, -179.0)):
        ground = compile_ground([[np.array([[west, 10.0], [east, 10.0], [east, 12.0], [west, 12.0]])]])
        points = points_of([180.0, -180.0, 179.5, -179.5, 178.5, 0.0, 539.5], [11.0] * 7)

        assert [True, True, True, True, False, False, True] == ground_inside(ground, points).tolist()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_ring_around_a_pole_holds_the_pole(sign: float) -> None:
    """A ring around a pole holds it and what lies poleward, whichever way it is drawn."""
    ring = np.column_stack([np.arange(-180.0, 180.0, 30.0), np.full(12, sign * 80.0)])
    points = points_of([0.0, 77.0, 77.0, 5.0], sign * np.array([90.0, 85.0, 75.0, -85.0]))

    for drawn in (ring, ring[::-1]):
        assert [True, True, False, False] == ground_inside(compile_ground([[drawn]]), points).tolist()


def test_a_ring_through_a_pole_is_a_wedge() -> None:
    """A ring with a corner at a pole holds the wedge between its meridians."""
    points = points_of([45.0, 135.0, 45.0], [87.0, 87.0, 84.0])

    for longitude_deg in (0.0, 45.0, -170.0):
        ground = compile_ground([[np.array([[0.0, 85.0], [90.0, 85.0], [longitude_deg, 90.0]])]])

        assert [True, False, False] == ground_inside(ground, points).tolist()


def test_neighbours_share_no_point_and_leave_none_out() -> None:
    """Of four squares that meet, exactly one holds each point, those on edges and corners included."""
    squares = [compile_ground([[SQUARE + np.array([x, y])]]) for x in (0.0, 1.0) for y in (0.0, 1.0)]
    axis = np.array([30.0, 30.5, 31.0, 31.5])
    points = points_of(np.repeat(axis, 4), np.tile(axis + 20.0, 4))
    counts = np.sum([ground_inside(square, points) for square in squares], axis=0)

    assert [1] * 16 == counts.tolist()


def test_empty_ground_holds_nothing() -> None:
    """No polygons, or rings of less than three corners, hold no point and have no distance."""
    points = points_of([30.5], [50.5])

    for polygons in ([], [[np.zeros((0, 2))]], [[SQUARE[:2]]], [[np.array([[30.0, 50.0]] * 4)]]):
        ground = compile_ground(polygons)

        assert ground.is_empty
        assert [False] == ground_inside(ground, points).tolist()
        assert 0.0 == area_probability(ground, points, spread_of(1e3, count=1))[0]
        assert np.isnan(area_distance(ground, points).signed_distance_m[0])


def test_points_without_coordinates_lie_nowhere() -> None:
    """A point without coordinates lies in no ground and has no probability of it."""
    ground = compile_ground([[SQUARE]])
    points = points_of([np.nan, 30.5], [50.5, 95.0])

    assert [False, False] == ground_inside(ground, points).tolist()
    assert [0.0, 0.0] == area_probability(ground, points, spread_of(1e3, count=2)).tolist()


def test_without_error_the_probability_is_being_inside() -> None:
    """With an exact position and boundary the probability is 1 inside and 0 outside, by the half-open rule."""
    ground = compile_ground([[SQUARE, HOLE]])
    points = points_of([30.2, 30.5, 30.0, 31.0], [50.2, 50.5, 50.5, 50.5])

    assert [1.0, 0.0, 1.0, 0.0] == area_probability(ground, points, spread_of(0.0, count=4)).tolist()


@pytest.mark.parametrize(("large_m", "small_m", "turn_deg"), [(20e3, 20e3, 0.0), (30e3, 4e3, 35.0), (15e3, 0.0, 90.0)])
def test_probabilities_are_those_of_chance(large_m: float, small_m: float, turn_deg: float) -> None:
    """For ground with a hole, the probability is the share of drawn positions that lie inside."""
    ground = compile_ground([[SQUARE, HOLE]])
    points = points_of([30.5, 30.1, 29.9, 30.98], [50.5, 50.3, 50.9, 50.97])
    turn = np.radians(turn_deg)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = axes @ np.diag([large_m**2, small_m**2]) @ axes.T
    spread = Spread(*(np.full(4, value) for value in (matrix[0, 0], matrix[1, 1], matrix[0, 1])))
    drawn = np.random.default_rng(4).normal(size=(100_000, 2)) * [large_m, small_m] @ axes.T
    shares = []
    for k in range(4):
        centre = points_of(np.full(100_000, points.longitude_deg[k]), np.full(100_000, points.latitude_deg[k]))
        bearing_deg = np.degrees(np.arctan2(drawn[:, 0], drawn[:, 1]))
        moved = geodesic_destination(centre, bearing_deg, np.hypot(*drawn.T))
        shares.append(ground_inside(ground, moved).mean())

    np.testing.assert_allclose(area_probability(ground, points, spread), shares, atol=0.006)


def test_a_point_on_a_straight_boundary_is_even() -> None:
    """On a long straight boundary the probability is one half whatever the error."""
    ground = compile_ground([[np.array([[-5.0, 0.0], [5.0, 0.0], [5.0, 5.0], [-5.0, 5.0]])]])
    point = points_of([0.2], [0.0])

    for sigma_m in (0.1, 10.0, 1e3, 2e4):
        assert area_probability(ground, point, spread_of(sigma_m, count=1))[0] == pytest.approx(0.5, abs=2e-4)


def test_the_boundary_has_its_own_error() -> None:
    """An uncertain boundary and an exact position give what an exact boundary and an uncertain position give."""
    ground = compile_ground([[SQUARE]])
    points = points_of([30.02, 31.01], [50.5, 50.5])
    moved = area_probability(ground, points, spread_of(1e3, count=2))

    np.testing.assert_allclose(area_probability(ground, points, spread_of(0.0, count=2), boundary_sigma_m=1e3), moved)
    assert 0.9 < moved[0] < 0.94


def test_more_edges_than_there_is_room_for_shorten_the_reach() -> None:
    """Ground of more edges in reach than are laid out at once still gives a probability near that of chance."""
    ground = compile_ground([[rosette(9_000)]])
    outline = compile_ground([[rosette(900)]])
    points, spread = points_of([30.0, 31.0], [50.0, 50.3]), spread_of(20e3, count=2)

    expected = area_probability(outline, points, spread)
    np.testing.assert_allclose(area_probability(ground, points, spread), expected, atol=0.02)
