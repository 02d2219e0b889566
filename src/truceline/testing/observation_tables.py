"""Observation tables and received files made from a seed, for tests and benchmarks of stores and runners."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from truceline.model.columns import TIME, complete_columns
from truceline.model.source import FileKind, IngestedFile, SourceManifest

FIRST_START = datetime(2025, 3, 1, tzinfo=UTC)
"""Start of the days over which rows are spread."""

SOURCE_ID = "synthetic-feed"
"""Feed that the rows and files name."""

MANIFEST = SourceManifest(
    source_id=SOURCE_ID,
    title="Made-up reports for tests",
    kind="media_report",
    observes="nothing: rows made from a seed",
    procedure="seeded generator",
    operator="Truceline tests",
    influenced_by_parties=(),
    licence="CC0-1.0",
    position_sigma_m=2_000.0,
    latency_hours=0.0,
)
"""Who is behind the made-up feed."""


def observation_table(
    row_count: int, generator: np.random.Generator, *, day_count: int = 30, kind: FileKind = "media_report"
) -> pa.Table:
    """Give rows with ids of their own, spread evenly over days and over a square of two by two degrees."""
    offset_us = np.sort(generator.integers(0, day_count * 86_400_000_000, row_count))
    start = pa.array(offset_us + int(FIRST_START.timestamp()) * 1_000_000).cast(TIME)
    digits = generator.bytes(16 * row_count).hex()
    ids = [f"obs-{digits[32 * index : 32 * index + 32]}" for index in range(row_count)]
    ones = pa.array(np.ones(row_count))
    places = pa.array(["Village", "Town", "Crossing", "Mill"])
    return complete_columns(
        {
            "observation_id": pa.array(ids),
            "kind": pa.array([kind]).take(pa.array(np.zeros(row_count, dtype=np.int64))),
            "source_id": pa.array([SOURCE_ID]).take(pa.array(np.zeros(row_count, dtype=np.int64))),
            "file_sha256": pa.array(["0" * 64]).take(pa.array(np.zeros(row_count, dtype=np.int64))),
            "row_index": pa.array(np.arange(row_count)),
            "phenomenon_start": start,
            "phenomenon_end": start,
            "result_time": start,
            "latitude_deg": pa.array(generator.uniform(47.0, 49.0, row_count)),
            "longitude_deg": pa.array(generator.uniform(36.0, 38.0, row_count)),
            "position_sigma_m": pa.array(np.full(row_count, 2_000.0)),
            "low_count": ones,
            "high_count": ones,
            "count_is_approximate": pa.array(np.zeros(row_count, dtype=np.bool_)),
            "place_name": places.take(pa.array(generator.integers(0, len(places), row_count))),
            "place_is_region": pa.array(np.zeros(row_count, dtype=np.bool_)),
            "kinetic": pa.array(generator.random(row_count) < 0.8),
            "energy_object": pa.array(generator.random(row_count) < 0.1),
            "weapon_hints": pa.array([[]] * row_count, pa.list_(pa.string())),
        },
        row_count,
    )


def received_file(name: str, *, kind: FileKind = "media_report", synthetic: bool = False) -> IngestedFile:
    """Give a received file whose content is its name; its counts are not known yet."""
    return IngestedFile(
        file_name=name,
        file_sha256=hashlib.sha256(name.encode()).hexdigest(),
        size_bytes=len(name),
        source_id=SOURCE_ID,
        kind=kind,
        received_time=FIRST_START + timedelta(days=100),
        accepted_count=0,
        rejected_count=0,
        duplicate_count=0,
        synthetic=synthetic,
    )
