"""What people saw or heard: a direction as a compass word, a range in kilometres, a count, and a stretch of time.

Model, given the event at bearing b, distance d and heard at `t0 + T`: direction von Mises, as wide as the word's arc
and an error of judgement; log range normal about the geometric middle of the range's limits; time even over the
stretch with logistic edges; a share of reports is grossly wrong in place. Background: rounds reported by this patrol
without an event of ours, even in direction, in log range and in time. Numbers are guesses; that people judge distance
in proportion is Stevens' law. Words are read into numbers before (a point of 16 stands for 22.5 degrees). A count is
the item's capacity: so many events may own it. Known failure: patrols who hear each other's radio are not independent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.modalities.circle import concentration_ratio, log_direction_ratio
from truceline.associate.modalities.term import (
    DISTANCE_LEAST_M,
    Coverage,
    Expectation,
    Floats,
    Modality,
    States,
    Term,
    air_of,
    flat_term,
    is_watched,
    mixture,
    normal_term,
    product,
    range_of_m,
    shifted,
)
from truceline.physics.detectability import detection_probability
from truceline.physics.travel_time import travel_time

BEARING_SIGMA_DEG = 10.0
"""Error of a direction judged by ear or eye, beside the width of the word; a guess."""

RANGE_SIGMA_RATIO = 0.35
"""Standard deviation of the natural logarithm of a judged distance, beside the range's limits; a guess."""

RANGE_LEAST_M = 300.0
"""Nearest distance that is told apart: shorter limits are raised to it; a guess."""

RANGE_MOST_M = 20_000.0
"""Farthest distance from which rounds are reported; a guess."""

GROSS_ERROR_PROBABILITY = 0.1
"""Share of reports whose direction and range say nothing (evidence catalogue: patrol_outgoing_incoming, a guess)."""

REPORT_REACH_S = 3_600.0
"""A report's middle may lie this far from an event: longer stretches are taken for two hours."""


class Reports(NamedTuple):
    """Sectors as judged from where the patrol stood, and the stretch of time they cover, with the error of its ends."""

    time_s: Floats
    time_low_s: Floats
    time_high_s: Floats
    time_sigma_s: Floats
    bearing_deg: Floats
    width_deg: Floats
    range_low_m: Floats
    range_high_m: Floats


def expect(states: States, coverage: Coverage) -> Expectation:
    """Give with which probability and when each patrol notices each event, as far as it is heard."""
    way_x_m, way_y_m = coverage.x_m - states.x_m, coverage.y_m - states.y_m
    arrival_time_s = states.time_s + travel_time(way_x_m, way_y_m, air_of(states)).time_s
    distance_m = np.hypot(way_x_m, way_y_m)
    heard = detection_probability(distance_m, range_of_m(states, coverage), coverage.detection_probability)
    return Expectation(
        probability=heard.probability * is_watched(coverage, arrival_time_s),
        arrival_time_s=arrival_time_s,
        reach_s=np.full_like(distance_m, REPORT_REACH_S),
    )


def compare(states: States, coverage: Coverage, reports: Reports) -> Term:
    """Give the log ratio of each pair to the patrol's background; two components: judged well, or grossly wrong."""
    way_x_m, way_y_m = coverage.x_m - states.x_m, coverage.y_m - states.y_m
    distance_m = np.maximum(np.hypot(way_x_m, way_y_m), DISTANCE_LEAST_M)
    time = shifted(_time_term(states, coverage, reports), -np.log(coverage.background_rate))
    place = product(_direction_term(-way_x_m, -way_y_m, reports), _range_term(way_x_m, way_y_m, reports))
    wrong = flat_term(np.full_like(distance_m, np.log(GROSS_ERROR_PROBABILITY)))
    return product(time, mixture(shifted(place, np.full_like(distance_m, np.log1p(-GROSS_ERROR_PROBABILITY))), wrong))


