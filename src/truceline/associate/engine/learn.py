"""What a window's own events teach: timing errors, detection curve, ranges, amplitudes, clutter, and how fire comes.

Each estimate starts from its prior and moves only as far as there are events to move it (empirical Bayes); what was
learnt stands in `Scene.theta`, `Scene.curve`, `Scene.log_range` and the stations' clutter rates.
"""

from __future__ import annotations

import math

import numpy as np

from truceline.associate.engine.accept import Events
from truceline.associate.engine.gather import (
    ME_AMPLITUDE,
    ME_DISTANCE,
    ME_LEVERAGE,
    ME_NOMINAL,
    ME_PROBABILITY,
    ME_RANGE,
    ME_RESIDUAL,
    ME_TRAVEL,
)
from truceline.associate.engine.layout import (
    CURVE_COUNT,
    CURVE_STEP_RATIO,
    DET_AMPLITUDE,
    DET_EXPLAINED,
    EV_ALIVE,
    EV_LOG_ODDS,
    EV_T,
    EV_X,
    EV_Y,
    RANGE_COUNT,
    STA_CLUTTER,
    STA_FREE_RATE,
    STA_WEIGHT,
    TH_AMPLITUDE_LEVEL,
    TH_AMPLITUDE_ON,
    TH_AMPLITUDE_SIGMA,
    TH_AMPLITUDE_SLOPE,
    TH_CLUTTER_LEVEL,
    TH_CLUTTER_SIGMA,
    TH_DENSITY,
    TH_EDGE,
    TH_GATE,
    TH_KAPPA,
    TH_KIN_COUNT,
    TH_KIN_SIGMA,
    TH_KIN_TIME,
    TH_OF_ARRAYS,
    TH_PD,
    TH_SIGMA_RATIO,
    Floats,
    Longs,
    Scene,
)
from truceline.associate.engine.prepare import detection_curve
from truceline.associate.engine.propose import FREE_RATIO
from truceline.associate.engine.timing import Grid, Residuals, fit_timing

MEMBERS_LEAST_COUNT = 150
"""With fewer members than this nothing is learnt of timing, detection or amplitude."""

OF_ARRAYS_LEAST_COUNT = 30
"""The same in a network of arrays, where each member has a bearing too."""

HISTORY_S = 600.0
"""The stated clutter rate of a station counts as much as so many seconds of watching it."""

_TRAVEL_STEP_S = 6.0
_TRAVEL_STEPS_COUNT = 12
_NOMINAL_STEPS_COUNT = 3
_SIGMA_RATIOS = np.geomspace(0.4, 6.0, 40)
_KAPPAS = np.geomspace(0.001, 0.05, 60)
_SIGMA_RATIO_PRIOR = 4.0
_KAPPA_PRIOR = 2.0
_KAPPA_USUAL = 0.005
_TIMING_GRID = Grid(
    _SIGMA_RATIOS,
    _KAPPAS,
    _SIGMA_RATIO_PRIOR * np.log(_SIGMA_RATIOS) ** 2,
    _KAPPA_PRIOR * np.log(_KAPPAS / _KAPPA_USUAL) ** 2,
)
"""A priori the ratio is 1 to a factor of 1.6 and kappa 0.005 to a factor of 2 (one deviation), which counts where
members are few."""

_EDGES = np.geomspace(0.04, 0.3, 16)
_NEAR_RATIO = 0.6
_KIN_ROUNDS_COUNT = 12
_KIN_M = 3_000.0
_KIN_S = 60.0
_RANGE_PRIOR_COUNT = 10.0


def _least_count(scene: Scene) -> int:
    """Give from how many members on they teach."""
    return OF_ARRAYS_LEAST_COUNT if scene.theta[TH_OF_ARRAYS] else MEMBERS_LEAST_COUNT


