"""Did the truce hold, per domain: the verdict with its interval, its evidence and whose claims it rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Verdict = Literal["held", "reduced", "not_held", "out_of_scope", "insufficient_evidence"]


class Adherence(msgspec.Struct, frozen=True, kw_only=True):
    """One window and domain: observed count beside what the reference windows lead one to expect.

    `expected_low_count` and `expected_high_count` bound the central 90 % of the reference windows. `ratio` is observed
    over expected (after normalisation by reporting volume, where the series is reports). `placebo_percentile` is the
    share of ordinary windows with a ratio this low (ties counted half). Fields are `None` where they cannot be given.
    """

    window_id: str
    domain: str
    verdict: Verdict
    observed_count: float | None
    expected_count: float | None
    expected_low_count: float | None
    expected_high_count: float | None
    ratio: float | None
    placebo_percentile: float | None
    resumption_utc: datetime | None
    claimants: tuple[str, ...]
    reason: str
