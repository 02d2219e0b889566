"""How long sound takes from a source to a station in moving air, with its derivatives; and how sure that is.

Sound is carried by the wind: after T seconds the front from a source is a circle of radius `c T` about a centre that
has drifted by `w T`. With D the way from source to station, `|D - w T| = c T` (see association.md, "Model").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SOUND_SPEED_M_PER_S = 340.0
"""Speed of sound in air of about 15 degrees C (331.3 + 0.606 t; Cramer 1993 gives the full formula)."""

MODEL_ERROR_RATIO = 0.004
"""Kappa: error of the travel time as a share of it, where nothing was learnt from events; a guess."""


class Air(NamedTuple):
    """The air along a path: speed of sound and wind, east and north, in m/s; columns that broadcast."""

    sound_speed_m_per_s: Floats
    wind_x_m_per_s: Floats
    wind_y_m_per_s: Floats


class TravelTime(NamedTuple):
    """Travel times in seconds, and their derivatives by the way D (s/m), the speed of sound and the wind (s per m/s).

    The derivative by the source's place is minus the one by D. All have the shape of the way.
    """

    time_s: Floats
    by_x_s_per_m: Floats
    by_y_s_per_m: Floats
    by_sound_speed_s2_per_m: Floats
    by_wind_x_s2_per_m: Floats
    by_wind_y_s2_per_m: Floats


def travel_time(way_x_m: Floats, way_y_m: Floats, air: Air) -> TravelTime:
    """Give the time of the first arrival over a way D = station - source, by solving `|D - w T| = c T`.

    `T = (-D.w + sqrt((D.w)^2 + (c^2 - |w|^2) |D|^2)) / (c^2 - |w|^2)`; derivatives by the implicit function theorem
    with r = D - w T: `dT/dD = r / m`, `dT/dc = -c T^2 / m`, `dT/dw = -T r / m`, where `m = w.r + c^2 T`. Where D is 0
    the front has its tip, and the derivatives are given as 0. Wind must be slower than sound.
    """
    speed, wind_x, wind_y = air
    closing = speed**2 - wind_x**2 - wind_y**2
    assert bool(np.all(closing > 0.0)), "wind is not slower than sound"
    along = way_x_m * wind_x + way_y_m * wind_y
    time_s = (np.sqrt(along**2 + closing * (way_x_m**2 + way_y_m**2)) - along) / closing
    ray_x_m, ray_y_m = way_x_m - wind_x * time_s, way_y_m - wind_y * time_s
    measure = wind_x * ray_x_m + wind_y * ray_y_m + speed**2 * time_s
    share = np.where(measure > 0.0, 1.0 / np.where(measure > 0.0, measure, 1.0), 0.0)
    return TravelTime(
        time_s=time_s,
        by_x_s_per_m=ray_x_m * share,
        by_y_s_per_m=ray_y_m * share,
        by_sound_speed_s2_per_m=-speed * time_s**2 * share,
        by_wind_x_s2_per_m=-time_s * ray_x_m * share,
        by_wind_y_s2_per_m=-time_s * ray_y_m * share,
    )


def still_air(speed_m_per_s: Floats) -> Air:
    """Give a medium without wind: for phases in the ground, and for calm air."""
    return Air(speed_m_per_s, np.zeros_like(speed_m_per_s), np.zeros_like(speed_m_per_s))


def arrival_sigma_s(sigma_s: Floats, time_s: Floats, model_error_ratio: Floats) -> Floats:
    """Give the standard deviation of an arrival: the pick's and a model error that grows with the travel time.

    `s^2 = sigma^2 + (kappa T)^2` (association.md, "Model"); seconds; inputs broadcast.
    """
    return np.hypot(sigma_s, model_error_ratio * time_s)
