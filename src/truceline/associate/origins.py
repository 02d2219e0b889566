"""A cluster becomes a draft of an event: where and when with uncertainty, of what type, from which observations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from truceline.associate.clusters import Cluster, arrival_residual_s
from truceline.associate.gates import METRES_PER_DEGREE_M, distance_between_m, offset_m
from truceline.associate.rows import Row
from truceline.associate.settings import AssociationSettings
from truceline.model.event import Association, Event, EventType
from truceline.model.quantity import Count, Position, TimeSpan

ObservedAs = Literal["impact", "outgoing", "airburst", "undetermined", "not reported"]

EXPLOSION_WORDS = frozenset({"undetermined", "outgoing", "impact", "airburst"})
"""Words of patrols that speak of an explosion; `burst` and `shot` are small arms, as OSCE counts them."""

_TOLD_WORDS: tuple[ObservedAs, ...] = ("impact", "outgoing", "airburst")

COUNT_LIMIT_COUNT = 1.0e9
"""No count of signatures is larger; sums are held at it."""


def _group_sigma_m(rows: Sequence[Row], floor_m: float) -> float:
    """Give the uncertainty of rows that share their error: their number never makes it smaller.

    The best row's sigma, widened by the spread of the rows about their mean, and never under the floor.
    """
    centre = _mean(rows, [1.0] * len(rows))
    spread_m2 = sum(distance_between_m(row, centre) ** 2 for row in rows) / (2.0 * len(rows))
    return math.sqrt(max(min(row.sigma_m for row in rows), floor_m) ** 2 + spread_m2)


def _mean(rows: Sequence[Row], weights: Sequence[float]) -> Row:
    """Give the first row moved to the weighted mean place."""
    first, total = rows[0], sum(weights)
    offsets = [offset_m(first, row) for row in rows]
    east_m = sum(weight * east for weight, (east, _) in zip(weights, offsets, strict=True)) / total
    north_m = sum(weight * north for weight, (_, north) in zip(weights, offsets, strict=True)) / total
    latitude_deg = min(90.0, max(-90.0, first.latitude_deg + north_m / METRES_PER_DEGREE_M))
    cosine_ratio = max(1e-9, math.cos(math.radians((first.latitude_deg + latitude_deg) / 2.0)))
    longitude_deg = math.remainder(first.longitude_deg + east_m / (METRES_PER_DEGREE_M * cosine_ratio), 360.0)
    return msgspec.structs.replace(first, latitude_deg=latitude_deg, longitude_deg=longitude_deg)


def _measurements(cluster: Cluster, settings: AssociationSettings) -> list[Row]:
    """Give one place per source of error: per patrol, one for all reports of the settlement, one for all hot pixels."""
    by_observer: dict[str, list[Row]] = {}
    for row in cluster.occurrences:
        by_observer.setdefault(row.observer, []).append(row)
    groups: list[tuple[Sequence[Row], float]] = [
        (by_observer[observer], settings.position_floor_sigma_m) for observer in sorted(by_observer)
    ]
    if cluster.reports:
        groups.append((cluster.reports, settings.settlement_floor_sigma_m))
    if not groups:
        groups.append((cluster.fires, settings.position_floor_sigma_m))
    return [
        msgspec.structs.replace(_mean(rows, [1.0] * len(rows)), sigma_m=_group_sigma_m(rows, floor_m))
        for rows, floor_m in groups
    ]


def combined_position(measurements: Sequence[Row], *, floor_m: float) -> Position:
    """Give the inverse-variance mean of independent places, widened where they disagree more than they should."""
    weights = [1.0 / row.sigma_m**2 for row in measurements]
    mean = _mean(measurements, weights)
    sigma_m = math.sqrt(1.0 / sum(weights))
    if len(measurements) > 1:
        chi2 = sum(
            weight * distance_between_m(row, mean) ** 2 for row, weight in zip(measurements, weights, strict=True)
        )
        sigma_m *= math.sqrt(max(1.0, chi2 / (2.0 * (len(measurements) - 1))))  # Birge 1932: the ratio of errors
    return Position(
        latitude_deg=mean.latitude_deg, longitude_deg=mean.longitude_deg, sigma_m=min(1.0e6, max(sigma_m, floor_m))
    )


def origin_time(cluster: Cluster) -> TimeSpan:
    """Give when it happened: what patrols, else reports, else pixels agree on, or all they cover where they do not."""
    rows = cluster.occurrences or cluster.reports or cluster.fires
    latest_start, earliest_end = max(row.start for row in rows), min(row.end for row in rows)
    if latest_start <= earliest_end:
        return TimeSpan(start=latest_start, end=earliest_end)
    return TimeSpan(start=min(row.start for row in rows), end=max(row.end for row in rows))


def _event_type(cluster: Cluster) -> EventType:
    """Give the type by what was seen: patrols' words first, then reports, then a bare fire."""
    words = {row.description for row in cluster.occurrences}
    if words & EXPLOSION_WORDS:
        return "explosion"
    if "projectile" in words:
        return "projectile in flight"
    if words:
        return "shot"
    return "attack" if cluster.reports else "fire"


