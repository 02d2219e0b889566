"""One day's rows become clusters: a pure function of the set of rows, whatever order they came in.

A cluster is a star: every member agrees with one leader, so that no cluster is wider than twice a gate and nothing can
chain along the line. What sensors located leads; then leaders are chosen by precision, then time, then id. What is
ambiguous stays apart.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from truceline.associate.gates import (
    LeaderGrid,
    distance_between_m,
    gap_between_s,
    normalised_distance_ratio,
    offset_m,
)
from truceline.associate.rows import KEPT_OUT_DETECTION, Row
from truceline.associate.sensor_events import SensedDay, SensorEvent
from truceline.associate.settings import AssociationSettings

NOTHING_SENSED = SensedDay()
"""A day on which no sensor event was found."""

Closeness = Callable[[Row, Row], float | None]
"""How close a row lies to a leader (smaller is closer), or `None` where they do not agree."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one occurrence by role, each in canonical order.

    `sensed` is what sensors located, with the detections that define it; without it at least one row is no detection,
    and `detections` only support.
    """

    sensed: SensorEvent | None = None
    occurrences: tuple[Row, ...] = ()
    fires: tuple[Row, ...] = ()
    reports: tuple[Row, ...] = ()
    detections: tuple[Row, ...] = ()
    is_region: bool = False

    @property
    def anchor(self) -> Row:
        """The first member in canonical order; an event is named after it."""
        return self.members[0]

    @property
    def members(self) -> tuple[Row, ...]:
        """The rows that an event can be named after, in canonical order: all but detections that only support."""
        sensed = () if self.sensed is None else self.sensed.members
        return tuple(sorted((*sensed, *self.occurrences, *self.fires, *self.reports), key=lambda row: row.order))

    @property
    def defining(self) -> tuple[Row, ...]:
        """The rows that place the origin: a sensor event's detections; a hot pixel never sharpens what people saw."""
        if self.sensed is not None:
            return self.sensed.members
        return (*self.occurrences, *self.reports) or self.fires

    @property
    def leader(self) -> Row:
        """What sensors located, else the most precise row of the most telling role."""
        if self.sensed is not None:
            return self.sensed.place
        return min(self.occurrences or self.fires or self.reports, key=_leader_order)


class Clustered(msgspec.Struct, frozen=True, kw_only=True):
    """The clusters of one day by anchor, and by reason how many detections found no occurrence that fits."""

    clusters: tuple[Cluster, ...]
    unassociated_counts: dict[str, int]


def _leader_order(row: Row) -> tuple[float, tuple[datetime, str]]:
    return (row.sigma_m, row.order)


def _stars(
    rows: Sequence[Row], closeness: Closeness, *, reach_m: float, given: Sequence[Row] = ()
) -> dict[str, tuple[Row, ...]]:
    """Give, by leader, groups in which every row agrees with the leader, each row standing with its closest leader.

    Leaders that are given lead from the start, do not join each other, and do not stand in their own groups.
    """
    latitude_limit_deg = max((abs(row.latitude_deg) for row in (*rows, *given)), default=0.0)
    grid = LeaderGrid(reach_m=reach_m, latitude_limit_deg=latitude_limit_deg)
    members: dict[str, list[Row]] = {}
    for leader in given:
        grid.add(leader)
        members[leader.observation_id] = []
    for row in sorted(rows, key=_leader_order):
        found = [(close, leader.order) for leader in grid.near(row) if (close := closeness(row, leader)) is not None]
        if found:
            members[min(found)[1][1]].append(row)
        else:
            grid.add(row)
            members[row.observation_id] = [row]
    return {name: tuple(sorted(group, key=lambda row: row.order)) for name, group in members.items()}


def _gated(settings: AssociationSettings, *, gap_max_s: float) -> Closeness:
    """Agree within the combined uncertainty and a time gap."""

    def closeness(row: Row, leader: Row) -> float | None:
        if gap_between_s(row, leader) > gap_max_s:
            return None
        if distance_between_m(row, leader) > settings.pair_distance_max_m:
            return None
        ratio = normalised_distance_ratio(row, leader)
        return ratio if ratio <= settings.gate_chi2_ratio else None

    return closeness


def _heard(settings: AssociationSettings) -> Closeness:
    """Agree as two patrols do; with what sensors located the times people wrote count too, since many may lie near."""
    gate = _gated(settings, gap_max_s=settings.occurrence_gap_max_s)

    def closeness(row: Row, leader: Row) -> float | None:
        ratio = gate(row, leader)
        if ratio is None or leader.role != "sensor_event":
            return ratio
        return ratio + (gap_between_s(row, leader) / settings.report_time_sigma_s) ** 2

    return closeness


def _same_place(distance_max_m: float) -> Closeness:
    """Agree where two whole-day reports speak of one place: their time says too little to join two places."""

    def closeness(row: Row, leader: Row) -> float | None:
        if gap_between_s(row, leader) > 0.0:
            return None
        distance_m = distance_between_m(row, leader)
        return distance_m if distance_m <= distance_max_m else None

    return closeness


