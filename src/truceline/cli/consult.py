"""`truceline consult`: a consultation in a folder, as signed records; people decide, this keeps it in order."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

PARTS = ("case", "dossier", "hearing", "meeting", "national", "show")
"""Each is a file of its own, `consult_NAME.py`, that adds one or more commands."""


def add_parser(subparsers: Any) -> None:
    """Add the group with the commands of its parts."""
    parser = subparsers.add_parser(
        "consult",
        help="a consultation as signed records: served, asked, found, met, decided by people, reviewed",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="consult_command", metavar="COMMAND", required=True)
    for name in PARTS:
        importlib.import_module(f"truceline.cli.consult_{name}").add_parsers(commands)
