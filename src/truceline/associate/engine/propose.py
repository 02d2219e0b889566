"""Compiled: every detection not yet explained is taken for an event's first, and three stations give a place and time.

In the frame that moves with the wind a front is a circle, so three onsets give the event in closed form. A proposal is
weighed station by station, nearest first, and given up as soon as it has fallen too far behind.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events, in_space, log_density_near
from truceline.associate.engine.bearings import BEARER_COLUMNS_COUNT, leads_away, write_bearer
from truceline.associate.engine.layout import (
    CURVE_COUNT,
    CURVE_STEP_RATIO,
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
    TH_OF_ARRAYS,
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
from truceline.associate.engine.sound import air_at, travel_by, travel_factors
from truceline.associate.engine.weigh import bearing_fit, first_at, mesh_cell

LOOKED_AT_COUNT = 24
"""Stations a proposal is weighed on before it is taken up."""

FREE_RATIO = 8.0
"""A detection is free for a new event unless accepted ones explain it at this many times its station's clutter rate."""

CANDIDATES_COUNT = 4096
PARTNERS_COUNT = 64
"""Detections of near stations with which one anchor is combined; later ones are left out."""

OF_ONE_STATION_COUNT = 12
"""How many of them one station gives at the most, so that a burst at one does not crowd out the rest."""

_GATE = 2.4
_FAR_M = 14_000.0
_BEHIND_MAX = 4.5
_ABORT = -5.6
_ABORT_OF_MANY = -3.0
_ABORT_IN_CROWD = -1.5
_MANY_COUNT = 100
_RANGE_M = 9_000.0
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
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_ANNEALING_S = np.array([0.25, 0.08, 0.0, 0.0])
_AWAY_COUNT = 2
_SAME_S = 2.0
_SAME_M = 1_000.0


class Care(NamedTuple):
    """How much is spent on every anchor: up to `attempts_count` of its candidates are settled, one after the other.

    Those count whose near stations give a log-ratio of `least_ratio`; the two stations that make a candidate with the
    anchor are among its nearest `near_count`, or `far_count` where an event may be farther than `_FAR_M`, and one of
    them among the nearest `close_count`. From `crowded_count` partners on, those of the station with the most left
    aside, fire is heavy: an event can be found from many anchors then, and a candidate is given up at its first silent
    station. A partner is free if accepted events explain it at `free_ratio` times the clutter at the most. `knows_kin`:
    events near known ones are likelier.
    """

    attempts_count: int
    least_ratio: float
    near_count: int
    close_count: int
    far_count: int
    crowded_count: int
    free_ratio: float
    knows_kin: bool


class Partners(NamedTuple):
    """Room for one anchor: its partners and their stations, and the candidates they make.

    `row` has moved x, moved y, b = c dt, D^2 and (D^2 - b^2) / 2; the first `close_count` are of the nearest stations,
    `others_count` are not of the one with the most. `quiet` is ln(sqrt(2 pi) r) of every detection of the scene, r all
    else that may have made it; `turning` says whether any has a bearing. In a network of arrays
    `bearer` holds the partners' bearings, and last the anchor's.
    """

    row: Floats
    station: Longs
    candidate: Floats
    made_of: Longs
    close_count: Longs
    others_count: Longs
    quiet: Floats
    turning: Bools
    bearer: Floats


@njit(cache=True, error_model="numpy")
def _partners(
    scene: Scene, anchor: int, station: int, room: Partners, speeds: tuple[float, float, float], care: Care
) -> int:
    """Collect the free detections of near stations that may be of the event whose first detection the anchor is."""
    stations, start, time_s, detections = scene.stations, scene.start, scene.time_s, scene.detections
    near, rows, row_station = scene.near, room.row, room.station
    bearer, of_arrays = room.bearer, scene.theta[TH_OF_ARRAYS] > 0.0
    c, u, v = speeds
    wind = math.sqrt(u * u + v * v)
    t = time_s[anchor]
    n, most_of_one = 0, 0
    room.close_count[0] = PARTNERS_COUNT
    most = care.far_count if scene.reach_m[station] > _FAR_M else care.near_count
    for i in range(min(near.shape[1], most)):
        other = near[station, i]
        if other < 0 or stations[other, STA_WEIGHT] == 0.0 or stations[other, STA_SLOWNESS] > 0.0:
            continue
        dx = stations[other, STA_X] - stations[station, STA_X]
        dy = stations[other, STA_Y] - stations[station, STA_Y]
        latest = math.sqrt(dx * dx + dy * dy) / (c - wind) + _SLACK_S
        clutter = stations[other, STA_CLUTTER]
        if i == care.close_count:
            room.close_count[0] = n
        k = first_at(time_s, start[other], start[other + 1], t - _SLACK_S)
        before = n
        until = min(n + OF_ONE_STATION_COUNT, PARTNERS_COUNT)
        while k < start[other + 1] and time_s[k] <= t + latest and n < until:
            if detections[k, DET_EXPLAINED] < care.free_ratio * clutter:
                dt = time_s[k] - t
                rows[n, 0] = dx - u * dt
                rows[n, 1] = dy - v * dt
                rows[n, 2] = c * dt
                rows[n, 3] = rows[n, 0] * rows[n, 0] + rows[n, 1] * rows[n, 1]
                rows[n, 4] = 0.5 * (rows[n, 3] - rows[n, 2] * rows[n, 2])
                row_station[n] = other
                if of_arrays:
                    write_bearer(stations[other], detections[k], bearer[n])
                n += 1
            k += 1
        most_of_one = max(most_of_one, n - before)
    room.others_count[0] = n - most_of_one
    return n


