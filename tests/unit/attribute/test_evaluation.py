"""Figures of attribution hold what their definitions say, and know no party from the other."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from scipy import stats

from truceline.attribute.calibration import ConformalSets, fit_conformal, probability_of_first
from truceline.attribute.evaluation import (
    Answers,
    AttributionFigures,
    calibration_error,
    cllr_min_ratio,
    cllr_ratio,
    evaluate_answers,
    evaluate_sets,
    log_loss_ratio,
    reliability,
    risk_curve,
    share,
    share_of,
)


def honest(count: int, *, seed: int, stretch_ratio: float = 1.0) -> Answers:
    """Give answers whose log-odds are `stretch_ratio` times what was so; a fortieth of cases is of neither."""
    chance = np.random.default_rng(seed)
    true_log_odds = chance.normal(0.0, 3.0, count)
    first = chance.random(count) < probability_of_first(true_log_odds)
    neither = chance.random(count) < 0.025
    told = stretch_ratio * true_log_odds
    probabilities = np.column_stack([probability_of_first(told), probability_of_first(-told)]) * 0.975
    sure = probabilities.max(axis=1) >= 0.95
    return Answers(
        probabilities=probabilities,
        log_odds_ratio=told,
        named=np.where(sure, np.argmax(probabilities, axis=1), -1),
        responsible=np.where(neither, -1, np.where(first, 0, 1)),
    )


def exchanged(answers: Answers) -> Answers:
    """Give the same answers with the parties exchanged."""
    other = np.array([1, 0, -1])
    return Answers(
        probabilities=answers.probabilities[:, ::-1],
        log_odds_ratio=-answers.log_odds_ratio,
        named=other[answers.named],
        responsible=other[answers.responsible],
    )


def figures(answers: Answers, resamples_count: int = 50) -> AttributionFigures:
    """Evaluate with a fixed chance."""
    return evaluate_answers(answers, chance=np.random.default_rng(3), resamples_count=resamples_count)


def test_exchanging_the_parties_exchanges_the_figures() -> None:
    """Every figure of one party becomes the other's; what is of both stays."""
    here, there = figures(honest(800, seed=1)), figures(exchanged(honest(800, seed=1)))

    assert here.parties[0].false_of_all == there.parties[1].false_of_all
    assert here.parties[1].reliability == there.parties[0].reliability
    assert here.parties[0].abstained == there.parties[1].abstained
    assert here.false_of_all == there.false_of_all
    assert here.log_loss_ratio == pytest.approx(there.log_loss_ratio, abs=1e-12)
    assert here.cllr_min_ratio == pytest.approx(there.cllr_min_ratio, abs=1e-12)
    assert here.difference.number == pytest.approx(-there.difference.number, abs=1e-15)


def test_honest_answers_look_honest_and_stretched_ones_do_not() -> None:
    """Claims that hold have a small calibration error and lose nothing to calibration; claims too sure do."""
    well, ill = figures(honest(8_000, seed=2)), figures(honest(8_000, seed=2, stretch_ratio=3.0))

    assert well.calibration_error.number < 0.01
    assert well.calibration_error.number < 2.0 * well.calibration_noise_ratio
    assert ill.calibration_error.number > 3.0 * ill.calibration_noise_ratio
    assert well.cllr_ratio - well.cllr_min_ratio < 0.02
    assert ill.calibration_error.low_ratio > well.calibration_error.high_ratio
    assert ill.cllr_raw_ratio > well.cllr_raw_ratio
    assert ill.cllr_min_ratio == pytest.approx(well.cllr_min_ratio, abs=1e-9)


def test_false_blame_is_counted_by_party() -> None:
    """Named though another, or neither, did it: of all cases, and of the cases that the party did not do."""
    answers = Answers(
        probabilities=np.array([[0.97, 0.02], [0.97, 0.02], [0.02, 0.97], [0.5, 0.4], [0.96, 0.03]]),
        log_odds_ratio=np.array([3.9, 3.9, -3.9, 0.2, 3.5]),
        named=np.array([0, 0, 1, -1, 0]),
        responsible=np.array([0, 1, 1, 0, -1]),
    )
    first, second = figures(answers).parties
    whole = figures(answers)

    assert (2, 5) == (first.false_of_all.part_count, first.false_of_all.whole_count)
    assert (2, 3) == (first.false_of_cleared.part_count, first.false_of_cleared.whole_count)
    assert (0, 5) == (second.false_of_all.part_count, second.false_of_all.whole_count)
    assert (1, 2) == (first.abstained.part_count, first.abstained.whole_count)
    assert (1, 2) == (second.named_rightly.part_count, second.named_rightly.whole_count)
    assert (4, 5) == (whole.answered.part_count, whole.answered.whole_count)
    assert (2, 4) == (whole.false_of_answered.part_count, whole.false_of_answered.whole_count)
    assert 1 == whole.neither_count


