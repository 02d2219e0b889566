"""The bytes of segments: one reading only, and no byte that could be another one."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.segments import keys
from truceline.adapters.segments.format import (
    HEADER_BYTES,
    Malformed,
    Segment,
    decode_frames,
    decode_segment,
    encode_frames,
    encode_header,
    message_spans,
)
from truceline.adapters.segments.messages import DetectionMessage, message_of, payload_of
from truceline.adapters.segments.verify import Quarantined, Reason, Signed
from truceline.testing import segment_world as world
from unit.segments.segment_days import SENSOR, day, receiver

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of the prime subgroup of edwards25519 (RFC 8032, 5.1)."""
IDENTITY = bytes([1, *[0] * 31])


def flipped(content: bytes, place: int, change: int) -> bytes:
    """Give bytes with one of them changed."""
    return content[:place] + bytes([content[place] ^ change]) + content[place + 1 :]


def _accepted_count(contents: list[tuple[bytes, int]], change_count: int, seed: int) -> int:
    verifier = receiver().verifier
    chance = np.random.default_rng(seed)
    accepted_count = 0
    for content, received_ns in contents:
        for place in range(len(content)):
            for change in chance.integers(1, 256, change_count).tolist():
                outcome = verifier.verify(flipped(content, place, change), received_ns=received_ns)
                accepted_count += isinstance(outcome, Signed)
    return accepted_count


def test_no_segment_with_a_changed_byte_is_accepted() -> None:
    """Whichever byte of a valid segment is changed to whatever, it is not accepted."""
    contents = day(6)
    assert all(isinstance(receiver().verifier.verify(*pair[:1], received_ns=pair[1]), Signed) for pair in contents)

    assert 0 == _accepted_count(contents, 2, seed=5)


@pytest.mark.long
def test_no_byte_of_many_segments_can_be_changed() -> None:
    """The same over 100,000 and more changed segments."""
    assert 0 == _accepted_count(day(200, seed=9), 1, seed=6)


def test_no_part_of_a_segment_is_one() -> None:
    """Cut short anywhere, or with anything behind it, a segment is malformed and no error."""
    content, received_ns = day(1)[0]
    verifier = receiver().verifier
    cut = [verifier.verify(content[:length], received_ns=received_ns) for length in range(len(content))]
    longer = verifier.verify(content + b"\0", received_ns=received_ns)

    assert {Reason.MALFORMED} == {outcome.reason for outcome in [*cut, longer] if isinstance(outcome, Quarantined)}


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_get_an_answer(content: bytes) -> None:
    """Whatever is received, there is an answer: quarantine with the bytes as they came."""
    outcome = receiver().verifier.verify(content, received_ns=0)

    assert isinstance(outcome, Quarantined)
    assert content == outcome.content


@given(st.binary(min_size=HEADER_BYTES + 64, max_size=HEADER_BYTES + 200))
@settings(max_examples=300, deadline=None)
def test_what_can_be_read_is_written_back_the_same(tail: bytes) -> None:
    """A segment that is taken apart and put together again is the same bytes: there is one encoding only."""
    content = day(1)[0][0][:8] + tail
    segment = decode_segment(content)
    if isinstance(segment, Segment):
        again = encode_header(segment.header) + segment.body + segment.signature

        assert content == again


def test_a_body_has_one_reading() -> None:
    """Messages of a body come back as they were put in, and another number of them is malformed."""
    content, _ = day(1, message_count=4)[0]
    segment = decode_segment(content)
    assert isinstance(segment, Segment)
    spans = message_spans(segment.body, 4)
    assert isinstance(spans, list)

    assert segment.body == b"".join(segment.body[start : mac + 16] for start, mac in spans)
    assert all(isinstance(message_spans(segment.body, count), Malformed) for count in (0, 3, 5))


def test_a_header_states_what_it_was_given() -> None:
    """A header comes back as it was laid out."""
    segment = decode_segment(day(1)[0][0])
    assert isinstance(segment, Segment)

    assert day(1)[0][0][:HEADER_BYTES] == encode_header(segment.header)
    assert (0, 3, world.SEGMENT_MS) == (
        segment.header.sequence,
        segment.header.message_count,
        segment.header.length_ms,
    )


