"""Words for probabilities: seven phrases with fixed limits, so that one number always gets one phrase."""

from __future__ import annotations

from truceline.model.quantity import require_between

# ICD 203 (2015), section D.6.e(2)(a): the second row of the yardstick; the two rows are never mixed.
LIKELIHOOD_BANDS: tuple[tuple[float, str], ...] = (
    (0.05, "almost no chance"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "roughly even chance"),
    (0.80, "likely"),
    (0.95, "very likely"),
    (1.00, "almost certain"),
)
"""Upper limit of each band (probability) with its phrase; a number on a limit belongs to the band above it."""


def likelihood_phrase(probability: float) -> str:
    """Give the phrase for a probability; never to be put in one sentence with a level of confidence."""
    require_between("probability", probability, 0.0, 1.0)
    return next((phrase for limit, phrase in LIKELIHOOD_BANDS if probability < limit), LIKELIHOOD_BANDS[-1][1])
