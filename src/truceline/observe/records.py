"""Observation tables and single records, one into the other; neither way loses or adds anything.

A table does not hold when its file was received; that stands once per file in its `IngestedFile`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from truceline.model.columns import OBSERVATION_SCHEMA
from truceline.model.observation import (
    Detection,
    MediaReport,
    Observation,
    PartyClaim,
    PatrolReport,
    Provenance,
    Result,
    Statement,
    Thermal,
)
from truceline.model.quantity import Count, Position, TimeSpan
from truceline.model.source import SourceManifest

Row = dict[str, Any]


def observations_from_table(
    table: pa.Table,
    manifests: Mapping[str, SourceManifest],
    *,
    received_times: Mapping[str, datetime] | None = None,
) -> list[Observation]:
    """Give each row as a record, checked as it is built.

    `manifests` (by source id) say who runs a feed and who could influence it; `received_times` (by file hash) when each
    file was had. A file not named there is taken to have been received when each of its records was made.
    """
    times = received_times or {}
    return [_observation(row, manifests[row["source_id"]], times) for row in table.to_pylist()]


def _observation(row: Row, manifest: SourceManifest, received_times: Mapping[str, datetime]) -> Observation:
    return Observation(
        observation_id=row["observation_id"],
        phenomenon_time=TimeSpan(start=row["phenomenon_start"], end=row["phenomenon_end"]),
        result_time=row["result_time"],
        received_time=received_times.get(row["file_sha256"], row["result_time"]),
        position=_position(row),
        count=Count(
            low_count=row["low_count"],
            high_count=row["high_count"],
            approximate=row["count_is_approximate"],
            text=row["count_text"] or "",
        ),
        result=_RESULT_READERS[row["kind"]](row),
        provenance=Provenance(
            source_id=row["source_id"],
            procedure=manifest.procedure,
            operator=manifest.operator,
            influenced_by_parties=_influence(row, manifest),
            file_sha256=row["file_sha256"],
            row_index=row["row_index"],
        ),
    )


def _influence(row: Row, manifest: SourceManifest) -> tuple[str, ...]:
    """Give who could influence a record: of a claim, its claimant; of a statement, its party; else the feed's."""
    if row["kind"] == "statement":
        party = row["speaker"] if row["speaker_role"] == "party" else row["bloc"]
        return () if party is None else (party,)
    return manifest.influenced_by_parties if row["claimant"] is None else (row["claimant"],)


def _position(row: Row) -> Position | None:
    if row["latitude_deg"] is None:
        return None
    return Position(
        latitude_deg=row["latitude_deg"], longitude_deg=row["longitude_deg"], sigma_m=row["position_sigma_m"]
    )


def _thermal(row: Row) -> Thermal:
    return Thermal(
        satellite=row["satellite"],
        instrument=row["instrument"],
        brightness_k=row["brightness_k"],
        radiative_power_mw=row["radiative_power_mw"],
        detector_class=row["detector_class"],
        daytime=row["daytime"],
    )


def _media_report(row: Row) -> MediaReport:
    return MediaReport(
        place_name=row["place_name"],
        place_is_region=row["place_is_region"],
        kinetic=row["kinetic"],
        energy_object=row["energy_object"],
        named_party=row["named_party"],
        weapon_hints=tuple(row["weapon_hints"]),
    )


def _party_claim(row: Row) -> PartyClaim:
    return PartyClaim(
        claimant=row["claimant"],
        actor=row["actor"],
        weapon_class=row["weapon_class"],
        weapon_model=row["weapon_model"],
        launched_count=row["launched_count"],
        destroyed_count=row["destroyed_count"],
        time_is_stated=row["time_is_stated"],
        places=tuple(row["places"]),
    )


def _patrol_report(row: Row) -> PatrolReport:
    return PatrolReport(
        observer_latitude_deg=row["observer_latitude_deg"],
        observer_longitude_deg=row["observer_longitude_deg"],
        bearing_deg=row["bearing_deg"],
        bearing_width_deg=row["bearing_width_deg"],
        range_low_m=row["range_low_m"],
        range_high_m=row["range_high_m"],
        means=row["means"],
        description=row["description"],
        weapon=row["weapon"],
    )


def _detection(row: Row) -> Detection:
    return Detection(
        station_id=row["station_id"],
        station_latitude_deg=row["observer_latitude_deg"],
        station_longitude_deg=row["observer_longitude_deg"],
        bearing_deg=row["bearing_deg"],
        bearing_sigma_deg=row["bearing_sigma_deg"],
        amplitude_pa=row["amplitude_pa"],
    )


def _statement(row: Row) -> Statement:
    return Statement(
        speaker_role=row["speaker_role"],
        speaker=row["speaker"],
        says=row["says"],
        about=row["about"],
        bloc=row["bloc"],
        first_publisher=row["first_publisher"],
        place_name=row["place_name"],
    )


_RESULT_READERS: dict[str, Callable[[Row], Result]] = {
    "thermal": _thermal,
    "media_report": _media_report,
    "party_claim": _party_claim,
    "patrol_report": _patrol_report,
    "detection": _detection,
    "statement": _statement,
}

_STATION_COLUMNS = {
    "station_latitude_deg": "observer_latitude_deg",
    "station_longitude_deg": "observer_longitude_deg",
}


def table_from_observations(records: Sequence[Observation]) -> pa.Table:
    """Give records as an observation table, in their order."""
    return pa.Table.from_pylist([_row(record) for record in records], schema=OBSERVATION_SCHEMA)


def _row(record: Observation) -> Row:
    position, result = record.position, record.result
    fields = {_STATION_COLUMNS.get(name, name): getattr(result, name) for name in result.__struct_fields__}
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()},
        "observation_id": record.observation_id,
        "kind": record.kind,
        "source_id": record.provenance.source_id,
        "file_sha256": record.provenance.file_sha256,
        "row_index": record.provenance.row_index,
        "phenomenon_start": record.phenomenon_time.start,
        "phenomenon_end": record.phenomenon_time.end,
        "result_time": record.result_time,
        "latitude_deg": None if position is None else position.latitude_deg,
        "longitude_deg": None if position is None else position.longitude_deg,
        "position_sigma_m": None if position is None else position.sigma_m,
        "low_count": record.count.low_count,
        "high_count": record.count.high_count,
        "count_is_approximate": record.count.approximate,
        "count_text": record.count.text,
    }
