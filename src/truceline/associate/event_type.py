"""What kind of event it probably was: a table of likelihoods by kind, one row of factors for each thing that is known.

Naive Bayes: the factors are taken as independent given the kind, and each is tempered by `FACTOR_WEIGHT_RATIO`,
because they are not. What is not known (`nan`, -1) changes nothing. *Unknown* is a kind of its own, as wide as all
others together, so that it wins where evidence fits none. *Explosion undetermined* is none: of the probability of all
explosions it takes the share by which the kind of explosion is left open, the entropy among them over the greatest
there can be. Every number is a guess unless it names a source; docs/method/modalities.md lists them. No party and no
place enters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TYPES = (
    "explosion undetermined",
    "outgoing",
    "impact",
    "airburst",
    "burst",
    "shot",
    "launch-impact pair",
    "quarry blast",
    "thunder",
    "unknown",
)
"""The types, in monitors' words where they have one; the order of every column here."""

UNDETERMINED_INDEX = 0
UNKNOWN_INDEX = 9

EXPLOSION_INDEX = (1, 2, 3, 6)
"""Of which an undetermined explosion is one: outgoing, impact, airburst, launch-impact pair. A quarry blast is told
apart."""

KINDS_INDEX = (1, 2, 3, 4, 5, 6, 7, 8, 9)
"""The types that are told apart by the factors; the other one is made from them."""

PRIORS_PROBABILITY = (0.24, 0.34, 0.03, 0.14, 0.11, 0.05, 0.02, 0.02, 0.05)
"""Before any factor, by KINDS_INDEX. That explosions are more than half follows monitors' counts, in which explosions
and bursts are about even as signatures (OSCE SMM dailies) while a burst carries less far; the split within is a
guess."""

RANGE_LOG10_M = (
    (3.90, 0.25),
    (4.00, 0.25),
    (3.80, 0.25),
    (3.40, 0.25),
    (3.20, 0.25),
    (3.95, 0.20),
    (4.20, 0.25),
    (4.15, 0.20),
    (3.80, 0.60),
)
"""log10 of the detection range in metres, mean and sigma, by KINDS_INDEX: small arms carry 1-3 km, guns 8-10, thunder
15 (Fleagle 1949: rarely heard beyond 25 km). Guesses but for thunder."""

SEISMIC_LOG10_RATIO = (
    (-0.6, 0.5),
    (0.2, 0.5),
    (-0.8, 0.5),
    (-1.2, 0.5),
    (-1.2, 0.5),
    (0.0, 0.5),
    (1.2, 0.5),
    (-1.0, 0.6),
    (-0.2, 1.2),
)
"""log10 of ground motion over pressure, relative to a surface burst, mean and sigma. That buried charges shake more
and sound less than those in air is Ford et al. 2014; by how much here, guessed."""

PATTERNS = ("single", "rapid", "mission", "paired", "cluster")
"""Repetition: alone; intervals below 1 s; 2 or more rounds of 1-120 s from one place; a second place at the time of
flight; many over kilometres within minutes."""

PATTERN_PROBABILITY = (
    (0.33, 0.05, 0.55, 0.03, 0.04),
    (0.38, 0.05, 0.50, 0.03, 0.04),
    (0.52, 0.05, 0.36, 0.03, 0.04),
    (0.05, 0.85, 0.07, 0.01, 0.02),
    (0.60, 0.15, 0.20, 0.02, 0.03),
    (0.05, 0.02, 0.12, 0.78, 0.03),
    (0.90, 0.05, 0.03, 0.01, 0.01),
    (0.20, 0.05, 0.05, 0.02, 0.68),
    (0.40, 0.15, 0.20, 0.05, 0.20),
)
"""Probability of each pattern given the type, by KINDS_INDEX; rows sum to 1. Guesses."""

WORDS = ("explosion", "outgoing", "impact", "airburst", "burst", "shot", "thunder")
"""What people called it."""

