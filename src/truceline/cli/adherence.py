"""`truceline adherence`: did the truce hold, per domain, from data that others collected."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import SYNTHETIC_MARK, write_bytes

if TYPE_CHECKING:
    from truceline.adapters.agreements import WindowRow
    from truceline.model.adherence import Adherence
    from truceline.model.agreement import Theatre

REASON_LENGTH_CHARACTER_COUNT = 110

EPILOG = """\
examples:
  truceline adherence --data feeds/ --windows truces.csv
  truceline adherence --data feeds/ --agreement agreements/ --json verdicts.json --html verdicts.html
  truceline adherence --data air.parquet media.csv --agreement agreements/easter_2025.yaml

A windows file has the columns window_id, start_utc, end_utc and may have declared_by, accepted_by_other, scope and
domain; a row without a domain asks for every domain. What a text covers is known only from agreement files, so
`out_of_scope` is answered only for --agreement.

verdicts: held (at most a tenth of what same-clock windows before it held, and rarer than 1 ordinary window in 50),
reduced (significantly lower), not_held, out_of_scope, insufficient_evidence. Method: docs/method/adherence.md
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "adherence",
        help="did the truce hold, per domain, with interval and evidence",
        description="Judge truce windows per domain from claims and reports: did conduct stop, and when did it resume.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="PATH", help="files or folders of feeds")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--agreement", nargs="+", type=Path, metavar="FILE", help="agreement files, or folders of them")
    source.add_argument("--windows", type=Path, metavar="CSV", help="a table of windows")
    parser.add_argument("--theatre", default="ukraine", help="theatre that --windows belongs to (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the verdicts as a JSON list")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write them as one page that opens offline")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge every window asked for; print a table, and write JSON and HTML where asked."""
    import msgspec

    from truceline.adapters.sources.files import FeedContext, read_observations
    from truceline.errors import InputUnusable

    theatre, rows, covered_only = _asked(args)
    reading = read_observations(
        args.data,
        FeedContext(
            parties=theatre.parties,
            timezone_name=theatre.timezone_name,
            received_time=_now(),
            bounds_deg=theatre.bounds_deg,
        ),
        on_progress=_progress(),
    )
    _say_what_was_read(reading)
    if not any(file.kind in {"media_report", "party_claim"} for file in reading.files):
        raise InputUnusable(f"no usable file of reports or claims under {', '.join(map(str, args.data))}")
    if len({file.synthetic for file in reading.files}) > 1:
        raise InputUnusable("some of these files are SYNTHETIC and some are not; judge them apart")
    verdicts = _judge_all(rows, theatre, reading.observations, whole_theatre=covered_only)
    synthetic = any(file.synthetic for file in reading.files)
    sys.stdout.write(_table(verdicts, synthetic=synthetic, covers_known=covered_only))
    if args.json is not None:
        write_bytes(args.json, msgspec.json.format(msgspec.json.encode(verdicts), indent=2) + b"\n")
        sys.stderr.write(f"wrote {args.json}\n")
    if args.html is not None:
        write_bytes(args.html, _page(verdicts, rows, theatre, synthetic=synthetic, covers_known=covered_only).encode())
        sys.stderr.write(f"wrote {args.html}\n")
    return 0


def _now() -> Any:
    from truceline.adapters.clock import system_now

    return system_now()


def _progress() -> Any:
    from truceline.cli.progress import Progress

    return Progress("reading")


def _asked(args: argparse.Namespace) -> tuple[Theatre, list[WindowRow], bool]:
    """Collect the windows asked about; from agreement files every domain of the theatre is answered."""
    from truceline.adapters.agreements import WindowRow, agreement_files, load_agreement, load_theatre, load_windows
    from truceline.errors import InputUnusable

    if args.windows is not None:
        theatre = load_theatre(args.theatre)
        return theatre, load_windows(args.windows, theatre), False
    by_content = {entry.file_sha256: entry for entry in map(load_agreement, agreement_files(args.agreement))}
    loaded = [entry for entry in by_content.values() if entry.agreement.windows]
    if not loaded:
        raise InputUnusable("no agreement named has a window; truces are judged by their windows")
    if len({entry.theatre for entry in loaded}) != 1:
        names = sorted({entry.theatre.theatre_id for entry in loaded})
        raise InputUnusable(f"agreements of several theatres {names}; judge one theatre at a time")
    windows = [window for entry in loaded for window in entry.agreement.windows]
    repeated = [name for name, count in Counter(window.window_id for window in windows).items() if count > 1]
    if repeated:
        raise InputUnusable(f"window_id={repeated[0]!r} stands in several agreements; judge versions one at a time")
    return loaded[0].theatre, [WindowRow(window=w, domain_id=None, declared=True) for w in windows], True


