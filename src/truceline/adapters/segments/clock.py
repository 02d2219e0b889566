"""Is a sensor's GNSS time still believable: held against its own oscillator, and never dropped but widened.

A spoofed receiver gives wrong time, at once (step) or creeping (drag-off); the oscillator beside it does not follow.
The difference x = GNSS - own time is followed by the two-state clock model (Zucca and Tavella 2005, IEEE Trans. UFFC
52, eq. 1: offset and rate, driven by white and random-walk frequency noise) with a Kalman filter. An innovation beyond
the gate is a finding: the filter then coasts, so that a slow drag cannot take it along, and all times get the size of
the innovation as additional error until GNSS and oscillator agree again. On watching clocks against spoofing see
Psiaki and Humphreys 2016, Proc. IEEE 104(6), *GNSS spoofing and detection*.
"""

from __future__ import annotations

import math

import msgspec

GATE_SIGMA_RATIO = 6.0
"""Innovations beyond so many sigma are findings: once in 5e8 by chance, 160 years of a sensor's segments."""

WHITE_FREQUENCY_RATIO = 1e-9
"""Allan deviation at one second of a plain temperature-compensated oscillator (data sheets: 1e-9 and below)."""

WALK_PER_ROOT_S = 3e-10
"""Random walk of its rate, per root second: 0.1 ppm in a day, 2e-8 in an hour, as outdoor temperatures move it."""

RESTART_SIGMA_S = 0.5
"""Error after a restart of the own oscillator: a step of GNSS hidden behind a restart shows in nothing but arrivals."""

STEP_S = 5e-3
"""Innovations from here on are named a step, smaller ones a drift; what follows from them is the same."""


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """The filter after one segment: where it stands, offset and rate with their errors, and what is unresolved."""

    boot_count: int
    own_ns: int
    offset_ns: int
    """GNSS minus own time at the beginning, whole nanoseconds; `offset_s` is what has come to it since."""
    offset_s: float = 0.0
    rate_ratio: float = 0.0
    offset_sigma_s: float
    rate_variance_ratio: float
    covariance_s: float = 0.0
    restarted: bool = False
    doubt_s: float = 0.0
    """Largest innovation since the first beyond the gate; 0 while nothing is unresolved."""
    onset_gate_s: float = 0.0
    """The gate at that first one."""


class ClockCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What one segment's time is worth: error to add in quadrature (1 sigma), and what was noticed."""

    widen_s: float = 0.0
    innovation_s: float = 0.0
    step: bool = False
    drift: bool = False
    restart: bool = False
    unlocked: bool = False


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The two times of a segment's start, nanoseconds, and how the receiver stood."""

    gnss_ns: int
    own_ns: int
    boot_count: int
    locked: bool
    authentic: bool


def check_clock(
    state: ClockState | None, reading: Reading, *, timing_sigma_s: float, rate_sigma_ratio: float
) -> tuple[ClockState, ClockCheck]:
    """Take one segment's times in; give the filter's new state and what the times are worth.

    `timing_sigma_s` is the error of one GNSS time stamp, `rate_sigma_ratio` the oscillator's rate error at enrolment.
    Readings come in the order of sequences; one from before the state is judged by it and changes nothing.
    """
    if state is None:
        begun = _begun(reading, timing_sigma_s, rate_sigma_ratio)
        return begun, ClockCheck(unlocked=not reading.locked)
    if reading.boot_count < state.boot_count:  # a straggler from before the restart: nothing left to hold it against
        return state, ClockCheck(widen_s=RESTART_SIGMA_S, restart=True, unlocked=not reading.locked)
    if reading.boot_count > state.boot_count:
        begun = _begun(reading, timing_sigma_s, rate_sigma_ratio)
        begun = msgspec.structs.replace(begun, restarted=not (reading.locked and reading.authentic))
        return begun, _check(begun, reading, 0.0, False)
    passed_s = (reading.own_ns - state.own_ns) * 1e-9
    predicted = _predicted(state, passed_s)
    innovation_s = (reading.gnss_ns - reading.own_ns - state.offset_ns) * 1e-9 - predicted.offset_s
    gate_s = GATE_SIGMA_RATIO * math.hypot(predicted.offset_sigma_s, timing_sigma_s)
    is_beyond = not _is_resolved(state, abs(innovation_s), gate_s)
    check = _check(predicted, reading, innovation_s, is_beyond)
    if passed_s <= 0.0:
        return state, check
    placed = msgspec.structs.replace(predicted, own_ns=reading.own_ns)
    if is_beyond:
        doubt_s = max(state.doubt_s, abs(innovation_s))
        return msgspec.structs.replace(placed, doubt_s=doubt_s, onset_gate_s=state.onset_gate_s or gate_s), check
    if check.unlocked:
        return placed, check
    return _updated(placed, innovation_s, timing_sigma_s), check


