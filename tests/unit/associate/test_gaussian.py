"""Normals take a term in exactly where it is normal, and a mixture is matched in mean and spread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.associate.gaussian import Normals, absorb, matched, packed, unpacked
from truceline.associate.modalities.term import flat_term, mixture, normal_term


def test_packing_is_undone() -> None:
    """A covariance written as a row and read back is the same."""
    rows = np.arange(12.0).reshape(2, 6)

    assert np.array_equal(rows, packed(unpacked(rows)))
    assert np.array_equal(unpacked(rows), np.swapaxes(unpacked(rows), 1, 2))


@given(
    residual=st.floats(-5.0, 5.0),
    sigma=st.floats(0.1, 10.0),
    slope=st.tuples(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0)),
    shift=st.floats(-3.0, 3.0),
)
def test_taking_in_a_measurement_is_exact(
    residual: float, sigma: float, slope: tuple[float, float, float], shift: float
) -> None:
    """For a linear measurement the predictive density and the update are those of Kalman's filter, wherever
    linearised."""
    by_state = np.array([slope])
    covariance = np.array([[[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]]])
    mean = np.array([[0.3, -0.2, 0.1]])
    reference = mean + shift
    at_reference = residual - (by_state @ (reference - mean).T)[0]
    after = absorb(Normals(mean, covariance), reference, normal_term(at_reference, np.array([sigma]), by_state))
    variance = (by_state @ covariance[0] @ by_state.T)[0, 0] + sigma**2
    gain = covariance[0] @ by_state[0] / variance

    assert after.log_predictive_ratio[0, 0] == pytest.approx(
        -0.5 * residual**2 / variance - 0.5 * np.log(2.0 * np.pi * variance), abs=1e-8
    )
    assert after.mean[0, 0] == pytest.approx(mean[0] + gain * residual, abs=1e-8)
    assert after.covariance[0, 0] == pytest.approx(covariance[0] - variance * np.outer(gain, gain), abs=1e-8)


def test_a_mixture_is_matched_in_mean_and_spread() -> None:
    """The normal has the mean and covariance of draws from the mixture; what is in no component stays where it was."""
    prior = Normals(np.zeros((2, 3)), np.tile(np.eye(3), (2, 1, 1)))
    near = normal_term(np.array([2.0]), np.array([0.5]), np.array([[1.0, 0.0, 0.0]]))
    term = mixture(near, flat_term(np.zeros(1)))
    absorbed = absorb(Normals(prior.mean[:1], prior.covariance[:1]), prior.mean[:1], term)
    found = matched(prior, absorbed, weights=np.array([[0.6], [0.1]]), group_index=np.array([0]))
    rng = np.random.default_rng(1)
    draws = np.where(
        rng.random(400_000) < 0.6,
        rng.normal(absorbed.mean[0, 0, 0], np.sqrt(absorbed.covariance[0, 0, 0, 0]), 400_000),
        rng.normal(0.0, 1.0, 400_000),
    )

    assert found.mean[0, 0] == pytest.approx(draws.mean(), abs=0.01)
    assert found.covariance[0, 0, 0] == pytest.approx(draws.var(), abs=0.01)
    assert np.array_equal(prior.mean[1], found.mean[1])
    assert np.allclose(prior.covariance[1], found.covariance[1])
