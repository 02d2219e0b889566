"""Made texts: every kind of zone, its edges, the date line, the pole, and lines of each day."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
import shapely

from laws.assess_world import (
    NOON,
    belts,
    clause,
    conduct,
    dated,
    findings,
    geometry,
    in_zone,
    meridian,
    place,
    presence,
    probability,
    sites,
    square,
    text,
    verdict,
)
from truceline.model.finding import Indeterminate
from truceline.model.provision import (
    Prohibition,
)
from truceline.model.quantity import Position
from truceline.model.zone import (
    AgreedLine,
    Area,
    Belt,
    BetweenLines,
    BetweenPlaces,
    GeometryReference,
    LineMarker,
    LineSeries,
    Sites,
    Unmapped,
)

SECOND = GeometryReference(file="second.geojson")
PLACES = GeometryReference(file="places.geojson")


@pytest.mark.parametrize(("east_m", "kind"), [(0.0, "potential"), (9_999.0, "potential"), (10_001.0, "compliant")])
def test_a_belt_ends_at_its_depth(east_m: float, kind: str) -> None:
    """On the line and up to the depth is inside; beyond is outside."""
    assert kind == verdict(conduct("presence", east_m), in_zone(*belts(belt=10_000.0)))[0]


def test_a_position_on_a_boundary_belongs_to_one_of_two_neighbours() -> None:
    """Belts from 0 to 10 and from 10 to 20 km share no place and leave none out."""
    inner, outer = (
        Belt(zone_id="a", depth_high_m=10_000.0),
        Belt(zone_id="b", depth_low_m=10_000.0, depth_high_m=20_000.0),
    )
    edges = [place(east_m) for east_m in (9_999.999, 10_000.0, 10_000.001)]
    counts = [
        sum(verdict(conduct("presence", position=edge), in_zone(zone))[0] == "potential" for zone in (inner, outer))
        for edge in edges
    ]

    assert [1, 1, 1] == counts


def test_a_total_width_is_halved() -> None:
    """Thirty kilometres in all are fifteen for each party."""
    agreement = in_zone(Belt(zone_id="belt", width_total_m=30_000.0))

    assert ["potential", "compliant"] == [verdict(conduct("presence", m), agreement)[0] for m in (14_900.0, 15_100.0)]


@pytest.mark.parametrize(
    ("party", "east_m", "kind"),
    [("A", -4_000.0, "potential"), ("A", 4_000.0, "compliant"), ("B", 4_000.0, "potential")],
)
def test_own_ground_is_that_of_whoever_acts(party: str, east_m: float, kind: str) -> None:
    """A belt on a party's own ground lies west of the line for the one and east of it for the other."""
    agreement = in_zone(Belt(zone_id="belt", depth_high_m=5_000.0, ground="own"))

    assert kind == verdict(conduct("presence", east_m, party=party), agreement)[0]


@pytest.mark.parametrize(("party", "kind"), [("A", "potential"), ("B", "compliant")])
def test_the_other_partys_ground_is_ground_too(party: str, kind: str) -> None:
    """A belt on the other's ground, 4 km east of the line, is the other's for A and its own for B."""
    agreement = in_zone(Belt(zone_id="belt", depth_high_m=5_000.0, ground="other"))

    assert kind == verdict(conduct("presence", 4_000.0, party=party), agreement)[0]


@pytest.mark.parametrize(("north_m", "kind"), [(-1_000.0, "potential"), (1_000.0, "compliant")])
def test_a_belt_ends_at_its_marker(north_m: float, kind: str) -> None:
    """South of the second of three numbered markers a place 3 km off the line is inside, north of it it is not."""
    drawn = geometry(
        meridian(),
        markers=(
            LineMarker(marker_index=1, along_m=0.0),
            LineMarker(marker_index=2, along_m=444_761.0),
            LineMarker(marker_index=3, along_m=889_000.0),
        ),
    )
    zone = Belt(zone_id="belt", line_id="line", depth_high_m=5_000.0, marker_from_index=1, marker_until_index=2)
    agreement = msgspec.structs.replace(in_zone(zone), geometries=(drawn,))

    assert kind == verdict(conduct("presence", 3_000.0, north_m=north_m), agreement)[0]


def test_a_marker_that_is_not_drawn_leaves_it_untold() -> None:
    """A belt between markers that the drawing does not have cannot be placed, and the finding says so."""
    zone = Belt(zone_id="belt", line_id="line", depth_high_m=5_000.0, marker_from_index=8, marker_until_index=9)

    assert "indeterminate" == verdict(conduct("presence", 3_000.0), in_zone(zone))[0]


