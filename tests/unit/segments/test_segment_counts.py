"""What is printed about verification: shares, gaps and states, and the gateway's one root over all it received."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from truceline.adapters.log.tree import leaf_hash
from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.format import Segment, Status, decode_segment
from truceline.adapters.segments.gateway import GatewayWindow, Member, WindowRoots, is_in_window, prove_segment
from truceline.adapters.segments.outputs import sensors_csv, table_lines
from truceline.adapters.segments.sealing import Sealer, SegmentTimes
from truceline.adapters.segments.tally import NOBODY, total_of
from truceline.adapters.segments.verify import Signed
from truceline.adapters.segments.workers import verified_by
from truceline.testing import segment_world as world
from unit.segments.segment_days import REGISTRY, SENSOR, day, receiver, taken, used


def test_shares_are_of_what_was_received_and_of_what_should_have_been() -> None:
    """Of 40 segments: 10 missing, 4 forged, 5 twice, 1 broken; every figure says exactly that."""
    received = day(40)
    forged = [(content[:-1] + bytes([content[-1] ^ 1]), at) for content, at in received[:4]]
    by = receiver()
    taken([*forged, *received[:20], *received[:5], (b"junk", received[20][1]), *received[30:]], by)
    total = total_of(by.sensors())
    sensor = next(entry for entry in by.sensors() if entry.sensor_id == "A17")

    assert (40, 30, 10, 1) == (
        total.received_segment_count,
        total.used_segment_count,
        total.missing_segment_count,
        total.gap_count,
    )
    assert (5, 5) == (total.duplicate_count, total.quarantined_count)
    assert {"duplicate": 5, "wrong_signature": 4} == sensor.reason_counts
    assert (102, 90, 90) == (
        total.received_message_count,
        total.verified_message_count,
        total.mac_checked_message_count,
    )
    assert pytest.approx((90 / 102, 30 / 40, 29 / 30)) == (
        total.verified_share,
        total.available_share,
        total.linked_share,
    )
    assert {"malformed": 1} == next(entry for entry in by.sensors() if entry.sensor_id == NOBODY).reason_counts


def test_a_sensor_that_is_not_heard_stands_in_the_table() -> None:
    """Who is enrolled and sent nothing is listed, with no share rather than a full one."""
    sensors = receiver().sensors()

    assert [("A17", None, None)] == [
        (entry.sensor_id, entry.verified_share, entry.available_share) for entry in sensors
    ]
    assert b"A17" in sensors_csv(sensors)


def test_the_table_shows_the_least_verified_first_and_states_of_health() -> None:
    """Flags, reasons and states stand beside each sensor, and the total comes last."""
    by = receiver()
    sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=0)
    times = SegmentTimes(gnss_ns=world.START_NS, own_ns=10**15, boot_count=1, length_ms=10_000)
    content = sealer.seal([], times, status=Status.POWER_LOW | Status.TIME_AUTHENTIC)
    taken([(content, world.START_NS + 11 * 10**9), (b"junk", 5)], by)
    lines = list(table_lines(by.sensors(), total_of(by.sensors()), shown_count=1))

    assert "malformed 1" in lines[1]
    assert "clock_unlocked 1" in lines[-2]
    assert "power_low 1" in lines[-2]
    assert "time_authentic 1" in lines[-2]
    assert "1 more sensors" in lines[-1]


def _window(arrivals: list[tuple[bytes, int]]) -> tuple[GatewayWindow, list[Member]]:
    """Give the one window in which all of this was received, and its segments."""
    roots = WindowRoots("G1")
    for outcome in taken((content, world.START_NS + 10**12) for content, _ in arrivals):
        roots.add(outcome)
    (window,) = roots.windows()
    return window, roots.members()


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_every_segment_can_be_proved_in_its_window_and_no_other(count: int) -> None:
    """A gateway's window of any size proves each of its segments, and nothing that was changed."""
    received = day(count)
    window, members = _window(received)
    leaves = [leaf_hash(member.digest) for member in members]
    assert (count, list(range(count))) == (window.segment_count, [member.leaf_index for member in members])

    for index, (content, _) in enumerate(received):
        segment = decode_segment(content)
        assert isinstance(segment, Segment)
        proof = prove_segment(leaves, index)
        assert is_in_window(segment, window, leaf_index=index, proof=proof)
        assert not is_in_window(segment._replace(digest=bytes(32)), window, leaf_index=index, proof=proof)
        assert not is_in_window(segment, window, leaf_index=index + 1, proof=proof)


def test_the_order_of_receipt_does_not_change_a_window() -> None:
    """Segments in any order, some twice and some junk between, give the same record and so the same leaf."""
    received = day(9)
    chance = np.random.default_rng(3)
    shuffled = [received[index] for index in [*chance.permutation(9).tolist(), 2, 2]]

    assert _window(received) == _window([(b"junk", 0), *shuffled])
    assert _window(received)[0].leaf_bytes() != _window(received[:8])[0].leaf_bytes()


def test_processes_answer_as_one_does() -> None:
    """Worker processes give the same answers in the same order as this one."""
    received = [
        ReceivedSegment(path=Path("a"), offset_bytes=index, content=content, received_ns=at)
        for index, (content, at) in enumerate([*day(30), (b"junk", 0)])
    ]
    verifier = receiver(REGISTRY).verifier
    alone = list(verified_by(verifier, iter(received), process_count=1))

    assert alone == list(verified_by(verifier, iter(received), process_count=2))
    assert 30 == sum(isinstance(outcome, Signed) for _, outcome in alone)


def test_signed_messages_that_are_no_detections_are_counted() -> None:
    """What a sensor signed and nobody can read is given with its place, and the rest of its segment is used."""
    sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=0)
    times = SegmentTimes(gnss_ns=world.START_NS, own_ns=10**15, boot_count=1, length_ms=10_000)
    payloads = [b'{"detection_id":"a","time_ns":5}', b"no detection"]
    by = receiver()
    outcome = used(taken([(sealer.seal(payloads, times, status=world.HEALTHY), world.START_NS)], by))[0]
    rows, wrong = by.rows(outcome)

    assert ["a"] == [row.message.detection_id for row in rows]
    assert [(0, 1)] == [(entry.sequence, entry.message_index) for entry in wrong]
