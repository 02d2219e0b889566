"""How well each station does, from what it said of events that others located: its clock, its noise, and its hearing.

Input are the residuals of a station's detections within `RESIDUAL_MAX_S` of where strong events (log-odds above 10,
say) were expected, all of them and not only accepted members, since a station with a wrong clock has none. A residual
is the event's with a normal error about the station's offset, or chance with an even one: a mixture, fitted by EM
(Dempster, Laird and Rubin 1977) from the best cell of a grid, once with one offset and once for every time at which
the clock may have jumped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESIDUAL_MAX_S = 4.0
"""Clocks more wrong than this are not found (association.md: histograms of 4 s to either side)."""

GRID_STEP_S = 0.05
"""Width of a cell in which an offset is first looked for."""

SLOT_COUNT = 8
"""A jump is looked for between so many stretches of equal length."""

KERNEL_SIGMA_S = 0.15
"""Spread of residuals assumed in the first look, so that a jump is not taken for noise; a guess."""

ROUNDS_COUNT = 25
"""Steps of EM; each at least keeps the likelihood."""

EVIDENCE_LEAST_COUNT = 6.0
"""With fewer own residuals than this (expected count of members) a clock is not judged; a guess."""

JUMP_LOG_RATIO_LEAST_RATIO = 12.0
"""A jump is believed when it raises the log likelihood by this: against 160 x 7 places where it may be found. A
guess."""

CLUMP_LOG_RATIO_LEAST_RATIO = 8.0
"""Residuals that fit one offset better than chance by less than this (log likelihood) have none in common; a guess."""

STEP_OVER_DRIFT_LEAST_RATIO = 6.0
"""A step must fit better than a steady drift by this (log likelihood), since it has two numbers more; a guess."""

OFFSET_LEAST_S = 0.1
"""A smaller offset harms less than the model error over 10 km, and changes no state; a guess."""

SIGNIFICANCE_RATIO = 5.0
"""An offset or a drift is believed at so many sigmas, since there are thousands of stations."""

DRIFT_LEAST_S = 0.1
"""A drift must move the clock by this over the stretch to change a state; a guess."""

SIGMA_SCALE_LIMITS_RATIO = (0.3, 20.0)
"""Bounds of the ratio of observed to stated sigma."""

NOISY_SCALE_RATIO = 3.0
"""Residuals this much wider than stated make a station noisy; a guess."""

NOISY_CLUTTER_RATIO = 5.0
"""Clutter this many times the known rate makes a station noisy; a guess."""

DEAF_HITS_RATIO = 0.5
"""A station that surely (three sigmas) hears less than this share of what is expected of it is deaf; a guess."""

JUDGED_LEAST_COUNT = 5.0
"""Fewer expected hits than this say nothing about hearing: all missed by chance in less than 1 of 100. A guess."""

INVENTED_LEAST_COUNT = 20
"""Fewer detections than this are not called invented; a guess."""

INVENTED_SHARE_SHARE = 0.05
"""A station of whose detections less than this share fits anyone's event says what no one else says; a guess."""

STATES = ("good", "wrong clock", "noisy", "deaf", "silent", "invented", "not judged")
"""What a station can be; later ones in `_state_index` give way to earlier findings."""

WEIGHTS_RATIO = (1.0, 1.0, 0.5, 0.5, 0.0, 0.0, 1.0)
"""What the engine should weigh a station with, by state; a wrong clock is weighed by how well it is known. Guesses."""

OFFSET_KNOWN_SIGMA_S = 0.1
"""A wrong clock whose offset is known better than this is corrected and used, else it is not used; a guess."""


class ResidualColumns(NamedTuple):
    """One row for each detection near where a strong event was expected: whose, when, how far off, sigma as stated."""

    station_index: Ints
    time_s: Floats
    residual_s: Floats
    sigma_s: Floats


