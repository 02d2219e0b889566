"""Infrasound array detections over hundreds of kilometres -> events, each with its place, time, regions and doubts.

Pair by pair as Blom, Euler, Marcillo and Dannemann Dugick 2020, GJI 221, 1750, with gates before any likelihood; sets
grow from the pairs, and all ways to share the detections out are weighed against each other. The same detections give
the same answer in whatever order and however often they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from truceline.associate.array_grid import Question, geometry_to
from truceline.associate.array_likelihood import canonical_order, columns_of
from truceline.associate.array_location import Location, centre, locate, region_of, region_share_at
from truceline.associate.array_packing import Weighed, weigh
from truceline.associate.array_proposals import Proposal, propose
from truceline.associate.array_records import (
    REGION_SHARES,
    ArrayAlternative,
    ArrayColumns,
    ArrayDetection,
    ArrayEvent,
    ArrayMember,
    ArraySettings,
    ArraySolution,
    Evidence,
    Ints,
    NotAssociated,
    WithoutOne,
)
from truceline.model.quantity import content_id
from truceline.physics.celerity import PHASES, CelerityModel, phase_probabilities
from truceline.physics.geodesy import geodesic_distance_m, points_of

ROUGH_SHARE = 2e-3
"""How much of the posterior a cell may hold where an event is only located to see what one detection is worth."""

ARRAY_MIN_COUNT = 2
"""From how many arrays the detections of an event must come."""


class _Timing(NamedTuple):
    """What the delay of an arrival says of its way; nothing where there is no origin time before it."""

    celerity_m_per_s: float | None = None
    phase: str | None = None
    phase_probability: float | None = None
    time_residual_s: float | None = None


class _Case(NamedTuple):
    """The detections in canonical order, as records and as columns, with the settings."""

    detections: list[ArrayDetection]
    columns: ArrayColumns
    settings: ArraySettings

    def ask(self, members: Sequence[int], evidence: Evidence = "both") -> Question:
        return Question(self.columns, np.asarray(members, dtype=np.int64), evidence, self.settings)

    def time_at(self, seconds: float) -> datetime:
        return self.detections[0].time + timedelta(seconds=float(seconds))


def associate_arrays(detections: Sequence[ArrayDetection], settings: ArraySettings) -> ArraySolution:
    """Find the events that array detections have in common; say of every other detection why it is in none."""
    if not detections:
        return ArraySolution(events=(), not_associated=())
    ordered = canonical_order(detections)
    case = _Case(ordered, columns_of(ordered, settings), settings)
    free, found, seeds = np.arange(len(ordered)), list[Weighed](), np.arange(len(ordered))
    by_seed: dict[int, list[Proposal]] = {}
    while True:  # each round uses detections up, so it ends
        by_seed |= propose(case.columns, free, settings, seeds=seeds)[0]
        accepted = [
            entry
            for entry in weigh(_candidates(case.columns, free, by_seed), settings.hypothesis_max_count)
            if entry.proposal.log_odds_ratio >= settings.log_odds_min_ratio
        ]
        if not accepted:
            break
        found += accepted
        used = {index for entry in accepted for index in entry.proposal.members}
        free = np.array([index for index in free.tolist() if index not in used], dtype=np.int64)
        # a seed none of whose sets lost a detection would only propose the same again
        seeds = np.array([seed for seed in free.tolist() if _touches(by_seed[seed], used)], dtype=np.int64)
    events = [_event(case, entry) for entry in found]
    return ArraySolution(
        events=tuple(sorted(events, key=lambda event: (str(event.origin_time), event.event_id))),
        not_associated=tuple(_left_out(case, index, by_seed) for index in free.tolist()),
    )


def share_at(
    detections: Sequence[ArrayDetection], settings: ArraySettings, *, evidence: Evidence, place_deg: tuple[float, float]
) -> float:
    """Give the share of the posterior denser than at (latitude, longitude): which region that is on the edge of."""
    ordered = canonical_order(detections)
    case = _Case(ordered, columns_of(ordered, settings), settings)
    place = points_of(place_deg[1], place_deg[0])
    return region_share_at(locate(case.ask(range(len(ordered)), evidence)), place)


def _touches(proposals: Sequence[Proposal], used: set[int]) -> bool:
    return any(not used.isdisjoint(entry.members) for entry in proposals)


def _candidates(columns: ArrayColumns, free: Ints, by_seed: dict[int, list[Proposal]]) -> list[Proposal]:
    """Give each set of free detections that is likelier than clutter once, with its best odds.

    Sets of one array's detections are left out: they say that it heard something, not where.
    """
    still_free, best = set(free.tolist()), dict[tuple[int, ...], float]()
    for entry in (entry for proposals in by_seed.values() for entry in proposals):
        several = len(np.unique(columns.array_index[list(entry.members)])) >= ARRAY_MIN_COUNT
        if several and entry.log_odds_ratio > 0.0 and still_free.issuperset(entry.members):
            best[entry.members] = max(entry.log_odds_ratio, best.get(entry.members, 0.0))
    return [Proposal(members, log_odds_ratio) for members, log_odds_ratio in best.items()]


def locate_together(
    detections: Sequence[ArrayDetection], settings: ArraySettings, *, evidence: Evidence = "both"
) -> ArrayEvent:
    """Locate detections that are taken to be of one event, by bearings, times or both; nothing is associated."""
    assert detections, "no detections: there is nothing to locate"
    ordered = canonical_order(detections)
    case = _Case(ordered, columns_of(ordered, settings), settings)
    every = tuple(range(len(ordered)))
    return _event(case, Weighed(Proposal(every, 0.0), 1.0, ()), evidence=evidence)


def _event(case: _Case, weighed: Weighed, *, evidence: Evidence = "both") -> ArrayEvent:
    """Locate one event and say everything that is known of it."""
    members = weighed.proposal.members
    location = locate(case.ask(members, evidence))
    log_odds_ratio = location.cells.log_odds_ratio()
    without = _without_each(case, members, (location, evidence))
    has_times = evidence != "bearings"
    low, middle, high = (case.time_at(value) if has_times else None for value in location.origin_s)
    covariance_m2 = location.covariance_m2
    return ArrayEvent(
        event_id=content_id("array-event", *(case.detections[index].detection_id.encode() for index in members)),
        latitude_deg=float(location.mean.latitude_deg[0]),
        longitude_deg=float(location.mean.longitude_deg[0]),
        densest_latitude_deg=float(location.densest.latitude_deg[0]),
        densest_longitude_deg=float(location.densest.longitude_deg[0]),
        covariance_east_m2=float(covariance_m2[0, 0]),
        covariance_east_north_m2=float(covariance_m2[0, 1]),
        covariance_north_m2=float(covariance_m2[1, 1]),
        origin_time=middle,
        origin_low=low,
        origin_high=high,
        regions=tuple(region_of(location, share) for share in REGION_SHARES),
        log_odds_ratio=log_odds_ratio,
        event_probability=weighed.event_probability,
        members=_members(case, members, (location, log_odds_ratio, [odds for _, odds in without])),
        without_one=tuple(entry for entry, _ in without),
        alternatives=_alternatives(case, weighed),
    )


def _without_each(
    case: _Case, members: Sequence[int], asked: tuple[Location, Evidence]
) -> list[tuple[WithoutOne, float]]:
    """Locate the event anew without each of its detections in turn; with the log odds of what is left."""
    location, evidence = asked
    rough = _Case(
        case.detections, case.columns, msgspec.structs.replace(case.settings, cell_mass_max_share=ROUGH_SHARE)
    )
    found = []
    for index in members if len(members) > ARRAY_MIN_COUNT else ():
        _, cells, mean = centre(rough.ask([entry for entry in members if entry != index], evidence))
        entry = WithoutOne(
            detection_id=case.detections[index].detection_id,
            latitude_deg=float(mean.latitude_deg[0]),
            longitude_deg=float(mean.longitude_deg[0]),
            shift_m=float(geodesic_distance_m(location.mean, mean)[0]),
        )
        found.append((entry, cells.log_odds_ratio()))
    return found


def _members(
    case: _Case, members: Sequence[int], found: tuple[Location, float, list[float]]
) -> tuple[ArrayMember, ...]:
    """Say of each detection how it fits the event; where there are two only, both are as likely as the event."""
    location, log_odds_ratio, without = found
    geometry = geometry_to(case.columns, location.mean, np.zeros(1), members=np.asarray(members))
    records = []
    for position, index in enumerate(members):
        array = case.columns.array_index[index]
        distance_m, bearing_deg = float(geometry.distance_m[array, 0]), float(geometry.bearing_deg[array, 0])
        gain = log_odds_ratio - without[position] if without else log_odds_ratio
        delay_s = float(case.columns.time_s[index] - location.origin_s[1])
        timing = _timing(delay_s, distance_m, case.settings.celerity)
        records.append(
            ArrayMember(
                detection_id=case.detections[index].detection_id,
                array_id=case.detections[index].array_id,
                distance_m=distance_m,
                bearing_deg=bearing_deg,
                bearing_residual_deg=(case.detections[index].bearing_deg - bearing_deg + 180.0) % 360.0 - 180.0,
                member_probability=1.0 / (1.0 + float(np.exp(-gain))),
                celerity_m_per_s=timing.celerity_m_per_s,
                phase=timing.phase,
                phase_probability=timing.phase_probability,
                time_residual_s=timing.time_residual_s,
            )
        )
    return tuple(records)


def _timing(delay_s: float, distance_m: float, model: CelerityModel) -> _Timing:
    """Say how fast the sound came, as which phase, and how far it is from the likeliest phase's mean."""
    if not delay_s > 0.0:
        return _Timing()
    probabilities = phase_probabilities(model, delay_s / max(distance_m, 1.0))[:, 0]
    likeliest = int(np.argmax(probabilities))
    return _Timing(
        celerity_m_per_s=distance_m / delay_s,
        phase=PHASES[likeliest],
        phase_probability=float(probabilities[likeliest]),
        time_residual_s=delay_s - distance_m * model.mean_s_per_m[likeliest],
    )


