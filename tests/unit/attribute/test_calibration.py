"""Calibrated probabilities hold what they say, for either party alike, and sets keep their promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.attribute.calibration import (
    Calibration,
    IsotonicCalibration,
    NeitherCalibration,
    SlopeCalibration,
    fit_conformal,
    fit_isotonic,
    fit_neither,
    fit_slope,
    fit_venn_abers,
    probability_of_first,
)
from truceline.attribute.monotone import pool_adjacent


def labelled(count: int, *, slope_ratio: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give log-odds of which `slope_ratio` times as much would be right, and labels; one party is twice as frequent."""
    chance = np.random.default_rng(seed)
    raw = chance.normal(0.7, 2.0, count)
    return raw, chance.random(count) < probability_of_first(slope_ratio * raw)


FITS = (fit_slope, fit_isotonic, fit_venn_abers)


@pytest.mark.parametrize("fit", FITS)
def test_exchanging_the_parties_exchanges_the_calibration(fit: object) -> None:
    """Fitted on cases or on their mirror images, the map is the same, and antisymmetric bit for bit."""
    raw, first = labelled(300, slope_ratio=1.4, seed=1)
    here: Calibration = fit(raw, first)  # type: ignore[operator]
    there: Calibration = fit(-raw, ~first)  # type: ignore[operator]
    asked = np.linspace(-8.0, 8.0, 101)

    assert np.array_equal(here.apply(asked), -here.apply(-asked))
    assert here.apply(asked) == pytest.approx(there.apply(asked), abs=1e-9)
    assert "labelled cases, mirrored" in here.title
    assert 0.0 == here.apply(np.zeros(1))[0]


@pytest.mark.parametrize("fit", FITS)
def test_calibration_lowers_the_error_of_what_is_said(fit: object) -> None:
    """On unseen cases the mean difference between said and happened falls, where the raw odds were too timid."""
    calibration: Calibration = fit(*labelled(1_500, slope_ratio=1.8, seed=2))  # type: ignore[operator]
    raw, first = labelled(1_500, slope_ratio=1.8, seed=3)
    losses = [
        -np.log(np.where(first, probability_of_first(said), probability_of_first(-said))).mean()
        for said in (raw, calibration.apply(raw))
    ]

    assert losses[1] < losses[0]


def test_the_slope_is_found() -> None:
    """With enough cases the fitted slope is the one that made them."""
    assert fit_slope(*labelled(40_000, slope_ratio=1.5, seed=4)).slope_ratio == pytest.approx(1.5, abs=0.06)


def test_a_slope_that_separates_stays_within_its_limits() -> None:
    """Cases that are all right, or all wrong, end at a limit and not beyond."""
    raw = np.full(2_000, 5.0)

    assert fit_slope(raw, raw > 0.0).slope_ratio <= 100.0
    assert fit_slope(raw, raw < 0.0).slope_ratio == pytest.approx(0.01)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-5.0, 5.0), st.booleans()), min_size=1, max_size=40))
def test_pooling_gives_the_nearest_rising_steps(cases: list[tuple[float, bool]]) -> None:
    """The fit rises, keeps the mean, and no rising shift of a block comes nearer."""
    known, labels = np.array(sorted(cases)).T
    fitted = pool_adjacent(np.ascontiguousarray(known), np.ascontiguousarray(labels))

    assert (np.diff(fitted) >= -1e-12).all()
    assert fitted.mean() == pytest.approx(labels.mean())
    for value in np.unique(fitted):
        assert labels[fitted == value].mean() == pytest.approx(value)


def test_no_probability_passes_what_so_many_cases_can_show() -> None:
    """Twenty right cases show 21 in 22 at most."""
    calibration = fit_isotonic(np.linspace(1.0, 5.0, 20), np.ones(20, dtype=bool))

    assert probability_of_first(calibration.apply(np.array([50.0])))[0] == pytest.approx(21.0 / 22.0)


@pytest.mark.parametrize("left_out_probability", [0.05, 0.1, 0.2])
def test_each_party_is_left_out_in_no_more_than_the_stated_share(left_out_probability: float) -> None:
    """On unseen cases the true party is missing from the set about as often as promised, for each party."""
    sets = fit_conformal(*labelled(2_000, slope_ratio=1.0, seed=5), left_out_probability=left_out_probability)
    raw, first = labelled(20_000, slope_ratio=1.0, seed=6)
    flags = sets.sets(raw)
    missing = [float(np.mean(~flags[first, 0])), float(np.mean(~flags[~first, 1]))]

    assert np.mean(np.where(first, ~flags[:, 0], ~flags[:, 1])) <= left_out_probability + 0.02
    assert max(missing) < 3.0 * left_out_probability


