"""A direction that came with a detection: of an acoustic or infrasound array, a camera, or a person with a compass.

Model: von Mises about the direction of the source, with a share of gross errors spread evenly over the circle, so that
no bearing can cost an event more than that share; background: even. For sound the direction is that of the front's
normal, `D - w T`, which the wind turns by up to |w| / c (1.7 degrees at 10 m/s). Mixture as in Blom et al. 2015 (BISL
uses von Mises; the even share is ours, a guess). Known failure: sound that reaches an array over two paths shares one
error.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.modalities.circle import concentration_ratio, log_direction_ratio
from truceline.associate.modalities.term import (
    DISTANCE_LEAST_M,
    Coverage,
    Floats,
    Modality,
    States,
    Term,
    air_of,
    flat_term,
    mixture,
)
from truceline.physics.travel_time import travel_time

GROSS_ERROR_PROBABILITY = 0.05
"""Share of bearings that point anywhere; a guess."""


class Bearings(NamedTuple):
    """Bearings from the observer and their standard deviations; `wind_ratio` is 1 for sound, 0 for light."""

    bearing_deg: Floats
    sigma_deg: Floats
    wind_ratio: Floats


def compare(states: States, coverage: Coverage, bearings: Bearings) -> Term:
    """Give the log ratio of each bearing to an even one; two components: pointing, and gross error."""
    way_x_m, way_y_m = coverage.x_m - states.x_m, coverage.y_m - states.y_m
    drift_s = bearings.wind_ratio * travel_time(way_x_m, way_y_m, air_of(states)).time_s
    to_x_m = states.wind_x_m_per_s * drift_s - way_x_m
    to_y_m = states.wind_y_m_per_s * drift_s - way_y_m
    turned_rad = np.radians(bearings.bearing_deg) - np.arctan2(to_x_m, to_y_m)
    concentration = concentration_ratio(bearings.sigma_deg, np.zeros_like(bearings.sigma_deg))
    square_m2 = np.maximum(to_x_m**2 + to_y_m**2, DISTANCE_LEAST_M**2)
    by_state = np.stack([to_y_m / square_m2, -to_x_m / square_m2, np.zeros_like(square_m2)], axis=-1)
    log_ratio = log_direction_ratio(turned_rad, concentration) + np.log1p(-GROSS_ERROR_PROBABILITY)
    pointing = Term(
        log_ratio[None],
        (by_state * (concentration * np.sin(turned_rad))[:, None])[None],
        (by_state[:, :, None] * by_state[:, None, :] * concentration[:, None, None])[None],
    )
    return mixture(pointing, flat_term(np.full(len(square_m2), np.log(GROSS_ERROR_PROBABILITY))))


MODALITY = Modality(name="bearing", compare=compare, expect=None, slowness_max_s_per_m=0.0)