def _is_resolved(state: ClockState, innovation_s: float, gate_s: float) -> bool:
    """Say whether a time agrees with the oscillator.

    After a finding the gate widens while the filter coasts. It may then pass only what it could still tell from the
    finding itself: else a step would be forgiven once it had been held long enough.
    """
    if innovation_s > gate_s:
        return False
    return state.doubt_s == 0.0 or gate_s <= max(state.doubt_s / 2.0, 3.0 * state.onset_gate_s)


def _check(state: ClockState, reading: Reading, innovation_s: float, is_beyond: bool) -> ClockCheck:
    widen_s = abs(innovation_s) if is_beyond else 0.0
    if not reading.locked:
        widen_s = math.hypot(widen_s, state.offset_sigma_s)
    if state.restarted:
        widen_s = math.hypot(widen_s, RESTART_SIGMA_S)
    return ClockCheck(
        widen_s=widen_s,
        innovation_s=innovation_s,
        step=is_beyond and abs(innovation_s) >= STEP_S,
        drift=is_beyond and abs(innovation_s) < STEP_S,
        restart=state.restarted,
        unlocked=not reading.locked,
    )


def _begun(reading: Reading, timing_sigma_s: float, rate_sigma_ratio: float) -> ClockState:
    return ClockState(
        boot_count=reading.boot_count,
        own_ns=reading.own_ns,
        offset_ns=reading.gnss_ns - reading.own_ns,
        offset_sigma_s=timing_sigma_s,
        rate_variance_ratio=rate_sigma_ratio**2,
    )


def _predicted(state: ClockState, passed_s: float) -> ClockState:
    """Carry offset and rate forward (backward for what comes late), with the noise of the time between."""
    span_s = abs(passed_s)
    walk = WALK_PER_ROOT_S**2
    variance = (
        state.offset_sigma_s**2
        + 2.0 * passed_s * state.covariance_s
        + passed_s**2 * state.rate_variance_ratio
        + WHITE_FREQUENCY_RATIO**2 * span_s
        + walk * span_s**3 / 3.0
    )
    return msgspec.structs.replace(
        state,
        offset_s=state.offset_s + state.rate_ratio * passed_s,
        offset_sigma_s=math.sqrt(max(variance, 0.0)),
        covariance_s=state.covariance_s + passed_s * state.rate_variance_ratio + walk * passed_s * span_s / 2.0,
        rate_variance_ratio=state.rate_variance_ratio + walk * span_s,
    )


def _updated(state: ClockState, innovation_s: float, timing_sigma_s: float) -> ClockState:
    """Take a reading that agrees into the filter; whatever was unresolved is settled by it."""
    variance = state.offset_sigma_s**2 + timing_sigma_s**2
    gain = state.offset_sigma_s**2 / variance
    gain_rate_hz = state.covariance_s / variance
    return msgspec.structs.replace(
        state,
        offset_s=state.offset_s + gain * innovation_s,
        rate_ratio=state.rate_ratio + gain_rate_hz * innovation_s,
        offset_sigma_s=state.offset_sigma_s * math.sqrt(1.0 - gain),
        covariance_s=(1.0 - gain) * state.covariance_s,
        rate_variance_ratio=max(state.rate_variance_ratio - gain_rate_hz * state.covariance_s, 0.0),
        doubt_s=0.0,
        onset_gate_s=0.0,
    )
