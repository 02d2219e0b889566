"""Distances, gradients and stations from lines, held against the ellipsoid's own geodesics."""

from __future__ import annotations

import numpy as np
import pytest

from truceline.assess.zone_between import corridor, ground_between
from truceline.assess.zone_columns import spread_of
from truceline.assess.zone_ground import compile_ground, ground_inside
from truceline.assess.zone_line import compile_line, locate, marker_stations_m
from truceline.assess.zone_pieces import cut_part
from truceline.assess.zone_sides import held_probability
from truceline.physics.geodesy import Points, geodesic_bearing_deg, geodesic_destination, geodesic_distance_m, points_of

PLACES_DEG = [(37.0, 48.0), (126.9, 37.9), (179.9, -17.0), (-179.95, 66.0), (10.0, 0.0), (40.0, 84.0), (-70.0, -89.2)]


def wiggly(longitude_deg: float, latitude_deg: float, seed: int = 3) -> np.ndarray:
    """Draw a bent line of 24 corners over about 150 km around a place."""
    rng = np.random.default_rng(seed)
    start = points_of(np.full(24, longitude_deg), np.full(24, latitude_deg))
    along_m, across_m = np.linspace(-75e3, 75e3, 24), rng.normal(0.0, 6e3, 24)
    bearing_deg = np.degrees(np.arctan2(along_m, across_m)) + 25.0
    corners = geodesic_destination(start, bearing_deg, np.hypot(along_m, across_m))
    return np.column_stack([corners.longitude_deg, corners.latitude_deg])


def around(longitude_deg: float, latitude_deg: float, *, count: int, reach_m: float) -> Points:
    """Give points all around a place."""
    rng = np.random.default_rng(8)
    start = points_of(np.full(count, longitude_deg), np.full(count, latitude_deg))
    return geodesic_destination(start, rng.uniform(0.0, 360.0, count), reach_m * np.sqrt(rng.uniform(0.0, 1.0, count)))


def plain_distance_m(corners_deg: np.ndarray, points: Points) -> np.ndarray:
    """Give each point's distance from a line by brute force: geodesics to places of it less than 60 m apart."""
    cut = cut_part(corners_deg)
    turn_deg = np.mod(np.diff(cut[:, 0]) + 180.0, 360.0) - 180.0
    share = np.linspace(0.0, 1.0, 80)[:, None]
    longitude_deg = (cut[:-1, 0] + share * turn_deg).T.ravel()
    latitude_deg = (cut[:-1, 1] + share * np.diff(cut[:, 1])).T.ravel()
    line = points_of(longitude_deg, latitude_deg)
    least = []
    for k in range(len(points)):
        here = points_of(np.full(len(line), points.longitude_deg[k]), np.full(len(line), points.latitude_deg[k]))
        least.append(geodesic_distance_m(here, line).min())
    return np.array(least)


@pytest.mark.parametrize("place", PLACES_DEG)
def test_distances_are_those_of_the_ellipsoid(place: tuple[float, float]) -> None:
    """Out to 200 km the distance is that of geodesics within 0.1 % or 5 m, by the date line and the poles too."""
    corners_deg = wiggly(*place)
    points = around(*place, count=40, reach_m=200e3)
    found_m = np.abs(locate(compile_line([corners_deg]), points).signed_distance_m)

    np.testing.assert_allclose(found_m, plain_distance_m(corners_deg, points), rtol=1e-3, atol=5.0)


@pytest.mark.parametrize("place", PLACES_DEG)
def test_the_gradient_is_where_the_distance_grows(place: tuple[float, float]) -> None:
    """A step of 20 m along the gradient adds 20 m, and one across it adds next to nothing."""
    line = compile_line([wiggly(*place)])
    points = around(*place, count=200, reach_m=100e3)
    here = locate(line, points)
    bearing_deg = np.degrees(np.arctan2(here.gradient_east_ratio, here.gradient_north_ratio))
    along = locate(line, geodesic_destination(points, bearing_deg, 20.0)).signed_distance_m - here.signed_distance_m
    across = locate(line, geodesic_destination(points, bearing_deg + 90.0, 20.0)).signed_distance_m

    assert np.median(np.abs(along - 20.0)) < 0.01
    assert np.mean(np.abs(along - 20.0) < 0.5) > 0.97
    assert np.mean(np.abs(across - here.signed_distance_m) < 0.5) > 0.95


