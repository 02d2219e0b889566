"""`truceline agreement assess`: events held against texts, every finding with its clause and probability."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from truceline.adapters.agreement_events import EventPiece
    from truceline.model.register import PreconditionState

EPILOG = """\
examples:
  truceline agreement assess --agreement agreements/easter_2025.yaml --events reports.parquet --out findings.parquet
  truceline agreement assess --agreement agreements/minsk_2_2015.yaml --with agreements/minsk_addendum_2015.yaml \\
      agreements/tcg_framework_2016.yaml agreements/tcg_measures_2016_2020.yaml \\
      --events docs/examples/events/minsk_example.csv --register docs/examples/registers --out findings.csv
  truceline agreement assess --agreement agreements/energy_2025.ru.yaml agreements/energy_2025.ua.yaml \\
      --events reports.parquet --out findings.jsonl                     both parties' versions: where they differ,
                                                                        a finding is disputed

what is read (forms and columns: docs/agreement_files.md):
  --agreement  one text, or one text in its parties' versions; the texts it amends are read with it
  --with       layers on it; each holds from its own minute on, in its own time zone
  --events     event tables (.parquet, .csv), solutions of `associate run`, stores, or feeds of reports
  --line       dated contact lines, for texts whose line is that of each event's own day
  --register   what people entered: notifications, documents, dates on which steps began, counts, visits, clocks

what is written: one row per event and clause that touches it (--all: also those in keeping), with the clause and its
article, what the finding turns on, its probability and the parts it comes from, and flags. Rows of events that cannot
be used go to OUT.rejected.csv with their reason. Two counts stand side by side: signatures, as monitors count them,
and events; reports that cite each other (columns report_id, cites) count once. What people entered has findings too:
visits to storage sites, counts against ceilings, response clocks, as they are at --now. Quiet days that something waits
for are counted from the events: day 5 of 7.

A finding is compliant, exempt, a *potential* violation with a probability, or indeterminate with what is lacking.
People determine whether there was one.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "assess",
        help="hold events against texts in layers and versions; every finding with its clause",
        description="Hold events against the texts in force at their minute and write every finding.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--agreement", nargs="+", type=Path, required=True, metavar="FILE", help="a text, or its versions"
    )
    add_input_options(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="findings: a .parquet, .csv or .jsonl file"
    )
    parser.add_argument(
        "--now", metavar="ISO", help="the moment for clocks, checks due and quiet days (default: the present)"
    )
    parser.add_argument("--all", action="store_true", help="write findings of kind compliant too")
    parser.set_defaults(run=run)


def add_input_options(parser: Any) -> None:
    """Add the options on what is held against texts; `assess` and `diff` share them."""
    parser.add_argument(
        "--with", dest="layers", nargs="+", type=Path, default=[], metavar="LAYER", help="texts that are layers on it"
    )
    parser.add_argument(
        "--events", nargs="+", type=Path, required=True, metavar="PATH", help="events: tables, solutions, stores, feeds"
    )
    parser.add_argument(
        "--line",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="dated contact lines: files, or folders of them",
    )
    parser.add_argument(
        "--register", nargs="+", type=Path, default=[], metavar="PATH", help="register files, or folders of them"
    )


def run(args: argparse.Namespace) -> int:
    """Assess every event and what people entered, write the findings and print the counts."""
    from truceline.adapters.finding_files import FindingWriter, RejectedWriter
    from truceline.cli.agreement_input import AgreementInput, moment_of
    from truceline.cli.progress import Progress

    now = moment_of("--now", args.now)
    given = AgreementInput.of(args)
    assessor = given.assessor([*args.agreement, *args.layers])
    tally = Tally()
    progress = Progress("assessing")
    rejected = RejectedWriter(args.out)
    with FindingWriter(args.out) as writer:
        for path, piece in given.pieces():
            findings = assessor.findings(piece.frame)
            tally.add(piece, findings)
            writer.write(findings if args.all else findings.filter(findings["kind"] != "compliant"))
            rejected.write(piece.rejected)
            progress(path, tally.event_count)
        entered = assessor.register_findings(now=now)
        tally.add_entered(entered)
        asking = (entered["kind"] != "compliant") | entered["flags"].is_not_null()
        writer.write(entered if args.all else entered.filter(asking))
    rejected.close()
    progress.done()
    sys.stdout.write(tally.text(assessor.title, args.out, rejected_count=rejected.row_count))
    sys.stdout.write(quiet_text(assessor.preconditions(now=now)))
    return 0