@pytest.mark.parametrize(("part_count", "whole_count"), [(0, 10), (3, 10), (10, 10), (7, 5_000)])
def test_shares_have_the_exact_interval(part_count: int, whole_count: int) -> None:
    """Below the lower limit so many or more, above the upper one so few or fewer, are seen in 2.5 % (5 % one-sided)."""
    made = share(part_count, whole_count)

    if part_count:
        assert 0.025 == pytest.approx(stats.binom.sf(part_count - 1, whole_count, made.low_share))
    if part_count < whole_count:
        assert 0.025 == pytest.approx(stats.binom.cdf(part_count, whole_count, made.high_share))
        assert 0.05 == pytest.approx(stats.binom.cdf(part_count, whole_count, made.upper_share))
    assert made.low_share <= made.share <= made.upper_share <= made.high_share


def test_a_share_of_nothing_says_nothing() -> None:
    """Its interval is everything, and it is no number."""
    made = share_of(np.zeros(0, dtype=np.bool_))

    assert math.isnan(made.share)
    assert (0.0, 1.0) == (made.low_share, made.upper_share)


def test_saying_nothing_costs_one_bit() -> None:
    """Log-odds of 0 have a Cllr of 1 bit and a log loss of ln 2, and so has their best calibration."""
    nothing, first = np.zeros(40), np.arange(40) < 25

    assert 1.0 == pytest.approx(cllr_ratio(nothing, first))
    assert 1.0 == pytest.approx(cllr_min_ratio(nothing, first))
    assert math.log(2.0) == pytest.approx(log_loss_ratio(np.full(40, 0.5), first))


def test_the_calibration_error_is_the_mean_gap() -> None:
    """Claims of .8 of which half is so are .3 off, in the bin they are in; claims of 1 belong to the last bin."""
    claimed, was_so = np.array([0.8, 0.8, 1.0, 1.0]), np.array([True, False, True, True])
    rows = reliability(claimed, was_so)

    assert 0.15 == pytest.approx(calibration_error(claimed, was_so))
    assert [(0.8, 2, 1), (0.9, 2, 2)] == [
        (row.low_probability, row.observed.whole_count, row.observed.part_count) for row in rows
    ]


def test_risk_follows_coverage_surest_first() -> None:
    """The first point is the surest case; the last answers all, and its risk is the share of all that is wrong."""
    probabilities = np.array([[0.99, 0.0], [0.1, 0.8], [0.6, 0.3], [0.5, 0.4]])
    curve = risk_curve(probabilities, np.array([0, 1, 1, -1]))

    assert [0.25, 0.5, 0.75, 1.0] == [point.coverage_share for point in curve]
    assert [0.0, 0.0, pytest.approx(1 / 3), 0.5] == [point.risk_share for point in curve]
    assert 0.99 == curve[0].least_probability
    assert () == risk_curve(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))


def test_sets_are_held_against_who_did_it() -> None:
    """Left out counts by party among its own cases; a stated rate far below what was seen does not hold."""
    flags = np.array([[True, False]] * 30 + [[True, True]] * 10)
    responsible = np.array([0] * 20 + [1] * 20)
    fitted = ConformalSets(limit_log_ratio=1.0, left_out_probability=0.05, case_count=400)
    made = evaluate_sets(flags, responsible, sets=fitted)

    assert (0, 10) == (made.left_out[0].part_count, made.left_out[1].part_count)
    assert (30, 40) == (made.single.part_count, made.single.whole_count)
    assert not made.holds
    assert made.surprise_shares[0] == 1.0
    assert evaluate_sets(flags, responsible, sets=msgspec.structs.replace(fitted, left_out_probability=0.4)).holds


def test_the_promise_of_sets_is_kept_by_sets_that_are_fitted_so() -> None:
    """Over many fits on exchangeable cases, counts left out contradict the promise as rarely as the test says."""
    chance, kept = np.random.default_rng(6), 0
    for _ in range(200):
        fit_on, judged = chance.normal(2.0, 2.0, 200), chance.normal(2.0, 2.0, 300)
        sets = fit_conformal(fit_on, np.ones(200, dtype=np.bool_), left_out_probability=0.05)
        kept += evaluate_sets(sets.sets(judged), np.zeros(300, dtype=np.int64), sets=sets).holds

    assert kept >= 192


def test_no_case_gives_no_number() -> None:
    """Of no case nothing is known, and nothing fails; without resamples there is no interval."""
    empty = Answers(
        probabilities=np.zeros((0, 2)),
        log_odds_ratio=np.zeros(0),
        named=np.zeros(0, dtype=np.int64),
        responsible=np.zeros(0, dtype=np.int64),
    )
    made = figures(empty)

    assert 0 == made.case_count
    assert all(
        math.isnan(number) for number in (made.log_loss_ratio, made.cllr_min_ratio, made.calibration_error.number)
    )
    assert math.isnan(figures(honest(20, seed=4), resamples_count=0).calibration_error.low_ratio)
    assert math.isnan(made.parties[0].bias.number)


def test_an_interval_holds_its_figure() -> None:
    """The bootstrap interval of a bias lies around it and shrinks with the number of cases."""
    few, many = figures(honest(300, seed=5), 200).parties[0].bias, figures(honest(6_000, seed=5), 200).parties[0].bias

    assert few.low_ratio < few.number < few.high_ratio
    assert many.high_ratio - many.low_ratio < 0.5 * (few.high_ratio - few.low_ratio)
