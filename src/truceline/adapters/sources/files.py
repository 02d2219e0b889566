"""Reading files of any kind: rows decoded chunk by chunk, observations known before counted as duplicates.

What cannot be used is said, never passed over: a row becomes a `Rejection`, a file stands in `not_recognised` with the
reason, a path that is not there at all raises `SourceUnavailable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from truceline.adapters.sources.csv_rows import FaultyRow, RowBlock
from truceline.adapters.sources.opening import LineDrawing, NotRecognised, TableFile, discover, open_table
from truceline.adapters.stores.known_ids import KnownIds, first_occurrences, keys_of
from truceline.errors import SourceUnavailable
from truceline.model.columns import empty_observations
from truceline.model.observation import Rejection
from truceline.model.reference_line import DatedLine
from truceline.model.source import IngestedFile
from truceline.observe.contact_line import MANIFEST as LINE_MANIFEST
from truceline.observe.contact_line import LinesDecoded, decode_geojson, decode_line_table
from truceline.observe.tables import RAW_LENGTH_CHARACTER_COUNT, DecodeContext, Decoded

__all__ = [
    "FeedContext",
    "LineDrawing",
    "NotRecognised",
    "Reading",
    "TableFile",
    "decoded_chunks",
    "discover",
    "file_record",
    "holds_lines",
    "open_table",
    "read_lines",
    "read_observations",
]

SWAPPED_MAX_SHARE = 0.5

REJECTION_MAX_COUNT = 1_000_000
"""A file with more rejected rows is not what its columns say; reading stops there."""

OnProgress = Callable[[Path, int], None]
"""Told now and then: the file being read, and how many of its rows were read so far."""


class FeedContext(msgspec.Struct, frozen=True, kw_only=True):
    """What decoding needs besides the file: the parties, what local times mean, and when we had the file.

    `held_by` is the party whose ground a map shows that names none; the first of the parties where it is not given.
    `bounds_deg` is the theatre's ground (west, south, east, north), by which exchanged coordinates are noticed.
    """

    parties: tuple[str, str]
    timezone_name: str
    received_time: datetime
    held_by: str | None = None
    bounds_deg: tuple[float, float, float, float] | None = None

    @property
    def mapped_party(self) -> str:
        """The party whose ground a map shows that names none."""
        return self.held_by or self.parties[0]


class Reading(msgspec.Struct, kw_only=True):
    """What was read of several files, in memory: observations once each, and all that could not be used."""

    observations: pa.Table
    files: list[IngestedFile]
    rejections: list[Rejection]
    lines: list[DatedLine]
    not_recognised: list[tuple[Path, str]]


def holds_lines(file: TableFile | LineDrawing) -> bool:
    """Say whether a file holds contact lines rather than observations."""
    return isinstance(file, LineDrawing) or file.decoder is None


def file_record(file: TableFile | LineDrawing, received_time: datetime, **counts: int) -> IngestedFile:
    """Give a file's record; `counts` are those of its rows, 0 where not given yet."""
    decoder = file.decoder if isinstance(file, TableFile) else None
    return IngestedFile(
        file_name=file.path.name,
        file_sha256=file.file_sha256,
        size_bytes=file.size_bytes,
        source_id=LINE_MANIFEST.source_id if decoder is None else decoder.manifest.source_id,
        kind="contact_line" if decoder is None else decoder.manifest.kind,
        received_time=received_time,
        accepted_count=counts.get("accepted_count", 0),
        rejected_count=counts.get("rejected_count", 0),
        duplicate_count=counts.get("duplicate_count", 0),
        synthetic=file.synthetic,
    )


def decoded_chunks(
    file: TableFile | LineDrawing, feed: FeedContext, on_progress: OnProgress | None = None
) -> Iterator[Decoded]:
    """Decode a file chunk by chunk; rows come out with their index in the file, faulty lines among the rejections."""
    assert isinstance(file, TableFile), f"{file.path} holds contact lines, not observations"
    row_count, rejected_count = 0, 0
    for block in file.chunks():
        decoded = _decoded_block(file, block, feed)
        _require_straight(decoded, file.path, feed)
        row_count += decoded.row_count
        rejected_count += len(decoded.rejections)
        if rejected_count > REJECTION_MAX_COUNT:
            reason = decoded.rejections[-1].reason
            raise SourceUnavailable(f"{file.path}: more than {REJECTION_MAX_COUNT} rows rejected; the last: {reason}")
        if on_progress is not None:
            on_progress(file.path, row_count)
        yield decoded


def _require_straight(decoded: Decoded, path: Path, feed: FeedContext) -> None:
    """Refuse a file most of whose positions lie in the theatre only with latitude and longitude exchanged.

    A single such row may well be true (a report from another country); most of a file is a mistake in its columns.
    """
    latitude_deg = decoded.observations["latitude_deg"].drop_null().to_numpy()
    longitude_deg = decoded.observations["longitude_deg"].drop_null().to_numpy()
    _require_straight_degrees(latitude_deg, longitude_deg, path=path, feed=feed)


