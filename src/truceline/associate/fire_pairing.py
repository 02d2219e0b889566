"""Compiled: which missions may have been launched from which, at which lag, and what that is worth.

A pairing is an impact mission, a launch mission and one flight time. Its weight is the ratio of two probabilities of
the same record: these two belong together, or each stands alone. The line comes in only through the evenness of the
prior.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.fire_columns import Floats, Ints

LOG_WEIGHT_MAX_RATIO = 25.0
"""A weight beyond this is as good as certain; more would cost digits where weights are compared."""

EVENTS_MOST_COUNT = 64
"""No mission is larger; the settings hold it."""

FLIGHT_SIGMAS_COUNT = 3.5
"""Flight times are tried within so many sigmas of what a weapon class takes for the range."""


class Scan(NamedTuple):
    """All that the kernels read. Events in the order of missions; missions; weapons by (class, fact); few numbers.

    `weapon` columns: log prior, range min, range max, log T - log sqrt R, its sigma, flight spread. `spread` rows:
    factor, log probability. `ground_ratio` has shape (missions, classes, 2): one over the share of each party's
    ground within reach of the impact, bounded. `number`: log detection, log missed, mean gap, largest flight spread
    with its factor, outlier probability of bearings, longest mission, least log weight.
    """

    start: Ints
    time_s: Floats
    variance_s2: Floats
    log_event: Floats
    bearing_rad: Floats
    bearing_sigma_rad: Floats
    x_m: Floats
    y_m: Floats
    first_s: Floats
    last_s: Floats
    log_impact: Floats
    log_launch: Floats
    on_a: Floats
    ground_ratio: Floats
    weapon: Floats
    spread: Floats
    number: Floats


N_LOG_DETECTED, N_LOG_MISSED, N_GAP, N_SPREAD, N_OUTLIER, N_LONGEST, N_LOG_LEAST = range(7)


class Pairings(NamedTuple):
    """Pairings found, by impact mission and then weight: row k pairs `pair[k]` = (impact, launch) with that anchor.

    `anchor` holds the first matched pair of events; it and the missions are enough to find the other matches again.
    """

    pair: Ints
    anchor: Ints
    lag_s: Floats
    log_weight: Floats
    shed_count: int


@njit(cache=True)
def _lag_limits(scan: Scan, range_m: float) -> tuple[float, float]:
    """Give the shortest and the longest flight time (s) that any class takes for a range; low above high for none."""
    low, high = 1.0, 0.0
    for w in range(len(scan.weapon)):
        if scan.weapon[w, 1] <= range_m <= scan.weapon[w, 2]:
            middle = scan.weapon[w, 3] + 0.5 * math.log(range_m)
            reach = FLIGHT_SIGMAS_COUNT * scan.weapon[w, 4]
            shortest, longest = math.exp(middle - reach), math.exp(middle + reach)
            low = shortest if high == 0.0 else min(low, shortest)
            high = max(high, longest)
    return low, high


@njit(cache=True)
def _alignment_cost(scan: Scan, pair: Ints, lag_s: float, cost: Floats) -> None:
    """Fill `cost[i, j]`: the least cost (nats) of aligning the first i impacts with the first j launches at a lag.

    Needleman and Wunsch 1970: rounds stay in order, which is also the likeliest pairing where some overtake others. A
    match costs its residual's negative log density over that of chance, a round without its other end `N_LOG_MISSED`.
    """
    first_i, first_j = scan.start[pair[0]], scan.start[pair[1]]
    spread = scan.number[N_SPREAD] * lag_s
    missed = -scan.number[N_LOG_MISSED]
    for i in range(scan.start[pair[0] + 1] - first_i + 1):
        for j in range(scan.start[pair[1] + 1] - first_j + 1):
            best = missed * (i + j) if i == 0 or j == 0 else min(cost[i - 1, j], cost[i, j - 1]) + missed
            if i > 0 and j > 0:
                p, q = first_i + i - 1, first_j + j - 1
                variance = scan.variance_s2[p] + scan.variance_s2[q] + spread * spread
                off = scan.time_s[p] - scan.time_s[q] - lag_s
                chance = scan.number[N_GAP] / math.sqrt(2.0 * math.pi * variance)
                best = min(best, cost[i - 1, j - 1] + 0.5 * off * off / variance - math.log(chance))
            cost[i, j] = best


@njit(cache=True)
def _match(scan: Scan, pair: Ints, lag_s: float, found: Ints) -> int:
    """Pair impacts with launches at least cost for a lag; give how many were matched, their events in `found`."""
    i = scan.start[pair[0] + 1] - scan.start[pair[0]]
    j = scan.start[pair[1] + 1] - scan.start[pair[1]]
    cost = np.empty((i + 1, j + 1))
    _alignment_cost(scan, pair, lag_s, cost)
    missed = -scan.number[N_LOG_MISSED]
    count = 0
    while i > 0 and j > 0:
        if cost[i, j] == cost[i - 1, j] + missed:
            i -= 1
        elif cost[i, j] == cost[i, j - 1] + missed:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found[0, count], found[1, count] = scan.start[pair[0]] + i, scan.start[pair[1]] + j
            count += 1
    for k in range(count // 2):
        for end in range(2):
            found[end, k], found[end, count - 1 - k] = found[end, count - 1 - k], found[end, k]
    return count


@njit(cache=True)
def _mean_lag(scan: Scan, found: Ints, count: int) -> float:
    """Give the mean flight time (s) of matched rounds."""
    total = 0.0
    for k in range(count):
        total += scan.time_s[found[0, k]] - scan.time_s[found[1, k]]
    return total / count


@njit(cache=True)
def _settled_match(scan: Scan, pair: Ints, lag_s: float, found: Ints) -> int:
    """Match at a lag, and once more at the mean lag of what was matched."""
    count = _match(scan, pair, lag_s, found)
    if count > 1:
        count = _match(scan, pair, _mean_lag(scan, found, count), found)
    return count


@njit(cache=True)
def _log_constant_lag(scan: Scan, found: Ints, count: int, sigma_s: float) -> float:
    """Give the log likelihood of the lags if one flight time, spread by sigma, underlies them, its value left open.

    The integral of a product of normal densities over their common mean.
    """
    weight, first, second, log_norm = 0.0, 0.0, 0.0, 0.0
    middle = scan.time_s[found[0, 0]] - scan.time_s[found[1, 0]]
    for k in range(count):
        i, j = found[0, k], found[1, k]
        variance = scan.variance_s2[i] + scan.variance_s2[j] + sigma_s * sigma_s
        off = scan.time_s[i] - scan.time_s[j] - middle
        weight += 1.0 / variance
        first += off / variance
        second += off * off / variance
        log_norm += math.log(2.0 * math.pi * variance)
    chi2 = second - first * first / weight
    return -0.5 * (log_norm + chi2) + 0.5 * math.log(2.0 * math.pi / weight)


@njit(cache=True)
def _log_flight(scan: Scan, pair: Ints, range_m: float, state: Floats) -> float:
    """Give the log density of source place and lags (per m2, s): summed over weapon classes and spread factors.

    `state` holds the lag, then what `_fill_spreads` wrote for each class; a class out of range adds 0.
    """
    lag_s = state[0]
    total = 0.0
    for w in range(len(scan.weapon)):
        if not scan.weapon[w, 1] <= range_m <= scan.weapon[w, 2]:
            continue
        on_a = scan.on_a[pair[1]]
        ground = scan.ground_ratio[pair[0], w]
        even = 0.5 * (on_a * ground[0] + (1.0 - on_a) * ground[1])
        place = even / (2.0 * math.pi * range_m * (scan.weapon[w, 2] - scan.weapon[w, 1]))
        off = (math.log(lag_s) - scan.weapon[w, 3] - 0.5 * math.log(range_m)) / scan.weapon[w, 4]
        flight = math.exp(-0.5 * off * off) / (math.sqrt(2.0 * math.pi) * scan.weapon[w, 4] * lag_s)
        total += math.exp(scan.weapon[w, 0]) * place * flight * state[1 + w]
    return math.log(total) if total > 0.0 else -1e9


@njit(cache=True)
def _fill_spreads(scan: Scan, found: Ints, count: int, state: Floats) -> None:
    """Write into `state[1 + w]` the likelihood of the lags for each weapon class, over the spread factors."""
    for w in range(len(scan.weapon)):
        total = 0.0
        for s in range(len(scan.spread)):
            sigma_s = scan.spread[s, 0] * scan.weapon[w, 5] * state[0]
            total += math.exp(scan.spread[s, 1] + _log_constant_lag(scan, found, count, sigma_s))
        state[1 + w] = total


@njit(cache=True)
def _log_alone(scan: Scan, found: Ints, count: int) -> float:
    """Give the log density of the matched launches' times, the first left out, if they had nothing to do with it.

    Gaps are exponential with the mean gap; never less than .3 of the largest density, so that a rare gap proves
    nothing.
    """
    total = 0.0
    for k in range(1, count):
        gap = scan.time_s[found[1, k]] - scan.time_s[found[1, k - 1]]
        total += math.log(max(math.exp(-gap / scan.number[N_GAP]), 0.3) / scan.number[N_GAP])
    return total


@njit(cache=True)
def _log_regular(scan: Scan, found: Ints, count: int) -> float:
    """Give the log density of the same times if both missions merely keep one beat: each gap is foretold by others.

    Gap k of the launches is weighed against every other gap of the impacts, never its own, so that only fire at even
    intervals gains by it.
    """
    total = 0.0
    for k in range(1, count):
        gap = scan.time_s[found[1, k]] - scan.time_s[found[1, k - 1]]
        density = 0.0
        for other in range(1, count):
            if other != k:
                apart = gap - (scan.time_s[found[0, other]] - scan.time_s[found[0, other - 1]])
                variance = (
                    2.0 * (scan.variance_s2[found[0, other]] + scan.variance_s2[found[1, k]]) + 0.02 * 0.02 * gap**2
                )
                density += math.exp(-0.5 * apart * apart / variance) / math.sqrt(2.0 * math.pi * variance)
        plain = max(math.exp(-gap / scan.number[N_GAP]), 0.3) / scan.number[N_GAP]
        total += math.log(0.2 * plain + 0.8 * density / max(count - 2, 1))
    return total


@njit(cache=True)
def _log_bearings(scan: Scan, m: int, bearing_rad: float) -> float:
    """Give the log of how much likelier the bearings told by impacts are, if the source lies there, than any other.

    A normal density about the bearing against an even one; with `N_OUTLIER` a bearing tells nothing.
    """
    total = 0.0
    for i in range(scan.start[m], scan.start[m + 1]):
        sigma = scan.bearing_sigma_rad[i]
        if math.isfinite(scan.bearing_rad[i]) and sigma > 0.0:
            turned = scan.bearing_rad[i] - bearing_rad + math.pi
            off = (turned - 2.0 * math.pi * math.floor(turned / (2.0 * math.pi)) - math.pi) / sigma
            outlier = scan.number[N_OUTLIER]
            total += math.log(outlier + (1.0 - outlier) * math.sqrt(2.0 * math.pi) / sigma * math.exp(-0.5 * off * off))
    return total


@njit(cache=True)
def _log_weight(scan: Scan, pair: Ints, found: Ints, count: int) -> float:
    """Give the log weight of one pairing with its matched rounds."""
    m, source = pair[0], pair[1]
    dx, dy = scan.x_m[source] - scan.x_m[m], scan.y_m[source] - scan.y_m[m]
    state = np.zeros(1 + len(scan.weapon))
    state[0] = _mean_lag(scan, found, count)
    if state[0] <= 0.0:
        return -1e9
    _fill_spreads(scan, found, count, state)
    n = scan.start[m + 1] - scan.start[m] + scan.start[source + 1] - scan.start[source]
    total = scan.log_impact[m] + scan.log_launch[source]
    total += _log_flight(scan, pair, math.hypot(dx, dy), state) + _log_bearings(scan, m, math.atan2(dx, dy))
    total += count * scan.number[N_LOG_DETECTED] + (n - 2 * count) * scan.number[N_LOG_MISSED]
    for k in range(count):
        total += scan.log_event[found[0, k]] + scan.log_event[found[1, k]]
    alone, regular = _log_alone(scan, found, count), _log_regular(scan, found, count)
    weight: float = min(total - max(alone, regular), LOG_WEIGHT_MAX_RATIO)
    return weight


@njit(cache=True)
def _keep_best(row: Floats, held: Ints, entry: Ints, log_weight_ratio: float) -> int:
    """Keep a pairing if there is room or a lighter one to give way; give 1 where something was let go, else 0.

    `held[-1, 0]` counts what is kept.
    """
    count = held[-1, 0]
    if count < len(row):
        row[count] = log_weight_ratio
        held[count] = entry
        held[-1, 0] = count + 1
        return 0
    least = np.argmin(row)
    if log_weight_ratio > row[least]:
        row[least] = log_weight_ratio
        held[least] = entry
    return 1


@njit(cache=True)
def _scan_pair(scan: Scan, pair: Ints, row: Floats, held: Ints) -> int:
    """Weigh every lag that a pair of events of two missions offers, each alignment once; give how many were shed."""
    range_m = math.hypot(scan.x_m[pair[1]] - scan.x_m[pair[0]], scan.y_m[pair[1]] - scan.y_m[pair[0]])
    low_s, high_s = _lag_limits(scan, range_m)
    found = np.zeros((2, EVENTS_MOST_COUNT), dtype=np.int64)
    shed = 0
    for i in range(scan.start[pair[0]], scan.start[pair[0] + 1]):
        for j in range(scan.start[pair[1]], scan.start[pair[1] + 1]):
            lag_s = scan.time_s[i] - scan.time_s[j]
            if not low_s <= lag_s <= high_s:
                continue
            count = _settled_match(scan, pair, lag_s, found)
            if count == 0 or found[0, 0] != i or found[1, 0] != j:
                continue
            weight = _log_weight(scan, pair, found, count)
            if weight >= scan.number[N_LOG_LEAST]:
                shed += _keep_best(row, held, np.array([pair[1], i, j]), weight)
    return shed


@njit(cache=True)
def _scan_mission(scan: Scan, m: int, row: Floats, held: Ints) -> int:
    """Weigh all missions that may have launched mission m; give how many pairings were shed."""
    shed = 0
    longest_s, longest_m = 0.0, 0.0
    for w in range(len(scan.weapon)):
        longest_m = max(longest_m, scan.weapon[w, 2])
        longest_s = max(longest_s, _lag_limits(scan, scan.weapon[w, 2])[1])
    begin = np.searchsorted(scan.first_s, scan.first_s[m] - longest_s - scan.number[N_LONGEST])
    pair = np.array([m, m])
    for source in range(begin, len(scan.first_s)):
        if scan.first_s[source] > scan.last_s[m]:
            break
        range_m = math.hypot(scan.x_m[source] - scan.x_m[m], scan.y_m[source] - scan.y_m[m])
        if source != m and range_m <= longest_m and scan.last_s[source] >= scan.first_s[m] - longest_s:
            pair[1] = source
            shed += _scan_pair(scan, pair, row, held)
    return shed


@njit(cache=True)
def _scan_all(scan: Scan, most_count: int) -> tuple[Ints, Floats, Ints]:
    """Scan all missions; give (mission, launch, anchors), weights, and the number shed."""
    room = 1024
    rows = np.zeros((room, 4), dtype=np.int64)
    weights = np.zeros(room)
    count, shed = 0, np.zeros(1, dtype=np.int64)
    row, held = np.zeros(most_count), np.zeros((most_count + 1, 3), dtype=np.int64)
    for m in range(len(scan.first_s)):
        held[-1, 0] = 0
        shed[0] += _scan_mission(scan, m, row, held)
        kept = held[-1, 0]
        if count + kept > len(rows):
            rows = np.concatenate((rows, np.zeros((len(rows) + kept, 4), dtype=np.int64)))
            weights = np.concatenate((weights, np.zeros(len(rows) - len(weights))))
        for k in np.argsort(-row[:kept], kind="mergesort"):
            rows[count, 0], rows[count, 1:] = m, held[k]
            weights[count] = row[k]
            count += 1
    return rows[:count], weights[:count], shed


@njit(cache=True)
def _matched(scan: Scan, pair: Ints, anchor: Ints) -> tuple[Ints, Ints]:
    """Find the matched events of each pairing again: (start, events), events of shape (2, matches)."""
    found = np.zeros((2, EVENTS_MOST_COUNT), dtype=np.int64)
    start = np.zeros(len(pair) + 1, dtype=np.int64)
    matches = np.zeros((2, EVENTS_MOST_COUNT * len(pair)), dtype=np.int64)
    for k in range(len(pair)):
        lag_s = scan.time_s[anchor[k, 0]] - scan.time_s[anchor[k, 1]]
        count = _settled_match(scan, pair[k], lag_s, found)
        matches[:, start[k] : start[k] + count] = found[:, :count]
        start[k + 1] = start[k] + count
    return start, matches[:, : start[-1]].copy()


def find_pairings(scan: Scan, *, pairings_max_count: int) -> Pairings:
    """Give every pairing worth weighing, at most so many for each impact mission; the lightest are shed and counted.

    Work is bounded by range and flight time: a mission meets only those within reach of the widest weapon class.
    """
    rows, weights, shed = _scan_all(scan, pairings_max_count)
    pair, anchor = np.ascontiguousarray(rows[:, :2]), np.ascontiguousarray(rows[:, 2:])
    lag_s = scan.time_s[anchor[:, 0]] - scan.time_s[anchor[:, 1]]
    return Pairings(pair, anchor, lag_s, weights, int(shed[0]))


def matched_events(scan: Scan, pairings: Pairings) -> tuple[Ints, Ints]:
    """Give the events each pairing matches: `start` (pairings + 1) into `events` (2, matches), impact and launch."""
    start, events = _matched(scan, pairings.pair, pairings.anchor)
    return start, events