WORD_PROBABILITY = (
    (0.45, 0.40, 0.06, 0.01, 0.04, 0.03, 0.01),
    (0.48, 0.06, 0.40, 0.02, 0.02, 0.01, 0.01),
    (0.45, 0.04, 0.08, 0.38, 0.02, 0.01, 0.02),
    (0.08, 0.02, 0.02, 0.01, 0.77, 0.09, 0.01),
    (0.10, 0.05, 0.01, 0.01, 0.13, 0.69, 0.01),
    (0.45, 0.28, 0.22, 0.02, 0.01, 0.01, 0.01),
    (0.75, 0.04, 0.14, 0.01, 0.01, 0.01, 0.04),
    (0.28, 0.02, 0.02, 0.02, 0.01, 0.01, 0.64),
    (0.50, 0.10, 0.10, 0.05, 0.10, 0.10, 0.05),
)
"""Probability of each word given the type, by KINDS_INDEX; rows sum to 1. One in ten told apart wrongly (evidence
catalogue, patrol_outgoing_incoming); most call an explosion just that. Guesses."""

QUARRY_HOURS_PROBABILITY = 0.9
"""Share of a quarry's blasts that fall into its working hours, which are a third of the week; a guess."""

WORKING_HOURS_SHARE = 1.0 / 3.0
"""Share of the week that is working hours: of everything else, so much falls into them."""

QUARRY_DENSITY_RATIO = 50.0
"""How much denser blasts lie at a known quarry than everything else does there; a guess."""

ELSEWHERE_PROBABILITY = 0.05
"""Share of quarry blasts away from every known quarry; a guess."""

THUNDER_CALM_PROBABILITY = 0.02
"""Share of thunder that no forecast of storm announced; a guess."""

FACTOR_WEIGHT_RATIO = 0.8
"""Each factor's logarithm counts this much: they share causes, and the table is not fitted. A guess."""

DETECTOR_WEIGHT_RATIO = 0.5
"""Logarithms of a detector's own class count this much: such networks are overconfident (Guo et al. 2017); a guess."""

DECIDED_LEAST_PROBABILITY = 0.6
"""A type is named from this probability on; a guess, on the safe side of even."""

EXPLOSION_LEAST_PROBABILITY = 0.8
"""Below that for any one type, *explosion undetermined* is named if all explosions together reach this; a guess."""


class TypeEvidence(NamedTuple):
    """What is known of each event, one row each; `nan` or -1 where it is not.

    `detector_log_probability` has shape (events, types of TYPES; the first is not used), `nan` where no detector gave
    a class, already divided by the detector's own prior. `quarry_distance_ratio` is the distance to the nearest known
    quarry in sigmas of both. The storm probability is a forecast's. Indexes count into PATTERNS and WORDS;
    `working_hours_index` is 1 within, 0 without, -1 unknown.
    """

    detection_range_m: Floats
    seismic_log10_ratio: Floats
    detector_log_probability: Floats
    pattern_index: Ints
    quarry_distance_ratio: Floats
    working_hours_index: Ints
    storm_probability: Floats
    word_index: Ints


class TypeProbabilities(NamedTuple):
    """Probabilities of TYPES, shape (events, 10), rows summing to 1, and the type to be named, with its probability."""

    probability: Floats
    named_index: Ints
    named_probability: Floats


def nothing_known(event_count: int) -> TypeEvidence:
    """Give evidence that says nothing about any event, to fill in what is known."""
    unknown, absent = np.full(event_count, np.nan), np.full(event_count, -1, dtype=np.int64)
    detector = np.full((event_count, len(TYPES)), np.nan)
    return TypeEvidence(unknown, unknown, detector, absent, unknown, absent, unknown, absent)


def classify(evidence: TypeEvidence) -> TypeProbabilities:
    """Give what kind each event probably was, and which kind may be named.

    A type is named at `DECIDED_LEAST_PROBABILITY`; else the explosions together, as undetermined, at
    `EXPLOSION_LEAST_PROBABILITY`, with the probability of them all; else it is unknown, with the probability of that.
    """
    kinds = (
        _normal_factor(np.log10(evidence.detection_range_m), RANGE_LOG10_M)
        + _normal_factor(evidence.seismic_log10_ratio, SEISMIC_LOG10_RATIO)
        + _table_factor(evidence.pattern_index, PATTERN_PROBABILITY)
        + _table_factor(evidence.word_index, WORD_PROBABILITY)
        + _quarry_factor(evidence)
        + _storm_factor(evidence.storm_probability)
    )
    detector = np.nan_to_num(evidence.detector_log_probability[:, KINDS_INDEX], nan=0.0, neginf=-50.0)
    logs = FACTOR_WEIGHT_RATIO * kinds + DETECTOR_WEIGHT_RATIO * detector + np.log(PRIORS_PROBABILITY)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    probability = np.zeros((len(kinds), len(TYPES)))
    probability[:, KINDS_INDEX] = weights / weights.sum(axis=1, keepdims=True)
    return _named(_left_open(probability))


