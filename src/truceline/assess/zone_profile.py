"""Compiled: the probability that an uncertain position lies less deep than an edge, by a profile along the line.

The error is split into its part `t` along the line, as it runs where the place is nearest to it, and the part `n`
square to that, which given `t` is normal with mean `rho t` and sigma `s`. For each of some evenly spaced `t` the place
is found where the edge is crossed, `n*(t)`, by one step of Newton's from where it would be were the line straight, and
`P = int phi(t) Phi((n*(t) - rho t) / s) dt`. The trapezoidal rule on a normal converges faster than any power of
its step (Trefethen and Weideman 2014, SIAM Rev. 56); a straight line has `n*` constant and is exact.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Floats
from truceline.assess.zone_normal import normal_below
from truceline.assess.zone_rivals import nearest_rival

LEAST_SLOPE_RATIO = 0.2
"""Where depth grows more slowly than this across the line, the edge is not crossed cleanly and no profile is given."""

BEYOND_SIGMAS_COUNT = 2.5
"""So far outwards depth is looked up, to see that no other stretch of the line lies there."""

THINNEST_RATIO = 0.12
"""An error whose sigma across, given its part along, is below this share of the one along is too thin for a profile."""


def normal_lattice(step_ratio: float, *, reach_ratio: float) -> tuple[Floats, Floats]:
    """Give evenly spaced places of a standard normal (in sigmas) and their weights, which sum to 1."""
    half_count = math.floor(reach_ratio / step_ratio)
    places = step_ratio * np.arange(-half_count, half_count + 1.0)
    weights = np.exp(-0.5 * places**2)
    return places, weights / weights.sum()


_WIDE, _THIN = normal_lattice(0.68, reach_ratio=2.8), normal_lattice(0.15, reach_ratio=2.8)
PLACES, WEIGHTS = np.concatenate([_WIDE[0], _THIN[0]]), np.concatenate([_WIDE[1], _THIN[1]])
WIDE_COUNT = len(_WIDE[0])
WIDE_RATIO = 0.6
"""The first nine places along are for an error at least so wide across, the 37 others for a thinner one."""


@njit(cache=True)
def is_clear(plane: Floats, count: int, bias: float, ways: Floats, edge: float) -> bool:
    """Say whether depth outwards of a place grows as it should: that no other stretch of the line comes in there.

    `ways` is (direction of growing depth east, north; sigma along; mean across for each metre along; sigma across;
    depth of the place, m).
    """
    g_east, g_north, sigma_t, lean, sigma_n, deep = ways[0], ways[1], ways[2], ways[3], ways[4], ways[5]
    for k in range(3):
        t = 1.5 * sigma_t * (k - 1.0)
        n = lean * t + BEYOND_SIGMAS_COUNT * sigma_n
        found, _, _, _, _ = nearest_rival(plane, count, n * g_east - t * g_north, n * g_north + t * g_east)
        if found + bias < min(edge + 0.5 * sigma_n, deep + lean * t + sigma_n):
            return False
    return True


@njit(cache=True)
def profile_below(plane: Floats, count: int, bias: float, ways: Floats, boundary_m2: float, edge: float) -> float:
    """Give the probability of lying less deep than an edge (m), or -1 where a profile does not tell.

    `plane` has `count` rivals; `bias` is what their distances lack of those on the ellipsoid; `ways` as in `is_clear`.
    The line's own variance (m2) is taken square to it wherever it is crossed.
    """
    g_east, g_north, sigma_t, lean, sigma_n, deep = ways[0], ways[1], ways[2], ways[3], ways[4], ways[5]
    blur = math.sqrt(sigma_n * sigma_n + boundary_m2)
    if blur < THINNEST_RATIO * sigma_t or not is_clear(plane, count, bias, ways, edge):
        return -1.0
    is_wide, total = blur >= WIDE_RATIO * sigma_t, 0.0
    for j in range(0 if is_wide else WIDE_COUNT, WIDE_COUNT if is_wide else len(PLACES)):
        t = PLACES[j] * sigma_t
        middle = lean * t
        n = min(max(edge - deep, middle - 2.0 * sigma_n), middle + 2.0 * sigma_n)
        found, a_east, a_north, _, _ = nearest_rival(plane, count, n * g_east - t * g_north, n * g_north + t * g_east)
        slope = a_east * g_east + a_north * g_north
        if slope < LEAST_SLOPE_RATIO:
            return -1.0
        crossing = n + (edge - found - bias) / slope - middle
        total += WEIGHTS[j] * normal_below(crossing / math.sqrt(sigma_n * sigma_n + boundary_m2 / (slope * slope)))
    return total
