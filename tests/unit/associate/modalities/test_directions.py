"""Bearings, flashes and people: directions on the circle, and what no single report may do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.associate.modalities import bearing, flash, human
from truceline.associate.modalities.circle import concentration_ratio, log_bessel_ratio, log_direction_ratio
from truceline.associate.modalities.term import total_log_ratio
from unit.associate.modalities.made_pairs import coverage_of, gradient_error, states_of

PLACES = {"x_m": st.floats(-9e3, 9e3), "y_m": st.floats(1e3, 9e3), "wind_x_m_per_s": st.floats(-20.0, 20.0)}


def report(count: int, **changed: float) -> human.Reports:
    """Give reports of an explosion 2-4 km to the north-east within a minute."""
    given_values = {
        "time_s": 30.0,
        "time_low_s": 0.0,
        "time_high_s": 60.0,
        "time_sigma_s": 10.0,
        "bearing_deg": 45.0,
        "width_deg": 22.5,
        "range_low_m": 2e3,
        "range_high_m": 4e3,
    } | changed
    return human.Reports(**{name: np.full(count, value) for name, value in given_values.items()})


@given(sigma_deg=st.floats(0.3, 120.0), width_deg=st.floats(0.0, 360.0))
def test_a_direction_is_a_density_over_an_even_one(sigma_deg: float, width_deg: float) -> None:
    """Round the circle the ratio averages to 1, however wide the arc is."""
    angle_rad = np.linspace(-np.pi, np.pi, 20_000, endpoint=False)
    concentration = concentration_ratio(np.array([sigma_deg]), np.array([width_deg]))

    assert np.exp(log_direction_ratio(angle_rad, concentration)).mean() == pytest.approx(1.0, abs=1e-5)


def test_concentration_has_the_spread_it_stands_for() -> None:
    """The mean resultant length of the distribution is that of the arc with its error, to 1 %; all round gives none."""
    angle_rad = np.linspace(-np.pi, np.pi, 20_000, endpoint=False)
    for sigma_deg, width_deg in ((3.0, 0.0), (10.0, 22.5), (10.0, 90.0), (20.0, 180.0), (60.0, 0.0), (10.0, 270.0)):
        concentration = concentration_ratio(np.array([sigma_deg]), np.array([width_deg]))
        length = (np.exp(log_direction_ratio(angle_rad, concentration)) * np.cos(angle_rad)).mean()
        meant = np.sinc(width_deg / 360.0) * np.exp(-0.5 * np.radians(sigma_deg) ** 2)
        assert length == pytest.approx(meant, abs=0.01)
    assert concentration_ratio(np.array([10.0]), np.array([360.0]))[0] == pytest.approx(0.0, abs=1e-9)


def test_the_bessel_function_is_smooth_where_its_series_begins() -> None:
    """Both ways of taking log I0 agree where one follows the other, and neither overflows."""
    value = log_bessel_ratio(np.array([50.0 - 1e-9, 50.0 + 1e-9, 1e6]))

    assert value[0] == pytest.approx(value[1], abs=1e-5)
    assert np.all(np.isfinite(value))


@given(**PLACES)
def test_directions_pull_as_their_log_ratio_slopes(x_m: float, y_m: float, wind_x_m_per_s: float) -> None:
    """The gradients of bearings in still air and of reports are the slopes of their log ratios."""
    at = coverage_of([0.0], [0.0])
    still = states_of([x_m], [y_m], [3.0])
    windy = states_of([x_m], [y_m], [3.0], wind_x_m_per_s=wind_x_m_per_s)
    said = bearing.Bearings(np.array([20.0]), np.array([40.0]), np.array([1.0]))
    seen = flash.Flashes(np.array([3.1]), np.array([0.5]), np.array([12.0]), np.array([40.0]))

    assert gradient_error(lambda s: bearing.compare(s, at, said), still) < 1e-3
    assert gradient_error(lambda s: human.compare(s, at, report(1)), windy) < 1e-3
    assert gradient_error(lambda s: flash.compare(s, at, seen), windy) < 0.05


def test_one_bearing_costs_no_more_than_its_gross_errors() -> None:
    """However wrong a bearing points, it takes at most the log of the share of gross errors."""
    whole = np.ones(360)
    states = states_of(5e3 * whole, 0.0 * whole, 0.0 * whole)
    said = bearing.Bearings(np.arange(360.0), 1.0 * whole, 0.0 * whole)
    log_ratio = total_log_ratio(bearing.compare(states, coverage_of(0.0 * whole, 0.0 * whole), said))

    assert log_ratio.min() >= np.log(bearing.GROSS_ERROR_PROBABILITY) - 1e-12
    assert 90 == log_ratio.argmax()
    assert np.exp(log_ratio).mean() == pytest.approx(1.0, abs=1e-3)


def test_wind_turns_sound_and_not_light() -> None:
    """Across a wind of 10 m/s the front's normal leans downwind by |w| / c, and a camera sees straight."""
    whole = np.ones(3_600)
    states = states_of(0.0 * whole, 5e3 * whole, 0.0 * whole, wind_x_m_per_s=10.0)
    at = coverage_of(0.0 * whole, 0.0 * whole)
    degrees = np.arange(3_600) / 10.0
    best_deg = [
        degrees[total_log_ratio(bearing.compare(states, at, bearing.Bearings(degrees, whole, share * whole))).argmax()]
        for share in (1.0, 0.0)
    ]

    assert best_deg[0] == pytest.approx(np.degrees(np.arcsin(10.0 / 340.0)), abs=0.06)
    assert 0.0 == best_deg[1]


