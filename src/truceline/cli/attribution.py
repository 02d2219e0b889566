"""`truceline attribution`: whose conduct something probably was, on open data, and how good such answers are."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from typing import Any

from truceline import cli

SUBCOMMAND_NAMES = ("reports", "evaluate")
"""Each is a file of its own, `attribution_NAME.py`, with an `add_parser`; loaded as what is there, in this order."""


def add_parser(subparsers: Any) -> None:
    """Add the group with a command for each of its files."""
    parser = subparsers.add_parser(
        "attribution",
        help="whose conduct reports probably tell of, by place and contact line alone",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="attribution_command", metavar="COMMAND", required=True)
    there = {module.name for module in pkgutil.iter_modules(cli.__path__)}
    for name in SUBCOMMAND_NAMES:
        if f"attribution_{name}" in there:
            importlib.import_module(f"truceline.cli.attribution_{name}").add_parser(commands)
