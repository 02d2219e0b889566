"""`truceline segments prove` and `check-proof`: one segment shown to somebody who trusts nobody here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.log_options import read_input
from truceline.cli.options import add_command
from truceline.cli.segments_options import add_registry, key_hex

if TYPE_CHECKING:
    from truceline.adapters.segments.proof import Anchor, LoggedWindow, SegmentProof
    from truceline.adapters.segments.verify import Verifier

PROVE_EPILOG = """\
examples:
  truceline segments prove --registry registry --verified day1 --received inbox --sensor-id A17 --sequence 4711 \\
      --log log --out a17-4711.proof
  truceline segments prove --registry registry --verified day1 --received inbox --sensor-id A17 \\
      --detection-id A17/4711/0 --out a17-4711.proof

what is read:
  --verified   a folder that `truceline segments verify --gateway-id` wrote: its windows and their segments
  --received   the .seg files that were verified there; the segment's exact bytes are taken from them
  --log        the log in which the window was logged (`truceline segments log`) and published; without it the proof
               shows only what the gateway said, to whoever has its records from elsewhere
what is written: one file of some kilobytes, all that `truceline segments check-proof` needs beside a reader's own keys.

The segment's other messages are in it too, since the signature covers them all.
"""
CHECK_EPILOG = """\
examples:
  truceline segments check-proof --proof a17-4711.proof --registry registry --policy my.policy
  truceline segments check-proof --proof a17-4711.proof --registry registry --windows windows.jsonl