def _direction_term(to_x_m: Floats, to_y_m: Floats, reports: Reports) -> Term:
    """Give the term of the compass word against an even direction."""
    concentration = concentration_ratio(np.full_like(to_x_m, BEARING_SIGMA_DEG), reports.width_deg)
    turned_rad = np.radians(reports.bearing_deg) - np.arctan2(to_x_m, to_y_m)
    square_m2 = np.maximum(to_x_m**2 + to_y_m**2, DISTANCE_LEAST_M**2)
    by_state = np.stack([to_y_m / square_m2, -to_x_m / square_m2, np.zeros_like(square_m2)], axis=-1)
    return Term(
        log_direction_ratio(turned_rad, concentration)[None],
        (by_state * (concentration * np.sin(turned_rad))[:, None])[None],
        (by_state[:, :, None] * by_state[:, None, :] * concentration[:, None, None])[None],
    )


def _range_term(way_x_m: Floats, way_y_m: Floats, reports: Reports) -> Term:
    """Give the term of the range in its logarithm, against one that is even between the least and the most."""
    low = np.log(np.clip(reports.range_low_m, RANGE_LEAST_M, RANGE_MOST_M))
    high = np.log(np.clip(reports.range_high_m, RANGE_LEAST_M, RANGE_MOST_M))
    sigma = np.sqrt((high - low) ** 2 / 12.0 + RANGE_SIGMA_RATIO**2)
    square_m2 = np.maximum(way_x_m**2 + way_y_m**2, DISTANCE_LEAST_M**2)
    by_state = np.stack([-way_x_m / square_m2, -way_y_m / square_m2, np.zeros_like(square_m2)], axis=-1)
    term = normal_term(0.5 * (low + high) - 0.5 * np.log(square_m2), sigma, by_state)
    return shifted(term, np.full_like(sigma, np.log(np.log(RANGE_MOST_M / RANGE_LEAST_M))))


def _time_term(states: States, coverage: Coverage, reports: Reports) -> Term:
    """Give the term of the stretch: even between its ends, logistic beyond; its integral over time is exactly 1.

    `f(u) = S((u - a) / s) S((b - u) / s) (1 - exp(-(b - a) / s)) / (b - a)`, S logistic; an instant has `b = a` and
    width s.
    """
    travel = travel_time(coverage.x_m - states.x_m, coverage.y_m - states.y_m, air_of(states))
    heard_s = states.time_s + travel.time_s
    sigma_s = reports.time_sigma_s
    length_s = reports.time_high_s - reports.time_low_s
    after, before = (heard_s - reports.time_low_s) / sigma_s, (reports.time_high_s - heard_s) / sigma_s
    width_s = np.where(
        length_s > 1e-6 * sigma_s, length_s / -np.expm1(-np.maximum(length_s, 1e-9 * sigma_s) / sigma_s), sigma_s
    )
    log_density = -np.logaddexp(0.0, -after) - np.logaddexp(0.0, -before) - np.log(width_s)
    late, early = 1.0 / (1.0 + np.exp(np.clip(after, -60, 60))), 1.0 / (1.0 + np.exp(np.clip(before, -60, 60)))
    slope = (late - early) / sigma_s
    curve = (late * (1.0 - late) + early * (1.0 - early)) / sigma_s**2
    peak = -2.0 * np.logaddexp(0.0, -0.5 * length_s / sigma_s) - np.log(width_s)
    below = np.maximum(peak - log_density, 1e-12)
    away_s = np.maximum(np.abs(heard_s - 0.5 * (reports.time_low_s + reports.time_high_s)), 1e-9)
    curve = np.maximum(curve, np.maximum(np.abs(slope) / away_s, 0.5 * slope**2 / below))
    by_state = np.stack([-travel.by_x_s_per_m, -travel.by_y_s_per_m, np.ones_like(sigma_s)], axis=-1)
    return Term(
        log_density[None],
        (by_state * slope[:, None])[None],
        (by_state[:, :, None] * by_state[:, None, :] * curve[:, None, None])[None],
    )


MODALITY = Modality(name="human", compare=compare, expect=expect, slowness_max_s_per_m=1.0 / 300.0)
