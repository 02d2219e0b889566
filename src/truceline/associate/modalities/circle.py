"""Distributions of directions: what an error in degrees, or an arc that somebody named, says on the circle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONCENTRATION_LARGE_RATIO = 50.0
"""From here on the Bessel function is taken from its asymptotic series (error below 1e-6)."""


def log_bessel_ratio(concentration: Floats) -> Floats:
    """Give log I0(k), without overflow (Abramowitz and Stegun 1964, 9.7.1, two terms, for large k)."""
    small = np.minimum(concentration, CONCENTRATION_LARGE_RATIO)
    large = np.maximum(concentration, CONCENTRATION_LARGE_RATIO)
    series = np.log1p(1.0 / (8.0 * large) + 9.0 / (128.0 * large**2))
    asymptotic = large - 0.5 * np.log(2.0 * np.pi * large) + series
    return np.where(concentration < CONCENTRATION_LARGE_RATIO, np.log(np.i0(small)), asymptotic)


def concentration_ratio(sigma_deg: Floats, width_deg: Floats) -> Floats:
    """Give the concentration of the von Mises distribution as wide as an arc with a normal error about it.

    The mean resultant length of an arc is sinc(w / 2), of a normal error exp(-s^2 / 2), of both their product (Mardia
    and Jupp 2000, 3.5); its inverse by Best and Fisher 1981 (Fisher 1993, eq. 4.40), good to 1 %. 360 degrees give 0.
    """
    length = np.abs(np.sinc(width_deg / 360.0)) * np.exp(-0.5 * np.radians(sigma_deg) ** 2)
    length = np.asarray(np.minimum(length, 1.0 - 1e-12), dtype=np.float64)
    low = 2.0 * length + length**3 + 5.0 / 6.0 * length**5
    middle = -0.4 + 1.39 * length + 0.43 / (1.0 - length)
    high = 1.0 / np.maximum(length**3 - 4.0 * length**2 + 3.0 * length, 1e-12)
    wide: Floats = np.where(length < 0.85, middle, high)
    return np.where(length < 0.53, low, wide)


def log_direction_ratio(turned_rad: Floats, concentration: Floats) -> Floats:
    """Give the log ratio of a von Mises density to an even one, at an angle from its middle."""
    return np.asarray(concentration * np.cos(turned_rad) - log_bessel_ratio(concentration), dtype=np.float64)
