"""The archive of observation tables: one zstd Parquet file per received file; only what the journal names counts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truceline.adapters.stores.durable import HashedFile, durable_file, make_folder, sha256_of_file, sync_folder
from truceline.adapters.stores.failures import damaged, store_failures
from truceline.adapters.stores.known_ids import KnownIds, first_occurrences, keys_of
from truceline.errors import StoreUnavailable
from truceline.model.columns import OBSERVATION_SCHEMA, TIME, empty_observations

ROW_GROUP_ROW_COUNT = 131_072
"""Rows gathered before they are written out as one row group: the bound on memory while a file streams in."""

COMPRESSION_LEVEL_INDEX = 3
"""Level of zstd: higher levels are slower and hardly smaller on these columns."""

_PLAIN_COLUMNS = ("observation_id", "row_index")
_DICTIONARY_COLUMNS = [name for name in OBSERVATION_SCHEMA.names if name not in _PLAIN_COLUMNS]


class ArchivePart(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of the archive as the journal names it: where, how large, its hash, and the times within."""

    relative_path: str
    kind: str
    file_sha256: str
    part_sha256: str
    size_bytes: int
    row_count: int
    first_start: datetime
    last_start: datetime
    schema_name: str = "truceline.archive_part/1"


class TableTally(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a stream of tables: the part written (`None` where no row was new), rows kept, rows known.

    `new_ids` are the ids of the rows kept; they count as known once the journal names the part.
    """

    part: ArchivePart | None
    new_ids: KnownIds
    accepted_count: int
    duplicate_count: int


class ObservationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows to read: of which kinds, with `phenomenon_start` in [start, end); `None` means any."""

    kinds: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None

    def touches(self, part: ArchivePart) -> bool:
        """Say whether a part may hold such rows."""
        return (
            (self.kinds is None or part.kind in self.kinds)
            and (self.start is None or part.last_start >= self.start)
            and (self.end is None or part.first_start < self.end)
        )


class Archive:
    """The folder of Parquet files of one store."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is read or written yet."""
        self.path = path

    def write(self, tables: Iterable[pa.Table], *, file_sha256: str, kind: str, known: KnownIds) -> TableTally:
        """Write the rows whose ids are new as one durable file, which counts once the journal names it."""
        folder = self.path / kind
        with store_failures(folder, "creating"):
            make_folder(folder)
        fresh = _FreshRows(kind, known)
        final_path = folder / f"{file_sha256}.parquet"
        groups = _row_groups(fresh.of(tables))
        first = next(groups, None)
        if first is None:
            return fresh.tally(None)
        with durable_file(final_path) as stream:
            _write_groups(stream, final_path, first, groups)
        part = ArchivePart(
            relative_path=f"{kind}/{final_path.name}",
            kind=kind,
            file_sha256=file_sha256,
            part_sha256=stream.sha256,
            size_bytes=stream.size_bytes,
            row_count=fresh.accepted_count,
            first_start=fresh.first_start,
            last_start=fresh.last_start,
        )
        return fresh.tally(part)

    def read(self, parts: Iterable[ArchivePart], query: ObservationQuery) -> pa.Table:
        """Give the rows asked for by phenomenon start, then id: the same rows in the same order always."""
        tables = [self._read_part(part, query) for part in parts if query.touches(part)]
        if not tables:
            return empty_observations()
        table = pa.concat_tables(tables)
        return table.sort_by([("phenomenon_start", "ascending"), ("observation_id", "ascending")])

    def known_ids(self, parts: Iterable[ArchivePart]) -> KnownIds:
        """Read the ids of these parts, row group by row group."""
        known = KnownIds()
        for part in parts:
            with self._reading(part) as path, pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=ROW_GROUP_ROW_COUNT, columns=["observation_id"]):
                    known.add(keys_of(pa.chunked_array([batch.column(0)])))
        return known

    def damage(self, part: ArchivePart) -> str | None:
        """Say what is wrong with a part after hashing it whole, or `None`."""
        path = self.path / part.relative_path
        try:
            with store_failures(path, "reading"):
                found_sha256 = sha256_of_file(path)
        except StoreUnavailable as error:
            return str(error)
        if found_sha256 != part.part_sha256:
            return f"{path}: SHA-256 is {found_sha256}, the journal says {part.part_sha256}"
        return None

    def leftovers(self, parts: Iterable[ArchivePart]) -> list[Path]:
        """Give files no part names: begun or finished, but never acknowledged."""
        named = {self.path / part.relative_path for part in parts}
        with store_failures(self.path, "listing"):
            found = [path for path in self.path.rglob("*") if path.is_file() and path not in named]
        return sorted(found)

    def remove(self, leftovers: Iterable[Path]) -> None:
        """Remove leftovers and make their removal durable."""
        for path in leftovers:
            with store_failures(path, "removing a leftover"):
                path.unlink(missing_ok=True)
                sync_folder(path.parent)

    @contextlib.contextmanager
    def _reading(self, part: ArchivePart) -> Iterator[Path]:
        path = self.path / part.relative_path
        with store_failures(path, "reading"):
            size_bytes = path.stat().st_size
            if size_bytes != part.size_bytes:
                raise damaged(path, f"size={size_bytes} bytes, the journal says {part.size_bytes}")
            yield path

    def _read_part(self, part: ArchivePart, query: ObservationQuery) -> pa.Table:
        with self._reading(part) as path:
            table = pq.read_table(path, schema=OBSERVATION_SCHEMA, filters=_filter(query, part))
        return table


