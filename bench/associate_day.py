"""A day of a large network through the tile runner on one core: minutes, detections a second, and memory.

Run `python bench/associate_day.py`; `--hours N` for less. Stations stand along a bent line of contact, four for
every 1.2 km, and 60 events a minute fall on every 300 km of it; a station hears one within its range
by sound that drifts with the wind, and now and then something that was nothing. Pieces of five minutes are drawn one
after the other, so that memory is the runner's own. The scene shares no code with the engine or the simulator.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.settings_engine import EngineSettings, MediumPrior
from truceline.associate.tiles import TileGrid
from truceline.cli.associate_run import EngineSolver
from truceline.model.network import DETECTION_SCHEMA, INSTANT
from truceline.physics.geodesy import plane_for, points_of
from truceline.runners.tile_network import StationNetwork, grid_for, read_stations
from truceline.runners.tile_settings import HOUR_S, TileRunSettings, levels_on
from truceline.runners.tile_solving import Solving
from truceline.runners.tiles import TileRun

LENGTH_M, BEND_M, HALF_WIDTH_M = 1_200_000.0, 60_000.0, 20_000.0
STATION_COUNT = 4_000
EVENTS_PER_MINUTE_PER_300_KM_COUNT = 60.0
CLUTTER_RATE_HZ = 0.004
DETECTION_PROBABILITY = 0.9
RANGE_MEDIAN_M, RANGE_SPREAD_RATIO, RANGE_LIMITS_M = 10_500.0, 0.35, (3_000.0, 22_000.0)
TIMING_SIGMA_S, PATH_ERROR_RATIO = 0.03, 0.003
SOUND_SPEED_M_PER_S = 340.0
PIECE_S = 300.0
DELIVERY_MEDIAN_S = 3.0
ROUNDS_MEAN_COUNT, ROUND_GAP_S = 4.0, 8.0
START_NS = 1_745_107_200_000_000_000
PLANE = plane_for(points_of([28.0, 43.0], [46.0, 50.0]))


def line_north_m(east_m: np.ndarray) -> np.ndarray:
    """Give how far north the line runs at each place along it."""
    return BEND_M * np.sin(2.0 * np.pi * east_m / LENGTH_M)


def wind_m_per_s(east_m: np.ndarray, hours: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the wind along the line: it turns over hundreds of kilometres and over the hours of the day."""
    phase = 2.0 * np.pi * (east_m / 350_000.0 + hours / 9.0)
    return 4.0 + 2.0 * np.sin(phase), -2.0 + 2.0 * np.cos(1.3 * phase)


def stations_at(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray, StationNetwork]:
    """Place the stations, denser near the line, and read them as any table is read."""
    east_m = chance.uniform(0.0, LENGTH_M, STATION_COUNT)
    north_m = line_north_m(east_m) + np.clip(
        chance.normal(0.0, 0.5 * HALF_WIDTH_M, STATION_COUNT), *(-HALF_WIDTH_M, HALF_WIDTH_M)
    )
    centre = np.array([float(value[0]) for value in PLANE.project_m(points_of([35.5], [48.0]))])
    x_m, y_m = east_m - 0.5 * LENGTH_M + centre[0], north_m + centre[1]
    points = PLANE.points_at(x_m, y_m)
    table = pa.table(
        {
            "station_id": [f"s{index:05d}" for index in range(STATION_COUNT)],
            "longitude_deg": points.longitude_deg,
            "latitude_deg": points.latitude_deg,
            "modality": ["acoustic"] * STATION_COUNT,
            "timing_sigma_s": np.full(STATION_COUNT, TIMING_SIGMA_S),
            "dead_time_s": np.full(STATION_COUNT, 0.4),
            "clutter_rate_hz": np.full(STATION_COUNT, CLUTTER_RATE_HZ),
        }
    )
    index = {modality.name: at for at, modality in enumerate(MODALITIES)}
    return east_m, north_m, read_stations(table, modality_index=index, plane=PLANE)


