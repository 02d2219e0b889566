"""What a daily report is made from, and what it says: frozen records between the builder and the renderers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from truceline.model.adherence import Adherence
from truceline.model.agreement import Agreement, Theatre
from truceline.model.observation import Outage
from truceline.model.quantity import Count, TimeSpan, require_between, require_utc
from truceline.model.reference_line import DatedLine
from truceline.model.released import Released, ReleasedEvent, ReleasePolicy, Withheld
from truceline.model.source import IngestedFile
from truceline.report.counts import RateDifference
from truceline.report.map_picture import MapBounds, MapPicture
from truceline.report.period import Issue, Period
from truceline.report.timeline import Timeline


class SourceWatch(msgspec.Struct, frozen=True, kw_only=True):
    """When one source is known to have been watching, and when it is known not to have been; the rest is not known.

    `day_dated` are the spans of records that name only the day: they were received, but say nothing about hours.
    """

    source_id: str
    title: str
    watched: tuple[TimeSpan, ...]
    outages: tuple[Outage, ...] = ()
    day_dated: tuple[TimeSpan, ...] = ()


class ReasonCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often one reason was given."""

    reason: str
    count: int


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """Up to when a run has assessed days (`None`: no run was brought to its end), and what was received after it."""

    through_time: datetime | None = None
    newer_parts_count: int = 0

    def covers(self, moment: datetime) -> bool:
        """Say whether everything received of the time before a moment was assessed."""
        return self.through_time is not None and self.through_time >= moment and self.newer_parts_count == 0


class WithheldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event that this audience may not see yet or at all, with the middle of its time, which says its day."""

    record: Withheld
    middle_time: datetime


class ClaimRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one claimant said that an actor launched of one weapon class, summed; a claim, not an observation.

    A sum is `None` where no bulletin states the number.
    """

    claimant: str
    actor: str
    weapon_class: str
    bulletin_count: int
    launched_count: float | None
    destroyed_count: float | None


DayStatus = Literal["complete", "incomplete", "not assessed", "not released", "not observed"]


