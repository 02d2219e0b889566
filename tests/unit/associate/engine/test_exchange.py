"""Rounds of one mission that hold each other's detections are told apart; rounds that do not are left as they are."""

from __future__ import annotations

import numpy as np
import pytest

from laws.engine_world import make_world, network_of
from truceline.associate.engine import exchange as exchange_module
from truceline.associate.engine.accept import Events, claim, new_events, polish, reconsider, release
from truceline.associate.engine.exchange import ROUND_M, exchange, part
from truceline.associate.engine.layout import (
    DET_EXPLAINED,
    EV_ALIVE,
    EV_LOG_ODDS,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    Floats,
    Longs,
    Scene,
    Work,
    new_work,
)
from truceline.associate.engine.refine import state_odds
from truceline.associate.engine.solve import EARLIER_OR_LATER
from truceline.associate.network import Detections
from unit.associate.engine.made_scene import even_air, events_of, row_of, scene_of

STILL = even_air((340.0, 0.0, 0.0))
EAST_M = np.array([6_000.0, 7_500.0, 9_000.0, -6_000.0, -7_500.0, -9_000.0, 0.0, 400.0])
NORTH_M = np.array([500.0, -900.0, 300.0, -400.0, 800.0, -200.0, 8_000.0, -7_000.0])
TRUE = np.array([[0.0, 0.0, 60.0], [40.0, -30.0, 61.2], [-60.0, 20.0, 80.0]])
"""Three rounds of one mission: places (m) and times (s), the first two 1.2 s apart."""
LEAST = 3.0


def arrivals(rounds: Floats, chance_s: float = 0.02) -> tuple[Longs, Floats]:
    """Give the stations and times (s) of what every station hears of every round, round by round."""
    off_s = np.random.default_rng(5).normal(0.0, chance_s, (len(rounds), len(EAST_M)))
    times = [
        t_s + np.hypot(EAST_M - x_m, NORTH_M - y_m) / 340.0 + off
        for (x_m, y_m, t_s), off in zip(rounds, off_s, strict=True)
    ]
    return np.tile(np.arange(len(EAST_M)), len(rounds)), np.concatenate(times)


def mission(rounds: Floats = TRUE) -> tuple[Scene, Work]:
    """Build the scene of some rounds that eight stations hear, without clutter."""
    station, time_s = arrivals(rounds)
    none = np.full(len(time_s), np.nan)
    detections = Detections(station, time_s, none, none, none, none, np.full(len(time_s), -1))
    return scene_of(network_of(EAST_M, NORTH_M), detections), new_work()


def standing(scene: Scene, work: Work, rows: Floats) -> Events:
    """Let events stand at places and times (x, y, t), each weighed after those before it, and rest there."""
    events = new_events(len(rows) + 2)
    for e, (x_m, y_m, t_s) in enumerate(rows):
        events.row[e] = row_of(x_m, y_m, t_s)
        events.row[e, EV_ALIVE] = 1.0
        events.used[0] = e + 1
        claim(scene, events, e, work, state_odds(scene, STILL, work, events.row[e]))
    polish(scene, STILL, work, events, -1e9, True)
    return events


def mixed(scene: Scene, work: Work) -> Events:
    """Let the first two rounds hold each other's: one has what the east heard of the later, the other the rest.

    The detections of the east come 1.2 s later: the mean of both times, 204 m to the west. And the other way round.
    """
    return standing(scene, work, np.array([[-184.0, -10.0, 60.6], [224.0, -10.0, 60.6], TRUE[2]]))


def off_m(events: Events, e: int, true: int) -> float:
    """Give how far an event is from a true round."""
    return float(np.hypot(events.row[e, EV_X] - TRUE[true, 0], events.row[e, EV_Y] - TRUE[true, 1]))


def by_time(events: Events) -> Longs:
    """Give the standing events in order of time."""
    alive = np.flatnonzero(events.row[: events.used[0], EV_ALIVE] > 0.0)
    return alive[np.argsort(events.row[alive, EV_T])]


