"""Stretches of time that overlap, touch and lie apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from truceline.model.quantity import TimeSpan, union_of_spans

START = datetime(2025, 4, 19, 15, tzinfo=UTC)


def hours(first: float, last: float) -> TimeSpan:
    """Give the span between two hours after the start."""
    return TimeSpan(start=START + timedelta(hours=first), end=START + timedelta(hours=last))


def test_shared_time_stands_once() -> None:
    """Spans that overlap, hold each other or touch become one stretch; others stay apart, in order of time."""
    spans = [hours(9, 12), hours(0, 5), hours(1, 2), hours(5, 6), hours(4, 5.5)]

    assert [hours(0, 6), hours(9, 12)] == union_of_spans(spans)
    assert [] == union_of_spans([])
