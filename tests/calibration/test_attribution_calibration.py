"""The gate of attribution: on a frozen made-up theatre nobody is named wrongly more often than allowed, or unequally.

The theatre follows from its seed; nothing was tuned on it. 2,000 events cannot show that a rate of half a per cent
is kept, only that it is broken. So no rate may be above its limit beyond doubt (exact lower bound), nor its exact upper
bound above twice the limit. That limits are kept is shown with 5,000: docs/method/attribution_evaluation.md.
"""

from __future__ import annotations

import math

import pytest

from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.attribute.evaluation import Share
from truceline.testing.attribution_theatre_run import (
    EvaluationWish,
    RowFigures,
    TheatreEvaluation,
    TheatreRow,
    evaluate_theatre,
)

EVENTS_COUNT = 2_000
FROZEN_SEED = 20_310_301
FALSE_MOST_SHARES = {"none": 0.005, "planted_media": 0.01, "spoofed_array": 0.015}
"""Largest share of all cases in which a party may be named though it did not do it, at tier "assessed"."""

COVERAGE_LEAST_SHARE = 0.595
"""What was reached when this was frozen, less two per cent: coverage may not fall without a word."""

CALIBRATION_ERROR_MOST = 0.01
ROOM_RATIO = 2.0

SURPRISE_LEAST_SHARE = 0.01
"""By chance alone so seldom: of all six looks at the sets together, two parties at three rates (Bonferroni)."""


@pytest.fixture(scope="module")
def evaluation() -> TheatreEvaluation:
    """Evaluate the frozen theatre once."""
    wish = EvaluationWish(
        events_count=EVENTS_COUNT,
        calibration_events_count=EVENTS_COUNT,
        seed=FROZEN_SEED,
        calibration="slope",
        rows=tuple(TheatreRow(name=attack, attack=attack) for attack in FALSE_MOST_SHARES),  # type: ignore[arg-type]
        resamples_count=200,
    )
    return evaluate_theatre(wish, load_evidence_catalogue(), say=lambda _: None)


def row_of(evaluation: TheatreEvaluation, attack: str) -> RowFigures:
    """Give the row of an attack."""
    return next(row for row in evaluation.rows if row.row.attack == attack)


def within(share: Share, most_share: float) -> bool:
    """Say whether a share is not above a limit beyond doubt, nor perhaps above twice that; a small sample fails."""
    shown_by_none = 1.0 - math.pow(0.05, 1.0 / share.whole_count)
    return share.low_share <= most_share and share.upper_share <= ROOM_RATIO * most_share and shown_by_none < most_share


@pytest.mark.parametrize("attack", sorted(FALSE_MOST_SHARES))
def test_neither_party_is_named_wrongly_too_often(evaluation: TheatreEvaluation, attack: str) -> None:
    """False blame of each party stays within its limit, without attack and under attack."""
    parties = row_of(evaluation, attack).figures.parties

    assert [True, True] == [within(party.false_of_all, FALSE_MOST_SHARES[attack]) for party in parties]


def test_a_breach_of_the_limit_is_caught() -> None:
    """Twice as many wrong cases as allowed fail the gate, and so does a sample that could show nothing."""
    from truceline.attribute.evaluation import share

    assert within(share(6, EVENTS_COUNT), 0.005)
    assert not within(share(20, EVENTS_COUNT), 0.005)
    assert not within(share(0, 100), 0.005)


@pytest.mark.parametrize("attack", sorted(FALSE_MOST_SHARES))
def test_the_parties_fare_alike(evaluation: TheatreEvaluation, attack: str) -> None:
    """Nought lies in the interval of the difference of false blame, and the intervals of abstention overlap."""
    figures = row_of(evaluation, attack).figures
    first, second = (party.abstained for party in figures.parties)

    assert figures.difference.low_ratio <= 0.0 <= figures.difference.high_ratio
    assert max(first.low_share, second.low_share) <= min(first.high_share, second.high_share)


def test_probabilities_hold(evaluation: TheatreEvaluation) -> None:
    """What the calibration error has beyond that of claims that hold exactly, in so few cases, keeps its limit."""
    figures = row_of(evaluation, "none").figures

    assert figures.calibration_error.number - figures.calibration_noise_ratio <= CALIBRATION_ERROR_MOST
    assert figures.cllr_ratio - figures.cllr_min_ratio < 0.03


def test_coverage_does_not_fall_without_a_word(evaluation: TheatreEvaluation) -> None:
    """Of cases without attack at least as many are assessed as when this was frozen."""
    answered = row_of(evaluation, "none").figures.answered

    assert answered.share >= COVERAGE_LEAST_SHARE


def test_the_doer_is_left_out_no_more_often_than_stated(evaluation: TheatreEvaluation) -> None:
    """What was seen of both parties at three stated rates does not together contradict them."""
    sets = row_of(evaluation, "none").sets
    looks = [share for entry in sets for share in entry.surprise_shares]

    assert 6 == len(looks)
    assert min(looks) >= SURPRISE_LEAST_SHARE / len(looks)


def test_lies_cost_answers_not_truth(evaluation: TheatreEvaluation) -> None:
    """Under attack less is answered: the ledger falls silent before it errs."""
    plain = row_of(evaluation, "none").figures.answered

    for attack in ("planted_media", "spoofed_array"):
        assert row_of(evaluation, attack).figures.answered.share < plain.share
