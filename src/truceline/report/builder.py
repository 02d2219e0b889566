"""Released records -> one issue of the daily report, complete and with all its sums checked."""

from __future__ import annotations

from collections.abc import Sequence

from truceline.model.agreement import TruceWindow
from truceline.model.released import ReleasedEvent
from truceline.report.comparison import build_comparison
from truceline.report.coverage import build_coverage
from truceline.report.map_picture import MapPicture, build_map, line_of_day
from truceline.report.numbering import in_order, numbered, without_id
from truceline.report.period import Issue, Period, ReportClock, issue_of, long_date
from truceline.report.records import Coverage, DailyReport, PeriodTable, ReportInput, SourceSummary
from truceline.report.standing import day_table, delayed_events, honest_comparison, window_obstacle, withheld_events
from truceline.report.summary import (
    assessment_bullets,
    attribution_bullets,
    claim_bullets,
    count_bullets,
    coverage_bullets,
    delay_bullets,
    place_bullets,
    window_bullets,
    withheld_bullets,
)
from truceline.report.tables import (
    TYPE_NAMES,
    attribution_summary,
    finding_rows,
    is_potential,
    kind_rows,
    reason_counts,
    tally,
)
from truceline.report.timeline import Timeline, build_timeline

FILES_LISTED_MAX_COUNT = 40


def build_daily_report(given: ReportInput) -> DailyReport:
    """Make the issue whose information closes on the evening of `given.issue_date`.

    An event belongs to the day that holds the middle of its time; events of neither period are left out.
    """
    theatre = given.theatre
    clock = ReportClock(timezone_name=theatre.timezone_name, evening_cutoff_hour=theatre.evening_cutoff_hour)
    issue = issue_of(given.issue_date, clock)
    events = tuple(event.record for event in given.events)
    if not given.policy.event_id_shown:
        events = tuple(map(without_id, events))
    by_day = [_events_of(period, events) for period in issue.periods]
    here = numbered((event for listed in by_day for event in listed), issue)
    coverages = tuple(build_coverage(period, given.watches, clock) for period in issue.periods)
    total = tally(here)
    tables = _tables(issue.periods, events, coverages, given=given)
    previous = _previous(given, issue, clock, events)
    comparison = honest_comparison(
        build_comparison((issue.periods, here, coverages), previous),
        tables,
        _tables(previous[0], previous[1], previous[2], given=given),
        obstacle=window_obstacle(given, issue),
    )
    attribution = attribution_summary(here, theatre, party_probability_shown=given.policy.party_probability_shown)
    withheld = reason_counts(event.record.reason for event in withheld_events(given, issue.periods))
    summary = (
        *_state_bullets(given, issue, clock),
        *count_bullets(total, comparison, tables),
        *claim_bullets(given.claims),
        *place_bullets(tables, total),
        *attribution_bullets(attribution),
        *(window_bullets(given.agreements, issue, clock) if _agreement_known(given) else ()),
        *(coverage_bullets(coverages) if any(table.observed for table in tables) else ()),
        *withheld_bullets(withheld, given.policy),
    )
    return DailyReport(
        theatre=theatre,
        issue=issue,
        policy=given.policy,
        generated_time=given.generated_time,
        code_version=given.code_version,
        synthetic=given.synthetic,
        title=f"Truceline daily report {issue.number_label}",
        basis=_basis(issue, clock),
        observed=any(table.observed for table in tables),
        type_names=TYPE_NAMES,
        summary=summary,
        tables=tables,
        total=total,
        maps=_maps(given, issue, by_day),
        timelines=tuple(_timelines(given, issue, by_day, coverages=coverages, clock=clock)),
        comparison=comparison,
        kinds=kind_rows(here),
        findings=finding_rows(here),
        attribution=attribution,
        agreements=given.agreements,
        adherences=given.adherences,
        claims=given.claims,
        coverages=coverages,
        sources=_sources(given, issue),
        rejections=given.rejections,
        withheld=withheld,
        events=here,
    )


