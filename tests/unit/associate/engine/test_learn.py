"""What a window teaches: each estimate finds what made its data, and stays at its prior where data are few."""

from __future__ import annotations

import numpy as np
import pytest

from laws.engine_world import Conditions, make_world
from truceline.associate.engine.accept import Events, new_events
from truceline.associate.engine.gather import (
    ME_AMPLITUDE,
    ME_DISTANCE,
    ME_EVENT,
    ME_LEVERAGE,
    ME_NOMINAL,
    ME_PROBABILITY,
    ME_RANGE,
    ME_RESIDUAL,
    ME_TRAVEL,
    MEMBER_COLUMNS_COUNT,
    gather,
)
from truceline.associate.engine.layout import (
    CURVE_COUNT,
    CURVE_STEP_RATIO,
    DET_AMPLITUDE,
    DET_EXPLAINED,
    EV_ALIVE,
    EV_LOG_ODDS,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    RANGE_COUNT,
    STA_CLUTTER,
    STA_FREE_RATE,
    STA_WEIGHT,
    TH_AMPLITUDE_LEVEL,
    TH_AMPLITUDE_ON,
    TH_AMPLITUDE_SIGMA,
    TH_AMPLITUDE_SLOPE,
    TH_CLUTTER_LEVEL,
    TH_CLUTTER_SIGMA,
    TH_DENSITY,
    TH_EDGE,
    TH_KAPPA,
    TH_KIN_COUNT,
    TH_KIN_SIGMA,
    TH_KIN_TIME,
    TH_OF_ARRAYS,
    TH_PD,
    TH_SIGMA_RATIO,
    Floats,
    Longs,
    Scene,
    new_work,
)
from truceline.associate.engine.learn import (
    HISTORY_S,
    MEMBERS_LEAST_COUNT,
    OF_ARRAYS_LEAST_COUNT,
    learn_amplitude,
    learn_clutter,
    learn_detection,
    learn_free_rate,
    learn_kin,
    learn_timing,
)
from unit.associate.engine.made_scene import even_air, events_of, scene_of


def plain_scene(seed: int = 0) -> Scene:
    """Give the scene of a plain world, before anything was learnt."""
    world = make_world(seed)
    return scene_of(world.network, world.detections)


def stations_of(scene: Scene) -> Longs:
    """Give the station of every detection of a scene."""
    return np.repeat(np.arange(50), np.diff(scene.start))


def members_of(count: int, sigma_ratio: float, kappa: float, leverage: float = 0.2) -> Floats:
    """Draw sure members whose timing errors and amplitudes are known."""
    chance = np.random.default_rng(12)
    rows = np.zeros((count, MEMBER_COLUMNS_COUNT))
    rows[:, ME_PROBABILITY], rows[:, ME_LEVERAGE] = 1.0, leverage
    rows[:, ME_NOMINAL] = chance.choice([0.01, 0.02, 0.05], count)
    rows[:, ME_TRAVEL] = chance.uniform(2.0, 45.0, count)
    spread_s = np.hypot(sigma_ratio * rows[:, ME_NOMINAL], kappa * rows[:, ME_TRAVEL])
    rows[:, ME_RESIDUAL] = chance.normal(0.0, np.sqrt(1.0 - leverage) * spread_s)
    rows[:, ME_RANGE] = chance.uniform(8e3, 14e3, count)
    rows[:, ME_DISTANCE] = 340.0 * rows[:, ME_TRAVEL]
    nearness = np.log10(rows[:, ME_RANGE] / rows[:, ME_DISTANCE])
    rows[:, ME_AMPLITUDE] = 0.2 + 1.4 * nearness + chance.normal(0.0, 0.15, count)
    return rows


@pytest.mark.parametrize(("sigma_ratio", "kappa"), [(1.0, 0.001), (3.0, 0.004), (1.5, 0.02)])
def test_timing_errors_are_found(sigma_ratio: float, kappa: float) -> None:
    """The factor of the stated sigmas and kappa are found from residuals, freed of what the events' fits took."""
    scene = plain_scene()
    for _ in range(3):
        learn_timing(scene, members_of(20_000, sigma_ratio, kappa))

    assert abs(np.log(scene.theta[TH_SIGMA_RATIO] / sigma_ratio)) < 0.2
    assert abs(np.log(scene.theta[TH_KAPPA] / kappa)) < 0.2


