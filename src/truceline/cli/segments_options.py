"""Options that several commands of `truceline segments` share."""

from __future__ import annotations

import argparse
from pathlib import Path

PROCESSES_MAX_COUNT = 64
"""Most worker processes of one command."""

REGISTRY_DEFAULT = Path("truceline-registry")
"""The registry of the commands that are told none."""


def add_registry(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the registry."""
    parser.add_argument(
        "--registry", type=Path, default=REGISTRY_DEFAULT, metavar="DIR", help="the registry (default: ./%(default)s)"
    )


def key_hex(text: str) -> str:
    """Read a public key of 32 bytes in hexadecimal."""
    try:
        length = len(bytes.fromhex(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not hexadecimal") from error
    if length != 32:
        raise argparse.ArgumentTypeError(f"{text!r} has {length} bytes, not 32")
    return text.lower()


def process_count(text: str) -> int:
    """Read a number of worker processes, 1 to 64."""
    if not text.isdecimal() or not 1 <= int(text) <= PROCESSES_MAX_COUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {PROCESSES_MAX_COUNT}")
    return int(text)
