"""Compiled: which hypotheses stand together, when every detection is of one source only.

The best hypothesis is accepted first and what it explains is noted with the detections, so that the next is weighed
against clutter and the accepted events alike; accepted events are then weighed again and again against all the others.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.layout import (
    CLAIM_COUNT,
    DET_EXPLAINED,
    EV_ALIVE,
    EV_COUNT,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    TH_DENSITY,
    TH_KIN_COUNT,
    TH_KIN_SIGMA,
    TH_KIN_TIME,
    WK_DISTANCE,
    WK_ELSE_RATE,
    WK_LOG_RATIO,
    WK_PROBABILITY,
    Air,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, doubts, event_of, settle, state_odds
from truceline.associate.engine.weigh import curve_index, look, weigh_members

Ordered = tuple[Longs, Floats, int]
"""Rows of events in order of one coordinate, that coordinate (m), and its column."""

_ROUNDS_S = np.zeros(2)
_CLAIM_LEAST = 1e-3
_CHANGE_LEAST = 0.02
_KIN_TIMES_MAX = 4.0
_KIN_SIGMAS_MAX = 4.0
_MOVED_MAX_M = 1_000.0
_WHOLE = 0.92
_MERGED_S = 9.0
_MERGED_M = 3_000.0
_WIDE_S = np.array([0.4, 0.25, 0.12, 0.05, 0.0])
_GAIN_LEAST = 0.1
_MISSING = 3.0


class Events(NamedTuple):
    """Accepted events: `used[0]` of the rows, with columns as `EV_*` says, and what each claims.

    `claim[e, :claim_count[e]]` are the detections that event e claims, `rate` (1/s) what it explains of each, and
    `others` how much others explained of them when it was last weighed.
    """

    row: Floats
    claim: Longs
    rate: Floats
    claim_count: Longs
    used: Longs
    others: Floats


def new_events(most_count: int) -> Events:
    """Give room for so many events."""
    return Events(
        np.zeros((most_count, EVENT_COLUMNS_COUNT)),
        np.zeros((most_count, CLAIM_COUNT), dtype=np.int64),
        np.zeros((most_count, CLAIM_COUNT)),
        np.zeros(most_count, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.full(most_count, -1.0),
    )


@njit(cache=True, error_model="numpy")
def release(scene: Scene, events: Events, e: int) -> None:
    """Take what event e explains out of `explained`."""
    for i in range(events.claim_count[e]):
        k = events.claim[e, i]
        scene.detections[k, DET_EXPLAINED] = max(0.0, scene.detections[k, DET_EXPLAINED] - events.rate[e, i])
    events.claim_count[e] = 0


@njit(cache=True, error_model="numpy")
def claim(scene: Scene, events: Events, e: int, work: Work, n: int) -> None:
    """Write what event e explains into `explained`, from the rows it was weighed on."""
    m = 0
    for i in range(n):
        if work.detection[i] < 0 or work.row[i, WK_PROBABILITY] < _CLAIM_LEAST or m == CLAIM_COUNT:
            continue
        step = curve_index(work.row[i, WK_DISTANCE], events.row[e, EV_RANGE])
        events.claim[e, m] = work.detection[i]
        events.rate[e, m] = scene.curve[2, step] * math.exp(work.row[i, WK_LOG_RATIO]) * work.row[i, WK_ELSE_RATE]
        scene.detections[work.detection[i], DET_EXPLAINED] += events.rate[e, m]
        m += 1
    events.claim_count[e] = m


@njit(cache=True, error_model="numpy")
def _kin(theta: Floats, row: Floats, x: float, y: float, t: float) -> float:
    """Give how much likelier one event makes another at a place and time, before `TH_KIN_COUNT`."""
    variance, time = theta[TH_KIN_SIGMA] ** 2, theta[TH_KIN_TIME]
    dt = abs(row[EV_T] - t)
    if dt > _KIN_TIMES_MAX * time or row[EV_ALIVE] == 0.0:
        return 0.0
    square = (row[EV_X] - x) ** 2 + (row[EV_Y] - y) ** 2
    return math.exp(-0.5 * square / variance - dt / time) if square < _KIN_SIGMAS_MAX**2 * variance else 0.0


@njit(cache=True, error_model="numpy")
def _log_density(theta: Floats, total: float) -> float:
    variance, time = theta[TH_KIN_SIGMA] ** 2, theta[TH_KIN_TIME]
    total *= theta[TH_KIN_COUNT] / (2.0 * math.pi * variance * 2.0 * time)
    return math.log(theta[TH_DENSITY] + total)


@njit(cache=True, error_model="numpy")
def log_density(scene: Scene, events: Events, row: Floats, own: int) -> float:
    """Give the logarithm of how many events (1/m2/s) are to be expected at a place and time: everywhere, and near kin.

    Fire comes in missions (Neyman and Scott 1958): each accepted event makes others near it, within `TH_KIN_SIGMA` and
    a double-exponential `TH_KIN_TIME`, likelier.
    """
    total = 0.0
    for e in range(events.used[0]):
        if e != own:
            total += _kin(scene.theta, events.row[e], row[EV_X], row[EV_Y], row[EV_T])
    return _log_density(scene.theta, total)


@njit(cache=True, error_model="numpy")
def in_space(events: Events) -> Ordered:
    """Give the standing events in order of x or of y, of which they spread more, their places (m), and its column."""
    standing = np.flatnonzero(events.row[: events.used[0], EV_ALIVE] > 0.0)
    column = EV_X
    if len(standing) and np.ptp(events.row[standing, EV_Y]) > np.ptp(events.row[standing, EV_X]):
        column = EV_Y
    places = events.row[standing, column]
    order = np.argsort(places, kind="mergesort")
    return standing[order], places[order], column


@njit(cache=True, error_model="numpy")
def _kin_near(scene: Scene, events: Events, row: Floats, own: int, ordered: Ordered) -> float:
    """Give how much likelier the events that stood near make another, before `TH_KIN_COUNT`."""
    order, places, column = ordered
    reach_m = _KIN_SIGMAS_MAX * scene.theta[TH_KIN_SIGMA] + _MOVED_MAX_M
    total = 0.0
    for i in range(np.searchsorted(places, row[column] - reach_m), len(places)):
        if places[i] > row[column] + reach_m:
            break
        if order[i] != own:
            total += _kin(scene.theta, events.row[order[i]], row[EV_X], row[EV_Y], row[EV_T])
    return total


@njit(cache=True, error_model="numpy")
def log_density_near(scene: Scene, events: Events, row: Floats, own: int, ordered: Ordered) -> float:
    """Give `log_density`, asking only those events that stood near when `in_space` put them in order.

    One that has moved by more than `_MOVED_MAX_M` since may be missed.
    """
    return _log_density(scene.theta, _kin_near(scene, events, row, own, ordered))


@njit(cache=True, error_model="numpy")
def accept(
    scene: Scene, air: Air, work: Work, events: Events, proposals: Floats, order: Longs, least: tuple[float, float]
) -> int:
    """Accept proposals in the given order, each weighed against all accepted before it; give how many were."""
    accepted = 0
    ordered, before = in_space(events), events.used[0]
    for p in order:
        if events.used[0] == len(events.row):
            break
        row = proposals[p].copy()
        kin = _kin_near(scene, events, row, -1, ordered)
        for e in range(before, events.used[0]):
            kin += _kin(scene.theta, events.row[e], row[EV_X], row[EV_Y], row[EV_T])
        row[EV_LOG_DENSITY] = _log_density(scene.theta, kin)
        n = settle(scene, air, work, row, _ROUNDS_S)
        if row[EV_LOG_ODDS] < least[0] or row[EV_PURITY] < least[1] or row[EV_COUNT] < 3:
            continue
        e = events.used[0]
        events.row[e] = row
        events.row[e, EV_ALIVE] = 1.0
        events.used[0] += 1
        events.others[e] = -1.0
        claim(scene, events, e, work, n)
        accepted += 1
    return accepted


@njit(cache=True, error_model="numpy")
def _others_rate(scene: Scene, events: Events, e: int) -> float:
    """Give how much of what event e claims is explained by others, as a sum of rates against clutter-like ones."""
    detections = scene.detections
    total = 0.0
    for i in range(events.claim_count[e]):
        others = max(detections[events.claim[e, i], DET_EXPLAINED] - events.rate[e, i], 0.0)
        total += others / (0.1 + others)
    return total


@njit(cache=True, error_model="numpy")
def polish(scene: Scene, air: Air, work: Work, events: Events, least: float, everything: bool) -> int:
    """Weigh accepted events anew against all the others, move them, and drop those below the least log-odds.

    All of them, or only those for which what others explain has changed since they were last weighed; give how many
    were dropped.
    """
    dropped = 0
    ordered = in_space(events)
    for e in range(events.used[0]):
        if events.row[e, EV_ALIVE] == 0.0:
            continue
        if not everything and abs(_others_rate(scene, events, e) - events.others[e]) < _CHANGE_LEAST:
            continue
        release(scene, events, e)
        row = events.row[e]
        row[EV_LOG_DENSITY] = log_density_near(scene, events, row, e, ordered)
        n = settle(scene, air, work, row, _ROUNDS_S)
        if row[EV_LOG_ODDS] < least or row[EV_COUNT] < 3:
            row[EV_ALIVE] = 0.0
            dropped += 1
        else:
            claim(scene, events, e, work, n)
            events.others[e] = _others_rate(scene, events, e)
    return dropped


@njit(cache=True, error_model="numpy")
def _from_elsewhere(
    scene: Scene,
    air: Air,
    work: Work,
    events: Events,
    e: int,
    away: tuple[Floats, Floats],
    ordered: Ordered,
) -> bool:
    """Move event e to the likeliest place where it comes to rest, begun at each of some steps (x, y, t) away."""
    (steps, extra_s), row = away, events.row[e]
    best = row.copy()
    for i in range(len(steps)):
        other = row.copy()
        other[EV_X] += steps[i, 0]
        other[EV_Y] += steps[i, 1]
        other[EV_T] += steps[i, 2]
        settle(scene, air, work, other, extra_s)
        density = log_density_near(scene, events, other, e, ordered)
        other[EV_LOG_ODDS] += density - other[EV_LOG_DENSITY]
        other[EV_LOG_DENSITY] = density
        if other[EV_LOG_ODDS] > best[EV_LOG_ODDS]:
            best = other
    if best[EV_LOG_ODDS] <= row[EV_LOG_ODDS] + _GAIN_LEAST:
        return False
    row[:] = best
    return True


@njit(cache=True, error_model="numpy")
def reconsider(scene: Scene, air: Air, work: Work, events: Events, away: tuple[Floats, Floats, float]) -> int:
    """Look for a likelier place of every event that fits badly or misses detections; give how many were moved.

    Each is stated anew; those whose log odds have changed are weighed again by the next `polish`, which may drop them.
    `away` has the steps (k, 3) in metres and seconds from which to begin, what each round of settling adds to the
    timing sigma (s), and from which doubt on (ln max(chi2, 1) + 3 (1 - purity)). Under heavy fire an event
    may have come to rest on the detections of a neighbour not known then.
    """
    moved = 0
    ordered = in_space(events)
    for e in range(events.used[0]):
        if events.row[e, EV_ALIVE] == 0.0:
            continue
        release(scene, events, e)
        row = events.row[e]
        before = row[EV_LOG_ODDS]
        row[EV_LOG_DENSITY] = log_density_near(scene, events, row, e, ordered)
        n = state_odds(scene, air, work, row)
        doubt = math.log(max(doubts(work, n)[0], 1.0)) + _MISSING * max(0.0, 1.0 - row[EV_PURITY])
        if doubt > away[2]:
            moved += _from_elsewhere(scene, air, work, events, e, away[:2], ordered)
            n = state_odds(scene, air, work, row)
        if abs(row[EV_LOG_ODDS] - before) > _GAIN_LEAST:
            events.others[e] = -1.0
        claim(scene, events, e, work, n)
    return moved


@njit(cache=True, error_model="numpy")
def merge(scene: Scene, air: Air, work: Work, events: Events, order: Longs) -> int:
    """Try to explain two close events as one; give how many were merged."""
    merged = 0
    for b in order:
        if events.row[b, EV_ALIVE] == 0.0:
            continue
        for a in range(events.used[0]):
            if a == b or events.row[a, EV_ALIVE] == 0.0 or events.row[a, EV_LOG_ODDS] < events.row[b, EV_LOG_ODDS]:
                continue
            dt = abs(events.row[a, EV_T] - events.row[b, EV_T])
            if dt > _MERGED_S or (events.row[a, EV_PURITY] > _WHOLE and events.row[b, EV_PURITY] > _WHOLE):
                continue
            dx = events.row[a, EV_X] - events.row[b, EV_X]
            dy = events.row[a, EV_Y] - events.row[b, EV_Y]
            if dx * dx + dy * dy > _MERGED_M * _MERGED_M:
                continue
            if _merge_pair(scene, air, work, events, a, b):
                merged += 1
                break
    return merged


@njit(cache=True, error_model="numpy")
def _merge_pair(scene: Scene, air: Air, work: Work, events: Events, a: int, b: int) -> bool:
    release(scene, events, b)
    release(scene, events, a)
    events.row[b, EV_ALIVE] = 0.0
    row = events.row[a].copy()
    row[EV_LOG_DENSITY] = log_density(scene, events, row, a)
    n = settle(scene, air, work, row, _ROUNDS_S[:0])
    before = row[EV_LOG_ODDS]
    n = settle(scene, air, work, row, _WIDE_S)
    if row[EV_LOG_ODDS] > before + events.row[b, EV_LOG_ODDS]:
        events.row[a] = row
        claim(scene, events, a, work, n)
        return True
    events.row[b, EV_ALIVE] = 1.0
    n = look(scene, air, work, event_of(events.row[a]), FULL_REACH_RATIO)
    weigh_members(scene, work, n, events.row[a, EV_RANGE])
    claim(scene, events, a, work, n)
    n = look(scene, air, work, event_of(events.row[b]), FULL_REACH_RATIO)
    weigh_members(scene, work, n, events.row[b, EV_RANGE])
    claim(scene, events, b, work, n)
    return False