class StationCounts(NamedTuple):
    """One row for each station: hits expected of strong events, all detections, its known clutter rate, and time up.

    `expected_count` is the sum of the probabilities of detection; `clutter_rate_hz` is `nan` where nothing is known.
    """

    expected_count: Floats
    detection_count: Ints
    clutter_rate_hz: Floats
    up_time_s: Floats


class Health(NamedTuple):
    """One row for each station; `nan` where it cannot be told.

    The offset is of the stretch's end where the clock jumped (`jump_s` is the step, `jump_time_s` when), else of its
    middle; `drift_ratio` is seconds per second. `hit_ratio` is hits over expected, `clutter_ratio` unexplained
    detections over what was known. `state_index` counts into STATES; `weight_ratio` is for the engine.
    """

    clock_offset_s: Floats
    clock_sigma_s: Floats
    jump_s: Floats
    jump_time_s: Floats
    drift_ratio: Floats
    drift_sigma_ratio: Floats
    sigma_scale_ratio: Floats
    member_count: Floats
    hit_ratio: Floats
    clutter_rate_hz: Floats
    clutter_ratio: Floats
    state_index: Ints
    weight_ratio: Floats


class _Look(NamedTuple):
    """The first look at each station: its one offset, or those before and after a step, if there may be one, and
    when."""

    single_s: Floats
    before_s: Floats
    after_s: Floats
    step_time_s: Floats
    is_step: NDArray[np.bool_]


class _Clock(NamedTuple):
    """The fit of each station: correction to the first look, drift, their sigmas, scale and members."""

    offset_s: Floats
    offset_sigma_s: Floats
    drift_ratio: Floats
    drift_sigma_ratio: Floats
    scale_ratio: Floats
    member_count: Floats
    gain_ratio: Floats


