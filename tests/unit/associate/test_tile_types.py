"""What the ground says of an event's type, from how many seismic stations in earshot felt it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from truceline.associate.tile_types import SEISMIC_INDEX, _ground_ratios

NETWORK = SimpleNamespace(
    x_m=np.array([0.0, 1_000.0, 2_000.0, 90_000.0, 500.0]),
    y_m=np.zeros(5),
    modality_index=np.array([SEISMIC_INDEX] * 4 + [SEISMIC_INDEX + 1]),
    weight_ratio=np.array([1.0, 1.0, 1.0, 1.0, 1.0]),
)
SOLUTION = SimpleNamespace(
    x_m=np.array([1_000.0, 1_000.0, 90_000.0]), y_m=np.zeros(3), detection_range_m=np.full(3, 5_000.0)
)


def test_the_more_stations_felt_it_the_more_the_ground_carried() -> None:
    """Felt by three of three in earshot is more ground than felt by none; the fourth is too far to count."""
    felt = np.array([(0, 0), (0, 1), (0, 2)])
    all_felt, none_felt, _ = _ground_ratios(NETWORK, SOLUTION, felt)  # type: ignore[arg-type]

    assert all_felt == 0.0
    assert none_felt < -0.5


def test_with_too_few_stations_the_ground_says_nothing() -> None:
    """One seismic station in earshot, or stations that were set aside, leave the question open."""
    nothing = np.zeros((0, 2), dtype=np.int64)
    aside = SimpleNamespace(**{**vars(NETWORK), "weight_ratio": np.zeros(5)})

    assert np.isnan(_ground_ratios(NETWORK, SOLUTION, nothing)[2])  # type: ignore[arg-type]
    assert np.isnan(_ground_ratios(aside, SOLUTION, nothing)).all()  # type: ignore[arg-type]
