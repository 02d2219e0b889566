"""What breaks the association: one theatre with all adversities, with none, and with each of them alone.

Run `python bench/associate_adversities.py`; `--scenario NAME`, `--minutes N`, `--only NAME ...` for some. Each theatre
is simulated, solved at the hour level by the real engine under the forecast wind, and held against its truth; prints a
Markdown table. The guns fire alike in all of them.
"""

from __future__ import annotations

import argparse
import sys
import time

import msgspec

from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.settings_engine import EngineSettings, MediumPrior
from truceline.associate.tiles import TileGrid
from truceline.cli.associate_run import EngineSolver
from truceline.runners.tile_network import grid_for, read_stations
from truceline.runners.tile_settings import HOUR_S, TileRunSettings, levels_on
from truceline.runners.tile_solving import Solving
from truceline.runners.tiles import TileOutput, TileRun
from truceline.testing.association_evaluation import Evaluation, EvaluationWish, evaluate
from truceline.testing.association_tables import Tables
from truceline.testing.network_parameters import ADVERSITIES, NetworkParameters, load_network, only_adversities
from truceline.testing.network_theatre import NetworkTheatre, build_network_theatre

HEADER = "| adversities | precision | recall | F1 | error median m | 95 % m | 50 % | 90 % | 95 % | seconds |"
RULE = "|---|---|---|---|---|---|---|---|---|---|"


def solved(theatre: NetworkTheatre) -> TileOutput:
    """Solve a theatre at the hour level."""
    index = {modality.name: at for at, modality in enumerate(MODALITIES)}
    stations = read_stations(theatre.stations, modality_index=index)
    grid = grid_for(stations, TileGrid())
    settings = TileRunSettings(levels=levels_on(grid, names=("hour",)), remembered_s=2.0 * HOUR_S)
    east, north = theatre.wind_forecast
    solver = EngineSolver(MediumPrior(wind_east_m_per_s=east, wind_north_m_per_s=north), EngineSettings())
    run = TileRun(stations, Solving(solver, solver_id="bench"), settings=settings)
    begin_ns = int(theatre.parameters.start_time.timestamp()) * 1_000_000_000
    run.step([theatre.detections], begin_ns)
    return run.finish()


def held(theatre: NetworkTheatre, output: TileOutput) -> Evaluation:
    """Hold the solution against what truly happened."""
    tables = Tables(
        output.events, output.members, theatre.truth_events, theatre.truth_detections, theatre.detections, False
    )
    return evaluate(tables, EvaluationWish())[0]


def row(name: str, parameters: NetworkParameters) -> str:
    """Give the row of one theatre."""
    theatre = build_network_theatre(parameters)
    started_s = time.perf_counter()
    output = solved(theatre)
    took_s = time.perf_counter() - started_s
    figures = held(theatre, output).figures
    agreement, location, regions = figures.wide, figures.location, figures.regions
    coverage = [f"{part.observed.share:.2f}" for part in regions.coverage]
    shares = [agreement.precision.share, agreement.recall.share, agreement.f1_ratio]
    distance_m = location.distance_m
    cells = [
        *(f"{share:.3f}" for share in shares),
        f"{distance_m.median:.0f}",
        f"{distance_m.quantile_95:.0f}",
        *coverage,
    ]
    return f"| {name} | {' | '.join(cells)} | {took_s:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="network_300km")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only", nargs="+", choices=["all", "none", *ADVERSITIES])
    args = parser.parse_args()
    parameters = load_network(args.scenario)
    if args.minutes is not None:
        parameters = msgspec.structs.replace(parameters, length_minutes=args.minutes)
    print(HEADER, RULE, sep="\n", flush=True)
    for name in args.only or ["all", "none", *ADVERSITIES]:
        kept = ADVERSITIES if name == "all" else () if name == "none" else (name,)
        print(row(name, parameters if name == "all" else only_adversities(parameters, kept)), flush=True)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
