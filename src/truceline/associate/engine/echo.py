"""Sound that comes late or twice: how often something more is reported soon after an event should have been heard.

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
    STA_SLOWNESS,
    WK_DISTANCE,
    WK_TRAVEL,
    Air,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import FULL_REACH_RATIO, event_of
from truceline.associate.engine.weigh import MASKED_INDEX, curve_index, first_at, look

ECHO_STEPS_S = np.array([0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
"""Between these times after a station should have heard an event, echoes come at rates of their own."""

SURE_DEVIATIONS_COUNT = 4.0
"""Nothing is taken for an echo unless there are so many standard errors more after than before; over events, because a
round that was not found puts all its detections on one side."""

_EXPECTED_LEAST = 0.05


def echo_rates(scene: Scene, air: Air, events: Events, *, work: Work, station_of: Longs) -> Floats:
    """Give at which rate (1/s) each detection is to be expected as an echo of an event that stands.

    For every event and station the detections within 4 s of when it should have been heard count, with the probability
    that it was (by distance) and that no event makes them. Rounds that were not found come before one that was as often
    as after it, and so does clutter; echoes come after. So those after, less those before, over the arrivals expected
    and the width of a step, are the rate of echoes, of all stations alike. Zeros where echoes cannot be told from
    chance.
    """
    clutter_hz = scene.stations[station_of, STA_CLUTTER]
    free = clutter_hz / (clutter_hz + scene.detections[:, DET_EXPLAINED])
    steps_count = len(ECHO_STEPS_S) - 1
    near = np.zeros((2 * steps_count, len(free)))
    expected_count, more_count = _tally(scene, air, work, events, free, near)
    if more_count.sum() <= SURE_DEVIATIONS_COUNT * np.sqrt((more_count**2).sum()):
        return np.zeros(len(free))
    before, after = near[:steps_count], near[steps_count:]
    more = np.einsum("sd,d->s", after - before, free)
    per_s = np.maximum(more, 0.0) / (expected_count * np.diff(ECHO_STEPS_S))
    rates: Floats = np.einsum("s,sd->d", per_s, after)
    return rates


@njit(cache=True, error_model="numpy")
def _tally(scene: Scene, air: Air, work: Work, events: Events, free: Floats, near: Floats) -> tuple[float, Floats]:
    """Add to each detection how many arrivals are expected so long before or after it.

    `near` is (2 steps, detections): first those it comes before, then those it comes after. Gives how many arrivals are
    expected in all, and how many more free detections come after than before those of each event. Stations in the
    ground, which hear one event in several phases, and those that were busy are left out.
    """
    steps_count = len(ECHO_STEPS_S) - 1
    last_s = ECHO_STEPS_S[steps_count]
    total, more = 0.0, np.zeros(events.used[0])
    for e in range(events.used[0]):
        row = events.row[e]
        if row[EV_ALIVE] == 0.0:
            continue
        for i in range(look(scene, air, work, event_of(row), FULL_REACH_RATIO)):
            s = work.station[i]
            expected = scene.curve[2, curve_index(work.row[i, WK_DISTANCE], row[EV_RANGE])]
            is_left_out = work.detection[i] == MASKED_INDEX or scene.stations[s, STA_SLOWNESS] > 0.0
            if expected < _EXPECTED_LEAST or is_left_out:
                continue
            total += expected
            arrival_s = row[EV_T] + work.row[i, WK_TRAVEL]
            k = first_at(scene.time_s, scene.start[s], scene.start[s + 1], arrival_s - last_s)
            while k < scene.start[s + 1] and scene.time_s[k] < arrival_s + last_s:
                late_s = scene.time_s[k] - arrival_s
                step = np.searchsorted(ECHO_STEPS_S, abs(late_s), side="right") - 1
                if 0 <= step < steps_count:
                    near[step + (steps_count if late_s > 0.0 else 0), k] += expected
                    more[e] += free[k] * (expected if late_s > 0.0 else -expected)
                k += 1
    return total, more
