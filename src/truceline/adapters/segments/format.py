"""The bytes of a segment and of its messages; pure, and the only place that knows how they are laid out.

A segment is `header | body | signature`, all numbers big-endian:

| bytes | field |
|---|---|
| 4 | magic `TLSG` |
| 1 | version, 1 |
| 1 | zero |
| 2 | status bits |
| 8 | key id: the first 8 bytes of SHA-256(Ed25519 public key) |
| 8 | sequence, counted by the sensor over reboots and over changes of its key |
| 8 | GNSS time of the segment's start, nanoseconds since 1970 UTC |
| 8 | the sensor's own oscillator at the same moment, nanoseconds since its boot |
| 4 | boot count |
| 4 | length in milliseconds |
| 32 | digest of the segment before |
| 32 | freshness beacon: root of the newest witnessed checkpoint the sensor knows, zeros for none |
| 2 | message count |
| 4 | body length |

The body is that many messages, each `u16 index | u16 payload length | payload | 16-byte MAC`. The digest of a segment
is SHA-256(header | body), and Ed25519 (RFC 8032) signs `"seg/v1\\n" | digest`. Frames that are signed one by one, with
the state of health inside what is signed, are the practice of CD-1.1 (SAIC, *Formats and protocols for continuous
data*).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from enum import IntFlag, auto
from typing import NamedTuple

MAGIC = b"TLSG"
FORMAT_VERSION = 1
SIGNED_PREFIX = b"seg/v1\n"
SIGNATURE_BYTES = 64
HASH_BYTES = 32
KEY_ID_BYTES = 8
MAC_BYTES = 16
NO_HASH = bytes(HASH_BYTES)
"""Stands where there is no segment before, or no beacon."""

BODY_SIZE_MAX_BYTES = 1 << 20
"""Largest body: a sensor's ten seconds of detections are some kilobytes."""

MESSAGE_MAX_COUNT = 4_096
"""Most messages of one segment."""

LENGTH_MAX_MS = 60_000
"""Longest segment; the usual one has ten seconds, the last before a shutdown fewer."""

GNSS_MAX_NS = 1 << 62
"""Latest time that a header can state: later ones could not be added to without overflow."""

SEQUENCE_MAX_COUNT = 1 << 62
"""Highest sequence that a header can state."""

_HEADER = struct.Struct(">4sBBH8sQQQII32s32sHI")
_MESSAGE = struct.Struct(">HH")
HEADER_BYTES = _HEADER.size
MESSAGE_OVERHEAD_BYTES = _MESSAGE.size + MAC_BYTES


class Status(IntFlag):
    """A sensor's state of health, inside what it signs; the bits stand in this order, the lowest first."""

    TAMPER = auto()
    SEAL_BROKEN = auto()
    CLOCK_LOCKED = auto()
    TIME_AUTHENTIC = auto()
    """The receiver's navigation messages were authenticated (Galileo OSNMA)."""
    MAINS_POWER = auto()
    POWER_LOW = auto()


STATUS_MASK = int(Status.TAMPER | Status.SEAL_BROKEN | Status.CLOCK_LOCKED) | int(
    Status.TIME_AUTHENTIC | Status.MAINS_POWER | Status.POWER_LOW
)


Spans = list[tuple[int, int]]
"""For each message of a body its first byte and the first byte of its MAC."""


class Header(NamedTuple):
    """The facts of one segment."""

    status: Status
    key_id: bytes
    sequence: int
    gnss_ns: int
    own_ns: int
    boot_count: int
    length_ms: int
    previous_digest: bytes
    beacon: bytes
    message_count: int
    body_bytes: int

    @property
    def end_ns(self) -> int:
        """Give the GNSS time at which the segment ends, in nanoseconds."""
        return self.gnss_ns + self.length_ms * 1_000_000


class Segment(NamedTuple):
    """One segment taken apart; `digest` names it, `signature` is not yet checked."""

    header: Header
    body: bytes
    digest: bytes
    signature: bytes


class Malformed(NamedTuple):
    """Bytes that are no segment, and why."""

    reason: str


def encode_header(header: Header) -> bytes:
    """Lay a header out; a value that does not fit is our mistake."""
    assert header.body_bytes <= BODY_SIZE_MAX_BYTES, "a body is cut before it grows so large"
    assert header.message_count <= MESSAGE_MAX_COUNT, "a segment is closed before it holds so many messages"
    return _HEADER.pack(MAGIC, FORMAT_VERSION, 0, *header)


def digest_of(header_and_body: bytes) -> bytes:
    """Give the 32-byte digest that names a segment and that the next one carries."""
    return hashlib.sha256(header_and_body).digest()


def signed_bytes(digest: bytes) -> bytes:
    """Give the bytes that Ed25519 signs."""
    return SIGNED_PREFIX + digest


def decode_segment(content: bytes) -> Segment | Malformed:
    """Take the bytes of exactly one segment apart, or say what is wrong with them."""
    if len(content) < HEADER_BYTES + SIGNATURE_BYTES:
        return Malformed(f"size={len(content)} bytes is below {HEADER_BYTES + SIGNATURE_BYTES}")
    magic, version, zero, *values = _HEADER.unpack_from(content)
    if magic != MAGIC or version != FORMAT_VERSION or zero != 0:
        return Malformed(f"magic={magic!r} version={version} is not {MAGIC!r} {FORMAT_VERSION}")
    if (reason := _breach(Header(*values), len(content))) is not None:
        return Malformed(reason)
    header = Header(Status(values[0]), *values[1:])
    body_end = HEADER_BYTES + header.body_bytes
    body = content[HEADER_BYTES:body_end]
    return Segment(header, body, digest_of(content[:body_end]), content[body_end:])


