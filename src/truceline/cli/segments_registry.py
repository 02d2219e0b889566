"""`truceline segments enrol`, `approve`, `rotate`, `revoke`, `status`: which keys hold, by records others approved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from truceline.cli.options import add_command, moment
from truceline.cli.segments_options import add_registry

if TYPE_CHECKING:
    from truceline.adapters.segments.enrolment import EnrolmentRecord, KeyGrant, KeyState
    from truceline.adapters.segments.files import KeyFile

BuiltT = TypeVar("BuiltT")

ENROL_EPILOG = """\
example:
  truceline segments enrol --registry registry --key sensor.key --sensor-id A17 --operator "Mission" \\
      --seal-number 004711 --valid-from 2026-03-01T00:00:00Z --valid-until 2027-03-01T00:00:00Z \\
      --timing-sigma-s 0.0001 --oscillator-rate-ratio 2.5e-6

The key holds once two officers of two organisations have approved (`truceline segments approve`).
"""

APPROVE_EPILOG = """\
example:
  truceline segments approve --registry registry --record enrolment_0a1b... --officer-id berg --key berg.key

Officers sign what is asked for, not the file; more approvals may come in any order.
"""

ROTATE_EPILOG = """\
example:
  truceline segments rotate --registry registry --key old.key --new-key new.key --sensor-id A17 \\
      --seal-number 004712 --valid-from 2026-09-01T00:00:00Z --valid-until 2027-09-01T00:00:00Z

Signed by both keys, approved like an enrolment; from --valid-from on the old key no longer holds. The sensor goes on
counting its segments and linking them.
"""

REVOKE_EPILOG = """\
example:
  truceline segments revoke --registry registry --sensor-id A17 --key-id 61f0c3a29b7d4e55 \\
      --since 2026-05-02T00:00:00Z --reason "seal found broken"

Holds once approved. Whatever ends after --since is then not believed, and neither is what reaches us after the
revocation, whatever time it claims; `truceline segments verify` over what was received says what remains.
"""

STATUS_EPILOG = """\
example:
  truceline segments status --registry registry

Lists every key with the span in which it holds, and every record that changes nothing, with the reason.
"""


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    _add_enrol(commands)
    _add_approve(commands)
    _add_rotate(commands)
    _add_revoke(commands)
    status = add_command(
        commands, "status", text="Say which keys hold, and which records lack approvals.", epilog=STATUS_EPILOG
    )
    add_registry(status)
    status.set_defaults(run=run_status)


def _add_enrol(commands: Any) -> None:
    parser = add_command(commands, "enrol", text="Ask for a sensor's first keys, signed by them.", epilog=ENROL_EPILOG)
    _add_grant(parser)
    parser.add_argument("--operator", required=True, metavar="NAME", help="who runs the sensor")
    parser.add_argument(
        "--timing-sigma-s", type=float, required=True, metavar="S", help="error of one GNSS time stamp, 1 sigma"
    )
    parser.add_argument(
        "--oscillator-rate-ratio",
        type=float,
        required=True,
        metavar="R",
        help="rate error of its own oscillator (2.5 ppm: 2.5e-6)",
    )
    parser.add_argument(
        "--first-sequence", type=int, default=0, metavar="N", help="sequence of its first segment (default: 0)"
    )
    parser.set_defaults(run=run_enrol)


def _add_grant(parser: argparse.ArgumentParser) -> None:
    add_registry(parser)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="the key that signs the request")
    parser.add_argument("--sensor-id", required=True, metavar="NAME", help="the sensor, as stations are named")
    parser.add_argument("--seal-number", required=True, metavar="TEXT", help="number of the physical seal")
    parser.add_argument("--valid-from", type=moment, required=True, metavar="TIME", help="from when the key holds")
    parser.add_argument("--valid-until", type=moment, required=True, metavar="TIME", help="until when, excluded")


def _add_approve(commands: Any) -> None:
    parser = add_command(commands, "approve", text="Sign a request as an officer.", epilog=APPROVE_EPILOG)
    add_registry(parser)
    parser.add_argument("--record", required=True, metavar="ID", help="the record's id, or how it begins")
    parser.add_argument("--officer-id", required=True, metavar="NAME", help="who approves")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="that officer's key")
    parser.set_defaults(run=run_approve)


def _add_rotate(commands: Any) -> None:
    parser = add_command(
        commands, "rotate", text="Hand a sensor over to its next keys, signed by old and new.", epilog=ROTATE_EPILOG
    )
    _add_grant(parser)
    parser.add_argument("--new-key", type=Path, required=True, metavar="FILE", help="the key that takes over")
    parser.set_defaults(run=run_rotate)


def _add_revoke(commands: Any) -> None:
    parser = add_command(
        commands, "revoke", text="Ask that a key be believed no more from a time on.", epilog=REVOKE_EPILOG
    )
    add_registry(parser)
    parser.add_argument("--sensor-id", required=True, metavar="NAME", help="the sensor")
    parser.add_argument("--key-id", required=True, metavar="HEX", help="the key's id, 16 hexadecimal digits")
    parser.add_argument("--since", type=moment, required=True, metavar="TIME", help="from when on it is not believed")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="what happened")
    parser.set_defaults(run=run_revoke)


def run_enrol(args: argparse.Namespace) -> int:
    """Write an enrolment that waits for approvals."""
    from truceline.adapters.segments.enrolment import EnrolmentRequest, ask
    from truceline.adapters.segments.files import read_key

    key = read_key(args.key)
    request = _built(
        lambda: EnrolmentRequest(
            grant=_grant(args, key),
            operator=args.operator,
            timing_sigma_s=args.timing_sigma_s,
            oscillator_rate_ratio=args.oscillator_rate_ratio,
            first_sequence=args.first_sequence,
        )
    )
    return _written(args.registry, ask(request, key.signing))


def run_rotate(args: argparse.Namespace) -> int:
    """Write a rotation that waits for approvals."""
    from truceline.adapters.segments.enrolment import rotate
    from truceline.adapters.segments.files import read_key

    old, new = read_key(args.key), read_key(args.new_key)
    grant = _built(lambda: _grant(args, new))
    return _written(args.registry, rotate(grant, old=old.signing, new=new.signing))


def run_revoke(args: argparse.Namespace) -> int:
    """Write a revocation that waits for approvals."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.segments.enrolment import Revocation, RevocationRequest

    request = _built(
        lambda: RevocationRequest(
            sensor_id=args.sensor_id,
            key_id=args.key_id.lower(),
            since=args.since,
            decided_time=system_now().replace(microsecond=0),
            reason=args.reason,
        )
    )
    return _written(args.registry, Revocation(request=request))


