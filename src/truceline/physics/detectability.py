"""How probable it is that a signal is detected at a distance: flat, then falling about the event's detection range."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FALL_WIDTH_RATIO = 0.08
"""Width of the fall as a share of the detection range; a guess that fits the benchmark and awaits real stations."""

EXPONENT_MAX_RATIO = 60.0
"""Beyond this a logistic function is 0 or 1 to the last bit; bounds the exponent."""


class Detectability(NamedTuple):
    """Probabilities of detection and their derivative by distance, per metre; shape of the distances."""

    probability: Floats
    by_distance_per_m: Floats


def detection_probability(
    distance_m: Floats, range_m: Floats, plateau_probability: Floats, *, width_ratio: float = FALL_WIDTH_RATIO
) -> Detectability:
    """Give `p0 / (1 + exp((d - R) / (w R)))` and its derivative: half of the plateau is left at the range R.

    A logistic curve in distance, as in NET-VISA's detection models (Arora, Russell and Sudderth 2013), with the unknown
    source strength and the noise of the day folded into R. A range of 0 is heard nowhere. Inputs broadcast; metres.
    """
    width_m = np.maximum(width_ratio * range_m, 1e-9)
    exponent = np.clip((distance_m - range_m) / width_m, -EXPONENT_MAX_RATIO, EXPONENT_MAX_RATIO)
    share = np.where(range_m > 0.0, 1.0 / (1.0 + np.exp(exponent)), 0.0)
    return Detectability(
        probability=plateau_probability * share,
        by_distance_per_m=-plateau_probability * share * (1.0 - share) / width_m,
    )


def log_missing_ratio(probability: Floats) -> Floats:
    """Give log(1 - p): what the absence of an expected detection says against an event; -inf at p = 1."""
    with np.errstate(divide="ignore"):
        return np.log1p(-probability)
