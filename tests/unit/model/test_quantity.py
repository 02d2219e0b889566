"""Quantities: limits hold, ids follow content, times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.model.quantity import (
    Count,
    Position,
    TimeSpan,
    canonical_bytes,
    content_id,
    exactly,
    require_between,
    require_utc,
)

AT = datetime(2025, 4, 19, 15, tzinfo=UTC)
utc_times = st.datetimes(max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_number_outside_its_limits_is_refused_by_name(value: float) -> None:
    """The message gives the value, its name and the limit."""
    with pytest.raises(ValueError, match=r"share=.* is outside \[0, 1\]"):
        require_between("share", value, 0.0, 1.0)


@given(value=st.floats(0.0, 1.0))
def test_a_number_inside_its_limits_passes(value: float) -> None:
    """Both limits belong to the range."""
    require_between("share", value, 0.0, 1.0)


@pytest.mark.parametrize(
    "value",
    [datetime(2025, 4, 19), datetime(2025, 4, 19, tzinfo=timezone(timedelta(hours=3)))],  # noqa: DTZ001
)
def test_a_time_that_is_not_utc_is_refused(value: datetime) -> None:
    """Neither a naive time nor another zone's passes."""
    with pytest.raises(ValueError, match="is not in UTC"):
        require_utc("start", value)


@given(parts=st.lists(st.binary(max_size=8), max_size=3))
def test_the_same_content_has_the_same_id(parts: list[bytes]) -> None:
    """An id is its prefix and 32 hexadecimal digits, and depends on the content alone."""
    assert content_id("event", *parts) == content_id("event", *parts)
    assert len("event-") + 32 == len(content_id("event", *parts))


@given(latitude_deg=st.floats(-90, 90), longitude_deg=st.floats(-180, 180), sigma_m=st.floats(0, 1e6))
def test_a_position_survives_its_canonical_bytes(latitude_deg: float, longitude_deg: float, sigma_m: float) -> None:
    """What is written as canonical bytes is read back as the same record."""
    position = Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg, sigma_m=sigma_m)

    assert position == msgspec.json.decode(canonical_bytes(position), type=Position)


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "sigma_m"), [(91.2, 0.0, 1.0), (0.0, 181.0, 1.0), (0.0, 0.0, -1.0)]
)
def test_an_impossible_position_is_refused(latitude_deg: float, longitude_deg: float, sigma_m: float) -> None:
    """Latitude, longitude and uncertainty each have limits."""
    with pytest.raises(ValueError, match="is outside"):
        Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg, sigma_m=sigma_m)


@given(start=utc_times, length_s=st.integers(0, 10**6))
def test_the_middle_lies_half_the_duration_from_the_start(start: datetime, length_s: int) -> None:
    """Duration and middle agree."""
    span = TimeSpan(start=start, end=start + timedelta(seconds=length_s))

    assert span.duration_s == length_s
    assert span.start + timedelta(seconds=length_s / 2) == span.middle


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    """Ends are in order."""
    with pytest.raises(ValueError, match="is before start"):
        TimeSpan(start=AT, end=AT - timedelta(seconds=1))


@given(number=st.integers(0, 10**6))
def test_an_exact_count_has_equal_limits(number: int) -> None:
    """Exactly n lies between n and n, and is written the same whether it was a whole number or not."""
    count = exactly(number)

    assert (number, number) == (count.low_count, count.high_count)
    assert canonical_bytes(count) == canonical_bytes(exactly(float(number)))


def test_a_count_without_an_upper_limit_is_held() -> None:
    """At least n is a count; a negative one or one with its limits reversed is not."""
    assert Count(low_count=3.0, high_count=None).high_count is None
    with pytest.raises(ValueError, match="low_count"):
        Count(low_count=-1.0, high_count=None)
    with pytest.raises(ValueError, match="high_count"):
        Count(low_count=3.0, high_count=2.0)
