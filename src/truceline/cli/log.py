"""`truceline log`: the log nobody can rewrite: what stands in it, proofs, witnesses, time-stamps, audit."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

PARTS = ("write", "read", "rebuild", "witness", "stamp")
"""Each is a file of its own, `log_NAME.py`, that adds one or more commands."""


def add_parser(subparsers: Any) -> None:
    """Add the group with the commands of its parts."""
    parser = subparsers.add_parser(
        "log",
        help="the evidence log: add, publish, prove, verify, audit, witness, time-stamp, erase",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="log_command", metavar="COMMAND", required=True)
    for name in PARTS:
        importlib.import_module(f"truceline.cli.log_{name}").add_parsers(commands)
