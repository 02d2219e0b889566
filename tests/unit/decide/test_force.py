"""Laws of facilities near the line: admin-1 only, a band that holds the truth, the line of that day, our own."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.decide.force import LINE_AGE_MAX_DAYS, distance_band, exclusion_findings, is_there
from truceline.model.guarantee import AdminArea, ExclusionRule, Facility, ForceDetail
from truceline.model.guarantee_view import ExclusionFinding
from truceline.model.reference_line import DatedLine
from truceline.physics.contact_line import LineHistory
from unit.decide.guarantee_made import DAY, SOURCE, day


def line_at(longitude_deg: float, valid_date: date = DAY) -> DatedLine:
    """Give a line from south to north at a longitude."""
    drawn = shapely.LineString([(longitude_deg, 44.0), (longitude_deg, 52.0)])
    return DatedLine(
        valid_date=valid_date,
        held_by="XP",
        held_wkb=None,
        line_wkb=shapely.to_wkb(drawn),
        sigma_m=1_000.0,
        source_id="made",
        file_sha256="0" * 64,
    )


def area(west_deg: float, east_deg: float) -> AdminArea:
    """Give an area between two longitudes."""
    return AdminArea(
        area_id="XA-1", south_deg=47.0, north_deg=49.0, west_deg=west_deg, east_deg=east_deg, synthetic=True
    )


def facility(**given: Any) -> Facility:
    """Give a hub of XA in its area."""
    content = {
        "facility_id": "hub",
        "holder": "XA",
        "kind": "hub",
        "area_id": "XA-1",
        "status": "open",
        "asserted_at": DAY,
        "sources": (SOURCE,),
    }
    return Facility(**(content | given))


def found(place: AdminArea | None, lines: list[DatedLine], distance_km: float | None = 100.0) -> ExclusionFinding:
    """Hold one hub against one rule."""
    rule = ExclusionRule(
        rule_id="r",
        agreement_id="a",
        distance_min_m=None if distance_km is None else distance_km * 1_000.0,
        source=SOURCE,
    )
    areas = {} if place is None else {"XA-1": place}
    (one,) = exclusion_findings([facility()], areas, LineHistory(lines), rule=rule, day=DAY)
    return one


def test_far_near_and_between_are_told_apart() -> None:
    """Wholly beyond the distance is outside, wholly nearer is inside, and anything else is possibly inside."""
    lines = [line_at(37.0)]
    outcomes = [found(area(*limits), lines).outcome for limits in ((30.0, 32.0), (36.4, 37.2), (34.0, 37.0))]

    assert ["outside", "inside", "possibly_inside"] == outcomes
    assert 0.0 == found(area(36.0, 38.0), lines).distance_low_m


def test_what_is_lacking_makes_it_indeterminate_and_is_said() -> None:
    """Without area, line of that day, or a distance that a source bears out, nothing is said of the distance."""
    place, lines = area(30.0, 32.0), [line_at(37.0)]
    cases = [found(None, lines), found(place, []), found(place, [line_at(37.0, day(-8))]), found(place, lines, None)]
    (unruled,) = exclusion_findings([facility()], {"XA-1": place}, LineHistory(lines), rule=None, day=DAY)

    assert {"indeterminate"} == {one.outcome for one in [*cases, unruled]}
    assert ["extent", "no contact line", "no contact line", "no distance"] == [
        next(words for words in ("extent", "no contact line", "no distance") if words in one.reason) for one in cases
    ]
    assert cases[3].distance_low_m is not None


def test_the_line_of_that_day_decides() -> None:
    """A line that moved later has no part in the finding of a day, and an old one serves for a week."""
    moved = [line_at(37.0, day(-int(LINE_AGE_MAX_DAYS))), line_at(32.0, day(1))]

    assert ("outside", day(-7)) == (found(area(30.0, 32.0), moved).outcome, found(area(30.0, 32.0), moved).line_date)


@settings(max_examples=25, deadline=None)
@given(st.floats(28.0, 40.0), st.floats(0.5, 4.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_band_holds_every_place_of_the_area(west_deg: float, width_deg: float, along: float, up: float) -> None:
    """Wherever in its area a facility lies, its distance from the line is inside the band."""
    place, lines = area(west_deg, west_deg + width_deg), LineHistory([line_at(37.0)])
    band = distance_band(place, lines, day=DAY)
    here = lines.locate([west_deg + along * width_deg], [47.0 + 2.0 * up], np.array([DAY], dtype="datetime64[D]"))

    assert band is not None
    assert band[0] <= float(here.distance_m[0]) <= band[1]


def test_closed_and_not_yet_known_facilities_are_left_out() -> None:
    """A facility counts from the day it was known to before the day it closed, planned ones as well."""
    closing = facility(closed_on=day(3))

    assert [False, True, True, False] == [is_there(closing, day(n)) for n in (-1, 0, 2, 3)]
    assert [True, False] == [is_there(facility(status=status), DAY) for status in ("planned", "closed")]


@pytest.mark.parametrize("area_id", ["XA-1-2", "XA-KHARKIV", "48.1,37.2", "XA", "xa-1"])
def test_a_facility_finer_than_an_area_is_refused(area_id: str) -> None:
    """No place finer than an area of the first level is kept, and none without a source."""
    with pytest.raises(ValueError, match="finer than admin-1"):
        facility(area_id=area_id)
    with pytest.raises(ValueError, match="no source"):
        facility(sources=())


def test_an_extent_finer_than_an_area_is_refused() -> None:
    """An extent small enough to give a place away, or one turned round, is not kept."""
    with pytest.raises(ValueError, match="admin-1 only"):
        area(30.0, 30.2)
    with pytest.raises(ValueError, match="east_deg"):
        area(30.0, 29.0)


def test_sizes_of_contributions_are_in_order() -> None:
    """The upper limit of a size is not below the lower, and either may be missing."""
    assert ForceDetail(domain="land", size_high_count=5).size_low_count is None
    assert ForceDetail(domain="land", size_low_count=5).size_high_count is None
    with pytest.raises(ValueError, match="size_high_count"):
        ForceDetail(domain="land", size_low_count=9, size_high_count=5)
