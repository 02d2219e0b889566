"""Candidate events and evidence of every modality become events with a place, a probability and a ledger.

For each event and each coverage row (a station, camera, patrol or overpass that could have noticed it) the likelihood
ratio is

    q + sum over items p of  p_d N(z_p; h(x), S_p) / b_p,      q = 1 - p_d (1 where dead time masks it)

the item being the event's at most once, and b_p the background and whatever other events claim of the item
(association.md, "Model"). Each coverage row is integrated over what is not yet known of place and time and then
matched by one normal: the probabilistic data association filter (Bar-Shalom and Tse 1975), nearest first, modality by
modality. It is swept several times, each time with the measurements taken at the last result (iterated posterior
linearisation, Garcia-Fernandez et al. 2015) and with the claims of the others from the last sweep, so that events
share an item instead of both having it.

What the engine used already (its own arrivals and bearings) must not come again: evidence counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

from truceline.associate.gaussian import Normals, absorb, matched, packed, unpacked
from truceline.associate.modalities import silence
from truceline.associate.modalities.registry import LEDGER_NAMES
from truceline.associate.modalities.term import Coverage, Floats, Ints, States, Term, product, rows_of
from truceline.associate.pairing import Attached, Pairs, Stream, expectations, find_pairs, last_time_before_s

SWEEPS_COUNT = 4
"""How often all evidence is gone through: alone, and three times beside the claims of the others."""

LOG_ODDS_MIN_RATIO = -2.0
"""Candidates of sound alone below this (natural logarithm of odds) are not worth raising (association.md)."""

LOG_ODDS_ACCEPTED_RATIO = 3.0
"""Events above this are shown (association.md: those at 3..6 are true in 50-80 %, so show the probability too)."""

_EXPONENT_MAX = 600.0


class Candidates(NamedTuple):
    """Located candidate events: states, covariances `(n, 6)` of x, y, time, and the natural logarithm of their odds."""

    states: States
    covariance: Floats
    log_odds_ratio: Floats


class Combined(NamedTuple):
    """What all evidence together says, events in the order of the candidates.

    The covariance is narrowed by evidence; an event's tail ratio (`truceline.physics.region`) stays the candidate's, to
    whom it stands in the same row: what else speaks of a place does not say how its errors are distributed.
    `ledger` has shape (events, names of LEDGER_NAMES) and sums to `log_odds_ratio`. Members are flat: the event, the
    stream, the item, and the probability that it is the event's.
    """

    states: States
    covariance: Floats
    log_odds_ratio: Floats
    ledger: Floats
    member_event_index: Ints
    member_stream_index: Ints
    member_item_index: Ints
    member_probability: Floats


class _Taken(NamedTuple):
    """One stream in one sweep: its terms at the reference, with one more file each, and what its observers expect."""

    terms: tuple[Term, ...]
    names: tuple[str, ...]
    probability: Floats
    missing: Floats


class _Sweep(NamedTuple):
    """The result of one sweep: normals, ledger, and per stream the claims and memberships of its hits."""

    normals: Normals
    ledger: Floats
    claims: list[Floats]
    members: list[Floats]


def combine(candidates: Candidates, streams: Sequence[Stream], regions: Sequence[shapely.Geometry] = ()) -> Combined:
    """Give the candidates with all evidence taken in: log-odds added, place and time updated, items shared among them.

    Streams are taken in the order of the register, whatever order they come in; `regions` are polygons in the plane
    (m), to which the coverage's `region_index` points. A candidate that no evidence speaks of leaves as it came.
    """
    order = sorted(range(len(streams)), key=lambda index: LEDGER_NAMES.index(streams[index].modality.name))
    pairs = [find_pairs(streams[index], candidates.states, candidates.covariance) for index in order]
    ordered = [streams[index] for index in order]
    states = candidates.states
    others: list[Floats] = [np.zeros(len(pair.hit_item_index)) for pair in pairs]
    for _ in range(SWEEPS_COUNT):
        taken = [_take(stream, pair, states, regions) for stream, pair in zip(ordered, pairs, strict=True)]
        sweep = _sweep(candidates, list(zip(ordered, pairs, taken, others, strict=True)), _means(states))
        x_m, y_m, time_s = sweep.normals.mean.T
        states = states._replace(x_m=x_m.copy(), y_m=y_m.copy(), time_s=time_s.copy())
        odds = np.exp(np.clip(sweep.ledger.sum(axis=1), -_EXPONENT_MAX, _EXPONENT_MAX))
        shares = [
            _shares(stream, pair, claims, odds / (1.0 + odds))
            for stream, pair, claims in zip(ordered, pairs, sweep.claims, strict=True)
        ]
        others = [0.5 * (before + share[0]) for before, share in zip(others, shares, strict=True)]
    owned = [np.minimum(share[1], member) for share, member in zip(shares, sweep.members, strict=True)] if pairs else []
    return _combined(states, sweep, (order, pairs, owned))


def _combined(states: States, sweep: _Sweep, found: tuple[list[int], list[Pairs], list[Floats]]) -> Combined:
    order, pairs, owned = found
    none = np.zeros(0, dtype=np.int64)
    events = [pair.event_index[pair.hit_opportunity_index] for pair in pairs]
    streams = [np.full(len(pair.hit_item_index), index) for index, pair in zip(order, pairs, strict=True)]
    return Combined(
        states=states,
        covariance=packed(sweep.normals.covariance),
        log_odds_ratio=sweep.ledger.sum(axis=1),
        ledger=sweep.ledger,
        member_event_index=np.concatenate([none, *events]),
        member_stream_index=np.concatenate([none, *streams]),
        member_item_index=np.concatenate([none, *(pair.hit_item_index for pair in pairs)]),
        member_probability=np.concatenate([np.zeros(0), *owned]),
    )


def _means(states: States) -> Floats:
    return np.stack([states.x_m, states.y_m, states.time_s], axis=-1)


def _take(stream: Stream, pairs: Pairs, states: States, regions: Sequence[shapely.Geometry]) -> _Taken:
    """Compare every hit, and say what every observer should have noticed, at the present states."""
    coverage = rows_of(stream.coverage, pairs.coverage_index)
    there = rows_of(states, pairs.event_index)
    expected = expectations(stream, there, pairs.coverage_index)
    probability = expected.probability * silence.inside_regions(there, coverage, regions)
    last_s = last_time_before_s(stream.items, pairs.coverage_index, expected.arrival_time_s - silence.MASK_MARGIN_S)
    masked = silence.is_masked(expected.arrival_time_s, last_s, coverage.dead_time_s)
    hit_states = rows_of(there, pairs.hit_opportunity_index)
    hit_coverage = rows_of(coverage, pairs.hit_opportunity_index)
    terms = [stream.modality.compare(hit_states, hit_coverage, rows_of(stream.columns, pairs.hit_item_index))]
    for more in stream.attached:
        said = _attached_term(more, (hit_states, hit_coverage, pairs.hit_item_index), len(stream.items.time_s))
        terms.append(product(terms[-1], said))
    return _Taken(
        terms=tuple(terms),
        names=(stream.modality.name, *(more.modality.name for more in stream.attached)),
        probability=probability,
        missing=silence.missing_probability(probability, masked),
    )


def _attached_term(more: Attached, hits: tuple[States, Coverage, Ints], item_count: int) -> Term:
    """Give what another modality says of each hit's item; where it says nothing, a single component without effect."""
    states, coverage, item_index = hits
    row_of_item = np.full(item_count, -1, dtype=np.int64)
    row_of_item[more.item_index] = np.arange(len(more.item_index))
    said = row_of_item[item_index] >= 0
    rows = row_of_item[item_index][said]
    some = more.modality.compare(rows_of(states, said), rows_of(coverage, said), rows_of(more.columns, rows))
    components, count = len(some.log_ratio), len(item_index)
    log_ratio = np.full((components, count), -np.inf)
    log_ratio[0] = 0.0
    term = Term(log_ratio, np.zeros((components, count, 3)), np.zeros((components, count, 3, 3)))
    for whole, part in zip(term, some, strict=True):
        whole[:, said] = part
    return term