def test_a_report_is_a_density_over_its_background() -> None:
    """Over every direction, log range and time that a patrol could have given, the ratio averages to the background's
    1."""
    rng = np.random.default_rng(3)
    count = 200_000
    states = states_of(np.full(count, 3e3), np.full(count, 1e3), np.zeros(count))
    low, high = np.log(human.RANGE_LEAST_M), np.log(human.RANGE_MOST_M)
    middle_m = np.exp(rng.uniform(low, high, count))
    span_s = 400.0
    start_s = rng.uniform(-0.5 * span_s, 0.5 * span_s, count)
    said = report(count)._replace(
        bearing_deg=rng.uniform(0.0, 360.0, count),
        range_low_m=middle_m,
        range_high_m=middle_m,
        time_low_s=start_s,
        time_high_s=start_s + 60.0,
    )
    at = coverage_of(np.zeros(count), np.zeros(count), background_rate=1.0 / span_s)
    mean = np.exp(total_log_ratio(human.compare(states, at, said))).mean()

    assert mean == pytest.approx(1.0, abs=0.03)


@given(
    time_s=st.floats(-3_000.0, 3_000.0), length_s=st.sampled_from([0.0, 60.0, 1_800.0]), sigma_s=st.floats(1.0, 300.0)
)
def test_a_report_never_promises_more_than_its_best(time_s: float, length_s: float, sigma_s: float) -> None:
    """The parabola that stands for a report in the arithmetic rises nowhere above what the report could be worth at
    best."""
    at = coverage_of([0.0], [0.0])
    said = report(1, time_low_s=0.0, time_high_s=length_s, time_sigma_s=sigma_s)
    term = human._time_term(states_of([0.0], [1.0], [time_s]), at, said)
    best = human._time_term(states_of([0.0], [1.0], [0.5 * length_s]), at, said).log_ratio[0, 0]
    slope, curve = term.gradient[0, 0, 2], term.information[0, 0, 2, 2]
    top = term.log_ratio[0, 0] + (0.5 * slope**2 / curve if curve > 0.0 else 0.0)

    assert top <= best + 0.02


def test_a_patrol_expects_to_hear_at_the_sound_s_time() -> None:
    """People hear after the travel time, as far as the event is heard."""
    expected = human.expect(states_of([3.4e3], [0.0], [5.0]), coverage_of([0.0], [0.0]))

    assert expected.arrival_time_s[0] == pytest.approx(15.0)
    assert expected.probability[0] > 0.85


def test_a_flash_is_at_once_and_its_bang_tells_the_distance() -> None:
    """A flash without a bang says only when; with one it is likeliest where sound takes that long."""
    distances_m = np.array([1e3, 3.4e3, 8e3])
    states = states_of(distances_m, np.zeros(3), np.zeros(3))
    at = coverage_of(np.zeros(3), np.zeros(3))
    whole = np.ones(3)
    silent = flash.compare(states, at, flash.Flashes(0.0 * whole, 0.1 * whole, np.nan * whole, np.nan * whole))
    loud = flash.compare(states, at, flash.Flashes(0.0 * whole, 0.1 * whole, 10.0 * whole, 0.5 * whole))

    assert np.allclose(silent.log_ratio[0], silent.log_ratio[0, 0])
    assert 1 == loud.log_ratio[0].argmax()
    assert loud.log_ratio[0, 1] > silent.log_ratio[0, 1]
    assert np.array_equal(flash.expect(states, at).arrival_time_s, states.time_s)
