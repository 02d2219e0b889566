"""How far solved events lie from where and when they were, and whether their regions hold as often as they claim."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from truceline.physics.region import TAIL_MAX_RATIO, normal_square_ratio, region_square_ratio
from truceline.testing.event_matching import EventPlaces, Flags, Floats, Matches
from truceline.testing.proportions import (
    Histogram,
    Proportion,
    histogram,
    mean_of,
    proportion_of,
    quantile_of,
)

NOMINALS_PROBABILITY = (0.5, 0.9, 0.95)
"""The regions whose coverage is given by itself."""

CURVE_NOMINALS_PROBABILITY = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""The regions of the curve of coverage against nominal."""

QUANTILES_SHARE = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""The quantiles at which the distribution of errors is given, least and largest included."""

Value = float
Values = tuple[float, ...]
"""Errors in the unit that the field which holds the spread is named after."""

_NORMALISED_EDGES = np.linspace(0.0, 4.0, 17)
_NORMALISED_TIME_EDGES = np.linspace(-4.0, 4.0, 17)


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of error is distributed: at every share of the events, the error that no more than that share pass.

    Values are in the unit that the field which holds the spread is named after; empty where there is no event.
    """

    event_count: int
    shares: tuple[float, ...]
    values: Values
    mean: Value | None
    median: Value | None
    quantile_95: Value | None


class LocationAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Errors of the matched events that count, solved less reference: distance, time with sign, time without.

    `bias_x_m` and `bias_y_m` are the medians of the components, which are near zero unless all are shifted alike.
    """

    distance_m: Spread
    time_s: Spread
    time_size_s: Spread
    bias_x_m: float | None
    bias_y_m: float | None


class ClaimedRegions(NamedTuple):
    """What is claimed of every solved event: covariance (events, 3), sigma of the time, tail ratio of the place.

    Covariances are in metres squared, in the axes of the places: xx, xy and yy of the normal with the same 90 % region.
    """

    covariance_m2: Floats
    time_sigma_s: Floats
    region_tail_ratio: Floats


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How often the region of one nominal probability holds the reference place."""

    nominal_probability: float
    observed: Proportion


class RegionAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage of the regions, each by its event's own tail, and the errors in units of what was claimed.

    `unusable_count` events had a covariance that is none (not finite, not positive definite), or a tail ratio outside
    [0, 1]: they are in no figure. `normalised_ratio` is the Mahalanobis distance, made that of the normal error whose
    region is of the same probability (without a tail, itself): a Rayleigh distribution is expected of it, as the normal
    one is of `normalised_time_ratio`, the time error over its sigma. `scale_ratio` is the factor by which all sigmas
    would have to be multiplied for just half of the 50 % regions to hold: above 1 is overconfident. `area_90_m2` is of
    the 90 % regions, which are the covariance's whatever the tail.
    """

    event_count: int
    unusable_count: int
    coverage: tuple[Coverage, ...]
    curve: tuple[Coverage, ...]
    normalised_ratio: Histogram
    normalised_time_ratio: Histogram | None
    scale_ratio: float | None
    time_scale_ratio: float | None
    area_90_m2: Spread


def spread(values: Floats) -> Spread:
    """Give the distribution of errors, shape (events,)."""
    shares = QUANTILES_SHARE if values.size else ()
    return Spread(
        event_count=int(values.size),
        shares=shares,
        values=tuple(np.quantile(values, shares).tolist()) if values.size else (),
        mean=mean_of(values),
        median=quantile_of(values, 0.5),
        quantile_95=quantile_of(values, 0.95),
    )


def location_agreement(reference: EventPlaces, solved: EventPlaces, pairs: Matches) -> LocationAgreement:
    """Give the errors of matched pairs."""
    error_x_m, error_y_m, error_s = errors_of(reference, solved, pairs)
    return LocationAgreement(
        distance_m=spread(np.hypot(error_x_m, error_y_m)),
        time_s=spread(error_s),
        time_size_s=spread(np.abs(error_s)),
        bias_x_m=quantile_of(error_x_m, 0.5),
        bias_y_m=quantile_of(error_y_m, 0.5),
    )


def errors_of(reference: EventPlaces, solved: EventPlaces, pairs: Matches) -> tuple[Floats, Floats, Floats]:
    """Give solved less reference of each pair: x and y in metres, time in seconds; shape (pairs,) each."""
    first, second = pairs
    return (
        solved.x_m[second] - reference.x_m[first],
        solved.y_m[second] - reference.y_m[first],
        solved.time_s[second] - reference.time_s[first],
    )


def usable_covariance(covariance_m2: Floats) -> Flags:
    """Say which rows xx, xy, yy are covariances of a plane: finite and positive definite."""
    xx, xy, yy = covariance_m2.T
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(covariance_m2).all(axis=1) & (xx > 0.0) & (yy > 0.0) & (xx * yy > xy * xy))


def mahalanobis_square_ratio(error_x_m: Floats, error_y_m: Floats, covariance_m2: Floats) -> Floats:
    """Give `e' C^-1 e` of each error; it has the chi-square distribution of 2 degrees where the covariance is right."""
    xx, xy, yy = covariance_m2.T
    squares = yy * error_x_m**2 - 2.0 * xy * error_x_m * error_y_m + xx * error_y_m**2
    return np.asarray(squares / (xx * yy - xy * xy))


def region_agreement(
    reference: EventPlaces, solved: EventPlaces, *, pairs: Matches, claimed: ClaimedRegions
) -> RegionAgreement:
    """Hold the regions that are claimed of every solved event against where the events were."""
    error_x_m, error_y_m, error_s = errors_of(reference, solved, pairs)
    covariance_m2, sigma_s, tail_ratio = (column[pairs.solved_index] for column in claimed)
    usable = usable_covariance(covariance_m2) & (tail_ratio >= 0.0) & (tail_ratio <= TAIL_MAX_RATIO)
    covariance_m2, tail_ratio = covariance_m2[usable], tail_ratio[usable]
    square_ratio = mahalanobis_square_ratio(error_x_m[usable], error_y_m[usable], covariance_m2)
    xx, xy, yy = covariance_m2.T
    area_m2 = np.pi * region_square_ratio(0.9) * np.sqrt(xx * yy - xy * xy)
    normal_square = normal_square_ratio(square_ratio, tail_ratio)
    half_reached = np.sqrt(square_ratio / region_square_ratio(0.5, tail_ratio))
    timed = np.isfinite(sigma_s) & (sigma_s > 0.0)
    normalised_time = error_s[timed] / sigma_s[timed]
    return RegionAgreement(
        event_count=int(usable.sum()),
        unusable_count=int((~usable).sum()),
        coverage=_coverage(normal_square, NOMINALS_PROBABILITY),
        curve=_coverage(normal_square, CURVE_NOMINALS_PROBABILITY),
        normalised_ratio=histogram(np.sqrt(normal_square), _NORMALISED_EDGES, -np.expm1(-0.5 * _NORMALISED_EDGES**2)),
        normalised_time_ratio=_time_histogram(normalised_time),
        scale_ratio=_scale(half_reached, 1.0),
        time_scale_ratio=_scale(np.abs(normalised_time), 0.6744897501960817),
        area_90_m2=spread(area_m2),
    )


def _coverage(normal_square: Floats, nominals: tuple[float, ...]) -> tuple[Coverage, ...]:
    return tuple(
        Coverage(nominal_probability=nominal, observed=proportion_of(normal_square <= region_square_ratio(nominal)))
        for nominal in nominals
    )


def _time_histogram(normalised_time: Floats) -> Histogram | None:
    from scipy.special import ndtr

    if normalised_time.size == 0:
        return None
    return histogram(normalised_time, _NORMALISED_TIME_EDGES, ndtr(_NORMALISED_TIME_EDGES))


def _scale(normalised: Floats, median_expected: float) -> float | None:
    """Give the median error over the median expected of it, where it is known."""
    median = quantile_of(normalised, 0.5)
    return None if median is None else median / median_expected
