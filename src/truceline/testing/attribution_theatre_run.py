"""The attribution held against the made-up theatre: calibrated on theatres of its own, then with and without attacks.

Three kinds of theatre of different seeds: one to calibrate on, one for the limit of sets, one to be judged by. Rows of
one evaluation share the last, so that they differ in what was done to it and in nothing else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.attribute.calibration import (
    Calibration,
    NeitherCalibration,
    PartCalibration,
    fit_conformal,
    fit_isotonic,
    fit_neither,
    fit_slope,
    fit_venn_abers,
)
from truceline.attribute.decide import Decisions, decide_cases, log_odds_of, posterior
from truceline.attribute.evaluation import (
    Answers,
    AttributionFigures,
    SetFigures,
    Share,
    evaluate_answers,
    evaluate_sets,
    share_of,
)
from truceline.attribute.layout import NEITHER, TELLERS_MOST_COUNT
from truceline.attribute.rates import LearnedRates, learn_rates, loss_nats
from truceline.attribute.settings import AttributionSettings, with_rates
from truceline.attribute.tiers import TIERS, Tiers, responsibility, tiers_of
from truceline.model.evidence import EvidenceCatalogue
from truceline.model.quantity import require_between
from truceline.testing.attribution_theatre import (
    OWN_SIDE_DEFAULT_PROBABILITY,
    Theatre,
    TheatreWish,
    make_theatre,
    theatre_days,
)
from truceline.testing.attribution_theatre_attacks import Attack
from truceline.testing.attribution_theatre_ground import PARTIES, Day
from truceline.testing.attribution_theatre_places import with_place_rates

CalibrationName = Literal["none", "slope", "isotonic", "venn_abers"]

LEFT_OUT_PROBABILITIES = (0.05, 0.02, 0.01)
DISTANCE_EDGES_M = (0.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 20_000.0, math.inf)
CALIBRATE, SETS, JUDGE, RESAMPLE, LEARN = 0, 1, 2, 3, 4
"""What each theatre is for; with the seed it seeds its chance, so that none shares an event with another."""


class TheatreRow(msgspec.Struct, frozen=True, kw_only=True):
    """One theatre to be judged by: its name in the tables, and how it is made."""

    name: str
    attack: Attack = "none"
    own_side_probability: float = OWN_SIDE_DEFAULT_PROBABILITY
    notice_ratio: float = 1.0


class EvaluationWish(msgspec.Struct, frozen=True, kw_only=True):
    """What to evaluate: how many events each theatre has, from which seed, calibrated how, and which rows.

    `rates_events_count`: events to learn the catalogue's rates from; 0 to learn none. `tellers_most_count`: so many at
    most tell an impact's place.
    """

    events_count: int
    calibration_events_count: int
    seed: int
    calibration: CalibrationName
    rows: tuple[TheatreRow, ...]
    resamples_count: int = 300
    rates_events_count: int = 0
    tellers_most_count: int = TELLERS_MOST_COUNT

    def __post_init__(self) -> None:
        """Check the limits."""
        require_between("events_count", self.events_count, 10, 1_000_000)
        require_between("calibration_events_count", self.calibration_events_count, 50, 1_000_000)
        require_between("rates_events_count", self.rates_events_count, 0, 1_000_000)
        require_between("tellers_most_count", self.tellers_most_count, 1, TELLERS_MOST_COUNT)


class TierFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered at one tier or a higher one, and how much of all cases is then named wrongly."""

    tier: str
    answered: Share
    false_of_all: Share


class BandFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is assessed between two true distances from the line."""

    low_m: float
    high_m: float
    answered: Share
    false_of_all: Share


class RowFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One theatre: figures at tier "assessed", by tier, by distance, sets, and why nobody was named."""

    row: TheatreRow
    figures: AttributionFigures
    tiers: tuple[TierFigures, ...]
    bands: tuple[BandFigures, ...]
    sets: tuple[SetFigures, ...]
    reason_counts: dict[str, int]
    account_counts: dict[str, int]
    false_account_counts: dict[str, int]


class CalibrationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One way to calibrate: what it did to the theatre without attack."""

    name: CalibrationName
    figures: AttributionFigures


class TheatreEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of one wish, the ways to calibrate side by side, and what events are made of.

    `teller_shares`: of how many impacts one tells the place, two do, three do.
    """

    wish: EvaluationWish
    parties: tuple[str, str]
    catalogue_version: str
    slope_ratio: float
    rates: LearnedRates | None
    item_counts: tuple[float, float, float]
    teller_shares: tuple[float, ...]
    calibrations: tuple[CalibrationFigures, ...]
    rows: tuple[RowFigures, ...]


class _Decided(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    row: TheatreRow
    theatre: Theatre
    decisions: Decisions


class _Fitted(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    calibrations: dict[CalibrationName, Calibration | None]
    neither: NeitherCalibration
    parts: PartCalibration
    set_log_odds: NDArray[np.float64]
    set_is_first: NDArray[np.bool_]
    slope_ratio: float


def evaluate_theatre(
    wish: EvaluationWish,
    catalogue: EvidenceCatalogue,
    *,
    say: Callable[[str], None],
    rates: LearnedRates | None = None,
) -> TheatreEvaluation:
    """Make theatres, decide every case, and hold the answers against what was so; `say` is told what is being done.

    `rates`: numbers of the catalogue learned before; a wish for rates of its own goes before them.
    """
    if wish.rates_events_count:
        say(f"learning rates from {wish.rates_events_count:,} events of their own")
        rates = learn_theatre_rates(wish, catalogue)
    plain = AttributionSettings(catalogue=catalogue)
    settings = plain if rates is None else with_rates(plain, rates)
    catalogue = settings.catalogue
    say(f"calibrating on {wish.calibration_events_count:,} events of their own")
    fitted = _fit(wish, catalogue)
    settings = _with(settings, fitted, wish.calibration)
    rows: list[RowFigures] = []
    days = theatre_days(TheatreWish(events_count=wish.events_count), np.random.default_rng((wish.seed, JUDGE)))
    calibrations: tuple[CalibrationFigures, ...] = ()
    item_counts = (math.nan, math.nan, math.nan)
    teller_shares: tuple[float, ...] = ()
    for number, row in enumerate(wish.rows, start=1):
        say(f"theatre {number} of {len(wish.rows)}: {row.name}, {wish.events_count:,} events")
        decided = _decided(row, wish, catalogue, purpose=JUDGE, days=days)
        rows.append(_judge(decided, fitted, settings=settings, wish=wish))
        if not calibrations and row == TheatreRow(name=row.name):
            calibrations = _compare(decided, fitted, settings=settings, wish=wish)
            counts = np.percentile([len(case.items) for case in decided.theatre.cases], (5.0, 50.0, 95.0))
            item_counts = (float(counts[0]), float(counts[1]), float(counts[2]))
            teller_shares = _teller_shares(decided.theatre)
    return TheatreEvaluation(
        wish=wish,
        parties=PARTIES,
        catalogue_version=catalogue.version,
        slope_ratio=fitted.slope_ratio,
        rates=rates,
        item_counts=item_counts,
        teller_shares=teller_shares,
        calibrations=calibrations,
        rows=tuple(rows),
    )


def _teller_shares(theatre: Theatre) -> tuple[float, ...]:
    """Give of how many impacts the place is told by one, by two, by three."""
    told = np.array([len(case.tellers) for case in theatre.cases if case.anchor == "impact"])
    return tuple(float(np.mean(told == count)) for count in range(1, TELLERS_MOST_COUNT + 1))


def _with(settings: AttributionSettings, fitted: _Fitted, name: CalibrationName) -> AttributionSettings:
    """Give settings calibrated in one way; `neither` and what stays without a part are fitted in all but "none"."""
    neither, parts = (None, None) if name == "none" else (fitted.neither, fitted.parts)
    return msgspec.structs.replace(settings, calibration=fitted.calibrations[name], neither=neither, parts=parts)


def _decided(
    row: TheatreRow,
    wish: EvaluationWish,
    catalogue: EvidenceCatalogue,
    *,
    purpose: int,
    days: tuple[Day, ...] | None = None,
) -> _Decided:
    """Make a theatre and decide its cases; `days`: those made before, but old drawings come with days of their own."""
    made = TheatreWish(
        events_count=wish.events_count if purpose == JUDGE else wish.calibration_events_count,
        own_side_probability=row.own_side_probability,
        notice_ratio=row.notice_ratio,
        attack=row.attack,
        tellers_most_count=wish.tellers_most_count,
    )
    known = None if row.attack == "back_dated_line" else days
    theatre = make_theatre(made, np.random.default_rng((wish.seed, purpose)), days=known)
    return _Decided(row=row, theatre=theatre, decisions=_decide(theatre, catalogue))


def _decide(theatre: Theatre, catalogue: EvidenceCatalogue) -> Decisions:
    cases = [with_place_rates(case, catalogue.place) for case in theatre.cases]
    return decide_cases(cases, theatre.fields, parties=theatre.parties, catalogue=catalogue)


def learn_theatre_rates(wish: EvaluationWish, catalogue: EvidenceCatalogue) -> LearnedRates:
    """Learn the catalogue's numbers from a theatre of its own, without attack."""
    asked = TheatreWish(events_count=wish.rates_events_count, tellers_most_count=wish.tellers_most_count)
    theatre = make_theatre(asked, np.random.default_rng((wish.seed, LEARN)))
    return learn_rates(
        catalogue,
        lambda tried: loss_nats(_decide(theatre, tried), theatre.responsible),
        item_types=tuple(sorted({item.item_type for case in theatre.cases for item in case.items})),
        case_count=int((theatre.responsible >= 0).sum()),
    )


def _fit(wish: EvaluationWish, catalogue: EvidenceCatalogue) -> _Fitted:
    """Fit every way to calibrate on one theatre, and take another for the limits of sets; both without attack."""
    plain = TheatreRow(name="to calibrate on")
    decided = _decided(plain, wish, catalogue, purpose=CALIBRATE)
    told, is_first = _labelled(decided)
    decisions = decided.decisions
    neither = posterior(decisions.log_likelihoods, decisions.log_priors)[:, NEITHER]
    set_log_odds, set_is_first = _labelled(_decided(plain, wish, catalogue, purpose=SETS))
    slope = fit_slope(told, is_first)
    return _Fitted(
        calibrations={
            "none": None,
            "slope": slope,
            "isotonic": fit_isotonic(told, is_first),
            "venn_abers": fit_venn_abers(told, is_first),
        },
        neither=fit_neither(neither, decisions.located_count, decided.theatre.responsible < 0),
        parts=_fit_parts(decided),
        set_log_odds=set_log_odds,
        set_is_first=set_is_first,
        slope_ratio=slope.slope_ratio,
    )


def _fit_parts(decided: _Decided) -> PartCalibration:
    """Fit the maps of what stays without a part; the parts of a case weigh one case together."""
    decisions, owners = decided.decisions, decided.decisions.group_owners
    log_priors, responsible = decisions.log_priors[owners], decided.theatre.responsible[owners]
    weights = 1.0 / np.diff(decisions.group_starts)[owners]
    told = log_odds_of(decisions.group_log_likelihoods, log_priors)
    neither = posterior(decisions.group_log_likelihoods, log_priors)[:, NEITHER]
    known = responsible >= 0
    parties = fit_slope(told[known], responsible[known] == 0, weights=weights[known])
    of_neither = fit_neither(neither, decisions.located_count[owners], responsible < 0, weights=weights)
    return PartCalibration(
        parties=msgspec.structs.replace(parties, case_count=int((decided.theatre.responsible >= 0).sum())),
        neither=msgspec.structs.replace(of_neither, case_count=len(decisions)),
    )


def _labelled(decided: _Decided) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give log-odds and whether the first party did it, of cases that a party did."""
    known = decided.theatre.responsible >= 0
    return decided.decisions.log_odds_ratio[known], decided.theatre.responsible[known] == 0


def _judge(decided: _Decided, fitted: _Fitted, *, settings: AttributionSettings, wish: EvaluationWish) -> RowFigures:
    theatre, decisions = decided.theatre, decided.decisions
    tiers = tiers_of(decisions, settings)
    named = np.where(tiers.tier >= TIERS.index("assessed"), tiers.party, -1)
    answers = Answers(
        probabilities=tiers.probabilities[:, :2],
        log_odds_ratio=decisions.log_odds_ratio,
        named=named,
        responsible=theatre.responsible,
    )
    wrong = (named >= 0) & (named != theatre.responsible)
    accounts = np.array(theatre.accounts)
    return RowFigures(
        row=decided.row,
        figures=_figures(answers, wish),
        tiers=tuple(_at_tier(tiers, theatre, index) for index in range(1, len(TIERS))),
        bands=_bands(theatre, named, wrong),
        sets=_sets(theatre, decisions, fitted),
        reason_counts=_counts(np.array(tiers.reasons)[named < 0]),
        account_counts=_counts(accounts),
        false_account_counts=_counts(accounts[wrong]),
    )


def _figures(answers: Answers, wish: EvaluationWish) -> AttributionFigures:
    chance = np.random.default_rng((wish.seed, RESAMPLE))
    return evaluate_answers(answers, chance=chance, resamples_count=wish.resamples_count)


def _at_tier(tiers: Tiers, theatre: Theatre, index: int) -> TierFigures:
    reached = tiers.tier >= index
    return TierFigures(
        tier=TIERS[index],
        answered=share_of(reached),
        false_of_all=share_of(reached & (tiers.party != theatre.responsible)),
    )


def _bands(theatre: Theatre, named: NDArray[np.int64], wrong: NDArray[np.bool_]) -> tuple[BandFigures, ...]:
    made = []
    for low_m, high_m in itertools.pairwise(DISTANCE_EDGES_M):
        inside = (theatre.line_distance_m >= low_m) & (theatre.line_distance_m < high_m)
        made.append(
            BandFigures(
                low_m=low_m,
                high_m=high_m,
                answered=share_of(named[inside] >= 0),
                false_of_all=share_of(wrong[inside]),
            )
        )
    return tuple(made)


def _sets(theatre: Theatre, decisions: Decisions, fitted: _Fitted) -> tuple[SetFigures, ...]:
    """Hold sets against the doers, on log-odds before calibration: a rising map would not change any set."""
    made = []
    for probability in LEFT_OUT_PROBABILITIES:
        sets = fit_conformal(fitted.set_log_odds, fitted.set_is_first, left_out_probability=probability)
        flags = sets.sets(decisions.log_odds_ratio)
        made.append(evaluate_sets(flags, theatre.responsible, sets=sets))
    return tuple(made)


def _compare(
    decided: _Decided, fitted: _Fitted, *, settings: AttributionSettings, wish: EvaluationWish
) -> tuple[CalibrationFigures, ...]:
    """Calibrate the same decisions in every way; named is the likelier party from .95 on, without the other gates."""
    made, decisions = [], decided.decisions
    for name in fitted.calibrations:
        changed = _with(settings, fitted, name)
        probabilities, _ = responsibility(decisions, decisions.log_likelihoods, decisions.log_priors, settings=changed)
        parties = probabilities[:, :2]
        sure = parties.max(axis=1) >= settings.catalogue.gates.assessed.number
        answers = Answers(
            probabilities=parties,
            log_odds_ratio=decisions.log_odds_ratio,
            named=np.where(sure, np.argmax(parties, axis=1), -1),
            responsible=decided.theatre.responsible,
        )
        made.append(CalibrationFigures(name=name, figures=_figures(answers, wish)))
    return tuple(made)


def _counts(names: NDArray[np.str_]) -> dict[str, int]:
    found, counts = np.unique(names, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(found[index]): int(counts[index]) for index in order.tolist()}