def _sweep(candidates: Candidates, taken: list[tuple[Stream, Pairs, _Taken, Floats]], reference: Floats) -> _Sweep:
    """Go once through all evidence, from the candidates on."""
    normals = Normals(_means(candidates.states), unpacked(candidates.covariance))
    ledger = np.zeros((len(candidates.log_odds_ratio), len(LEDGER_NAMES)))
    ledger[:, 0] = candidates.log_odds_ratio
    claims, members = [], []
    for stream, pairs, said, others in taken:
        silent = pairs.rank_index < 0
        ledger[:, -1] += silence.silence_log_ratio(pairs.event_index[silent], said.missing[silent], len(ledger))
        claim, member = np.zeros(len(pairs.hit_item_index)), np.zeros(len(pairs.hit_item_index))
        ranks = pairs.rank_index[pairs.hit_opportunity_index]
        for rank in range(int(ranks.max(initial=-1)) + 1):
            hits = np.flatnonzero(ranks == rank)
            normals = _absorb_rank((stream, pairs, said, others), hits, (normals, reference), (ledger, claim, member))
        claims.append(claim)
        members.append(member)
    return _Sweep(normals, ledger, claims, members)


def _absorb_rank(
    taken: tuple[Stream, Pairs, _Taken, Floats],
    hits: Ints,
    now: tuple[Normals, Floats],
    into: tuple[Floats, Floats, Floats],
) -> Normals:
    """Take in one coverage row of each event; fill in the ledger, the claims and the memberships of its hits."""
    stream, pairs, said, others = taken
    normals, reference = now
    ledger, claim, member = into
    opportunities, local = np.unique(pairs.hit_opportunity_index[hits], return_inverse=True)
    events = pairs.event_index[opportunities]
    missing = said.missing[opportunities]
    here = Normals(normals.mean[events][local], normals.covariance[events][local])
    capacity = stream.items.capacity_count[pairs.hit_item_index[hits]]
    log_weight = np.log(np.maximum(said.probability[opportunities][local] * capacity, 1e-300))
    shared = np.log1p(others[hits] / capacity)
    total = missing
    before = np.log(missing)
    for name, term in zip(said.names, said.terms, strict=True):
        absorbed = absorb(here, reference[events][local], Term(*(part[:, hits] for part in term)))
        whole = np.exp(np.clip(absorbed.log_predictive_ratio + log_weight, -_EXPONENT_MAX, _EXPONENT_MAX))
        weights = whole * np.exp(-shared)
        total = missing + np.bincount(local, weights=weights.sum(axis=0), minlength=len(events))
        ledger[events, LEDGER_NAMES.index(name)] += np.log(total) - before
        before = np.log(total)
    silent = missing / total * np.log(missing)
    ledger[events, -1] += silent
    ledger[events, LEDGER_NAMES.index(said.names[0])] += np.log(missing) - silent
    claim[hits] = whole.sum(axis=0)
    member[hits] = weights.sum(axis=0) / total[local]
    own = Normals(normals.mean[events], normals.covariance[events])
    updated = matched(own, absorbed, weights=weights / total[local], group_index=local)
    mean, covariance = normals.mean.copy(), normals.covariance.copy()
    mean[events], covariance[events] = updated.mean, updated.covariance
    return Normals(mean, covariance)


def _shares(stream: Stream, pairs: Pairs, claims: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """Give for each hit what the other events claim of its item, and the share of the item that is this event's.

    Claims are weighted with the probability that the claimant exists; shares of one item sum to at most its capacity.
    """
    weighted = claims * probability[pairs.event_index[pairs.hit_opportunity_index]]
    by_item = np.bincount(pairs.hit_item_index, weights=weighted, minlength=len(stream.items.time_s))
    total = by_item[pairs.hit_item_index]
    capacity = stream.items.capacity_count[pairs.hit_item_index]
    return np.maximum(total - weighted, 0.0), weighted / (1.0 + total / capacity)
