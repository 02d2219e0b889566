"""Hot pixels seen by satellites (NASA FIRMS): one row is one pixel.

Columns as NASA writes them. VIIRS: `latitude`, `longitude`, `bright_ti4`, `scan`, `track`, `acq_date`, `acq_time`,
`satellite`, `instrument`, `confidence`, `version`, `bright_ti5`, `frp`, `daynight`, and `type` in archive files. MODIS:
the same with `brightness` and `bright_t31`. `acq_time` is UTC, HHMM, with or without leading zeros. Archives of which
only `lat`, `lon`, `date` survive are read too; such a pixel was seen at some time of that UTC day.

A pixel is `scan` by `track` kilometres, and the fire is somewhere in it: if anywhere with equal chance, the standard
deviation along an axis is the pixel's length over the square root of 12. The longer axis is taken for both, so that the
circle is not too small. (FIRMS documents scan and track as the actual pixel size.)
"""

from __future__ import annotations

import math

import polars as pl
import pyarrow as pa

from truceline.model.source import SourceManifest
from truceline.observe.parsing import (
    Parsed,
    coordinate_columns,
    day_bounds,
    day_column,
    fault_where,
    number_column,
    text_column,
)
from truceline.observe.tables import DecodeContext, Decoded, Decoder, ReadRows, frame_from_raw, one_each, sort_rows

UNIFORM_SIGMA_RATIO = 1.0 / math.sqrt(12.0)
"""Standard deviation of a uniform distribution over its length."""

PIXEL_SIZE_MAX_KM = 10.0
"""MODIS pixels at the edge of the swath are 4.8 km long; more is a fault of the file."""

PIXEL_SIZE_ARCHIVE_KM = 1.0
"""Pixel assumed where none is stated: MODIS at nadir, the coarsest of the instruments that are merged in archives."""

BRIGHTNESS_MAX_K = 2_000.0
"""Above this a brightness temperature is a fault of the file (sensors saturate below 510 K)."""

POWER_MAX_MW = 100_000.0
"""Above this a fire radiative power is a fault of the file."""

CONFIDENCE_CLASSES = {"l": "low", "n": "nominal", "h": "high"}
"""VIIRS writes its class short or long."""

CONFIDENCE_LOW_PERCENT = 30.0
"""MODIS states percent; NASA's user guide calls less than this low."""

CONFIDENCE_HIGH_PERCENT = 80.0
"""MODIS: from here on high."""

COMMON_COLUMNS = frozenset({"latitude", "longitude", "acq_date", "acq_time", "satellite", "instrument", "confidence"})
VIIRS_COLUMNS = COMMON_COLUMNS | {"bright_ti4", "scan", "track", "frp", "daynight"}
"""Columns a VIIRS file must have."""
MODIS_COLUMNS = COMMON_COLUMNS | {"brightness", "scan", "track", "frp", "daynight"}
"""Columns a MODIS file must have."""
ARCHIVE_COLUMNS = frozenset({"lat", "lon", "date"})
"""All the columns of a reduced archive."""

MANIFEST = SourceManifest(
    source_id="firms",
    title="NASA FIRMS active fires (MODIS, VIIRS)",
    kind="thermal",
    observes="that a satellite saw a pixel hotter than its surroundings",
    procedure="MODIS MOD14/MYD14 and VIIRS VNP14/VJ114 active fire algorithms",
    operator="NASA LANCE",
    influenced_by_parties=(),
    licence="free to use with acknowledgement",
    position_sigma_m=1_000.0 * PIXEL_SIZE_ARCHIVE_KM * UNIFORM_SIGMA_RATIO,
    latency_hours=3.0,
)
"""What the feed is; neither party runs it. It sees fires, whatever lit them."""


def recognises(columns: frozenset[str]) -> bool:
    """Say whether these are the columns of a FIRMS file, or of a reduced archive and nothing besides."""
    if columns >= VIIRS_COLUMNS or columns >= MODIS_COLUMNS:
        return True
    return columns - {"synthetic"} == ARCHIVE_COLUMNS


def decode(raw: pa.Table, context: DecodeContext) -> Decoded:
    """Turn rows of a FIRMS file into observations, or say why not."""
    frame = frame_from_raw(raw)
    if "acq_date" in frame.columns:
        return _decode_official(raw, frame, context)
    return _decode_archive(raw, frame, context)


