"""What was not used, and why: every record is used or counted here, with one example of each reason."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

REASONS: dict[str, str] = {
    "station_duplicate": "station listed more than once with the same content; used once",
    "station_contradiction": "station listed with different content; not used: nobody can say which is right",
    "station_id_missing": "station without an id",
    "station_position": "station without a position on the globe",
    "station_outside_plane": "station too far from the others to be drawn in one plane",
    "station_number": "station with a timing error, dead time, bearing error or rate outside its limits",
    "station_modality": "station of a modality that is not known",
    "station_not_weighed": "station of a modality that no arrival time is weighed of; its detections change nothing",
    "detection_id_missing": "detection without an id",
    "detection_id_too_long": "detection with an id longer than the limit",
    "station_unknown": "detection of a station that is not listed",
    "station_not_used": "detection of a station that is listed and not used",
    "too_few_stations": "detection with fewer than three other stations in reach: nothing can be located there",
    "time_missing": "detection whose time is missing or no time (null, nan, inf, unreadable)",
    "received_missing": "detection whose time of receipt is missing or no time",
    "time_in_future": "detection that was received before it happened",
    "time_too_late": "detection received after its slab was no longer remembered",
    "number_unreadable": "detection with a number that is none, or outside its limits",
    "phase_unknown": "detection with a phase that is not known; used as unlabelled",
    "behind_watermark": "detection handed in after its time of receipt had passed; used as received then",
    "watermark_back": "step of the stream's clock backwards; the later time stands",
    "watermark_jump": "step of the stream's clock forwards beyond the limit; all that is due is solved",
    "duplicate": "delivery of a detection that was delivered before",
    "equivocation": "delivery that says something else under the same id; the smallest content stands",
    "shed_station": "detection beyond the limit of one station in one slab",
    "shed_tile": "detection left out of one solution beyond the limit of a tile",
    "seam": "solution of an event that a neighbouring tile has with larger log-odds",
    "not_issued": "event beyond the limit of a slab",
}
"""Every reason, in the order in which it is shown."""


class Example(msgspec.Struct, frozen=True, array_like=True):
    """One record a reason was found with: its id, and value, name and limit in words."""

    record_id: str
    message: str


class TileCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many records met each reason, an example of each (of the smallest id), and shed detections by station."""

    reason_counts: dict[str, int] = {}
    examples: dict[str, Example] = {}
    shed_by_station: dict[str, int] = {}

    def shown_lines(self) -> list[str]:
        """Give one line for each reason met, in the order of `REASONS`."""
        lines = []
        for reason, meaning in REASONS.items():
            if count := self.reason_counts.get(reason, 0):
                example = self.examples.get(reason)
                said = f" (for example {example.record_id!r}: {example.message})" if example else ""
                lines.append(f"{count:>12,} {reason}: {meaning}{said}")
        return lines


def counted(counts: TileCounts, reason: str, count: int, *, example: Example | None = None) -> TileCounts:
    """Give the counts with more of one reason."""
    assert reason in REASONS, f"reason={reason!r} is none of REASONS"
    if count == 0:
        return counts
    examples = dict(counts.examples)
    if example is not None and (reason not in examples or _order(example) < _order(examples[reason])):
        examples[reason] = example
    reason_counts = {**counts.reason_counts, reason: counts.reason_counts.get(reason, 0) + count}
    return msgspec.structs.replace(counts, reason_counts=reason_counts, examples=examples)


def shed(counts: TileCounts, reason: str, by_station: Mapping[str, int]) -> TileCounts:
    """Give the counts with more shed detections, by station."""
    total = dict(counts.shed_by_station)
    for station_id, count in by_station.items():
        total[station_id] = total.get(station_id, 0) + count
    return counted(msgspec.structs.replace(counts, shed_by_station=total), reason, sum(by_station.values()))


def _order(example: Example) -> tuple[str, str]:
    return (example.record_id, example.message)
