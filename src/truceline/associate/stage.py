"""Observation -> Event as a stage: days stay open until the watermark passes them, and late records issue revisions.

What is said of a day is a function of the set of its observations alone, so neither order, batch edges, duplicates nor
restarts can show in it. The stage remembers what it said; where a late observation makes it say something else, it
issues a revision under the same event id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from truceline.associate.clusters import cluster_rows
from truceline.associate.evidence import Evidence, evidence_of
from truceline.associate.origins import draft_event
from truceline.associate.rows import KEPT_OUT_TOO_LATE, Row, row_from_observation
from truceline.associate.sensor_events import SensedDay, sense_day
from truceline.associate.settings import AssociationSettings
from truceline.associate.testimony import told_of
from truceline.model.event import Event
from truceline.model.observation import Observation
from truceline.model.quantity import EPOCH, content_id, require_utc
from truceline.model.testimony import Testimony

SENSED_DAYS_COUNT = 4
"""Sensor events of so many days are held ready: a late report does not make their detections be solved anew."""

SOUND_UNDERWAY = timedelta(hours=1)
"""Sound from shortly before midnight is first heard after it; it is under way for less than this."""


class Issued(msgspec.Struct, frozen=True, array_like=True):
    """The last state issued of one event, and the observation it is named after."""

    anchor_observation_id: str
    event: Event


class Slab(msgspec.Struct, frozen=True, array_like=True):
    """One local day: its rows in canonical order, what was issued of it, and whether the watermark has passed it.

    `unassociated_counts` says by reason how many of its detections stand in no event.
    """

    rows: tuple[Row, ...] = ()
    issued: tuple[Issued, ...] = ()
    unassociated_counts: dict[str, int] = {}
    is_closed: bool = False


class AssociationState(msgspec.Struct, frozen=True, kw_only=True):
    """Every day remembered, by local date; `settled` days were closed and their rows let go, to bound the state.

    `settled_counts` keeps, by reason, how many observations of settled days went into no event.
    """

    watermark: datetime = EPOCH
    slabs: dict[str, Slab] = {}
    settled: tuple[str, ...] = ()
    settled_counts: dict[str, int] = {}
    too_late_count: int = 0


class AssociateStage:
    """Joins observations into events, one local day at a time."""

    def __init__(self, settings: AssociationSettings) -> None:
        """Fix the gates and the time zone whose days these are."""
        self.settings = settings
        self._zone = ZoneInfo(settings.timezone_name)
        self._slab_end = lru_cache(maxsize=8_192)(self._slab_end_uncached)
        self._sensed = lru_cache(maxsize=SENSED_DAYS_COUNT)(self._sensed_uncached)

    def initial(self) -> AssociationState:
        """Give the state before any observation."""
        return AssociationState()

    def key(self, record: Observation) -> str:
        """Give the local date on which the middle of the observation falls; equal days must meet in one state.

        Whole-day reports name a local day and fall on it. Nothing is joined across local midnight, so that a
        partition by day gives the same events as none.
        """
        return self._day_of(record.phenomenon_time.middle)

    def step(
        self, state: AssociationState, batch: Sequence[Observation], watermark: datetime
    ) -> tuple[AssociationState, list[Event]]:
        """Take observations in and give the events of every day that the watermark has passed, or that changed late."""
        require_utc("watermark", watermark)
        reached = max(state.watermark, watermark)
        arrived, too_late_count = self._sorted_by_day(batch, frozenset(state.settled))
        slabs = dict(state.slabs)
        for name, rows in arrived.items():
            slabs[name] = _with_rows(slabs.get(name, Slab()), rows)
        events: list[Event] = []
        closed_now: set[str] = set()
        for name in sorted(slabs):
            if self._slab_end(name) > reached or (slabs[name].is_closed and name not in arrived):
                continue
            slabs[name], issued = self._closed(slabs[name])
            closed_now.add(name)
            events.extend(issued)
        oldest = self._to_settle(slabs, closed_now)
        new_state = AssociationState(
            watermark=reached,
            slabs={name: slab for name, slab in slabs.items() if name not in oldest},
            settled=tuple(sorted((*state.settled, *oldest))),
            settled_counts=_kept_out_of(state.settled_counts, [slabs[name] for name in oldest]),
            too_late_count=state.too_late_count + too_late_count,
        )
        return new_state, events

    def evidence(self, state: AssociationState, events: Iterable[Event]) -> dict[tuple[str, int], Evidence]:
        """Give, by event id and revision, which rows of which files it rests on, and what was near but not used."""
        found: dict[tuple[str, int], Evidence] = {}
        for name, group in self._by_day(state, events).items():
            found.update(evidence_of(group, state.slabs[name].rows, self.settings))
        return found

    def testimony(self, state: AssociationState, events: Iterable[Event]) -> dict[tuple[str, int], Testimony]:
        """Give, by event id and revision, what the rows of its day say of it beyond its place and time."""
        found: dict[tuple[str, int], Testimony] = {}
        for name, group in self._by_day(state, events).items():
            found.update(told_of(group, state.slabs[name].rows, self.settings))
        return found

    def _by_day(self, state: AssociationState, events: Iterable[Event]) -> dict[str, list[Event]]:
        """Part events by the day whose rows they were made of."""
        by_slab: dict[str, list[Event]] = {}
        issued: dict[str, frozenset[str]] = {}
        for event in events:
            name = self._day_of(event.origin_time.middle)
            if name not in issued:
                issued[name] = _ids_of(state.slabs.get(name, Slab()))
            if event.event_id not in issued[name]:  # its sound was first heard on the following day
                name = self._day_of(event.origin_time.middle + SOUND_UNDERWAY)
            by_slab.setdefault(name, []).append(event)
        return by_slab

    def kept_out_counts(self, state: AssociationState) -> dict[str, int]:
        """Give how many observations went into no event, by reason, sorted by reason."""
        counts = _kept_out_of(state.settled_counts, state.slabs.values())
        if state.too_late_count:
            counts[KEPT_OUT_TOO_LATE] = state.too_late_count
        return dict(sorted(counts.items()))

    def _day_of(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).date().isoformat()

    def _sensed_uncached(self, detections: tuple[Row, ...]) -> SensedDay:
        """Give what the engine makes of one day's detections."""
        return sense_day(detections, self.settings)

    def _slab_end_uncached(self, name: str) -> datetime:
        """Give the instant at which a local day is over."""
        following = date.fromisoformat(name) + timedelta(days=1)
        return datetime(following.year, following.month, following.day, tzinfo=self._zone).astimezone(UTC)

    def _sorted_by_day(self, batch: Sequence[Observation], settled: frozenset[str]) -> tuple[dict[str, list[Row]], int]:
        """Give the rows of a batch by day, and how many belong to days no longer remembered."""
        arrived: dict[str, list[Row]] = {}
        too_late_count = 0
        for observation in batch:
            name = self.key(observation)
            if name in settled:
                too_late_count += 1
            else:
                arrived.setdefault(name, []).append(row_from_observation(observation))
        return arrived, too_late_count

    def _closed(self, slab: Slab) -> tuple[Slab, list[Event]]:
        """Cluster a day anew; give it with what was issued of it, and what is new or different."""
        sensed = self._sensed(tuple(row for row in slab.rows if row.role == "detection"))
        clustered = cluster_rows(slab.rows, self.settings, sensed=sensed)
        issued = {entry.anchor_observation_id: entry for entry in slab.issued}
        standing: dict[str, Issued] = {}
        new: list[Event] = []
        for cluster in clustered.clusters:
            named_after = next((row.observation_id for row in cluster.members if row.observation_id in issued), None)
            anchor = named_after or cluster.anchor.observation_id
            draft = draft_event(cluster, event_id=content_id("event", anchor.encode()), settings=self.settings)
            event = _revised(draft, issued[anchor].event) if named_after else draft
            standing[anchor] = Issued(anchor, event)
            if not named_after or event is not issued[anchor].event:
                new.append(event)
        for anchor, entry in issued.items():
            if anchor not in standing:
                standing[anchor] = Issued(anchor, _withdrawn(entry.event))
                if standing[anchor].event is not entry.event:
                    new.append(standing[anchor].event)
        kept = tuple(standing[anchor] for anchor in sorted(standing))
        closed = Slab(slab.rows, kept, clustered.unassociated_counts, True)
        return closed, sorted(new, key=lambda event: (event.origin_time.start, event.event_id))

    def _to_settle(self, slabs: Mapping[str, Slab], closed_now: Collection[str]) -> list[str]:
        """Name the oldest closed days beyond the bound; one closed in this step stays for whoever asks its evidence."""
        excess_count = max(0, len(slabs) - self.settings.slab_max_count)
        return [name for name in sorted(slabs) if slabs[name].is_closed and name not in closed_now][:excess_count]


