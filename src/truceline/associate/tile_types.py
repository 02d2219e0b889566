"""What kind each event of a tile probably was, from what the tile holds: how far it carried, the ground, repetition.

Only what the tile's own detections and events say enters, so that the answer is as pure a function of the tile as the
solution is. What is not known here (quarries, storms, words of people, a detector's class) is left unsaid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from truceline.associate.event_type import PATTERNS, TypeEvidence, TypeProbabilities, classify, nothing_known
from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.network import Detections, Floats, Ints, Network, Solution

SEISMIC_INDEX = [modality.name for modality in MODALITIES].index("seismic")

MEMBER_LEAST_PROBABILITY = 0.5
"""Detections that more probably belong to an event than not speak for it."""

LEVELS_LEAST_COUNT = 3
"""So many members must state an amplitude before a source level is taken from them."""

THRESHOLD_PERCENTILE = 5.0
"""Of all amplitudes that belong to events: about where a usual station begins to hear."""

SPREADING_RATIO = 1.6
"""Exponent with which amplitude falls with distance, absorption over some kilometres included; a guess."""

DISTANCE_LEAST_M = 300.0
"""Nearer than this an amplitude says nothing of its source's level: the station may be beside it."""

SEISMIC_LEAST_COUNT = 2.0
"""With fewer seismic stations in reach, silence of the ground says nothing; a guess."""

SEISMIC_REACH_RATIO = 0.65
"""log10 of amplitude for log10 of area: amplitude falls as `r^-1.3` on the ground, area grows as `r^2`."""

SAME_PLACE_M, RAPID_S, MISSION_S = 600.0, 1.0, 120.0
"""What repeats from one place: within this distance; in rapid fire, or as rounds of a mission."""

CLUSTER_M, CLUSTER_S, CLUSTER_LEAST_COUNT = 5_000.0, 120.0, 6
"""Many over kilometres within minutes, none of which repeats from its own place: thunder's way; a guess."""

_ALONE, _RAPID, _MISSION, _CLUSTER = (PATTERNS.index(name) for name in ("single", "rapid", "mission", "cluster"))


def event_types(network: Network, detections: Detections, solution: Solution) -> TypeProbabilities:
    """Give the type of every event of a tile's solution, in its order: probabilities, and what may be named."""
    count = len(solution.x_m)
    sure = solution.member_probability > MEMBER_LEAST_PROBABILITY
    event, place = solution.member_event_index[sure], solution.member_detection_index[sure]
    station = detections.station_index[place]
    distance_m = np.hypot(network.x_m[station] - solution.x_m[event], network.y_m[station] - solution.y_m[event])
    shaken = network.modality_index[station] == SEISMIC_INDEX
    amplitude = np.where(shaken, np.nan, detections.amplitude_log10_ratio[place])
    felt = np.unique(np.column_stack([event, station])[shaken], axis=0)
    evidence = nothing_known(count)._replace(
        detection_range_m=_ranges_m(solution.detection_range_m, event, distance_m, amplitude),
        seismic_log10_ratio=_ground_ratios(network, solution, felt),
        pattern_index=_patterns(solution),
    )
    return classify(TypeEvidence(*evidence))


def _ranges_m(range_m: Floats, event: Ints, distance_m: Floats, amplitude: Floats) -> Floats:
    """Give how far each event carried: the engine's range, and where amplitudes are stated the mean with theirs.

    A source of level L at 1 km (log10 of pascal, the median over members of `A + a log10 d`) is heard down to the
    threshold Q at `log10 d = (L - Q) / a`, d in kilometres; the mean is that of logarithms.
    """
    stated = np.isfinite(amplitude) & (distance_m >= DISTANCE_LEAST_M)
    if not stated.any():
        return range_m
    threshold = float(np.percentile(amplitude[stated], THRESHOLD_PERCENTILE))
    level = amplitude[stated] + SPREADING_RATIO * np.log10(distance_m[stated] / 1_000.0)
    middle, number = _medians(event[stated], level, len(range_m))
    heard_log10_m = 3.0 + (middle - threshold) / SPREADING_RATIO
    both = 10.0 ** (0.5 * (np.log10(range_m) + heard_log10_m))
    return np.where(number >= LEVELS_LEAST_COUNT, both, range_m)


def _medians(group: Ints, value: Floats, count: int) -> tuple[Floats, Ints]:
    """Give the median of each group's values (the upper of two), `nan` for none, and how many there are."""
    order = np.lexsort((value, group))
    number = np.bincount(group, minlength=count).astype(np.int64)
    first = np.cumsum(number) - number
    middle = np.minimum(first + number // 2, max(len(value) - 1, 0))
    return np.where(number > 0, value[order][middle], np.nan), number


def _ground_ratios(network: Network, solution: Solution, felt: Ints) -> Floats:
    """Give log10 of ground motion over pressure, from how many seismic stations in earshot felt each event.

    Beside a surface burst, which the ground carries about as far as the air: the area in which it was felt over that in
    which it was heard, as amplitudes. `felt` holds pairs of event and station; `nan` where too few could have felt it.
    """
    listening = np.flatnonzero((network.modality_index == SEISMIC_INDEX) & (network.weight_ratio > 0.0))
    count = len(solution.x_m)
    near = np.zeros(count)
    for station in listening.tolist():
        away_m = np.hypot(solution.x_m - network.x_m[station], solution.y_m - network.y_m[station])
        near += away_m <= solution.detection_range_m
    hits = np.bincount(felt[:, 0], minlength=count)
    ratio = SEISMIC_REACH_RATIO * np.log10((hits + 0.5) / (near + 0.5))
    return np.where((near >= SEISMIC_LEAST_COUNT) | (hits > near), ratio, np.nan)


def _patterns(solution: Solution) -> Ints:
    """Give how each event repeats: in rapid fire, as rounds of a mission, amid others that do not, or not at all."""
    from scipy.spatial import cKDTree

    count = len(solution.x_m)
    if count < 2:
        return np.full(count, _ALONE, np.int64)
    scaled = np.column_stack([solution.x_m / CLUSTER_M, solution.y_m / CLUSTER_M, solution.time_s / CLUSTER_S])
    pairs = cKDTree(scaled).query_pairs(1.0, p=np.inf, output_type="ndarray")
    left, right = pairs.T
    apart_m = np.hypot(solution.x_m[left] - solution.x_m[right], solution.y_m[left] - solution.y_m[right])
    gap_s = np.abs(solution.time_s[left] - solution.time_s[right])
    same = (apart_m <= SAME_PLACE_M) & (gap_s <= MISSION_S)
    rapid = _any_of(pairs[same & (gap_s <= RAPID_S)], count)
    mission = _any_of(pairs[same], count)
    alone = ~mission
    around = pairs[alone[left] & alone[right]]
    amid = np.bincount(around.ravel(), minlength=count) >= CLUSTER_LEAST_COUNT
    return np.select([rapid, mission, amid], [_RAPID, _MISSION, _CLUSTER], _ALONE).astype(np.int64)


def _any_of(pairs: Ints, count: int) -> NDArray[np.bool_]:
    """Say which events stand in one of the pairs."""
    found = np.zeros(count, bool)
    found[pairs.ravel()] = True
    return found
