"""`truceline attribution reports`: geolocated media reports attributed by place, day and contact line alone."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truceline.adapters.sources.attribution_reports import ReportFile
    from truceline.attribute.report_model import ReportAnswers
    from truceline.model.agreement import Theatre
    from truceline.model.reference_line import DatedLine
    from truceline.physics.contact_line import LineHistory

EPILOG = """\
examples:
  truceline attribution reports --reports reports.csv --line lines/ --out predictions.csv
  truceline attribution reports --reports reports.parquet --line line_daily.parquet --out predictions.csv \\
    --details why.csv --rejections unusable.csv

what is read:
  --reports  CSV or Parquet with rid,date,lon,lat,place_name (date YYYY-MM-DD, degrees WGS 84). No other column is
             read, so whom a report names cannot leak in; --weapon-hints adds k_artillery, k_assault, k_missile.
  --line     a file of dated contact lines or a folder of such (as `truceline ingest` reads them). For each report the
             newest line on or before its day is used, never a later one.

what is written:
  --out      rid and p_PARTY, the probability that the report tells of conduct of the theatre's first party (for
             ukraine p_ru); the other party has the rest. Empty: undetermined, or a row that cannot be used. One line
             per row, in order; rows of one rid are all kept. A row whose fields are not the header's has no line here:
             it is counted, and stands in --rejections.
  --details  why: the reason, whose ground it was, distance from the line in km, the line's day and age, how many
             settlements bear the name, and the probability that this one is meant.

how to read it:
  within 3 sigma of the line (3 km) the answer stays within .35 and .65. Points that stand for a whole region get no
  answer, nor places far from the line whose name so many settlements bear that another one is more probably meant. It
  is a statement on what such reports tell of, not a finding on conduct; docs/method/attribution_reports.md has the
  model, its figures and where it fails. Places beyond the state border must be left out beforehand: ground
  that one party does not hold counts as the other's.
"""

SHOWN_REJECTION_COUNT = 10
"""How many rows that cannot be used are listed on standard error; all of them stand in --rejections."""

SHOWN_REASON_CHARACTER_COUNT = 100
"""How much is shown of why a file in the folder of lines is passed over."""

DETAIL_NAMES = (
    "rid",
    "probability",
    "reason",
    "ground_of",
    "distance_km",
    "advance_km",
    "line_date",
    "line_age_days",
    "namesake_count",
    "meant_probability",
)

REASON_WORDS = {
    "position": "answered by position",
    "near_line": "near the line, held within .35 and .65",
    "homonym": "undetermined: another settlement of that name is more probably meant",
    "region_name": "undetermined: the name is of a region",
    "region_point": "undetermined: the point stands for a region",
    "repeated_point": "undetermined: the point is repeated as a stand-in",
    "no_line": "undetermined: no line on or before the day",
    "stale_line": "undetermined: the newest line is too old",
    "no_side": "undetermined: the line shows no ground",
}


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "reports",
        help="attribute geolocated media reports by position and dated contact line",
        description="Give the probability per party that a geolocated report tells of its conduct, from place, day and "
        "dated contact line alone, without reading whom the report names.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--reports", type=Path, required=True, metavar="FILE", help="reports as CSV or Parquet")
    parser.add_argument("--line", type=Path, required=True, metavar="PATH", help="dated contact lines: file or folder")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help="where the probabilities go")
    parser.add_argument(
        "--theatre",
        default="ukraine",
        help="gives parties, bounds, stand-in points and namesakes (default: %(default)s)",
    )
    parser.add_argument(
        "--held-by", metavar="PARTY", help="whose ground a map shows that names none (default: the first party's)"
    )
    parser.add_argument(
        "--stand-ins", type=Path, metavar="CSV", help="points that stand for regions, instead of the theatre's own"
    )
    parser.add_argument(
        "--namesakes", type=Path, metavar="CSV", help="names several settlements bear, instead of the theatre's own"
    )
    parser.add_argument("--weapon-hints", action="store_true", help="read the keyword flags of weapons as well")
    parser.add_argument("--details", type=Path, metavar="CSV", help="write the reason and distances of each answer")
    parser.add_argument("--rejections", type=Path, metavar="CSV", help="write every row that cannot be used, and why")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, attribute, write, and say what became of every row."""
    from truceline.adapters.agreements import load_theatre
    from truceline.adapters.sources.attribution_reports import (
        read_namesakes,
        read_report_file,
        read_stand_ins,
        shipped_namesakes,
        shipped_stand_ins,
    )
    from truceline.attribute.report_model import attribute_reports
    from truceline.attribute.report_settings import ReportSettings
    from truceline.cli.progress import Progress
    from truceline.physics.contact_line import LineHistory

    theatre = load_theatre(args.theatre)
    progress = Progress("reading")
    reports = read_report_file(args.reports, theatre.bounds_deg, weapon_hints=args.weapon_hints, on_progress=progress)
    stand_ins = read_stand_ins(args.stand_ins) if args.stand_ins else shipped_stand_ins(theatre.theatre_id)
    namesakes = read_namesakes(args.namesakes) if args.namesakes else shipped_namesakes(theatre.theatre_id)
    history = LineHistory(_lines(args, theatre, progress), held_by=theatre.parties[0])
    progress.done()
    answers = attribute_reports(reports.places, history, stand_ins, settings=ReportSettings(), namesakes=namesakes)
    _write(args, reports, answers, theatre=theatre)
    _say(args, reports, answers, history=history)
    return 0


