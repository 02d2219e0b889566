"""A wrong clock is found where many detections agree on another time, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from laws.engine_world import Conditions, World, detections_of, joined, make_world, rows_of
from truceline.associate.engine.clocks import OFFSET_MAX_S, find_clock_offsets, residuals_around
from truceline.associate.engine.layout import EV_ALIVE, EV_PURITY, STA_WEIGHT
from unit.associate.engine.made_scene import even_air, events_of, scene_of

STATION = 22
BUSY = Conditions(event_count=30)


def offsets(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Find the offsets in a world whose true events are known for sure."""
    return find_clock_offsets(scene_of(world.network, world.detections), even_air(), events_of(world))


def with_own(world: World, own_s: np.ndarray) -> World:
    """Give the world in which one station says something else."""
    others = rows_of(world.detections, np.flatnonzero(world.detections.station_index != STATION))
    return world._replace(detections=joined(others, detections_of(np.full(len(own_s), STATION), own_s)))


@pytest.mark.parametrize("offset_s", [-3.0, -0.5, 0.3, 2.0])
def test_an_offset_is_found_with_its_size(offset_s: float) -> None:
    """A clock off by less than four seconds is found to a few hundredths; all others are left as they are."""
    world = make_world(3, BUSY)
    own = world.detections.station_index == STATION
    found_s, sigma_s = offsets(
        world._replace(detections=world.detections._replace(time_s=world.detections.time_s + offset_s * own))
    )

    assert abs(found_s[STATION] - offset_s) < 0.06
    assert sigma_s[STATION] < 0.05
    assert [STATION] == np.flatnonzero(found_s).tolist()


@pytest.mark.parametrize("kind", ["silent", "random", "busy", "too far", "few of many"])
def test_without_agreement_no_clock_is_called_wrong(kind: str) -> None:
    """Silence, noise, an offset beyond four seconds and a few coincidences in much clutter say nothing of a clock."""
    world, chance = make_world(3, BUSY), np.random.default_rng(4)
    own_s = world.detections.time_s[world.detections.station_index == STATION]
    said_s = {
        "silent": np.zeros(0),
        "random": np.sort(chance.uniform(0.0, 240.0, len(own_s))),
        "busy": np.sort(np.random.default_rng(0).uniform(0.0, 240.0, 120)),
        "too far": own_s + 2.5 * OFFSET_MAX_S,
        "few of many": np.sort(np.concatenate([own_s[:7] + 1.0, chance.uniform(0.0, 240.0, 250)])),
    }[kind]
    found_s, sigma_s = offsets(with_own(world, said_s))

    assert 0.0 == found_s[STATION]
    assert np.isnan(sigma_s[STATION])


def test_much_clutter_that_agrees_by_chance_says_nothing() -> None:
    """Where as many agree as chance makes agree, the gain is too small, however many they are."""
    world = make_world(3, BUSY)
    found_s, sigma_s = offsets(with_own(world, np.arange(0.0, 240.0, 0.11)))

    assert 0.0 == np.abs(found_s).max()
    assert np.isnan(sigma_s).all()


def test_weak_events_and_stations_without_weight_say_nothing_of_clocks() -> None:
    """Only sure, pure events count, at stations with weight, and no more rows are written than there is room for."""
    world = make_world(3, BUSY)
    scene, events = scene_of(world.network, world.detections), events_of(world)
    station, off_s, expected = np.zeros(10, dtype=np.int64), np.zeros(10), np.zeros(50)
    full = residuals_around(scene, even_air(), events, station, off_s, expected)
    scene.stations[STATION, STA_WEIGHT] = 0.0
    deaf = np.zeros(50)
    residuals_around(scene, even_air(), events, np.zeros(5_000, dtype=np.int64), np.zeros(5_000), deaf)
    events.row[:15, EV_PURITY], events.row[15:, EV_ALIVE] = 0.5, 0.0
    none = np.zeros(50)

    assert 10 == full
    assert expected[STATION] > 3.0
    assert 0.0 == deaf[STATION]
    assert 0 == residuals_around(scene, even_air(), events, station, off_s, none)
    assert 0.0 == none.max()
