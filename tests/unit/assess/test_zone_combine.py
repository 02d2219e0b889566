"""Circles around sites, and zones put together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ncx2

from truceline.assess.zone_belt import Belt
from truceline.assess.zone_columns import Spread, spread_of
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
from truceline.assess.zone_ground import compile_ground
from truceline.assess.zone_line import compile_line
from truceline.assess.zone_site import (
    compile_sites,
    nearest_site,
    probability_nearer,
    sites_inside,
    sites_probability,
)
from truceline.physics.geodesy import geodesic_destination, geodesic_distance_m, points_of

SQUARE = np.array([[30.0, 50.0], [31.0, 50.0], [31.0, 51.0], [30.0, 51.0]])
AREA = AreaZone(compile_ground([[SQUARE]]))
BELT = belt_zone(compile_line([np.array([[29.0, 50.5], [32.0, 50.5]])]), Belt(from_m=0.0, to_m=20e3))
SITES = SiteZone(compile_sites(points_of([30.9, 30.2], [50.9, 50.1]), [10e3, 5e3]))
ZONES = (AREA, BELT, SITES)


def test_the_nearest_site_is_the_nearest_by_geodesics() -> None:
    """Of many sites all over the globe the one found is the nearest, at its geodesic distance."""
    rng = np.random.default_rng(7)
    at = points_of(rng.uniform(-180.0, 180.0, 80), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 80))))
    points = points_of([*rng.uniform(-180.0, 180.0, 40), np.nan], [*rng.uniform(-89.0, 89.0, 40), 0.0])
    index, distance_m = nearest_site(compile_sites(at, 1e3), points)

    for k in range(40):
        here = points_of(np.full(80, points.longitude_deg[k]), np.full(80, points.latitude_deg[k]))
        assert distance_m[k] == pytest.approx(geodesic_distance_m(here, at).min(), rel=5e-3)
    assert (-1, np.inf) == (index[40], distance_m[40])


def test_no_sites_hold_nothing() -> None:
    """Without sites, or with a radius of 0, there is no nearest site, nothing inside and no probability."""
    point, spread = points_of([30.0], [50.0]), spread_of(1e3, count=1)
    for sites in (compile_sites(points_of([], []), 5e3), compile_sites(point, 0.0)):
        assert sites.is_empty
        assert [False] == sites_inside(sites, point).tolist()
        assert [0.0] == sites_probability(sites, point, spread).tolist()
    index, distance_m = nearest_site(compile_sites(points_of([], []), 5e3), point)
    assert (-1, np.inf) == (index[0], distance_m[0])
    assert 0.0 == probability_nearer(compile_sites(points_of([], []), 5e3), point, spread, distance_m=1e5)[0]


@pytest.mark.parametrize(("longitude_deg", "latitude_deg"), [(30.0, 50.0), (179.99, -10.0), (12.0, 89.95)])
def test_circles_are_geodesic_and_half_open(longitude_deg: float, latitude_deg: float) -> None:
    """Just nearer than the radius is inside and just farther is not, in every direction."""
    sites = compile_sites(points_of([longitude_deg], [latitude_deg]), 20e3)
    start = points_of(np.full(12, longitude_deg), np.full(12, latitude_deg))
    bearing_deg = np.arange(0.0, 360.0, 30.0)

    assert sites_inside(sites, geodesic_destination(start, bearing_deg, 19_998.0)).all()
    assert not sites_inside(sites, geodesic_destination(start, bearing_deg, 20_002.0)).any()


def test_the_probability_of_a_circle_is_that_of_the_noncentral_chi_square() -> None:
    """For equal sigmas a circle holds what the noncentral chi-square law with two degrees of freedom says."""
    sites = compile_sites(points_of([30.0], [50.0]), 5e3)
    for distance_m in (0.0, 3e3, 5e3, 9e3):
        for sigma_m in (100.0, 2e3, 8e3):
            point = geodesic_destination(points_of([30.0], [50.0]), [70.0], [distance_m])
            expected = ncx2.cdf((5e3 / sigma_m) ** 2, 2, (distance_m / sigma_m) ** 2 + 1e-12)
            found = sites_probability(sites, point, spread_of(sigma_m, count=1))[0]

            assert found == pytest.approx(expected, abs=2e-4)
            assert probability_nearer(SITES.sites, point, spread_of(sigma_m, count=1), distance_m=0.0)[0] == 0.0


def test_an_error_along_a_line_cuts_a_circle_as_a_line() -> None:
    """With no error across, the probability is that of the chord, and 0 where the line of error passes by."""
    sites = compile_sites(points_of([30.0], [0.0]), 5e3)
    points = geodesic_destination(points_of([30.0, 30.0], [0.0, 0.0]), [0.0, 0.0], [3e3, 6e3])
    spread = Spread(np.full(2, 4e3**2), np.zeros(2), np.zeros(2))

    np.testing.assert_allclose(sites_probability(sites, points, spread), [0.6827, 0.0], atol=2e-3)


def test_circles_that_meet_count_once() -> None:
    """Two equal circles in one place hold what one of them holds, and two apart hold the sum."""
    point, spread = points_of([30.02], [50.0]), spread_of(4e3, count=1)
    one = sites_probability(compile_sites(points_of([30.0], [50.0]), 3e3), point, spread)[0]
    same = sites_probability(compile_sites(points_of([30.0, 30.0], [50.0, 50.0]), 3e3), point, spread)[0]
    other = sites_probability(compile_sites(points_of([30.12], [50.0]), 3e3), point, spread)[0]
    apart = sites_probability(compile_sites(points_of([30.0, 30.12], [50.0, 50.0]), 3e3), point, spread)[0]

    assert same == pytest.approx(one, abs=0.005)
    assert apart == pytest.approx(one + other, abs=1e-9)


def test_points_without_coordinates_are_in_no_zone() -> None:
    """A point without coordinates lies in no zone and not in its complement either."""
    points, spread = points_of([np.nan], [50.0]), spread_of(1e3, count=1)
    for zone in (*ZONES, UnionZone(ZONES), IntersectionZone(ZONES), ComplementZone(AREA)):
        assert [False] == zone_inside(zone, points).tolist()
        assert [0.0] == zone_probability(zone, points, spread).tolist()


def test_unions_intersections_and_complements_are_those_of_sets() -> None:
    """Exact positions lie in a union, intersection or complement as sets would have it, empty ones included."""
    rng = np.random.default_rng(5)
    points = points_of(rng.uniform(29.5, 31.5, 500), rng.uniform(49.8, 51.2, 500))
    inside = np.array([zone_inside(zone, points) for zone in ZONES])

    np.testing.assert_array_equal(zone_inside(UnionZone(ZONES), points), inside.any(axis=0))
    np.testing.assert_array_equal(zone_inside(IntersectionZone(ZONES), points), inside.all(axis=0))
    np.testing.assert_array_equal(zone_inside(ComplementZone(BELT), points), ~inside[1])
    assert not zone_inside(UnionZone(()), points).any()
    assert zone_inside(IntersectionZone(()), points).all()
    assert not zone_probability(UnionZone(()), points, spread_of(1e3, count=500)).any()
    assert zone_probability(IntersectionZone(()), points, spread_of(1e3, count=500)).all()


def test_what_is_jointly_uncertain_is_that_of_chance() -> None:
    """At the corner where a belt's edge crosses an area's, the probabilities are those of quarters."""
    point, spread = geodesic_destination(points_of([30.0], [50.5]), [0.0], [20e3]), spread_of(2e3, count=1)

    assert zone_probability(IntersectionZone((AREA, BELT)), point, spread)[0] == pytest.approx(0.25, abs=0.02)
    assert zone_probability(UnionZone((AREA, BELT)), point, spread)[0] == pytest.approx(0.75, abs=0.02)
    assert zone_probability(ComplementZone(AREA), point, spread)[0] == pytest.approx(0.5, abs=0.01)


def test_a_part_that_is_certain_leaves_the_others_exact() -> None:
    """Deep in one part an intersection is as probable as its other part alone."""
    point, spread = points_of([30.0], [50.5]), spread_of(1e3, count=1)
    alone = zone_probability(AREA, point, spread)[0]

    assert zone_probability(IntersectionZone((AREA, BELT)), point, spread)[0] == pytest.approx(alone, abs=1e-4)
