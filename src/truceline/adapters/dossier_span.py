"""The store's observations around an event: of events of the same days each row is read, and made a record, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from truceline.adapters.stores.workspace import Workspace
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan
from truceline.observe.records import observations_from_table
from truceline.observe.registry import manifests_for

SPAN_MAX_DAYS = 9
"""How long before a day an observation may begin whose middle falls on it: reports of a week, and the edges of days."""

AFTER_DAYS = 2
"""How long after an event an observation may begin that falls on the same local day."""


class SpanReader:
    """Holds the rows of whole days around the event asked for last, and the records made of them; no more."""

    def __init__(self, store: Workspace, received_times: Mapping[str, datetime]) -> None:
        """Begin with no row; `received_times` (by file hash) say when each file was had."""
        self._store = store
        self._received_times = received_times
        self._held: tuple[datetime, datetime, tuple[str, ...]] | None = None
        self._table: pa.Table | None = None
        self._records: dict[tuple[tuple[str, str], str], Observation] = {}

    def table(self, span: TimeSpan, *, through_sequence: int) -> pa.Table:
        """Give the rows that may belong to an event of this span, as far as they were kept up to a place."""
        start, end = span.start - timedelta(days=SPAN_MAX_DAYS), span.end + timedelta(days=AFTER_DAYS)
        parts = tuple(part.part_sha256 for part in self._store.parts(through_sequence=through_sequence))
        held = (_midnight(start), _midnight(end) + timedelta(days=1), parts)
        if self._table is None or held != self._held:
            self._table = self._store.observations(start=held[0], end=held[1], through_sequence=through_sequence)
            self._held = held
            self._records = {}
        times = self._table["phenomenon_start"]
        inside = pc.and_(
            pc.greater_equal(times, pa.scalar(start, times.type)), pc.less(times, pa.scalar(end, times.type))
        )
        return self._table.filter(inside)

    def records(self, rows: pa.Table, parties: tuple[str, str]) -> list[Observation]:
        """Give rows of the table given last as records, in their order."""
        names = [(parties, name) for name in rows["observation_id"].to_pylist()]
        fresh = rows.filter(pa.array([name not in self._records for name in names], pa.bool_()))
        made = observations_from_table(fresh, manifests_for(parties), received_times=self._received_times)
        self._records |= {(parties, record.observation_id): record for record in made}
        return [self._records[name] for name in names]


def _midnight(time: datetime) -> datetime:
    """Give the beginning of a time's UTC day."""
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
