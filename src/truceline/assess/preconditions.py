"""How far the quiet that something waits for has come, counted from assessed events; people declare that it began.

An act that restarts a clock is noticed on the event itself. That no event was seen is not quiet: a precondition that
was met by this count is said to be so by the events at hand, and starts nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import EventColumns, Floats, Longs
from truceline.assess.compile_times import quiet_run, timezone_of
from truceline.assess.compiled import Watcher
from truceline.assess.watchers import PERHAPS_PROBABILITY
from truceline.model.quantity import require_utc
from truceline.model.register import PreconditionState

MINUTE_S = 60.0
"""Of several resets within one minute the last is kept: bounds memory by the length of time, not by the events."""


class _Noted(msgspec.Struct):
    """What one watcher noticed so far: resets by minute (the last moment of each), how many, and the newest event."""

    minute: Longs
    last_s: Floats
    count: int = 0
    unsure_count: int = 0
    newest_s: float = -np.inf
    newest_id: str | None = None


class Resets:
    """Notes, over any number of batches in any order, which events restart which clocks."""

    def __init__(self, assessor: Assessor) -> None:
        """Take the texts in; only those with preconditions have anything to note."""
        self._assessor = assessor
        self._noted = {
            index: _Noted(np.zeros(0, dtype=np.int64), np.zeros(0))
            for index, watcher in enumerate(assessor.compiled.watchers)
            if watcher.precondition is not None
        }

    def note(self, columns: EventColumns) -> None:
        """Note the acts among some events that restart a clock, at the latest moment they may have happened."""
        if not self._noted:
            return
        bits = self._assessor.noticed(columns)
        perhaps = self._assessor.noticed(columns, least_probability=PERHAPS_PROBABILITY) & ~bits
        for index, noted in self._noted.items():
            noted.unsure_count += int(np.count_nonzero(perhaps >> index & 1))
            rows = np.flatnonzero(bits >> index & 1)
            if len(rows):
                _merge(noted, columns, rows)

    def states(self, *, now: datetime) -> list[PreconditionState]:
        """Give every precondition as it stands at `now` by the events noted; later ones are left aside."""
        require_utc("now", now)
        watchers = self._assessor.compiled.watchers
        return [self._state(watchers[index], noted, now=now) for index, noted in self._noted.items()]

    def _state(self, watcher: Watcher, noted: _Noted, *, now: datetime) -> PreconditionState:
        precondition = watcher.precondition
        assert precondition is not None, "only watchers of preconditions are noted"
        stack = self._assessor.compiled.stacks[watcher.version_index]
        layer = stack.layers[watcher.layer_index]
        timezone_name = timezone_of(layer)
        begins = [datetime.fromtimestamp(first, tz=UTC) for first, _ in watcher.spans.breach.tolist()]
        start = min(begins, default=None)
        run = None
        if start is not None and start <= now:
            past = noted.last_s[noted.last_s <= now.timestamp()]
            moments = [datetime.fromtimestamp(moment, tz=UTC) for moment in past.tolist()]
            run = quiet_run(moments, start, quiet_days=precondition.quiet_days, timezone_name=timezone_name)
        return PreconditionState(
            agreement_id=layer.agreement_id,
            version_by=stack.version_by,
            precondition_id=precondition.precondition_id,
            title=precondition.title,
            zone_id=watcher.zone_id,
            quiet_days=precondition.quiet_days,
            begun=None if run is None else run.begun,
            met_time=None if run is None else run.met,
            is_met=run is not None and run.met <= now,
            day_index=0 if run is None else _day_index(run.begun, now, timezone_name),
            reset_count=noted.count,
            last_reset_id=noted.newest_id,
            unsure_count=noted.unsure_count,
        )


def _day_index(begun: datetime, now: datetime, timezone_name: str) -> int:
    """Give the number of the day of a count, the first being 1; days are those of a clock on the wall."""
    zone = ZoneInfo(timezone_name)
    elapsed = now.astimezone(zone).replace(tzinfo=None) - begun.astimezone(zone).replace(tzinfo=None)
    return elapsed.days + 1


def _merge(noted: _Noted, columns: EventColumns, rows: Longs) -> None:
    """Add some events to what was noted."""
    moments = columns.end_s[rows]
    every = np.concatenate([noted.last_s, moments])
    minutes = np.concatenate([noted.minute, np.floor(moments / MINUTE_S).astype(np.int64)])
    noted.minute, places = np.unique(minutes, return_inverse=True)
    noted.last_s = np.full(len(noted.minute), -np.inf)
    np.maximum.at(noted.last_s, places, every)
    noted.count += len(rows)
    newest = int(np.argmax(moments))
    if moments[newest] >= noted.newest_s:
        noted.newest_s = float(moments[newest])
        noted.newest_id = columns.event_ids[rows[newest]] if columns.event_ids else None
