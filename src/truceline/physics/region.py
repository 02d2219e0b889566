"""How far a region of a share of probability reaches where errors of place have a heavier tail than the normal's.

The error of place is a bivariate Student t with scale matrix S and inverse degrees of freedom k: with m = e' S^-1 e,

    P(m <= u) = 1 - (1 + k u)^(-1 / (2 k)),        k -> 0: 1 - exp(-u / 2), the normal

which is to say that m / 2 has the F distribution of 2 and 1 / k degrees of freedom (Kotz and Nadarajah 2004,
Multivariate t Distributions and Their Applications). What is said of an event is the covariance C of the normal with
the same 90 % region, and k, its tail ratio. So whoever draws the normal's 90 % ellipse of C draws the region of 90 %
whatever k is; of two events with one C, the one with the larger k more often lies near, and more often far beyond.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

AGREED_PROBABILITY = 0.9
"""The region of this share is the same for every tail: it is the normal's of the published covariance."""

TAIL_MAX_RATIO = 1.0
"""The heaviest tail that is said: one degree of freedom, Cauchy's."""

_AGREED_LOG = -math.log1p(-AGREED_PROBABILITY)
_NORMAL_TAIL_RATIO = 1e-12


def region_square_ratio(nominal_probability: ArrayLike, tail_ratio: ArrayLike = 0.0) -> Floats:
    """Give the `u` for which `e' C^-1 e <= u` is the region that holds the place with the nominal probability.

    `u = 2 a (exp(2 k l) - 1) / (exp(2 k a) - 1)`, `l = -ln(1 - p)` and `a` the same at 90 %; without a tail it is the
    normal's `2 l`. Probabilities lie in [0, 1), tail ratios in [0, 1]; shapes are broadcast.
    """
    nominal_log = -np.log1p(-np.asarray(nominal_probability, dtype=np.float64))
    tail, is_normal = _tail_of(tail_ratio)
    reached = np.expm1(2.0 * tail * nominal_log) / np.expm1(2.0 * tail * _AGREED_LOG)
    return np.asarray(np.where(is_normal, 2.0 * nominal_log, 2.0 * _AGREED_LOG * reached))


def normal_square_ratio(square_ratio: ArrayLike, tail_ratio: ArrayLike = 0.0) -> Floats:
    """Give the square that a normal error of the same probability has: `-2 ln(1 - P)` of `e' C^-1 e`.

    Where covariances and tails are right it has the chi-squared distribution of 2 degrees of freedom. The inverse of
    `region_square_ratio`: `ln(1 + e' C^-1 e (exp(2 k a) - 1) / (2 a)) / k`.
    """
    square = np.asarray(square_ratio, dtype=np.float64)
    tail, is_normal = _tail_of(tail_ratio)
    heavy = np.log1p(square * np.expm1(2.0 * tail * _AGREED_LOG) / (2.0 * _AGREED_LOG)) / tail
    return np.asarray(np.where(is_normal, square, heavy))


def agreed_scale_ratio(tail_ratio: ArrayLike) -> Floats:
    """Give by how much the scale matrix S is multiplied to be the covariance C: `(exp(2 k a) - 1) / (2 k a)`."""
    tail, is_normal = _tail_of(tail_ratio)
    reach = 2.0 * tail * _AGREED_LOG
    return np.asarray(np.where(is_normal, 1.0, np.expm1(reach) / reach))


def _tail_of(tail_ratio: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Give tails none of which is 0, and which of them stand for the normal."""
    tail = np.asarray(tail_ratio, dtype=np.float64)
    assert not np.any(tail < 0.0), f"tail_ratio={tail.min()} is below 0"
    is_normal = tail < _NORMAL_TAIL_RATIO
    return np.where(is_normal, 1.0, tail), is_normal
