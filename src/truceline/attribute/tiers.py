"""Which tier a case reaches and why not a higher one; confidence stands apart from probability."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from truceline.attribute.calibration import probability_of_first
from truceline.attribute.decide import Decisions, log_odds_of, posterior, prior_with
from truceline.attribute.layout import NEITHER, Flags, Floats, Integers
from truceline.attribute.settings import AttributionSettings
from truceline.model.attribution import Confidence, Tier

TIERS: tuple[Tier, ...] = ("undetermined", "indicated", "assessed", "assessed_high")

REASON_WITHDRAWN = "event withdrawn: part of another event"
REASON_THERMAL_ONLY = "fire of unknown cause"
REASON_NOT_TOLD = "outgoing or impact not determined"
REASON_IMPRECISE = "place too imprecise"
REASON_NO_LINE = "no contact line for that day"
REASON_STALE_LINE = "contact line too old"
REASON_NEAR_LINE = "too near the contact line"
REASON_CONFLICT = "evidence conflicts"
REASON_PRIOR = "turns with the share of own-ground events"
REASON_OPEN_SET = "neither party can be left out at the stated error"
REASON_BELOW_THRESHOLD = "below threshold"
REASON_INDICATED = "ground held by the other party"
REASON_INDICATED_OUTGOING = "ground held by the party"
REASON_INDICATED_EVIDENCE = "evidence as in the ledger"
REASON_ASSESSED = "holds without any one source"
REASON_ASSESSED_HIGH = "two located origins of different custody"

SENSITIVITY_POINTS_COUNT = 3


class Tiers(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Answers of a batch in columns.

    `probabilities`: (cases, 3), first party, second party, neither. `tier`: index into `TIERS`. `party`: 0, 1, or -1
    where undetermined; `leader` likewise whatever the tier, -1 where both are equal. `without`: (groups) probability of
    the leader with the group taken out. `direct_count`: clusters that locate the launch on the leader's ground, by
    different operators. `set_flags`: (cases, 2), parties that cannot be left out. `sensitivity`: (cases, points, 3).
    """

    probabilities: Floats
    calibrated_log_odds: Floats
    tier: Integers
    party: Integers
    leader: Integers
    without: Floats
    least_without: Floats
    direct_count: Integers
    conflicts: Flags
    set_flags: Flags
    own_side_probability: tuple[float, ...]
    sensitivity: Floats
    reasons: tuple[str, ...]

    def confidence(self, index: int) -> tuple[Confidence, str]:
        """Give analytic confidence in one answer and what it rests on; it is no probability."""
        return confidence_of(
            int(self.direct_count[index]), bool(self.conflicts[index]), holds=bool(self.least_without[index] >= 0.8)
        )


def responsibility(
    decisions: Decisions,
    log_likelihoods: Floats,
    log_prior: Floats,
    *,
    settings: AttributionSettings,
    owners: Integers | None = None,
) -> tuple[Floats, Floats]:
    """Give (rows, 3) probabilities of first party, second party and neither, and the calibrated log-odds.

    Calibration changes how much is `neither`, by a map of its own, and how the parties share the rest. `owners`: the
    case of every row, where rows are not the cases themselves.
    """
    neither = posterior(log_likelihoods, log_prior)[..., NEITHER]
    if settings.neither is not None:
        located_count = decisions.located_count
        neither = settings.neither.apply(neither, located_count if owners is None else located_count[owners])
    raw = log_odds_of(log_likelihoods, log_prior)
    calibrated = raw if settings.calibration is None else settings.calibration.apply(raw)
    first, second = probability_of_first(calibrated), probability_of_first(-calibrated)
    return np.stack([(1.0 - neither) * first, (1.0 - neither) * second, neither], axis=-1), calibrated


def tiers_of(decisions: Decisions, settings: AttributionSettings) -> Tiers:
    """Give the answer of every case by the gates of the catalogue."""
    probabilities, calibrated = responsibility(
        decisions, decisions.log_likelihoods, decisions.log_priors, settings=settings
    )
    first, second = probabilities[:, 0], probabilities[:, 1]
    leader = np.where(first > second, 0, np.where(second > first, 1, -1)).astype(np.int64)
    lead = np.maximum(first, second)
    owners = decisions.group_owners
    group_probabilities, _ = responsibility(
        decisions,
        decisions.group_log_likelihoods,
        decisions.log_priors[owners],
        settings=settings.without_a_part,
        owners=owners,
    )
    without = np.where(leader[owners] == 1, group_probabilities[:, 1], group_probabilities[:, 0])
    least = np.ones(len(decisions))
    np.minimum.at(least, owners, without)
    least = np.where(np.diff(decisions.group_starts) > 0, least, 0.0)
    direct_count, conflicts = _direct(decisions, leader, settings)
    points, sensitivity = _sensitivity(decisions, settings)
    turns = _turns(sensitivity, leader)
    set_flags, open_set = _sets(calibrated, settings)
    gates = settings.catalogue.gates
    near = _rests_on_line(decisions, settings)
    tier = np.zeros(len(decisions), dtype=np.int64)
    tier[(lead >= gates.indicated.number) & (leader >= 0) & ~turns & ~open_set & ~near] = 1
    firm = (tier == 1) & (lead >= gates.assessed.number) & (least >= gates.robust.number) & (direct_count >= 1)
    tier[firm] = 2
    tier[firm & (direct_count >= 2)] = 3
    found = _Found(lead=lead, near=near, turns=turns, open_set=open_set, conflicts=conflicts, tier=tier)
    return Tiers(
        probabilities=probabilities,
        calibrated_log_odds=calibrated,
        tier=tier,
        party=np.where(tier > 0, leader, -1),
        leader=leader,
        without=without,
        least_without=least,
        direct_count=direct_count,
        conflicts=conflicts,
        set_flags=set_flags,
        own_side_probability=points,
        sensitivity=sensitivity,
        reasons=tuple(_reason(found, index, gates.indicated.number) for index in range(len(decisions))),
    )


