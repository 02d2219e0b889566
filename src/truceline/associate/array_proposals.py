"""Which array detections may have an event in common: fans of places behind each, pairs through gates, growing sets.

Every detection is a seed. Its own bearing and celerity give a fan of places and origin times with prior weights; every
other detection is held against the fan. What its bearing or its time rules out never becomes a pair, so the work grows
with the pairs that could be, not with all there are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from truceline.associate.array_likelihood import log_bearing_ratio
from truceline.associate.array_records import ArrayColumns, ArraySettings, Floats, Ints
from truceline.physics.celerity import great_circle, great_circle_destination, reciprocal_celerity_density

FAN_RANGE_COUNT = 40
FAN_BEARING_COUNT = 11
FAN_CELERITY_COUNT = 28
"""Points of the fan: along range (evenly in its logarithm), across the beam, and in reciprocal celerity."""

FAN_NEAREST_M = 15_000.0
FAN_HALF_WIDTH_SIGMA_RATIO = 2.5
GATE_SIGMA_RATIO = 3.0
"""How many standard deviations of its bearing a partner may be off every place of the fan."""

PARTNER_MAX_COUNT = 48
"""How many detections are tried with a seed, those first whose pair is the likeliest."""

PARTNER_GAIN_MIN_RATIO = -4.0
"""The log odds that a partner may at most cost its pair and still be tried in larger sets."""

START_MAX_COUNT = 3
"""From how many of its best pairs a seed grows sets."""

SET_MAX_COUNT = 64
"""How many detections a set may have at most."""


Members = tuple[int, ...]
"""Detections by their index in canonical order."""


class Proposal(NamedTuple):
    """Detections that may be one event, as sorted indices, and the log odds that they are, to within some tenths."""

    members: Members
    log_odds_ratio: float


class PairCounts(NamedTuple):
    """How many pairs there were in reach of each other in time, passed the gates, and were worth a set."""

    in_reach_count: int
    gated_count: int
    kept_count: int


class _Fan(NamedTuple):
    """Places behind one seed and origin times at each; `log_weight` has shape (places, origin times).

    It holds the seed's own bearing, celerity and clutter, the prior, and the node's share of ground and time.
    `distance_m`, `bearing_deg` and `blur_s` (what the fan's coarseness adds to an arrival's spread) have shape (arrays,
    places).
    """

    distance_m: Floats
    bearing_deg: Floats
    blur_s: Floats
    step_m: Floats
    origin_s: Floats
    log_weight: Floats


class _Hearing(NamedTuple):
    """The log probability that all arrays were silent, (reaches, places), and what each adds by having heard."""

    silent: Floats
    added: Floats


class _Partners(NamedTuple):
    """The detections tried with a seed: indices, and the likelihood ratio each contributes, (partners, places, times).

    In single precision: 7 digits are four more than the fan's coarseness deserves, and exponentials cost a third.
    """

    detection: Ints
    ratio: NDArray[np.float32]


class _Fanned(NamedTuple):
    """A seed with its fan, who may have heard at its places, and the weights of its nodes over their largest."""

    seed: int
    fan: _Fan
    hearing: _Hearing
    weight: NDArray[np.float32]
    log_scale: float


def propose(
    columns: ArrayColumns, free: Ints, settings: ArraySettings, *, seeds: Ints | None = None
) -> tuple[dict[int, list[Proposal]], PairCounts]:
    """Propose sets of two or more free detections, by seed: every free detection, or the given ones among them."""
    proposals: dict[int, list[Proposal]] = {}
    counts = np.zeros(3, dtype=np.int64)
    for seed in (free if seeds is None else seeds).tolist():
        fanned = _fanned(columns, seed, settings)
        near = _in_reach(columns, seed, free, settings)
        gated = near[_gated(columns, seed, near, (fanned.fan, settings))]
        partners = _partners(columns, gated, fanned, settings)
        counts += (len(near), len(gated), len(partners.detection))
        proposals[seed] = _grown(columns, partners, fanned, settings)
    return proposals, PairCounts(*counts.tolist())


def _fanned(columns: ArrayColumns, seed: int, settings: ArraySettings) -> _Fanned:
    fan = _fan_of(columns, seed, settings)
    top = float(fan.log_weight.max())
    weight = np.exp(fan.log_weight - top).astype(np.float32)
    return _Fanned(seed, fan, _hearing(fan.distance_m, settings), weight, top)


def _fan_of(columns: ArrayColumns, seed: int, settings: ArraySettings) -> _Fan:
    """Lay out the fan of a seed and weigh its nodes."""
    model, kappa = settings.celerity, float(columns.concentration_ratio[seed])
    edges_m = np.geomspace(FAN_NEAREST_M, settings.range_max_m, FAN_RANGE_COUNT + 1)
    range_m, range_step_m = (edges_m[1:] + edges_m[:-1]) / 2.0, np.diff(edges_m)
    half_deg = math.degrees(FAN_HALF_WIDTH_SIGMA_RATIO / math.sqrt(kappa))
    turn_step_deg = 2.0 * half_deg / FAN_BEARING_COUNT
    turn_deg = -half_deg + (np.arange(FAN_BEARING_COUNT) + 0.5) * turn_step_deg
    step_s_per_m = (model.slowest_s_per_m - model.fastest_s_per_m) / FAN_CELERITY_COUNT
    slowness_s_per_m = model.fastest_s_per_m + (np.arange(FAN_CELERITY_COUNT) + 0.5) * step_s_per_m
    ranges_m, turns_deg = (grid.ravel() for grid in np.meshgrid(range_m, turn_deg, indexing="ij"))
    index = columns.array_index[seed]
    start = columns.array_latitude_deg[index], columns.array_longitude_deg[index]
    places = great_circle_destination(*start, (columns.bearing_deg[seed] + turns_deg, ranges_m))
    distance_m, bearing_deg = great_circle(
        columns.array_latitude_deg[:, None], columns.array_longitude_deg[:, None], (places[0][None], places[1][None])
    )
    area_m2 = ranges_m * np.repeat(range_step_m, FAN_BEARING_COUNT) * math.radians(turn_step_deg)
    log_place = np.log(area_m2 * settings.event_density_hz_per_m2) - columns.log_clutter_hz[seed]
    log_place += log_bearing_ratio(turns_deg, np.array(kappa), settings.outlier_share)
    log_time = np.log(reciprocal_celerity_density(model, slowness_s_per_m) * step_s_per_m)
    return _Fan(
        distance_m=distance_m,
        bearing_deg=bearing_deg,
        blur_s=_blur_s(distance_m, range_step_m, float(np.dot(model.phase_shares, model.mean_s_per_m))),
        step_m=np.repeat(range_step_m, FAN_BEARING_COUNT),
        origin_s=columns.time_s[seed] - ranges_m[:, None] * slowness_s_per_m,
        log_weight=log_place[:, None] + log_time,
    )


def _blur_s(distance_m: Floats, range_step_m: Floats, mean_s_per_m: float) -> Floats:
    """Give what the steps of a fan add to the spread of an arrival: a cell of time differences counts as uniform.

    Going one step out takes the seed's sound longer; the partner's time changes with its own distance.
    """
    fan = distance_m.reshape(len(distance_m), FAN_RANGE_COUNT, FAN_BEARING_COUNT)
    outward = np.gradient(fan, axis=1) - range_step_m[:, None]
    sideways = np.gradient(fan, axis=2)
    blur: Floats = mean_s_per_m * np.hypot(outward, sideways).reshape(distance_m.shape) / math.sqrt(12.0)
    return blur


def _in_reach(columns: ArrayColumns, seed: int, free: Ints, settings: ArraySettings) -> Ints:
    """Give the free detections at times at which any event within reach of both could have come."""
    reach_s = settings.range_max_m * settings.celerity.slowest_s_per_m
    times_s = columns.time_s[free]
    first = np.searchsorted(times_s, columns.time_s[seed] - reach_s, side="left")
    last = np.searchsorted(times_s, columns.time_s[seed] + reach_s, side="right")
    near = free[first:last]
    others: Ints = near[near != seed]
    return others


def _gated(columns: ArrayColumns, seed: int, near: Ints, place: tuple[_Fan, ArraySettings]) -> Ints:
    """Give the positions in `near` of those for which some place of the fan lies in beam, in range and in time."""
    fan, settings = place
    model = settings.celerity
    arrays = columns.array_index[near]
    distance_m, own_m = fan.distance_m[arrays], fan.distance_m[columns.array_index[seed]]
    off_deg = np.abs(np.mod(fan.bearing_deg[arrays] - columns.bearing_deg[near][:, None] + 180.0, 360.0) - 180.0)
    sigma_deg = np.degrees(1.0 / np.sqrt(columns.concentration_ratio[near]))[:, None]
    later_s = (columns.time_s[near] - columns.time_s[seed])[:, None]
    margin_s = 3.0 * np.hypot(settings.timing_sigma_s, fan.blur_s[arrays])
    width_deg = np.degrees(fan.step_m / np.maximum(distance_m, fan.step_m)) / 2.0
    is_possible = (
        (off_deg <= GATE_SIGMA_RATIO * sigma_deg + width_deg)
        & (distance_m <= settings.range_max_m)
        & (later_s <= distance_m * model.slowest_s_per_m - own_m * model.fastest_s_per_m + margin_s)
        & (later_s >= distance_m * model.fastest_s_per_m - own_m * model.slowest_s_per_m - margin_s)
    )
    return np.flatnonzero(is_possible.any(axis=1))


def _hearing(distance_m: Floats, settings: ArraySettings) -> _Hearing:
    """Tabulate `log_heard` of array_likelihood so that one array more is one addition."""
    reach_m = np.asarray(settings.hearing_range_m)[:, None, None]
    fade = -((distance_m[None] / reach_m) ** 2)
    silent = np.log1p(-settings.detection_probability * np.exp(fade))
    return _Hearing(silent.sum(axis=1), math.log(settings.detection_probability) + fade - silent)


def _partners(columns: ArrayColumns, gated: Ints, fanned: _Fanned, settings: ArraySettings) -> _Partners:
    """Tabulate the likelihood ratio of each gated detection over the fan, and keep those whose pair is worth it."""
    fan, model = fanned.fan, settings.celerity
    arrays = columns.array_index[gated]
    distance_m = fan.distance_m[arrays]
    width = (fan.step_m / np.maximum(distance_m, fan.step_m)) ** 2 / 12.0
    kappa = 1.0 / (1.0 / columns.concentration_ratio[gated][:, None] + width)
    off_deg = fan.bearing_deg[arrays] - columns.bearing_deg[gated][:, None]
    bearing = np.exp(log_bearing_ratio(off_deg, kappa, settings.outlier_share) - columns.log_clutter_hz[gated][:, None])
    spread_s = np.hypot(settings.timing_sigma_s, fan.blur_s[arrays])
    delay_s = (columns.time_s[gated][:, None, None] - fan.origin_s[None]).astype(np.float32)
    ratio = np.zeros_like(delay_s)
    for share, mean, sigma in zip(model.phase_shares, model.mean_s_per_m, model.sigma_s_per_m, strict=True):
        sigma_s = np.hypot(distance_m * sigma, spread_s)
        height = (bearing * share / (sigma_s * math.sqrt(2.0 * math.pi))).astype(np.float32)[..., None]
        off = delay_s - (distance_m * mean).astype(np.float32)[..., None]
        ratio += height * np.exp(-0.5 * np.square(off / sigma_s.astype(np.float32)[..., None]))
    partners = _Partners(gated, ratio)
    own = int(columns.array_index[fanned.seed])
    alone = _log_odds(fanned.weight[None], [_heard(fanned.hearing, [own])])[0]
    gains = _trials(columns, partners, (fanned, settings), weight=fanned.weight, heard_by=[own]) - alone
    order = np.argsort(-gains, kind="stable")[:PARTNER_MAX_COUNT]
    kept = order[gains[order] > PARTNER_GAIN_MIN_RATIO]
    return _Partners(gated[kept], ratio[kept])


def _heard(hearing: _Hearing, arrays: list[int]) -> Floats:
    """Give the log probability, at each place, that just these arrays heard."""
    by_reach = hearing.silent + hearing.added[:, sorted(set(arrays))].sum(axis=1)
    heard: Floats = np.logaddexp.reduce(by_reach, axis=0) - math.log(len(by_reach))
    return heard


def _log_odds(weight: NDArray[np.float32], heard: list[Floats]) -> Floats:
    """Give the log of the sum over all nodes, for each of some weights and who heard with them."""
    by_place = weight.sum(axis=2, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logs: Floats = np.log((by_place * np.exp(np.stack(heard))).sum(axis=1))
    return logs


def _trials(
    columns: ArrayColumns,
    partners: _Partners,
    asked: tuple[_Fanned, ArraySettings],
    *,
    weight: NDArray[np.float32],
    heard_by: list[int],
) -> Floats:
    """Give the log odds, less the seed's scale, of a set with each partner in turn added to it."""
    fanned, settings = asked
    arrays = columns.array_index[partners.detection].tolist()
    if not arrays:
        return np.zeros(0)
    heard = {array: _heard(fanned.hearing, [*heard_by, array]) for array in set(arrays)}
    by_place = np.einsum("ps,kps->kp", weight, partners.ratio).astype(np.float64)
    with np.errstate(divide="ignore"):
        logs = np.log((by_place * np.exp(np.stack([heard[array] for array in arrays]))).sum(axis=1))
    further_count = np.array([len(heard_by) + 1 - len({*heard_by, array}) for array in arrays])
    trials: Floats = logs + further_count * math.log(settings.further_phase_probability)
    return trials


