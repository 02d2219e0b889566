"""The equations of attribution once more in plain numpy: slow, short, and held against the compiled code by tests."""

from __future__ import annotations

import math
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from truceline.attribute.control import METRES_PER_DEGREE_M, ControlField
from truceline.attribute.decide import node_template
from truceline.attribute.layout import (
    PATCH_REACH_RATIO,
    PATCH_SIDE_COUNT,
    SHAPE_BAND,
    SHAPE_DIRECTION,
    SHAPE_POINT,
    SHAPE_SEGMENT,
    Cases,
)

Floats = NDArray[np.float64]
CELL_VARIANCE_MOST_M2 = 4.0e6
NOT_HELD_PROBABILITY = 1e-9
NOWHERE_DENSITY_RATIO = 1e-280
SURE_SIGMA_RATIO = 4.2 * math.sqrt(2.0)


class Reference(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One case: log-likelihoods of all evidence, Shapley shares and ratios alone of its clusters, and what stays.

    `group_log_likelihoods`: (masks, 5).
    """

    log_likelihood: Floats
    shares: Floats
    alone: Floats
    group_log_likelihoods: Floats


def decide_reference(columns: Cases, index: int, field: ControlField | None) -> Reference:
    """Decide one case of up to a dozen clusters by enumerating sets; `columns` as laid by `pack_cases`."""
    clusters = range(int(columns.cluster_starts[index + 1] - columns.cluster_starts[index]))
    likelihoods, held, words, caps = _bounded(columns, index, field)
    prior, tellers = columns.log_priors[index], _tellers(columns, index)
    told_words = _told_words(columns, index, words)

    def value(chosen: tuple[int, ...]) -> Floats:
        total = sum((words[c][0] for c in chosen), start=np.zeros(5))
        said = sum((words[c][1] for c in chosen), start=np.zeros(5))
        total = total + _drawn_together(said, columns.statements_cap_ratio)
        mark = sum(1 << t for t, c in enumerate(tellers) if c in chosen)
        total = total + told_words[mark]
        speaking = {c: told for c in chosen if (told := likelihoods[c]) is not None}
        if speaking and held is not None:
            product = np.prod(np.array(list(speaking.values())), axis=0)
            rows = held[mark]
            total = total + _drawn_together(np.log(rows @ product), sum(caps[c] for c in speaking))
        return np.asarray(total)

    def odds(chosen: tuple[int, ...]) -> float:
        joint = value(chosen) + prior
        return float(np.logaddexp(joint[0], joint[2]) - np.logaddexp(joint[1], joint[3]))

    count = len(clusters)
    shares = np.zeros(count)
    for c in clusters:
        others = [other for other in clusters if other != c]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for chosen in combinations(others, size):
                shares[c] += weight * (odds(tuple(sorted((*chosen, c)))) - odds(chosen))
    masks = columns.group_masks[columns.mask_starts[index] : columns.mask_starts[index + 1]].reshape(-1, max(1, count))
    return Reference(
        log_likelihood=value(tuple(clusters)),
        shares=shares,
        alone=np.array([odds((c,)) for c in clusters]),
        group_log_likelihoods=np.array([value(tuple(np.flatnonzero(mask).tolist())) for mask in masks]).reshape(-1, 5),
    )


def _tellers(columns: Cases, index: int) -> list[int]:
    """Give which clusters tell the place."""
    own = columns.teller_clusters[columns.teller_starts[index] : columns.teller_starts[index + 1]]
    return [int(c) for c in own]


def _told(columns: Cases, index: int) -> slice:
    """Give where what sets of tellers say of the place stands."""
    return slice(columns.told_starts[index], columns.told_starts[index + 1])


def _told_words(columns: Cases, index: int, words: list[tuple[Floats, Floats, float]]) -> list[Floats]:
    """Give what every set of tellers says of the place, nothing for none, drawn together as its clusters were."""
    made = [np.zeros(5)]
    tellers = _tellers(columns, index)
    for chosen, told in enumerate(columns.told_words[_told(columns, index)], start=1):
        who = [c for t, c in enumerate(tellers) if chosen >> t & 1]
        made.append(told * min(words[c][2] for c in who))
    return made


def _drawn_together(vector: Floats, limit: float) -> Floats:
    spread = float(vector.max() - vector.min())
    return np.asarray(vector * (limit / spread)) if spread > limit else vector


def _bounded(
    columns: Cases, index: int, field: ControlField | None
) -> tuple[list[Floats | None], Floats | None, list[tuple[Floats, Floats, float]], list[float]]:
    """Give each cluster's likelihood over the points (or none), the points' weights, its words, and its cap.

    The weights are (sets of tellers, 5, points), without the word of the place first. Words are tables, statements and
    what they were drawn together by.
    """
    first, last = columns.cluster_starts[index], columns.cluster_starts[index + 1]
    likelihoods: list[Floats | None] = [None] * (last - first)
    held: Floats | None = None
    items = range(columns.item_starts[index], columns.item_starts[index + 1])
    tellers = _tellers(columns, index)
    if field is not None and items:
        nodes, patch = _nodes(columns, index)
        held = _held(columns, index, _ground(field, columns.anchors[index], nodes), nodes)
        for place in tellers:
            likelihoods[place] = np.ones(nodes.shape[1])
        for i in items:
            density = np.ones(nodes.shape[1])
            for s in range(columns.shape_starts[i], columns.shape_starts[i + 1]):
                density = density * _density(columns, s, patch, nodes[[0, 1, 3]])
            means = held @ density
            base = 0.5 * max(float(means[0, 0] + means[0, 1]), float(means.max()))
            e, w = columns.item_numbers[i]
            told = ((1.0 - e) * density / base + e) ** w if base > NOWHERE_DENSITY_RATIO else np.ones(nodes.shape[1])
            c = int(columns.item_clusters[i])
            known = likelihoods[c]
            likelihoods[c] = told if known is None else known * told
    words = []
    caps = columns.caps[first:last].tolist()
    for c in range(last - first):
        table, said = columns.tables[first + c], columns.statements[first + c]
        mark = 1 << tellers.index(c) if c in tellers else 0
        told = columns.told_words[_told(columns, index)][mark - 1] if mark else np.zeros(5)
        rows = None if held is None else held[mark]
        likelihoods[c], ratio = _capped(likelihoods[c], rows, told + table + said, caps[c])
        words.append((table * ratio, said * ratio, ratio))
    return likelihoods, held, words, caps


def _capped(likelihood: Floats | None, held: Floats | None, plain: Floats, cap: float) -> tuple[Floats | None, float]:
    """Hold a cluster to its cap: give the origin mixed with a constant, and what its words are drawn together by."""
    origin = np.zeros(5) if likelihood is None or held is None else np.log(held @ likelihood)
    together = plain + origin
    if together.max() - together.min() <= cap:
        return likelihood, 1.0
    spread = float(origin.max() - origin.min())
    ratio = min(1.0, cap / (spread + float(plain.max() - plain.min())))
    if likelihood is not None and spread > 0.0:
        high, low = math.exp(origin.max()), math.exp(origin.min())
        m = (high / math.exp(spread * ratio) - low) / (high - low)
        likelihood = (1.0 - m) * likelihood + m * high
    return likelihood, ratio


def _nodes(columns: Cases, index: int) -> tuple[Floats, tuple[float, float, float]]:
    """Give the points and the patch: rings times directions outside the patch, the patch, and last the place itself.

    Rows: east, north, weight, variance of the cell, weight of the even disc of a wrong place.
    """
    rings, directions = node_template()
    bands = columns.bands[columns.band_starts[index] : columns.band_starts[index + 1]]
    launch = bool(columns.is_launch[index])
    patch = _patch(columns, index)
    low, middle, high = rings.T[:, :, np.newaxis]
    east, north = middle * directions[:, 0], middle * directions[:, 1]
    within_m = columns.wrong_within_m
    weight, even = (
        np.repeat(_ring_weights(rings, law, within_m) / len(directions), len(directions)).reshape(east.shape)
        for law in (None if launch else bands, None)
    )
    variance = np.broadcast_to(np.pi * (high**2 - low**2) / len(directions) / 12.0, east.shape)
    kept = ~((np.abs(east - patch[0]) < patch[2]) & (np.abs(north - patch[1]) < patch[2]))
    nodes = np.array([part[kept] for part in (east, north, weight, variance, even)])
    if patch[2] > 0.0:
        step = 2.0 * patch[2] / PATCH_SIDE_COUNT
        offsets = (np.arange(PATCH_SIDE_COUNT) - 0.5 * (PATCH_SIDE_COUNT - 1)) * step
        x, y = (part.ravel() for part in np.meshgrid(patch[0] + offsets, patch[1] + offsets, indexing="ij"))
        laws = (None if launch else bands, None)
        densities = [_densities(np.hypot(x, y), law, within_m) * step * step for law in laws]
        nodes = np.hstack([nodes, np.array([x, y, densities[0], np.zeros(len(x)), densities[1]])])
    here = np.array([[0.0], [0.0], [0.0], [columns.place_variances_m2[index]], [0.0]])
    return np.hstack([nodes[:, (nodes[2] > 0.0) | (nodes[4] > 0.0)], here]), patch


def _patch(columns: Cases, index: int) -> tuple[float, float, float]:
    items = columns.item_starts[index], columns.item_starts[index + 1]
    rows = range(columns.shape_starts[items[0]], columns.shape_starts[items[1]])
    points = np.array([columns.shapes[s] for s in rows if columns.shape_kinds[s] == SHAPE_POINT])
    if not len(points):
        return 0.0, 0.0, 0.0
    precision = 1.0 / (points[:, 2] + points[:, 4])
    axes = [float(np.linalg.eigvalsh(np.array([[p[2], p[3]], [p[3], p[4]]]))[-1]) for p in points]
    middle = (points[:, :2] * precision[:, np.newaxis]).sum(axis=0) / precision.sum()
    return float(middle[0]), float(middle[1]), PATCH_REACH_RATIO * math.sqrt(min(axes))


def _ring_weights(rings: Floats, bands: Floats | None, within_m: float) -> Floats:
    """Give the rings' probabilities by range of fire; without bands by area, as far as a wrong place may be off."""
    if bands is None:
        top = np.minimum(rings[:, 2], within_m)
        return np.asarray(np.maximum(0.0, top**2 - rings[:, 0] ** 2) / within_m**2)
    total = np.zeros(len(rings))
    for low, high, probability in bands:
        inner, outer = np.maximum(low, rings[:, 0]), np.minimum(high, rings[:, 2])
        total += probability * np.log(np.maximum(outer / inner, 1.0)) / math.log(high / low)
    return total


def _densities(r: Floats, bands: Floats | None, within_m: float) -> Floats:
    if bands is None:
        return np.where(r < within_m, 1.0 / (np.pi * within_m**2), 0.0)
    share = sum(np.where((low <= r) & (r < high), p / math.log(high / low), 0.0) for low, high, p in bands)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(r > 0.0, share / (2.0 * np.pi * r * r), 0.0))