def _judge_all(
    rows: Sequence[WindowRow], theatre: Theatre, observations: Any, *, whole_theatre: bool
) -> list[Adherence]:
    """Judge every window once, with all the domains asked of it together; answers in the order of the rows."""
    import msgspec

    from truceline.adapters.agreements import declared_windows, shipped_agreements
    from truceline.assess.adherence import DomainEvidence, judge, undefined_domain
    from truceline.assess.series import series_of

    domains = {domain.domain_id: domain for domain in theatre.domains}
    declared = [row.window for row in rows if row.declared] + declared_windows(shipped_agreements(theatre.theatre_id))
    evidence = {
        domain_id: DomainEvidence(
            series=series_of(domain, observations),
            truces=tuple(dict.fromkeys(w.span for w in declared if domain_id in w.covered_domain_ids)),
        )
        for domain_id, domain in domains.items()
    }
    families: dict[tuple[str, Any], list[WindowRow]] = {}
    for row in rows:
        families.setdefault((row.window.window_id, row.window.span), []).append(row)
    answers: dict[tuple[str, Any, str], Adherence] = {}
    for family in families.values():
        wanted = [d for d in domains.values() if any(row.domain_id in (None, d.domain_id) for row in family)]
        window = family[0].window
        if not whole_theatre:
            window = msgspec.structs.replace(window, covered_domain_ids=tuple(d.domain_id for d in wanted))
        for answer in judge(window, wanted, evidence=evidence, timezone_name=theatre.timezone_name):
            answers[window.window_id, window.span, answer.domain] = answer
    listed: list[Adherence] = []
    for row in rows:
        for domain_id in [row.domain_id] if row.domain_id else list(domains):
            found = answers.get((row.window.window_id, row.window.span, domain_id))
            listed.append(found or undefined_domain(row.window, domain_id))
    return listed


def _say_what_was_read(reading: Any) -> None:
    """Say per file what was taken and what was not, each in one short line."""
    for file in reading.files:
        counts = f"{file.accepted_count} accepted, {file.rejected_count} rejected, {file.duplicate_count} duplicate"
        sys.stderr.write(f"read {file.file_name}: {file.kind}, {counts}\n")
    for path, reason in reading.not_recognised:
        short = (
            reason if len(reason) <= REASON_LENGTH_CHARACTER_COUNT else f"{reason[:REASON_LENGTH_CHARACTER_COUNT]}..."
        )
        sys.stderr.write(f"left out {path}: {short}\n")


def _number(value: float | None, digits_count: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits_count}f}"


def _table(verdicts: Sequence[Adherence], *, synthetic: bool, covers_known: bool) -> str:
    """Lay the verdicts out as text, one line each with its reason."""
    lines = [SYNTHETIC_MARK] if synthetic else []
    if not covers_known:
        lines.append("Asked by a table of windows: every row is treated as covered; what a text covers is not known.")
    head = f"{'window':<20} {'domain':<16} {'verdict':<22} {'observed':>9} {'expected (90 %)':>24} {'percentile':>10}"
    lines += [head, "-" * len(head)]
    for entry in verdicts:
        expected = "-"
        if entry.expected_count is not None:
            low, high = _number(entry.expected_low_count), _number(entry.expected_high_count)
            expected = f"{entry.expected_count:.1f} ({low}-{high})"
        lines.append(
            f"{entry.window_id:<20} {entry.domain:<16} {entry.verdict:<22} {_number(entry.observed_count):>9} "
            f"{expected:>24} {_number(entry.placebo_percentile, 3):>10}"
        )
        resumed = f"first after or inside: {entry.resumption_utc:%Y-%m-%d %H:%M} UTC; " if entry.resumption_utc else ""
        lines.append(f"    {resumed}{entry.reason}")
    return "\n".join(lines) + "\n"


def _page(
    verdicts: Sequence[Adherence], rows: Sequence[WindowRow], theatre: Theatre, *, synthetic: bool, covers_known: bool
) -> str:
    from truceline.report.adherence_page import render_adherence

    return render_adherence(
        verdicts,
        windows=list(dict.fromkeys(row.window for row in rows)),
        theatre=theatre,
        generated_time=_now(),
        synthetic=synthetic,
        title="Did the truces hold" if covers_known else "Did it hold, had every row of the table been covered",
    )
