"""Compiled: every detection not yet explained is taken for an event's first, and three stations give a place and time.

In the frame that moves with the wind a front is a circle, so three onsets give the event in closed form. A proposal is
weighed station by station, nearest first, and given up as soon as it has fallen too far behind.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.layout import (
    DET_BEARING,
    DET_BEARING_SIGMA,
    DET_EXPLAINED,
    EV_COUNT,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    STA_CLUTTER,
    STA_DEAD,
    STA_FREE_RATE,
    STA_LISTENS,
    STA_SLOWNESS,
    STA_WEIGHT,
    STA_X,
    STA_Y,
    TH_BEARING_DOUBT,
    TH_DENSITY,
    TH_QUICK_RATIO,
    TH_QUICK_S,
    TH_SPAN_END,
    TH_SPAN_START,
    WK_PROBABILITY,
    Air,
    Bools,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import settle
from truceline.associate.engine.sound import air_at, travel_s
from truceline.associate.engine.weigh import bearing_fit, curve_index, first_at, mesh_cell

LOOKED_AT_COUNT = 24
"""Stations a proposal is weighed on before it is taken up."""

FREE_RATIO = 8.0
"""A detection is free for a new event unless accepted ones explain it at this many times its station's clutter rate."""

CANDIDATES_COUNT = 4096
CLOSE_COUNT = 4
PARTNERS_COUNT = 64
"""Detections of near stations with which one anchor is combined; later ones are left out."""

_GATE = 2.4
_BEHIND_MAX = 4.5
_ABORT = -5.6
_ABORT_OF_MANY = -4.0
_MANY_COUNT = 100
_RANGE_M = 9_000.0
_REFINED_LEAST = 6.0
_GOOD_ENOUGH = 35.0
_STRONG = 12.0
_KEPT_LEAST = 0.0
_SLACK_S = 0.3
_LONGEST_S = 75.0
_REACH_AT_START_M = 25_000.0
_FLAT_RATIO = 0.05
_IN_LINE = -2.0
_IN_LINE_RATIO = 1e-3
_COMPATIBLE_RATIO = 1.1
_REACH_RATIO = 2.5
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_ANNEALING_S = np.array([0.25, 0.08, 0.0, 0.0])


class Partners(NamedTuple):
    """Room for one anchor: its partners (moved x, moved y, c dt) and their stations, and the candidates they make."""

    row: Floats
    station: Longs
    candidate: Floats
    made_of: Longs
    close_count: Longs


@njit(cache=True)
def _partners(scene: Scene, anchor: int, station: int, room: Partners, speeds: tuple[float, float, float]) -> int:
    """Collect the free detections of near stations that may be of the event whose first detection the anchor is."""
    stations, start, time_s, detections = scene.stations, scene.start, scene.time_s, scene.detections
    near, rows, row_station = scene.near, room.row, room.station
    c, u, v = speeds
    wind = math.sqrt(u * u + v * v)
    t = time_s[anchor]
    n = 0
    room.close_count[0] = PARTNERS_COUNT
    for i in range(near.shape[1]):
        other = near[station, i]
        if other < 0 or stations[other, STA_WEIGHT] == 0.0 or stations[other, STA_SLOWNESS] > 0.0:
            continue
        dx = stations[other, STA_X] - stations[station, STA_X]
        dy = stations[other, STA_Y] - stations[station, STA_Y]
        most = math.sqrt(dx * dx + dy * dy) / (c - wind) + _SLACK_S
        clutter = stations[other, STA_CLUTTER]
        if i == CLOSE_COUNT:
            room.close_count[0] = n
        k = first_at(time_s, start[other], start[other + 1], t - _SLACK_S)
        while k < start[other + 1] and time_s[k] <= t + most and n < PARTNERS_COUNT:
            if detections[k, DET_EXPLAINED] < FREE_RATIO * clutter:
                dt = time_s[k] - t
                rows[n, 0] = dx - u * dt
                rows[n, 1] = dy - v * dt
                rows[n, 2] = c * dt
                row_station[n] = other
                n += 1
            k += 1
    return n


