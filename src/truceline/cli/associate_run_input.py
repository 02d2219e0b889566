"""Files of detections as a stream in pieces: each with the time of receipt that nothing still to come lies before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from truceline.errors import InputUnusable, SourceUnavailable
from truceline.runners.tile_values import NO_TIME_NS, instants_of

PIECE_ROW_COUNT = 50_000
"""Rows of a Parquet file taken at once."""

PIECE_SIZE_BYTES = 4 * 1024 * 1024
"""Bytes of a CSV file taken at once."""

RECEIVED = "received_time"


class Piece(NamedTuple):
    """Some rows of a file, and the latest watermark that the rows after them allow; `None`: nothing comes after."""

    path: Path
    table: pa.Table
    watermark_ns: int | None


class Plan(NamedTuple):
    """All pieces of all files in order: which file, how many rows, and the watermark after it."""

    paths: tuple[Path, ...]
    row_counts: tuple[int, ...]
    watermarks_ns: tuple[int | None, ...]
    last_received_ns: int | None

    @property
    def total_row_count(self) -> int:
        """The rows of all pieces."""
        return sum(self.row_counts)


def read_table(path: Path) -> pa.Table:
    """Read a whole Parquet or CSV file, CSV as text; raise `SourceUnavailable` where it cannot be read."""
    return pa.concat_tables(list(_tables(path, None)))


def plan_of(paths: Sequence[Path]) -> Plan:
    """Read the times of receipt of all files once, to know how far the stream has come after each piece."""
    counts, earliest, latest = [], [], []
    for path in paths:
        for table in _tables(path, [RECEIVED]):
            received = instants_of(table, RECEIVED)
            received = received[received != NO_TIME_NS]
            counts.append(table.num_rows)
            earliest.append(int(received.min()) if len(received) else None)
            latest.append(int(received.max()) if len(received) else None)
    watermarks: list[int | None] = []
    lowest: int | None = None
    for first in reversed(earliest):
        watermarks.append(None if lowest is None else lowest - 1)
        lowest = first if lowest is None else min(lowest, lowest if first is None else first)
    times = [last for last in latest if last is not None]
    return Plan(tuple(paths), tuple(counts), tuple(reversed(watermarks)), max(times, default=None))


def pieces(plan: Plan, *, skipped_count: int) -> Iterator[Piece]:
    """Give the pieces of a plan after the first so many; raise `InputUnusable` where a file changed since."""
    index = 0
    for path in plan.paths:
        for table in _tables(path, None):
            if index >= len(plan.row_counts) or table.num_rows != plan.row_counts[index]:
                raise InputUnusable(f"{path}: changed while it was read (piece {index} has {table.num_rows} rows)")
            if index >= skipped_count:
                yield Piece(path, table, plan.watermarks_ns[index])
            index += 1


def _tables(path: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    """Read a file piece by piece, the same pieces whichever columns are wanted."""
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path, columns)
        elif path.suffix == ".csv":
            yield from _csv(path, columns)
        else:
            raise InputUnusable(f"{path}: is neither .parquet nor .csv")
    except (OSError, pa.ArrowException) as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error})") from error


def _parquet(path: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        _require(path, file.schema_arrow.names, columns)
        empty = file.schema_arrow.empty_table()
        found = False
        for group_index in range(file.num_row_groups):
            for batch in file.iter_batches(PIECE_ROW_COUNT, row_groups=[group_index], columns=columns):
                found = True
                yield pa.Table.from_batches([batch])
        if not found:
            yield empty if columns is None else empty.select(columns)


def _csv(path: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    """Read text columns only: what cannot be read as a number or a time is refused row by row later."""
    with path.open("rb") as stream:
        header = stream.readline().decode("utf-8-sig").strip()
    names = pacsv.read_csv(pa.BufferReader((header + "\n").encode())).column_names if header else []
    _require(path, names, columns)
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), include_columns=columns or [], strings_can_be_null=True
    )
    with pacsv.open_csv(
        path, read_options=pacsv.ReadOptions(block_size=PIECE_SIZE_BYTES), convert_options=convert
    ) as reader:
        found = False
        for batch in reader:
            found = True
            yield pa.Table.from_batches([batch])
        if not found:
            yield reader.schema.empty_table()


def _require(path: Path, names: Sequence[str], columns: list[str] | None) -> None:
    if missing := [name for name in columns or [] if name not in names]:
        raise InputUnusable(f"{path}: columns {missing} are missing; there are {list(names)}")