@pytest.mark.parametrize(("east_m", "kind"), [(500.0, "potential"), (1_500.0, "compliant")])
def test_an_area_is_where_it_is_drawn(east_m: float, kind: str) -> None:
    """Inside the square and outside it."""
    agreement = in_zone(Area(zone_id="area", drawn=SECOND), geometry(square(0.0, 0.0, 1_000.0), SECOND))

    assert kind == verdict(conduct("presence", east_m), agreement)[0]


@pytest.mark.parametrize(("names", "kind"), [((), "potential"), (("far",), "compliant")])
def test_sites_are_those_that_are_named(names: tuple[str, ...], kind: str) -> None:
    """A kilometre from the first of two places counts unless only the other is named."""
    zone = Sites(zone_id="sites", drawn=PLACES, radius_m=2_000.0, names=names)
    agreement = in_zone(zone, geometry(sites((0.0, 0.0), (50_000.0, 0.0)), PLACES, names=("near", "far")))

    assert kind == verdict(conduct("presence", 1_000.0), agreement)[0]


@pytest.mark.parametrize(("east_m", "kind"), [(5_000.0, "potential"), (15_000.0, "compliant")])
def test_ground_between_two_lines(east_m: float, kind: str) -> None:
    """Between the made line and one 10 km east of it, and beyond."""
    second = AgreedLine(line_id="second", title="Second", drawn=SECOND, left_party="A")
    zone = BetweenLines(zone_id="between", line_ids=("line", "second"))
    drawn = geometry(meridian(place(10_000.0).longitude_deg), SECOND)

    assert kind == verdict(conduct("presence", east_m), in_zone(zone, drawn, lines=(second,)))[0]


@pytest.mark.parametrize(("north_m", "kind"), [(3_000.0, "potential"), (8_000.0, "compliant")])
def test_the_stretch_between_two_places(north_m: float, kind: str) -> None:
    """Five kilometres on each side of the way from one place to another."""
    zone = BetweenPlaces(zone_id="way", drawn=PLACES, names=("one", "two"), half_width_m=5_000.0)
    agreement = in_zone(zone, geometry(sites((0.0, 0.0), (60_000.0, 0.0)), PLACES, names=("one", "two")))

    assert kind == verdict(conduct("presence", 30_000.0, north_m=north_m), agreement)[0]


def test_a_zone_that_nobody_published_is_lacking() -> None:
    """The finding names what is missing."""
    found = findings(conduct("presence"), in_zone(Unmapped(zone_id="zone", lacking="the map annexed")))["made.clause"]

    assert isinstance(found, Indeterminate)
    assert ("the map annexed",) == found.lacking


@pytest.mark.parametrize("depth_m", [0.0])
def test_an_empty_zone_holds_nothing(depth_m: float) -> None:
    """A belt of no depth and a circle of no radius hold not even their own line and centre."""
    empty = Sites(zone_id="sites", drawn=PLACES, radius_m=0.0)
    circles = in_zone(empty, geometry(sites((0.0, 0.0)), PLACES))

    assert "compliant" == verdict(conduct("presence"), in_zone(*belts(belt=depth_m)))[0]
    assert "compliant" == verdict(conduct("presence"), circles)[0]


def test_overlapping_belts_count_once() -> None:
    """A place in two belts is in their union with the probability of the wider, not with the sum."""
    zones = belts(narrow=8_000.0, wide=10_000.0)
    both = text(clause(Prohibition, acts=("presence",), zone_ids=("narrow", "wide")), zones=zones)
    wide = text(presence("wide"), zones=zones)
    entry = conduct("presence", 9_500.0, sigma_m=1_000.0)

    assert probability(entry, both) == pytest.approx(probability(entry, wide), abs=1e-9)


def test_a_belt_and_an_area_that_overlap_are_joined() -> None:
    """A place that may be in either, or in both, is in their union at least as surely as in any one of them."""
    zones = (Belt(zone_id="belt", depth_high_m=10_000.0), Area(zone_id="area", drawn=SECOND))
    drawing = geometry(square(11_000.0, 0.0, 1_500.0), SECOND)
    entry = conduct("presence", 10_300.0, sigma_m=800.0)
    wholes = [
        msgspec.structs.replace(
            text(clause(Prohibition, acts=("presence",), zone_ids=ids), zones=zones),
            geometries=(geometry(meridian()), drawing),
        )
        for ids in (("belt",), ("area",), ("belt", "area"))
    ]
    belt, area, both = (probability(entry, whole) for whole in wholes)

    assert max(belt, area) <= both <= min(1.0, belt + area) + 1e-9


