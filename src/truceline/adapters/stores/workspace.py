"""The workspace: one folder that holds everything received and everything said about it, durable and repeatable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import pyarrow as pa

from truceline.adapters.clock import Clock, system_now
from truceline.adapters.stores.archive import Archive, ArchivePart, ObservationQuery
from truceline.adapters.stores.durable import WriterLock, make_folder
from truceline.adapters.stores.failures import damaged, store_failures
from truceline.adapters.stores.journal import Checkpoint, Journal, JournalEntry, JournalRow, RowQuery, create_journal
from truceline.adapters.stores.known_ids import KnownIds
from truceline.adapters.stores.record_ids import record_id_of, schema_name_of
from truceline.errors import StoreUnavailable
from truceline.model.observation import Rejection
from truceline.model.quantity import canonical_bytes, content_id
from truceline.model.reference_line import DatedLine
from truceline.model.source import IngestedFile

JOURNAL_NAME = "journal.sqlite"
LOCK_NAME = "writer.lock"
ARCHIVE_NAME = "archive"

FILE_KIND = "ingested_file"
PART_KIND = "archive_part"
REJECTION_KIND = "rejection"
LINE_KIND = "dated_line"

RecordT = TypeVar("RecordT")


class Workspace:
    """One open store; any number may read it, one at a time may write. Open it with `Workspace.open`."""

    def __init__(self, path: Path, journal: Journal, lock: WriterLock | None) -> None:
        """Put the parts together; `Workspace.open` is the way in."""
        self.path = path
        self.removed_leftovers: tuple[Path, ...] = ()
        """Files of a write that a sudden end cut off, never acknowledged; the writer removed them on opening."""
        self._journal = journal
        self._lock = lock
        self._archive = Archive(path / ARCHIVE_NAME)
        self._known_ids_by_kind: dict[str, KnownIds] = {}

    @classmethod
    def open(cls, path: Path, *, create: bool, read_only: bool = False, clock: Clock = system_now) -> Workspace:
        """Open a store for writing (or only for reading: then others may write meanwhile), making it if `create`."""
        assert not (create and read_only), "a store cannot be created read-only"
        if create:
            _make_store_folder(path)
        elif not (path / JOURNAL_NAME).is_file():
            raise StoreUnavailable(f"{path}: is not a store (no {JOURNAL_NAME}); make one with `truceline ingest`")
        lock = None if read_only else WriterLock(path / LOCK_NAME)
        try:
            if create:
                create_journal(path / JOURNAL_NAME)
            journal = Journal(path / JOURNAL_NAME, writing=not read_only, clock=clock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        workspace = cls(path, journal, lock)
        if lock is not None:
            workspace._remove_leftovers()
        return workspace

    def close(self) -> None:
        """Close the store and let others write."""
        try:
            self._journal.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        """Give the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    # what was received

    def append_file(
        self,
        file: IngestedFile,
        tables: Iterable[pa.Table],
        rejections: Iterable[Rejection] = (),
        *,
        found_synthetic: Callable[[], bool] | None = None,
    ) -> IngestedFile:
        """Keep one received file: its new rows, its rejections and its counts, all or nothing, once per content.

        `tables` stream through (a million rows need no more memory than one row group); `rejections` and
        `found_synthetic` are asked for only after the last table, so what fills meanwhile will do. The counts of
        `file` are not read: it is given back with the true ones. A file already kept is given back as it was kept, and
        nothing is read. If `tables` raises, nothing of the file is kept.
        """
        kept = self.ingested_file(file.file_sha256)
        if kept is not None:
            return kept
        known = self._known_ids(file.kind)
        tally = self._archive.write(tables, file_sha256=file.file_sha256, kind=file.kind, known=known)
        rejected = _rejection_entries(rejections)
        counted = msgspec.structs.replace(
            file,
            accepted_count=tally.accepted_count,
            rejected_count=len(rejected),
            duplicate_count=tally.duplicate_count,
            synthetic=file.synthetic or (found_synthetic is not None and found_synthetic()),
        )
        parts = [] if tally.part is None else [_entry(PART_KIND, tally.part)]
        self._journal.append([*parts, *rejected, _entry(FILE_KIND, counted)])
        known.add_all(tally.new_ids)
        return counted

    def append_lines(
        self, lines: Iterable[DatedLine], file: IngestedFile, rejections: Iterable[Rejection] = ()
    ) -> IngestedFile:
        """Keep one received file of contact lines, all or nothing, once per content; counts as in `append_file`.

        A line equal to one already kept, but for the file it came in, is counted as a duplicate.
        """
        kept = self.ingested_file(file.file_sha256)
        if kept is not None:
            return kept
        known = {row.record_id for row in self._journal.rows(RowQuery(record_kind=LINE_KIND))}
        entries: list[JournalEntry] = []
        duplicate_count = 0
        for line in lines:
            entry = _line_entry(line)
            duplicate_count += entry.record_id in known
            if entry.record_id not in known:
                entries.append(entry)
                known.add(entry.record_id)
        rejected = _rejection_entries(rejections)
        counted = msgspec.structs.replace(
            file, accepted_count=len(entries), rejected_count=len(rejected), duplicate_count=duplicate_count
        )
        self._journal.append([*entries, *rejected, _entry(FILE_KIND, counted)])
        return counted

    def ingested_file(self, file_sha256: str) -> IngestedFile | None:
        """Give the received file with this content, or `None` where it was never kept."""
        rows = self._journal.rows(RowQuery(record_kind=FILE_KIND, record_id_prefix=file_sha256))
        return next((self._decoded(row, IngestedFile) for row in rows), None)

    def ingested_files(self) -> list[IngestedFile]:
        """Give every received file, in the order of keeping."""
        return self.records(FILE_KIND, IngestedFile)

    def rejections(self, *, file_sha256: str | None = None) -> list[Rejection]:
        """Give every record that was received but could not be used, of one file or of all."""
        rows = self._journal.rows(RowQuery(record_kind=REJECTION_KIND, record_id_prefix=file_sha256))
        return [self._decoded(row, Rejection) for row in rows]

    def lines(self) -> list[DatedLine]:
        """Give every contact line, in the order of its day, then of keeping."""
        return sorted(self.records(LINE_KIND, DatedLine), key=lambda line: line.valid_date)

    @property
    def synthetic(self) -> bool:
        """Say whether anything in this store was made up; one made-up file marks the whole."""
        return any(file.synthetic for file in self.ingested_files())

    # observations

    def observations(
        self,
        *,
        kinds: Sequence[str] | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        after_sequence: int = 0,
        through_sequence: int | None = None,
    ) -> pa.Table:
        """Give the observation table of these kinds with `phenomenon_start` in [start, end), by start, then id.

        Adjacent spans give every row exactly once. For more rows than memory holds, ask span by span. Sequences ask
        for the files kept after one place of the journal and up to another.
        """
        query = ObservationQuery(kinds=None if kinds is None else tuple(kinds), start=start, end=end)
        return self._archive.read(self.parts(after_sequence=after_sequence, through_sequence=through_sequence), query)

    def observation_extent(
        self, *, after_sequence: int = 0, through_sequence: int | None = None
    ) -> tuple[datetime, datetime, int] | None:
        """Give the first and last `phenomenon_start` and the number of rows, or `None` where there is no row."""
        parts = self.parts(after_sequence=after_sequence, through_sequence=through_sequence)
        if not parts:
            return None
        first_start = min(part.first_start for part in parts)
        return first_start, max(part.last_start for part in parts), sum(part.row_count for part in parts)

    def parts(self, *, after_sequence: int = 0, through_sequence: int | None = None) -> list[ArchivePart]:
        """Give the parts of the archive kept after one place of the journal and up to another, in that order."""
        rows = self._journal.rows(
            RowQuery(record_kind=PART_KIND, after_sequence=after_sequence, through_sequence=through_sequence)
        )
        return [self._decoded(row, ArchivePart) for row in rows]

    # records and states

    def append_records(self, record_kind: str, records: Iterable[Any]) -> int:
        """Keep records, all or nothing; give how many were new. The same record again changes nothing."""
        return self._journal.append(_entry(record_kind, record) for record in records)

    def commit(self, records: Mapping[str, Sequence[Any]], *, checkpoint_name: str, checkpoint_body: bytes) -> int:
        """Keep records of several kinds together with the state they go with, all or nothing; give how many were new.

        Whoever restores that state after a sudden end has said exactly these records, neither more nor fewer.
        """
        entries = (_entry(kind, record) for kind, kind_records in records.items() for record in kind_records)
        return self._journal.append(entries, checkpoint=Checkpoint(name=checkpoint_name, body=checkpoint_body))

    def records(self, record_kind: str, record_type: type[RecordT]) -> list[RecordT]:
        """Give all records of a kind, in the order of keeping; of two bodies under one id, the first."""
        return list(self.iterate_records(record_kind, record_type))

    def iterate_records(
        self, record_kind: str, record_type: type[RecordT], *, after_sequence: int = 0
    ) -> Iterator[RecordT]:
        """Give records of a kind one by one, in the order of keeping, from after a place in the journal on."""
        query = RowQuery(record_kind=record_kind, after_sequence=after_sequence, equivocation=False)
        return (self._decoded(row, record_type) for row in self._journal.rows(query))

    def equivocations(self, record_kind: str | None = None) -> list[JournalRow]:
        """Give rows whose id had been taken by another body: kept, shown, never used."""
        return list(self._journal.rows(RowQuery(record_kind=record_kind, equivocation=True)))

    def rows(self, record_kind: str | None = None) -> Iterator[JournalRow]:
        """Give journal rows as they stand, with sequence and `logged_time`."""
        return self._journal.rows(RowQuery(record_kind=record_kind))

    def logged_times(self) -> dict[str, datetime]:
        """Give for each received file, by its SHA-256, when it could no longer be altered."""
        return {row.record_id: row.logged_time for row in self.rows(FILE_KIND)}

    def record_count(self, record_kind: str) -> int:
        """Give how many records of a kind are kept, equivocations included."""
        return self._journal.count(record_kind)

    def last_sequence(self) -> int:
        """Give the place of the newest row of the journal."""
        return self._journal.last_sequence()

    def checkpoint(self, name: str, body: bytes) -> None:
        """Save a state under a name; the newest replaces the one before."""
        self._journal.append((), checkpoint=Checkpoint(name=name, body=body))

    def restore(self, name: str) -> bytes | None:
        """Give the newest state saved under a name, or `None` where there is none."""
        return self._journal.checkpoint(name)

    # soundness

    def damages(self) -> Iterator[str]:
        """Hash every record, state and archive file again and give what is damaged, one sentence each."""
        yield from (f"{self._journal.path}: {line}" for line in self._journal.damages())
        parts: list[ArchivePart] = []
        for row in self._journal.rows_unchecked():
            if not row.intact:
                yield f"{self._journal.path}: record {row.sequence} ({row.record_kind} {row.record_id}) is altered"
            elif row.record_kind == PART_KIND:
                parts.append(self._decoded(row, ArchivePart))
        for name in self._journal.checkpoint_names():
            try:
                self._journal.checkpoint(name)
            except StoreUnavailable as error:
                yield str(error)
        yield from (damage for damage in map(self._archive.damage, parts) if damage is not None)

    def _known_ids(self, kind: str) -> KnownIds:
        if kind not in self._known_ids_by_kind:
            parts = [part for part in self.parts() if part.kind == kind]
            self._known_ids_by_kind[kind] = self._archive.known_ids(parts)
        return self._known_ids_by_kind[kind]

    def _remove_leftovers(self) -> None:
        leftovers = self._archive.leftovers(self.parts())
        self._archive.remove(leftovers)
        self.removed_leftovers = tuple(leftovers)

    def _decoded(self, row: JournalRow, record_type: type[RecordT]) -> RecordT:
        try:
            return msgspec.json.decode(row.body, type=record_type)
        except msgspec.MsgspecError as error:
            place = f"record {row.sequence} ({row.record_kind}, {row.schema_name})"
            raise damaged(self._journal.path, f"{place} cannot be read by this version: {error}") from error


