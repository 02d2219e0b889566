"""The real engine behind the tile runner: one SHA-256 whatever order, batches, duplicates, restarts and processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from scenarios.networks import theatre_of
from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.settings_engine import EngineSettings, MediumPrior
from truceline.associate.tiles import TileGrid
from truceline.cli.associate_run import EngineSolver
from truceline.model.network import DETECTION_SCHEMA, INSTANT
from truceline.physics.geodesy import plane_for, points_of
from truceline.runners.tile_network import StationNetwork, grid_for, read_stations
from truceline.runners.tile_settings import TileRunSettings, levels_on
from truceline.runners.tile_solving import Solving
from truceline.runners.tiles import TileRun

INDEX = {modality.name: at for at, modality in enumerate(MODALITIES)}
SHARED_BENCH = Path(__file__).parents[3] / "shared" / "bench"
START_NS = 1_745_107_200_000_000_000


class Heard(NamedTuple):
    """What a run is made from: stations, their detections, the forecast wind, and the levels asked for."""

    stations: StationNetwork
    detections: pa.Table
    medium: MediumPrior
    settings: TileRunSettings


class Way(NamedTuple):
    """One way to hand the same detections in."""

    batch_count: int = 1
    processes_count: int = 1
    is_shuffled: bool = False
    copied_share: float = 0.0
    restarts: bool = False


def heard_of(stations: pa.Table, detections: pa.Table, wind: tuple[float, float], *, names: tuple[str, ...]) -> Heard:
    """Read a network and lay its grid."""
    network = read_stations(stations, modality_index=INDEX)
    levels = levels_on(grid_for(network, TileGrid(slab_s=300.0)), names=names)  # type: ignore[arg-type]
    medium = MediumPrior(wind_east_m_per_s=wind[0], wind_north_m_per_s=wind[1])
    return Heard(network, detections, medium, TileRunSettings(levels=levels))


def batches(heard: Heard, way: Way) -> Iterator[tuple[pa.Table, int | None]]:
    """Cut the detections, each batch with the watermark that nothing still to come contradicts."""
    chance = np.random.default_rng(4)
    table = heard.detections
    again = np.flatnonzero(chance.random(table.num_rows) < way.copied_share)
    order = np.concatenate([np.arange(table.num_rows), again])
    order = chance.permutation(order) if way.is_shuffled else np.sort(order, kind="stable")
    table = table.take(pa.array(order))
    received = np.asarray(table["received_time"].cast(pa.int64()))
    cuts = np.linspace(0, table.num_rows, way.batch_count + 1).astype(int)
    for begin, end in pairwise(cuts.tolist()):
        rest = received[end:]
        yield table.slice(begin, end - begin), int(rest.min()) - 1 if len(rest) else None


def outcome(heard: Heard, way: Way) -> tuple[str, int]:
    """Give the digest and the number of events of a run."""
    solver = EngineSolver(heard.medium, EngineSettings())
    with Solving(solver, solver_id="engine", processes_count=way.processes_count) as solving:
        run = TileRun(heard.stations, solving, settings=heard.settings)
        for table, watermark_ns in batches(heard, way):
            run.step([table], run.watermark_ns if watermark_ns is None else watermark_ns)
            if way.restarts:
                run = TileRun(heard.stations, solving, settings=heard.settings, state=run.state())
        run.finish()
        return run.digest, run.totals.event_count


def test_a_small_theatre_gives_one_digest() -> None:
    """Shuffled, with duplicates, in any batches and restarted after each, the engine's rows have one SHA-256."""
    theatre = theatre_of("network_tiny")
    ordered = theatre.detections.sort_by("received_time")
    heard = heard_of(theatre.stations, ordered, theatre.wind_forecast, names=("early", "hour"))
    digest, event_count = outcome(heard, Way())
    others = [
        outcome(heard, Way(batch_count=5, restarts=True)),
        outcome(heard, Way(batch_count=2, is_shuffled=True, copied_share=0.1)),
    ]

    assert event_count > 20
    assert {(digest, event_count)} == set(others)


