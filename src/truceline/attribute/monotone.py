"""Compiled: isotonic regression, once and with one more case under either label."""

from __future__ import annotations

import numpy as np
from numba import njit

from truceline.attribute.layout import Floats


@njit(cache=True)
def pool_adjacent(known: Floats, labels: Floats) -> Floats:
    """Give the rising step function nearest to labels sorted by `known`: what breaks the order is pooled, and ties."""
    count = known.shape[0]
    sums, sizes = np.empty(count), np.empty(count)
    ends = np.empty(count, dtype=np.int64)
    blocks, at = 0, 0
    while at < count:
        last = at
        total = 0.0
        while last < count and known[last] == known[at]:
            total += labels[last]
            last += 1
        sums[blocks], sizes[blocks], ends[blocks] = total, last - at, last
        blocks += 1
        while blocks > 1 and sums[blocks - 2] * sizes[blocks - 1] >= sums[blocks - 1] * sizes[blocks - 2]:
            sums[blocks - 2] += sums[blocks - 1]
            sizes[blocks - 2] += sizes[blocks - 1]
            ends[blocks - 2] = ends[blocks - 1]
            blocks -= 1
        at = last
    fitted = np.empty(count)
    start = 0
    for b in range(blocks):
        for k in range(start, ends[b]):
            fitted[k] = sums[b] / sizes[b]
        start = ends[b]
    return fitted


@njit(cache=True)
def venn_abers_pairs(known: Floats, labels: Floats, asked: Floats) -> Floats:
    """Give (cases, 2): the fitted probability of each case when it is added as 0, and as 1, its mirror image with it.

    `known` and `labels` are mirrored and sorted; `asked` are log-odds not below 0.
    """
    count = known.shape[0]
    pairs = np.empty((asked.shape[0], 2))
    more, marks = np.empty(count + 2), np.empty(count + 2)
    for n in range(asked.shape[0]):
        s = asked[n]
        low = np.searchsorted(known, -s)
        high = np.searchsorted(known, s)
        for label in range(2):
            for k in range(low):
                more[k], marks[k] = known[k], labels[k]
            more[low], marks[low] = -s, 1.0 - label
            for k in range(low, high):
                more[k + 1], marks[k + 1] = known[k], labels[k]
            more[high + 1], marks[high + 1] = s, float(label)
            for k in range(high, count):
                more[k + 2], marks[k + 2] = known[k], labels[k]
            pairs[n, label] = pool_adjacent(more, marks)[high + 1]
    return pairs
