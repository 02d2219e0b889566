"""`truceline guarantees match`: what each guarantor could bring to a consultation, by name and without a ranking."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.guarantees_input import add_input

KINDS = ("military", "logistical", "economic", "diplomatic", "intelligence")

EPILOG = """\
examples:
  truceline guarantees match --as-of 2026-01-08
  truceline guarantees match --kind military --kind logistical --guarantor FR --guarantor GB
  truceline guarantees match --condition-met ceasefire --json match.json --html match.html

A table for people in a consultation: per guarantor where it stands on its three ladders, the window and caps of a
mandate, which of its conditions nobody declared met, what it offered or refused, what is allocated and not delivered,
and what is unknown. Rows stand in the order of names. Nothing is ranked and nobody is asked for anything.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "match",
        help="what each guarantor could bring to a consultation: ladders, windows, conditions, backlog; no ranking",
        description="Lay side by side what guarantors could bring, for people to read.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_input(parser)
    parser.add_argument("--kind", action="append", default=[], choices=KINDS, help="only this kind (repeatable)")
    parser.add_argument("--guarantor", action="append", default=[], metavar="CODE", help="only this one (repeatable)")
    parser.add_argument(
        "--condition-met",
        action="append",
        default=[],
        metavar="TEXT",
        help="a condition that people declared met, word for word as in the register (repeatable)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON as well")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the page of guarantees with this table as well"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    import msgspec

    from truceline.adapters.clock import system_now
    from truceline.cli.guarantees_input import day_of, known_state, loaded_of
    from truceline.cli.output import write_bytes
    from truceline.decide.matching import match_rows
    from truceline.decide.register_view import view_on
    from truceline.report.guarantee_page import render_guarantees
    from truceline.report.guarantee_status import match_text

    register = loaded_of(args).register
    guarantors = {known_state(register, code) for code in args.guarantor} or None
    view = view_on(register, as_of=day_of(args))
    rows = match_rows(view, asked=args.kind, guarantors=guarantors, conditions_met=args.condition_met)
    if args.json is not None:
        body = {"as_of": view.as_of, "rows": rows}
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")
    if args.html is not None:
        write_bytes(args.html, render_guarantees([view], matches=rows, generated_time=system_now()).encode())
    sys.stdout.write(match_text(rows, view))
    return 0
