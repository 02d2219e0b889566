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
  truceline run --store store --agreement agreements/minsk_2_2015.yaml --with agreements/minsk_addendum_2015.yaml \\
      --register register/                                      in layers; notices and documents let findings pass
  truceline run --store store --agreement agreements/energy_2025.ru.yaml agreements/energy_2025.ua.yaml
                                                                both parties' versions: where they differ is disputed
  truceline run --store store                                   go on with what was taken in since
  truceline run --store store --until 2025-05-01T00:00:00Z      hold later days open

A run may be ended at any moment (Ctrl-C, loss of power): the same command goes on from the last checkpoint, and the
records are the same as if it had never stopped. Texts and register are remembered after the first run. One store holds
runs under the same texts, the same register and one program version; for another, ingest into a new store. A text is
read with those it amends. What people entered later is held against events by `truceline agreement assess`.

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
    parser.add_argument(
        "--agreement", nargs="+", type=Path, metavar="FILE", help="a text, or its versions; needed for the first run"
    )
    parser.add_argument(
        "--with", dest="layers", nargs="+", type=Path, default=[], metavar="LAYER", help="texts that are layers on it"
    )
    parser.add_argument(
        "--register", nargs="+", type=Path, default=[], metavar="PATH", help="register files, or folders of them"
    )
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
        settings = _settings(store, args)
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


def _settings(store: Workspace, args: argparse.Namespace) -> PipelineSettings:
    """Give the settings: of the files named, or those of the last run brought up to the present program."""
    import msgspec

    from truceline import __version__
    from truceline.errors import InputUnusable
    from truceline.pipeline import PipelineSettings

    if args.agreement is not None:
        return _settings_of_files(args, synthetic=store.synthetic)
    if args.layers or args.register:
        raise InputUnusable("--with and --register go with --agreement: name the text as well")
    known = store.records(SETTINGS_KIND, PipelineSettings)
    if not known:
        raise InputUnusable(f"{store.path}: was never run; name the agreement once with --agreement FILE")
    return msgspec.structs.replace(known[-1], code_version=__version__, synthetic=store.synthetic)


def _settings_of_files(args: argparse.Namespace, *, synthetic: bool) -> PipelineSettings:
    """Read texts with those they amend, and the register, which is held against them."""
    from truceline import __version__
    from truceline.adapters.agreements import load_agreement, load_weapons
    from truceline.adapters.evidence_catalogue import load_evidence_catalogue
    from truceline.assess.compile_stack import compile_texts
    from truceline.associate.settings import AssociationSettings
    from truceline.attribute.settings import AttributionSettings
    from truceline.cli.agreement_input import register_of, texts_of
    from truceline.errors import InputUnusable
    from truceline.pipeline import PipelineSettings, TextLayer

    first = load_agreement(args.agreement[0])
    texts = texts_of([*args.agreement, *args.layers])
    register = register_of(args.register, texts)
    try:
        compile_texts([text.agreement for text in texts], register=register)
    except ValueError as error:
        raise InputUnusable(f"the texts do not go together: {error}") from error
    return PipelineSettings(
        agreement=first.agreement,
        agreement_sha256=first.file_sha256,
        parties=first.theatre.parties,
        code_version=__version__,
        synthetic=synthetic,
        attribution=AttributionSettings(catalogue=load_evidence_catalogue()),
        association=AssociationSettings(timezone_name=first.theatre.timezone_name),
        layers=tuple(
            TextLayer(agreement=text.agreement, file_sha256=text.file_sha256)
            for text in texts
            if text.agreement != first.agreement
        ),
        catalogue=load_weapons(),
        register=register,
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


def _layers_text(settings: PipelineSettings) -> str:
    """Name the texts beside the first one, with whose version each is."""
    texts = [layer.agreement for layer in settings.layers]
    names = [
        f"{text.agreement_id} {text.version}{f' of {text.version_by}' if text.version_by else ''}" for text in texts
    ]
    return f" with {', '.join(names)}" if names else ""


def _text(summary: RunSummary, store: Workspace, settings: PipelineSettings) -> str:
    """Lay out what this run added and what the store holds now."""
    lines = [SYNTHETIC_MARK] if settings.synthetic else []
    verb = "continued" if summary.continued else "ran"
    lines.append(
        f"{verb} to {summary.watermark:%Y-%m-%d %H:%M} UTC under {settings.agreement.agreement_id} "
        f"{settings.agreement.version}{_layers_text(settings)}: {summary.observation_count:,} observations taken"
    )
    for kind, new_count in summary.record_counts.items():
        lines.append(f"  {kind + 's':<14}{new_count:>12,} new {store.record_count(kind):>12,} in the store")
    lines += [f"  not in an event{count:>11,} {reason}" for reason, count in summary.kept_out_counts.items()]
    open_count = len(store.equivocations())
    if open_count:
        lines.append(f"  {open_count:,} records contradict others of the same id; see `truceline store check`")
    return "\n".join(lines) + "\n"
