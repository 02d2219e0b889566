"""Reports behind events: who cites whom, and which row stands for an occurrence that several reports tell of.

In an event table with a column `report_id` each row is one report on the occurrence `event_id`. Of a lineage (a report
and those that cite it, or cite what it cites) only the original counts; of several independent reports on one
occurrence the surest in place stands for it. Events of a store are already made of their reports, with the signatures
in them counted observer by observer.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from truceline.assess.counts import SourcedReport, without_copies
from truceline.errors import InputUnusable
from truceline.model.quantity import exactly

REPORTS_MAX_COUNT = 1_000_000
"""Reports whose lineage is looked through at once."""


def reports_of_rows(frame: pl.DataFrame) -> list[SourcedReport]:
    """Give the report that each row of an event table is; `cites` names others, apart by `;`."""
    if frame.height > REPORTS_MAX_COUNT:
        raise InputUnusable(f"{frame.height:,} reports in one table, the limit is {REPORTS_MAX_COUNT:,}")
    columns = ("event_id", "report_id", "source", "cites", "signature_count")
    return [
        SourcedReport(
            report_id=report_id if report_id is not None else event_id,
            source_id=source or "",
            event_id=event_id,
            signature_count=exactly(signature_count),
            cites_ids=_ids(cites),
        )
        for event_id, report_id, source, cites, signature_count in frame.select(columns).iter_rows()
    ]


def _ids(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (entry.strip() for entry in (text or "").split(";")) if part)


def standing_rows(frame: pl.DataFrame, reports: Sequence[SourcedReport]) -> tuple[list[int], dict[int, str]]:
    """Give the rows that stand for the occurrences, in order; and of each copy which report it is a copy of.

    `reports` go with the rows one by one. An occurrence that only copies tell of is one that others tell of already.
    """
    original_ids = {one.report_id for one in without_copies(reports)}
    variance = frame["covariance_east_m2"] + frame["covariance_north_m2"]
    best: dict[str, tuple[float, str, int]] = {}
    copies: dict[int, str] = {}
    for index, (report, variance_m2) in enumerate(zip(reports, variance.to_list(), strict=True)):
        if report.report_id not in original_ids:
            copies[index] = ", ".join(report.cites_ids) or report.report_id
            continue
        surest = (float(variance_m2), report.report_id, index)
        best[report.event_id] = min(best.get(report.event_id, surest), surest)
    return sorted(index for _, _, index in best.values()), copies
