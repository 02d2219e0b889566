"""The parts of the direction of fire, each against a plainer way to the same number."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.integrate import quad

from truceline.associate.fire_cells import cell_centres_deg, cell_sizes_deg, rounded_down
from truceline.associate.fire_columns import line_at_events
from truceline.associate.fire_origin import _ground_ratios
from truceline.associate.fire_ownership import Claims, pairing_probabilities
from truceline.associate.fire_pairing import Scan, _log_constant_lag, _match
from truceline.associate.fire_settings import CELL_EDGE_MIN_M, CELL_LADDER_DEG, FireSettings
from truceline.physics.contact_line import Floats, LineHistory
from truceline.release.coarsen import CELL_LADDER_DEG as RELEASE_LADDER_DEG
from truceline.release.coarsen import coarsen


def plain_scan(impact_s: Floats, launch_s: Floats) -> Scan:
    """Give what the kernels read of one impact mission (0) and one launch mission (1), sigma 0.1 s."""
    count = len(impact_s) + len(launch_s)
    none, two = np.zeros(count), np.zeros(2)
    return Scan(
        start=np.array([0, len(impact_s), count]),
        time_s=np.concatenate([impact_s, launch_s]),
        variance_s2=np.full(count, 0.01),
        log_event=none,
        bearing_rad=none,
        bearing_sigma_rad=none,
        x_m=two,
        y_m=two,
        first_s=two,
        last_s=two,
        log_impact=two,
        log_launch=two,
        on_a=two,
        ground_ratio=np.ones((2, 1, 2)),
        weapon=np.zeros((1, 6)),
        spread=np.zeros((1, 2)),
        number=np.array([np.log(0.9), np.log(0.2), 8.0, 0.01, 0.1, 0.0, -9.0]),
    )


def test_constant_lag_is_the_integral_over_the_lag() -> None:
    """The likelihood of equal flight times is the product of normal densities, integrated over what they share."""
    lags_s = np.array([30.0, 30.4, 29.7])
    scan = plain_scan(np.array([0.0, 10.0, 20.0]) + lags_s, np.array([0.0, 10.0, 20.0]))
    sigma_s = np.sqrt(0.02 + 0.3**2)

    def density(lag_s: float) -> float:
        return float(np.prod(np.exp(-0.5 * ((lags_s - lag_s) / sigma_s) ** 2) / (np.sqrt(2 * np.pi) * sigma_s)))

    found = np.array([[0, 1, 2], [3, 4, 5]])

    expected = np.log(quad(density, 25.0, 35.0, points=[30.0])[0])
    assert expected == pytest.approx(_log_constant_lag(scan, found, 3, 0.3), abs=1e-6)


def test_alignment_costs_least() -> None:
    """No pairing of rounds in order costs less than the one found, over many random missions."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        launch_s = np.sort(rng.uniform(0.0, 20.0, 4))
        impact_s = np.sort(np.concatenate([launch_s[:3] + 30.0 + rng.normal(0.0, 0.4, 3), rng.uniform(30.0, 50.0, 1)]))
        scan = plain_scan(impact_s, launch_s)
        found = np.zeros((2, 64), dtype=np.int64)
        count = _match(scan, np.array([0, 1]), 30.0, found)
        costs = [
            _alignment_cost(scan, list(zip(left, right, strict=True)))
            for size in range(5)
            for left in combinations(range(4), size)
            for right in combinations(range(4, 8), size)
        ]

        pairs = list(zip(found[0, :count].tolist(), found[1, :count].tolist(), strict=True))
        assert min(costs) == pytest.approx(_alignment_cost(scan, pairs))


def _alignment_cost(scan: Scan, pairs: list[tuple[int, int]]) -> float:
    variance = 0.02 + (0.01 * 30.0) ** 2
    off_s = np.array([scan.time_s[i] - scan.time_s[j] - 30.0 for i, j in pairs])
    each = 0.5 * off_s**2 / variance - np.log(8.0 / np.sqrt(2 * np.pi * variance))
    return float(each.sum() - (8 - 2 * len(pairs)) * np.log(0.2))


