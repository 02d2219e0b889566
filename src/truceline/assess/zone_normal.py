"""Compiled: the normal distribution, Owen's T, the mass of an edge of a polygon, and nodes over a normal in two."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Floats

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(16)
UNIT_POINTS, UNIT_WEIGHTS = (_POINTS + 1.0) / 2.0, _WEIGHTS / 2.0
"""Gauss and Legendre's points and weights on [0, 1]."""


@njit(cache=True)
def normal_below(x: float) -> float:
    """Give the standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


NOTHING_BEYOND_SIGMAS_COUNT = 6.4
"""`T(h, a) <= exp(-h^2 / 2) / 4`: beyond so many sigmas it is below 4e-10."""


@njit(cache=True)
def owen_t(h: float, a: float) -> float:
    """Give Owen's T(h, a) for h >= 0: `1 / 2 pi * int_0^a exp(-h^2 (1 + x^2) / 2) / (1 + x^2) dx`.

    Owen 1956, Ann. Math. Stat. 27, eq. 2.1; for |a| > 1 by his eq. 2.7 with the roles of h and ah exchanged. The
    integral is Gauss and Legendre's with 16 points: error below 1e-9. Where nothing of it is larger, it is left out.
    """
    if h > NOTHING_BEYOND_SIGMAS_COUNT:
        return 0.0
    size = abs(a)
    if size > 1.0:
        inner = 0.25 - (normal_below(h) - 0.5) * (normal_below(size * h) - 0.5) - owen_t(size * h, 1.0 / size)
        return inner if a > 0.0 else -inner
    total = 0.0
    for k in range(len(UNIT_POINTS)):
        x = 1.0 + (size * UNIT_POINTS[k]) ** 2
        total += UNIT_WEIGHTS[k] * math.exp(-0.5 * h * h * x) / x
    return a * total / (2.0 * math.pi)


@njit(cache=True)
def edge_mass(ax: float, ay: float, bx: float, by: float) -> float:
    """Give `1 / 2 pi * int exp(-r^2 / 2) d angle` along the edge from a to b, seen from the middle of the normal.

    Summed over the edges of a polygon, inside to their left, it is what the polygon's probability lacks of 1 (of 0
    where the middle is outside): in polar coordinates the mass of the triangle middle-a-b is the angle over 2 pi less
    this (DiDonato and Hageman 1982, SIAM J. Sci. Stat. Comput. 3). On an edge at distance h it is a
    difference of two Owen's T; edges far away add nothing.
    """
    ux, uy = bx - ax, by - ay
    length = math.hypot(ux, uy)
    if length == 0.0:
        return 0.0
    cross = ax * by - ay * bx
    h = max(abs(cross) / length, 1e-12)
    mass = owen_t(h, (bx * ux + by * uy) / length / h) - owen_t(h, (ax * ux + ay * uy) / length / h)
    return mass if cross >= 0.0 else -mass


EXACT_TURN_RAD = 0.5535743588970452
"""By how much a lattice of exact places is turned: half the angle whose tangent is 2."""


class Axes(NamedTuple):
    """The principal axes of a covariance: sigmas (m), the larger first, and the larger one's direction."""

    large_m: float
    small_m: float
    east_ratio: float
    north_ratio: float


@njit(cache=True)
def axes_of(east_m2: float, north_m2: float, covariance_m2: float) -> Axes:
    """Give the principal axes of a covariance (m2)."""
    half = 0.5 * (east_m2 + north_m2)
    off = math.hypot(0.5 * (east_m2 - north_m2), covariance_m2)
    angle = 0.5 * math.atan2(2.0 * covariance_m2, east_m2 - north_m2)
    return Axes(math.sqrt(max(half + off, 0.0)), math.sqrt(max(half - off, 0.0)), math.cos(angle), math.sin(angle))


class Nodes(NamedTuple):
    """A normal with unit sigmas as a mixture: places [Q] in sigmas, weights that sum to 1, and each one's own sigma.

    Each place stands for a normal `inner_ratio` times as wide, so that the mixture has the whole's covariance.
    """

    first: Floats
    second: Floats
    weight: Floats
    inner_ratio: float


def lay_nodes(inner_ratio: float, *, step_ratio: float, reach_ratio: float) -> Nodes:
    """Lay a square lattice of nodes `step_ratio` apart within a circle.

    Exact places (an inner ratio of 0) are turned and moved, so that no row of them lies along an edge by chance.

    The lattice sum of a function that is smooth over `inner_ratio` is wrong by about
    `exp(-2 pi^2 (inner / step)^2)` (Poisson): 2e-4 for a step of 1.5 times the inner sigma.
    """
    line = np.arange(-np.ceil(reach_ratio / step_ratio), np.ceil(reach_ratio / step_ratio) + 1.0) * step_ratio
    first, second = (place.ravel() for place in np.meshgrid(line, line))
    near = np.hypot(first, second) <= reach_ratio
    first, second = first[near], second[near]
    if inner_ratio == 0.0:
        first, second = first + step_ratio / 3.0, second + step_ratio / 7.0
        turned = (first + 1j * second) * np.exp(1j * EXACT_TURN_RAD)
        first, second = turned.real.copy(), turned.imag.copy()
    weight = np.exp(-(first**2 + second**2) / (2.0 * (1.0 - inner_ratio**2)))
    return Nodes(first, second, weight / weight.sum(), inner_ratio)
