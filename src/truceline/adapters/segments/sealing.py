"""What a sensor does: messages into a segment, the segment sealed and linked to the one before; pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from truceline.adapters.segments.format import (
    NO_HASH,
    Header,
    Status,
    digest_of,
    encode_header,
    encode_open_message,
    message_head,
    signed_bytes,
)
from truceline.adapters.segments.keys import SigningKey, day_index_of, day_key, mac_of, segment_key


class SegmentTimes(msgspec.Struct, frozen=True, kw_only=True):
    """When a segment began, by GNSS (ns since 1970 UTC) and by the sensor's own clock, since which boot; how long."""

    gnss_ns: int
    own_ns: int
    boot_count: int
    length_ms: int


class Sealer:
    """Seals one sensor's segments, one after the other."""

    def __init__(
        self, key: SigningKey, *, shared: bytes | None, next_sequence: int, previous_digest: bytes = NO_HASH
    ) -> None:
        """Begin with the first sequence, or go on after a segment; without `shared` the MACs are by a key of zeros."""
        self._key = key
        self._shared = shared or bytes(32)
        self.next_sequence = next_sequence
        self.previous_digest = previous_digest

    def messages(self, payloads: Sequence[bytes], *, gnss_ns: int) -> list[bytes]:
        """Give the messages of the segment that is open, each with its MAC; `gnss_ns` is when the segment began."""
        day = day_key(self._shared, self._key.key_id, day_index_of(gnss_ns))
        key = segment_key(day, self.next_sequence)
        heads = (message_head(index, payload) for index, payload in enumerate(payloads))
        return [head + mac_of(key, head) for head in heads]

    def open_frames(self, messages: Sequence[bytes], *, gnss_ns: int) -> list[bytes]:
        """Give the frames in which messages travel at once, before their segment is closed."""
        day_index, key_id = day_index_of(gnss_ns), self._key.key_id
        return [encode_open_message(key_id, self.next_sequence, day_index, message=message) for message in messages]

    def seal(self, payloads: Sequence[bytes], times: SegmentTimes, *, status: Status, beacon: bytes = NO_HASH) -> bytes:
        """Give the signed segment and go on to the next."""
        messages = self.messages(payloads, gnss_ns=times.gnss_ns)
        return self.seal_messages(messages, times, status=status, beacon=beacon)

    def seal_messages(
        self, messages: Sequence[bytes], times: SegmentTimes, *, status: Status, beacon: bytes = NO_HASH
    ) -> bytes:
        """Give the signed segment of messages that have their MACs already, and go on to the next."""
        body = b"".join(messages)
        header = Header(
            status=status,
            key_id=self._key.key_id,
            sequence=self.next_sequence,
            gnss_ns=times.gnss_ns,
            own_ns=times.own_ns,
            boot_count=times.boot_count,
            length_ms=times.length_ms,
            previous_digest=self.previous_digest,
            beacon=beacon,
            message_count=len(messages),
            body_bytes=len(body),
        )
        content = encode_header(header) + body
        self.previous_digest = digest_of(content)
        self.next_sequence += 1
        return content + self._key.sign(signed_bytes(self.previous_digest))
