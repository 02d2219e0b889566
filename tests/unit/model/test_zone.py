"""Zones, lines and geometry: each refuses what it cannot mean."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from truceline.model.zone import (
    AgreedGeometry,
    AgreedLine,
    Belt,
    BetweenPlaces,
    GeometryReference,
    LineMarker,
    LineSeries,
    Sites,
    Zone,
)

DRAWN = GeometryReference(file="geometry/x.geojson", feature="x")


def geometry(*markers: LineMarker, sigma_m: float = 100.0) -> AgreedGeometry:
    """Make a geometry with markers."""
    return AgreedGeometry(
        reference=DRAWN,
        kind="line",
        wkb=b"",
        vertex_count=2,
        sigma_m=sigma_m,
        approximate=True,
        file_sha256="",
        markers=markers,
    )


def test_a_total_width_is_halved_for_each_party() -> None:
    """A belt of a total width is half as deep, and a depth stays as given."""
    assert 35_000.0 == Belt(zone_id="z", width_total_m=70_000.0).depth_m
    assert 15_000.0 == Belt(zone_id="z", depth_low_m=10.0, depth_high_m=15_000.0).depth_m


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, "exactly one"),
        ({"depth_high_m": 1.0, "width_total_m": 2.0}, "exactly one"),
        ({"depth_high_m": 1.0, "depth_low_m": -1.0}, "depth_low_m"),
        ({"depth_high_m": 1.0, "depth_low_m": 2.0}, "depth"),
        ({"width_total_m": 3.0, "depth_low_m": 2.0}, "depth"),
        ({"depth_high_m": 1.0, "marker_from_index": 1}, "go together"),
        ({"depth_high_m": 1.0, "marker_from_index": 5, "marker_until_index": 5}, "marker_until_index"),
    ],
)
def test_a_belt_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    """A belt has one depth, in order, and markers as a pair in order."""
    with pytest.raises(ValueError, match=fault):
        Belt(zone_id="z", **changes)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"drawn": DRAWN, "series": LineSeries(as_of=date(2030, 1, 1))}, "both given"),
        ({"marker_first_index": 1}, "go together"),
        ({"marker_first_index": 3, "marker_last_index": 3}, "marker_last_index"),
        ({"length_low_m": -1.0}, "length_low_m"),
    ],
)
def test_a_line_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    """A line comes from one place, with markers as a pair in order and a length that is one."""
    with pytest.raises(ValueError, match=fault):
        AgreedLine(line_id="l", title="", **changes)


def test_markers_rise_along_the_line() -> None:
    """Markers out of order, by number or by place, or twice the same, are refused, as is an impossible uncertainty."""
    near, far = LineMarker(marker_index=1, along_m=0.0), LineMarker(marker_index=2, along_m=9.0)

    assert (near, far) == geometry(near, far).markers
    for wrong in ((far, near), (near, near), (LineMarker(marker_index=0, along_m=10.0), far)):
        with pytest.raises(ValueError, match="do not rise"):
            geometry(*wrong)
    with pytest.raises(ValueError, match="sigma_m"):
        geometry(sigma_m=-1.0)


def test_sites_and_ways_have_a_width_and_two_ends() -> None:
    """A radius and a width are lengths, and a way leads from one place to another."""
    way = BetweenPlaces(zone_id="z", drawn=DRAWN, names=("a", "b"), half_width_m=1.0)

    assert ("a", "b") == way.names
    with pytest.raises(ValueError, match="radius_m"):
        Sites(zone_id="z", drawn=DRAWN, radius_m=-1.0)
    with pytest.raises(ValueError, match="half_width_m"):
        BetweenPlaces(zone_id="z", drawn=DRAWN, names=("a", "b"), half_width_m=-1.0)
    with pytest.raises(ValueError, match="one and the same"):
        BetweenPlaces(zone_id="z", drawn=DRAWN, names=("a", "a"), half_width_m=1.0)


def test_a_zone_is_read_back_as_its_kind() -> None:
    """The kind of a zone is written with it."""
    zone: Zone = Belt(zone_id="z", width_total_m=1.0)

    assert b'"kind":"belt"' in msgspec.json.encode(zone)
    assert zone == msgspec.json.decode(msgspec.json.encode(zone), type=Zone)
