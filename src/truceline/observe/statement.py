"""What parties, media and missions say of who did something, as it was published: one row is one statement.

Columns: `speaker` (a party's id where it is a party), `speaker_role` (`party`, `media`, `mission`), `says` (`blames`,
`denies`, `admits`), `about` (the party spoken of), `start_utc` and `end_utc` (when it is said to have happened), `lat`,
`lon`; optional: `position_sigma_m` (else that of a settlement), `place_name`, `published_utc` (else the end), `bloc`
(whose party's media the speaker is; empty for neither's), `first_publisher` (who had it first; else the speaker).

Whoever enters the row reads the statement; no word of it is read here. A statement is no observation of an occurrence.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from truceline.model.source import SourceManifest
from truceline.observe.parsing import (
    Parsed,
    coordinate_columns,
    fault_where,
    number_column,
    optional_text,
    required_text,
    text_column,
    utc_column,
)
from truceline.observe.tables import (
    DecodeContext,
    Decoded,
    Decoder,
    ReadRows,
    frame_from_raw,
    one_each,
    party_faults,
    sort_rows,
)

COLUMNS = frozenset({"speaker", "speaker_role", "says", "about", "start_utc", "end_utc", "lat", "lon"})
"""Columns every table of statements must have."""

ROLES = ("party", "media", "mission")
WORDS = ("blames", "denies", "admits")

PLACE_SIGMA_M = 3_000.0
"""Of a statement's place where it gives no other: about a town's radius. A guess."""

PLACE_SIGMA_MOST_M = 100_000.0

MANIFEST = SourceManifest(
    source_id="statements",
    title="Statements of parties, media and missions",
    kind="statement",
    observes="that somebody says, denies or admits that a party did something at a place and time",
    procedure="read and entered by people, who name the speaker, the role and the first publisher",
    operator="the mission's desk",
    influenced_by_parties=(),
    licence="public statements",
    position_sigma_m=PLACE_SIGMA_M,
    latency_hours=24.0,
)
"""What the feed is; a party can influence its own statements and those of its media, row by row."""


def recognises(columns: frozenset[str]) -> bool:
    """Say whether these are the columns of a table of statements."""
    return columns >= COLUMNS


def decode(raw: pa.Table, context: DecodeContext) -> Decoded:
    """Turn rows of a table of statements into observations, or say why not."""
    frame = frame_from_raw(raw)
    speaker, about, bloc = required_text(frame, "speaker"), required_text(frame, "about"), optional_text(frame, "bloc")
    role, says = _known_word(frame, "speaker_role", ROLES), _known_word(frame, "says", WORDS)
    start, end = utc_column(frame, "start_utc"), utc_column(frame, "end_utc")
    published = _published(frame)
    latitude, longitude = coordinate_columns(frame, "lat", "lon")
    sigma = number_column(frame, "position_sigma_m", low=1.0, high=PLACE_SIGMA_MOST_M)
    place, named_first = text_column(frame, "place_name"), text_column(frame, "first_publisher")
    first = named_first.zip_with(named_first != "", speaker.values)
    own = Parsed(speaker.values.zip_with(role.values == "party", about.values))
    columns = {
        "phenomenon_start": start.values,
        "phenomenon_end": end.values,
        "result_time": published.values.fill_null(end.values),
        "latitude_deg": latitude.values,
        "longitude_deg": longitude.values,
        "position_sigma_m": sigma.values.fill_null(PLACE_SIGMA_M),
        "place_name": place,
        "speaker_role": role.values,
        "speaker": speaker.values,
        "says": says.values,
        "about": about.values,
        "bloc": bloc,
        "first_publisher": first,
        **one_each(frame.height),
    }
    parsed = (speaker, role, says, about, start, end, published, latitude, longitude, sigma)
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[*(one.values for one in parsed), bloc, first, place],
            faults=[
                *(one.faults for one in parsed),
                *party_faults("about", about, context),
                *party_faults("speaker", own, context),
                *party_faults("bloc", Parsed(bloc), context),
            ],
        ),
    )


def _published(frame: pl.DataFrame) -> Parsed:
    """Give when each was published; null where that is not told."""
    if "published_utc" not in frame.columns:
        return Parsed(pl.repeat(None, frame.height, dtype=pl.Datetime("us", "UTC"), eager=True))
    return utc_column(frame, "published_utc", required=False)


def _known_word(frame: pl.DataFrame, name: str, words: tuple[str, ...]) -> Parsed:
    texts = text_column(frame, name).str.to_lowercase()
    return Parsed(texts, fault_where(~texts.is_in(list(words)), name, texts, says=f"is none of {', '.join(words)}"))


DECODER = Decoder(manifest=MANIFEST, forms={"statements": COLUMNS}, recognises=recognises, decode=decode)
"""The way in for statements."""
