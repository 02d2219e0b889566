"""`truceline segments sign`: a sensor's detections become signed, linked segments of ten seconds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.options import add_command, moment
from truceline.cli.segments_options import key_hex

if TYPE_CHECKING:
    import pyarrow as pa

    from truceline.adapters.segments.sealing import Sealer
    from truceline.adapters.segments.signing import SignedSpan, SignerState

STATUS_NAMES = ("tamper", "seal_broken", "clock_locked", "time_authentic", "mains_power", "power_low")
STATUS_DEFAULT = ("clock_locked", "mains_power")

EPILOG = """\
example:
  truceline segments sign --key sensor.key --sensor-id A17 --detections a17.csv --gateway-key 9c...41 \\
      --state a17.state --out outbox/a17-0001.seg

what is read (Parquet or CSV, times in ISO 8601 with zone):
  detection_id, station_id, time; if known timing_sigma_s, bearing_deg, bearing_sigma_deg, amplitude_pa, phase, and
  own_time_ns, the sensor's own oscillator at that time. Rows of other stations are passed over.
what is written:
  --out      one segment for each ten seconds from the first row (or --start) to the last (or --end), empty ones too:
             they say that the sensor was there and heard nothing
  --open-out the same messages one by one with their MACs, as a sensor with a link sends them before a segment is
             closed (`truceline segments verify --open`): provisional, so what fails to be written here is in --out
  --state    sequence and link for the next call; without it the sensor could not go on counting

Without own_time_ns the receiver cannot hold GNSS time against the oscillator; it says so by never flagging a step.
"""


def add_parsers(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "sign", text="Seal a sensor's detections into signed segments.", epilog=EPILOG)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="the sensor's key")
    parser.add_argument("--sensor-id", required=True, metavar="NAME", help="the sensor: station_id of its rows")
    parser.add_argument("--detections", type=Path, required=True, metavar="FILE", help="table of detections")
    parser.add_argument("--state", type=Path, required=True, metavar="FILE", help="where the sensor's count stands")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file of segments to write (.seg)")
    parser.add_argument("--open-out", type=Path, metavar="FILE", help="file of open messages to write too (.msg)")
    parser.add_argument("--gateway-key", type=key_hex, metavar="HEX", help="the gateway's exchange_key, for the MACs")
    parser.add_argument("--beacon", type=key_hex, metavar="HEX", help="root of the newest witnessed checkpoint")
    parser.add_argument("--boot-count", type=int, default=1, metavar="N", help="restarts so far (default: 1)")
    parser.add_argument("--first-sequence", type=int, default=0, metavar="N", help="as enrolled, where no state is yet")
    parser.add_argument("--start", type=moment, metavar="TIME", help="begin here, rounded down to ten seconds")
    parser.add_argument("--end", type=moment, metavar="TIME", help="end here, rounded up to ten seconds")
    parser.add_argument(
        "--status",
        nargs="+",
        choices=STATUS_NAMES,
        default=STATUS_DEFAULT,
        metavar="WORD",
        help=f"state of health: {', '.join(STATUS_NAMES)} (default: {' '.join(STATUS_DEFAULT)})",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sign what is new and write it; the state holds it first, so that no sequence is used twice and none is lost."""
    from truceline.adapters.segments.files import read_key
    from truceline.adapters.segments.format import encode_frames
    from truceline.adapters.segments.signing import (
        SignerState,
        read_signer_state,
        settle,
        signed_span,
        write_signer_state,
    )
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable

    for path in (args.out, args.open_out):
        if path is not None and path.exists():
            raise InputUnusable(f"{path}: exists; segments are never overwritten")
    if args.open_out is not None and args.gateway_key is None:
        raise InputUnusable("--open-out: open messages rest on their MACs; give --gateway-key too")
    key = read_key(args.key)
    state = settle(args.state, read_signer_state(args.state) or SignerState(next_sequence=args.first_sequence))
    sealer = _sealer(args, key.signing, key.exchange_secret, state)
    sealed = signed_span(sealer, _table(args), _span(args, state))
    after = SignerState(
        next_sequence=sealer.next_sequence,
        previous_digest=sealer.previous_digest.hex(),
        signed_until_ns=sealed.end_ns,
        pending_path=str(args.out.resolve()),
        pending=encode_frames(sealed.contents),
    )
    write_signer_state(args.state, after)
    settle(args.state, after)
    if args.open_out is not None:
        write_bytes(args.open_out, encode_frames(sealed.open_frames))
    sys.stdout.write(f"{len(sealed.contents)} segments, next sequence {sealer.next_sequence}: {args.out}\n")
    return 0


def _sealer(args: argparse.Namespace, key: Any, exchange_secret: str, state: SignerState) -> Sealer:
    from truceline.adapters.segments.keys import shared_secret
    from truceline.adapters.segments.sealing import Sealer
    from truceline.errors import InputUnusable

    shared = None
    if args.gateway_key is not None:
        shared = shared_secret(bytes.fromhex(exchange_secret), bytes.fromhex(args.gateway_key))
        if shared is None:
            raise InputUnusable(f"--gateway-key {args.gateway_key}: is of low order")
    previous = bytes.fromhex(state.previous_digest)
    return Sealer(key, shared=shared, next_sequence=state.next_sequence, previous_digest=previous)


def _table(args: argparse.Namespace) -> pa.Table:
    from truceline.adapters.segments.signing import own_rows
    from truceline.cli.associate_run_input import read_table

    return own_rows(read_table(args.detections), args.sensor_id, path=args.detections)


def _span(args: argparse.Namespace, state: SignerState) -> SignedSpan:
    from truceline.adapters.segments.files import ns_of
    from truceline.adapters.segments.format import NO_HASH, Status
    from truceline.adapters.segments.signing import SignedSpan

    status = Status(0)
    for word in args.status:
        status |= Status[word.upper()]
    return SignedSpan(
        start_ns=None if args.start is None else ns_of(args.start),
        end_ns=None if args.end is None else ns_of(args.end),
        signed_until_ns=state.signed_until_ns,
        status=status,
        boot_count=args.boot_count,
        beacon=NO_HASH if args.beacon is None else bytes.fromhex(args.beacon),
    )
