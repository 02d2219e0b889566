"""Counts as monitors write them, their sums, and how far two counts differ beyond chance."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from truceline.model.quantity import Count

Z_95_RATIO = 1.959963984540054
"""Standard normal deviate that leaves 2.5 % above it."""

NO_SIGNATURES = Count(low_count=0.0, high_count=0.0)


def add_counts(counts: Iterable[Count]) -> Count:
    """Add counts: limits add, one open upper limit opens the sum, one 'about' makes the sum 'about'."""
    listed = list(counts)
    highs = [count.high_count for count in listed if count.high_count is not None]
    return Count(
        low_count=math.fsum(count.low_count for count in listed),
        high_count=math.fsum(highs) if len(highs) == len(listed) else None,
        approximate=any(count.approximate for count in listed),
    )


def count_words(count: Count) -> str:
    """Write a count with its wording: 12, about 12, at least 12, 12-15; 'number not known' where nothing is."""
    about = "about " if count.approximate else ""
    low = thousands(count.low_count)
    if count.high_count is None:
        return f"at least {about}{low}" if count.low_count > 0 else "number not known"
    if count.high_count == count.low_count:
        return f"{about}{low}"
    return f"{about}{low}–{thousands(count.high_count)}"


def thousands(number: float) -> str:
    """Write a number with thin spaces between thousands (U+202F), without a needless fraction."""
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
    return text.replace(",", "\u202f")


class RateDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Two counts over two lengths of time: the difference of the rates per day, with its 95 % interval."""

    difference_per_day: float
    low_per_day: float
    high_per_day: float

    @property
    def is_clear(self) -> bool:
        """Say whether the interval leaves out zero."""
        return self.low_per_day > 0.0 or self.high_per_day < 0.0


def poisson_interval(count: int) -> tuple[float, float]:
    """Give the 95 % interval of a Poisson mean by Byar's approximation, within 0.1 of the exact one."""
    # Breslow and Day 1987, vol. II, eq. 2.12-2.13 (Byar); for a count of 0 the exact upper limit -ln(0.025).
    if count == 0:
        return 0.0, -math.log(0.025)
    low = count * (1.0 - 1.0 / (9.0 * count) - Z_95_RATIO / (3.0 * math.sqrt(count))) ** 3
    above = count + 1
    high = above * (1.0 - 1.0 / (9.0 * above) + Z_95_RATIO / (3.0 * math.sqrt(above))) ** 3
    return max(low, 0.0), high


def rate_difference(now_count: int, before_count: int, *, now_days: float, before_days: float) -> RateDifference:
    """Compare two Poisson counts as rates per day; the interval recovers the variance from each count's own limits."""
    # Donner and Zou 2012, eq. 3 (MOVER for a difference).
    assert now_days > 0.0, f"now_days={now_days} is not above 0"
    assert before_days > 0.0, f"before_days={before_days} is not above 0"
    now, before = now_count / now_days, before_count / before_days
    now_low, now_high = (limit / now_days for limit in poisson_interval(now_count))
    before_low, before_high = (limit / before_days for limit in poisson_interval(before_count))
    difference = now - before
    return RateDifference(
        difference_per_day=difference,
        low_per_day=difference - math.hypot(now - now_low, before_high - before),
        high_per_day=difference + math.hypot(now_high - now, before - before_low),
    )


def signed(number: float) -> str:
    """Write a number with its sign, a true minus, and one decimal below 10."""
    digits_count = 1 if abs(number) < 10.0 else 0
    text = f"{abs(number):.{digits_count}f}"
    if float(text) == 0.0:
        return "0"
    return f"+{text}" if number > 0.0 else f"−{text}"
