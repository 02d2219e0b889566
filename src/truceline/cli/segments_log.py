"""`truceline segments log`: records of keys and gateways' windows become leaves of the transparency log."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.log_options import add_log
from truceline.cli.options import add_command

if TYPE_CHECKING:
    from truceline.adapters.log.rows import LogRecord

EPILOG = """\
examples:
  truceline segments log --log log --registry registry
  truceline segments log --log log --verified verified/day1 verified/day2
  truceline log publish --log log

what is logged, each in its canonical bytes:
  --registry   every enrolment, rotation and revocation, with its approvals; one with more approvals is a new leaf
  --verified   the windows of gateways (windows.jsonl) in folders that `truceline segments verify --gateway-id` wrote

Again changes nothing: what is logged is known by its bytes, so a call that was cut off can be given again. What is
logged is durable at once; `truceline log publish` signs and shows it, and `truceline segments prove --log` uses it.
"""


def add_parsers(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "log", text="Log records of keys and windows of gateways.", epilog=EPILOG)
    add_log(parser)
    parser.add_argument("--registry", type=Path, metavar="DIR", help="log this registry's records")
    parser.add_argument(
        "--verified", type=Path, nargs="+", default=[], metavar="DIR", help="log these folders' windows"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Log what is not logged yet."""
    from truceline.adapters.log.service import EvidenceLog
    from truceline.errors import InputUnusable

    records = [*_registry_records(args.registry), *_window_records(args.verified)]
    if not records:
        raise InputUnusable("there is nothing to log; give --registry with records, or --verified with windows")
    with EvidenceLog.open(args.log) as log:
        appended = log.journal.append(records)
    sys.stdout.write(f"{appended.new_count} records logged in {args.log}, {appended.known_count} were there already\n")
    return 0


def _registry_records(registry: Path | None) -> list[LogRecord]:
    from truceline.adapters.log.leaf import LeafKind
    from truceline.adapters.log.rows import LogRecord
    from truceline.adapters.segments.enrolment import record_leaf_bytes
    from truceline.adapters.segments.files import read_records

    if registry is None:
        return []
    return [LogRecord(record_leaf_bytes(record), "registry", kind=LeafKind.KEY) for record in read_records(registry)]


def _window_records(folders: list[Path]) -> list[LogRecord]:
    from truceline.adapters.log.leaf import LeafKind
    from truceline.adapters.log.rows import LogRecord
    from truceline.adapters.segments.window_files import WINDOWS_NAME, read_windows

    windows = [window for folder in folders for window in read_windows(folder / WINDOWS_NAME)]
    return [LogRecord(window.leaf_bytes(), "gateway", kind=LeafKind.GATEWAY_WINDOW) for window in windows]
