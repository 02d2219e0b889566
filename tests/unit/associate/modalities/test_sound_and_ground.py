"""Arrivals in the air and in the ground: densities are densities, gradients are gradients, and nothing depends on the
origin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.associate.modalities import acoustic, infrasound, seismic
from truceline.associate.modalities.term import total_log_ratio
from unit.associate.modalities.made_pairs import coverage_of, gradient_error, moved, states_of

PLACES = {"x_m": st.floats(-9e3, 9e3), "y_m": st.floats(1e3, 9e3), "wind_x_m_per_s": st.floats(-20.0, 20.0)}
STEP_S = 0.002


@given(**PLACES)
def test_arrivals_pull_as_their_log_ratio_slopes(x_m: float, y_m: float, wind_x_m_per_s: float) -> None:
    """The gradient of every arrival is the slope of its log ratio by place and time."""
    states = states_of([x_m], [y_m], [3.0], wind_x_m_per_s=wind_x_m_per_s)
    at = coverage_of([0.0], [0.0])
    expected_s = acoustic.expect(states, at).arrival_time_s
    sound = acoustic.Arrivals(expected_s + 0.03, np.array([5.0]))
    ground = seismic.SeismicPicks(np.array([4.0]), np.array([5.0]), np.array([-1]))
    array = infrasound.ArrayDetections(expected_s + 0.1, np.array([50.0]))

    assert (
        gradient_error(lambda s: acoustic.compare(s._replace(model_error_ratio=np.zeros(1)), at, sound), states) < 1e-4
    )
    assert gradient_error(lambda s: seismic.compare(s, at, ground), states) < 0.05
    assert gradient_error(lambda s: infrasound.compare(s, at, array), states) < 0.05


def test_an_arrival_is_a_density_over_its_background() -> None:
    """Over all times the ratio times the background integrates to 1, with and without a label, near and far."""
    time_s = np.arange(0.0, 1_200.0, STEP_S)
    whole = np.ones_like(time_s)
    at = coverage_of(0.0 * whole, 0.0 * whole, background_rate=0.02)

    def integral(term_of: object, distance_m: float) -> float:
        return float(np.exp(total_log_ratio(term_of(states_of(distance_m * whole, 0.0 * whole, 0.0 * whole)))).sum())

    sigma_s = 0.05 * whole
    for label in (-1, 0, 1):
        picks = seismic.SeismicPicks(time_s, sigma_s, np.full(len(time_s), label))
        total = integral(lambda s, picks=picks: seismic.compare(s, at, picks), 6e3)
        assert total * 0.02 * STEP_S == pytest.approx(1.0, abs=1e-3)
    arrivals, detections = acoustic.Arrivals(time_s, sigma_s), infrasound.ArrayDetections(time_s, sigma_s)
    assert integral(lambda s: acoustic.compare(s, at, arrivals), 6e3) * 0.02 * STEP_S == pytest.approx(1.0, abs=1e-3)
    for distance_m in (2e4, 2e5):
        total = integral(lambda s: infrasound.compare(s, at, detections), distance_m)
        assert total * 0.02 * STEP_S == pytest.approx(1.0, abs=2e-3)


def test_sound_comes_when_it_is_expected() -> None:
    """The expected time is the likeliest, within reach, and later upwind than downwind."""
    states = states_of([3e3, -3e3], [0.0, 0.0], [10.0, 10.0], wind_x_m_per_s=10.0)
    at = coverage_of([0.0, 0.0], [0.0, 0.0])
    expected = acoustic.expect(states, at)
    likeliest = acoustic.compare(states, at, acoustic.Arrivals(expected.arrival_time_s, np.full(2, 0.03)))

    assert expected.arrival_time_s[0] - 10.0 == pytest.approx(3e3 / 330.0)
    assert expected.arrival_time_s[1] - 10.0 == pytest.approx(3e3 / 350.0)
    assert np.allclose(likeliest.gradient, 0.0, atol=1e-9)
    assert np.all(expected.reach_s > acoustic.TIMING_REACH_S)


@pytest.mark.parametrize("module", [acoustic, seismic, infrasound])
def test_who_does_not_watch_expects_nothing(module: object) -> None:
    """Before a station was set up and beyond its range the probability of noticing an event is nil."""
    states = states_of([1e3, 1e3, 4e4], [0.0, 0.0, 0.0], [0.0, -2e3, 0.0])
    expected = module.MODALITY.expect(states, coverage_of(np.zeros(3), np.zeros(3)))

    assert expected.probability[0] > 0.85
    assert 0.0 == expected.probability[1]
    assert expected.probability[2] < 1e-6


def test_a_later_clock_moves_only_time() -> None:
    """When all times are later by a second, every log ratio is the same."""
    states, at = states_of([2e3], [5e3], [0.0], wind_x_m_per_s=4.0), coverage_of([0.0], [0.0])
    pick = np.array([16.0]), np.array([0.05])
    before = acoustic.compare(states, at, acoustic.Arrivals(*pick))
    after = acoustic.compare(moved(states, (0.0, 0.0, 1.0)), at, acoustic.Arrivals(pick[0] + 1.0, pick[1]))

    assert np.allclose(before.log_ratio, after.log_ratio)


def test_a_label_leaves_one_phase() -> None:
    """A labelled pick weighs twice as much for its own phase as an unlabelled one, and nothing for the other."""
    states, at = states_of([6e3], [0.0], [0.0]), coverage_of([0.0], [0.0])
    log_ratio = {
        label: seismic.compare(
            states, at, seismic.SeismicPicks(np.array([1.0]), np.array([0.05]), np.array([label]))
        ).log_ratio[:, 0]
        for label in (-1, 0, 1)
    }

    assert -np.inf == log_ratio[0][1]
    assert -np.inf == log_ratio[1][0]
    assert log_ratio[0][0] - log_ratio[-1][0] == pytest.approx(np.log(2.0))
