"""Detection falls with distance, and silence weighs by how surely something would have been noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.physics.detectability import detection_probability, log_missing_ratio


@given(range_m=st.floats(100.0, 3e4), plateau=st.floats(0.01, 1.0))
def test_detection_falls_from_its_plateau_through_half_at_the_range(range_m: float, plateau: float) -> None:
    """Probability never rises with distance, is half the plateau at the range, and nil far beyond."""
    distance_m = np.linspace(0.0, 4.0 * range_m, 101)
    found = detection_probability(distance_m, np.full(101, range_m), np.full(101, plateau))
    at_range = detection_probability(np.array([range_m]), np.array([range_m]), np.array([plateau]))

    assert np.all(np.diff(found.probability) <= 0.0)
    assert at_range.probability[0] == pytest.approx(0.5 * plateau)
    assert found.probability[0] == pytest.approx(plateau, rel=1e-4)
    assert found.probability[-1] < 1e-12


@given(distance_m=st.floats(3e3, 2e4))
def test_the_derivative_is_the_slope(distance_m: float) -> None:
    """The derivative by distance is the slope of the probability."""
    where_m = np.array([distance_m - 0.01, distance_m, distance_m + 0.01])
    found = detection_probability(where_m, np.full(3, 1e4), np.full(3, 0.9))
    measured = (found.probability[2] - found.probability[0]) / 0.02

    assert found.by_distance_per_m[1] == pytest.approx(measured, rel=1e-3, abs=1e-10)


def test_an_event_without_range_is_noticed_nowhere() -> None:
    """A range of 0 is heard by nobody, not even at the place."""
    found = detection_probability(np.array([0.0, 1.0]), np.zeros(2), np.ones(2))

    assert [0.0, 0.0] == found.probability.tolist()


def test_silence_of_the_sure_weighs_most() -> None:
    """Silence says nothing where nothing could be noticed, and everything where it had to be."""
    assert [0.0, pytest.approx(np.log(0.5)), -np.inf] == log_missing_ratio(np.array([0.0, 0.5, 1.0])).tolist()
