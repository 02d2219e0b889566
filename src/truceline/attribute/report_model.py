"""Whose conduct a geolocated report probably tells of, from its place and the dated contact line alone.

Nothing is read of what the report says about parties. Exchange the two parties and the answer is its complement.
"""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from truceline.attribute.report_namesakes import NO_NAMESAKES, Namesakes, meant_probability
from truceline.attribute.report_origin import density_ratio, launched_by_first_probability
from truceline.attribute.report_places import StandIns, names_region, nearest_stand_in
from truceline.attribute.report_settings import ReportSettings
from truceline.physics.contact_line import LineHistory, Located
from truceline.physics.geodesy import Floats, Points

REASONS = (
    "position",
    "near_line",
    "homonym",
    "region_name",
    "region_point",
    "repeated_point",
    "no_line",
    "stale_line",
    "no_side",
)
"""Why an answer is as it is: the first two come with a probability, the others without."""

POSITION, NEAR_LINE, HOMONYM, REGION_NAME, REGION_POINT, REPEATED_POINT, NO_LINE, STALE_LINE, NO_SIDE = range(
    len(REASONS)
)


class ReportPlaces(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Where and when reports are placed: columns of one length; `close_share` is `nan` where no weapon is hinted at."""

    longitude_deg: Floats
    latitude_deg: Floats
    dates: NDArray[np.datetime64]
    place_name: pl.Series
    close_share: Floats


class ReportAnswers(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Answers in the order of the reports.

    `first_probability`: that it was conduct of the history's party `held_by`; `nan` where it cannot be told. `reason`:
    an index into `REASONS`. `advance_m`: how far the line is taken to have moved on since it was drawn, at that place,
    towards ground of the other party. `namesake_count`: how many settlements bear the name. `meant_probability`: that
    the one the report stands on is the one it means.
    """

    first_probability: Floats
    reason: NDArray[np.int64]
    located: Located
    advance_m: Floats
    namesake_count: NDArray[np.int64]
    meant_probability: Floats


def attribute_reports(
    places: ReportPlaces,
    history: LineHistory,
    stand_ins: StandIns,
    *,
    settings: ReportSettings,
    namesakes: Namesakes = NO_NAMESAKES,
) -> ReportAnswers:
    """Attribute reports by the newest line on or before each one's day; every report has its own answer.

    The line lags behind what happened: the distance is moved on by the line's own movement at that place, taken from
    two drawings neither of which is later than the report's day. A place that is not the one meant says nothing.
    """
    located = history.locate(places.longitude_deg, places.latitude_deg, places.dates)
    advance_m = _advance_m(places, history, located, settings=settings)
    sigma_m = np.hypot(located.sigma_m, settings.place_sigma_m)
    close_share = np.where(np.isnan(places.close_share), settings.close_share, places.close_share)
    distance_m = located.signed_distance_m + advance_m
    launched = launched_by_first_probability(distance_m, sigma_m, close_share, settings=settings)
    namesake_count = namesakes.count(places.place_name)
    fired_ratio = density_ratio(distance_m, sigma_m, close_share, settings=settings)
    meant = meant_probability(fired_ratio, namesake_count, settings=settings)
    reason = _reasons(places, located, stand_ins, meant, settings=settings)
    told = (1.0 - settings.misplaced_probability) * meant
    probability = (1.0 - told) / 2.0 + told * launched
    low = 1.0 - settings.near_probability
    probability = np.where(reason == NEAR_LINE, np.clip(probability, low, settings.near_probability), probability)
    answered = (reason == POSITION) | (reason == NEAR_LINE)
    return ReportAnswers(
        first_probability=np.where(answered, probability, np.nan),
        reason=reason,
        located=located,
        advance_m=advance_m,
        namesake_count=namesake_count,
        meant_probability=meant,
    )


def _advance_m(places: ReportPlaces, history: LineHistory, located: Located, *, settings: ReportSettings) -> Floats:
    """Give how far the line moved on since it was drawn, positive where the party of positive distances gained."""
    before = history.locate(
        places.longitude_deg, places.latitude_deg, places.dates - np.timedelta64(settings.advance_window_days, "D")
    )
    moved_m = located.signed_distance_m - before.signed_distance_m
    lag_ratio = settings.line_lag_days / settings.advance_window_days
    advance_m: Floats = np.clip(
        np.nan_to_num(moved_m, nan=0.0) * lag_ratio, -settings.advance_max_m, settings.advance_max_m
    )
    return advance_m


def _reasons(
    places: ReportPlaces, located: Located, stand_ins: StandIns, meant: Floats, *, settings: ReportSettings
) -> NDArray[np.int64]:
    """Say for each report what its answer rests on; what makes an answer impossible comes before what weakens it."""
    points = Points(places.longitude_deg, places.latitude_deg)
    nearest = nearest_stand_in(points, stand_ins, distance_max_m=settings.stand_in_distance_m)
    is_region = np.append(stand_ins.is_region, False)[nearest]
    near = located.distance_m <= settings.near_sigma_ratio * located.sigma_m
    reason = np.where(near, NEAR_LINE, POSITION)
    reason = np.where(meant < settings.meant_min_probability, HOMONYM, reason)
    reason = np.where(nearest >= 0, np.where(is_region, REGION_POINT, REPEATED_POINT), reason)
    reason = np.where(names_region(places.place_name), REGION_NAME, reason)
    reason = np.where(located.side == 0, NO_SIDE, reason)
    reason = np.where(located.line_age_days > settings.line_age_max_days, STALE_LINE, reason)
    return np.where(np.isnat(located.line_date), NO_LINE, reason).astype(np.int64)
