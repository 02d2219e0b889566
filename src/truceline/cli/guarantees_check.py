"""`truceline guarantees check`: every row of a register that cannot be used, and our own facilities near the line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.guarantees_input import add_input

if TYPE_CHECKING:
    from truceline.model.guarantee import GuaranteeRegister
    from truceline.model.guarantee_view import ExclusionFinding

EPILOG = """\
examples:
  truceline guarantees check
  truceline guarantees check --data my_register/
  truceline guarantees check --data my_register/ --line lines/ --as-of 2026-03-01 --theatre russia-ukraine

Every row that cannot be used is said with file, line and reason: an unknown state, an effect before the deed, more
delivered than allocated without a correction, an answer without a source. The other rows stand.

With --line, facilities of the guarantors are held against the distance that the agreement demands from the contact
line of that day. They are known by their administrative area only, so the distance is a band; where no text gives a
distance the answer is indeterminate. Findings of this kind are about our own. Exit status 1 if any row was rejected.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "check",
        help="every row of a register that cannot be used, with its line; facilities held against the contact line",
        description="Check register files, and facilities against the contact line of a day.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_input(parser)
    parser.add_argument("--line", nargs="+", type=Path, default=[], metavar="PATH", help="dated contact lines")
    parser.add_argument("--theatre", metavar="ID", help="theatre of the lines (default: the shipped default)")
    parser.add_argument("--rule", metavar="ID", help="exclusion rule, where the register has several")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is wrong, and how facilities lie; give 1 where a row was rejected."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.guarantees import load_guarantees

    loaded = load_guarantees(args.data, received_time=system_now())
    for entry in loaded.rejections:
        sys.stdout.write(f"{entry.reason}\n")
    used_count = sum(len(getattr(loaded.register, name)) for name in loaded.register.__struct_fields__)
    sys.stdout.write(f"{len(loaded.files)} files: {used_count} rows can be used, {len(loaded.rejections)} cannot\n")
    if loaded.register.facilities:
        for finding in _findings(args, loaded.register):
            sys.stdout.write(_words(finding) + "\n")
    return 1 if loaded.rejections else 0


def _findings(args: argparse.Namespace, register: GuaranteeRegister) -> list[ExclusionFinding]:
    from truceline.adapters.agreements import THEATRE_DEFAULT_ID, load_theatre
    from truceline.adapters.clock import system_now
    from truceline.adapters.sources.files import FeedContext
    from truceline.cli.agreement_input import lines_of
    from truceline.cli.guarantees_input import day_of
    from truceline.decide.force import exclusion_findings
    from truceline.errors import InputUnusable
    from truceline.physics.contact_line import LineHistory

    rules = [one for one in register.exclusion_rules if args.rule in {None, one.rule_id}]
    if len(rules) > 1 or (args.rule is not None and not rules):
        raise InputUnusable(f"--rule={args.rule!r}: name one of {[one.rule_id for one in register.exclusion_rules]}")
    theatre = load_theatre(args.theatre or THEATRE_DEFAULT_ID)
    feed = FeedContext(
        parties=theatre.parties,
        timezone_name=theatre.timezone_name,
        received_time=system_now(),
        bounds_deg=theatre.bounds_deg,
    )
    return exclusion_findings(
        register.facilities,
        {one.area_id: one for one in register.areas},
        LineHistory(lines_of(args.line, feed)),
        rule=rules[0] if rules else None,
        day=day_of(args),
    )


def _words(finding: ExclusionFinding) -> str:
    band = ""
    if finding.distance_low_m is not None and finding.distance_high_m is not None:
        low_km, high_km = finding.distance_low_m / 1_000.0, finding.distance_high_m / 1_000.0
        band = f"; {low_km:.0f} to {high_km:.0f} km from the line of {finding.line_date}"
    place = f"{finding.facility_id} of {finding.holder} in {finding.area_id}"
    return f"facility {place} on {finding.day}: {finding.outcome}; {finding.reason}{band}"
