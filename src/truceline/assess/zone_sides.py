"""On which of two grounds an uncertain position lies, where the line between them is uncertain too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from truceline.assess.zone_columns import Floats, Located, Spread
from truceline.model.reference_line import LINE_SIGMA_DEFAULT_M
from truceline.physics.contact_line import side_probability


def held_probability(located: Located, spread: Spread, *, line_sigma_m: ArrayLike = LINE_SIGMA_DEFAULT_M) -> Floats:
    """Give the probability [N] that positions lie on held ground; on the other it is 1 less this.

    `Phi(d / sqrt(g' S g + line^2))`: both errors normal and independent, so that variances add, the line straight over
    their reach. Without any error it is 0 or 1, and on the line itself one half. `nan` where the distance is not known.
    """
    return side_probability(located.signed_distance_m, line_sigma_m, across_sigma_m(located, spread))


def across_sigma_m(located: Located, spread: Spread) -> Floats:
    """Give the error (1 sigma, metres) of positions [N] square to the line: `sqrt(g' S g)` with the gradient g."""
    east, north = located.gradient_east_ratio, located.gradient_north_ratio
    variance_m2 = east**2 * spread.east_m2 + north**2 * spread.north_m2 + 2.0 * east * north * spread.covariance_m2
    return np.sqrt(np.maximum(variance_m2, 0.0))
