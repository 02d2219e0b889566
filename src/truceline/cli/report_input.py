"""What one issue is made from, taken out of a store and released for its audience."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from truceline import __version__
from truceline.adapters.agreements import LoadedAgreement, agreement_files, load_agreement, load_theatre
from truceline.adapters.stores.workspace import Workspace
from truceline.cli.run import SETTINGS_KIND
from truceline.errors import InputUnusable
from truceline.model.adherence import Adherence
from truceline.model.agreement import Agreement, Theatre
from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.finding import Finding
from truceline.model.observation import Outage, Rejection
from truceline.model.quantity import TimeSpan
from truceline.model.reference_line import DatedLine
from truceline.model.released import Released, ReleasedEvent, ReleasePolicy, Withheld
from truceline.observe.registry import MANIFESTS
from truceline.pipeline import PipelineSettings
from truceline.release import release_event
from truceline.report import ReasonCount, ReportInput, SourceWatch
from truceline.report.map_picture import bounds_of, line_of_day
from truceline.report.period import Issue, ReportClock, issue_of
from truceline.report.records import Assessment, ClaimRow, WithheldEvent
from truceline.runners.embedded import RUN_KIND, RunRecord

if TYPE_CHECKING:
    import pyarrow as pa

WATCH_STEP = "5m"
"""Grain to which times of observations are widened before they say that a source was watching."""

WATCH_SPAN_MAX = timedelta(hours=3)
"""An observation dated no better than this says nothing about which hours were watched; as the timeline has it."""

DAY_SPAN_MAX = timedelta(hours=30)
"""An observation dated up to this says that its day was reported on: a day of 25 hours and some slack."""

SPAN_MARGIN = timedelta(days=2)
"""How far around the periods observations are read, so that those dated by the day are found."""

REASONS_MAX_COUNT = 15
OUTAGE_KIND = "outage"
CLAIM_KIND = "party_claim"


class ReportWish(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: the day (`None`: choose), the audience's policy, the time of making, other files."""

    issue_date: date | None
    policy: ReleasePolicy
    now: datetime
    agreement_paths: tuple[Path, ...] = ()
    adherence_path: Path | None = None


def gather_input(store: Workspace, wish: ReportWish) -> ReportInput:
    """Take everything one issue needs out of a store; events leave it only through `release_event`."""
    theatre, agreements = _texts(store, wish)
    clock = ReportClock(timezone_name=theatre.timezone_name, evening_cutoff_hour=theatre.evening_cutoff_hour)
    latest = _latest_events(store.iterate_records("event", Event))
    issue = issue_of(wish.issue_date or _chosen_day(latest.values(), agreements, clock, now=wish.now), clock)
    spans = [period.span for period in (*issue.previous_periods, *issue.periods)]
    whole = TimeSpan(start=spans[0].start, end=spans[-1].end)
    events, withheld = _released(store, latest, whole, wish)
    observations = store.observations(start=whole.start - SPAN_MARGIN, end=whole.end)
    lines = _lines_of(issue, store.lines())
    shown = [event.record for event in events if issue.periods[0].span.start <= event.record.time.middle]
    files = store.ingested_files()
    adherences = _adherences(wish.adherence_path)
    _refuse_double_windows(adherences, agreements)
    return ReportInput(
        theatre=theatre,
        issue_date=issue.issue_date,
        generated_time=wish.now,
        code_version=__version__,
        policy=wish.policy,
        events=events,
        withheld=withheld,
        agreements=agreements,
        lines=lines,
        bounds=bounds_of(lines, shown),
        assessment=_assessment(store, clock),
        claims=_claims(observations, TimeSpan(start=issue.periods[0].span.start, end=issue.periods[-1].span.end)),
        watches=_watches(store, observations),
        files=tuple(files),
        rejections=_rejection_counts(store.rejections()),
        adherences=adherences,
        synthetic=any(file.synthetic for file in files),
    )


def _texts(store: Workspace, wish: ReportWish) -> tuple[Theatre, tuple[Agreement, ...]]:
    """Give theatre and agreements: those named, or those of the store's last run, or the default theatre alone."""
    if wish.agreement_paths:
        loaded: list[LoadedAgreement] = [load_agreement(path) for path in agreement_files(wish.agreement_paths)]
        if len({entry.theatre for entry in loaded}) != 1:
            raise InputUnusable("agreements of several theatres; report on one theatre at a time")
        return loaded[0].theatre, tuple(entry.agreement for entry in loaded)
    settings = store.records(SETTINGS_KIND, PipelineSettings)
    if not settings:
        return load_theatre(), ()
    return _theatre_of(settings[-1]), (settings[-1].agreement,)