def run_approve(args: argparse.Namespace) -> int:
    """Add one officer's approval to a record."""
    from truceline.adapters.segments.enrolment import approve, record_id
    from truceline.adapters.segments.files import OFFICERS_NAME, read_key, read_officers, read_records
    from truceline.errors import InputUnusable

    found = [record for record in read_records(args.registry) if record_id(record).startswith(args.record)]
    if len(found) != 1:
        raise InputUnusable(f"--record {args.record}: {len(found)} records begin so in {args.registry}")
    key = read_key(args.key).signing
    officers = {entry.officer_id: entry for entry in read_officers(args.registry / OFFICERS_NAME)}
    officer = officers.get(args.officer_id)
    if officer is None or officer.public_key != key.public.hex():
        raise InputUnusable(f"--officer-id {args.officer_id}: is not on the list of officers with this key")
    return _written(args.registry, approve(found[0], officer_id=args.officer_id, key=key))


def run_status(args: argparse.Namespace) -> int:
    """Print every key and every record that changes nothing."""
    from truceline.adapters.segments.enrolment import registry_of
    from truceline.adapters.segments.files import OFFICERS_NAME, read_officers, read_records

    registry = registry_of(read_records(args.registry), read_officers(args.registry / OFFICERS_NAME))
    for state in sorted(registry.keys.values(), key=lambda entry: (entry.sensor_id, entry.valid_from_ns)):
        sys.stdout.write(f"{_key_line(state)}\n")
    for refused in registry.refused:
        sys.stdout.write(f"no effect: {refused.record_id}: {refused.reason}\n")
    sys.stdout.write(f"{len(registry.keys)} keys hold or held, {len(registry.refused)} records have no effect\n")
    return 0


def _key_line(state: KeyState) -> str:
    from datetime import timedelta

    from truceline.model.quantity import EPOCH

    start, end = (EPOCH + timedelta(microseconds=ns // 1_000) for ns in (state.valid_from_ns, state.valid_until_ns))
    line = f"{state.sensor_id} key {state.key_id.hex()} holds {start.isoformat()} to {end.isoformat()}"
    line += f", seal {state.grant.seal_number}"
    if state.revoked_since_ns is None:
        return line
    return f"{line}, revoked since {(EPOCH + timedelta(microseconds=state.revoked_since_ns // 1_000)).isoformat()}"


def _grant(args: argparse.Namespace, key: KeyFile) -> KeyGrant:
    from truceline.adapters.segments.enrolment import KeyGrant

    return KeyGrant(
        sensor_id=args.sensor_id,
        signing_key=key.signing.public.hex(),
        exchange_key=key.exchange_key,
        seal_number=args.seal_number,
        valid_from=args.valid_from,
        valid_until=args.valid_until,
    )


def _built(build: Callable[[], BuiltT]) -> BuiltT:
    """Build a record, or say which of its values is out of limits."""
    from truceline.errors import InputUnusable

    try:
        return build()
    except ValueError as error:
        raise InputUnusable(str(error)) from error


def _written(registry: Path, record: EnrolmentRecord) -> int:
    from truceline.adapters.segments.files import write_record

    path = write_record(registry, record)
    sys.stdout.write(f"{path.stem}: {len(record.approvals)} approvals\n")
    return 0