def _left_open(probability: Floats) -> Floats:
    """Give to *explosion undetermined* the share of all explosions by which it is open which kind they are."""
    explosions = probability[:, EXPLOSION_INDEX]
    total = explosions.sum(axis=1)
    within = explosions / np.maximum(total, 1e-300)[:, None]
    open_share = -(within * np.log(np.maximum(within, 1e-300))).sum(axis=1) / np.log(len(EXPLOSION_INDEX))
    found = probability.copy()
    found[:, EXPLOSION_INDEX] = explosions * (1.0 - open_share)[:, None]
    found[:, UNDETERMINED_INDEX] = total * open_share
    return found


def _named(probability: Floats) -> TypeProbabilities:
    """Say which type may be named for each event, or that none may."""
    kinds = probability[:, KINDS_INDEX[:-1]]
    best = np.asarray(KINDS_INDEX)[kinds.argmax(axis=1)]
    best_probability = kinds.max(axis=1, initial=0.0)
    explosion_probability = probability[:, (UNDETERMINED_INDEX, *EXPLOSION_INDEX)].sum(axis=1)
    decided = best_probability >= DECIDED_LEAST_PROBABILITY
    exploded = ~decided & (explosion_probability >= EXPLOSION_LEAST_PROBABILITY)
    index = np.select([decided, exploded], [best, np.full_like(best, UNDETERMINED_INDEX)], UNKNOWN_INDEX)
    left = np.where(exploded, explosion_probability, probability[:, UNKNOWN_INDEX])
    return TypeProbabilities(probability, index.astype(np.int64), np.where(decided, best_probability, left))


def _normal_factor(value: Floats, table: tuple[tuple[float, float], ...]) -> Floats:
    """Give log densities (events, kinds) of a measured number; 0 where it was not measured."""
    mean, sigma = np.asarray(table, dtype=np.float64).T
    log_density = -0.5 * ((value[:, None] - mean) / sigma) ** 2 - np.log(sigma)
    return np.where(np.isfinite(value)[:, None], log_density, 0.0)


def _table_factor(index: Ints, table: tuple[tuple[float, ...], ...]) -> Floats:
    """Give log probabilities (events, kinds) of what was said, one of several; 0 where nothing was said."""
    log_table = np.log(np.asarray(table, dtype=np.float64)).T
    return np.where((index >= 0)[:, None], log_table[np.maximum(index, 0)], 0.0)


def _quarry_factor(evidence: TypeEvidence) -> Floats:
    """Give the log ratio of quarry blasts to all else for place and hour, in the quarry's column."""
    factor = np.zeros((len(evidence.quarry_distance_ratio), len(KINDS_INDEX)))
    near = QUARRY_DENSITY_RATIO * np.exp(-0.5 * evidence.quarry_distance_ratio**2) + ELSEWHERE_PROBABILITY
    place = np.where(np.isfinite(evidence.quarry_distance_ratio), np.log(near), 0.0)
    within = np.log(QUARRY_HOURS_PROBABILITY / WORKING_HOURS_SHARE)
    without = np.log((1.0 - QUARRY_HOURS_PROBABILITY) / (1.0 - WORKING_HOURS_SHARE))
    hour = np.select([evidence.working_hours_index == 1, evidence.working_hours_index == 0], [within, without], 0.0)
    factor[:, KINDS_INDEX.index(TYPES.index("quarry blast"))] = place + hour
    return factor


def _storm_factor(storm_probability: Floats) -> Floats:
    """Give the log ratio of thunder to all else under a forecast, in thunder's column.

    `(p + (1 - p) m) / (share of thunder at an even chance)`: thunder falls into forecast storms but for a share m, and
    all else does not care; taken at even chance of a storm as neither for nor against.
    """
    factor = np.zeros((len(storm_probability), len(KINDS_INDEX)))
    given = storm_probability + (1.0 - storm_probability) * THUNDER_CALM_PROBABILITY
    even = 0.5 + 0.5 * THUNDER_CALM_PROBABILITY
    ratio = np.where(np.isfinite(storm_probability), np.log(given / even), 0.0)
    factor[:, KINDS_INDEX.index(TYPES.index("thunder"))] = ratio
    return factor
