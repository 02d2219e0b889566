"""Points that stand for a region, found by names and repetition."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from truceline.attribute.report_places import Towns, find_stand_ins, names_region, nearest_stand_in
from truceline.attribute.report_settings import ReportSettings
from truceline.physics.geodesy import points_of
from unit.attribute.report_lines import stand_ins_at

TOWNS = Towns(
    longitude_deg=np.array([30.0, 31.0]),
    latitude_deg=np.array([50.0, 50.0]),
    population_count=np.array([200_000, 900]),
)


def reports_at(name: str, longitude_deg: float, *, count: int, region_count: int = 0) -> pl.DataFrame:
    """Make so many reports on one point, some of them about a region."""
    return pl.DataFrame(
        {
            "place_name": [name] * count,
            "lon": [longitude_deg] * count,
            "lat": [50.0] * count,
            "adm1_only": [index < region_count for index in range(count)],
        }
    )


def kinds(*parts: pl.DataFrame) -> dict[str, str]:
    """Give the kind of each point found, by name."""
    found = find_stand_ins(pl.concat(parts), TOWNS, ReportSettings())
    return dict(zip(found["place_name"], found["kind"], strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kherson Oblast", True),
        ("Bakhmut Raion", True),
        ("Донецька область", True),
        ("Бахмутский район", True),
        ("Kherson", False),
        ("Regionalne", False),
        ("", False),
        (None, False),
    ],
)
def test_names_of_regions_are_told(name: str | None, *, expected: bool) -> None:
    """A name that says region, in the languages of the feeds, is one; the same letters inside a word are not."""
    assert [expected] == names_region(pl.Series([name], dtype=pl.String)).tolist()


def test_points_of_region_reports_are_found() -> None:
    """A point a third of whose reports are about the region stands for it, town or not; one with fewer does not."""
    found = kinds(
        reports_at("Town", 30.0, count=60, region_count=20), reports_at("Other", 30.5, count=2_000, region_count=600)
    )

    assert "region" == found["Town"]
    assert "Other" not in {name for name, kind in found.items() if kind == "region"}


def test_one_coordinate_for_many_reports_is_found() -> None:
    """Many reports on one coordinate stand for a region where no town is; a town, a scatter or a few reports do not."""
    found = kinds(
        reports_at("Village", 31.0, count=30),
        reports_at("Town", 30.0, count=30),
        reports_at("Scatter", 32.0, count=30),
        reports_at("Scatter", 32.1, count=30),
        reports_at("Few", 33.0, count=5),
        reports_at("", 34.0, count=50),
    )

    assert {"Village": "repeated"} == found


def test_order_of_reports_does_not_matter() -> None:
    """The points found do not depend on the order of the reports."""
    reports = pl.concat([reports_at("B", 31.0, count=30), reports_at("A", 32.0, count=30)])
    found = find_stand_ins(reports, TOWNS, ReportSettings())

    assert found.equals(find_stand_ins(reports.reverse(), TOWNS, ReportSettings()))


def test_the_nearest_point_within_reach_is_given() -> None:
    """Of several points within reach the nearest is given, and none beyond it."""
    points = stand_ins_at((30.0, 50.0, True), (30.001, 50.0, False), (30.0, 50.001, True))
    nearest = nearest_stand_in(points_of([30.0009, 30.5], [50.0, 50.0]), points, distance_max_m=200.0)

    assert 3 == len(points)
    assert [1, -1] == nearest.tolist()
