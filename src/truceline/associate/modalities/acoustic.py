"""Sound at a station: a first arrival in moving air, with an error that grows with the range.

Model: `t = t0 + T(D)`, `|D - w T| = c T`; normal error of `s^2 = sigma^2 + (kappa T)^2`; background: detections
without an event at the station's own rate (association.md, "Model"). Detection: logistic in distance about the event's
range R. Numbers: kappa and air come with the states, sigma with the pick. Known failure: echoes and shadow zones are
taken for background or for silence.
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
    air_of,
    is_watched,
    normal_term,
    range_of_m,
    shifted,
)
from truceline.physics.detectability import detection_probability
from truceline.physics.travel_time import arrival_sigma_s, travel_time

TIMING_REACH_S = 1.0
"""How far a pick may lie from its expected time, model error apart: four sigmas of a quarter of a second. A guess."""

SLOWNESS_MAX_S_PER_M = 1.0 / 300.0
"""Sound against a strong wind."""


class Arrivals(NamedTuple):
    """Onset times at stations and their standard deviations, in seconds."""

    time_s: Floats
    sigma_s: Floats


def expect(states: States, coverage: Coverage) -> Expectation:
    """Give with which probability and when each station hears each event."""
    way_x_m, way_y_m = coverage.x_m - states.x_m, coverage.y_m - states.y_m
    time_s = travel_time(way_x_m, way_y_m, air_of(states)).time_s
    arrival_time_s = states.time_s + time_s
    heard = detection_probability(
        np.hypot(way_x_m, way_y_m), range_of_m(states, coverage), coverage.detection_probability
    )
    return Expectation(
        probability=heard.probability * is_watched(coverage, arrival_time_s),
        arrival_time_s=arrival_time_s,
        reach_s=TIMING_REACH_S + GATE_RATIO * states.model_error_ratio * time_s,
    )


def compare(states: States, coverage: Coverage, arrivals: Arrivals) -> Term:
    """Give `log N(t; t0 + T, s) / lambda` of each pair; one component."""
    travel = travel_time(coverage.x_m - states.x_m, coverage.y_m - states.y_m, air_of(states))
    sigma_s = arrival_sigma_s(arrivals.sigma_s, travel.time_s, states.model_error_ratio)
    by_state = np.stack([-travel.by_x_s_per_m, -travel.by_y_s_per_m, np.ones_like(sigma_s)], axis=-1)
    term = normal_term(arrivals.time_s - states.time_s - travel.time_s, sigma_s, by_state)
    return shifted(term, -np.log(coverage.background_rate))


MODALITY = Modality(name="acoustic", compare=compare, expect=expect, slowness_max_s_per_m=SLOWNESS_MAX_S_PER_M)