def _make_store_folder(path: Path) -> None:
    with store_failures(path, "creating"):
        if path.exists() and not path.is_dir():
            raise StoreUnavailable(f"{path}: is a file; a store is a folder")
        make_folder(path)
        if (path / JOURNAL_NAME).exists():
            return
        strange = sorted(entry.name for entry in path.iterdir() if entry.name not in {LOCK_NAME, ARCHIVE_NAME})
    if strange:
        raise StoreUnavailable(f"{path}: holds {strange[:3]} and no store; give a new or an empty folder")


def _entry(record_kind: str, record: Any) -> JournalEntry:
    return JournalEntry(
        record_kind=record_kind,
        record_id=record_id_of(record_kind, record),
        schema_name=schema_name_of(record_kind, record),
        body=canonical_bytes(record),
    )


def _rejection_entries(rejections: Iterable[Rejection]) -> list[JournalEntry]:
    return [_entry(REJECTION_KIND, rejection) for rejection in rejections]


def _line_entry(line: DatedLine) -> JournalEntry:
    """Give a line its id by what it draws, whichever file it came in."""
    drawn = msgspec.structs.replace(line, file_sha256="")
    return JournalEntry(
        record_kind=LINE_KIND,
        record_id=content_id("line", canonical_bytes(drawn)),
        schema_name=schema_name_of(LINE_KIND, line),
        body=canonical_bytes(line),
    )
