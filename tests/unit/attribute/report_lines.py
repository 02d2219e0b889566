"""A straight drawn line for tests: ground west of a meridian is held by one party, on several days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import shapely

from truceline.attribute.report_model import ReportPlaces
from truceline.attribute.report_places import StandIns
from truceline.model.reference_line import DatedLine

DAY = date(2025, 3, 1)
KM_DEG = 1.0 / 111.32
"""A kilometre in degrees of longitude on the equator, where these lines lie."""


def line_at(meridian_deg: float, day: date = DAY, *, held_by: str = "A", has_ground: bool = True) -> DatedLine:
    """Draw one day's line along a meridian; the ground west of it is held by a party."""
    line = shapely.LineString([(meridian_deg, -3.0), (meridian_deg, 3.0)])
    ground = shapely.box(meridian_deg - 20.0, -3.0, meridian_deg, 3.0)
    return DatedLine(
        valid_date=day,
        held_by=held_by,
        held_wkb=shapely.to_wkb(ground) if has_ground else None,
        line_wkb=shapely.to_wkb(line),
        sigma_m=1_000.0,
        source_id="synthetic",
        file_sha256="0" * 64,
    )


def places_at(east_km: list[float], day: date = DAY, *, name: str = "Somewhere") -> ReportPlaces:
    """Place reports on the equator, so many kilometres east of the meridian 10, all on one day."""
    return ReportPlaces(
        longitude_deg=10.0 + np.array(east_km) * KM_DEG,
        latitude_deg=np.zeros(len(east_km)),
        dates=np.full(len(east_km), np.datetime64(day, "D")),
        place_name=pl.repeat(name, len(east_km), eager=True),
        close_share=np.full(len(east_km), np.nan),
    )


def days_before(days: int) -> date:
    """Give an earlier day."""
    return DAY - timedelta(days)


def stand_ins_at(*points: tuple[float, float, bool]) -> StandIns:
    """Give points (longitude, latitude, is a region's) that stand for regions."""
    return StandIns(
        longitude_deg=np.array([point[0] for point in points]),
        latitude_deg=np.array([point[1] for point in points]),
        is_region=np.array([point[2] for point in points], dtype=np.bool_),
    )
