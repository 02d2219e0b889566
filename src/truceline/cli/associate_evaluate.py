"""`truceline associate evaluate`: a solution held against ground truth, or against a reviewed bulletin."""

from __future__ import annotations

import argparse
import itertools
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import SYNTHETIC_MARK, write_bytes

if TYPE_CHECKING:
    import pyarrow as pa

    from truceline.testing.association_evaluation import EvaluationWish
    from truceline.testing.association_tables import Tables

PARQUET_MAGIC = b"PAR1"
SYNTHETIC_COLUMN = "synthetic"

EPILOG = """\
examples:
  truceline associate evaluate --events solution/events --members solution/members \\
    --truth ground_truth_events.parquet --truth-detections ground_truth_detections.parquet \\
    --detections feeds/detections.parquet --html agreement.html --json agreement.json
  truceline associate evaluate --events solution/events --level early --reviewed bulletin.parquet

what is told: precision, recall and F1 with intervals; errors of place and time; coverage of the 50, 90 and 95 %
regions; whether claimed probabilities hold; detections given to the right event; event types; what review would
change, as the international data centre (IDC) tells it; how soon the first solution came and what revisions did.

Tables are Parquet or CSV files, or folders of Parquet files, as `associate run` writes them. Ground truth has the
columns event_id, event_type, time, longitude_deg, latitude_deg and detected_count, its detections detection_id and
event_id (empty where nothing caused one); what is_point says has no one place (a drone, thunder) does not count. A
reviewed bulletin has the columns of a solution. A column issued_time of the solution says when a revision came out;
without it, latency is told from when its detections were received. Without --detections no latency is told, and the
span that counts is that of the reference.
Against a reviewed bulletin every one of its events counts: there is no tail and no least number of detections.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "evaluate",
        help="how far a solution agrees with ground truth or a reviewed bulletin",
        description="Hold solved events against ground truth or a reviewed bulletin: how many, how near, how honest.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_tables(parser)
    _add_rule(parser)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures as JSON")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write them as one page with a picture of each")
    parser.set_defaults(run=run)


def _add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=Path, required=True, metavar="PATH", help="the solution's events")
    parser.add_argument("--members", type=Path, metavar="PATH", help="the solution's members: which detection is whose")
    reference = parser.add_mutually_exclusive_group(required=True)
    reference.add_argument("--truth", type=Path, metavar="PATH", help="what truly happened, as `simulate` writes it")
    reference.add_argument("--reviewed", type=Path, metavar="PATH", help="events of a bulletin that people reviewed")
    parser.add_argument("--truth-detections", type=Path, metavar="PATH", help="what truly caused each detection")
    parser.add_argument("--reviewed-members", type=Path, metavar="PATH", help="members of the reviewed events")
    parser.add_argument(
        "--detections", type=Path, metavar="PATH", help="the detections: when they were and when they were received"
    )


def _add_rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--level",
        choices=("early", "hour", "six_hour"),
        help="look at the solution as it stood when this level had come out (default: newest revisions)",
    )
    numbers: tuple[tuple[str, float, str], ...] = (
        ("--distance-m", 2_000.0, "the same event lies within this distance"),
        ("--time-s", 3.0, "the same event lies within this time"),
        ("--strict-distance-m", 500.0, "the distance of the strict match"),
        ("--strict-time-s", 1.5, "the time of the strict match"),
        ("--tail-s", 75.0, "this much of the end of the recording does not count: sound is still under way"),
    )
    for option, default, meaning in numbers:
        parser.add_argument(option, type=float, default=default, metavar="X", help=f"{meaning} (default: %(default)s)")
    parser.add_argument(
        "--detected-min-count",
        type=int,
        default=5,
        metavar="N",
        help="true events with fewer recorded detections do not count (default: %(default)s)",
    )
    parser.add_argument("--start", metavar="ISO", help="start of the recording (default: from the tables)")
    parser.add_argument("--end", metavar="ISO", help="end of the recording (default: from the tables)")


def run(args: argparse.Namespace) -> int:
    """Hold the solution against its reference; print all figures, and write JSON and HTML where asked."""
    import msgspec

    from truceline.testing.association_evaluation import evaluate
    from truceline.testing.association_words import evaluation_text

    wish = _wish(args)
    tables, synthetic = _tables(args)
    evaluation, events = evaluate(tables, wish)
    sys.stdout.write((SYNTHETIC_MARK + "\n" if synthetic else "") + evaluation_text(evaluation))
    if args.json is not None:
        content = msgspec.json.format(msgspec.json.encode({"synthetic": synthetic, "evaluation": evaluation}), indent=2)
        write_bytes(args.json, content + b"\n")
        sys.stderr.write(f"wrote {args.json}\n")
    if args.html is not None:
        from truceline.adapters.clock import system_now
        from truceline.report.association_page import render_association
        from truceline.testing.association_pictures import association_page

        page = association_page(evaluation, events, generated_time=system_now(), synthetic=synthetic)
        write_bytes(args.html, render_association(page).encode())
        sys.stderr.write(f"wrote {args.html}\n")
    return 0


def _wish(args: argparse.Namespace) -> EvaluationWish:
    """Take what was asked for; say which number cannot be one."""
    from truceline.errors import InputUnusable
    from truceline.testing.association_evaluation import EvaluationWish
    from truceline.testing.event_matching import MatchGates

    if not 0.0 <= args.tail_s < 1e7 or not 0 <= args.detected_min_count <= 1_000_000:
        raise InputUnusable(
            f"--tail-s {args.tail_s:g} is outside [0, 1e7), or --detected-min-count {args.detected_min_count} "
            "outside [0, 1000000]"
        )
    try:
        return EvaluationWish(
            level=args.level,
            detected_min_count=args.detected_min_count,
            tail_s=args.tail_s,
            start_ns=_moment_ns("--start", args.start),
            end_ns=_moment_ns("--end", args.end),
            wide=MatchGates(distance_m=args.distance_m, time_s=args.time_s),
            strict=MatchGates(distance_m=args.strict_distance_m, time_s=args.strict_time_s),
        )
    except ValueError as error:
        raise InputUnusable(f"a gate of the match: {error}") from error


def _moment_ns(option: str, text: str | None) -> int | None:
    """Read a time with its zone as nanoseconds since 1970."""
    from datetime import UTC

    from truceline.errors import InputUnusable

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputUnusable(f"{option} {text}: is not a time such as 2025-04-20T19:30:00Z") from error
    if moment.tzinfo is None:
        raise InputUnusable(f"{option} {text}: has no time zone; write 2025-04-20T19:30:00Z for UTC")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def _tables(args: argparse.Namespace) -> tuple[Tables, bool]:
    """Read every table that was named, and say whether they are of a made-up theatre."""
    from truceline.errors import InputUnusable
    from truceline.testing.association_tables import Tables

    reviewed = args.reviewed is not None
    if (args.truth_detections if reviewed else args.reviewed_members) is not None:
        raise InputUnusable("--truth-detections goes with --truth, --reviewed-members with --reviewed")
    events = _read(args.events)
    reference = _read(args.reviewed if reviewed else args.truth)
    members = None if args.members is None else _read(args.members)
    causes = args.reviewed_members if reviewed else args.truth_detections
    reference_members = None if causes is None else _read(causes)
    detections = None if args.detections is None else _read(args.detections)
    tables = Tables(events, members, reference, reference_members, detections, reviewed)
    marks = [_synthetic(table) for table in tables[:-1] if table is not None]
    said = [mark for mark in marks if mark is not None]
    return tables, any(said) if said else not reviewed


def _read(path: Path) -> pa.Table:
    """Read a table: one file, or every Parquet file of a folder in order of name."""
    import pyarrow as pa

    from truceline.errors import SourceUnavailable

    if not path.is_dir():
        return _read_file(path)
    parts = sorted(path.glob("*.parquet"))
    if not parts:
        raise SourceUnavailable(f"{path} is a folder without Parquet files")
    try:
        return pa.concat_tables([_read_file(part) for part in parts])
    except pa.ArrowException as error:
        raise SourceUnavailable(f"{path}: its files have not the same columns ({error})") from error


def _read_file(path: Path) -> pa.Table:
    """Read Parquet or CSV, told apart by its first bytes; remarks before a CSV's header are passed over."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    from truceline.errors import SourceUnavailable

    try:
        with path.open("rb") as stream:
            if stream.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC:
                return parquet.ParquetFile(path).read()
            stream.seek(0)
            remark_count = sum(1 for _ in itertools.takewhile(lambda line: line.startswith(b"#"), stream))
        return csv.read_csv(path, read_options=csv.ReadOptions(skip_rows=remark_count))
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error.strerror or error}") from error
    except pa.ArrowException as error:
        raise SourceUnavailable(f"{path} is neither Parquet nor CSV: {error}") from error


def _synthetic(table: pa.Table) -> bool | None:
    """Say whether a table is marked as made up, by a column or its metadata; `None` where it does not say."""
    if SYNTHETIC_COLUMN in table.column_names:
        return any(str(value).lower() in {"true", "1"} for value in table[SYNTHETIC_COLUMN].unique().to_pylist())
    mark = (table.schema.metadata or {}).get(SYNTHETIC_COLUMN.encode())
    return None if mark is None else bool(mark.lower() == b"true")