def test_too_few_cases_leave_nobody_out() -> None:
    """Five per cent needs 19 labelled cases: with 18 none is ever left out, with 19 some may be."""
    raw = np.linspace(1.0, 3.0, 19)
    few = fit_conformal(raw[:18], raw[:18] > 0.0, left_out_probability=0.05)
    enough = fit_conformal(raw, raw > 0.0, left_out_probability=0.05)

    assert math.inf == few.limit_log_ratio
    assert -1.0 == pytest.approx(enough.limit_log_ratio)
    assert few.sets(np.array([-50.0])).all()


def test_knots_must_rise() -> None:
    """A map that falls, reaches certainty or has no knots is refused."""
    for ratios, probabilities in (((1.0, 2.0), (0.9, 0.8)), ((1.0,), (1.0,)), ((), ()), ((1.0,), (0.6, 0.7))):
        with pytest.raises(ValueError, match="knots"):
            IsotonicCalibration(knot_log_ratios=ratios, knot_probability=probabilities, case_count=1)
    with pytest.raises(ValueError, match="slope_ratio"):
        SlopeCalibration(slope_ratio=0.0, case_count=1)
    with pytest.raises(ValueError, match="slope_ratio"):
        NeitherCalibration(slope_ratio=0.0, shift_log_ratios=(0.0, 0.0, 0.0, 0.0), case_count=1)


def cases_of_neither(
    seed: int,
    *,
    mean_log_ratio: float,
    shift_log_ratios: tuple[float, float, float, float],
    count: int,
    located_below_count: int = 6,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw what a ledger told of `neither`, located launches, and labels true to a slope of 1.3 and shifts by these."""
    chance = np.random.default_rng(seed)
    told = probability_of_first(chance.normal(mean_log_ratio, 1.0, count))
    drawn, located = chance.random(count), chance.integers(0, located_below_count, count)
    true = NeitherCalibration(slope_ratio=1.3, shift_log_ratios=shift_log_ratios, case_count=1).apply(told, located)
    return told, located, drawn < true


def test_how_often_neither_did_it_is_found() -> None:
    """Slope and shifts that made the labels are found, claims then hold in every class, and certainty stays finite."""
    shifts = (3.0, 2.0, 0.5, -0.5)
    told, located, labels = cases_of_neither(7, mean_log_ratio=-4.0, shift_log_ratios=shifts, count=80_000)
    fitted = fit_neither(told, located, labels)
    claimed = fitted.apply(told, located)

    assert (1.3, *shifts) == pytest.approx((fitted.slope_ratio, *fitted.shift_log_ratios), abs=0.3)
    for count in range(3):
        assert claimed[located == count].mean() == pytest.approx(labels[located == count].mean(), abs=1e-3)
    assert claimed[located >= 3].mean() == pytest.approx(labels[located >= 3].mean(), abs=1e-3)
    assert np.isfinite(fitted.apply(np.array([0.0, 1.0]), np.array([0, 9]))).all()
    assert "from 80000 labelled cases" in fitted.title
    never = fit_neither(told[:50], located[:50], np.zeros(50, dtype=bool))
    assert all(math.isfinite(shift) for shift in never.shift_log_ratios)


def test_a_fit_of_neither_does_not_go_to_and_fro() -> None:
    """Where whole steps of Newton's method go to and fro, or ever farther away, the fit arrives."""
    told, located, labels = cases_of_neither(
        8, mean_log_ratio=-5.2, shift_log_ratios=(4.0, 0.0, 0.0, 0.0), count=20_000, located_below_count=1
    )
    fitted = fit_neither(told, located, labels)

    assert (1.3, 4.0, 0.0) == pytest.approx((fitted.slope_ratio, *fitted.shift_log_ratios[:2]), abs=0.1)
    assert fitted.apply(told, located).mean() == pytest.approx(labels.mean(), abs=1e-3)


def test_a_case_that_weighs_twice_is_a_case_told_twice() -> None:
    """Fits with whole weights are those of the same cases repeated, for the parties and for neither."""
    raw, first = labelled(400, slope_ratio=0.7, seed=9)
    told, located, labels = cases_of_neither(10, mean_log_ratio=-2.0, shift_log_ratios=(1.0, 0.0, 0.0, 0.0), count=400)
    counts = np.arange(400) % 3
    weighed = fit_slope(raw, first, weights=counts.astype(float)).slope_ratio
    neither = fit_neither(told, located, labels, weights=counts.astype(float))
    again = fit_neither(np.repeat(told, counts), np.repeat(located, counts), np.repeat(labels, counts))

    assert weighed == pytest.approx(fit_slope(np.repeat(raw, counts), np.repeat(first, counts)).slope_ratio)
    assert neither.slope_ratio == pytest.approx(again.slope_ratio)
    assert neither.shift_log_ratios == pytest.approx(again.shift_log_ratios)
