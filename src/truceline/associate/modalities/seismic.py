"""Shaking at a seismometer: the P wave and the short-period Rayleigh wave of a shallow explosion.

Model: `t = t0 + d / v` for each phase, normal error of `s^2 = sigma^2 + (kappa T)^2`; a pick without a label is of
either phase with equal chance, which differs from the greater of the two by at most log 2. Numbers: P 6 km/s (upper
crust, e.g. PREM, Dziewonski and Anderson 1981: 5.8), Rg 3 km/s (Bonner et al. 1997: 2-3 km/s); errors of both are
guesses for unknown ground. Known failure: soft sediment makes P as slow as 2 km/s within a few kilometres; where a
station picks both phases without labels, one of them is taken for background.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.modalities.term import (
    GATE_RATIO,
    Coverage,
    Expectation,
    Floats,
    Ints,
    Modality,
    States,
    Term,
    is_watched,
    mixture,
    normal_term,
    range_of_m,
    shifted,
)
from truceline.physics.detectability import detection_probability
from truceline.physics.travel_time import arrival_sigma_s, still_air, travel_time

P_SPEED_M_PER_S = 6_000.0
"""Speed of the first P wave near the surface of hard ground."""

RAYLEIGH_SPEED_M_PER_S = 3_000.0
"""Speed of the short-period Rayleigh wave."""

P_ERROR_RATIO = 0.03
"""Kappa of P; a guess."""

RAYLEIGH_ERROR_RATIO = 0.05
"""Kappa of the Rayleigh wave; a guess."""

RANGE_OF_HEARD_RATIO = 0.6
"""How far an event shakes, as a share of how far it is heard, where a station's own range is not known; a guess."""

TIMING_REACH_S = 0.5
"""How far a pick may lie from its expected time, model error apart; a guess."""

PHASES = ((P_SPEED_M_PER_S, P_ERROR_RATIO), (RAYLEIGH_SPEED_M_PER_S, RAYLEIGH_ERROR_RATIO))
"""Speed and kappa of phase 0 (P) and phase 1 (Rayleigh)."""

UNLABELLED_INDEX = -1


class SeismicPicks(NamedTuple):
    """Onset times and their standard deviations, and the phase: 0 P, 1 Rayleigh, -1 not labelled."""

    time_s: Floats
    sigma_s: Floats
    phase_index: Ints


def expect(states: States, coverage: Coverage) -> Expectation:
    """Give with which probability a station shakes visibly, from P on until the Rayleigh wave."""
    distance_m = np.hypot(coverage.x_m - states.x_m, coverage.y_m - states.y_m)
    arrival_time_s = states.time_s + distance_m / P_SPEED_M_PER_S
    range_m = range_of_m(states, coverage, share_of_heard_ratio=RANGE_OF_HEARD_RATIO)
    seen = detection_probability(distance_m, range_m, coverage.detection_probability)
    last_s = (1.0 + GATE_RATIO * RAYLEIGH_ERROR_RATIO) * distance_m / RAYLEIGH_SPEED_M_PER_S
    return Expectation(
        probability=seen.probability * is_watched(coverage, arrival_time_s),
        arrival_time_s=arrival_time_s,
        reach_s=TIMING_REACH_S + last_s - distance_m / P_SPEED_M_PER_S,
    )


def compare(states: States, coverage: Coverage, picks: SeismicPicks) -> Term:
    """Give `log N(t; t0 + T_phase, s) / lambda` of each pair; two components, P and Rayleigh."""
    terms = []
    for index, (speed_m_per_s, error_ratio) in enumerate(PHASES):
        ground = still_air(np.full_like(picks.time_s, speed_m_per_s))
        travel = travel_time(coverage.x_m - states.x_m, coverage.y_m - states.y_m, ground)
        sigma_s = arrival_sigma_s(picks.sigma_s, travel.time_s, np.full_like(picks.time_s, error_ratio))
        by_state = np.stack([-travel.by_x_s_per_m, -travel.by_y_s_per_m, np.ones_like(sigma_s)], axis=-1)
        term = normal_term(picks.time_s - states.time_s - travel.time_s, sigma_s, by_state)
        unlabelled = np.where(picks.phase_index == UNLABELLED_INDEX, -np.log(len(PHASES)), -np.inf)
        weight = np.where(picks.phase_index == index, 0.0, unlabelled)
        terms.append(shifted(term, weight - np.log(coverage.background_rate)))
    return mixture(*terms)


MODALITY = Modality(name="seismic", compare=compare, expect=expect, slowness_max_s_per_m=1.0 / RAYLEIGH_SPEED_M_PER_S)
