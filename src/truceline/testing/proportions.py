"""Shares with their intervals, probabilities held against what was so, and histograms: what every figure is made of."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Edges = tuple[float, ...]
"""Limits of bins, in the unit that the field which holds the histogram is named after."""

CONFIDENCE_DEVIATE_RATIO = 1.959963984540054
"""Standard normal deviate that leaves 2.5 % above it: every interval here is one of 95 %."""

LOG_LOSS_FLOOR_PROBABILITY = 1e-6
"""Probabilities are held this far from 0 and 1 in the logarithmic loss: one sure error costs 13.8 nats."""

RELIABILITY_EDGES_PROBABILITY = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Edges of the bins of claimed probability: narrow towards 1, where most claims are made."""


class Proportion(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many, with the 95 % interval of the share behind it; shares of nothing are `None`."""

    part_count: int
    whole_count: int
    share: float | None
    low_share: float | None
    high_share: float | None


def proportion(part_count: int, whole_count: int) -> Proportion:
    """Make a proportion with its 95 % interval after Wilson 1927, J. Am. Stat. Assoc. 22, 209-212."""
    assert 0 <= part_count <= whole_count, f"part_count={part_count} is outside [0, {whole_count}]"
    if whole_count == 0:
        return Proportion(part_count=0, whole_count=0, share=None, low_share=None, high_share=None)
    low, high = wilson_interval(part_count, whole_count)
    return Proportion(
        part_count=int(part_count),
        whole_count=int(whole_count),
        share=part_count / whole_count,
        low_share=low,
        high_share=high,
    )


def proportion_of(flags: ArrayLike) -> Proportion:
    """Make the proportion of flags that are set."""
    known = np.asarray(flags, dtype=np.bool_)
    return proportion(int(known.sum()), known.size)


def wilson_interval(part_count: int, whole_count: int) -> tuple[float, float]:
    """Give the 95 % interval of a share: all `p` with `|part/n - p| <= z sqrt(p (1 - p) / n)` (Wilson 1927)."""
    z2 = CONFIDENCE_DEVIATE_RATIO**2
    share = part_count / whole_count
    middle = share + z2 / (2.0 * whole_count)
    half = CONFIDENCE_DEVIATE_RATIO * math.sqrt(
        share * (1.0 - share) / whole_count + z2 / (4.0 * whole_count * whole_count)
    )
    scale = 1.0 + z2 / whole_count
    low = 0.0 if part_count == 0 else (middle - half) / scale
    high = 1.0 if part_count == whole_count else (middle + half) / scale
    return low, high


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Precision, recall and their harmonic mean F1, each with its 95 % interval."""

    matched_count: int
    false_count: int
    missed_count: int
    precision: Proportion
    recall: Proportion
    f1_ratio: float | None
    f1_low_ratio: float | None
    f1_high_ratio: float | None


def agreement(matched_count: int, *, false_count: int, missed_count: int) -> Agreement:
    """Count how far two lists agree.

    `F1 = 2 M / (2 M + F + N)` for matched, false and missed (van Rijsbergen 1979). With the share `J = M / (M + F + N)`
    (Jaccard) it is `2 J / (1 + J)`, which rises with J: so the Wilson interval of J gives that of F1.
    """
    every_count = matched_count + false_count + missed_count
    joint = proportion(matched_count, every_count)
    f1 = [None if share is None else 2.0 * share / (1.0 + share) for share in _shares(joint)]
    return Agreement(
        matched_count=int(matched_count),
        false_count=int(false_count),
        missed_count=int(missed_count),
        precision=proportion(matched_count, matched_count + false_count),
        recall=proportion(matched_count, matched_count + missed_count),
        f1_ratio=f1[0],
        f1_low_ratio=f1[1],
        f1_high_ratio=f1[2],
    )


def _shares(of: Proportion) -> tuple[float | None, float | None, float | None]:
    return of.share, of.low_share, of.high_share


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of about one probability, in [low, high), 1 included: the mean claim, and how often it was so."""

    low_probability: float
    high_probability: float
    mean_probability: float | None
    observed: Proportion


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Claimed probabilities against what was so.

    `brier_ratio` is the mean of `(p - y)^2` (Brier 1950, Mon. Weather Rev. 78, 1), `log_loss_ratio` that of
    `-ln p(y)` in nats (Good 1952), `bias_ratio` the mean claim less the share that was so: above 0 is overconfident.
    `unit_brier_ratio` is the Brier mean of always claiming the overall share, which a useful claim must beat.
    """

    claim_count: int
    observed: Proportion
    mean_probability: float | None
    brier_ratio: float | None
    unit_brier_ratio: float | None
    log_loss_ratio: float | None
    bias_ratio: float | None
    bins: tuple[ReliabilityBin, ...]


def calibration(claimed: Floats, was_so: Flags) -> Calibration:
    """Hold probabilities, shape (claims,), against what was so, shape (claims,); `nan` claims are left out."""
    known = np.isfinite(claimed)
    claims, outcome = claimed[known], was_so[known]
    observed = proportion_of(outcome)
    edges = np.asarray(RELIABILITY_EDGES_PROBABILITY)
    number = np.clip(np.searchsorted(edges, claims, side="right") - 1, 0, edges.size - 2)
    bins = tuple(
        ReliabilityBin(
            low_probability=float(edges[index]),
            high_probability=float(edges[index + 1]),
            mean_probability=mean_of(claims[number == index]),
            observed=proportion_of(outcome[number == index]),
        )
        for index in range(edges.size - 1)
    )
    held = np.clip(claims, LOG_LOSS_FLOOR_PROBABILITY, 1.0 - LOG_LOSS_FLOOR_PROBABILITY)
    mean, share = mean_of(claims), observed.share
    return Calibration(
        claim_count=int(claims.size),
        observed=observed,
        mean_probability=mean,
        brier_ratio=mean_of((claims - outcome) ** 2),
        unit_brier_ratio=None if share is None else share * (1.0 - share),
        log_loss_ratio=mean_of(-np.log(np.where(outcome, held, 1.0 - held))),
        bias_ratio=None if mean is None or share is None else mean - share,
        bins=bins,
    )


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Counts between edges, one edge more than counts, and the counts that theory expects, empty where there is none.

    What lies outside the edges is counted in the first and the last bin, so that nothing is left out.
    """

    edges: Edges
    bin_counts: tuple[int, ...]
    expected_counts: tuple[float, ...] = ()


def histogram(values: Floats, edges: Floats, cumulative: Floats | None = None) -> Histogram:
    """Count finite values between edges; `cumulative` is the theory's probability of being below each edge."""
    known = values[np.isfinite(values)]
    counts, _ = np.histogram(np.clip(known, edges[0], edges[-1]), edges)
    expected: tuple[float, ...] = ()
    if cumulative is not None:
        below = np.r_[0.0, cumulative[1:-1], 1.0]
        expected = tuple((known.size * np.diff(below)).tolist())
    return Histogram(edges=tuple(edges.tolist()), bin_counts=tuple(counts.tolist()), expected_counts=expected)


def mean_of(values: Floats) -> float | None:
    """Give the mean, or `None` of nothing."""
    return float(values.mean()) if values.size else None


def quantile_of(values: Floats, level_share: float) -> float | None:
    """Give a quantile (linear between order statistics, as NumPy has it), or `None` of nothing."""
    return float(np.quantile(values, level_share)) if values.size else None
