"""A table of a sensor's detections cut into segments of ten seconds, and where the sensor's count stands."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from truceline.adapters.segments.format import MESSAGE_MAX_COUNT, NO_HASH, Status
from truceline.adapters.segments.messages import DetectionMessage, detection_rows, payload_of
from truceline.adapters.segments.sealing import Sealer, SegmentTimes
from truceline.adapters.stores.durable import durable_file, make_folder
from truceline.adapters.stores.failures import store_failures
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.network import DETECTION_SCHEMA

SEGMENT_MS = 10_000
SEGMENT_NS = SEGMENT_MS * 1_000_000
SPAN_MAX_COUNT = 1_000_000
"""Most segments of one call: a hundred days."""

_REQUIRED = ("detection_id", "station_id", "time")
_OWN_TIME = "own_time_ns"


class SignerState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sensor's count stands: the next sequence, the digest to link to, the time up to which it has signed.

    `pending` is what was signed and is not known to stand in its file yet: a sequence is used once only, so what is
    signed must not be lost with a power supply.
    """

    next_sequence: int
    previous_digest: str = NO_HASH.hex()
    signed_until_ns: int = 0
    pending_path: str = ""
    pending: bytes = b""
    schema_name: str = "truceline.signer/1"


def read_signer_state(path: Path) -> SignerState | None:
    """Read where the count stands; `None` where nothing was signed yet."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SignerState) if path.exists() else None
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise InputUnusable(f"{path}: is no state of a signer ({error})") from error


def write_signer_state(path: Path, state: SignerState) -> None:
    """Write where the count stands, durably."""
    with durable_file(path) as stream:
        stream.write(msgspec.json.encode(state))


def settle(path: Path, state: SignerState) -> SignerState:
    """Put what is pending into its file, then say so in the state; give the state with nothing pending."""
    if not state.pending:
        return state
    place = Path(state.pending_path)
    with store_failures(place, "writing"):
        make_folder(place.parent)
    with durable_file(place) as stream:
        stream.write(state.pending)
    settled = msgspec.structs.replace(state, pending_path="", pending=b"")
    write_signer_state(path, settled)
    return settled


class SignedSpan(NamedTuple):
    """What is signed in one call: [start, end) (`None`: from the first row, to the last), and what headers say."""

    start_ns: int | None
    end_ns: int | None
    signed_until_ns: int
    status: Status
    boot_count: int
    beacon: bytes


def own_rows(table: pa.Table, sensor_id: str, *, path: Path) -> pa.Table:
    """Give a sensor's own rows in the types of `DETECTION_SCHEMA`, and `own_time_ns` where the table has it."""
    missing = [name for name in _REQUIRED if name not in table.column_names]
    if missing:
        raise InputUnusable(f"{path}: columns {missing} are missing; there are {table.column_names}")
    table = table.filter(pc.equal(table["station_id"].cast(pa.string()), sensor_id))
    columns = {}
    try:
        for field in DETECTION_SCHEMA:
            if field.name in table.column_names and field.name != "received_time":
                columns[field.name] = table[field.name].cast(field.type)
            elif field.nullable:
                columns[field.name] = pa.nulls(table.num_rows, field.type)
        if _OWN_TIME in table.column_names:
            columns[_OWN_TIME] = table[_OWN_TIME].cast(pa.int64())
    except pa.ArrowException as error:
        raise InputUnusable(f"{path}: a value cannot be read ({error})") from error
    empty = [name for name in _REQUIRED if columns[name].null_count]
    if empty:
        raise InputUnusable(f"{path}: column {empty[0]} has empty cells")
    return pa.table(columns)


class Sealed(NamedTuple):
    """A span's segments, the frames in which their messages travel before, and the time up to which it reaches."""

    contents: list[bytes]
    open_frames: list[bytes]
    end_ns: int


