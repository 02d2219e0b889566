"""`truceline guarantees page`: the register as one page that opens offline: schematic map, table over time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.guarantees_input import add_input

EPILOG = """\
examples:
  truceline guarantees page --as-of 2026-01-08 --out guarantees.html
  truceline guarantees page --data my_register/ --out guarantees.html

The page has no script, no picture from elsewhere and no map data: states are squares that stand roughly where the
states lie. Three ladders are shown before and on the days on which a state did something, the last eight of them.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "page",
        help="the register as one HTML page: schematic map, three ladders over time, five pillars with sources",
        description="Write the register of guarantees as one HTML page that opens offline.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_input(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from datetime import timedelta

    from truceline.adapters.clock import system_now
    from truceline.cli.guarantees_input import day_of, loaded_of
    from truceline.cli.output import write_bytes
    from truceline.decide.register_view import view_on
    from truceline.report.guarantee_page import days_of_change, render_guarantees

    register, as_of = loaded_of(args).register, day_of(args)
    done = [one.done_at for one in register.actions] + [one.done_on for one in register.procedure_records]
    days = [day - timedelta(days=before_days) for day in done for before_days in (1, 0)]
    views = [view_on(register, as_of=day) for day in days_of_change(days, as_of=as_of)]
    write_bytes(args.out, render_guarantees(views, generated_time=system_now()).encode())
    sys.stdout.write(f"{args.out}: guarantees as of {as_of}, {len(views)} days\n")
    return 0
