"""Compiled: how well a hypothesis explains what every station near it reported, and did not report.

One likelihood ratio against "nothing but clutter and the other events"; docs/method/association.md derives it. Arrays
are taken out of their tuples once per call: inside loops that would cost more than the arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.associate.engine.layout import (
    CURVE_COUNT,
    CURVE_STEP_RATIO,
    DET_AMPLITUDE,
    DET_BEARING,
    DET_BEARING_SIGMA,
    DET_ECHO,
    DET_EXPLAINED,
    DET_SIGMA,
    RANGE_COUNT,
    STA_CLUTTER,
    STA_DEAD,
    STA_SECOND_SLOWNESS,
    STA_SIGMA,
    STA_SLOWNESS,
    STA_WEIGHT,
    STA_X,
    STA_Y,
    TH_AMPLITUDE_LEVEL,
    TH_AMPLITUDE_ON,
    TH_AMPLITUDE_SIGMA,
    TH_AMPLITUDE_SLOPE,
    TH_BEARING_DOUBT,
    TH_CLUTTER_LEVEL,
    TH_CLUTTER_SIGMA,
    TH_EXTRA_S,
    TH_GATE,
    TH_KAPPA,
    TH_RANGE_MAX,
    TH_SIGMA_RATIO,
    TH_SPAN_END,
    TH_SPAN_START,
    WK_BEARING,
    WK_DISTANCE,
    WK_DT,
    WK_DX,
    WK_DY,
    WK_ELSE_RATE,
    WK_LOG_RATIO,
    WK_PROBABILITY,
    WK_RESIDUAL,
    WK_SIGMA,
    WK_TRAVEL,
    WORK_COUNT,
    Air,
    Floats,
    Lookup,
    Scene,
    Work,
)
from truceline.associate.engine.sound import air_around, air_on_path, travel_s

MISSING_INDEX = -1
"""No detection where one was possible."""

MASKED_INDEX = -2
"""No detection, but the detector was just then busy with another."""

_LOG_TWO_PI = math.log(2.0 * math.pi)
_HALF_LOG_TWO_PI = 0.5 * _LOG_TWO_PI
_TWO_PI = 2.0 * math.pi
_REACH_M = 2_500.0
_NONE = -1.0e9
_GROUND_ERROR_RATIO = 0.03
_AMPLITUDE_LOG_RATIO_MAX = 4.0
_GAIN_LOG_MAX = 80.0
_FACTORS_COUNT = 8

Query = tuple[float, float, float, float, float, float]
"""Predicted time (s), spread squared (s2), gate (s), distance (m), and the way from the event (dx, dy) in metres."""

Best = tuple[float, int, float, float, float, float]
"""Log-ratio against all else, detection, residual (s), sigma (s), bearing residual (rad), rate of all else (1/s)."""

Loudness = tuple[float, float, float, float, float, float]
"""Whether amplitudes count, what is expected at this event's range, slope, sigma, clutter's level and sigma (log10)."""


@njit(cache=True, error_model="numpy")
def mesh_cell(mesh: tuple[float, float, float, int, int], x_m: float, y_m: float) -> int:
    """Give the cell of a place in a mesh (x0, y0, cell, nx, ny); the nearest one from outside."""
    i = min(max(int((x_m - mesh[0]) / mesh[2]), 0), mesh[3] - 1)
    j = min(max(int((y_m - mesh[1]) / mesh[2]), 0), mesh[4] - 1)
    return j * mesh[3] + i


@njit(cache=True, error_model="numpy")
def cell_of(lookup: Lookup, x_m: float, y_m: float) -> int:
    """Give the mesh cell of a place; the nearest one from outside."""
    return mesh_cell((lookup.x0_m, lookup.y0_m, lookup.cell_m, lookup.nx_count, lookup.ny_count), x_m, y_m)


@njit(cache=True, error_model="numpy")
def first_at(time_s: Floats, low: int, high: int, value_s: float) -> int:
    """Give the first place in [low, high) whose time is not before a value."""
    while low < high:
        middle = (low + high) >> 1
        if time_s[middle] < value_s:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def bearing_fit(bearing_rad: float, sigma_rad: float, way: tuple[float, float], doubt: float) -> tuple[float, float]:
    """Give the log-ratio of a bearing against any bearing being as likely, and its residual in radians.

    `way` leads from the event to the station. A bearing that was not given (`nan`) says nothing.
    """
    if math.isnan(bearing_rad):
        return 0.0, bearing_rad
    off = bearing_rad - math.atan2(-way[0], -way[1])
    off -= _TWO_PI * math.floor(off / _TWO_PI + 0.5)
    inside = math.exp(_HALF_LOG_TWO_PI - 0.5 * (off / sigma_rad) ** 2) / sigma_rad
    return math.log(doubt + (1.0 - doubt) * inside), off


@njit(cache=True, error_model="numpy")
def amplitude_fit(level: float, distance_m: float, loud: Loudness) -> float:
    """Give the log-ratio of an amplitude (log10) at a distance against clutter's; a missing one says nothing."""
    if loud[0] == 0.0 or math.isnan(level):
        return 0.0
    own = (level - loud[1] + loud[2] * math.log10(max(distance_m, 100.0))) / loud[3]
    clutter = (level - loud[4]) / loud[5]
    log_ratio = math.log(loud[5] / loud[3]) + 0.5 * (clutter * clutter - own * own)
    return min(max(log_ratio, -_AMPLITUDE_LOG_RATIO_MAX), _AMPLITUDE_LOG_RATIO_MAX)


