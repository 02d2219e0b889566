"""`truceline agreement`: texts as data: is one sound, what does it say, and in which form is it written."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from typing import Any

from truceline import cli

SUBCOMMAND_NAMES = ("check", "show", "schema", "assess", "diff", "status")
"""Each is a file of its own, `agreement_NAME.py`, with an `add_parser`; loaded as what is there, in this order."""


def add_parser(subparsers: Any) -> None:
    """Add the group with a command for each of its files."""
    parser = subparsers.add_parser(
        "agreement",
        help="ceasefire texts as data: check one, read it clause by clause, see the form it is written in",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="agreement_command", metavar="COMMAND", required=True)
    there = {module.name for module in pkgutil.iter_modules(cli.__path__)}
    for name in SUBCOMMAND_NAMES:
        if f"agreement_{name}" in there:
            importlib.import_module(f"truceline.cli.agreement_{name}").add_parser(commands)
