"""Which observer could have noticed which event, and which of their items might be it: the pairs worth comparing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from truceline.associate.modalities.term import (
    GATE_RATIO,
    Coverage,
    Expectation,
    Floats,
    Ints,
    Modality,
    States,
    rows_of,
)

PROBABILITY_LEAST_PROBABILITY = 1e-3
"""An observer less likely than this to notice an event says nothing about it."""

PAIRS_MAX_COUNT = 1_000_000
"""So many pairs of events and coverage rows are held in memory at once."""


class Items(NamedTuple):
    """What was noticed, sorted by coverage row, then time; an item may be owned by `capacity_count` events at most."""

    coverage_index: Ints
    time_s: Floats
    capacity_count: Ints


class Attached(NamedTuple):
    """What another modality says of some items: row i of `columns` is of item `item_index[i]`, each item once."""

    modality: Modality
    item_index: Ints
    columns: Any


class Stream(NamedTuple):
    """All evidence of one modality that stands alone: who watched, what was noticed, and what else is said of it."""

    modality: Modality
    coverage: Coverage
    items: Items
    columns: Any
    attached: tuple[Attached, ...] = ()


class Pairs(NamedTuple):
    """Opportunities (an event, a coverage row that might show it) and hits (an opportunity, an item that may be it).

    Opportunities are sorted by event; hits by opportunity. `rank` numbers, from 0, the opportunities of one event that
    have hits, nearest in the expectation's time first; -1 where there is none.
    """

    event_index: Ints
    coverage_index: Ints
    hit_opportunity_index: Ints
    hit_item_index: Ints
    rank_index: Ints


def expectations(stream: Stream, states: States, coverage_index: Ints) -> Expectation:
    """Give what each coverage row should show of each state, row by row."""
    assert stream.modality.expect is not None, f"modality {stream.modality.name!r} does not stand alone"
    return stream.modality.expect(states, rows_of(stream.coverage, coverage_index))


def find_pairs(stream: Stream, states: States, covariance: Floats) -> Pairs:
    """Give every pair that may matter: noticed with a thousandth at least, items within four sigmas.

    `covariance` has shape (events, 6) and widens the search by what the event's place and time are not known.
    """
    place_sigma_m = np.sqrt(covariance[:, 0] + covariance[:, 3])
    spread_s = GATE_RATIO * (np.sqrt(covariance[:, 5]) + stream.modality.slowness_max_s_per_m * place_sigma_m)
    event_parts, coverage_parts, expected_parts = [], [], []
    for events, watchers in _blocks(len(states.x_m), len(stream.coverage.x_m)):
        expected = expectations(stream, rows_of(states, events), watchers)
        kept = expected.probability >= PROBABILITY_LEAST_PROBABILITY
        event_parts.append(events[kept])
        coverage_parts.append(watchers[kept])
        expected_parts.append(rows_of(expected, kept))
    event_index, coverage_index = np.concatenate(event_parts), np.concatenate(coverage_parts)
    expected = Expectation(*(np.concatenate(columns) for columns in zip(*expected_parts, strict=True)))
    reach_s = expected.reach_s + spread_s[event_index]
    first = _position(stream.items, coverage_index, expected.arrival_time_s - reach_s, after=False)
    last = _position(stream.items, coverage_index, expected.arrival_time_s + reach_s, after=True)
    hits_count = last - first
    opportunity = np.repeat(np.arange(len(first)), hits_count)
    begins = np.cumsum(hits_count) - hits_count
    item = np.arange(len(opportunity)) - np.repeat(begins - first, hits_count)
    away_s = np.abs(expected.arrival_time_s - states.time_s[event_index])
    return Pairs(event_index, coverage_index, opportunity, item, _ranks(event_index, away_s, hits_count > 0))


def last_time_before_s(items: Items, coverage_index: Ints, time_s: Floats) -> Floats:
    """Give the time of the last item of a coverage row before a time; -inf where there is none."""
    position = _position(items, coverage_index, time_s, after=False) - 1
    if not len(items.time_s):
        return np.full(len(time_s), -np.inf)
    is_own = (position >= 0) & (items.coverage_index[position] == coverage_index)
    return np.where(is_own, items.time_s[position], -np.inf)


def _blocks(event_count: int, coverage_count: int) -> Iterator[tuple[Ints, Ints]]:
    """Give all pairs of events and coverage rows, in blocks that fit in memory; one empty block where there are
    none."""
    rows_count = max(1, PAIRS_MAX_COUNT // max(1, coverage_count))
    for start in range(0, max(1, event_count), rows_count):
        events = np.arange(start, min(start + rows_count, event_count))
        yield np.repeat(events, coverage_count), np.tile(np.arange(coverage_count), len(events))


def _position(items: Items, coverage_index: Ints, time_s: Floats, *, after: bool) -> Ints:
    """Give where a time would be sorted in among a coverage row's items, before or after equal ones."""
    if not len(items.time_s):
        return np.zeros(len(time_s), dtype=np.int64)
    origin_s = items.time_s.min()
    length_s = items.time_s.max() - origin_s
    keys = items.coverage_index * (length_s + 2.0) + (items.time_s - origin_s)
    assert bool(np.all(np.diff(keys) >= 0.0)), "items are not sorted by coverage row and time"
    wanted = coverage_index * (length_s + 2.0) + np.clip(time_s - origin_s, -0.5, length_s + 0.5)
    return np.asarray(np.searchsorted(keys, wanted, side="right" if after else "left"), dtype=np.int64)


def _ranks(event_index: Ints, away: Floats, has_hits: NDArray[np.bool_]) -> Ints:
    """Number the opportunities with hits within each event, nearest first."""
    ranks = np.full(len(event_index), -1, dtype=np.int64)
    chosen = np.flatnonzero(has_hits)
    order = chosen[np.lexsort((away[chosen], event_index[chosen]))]
    events = event_index[order]
    starts = np.flatnonzero(np.r_[True, events[1:] != events[:-1]]) if len(order) else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(order)])
    ranks[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return ranks
