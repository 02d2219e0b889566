"""This period beside the previous one: counts, rates per day, and whether they differ beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

from truceline.model.quantity import Count
from truceline.model.released import ReleasedEvent
from truceline.report.counts import RateDifference, count_words, rate_difference, signed, thousands
from truceline.report.period import Period
from truceline.report.records import Comparison, ComparisonRow, Coverage, Tally
from truceline.report.tables import TYPE_NAMES, tally

WATCHED_DIFFERENCE_MAX_SHARE = 0.25
"""Counts are compared only if the shares of hours watched differ by no more than this part of the larger."""

NOT_OBSERVED = "cannot be compared"
WATCHED_UNKNOWN = "not compared: watched hours not known"
WATCHED_DIFFER = "not compared: watched hours differ"


def build_comparison(
    now: tuple[Sequence[Period], Sequence[ReleasedEvent], Sequence[Coverage]],
    before: tuple[Sequence[Period], Sequence[ReleasedEvent], Sequence[Coverage]],
) -> Comparison:
    """Compare two periods; what was not observed is said to be, and gives no difference."""
    now_hours, before_hours = (sum(period.duration_hours for period in side[0]) for side in (now, before))
    watched = [float(sum(coverage.watched_count for coverage in side[2])) for side in (now, before)]
    observed = [bool(side[1]) or any(coverage.observed for coverage in side[2]) for side in (now, before)]
    shares = watched[0] / now_hours, watched[1] / before_hours
    obstacle = watch_obstacle(*shares) if all(observed) else NOT_OBSERVED
    rows = _rows(
        tally(now[1]),
        tally(before[1]),
        (now_hours / 24.0, before_hours / 24.0) if obstacle is None else obstacle,
        observed=(observed[0], observed[1]),
    )
    return Comparison(
        now_hours=now_hours,
        before_hours=before_hours,
        now_watched_hours=watched[0],
        before_watched_hours=watched[1],
        before_label="; ".join(period.label for period in before[0]),
        before_observed=observed[1],
        obstacle=obstacle,
        rows=rows,
    )


def watch_obstacle(now_share: float, before_share: float) -> str | None:
    """Say why counts of two periods cannot be compared, given the shares of hours watched; `None` where they can."""
    if min(now_share, before_share) <= 0.0:
        return WATCHED_UNKNOWN
    differs = abs(now_share - before_share) > WATCHED_DIFFERENCE_MAX_SHARE * max(now_share, before_share)
    return WATCHED_DIFFER if differs else None


def _rows(
    now: Tally, before: Tally, days: tuple[float, float] | str, *, observed: tuple[bool, bool]
) -> tuple[ComparisonRow, ...]:
    """List the numbers that are compared, events first and then by type."""
    pairs = [
        ("Events", now.event_count, before.event_count),
        ("Potential violations (events)", now.potential_count, before.potential_count),
        *zip(TYPE_NAMES, now.type_counts, before.type_counts, strict=True),
    ]
    rows = [
        _event_row(name[0].upper() + name[1:], counts, days, observed=observed)
        for name, *counts in pairs
        if name in ("Events", "Potential violations (events)") or any(counts)
    ]
    rows.insert(1, _signature_row(now.signature_count, before.signature_count, observed))
    return tuple(rows)


def _event_row(
    name: str, counts: Sequence[int], days: tuple[float, float] | str, *, observed: tuple[bool, bool]
) -> ComparisonRow:
    """Compare two numbers of events; where `days` is a reason why not, it stands in place of the difference."""
    now, before = (thousands(count) if seen else "not observed" for count, seen in zip(counts, observed, strict=True))
    if isinstance(days, str):
        return ComparisonRow(name=name, now=now, before=before, difference=None, words=days)
    difference = rate_difference(counts[0], counts[1], now_days=days[0], before_days=days[1])
    return ComparisonRow(name=name, now=now, before=before, difference=difference, words=difference_words(difference))


def _signature_row(now: Count, before: Count, observed: tuple[bool, bool]) -> ComparisonRow:
    """Show signatures side by side; they come in bursts, so no interval of chance is given."""
    words = [
        count_words(count) if seen else "not observed" for count, seen in zip((now, before), observed, strict=True)
    ]
    note = "no interval: signatures come in bursts" if all(observed) else NOT_OBSERVED
    return ComparisonRow(name="Signatures observed", now=words[0], before=words[1], difference=None, words=note)


def difference_words(difference: RateDifference) -> str:
    """Say in words whether a difference goes beyond chance."""
    if not difference.is_clear:
        return "no clear change"
    return "more" if difference.difference_per_day > 0 else "fewer"


def interval_words(difference: RateDifference) -> str:
    """Write a difference per day with its interval."""
    low, high = signed(difference.low_per_day), signed(difference.high_per_day)
    return f"{signed(difference.difference_per_day)} per day ({low} to {high})"