def _agreement_known(given: ReportInput) -> bool:
    """Say whether it is known which agreements there are: a store that no run was made over has none yet."""
    return bool(given.agreements) or given.assessment.through_time is not None


def _state_bullets(given: ReportInput, issue: Issue, clock: ReportClock) -> list[str]:
    """Say first what the counts lack: days that are not assessed, events that are not released."""
    return [
        *assessment_bullets(given.assessment, issue, clock),
        *delay_bullets(delayed_events(given, issue.periods), clock),
    ]


def _events_of(period: Period, events: Sequence[ReleasedEvent]) -> tuple[ReleasedEvent, ...]:
    """Choose the events whose middle lies in a day, in order."""
    return in_order(event for event in events if period.holds(event.time.middle))


def _basis(issue: Issue, clock: ReportClock) -> str:
    """Write the line under the title."""
    offset = f"{clock.local(issue.periods[-1].span.end):%z}"
    offset = f"UTC{offset[:3]}:{offset[3:]}"
    fixed = "/" not in clock.timezone_name or clock.timezone_name.startswith("Etc/")
    zone = offset if fixed else f"{clock.timezone_name} time ({offset})"
    return (
        f"Based on information received as of {clock.cutoff_label} {long_date(issue.issue_date)}. "
        f"All times are in {zone}"
    )


def _tables(
    periods: Sequence[Period], events: Sequence[ReleasedEvent], coverages: Sequence[Coverage], *, given: ReportInput
) -> tuple[PeriodTable, ...]:
    """Make the table of each day."""
    return tuple(
        day_table(period, _events_of(period, events), coverage, given=given)
        for period, coverage in zip(periods, coverages, strict=True)
    )


def _previous(
    given: ReportInput, issue: Issue, clock: ReportClock, events: Sequence[ReleasedEvent]
) -> tuple[Sequence[Period], Sequence[ReleasedEvent], Sequence[Coverage]]:
    """Gather the previous reporting period."""
    periods = issue.previous_periods
    earlier = [event for period in periods for event in _events_of(period, events)]
    return periods, earlier, [build_coverage(period, given.watches, clock) for period in periods]


def _maps(given: ReportInput, issue: Issue, by_day: Sequence[Sequence[ReleasedEvent]]) -> tuple[MapPicture, ...]:
    """Draw one map for each day, all with the same bounds."""
    if given.bounds is None:
        return ()
    return tuple(
        build_map(
            given.bounds,
            events,
            line=line_of_day(given.lines, period.day),
            day=period.day,
            parties=given.theatre.parties,
            is_potential=is_potential,
        )
        for period, events in zip(issue.periods, by_day, strict=True)
    )


def _timelines(
    given: ReportInput,
    issue: Issue,
    by_day: Sequence[Sequence[ReleasedEvent]],
    *,
    coverages: Sequence[Coverage],
    clock: ReportClock,
) -> list[Timeline]:
    """Make one timeline for each day."""
    windows: list[TruceWindow] = [window for agreement in given.agreements for window in agreement.windows]
    return [
        build_timeline(
            period,
            events,
            states=coverage.any_states,
            windows=windows,
            clock=clock,
            is_potential=is_potential,
        )
        for period, events, coverage in zip(issue.periods, by_day, coverages, strict=True)
    ]


def _sources(given: ReportInput, issue: Issue) -> SourceSummary:
    """Sum up the received files; totals are of all, the list is cut."""
    ordered = sorted(given.files, key=lambda file: (file.source_id, file.file_name, file.file_sha256))
    cutoff = issue.periods[-1].span.end
    return SourceSummary(
        files=tuple(ordered[:FILES_LISTED_MAX_COUNT]),
        left_out_count=max(len(ordered) - FILES_LISTED_MAX_COUNT, 0),
        accepted_count=sum(file.accepted_count for file in ordered),
        rejected_count=sum(file.rejected_count for file in ordered),
        duplicate_count=sum(file.duplicate_count for file in ordered),
        received_after_cutoff_count=sum(1 for file in ordered if file.received_time > cutoff),
    )