def _require_straight_degrees(
    latitude_deg: npt.NDArray[np.float64], longitude_deg: npt.NDArray[np.float64], *, path: Path, feed: FeedContext
) -> None:
    if feed.bounds_deg is None:
        return
    west_deg, south_deg, east_deg, north_deg = feed.bounds_deg
    lies = _within(longitude_deg, west_deg, east_deg) & _within(latitude_deg, south_deg, north_deg)
    would_lie = _within(latitude_deg, west_deg, east_deg) & _within(longitude_deg, south_deg, north_deg)
    swapped_count = int(np.count_nonzero(would_lie & ~lies))
    if swapped_count > SWAPPED_MAX_SHARE * latitude_deg.size:
        raise SourceUnavailable(
            f"{path}: latitude and longitude look swapped: {swapped_count} of {latitude_deg.size} positions lie in the "
            "theatre only when exchanged; exchange the two"
        )


def _within(value_deg: npt.NDArray[np.float64], low_deg: float, high_deg: float) -> npt.NDArray[np.bool_]:
    return np.asarray((value_deg >= low_deg) & (value_deg <= high_deg))


def _decoded_block(file: TableFile, block: RowBlock, feed: FeedContext) -> Decoded:
    assert file.decoder is not None, f"{file.path} holds contact lines, not observations"
    context = _context(file.decoder.manifest.source_id, file.file_sha256, feed)
    return _placed(file.decoder.decode(block.table, context), block, context)


def _context(source_id: str, file_sha256: str, feed: FeedContext) -> DecodeContext:
    return DecodeContext(
        source_id=source_id,
        file_sha256=file_sha256,
        received_time=feed.received_time,
        first_row_index=0,
        parties=feed.parties,
        timezone_name=feed.timezone_name,
    )


def _placed(decoded: Decoded, block: RowBlock, context: DecodeContext) -> Decoded:
    """Give each row its index in the file, and add the block's faulty lines."""
    table, indices = decoded.observations, block.row_indices
    column = table.schema.get_field_index("row_index")
    placed = pa.array(indices[table["row_index"].to_numpy()], pa.int64())
    moved = [msgspec.structs.replace(entry, row_index=int(indices[entry.row_index])) for entry in decoded.rejections]
    moved.extend(_faulty_rejection(row, context) for row in block.faulty)
    return Decoded(
        observations=table.set_column(column, table.schema.field(column), placed),
        rejections=tuple(sorted(moved, key=lambda entry: entry.row_index)),
        row_count=decoded.row_count + len(block.faulty),
    )


def _faulty_rejection(row: FaultyRow, context: DecodeContext) -> Rejection:
    return Rejection(
        source_id=context.source_id,
        file_sha256=context.file_sha256,
        row_index=row.row_index,
        raw=row.raw[:RAW_LENGTH_CHARACTER_COUNT],
        reason=row.reason,
        received_time=context.received_time,
    )


def read_lines(file: TableFile | LineDrawing, feed: FeedContext) -> tuple[list[DatedLine], list[Rejection]]:
    """Give the contact lines a file holds, and what of it could not be used; `SourceUnavailable` if drawn swapped."""
    decoded = _decoded_drawing(file, feed) if isinstance(file, LineDrawing) else _decoded_line_table(file, feed)
    drawn = [_drawn(line) if feed.bounds_deg is not None else [] for line in decoded.lines]
    longitude_deg, latitude_deg = shapely.get_coordinates([shape for shapes in drawn for shape in shapes]).T
    _require_straight_degrees(latitude_deg, longitude_deg, path=file.path, feed=feed)
    lines: list[DatedLine] = []
    rejections = list(decoded.rejections)
    for line, shapes in zip(decoded.lines, drawn, strict=True):
        fault = _line_fault(line, shapes, feed)
        if fault is None:
            lines.append(line)
        else:
            rejections.append(_line_rejection(line, fault, feed))
    return lines, rejections


def _drawn(line: DatedLine) -> list[shapely.Geometry]:
    return [shapely.from_wkb(wkb) for wkb in (line.held_wkb, line.line_wkb) if wkb is not None]


def _line_fault(line: DatedLine, shapes: Sequence[shapely.Geometry], feed: FeedContext) -> str | None:
    """Say why a sound line is none of this theatre's, or `None` where it is one."""
    if line.held_by not in feed.parties:
        return f"held_by={line.held_by} is not a party of this theatre ({', '.join(feed.parties)})"
    if feed.bounds_deg is not None:
        theatre = shapely.box(*feed.bounds_deg)
        outside = next((shape for shape in shapes if not theatre.intersects(shape)), None)
        if outside is not None:
            shown = ", ".join(f"{value:.4g}" for value in shapely.bounds(outside))
            bounds = ", ".join(f"{value:g}" for value in feed.bounds_deg)
            return f"line_deg=[{shown}] lies wholly outside the theatre's bounds [{bounds}]"
    return None


