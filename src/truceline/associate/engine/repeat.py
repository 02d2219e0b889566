"""Compiled: where there was one event there may be more; only their times are looked for.

Fire comes in missions from and to one place. With the place known to a few hundred metres, every free detection near it
says when such an event would have been; where many stations agree within a second, one is proposed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events, in_space, log_density_near
from truceline.associate.engine.free import Heard, free_near
from truceline.associate.engine.layout import (
    EV_COUNT,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    TH_SPAN_END,
    TH_SPAN_START,
    Air,
    Bools,
    Floats,
    Scene,
    Work,
)
from truceline.associate.engine.propose import mark
from truceline.associate.engine.refine import settle

_AROUND_S = 60.0
_AGREE_S = 1.0
_SAME_S = 30.0
_SAME_M = 150.0
_TIMES_COUNT = 4096
_GAIN_LEAST = 3.0
_STRONG = 12.0
_PURE = 0.8
_ANNEALING_S = np.array([0.4, 0.12, 0.0, 0.0])


@njit(cache=True, error_model="numpy")
def _unmarked(heard: Heard, n: int, marked: Bools) -> int:
    """Keep the origin times of those of n detections that are not marked, in their order; give how many."""
    kept = 0
    for i in range(n):
        if not marked[heard.detection[i]]:
            heard.origin_s[kept] = heard.origin_s[i]
            kept += 1
    return kept


@njit(cache=True, error_model="numpy")
def _agreements(times: Floats, n: int, out: Floats) -> int:
    """Write the middles of the spans in which the most origin times agree, each span used once; give how many."""
    ordered = np.sort(times[:n])
    background = n * _AGREE_S / (2.0 * _AROUND_S)
    gain = np.empty(n)
    first, until = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    j = 0
    spans = 0
    for i in range(n):
        while j < n and ordered[j] <= ordered[i] + _AGREE_S:
            j += 1
        count = j - i
        if count >= 4 and count > background:
            gain[spans] = count * math.log(count / background) - (count - background)
            if gain[spans] >= _GAIN_LEAST:
                first[spans], until[spans] = i, j
                spans += 1
    m = 0
    while m < len(out) and spans > 0:
        best = int(np.argmax(gain[:spans]))
        i, j = first[best], until[best]
        out[m] = 0.5 * (ordered[(i + j - 1) // 2] + ordered[(i + j) // 2])
        m += 1
        kept = 0
        for k in range(spans):
            if abs(ordered[first[k]] - ordered[i]) >= 1.5 * _AGREE_S:
                gain[kept], first[kept], until[kept] = gain[k], first[k], until[k]
                kept += 1
        spans = kept
    return m


@njit(cache=True, error_model="numpy")
def _is_covered(sites: Floats, used: Bools, site: int) -> bool:
    """Say whether a site lies so near one looked at already that the same times would come out."""
    for i in range(site):
        if used[i] and abs(sites[i, EV_T] - sites[site, EV_T]) < _SAME_S:
            dx, dy = sites[i, EV_X] - sites[site, EV_X], sites[i, EV_Y] - sites[site, EV_Y]
            if dx * dx + dy * dy < _SAME_M * _SAME_M:
                return True
    return False


@njit(cache=True, error_model="numpy")
def repeat(scene: Scene, air: Air, work: Work, sites: Floats, events: Events, out: Floats) -> int:
    """Fill `out` with settled hypotheses at the places of known events and other times; give how many."""
    heard = Heard(
        np.empty(_TIMES_COUNT, dtype=np.int64), np.empty(_TIMES_COUNT, dtype=np.int64), np.empty(_TIMES_COUNT)
    )
    middles = np.empty(24)
    row = np.zeros(EVENT_COLUMNS_COUNT)
    marked = np.zeros(len(scene.time_s), dtype=np.bool_)
    used = np.zeros(len(sites), dtype=np.bool_)
    ordered = in_space(events)
    count = 0
    for site in range(len(sites)):
        x, y, t, range_m = sites[site, EV_X], sites[site, EV_Y], sites[site, EV_T], sites[site, EV_RANGE]
        used[site] = not _is_covered(sites, used, site)
        if not used[site]:
            continue
        n = _unmarked(heard, free_near(scene, air, (x, y, t, range_m), _AROUND_S, heard), marked)
        if n < 4:
            continue
        found = _agreements(heard.origin_s, n, middles)
        for i in range(found):
            row[EV_X], row[EV_Y], row[EV_T], row[EV_RANGE] = x, y, middles[i], range_m
            if not scene.theta[TH_SPAN_START] - 75.0 < middles[i] < scene.theta[TH_SPAN_END]:
                continue
            row[EV_LOG_DENSITY] = log_density_near(scene, events, row, -1, ordered)
            n = settle(scene, air, work, row, _ANNEALING_S)
            if row[EV_LOG_ODDS] > 0.0 and row[EV_COUNT] >= 3 and count < len(out):
                out[count] = row
                count += 1
                if row[EV_LOG_ODDS] > _STRONG and row[EV_PURITY] > _PURE:
                    mark(work, n, marked)
    return count
