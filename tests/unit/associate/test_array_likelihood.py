"""The likelihood of array detections: bearings, arrival times over all phases, and who heard."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from truceline.associate.array_likelihood import (
    Geometry,
    arrival_density_hz,
    bearing_concentration_ratio,
    canonical_order,
    columns_of,
    explain,
    log_bearing_ratio,
    log_heard,
    log_shared_celerity,
    origin_times,
)
from truceline.associate.array_records import ArrayDetection, ArraySettings

SETTINGS = ArraySettings()
FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def detection(array_id: str, later_s: float = 0.0, bearing_deg: float = 90.0) -> ArrayDetection:
    """Make a detection of an array whose place follows from its name."""
    return ArrayDetection(
        array_id=array_id,
        latitude_deg=48.0 + ord(array_id[0]) % 7,
        longitude_deg=30.0,
        time=FIRST + timedelta(seconds=later_s),
        bearing_deg=bearing_deg,
        f_statistic_ratio=10.0,
        element_count=4,
    )


def test_beams_are_held_between_their_limits() -> None:
    """A strong signal's half width is 4 + 4 degrees, a weak or unknown one's 12 + 4, and more F never widens it."""

    def half_width_deg(kappa: float) -> float:
        return math.degrees(math.acos(1.0 - math.log(2.0) / kappa))

    widths = [half_width_deg(bearing_concentration_ratio(ratio, 4)) for ratio in (0.0, 1.0, 5.0, 10.0, 20.0, 1e6)]

    assert [16.0, 8.0] == pytest.approx([widths[0], widths[-1]])
    assert sorted(widths, reverse=True) == widths
    assert 16.0 == pytest.approx(half_width_deg(bearing_concentration_ratio(None, 4)))
    assert 16.0 == pytest.approx(half_width_deg(bearing_concentration_ratio(9.0, None)))


def test_bearings_are_a_distribution_and_never_rule_a_place_out() -> None:
    """The ratio to any bearing alike averages to one over the circle, and stays above the share of outliers."""
    off_deg = np.linspace(-180.0, 180.0, 3601)[:-1]
    ratio = np.exp(log_bearing_ratio(off_deg, np.array(40.0), 0.05))

    assert 1.0 == pytest.approx(ratio.mean())
    assert ratio.min() >= 0.05
    assert off_deg[int(np.argmax(ratio))] == pytest.approx(0.0)


def test_arrivals_are_a_distribution_of_time() -> None:
    """The density of an arrival's delay integrates to one at any range."""
    delay_s = np.linspace(0.0, 4000.0, 40_001)
    for distance_m in (5e4, 5e5):
        density_hz = arrival_density_hz(delay_s, np.array(distance_m), np.array(5.0), model=SETTINGS.celerity)

        assert 1.0 == pytest.approx(density_hz.sum() * 0.1, abs=1e-3)


def test_the_origin_time_is_integrated_as_in_closed_form() -> None:
    """Summed over points of time, two arrivals give what their nine pairs of phases give."""
    model, distance_m, arrival_s = SETTINGS.celerity, np.array([[3.0e5], [4.2e5]]), np.array([0.0, 390.0])
    table = origin_times(distance_m, arrival_s, np.zeros(1), settings=SETTINGS)
    expected = 0.0
    for first, second in itertools.product(range(3), repeat=2):
        means_s = distance_m[:, 0] * [model.mean_s_per_m[first], model.mean_s_per_m[second]]
        variance = 2.0 * SETTINGS.timing_sigma_s**2 + float(
            np.square(distance_m[:, 0] * [model.sigma_s_per_m[first], model.sigma_s_per_m[second]]).sum()
        )
        off_s = (arrival_s[1] - arrival_s[0]) - (means_s[1] - means_s[0])
        share = model.phase_shares[first] * model.phase_shares[second]
        expected += share * math.exp(-0.5 * off_s**2 / variance) / math.sqrt(2.0 * math.pi * variance)

    assert [math.log(expected)] == pytest.approx(table.log_integral(), abs=0.01)


