"""An automatic list held against a reviewed one, in the words of the international data centre (IDC).

At the IDC, automatic lists (SEL1, SEL2, SEL3: about 1, 4 and 6 hours after the event) are reviewed event by event; what
results is the LEB, and from it the REB. What is reported is which part of the reviewed events the automatic list had
(overlap), which an analyst had to add, which automatic events he threw out, and how far the rest was moved.
"""

from __future__ import annotations

import msgspec
import numpy as np

from truceline.physics.region import region_square_ratio
from truceline.testing.event_matching import Flags, Floats
from truceline.testing.location_agreement import Spread, spread, usable_covariance
from truceline.testing.proportions import Agreement, Proportion, proportion, proportion_of

IDC_ADDED_SHARE = 0.20
"""About this share of LEB events is not in SEL3: Rambolamanana and Wang 2023, CTBT Science and Technology Conference,
contribution 4502 (abstract; there matched by event id, here by place and time)."""

IDC_ASKED_SHARES: tuple[tuple[str, float, float], ...] = (
    ("matching", 0.98, 0.926),
    ("false", 0.04, 0.011),
    ("regions overlap", 0.96, 0.929),
)
"""What, asked, found: the quality of the REB against a bulletin that an independent team made in 2016, for events the
network could hear; Vila Codina and others 2017, CTBT Science and Technology Conference, abstract 21970."""

REGION_PROBABILITY = 0.9
"""The regions whose overlap is told are those of 90 %, as the IDC draws them (Coyne and others 2012, NMSOP-2 ch. 15,
cited from memory); of these the covariance alone tells, whatever the tail."""

_SEARCH_ROUNDS_COUNT = 40
_GOLDEN_RATIO = 0.6180339887498949


class ReviewFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What review did to an automatic list.

    `overlap` is the share of reviewed events that the automatic list had, `added` the rest; `rejected` is the share of
    automatic events that review threw out. Shifts are of events in both, automatic less reviewed. `regions_overlap` is
    `None` where the reviewed list has no regions.
    """

    reviewed_count: int
    automatic_count: int
    overlap: Proportion
    added: Proportion
    rejected: Proportion
    location_shift_m: Spread
    time_shift_s: Spread
    regions_overlap: Proportion | None


def review_figures(
    agreement: Agreement, *, shift: tuple[Floats, Floats, Floats], regions: tuple[Floats, Floats] | None
) -> ReviewFigures:
    """Give the figures of a review.

    `shift` is x and y in metres and time in seconds of every event in both lists; `regions` their covariances
    (events, 3), reviewed and automatic, in metres squared.
    """
    matched, missed, false = agreement.matched_count, agreement.missed_count, agreement.false_count
    return ReviewFigures(
        reviewed_count=matched + missed,
        automatic_count=matched + false,
        overlap=agreement.recall,
        added=proportion(missed, matched + missed),
        rejected=proportion(false, matched + false),
        location_shift_m=spread(np.hypot(shift[0], shift[1])),
        time_shift_s=spread(shift[2]),
        regions_overlap=None if regions is None else _overlap(shift, *regions),
    )


def _overlap(shift: tuple[Floats, Floats, Floats], first_m2: Floats, second_m2: Floats) -> Proportion:
    """Count the pairs of regions that share a point, among those of which both are regions."""
    usable = usable_covariance(first_m2) & usable_covariance(second_m2)
    apart_m = np.column_stack([shift[0], shift[1]])[usable]
    return proportion_of(regions_overlap(apart_m, first_m2[usable], second_m2[usable]))


def regions_overlap(apart_m: Floats, first_m2: Floats, second_m2: Floats) -> Flags:
    """Say of pairs of 90 % regions whether they share a point; shape (pairs,), true or false.

    Ellipses with shapes `A` and `B` and middles `v` apart share a point just if no `s` in (0, 1) has
    `v' (A / (1 - s) + B / s)^-1 v > 1` (Gilitschenski and Hanebeck 2012, FUSION, proposition 2). The left is concave
    in `s`, so golden section finds its largest value. `apart_m` has shape (pairs, 2), the covariances (pairs, 3).
    """
    low, high = np.zeros(len(apart_m)), np.ones(len(apart_m))
    for _ in range(_SEARCH_ROUNDS_COUNT):
        left, right = high - _GOLDEN_RATIO * (high - low), low + _GOLDEN_RATIO * (high - low)
        rising = _separation(left, apart_m, (first_m2, second_m2)) < _separation(right, apart_m, (first_m2, second_m2))
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    return np.asarray(_separation((low + high) / 2.0, apart_m, (first_m2, second_m2)) <= 1.0)


def _separation(balance: Floats, apart_m: Floats, regions: tuple[Floats, Floats]) -> Floats:
    """Give `v' (q A / (1 - s) + q B / s)^-1 v` for the balance `s` of each pair."""
    first, second = (region_square_ratio(REGION_PROBABILITY) * covariance_m2.T for covariance_m2 in regions)
    xx, xy, yy = first / (1.0 - balance) + second / balance
    x_m, y_m = apart_m.T
    return np.asarray((yy * x_m**2 - 2.0 * xy * x_m * y_m + xx * y_m**2) / (xx * yy - xy * xy))
