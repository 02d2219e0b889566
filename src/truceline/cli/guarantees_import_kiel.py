"""`truceline guarantees import-kiel`: a release of the Ukraine Support Tracker as rows of the register."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from truceline.cli.guarantees_input import add_input

EPILOG = """\
examples:
  truceline guarantees import-kiel Ukraine_Support_Tracker_Release_28.xlsx --released 2026-04-14
  truceline guarantees import-kiel tracker.xlsx --released 2026-04-14 --out register/support_kiel.csv

The file is read by a declared contract: sheets, rows of the column names, and columns. A release in which one of them
changed is refused, with what is missing, and nothing of it is used. Allocations are the sum of redistributed
sub-activities with the measure Allocation; commitments the sum of activities over all rows. Rows without a month count
in totals and in no year. Support through the European Union is a donor of its own and is not added to its members.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "import-kiel",
        help="read a release of the Ukraine Support Tracker (xlsx) by a declared contract and add it up per donor",
        description="Read a release of the Kiel Institute's Ukraine Support Tracker.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="XLSX", help="the release as downloaded")
    parser.add_argument("--released", required=True, metavar="DATE", help="day of the release, such as 2026-04-14")
    add_input(parser, with_day=False)
    parser.add_argument("--out", type=Path, metavar="CSV", help="write a support table for the register")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write totals and rejections as JSON as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, add up, print, and write what was asked for; give 1 where a row was rejected."""
    from datetime import date

    import msgspec

    from truceline.adapters.clock import system_now
    from truceline.adapters.kiel_tracker import kiel_totals, read_kiel
    from truceline.cli.guarantees_input import loaded_of
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable

    try:
        released = date.fromisoformat(args.released).isoformat()
    except ValueError as error:
        raise InputUnusable(f"--released={args.released!r} is not a date such as 2026-04-14") from error
    found = read_kiel(args.file, received_time=system_now())
    totals = kiel_totals(found.rows)
    states = loaded_of(args).register.states
    codes = {name: state.code for state in states for name in (state.name, *state.other_names)}
    sys.stdout.write(
        f"{found.file_name}: {len(found.rows)} rows, {len(found.rejections)} rejected, {found.blank_row_count} blank, "
        f"{found.without_month_count} without month, {found.trimmed_cell_count} cells with blanks at an end\n"
    )
    for entry in found.rejections:
        sys.stdout.write(f"rejected: {entry.reason}\n")
    for total in totals:
        code = codes.get(total.donor, "not in the table of states: not written")
        sys.stdout.write(
            f"{total.donor} ({code}): allocated {total.allocation_eur:,.0f} EUR, committed "
            f"{total.commitment_eur:,.0f} EUR, delivered as far as recorded {total.delivered_eur:,.0f} EUR\n"
        )
    if args.json is not None:
        body = {"file_sha256": found.file_sha256, "totals": totals, "rejections": found.rejections}
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")
    if args.out is not None:
        write_bytes(args.out, _table(totals, codes, released))
    return 1 if found.rejections else 0


def _table(totals: Any, codes: dict[str, str], released: str) -> bytes:
    """Give the support table as CSV."""
    from truceline.adapters.kiel_tracker import SUPPORT_COLUMNS, support_rows

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=SUPPORT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(support_rows(totals, codes, release_date=released))
    return text.getvalue().encode()
