"""Compiled: every set of clusters as log-likelihoods of the five accounts, and each cluster's exact Shapley share.

Equations: docs/method/attribution.md, "Dependence" and "The ledger". The parties go through the same operations, so
that exchanging them exchanges every result bit for bit.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.attribute.layout import (
    ACROSS_FIRST,
    ACROSS_SECOND,
    HYPOTHESIS_COUNT,
    NEITHER,
    ORIGIN_PLAYER_MOST_COUNT,
    OWN_FIRST,
    OWN_SECOND,
    PLAYER_MOST_COUNT,
    Flags,
    Floats,
    Integers,
)

_TIE = 1.0 + 1e-9
_SMALLEST = 1e-300


@njit(cache=True)
def log_sum(a: float, b: float) -> float:
    """Give `ln(exp(a) + exp(b))`; exchanging the two changes no bit."""
    top, low = max(a, b), min(a, b)
    return top + math.log1p(math.exp(low - top))


@njit(cache=True)
def log_odds(log_likelihood: Floats, log_prior: Floats) -> float:
    """Give the log-odds of the first party against the second, whether across the line or on its own ground."""
    first = log_sum(
        log_prior[ACROSS_FIRST] + log_likelihood[ACROSS_FIRST], log_prior[OWN_FIRST] + log_likelihood[OWN_FIRST]
    )
    second = log_sum(
        log_prior[ACROSS_SECOND] + log_likelihood[ACROSS_SECOND], log_prior[OWN_SECOND] + log_likelihood[OWN_SECOND]
    )
    return first - second


@njit(cache=True)
def spread_of(log_likelihood: Floats) -> float:
    """Give the largest log-ratio between any two accounts."""
    low, high = math.inf, -math.inf
    for h in range(HYPOTHESIS_COUNT):
        low, high = min(low, log_likelihood[h]), max(high, log_likelihood[h])
    return high - low


@njit(cache=True)
def add_origin(first: float, second: float, anybody: float, limit: float, out: Floats) -> None:
    """Add the log of three integrals to the five accounts, drawn together where they are further apart than `limit`."""
    a, b, o = (
        math.log(max(first, _SMALLEST)),
        math.log(max(second, _SMALLEST)),
        math.log(max(anybody, _SMALLEST)),
    )
    spread = max(a, b, o) - min(a, b, o)
    ratio = limit / spread if spread > limit else 1.0
    out[ACROSS_FIRST] += a * ratio
    out[OWN_FIRST] += a * ratio
    out[ACROSS_SECOND] += b * ratio
    out[OWN_SECOND] += b * ratio
    out[NEITHER] += o * ratio


@njit(cache=True)
def add_limited(vector: Floats, limit: float, out: Floats) -> None:
    """Add a vector of log-likelihoods, drawn together where its accounts are further apart than `limit`."""
    spread = spread_of(vector)
    ratio = limit / spread if spread > limit else 1.0
    for h in range(HYPOTHESIS_COUNT):
        out[h] += vector[h] * ratio


@njit(cache=True)
def integrate(likelihood: Floats, held: Floats, count: int, out: Floats) -> None:
    """Fill `out` with the integral of a likelihood over the origin under first party, second party, anybody."""
    first, second, anybody = 0.0, 0.0, 0.0
    for k in range(count):
        value = likelihood[k]
        first += held[0, k] * value
        second += held[1, k] * value
        anybody += held[2, k] * value
    out[0], out[1], out[2] = first, second, anybody


@njit(cache=True)
def bound_cluster(
    likelihood: Floats, held: Floats, count: int, table: Floats, statement: Floats, cap: float, work: Floats
) -> bool:
    """Hold one cluster to its cap, in place, and say whether it had to be.

    Tables are drawn together; the likelihood of the origin is mixed with a constant (more contamination) until what it
    says by itself is within its part of the cap: `m = (hi / T - lo) / (hi - lo)` for the ratio T that is allowed.
    """
    integrate(likelihood, held, count, work)
    low, high = min(work[0], work[1], work[2]), max(work[0], work[1], work[2])
    origin_spread = math.log(max(high, _SMALLEST)) - math.log(max(low, _SMALLEST))
    words = work[4:9]
    for h in range(HYPOTHESIS_COUNT):
        words[h] = table[h] + statement[h]
    table_spread = spread_of(words)
    add_origin(work[0], work[1], work[2], math.inf, words)
    together = spread_of(words)
    if together <= cap or together == 0.0:
        return False
    ratio = min(1.0, cap / (origin_spread + table_spread))
    for h in range(HYPOTHESIS_COUNT):
        table[h] *= ratio
        statement[h] *= ratio
    if origin_spread > 0.0:
        allowed = math.exp(origin_spread * ratio)
        m = (high / allowed - low) / (high - low)
        for k in range(count):
            likelihood[k] = (1.0 - m) * likelihood[k] + m * high
    return True


@njit(cache=True)
def choose_players(alone: Floats, speaks_of_origin: Flags, players: Integers) -> int:
    """Give each cluster its player and say how many there are.

    Up to the limits each cluster is its own player. Beyond, the weakest by themselves (and all as weak as the strongest
    of these, so that no name decides) are taken together as player 0.
    """
    cluster_count: int = alone.shape[0]
    origin_count = 0
    for c in range(cluster_count):
        origin_count += speaks_of_origin[c]
    if cluster_count <= PLAYER_MOST_COUNT and origin_count <= ORIGIN_PLAYER_MOST_COUNT:
        for c in range(cluster_count):
            players[c] = c
        return cluster_count
    threshold = -1.0
    for c in range(cluster_count):
        size = abs(alone[c])
        ahead, ahead_origin = 0, 0
        for other in range(cluster_count):
            if abs(alone[other]) * _TIE >= size:
                ahead += 1
                ahead_origin += speaks_of_origin[other]
        fits = ahead < PLAYER_MOST_COUNT
        if speaks_of_origin[c]:
            fits = fits and ahead_origin < ORIGIN_PLAYER_MOST_COUNT
        if not fits:
            threshold = max(threshold, size)
    count: int = 1
    for c in range(cluster_count):
        if abs(alone[c]) <= threshold * _TIE:
            players[c] = 0
        else:
            players[c] = count
            count += 1
    return count


@njit(cache=True)
def integrate_sets(likelihoods: Floats, origin_count: int, held: Floats, count: int, sums: Floats) -> None:
    """Fill `sums` (3, sets) with the integral of every product of likelihoods; bit i of a set stands for row i."""
    sets_count = 1 << origin_count
    for m in range(sets_count):
        sums[0, m], sums[1, m], sums[2, m] = 0.0, 0.0, 0.0
    product = sums[3]
    for k in range(count):
        first, second, anybody = held[0, k], held[1, k], held[2, k]
        product[0] = 1.0
        for i in range(origin_count):
            value = likelihoods[i, k]
            half = 1 << i
            for m in range(half):
                product[half + m] = product[m] * value
        for m in range(sets_count):
            value = product[m]
            sums[0, m] += first * value
            sums[1, m] += second * value
            sums[2, m] += anybody * value


@njit(cache=True)
def log_origin_sets(origin_count: int, sums: Floats, caps: Floats) -> None:
    """Turn the integrals of sets into logs, in place; what a set says together is held to the sum of its caps."""
    for m in range(1, 1 << origin_count):
        limit = 0.0
        for i in range(origin_count):
            if m >> i & 1:
                limit += caps[i]
        a = math.log(max(sums[0, m], _SMALLEST))
        b = math.log(max(sums[1, m], _SMALLEST))
        o = math.log(max(sums[2, m], _SMALLEST))
        spread = max(a, b, o) - min(a, b, o)
        ratio = limit / spread if spread > limit else 1.0
        sums[0, m], sums[1, m], sums[2, m] = a * ratio, b * ratio, o * ratio
    sums[0, 0], sums[1, 0], sums[2, 0] = 0.0, 0.0, 0.0


@njit(cache=True)
def value_sets(
    player_count: int,
    origin_rows: Integers,
    sums: Floats,
    tables: Floats,
    statements: Floats,
    statements_cap_ratio: float,
    log_prior: Floats,
    totals: Floats,
    values: Floats,
) -> None:
    """Fill `totals` (sets, 5) with the log-likelihoods and `values` with the log-odds of every set of players.

    `origin_rows`: which bit of `sums` (logs, 3 x sets) a player is, -1 for none. What all statements of a set say
    together is held to `statements_cap_ratio`.
    """
    sets_count = 1 << player_count
    plain, words = np.zeros((sets_count, HYPOTHESIS_COUNT)), np.zeros((sets_count, HYPOTHESIS_COUNT))
    origin_sets, speaking = np.zeros(sets_count, dtype=np.int64), np.zeros(sets_count, dtype=np.bool_)
    for chosen in range(sets_count):
        if chosen:
            rest, p = chosen & (chosen - 1), 0
            while not chosen >> p & 1:
                p += 1
            own_words = False
            for h in range(HYPOTHESIS_COUNT):
                plain[chosen, h] = plain[rest, h] + tables[p, h]
                words[chosen, h] = words[rest, h] + statements[p, h]
                own_words = own_words or statements[p, h] != 0.0
            speaking[chosen] = speaking[rest] or own_words
            origin_sets[chosen] = origin_sets[rest] | (1 << origin_rows[p] if origin_rows[p] >= 0 else 0)
        ratio = 0.0
        if speaking[chosen]:
            spread = spread_of(words[chosen])
            ratio = statements_cap_ratio / spread if spread > statements_cap_ratio else 1.0
        m = origin_sets[chosen]
        for h in range(HYPOTHESIS_COUNT):
            row = 2 if h == NEITHER else h & 1
            totals[chosen, h] = plain[chosen, h] + ratio * words[chosen, h] + sums[row, m]
        values[chosen] = log_odds(totals[chosen], log_prior)


@njit(cache=True)
def share_out(player_count: int, values: Floats, shares: Floats) -> None:
    """Fill `shares` with the exact Shapley values of the log-odds of sets; they add up to the value of all.

    phi_p = sum over sets S without p of |S|! (n - |S| - 1)! / n! [v(S + p) - v(S)] (Shapley 1953, eq. 12).
    """
    weights = shares[player_count:]
    weight = 1.0 / player_count if player_count else 1.0
    for size in range(player_count):
        weights[size] = weight
        weight *= (size + 1.0) / (player_count - size - 1.0) if size + 1 < player_count else 1.0
    for p in range(player_count):
        shares[p] = 0.0
    for chosen in range(1 << player_count):
        size = 0
        for p in range(player_count):
            size += chosen >> p & 1
        for p in range(player_count):
            if not chosen >> p & 1:
                shares[p] += weights[size] * (values[chosen | 1 << p] - values[chosen])
