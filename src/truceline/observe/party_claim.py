"""What parties say of each other's launches: claims, never observations of fact. Three forms are read.

Bulletins of Ukraine's air force: `start_utc`, `end_utc`, `timed`, `model`, `weapon_class`, `launched`, `destroyed`,
`target` (the places named, as the feed calls its column). Posts of Russia's ministry of defence: `posted_utc`,
`claimed_ua_drones_downed`, `oblasts` (separated by `|`). Any party, anywhere: `claimant`, `actor`, `weapon_class`,
`launched`, `destroyed`, and `posted_utc` or `start_utc` with `end_utc`; optional `model`, `timed`, `places`.

A claim without stated times is an instant, the time of its posting, with `time_is_stated` false; how far back it
reaches is the theatre's to say. A bulletin whose `timed` is false spans the day it names. A number that the claimant
did not give stays null; the count is then at least what it claims to have downed.
"""

from __future__ import annotations

import msgspec
import polars as pl
import pyarrow as pa

from truceline.model.source import SourceManifest
from truceline.observe.parsing import (
    MISSING_TEXTS,
    Parsed,
    flag_column,
    number_column,
    required_text,
    text_column,
    utc_column,
)
from truceline.observe.tables import DecodeContext, Decoded, Decoder, ReadRows, frame_from_raw, party_faults, sort_rows

BULLETIN_COLUMNS = frozenset(
    {"start_utc", "end_utc", "timed", "model", "weapon_class", "launched", "destroyed", "target"}
)
"""Columns of a table of Ukraine's air force bulletins."""

POST_COLUMNS = frozenset({"posted_utc", "claimed_ua_drones_downed", "oblasts"})
"""Columns of a table of posts of Russia's ministry of defence."""

CLAIM_COLUMNS = frozenset({"claimant", "actor", "weapon_class", "launched", "destroyed"})
"""Columns of a table of claims that name their claimant and actor; times come on top."""

CLAIM_MAX_COUNT = 1.0e6
"""Above this a claimed number is taken for a fault of the file."""

PLACE_SEPARATORS = r"\s*(?:[|,;]|\band\b)\s*"
"""What stands between the places of one claim."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One feed's own way to write claims: who speaks of whom, and which columns hold what.

    A `claimant` of `None` means that the columns `claimant` and `actor` say it, row by row.
    """

    claimant: str | None
    actor: str | None
    weapon_class: str | None
    launched_column: str
    destroyed_column: str
    places_column: str


BULLETIN_FORM = Form(
    claimant="UA",
    actor="RU",
    weapon_class=None,
    launched_column="launched",
    destroyed_column="destroyed",
    places_column="target",
)
"""Ukraine's air force writes of Russia's launches."""

POST_FORM = Form(
    claimant="RU",
    actor="UA",
    weapon_class="oneway_uav",
    launched_column="launched",
    destroyed_column="claimed_ua_drones_downed",
    places_column="oblasts",
)
"""Russia's ministry of defence writes of Ukraine's drones it says it downed; it gives no number launched."""

CLAIM_FORM = Form(
    claimant=None,
    actor=None,
    weapon_class=None,
    launched_column="launched",
    destroyed_column="destroyed",
    places_column="places",
)
"""Any claimant, named in the row."""

MANIFEST = SourceManifest(
    source_id="party_claims",
    title="The parties' own bulletins",
    kind="party_claim",
    observes="that a party claims that the other launched, and that it downed, so many of a weapon class",
    procedure="bulletins and posts as tabulated by third persons",
    operator="the claimant named in each record",
    influenced_by_parties=("RU", "UA"),
    licence="public statements",
    position_sigma_m=1.0e6,
    latency_hours=12.0,
)
"""What the feed is: each record rests on its claimant alone."""


def recognises(columns: frozenset[str]) -> bool:
    """Say whether these are the columns of one of the three forms."""
    return _form(columns) is not None


def _form(columns: frozenset[str]) -> Form | None:
    times = {"posted_utc"} <= columns or {"start_utc", "end_utc"} <= columns
    if columns >= CLAIM_COLUMNS and times:
        return CLAIM_FORM
    if columns >= BULLETIN_COLUMNS:
        return BULLETIN_FORM
    return POST_FORM if columns >= POST_COLUMNS else None


