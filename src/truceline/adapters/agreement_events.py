"""Reads events to be held against a text: an event table, a located solution, the store's own events, or a feed.

Whatever it was, it comes out as the same columns (`EVENT_FRAME`), piece by piece, and every row that cannot be used is
given back with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import polars as pl
import pyarrow as pa

from truceline.adapters.agreement_reports import (
    REPORTS_MAX_COUNT,
    reports_of_rows,
    standing_rows,
)
from truceline.adapters.agreements import load_weapons
from truceline.adapters.sources.files import FeedContext, NotRecognised, decoded_chunks, holds_lines, open_table
from truceline.adapters.stores.workspace import Workspace
from truceline.assess.columns import CATEGORIES
from truceline.assess.counts import SourcedReport
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.conduct import ActDomain, ActKind, Purpose, UnitSize
from truceline.model.event import Event
from truceline.model.quantity import SIGMA_UNKNOWN_M
from truceline.model.weapon import WeaponClass
from truceline.observe.parsing import (
    UTC_TIME,
    Parsed,
    fault_where,
    first_faults,
    number_column,
    optional_text,
    required_text,
    utc_column,
)

PIECE_ROW_COUNT = 200_000
"""Rows of a table that are held at once."""

SIGMA_MOST_M = 1.0e6
"""Largest position uncertainty that can be meant."""

UNIFORM_HALF_WIDTH_RATIO = 3.0**0.5
"""Half width of the even span of time that has a given standard deviation."""

EVENT_FRAME: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "revision_index": pl.Int64(),
    "start": UTC_TIME,
    "end": UTC_TIME,
    "longitude_deg": pl.Float64(),
    "latitude_deg": pl.Float64(),
    "covariance_east_m2": pl.Float64(),
    "covariance_east_north_m2": pl.Float64(),
    "covariance_north_m2": pl.Float64(),
    "act": pl.String(),
    "domain": pl.String(),
    "weapon": pl.String(),
    "weapon_class": pl.String(),
    "class_probabilities": pl.String(),
    "calibre_mm": pl.Float64(),
    "actor": pl.String(),
    "actor_probability": pl.Float64(),
    "purpose": pl.String(),
    "unit_size": pl.String(),
    "object_category": pl.String(),
    "object_category_not": pl.String(),
    "place_is": pl.String(),
    "lacking": pl.String(),
    "signature_count": pl.Float64(),
    "report_id": pl.String(),
    "source": pl.String(),
    "cites": pl.String(),
    "event_probability": pl.Float64(),
    "withdrawn": pl.Boolean(),
}
"""The columns that events come out in. Position is null where it is not known, so are words that nobody said."""

REQUIRED_COLUMNS = ("event_id", "start", "longitude_deg", "latitude_deg")
"""Columns that an event table must have; a position may be empty row by row."""

TIME_NAMES = ("start", "time", "origin_time", "phenomenon_start", "start_utc")
"""Under which names the time may stand in an event table; the first that is there counts."""

WORDS: dict[str, tuple[str, ...]] = {
    "act": get_args(ActKind),
    "domain": get_args(ActDomain),
    "weapon_class": get_args(WeaponClass),
    "purpose": get_args(Purpose),
    "unit_size": get_args(UnitSize),
    "object_category": CATEGORIES,
    "object_category_not": CATEGORIES,
    "place_is": ("weapon", "impact"),
}
"""Columns of words, and which words there are."""


class Rejected(NamedTuple):
    """A row that cannot be used: its file, its index from 0 (header not counted), and why."""

    file_name: str
    row_index: int
    reason: str


class EventPiece(NamedTuple):
    """Some events as columns of `EVENT_FRAME`, and the rows that could not be used.

    `reports` are those the events rest on, where there are such; without any, every event is one report of its own.
    """

    frame: pl.DataFrame
    rejected: list[Rejected]
    reports: Sequence[SourcedReport] = ()


def event_pieces(path: Path, feed: FeedContext) -> Iterator[EventPiece]:
    """Give the events of a file or folder piece by piece; raise where it is none of the known forms.

    A folder with `events/part-*.parquet` is a located solution, another folder a store. A file with the columns of an
    event table is one; any other file is opened as a feed, whose reports of conduct become events one by one.
    """
    if path.is_dir():
        parts = sorted((path / "events").glob("part-*.parquet"))
        yield from _of_solution(parts) if parts else _of_store(path)
        return
    names = _column_names(path)
    if "event_id" in names:
        yield from _of_table(path, names)
    else:
        yield from _of_feed(path, feed)


def _column_names(path: Path) -> list[str]:
    try:
        if path.suffix == ".parquet":
            return list(pl.scan_parquet(path).collect_schema().names())
        if path.suffix == ".csv":
            return list(pl.scan_csv(path, infer_schema=False, comment_prefix="#").collect_schema().names())
    except (OSError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise SourceUnavailable(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error
    raise InputUnusable(f"{path}: is neither .parquet nor .csv nor a folder")


def _of_table(path: Path, names: Sequence[str]) -> Iterator[EventPiece]:
    time_name = next((name for name in TIME_NAMES if name in names), None)
    missing = [name for name in REQUIRED_COLUMNS if name not in names and name != "start"]
    missing += [] if time_name else ["start"]
    known = {*EVENT_FRAME, *TIME_NAMES, "end_utc", "sigma_m"}
    if missing:
        raise InputUnusable(f"{path}: columns {missing} are missing; an event table has {list(REQUIRED_COLUMNS)}")
    if not set(names) & (known - set(REQUIRED_COLUMNS) - set(TIME_NAMES)):
        raise InputUnusable(f"{path}: has no column beside place and time; known are {sorted(known)}")
    types = {entry.casefold() for kind in load_weapons().types for entry in (kind.type_id, *kind.names)}
    first_index = 0
    held: list[EventPiece] = []
    for frame in _frames(path):
        piece = _table_piece(frame, (path.name, first_index), time_name or "start", types)
        first_index += frame.height
        if "report_id" not in names:
            yield piece
            continue
        held.append(piece)
        if first_index > REPORTS_MAX_COUNT:
            raise InputUnusable(f"{path}: more than {REPORTS_MAX_COUNT:,} reports, the limit in one table")
    if held:
        yield _joined_reports(held, path.name)


def _joined_reports(pieces: Sequence[EventPiece], file_name: str) -> EventPiece:
    """Give one event for each occurrence that the reports of a table tell of; copies are given back as such."""
    frame = pl.concat([piece.frame for piece in pieces])
    rejected = [row for piece in pieces for row in piece.rejected]
    reports = reports_of_rows(frame)
    rows, copies = standing_rows(frame, reports)
    numbers = _row_numbers(frame.height, rejected)
    rejected += [
        Rejected(file_name, numbers[index], f"{reports[index].report_id}: is a copy, it cites {cited}")
        for index, cited in copies.items()
    ]
    return EventPiece(frame[rows], rejected, reports)


def _row_numbers(sound_count: int, rejected: Sequence[Rejected]) -> list[int]:
    """Give for each sound row its number in the file, of which the rows at fault are left out."""
    faulty = {row.row_index for row in rejected}
    return [number for number in range(sound_count + len(faulty)) if number not in faulty]


def _frames(path: Path) -> Iterator[pl.DataFrame]:
    """Read a table in pieces; of a CSV everything comes as text."""
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(PIECE_ROW_COUNT):
                    yield pl.DataFrame(pa.Table.from_batches([batch]))
            return
        lazy = pl.scan_csv(path, infer_schema=False, comment_prefix="#", truncate_ragged_lines=False)
        yield from lazy.collect_batches(chunk_size=PIECE_ROW_COUNT, maintain_order=True)
    except (OSError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise SourceUnavailable(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error


def _table_piece(raw: pl.DataFrame, place: tuple[str, int], time_name: str, types: set[str]) -> EventPiece:
    """Read one piece of an event table: columns as they should be, and the rows at fault apart."""
    columns, faults = _times(raw, time_name)
    identity = required_text(raw, "event_id")
    columns["event_id"] = identity.values
    faults.append(identity.faults)
    for name, (low, high) in {
        "longitude_deg": (-180.0, 180.0),
        "latitude_deg": (-90.0, 90.0),
        "calibre_mm": (1.0, 2_000.0),
        "actor_probability": (0.0, 1.0),
        "event_probability": (0.0, 1.0),
        "signature_count": (0.0, 1.0e6),
        "revision_index": (0.0, 1.0e6),
    }.items():
        parsed = number_column(raw, name, low=low, high=high)
        columns[name] = parsed.values
        faults.append(parsed.faults)
    for name, words in WORDS.items():
        texts = optional_text(raw, name)
        columns[name] = texts
        says = "is not one of " + ", ".join(words)
        faults.append(fault_where(texts.is_not_null() & ~texts.is_in(list(words)), name, texts, says=says[:200]))
    weapon = optional_text(raw, "weapon")
    unknown = weapon.is_not_null() & ~weapon.map_elements(str.casefold, return_dtype=pl.String).is_in(sorted(types))
    faults.append(fault_where(unknown, "weapon", weapon, says="is not in the weapons catalogue"))
    columns |= {"weapon": weapon, "actor": optional_text(raw, "actor")}
    columns |= {name: optional_text(raw, name) for name in ("report_id", "source", "cites")}
    mixture = optional_text(raw, "class_probabilities")
    faults.append(fault_where(_unsound_mixture(mixture), "class_probabilities", mixture, says=MIXTURE_SAYS))
    columns["class_probabilities"] = mixture
    unsaid = pl.DataFrame({"act": columns["act"]}).select(pl.when(pl.col("act").is_null()).then(pl.lit(LACKING_ACT)))
    columns["lacking"] = unsaid.to_series()
    columns["act"] = columns["act"].fill_null("fire")
    spread, spread_fault = _spread(raw)
    faults.append(spread_fault)
    lone = columns["longitude_deg"].is_null() != columns["latitude_deg"].is_null()
    faults.append(fault_where(lone, "longitude_deg", columns["longitude_deg"], says="stands without latitude_deg"))
    return _apart(_completed(columns | spread, raw.height), first_faults(faults, raw.height), place)


MIXTURE_SAYS = "is no mixture such as howitzer:0.7;mortar:0.3 of known classes, with a sum of at most 1"


def mixture_of(text: str) -> dict[str, float] | None:
    """Read `howitzer:0.7;mortar:0.3`; `None` if it is no mixture. What is missing to 1 is of a class not known."""
    shares: dict[str, float] = {}
    for part in text.split(";"):
        name, _, share = part.partition(":")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            return None
    sound = set(shares) <= set(get_args(WeaponClass)) and all(0.0 <= share <= 1.0 for share in shares.values())
    return shares if sound and sum(shares.values()) <= 1.0 + 1e-9 else None


def _unsound_mixture(texts: pl.Series) -> pl.Series:
    distinct = [text for text in texts.unique().to_list() if text is not None]
    return texts.is_in([text for text in distinct if mixture_of(text) is None])


def _times(raw: pl.DataFrame, time_name: str) -> tuple[dict[str, pl.Series], list[pl.Series | None]]:
    start = utc_column(raw, time_name)
    end_name = "end_utc" if "end_utc" in raw.columns and "end" not in raw.columns else "end"
    end = utc_column(raw, end_name, required=False) if end_name in raw.columns else Parsed(start.values)
    values = end.values.fill_null(start.values)
    before = fault_where(values < start.values, end_name, values, says="is before the start")
    return {"start": start.values, "end": values}, [start.faults, end.faults, before]


def _spread(raw: pl.DataFrame) -> tuple[dict[str, pl.Series], pl.Series | None]:
    """Give covariances: as they stand, or of a circle of `sigma_m`; where neither stands, of a whole region."""
    sigma = number_column(raw, "sigma_m", low=0.0, high=SIGMA_MOST_M)
    variances = {
        name: number_column(raw, name, low=-(SIGMA_MOST_M**2) if "north_m2" in name else 0.0, high=SIGMA_MOST_M**2)
        for name in ("covariance_east_m2", "covariance_east_north_m2", "covariance_north_m2")
    }
    circle = (sigma.values**2).fill_null(SIGMA_UNKNOWN_M**2)
    east = variances["covariance_east_m2"].values.fill_null(circle)
    north = variances["covariance_north_m2"].values.fill_null(circle)
    both = variances["covariance_east_north_m2"].values.fill_null(0.0)
    tilted = fault_where(
        both**2 > east * north * (1.0 + 1e-9), "covariance_east_north_m2", both, says="is no covariance"
    )
    low = fault_where(north < 0.0, "covariance_north_m2", north, says="is below 0")
    faults = [sigma.faults, *(entry.faults for entry in variances.values()), low, tilted]
    spread = {"covariance_east_m2": east, "covariance_east_north_m2": both, "covariance_north_m2": north}
    return spread, first_faults(faults, raw.height)


def _completed(columns: dict[str, pl.Series], row_count: int) -> pl.DataFrame:
    """Put columns in order, those that nobody filled with what stands for nothing said."""
    defaults = {"revision_index": 0, "signature_count": 1.0, "actor_probability": 1.0, "event_probability": 1.0}
    defaults |= {"withdrawn": False}
    made = {}
    for name, kind in EVENT_FRAME.items():
        column = columns.get(name)
        column = pl.repeat(None, row_count, dtype=kind, eager=True) if column is None else column.cast(kind)
        made[name] = column.fill_null(defaults[name]) if name in defaults else column
    return pl.DataFrame(made)


def _apart(frame: pl.DataFrame, faults: pl.Series | None, place: tuple[str, int]) -> EventPiece:
    """Take the rows at fault out and name them."""
    if faults is None:
        return EventPiece(frame, [])
    bad = faults.is_not_null()
    indices = bad.arg_true().to_list()
    rejected = [Rejected(place[0], place[1] + index, faults[index]) for index in indices]
    return EventPiece(frame.filter(~bad), rejected)


def _of_solution(parts: Sequence[Path]) -> Iterator[EventPiece]:
    """Give the last revision of every event of a located solution; its time is even over what its sigma says."""
    try:
        rows = pl.concat([pl.read_parquet(part) for part in parts])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceUnavailable(f"{parts[0].parent}: cannot be read ({str(error).splitlines()[0]})") from error
    last = rows.sort("event_id", "revision_index").group_by("event_id", maintain_order=True).last()
    half = pl.duration(microseconds=(pl.col("time_sigma_s") * UNIFORM_HALF_WIDTH_RATIO * 1e6).round().cast(pl.Int64))
    origin = pl.col("origin_time").dt.cast_time_unit("us")
    frame = last.with_columns(
        start=origin - half, end=origin + half, withdrawn=pl.col("evaluation_status") == "rejected"
    )
    columns = {name: frame[name] for name in EVENT_FRAME if name in frame.columns}
    columns["act"] = pl.repeat("fire", frame.height, eager=True)
    for piece in _completed(columns, frame.height).iter_slices(PIECE_ROW_COUNT):
        yield EventPiece(piece, [])


LACKING_ACT = "what happened: whether anything was fired"
"""What a table or event lacks that does not say which act it was."""

FIRED_TYPES = frozenset({"explosion", "projectile in flight", "shot", "attack"})
"""Types of an event that say that something was fired; of any other it cannot be told."""


def _of_store(path: Path) -> Iterator[EventPiece]:
    """Give the last revision of every event that a run left in a store."""
    with Workspace.open(path, create=False) as store:
        latest: dict[str, Event] = {}
        for event in store.iterate_records("event", Event):
            known = latest.get(event.event_id)
            if known is None or event.revision_index > known.revision_index:
                latest[event.event_id] = event
    if not latest:
        raise InputUnusable(f"{path}: the store holds no event; `truceline run` makes them")
    events = sorted(latest.values(), key=lambda event: (event.origin_time.start, event.event_id))
    for first in range(0, len(events), PIECE_ROW_COUNT):
        yield EventPiece(_frame_of_events(events[first : first + PIECE_ROW_COUNT]), [])


def _frame_of_events(events: Sequence[Event]) -> pl.DataFrame:
    origins = [event.sensor_origin for event in events]
    variances = [event.origin_position.sigma_m**2 for event in events]
    columns: dict[str, list[Any]] = {
        "event_id": [event.event_id for event in events],
        "revision_index": [event.revision_index for event in events],
        "start": [event.origin_time.start for event in events],
        "end": [event.origin_time.end for event in events],
        "longitude_deg": [event.origin_position.longitude_deg for event in events],
        "latitude_deg": [event.origin_position.latitude_deg for event in events],
        "covariance_east_m2": [o.covariance_east_m2 if o else v for o, v in zip(origins, variances, strict=True)],
        "covariance_east_north_m2": [o.covariance_east_north_m2 if o else 0.0 for o in origins],
        "covariance_north_m2": [o.covariance_north_m2 if o else v for o, v in zip(origins, variances, strict=True)],
        "act": ["attack" if event.energy_object else "fire" for event in events],
        "lacking": [None if event.event_type in FIRED_TYPES else LACKING_ACT for event in events],
        "object_category": ["energy" if event.energy_object else None for event in events],
        "object_category_not": [None if event.energy_object else "energy" for event in events],
        "signature_count": [event.signature_count.low_count for event in events],
        "event_probability": [o.event_probability if o else 1.0 for o in origins],
        "withdrawn": [event.evaluation_status == "rejected" for event in events],
    }
    series = {name: pl.Series(name, values, dtype=EVENT_FRAME[name]) for name, values in columns.items()}
    return _completed(series, len(events))


def _of_feed(path: Path, feed: FeedContext) -> Iterator[EventPiece]:
    """Give each report of conduct in a feed as one event; what is no such report is given back with that reason."""
    file = open_table(path)
    if isinstance(file, NotRecognised):
        said = f"{path}: is no event table (a column event_id is missing) and no known feed: {file.reason}"
        raise InputUnusable(said)
    if holds_lines(file):
        raise InputUnusable(f"{path}: holds contact lines; name it with --line")
    for chunk in decoded_chunks(file, feed):
        rows = pl.DataFrame(chunk.observations)
        rejected = [Rejected(path.name, entry.row_index, entry.reason) for entry in chunk.rejections]
        is_conduct = rows["kind"].is_in(["patrol_report"]) | (
            (rows["kind"] == "media_report") & rows["kinetic"].fill_null(value=False)
        )
        left_out = rows.filter(~is_conduct).select("row_index", "kind").iter_rows()
        rejected += [Rejected(path.name, index, f"{kind}: reports no conduct") for index, kind in left_out]
        yield EventPiece(_frame_of_reports(rows.filter(is_conduct)), rejected)


def _frame_of_reports(rows: pl.DataFrame) -> pl.DataFrame:
    energy = rows["energy_object"].fill_null(value=False)
    said = pl.DataFrame({"energy": energy})
    variance = rows["position_sigma_m"].fill_null(SIGMA_UNKNOWN_M) ** 2
    columns = {
        "event_id": rows["observation_id"],
        "start": rows["phenomenon_start"],
        "end": rows["phenomenon_end"],
        "longitude_deg": rows["longitude_deg"],
        "latitude_deg": rows["latitude_deg"],
        "covariance_east_m2": variance,
        "covariance_east_north_m2": variance * 0.0,
        "covariance_north_m2": variance,
        "act": said.select(pl.when("energy").then(pl.lit("attack")).otherwise(pl.lit("fire")).alias("a"))["a"],
        "object_category": said.select(pl.when("energy").then(pl.lit("energy")).alias("o"))["o"],
        "object_category_not": said.select(pl.when(~pl.col("energy")).then(pl.lit("energy")).alias("o"))["o"],
        "signature_count": rows["low_count"],
    }
    return _completed(columns, rows.height)