def signed_span(sealer: Sealer, table: pa.Table, span: SignedSpan) -> Sealed:
    """Give what a span's rows become; raise where rows or span do not fit."""
    first_index, end_index = _limits(table, span)
    by_segment = _by_segment(table)
    outside = [index for index in by_segment if not first_index <= index < end_index]
    if outside:
        raise InputUnusable(f"time_ns={min(outside) * SEGMENT_NS} and more lie outside --start and --end")
    own_ns = _own_times_ns(table, np.arange(first_index, end_index, dtype=np.int64))
    sealed = Sealed([], [], end_index * SEGMENT_NS)
    for index, own in zip(range(first_index, end_index), own_ns, strict=True):
        payloads = [payload_of(message) for message in by_segment.get(index, ())]
        if len(payloads) > MESSAGE_MAX_COUNT or own < 0:
            raise InputUnusable(
                f"time_ns={index * SEGMENT_NS}: detection_count={len(payloads)} is above {MESSAGE_MAX_COUNT}, "
                f"or own_ns={own} lies before the sensor's boot"
            )
        times = SegmentTimes(gnss_ns=index * SEGMENT_NS, own_ns=own, boot_count=span.boot_count, length_ms=SEGMENT_MS)
        messages = sealer.messages(payloads, gnss_ns=times.gnss_ns)
        sealed.open_frames.extend(sealer.open_frames(messages, gnss_ns=times.gnss_ns))
        sealed.contents.append(sealer.seal_messages(messages, times, status=span.status, beacon=span.beacon))
    return sealed


def _limits(table: pa.Table, span: SignedSpan) -> tuple[int, int]:
    """Give the first segment of a span and the one after its last, counted from 1970."""
    times_ns = table["time"].cast(pa.int64()).to_pylist()
    if not times_ns and (span.start_ns is None or span.end_ns is None):
        raise InputUnusable("there are no rows of this sensor; give --start and --end to sign that it heard nothing")
    start_ns = min(times_ns) if span.start_ns is None else span.start_ns
    end_ns = max(times_ns) + 1 if span.end_ns is None else span.end_ns
    first_index, end_index = start_ns // SEGMENT_NS, -(-end_ns // SEGMENT_NS)
    if first_index * SEGMENT_NS < span.signed_until_ns:
        raise InputUnusable(f"start_ns={start_ns} lies before {span.signed_until_ns}, up to where it signed before")
    if not 0 < end_index - first_index <= SPAN_MAX_COUNT:
        raise InputUnusable(f"segment_count={end_index - first_index} is outside [1, {SPAN_MAX_COUNT}]")
    return first_index, end_index


def _by_segment(table: pa.Table) -> dict[int, list[DetectionMessage]]:
    found: dict[int, list[DetectionMessage]] = defaultdict(list)
    for _, message in detection_rows(table):
        found[message.time_ns // SEGMENT_NS].append(message)
    for messages in found.values():
        messages.sort(key=lambda message: (message.time_ns, message.detection_id))
    return found


def _own_times_ns(table: pa.Table, indices: NDArray[np.int64]) -> list[int]:
    """Give the oscillator's time at the start of each segment, interpolated between rows; without any, GNSS time."""
    starts_ns: NDArray[np.int64] = indices * SEGMENT_NS
    if _OWN_TIME not in table.column_names:
        return list(map(int, starts_ns))
    rows = table.select(["time", _OWN_TIME]).drop_null()
    if rows.num_rows == 0:
        return list(map(int, starts_ns))
    times_ns = rows["time"].cast(pa.int64()).to_numpy()
    offsets_ns = rows[_OWN_TIME].to_numpy() - times_ns
    order = np.argsort(times_ns, kind="stable")
    base_ns = int(offsets_ns[order[0]])
    past_ns = np.interp(
        (starts_ns - times_ns[order[0]]).astype(float),
        (times_ns[order] - times_ns[order[0]]).astype(float),
        (offsets_ns[order] - base_ns).astype(float),
    )
    return list(map(int, starts_ns + base_ns + np.rint(past_ns).astype(np.int64)))
