"""The likeliest pair of scales is the one that asking every pair finds."""

from __future__ import annotations

import numpy as np
import pytest

from truceline.associate.engine.layout import Floats
from truceline.associate.engine.timing import Grid, likeliest_pair

RATIOS, KAPPAS = np.geomspace(0.4, 6.0, 40), np.geomspace(0.001, 0.05, 60)
GRID = Grid(RATIOS, KAPPAS, 4.0 * np.log(RATIOS) ** 2, 2.0 * np.log(KAPPAS / 0.005) ** 2)


def pair_of_all(bins: Floats) -> tuple[int, int]:
    """Give the pair of least cost among all."""
    weight, square, nominal, travel = bins
    variance = RATIOS[:, None, None] ** 2 * nominal + KAPPAS[:, None] ** 2 * travel
    cost = (weight * (np.log(variance) + square / variance)).sum(axis=-1)
    i, j = np.unravel_index(int(np.argmin(cost + GRID.ratio_cost[:, None] + GRID.kappa_cost)), cost.shape)
    return int(i), int(j)


@pytest.mark.parametrize("members_count", [1.0, 30.0, 1_000.0, 100_000.0])
def test_no_other_pair_costs_less(members_count: float) -> None:
    """Whatever the bins hold, no pair of the grids costs less than the one given."""
    chance = np.random.default_rng(int(members_count))
    for _ in range(25):
        size = int(chance.integers(1, 37))
        nominal, travel = chance.uniform(0.01, 0.1, size) ** 2, chance.uniform(1.0, 70.0, size) ** 2
        true = chance.uniform(0.2, 8.0), chance.uniform(0.0005, 0.08)
        square = (true[0] ** 2 * nominal + true[1] ** 2 * travel) * chance.gamma(2.0, 0.5, size)
        bins = np.stack([members_count * chance.random(size), square, nominal, travel])

        assert pair_of_all(bins) == likeliest_pair(bins, GRID)


def test_without_bins_the_priors_decide() -> None:
    """Where nothing was measured, the pair is the one that is likeliest a priori."""
    assert pair_of_all(np.empty((4, 0))) == likeliest_pair(np.empty((4, 0)), GRID)


def test_what_is_not_a_number_chooses_no_widest_pair() -> None:
    """Where costs cannot be reckoned the first pair is given, as by asking all."""
    assert (0, 0) == likeliest_pair(np.full((4, 3), np.nan), GRID)
