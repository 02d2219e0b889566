"""Time the adherence verdict against a plain loop over windows that counts by masks; prints a ratio.

Run: python bench/adherence.py
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np

from truceline.assess.adherence import DomainEvidence, judge
from truceline.assess.series import DAY_S, ClaimSeries
from truceline.model.agreement import Domain, TruceWindow
from truceline.model.quantity import TimeSpan

START = datetime(2030, 1, 1, tzinfo=UTC)
DAYS_COUNT = 1200
WINDOWS_COUNT = 40


def series() -> ClaimSeries:
    """Draw three waves a night."""
    rng = np.random.default_rng(1)
    start_s = START.timestamp() + np.repeat(np.arange(DAYS_COUNT), 3) * DAY_S + rng.uniform(0, DAY_S, 3 * DAYS_COUNT)
    return ClaimSeries(
        start_s=start_s,
        end_s=start_s + rng.uniform(600, 40_000, start_s.size),
        count=rng.integers(1, 90, start_s.size).astype(float),
        stated=np.ones(start_s.size, dtype=bool),
        known_s=(float(start_s.min()), float(start_s.max())),
    )


def plain_ratio(claims: ClaimSeries, start_s: float, length_s: float) -> list[float]:
    """Give the placebo ratios of one window by masks, one window at a time."""

    def count(a_s: float) -> float:
        overlap = np.minimum(claims.end_s, a_s + length_s) - np.maximum(claims.start_s, a_s)
        return float((claims.claim_count * np.clip(overlap, 0, None) / (claims.end_s - claims.start_s)).sum())

    known: dict[int, float] = {}
    ratios = []
    for shift in range(-365, 366):
        days = [shift, *(shift - 2 - back for back in range(28))]
        for day in days:
            if day not in known:
                known[day] = count(start_s + day * DAY_S)
        ratios.append(known[shift] / max(float(np.median([known[day] for day in days[1:]])), 1e-9))
    return ratios


def main() -> None:
    """Print seconds for both and their ratio."""
    claims = series()
    domain = Domain(domain_id="d", title="d", series="party_claim", actor="A", claimant="B")
    first = [START + timedelta(days=500 + index) for index in range(WINDOWS_COUNT)]
    began_s = time.perf_counter()
    for start in first:
        span = TimeSpan(start=start, end=start + timedelta(hours=30))
        window = TruceWindow(
            window_id="w", span=span, declared_by="", accepted_by_other="", scope="", covered_domain_ids=("d",)
        )
        judge(window, [domain], evidence={"d": DomainEvidence(series=claims)}, timezone_name="UTC")
    ours_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    for start in first:
        plain_ratio(claims, start.timestamp(), 30 * 3600.0)
    plain_s = time.perf_counter() - began_s
    print(
        f"adherence: {WINDOWS_COUNT} windows {ours_s:.2f} s, plain loop {plain_s:.2f} s, ratio {ours_s / plain_s:.2f}"
    )


if __name__ == "__main__":
    main()
