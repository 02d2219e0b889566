"""`truceline agreement check`: is a text sound, and if not, what is wrong on which line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
examples:
  truceline agreement check agreements/                       every text of a folder
  truceline agreement check my_text.yaml                      one text, with the texts it amends
  truceline agreement check agreements/weapons.yaml           the weapons catalogue (known by its schema)

Every fault is one line: FILE, line N: what is wrong, and the limit where there is one. All faults of a file are
listed, and a file with a fault is never used in part. Checked are form, times and time zones, everything that is named
(parties, lines, zones, terms, weapons against agreements/weapons.yaml, sources, bodies, steps), the texts it amends,
and geometry: sound, not crossing itself, at most 200,000 vertices, and covering what it is used for.
Answers 0 where all is sound and 1 where anything is not. The form: truceline agreement schema
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "check",
        help="say what is wrong in a text, with line numbers",
        description="Read agreement files with their geometry and the texts they amend, and list everything wrong.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="agreement files, or folders of them")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check every file; give 0 where all are sound and 1 where not."""
    from truceline.adapters.agreements import check_agreement, files_to_check
    from truceline.errors import SourceUnavailable

    unsound_count = 0
    files = files_to_check(args.files)
    for path in files:
        try:
            faults = [str(fault) for fault in check_agreement(path)]
        except SourceUnavailable as error:
            faults = [str(error)]
        sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"{path}: sound\n")
        unsound_count += bool(faults)
    if unsound_count:
        sys.stdout.write(f"{unsound_count} of {len(files)} files cannot be used\n")
    return 1 if unsound_count else 0
