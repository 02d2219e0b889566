"""`truceline demo`: a synthetic theatre from observations to the daily report, and how far it was right."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truceline.testing.scenario import SyntheticTheatre
    from truceline.testing.scenario_comparison import Comparison
    from truceline.testing.scenario_parameters import Scenario

STORE_FOLDER = "store"
THEATRE_FOLDER = "theatre"
REPORT_FOLDER = "report"
PUBLIC_FOLDER = "public"
MADE_FROM_FILE = "made_from.txt"
COMPARISON_FILE = "ground_truth_comparison.md"
STEP_COUNT = 7

EPILOG = """\
examples:
  truceline demo                            about half a minute, into ./truceline-demo
  truceline demo --out /tmp/demo --seed 7   another draw of the same theatre
  truceline demo --scenario tiny            a smaller one

what is written:
  theatre/                     the synthetic feeds, the agreement and the ground truth
  store/                       everything received and everything said about it
  report/                      one day's report as the mission may see it; public/ the same day for everyone
  adherence.html, .json        did the truce hold, per domain
  ground_truth_comparison.md   what was found, missed, and attributed rightly or falsely

The demo runs the commands you would run yourself and shows each of them. Run again in the same folder, it takes the
store up where it stands; a folder made from another scenario or seed gets its store made anew.
Everything in it is SYNTHETIC: no real place, party or event.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "demo",
        help="a synthetic theatre from observations to the daily report, then held against the truth",
        description="Simulate a theatre in which one party breaks a truce, watch it, and hold the answer against the "
        "truth.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("truceline-demo"), metavar="DIR", help="folder (default: ./%(default)s)"
    )
    parser.add_argument(
        "--scenario", default="first_light", metavar="NAME", help="shipped name or .yaml file (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="draw anew (default: the scenario's own seed)")
    parser.add_argument(
        "--exchange-parties", action="store_true", help="the same theatre with the parties' names exchanged"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Go through every step, saying which command it is; stop at the first that fails."""
    from truceline.testing.scenario import build_theatre
    from truceline.testing.scenario_parameters import changed_scenario, load_scenario

    scenario = changed_scenario(load_scenario(args.scenario), seed=args.seed, exchange_parties=args.exchange_parties)
    theatre = build_theatre(scenario)
    _prepare(args.out, theatre)
    commands = demo_commands(args.out, scenario, drawn_by=_simulate_options(args, scenario))
    for step_index, command in enumerate(commands, start=1):
        _say_step(step_index, f"truceline {' '.join(command)}")
        code = _run_command(command)
        if code != 0:
            sys.stderr.write(f"truceline demo: step {step_index} failed with exit code {code}; see above why\n")
            return code
    _say_step(STEP_COUNT, "holding the answer against the truth")
    comparison = compare_with_truth(args.out, theatre)
    sys.stdout.write(_in_short(comparison) + _where_to_look(args.out))
    return 0


def _simulate_options(args: argparse.Namespace, scenario: Scenario) -> list[str]:
    options = ["--scenario", args.scenario, "--seed", str(scenario.seed)]
    return [*options, "--exchange-parties"] if args.exchange_parties else options


def demo_commands(out: Path, scenario: Scenario, *, drawn_by: list[str]) -> list[list[str]]:
    """Give every step as the command one would type; `drawn_by` are the options of `simulate` for this scenario."""
    feeds = str(out / THEATRE_FOLDER / "feeds")
    store, agreement = str(out / STORE_FOLDER), str(out / THEATRE_FOLDER / "agreement.yaml")
    parties = ["--parties", ",".join(scenario.parties), "--timezone", scenario.timezone]
    report = ["report", "--store", store, "--date", _issue_date(scenario)]
    verdicts = ["--json", str(out / "adherence.json"), "--html", str(out / "adherence.html")]
    return [
        ["simulate", *drawn_by, "--out", str(out / THEATRE_FOLDER)],
        ["ingest", feeds, "--store", store, *parties],
        ["run", "--store", store, "--agreement", agreement],
        ["adherence", "--data", feeds, "--agreement", agreement, *verdicts],
        [*report, "--adherence", str(out / "adherence.json"), "--out", str(out / REPORT_FOLDER)],
        [*report, "--audience", "public", "--out", str(out / PUBLIC_FOLDER)],
    ]


def _issue_date(scenario: Scenario) -> str:
    """Give the last day whose evening lies inside the truce."""
    end = scenario.truce_span.end.astimezone(scenario.zone)
    return (end - timedelta(hours=scenario.evening_cutoff_hour)).date().isoformat()


def _say_step(step_index: int, text: str) -> None:
    """Announce a step, after everything that the one before it printed."""
    sys.stdout.flush()
    sys.stderr.write(f"\n[{step_index}/{STEP_COUNT}] {text}\n")
    sys.stderr.flush()


def _run_command(command: list[str]) -> int:
    from truceline.cli import build_parser

    args = build_parser().parse_args(command)
    return int(args.run(args))


def _prepare(out: Path, theatre: SyntheticTheatre) -> None:
    """Make the folder ready: a store that an earlier demo made from something else is removed, no other ever is."""
    import shutil

    from truceline import __version__
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable, StoreUnavailable
    from truceline.testing.scenario import theatre_sha256

    made_from = f"SYNTHETIC theatre {theatre_sha256(theatre)}, truceline {__version__}\n"
    mark, store = out / MADE_FROM_FILE, out / STORE_FOLDER
    if out.exists() and not out.is_dir():
        raise InputUnusable(f"{out}: is a file; give a folder with --out")
    try:
        before = mark.read_text(encoding="utf-8") if mark.is_file() else None
        if store.exists() and before is None:
            raise InputUnusable(f"{store}: is not a store of the demo ({mark.name} is missing); give another --out")
        if store.exists() and before != made_from:
            sys.stderr.write(f"{store} was made from another theatre or version; making it anew\n")
            shutil.rmtree(store)
    except OSError as error:
        raise StoreUnavailable(f"{out}: cannot be made ready ({error.strerror})") from error
    write_bytes(mark, made_from.encode())


def compare_with_truth(out: Path, theatre: SyntheticTheatre) -> Comparison:
    """Read back what the store says, hold it against the truth, and write the page."""
    import msgspec

    from truceline.adapters.stores.workspace import Workspace
    from truceline.cli.output import write_bytes
    from truceline.model.adherence import Adherence
    from truceline.model.attribution import Attribution
    from truceline.model.event import Event
    from truceline.model.finding import Finding
    from truceline.testing.scenario_comparison import MonitorOutput, causes_by_observation, compare, render_comparison

    finding_type: Any = Finding
    with Workspace.open(out / STORE_FOLDER, create=False, read_only=True) as store:
        names = {file.file_sha256: file.file_name for file in store.ingested_files()}
        causes = causes_by_observation(store.observations(), names, theatre.causes)
        said = MonitorOutput(
            events=tuple(store.records("event", Event)),
            attributions=tuple(store.records("attribution", Attribution)),
            findings=tuple(store.records("finding", finding_type)),
            adherence=msgspec.json.decode((out / "adherence.json").read_bytes(), type=tuple[Adherence, ...]),
        )
    comparison = compare(theatre.truth, said, causes)
    write_bytes(out / COMPARISON_FILE, render_comparison(comparison).encode())
    return comparison


def _in_short(comparison: Comparison) -> str:
    """Give the figures that matter most, wrong ones first."""
    lines = ["", "SYNTHETIC scenario against its truth:"]
    lines += [
        f"  {entry.domain:<16} said {entry.verdict:<22} truth {entry.true_verdict}" for entry in comparison.domains
    ]
    for party in comparison.parties:
        false_count = comparison.false_blame_count(party, "truce")
        indicated_count = comparison.indicated_count(party, "truce")
        lines.append(
            f"  events inside the truce for which {party} was indicated: {indicated_count}, falsely so {false_count}"
        )
    found = [entry for entry in comparison.kinds if entry.span == "truce"]
    happened_count = sum(entry.happened_count for entry in found)
    lines.append(
        f"  true attacks inside the truce: {happened_count}, found {sum(entry.found_count for entry in found)}"
    )
    return "\n".join(lines) + "\n"


def _where_to_look(out: Path) -> str:
    return f"""
where to look:
  {out / REPORT_FOLDER / "report.html"}
  {out / PUBLIC_FOLDER / "report.html"}
  {out / "adherence.html"}
  {out / COMPARISON_FILE}
  {out / THEATRE_FOLDER / "README.txt"}

what to try next, with what others collected:
  truceline adherence --data FOLDER --windows truces.csv
  truceline ingest FOLDER --store mystore
  truceline run --store mystore --agreement agreements/easter_2025.yaml
"""
