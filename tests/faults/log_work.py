"""A small piece of work on a log and a store, and a process that does it in children which it ends by SIGKILL.

As a program: for each line `FOLDER FIRST DELAY_S` on standard input a child appends and publishes from batch FIRST on
and is ended after the delay; then everything it acknowledged is said, and `ended`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from faults.work import rejections_of
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog, create_log
from truceline.adapters.stores.workspace import Workspace

BATCH_COUNT = 400
RECORD_COUNT = 5
ORIGIN = "log.example/test"
TIME_S = 1_740_000_000


def records_of(batch_index: int) -> list[LogRecord]:
    """Give a batch of records, the same every time."""
    first = batch_index * RECORD_COUNT
    return [LogRecord(f"record {at}".encode() * 20, "test", at) for at in range(first, first + RECORD_COUNT)]


@cache
def _made() -> tempfile.TemporaryDirectory[str]:
    """Make an empty log and an empty store, once in a process: their keys take a while."""
    made = tempfile.TemporaryDirectory(prefix="truceline-made-", ignore_cleanup_errors=True)
    create_log(Path(made.name) / "log", origin=ORIGIN, clock_ms=lambda: TIME_S * 1000)
    Workspace.open(Path(made.name) / "store", create=True).close()
    return made


def begin(folder: Path) -> None:
    """Put an empty log and an empty store into a folder."""
    shutil.copytree(_made().name, folder, dirs_exist_ok=True)


def go_on(folder: Path, first_batch_index: int, say: Callable[[str], None], *, batch_count: int = BATCH_COUNT) -> None:
    """Commit batches to both, publishing after every third; say each thing once it is acknowledged."""
    with EvidenceLog.open(folder / "log") as log, Workspace.open(folder / "store", create=False) as store:
        publisher = log.publisher()
        publisher.resume()
        for index in range(first_batch_index, first_batch_index + batch_count):
            log.journal.append(records_of(index))
            say(f"batch {index}")
            store.checkpoint("run", str(index).encode())
            store.append_records("note", rejections_of(index))
            say(f"store {index}")
            if index % 3 == 2:
                published = publisher.publish(time_s=TIME_S + index)
                say(f"checkpoint {published.checkpoint.size_count} {published.checkpoint.root.hex()}")


def _ended_child(folder: Path, first_batch_index: int, delay_s: float) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        go_on(folder, first_batch_index, lambda text: void(os.write(writing, f"{text}\n".encode())))
        os._exit(0)
    os.close(writing)
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        return stream.read()


def void(_: object) -> None:
    """Give nothing."""


if __name__ == "__main__":
    for line in sys.stdin:
        name, first, delay = line.split()
        said = _ended_child(Path(name), int(first), float(delay))
        sys.stdout.write(said.decode() + "ended\n")
        sys.stdout.flush()
