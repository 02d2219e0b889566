"""`truceline segments verify`: what of the segments received holds, and which share of the data was verified."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.options import add_command, moment
from truceline.cli.segments_options import add_registry, process_count

if TYPE_CHECKING:
    from truceline.adapters.segments.receiver import Receiver

SHOWN_SENSOR_COUNT = 20
"""Sensors in the table on standard output, those with the smallest shares."""

EPILOG = """\
examples:
  truceline segments verify --registry registry --received inbox --out verified
  truceline segments verify --registry registry --received inbox/2026-03-01 --out day1 --state chains.state \\
      --beacons beacons.csv --gateway-secret gateway.key --processes 2

what is read:
  registry     enrolments, rotations, revocations and officers.json (see `truceline segments status`)
  received     .seg files; a segment counts as received when its file was last changed, or at --received-time
  --beacons    CSV with beacon (32 bytes in hexadecimal) and published_time: roots of witnessed checkpoints
what is written into OUT:
  detections/part-*.parquet   verified detections, as `truceline associate run --detections` takes them; where a
                              segment's time is doubtful, timing_sigma_s is widened and nothing is dropped
  quarantine/part-*.parquet   every segment that is not used, with its bytes as received and the reason
  wrong_messages/part-*       signed messages that are no detections
  windows.jsonl               with --gateway-id: for each ten seconds of receipt the root over all signed segments, in
                              the canonical bytes that the log takes for a leaf
  sensors.csv, summary.json   per sensor and in all: received, verified, missing, flags, state of health, gaps

Unknown, revoked or not yet valid keys, wrong signatures, tampered sensors, second segments under one sequence and
segments that continue nothing go to quarantine: kept, counted, never used. Late, early, disordered segments, gaps and
doubtful clocks are flagged. With --state sequences stay unique over calls; without it each call begins anew.
"""


def add_parsers(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands, "verify", text="Verify received segments and print which share of the data holds.", epilog=EPILOG
    )
    add_registry(parser)
    parser.add_argument("--received", type=Path, required=True, nargs="+", metavar="PATH", help="folders or .seg files")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder to write into")
    parser.add_argument("--state", type=Path, metavar="FILE", help="go on from here, and remember for the next call")
    parser.add_argument("--beacons", type=Path, metavar="FILE", help="published beacons")
    parser.add_argument("--gateway-secret", type=Path, metavar="FILE", help="the gateway's key: check the MACs too")
    parser.add_argument("--received-time", type=moment, metavar="TIME", help="when all of it was received")
    parser.add_argument("--gateway-id", metavar="NAME", help="write this gateway's windows, one Merkle root for 10 s")
    parser.add_argument("--processes", type=process_count, default=1, metavar="N", help="worker processes (default: 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify, write, put the whole folder in place, and print the table.

    The state is written last, so that a call that failed before can be given again.
    """
    import msgspec

    from truceline.adapters.segments.files import read_state, write_state
    from truceline.adapters.segments.outputs import sensors_csv, table_lines
    from truceline.adapters.segments.tally import total_of
    from truceline.adapters.stores.durable import sync_folder
    from truceline.adapters.stores.failures import store_failures
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable

    if args.out.exists():
        raise InputUnusable(f"{args.out}: exists; give a new folder")
    partial = _partial(args.out)
    receiver = _receiver(args)
    if args.state is not None and (state := read_state(args.state)) is not None:
        receiver.restore(state)
    row_count, wrong_count = _take_all(args, receiver, partial)
    sensors = receiver.sensors()
    total = total_of(sensors)
    write_bytes(partial / "sensors.csv", sensors_csv(sensors))
    gaps = {name: stretches for name, stretches in receiver.gaps().items() if stretches}
    summary = {"total": total, "detection_count": row_count, "wrong_message_count": wrong_count, "gaps": gaps}
    write_bytes(partial / "summary.json", msgspec.json.format(msgspec.json.encode(summary, order="sorted")) + b"\n")
    with store_failures(args.out, "putting in place"):
        partial.replace(args.out)
        sync_folder(args.out.resolve().parent)
    if args.state is not None:
        write_state(args.state, receiver.state())
    for line in table_lines(sensors, total, shown_count=SHOWN_SENSOR_COUNT):
        sys.stdout.write(f"{line}\n")
    share = "none" if total.verified_share is None else f"{100.0 * total.verified_share:.2f} %"
    sys.stdout.write(f"verified: {share} of {total.received_message_count} messages received, into {args.out}\n")
    return 0


def _partial(out: Path) -> Path:
    """Give the folder in which all is written until it is whole; what a call that was cut off left there is removed."""
    import shutil

    from truceline.adapters.stores.failures import store_failures

    partial = out.with_name(f".{out.name}.partial")
    with store_failures(partial, "removing what is left of an earlier call in"):
        if partial.exists():
            shutil.rmtree(partial)
    return partial


def _receiver(args: argparse.Namespace) -> Receiver:
    from truceline.adapters.segments.enrolment import registry_of
    from truceline.adapters.segments.files import OFFICERS_NAME, read_beacons, read_key, read_officers, read_records
    from truceline.adapters.segments.receiver import Receiver

    registry = registry_of(read_records(args.registry), read_officers(args.registry / OFFICERS_NAME))
    for refused in registry.refused:
        sys.stderr.write(f"no effect: {refused.record_id}: {refused.reason}\n")
    secret = None if args.gateway_secret is None else bytes.fromhex(read_key(args.gateway_secret).exchange_secret)
    beacons_ns = None if args.beacons is None else read_beacons(args.beacons)
    return Receiver(registry, beacons_ns=beacons_ns, exchange_secret=secret)


def _take_all(args: argparse.Namespace, receiver: Receiver, out: Path) -> tuple[int, int]:
    """Verify every segment in the order of receipt; give how many detections and how many wrong messages there are."""
    from truceline.adapters.segments.files import ns_of, read_segments, segment_paths
    from truceline.adapters.segments.gateway import WindowRoots
    from truceline.adapters.segments.outputs import quarantine_parts, verified_parts, wrong_parts
    from truceline.adapters.segments.verify import Quarantined
    from truceline.adapters.segments.workers import verified_by
    from truceline.cli.output import write_bytes

    received_ns = None if args.received_time is None else ns_of(args.received_time)
    segments = read_segments(segment_paths(args.received), received_ns=received_ns)
    verified = verified_parts(out / "detections")
    kept = quarantine_parts(out / "quarantine")
    wrong = wrong_parts(out / "wrong_messages")
    roots = WindowRoots(args.gateway_id or "")
    for entry, outcome in verified_by(receiver.verifier, segments, process_count=args.processes):
        judged = receiver.judge(outcome, entry.content)
        roots.add(judged)
        if isinstance(judged, Quarantined):
            kept.add([(entry, judged)])
            continue
        rows, unread = receiver.rows(judged)
        verified.add(rows)
        wrong.add(unread)
    for parts in (verified, kept, wrong):
        parts.flush()
    if args.gateway_id is not None:
        write_bytes(out / "windows.jsonl", b"".join(window.leaf_bytes() + b"\n" for window in roots.windows()))
    return verified.row_count, wrong.row_count
