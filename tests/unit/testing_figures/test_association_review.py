"""Laws of the figures of a review, and of regions that share a point."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.testing.association_review import regions_overlap, review_figures
from truceline.testing.location_agreement import region_square_ratio
from truceline.testing.proportions import agreement

CIRCLE_M2 = np.array([[100.0, 0.0, 100.0]])


def ellipse(covariance_m2: np.ndarray, middle_m: np.ndarray) -> shapely.Polygon:
    """Draw the 90 % region of a covariance with 720 corners."""
    matrix = np.array([[covariance_m2[0], covariance_m2[1]], [covariance_m2[1], covariance_m2[2]]])
    angle_rad = np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False)
    unit = np.column_stack([np.cos(angle_rad), np.sin(angle_rad)])
    return shapely.Polygon(middle_m + np.sqrt(region_square_ratio(0.9)) * unit @ np.linalg.cholesky(matrix).T)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_regions_overlap_as_drawn(seed: int) -> None:
    """Two ellipses share a point just if their drawn polygons do, except where they all but touch."""
    chance = np.random.default_rng(seed)
    covariances = []
    for _ in range(2):
        sigma_m, turn = chance.uniform(2.0, 30.0, 2), chance.uniform(-0.95, 0.95)
        covariances.append(np.array([sigma_m[0] ** 2, turn * sigma_m.prod(), sigma_m[1] ** 2]))
    apart_m = chance.uniform(-80.0, 80.0, 2)
    first, second = ellipse(covariances[0], np.zeros(2)), ellipse(covariances[1], apart_m)
    said = bool(regions_overlap(apart_m[None], covariances[0][None], covariances[1][None])[0])

    if first.distance(second) > 0.05 or first.intersection(second).area > 0.05:
        assert first.intersects(second) == said


def test_circles_overlap_up_to_the_sum_of_their_radii() -> None:
    """Two 90 % circles of 10 m sigma share a point up to 2 · 21.46 m apart and none beyond."""
    reach_m = 2.0 * 10.0 * np.sqrt(region_square_ratio(0.9))

    assert bool(regions_overlap(np.array([[0.999 * reach_m, 0.0]]), CIRCLE_M2, CIRCLE_M2)[0])
    assert not bool(regions_overlap(np.array([[0.0, 1.001 * reach_m]]), CIRCLE_M2, CIRCLE_M2)[0])
    assert bool(regions_overlap(np.zeros((1, 2)), CIRCLE_M2, 1e-4 * CIRCLE_M2)[0])


def test_review_counts_what_was_added_and_rejected() -> None:
    """Of ten reviewed events eight were found and two added; of nine automatic ones one was rejected."""
    shift = (np.array([3.0, 0.0]), np.array([4.0, 1.0]), np.array([0.5, -0.1]))
    of = review_figures(agreement(8, false_count=1, missed_count=2), shift=shift, regions=None)

    assert (10, 9) == (of.reviewed_count, of.automatic_count)
    assert (0.8, 0.2, 1.0 / 9.0) == pytest.approx((of.overlap.share, of.added.share, of.rejected.share))
    assert (3.0, 0.2) == pytest.approx((of.location_shift_m.median, of.time_shift_s.median))
    assert of.regions_overlap is None


def test_only_regions_are_compared() -> None:
    """A pair of which one covariance is none is not among those whose overlap is told."""
    shift = (np.array([0.0, 500.0, 0.0]), np.zeros(3), np.zeros(3))
    reviewed = np.repeat(CIRCLE_M2, 3, axis=0)
    automatic = np.vstack([CIRCLE_M2, CIRCLE_M2, [[np.nan, 0.0, 1.0]]])
    of = review_figures(agreement(3, false_count=0, missed_count=0), shift=shift, regions=(reviewed, automatic))

    assert of.regions_overlap is not None
    assert (1, 2) == (of.regions_overlap.part_count, of.regions_overlap.whole_count)
