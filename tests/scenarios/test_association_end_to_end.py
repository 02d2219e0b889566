"""The sensor-network theatre from simulation to figures: solutions in time, types that mean something, stations."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scenarios.networks import files_of, frame_of, theatre_of
from scenarios.test_association_identity import INDEX, heard_of
from truceline.associate.event_type import TYPES
from truceline.associate.settings_engine import EngineSettings
from truceline.cli import associate_run
from truceline.cli.associate_run import EngineSolver
from truceline.errors import InputUnusable
from truceline.runners.tile_network import read_stations
from truceline.runners.tile_solving import Solving
from truceline.runners.tiles import TileOutput, TileRun
from truceline.testing.association_evaluation import EvaluationWish, evaluate
from truceline.testing.association_tables import Tables

FIRST_SOLUTION_MAX_S = 90.0
SOUND_SPEED_M_PER_S = 340.0
TINY = "network_tiny"


def run_over(stations: pa.Table, detections: pa.Table) -> tuple[TileRun, TileOutput]:
    """Solve a theatre with the real engine at all levels."""
    heard = heard_of(stations, detections, theatre_of(TINY).wind_forecast, names=("early", "hour", "six_hour"))
    solving = Solving(EngineSolver(heard.medium, EngineSettings()), solver_id="engine")
    run = TileRun(heard.stations, solving, settings=heard.settings)
    run.step([detections], 0)
    return run, run.finish()


@cache
def tiny() -> tuple[TileRun, TileOutput]:
    """Solve the small theatre once."""
    theatre = theatre_of(TINY)
    return run_over(theatre.stations, theatre.detections)


def test_every_first_solution_is_out_in_time() -> None:
    """Of every found event the first solution, early, is issued within 90 s of its last expected detection."""
    theatre, (_, output) = theatre_of(TINY), tiny()
    rows = frame_of(output.events).with_columns(
        pl.col("issued_time").dt.timestamp("ns"), pl.col("origin_time").dt.timestamp("ns")
    )
    first = rows.sort("revision_index").unique("event_id", keep="first", maintain_order=True)
    early = first.filter(pl.col("level") == "early")
    end_ns = np.asarray(theatre.detections["time"].cast(pa.int64())).max() - 75 * 10**9
    early = early.filter(pl.col("origin_time") < end_ns)
    reach_s = early["detection_range_m"].to_numpy() / SOUND_SPEED_M_PER_S
    waits_s = (early["issued_time"] - early["origin_time"]).to_numpy() / 1e9 - reach_s

    assert early.height > 15
    assert waits_s.max() <= FIRST_SOLUTION_MAX_S


def test_the_small_theatre_is_found_and_figures_follow() -> None:
    """Simulated, solved and held against its truth, most events are found, and the solution has every figure."""
    theatre, (_, output) = theatre_of(TINY), tiny()
    tables = Tables(
        output.events, output.members, theatre.truth_events, theatre.truth_detections, theatre.detections, False
    )
    evaluation, _ = evaluate(tables, EvaluationWish())
    figures = evaluation.figures

    assert figures.wide.f1_ratio is not None
    assert figures.wide.f1_ratio > 0.6
    assert figures.members is not None
    assert figures.members.precision.share is not None
    assert figures.members.precision.share > 0.7
    assert evaluation.latency is not None
    assert "issued" == evaluation.latency.basis
    assert set(output.events["event_type"].to_pylist()) <= set(TYPES)
    probabilities = np.asarray(output.events["event_type_probability"])
    assert np.all((probabilities > 0.0) & (probabilities <= 1.0))


def test_every_station_in_use_is_told_of() -> None:
    """The report has one row per station in use, counts every detection of the slab, and no state without a name."""
    run, _ = tiny()
    report = frame_of(run.station_report())
    names = list(read_stations(theatre_of(TINY).stations, modality_index=INDEX).station_ids)

    assert names == report["station_id"].to_list()
    assert report["state"].n_unique() >= 2
    assert report.filter(pl.col("clock_offset_s").is_not_null())["clock_sigma_s"].null_count() == 0
    assert report["detection_count"].sum() <= theatre_of(TINY).detections.num_rows
    assert report["detection_count"].sum() > 0


def written(folder: Path) -> list[str]:
    """Write the small theatre's feeds, and give the options that solve them."""
    for name in ("stations.parquet", "detections.parquet", "lines.parquet"):
        (folder / name).write_bytes(files_of(TINY)[f"feeds/{name}"])
    files = ["--stations", str(folder / "stations.parquet"), "--detections", str(folder / "detections.parquet")]
    return ["run", *files, "--out", str(folder / "out")]


def called(options: list[str]) -> int:
    """Run a command line with the real engine."""
    parser = argparse.ArgumentParser()
    associate_run.add_parser(parser.add_subparsers())
    args = parser.parse_args(options)
    return int(args.run(args))


def test_direction_of_fire_is_told_coarsely(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a line there is one row per mission with the parties' grounds and cells, and no coordinate of a launch."""
    options = written(tmp_path)
    code = called([*options, "--line", str(tmp_path / "lines.parquet"), "--parties", "A,B"])
    shown = capsys.readouterr().out
    rows = pl.read_csv(tmp_path / "out" / "fire_origins.csv", comment_prefix="#")
    grounds = rows.select("ground_A_probability", "ground_B_probability", "undetermined_probability")

    assert 0 == code
    assert "missions in fire_origins.csv" in shown
    assert "stations: " in shown
    assert np.allclose(grounds.sum_horizontal().to_numpy(), 1.0, atol=0.011)
    places = [name for name in rows.columns if name.endswith(("longitude_deg", "latitude_deg"))]
    assert all(name.startswith("cell_") for name in places)
    assert pq.read_table(tmp_path / "out" / "stations.parquet").num_rows == 60


def test_a_line_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file of observations, one that is unknown and a line of strangers are each refused with the reason."""
    options = written(tmp_path)
    (tmp_path / "x.txt").write_text("nothing")

    with pytest.raises(InputUnusable, match="holds no line that can be used"):
        called([*options, "--line", str(tmp_path / "lines.parquet"), "--parties", "C,D"])
    with pytest.raises(InputUnusable, match=r"--line .*x\.txt"):
        called([*options, "--line", str(tmp_path / "x.txt"), "--parties", "A,B"])
