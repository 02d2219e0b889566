"""Answers held against what was so: how honest the probabilities are, how much is answered, who is named wrongly.

Everything is by party, since what errs against one party only is worse than what errs more. Where a rate is held to a
limit, an exact upper bound stands beside it: no error in few cases shows little.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np

from truceline.attribute.calibration import ConformalSets, mirrored
from truceline.attribute.layout import Flags, Floats, Integers

BIN_COUNT = 10
"""Bins of claimed probability, of equal width: what the calibration error is counted in."""

BOUND_PROBABILITY = 0.95
"""Confidence of every bound and interval here."""

FLOOR_PROBABILITY = 1e-6
"""Probabilities are held this far from 0 in the logarithmic loss: one sure error costs 13.8 nats."""

NATS_PER_BIT_RATIO = math.log(2.0)


class Answers(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What was said and what was so, in columns of one length.

    `probabilities`: (cases, 2) that the first, and the second party did it; what is missing to 1 is neither.
    `log_odds_ratio`: natural log-odds of first against second before calibration. `named`: index of the party that the
    answer names, -1 where it names none. `responsible`: index of the party that did it, -1 for neither.
    """

    probabilities: Floats
    log_odds_ratio: Floats
    named: Integers
    responsible: Integers

    def __post_init__(self) -> None:
        """Hold that the columns go together."""
        count = len(self.responsible)
        assert self.probabilities.shape == (count, 2), f"probabilities are {self.probabilities.shape}, not ({count}, 2)"
        assert len(self.log_odds_ratio) == count, f"{len(self.log_odds_ratio)} log-odds do not go with {count} cases"
        assert len(self.named) == count, f"{len(self.named)} answers do not go with {count} cases"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many, with the exact interval of the share behind it; the share of nothing is `nan`."""

    part_count: int
    whole_count: int
    low_share: float
    high_share: float
    upper_share: float

    @property
    def share(self) -> float:
        """Give the share that was seen."""
        return self.part_count / self.whole_count if self.whole_count else math.nan


class ReliabilityRow(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of about one probability: between which, their mean, and how often it was so."""

    low_probability: float
    high_probability: float
    mean_probability: float
    observed: Share


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its bootstrap interval."""

    number: float
    low_ratio: float
    high_ratio: float


class PartyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns one party: how often it is named wrongly, rightly, or not, and whether claims on it hold.

    `false_of_all`: named though it did not do it, of all cases; `false_of_cleared`: of the cases that it did not do.
    `abstained`: nobody named, of its own cases. `bias`: mean claim less the share that was so.
    """

    false_of_all: Share
    false_of_cleared: Share
    named_rightly: Share
    abstained: Share
    bias: Interval
    calibration_error_ratio: float
    reliability: tuple[ReliabilityRow, ...]


class RiskPoint(msgspec.Struct, frozen=True, kw_only=True):
    """With so large a share answered, the surest first, so large a share of the answered is wrong."""

    coverage_share: float
    risk_share: float
    least_probability: float


class AttributionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Every figure of one set of answers.

    Log loss (nats), Brier, Cllr (bits) are on cases that a party did, between the two parties; the calibration error is
    on all cases and both parties' claims together; `calibration_noise_ratio` is what it would be on average for claims
    that hold exactly, in so many cases.
    """

    case_count: int
    neither_count: int
    log_loss_ratio: float
    brier_ratio: float
    calibration_error: Interval
    calibration_noise_ratio: float
    cllr_ratio: float
    cllr_raw_ratio: float
    cllr_min_ratio: float
    answered: Share
    false_of_all: Share
    false_of_answered: Share
    parties: tuple[PartyFigures, PartyFigures]
    difference: Interval
    risk_curve: tuple[RiskPoint, ...]


def evaluate_answers(
    answers: Answers, *, chance: np.random.Generator, resamples_count: int = 500
) -> AttributionFigures:
    """Hold answers against what was so; `chance` draws the resamples of the bootstrap (Efron 1979, percentile)."""
    responsible, named = answers.responsible, answers.named
    known = responsible >= 0
    first = responsible[known] == 0
    relative = _between_parties(answers.probabilities[known])
    draws = chance.integers(0, max(1, len(responsible)), size=(resamples_count, len(responsible)))
    wrong = (named >= 0) & (named != responsible)
    return AttributionFigures(
        case_count=len(responsible),
        neither_count=int(np.sum(~known)),
        log_loss_ratio=log_loss_ratio(relative, first),
        brier_ratio=brier_ratio(relative, first),
        calibration_error=_interval(lambda rows: calibration_error(*_claims(answers, rows)), draws),
        calibration_noise_ratio=_calibration_noise(answers.probabilities, chance, resamples_count),
        cllr_ratio=cllr_ratio(_log_odds(relative), first),
        cllr_raw_ratio=cllr_ratio(answers.log_odds_ratio[known], first),
        cllr_min_ratio=cllr_min_ratio(answers.log_odds_ratio[known], first),
        answered=share_of(named >= 0),
        false_of_all=share_of(wrong),
        false_of_answered=share_of(wrong[named >= 0]),
        parties=(_party_figures(answers, 0, draws), _party_figures(answers, 1, draws)),
        difference=_interval(lambda rows: _false_difference(answers, rows), draws),
        risk_curve=risk_curve(answers.probabilities, responsible),
    )


def _between_parties(probabilities: Floats) -> Floats:
    """Give the probability of the first party where one of the two did it: (cases)."""
    total = probabilities.sum(axis=1)
    return np.asarray(np.divide(probabilities[:, 0], total, out=np.full(len(total), 0.5), where=total > 0.0))


def _log_odds(probability: Floats) -> Floats:
    held = np.clip(probability, FLOOR_PROBABILITY, 1.0 - FLOOR_PROBABILITY)
    return np.log(held) - np.log1p(-held)


def _claims(answers: Answers, rows: Integers) -> tuple[Floats, Flags]:
    """Give both parties' claims of some cases, one after the other, and whether each was so."""
    claimed = answers.probabilities[rows]
    was_so = answers.responsible[rows][:, np.newaxis] == np.arange(2)
    return claimed.ravel(), was_so.ravel()


