"""Which findings change between two texts, and which clause makes each change: columns, plain text, a page."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

CHANGE_LEAST_PROBABILITY = 0.005
"""Smallest change of a probability that is listed: half of the second digit that is shown."""

ROWS_SHOWN_MAX_COUNT = 50
"""Changes listed in plain text; the files hold all of them."""

ROWS_PAGE_MAX_COUNT = 2_000
"""Changes listed on a page."""

NOTHING = "none"
"""Stands where one of the two texts has no clause that touches the event."""

QUIET_KINDS = (NOTHING, "compliant")
"""Kinds of finding that ask for nothing: a change from one to the other is none."""

CLAUSE_KEYS = ("event_id", "provision_id", "party", "reading_id")
"""By what a finding under one text is set beside that under the other."""

CHANGE_SCHEMA: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "start": pl.Datetime("us", "UTC"),
    "provision_id": pl.String(),
    "article": pl.String(),
    "party": pl.String(),
    "reading_id": pl.String(),
    "kind_before": pl.String(),
    "probability_before": pl.Float64(),
    "why_before": pl.String(),
    "kind_after": pl.String(),
    "probability_after": pl.Float64(),
    "why_after": pl.String(),
    "clause_stands_in": pl.String(),
}
"""One row per finding that changes. `clause_stands_in` is *both*, or *before* or *after* where only one text has it."""

MOMENTS = ("before", "after")
"""The two texts: the one that findings are compared from, and the one they are compared with."""


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


def changes_of(
    before: pl.DataFrame, after: pl.DataFrame, clauses: tuple[dict[str, str], dict[str, str]]
) -> pl.DataFrame:
    """Give the findings that change from one text to another, in the order of time.

    Both frames have `event_id`, `start`, `provision_id`, `party`, `reading_id`, `kind`, `probability` and `why`.
    `clauses` give each text's provision ids with their articles.
    """
    joined = _named(before, "before").join(
        _named(after, "after"), on=list(CLAUSE_KEYS), how="full", coalesce=True, nulls_equal=True
    )
    kinds = [pl.col(f"kind_{when}").fill_null(NOTHING) for when in MOMENTS]
    step = (pl.col("probability_before").fill_null(0.0) - pl.col("probability_after").fill_null(0.0)).abs()
    quiet = kinds[0].is_in(QUIET_KINDS) & kinds[1].is_in(QUIET_KINDS)
    changed = joined.filter(~quiet & ((kinds[0] != kinds[1]) | (step >= CHANGE_LEAST_PROBABILITY)))
    articles = clauses[0] | clauses[1]
    stands = {
        name: "both" if name in clauses[0] and name in clauses[1] else ("before" if name in clauses[0] else "after")
        for name in articles
    }
    completed = changed.with_columns(
        start=pl.coalesce("start_before", "start_after"),
        article=pl.col("provision_id").replace_strict(articles, default=None, return_dtype=pl.String),
        clause_stands_in=pl.col("provision_id").replace_strict(stands, default=None, return_dtype=pl.String),
        kind_before=kinds[0],
        kind_after=kinds[1],
    )
    columns = [pl.col(name).cast(kind) for name, kind in CHANGE_SCHEMA.items()]
    return completed.select(columns).sort("start", *CLAUSE_KEYS, nulls_last=True)


def _named(findings: pl.DataFrame, when: str) -> pl.DataFrame:
    """Give one text's findings under names of their own; of several for one clause the gravest counts."""
    gravity = pl.col("kind").replace_strict(
        {"potential_violation": 3, "indeterminate": 2, "exempt": 1}, default=0, return_dtype=pl.Int64
    )
    ordered = findings.sort(gravity, "probability", descending=True, nulls_last=True)
    one_each = ordered.unique(list(CLAUSE_KEYS), keep="first", maintain_order=True)
    return one_each.select(
        *CLAUSE_KEYS, *(pl.col(name).alias(f"{name}_{when}") for name in ("start", "kind", "probability", "why"))
    )


def steps_of(changes: pl.DataFrame) -> pl.DataFrame:
    """Count changes by clause and by what a finding was and became, the most frequent first."""
    keys = ["provision_id", "article", "clause_stands_in", "kind_before", "kind_after"]
    counted = changes.group_by(keys).agg(
        pl.len().alias("finding_count"), pl.col("event_id").n_unique().alias("event_count")
    )
    return counted.sort("finding_count", "provision_id", "kind_before", descending=[True, False, False])


def _outcome(kind: str, probability: float | None) -> str:
    words = kind.replace("_", " ")
    return words if probability is None else f"{words} {probability:.2f}"


def _titles(names: tuple[str, str], counts: DiffCounts) -> Iterator[str]:
    yield f"before: {names[0]}"
    yield f"after:  {names[1]}"
    yield (
        f"{counts.change_count:,} findings change, on {counts.changed_event_count:,} of {counts.event_count:,} events"
    )


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
        where = f"{row['article']}; {STANDS_PHRASES[row['clause_stands_in']]}"
        lines.append(f"  {row['finding_count']:>8,}  {was} -> {became}  {row['provision_id']} ({where})")
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
            _table("By clause", ("clause", "article", "stands", "was", "becomes", "findings", "events"), by_clause),
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
