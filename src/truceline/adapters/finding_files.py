"""Writes tables of findings while they are made: Parquet, CSV or JSON lines, whole or not at all, in bounded memory."""

from __future__ import annotations

import contextlib
import csv
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from truceline.adapters.agreement_events import Rejected
from truceline.errors import InputUnusable, StoreUnavailable

FINDING_SCHEMA: dict[str, pl.DataType] = {
    "finding_id": pl.String(),
    "event_id": pl.String(),
    "event_revision_index": pl.Int64(),
    "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"),
    "kind": pl.String(),
    "probability": pl.Float64(),
    "inside_probability": pl.Float64(),
    "time_probability": pl.Float64(),
    "class_probability": pl.Float64(),
    "agreement_id": pl.String(),
    "agreement_version": pl.String(),
    "text_sha256": pl.String(),
    "version_by": pl.String(),
    "provision_id": pl.String(),
    "article": pl.String(),
    "party": pl.String(),
    "party_probability": pl.Float64(),
    "window_id": pl.String(),
    "definition_ids": pl.String(),
    "reading_id": pl.String(),
    "depends_on": pl.String(),
    "why": pl.String(),
    "exemption_id": pl.String(),
    "notification_id": pl.String(),
    "disputed": pl.Boolean(),
    "differs_from_ids": pl.String(),
    "flags": pl.String(),
    "subject": pl.String(),
    "signature_count": pl.Float64(),
}
"""Columns of a table of findings. `text_sha256` is that of the text's file, `party` whose conduct it is said to be and
`party_probability` how probably. `why` is the reason of a compliant one and what an indeterminate one lacks; lists
stand apart by `; `. `flags` are `kind`, or `kind=number` where a flag has one."""

ENDINGS = (".parquet", ".csv", ".jsonl")
"""Forms a table of findings is written in."""


class FindingWriter:
    """Writes frames of findings one after the other into one file; the file appears when the last was written."""

    def __init__(self, path: Path) -> None:
        """Begin a file; its ending says in which form."""
        if path.suffix not in ENDINGS:
            raise InputUnusable(f"--out {path}: does not end in {', '.join(ENDINGS)}")
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._parquet: pq.ParquetWriter | None = None
        self._stream: Any = None

    def __enter__(self) -> Self:
        """Open the file beside its place."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._partial.open("wb")
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: cannot be written ({error.strerror})") from error
        if self._path.suffix == ".parquet":
            schema = pl.DataFrame(schema=FINDING_SCHEMA).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
            self._parquet = pq.ParquetWriter(self._stream, schema, compression="zstd")
        elif self._path.suffix == ".csv":
            self._stream.write((",".join(FINDING_SCHEMA) + "\n").encode())
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Write some findings."""
        assert dict(frame.schema) == FINDING_SCHEMA, "findings come in the columns of FINDING_SCHEMA"
        try:
            if self._parquet is not None:
                table: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
                self._parquet.write_table(table)
            elif self._path.suffix == ".csv":
                frame.write_csv(self._stream, include_header=False)
            else:
                frame.write_ndjson(self._stream)
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: cannot be written ({error.strerror})") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the whole file in its place, or leave nothing behind where something failed."""
        try:
            if self._parquet is not None:
                self._parquet.close()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            if kind is None:
                self._partial.replace(self._path)
        except OSError as failure:
            raise StoreUnavailable(f"{self._path}: cannot be written ({failure.strerror})") from failure
        finally:
            with contextlib.suppress(OSError):
                self._partial.unlink(missing_ok=True)


class RejectedWriter:
    """Writes rows that could not be used beside the findings, as they come; without any there is no file."""

    def __init__(self, out: Path) -> None:
        """Take the place of the findings; rejected rows stand in `OUT.rejected.csv`."""
        self.path = out.with_name(f"{out.name}.rejected.csv")
        self.row_count = 0
        self._stream: Any = None
        self._writer: Any = None

    def write(self, rows: list[Rejected]) -> None:
        """Add some rows."""
        if not rows:
            return
        try:
            if self._stream is None:
                self._stream = self.path.open("w", encoding="utf-8", newline="")
                self._writer = csv.writer(self._stream)
                self._writer.writerow(Rejected._fields)
            self._writer.writerows(rows)
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: cannot be written ({error.strerror})") from error
        self.row_count += len(rows)

    def close(self) -> None:
        """End the file; where an earlier run left one and there is nothing to say, it goes."""
        if self._stream is not None:
            self._stream.close()
        elif self.path.exists():
            self.path.unlink()
