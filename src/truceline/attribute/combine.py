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
def add_origin(sums: Floats, limit: float, out: Floats) -> None:
    """Add the logs of five integrals to the accounts, drawn together where they are further apart than `limit`."""
    low, high = math.inf, _SMALLEST
    for h in range(HYPOTHESIS_COUNT):
        value = max(sums[h], _SMALLEST)
        low, high = min(low, value), max(high, value)
    spread = math.log(high) - math.log(low)
    ratio = limit / spread if spread > limit else 1.0
    for h in range(HYPOTHESIS_COUNT):
        out[h] += ratio * math.log(max(sums[h], _SMALLEST))


@njit(cache=True)
def add_limited(vector: Floats, limit: float, out: Floats) -> None:
    """Add a vector of log-likelihoods, drawn together where its accounts are further apart than `limit`."""
    spread = spread_of(vector)
    ratio = limit / spread if spread > limit else 1.0
    for h in range(HYPOTHESIS_COUNT):
        out[h] += vector[h] * ratio


@njit(cache=True)
def _integrals_across(likelihood: Floats, held: Floats, count: int) -> tuple[float, float, float]:
    """Give the integrals under first and second party across the line, and under neither."""
    across_first, across_second, nobody = held[ACROSS_FIRST], held[ACROSS_SECOND], held[NEITHER]
    first, second, neither = 0.0, 0.0, 0.0
    for k in range(count):
        value = likelihood[k]
        first += across_first[k] * value
        second += across_second[k] * value
        neither += nobody[k] * value
    return first, second, neither


@njit(cache=True)
def integrate(likelihood: Floats, held: Floats, row: int, count: int, out: Floats) -> None:
    """Fill `out` with the integral of a likelihood over the origin under each account, whose weights begin at `row`.

    Over no points it is 1: that is how what says nothing of the origin is handed in.
    """
    if count == 0:
        out[:HYPOTHESIS_COUNT] = 1.0
        return
    across_first, across_second, nobody = held[row + ACROSS_FIRST], held[row + ACROSS_SECOND], held[row + NEITHER]
    ground_first, ground_second = held[row + OWN_FIRST], held[row + OWN_SECOND]
    first, second, own_first, own_second, neither = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(count):
        value = likelihood[k]
        first += across_first[k] * value
        second += across_second[k] * value
        own_first += ground_first[k] * value
        own_second += ground_second[k] * value
        neither += nobody[k] * value
    out[ACROSS_FIRST], out[ACROSS_SECOND] = first, second
    out[OWN_FIRST], out[OWN_SECOND], out[NEITHER] = own_first, own_second, neither


@njit(cache=True)
def base_density(density: Floats, held: Floats, count: int, told_count: int, work: Floats) -> float:
    """Give what an item's density is measured by; under no account is its mean more than twice that.

    It is the mean under both parties alike, had one of them fired across the line, and no less than half the mean
    under any account: without the word of the place and with that of each of `told_count` sets of tellers. `work`: room
    for five numbers.
    """
    first, second, neither = _integrals_across(density, held, count)
    still, here = held[OWN_FIRST, count - 1], density[count - 1]
    most = max(neither, (1.0 - still) * max(first, second) + still * here)
    for told in range(told_count):
        integrate(density, held, HYPOTHESIS_COUNT * (told + 1), count, work)
        for h in range(HYPOTHESIS_COUNT):
            most = max(most, work[h])
    base: float = 0.5 * max(first + second, most)
    return base


@njit(cache=True)
def bound_cluster(
    likelihood: Floats,
    held: Floats,
    row: int,
    count: int,
    told: Floats,
    table: Floats,
    statement: Floats,
    cap: float,
    work: Floats,
) -> float:
    """Hold one cluster to its cap, in place, and give what its words were drawn together by; 1 where within its cap.

    `told`: what it says of the place, which the caller draws together likewise. `work`: room for ten numbers. Tables
    are drawn together; the likelihood of the origin is mixed with a constant (more contamination) until what it
    says by itself is within its part of the cap: `m = (hi / T - lo) / (hi - lo)` for the ratio T that is allowed.
    """
    integrate(likelihood, held, row, count, work)
    low, high = math.inf, -math.inf
    words = work[HYPOTHESIS_COUNT : 2 * HYPOTHESIS_COUNT]
    for h in range(HYPOTHESIS_COUNT):
        low, high = min(low, work[h]), max(high, work[h])
        words[h] = (told[h] + table[h]) + statement[h]
    origin_spread = math.log(max(high, _SMALLEST)) - math.log(max(low, _SMALLEST))
    table_spread = spread_of(words)
    add_origin(work, math.inf, words)
    together = spread_of(words)
    if together <= cap or together == 0.0:
        return 1.0
    ratio: float = min(1.0, cap / (origin_spread + table_spread))
    for h in range(HYPOTHESIS_COUNT):
        table[h] *= ratio
        statement[h] *= ratio
    if origin_spread > 0.0:
        allowed = math.exp(origin_spread * ratio)
        m = (high / allowed - low) / (high - low)
        for k in range(count):
            likelihood[k] = (1.0 - m) * likelihood[k] + m * high
    return ratio