def _is_known(cluster: Cluster) -> bool:
    """Say whether someone saw it, or two observers or two ways of observing agree that it happened."""
    observers = {row.observer for row in cluster.occurrences}
    return (
        any(row.seen for row in cluster.occurrences)
        or len(observers) > 1
        or (bool(cluster.occurrences) and bool(cluster.reports))
    )


def _observed_as(cluster: Cluster) -> ObservedAs:
    """Give the patrols' word for the explosion; where they differ or do not say, it is undetermined."""
    words = {row.description for row in cluster.occurrences}
    if not words:
        return "not reported"
    told = [word for word in _TOLD_WORDS if word in words]
    return told[0] if len(told) == 1 else "undetermined"


def signature_count(rows: Sequence[Row]) -> Count:
    """Give how many signatures were observed: what each observer counted summed, and of the observers the largest.

    Observers of one occurrence see the same signatures, so their sums are not added up.
    """
    by_observer: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_observer.setdefault((row.kind, row.observer), []).append(row)
    low_count, high_count, approximate = 0.0, 0.0, False
    unbounded = any(row.high_count is None for row in rows)
    for group in by_observer.values():
        low_count = max(low_count, math.fsum(row.low_count for row in group))
        high_count = max(high_count, math.fsum(row.high_count or 0.0 for row in group))
        approximate = approximate or any(row.approximate for row in group)
    low_count = min(low_count, COUNT_LIMIT_COUNT)
    high = None if unbounded else min(max(low_count, high_count), COUNT_LIMIT_COUNT)
    return Count(low_count=low_count, high_count=high, approximate=approximate)


def _associations(
    cluster: Cluster, position: Position, span: TimeSpan, settings: AssociationSettings
) -> tuple[Association, ...]:
    """Give the link of every member, in canonical order, with what is left over in space and time."""
    origin = msgspec.structs.replace(
        cluster.leader,
        latitude_deg=position.latitude_deg,
        longitude_deg=position.longitude_deg,
        start=span.start,
        end=span.end,
    )
    defining = {row.observation_id for row in cluster.defining}
    links = []
    for row in sorted(
        (*cluster.occurrences, *cluster.fires, *cluster.reports, *cluster.detections), key=lambda r: r.order
    ):
        if row.role == "detection":
            residual_s = arrival_residual_s(row, origin, settings)
        else:
            early_s, late_s = (row.end - span.start).total_seconds(), (row.start - span.end).total_seconds()
            residual_s = early_s if early_s < 0.0 else max(0.0, late_s)
        links.append(
            Association(
                observation_id=row.observation_id,
                observation_kind=row.kind,
                source_id=row.source_id,
                distance_m=round(distance_between_m(row, origin), 3),
                time_residual_s=round(residual_s, 6),
                defining=row.observation_id in defining,
            )
        )
    return tuple(links)


def draft_event(cluster: Cluster, *, event_id: str, settings: AssociationSettings) -> Event:
    """Turn a cluster into the first state of an event under the given id."""
    position = combined_position(_measurements(cluster, settings), floor_m=settings.position_floor_sigma_m)
    span = origin_time(cluster)
    named = min(cluster.reports, key=lambda row: (row.sigma_m, row.place_name), default=cluster.leader)
    return Event(
        event_id=event_id,
        revision_index=0,
        supersedes_revision_index=None,
        event_type=_event_type(cluster),
        event_type_certainty="known" if _is_known(cluster) else "suspected",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=span,
        origin_position=position,
        place_name=named.place_name,
        place_is_region=cluster.is_region,
        energy_object=any(row.energy_object for row in cluster.reports),
        signature_count=signature_count((*cluster.occurrences, *cluster.reports) or cluster.fires),
        observed_as=_observed_as(cluster),
        associations=_associations(cluster, position, span, settings),
    )
