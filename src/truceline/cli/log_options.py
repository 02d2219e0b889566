"""Options that several commands of `truceline log` share."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from truceline.errors import SourceUnavailable

LOG_DEFAULT = Path("truceline-log")
"""The log of the commands that are told none."""


def add_log(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the log."""
    parser.add_argument("--log", type=Path, default=LOG_DEFAULT, metavar="DIR", help="the log (default: ./%(default)s)")


def now_s() -> int:
    """Give this machine's POSIX time in seconds."""
    return int(time.time())


def read_input(path: Path) -> bytes:
    """Read a file, or raise `SourceUnavailable`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
