"""Files of geolocated reports for attribution: five columns are read and no other, so that nobody named can leak in.

Every row comes out: as a place and day, or as a rejection with its reason. Rows of one name are all kept and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import parquet

from truceline.adapters.agreements import shipped_folder
from truceline.adapters.sources.csv_rows import FaultyRow, RowBlock, csv_form, read_rows
from truceline.adapters.sources.opening import CHUNK_ROW_COUNT, HEAD_SIZE_BYTES, PARQUET_MAGIC
from truceline.attribute.report_model import ReportPlaces
from truceline.attribute.report_namesakes import NO_NAMESAKES, Namesakes
from truceline.attribute.report_places import StandIns
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.observe.parsing import (
    Parsed,
    coordinate_columns,
    day_column,
    fault_where,
    first_faults,
    flag_column,
    required_text,
    text_column,
)

COLUMNS = ("rid", "date", "lon", "lat", "place_name")
"""The only columns that are read."""

CLOSE_HINTS = ("k_artillery", "k_assault")
"""Keyword flags (read only when asked for) of weapons that reach no farther than tube artillery."""

LONG_HINTS = ("k_missile",)
"""Keyword flags (read only when asked for) of weapons that reach hundreds of kilometres."""

CLOSE_HINT_SHARE = 0.98
"""How much of fire is close where a report hints at close weapons only, and how much is not where at far ones only."""

STAND_IN_COLUMNS = ("longitude_deg", "latitude_deg", "kind")
STAND_IN_KINDS = ("region", "repeated")

NAMESAKE_COLUMNS = ("name_key", "settlement_count")

OnProgress = Callable[[Path, int], None]
Bounds = tuple[float, float, float, float]


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that cannot be used: its index in the file (the first after the header is 0), name and reason."""

    row_index: int
    report_id: str
    reason: str


class ReportFile(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What a file of reports holds: every named row in order, whether it can be used, and what cannot."""

    report_ids: list[str]
    usable: np.ndarray
    places: ReportPlaces
    rejections: tuple[RejectedRow, ...]
    duplicate_count: int


def read_report_file(
    path: Path, bounds_deg: Bounds | None, *, weapon_hints: bool = False, on_progress: OnProgress | None = None
) -> ReportFile:
    """Read a CSV or Parquet file of reports; `InputUnusable` says which columns it lacks.

    `bounds_deg` (west, south, east, north) is the theatre's ground: by it exchanged coordinates are noticed.
    `weapon_hints` reads the keyword flags of weapons too.
    """
    wanted = COLUMNS + (CLOSE_HINTS + LONG_HINTS if weapon_hints else ())
    frames: list[pl.DataFrame] = []
    faulty: list[FaultyRow] = []
    row_count = 0
    for block in _blocks(path, wanted):
        frame = pl.DataFrame(pl.from_arrow(block.table.select(wanted)))
        frames.append(frame.with_columns(pl.Series("row_index", block.row_indices)))
        faulty += block.faulty
        row_count += block.table.num_rows + len(block.faulty)
        if on_progress is not None:
            on_progress(path, row_count)
    if not frames or not sum(frame.height for frame in frames):
        raise InputUnusable(f"{path} holds a header and no row that can be read")
    return _report_file(pl.concat(frames), faulty, bounds_deg)


def _report_file(frame: pl.DataFrame, faulty: Sequence[FaultyRow], bounds_deg: Bounds | None) -> ReportFile:
    report_ids = text_column(frame, "rid")
    latitude, longitude = coordinate_columns(frame, "lat", "lon")
    day = day_column(frame, "date")
    faults = [required_text(frame, "rid").faults, day.faults, latitude.faults, longitude.faults]
    fault = first_faults([*faults, _outside(latitude, longitude, bounds_deg)], frame.height)
    fault = pl.Series([None], dtype=pl.String).extend_constant(None, frame.height - 1) if fault is None else fault
    usable = fault.is_null().to_numpy()
    places = ReportPlaces(
        longitude_deg=_where(usable, longitude.values),
        latitude_deg=_where(usable, latitude.values),
        dates=np.where(usable, day.values.cast(pl.Date).to_numpy().astype("datetime64[D]"), np.datetime64("NaT", "D")),
        place_name=text_column(frame, "place_name"),
        close_share=_close_share(frame),
    )
    return ReportFile(
        report_ids=report_ids.to_list(),
        usable=usable,
        places=places,
        rejections=tuple(_rejections(frame, report_ids, fault, faulty)),
        duplicate_count=frame.height - report_ids.n_unique(),
    )


def _where(usable: np.ndarray, values: pl.Series) -> np.ndarray:
    return np.where(usable, values.cast(pl.Float64).fill_null(float("nan")).to_numpy(), np.nan)


def _outside(latitude: Parsed, longitude: Parsed, bounds_deg: Bounds | None) -> pl.Series | None:
    """Say which places lie outside the theatre, and of those which would lie inside with coordinates exchanged."""
    if bounds_deg is None:
        return None
    west, south, east, north = bounds_deg
    lat, lon = latitude.values, longitude.values
    inside = lon.is_between(west, east) & lat.is_between(south, north)
    swapped = lat.is_between(west, east) & lon.is_between(south, north)
    shown = "lies outside the theatre's bounds"
    return first_faults(
        [
            fault_where(swapped & ~inside, "lon", lon, says=f"{shown} [{west:g}, {east:g}]: lon and lat look swapped"),
            fault_where(~lon.is_between(west, east), "lon", lon, says=f"{shown} [{west:g}, {east:g}]"),
            fault_where(~lat.is_between(south, north), "lat", lat, says=f"{shown} [{south:g}, {north:g}]"),
        ],
        len(lat),
    )


def _close_share(frame: pl.DataFrame) -> np.ndarray:
    """Give the share of close fire where a report's keywords point one way only, else `nan`."""
    close, far = (
        np.any([flag_column(frame, name).values.to_numpy() for name in names if name in frame.columns], axis=0)
        if set(names) & set(frame.columns)
        else np.zeros(frame.height, dtype=np.bool_)
        for names in (CLOSE_HINTS, LONG_HINTS)
    )
    hinted = np.where(close & ~far, CLOSE_HINT_SHARE, np.nan)
    return np.where(far & ~close, 1.0 - CLOSE_HINT_SHARE, hinted)


def _rejections(
    frame: pl.DataFrame, report_ids: pl.Series, fault: pl.Series, faulty: Sequence[FaultyRow]
) -> list[RejectedRow]:
    told = pl.DataFrame({"row_index": frame["row_index"], "rid": report_ids, "fault": fault})
    rows = told.filter(pl.col("fault").is_not_null()).rows()
    found = [RejectedRow(row_index=index, report_id=rid, reason=reason) for index, rid, reason in rows]
    found += [RejectedRow(row_index=row.row_index, report_id="", reason=row.reason) for row in faulty]
    return sorted(found, key=lambda row: row.row_index)


def _blocks(path: Path, wanted: Sequence[str]) -> Iterator[RowBlock]:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE_BYTES)
        if head.startswith(PARQUET_MAGIC):
            yield from _parquet_blocks(path, wanted)
            return
        form = csv_form(head) if b"\x00" not in head else None
        if form is None:
            raise InputUnusable(f"{path} is empty, or neither UTF-8 CSV nor Parquet")
        _require_columns(path, form.columns, wanted)
        yield from read_rows(path, form)
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error.strerror or error}") from error


