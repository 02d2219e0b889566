"""`truceline guarantees history`: everything that was ever said of one state, in the order in which it was said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.guarantees_input import add_input

EPILOG = """\
examples:
  truceline guarantees history SE
  truceline guarantees history GB --question deployment_mandate
  truceline guarantees history EE --json history.json

Nothing is ever removed from the register: what was said first stands here beside what took its place.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "history",
        help="everything that was ever said of one state, with sources, in order",
        description="List all assertions about one state.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("state", metavar="CODE", help="ISO 3166-1 alpha-2 code of the state")
    parser.add_argument("--question", metavar="NAME", help="only this question, such as ground_force")
    add_input(parser, with_day=False)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the assertions as JSON as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the history of one state."""
    import msgspec

    from truceline.cli.guarantees_input import known_state, loaded_of
    from truceline.cli.output import write_bytes
    from truceline.decide.register import history_of
    from truceline.errors import InputUnusable
    from truceline.model.guarantee import PREDICATES
    from truceline.report.guarantee_status import history_text

    if args.question is not None and args.question not in PREDICATES:
        raise InputUnusable(f"--question={args.question!r} is none of {', '.join(sorted(PREDICATES))}")
    register = loaded_of(args).register
    found = history_of(register.assertions, subject=known_state(register, args.state), predicate=args.question)
    if args.json is not None:
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    sys.stdout.write(history_text(found, subject=args.state))
    return 0
