"""What a verification writes: verified detections, quarantine with the bytes as received, and the counts."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.messages import VerifiedRow, detection_table
from truceline.adapters.segments.receiver import WrongPayload
from truceline.adapters.segments.screen import KeptApart
from truceline.adapters.segments.tally import SensorTally
from truceline.adapters.segments.verify import Quarantined
from truceline.adapters.stores.durable import durable_file, make_folder
from truceline.adapters.stores.failures import store_failures
from truceline.model.network import INSTANT

PART_SIZE_BYTES = 256 << 20
"""Rows in memory after which a part is written."""

ROW_BYTES = 1_000
"""What a row weighs in memory beside the bytes of its segment, about."""

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("offset_bytes", pa.int64(), nullable=False),
        pa.field("received_time", INSTANT, nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("sensor_id", pa.string()),
        pa.field("key_id", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("message_count", pa.int32()),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("content", pa.large_binary(), nullable=False),
    ]
)
"""One row per segment that is not used, with its bytes as received. `sensor_id`, `key_id` and `sequence` are what it
claims, and null where it claims nothing that can be read."""

WRONG_SCHEMA = pa.schema(
    [
        pa.field("sensor_id", pa.string(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("message_index", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""One row per signed message that is no detection; its bytes stay in its segment."""


APART_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("offset_bytes", pa.int64(), nullable=False),
        pa.field("received_time", INSTANT, nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("key_id", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("message_index", pa.int32()),
        pa.field("content", pa.large_binary(), nullable=False),
    ]
)
"""One row per open message that no signature confirmed, with its bytes as received. `key_id`, `sequence` and
`message_index` are what it claims, and null where it cannot be read."""

RowT = TypeVar("RowT")


