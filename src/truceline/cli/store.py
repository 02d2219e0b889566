"""`truceline store check`: is everything in a store still what was written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.output import STORE_DEFAULT

SHOWN_DAMAGE_COUNT = 100
"""How many damages are listed in full."""

EPILOG = """\
example:
  truceline store check --store store

Every record and state is hashed again and held against its SHA-256, every archive file against the hash that the
journal names, and SQLite's own integrity check is run. Nothing is altered; others may read and write meanwhile.
Answers 0 where all is sound, 1 where anything is damaged: then restore the named file from a copy of the store.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser("store", help="check that a store is still what was written")
    commands = parser.add_subparsers(dest="store_command", metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check",
        help="hash everything again and say what is damaged",
        description="Hash every record body and archive file again and say what is damaged.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "--store", type=Path, default=STORE_DEFAULT, metavar="DIR", help="the store to check (default: ./%(default)s)"
    )
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check a store; give 0 where it is sound and 1 where not."""
    import itertools

    from truceline.adapters.stores.workspace import Workspace

    with Workspace.open(args.store, create=False, read_only=True) as store:
        damages = store.damages()
        shown = list(itertools.islice(damages, SHOWN_DAMAGE_COUNT))
        more_count = sum(1 for _ in damages)
        files, part_count = store.ingested_files() if not shown else [], len(store.parts()) if not shown else 0
        contradictions = store.equivocations() if not shown else []
    for damage in shown:
        sys.stdout.write(f"damaged: {damage}\n")
    for row in contradictions:
        sys.stdout.write(f"contradiction: record {row.sequence} is a second {row.record_kind} {row.record_id}\n")
    if shown:
        sys.stdout.write(f"{len(shown) + more_count} damages in {args.store}\n")
        return 1
    sys.stdout.write(f"sound: {args.store} ({len(files)} received files, {part_count} archive files)\n")
    return 0
