"""Light seen by a camera or a person: at once, in a direction, and with a bang some seconds later if there was one.

Model: `t = t0`, normal error; flash-to-bang: `delay = T(D)`, the travel time of sound, with its own error and kappa,
against a delay anywhere in `BANG_DELAY_MAX_S`. The direction is a bearing, a file of its own (wind_ratio 0). Seen up
to the coverage's range, which fog and terrain set. Numbers are guesses but for the speed of light, taken as infinite
(0.1 ms over 30 km). Known failure: lightning, flares and headlights are the background, and they come in clusters.
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
    air_of,
    is_watched,
    normal_term,
    product,
    range_of_m,
    shifted,
)
from truceline.physics.detectability import detection_probability
from truceline.physics.travel_time import arrival_sigma_s, travel_time

TIMING_REACH_S = 2.0
"""How far a flash's time may lie from the event's: four sigmas of a person with a watch. A guess."""

BANG_DELAY_MAX_S = 60.0
"""A bang later than this after a flash (20 km) is not taken for its own; a guess."""

_NO_BANG_SIGMA_S = 1e9


class Flashes(NamedTuple):
    """Times of flashes and delays of their bangs (`nan` where none was heard), with standard deviations; in seconds."""

    time_s: Floats
    sigma_s: Floats
    bang_delay_s: Floats
    bang_sigma_s: Floats


def expect(states: States, coverage: Coverage) -> Expectation:
    """Give with which probability each observer sees each flash; at once."""
    distance_m = np.hypot(coverage.x_m - states.x_m, coverage.y_m - states.y_m)
    seen = detection_probability(distance_m, range_of_m(states, coverage), coverage.detection_probability)
    return Expectation(
        probability=seen.probability * is_watched(coverage, states.time_s),
        arrival_time_s=states.time_s,
        reach_s=np.full_like(distance_m, TIMING_REACH_S),
    )


def compare(states: States, coverage: Coverage, flashes: Flashes) -> Term:
    """Give the log ratio of each pair: the flash's time against its background, the bang's delay against any."""
    at_once = np.zeros((len(flashes.time_s), 3))
    at_once[:, 2] = 1.0
    light = normal_term(flashes.time_s - states.time_s, flashes.sigma_s, at_once)
    travel = travel_time(coverage.x_m - states.x_m, coverage.y_m - states.y_m, air_of(states))
    has_bang = np.isfinite(flashes.bang_delay_s)
    sigma_s = arrival_sigma_s(
        np.where(has_bang, flashes.bang_sigma_s, _NO_BANG_SIGMA_S), travel.time_s, states.model_error_ratio
    )
    residual_s = np.where(has_bang, flashes.bang_delay_s - travel.time_s, 0.0)
    by_state = np.stack([-travel.by_x_s_per_m, -travel.by_y_s_per_m, np.zeros_like(sigma_s)], axis=-1)
    bang = normal_term(residual_s, sigma_s, by_state * has_bang[:, None])
    bang = shifted(bang, np.where(has_bang, np.log(BANG_DELAY_MAX_S), -bang.log_ratio[0]))
    return shifted(product(light, bang), -np.log(coverage.background_rate))


MODALITY = Modality(name="flash", compare=compare, expect=expect, slowness_max_s_per_m=0.0)
