"""Whose segment is it, and is it whole: key, time, signature and MACs of one segment, each by itself.

Pure, so that it may run in worker processes (two threads verify no faster than one: measured for libsodium and OpenSSL
alike). What a segment is worth among its sensor's others is the business of `chain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from truceline.adapters.segments.enrolment import KeyState
from truceline.adapters.segments.format import (
    Malformed,
    Segment,
    Spans,
    Status,
    decode_segment,
    message_spans,
    signed_bytes,
)
from truceline.adapters.segments.keys import day_index_of, day_key, do_macs_hold, is_signed, segment_key

DAY_KEYS_MAX_COUNT = 100_000
"""Day keys kept ready: some for each sensor, so that a busy receiver derives each once."""


class Reason(StrEnum):
    """Why a segment is kept but not used."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    OUTSIDE_VALIDITY = "outside_validity"
    REVOKED = "revoked"
    WRONG_SIGNATURE = "wrong_signature"
    TAMPER_REPORTED = "tamper_reported"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"
    SPLICE = "splice"
    TOO_OLD = "too_old"


class Quarantined(NamedTuple):
    """A segment, or bytes that are none, kept as received and never used; unknown facts are `None`."""

    content: bytes
    received_ns: int
    reason: Reason
    detail: str
    sensor_id: str | None = None
    segment: Segment | None = None


class Signed(NamedTuple):
    """A segment that its sensor signed while it might; `do_macs_hold` is `None` where no MAC key is shared."""

    segment: Segment
    sensor_id: str
    received_ns: int
    spans: Spans
    do_macs_hold: bool | None


class Verifier:
    """Checks segments one by one against the keys that are known; the same bytes get the same answer."""

    def __init__(
        self, key_states: Mapping[bytes, KeyState], *, shared_secrets: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Know the keys by key id, and by key id what X25519 gave with each sensor (`keys.shared_secret`), if so."""
        self._states = key_states
        self._shared = shared_secrets or {}
        self._day_keys: dict[tuple[bytes, int], bytes] = {}

    def verify(self, content: bytes, *, received_ns: int) -> Signed | Quarantined:
        """Give the segment if a key that held at its time signed exactly these bytes, else why not.

        The order of checks is cheap first, and nothing is said of a sensor before its signature holds.
        """
        segment = decode_segment(content)
        if isinstance(segment, Malformed):
            return Quarantined(content, received_ns, Reason.MALFORMED, segment.reason)
        spans = message_spans(segment.body, segment.header.message_count)
        if isinstance(spans, Malformed):
            return Quarantined(content, received_ns, Reason.MALFORMED, spans.reason)
        state = self._states.get(segment.header.key_id)
        if state is None:
            detail = f"key {segment.header.key_id.hex()} was never enrolled"
            return Quarantined(content, received_ns, Reason.UNKNOWN_KEY, detail, segment=segment)
        found = self._breach(segment, state, received_ns)
        if found is not None:
            return Quarantined(content, received_ns, found[0], found[1], state.sensor_id, segment)
        return Signed(segment, state.sensor_id, received_ns, spans, self._macs(segment, spans))

    def _breach(self, segment: Segment, state: KeyState, received_ns: int) -> tuple[Reason, str] | None:
        header = segment.header
        if not is_signed(signed_bytes(segment.digest), segment.signature, state.public_key):
            return Reason.WRONG_SIGNATURE, "no signature of this sensor's key over these bytes"
        if not state.valid_from_ns <= header.gnss_ns < state.valid_until_ns:
            return Reason.OUTSIDE_VALIDITY, f"gnss_ns={header.gnss_ns} is outside the key's time"
        if (detail := _revocation_breach(header.end_ns, state, received_ns)) is not None:
            return Reason.REVOKED, detail
        if header.status & (Status.TAMPER | Status.SEAL_BROKEN):
            return Reason.TAMPER_REPORTED, f"the sensor reports {header.status!r}"
        return None

    def _macs(self, segment: Segment, spans: Spans) -> bool | None:
        header = segment.header
        key_of_day = self.day_key(header.key_id, day_index_of(header.gnss_ns))
        if key_of_day is None:
            return None
        return do_macs_hold(segment.body, spans, segment_key(key_of_day, header.sequence))

    def knowledge(self) -> tuple[dict[bytes, KeyState], dict[bytes, bytes]]:
        """Give what another process needs to answer alike: keys and shared secrets."""
        return dict(self._states), dict(self._shared)

    def day_key(self, key_id: bytes, day_index: int) -> bytes | None:
        """Give a sensor's MAC key of a day, or `None` where nothing is shared with it."""
        found = self._day_keys.get((key_id, day_index))
        if found is None and (shared := self._shared.get(key_id)) is not None:
            if len(self._day_keys) >= DAY_KEYS_MAX_COUNT:
                self._day_keys.clear()
            found = self._day_keys[key_id, day_index] = day_key(shared, key_id, day_index)
        return found


def _revocation_breach(end_ns: int, state: KeyState, received_ns: int) -> str | None:
    """Say why a revoked key is not believed here.

    Whoever holds a stolen key can write any time into a header. So what reaches us after the decision is not believed
    either, whatever time it claims; it stays in quarantine, and people may take an honest late part out of it.
    """
    if state.revoked_since_ns is None or state.revoked_decided_ns is None:
        return None
    if end_ns > state.revoked_since_ns:
        return f"end_ns={end_ns} is after the key's revocation since {state.revoked_since_ns}"
    if received_ns >= state.revoked_decided_ns:
        return f"received_ns={received_ns} is after the decision at {state.revoked_decided_ns} to revoke the key"
    return None