class _FreshRows:
    """Takes out the rows whose ids are known, and counts."""

    def __init__(self, kind: str, known: KnownIds) -> None:
        self._kind = kind
        self._known = known
        self._new_ids = KnownIds()
        self.accepted_count = 0
        self.duplicate_count = 0
        self._starts: list[tuple[datetime, datetime]] = []

    @property
    def first_start(self) -> datetime:
        return min(low for low, _ in self._starts)

    @property
    def last_start(self) -> datetime:
        return max(high for _, high in self._starts)

    def of(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Give each table without the rows whose ids are known; tables left empty are passed over."""
        for table in tables:
            fresh = self._without_known(table)
            if fresh.num_rows:
                yield fresh

    def _without_known(self, table: pa.Table) -> pa.Table:
        assert table.schema.equals(OBSERVATION_SCHEMA), f"not an observation table: {table.schema.names}"
        assert pc.all(pc.equal(table["kind"], self._kind)).as_py() is not False, f"rows of another kind: {self._kind}"
        keys = keys_of(table["observation_id"])
        is_new = ~self._known.contains(keys) & ~self._new_ids.contains(keys) & first_occurrences(keys)
        self._new_ids.add(keys[is_new])
        fresh = table if is_new.all() else table.filter(pa.array(is_new))
        self.accepted_count += fresh.num_rows
        self.duplicate_count += table.num_rows - fresh.num_rows
        if fresh.num_rows:
            extent = pc.min_max(fresh["phenomenon_start"]).as_py()
            self._starts.append((extent["min"], extent["max"]))
        return fresh

    def tally(self, part: ArchivePart | None) -> TableTally:
        """Say what became of the rows."""
        return TableTally(
            part=part,
            new_ids=self._new_ids,
            accepted_count=self.accepted_count,
            duplicate_count=self.duplicate_count,
        )


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Gather small tables until they are worth a row group."""
    gathered: list[pa.Table] = []
    row_count = 0
    for table in tables:
        gathered.append(table)
        row_count += table.num_rows
        if row_count >= ROW_GROUP_ROW_COUNT:
            yield pa.concat_tables(gathered)
            gathered, row_count = [], 0
    if gathered:
        yield pa.concat_tables(gathered)


def _write_groups(stream: HashedFile, path: Path, first: pa.Table, others: Iterator[pa.Table]) -> None:
    with contextlib.ExitStack() as stack:
        with store_failures(path, "writing"):
            writer = pq.ParquetWriter(
                stream,
                OBSERVATION_SCHEMA,
                compression="zstd",
                compression_level=COMPRESSION_LEVEL_INDEX,
                use_dictionary=_DICTIONARY_COLUMNS,
            )
        stack.callback(_close, writer, path)
        group: pa.Table | None = first
        while group is not None:
            with store_failures(path, "writing"):
                writer.write_table(group, row_group_size=ROW_GROUP_ROW_COUNT)
            group = next(others, None)


def _close(writer: pq.ParquetWriter, path: Path) -> None:
    with store_failures(path, "writing"):
        writer.close()


def _filter(query: ObservationQuery, part: ArchivePart) -> pc.Expression | None:
    """Give the filter a part needs; none where all its rows are asked for."""
    terms = []
    if query.start is not None and part.first_start < query.start:
        terms.append(pc.field("phenomenon_start") >= pa.scalar(query.start, TIME))
    if query.end is not None and part.last_start >= query.end:
        terms.append(pc.field("phenomenon_start") < pa.scalar(query.end, TIME))
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else terms[0] & terms[1]
