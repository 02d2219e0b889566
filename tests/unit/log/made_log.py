"""Logs made for tests, with chance and clock that repeat themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog, create_log

ORIGIN = "log.example/evidence"
START_MS = 1_700_000_000_000
START_S = START_MS // 1000


def chance_of(seed: str) -> Callable[[int], bytes]:
    """Give bytes that look like chance and repeat for a seed."""
    counts = iter(range(1_000_000))

    def give(count: int) -> bytes:
        return hashlib.shake_256(f"{seed}/{next(counts)}".encode()).digest(count)

    return give


def clock_ms() -> int:
    """Give a clock that stands."""
    return START_MS


def records(count: int, *, source: str = "store", first: int = 0) -> list[LogRecord]:
    """Give numbered records of a source, each with other bytes."""
    return [LogRecord(f"{source} body {first + at}".encode() * 4, source, first + at) for at in range(count)]


@contextmanager
def made_log(folder: Path) -> Iterator[EvidenceLog]:
    """Give an open log, freshly made."""
    create_log(folder / "log", origin=ORIGIN, clock_ms=clock_ms, chance=chance_of("log"))
    with EvidenceLog.open(folder / "log", clock_ms=clock_ms) as log:
        yield log
