"""`truceline report`: one issue of the daily report, coarsened and delayed for its audience, from a store."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import STORE_DEFAULT, SYNTHETIC_MARK

if TYPE_CHECKING:
    from datetime import date, datetime

    from truceline.report import DailyReport

EPILOG = """\
examples:
  truceline report --store store --date 2025-04-20
  truceline report --store store --date 2025-04-20 --audience public --out public/
  truceline report --store store --date 2025-04-21 --adherence verdicts.json

An issue covers the time from the evening before --date to the evening of --date (19:30 unless the theatre says
otherwise), in the theatre's own time zone. The issue of a Monday covers two days, as two sub-periods; none closes on a
Sunday, so a Sunday asked for is a supplement. A day without data gives a report that says so: not observed.

audiences:
  mission   cells of 0.05 degrees or wider, no delay, settlements and attribution shown
  public    cells of 0.2 degrees or wider, 24 hours late, times to the hour, no settlements, no attribution;
            events are numbered within the issue instead of bearing their ids

what is written:
  report.html   one page with its pictures inside; opens offline, prints
  report.md     the same numbers as text
  events.csv    released events, one row each
  numbers.csv   events and signatures by day and area

Observers' and stations' positions, and exact positions of events, are in none of them.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "report",
        help="the daily report of one evening, for the mission or the public",
        description="Write one issue of the daily report from what a store holds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--store",
        type=Path,
        default=STORE_DEFAULT,
        metavar="DIR",
        help="the store that `run` filled (default: ./%(default)s)",
    )
    parser.add_argument(
        "--date",
        metavar="YYYY-MM-DD",
        help="day on whose evening the issue closes (default: the newest day with events inside a truce window, "
        "or the newest day with events)",
    )
    parser.add_argument(
        "--audience", choices=("mission", "public"), default="mission", help="for whom (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: ./report-DATE-AUDIENCE)")
    parser.add_argument(
        "--agreement", nargs="+", type=Path, metavar="FILE", help="agreement files (default: that of the last run)"
    )
    parser.add_argument(
        "--adherence", type=Path, metavar="JSON", help="verdicts to include, as `truceline adherence --json` wrote them"
    )
    parser.add_argument("--now", metavar="ISO", help="time of making, which the delay counts from (default: now)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build the issue and write its four files."""
    from truceline.adapters.stores.workspace import Workspace
    from truceline.cli.report_input import ReportWish, gather_input
    from truceline.release import policy_for
    from truceline.report import build_daily_report

    now = _moment(args.now)
    wish = ReportWish(
        issue_date=_day(args.date),
        policy=policy_for(args.audience),
        now=now,
        agreement_paths=tuple(args.agreement or ()),
        adherence_path=args.adherence,
    )
    with Workspace.open(args.store, create=False, read_only=True) as store:
        report = build_daily_report(gather_input(store, wish))
    out = args.out or Path(f"report-{report.issue.issue_date.isoformat()}-{args.audience}")
    _write(out, report)
    sys.stdout.write(_in_short(out, report))
    return 0


def _day(text: str | None) -> date | None:
    from datetime import date

    from truceline.errors import InputUnusable

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise InputUnusable(f"--date {text}: is not a day such as 2025-04-20") from error


def _moment(text: str | None) -> datetime:
    from datetime import UTC, datetime

    from truceline.adapters.clock import system_now
    from truceline.errors import InputUnusable

    if text is None:
        return system_now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputUnusable(f"--now {text}: is not a time such as 2025-04-20T19:30:00Z") from error
    if moment.tzinfo is None:
        raise InputUnusable(f"--now {text}: has no time zone; write 2025-04-20T19:30:00Z for UTC")
    return moment.astimezone(UTC)


def _write(out: Path, report: DailyReport) -> None:
    """Write the four files, each whole or not at all."""
    from truceline.cli.output import write_bytes
    from truceline.report import events_csv, numbers_csv, render_html, render_markdown

    write_bytes(out / "report.html", render_html(report).encode())
    write_bytes(out / "report.md", render_markdown(report).encode())
    write_bytes(out / "events.csv", events_csv(report).encode())
    write_bytes(out / "numbers.csv", numbers_csv(report).encode())


def _in_short(out: Path, report: DailyReport) -> str:
    """Say in a few lines what the issue holds and where it is."""
    lines = [SYNTHETIC_MARK] if report.synthetic else []
    lines += [f"{report.title}. {report.basis}."]
    lines += [f"  {line}" for line in report.summary[:3]]
    lines += [f"wrote {out / 'report.html'} (and report.md, events.csv, numbers.csv)"]
    return "\n".join(lines) + "\n"
