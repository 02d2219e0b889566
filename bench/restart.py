"""How long a log and a store with ten million records need after their writer was ended by SIGKILL.

Run: `python bench/restart.py [--record-count 10000000] [--part log|store|archive|all]`. Builds each in a temporary
folder, in a process ended while it writes on; then times, in a new process, start, opening for writing and a first
append. `store` holds its records in the journal, `archive` as archived observations, whose ids the first file has to be
held against.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BATCH_ROW_COUNT = 5_000
FILE_ROW_COUNT = 500_000
ORIGIN = "log.example/bench"


def log_batch(first: int, count: int) -> list[object]:
    """Give records of about 100 bytes."""
    from truceline.adapters.log.rows import LogRecord

    return [LogRecord(b"%020d" % at * 5, "bench", at) for at in range(first, first + count)]


def write_log(folder: Path, record_count: int, say: Callable[[], None]) -> None:
    """Fill a log, say when it is full, and write on until ended."""
    from truceline.adapters.log.service import EvidenceLog, create_log

    create_log(folder, origin=ORIGIN)
    with EvidenceLog.open(folder) as log:
        publisher, first = log.publisher(), 0
        while True:
            records = log_batch(first, BATCH_ROW_COUNT)
            log.journal.append(records)  # type: ignore[arg-type]
            first += BATCH_ROW_COUNT
            if first % 500_000 == 0:
                publisher.publish(time_s=int(time.time()))
            if first == record_count:
                say()


def journal_batch(first: int, count: int) -> list[object]:
    """Give records of about 100 bytes with ids of their own."""
    from truceline.adapters.stores.journal import JournalEntry

    body = b"x" * 100
    schema_name = "truceline.finding/1"
    return [
        JournalEntry(record_kind="finding", record_id=f"{at:040d}", schema_name=schema_name, body=body)
        for at in range(first, first + count)
    ]


def write_store(folder: Path, record_count: int, say: Callable[[], None]) -> None:
    """Fill a store's journal, say when it is full, and write on until ended."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.stores.journal import Journal
    from truceline.adapters.stores.workspace import Workspace

    Workspace.open(folder, create=True).close()
    journal, first = Journal(folder / "journal.sqlite", writing=True, clock=system_now), 0
    while True:
        journal.append(journal_batch(first, BATCH_ROW_COUNT))  # type: ignore[arg-type]
        first += BATCH_ROW_COUNT
        if first == record_count:
            say()


def observation_rows(first: int, count: int) -> Any:
    """Give rows whose ids follow from their number; all else of each batch is alike."""
    import hashlib

    import numpy as np
    import pyarrow as pa

    from truceline.testing.observation_tables import observation_table

    table = observation_table(count, np.random.default_rng(7))
    ids = [f"obs-{hashlib.md5(b'%d' % at, usedforsecurity=False).hexdigest()}" for at in range(first, first + count)]
    place = table.schema.get_field_index("observation_id")
    return table.set_column(place, table.schema.field(place), pa.array(ids))


def write_archive(folder: Path, record_count: int, say: Callable[[], None]) -> None:
    """Fill a store's archive with files of rows, say when it is full, and write on until ended."""
    from truceline.adapters.stores.workspace import Workspace
    from truceline.testing.observation_tables import received_file

    store, first = Workspace.open(folder, create=True), 0
    while True:
        rows = observation_rows(first, FILE_ROW_COUNT)
        store.append_file(received_file(f"file {first}"), [rows])
        first += FILE_ROW_COUNT
        if first >= record_count:
            say()


def restart_archive(folder: Path, record_count: int) -> None:
    """Open and take in one file, half of whose rows are known."""
    from truceline.adapters.stores.workspace import Workspace
    from truceline.testing.observation_tables import received_file

    store = Workspace.open(folder, create=False)
    half = 500
    rows = [observation_rows(record_count // 2, half), observation_rows(record_count * 3, half)]
    kept = store.append_file(received_file("the first after"), rows)
    assert (kept.accepted_count, kept.duplicate_count) == (half, half), "known rows were not known"
    sys.stdout.write(f"{record_count}\n")
    sys.stdout.flush()
    os._exit(0)


def restart_log(folder: Path, record_count: int) -> None:
    """Open, resume and commit one batch."""
    from truceline.adapters.log.service import EvidenceLog

    with EvidenceLog.open(folder) as log:
        log.publisher().resume()
        log.journal.append(log_batch(record_count * 2, 100))  # type: ignore[arg-type]
        sys.stdout.write(f"{log.journal.size_count}\n")
        sys.stdout.flush()
        os._exit(0)


def restart_store(folder: Path, record_count: int) -> None:
    """Open and commit one batch."""
    from truceline.adapters.stores.workspace import Workspace
    from truceline.model.observation import Rejection

    store = Workspace.open(folder, create=False)
    rejection = Rejection(
        source_id="bench",
        file_sha256="0" * 64,
        row_index=1,
        raw="?",
        reason="reason",
        received_time=datetime(2025, 3, 1, tzinfo=UTC),
    )
    store.append_records("note", [rejection])
    sys.stdout.write(f"{record_count}\n")
    sys.stdout.flush()
    os._exit(0)


PARTS: dict[str, tuple[Callable[..., None], Callable[..., None]]] = {
    "log": (write_log, restart_log),
    "store": (write_store, restart_store),
    "archive": (write_archive, restart_archive),
}


def _run(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603


def measure(part: str, record_count: int, folder: Path) -> dict[str, float | str]:
    """Fill, end by SIGKILL in the midst of writing, and time the restart from the start of the new process."""
    began_s = time.perf_counter()
    with _run(
        ["--part", part, "--do", "write", "--folder", str(folder), "--record-count", str(record_count)]
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "full\n", "the writer failed"
        time.sleep(0.3)
        writer.send_signal(signal.SIGKILL)
    built_s = time.perf_counter() - began_s
    restarted_s = time.perf_counter()
    with _run(["--part", part, "--do", "restart", "--folder", str(folder), "--record-count", str(record_count)]) as new:
        assert new.stdout is not None
        assert new.stdout.readline(), "the restart failed"
        restart_s = time.perf_counter() - restarted_s
    return {"part": part, "record_count": record_count, "build_s": round(built_s, 1), "restart_s": round(restart_s, 2)}


def main() -> None:
    """Measure and print one line of JSON for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record-count", type=int, default=10_000_000)
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--do", choices=["measure", "write", "restart"], default="measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.do == "write":
        PARTS[options.part][0](options.folder, options.record_count, lambda: print("full", flush=True))
    elif options.do == "restart":
        PARTS[options.part][1](options.folder, options.record_count)
    else:
        for part in PARTS if options.part == "all" else [options.part]:
            with tempfile.TemporaryDirectory() as folder:
                print(json.dumps(measure(part, options.record_count, Path(folder) / part)))


if __name__ == "__main__":
    main()
