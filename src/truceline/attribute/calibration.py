"""From log-odds to probabilities that hold what they say, and sets with a guarantee; all of it symmetric.

Every labelled case is used twice, as it is and with the parties exchanged: (s, y) and (-s, 1 - y). So no map can learn
that one party is usually responsible: each is antisymmetric, `map(-s) = -map(s)`, bit for bit.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from truceline.attribute.layout import Flags, Floats, Integers
from truceline.model.quantity import require_between

SLOPE_LEAST_RATIO, SLOPE_MOST_RATIO = 0.01, 100.0
"""Limits of a fitted slope; outside there is nothing to calibrate."""

STEP_LEAST_RATIO = 1e-10
"""A step of a fit that is no longer than this is not halved again."""

LOCATED_MOST_COUNT = 3
"""From so many on, the number of sources that located a launch says no more of whether anybody fired."""


def mirrored(log_odds_ratio: Floats, is_first: Flags) -> tuple[Floats, Floats]:
    """Give every case and its mirror image: log-odds and labels (1 first party, 0 second)."""
    labels = np.asarray(is_first, dtype=np.float64)
    return np.concatenate([log_odds_ratio, -log_odds_ratio]), np.concatenate([labels, 1.0 - labels])


def probability_of_first(log_odds_ratio: Floats) -> Floats:
    """Give `1 / (1 + exp(-s))`, without overflow."""
    size = np.exp(-np.abs(log_odds_ratio))
    return np.asarray(np.where(log_odds_ratio >= 0.0, 1.0, size) / (1.0 + size))


class SlopeCalibration(msgspec.Struct, frozen=True, kw_only=True, tag="slope"):
    """Log-odds times one number; no intercept, which would say that one party is usually responsible."""

    slope_ratio: float
    case_count: int

    def __post_init__(self) -> None:
        """Check that the slope keeps the order of cases."""
        require_between("slope_ratio", self.slope_ratio, SLOPE_LEAST_RATIO, SLOPE_MOST_RATIO)

    def apply(self, log_odds_ratio: Floats) -> Floats:
        """Give calibrated log-odds."""
        return np.asarray(self.slope_ratio * log_odds_ratio)

    @property
    def title(self) -> str:
        """What a record says of how its probabilities came about."""
        return f"slope {self.slope_ratio:.3f} from {self.case_count} labelled cases, mirrored"


class IsotonicCalibration(msgspec.Struct, frozen=True, kw_only=True, tag="isotonic"):
    """A rising map through knots at log-odds not below 0 (probabilities not below one half), mirrored below."""

    knot_log_ratios: tuple[float, ...]
    knot_probability: tuple[float, ...]
    case_count: int

    def __post_init__(self) -> None:
        """Check that the map rises and never reaches certainty."""
        if len(self.knot_log_ratios) != len(self.knot_probability) or not self.knot_log_ratios:
            raise ValueError(f"knots={len(self.knot_log_ratios)} do not go with {len(self.knot_probability)}")
        steps = np.diff(np.array([(0.0, 0.5), *zip(self.knot_log_ratios, self.knot_probability, strict=True)]), axis=0)
        if (steps < 0.0).any() or self.knot_probability[-1] >= 1.0:
            raise ValueError("knots do not rise from (0, 0.5) to below 1")

    def apply(self, log_odds_ratio: Floats) -> Floats:
        """Give calibrated log-odds: between knots linear in the probability."""
        probability = np.interp(np.abs(log_odds_ratio), (0.0, *self.knot_log_ratios), (0.5, *self.knot_probability))
        return np.asarray(np.sign(log_odds_ratio) * np.log(probability / (1.0 - probability)))

    @property
    def title(self) -> str:
        """What a record says of how its probabilities came about."""
        return f"isotonic from {self.case_count} labelled cases, mirrored"


class VennAbersCalibration(msgspec.Struct, frozen=True, kw_only=True, tag="venn_abers"):
    """Isotonic regressions with the case added under either label (Vovk and Petej 2014); keeps the labelled cases."""

    log_ratios: tuple[float, ...]
    first_flags: tuple[bool, ...]

    def apply(self, log_odds_ratio: Floats) -> Floats:
        """Give calibrated log-odds of `p1 / (1 - p0 + p1)` (eq. 3), the mirror image of each case added with it."""
        from truceline.attribute.monotone import venn_abers_pairs

        known, labels = mirrored(np.array(self.log_ratios), np.array(self.first_flags))
        order = np.argsort(known, kind="stable")
        size = np.abs(np.atleast_1d(log_odds_ratio))
        pairs = venn_abers_pairs(known[order], labels[order], size)
        against, toward = 1.0 - pairs[:, 0], pairs[:, 1]
        with np.errstate(divide="ignore"):
            calibrated = np.log(np.maximum(toward, 1e-12)) - np.log(np.maximum(against, 1e-12))
        calibrated = np.where(size == 0.0, 0.0, np.maximum(calibrated, 0.0))
        return np.asarray(np.sign(np.atleast_1d(log_odds_ratio)) * calibrated).reshape(np.shape(log_odds_ratio))

    @property
    def title(self) -> str:
        """What a record says of how its probabilities came about."""
        return f"Venn-Abers from {len(self.log_ratios)} labelled cases, mirrored"


Calibration = SlopeCalibration | IsotonicCalibration | VennAbersCalibration


def fit_slope(log_odds_ratio: Floats, is_first: Flags, *, weights: Floats | None = None) -> SlopeCalibration:
    """Fit the slope of a logistic regression without intercept by Newton's method (Platt 1999, b = 0).

    With labels turned into signs t = +-1 the loss is `sum w ln(1 + exp(-k t s))`, convex in k; mirroring doubles it.
    """
    toward = np.where(np.asarray(is_first, dtype=np.bool_), 1.0, -1.0) * log_odds_ratio
    weights = np.ones(len(toward)) if weights is None else weights
    slope_ratio = 1.0
    for _ in range(100):
        wrong = probability_of_first(-slope_ratio * toward)
        gradient = -float(np.sum(weights * wrong * toward)) + 1e-3 * (slope_ratio - 1.0)
        curvature = float(np.sum(weights * wrong * (1.0 - wrong) * toward**2)) + 1e-3
        step = max(-0.5 * slope_ratio, min(2.0, -gradient / curvature))
        slope_ratio = min(SLOPE_MOST_RATIO, max(SLOPE_LEAST_RATIO, slope_ratio + step))
        if abs(step) < 1e-12:
            break
    return SlopeCalibration(slope_ratio=slope_ratio, case_count=len(toward))


def fit_isotonic(log_odds_ratio: Floats, is_first: Flags) -> IsotonicCalibration:
    """Fit a rising step function to mirrored cases (Ayer et al. 1955); its steps become knots at their mean log-odds.

    With n cases no probability passes `(n + 1) / (n + 2)`: so many cases cannot show more (rule of succession).
    """
    from truceline.attribute.monotone import pool_adjacent

    known, labels = mirrored(log_odds_ratio, is_first)
    order = np.argsort(known, kind="stable")
    fitted = pool_adjacent(known[order], labels[order])
    count = len(log_odds_ratio)
    upper = slice(count, 2 * count)
    values = np.clip(fitted[upper], 0.5, (count + 1.0) / (count + 2.0))
    levels, starts = np.unique(values, return_index=True)
    means = [float(block.mean()) for block in np.split(np.maximum(known[order][upper], 0.0), starts[1:])]
    return IsotonicCalibration(
        knot_log_ratios=tuple(means), knot_probability=tuple(float(level) for level in levels), case_count=count
    )


def fit_venn_abers(log_odds_ratio: Floats, is_first: Flags) -> VennAbersCalibration:
    """Keep labelled cases for Venn-Abers calibration."""
    return VennAbersCalibration(
        log_ratios=tuple(float(entry) for entry in log_odds_ratio), first_flags=tuple(bool(entry) for entry in is_first)
    )


class NeitherCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """Log-odds of `neither` against both parties together, times one number plus another; the same for either party.

    What is added, `shift_log_ratios`, goes by how many sources located a launch, whomever they speak for: none, one,
    two, three or more (`LOCATED_MOST_COUNT`). What nobody saw fired was oftener fired by nobody.
    """

    slope_ratio: float
    shift_log_ratios: tuple[float, float, float, float]
    case_count: int

    def __post_init__(self) -> None:
        """Check that the slope keeps the order of cases."""
        require_between("slope_ratio", self.slope_ratio, SLOPE_LEAST_RATIO, SLOPE_MOST_RATIO)

    def apply(self, probability: Floats, located_count: Integers) -> Floats:
        """Give the calibrated probability that neither party did it."""
        shift_log_ratio = np.array(self.shift_log_ratios)[np.minimum(located_count, LOCATED_MOST_COUNT)]
        return probability_of_first(self.slope_ratio * _log_odds_within(probability) + shift_log_ratio)

    @property
    def title(self) -> str:
        """What a record says of how the probability of `neither` came about."""
        shifts = ", ".join(f"{shift:.3f}" for shift in self.shift_log_ratios)
        fitted = f"slope {self.slope_ratio:.3f}, shift by located launches {shifts}"
        return f"neither: {fitted} from {self.case_count} labelled cases"


def _log_odds_within(probability: Floats) -> Floats:
    held = np.clip(probability, 1e-12, 1.0 - 1e-12)
    return np.asarray(np.log(held) - np.log1p(-held))


def fit_neither(
    probability: Floats, located_count: Integers, is_neither: Flags, *, weights: Floats | None = None
) -> NeitherCalibration:
    """Fit slope and shifts of `neither` by logistic regression (Platt 1999), held lightly to slope 1 and shift 0.

    A case and its mirror image say the same of `neither`, so the fit knows no party. A step of Newton's method that
    would raise the loss is halved until it does not: whole steps can go to and fro for ever.
    """
    classes_count = LOCATED_MOST_COUNT + 1
    is_of_class = np.minimum(located_count, LOCATED_MOST_COUNT)[:, np.newaxis] == np.arange(classes_count)
    rows = np.column_stack([_log_odds_within(probability), is_of_class])
    labels, start = np.asarray(is_neither, dtype=np.float64), np.array([1.0, *np.zeros(classes_count)])
    weights = np.ones(len(rows)) if weights is None else weights

    def loss(tried: Floats) -> float:
        claimed = rows @ tried
        misfit = np.logaddexp(0.0, claimed) - labels * claimed
        return float(np.sum(weights * misfit) + 0.5 * np.sum((tried - start) ** 2))

    found = start
    for _ in range(100):
        claimed = probability_of_first(rows @ found)
        gradient = rows.T @ (weights * (claimed - labels)) + (found - start)
        curvature = (rows * (weights * claimed * (1.0 - claimed))[:, np.newaxis]).T @ rows + np.eye(len(start))
        step = np.linalg.solve(curvature, gradient)
        while loss(found - step) > loss(found) and float(np.abs(step).max()) > STEP_LEAST_RATIO:
            step = 0.5 * step
        found = found - step
    none, one, two, more = (float(shift) for shift in found[1:])
    return NeitherCalibration(
        slope_ratio=min(SLOPE_MOST_RATIO, max(SLOPE_LEAST_RATIO, float(found[0]))),
        shift_log_ratios=(none, one, two, more),
        case_count=len(rows),
    )


class PartCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """The maps of what stays where one part is taken out, fitted on just that: every case once, its parts alike."""

    parties: SlopeCalibration
    neither: NeitherCalibration

    @property
    def title(self) -> str:
        """What a record says of how probabilities without a part came about."""
        return f"without a part: {self.parties.title}, {self.neither.title}"


class ConformalSets(msgspec.Struct, frozen=True, kw_only=True):
    """Which parties cannot be left out, such that each is wrongly left out in at most the stated share of its cases.

    `limit_log_ratio` is infinite where there are too few labelled cases for the promise: then none is ever left out.
    """

    limit_log_ratio: float
    left_out_probability: float
    case_count: int

    def sets(self, log_odds_ratio: Floats) -> Flags:
        """Give (cases, 2): whether the first and the second party stay possible."""
        return np.column_stack([-log_odds_ratio <= self.limit_log_ratio, log_odds_ratio <= self.limit_log_ratio])


def fit_conformal(log_odds_ratio: Floats, is_first: Flags, *, left_out_probability: float) -> ConformalSets:
    """Fit label-conditional split-conformal sets on mirrored cases (Vovk 2012; Angelopoulos and Bates 2023, eq. 1).

    How little a case speaks for its own party is pooled over both; the limit is the `ceil((n + 1)(1 - a))`-th of n.
    """
    require_between("left_out_probability", left_out_probability, 1e-6, 0.5)
    against = np.sort(np.where(np.asarray(is_first, dtype=np.bool_), -log_odds_ratio, log_odds_ratio))
    rank_count = math.ceil((len(against) + 1) * (1.0 - left_out_probability) - 1e-9)
    limit = float(against[rank_count - 1]) if rank_count <= len(against) else math.inf
    return ConformalSets(limit_log_ratio=limit, left_out_probability=left_out_probability, case_count=len(against))
