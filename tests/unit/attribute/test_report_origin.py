"""The integral over where fire on a place was launched."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from truceline.attribute.report_origin import fire_density, launched_by_first_probability
from truceline.attribute.report_settings import FireClass, ReportSettings

SETTINGS = ReportSettings()
DISTANCES_M = np.array([0.0, 300.0, 2_000.0, 9_000.0, 40_000.0, 400_000.0, 2.0e6])


def at_exact_place(impact_m: float, fire: FireClass) -> float:
    """Integrate over where it was launched, as the equation is written; the party's ground is the positive side."""

    def integrand(launch_m: float) -> float:
        reach = np.exp(-abs(launch_m - impact_m) / fire.range_m) / (2.0 * fire.range_m)
        return float(np.exp(-launch_m / fire.depth_m) / fire.depth_m * reach)

    pieces = sorted({0.0, max(impact_m, 0.0), fire.depth_m, 10.0 * fire.depth_m, 40.0 * fire.depth_m})
    value = sum(quad(integrand, low, high)[0] for low, high in pairwise(pieces))
    return float(value * (SETTINGS.own_side_probability if impact_m > 0.0 else 1.0))


def at_measured_place(distance_m: float, sigma_m: float, fire: FireClass) -> float:
    """Average the integral over the error of the position, on either side of the line by itself."""

    def integrand(impact_m: float) -> float:
        normal = np.exp(-0.5 * ((impact_m - distance_m) / sigma_m) ** 2) / (sigma_m * np.sqrt(2.0 * np.pi))
        return float(at_exact_place(impact_m, fire) * normal)

    low_m, high_m = distance_m - 8.0 * sigma_m, distance_m + 8.0 * sigma_m
    parts = [(min(low_m, 0.0), min(high_m, 0.0)), (max(low_m, 0.0), max(high_m, 0.0))]
    return float(sum(quad(integrand, low, high, limit=200)[0] for low, high in parts))


@pytest.mark.parametrize("distance_m", [-15_000.0, -700.0, 1_500.0, 12_000.0])
@pytest.mark.parametrize("close_share", [0.0, 1.0])
def test_closed_form_is_the_integral(distance_m: float, close_share: float) -> None:
    """The closed form is the integral over every place of launch and of impact."""
    fire = SETTINGS.close if close_share else SETTINGS.long
    closed = fire_density(distance_m, 1_400.0, close_share, settings=SETTINGS)

    assert pytest.approx(at_measured_place(distance_m, 1_400.0, fire), rel=1e-6) == float(closed)


def test_other_side_of_the_line_mirrors() -> None:
    """An impact as far on the other side of the line gives the complement."""
    first = launched_by_first_probability(DISTANCES_M, 1_400.0, 0.7, settings=SETTINGS)
    other = launched_by_first_probability(-DISTANCES_M, 1_400.0, 0.7, settings=SETTINGS)

    assert first == pytest.approx(1.0 - other, abs=1e-15)


def test_on_the_line_nobody_is_named() -> None:
    """On the line itself position says nothing, whatever the error of the position."""
    on_line = launched_by_first_probability(np.zeros(3), np.array([0.0, 100.0, 5_000.0]), 0.7, settings=SETTINGS)

    assert [0.5, 0.5, 0.5] == on_line.tolist()


def test_ground_of_one_party_speaks_for_the_other() -> None:
    """Beyond the error of line and place, fire on a party's ground is more likely the other party's."""
    probability = launched_by_first_probability(DISTANCES_M[2:], 1_000.0, 0.7, settings=SETTINGS)

    assert (probability < 0.5).all()


def test_a_coarser_position_never_sharpens_near_the_line() -> None:
    """The larger the error of the position, the nearer to a half is the answer close to the line."""
    probability = launched_by_first_probability(
        np.full(4, 1_000.0), np.array([0.0, 500.0, 2_000.0, 20_000.0]), 0.7, settings=SETTINGS
    )

    assert (np.diff(probability) > 0.0).all()
    assert (probability < 0.5).all()


def test_an_unknown_distance_stays_unknown() -> None:
    """A distance that is not known gives no probability, never a half."""
    assert np.isnan(launched_by_first_probability(np.nan, 1_000.0, 0.7, settings=SETTINGS))


def test_fire_is_never_impossible() -> None:
    """No place on earth has a density of zero for either party, so that the answer is always defined."""
    density = fire_density(np.concatenate([DISTANCES_M, -DISTANCES_M]), 1_000.0, 0.7, settings=SETTINGS)

    assert (density > 0.0).all()


def test_close_fire_says_less_behind_the_line_than_far_fire() -> None:
    """With close weapons alone own launchers stand near: the answer is less sure than for far ones."""
    close, far = launched_by_first_probability(15_000.0, 1_000.0, np.array([1.0, 0.0]), settings=SETTINGS)

    assert far < close < 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"own_side_probability": 1.5},
        {"near_probability": 0.4},
        {"line_lag_days": -1.0},
        {"place_sigma_m": -1.0},
        {"advance_window_days": 0},
    ],
)
def test_settings_hold_their_limits(wrong: dict[str, float]) -> None:
    """A setting outside its limits is refused by its name."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReportSettings(**wrong)  # type: ignore[arg-type]


def test_scales_of_a_class_differ() -> None:
    """Range and depth of one class may not be the same number, as the closed form divides by their difference."""
    with pytest.raises(ValueError, match="depth_m=7"):
        FireClass(range_m=7.0, depth_m=7.0)
