"""What patrols and cameras saw, heard or recorded: one row is one line of their table.

Columns, in our own form, with words as monitors write them: `report_id`, `observer`, `time_utc` (or `time_local`, with
an IANA zone in `timezone` or else the theatre's), `observer_lat`, `observer_lon`, `direction` (`ESE`,
`east-south-east`, `from south to south-west`, `westerly directions`), `range_km` (`2-4`, `5`, `N/K`), `means` (`saw`,
`heard`, `recorded`), `count` (`3`, `about 20`, `at least 5`, `over 10`, `3-5`, `uncountable`), `description`; optional
`duration_min` and `weapon`. Or with numbers: `post`, `start_utc`, `end_utc`, `observer_latitude_deg`,
`observer_longitude_deg`, `bearing_deg`, `bearing_width_deg`, `range_low_km`, `range_high_km`, `means`, `count`,
`description`; optional `weapon`.

The position is the centre of the sector, with an uncertainty that covers it; the sector itself is kept beside.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from truceline.model.source import SourceManifest
from truceline.observe.parsing import (
    Parsed,
    coordinate_columns,
    fault_where,
    local_column,
    number_column,
    text_column,
    utc_column,
)
from truceline.observe.sectors import (
    RANGE_MAX_KM,
    Floats,
    Sectors,
    bearing_from_words,
    centre_distance_m,
    centre_sigma_m,
    range_from_words,
    read_words,
    tally_from_words,
)
from truceline.observe.tables import DecodeContext, Decoded, Decoder, ReadRows, frame_from_raw, sort_rows
from truceline.physics.geodesy import geodesic_destination, points_of

DURATION_MAX_MIN = 7.0 * 24.0 * 60.0
"""A longer observation is a fault of the report."""

POSITION_SIGMA_LEAST_M = 100.0
"""No report is surer of a place than an observer is of their own."""

SECTOR_SIGMA_M = 2_500.0
"""Usual uncertainty of a sector's centre: 5 to 10 km in one point of the compass."""

WORD_COLUMNS = frozenset({"observer_lat", "observer_lon", "direction", "range_km", "means", "count", "description"})
"""Columns of a table in words, besides its time."""

NUMBER_COLUMNS = frozenset(
    {
        "start_utc",
        "end_utc",
        "observer_latitude_deg",
        "observer_longitude_deg",
        "bearing_deg",
        "bearing_width_deg",
        "range_low_km",
        "range_high_km",
        "means",
        "count",
        "description",
    }
)
"""Columns of a table in numbers."""

MEANS = {"saw": "saw", "seen": "saw", "heard": "heard", "recorded": "recorded"}
"""How it was observed, as written and as kept."""

DESCRIPTIONS = {
    "undetermined": "undetermined",
    "explosion": "undetermined",
    "undetermined explosion": "undetermined",
    "n/k": "undetermined",
    "outgoing": "outgoing",
    "outgoing explosion": "outgoing",
    "muzzle flash": "outgoing",
    "impact": "impact",
    "impact explosion": "impact",
    "airburst": "airburst",
    "burst": "burst",
    "burst of fire": "burst",
    "shot": "shot",
    "projectile": "projectile",
    "projectile in flight": "projectile",
    "tracer": "projectile",
}
"""What was observed, as written (one or several: a final `s` does not matter) and as kept."""

MANIFEST = SourceManifest(
    source_id="patrol_reports",
    title="Patrols and cameras of a monitoring mission",
    kind="patrol_report",
    observes="explosions, shots and projectiles, as a sector from the observer",
    procedure="monitors' own eyes, ears and cameras; times by their clocks, ranges by estimate",
    operator="the monitoring mission",
    influenced_by_parties=(),
    licence="the mission's",
    position_sigma_m=SECTOR_SIGMA_M,
    latency_hours=12.0,
)
"""What the feed is; parties can keep patrols away but do not write their reports."""


class _Sector(msgspec.Struct, frozen=True, kw_only=True):
    """The sector columns of a table, however written, and their faults."""

    sectors: Sectors
    faults: list[pl.Series | None]


def recognises(columns: frozenset[str]) -> bool:
    """Say whether these are the columns of a table of patrol reports, in words or in numbers."""
    in_words = columns >= WORD_COLUMNS and bool(columns & {"time_utc", "time_local"})
    return in_words or columns >= NUMBER_COLUMNS