def _ground(field: ControlField, anchor: Floats, nodes: Floats) -> Floats:
    """Give the probability that the first and the second party hold each point."""
    per_east_m = METRES_PER_DEGREE_M * math.cos(math.radians(anchor[1]))
    distance_m = field.signed_distance_m(anchor[0] + nodes[0] / per_east_m, anchor[1] + nodes[1] / METRES_PER_DEGREE_M)
    spread_m = np.sqrt(field.sigma_m**2 + np.minimum(nodes[3], CELL_VARIANCE_MOST_M2))
    deviation = distance_m / spread_m
    tail = np.where(np.abs(deviation) > SURE_SIGMA_RATIO, 0.0, ndtr(-np.abs(deviation)))
    first = np.where(deviation > 0.0, 1.0 - tail, tail)
    return np.asarray(np.maximum(np.array([first, 1.0 - first]), NOT_HELD_PROBABILITY))


def _held(columns: Cases, index: int, ground: Floats, nodes: Floats) -> Floats:
    """Give the points' weights under the five accounts, without the word of the place and by every set of tellers.

    Each row sums to 1.
    """
    here = np.append(np.zeros(nodes.shape[1] - 1), 1.0)
    still = 0.0 if columns.is_launch[index] else columns.still_probability
    shares = np.array([0.0, 0.0, still, still, still])[:, np.newaxis]
    holders = np.array([ground[0], ground[1], ground[0], ground[1], np.ones(nodes.shape[1])])
    plain = (1.0 - shares) * _normed(nodes[2] * holders) + shares * here
    made = [plain]
    for first, e in columns.told[_told(columns, index)]:
        known, right = _known(columns, (first, e), nodes, holders)
        known = (1.0 - shares) * known + shares * here
        elsewhere = _normed(nodes[4] * holders) if nodes[4].any() else plain[[0, 1, 0, 1, 4]]
        made.append(right * known + (1.0 - right) * elsewhere)
    return np.array(made)