@njit(cache=True)
def bound_told(tellers: Integers, ratios: Floats, told_words: Floats) -> None:
    """Draw together, in place, what each set of tellers says of the place: as the most bounded of their clusters was.

    A set needs no cap of its own: it is no less often wrong than all of its tellers apart, so it says no more than they
    do one after another.
    """
    for s in range(told_words.shape[0]):
        ratio = 1.0
        for t in range(tellers.shape[0]):
            if (s + 1) >> t & 1:
                ratio = min(ratio, ratios[tellers[t]])
        for h in range(HYPOTHESIS_COUNT):
            told_words[s, h] *= ratio


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
def _lowest_bit(chosen: int) -> int:
    """Give the place of the lowest bit of a set that is not empty."""
    place = 0
    while not chosen >> place & 1:
        place += 1
    return place


@njit(cache=True)
def marks_of(row_marks: Integers, chosen: int) -> int:
    """Give the tellers, as bits, of the chosen rows."""
    mark = 0
    for i in range(row_marks.shape[0]):
        if chosen >> i & 1:
            mark |= row_marks[i]
    return mark


@njit(cache=True)
def _says_nothing(likelihood: Floats, count: int) -> bool:
    """Say whether a likelihood is 1 at every point."""
    return bool(np.all(likelihood[:count] == 1.0))


@njit(cache=True)
def integrate_sets(
    likelihoods: Floats, free_count: int, row_marks: Integers, held: Floats, count: int, room: Floats, sums: Floats
) -> None:
    """Fill `sums` (5, sets) with the integral of every product of likelihoods; bit i of a set stands for row i.

    Rows from `free_count` on tell the place, `row_marks` which tellers they are; sets with them are weighed by that
    word. `room`: a row for every free bit, and one for every set of the others. The product of a set is that of the
    set without its lowest bit, which stays in the row of that set's own lowest bit until all sets between have been
    seen.
    """
    bare_count, told_count = 1 << free_count, 1 << (row_marks.shape[0] - free_count)
    still = held[OWN_FIRST, count - 1]
    at, marks = np.zeros(told_count, dtype=np.int64), np.zeros(told_count, dtype=np.int64)
    silent = np.zeros(told_count, dtype=np.bool_)
    for q in range(1, told_count):
        marks[q] = marks_of(row_marks, q << free_count)
        silent[q] = _says_nothing(likelihoods[free_count + _lowest_bit(q)], count)
    room[free_count, :count] = 1.0
    for m in range(bare_count):
        at[0] = _lowest_bit(m) if m else free_count
        product = room[at[0]]
        if m:
            rest = m & (m - 1)
            before, likelihood = room[_lowest_bit(rest) if rest else free_count], likelihoods[_lowest_bit(m)]
            for k in range(count):
                product[k] = before[k] * likelihood[k]
        first, second, neither = _integrals_across(product, held, count)
        sums[ACROSS_FIRST, m], sums[ACROSS_SECOND, m], sums[NEITHER, m] = first, second, neither
        sums[OWN_FIRST, m] = (1.0 - still) * first + still * product[count - 1]
        sums[OWN_SECOND, m] = (1.0 - still) * second + still * product[count - 1]
        for q in range(1, told_count):
            before, at[q] = room[at[q & (q - 1)]], at[q & (q - 1)]
            if not silent[q]:
                at[q] = free_count + q
                whole, own = room[at[q]], likelihoods[free_count + _lowest_bit(q)]
                for k in range(count):
                    whole[k] = before[k] * own[k]
            integrate(room[at[q]], held, HYPOTHESIS_COUNT * marks[q], count, sums[:, q * bare_count + m])


@njit(cache=True)
def log_origin_sets(origin_count: int, sums: Floats, caps: Floats) -> None:
    """Turn the integrals of sets into logs, in place; what a set says together is held to the sum of its caps."""
    for m in range(1, 1 << origin_count):
        limit = 0.0
        for i in range(origin_count):
            if m >> i & 1:
                limit += caps[i]
        low, high = math.inf, -math.inf
        for h in range(HYPOTHESIS_COUNT):
            value = math.log(max(sums[h, m], _SMALLEST))
            sums[h, m] = value
            low, high = min(low, value), max(high, value)
        if high - low > limit:
            for h in range(HYPOTHESIS_COUNT):
                sums[h, m] *= limit / (high - low)
    sums[:HYPOTHESIS_COUNT, 0] = 0.0


@njit(cache=True)
def add_told(row_marks: Integers, told_words: Floats, sums: Floats) -> None:
    """Add to every set of rows what its tellers say of the place."""
    for chosen in range(1 << row_marks.shape[0]):
        mark = marks_of(row_marks, chosen)
        if mark:
            for h in range(HYPOTHESIS_COUNT):
                sums[h, chosen] += told_words[mark - 1, h]


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

    `origin_rows`: which bit of `sums` (logs, 5 x sets) a player is, -1 for none. What all statements of a set say
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
            totals[chosen, h] = plain[chosen, h] + ratio * words[chosen, h] + sums[h, m]
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
