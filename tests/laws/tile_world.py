"""A small made-up theatre for the tile runner: stations in a plane, explosions far enough apart, and a simple solver.

The solver is no part of the program: it finds explosions that do not overlap, so that the laws of everything around a
solver can be held without one that is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from truceline.associate.network import Detections, Floats, Network, Solution
from truceline.associate.tiles import TileGrid
from truceline.model.network import DETECTION_SCHEMA, STATION_SCHEMA
from truceline.physics.geodesy import EqualScalePlane, plane_for, points_of
from truceline.runners.tile_network import StationNetwork, read_stations
from truceline.runners.tile_settings import TileRunSettings, levels_on
from truceline.runners.tile_solving import Solving, TileTask
from truceline.runners.tiles import TileRun

SOUND_SPEED_M_PER_S = 340.0
START_NS = 1_745_100_000_000_000_000
"""A time on a slab's edge of the grid below: 1,745,100,000 s is a multiple of 60."""
PLANE = plane_for(points_of([37.0, 39.0], [48.0, 49.0]))
CENTRE_X_M, CENTRE_Y_M = (float(value[0]) for value in PLANE.project_m(points_of([38.0], [48.5])))
GRID = TileGrid(
    plane=PLANE,
    origin_x_m=CENTRE_X_M - 30_000.0,
    origin_y_m=CENTRE_Y_M - 30_000.0,
    core_m=30_000.0,
    slab_s=60.0,
    halo_m=16_000.0,
    before_s=30.0,
    after_s=45.0,
)
"""Cores meet in the middle of the network; slabs are short, so that a few minutes have many borders."""
MODALITIES = {"acoustic": 0}
REACH_M = 12_000.0


class Blast(NamedTuple):
    """One explosion: metres from the middle of the network, seconds after the start."""

    east_m: float
    north_m: float
    time_s: float


def station_table(*, on_a_line: bool = False) -> pa.Table:
    """Make stations 4 km apart over 44 km x 20 km, jittered; or all on one straight line."""
    chance = np.random.default_rng(3)
    east, north = np.meshgrid(np.arange(-22e3, 23e3, 4e3), np.arange(-8e3, 9e3, 4e3))
    east, north = (value.ravel() + chance.normal(0.0, 400.0, value.size) for value in (east, north))
    if on_a_line:
        north = 0.5 * east
    points = PLANE.points_at(east + CENTRE_X_M, north + CENTRE_Y_M)
    count = len(east)
    return pa.table(
        {
            "station_id": [f"s{index:03d}" for index in range(count)],
            "longitude_deg": points.longitude_deg,
            "latitude_deg": points.latitude_deg,
            "modality": ["acoustic"] * count,
            "timing_sigma_s": [0.02] * count,
            "bearing_sigma_deg": pa.nulls(count, pa.float64()),
            "dead_time_s": [0.5] * count,
            "clutter_rate_hz": pa.nulls(count, pa.float64()),
            "operator": ["made"] * count,
        },
        schema=STATION_SCHEMA,
    )


def network(table: pa.Table | None = None, plane: EqualScalePlane | None = PLANE) -> StationNetwork:
    """Read the stations in the plane of the grid."""
    return read_stations(station_table() if table is None else table, modality_index=MODALITIES, plane=plane)


def blasts(count: int = 6, *, seed: int = 5) -> list[Blast]:
    """Draw explosions, 17 s apart: some fall on borders of tiles and slabs by themselves."""
    chance = np.random.default_rng(seed)
    return [
        Blast(float(chance.uniform(-18e3, 18e3)), float(chance.uniform(-7e3, 7e3)), 10.0 + 17.0 * index)
        for index in range(count)
    ]


