"""How every station did over a whole run: health slab by slab, added up in a few numbers per station."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

from truceline.associate.health import (
    NOISY_CLUTTER_RATIO,
    STATES,
    Health,
    ResidualColumns,
    StationCounts,
    station_health,
)
from truceline.associate.network import Floats, Ints, Network
from truceline.associate.tile_residuals import TileResiduals

STATIONS_AT_ONCE_COUNT = 500
"""Stations whose residuals are looked at together: bounds memory."""

NOT_JUDGED_INDEX = STATES.index("not judged")

_COLUMNS = (
    "slab_count",
    "detection_count",
    "up_time_s",
    "expected_count",
    "hit_count",
    "clutter_count",
    "offset_weight",
    "weighted_offset_s",
)

STATION_REPORT_SCHEMA = pa.schema(
    [
        pa.field("station_id", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("state_share", pa.float64()),
        pa.field("clock_offset_s", pa.float64()),
        pa.field("clock_sigma_s", pa.float64()),
        pa.field("clutter_rate_hz", pa.float64()),
        pa.field("hit_ratio", pa.float64()),
        pa.field("detection_count", pa.int64(), nullable=False),
        pa.field("expected_count", pa.float64(), nullable=False),
    ]
)
"""One row per station in use. `state` is one of `associate.health.STATES`, that of most slabs in which it could be
judged, and `state_share` their share; a clock's offset is detector minus true time. Null where nothing can be told."""


class HealthTally(msgspec.Struct, frozen=True):
    """Sums over slabs, one row per station, raw numbers: the columns of a tally, then how often each state came out."""

    body: bytes = b""

    def sums(self, station_count: int) -> Floats:
        """Give the sums, shape (stations, columns and states)."""
        width = len(_COLUMNS) + len(STATES)
        if not self.body:
            return np.zeros((station_count, width))
        return np.frombuffer(self.body, "<f8").reshape(station_count, width)


def tallied(
    tally: HealthTally,
    network: Network,
    tiles: Sequence[tuple[Ints, TileResiduals]],
    *,
    counts: Ints,
    span_s: tuple[float, float],
) -> HealthTally:
    """Give the tally with one more slab, in which detections were received from the one to the other of `span_s`.

    `tiles` are stations of the network and what was found of them, in the order of tiles; `counts` how many detections
    each station of the network had in the slab.
    """
    station_count = len(network.x_m)
    expected = np.zeros(station_count)
    counts = counts.copy()
    parts: list[ResidualColumns] = []
    for members, found in tiles:
        expected[members] += found.expected_count
        counts[members] -= found.other_count
        parts.append(found.residuals._replace(station_index=members[found.residuals.station_index]))
    columns = [np.concatenate([np.zeros(0), *column]) for column in zip(*parts, strict=True)] or [np.zeros(0)] * 4
    rows = ResidualColumns(columns[0].astype(np.int64), *columns[1:])
    sums = tally.sums(station_count).copy()
    for begin in range(0, station_count, STATIONS_AT_ONCE_COUNT):
        some = slice(begin, min(begin + STATIONS_AT_ONCE_COUNT, station_count))
        inside = (rows.station_index >= some.start) & (rows.station_index < some.stop)
        taken = ResidualColumns(rows.station_index[inside] - begin, *(column[inside] for column in rows[1:]))
        size = some.stop - some.start
        asked = StationCounts(
            expected_count=expected[some],
            detection_count=np.maximum(counts[some], 0),
            clutter_rate_hz=_rate_by_chance_hz(network.clutter_rate_hz[some], span_s[1] - span_s[0]),
            up_time_s=np.full(size, span_s[1] - span_s[0]),
        )
        health = station_health(taken, asked, start_s=span_s[0], end_s=span_s[1])
        sums[some] += _summands(health, asked)
    return HealthTally(sums.astype("<f8").tobytes())


def _rate_by_chance_hz(known_hz: Floats, length_s: float) -> Floats:
    """Give the rate that makes `NOISY_CLUTTER_RATIO` times the known one a finding at three sigmas of counting.

    In a stretch of minutes a usual station has a few detections of nothing: five times as many may be chance.
    """
    noisy_count = NOISY_CLUTTER_RATIO * known_hz * length_s
    return (noisy_count + 3.0 * np.sqrt(noisy_count) + 3.0) / (NOISY_CLUTTER_RATIO * length_s)


def _summands(health: Health, asked: StationCounts) -> Floats:
    """Give what one slab adds for each station."""
    known = np.isfinite(health.clock_offset_s) & (health.clock_sigma_s > 0.0)
    weight = np.where(known, 1.0 / np.where(known, health.clock_sigma_s, 1.0) ** 2, 0.0)
    states = np.zeros((len(weight), len(STATES)))
    states[np.arange(len(weight)), health.state_index] = 1.0
    numbers = np.column_stack(
        [
            np.ones(len(weight)),
            asked.detection_count,
            asked.up_time_s,
            asked.expected_count,
            health.member_count,
            np.nan_to_num(health.clutter_rate_hz) * asked.up_time_s,
            weight,
            weight * np.where(known, health.clock_offset_s, 0.0),
        ]
    )
    return np.concatenate([numbers, states], axis=1)


def station_report(tally: HealthTally, station_ids: Sequence[str]) -> pa.Table:
    """Give the report of all stations in `STATION_REPORT_SCHEMA`, in the order of their ids."""
    sums = tally.sums(len(station_ids))
    column = {name: sums[:, at] for at, name in enumerate(_COLUMNS)}
    states = sums[:, len(_COLUMNS) :].copy()
    states[:, NOT_JUDGED_INDEX] = 0.0
    judged_count = states.sum(axis=1)
    state = np.where(judged_count > 0.0, states.argmax(axis=1), NOT_JUDGED_INDEX)
    weight = column["offset_weight"]
    return pa.table(
        {
            "station_id": list(station_ids),
            "state": [STATES[index] for index in state.tolist()],
            "state_share": _ratio(states.max(axis=1, initial=0.0), judged_count),
            "clock_offset_s": _ratio(column["weighted_offset_s"], weight),
            "clock_sigma_s": _ratio(np.ones(len(weight)), np.sqrt(weight)),
            "clutter_rate_hz": _ratio(column["clutter_count"], column["up_time_s"]),
            "hit_ratio": _ratio(column["hit_count"], column["expected_count"]),
            "detection_count": column["detection_count"].astype(np.int64),
            "expected_count": column["expected_count"],
        },
        schema=STATION_REPORT_SCHEMA,
    )


def _ratio(over: Floats, under: Floats) -> pa.Array:
    """Give a quotient, null where there is nothing to divide by."""
    there = under > 0.0
    return pa.array(over / np.where(there, under, 1.0), mask=~there)


def states_line(report: pa.Table) -> str:
    """Say in one line how many stations are in each state."""
    found = report["state"].to_pylist()
    numbers = ", ".join(f"{found.count(state):,} {state}" for state in STATES if state in found)
    return f"stations: {numbers or 'none'}"
