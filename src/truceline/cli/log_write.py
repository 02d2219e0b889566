"""`truceline log init`, `add`, `publish`, `rotate`, `erase`: what goes into a log and out to the world."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.log_options import add_log, now_s, read_input
from truceline.cli.options import add_command
from truceline.cli.output import STORE_DEFAULT

if TYPE_CHECKING:
    from truceline.adapters.log.rows import LogRecord
    from truceline.adapters.stores.workspace import Workspace

BATCH_ROW_COUNT = 5_000
BATCH_BYTES = 64 << 20

INIT_EPILOG = """\
example:
  truceline log init --log log --origin mission.example/evidence-2026

Makes two keys (Ed25519, and ML-DSA-44 beside it) in log/keys, readable by their owner only, and a trust policy without
witnesses in log/policy.txt; `truceline log policy` puts another in its place. Only log/public is for others.
"""
ADD_EPILOG = """\
example:
  truceline log add --log log --store store

Logs every row of the store's journal that is not logged yet: received files, rejections, lines, events, findings,
attributions, dossiers. Again changes nothing. A row with other bytes than those logged under its number is logged as
a contradiction, and said. What is added is durable at once; `truceline log publish` signs and shows it.
"""
PUBLISH_EPILOG = """\
examples:
  truceline log publish --log log                                     once, now
  truceline log publish --log log --store store --cadence-s 60        every minute of the clock, until ended

Each publication is padded to a multiple of 256 leaves that look like all others, so how much happened shows only
coarsely. Commit, then sign, then publish: what is signed is on disk before.
"""
ROTATE_EPILOG = """\
example:
  truceline log rotate --log log

Makes new keys and logs them, signed by the old ones. The next checkpoint is signed by both, every later one by the new
keys only. Give the new lines of log/policy.txt to those who verify, and take the old ones out after the overlap.
"""
ERASE_EPILOG = """\
example:
  truceline log erase --log log --sha256 1f0c... --reason "protection of a witness"

Overwrites body and salt of every leaf with this content. The leaves stay, so all proofs stay valid, and nobody can
test a guess at what they said. That something was erased, when and for which reason is logged. Copies elsewhere (the
store, received files, dossiers, backups of the log) are not touched by this.
"""


def add_parsers(commands: Any) -> None:
    """Add the commands with their options."""
    init = add_command(commands, "init", text="Make a log with keys of its own.", epilog=INIT_EPILOG)
    add_log(init)
    init.add_argument(
        "--origin", required=True, metavar="NAME", help="the log's unique name, as host/path without scheme"
    )
    init.set_defaults(run=run_init)
    add = add_command(commands, "add", text="Log every row of a store not yet logged.", epilog=ADD_EPILOG)
    add_log(add)
    add.add_argument("--store", type=Path, default=STORE_DEFAULT, metavar="DIR", help="store (default: ./%(default)s)")
    add.set_defaults(run=run_add)
    publish = add_command(commands, "publish", text="Sign and show what is logged.", epilog=PUBLISH_EPILOG)
    add_log(publish)
    publish.add_argument("--store", type=Path, metavar="DIR", help="add this store's new rows before each publication")
    publish.add_argument("--cadence-s", type=int, metavar="S", help="publish at every multiple of so many seconds")
    publish.add_argument("--count", type=int, metavar="N", help="end after so many publications (default: never)")
    publish.set_defaults(run=run_publish)
    rotate = add_command(commands, "rotate", text="Change the log's keys.", epilog=ROTATE_EPILOG)
    add_log(rotate)
    rotate.set_defaults(run=run_rotate)
    erase = add_command(commands, "erase", text="Erase a body and its salt.", epilog=ERASE_EPILOG)
    add_log(erase)
    which = erase.add_mutually_exclusive_group(required=True)
    which.add_argument("--sha256", metavar="HEX", help="SHA-256 of the body")
    which.add_argument("--body", type=Path, metavar="FILE", help="a file with exactly the body's bytes")
    erase.add_argument("--reason", required=True, metavar="TEXT", help="is logged; should not say what is erased")
    erase.set_defaults(run=run_erase)


def run_init(args: argparse.Namespace) -> int:
    """Make a log."""
    from truceline.adapters.log.service import create_log

    vkeys = create_log(args.log, origin=args.origin)
    sys.stdout.write(f"log {args.origin} in {args.log}\n" + "".join(f"key {vkey}\n" for vkey in vkeys))
    sys.stdout.write("unwitnessed: its policy asks for no quorum yet (`truceline log policy --help`)\n")
    return 0


def run_add(args: argparse.Namespace) -> int:
    """Log a store's rows."""
    from truceline.adapters.log.service import EvidenceLog

    with EvidenceLog.open(args.log) as log:
        new_count, known_count, equivocation_count = _add_store(log, args.store)
    sys.stdout.write(f"{new_count} rows of {args.store} logged, {known_count} were there already\n")
    if equivocation_count:
        sys.stdout.write(f"contradiction: {equivocation_count} rows have other bytes than those logged before\n")
    return 1 if equivocation_count else 0


