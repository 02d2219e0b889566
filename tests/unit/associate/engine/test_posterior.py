"""How far covariances are widened and how heavy tails become: by doubt, within bounds, and never to nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from truceline.associate.engine import posterior
from truceline.associate.engine.layout import EV_LOG_ODDS, EV_PURITY, EVENT_COLUMNS_COUNT, Floats
from truceline.associate.engine.posterior import INFLATION_MAX_RATIO, TAIL_MIN_RATIO, widening_and_tail


def said(
    chi2: float, undecided: float, contested: float, *, rate_hz: float = 0.05, log_odds: float = 60.0
) -> tuple[float, float]:
    """Give the widening and the tail of one event."""
    row: Floats = np.zeros((1, EVENT_COLUMNS_COUNT))
    row[0, [EV_LOG_ODDS, EV_PURITY]] = log_odds, 1.0
    widening, tail = widening_and_tail(np.array([[chi2, undecided, contested]]), row, rate_hz=rate_hz)
    return float(widening[0]), float(tail[0])


def test_an_event_that_all_fits_is_hardly_widened() -> None:
    """Members that fit, are sure and are nobody else's leave the linear model's covariance and normal nearly as is."""
    widening, tail = said(1.0, 0.0, 0.0)

    assert 0.8 < widening < 1.5
    assert tail < 0.1


@pytest.mark.parametrize("place", [0, 1])
def test_misfit_widens_and_makes_the_tail_heavier(place: int) -> None:
    """Residuals that are too large widen, and let errors far beyond be expected more often."""
    assert said(2.0, 0.05, 0.0)[place] > said(1.0, 0.05, 0.0)[place]


def test_misfit_counts_more_where_members_are_contested() -> None:
    """The widening by residuals that are too large is the larger, the more of the members others explain too."""
    contested = said(2.0, 0.05, 0.2)[0] / said(1.0, 0.05, 0.2)[0]

    assert contested > said(2.0, 0.05, 0.0)[0] / said(1.0, 0.05, 0.0)[0]


def test_thin_evidence_widens_and_makes_the_tail_heavier() -> None:
    """An event of low log-odds has a wider region and a heavier tail than a sure one."""
    thin, sure = said(1.0, 0.05, 0.1, log_odds=4.0), said(1.0, 0.05, 0.1, log_odds=40.0)

    assert thin[0] > sure[0]
    assert thin[1] > sure[1]


def test_nothing_is_above_its_bound() -> None:
    """However large the doubt, variances grow by no more than the bound, and no tail is heavier than Cauchy's."""
    assert (INFLATION_MAX_RATIO, 1.0) == said(50.0, 0.25, 1.0, rate_hz=1.0)


def test_a_light_tail_under_little_doubt_is_held_to_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the coefficients, no covariance shrinks and no tail is lighter than can be told."""
    monkeypatch.setattr(posterior, "INFLATION", {"always": -5.0})
    monkeypatch.setattr(posterior, "TAIL", {"always": -20.0})

    assert (1.0, TAIL_MIN_RATIO) == said(1.0, 0.0, 0.0)


def test_the_normal_s_90_percent_region_is_that_of_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The widening is the scale f of the t, times what the region of 90 % of its tail is wider than the normal's."""
    monkeypatch.setattr(posterior, "INFLATION", {"always": 0.2, "misfit x contested": 0.5})
    monkeypatch.setattr(posterior, "TAIL", {"always": -1.5, "contested": 0.25})
    widening, tail = said(math.e, 0.05, 0.5)
    radius_square = (0.1 ** (-2.0 * tail) - 1.0) / tail

    assert math.exp(-1.5 + 0.25 * 2.0) == pytest.approx(tail)
    assert math.exp(0.2 + 0.5 * 2.0) * radius_square / (-2.0 * math.log(0.1)) == pytest.approx(widening)


def test_what_is_not_known_widens_by_nothing_of_its_own() -> None:
    """Measures of doubt that could not be computed count as none."""
    assert said(np.nan, np.nan, np.nan) == said(1.0, 0.0, 0.0)


def test_no_events_have_no_widening() -> None:
    """Of no events nothing is said."""
    widening, tail = widening_and_tail(np.zeros((0, 3)), np.zeros((0, EVENT_COLUMNS_COUNT)), rate_hz=0.05)

    assert ((0,), (0,)) == (widening.shape, tail.shape)


def test_where_little_is_fired_the_tail_is_heavier() -> None:
    """At one event a minute few teach the air: the tail grows; at sixty a minute and more nothing is quiet."""
    usual, quiet, very_quiet = (said(1.2, 0.05, 0.0, rate_hz=rate_hz) for rate_hz in (0.02, 0.007, 0.0007))

    assert quiet[1] == pytest.approx(usual[1])
    assert very_quiet[1] > 2.0 * usual[1]
    assert quiet[0] < said(1.2, 0.05, 0.0, rate_hz=0.0199)[0]
