"""Compiled: a hypothesis is moved to where it explains the detections best, and its odds are stated there.

Gauss-Newton on (x, y, t) with every detection weighed by the probability that it belongs (an EM step a round), from a
wide gate to the true one.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.associate.engine.layout import (
    DET_BEARING_SIGMA,
    EV_COUNT,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    STA_X,
    STA_Y,
    TH_EXTRA_S,
    WK_BEARING,
    WK_DX,
    WK_DY,
    WK_PROBABILITY,
    WK_RESIDUAL,
    WK_SIGMA,
    Air,
    Floats,
    Scene,
    Work,
)
from truceline.associate.engine.weigh import look, weigh_members, weigh_ranges

FULL_REACH_RATIO = 1.5
_REACH_RATIO = 1.15
_HOPELESS = -12.0
_STEP_SIGMA_M = 3_000.0
_BEARING_SIGMAS_MAX = 4.0
_LOG_TWO_PI = math.log(2.0 * math.pi)
_INFORMATION_LEAST = 1e-30
_INDEPENDENT_LEAST = 1e-13


@njit(cache=True, error_model="numpy")
def event_of(row: Floats) -> tuple[float, float, float, float]:
    """Give (x, y, t, range) of a row."""
    return row[EV_X], row[EV_Y], row[EV_T], row[EV_RANGE]


@njit(cache=True, error_model="numpy")
def _add_bearing(row: Floats, sigma: float, way: tuple[float, float], normal: Floats) -> None:
    """Add what a row's bearing says of the place to the normal equations; `way` leads from the station to the event."""
    off = row[WK_BEARING]
    if abs(off) > _BEARING_SIGMAS_MAX * sigma:
        return
    square = way[0] * way[0] + way[1] * way[1] + 1.0
    jx, jy = way[1] / square, -way[0] / square
    weight = row[WK_PROBABILITY] / (sigma * sigma)
    normal[0, 0] += weight * jx * jx
    normal[0, 1] += weight * jx * jy
    normal[1, 1] += weight * jy * jy
    normal[0, 3] += weight * jx * off
    normal[1, 3] += weight * jy * off


@njit(cache=True, error_model="numpy")
def normal_equations(scene: Scene, work: Work, n: int, place: tuple[float, float]) -> Floats:
    """Give the information matrix of (x, y, t) with the right-hand side as its fourth column, from n weighed rows."""
    rows, found, row_station = work.row, work.detection, work.station
    stations, detections = scene.stations, scene.detections
    normal = np.zeros((3, 4))
    for i in range(n):
        if found[i] < 0 or rows[i, WK_PROBABILITY] < 1e-3:
            continue
        sigma = rows[i, WK_SIGMA]
        weight = rows[i, WK_PROBABILITY] / (sigma * sigma)
        jx, jy, residual = rows[i, WK_DX], rows[i, WK_DY], rows[i, WK_RESIDUAL]
        normal[0, 0] += weight * jx * jx
        normal[0, 1] += weight * jx * jy
        normal[0, 2] += weight * jx
        normal[1, 1] += weight * jy * jy
        normal[1, 2] += weight * jy
        normal[2, 2] += weight
        normal[0, 3] += weight * jx * residual
        normal[1, 3] += weight * jy * residual
        normal[2, 3] += weight * residual
        if not math.isnan(rows[i, WK_BEARING]):
            s = row_station[i]
            way = (place[0] - stations[s, STA_X], place[1] - stations[s, STA_Y])
            _add_bearing(rows[i], detections[found[i], DET_BEARING_SIGMA], way, normal)
    normal[1, 0], normal[2, 0], normal[2, 1] = normal[0, 1], normal[0, 2], normal[1, 2]
    return normal


@njit(cache=True, error_model="numpy")
def determinant(a: Floats) -> float:
    """Give the determinant of the left 3 x 3 part."""
    return float(
        a[0, 0] * (a[1, 1] * a[2, 2] - a[1, 2] * a[2, 1])
        - a[0, 1] * (a[1, 0] * a[2, 2] - a[1, 2] * a[2, 0])
        + a[0, 2] * (a[1, 0] * a[2, 1] - a[1, 1] * a[2, 0])
    )


@njit(cache=True, error_model="numpy")
def is_singular(a: Floats) -> bool:
    """Say whether a matrix of information has no inverse."""
    return determinant(a) <= _INFORMATION_LEAST


@njit(cache=True, error_model="numpy")
def fixes_nothing(a: Floats) -> bool:
    """Say whether information leaves place or time open: a determinant of 0, but for what rounding makes of it."""
    det = determinant(a)
    return bool(det <= _INFORMATION_LEAST or det <= _INDEPENDENT_LEAST * a[0, 0] * a[1, 1] * a[2, 2])


