"""`truceline simulate`: a synthetic theatre with ground truth, from a scenario and a seed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
examples:
  truceline simulate                                   the first light theatre, into ./truceline-simulation
  truceline simulate --seed 7 --out /tmp/theatre       the same theatre, drawn anew
  truceline simulate --scenario my.yaml --out theatre  your own parameters (copy one of the shipped files)
  truceline simulate --print-scenario > my.yaml        the shipped file, with what every number means

what is written:
  feeds/                  lines.parquet, firms_viirs.csv, firms_modis.csv, detections.csv, patrols.csv, media.csv and
                          one claims_*.csv per party: the formats that `truceline ingest` reads
  agreement.yaml          the declared truce with its theatre, for --agreement
  ground_truth.csv        what truly happened; no command but the comparison in `truceline demo` reads it
  README.txt              what one party kept to and the other did not

Same scenario and seed, same bytes. Every file says SYNTHETIC and so does everything made from it.
next:
  truceline adherence --data OUT/feeds --agreement OUT/agreement.yaml
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "simulate",
        help="write a synthetic theatre with ground truth, from a seed",
        description="Write a synthetic theatre: feeds as they look in reality, a truce that one party breaks, and what "
        "truly happened.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scenario", default="first_light", metavar="NAME", help="shipped name or .yaml file (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="draw anew (default: the scenario's own seed)")
    parser.add_argument(
        "--exchange-parties", action="store_true", help="the same theatre with the parties' names exchanged"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("truceline-simulation"),
        metavar="DIR",
        help="folder to write into; files of these names in it are replaced (default: ./%(default)s)",
    )
    parser.add_argument("--print-scenario", action="store_true", help="print the scenario file and write nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the theatre and say what stands where."""
    from truceline.testing.scenario import build_theatre, write_theatre
    from truceline.testing.scenario_parameters import changed_scenario, load_scenario, scenario_text

    if args.print_scenario:
        sys.stdout.write(scenario_text(args.scenario))
        return 0
    scenario = changed_scenario(load_scenario(args.scenario), seed=args.seed, exchange_parties=args.exchange_parties)
    sys.stderr.write(f"drawing scenario {scenario.scenario_id}, seed {scenario.seed}\n")
    theatre = build_theatre(scenario)
    write_theatre(theatre.files, args.out, on_file=_say_written)
    span = scenario.truce_span
    sys.stdout.write(
        f"SYNTHETIC theatre in {args.out}: {theatre.truth.week_events().height} true events in the week with sensors, "
        f"truce {span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M} UTC\n"
        f"next: truceline adherence --data {args.out / 'feeds'} --agreement {args.out / 'agreement.yaml'}\n"
    )
    return 0


def _say_written(name: str, size_bytes: int) -> None:
    sys.stderr.write(f"  wrote {name} ({size_bytes:,} bytes)\n")