def detection_table(
    heard: Sequence[Blast], stations: StationNetwork, *, late_share: float = 0.1, clutter_count: int = 20
) -> pa.Table:
    """Make what the stations hear, with clutter; most is received within 20 s, a share hours later."""
    chance = np.random.default_rng(11)
    x_m, y_m = stations.network.x_m, stations.network.y_m
    station, time_s = [], []
    for blast in heard:
        distance_m = np.hypot(x_m - CENTRE_X_M - blast.east_m, y_m - CENTRE_Y_M - blast.north_m)
        near = np.flatnonzero(distance_m < REACH_M)
        station.append(near)
        time_s.append(blast.time_s + distance_m[near] / SOUND_SPEED_M_PER_S + chance.normal(0.0, 0.02, len(near)))
    last_s = max((blast.time_s for blast in heard), default=100.0) + 40.0
    station.append(chance.integers(0, len(x_m), clutter_count))
    time_s.append(chance.uniform(0.0, last_s, clutter_count))
    stations_flat, times_flat = np.concatenate(station), np.concatenate(time_s)
    count = len(times_flat)
    delay_s = chance.uniform(1.0, 20.0, count)
    late = chance.random(count) < late_share
    delay_s[late] = chance.choice([1_800.0, 9_000.0, 30_000.0], int(late.sum()))
    time_ns = START_NS + np.rint(times_flat * 1e9).astype(np.int64)
    return table_of(
        [f"d{index:05d}" for index in range(count)],
        [stations.station_ids[index] for index in stations_flat],
        time_ns,
        time_ns + np.rint(delay_s * 1e9).astype(np.int64),
    )


def table_of(
    detection_ids: Sequence[str], station_ids: Sequence[str], time_ns: np.ndarray, received_ns: np.ndarray
) -> pa.Table:
    """Make a table of detections that say nothing but when."""
    count = len(detection_ids)
    instant = pa.timestamp("ns", "UTC")
    return pa.table(
        {
            "detection_id": detection_ids,
            "station_id": station_ids,
            "time": pa.array(time_ns, pa.int64()).cast(instant),
            "received_time": pa.array(received_ns, pa.int64()).cast(instant),
            **{
                name: pa.nulls(count, DETECTION_SCHEMA.field(name).type)
                for name in ("timing_sigma_s", "bearing_deg", "bearing_sigma_deg", "amplitude_pa", "phase")
            },
        },
        schema=DETECTION_SCHEMA,
    )


def settings(grid: TileGrid = GRID, **changes: object) -> TileRunSettings:
    """Give the settings of all three levels on a grid."""
    return TileRunSettings(levels=levels_on(grid), **changes)  # type: ignore[arg-type]


def new_run(
    stations: StationNetwork | None = None,
    *,
    solving: Solving | None = None,
    run_settings: TileRunSettings | None = None,
    state: bytes | None = None,
) -> TileRun:
    """Begin a run with the simple solver, or go on with one."""
    return TileRun(
        network() if stations is None else stations,
        solving or Solving(solve_simply, solver_id="simple"),
        settings=run_settings or settings(),
        state=state,
    )


def solve_simply(task: TileTask) -> Solution:
    """Find explosions that do not overlap: the earliest free detection leads, arrivals that fit it follow."""
    station, time_s = task.detections.station_index, task.detections.time_s
    free = np.ones(len(time_s), bool)
    found: list[tuple[Floats, np.ndarray, Floats, Floats]] = []
    for leader in np.lexsort((station, time_s)).tolist():
        if not free[leader]:
            continue
        fit = _fitted(task.network, task.detections, leader, np.flatnonzero(free))
        if fit is not None:
            found.append(fit)
            free[fit[1]] = False
    return _solution(sorted(found, key=lambda fit: (fit[0][2], fit[0][0], fit[0][1])), len(task.network.x_m))


