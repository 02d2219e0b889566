"""`truceline dossier`: the bundles of a store as files, and whether a file is still what was bound."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.output import STORE_DEFAULT, SYNTHETIC_MARK, write_bytes

EPILOG = """\
examples:
  truceline dossier write --store store --out dossiers      a canonical JSON file for each finding not compliant
  truceline dossier check dossiers/*.json                   re-compute each id from the bytes

A dossier binds event, finding and attribution with the hashes of every row used and of every row known and not used,
of the agreement, and the program's version. It holds exact positions: it is for those who work on the case, and not a
release. What may leave the house is what `truceline report` writes.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser("dossier", help="write dossiers as files, or check that files are unaltered")
    commands = parser.add_subparsers(dest="dossier_command", metavar="COMMAND", required=True)
    write = commands.add_parser(
        "write",
        help="write every dossier of a store as a file",
        description="Write every dossier of a store as one canonical JSON file, named by its id. Not for release.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    write.add_argument(
        "--store", type=Path, default=STORE_DEFAULT, metavar="DIR", help="the store to read (default: ./%(default)s)"
    )
    write.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    write.set_defaults(run=run_write)
    check = commands.add_parser(
        "check",
        help="check that dossier files are what was bound",
        description="Re-compute the id of each file from its bytes, and hold its parts against one another.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="dossier files")
    check.set_defaults(run=run_check)


def run_write(args: argparse.Namespace) -> int:
    """Write every dossier of a store; give 0 even where there is none, and say so."""
    from truceline.adapters.stores.workspace import Workspace
    from truceline.dossier.bundle import dossier_bytes
    from truceline.model.dossier import Dossier

    written_count = 0
    with Workspace.open(args.store, create=False, read_only=True) as store:
        for dossier in store.iterate_records("dossier", Dossier):
            write_bytes(args.out / f"{dossier.dossier_id}.json", dossier_bytes(dossier))
            written_count += 1
        synthetic = store.synthetic
    mark = f"{SYNTHETIC_MARK}\n" if synthetic else ""
    sys.stdout.write(f"{mark}wrote {written_count} dossiers to {args.out}\n")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Check files; give 0 where all are what was bound, else 1."""
    from truceline.dossier.bundle import check_dossier
    from truceline.errors import SourceUnavailable

    faulty_count = 0
    for path in args.files:
        try:
            faults = check_dossier(path.read_bytes())
        except OSError as error:
            raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
        faulty_count += bool(faults)
        for fault in faults:
            sys.stdout.write(f"{path}: {fault}\n")
    sys.stdout.write(f"{len(args.files) - faulty_count} of {len(args.files)} dossiers are what was bound\n")
    return 1 if faulty_count else 0
