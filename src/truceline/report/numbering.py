"""Ids of events in one issue, for audiences that may not see the ids that events have inside the house.

An event's own id is a hash over what was observed. Whoever holds a public feed could make the same hash for every row
of it, find the one that fits, and read the exact place and time there; so such an id would undo the coarsening.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from truceline.model.released import ReleasedEvent
from truceline.report.period import Issue


def without_id(event: ReleasedEvent) -> ReleasedEvent:
    """Give an event without its id."""
    return msgspec.structs.replace(event, event_id=None)


def in_order(events: Iterable[ReleasedEvent]) -> tuple[ReleasedEvent, ...]:
    """Sort events by time, then id, then by all else that is released of them, so that their order tells no more."""
    return tuple(
        sorted(
            events,
            key=lambda event: (event.time.start, event.time.end, event.event_id or "", msgspec.json.encode(event)),
        )
    )


def numbered(events: Iterable[ReleasedEvent], issue: Issue) -> tuple[ReleasedEvent, ...]:
    """Give events that have no id their place in this issue as one, such as 2025-094-0007; the order is kept."""
    letter = "S" if issue.is_supplement else ""
    stem = f"{issue.number_year}-{issue.number_count:03d}{letter}"
    return tuple(
        event if event.event_id is not None else msgspec.structs.replace(event, event_id=f"{stem}-{number:04d}")
        for number, event in enumerate(events, start=1)
    )
