"""Detections as messages: what a detector knows of one onset, in canonical JSON, and back as rows.

Times are whole nanoseconds since 1970 UTC. The time of receipt is not among them: a sensor cannot know it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from truceline.model.network import DETECTION_SCHEMA
from truceline.model.quantity import canonical_bytes

PAYLOAD_MAX_BYTES = 2_000
"""Largest message of a detection."""

OUTSIDE_SEGMENT_MAX_S = 60.0
"""So far from its segment a detection's time may lie: a detector needs a while to be sure of an onset."""


class DetectionMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One detection as its sensor signs it; what the detector does not say is absent."""

    detection_id: str
    time_ns: int
    timing_sigma_s: float | None = None
    bearing_deg: float | None = None
    bearing_sigma_deg: float | None = None
    amplitude_pa: float | None = None
    phase: str | None = None


_DECODER = msgspec.json.Decoder(DetectionMessage)


def payload_of(message: DetectionMessage) -> bytes:
    """Give the bytes that are signed."""
    return canonical_bytes(message)


def message_of(payload: bytes) -> DetectionMessage | str:
    """Give the detection of a payload, or the reason why there is none."""
    if len(payload) > PAYLOAD_MAX_BYTES:
        return f"size={len(payload)} bytes is above {PAYLOAD_MAX_BYTES}"
    try:
        message = _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return f"is no detection: {error}"
    if canonical_bytes(message) != payload:
        return "is not in canonical form, or names a field twice"
    numbers = (message.timing_sigma_s, message.bearing_deg, message.bearing_sigma_deg, message.amplitude_pa)
    if not all(number is None or math.isfinite(number) for number in numbers):
        return "a number is not finite"
    return message


def detection_rows(table: pa.Table) -> list[tuple[str, DetectionMessage]]:
    """Give for each row of a table in `DETECTION_SCHEMA` its station and its message."""
    optional = ("timing_sigma_s", "bearing_deg", "bearing_sigma_deg", "amplitude_pa", "phase")
    columns = {name: table[name].to_pylist() for name in ("detection_id", "station_id", *optional)}
    times = table["time"].cast(pa.int64()).to_pylist()
    rows = []
    for index, time_ns in enumerate(times):
        said = {name: columns[name][index] for name in optional}
        message = DetectionMessage(detection_id=columns["detection_id"][index], time_ns=time_ns, **said)
        rows.append((columns["station_id"][index], message))
    return rows


class VerifiedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One detection out of a signed segment: whose, when received, with what error to be added to its time."""

    sensor_id: str
    received_ns: int
    widen_s: float
    timing_sigma_s: float
    message: DetectionMessage


def detection_table(rows: Sequence[VerifiedRow]) -> pa.Table:
    """Give verified detections in `DETECTION_SCHEMA`, by time of receipt, then sensor, then id.

    Where a segment's time is doubtful, its error is added in quadrature to the detector's own or, where that says
    nothing, to the one enrolled.
    """
    ordered = sorted(rows, key=lambda row: (row.received_ns, row.sensor_id, row.message.detection_id))
    said = [row.message for row in ordered]
    columns: dict[str, Any] = {
        "detection_id": [message.detection_id for message in said],
        "station_id": [row.sensor_id for row in ordered],
        "time": pa.array([message.time_ns for message in said], pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "received_time": pa.array([row.received_ns for row in ordered], pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "timing_sigma_s": [_sigma_s(row) for row in ordered],
        "bearing_deg": [message.bearing_deg for message in said],
        "bearing_sigma_deg": [message.bearing_sigma_deg for message in said],
        "amplitude_pa": [message.amplitude_pa for message in said],
        "phase": [message.phase for message in said],
    }
    return pa.table(columns, schema=DETECTION_SCHEMA)


def _sigma_s(row: VerifiedRow) -> float | None:
    own_s = row.message.timing_sigma_s
    if row.widen_s == 0.0:
        return own_s
    return math.hypot(row.timing_sigma_s if own_s is None else own_s, row.widen_s)
