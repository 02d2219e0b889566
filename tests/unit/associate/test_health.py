"""Station health: each fault that is put in is found under its name, and a good station is left in peace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.associate.health import (
    OFFSET_LEAST_S,
    RESIDUAL_MAX_S,
    STATES,
    Health,
    ResidualColumns,
    StationCounts,
    station_health,
)

LENGTH_S = 3_600.0


def residuals_of(
    rng: np.random.Generator, station: int, offset_s: np.ndarray, *, sigma_s: float = 0.03, chance_count: int = 20
) -> ResidualColumns:
    """Give one station's residuals: its own about an offset for each of its members, evenly in time, and chance
    ones."""
    time_s = np.r_[np.linspace(0.0, LENGTH_S, len(offset_s)), rng.uniform(0.0, LENGTH_S, chance_count)]
    chance_s = rng.uniform(-RESIDUAL_MAX_S, RESIDUAL_MAX_S, chance_count)
    residual_s = np.r_[offset_s + rng.normal(0.0, sigma_s, len(offset_s)), chance_s]
    return ResidualColumns(np.full(len(time_s), station), time_s, residual_s, np.full(len(time_s), 0.03))


def together(*parts: ResidualColumns) -> ResidualColumns:
    """Give the rows of several stations as one table."""
    return ResidualColumns(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def counts_of(expected: list[float], detections: list[int]) -> StationCounts:
    """Give counts of stations that were up all the time and known to make a detection in a hundred seconds by
    chance."""
    count = len(expected)
    return StationCounts(np.array(expected), np.array(detections), np.full(count, 0.01), np.full(count, LENGTH_S))


def names(health: Health) -> list[str]:
    """Give each station's state by name."""
    return [STATES[index] for index in health.state_index]


def test_each_fault_is_found_under_its_name() -> None:
    """Good, offset, jumping, drifting, noisy, deaf, silent, inventing and unknown stations are told apart and
    weighed."""
    rng = np.random.default_rng(5)
    whole, late = np.ones(60), np.linspace(-1.0, 1.0, 60)
    rows = together(
        residuals_of(rng, 0, 0.0 * whole),
        residuals_of(rng, 1, 1.3 * whole),
        residuals_of(rng, 2, np.where(np.arange(60) < 30, 0.0, -0.8)),
        residuals_of(rng, 3, 0.2 * late),
        residuals_of(rng, 4, 0.0 * whole, sigma_s=0.3),
        residuals_of(rng, 5, 0.0 * whole[:12]),
        residuals_of(rng, 7, whole[:0], chance_count=60),
        residuals_of(rng, 8, whole[:2], chance_count=0),
        residuals_of(rng, 9, 0.0 * whole),
    )
    expected = [66.0, 66.0, 66.0, 66.0, 66.0, 66.0, 66.0, 66.0, 2.0, 66.0]
    detections = [90, 90, 90, 90, 90, 40, 0, 200, 3, 400]
    health = station_health(rows, counts_of(expected, detections), start_s=0.0, end_s=LENGTH_S)

    wrong = "wrong clock"
    told = ["good", wrong, wrong, wrong, "noisy", "deaf", "silent", "invented", "not judged", "noisy"]
    assert told == names(health)
    assert health.clock_offset_s[:3] == pytest.approx([0.0, 1.3, -0.8], abs=0.03)
    assert health.clock_sigma_s[1] == pytest.approx(0.03 / np.sqrt(60.0), rel=0.35)
    assert health.jump_s[2] == pytest.approx(-0.8, abs=0.1)
    assert health.jump_time_s[2] == pytest.approx(0.5 * LENGTH_S, abs=LENGTH_S / 8.0)
    assert health.drift_ratio[3] == pytest.approx(0.4 / LENGTH_S, rel=0.1)
    assert health.sigma_scale_ratio[4] == pytest.approx(10.0, rel=0.25)
    assert health.hit_ratio[5] == pytest.approx(12.0 / 66.0, abs=0.06)
    assert [0.0, 0.0] == health.weight_ratio[[6, 7]].tolist()
    assert [1.0, 1.0] == health.weight_ratio[[0, 1]].tolist()
    assert np.isnan(health.clock_offset_s[6:9]).all()


