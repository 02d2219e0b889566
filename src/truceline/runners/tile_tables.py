"""Revisions as rows, and one digest over all rows said so far, in the order in which they were said."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from truceline.associate.revisions import IssuedEvent, LevelName
from truceline.associate.seams import Candidates, selected
from truceline.associate.tiles import Tile, TileGrid
from truceline.model.network import SOLUTION_EVENT_SCHEMA, SOLUTION_MEMBER_SCHEMA

DIGEST_START = bytes(32)

Revisions = Sequence[tuple[IssuedEvent, int | None]]


def no_tables() -> tuple[pa.Table, pa.Table]:
    """Give the tables of no events and no members."""
    return SOLUTION_EVENT_SCHEMA.empty_table(), SOLUTION_MEMBER_SCHEMA.empty_table()


def solution_tables(
    revisions: Revisions, candidates: Candidates | None, grids: dict[LevelName, TileGrid], *, issued_ns: int
) -> tuple[pa.Table, pa.Table]:
    """Give the rows of revisions in `SOLUTION_EVENT_SCHEMA` and of their members in `SOLUTION_MEMBER_SCHEMA`.

    A revision that only changes level or status has no member rows: those of the newest revision that has some hold.
    `grids` gives the grid of each level; all have one plane. `issued_ns` is when they fell due, UTC nanoseconds.
    """
    if not revisions:
        return no_tables()
    events = [event for event, _ in revisions]
    plane = next(iter(grids.values())).plane
    assert plane is not None, "longitudes and latitudes need the plane the metres are in"
    places = plane.points_at(np.array([e.x_m for e in events]), np.array([e.y_m for e in events]))
    log_odds, probability, range_m, other_x, other_y, other_probability = zip(
        *(event.numbers for event in events), strict=True
    )
    other_x_m, other_y_m = np.array(other_x), np.array(other_y)
    there = np.isfinite(other_x_m)
    others = plane.points_at(np.where(there, other_x_m, 0.0), np.where(there, other_y_m, -1.0))
    covariance = np.array([event.covariance for event in events])
    grid_ids = {level: grid.grid_id for level, grid in grids.items()}
    columns = {
        "event_id": [event.event_id for event in events],
        "revision_index": [event.revision_index for event in events],
        "level": [event.level for event in events],
        "evaluation_status": [event.evaluation_status for event in events],
        "issued_time": pa.array([issued_ns] * len(events), pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "origin_time": pa.array([event.time_ns for event in events], pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "longitude_deg": places.longitude_deg,
        "latitude_deg": places.latitude_deg,
        "covariance_east_m2": covariance[:, 0],
        "covariance_east_north_m2": covariance[:, 1],
        "covariance_north_m2": covariance[:, 3],
        "region_tail_ratio": [event.region_tail_ratio for event in events],
        "time_sigma_s": np.sqrt(covariance[:, 5]),
        "log_odds_ratio": log_odds,
        "event_probability": probability,
        "detection_range_m": range_m,
        "event_type": [event.event_type for event in events],
        "event_type_probability": [event.type_probability for event in events],
        "defining_count": [event.defining_count for event in events],
        "alternative_longitude_deg": pa.array(others.longitude_deg, mask=~there),
        "alternative_latitude_deg": pa.array(others.latitude_deg, mask=~there),
        "alternative_probability": pa.array(np.array(other_probability), mask=~there),
        "tile_id": [Tile(*event.tile).tile_id for event in events],
        "grid_id": [grid_ids[event.solved_level] for event in events],
    }
    return pa.table(columns, schema=SOLUTION_EVENT_SCHEMA), _member_table(revisions, candidates)


def _member_table(revisions: Revisions, candidates: Candidates | None) -> pa.Table:
    solved = [(event, index) for event, index in revisions if index is not None]
    if not solved:
        return SOLUTION_MEMBER_SCHEMA.empty_table()
    assert candidates is not None, "a revision with members comes of a candidate"
    chosen = selected(candidates, np.array([index for _, index in solved], np.int64))
    of_event = pa.array(np.repeat(np.arange(len(solved)), chosen.member_count))
    columns = {
        "event_id": pa.array([event.event_id for event, _ in solved]).take(of_event),
        "revision_index": pa.array([event.revision_index for event, _ in solved], pa.int32()).take(of_event),
        "detection_id": chosen.member_id,
        "member_probability": chosen.member_probability,
        "time_residual_s": chosen.member_residual_s,
    }
    return pa.table(columns, schema=SOLUTION_MEMBER_SCHEMA)


def rows_digest(digest: bytes, events: pa.Table, members: pa.Table) -> bytes:
    """Give the SHA-256 over all rows so far: each event row with its members is chained to the digest before it.

    Rows stand in the order in which they were said, members in the order of their events. So the digest of a run can
    be had from its files alone, and does not depend on how they were cut.
    """
    ids = members["event_id"].combine_chunks()
    names = pa.concat_arrays([pa.array([], pa.large_binary()), *members["detection_id"].cast(pa.large_binary()).chunks])
    _, offset_buffer, byte_buffer = names.buffers()
    ends = np.frombuffer(offset_buffer, np.int64)[names.offset : names.offset + len(names) + 1].astype("<i8")
    said_names = memoryview(byte_buffer) if byte_buffer is not None else memoryview(b"")
    probability, residual_s = (members[name].to_numpy() for name in ("member_probability", "time_residual_s"))
    numbers = np.column_stack([probability, residual_s]).astype("<f8")
    revision_indexes = members["revision_index"].to_numpy()
    begins, groups = _groups(ids, revision_indexes), 0
    for row in events.cast(_plain_schema()).to_pylist():
        said = "\x1f".join(_shown(value) for value in row.values()).encode()
        begin, end = begins[groups], begins[min(groups + 1, len(begins) - 1)]
        own = (ids[begin].as_py(), int(revision_indexes[begin])) if begin < len(ids) else None
        if own == (row["event_id"], row["revision_index"]):
            groups += 1
        else:
            end = begin
        lengths = np.diff(ends[begin : end + 1]).astype("<i8").tobytes()
        parts = (digest, said, said_names[ends[begin] : ends[end]], lengths, numbers[begin:end].tobytes())
        digest = hashlib.sha256(b"\x1d".join(parts)).digest()
    assert groups == len(begins) - 1, f"member row {begins[groups]} belongs to no event row here"
    return digest


def _groups(ids: Any, revision_indexes: Any) -> list[int]:
    """Give where the members of each revision begin, and where the last ones end."""
    codes = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    change = (codes[1:] != codes[:-1]) | (revision_indexes[1:] != revision_indexes[:-1])
    inner = (np.flatnonzero(change) + 1).tolist()
    return [0, *inner, len(codes)] if len(codes) else [0]


def _plain_schema() -> Any:
    """Give the schema with times as whole nanoseconds, which Python's own times cannot hold."""
    fields = [
        field.with_type(pa.int64()) if pa.types.is_timestamp(field.type) else field for field in SOLUTION_EVENT_SCHEMA
    ]
    return pa.schema(fields)


def _shown(value: Any) -> str:
    """Write a value so that equal bits give equal text: floats in hexadecimal, one spelling of what is no number."""
    if isinstance(value, float):
        return value.hex() if math.isfinite(value) else str(value)
    return "" if value is None else str(value)
