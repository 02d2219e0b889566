"""What neighbouring paths err in common: found in products of residuals, and what it adds to an event's covariance.

The timing error s^2 = (a sigma)^2 + (kappa T)^2 is taken for every path's own. Where the air has structure that its
nodes do not follow, stations that lie near each other err alike, and their errors do not average out. The errors of
paths i and j then have the covariance

    share^2 T_i T_j rho_ij,    rho_ij = exp(-d_ij^2 / (2 length^2))    or    n_i.n_j exp(-d_ij^2 / (2 length^2)),

d the distance of the two stations, n the fronts' normals: the first is a speed that is off (temperature, hills), the
second a wind. Residuals that a fit leaves are e - P e with P = J H^-1 J'W, so the mean of their products is known for
every share and length (generalised moments, Hansen 1982). What is found widens by H^-1 J'W S W J H^-1 (White 1980).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events
from truceline.associate.engine.gather import own_rate
from truceline.associate.engine.layout import (
    EV_RANGE,
    EV_X,
    EV_Y,
    STA_SLOWNESS,
    STA_X,
    STA_Y,
    WK_DT,
    WK_DX,
    WK_DY,
    WK_PROBABILITY,
    WK_RESIDUAL,
    WK_SIGMA,
    WK_TRAVEL,
    Air,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, event_of, inverse, is_singular, normal_equations
from truceline.associate.engine.weigh import look, weigh_members

LENGTHS_COUNT = 4
"""Lengths that are asked about, each half of the one before."""

LENGTH_MAX_M = 24_000.0
"""The longest of them; errors alike over more than that are the air's on its nodes."""

_SURE_SIGMAS = 4.0
"""So many standard errors must the best length's estimate have, of eight that are tried; else nothing is shared."""

SHARE_MAX_RATIO = 0.05
"""An error in common above 5 % of the travel time is no error of the air."""

EVENTS_LEAST_COUNT = 30
"""With fewer events nothing is learnt of errors in common."""

_KINDS_COUNT = 2
_SURE_MEMBER = 0.5
_RESIDUAL_SIGMAS_MAX = 3.0
_MEMBERS_LEAST_COUNT = 8
_MEMBERS_MOST_COUNT = 96


class SharedError(NamedTuple):
    """What paths err in common: a share of the travel time (0 for nothing), its length, and whether it is a wind's."""

    share_ratio: float
    length_m: float
    is_wind: bool


NOTHING_SHARED = SharedError(0.0, LENGTH_MAX_M, False)
"""Every path errs for itself."""


@njit(cache=True, error_model="numpy")
def _members(scene: Scene, work: Work, n: int, least: float, sigmas: float, out: Floats) -> int:
    """Write (x, y, T, J_x, J_y, n_x, n_y, sigma, weight, residual) of members that sound reached; give how many."""
    m = 0
    for i in range(n):
        p, s = work.row[i, WK_PROBABILITY], work.row[i, WK_SIGMA]
        station = work.station[i]
        if work.detection[i] < 0 or p <= least or scene.stations[station, STA_SLOWNESS] > 0.0 or m == len(out):
            continue
        if abs(work.row[i, WK_RESIDUAL]) > sigmas * s:
            continue
        out[m, 0], out[m, 1] = scene.stations[station, STA_X], scene.stations[station, STA_Y]
        out[m, 2], out[m, 3], out[m, 4] = work.row[i, WK_TRAVEL], work.row[i, WK_DX], work.row[i, WK_DY]
        out[m, 5], out[m, 6] = work.row[i, WK_DX] * work.row[i, WK_DT], work.row[i, WK_DY] * work.row[i, WK_DT]
        out[m, 7], out[m, 8], out[m, 9] = s, p / (s * s), work.row[i, WK_RESIDUAL]
        m += 1
    return m


@njit(cache=True, error_model="numpy")
def _likeness(a: Floats, b: Floats, length_m: float) -> float:
    """Give exp(-d^2 / (2 length^2)) of two members' stations."""
    square = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2
    return math.exp(-0.5 * square / (length_m * length_m))


