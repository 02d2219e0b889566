"""The first bullets of an issue: what was recorded, compared with before, and what cannot be said."""

from __future__ import annotations

from truceline.model.agreement import Agreement
from truceline.model.released import ReleasePolicy
from truceline.report.comparison import interval_words
from truceline.report.counts import count_words, thousands
from truceline.report.period import Issue, ReportClock
from truceline.report.records import AttributionSummary, Comparison, Coverage, PeriodTable, ReasonCount, Tally
from truceline.report.tables import UNDETERMINED, types_words


def not_observed_bullets() -> list[str]:
    """Say of an issue without any data that nothing was observed, which is not the same as quiet."""
    return [
        "Not observed: no source is known to have been watching in this period and no event was recorded. "
        "This says nothing about whether it was quiet.",
    ]


def count_bullets(total: Tally, comparison: Comparison) -> list[str]:
    """Compare the issue's numbers with those of the previous reporting period."""
    signatures = count_words(total.signature_count)
    recorded = f"Recorded: {_events(total.event_count)} ({signatures} signatures observed)"
    found = f"{_events(total.potential_count)} found to be potential violations"
    before = {row.name: row for row in comparison.rows}
    if not comparison.before_observed:
        earlier = "the previous reporting period was not observed, so nothing can be compared"
        return [f"{recorded}, of which {found}; {earlier}."]
    events, potential = before["Events"], before["Potential violations (events)"]
    bullets = [
        f"{recorded}, of which {found}. In the previous reporting period: {events.before} events, of which "
        f"{potential.before} potential violations."
    ]
    if potential.difference is not None:
        bullets.append(
            f"Potential violations compared with the previous reporting period: {potential.words}; difference "
            f"{interval_words(potential.difference)}, 95 % interval in brackets."
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
                    f"{until:%H:%M} {until.day} {until:%B}, declared by {window.declared_by}."
                )
    return bullets


def coverage_bullets(coverages: tuple[Coverage, ...]) -> list[str]:
    """Say in how many hours nobody is known to have watched."""
    hours_count = sum(len(coverage.any_states) for coverage in coverages)
    watched_count = sum(coverage.watched_count for coverage in coverages)
    dark_count = hours_count - watched_count
    outages_count = sum(len(coverage.outages) for coverage in coverages)
    if dark_count == 0:
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
