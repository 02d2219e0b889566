"""One sensor's segments: each once, each linked, and an honest bad link is no forgery."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.segments import chain as chain_module
from truceline.adapters.segments.chain import TIME_FLAGS, Flag
from truceline.adapters.segments.format import NO_HASH, Status
from truceline.adapters.segments.receiver import Receiver, ReceiverState
from truceline.adapters.segments.sealing import Sealer, SegmentTimes
from truceline.adapters.segments.tally import total_of
from truceline.testing import segment_world as world
from unit.segments.segment_days import SENSOR, Outcome, day, reasons, receiver, sequences, taken, used

DAY_S = 86_400.0


def _flags(outcomes: list[Outcome]) -> Flag:
    found = Flag(0)
    for outcome in used(outcomes):
        found |= outcome.flags
    return found


def _later(received: tuple[bytes, int], delay_s: float) -> tuple[bytes, int]:
    return received[0], received[1] + round(delay_s * 1e9)


# honest


@pytest.mark.parametrize("outage_s", [0.0, 60.0, 3_600.0, DAY_S - 120.0])
@pytest.mark.parametrize("seed", range(3))
def test_an_honest_sensor_on_a_bad_link_loses_nothing(outage_s: float, seed: int) -> None:
    """With delays, disorder and an outage of up to 24 hours all segments are used, and no time is doubted."""
    chance = np.random.default_rng(seed)
    made = world.made_segments(SENSOR, 300, chance, message_count=1)
    arrivals = world.honest_arrivals(made, chance, outage_s=outage_s)
    received = sorted(((entry.content, at) for entry, at in zip(made, arrivals, strict=True)), key=lambda pair: pair[1])
    by = receiver()
    outcomes = taken(received, by)

    assert list(range(300)) == sequences(outcomes)
    assert Flag(0) == _flags(outcomes) & ~(Flag.OUT_OF_ORDER | Flag.GAP_BEFORE)
    assert {0.0} == {outcome.widen_s for outcome in used(outcomes)}
    assert (1.0, 1.0, 1.0) == _shares(by)


def _shares(by: Receiver) -> tuple[float | None, float | None, float | None]:
    total = total_of(by.sensors())
    return total.verified_share, total.available_share, total.linked_share


@given(st.permutations(range(12)), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_order_and_batches_do_not_matter(order: list[int], cut: int) -> None:
    """In any order, in one go or with the state saved between, the same segments are used, and each once."""
    received = day(12)
    shuffled = [received[index] for index in order]
    first = receiver()
    before = taken(shuffled[:cut], first)
    second = receiver()
    body = msgspec.msgpack.encode(first.state())
    second.restore(msgspec.msgpack.decode(body, type=ReceiverState))
    after = taken([*shuffled[cut:], *shuffled], second)

    assert list(range(12)) == sequences([*before, *after])
    assert ["duplicate"] * 12 == reasons(after)
    assert {"A17": []} == second.gaps()


def test_a_state_goes_on_as_if_it_had_never_been_saved() -> None:
    """A receiver restored after any segment says of the next what the one that went on says."""
    received = day(20)
    going_on = receiver()
    for pair in received:
        restored = receiver()
        restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(going_on.state()), type=ReceiverState))
        expected = taken([pair], going_on)

        assert expected == taken([pair], restored)
        assert going_on.state() == restored.state()


# replayed, reordered, cut together


@pytest.mark.parametrize("age_s", [60.0, 600.0, 3_600.0, DAY_S, 7 * DAY_S, 30 * DAY_S])
def test_every_replayed_segment_is_refused(age_s: float) -> None:
    """Genuine segments sent again later, all or some, in any order, are refused to the last and change nothing."""
    received = day(60)
    by = receiver()
    taken(received, by)
    state = by.state()
    chance = np.random.default_rng(round(age_s))
    again = [_later(received[index], age_s) for index in chance.permutation(60).tolist()]

    assert ["duplicate"] * 60 == reasons(taken(again, by))
    assert state == by.state()


@pytest.mark.parametrize("age_s", [DAY_S, 7 * DAY_S, 30 * DAY_S])
def test_every_segment_held_back_beyond_the_link_is_flagged(age_s: float) -> None:
    """Genuine segments held back for longer than a link can be cut are used, and say that they are late."""
    outcomes = taken([_later(pair, age_s) for pair in day(30)])

    assert 30 == len(used(outcomes))
    assert all(Flag.LATE in outcome.flags for outcome in used(outcomes))


@pytest.mark.parametrize("age_s", [60.0, 3_600.0])
def test_every_segment_held_back_while_others_pass_is_flagged(age_s: float) -> None:
    """A stretch held back while the rest is let through shows as a gap first, and as disorder when it comes."""
    received = day(400)
    released_ns = received[20][1] + round(age_s * 1e9)
    held = [(content, released_ns) for content, _ in received[10:20]]
    outcomes = taken(sorted([*received[:10], *received[20:], *held], key=lambda pair: pair[1]))
    flags = {outcome.signed.segment.header.sequence: outcome.flags for outcome in used(outcomes)}

    assert Flag.GAP_BEFORE in flags[20]
    assert all(Flag.OUT_OF_ORDER in flags[sequence] for sequence in range(10, 20))


def test_a_stretch_cut_out_shows_as_a_gap() -> None:
    """Whatever is cut out is missing by its sequences, and the segment behind says so."""
    received = day(40)
    by = receiver()
    outcomes = taken([*received[:10], *received[25:]], by)

    assert {"A17": [(10, 24)]} == by.gaps()
    assert Flag.GAP_BEFORE in used(outcomes)[10].flags
    assert pytest.approx((1.0, 25 / 40, 24 / 25)) == _shares(by)


def _fork(received: list[tuple[bytes, int]], at: int, count: int, *, gap: bool = False) -> list[tuple[bytes, int]]:
    """Give segments that the sensor's key signed on another branch of its history, from a sequence on."""
    sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=at, previous_digest=b"\x07" * 32)
    forged = []
    for sequence in range(at, at + count):
        times = SegmentTimes(
            gnss_ns=world.START_NS + sequence * 10**10,
            own_ns=10**15 + sequence * 10**10,
            boot_count=1,
            length_ms=10_000,
        )
        forged.append((sealer.seal([], times, status=world.HEALTHY), received[sequence][1]))
    return forged[1:] if gap else forged