def benchmark_set(name: str) -> Heard:
    """Read a set of the shared benchmark (kilometres in a plane) as stations and detections on the globe.

    The set is looked for in the folder that `ASSOCIATION_SETS` names; `gen.py` of the benchmark makes it.
    """
    folder = Path(os.environ.get("ASSOCIATION_SETS", str(SHARED_BENCH / "data"))) / name
    if not (folder / "picks.npz").exists():
        pytest.skip(f"the benchmark's {name} is not there; make it with gen.py and name its folder ASSOCIATION_SETS")
    picks, sheet = dict(np.load(folder / "picks.npz")), dict(np.load(folder / "stations.npz"))
    meta = json.loads((folder / "meta.json").read_text())
    plane = plane_for(points_of([36.0, 42.0], [47.0, 50.0]))
    centre_m = [float(value[0]) for value in plane.project_m(points_of([38.0], [48.5]))]
    points = plane.points_at(sheet["x"] * 1e3 + centre_m[0] - 150e3, sheet["y"] * 1e3 + centre_m[1] - 20e3)
    count = len(sheet["x"])
    stations = pa.table(
        {
            "station_id": [f"s{index:05d}" for index in range(count)],
            "longitude_deg": points.longitude_deg,
            "latitude_deg": points.latitude_deg,
            "modality": ["acoustic"] * count,
            "timing_sigma_s": sheet["sig_t"].astype(float),
            "bearing_sigma_deg": pa.array(
                np.where(sheet["array"], meta["baz_sig"], np.nan), mask=~sheet["array"].astype(bool)
            ),
            "dead_time_s": np.full(count, float(meta["dead"])),
            "clutter_rate_hz": sheet["clutter_hz"].astype(float),
        }
    )
    wind = np.asarray(meta["wind_forecast"], np.float64) * 1e3
    ordered = benchmark_detections(picks)
    return heard_of(stations, ordered, (float(wind[0]), float(wind[1])), names=("hour",))


def benchmark_detections(picks: dict[str, np.ndarray]) -> pa.Table:
    """Make the benchmark's detections, named by their rows, received three seconds after they were."""
    time_ns = START_NS + np.rint(picks["t"].astype(float) * 1e9).astype(np.int64)
    bearing = picks["baz"].astype(float)
    amplitude = 10.0 ** picks["lamp"].astype(float)
    table = pa.table(
        {
            "detection_id": [f"d{index:08d}" for index in range(len(time_ns))],
            "station_id": [f"s{index:05d}" for index in picks["sta"].tolist()],
            "time": pa.array(time_ns).cast(INSTANT),
            "received_time": pa.array(time_ns + 3_000_000_000).cast(INSTANT),
            "timing_sigma_s": pa.nulls(len(time_ns), pa.float64()),
            "bearing_deg": pa.array(bearing, mask=np.isnan(bearing)),
            "bearing_sigma_deg": pa.nulls(len(time_ns), pa.float64()),
            "amplitude_pa": pa.array(amplitude, mask=np.isnan(amplitude)),
            "phase": pa.nulls(len(time_ns), pa.string()),
        },
        schema=DETECTION_SCHEMA,
    )
    return table.sort_by("received_time")


@pytest.mark.long
@pytest.mark.shared
def test_the_shared_benchmark_gives_one_digest() -> None:
    """On wind_r60 one and two processes, any order, 10 % duplicates, restarts and five batch sizes give one SHA-256."""
    heard = benchmark_set("wind_r60")
    ways = [
        Way(),
        Way(processes_count=2),
        Way(is_shuffled=True),
        Way(copied_share=0.1, batch_count=3),
        Way(restarts=True, batch_count=7),
        *(Way(batch_count=count) for count in (2, 5, 20, 60, 200)),
        Way(processes_count=2, is_shuffled=True, copied_share=0.1, restarts=True, batch_count=4),
    ]
    found = {outcome(heard, way) for way in ways}

    assert 1 == len(found)
    assert min(found)[1] > 300