def _fitted(
    stations: Network, detections: Detections, leader: int, free: np.ndarray
) -> tuple[Floats, np.ndarray, Floats, Floats] | None:
    """Fit place and time to what can come of the leader's explosion; `None` for fewer than nine that agree."""
    at = detections.station_index
    x_m, y_m, time_s = stations.x_m[at], stations.y_m[at], detections.time_s
    apart_m = np.hypot(x_m[free] - x_m[leader], y_m[free] - y_m[leader])
    lag_s = time_s[free] - time_s[leader]
    able = free[(lag_s >= 0.0) & (lag_s <= apart_m / SOUND_SPEED_M_PER_S + 0.2) & (apart_m < 2.0 * REACH_M)]
    if np.count_nonzero(np.hypot(x_m[able] - x_m[leader], y_m[able] - y_m[leader]) < 7_000.0) < 4:
        return None
    state = _best_start(x_m[able], y_m[able], time_s[able], np.array([x_m[leader], y_m[leader]]))
    jacobian = np.zeros((0, 3))
    for gate_s in (1.6, 0.6, 0.2, 0.1):
        able = able if gate_s > 0.5 else free
        distance_m = np.hypot(state[0] - x_m[able], state[1] - y_m[able])
        members = able[np.abs(time_s[able] - state[2] - distance_m / SOUND_SPEED_M_PER_S) < gate_s]
        if len(members) < 9:
            return None
        distance_m = np.maximum(np.hypot(state[0] - x_m[members], state[1] - y_m[members]), 1.0)
        slowness = np.array([state[0] - x_m[members], state[1] - y_m[members]]) / distance_m / SOUND_SPEED_M_PER_S
        jacobian = np.column_stack([slowness.T, np.ones(len(members))])
        residual_s = time_s[members] - state[2] - distance_m / SOUND_SPEED_M_PER_S
        state = state + np.linalg.lstsq(jacobian, residual_s, rcond=None)[0]
    distance_m = np.hypot(state[0] - x_m[members], state[1] - y_m[members])
    residual_s = time_s[members] - state[2] - distance_m / SOUND_SPEED_M_PER_S
    return state, members, residual_s, np.linalg.pinv(jacobian.T @ jacobian) * 0.02**2


def _best_start(x_m: Floats, y_m: Floats, time_s: Floats, around_m: Floats) -> Floats:
    """Give place and time, of a grid of places around the leader's station, with which most arrivals agree."""
    east_m, north_m = (part.ravel() for part in np.meshgrid(*[np.arange(-6_000.0, 6_001.0, 1_000.0)] * 2))
    east_m, north_m = around_m[0] + east_m, around_m[1] + north_m
    origin_s = time_s - np.hypot(east_m[:, None] - x_m, north_m[:, None] - y_m) / SOUND_SPEED_M_PER_S
    middle_s = np.median(origin_s, axis=1)
    best = int(np.argmax(np.count_nonzero(np.abs(origin_s - middle_s[:, None]) < 1.2, axis=1)))
    return np.array([east_m[best], north_m[best], middle_s[best]])


def _solution(found: list[tuple[Floats, np.ndarray, Floats, Floats]], station_count: int) -> Solution:
    """Lay fits out as the engine does."""
    count = len(found)
    states = np.array([fit[0] for fit in found]).reshape(count, 3)
    upper = np.triu_indices(3)
    sizes = np.array([len(fit[1]) for fit in found], np.int64)
    unknown = np.full(count, np.nan)
    log_odds = 3.0 * sizes - np.array([float(np.abs(fit[2]).sum()) for fit in found])
    members = np.concatenate([np.zeros(0, np.int64), *(fit[1] for fit in found)])
    return Solution(
        x_m=states[:, 0],
        y_m=states[:, 1],
        time_s=states[:, 2],
        covariance=np.array([fit[3][upper] for fit in found]).reshape(count, 6),
        region_tail_ratio=np.full(count, 0.05),
        log_odds_ratio=log_odds,
        event_probability=1.0 / (1.0 + np.exp(-log_odds)),
        detection_range_m=np.full(count, REACH_M),
        defining_count=sizes,
        alternative_x_m=unknown,
        alternative_y_m=unknown,
        alternative_probability=unknown,
        member_event_index=np.repeat(np.arange(count), sizes),
        member_detection_index=members,
        member_probability=np.full(len(members), 0.9),
        member_residual_s=np.concatenate([np.zeros(0), *(fit[2] for fit in found)]),
        station_clock_offset_s=np.zeros(station_count),
        station_clock_sigma_s=np.zeros(station_count),
        station_clutter_rate_hz=np.zeros(station_count),
    )