@njit(cache=True, error_model="numpy")
def _circles(
    a: tuple[float, float, float, float, float], b: tuple[float, float, float, float, float]
) -> tuple[float, float, float, float, float, float]:
    """Solve u.D = (D^2 - b^2) / 2 - rho b for two partners (x, y, b, D^2, f), |u| = rho, f the first term.

    Gives both rho, and p, q of u = p - rho q. A rho that does not exist gives -1; partners that lie in one line with
    the anchor give -2.
    """
    det = a[0] * b[1] - a[1] * b[0]
    flat = det * det
    scale = a[3] * b[3]
    if flat < _FLAT_RATIO * _FLAT_RATIO * scale:
        return _IN_LINE if flat < _IN_LINE_RATIO * _IN_LINE_RATIO * scale else -1.0, -1.0, 0.0, 0.0, 0.0, 0.0
    per_det = 1.0 / det
    px, py = (a[4] * b[1] - b[4] * a[1]) * per_det, (b[4] * a[0] - a[4] * b[0]) * per_det
    qx, qy = (a[2] * b[1] - b[2] * a[1]) * per_det, (b[2] * a[0] - a[2] * b[0]) * per_det
    two = qx * qx + qy * qy - 1.0
    half = px * qx + py * qy
    root = math.sqrt(max(half * half - two * (px * px + py * py), 0.0))
    if abs(two) < 1e-9:
        two = 1e-9
    per_two = 1.0 / two
    return (half - root) * per_two, (half + root) * per_two, px, py, qx, qy


@njit(cache=True, error_model="numpy")
def _line(
    a: tuple[float, float, float, float, float], b: tuple[float, float, float, float, float]
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


@njit(cache=True, error_model="numpy")
def _candidates(
    room: Partners, n: int, anchor: tuple[float, float, float, float], speeds: tuple[float, float, float]
) -> int:
    """Write every event that an anchor (x, y, t, reach) makes with two of its n partners; give how many.

    Left out are those beside which at least two of the three bearings lead, where `bearer` is filled.
    """
    rows, row_station, out, made_of = room.row, room.station, room.candidate, room.made_of
    bearer, own, turned = room.bearer, room.bearer[PARTNERS_COUNT], not math.isnan(room.bearer[PARTNERS_COUNT, 0])
    c, u, v = speeds
    most_ratio = (c + math.sqrt(u * u + v * v)) / c
    per_c = 1.0 / c
    reach = anchor[3]
    m = 0
    for i in range(min(n, room.close_count[0])):
        a = (rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4])
        station = row_station[i]
        for j in range(i + 1, n):
            dx, dy, db = rows[j, 0] - a[0], rows[j, 1] - a[1], (rows[j, 2] - a[2]) * most_ratio
            if station == row_station[j] or db * db > _COMPATIBLE_RATIO * (dx * dx + dy * dy):
                continue
            b = (rows[j, 0], rows[j, 1], rows[j, 2], rows[j, 3], rows[j, 4])
            first, second, px, py, qx, qy = _circles(a, b)
            if first == _IN_LINE:
                first, second, px, py, qx, qy = _line(a, b)
            for rho in (first, second):
                if not 0.0 < rho <= reach or m == CANDIDATES_COUNT:
                    continue
                since = rho * per_c
                x, y = anchor[0] + px - rho * qx - u * since, anchor[1] + py - rho * qy - v * since
                if turned:
                    away = int(leads_away(bearer[i], x, y)) + int(leads_away(bearer[j], x, y))
                    if away + int(leads_away(own, x, y)) >= _AWAY_COUNT:
                        continue
                out[m, 0], out[m, 1], out[m, 2] = x, y, anchor[2] - since
                made_of[m, 0], made_of[m, 1] = station, row_station[j]
                m += 1
    return m


