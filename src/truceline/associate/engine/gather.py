"""Compiled: what the accepted events together say of air, timing, detection and amplitude, as flat rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events
from truceline.associate.engine.layout import (
    DET_AMPLITUDE,
    DET_EXPLAINED,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    RANGE_COUNT,
    STA_SIGMA,
    STA_SLOWNESS,
    STA_X,
    STA_Y,
    WK_DISTANCE,
    WK_DT,
    WK_DX,
    WK_DY,
    WK_PROBABILITY,
    WK_RESIDUAL,
    WK_SIGMA,
    WK_TRAVEL,
    Air,
    Bools,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, event_of, inverse, is_singular, normal_equations
from truceline.associate.engine.sound import _cell
from truceline.associate.engine.weigh import MASKED_INDEX, curve_index, look, weigh_members, weigh_ranges

(
    ME_EVENT, ME_STATION, ME_DETECTION, ME_PROBABILITY, ME_RESIDUAL, ME_SIGMA, ME_NOMINAL, ME_TRAVEL, ME_DISTANCE,
    ME_LEVERAGE, ME_AMPLITUDE, ME_RANGE,
) = range(12)  # fmt: skip
MEMBER_COLUMNS_COUNT = 12
"""Columns of a gathered member."""


@njit(cache=True, error_model="numpy")
def node_weights(air: Air, x_m: float, y_m: float, t_s: float, node: Longs, weight: Floats) -> int:
    """Write the nodes around a place and time with their weights; give how many."""
    nt, ny, nx, _ = air.value.shape
    i, a = _cell(x_m, air.x0_m, air.step_m, nx)
    j, b = _cell(y_m, air.y0_m, air.step_m, ny)
    k, g = _cell(t_s, air.t0_s, air.step_s, nt)
    n = 0
    for dk in range(1 if nt == 1 else 2):
        for dj in range(1 if ny == 1 else 2):
            for di in range(1 if nx == 1 else 2):
                w = (g if dk else 1.0 - g) * (b if dj else 1.0 - b) * (a if di else 1.0 - a)
                if w > 0.0:
                    node[n] = ((k + dk) * ny + j + dj) * nx + i + di
                    weight[n] = w
                    n += 1
    return n


@njit(cache=True, error_model="numpy")
def gather(scene: Scene, air: Air, work: Work, events: Events, teachers: Longs, out: Floats, sums: Floats) -> int:
    """Write a row per likely member of every event of a list; give how many.

    `sums[0]` collects hits and `sums[1]` trials by step of distance over range, weighed by the range's posterior;
    `sums[2, :RANGE_COUNT]` the posterior of the ranges.
    """
    m = 0
    for e in teachers:
        row = events.row[e]
        own_rate(scene, events, e, -1.0)
        n = look(scene, air, work, event_of(row), FULL_REACH_RATIO)
        own_rate(scene, events, e, 1.0)
        weigh_ranges(scene, work, n)
        weigh_members(scene, work, n, row[EV_RANGE])
        normal = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))
        if is_singular(normal):
            continue
        _tally(scene, work, n, sums)
        m = _write_members(scene, work, n, e, row[EV_RANGE], inverse(normal), out, m)
        if m > len(out) - 1024:
            break
    return m


@njit(cache=True, error_model="numpy")
def own_rate(scene: Scene, events: Events, e: int, sign: float) -> None:
    """Take what event e explains out of `explained` (sign -1) or put it back (sign +1)."""
    for i in range(events.claim_count[e]):
        scene.detections[events.claim[e, i], DET_EXPLAINED] += sign * events.rate[e, i]


@njit(cache=True, error_model="numpy")
def _tally(scene: Scene, work: Work, n: int, sums: Floats) -> None:
    for r in range(RANGE_COUNT):
        share = work.by_range[r]
        sums[2, r] += share
        if share < 1e-3:
            continue
        for i in range(n):
            if work.detection[i] != MASKED_INDEX:
                step = curve_index(work.row[i, WK_DISTANCE], scene.range_m[r])
                sums[0, step] += share * work.row[i, WK_PROBABILITY]
                sums[1, step] += share


@njit(cache=True, error_model="numpy")
def _write_members(scene, work, n, e, range_m, cov, out, m):  # type: ignore[no-untyped-def]
    for i in range(n):
        p = work.row[i, WK_PROBABILITY]
        if work.detection[i] < 0 or p < 0.05:
            continue
        s = work.row[i, WK_SIGMA]
        jx, jy = work.row[i, WK_DX], work.row[i, WK_DY]
        h = (
            (
                jx * (cov[0, 0] * jx + 2 * cov[0, 1] * jy + 2 * cov[0, 2])
                + jy * (cov[1, 1] * jy + 2 * cov[1, 2])
                + cov[2, 2]
            )
            * p
            / (s * s)
        )
        out[m, ME_EVENT] = e
        out[m, ME_STATION] = work.station[i]
        out[m, ME_DETECTION] = work.detection[i]
        out[m, ME_PROBABILITY] = p
        out[m, ME_RESIDUAL] = work.row[i, WK_RESIDUAL]
        out[m, ME_SIGMA] = s
        out[m, ME_NOMINAL] = scene.stations[work.station[i], STA_SIGMA]
        out[m, ME_TRAVEL] = work.row[i, WK_TRAVEL]
        out[m, ME_DISTANCE] = work.row[i, WK_DISTANCE]
        out[m, ME_LEVERAGE] = min(h, 0.95)
        out[m, ME_AMPLITUDE] = scene.detections[work.detection[i], DET_AMPLITUDE]
        out[m, ME_RANGE] = range_m
        m += 1
    return m


class NodeRoom(NamedTuple):
    """Room for what a path says of the air: places among the unknowns, slopes (s per m/s), what is touched."""

    place: Longs
    slope: Floats
    node: Longs
    share: Floats
    touched: Longs
    is_touched: Bools


@njit(cache=True, error_model="numpy")
def node_room(size: int) -> NodeRoom:
    """Give room for a vector of so many unknowns."""
    return NodeRoom(
        np.zeros(24, dtype=np.int64),
        np.zeros(24),
        np.zeros(8, dtype=np.int64),
        np.zeros(8),
        np.zeros(size, dtype=np.int64),
        np.zeros(size, dtype=np.bool_),
    )


@njit(cache=True, error_model="numpy")
def add_path(scene: Scene, air: Air, work: Work, row: Floats, i: int, room: NodeRoom) -> int:
    """Write how row i's predicted time changes with (c, u, v) at the nodes around its path; give how many numbers.

    Nothing is written for a path through the ground. dT/dc = -T / (c + n.w), dT/dw = -T n / (c + n.w).
    """
    station = work.station[i]
    if scene.stations[station, STA_SLOWNESS] > 0.0:
        return 0
    middle_x = 0.5 * (row[EV_X] + scene.stations[station, STA_X])
    middle_y = 0.5 * (row[EV_Y] + scene.stations[station, STA_Y])
    nodes = node_weights(air, middle_x, middle_y, row[EV_T], room.node, room.share)
    travel = work.row[i, WK_TRAVEL]
    for a in range(nodes):
        share = room.share[a] * travel
        room.place[3 * a], room.place[3 * a + 1], room.place[3 * a + 2] = (
            3 * room.node[a], 3 * room.node[a] + 1, 3 * room.node[a] + 2,
        )  # fmt: skip
        room.slope[3 * a] = -share / work.row[i, WK_DT]
        room.slope[3 * a + 1] = share * work.row[i, WK_DX]
        room.slope[3 * a + 2] = share * work.row[i, WK_DY]
    return 3 * nodes


@njit(cache=True, error_model="numpy")
def _add_event(
    scene: Scene,
    air: Air,
    work: Work,
    row: Floats,
    n: int,
    fit: Floats,
    cross: Floats,
    room: NodeRoom,
    matrix: Floats,
    right: Floats,
) -> int:
    """Add what one event's rows say of the air; give how many unknowns it touches."""
    touched = 0
    for i in range(n):
        p = work.row[i, WK_PROBABILITY]
        if work.detection[i] < 0 or p < 0.3:
            continue
        jx, jy = work.row[i, WK_DX], work.row[i, WK_DY]
        w = p / work.row[i, WK_SIGMA] ** 2
        residual = work.row[i, WK_RESIDUAL] - (jx * fit[0] + jy * fit[1] + fit[2])
        m = add_path(scene, air, work, row, i, room)
        for a in range(m):
            ka = room.place[a]
            q = w * room.slope[a]
            if not room.is_touched[ka]:
                room.is_touched[ka] = True
                room.touched[touched] = ka
                touched += 1
            cross[0, ka] += jx * q
            cross[1, ka] += jy * q
            cross[2, ka] += q
            right[ka] += q * residual
            for b in range(m):
                if room.place[b] <= ka:
                    matrix[ka, room.place[b]] += q * room.slope[b]
    return touched


