"""The factors of a finding, each as an interval: what is known of it, and what it may be at most.

A factor that is known has both ends equal. One that cannot be told is 0 to 1. Their products are the two ends between
which the probability lies that a clause was touched; factors are multiplied because position, time, kind of weapon and
party are told by different observations, whose errors are taken as independent.
"""

from __future__ import annotations

import msgspec
import numpy as np

from truceline.assess.columns import Bools, Floats, Longs
from truceline.assess.finding_columns import REASONS, lacking_bit

NEGLIGIBLE_PROBABILITY = 1e-3
"""A clause that an event touches less probably than this is not touched by it. Basis: choice."""

UNTOLD_MOST_RATIO = 0.05
"""Where what cannot be told makes up more than this part of the most it can be, nothing is said but what is lacking."""


class Interval(msgspec.Struct, eq=False):
    """For each candidate row, the product of the factors so far: its two ends, what is lacking, why it is nothing.

    It is filled in place while one clause is held against one stretch of events, and read once.
    """

    low: Floats
    high: Floats
    lacking: Longs
    reason: Longs

    def times(self, low: Floats | float, high: Floats | float, *, lacking: str, reason: str) -> None:
        """Take one more factor in; the first factor that is nothing gives the reason."""
        wide = np.asarray(low < np.asarray(high) * (1.0 - UNTOLD_MOST_RATIO))
        self.lacking |= np.where(wide, lacking_bit(lacking), 0)
        nothing = (np.asarray(high) < NEGLIGIBLE_PROBABILITY) & (self.reason == 0)
        self.reason[nothing] = REASONS.index(reason)
        self.low *= low
        self.high *= high

    @property
    def is_nothing(self) -> Bools:
        """Which rows the clause does not touch."""
        nothing: Bools = self.high < NEGLIGIBLE_PROBABILITY
        return nothing

    @property
    def is_untold(self) -> Bools:
        """Of which rows it cannot be told whether the clause is touched."""
        untold: Bools = ~self.is_nothing & (self.low < self.high * (1.0 - UNTOLD_MOST_RATIO))
        return untold


def start_interval(probability: Floats) -> Interval:
    """Begin with one factor that is known."""
    count = len(probability)
    return Interval(
        low=probability.copy(),
        high=probability.copy(),
        lacking=np.zeros(count, dtype=np.int64),
        reason=np.zeros(count, dtype=np.int64),
    )