def station_health(residuals: ResidualColumns, counts: StationCounts, *, start_s: float, end_s: float) -> Health:
    """Give the health of every station over one stretch of time; a pure function of the set of rows.

    Residuals farther off than `RESIDUAL_MAX_S` are left out. Rows may come in any order.
    """
    assert end_s > start_s, f"end_s={end_s} is not after start_s={start_s}"
    order = np.lexsort((residuals.sigma_s, residuals.residual_s, residuals.time_s, residuals.station_index))
    order = order[np.abs(residuals.residual_s[order]) <= RESIDUAL_MAX_S]
    rows = ResidualColumns(
        station_index=residuals.station_index[order],
        time_s=residuals.time_s[order],
        residual_s=residuals.residual_s[order],
        sigma_s=residuals.sigma_s[order],
    )
    station_count = len(counts.expected_count)
    look = _first_look(rows, station_count, start_s=start_s, end_s=end_s)
    steady, stepping = (
        _fit(rows, look.single_s[rows.station_index], station_count),
        _fit(rows, _stepped_s(rows, look), station_count),
    )
    jumped = look.is_step & (stepping.gain_ratio - steady.gain_ratio > STEP_OVER_DRIFT_LEAST_RATIO)
    clock = _Clock(*(np.where(jumped, step, flat) for step, flat in zip(stepping, steady, strict=True)))
    base_s = np.where(jumped, look.after_s, look.single_s)
    known = clock.member_count >= EVIDENCE_LEAST_COUNT
    offset_s = np.where(known, base_s + clock.offset_s, np.nan)
    unexplained = np.maximum(counts.detection_count - clock.member_count, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        clutter_rate_hz = np.where(counts.up_time_s > 0.0, unexplained / counts.up_time_s, np.nan)
        hit_ratio = np.where(counts.expected_count > 0.0, clock.member_count / counts.expected_count, np.nan)
        clutter_ratio = clutter_rate_hz / counts.clutter_rate_hz
    health = Health(
        clock_offset_s=offset_s,
        clock_sigma_s=np.where(known, clock.offset_sigma_s, np.nan),
        jump_s=np.where(jumped & known, look.after_s - look.before_s, 0.0),
        jump_time_s=np.where(jumped & known, look.step_time_s, np.nan),
        drift_ratio=np.where(known, clock.drift_ratio, np.nan),
        drift_sigma_ratio=np.where(known, clock.drift_sigma_ratio, np.nan),
        sigma_scale_ratio=np.where(known, clock.scale_ratio, np.nan),
        member_count=clock.member_count,
        hit_ratio=hit_ratio,
        clutter_rate_hz=clutter_rate_hz,
        clutter_ratio=clutter_ratio,
        state_index=np.zeros(station_count, dtype=np.int64),
        weight_ratio=np.ones(station_count),
    )
    state_index = _state_index(health, counts, length_s=end_s - start_s)
    return health._replace(state_index=state_index, weight_ratio=_weight_ratio(health, state_index))


def _first_look(rows: ResidualColumns, station_count: int, *, start_s: float, end_s: float) -> _Look:
    """Find each station's likeliest offset on the grid, and the likeliest jump where two offsets are far likelier."""
    edge_count = round(2.0 * RESIDUAL_MAX_S / GRID_STEP_S)
    cells_s = (np.arange(edge_count) + 0.5) * GRID_STEP_S - RESIDUAL_MAX_S
    cell = np.clip(((rows.residual_s + RESIDUAL_MAX_S) / GRID_STEP_S).astype(np.int64), 0, edge_count - 1)
    slot = np.clip(((rows.time_s - start_s) / (end_s - start_s) * SLOT_COUNT).astype(np.int64), 0, SLOT_COUNT - 1)
    counts = np.zeros((station_count, SLOT_COUNT, edge_count))
    np.add.at(counts, (rows.station_index, slot, cell), 1.0)
    apart = (cells_s[:, None] - cells_s[None, :]) / KERNEL_SIGMA_S
    even = 1.0 / (2.0 * RESIDUAL_MAX_S)
    normal = np.exp(-0.5 * apart**2) / (KERNEL_SIGMA_S * np.sqrt(2.0 * np.pi))
    by_slot = np.cumsum(counts @ np.log((0.5 * normal + 0.5 * even) / even), axis=1)
    whole = by_slot[:, -1]
    early, late = by_slot[:, :-1], whole[:, None, :] - by_slot[:, :-1]
    gain = early.max(axis=2) + late.max(axis=2) - whole.max(axis=1)[:, None]
    station, split = np.arange(station_count), gain.argmax(axis=1)
    single_s = np.where(whole.max(axis=1) > 0.0, cells_s[whole.argmax(axis=1)], 0.0)
    before_s = cells_s[early[station, split].argmax(axis=1)]
    after_s = cells_s[late[station, split].argmax(axis=1)]
    is_step = (gain[station, split] > JUMP_LOG_RATIO_LEAST_RATIO) & (np.abs(after_s - before_s) > OFFSET_LEAST_S)
    time_s = start_s + (split + 1) * (end_s - start_s) / SLOT_COUNT
    return _Look(single_s, before_s, after_s, time_s, is_step)


def _stepped_s(rows: ResidualColumns, look: _Look) -> Floats:
    """Give for each residual the offset of the first look at its time, with the step."""
    own = rows.station_index
    return np.where(rows.time_s >= look.step_time_s[own], look.after_s[own], look.before_s[own])


def _fit(rows: ResidualColumns, base_s: Floats, station_count: int) -> _Clock:
    """Fit offset, drift, scale and share of members about the first look, for all stations at once, by EM."""

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(rows.station_index, weights=values, minlength=station_count), dtype=np.float64)

    own = rows.station_index
    left_s = rows.residual_s - base_s
    offset_s, drift, share = np.zeros(station_count), np.zeros(station_count), np.full(station_count, 0.5)
    scale = np.full(station_count, 3.0)
    middle_s = summed(rows.time_s) / np.maximum(summed(np.ones_like(left_s)), 1.0)
    even = 1.0 / (2.0 * RESIDUAL_MAX_S)
    for _ in range(ROUNDS_COUNT):
        apart_s = rows.time_s - middle_s[own]
        off_s = left_s - offset_s[own] - drift[own] * apart_s
        sigma_s = rows.sigma_s * scale[own]
        share_of_rows = share[own]
        normal = share_of_rows * np.exp(-0.5 * (off_s / sigma_s) ** 2) / (sigma_s * np.sqrt(2.0 * np.pi))
        member = normal / (normal + (1.0 - share_of_rows) * even)
        weight = member / rows.sigma_s**2
        total = np.maximum(summed(weight), 1e-12)
        middle_s = summed(weight * rows.time_s) / total
        apart_s = rows.time_s - middle_s[own]
        offset_s = summed(weight * left_s) / total
        lever = summed(weight * apart_s**2)
        drift = np.where(lever > 0.0, summed(weight * apart_s * left_s) / np.maximum(lever, 1e-12), 0.0)
        off_s = left_s - offset_s[own] - drift[own] * apart_s
        members_count = summed(member)
        share = np.clip((members_count + 0.5) / (summed(np.ones_like(member)) + 1.0), 0.01, 0.99)
        freedom = np.maximum(members_count - 2.0, 1.0)
        scale = np.clip(np.sqrt(summed(weight * off_s**2) / freedom), *SIGMA_SCALE_LIMITS_RATIO)
    gain = summed(np.log(normal / even + 1.0 - share_of_rows))
    return _Clock(
        offset_s=offset_s,
        offset_sigma_s=scale / np.sqrt(total),
        drift_ratio=drift,
        drift_sigma_ratio=np.where(lever > 0.0, scale / np.sqrt(np.maximum(lever, 1e-12)), np.inf),
        scale_ratio=scale,
        gain_ratio=gain,
        member_count=np.where(gain > CLUMP_LOG_RATIO_LEAST_RATIO, members_count, 0.0),
    )


