"""Where a drawing ends, nobody's ground begins: how deep somebody drew his own land says nothing about the other's."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely

from laws.attribution_cases import CATALOGUE, RADAR, case, point
from laws.attribution_cases import item as made_item
from truceline.attribute.case import Case
from truceline.attribute.control import ControlField, control_field
from truceline.attribute.decide import decide_cases
from truceline.model.reference_line import DatedLine

DAY = date(2025, 4, 19)
DEEP_DEG = 1.5


def drawn(held_by: str, west_deg: float, east_deg: float) -> ControlField:
    """Give one party's drawing of its own ground, up to the line along 37 E."""
    line = DatedLine(
        valid_date=DAY,
        held_by=held_by,
        held_wkb=shapely.to_wkb(shapely.box(west_deg, 46.0, east_deg, 50.0)),
        line_wkb=shapely.to_wkb(shapely.LineString([(37.0, 46.0), (37.0, 50.0)])),
        sigma_m=1_000.0,
        source_id="made",
        file_sha256="0" * 64,
    )
    field = control_field(line, first_party="A")
    assert field is not None, "ground was drawn"
    return field


def odds(field: ControlField, *cases: Case) -> np.ndarray:
    """Give the log-odds of A against B."""
    return decide_cases(cases, [field] * len(cases), parties=("A", "B"), catalogue=CATALOGUE).log_odds_ratio


@pytest.mark.parametrize("longitude_deg", [36.9, 37.0, 37.2])
def test_a_drawing_and_that_of_what_lies_across_say_the_same(longitude_deg: float) -> None:
    """A's drawing of its own ground and B's of its own, up to one line, give the same answers."""
    cases = (case(RADAR, longitude_deg=longitude_deg), case(made_item("acoustic_seismic_origin", point(37.3))))
    by_first = odds(drawn("A", 37.0, 37.0 + DEEP_DEG), *cases)
    by_second = odds(drawn("B", 37.0 - DEEP_DEG, 37.0), *cases)

    assert by_first == pytest.approx(by_second, abs=0.02)


def test_who_drew_the_ground_is_not_favoured() -> None:
    """Evidence that tells nothing of the origin is even on the line, whoever drew his ground and however deep."""
    silent = case(
        made_item("weapon_class_from_remnant", point(37.0, sigma_m=300_000.0)), longitude_deg=37.0, place_usable=False
    )
    found = [
        float(odds(field, silent)[0])
        for field in (drawn("A", 37.0, 38.5), drawn("B", 35.5, 37.0), drawn("A", 37.0, 37.8), drawn("B", 36.2, 37.0))
    ]

    assert found == pytest.approx([0.0] * 4, abs=0.02)


def test_what_lies_beyond_the_drawing_is_nobody_s() -> None:
    """Behind the holder's drawn ground, beyond the ends of the line, and deeper than was drawn: distance 0."""
    field = drawn("A", 37.0, 37.0 + DEEP_DEG)
    held, across = field.signed_distance_m([37.5, 36.5], [48.0, 48.0])
    beyond = field.signed_distance_m([38.8, 37.5, 35.2, 50.0, 20.0], [48.0, 45.5, 48.0, 48.0, 48.0])

    assert (12_000.0, -12_000.0) == (held, across)
    assert [0.0] * 5 == np.abs(beyond).tolist()


def test_a_drawing_that_is_all_line_has_no_other_end() -> None:
    """Where the whole boundary is contact line, ground around it is the other's as deep as the drawing goes."""
    line = DatedLine(
        valid_date=DAY,
        held_by="B",
        held_wkb=shapely.to_wkb(shapely.box(36.0, 47.0, 38.0, 49.0)),
        line_wkb=None,
        sigma_m=1_000.0,
        source_id="made",
        file_sha256="0" * 64,
    )
    field = control_field(line, first_party="A")
    assert field is not None

    assert [12_000.0, -12_000.0, 0.0] == field.signed_distance_m([35.5, 37.0, 33.0], [48.0, 48.0, 48.0]).tolist()


def test_a_line_far_from_its_ground_leaves_only_the_ground() -> None:
    """A line that lies nowhere near (outside the raster's cells, of no length) makes nothing the other's."""
    line = DatedLine(
        valid_date=DAY,
        held_by="A",
        held_wkb=shapely.to_wkb(shapely.box(37.0, 47.0, 38.0, 48.0)),
        line_wkb=shapely.to_wkb(shapely.LineString()),
        sigma_m=1_000.0,
        source_id="made",
        file_sha256="0" * 64,
    )
    field = control_field(line, first_party="A")
    assert field is not None

    assert [12_000.0, 0.0] == field.signed_distance_m([37.5, 36.5], [47.5, 47.5]).tolist()
