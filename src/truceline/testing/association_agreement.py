"""Solved events held against a reference: how many were found, how well they lie, and what their claims are worth.

The reference is the simulator's ground truth or a reviewed bulletin. Everything here works in one plane in metres and
seconds, on flat arrays. Which reference events count, and what is neutral, follows the shared association benchmark.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.model.quantity import require_between
from truceline.testing.association_members import NO_FLAGS, MemberAgreement, Members, member_agreement
from truceline.testing.association_review import ReviewFigures, review_figures
from truceline.testing.event_matching import (
    STRICT_GATES,
    WIDE_GATES,
    EventPlaces,
    Flags,
    Floats,
    Ints,
    Matches,
    MatchGates,
    match_events,
)
from truceline.testing.location_agreement import (
    ClaimedRegions,
    LocationAgreement,
    RegionAgreement,
    errors_of,
    location_agreement,
    region_agreement,
)
from truceline.testing.proportions import Agreement, Calibration, Proportion, agreement, calibration, proportion

COUNT_EDGES = (0, 5, 7, 10, 15, 25, 50)
"""Lower limits of the groups of events by number of detections; the last group is open."""

THRESHOLDS_PROBABILITY = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Least claimed probabilities at which precision and recall are given, as if events below had not been shown."""

UNDETERMINED_TYPES = frozenset({"unknown", "undetermined", "not_reported", "explosion", "other"})
"""Event types that say no more than that something happened; so does every type whose name says undetermined."""

Names = NDArray[np.str_]
NO_NAMES: Names = np.empty(0, dtype=np.str_)
NO_NUMBERS: Floats = np.empty(0)
NO_COVARIANCES: Floats = np.empty((0, 3))


class ReferenceEvents(NamedTuple):
    """What truly happened, or what an analyst has reviewed; shape (events,) each.

    `detected_count` is how many recorded detections an event has. `event_type` may be empty (shape (0,)): not given; so
    may the covariance (events, 3) that a reviewed bulletin has: xx, xy and yy in the plane's axes. `is_point` is false
    of what moves or has no one place, such as a drone or thunder; empty: all are points.
    """

    places: EventPlaces
    detected_count: Ints
    event_type: Names = NO_NAMES
    covariance_m2: Floats = NO_COVARIANCES
    is_point: Flags = NO_FLAGS


class SolvedEvents(NamedTuple):
    """What a solution says; shape (events,) each, `nan` where it says nothing.

    `covariance_m2` has shape (events, 3): xx, xy and yy in the plane's axes, of the normal with the same 90 % region.
    `event_type` and its probability may be empty (shape (0,)): not given; so may `region_tail_ratio`: all are normal.
    """

    places: EventPlaces
    covariance_m2: Floats
    time_sigma_s: Floats
    event_probability: Floats
    defining_count: Ints
    event_type: Names = NO_NAMES
    event_type_probability: Floats = NO_NUMBERS
    region_tail_ratio: Floats = NO_NUMBERS


class CountingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What counts: the gates of the match, and which events are held to account.

    A reference event counts if it has one place, at least so many detections, and a time inside [start, end]; the end
    already leaves out the last stretch, whose events could not be heard to the end. A solved event that matches no
    reference event is false inside the same span and neutral outside it; one that matches an event which does not count
    is neutral.
    """

    span_start_s: float
    span_end_s: float
    detected_min_count: int = 5
    wide: MatchGates = WIDE_GATES
    strict: MatchGates = STRICT_GATES

    def __post_init__(self) -> None:
        """Check that the span is one and the count none below zero."""
        require_between("detected_min_count", self.detected_min_count, 0, 1_000_000)
        assert self.span_start_s <= self.span_end_s, (
            f"span_end_s={self.span_end_s} is before span_start_s={self.span_start_s}"
        )


BENCHMARK_TAIL_S = 75.0
"""How much of the end of a recording the benchmark leaves out: an explosion 25 km away is heard 75 s later."""


class CountGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Recall of the reference events, and precision of the solved ones, with [low, high) detections; `None`: open."""

    low_count: int
    high_count: int | None
    recall: Proportion
    precision: Proportion


class ThresholdPoint(msgspec.Struct, frozen=True, kw_only=True):
    """How the lists agree if only events of at least this claimed probability are shown; the match stays as it was."""

    least_probability: float
    agreement: Agreement


