"""CSV as feeds really write it, in bounded memory: blocks in, columns of text out, and no line lost.

A line with the wrong number of fields, without a closing quotation mark or not in UTF-8 comes out as a `FaultyRow` with
its text; all others come out as columns of strings with the index of each row in its file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from truceline.errors import SourceUnavailable

BLOCK_SIZE_BYTES = 8 << 20
"""How much of a file is held at once."""

LINE_SIZE_MAX_BYTES = 64 << 20
"""A longer line is no line of a table."""

RECORD_SIZE_MAX_BYTES = 64 << 10
"""Quoted fields may hold line breaks; a record longer than this is taken for one whose quotation mark never closes."""

DELIMITERS = (",", ";", "\t")
"""What may stand between fields; the one that splits the header into the most columns is meant."""

SYNTHETIC_MARK = "SYNTHETIC"
"""A comment line before the header that begins with this word marks a file of invented records."""

_BLANK_LINES = re.compile(rb"\n(?:[ \t]*\r?\n)+|\n[ \t]+\Z")

Indices = npt.NDArray[np.int64]


class CsvForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a CSV file is laid out: columns (lower case), delimiter, where its rows begin, and its synthetic mark."""

    columns: tuple[str, ...]
    delimiter: str
    body_offset_bytes: int
    synthetic: bool


class FaultyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no row of its table, with the reason."""

    row_index: int
    raw: str
    reason: str


class RowBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a file as raw columns, the index of each in its file, and the lines among them that are no rows."""

    table: pa.Table
    row_indices: Indices
    faulty: tuple[FaultyRow, ...]


def csv_form(head: bytes) -> CsvForm | None:
    """Read the layout from a file's first bytes; `None` where they hold no header line of UTF-8 text."""
    offset = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    synthetic = False
    for line in head[offset:].splitlines(keepends=True):
        offset += len(line)
        text = _decoded(line)
        if text is None:
            return None
        if text.startswith("#"):
            synthetic = synthetic or text.lstrip("# ").upper().startswith(SYNTHETIC_MARK)
        elif text:
            delimiter = max(DELIMITERS, key=lambda mark: (len(_fields(text, mark)), -DELIMITERS.index(mark)))
            columns = tuple(name.strip().lower() for name in _fields(text, delimiter))
            return CsvForm(columns=columns, delimiter=delimiter, body_offset_bytes=offset, synthetic=synthetic)
    return None


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        return None


def _fields(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter), [])


def read_rows(path: Path, form: CsvForm) -> Iterator[RowBlock]:
    """Give a file's rows block by block, in order; the rows' indices begin at 0 after the header."""
    row_count = 0
    with path.open("rb") as file:
        file.seek(form.body_offset_bytes)
        left_over = b""
        while True:
            fresh = file.read(BLOCK_SIZE_BYTES)
            at_end = not fresh
            block, left_over = _cut(left_over + fresh, at_end=at_end)
            if block:
                rows, unread = _parsed_block(block, form, row_count, at_end=at_end)
                left_over = unread + left_over
                row_count += rows.table.num_rows + len(rows.faulty)
                yield rows
            if at_end:
                return


def _cut(content: bytes, *, at_end: bool) -> tuple[bytes, bytes]:
    """Cut after the last whole line."""
    cut = len(content) if at_end else content.rfind(b"\n") + 1
    if cut == 0 and len(content) > LINE_SIZE_MAX_BYTES:
        raise SourceUnavailable(f"a line of more than {LINE_SIZE_MAX_BYTES >> 20} MiB is no line of a table")
    return content[:cut], content[cut:]


def _parsed_block(block: bytes, form: CsvForm, first_index: int, *, at_end: bool) -> tuple[RowBlock, bytes]:
    if _is_plain(block, form.delimiter):
        quick = _read_by_arrow(block, form, first_index)
        if quick is not None:
            return quick, b""
    return _read_by_line(block, form, first_index, at_end=at_end)


def _is_plain(block: bytes, delimiter: str) -> bool:
    """Say whether every quotation mark opens or closes a field on its own line, so that each line is a record."""
    if b'"' not in block:
        return True
    content = np.frombuffer(b"\n" + block + b"\n", dtype=np.uint8)
    marks = np.flatnonzero(content == ord('"'))
    line_ends = np.flatnonzero(content == ord("\n"))
    mark_counts = np.searchsorted(marks, line_ends)
    if np.any(np.diff(mark_counts) % 2):
        return False
    edges = np.array([ord(delimiter), ord("\n"), ord("\r"), ord('"')], dtype=np.uint8)
    return bool(np.isin(content[marks[0::2] - 1], edges).all() and np.isin(content[marks[1::2] + 1], edges).all())


