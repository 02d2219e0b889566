"""Made-up solutions and their ground truth, with errors of known size, as the tables that the command reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from truceline.model.network import (
    DETECTION_SCHEMA,
    INSTANT,
    SOLUTION_EVENT_SCHEMA,
    SOLUTION_MEMBER_SCHEMA,
)
from truceline.physics.geodesy import Points, geodesic_destination, points_of

START_NS = 1_745_150_400_000_000_000  # 2025-04-20T12:00:00Z
SPAN_S = 3600.0
TYPES = ("outgoing", "impact", "explosion_undetermined")


class Made(NamedTuple):
    """All five tables of one solution and its ground truth."""

    events: pa.Table
    members: pa.Table
    truth: pa.Table
    truth_detections: pa.Table
    detections: pa.Table


def moved(places: Points, east_m: np.ndarray, north_m: np.ndarray) -> Points:
    """Give the points so far east and north of others."""
    return geodesic_destination(places, np.degrees(np.arctan2(east_m, north_m)), np.hypot(east_m, north_m))


def instants(time_s: np.ndarray) -> pa.Array:
    """Make instants from seconds after the start."""
    return pa.array(START_NS + np.round(np.asarray(time_s) * 1e9).astype(np.int64), type=pa.int64()).cast(INSTANT)


def solution_events(rows: dict[str, object], count: int) -> pa.Table:
    """Make a table of solved events from some of its columns, the others filled with ordinary values."""
    ordinary: dict[str, object] = {
        "revision_index": np.zeros(count, dtype=np.int32),
        "level": ["early"] * count,
        "evaluation_status": ["preliminary"] * count,
        "covariance_east_m2": np.full(count, 400.0),
        "covariance_east_north_m2": np.zeros(count),
        "covariance_north_m2": np.full(count, 400.0),
        "region_tail_ratio": np.zeros(count),
        "time_sigma_s": np.full(count, 0.1),
        "log_odds_ratio": np.full(count, 5.0),
        "event_probability": np.full(count, 0.99),
        "detection_range_m": np.full(count, 10_000.0),
        "event_type": ["explosion"] * count,
        "event_type_probability": np.full(count, 0.9),
        "defining_count": np.full(count, 10, dtype=np.int32),
        "tile_id": ["t"] * count,
        "grid_id": ["g"] * count,
    }
    columns = ordinary | rows
    fields = [field for field in SOLUTION_EVENT_SCHEMA if field.name != "issued_time" or field.name in columns]
    arrays = [pa.array(columns.get(field.name, [None] * count), type=field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def truth_events(longitude_deg: np.ndarray, latitude_deg: np.ndarray, time_s: np.ndarray, **rows: object) -> pa.Table:
    """Make a table of ground truth."""
    count = len(time_s)
    columns: dict[str, object] = {
        "event_id": [f"true-{index}" for index in range(count)],
        "event_type": ["impact"] * count,
        "detected_count": np.full(count, 10),
    } | rows
    return pa.table({"time": instants(time_s), "longitude_deg": longitude_deg, "latitude_deg": latitude_deg, **columns})


def made(chance: np.random.Generator, event_count: int) -> Made:
    """Make true events along 700 km and a solution of most of them, in two revisions, with honest regions."""
    time_s = np.sort(chance.uniform(0.0, SPAN_S, event_count))
    longitude_deg = chance.uniform(31.0, 40.0, event_count)
    latitude_deg = 47.5 + 0.2 * (longitude_deg - 31.0) + chance.normal(0.0, 0.05, event_count)
    detected_count = chance.geometric(1 / 14, event_count) + 2
    types = chance.choice(TYPES, event_count)
    truth = truth_events(longitude_deg, latitude_deg, time_s, detected_count=detected_count, event_type=types.tolist())
    found = chance.random(event_count) < 1.0 - 0.8 / detected_count
    events, members = _solution(chance, points_of(longitude_deg, latitude_deg), time_s, found, detected_count, types)
    cause = np.repeat(np.arange(event_count), detected_count)
    heard_s = time_s[cause] + chance.uniform(1.0, 60.0, cause.size)
    received_s = heard_s + chance.exponential(8.0, cause.size)
    detections = pa.Table.from_pydict(
        {
            "detection_id": [f"d{index}" for index in range(cause.size)],
            "station_id": ["s"] * cause.size,
            "time": instants(heard_s),
            "received_time": instants(received_s),
            **{name: [None] * cause.size for name in DETECTION_SCHEMA.names[4:]},
        },
        schema=DETECTION_SCHEMA,
    )
    caused = pa.table(
        {
            "detection_id": detections["detection_id"],
            "event_id": [f"true-{index}" for index in cause],
            "cause": ["event"] * cause.size,
        }
    )
    return Made(events, members, truth, caused, detections)


def _solution(
    chance: np.random.Generator,
    places: Points,
    time_s: np.ndarray,
    found: np.ndarray,
    detected_count: np.ndarray,
    types: np.ndarray,
) -> tuple[pa.Table, pa.Table]:
    true = np.flatnonzero(found)
    false_count = event_count = len(true) // 15
    event_count = len(true) + false_count
    first = np.concatenate([np.cumsum(detected_count) - detected_count])[true]
    base_longitude = np.r_[places.longitude_deg[true], chance.uniform(31.0, 40.0, false_count)]
    base_latitude = np.r_[places.latitude_deg[true], chance.uniform(47.5, 49.0, false_count)]
    at_s = np.r_[time_s[true], chance.uniform(0.0, SPAN_S, false_count)]
    claimed = np.r_[chance.beta(30.0, 1.0, len(true)), chance.beta(3.0, 2.0, false_count)]
    said = np.where(chance.random(len(true)) < 0.85, types[true], chance.choice(TYPES, len(true)))
    tables, pairs = [], {name: [] for name in SOLUTION_MEMBER_SCHEMA.names}
    for revision, (level, factor) in enumerate((("early", 4.0), ("six_hour", 1.0))):
        sigma_m = factor * chance.uniform(8.0, 40.0, (event_count, 2))
        correlation = chance.uniform(-0.8, 0.8, event_count)
        normal = chance.normal(size=(event_count, 2))
        east_m = sigma_m[:, 0] * normal[:, 0]
        north_m = sigma_m[:, 1] * (correlation * normal[:, 0] + np.sqrt(1 - correlation**2) * normal[:, 1])
        at = moved(points_of(base_longitude, base_latitude), east_m, north_m)
        tables.append(
            solution_events(
                {
                    "event_id": [f"event-{index}" for index in range(event_count)],
                    "revision_index": np.full(event_count, revision, dtype=np.int32),
                    "level": [level] * event_count,
                    "origin_time": instants(at_s + chance.normal(0.0, 0.05 * factor, event_count)),
                    "longitude_deg": at.longitude_deg,
                    "latitude_deg": at.latitude_deg,
                    "covariance_east_m2": sigma_m[:, 0] ** 2,
                    "covariance_north_m2": sigma_m[:, 1] ** 2,
                    "covariance_east_north_m2": correlation * sigma_m.prod(axis=1),
                    "time_sigma_s": np.full(event_count, 0.05 * factor),
                    "event_probability": claimed,
                    "event_type": [*said.tolist(), *["explosion"] * false_count],
                    "defining_count": np.r_[detected_count[true], np.full(false_count, 4)].astype(np.int32),
                },
                event_count,
            )
        )
        share = 0.6 if revision == 0 else 0.95
        for index, (start, count) in enumerate(zip(first, detected_count[true], strict=True)):
            for number in range(max(1, int(share * count))):
                own = chance.random() < 0.97
                pairs["event_id"].append(f"event-{index}")
                pairs["revision_index"].append(revision)
                other = (start + number + chance.integers(1, 40)) % detected_count.sum()
                pairs["detection_id"].append(f"d{start + number if own else other}")
                pairs["member_probability"].append(float(chance.beta(30.0, 1.0)))
                pairs["time_residual_s"].append(float(chance.normal(0.0, 0.04)))
    return pa.concat_tables(tables), pa.Table.from_pydict(pairs, schema=SOLUTION_MEMBER_SCHEMA)