def _parquet_blocks(path: Path, wanted: Sequence[str]) -> Iterator[RowBlock]:
    try:
        with parquet.ParquetFile(path, memory_map=False) as file:
            _require_columns(path, tuple(name.strip().lower() for name in file.schema_arrow.names), wanted)
            row_count = 0
            for batch in file.iter_batches(batch_size=CHUNK_ROW_COUNT):
                names = [name.strip().lower() for name in batch.schema.names]
                indices = np.arange(row_count, row_count + len(batch), dtype=np.int64)
                row_count += len(batch)
                table = pa.Table.from_batches([batch]).rename_columns(names)
                yield RowBlock(table=table, row_indices=indices, faulty=())
    except pa.ArrowException as error:
        raise SourceUnavailable(f"{path} is damaged Parquet: {error}") from error


def _require_columns(path: Path, columns: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InputUnusable(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(columns)}")
    twice = sorted({name for name in wanted if list(columns).count(name) > 1})
    if twice:
        raise InputUnusable(f"{path} has the columns {', '.join(twice)} twice")


def shipped_stand_ins(theatre_id: str) -> StandIns:
    """Read the points that stand for regions in a shipped theatre; none where the theatre has no such file."""
    path = shipped_folder("agreements") / "theatres" / f"{theatre_id}_stand_ins.csv"
    if not path.is_file():
        return _stand_ins([])
    return read_stand_ins(path)


def read_stand_ins(path: Path) -> StandIns:
    """Read a table of points that stand for regions: `longitude_deg`, `latitude_deg`, `kind`."""
    rows = _table_rows(path, STAND_IN_COLUMNS)
    try:
        return _stand_ins([(float(row["longitude_deg"]), float(row["latitude_deg"]), row["kind"]) for row in rows])
    except (TypeError, ValueError) as error:
        raise InputUnusable(f"{path}: {error}") from error


def shipped_namesakes(theatre_id: str) -> Namesakes:
    """Read how many settlements of a shipped theatre bear each name; where it has no such file, each is borne once."""
    path = shipped_folder("agreements") / "theatres" / f"{theatre_id}_namesakes.csv"
    return read_namesakes(path) if path.is_file() else NO_NAMESAKES


def read_namesakes(path: Path) -> Namesakes:
    """Read a table of names that several settlements bear: `name_key`, `settlement_count`."""
    rows = _table_rows(path, NAMESAKE_COLUMNS)
    try:
        counts = {row["name_key"]: int(row["settlement_count"]) for row in rows}
    except (TypeError, ValueError) as error:
        raise InputUnusable(f"{path}: {error}") from error
    few = [f"{key}={count}" for key, count in counts.items() if count < 1]
    if few or len(counts) < len(rows):
        raise InputUnusable(
            f"{path}: {f'settlement_count of {few[0]} is below 1' if few else 'a name_key stands twice'}"
        )
    return Namesakes(settlement_counts=counts)


def _table_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows of a small table; lines that begin with # are remarks."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}") from error
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if not lines or not set(columns) <= set(next(csv.reader(lines))):
        raise InputUnusable(f"{path} lacks one of the columns {', '.join(columns)}")
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


def _stand_ins(rows: Sequence[tuple[float, float, str]]) -> StandIns:
    for longitude_deg, latitude_deg, kind in rows:
        if kind not in STAND_IN_KINDS:
            raise ValueError(f"kind={kind!r} is not one of {', '.join(STAND_IN_KINDS)}")
        if not (abs(longitude_deg) <= 180.0 and abs(latitude_deg) <= 90.0):
            raise ValueError(f"longitude_deg={longitude_deg:g}, latitude_deg={latitude_deg:g} is not on the globe")
    return StandIns(
        longitude_deg=np.array([row[0] for row in rows], dtype=np.float64),
        latitude_deg=np.array([row[1] for row in rows], dtype=np.float64),
        is_region=np.array([row[2] == STAND_IN_KINDS[0] for row in rows], dtype=np.bool_),
    )
