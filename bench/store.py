"""How fast the store takes things in, as ratios to the plainest thing that could be done instead.

Run: `python bench/store.py [--row-count 500000] [--out out/bench_store.json]`. Each figure is the best of several
rounds on an otherwise idle machine; the ratio to the plain way on the same machine is what counts.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import apsw
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from truceline.adapters.clock import system_now
from truceline.adapters.stores.journal import Journal, JournalEntry, create_journal
from truceline.adapters.stores.known_ids import KnownIds
from truceline.adapters.stores.workspace import Workspace
from truceline.testing.observation_tables import observation_table, received_file

BATCH_ROW_COUNT = 1_000
JOURNAL_ROW_COUNT = 200_000
CHUNK_ROW_COUNT = 100_000
ROUND_COUNT = 3


def journal_entries(row_count: int) -> list[JournalEntry]:
    """Give records of about 400 bytes with ids of their own."""
    filling = "x" * 300
    return [
        JournalEntry(
            record_kind="finding",
            record_id=hashlib.sha256(str(index).encode()).hexdigest()[:40],
            schema_name="truceline.finding/1",
            body=msgspec.json.encode({"index": index, "text": filling, "probability": index / row_count}),
        )
        for index in range(row_count)
    ]


def batches(entries: list[JournalEntry]) -> Iterator[list[JournalEntry]]:
    """Cut records into batches."""
    return (entries[start : start + BATCH_ROW_COUNT] for start in range(0, len(entries), BATCH_ROW_COUNT))


def journal_ours(folder: Path, entries: list[JournalEntry]) -> None:
    """Append batches to a journal: identity index, hash, triggers, full sync."""
    create_journal(folder / "journal.sqlite")
    journal = Journal(folder / "journal.sqlite", writing=True, clock=system_now)
    for batch in batches(entries):
        journal.append(batch)
    journal.close()


def journal_plain(folder: Path, entries: list[JournalEntry], *, indexed: bool) -> None:
    """Insert the same batches with Python's own sqlite3, equally durable, without (or with only) a unique index."""
    connection = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=wal; PRAGMA synchronous=full;")
    connection.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY, kind TEXT, id TEXT, name TEXT, body BLOB)")
    if indexed:
        connection.execute("CREATE UNIQUE INDEX identity ON record (kind, id)")
    for batch in batches(entries):
        rows = [(entry.record_kind, entry.record_id, entry.schema_name, entry.body) for entry in batch]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO record (kind, id, name, body) VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    connection.close()


def archive_ours(folder: Path, tables: Iterable[pa.Table]) -> None:
    """Keep the tables as one received file: ids compared with all known, hashed, synced, named in the journal."""
    with Workspace.open(folder / "store", create=True) as store:
        store.append_file(received_file("bench"), tables)


def archive_plain(folder: Path, tables: Iterable[pa.Table]) -> None:
    """Write the same tables with pyarrow alone, same compression, not synced, nothing compared."""
    pq.write_table(pa.concat_tables(list(tables)), folder / "plain.parquet", compression="zstd", compression_level=3)


def best_s(work: Callable[[Path], None]) -> float:
    """Give the shortest time of several rounds, each in a fresh folder, in seconds."""
    times_s = []
    for _ in range(ROUND_COUNT):
        with tempfile.TemporaryDirectory() as name:
            started_s = time.perf_counter()
            work(Path(name))
            times_s.append(time.perf_counter() - started_s)
    return min(times_s)


def known_ids_figures(id_count: int) -> dict[str, float]:
    """Give how fast ids are looked up among many, and what they weigh."""
    generator = np.random.default_rng(1)
    known = KnownIds()
    for _ in range(0, id_count, CHUNK_ROW_COUNT):
        known.add(generator.integers(0, 2**63, (CHUNK_ROW_COUNT, 2), dtype=np.uint64))
    asked = generator.integers(0, 2**63, (CHUNK_ROW_COUNT, 2), dtype=np.uint64)
    started_s = time.perf_counter()
    known.contains(asked)
    return {
        "known_ids_count": len(known),
        "known_ids_lookup_per_s": CHUNK_ROW_COUNT / (time.perf_counter() - started_s),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row-count", type=int, default=500_000, help="observation rows of the archive part")
    parser.add_argument("--id-count", type=int, default=5_000_000, help="known ids of the lookup part")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    entries = journal_entries(JOURNAL_ROW_COUNT)
    generator = np.random.default_rng(0)
    tables = [observation_table(CHUNK_ROW_COUNT, generator) for _ in range(0, args.row_count, CHUNK_ROW_COUNT)]
    row_count = sum(table.num_rows for table in tables)
    ours_s = best_s(lambda folder: journal_ours(folder, entries))
    plain_s = best_s(lambda folder: journal_plain(folder, entries, indexed=False))
    indexed_s = best_s(lambda folder: journal_plain(folder, entries, indexed=True))
    archive_s = best_s(lambda folder: archive_ours(folder, tables))
    archive_plain_s = best_s(lambda folder: archive_plain(folder, tables))
    figures = {
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "sqlite": f"apsw {apsw.sqlite_lib_version()}, sqlite3 {sqlite3.sqlite_version}",
        "journal_rows_per_s": JOURNAL_ROW_COUNT / ours_s,
        "journal_plain_rows_per_s": JOURNAL_ROW_COUNT / plain_s,
        "journal_to_plain_ratio": plain_s / ours_s,
        "journal_to_plain_with_unique_index_ratio": indexed_s / ours_s,
        "archive_rows_per_s": row_count / archive_s,
        "archive_plain_rows_per_s": row_count / archive_plain_s,
        "archive_to_plain_ratio": archive_plain_s / archive_s,
        **known_ids_figures(args.id_count),
        "memory_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    text = msgspec.json.format(msgspec.json.encode(figures), indent=2).decode()
    print(text)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