def _kept_out_of(counts: Mapping[str, int], slabs: Iterable[Slab]) -> dict[str, int]:
    """Give the counts, by reason, with what these days kept out of every event added."""
    total = Counter(counts)
    for slab in slabs:
        total.update(row.kept_out_reason for row in slab.rows if row.role == "kept_out")
        total.update(slab.unassociated_counts)
    return dict(total)


def _ids_of(slab: Slab) -> frozenset[str]:
    return frozenset(entry.event.event_id for entry in slab.issued)


def _with_rows(slab: Slab, rows: Sequence[Row]) -> Slab:
    """Give the slab with rows added, each id once, in canonical order; of two rows of one id the smaller stays."""
    by_id = {row.observation_id: row for row in slab.rows}
    for row in rows:
        known = by_id.get(row.observation_id)
        if known is None or (row.file_sha256, row.row_index) < (known.file_sha256, known.row_index):
            by_id[row.observation_id] = row
    return msgspec.structs.replace(slab, rows=tuple(sorted(by_id.values(), key=lambda row: row.order)))


def _revised(draft: Event, last: Event) -> Event:
    """Give the last state where nothing changed, else the draft as the next revision of it."""
    same = msgspec.structs.replace(
        draft, revision_index=last.revision_index, supersedes_revision_index=last.supersedes_revision_index
    )
    if same == last:
        return last
    return msgspec.structs.replace(
        draft, revision_index=last.revision_index + 1, supersedes_revision_index=last.revision_index
    )


def _withdrawn(last: Event) -> Event:
    """Give the state of an event that turned out to be part of another: rejected, and said so once."""
    if last.evaluation_status == "rejected":
        return last
    return msgspec.structs.replace(
        last,
        revision_index=last.revision_index + 1,
        supersedes_revision_index=last.revision_index,
        evaluation_status="rejected",
    )