def _lines(args: argparse.Namespace, theatre: Theatre, progress: Any) -> list[DatedLine]:
    """Read every line under the path; files that hold none are passed over in a folder, and refused alone."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.sources.files import (
        FeedContext,
        NotRecognised,
        discover,
        holds_lines,
        open_table,
        read_lines,
    )
    from truceline.errors import InputUnusable

    if args.held_by is not None and args.held_by not in theatre.parties:
        raise InputUnusable(f"--held-by {args.held_by} is not a party of this theatre ({', '.join(theatre.parties)})")
    feed = FeedContext(
        parties=theatre.parties,
        timezone_name=theatre.timezone_name,
        received_time=system_now(),
        held_by=args.held_by,
        bounds_deg=theatre.bounds_deg,
    )
    lines: list[DatedLine] = []
    refused: list[str] = []
    for path in discover([args.line]):
        file = open_table(path)
        if isinstance(file, NotRecognised):
            refused.append(f"{path.name}: {file.reason}")
        elif holds_lines(file):
            found, rejections = read_lines(file, feed)
            lines += found
            refused += [f"{path.name}: {rejection.reason}" for rejection in rejections]
            progress(path, len(lines))
        else:
            refused.append(f"{path.name}: holds observations and no contact line")
    if not lines:
        raise InputUnusable(f"--line {args.line} holds no contact line: {'; '.join(refused[:3]) or 'it is empty'}")
    for reason in refused[:SHOWN_REJECTION_COUNT]:
        shown = (
            reason if len(reason) <= SHOWN_REASON_CHARACTER_COUNT else f"{reason[:SHOWN_REASON_CHARACTER_COUNT]} ..."
        )
        sys.stderr.write(f"not used as a line: {shown}\n")
    return lines


def _write(args: argparse.Namespace, reports: ReportFile, answers: ReportAnswers, *, theatre: Theatre) -> None:
    """Write the answers, and what else was asked for."""
    from truceline.cli.output import write_bytes

    probabilities = ["" if value != value else f"{value:.6f}" for value in answers.first_probability.tolist()]
    rows = zip(reports.report_ids, probabilities, strict=True)
    write_bytes(args.out, _csv(("rid", f"p_{theatre.parties[0].lower()}"), rows))
    if args.details:
        details = _details(reports, answers, probabilities, parties=theatre.parties)
        write_bytes(args.details, _csv(DETAIL_NAMES, details))
    if args.rejections:
        rejected = ((row.row_index + 1, row.report_id, row.reason) for row in reports.rejections)
        write_bytes(args.rejections, _csv(("row_number", "rid", "reason"), rejected))


def _csv(names: tuple[str, ...], rows: Any) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()


def _details(reports: ReportFile, answers: ReportAnswers, probabilities: list[str], *, parties: tuple[str, str]) -> Any:
    """Give one row of reasons per report."""
    from truceline.attribute.report_model import REASONS

    located = answers.located
    reasons = [
        "unusable" if not ok else REASONS[index] for ok, index in zip(reports.usable, answers.reason, strict=True)
    ]
    columns = (
        reports.report_ids,
        probabilities,
        reasons,
        [{1: parties[0], -1: parties[1]}.get(side, "") for side in located.side.tolist()],
        [_number(value / 1e3) for value in located.distance_m.tolist()],
        [_number(value / 1e3) for value in answers.advance_m.tolist()],
        ["" if day is None else day.isoformat() for day in located.line_date.tolist()],
        [_number(value) for value in located.line_age_days.tolist()],
        answers.namesake_count.tolist(),
        [_number(value) for value in answers.meant_probability.tolist()],
    )
    return zip(*columns, strict=True)


def _number(value: float) -> str:
    return "" if value != value else f"{value:.3f}".rstrip("0").rstrip(".")


def _say(args: argparse.Namespace, reports: ReportFile, answers: ReportAnswers, *, history: LineHistory) -> None:
    """Say what became of every row, and on which lines it rests."""
    from truceline.attribute.report_model import REASONS

    for row in reports.rejections[:SHOWN_REJECTION_COUNT]:
        sys.stderr.write(f"row {row.row_index + 1} ({row.report_id or 'no rid'}) cannot be used: {row.reason}\n")
    if len(reports.rejections) > SHOWN_REJECTION_COUNT:
        rest_count = len(reports.rejections) - SHOWN_REJECTION_COUNT
        sys.stderr.write(f"and {rest_count} more rows cannot be used; --rejections FILE lists all\n")
    counts = Counter(answers.reason[reports.usable].tolist())
    unread_count = len(reports.rejections) - int((~reports.usable).sum())
    said = [
        f"{len(reports.report_ids) + unread_count:,} reports against {len(history)} dated lines, "
        f"{history.line_dates[0]} to {history.line_dates[-1]}"
    ]
    said += [f"  {counts[index]:>8,}  {REASON_WORDS[name]}" for index, name in enumerate(REASONS) if counts[index]]
    if len(reports.rejections) > unread_count:
        said.append(f"  {len(reports.rejections) - unread_count:>8,}  cannot be used; an empty line each")
    if unread_count:
        said.append(f"  {unread_count:>8,}  cannot be read as a row; no line, see --rejections")
    if reports.duplicate_count:
        said.append(f"{reports.duplicate_count:,} rows repeat a rid of an earlier row; all are kept")
    said.append(f"wrote {args.out}")
    sys.stdout.write("\n".join(said) + "\n")