def _reach_m(rows: Sequence[Row], settings: AssociationSettings) -> float:
    """Give the greatest distance at which any two of these rows can agree."""
    sigma_max_m = max((row.sigma_m for row in rows), default=0.0)
    return min(settings.pair_distance_max_m, math.sqrt(2.0 * settings.gate_chi2_ratio) * sigma_max_m)


def _join_fires(
    clusters: Sequence[Cluster], fires: Sequence[tuple[Row, ...]], settings: AssociationSettings
) -> list[Cluster]:
    """Give each fire to the closest occurrence that can have left it; other fires stand alone."""
    gate = _gated(settings, gap_max_s=settings.fire_gap_max_s)
    everyone = [cluster.leader for cluster in clusters] + [row for group in fires for row in group]
    grid = LeaderGrid(reach_m=_reach_m(everyone, settings), latitude_limit_deg=_latitude_limit_deg(clusters, fires))
    joined: dict[str, list[Row]] = {}
    for cluster in clusters:
        grid.add(cluster.leader)
        joined[cluster.leader.observation_id] = []
    alone: list[Cluster] = []
    for group in fires:
        fire = min(group, key=_leader_order)
        found = [
            (close, leader.order)
            for leader in grid.near(fire)
            if (close := gate(fire, leader)) is not None and not _seen_long_before(fire, leader, settings)
        ]
        if found:
            joined[min(found)[1][1]].extend(group)
        else:
            alone.append(Cluster(fires=group))
    grown = [
        msgspec.structs.replace(
            cluster, fires=tuple(sorted(joined[cluster.leader.observation_id], key=lambda row: row.order))
        )
        for cluster in clusters
    ]
    return grown + alone


def _latitude_limit_deg(clusters: Sequence[Cluster], groups: Sequence[tuple[Row, ...]]) -> float:
    """Give the greatest distance from the equator of any leader or member."""
    rows = [cluster.leader for cluster in clusters] + [row for group in groups for row in group]
    return max((abs(row.latitude_deg) for row in rows), default=0.0)


def _seen_long_before(fire: Row, occurrence: Row, settings: AssociationSettings) -> bool:
    """Say whether a fire was seen too long before an occurrence to have come of it."""
    return (occurrence.start - fire.end).total_seconds() > settings.occurrence_gap_max_s


def _join_reports(
    clusters: Sequence[Cluster], reports: Sequence[tuple[Row, ...]], settings: AssociationSettings
) -> list[Cluster]:
    """Give a place's reports to the one cluster they fit, where each fits no other; what is ambiguous stays apart."""
    gate = _gated(settings, gap_max_s=0.0)
    everyone = [cluster.leader for cluster in clusters] + [row for group in reports for row in group]
    grid = LeaderGrid(reach_m=_reach_m(everyone, settings), latitude_limit_deg=_latitude_limit_deg(clusters, reports))
    for cluster in clusters:
        grid.add(cluster.leader)
    fits: list[list[str]] = []
    claims: dict[str, int] = {}
    for group in reports:
        place = min(group, key=_leader_order)
        names = [leader.observation_id for leader in grid.near(place) if gate(place, leader) is not None]
        fits.append(names)
        for name in names:
            claims[name] = claims.get(name, 0) + 1
    taken = {
        names[0]: group for names, group in zip(fits, reports, strict=True) if len(names) == 1 and claims[names[0]] == 1
    }
    apart = [
        Cluster(reports=group)
        for names, group in zip(fits, reports, strict=True)
        if not (len(names) == 1 and claims[names[0]] == 1)
    ]
    grown = [
        msgspec.structs.replace(cluster, reports=taken.get(cluster.leader.observation_id, ())) for cluster in clusters
    ]
    return grown + apart


def arrival_residual_s(detection: Row, leader: Row, settings: AssociationSettings) -> float:
    """Give how far a detection lies from the sound's arrival: 0 inside the span, positive when later, seconds."""
    travel_s = distance_between_m(leader, detection) / settings.sound_speed_m_per_s
    early_s = (detection.start - leader.start).total_seconds() - travel_s
    late_s = (detection.start - leader.end).total_seconds() - travel_s
    return early_s if early_s < 0.0 else max(0.0, late_s)


def _detection_fit_ratio(detection: Row, leader: Row, settings: AssociationSettings) -> float | None:
    """Give how well bearing and time fit an occurrence (smaller is better), or `None` where they do not."""
    assert detection.bearing_deg is not None, "a detection without a bearing supports nothing"
    distance_m = distance_between_m(leader, detection)
    if distance_m > settings.detection_distance_max_m:
        return None
    residual_s = abs(arrival_residual_s(detection, leader, settings))
    if residual_s > settings.detection_residual_max_s:
        return None
    east_m, north_m = offset_m(detection, leader)
    turn_deg = math.remainder(math.degrees(math.atan2(east_m, north_m)) - detection.bearing_deg, 360.0)
    own_sigma_deg = detection.bearing_sigma_deg or settings.detection_bearing_default_sigma_deg
    spread_deg = math.hypot(own_sigma_deg, math.degrees(math.atan2(leader.sigma_m, max(distance_m, 1.0))))
    bearing_ratio = (turn_deg / spread_deg) ** 2
    if bearing_ratio > settings.gate_chi2_ratio:
        return None
    return bearing_ratio + (residual_s / settings.detection_residual_max_s) ** 2


