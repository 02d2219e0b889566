"""One sensor's segments among each other: each sequence once, each linked to the one before, none from another time.

What cannot be one honest sensor's sequence goes to quarantine: a second segment under a sequence (the first stays,
marked), a segment that does not continue the one before it or is not continued by the one after. What an honest sensor
on a bad link or under jamming also does (gaps, delay, disorder, doubtful time) is used, with a flag for each, and where
its time is doubtful with an error that says so. The state is bounded: 16 bytes for each sequence of the window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntFlag, auto
from typing import NamedTuple

import msgspec

from truceline.adapters.segments.clock import ClockCheck, ClockState, Reading, check_clock
from truceline.adapters.segments.format import NO_HASH, Header, Segment, Status
from truceline.adapters.segments.verify import Quarantined, Reason, Signed

WINDOW_MAX_COUNT = 80_000
"""Sequences that are remembered, nine days of ten-second segments: a sensor stores seven days when its link is cut."""

PREFIX_BYTES = 16
"""So much of each digest is remembered."""

_ABSENT = bytes(PREFIX_BYTES)


class Flag(IntFlag):
    """What people, and the weighing of evidence, should know of a segment that is used."""

    GAP_BEFORE = auto()
    """The segment before it is missing (as yet), so its link is not checked."""
    OUT_OF_ORDER = auto()
    LATE = auto()
    EARLY = auto()
    """It was received before it says it ended, so its clock is ahead."""
    TIME_BACK = auto()
    """It begins before the segment before it ended."""
    NO_BEACON = auto()
    BEACON_UNKNOWN = auto()
    BEACON_AHEAD = auto()
    """It echoes a beacon that was published after the time it says it ended: that time is wrong."""
    BEACON_STALE = auto()
    BEACON_BACK = auto()
    CLOCK_STEP = auto()
    CLOCK_DRIFT = auto()
    CLOCK_RESTART = auto()
    CLOCK_UNLOCKED = auto()
    MAC_MISMATCH = auto()
    """Signed, but a message carries a wrong MAC: somebody between sensor and receiver, or a fault in the sensor."""
    POWER_LOW = auto()
    CONTRADICTED = auto()
    """Other segments with the sequence of one before were received: whoever has this key says two things."""


TIME_FLAGS = Flag.EARLY | Flag.TIME_BACK | Flag.BEACON_AHEAD | Flag.CLOCK_STEP | Flag.CLOCK_DRIFT


class ChainLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What an honest link and clock can do."""

    link_delay_max_s: float = 86_400.0
    """Later segments are flagged as late; they are used, for a sensor stores what a cut link holds back."""
    early_max_s: float = 1.0
    """So far two clocks, the sensor's and the receiver's, may differ."""
    beacon_age_max_s: float = 172_800.0
    """A beacon older than a segment by more than this is flagged as stale: one day to get there, one in between."""


class Admitted(NamedTuple):
    """A segment that is used, with its flags and the error that comes to its times (1 sigma, in quadrature)."""

    signed: Signed
    flags: Flag
    widen_s: float


Stretch = tuple[int, int]
"""The first and the last sequence of what is missing."""


class Expected(NamedTuple):
    """What the segment after a missing one says of it: its digest, and when the later one began."""

    digest: bytes
    next_gnss_ns: int