class Fire:
    """Draws missions piece by piece: what was fired, and what each station said of it."""

    def __init__(self, chance: np.random.Generator, east_m: np.ndarray, north_m: np.ndarray, names: pa.Array) -> None:
        """Sort the stations along the line, so that those in reach of an event stand together."""
        self.chance, self.names = chance, names
        self.order = np.argsort(east_m, kind="stable")
        self.east_m, self.north_m = east_m[self.order], north_m[self.order]
        self.detection_count = self.event_count = 0
        self.later: list[tuple[np.ndarray, np.ndarray]] = []

    def pieces(self, length_s: float) -> Iterator[pa.Table]:
        """Give what is received of every piece of time."""
        for begin_s in np.arange(0.0, length_s, PIECE_S):
            yield self.piece(float(begin_s), min(PIECE_S, length_s - float(begin_s)))

    def piece(self, begin_s: float, piece_s: float) -> pa.Table:
        """Draw one piece: events, what is heard of them, and clutter."""
        x_m, y_m, time_s = self._events(begin_s, piece_s)
        station, heard_s = self._heard(x_m, y_m, time_s)
        number = self.chance.poisson(CLUTTER_RATE_HZ * piece_s * STATION_COUNT)
        station = np.concatenate([station, self.chance.integers(0, STATION_COUNT, number)])
        heard_s = np.concatenate([heard_s, self.chance.uniform(begin_s, begin_s + piece_s, number)])
        self.event_count += len(x_m)
        return self._table(station, heard_s)

    def _events(self, begin_s: float, piece_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chance = self.chance
        mean = EVENTS_PER_MINUTE_PER_300_KM_COUNT * LENGTH_M / 300_000.0 * piece_s / 60.0 / ROUNDS_MEAN_COUNT
        missions = chance.poisson(mean)
        rounds = chance.geometric(1.0 / ROUNDS_MEAN_COUNT, missions)
        of = np.repeat(np.arange(missions), rounds)
        rank = np.arange(len(of)) - np.repeat(np.cumsum(rounds) - rounds, rounds)
        east_m = chance.uniform(0.0, LENGTH_M, missions)[of] + chance.normal(0.0, 60.0, len(of))
        off_m = chance.normal(0.0, 0.4 * HALF_WIDTH_M, missions)[of] + chance.normal(0.0, 60.0, len(of))
        time_s = chance.uniform(begin_s, begin_s + piece_s, missions)[of] + rank * ROUND_GAP_S * chance.uniform(
            0.7, 1.3, len(of)
        )
        return east_m, line_north_m(east_m) + off_m, time_s

    def _heard(self, x_m: np.ndarray, y_m: np.ndarray, time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give station (in order along the line) and time of every sound heard."""
        chance = self.chance
        range_m = np.clip(
            RANGE_MEDIAN_M * np.exp(RANGE_SPREAD_RATIO * chance.normal(0.0, 1.0, len(x_m))), *RANGE_LIMITS_M
        )
        low, high = np.searchsorted(self.east_m, x_m - range_m), np.searchsorted(self.east_m, x_m + range_m)
        event = np.repeat(np.arange(len(x_m)), high - low)
        station = np.arange(len(event)) - np.repeat(np.cumsum(high - low) - (high - low) - low, high - low)
        dx_m, dy_m = self.east_m[station] - x_m[event], self.north_m[station] - y_m[event]
        distance_m = np.hypot(dx_m, dy_m)
        edge = 1.0 / (1.0 + np.exp((distance_m / range_m[event] - 1.0) / 0.05))
        heard = chance.random(len(event)) < DETECTION_PROBABILITY * edge
        event, station, distance_m, dx_m, dy_m = (column[heard] for column in (event, station, distance_m, dx_m, dy_m))
        east, north = wind_m_per_s(x_m[event] + 0.5 * dx_m, float(time_s.mean()) / 3_600.0 if len(time_s) else 0.0)
        along = (dx_m * east + dy_m * north) / np.maximum(distance_m, 1.0)
        across2 = np.maximum(east**2 + north**2 - along**2, 0.0)
        travel_s = distance_m / (along + np.sqrt(SOUND_SPEED_M_PER_S**2 - across2))
        travel_s *= 1.0 + PATH_ERROR_RATIO * chance.normal(0.0, 1.0, len(event))
        return station, time_s[event] + travel_s + TIMING_SIGMA_S * chance.normal(0.0, 1.0, len(event))

    def _table(self, station: np.ndarray, heard_s: np.ndarray) -> pa.Table:
        count = len(station)
        delay_s = DELIVERY_MEDIAN_S * np.exp(0.5 * self.chance.normal(0.0, 1.0, count))
        time_ns = START_NS + np.rint(heard_s * 1e9).astype(np.int64)
        ids = np.char.add("d", np.char.zfill((self.detection_count + np.arange(count)).astype(str), 9))
        self.detection_count += count
        return pa.table(
            {
                "detection_id": pa.array(ids, pa.string()),
                "station_id": self.names.take(pa.array(self.order[station])),
                "time": pa.array(time_ns).cast(INSTANT),
                "received_time": pa.array(time_ns + np.rint(delay_s * 1e9).astype(np.int64)).cast(INSTANT),
                **{field.name: pa.nulls(count, field.type) for field in DETECTION_SCHEMA if field.nullable},
            },
            schema=DETECTION_SCHEMA,
        )


def new_run(stations: StationNetwork, slab_s: float) -> TileRun:
    """Begin a run at the hour level with the real engine."""
    grid = grid_for(stations, TileGrid(slab_s=slab_s))
    settings = TileRunSettings(levels=levels_on(grid, names=("hour",)), remembered_s=2.0 * HOUR_S)
    solver = EngineSolver(MediumPrior(wind_east_m_per_s=4.0, wind_north_m_per_s=-2.0), EngineSettings())
    return TileRun(stations, Solving(solver, solver_id="bench"), settings=settings)


def main() -> None:
    """Feed the day piece by piece, and print what it cost; drawing it is not counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slab-s", type=float, default=TileGrid().slab_s)
    args = parser.parse_args()
    chance = np.random.default_rng(args.seed)
    east_m, north_m, stations = stations_at(chance)
    fire = Fire(chance, east_m, north_m, pa.array(stations.station_ids))
    run = new_run(stations, args.slab_s)
    sizes = [len(members) for members in run.tiles.values()]
    print(f"{len(sizes)} tiles of {sizes} stations, slab {args.slab_s:g} s", flush=True)
    wall_s = cpu_s = 0.0
    clock = begin_ns = START_NS
    for at, table in enumerate(fire.pieces(args.hours * 3_600.0)):
        started = time.perf_counter(), time.process_time()
        clock = begin_ns + int((at + 1) * PIECE_S * 1e9)
        run.step([table], clock)
        wall_s, cpu_s = wall_s + time.perf_counter() - started[0], cpu_s + time.process_time() - started[1]
        if at % 12 == 11:
            show(run, fire, wall_s, cpu_s)
    started = time.perf_counter(), time.process_time()
    run.finish()
    wall_s, cpu_s = wall_s + time.perf_counter() - started[0], cpu_s + time.process_time() - started[1]
    show(run, fire, wall_s, cpu_s)
    print(f"per day: {cpu_s / 60.0 * 24.0 / args.hours:.1f} CPU minutes; digest {run.digest}")


def show(run: TileRun, fire: Fire, wall_s: float, cpu_s: float) -> None:
    """Print how far it is."""
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(
        f"{fire.detection_count:,} detections of {fire.event_count:,} events; {run.totals.event_count:,} events said; "
        f"{wall_s / 60.0:.2f} min wall, {cpu_s / 60.0:.2f} min CPU, {fire.detection_count / max(cpu_s, 1e-9):,.0f}/s, "
        f"peak {peak_mb:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
