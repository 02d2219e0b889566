"""How far covariances are widened and how heavy tails become: by doubt, within bounds, and never to nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from laws.engine_world import Conditions, make_world, solve
from truceline.associate.engine import posterior
from truceline.associate.engine import solve as engine
from truceline.associate.engine.layout import EV_LOG_ODDS, EV_PURITY, EVENT_COLUMNS_COUNT, Floats
from truceline.associate.engine.posterior import INFLATION_MAX_RATIO, TAIL_MIN_RATIO, widening_and_tail


def said(
    chi2: float,
    undecided: float,
    contested: float,
    *,
    air: tuple[float, float] = (0.1, 0.3),
    rate_hz: float = 0.05,
    log_odds: float = 60.0,
) -> tuple[float, float]:
    """Give the widening and the tail of one event; `air` is its share of the region, and its nodes over teachers."""
    row: Floats = np.zeros((1, EVENT_COLUMNS_COUNT))
    row[0, [EV_LOG_ODDS, EV_PURITY]] = log_odds, 1.0
    doubted = np.array([[chi2, undecided, contested, air[0]]])
    widening, tail = widening_and_tail(doubted, row, rate_hz=rate_hz, nodes_per_teacher_ratio=air[1])
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
    nobody = np.zeros((0, 4)), np.zeros((0, EVENT_COLUMNS_COUNT))
    widening, tail = widening_and_tail(*nobody, rate_hz=0.05, nodes_per_teacher_ratio=168.0)

    assert ((0,), (0,)) == (widening.shape, tail.shape)


def test_an_air_that_few_events_taught_makes_the_tail_heavier() -> None:
    """The more nodes an event taught, and the more of the region is the air's, the heavier the tail."""
    usual, few, fewer = (said(1.2, 0.05, 0.0, air=(0.4, nodes)) for nodes in (0.3, 2.0, 5.0))
    less_of_it = said(1.2, 0.05, 0.0, air=(0.1, 5.0))

    assert usual[1] < few[1] < fewer[1]
    assert usual[1] < less_of_it[1] < fewer[1]


@pytest.mark.parametrize("air", [(0.4, 0.3), (0.4, 1.0), (0.0, 100.0), (np.nan, 100.0)])
def test_an_air_that_is_known_or_well_taught_asks_for_nothing(air: tuple[float, float]) -> None:
    """With an event for every node, or without a share of the air's in the region, all stays as it is."""
    assert said(1.2, 0.05, 0.0, air=air) == said(1.2, 0.05, 0.0)


def test_quiet_ends_at_one_event_a_minute_or_so() -> None:
    """Below 0.02 detections a station and second regions are a little smaller, and no smaller from a third on."""
    usual, quiet, quieter = (said(1.2, 0.05, 0.0, rate_hz=rate_hz) for rate_hz in (0.0199, 0.006, 0.0006))

    assert quiet[0] < usual[0]
    assert quieter == quiet


def test_fire_that_overwhelms_widens_what_is_undecided() -> None:
    """Above half a detection a station and second all tails grow, and the scale where members are undecided."""
    rates_hz = (0.49, 0.9)
    sure = [said(1.0, 0.01, 0.3, rate_hz=rate_hz) for rate_hz in rates_hz]
    undecided = [said(1.2, 0.22, 0.3, rate_hz=rate_hz, log_odds=10.0) for rate_hz in rates_hz]

    assert undecided[1][0] > 4.0 * undecided[0][0]
    assert undecided[1][0] / undecided[0][0] > 4.0 * sure[1][0] / sure[0][0]
    assert sure[1][1] > 1.5 * sure[0][1]


def test_how_far_fire_overwhelms_is_bounded() -> None:
    """Beyond what was seen, about one detection a station and second, more of it changes nothing."""
    assert said(1.2, 0.1, 0.3, rate_hz=1.1) == said(1.2, 0.1, 0.3, rate_hz=5.0)


def test_the_air_s_share_is_what_its_covariance_adds_to_the_area(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a covariance of the air its share is 0; with it, what the region without is smaller by."""
    taken = []

    def both(*given: object) -> Floats:
        """Reckon with the air's covariance, and without."""
        *before, air_covariance, shared = given
        taken.append((engine_covariances(*given), engine_covariances(*before, np.zeros_like(air_covariance), shared)))
        return taken[-1][0]

    engine_covariances = engine.covariances
    monkeypatch.setattr(engine, "covariances", both)
    solve(make_world(3))
    full, still = (columns[np.isfinite(columns[:, 0])] for columns in taken[-1])
    area, still_area = (np.sqrt(columns[:, 0] * columns[:, 3] - columns[:, 1] ** 2) for columns in (full, still))

    assert len(full) > 10
    assert not still[:, 9].any()
    assert np.allclose(1.0 - still_area / area, full[:, 9])
    assert ((full[:, 9] > 0.01) & (full[:, 9] < 1.0)).all()


def test_more_events_teach_the_air_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are fewer nodes for each event that teaches them, the more events there are."""
    asked = []

    def noted(*given: Floats, rate_hz: float, nodes_per_teacher_ratio: float) -> tuple[Floats, Floats]:
        """Note what is asked."""
        asked.append(nodes_per_teacher_ratio)
        return widening_and_tail(*given, rate_hz=rate_hz, nodes_per_teacher_ratio=nodes_per_teacher_ratio)

    monkeypatch.setattr(engine, "widening_and_tail", noted)
    for event_count in (1, 4, 24):
        solve(make_world(3, Conditions(event_count=event_count)))

    assert asked[0] > asked[1] > asked[2] > 0.0


def test_members_that_may_be_echoes_are_contested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every detection is to be expected as an echo at 0.05 a second, half of each member is contested or more."""
    shares = []

    def noted(*given: object) -> Floats:
        """Note the shares."""
        columns = engine_covariances(*given)
        shares.append(columns[np.isfinite(columns[:, 0]), 8])
        return columns

    engine_covariances = engine.covariances
    monkeypatch.setattr(engine, "covariances", noted)
    for echo_hz in (0.0, 0.05):
        monkeypatch.setattr(engine, "echo_rates", lambda scene, *_, hz=echo_hz, **__: np.full(len(scene.time_s), hz))
        solve(make_world(3))

    assert shares[0].max() < 0.5
    assert shares[1].min() > 0.49
