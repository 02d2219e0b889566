"""Whole columns of text or typed values become numbers, times, flags and places; what cannot be read says why.

Every function gives a `Parsed`: the values (null where missing or unreadable) and, where a value is at fault, the
reason. Nothing here looks at one row at a time.
"""

from __future__ import annotations

import msgspec
import polars as pl

UTC_TIME = pl.Datetime("us", "UTC")
"""The one type of time inside: microseconds, UTC."""

SHOWN_LENGTH_CHARACTER_COUNT = 80
"""How much of a faulty value is shown in a reason."""

MISSING_TEXTS = ("", "null", "none", "nan", "n/a", "na", "nat")
"""Texts (lower case) that stand for a missing value where a value may be missing."""

TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0")
"""Texts (lower case) that mean yes."""

FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0")
"""Texts (lower case) that mean no."""

ZONE_OFFSETS_MINUTES = {"": 0, "Z": 0, "UTC": 0, "GMT": 0, "EET": 120, "EEST": 180, "MSK": 180}
"""Zone abbreviations of one meaning only that monitors and ministries of this theatre write, in minutes east of UTC."""

TIME_EARLIEST_YEAR_INDEX = 1970
"""No feed is older than satellites; an earlier year is a fault of the file."""

_ISO_PATTERN = (
    r"^(?<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?<hour>\d{2}):?(?<minute>\d{2})(?::?(?<second>[0-5]\d)(?:[.,](?<fraction>\d{1,9}))?)?"
    r"\s*(?<zone>[A-Za-z]{1,4}|[+-]\d{2}(?::?\d{2})?)?)?$"
)


class Parsed(msgspec.Struct, frozen=True):
    """A column that was read: its values, and the fault of each value that has one (`None` where no row has)."""

    values: pl.Series
    faults: pl.Series | None = None


def fault_where(bad: pl.Series, name: str, shown: pl.Series, *, says: str) -> pl.Series | None:
    """Write `name=value says` for each row that is bad; `None` where none is."""
    bad = bad.fill_null(value=False)
    if not bad.any():
        return None
    texts = shown.dt.strftime("%Y-%m-%dT%H:%MZ") if shown.dtype == UTC_TIME else shown.cast(pl.String)
    frame = pl.DataFrame({"bad": bad, "shown": texts.str.slice(0, SHOWN_LENGTH_CHARACTER_COUNT)})
    text = pl.format("{}={} {}", pl.lit(name), pl.col("shown").fill_null("(missing)"), pl.lit(says))
    return frame.select(pl.when("bad").then(text).alias("fault"))["fault"]


def first_faults(faults: list[pl.Series | None], row_count: int) -> pl.Series | None:
    """Give the first fault of each row; `None` where no row has any."""
    present = [fault for fault in faults if fault is not None]
    if not present:
        return None
    assert all(len(fault) == row_count for fault in present)
    frame = pl.DataFrame([fault.alias(f"fault_{index}") for index, fault in enumerate(present)])
    return frame.select(pl.coalesce(pl.all()).alias("fault"))["fault"]


def text_column(frame: pl.DataFrame, name: str) -> pl.Series:
    """Give a column as text without surrounding blanks; empty where it or its column is missing."""
    if name not in frame.columns:
        return pl.repeat("", frame.height, eager=True)
    series = frame[name]
    if isinstance(series.dtype, pl.Categorical | pl.Enum) or series.dtype != pl.String:
        series = series.cast(pl.String)
    return series.str.strip_chars().fill_null("")


def optional_text(frame: pl.DataFrame, name: str) -> pl.Series:
    """Give a column as text, null where nothing stands in it."""
    texts = text_column(frame, name)
    missing = texts.str.to_lowercase().is_in(list(MISSING_TEXTS))
    return texts.zip_with(~missing, pl.Series([None], dtype=pl.String))


def required_text(frame: pl.DataFrame, name: str) -> Parsed:
    """Give a column of text in which nothing may be missing."""
    texts = text_column(frame, name)
    return Parsed(texts, fault_where(texts == "", name, texts, says="is missing"))