def _alternatives(case: _Case, weighed: Weighed) -> tuple[ArrayAlternative, ...]:
    """Locate the rivals that are likely enough to be shown."""
    found = []
    for proposal, probability in weighed.rivals:
        if probability < case.settings.alternative_min_probability:
            continue
        _, cells, mean = centre(case.ask(proposal.members))
        found.append(
            ArrayAlternative(
                detection_ids=tuple(case.detections[index].detection_id for index in proposal.members),
                latitude_deg=float(mean.latitude_deg[0]),
                longitude_deg=float(mean.longitude_deg[0]),
                log_odds_ratio=cells.log_odds_ratio(),
                event_probability=probability,
            )
        )
    return tuple(found)


def _left_out(case: _Case, index: int, by_seed: dict[int, list[Proposal]]) -> NotAssociated:
    """Say why a detection is in no event."""
    settings = case.settings
    own = [entry for proposals in by_seed.values() for entry in proposals if index in entry.members]
    best = max(own, key=lambda entry: entry.log_odds_ratio, default=None)
    if best is None:
        reach_km = settings.range_max_m / 1e3
        reason = f"no detection of another array agrees with its bearing and time within {reach_km:,.0f} km"
    elif best.log_odds_ratio < settings.log_odds_min_ratio:
        reason = (
            f"log_odds_ratio={best.log_odds_ratio:.1f} of its likeliest event, with {len(best.members) - 1} others, "
            f"is below {settings.log_odds_min_ratio:g}"
        )
    else:
        reason = "the detections that would share an event with it are better explained by another event"
    detection = case.detections[index]
    return NotAssociated(detection_id=detection.detection_id, array_id=detection.array_id, reason=reason)
