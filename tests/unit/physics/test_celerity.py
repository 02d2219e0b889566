"""How fast infrasound may come, and great circles."""

from __future__ import annotations

import numpy as np
import pytest

from truceline.physics.celerity import (
    CELERITY_MODELS,
    PHASES,
    CelerityModel,
    draw_reciprocal_s_per_m,
    great_circle,
    great_circle_destination,
    phase_probabilities,
    reciprocal_celerity_density,
)
from truceline.physics.geodesy import geodesic_bearing_deg, geodesic_distance_m, points_of

GENERAL = CELERITY_MODELS["general"]


@pytest.mark.parametrize("name", sorted(CELERITY_MODELS))
def test_a_celerity_model_is_a_distribution(name: str) -> None:
    """The density over reciprocal celerity integrates to one, all but 3 in 1,000 inside what is possible."""
    model = CELERITY_MODELS[name]
    value = np.linspace(1e-3, 7e-3, 60_001)
    density = reciprocal_celerity_density(model, value)
    inside = (value >= model.fastest_s_per_m) & (value <= model.slowest_s_per_m)
    step = value[1] - value[0]

    assert 1.0 == pytest.approx(density.sum() * step, abs=1e-6)
    assert density[inside].sum() * step > 0.997


def test_published_values_are_kept() -> None:
    """The general model has the means and deviations in print: celerities of 327, 293 and 260 metres per second."""
    assert (327.0, 293.0, 260.0) == pytest.approx([1.0 / mean for mean in GENERAL.mean_s_per_m])
    assert (66e-6, 80e-6, 330e-6) == pytest.approx(GENERAL.sigma_s_per_m)
    assert 1.0 == pytest.approx(sum(GENERAL.phase_shares))


def test_phases_share_out_the_density() -> None:
    """Phase probabilities sum to one, and the fastest sound is tropospheric, the slowest thermospheric."""
    probabilities = phase_probabilities(GENERAL, [3.0e-3, 3.4e-3, 4.5e-3])

    assert np.ones(3) == pytest.approx(probabilities.sum(axis=0))
    assert "thermospheric" == PHASES[int(np.argmax(probabilities[:, 2]))]
    assert probabilities[0, 0] > probabilities[0, 1] > probabilities[0, 2]


def test_drawn_celerities_follow_the_density() -> None:
    """The mean and the variance of many draws are those of the mixture."""
    drawn = draw_reciprocal_s_per_m(GENERAL, 200_000, chance=np.random.default_rng(1))
    mean = float(np.dot(GENERAL.phase_shares, GENERAL.mean_s_per_m))
    second = np.dot(GENERAL.phase_shares, np.square(GENERAL.mean_s_per_m) + np.square(GENERAL.sigma_s_per_m))

    assert mean == pytest.approx(drawn.mean(), rel=1e-3)
    assert second - mean**2 == pytest.approx(drawn.var(), rel=2e-2)


@pytest.mark.parametrize("part", [{"phase_shares": (0.5, 0.5, 0.1)}, {"mean_s_per_m": (3.0, 3e-3, 3e-3)}])
def test_a_model_that_is_none_is_refused(part: dict[str, tuple[float, ...]]) -> None:
    """Shares that do not sum to one and celerities in other units are refused."""
    with pytest.raises(ValueError, match="is outside"):
        CelerityModel(
            name="made up",
            source="nowhere",
            **{
                "phase_shares": GENERAL.phase_shares,
                "mean_s_per_m": GENERAL.mean_s_per_m,
                "sigma_s_per_m": GENERAL.sigma_s_per_m,
                **part,
            },
        )


def test_great_circles_are_near_geodesics() -> None:
    """Distances agree with the ellipsoid's to 0.6 % and bearings to 0.2 degrees, over land and across 180 degrees."""
    chance = np.random.default_rng(2)
    latitude_deg, longitude_deg = chance.uniform(-70.0, 70.0, 500), chance.uniform(-180.0, 180.0, 500)
    latitude_end_deg, longitude_end_deg = great_circle_destination(
        latitude_deg, longitude_deg, (chance.uniform(0.0, 360.0, 500), chance.uniform(2e4, 2e6, 500))
    )
    distance_m, bearing_deg = great_circle(latitude_deg, longitude_deg, (latitude_end_deg, longitude_end_deg))
    start, end = points_of(longitude_deg, latitude_deg), points_of(longitude_end_deg, latitude_end_deg)
    off_deg = np.mod(bearing_deg - geodesic_bearing_deg(start, end) + 180.0, 360.0) - 180.0

    assert np.abs(distance_m / geodesic_distance_m(start, end) - 1.0).max() < 6e-3
    assert np.abs(off_deg).max() < 0.2


def test_a_way_leads_where_it_says() -> None:
    """The great circle to where a way ends has the way's own bearing and length."""
    latitude_deg, longitude_deg = great_circle_destination(48.0, 179.5, (np.array([75.0]), np.array([4e5])))
    distance_m, bearing_deg = great_circle(48.0, 179.5, (latitude_deg, longitude_deg))

    assert [4e5] == pytest.approx(distance_m)
    assert [75.0] == pytest.approx(bearing_deg)
    assert longitude_deg[0] < 0.0