class TableParts(Generic[RowT]):
    """Writes rows into a folder part by part, so that memory is bounded by one part."""

    def __init__(
        self, folder: Path, to_table: Callable[[Sequence[RowT]], pa.Table], *, size_of: Callable[[RowT], int]
    ) -> None:
        """Write into a folder that has no parts yet; `size_of` gives what a row weighs in memory, in bytes."""
        self._folder = folder
        self._to_table = to_table
        self._size_of = size_of
        self._rows: list[RowT] = []
        self._size_bytes = 0
        self._part_count = 0
        self.row_count = 0
        with store_failures(folder, "writing"):
            make_folder(folder)

    def add(self, rows: Sequence[RowT]) -> None:
        """Take rows; write a part when there are enough."""
        self._rows += rows
        self._size_bytes += sum(map(self._size_of, rows))
        if self._size_bytes >= PART_SIZE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits; the first part is written even without rows, so that a reader finds the columns."""
        if self._rows or self._part_count == 0:
            write_table(self._folder / f"part-{self._part_count:05d}.parquet", self._to_table(self._rows))
            self._part_count += 1
            self.row_count += len(self._rows)
            self._rows, self._size_bytes = [], 0


def verified_parts(folder: Path) -> TableParts[VerifiedRow]:
    """Give a folder for verified detections, in `DETECTION_SCHEMA`."""
    return TableParts(folder, detection_table, size_of=lambda _: ROW_BYTES)


def quarantine_parts(folder: Path) -> TableParts[tuple[ReceivedSegment, Quarantined]]:
    """Give a folder for quarantined segments, in `QUARANTINE_SCHEMA`."""
    return TableParts(folder, quarantine_table, size_of=lambda kept: ROW_BYTES + len(kept[0].content))


def wrong_parts(folder: Path) -> TableParts[WrongPayload]:
    """Give a folder for signed messages that are no detections, in `WRONG_SCHEMA`."""
    return TableParts(folder, wrong_table, size_of=lambda _: ROW_BYTES)


def apart_parts(folder: Path) -> TableParts[KeptApart]:
    """Give a folder for open messages that were not confirmed, in `APART_SCHEMA`."""
    return TableParts(folder, apart_table, size_of=lambda kept: ROW_BYTES + len(kept.frame.content))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file, whole or not at all."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    with durable_file(path) as stream:
        stream.write(sink.getvalue())


def quarantine_table(kept: Sequence[tuple[ReceivedSegment, Quarantined]]) -> pa.Table:
    """Give quarantined segments in `QUARANTINE_SCHEMA`, in the order of receipt."""
    rows = [_quarantine_row(received, outcome) for received, outcome in kept]
    columns = {name: [row[name] for row in rows] for name in QUARANTINE_SCHEMA.names}
    columns["received_time"] = pa.array(columns["received_time"], pa.int64()).cast(INSTANT)
    return pa.table(columns, schema=QUARANTINE_SCHEMA)


def _quarantine_row(received: ReceivedSegment, outcome: Quarantined) -> dict[str, Any]:
    header = None if outcome.segment is None else outcome.segment.header
    return {
        "file": str(received.path),
        "offset_bytes": received.offset_bytes,
        "received_time": received.received_ns,
        "reason": str(outcome.reason),
        "detail": outcome.detail,
        "sensor_id": outcome.sensor_id,
        "key_id": None if header is None else header.key_id.hex(),
        "sequence": None if header is None else header.sequence,
        "message_count": None if header is None else header.message_count,
        "sha256": hashlib.sha256(received.content).hexdigest(),
        "content": received.content,
    }


def apart_table(kept: Sequence[KeptApart]) -> pa.Table:
    """Give open messages that were not confirmed in `APART_SCHEMA`, in the order in which that was settled."""
    rows = [_apart_row(entry) for entry in kept]
    columns = {name: [row[name] for row in rows] for name in APART_SCHEMA.names}
    columns["received_time"] = pa.array(columns["received_time"], pa.int64()).cast(INSTANT)
    return pa.table(columns, schema=APART_SCHEMA)


def _apart_row(kept: KeptApart) -> dict[str, Any]:
    frame, message = kept.frame, kept.message
    return {
        "file": str(frame.path),
        "offset_bytes": frame.offset_bytes,
        "received_time": frame.received_ns,
        "reason": str(kept.reason),
        "key_id": None if message is None else message.key_id.hex(),
        "sequence": None if message is None else message.sequence,
        "message_index": None if message is None else message.message_index,
        "content": frame.content,
    }


def wrong_table(wrong: Sequence[WrongPayload]) -> pa.Table:
    """Give messages that are no detections in `WRONG_SCHEMA`."""
    return pa.Table.from_pylist([msgspec.to_builtins(entry) for entry in wrong], schema=WRONG_SCHEMA)


def sensors_csv(sensors: Sequence[SensorTally]) -> bytes:
    """Give one line per sensor; of reasons, flags and states each that occurred, with its number of segments."""
    names = SensorTally.__struct_fields__
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for sensor in sensors:
        writer.writerow([_cell(getattr(sensor, name)) for name in names])
    return out.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return " ".join(f"{name}={count}" for name, count in value.items())
    return "" if value is None else value


def table_lines(sensors: Sequence[SensorTally], total: SensorTally, *, shown_count: int) -> Iterator[str]:
    """Give the table for people: the sensors of which least was verified first, then all together."""
    yield "sensor                received  verified   of it  missing  gaps  kept out  noticed"
    ordered = sorted(sensors, key=lambda entry: (_least_share(entry), entry.sensor_id))
    for sensor in [*ordered[:shown_count], total]:
        yield _line(sensor)
    if len(sensors) > shown_count:
        yield f"{len(sensors) - shown_count} more sensors in sensors.csv"


def _least_share(sensor: SensorTally) -> float:
    shares = [share for share in (sensor.verified_share, sensor.available_share) if share is not None]
    return min(shares, default=0.0)


def _line(sensor: SensorTally) -> str:
    share = "-" if sensor.verified_share is None else f"{100.0 * sensor.verified_share:.1f} %"
    noticed = {**sensor.reason_counts, **sensor.flag_counts}
    noticed |= {
        name: count for name, count in sensor.status_counts.items() if name not in {"clock_locked", "mains_power"}
    }
    told = ", ".join(f"{name} {count}" for name, count in noticed.items()) or "nothing"
    return (
        f"{sensor.sensor_id:<20} {sensor.received_message_count:>9} {sensor.verified_message_count:>9} {share:>7} "
        f"{sensor.missing_segment_count:>8} {sensor.gap_count:>5} {sensor.quarantined_count:>9}  {told}"
    )
