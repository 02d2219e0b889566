"""Stretches of time as columns: unions, differences, and which share of a time span falls into them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from truceline.model.quantity import TimeSpan

Floats = NDArray[np.float64]

HOUR_S = 3_600.0

NEVER: Floats = np.zeros((0, 2))
"""No time at all."""


def spans_of(spans: Iterable[TimeSpan]) -> Floats:
    """Give spans as rows of start and end (seconds since 1970, UTC), [K, 2], in order and apart from each other."""
    return united([(span.start.timestamp(), span.end.timestamp()) for span in spans])


def united(stretches_s: Iterable[tuple[float, float]]) -> Floats:
    """Give the union of half-open stretches; shared time stands once, empty stretches are left out."""
    merged: list[list[float]] = []
    for start_s, end_s in sorted(stretches_s):
        if start_s >= end_s:
            continue
        if merged and start_s <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end_s)
        else:
            merged.append([start_s, end_s])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)


def cut(spans: Floats, *, start_s: float = -np.inf, end_s: float = np.inf) -> Floats:
    """Give what lies of spans within [start_s, end_s)."""
    return united([(max(first, start_s), min(last, end_s)) for first, last in spans.tolist()])


def without(spans: Floats, taken: Floats) -> Floats:
    """Give what stays of spans when others are taken out of them."""
    left = [(first, last) for first, last in spans.tolist()]
    for start_s, end_s in taken.tolist():
        left = [
            piece
            for first, last in left
            for piece in ((first, min(last, start_s)), (max(first, end_s), last))
            if piece[0] < piece[1]
        ]
    return united(left)


def share_within(spans: Floats, start_s: Floats, end_s: Floats) -> Floats:
    """Give the share [N] of each time span that falls into the stretches, if each of its instants is equally likely.

    An instant (start equal to end) is in a stretch or not; half-open: at its start it is, at its end it is not.
    """
    if len(spans) == 0:
        return np.zeros(len(start_s))
    length_s = end_s - start_s
    shared_s = np.zeros(len(start_s))
    inside = np.zeros(len(start_s), dtype=np.bool_)
    for first, last in spans.tolist():
        shared_s += np.clip(np.minimum(end_s, last) - np.maximum(start_s, first), 0.0, None)
        inside |= (first <= start_s) & (start_s < last)
    instant = length_s <= 0.0
    share: Floats = np.where(instant, inside, shared_s / np.where(instant, 1.0, length_s))
    return np.minimum(share, 1.0)


def local_days(moments_s: Floats, timezone: ZoneInfo) -> NDArray[np.datetime64]:
    """Give the calendar day [N] of moments (seconds since 1970, UTC) in a time zone, asked once an hour."""
    hours, inverse = np.unique(np.floor(moments_s / HOUR_S), return_inverse=True)
    offsets_s = np.array([_offset_s(float(hour) * HOUR_S, timezone) for hour in hours], dtype=np.float64)
    local_s = moments_s + offsets_s[inverse] if len(hours) else moments_s
    return np.floor(local_s / 86_400.0).astype("datetime64[D]")


def _offset_s(moment_s: float, timezone: ZoneInfo) -> float:
    offset = datetime.fromtimestamp(moment_s, tz=UTC).astimezone(timezone).utcoffset()
    assert offset is not None, "a time zone has an offset"
    return offset.total_seconds()