def test_the_date_line_is_no_boundary() -> None:
    """A line along 180 degrees has its belt on both sides of the date line."""
    agreement = msgspec.structs.replace(in_zone(*belts(belt=10_000.0)), geometries=(geometry(meridian(180.0)),))
    near = [place(m, from_deg=180.0) for m in (-5_000.0, 5_000.0)]
    far = [place(m, from_deg=180.0) for m in (-15_000.0, 15_000.0)]

    assert near[0].longitude_deg > 179.0
    assert near[1].longitude_deg < -179.0
    assert ["potential"] * 2 == [verdict(conduct("presence", position=one), agreement)[0] for one in near]
    assert ["compliant"] * 2 == [verdict(conduct("presence", position=one), agreement)[0] for one in far]


def test_an_area_around_the_pole_holds_the_pole() -> None:
    """A ring at 89 degrees north holds the pole and what lies near it on any longitude."""
    ring = shapely.Polygon([(longitude, 89.0) for longitude in range(-180, 180, 20)])
    agreement = in_zone(Area(zone_id="area", drawn=SECOND), geometry(ring, SECOND))
    at = [
        Position(latitude_deg=lat, longitude_deg=lon, sigma_m=10.0)
        for lat, lon in ((90.0, 0.0), (89.9, -170.0), (88.5, 40.0))
    ]

    assert ["potential", "potential", "compliant"] == [
        verdict(conduct("presence", position=one), agreement)[0] for one in at
    ]


def test_without_a_position_it_cannot_be_told() -> None:
    """An event without a place is neither inside nor outside."""
    entry = msgspec.structs.replace(conduct("presence"), position=None)
    found = findings(entry, in_zone(*belts(belt=10_000.0)))["made.clause"]

    assert isinstance(found, Indeterminate)
    assert ("where it happened",) == found.lacking


@pytest.mark.parametrize(
    ("day", "kind"), [(1, "compliant"), (2, "potential"), (20, "potential"), (60, "indeterminate")]
)
def test_a_line_of_each_day_is_that_of_the_event(day: int, kind: str) -> None:
    """The line moved 20 km east on the second day; where the newest is too old nothing is measured from it."""
    lines = (dated(NOON, 38.0), dated(NOON + timedelta(days=1), place(20_000.0).longitude_deg))
    agreement = text(
        presence(),
        zones=belts(belt=10_000.0),
        lines=(AgreedLine(line_id="line", title="Line", series=LineSeries()),),
    )
    entry = conduct("presence", 20_000.0, at=NOON + timedelta(days=day - 1))

    assert kind == verdict(entry, agreement, lines=lines)[0]


def test_ground_of_a_line_of_each_day_is_that_of_its_holder() -> None:
    """Own ground is west of a dated line for the party that holds it; without ground it cannot be told."""
    zone = Belt(zone_id="belt", depth_high_m=10_000.0, ground="own")
    agreement = text(presence(), zones=(zone,), lines=(AgreedLine(line_id="line", title="Line", series=LineSeries()),))
    west = conduct("presence", -5_000.0)

    assert "potential" == verdict(west, agreement, lines=(dated(NOON, 38.0),))[0]
    assert "compliant" == verdict(conduct("presence", 5_000.0), agreement, lines=(dated(NOON, 38.0),))[0]
    assert "indeterminate" == verdict(west, agreement, lines=(dated(NOON, 38.0, ground=False),))[0]
    assert "indeterminate" == verdict(west, agreement)[0]


def test_a_line_of_a_day_that_only_drew_ground_is_its_boundary() -> None:
    """Where a day's drawing has ground and no line, depth is measured from the ground's boundary."""
    only_ground = msgspec.structs.replace(dated(NOON, 38.0), line_wkb=None)
    agreement = text(
        presence(),
        zones=belts(belt=10_000.0),
        lines=(AgreedLine(line_id="line", title="Line", series=LineSeries()),),
    )

    assert ["potential", "compliant"] == [
        verdict(conduct("presence", m), agreement, lines=(only_ground,))[0] for m in (9_000.0, 12_000.0)
    ]
