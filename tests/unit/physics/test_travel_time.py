"""The travel time in wind solves its equation, and its derivatives are its slopes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.physics.travel_time import Air, arrival_sigma_s, still_air, travel_time

COORDINATES = st.floats(-3e4, 3e4).filter(lambda value: abs(value) > 1.0)
WINDS = st.floats(-40.0, 40.0)


def air(wind_x_m_per_s: float, wind_y_m_per_s: float, speed_m_per_s: float = 340.0) -> Air:
    """Give air of one wind."""
    return Air(np.array([speed_m_per_s]), np.array([wind_x_m_per_s]), np.array([wind_y_m_per_s]))


@given(x_m=COORDINATES, y_m=COORDINATES, wind_x_m_per_s=WINDS, wind_y_m_per_s=WINDS)
def test_the_front_reaches_the_station(x_m: float, y_m: float, wind_x_m_per_s: float, wind_y_m_per_s: float) -> None:
    """After the travel time, the drifted circle passes through the station."""
    time_s = travel_time(np.array([x_m]), np.array([y_m]), air(wind_x_m_per_s, wind_y_m_per_s)).time_s[0]
    radius_m = np.hypot(x_m - wind_x_m_per_s * time_s, y_m - wind_y_m_per_s * time_s)

    assert radius_m == pytest.approx(340.0 * time_s, rel=1e-9)


@given(x_m=COORDINATES, y_m=COORDINATES, wind_x_m_per_s=WINDS, wind_y_m_per_s=WINDS)
def test_derivatives_are_slopes(x_m: float, y_m: float, wind_x_m_per_s: float, wind_y_m_per_s: float) -> None:
    """Every derivative is the slope of the travel time by its argument."""
    base = [x_m, y_m, wind_x_m_per_s, wind_y_m_per_s, 340.0]

    def time_s(values: list[float]) -> float:
        found = travel_time(np.array([values[0]]), np.array([values[1]]), air(values[2], values[3], values[4]))
        return float(found.time_s[0])

    given_slopes = travel_time(np.array([x_m]), np.array([y_m]), air(wind_x_m_per_s, wind_y_m_per_s))
    order = (
        given_slopes.by_x_s_per_m,
        given_slopes.by_y_s_per_m,
        given_slopes.by_wind_x_s2_per_m,
        given_slopes.by_wind_y_s2_per_m,
        given_slopes.by_sound_speed_s2_per_m,
    )
    for index, slope in enumerate(order):
        step = 1e-3 * max(1.0, abs(base[index]) if index < 2 else 1.0)
        ahead, back = list(base), list(base)
        ahead[index] += step
        back[index] -= step
        measured = (time_s(ahead) - time_s(back)) / (2.0 * step)
        assert slope[0] == pytest.approx(measured, rel=1e-4, abs=1e-7)


def test_at_the_source_the_front_has_no_direction() -> None:
    """Over no way the time is nil, and so is every derivative."""
    found = travel_time(np.zeros(1), np.zeros(1), air(5.0, -3.0))

    assert np.array_equal(np.zeros((6, 1)), np.array(found))


def test_wind_as_fast_as_sound_is_our_mistake() -> None:
    """No front travels against a wind as fast as sound."""
    with pytest.raises(AssertionError, match="wind is not slower"):
        travel_time(np.ones(1), np.ones(1), air(340.0, 0.0))


def test_errors_grow_with_the_way() -> None:
    """The sigma of an arrival is the pick's at once, and the model's share of the time far away."""
    sigma_s = arrival_sigma_s(np.array([0.03, 0.03]), np.array([0.0, 100.0]), np.array([0.004, 0.004]))
    ground = still_air(np.array([6_000.0]))

    assert sigma_s == pytest.approx([0.03, np.hypot(0.03, 0.4)])
    assert travel_time(np.array([6e3]), np.zeros(1), ground).time_s[0] == pytest.approx(1.0)