def _theatre_of(settings: PipelineSettings) -> Theatre:
    """Give the shipped theatre of an agreement, or one made from the run's own settings where none is shipped."""
    try:
        theatre = load_theatre(settings.agreement.theatre_id)
    except InputUnusable:
        theatre = load_theatre()
    if theatre.parties == settings.parties:
        return theatre
    return msgspec.structs.replace(
        theatre,
        theatre_id=settings.agreement.theatre_id,
        title=settings.agreement.title,
        parties=settings.parties,
        timezone_name=settings.association.timezone_name,
        domains=(),
    )


def _latest_events(events: Iterable[Event]) -> dict[str, Event]:
    """Keep the newest revision of every event."""
    latest: dict[str, Event] = {}
    for event in events:
        known = latest.get(event.event_id)
        if known is None or event.revision_index > known.revision_index:
            latest[event.event_id] = event
    return latest


def _chosen_day(events: Iterable[Event], agreements: Sequence[Agreement], clock: ReportClock, *, now: datetime) -> date:
    """Choose the newest reporting day with an event inside a truce window, or with any event, or today."""
    middles = [event.origin_time.middle for event in events]
    windows = [window.span for agreement in agreements for window in agreement.windows]
    inside = [moment for moment in middles if any(span.start <= moment < span.end for span in windows)]
    newest = max(inside or middles, default=now)
    local = clock.local(newest).date()
    return local if newest < clock.cutoff(local) else local + timedelta(days=1)


def _released(
    store: Workspace, latest: dict[str, Event], whole: TimeSpan, wish: ReportWish
) -> tuple[tuple[Released[ReleasedEvent], ...], tuple[WithheldEvent, ...]]:
    """Release the events of both periods, with the findings and attribution of their newest revision."""
    chosen = {key: event for key, event in latest.items() if whole.start <= event.origin_time.middle < whole.end}
    findings: dict[str, list[Finding]] = {}
    any_finding: Any = Finding
    for finding in store.iterate_records("finding", any_finding):
        if finding.event_id in chosen:
            findings.setdefault(finding.event_id, []).append(finding)
    attributions: dict[tuple[str, int], Attribution] = {}
    for attribution in store.iterate_records("attribution", Attribution):
        if attribution.event_id in chosen:
            attributions[attribution.event_id, attribution.event_revision_index] = attribution
    answers = {
        key: release_event(
            event,
            findings=findings.get(key, ()),
            attribution=attributions.get((key, event.revision_index)),
            policy=wish.policy,
            now=wish.now,
        )
        for key, event in chosen.items()
    }
    released = tuple(answer for answer in answers.values() if isinstance(answer, Released))
    return released, tuple(
        WithheldEvent(record=answer, middle_time=chosen[key].origin_time.middle)
        for key, answer in answers.items()
        if isinstance(answer, Withheld)
    )


def _assessment(store: Workspace, clock: ReportClock) -> Assessment:
    """Say how far the store's last run came: to the midnight before its end, for a day that is not over stays open."""
    runs = store.records(RUN_KIND, RunRecord)
    if not runs:
        return Assessment()
    ended = clock.local(runs[-1].watermark)
    midnight = datetime.combine(ended.date(), time(0), tzinfo=clock.zone)
    newer_parts = store.parts(after_sequence=runs[-1].through_sequence)
    return Assessment(through_time=midnight.astimezone(UTC), newer_parts_count=len(newer_parts))


def _claims(observations: pa.Table, span: TimeSpan) -> tuple[ClaimRow, ...]:
    """Sum up the parties' bulletins that overlap a span, by claimant, actor and weapon class."""
    columns = ["kind", "claimant", "actor", "weapon_class", "launched_count", "destroyed_count"]
    frame = pl.DataFrame(pl.from_arrow(observations.select([*columns, "phenomenon_start", "phenomenon_end"])))
    start, end = pl.col("phenomenon_start"), pl.col("phenomenon_end")
    overlaps = (start < span.end) & ((end > span.start) | (start >= span.start))
    rows = (
        frame.filter((pl.col("kind").cast(pl.String) == CLAIM_KIND) & overlaps)
        .group_by("claimant", "actor", "weapon_class")
        .agg(
            pl.len().alias("bulletin_count"),
            *(
                pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
                for name in ("launched_count", "destroyed_count")
            ),
        )
        .sort("claimant", "actor", "weapon_class")
    )
    return tuple(ClaimRow(**row) for row in rows.iter_rows(named=True))


