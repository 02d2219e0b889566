"""A cluster becomes a draft of an event: where and when with uncertainty, of what type, from which observations.

Where sensors located it, their origin stands as it is: what people saw or wrote is far less precise, and only joins it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from truceline.associate.clusters import Cluster, arrival_residual_s
from truceline.associate.gates import METRES_PER_DEGREE_M, distance_between_m, offset_m
from truceline.associate.rows import Row
from truceline.associate.sensor_events import SensorEvent
from truceline.associate.settings import AssociationSettings
from truceline.model.event import Association, Event, EventType
from truceline.model.quantity import Count, Position, TimeSpan, exactly

ObservedAs = Literal["impact", "outgoing", "airburst", "undetermined", "not reported"]

EXPLOSION_WORDS = frozenset({"undetermined", "outgoing", "impact", "airburst"})
"""Words of patrols that speak of an explosion; `burst` and `shot` are small arms, as OSCE counts them."""

SENSED_TYPES: dict[str, EventType] = {
    "explosion undetermined": "explosion",
    "outgoing": "explosion",
    "impact": "explosion",
    "airburst": "explosion",
    "launch-impact pair": "explosion",
    "burst": "shot",
    "shot": "shot",
}
"""What a sensor event's named type (`event_type.TYPES`) is as the type of an event. Quarry blasts, thunder and what is
unknown are not reported as anything: nobody could say that something was done."""

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
    """Give when it happened: a sensor event's span, else what patrols, else reports, else pixels say.

    Of several rows it is what all agree on, or all they cover where they do not.
    """
    if cluster.sensed is not None:
        return TimeSpan(start=cluster.sensed.place.start, end=cluster.sensed.place.end)
    rows = cluster.occurrences or cluster.reports or cluster.fires
    latest_start, earliest_end = max(row.start for row in rows), min(row.end for row in rows)
    if latest_start <= earliest_end:
        return TimeSpan(start=latest_start, end=earliest_end)
    return TimeSpan(start=min(row.start for row in rows), end=max(row.end for row in rows))


def _event_type(cluster: Cluster) -> EventType:
    """Give the type by what was seen: patrols' words first, then what sound says, then reports, then a bare fire."""
    words = {row.description for row in cluster.occurrences}
    if words & EXPLOSION_WORDS:
        return "explosion"
    if "projectile" in words:
        return "projectile in flight"
    if words:
        return "shot"
    if cluster.sensed is not None and cluster.sensed.origin.named_type in SENSED_TYPES:
        return SENSED_TYPES[cluster.sensed.origin.named_type]
    if cluster.reports:
        return "attack"
    return "fire" if cluster.fires else "not reported"


def _is_sure(sensed: SensorEvent | None, settings: AssociationSettings) -> bool:
    return sensed is not None and sensed.origin.event_probability >= settings.sensors.sure_least_probability


def _is_known(cluster: Cluster, settings: AssociationSettings) -> bool:
    """Say whether someone saw it, or two observers or two ways of observing agree that it happened.

    The ways are patrols, reports, and sensors that are sure of it.
    """
    observers = {row.observer for row in cluster.occurrences}
    ways = (bool(cluster.occurrences), bool(cluster.reports), _is_sure(cluster.sensed, settings))
    return any(row.seen for row in cluster.occurrences) or len(observers) > 1 or sum(ways) > 1


def _observed_as(cluster: Cluster) -> ObservedAs:
    """Give the patrols' word for the explosion; where they differ or do not say, it is undetermined.

    So is an explosion that only sensors located, whatever they make of its kind: attribution takes the word as one of
    people who were there.
    """
    words = {row.description for row in cluster.occurrences}
    if not words:
        heard = cluster.sensed is not None and _event_type(cluster) == "explosion"
        return "undetermined" if heard else "not reported"
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
    residuals_s = _sensed_residuals_s(cluster.sensed)
    links = []
    for row in sorted((*cluster.members, *cluster.detections), key=lambda r: r.order):
        if row.observation_id in residuals_s:
            residual_s = residuals_s[row.observation_id]
        elif row.role == "detection":
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


def _sensed_residuals_s(sensed: SensorEvent | None) -> dict[str, float]:
    """Give the residuals of a sensor event's detections by their ids."""
    if sensed is None:
        return {}
    return {row.observation_id: residual_s for row, residual_s in zip(sensed.members, sensed.residuals_s, strict=True)}


def _position(cluster: Cluster, settings: AssociationSettings) -> Position:
    """Give where it happened: where sensors located it, else the mean of what was seen and reported."""
    if cluster.sensed is None:
        return combined_position(_measurements(cluster, settings), floor_m=settings.position_floor_sigma_m)
    place = cluster.sensed.place
    return Position(latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg, sigma_m=place.sigma_m)


def _counted(cluster: Cluster) -> Count:
    """Give how many signatures people or satellites observed; one where only sensors noticed it."""
    rows = (*cluster.occurrences, *cluster.reports) or cluster.fires
    return signature_count(rows) if rows else exactly(1)


def draft_event(cluster: Cluster, *, event_id: str, settings: AssociationSettings) -> Event:
    """Turn a cluster into the first state of an event under the given id."""
    position = _position(cluster, settings)
    span = origin_time(cluster)
    named = min(cluster.reports, key=lambda row: (row.sigma_m, row.place_name), default=cluster.leader)
    return Event(
        event_id=event_id,
        revision_index=0,
        supersedes_revision_index=None,
        event_type=_event_type(cluster),
        event_type_certainty="known" if _is_known(cluster, settings) else "suspected",
        evaluation_mode="automatic",
        evaluation_status="confirmed" if _is_sure(cluster.sensed, settings) else "preliminary",
        origin_time=span,
        origin_position=position,
        place_name=named.place_name,
        place_is_region=cluster.is_region,
        energy_object=any(row.energy_object for row in cluster.reports),
        signature_count=_counted(cluster),
        observed_as=_observed_as(cluster),
        associations=_associations(cluster, position, span, settings),
        sensor_origin=None if cluster.sensed is None else cluster.sensed.origin,
    )
