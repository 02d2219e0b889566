"""Stations that lie on one line cannot tell its two flanks apart; then both places are said."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events
from truceline.associate.engine.gather import own_rate
from truceline.associate.engine.layout import (
    EV_ALIVE,
    EV_COUNT,
    EV_LOG_ODDS,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    STA_X,
    STA_Y,
    WK_PROBABILITY,
    Air,
    Floats,
    Scene,
    Work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, event_of, settle
from truceline.associate.engine.weigh import look, weigh_members

_FLAT_RATIO = 0.15
_APART_M = 300.0
_LOG_ODDS_BEHIND_MAX = 4.0
_ROUNDS_S = np.array([0.25, 0.12, 0.05, 0.0])

ALTERNATIVE_COLUMNS = (EV_X, EV_Y, EV_T, EV_RANGE, EV_COUNT, EV_LOG_ODDS)
"""What differs between the two places of one event, in the order of the columns of `alternatives`."""
AL_X, AL_Y, _, _, _, AL_LOG_ODDS = range(len(ALTERNATIVE_COLUMNS))


@njit(cache=True, error_model="numpy")
def _axis(scene: Scene, work: Work, n: int) -> tuple[float, float, float, float, float]:
    """Give the middle, direction, and narrowness (minor over major spread) of the stations that heard an event."""
    stations = scene.stations
    total, mx, my = 1e-12, 0.0, 0.0
    for i in range(n):
        p = work.row[i, WK_PROBABILITY]
        total += p
        mx += p * stations[work.station[i], STA_X]
        my += p * stations[work.station[i], STA_Y]
    mx, my = mx / total, my / total
    xx, xy, yy = 0.0, 0.0, 0.0
    for i in range(n):
        p = work.row[i, WK_PROBABILITY]
        dx, dy = stations[work.station[i], STA_X] - mx, stations[work.station[i], STA_Y] - my
        xx += p * dx * dx
        xy += p * dx * dy
        yy += p * dy * dy
    turned = 0.5 * math.atan2(2.0 * xy, xx - yy)
    root = math.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    major, minor = 0.5 * (xx + yy) + root, max(0.5 * (xx + yy) - root, 0.0)
    return mx, my, math.cos(turned), math.sin(turned), math.sqrt(minor / (major + 1e-12))


@njit(cache=True, error_model="numpy")
def alternatives(scene: Scene, air: Air, work: Work, events: Events) -> Floats:
    """Give, by `ALTERNATIVE_COLUMNS`, the place across the stations' line that explains an event as well; or `nan`."""
    out = np.full((events.used[0], len(ALTERNATIVE_COLUMNS)), np.nan)
    for e in range(events.used[0]):
        row = events.row[e]
        if row[EV_ALIVE] == 0.0:
            continue
        own_rate(scene, events, e, -1.0)
        n = look(scene, air, work, event_of(row), FULL_REACH_RATIO)
        weigh_members(scene, work, n, row[EV_RANGE])
        mx, my, ux, uy, narrow = _axis(scene, work, n)
        if narrow < _FLAT_RATIO:
            other = row.copy()
            across = -(row[EV_X] - mx) * uy + (row[EV_Y] - my) * ux
            other[EV_X] += 2.0 * across * uy
            other[EV_Y] -= 2.0 * across * ux
            settle(scene, air, work, other, _ROUNDS_S)
            apart = math.hypot(other[EV_X] - row[EV_X], other[EV_Y] - row[EV_Y])
            if (
                apart > _APART_M
                and other[EV_COUNT] >= 3
                and other[EV_LOG_ODDS] > row[EV_LOG_ODDS] - _LOG_ODDS_BEHIND_MAX
            ):
                for column in range(len(ALTERNATIVE_COLUMNS)):
                    out[e, column] = other[ALTERNATIVE_COLUMNS[column]]
        own_rate(scene, events, e, 1.0)
    return out


def prefer_likelier(rows: Floats, other: Floats) -> None:
    """Exchange an event with its alternative, in both arrays, where the alternative is the likelier one.

    The whole solution changes places: a place with the other's time would be heard by nobody.
    """
    better = np.flatnonzero(other[:, AL_LOG_ODDS] > rows[: len(other), EV_LOG_ODDS])
    cells = better[:, None], list(ALTERNATIVE_COLUMNS)
    first = rows[cells].copy()
    rows[cells] = other[better]
    other[better] = first