class TypeCell(msgspec.Struct, frozen=True, kw_only=True):
    """So many matched events of one reference type were given one type."""

    reference_type: str
    solved_type: str
    event_count: int


class TypeAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Event types: what was said of what, how often a type was decided, and how often that was right."""

    cells: tuple[TypeCell, ...]
    decided: Proportion
    right_when_decided: Proportion
    calibration: Calibration


class AssociationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one solution is held to."""

    rule: CountingRule
    reference_count: int
    counted_reference_count: int
    solved_count: int
    neutral_count: int
    wide: Agreement
    strict: Agreement
    location: LocationAgreement
    regions: RegionAgreement | None
    calibration: Calibration | None
    by_detections: tuple[CountGroup, ...]
    by_probability: tuple[ThresholdPoint, ...]
    members: MemberAgreement | None
    types: TypeAgreement | None
    review: ReviewFigures


class Standing(NamedTuple):
    """The match, and how every event stands in it.

    `counted` and `found` are of reference events, `true` (counted and matched), `false` and `neutral` of solved ones.
    """

    matches: Matches
    counted: Flags
    found: Flags
    true: Flags
    false: Flags
    neutral: Flags

    @property
    def agreement(self) -> Agreement:
        """Count how far the lists agree."""
        return agreement(
            int(self.true.sum()),
            false_count=int(self.false.sum()),
            missed_count=int((self.counted & ~self.found).sum()),
        )

    @property
    def counted_pairs(self) -> Matches:
        """The matched pairs whose reference event counts."""
        kept = self.counted[self.matches.reference_index]
        return Matches(self.matches.reference_index[kept], self.matches.solved_index[kept])


def standing_of(reference: ReferenceEvents, solved: SolvedEvents, *, rule: CountingRule, gates: MatchGates) -> Standing:
    """Match and say of every event how it stands under the rule."""
    time_s, solved_time_s = reference.places.time_s, solved.places.time_s
    inside = (time_s >= rule.span_start_s) & (time_s <= rule.span_end_s)
    counted = inside & (reference.detected_count >= rule.detected_min_count)
    if reference.is_point.size:
        counted &= reference.is_point
    matches = match_events(reference.places, solved.places, gates=gates)
    found = matches.solved_by_reference(time_s.size) >= 0
    partner = matches.reference_by_solved(solved_time_s.size)
    true = partner >= 0
    true[true] = counted[partner[true]]
    solved_inside = (solved_time_s >= rule.span_start_s) & (solved_time_s <= rule.span_end_s)
    false = (partner < 0) & solved_inside
    return Standing(matches, counted, found, true, false, ~true & ~false)


def association_figures(
    reference: ReferenceEvents,
    solved: SolvedEvents,
    *,
    rule: CountingRule,
    members: tuple[Members, Members] | None = None,
) -> AssociationFigures:
    """Hold a solution against its reference; `members` are those of the reference and of the solution, or none.

    Figures for which the solution or the reference says nothing (regions, probabilities, members, types) are `None`.
    """
    standing = standing_of(reference, solved, rule=rule, gates=rule.wide)
    strict = standing_of(reference, solved, rule=rule, gates=rule.strict)
    return AssociationFigures(
        rule=rule,
        reference_count=reference.places.time_s.size,
        counted_reference_count=int(standing.counted.sum()),
        solved_count=solved.places.time_s.size,
        neutral_count=int(standing.neutral.sum()),
        wide=standing.agreement,
        strict=strict.agreement,
        location=location_agreement(reference.places, solved.places, standing.counted_pairs),
        regions=_regions(reference, solved, standing),
        calibration=_event_calibration(solved, standing),
        by_detections=_by_detections(reference, solved, standing),
        by_probability=_by_probability(solved, standing),
        members=None
        if members is None
        else member_agreement(*members, matches=standing.matches, counted=standing.counted),
        types=_types(reference, solved, standing),
        review=_review(reference, solved, standing),
    )


def _review(reference: ReferenceEvents, solved: SolvedEvents, standing: Standing) -> ReviewFigures:
    """Say what an analyst who had the reference would have done to the solution."""
    first, second = standing.counted_pairs
    regions = None
    if reference.covariance_m2.size:
        regions = (reference.covariance_m2[first], solved.covariance_m2[second])
    shift = errors_of(reference.places, solved.places, standing.counted_pairs)
    return review_figures(standing.agreement, shift=shift, regions=regions)


