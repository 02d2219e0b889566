"""News reports geolocated to a place (the VIINA feed, cut to flags): one row is one report.

Columns: `rid` (the feed's own name of the report), `date` (the report's local day), `lon`, `lat`, `place_name`,
`adm1_only` (the point stands for a whole region), `lex_kinetic`, `lex_initiator` (whom the headline names),
`lex_energy_target`; optional: `time_local` (HH:MM), `k_artillery`, `k_uav`, `k_missile`, `k_glide_bomb`, `k_explosion`,
`k_assault`. Any other column (the feed's own event type, side of the line) is not read: it was measured unreliable or
is for us to work out. The day a report was written is when it happened, to the day; it says no more.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from truceline.model.quantity import SIGMA_UNKNOWN_M
from truceline.model.source import SourceManifest
from truceline.observe.parsing import (
    MISSING_TEXTS,
    Parsed,
    coordinate_columns,
    day_bounds,
    day_column,
    fault_where,
    flag_column,
    local_to_utc,
    optional_text,
    required_text,
    text_column,
)
from truceline.observe.tables import DecodeContext, Decoded, Decoder, ReadRows, frame_from_raw, one_each, sort_rows

SETTLEMENT_SIGMA_M = 3_000.0
"""Position uncertainty of a report placed on a settlement, metres, 1 sigma: about a town's radius.

A headline names the settlement, not the spot; the gazetteer point is its centre. A guess, not a measurement.
"""

INITIATOR_PARTIES = {"R": "RU", "U": "UA"}
"""This feed's letters for whom a headline names, and the party ids they stand for; a party's id itself also serves."""

WEAPON_HINT_COLUMNS = ("k_artillery", "k_assault", "k_explosion", "k_glide_bomb", "k_missile", "k_uav")
"""Keyword flags that become weapon hints under their own name, without the `k_`."""

COLUMNS = frozenset(
    {"rid", "date", "lon", "lat", "place_name", "adm1_only", "lex_kinetic", "lex_initiator", "lex_energy_target"}
)
"""Columns every file of reports must have."""

CLOCK_PATTERN = r"^((?:[01]?\d|2[0-3]):[0-5]\d)(?::[0-5]\d(?:\.\d+)?)?$"
"""A time of day, with seconds or without; the first group is hours and minutes."""

MANIFEST = SourceManifest(
    source_id="media_reports",
    title="Geolocated news reports (VIINA)",
    kind="media_report",
    observes="that a news outlet reported an attack, explosion or fighting at a place on a day",
    procedure="headlines geolocated by gazetteer and classed by keyword rules",
    operator="VIINA (academic) over national news outlets",
    influenced_by_parties=("RU", "UA"),
    licence="ODbL 1.0",
    position_sigma_m=SETTLEMENT_SIGMA_M,
    latency_hours=24.0,
)
"""What the feed is and who could influence it: outlets write what their party's authorities tell them."""


def recognises(columns: frozenset[str]) -> bool:
    """Say whether these are the columns of a file of news reports."""
    return columns >= COLUMNS


def decode(raw: pa.Table, context: DecodeContext) -> Decoded:
    """Turn rows of a file of news reports into observations, or say why not."""
    frame = frame_from_raw(raw)
    report = required_text(frame, "rid")
    latitude, longitude = coordinate_columns(frame, "lat", "lon")
    day, region = day_column(frame, "date"), flag_column(frame, "adm1_only")
    party = _named_party(frame, context)
    flags = {name: flag_column(frame, name) for name in ("lex_kinetic", "lex_energy_target", *WEAPON_HINT_COLUMNS)}
    start, end = day_bounds(day.values, context.timezone_name)
    clock = _clock(frame)
    place = text_column(frame, "place_name")
    columns = {
        "phenomenon_start": start,
        "phenomenon_end": end,
        "result_time": _written_time(day.values, clock.values, end, context.timezone_name),
        "latitude_deg": latitude.values,
        "longitude_deg": longitude.values,
        "position_sigma_m": _sigma_m(region.values),
        "place_name": place,
        "place_is_region": region.values,
        "kinetic": flags["lex_kinetic"].values,
        "energy_object": flags["lex_energy_target"].values,
        "named_party": party.values,
        "weapon_hints": _weapon_hints(flags),
        **one_each(frame.height),
    }
    identity = [
        report.values,
        start,
        clock.values,
        latitude.values,
        longitude.values,
        place,
        region.values,
        party.values,
    ]
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[*identity, *(flag.values for flag in flags.values())],
            faults=[
                parsed.faults for parsed in (report, day, clock, latitude, longitude, region, party, *flags.values())
            ],
        ),
    )


def _named_party(frame: pl.DataFrame, context: DecodeContext) -> Parsed:
    names = optional_text(frame, "lex_initiator")
    own = {letter: party for letter, party in INITIATOR_PARTIES.items() if party in context.parties}
    parties = names.replace_strict({**own, **{party: party for party in context.parties}}, default=None)
    parties = parties.cast(pl.String)
    says = f"is neither empty nor R, U nor a party of this theatre ({', '.join(context.parties)})"
    return Parsed(parties, fault_where(names.is_not_null() & parties.is_null(), "lex_initiator", names, says=says))


def _clock(frame: pl.DataFrame) -> Parsed:
    """Give the clock times as HH:MM, empty where none is given; seconds after it are not looked at."""
    texts = text_column(frame, "time_local")
    clock = texts.str.extract(CLOCK_PATTERN, 1)
    missing = texts.str.to_lowercase().is_in(list(MISSING_TEXTS))
    says = "is not a time of day such as 05:00"
    return Parsed(clock.fill_null(""), fault_where(clock.is_null() & ~missing, "time_local", texts, says=says))


def _written_time(days: pl.Series, clock: pl.Series, day_end: pl.Series, timezone_name: str) -> pl.Series:
    """Give when a report was written; without a clock time, or with one the clock skipped, the end of its day."""
    texts = pl.DataFrame({"day": days.cast(pl.String), "clock": clock}).select(
        pl.concat_str("day", pl.lit(" "), "clock")
    )
    local = texts.to_series().str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False)
    written = local_to_utc(local, timezone_name)
    return written.zip_with(written.is_not_null(), day_end)


def _sigma_m(is_region: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"is_region": is_region})
    return frame.select(pl.when("is_region").then(SIGMA_UNKNOWN_M).otherwise(SETTLEMENT_SIGMA_M)).to_series()


def _weapon_hints(flags: dict[str, Parsed]) -> pl.Series:
    frame = pl.DataFrame({name: flags[name].values for name in WEAPON_HINT_COLUMNS})
    words = [pl.when(name).then(pl.lit(name.removeprefix("k_"))) for name in WEAPON_HINT_COLUMNS]
    return frame.select(pl.concat_list(words).list.drop_nulls()).to_series()


DECODER = Decoder(manifest=MANIFEST, forms={"news reports": COLUMNS}, recognises=recognises, decode=decode)
"""The way in for news reports."""
