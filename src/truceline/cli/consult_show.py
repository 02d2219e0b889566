"""`truceline consult status`, `board`, `replay`, `sign`, `submit`: what stands, and what became of each row."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.consult_options import add_folder, hand_in, opened
from truceline.cli.options import add_command, moment

STATUS_EPILOG = """\
examples:
  truceline consult status --data case-17
  truceline consult status --data case-17 --as-of 2026-03-02T00:00:00Z --json

The same rows give the same bytes for the same moment, whenever it is asked. `!` asks for attention and decides nothing.
"""

BOARD_EPILOG = """\
example:
  truceline consult board --data case-17 --out board.html
"""

REPLAY_EPILOG = """\
example:
  truceline consult replay --data case-17

Answers 1 where a row is forged: no valid signature of whoever may do this, or bytes that are not what was written.
"""

SIGN_EPILOG = """\
example:
  truceline consult sign decision.json --key minister.key --out decision.signed.json

Shows the record before it signs, and adds a signature beside those that stand there. Needs no case:
sign where the key is.
"""

SUBMIT_EPILOG = """\
example:
  truceline consult submit decision.signed.json --data case-17
"""


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    status = add_command(commands, "status", text="Print the board as text or JSON.", epilog=STATUS_EPILOG)
    status.add_argument("--json", action="store_true", help="canonical JSON instead of text")
    board = add_command(commands, "board", text="Write the board as one HTML page.", epilog=BOARD_EPILOG)
    board.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page")
    replay = add_command(commands, "replay", text="Say of every row what became of it.", epilog=REPLAY_EPILOG)
    for parser, run in ((status, run_status), (board, run_board), (replay, run_replay)):
        add_folder(parser)
        parser.add_argument("--as-of", type=moment, metavar="TIME", help="at this moment (default: now)")
        parser.set_defaults(run=run)
    sign = add_command(commands, "sign", text="Add a signature to a record in a file.", epilog=SIGN_EPILOG)
    sign.add_argument("record", type=Path, metavar="FILE", help="as --out wrote it")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="key to sign with")
    sign.add_argument("--out", type=Path, required=True, metavar="FILE", help="the record with the signature")
    sign.set_defaults(run=run_sign)
    submit = add_command(commands, "submit", text="Hand in a signed record from a file.", epilog=SUBMIT_EPILOG)
    submit.add_argument("record", type=Path, metavar="FILE", help="the signed record")
    add_folder(submit)
    submit.set_defaults(run=run_submit)


def run_status(args: argparse.Namespace) -> int:
    """Print the board."""
    from truceline.cli.output import SYNTHETIC_MARK
    from truceline.model.quantity import canonical_bytes
    from truceline.report.board_page import board_text

    store = opened(args.data)
    try:
        board = store.board(args.as_of)
    finally:
        store.close()
    if args.json:
        sys.stdout.write(canonical_bytes(board).decode() + "\n")
        return 0
    sys.stdout.write((f"{SYNTHETIC_MARK}\n" if board.synthetic else "") + board_text(board))
    return 0


def run_board(args: argparse.Namespace) -> int:
    """Write the page."""
    from truceline import __version__
    from truceline.cli.output import write_bytes
    from truceline.report.board_page import render_board

    store = opened(args.data)
    try:
        board = store.board(args.as_of)
    finally:
        store.close()
    page = render_board(board, generated_time=board.now, code_version=__version__)
    write_bytes(args.out, page.encode())
    sys.stdout.write(f"{args.out}\n")
    return 0


def run_replay(args: argparse.Namespace) -> int:
    """Print every row with its verdict."""
    store = opened(args.data)
    try:
        rows = store.replayed(args.as_of).rows
    finally:
        store.close()
    for row in rows:
        what = "unreadable" if row.record is None else type(row.record).__name__
        said = row.reason or "; ".join(row.signers)
        sys.stdout.write(f"{row.sequence} {row.logged_time.isoformat()} {row.verdict} {what} {row.record_id} {said}\n")
    return 1 if any(row.verdict == "forged" for row in rows) else 0


def run_sign(args: argparse.Namespace) -> int:
    """Show a record, sign it, and write both."""
    import msgspec

    from truceline.adapters.office_keys import read_key
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable
    from truceline.model.decision import SignedRecord
    from truceline.model.quantity import canonical_bytes

    try:
        found = msgspec.json.decode(read_bytes(args.record), type=SignedRecord)
    except msgspec.DecodeError as error:
        raise InputUnusable(f"{args.record}: {error}") from error
    key = read_key(args.key)
    sys.stdout.write(msgspec.json.format(canonical_bytes(found.record)).decode() + "\n")
    signed = SignedRecord(record=found.record, signatures=(*found.signatures, key.sign(found.record)))
    write_bytes(args.out, canonical_bytes(signed) + b"\n")
    sys.stdout.write(f"{args.out}: {len(signed.signatures)} signatures\n")
    return 0


def run_submit(args: argparse.Namespace) -> int:
    """Hand one file in."""
    return hand_in(args.data, read_bytes(args.record))


def read_bytes(path: Path) -> bytes:
    """Read a file whole, or say that it cannot be read."""
    from truceline.errors import SourceUnavailable

    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
