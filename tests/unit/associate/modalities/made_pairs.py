"""Made pairs of events and observers for the tests of modalities: columns of equal length, in a plane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from truceline.associate.modalities.term import Coverage, States, Term

Floats = NDArray[np.float64]


def states_of(x_m: Floats, y_m: Floats, time_s: Floats, *, wind_x_m_per_s: float = 0.0) -> States:
    """Give states heard to 10 km in air of 340 m/s, with a wind to the east."""
    whole = np.ones(len(x_m))
    return States(
        np.asarray(x_m, dtype=np.float64),
        np.asarray(y_m, dtype=np.float64),
        np.asarray(time_s, dtype=np.float64),
        10_000.0 * whole,
        340.0 * whole,
        wind_x_m_per_s * whole,
        0.0 * whole,
        0.004 * whole,
    )


def coverage_of(x_m: Floats, y_m: Floats, *, background_rate: float = 0.01, range_m: float = np.nan) -> Coverage:
    """Give observers who watch for a day and notice nine in ten of what is near."""
    whole = np.ones(len(x_m))
    return Coverage(
        x_m=np.asarray(x_m, dtype=np.float64),
        y_m=np.asarray(y_m, dtype=np.float64),
        time_low_s=-1_000.0 * whole,
        time_high_s=86_400.0 * whole,
        detection_probability=0.9 * whole,
        range_m=range_m * whole,
        dead_time_s=0.3 * whole,
        background_rate=background_rate * whole,
        region_index=np.full(len(x_m), -1, dtype=np.int64),
    )


def moved(states: States, step: tuple[float, float, float]) -> States:
    """Give states moved by x, y and time."""
    return states._replace(x_m=states.x_m + step[0], y_m=states.y_m + step[1], time_s=states.time_s + step[2])


def gradient_error(compare: Callable[[States], Term], states: States) -> float:
    """Give by how much gradients differ from differences of the log ratios, relative to their size."""
    term = compare(states)
    worst = 0.0
    for axis, size in enumerate((0.05, 0.05, 1e-4)):
        step = [0.0, 0.0, 0.0]
        step[axis] = size
        ahead = compare(moved(states, (step[0], step[1], step[2]))).log_ratio
        back = compare(moved(states, (-step[0], -step[1], -step[2]))).log_ratio
        finite = np.isfinite(term.log_ratio)
        measured = (ahead[finite] - back[finite]) / (2.0 * size)
        given = term.gradient[..., axis][finite]
        scale = np.maximum(np.abs(given), 1e-3 if axis == 2 else 1e-5)
        worst = max(worst, float((np.abs(measured - given) / scale).max(initial=0.0)))
    return worst