def explained_by_claims(scene: Scene, events: Events) -> bool:
    """Say whether what is explained is the sum of all claims."""
    total = np.zeros(len(scene.time_s))
    for e in range(events.used[0]):
        held = events.claim_count[e]
        np.add.at(total, events.claim[e, :held], events.rate[e, :held])
    return bool(np.allclose(total, scene.detections[:, DET_EXPLAINED], atol=1e-9))


def test_two_rounds_that_hold_each_others_detections_are_told_apart() -> None:
    """Neither can move alone, nothing else moves them, and taken apart both stand within metres of their places."""
    scene, work = mission()
    events = mixed(scene, work)
    reconsider(scene, STILL, work, events, EARLIER_OR_LATER)
    polish(scene, STILL, work, events, LEAST, True)
    before = events.row[:3].copy()
    held = min(off_m(events, 0, 0), off_m(events, 1, 1), off_m(events, 0, 1), off_m(events, 1, 0))
    moved = exchange(scene, STILL, work, events)
    first, second, third = by_time(events)

    assert held > 120.0
    assert 1 == moved
    assert off_m(events, first, 0) < 15.0
    assert off_m(events, second, 1) < 15.0
    assert np.allclose(TRUE[:2, 2], events.row[[first, second], EV_T], atol=0.05)
    assert events.row[:2, EV_LOG_ODDS].sum() > before[:2, EV_LOG_ODDS].sum() + 1.0
    assert np.allclose(before[2, [EV_X, EV_Y, EV_T]], events.row[third, [EV_X, EV_Y, EV_T]])
    assert (events.others[[first, second]] == -1.0).all()
    assert explained_by_claims(scene, events)


def test_what_is_well_placed_is_left() -> None:
    """Rounds that hold their own are put back as they were, whatever was tried."""
    scene, work = mission()
    events = standing(scene, work, TRUE)
    before = events.row[:3].copy()

    assert 0 == exchange(scene, STILL, work, events)
    assert 0 == part(scene, STILL, work, events, LEAST)
    assert 3 == events.used[0]
    assert np.allclose(before[:, [EV_X, EV_Y, EV_T]], events.row[:3, [EV_X, EV_Y, EV_T]], atol=1.0)
    assert explained_by_claims(scene, events)


def test_an_event_that_holds_two_rounds_becomes_two() -> None:
    """One event has detections of two rounds, and what is free shows that there are two."""
    scene, work = mission()
    events = standing(scene, work, np.array([[-184.0, -10.0, 60.6], TRUE[2]]))
    more = part(scene, STILL, work, events, LEAST)
    first, second, _ = by_time(events)

    assert 1 == more
    assert off_m(events, first, 0) < 15.0
    assert off_m(events, second, 1) < 15.0
    assert (events.row[[first, second], EV_LOG_ODDS] > LEAST).all()
    assert explained_by_claims(scene, events)


@pytest.mark.parametrize("own_range_m", [11_000.0, 2_000.0])
def test_a_round_that_rests_aside_on_clutter_is_begun_where_its_kin_are(own_range_m: float) -> None:
    """Held by two of its detections and two of clutter, it goes to where six are free, however near it seems heard."""
    # two kilometres away, on the one hyperbola that fits what north and south heard
    station, time_s = arrivals(TRUE)
    north, south = time_s[16 + 6], time_s[16 + 7]
    y_m = np.linspace(-500.0, 500.0, 2_001)
    travel_s = [np.hypot(EAST_M[k] - 2_200.0, NORTH_M[k] - y_m) / 340.0 for k in (6, 7)]
    at = int(np.argmin(np.abs((north - travel_s[0]) - (south - travel_s[1]))))
    aside = np.array([2_200.0, y_m[at], 0.5 * (north - travel_s[0][at] + south - travel_s[1][at])])
    clutter_s = aside[2] + np.hypot(EAST_M[:2] - aside[0], NORTH_M[:2] - aside[1]) / 340.0
    station, time_s = np.concatenate([station, [0, 1]]), np.concatenate([time_s, clutter_s])
    none = np.full(len(time_s), np.nan)
    detections = Detections(station, time_s, none, none, none, none, np.full(len(time_s), -1))
    scene, work = scene_of(network_of(EAST_M, NORTH_M), detections), new_work()
    events = standing(scene, work, np.array([TRUE[0], TRUE[1], aside]))
    events.row[2, EV_RANGE] = own_range_m
    held = off_m(events, 2, 2)
    more = part(scene, STILL, work, events, LEAST)

    assert held > ROUND_M
    assert 0 == more
    assert off_m(events, by_time(events)[2], 2) < 15.0
    assert explained_by_claims(scene, events)