@njit(cache=True, error_model="numpy")
def loudness(theta: Floats, range_m: float) -> Loudness:
    """Give what amplitudes are held against for an event of a range."""
    expected = theta[TH_AMPLITUDE_LEVEL] + theta[TH_AMPLITUDE_SLOPE] * math.log10(range_m)
    return (
        theta[TH_AMPLITUDE_ON],
        expected,
        theta[TH_AMPLITUDE_SLOPE],
        theta[TH_AMPLITUDE_SIGMA],
        theta[TH_CLUTTER_LEVEL],
        theta[TH_CLUTTER_SIGMA],
    )


@njit(cache=True, error_model="numpy")
def best_detection(
    time_s: Floats, detections: Floats, bounds: tuple[int, int, float, float, float], query: Query, loud: Loudness
) -> Best:
    """Find the detection of a station that fits a prediction best; the detection is `MISSING_INDEX` where none is near.

    `bounds` are its first detection within the gate, the one after its last, clutter rate (1/s), sigma ratio, and doubt
    of bearings.
    """
    k, end, clutter, sigma_ratio, doubt = bounds
    predicted, spread, gate, distance = query[0], query[1], query[2], query[3]
    best = (_NONE, MISSING_INDEX, 0.0, 1.0, 0.0, 0.0)
    while k < end and time_s[k] <= predicted + gate:
        own = sigma_ratio * detections[k, DET_SIGMA]
        variance = own * own + spread
        residual = time_s[k] - predicted
        sigma = math.sqrt(variance)
        else_rate = clutter + detections[k, DET_EXPLAINED] + detections[k, DET_ECHO]
        log_ratio = -0.5 * residual * residual / variance - math.log(sigma * else_rate) - _HALF_LOG_TWO_PI
        turned, off = bearing_fit(
            detections[k, DET_BEARING], detections[k, DET_BEARING_SIGMA], (query[4], query[5]), doubt
        )
        log_ratio += turned + amplitude_fit(detections[k, DET_AMPLITUDE], distance, loud)
        if log_ratio > best[0]:
            best = (log_ratio, k, residual, sigma, off, else_rate)
        k += 1
    return best


@njit(cache=True, error_model="numpy")
def _write(rows: Floats, n: int, best: Best, travel: float, slopes: tuple[float, float, float]) -> None:
    """Write a looked-at station into row n of the room."""
    rows[n, WK_TRAVEL] = travel
    rows[n, WK_LOG_RATIO] = best[0]
    rows[n, WK_RESIDUAL] = best[2]
    rows[n, WK_SIGMA] = best[3]
    rows[n, WK_BEARING] = best[4]
    rows[n, WK_ELSE_RATE] = best[5]
    rows[n, WK_DX], rows[n, WK_DY], rows[n, WK_DT] = slopes


