"""The geodesy column functions agree with PROJ, and the plane keeps its bound on scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Proj

from truceline.physics.geodesy import (
    geodesic_bearing_deg,
    geodesic_destination,
    geodesic_distance_m,
    plane_for,
    points_of,
)


@given(
    longitude_deg=st.floats(-179.0, 179.0),
    latitude_deg=st.floats(-80.0, 80.0),
    bearing_deg=st.floats(0.0, 359.9),
    distance_m=st.floats(1.0, 2.0e6),
)
def test_going_and_measuring_are_inverse(
    longitude_deg: float, latitude_deg: float, bearing_deg: float, distance_m: float
) -> None:
    """Whoever goes a distance in a bearing is then at that distance, in that bearing."""
    start = points_of(longitude_deg, latitude_deg)
    end = geodesic_destination(start, bearing_deg, distance_m)
    turned_deg = (geodesic_bearing_deg(start, end)[0] - bearing_deg + 180.0) % 360.0 - 180.0

    assert geodesic_distance_m(start, end)[0] == pytest.approx(distance_m, abs=1e-5)
    assert turned_deg == pytest.approx(0.0, abs=1e-3)


def test_what_is_not_known_has_no_distance() -> None:
    """A distance from or to a missing point is missing too."""
    distance_m = geodesic_distance_m(points_of([np.nan, 30.0], [48.0, 48.0]), points_of([30.0, 30.0], [48.0, np.nan]))

    assert np.isnan(distance_m).all()


@pytest.mark.parametrize(("low_deg", "high_deg"), [(44.0, 53.0), (-38.0, -33.0), (37.0, 38.5), (10.0, 11.0)])
def test_plane_is_lamberts_as_proj_computes_it(low_deg: float, high_deg: float) -> None:
    """Eastings and northings differ as those of PROJ's conic with the same standard parallels, to 1 mm."""
    offset_deg = (high_deg - low_deg) / 2.0 / np.sqrt(2.0)
    middle_deg = (low_deg + high_deg) / 2.0
    conic = Proj(proj="lcc", lat_1=middle_deg - offset_deg, lat_2=middle_deg + offset_deg, lon_0=30.0, ellps="WGS84")
    points = points_of([20.0, 31.0, 40.0], [low_deg, middle_deg, high_deg])
    plane_m = np.array(plane_for(points).project_m(points))
    proj_m = np.array(conic(points.longitude_deg, points.latitude_deg))

    np.testing.assert_allclose(np.diff(proj_m), np.diff(plane_m), atol=1e-3)


@given(low_deg=st.floats(-80.0, 70.0), width_deg=st.floats(0.0, 10.0), share=st.floats(0.0, 1.0))
def test_scale_stays_within_its_bound(low_deg: float, width_deg: float, share: float) -> None:
    """Inside the band the scale departs from one by no more than the plane says; for ten degrees less than 0.25 %."""
    plane = plane_for(points_of([0.0, 1.0], [low_deg, low_deg + width_deg]))
    departure_ratio = abs(float(plane.scale_ratio(low_deg + share * width_deg)) - 1.0)

    assert departure_ratio <= plane.scale_error_ratio * 1.02 + 1e-9
    assert plane.scale_error_ratio < 0.0025


@given(latitude_deg=st.lists(st.floats(44.0, 53.0), min_size=2, max_size=2), east_deg=st.floats(0.0, 9.0))
def test_plane_distance_is_the_geodesic_one_to_half_a_percent(latitude_deg: list[float], east_deg: float) -> None:
    """Between 44 and 53 degrees north a distance in the plane is off by less than 0.5 %."""
    plane = plane_for(points_of([22.0, 40.0], [44.0, 53.0]))
    easting_m, northing_m = plane.project_m(points_of([28.0, 28.0 + east_deg], latitude_deg))
    _, _, geodesic_m = Geod(ellps="WGS84").inv(28.0, latitude_deg[0], 28.0 + east_deg, latitude_deg[1])

    assert np.hypot(*np.diff([easting_m, northing_m])[:, 0]) == pytest.approx(geodesic_m, rel=5e-3, abs=0.01)


@pytest.mark.parametrize("latitude_deg", [[-5.0, 5.0], [0.0, 0.0]])
def test_plane_at_the_equator_is_a_cylinder(latitude_deg: list[float]) -> None:
    """A band that is even about the equator has a plane too: Mercator's."""
    plane = plane_for(points_of([30.0, 31.0], latitude_deg))
    easting_m, _ = plane.project_m(points_of([30.0, 31.0], [0.0, 0.0]))

    assert np.diff(easting_m)[0] == pytest.approx(111_320.0, rel=5e-3)


@given(low_deg=st.floats(-70.0, 60.0), share=st.floats(-0.5, 1.5), east_deg=st.floats(-40.0, 40.0))
def test_laying_into_the_plane_can_be_undone(low_deg: float, share: float, east_deg: float) -> None:
    """A point comes back from the plane to where it was, to a tenth of a millimetre."""
    plane = plane_for(points_of([10.0, 11.0], [low_deg, low_deg + 9.0]))
    point = points_of(10.5 + east_deg, low_deg + share * 9.0)

    assert geodesic_distance_m(point, plane.points_at(*plane.project_m(point)))[0] < 1e-4


def test_laying_into_the_cylinder_can_be_undone() -> None:
    """The plane at the equator gives its points back as well."""
    plane = plane_for(points_of([30.0, 31.0], [-5.0, 5.0]))
    point = points_of([25.0, 31.0], [-4.0, 3.0])

    assert geodesic_distance_m(point, plane.points_at(*plane.project_m(point))).max() < 1e-4


def test_plane_reaches_across_the_antimeridian() -> None:
    """Two degrees across the antimeridian are as long as two degrees elsewhere."""
    points = points_of([179.0, -179.0], [48.0, 48.1])
    easting_m, northing_m = plane_for(points).project_m(points)
    distance_m = geodesic_distance_m(points_of(179.0, 48.0), points_of(-179.0, 48.1))[0]

    assert np.hypot(np.diff(easting_m), np.diff(northing_m))[0] == pytest.approx(distance_m, rel=1e-3)


def test_points_must_come_in_pairs() -> None:
    """Columns of unequal length are our own mistake."""
    with pytest.raises(AssertionError, match="differ"):
        points_of([1.0, 2.0], [3.0])