def test_few_members_of_arrays_teach_timing() -> None:
    """Where most detections have bearings, forty members tell that timing is three times as bad as stated."""
    scene = plain_scene()
    scene.theta[TH_OF_ARRAYS] = 1.0
    before = scene.theta.copy()
    learn_timing(scene, members_of(OF_ARRAYS_LEAST_COUNT - 1, 3.0, 0.004))
    few = scene.theta.copy()
    learn_timing(scene, members_of(OF_ARRAYS_LEAST_COUNT + 10, 3.0, 0.004))

    assert np.array_equal(before, few)
    assert abs(np.log(scene.theta[TH_SIGMA_RATIO] / 3.0)) < 0.5


def test_timing_is_not_led_by_wrong_members() -> None:
    """One member in ten that lies anywhere within the gate moves the estimate of timing errors by little."""
    scene, rows = plain_scene(), members_of(20_000, 1.0, 0.01)
    rows[::10, ME_RESIDUAL] = np.random.default_rng(5).uniform(-1.0, 1.0, 2_000)
    learn_timing(scene, rows)

    assert 0.5 < scene.theta[TH_SIGMA_RATIO] < 2.0
    assert abs(np.log(scene.theta[TH_KAPPA] / 0.01)) < 0.3


def test_few_members_teach_nothing() -> None:
    """With fewer members than a bound, timing, detection and amplitudes stay as they were."""
    scene = plain_scene()
    theta, curve, share = scene.theta.copy(), scene.curve.copy(), scene.log_range.copy()
    rows = members_of(MEMBERS_LEAST_COUNT - 1, 5.0, 0.05)
    learn_timing(scene, rows)
    learn_amplitude(scene, rows, stations_of(scene))
    learn_detection(scene, np.ones((3, CURVE_COUNT)))

    assert np.array_equal(theta, scene.theta)
    assert np.array_equal(curve, scene.curve)
    assert np.array_equal(share, scene.log_range)


@pytest.mark.parametrize(("level", "edge"), [(0.6, 0.08), (0.92, 0.2)])
def test_the_detection_curve_is_found(level: float, edge: float) -> None:
    """From hits and trials by distance, the level near an event and the softness of the range are found."""
    scene = plain_scene()
    u = (np.arange(CURVE_COUNT) + 0.5) * CURVE_STEP_RATIO
    sums = np.zeros((3, CURVE_COUNT))
    sums[1] = 400.0 * u
    sums[0] = sums[1] * level / (1.0 + np.exp((u - 1.0) / edge))
    sums[2, :RANGE_COUNT] = np.where(np.arange(RANGE_COUNT) == 7, 5_000.0, 0.0)
    learn_detection(scene, sums)

    assert abs(scene.theta[TH_PD] - level) < 0.02
    assert abs(np.log(scene.theta[TH_EDGE] / edge)) < 0.15
    assert np.allclose(1.0, scene.curve[2:].sum(axis=0))
    assert 7 == int(np.argmax(scene.log_range))
    assert np.isclose(1.0, np.exp(scene.log_range).sum())


def test_amplitudes_are_found() -> None:
    """Level, slope and spread of heard amplitudes and of clutter's are found, and from then on they count."""
    scene, chance = plain_scene(), np.random.default_rng(3)
    scene.detections[:, DET_AMPLITUDE] = chance.normal(0.4, 0.3, len(scene.detections))
    rows = members_of(4_000, 1.0, 0.004)
    learn_amplitude(scene, rows, stations_of(scene))

    assert 1.0 == scene.theta[TH_AMPLITUDE_ON]
    assert np.allclose(
        (0.2, 1.4, 0.15), scene.theta[[TH_AMPLITUDE_LEVEL, TH_AMPLITUDE_SLOPE, TH_AMPLITUDE_SIGMA]], atol=0.03
    )
    assert np.allclose((0.4, 0.3), scene.theta[[TH_CLUTTER_LEVEL, TH_CLUTTER_SIGMA]], atol=0.06)


def test_stations_without_weight_teach_no_amplitude() -> None:
    """What stations of zero weight say of amplitudes is not taken for clutter, and without any other none is learnt."""
    scene, chance, rows = plain_scene(), np.random.default_rng(3), members_of(4_000, 1.0, 0.004)
    station_of = stations_of(scene)
    scene.stations[::5, STA_WEIGHT] = 0.0
    scene.detections[:, DET_AMPLITUDE] = chance.normal(0.4, 0.3, len(station_of))
    scene.detections[station_of % 5 == 0, DET_AMPLITUDE] = 9.0
    learn_amplitude(scene, rows, station_of)
    learnt = scene.theta.copy()
    nobody = plain_scene()
    nobody.stations[:, STA_WEIGHT] = 0.0
    learn_amplitude(nobody, rows, station_of)

    assert 1.0 == learnt[TH_AMPLITUDE_ON]
    assert np.allclose((0.4, 0.3), learnt[[TH_CLUTTER_LEVEL, TH_CLUTTER_SIGMA]], atol=0.06)
    assert 0.0 == nobody.theta[TH_AMPLITUDE_ON]


