"""What every decoder shares: its contract, the naming of observations by content, and the sorting of rows.

A decoder is a pure function from a chunk of raw columns to an observation table and rejections. Every row received
comes out as exactly one of the two: `len(observations) + len(rejections) == row_count`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import polars as pl
import pyarrow as pa

from truceline.model.columns import complete_columns
from truceline.model.observation import Rejection
from truceline.model.source import SourceManifest
from truceline.observe.parsing import UTC_TIME, Parsed, fault_where, first_faults

FUTURE_TOLERANCE_DAYS = 1.0
"""How far after its receipt a record may say that something happened: clocks and zones differ by less than a day."""

RAW_LENGTH_CHARACTER_COUNT = 2_000
"""How much of a rejected row is kept."""

MICRO_COUNT = 1_000_000.0
"""Numbers enter an id as whole millionths, so that `47.1`, `47.10` and a 64-bit 47.1 are one and the same value."""


class DecodeContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a decoder must be told: which file the rows came from, when we had it, and whose ceasefire it is.

    `first_row_index` is the file's index of the chunk's first row; `timezone_name` (IANA) is what local times mean.
    """

    source_id: str
    file_sha256: str
    received_time: datetime
    first_row_index: int
    parties: tuple[str, str]
    timezone_name: str


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a chunk's rows: each is an observation or a rejection."""

    observations: pa.Table
    rejections: tuple[Rejection, ...]
    row_count: int

    def __post_init__(self) -> None:
        """Hold that no row was lost and none was made up."""
        kept_count = self.observations.num_rows + len(self.rejections)
        assert kept_count == self.row_count, f"{kept_count} rows came out of {self.row_count}"


class Decoder(msgspec.Struct, frozen=True, kw_only=True):
    """One feed's way in: its manifest, the column sets it accepts, and the function that reads its rows.

    `forms` lists, by name, the columns each accepted form must have; `recognises` says whether a file's columns (lower
    case) make one of them.
    """

    manifest: SourceManifest
    forms: Mapping[str, frozenset[str]]
    recognises: Callable[[frozenset[str]], bool]
    decode: Callable[[pa.Table, DecodeContext], Decoded]


def frame_from_raw(raw: pa.Table) -> pl.DataFrame:
    """Give the raw columns as a frame, without copying numbers."""
    frame = pl.from_arrow(raw)
    assert isinstance(frame, pl.DataFrame)
    return frame


def instants(starts: pl.Series, ends: pl.Series, context: DecodeContext) -> list[pl.Series | None]:
    """Give the faults of spans that begin in the future of their receipt or end before they begin."""
    limit_time = context.received_time + timedelta(days=FUTURE_TOLERANCE_DAYS)
    in_future = starts > pl.Series([limit_time]).cast(UTC_TIME)
    says = f"is in the future: later than received_time {context.received_time:%Y-%m-%dT%H:%MZ} plus 1 day"
    return [
        fault_where(in_future, "time", starts, says=says),
        fault_where(ends < starts, "end", ends, says="is before the start"),
    ]


class ReadRows(msgspec.Struct, frozen=True, kw_only=True):
    """What a decoder read of a chunk, row by row.

    `columns` are those of the observation table that the modality fills; ids and provenance are added later. `identity`
    is what makes two rows the same record; it must hold decoded values only, so that neither the file nor its format
    nor the chunk enters the id. `faults` are the reasons against rows, in order of precedence.
    """

    kind: str
    columns: Mapping[str, pl.Series]
    identity: Sequence[pl.Series]
    faults: Sequence[pl.Series | None]