def test_probabilities_are_exact_without_circles() -> None:
    """On a chain of missions the probabilities are those of counting every set of pairings that can hold together."""
    weights = np.array([0.7, 3.0, 1.2, 5.0])
    impacts, launches = np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4])
    claims = Claims(impacts, weights, np.arange(5), np.vstack([impacts, launches]), 5)
    total, held = 0.0, np.zeros(4)
    for size in range(5):
        for chosen in combinations(range(4), size):
            ends = [end for k in chosen for end in (impacts[k], launches[k])]
            if len(set(ends)) == len(ends):
                weight = float(np.prod(weights[list(chosen)]))
                total += weight
                held[list(chosen)] += weight

    np.testing.assert_allclose(pairing_probabilities(claims), held / total, atol=1e-6)


def test_a_mission_has_one_source() -> None:
    """Two sources of one mission exclude each other, whatever they explain; two missions of one battery do not."""
    events = np.array([[0, 1], [2, 3]])
    rivals = Claims(np.array([0, 0]), np.array([50.0, 50.0]), np.arange(3), events, 4)
    friends = rivals._replace(mission_index=np.array([0, 1]))

    np.testing.assert_allclose(pairing_probabilities(rivals), 50.0 / 101.0, atol=1e-6)
    np.testing.assert_allclose(pairing_probabilities(friends), 50.0 / 51.0, atol=1e-6)


def test_the_prior_is_even_between_the_parties() -> None:
    """A launch anywhere in reach is as likely on either ground, wherever the shell fell and however much each holds."""
    settings = FireSettings()
    weapon = settings.weapons[1]
    rng = np.random.default_rng(3)
    ranges_m = rng.uniform(weapon.range_min_m, weapon.range_max_m, 200_000)
    north_m = ranges_m * np.cos(rng.uniform(0.0, 2 * np.pi, 200_000))
    for distance_m in (-9_000.0, 0.0, 4_000.0):
        ratio = _ground_ratios(np.array([distance_m]), settings)[0, 1]
        on_a = distance_m + north_m > 0.0

        assert (1.0, 1.0) == pytest.approx((on_a.mean() * ratio[0], (~on_a).mean() * ratio[1]), abs=0.02)


def test_cells_are_those_of_the_release_policy() -> None:
    """The ladder is the release stage's, and so is the centre of each place's cell."""
    rng = np.random.default_rng(7)
    places_deg = np.column_stack([rng.uniform(-180.0, 180.0, 300), rng.uniform(-90.0, 90.0, 300)])
    places_deg[0] = (180.0, 90.0)
    sizes_deg = cell_sizes_deg(places_deg[:, 1], cell_deg=0.05)
    centres_deg = cell_centres_deg(places_deg, sizes_deg)

    assert RELEASE_LADDER_DEG == CELL_LADDER_DEG
    for place, size_deg, centre in zip(places_deg.tolist(), sizes_deg.tolist(), centres_deg.tolist(), strict=True):
        latitude_deg, longitude_deg = coarsen(place[1], place[0], cell_deg=size_deg)
        assert (longitude_deg, latitude_deg) == pytest.approx(tuple(centre), abs=1e-9)


def test_no_cell_is_narrower_than_five_kilometres() -> None:
    """Cells are at least 5 km from east to west up to 85 degrees, and never below the policy's own size."""
    latitude_deg = np.linspace(-84.9, 84.9, 500)
    sizes_deg = cell_sizes_deg(latitude_deg, cell_deg=0.05)

    assert (sizes_deg * 111_000.0 * np.cos(np.radians(latitude_deg)) >= CELL_EDGE_MIN_M).all()
    assert {0.05, 0.2} <= set(sizes_deg.tolist())
    assert cell_sizes_deg(np.array([48.0]), cell_deg=1.0).tolist() == [1.0]
    assert np.isnan(cell_sizes_deg(np.array([np.nan]), cell_deg=0.05)).all()


def test_rounding_never_makes_surer() -> None:
    """What is told lies at or below what was found, by less than a hundredth."""
    probability = np.linspace(0.0, 1.0, 10_001)
    told = rounded_down(probability)

    assert ((told <= probability + 1e-9) & (probability - told < 0.01)).all()
    assert 0.95 == rounded_down(np.array([0.95]))[0]


def test_a_history_of_lines_gives_the_line_at_events() -> None:
    """What the history says of places is taken over, and without a line nothing is known."""
    located = LineHistory([]).locate([37.8], [48.0], np.array(["2025-04-20"], dtype="datetime64[D]"))
    line = line_at_events(located)

    assert np.isnan(line.signed_distance_m).all()
    assert [1] * 4 == [len(column) for column in line]
