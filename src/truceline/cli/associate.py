"""`truceline associate`: what detections of a whole network amount to, and how good that is."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from typing import Any

from truceline import cli

SUBCOMMAND_NAMES = ("run", "arrays", "evaluate")
"""Each is a file of its own, `associate_NAME.py`, with an `add_parser`; loaded as what is there, in this order."""


def add_parser(subparsers: Any) -> None:
    """Add the group with a command for each of its files."""
    parser = subparsers.add_parser(
        "associate",
        help="from a network's detections to located events, and how good they are",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="associate_command", metavar="COMMAND", required=True)
    there = {module.name for module in pkgutil.iter_modules(cli.__path__)}
    for name in SUBCOMMAND_NAMES:
        if f"associate_{name}" in there:
            importlib.import_module(f"truceline.cli.associate_{name}").add_parser(commands)