@njit(cache=True, error_model="numpy")
def _sound_slopes(
    way: tuple[float, float], travel: float, speeds: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Give dT/dx and dT/dy of the event's place, -n / (c + n.w), and c + n.w itself; n is the front's normal."""
    c, u, v = speeds
    nx = (way[0] - u * travel) / (c * travel + 1e-9)
    ny = (way[1] - v * travel) / (c * travel + 1e-9)
    along = c + nx * u + ny * v
    return -nx / along, -ny / along, along


@njit(cache=True, error_model="numpy")
def _ground_best(scene: Scene, s: int, query: Query) -> tuple[Best, float]:
    """Give the detection of a station that fits either ground phase best, and that phase's slowness (s/m).

    `query` holds the event's time, the gate squared, the station's sigma, the distance and the way.
    """
    theta, station = scene.theta, scene.stations[s]
    quiet = (0.0, 0.0, 0.0, 1.0, 0.0, 1.0)
    best = (_NONE, MISSING_INDEX, 0.0, 1.0, 0.0, 0.0)
    slow = station[STA_SLOWNESS]
    for slowness in (station[STA_SLOWNESS], station[STA_SECOND_SLOWNESS]):
        if slowness <= 0.0:
            continue
        travel = query[3] * slowness
        spread = (_GROUND_ERROR_RATIO * travel) ** 2
        gate = math.sqrt(query[1] * (query[2] * query[2] + spread))
        asked = (query[0] + travel, spread, gate, query[3], query[4], query[5])
        first = first_at(scene.time_s, scene.start[s], scene.start[s + 1], asked[0] - gate)
        bounds = (first, scene.start[s + 1], station[STA_CLUTTER], theta[TH_SIGMA_RATIO], theta[TH_BEARING_DOUBT])
        found = best_detection(scene.time_s, scene.detections, bounds, asked, quiet)
        if found[0] > best[0]:
            best, slow = found, slowness
    return best, slow


@njit(cache=True, error_model="numpy")
def look(scene: Scene, air: Air, work: Work, event: tuple[float, float, float, float], reach_ratio: float) -> int:
    """Fill the room with one row per station that could have heard an event (x, y, t, range); give how many.

    Stations of zero weight, and those whose prediction lies outside the span of the data, are not looked at.
    """
    x, y, t, range_m = event
    theta, stations, start, time_s = scene.theta, scene.stations, scene.start, scene.time_s
    detections, rows, row_station, row_detection = scene.detections, work.row, work.station, work.detection
    index = scene.lookup.station
    loud = loudness(theta, range_m)
    ratio, doubt, gates, kappa, extra = (
        theta[TH_SIGMA_RATIO], theta[TH_BEARING_DOUBT], theta[TH_GATE], theta[TH_KAPPA], theta[TH_EXTRA_S],
    )  # fmt: skip
    reach_m = min(theta[TH_RANGE_MAX], reach_ratio * range_m + _REACH_M)
    far_m = reach_m + 2.0 * scene.lookup.cell_m
    around = air_around(air, x, y, t)
    cell = cell_of(scene.lookup, x, y)
    n = 0
    for place in range(scene.lookup.start[cell], scene.lookup.start[cell + 1]):
        s = index[place]
        dx, dy = stations[s, STA_X] - x, stations[s, STA_Y] - y
        distance = math.sqrt(dx * dx + dy * dy)
        if distance > far_m or n == WORK_COUNT:
            break
        if distance > reach_m or stations[s, STA_WEIGHT] == 0.0:
            continue
        rows[n, WK_DISTANCE] = distance
        sigma = ratio * stations[s, STA_SIGMA]
        if stations[s, STA_SLOWNESS] > 0.0:
            best, slow = _ground_best(scene, s, (t, gates * gates, sigma, distance, dx, dy))
            row_station[n], row_detection[n] = s, best[1]
            slopes = (-slow * dx / (distance + 1e-9), -slow * dy / (distance + 1e-9), 0.0)
            _write(rows, n, best, distance * slow, slopes)
            n += 1
            continue
        speeds = air_on_path(around, dx, dy)
        travel = travel_s(dx, dy, speeds)
        if t + travel < theta[TH_SPAN_START] or t + travel > theta[TH_SPAN_END]:
            continue
        spread = kappa * kappa * travel * travel + extra * extra
        gate = gates * math.sqrt(sigma * sigma + spread)
        query = (t + travel, spread, gate, distance, dx, dy)
        first = first_at(time_s, start[s], start[s + 1], t + travel - gate)
        bounds = (first, start[s + 1], stations[s, STA_CLUTTER], ratio, doubt)
        best = best_detection(time_s, detections, bounds, query, loud)
        row_station[n], row_detection[n] = s, best[1]
        busy_s = t + travel - gate - stations[s, STA_DEAD]
        if best[1] == MISSING_INDEX and first > start[s] and time_s[first - 1] >= busy_s:
            row_detection[n] = MASKED_INDEX
        _write(rows, n, best, travel, _sound_slopes((dx, dy), travel, speeds))
        n += 1
    return n


@njit(cache=True, error_model="numpy")
def curve_index(distance_m: float, range_m: float) -> int:
    """Give the step of the detection curve for a distance and a range."""
    return min(int(distance_m / (range_m * CURVE_STEP_RATIO)), CURVE_COUNT - 1)


@njit(cache=True, error_model="numpy")
def weigh_ranges(scene: Scene, work: Work, n: int) -> tuple[float, float]:
    """Give the log-likelihood ratio of n looked-at rows over all ranges, and the range's posterior mean (m).

    `work.by_range` then holds the posterior share of each range. A row's factor is 1 - p + p g; factors are multiplied,
    and of every few products the logarithm is taken.
    """
    rows, found, by_range = work.row, work.detection, work.by_range
    range_m, curve = scene.range_m, scene.curve
    product, per_step = np.ones(RANGE_COUNT), np.empty(RANGE_COUNT)
    for r in range(RANGE_COUNT):
        by_range[r] = scene.log_range[r]
        per_step[r] = 1.0 / (range_m[r] * CURVE_STEP_RATIO)
    count = 0
    for i in range(n):
        if found[i] == MASKED_INDEX:
            continue
        count += 1
        distance = rows[i, WK_DISTANCE]
        gain = 0.0 if found[i] == MISSING_INDEX else math.exp(min(rows[i, WK_LOG_RATIO], _GAIN_LOG_MAX))
        for r in range(RANGE_COUNT):
            step = min(int(distance * per_step[r]), CURVE_COUNT - 1)
            product[r] *= curve[3, step] + curve[2, step] * gain
        if count % _FACTORS_COUNT == 0:
            for r in range(RANGE_COUNT):
                by_range[r] += math.log(product[r])
                product[r] = 1.0
    for r in range(RANGE_COUNT):
        by_range[r] += math.log(product[r])
    most = by_range.max()
    total = 0.0
    mean = 0.0
    for r in range(RANGE_COUNT):
        by_range[r] = math.exp(by_range[r] - most)
        total += by_range[r]
        mean += by_range[r] * math.log(range_m[r])
    for r in range(RANGE_COUNT):
        by_range[r] /= total
    return most + math.log(total), math.exp(mean / total)


@njit(cache=True, error_model="numpy")
def weigh_members(scene: Scene, work: Work, n: int, range_m: float) -> tuple[int, float]:
    """Write into every row the probability that its detection belongs to the event.

    Give how many are likelier than not, and how many of the detections to be expected there are.
    """
    rows, found, curve = work.row, work.detection, scene.curve
    count = 0
    total = 0.0
    expected = 1e-9
    for i in range(n):
        rows[i, WK_PROBABILITY] = 0.0
        if found[i] == MASKED_INDEX:
            continue
        step = curve_index(rows[i, WK_DISTANCE], range_m)
        expected += curve[2, step]
        if found[i] < 0:
            continue
        off = curve[1, step] - curve[0, step] - rows[i, WK_LOG_RATIO]
        probability = 1.0 / (1.0 + math.exp(min(off, 60.0)))
        rows[i, WK_PROBABILITY] = probability
        total += probability
        if probability > 0.5:
            count += 1
    return count, total / expected