def _calibration_noise(probabilities: Floats, chance: np.random.Generator, draws_count: int) -> float:
    """Give the mean calibration error where who did it is drawn from the claims (Broecker and Smith 2007)."""
    first, both = probabilities[:, :1], probabilities.sum(axis=1, keepdims=True)
    errors = []
    for _ in range(draws_count):
        drawn = chance.random((len(probabilities), 1))
        was_so = np.hstack([drawn < first, (drawn >= first) & (drawn < both)])
        errors.append(calibration_error(probabilities.ravel(), was_so.ravel()))
    return _mean(np.array(errors))


def _party_figures(answers: Answers, party_index: int, draws: Integers) -> PartyFigures:
    claimed, did = answers.probabilities[:, party_index], answers.responsible == party_index
    is_named = answers.named == party_index
    return PartyFigures(
        false_of_all=share_of(is_named & ~did),
        false_of_cleared=share_of(is_named[~did]),
        named_rightly=share_of(is_named[did]),
        abstained=share_of(answers.named[did] < 0),
        bias=_interval(lambda rows: _mean(claimed[rows] - did[rows]), draws),
        calibration_error_ratio=calibration_error(claimed, did),
        reliability=reliability(claimed, did),
    )


def _false_difference(answers: Answers, rows: Integers) -> float:
    """Give how much more often the first party is named wrongly than the second, each of the cases it did not do."""
    named, responsible = answers.named[rows], answers.responsible[rows]
    rates = [float(np.sum((named == p) & (responsible != p)) / max(1, np.sum(responsible != p))) for p in (0, 1)]
    return rates[0] - rates[1]


def _interval(figure: Callable[[Integers], float], draws: Integers) -> Interval:
    """Give a figure of all cases with the percentiles of the same figure over resampled cases."""
    whole = figure(np.arange(draws.shape[1]))
    if draws.shape[1] == 0 or draws.shape[0] == 0:
        return Interval(number=whole, low_ratio=math.nan, high_ratio=math.nan)
    resampled = np.array([figure(rows) for rows in draws])
    tail = (1.0 - BOUND_PROBABILITY) / 2.0
    low, high = np.quantile(resampled, (tail, 1.0 - tail)).tolist()
    return Interval(number=whole, low_ratio=low, high_ratio=high)


def log_loss_ratio(probability: Floats, is_first: Flags) -> float:
    """Give the mean of `-ln p(what was so)` (Good 1952), nats; `nan` of nothing."""
    given = np.where(is_first, probability, 1.0 - probability)
    return _mean(-np.log(np.maximum(given, FLOOR_PROBABILITY)))


def brier_ratio(probability: Floats, is_first: Flags) -> float:
    """Give the mean of `(p - y)^2` (Brier 1950, Mon. Weather Rev. 78, 1)."""
    return _mean((probability - is_first) ** 2)


def cllr_ratio(log_odds_ratio: Floats, is_first: Flags) -> float:
    """Give the cost of log-likelihood-ratios (Bruemmer and du Preez 2006, eq. 8), bits: 1 says nothing, 0 is perfect.

    `1/2 [mean over first of log2(1 + e^-s) + mean over second of log2(1 + e^s)]`; both parties weigh alike.
    """
    against_first = np.logaddexp(0.0, -log_odds_ratio[is_first])
    against_second = np.logaddexp(0.0, log_odds_ratio[~is_first])
    return 0.5 * (_mean(against_first) + _mean(against_second)) / NATS_PER_BIT_RATIO


def cllr_min_ratio(log_odds_ratio: Floats, is_first: Flags) -> float:
    """Give the least cost that any rising, symmetric map of these log-odds reaches: what calibration cannot mend.

    Isotonic regression of mirrored cases (Bruemmer and du Preez 2006, section 6), so that it too knows no party.
    """
    from truceline.attribute.monotone import pool_adjacent

    if not is_first.size:
        return math.nan
    known, labels = mirrored(log_odds_ratio, is_first)
    order = np.argsort(known, kind="stable")
    fitted = pool_adjacent(known[order], labels[order])
    return log_loss_ratio(fitted, labels[order] > 0.5) / NATS_PER_BIT_RATIO