def test_history_of_another_branch_is_spliced_nowhere() -> None:
    """Segments signed with the same key that continue another history are refused, before, inside and after a gap."""
    received = day(60)
    after = taken([*received[:30], *_fork(received, 30, 3)])
    into_gap = taken([*received[:30], *received[35:], *_fork(received, 30, 5, gap=True)])

    assert "splice" == reasons(after)[0]
    assert list(range(30)) == sequences(after[:31])
    assert "splice" in reasons(into_gap)
    assert not {34} & set(sequences(into_gap))


def test_a_second_segment_under_one_sequence_is_kept_and_marks_the_sensor() -> None:
    """Of two contents under one sequence the first stays, the second is kept out, and all that follows says so."""
    received = day(10)
    by = receiver()
    outcomes = taken([*received[:5], *_fork(received, 3, 2), *received[5:]], by)

    assert ["contradiction", "contradiction"] == reasons(outcomes)
    assert list(range(10)) == sequences(outcomes)
    assert all(Flag.CONTRADICTED in outcome.flags for outcome in used(outcomes)[5:])
    assert not any(Flag.CONTRADICTED in outcome.flags for outcome in used(outcomes)[:5])


def test_only_a_first_segment_continues_nothing() -> None:
    """A later segment that claims to be the first of all is refused."""
    received = day(3)
    sealer = Sealer(SENSOR.key, shared=None, next_sequence=3, previous_digest=NO_HASH)
    times = SegmentTimes(gnss_ns=world.START_NS + 3 * 10**10, own_ns=10**15, boot_count=1, length_ms=10_000)
    content = sealer.seal([], times, status=world.HEALTHY)

    assert ["splice"] == reasons(taken([*received, (content, received[2][1] + 10**10)]))


