"""From whose ground the fire on a place came, as one integral over where it was launched and where it really fell.

One dimension, across the line: the impact lies at signed depth d (positive on the first party's ground), the launch at
u. A party launches from its own ground only, with density exp(-u/b)/b at depth u behind the line, and reaches r with
density exp(-r/a)/2a. With s = |d|, integrating over u >= 0 gives (this project's own; elementary):

    across(s) = exp(-s/a) / (2 a b (1/a + 1/b))                                            impact on the other's ground
    within(s) = [(exp(-s/b) - exp(-s/a)) / (1/a - 1/b) + exp(-s/b) / (1/a + 1/b)] / (2 a b)    impact on one's own

Fire on one's own ground (misfires, outgoing fire reported where it was launched, ground lost a day ago) happens with
ratio f to fire across. Classes of weapons are summed before the parties are compared: a launch is of one class.
The errors of line and place are normal with sigma; over them the exponentials average to (Phi: normal distribution)

    E[exp(-d/c); d > 0] = exp(sigma^2 / 2c^2 - m/c) Phi(m/sigma - sigma/c)        m the measured signed distance
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from truceline.attribute.report_settings import FireClass, ReportSettings
from truceline.physics.contact_line import normal_probability
from truceline.physics.geodesy import Floats

SIGMA_LEAST_M = 1e-3
"""A smaller error of the position is taken for this: a millimetre tells no more."""

EXPONENT_LIMIT_RATIO = 500.0
"""Where the exponent is larger, the normal probability beside it is zero."""


def fire_density(
    signed_distance_m: ArrayLike, sigma_m: ArrayLike, close_share: ArrayLike, *, settings: ReportSettings
) -> Floats:
    """Give the density of fire, at measured places, by the party whose ground lies at positive distances."""
    distance_m, spread_m = np.asarray(signed_distance_m, dtype=np.float64), np.asarray(sigma_m, dtype=np.float64)
    share = np.asarray(close_share, dtype=np.float64)
    close = _class_density(distance_m, spread_m, settings.close, own_side_ratio=settings.own_side_probability)
    far = _class_density(distance_m, spread_m, settings.long, own_side_ratio=settings.own_side_probability)
    density: Floats = share * close + (1.0 - share) * far
    return density


def launched_by_first_probability(
    signed_distance_m: ArrayLike, sigma_m: ArrayLike, close_share: ArrayLike, *, settings: ReportSettings
) -> Floats:
    """Give the probability that the party of positive distances launched what fell there; columns in, a column out.

    `signed_distance_m` is the impact's distance from the line, `sigma_m` the joint error of both (normal, 1 sigma),
    `close_share` how much of such fire is close. The negative distance gives the complement: the other party's density
    is the same function of it. Unknown distances (`nan`) stay `nan`.
    """
    distance_m = np.asarray(signed_distance_m, dtype=np.float64)
    first = fire_density(distance_m, sigma_m, close_share, settings=settings)
    other = fire_density(-distance_m, sigma_m, close_share, settings=settings)
    probability: Floats = first / (first + other)
    return probability


def density_ratio(
    signed_distance_m: ArrayLike, sigma_m: ArrayLike, close_share: ArrayLike, *, settings: ReportSettings
) -> Floats:
    """Give the density of both parties' fire at measured places, as a ratio to that at the line; columns in and out."""
    distance_m, spread_m = np.asarray(signed_distance_m, dtype=np.float64), np.asarray(sigma_m, dtype=np.float64)
    share = np.asarray(close_share, dtype=np.float64)
    here = fire_density(distance_m, spread_m, share, settings=settings)
    here += fire_density(-distance_m, spread_m, share, settings=settings)
    ratio: Floats = here / (2.0 * fire_density(np.zeros_like(distance_m), spread_m, share, settings=settings))
    return ratio


def _class_density(distance_m: Floats, spread_m: Floats, fire: FireClass, *, own_side_ratio: float) -> Floats:
    """Give the density of one class: fire on the party's own ground and across the line, averaged over the error."""
    near, deep = 1.0 / fire.range_m, 1.0 / fire.depth_m
    scale = near * deep / 2.0
    by_depth = scale * (1.0 / (near - deep) + 1.0 / (near + deep)) * _beyond(distance_m, spread_m, deep)
    by_range = scale / (near - deep) * _beyond(distance_m, spread_m, near)
    across = scale / (near + deep) * _beyond(-distance_m, spread_m, near)
    density: Floats = own_side_ratio * (by_depth - by_range) + across
    return density


def _beyond(distance_m: Floats, spread_m: Floats, rate_per_m: float) -> Floats:
    """Give the mean of exp(-rate d) where d > 0, else 0, for d normal around the measured distance."""
    sigma_m = np.maximum(spread_m, SIGMA_LEAST_M)
    exponent = (sigma_m * rate_per_m) ** 2 / 2.0 - distance_m * rate_per_m
    inside = normal_probability(distance_m / sigma_m - sigma_m * rate_per_m)
    mean: Floats = np.exp(np.minimum(exponent, EXPONENT_LIMIT_RATIO)) * inside
    return mean
