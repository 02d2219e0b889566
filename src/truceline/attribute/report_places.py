"""Points that stand for a whole region, told apart from settlements by names and by repetition, never by parties.

A report that names only a region is placed on some point in it. Three signs, none of which knows who holds the ground:
its name says so; reports placed there were often about the region (`region`); or very many reports stand on exactly one
coordinate although no town is there, while reports of a real settlement scatter over several points (`repeated`).
"""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from truceline.attribute.report_settings import ReportSettings
from truceline.physics.geodesy import Floats, Points, geodesic_distance_m

REGION_NAME_PATTERN = (
    r"(?i)\b(oblasts?|regions?|raions?|rayons?|districts?|provinces?|область|області|район|район[уі])\b"
)
"""Words of a name that say it is of a region, in the languages of the feeds."""

GRID_PER_DEG_COUNT = 100
"""Reports are counted on a grid of a hundredth of a degree: coordinates of one point differ in their last digits."""

LATITUDE_DEGREE_M = 110_500.0
"""Shortest length of a degree of latitude, for a first coarse choice of neighbours."""

Flags = NDArray[np.bool_]


class StandIns(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Points that stand for a region: where, and whether by reports (`is_region`) or by repetition (else)."""

    longitude_deg: Floats
    latitude_deg: Floats
    is_region: Flags

    def __len__(self) -> int:
        """Give the number of points."""
        return len(self.longitude_deg)


class Towns(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Settlements with their population, from a gazetteer."""

    longitude_deg: Floats
    latitude_deg: Floats
    population_count: NDArray[np.int64]


def names_region(place_name: pl.Series) -> Flags:
    """Say which names are of a region and not of a settlement."""
    return place_name.fill_null("").str.contains(REGION_NAME_PATTERN).to_numpy()


def nearest_stand_in(points: Points, stand_ins: StandIns, *, distance_max_m: float) -> NDArray[np.intp]:
    """Give, for each point, the index of the nearest stand-in within a distance, -1 for none."""
    found = np.full(len(points), -1, dtype=np.intp)
    least_m = np.full(len(points), np.inf)
    for index in range(len(stand_ins)):
        near = np.flatnonzero(
            np.abs(points.latitude_deg - stand_ins.latitude_deg[index]) * LATITUDE_DEGREE_M <= distance_max_m
        )
        here = Points(points.longitude_deg[near], points.latitude_deg[near])
        there = Points(
            np.full(len(near), stand_ins.longitude_deg[index]), np.full(len(near), stand_ins.latitude_deg[index])
        )
        distance_m = geodesic_distance_m(here, there)
        better = (distance_m <= distance_max_m) & (distance_m < least_m[near])
        found[near[better]], least_m[near[better]] = index, distance_m[better]
    return found


def find_stand_ins(reports: pl.DataFrame, towns: Towns, settings: ReportSettings) -> pl.DataFrame:
    """Find the points that stand for a region in a feed with `place_name`, `lon`, `lat`, `adm1_only`.

    Gives one row per point: `place_name`, `longitude_deg`, `latitude_deg`, `report_count`, `region_report_count`,
    `kind` (`region` or `repeated`); most reports first.
    """
    grid = [(pl.col(name).cast(pl.Float64) * GRID_PER_DEG_COUNT).round() for name in ("lon", "lat")]
    cells = reports.group_by("place_name", grid[0].alias("x"), grid[1].alias("y")).agg(
        pl.col("lon").cast(pl.Float64).median().round(5).alias("longitude_deg"),
        pl.col("lat").cast(pl.Float64).median().round(5).alias("latitude_deg"),
        pl.len().alias("report_count"),
        pl.col("adm1_only").sum().alias("region_report_count"),
    )
    share = pl.col("report_count") / pl.col("report_count").sum().over("place_name")
    frequent = cells.with_columns(share.alias("share")).filter(pl.col("report_count") >= settings.repeated_min_count)
    in_town = pl.Series("in_town", _in_town(frequent, towns, settings))
    is_region = pl.col("region_report_count") >= settings.region_min_share * pl.col("report_count")
    is_repeated = (pl.col("share") >= settings.repeated_min_share) & ~in_town & (pl.col("place_name") != "")
    kind = pl.when(is_region).then(pl.lit("region")).when(is_repeated).then(pl.lit("repeated"))
    return (
        frequent.with_columns(kind.alias("kind"))
        .filter(pl.col("kind").is_not_null())
        .sort("report_count", "place_name", descending=[True, False])
        .drop("x", "y", "share")
    )


def _in_town(cells: pl.DataFrame, towns: Towns, settings: ReportSettings) -> Flags:
    """Say which points lie in a town."""
    large = towns.population_count >= settings.town_min_count
    centres = StandIns(
        longitude_deg=towns.longitude_deg[large],
        latitude_deg=towns.latitude_deg[large],
        is_region=np.zeros(int(large.sum()), dtype=np.bool_),
    )
    points = Points(cells["longitude_deg"].to_numpy(), cells["latitude_deg"].to_numpy())
    return nearest_stand_in(points, centres, distance_max_m=settings.town_distance_m) >= 0