def learn_timing(scene: Scene, members: Floats) -> None:
    """Fit s^2 = (a sigma)^2 + (kappa T)^2 to the members' residuals by likelihood; write a and kappa.

    Residuals are freed of the event's own fit by their leverage h: E r^2 = (1 - h) s^2. A share of the members belongs
    to something else and lies anywhere within the gate; each residual counts by the probability that it does not (EM).
    """
    kept = members[members[:, ME_PROBABILITY] > 0.5]
    if len(kept) < _least_count(scene):
        return
    theta = scene.theta
    free = 1.0 - kept[:, ME_LEVERAGE]
    square = kept[:, ME_RESIDUAL] ** 2 / free
    travel, nominal = kept[:, ME_TRAVEL] ** 2, kept[:, ME_NOMINAL] ** 2
    gate = theta[TH_GATE] * np.sqrt(theta[TH_SIGMA_RATIO] ** 2 * nominal + theta[TH_KAPPA] ** 2 * travel)
    edges = np.quantile(kept[:, ME_NOMINAL], np.arange(1, _NOMINAL_STEPS_COUNT) / _NOMINAL_STEPS_COUNT)
    by_travel = np.minimum((kept[:, ME_TRAVEL] / _TRAVEL_STEP_S).astype(np.int64), _TRAVEL_STEPS_COUNT - 1)
    key = by_travel * _NOMINAL_STEPS_COUNT + np.digitize(kept[:, ME_NOMINAL], edges)
    residuals = Residuals(square, nominal, travel, gate, kept[:, ME_PROBABILITY].copy(), by_travel, key)
    counts = _TRAVEL_STEPS_COUNT, _TRAVEL_STEPS_COUNT * _NOMINAL_STEPS_COUNT
    pair = fit_timing(residuals, (theta[TH_SIGMA_RATIO], theta[TH_KAPPA]), _TIMING_GRID, counts)
    theta[TH_SIGMA_RATIO], theta[TH_KAPPA] = pair


