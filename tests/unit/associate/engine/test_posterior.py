"""How far covariances are widened: by doubt, within bounds, and never to nothing."""

from __future__ import annotations

import numpy as np

from truceline.associate.engine.layout import EV_LOG_ODDS, EV_PURITY, EVENT_COLUMNS_COUNT, Floats
from truceline.associate.engine.posterior import INFLATION_MAX_RATIO, inflation_ratio


def widening(
    chi2: float, undecided: float, contested: float, *, rate_hz: float = 0.05, log_odds: float = 60.0
) -> float:
    """Give the widening of one event."""
    row: Floats = np.zeros((1, EVENT_COLUMNS_COUNT))
    row[0, [EV_LOG_ODDS, EV_PURITY]] = log_odds, 1.0
    return float(inflation_ratio(np.array([[chi2, undecided, contested]]), row, rate_hz=rate_hz)[0])


def test_an_event_that_all_fits_is_hardly_widened() -> None:
    """Members that fit, are sure and are nobody else's leave the linear model's covariance nearly as it is."""
    assert 0.8 < widening(1.0, 0.0, 0.0) < 1.5


def test_misfit_counts_more_where_members_are_contested() -> None:
    """Residuals that are too large widen, and the more so the more of the members others explain too."""
    assert widening(2.0, 0.05, 0.0) > widening(1.0, 0.05, 0.0)
    assert widening(2.0, 0.05, 0.5) / widening(1.0, 0.05, 0.5) > widening(2.0, 0.05, 0.0) / widening(1.0, 0.05, 0.0)


def test_thin_evidence_widens() -> None:
    """An event of low log-odds is widened more than a sure one."""
    assert widening(1.0, 0.05, 0.1, log_odds=4.0) > widening(1.0, 0.05, 0.1, log_odds=40.0)


def test_no_widening_is_above_its_bound() -> None:
    """However large the doubt, variances grow by no more than the bound."""
    assert widening(50.0, 0.25, 1.0, rate_hz=1.0) == INFLATION_MAX_RATIO


def test_what_is_not_known_widens_by_nothing_of_its_own() -> None:
    """Measures of doubt that could not be computed count as none."""
    assert widening(np.nan, np.nan, np.nan) == widening(1.0, 0.0, 0.0)
