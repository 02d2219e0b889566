"""Which hypotheses stand together: what is claimed is explained, what is explained is not claimed again."""

from __future__ import annotations

import math

import numpy as np

from laws.engine_world import Conditions, World, make_world, solve
from truceline.associate.engine.accept import (
    Events,
    accept,
    claim,
    in_space,
    log_density,
    log_density_near,
    merge,
    new_events,
    polish,
    reconsider,
    release,
)
from truceline.associate.engine.layout import (
    DET_EXPLAINED,
    EV_ALIVE,
    EV_COUNT,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    TH_DENSITY,
    TH_KIN_COUNT,
    TH_KIN_SIGMA,
    TH_KIN_TIME,
    Floats,
    Scene,
    Work,
    new_work,
)
from truceline.associate.engine.refine import state_odds
from truceline.associate.engine.solve import EARLIER_OR_LATER
from truceline.associate.settings_engine import EngineSettings
from unit.associate.engine.made_scene import even_air, events_of, row_of, scene_of

EVERYTHING = (-math.inf, 0.0)


def proposals_of(world: World, shift_m: float = 0.0) -> Floats:
    """Give the true events as hypotheses, moved east by so much."""
    places = zip(*world[1:4], strict=True)
    return np.stack([row_of(float(x_m) + shift_m, float(y_m), float(t_s)) for x_m, y_m, t_s in places])


def accepted(world: World, least: tuple[float, float] = (2.0, 0.5)) -> tuple[Scene, Work, Events, int]:
    """Accept the true events of a world as far as they are believed."""
    scene, work = scene_of(world.network, world.detections), new_work()
    proposals = proposals_of(world)
    events = new_events(40)
    count = accept(scene, even_air(), work, events, proposals, np.arange(len(proposals)), least)
    return scene, work, events, int(count)


def test_what_is_claimed_is_explained_until_it_is_released() -> None:
    """What accepted events explain is the sum of their rates, and nothing is left of it when all are released."""
    world = make_world(1)
    scene, _, events, count = accepted(world)
    total = np.zeros(len(scene.time_s))
    for e in range(count):
        np.add.at(total, events.claim[e, : events.claim_count[e]], events.rate[e, : events.claim_count[e]])
    explained = scene.detections[:, DET_EXPLAINED].copy()
    for e in range(count):
        release(scene, events, e)

    assert count >= 14
    assert np.allclose(total, explained, rtol=1e-12)
    assert explained.max() > 1.0
    assert np.allclose(0.0, scene.detections[:, DET_EXPLAINED], atol=1e-9)
    assert (events.claim_count == 0).all()


def test_a_hypothesis_that_is_accepted_already_is_not_accepted_again() -> None:
    """Once an event explains its detections, the same event offered again has no odds left."""
    world = make_world(1)
    scene, work, events, count = accepted(world)
    again = accept(scene, even_air(), work, events, proposals_of(world, 40.0), np.arange(len(world[1])), (2.0, 0.5))

    assert count >= 14
    assert 0 == again


def test_what_is_too_weak_or_too_mixed_is_not_accepted() -> None:
    """No event is accepted below the least log-odds or the least purity, and never more than there is room for."""
    world = make_world(1)
    scene, work = scene_of(world.network, world.detections), new_work()
    room = new_events(3)
    order = np.arange(len(world.event_x_m))

    assert 0 == accepted(world, (1e6, 0.0))[3]
    assert 0 == accepted(world, (-1e6, 1e6))[3]
    assert 3 == accept(scene, even_air(), work, room, proposals_of(world), order, EVERYTHING)
    assert 5 == len(solve(world, settings=EngineSettings(events_max_count=5)).x_m)


def test_claims_are_bounded() -> None:
    """An event claims what it was weighed on, and the rate of a claim is the density at which it was expected."""
    world = make_world(1)
    scene, work, events = scene_of(world.network, world.detections), new_work(), events_of(world)
    n = state_odds(scene, even_air(), work, events.row[0])
    claim(scene, events, 0, work, n)
    used = events.claim[0, : events.claim_count[0]]

    assert 8 < len(used) <= n
    assert len(set(used.tolist())) == len(used)
    assert np.allclose(events.rate[0, : len(used)], scene.detections[used, DET_EXPLAINED])