def test_clutter_is_what_nothing_explains() -> None:
    """A station's rate moves from what was known to what is unexplained, as much as it was watched, and not to zero."""
    scene = plain_scene()
    station_of = stations_of(scene)
    scene.detections[:, DET_EXPLAINED] = 1e9
    free = scene.start[20]
    scene.detections[free, DET_EXPLAINED] = 0.0
    learn_clutter(scene, station_of, 240.0)
    expected = 0.004 * HISTORY_S / (HISTORY_S + 240.0)

    assert np.isclose(expected + 1.0 / (HISTORY_S + 240.0), scene.stations[20, STA_CLUTTER])
    assert np.allclose(expected, np.delete(scene.stations[:, STA_CLUTTER], 20))
    learn_clutter(scene, station_of, 1e9)
    assert np.allclose(2e-4, scene.stations[:, STA_CLUTTER])


def test_the_free_rate_is_that_of_what_is_not_found_yet() -> None:
    """Each station's free rate counts its detections that are not explained, and is never below its clutter rate."""
    scene = plain_scene()
    station_of = stations_of(scene)
    learn_free_rate(scene, station_of, 240.0)
    before = scene.stations[:, STA_FREE_RATE].copy()
    scene.detections[:, DET_EXPLAINED] = 1.0
    learn_free_rate(scene, station_of, 240.0)

    assert np.allclose(np.maximum(np.diff(scene.start) / 240.0, 0.004), before)
    assert np.allclose(0.004, scene.stations[:, STA_FREE_RATE])


def fire(missions: int, rounds: int, sigma_m: float) -> Events:
    """Give sure events in missions: rounds some seconds apart about one place, missions far from each other."""
    chance = np.random.default_rng(6)
    events = new_events(missions * rounds)
    rows = events.row.reshape(missions, rounds, EVENT_COLUMNS_COUNT)
    rows[:, :, EV_X] = chance.uniform(-5e4, 5e4, (missions, 1)) + chance.normal(0.0, sigma_m, (missions, rounds))
    rows[:, :, EV_Y] = chance.uniform(-5e4, 5e4, (missions, 1)) + chance.normal(0.0, sigma_m, (missions, rounds))
    gaps_s = np.cumsum(chance.exponential(10.0, (missions, rounds)), axis=1)
    rows[:, :, EV_T] = chance.uniform(0.0, 3_000.0, (missions, 1)) + gaps_s
    rows[:, :, EV_ALIVE], rows[:, :, EV_LOG_ODDS] = 1.0, 30.0
    events.used[0] = missions * rounds
    return events


def test_missions_are_found_by_their_kin() -> None:
    """From fire in missions, how near rounds lie is found; from scattered events, that few have kin."""
    scene = plain_scene()
    scene.theta[TH_DENSITY] = 1e-12
    learn_kin(scene, fire(40, 5, 80.0))
    kin = scene.theta[[TH_KIN_COUNT, TH_KIN_SIGMA, TH_KIN_TIME]].copy()
    before = scene.theta.copy()
    learn_kin(scene, fire(5, 5, 80.0))
    few = scene.theta.copy()
    scene.theta[TH_DENSITY] = 1e-9
    learn_kin(scene, fire(60, 1, 80.0))

    assert 80.0 < kin[1] < 160.0
    assert 2.0 < kin[0] < 5.0
    assert 5.0 < kin[2] < 30.0
    assert np.array_equal(before, few)
    assert scene.theta[TH_KIN_COUNT] == 0.5 * kin[0]


def test_gathered_members_are_those_of_the_teachers() -> None:
    """Members are gathered from the events asked for alone, and more stations could have heard them than did."""
    world = make_world(1, Conditions(event_count=10))
    scene, events, work = scene_of(world.network, world.detections), events_of(world), new_work()
    out, sums = np.zeros((3_000, MEMBER_COLUMNS_COUNT)), np.zeros((3, CURVE_COUNT))
    everyone = np.arange(10)
    count = gather(scene, even_air(), work, events, everyone, out, sums)
    true = int((world.event_of >= 0).sum())
    some = gather(scene, even_air(), work, events, everyone[3:4], out[1_000:], np.zeros((3, CURVE_COUNT)))
    little = gather(scene, even_air(), work, events, everyone, out[1_000:2_025], np.zeros((3, CURVE_COUNT)))

    assert 0.9 * true < out[:count, ME_PROBABILITY].sum() < 1.1 * true
    assert sums[0].sum() < sums[1].sum()
    assert np.isclose(10.0, sums[2].sum())
    assert some == (out[:count, ME_EVENT] == 3).sum()
    assert 0 < little < count