@njit(cache=True, error_model="numpy")
def _quiet(scene: Scene, station_of: Longs) -> Floats:
    """Give ln(sqrt(2 pi) r) of every detection, r (1/s) being all else that may have made it."""
    stations, detections = scene.stations, scene.detections
    out = np.empty(len(station_of))
    for k in range(len(out)):
        out[k] = math.log(stations[station_of[k], STA_FREE_RATE] + detections[k, DET_EXPLAINED]) + _HALF_LOG_TWO_PI
    return out


@njit(cache=True, error_model="numpy")
def _turned(row: Floats, way: tuple[float, float], doubt: float) -> float:
    """Give the log-ratio of a detection's bearing; 0 for none."""
    bearing = row[DET_BEARING]
    return 0.0 if math.isnan(bearing) else bearing_fit(bearing, row[DET_BEARING_SIGMA], way, doubt)[0]


@njit(cache=True, error_model="numpy")
def _patience(room: Partners, m: int, crowded: int) -> float:
    """Give the log-ratio below which a candidate of m is given up."""
    if room.others_count[0] > crowded:
        return _ABORT_IN_CROWD
    return _ABORT if m < _MANY_COUNT else _ABORT_OF_MANY


@njit(cache=True, error_model="numpy")
def _weigh_candidates(
    scene: Scene, room: Partners, m: int, own: int, speeds: tuple[float, float, float], care: Care
) -> None:
    """Write beside each of m candidates how far the nearest stations, without the three it was made of, support it.

    A candidate is given up as soon as its stations speak against it, or fall far behind the best it reached.
    """
    stations, time_s, curve, out, made_of = scene.stations, scene.time_s, scene.curve, room.candidate, room.made_of
    index, index_start, place_of, first = (
        scene.lookup.station,
        scene.lookup.start,
        scene.lookup.place,
        scene.bucket.first,
    )
    detections, doubt, quiet, turning = scene.detections, scene.theta[TH_BEARING_DOUBT], room.quiet, room.turning[0]
    span_start, span_end = scene.theta[TH_SPAN_START], scene.theta[TH_SPAN_END]
    quick_s, quick_ratio = scene.theta[TH_QUICK_S], scene.theta[TH_QUICK_RATIO]
    bucket_start, per_s, last = scene.bucket.start_s, scene.bucket.per_s, first.shape[1] - 1
    mesh = (scene.lookup.x0_m, scene.lookup.y0_m, scene.lookup.cell_m, scene.lookup.nx_count, scene.lookup.ny_count)
    patience = _patience(room, m, care.crowded_count)
    per_step, factors = speeds[0] / (_RANGE_M * CURVE_STEP_RATIO), travel_factors(speeds)
    out[:m, 3] = 0.0
    for i in range(m):
        x, y, t = out[i, 0], out[i, 1], out[i, 2]
        cell = mesh_cell(mesh, x, y)
        total, best = 0.0, 0.0
        for place in range(index_start[cell], min(index_start[cell + 1], index_start[cell] + LOOKED_AT_COUNT)):
            s = index[place]
            if s in (own, made_of[i, 0], made_of[i, 1]):
                continue
            dx, dy = place_of[place, 0] - x, place_of[place, 1] - y
            travel = travel_by(dx, dy, factors)
            predicted = t + travel
            if predicted > span_end or predicted < span_start:
                continue
            sigma = quick_s + quick_ratio * travel
            step = min(int(travel * per_step), CURVE_COUNT - 1)
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
            ratio, per_sigma = -1e9, 1.0 / sigma
            while k < end and time_s[k] <= high:
                off = (time_s[k] - predicted) * per_sigma
                fit = -0.5 * off * off - quiet[k]
                if turning:
                    fit += _turned(detections[k], (dx, dy), doubt)
                ratio = max(ratio, fit)
                k += 1
            ratio += math.log(per_sigma)
            total += max(curve[0, step] + ratio, curve[1, step]) * stations[s, STA_LISTENS]
            best = max(best, total)
        out[i, 3] = best
        if best > _GOOD_ENOUGH:
            break


