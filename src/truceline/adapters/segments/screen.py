"""Messages of segments that are still open: junk is refused at once by its MAC, the rest waits for the signature.

A MAC key is shared, so a MAC convinces nobody but the receiver: what has only its MAC is *provisional*. Evidence is
what the closed segment signs, and its bytes must be these.
"""

from __future__ import annotations

import hmac
from collections import Counter, OrderedDict

from truceline.adapters.segments.format import Malformed, OpenMessage, decode_open_message
from truceline.adapters.segments.keys import mac_of, segment_key
from truceline.adapters.segments.verify import Signed, Verifier

OPEN_SEGMENTS_MAX_COUNT = 50_000
"""Open segments held at once, three for each of 14,000 sensors; of more the oldest are let go and counted."""

DAY_AHEAD_MAX_COUNT = 1
"""A MAC key of a day further ahead or back than this, seen from the receiver, is not used."""


class MessageScreen:
    """Screens open messages; counts what it refuses and lets go."""

    def __init__(self, verifier: Verifier) -> None:
        """Take MAC keys from a verifier."""
        self._verifier = verifier
        self._open: OrderedDict[tuple[bytes, int], dict[int, bytes]] = OrderedDict()
        self.counts: Counter[str] = Counter()

    def take(self, content: bytes, *, day_index: int) -> OpenMessage | None:
        """Give a message whose MAC holds, or `None` for junk, which is counted; `day_index` is the receiver's day."""
        message = decode_open_message(content)
        if isinstance(message, Malformed):
            self.counts["malformed"] += 1
            return None
        if (reason := self._breach(message, day_index)) is not None:
            self.counts[reason] += 1
            return None
        held = self._open.setdefault((message.key_id, message.sequence), {})
        held[message.message_index] = message.authenticated + message.mac
        self.counts["provisional"] += 1
        while len(self._open) > OPEN_SEGMENTS_MAX_COUNT:
            self._open.popitem(last=False)
            self.counts["let_go"] += 1
        return message

    def close(self, signed: Signed) -> bool:
        """Say whether every provisional message of a segment is signed in it, and forget them; else it is counted."""
        header, body = signed.segment.header, signed.segment.body
        held = self._open.pop((header.key_id, header.sequence), {})
        bodies = [body[start : mac + 16] for start, mac in signed.spans]
        is_same = all(index < len(bodies) and bodies[index] == message for index, message in held.items())
        self.counts["confirmed" if is_same else "not_as_signed"] += 1
        return is_same

    def _breach(self, message: OpenMessage, day_index: int) -> str | None:
        if abs(message.day_index - day_index) > DAY_AHEAD_MAX_COUNT:
            return "wrong_day"
        day = self._verifier.day_key(message.key_id, message.day_index)
        if day is None:
            return "unknown_key"
        made = mac_of(segment_key(day, message.sequence), message.authenticated)
        return None if hmac.compare_digest(made, message.mac) else "wrong_mac"