def _known(columns: Cases, told: tuple[float, float], nodes: Floats, holders: Floats) -> tuple[Floats, Floats]:
    """Give the points' weights where the place is right, by who holds both; and how probably it is, by account."""
    first, e = told
    on = np.array([1.0 - first, first, first, 1.0 - first, 0.5])[:, np.newaxis]
    right = (1.0 - e) * on / np.maximum((1.0 - e) * on + 0.5 * e, 1e-300)
    k = np.exp(-np.hypot(nodes[0], nodes[1]) / columns.line_together_m) if columns.line_together_m else 0.0
    both = np.vstack(
        [
            k * np.maximum(0.0, on[:2] - holders[[1, 0]]) + (1.0 - k) * holders[:2] * on[:2],
            k * np.minimum(holders[2:4], on[2:4]) + (1.0 - k) * holders[2:4] * on[2:4],
            holders[4:],
        ]
    )
    return _normed(nodes[2] * both), right


def _normed(weights: Floats) -> Floats:
    """Give each row as shares of its sum; a row of nothing stays so, and is weighed by nothing."""
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))


def _density(columns: Cases, s: int, patch: tuple[float, float, float], nodes: Floats) -> Floats:
    """Give what one shape says of every point, up to a factor."""
    kind, p = int(columns.shape_kinds[s]), columns.shapes[s]
    x, y = nodes[0] - p[0], nodes[1] - p[1]
    if kind == SHAPE_POINT:
        inside = abs(p[0] - patch[0]) < patch[2] and abs(p[1] - patch[1]) < patch[2]
        extra = np.append(np.zeros(len(x) - 1), nodes[2, -1]) if inside else nodes[2]
        a, d, b = p[2] + extra, p[4] + extra, p[3]
        determinant = a * d - b * b
        return np.asarray(np.exp(-0.5 * (d * x * x - 2.0 * b * x * y + a * y * y) / determinant) / np.sqrt(determinant))
    if kind == SHAPE_DIRECTION:
        with np.errstate(invalid="ignore"):
            along = np.nan_to_num((x * p[2] + y * p[3]) / np.hypot(x, y))
        return np.asarray(np.exp(p[4] * (along - 1.0)))
    if kind == SHAPE_BAND:
        r2 = x * x + y * y
        inside_high = 1.0 / (1.0 + (r2 / p[3] ** 2) ** 4)
        rise = (r2 / p[2] ** 2) ** 4 if p[2] > 0.0 else np.full(len(x), np.inf)
        return np.asarray(inside_high * np.where(np.isinf(rise), 1.0, rise / (1.0 + rise)))
    if kind == SHAPE_SEGMENT:
        way = p[2:4] - p[:2]
        t = np.clip((x * way[0] + y * way[1]) / max(float(way @ way), 1e-300), 0.0, 1.0)
        variance = p[4] ** 2 + nodes[2]
        return np.asarray(np.exp(-0.5 * ((x - t * way[0]) ** 2 + (y - t * way[1]) ** 2) / variance) / np.sqrt(variance))
    heard = 1.0 - p[3] / (1.0 + ((x * x + y * y) / p[2] ** 2) ** 2)
    return np.append(heard[:-1], 1.0)