def calibration_error(claimed: Floats, was_so: Flags) -> float:
    """Give `sum_b n_b / n |mean claim - share so|` over bins of equal width (Naeini et al. 2015, eq. 3)."""
    if not claimed.size:
        return math.nan
    number = _bin_numbers(claimed)
    gaps = np.bincount(number, weights=claimed - was_so, minlength=BIN_COUNT)
    return float(np.abs(gaps).sum() / claimed.size)


def _bin_numbers(claimed: Floats) -> Integers:
    return np.clip((claimed * BIN_COUNT).astype(np.int64), 0, BIN_COUNT - 1)


def reliability(claimed: Floats, was_so: Flags) -> tuple[ReliabilityRow, ...]:
    """Give, for every bin that has claims, the mean claim and how often it was so, with its exact interval."""
    number = _bin_numbers(claimed)
    return tuple(
        ReliabilityRow(
            low_probability=index / BIN_COUNT,
            high_probability=(index + 1) / BIN_COUNT,
            mean_probability=float(claimed[number == index].mean()),
            observed=share_of(was_so[number == index]),
        )
        for index in np.unique(number).tolist()
    )


def risk_curve(probabilities: Floats, responsible: Integers, *, points_count: int = 100) -> tuple[RiskPoint, ...]:
    """Give the share wrong among the answered as more is answered, surest first (El-Yaniv and Wiener 2010).

    By probability alone, without the gates: what an answer costs that only asks how sure it is.
    """
    if not len(responsible):
        return ()
    sure = probabilities.max(axis=1)
    wrong = np.argmax(probabilities, axis=1) != responsible
    order = np.argsort(-sure, kind="stable")
    taken = np.arange(1, len(sure) + 1)
    risk = np.cumsum(wrong[order]) / taken
    chosen = np.unique(np.linspace(0, len(sure) - 1, min(points_count, len(sure))).astype(np.int64))
    return tuple(
        RiskPoint(
            coverage_share=float(taken[index] / len(sure)),
            risk_share=float(risk[index]),
            least_probability=float(sure[order][index]),
        )
        for index in chosen.tolist()
    )


class SetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Sets of parties that cannot be left out: how often one party stays, and how often the doer was left out.

    `surprise_shares`: how probable so many left out, or more, are where the promise holds, by party.
    """

    left_out_probability: float
    single: Share
    left_out: tuple[Share, Share]
    surprise_shares: tuple[float, float]

    @property
    def holds(self) -> bool:
        """Say whether neither party's rate contradicts the stated one: 1 % each, by chance alone."""
        return min(self.surprise_shares) >= 0.01


def evaluate_sets(set_flags: Flags, responsible: Integers, *, sets: ConformalSets) -> SetFigures:
    """Hold sets (cases, 2) against who did it; cases of neither count for the size only.

    With n cases to fit on and rank k of the limit, the rate left out is Beta(n + 1 - k, k) over such fits, so counts
    among m cases are beta-binomial (Angelopoulos and Bates 2023, section 3.2).
    """
    from scipy.stats import betabinom

    left_out = [share_of(~set_flags[responsible == party, party]) for party in (0, 1)]
    rank_count = min(sets.case_count, math.ceil((sets.case_count + 1) * (1.0 - sets.left_out_probability) - 1e-9))
    surprises = [
        float(betabinom.sf(one.part_count - 1, one.whole_count, sets.case_count + 1 - rank_count, rank_count))
        for one in left_out
    ]
    return SetFigures(
        left_out_probability=sets.left_out_probability,
        single=share_of(set_flags.sum(axis=1) == 1),
        left_out=(left_out[0], left_out[1]),
        surprise_shares=(surprises[0], surprises[1]),
    )


def share_of(flags: Flags) -> Share:
    """Give the share of flags that are set, with its interval and its one-sided upper bound, all exact at 95 %."""
    return share(int(np.sum(flags)), int(np.size(flags)))


def share(part_count: int, whole_count: int) -> Share:
    """Give a share with the interval of Clopper and Pearson 1934 (Biometrika 26, 404), from quantiles of the beta.

    `upper_share` is the one-sided bound: the rate is below it, or what was seen has a probability of 5 % or less.
    """
    from scipy.special import betaincinv

    assert 0 <= part_count <= whole_count, f"part_count={part_count} is outside [0, {whole_count}]"
    tail, rest_count = (1.0 - BOUND_PROBABILITY) / 2.0, whole_count - part_count

    def above(probability: float) -> float:
        return 1.0 if rest_count == 0 else float(betaincinv(part_count + 1, rest_count, probability))

    low = 0.0 if part_count == 0 else float(betaincinv(part_count, rest_count + 1, tail))
    return Share(
        part_count=part_count,
        whole_count=whole_count,
        low_share=low,
        high_share=above(1.0 - tail),
        upper_share=above(BOUND_PROBABILITY),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else math.nan
