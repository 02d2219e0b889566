"""The air is a Gaussian process on nodes: its prior is the forecast, and true events move it to the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import cho_factor

from laws.engine_world import SPAN_S, Conditions, make_world, network_of, stations
from truceline.associate.engine.accept import Events
from truceline.associate.engine.air import (
    NODE_M,
    NODES_LEAST_COUNT,
    NODES_MOST_COUNT,
    UNKNOWN_M,
    AirPrior,
    _summit,
    air_covariance,
    estimate_air,
    fitted_air,
    prior_air,
)
from truceline.associate.engine.gather import node_weights
from truceline.associate.engine.layout import EV_LOG_ODDS, Scene, Work, new_work
from truceline.associate.engine.refine import state_odds
from truceline.associate.engine.sound import air_at
from truceline.associate.settings_engine import MediumPrior
from unit.associate.engine.made_scene import events_of, scene_of, sloping_air

FORECAST = MediumPrior(wind_east_m_per_s=3.0, wind_north_m_per_s=-1.0)
TRUE = (340.0, 5.0, -3.0)


def forecast_air(medium: MediumPrior = FORECAST) -> AirPrior:
    """Give the air over the usual stations and span before any event, on as many nodes as there may be."""
    return prior_air(stations(), SPAN_S, medium=medium, nodes_max_count=NODES_MOST_COUNT)


def test_before_any_event_the_air_is_the_forecast() -> None:
    """The prior's mean is the forecast at every node, its nodes cover network and span, and its precision is proper."""
    network = stations()
    prior = forecast_air()
    air, size = prior.air, prior.air.value.size
    covariance = np.linalg.inv(prior.precision).reshape(size // 3, 3, size // 3, 3)
    mean = FORECAST.wind_sigma_m_per_s**2
    spread = FORECAST.wind_variation_m_per_s**2

    assert np.allclose((340.0, 3.0, -1.0), air.value)
    assert air.x0_m <= network.x_m.min()
    assert air.x0_m + (air.value.shape[2] - 1) * air.step_m >= network.x_m.max()
    assert SPAN_S[1] == air.t0_s + (air.value.shape[0] - 1) * air.step_s
    assert np.allclose(mean + spread * 1.001, covariance[0, 1, 0, 1], rtol=1e-6)
    assert np.allclose(
        mean + spread * np.exp(-0.5 * (air.step_m / FORECAST.length_m) ** 2), covariance[0, 1, 1, 1], rtol=1e-6
    )
    assert np.allclose(0.0, covariance[:, 0, :, 1], atol=1e-9)


def test_a_wide_network_has_its_nodes_farther_apart() -> None:
    """However wide the network and long the span, there are no more nodes than a bound."""
    wide = network_of(np.array([0.0, 1.2e6, 3e5]), np.array([0.0, 5e4, 2e5]))
    prior = prior_air(wide, (0.0, 3_600.0), medium=FORECAST, nodes_max_count=10 * NODES_MOST_COUNT)

    assert prior.air.step_m > NODE_M
    assert prior.air.value.size <= 3 * NODES_MOST_COUNT
    assert (len(prior.unknown), len(prior.unknown)) == prior.precision.shape


def test_far_from_every_station_the_air_stays_as_forecast() -> None:
    """Of the nodes all (c, u, v) near a station are unknown, at every time, and none of those that no path leads by."""
    wide = network_of(np.array([0.0, 1.2e6, 3e5]), np.array([0.0, 5e4, 2e5]))
    prior = prior_air(wide, (0.0, 3_600.0), medium=FORECAST, nodes_max_count=NODES_MOST_COUNT)
    air, (nt, ny, nx, _) = prior.air, prior.air.value.shape
    x_m, y_m = air.x0_m + air.step_m * np.arange(nx), air.y0_m + air.step_m * np.arange(ny)
    away_m = np.hypot(x_m[None, :, None] - wide.x_m, y_m[:, None, None] - wide.y_m).min(axis=2)
    near = np.broadcast_to((away_m <= max(UNKNOWN_M, air.step_m))[None, :, :, None], (nt, ny, nx, 3))
    factor = cho_factor(prior.precision)[0]
    known = np.diag(air_covariance(prior, factor))

    assert np.array_equal(np.flatnonzero(near.ravel()), prior.unknown)
    assert 0 < len(prior.unknown) < 0.5 * air.value.size
    assert np.array_equal(near.ravel(), known > 0.0)


def test_few_detections_have_few_nodes() -> None:
    """There are no more nodes than asked for, and never fewer than every end of network and span needs."""
    few = prior_air(stations(), SPAN_S, medium=FORECAST, nodes_max_count=0).air
    more = prior_air(stations(), SPAN_S, medium=FORECAST, nodes_max_count=24).air
    long = prior_air(stations(), (0.0, 20_000.0), medium=FORECAST, nodes_max_count=0).air

    assert few.value.size <= 3 * NODES_LEAST_COUNT
    assert few.value.size < more.value.size <= 3 * 24
    assert few.step_m > more.step_m >= NODE_M
    assert (2, 2, 3) == long.value.shape[1:]
    assert long.value.size > 3 * NODES_LEAST_COUNT


def sure_events(conditions: Conditions) -> tuple[Scene, Events, Work]:
    """Give a scene with its true events weighed in the true air, and room."""
    world = make_world(11, conditions)
    scene, events, work = scene_of(world.network, world.detections), events_of(world), new_work()
    prior = forecast_air(MediumPrior(wind_east_m_per_s=TRUE[1], wind_north_m_per_s=TRUE[2]))
    for row in events.row[: events.used[0]]:
        state_odds(scene, prior.air, work, row)
    return scene, events, work


def test_events_move_the_air_to_the_truth() -> None:
    """From a forecast 2.8 m/s wrong sure events bring the wind near the truth, and what is known of it grows."""
    scene, events, work = sure_events(Conditions(event_count=60, end_s=240.0))
    prior = forecast_air()
    air, sure, gains = prior.air, np.flatnonzero(events.row[:, EV_LOG_ODDS] > 10.0), []
    for _ in range(3):
        air, factor, gain = estimate_air(scene, work, taught_by=(events, sure), air=air, prior=prior)
        gains.append(gain)
    found = np.array([air_at(air, x_m, y_m, 120.0) for x_m in (-1e4, 0.0, 1e4) for y_m in (-5e3, 5e3)])
    after = np.diag(air_covariance(prior, factor))[prior.unknown]
    sigma = np.sqrt(after / np.diag(np.linalg.inv(prior.precision)))

    assert len(sure) > 40
    assert gains[0] > 3.0 * gains[1] > 6.0 * gains[2] >= 0.0
    assert np.abs(found - TRUE).max() < 1.4
    assert np.abs(found.mean(axis=0) - TRUE).max() < 0.6
    assert sigma.min() < 0.5
    assert sigma.max() <= 1.0 + 1e-9


def test_nobody_teaches_nothing() -> None:
    """Without events to teach it the air stays as forecast, and as well known as that."""
    scene, events, work = sure_events(Conditions(event_count=20))
    prior = forecast_air()
    nobody = np.zeros(0, dtype=np.int64)
    air, factor, gain = estimate_air(scene, work, taught_by=(events, nobody), air=prior.air, prior=prior)
    covariance = air_covariance(prior, factor)[np.ix_(prior.unknown, prior.unknown)]

    assert 0.0 == gain
    assert np.allclose(prior.air.value, air.value)
    assert np.allclose(np.tril(np.linalg.inv(prior.precision)), np.tril(covariance))


SURE_FORECAST = MediumPrior(
    wind_east_m_per_s=TRUE[1] + 3.0, wind_north_m_per_s=TRUE[2], wind_sigma_m_per_s=0.3, wind_variation_m_per_s=0.3
)
RIGHT_FORECAST = MediumPrior(wind_east_m_per_s=TRUE[1], wind_north_m_per_s=TRUE[2])


@pytest.mark.parametrize(("medium", "way"), [(RIGHT_FORECAST, 1.0), (SURE_FORECAST, -1.0)])
def test_the_prior_is_as_unsteady_as_the_air_is(medium: MediumPrior, way: float) -> None:
    """Even air as forecast makes the prior's deviations smaller, a forecast too sure of itself makes them larger."""
    scene, events, work = sure_events(Conditions(event_count=60, end_s=240.0))
    sure = np.flatnonzero(events.row[:, EV_LOG_ODDS] > 10.0)
    true, prior = forecast_air(RIGHT_FORECAST), forecast_air(medium)
    _, fitted = fitted_air(scene, work, taught_by=(events, sure), air=true.air, prior=prior)
    ratio = fitted.precision[0, 0] / prior.precision[0, 0]

    assert np.array_equal(ratio * prior.precision, fitted.precision)
    assert way * math.log(ratio) >= math.log(4.0)


def test_few_events_suffice_to_find_calm_air_calm() -> None:
    """Six events through even air as forecast leave less than a fifth of the prior's deviations."""
    scene, events, work = sure_events(Conditions(event_count=6, end_s=240.0))
    sure = np.flatnonzero(events.row[:, EV_LOG_ODDS] > 10.0)
    prior = forecast_air(RIGHT_FORECAST)
    _, fitted = fitted_air(scene, work, taught_by=(events, sure), air=prior.air, prior=prior)

    assert 6 == len(sure)
    assert fitted.precision[0, 0] > 5.0**2 * prior.precision[0, 0]


def test_without_events_the_prior_stays() -> None:
    """Where nobody teaches, deviations are as the prior has them."""
    scene, events, work = sure_events(Conditions(event_count=20))
    prior, nobody = forecast_air(), np.zeros(0, dtype=np.int64)
    air, fitted = fitted_air(scene, work, taught_by=(events, nobody), air=prior.air, prior=prior)

    assert np.array_equal(prior.precision, fitted.precision)
    assert np.array_equal(prior.air.value, air.value)


def test_nodes_weigh_as_the_air_is_read() -> None:
    """The weights that a path gives to nodes are those by which air is interpolated, and sum to 1."""
    air, _, _ = sloping_air()
    node, weight = np.zeros(8, dtype=np.int64), np.zeros(8)
    for x_m, y_m, t_s in ((1_000.0, -300.0, 30.0), (9e5, 0.0, 100.0), (20_000.0, 20_000.0, 0.0)):
        count = node_weights(air, x_m, y_m, t_s, node, weight)
        read = weight[:count] @ air.value.reshape(-1, 3)[node[:count]]

        assert np.isclose(1.0, weight[:count].sum())
        assert np.allclose(read, air_at(air, x_m, y_m, t_s))


def test_the_summit_is_that_of_the_parabola() -> None:
    """Between places the summit is where a parabola has it; at the end of what was asked it is the best place."""
    asked = {place: 7.0 - (place - 0.3) ** 2 for place in (-1, 0, 1)}

    assert math.isclose(0.3, _summit(asked, 0))
    assert 1.0 == _summit(asked, 1)
    assert 0.0 == _summit({-1: 2.0, 0: 2.0, 1: 2.0}, 0)
