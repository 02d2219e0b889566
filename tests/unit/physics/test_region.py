"""Regions with a tail of their own: nested, honest to draws of Student's t, and the normal's where there is no tail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.physics.region import agreed_scale_ratio, normal_square_ratio, region_square_ratio

TAILS_RATIO = (1e-3, 0.05, 0.2, 0.5, 1.0)
shares = st.floats(0.0, 0.999)
tails = st.floats(0.0, 1.0)


@pytest.mark.parametrize("tail_ratio", TAILS_RATIO)
def test_a_region_holds_its_share_of_draws(tail_ratio: float) -> None:
    """Of errors drawn from a t as a normal over a gamma, each region holds its share, by the covariance of 90 %."""
    chance, count = np.random.default_rng(7), 200_000
    freedom = 1.0 / tail_ratio
    normal = chance.multivariate_normal([0.0, 0.0], np.eye(2), count)
    drawn_square = (normal**2).sum(axis=1) / (chance.chisquare(freedom, count) / freedom)
    square = drawn_square / agreed_scale_ratio(tail_ratio)

    for nominal in (0.1, 0.5, 0.9, 0.95, 0.99):
        assert nominal == pytest.approx((square <= region_square_ratio(nominal, tail_ratio)).mean(), abs=0.004)


@given(shares, shares, tails)
def test_regions_nest(one: float, other: float, tail_ratio: float) -> None:
    """The region of a larger share holds that of a smaller one, whatever the tail."""
    low, high = sorted((one, other))

    assert region_square_ratio(low, tail_ratio) <= region_square_ratio(high, tail_ratio)


@given(shares)
def test_without_a_tail_a_region_is_the_normal_s(nominal: float) -> None:
    """The square radius is -2 ln(1 - p), the scale is the covariance, and a square is its own normal one."""
    square = -2.0 * math.log1p(-nominal)

    assert square == region_square_ratio(nominal)
    assert square == normal_square_ratio(square)
    assert 1.0 == agreed_scale_ratio(0.0)


@given(shares, st.floats(0.0, 1e-6))
def test_a_region_comes_near_the_normal_s_as_the_tail_does(nominal: float, tail_ratio: float) -> None:
    """As k goes to 0 nothing jumps: a tail of a millionth changes a square by some millionths at the most."""
    assert float(region_square_ratio(nominal)) == pytest.approx(
        float(region_square_ratio(nominal, tail_ratio)), rel=1e-5
    )
    assert 1.0 == pytest.approx(float(agreed_scale_ratio(tail_ratio)), rel=1e-5)
    assert 5.0 == pytest.approx(float(normal_square_ratio(5.0, tail_ratio)), rel=1e-5)


@given(tails)
def test_the_region_of_90_percent_is_the_covariance_s(tail_ratio: float) -> None:
    """Whatever the tail, the 90 % region is the normal's; a tail draws those of less in, and those of more out."""
    half, agreed, most = region_square_ratio([0.5, 0.9, 0.95], tail_ratio)

    assert -2.0 * math.log(0.1) == pytest.approx(agreed)
    assert half <= region_square_ratio(0.5)
    assert most >= region_square_ratio(0.95)


@given(shares, tails)
def test_a_square_made_normal_is_in_the_same_region(nominal: float, tail_ratio: float) -> None:
    """The edge of a region, made normal, is the edge of the normal's region of the same share."""
    edge = region_square_ratio(nominal, tail_ratio)

    assert float(region_square_ratio(nominal)) == pytest.approx(float(normal_square_ratio(edge, tail_ratio)), abs=1e-12)


def test_columns_give_columns() -> None:
    """Shares and tails in columns are broadcast, normal and heavy ones side by side."""
    tail_ratio = np.array([0.0, 0.3, 1.0])
    squares = region_square_ratio(np.array([[0.5], [0.9]]), tail_ratio)

    assert (2, 3) == squares.shape
    assert [float(region_square_ratio(0.5, tail)) for tail in tail_ratio] == squares[0].tolist()
    assert 99.0 / (2.0 * math.log(10.0)) == pytest.approx(float(agreed_scale_ratio(tail_ratio)[2]))


def test_a_tail_below_nothing_is_our_mistake() -> None:
    """Tails lighter than the normal's are not told."""
    with pytest.raises(AssertionError, match=r"tail_ratio=-0\.1 is below 0"):
        region_square_ratio(0.5, -0.1)