def test_left_of_the_drawn_direction_is_positive() -> None:
    """North of a line drawn eastwards is left, and drawn westwards it is right."""
    line_deg = np.array([[30.0, 50.0], [31.0, 50.0]])
    point = points_of([30.5], [50.2])

    assert locate(compile_line([line_deg]), point).signed_distance_m[0] > 22e3
    assert locate(compile_line([line_deg[::-1]]), point).signed_distance_m[0] < -22e3


def test_without_a_line_all_of_the_boundary_lies_off_it() -> None:
    """Ground whose line is not drawn has no line, and every piece of its boundary lies beyond."""
    ground = compile_ground([[np.array([[29.0, 50.0], [32.0, 50.0], [32.0, 49.0], [29.0, 49.0]])]])
    line = compile_line([], ground=ground)

    assert 0 == len(line.pieces.start)
    np.testing.assert_allclose(line.beyond.start, ground.pieces.start, atol=1e-6)


def test_the_ground_gives_the_sign_where_there_is_one() -> None:
    """Held ground is positive whatever the drawn direction, and its gradient points into it."""
    line_deg = np.array([[30.0, 50.0], [31.0, 50.0]])
    ground = compile_ground([[np.array([[29.0, 50.0], [32.0, 50.0], [32.0, 49.0], [29.0, 49.0]])]])
    points = points_of([30.5, 30.5, 30.5], [50.1, 49.9, 50.0])
    found = [locate(compile_line([drawn], ground=ground), points) for drawn in (line_deg, line_deg[::-1])]

    np.testing.assert_allclose(found[0].signed_distance_m, found[1].signed_distance_m, atol=1e-6)
    assert [-1.0, 1.0] == np.sign(found[0].signed_distance_m[:2]).tolist()
    np.testing.assert_allclose(found[0].gradient_north_ratio[:2], -1.0, atol=1e-3)


def test_stations_run_along_the_line_and_beyond_its_ends() -> None:
    """A station is the way along to the nearest place, below 0 before the start and above the length after the end."""
    line = compile_line([np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]])])
    stations_m = locate(line, points_of([-0.1, 0.5, 1.5, 2.1], [0.1, 0.1, -0.1, 0.0])).station_m
    degree_m = 111_319.49

    np.testing.assert_allclose(stations_m, np.array([-0.1, 0.5, 1.5, 2.1]) * degree_m, rtol=1e-5)
    assert line.length_m == pytest.approx(2.0 * degree_m, rel=1e-6)


def test_markers_stand_where_they_are_on_the_line() -> None:
    """A marker has the station of the nearest place of the line, and none where it stands too far off."""
    line = compile_line([np.array([[0.0, 0.0], [1.0, 0.0]])])
    found_m = marker_stations_m(line, points_of([0.25, 0.5, 0.75], [0.0, 0.5, 0.0005]), off_max_m=100.0)

    np.testing.assert_allclose(found_m, [27_829.87, np.nan, 83_489.6], rtol=1e-5)


def test_an_empty_line_says_nothing() -> None:
    """Where nothing was drawn, or only points, every distance is unknown."""
    for parts in ([], [np.zeros((0, 2))], [np.array([[3.0, 4.0]])], [np.array([[3.0, 4.0], [3.0, 4.0]])]):
        line = compile_line(parts)
        located = locate(line, points_of([3.0], [4.0]))

        assert line.is_empty
        assert np.isnan(located).all()


