"""Two counts side by side: what was observed, as OSCE's monitors count, and how many occurrences that was.

A shell that a camera sees leave, fly and land is three signatures and one event. Copies of one report are one report:
a row that cites another, or cites what another cites, adds neither a signature nor an event.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from truceline.model.quantity import Count


class SourcedReport(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a report on an occurrence: how many signatures it tells of, and which reports it cites.

    `event_id` is the occurrence it was joined to; observers of one occurrence saw the same signatures.
    """

    report_id: str
    source_id: str
    event_id: str
    signature_count: Count
    cites_ids: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The two counts; copies that added nothing are said apart."""

    signature_count: Count
    event_count: int
    copy_count: int = 0


def counts_of_reports(reports: Sequence[SourcedReport]) -> Counts:
    """Count what reports tell of: of reports that cite each other only the original, per event the fullest observer.

    What one observer (`source_id`) counted of an occurrence is added up: a flash, a flight and an impact are three.
    Independent observers of one occurrence see the same signatures, so of their sums the largest stands.
    """
    originals = without_copies(reports)
    of_event: dict[str, dict[str, list[Count]]] = {}
    for report in originals:
        of_event.setdefault(report.event_id, {}).setdefault(report.source_id, []).append(report.signature_count)
    sums = [[added(counts) for counts in observers.values()] for observers in of_event.values()]
    fullest = [max(some, key=lambda one: (one.low_count, one.high_count or one.low_count)) for some in sums]
    return Counts(
        signature_count=added(fullest),
        event_count=len(of_event),
        copy_count=len(reports) - len(originals),
    )


def without_copies(reports: Sequence[SourcedReport]) -> list[SourcedReport]:
    """Give one report for each lineage: the one that cites none of the others; the smallest id where several do not.

    Reports belong to one lineage where one cites another, or both cite the same, whether or not that one is here.
    """
    group = {name: name for report in reports for name in (report.report_id, *report.cites_ids)}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for report in reports:
        for cited in report.cites_ids:
            first, second = sorted((root(report.report_id), root(cited)))
            group[second] = first
    lineages: dict[str, list[SourcedReport]] = {}
    for report in reports:
        lineages.setdefault(root(report.report_id), []).append(report)
    return [min(one, key=lambda report: (_cites_any(report, one), report.report_id)) for one in lineages.values()]


def _cites_any(report: SourcedReport, lineage: Sequence[SourcedReport]) -> bool:
    return bool({one.report_id for one in lineage} & set(report.cites_ids))


def added(counts: Sequence[Count]) -> Count:
    """Add counts as intervals: without an upper limit where one has none."""
    highs = [one.high_count for one in counts]
    known = [high for high in highs if high is not None]
    low = sum(one.low_count for one in counts)
    return Count(
        low_count=low,
        high_count=sum(known) if len(known) == len(highs) else None,
        approximate=any(one.approximate for one in counts),
        text=f"{low:g}",
    )
