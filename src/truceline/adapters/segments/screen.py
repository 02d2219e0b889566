"""Messages of segments that are still open: junk is refused at once by its MAC, the rest waits for the signature.

A MAC key is shared, so a MAC convinces nobody but the receiver: what has only its MAC is *provisional*. Evidence is
what the closed segment signs, and its bytes must be these. A message is in the end confirmed, or kept apart with the
reason and its bytes; nothing passes uncounted.
"""

from __future__ import annotations

import hmac
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.format import MAC_BYTES, OPEN_BYTES, Malformed, OpenMessage, decode_open_message
from truceline.adapters.segments.keys import day_index_of, mac_of, segment_key
from truceline.adapters.segments.verify import Signed, Verifier

OPEN_SEGMENTS_MAX_COUNT = 50_000
"""Open segments held at once, three for each of 14,000 sensors; of more the oldest are let go and counted."""

DAY_AHEAD_MAX_COUNT = 1
"""A MAC key of a day further ahead or back than this, seen from the receiver, is not used."""


class Apart(StrEnum):
    """Why a message on its way is not confirmed."""

    MALFORMED = "malformed"
    WRONG_DAY = "wrong_day"
    UNKNOWN_KEY = "unknown_key"
    WRONG_MAC = "wrong_mac"
    CONTRADICTION = "contradiction"
    """Another message under its index came before it, with a MAC as good."""
    NOT_AS_SIGNED = "not_as_signed"
    """Its segment came, and has other bytes in its place, or nothing."""
    LET_GO = "let_go"
    """So many segments were open that the oldest were waited for no longer."""
    STILL_OPEN = "still_open"
    """Its segment did not come after it."""


class KeptApart(NamedTuple):
    """One message that is not confirmed, as it was received; `message` is `None` where it cannot be read."""

    frame: ReceivedSegment
    reason: Apart
    message: OpenMessage | None


class MessageScreen:
    """Screens open messages; counts each once when it comes, and once more when it is settled.

    `provisional` and `repeated` in `counts` are what passed, `confirmed` what a signature covered later; the others are
    reasons of `Apart`.
    """

    def __init__(self, verifier: Verifier, *, open_max_count: int = OPEN_SEGMENTS_MAX_COUNT) -> None:
        """Take MAC keys from a verifier; wait for so many segments at once."""
        self._verifier = verifier
        self._open_max_count = open_max_count
        self._open: OrderedDict[tuple[bytes, int], dict[int, tuple[ReceivedSegment, OpenMessage]]] = OrderedDict()
        self._apart: list[KeptApart] = []
        self.counts: Counter[str] = Counter()

    def take(self, frame: ReceivedSegment) -> OpenMessage | None:
        """Give a message whose MAC holds, the first time it comes; else `None`, and it is counted."""
        message = decode_open_message(frame.content)
        if isinstance(message, Malformed):
            self._keep_apart(frame, Apart.MALFORMED, None)
            return None
        if (reason := self._breach(message, day_index_of(frame.received_ns))) is not None:
            self._keep_apart(frame, reason, message)
            return None
        held = self._open.setdefault((message.key_id, message.sequence), {})
        before = held.setdefault(message.message_index, (frame, message))
        if before[0] is not frame:
            self._count_second(frame, message, before[0])
            return None
        self.counts["provisional"] += 1
        if len(self._open) > self._open_max_count:
            self._let_go(self._open.popitem(last=False)[1], Apart.LET_GO)
        return message

    def close(self, signed: Signed) -> int:
        """Give how many provisional messages a segment confirms, in which they stand as signed, and forget them."""
        header, body = signed.segment.header, signed.segment.body
        held = self._open.pop((header.key_id, header.sequence), {})
        confirmed_count = 0
        for index, (frame, message) in held.items():
            start, mac = signed.spans[index] if index < len(signed.spans) else (0, -MAC_BYTES)
            if body[start : mac + MAC_BYTES] == frame.content[OPEN_BYTES:]:
                confirmed_count += 1
            else:
                self._keep_apart(frame, Apart.NOT_AS_SIGNED, message)
        self.counts["confirmed"] += confirmed_count
        return confirmed_count

    def end(self) -> None:
        """Wait no longer: what is provisional still is kept apart as such."""
        while self._open:
            self._let_go(self._open.popitem(last=False)[1], Apart.STILL_OPEN)

    def kept_apart(self) -> list[KeptApart]:
        """Give what was kept apart since this was asked last."""
        given, self._apart = self._apart, []
        return given

    def _keep_apart(self, frame: ReceivedSegment, reason: Apart, message: OpenMessage | None) -> None:
        self.counts[reason] += 1
        self._apart.append(KeptApart(frame, reason, message))

    def _count_second(self, frame: ReceivedSegment, message: OpenMessage, first: ReceivedSegment) -> None:
        if frame.content == first.content:
            self.counts["repeated"] += 1
        else:
            self._keep_apart(frame, Apart.CONTRADICTION, message)

    def _let_go(self, held: dict[int, tuple[ReceivedSegment, OpenMessage]], reason: Apart) -> None:
        for frame, message in held.values():
            self._keep_apart(frame, reason, message)

    def _breach(self, message: OpenMessage, day_index: int) -> Apart | None:
        if abs(message.day_index - day_index) > DAY_AHEAD_MAX_COUNT:
            return Apart.WRONG_DAY
        day = self._verifier.day_key(message.key_id, message.day_index)
        if day is None:
            return Apart.UNKNOWN_KEY
        made = mac_of(segment_key(day, message.sequence), message.authenticated)
        return None if hmac.compare_digest(made, message.mac) else Apart.WRONG_MAC


class FrameQueue:
    """Gives frames in the order of receipt, up to the moment asked for."""

    def __init__(self, frames: Iterable[ReceivedSegment]) -> None:
        """Take frames by time of receipt, as `read_segments` gives them."""
        self._frames = iter(frames)
        self._next = next(self._frames, None)

    def until(self, received_ns: int | None) -> Iterator[ReceivedSegment]:
        """Give what was received up to and with a moment (`None`: all the rest), each once."""
        while self._next is not None and (received_ns is None or self._next.received_ns <= received_ns):
            given, self._next = self._next, next(self._frames, None)
            yield given