def test_what_the_window_no_longer_holds_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded: a sequence from before the window is refused as too old, never used twice."""
    monkeypatch.setattr(chain_module, "WINDOW_MAX_COUNT", 20)
    received = day(60)
    by = receiver()
    taken(received, by)

    assert ["too_old"] * 40 + ["duplicate"] * 20 == reasons(taken(received, by))
    assert 20 * chain_module.PREFIX_BYTES == len(by.state().chains[0].prefixes)


def test_a_leap_beyond_the_window_begins_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence far ahead is used, what is between counts as missing, and the memory stays bounded."""
    monkeypatch.setattr(chain_module, "WINDOW_MAX_COUNT", 20)
    received = day(60)
    by = receiver()
    outcomes = taken([*received[:3], *received[50:]], by)

    assert [0, 1, 2, *range(50, 60)] == sequences(outcomes)
    assert {"A17": [(3, 49)]} == by.gaps()


# times that cannot be


def _one(*, passed_s: float = 0.0, received_s: float = 10.5, beacon: bytes | None = None, status: Status) -> Outcome:
    sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=0)
    gnss_ns = world.START_NS + round(passed_s * 1e9)
    times = SegmentTimes(gnss_ns=gnss_ns, own_ns=10**15, boot_count=1, length_ms=10_000)
    content = sealer.seal([], times, status=status, beacon=world.beacon_at(passed_s) if beacon is None else beacon)
    return taken([(content, world.START_NS + round(received_s * 1e9))])[0]


def test_times_before_receipt_or_beacon_are_widened_and_not_dropped() -> None:
    """A segment from the future, or older than the beacon it carries, is used with an error as large as that."""
    early = _one(passed_s=3_600.0, received_s=0.0, status=world.HEALTHY)
    backdated = _one(passed_s=0.0, received_s=7_201.0, beacon=world.beacon_at(7_200.0), status=world.HEALTHY)
    assert used([early, backdated]) == [early, backdated]
    early, backdated = used([early, backdated])

    assert Flag.EARLY in early.flags
    assert Flag.BEACON_AHEAD in backdated.flags
    assert pytest.approx([3_610.0, 7_190.0]) == [early.widen_s, backdated.widen_s]


def test_a_beacon_that_is_missing_unknown_or_old_is_said() -> None:
    """Each way in which freshness is not shown has its flag."""
    outcomes = [
        _one(beacon=NO_HASH, status=world.HEALTHY),
        _one(beacon=b"\x05" * 32, status=world.HEALTHY),
        _one(passed_s=10 * DAY_S, received_s=10 * DAY_S + 11, beacon=world.beacon_at(0.0), status=world.HEALTHY),
    ]

    assert [Flag.NO_BEACON, Flag.BEACON_UNKNOWN, Flag.BEACON_STALE] == [outcome.flags for outcome in used(outcomes)]


def test_a_sensor_that_reports_tampering_is_not_used() -> None:
    """Tamper and seal bits lead to quarantine; low power and an unlocked clock are flags."""
    tampered = [_one(status=world.HEALTHY | bit) for bit in (Status.TAMPER, Status.SEAL_BROKEN)]
    weak = _one(status=Status.POWER_LOW)

    assert ["tamper_reported"] * 2 == reasons(tampered)
    assert [Flag.POWER_LOW | Flag.CLOCK_UNLOCKED] == [outcome.flags for outcome in used([weak])]


def test_a_spoofed_step_reaches_the_segments_times() -> None:
    """A step of GNSS time by half a second is flagged in every segment from then on, each widened by that much."""

    def spoof(moment_s: float) -> float:
        return 0.5 if moment_s >= 300.0 else 0.0

    made = world.made_segments(SENSOR, 60, np.random.default_rng(3), spoof=spoof)
    received = [(entry.content, world.START_NS + round((entry.sealed_s + 0.9) * 1e9)) for entry in made]
    outcomes = used(taken(received))
    stepped = [bool(outcome.flags & TIME_FLAGS) for outcome in outcomes]

    assert [False] * 30 + [True] * 30 == stepped
    assert pytest.approx([0.5] * 30, abs=0.01) == [outcome.widen_s for outcome in outcomes[30:]]