@njit(cache=True, error_model="numpy")
def _surplus(rows: Floats, m: int, gain: Floats, out: Floats) -> None:
    """Write products of residuals over both sigmas, less what they would be on average if every path erred for itself.

    `gain` (3, m) is H^-1 J'W; only pairs with i > j are written.
    """
    own = np.zeros((3, 3))
    for i in range(m):
        for k in range(3):
            for j in range(3):
                own[k, j] += gain[k, i] * rows[i, 7] * rows[i, 7] * gain[j, i]
    for i in range(m):
        si, xi, yi = rows[i, 7], rows[i, 3], rows[i, 4]
        a = own[0, 0] * xi + own[0, 1] * yi + own[0, 2]
        b = own[1, 0] * xi + own[1, 1] * yi + own[1, 2]
        c = own[2, 0] * xi + own[2, 1] * yi + own[2, 2]
        for j in range(i):
            sj, xj, yj = rows[j, 7], rows[j, 3], rows[j, 4]
            alone = a * xj + b * yj + c
            alone -= (xi * gain[0, j] + yi * gain[1, j] + gain[2, j]) * sj * sj
            alone -= (xj * gain[0, i] + yj * gain[1, i] + gain[2, i]) * si * si
            out[i, j] = (rows[i, 9] * rows[j, 9] - alone) / (si * sj)


@njit(cache=True, error_model="numpy")
def _moments(rows: Floats, m: int, gain: Floats, kernel: Floats, surplus: Floats) -> tuple[float, float]:
    """Give the sums of predicted x observed and predicted^2 over pairs of members, in units of their sigmas.

    `kernel` (m, m) is the covariance that a share of 1 would have; predicted is what a fit leaves of it.
    """
    half = np.zeros((3, m))
    whole = np.zeros((3, 3))
    for i in range(m):
        for j in range(m):
            k = kernel[i, j]
            half[0, i] += k * gain[0, j]
            half[1, i] += k * gain[1, j]
            half[2, i] += k * gain[2, j]
    for i in range(m):
        for k in range(3):
            for j in range(3):
                whole[k, j] += half[k, i] * gain[j, i]
    top, bottom = 0.0, 0.0
    for i in range(m):
        xi, yi = rows[i, 3], rows[i, 4]
        a = whole[0, 0] * xi + whole[1, 0] * yi + whole[2, 0] - half[0, i]
        b = whole[0, 1] * xi + whole[1, 1] * yi + whole[2, 1] - half[1, i]
        c = whole[0, 2] * xi + whole[1, 2] * yi + whole[2, 2] - half[2, i]
        for j in range(i):
            predicted = kernel[i, j] + a * rows[j, 3] + b * rows[j, 4] + c
            predicted -= xi * half[0, j] + yi * half[1, j] + half[2, j]
            predicted /= rows[i, 7] * rows[j, 7]
            top += predicted * surplus[i, j]
            bottom += predicted * predicted
    return top, bottom


class _Room(NamedTuple):
    """Room for one event: its members, H^-1 J'W, and matrices over pairs of members."""

    rows: Floats
    gain: Floats
    surplus: Floats
    near: Floats
    kernel: Floats


@njit(cache=True, error_model="numpy")
def _weigh_event(scene: Scene, work: Work, n: int, row: Floats, room: _Room) -> int:
    """Write an event's members, its gain and its members' surplus into the room; give how many, 0 for too few."""
    rows, gain = room.rows, room.gain
    weigh_members(scene, work, n, row[EV_RANGE])
    normal = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))
    m = _members(scene, work, n, _SURE_MEMBER, _RESIDUAL_SIGMAS_MAX, rows)
    if m < _MEMBERS_LEAST_COUNT or is_singular(normal):
        return 0
    cov = inverse(normal)
    fit = cov @ np.ascontiguousarray(normal[:, 3])
    for i in range(m):
        rows[i, 9] -= rows[i, 3] * fit[0] + rows[i, 4] * fit[1] + fit[2]
        for k in range(3):
            gain[k, i] = (cov[k, 0] * rows[i, 3] + cov[k, 1] * rows[i, 4] + cov[k, 2]) * rows[i, 8]
    _surplus(rows, m, gain, room.surplus)
    return m


