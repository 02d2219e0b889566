"""`truceline segments verify`: what of the segments received holds, and which share of the data was verified."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.options import add_command, moment
from truceline.cli.segments_options import add_registry, process_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truceline.adapters.segments.files import ReceivedSegment
    from truceline.adapters.segments.outputs import TableParts
    from truceline.adapters.segments.receiver import Receiver
    from truceline.adapters.segments.screen import KeptApart
    from truceline.adapters.segments.tally import SensorTally
    from truceline.adapters.segments.verify import Quarantined, Signed

SHOWN_SENSOR_COUNT = 20
"""Sensors in the table on standard output, those with the smallest shares."""

EPILOG = """\
examples:
  truceline segments verify --registry registry --received inbox --out verified
  truceline segments verify --registry registry --received inbox/2026-03-01 --out day1 --state chains.state \\
      --beacons beacons.csv --gateway-secret gateway.key --processes 2
  truceline segments verify --registry registry --received inbox --out day2 --gateway-secret gateway.key \\
      --open inbox --gateway-id G1

what is read:
  registry     enrolments, rotations, revocations and officers.json (see `truceline segments status`)
  received     .seg files; a segment counts as received when its file was last changed, or at --received-time
  --open       .msg files: messages that came at once, before their segment was closed; each is checked by its MAC
               when it comes, and settled when its segment comes (in the order of the times of the files)
  --beacons    CSV with beacon (32 bytes in hexadecimal) and published_time: roots of witnessed checkpoints
what is written into OUT:
  detections/part-*.parquet   verified detections, as `truceline associate run --detections` takes them; where a
                              segment's time is doubtful, timing_sigma_s is widened and nothing is dropped
  quarantine/part-*.parquet   every segment that is not used, with its bytes as received and the reason
  wrong_messages/part-*       signed messages that are no detections
  open_messages/part-*        with --open: every open message that no signature confirmed, with bytes and reason (wrong
                              MAC, other bytes than signed, segment not yet come); the rest is in the detections
  windows.jsonl               with --gateway-id: for each ten seconds of receipt the root over all signed segments, in
                              the canonical bytes that the log takes for a leaf (`truceline segments log`)
  window_segments.parquet     with --gateway-id: which segments stand in each window (`truceline segments prove`)
  sensors.csv, summary.json   per sensor and in all: received, verified, missing, flags, state of health, gaps

Unknown, revoked or not yet valid keys, wrong signatures, tampered sensors, second segments under one sequence and
segments that continue nothing go to quarantine: kept, counted, never used. Late, early, disordered segments, gaps and
doubtful clocks are flagged. With --state sequences stay unique over calls; without it each call begins anew.

