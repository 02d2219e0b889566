"""Laws of scraps of a daily line: what hinges on a short piece that stands alone is not told."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
import shapely

from laws.assess_world import NOON, assessor, clause, conduct, dated, findings, meridian, place, text
from truceline.assess.line_scraps import NEAR_MOST_M, is_sure, near_scraps
from truceline.model.agreement import Agreement
from truceline.model.finding import Compliant, Indeterminate, PotentialViolation
from truceline.model.provision import Prohibition
from truceline.model.reference_line import DatedLine
from truceline.model.zone import AgreedLine, Belt, LineSeries
from truceline.physics.geodesy import points_of


def line_part(east_m: float, north_m: float, length_m: float) -> np.ndarray:
    """Give a straight part that runs north from a place."""
    ends = [place(east_m, north_m=north_m), place(east_m, north_m=north_m + length_m)]
    return np.array([[one.longitude_deg, one.latitude_deg] for one in ends])


@pytest.mark.parametrize(
    ("parts", "sure"),
    [
        ([], []),
        ([line_part(0.0, 0.0, 3_000.0)], [True]),
        ([line_part(0.0, 0.0, 300_000.0), line_part(50_000.0, 0.0, 15_000.0)], [True, False]),
        ([line_part(0.0, 0.0, 300_000.0), line_part(50_000.0, 0.0, 25_000.0)], [True, True]),
        ([line_part(0.0, 0.0, 100_000.0), line_part(0.0, 100_500.0, 3_000.0)], [True, True]),
        (
            [line_part(0.0, 0.0, 100_000.0), line_part(0.0, 104_000.0, 3_000.0), line_part(0.0, 100_500.0, 3_000.0)],
            [True, True, True],
        ),
    ],
)
def test_long_parts_and_what_joins_them_are_sure(parts: list[np.ndarray], sure: list[bool]) -> None:
    """The longest part is sure, so is a long one, and so is a short one that goes on from a sure one."""
    assert sure == is_sure(parts).tolist()


def test_points_without_a_place_and_far_ones_are_not_near() -> None:
    """Half the limit is near, twice the limit is not, and what has no place lies nowhere."""
    scrap = line_part(0.0, 0.0, 1_000.0)
    there = [place(NEAR_MOST_M / 2.0), place(2.0 * NEAR_MOST_M)]
    points = points_of(
        np.array([*(one.longitude_deg for one in there), np.nan]),
        np.array([*(one.latitude_deg for one in there), np.nan]),
    )

    assert [True, False, False] == near_scraps([scrap], points).tolist()
    assert [False] * 3 == near_scraps([], points).tolist()


def daily(depth_m: float = 15_000.0) -> Agreement:
    """Give a text with a belt along the line of each event's own day."""
    return text(
        clause(Prohibition, acts=("presence",), zone_ids=("belt",)),
        lines=(AgreedLine(line_id="line", title="Line", series=LineSeries()),),
        zones=(Belt(zone_id="belt", line_id="line", depth_high_m=depth_m),),
    )


def with_scrap() -> DatedLine:
    """Give the day's meridian with a piece of 10 km that stands alone 60 km to the east."""
    day = dated(datetime(2016, 6, 1, tzinfo=UTC), 38.0)
    scrap = shapely.LineString(line_part(60_000.0, 0.0, 10_000.0))
    return msgspec.structs.replace(day, line_wkb=shapely.to_wkb(shapely.MultiLineString([meridian(), scrap])))


@pytest.mark.parametrize(
    ("east_m", "kind"), [(5_000.0, PotentialViolation), (30_000.0, Compliant), (58_000.0, Indeterminate)]
)
def test_only_what_hinges_on_a_scrap_is_not_told(east_m: float, kind: type) -> None:
    """Near the front the belt holds, between front and scrap nothing does, and beside the scrap the line is lacking."""
    found = findings(conduct("presence", east_m, at=NOON), daily(), lines=(with_scrap(),))["made.clause"]

    assert isinstance(found, kind)
    if isinstance(found, Indeterminate):
        assert ("line of contact of that day, or which ground is whose",) == found.lacking


def test_without_scraps_everything_is_told() -> None:
    """The same place without the scrap is outside the belt."""
    day = dated(datetime(2016, 6, 1, tzinfo=UTC), 38.0)
    found = findings(conduct("presence", 58_000.0, at=NOON), daily(), lines=(day,))["made.clause"]

    assert isinstance(found, Compliant)
    assert len(assessor(daily()).compiled.clauses) == 1
