"""Which solved event is which reference event: one to one, within a distance and a time, as cheaply as can be.

The reference is the simulator's ground truth, or what an analyst has reviewed. Maximum matching of least cost on the
graph of all pairs within the gates is how Arora, Russell and Sudderth 2013 (NET-VISA, Bull. Seismol. Soc. Am. 103)
hold automatic bulletins of the IDC against reviewed ones, there with 5 degrees and 50 s (cited from memory).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.errors import InputUnusable
from truceline.model.quantity import require_between

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COMPONENT_MATRIX_MAX_BYTES = 512 << 20
"""The largest table of costs that is made for events which all lie within the gates of one another."""

_FORBIDDEN_RATIO = 1e6


class EventPlaces(NamedTuple):
    """Where and when events were: metres in one plane, seconds after one origin; shape (events,) each."""

    x_m: Floats
    y_m: Floats
    time_s: Floats


class MatchGates(msgspec.Struct, frozen=True, kw_only=True):
    """How far apart in the plane and in time two events may be and still be taken for the same one."""

    distance_m: float
    time_s: float

    def __post_init__(self) -> None:
        """Check that both gates are open and finite."""
        require_between("distance_m", self.distance_m, 1e-3, 1e7)
        require_between("time_s", self.time_s, 1e-6, 1e7)


WIDE_GATES = MatchGates(distance_m=2_000.0, time_s=3.0)
"""The gates by which events count as found: those of the shared association benchmark."""

STRICT_GATES = MatchGates(distance_m=500.0, time_s=1.5)
"""The benchmark's strict gates."""


class Matches(NamedTuple):
    """Matched pairs: the index of the reference event and of the solved event, in order of the former."""

    reference_index: Ints
    solved_index: Ints

    def solved_by_reference(self, reference_count: int) -> Ints:
        """Give for each reference event the index of its solved event, or -1; shape (reference_count,)."""
        return _partner(self.reference_index, self.solved_index, reference_count)

    def reference_by_solved(self, solved_count: int) -> Ints:
        """Give for each solved event the index of its reference event, or -1; shape (solved_count,)."""
        return _partner(self.solved_index, self.reference_index, solved_count)


def _partner(own_index: Ints, other_index: Ints, own_count: int) -> Ints:
    partner = np.full(own_count, -1, dtype=np.int64)
    partner[own_index] = other_index
    return partner


def match_events(reference: EventPlaces, solved: EventPlaces, *, gates: MatchGates) -> Matches:
    """Pair as many events as can be, each at most once, and among such pairings the one of least cost.

    A pair costs `(distance / distance gate)^2 + (time / time gate)^2`, and is allowed where neither gate is exceeded.
    The graph of allowed pairs falls into components, each solved exactly by the Hungarian method as SciPy has it
    (Crouse 2016, IEEE Trans. Aerosp. Electron. Syst. 52, 1679). Raises `InputUnusable` where a component is so
    large that its table of costs would pass `COMPONENT_MATRIX_MAX_BYTES`: such gates cannot tell events apart.
    """
    first, second, cost_ratio = _allowed_pairs(reference, solved, gates)
    if first.size == 0:
        return Matches(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    label = _component_of(first, second, (len(reference.x_m), len(solved.x_m)))
    order = np.argsort(label, kind="stable")
    first, second, cost_ratio, label = first[order], second[order], cost_ratio[order], label[order]
    edges = np.append(np.flatnonzero(np.r_[True, label[1:] != label[:-1]]), label.size)
    alone = np.diff(edges) == 1
    chosen = [edges[:-1][alone]]
    for low, high in zip(edges[:-1][~alone].tolist(), edges[1:][~alone].tolist(), strict=True):
        chosen.append(low + _assigned(first[low:high], second[low:high], cost_ratio[low:high]))
    kept = np.concatenate(chosen)
    kept = kept[np.argsort(first[kept], kind="stable")]
    return Matches(first[kept], second[kept])


def _allowed_pairs(reference: EventPlaces, solved: EventPlaces, gates: MatchGates) -> tuple[Ints, Ints, Floats]:
    """List every pair within both gates with its cost, in order of reference, then solved event."""
    from scipy.spatial import cKDTree

    if len(reference.x_m) == 0 or len(solved.x_m) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    trees = [cKDTree(_in_gates(places, gates)) for places in (reference, solved)]
    near = trees[0].query_ball_tree(trees[1], 1.0001 * np.sqrt(2.0))
    first = np.repeat(np.arange(len(near)), [len(found) for found in near])
    second = np.fromiter((index for found in near for index in sorted(found)), dtype=np.int64, count=first.size)
    distance_m = np.hypot(reference.x_m[first] - solved.x_m[second], reference.y_m[first] - solved.y_m[second])
    gap_s = np.abs(reference.time_s[first] - solved.time_s[second])
    kept = (distance_m <= gates.distance_m) & (gap_s <= gates.time_s)
    cost_ratio = (distance_m / gates.distance_m) ** 2 + (gap_s / gates.time_s) ** 2
    return first[kept], second[kept], cost_ratio[kept]


def _in_gates(places: EventPlaces, gates: MatchGates) -> Floats:
    """Give places and times in units of the gates; two events within both are at most sqrt(2) apart there."""
    return np.column_stack([places.x_m / gates.distance_m, places.y_m / gates.distance_m, places.time_s / gates.time_s])


def _component_of(first: Ints, second: Ints, counts: tuple[int, int]) -> Ints:
    """Give each allowed pair the number of the connected component of the graph that it lies in."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    node_count = sum(counts)
    graph = coo_matrix((np.ones(first.size), (first, counts[0] + second)), shape=(node_count, node_count))
    _, label = connected_components(graph, directed=False)
    return np.asarray(label[first], dtype=np.int64)


def _assigned(first: Ints, second: Ints, cost_ratio: Floats) -> Ints:
    """Give which of a component's pairs are chosen."""
    from scipy.optimize import linear_sum_assignment

    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    size_bytes = 8 * rows.size * columns.size
    if size_bytes > COMPONENT_MATRIX_MAX_BYTES:
        raise InputUnusable(
            f"{rows.size} by {columns.size} events lie within the gates of one another, a table of {size_bytes} bytes, "
            f"limit {COMPONENT_MATRIX_MAX_BYTES}: these gates cannot tell them apart; use narrower ones"
        )
    cost = np.full((rows.size, columns.size), _FORBIDDEN_RATIO)
    cost[row, column] = cost_ratio
    pair = np.full((rows.size, columns.size), -1, dtype=np.int64)
    pair[row, column] = np.arange(first.size)
    taken = pair[linear_sum_assignment(cost)]
    return np.asarray(taken[taken >= 0], dtype=np.int64)
