"""How much the search spends on each part, chosen once by how heavy the fire is.

Under heavier fire one event can be found from more of its detections, so that every one of them may give up sooner; but
more remains to be put right when the air and the events are brought to rest together.
"""

from __future__ import annotations

from typing import NamedTuple

from truceline.associate.engine.propose import FREE_RATIO, Care


class Effort(NamedTuple):
    """What the parts of the search spend.

    `first_anchors_count`: about so many detections, evenly taken, propose in the first, learning pass. `quick` and
    `careful`: care of the passes before and of the last. `gain_per_event_ratio`: the air follows the events again as
    long as their common log-likelihood gains more than so much each.
    """

    first_anchors_count: int
    quick: Care
    careful: Care
    gain_per_event_ratio: float


_QUICK = Care(
    attempts_count=1,
    least_ratio=6.0,
    near_count=7,
    close_count=4,
    far_count=7,
    crowded_count=32,
    free_ratio=FREE_RATIO,
    knows_kin=False,
)
_CAREFUL = Care(
    attempts_count=2,
    least_ratio=2.0,
    near_count=7,
    close_count=4,
    far_count=16,
    crowded_count=32,
    free_ratio=3.0,
    knows_kin=True,
)

CALM = Effort(3_000, _QUICK, _CAREFUL, 0.07)
HEAVY = Effort(10_000, _QUICK._replace(crowded_count=6, free_ratio=3.0), _CAREFUL._replace(far_count=7), 0.02)

HEAVY_RATE_HZ = 0.2
"""Fire is heavy where the median station has more detections per second."""


def effort_at(rate_hz: float) -> Effort:
    """Give what is spent where the median station has so many detections per second (1/s)."""
    return HEAVY if rate_hz > HEAVY_RATE_HZ else CALM
