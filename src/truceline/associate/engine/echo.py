"""Sound that comes late or twice: how often a station reports something soon after it should have heard an event.

Ground, hills and buildings send the sound of one explosion to a station again, or bring it late, up to seconds, and
detectors open anew. Now and then what a few stations hear so agrees on a second explosion that never was.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events
from truceline.associate.engine.layout import (
    DET_EXPLAINED,
    EV_ALIVE,
    EV_RANGE,
    EV_T,
    STA_CLUTTER,
    WK_DISTANCE,
    WK_TRAVEL,
    Air,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, event_of
from truceline.associate.engine.weigh import curve_index, first_at, look

ECHO_STEPS_S = np.array([0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
"""Between these times after a station should have heard an event, echoes come at rates of their own."""

SURE_DEVIATIONS = 4.0
"""Nothing is taken for an echo unless there are so many standard errors more after than before."""

_EXPECTED_LEAST = 0.05


def echo_rates(scene: Scene, air: Air, work: Work, events: Events, station_of: Longs) -> Floats:
    """Give at which rate (1/s) each detection is to be expected as an echo of an event that stands.

    For every event and station the detections within 4 s of when it should have been heard count, with the probability
    that it was (by distance) and that no event makes them. Rounds that were not found come before one that was as often
    as after it, and so does clutter; echoes come after. So those after, less those before, over the arrivals expected
    and the width of a step, are the rate of echoes. Zeros where they cannot be told from chance.
    """
    clutter_hz = scene.stations[station_of, STA_CLUTTER]
    free = clutter_hz / (clutter_hz + scene.detections[:, DET_EXPLAINED])
    steps_count = len(ECHO_STEPS_S) - 1
    near = np.zeros((2 * steps_count, len(free)))
    expected_count = _tally(scene, air, work, events, near)
    before, after = near[:steps_count], near[steps_count:]
    more = free * (after.sum(axis=0) - before.sum(axis=0))
    if more.sum() <= SURE_DEVIATIONS * np.sqrt((more**2).sum()):
        return np.zeros(len(free))
    per_s = np.maximum((after - before) @ free, 0.0) / (expected_count * np.diff(ECHO_STEPS_S))
    rates: Floats = per_s @ after
    return rates


@njit(cache=True, error_model="numpy")
def _tally(scene: Scene, air: Air, work: Work, events: Events, near: Floats) -> float:
    """Add to each detection how many arrivals are expected so long before or after it; give how many in all.

    `near` is (2 steps, detections): first those it comes before, then those it comes after.
    """
    steps_count = len(ECHO_STEPS_S) - 1
    last_s = ECHO_STEPS_S[steps_count]
    total = 0.0
    for e in range(events.used[0]):
        row = events.row[e]
        if row[EV_ALIVE] == 0.0:
            continue
        for i in range(look(scene, air, work, event_of(row), FULL_REACH_RATIO)):
            expected = scene.curve[2, curve_index(work.row[i, WK_DISTANCE], row[EV_RANGE])]
            if expected < _EXPECTED_LEAST:
                continue
            total += expected
            arrival_s = row[EV_T] + work.row[i, WK_TRAVEL]
            s = work.station[i]
            k = first_at(scene.time_s, scene.start[s], scene.start[s + 1], arrival_s - last_s)
            while k < scene.start[s + 1] and scene.time_s[k] < arrival_s + last_s:
                late_s = scene.time_s[k] - arrival_s
                step = np.searchsorted(ECHO_STEPS_S, abs(late_s), side="right") - 1
                if 0 <= step < steps_count:
                    near[step + (steps_count if late_s > 0.0 else 0), k] += expected
                k += 1
    return total