Works offline and takes nothing on trust but what you bring: the registry with its officers.json (whose keys hold), and
your own trust policy (which log and witnesses you believe) or your own copy of the gateway's records. Prints what each
part shows: the segment's place in the gateway's window, the window in the log and by when, the sensor's signature.
Answers 0 where all holds and 1 where anything does not. It shows which device said this, and by when; not that what the
device heard was real.
"""


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    prove = add_command(
        commands, "prove", text="Prove that a gateway received a segment, by when.", epilog=PROVE_EPILOG
    )
    add_registry(prove)
    prove.add_argument("--verified", type=Path, required=True, metavar="DIR", help="what `verify --gateway-id` wrote")
    prove.add_argument("--received", type=Path, required=True, nargs="+", metavar="PATH", help="folders or .seg files")
    prove.add_argument("--sensor-id", required=True, metavar="NAME", help="the sensor")
    which = prove.add_mutually_exclusive_group(required=True)
    which.add_argument("--sequence", type=_sequence, metavar="N", help="the segment with this sequence")
    which.add_argument("--detection-id", metavar="ID", help="the segment with this detection")
    which.add_argument("--digest", type=key_hex, metavar="HEX", help="the segment with this digest")
    prove.add_argument("--log", type=Path, metavar="DIR", help="lead the proof into this log")
    prove.add_argument("--out", type=Path, required=True, metavar="FILE", help="the proof to write")
    prove.set_defaults(run=run_prove)
    check = add_command(commands, "check-proof", text="Check a segment's proof, offline.", epilog=CHECK_EPILOG)
    check.add_argument("--proof", type=Path, required=True, metavar="FILE", help="a file that `prove` wrote")
    add_registry(check)
    anchor = check.add_mutually_exclusive_group(required=True)
    anchor.add_argument("--policy", type=Path, metavar="FILE", help="your own trust policy: hold it against the log")
    anchor.add_argument("--windows", type=Path, metavar="FILE", help="your own copy of the gateway's records")
    check.set_defaults(run=run_check)


def _sequence(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no sequence, a whole number from 0 on")
    return int(text)


def run_prove(args: argparse.Namespace) -> int:
    """Write the proof of one segment."""
    from truceline.adapters.segments.files import read_segments, segment_paths
    from truceline.adapters.segments.proof import Wanted, find_segment, prove
    from truceline.adapters.segments.window_files import MEMBERS_NAME, WINDOWS_NAME, read_members, read_windows
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable

    verifier, key_ids = _verifier(args.registry, args.sensor_id)
    digest = None if args.digest is None else bytes.fromhex(args.digest)
    wanted = Wanted(key_ids, args.sequence, digest, args.detection_id)
    windows = read_windows(args.verified / WINDOWS_NAME)
    members = read_members(args.verified / MEMBERS_NAME)
    try:
        proof = prove(find_segment(read_segments(segment_paths(args.received)), wanted, verifier), windows, members)
    except InputUnusable as error:
        raise InputUnusable(f"{args.verified}, sensor {args.sensor_id}: {error}") from error
    if args.log is not None:
        proof = _led_into(proof, args.log)
    write_bytes(args.out, proof.file_bytes())
    window = proof.window
    sys.stdout.write(
        f"segment {proof.leaf_index + 1} of {window.segment_count} in a window of {window.gateway_id}: {args.out}\n"
    )
    return 0


def _led_into(proof: SegmentProof, log_path: Path) -> SegmentProof:
    import msgspec

    from truceline.adapters.log.service import EvidenceLog
    from truceline.errors import InputUnusable

    with EvidenceLog.open(log_path, read_only=True) as log:
        found = log.find(proof.window.leaf_bytes())
    if found is None or found.sealed.salt is None:
        raise InputUnusable(f"{log_path}: has not this window (or it was erased); log it with `truceline segments log`")
    return msgspec.structs.replace(proof, logged=_logged(found.sealed.leaf, found.sealed.salt, found.proof.format()))


def _logged(leaf: bytes, salt: bytes, proof: str) -> LoggedWindow:
    from truceline.adapters.segments.proof import LoggedWindow

    return LoggedWindow(leaf=leaf, salt=salt, proof=proof)


def run_check(args: argparse.Namespace) -> int:
    """Print what each part of a proof shows; give 0 where all holds and 1 where not."""
    from truceline.adapters.log.refusal import Refused
    from truceline.adapters.segments.proof import check_proof, parse_segment_proof

    verifier, _ = _verifier(args.registry, None)
    anchor = _anchor(args)
    try:
        proof = parse_segment_proof(read_input(args.proof))
    except Refused as refused:
        sys.stdout.write(f"refused: {args.proof}: {refused}\n")
        return 1
    held = check_proof(proof, verifier, anchor)
    for part in held:
        sys.stdout.write(f"{part.subject}: {'holds' if part.holds else 'refused'}: {part.words}\n")
    is_sound = all(part.holds for part in held)
    sys.stdout.write(f"{'holds' if is_sound else 'does not hold'}: {args.proof}\n")
    return 0 if is_sound else 1


def _anchor(args: argparse.Namespace) -> Anchor:
    from truceline.adapters.log.policy import Policy
    from truceline.adapters.segments.window_files import read_windows

    if args.policy is not None:
        return Policy.parse(read_input(args.policy))
    return {window.leaf_bytes() for window in read_windows(args.windows)}


def _verifier(registry_path: Path, sensor_id: str | None) -> tuple[Verifier, frozenset[bytes]]:
    """Give what checks signatures by a registry, and the ids of the keys of one sensor."""
    from truceline.adapters.segments.enrolment import registry_of
    from truceline.adapters.segments.files import OFFICERS_NAME, read_officers, read_records
    from truceline.adapters.segments.verify import Verifier
    from truceline.errors import InputUnusable

    registry = registry_of(read_records(registry_path), read_officers(registry_path / OFFICERS_NAME))
    for refused in registry.refused:
        sys.stderr.write(f"no effect: {refused.record_id}: {refused.reason}\n")
    key_ids = frozenset(key_id for key_id, state in registry.keys.items() if state.sensor_id == sensor_id)
    if sensor_id is not None and not key_ids:
        raise InputUnusable(f"--sensor-id {sensor_id}: no key of it was ever enrolled in {registry_path}")
    return Verifier(registry.keys), key_ids