def sort_rows(raw: pa.Table, context: DecodeContext, rows: ReadRows) -> Decoded:
    """Turn rows without a fault into observations, and the others into rejections with their first fault."""
    row_count = raw.num_rows
    times = instants(rows.columns["phenomenon_start"], rows.columns["phenomenon_end"], context)
    reasons = first_faults([*rows.faults, *times], row_count)
    row_index = pl.int_range(context.first_row_index, context.first_row_index + row_count, dtype=pl.Int64, eager=True)
    frame = pl.DataFrame({**rows.columns, "row_index": row_index})
    texts = canonical_texts(rows.identity)
    if reasons is not None:
        good = reasons.is_null()
        frame, texts = frame.filter(good), texts.filter(good)
    return Decoded(
        observations=_observation_table(frame, observation_ids(rows.kind, texts), rows.kind, context),
        rejections=() if reasons is None else reject_rows(raw, reasons, context),
        row_count=row_count,
    )


def _observation_table(frame: pl.DataFrame, ids: list[str], kind: str, context: DecodeContext) -> pa.Table:
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "observation_id": pa.array(ids, pa.string()),
        "kind": _repeated(kind, frame.height),
        "source_id": _repeated(context.source_id, frame.height),
        "file_sha256": _repeated(context.file_sha256, frame.height),
    }
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    columns.update({name: arrow[name] for name in arrow.column_names})
    return complete_columns(columns, frame.height)


def _repeated(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def canonical_texts(identity: Sequence[pl.Series]) -> pl.Series:
    """Write the values that make a record into one text each: times in microseconds, numbers in whole millionths."""
    frame = pl.DataFrame([series.alias(f"identity_{index}") for index, series in enumerate(identity)])
    texts = [_canonical_text(name, kind) for name, kind in frame.schema.items()]
    return frame.select(pl.concat_str(texts, separator="\x1f").alias("text"))["text"]


def _canonical_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_float():
        column = (column.fill_nan(None) * MICRO_COUNT).round(0).cast(pl.Int64, strict=False)
    elif kind == UTC_TIME:
        column = column.cast(pl.Int64)
    return column.cast(pl.String).fill_null("")


def observation_ids(kind: str, texts: pl.Series) -> list[str]:
    """Name each record by what it says: the same text and kind always give the same id (128 bits of SHA-256)."""
    sha256 = hashlib.sha256
    seed = f"{kind}\x1f"
    return [f"obs-{sha256((seed + text).encode()).hexdigest()[:32]}" for text in texts.to_list()]


def reject_rows(raw: pa.Table, reasons: pl.Series, context: DecodeContext) -> tuple[Rejection, ...]:
    """Keep each row that has a reason against it, with that reason and the row's own text."""
    positions = reasons.is_not_null().arg_true()
    texts = raw_texts(raw.take(pa.array(positions.to_list(), pa.int64())))
    return tuple(
        Rejection(
            source_id=context.source_id,
            file_sha256=context.file_sha256,
            row_index=context.first_row_index + position,
            raw=text,
            reason=reason,
            received_time=context.received_time,
        )
        for position, text, reason in zip(positions.to_list(), texts, reasons.drop_nulls().to_list(), strict=True)
    )


def raw_texts(rows: pa.Table) -> list[str]:
    """Write raw rows as CSV lines, cut at 2,000 characters."""
    columns = [[_raw_text(value) for value in column.to_pylist()] for column in rows.columns]
    return [_csv_line(cells)[:RAW_LENGTH_CHARACTER_COUNT] for cells in zip(*columns, strict=True)]


def _raw_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return "" if value is None else str(value)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def one_each(row_count: int) -> dict[str, pl.Series]:
    """Give the count columns of records that stand for one thing each."""
    ones = pl.repeat(1.0, row_count, dtype=pl.Float64, eager=True)
    return {
        "low_count": ones,
        "high_count": ones,
        "count_is_approximate": pl.repeat(False, row_count, eager=True),
        "count_text": pl.repeat("1", row_count, eager=True),
    }


def party_faults(name: str, parties: Parsed, context: DecodeContext) -> list[pl.Series | None]:
    """Give the faults of names that are neither empty nor a party of this theatre."""
    unknown = parties.values.is_not_null() & ~parties.values.is_in(list(context.parties))
    says = f"is not a party of this theatre ({', '.join(context.parties)})"
    return [parties.faults, fault_where(unknown, name, parties.values, says=says)]
