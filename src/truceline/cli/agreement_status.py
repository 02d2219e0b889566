"""`truceline agreement status`: what is open in a register: visits due, notices, counts, clocks. Flags only."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truceline.adapters.agreement_assessor import TextAssessor
    from truceline.model.register import Register

EPILOG = """\
examples:
  truceline agreement status --register docs/examples/registers
  truceline agreement status --agreement agreements/paris_2026.yaml --register register/ --now 2026-03-05T11:00:00Z
  truceline agreement status --agreement agreements/tcg_framework_2016.yaml --events store --now 2016-10-01T00:00:00Z

Shown are, as far as the register knows: storage sites with what was missing or first seen and when the next visit is
due; notices that run or are to come, and what they lack for an exemption; counts against ceilings, as intervals; how
long response clocks have left; steps of schedules with their deadlines; impediments, which are less coverage and never
conduct under fire; and claims of one party about another, each as it was made. A clock runs from a breach that people
confirmed. It raises a flag and starts nothing.

Ceilings, clocks and steps need the texts: --agreement takes files and folders, each with the texts it amends. With
--events the quiet days are counted that a withdrawal waits for: day 5 of 7, and which act restarted the count last.
That no event was seen is not quiet; that the days were full is for people to declare (stage_starts of the register).

Register files: docs/agreement_files.md; every fault in one is said with its line, and nothing is used in part.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "status",
        help="what is open in a register: visits due, notices, counts against ceilings, response clocks",
        description="Read a register of what people entered and say what is open in it at one moment.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--register", nargs="+", type=Path, default=[], metavar="PATH", help="register files, or folders of them"
    )
    parser.add_argument(
        "--events", nargs="+", type=Path, default=[], metavar="PATH", help="events to count quiet days from"
    )
    parser.add_argument(
        "--line", nargs="+", type=Path, default=[], metavar="PATH", help="dated contact lines, where zones follow them"
    )
    parser.add_argument("--agreement", nargs="+", type=Path, metavar="PATH", help="texts the register is about")
    parser.add_argument("--now", metavar="ISO", help="the moment (default: the present)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines as JSON as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the status of a register."""
    import msgspec

    from truceline.assess.register_state import register_state
    from truceline.cli.agreement_input import moment_of
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable
    from truceline.report.register_status import register_status, status_text

    if not args.register and not args.events:
        raise InputUnusable("--register and --events are both missing: there is nothing to say the status of")
    now = moment_of("--now", args.now)
    register, families = _families(args)
    counted = [state for family in families for state in family.preconditions(now=now)] if args.events else []
    assessors = [family.assessor for family in families]
    rows = register_status(register_state(register, assessors, now=now, preconditions=counted))
    if args.json is not None:
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
    sys.stdout.write(status_text(rows, now=now))
    return 0


def _families(args: argparse.Namespace) -> tuple[Register, list[TextAssessor]]:
    """Read register, texts and events: texts that rest on each other go together, and have noted all events."""
    from truceline.adapters.agreement_assessor import TextAssessor
    from truceline.cli.agreement_input import AgreementInput, families_of, register_of, texts_of

    texts = texts_of(args.agreement or [])
    register = register_of(args.register, texts)
    given = AgreementInput.of(args) if args.events or args.line else None
    lines = () if given is None else given.lines
    families = [TextAssessor(some, register=register, lines=lines) for some in families_of(texts)]
    for _, piece in () if given is None else given.pieces():
        for family in families:
            family.note(piece.frame)
    return register, families
