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
  truceline simulate --scenario network_300km --out n  a sensor network: 1,000 stations, sixty events a minute
  truceline simulate --scenario network_tiny --out n   a small one; network_1200km is the large one

what is written:
  feeds/                  lines.parquet, firms_viirs.csv, firms_modis.csv, detections.csv, patrols.csv, media.csv,
                          statements.csv and one claims_*.csv per party: the formats that `truceline ingest` reads
  agreement.yaml          the declared truce with its theatre, for --agreement
  ground_truth.csv        what truly happened; no command but the comparison in `truceline demo` reads it
  README.txt              what one party kept to and the other did not
what is written for a sensor network:
  feeds/                  stations.parquet, detections.parquet, lines.parquet, wind_forecast.csv, patrols.csv, and
                          firms_viirs.csv where a satellite passed; detections.csv where the scenario asks for it
  ground_truth_*.parquet  every true event, the cause of every detection, and what is wrong with every station
  README.txt              what there is, by kind

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
        "truly happened; or a sensor network under fire, with all that goes wrong in it.",
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
    from truceline.testing.network_parameters import is_network_scenario
    from truceline.testing.scenario_parameters import scenario_text

    text = scenario_text(args.scenario)
    if args.print_scenario:
        sys.stdout.write(text)
        return 0
    return _write_network(args) if is_network_scenario(text) else _write_first_light(args)


def _write_first_light(args: argparse.Namespace) -> int:
    from truceline.testing.scenario import build_theatre, write_theatre
    from truceline.testing.scenario_parameters import changed_scenario, load_scenario

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


def _write_network(args: argparse.Namespace) -> int:
    from truceline.testing.network_files import network_files
    from truceline.testing.network_parameters import changed_network, load_network
    from truceline.testing.network_theatre import build_network_theatre
    from truceline.testing.scenario import write_theatre

    parameters = changed_network(load_network(args.scenario), seed=args.seed, exchange_parties=args.exchange_parties)
    sys.stderr.write(f"drawing scenario {parameters.scenario_id}, seed {parameters.seed}\n")
    theatre = build_network_theatre(parameters)
    write_theatre(network_files(theatre), args.out, on_file=_say_written)
    sys.stdout.write(
        f"SYNTHETIC sensor network in {args.out}: {theatre.truth_events.num_rows} true events in "
        f"{parameters.length_minutes:g} minutes, {theatre.detections.num_rows} detections at "
        f"{theatre.stations.num_rows} stations\n"
    )
    return 0


def _say_written(name: str, size_bytes: int) -> None:
    sys.stderr.write(f"  wrote {name} ({size_bytes:,} bytes)\n")
