"""`truceline agreement show`: a text clause by clause, in plain words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
examples:
  truceline agreement show agreements/easter_2025.yaml
  truceline agreement show my_amendment.yaml --layers         with the texts it amends, the oldest first

Shown are parties, when the text is in force in its own time zone, lines and zones with how they are measured, terms and
how they are read, and for each clause its summary, what it is held against, whom it binds and where it was read.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "show",
        help="write a text clause by clause, in plain words",
        description="Read an agreement file and write clause by clause what will be held against events.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an agreement file")
    parser.add_argument("--layers", action="store_true", help="write the texts it amends too, the oldest first")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the text."""
    from truceline.adapters.agreements import load_agreement
    from truceline.report.agreement_text import agreement_text

    loaded = load_agreement(args.file)
    texts = [*(loaded.bases if args.layers else ()), loaded.agreement]
    sys.stdout.write("\n".join(map(agreement_text, texts)))
    return 0