def _sets(calibrated: Floats, settings: AttributionSettings) -> tuple[Flags, Flags]:
    """Give the parties that cannot be left out, and where both or none are; without labelled cases nothing is said."""
    if settings.conformal is None:
        return np.ones((len(calibrated), 2), dtype=np.bool_), np.zeros(len(calibrated), dtype=np.bool_)
    flags = settings.conformal.sets(calibrated)
    return flags, np.asarray(flags.all(axis=1) | ~flags.any(axis=1))


class _Found(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    lead: Floats
    near: Flags
    turns: Flags
    open_set: Flags
    conflicts: Flags
    tier: Integers


def _reason(found: _Found, index: int, indicated_probability: float) -> str:
    """Give what decided: for a tier what it rests on, for undetermined the first gate that was not passed."""
    tier = int(found.tier[index])
    if tier:
        return (REASON_INDICATED_EVIDENCE, REASON_ASSESSED, REASON_ASSESSED_HIGH)[tier - 1]
    checks = (
        (found.near[index], REASON_NEAR_LINE),
        (found.lead[index] < indicated_probability and found.conflicts[index], REASON_CONFLICT),
        (found.lead[index] >= indicated_probability and found.turns[index], REASON_PRIOR),
        (found.lead[index] >= indicated_probability and found.open_set[index], REASON_OPEN_SET),
    )
    return next((reason for holds, reason in checks if holds), REASON_BELOW_THRESHOLD)


def _direct(decisions: Decisions, leader: Integers, settings: AttributionSettings) -> tuple[Integers, Flags]:
    """Count clusters that by themselves locate the launch on the leader's ground; say where clusters contradict.

    Two clusters of the same operators count as one: they are not of different custody.
    """
    strong = math.log(settings.catalogue.gates.direct.number)
    counts, conflicts = np.zeros(len(decisions), dtype=np.int64), np.zeros(len(decisions), dtype=np.bool_)
    starts = decisions.cluster_starts.tolist()
    alone, origin = decisions.alone.tolist(), decisions.alone_origin.tolist()
    for index, (found, lead) in enumerate(zip(decisions.sorted, leader.tolist(), strict=True)):
        sign = 1.0 if lead == 0 else -1.0
        low, high = False, False
        custody: set[frozenset[str]] = set()
        for place, cluster in enumerate(found.clusters, starts[index]):
            high = high or alone[place] >= strong
            low = low or alone[place] <= -strong
            if lead >= 0 and sign * origin[place] >= strong and cluster.direct:
                custody.add(cluster.direct_operators)
        counts[index] = len(custody)
        conflicts[index] = low and high
    return counts, conflicts


def _rests_on_line(decisions: Decisions, settings: AttributionSettings) -> Flags:
    """Say where only the place speaks of the ground, and the line is too near to tell whose it is."""
    direct = np.array([any(cluster.direct for cluster in found.clusters) for found in decisions.sorted], dtype=np.bool_)
    holds = np.maximum(decisions.holds_probability, 1.0 - decisions.holds_probability)
    return np.asarray(~direct & (holds < settings.catalogue.place.decisive.number))


def _sensitivity(decisions: Decisions, settings: AttributionSettings) -> tuple[tuple[float, ...], Floats]:
    """Give the probabilities under the lowest, the held and the highest share of own-ground events."""
    priors = settings.catalogue.priors
    points = (priors.own_side_low.number, priors.own_side.number, priors.own_side_high.number)
    rows = [
        responsibility(
            decisions,
            decisions.log_likelihoods,
            prior_with(settings.catalogue, own_side_probability=point, log_prior=decisions.log_priors),
            settings=settings,
        )[0]
        for point in points
    ]
    return points, np.stack(rows, axis=1)


def _turns(sensitivity: Floats, leader: Integers) -> Flags:
    """Say where another share of own-ground events would turn the answer to the other party."""
    ahead = sensitivity[:, :, 0] - sensitivity[:, :, 1]
    sign = np.where(leader == 1, -1.0, 1.0)[:, np.newaxis]
    return np.asarray((ahead * sign <= 0.0).any(axis=1))


def confidence_of(direct_count: int, conflicts: bool, *, holds: bool) -> tuple[Confidence, str]:
    """Give low, moderate or high by the grounds: how many located origins, whether they agree, what any one carries."""
    if conflicts:
        return "low", "sources contradict each other"
    if direct_count >= 2 and holds:
        return "high", "two or more located origins of different custody agree"
    if direct_count >= 1 and holds:
        return "moderate", "one located origin, and the answer holds without any one source"
    words: Literal["rests on one source", "no origin was located"] = (
        "rests on one source" if direct_count else "no origin was located"
    )
    return "low", words
