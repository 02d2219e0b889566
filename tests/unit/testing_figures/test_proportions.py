"""Laws of shares, their intervals, probabilities held against what was so, and histograms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.testing.proportions import (
    CONFIDENCE_DEVIATE_RATIO,
    Proportion,
    agreement,
    calibration,
    histogram,
    mean_of,
    proportion,
    quantile_of,
    wilson_interval,
)


def test_the_interval_is_wilsons() -> None:
    """For 15 of 20 the interval is the published 0.531 to 0.888, and none of 10 gives 0 to 0.278."""
    assert (0.5313, 0.8881) == tuple(round(limit, 4) for limit in wilson_interval(15, 20))
    assert (0.0, 0.2775) == tuple(round(limit, 4) for limit in wilson_interval(0, 10))
    assert (0.7225, 1.0) == tuple(round(limit, 4) for limit in wilson_interval(10, 10))


@given(st.integers(1, 4000), st.data())
def test_both_limits_solve_wilsons_equation(whole_count: int, data: st.DataObject) -> None:
    """At each limit the share lies exactly 1.96 of that limit's own standard errors away."""
    part_count = data.draw(st.integers(0, whole_count))
    share = part_count / whole_count
    for limit in wilson_interval(part_count, whole_count):
        deviation = abs(share - limit)
        allowed = CONFIDENCE_DEVIATE_RATIO * math.sqrt(max(limit * (1.0 - limit), 0.0) / whole_count)

        assert deviation == pytest.approx(allowed, abs=1e-9)


def test_a_share_of_nothing_is_none() -> None:
    """Where nothing was asked there is no share and no interval, and more than all is our mistake."""
    nothing = Proportion(part_count=0, whole_count=0, share=None, low_share=None, high_share=None)

    assert nothing == proportion(0, 0)
    with pytest.raises(AssertionError, match="part_count=3 is outside"):
        proportion(3, 2)


def test_f1_is_the_harmonic_mean() -> None:
    """For 6 matched, 2 false and 4 missed: precision 3/4, recall 3/5, F1 2/3, inside its interval."""
    of = agreement(6, false_count=2, missed_count=4)
    low, high = wilson_interval(6, 12)

    assert (0.75, 0.6) == (of.precision.share, of.recall.share)
    assert 2.0 / 3.0 == pytest.approx(of.f1_ratio)
    assert (2 * low / (1 + low), 2 * high / (1 + high)) == pytest.approx((of.f1_low_ratio, of.f1_high_ratio))


def test_nothing_against_nothing_has_no_f1() -> None:
    """Two empty lists neither agree nor disagree."""
    of = agreement(0, false_count=0, missed_count=0)

    assert (None, None, None) == (of.f1_ratio, of.f1_low_ratio, of.f1_high_ratio)
    assert 0.0 == agreement(0, false_count=1, missed_count=1).f1_ratio


def test_brier_and_log_loss_are_as_by_hand() -> None:
    """Claims .9, .8 and .3, of which the first and the last were so, cost .3933… and ln terms as written."""
    of = calibration(np.array([0.9, 0.8, 0.3, np.nan]), np.array([True, False, True, False]))

    assert 3 == of.claim_count
    assert (0.01 + 0.64 + 0.49) / 3 == pytest.approx(of.brier_ratio)
    assert -(math.log(0.9) + math.log(0.2) + math.log(0.3)) / 3 == pytest.approx(of.log_loss_ratio)
    assert 2.0 / 3.0 - 2.0 / 3.0 == pytest.approx(of.bias_ratio)
    assert (2.0 / 3.0) * (1.0 / 3.0) == pytest.approx(of.unit_brier_ratio)


def test_every_claim_is_in_one_bin() -> None:
    """Claims on an edge belong to the bin above it, and 1 to the last."""
    of = calibration(np.array([0.0, 0.2, 0.9, 0.95, 0.99, 1.0]), np.array([False, False, True, True, True, True]))
    counts = [entry.observed.whole_count for entry in of.bins]

    assert [1, 1, 0, 0, 0, 1, 1, 2] == counts
    assert of.claim_count == sum(counts)
    assert (0.99, 1.0, 2) == (of.bins[-1].low_probability, of.bins[-1].high_probability, counts[-1])
    assert None is of.bins[2].mean_probability


def test_a_sure_error_costs_no_more_than_the_floor_allows() -> None:
    """Claiming 1 of what was not so costs 13.8 nats and not infinity."""
    of = calibration(np.array([1.0]), np.array([False]))

    assert -math.log(1e-6) == pytest.approx(of.log_loss_ratio, rel=1e-6)
    assert 1.0 == of.brier_ratio


def test_a_calibration_of_no_claims_says_nothing() -> None:
    """Without claims no figure of them is made up."""
    of = calibration(np.array([]), np.array([], dtype=bool))

    assert (0, None, None, None, None) == (
        of.claim_count,
        of.brier_ratio,
        of.log_loss_ratio,
        of.bias_ratio,
        of.unit_brier_ratio,
    )


@given(st.integers(0, 2**32 - 1))
def test_honest_claims_are_calibrated(seed: int) -> None:
    """What is so with the claimed probability is found so within four standard errors, and the bias is about zero."""
    chance = np.random.default_rng(seed)
    claimed = chance.uniform(0.05, 0.95, 4000)
    of = calibration(claimed, chance.random(4000) < claimed)

    assert of.bias_ratio == pytest.approx(0.0, abs=4.5 * 0.5 / math.sqrt(4000))
    assert of.brier_ratio is not None
    assert of.unit_brier_ratio is not None
    assert of.brier_ratio < of.unit_brier_ratio


def test_a_histogram_leaves_nothing_out() -> None:
    """Values beyond the edges are in the end bins, `nan` in none, and expected counts add up to those counted."""
    of = histogram(np.array([-5.0, 0.5, 1.5, 1.6, 9.0, np.nan]), np.array([0.0, 1.0, 2.0]), np.array([0.1, 0.4, 0.8]))

    assert (2, 3) == of.bin_counts
    assert (2.0, 3.0) == pytest.approx(of.expected_counts)
    assert () == histogram(np.array([0.5]), np.array([0.0, 1.0])).expected_counts


def test_nothing_has_no_mean_and_no_quantile() -> None:
    """Of nothing there is neither mean nor quantile, of something both."""
    assert (None, None) == (mean_of(np.array([])), quantile_of(np.array([]), 0.5))
    assert (2.0, 3.0) == (mean_of(np.array([1.0, 3.0])), quantile_of(np.array([1.0, 3.0]), 1.0))
