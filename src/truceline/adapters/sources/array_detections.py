"""Files of infrasound array detections as InfraPy writes them (a JSON list): read whole, entry by entry."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from truceline.associate.array_records import ArrayDetection
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.observation import Rejection
from truceline.physics.celerity import great_circle

SIZE_MAX_BYTES = 64 << 20
"""A larger file is refused: it would be some 150,000 detections."""

ENTRY_MAX_COUNT = 20_000
"""More entries than this are refused; cut the file by time."""

ARRAY_MOVED_MAX_M = 5_000.0
"""How far entries of one array may stand apart before the later ones are rejected."""

RAW_MAX_CHARACTER_COUNT = 2_000

_TIME = "Peak F-Stat Time (UTC)"
_LATITUDE, _LONGITUDE, _BEARING = "Latitude", "Longitude", "Back Azimuth"
_F_STATISTIC, _ELEMENTS, _STATION, _NETWORK = "F Statistic", "Array Dimension", "Station", "Network"
_NEEDED = (_TIME, _LATITUDE, _LONGITUDE, _BEARING)


class ArrayDetectionFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds: detections in its order, every other entry with the reason, how many were repeated."""

    file_sha256: str
    detections: tuple[ArrayDetection, ...]
    rejections: tuple[Rejection, ...]
    duplicate_count: int


class _Unusable(Exception):
    """One entry cannot be used; the message says why."""


def read_array_detections(path: Path, received_time: datetime) -> ArrayDetectionFile:
    """Read a file of array detections; `SourceUnavailable` if it is none, `InputUnusable` if it is too large."""
    content = _content(path)
    entries = _entries(path, content)
    if len(entries) > ENTRY_MAX_COUNT:
        raise InputUnusable(f"{path} holds {len(entries):,} entries, above {ENTRY_MAX_COUNT:,}; cut it by time")
    file_sha256 = hashlib.sha256(content).hexdigest()
    kept: dict[str, ArrayDetection] = {}
    rejections = []
    duplicate_count = 0
    places: dict[str, ArrayDetection] = {}
    for index, entry in enumerate(entries):
        try:
            detection = _detection(entry, received_time)
            _check_place(places.setdefault(detection.array_id, detection), detection)
        except _Unusable as error:
            raw = json.dumps(entry, ensure_ascii=False)[:RAW_MAX_CHARACTER_COUNT]
            rejections.append(
                Rejection(
                    source_id="array_detections",
                    file_sha256=file_sha256,
                    row_index=index,
                    raw=raw,
                    reason=str(error),
                    received_time=received_time,
                )
            )
            continue
        duplicate_count += detection.detection_id in kept
        kept.setdefault(detection.detection_id, detection)
    return ArrayDetectionFile(
        file_sha256=file_sha256,
        detections=tuple(kept.values()),
        rejections=tuple(rejections),
        duplicate_count=duplicate_count,
    )


def _content(path: Path) -> bytes:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > SIZE_MAX_BYTES:
            raise InputUnusable(f"{path}: size_bytes={size_bytes} is above {SIZE_MAX_BYTES} for array detections")
        return path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error.strerror or error}") from error


def _entries(path: Path, content: bytes) -> list[Any]:
    """Parse the list; NaN and Infinity, which JSON lacks but Python writes, are left to the entries' checks."""
    if content.startswith(b"\x1f\x8b"):
        raise SourceUnavailable(f"{path} is compressed (gzip); unpack it first")
    try:
        parsed = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SourceUnavailable(f"{path} is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise SourceUnavailable(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise SourceUnavailable(f"{path} is nested too deeply to be a list of detections") from error
    if not isinstance(parsed, list):
        raise SourceUnavailable(f"{path} is JSON, but not a list of detections as InfraPy writes it")
    return parsed


def _detection(entry: object, received_time: datetime) -> ArrayDetection:
    if not isinstance(entry, Mapping):
        raise _Unusable(f"is {type(entry).__name__}, not a JSON object")
    missing = [name for name in _NEEDED if entry.get(name) is None]
    if missing:
        raise _Unusable(f"lacks {', '.join(missing)}")
    time = _time(entry[_TIME])
    if time > received_time:
        raise _Unusable(f"time={time.isoformat()} lies after the receipt at {received_time.isoformat()}")
    latitude_deg, longitude_deg = _number(entry, _LATITUDE), _number(entry, _LONGITUDE)
    bearing_deg = _number(entry, _BEARING)
    if not -180.0 <= bearing_deg <= 360.0:
        raise _Unusable(f"{_BEARING}={bearing_deg:g} is outside [-180, 360]")
    elements = None if entry.get(_ELEMENTS) is None else _number(entry, _ELEMENTS)
    if elements is not None and elements != int(elements):
        raise _Unusable(f"{_ELEMENTS}={elements:g} is not a whole number")
    try:
        return ArrayDetection(
            array_id=_array_id(entry, latitude_deg, longitude_deg),
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            time=time,
            bearing_deg=bearing_deg % 360.0,
            f_statistic_ratio=None if entry.get(_F_STATISTIC) is None else _number(entry, _F_STATISTIC),
            element_count=None if elements is None else int(elements),
        )
    except ValueError as error:
        raise _Unusable(str(error)) from error


def _number(entry: Mapping[str, Any], name: str) -> float:
    value = entry[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unusable(f"{name}={value!r} is not a number")
    if not math.isfinite(value):
        raise _Unusable(f"{name}={value} is not finite")
    return float(value)


def _time(value: object) -> datetime:
    """Read a time; one without a zone is UTC, as the field's name says."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise _Unusable(f"{_TIME}={value!r} is not a time such as 2012-08-27T23:14:58") from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _array_id(entry: Mapping[str, Any], latitude_deg: float, longitude_deg: float) -> str:
    """Name the array by network and station; where there is none, by where it stands."""
    station, network = (str(entry.get(name) or "").strip() for name in (_STATION, _NETWORK))
    if not station:
        return f"{latitude_deg:.4f},{longitude_deg:.4f}"
    return f"{network}.{station}" if network else station


def _check_place(first: ArrayDetection, later: ArrayDetection) -> None:
    distance_m, _ = great_circle(first.latitude_deg, first.longitude_deg, (later.latitude_deg, later.longitude_deg))
    if distance_m > ARRAY_MOVED_MAX_M:
        raise _Unusable(
            f"array {later.array_id} stands {float(distance_m) / 1e3:.1f} km from where it stood before, "
            f"above {ARRAY_MOVED_MAX_M / 1e3:g} km"
        )