class ReportInput(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one issue is made from; events are released ones, of this period and the one before.

    `bounds` is the part of the theatre that the map shows, `None` where there is nothing to show.
    """

    theatre: Theatre
    issue_date: date
    generated_time: datetime
    code_version: str
    policy: ReleasePolicy
    events: tuple[Released[ReleasedEvent], ...] = ()
    withheld: tuple[WithheldEvent, ...] = ()
    assessment: Assessment = Assessment()
    claims: tuple[ClaimRow, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    lines: tuple[DatedLine, ...] = ()
    bounds: MapBounds | None = None
    watches: tuple[SourceWatch, ...] = ()
    files: tuple[IngestedFile, ...] = ()
    rejections: tuple[ReasonCount, ...] = ()
    adherences: tuple[Adherence, ...] = ()
    synthetic: bool = False

    def __post_init__(self) -> None:
        """Check the time of making and that every event was cleared under this issue's policy."""
        require_utc("generated_time", self.generated_time)
        for event in self.events:
            if event.policy != self.policy:
                raise ValueError(f"event {event.record.event_id} was cleared for {event.policy.audience}, not for this")


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one row, split by what they were found to be; the parts add up to the whole.

    `signature_count` counts what was observed, as OSCE counts; the others count events, one each.
    """

    event_count: int
    potential_count: int
    indeterminate_count: int
    other_count: int
    type_counts: tuple[int, ...]
    signature_count: Count
    potential_signature_count: Count

    def __post_init__(self) -> None:
        """Check that the parts add up."""
        parts_count = self.potential_count + self.indeterminate_count + self.other_count
        assert parts_count == self.event_count, f"parts {parts_count} are not the whole {self.event_count}"
        types_count = sum(self.type_counts)
        assert types_count == self.event_count, f"types {types_count} are not the whole {self.event_count}"


class AreaRow(msgspec.Struct, frozen=True, kw_only=True):
    """One area with its tally, and the settlements named in it with their events."""

    area: str
    places: str
    tally: Tally


class PeriodTable(msgspec.Struct, frozen=True, kw_only=True):
    """The areas of one reporting day with their total; `observed` is false where nothing is known to have watched."""

    period: Period
    observed: bool
    status: DayStatus
    rows: tuple[AreaRow, ...]
    total: Tally

    @property
    def stated(self) -> bool:
        """Say whether the day's counts may be given as numbers, be it incomplete ones."""
        return self.status in ("complete", "incomplete")


class ComparisonRow(msgspec.Struct, frozen=True, kw_only=True):
    """One number of this period beside the same number of the one before; no difference where none can be given."""

    name: str
    now: str
    before: str
    difference: RateDifference | None
    words: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """This period beside the previous one, with the hours each was watched; `obstacle` says why none is compared."""

    now_hours: float
    before_hours: float
    now_watched_hours: float
    before_watched_hours: float
    before_label: str
    before_observed: bool
    obstacle: str | None
    rows: tuple[ComparisonRow, ...]


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of finding under one clause, with how many findings and the sum of their probabilities."""

    kind: str
    clause: str
    finding_count: int
    probability_sum_count: float | None


class KindRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of finding and the events for which it is the weightiest; the rows add up to all events."""

    kind: str
    meaning: str
    event_count: int


class PartyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One party, or undetermined, with the events whose attribution says so."""

    party: str
    event_count: int
    potential_count: int


class AttributionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Events by indicated party; `released` is false where the audience may not see it."""

    released: bool
    rows: tuple[PartyRow, ...] = ()
    total_count: int = 0
    undetermined_reasons: tuple[ReasonCount, ...] = ()


class CoverageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source over the hours of a day: `watched`, `not watched` or `not known`, one word per hour."""

    title: str
    source_id: str
    states: tuple[str, ...]
    watched_count: int
    not_watched_count: int
    not_known_count: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Who watched when in one reporting day; `any_states` says it for all sources together.

    `day_titles` names the sources that reported on the day without naming an hour.
    """

    period: Period
    hour_labels: tuple[str, ...]
    rows: tuple[CoverageRow, ...]
    any_states: tuple[str, ...]
    outages: tuple[str, ...]
    day_titles: tuple[str, ...] = ()

    @property
    def watched_count(self) -> int:
        """Hours in which at least one source is known to have watched."""
        return self.any_states.count("watched")

    @property
    def not_watched_count(self) -> int:
        """Hours in which every source is known not to have watched."""
        return self.any_states.count("not watched")

    @property
    def observed(self) -> bool:
        """Say whether anything of the day was received: of one of its hours, or of the day as a whole."""
        return self.watched_count > 0 or bool(self.day_titles)


class SourceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Received files with their totals; `left_out_count` files are counted in the totals but not listed."""

    files: tuple[IngestedFile, ...]
    left_out_count: int
    accepted_count: int
    rejected_count: int
    duplicate_count: int
    received_after_cutoff_count: int


class DailyReport(msgspec.Struct, frozen=True, kw_only=True):
    """One issue, complete: what every renderer shows, in the order in which it is shown."""

    theatre: Theatre
    issue: Issue
    policy: ReleasePolicy
    generated_time: datetime
    code_version: str
    synthetic: bool
    title: str
    basis: str
    observed: bool
    type_names: tuple[str, ...]
    summary: tuple[str, ...]
    tables: tuple[PeriodTable, ...]
    total: Tally
    maps: tuple[MapPicture, ...]
    timelines: tuple[Timeline, ...]
    comparison: Comparison
    kinds: tuple[KindRow, ...]
    findings: tuple[FindingRow, ...]
    attribution: AttributionSummary
    agreements: tuple[Agreement, ...]
    adherences: tuple[Adherence, ...]
    claims: tuple[ClaimRow, ...]
    coverages: tuple[Coverage, ...]
    sources: SourceSummary
    rejections: tuple[ReasonCount, ...]
    withheld: tuple[ReasonCount, ...]
    events: tuple[ReleasedEvent, ...]

    @property
    def stated(self) -> bool:
        """Say whether counts of at least one day may be given as numbers."""
        return any(table.stated for table in self.tables)

    def __post_init__(self) -> None:
        """Check that the days add up to the issue, and kinds to all its events."""
        require_between("events", len(self.events), 0, 10_000_000)
        whole_count = self.total.event_count
        assert whole_count == len(self.events), f"total {whole_count} is not the number of events {len(self.events)}"
        assert whole_count == sum(table.total.event_count for table in self.tables), "days do not add up"
        assert whole_count == sum(row.event_count for row in self.kinds), "kinds do not add up"
