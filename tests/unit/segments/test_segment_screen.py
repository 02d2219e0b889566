"""Messages on their way before their segment is closed: junk is refused by its MAC, the rest waits for a signature."""

from __future__ import annotations

import hashlib
from pathlib import Path

from truceline.adapters.segments import keys
from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.format import (
    SEQUENCE_MAX_COUNT,
    Malformed,
    decode_open_message,
    encode_open_message,
)
from truceline.adapters.segments.outputs import APART_SCHEMA, apart_table
from truceline.adapters.segments.screen import FrameQueue, MessageScreen
from truceline.adapters.segments.sealing import Sealer
from truceline.adapters.segments.verify import Signed
from truceline.testing import segment_world as world
from unit.segments.segment_days import SENSOR, day, receiver
from unit.segments.test_segment_bytes import flipped

SEGMENT_NS = 10_000_000_000


def at(content: bytes, received_ns: int = world.START_NS) -> ReceivedSegment:
    """Give a frame as it lies in a file."""
    return ReceivedSegment(path=Path("a.msg"), offset_bytes=4, content=content, received_ns=received_ns)


def open_frames(name: bytes = b"", *, sequence: int = 0) -> list[ReceivedSegment]:
    """Give the frames of three messages of a segment."""
    sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=sequence)
    payloads = [hashlib.sha256(name + bytes([index])).digest() for index in range(3)]
    return list(map(at, sealer.open_frames(sealer.messages(payloads, gnss_ns=world.START_NS), gnss_ns=world.START_NS)))


def signed_day(segment_count: int) -> tuple[list[Signed], list[list[ReceivedSegment]]]:
    """Give a sensor's segments, and for each the frames in which its messages came before."""
    segments, frames = [], []
    for sequence, (content, received_ns) in enumerate(day(segment_count)):
        signed = receiver().verifier.verify(content, received_ns=received_ns)
        assert isinstance(signed, Signed)
        sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=sequence)
        parts = [signed.segment.body[start : mac + 16] for start, mac in signed.spans]
        frames.append([at(frame) for frame in sealer.open_frames(parts, gnss_ns=signed.segment.header.gnss_ns)])
        segments.append(signed)
    return segments, frames


def test_no_open_message_with_a_changed_byte_passes() -> None:
    """Whichever byte of a message on its way is changed, the screen refuses, counts and keeps it."""
    frames = open_frames()
    screen = MessageScreen(receiver().verifier)
    changed = [at(flipped(one.content, place, 1 << place % 8)) for one in frames for place in range(len(one.content))]

    assert [None] * len(changed) == [screen.take(frame) for frame in changed]
    assert len(changed) == screen.counts.total()
    assert changed == [kept.frame for kept in screen.kept_apart()]
    assert all(screen.take(frame) is not None for frame in frames)


def test_a_screened_message_is_confirmed_only_by_the_segment_that_signs_it() -> None:
    """Provisional messages are confirmed where the segment holds the same bytes, and kept apart where it does not."""
    segments, frames = signed_day(1)
    screens = [MessageScreen(receiver().verifier) for _ in range(2)]
    for screen, coming in zip(screens, (frames[0], open_frames()), strict=True):
        for frame in coming:
            screen.take(frame)

    assert [3, 0] == [screen.close(segments[0]) for screen in screens]
    assert {"provisional": 3, "confirmed": 3} == dict(screens[0].counts)
    assert {"provisional": 3, "confirmed": 0, "not_as_signed": 3} == dict(screens[1].counts)


def test_a_message_beyond_those_signed_is_kept_apart() -> None:
    """A message with a good MAC whose index the segment does not have is not confirmed by it."""
    segments, _ = signed_day(1)
    sealer = Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=0)
    ninth = sealer.messages([b"x"] * 9, gnss_ns=world.START_NS)[8]
    screen = MessageScreen(receiver().verifier)
    screen.take(at(sealer.open_frames([ninth], gnss_ns=world.START_NS)[0]))

    assert 0 == screen.close(segments[0])
    assert ["not_as_signed"] == [kept.reason for kept in screen.kept_apart()]


def test_a_message_that_comes_twice_counts_once() -> None:
    """The same bytes again are counted as repeated; others under their index are kept apart and the first stays."""
    segments, frames = signed_day(1)
    screen = MessageScreen(receiver().verifier)
    for frame in [*frames[0], at(frames[0][0].content), open_frames()[0]]:
        screen.take(frame)

    assert 3 == screen.close(segments[0])
    assert {"provisional": 3, "repeated": 1, "contradiction": 1, "confirmed": 3} == dict(screen.counts)


def test_every_message_is_settled_once() -> None:
    """Whether its segment comes, comes without it, or never comes, each message is confirmed or kept apart, once."""
    segments, frames = signed_day(6)
    screen = MessageScreen(receiver().verifier, open_max_count=2)
    for index, coming in enumerate(frames):
        for frame in coming:
            screen.take(frame)
        if index % 2:
            screen.close(segments[index])
    screen.end()
    reasons = [str(kept.reason) for kept in screen.kept_apart()]

    assert (18, 9) == (screen.counts["provisional"], screen.counts["confirmed"])
    assert {"let_go": 6, "still_open": 3} == {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    assert [] == screen.kept_apart()


def test_a_message_of_a_far_day_or_sequence_is_refused() -> None:
    """The MAC key of a day that is not near today's opens nothing, and an impossible sequence is malformed."""
    frame = open_frames()[0]
    screen = MessageScreen(receiver().verifier)
    far = at(frame.content, world.START_NS + 2 * keys.DAY_NS)
    high = encode_open_message(SENSOR.key.key_id, SEQUENCE_MAX_COUNT + 1, 1, message=frame.content[24:])

    assert screen.take(far) is None
    assert {"wrong_day": 1} == dict(screen.counts)
    assert isinstance(decode_open_message(b""), Malformed)
    assert isinstance(decode_open_message(high), Malformed)


def test_what_is_kept_apart_is_written_with_its_bytes() -> None:
    """A table of what was kept apart has every byte, the reason, and what can be read of whose it claims to be."""
    frame = open_frames(sequence=7)[1]
    screen = MessageScreen(receiver().verifier)
    screen.take(frame)
    screen.take(at(b"junk"))
    screen.end()
    table = apart_table(screen.kept_apart())

    assert APART_SCHEMA == table.schema
    assert [("malformed", None, None, b"junk"), ("still_open", 7, 1, frame.content)] == [
        (row["reason"], row["sequence"], row["message_index"], row["content"]) for row in table.to_pylist()
    ]


def test_a_queue_gives_each_frame_once_and_none_too_early() -> None:
    """Frames come up to and with the moment asked for, in their order, and the rest at the end."""
    frames = [at(bytes([moment]), moment) for moment in (1, 2, 2, 5)]
    queue = FrameQueue(frames)
    given = [list(queue.until(moment)) for moment in (0, 2, 4, None, None)]

    assert [[], frames[:3], [], frames[3:], []] == given