@njit(cache=True, error_model="numpy")
def inverse(a: Floats) -> Floats:
    """Give the inverse of a symmetric 3 x 3 matrix whose determinant is not zero."""
    det = determinant(a)
    out = np.empty((3, 3))
    out[0, 0] = (a[1, 1] * a[2, 2] - a[1, 2] * a[2, 1]) / det
    out[0, 1] = (a[0, 2] * a[2, 1] - a[0, 1] * a[2, 2]) / det
    out[0, 2] = (a[0, 1] * a[1, 2] - a[0, 2] * a[1, 1]) / det
    out[1, 1] = (a[0, 0] * a[2, 2] - a[0, 2] * a[2, 0]) / det
    out[1, 2] = (a[0, 2] * a[1, 0] - a[0, 0] * a[1, 2]) / det
    out[2, 2] = (a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]) / det
    out[1, 0], out[2, 0], out[2, 1] = out[0, 1], out[0, 2], out[1, 2]
    return out


@njit(cache=True, error_model="numpy")
def _step(scene: Scene, work: Work, n: int, row: Floats) -> float:
    """Move a hypothesis by one damped Gauss-Newton step; give how far it moved, in metres."""
    normal = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))
    damping = 1.0 / (_STEP_SIGMA_M * _STEP_SIGMA_M)
    normal[0, 0] += damping
    normal[1, 1] += damping
    normal[2, 2] += 1e-3
    if fixes_nothing(normal):
        return 0.0
    change = inverse(normal) @ np.ascontiguousarray(normal[:, 3])
    length = math.sqrt(change[0] * change[0] + change[1] * change[1])
    short = min(1.0, _STEP_SIGMA_M / (length + 1e-9))
    row[EV_X] += short * change[0]
    row[EV_Y] += short * change[1]
    row[EV_T] += short * change[2]
    return length * short


@njit(cache=True, error_model="numpy")
def state_odds(scene: Scene, air: Air, work: Work, row: Floats) -> int:
    """Weigh a hypothesis where it stands: write its range, log-odds and member count; give the rows looked at."""
    n = look(scene, air, work, event_of(row), FULL_REACH_RATIO)
    log_likelihood, row[EV_RANGE] = weigh_ranges(scene, work, n)
    row[EV_COUNT], row[EV_PURITY] = weigh_members(scene, work, n, row[EV_RANGE])
    normal = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))
    if row[EV_COUNT] < 3 or fixes_nothing(normal):
        row[EV_LOG_ODDS] = -1e3
        return n
    row[EV_LOG_ODDS] = log_likelihood + row[EV_LOG_DENSITY] + 1.5 * _LOG_TWO_PI - 0.5 * math.log(determinant(normal))
    return n


@njit(cache=True, error_model="numpy")
def settle(scene: Scene, air: Air, work: Work, row: Floats, extra_s: Floats) -> int:
    """Move a hypothesis through rounds of ever narrower gates and state its odds; give the rows looked at.

    `extra_s` is what each round adds to the timing sigma, in seconds; the last weighing adds nothing.
    """
    for i in range(len(extra_s)):
        extra = extra_s[i]
        scene.theta[TH_EXTRA_S] = extra
        n = look(scene, air, work, event_of(row), _REACH_RATIO)
        if weigh_members(scene, work, n, row[EV_RANGE])[0] < 3:
            break
        moved = _step(scene, work, n, row)
        if extra == 0.0 and moved < 1.0:
            break
        if i == 0 and extra > 0.0 and len(extra_s) > 3:
            n = look(scene, air, work, event_of(row), _REACH_RATIO)
            if weigh_ranges(scene, work, n)[0] < _HOPELESS - row[EV_LOG_DENSITY]:
                row[EV_LOG_ODDS] = -1e3
                scene.theta[TH_EXTRA_S] = 0.0
                return 0
    scene.theta[TH_EXTRA_S] = 0.0
    return state_odds(scene, air, work, row)


@njit(cache=True, error_model="numpy")
def doubts(work: Work, n: int) -> tuple[float, float]:
    """Give the reduced chi-squared of n weighed rows' members, and how undecided their membership is."""
    rows, found = work.row, work.detection
    total, square, undecided = 1e-9, 0.0, 0.0
    for i in range(n):
        if found[i] < 0:
            continue
        p = rows[i, WK_PROBABILITY]
        total += p
        square += p * (rows[i, WK_RESIDUAL] / rows[i, WK_SIGMA]) ** 2
        undecided += p * (1.0 - p)
    return square / max(total - 3.0, 1.0), undecided / total
