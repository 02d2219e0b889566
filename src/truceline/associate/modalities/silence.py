"""What was expected and did not come: `log(1 - p)` for everyone who watched, could have noticed, and noticed nothing.

Model: a station that was up, a patrol that was present, an overpass with clear sky: each counts against an event with
the probability of having noticed it, unless an outage, the edge of what it covers, or its own dead time after another
detection explains the silence (association.md, "Model"). Known failure: shadow zones and stations whose probability is
overstated make real events look unlikely; health.py finds the latter. Silence moves no event: its gradient is not
used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from truceline.associate.modalities.term import Coverage, Floats, Ints, States
from truceline.physics.detectability import log_missing_ratio

NAME = "silence"

MASK_MARGIN_S = 0.1
"""A detection nearer than this before the expected time may be the expected one itself, and masks nothing; a guess."""

MOST_PROBABILITY = 0.99
"""No observer is so sure that its silence alone could end an event: at most log 100 against it each. A guess."""


def inside_regions(states: States, coverage: Coverage, regions: Sequence[shapely.Geometry]) -> NDArray[np.bool_]:
    """Say of each pair whether the event lies in the region that the coverage row sees; -1 sees everywhere."""
    inside = coverage.region_index < 0
    for index, region in enumerate(regions):
        here = coverage.region_index == index
        inside[here] = shapely.contains_xy(region, states.x_m[here], states.y_m[here])
    return inside


def is_masked(arrival_time_s: Floats, last_time_s: Floats, dead_time_s: Floats) -> NDArray[np.bool_]:
    """Say of each pair whether the observer's last detection (-inf for none) left it deaf at the expected time."""
    gap_s = arrival_time_s - last_time_s
    return (gap_s > MASK_MARGIN_S) & (gap_s < dead_time_s)


def missing_probability(probability: Floats, masked: NDArray[np.bool_]) -> Floats:
    """Give how probable it is that an event goes unnoticed by each observer: 1 where the observer was masked."""
    return 1.0 - np.where(masked, 0.0, np.minimum(probability, MOST_PROBABILITY))


def silence_log_ratio(event_index: Ints, missing: Floats, event_count: int) -> Floats:
    """Give for each event the sum of the silences of those who noticed nothing at all; natural logarithm."""
    total = np.bincount(event_index, weights=log_missing_ratio(1.0 - missing), minlength=event_count)
    return np.asarray(total, dtype=np.float64)
