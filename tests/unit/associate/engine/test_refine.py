"""A hypothesis is moved to the truth, its odds are the integral they claim to be, and its region is its spread."""

from __future__ import annotations

import math

import numpy as np

from laws.engine_world import (
    MEDIUM,
    Conditions,
    Network,
    detections_of,
    make_world,
    network_of,
    solve,
    stations,
    travel_time_s,
    with_events,
)
from truceline.associate.engine.layout import (
    DET_BEARING_SIGMA,
    EV_COUNT,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_T,
    EV_X,
    EV_Y,
    STA_X,
    STA_Y,
    WK_BEARING,
    WK_PROBABILITY,
    WK_SIGMA,
    new_work,
)
from truceline.associate.engine.refine import determinant, inverse, normal_equations, settle, state_odds
from truceline.associate.engine.weigh import look, weigh_members, weigh_ranges
from truceline.associate.settings_engine import MediumPrior
from unit.associate.engine.made_scene import even_air, row_of, scene_of

WIDE_S = np.array([0.4, 0.25, 0.12, 0.05, 0.0, 0.0, 0.0])


def test_a_hypothesis_near_the_truth_is_moved_there() -> None:
    """From 200 metres off, rounds of narrower gates lead to the truth, and most of what was expected belongs."""
    world = make_world(2, Conditions(event_count=8, clutter_hz=0.001))
    scene, work = scene_of(world.network, world.detections), new_work()
    for x_m, y_m, time_s in zip(*world[1:4], strict=True):
        row = row_of(x_m + 150.0, y_m - 130.0, time_s + 0.2)
        settle(scene, even_air(), work, row, WIDE_S)

        assert math.hypot(row[EV_X] - x_m, row[EV_Y] - y_m) < 50.0
        assert abs(row[EV_T] - time_s) < 0.15
        assert row[EV_LOG_ODDS] > 20.0
        assert row[EV_PURITY] > 0.7


def test_a_hypothesis_about_nothing_has_no_odds() -> None:
    """Where nobody heard anything that fits, the log-odds are as good as none."""
    world = make_world(2)
    scene, work = scene_of(world.network, detections_of([3], [100.0])), new_work()
    row = row_of(0.0, 0.0, 95.0)
    settle(scene, even_air(), work, row, WIDE_S)

    assert row[EV_LOG_ODDS] == -1e3
    assert row[EV_COUNT] < 3


def test_a_matrix_and_its_inverse_make_one() -> None:
    """The closed-form inverse and determinant of a symmetric matrix are those of the library."""
    half = np.random.default_rng(1).normal(size=(3, 4))
    matrix = half @ half.T

    assert math.isclose(np.linalg.det(matrix), determinant(matrix), rel_tol=1e-9)
    assert np.allclose(np.linalg.inv(matrix), inverse(matrix), rtol=1e-8)


def test_the_normal_equations_are_sums_over_members() -> None:
    """Information and pull are the sums of weighed slopes, of arrivals and of bearings, each by finite differences."""
    world = make_world(4)
    scene, work = scene_of(world.network, world.detections), new_work()
    x_m, y_m, time_s = world.event_x_m[3] + 20.0, world.event_y_m[3] - 30.0, world.event_time_s[3]
    n = look(scene, even_air(), work, (x_m, y_m, time_s, 11_000.0), 1.5)
    weigh_members(scene, work, n, 11_000.0)
    used = np.flatnonzero((work.detection[:n] >= 0) & (work.row[:n, WK_PROBABILITY] >= 1e-3))
    station, detection = work.station[used], work.detection[used]
    way_x_m, way_y_m = scene.stations[station, STA_X] - x_m, scene.stations[station, STA_Y] - y_m
    by_x = (travel_time_s(way_x_m - 0.5, way_y_m) - travel_time_s(way_x_m + 0.5, way_y_m)) / 1.0
    by_y = (travel_time_s(way_x_m, way_y_m - 0.5) - travel_time_s(way_x_m, way_y_m + 0.5)) / 1.0
    slopes = np.stack([by_x, by_y, np.ones(len(used))], axis=1)
    late_s = scene.time_s[detection] - time_s - travel_time_s(way_x_m, way_y_m)
    weight = work.row[used, WK_PROBABILITY] / work.row[used, WK_SIGMA] ** 2
    expected = slopes.T @ (weight[:, None] * np.column_stack([slopes, late_s]))
    off, sigma = work.row[used, WK_BEARING], scene.detections[detection, DET_BEARING_SIGMA]
    pointing = np.flatnonzero(np.abs(off) <= 4.0 * sigma)

    def angle(dx_m: float, dy_m: float) -> np.ndarray:
        """Give the bearings from the pointing stations to the event moved by so much."""
        return np.arctan2(dx_m - way_x_m[pointing], dy_m - way_y_m[pointing])

    turns = np.stack([angle(0.5, 0.0) - angle(-0.5, 0.0), angle(0.0, 0.5) - angle(0.0, -0.5)], axis=1)
    weight = work.row[used, WK_PROBABILITY][pointing] / sigma[pointing] ** 2
    expected[:2, [0, 1, 3]] += turns.T @ (weight[:, None] * np.column_stack([turns, off[pointing]]))

    assert len(used) > 10
    assert len(pointing) > 2
    assert np.allclose(expected, normal_equations(scene, work, n, (x_m, y_m)), rtol=1e-5, atol=1e-9)


