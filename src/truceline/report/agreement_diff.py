"""Lays out which findings change between two texts, and which clause makes each change: plain text, a page."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import polars as pl

ROWS_SHOWN_MAX_COUNT = 50
"""Changes listed in plain text; the files hold all of them."""

ROWS_PAGE_MAX_COUNT = 2_000
"""Changes listed on a page."""


class DiffCounts(NamedTuple):
    """How many events were held against both texts, how many have a changed finding, and how many findings changed."""

    event_count: int
    changed_event_count: int
    change_count: int


class Diff(NamedTuple):
    """What changes between two texts: their names, the counts, changes by clause, and the changes that are listed."""

    names: tuple[str, str]
    counts: DiffCounts
    steps: pl.DataFrame
    changes: pl.DataFrame


def steps_of(changes: pl.DataFrame) -> pl.DataFrame:
    """Count changes by clause, cause and what a finding was and became, the most frequent first."""
    keys = ["provision_id", "article", "clause_stands_in", "cause", "fields", "made_by", "summary"]
    keys += ["kind_before", "kind_after"]
    counted = changes.group_by(keys).agg(
        pl.len().alias("finding_count"), pl.col("event_id").n_unique().alias("event_count")
    )
    return counted.sort("finding_count", "provision_id", "kind_before", descending=[True, False, False])


def _outcome(kind: str, probability: float | None) -> str:
    words = kind.replace("_", " ")
    return words if probability is None else f"{words} {probability:.2f}"


def _cause(row: dict[str, Any]) -> str:
    """Say why findings under a clause change, and which parts of it differ."""
    return f"{row['cause']}: {row['fields']}" if row["fields"] else str(row["cause"])


def _titles(names: tuple[str, str], counts: DiffCounts) -> Iterator[str]:
    yield f"before: {names[0]}"
    yield f"after:  {names[1]}"
    yield (
        f"{counts.change_count:,} findings change, on {counts.changed_event_count:,} of {counts.event_count:,} events"
    )


CLAUSE_HEADS = ("clause", "article", "stands", "why", "what makes it", "was", "becomes", "findings", "events")
"""Heads of the table of changes by clause."""

STANDS_PHRASES = {"before": "only before", "after": "only after", "both": "in both"}
"""In which of the two texts a clause stands, in words."""


def diff_text(diff: Diff) -> str:
    """Lay out what changes as plain lines: counts by clause, then the first changes one by one."""
    names, counts, steps, changes = diff
    lines = list(_titles(names, counts))
    if steps.height:
        lines += ["", "by clause"]
    for row in steps.iter_rows(named=True):
        was, became = row["kind_before"].replace("_", " "), row["kind_after"].replace("_", " ")
        where = f"{row['article']}; {STANDS_PHRASES[row['clause_stands_in']]}; {_cause(row)}"
        lines.append(f"  {row['finding_count']:>8,}  {was} -> {became}  {row['provision_id']} ({where})")
        lines.append(f"            {row['made_by']}: {row['summary']}")
    if changes.height:
        lines += ["", "first changes"]
    for row in changes.head(ROWS_SHOWN_MAX_COUNT).iter_rows(named=True):
        was = _outcome(row["kind_before"], row["probability_before"])
        became = _outcome(row["kind_after"], row["probability_after"])
        by = f", {row['party']}" if row["party"] else ""
        why = row["why_after"] or row["why_before"] or ""
        lines.append(f"  {row['start']:%Y-%m-%d %H:%M} {row['event_id']}: {was} -> {became}")
        lines.append(f"      {row['provision_id']}{by}" + (f": {why}" if why else ""))
    if counts.change_count > min(changes.height, ROWS_SHOWN_MAX_COUNT):
        lines.append(f"  and {counts.change_count - min(changes.height, ROWS_SHOWN_MAX_COUNT):,} more")
    return "\n".join(lines) + "\n"


STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}caption{text-align:left;font-weight:600;padding:.4em 0}"
    "th,td{border:1px solid #ccc;padding:.3em .5em;text-align:left;vertical-align:top}th{background:#f3f3f3}"
    "td.n{text-align:right}p.note{color:#555}"
)


def diff_page(diff: Diff) -> str:
    """Lay out what changes as a page that stands alone: no script, no other file."""
    names, counts, steps, changes = diff
    titles = list(_titles(names, counts))
    by_clause = [
        (
            row["provision_id"],
            row["article"],
            STANDS_PHRASES[row["clause_stands_in"]],
            _cause(row),
            f"{row['made_by']}: {row['summary']}",
            row["kind_before"].replace("_", " "),
            row["kind_after"].replace("_", " "),
            f"{row['finding_count']:,}",
            f"{row['event_count']:,}",
        )
        for row in steps.iter_rows(named=True)
    ]
    one_by_one = [
        (
            f"{row['start']:%Y-%m-%d %H:%M:%S}",
            row["event_id"],
            row["provision_id"],
            row["party"] or "",
            _outcome(row["kind_before"], row["probability_before"]),
            _outcome(row["kind_after"], row["probability_after"]),
            row["why_before"] or "",
            row["why_after"] or "",
        )
        for row in changes.head(ROWS_PAGE_MAX_COUNT).iter_rows(named=True)
    ]
    more_count = counts.change_count - len(one_by_one)
    return "".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            "<title>What changes between two texts</title>",
            f"<style>{STYLE}</style></head>\n<body><h1>What changes between two texts</h1>\n",
            "".join(f"<p>{html.escape(title)}</p>\n" for title in titles),
            '<p class="note">Findings are potential violations with a probability; people determine whether there was '
            "one.</p>\n",
            _table("By clause", CLAUSE_HEADS, by_clause),
            _table(
                "One by one (times in UTC)",
                ("time", "event", "clause", "party", "before", "after", "why before", "why after"),
                one_by_one,
            ),
            f"<p>and {more_count:,} more</p>\n" if more_count > 0 else "",
            "</body></html>\n",
        ]
    )


def _table(caption: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>"
    return f"<table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n"
