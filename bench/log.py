"""How fast the evidence log takes records in, proves and is audited, beside raw hashing and pymerkle in the same run.

Run: `python bench/log.py [--record-count 500000] [--tree-count 10000000] [--folder DIR]`. DIR must lie on a real disk.
Rates are given by wall clock and by processor time of this process; on a busy machine only the second, and the ratio to
hashing in the same run, say anything. The compiled hashing is loaded first, as in a process that has run for some time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymerkle

from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog, create_log
from truceline.adapters.log.sha256_many import HASHING, as_rows, digest_rows
from truceline.adapters.log.tiles import TileReader
from truceline.adapters.log.tiles_check import check_tiles
from truceline.adapters.log.tree import leaf_hash, verify_inclusion

BODY_BYTES = 200
BATCH_COUNT = 10_000
PROOF_COUNT = 5_000
HASH_COUNT = 400_000
PEER_COUNT = 50_000
TREE_BODY_BYTES = 32
TREE_BATCH_COUNT = 50_000


def measured(work: Callable[[], object], count: int) -> dict[str, float]:
    """Give how many of something are done in a second, by wall clock and by processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"per_s": round(count / wall), "per_cpu_s": round(count / processor)}


def bench_hashing() -> dict[str, float]:
    """Hash leaves of 200 bytes in a plain loop: what any log has to do at the least."""
    bodies = [os.urandom(BODY_BYTES) for _ in range(HASH_COUNT // 10)]
    return measured(lambda: [hashlib.sha256(body).digest() for _ in range(10) for body in bodies], HASH_COUNT)


def bench_columns() -> dict[str, float]:
    """Load the compiled hashing, as a process does after half a million hashes, and hash the same leaves by columns."""
    start, begun = time.perf_counter(), time.process_time()
    assert HASHING.prepare(), "the compiled hashing is there"
    loaded = {"loaded_s": round(time.perf_counter() - start, 2), "loaded_cpu_s": round(time.process_time() - begun, 2)}
    rows = as_rows(os.urandom(BODY_BYTES * HASH_COUNT), width_bytes=BODY_BYTES)
    return loaded | measured(lambda: digest_rows(rows), HASH_COUNT)


def records(first: int, count: int, *, body_bytes: int) -> list[LogRecord]:
    """Give numbered records of chance bytes."""
    content = os.urandom(body_bytes * count)
    starts = range(0, body_bytes * count, body_bytes)
    return [LogRecord(content[at : at + body_bytes], "bench", first + n) for n, at in enumerate(starts)]


def batches(count: int, *, body_bytes: int, batch_count: int) -> Iterator[list[LogRecord]]:
    """Cut records into batches, each made when it is asked for."""
    for first in range(0, count, batch_count):
        yield records(first, min(batch_count, count - first), body_bytes=body_bytes)


def bench_append(folder: Path, record_count: int) -> dict[str, float]:
    """Take records in: each batch committed (WAL, FULL), signed twice, tiles and checkpoint out, then the next."""
    create_log(folder / "append", origin="bench.example/append")
    made = list(batches(record_count, body_bytes=BODY_BYTES, batch_count=BATCH_COUNT))
    times_ms: list[float] = []

    def work() -> None:
        with EvidenceLog.open(folder / "append") as log:
            publisher = log.publisher()
            for batch in made:
                start = time.perf_counter()
                publisher.append_and_publish(batch, time_s=int(time.time()))
                times_ms.append(1000 * (time.perf_counter() - start))

    found = measured(work, record_count)
    found["batch_p50_ms"] = round(statistics.median(times_ms), 1)
    found["batch_p99_ms"] = round(sorted(times_ms)[int(0.99 * len(times_ms))], 1)
    return found


def build_tree(folder: Path, tree_count: int) -> dict[str, float]:
    """Make the large tree once."""
    create_log(folder / "tree", origin="bench.example/tree")

    def work() -> None:
        with EvidenceLog.open(folder / "tree") as log:
            publisher = log.publisher()
            for batch in batches(tree_count, body_bytes=TREE_BODY_BYTES, batch_count=TREE_BATCH_COUNT):
                publisher.append_and_publish(batch, time_s=int(time.time()))

    return measured(work, tree_count)


def bench_proofs(folder: Path) -> dict[str, float]:
    """Prove random leaves of the large tree from its files, and hold every proof."""
    with EvidenceLog.open(folder / "tree", read_only=True) as log:
        newest = log.journal.newest_checkpoint()
    assert newest is not None, "the tree is published"
    reader = TileReader(folder / "tree" / "public")
    chance = random.Random(1)  # noqa: S311
    wall_us, processor_us = [], []
    for _ in range(PROOF_COUNT):
        leaf_index = chance.randrange(newest.size_count)
        start, begun = time.perf_counter(), time.process_time()
        proof = reader.inclusion_proof(leaf_index, tree_size_count=newest.size_count)
        wall_us.append(1e6 * (time.perf_counter() - start))
        processor_us.append(1e6 * (time.process_time() - begun))
        made = leaf_hash(reader.entry(leaf_index))
        assert verify_inclusion(
            leaf_hash=made, leaf_index=leaf_index, tree_size_count=newest.size_count, proof=proof, root=newest.root
        ), "a proof holds"
    p99 = int(0.99 * PROOF_COUNT)
    return {
        "leaf_count": newest.size_count,
        "p50_us": round(statistics.median(wall_us)),
        "p99_us": round(sorted(wall_us)[p99]),
        "p99_cpu_us": round(sorted(processor_us)[p99]),
    }


def bench_resume(folder: Path) -> dict[str, float]:
    """Open the large log as after a sudden end, hold its edge, and log and publish the next record."""
    start = time.perf_counter()
    with EvidenceLog.open(folder / "tree") as log:
        publisher = log.publisher()
        publisher.resume()
        opened_s = time.perf_counter() - start
        publisher.append_and_publish([LogRecord(b"next", "after")], time_s=int(time.time()))
        next_s = time.perf_counter() - start
    return {"opened_s": round(opened_s, 3), "next_record_published_s": round(next_s, 3)}


def bench_audit(folder: Path) -> dict[str, dict[str, float]]:
    """Audit the large log: all of it, and its tree and tiles alone."""
    counts: list[int] = []

    def whole() -> None:
        report = audit_log(folder / "tree")
        assert not report.faults, report.faults[:3]
        counts.append(report.leaf_count)

    def tree() -> None:
        with EvidenceLog.open(folder / "tree") as log:
            found = check_tiles(folder / "tree" / "public", log.journal.leaves(first_leaf_index=0))
        assert not found.faults, found.faults[:3]

    with EvidenceLog.open(folder / "tree", read_only=True) as log:
        leaf_count = log.journal.size_count
    return {"audit": measured(whole, leaf_count), "tree_and_tiles_alone": measured(tree, leaf_count)}


def bench_peer() -> dict[str, float]:
    """Append to pymerkle's tree in memory: no disk, no signature, no salt."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    bodies = [os.urandom(BODY_BYTES) for _ in range(PEER_COUNT)]

    def work() -> None:
        for body in bodies:
            tree.append_entry(body)
        tree.get_root()

    found = measured(work, PEER_COUNT)
    start = time.process_time()
    for index in range(1, 101):
        tree.prove_inclusion(index)
    found["proof_cpu_us"] = round(1e6 * (time.process_time() - start) / 100)
    return found


def main() -> None:
    """Measure all and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record-count", type=int, default=500_000)
    parser.add_argument("--tree-count", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="a folder on a real disk (default: the temporary folder)")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="log-bench-", dir=args.folder))
    try:
        found: dict[str, object] = {"machine": f"{platform.machine()}, {platform.python_version()}"}
        found["load_before"] = os.getloadavg()
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("hashing", bench_hashing),
            ("hashing_by_columns", bench_columns),
            ("append", lambda: bench_append(folder, args.record_count)),
            ("hashing_again", bench_hashing),
            ("pymerkle_memory", bench_peer),
            ("tree_built", lambda: build_tree(folder, args.tree_count)),
            ("proofs", lambda: bench_proofs(folder)),
            ("resume", lambda: bench_resume(folder)),
            ("audit", lambda: bench_audit(folder)),
        )
        for name, step in steps:
            found[name] = step()
            print(json.dumps({name: found[name]}), flush=True)
        print(json.dumps(found | {"load_after": os.getloadavg()}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