def decode(raw: pa.Table, context: DecodeContext) -> Decoded:
    """Turn rows of a table of patrol reports into observations, or say why not."""
    frame = frame_from_raw(raw)
    in_words = "direction" in frame.columns
    start, end = (
        _word_times(frame, context) if in_words else (utc_column(frame, "start_utc"), utc_column(frame, "end_utc"))
    )
    names = ("observer_lat", "observer_lon") if in_words else ("observer_latitude_deg", "observer_longitude_deg")
    latitude, longitude = coordinate_columns(frame, *names)
    sector = _sector_in_words(frame) if in_words else _sector_in_numbers(frame)
    means, description = _known_word(frame, "means", MEANS), _known_word(frame, "description", DESCRIPTIONS)
    count_text = text_column(frame, "count")
    count, counted = read_words(count_text, "count", says="is not a count", read=tally_from_words)
    weapon = text_column(frame, "weapon")
    columns = {
        "phenomenon_start": start.values,
        "phenomenon_end": end.values,
        "result_time": end.values,
        **_positions(latitude.values, longitude.values, sector.sectors),
        **_count_columns(count, count_text),
        "observer_latitude_deg": latitude.values,
        "observer_longitude_deg": longitude.values,
        "means": means.values,
        "description": description.values,
        "weapon": weapon,
    }
    identity = ["phenomenon_start", "phenomenon_end", "observer_latitude_deg", "observer_longitude_deg", "bearing_deg"]
    identity += ["bearing_width_deg", "range_low_m", "range_high_m", "means", "description", "weapon", "count_text"]
    who = [text_column(frame, name) for name in ("report_id", "observer", "post")]
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[*who, *(columns[name] for name in identity)],
            faults=[
                *(p.faults for p in (start, end, latitude, longitude, means, description, counted)),
                *sector.faults,
            ],
        ),
    )


def _word_times(frame: pl.DataFrame, context: DecodeContext) -> tuple[Parsed, Parsed]:
    """Give when each observation began and ended; without a duration it is the minute that is named."""
    start = utc_column(frame, "time_utc") if "time_utc" in frame.columns else _zoned_times(frame, context)
    duration = number_column(frame, "duration_min", low=0.0, high=DURATION_MAX_MIN)
    span = pl.DataFrame({"start": start.values, "min": duration.values})
    seconds = (pl.col("min").fill_null(1.0).fill_nan(1.0) * 60.0).cast(pl.Int64, strict=False)
    end = span.select(pl.col("start") + pl.duration(seconds=seconds)).to_series()
    return start, Parsed(end, duration.faults)


def _zoned_times(frame: pl.DataFrame, context: DecodeContext) -> Parsed:
    """Give local times as UTC, each row in the zone it names, or else in the theatre's."""
    zones = text_column(frame, "timezone")
    zones = zones.zip_with(zones != "", pl.repeat(context.timezone_name, frame.height, eager=True))
    values = pl.repeat(None, frame.height, dtype=pl.Datetime("us", "UTC"), eager=True)
    faults = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    for zone in zones.unique().sort().to_list():
        here = zones == zone
        times = _times_in_zone(frame, zone)
        values = times.values.zip_with(here, values)
        faults = faults if times.faults is None else times.faults.zip_with(here, faults)
    return Parsed(values, faults if faults.is_not_null().any() else None)


def _times_in_zone(frame: pl.DataFrame, zone: str) -> Parsed:
    try:
        return local_column(frame, "time_local", zone)
    except pl.exceptions.ComputeError:
        zones = pl.repeat(zone, frame.height, eager=True)
        nothing = pl.repeat(None, frame.height, dtype=pl.Datetime("us", "UTC"), eager=True)
        everywhere = pl.repeat(True, frame.height, eager=True)
        return Parsed(nothing, fault_where(everywhere, "timezone", zones, says="is not a zone such as Europe/Kyiv"))