def _is_brief(cluster: Cluster, settings: AssociationSettings) -> bool:
    """Say whether a cluster is an occurrence short enough for the arrival of its sound to mean something.

    What sensors located has its detections already: what the engine did not take does not support it.
    """
    leader = cluster.leader
    is_told = cluster.sensed is None and bool(cluster.occurrences)
    return is_told and (leader.end - leader.start).total_seconds() <= settings.occurrence_gap_max_s


def _join_detections(
    clusters: Sequence[Cluster], detections: Sequence[Row], settings: AssociationSettings
) -> tuple[list[Cluster], list[Row]]:
    """Give each detection to the occurrence it fits best, as support only; give those that fit none beside."""
    heard = sorted((cluster.leader for cluster in clusters if _is_brief(cluster, settings)), key=lambda row: row.order)
    starts = [leader.start for leader in heard]
    travel_max_s = settings.detection_distance_max_m / settings.sound_speed_m_per_s
    reach_back = timedelta(seconds=travel_max_s + settings.detection_residual_max_s + settings.occurrence_gap_max_s)
    reach_on = timedelta(seconds=settings.detection_residual_max_s)
    support: dict[str, list[Row]] = {}
    unassociated: list[Row] = []
    for detection in sorted(detections, key=lambda row: row.order):
        first = bisect_left(starts, detection.start - reach_back)
        last = bisect_right(starts, detection.start + reach_on)
        found = [
            (fit, leader.order)
            for leader in heard[first:last]
            if detection.bearing_deg is not None
            and (fit := _detection_fit_ratio(detection, leader, settings)) is not None
        ]
        if found:
            support.setdefault(min(found)[1][1], []).append(detection)
        else:
            unassociated.append(detection)
    grown = [
        msgspec.structs.replace(cluster, detections=tuple(support.get(cluster.leader.observation_id, ())))
        for cluster in clusters
    ]
    return grown, unassociated


def _occurrences(heard: Sequence[Row], sensed: SensedDay, settings: AssociationSettings) -> list[Cluster]:
    """Give the occurrences: what sensors located with the patrols' reports of it, and what only patrols reported."""
    located = {event.place.observation_id: event for event in sensed.events}
    places = [event.place for event in sensed.events]
    groups = _stars(heard, _heard(settings), reach_m=_reach_m([*heard, *places], settings), given=places)
    return [Cluster(sensed=located.get(name), occurrences=group) for name, group in groups.items()]


def _counted(unassociated: Sequence[Row], reasons: Mapping[str, str]) -> dict[str, int]:
    """Give how many detections stand in no event, by reason, sorted by reason."""
    counts = Counter(reasons.get(row.observation_id, KEPT_OUT_DETECTION) for row in unassociated)
    return dict(sorted(counts.items()))


def cluster_rows(
    rows: Sequence[Row], settings: AssociationSettings, *, sensed: SensedDay = NOTHING_SENSED
) -> Clustered:
    """Give the clusters of one day's rows, in the order of their anchors; every row stands in one or is counted.

    `sensed` is what the engine made of the day's detections (`sense_day`); those that define none of its events may
    still support an occurrence.
    """
    by_role: dict[str, list[Row]] = {}
    for row in rows:
        by_role.setdefault(row.role, []).append(row)
    hot = by_role.get("fire", [])
    fires = list(
        _stars(hot, _gated(settings, gap_max_s=settings.fire_gap_max_s), reach_m=_reach_m(hot, settings)).values()
    )
    same_place = _same_place(settings.same_place_distance_max_m)
    reach_m = settings.same_place_distance_max_m
    reports = list(_stars(by_role.get("report", []), same_place, reach_m=reach_m).values())
    regions = _stars(by_role.get("region", []), same_place, reach_m=reach_m)
    defining = {row.observation_id for event in sensed.events for row in event.members}
    others = [row for row in by_role.get("detection", []) if row.observation_id not in defining]

    clusters = _join_fires(_occurrences(by_role.get("occurrence", []), sensed, settings), fires, settings)
    clusters = _join_reports(clusters, reports, settings)
    clusters, unassociated = _join_detections(clusters, others, settings)
    clusters += [Cluster(reports=group, is_region=True) for group in regions.values()]
    ordered = tuple(sorted(clusters, key=lambda cluster: cluster.anchor.order))
    return Clustered(clusters=ordered, unassociated_counts=_counted(unassociated, sensed.reasons))
