"""A table of detections becomes rows that a tile can use; every other row is counted with its reason and an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from truceline.associate.network import Floats, Ints
from truceline.associate.tile_rows import DetectionRows, keys_of, taken
from truceline.associate.tiles import NS_PER_S_COUNT, nanoseconds
from truceline.errors import InputUnusable
from truceline.model.network import DETECTION_SCHEMA
from truceline.runners.tile_counts import Example, TileCounts, counted
from truceline.runners.tile_network import StationNetwork
from truceline.runners.tile_values import NO_TIME_NS, column_of, instants_of, numbers_of

DETECTION_ID_MAX_BYTES = 256
"""A longer id is refused: ids are held in memory."""

PHASE_INDEX = {"P": 0, "Rg": 1}
"""The phases a detection can be labelled with, as the engine counts them."""

NO_PHASE_INDEX = -1

_NUMBER_LIMITS = {
    "timing_sigma_s": (0.0001, 60.0),
    "bearing_deg": (-360.0, 360.0),
    "bearing_sigma_deg": (0.01, 180.0),
    "amplitude_pa": (1.0e-9, 1.0e9),
}

Mask = NDArray[np.bool_]


class IntakeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How far a station's clock may run ahead of ours before its detection counts as not yet happened."""

    clock_tolerance_s: float = 5.0


class _Check(NamedTuple):
    reason: str
    refused: Mask
    message: Callable[[int], str]


def read_detections(
    table: pa.Table, stations: StationNetwork, *, solvable: Mask, limits: IntakeLimits
) -> tuple[DetectionRows, TileCounts]:
    """Give the usable rows of a table in `DETECTION_SCHEMA` (times and numbers may be text), and the others counted.

    `solvable` says of each station in use whether a tile with enough stations has it. Raise `InputUnusable` where
    columns are missing. What a row is refused for is the first that holds, in the order of the checks.
    """
    wanted = [field.name for field in DETECTION_SCHEMA if not field.nullable]
    if missing := [name for name in wanted if name not in table.column_names]:
        raise InputUnusable(f"detections: columns {missing} are missing; there are {table.column_names}")
    ids = column_of(table, "detection_id").cast(pa.string())
    ids = pc.fill_null(ids, "")
    times = (instants_of(table, "time"), instants_of(table, "received_time"))
    numbers = {name: numbers_of(table, name) for name in _NUMBER_LIMITS}
    place, station_checks = _station_checks(table, stations, solvable)
    checks = [*_id_checks(ids), *station_checks, *_time_checks(times, limits), *_number_checks(numbers)]
    phase, strange, strange_text = _phases(table)

    usable, counts = _sieved(checks, ids)
    counts = _counted_first(counts, _Check("phase_unknown", strange & usable, strange_text), ids)
    count = table.num_rows
    amplitude = numbers["amplitude_pa"][0]
    rows = DetectionRows(
        station_index=place.astype(np.int32),
        time_ns=times[0],
        received_ns=times[1],
        sigma_s=numbers["timing_sigma_s"][0],
        bearing_deg=np.mod(numbers["bearing_deg"][0], 360.0),
        bearing_sigma_deg=numbers["bearing_sigma_deg"][0],
        amplitude_log10_ratio=np.log10(amplitude, out=np.full(count, np.nan), where=amplitude > 0.0),
        phase_index=phase,
        key=np.zeros(count, np.uint64),
        copy_count=np.ones(count, np.int32),
        same_count=np.ones(count, np.int32),
        detection_id=ids,
    )
    rows = rows if usable.all() else taken(rows, usable)
    return rows._replace(key=keys_of(rows.detection_id)), counts


def _sieved(checks: list[_Check], ids: Any) -> tuple[Mask, TileCounts]:
    """Give the mask of what passes every check, each refused row counted under its first reason."""
    counts = TileCounts()
    usable = np.ones(len(ids), bool)
    for check in checks:
        first = check.refused & usable
        counts = _counted_first(counts, check._replace(refused=first), ids)
        usable &= ~first
    return usable, counts


