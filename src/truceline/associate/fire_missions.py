"""Located events to fire missions: events close in place and time, in one canonical order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.fire_columns import FireEvents, Floats, Ints
from truceline.associate.fire_settings import FireSettings


class Missions(NamedTuple):
    """Missions in order of their first event, and their events.

    `order` brings the events into the order of missions and, within one, of time; mission k has the events
    `order[start[k] : start[k + 1]]`. `density_hz_per_m2` is how many missions there are about it per square metre and
    second, `size_probability` how usual its number of events is here, `gap_mean_s` the mean time between rounds.
    """

    order: Ints
    start: Ints
    x_m: Floats
    y_m: Floats
    first_s: Floats
    last_s: Floats
    density_hz_per_m2: Floats
    size_probability: Floats
    gap_mean_s: float
    split_count: int

    @property
    def sizes_count(self) -> Ints:
        """How many events each mission has."""
        return np.diff(self.start)


def find_missions(events: FireEvents, settings: FireSettings) -> Missions:
    """Group events that are linked by steps of at most `mission_radius_m` and `mission_gap_max_s`.

    Single linkage (Sibson 1973) in place and time; events with a `mission_index` are grouped by that alone. The result
    does not depend on the events' order.
    """
    canonical = np.lexsort((events.y_m, events.x_m, events.time_s))
    labels = _labels(events, canonical, settings)
    given = events.mission_index[canonical]
    labels = np.where(given >= 0, given + len(labels), labels)
    labels, split_count = _split(labels, settings.mission_events_max_count)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")[inverse]
    by_mission = np.argsort(rank, kind="stable")
    order = canonical[by_mission]
    start = np.searchsorted(rank[by_mission], np.arange(len(first) + 1))
    sizes = np.diff(start)
    times_s = events.time_s[order]
    x_m = np.add.reduceat(events.x_m[order], start[:-1]) / sizes
    y_m = np.add.reduceat(events.y_m[order], start[:-1]) / sizes
    first_s, last_s = times_s[start[:-1]], times_s[start[1:] - 1]
    return Missions(
        order=order,
        start=start.astype(np.int64),
        x_m=x_m,
        y_m=y_m,
        first_s=first_s,
        last_s=last_s,
        density_hz_per_m2=_densities(np.column_stack([x_m, y_m]), 0.5 * (first_s + last_s), settings),
        size_probability=_size_probabilities(sizes),
        gap_mean_s=_gap_mean_s(last_s - first_s, sizes, settings),
        split_count=split_count,
    )


def _labels(events: FireEvents, canonical: Ints, settings: FireSettings) -> Ints:
    """Label the linked groups of those events, in canonical order, that are not grouped already."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    free = np.flatnonzero(events.mission_index[canonical] < 0)
    labels = np.arange(len(canonical), dtype=np.int64)
    if len(free) < 2:
        return labels
    x_m, y_m, time_s = (column[canonical][free] for column in (events.x_m, events.y_m, events.time_s))
    scaled = np.column_stack(
        [x_m / settings.mission_radius_m, y_m / settings.mission_radius_m, time_s / settings.mission_gap_max_s]
    )
    pairs = cKDTree(scaled).query_pairs(1.0, p=np.inf, output_type="ndarray")
    near = np.hypot(*(scaled[pairs[:, 0], :2] - scaled[pairs[:, 1], :2]).T) <= 1.0
    left, right = pairs[near].T
    links = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(free), len(free)))
    labels[free] = connected_components(links, directed=False)[1]
    return labels


def _split(labels: Ints, events_max_count: int) -> tuple[Ints, int]:
    """Cut groups of more than so many events into stretches of time; give the labels and how many were cut."""
    by_label = np.argsort(labels, kind="stable")
    _, start, sizes = np.unique(labels[by_label], return_index=True, return_counts=True)
    within = np.arange(len(labels)) - np.repeat(start, sizes)
    parts = np.empty(len(labels), dtype=np.int64)
    parts[by_label] = within // events_max_count
    return labels * (int(parts.max(initial=0)) + 1) + parts, int((sizes > events_max_count).sum())


def _densities(places_m: Floats, middle_s: Floats, settings: FireSettings) -> Floats:
    """Give the density of missions about each, from its nearest neighbours within the window (Loftsgaarden 1965).

    With k neighbours inside the radius of the k-th, `(k - 1/2) / (pi r^2 T)`; the radius is bounded both ways.
    """
    by_time = np.argsort(middle_s, kind="stable")
    times_s, half_s = middle_s[by_time], settings.density_window_s
    low = np.searchsorted(times_s, times_s - half_s)
    high = np.searchsorted(times_s, times_s + half_s, side="right")
    spans_s = np.minimum(times_s + half_s, times_s[-1]) - np.maximum(times_s - half_s, times_s[0])
    spans_s = np.maximum(spans_s, min(half_s, 60.0))
    densities = np.empty(len(times_s))
    for row, (begin, end) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        apart_m = np.hypot(*(places_m[by_time[begin:end]] - places_m[by_time[row]]).T)
        wanted = min(settings.density_neighbours_count, len(apart_m) - 1)
        radius_m = float(np.partition(apart_m, wanted)[wanted]) if wanted > 0 else settings.density_radius_max_m
        radius_m = min(max(radius_m, settings.density_radius_min_m), settings.density_radius_max_m)
        count = max(float((apart_m <= radius_m).sum()) - 1.0, 1.0)
        densities[by_time[row]] = (count - 0.5) / (np.pi * radius_m**2 * spans_s[row])
    return densities


def _size_probabilities(sizes: Ints) -> Floats:
    """Give the share of missions about as large as each, within a factor of 1.5; half a mission is added."""
    ordered = np.sort(sizes)
    low = np.searchsorted(ordered, np.ceil(sizes / 1.5 - 1e-9))
    high = np.searchsorted(ordered, np.floor(sizes * 1.5 + 1e-9), side="right")
    shares: Floats = (0.5 + high - low) / (1.0 + len(sizes))
    return shares


def _gap_mean_s(durations_s: Floats, sizes: Ints, settings: FireSettings) -> float:
    """Give the mean time between the rounds of a mission; four gaps of the default length count as seen before."""
    return float((durations_s.sum() + 4.0 * settings.gap_default_s) / ((sizes - 1).sum() + 4.0))
