"""Which detections were given to which events, held against the reference, detection by detection."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from truceline.testing.event_matching import Flags, Floats, Ints, Matches
from truceline.testing.proportions import Calibration, Histogram, Proportion, calibration, histogram, proportion

MEMBER_LEAST_PROBABILITY = 0.5
"""A detection is taken as claimed for an event from this probability on; so hardly ever for two."""

_RESIDUAL_BINS_COUNT = 24
NO_FLAGS: Flags = np.empty(0, dtype=np.bool_)


class Members(NamedTuple):
    """Pairs of an event and a detection that belong together; shape (pairs,) each, `nan` where nothing is said.

    Indices of detections are common to the reference and the solution. A detection may stand in several events, with
    the probability of each; `residual_s` is observed less expected time. `is_optional` is true of a reference's pairs
    that may be claimed but need not be, such as echoes; empty: none is.
    """

    event_index: Ints
    detection_index: Ints
    probability: Floats
    residual_s: Floats
    is_optional: Flags = NO_FLAGS


def members_of(event_by_detection: Ints) -> Members:
    """Make members from the event of each detection, -1 where it belongs to none; shape (detections,)."""
    detection_index = np.flatnonzero(event_by_detection >= 0)
    unsaid = np.full(detection_index.size, np.nan)
    return Members(event_by_detection[detection_index].astype(np.int64), detection_index, unsaid, unsaid)


class MemberAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far the associations agree.

    A claimed association is right if its event is matched to the reference event that the detection belongs to.
    `precision` is the right share of all claimed ones, `recall` that of those which reference events that count have;
    to leave out an optional one is no error, nor is to claim it.
    `kept`, `removed` and `added` are of the matched pairs alone, as an analyst would see them: the share of the
    solution's associations that stay and that go, and the share of the reference's that come anew.
    """

    precision: Proportion
    recall: Proportion
    kept: Proportion
    removed: Proportion
    added: Proportion
    calibration: Calibration | None
    residual_s: Histogram | None


def member_agreement(reference: Members, solved: Members, *, matches: Matches, counted: Flags) -> MemberAgreement:
    """Hold a solution's members against the reference's under a match; `counted` says which reference events count."""
    claimed = ~(solved.probability < MEMBER_LEAST_PROBABILITY)  # where nothing is said, it is claimed
    partner = _partners(solved, matches)
    right = _in_reference(partner, solved.detection_index, reference)
    matched = partner >= 0
    found = np.zeros(counted.size, dtype=np.bool_)
    found[matches.reference_index] = True
    own = reference.event_index
    recalled = _recalled(reference, partner[claimed & right], solved.detection_index[claimed & right])
    in_pair = claimed & matched & counted[np.maximum(partner, 0)]
    kept_count, in_pair_count = int((in_pair & right).sum()), int(in_pair.sum())
    asked = counted[own] & ~reference.is_optional if reference.is_optional.size else counted[own]
    known = found[own] & asked
    return MemberAgreement(
        precision=proportion(int((claimed & right).sum()), int(claimed.sum())),
        recall=proportion(int((recalled & asked).sum()), int(asked.sum())),
        kept=proportion(kept_count, in_pair_count),
        removed=proportion(in_pair_count - kept_count, in_pair_count),
        added=proportion(int((known & ~recalled).sum()), int(known.sum())),
        calibration=_calibration(solved.probability[matched], right[matched]),
        residual_s=_residuals(solved.residual_s[claimed & matched]),
    )


def _partners(solved: Members, matches: Matches) -> Ints:
    """Give the reference event that each member's event is matched to, or -1."""
    size = int(max(solved.event_index.max(initial=-1), matches.solved_index.max(initial=-1))) + 1
    partner = matches.reference_by_solved(size)
    return partner[solved.event_index] if size else np.empty(0, dtype=np.int64)


def _in_reference(event_index: Ints, detection_index: Ints, reference: Members) -> Flags:
    """Say which pairs of reference event and detection stand in the reference."""
    base = 1 + int(max(detection_index.max(initial=0), reference.detection_index.max(initial=0)))
    known = reference.event_index * base + reference.detection_index
    return np.asarray((event_index >= 0) & np.isin(event_index * base + detection_index, known))


def _recalled(reference: Members, event_index: Ints, detection_index: Ints) -> Flags:
    """Say which of the reference's pairs are among those given."""
    unsaid = np.empty(0)
    return _in_reference(
        reference.event_index, reference.detection_index, Members(event_index, detection_index, unsaid, unsaid)
    )


def _calibration(probability: Floats, right: Flags) -> Calibration | None:
    """Hold the claims of membership, in events that are matched, against whether they are right."""
    return calibration(probability, right) if np.isfinite(probability).any() else None


def _residuals(residual_s: Floats) -> Histogram | None:
    """Count residuals on a symmetric scale that holds 99 % of them."""
    known = residual_s[np.isfinite(residual_s)]
    if known.size == 0:
        return None
    reach_s = max(float(np.quantile(np.abs(known), 0.99)), 1e-3)
    return histogram(known, np.linspace(-reach_s, reach_s, _RESIDUAL_BINS_COUNT + 1))