def quiet_text(states: Sequence[PreconditionState]) -> str:
    """Lay out how far the quiet days have come that something waits for; nothing where nothing waits."""
    from truceline.report.register_status import SECTION_TITLES, precondition_words

    if not states:
        return ""
    lines = [SECTION_TITLES["precondition"].lower()]
    lines += [
        f"  {one.title}{f' in {one.zone_id}' if one.zone_id else ''}: {precondition_words(one)}" for one in states
    ]
    return "\n".join(lines) + "\n"


class Tally:
    """Counts what was found, by kind and by clause; events and signatures side by side."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.event_count = 0
        self.signature_count = 0.0
        self.copy_count = 0
        self.kinds: Counter[str] = Counter()
        self.clauses: Counter[tuple[str, str]] = Counter()
        self.flags: Counter[str] = Counter()
        self.lacking: Counter[str] = Counter()
        self.expected_count = 0.0
        self.touched: dict[str, list[float]] = {}
        self.disputed_count = 0

    def add(self, piece: EventPiece, findings: pl.DataFrame) -> None:
        """Count some events with the signatures in their reports, and the findings about them."""
        import polars as pl

        from truceline.assess.counts import counts_of_reports

        if piece.reports:
            counts = counts_of_reports(piece.reports)
            self.event_count += counts.event_count
            self.signature_count += counts.signature_count.low_count
            self.copy_count += counts.copy_count
        else:
            self.event_count += piece.frame.height
            self.signature_count += float(piece.frame["signature_count"].sum())
        for kind, finding_count in findings["kind"].value_counts().iter_rows():
            self.kinds[kind] += finding_count
        by_event = findings.unique(["kind", "event_id"]).group_by("kind").agg(pl.len(), pl.sum("signature_count"))
        for kind, event_count, signature_count in by_event.iter_rows():
            touched = self.touched.setdefault(kind, [0, 0.0])
            touched[0] += event_count
            touched[1] += signature_count
        self._count_details(findings)

    def add_entered(self, findings: pl.DataFrame) -> None:
        """Count the findings about what people entered; events and signatures are none of them."""
        for kind, finding_count in findings["kind"].value_counts().iter_rows():
            self.kinds[kind] += finding_count
        self._count_details(findings)

    def _count_details(self, findings: pl.DataFrame) -> None:
        import polars as pl

        self.disputed_count += int(findings["disputed"].sum())
        self.expected_count += float(findings["probability"].fill_null(0.0).sum())
        grave = findings.filter(pl.col("kind") != "compliant")
        for provision_id, kind, finding_count in grave.group_by("provision_id", "kind").len().iter_rows():
            self.clauses[provision_id or "", kind] += finding_count
        flags = findings["flags"].drop_nulls().str.split("; ").explode()
        for flag, flag_count in flags.str.split("=").list.first().value_counts().iter_rows():
            self.flags[flag or ""] += flag_count
        lacking = findings.filter(pl.col("kind") == "indeterminate")["why"]
        for why, why_count in lacking.value_counts().iter_rows():
            self.lacking[why or ""] += why_count

    def text(self, title: str, out: Path, *, rejected_count: int) -> str:
        """Lay the counts out as plain lines."""
        lines = [f"held against {title}: {self.event_count:,} events, {self.signature_count:,.0f} signatures"]
        lines.append(f"  {'kind':<22}{'findings':>10}{'events':>10}{'signatures':>12}")
        for kind, finding_count in self.kinds.most_common():
            events, signatures = self.touched.get(kind, [0, 0.0])
            lines.append(f"  {kind.replace('_', ' '):<22}{finding_count:>10,}{events:>10,}{signatures:>12,.0f}")
        lines.append(f"  sum of the probabilities of potential violations: {self.expected_count:,.1f}")
        if self.disputed_count:
            lines.append(f"  disputed between versions or readings: {self.disputed_count:,} findings")
        if self.clauses:
            lines.append("by clause")
            lines += [
                f"  {finding_count:>10,}  {kind.replace('_', ' ')}  {provision_id}"
                for (provision_id, kind), finding_count in sorted(self.clauses.items())
            ]
        for name, counted in (("flags", self.flags), ("what is lacking most", self.lacking)):
            found = [(word, count) for word, count in counted.most_common(10) if word]
            if found:
                lines += [name, *(f"  {count:>10,}  {word.replace('_', ' ')}" for word, count in found)]
        if self.copy_count:
            lines.append(f"{self.copy_count:,} reports are copies of others and add neither a signature nor an event")
        if rejected_count:
            lines.append(f"{rejected_count:,} rows could not be used; each with its reason in {out.name}.rejected.csv")
        return "\n".join(lines) + "\n"
