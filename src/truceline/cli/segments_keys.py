"""`truceline segments keygen` and `officer`: keys of devices and officers, and who the officers are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.options import add_command
from truceline.cli.segments_options import add_registry, key_hex

KEYGEN_EPILOG = """\
example:
  truceline segments keygen --out sensor.key

The file holds the secret of an Ed25519 key (signatures) and of an X25519 key (the MACs of each day), readable by its
owner only; what is printed is public. A sensor makes its key on the device and the key never leaves it.
"""

OFFICER_EPILOG = """\
example:
  truceline segments officer --registry registry --officer-id berg --organisation "Guarantor A" --signing-key 5f...c2

The list of officers (officers.json) is the root of trust: whoever may edit it may enrol. Keep it under version control,
and let each organisation compare it with its own copy.
"""


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    keygen = add_command(
        commands, "keygen", text="Make the keys of a sensor, a gateway or an officer.", epilog=KEYGEN_EPILOG
    )
    keygen.add_argument("--out", type=Path, required=True, metavar="FILE", help="where no file stands yet")
    keygen.set_defaults(run=run_keygen)
    officer = add_command(
        commands, "officer", text="Put an officer on the list of those who may approve.", epilog=OFFICER_EPILOG
    )
    add_registry(officer)
    officer.add_argument("--officer-id", required=True, metavar="NAME", help="the officer")
    officer.add_argument("--organisation", required=True, metavar="NAME", help="for whom the officer approves")
    officer.add_argument(
        "--signing-key", required=True, type=key_hex, metavar="HEX", help="public key, as `keygen` printed it"
    )
    officer.set_defaults(run=run_officer)


def run_keygen(args: argparse.Namespace) -> int:
    """Make a key file and print its public half."""
    import secrets

    from truceline.adapters.segments.files import KeyFile, write_key

    key = KeyFile(signing_seed=secrets.token_hex(32), exchange_secret=secrets.token_hex(32))
    write_key(args.out, key)
    sys.stdout.write(f"signing_key {key.signing.public.hex()}\nexchange_key {key.exchange_key}\n")
    sys.stdout.write(f"key_id {key.signing.key_id.hex()}\n")
    return 0


def run_officer(args: argparse.Namespace) -> int:
    """Put an officer on the list."""
    from truceline.adapters.segments.enrolment import Officer
    from truceline.adapters.segments.files import OFFICERS_NAME, add_officer
    from truceline.adapters.segments.keys import is_sound_key
    from truceline.errors import InputUnusable

    if not is_sound_key(bytes.fromhex(args.signing_key)):
        raise InputUnusable(f"--signing-key {args.signing_key}: is of low order or not canonical")
    try:
        officer = Officer(officer_id=args.officer_id, organisation=args.organisation, public_key=args.signing_key)
    except ValueError as error:
        raise InputUnusable(str(error)) from error
    add_officer(args.registry / OFFICERS_NAME, officer)
    sys.stdout.write(f"officer {officer.officer_id} of {officer.organisation} may approve\n")
    return 0