def test_events_near_others_are_likelier() -> None:
    """The density of events is the even one, plus for each kin a normal in place and double exponential in time."""
    world = make_world(1)
    scene, events = scene_of(world.network, world.detections), events_of(world)
    theta = scene.theta
    row = row_of(world.event_x_m[0] + 120.0, world.event_y_m[0] - 50.0, world.event_time_s[0] + 4.0)
    square = (world.event_x_m - row[EV_X]) ** 2 + (world.event_y_m - row[EV_Y]) ** 2
    late_s = np.abs(world.event_time_s - row[EV_T])
    sigma_m, time_s = theta[TH_KIN_SIGMA], theta[TH_KIN_TIME]
    near = (square < 16.0 * sigma_m**2) & (late_s <= 4.0 * time_s)
    kin = np.exp(-0.5 * square / sigma_m**2 - late_s / time_s) / (2.0 * np.pi * sigma_m**2 * 2.0 * time_s)
    expected = math.log(theta[TH_DENSITY] + theta[TH_KIN_COUNT] * kin[near].sum())

    assert math.isclose(expected, log_density(scene, events, row, -1), rel_tol=1e-9)
    assert math.isclose(expected, log_density_near(scene, events, row, -1, in_space(events)), rel_tol=1e-9)
    assert math.isclose(math.log(theta[TH_DENSITY]), log_density(scene, events, row, 0), rel_tol=1e-9)


def test_polishing_drops_what_nothing_speaks_for() -> None:
    """An accepted event about nothing is dropped, true ones stay, and what nothing changed is not weighed again."""
    world = make_world(1)
    scene, work, events, count = accepted(world)
    false = row_of(-19_000.0, 9_000.0, 3.0)
    false[[EV_ALIVE, EV_LOG_ODDS]] = 1.0, 5.0
    events.row[count] = false
    events.used[0] += 1
    dropped = polish(scene, even_air(), work, events, 2.0, True)
    for _ in range(8):
        polish(scene, even_air(), work, events, 2.0, False)
    before = events.row.copy()

    assert 1 == dropped
    assert 0.0 == events.row[count, EV_ALIVE]
    assert (events.row[:count, EV_ALIVE] == 1.0).all()
    assert 0 == polish(scene, even_air(), work, events, 2.0, False)
    assert np.array_equal(before, events.row)


def test_two_halves_of_one_event_are_merged() -> None:
    """Two claims a few hundred metres apart that one event explains better become that event."""
    world = make_world(5, Conditions(event_count=1, clutter_hz=0.001))
    scene, work, events = scene_of(world.network, world.detections), new_work(), new_events(4)
    x_m, y_m, time_s = (float(column[0]) for column in world[1:4])
    for e, shift_m in enumerate((300.0, -900.0)):
        row = row_of(x_m + shift_m, y_m, time_s)
        row[[EV_ALIVE, EV_LOG_ODDS, EV_PURITY, EV_COUNT, EV_RANGE]] = 1.0, 5.0 - e, 0.5, 4.0, 11_000.0
        events.row[e] = row
    events.used[0] = 2
    merged = merge(scene, even_air(), work, events, np.array([1, 0]))
    alive = events.row[:2, EV_ALIVE] > 0.0

    assert 1 == merged
    assert [True, False] == alive.tolist()
    assert math.hypot(events.row[0, EV_X] - x_m, events.row[0, EV_Y] - y_m) < 60.0


def test_two_true_events_are_not_merged() -> None:
    """Two events a kilometre and a second apart stay two, with what each claims as it was."""
    world = make_world(5, Conditions(event_count=2, clutter_hz=0.001))
    scene, work, events, count = accepted(world)
    events.row[:count, EV_PURITY] = 0.5
    events.row[1, EV_T], events.row[1, EV_X] = events.row[0, EV_T] + 1.0, events.row[0, EV_X] + 1_000.0
    events.row[1, EV_Y] = events.row[0, EV_Y]
    merged = merge(scene, even_air(), work, events, np.array([1, 0]))

    assert 2 == count
    assert 0 == merged
    assert (events.row[:2, EV_ALIVE] == 1.0).all()


