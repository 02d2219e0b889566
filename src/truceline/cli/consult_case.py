"""`truceline consult open`, `key-new`, `key-register`, `key-revoke`: how a case begins, and whose signatures count."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.consult_options import Entering, add_entering, add_folder
from truceline.cli.options import add_command, moment

OPEN_EPILOG = """\
example:
  truceline consult open --data case-17 --founding founding.json

The founding is JSON: case_id, title, party, guarantors [{guarantor, title, needs_mandate}], commission_members,
officers [{name, organisation, public_key}] (at least two, of two organisations), founded_time, synthetic. It is the
root of trust: its hash is printed, and whoever relies on the case keeps that hash elsewhere. The database needs none.
"""

KEY_EPILOG = """\
examples:
  truceline consult key new --out minister.key              the secret, for its owner only (mode 0600)
  truceline consult key register --public-key 5f...c2 --holder "A. Minister" --office "minister of defence" \\
      --role office --organisation QM --since 2026-03-01T00:00:00Z --key officer1.key --key officer2.key
"""


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    parser = add_command(
        commands, "open", text="Open a case: a folder with its founding and an empty journal.", epilog=OPEN_EPILOG
    )
    add_folder(parser)
    parser.add_argument("--founding", type=Path, required=True, metavar="FILE", help="the founding, JSON")
    parser.set_defaults(run=run_open)
    group = commands.add_parser("key", help="keys of office-holders", epilog=KEY_EPILOG)
    keys = group.add_subparsers(dest="key_command", metavar="COMMAND", required=True)
    new = add_command(
        keys,
        "new",
        text="Make a key and print its public half. The secret stays with its owner: no case ever holds it.",
        epilog="example:\n  truceline consult key new --out minister.key\n",
    )
    new.add_argument("--out", type=Path, required=True, metavar="FILE", help="where no file stands yet; mode 0600")
    new.set_defaults(run=run_new)
    for entering in ENTERINGS:
        add_entering(keys, entering)


def run_open(args: argparse.Namespace) -> int:
    """Make the folder of a case."""
    from truceline.adapters.consultations import founding_sha256, open_case, read_founding

    founding = read_founding(args.founding)
    open_case(args.data, founding)
    sys.stdout.write(f"{args.data}: case {founding.case_id} is open\nfounding_sha256 {founding_sha256(founding)}\n")
    return 0


def run_new(args: argparse.Namespace) -> int:
    """Make a key file and print its public half."""
    from truceline.adapters.office_keys import new_key

    key = new_key()
    key.write(args.out)
    sys.stdout.write(f"public_key {key.public_key}\nkey_id {key.key_id}\n")
    return 0


def _grant(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import KeyGrant, key_id_of

    return KeyGrant(
        **base,
        key_id=key_id_of(args.public_key),
        public_key=args.public_key,
        holder=args.holder,
        office=args.office,
        role=args.role,
        organisation=args.organisation,
        since=args.since,
    )


def _revocation(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import KeyRevocation

    return KeyRevocation(**base, key_id=args.key_id, since=args.since, reason=args.reason)


ROLES = ("reviewers", "party", "commission", "secretariat", "liaison", "parliament", "office")
SINCE = ("--since", {"type": moment, "required": True, "metavar": "TIME", "help": "since when, ISO 8601 with zone"})
ENTERINGS = (
    Entering(
        "register",
        "Register a public key for a named person in an office. Two officers of two organisations sign.",
        'truceline consult key register --public-key 5f...c2 --holder "A. Minister" --office "minister of defence" '
        "--role office --organisation QM --since 2026-03-01T00:00:00Z --key one.key --key two.key",
        (
            ("--public-key", {"required": True, "metavar": "HEX", "help": "as `key new` printed it"}),
            ("--holder", {"required": True, "metavar": "NAME", "help": "the person"}),
            ("--office", {"required": True, "metavar": "TEXT", "help": "the person's office"}),
            ("--role", {"required": True, "choices": ROLES, "help": "what the key may sign"}),
            ("--organisation", {"required": True, "metavar": "NAME", "help": "for whom; a guarantor by its code"}),
            SINCE,
        ),
        _grant,
    ),
    Entering(
        "revoke",
        "Revoke a key since a time. Whatever it signed since is void, and nothing of it is taken any more.",
        "truceline consult key revoke --key-id 61f0c3a29b7d4e55 --since 2026-05-02T00:00:00Z --reason stolen "
        "--key one.key --key two.key",
        (
            ("--key-id", {"required": True, "metavar": "ID", "help": "the key"}),
            SINCE,
            ("--reason", {"required": True, "metavar": "TEXT", "help": "why"}),
        ),
        _revocation,
    ),
)
