"""How loud a detection was, against how loud an event of that range would be, and against the station's clutter.

Model: `log10(A / A_least) = g log10(R / d) + a (R - d)`, normal error; `A_least` is the amplitude that the station
just detects, so that the level is 0 at the detection range R, which stands for the unknown source level. Background:
the station's clutter, normal in log10. Numbers: g between 1 (spherical spreading) and 1.2 (near-ground shots; the
benchmark's 1.2 is used, a guess), a from ISO 9613-1 (about 0.1 dB/km at 50 Hz, 10 degrees C, 70 %), spread a guess.
Known failure: an error of R is shared by all stations of one event and counted as if it were not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.modalities.term import (
    DISTANCE_LEAST_M,
    Coverage,
    Floats,
    Modality,
    States,
    Term,
    normal_term,
    range_of_m,
    shifted,
)

SPREADING_RATIO = 1.2
"""Decades of amplitude lost for each decade of distance."""

ABSORPTION_PER_M = 0.1 / 20.0 / 1_000.0
"""Decades of amplitude lost for each metre: 0.1 dB/km."""

SPREAD_RATIO = 0.25
"""Standard deviation of a level, in decades of amplitude: ground, shadow and gusts. A guess."""

RANGE_SPREAD_RATIO = 0.05
"""Standard deviation of log10 R. A guess."""


class Levels(NamedTuple):
    """log10 of amplitude over the least the station detects, and mean and sigma of that for its clutter."""

    amplitude_log10_ratio: Floats
    clutter_mean_log10_ratio: Floats
    clutter_sigma_log10_ratio: Floats


def compare(states: States, coverage: Coverage, levels: Levels) -> Term:
    """Give the log ratio of each level's density, event against clutter; one component."""
    range_m = range_of_m(states, coverage)
    to_x_m, to_y_m = states.x_m - coverage.x_m, states.y_m - coverage.y_m
    distance_m = np.maximum(np.hypot(to_x_m, to_y_m), DISTANCE_LEAST_M)
    expected = SPREADING_RATIO * np.log10(range_m / distance_m) + ABSORPTION_PER_M * (range_m - distance_m)
    slope = -(SPREADING_RATIO / (distance_m * np.log(10.0)) + ABSORPTION_PER_M)
    by_state = np.stack([slope * to_x_m / distance_m, slope * to_y_m / distance_m, np.zeros_like(distance_m)], axis=-1)
    sigma = np.full_like(distance_m, np.hypot(SPREAD_RATIO, SPREADING_RATIO * RANGE_SPREAD_RATIO))
    term = normal_term(levels.amplitude_log10_ratio - expected, sigma, by_state)
    off = levels.amplitude_log10_ratio - levels.clutter_mean_log10_ratio
    background = normal_term(off, levels.clutter_sigma_log10_ratio, np.zeros((len(off), 3)))
    return shifted(term, -background.log_ratio[0])


MODALITY = Modality(name="amplitude", compare=compare, expect=None, slowness_max_s_per_m=0.0)
