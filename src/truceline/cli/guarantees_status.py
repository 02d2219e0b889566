"""`truceline guarantees status`: the five pillars of every state as of a day, each answer with its source."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.guarantees_input import add_input

EPILOG = """\
examples:
  truceline guarantees status --as-of 2026-01-08
  truceline guarantees status --as-of 2026-01-08 --state DE --state FR
  truceline guarantees status --data my_register/ --json status.json

Printed are, for every state, its part, and under each of the five pillars what it said, the conditions, who says so
and where that was read. What nobody entered is *unknown*, which is neither *none* nor *refused*. Assertions are never
changed: a later one takes an earlier one's place from its day on, so the register can be asked about any past day.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "status",
        help="the five pillars of every state as of a day, each answer with its source or unknown",
        description="Say what the register of guarantees holds as of one day.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_input(parser)
    parser.add_argument("--state", action="append", default=[], metavar="CODE", help="only this state (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines with all sources as JSON as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the status."""
    import msgspec

    from truceline.cli.guarantees_input import day_of, known_state, loaded_of
    from truceline.cli.output import write_bytes
    from truceline.decide.register_view import view_on
    from truceline.report.guarantee_status import pillar_rows, pillars_text

    register = loaded_of(args).register
    asked = {known_state(register, code) for code in args.state}
    view = view_on(register, as_of=day_of(args))
    rows = [row for row in pillar_rows(view) if not asked or row.state in asked]
    if args.json is not None:
        body = {"as_of": view.as_of, "rows": rows, "support_sums": view.sums, "instruments": view.instruments}
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")
    sys.stdout.write(pillars_text(view, rows))
    return 0
