"""Columns of text become numbers, times and flags; each law is held against Python's own reading."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.observe.parsing import (
    coordinate_columns,
    day_bounds,
    day_column,
    fault_where,
    first_faults,
    flag_column,
    local_column,
    local_to_utc,
    number_column,
    optional_text,
    required_text,
    text_column,
    utc_column,
)

ZONES = ("Europe/Kyiv", "America/New_York", "Asia/Beirut", "Pacific/Apia", "UTC")
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1))  # noqa: DTZ001
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def frame_of(*cells: object) -> pl.DataFrame:
    """Give a frame of one column `x`."""
    return pl.DataFrame({"x": list(cells)})


@settings(deadline=None)
@given(moment=MOMENTS, zone=OFFSETS, blank=st.sampled_from(["T", " "]))
def test_times_with_an_offset_are_the_same_instant(moment: datetime, zone: timezone, blank: str) -> None:
    """A time written in any zone is the instant that Python reads it as."""
    aware = moment.replace(tzinfo=zone)
    read = utc_column(frame_of(aware.isoformat(blank)), "x")

    assert read.faults is None
    assert read.values.to_list() == [aware.astimezone(UTC)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-04-20T02:00Z", "2025-04-20T02:00:00"),
        ("2025-04-20", "2025-04-20T00:00:00"),
        ("2025-04-20 05:00 EEST", "2025-04-20T02:00:00"),
        ("2025-01-20 05:00 eet", "2025-01-20T03:00:00"),
        ("2025-04-20 05:00 MSK", "2025-04-20T02:00:00"),
        ("2025-04-20T05:00:07,25+03", "2025-04-20T02:00:07.250000"),
        ("2025-04-20T050007-0330", "2025-04-20T08:30:07"),
        (" 2025-04-20T02:00:00.123456789Z ", "2025-04-20T02:00:00.123456"),
    ],
)
def test_forms_of_time(text: str, expected: str) -> None:
    """Each form that feeds write is read; a time without a zone is UTC."""
    read = utc_column(frame_of(text), "x")

    assert read.values.to_list() == [datetime.fromisoformat(expected).replace(tzinfo=UTC)]


@pytest.mark.parametrize(
    "text", ["2025-04-20T24:00Z", "2025-02-29", "2025-04-20T02:00 CET", "20250420", "2025-04-20T02"]
)
def test_what_is_no_time_is_at_fault(text: str) -> None:
    """A text that is no time, or whose zone could be several, gives a fault that shows it."""
    read = utc_column(frame_of(text), "x")

    assert read.values.to_list() == [None]
    assert read.faults is not None
    assert read.faults[0].startswith(f"x={text} is not a time")


def test_an_optional_time_may_be_missing() -> None:
    """Where a time may be missing, an empty cell is no fault, and a wrong one is."""
    read = utc_column(frame_of("", None, "soon"), "x", required=False)

    assert read.faults is not None
    assert read.faults.is_null().to_list() == [True, True, False]


@settings(deadline=None)
@given(moment=MOMENTS, unit=st.sampled_from(["ms", "us", "ns"]), zone=st.sampled_from([None, *ZONES]))
def test_typed_times_are_the_same_instant(moment: datetime, unit: str, zone: str | None) -> None:
    """A typed time in any unit and zone is the same instant; one without a zone is UTC."""
    whole = moment.replace(microsecond=0)
    series = pl.Series("x", [whole]).cast(pl.Datetime(unit)).dt.replace_time_zone("UTC")  # type: ignore[arg-type]
    typed = series.dt.replace_time_zone(None) if zone is None else series.dt.convert_time_zone(zone)

    assert utc_column(typed.to_frame(), "x").values.to_list() == [whole.replace(tzinfo=UTC)]


def test_typed_days_are_midnights_in_utc() -> None:
    """A typed day in a column of UTC times is its midnight."""
    read = utc_column(frame_of(date(2025, 4, 20)), "x")

    assert read.values.to_list() == [datetime(2025, 4, 20, tzinfo=UTC)]


@settings(deadline=None)
@given(day=st.dates(date(1971, 1, 1), date(2037, 1, 1)), zone=st.sampled_from(ZONES))
def test_local_days_meet_without_gap(day: date, zone: str) -> None:
    """A day ends where the next begins, in any zone, and lasts as long as its clocks say."""
    starts, ends = day_bounds(pl.Series([day]), zone)
    next_starts, _ = day_bounds(pl.Series([day + timedelta(days=1)]), zone)
    midnight = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)

    assert ends.to_list() == next_starts.to_list()
    assert starts.to_list() == [midnight] or _skipped(day, zone)


def _skipped(day: date, zone: str) -> bool:
    """Say whether a day, or its midnight, does not exist on the clocks of a zone."""
    midnight = datetime.combine(day, datetime.min.time(), ZoneInfo(zone))
    return midnight.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != midnight.replace(tzinfo=None)


def test_a_midnight_that_the_clock_skipped_is_its_first_instant() -> None:
    """Where clocks go forward at midnight, the day begins at 01:00 by its new clock."""
    starts, ends = day_bounds(pl.Series([date(2024, 3, 31), None]), "Asia/Beirut")

    assert starts.to_list() == [datetime(2024, 3, 30, 22, tzinfo=UTC), None]
    assert ends.to_list() == [datetime(2024, 3, 31, 21, tzinfo=UTC), None]


def test_clock_times_when_clocks_change() -> None:
    """The first of two equal clock times is meant; one that never was is at fault."""
    frame = frame_of("2025-10-26 03:30", "2025-03-30T03:30:00", "2025-07-01 12:00", "noon")
    read = local_column(frame, "x", "Europe/Kyiv")

    expected = [datetime(2025, 10, 26, 0, 30, tzinfo=UTC), None, datetime(2025, 7, 1, 9, tzinfo=UTC), None]
    assert read.values.to_list() == expected
    assert read.faults is not None
    assert read.faults.is_null().to_list() == [True, False, True, False]


@settings(deadline=None)
@given(number=st.floats(-1e9, 1e9))
def test_numbers_are_read_as_written(number: float) -> None:
    """A number written by Python is read as that number, typed or not, with blanks around or without."""
    read = [number_column(frame, "x", low=-1e9, high=1e9) for frame in (frame_of(f" {number!r} "), frame_of(number))]

    assert [parsed.values.to_list() for parsed in read] == [[number], [number]]
    assert [parsed.faults for parsed in read] == [None, None]


@settings(deadline=None)
@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))
def test_single_precision_is_read_as_the_shortest_decimal(number: float) -> None:
    """A 32-bit number becomes a decimal that rounds back to the same 32 bits."""
    series = pl.Series("x", [number], dtype=pl.Float32)
    read = number_column(series.to_frame(), "x", low=-1e6, high=1e6)

    assert read.values.cast(pl.Float32).to_list() == series.to_list()


@pytest.mark.parametrize("cell", ["", "null", "NaN", "N/A", None, math.nan])
def test_a_missing_number_is_null(cell: object) -> None:
    """Where a number may be missing, any way of writing so gives null; where it may not, a fault."""
    frame = pl.DataFrame({"x": [cell]}, schema={"x": pl.Float64 if isinstance(cell, float) else pl.String})
    optional = number_column(frame, "x", low=0.0, high=1.0)
    required = number_column(frame, "x", low=0.0, high=1.0, required=True)

    assert (optional.values.to_list(), optional.faults) == ([None], None)
    assert required.faults is not None


def test_a_missing_column_is_null() -> None:
    """An optional column that is not there holds nothing, and says no of every flag."""
    frame = frame_of("a")

    assert number_column(frame, "y", low=0.0, high=1.0).values.to_list() == [None]
    assert text_column(frame, "y").to_list() == [""]
    assert flag_column(frame, "y").values.to_list() == [False]


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("1,5", "x=1,5 has a comma; write a point"),
        ("many", "x=many is not a number"),
        ("7", "x=7.0 is outside [0, 5]"),
        ("-inf", "x=-inf is not a finite number"),
    ],
)
def test_numbers_at_fault(cell: str, says: str) -> None:
    """A wrong number gives value, name and limit, and no value."""
    read = number_column(frame_of(cell, "1"), "x", low=0.0, high=5.0)

    assert read.values.to_list() == [None, 1.0]
    assert read.faults is not None
    assert read.faults.to_list() == [says, None]


def test_flags() -> None:
    """Every way of writing yes and no is read; what is neither is at fault; missing means no."""
    texts = frame_of("True", "1", "yes", "F", "0", "", None, "maybe")
    read = flag_column(texts, "x")

    assert read.values.to_list() == [True, True, True, False, False, False, False, False]
    assert read.faults is not None
    assert read.faults.drop_nulls().to_list() == ["x=maybe is neither true nor false"]
    assert flag_column(frame_of(True, None), "x").values.to_list() == [True, False]


def test_texts() -> None:
    """Texts lose the blanks around them; what is missing is empty, null or at fault, as asked."""
    frame = frame_of(" a ", None, "N/A", "")

    assert text_column(frame, "x").to_list() == ["a", "", "N/A", ""]
    assert optional_text(frame, "x").to_list() == ["a", None, None, None]
    required = required_text(frame, "x").faults
    assert required is not None
    assert required.is_not_null().to_list() == [False, True, False, True]


def test_categories_are_texts() -> None:
    """A dictionary-encoded column reads as its texts, a column of numbers as theirs."""
    assert text_column(frame_of("a", "b").cast(pl.Categorical), "x").to_list() == ["a", "b"]
    assert text_column(frame_of(7, None), "x").to_list() == ["7", ""]


@settings(deadline=None)
@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_every_place_on_the_globe_is_accepted(latitude: float, longitude: float) -> None:
    """A pair on the globe has no fault, but for the one that stands for nothing."""
    read = coordinate_columns(pl.DataFrame({"lat": [latitude], "lon": [longitude]}), "lat", "lon")

    assert (read[0].faults is None) == ((latitude, longitude) != (0.0, 0.0))
    assert read[1].faults is None


@settings(deadline=None)
@given(latitude=st.floats(-90, 90), longitude=st.floats(90.001, 180) | st.floats(-180, -90.001))
def test_a_pair_that_only_fits_swapped_is_called_so(latitude: float, longitude: float) -> None:
    """Where latitude cannot be one but the swapped pair is on the globe, the reason says so."""
    read = coordinate_columns(pl.DataFrame({"lat": [longitude], "lon": [latitude]}), "lat", "lon")

    assert read[0].faults is not None
    assert read[0].faults[0].endswith("latitude and longitude look swapped")


def test_days() -> None:
    """Days are read from text, days and times; what is none is at fault."""
    assert day_column(frame_of("2025-04-20", "2025-04-20T05:00"), "x").values.to_list() == 2 * [date(2025, 4, 20)]
    assert day_column(frame_of(datetime(2025, 4, 20, 5, tzinfo=UTC)), "x").values.to_list() == [date(2025, 4, 20)]
    faults = day_column(frame_of("20.4.2025", "1969-12-31", None), "x").faults
    assert faults is not None
    assert faults.is_not_null().to_list() == [True, True, True]


def test_the_first_fault_stands() -> None:
    """Of several faults of a row the first is given; rows without any have none."""
    first = fault_where(pl.Series([True, False, None]), "a", pl.Series([1, 2, 3]), says="is wrong")
    second = fault_where(pl.Series([True, True, False]), "b", pl.Series([None, 2, 3]), says="is worse")

    both = first_faults([None, first, second], 3)

    assert both is not None
    assert both.to_list() == ["a=1 is wrong", "b=2 is worse", None]
    assert first_faults([None], 3) is None


def test_a_clock_time_is_null_where_it_was_skipped() -> None:
    """Clock times that never were give no instant."""
    clock = pl.Series([datetime(2025, 3, 30, 3, 30), None])  # noqa: DTZ001

    assert local_to_utc(clock, "Europe/Kyiv").to_list() == [None, None]