def _breach(header: Header, size_bytes: int) -> str | None:
    """Say which value of a header is out of its limits, if any."""
    limits = (
        ("status", header.status & ~STATUS_MASK, 0),
        ("length_ms", header.length_ms, LENGTH_MAX_MS),
        ("message_count", header.message_count, MESSAGE_MAX_COUNT),
        ("body_bytes", header.body_bytes, BODY_SIZE_MAX_BYTES),
        ("gnss_ns", header.gnss_ns, GNSS_MAX_NS),
        ("own_ns", header.own_ns, GNSS_MAX_NS),
        ("sequence", header.sequence, SEQUENCE_MAX_COUNT),
    )
    for name, value, limit in limits:
        if value > limit:
            return f"{name}={value} is above {limit}"
    expected_bytes = HEADER_BYTES + header.body_bytes + SIGNATURE_BYTES
    return None if size_bytes == expected_bytes else f"size={size_bytes} bytes is not {expected_bytes}"


def message_head(index: int, payload: bytes) -> bytes:
    """Give a message without its MAC, which is over exactly these bytes."""
    return _MESSAGE.pack(index, len(payload)) + payload


def message_spans(body: bytes, message_count: int) -> Spans | Malformed:
    """Give for each message of a body its first byte and the first byte of its MAC, or say what is wrong.

    Indices run from 0 without a gap and the last MAC ends the body, so a body has one reading only.
    """
    spans: Spans = []
    place, unpack, append = 0, _MESSAGE.unpack_from, spans.append
    try:
        for expected_index in range(message_count):
            index, payload_bytes = unpack(body, place)
            if index != expected_index:
                return Malformed(f"message index={index} is not {expected_index}")
            mac_place = place + 4 + payload_bytes
            append((place, mac_place))
            place = mac_place + 16
    except struct.error:
        return Malformed(f"body ends in message {len(spans)} of {message_count}")
    return spans if place == len(body) else Malformed(f"body has {len(body)} bytes, its messages {place}")


# One message on its way before its segment is closed: `magic TLSM | key id | u64 sequence | u32 day | message`.
OPEN_MAGIC = b"TLSM"
_OPEN = struct.Struct(">4s8sQI")
OPEN_BYTES = _OPEN.size


class OpenMessage(NamedTuple):
    """A message of a segment that is not closed yet: whose, of which segment, under the MAC key of which day."""

    key_id: bytes
    sequence: int
    day_index: int
    message_index: int
    authenticated: bytes
    mac: bytes


def encode_open_message(key_id: bytes, sequence: int, day_index: int, *, message: bytes) -> bytes:
    """Give the frame in which one message (with its MAC) travels before its segment is closed."""
    return _OPEN.pack(OPEN_MAGIC, key_id, sequence, day_index) + message


def decode_open_message(content: bytes) -> OpenMessage | Malformed:
    """Take the frame of one message apart, or say what is wrong with it."""
    if len(content) < OPEN_BYTES + MESSAGE_OVERHEAD_BYTES:
        return Malformed(f"size={len(content)} bytes is below {OPEN_BYTES + MESSAGE_OVERHEAD_BYTES}")
    magic, key_id, sequence, day_index = _OPEN.unpack_from(content)
    index, payload_bytes = _MESSAGE.unpack_from(content, OPEN_BYTES)
    if magic != OPEN_MAGIC or len(content) != OPEN_BYTES + MESSAGE_OVERHEAD_BYTES + payload_bytes:
        return Malformed(f"magic={magic!r}, size={len(content)} bytes: is no message")
    if sequence > SEQUENCE_MAX_COUNT:
        return Malformed(f"sequence={sequence} is above {SEQUENCE_MAX_COUNT}")
    return OpenMessage(key_id, sequence, day_index, index, content[OPEN_BYTES:-MAC_BYTES], content[-MAC_BYTES:])


_FRAME = struct.Struct(">I")
FRAME_MAX_BYTES = HEADER_BYTES + BODY_SIZE_MAX_BYTES + SIGNATURE_BYTES


def encode_frames(contents: Sequence[bytes]) -> bytes:
    """Give segments as one file: each after its size as u32."""
    return b"".join(_FRAME.pack(len(content)) + content for content in contents)


class Frames(NamedTuple):
    """What a file holds: its segments' bytes, where each begins, and what came after the last whole one."""

    contents: tuple[bytes, ...]
    offsets_bytes: tuple[int, ...]
    rest: bytes


def decode_frames(content: bytes) -> Frames:
    """Cut a file into frames; from the first size that is impossible or runs out on, everything is the rest."""
    contents, offsets, place = [], [], 0
    while place + _FRAME.size <= len(content):
        (size_bytes,) = _FRAME.unpack_from(content, place)
        start = place + _FRAME.size
        if size_bytes > FRAME_MAX_BYTES or start + size_bytes > len(content):
            break
        contents.append(content[start : start + size_bytes])
        offsets.append(start)
        place = start + size_bytes
    return Frames(tuple(contents), tuple(offsets), content[place:])