def _sector_in_words(frame: pl.DataFrame) -> _Sector:
    says_direction = "is not a direction such as ESE, or from south to south-west"
    bearing, pointed = read_words(
        text_column(frame, "direction"), "direction", says=says_direction, read=bearing_from_words
    )
    says_range = f"is not a range such as 2-4, up to {RANGE_MAX_KM:g} km"
    reach, ranged = read_words(text_column(frame, "range_km"), "range_km", says=says_range, read=range_from_words)
    sectors = Sectors(
        bearing_deg=_floats(bearing, "bearing_deg", frame.height),
        width_deg=_floats(bearing, "width_deg", frame.height),
        low_m=1_000.0 * _floats(reach, "low_km", frame.height),
        high_m=1_000.0 * _floats(reach, "high_km", frame.height),
    )
    return _Sector(sectors=sectors, faults=[pointed.faults, ranged.faults])


def _floats(columns: Mapping[str, pl.Series], name: str, row_count: int) -> Floats:
    """Give a column as numbers, `nan` where nothing was read."""
    if name not in columns:
        return np.full(row_count, np.nan)
    return columns[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _sector_in_numbers(frame: pl.DataFrame) -> _Sector:
    bearing = number_column(frame, "bearing_deg", low=0.0, high=360.0, required=True)
    width = number_column(frame, "bearing_width_deg", low=0.0, high=360.0, required=True)
    low = number_column(frame, "range_low_km", low=0.0, high=RANGE_MAX_KM, required=True)
    high = number_column(frame, "range_high_km", low=0.0, high=RANGE_MAX_KM, required=True)
    inverted = fault_where(high.values < low.values, "range_high_km", high.values, says="is below range_low_km")
    read = [parsed.values.fill_null(float("nan")).to_numpy() for parsed in (bearing, width, low, high)]
    sectors = Sectors(bearing_deg=read[0], width_deg=read[1], low_m=1_000.0 * read[2], high_m=1_000.0 * read[3])
    return _Sector(sectors=sectors, faults=[bearing.faults, width.faults, low.faults, high.faults, inverted])


def _positions(latitude: pl.Series, longitude: pl.Series, sectors: Sectors) -> dict[str, pl.Series]:
    """Give the sector columns, and the centre of each sector as its position; rows at fault come out as anything."""
    origin = points_of(
        np.clip(longitude.fill_null(0.0).to_numpy(), -180.0, 180.0),
        np.clip(latitude.fill_null(0.0).to_numpy(), -90.0, 90.0),
    )
    centre = geodesic_destination(origin, np.nan_to_num(sectors.bearing_deg), np.nan_to_num(centre_distance_m(sectors)))
    sigma_m = np.maximum(np.nan_to_num(centre_sigma_m(sectors)), POSITION_SIGMA_LEAST_M)
    return {
        "latitude_deg": pl.Series(centre.latitude_deg),
        "longitude_deg": pl.Series(centre.longitude_deg),
        "position_sigma_m": pl.Series(sigma_m),
        "bearing_deg": pl.Series(sectors.bearing_deg),
        "bearing_width_deg": pl.Series(sectors.width_deg),
        "range_low_m": pl.Series(sectors.low_m),
        "range_high_m": pl.Series(sectors.high_m),
    }


def _known_word(frame: pl.DataFrame, name: str, meanings: Mapping[str, str]) -> Parsed:
    """Give each word as it is kept; a word in the plural means the same."""
    texts = text_column(frame, name)
    lower = texts.str.to_lowercase()
    plurals = {f"{word}s": meaning for word, meaning in meanings.items()}
    kept = lower.replace_strict({**plurals, **meanings}, default=None, return_dtype=pl.String)
    return Parsed(kept, fault_where(kept.is_null(), name, texts, says=f"is none of {', '.join(sorted(meanings))}"))


def _count_columns(count: Mapping[str, pl.Series], texts: pl.Series) -> dict[str, pl.Series]:
    nothing = pl.repeat(None, len(texts), dtype=pl.Float64, eager=True)
    approximate = count.get("approximate", nothing).cast(pl.Boolean)
    return {
        "low_count": count.get("low_count", nothing).cast(pl.Float64),
        "high_count": count.get("high_count", nothing).cast(pl.Float64),
        "count_is_approximate": approximate,
        "count_text": texts,
    }


DECODER = Decoder(
    manifest=MANIFEST,
    forms={
        "patrol reports in words, UTC": WORD_COLUMNS | {"time_utc"},
        "patrol reports in words, local time": WORD_COLUMNS | {"time_local"},
        "patrol reports in numbers": NUMBER_COLUMNS,
    },
    recognises=recognises,
    decode=decode,
)
"""The way in for patrol reports."""