def _regions(reference: ReferenceEvents, solved: SolvedEvents, standing: Standing) -> RegionAgreement | None:
    if not np.isfinite(solved.covariance_m2).all(axis=1).any():
        return None
    tail_ratio = solved.region_tail_ratio if solved.region_tail_ratio.size else np.zeros(solved.places.time_s.size)
    claimed = ClaimedRegions(solved.covariance_m2, solved.time_sigma_s, tail_ratio)
    return region_agreement(reference.places, solved.places, pairs=standing.counted_pairs, claimed=claimed)


def _event_calibration(solved: SolvedEvents, standing: Standing) -> Calibration | None:
    """Hold the claim that there was an event against whether there was one.

    One that matches a reference event which does not count was so all the same; one outside the span is left out.
    """
    if not np.isfinite(solved.event_probability).any():
        return None
    real = np.zeros(standing.true.size, dtype=np.bool_)
    real[standing.matches.solved_index] = True
    judged = real | standing.false
    return calibration(solved.event_probability[judged], real[judged])


def _by_detections(reference: ReferenceEvents, solved: SolvedEvents, standing: Standing) -> tuple[CountGroup, ...]:
    """Give recall by the number of recorded detections, precision by the number of defining ones."""
    highs: tuple[int | None, ...] = (*COUNT_EDGES[1:], None)
    groups = []
    for low, high in zip(COUNT_EDGES, highs, strict=True):
        of_reference = standing.counted & _between(reference.detected_count, low, high)
        of_solved = _between(solved.defining_count, low, high)
        true, false = int((standing.true & of_solved).sum()), int((standing.false & of_solved).sum())
        groups.append(
            CountGroup(
                low_count=low,
                high_count=high,
                recall=proportion(int((of_reference & standing.found).sum()), int(of_reference.sum())),
                precision=proportion(true, true + false),
            )
        )
    return tuple(group for group in groups if group.recall.whole_count or group.precision.whole_count)


def _between(counts: Ints, low: int, high: int | None) -> Flags:
    above = counts >= low
    return above if high is None else above & (counts < high)


def _by_probability(solved: SolvedEvents, standing: Standing) -> tuple[ThresholdPoint, ...]:
    """Give precision and recall as if events below a claimed probability had not been shown."""
    if not np.isfinite(solved.event_probability).any():
        return ()
    points, counted_count = [], int(standing.counted.sum())
    for least in THRESHOLDS_PROBABILITY:
        shown = np.nan_to_num(solved.event_probability, nan=0.0) >= least
        true = int((standing.true & shown).sum())
        kept = agreement(true, false_count=int((standing.false & shown).sum()), missed_count=counted_count - true)
        points.append(ThresholdPoint(least_probability=least, agreement=kept))
    return tuple(points)


def is_undetermined(event_type: str) -> bool:
    """Say whether a type says no more than that something happened."""
    return event_type in UNDETERMINED_TYPES or "undetermined" in event_type


def _types(reference: ReferenceEvents, solved: SolvedEvents, standing: Standing) -> TypeAgreement | None:
    """Tabulate the types of matched pairs whose reference event counts and has a type that says something."""
    if reference.event_type.size == 0 or solved.event_type.size == 0:
        return None
    pairs = standing.counted_pairs
    true_type, said_type = reference.event_type[pairs.reference_index], solved.event_type[pairs.solved_index]
    if true_type.size == 0:
        return None
    kinds, counts = np.unique(np.column_stack([true_type, said_type]), axis=0, return_counts=True)
    known = np.array([not is_undetermined(name) for name in true_type.tolist()])
    decided = np.array([not is_undetermined(name) for name in said_type.tolist()])
    right = true_type == said_type
    claimed = (
        solved.event_type_probability[pairs.solved_index]
        if solved.event_type_probability.size
        else np.full(right.size, np.nan)
    )
    return TypeAgreement(
        cells=tuple(
            TypeCell(reference_type=str(kind[0]), solved_type=str(kind[1]), event_count=int(count))
            for kind, count in zip(kinds, counts, strict=True)
        ),
        decided=proportion(int((known & decided).sum()), int(known.sum())),
        right_when_decided=proportion(int((known & decided & right).sum()), int((known & decided).sum())),
        calibration=calibration(claimed[known & decided], right[known & decided]),
    )
