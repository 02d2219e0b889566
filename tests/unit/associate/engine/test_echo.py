"""What stations report soon after they should have heard an event is known for echoes, where it comes after only."""

from __future__ import annotations

import numpy as np
import pytest

from laws.engine_world import SPAN_S, Conditions, World, detections_of, joined, make_world, solve, with_events
from truceline.associate.engine import solve as engine
from truceline.associate.engine.accept import claim, new_events
from truceline.associate.engine.echo import echo_rates
from truceline.associate.engine.layout import DET_EXPLAINED, Floats, Longs, Scene, new_work
from truceline.associate.engine.prepare import in_order
from truceline.associate.engine.refine import state_odds
from unit.associate.engine.made_scene import even_air, events_of, scene_of

MANY = Conditions(event_count=24, clutter_hz=0.01, dead_time_s=0.1)
LATE_S = (0.5, 1.5)
AIR = even_air()


def with_late(world: World, share: float, *between_s: tuple[float, float]) -> tuple[World, Floats]:
    """Let a share of the true detections come once more, so much later (below 0: earlier); say which those are."""
    chance = np.random.default_rng(11)
    station, time_s = [], []
    for low_s, high_s in between_s:
        true = np.flatnonzero((world.event_of >= 0) & (chance.random(len(world.event_of)) < share))
        station.append(world.detections.station_index[true])
        time_s.append(world.detections.time_s[true] + chance.uniform(low_s, high_s, len(true)))
    more = detections_of(np.concatenate(station), np.clip(np.concatenate(time_s), *SPAN_S))
    is_late = np.arange(len(world.event_of) + len(more.time_s)) >= len(world.event_of)
    return world._replace(detections=joined(world.detections, more)), is_late


def rates_of(world: World) -> tuple[Floats, Scene, Longs]:
    """Let the true events stand and claim what is theirs; give the rates of echoes, the scene, and its order."""
    scene, work, events = scene_of(world.network, world.detections), new_work(), events_of(world)
    for e in range(events.used[0]):
        claim(scene, events, e, work, state_odds(scene, AIR, work, events.row[e]))
    order = in_order(world.detections)
    rates = echo_rates(scene, AIR, events, work=work, station_of=world.detections.station_index[order])
    return rates, scene, order


def test_clutter_alone_is_no_echo() -> None:
    """Where nothing comes late, nothing is expected late, whatever clutter there is."""
    rates, _, _ = rates_of(make_world(6, MANY))

    assert not rates.any()


def test_echoes_are_expected_as_often_as_they_come() -> None:
    """Twice as many echoes are expected at twice the rate, and an event's own detections are hardly taken for any."""
    expected_hz = []
    for share in (0.3, 0.6):
        world, is_late = with_late(make_world(6, MANY), share, LATE_S)
        rates, scene, order = rates_of(world)
        own = scene.detections[:, DET_EXPLAINED] > 1.0
        expected_hz.append(float(rates[is_late[order]].mean()))

        assert 0.4 * share < expected_hz[-1] < share  # a second wide; where few are heard, fewer are expected
        assert rates[own].mean() < 0.1 * expected_hz[-1]
    assert 1.5 < expected_hz[1] / expected_hz[0] < 2.5


def test_what_comes_before_as_often_as_after_is_no_echo() -> None:
    """Rounds that were not found lie on either side of those that were: they are not taken for echoes."""
    before_s = (-LATE_S[1], -LATE_S[0])
    world, _ = with_late(make_world(6, MANY), 0.3, LATE_S, before_s)
    rates, _, _ = rates_of(world)

    assert not rates.any()


def test_whole_rounds_that_were_not_found_are_no_echo() -> None:
    """Eight rounds that follow known ones, and that nobody found, do not make echoes, though each is heard by many."""
    known = make_world(6, MANY)
    later = known._replace(event_time_s=known.event_time_s + 1.5)
    rounds = np.stack([*later[1:5]])[:, ::3]
    unfound = with_events(np.random.default_rng(3), known.network, rounds, MANY._replace(clutter_hz=0.0)).detections
    rates, _, _ = rates_of(known._replace(detections=joined(known.detections, unfound)))

    assert rounds.shape[1] == 8
    assert len(unfound.time_s) > 60
    assert not rates.any()


def test_no_event_has_no_echo() -> None:
    """Where no event stands, nothing is expected to come late."""
    world, _ = with_late(make_world(6, MANY), 0.4, LATE_S)
    scene, station_of = scene_of(world.network, world.detections), np.sort(world.detections.station_index)

    assert not echo_rates(scene, AIR, new_events(4), work=new_work(), station_of=station_of).any()


def found_and_false(worlds: list[World]) -> tuple[int, int]:
    """Solve worlds and count the true events that were found, within 500 m and 1 s, and all other events said."""
    found = said = 0
    for world in worlds:
        solution = solve(world)
        off_m = np.hypot(world.event_x_m[:, None] - solution.x_m, world.event_y_m[:, None] - solution.y_m)
        off_s = abs(world.event_time_s[:, None] - solution.time_s)
        found += int(((off_m < 500.0) & (off_s < 1.0)).any(axis=1).sum())
        said += len(solution.x_m)
    return found, said - found


def test_echoes_make_fewer_events_that_never_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where six of ten detections echo, expecting that takes away second events, and hardly a true one."""
    worlds = [with_late(make_world(seed, MANY), 0.6, LATE_S)[0] for seed in range(4)]
    known = found_and_false(worlds)
    monkeypatch.setattr(engine, "echo_rates", lambda scene, *_, **__: np.zeros(len(scene.time_s)))
    unknown = found_and_false(worlds)

    assert known[0] >= unknown[0] - 1
    assert known[1] < 0.7 * unknown[1]
