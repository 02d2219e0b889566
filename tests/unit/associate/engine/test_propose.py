"""Three arrivals make an event in closed form, in wind; places of known events tell the times of more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.engine_world import (
    SPAN_S,
    Conditions,
    World,
    detections_of,
    make_world,
    network_of,
    travel_time_s,
    with_events,
)
from truceline.associate.engine.accept import new_events
from truceline.associate.engine.effort import CALM
from truceline.associate.engine.layout import (
    DET_EXPLAINED,
    EV_ALIVE,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    TH_QUICK_RATIO,
    TH_QUICK_S,
    Scene,
    new_work,
)
from truceline.associate.engine.learn import learn_free_rate
from truceline.associate.engine.propose import _circles, _room, _weigh_anchor, propose
from truceline.associate.engine.repeat import repeat
from unit.associate.engine.made_scene import even_air, row_of, scene_of

many = settings(max_examples=80, deadline=None, derandomize=True)


def completed(partner: tuple[float, float, float]) -> tuple[float, float, float, float, float]:
    """Give a partner (x, y, b) with D^2 and (D^2 - b^2) / 2 behind."""
    x, y, b = partner
    return x, y, b, x * x + y * y, 0.5 * (x * x + y * y - b * b)


@many
@given(
    x_m=st.floats(-9e3, 9e3),
    y_m=st.floats(-9e3, 9e3),
    a_m=st.tuples(st.floats(3e3, 6e3), st.floats(-2e3, 2e3)),
    b_m=st.tuples(st.floats(-2e3, 2e3), st.floats(3e3, 6e3)),
)
def test_three_arrivals_make_the_event(
    x_m: float, y_m: float, a_m: tuple[float, float], b_m: tuple[float, float]
) -> None:
    """In the frame that moves with the wind one of two solutions is the event's distance, and its place follows."""
    wind_x_m_per_s, wind_y_m_per_s, speed_m_per_s = 5.0, -3.0, 340.0
    ways = np.array([(0.0, 0.0), a_m, b_m]) - (x_m, y_m)
    due_s = travel_time_s(ways[:, 0], ways[:, 1])
    later_s = due_s - due_s[0]
    partners = [
        (place[0] - wind_x_m_per_s * late, place[1] - wind_y_m_per_s * late, speed_m_per_s * late)
        for place, late in zip((a_m, b_m), later_s[1:], strict=True)
    ]
    first, second, px, py, qx, qy = _circles(*map(completed, partners))
    places = [(px - rho * qx - wind_x_m_per_s * due_s[0], py - rho * qy - wind_y_m_per_s * due_s[0])
              for rho in (first, second)]  # fmt: skip

    assert min(math.hypot(found[0] - x_m, found[1] - y_m) for found in places) < 1.0


def test_partners_in_one_line_make_nothing() -> None:
    """Two partners in one direction cannot tell a flank, and nothing is made of them."""
    near, far = completed((1_000.0, 0.0, 100.0)), completed((3_000.0, 20.0, 200.0))

    assert (-1.0, -1.0) == _circles(near, far)[:2]


def ready_scene(conditions: Conditions, seed: int) -> tuple[Scene, np.ndarray, World]:
    """Give a scene that knows its stations' free rates, the station of each detection, and its world."""
    world = make_world(seed, conditions)
    scene = scene_of(world.network, world.detections)
    scene.theta[[TH_QUICK_S, TH_QUICK_RATIO]] = 0.12, 0.009
    station_of = np.repeat(np.arange(len(scene.stations)), np.diff(scene.start))
    learn_free_rate(scene, station_of, SPAN_S[1] - SPAN_S[0])
    return scene, station_of, world


def test_every_event_is_proposed_where_it_was() -> None:
    """From free detections alone nearly every event that many heard is proposed, within its timing error."""
    scene, station_of, world = ready_scene(Conditions(event_count=10, clutter_hz=0.002), 6)
    out = np.zeros((200, EVENT_COLUMNS_COUNT))
    tried = np.zeros(len(station_of), dtype=np.bool_)
    order = np.argsort(scene.time_s, kind="stable")
    count = propose(scene, even_air(), new_work(), order, station_of, tried, 0.8, CALM.quick, new_events(1), out)
    made = out[:count]
    off_m = np.hypot(made[:, EV_X, None] - world.event_x_m, made[:, EV_Y, None] - world.event_y_m)
    off_m[np.abs(made[:, EV_T, None] - world.event_time_s) > 1.0] = np.inf

    assert (off_m.min(axis=0) < 150.0).sum() >= 9
    assert (made[:, EV_LOG_ODDS] >= 0.0).all()


def test_what_is_explained_proposes_nothing() -> None:
    """Detections that accepted events explain are no anchors, and a full list of proposals is the end."""
    scene, station_of, _ = ready_scene(Conditions(event_count=10, clutter_hz=0.002), 6)
    order = np.argsort(scene.time_s, kind="stable")
    one = np.zeros((1, EVENT_COLUMNS_COUNT))
    fresh, nobody = np.zeros(len(order), dtype=np.bool_), new_events(1)
    full = propose(scene, even_air(), new_work(), order, station_of, fresh.copy(), 2.0, CALM.quick, nobody, one)
    scene.detections[:, DET_EXPLAINED] = 10.0
    out = np.zeros((200, EVENT_COLUMNS_COUNT))
    none = propose(scene, even_air(), new_work(), order, station_of, fresh.copy(), 0.8, CALM.quick, nobody, out)

    assert 1 == full
    assert 0 == none