def test_odds_are_likelihood_density_and_the_volume_of_the_region() -> None:
    """Log-odds are the log-likelihood ratio, the log-density, and Laplace's volume (2 pi)^(3/2) / sqrt(det H)."""
    world = make_world(4)
    scene, work = scene_of(world.network, world.detections), new_work()
    row = row_of(*(float(column[3]) for column in world[1:4]))
    n = state_odds(scene, even_air(), work, row)
    log_likelihood, _ = weigh_ranges(scene, work, n)
    information = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))[:, :3]
    volume = 1.5 * math.log(2.0 * math.pi) - 0.5 * math.log(np.linalg.det(information))

    assert math.isclose(log_likelihood + row[EV_LOG_DENSITY] + volume, row[EV_LOG_ODDS], rel_tol=1e-9)


def heard_by_all(chance: np.random.Generator, network: Network, near: np.ndarray, kappa: float) -> np.ndarray:
    """Give when near stations hear an event at (2,000, -1,000) at 60 s, with timing and path errors."""
    travel_s = travel_time_s(network.x_m[near] - 2_000.0, network.y_m[near] + 1_000.0)
    return 60.0 + travel_s + chance.normal(0.0, np.hypot(0.02, kappa * travel_s))


def test_regions_are_as_large_as_estimates_spread() -> None:
    """Estimates of one event spread about the truth as their covariance says, but for the least they are widened."""
    network, chance = stations()._replace(bearing_sigma_deg=np.full(50, np.nan)), np.random.default_rng(8)
    near = np.flatnonzero(np.hypot(network.x_m - 2_000.0, network.y_m + 1_000.0) < 10_000.0)
    still = MediumPrior(
        wind_east_m_per_s=MEDIUM.wind_east_m_per_s, wind_north_m_per_s=MEDIUM.wind_north_m_per_s,
        wind_sigma_m_per_s=0.02, sound_speed_sigma_m_per_s=0.02,
        wind_variation_m_per_s=0.02, sound_speed_variation_m_per_s=0.02,
    )  # fmt: skip
    empty = with_events(chance, network, np.zeros((4, 0)), Conditions(clutter_hz=0.0))
    found, claimed = [], []
    for _ in range(160):
        heard = detections_of(near, heard_by_all(chance, network, near, 0.01))
        solution = solve(empty._replace(detections=heard), medium=still)
        found.append((solution.x_m[0] - 2_000.0, solution.y_m[0] + 1_000.0, solution.time_s[0] - 60.0))
        claimed.append(solution.covariance[0])
    off, said = np.array(found), np.mean(claimed, axis=0)
    matrix = said[[0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(3, 3)
    square = np.einsum("ni,ij,nj->n", off, np.linalg.inv(matrix), off)

    assert 2.1 < square.mean() < 3.3
    assert np.allclose(off.std(axis=0), np.sqrt(said[[0, 3, 5]]), rtol=0.25)
    assert (np.abs(off.mean(axis=0)) < 4.0 * np.sqrt(said[[0, 3, 5]] / 160.0)).all()


def test_a_place_that_nothing_fixes_has_no_odds() -> None:
    """Three stations on one point cannot fix a place, so nothing is claimed of it."""
    network = network_of(np.zeros(3), np.zeros(3))._replace(bearing_sigma_deg=np.full(3, np.nan))
    due_s = 20.0 + travel_time_s(np.full(3, -3_000.0), np.zeros(3))
    scene, work = scene_of(network, detections_of([0, 1, 2], due_s)), new_work()
    row = row_of(3_000.0, 0.0, 20.0)
    state_odds(scene, even_air(), work, row)

    assert row[EV_COUNT] == 3
    assert row[EV_LOG_ODDS] == -1e3