def number_column(frame: pl.DataFrame, name: str, *, low: float, high: float, required: bool = False) -> Parsed:
    """Give a column as finite numbers inside their limits; 32-bit numbers become the decimal they were written as."""
    if name not in frame.columns:
        assert not required, f"column {name} is required of every accepted form"
        return Parsed(pl.repeat(None, frame.height, dtype=pl.Float64, eager=True))
    series = frame[name]
    if series.dtype in (pl.Float64, pl.Float32) or series.dtype.is_integer():
        return _bounded(name, _as_double(series), None, (low, high, required))
    texts = text_column(frame, name)
    values = texts.cast(pl.Float64, strict=False)
    unread = values.is_null()
    unreadable = None
    if unread.any():
        missing = texts.str.to_lowercase().is_in(list(MISSING_TEXTS))
        comma = fault_where(
            unread & texts.str.contains(r"^[-+]?\d+,\d+$"), name, texts, says="has a comma; write a point"
        )
        other = fault_where(unread & ~missing, name, texts, says="is not a number")
        unreadable = first_faults([comma, other], frame.height)
    return _bounded(name, values, unreadable, (low, high, required))


def _as_double(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Float32:
        return series.cast(pl.String).cast(pl.Float64)
    return series.cast(pl.Float64)


def _bounded(name: str, values: pl.Series, unreadable: pl.Series | None, limits: tuple[float, float, bool]) -> Parsed:
    low, high, required = limits
    nowhere = values.is_nan().fill_null(value=False)
    if nowhere.any() and not required:
        values = values.fill_nan(None)
    outside = ((values < low) | (values > high)) & ~nowhere
    endless = values.is_infinite().fill_null(value=False)
    faults = [
        unreadable,
        fault_where(endless, name, values, says="is not a finite number"),
        fault_where(outside, name, values, says=f"is outside [{low:g}, {high:g}]"),
    ]
    if required:
        faults.append(fault_where(nowhere, name, values, says="is not a finite number"))
        faults.append(fault_where(values.is_null(), name, values, says="is missing"))
    return _without_faulty(values, first_faults(faults, len(values)))


def _without_faulty(values: pl.Series, faults: pl.Series | None) -> Parsed:
    if faults is None:
        return Parsed(values)
    return Parsed(values.zip_with(faults.is_null(), pl.Series([None], dtype=values.dtype)), faults)


def flag_column(frame: pl.DataFrame, name: str) -> Parsed:
    """Give a column as yes or no; missing means no."""
    if name in frame.columns and frame[name].dtype == pl.Boolean:
        return Parsed(frame[name].fill_null(value=False))
    texts = text_column(frame, name).str.to_lowercase()
    values = texts.is_in(list(TRUE_TEXTS))
    known = values | texts.is_in([*FALSE_TEXTS, *MISSING_TEXTS])
    return Parsed(values, fault_where(~known, name, texts, says="is neither true nor false"))


def coordinate_columns(frame: pl.DataFrame, latitude_name: str, longitude_name: str) -> tuple[Parsed, Parsed]:
    """Give latitudes and longitudes on the globe; a pair that only fits the other way round is said to look swapped.

    Latitude 0 with longitude 0 is refused as well: in the sea off Ghana no feed observes anything, but a missing
    position is often written so. A swapped pair that is valid both ways cannot be told and is not touched.
    """
    wide = 1.0e6
    raw_latitude = number_column(frame, latitude_name, low=-wide, high=wide, required=True)
    raw_longitude = number_column(frame, longitude_name, low=-wide, high=wide, required=True)
    latitude, longitude = raw_latitude.values, raw_longitude.values
    swapped = (latitude.abs() > 90.0) & (latitude.abs() <= 180.0) & (longitude.abs() <= 90.0)
    says = "is outside [-90, 90]: latitude and longitude look swapped"
    nowhere = (latitude == 0.0) & (longitude == 0.0)
    faults = [
        raw_latitude.faults,
        fault_where(swapped, latitude_name, latitude, says=says),
        fault_where(latitude.abs() > 90.0, latitude_name, latitude, says="is outside [-90, 90]"),
        fault_where(nowhere, latitude_name, latitude, says=f"with {longitude_name}=0 stands for a missing position"),
    ]
    outside = fault_where(longitude.abs() > 180.0, longitude_name, longitude, says="is outside [-180, 180]")
    return (
        Parsed(latitude, first_faults(faults, frame.height)),
        Parsed(longitude, first_faults([raw_longitude.faults, outside], frame.height)),
    )


def day_column(frame: pl.DataFrame, name: str) -> Parsed:
    """Give a column as calendar days; text must read YYYY-MM-DD (a time after it is not looked at)."""
    series = frame[name]
    if series.dtype == pl.Date:
        days, shown = series, series
    elif isinstance(series.dtype, pl.Datetime):
        days, shown = series.dt.date(), series
    else:
        shown = text_column(frame, name)
        days = shown.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    faults = [
        fault_where(days.is_null(), name, shown, says="is not a day written YYYY-MM-DD"),
        fault_where(
            days.dt.year() < TIME_EARLIEST_YEAR_INDEX, name, shown, says=f"is before {TIME_EARLIEST_YEAR_INDEX}"
        ),
    ]
    return Parsed(days, first_faults(faults, frame.height))


def utc_column(frame: pl.DataFrame, name: str, *, required: bool = True) -> Parsed:
    """Give a column as UTC times, row by row in its own zone; a time that names no zone is UTC."""
    series = frame[name]
    if isinstance(series.dtype, pl.Datetime):
        shown = series
        times = series.dt.replace_time_zone("UTC") if series.dtype.time_zone is None else series
        times = times.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    elif series.dtype == pl.Date:
        shown, times = series, series.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    else:
        shown = text_column(frame, name)
        times = _times_from_texts(shown)
    unreadable = times.is_null() if required else times.is_null() & (shown.cast(pl.String).fill_null("") != "")
    faults = [
        fault_where(
            unreadable, name, shown, says="is not a time such as 2025-04-20T02:00:00Z or 2025-04-20 05:00+03:00"
        ),
        fault_where(
            times.dt.year() < TIME_EARLIEST_YEAR_INDEX, name, shown, says=f"is before {TIME_EARLIEST_YEAR_INDEX}"
        ),
    ]
    return Parsed(times, first_faults(faults, frame.height))


def local_column(frame: pl.DataFrame, name: str, timezone_name: str) -> Parsed:
    """Give a column of clock times in one time zone as UTC; where the clock went back, the earlier hour is meant."""
    texts = text_column(frame, name)
    pattern = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
    clock = _times_from_texts(texts.zip_with(texts.str.contains(pattern), pl.Series([""])))
    times = local_to_utc(clock.dt.replace_time_zone(None), timezone_name)
    says = f"is not a time such as 2025-04-20 05:00 on the clocks of {timezone_name}"
    return Parsed(times, fault_where(times.is_null(), name, texts, says=says))


def _times_from_texts(texts: pl.Series) -> pl.Series:
    groups = pl.DataFrame({"text": texts}).select(pl.col("text").str.extract_groups(_ISO_PATTERN).alias("parts"))
    parts = groups.unnest("parts")
    zone = pl.col("zone").fill_null("").str.to_uppercase()
    offset_hours = zone.str.slice(1, 2).cast(pl.Int64, strict=False)
    offset_minutes = zone.str.replace(":", "").str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    named = zone.replace_strict(ZONE_OFFSETS_MINUTES, default=None, return_dtype=pl.Int64)
    offset = pl.when(zone.str.contains("^[+-]")).then(sign * (offset_hours * 60 + offset_minutes)).otherwise(named)
    clock = pl.concat_str(
        pl.col("day"),
        pl.lit("T"),
        pl.col("hour").fill_null("00"),
        pl.col("minute").fill_null("00"),
        pl.col("second").fill_null("00"),
        pl.lit("."),
        pl.col("fraction").fill_null("0").str.slice(0, 6).str.pad_end(6, "0"),
    ).str.to_datetime("%Y-%m-%dT%H%M%S%.f", time_unit="us", strict=False)
    sound = pl.when(offset.abs() <= 18 * 60).then(clock - pl.duration(minutes=offset))
    return parts.select(sound.dt.replace_time_zone("UTC").alias("time"))["time"]


def local_to_utc(clock: pl.Series, timezone_name: str) -> pl.Series:
    """Give UTC times for clock times of a zone: the earlier of two where the clock went back, null where it skipped."""
    local = clock.cast(pl.Datetime("us")).dt.replace_time_zone(timezone_name, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def day_bounds(days: pl.Series, timezone_name: str) -> tuple[pl.Series, pl.Series]:
    """Give the first instant of each calendar day of a zone, and of the day after, in UTC."""
    return _day_start(days, timezone_name), _day_start(days.dt.offset_by("1d"), timezone_name)


def _day_start(days: pl.Series, timezone_name: str) -> pl.Series:
    midnight = days.cast(pl.Datetime("us"))
    starts = local_to_utc(midnight, timezone_name)
    if starts.null_count() == midnight.null_count():
        return starts
    skipped = local_to_utc(midnight.dt.offset_by("1h"), timezone_name)
    return starts.zip_with(starts.is_not_null(), skipped)