def _read_by_arrow(block: bytes, form: CsvForm, first_index: int) -> RowBlock | None:
    """Read a block in which every record is one line; `None` where Arrow cannot, or finds another number of rows."""
    lines = _BLANK_LINES.sub(b"\n", b"\n" + block)[1:]
    wrong: list[tuple[int, str, int]] = []

    def keep_wrong(row: arrow_csv.InvalidRow) -> str:
        wrong.append((row.number - 1, row.text, row.actual_columns))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(lines),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(lines) + 1, column_names=list(form.columns)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=keep_wrong
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(form.columns, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    line_count = lines.count(b"\n") + (not lines.endswith(b"\n"))
    if table.num_rows + len(wrong) != line_count:
        return None
    indices = np.arange(first_index, first_index + line_count, dtype=np.int64)
    if wrong:
        indices = np.delete(indices, [position for position, _, _ in wrong])
    faulty = tuple(
        FaultyRow(row_index=first_index + index, raw=text, reason=_wrong_fields(count, form) or "")
        for index, text, count in wrong
    )
    return RowBlock(table=table, row_indices=indices, faulty=faulty)


def _wrong_fields(field_count: int, form: CsvForm) -> str | None:
    expected_count = len(form.columns)
    return None if field_count == expected_count else f"fields={field_count} is not the header's {expected_count}"


def _read_by_line(block: bytes, form: CsvForm, first_index: int, *, at_end: bool) -> tuple[RowBlock, bytes]:
    """Read a block record by record, as Python's csv does; give what an unfinished last record holds as well."""
    lines = _lines(block)
    rows: list[list[str]] = []
    indices: list[int] = []
    faulty: list[FaultyRow] = []
    position, row_index = 0, first_index
    while position < len(lines):
        if not lines[position].strip(b" \t\r\n"):
            position += 1
            continue
        record = _record_at(lines, position, form)
        if record.ran_out and not at_end and sum(map(len, lines[position:])) < RECORD_SIZE_MAX_BYTES:
            break
        position += record.line_count
        fault = record.fault or _wrong_fields(len(record.fields), form)
        if fault is None:
            rows.append(record.fields)
            indices.append(row_index)
        else:
            faulty.append(FaultyRow(row_index=row_index, raw=record.raw, reason=fault))
        row_index += 1
    block_rows = RowBlock(
        table=_string_table(rows, form.columns), row_indices=np.array(indices, dtype=np.int64), faulty=tuple(faulty)
    )
    return block_rows, b"".join(lines[position:])


def _lines(block: bytes) -> list[bytes]:
    return [line + b"\n" for line in block.removesuffix(b"\n").split(b"\n")]


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record with the lines it takes; `ran_out` where a quotation mark is not closed within the limit."""

    fields: list[str]
    raw: str
    line_count: int
    ran_out: bool
    fault: str | None


class _Feed:
    """Gives a csv reader one line after the other, up to the limit, and remembers whether it wanted more."""

    def __init__(self, lines: Sequence[bytes], start: int) -> None:
        self.ran_out = False
        self._lines = lines
        self._start = start

    def __iter__(self) -> Iterator[str]:
        size_bytes = 0
        for position in range(self._start, len(self._lines)):
            size_bytes += len(self._lines[position])
            if size_bytes > RECORD_SIZE_MAX_BYTES and position > self._start:
                break
            yield self._lines[position].decode()
        self.ran_out = True


def _record_at(lines: Sequence[bytes], start: int, form: CsvForm) -> _Record:
    """Read the record that begins on a line; where it cannot be read, that line alone is at fault."""
    feed = _Feed(lines, start)
    reader = csv.reader(feed, delimiter=form.delimiter)
    fields, line_count, fault = [], 1, None
    try:
        fields = next(reader)
    except UnicodeDecodeError as error:
        fault = f"byte 0x{error.object[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
    except csv.Error as error:
        fault = f"is not a CSV record: {error}"
    if feed.ran_out:
        fault = "a quotation mark on this line is never closed"
    elif fault is None:
        line_count = reader.line_num
    raw = b"".join(lines[start : start + line_count]).decode(errors="replace").rstrip("\r\n")
    return _Record(fields=fields, raw=raw, line_count=line_count, ran_out=feed.ran_out, fault=fault)


def _string_table(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> pa.Table:
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(columns, cells, strict=True)})