def _lines_of(issue: Issue, lines: Sequence[DatedLine]) -> tuple[DatedLine, ...]:
    """Keep the lines that this issue's maps show."""
    found = (line_of_day(lines, period.day) for period in issue.periods)
    return tuple(dict.fromkeys(line for line in found if line is not None))


def _watches(store: Workspace, observations: pa.Table) -> tuple[SourceWatch, ...]:
    """Say for every source that observes when something of it was received, and which outages were reported.

    A party's claims are no observation: nobody is known to have watched because a party said something.
    """
    columns = ["kind", "source_id", "phenomenon_start", "phenomenon_end"]
    frame = pl.DataFrame(pl.from_arrow(observations.select(columns)))
    frame = frame.filter(pl.col("kind").cast(pl.String) != CLAIM_KIND)
    duration = pl.col("phenomenon_end") - pl.col("phenomenon_start")
    watched = _spans_by_source(frame.filter(duration <= WATCH_SPAN_MAX))
    day_dated = _spans_by_source(frame.filter((duration > WATCH_SPAN_MAX) & (duration <= DAY_SPAN_MAX)))
    outages = store.records(OUTAGE_KIND, Outage)
    known = {file.source_id for file in store.ingested_files() if file.kind not in ("contact_line", CLAIM_KIND)}
    return tuple(
        SourceWatch(
            source_id=source_id,
            title=MANIFESTS[source_id].title if source_id in MANIFESTS else source_id,
            watched=tuple(watched.get(source_id, ())),
            day_dated=tuple(day_dated.get(source_id, ())),
            outages=tuple(outage for outage in outages if outage.source_id == source_id),
        )
        for source_id in sorted({*watched, *day_dated, *known, *(outage.source_id for outage in outages)})
    )


def _spans_by_source(frame: pl.DataFrame) -> dict[str, list[TimeSpan]]:
    """Give the distinct times of observations by source, to the grain."""
    spans = (
        frame.select(
            "source_id",
            start=pl.col("phenomenon_start").dt.truncate(WATCH_STEP),
            end=pl.col("phenomenon_end").dt.truncate(WATCH_STEP),
        )
        .unique()
        .sort("source_id", "start", "end")
    )
    found: dict[str, list[TimeSpan]] = {}
    for source_id, start, end in spans.iter_rows():
        found.setdefault(source_id, []).append(TimeSpan(start=start, end=end))
    return found


def _rejection_counts(rejections: Iterable[Rejection]) -> tuple[ReasonCount, ...]:
    """Count rejections by reason with the values taken out, so that one kind of fault is one row."""
    counts = Counter(re.sub(r"=\S+", "=…", rejection.reason) for rejection in rejections)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [ReasonCount(reason=reason, count=count) for reason, count in ordered[:REASONS_MAX_COUNT]]
    rest_count = sum(count for _, count in ordered[REASONS_MAX_COUNT:])
    if rest_count:
        kept.append(ReasonCount(reason=f"{len(ordered) - REASONS_MAX_COUNT} other reasons", count=rest_count))
    return tuple(kept)


def _refuse_double_windows(adherences: Sequence[Adherence], agreements: Sequence[Agreement]) -> None:
    """Refuse verdicts on a window whose id stands for several spans in the agreements given."""
    spans: dict[str, TimeSpan] = {}
    named = {entry.window_id for entry in adherences}
    for window in (window for agreement in agreements for window in agreement.windows):
        if window.window_id in named and spans.setdefault(window.window_id, window.span) != window.span:
            raise InputUnusable(f"window_id={window.window_id!r} stands for several spans in the agreements given")


def _adherences(path: Path | None) -> tuple[Adherence, ...]:
    """Read verdicts that `truceline adherence --json` wrote."""
    if path is None:
        return ()
    try:
        return tuple(msgspec.json.decode(path.read_bytes(), type=list[Adherence]))
    except OSError as error:
        raise InputUnusable(f"{path}: cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise InputUnusable(f"{path}: is not a list of verdicts ({error})") from error
