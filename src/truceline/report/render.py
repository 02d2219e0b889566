"""An issue of the daily report as one HTML file, as Markdown, and as CSV tables beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from truceline.model.released import ReleasedEvent
from truceline.report.adherence_page import adherence_groups
from truceline.report.counts import count_words
from truceline.report.records import DailyReport
from truceline.report.tables import leading_kind
from truceline.report.templating import environment

EVENT_COLUMNS = (
    "event_id",
    "revision_index",
    "start_utc",
    "end_utc",
    "event_type",
    "event_type_certainty",
    "place_name",
    "place_is_region",
    "cell_latitude_deg",
    "cell_longitude_deg",
    "cell_deg",
    "signatures",
    "signatures_low_count",
    "signatures_high_count",
    "signatures_approximate",
    "finding",
    "headline",
    "indicated_party",
    "synthetic",
)
"""Columns of the table of released events."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render_html(report: DailyReport) -> str:
    """Give the issue as one HTML page that opens offline and prints."""
    windows = [window for agreement in report.agreements for window in agreement.windows]
    groups = adherence_groups(report.adherences, windows=windows, theatre=report.theatre)
    template = environment(markup=True).get_template("daily.html.j2")
    return template.render(report=report, page_title=report.title, synthetic=report.synthetic, adherence_groups=groups)


def render_markdown(report: DailyReport) -> str:
    """Give the issue as Markdown: the same numbers without the pictures."""
    return environment(markup=False).get_template("daily.md.j2").render(report=report)


def events_csv(report: DailyReport) -> str:
    """Give the released events, one row each, with times in UTC."""
    return _csv(EVENT_COLUMNS, (_event_row(report, event) for event in report.events))


def _event_row(report: DailyReport, event: ReleasedEvent) -> list[object]:
    """Lay one event out as a row."""
    count = event.signature_count
    return [
        event.event_id,
        event.revision_index,
        event.time.start.isoformat(),
        event.time.end.isoformat(),
        event.event_type,
        event.event_type_certainty,
        event.place_name or "",
        event.place_is_region,
        event.cell_latitude_deg,
        event.cell_longitude_deg,
        event.cell_deg,
        count_words(count),
        count.low_count,
        "" if count.high_count is None else count.high_count,
        count.approximate,
        leading_kind(event) or "not_assessed",
        " ".join(finding.headline for finding in event.findings),
        (event.attribution.indicated_party or "undetermined") if event.attribution else "",
        report.synthetic,
    ]


def numbers_csv(report: DailyReport) -> str:
    """Give the numbers of each day by area; area ALL is the day's total, and blank where it cannot be told."""
    head = ["day", "area", "observed", "status", "events", "potential_violations", "indeterminate", "other"]
    head += ["signatures", "signatures_low_count", "signatures_high_count"]
    head += [name.replace(" ", "_") for name in report.type_names] + ["synthetic"]
    rows: list[list[object]] = []
    for table in report.tables:
        named = [*((row.area, row.tally) for row in table.rows), ("ALL", table.total)]
        for area, tally in named:
            high = tally.signature_count.high_count
            counts = [tally.event_count, tally.potential_count, tally.indeterminate_count, tally.other_count]
            signatures: list[object] = [count_words(tally.signature_count), tally.signature_count.low_count]
            signatures += ["" if high is None else high]
            numbers: list[object] = [*counts, *signatures, *tally.type_counts]
            if not table.stated:
                numbers = [""] * len(numbers)
            day = [table.period.day.isoformat(), area, table.observed, table.status.replace(" ", "_")]
            rows.append([*day, *numbers, report.synthetic])
    return _csv(head, rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; text that a spreadsheet would read as a formula is quoted with an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_plain_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _plain_cell(value: object) -> object:
    """Keep text from being read as a formula, and write narrow spaces as none."""
    if isinstance(value, str):
        text = value.replace("\u202f", "")
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return value
