"""A hot pixel of a satellite: the overpass sees what still burns, if cloud lets it, at the pixel's place.

Model: the event lies before the overpass by an exponential burning time: `p = p_visible p_hot exp(-(t_pass - t0) /
burn)`, 0 after it; place normal about the pixel with its sigma (pixel length over the root of 12); background: hot
pixels per square metre and overpass, from the climatology of the place, which the coverage carries with cloud in its
`detection_probability`. Numbers: sigma comes with the pixel (FIRMS documents scan and track as its size), burning time
is a guess. Known failure: one fire gives several pixels and several overpasses, which are not independent: give one
row per fire and overpass.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.modalities.term import (
    Coverage,
    Expectation,
    Floats,
    Modality,
    States,
    Term,
    normal_term,
    product,
    shifted,
)

BURN_MEAN_S = 5_400.0
"""Mean time for which a field or a building burns hot enough after an explosion; a guess."""

BURN_MAX_S = 8.0 * BURN_MEAN_S
"""A fire older than this is not taken for the event's: 3 in 10,000 burn longer under the exponential law."""

OVERPASS_REACH_S = 1.0
"""Pixels carry the time of their overpass; this much is rounding."""


class Pixels(NamedTuple):
    """Centres of hot pixels and their standard deviation along one axis, in metres."""

    x_m: Floats
    y_m: Floats
    sigma_m: Floats


def expect(states: States, coverage: Coverage) -> Expectation:
    """Give with which probability each overpass (at `time_high_s`) still sees each event burn."""
    age_s = coverage.time_high_s - states.time_s
    burning = np.where((age_s >= 0.0) & (age_s <= BURN_MAX_S), np.exp(-np.maximum(age_s, 0.0) / BURN_MEAN_S), 0.0)
    return Expectation(
        probability=coverage.detection_probability * burning,
        arrival_time_s=coverage.time_high_s,
        reach_s=np.full_like(age_s, OVERPASS_REACH_S),
    )


def compare(states: States, coverage: Coverage, pixels: Pixels) -> Term:
    """Give `log N(z; x, sigma) / background` of each pair, in two dimensions; one component."""
    east, north = np.zeros((2, len(pixels.x_m), 3))
    east[:, 0], north[:, 1] = 1.0, 1.0
    place = product(
        normal_term(pixels.x_m - states.x_m, pixels.sigma_m, east),
        normal_term(pixels.y_m - states.y_m, pixels.sigma_m, north),
    )
    return shifted(place, -np.log(coverage.background_rate))


MODALITY = Modality(name="thermal", compare=compare, expect=expect, slowness_max_s_per_m=0.0)