@njit(cache=True)
def _circles(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> tuple[float, float, float, float, float, float]:
    """Solve u.D = (D^2 - b^2) / 2 - rho b for two partners (x, y, b), |u| = rho: both rho, and p, q of u = p - rho q.

    A rho that does not exist gives -1; partners that lie in one line with the anchor give -2.
    """
    det = a[0] * b[1] - a[1] * b[0]
    square_a, square_b = a[0] * a[0] + a[1] * a[1], b[0] * b[0] + b[1] * b[1]
    if det * det < _FLAT_RATIO * _FLAT_RATIO * square_a * square_b:
        exactly = det * det < _IN_LINE_RATIO * _IN_LINE_RATIO * square_a * square_b
        return _IN_LINE if exactly else -1.0, -1.0, 0.0, 0.0, 0.0, 0.0
    fa, fb = 0.5 * (square_a - a[2] * a[2]), 0.5 * (square_b - b[2] * b[2])
    px, py = (fa * b[1] - fb * a[1]) / det, (fb * a[0] - fa * b[0]) / det
    qx, qy = (a[2] * b[1] - b[2] * a[1]) / det, (b[2] * a[0] - a[2] * b[0]) / det
    two = qx * qx + qy * qy - 1.0
    one = -2.0 * (px * qx + py * qy)
    root = math.sqrt(max(one * one - 4.0 * two * (px * px + py * py), 0.0))
    if abs(two) < 1e-9:
        two = 1e-9
    return (-one - root) / (2.0 * two), (-one + root) / (2.0 * two), px, py, qx, qy


@njit(cache=True)
def _line(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> tuple[float, float, float, float, float, float]:
    """Solve the same for stations in one line, on one of its two flanks; mirror.py says the other."""
    length = math.sqrt(a[0] * a[0] + a[1] * a[1]) + 1e-9
    ex, ey = a[0] / length, a[1] / length
    other = b[0] * ex + b[1] * ey
    slope = a[2] / length - b[2] / other if other != 0.0 else 0.0
    if abs(slope) < 1e-6:
        return -1.0, -1.0, 0.0, 0.0, 0.0, 0.0
    fa, fb = 0.5 * (length - a[2] * a[2] / length), 0.5 * (other - b[2] * b[2] / other)
    rho = (fa - fb) / slope
    along = fa - rho * a[2] / length
    across = math.sqrt(max(rho * rho - along * along, 0.0))
    return rho, -1.0, along * ex, along * ey, across * ey / (rho + 1e-9), -across * ex / (rho + 1e-9)


@njit(cache=True)
def _candidates(
    room: Partners, n: int, anchor: tuple[float, float, float, float], speeds: tuple[float, float, float]
) -> int:
    """Write every event that an anchor (x, y, t, reach) makes with two of its n partners; give how many."""
    rows, row_station, out, made_of = room.row, room.station, room.candidate, room.made_of
    c, u, v = speeds
    most = c + math.sqrt(u * u + v * v)
    m = 0
    for i in range(min(n, room.close_count[0])):
        a = (rows[i, 0], rows[i, 1], rows[i, 2])
        for j in range(i + 1, n):
            dx, dy, db = rows[j, 0] - a[0], rows[j, 1] - a[1], (rows[j, 2] - a[2]) * most / c
            if row_station[i] == row_station[j] or db * db > _COMPATIBLE_RATIO * (dx * dx + dy * dy):
                continue
            first, second, px, py, qx, qy = _circles(a, (rows[j, 0], rows[j, 1], rows[j, 2]))
            if first == _IN_LINE:
                first, second, px, py, qx, qy = _line(a, (rows[j, 0], rows[j, 1], rows[j, 2]))
            for rho in (first, second):
                if not 0.0 < rho <= anchor[3] or m == CANDIDATES_COUNT:
                    continue
                since = rho / c
                out[m, 0] = anchor[0] + px - rho * qx - u * since
                out[m, 1] = anchor[1] + py - rho * qy - v * since
                out[m, 2] = anchor[2] - since
                made_of[m, 0], made_of[m, 1] = row_station[i], row_station[j]
                m += 1
    return m


@njit(cache=True)
def _hit(
    detections: Floats, k: int, off_s: float, station: tuple[float, float, float], way: tuple[float, float]
) -> float:
    """Give the log-density of a detection against what else its station has: `station` is (free rate, sigma, doubt)."""
    free_rate, sigma, doubt = station
    off = off_s / sigma
    turned = 0.0
    bearing = detections[k, DET_BEARING]
    if not math.isnan(bearing):
        turned, _ = bearing_fit(bearing, detections[k, DET_BEARING_SIGMA], way, doubt)
    return turned - 0.5 * off * off - math.log((free_rate + detections[k, DET_EXPLAINED]) * sigma) - _HALF_LOG_TWO_PI


@njit(cache=True)
def _weigh_candidates(
    scene: Scene, room: Partners, m: int, own: int, speeds: tuple[float, float, float]
) -> tuple[int, float]:
    """Give the candidate that the nearest stations, without the three it was made of, support best, and its log-ratio.

    A candidate is given up as soon as its stations speak against it, or fall far behind the best it reached.
    """
    stations, time_s, curve, out, made_of = scene.stations, scene.time_s, scene.curve, room.candidate, room.made_of
    index, index_start, place_of, first = (
        scene.lookup.station,
        scene.lookup.start,
        scene.lookup.place,
        scene.bucket.first,
    )
    detections, doubt = scene.detections, scene.theta[TH_BEARING_DOUBT]
    span_start, span_end = scene.theta[TH_SPAN_START], scene.theta[TH_SPAN_END]
    quick_s, quick_ratio = scene.theta[TH_QUICK_S], scene.theta[TH_QUICK_RATIO]
    bucket_start, per_s, last = scene.bucket.start_s, scene.bucket.per_s, first.shape[1] - 1
    mesh = (scene.lookup.x0_m, scene.lookup.y0_m, scene.lookup.cell_m, scene.lookup.nx_count, scene.lookup.ny_count)
    patience = _ABORT if m < _MANY_COUNT else _ABORT_OF_MANY
    winner, most = -1, 0.0
    for i in range(m):
        x, y, t = out[i, 0], out[i, 1], out[i, 2]
        cell = mesh_cell(mesh, x, y)
        total, best = 0.0, 0.0
        for place in range(index_start[cell], min(index_start[cell + 1], index_start[cell] + LOOKED_AT_COUNT)):
            s = index[place]
            if s == own or s == made_of[i, 0] or s == made_of[i, 1]:
                continue
            dx, dy = place_of[place, 0] - x, place_of[place, 1] - y
            travel = travel_s(dx, dy, speeds)
            predicted = t + travel
            if predicted > span_end or predicted < span_start:
                continue
            sigma = quick_s + quick_ratio * travel
            step = curve_index(travel * speeds[0], _RANGE_M)
            low, high = predicted - _GATE * sigma, predicted + _GATE * sigma
            bucket = min(max(int((low - bucket_start) * per_s), 0), last)
            k, end = first[s, bucket], first[s, min(int((high - bucket_start) * per_s) + 1, last)]
            while k < end and time_s[k] < low:
                k += 1
            if k == end or time_s[k] > high:
                if k == first[s, max(bucket - 1, 0)] or time_s[k - 1] < low - stations[s, STA_DEAD]:
                    total += curve[1, step] * stations[s, STA_LISTENS]
                    if total < best - _BEHIND_MAX or total < patience:
                        break
                continue
            ratio = -1e9
            while k < end and time_s[k] <= high:
                own_station = (stations[s, STA_FREE_RATE], sigma, doubt)
                ratio = max(ratio, _hit(detections, k, time_s[k] - predicted, own_station, (dx, dy)))
                k += 1
            total += max(curve[0, step] + ratio, curve[1, step]) * stations[s, STA_LISTENS]
            best = max(best, total)
        if best > most:
            winner, most = i, best
            if most > _GOOD_ENOUGH:
                break
    return winner, most


@njit(cache=True)
def _best_of_anchor(scene: Scene, air: Air, anchor: int, station: int, room: Partners, row: Floats) -> None:
    """Write into a row the best event of which a detection may be the first."""
    row[EV_LOG_ODDS] = 0.0
    x, y, t = scene.stations[station, STA_X], scene.stations[station, STA_Y], scene.time_s[anchor]
    speeds = air_at(air, x, y, t)
    n = _partners(scene, anchor, station, room, speeds)
    if n < 2:
        return
    reach_m = scene.reach_m[station]
    if t - scene.theta[TH_SPAN_START] < _LONGEST_S:
        reach_m = max(reach_m, _REACH_AT_START_M)
    m = _candidates(room, n, (x, y, t, reach_m), speeds)
    winner, most = _weigh_candidates(scene, room, m, station, speeds)
    if winner >= 0:
        row[EV_X], row[EV_Y], row[EV_T] = (
            room.candidate[winner, 0],
            room.candidate[winner, 1],
            room.candidate[winner, 2],
        )
        row[EV_LOG_ODDS] = most


@njit(cache=True)
def mark(work: Work, n: int, marked: Bools) -> None:
    """Mark the detections that likely belong to the hypothesis just weighed."""
    for i in range(n):
        if work.detection[i] >= 0 and work.row[i, WK_PROBABILITY] > 0.5:
            marked[work.detection[i]] = True


@njit(cache=True)
def propose(
    scene: Scene, air: Air, work: Work, order: Longs, station_of: Longs, tried: Bools, pure: float, out: Floats
) -> int:
    """Fill `out` with settled hypotheses from every free detection as anchor, in order of time; give how many.

    A detection that a strong hypothesis explains is not used as an anchor any more.
    """
    stations, detections = scene.stations, scene.detections
    marked = np.zeros(len(scene.time_s), dtype=np.bool_)
    room = Partners(
        np.zeros((PARTNERS_COUNT, 3)),
        np.zeros(PARTNERS_COUNT, dtype=np.int64),
        np.zeros((CANDIDATES_COUNT, 3)),
        np.zeros((CANDIDATES_COUNT, 2), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )
    row = np.zeros(EVENT_COLUMNS_COUNT)
    count = 0
    for anchor in order:
        station = station_of[anchor]
        if (
            marked[anchor]
            or tried[anchor]
            or detections[anchor, DET_EXPLAINED] > FREE_RATIO * stations[station, STA_CLUTTER]
        ):
            continue
        if stations[station, STA_SLOWNESS] > 0.0 or stations[station, STA_WEIGHT] == 0.0:
            continue
        _best_of_anchor(scene, air, anchor, station, room, row)
        tried[anchor] = True
        if row[EV_LOG_ODDS] < _REFINED_LEAST:
            continue
        row[EV_RANGE] = _RANGE_M
        row[EV_LOG_DENSITY] = math.log(scene.theta[TH_DENSITY])
        n = settle(scene, air, work, row, _ANNEALING_S)
        if row[EV_LOG_ODDS] < _KEPT_LEAST or row[EV_COUNT] < 3:
            continue
        out[count] = row
        tried[anchor] = False
        count += 1
        if row[EV_LOG_ODDS] > _STRONG and row[EV_PURITY] > pure:
            mark(work, n, marked)
        if count == len(out):
            break
    return count
