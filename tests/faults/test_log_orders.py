"""Records that come twice, late, out of order or contradicting, under a clock that jumps: each is held once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faults.log_checks import bodies_of
from faults.log_work import TIME_S, begin
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.leaf import LEAF_BYTES
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog

SOURCES = ("one", "two")
CLOCK_JUMP_MAX_S = 200_000


def _arrivals(chance: np.random.Generator, record_count: int) -> list[LogRecord]:
    """Give records of two sources and some without number: most in order, a third twice, some late, some altered."""
    records = [
        LogRecord(f"{source} {at}".encode(), source, at) for source in SOURCES for at in range(0, record_count, 1)
    ]
    records += [LogRecord(f"unnumbered {at}".encode(), "one") for at in range(record_count // 4)]
    altered = [
        LogRecord(record.body + b"!", record.source, record.sequence) for record in records[:: record_count // 3]
    ]
    again = [records[int(place)] for place in chance.integers(0, len(records), len(records) // 3)]
    everything = [*records, *altered, *again]
    places = np.arange(len(everything)) + chance.exponential(len(everything) / 4, len(everything))
    return [everything[int(at)] for at in np.argsort(places)]


def _expected(arrivals: list[LogRecord]) -> tuple[dict[tuple[str, int], bytes], set[bytes], set[tuple[str, int]]]:
    """Give, by plain reckoning: the first body of each number, all bodies, and the numbers with several."""
    first: dict[tuple[str, int], bytes] = {}
    contradicted = set()
    for record in arrivals:
        key = (record.source, record.sequence)
        if record.sequence >= 0 and first.setdefault(key, record.body) != record.body:
            contradicted.add(key)
    return first, {record.body for record in arrivals}, contradicted


def _hold_arrivals(folder: Path, seed: int, *, record_count: int) -> None:
    begin(folder)
    chance = np.random.default_rng(seed)
    arrivals = _arrivals(chance, record_count)
    first, bodies, contradicted = _expected(arrivals)
    left = list(arrivals)
    while left:
        size = int(chance.integers(1, 12))
        now_s = TIME_S + int(chance.integers(-CLOCK_JUMP_MAX_S, CLOCK_JUMP_MAX_S))
        with EvidenceLog.open(folder / "log", clock_ms=lambda now_s=now_s: now_s * 1_000) as log:
            for _ in range(int(chance.integers(1, 4))):
                log.journal.append(left[:size])
                left = left[size:]
            if chance.random() < 0.3:
                log.publisher().publish(time_s=now_s)
    with EvidenceLog.open(folder / "log") as log:
        log.publisher().publish(time_s=TIME_S)
        held = [body for body in bodies_of(log.journal) if body and not body.startswith(b"truceline.log.keys")]
        places = {key: log.journal.leaf_index_of(*key) for key in first}
        found = {key: log.journal.sealed(place).body for key, place in places.items() if place is not None}
        said = {(source, sequence) for source, sequence, _ in log.journal.equivocations()}
        leaves = b"".join(batch.leaves for batch in log.journal.batches())
    times = [int.from_bytes(leaves[at + 2 : at + 10], "big") for at in range(0, len(leaves), LEAF_BYTES)]

    assert sorted(bodies) == sorted(held), "a record is missing, or is there twice"
    assert first == found
    assert contradicted == said
    assert times == sorted(times)
    assert audit_log(folder / "log").faults == ()


@pytest.mark.parametrize("seed", range(3))
def test_each_record_is_held_once_whenever_and_how_often_it_comes(tmp_path: Path, seed: int) -> None:
    """A record is one leaf, the first body of a number counts, others are contradictions, and no time goes back."""
    _hold_arrivals(tmp_path, seed, record_count=40)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_many_records_are_held_once_whenever_and_how_often_they_come(tmp_path: Path, seed: int) -> None:
    """The same, with more of them and over more seeds."""
    _hold_arrivals(tmp_path, seed, record_count=400)