def test_only_what_stands_near_is_asked() -> None:
    """Asking only near events in order of x or of y gives what asking all gives, without an event's own share."""
    world = make_world(1)
    for column in (EV_X, EV_Y):
        scene, events = scene_of(world.network, world.detections), events_of(world)
        count = events.used[0]
        scene.theta[TH_KIN_TIME] = 1e6
        events.row[:count, EV_X + EV_Y - column] *= 1e-3
        events.row[1, EV_ALIVE] = 0.0
        ordered = in_space(events)
        of_all = [log_density(scene, events, events.row[e], e) for e in range(count)]
        near = [log_density_near(scene, events, events.row[e], e, ordered) for e in range(count)]

        assert column == ordered[2]
        assert 1 not in ordered[0]
        assert (np.diff(ordered[1]) >= 0.0).all()
        assert np.allclose(of_all, near, rtol=1e-12)


def test_an_event_that_rests_on_the_wrong_place_is_found_again() -> None:
    """Moved 0.35 s and 90 m off, an event comes back to where it is likeliest; one that fits stays where it is."""
    world = make_world(1)
    scene, work, events, count = accepted(world)
    polish(scene, even_air(), work, events, 2.0, True)
    rested = events.row[:count].copy()
    release(scene, events, 0)
    events.row[0, EV_T] += 0.35
    events.row[0, EV_X] += 90.0
    claim(scene, events, 0, work, state_odds(scene, even_air(), work, events.row[0]))
    spoiled = events.row[0, EV_LOG_ODDS]
    moved = reconsider(scene, even_air(), work, events, EARLIER_OR_LATER)

    assert moved >= 1
    assert spoiled < rested[0, EV_LOG_ODDS] - 5.0
    assert math.isclose(rested[0, EV_LOG_ODDS], events.row[0, EV_LOG_ODDS], abs_tol=0.5)
    assert math.hypot(*(events.row[0, [EV_X, EV_Y]] - rested[0, [EV_X, EV_Y]])) < 10.0
    assert (events.row[:count, EV_LOG_ODDS] >= rested[:, EV_LOG_ODDS] - 0.5).all()
    assert 0 == reconsider(scene, even_air(), work, events, EARLIER_OR_LATER)


def test_what_is_gone_is_not_reconsidered() -> None:
    """A dropped event keeps its row and claims nothing."""
    scene, work, events, count = accepted(make_world(1))
    release(scene, events, 2)
    events.row[2, [EV_ALIVE, EV_T]] = 0.0, 1e6
    row = events.row[2].copy()
    reconsider(scene, even_air(), work, events, EARLIER_OR_LATER)

    assert count > 3
    assert np.array_equal(row, events.row[2])
    assert 0 == events.claim_count[2]


def test_what_was_reconsidered_claims_as_if_claimed_anew() -> None:
    """After `reconsider` the last event claims what it claims when it is let go and weighed anew where it stands."""
    scene, work, events, count = accepted(make_world(3))
    polish(scene, even_air(), work, events, 2.0, True)
    events.row[count - 1, EV_T] += 0.3
    reconsider(scene, even_air(), work, events, EARLIER_OR_LATER)
    held = int(events.claim_count[count - 1])
    detections, rates = events.claim[count - 1, :held].copy(), events.rate[count - 1, :held].copy()
    explained = scene.detections[:, DET_EXPLAINED].copy()
    release(scene, events, count - 1)
    claim(scene, events, count - 1, work, state_odds(scene, even_air(), work, events.row[count - 1]))

    assert held == events.claim_count[count - 1] > 3
    assert np.array_equal(detections, events.claim[count - 1, :held])
    assert np.allclose(rates, events.rate[count - 1, :held], rtol=1e-9)
    assert np.allclose(explained, scene.detections[:, DET_EXPLAINED], atol=1e-12)