class ChainState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a chain remembers, to go on from another day."""

    sensor_id: str
    base_sequence: int
    prefixes: bytes
    newest_end_ns: int
    newest_beacon_ns: int
    gaps: list[Stretch]
    expected: dict[int, Expected]
    clock: ClockState | None
    contradiction_count: int
    schema_name: str = "truceline.segment_chain/1"


class SensorChain:
    """Takes one sensor's signed segments in, in whichever order they come."""

    def __init__(
        self,
        sensor_id: str,
        *,
        start_sequences: Sequence[int],
        limits: ChainLimits | None = None,
        timing_sigma_s: float,
        rate_sigma_ratio: float,
    ) -> None:
        """Begin before the sensor's first segment; `timing_sigma_s` and `rate_sigma_ratio` as enrolled.

        `start_sequences` are the first ones of each enrolment: only these continue nothing.
        """
        self.sensor_id = sensor_id
        self.gaps: list[Stretch] = []
        self.contradiction_count = 0
        self._limits = limits or ChainLimits()
        self._sigmas = timing_sigma_s, rate_sigma_ratio
        self._starts = frozenset(start_sequences)
        self._base = min(start_sequences)
        self._prefixes = bytearray()
        self._newest_end_ns = 0
        self._newest_beacon_ns = 0
        self._expected: dict[int, Expected] = {}
        self._clock: ClockState | None = None

    @property
    def next_sequence(self) -> int:
        """Give the sequence after the newest received."""
        return self._base + len(self._prefixes) // PREFIX_BYTES

    @property
    def missing_count(self) -> int:
        """Give how many sequences before the newest are missing."""
        return sum(last - first + 1 for first, last in self.gaps)

    def state(self) -> ChainState:
        """Give everything remembered."""
        return ChainState(
            sensor_id=self.sensor_id,
            base_sequence=self._base,
            prefixes=bytes(self._prefixes),
            newest_end_ns=self._newest_end_ns,
            newest_beacon_ns=self._newest_beacon_ns,
            gaps=list(self.gaps),
            expected=dict(self._expected),
            clock=self._clock,
            contradiction_count=self.contradiction_count,
        )

    def restore(self, state: ChainState) -> None:
        """Go on from what was remembered."""
        assert state.sensor_id == self.sensor_id, "a state goes with its sensor"
        self._base = state.base_sequence
        self._prefixes = bytearray(state.prefixes)
        self._newest_end_ns, self._newest_beacon_ns = state.newest_end_ns, state.newest_beacon_ns
        self.gaps = list(state.gaps)
        self._expected, self._clock = dict(state.expected), state.clock
        self.contradiction_count = state.contradiction_count

    def admit(self, signed: Signed, beacons_ns: Mapping[bytes, int]) -> Admitted | Quarantined:
        """Take one segment in, or say why it cannot belong here; `beacons_ns` gives when each beacon was published.

        Quarantine leaves the chain as it was, but for the mark that there was a contradiction.
        """
        segment = signed.segment
        breach = self._breach(segment)
        if breach is not None:
            self.contradiction_count += breach[0] is Reason.CONTRADICTION
            return Quarantined(b"", signed.received_ns, breach[0], breach[1], sensor_id=self.sensor_id, segment=segment)
        return self._admitted(signed, beacons_ns)

    def _admitted(self, signed: Signed, beacons_ns: Mapping[bytes, int]) -> Admitted:
        header, received_ns = signed.segment.header, signed.received_ns
        is_newest = header.sequence >= self.next_sequence
        flags, widen_s = self._arrival(header, received_ns)
        beacon_flags, beacon_widen_s = self._beacon(header, beacons_ns, is_newest=is_newest)
        check = self._check_clock(header)
        flags |= beacon_flags | _clock_flags(check) | self._order_flags(header, is_newest=is_newest)
        if signed.do_macs_hold is False:
            flags |= Flag.MAC_MISMATCH
        self._remember(signed.segment, is_newest=is_newest)
        return Admitted(signed, flags, max(widen_s, beacon_widen_s, check.widen_s))

    def _breach(self, segment: Segment) -> tuple[Reason, str] | None:
        """Say why a segment cannot be this sensor's next, or one that was missing, if so."""
        sequence = segment.header.sequence
        if sequence < self._base:
            return Reason.TOO_OLD, f"sequence={sequence} is before {self._base}, the first that is remembered"
        known = self._prefix(sequence)
        if known != _ABSENT:
            if known == segment.digest[:PREFIX_BYTES]:
                return Reason.DUPLICATE, f"sequence={sequence} was received before"
            return Reason.CONTRADICTION, f"sequence={sequence} was received before with other content"
        return self._link_breach(segment)

    def _link_breach(self, segment: Segment) -> tuple[Reason, str] | None:
        sequence, previous = segment.header.sequence, segment.header.previous_digest
        if previous == NO_HASH:
            holds = sequence in self._starts
        else:
            holds = self._prefix(sequence - 1) in (_ABSENT, previous[:PREFIX_BYTES])
        if not holds:
            return Reason.SPLICE, f"sequence={sequence} does not continue the segment before it"
        expected = self._expected.get(sequence)
        if expected is not None and expected.digest != segment.digest:
            return Reason.SPLICE, f"sequence={sequence} is not what the segment after it continues"
        return None

    def _arrival(self, header: Header, received_ns: int) -> tuple[Flag, float]:
        delay_s = (received_ns - header.end_ns) * 1e-9
        if delay_s > self._limits.link_delay_max_s:
            return Flag.LATE, 0.0
        if delay_s < -self._limits.early_max_s:
            return Flag.EARLY, -delay_s
        return Flag(0), 0.0

    def _beacon(self, header: Header, beacons_ns: Mapping[bytes, int], *, is_newest: bool) -> tuple[Flag, float]:
        if header.beacon == NO_HASH:
            return Flag.NO_BEACON, 0.0
        published_ns = beacons_ns.get(header.beacon)
        if published_ns is None:
            return Flag.BEACON_UNKNOWN, 0.0
        age_s = (header.end_ns - published_ns) * 1e-9
        flags = Flag(0)
        if is_newest and published_ns < self._newest_beacon_ns:
            flags |= Flag.BEACON_BACK
        elif is_newest:
            self._newest_beacon_ns = published_ns
        if age_s > self._limits.beacon_age_max_s:
            flags |= Flag.BEACON_STALE
        if age_s < -self._limits.early_max_s:
            return flags | Flag.BEACON_AHEAD, -age_s
        return flags, 0.0

    def _order_flags(self, header: Header, *, is_newest: bool) -> Flag:
        flags = Flag.POWER_LOW if header.status & Status.POWER_LOW else Flag(0)
        if header.previous_digest != NO_HASH and self._prefix(header.sequence - 1) == _ABSENT:
            flags |= Flag.GAP_BEFORE
        if self.contradiction_count:
            flags |= Flag.CONTRADICTED
        margin_ns = int(6e9 * self._sigmas[0])
        if not is_newest:
            expected = self._expected.get(header.sequence)
            is_back = expected is not None and header.end_ns > expected.next_gnss_ns + margin_ns
            return flags | Flag.OUT_OF_ORDER | (Flag.TIME_BACK if is_back else Flag(0))
        return flags | (Flag.TIME_BACK if header.gnss_ns + margin_ns < self._newest_end_ns else Flag(0))

    def _check_clock(self, header: Header) -> ClockCheck:
        status = header.status
        reading = Reading(
            gnss_ns=header.gnss_ns,
            own_ns=header.own_ns,
            boot_count=header.boot_count,
            locked=Status.CLOCK_LOCKED in status,
            authentic=Status.TIME_AUTHENTIC in status,
        )
        self._clock, check = check_clock(
            self._clock, reading, timing_sigma_s=self._sigmas[0], rate_sigma_ratio=self._sigmas[1]
        )
        return check

    def _prefix(self, sequence: int) -> bytes:
        """Give what is remembered of a sequence; zeros where it was not received, or is before or after the window."""
        start = (sequence - self._base) * PREFIX_BYTES
        found = bytes(self._prefixes[start : start + PREFIX_BYTES]) if start >= 0 else b""
        return found or _ABSENT

    def _remember(self, segment: Segment, *, is_newest: bool) -> None:
        header = segment.header
        sequence, following = header.sequence, self.next_sequence
        if header.previous_digest != NO_HASH and self._prefix(sequence - 1) == _ABSENT:
            self._expected[sequence - 1] = Expected(header.previous_digest, header.gnss_ns)
        self._expected.pop(sequence, None)
        prefix = segment.digest[:PREFIX_BYTES]
        if not is_newest:
            start = (sequence - self._base) * PREFIX_BYTES
            self._prefixes[start : start + PREFIX_BYTES] = prefix
            self._fill(sequence)
            return
        if sequence > following:
            self.gaps.append((following, sequence - 1))
        self._extend(sequence, prefix)
        self._newest_end_ns = header.end_ns

    def _extend(self, sequence: int, prefix: bytes) -> None:
        """Put a newest sequence at the end, and let go of what the window no longer holds."""
        jump_count = sequence - self.next_sequence
        if jump_count >= WINDOW_MAX_COUNT:
            self._prefixes.clear()
            self._base = sequence
        else:
            self._prefixes += bytes(jump_count * PREFIX_BYTES)
        self._prefixes += prefix
        excess_count = len(self._prefixes) // PREFIX_BYTES - WINDOW_MAX_COUNT
        if excess_count > 0:
            del self._prefixes[: excess_count * PREFIX_BYTES]
            self._base += excess_count
        if self._expected:
            self._expected = {place: entry for place, entry in self._expected.items() if place >= self._base}

    def _fill(self, sequence: int) -> None:
        """Take a sequence out of the gap that it was in."""
        index = next(index for index, (first, last) in enumerate(self.gaps) if first <= sequence <= last)
        first, last = self.gaps[index]
        rest = [(first, sequence - 1), (sequence + 1, last)]
        self.gaps[index : index + 1] = [gap for gap in rest if gap[0] <= gap[1]]


def _clock_flags(check: ClockCheck) -> Flag:
    flags = Flag(0)
    if check.step:
        flags |= Flag.CLOCK_STEP
    if check.drift:
        flags |= Flag.CLOCK_DRIFT
    if check.restart:
        flags |= Flag.CLOCK_RESTART
    if check.unlocked:
        flags |= Flag.CLOCK_UNLOCKED
    return flags