OUT and the state count together: whenever the call is cut off, either neither is there and the same call does it all,
or the next call with the same --state first puts both in place, and says so. Nothing is lost, nothing counted twice.
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
    parser.add_argument(
        "--open", type=Path, nargs="+", metavar="PATH", help="folders or .msg files: check MACs on arrival"
    )
    parser.add_argument("--received-time", type=moment, metavar="TIME", help="when all of it was received")
    parser.add_argument("--gateway-id", metavar="NAME", help="write this gateway's windows, one Merkle root for 10 s")
    parser.add_argument("--processes", type=process_count, default=1, metavar="N", help="worker processes (default: 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify, write, put folder and state in place together, and print the table."""
    from truceline.adapters.segments.outcome import lock_state
    from truceline.errors import InputUnusable

    if args.open is not None and args.gateway_secret is None:
        raise InputUnusable("--open: a MAC is checked with the gateway's key; give --gateway-secret too")
    if args.state is None:
        return _verify(args)
    lock = lock_state(args.state)
    try:
        return 0 if _settled(args) else _verify(args)
    finally:
        lock.release()


def _settled(args: argparse.Namespace) -> bool:
    """Finish what an earlier call had done when it was cut off; say whether it was this call."""
    from truceline.adapters.segments.outcome import settle

    out = settle(args.state)
    if out is None:
        return False
    sys.stdout.write(f"an earlier call was cut off when its work was done: {out} and {args.state} are in place now\n")
    if out != args.out.resolve():
        return False
    sys.stdout.write("nothing is left to do; for what was received since, give a new --out\n")
    return True


def _verify(args: argparse.Namespace) -> int:
    from truceline.adapters.segments.files import read_state
    from truceline.adapters.segments.outcome import clear_partial, finish
    from truceline.adapters.segments.outputs import table_lines
    from truceline.adapters.segments.tally import total_of
    from truceline.errors import InputUnusable

    state = None if args.state is None else read_state(args.state)
    if args.out.exists():
        is_done = state is not None and state.out == str(args.out.resolve())
        done = f"is done, and remembered in {args.state}" if is_done else "exists"
        raise InputUnusable(f"{args.out}: {done}; give a new folder (a folder is put in place only when it is whole)")
    receiver = _receiver(args)
    if state is not None:
        receiver.restore(state)
    out = args.out.resolve()
    partial = clear_partial(out)
    counted = _take_all(args, receiver, partial)
    sensors = receiver.sensors()
    total = total_of(sensors)
    counted["total"], counted["gaps"] = total, {name: found for name, found in receiver.gaps().items() if found}
    _write_counts(partial, sensors, counted)
    finish(out, args.state, receiver.state())
    for line in table_lines(sensors, total, shown_count=SHOWN_SENSOR_COUNT):
        sys.stdout.write(f"{line}\n")
    if "open_messages" in counted:
        sys.stdout.write(f"{_arrival_line(counted['open_messages'], total.verified_message_count)}\n")
    share = "none" if total.verified_share is None else f"{100.0 * total.verified_share:.2f} %"
    sys.stdout.write(f"verified: {share} of {total.received_message_count} messages received, into {args.out}\n")
    return 0


def _write_counts(folder: Path, sensors: list[SensorTally], summary: dict[str, Any]) -> None:
    import msgspec

    from truceline.adapters.segments.outputs import sensors_csv
    from truceline.cli.output import write_bytes

    write_bytes(folder / "sensors.csv", sensors_csv(sensors))
    write_bytes(folder / "summary.json", msgspec.json.format(msgspec.json.encode(summary, order="sorted")) + b"\n")


def _arrival_line(counts: dict[str, int], verified_count: int) -> str:
    """Say which share of what was verified had been checked when it came, and what of the rest was kept apart."""
    from truceline.adapters.segments.screen import Apart

    share = "none" if verified_count == 0 else f"{100.0 * counts['confirmed_used'] / verified_count:.2f} %"
    apart = ", ".join(f"{reason} {counts[reason]}" for reason in Apart if counts.get(reason)) or "none"
    passed = f"{counts.get('provisional', 0)} open messages passed by their MAC, kept apart in the end: {apart}"
    return f"verified on arrival: {share} of {verified_count} messages verified; {passed}"


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


def _take_all(args: argparse.Namespace, receiver: Receiver, out: Path) -> dict[str, Any]:
    """Verify every segment in the order of receipt; give what was counted."""
    from truceline.adapters.segments.gateway import WindowRoots
    from truceline.adapters.segments.outputs import apart_parts, quarantine_parts, verified_parts, wrong_parts
    from truceline.adapters.segments.verify import Quarantined
    from truceline.adapters.segments.window_files import write_windows

    verified, kept = verified_parts(out / "detections"), quarantine_parts(out / "quarantine")
    wrong = wrong_parts(out / "wrong_messages")
    roots = None if args.gateway_id is None else WindowRoots(args.gateway_id)
    arrivals = None if args.open is None else _Arrivals(args, receiver, apart_parts(out / "open_messages"))
    for entry, outcome in _checked(args, receiver):
        judged = receiver.judge(outcome, entry.content)
        if roots is not None:
            roots.add(judged)
        if arrivals is not None:
            arrivals.settle(entry.received_ns, outcome, is_used=not isinstance(judged, Quarantined))
        if isinstance(judged, Quarantined):
            kept.add([(entry, judged)])
            continue
        rows, unread = receiver.rows(judged)
        verified.add(rows)
        wrong.add(unread)
    for parts in (verified, kept, wrong):
        parts.flush()
    if roots is not None:
        write_windows(out, roots)
    counted: dict[str, Any] = {"detection_count": verified.row_count, "wrong_message_count": wrong.row_count}
    return counted if arrivals is None else {**counted, "open_messages": arrivals.end()}


def _checked(args: argparse.Namespace, receiver: Receiver) -> Iterator[tuple[ReceivedSegment, Signed | Quarantined]]:
    from truceline.adapters.segments.files import ns_of, read_segments, segment_paths
    from truceline.adapters.segments.workers import verified_by

    received_ns = None if args.received_time is None else ns_of(args.received_time)
    segments = read_segments(segment_paths(args.received), received_ns=received_ns)
    return verified_by(receiver.verifier, segments, process_count=args.processes)


class _Arrivals:
    """The open messages of a call, screened in their place among the segments."""

    def __init__(self, args: argparse.Namespace, receiver: Receiver, parts: TableParts[KeptApart]) -> None:
        from truceline.adapters.segments.files import MESSAGE_SUFFIX, ns_of, read_segments, segment_paths
        from truceline.adapters.segments.screen import FrameQueue, MessageScreen

        received_ns = None if args.received_time is None else ns_of(args.received_time)
        paths = segment_paths(args.open, suffix=MESSAGE_SUFFIX)
        self._queue = FrameQueue(read_segments(paths, received_ns=received_ns))
        self._screen = MessageScreen(receiver.verifier)
        self._parts = parts
        self._confirmed_used_count = 0

    def settle(self, received_ns: int, outcome: Signed | Quarantined, *, is_used: bool) -> None:
        """Screen what came up to a segment, then hold what waited for it against it."""
        from truceline.adapters.segments.verify import Signed

        self._take_until(received_ns)
        if isinstance(outcome, Signed):
            confirmed_count = self._screen.close(outcome)
            self._confirmed_used_count += confirmed_count if is_used else 0

    def end(self) -> dict[str, int]:
        """Screen the rest, wait no longer, and give the counts."""
        self._take_until(None)
        self._screen.end()
        self._parts.add(self._screen.kept_apart())
        self._parts.flush()
        return {**dict(sorted(self._screen.counts.items())), "confirmed_used": self._confirmed_used_count}

    def _take_until(self, received_ns: int | None) -> None:
        for frame in self._queue.until(received_ns):
            self._screen.take(frame)
            self._parts.add(self._screen.kept_apart())
