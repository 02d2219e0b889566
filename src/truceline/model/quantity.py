"""Quantities that every later record is made of: positions, spans of time, counts; each with its uncertainty."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

SIGMA_UNKNOWN_M = 50_000.0
"""Position uncertainty of a record that stands for a whole region (an oblast stand-in point), metres, 1 sigma."""


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Hold that a number is finite and inside its limits, or raise `ValueError` naming value, name and limit."""
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name}={value} is outside [{low:g}, {high:g}]")


def require_utc(name: str, value: datetime) -> None:
    """Hold that a time is aware and in UTC, or raise `ValueError`."""
    if value.utcoffset() != timedelta(0):
        raise ValueError(f"{name}={value.isoformat()} is not in UTC")


def content_id(prefix: str, *parts: bytes) -> str:
    """Name a record by what it says: the same content always gets the same id (128 bits of SHA-256)."""
    digest = hashlib.sha256(b"\x1f".join(parts)).hexdigest()
    return f"{prefix}-{digest[:32]}"


def canonical_bytes(record: Any) -> bytes:
    """Encode a record as JSON with sorted keys: one record, one byte string, on every machine."""
    return msgspec.json.encode(record, order="sorted")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A point on WGS 84 with its circular uncertainty (1 sigma per axis, metres); there is none without one."""

    latitude_deg: float
    longitude_deg: float
    sigma_m: float

    def __post_init__(self) -> None:
        """Check the limits of latitude, longitude and uncertainty."""
        require_between("latitude_deg", self.latitude_deg, -90.0, 90.0)
        require_between("longitude_deg", self.longitude_deg, -180.0, 180.0)
        require_between("sigma_m", self.sigma_m, 0.0, 1.0e6)


class TimeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A half-open stretch of time [start, end) in UTC; an instant has start equal to end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Check that both ends are UTC and in order."""
        require_utc("start", self.start)
        require_utc("end", self.end)
        if self.end < self.start:
            raise ValueError(f"end={self.end.isoformat()} is before start={self.start.isoformat()}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()

    @property
    def middle(self) -> datetime:
        """The instant halfway between start and end."""
        return self.start + (self.end - self.start) / 2


def union_of_spans(spans: Iterable[TimeSpan]) -> list[TimeSpan]:
    """Give the stretches that spans cover together, in order and apart from each other: shared time stands once."""
    stretches: list[TimeSpan] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if stretches and span.start <= stretches[-1].end:
            last = stretches[-1]
            stretches[-1] = TimeSpan(start=last.start, end=max(last.end, span.end))
        else:
            stretches.append(span)
    return stretches


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """A count as monitors write it: exact, about N, at least N, a-b, or uncountable.

    `high_count` is `None` where no upper limit was given (at least N, uncountable); `text` keeps the wording.
    """

    low_count: float
    high_count: float | None
    approximate: bool = False
    text: str = ""

    def __post_init__(self) -> None:
        """Check that the limits are in order and not negative."""
        require_between("low_count", self.low_count, 0.0, 1.0e9)
        if self.high_count is not None:
            require_between("high_count", self.high_count, self.low_count, 1.0e9)


def exactly(number: float) -> Count:
    """Give the count that is known exactly."""
    return Count(low_count=float(number), high_count=float(number), text=f"{number:g}")


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
