"""Stations with a wrong clock: found by what they said around strong events, corrected, and reported."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events
from truceline.associate.engine.layout import (
    EV_ALIVE,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    STA_SLOWNESS,
    STA_WEIGHT,
    STA_X,
    STA_Y,
    TH_SPAN_END,
    TH_SPAN_START,
    Air,
    Floats,
    Longs,
    Scene,
)
from truceline.associate.engine.sound import air_at, travel_s
from truceline.associate.engine.weigh import cell_of, first_at

OFFSET_MAX_S = 4.0
"""Clocks more wrong than this are not found."""

_NEAR_RATIO = 0.65
_STRONG_LEAST = 15.0
_PURE_LEAST = 0.85
_WINDOW_S = 0.5
_EXPECTED_LEAST = 4.0
_HIT_SHARE_MAX = 0.55
_AGREE_SHARE_LEAST = 0.5
_GAIN_LEAST = 7.0
_SIGMAS_LEAST = 3.0


@njit(cache=True, error_model="numpy")
def residuals_around(scene: Scene, air: Air, events: Events, station: Longs, off_s: Floats, expected: Floats) -> int:
    """Write (station, residual) of every detection within `OFFSET_MAX_S` of what strong events led one to expect.

    `expected[s]` counts for how many events station s was surely near enough; gives how many rows were written.
    """
    stations, start, time_s = scene.stations, scene.start, scene.time_s
    index = scene.lookup.station
    rows = events.row
    n = 0
    for e in range(events.used[0]):
        if rows[e, EV_ALIVE] == 0.0 or rows[e, EV_LOG_ODDS] < _STRONG_LEAST or rows[e, EV_PURITY] < _PURE_LEAST:
            continue
        x, y, t = rows[e, EV_X], rows[e, EV_Y], rows[e, EV_T]
        reach = _NEAR_RATIO * rows[e, EV_RANGE]
        cell = cell_of(scene.lookup, x, y)
        for place in range(scene.lookup.start[cell], scene.lookup.start[cell + 1]):
            s = index[place]
            dx, dy = stations[s, STA_X] - x, stations[s, STA_Y] - y
            if dx * dx + dy * dy > reach * reach or stations[s, STA_SLOWNESS] > 0.0 or stations[s, STA_WEIGHT] == 0.0:
                continue
            predicted = t + travel_s(dx, dy, air_at(air, x + 0.5 * dx, y + 0.5 * dy, t))
            if (
                predicted < scene.theta[TH_SPAN_START] + OFFSET_MAX_S
                or predicted > scene.theta[TH_SPAN_END] - OFFSET_MAX_S
            ):
                continue
            expected[s] += 1.0
            k = first_at(time_s, start[s], start[s + 1], predicted - OFFSET_MAX_S)
            while k < start[s + 1] and time_s[k] <= predicted + OFFSET_MAX_S and n < len(off_s):
                station[n] = s
                off_s[n] = time_s[k] - predicted
                n += 1
                k += 1
    return n


def find_clock_offsets(scene: Scene, air: Air, events: Events) -> tuple[Floats, Floats]:
    """Give each station's clock offset and its sigma in seconds: 0 and `nan` where nothing speaks for a wrong clock.

    A clock is wrong where few detections stand at the expected time and many agree on another: at least half of what
    was expected, more than chance by `_GAIN_LEAST` nats (Poisson against the station's rate), and off by three sigmas.
    """
    count = len(scene.stations)
    offset_s, sigma_s = np.zeros(count), np.full(count, np.nan)
    station = np.zeros(200 * count + 1000, dtype=np.int64)
    off_s = np.zeros(len(station))
    expected = np.zeros(count)
    n = residuals_around(scene, air, events, station, off_s, expected)
    order = np.argsort(station[:n], kind="stable")
    station, off_s = station[:n][order], off_s[:n][order]
    hits = np.bincount(station[np.abs(off_s) < 0.5 * _WINDOW_S], minlength=count)
    doubtful = np.flatnonzero((expected >= _EXPECTED_LEAST) & (hits < _HIT_SHARE_MAX * expected))
    for s in doubtful:
        own = np.sort(off_s[np.searchsorted(station, s) : np.searchsorted(station, s + 1)])
        agreeing = _largest_agreement(own)
        chance = max(len(own) - len(agreeing), 1) * _WINDOW_S / (2.0 * OFFSET_MAX_S)
        if len(agreeing) < max(_AGREE_SHARE_LEAST * expected[s], 3.0) or len(agreeing) <= hits[s]:
            continue
        gain = len(agreeing) * math.log(len(agreeing) / chance) - len(agreeing) + chance
        offset = float(np.median(agreeing))
        sigma = max(float(np.std(agreeing)), 0.05) / math.sqrt(len(agreeing))
        if gain > _GAIN_LEAST and abs(offset) > _SIGMAS_LEAST * sigma:
            offset_s[s], sigma_s[s] = offset, sigma
    return offset_s, sigma_s


def _largest_agreement(ordered: Floats) -> Floats:
    """Give the most values that lie within one window of each other."""
    if not len(ordered):
        return ordered
    until = np.searchsorted(ordered, ordered + _WINDOW_S, side="right")
    first = int(np.argmax(until - np.arange(len(ordered))))
    return ordered[first : until[first]]