@njit(cache=True, error_model="numpy")
def _weigh_anchor(scene: Scene, air: Air, anchor: int, station: int, room: Partners, care: Care) -> int:
    """Write the weighed events of which a detection may be the first; give how many."""
    x, y, t = scene.stations[station, STA_X], scene.stations[station, STA_Y], scene.time_s[anchor]
    speeds = air_at(air, x, y, t)
    n = _partners(scene, anchor, station, room, speeds, care)
    if n < 2:
        return 0
    reach_m = scene.reach_m[station]
    if t - scene.theta[TH_SPAN_START] < _LONGEST_S:
        reach_m = max(reach_m, _REACH_AT_START_M)
    if scene.theta[TH_OF_ARRAYS]:
        write_bearer(scene.stations[station], scene.detections[anchor], room.bearer[PARTNERS_COUNT])
    m = _candidates(room, n, (x, y, t, reach_m), speeds)
    _weigh_candidates(scene, room, m, station, speeds, care)
    return m


@njit(cache=True, error_model="numpy")
def _take_best(room: Partners, m: int, row: Floats) -> int:
    """Write the best of m candidates into a row; give which it is, or -1 where there is none."""
    row[EV_LOG_ODDS] = 0.0
    if m == 0:
        return -1
    best = int(np.argmax(room.candidate[:m, 3]))
    row[EV_X], row[EV_Y], row[EV_T], row[EV_LOG_ODDS] = room.candidate[best]
    return best


@njit(cache=True, error_model="numpy")
def _leave_out(room: Partners, m: int, taken: int) -> None:
    """Leave a candidate, and those of m near it, out from now on."""
    out = room.candidate
    x, y, t = out[taken, 0], out[taken, 1], out[taken, 2]
    for i in range(m):
        dx, dy = out[i, 0] - x, out[i, 1] - y
        if abs(out[i, 2] - t) < _SAME_S and dx * dx + dy * dy < _SAME_M * _SAME_M:
            out[i, 3] = 0.0


@njit(cache=True, error_model="numpy")
def mark(work: Work, n: int, marked: Bools) -> None:
    """Mark the detections that likely belong to the hypothesis just weighed."""
    for i in range(n):
        if work.detection[i] >= 0 and work.row[i, WK_PROBABILITY] > 0.5:
            marked[work.detection[i]] = True


@njit(cache=True, error_model="numpy")
def _room(scene: Scene, station_of: Longs) -> Partners:
    """Give room for one anchor after the other."""
    return Partners(
        np.zeros((PARTNERS_COUNT, 5)),
        np.zeros(PARTNERS_COUNT, dtype=np.int64),
        np.zeros((CANDIDATES_COUNT, 4)),
        np.zeros((CANDIDATES_COUNT, 2), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        _quiet(scene, station_of),
        np.array([not np.isnan(scene.detections[:, DET_BEARING]).all()]),
        np.full((PARTNERS_COUNT + 1, BEARER_COLUMNS_COUNT), np.nan),
    )


@njit(cache=True, error_model="numpy")
def propose(
    scene: Scene,
    air: Air,
    work: Work,
    order: Longs,
    station_of: Longs,
    tried: Bools,
    pure: float,
    care: Care,
    events: Events,
    out: Floats,
) -> int:
    """Fill `out` with settled hypotheses from every free detection as anchor, in order of time; give how many.

    A detection that a strong hypothesis explains is not used as an anchor any more.
    """
    stations, detections = scene.stations, scene.detections
    marked = np.zeros(len(scene.time_s), dtype=np.bool_)
    room = _room(scene, station_of)
    row = np.zeros(EVENT_COLUMNS_COUNT)
    ordered = in_space(events)
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
        tried[anchor] = True
        m = _weigh_anchor(scene, air, anchor, station, room, care)
        for _ in range(care.attempts_count):
            best = _take_best(room, m, row)
            if row[EV_LOG_ODDS] < care.least_ratio:
                break
            row[EV_RANGE] = _RANGE_M
            row[EV_LOG_DENSITY] = (
                log_density_near(scene, events, row, -1, ordered)
                if care.knows_kin
                else math.log(scene.theta[TH_DENSITY])
            )
            n = settle(scene, air, work, row, _ANNEALING_S)
            if row[EV_LOG_ODDS] < _KEPT_LEAST or row[EV_COUNT] < 3:
                _leave_out(room, m, best)
                continue
            out[count] = row
            tried[anchor] = False
            count += 1
            if row[EV_LOG_ODDS] > _STRONG and row[EV_PURITY] > pure:
                mark(work, n, marked)
            break
        if count == len(out):
            break
    return count