def _decode_official(raw: pa.Table, frame: pl.DataFrame, context: DecodeContext) -> Decoded:
    latitude, longitude = coordinate_columns(frame, "latitude", "longitude")
    start = _acquired(frame)
    scan, track = (number_column(frame, name, low=0.0, high=PIXEL_SIZE_MAX_KM) for name in ("scan", "track"))
    bright_name = "bright_ti4" if "bright_ti4" in frame.columns else "brightness"
    brightness = number_column(frame, bright_name, low=0.0, high=BRIGHTNESS_MAX_K)
    power = number_column(frame, "frp", low=-POWER_MAX_MW, high=POWER_MAX_MW)
    satellite, instrument = text_column(frame, "satellite"), text_column(frame, "instrument")
    confidence, daynight = text_column(frame, "confidence"), text_column(frame, "daynight").str.to_uppercase()
    seen_by_day = _daytime(daynight)
    end = start.values.dt.offset_by("1m")
    columns = {
        "phenomenon_start": start.values,
        "phenomenon_end": end,
        "result_time": end,
        "latitude_deg": latitude.values,
        "longitude_deg": longitude.values,
        "position_sigma_m": _sigma_m(scan.values, track.values),
        "satellite": satellite,
        "instrument": instrument,
        "brightness_k": brightness.values,
        "radiative_power_mw": power.values,
        "detector_class": _detector_class(confidence),
        "daytime": seen_by_day.values,
        **one_each(frame.height),
    }
    identity = [start.values, latitude.values, longitude.values, satellite, instrument, scan.values, track.values]
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[*identity, brightness.values, power.values, columns["detector_class"], daynight],
            faults=[p.faults for p in (latitude, longitude, start, scan, track, brightness, power, seen_by_day)],
        ),
    )


def _decode_archive(raw: pa.Table, frame: pl.DataFrame, context: DecodeContext) -> Decoded:
    latitude, longitude = coordinate_columns(frame, "lat", "lon")
    day = day_column(frame, "date")
    start, end = day_bounds(day.values, "UTC")
    nothing = pl.repeat("", frame.height, eager=True)
    columns = {
        "phenomenon_start": start,
        "phenomenon_end": end,
        "result_time": end,
        "latitude_deg": latitude.values,
        "longitude_deg": longitude.values,
        "position_sigma_m": pl.repeat(MANIFEST.position_sigma_m, frame.height, dtype=pl.Float64, eager=True),
        "satellite": nothing,
        "instrument": nothing,
        "detector_class": nothing,
        **one_each(frame.height),
    }
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[start, latitude.values, longitude.values],
            faults=[latitude.faults, longitude.faults, day.faults],
        ),
    )


def _acquired(frame: pl.DataFrame) -> Parsed:
    """Give the minute each pixel was acquired."""
    day = day_column(frame, "acq_date")
    texts = text_column(frame, "acq_time").str.replace(":", "", literal=True)
    clock = texts.cast(pl.Int32, strict=False)
    minute_count = (clock // 100) * 60 + clock % 100
    bad = clock.is_null() | (clock < 0) | (clock // 100 > 23) | (clock % 100 > 59)
    start = pl.DataFrame({"day": day.values, "minutes": minute_count}).select(
        (pl.col("day").cast(pl.Datetime("us")) + pl.duration(minutes="minutes")).dt.replace_time_zone("UTC")
    )
    wrong_time = fault_where(bad, "acq_time", texts, says="is not a UTC time written HHMM")
    return Parsed(start.to_series(), wrong_time if day.faults is None else _either(day.faults, wrong_time))


def _either(first: pl.Series, second: pl.Series | None) -> pl.Series:
    return first if second is None else first.zip_with(first.is_not_null(), second)


def _daytime(daynight: pl.Series) -> Parsed:
    unknown = ~daynight.is_in(["D", "N", ""])
    values = (daynight == "D").zip_with(daynight != "", pl.Series([None], dtype=pl.Boolean))
    return Parsed(values, fault_where(unknown, "daynight", daynight, says="is neither D nor N"))


def _sigma_m(scan_km: pl.Series, track_km: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"scan": scan_km, "track": track_km})
    longest_km = pl.max_horizontal("scan", "track").fill_null(PIXEL_SIZE_ARCHIVE_KM)
    return frame.select(longest_km * (1_000.0 * UNIFORM_SIGMA_RATIO)).to_series()


def _detector_class(confidence: pl.Series) -> pl.Series:
    """Give low, nominal or high, from words or percent; any other word stays as it was written."""
    lower = confidence.str.to_lowercase()
    percent = lower.cast(pl.Float64, strict=False)
    frame = pl.DataFrame({"word": lower.replace(CONFIDENCE_CLASSES), "percent": percent})
    share = (
        pl.when(pl.col("percent") < CONFIDENCE_LOW_PERCENT)
        .then(pl.lit("low"))
        .when(pl.col("percent") < CONFIDENCE_HIGH_PERCENT)
        .then(pl.lit("nominal"))
        .otherwise(pl.lit("high"))
    )
    return frame.select(pl.when(pl.col("percent").is_null()).then(pl.col("word")).otherwise(share)).to_series()


DECODER = Decoder(
    manifest=MANIFEST,
    forms={"FIRMS VIIRS": VIIRS_COLUMNS, "FIRMS MODIS": MODIS_COLUMNS, "reduced archive": ARCHIVE_COLUMNS},
    recognises=recognises,
    decode=decode,
)
"""The way in for hot pixels."""
