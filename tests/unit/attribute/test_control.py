"""The raster says the same of the ground as the exact geometry, near enough for the line's own uncertainty."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
import pytest
import shapely

from laws.test_attribute import line
from truceline.attribute import control
from truceline.attribute.control import bare_field, control_field, exchanged_field, straight_field
from truceline.attribute.decide import node_template
from truceline.attribute.layout import BEARING_COUNT, RING_EDGES_M
from truceline.model.reference_line import DatedLine
from truceline.physics.contact_line import LineHistory

DAY = date(2025, 4, 19)


def salient() -> DatedLine:
    """Give ground of A with a salient and a pocket of its own, bounded by its own line."""
    body = shapely.Polygon(
        [(36.0, 47.0), (38.0, 47.0), (38.0, 48.1), (37.2, 48.1), (37.1, 48.4), (36.9, 48.1), (36, 48)]
    )
    held = shapely.union_all([body, shapely.box(36.2, 48.5, 36.5, 48.7)])
    return DatedLine(
        valid_date=DAY,
        held_by="A",
        held_wkb=shapely.to_wkb(held),
        line_wkb=None,
        sigma_m=1_000.0,
        source_id="made",
        file_sha256="0" * 64,
    )


@pytest.mark.parametrize("drawn", [salient(), line(DAY)], ids=["salient", "straight"])
def test_the_raster_agrees_with_the_exact_line(drawn: DatedLine) -> None:
    """Within the reach, signed distances agree to 250 m in the mean and 1.2 km everywhere: a cell is 2 km."""
    field = control_field(drawn, first_party="A")
    assert field is not None
    chance = np.random.default_rng(3)
    longitude_deg, latitude_deg = chance.uniform(36.1, 37.9, 3_000), chance.uniform(47.3, 48.8, 3_000)
    exact = LineHistory([drawn], held_by="A").locate(longitude_deg, latitude_deg, np.full(3_000, np.datetime64(DAY)))
    near = exact.distance_m < 9_000.0
    off_m = np.abs(field.signed_distance_m(longitude_deg, latitude_deg) - exact.signed_distance_m)[near]

    assert near.sum() > 300
    assert off_m.mean() < 250.0
    assert off_m.max() < 1_200.0


def test_beyond_the_reach_only_the_holder_is_known() -> None:
    """Far from the line the distance is cut off, and beyond the raster the ground is nobody's."""
    field = control_field(line(DAY), first_party="A")
    assert field is not None

    assert [12_000.0, -12_000.0] == field.signed_distance_m([37.0, 37.0], [47.2, 48.55]).tolist()
    assert 0.0 == field.signed_distance_m(37.0, 60.0)


def test_who_is_first_decides_the_sign_and_nothing_else() -> None:
    """The same ground for the other party as first is the exchanged field, bit for bit."""
    here, there = control_field(salient(), first_party="A"), control_field(salient(), first_party="B")
    assert here is not None
    assert there is not None

    assert np.array_equal(exchanged_field(here).distances_m, there.distances_m)


def test_a_home_that_nobody_disputes_joins_the_holder_s_ground() -> None:
    """Ground beyond what was drawn is nobody's, unless it is said to be the holder's own country."""
    home = shapely.to_wkb(shapely.box(38.0, 47.0, 38.4, 48.0))
    plain = control_field(line(DAY), first_party="A")
    joined = control_field(line(DAY), first_party="A", home=[("A", home), ("B", home)])
    assert plain is not None
    assert joined is not None

    assert 0.0 == abs(plain.signed_distance_m(38.2, 47.3)) < joined.signed_distance_m(38.2, 47.3)


def test_a_line_without_ground_has_no_field() -> None:
    """Where only a line was drawn nobody knows whose ground is whose."""
    assert control_field(msgspec.structs.replace(line(DAY), held_wkb=None), first_party="A") is None


def test_a_raster_beyond_all_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coordinates that ask for more cells than any theatre has are a mistake, and are said to be."""
    monkeypatch.setattr(control, "CELL_MOST_COUNT", 100)
    with pytest.raises(ValueError, match="cells"):
        control_field(line(DAY), first_party="A")


def test_a_bare_field_knows_the_line_s_uncertainty() -> None:
    """It carries sigma and day, and no ground."""
    field = bare_field(line(DAY))

    assert (1_000.0, DAY, 0.0) == (field.sigma_m, field.line_date, float(field.signed_distance_m(37.0, 48.0)))


@pytest.mark.parametrize(
    ("bearing_deg", "east_deg", "north_deg"), [(0.0, 0.1, 0.0), (90.0, 0.0, -0.1), (180.0, -0.1, 0)]
)
def test_a_straight_line_has_the_first_party_to_its_right(
    bearing_deg: float, east_deg: float, north_deg: float
) -> None:
    """Going along the bearing, the first party's ground lies on the right hand."""
    field = straight_field(latitude_deg=48.0, longitude_deg=37.0, bearing_deg=bearing_deg, sigma_m=500.0, line_date=DAY)

    assert field.signed_distance_m(37.0 + east_deg, 48.0 + north_deg) > 5_000.0
    assert field.signed_distance_m(37.0 - east_deg, 48.0 - north_deg) < -5_000.0


def test_the_template_covers_every_direction_and_distance_once() -> None:
    """Rings join without gaps from the place outwards, and directions are evenly spread."""
    rings, directions = node_template()

    assert np.array_equal(rings[1:, 0], rings[:-1, 2])
    assert (0.0, RING_EDGES_M[-1]) == (rings[0, 0], rings[-1, 2])
    assert ((rings[:, 0] < rings[:, 1]) & (rings[:, 1] < rings[:, 2])).all()
    assert np.abs(directions.sum(axis=0)).max() < 1e-9
    assert BEARING_COUNT == len(directions)
