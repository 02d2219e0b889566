"""Compiled: how far stated timing errors are wrong, and how much the path adds, by residuals of which some are strays.

Which pair of scales makes residuals likeliest is found without asking every pair. Over a block of pairs no bin can cost
less than where its variance comes nearest to its mean square. A block whose bins together cost more than the best pair
known is left out, others are halved (branch and bound, Land and Doig 1960), so the answer is that of asking all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.layout import Floats, Longs

ROUNDS_COUNT = 4
"""Steps of expectation and maximisation."""

_BLOCKS_COUNT = 64
_STRAY_SHARE = 0.05
_STRAY_LEAST, _STRAY_MOST = 1e-3, 0.5
_WEIGHT_LEAST = 1e-6


class Grid(NamedTuple):
    """The pairs of scales that are asked: two rising grids, and what each of their places costs a priori (nats x 2)."""

    ratio: Floats
    kappa: Floats
    ratio_cost: Floats
    kappa_cost: Floats


class Residuals(NamedTuple):
    """Residuals, one element each: squared, nominal variance and travel time squared (s2), gate (s), probability.

    `step` is the step of travel time whose share of strays it has, `bin` where it is added up, from 0.
    """

    square: Floats
    nominal: Floats
    travel: Floats
    gate: Floats
    probability: Floats
    step: Longs
    bin: Longs


@njit(cache=True, error_model="numpy")
def _cost_least(bins: Floats, low: tuple[float, float], high: tuple[float, float]) -> float:
    """Give the least that bins can cost in nats x 2 while both scales, squared, stay between two pairs."""
    cost = 0.0
    for k in range(bins.shape[1]):
        weight, square, nominal, travel = bins[0, k], bins[1, k], bins[2, k], bins[3, k]
        variance = min(max(square, low[0] * nominal + low[1] * travel), high[0] * nominal + high[1] * travel)
        cost += weight * (math.log(variance) + square / variance)
    return cost


@njit(cache=True, error_model="numpy")
def _block_cost_least(bins: Floats, grid: Grid, block: tuple[int, int, int, int]) -> float:
    """Give the least that a block (first, last of one scale; of the other) can cost, the priors' costs included."""
    a, b, c, d = block
    prior = grid.ratio_cost[a : b + 1].min() + grid.kappa_cost[c : d + 1].min()
    low, high = (grid.ratio[a] ** 2, grid.kappa[c] ** 2), (grid.ratio[b] ** 2, grid.kappa[d] ** 2)
    return float(prior + _cost_least(bins, low, high))


@njit(cache=True, error_model="numpy")
def likeliest_pair(bins: Floats, grid: Grid) -> tuple[int, int]:
    """Give the places of the pair of scales (a, k) that costs least: weight (ln v + square / v), v = a^2 n + k^2 t.

    `bins` has the rows weight, mean square (s2), n (s2) and t (s2).
    """
    block = np.empty((_BLOCKS_COUNT, 4), dtype=np.int64)
    cost = np.empty(_BLOCKS_COUNT)
    block[0] = 0, len(grid.ratio) - 1, 0, len(grid.kappa) - 1
    cost[0] = -np.inf
    best, at, count = np.inf, (0, 0), 1
    while count > 0:
        count -= 1
        a, b, c, d = block[count]
        if not cost[count] < best:
            continue
        if a == b and c == d:
            best, at = cost[count], (a, c)
            continue
        middle, other = (a + b) // 2, (c + d) // 2
        halves = (
            ((a, middle, c, d), (middle + 1, b, c, d)) if b - a > d - c else ((a, b, c, other), (a, b, other + 1, d))
        )
        costs = _block_cost_least(bins, grid, halves[0]), _block_cost_least(bins, grid, halves[1])
        nearer = int(costs[1] < costs[0])  # is asked first, so it stands last
        block[count], cost[count] = halves[1 - nearer], costs[1 - nearer]
        block[count + 1], cost[count + 1] = halves[nearer], costs[nearer]
        count += 2
    return at


@njit(cache=True, error_model="numpy")
def _tally(residuals: Residuals, pair: tuple[float, float], stray: Floats, bins: Floats) -> None:
    """Add residuals up by bin, each by the probability that it is no stray, and move the steps' shares of strays."""
    bins[:] = 0.0
    stays, own = np.zeros(len(stray)), np.zeros(len(stray))
    for m in range(len(residuals.square)):
        step, place = residuals.step[m], residuals.bin[m]
        square, nominal, travel = residuals.square[m], residuals.nominal[m], residuals.travel[m]
        variance = pair[0] ** 2 * nominal + pair[1] ** 2 * travel
        inside = (1.0 - stray[step]) * math.exp(-0.5 * square / variance) / math.sqrt(2.0 * math.pi * variance)
        weight = residuals.probability[m] * inside / (inside + stray[step] / (2.0 * residuals.gate[m]))
        stays[step] += weight
        own[step] += residuals.probability[m]
        bins[0, place] += weight
        bins[1, place] += weight * square
        bins[2, place] += weight * nominal
        bins[3, place] += weight * travel
    for step in range(len(stray)):
        share = 1.0 - stays[step] / max(own[step], 1e-9)
        stray[step] = min(max(share, _STRAY_LEAST), _STRAY_MOST)


@njit(cache=True, error_model="numpy")
def fit_timing(
    residuals: Residuals, pair: tuple[float, float], grid: Grid, counts: tuple[int, int]
) -> tuple[float, float]:
    """Give the sigma ratio and kappa that make residuals likeliest, begun at a pair of them.

    `counts` are those of steps and bins. A stray lies anywhere within its gate.
    """
    stray, bins = np.full(counts[0], _STRAY_SHARE), np.empty((4, counts[1]))
    means = np.empty((4, counts[1]))
    for _ in range(ROUNDS_COUNT):
        _tally(residuals, pair, stray, bins)
        there = 0
        for place in range(counts[1]):
            if bins[0, place] > _WEIGHT_LEAST:
                means[0, there] = bins[0, place]
                for row in range(1, 4):
                    means[row, there] = bins[row, place] / bins[0, place]
                there += 1
        i, j = likeliest_pair(means[:, :there], grid)
        pair = (grid.ratio[i], grid.kappa[j])
    return pair