@given(st.lists(st.binary(min_size=0, max_size=50), max_size=6), st.integers(0, 60))
def test_a_file_that_breaks_off_keeps_its_whole_frames(contents: list[bytes], cut_count: int) -> None:
    """Frames come back in order, and what follows the last whole one is given as the rest, no byte lost."""
    whole = encode_frames(contents)
    broken = whole[: max(0, len(whole) - cut_count)]
    frames = decode_frames(broken)

    assert list(frames.contents) == contents[: len(frames.contents)]
    assert broken == encode_frames(frames.contents) + frames.rest
    assert cut_count > 0 or len(frames.contents) == len(contents)


# keys


def _openssl_accepts(content: bytes, signature: bytes, public_key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def test_a_key_of_low_order_signs_nothing() -> None:
    """The neutral point 'signs' every message by the equation alone: OpenSSL lets that pass, we do not."""
    forged = IDENTITY + bytes(32)

    assert _openssl_accepts(b"any text", forged, IDENTITY)
    assert not keys.is_signed(b"any text", forged, IDENTITY)
    assert not keys.is_sound_key(IDENTITY)


def test_keys_not_canonical_or_outside_the_subgroup_are_refused() -> None:
    """A second spelling of a point, a point off the curve and one with a cofactor part are no keys."""
    high = (2**255 - 19 + 1).to_bytes(32, "little")  # the neutral point, spelled a second way
    off_curve = (2).to_bytes(32, "little")
    order_four = bytes(32)

    assert [False] * 3 == [keys.is_sound_key(key) for key in (high, off_curve, order_four)]
    assert keys.is_sound_key(SENSOR.key.public)
    assert not keys.is_sound_key(SENSOR.key.public[:31])


def test_a_signature_has_one_spelling() -> None:
    """A signature whose number is raised by the order of the group does not hold, though the equation does."""
    signature = SENSOR.key.sign(b"text")
    number = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    other = signature[:32] + number.to_bytes(32, "little")

    assert keys.is_signed(b"text", signature, SENSOR.key.public)
    assert not keys.is_signed(b"text", other, SENSOR.key.public)


def test_both_ends_share_one_secret_and_a_low_order_point_shares_none() -> None:
    """Sensor and gateway derive the same secret, and a point of low order is refused."""
    gateway_public = keys.exchange_public(world.GATEWAY_SECRET)
    mine = keys.shared_secret(SENSOR.exchange_secret, gateway_public)
    theirs = keys.shared_secret(world.GATEWAY_SECRET, keys.exchange_public(SENSOR.exchange_secret))

    assert mine is not None
    assert mine == theirs
    assert keys.shared_secret(world.GATEWAY_SECRET, bytes(32)) is None


def test_mac_keys_differ_by_day_sensor_and_segment() -> None:
    """No two days, sensors or segments have one MAC key."""
    shared = SENSOR.shared
    days = {keys.day_key(shared, key_id, day_index) for key_id in (b"a" * 8, b"b" * 8) for day_index in range(5)}
    segments = {keys.segment_key(key, sequence) for key in days for sequence in range(3)}

    assert (10, 30) == (len(days), len(segments))


# payloads


def test_a_detection_comes_back_and_a_second_spelling_does_not() -> None:
    """A payload gives the detection it was made of; spaces, doubled fields and unknown ones are refused."""
    message = DetectionMessage(detection_id="a", time_ns=5, bearing_deg=12.5)
    payload = payload_of(message)
    others = [
        payload.replace(b",", b", "),
        payload[:-1] + b',"time_ns":6}',
        payload[:-1] + b',"colour":"red"}',
        payload.replace(b"12.5", b"1e999"),
        b"\xff",
        b"x" * 3_000,
    ]

    assert message == message_of(payload)
    assert all(isinstance(message_of(other), str) for other in others)
