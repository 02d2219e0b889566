"""The first bullets of an issue: what was recorded, compared with before, and what cannot be said."""

from __future__ import annotations

from collections.abc import Sequence

from truceline.model.agreement import Agreement
from truceline.model.released import ReleasePolicy
from truceline.report.comparison import interval_words
from truceline.report.counts import count_words, thousands
from truceline.report.period import Issue, ReportClock
from truceline.report.records import (
    Assessment,
    AttributionSummary,
    ClaimRow,
    Comparison,
    ComparisonRow,
    Coverage,
    PeriodTable,
    ReasonCount,
    Tally,
    WithheldEvent,
)
from truceline.report.tables import UNDETERMINED, types_words

NOT_STATED = frozenset({"not assessed", "not released", "not observed"})
"""Words that stand in place of a number."""


def assessment_bullets(assessment: Assessment, issue: Issue, clock: ReportClock) -> list[str]:
    """Say first of all where the period, or a part of what was received of it, is not assessed yet."""
    if assessment.covers(issue.periods[-1].span.end):
        return []
    if assessment.through_time is None:
        words = "no run yet"
    else:
        through = clock.local(assessment.through_time)
        words = f"assessed up to {through:%H:%M} {through.day} {through:%B %Y}"
        if assessment.newer_parts_count:
            words += ", and files were received after that run"
    return [f"Not assessed yet: {words}; run `truceline run`. Counts below are incomplete."]


def delay_bullets(delayed: Sequence[WithheldEvent], clock: ReportClock) -> list[str]:
    """Say how many events of the period this audience may see later only, and from when on it may see all of them."""
    times = [event.record.release_time for event in delayed if event.record.release_time is not None]
    if not times:
        return []
    until = clock.local(max(times))
    return [
        f"Not yet released: {_events(len(times))} of this period, the last of them until {until:%H:%M} {until.day} "
        f"{until:%B %Y}. Counts below are incomplete."
    ]


def claim_bullets(claims: Sequence[ClaimRow]) -> list[str]:
    """Say how much the parties claimed, and that none of it is an observation."""
    if not claims:
        return []
    bulletins_count = sum(row.bulletin_count for row in claims)
    stated = [row.launched_count for row in claims if row.launched_count is not None]
    launched = f"{thousands(sum(stated))} launches claimed" if stated else "no number of launches stated"
    return [
        f"Claims of the parties, which are not observations and not among the events: {thousands(bulletins_count)} "
        f"bulletin{'' if bulletins_count == 1 else 's'} overlap this period, {launched}."
    ]


def not_observed_bullets() -> list[str]:
    """Say of an issue without any data that nothing was observed, which is not the same as quiet."""
    return [
        "Not observed: no source is known to have been watching in this period and no event was recorded. "
        "This says nothing about whether it was quiet.",
    ]


def count_bullets(total: Tally, comparison: Comparison, tables: Sequence[PeriodTable]) -> list[str]:
    """Compare the issue's numbers with those of the previous reporting period; what is not known is not zero."""
    if not any(table.stated for table in tables):
        if all(table.status == "not observed" for table in tables):
            return not_observed_bullets()
        return ["No counts can be given for this period yet. This says nothing about whether it was quiet."]
    signatures = count_words(total.signature_count)
    recorded = f"Recorded: {_events(total.event_count)} ({signatures} signatures observed)"
    found = f"{_events(total.potential_count)} found to be potential violations"
    if not all(table.status in ("complete", "not observed") for table in tables):
        return [f"{recorded} so far, of which {found}."]
    before = {row.name: row for row in comparison.rows}
    if not comparison.before_observed:
        earlier = "the previous reporting period was not observed, so nothing can be compared"
        return [f"{recorded}, of which {found}; {earlier}."]
    events, potential = before["Events"], before["Potential violations (events)"]
    if NOT_STATED.intersection((events.before, potential.before)):
        return [f"{recorded}, of which {found}. The previous reporting period: {events.before}."]
    bullets = [
        f"{recorded}, of which {found}. In the previous reporting period: {events.before} events, of which "
        f"{potential.before} potential violations."
    ]
    return [*bullets, *_difference_bullets(comparison, events, potential)]