def _counted_first(counts: TileCounts, check: _Check, ids: Any) -> TileCounts:
    """Count what a check refuses, with that of the smallest id as example."""
    places = np.flatnonzero(check.refused)
    if len(places) == 0:
        return counts
    names = ids.take(places).to_pylist()
    at = min(range(len(places)), key=lambda index: (names[index], check.message(int(places[index]))))
    example = Example(names[at][:DETECTION_ID_MAX_BYTES], check.message(int(places[at])))
    return counted(counts, check.reason, len(places), example=example)


def _id_checks(ids: Any) -> list[_Check]:
    lengths = np.asarray(pc.binary_length(ids))
    limit = DETECTION_ID_MAX_BYTES
    return [
        _Check("detection_id_missing", lengths == 0, lambda _: "detection_id is empty"),
        _Check("detection_id_too_long", lengths > limit, lambda at: f"length {lengths[at]} is over {limit} bytes"),
    ]


def _station_checks(table: pa.Table, stations: StationNetwork, solvable: Mask) -> tuple[Ints, list[_Check]]:
    """Give each row's station (-1: none in use) and the checks on it."""
    column = column_of(table, "station_id").cast(pa.string())
    listed = pa.array(list(stations.listed), pa.string())
    found = np.asarray(pc.fill_null(pc.index_in(column, value_set=listed), -1), np.int64)
    index = np.array([*stations.listed.values(), -1], np.int64)[found]
    alone = (index >= 0) & ~np.append(solvable, True)[index]

    def named(at: int) -> str:
        return f"station_id={column[at].as_py()!r}"

    return index, [
        _Check("station_unknown", found < 0, lambda at: f"{named(at)} is none of {len(listed)} listed"),
        _Check("station_not_used", (found >= 0) & (index < 0), lambda at: f"{named(at)} is listed and not used"),
        _Check("too_few_stations", alone, lambda at: f"{named(at)} has fewer than 3 others in reach"),
    ]


def _time_checks(times: tuple[Ints, Ints], limits: IntakeLimits) -> list[_Check]:
    time_ns, received_ns = times
    there = (time_ns != NO_TIME_NS) & (received_ns != NO_TIME_NS)
    lead_ns = np.where(there, time_ns - np.where(there, received_ns, 0), 0)
    limit_s = limits.clock_tolerance_s

    def lead(at: int) -> str:
        lead_s = lead_ns[at] / NS_PER_S_COUNT
        return f"time={shown_time(time_ns[at])} is {lead_s:.3f} s after received_time, limit {limit_s:g} s"

    return [
        _Check("time_missing", time_ns == NO_TIME_NS, lambda _: "time is null or no time with a zone"),
        _Check("received_missing", received_ns == NO_TIME_NS, lambda _: "received_time is null or no time with a zone"),
        _Check("time_in_future", lead_ns > nanoseconds(limit_s), lead),
    ]


def _number_checks(numbers: dict[str, tuple[Floats, Mask]]) -> list[_Check]:
    checks = []
    for name, (low, high) in _NUMBER_LIMITS.items():
        values, unread = numbers[name]
        outside = ~np.isnan(values) & ~((values >= low) & (values <= high))
        message = _number_message(name, values)
        checks.append(_Check("number_unreadable", unread | outside, message))
    return checks


def _number_message(name: str, values: Floats) -> Callable[[int], str]:
    low, high = _NUMBER_LIMITS[name]

    def message(at: int) -> str:
        return f"{name}={values[at]} is no number in [{low:g}, {high:g}]"

    return message


def _phases(table: pa.Table) -> tuple[NDArray[np.int16], Mask, Callable[[int], str]]:
    """Give the phases as the engine counts them, where they are strange, and how to say so."""
    column = column_of(table, "phase").cast(pa.string())
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    place = pc.index_in(column, value_set=pa.array(list(PHASE_INDEX)))
    known = np.array([*PHASE_INDEX.values(), NO_PHASE_INDEX], np.int16)
    phase = known[np.asarray(pc.fill_null(place, -1), np.int64)]
    strange = np.asarray(column.is_valid()) & (phase == NO_PHASE_INDEX)
    return phase, strange, lambda at: f"phase={column[at].as_py()!r} is none of {sorted(PHASE_INDEX)}"


def shown_time(time_ns: int) -> str:
    """Write UTC nanoseconds as ISO 8601."""
    return f"{np.datetime64(int(time_ns), 'ns')}Z"
