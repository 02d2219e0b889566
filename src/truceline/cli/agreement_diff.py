"""`truceline agreement diff`: which findings change between two texts, and which clause makes each change."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.agreement_assess import add_input_options

if TYPE_CHECKING:
    import polars as pl

    from truceline.report.agreement_diff import Diff

CHANGES_MAX_COUNT = 1_000_000
"""Most changes that are kept; what goes beyond is counted and said."""

EPILOG = """\
examples:
  truceline agreement diff agreements/minsk_2_2015.yaml agreements/minsk_addendum_2015.yaml \\
      --events docs/examples/events/minsk_example.csv --html changes.html     what an amendment changes
  truceline agreement diff agreements/energy_2025.ru.yaml agreements/energy_2025.ua.yaml \\
      --events reports.parquet --out changes.csv                              the other party's version of one text
  truceline agreement diff mine.yaml draft.yaml --with layer.yaml --events month.parquet --line lines/

Both texts are held against the same events, each with the texts it amends, and --with layers on both. A finding changes
if its kind does, or its probability by half a hundredth or more; that a clause is missing and that an event is in
keeping with it are alike. Each change names the clause that makes it, in which text it stands, and what of it differs:
added, left out, changed (which parts), or what it rests on (zones, terms, stages, exceptions). Counts by clause come
first. Where one text is held in one party's version and the other in the other's, these are compared.

Findings are *potential* violations; people determine whether there was one. Forms of files: docs/agreement_files.md
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "diff",
        help="list the findings that change between two texts, each with its clause",
        description="Hold two texts against the same events and list every finding that changes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, metavar="A", help="the text that findings are compared from")
    parser.add_argument("after", type=Path, metavar="B", help="the text, amendment or version they are compared with")
    add_input_options(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every change: a .parquet or .csv file")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that can be read anywhere")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare two texts over the same events and print what changes."""
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable
    from truceline.report.agreement_diff import diff_page, diff_text

    if args.out is not None and args.out.suffix not in {".parquet", ".csv"}:
        raise InputUnusable(f"--out {args.out}: does not end in .parquet, .csv")
    diff, rejected_count = _diff(args)
    if args.out is not None:
        write_bytes(args.out, _table_bytes(diff.changes, args.out))
    if args.html is not None:
        write_bytes(args.html, diff_page(diff).encode())
    sys.stdout.write(diff_text(diff))
    if rejected_count:
        sys.stdout.write(f"{rejected_count:,} rows of events could not be used; `agreement assess` says why\n")
    return 0


def _diff(args: argparse.Namespace) -> tuple[Diff, int]:
    import polars as pl

    from truceline.adapters.agreement_assessor import TextComparer
    from truceline.adapters.change_frames import CHANGE_SCHEMA
    from truceline.cli.agreement_input import AgreementInput
    from truceline.cli.progress import Progress
    from truceline.report.agreement_diff import Diff, DiffCounts, steps_of

    given = AgreementInput.of(args)
    before, after = (given.assessor([path, *args.layers]) for path in (args.before, args.after))
    comparer = TextComparer(before, after)
    kept: list[pl.DataFrame] = [pl.DataFrame(schema=CHANGE_SCHEMA)]
    event_count = changed_event_count = change_count = rejected_count = 0
    progress = Progress("comparing")
    for path, piece in given.pieces():
        changes = comparer.changes(piece.frame)
        event_count += piece.frame.height
        changed_event_count += changes["event_id"].n_unique()
        rejected_count += len(piece.rejected)
        kept.append(changes.head(max(0, CHANGES_MAX_COUNT - change_count)))
        change_count += changes.height
        progress(path, event_count)
    progress.done()
    whole = pl.concat(kept)
    counts = DiffCounts(event_count, changed_event_count, change_count)
    return Diff((before.title, after.title), counts, steps_of(whole), whole), rejected_count


def _table_bytes(changes: pl.DataFrame, path: Path) -> bytes:
    import io

    stream = io.BytesIO()
    if path.suffix == ".parquet":
        changes.write_parquet(stream)
    else:
        changes.write_csv(stream)
    return stream.getvalue()
