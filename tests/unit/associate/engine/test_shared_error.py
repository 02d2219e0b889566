"""What paths err in common: found where it is, not found where it is not, and counted as plain arithmetic counts it."""

from __future__ import annotations

import numpy as np
import pytest

from laws.engine_world import Conditions, World, found_of, make_world, solve, stations, travel_time_s
from truceline.associate.engine.layout import (
    EV_RANGE,
    STA_X,
    STA_Y,
    WK_DT,
    WK_DX,
    WK_DY,
    WK_PROBABILITY,
    WK_RESIDUAL,
    WK_SIGMA,
    WK_TRAVEL,
    Floats,
    Scene,
    Work,
    new_work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, event_of, inverse, normal_equations
from truceline.associate.engine.shared_error import (
    EVENTS_LEAST_COUNT,
    LENGTH_MAX_M,
    LENGTHS_COUNT,
    NOTHING_SHARED,
    SHARE_MAX_RATIO,
    SharedError,
    add_shared,
    shared_error,
    tally_sharing,
)
from truceline.associate.engine.weigh import look, weigh_members
from unit.associate.engine.made_scene import even_air, events_of, scene_of

CANDIDATES_COUNT = 2 * LENGTHS_COUNT


def quiet_world(seed: int, event_count: int) -> World:
    """Give a world without clutter and bearings, so that every true detection is a member."""
    made = Conditions(event_count=event_count, clutter_hz=0.0, dead_time_s=0.0, timing_sigma_s=0.01)
    network = stations(conditions=made)
    return make_world(seed, made, network._replace(bearing_sigma_deg=np.full(50, np.nan)))


def erring(world: World, share_ratio: float, length_m: float) -> World:
    """Give the world with travel times that neighbouring stations make wrong alike, and each also by 0.3 % alone."""
    chance = np.random.default_rng(3)
    place = np.stack([world.network.x_m, world.network.y_m], axis=1)
    square = ((place[:, None] - place[None]) ** 2).sum(axis=-1)
    root = np.linalg.cholesky(np.exp(-0.5 * square / length_m**2) + 1e-9 * np.eye(50))
    error = share_ratio * (root @ chance.normal(size=(50, len(world.event_x_m))))
    station, event = world.detections.station_index, world.event_of
    travel_s = travel_time_s(
        world.network.x_m[station] - world.event_x_m[event], world.network.y_m[station] - world.event_y_m[event]
    )
    late_s = travel_s * (error[station, event] + 0.003 * chance.normal(size=len(station)))
    return world._replace(detections=world.detections._replace(time_s=world.detections.time_s + late_s))


def sums_of(world: World) -> Floats:
    """Give the tally of a world's true events."""
    scene, events = scene_of(world.network, world.detections), events_of(world)
    return tally_sharing(scene, even_air(), new_work(), events, np.arange(len(world.event_x_m)))


def weighed(scene: Scene, work: Work, row: Floats) -> int:
    """Weigh the members of an event that stands in a row; give how many rows."""
    n = int(look(scene, even_air(), work, event_of(row), FULL_REACH_RATIO))
    weigh_members(scene, work, n, row[EV_RANGE])
    return n


def likeness(scene: Scene, work: Work, kept: np.ndarray, length_m: float, is_wind: bool) -> Floats:
    """Give the covariance that a share of 1 makes of members' travel times, from its definition."""
    place = scene.stations[work.station[kept]][:, [STA_X, STA_Y]]
    travel = work.row[kept, WK_TRAVEL]
    kernel = np.exp(-0.5 * ((place[:, None] - place[None]) ** 2).sum(axis=-1) / length_m**2)
    if is_wind:
        normal = work.row[kept][:, [WK_DX, WK_DY]] * work.row[kept, WK_DT][:, None]
        kernel = kernel * (normal @ normal.T)
    return np.asarray(kernel * np.outer(travel, travel))


@pytest.mark.parametrize("candidate", [0, 3, 7])
def test_the_tally_is_that_of_its_definition(candidate: int) -> None:
    """Sums over pairs are those of (I - P) K (I - P)' and of residuals freed of what independent errors leave."""
    world = quiet_world(4, 3)
    scene, events, work = scene_of(world.network, world.detections), events_of(world), new_work()
    n = weighed(scene, work, events.row[1])
    normal = normal_equations(scene, work, n, (world.event_x_m[1], world.event_y_m[1]))
    kept = np.flatnonzero((work.detection[:n] >= 0) & (work.row[:n, WK_PROBABILITY] > 0.5))
    kept = kept[np.abs(work.row[kept, WK_RESIDUAL]) <= 3.0 * work.row[kept, WK_SIGMA]]
    sigma = work.row[kept, WK_SIGMA]
    slope = np.stack([work.row[kept, WK_DX], work.row[kept, WK_DY], np.ones(len(kept))], axis=1)
    gain = np.linalg.inv(normal[:, :3]) @ (slope * (work.row[kept, WK_PROBABILITY] / sigma**2)[:, None]).T
    left = np.eye(len(kept)) - slope @ gain
    kernel = likeness(scene, work, kept, LENGTH_MAX_M * 0.5 ** (candidate // 2), candidate % 2 == 1)
    predicted = left @ (kernel - np.diag(np.diag(kernel))) @ left.T / np.outer(sigma, sigma)
    residual = work.row[kept, WK_RESIDUAL] - slope @ np.linalg.inv(normal[:, :3]) @ normal[:, 3]
    observed = (np.outer(residual, residual) - left @ np.diag(sigma**2) @ left.T) / np.outer(sigma, sigma)
    pairs = np.tril_indices(len(kept), -1)
    expected = [(predicted * observed)[pairs].sum(), (predicted**2)[pairs].sum()]

    assert np.allclose(expected, sums_of(world)[1, candidate], rtol=1e-6)


@pytest.mark.parametrize(("share_ratio", "length_m"), [(0.006, 6_000.0), (0.01, 3_000.0)])
def test_a_shared_error_is_found(share_ratio: float, length_m: float) -> None:
    """Where neighbouring stations err alike, about how much and over which length is found."""
    found = shared_error(sums_of(erring(quiet_world(6, 80), share_ratio, length_m)))

    assert abs(np.log(found.share_ratio / share_ratio)) < 0.4
    assert 0.4 * length_m < found.length_m < 2.5 * length_m


@pytest.mark.parametrize("seed", [6, 7])
def test_regions_hold_where_neighbours_err_alike(seed: int) -> None:
    """Nine in ten regions of 90 % hold their event, give or take one in ten, though neighbouring stations err alike."""
    world = erring(quiet_world(seed, 80), 0.008, 6_000.0)
    solution = solve(world)
    found = found_of(world, solution)
    kept = found >= 0
    off_x_m = world.event_x_m[found[kept]] - solution.x_m[kept]
    off_y_m = world.event_y_m[found[kept]] - solution.y_m[kept]
    xx, xy, _, yy, _, _ = solution.covariance[kept].T
    square = (yy * off_x_m**2 - 2.0 * xy * off_x_m * off_y_m + xx * off_y_m**2) / (xx * yy - xy**2)

    assert abs((square <= -2.0 * np.log(0.1)).mean() - 0.9) < 0.1


def test_where_every_path_errs_for_itself_nothing_is_shared() -> None:
    """Errors that stations do not share are not taken for shared ones."""
    assert shared_error(sums_of(erring(quiet_world(6, 80), 0.0, 6_000.0))) == NOTHING_SHARED


def test_few_events_share_nothing() -> None:
    """However alike a few events' members err, nothing is said of the air from so few."""
    sums = np.ones((EVENTS_LEAST_COUNT - 1, CANDIDATES_COUNT, 2))

    assert shared_error(sums) == NOTHING_SHARED


@pytest.mark.parametrize("candidate", range(CANDIDATES_COUNT))
def test_the_surest_candidate_is_taken(candidate: int) -> None:
    """Of all lengths and kinds the one with the most standard errors is taken, and its share is a root."""
    chance = np.random.default_rng(1)
    sums = np.ones((60, CANDIDATES_COUNT, 2))
    sums[:, :, 0] = chance.normal(0.0, 1.0, (60, CANDIDATES_COUNT))
    sums[:, candidate, 0] = 1e-4 + 1e-6 * chance.normal(size=60)
    expected = (LENGTH_MAX_M * 0.5 ** (candidate // 2), candidate % 2 == 1)
    found = shared_error(sums)

    assert expected == (found.length_m, found.is_wind)
    assert abs(found.share_ratio - 0.01) < 1e-4


def test_no_share_is_above_its_bound() -> None:
    """An error in common is never taken for more of the travel time than an error of the air can be."""
    assert shared_error(np.ones((60, CANDIDATES_COUNT, 2))).share_ratio == SHARE_MAX_RATIO


@pytest.mark.parametrize("is_wind", [False, True])
def test_what_is_shared_widens_as_its_definition_says(is_wind: bool) -> None:
    """The covariance grows by H^-1 J'W S W J H^-1, and by nothing where nothing is shared."""
    world = quiet_world(4, 3)
    scene, events, work = scene_of(world.network, world.detections), events_of(world), new_work()
    n = weighed(scene, work, events.row[0])
    cov = inverse(normal_equations(scene, work, n, (world.event_x_m[0], world.event_y_m[0])))
    kept = np.flatnonzero((work.detection[:n] >= 0) & (work.row[:n, WK_PROBABILITY] > 0.05))
    slope = np.stack([work.row[kept, WK_DX], work.row[kept, WK_DY], np.ones(len(kept))], axis=1)
    gain = cov @ (slope * (work.row[kept, WK_PROBABILITY] / work.row[kept, WK_SIGMA] ** 2)[:, None]).T
    wider = 0.01**2 * gain @ likeness(scene, work, kept, 6_000.0, is_wind) @ gain.T
    total, same = cov.copy(), cov.copy()
    add_shared(scene, work, n, cov, SharedError(0.01, 6_000.0, is_wind), total)
    add_shared(scene, work, n, cov, NOTHING_SHARED, same)

    assert np.allclose(cov + wider, total, rtol=1e-9)
    assert np.array_equal(cov, same)