def _decoded_drawing(file: LineDrawing, feed: FeedContext) -> LinesDecoded:
    return decode_geojson(
        file.content,
        file_name=file.path.name,
        file_sha256=file.file_sha256,
        source_id=LINE_MANIFEST.source_id,
        held_by=feed.mapped_party,
        received_time=feed.received_time,
    )


def _decoded_line_table(file: TableFile, feed: FeedContext) -> LinesDecoded:
    """Decode a table of lines whole: lines of one day may stand anywhere in it."""
    blocks = list(file.chunks())
    decoded = decode_line_table(
        pa.concat_tables(block.table for block in blocks),
        file_sha256=file.file_sha256,
        source_id=LINE_MANIFEST.source_id,
        held_by=feed.mapped_party,
        received_time=feed.received_time,
    )
    indices = [index for block in blocks for index in block.row_indices.tolist()]
    moved = [msgspec.structs.replace(entry, row_index=indices[entry.row_index]) for entry in decoded.rejections]
    context = _context(LINE_MANIFEST.source_id, file.file_sha256, feed)
    faulty = [_faulty_rejection(row, context) for block in blocks for row in block.faulty]
    return msgspec.structs.replace(
        decoded,
        rejections=tuple(sorted([*moved, *faulty], key=lambda entry: entry.row_index)),
        row_count=decoded.row_count + len(faulty),
    )


def _line_rejection(line: DatedLine, reason: str, feed: FeedContext) -> Rejection:
    return Rejection(
        source_id=line.source_id,
        file_sha256=line.file_sha256,
        row_index=0,
        raw=f"{line.valid_date}",
        reason=reason,
        received_time=feed.received_time,
    )


def read_observations(paths: Sequence[Path], feed: FeedContext, *, on_progress: OnProgress | None = None) -> Reading:
    """Read all files under some paths into memory; a file that cannot be used is noted, and the others are read."""
    reader = _Reader(feed, on_progress)
    for path in discover(paths, lambda place, reason: reader.reading.not_recognised.append((place, reason))):
        try:
            reader.take(path)
        except SourceUnavailable as error:
            reader.reading.not_recognised.append((path, str(error)))
    return reader.finished()


class _Reader:
    """Gathers files one after the other; a file that cannot be read to its end leaves nothing behind."""

    def __init__(self, feed: FeedContext, on_progress: OnProgress | None) -> None:
        self.reading = Reading(observations=empty_observations(), files=[], rejections=[], lines=[], not_recognised=[])
        self._feed = feed
        self._on_progress = on_progress
        self._known = KnownIds()
        self._tables: list[pa.Table] = [empty_observations()]

    def take(self, path: Path) -> None:
        file = open_table(path)
        if isinstance(file, NotRecognised):
            self.reading.not_recognised.append((path, file.reason))
        elif holds_lines(file):
            self._take_lines(file)
        else:
            self._take_rows(file)

    def _take_lines(self, file: TableFile | LineDrawing) -> None:
        lines, rejections = read_lines(file, self._feed)
        if not lines:
            reason = rejections[0].reason if rejections else "holds no contact line"
            self.reading.not_recognised.append((file.path, reason))
            return
        self.reading.lines.extend(lines)
        self._note(file, rejections, accepted_count=len(lines), duplicate_count=0)

    def _take_rows(self, file: TableFile | LineDrawing) -> None:
        decoded = list(decoded_chunks(file, self._feed, self._on_progress))
        rejections = [rejection for chunk in decoded for rejection in chunk.rejections]
        rows = pa.concat_tables([empty_observations(), *(chunk.observations for chunk in decoded)])
        fresh = self._fresh(rows)
        self._tables.append(fresh)
        self._note(file, rejections, accepted_count=fresh.num_rows, duplicate_count=rows.num_rows - fresh.num_rows)

    def _fresh(self, rows: pa.Table) -> pa.Table:
        keys = keys_of(rows["observation_id"])
        is_fresh = first_occurrences(keys) & ~self._known.contains(keys)
        self._known.add(keys[is_fresh])
        return rows.filter(pa.array(is_fresh))

    def _note(self, file: TableFile | LineDrawing, rejections: Sequence[Rejection], **counts: int) -> None:
        self.reading.rejections.extend(rejections)
        record = file_record(file, self._feed.received_time, rejected_count=len(rejections), **counts)
        self.reading.files.append(record)

    def finished(self) -> Reading:
        return msgspec.structs.replace(self.reading, observations=pa.concat_tables(self._tables))