def test_a_celerity_in_common_is_a_joint_normal_distribution() -> None:
    """Sums over arrivals give the density that the full covariance matrix gives."""
    settings, model = SETTINGS, SETTINGS.celerity
    distance_m, arrival_s = np.array([[2.4e5], [3.6e5], [4.7e5]]), np.array([0.0, 331.0, 780.0])
    node_s, spread_s = np.array([[-900.0, -800.0]]), np.array([7.0])
    given = log_shared_celerity(distance_m, arrival_s, (node_s, spread_s), settings=settings)
    expected = np.zeros(2)
    for share, mean, sigma in zip(model.phase_shares, model.mean_s_per_m, model.sigma_s_per_m, strict=True):
        r = distance_m[:, 0]
        covariance = np.diag(spread_s[0] ** 2 + (r * settings.celerity_scatter_s_per_m) ** 2)
        covariance = covariance + sigma**2 * np.outer(r, r)
        for index, origin_s in enumerate(node_s[0]):
            off_s = arrival_s - origin_s - r * mean
            misfit = off_s @ np.linalg.solve(covariance, off_s)
            expected[index] += share * math.exp(-0.5 * misfit) / math.sqrt(np.linalg.det(2.0 * math.pi * covariance))

    assert np.log(expected) == pytest.approx(given[0], abs=1e-6)


def test_who_heard_is_a_distribution() -> None:
    """Over all ways in which two arrays hear or not, first phases only, the probabilities sum to one."""
    distance_m = np.array([[3.0e5], [9.0e5]])
    ways = [np.array(way) for way in itertools.product((0, 1), repeat=2)]

    assert 1.0 == pytest.approx(sum(math.exp(log_heard(distance_m, way, SETTINGS)[0]) for way in ways))
    assert log_heard(distance_m, np.array([2, 0]), SETTINGS)[0] == pytest.approx(
        log_heard(distance_m, np.array([1, 0]), SETTINGS)[0] + math.log(SETTINGS.further_phase_probability)
    )


def test_order_and_repetition_do_not_matter() -> None:
    """Detections in any order, some of them twice, give the same columns."""
    ordered = [detection("b"), detection("a", 50.0), detection("c", 90.0)]
    expected = columns_of(canonical_order(ordered), SETTINGS)
    given = columns_of(canonical_order([*reversed(ordered), ordered[1]]), SETTINGS)

    assert all(np.array_equal(left, right) for left, right in zip(expected, given, strict=True))


def test_a_busier_array_says_less() -> None:
    """More detections at an array raise its clutter rate, so that each is worth less."""
    quiet = columns_of(canonical_order([detection("a"), detection("b", 60.0)]), SETTINGS)
    busy = columns_of(canonical_order([detection("a"), detection("a", 30.0), detection("b", 60.0)]), SETTINGS)

    assert busy.log_clutter_hz[0] > quiet.log_clutter_hz[0]
    assert busy.log_clutter_hz[2] == pytest.approx(quiet.log_clutter_hz[1])


def test_each_kind_of_evidence_adds_its_own_term() -> None:
    """Bearings alone know no time, times alone no bearing, and beyond the farthest range nothing is possible."""
    columns = columns_of(canonical_order([detection("a"), detection("b", 60.0, 120.0)]), SETTINGS)
    geometry = Geometry(
        np.array([[2e5, 2e5, 2e6], [3e5, 3e5, 3e5]]),
        np.array([[90.0, 270.0, 90.0], [120.0, 300.0, 120.0]]),
        np.full(3, 1e3),
    )
    members = np.array([0, 1])
    found = {
        evidence: explain(columns, members, geometry, evidence=evidence, settings=SETTINGS)
        for evidence in ("bearings", "times", "both")
    }

    assert found["bearings"].times is None
    assert found["bearings"].log_density[0] > found["bearings"].log_density[1] + 2.0
    assert found["times"].log_density[0] == pytest.approx(found["times"].log_density[1])
    assert found["both"].log_density[0] > found["both"].log_density[1] + 2.0
    assert all(entry.log_density[2] == -math.inf for entry in found.values())


def test_a_shared_celerity_is_weighed_in() -> None:
    """With a probability of a celerity in common, arrivals that fit one become likelier."""
    distance_m = np.array([[2.4e5], [3.6e5], [4.8e5]])
    arrival_s = distance_m[:, 0] / 300.0
    apart = origin_times(distance_m, arrival_s, np.zeros(1), settings=SETTINGS)
    both = origin_times(distance_m, arrival_s, np.zeros(1), settings=ArraySettings(shared_celerity_probability=0.5))

    assert both.log_integral()[0] > apart.log_integral()[0] + 1.0
