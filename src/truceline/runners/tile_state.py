"""What a run holds between two steps, and how it is written as bytes: a run goes on from them as if never ended."""

from __future__ import annotations

import io
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from truceline.associate.revisions import IssuedEvent, IssuedMemory, issued_events, memory_of
from truceline.associate.tile_rows import DetectionRows, no_rows
from truceline.errors import InputUnusable
from truceline.runners.tile_counts import TileCounts
from truceline.runners.tile_health import HealthTally
from truceline.runners.tile_tables import DIGEST_START

STATE_SCHEMA_NAME = "truceline.tile_run/3"

BEFORE_ALL_NS = -(2**62)
"""The time of receipt of a stream that has not begun."""


class Job(NamedTuple):
    """That a slab is to be solved: once everything received by `due_ns` is there, at the level of this rank."""

    due_ns: int
    level_index: int
    slab_index: int


class Slab:
    """The detections of one slab of the grid, each once; at rest they are held packed."""

    def __init__(self, rows: DetectionRows | None = None, *, packed: bytes | None = None) -> None:
        """Hold rows, or bytes that `packed_rows` made."""
        self._rows = rows
        self._packed = packed

    @property
    def rows(self) -> DetectionRows:
        """The rows, unpacked where they are at rest."""
        if self._rows is not None:
            return self._rows
        assert self._packed is not None, "a slab holds its rows in one form or the other"
        return unpacked_rows(self._packed)

    @property
    def packed(self) -> bytes:
        """The rows as bytes, made once."""
        if self._packed is None:
            self._packed = packed_rows(self.rows)
        return self._packed

    def rest(self) -> None:
        """Hold the bytes only."""
        self._packed, self._rows = self.packed, None


class TileTotals(msgspec.Struct, frozen=True, kw_only=True):
    """How much went in and out: deliveries, tiles solved and taken as they were, revisions by status, member rows."""

    delivered_count: int = 0
    solved_tile_count: int = 0
    unchanged_tile_count: int = 0
    event_count: int = 0
    status_counts: dict[str, int] = {}
    member_count: int = 0


class TileRunState(msgspec.Struct, kw_only=True):
    """Everything a run holds; `settled_ns` is the time of receipt up to which detections stand in their slabs."""

    watermark_ns: int = BEFORE_ALL_NS
    slabs: dict[int, Slab] = msgspec.field(default_factory=dict)
    waiting: list[DetectionRows] = msgspec.field(default_factory=list)
    jobs: set[Job] = msgspec.field(default_factory=set)
    input_hashes: dict[tuple[int, int, int], bytes] = msgspec.field(default_factory=dict)
    memory: IssuedMemory = IssuedMemory()
    counts: TileCounts = TileCounts()
    totals: TileTotals = TileTotals()
    digest: bytes = DIGEST_START
    health: HealthTally = HealthTally()


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    schema_name: str
    settings_id: str
    watermark_ns: int
    slabs: list[tuple[int, bytes]]
    waiting: list[bytes]
    jobs: list[Job]
    input_hashes: list[tuple[tuple[int, int, int], bytes]]
    events: list[IssuedEvent]
    counts: TileCounts
    totals: TileTotals
    digest: bytes
    health: HealthTally


def packed_rows(rows: DetectionRows) -> bytes:
    """Give rows as compressed bytes that hold every bit of them."""
    table = pa.table({name: pa.array(getattr(rows, name)) for name in DetectionRows._fields})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()


def unpacked_rows(packed: bytes) -> DetectionRows:
    """Give the rows that `packed_rows` wrote."""
    table = pa.ipc.open_stream(packed).read_all()
    if table.num_rows == 0:
        return no_rows()
    columns = [np.array(table[name].to_numpy()) for name in DetectionRows._fields[:-1]]
    return DetectionRows._make([*columns, pa.concat_arrays(table["detection_id"].chunks)])


def state_bytes(state: TileRunState, *, settings_id: str) -> bytes:
    """Write a state; `settings_id` names what it goes with."""
    stored = _Stored(
        schema_name=STATE_SCHEMA_NAME,
        settings_id=settings_id,
        watermark_ns=state.watermark_ns,
        slabs=[(slab, state.slabs[slab].packed) for slab in sorted(state.slabs)],
        waiting=[packed_rows(rows) for rows in state.waiting],
        jobs=sorted(state.jobs),
        input_hashes=sorted(state.input_hashes.items()),
        events=list(issued_events(state.memory)),
        counts=state.counts,
        totals=state.totals,
        digest=state.digest,
        health=state.health,
    )
    return msgspec.msgpack.encode(stored, order="deterministic")


def state_from_bytes(body: bytes, *, settings_id: str) -> TileRunState:
    """Read a state; raise `InputUnusable` where it is none, or goes with other settings."""
    try:
        stored = msgspec.msgpack.decode(body, type=_Stored)
    except msgspec.MsgspecError as error:
        raise InputUnusable(f"state of {len(body)} bytes cannot be read by this version: {error}") from error
    if stored.schema_name != STATE_SCHEMA_NAME or stored.settings_id != settings_id:
        raise InputUnusable(
            f"the state goes with {stored.schema_name} {stored.settings_id}, this run is {STATE_SCHEMA_NAME} "
            f"{settings_id}: stations, grid, levels, limits or engine settings differ; begin with a new state"
        )
    return TileRunState(
        watermark_ns=stored.watermark_ns,
        slabs={slab: Slab(packed=packed) for slab, packed in stored.slabs},
        waiting=[unpacked_rows(packed) for packed in stored.waiting],
        jobs=set(stored.jobs),
        input_hashes=dict(stored.input_hashes),
        memory=memory_of(stored.events),
        counts=stored.counts,
        totals=stored.totals,
        digest=stored.digest,
        health=stored.health,
    )
