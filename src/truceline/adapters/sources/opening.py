"""Files on disk: found, hashed, recognised by content and columns (never by name), and given out in bounded chunks."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from truceline.adapters.sources.csv_rows import CsvForm, RowBlock, csv_form, read_rows
from truceline.errors import SourceUnavailable
from truceline.observe.contact_line import recognises_line_columns
from truceline.observe.parsing import TRUE_TEXTS
from truceline.observe.registry import decoder_for, nearest_form
from truceline.observe.tables import Decoder

CHUNK_ROW_COUNT = 131_072
"""Rows decoded at once."""

HEAD_SIZE_BYTES = 64 << 10
"""How much of a file is looked at to tell what it is; a header line must fit."""

GEOJSON_SIZE_MAX_BYTES = 512 << 20
"""GeoJSON is read whole; a larger file is refused."""

SHOWN_LENGTH_CHARACTER_COUNT = 240
"""How much of an unknown header is shown."""

PARQUET_MAGIC = b"PAR1"

SYNTHETIC_COLUMN = "synthetic"
"""A column that marks a file as invented where any row of it is true."""

SYNTHETIC_MEMBER = re.compile(rb'"synthetic"\s*:\s*true')
"""A GeoJSON member that marks an invented drawing."""

REFUSED_BEGINNINGS = (
    (b"\x1f\x8b", "is compressed (gzip); unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive or a spreadsheet; unpack it or save it as CSV"),
    (b"\xff\xfe", "is UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text; save it as UTF-8"),
    (b"[", "is a JSON list, not GeoJSON"),
    (b"SQLite format 3", "is a database; export a table as CSV or Parquet"),
)
"""Formats we know but do not read, by their first bytes."""


class NotRecognised(msgspec.Struct, frozen=True, kw_only=True):
    """A file that no decoder reads, and why."""

    path: Path
    reason: str


class TableFile(msgspec.Struct, frozen=True, kw_only=True):
    """A recognised file of rows; `decoder` is `None` where the rows are contact lines, `form` where it is Parquet."""

    path: Path
    file_sha256: str
    size_bytes: int
    modified_ns: int
    columns: tuple[str, ...]
    decoder: Decoder | None
    form: CsvForm | None
    synthetic: bool

    def chunks(self) -> Iterator[RowBlock]:
        """Give the file's rows in order, at most 131,072 at a time; the file must stay as it was when opened."""
        blocks = _parquet_blocks(self.path) if self.form is None else read_rows(self.path, self.form)
        try:
            for block in blocks:
                yield from _sliced(block)
            status = self.path.stat()
        except OSError as error:
            raise SourceUnavailable(f"{self.path} cannot be read: {error.strerror or error}") from error
        if (status.st_size, status.st_mtime_ns) != (self.size_bytes, self.modified_ns):
            raise SourceUnavailable(f"{self.path} changed while it was being read; read it again when it is at rest")


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself: its columns, its CSV form (`None` for Parquet), whether it says it is invented."""

    columns: tuple[str, ...]
    form: CsvForm | None
    synthetic: bool


class LineDrawing(msgspec.Struct, frozen=True, kw_only=True):
    """A GeoJSON file, to be read whole as a contact line."""

    path: Path
    file_sha256: str
    size_bytes: int
    content: bytes
    synthetic: bool


def discover(paths: Iterable[Path], on_unreadable: Callable[[Path, str], None] | None = None) -> Iterator[Path]:
    """Give the files under some paths, each once, in order of name; hidden ones are skipped.

    A path that is not there raises `SourceUnavailable`; so does a folder that cannot be listed, unless
    `on_unreadable` takes it.
    """
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise SourceUnavailable(f"{path} does not exist")
        for found in _walk(path, on_unreadable) if path.is_dir() else [path]:
            if (real := found.resolve()) not in seen:
                seen.add(real)
                yield found


def _walk(folder: Path, on_unreadable: Callable[[Path, str], None] | None) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        place, reason = Path(error.filename or folder), f"cannot be listed: {error.strerror or error}"
        if on_unreadable is None:
            raise SourceUnavailable(f"{place} {reason}")
        on_unreadable(place, reason)

    for name, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(entry for entry in folders if not entry.startswith("."))
        for entry in sorted(files):
            if not entry.startswith("."):
                yield Path(name) / entry


def open_table(path: Path) -> TableFile | LineDrawing | NotRecognised:
    """Tell what a file holds by its first bytes and its columns, and hash it; `SourceUnavailable` if unreadable."""
    try:
        return _opened(path)
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error.strerror or error}") from error


def _opened(path: Path) -> TableFile | LineDrawing | NotRecognised:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return NotRecognised(path=path, reason="is not a regular file")
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE_BYTES)
    refused = _refused(head)
    if refused is not None:
        return NotRecognised(path=path, reason=refused)
    if head.startswith(PARQUET_MAGIC):
        columns, is_synthetic = _parquet_schema(path)
        return _table_file(path, status, Layout(columns=columns, form=None, synthetic=is_synthetic))
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return _line_drawing(path, status.st_size)
    form = csv_form(head)
    if form is None:
        return NotRecognised(path=path, reason="is neither UTF-8 CSV nor Parquet nor GeoJSON")
    return _table_file(path, status, Layout(columns=form.columns, form=form, synthetic=form.synthetic))


def _refused(head: bytes) -> str | None:
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        return "is empty"
    known = next((says for beginning, says in REFUSED_BEGINNINGS if head.startswith(beginning)), None)
    if known is None and b"\x00" in head and not head.startswith(PARQUET_MAGIC):
        return "is neither CSV text nor Parquet nor GeoJSON"
    return known


def _line_drawing(path: Path, size_bytes: int) -> LineDrawing | NotRecognised:
    if size_bytes > GEOJSON_SIZE_MAX_BYTES:
        return NotRecognised(path=path, reason=f"size_bytes={size_bytes} is above {GEOJSON_SIZE_MAX_BYTES} for GeoJSON")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    synthetic = SYNTHETIC_MEMBER.search(content) is not None
    return LineDrawing(path=path, file_sha256=digest, size_bytes=len(content), content=content, synthetic=synthetic)


def _table_file(path: Path, status: os.stat_result, layout: Layout) -> TableFile | NotRecognised:
    columns = layout.columns
    names = frozenset(columns)
    if len(names) != len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        return NotRecognised(path=path, reason=f"columns {', '.join(twice)} stand there twice")
    decoder = decoder_for(names)
    if decoder is None and not recognises_line_columns(names):
        return NotRecognised(path=path, reason=_unknown_columns(columns))
    file = TableFile(
        path=path,
        file_sha256=_file_sha256(path),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        columns=columns,
        decoder=decoder,
        form=layout.form,
        synthetic=layout.synthetic,
    )
    if SYNTHETIC_COLUMN not in names or file.synthetic:
        return file
    return msgspec.structs.replace(file, synthetic=any(_says_synthetic(block.table) for block in file.chunks()))


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _says_synthetic(table: pa.Table) -> bool:
    texts = pc.utf8_lower(table[SYNTHETIC_COLUMN].cast(pa.string()))
    return bool(pc.any(pc.is_in(texts, value_set=pa.array(TRUE_TEXTS))).as_py())


def _unknown_columns(columns: Sequence[str]) -> str:
    listed = ", ".join(columns)
    shown = listed if len(listed) <= SHOWN_LENGTH_CHARACTER_COUNT else f"{listed[:SHOWN_LENGTH_CHARACTER_COUNT]} ..."
    nearest = nearest_form(frozenset(columns))
    if nearest is None:
        return f"does not begin with a header of a known kind, but with {shown!r}"
    kind, name, lacking = nearest
    return f"columns {shown} are of no known kind; nearest is {kind} ({name}), which lacks {', '.join(sorted(lacking))}"


def _parquet_schema(path: Path) -> tuple[tuple[str, ...], bool]:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        size_bytes = file.tell()
        file.seek(max(0, size_bytes - len(PARQUET_MAGIC)))
        if size_bytes < 12 or file.read() != PARQUET_MAGIC:
            raise SourceUnavailable(f"{path} begins as Parquet but has no end: it is cut off, or still being written")
    try:
        schema = parquet.read_schema(path)
        columns = tuple(name.strip().lower() for name in schema.names)
        return columns, (schema.metadata or {}).get(SYNTHETIC_COLUMN.encode(), b"").lower() == b"true"
    except (pa.ArrowException, OSError) as error:
        raise SourceUnavailable(f"{path} is damaged Parquet: {error}") from error


def _parquet_blocks(path: Path) -> Iterator[RowBlock]:
    row_count = 0
    try:
        with parquet.ParquetFile(path, memory_map=False) as file:
            for batch in file.iter_batches(batch_size=CHUNK_ROW_COUNT):
                table = pa.Table.from_batches([batch]).rename_columns([n.strip().lower() for n in batch.schema.names])
                indices = np.arange(row_count, row_count + len(batch), dtype=np.int64)
                row_count += len(batch)
                yield RowBlock(table=table, row_indices=indices, faulty=())
    except (pa.ArrowException, OSError) as error:
        raise SourceUnavailable(f"{path} is damaged Parquet: {error}") from error


def _sliced(block: RowBlock) -> Iterator[RowBlock]:
    if block.table.num_rows <= CHUNK_ROW_COUNT:
        yield block
        return
    faulty = block.faulty
    for start in range(0, block.table.num_rows, CHUNK_ROW_COUNT):
        stop = start + CHUNK_ROW_COUNT
        yield RowBlock(
            table=block.table.slice(start, CHUNK_ROW_COUNT), row_indices=block.row_indices[start:stop], faulty=faulty
        )
        faulty = ()
