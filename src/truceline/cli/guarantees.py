"""`truceline guarantees`: who offered what, bound how, delivered how much, as of any day, each with its source."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

SUBCOMMAND_NAMES = ("status", "history", "match", "check", "import_kiel", "page")
"""Each is a file of its own, `guarantees_NAME.py`, with an `add_parser`, in this order."""


def add_parser(subparsers: Any) -> None:
    """Add the group with a command for each of its files."""
    parser = subparsers.add_parser(
        "guarantees",
        help="register of guarantees: five pillars per state as of any day, each answer with its source or unknown",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="guarantees_command", metavar="COMMAND", required=True)
    for name in SUBCOMMAND_NAMES:
        importlib.import_module(f"truceline.cli.guarantees_{name}").add_parser(commands)
