"""`truceline dossier`: the bundles of a store as files and pages, and whether a file is still what was bound."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.dossier_file import add_parsers
from truceline.cli.output import STORE_DEFAULT, SYNTHETIC_MARK, write_bytes

EPILOG = """\
examples:
  truceline dossier write --store store --out dossiers      a canonical JSON file for each finding not compliant
  truceline dossier check dossiers/*.json                   re-compute each id from the bytes
  truceline dossier page dossiers/*.json --out pages        one page each: whose conduct, why, what would change it
  truceline dossier export --store store --out files        all behind each finding as one file, to be checked offline
  truceline dossier verify files/*.dossier.zip              line by line what holds, and the finding re-computed

A dossier binds event, finding and attribution with the hashes of every row used and of every row known and not used,
of the agreement, and the program's version. It holds exact positions: it is for those who work on the case, and not a
release. What may leave the house is what `truceline report` writes.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "dossier", help="write dossiers as files or pages; check, re-compute and reply to them"
    )
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
    page = commands.add_parser(
        "page",
        help="write one page for each dossier file: the answer, why, and what would change it",
        description="Write one HTML page for each dossier file, for those who work on the case. Not for release. It "
        "needs no network and no scripts. A file that is not what was bound gets no page.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    page.add_argument("files", nargs="+", type=Path, metavar="FILE", help="dossier files, as `write` makes them")
    page.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    page.set_defaults(run=run_page)
    add_parsers(commands)


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
    faulty_count = sum(_sound_bytes(path) is None for path in args.files)
    sys.stdout.write(f"{len(args.files) - faulty_count} of {len(args.files)} dossiers are what was bound\n")
    return 1 if faulty_count else 0


def run_page(args: argparse.Namespace) -> int:
    """Write the page of every file that is what was bound; give 0 where all are, else 1."""
    import msgspec

    from truceline.model.dossier import Dossier
    from truceline.report import render_dossier

    written_count = 0
    for path in args.files:
        body = _sound_bytes(path)
        if body is None:
            continue
        dossier = msgspec.json.decode(body, type=Dossier)
        write_bytes(args.out / f"{dossier.dossier_id}.html", render_dossier(dossier).encode())
        written_count += 1
    sys.stdout.write(f"wrote {written_count} pages of {len(args.files)} dossiers to {args.out}\n")
    return 0 if written_count == len(args.files) else 1


def _sound_bytes(path: Path) -> bytes | None:
    """Give a dossier file's bytes, or say what is wrong with them and give `None`."""
    from truceline.dossier.bundle import check_dossier
    from truceline.errors import SourceUnavailable

    try:
        body = path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    faults = check_dossier(body)
    for fault in faults:
        sys.stdout.write(f"{path}: {fault}\n")
    return None if faults else body
