"""The command line: one file per command, each loaded when it is called for."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence

from truceline import __version__
from truceline.errors import TrucelineError

COMMAND_NAMES = (
    "demo",
    "simulate",
    "ingest",
    "run",
    "associate",
    "adherence",
    "agreement",
    "attribution",
    "report",
    "dossier",
    "log",
    "consult",
    "segments",
    "guarantees",
    "store",
)

EPILOG = """\
first steps:
  truceline demo                                    a synthetic theatre from observations to the daily report
  truceline adherence --data FOLDER --windows CSV   did the truces hold, per domain, from data you have
  truceline COMMAND --help                          what a command reads, does and writes, with examples

Truceline says *potential* violation, and with what probability; whether there was one is for people to determine.
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser with every command; commands load what they need only when they run."""
    parser = argparse.ArgumentParser(
        prog="truceline",
        description="Watches a ceasefire: from observations to a dossier that anyone can check.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"truceline {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMAND_NAMES:
        importlib.import_module(f"truceline.cli.{name}").add_parser(subparsers)
    return parser


def _stopped_by(error: OSError) -> int:
    """Say what the system refused, where anybody is left to read it; without a file it was the command's own output.

    An early end of the reader (`truceline ... | head`) is no failure worth a word.
    """
    if not isinstance(error, BrokenPipeError):
        refused = (
            f"{error.filename}: {error.strerror}" if error.filename else f"output cannot be written ({error.strerror})"
        )
        sys.stderr.write(f"truceline: {refused}\n")
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give 0 when it did its work, 1 when the world failed it, 2 when it was called wrongly."""
    try:
        args = build_parser().parse_args(argv)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except TrucelineError as error:
        sys.stderr.write(f"truceline: {error}\n")
        return 1
    except OSError as error:
        return _stopped_by(error)
    except KeyboardInterrupt:
        sys.stderr.write("truceline: stopped; what was acknowledged before is kept\n")
        return 130
