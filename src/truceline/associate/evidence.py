"""Which rows of which files an event rests on, and which were known, near it, and not used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from truceline.associate.gates import METRES_PER_DEGREE_M
from truceline.associate.rows import KEPT_OUT_NOT_KINETIC, Row
from truceline.associate.settings import AssociationSettings
from truceline.model.dossier import EvidenceHash
from truceline.model.event import Event


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The used and the known but unused rows of one event, each in the order of their ids."""

    used: tuple[EvidenceHash, ...]
    known_not_used: tuple[EvidenceHash, ...]


def hash_of_row(row: Row) -> EvidenceHash:
    """Say which bytes a row is from."""
    return EvidenceHash(
        observation_id=row.observation_id,
        source_id=row.source_id,
        file_sha256=row.file_sha256,
        row_index=row.row_index,
    )


def _seconds(moments: Sequence[datetime]) -> np.ndarray:
    """Give times as seconds since 1970, vectorised."""
    return np.array([moment.timestamp() for moment in moments], dtype=np.float64)


def evidence_of(
    events: Sequence[Event], rows: Sequence[Row], settings: AssociationSettings
) -> dict[tuple[str, int], Evidence]:
    """Give the evidence of one day's events.

    Known and not used is what overlaps the event's time and lies within the association's reach, stations within
    theirs, and every claim of the day, which names no place. Where sensors located the event, of other detections only
    those that came when its sound could have. Reports of no attack measure coverage and are no evidence.
    """
    candidates = [
        row for row in sorted(rows, key=lambda row: row.observation_id) if row.kept_out_reason != KEPT_OUT_NOT_KINETIC
    ]
    by_id = {row.observation_id: row for row in candidates}
    latitude_deg = np.array([row.latitude_deg for row in candidates])
    longitude_deg = np.array([row.longitude_deg for row in candidates])
    reach_m = np.array([_reach_m(row, settings) for row in candidates])
    placeless = np.isinf(reach_m)
    starts_s = _seconds([row.start for row in candidates])
    ends_s = _seconds([row.end for row in candidates])
    is_detection = np.array([row.role == "detection" for row in candidates], dtype=bool)
    found = {}
    for event in events:
        centre = event.origin_position
        turn_deg = (longitude_deg - centre.longitude_deg + 180.0) % 360.0 - 180.0
        east_m = turn_deg * METRES_PER_DEGREE_M * np.cos(np.radians(centre.latitude_deg))
        north_m = (latitude_deg - centre.latitude_deg) * METRES_PER_DEGREE_M
        low_s = event.origin_time.start.timestamp() - settings.occurrence_gap_max_s
        high_s = event.origin_time.end.timestamp() + settings.occurrence_gap_max_s
        in_time = placeless | ((starts_s <= high_s) & (ends_s >= low_s))
        distance_m = np.hypot(east_m, north_m)
        near = in_time & (distance_m <= reach_m)
        if event.sensor_origin is not None:
            late_s = starts_s - distance_m / settings.sound_speed_m_per_s
            due = (late_s >= event.origin_time.start.timestamp() - settings.detection_residual_max_s) & (
                late_s <= event.origin_time.end.timestamp() + settings.detection_residual_max_s
            )
            near &= due | ~is_detection
        members = {link.observation_id for link in event.associations}
        found[(event.event_id, event.revision_index)] = Evidence(
            used=tuple(hash_of_row(by_id[name]) for name in sorted(members)),
            known_not_used=tuple(
                hash_of_row(candidates[index])
                for index in np.flatnonzero(near)
                if candidates[index].observation_id not in members
            ),
        )
    return found


def _reach_m(row: Row, settings: AssociationSettings) -> float:
    """Give how far a row speaks: a claim without a place everywhere, a station as far as it hears."""
    if not row.located:
        return float("inf")
    return settings.detection_distance_max_m if row.role == "detection" else settings.pair_distance_max_m
