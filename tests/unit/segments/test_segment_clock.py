"""GNSS time against the sensor's own oscillator: every spoofing is noticed, no honest clock is doubted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from truceline.adapters.segments.clock import (
    RESTART_SIGMA_S,
    ClockCheck,
    ClockState,
    Reading,
    check_clock,
)
from truceline.testing.segment_world import ClockTruth, Spoof, readings

ONSET_S = 3_600.0
ATTACKS: dict[str, Spoof] = {
    "step of 0.5 s": lambda moment_s: 0.5 * (moment_s >= ONSET_S),
    "step of 20 ms": lambda moment_s: 0.02 * (moment_s >= ONSET_S),
    "step back by 20 ms": lambda moment_s: -0.02 * (moment_s >= ONSET_S),
    "ramp of 50 us/s": lambda moment_s: 5e-5 * max(0.0, moment_s - ONSET_S),
    "replay of 60 s": lambda moment_s: -60.0 * (moment_s >= ONSET_S),
}


def checked(readings_of_run: list[Reading], truth: ClockTruth) -> list[ClockCheck]:
    """Give what is said of each reading, in order."""
    state: ClockState | None = None
    checks = []
    for reading in readings_of_run:
        state, check = check_clock(
            state, reading, timing_sigma_s=truth.timing_sigma_s, rate_sigma_ratio=truth.rate_limit_ratio
        )
        checks.append(check)
    return checks


def doubted(checks: list[ClockCheck]) -> list[bool]:
    """Say of each whether GNSS was found to differ from the oscillator."""
    return [check.step or check.drift for check in checks]


def _honest_run(seed: int, hour_count: float) -> list[ClockCheck]:
    chance = np.random.default_rng(seed)
    truth = ClockTruth(
        timing_sigma_s=float(chance.choice([1e-5, 1e-4, 1e-3])),
        walk_per_root_s=float(chance.uniform(0.0, 1.5e-10)),
        wave_ratio=float(chance.uniform(0.0, 2e-7)),
    )
    true_s = np.arange(int(hour_count * 360)) * 10.0
    kept = chance.random(len(true_s)) >= 0.02
    outage = int(chance.integers(0, len(true_s)))
    kept[outage : outage + int(chance.integers(0, 360))] = False
    kept[0] = True
    return checked(readings(true_s[kept], truth, chance), truth)


def test_no_honest_clock_is_doubted() -> None:
    """In 200 honest runs with other oscillators, temperatures and gaps, not one segment's time is doubted."""
    assert 0 == sum(sum(doubted(_honest_run(seed, 3.0))) for seed in range(200))


@pytest.mark.long
def test_no_honest_clock_is_doubted_for_days() -> None:
    """The same over 200 runs of four days."""
    assert 0 == sum(sum(doubted(_honest_run(seed, 96.0))) for seed in range(200))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ATTACKS)
def test_every_spoofing_is_noticed_and_its_size_is_in_the_error(name: str, seed: int) -> None:
    """Steps and replays are noticed at once, the ramp in 30 s; from then on the error covers how far time is off."""
    spoof, truth = ATTACKS[name], ClockTruth()
    true_s = np.arange(1_080) * 10.0
    checks = checked(readings(true_s, truth, np.random.default_rng(seed), spoof=spoof), truth)
    found = doubted(checks)
    first = found.index(True)
    off_s = [abs(spoof(moment_s)) for moment_s in true_s.tolist()]

    assert 0.0 <= true_s[first] - ONSET_S <= (30.0 if name.startswith("ramp") else 0.0)
    assert all(found[first:])
    assert all(check.widen_s >= 0.5 * off for check, off in zip(checks[first:], off_s[first:], strict=True))


def test_a_spoofing_that_is_held_is_not_forgiven() -> None:
    """A step held for 30 days is still in the error on the last of them: patience does not make it true."""
    truth = ClockTruth()
    true_s = np.concatenate([np.arange(360) * 10.0, 3_600.0 + np.arange(1, 721) * 3_600.0])
    checks = checked(readings(true_s, truth, np.random.default_rng(1), spoof=ATTACKS["step of 0.5 s"]), truth)

    assert all(doubted(checks)[360:])
    assert checks[-1].widen_s > 0.25


def test_time_that_agrees_again_is_believed_again() -> None:
    """After a spoofing of ten minutes true time is believed again at its first segment."""

    def spoof(moment_s: float) -> float:
        return 0.5 * (3_600.0 <= moment_s < 4_200.0)

    truth = ClockTruth()
    checks = checked(readings(np.arange(720) * 10.0, truth, np.random.default_rng(2), spoof=spoof), truth)

    assert list(range(360, 420)) == [index for index, found in enumerate(doubted(checks)) if found]


def _reading(index: int, *, boot_count: int = 1, locked: bool = True, authentic: bool = False) -> Reading:
    return Reading(
        gnss_ns=index * 10**10, own_ns=index * 10**10, boot_count=boot_count, locked=locked, authentic=authentic
    )


def test_a_restart_leaves_half_a_second_open_unless_time_is_authenticated() -> None:
    """After a restart times are widened, but not where the receiver authenticates the navigation messages."""
    truth = ClockTruth()
    before = [_reading(index) for index in range(10)]
    plain = checked([*before, *(_reading(index, boot_count=2) for index in range(10, 20))], truth)
    signed = checked([*before, *(_reading(index, boot_count=2, authentic=True) for index in range(10, 20))], truth)
    straggler = checked([*before, _reading(11, boot_count=2), _reading(10)], truth)[-1]

    assert [RESTART_SIGMA_S] * 10 == [check.widen_s for check in plain[10:]]
    assert all(check.restart for check in plain[10:])
    assert [0.0] * 10 == [check.widen_s for check in signed[10:]]
    assert (True, RESTART_SIGMA_S) == (straggler.restart, straggler.widen_s)


def test_an_unlocked_receiver_has_the_error_of_its_oscillator() -> None:
    """While GNSS is lost the error grows as the oscillator's does, and ends when GNSS is back."""
    truth = ClockTruth()
    runs = [_reading(index, locked=not 400 <= index < 800) for index in range(900)]
    checks = checked(runs, truth)
    widths = [check.widen_s for check in checks[400:800]]

    assert all(check.unlocked for check in checks[400:800])
    assert widths == sorted(widths)
    assert 1e-6 < widths[-1] < 1e-3
    assert [0.0] * 100 == [check.widen_s for check in checks[800:]]


def test_what_comes_late_is_judged_by_the_filter_and_does_not_change_it() -> None:
    """A segment from before the newest is held against the same oscillator, good or bad, and moves nothing."""
    truth = ClockTruth()
    state: ClockState | None = None
    for index in [*range(100), *range(110, 200)]:
        state, _ = check_clock(state, _reading(index), timing_sigma_s=1e-4, rate_sigma_ratio=truth.rate_limit_ratio)
    honest, forged = (
        _reading(105),
        Reading(gnss_ns=105 * 10**10 + 20_000_000, own_ns=105 * 10**10, boot_count=1, locked=True, authentic=False),
    )
    after_honest, good = check_clock(state, honest, timing_sigma_s=1e-4, rate_sigma_ratio=2.5e-6)
    after_forged, bad = check_clock(state, forged, timing_sigma_s=1e-4, rate_sigma_ratio=2.5e-6)

    assert state == after_honest == after_forged
    assert (0.0, True) == (good.widen_s, bad.step)
    assert math.isclose(0.02, bad.widen_s, rel_tol=0.05)