def test_two_do_not_stand_where_either_is_too_weak_or_there_is_no_room() -> None:
    """Below the least log-odds there is one, and where no row is left nothing is tried."""
    scene, work = mission()
    events = standing(scene, work, np.array([[-184.0, -10.0, 60.6], TRUE[2]]))
    full = Events(*(column[:2] if len(column) > 1 else column for column in events))

    assert 0 == part(scene, STILL, work, full, LEAST)
    assert 0 == part(scene, STILL, work, events, 1e6)
    assert 2 == events.used[0]
    assert explained_by_claims(scene, events)


def test_a_place_beside_one_that_was_asked_is_not_asked_again() -> None:
    """Places less than 150 m from one before them are no new ones."""
    centre = np.array([[0.0, 0.0], [149.0, 0.0], [0.0, 151.0]])

    assert exchange_module._is_new(centre, 0)
    assert not exchange_module._is_new(centre, 1)
    assert exchange_module._is_new(centre[[0, 2]], 1)


def test_an_event_on_wrong_detections_is_begun_anew_where_its_kin_are() -> None:
    """Only one round is left to tell; the event that rests beside it comes back, and no second is made up."""
    scene, work = mission(TRUE[[0, 2]])
    events = standing(scene, work, TRUE[[0, 2]])
    release(scene, events, 0)
    events.row[0, [EV_X, EV_Y, EV_T]] = -900.0, 700.0, 61.0
    claim(scene, events, 0, work, state_odds(scene, STILL, work, events.row[0]))
    spoiled = events.row[0, EV_LOG_ODDS]
    events.row[0, EV_RANGE] = 11_000.0
    events.others[2] = 7.0
    more = part(scene, STILL, work, events, LEAST)

    assert 0 == more
    assert (-1.0, 7.0) == (events.others[0], events.others[2])  # where none was put, none is marked
    assert off_m(events, 0, 0) < 15.0
    assert events.row[0, EV_LOG_ODDS] > spoiled + 5.0
    assert explained_by_claims(scene, events)


def test_what_is_gone_is_neither_exchanged_nor_parted() -> None:
    """A dropped event keeps its row, claims nothing, and is nobody's kin."""
    scene, work = mission()
    events = mixed(scene, work)
    release(scene, events, 1)
    events.row[1, EV_ALIVE] = 0.0
    row = events.row[1].copy()

    assert 0 == exchange(scene, STILL, work, events)
    part(scene, STILL, work, events, 1e6)
    assert np.array_equal(row, events.row[1])
    assert 0 == events.claim_count[1]


def test_events_of_many_detections_that_agree_are_not_asked() -> None:
    """In a dense network nothing is moved by as much as a bit: each has so many of its own that few can be wrong."""
    world = make_world(1)
    scene, work, events = scene_of(world.network, world.detections), new_work(), events_of(world)
    for e in range(events.used[0]):
        claim(scene, events, e, work, state_odds(scene, even_air(), work, events.row[e]))
    before = events.row[: events.used[0], [EV_X, EV_Y, EV_T]].copy()
    exchange(scene, even_air(), work, events)

    assert np.array_equal(before, events.row[: events.used[0], [EV_X, EV_Y, EV_T]])
