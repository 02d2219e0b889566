"""What came of all that was received: for each sensor and in all the share that was verified, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from truceline.adapters.segments.chain import Admitted, Flag
from truceline.adapters.segments.format import Status
from truceline.adapters.segments.verify import Quarantined, Reason

NOBODY = "(unknown)"
"""Stands for what cannot be said to be any sensor's: malformed bytes and unknown keys."""


class SensorTally(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor's segments and messages in counts, and the shares made of them (`None` where there is nothing).

    `verified_share`: of the messages received in its name (each segment counted once), those in segments that its key
    signed and that fit its sequence. `available_share`: of the segments up to its newest, those that are used.
    `linked_share`: of the segments used, those whose link to the one before was checked.
    """

    sensor_id: str
    received_segment_count: int
    used_segment_count: int
    missing_segment_count: int
    gap_count: int
    duplicate_count: int
    quarantined_count: int
    received_message_count: int
    verified_message_count: int
    mac_checked_message_count: int
    widened_segment_count: int
    widened_max_s: float
    reason_counts: dict[str, int]
    flag_counts: dict[str, int]
    status_counts: dict[str, int]
    verified_share: float | None
    available_share: float | None
    linked_share: float | None


class _Counts:
    """What is counted of one sensor while segments come in."""

    def __init__(self) -> None:
        self.received_count = 0
        self.used_count = 0
        self.message_count = 0
        self.verified_count = 0
        self.mac_checked_count = 0
        self.widened_count = 0
        self.widened_max_s = 0.0
        self.reasons: Counter[str] = Counter()
        self.flags: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()


class Gaps(NamedTuple):
    """What a sensor's chain lacks: how many segments, in how many stretches."""

    missing_count: int = 0
    gap_count: int = 0


class Tally:
    """Counts outcomes as they come."""

    def __init__(self) -> None:
        """Begin with nothing received."""
        self._by_sensor: dict[str, _Counts] = {}

    def count(self, outcome: Admitted | Quarantined) -> None:
        """Count one segment received."""
        if isinstance(outcome, Admitted):
            self._count_used(outcome)
        else:
            self._count_quarantined(outcome)

    def _count_used(self, outcome: Admitted) -> None:
        signed = outcome.signed
        counts = self._counts(signed.sensor_id)
        message_count = signed.segment.header.message_count
        counts.received_count += 1
        counts.used_count += 1
        counts.message_count += message_count
        counts.verified_count += message_count
        if signed.do_macs_hold:
            counts.mac_checked_count += message_count
        if outcome.widen_s > 0.0:
            counts.widened_count += 1
            counts.widened_max_s = max(counts.widened_max_s, outcome.widen_s)
        counts.flags[outcome.flags] += 1
        counts.statuses[signed.segment.header.status] += 1

    def _count_quarantined(self, outcome: Quarantined) -> None:
        counts = self._counts(outcome.sensor_id or NOBODY)
        counts.received_count += 1
        counts.reasons[outcome.reason] += 1
        if outcome.segment is not None and outcome.reason is not Reason.DUPLICATE:
            counts.message_count += outcome.segment.header.message_count
            if outcome.reason is Reason.TAMPER_REPORTED:
                counts.statuses[outcome.segment.header.status] += 1

    def _counts(self, sensor_id: str) -> _Counts:
        found = self._by_sensor.get(sensor_id)
        if found is None:
            found = self._by_sensor[sensor_id] = _Counts()
        return found

    def sensors(self, gaps: dict[str, Gaps]) -> list[SensorTally]:
        """Give every sensor that is enrolled (the keys of `gaps`) or was heard of, by its id."""
        names = sorted({*gaps, *self._by_sensor})
        return [_tally(name, self._by_sensor.get(name, _Counts()), gaps.get(name, Gaps())) for name in names]


def total_of(sensors: Iterable[SensorTally]) -> SensorTally:
    """Give the sum over all sensors."""
    counts, missing_count, gap_count = _Counts(), 0, 0
    named_reasons: Counter[str] = Counter()
    named_flags: Counter[str] = Counter()
    named_statuses: Counter[str] = Counter()
    for sensor in sensors:
        counts.received_count += sensor.received_segment_count
        counts.used_count += sensor.used_segment_count
        counts.message_count += sensor.received_message_count
        counts.verified_count += sensor.verified_message_count
        counts.mac_checked_count += sensor.mac_checked_message_count
        counts.widened_count += sensor.widened_segment_count
        counts.widened_max_s = max(counts.widened_max_s, sensor.widened_max_s)
        missing_count += sensor.missing_segment_count
        gap_count += sensor.gap_count
        named_reasons.update(sensor.reason_counts)
        named_flags.update(sensor.flag_counts)
        named_statuses.update(sensor.status_counts)
    counts.reasons = named_reasons
    summed = _tally("(all)", counts, Gaps(missing_count, gap_count))
    return msgspec.structs.replace(
        summed, flag_counts=dict(sorted(named_flags.items())), status_counts=dict(sorted(named_statuses.items()))
    )


def _tally(sensor_id: str, counts: _Counts, gaps: Gaps) -> SensorTally:
    duplicate_count = counts.reasons[Reason.DUPLICATE]
    used_count = counts.used_count
    return SensorTally(
        sensor_id=sensor_id,
        received_segment_count=counts.received_count,
        used_segment_count=used_count,
        missing_segment_count=gaps.missing_count,
        gap_count=gaps.gap_count,
        duplicate_count=duplicate_count,
        quarantined_count=sum(counts.reasons.values()) - duplicate_count,
        received_message_count=counts.message_count,
        verified_message_count=counts.verified_count,
        mac_checked_message_count=counts.mac_checked_count,
        widened_segment_count=counts.widened_count,
        widened_max_s=counts.widened_max_s,
        reason_counts={str(reason): count for reason, count in sorted(counts.reasons.items())},
        flag_counts=_named(counts.flags, Flag),
        status_counts=_named(counts.statuses, Status),
        verified_share=_share(counts.verified_count, counts.message_count),
        available_share=_share(used_count, used_count + gaps.missing_count),
        linked_share=_share(used_count - min(gaps.gap_count, used_count), used_count),
    )


def _share(part_count: int, whole_count: int) -> float | None:
    return part_count / whole_count if whole_count else None


def _named(counts: Counter[int], kind: type[Flag | Status]) -> dict[str, int]:
    """Give for each bit, by its name, how many segments had it."""
    found: Counter[str] = Counter()
    for bits, count in counts.items():
        for flag in kind(bits):
            found[str(flag.name).lower()] += count
    return dict(sorted(found.items()))
