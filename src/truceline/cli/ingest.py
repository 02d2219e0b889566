"""`truceline ingest`: take files in, keep what they say once, and say of every file and row what became of it."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import STORE_DEFAULT

if TYPE_CHECKING:
    import pyarrow as pa

    from truceline.adapters.sources.files import FeedContext, LineDrawing, TableFile
    from truceline.adapters.stores.workspace import Workspace
    from truceline.cli.progress import Progress
    from truceline.model.observation import Rejection
    from truceline.model.source import IngestedFile

SHOWN_REASON_COUNT = 8
"""How many kinds of rejection are listed."""

STRANGE_PARTY = "is not a party of this theatre"
"""What every reason says that rejects a row because of a party."""

SHOWN_RAW_LENGTH_CHARACTER_COUNT = 160
"""How much of a rejected row is shown."""

EPILOG = """\
examples:
  truceline ingest feeds/ --store store
  truceline ingest firms.csv patrols.csv line.geojson --store store --timezone Europe/Kyiv --parties RU,UA
  truceline ingest theatre/feeds --store store --agreement theatre/agreement.yaml
  truceline ingest --store store --show-rejections 50        what was rejected so far, without taking anything in

What a file is, is told by its content and its columns, never by its name: hot pixels (FIRMS), news reports, parties'
claims, patrol reports, detections, statements (CSV or Parquet) and contact lines (GeoJSON or Parquet). A file taken in
before is recognised by its SHA-256 and changes nothing; a row had before is counted as a duplicate. A row that cannot
be used is kept with the reason. A CSV whose first line begins with `# SYNTHETIC` is marked as invented.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "ingest",
        help="take files in: observations once each, rejected rows kept with the reason",
        description="Read files of any known kind into a store; nothing is dropped without being counted and shown.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files, or folders of them")
    parser.add_argument(
        "--store",
        type=Path,
        default=STORE_DEFAULT,
        metavar="DIR",
        help="the store; made where there is none (default: ./%(default)s)",
    )
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--theatre", default="ukraine", help="gives parties and time zone (default: %(default)s)")
    whose.add_argument("--agreement", type=Path, metavar="FILE", help="an agreement whose theatre gives them instead")
    parser.add_argument("--timezone", metavar="ZONE", help="what local times mean, as in Europe/Kyiv")
    parser.add_argument("--parties", metavar="A,B", help="ids of the two parties, as in RU,UA")
    parser.add_argument(
        "--held-by", metavar="PARTY", help="whose ground a map shows that names no party (default: the first party)"
    )
    parser.add_argument(
        "--show-rejections", type=int, default=0, metavar="N", help="show the newest N rejected rows in full"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Take every file in; give 0 if anything was usable (new or had before), else 1."""
    from truceline.adapters.stores.workspace import Workspace

    if not args.paths:
        return _show_kept(args)
    feed = _feed(args)
    with Workspace.open(args.store, create=True) as store:
        intake = _Intake(store, feed)
        intake.take_all(args.paths)
        sys.stdout.write(intake.summary(args))
        if args.show_rejections:
            sys.stdout.write(_rejections_in_full(intake.rejections, args.show_rejections))
    return 0 if intake.is_useful else 1


def _show_kept(args: argparse.Namespace) -> int:
    from truceline.adapters.stores.workspace import Workspace

    if not args.show_rejections:
        sys.stderr.write("truceline ingest: give files or folders to take in, or --show-rejections N\n")
        return 2
    with Workspace.open(args.store, create=False, read_only=True) as store:
        sys.stdout.write(_rejections_in_full(store.rejections(), args.show_rejections))
    return 0


def _feed(args: argparse.Namespace) -> FeedContext:
    """Put parties, zone and the present together, the first two from the theatre where not given."""
    from truceline.adapters.agreements import load_agreement, load_theatre
    from truceline.adapters.clock import system_now
    from truceline.adapters.sources.files import FeedContext
    from truceline.errors import InputUnusable

    theatre = load_theatre(args.theatre) if args.agreement is None else load_agreement(args.agreement).theatre
    parties = theatre.parties if args.parties is None else two_parties(args.parties)
    if args.held_by is not None and args.held_by not in parties:
        raise InputUnusable(f"--held-by={args.held_by!r} is not one of the parties {', '.join(parties)}")
    return FeedContext(
        parties=parties,
        timezone_name=_sound_zone(args.timezone or theatre.timezone_name),
        received_time=system_now(),
        held_by=args.held_by,
        bounds_deg=theatre.bounds_deg if args.parties is None else None,
    )


def two_parties(text: str) -> tuple[str, str]:
    """Read two different parties from text such as `RU,UA`; raise `InputUnusable` where it names none."""
    from truceline.errors import InputUnusable

    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or "" in names or names[0] == names[1]:
        raise InputUnusable(f"--parties={text!r} does not name two different parties, as in RU,UA")
    return names[0], names[1]


def _sound_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from truceline.errors import InputUnusable

    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputUnusable(f"--timezone={name!r} is not a zone such as Europe/Kyiv") from error


class _Intake:
    """Takes files into a store one after the other, and remembers what became of each."""

    def __init__(self, store: Workspace, feed: FeedContext) -> None:
        self.rejections: list[Rejection] = []
        self.kept: list[IngestedFile] = []
        self.known_count = 0
        self.left_out: list[tuple[Path, str]] = []
        self.file_names: dict[str, str] = {}
        self.strange_names: list[str] = []
        self._store = store
        self._feed = feed
        self._is_synthetic = store.synthetic if store.ingested_files() else None

    @property
    def is_useful(self) -> bool:
        return self.known_count > 0 or any(file.accepted_count + file.duplicate_count > 0 for file in self.kept)

    def take_all(self, paths: Sequence[Path]) -> None:
        from truceline.adapters.sources.files import discover
        from truceline.cli.progress import Progress
        from truceline.errors import SourceUnavailable

        progress = Progress("reading")
        for path in discover(paths, self._leave_out):
            try:
                self._take(path, progress)
            except SourceUnavailable as error:
                progress.done()
                self._leave_out(path, str(error))

    def _leave_out(self, path: Path, reason: str) -> None:
        self.left_out.append((path, reason))
        sys.stdout.write(f"{path.name}: not taken in: {reason}\n")

    def _take(self, path: Path, progress: Progress) -> None:
        from truceline.adapters.sources.files import NotRecognised, open_table

        file = open_table(path)
        if isinstance(file, NotRecognised):
            self._leave_out(path, file.reason)
            return
        kept = self._store.ingested_file(file.file_sha256)
        if kept is not None:
            self.known_count += 1
            sys.stdout.write(f"{path.name}: had before, as {kept.file_name} at {kept.received_time:%Y-%m-%d %H:%MZ}\n")
            return
        if self._is_synthetic is not None and file.synthetic != self._is_synthetic:
            self._leave_out(path, _MIXED_REASONS[file.synthetic])
            return
        rejections: list[Rejection] = []
        record = self._append(file, rejections, progress)
        progress.done()
        if record is not None:
            self._is_synthetic = record.synthetic
            self.kept.append(record)
            self._note_rejections(file, rejections, row_count=sum(getattr(record, name) for name in _COUNT_NAMES))
            sys.stdout.write(f"{path.name}: {_counts(record)}{' [SYNTHETIC]' if record.synthetic else ''}\n")

    def _append(
        self, file: TableFile | LineDrawing, rejections: list[Rejection], progress: Progress
    ) -> IngestedFile | None:
        from truceline.adapters.sources.files import decoded_chunks, file_record, holds_lines, read_lines

        record = file_record(file, self._feed.received_time)
        if not holds_lines(file):
            tables = _tables(decoded_chunks(file, self._feed, progress), rejections)
            return self._store.append_file(record, tables, rejections)
        lines, unused = read_lines(file, self._feed)
        rejections.extend(unused)
        if not lines:
            self._leave_out_lines(file, rejections)
            return None
        return self._store.append_lines(lines, record, rejections)

    def _leave_out_lines(self, file: TableFile | LineDrawing, rejections: Sequence[Rejection]) -> None:
        """Keep why a file gives no line, once, but not the file: under a dated name or --held-by it may give one."""
        from truceline.adapters.stores.workspace import REJECTION_KIND

        if not self._store.rejections(file_sha256=file.file_sha256):
            self._store.append_records(REJECTION_KIND, rejections)
        self._note_rejections(file, rejections, row_count=len(rejections))
        self._leave_out(file.path, rejections[0].reason if rejections else "holds no contact line")

    def _note_rejections(
        self, file: TableFile | LineDrawing, rejections: Sequence[Rejection], *, row_count: int
    ) -> None:
        """Remember what was rejected of a file, and the file itself if it seems to be of another theatre."""
        self.rejections.extend(rejections)
        self.file_names[file.file_sha256] = file.path.name
        if 2 * sum(STRANGE_PARTY in rejection.reason for rejection in rejections) > row_count:
            self.strange_names.append(file.path.name)

    def summary(self, args: argparse.Namespace) -> str:
        accepted_count = sum(file.accepted_count for file in self.kept)
        duplicate_count = sum(file.duplicate_count for file in self.kept)
        lines = [
            f"{len(self.kept)} files taken in, {self.known_count} had before, {len(self.left_out)} not taken in: "
            f"{accepted_count:,} accepted, {len(self.rejections):,} rejected, {duplicate_count:,} duplicate"
        ]
        if self.rejections:
            lines.extend(_reasons(self.rejections, self.file_names))
            lines.append(f"rejected rows are kept in {args.store}; to see them:")
            lines.append(f"  truceline ingest --store {args.store} --show-rejections {len(self.rejections)}")
        if self.strange_names:
            lines.extend(_theatre_hint(self.strange_names, self._feed.parties))
        if not self.is_useful:
            lines.append("nothing usable was found; see above why")
        return "\n".join(lines) + "\n"


_MIXED_REASONS = {
    True: "is SYNTHETIC and this store holds real data: take it into a store of its own",
    False: "is real data and this store is SYNTHETIC: take it into a store of its own",
}
"""Why a file is left out that is (or is not) invented, where what the store holds is not (or is)."""

_COUNT_NAMES = ("accepted_count", "rejected_count", "duplicate_count")


def _tables(chunks: Iterator[Any], rejections: list[Rejection]) -> Iterator[pa.Table]:
    """Give the observations on, and gather the rejections meanwhile."""
    for chunk in chunks:
        rejections.extend(chunk.rejections)
        yield chunk.observations


def _counts(record: IngestedFile) -> str:
    return (
        f"{record.kind}, {record.accepted_count:,} accepted, {record.rejected_count:,} rejected, "
        f"{record.duplicate_count:,} duplicate"
    )


def _reasons(rejections: Sequence[Rejection], file_names: dict[str, str]) -> Iterator[str]:
    """Give the commonest reasons with how often each came and an example."""
    examples: dict[str, Rejection] = {}
    for rejection in rejections:
        examples.setdefault(_kind_of_reason(rejection.reason), rejection)
    counted = Counter(_kind_of_reason(rejection.reason) for rejection in rejections)
    yield "rejected because:"
    for kind, count in counted.most_common(SHOWN_REASON_COUNT):
        example = examples[kind]
        name = file_names.get(example.file_sha256, example.source_id)
        yield f"  {count:,} x {kind}; such as {name} row {example.row_index}: {example.reason}"
    if len(counted) > SHOWN_REASON_COUNT:
        yield f"  and {len(counted) - SHOWN_REASON_COUNT} more reasons"


def _theatre_hint(file_names: Sequence[str], parties: Sequence[str]) -> Iterator[str]:
    """Say what to do about files most of whose rows name parties of another theatre."""
    rest_count = len(file_names) - SHOWN_REASON_COUNT
    shown = ", ".join(file_names[:SHOWN_REASON_COUNT]) + (f" and {rest_count} more files" if rest_count > 0 else "")
    yield f"most rows of {shown} name a party other than {' and '.join(parties)}:"
    yield "  if they are of another theatre, give it with --agreement FILE or --theatre NAME, and a new --store,"
    yield "  since a file taken in before is not read again"


def _kind_of_reason(reason: str) -> str:
    """Give a reason without the value it is about, so that like goes with like."""
    return re.sub(r"^(\w+)=.*? (?=(?:is|has|with|stands|lies)\b)", r"\1 ", reason)


def _rejections_in_full(rejections: Sequence[Rejection], shown_count: int) -> str:
    lines = [
        f"{entry.source_id} {entry.file_sha256[:12]} row {entry.row_index}: {entry.reason}\n"
        f"    {entry.raw[:SHOWN_RAW_LENGTH_CHARACTER_COUNT]!r}"
        for entry in rejections[-shown_count:]
    ]
    return "\n".join(lines or ["no row was rejected"]) + "\n"