@njit(cache=True, error_model="numpy")
def air_equations(
    scene: Scene, air: Air, work: Work, events: Events, teachers: Longs, matrix: Floats, right: Floats
) -> int:
    """Add up what some events say of the air with their own places eliminated (Schur complement); give how many events.

    `matrix` (p, p) and `right` (p,) are for the changes of (c, u, v) at every node, in m/s. Only the matrix's lower
    half is added to.
    """
    size = len(right)
    cross = np.zeros((3, size))
    room = node_room(size)
    used = 0
    for e in teachers:
        row = events.row[e]
        own_rate(scene, events, e, -1.0)
        n = look(scene, air, work, event_of(row), FULL_REACH_RATIO)
        own_rate(scene, events, e, 1.0)
        weigh_members(scene, work, n, row[EV_RANGE])
        normal = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))
        if is_singular(normal):
            continue
        cov = inverse(normal)
        fit = cov @ np.ascontiguousarray(normal[:, 3])
        touched = _add_event(scene, air, work, row, n, fit, cross, room, matrix, right)
        _eliminate(cov, cross, room, touched, matrix)
        used += 1
    return used


@njit(cache=True, error_model="numpy")
def _eliminate(cov: Floats, cross: Floats, room: NodeRoom, touched: int, matrix: Floats) -> None:
    """Take out of the air's information what goes into the event's own place, and clear the room."""
    for a in range(touched):
        ka = room.touched[a]
        g0 = cross[0, ka] * cov[0, 0] + cross[1, ka] * cov[1, 0] + cross[2, ka] * cov[2, 0]
        g1 = cross[0, ka] * cov[0, 1] + cross[1, ka] * cov[1, 1] + cross[2, ka] * cov[2, 1]
        g2 = cross[0, ka] * cov[0, 2] + cross[1, ka] * cov[1, 2] + cross[2, ka] * cov[2, 2]
        for b in range(touched):
            kb = room.touched[b]
            if kb <= ka:
                matrix[ka, kb] -= g0 * cross[0, kb] + g1 * cross[1, kb] + g2 * cross[2, kb]
    for a in range(touched):
        ka = room.touched[a]
        room.is_touched[ka] = False
        cross[0, ka], cross[1, ka], cross[2, ka] = 0.0, 0.0, 0.0
