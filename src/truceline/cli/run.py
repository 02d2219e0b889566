"""`truceline run`: what was taken in becomes events, findings, attributions and dossiers, from where it stopped."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import STORE_DEFAULT, SYNTHETIC_MARK

if TYPE_CHECKING:
    from datetime import datetime

    from truceline.adapters.stores.workspace import Workspace
    from truceline.cli.progress import Progress
    from truceline.pipeline import PipelineSettings
    from truceline.runners.embedded import RunProgress, RunSummary

SETTINGS_KIND = "run_settings"
"""Under which name the settings of a run are kept in the store."""

EPILOG = """\
examples:
  truceline ingest feeds/ --store store && truceline run --store store --agreement agreements/easter_2025.yaml
  truceline run --store store                                   go on with what was taken in since
  truceline run --store store --until 2025-05-01T00:00:00Z      hold later days open

A run may be ended at any moment (Ctrl-C, loss of power): the same command goes on from the last checkpoint, and the
records are the same as if it had never stopped. The agreement is remembered after the first run. One store holds runs
under one agreement and one program version; for another, ingest into a new store.

A day is assessed once it is over (local time). What arrives later for a day already assessed is not lost: it issues
revisions under the same event ids. Findings are *potential* violations with a probability; people determine.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "run",
        help="observations to events, findings, attributions, dossiers; goes on from where it stopped",
        description="Bring everything a store has taken in through the pipeline, continuing from its checkpoint.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--store",
        type=Path,
        default=STORE_DEFAULT,
        metavar="DIR",
        help="the store that `ingest` made (default: ./%(default)s)",
    )
    parser.add_argument("--agreement", type=Path, metavar="FILE", help="agreement file; needed for the first run")
    parser.add_argument(
        "--until", metavar="ISO", help="time up to which everything is held to be received (default: the present)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Continue the run of a store and print what is new."""
    from truceline.adapters.stores.workspace import Workspace
    from truceline.cli.progress import Progress, say_compiling
    from truceline.errors import InputUnusable
    from truceline.observe.registry import manifests_for
    from truceline.pipeline import Pipeline
    from truceline.runners.embedded import EmbeddedRun

    until = _until(args.until)
    with Workspace.open(args.store, create=False) as store:
        if not store.ingested_files():
            raise InputUnusable(f"{args.store}: nothing was taken in yet; begin with `truceline ingest`")
        settings = _settings(store, args.agreement)
        say_compiling()
        progress = Progress("assessing")
        runner = EmbeddedRun(
            Pipeline(settings, lines=store.lines()),
            store,
            manifests=manifests_for(settings.parties),
            on_progress=_shown(progress, args.store),
        )
        store.append_records(SETTINGS_KIND, [settings])
        late_line_count = _late_line_count(store)
        summary = runner.run(until=until)
        progress.done()
        sys.stdout.write(_text(summary, store, settings) + _late_lines_text(late_line_count))
    return 0


def _until(text: str | None) -> datetime:
    from datetime import UTC, datetime

    from truceline.adapters.clock import system_now
    from truceline.errors import InputUnusable

    if text is None:
        return system_now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputUnusable(f"--until={text!r} is not an ISO 8601 time such as 2025-05-01T00:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _settings(store: Workspace, agreement_path: Path | None) -> PipelineSettings:
    """Give the settings: of the agreement file, or those of the last run brought up to the present program."""
    import msgspec

    from truceline import __version__
    from truceline.errors import InputUnusable
    from truceline.pipeline import PipelineSettings

    if agreement_path is not None:
        return _settings_of_file(agreement_path, synthetic=store.synthetic)
    known = store.records(SETTINGS_KIND, PipelineSettings)
    if not known:
        raise InputUnusable(f"{store.path}: was never run; name the agreement once with --agreement FILE")
    return msgspec.structs.replace(known[-1], code_version=__version__, synthetic=store.synthetic)


def _settings_of_file(path: Path, *, synthetic: bool) -> PipelineSettings:
    from truceline import __version__
    from truceline.adapters.agreements import load_agreement
    from truceline.adapters.evidence_catalogue import load_evidence_catalogue
    from truceline.associate.settings import AssociationSettings
    from truceline.attribute.settings import AttributionSettings
    from truceline.pipeline import PipelineSettings

    loaded = load_agreement(path)
    return PipelineSettings(
        agreement=loaded.agreement,
        agreement_sha256=loaded.file_sha256,
        parties=loaded.theatre.parties,
        code_version=__version__,
        synthetic=synthetic,
        attribution=AttributionSettings(catalogue=load_evidence_catalogue()),
        association=AssociationSettings(timezone_name=loaded.theatre.timezone_name),
    )


def _shown(progress: Progress, store_path: Path) -> Any:
    def show(done: RunProgress) -> None:
        progress(store_path, done.row_count)

    return show


def _late_line_count(store: Workspace) -> int:
    """Count contact lines taken in after the previous run's end, of days that the run had assessed by then."""
    from truceline.adapters.stores.workspace import LINE_KIND
    from truceline.model.reference_line import DatedLine
    from truceline.runners.embedded import RUN_KIND, RunRecord

    runs = store.records(RUN_KIND, RunRecord)
    if not runs:
        return 0
    ended_sequence = max(row.sequence for row in store.rows(RUN_KIND))
    assessed_before = runs[-1].watermark.date()
    since = store.iterate_records(LINE_KIND, DatedLine, after_sequence=ended_sequence)
    return sum(line.valid_date < assessed_before for line in since)


def _late_lines_text(late_line_count: int) -> str:
    if late_line_count == 0:
        return ""
    return (
        f"  note: {late_line_count:,} contact lines for days already assessed came later; "
        "those days keep what was said (ingest lines first into a new store to have them used)\n"
    )


def _text(summary: RunSummary, store: Workspace, settings: PipelineSettings) -> str:
    """Lay out what this run added and what the store holds now."""
    lines = [SYNTHETIC_MARK] if settings.synthetic else []
    verb = "continued" if summary.continued else "ran"
    lines.append(
        f"{verb} to {summary.watermark:%Y-%m-%d %H:%M} UTC under {settings.agreement.agreement_id} "
        f"{settings.agreement.version}: {summary.observation_count:,} observations taken"
    )
    for kind, new_count in summary.record_counts.items():
        lines.append(f"  {kind + 's':<14}{new_count:>12,} new {store.record_count(kind):>12,} in the store")
    lines += [f"  not in an event{count:>11,} {reason}" for reason, count in summary.kept_out_counts.items()]
    open_count = len(store.equivocations())
    if open_count:
        lines.append(f"  {open_count:,} records contradict others of the same id; see `truceline store check`")
    return "\n".join(lines) + "\n"