def test_care_finds_what_few_heard() -> None:
    """Where the few that heard an event stand far apart, farther partners and second candidates find more of them."""
    scene, station_of, world = ready_scene(
        Conditions(event_count=30, clutter_hz=0.001, range_median_m=9_000.0, detection_probability=0.55), 9
    )
    order = np.argsort(scene.time_s, kind="stable")
    found = []
    for care in (CALM.quick, CALM.careful):
        out, tried = np.zeros((400, EVENT_COLUMNS_COUNT)), np.zeros(len(order), dtype=np.bool_)
        count = propose(scene, even_air(), new_work(), order, station_of, tried, 2.0, care, new_events(1), out)
        off_m = np.hypot(out[:count, EV_X, None] - world.event_x_m, out[:count, EV_Y, None] - world.event_y_m)
        off_m[np.abs(out[:count, EV_T, None] - world.event_time_s) > 2.0] = np.inf
        found.append(off_m.min(axis=0) < 500.0)

    assert (found[1] & ~found[0]).sum() > (found[0] & ~found[1]).sum()


def test_care_takes_events_near_known_ones_for_likelier() -> None:
    """With a known event of the same mission beside it, a hypothesis has higher odds than alone."""
    scene, station_of, world = ready_scene(Conditions(event_count=1, clutter_hz=0.0), 5)
    order = np.argsort(scene.time_s, kind="stable")
    known = new_events(1)
    known.row[0, :3] = world.event_x_m[0], world.event_y_m[0], world.event_time_s[0] - 5.0
    known.row[0, EV_ALIVE] = known.used[0] = 1
    odds = []
    for events in (new_events(1), known):
        out, tried = np.zeros((5, EVENT_COLUMNS_COUNT)), np.zeros(len(order), dtype=np.bool_)
        propose(scene, even_air(), new_work(), order, station_of, tried, 0.8, CALM.careful, events, out)
        odds.append(out[0, EV_LOG_ODDS])

    assert odds[1] > odds[0] + 3.0


def test_a_known_place_tells_the_times_of_more_events_there() -> None:
    """Rounds from one place, found at one time, are found at their other times from the place alone."""
    world = make_world(7)
    rounds = np.array([[1_500.0] * 5, [-2_000.0] * 5, [40.0, 52.0, 66.0, 75.0, 90.0], [12_000.0] * 5])
    world = with_events(np.random.default_rng(3), world.network, rounds, Conditions(clutter_hz=0.002))
    scene, events = scene_of(world.network, world.detections), new_events(10)
    station_of = np.repeat(np.arange(len(scene.stations)), np.diff(scene.start))
    learn_free_rate(scene, station_of, SPAN_S[1] - SPAN_S[0])
    site = row_of(1_600.0, -2_080.0, 66.0, 12_000.0)
    site[[EV_ALIVE, EV_LOG_ODDS, EV_PURITY]] = 1.0, 40.0, 1.0
    out = np.zeros((50, EVENT_COLUMNS_COUNT))
    count = repeat(scene, even_air(), new_work(), site[None], events, out)
    strong = out[:count][out[:count, EV_LOG_ODDS] > 12.0]

    assert np.allclose(rounds[2], np.unique(np.round(np.sort(strong[:, EV_T]), 0)), atol=1.01)
    assert np.hypot(strong[:, EV_X] - 1_500.0, strong[:, EV_Y] + 2_000.0).max() < 100.0


def test_a_place_that_was_quiet_tells_nothing() -> None:
    """With too few detections near a site nothing is proposed there."""
    world = make_world(7, Conditions(event_count=1, range_median_m=10.0, clutter_hz=0.0))
    scene = scene_of(world.network, world.detections)
    out = np.zeros((5, EVENT_COLUMNS_COUNT))

    assert 0 == repeat(scene, even_air(), new_work(), row_of(0.0, 0.0, 60.0)[None], new_events(3), out)


@pytest.mark.parametrize(("turned_count", "expected"), [(0, 1), (1, 1), (2, 0), (3, 0)])
def test_two_bearings_that_lead_elsewhere_are_enough(turned_count: int, expected: int) -> None:
    """In a network of arrays nothing is made of three detections if two of their bearings lead beside the place."""
    east_m, north_m = np.array([0.0, 5_000.0, 500.0]), np.array([0.0, 500.0, 5_000.0])
    away_m = np.hypot(2_000.0 - east_m, 1_500.0 - north_m)
    toward_deg = np.degrees(np.arctan2(2_000.0 - east_m, 1_500.0 - north_m))
    bearing_deg = (toward_deg + 90.0 * (np.arange(3) < turned_count)) % 360.0
    network = network_of(east_m, north_m)._replace(bearing_sigma_deg=np.full(3, 3.0))
    detections = detections_of(np.arange(3), 60.0 + away_m / 340.0)._replace(bearing_deg=bearing_deg)
    scene = scene_of(network, detections)
    room = _room(scene, np.arange(3))
    n = _weigh_anchor(scene, even_air((340.0, 0.0, 0.0)), 0, 0, room, CALM.quick)
    off_m = np.hypot(room.candidate[:n, 0] - 2_000.0, room.candidate[:n, 1] - 1_500.0)

    assert expected == (off_m < 50.0).sum()
