"""Low-frequency sound at an array, whose path through the air is not known: a spread of celerities instead of a speed.

Model: `t = t0 + d q`, where q is the reciprocal celerity, normal about that of a waveguide. Numbers: InfraPy's
canonical model (Blom et al. 2015; Marcillo et al. 2014): tropospheric 1/0.327, stratospheric 1/0.293, thermospheric
1/0.26 s/km with standard deviations 0.066, 0.08, 0.33 s/km and weights 0.0539, 0.0899, 0.8562. Nearer than 150 km only
the tropospheric one is taken: the others do not come down there (a guess for the limit). A bearing of the array is a
file of its own. Known failure: the celerities hold for global data; head wind and near-field shocks lie outside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.modalities.term import (
    GATE_RATIO,
    Coverage,
    Expectation,
    Floats,
    Modality,
    States,
    Term,
    is_watched,
    mixture,
    normal_term,
    range_of_m,
    shifted,
)
from truceline.physics.celerity import CELERITY_MODELS
from truceline.physics.detectability import detection_probability

_GENERAL = CELERITY_MODELS["general"]

WAVEGUIDES = tuple(zip(_GENERAL.mean_s_per_m, _GENERAL.sigma_s_per_m, _GENERAL.phase_shares, strict=True))
"""Reciprocal celerity and its standard deviation (s/m), and weight: troposphere, stratosphere, thermosphere."""

LOCAL_DISTANCE_MAX_M = 150_000.0
"""Up to here only the lowest waveguide returns sound to the ground; a guess within the zone of silence."""

TIMING_REACH_S = 2.0
"""How far a detection may lie from its expected time, celerity apart; a guess."""

SLOWNESS_MAX_S_PER_M = 1.0 / 260.0


class ArrayDetections(NamedTuple):
    """Times of detections at arrays and their standard deviations, in seconds."""

    time_s: Floats
    sigma_s: Floats


def expect(states: States, coverage: Coverage) -> Expectation:
    """Give with which probability and when each array hears each event."""
    distance_m = np.hypot(coverage.x_m - states.x_m, coverage.y_m - states.y_m)
    is_local = distance_m <= LOCAL_DISTANCE_MAX_M
    fastest, slowest = WAVEGUIDES[0], WAVEGUIDES[-1]
    first_s = (fastest[0] - GATE_RATIO * fastest[1]) * distance_m
    last_rate = np.where(is_local, fastest[0] + GATE_RATIO * fastest[1], slowest[0] + GATE_RATIO * slowest[1])
    heard = detection_probability(distance_m, range_of_m(states, coverage), coverage.detection_probability)
    arrival_time_s = states.time_s + 0.5 * (first_s + last_rate * distance_m)
    return Expectation(
        probability=heard.probability * is_watched(coverage, arrival_time_s),
        arrival_time_s=arrival_time_s,
        reach_s=TIMING_REACH_S + 0.5 * (last_rate * distance_m - first_s),
    )


def compare(states: States, coverage: Coverage, detections: ArrayDetections) -> Term:
    """Give the log ratio of each pair, against the array's background; one component for each waveguide."""
    to_x_m, to_y_m = states.x_m - coverage.x_m, states.y_m - coverage.y_m
    distance_m = np.hypot(to_x_m, to_y_m)
    share = 1.0 / np.maximum(distance_m, 1e-9)
    is_local = distance_m <= LOCAL_DISTANCE_MAX_M
    terms = []
    for index, (rate_s_per_m, spread_s_per_m, weight) in enumerate(WAVEGUIDES):
        sigma_s = np.hypot(detections.sigma_s, spread_s_per_m * distance_m)
        by_state = np.stack(
            [rate_s_per_m * to_x_m * share, rate_s_per_m * to_y_m * share, np.ones_like(sigma_s)], axis=-1
        )
        term = normal_term(detections.time_s - states.time_s - rate_s_per_m * distance_m, sigma_s, by_state)
        log_weight = np.where(is_local, 0.0 if index == 0 else -np.inf, np.log(weight))
        terms.append(shifted(term, log_weight - np.log(coverage.background_rate)))
    return mixture(*terms)


MODALITY = Modality(name="infrasound", compare=compare, expect=expect, slowness_max_s_per_m=SLOWNESS_MAX_S_PER_M)
