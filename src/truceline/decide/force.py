"""Holds our own facilities against the distance they have to keep from the contact line of one day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

import numpy as np

from truceline.model.guarantee import AdminArea, ExclusionRule, Facility
from truceline.model.guarantee_view import ExclusionFinding
from truceline.physics.contact_line import LineHistory

GRID_POINTS_COUNT = 33
"""Points along each edge of an area's extent at which the distance is measured; what lies between is allowed for."""

LINE_AGE_MAX_DAYS = 7.0
"""Oldest line that still tells where the line of a day was."""

DEGREE_LENGTH_MAX_M = 111_700.0
"""Longest length of one degree of latitude on WGS 84, at the poles, rounded up; a degree of longitude is not longer."""

SIGMA_COVERED_COUNT = 2.0
"""How many standard deviations of the drawn line the band is widened by on either end."""


def exclusion_findings(
    facilities: Iterable[Facility],
    areas: Mapping[str, AdminArea],
    lines: LineHistory,
    *,
    rule: ExclusionRule | None,
    day: date,
) -> list[ExclusionFinding]:
    """Hold every facility that is open or planned on a day against the rule, by the extent of its area; by id.

    The place of a facility is not known more finely than its area, so the distance is a band that certainly holds it.
    """
    there = sorted((one for one in facilities if is_there(one, day)), key=lambda one: one.facility_id)
    return [_finding(one, areas.get(one.area_id), lines, rule=rule, day=day) for one in there]


def is_there(facility: Facility, day: date) -> bool:
    """Say whether a facility was known and planned or open on a day: closed ones are left out from their day on."""
    if day < facility.asserted_at:
        return False
    if facility.closed_on is not None:
        return day < facility.closed_on
    return facility.status != "closed"


def _finding(
    facility: Facility, area: AdminArea | None, lines: LineHistory, *, rule: ExclusionRule | None, day: date
) -> ExclusionFinding:
    band = None if area is None else distance_band(area, lines, day=day)
    distance_min_m = None if rule is None else rule.distance_min_m
    outcome: Literal["outside", "possibly_inside", "inside", "indeterminate"] = "indeterminate"
    if area is None:
        reason = "the extent of its area is not given"
    elif band is None:
        reason = f"no contact line of the {LINE_AGE_MAX_DAYS:g} days up to that day is given"
    elif distance_min_m is None:
        reason = "the agreement gives no distance that a source bears out"
    else:
        outcome, reason = _held_against(band, distance_min_m)
    return ExclusionFinding(
        facility_id=facility.facility_id,
        holder=facility.holder,
        area_id=facility.area_id,
        day=day,
        outcome=outcome,
        reason=reason,
        distance_low_m=None if band is None else band[0],
        distance_high_m=None if band is None else band[1],
        distance_min_m=distance_min_m,
        line_date=None if band is None else band[2],
    )


def _held_against(
    band: tuple[float, float, date], distance_min_m: float
) -> tuple[Literal["outside", "possibly_inside", "inside"], str]:
    low_m, high_m, _ = band
    if low_m >= distance_min_m:
        return "outside", "wherever it lies in its area, it keeps the distance"
    if high_m < distance_min_m:
        return "inside", "wherever it lies in its area, it is nearer than the agreement allows"
    return "possibly_inside", "parts of its area are nearer than the agreement allows"


def distance_band(area: AdminArea, lines: LineHistory, *, day: date) -> tuple[float, float, date] | None:
    """Give the least and greatest distance (metres) of an area's extent from the line of a day, and that line's day.

    Measured on a grid and widened by half its diagonal (a distance changes by no more than one moves) and by two
    standard deviations of the line. `None` without a line young enough.
    """
    longitude_deg, latitude_deg = np.meshgrid(
        np.linspace(area.west_deg, area.east_deg, GRID_POINTS_COUNT),
        np.linspace(area.south_deg, area.north_deg, GRID_POINTS_COUNT),
    )
    days = np.full(longitude_deg.size, np.datetime64(day, "D"))
    located = lines.locate(longitude_deg.ravel(), latitude_deg.ravel(), days)
    age_days = float(located.line_age_days[0])
    if math.isnan(age_days) or age_days > LINE_AGE_MAX_DAYS:
        return None
    step_deg = math.hypot(area.east_deg - area.west_deg, area.north_deg - area.south_deg) / (GRID_POINTS_COUNT - 1)
    margin_m = 0.5 * step_deg * DEGREE_LENGTH_MAX_M + SIGMA_COVERED_COUNT * float(located.sigma_m[0])
    low_m = max(0.0, float(np.min(located.distance_m)) - margin_m)
    line_date: date = located.line_date[0].astype("datetime64[D]").item()
    return low_m, float(np.max(located.distance_m)) + margin_m, line_date