def decode(raw: pa.Table, context: DecodeContext) -> Decoded:
    """Turn rows of a table of claims into observations, or say why not."""
    frame = frame_from_raw(raw)
    form = _form(frozenset(frame.columns))
    assert form is not None, f"columns {frame.columns} make no form of claims"
    start, end, stated = _times(frame)
    claimant, actor = _party(frame, "claimant", form.claimant), _party(frame, "actor", form.actor)
    weapon_class = _constant_or_text(frame, "weapon_class", form.weapon_class)
    launched = number_column(frame, form.launched_column, low=0.0, high=CLAIM_MAX_COUNT)
    destroyed = number_column(frame, form.destroyed_column, low=0.0, high=CLAIM_MAX_COUNT)
    places, model = text_column(frame, form.places_column), text_column(frame, "model")
    columns = {
        "phenomenon_start": start.values,
        "phenomenon_end": end.values,
        "result_time": end.values,
        "claimant": claimant.values,
        "actor": actor.values,
        "weapon_class": weapon_class.values,
        "weapon_model": model,
        "launched_count": launched.values,
        "destroyed_count": destroyed.values,
        "time_is_stated": stated.values,
        "places": _places(places),
        **_counts(launched.values, destroyed.values),
    }
    identity = [start, end, stated, claimant, actor, weapon_class, launched, destroyed]
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[*(parsed.values for parsed in identity), model, places],
            faults=[
                *(parsed.faults for parsed in (start, end, stated, weapon_class, launched, destroyed)),
                *party_faults("claimant", claimant, context),
                *party_faults("actor", actor, context),
            ],
        ),
    )


def _times(frame: pl.DataFrame) -> tuple[Parsed, Parsed, Parsed]:
    """Give start, end and whether the claim states its times; a posting time alone is both, and not stated."""
    if "start_utc" not in frame.columns or "end_utc" not in frame.columns:
        posted = utc_column(frame, "posted_utc")
        return posted, posted, Parsed(pl.repeat(False, frame.height, eager=True))
    stated = flag_column(frame, "timed")
    if "timed" not in frame.columns:
        stated = Parsed(pl.repeat(True, frame.height, eager=True))
    return utc_column(frame, "start_utc"), utc_column(frame, "end_utc"), stated


def _party(frame: pl.DataFrame, name: str, party: str | None) -> Parsed:
    return _constant_or_text(frame, name, party)


def _constant_or_text(frame: pl.DataFrame, name: str, constant: str | None) -> Parsed:
    if constant is not None:
        return Parsed(pl.repeat(constant, frame.height, dtype=pl.String, eager=True))
    return required_text(frame, name)


def _places(texts: pl.Series) -> pl.Series:
    pieces = pl.col("text").str.replace_all(PLACE_SEPARATORS, "|").str.split("|")
    element = pl.element().str.strip_chars()
    kept = pieces.list.eval(element.filter(~element.str.to_lowercase().is_in([*MISSING_TEXTS, "unknown"])))
    return pl.DataFrame({"text": texts}).select(kept.alias("places")).to_series()


def _counts(launched: pl.Series, destroyed: pl.Series) -> dict[str, pl.Series]:
    """Give the count claimed: as launched, else at least as many as downed, else not stated at all."""
    frame = pl.DataFrame({"launched": launched, "destroyed": destroyed}).select(
        pl.coalesce("launched", "destroyed", 0.0).alias("low_count"),
        pl.col("launched").alias("high_count"),
        pl.lit(value=False).alias("count_is_approximate"),
        pl.when(pl.col("launched").is_not_null())
        .then(_number_text("launched"))
        .when(pl.col("destroyed").is_not_null())
        .then(pl.format("at least {}", _number_text("destroyed")))
        .otherwise(pl.lit("not stated"))
        .alias("count_text"),
    )
    return {name: frame[name] for name in frame.columns}


def _number_text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_suffix(".0")


DECODER = Decoder(
    manifest=MANIFEST,
    forms={
        "air force bulletins": BULLETIN_COLUMNS,
        "ministry posts": POST_COLUMNS,
        "claims with start and end": CLAIM_COLUMNS | {"start_utc", "end_utc"},
        "claims with a posting time": CLAIM_COLUMNS | {"posted_utc"},
    },
    recognises=recognises,
    decode=decode,
)
"""The way in for the parties' claims."""
