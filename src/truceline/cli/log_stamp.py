"""`truceline log stamp`: time-stamps of checkpoints by authorities outside (RFC 3161), by files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.log_options import add_log, read_input
from truceline.cli.options import add_command

EPILOG = """\
examples:
  truceline log stamp --log log --request hour.tsq
  truceline log stamp --log log --answer hour.tsr --roots authority.pem

First a request over the newest checkpoint's note is written; it is sent to the authority by whatever reaches it
(`curl -H 'Content-Type: application/timestamp-query' --data-binary @hour.tsq URL > hour.tsr`). Then the answer is
verified against the authority's root certificate, also by hand with `openssl ts -verify`, and kept with the checkpoint.
"""


def add_parsers(commands: Any) -> None:
    """Add the command with its options."""
    stamp = add_command(commands, "stamp", text="Time-stamp the newest checkpoint.", epilog=EPILOG)
    add_log(stamp)
    which = stamp.add_mutually_exclusive_group(required=True)
    which.add_argument("--request", type=Path, metavar="FILE", help="write a request here")
    which.add_argument("--answer", type=Path, metavar="FILE", help="verify and keep this answer")
    stamp.add_argument("--roots", type=Path, metavar="PEM", help="trusted root certificates, for --answer")
    stamp.add_argument("--note", type=Path, metavar="FILE", help="also write the note that is stamped")
    stamp.set_defaults(run=run_stamp)


def run_stamp(args: argparse.Namespace) -> int:
    """Write a request, or verify and keep an answer."""
    from truceline.adapters.log.service import EvidenceLog
    from truceline.adapters.log.timestamp import stamp_request
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable, StoreUnavailable

    with EvidenceLog.open(args.log) as log:
        newest = log.journal.newest_checkpoint()
        if newest is None:
            raise StoreUnavailable(f"{args.log}: nothing is published yet: `truceline log publish`")
        if args.note is not None:
            write_bytes(args.note, newest.note.encode())
        if args.request is not None:
            write_bytes(args.request, stamp_request(newest.note.encode()))
            sys.stdout.write(f"request over the checkpoint of {newest.size_count} leaves in {args.request}\n")
            return 0
        if args.roots is None:
            raise InputUnusable("--answer needs --roots, the certificates of an authority you trust")
        stamped = _keep(log, read_input(args.answer), roots_pem=read_input(args.roots))
    sys.stdout.write(f"stamped: {stamped}\n")
    return 0


def _keep(log: Any, response: bytes, *, roots_pem: bytes) -> str:
    """Find the checkpoint an answer is over, newest first, and keep it there; raise `Refused` where there is none."""
    import hashlib

    from truceline.adapters.log.refusal import Refused
    from truceline.adapters.log.timestamp import imprint_of, verify_stamp

    imprint = imprint_of(response)
    for checkpoint in reversed(list(log.journal.checkpoints())):
        message = checkpoint.note.encode()
        if hashlib.sha256(message).digest() == imprint:
            verified = verify_stamp(response, message, roots_pem=roots_pem)
            log.journal.put_stamp(checkpoint.size_count, response)
            return f"{checkpoint.size_count} leaves stood at {verified.time.isoformat()} ({verified.authority})"
    raise Refused("the time-stamp is over no checkpoint of this log")