def _difference_bullets(comparison: Comparison, events: ComparisonRow, potential: ComparisonRow) -> list[str]:
    """Say how far potential violations differ from before, or why that cannot be said, and then how far events do."""
    bullets = []
    if potential.difference is not None:
        bullets.append(
            f"Potential violations compared with the previous reporting period: {potential.words}; difference "
            f"{interval_words(potential.difference)}, 95 % interval in brackets."
        )
    elif comparison.obstacle is not None:
        bullets.append(
            f"Potential violations and the previous reporting period: {comparison.obstacle}. Hours known to be "
            f"watched: {comparison.now_watched_hours:g} of {comparison.now_hours:g} now, "
            f"{comparison.before_watched_hours:g} of {comparison.before_hours:g} before."
        )
    elif events.difference is not None:
        bullets.append(
            f"Events compared with the previous reporting period: {events.words}; difference "
            f"{interval_words(events.difference)}, 95 % interval in brackets. Potential violations: {potential.words}."
        )
    return bullets


def place_bullets(tables: tuple[PeriodTable, ...], total: Tally) -> list[str]:
    """Say where most potential violations were recorded, and of which types the events are."""
    areas: dict[str, int] = {}
    for table in tables:
        for row in table.rows:
            areas[row.area] = areas.get(row.area, 0) + row.tally.potential_count
    leading = [item for item in sorted(areas.items(), key=lambda item: (-item[1], item[0])) if item[1] > 0][:3]
    bullets = []
    if leading:
        share = f"of {thousands(total.potential_count)}"
        named = "; ".join(f"{area} ({thousands(count)})" for area, count in leading)
        bullets.append(f"Potential violations by area, most first: {named}, {share} in all.")
    if total.event_count:
        bullets.append(f"Events by type: {types_words(total.type_counts)}.")
    return bullets


def attribution_bullets(summary: AttributionSummary) -> list[str]:
    """Say for how many events a party is indicated and why the rest is undetermined."""
    if not summary.released or summary.total_count == 0:
        return []
    named = [f"{row.party} {thousands(row.event_count)}" for row in summary.rows if row.party != UNDETERMINED]
    open_count = summary.rows[-1].event_count
    words = f"Attribution: indicated {', '.join(named)}; undetermined {thousands(open_count)} of "
    words += thousands(summary.total_count)
    if summary.undetermined_reasons:
        first = summary.undetermined_reasons[0]
        words += f", most often because: {first.reason.rstrip('.')} ({thousands(first.count)})"
    return [f"{words}."]


def window_bullets(agreements: tuple[Agreement, ...], issue: Issue, clock: ReportClock) -> list[str]:
    """Name the truce windows that were in force in the period."""
    start, end = issue.periods[0].span.start, issue.periods[-1].span.end
    bullets = []
    for agreement in agreements:
        for window in agreement.windows:
            if window.span.start < end and window.span.end > start:
                since, until = clock.local(window.span.start), clock.local(window.span.end)
                bullets.append(
                    f"In force in this period: {agreement.title}, from {since:%H:%M} {since.day} {since:%B} to "
                    f"{until:%H:%M} {until.day} {until:%B}, declared by {window.declared_by}; "
                    f"accepted by the other party: {window.accepted_by_other or 'not stated'}."
                )
    return bullets or ["No agreement in the store was in force in this period."]


def coverage_bullets(coverages: tuple[Coverage, ...]) -> list[str]:
    """Say in how many hours nobody is known to have watched, and where reports named only the day."""
    hours_count = sum(len(coverage.any_states) for coverage in coverages)
    watched_count = sum(coverage.watched_count for coverage in coverages)
    not_watched_count = sum(coverage.not_watched_count for coverage in coverages)
    dark_count = hours_count - watched_count
    outages_count = sum(len(coverage.outages) for coverage in coverages)
    if dark_count > not_watched_count and any(coverage.day_titles for coverage in coverages):
        words = (
            f"Sources that name only the day reported on this period; for {dark_count - not_watched_count} of "
            f"{hours_count} hours it is not known if anybody watched."
        )
        if not_watched_count:
            words += f" In {not_watched_count} hours nobody watched: not observed, which does not mean quiet."
    elif dark_count == 0:
        words = f"Every one of the {hours_count} hours was watched by at least one source, not by every source."
    else:
        words = (
            f"In {dark_count} of {hours_count} hours no source is known to have been watching: not observed, which "
            "does not mean quiet."
        )
    return [f"{words} Outages reported: {outages_count}."]


def withheld_bullets(withheld: tuple[ReasonCount, ...], policy: ReleasePolicy) -> list[str]:
    """Say how many records are held back from this audience."""
    total_count = sum(row.count for row in withheld)
    if total_count == 0:
        return []
    reasons = "; ".join(f"{row.reason} ({thousands(row.count)})" for row in withheld)
    return [f"Held back from the {policy.audience} audience: {_events(total_count)}: {reasons}."]


def _events(count: int) -> str:
    """Write a number of events."""
    return f"{thousands(count)} event{'' if count == 1 else 's'}"
