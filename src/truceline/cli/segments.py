"""`truceline segments`: who may sign, what a sensor signs, and what of it holds on receipt."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

PARTS = ("keys", "registry", "sign", "verify", "prove", "log")
"""Each is a file of its own, `segments_NAME.py`, that adds one or more commands."""


def add_parser(subparsers: Any) -> None:
    """Add the group with the commands of its parts."""
    parser = subparsers.add_parser(
        "segments",
        help="signed segments of sensors: enrol, sign, verify, prove, and the share that was verified",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="segments_command", metavar="COMMAND", required=True)
    for name in PARTS:
        importlib.import_module(f"truceline.cli.segments_{name}").add_parsers(commands)