@njit(cache=True, error_model="numpy")
def _fill_kernel(room: _Room, m: int, is_wind: bool) -> None:
    """Write what a share of 1 would make members' errors covary, zero on the diagonal."""
    rows, near, kernel = room.rows, room.near, room.kernel
    for i in range(m):
        kernel[i, i] = 0.0
        for j in range(i):
            along = rows[i, 5] * rows[j, 5] + rows[i, 6] * rows[j, 6] if is_wind else 1.0
            kernel[i, j] = near[i, j] * along * rows[i, 2] * rows[j, 2]
            kernel[j, i] = kernel[i, j]


@njit(cache=True, error_model="numpy")
def tally_sharing(scene: Scene, air: Air, work: Work, events: Events, teachers: Longs) -> Floats:
    """Give, per event and candidate (lengths, then kinds), the sums of predicted x observed and predicted^2.

    Shape (n, lengths x kinds, 2); zeros for events with too few members.
    """
    out = np.zeros((len(teachers), LENGTHS_COUNT * _KINDS_COUNT, 2))
    most = _MEMBERS_MOST_COUNT
    square = (most, most)
    room = _Room(np.zeros((most, 10)), np.zeros((3, most)), np.zeros(square), np.zeros(square), np.zeros(square))
    for number in range(len(teachers)):
        row = events.row[teachers[number]]
        own_rate(scene, events, teachers[number], -1.0)
        n = look(scene, air, work, event_of(row), FULL_REACH_RATIO)
        own_rate(scene, events, teachers[number], 1.0)
        m = _weigh_event(scene, work, n, row, room)
        for i in range(m):
            for j in range(i):
                room.near[i, j] = _likeness(room.rows[i], room.rows[j], LENGTH_MAX_M)
        for candidate in range(LENGTHS_COUNT * _KINDS_COUNT):
            if candidate > 0 and candidate % _KINDS_COUNT == 0:
                for i in range(m):
                    for j in range(i):
                        room.near[i, j] = room.near[i, j] ** 4
            _fill_kernel(room, m, candidate % _KINDS_COUNT == 1)
            top, bottom = _moments(room.rows, m, room.gain, room.kernel, room.surplus)
            out[number, candidate, 0], out[number, candidate, 1] = top, bottom
    return out


def shared_error(sums: Floats) -> SharedError:
    """Give what events' sums say that paths err in common: the surest length and kind, or nothing.

    `sums` is as `tally_sharing` gives it. The standard error is over events, so it holds whatever their members share.
    """
    top, bottom = sums[:, :, 0], sums[:, :, 1]
    if (bottom[:, 0] > 0.0).sum() < EVENTS_LEAST_COUNT:
        return NOTHING_SHARED
    square = top.sum(axis=0) / np.maximum(bottom.sum(axis=0), 1e-30)
    error = np.sqrt(((top - square * bottom) ** 2).sum(axis=0)) / np.maximum(bottom.sum(axis=0), 1e-30)
    sigmas = square / np.maximum(error, 1e-30)
    best = int(np.argmax(sigmas))
    if not sigmas[best] > _SURE_SIGMAS:
        return NOTHING_SHARED
    step, kind = divmod(best, _KINDS_COUNT)
    return SharedError(min(float(np.sqrt(square[best])), SHARE_MAX_RATIO), LENGTH_MAX_M * 0.5**step, bool(kind))


@njit(cache=True, error_model="numpy")
def add_shared(scene: Scene, work: Work, n: int, cov: Floats, shared: SharedError, total: Floats) -> None:
    """Add H^-1 J'W S W J H^-1 to a covariance of (x, y, t), S what n weighed rows err in common; `cov` is H^-1."""
    if shared.share_ratio == 0.0:
        return
    rows = np.zeros((n, 10))
    m = _members(scene, work, n, 0.05, np.inf, rows)
    middle = np.zeros((3, 3))
    for i in range(m):
        ji = (rows[i, 3], rows[i, 4], 1.0)
        for j in range(m):
            jj = (rows[j, 3], rows[j, 4], 1.0)
            along = rows[i, 5] * rows[j, 5] + rows[i, 6] * rows[j, 6] if shared.is_wind else 1.0
            like = _likeness(rows[i], rows[j], shared.length_m) * along * rows[i, 2] * rows[j, 2]
            both = like * rows[i, 8] * rows[j, 8] * shared.share_ratio**2
            for a in range(3):
                for b in range(3):
                    middle[a, b] += ji[a] * both * jj[b]
    total += cov @ middle @ cov
