"""Amplitudes, hot pixels, silence, and the arithmetic of terms."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from truceline.associate.modalities import amplitude, silence, thermal
from truceline.associate.modalities.registry import LEDGER_NAMES, MODALITIES
from truceline.associate.modalities.term import flat_term, mixture, normal_term, product, total_log_ratio
from unit.associate.modalities.made_pairs import coverage_of, gradient_error, states_of


@given(x_m=st.floats(-9e3, 9e3), y_m=st.floats(1e3, 9e3))
def test_levels_and_pixels_pull_as_their_log_ratio_slopes(x_m: float, y_m: float) -> None:
    """The gradients of a level and of a pixel are the slopes of their log ratios."""
    states, at = states_of([x_m], [y_m], [0.0]), coverage_of([0.0], [0.0])
    level = amplitude.Levels(np.array([0.3]), np.array([0.0]), np.array([0.4]))
    pixel = thermal.Pixels(np.array([x_m + 100.0]), np.array([y_m]), np.array([110.0]))

    assert gradient_error(lambda s: amplitude.compare(s, at, level), states) < 1e-3
    assert gradient_error(lambda s: thermal.compare(s, at, pixel), states) < 1e-3


def test_a_level_is_a_density_over_that_of_clutter() -> None:
    """Averaged over the station's clutter, the ratio is 1; at the range the level is that of a just detected one."""
    value = np.linspace(-6.0, 6.0, 20_001)
    whole = np.ones_like(value)
    levels = amplitude.Levels(value, 0.1 * whole, 0.4 * whole)
    states = states_of(10e3 * whole, 0.0 * whole, 0.0 * whole)
    log_ratio = total_log_ratio(amplitude.compare(states, coverage_of(0.0 * whole, 0.0 * whole), levels))
    clutter = np.exp(-0.5 * ((value - 0.1) / 0.4) ** 2) / (0.4 * np.sqrt(2.0 * np.pi))
    density = np.exp(log_ratio) * clutter

    assert density.sum() * (value[1] - value[0]) == pytest.approx(1.0, abs=1e-6)
    assert value[density.argmax()] == pytest.approx(0.0, abs=1e-3)


def test_a_pixel_is_a_density_over_wild_fires() -> None:
    """Over the ground the ratio times the density of wild fires integrates to 1."""
    axis_m = np.arange(-1_000.0, 1_001.0, 10.0)
    x_m, y_m = (grid.ravel() for grid in np.meshgrid(axis_m, axis_m))
    whole = np.ones_like(x_m)
    at = coverage_of(0.0 * whole, 0.0 * whole, background_rate=2e-9)
    term = thermal.compare(
        states_of(0.0 * whole, 0.0 * whole, 0.0 * whole), at, thermal.Pixels(x_m, y_m, 110.0 * whole)
    )

    assert np.exp(term.log_ratio[0]).sum() * 100.0 * 2e-9 == pytest.approx(1.0, abs=1e-6)


def test_an_overpass_sees_only_what_came_before_and_still_burns() -> None:
    """The probability of a hot pixel is nil before the event, falls with its age, and is nil beyond the longest
    fire."""
    states = states_of(np.zeros(4), np.zeros(4), np.array([100.0, 0.0, -3_600.0, -1e6]))
    at = coverage_of(np.zeros(4), np.zeros(4))._replace(time_high_s=np.full(4, 50.0))
    expected = thermal.expect(states, at)

    assert 0.0 == expected.probability[0]
    assert 0.9 > expected.probability[1] > expected.probability[2] > 0.0
    assert 0.0 == expected.probability[3]
    assert np.array_equal(np.full(4, 50.0), expected.arrival_time_s)


def test_silence_counts_only_where_something_could_be_noticed() -> None:
    """Regions and dead time take the blame away, and no single silence ends an event."""
    states = states_of([0.0, 5.0, 0.0], [0.0, 0.0, 0.0], np.zeros(3))
    at = coverage_of(np.zeros(3), np.zeros(3))._replace(region_index=np.array([0, 0, -1]))
    inside = silence.inside_regions(states, at, [shapely.box(-1.0, -1.0, 1.0, 1.0)])
    masked = silence.is_masked(np.full(4, 10.0), np.array([9.8, 9.95, 9.0, -np.inf]), np.full(4, 0.3))
    missing = silence.missing_probability(np.array([1.0, 0.5, 0.5]), np.array([False, False, True]))
    log_ratio = silence.silence_log_ratio(np.array([0, 0, 1]), missing, 3)

    assert [True, False, True] == inside.tolist()
    assert [True, False, False, False] == masked.tolist()
    assert log_ratio == pytest.approx([np.log(0.01) + np.log(0.5), 0.0, 0.0])


def test_products_add_and_mixtures_gather() -> None:
    """A product has every pair of components with logarithms added; a mixture's ratio is the sum of its components'."""
    by_state = np.array([[0.0, 0.0, 1.0]])
    first = normal_term(np.array([0.5]), np.array([1.0]), by_state)
    second = mixture(first, flat_term(np.array([-1.0])))
    both = product(second, second)

    assert (4, 1) == both.log_ratio.shape
    assert total_log_ratio(both)[0] == pytest.approx(2.0 * total_log_ratio(second)[0])
    assert both.gradient[0, 0] == pytest.approx(2.0 * first.gradient[0, 0])
    assert -np.inf == total_log_ratio(flat_term(np.array([-np.inf])))[0]


def test_every_modality_has_one_name_and_a_column_of_the_ledger() -> None:
    """Names are distinct, and the ledger has one for each, for the candidate and for silence."""
    names = [modality.name for modality in MODALITIES]

    assert len(set(names)) == len(names)
    assert ("candidate", *names, "silence") == LEDGER_NAMES