def _state_index(health: Health, counts: StationCounts, *, length_s: float) -> Ints:
    """Give each station's state: the first finding that holds, from the plainest on."""
    expected = counts.expected_count
    judged = expected >= JUDGED_LEAST_COUNT
    silent = judged & (counts.detection_count == 0)
    explained_share = health.member_count / np.maximum(counts.detection_count, 1)
    is_odd = (counts.detection_count >= INVENTED_LEAST_COUNT) & (explained_share < INVENTED_SHARE_SHARE)
    invented = judged & is_odd & (health.hit_ratio < DEAF_HITS_RATIO)
    surely_s = SIGNIFICANCE_RATIO * health.clock_sigma_s
    wrong = (np.abs(health.clock_offset_s) > OFFSET_LEAST_S) & (np.abs(health.clock_offset_s) > surely_s)
    moved_s = np.abs(health.drift_ratio) * length_s
    drifting = (moved_s > DRIFT_LEAST_S) & (moved_s > SIGNIFICANCE_RATIO * health.drift_sigma_ratio * length_s)
    wrong |= drifting | (health.jump_s != 0.0)
    most_hits = health.member_count + 3.0 * np.sqrt(health.member_count + 1.0)
    deaf = judged & (most_hits < DEAF_HITS_RATIO * expected)
    noisy = (health.sigma_scale_ratio > NOISY_SCALE_RATIO) | (health.clutter_ratio > NOISY_CLUTTER_RATIO)
    unknown = ~judged & (health.member_count < EVIDENCE_LEAST_COUNT)
    findings = ((silent, 4), (invented, 5), (wrong, 1), (deaf, 3), (noisy, 2), (unknown, 6))
    return np.select([found for found, _ in findings], [index for _, index in findings], default=0).astype(np.int64)


def _weight_ratio(health: Health, state_index: Ints) -> Floats:
    """Give the weight of each station: that of its state, and none for a wrong clock that is not known well."""
    weight = np.asarray(WEIGHTS_RATIO, dtype=np.float64)[state_index]
    is_wrong = state_index == STATES.index("wrong clock")
    return np.where(is_wrong & ~(health.clock_sigma_s < OFFSET_KNOWN_SIGMA_S), 0.0, weight)
