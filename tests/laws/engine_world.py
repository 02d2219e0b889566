"""A made-up theatre for the association engine: jittered stations, explosions in wind, clutter, dead time and bearings.

The physics is written here once more, from its definition and without the engine's code, so that a fault of the engine
does not make the world that it is held against.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.engine import solve_window
from truceline.associate.network import Detections, Floats, Ints, Network, Solution
from truceline.associate.settings_engine import EngineSettings, MediumPrior

SOUND_SPEED_M_PER_S = 340.0
WIND_EAST_M_PER_S, WIND_NORTH_M_PER_S = 5.0, -3.0
SPAN_S = (0.0, 240.0)
MEDIUM = MediumPrior(wind_east_m_per_s=WIND_EAST_M_PER_S, wind_north_m_per_s=WIND_NORTH_M_PER_S)
SETTINGS = EngineSettings()
BEARING_SIGMA_DEG = 3.0
SPACING_M = 4_200.0
NEAR_M, NEAR_S = 500.0, 1.5
"""An event found within this of a true one is that one."""


class World(NamedTuple):
    """A network, what happened (columns of metres and seconds), and what was detected, with its true event or -1."""

    network: Network
    event_x_m: Floats
    event_y_m: Floats
    event_time_s: Floats
    event_range_m: Floats
    detections: Detections
    event_of: Ints


class Conditions(NamedTuple):
    """How a world is: its events and span, how much clutter, how well stations detect, and how far time is off."""

    event_count: int = 16
    clutter_hz: float = 0.004
    detection_probability: float = 0.92
    timing_sigma_s: float = 0.02
    dead_time_s: float = 0.6
    range_median_m: float = 11_000.0
    end_s: float = SPAN_S[1]
    modality_index: int = 0


def stations(*, conditions: Conditions | None = None) -> Network:
    """Make 10 x 5 stations, 4.2 km apart and jittered, about the origin; every third with bearings."""
    chance = np.random.default_rng(17)
    east, north = np.meshgrid(np.arange(10) - 4.5, np.arange(5) - 2.0)
    x_m = SPACING_M * east.ravel() + chance.normal(0.0, 500.0, east.size)
    y_m = SPACING_M * north.ravel() + chance.normal(0.0, 500.0, east.size)
    return network_of(x_m, y_m, conditions=conditions)


def network_of(x_m: Floats, y_m: Floats, *, conditions: Conditions | None = None) -> Network:
    """Give stations in good health at places, every third with bearings."""
    made = conditions or Conditions()
    count = len(x_m)
    return Network(
        x_m=np.asarray(x_m, dtype=np.float64),
        y_m=np.asarray(y_m, dtype=np.float64),
        timing_sigma_s=np.full(count, made.timing_sigma_s),
        dead_time_s=np.full(count, made.dead_time_s),
        clutter_rate_hz=np.full(count, made.clutter_hz),
        bearing_sigma_deg=np.where(np.arange(count) % 3 == 0, BEARING_SIGMA_DEG, np.nan),
        modality_index=np.full(count, made.modality_index, dtype=np.int64),
        weight_ratio=np.ones(count),
    )


def travel_time_s(way_x_m: Floats, way_y_m: Floats) -> Floats:
    """Give the time in which a front carried by the wind covers a way: fixed-point iteration of c T = |D - w T|."""
    time_s = np.hypot(way_x_m, way_y_m) / SOUND_SPEED_M_PER_S
    for _ in range(60):
        drift_x_m, drift_y_m = WIND_EAST_M_PER_S * time_s, WIND_NORTH_M_PER_S * time_s
        time_s = np.hypot(way_x_m - drift_x_m, way_y_m - drift_y_m) / SOUND_SPEED_M_PER_S
    return time_s


def make_world(seed: int, conditions: Conditions | None = None, network: Network | None = None) -> World:
    """Draw explosions over the network and what its stations make of them."""
    made = conditions or Conditions()
    chance = np.random.default_rng(seed)
    heard = stations(conditions=made) if network is None else network
    count = made.event_count
    x_m = chance.uniform(heard.x_m.min() + 1_000.0, heard.x_m.max() - 1_000.0, count)
    y_m = chance.uniform(min(heard.y_m.min(), -1.0) + 500.0, max(heard.y_m.max(), 1.0) - 500.0, count)
    time_s = np.sort(chance.uniform(5.0, made.end_s - 45.0, count))
    range_m = made.range_median_m * np.exp(chance.normal(0.0, 0.3, count))
    return with_events(chance, heard, np.stack([x_m, y_m, time_s, range_m]), made)


def with_events(chance: np.random.Generator, network: Network, events: Floats, conditions: Conditions) -> World:
    """Let the stations hear events, given as rows of x, y, time and range; shape (4, events)."""
    station, time_s, event_of, level = [], [], [], []
    for index, (x_m, y_m, start_s, range_m) in enumerate(events.T):
        distance_m = np.hypot(network.x_m - x_m, network.y_m - y_m)
        share = conditions.detection_probability / (1.0 + np.exp(np.minimum((distance_m / range_m - 1.0) / 0.12, 50.0)))
        near = np.flatnonzero(chance.random(len(distance_m)) < share)
        travel_s = travel_time_s(network.x_m[near] - x_m, network.y_m[near] - y_m)
        station.append(near)
        time_s.append(start_s + travel_s + chance.normal(0.0, conditions.timing_sigma_s, len(near)))
        level.append(1.2 * np.log10(range_m / np.maximum(distance_m[near], 100.0)) + chance.normal(0.0, 0.2, len(near)))
        event_of.append(np.full(len(near), index))
    number = chance.poisson(conditions.clutter_hz * conditions.end_s, len(network.x_m))
    station.append(np.repeat(np.arange(len(network.x_m)), number))
    time_s.append(chance.uniform(0.0, conditions.end_s, int(number.sum())))
    level.append(np.abs(chance.normal(0.0, 0.3, int(number.sum()))))
    event_of.append(np.full(int(number.sum()), -1))
    columns = [np.concatenate(part) for part in (station, time_s, level, event_of)]
    return _detected(chance, network, events, _awake(columns, network, conditions))


def _awake(columns: list[np.ndarray], network: Network, conditions: Conditions) -> list[np.ndarray]:
    """Keep what lies in the span and falls in no dead time, in order of station and time."""
    columns = [column[np.lexsort((columns[1], columns[0]))] for column in columns]
    kept, last = [], {}
    for row, (station, time_s) in enumerate(zip(columns[0].tolist(), columns[1].tolist(), strict=True)):
        busy = time_s - last.get(station, -1e9) < network.dead_time_s[station]
        if 0.0 <= time_s < conditions.end_s and not busy:
            kept.append(row)
            last[station] = time_s
    return [column[np.asarray(kept, dtype=np.int64)] for column in columns]


def _detected(chance: np.random.Generator, network: Network, events: Floats, columns: list[np.ndarray]) -> World:
    """Give the bearings that go with what was heard, and put the world together."""
    station, time_s, level, event_of = columns
    count = len(time_s)
    true = event_of >= 0
    bearing_deg = chance.uniform(0.0, 360.0, count)
    way_x_m = network.x_m[station[true]] - events[0, event_of[true]]
    way_y_m = network.y_m[station[true]] - events[1, event_of[true]]
    bearing_deg[true] = np.degrees(np.arctan2(-way_x_m, -way_y_m)) + chance.normal(0.0, BEARING_SIGMA_DEG, true.sum())
    detections = Detections(
        station_index=station.astype(np.int64),
        time_s=time_s,
        sigma_s=np.full(count, np.nan),
        bearing_deg=np.where(np.isnan(network.bearing_sigma_deg[station]), np.nan, bearing_deg % 360.0),
        bearing_sigma_deg=np.full(count, np.nan),
        amplitude_log10_ratio=level,
        phase_index=np.full(count, -1, dtype=np.int64),
    )
    return World(network, *events, detections, event_of.astype(np.int64))


def solve(
    world: World,
    *,
    medium: MediumPrior = MEDIUM,
    settings: EngineSettings = SETTINGS,
    span: tuple[float, float] = SPAN_S,
) -> Solution:
    """Solve a world with what is given of it."""
    return solve_window(world.network, world.detections, span_s=span, medium=medium, settings=settings)


def rows_of(detections: Detections, index: Ints) -> Detections:
    """Give some of the detections, in the order asked for."""
    return Detections(*(column[index] for column in detections))


def detections_of(station: Ints, time_s: Floats) -> Detections:
    """Give detections that say nothing but where and when."""
    count = len(time_s)
    nothing = np.full(count, np.nan)
    whose = np.asarray(station, dtype=np.int64)
    when_s = np.asarray(time_s, dtype=np.float64)
    return Detections(whose, when_s, nothing, nothing, nothing, nothing, np.full(count, -1, dtype=np.int64))


def joined(detections: Detections, more: Detections) -> Detections:
    """Give two sets of detections as one, the second after the first."""
    return Detections(*(np.concatenate(pair) for pair in zip(detections, more, strict=True)))


def stations_kept(world: World, kept: np.ndarray) -> World:
    """Give a world without some of its stations and their detections."""
    own = kept[world.detections.station_index]
    detections = rows_of(world.detections, np.flatnonzero(own))
    number = np.cumsum(kept) - 1
    return world._replace(
        network=Network(*(column[kept] for column in world.network)),
        detections=detections._replace(station_index=number[detections.station_index]),
        event_of=world.event_of[own],
    )


def on_one_line(jitter_m: float, *, seed: int = 5) -> World:
    """Make forty stations on a line of 40 km, off it by chance, with eight explosions on either flank of it."""
    chance = np.random.default_rng(seed)
    network = network_of(np.linspace(-20e3, 20e3, 40), chance.normal(0.0, jitter_m, 40) if jitter_m else np.zeros(40))
    network = network._replace(bearing_sigma_deg=np.full(40, np.nan))
    flank = chance.choice([-1.0, 1.0], 8)
    places = [chance.uniform(-15e3, 15e3, 8), flank * chance.uniform(1_500.0, 6_000.0, 8)]
    return with_events(
        chance, network, np.stack([*places, np.linspace(10.0, 180.0, 8), np.full(8, 11e3)]), Conditions()
    )


def found_of(world: World, solution: Solution) -> Ints:
    """Give for every found event the true one that it is, or -1; a true event is found once."""
    out = np.full(len(solution.x_m), -1)
    for index in np.argsort(-solution.log_odds_ratio, kind="stable"):
        off_m = np.hypot(world.event_x_m - solution.x_m[index], world.event_y_m - solution.y_m[index])
        near = (off_m < NEAR_M) & (np.abs(world.event_time_s - solution.time_s[index]) < NEAR_S)
        near &= ~np.isin(np.arange(len(near)), out)
        if near.any():
            out[index] = int(np.argmin(np.where(near, off_m, np.inf)))
    return out


def bytes_of(solution: Solution, names: np.ndarray | None = None) -> bytes:
    """Give a solution as bytes, to hold that two are the same to the last bit; `names` stand for its detections."""
    index = solution.member_detection_index
    named = solution._replace(member_detection_index=index if names is None else names[index])
    return b"".join(np.ascontiguousarray(column).tobytes() for column in named)
