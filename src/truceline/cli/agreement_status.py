"""`truceline agreement status`: what is open in a register: visits due, notices, counts, clocks. Flags only."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
examples:
  truceline agreement status --register docs/examples/registers
  truceline agreement status --agreement agreements/paris_2026.yaml --register register/ --now 2026-03-05T11:00:00Z

Shown are, as far as the register knows: storage sites with what was missing or first seen and when the next visit is
due; notices that run or are to come, and what they lack for an exemption; counts against ceilings, as intervals; how
long response clocks have left; steps of schedules with their deadlines; and impediments, which are less coverage and
never conduct under fire. A clock runs from a breach that people confirmed. It raises a flag and starts nothing.

Ceilings, clocks and steps need the texts: --agreement takes files and folders, each with the texts it amends.
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
        "--register", nargs="+", type=Path, required=True, metavar="PATH", help="register files, or folders of them"
    )
    parser.add_argument("--agreement", nargs="+", type=Path, metavar="PATH", help="texts the register is about")
    parser.add_argument("--now", metavar="ISO", help="the moment (default: the present)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines as JSON as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the status of a register."""
    import msgspec

    from truceline.adapters.registers import load_register
    from truceline.cli.agreement_input import moment_of, texts_of
    from truceline.cli.output import write_bytes
    from truceline.report.register_status import register_status, status_text

    now = moment_of("--now", args.now)
    texts = texts_of(args.agreement or [])
    loaded = load_register(args.register, texts=texts)
    rows = register_status(loaded.register, texts, now=now)
    if args.json is not None:
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
    sys.stdout.write(status_text(rows, now=now))
    return 0
