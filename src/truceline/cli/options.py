"""What the groups of commands share: how a command is added, and how a moment is read."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any


def add_command(commands: Any, name: str, *, text: str, epilog: str) -> argparse.ArgumentParser:
    """Add one command whose help is its description's first sentence."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text.partition(".")[0].lower(),
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def moment(text: str) -> datetime:
    """Read a moment in ISO 8601 with its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in ISO 8601") from error
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone; write for example 2026-03-01T00:00:00Z")
    return found.astimezone(UTC)