def _grown(columns: ArrayColumns, partners: _Partners, fanned: _Fanned, settings: ArraySettings) -> list[Proposal]:
    """Grow sets from a seed's best pairs, by the partner that raises the odds most, until none does."""
    found: list[Proposal] = []
    waiting = list(range(len(partners.detection)))
    while waiting and len(found) < START_MAX_COUNT:
        start = waiting.pop(0)
        if not any(int(partners.detection[start]) in entry.members for entry in found):
            found.append(_set_from(columns, partners, (fanned, settings), start=start))
    return found


def _set_from(
    columns: ArrayColumns, partners: _Partners, asked: tuple[_Fanned, ArraySettings], *, start: int
) -> Proposal:
    """Grow one set from a pair."""
    fanned, _ = asked
    heard_by = [int(columns.array_index[fanned.seed])]
    weight, log_scale, odds, chosen = fanned.weight, fanned.log_scale, -math.inf, list[int]()
    following = start
    while True:
        trials = _trials(columns, partners, asked, weight=weight, heard_by=heard_by) + log_scale
        trials[chosen] = -math.inf
        following = int(np.argmax(trials)) if chosen else start
        if trials[following] <= odds or len(chosen) == SET_MAX_COUNT:
            break
        odds, chosen = float(trials[following]), [*chosen, following]
        heard_by = [*heard_by, int(columns.array_index[partners.detection[following]])]
        weight = weight * partners.ratio[following]
        top = float(weight.max())
        weight, log_scale = weight / np.float32(top), log_scale + math.log(top)
    members = tuple(sorted([fanned.seed, *partners.detection[chosen].tolist()]))
    return Proposal(members, odds)