def _add_store(log: Any, store_path: Path) -> tuple[int, int, int]:
    from truceline.adapters.stores.workspace import Workspace

    counts = [0, 0, 0]
    with Workspace.open(store_path, create=False, read_only=True) as store:
        for batch in _batches(store):
            appended = log.journal.append(batch)
            counts[0] += appended.new_count
            counts[1] += appended.known_count
            counts[2] += appended.equivocation_count
    return counts[0], counts[1], counts[2]


def _batches(store: Workspace) -> Iterator[list[LogRecord]]:
    """Give a store's journal rows, each under the store's name and the row's number."""
    from truceline.adapters.log.rows import LogRecord

    batch: list[LogRecord] = []
    size_bytes, source = 0, ""
    for row in store.rows():
        source = source or f"store/{row.body_sha256}"  # the first row names the store, wherever it lies
        batch.append(LogRecord(row.body, source, row.sequence))
        size_bytes += len(row.body)
        if len(batch) >= BATCH_ROW_COUNT or size_bytes >= BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def run_publish(args: argparse.Namespace) -> int:
    """Publish once, or at a fixed cadence."""
    from truceline.errors import InputUnusable

    if args.cadence_s is None:
        _publish(args)
        return 0
    if args.cadence_s < 1:
        raise InputUnusable(f"--cadence-s {args.cadence_s}: at least 1")
    published_count = 0
    while args.count is None or published_count < args.count:
        time.sleep(args.cadence_s - time.time() % args.cadence_s)
        _publish(args)
        published_count += 1
    return 0


def _publish(args: argparse.Namespace) -> None:
    from truceline.adapters.log.policy import Policy
    from truceline.adapters.log.service import EvidenceLog
    from truceline.adapters.log.witness_client import witness_status

    with EvidenceLog.open(args.log) as log:
        if args.store is not None:
            _add_store(log, args.store)
        published = log.publisher().publish(time_s=now_s())
        status = witness_status(log.journal, Policy.parse(log.policy_text))
    size_count = published.checkpoint.size_count
    sys.stdout.write(f"published {size_count} leaves, root {published.checkpoint.root.hex()}\n{status.sentence}\n")
    sys.stdout.flush()


def run_rotate(args: argparse.Namespace) -> int:
    """Change the keys."""
    from truceline.adapters.log.service import EvidenceLog

    with EvidenceLog.open(args.log) as log:
        vkeys = log.rotate(time_s=now_s())
    sys.stdout.write("".join(f"key {vkey}\n" for vkey in vkeys))
    return 0


def run_erase(args: argparse.Namespace) -> int:
    """Erase a body and its salt."""
    import hashlib

    from truceline.adapters.log.service import EvidenceLog
    from truceline.errors import InputUnusable

    try:
        body_sha256 = bytes.fromhex(args.sha256) if args.sha256 else hashlib.sha256(read_input(args.body)).digest()
    except ValueError as error:
        raise InputUnusable(f"--sha256 {args.sha256}: is not hexadecimal") from error
    with EvidenceLog.open(args.log) as log:
        indexes = log.leaf_indexes_of_hash(body_sha256)
        if not indexes:
            raise InputUnusable(f"{args.log}: no leaf commits to {body_sha256.hex()} (or it was erased before)")
        erased_count = log.journal.erase(indexes, reason=args.reason)
    sys.stdout.write(f"erased salt and body of {erased_count} leaves; the leaves and their proofs stay\n")
    return 0