def learn_detection(scene: Scene, sums: Floats) -> None:
    """Fit the detection curve to hits and trials by distance over range, and the shares of the ranges (an EM step)."""
    u = (np.arange(CURVE_COUNT) + 0.5) * CURVE_STEP_RATIO
    hits, trials = sums[0], sums[1]
    near = int(np.searchsorted(u, _NEAR_RATIO))
    if trials[:near].sum() < _least_count(scene):
        return
    shape = 1.0 / (1.0 + np.exp((u - 1.0) / _EDGES[:, None]))
    level = np.clip(hits[:near].sum() / (trials[:near] * shape[:, :near]).sum(axis=1), 0.1, 0.98)
    p = np.clip(level[:, None] * shape, 1e-9, 1.0 - 1e-9)
    best = int(np.argmax((hits * np.log(p) + (trials - hits) * np.log1p(-p)).sum(axis=1)))
    scene.theta[TH_PD], scene.theta[TH_EDGE] = level[best], _EDGES[best]
    scene.curve[...] = detection_curve(level[best], _EDGES[best])
    share = sums[2, :RANGE_COUNT] + _RANGE_PRIOR_COUNT * np.exp(scene.log_range)
    share = np.convolve(np.pad(share, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    scene.log_range[...] = np.log(share / share.sum())


def learn_amplitude(scene: Scene, members: Floats, station_of: Longs) -> None:
    """Fit log10 amplitude = level + slope log10(R / d) to members, and a normal to unexplained detections."""
    theta = scene.theta
    heard = members[(members[:, ME_PROBABILITY] > 0.8) & np.isfinite(members[:, ME_AMPLITUDE])]
    weighty = scene.stations[station_of, STA_WEIGHT] > 0.0
    clutter = scene.detections[weighty & (scene.detections[:, DET_EXPLAINED] < 1e-3), DET_AMPLITUDE]
    clutter = clutter[np.isfinite(clutter)]
    if len(heard) < _least_count(scene) or len(clutter) < _least_count(scene) // 2:
        return
    nearness = np.log10(heard[:, ME_RANGE] / np.maximum(heard[:, ME_DISTANCE], 100.0))
    slope, level = np.polyfit(nearness, heard[:, ME_AMPLITUDE], 1)
    off = heard[:, ME_AMPLITUDE] - level - slope * nearness
    theta[TH_AMPLITUDE_LEVEL], theta[TH_AMPLITUDE_SLOPE] = level, slope
    theta[TH_AMPLITUDE_SIGMA] = max(float(np.std(off)), 0.05)
    theta[TH_CLUTTER_LEVEL], theta[TH_CLUTTER_SIGMA] = float(np.mean(clutter)), max(float(np.std(clutter)), 0.05)
    theta[TH_AMPLITUDE_ON] = 1.0


def learn_clutter(scene: Scene, station_of: Longs, watched_s: float) -> None:
    """Move each station's clutter rate from what was known towards the rate of what no event explains."""
    rate = scene.stations[:, STA_CLUTTER]
    free = rate[station_of] / (rate[station_of] + scene.detections[:, DET_EXPLAINED])
    count = np.bincount(station_of, free, len(rate))
    rate[...] = np.maximum((rate * HISTORY_S + count) / (HISTORY_S + watched_s), 2e-4)


def learn_free_rate(scene: Scene, station_of: Longs, watched_s: float) -> None:
    """Write at which rate each station has detections that are clutter or of events not found yet."""
    free = scene.detections[:, DET_EXPLAINED] < FREE_RATIO * scene.stations[station_of, STA_CLUTTER]
    count = np.bincount(station_of[free], minlength=len(scene.stations))
    scene.stations[:, STA_FREE_RATE] = np.maximum(scene.stations[:, STA_CLUTTER], count / watched_s)


def learn_kin(scene: Scene, events: Events) -> None:
    """Fit how many events come with another, how near in place and time, by EM over pairs of sure events."""
    theta = scene.theta
    rows = events.row[: events.used[0]]
    rows = rows[(rows[:, EV_ALIVE] > 0.0) & (rows[:, EV_LOG_ODDS] > 10.0)]
    if len(rows) < 30:
        return
    rows = rows[np.argsort(rows[:, EV_T], kind="stable")]
    until = np.searchsorted(rows[:, EV_T], rows[:, EV_T] + _KIN_S)
    i = np.repeat(np.arange(len(rows)), until - np.arange(len(rows)) - 1)
    j = np.arange(len(i)) - np.repeat(np.cumsum(until - np.arange(len(rows)) - 1), until - np.arange(len(rows)) - 1)
    j = i + 1 + j + np.repeat(until - np.arange(len(rows)) - 1, until - np.arange(len(rows)) - 1)
    dt = rows[j, EV_T] - rows[i, EV_T]
    square = (rows[i, EV_X] - rows[j, EV_X]) ** 2 + (rows[i, EV_Y] - rows[j, EV_Y]) ** 2
    near = square < _KIN_M * _KIN_M
    dt, square = dt[near], square[near]
    count, sigma, time = theta[TH_KIN_COUNT], theta[TH_KIN_SIGMA], theta[TH_KIN_TIME]
    for _ in range(_KIN_ROUNDS_COUNT):
        kin = count * np.exp(-0.5 * square / sigma**2 - dt / time) / (2.0 * math.pi * sigma**2 * 2.0 * time)
        share = kin / (kin + theta[TH_DENSITY])
        total = float(share.sum())
        if total < 5.0:
            count = 0.5 * count
            break
        count = 2.0 * total / len(rows)
        sigma = max(math.sqrt(float((share * square).sum()) / total / 2.0), 60.0)
        time = max(float((share * dt).sum()) / total, 3.0)
    theta[TH_KIN_COUNT], theta[TH_KIN_SIGMA], theta[TH_KIN_TIME] = count, sigma, time