def test_a_point_without_coordinates_is_nowhere() -> None:
    """A coordinate that is missing, or no place on the globe, gives no distance."""
    line = compile_line([np.array([[0.0, 0.0], [1.0, 0.0]])])
    located = locate(line, points_of([np.nan, 0.5, 0.5], [0.0, 91.0, 0.1]))

    assert [True, True, False] == np.isnan(located.signed_distance_m).tolist()


def test_a_point_on_the_line_lies_left_and_at_no_distance() -> None:
    """On the line the distance is 0, counted as left, and the gradient is the line's own normal."""
    located = locate(compile_line([np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])]), points_of([0.5, 1.0], [0.0, 0.0]))

    np.testing.assert_allclose(located.signed_distance_m, 0.0, atol=1e-6)
    np.testing.assert_allclose(located.gradient_north_ratio, 1.0, atol=1e-9)


def test_a_line_that_turns_back_has_a_sign_at_its_tip() -> None:
    """Where a line doubles back on itself, the place beyond its tip still has a distance and a unit gradient."""
    located = locate(compile_line([np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])]), points_of([1.1], [0.0]))

    assert abs(located.signed_distance_m[0]) == pytest.approx(11_131.9, rel=1e-4)
    assert abs(located.gradient_east_ratio[0]) == pytest.approx(1.0, abs=1e-6)


def test_edges_from_a_pole_follow_the_meridian() -> None:
    """A line over the pole through a corner at it is the two meridians, whatever longitude the corner was given."""
    line = compile_line([np.array([[0.0, 88.0], [123.0, 90.0], [180.0, 88.0]])])
    points = points_of([0.0, 180.0, 90.0], [89.0, 89.0, 89.0])

    expected_m = geodesic_distance_m(points_of([90.0], [89.0]), points_of([90.0], [90.0]))[0]
    np.testing.assert_allclose(
        np.abs(locate(line, points).signed_distance_m), [0.0, 0.0, expected_m], rtol=1e-4, atol=1e-3
    )


def test_variances_of_point_and_line_add() -> None:
    """The probability of held ground is Phi of the distance over the root of both variances, the point's across it."""
    line = compile_line([np.array([[0.0, 0.0], [1.0, 0.0]])])
    north = geodesic_destination(points_of([0.5], [0.0]), [0.0], [5_000.0])
    located = locate(line, north)

    assert held_probability(located, spread_of(4_000.0, count=1), line_sigma_m=3_000.0)[0] == pytest.approx(
        0.8413, abs=1e-4
    )
    assert held_probability(located, spread_of(0.0, count=1), line_sigma_m=0.0)[0] == 1.0


def test_ground_between_two_lines_does_not_depend_on_how_they_are_drawn() -> None:
    """Between two lines is the same ground whichever way either runs, and between a line and itself there is none."""
    south, north = np.array([[30.0, 50.0], [32.0, 50.1]]), np.array([[30.0, 50.4], [32.0, 50.6]])
    points = points_of([31.0, 31.0, 31.0], [50.2, 49.9, 50.8])

    for first, second in ((south, north), (south, north[::-1]), (north, south)):
        assert [True, False, False] == ground_inside(ground_between(first, second), points).tolist()
    assert ground_between(south, south).is_empty
    assert ground_between(south, south[:1]).is_empty


def test_a_corridor_is_the_geodesic_between_two_places() -> None:
    """A corridor is as long as the geodesic, and every place of that lies on it; between equal places there is none."""
    line = corridor((124.0, 37.0), (126.0, 39.0))
    start, end = points_of([124.0], [37.0]), points_of([126.0], [39.0])
    length_m = geodesic_distance_m(start, end)
    middle = geodesic_destination(start, geodesic_bearing_deg(start, end), length_m / 2.0)

    assert line.length_m == pytest.approx(length_m[0], rel=3e-3)
    assert abs(locate(line, middle).signed_distance_m[0]) < 0.5
    assert corridor((1.0, 2.0), (1.0, 2.0)).is_empty