@settings(max_examples=30, deadline=None)
@given(offset_s=st.floats(-3.5, 3.5), seed=st.integers(0, 1_000))
def test_an_offset_is_found_with_its_uncertainty(offset_s: float, seed: int) -> None:
    """Any constant offset within reach is found to a few of the sigmas that are stated for it, beside as much
    chance."""
    rng = np.random.default_rng(seed)
    rows = residuals_of(rng, 0, np.full(40, offset_s), chance_count=40)
    health = station_health(rows, counts_of([44.0], [90]), start_s=0.0, end_s=LENGTH_S)

    assert abs(health.clock_offset_s[0] - offset_s) < 5.0 * health.clock_sigma_s[0]
    assert health.clock_sigma_s[0] < 0.02
    assert (abs(offset_s) < OFFSET_LEAST_S - 0.03) <= ("wrong clock" not in names(health))


def test_sigmas_of_offsets_are_honest() -> None:
    """Over many stations, offsets lie from the truth by as much as is stated: chi-squared per station is 1."""
    rng = np.random.default_rng(11)
    offsets_s = rng.normal(0.0, 1.0, 300)
    rows = together(*(residuals_of(rng, index, np.full(30, offset_s)) for index, offset_s in enumerate(offsets_s)))
    health = station_health(rows, counts_of([33.0] * 300, [60] * 300), start_s=0.0, end_s=LENGTH_S)
    found = np.abs(offsets_s) < RESIDUAL_MAX_S - 0.2
    chi2 = ((health.clock_offset_s - offsets_s) / health.clock_sigma_s)[found] ** 2

    assert chi2.mean() == pytest.approx(1.0, abs=0.25)


def test_good_stations_are_left_in_peace() -> None:
    """Of many good stations under chance detections almost none is called anything else."""
    rng = np.random.default_rng(12)
    rows = together(*(residuals_of(rng, index, np.zeros(30)) for index in range(300)))
    health = station_health(rows, counts_of([33.0] * 300, [60] * 300), start_s=0.0, end_s=LENGTH_S)

    assert names(health).count("good") >= 297


def test_rows_may_come_in_any_order() -> None:
    """The health of a station is a function of the set of its residuals, to the last bit."""
    rng = np.random.default_rng(13)
    rows = together(residuals_of(rng, 0, np.full(40, 0.4)), residuals_of(rng, 1, np.zeros(30)))
    mixed = rng.permutation(len(rows.time_s))
    counts = counts_of([44.0, 33.0], [70, 60])
    first = station_health(rows, counts, start_s=0.0, end_s=LENGTH_S)
    second = station_health(ResidualColumns(*(part[mixed] for part in rows)), counts, start_s=0.0, end_s=LENGTH_S)

    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(first, second, strict=True))


def test_a_clock_that_is_badly_known_is_not_used() -> None:
    """A wrong clock with wide residuals and few of them keeps its state and loses its weight."""
    rng = np.random.default_rng(2)
    rows = residuals_of(rng, 0, np.full(14, 2.0), sigma_s=0.45, chance_count=0)
    health = station_health(rows, counts_of([15.0], [14]), start_s=0.0, end_s=LENGTH_S)

    assert ["wrong clock"] == names(health)
    assert health.clock_sigma_s[0] > 0.1
    assert 0.0 == health.weight_ratio[0]


def test_nothing_said_is_nothing_known() -> None:
    """Without residuals no clock is known, and without anything expected nobody is judged; time must go forward."""
    none = ResidualColumns(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0))
    health = station_health(none, counts_of([0.0, 10.0], [4, 0]), start_s=0.0, end_s=LENGTH_S)

    assert ["not judged", "silent"] == names(health)
    assert np.isnan(health.clock_offset_s).all()
    assert np.isnan(health.hit_ratio[0])
    with pytest.raises(AssertionError, match="not after"):
        station_health(none, counts_of([0.0], [0]), start_s=1.0, end_s=1.0)
