"""One small scene, built by hand, on which the engine's parts are held against plain arithmetic."""

from __future__ import annotations

import numpy as np

from laws.engine_world import SPAN_S, World
from truceline.associate.engine.accept import Events, new_events
from truceline.associate.engine.layout import (
    EV_ALIVE,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    TH_DENSITY,
    Air,
    Floats,
    Scene,
)
from truceline.associate.engine.prepare import build_scene, in_order
from truceline.associate.network import Detections, Network
from truceline.associate.settings_engine import EngineSettings

DENSITY = 1e-10


def even_air(speeds: tuple[float, float, float] = (340.0, 5.0, -3.0)) -> Air:
    """Give air that is the same everywhere: sound speed, wind east and wind north in m/s."""
    return Air(np.array(speeds).reshape(1, 1, 1, 3), 0.0, 0.0, 0.0, 1.0, 1.0)


def sloping_air() -> tuple[Air, Floats, Floats]:
    """Give air that is linear in place and time over nodes, with its value at the origin and its slopes (4, 3)."""
    base = np.array([340.0, 4.0, -2.0])
    slopes = np.array([[1e-4, 3e-4, -2e-4], [-2e-4, 1e-4, 2e-4], [1e-3, -2e-3, 3e-3]])
    t, y, x = np.meshgrid(np.arange(3) * 100.0, -4e4 + 2e4 * np.arange(5), -6e4 + 2e4 * np.arange(7), indexing="ij")
    value = base + x[..., None] * slopes[0] + y[..., None] * slopes[1] + t[..., None] * slopes[2]
    return Air(np.ascontiguousarray(value), -6e4, -4e4, 0.0, 2e4, 100.0), base, slopes


def scene_of(network: Network, detections: Detections, settings: EngineSettings | None = None) -> Scene:
    """Build the scene of detections in whatever order, with a density of events that is given."""
    order = in_order(detections)
    ordered = Detections(*(column[order] for column in detections))
    scene = build_scene(network, ordered, span_s=SPAN_S, settings=settings or EngineSettings())
    scene.theta[TH_DENSITY] = DENSITY
    return scene


def row_of(x_m: float, y_m: float, time_s: float, range_m: float = 11_000.0) -> Floats:
    """Give a hypothesis at a place and time, not weighed yet."""
    row = np.zeros(EVENT_COLUMNS_COUNT)
    row[[EV_X, EV_Y, EV_T, EV_RANGE]] = x_m, y_m, time_s, range_m
    row[EV_LOG_DENSITY] = np.log(DENSITY)
    return row


def events_of(world: World) -> Events:
    """Give the true events of a world as accepted ones that are sure, and claim nothing yet."""
    events = new_events(len(world.event_x_m) + 4)
    for index, place in enumerate(zip(*world[1:5], strict=True)):
        events.row[index] = row_of(*map(float, place))
        events.row[index, [EV_LOG_ODDS, EV_ALIVE, EV_PURITY]] = 60.0, 1.0, 1.0
    events.used[0] = len(world.event_x_m)
    return events
