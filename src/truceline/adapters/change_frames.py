"""Turns findings that change between two texts from columns of codes into a table that says everything in words."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl

from truceline.adapters.finding_frames import KINDS, Held, party_columns, why_words
from truceline.assess.columns import NOT_TOLD_INDEX, EventColumns, Longs
from truceline.assess.compiled import Compiled
from truceline.assess.difference import Comparison
from truceline.assess.finding_columns import FindingColumns

NOTHING = "none"
"""Stands where one of the two texts says nothing of an event under a clause."""

CHANGE_SCHEMA: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "start": pl.Datetime("us", "UTC"),
    "provision_id": pl.String(),
    "article": pl.String(),
    "party": pl.String(),
    "version_by": pl.String(),
    "reading_id": pl.String(),
    "kind_before": pl.String(),
    "probability_before": pl.Float64(),
    "why_before": pl.String(),
    "kind_after": pl.String(),
    "probability_after": pl.Float64(),
    "why_after": pl.String(),
    "clause_stands_in": pl.String(),
    "cause": pl.String(),
    "fields": pl.String(),
    "made_by": pl.String(),
    "summary": pl.String(),
}
"""One row per finding that changes. `clause_stands_in` is *both*, or *before* or *after* where only one text has it;
`cause` says why it changes, `fields` which parts of the clause differ, `made_by` in which text the clause stands that
makes the difference: `article` and `summary` are that clause's."""


def frame_of_changes(found: Comparison, events: Held, *, compiled: tuple[Compiled, Compiled]) -> pl.DataFrame:
    """Give changes as a table (columns of `CHANGE_SCHEMA`), in the order of time, then of events and clauses.

    `events` are those both texts (`compiled`) were held against.
    """
    about = events.frame.select("event_id", "start", "actor", "actor_probability")[found.row]
    told = pl.DataFrame(
        [
            {
                "provision_id": one.provision_id,
                "article": one.article,
                "version_by": one.version_by,
                "reading_id": one.reading_id,
                "clause_stands_in": one.stands_in,
                "cause": one.why,
                "fields": "; ".join(one.fields) or None,
                "made_by": one.agreement_id,
                "summary": one.summary,
            }
            for one in found.clauses
        ],
        schema={name: CHANGE_SCHEMA[name] for name in CLAUSE_NAMES},
    )[found.clause]
    columns = {name: told[name] for name in CLAUSE_NAMES}
    columns |= {
        "event_id": about["event_id"],
        "start": about["start"],
        "party": party_columns(about, compiled[0].parties)[0],
    }
    both = zip(("before", "after"), found.tables, (found.before, found.after), compiled, strict=True)
    for when, table, index, texts in both:
        columns |= _of_one(when, table, index, events=(texts, events.columns))
    frame = pl.DataFrame({name: columns[name].cast(kind) for name, kind in CHANGE_SCHEMA.items()})
    return frame.sort("start", maintain_order=True)


CLAUSE_NAMES = (
    "provision_id",
    "article",
    "version_by",
    "reading_id",
    "clause_stands_in",
    "cause",
    "fields",
    "made_by",
    "summary",
)
"""Columns that are the same for every finding under one clause."""


def _of_one(
    when: str, table: FindingColumns, index: Longs, *, events: tuple[Compiled, EventColumns]
) -> dict[str, pl.Series]:
    """Give what one of the two texts says; `none` where it says nothing."""
    said = index != NOT_TOLD_INDEX
    names = FindingColumns.__struct_fields__
    picked = msgspec.structs.replace(table, **{name: getattr(table, name)[index[said]] for name in names})
    slots = np.full(len(index), len(picked), dtype=np.int64)
    slots[said] = np.arange(len(picked))
    kinds = pl.Series([KINDS[kind] for kind in picked.kind.tolist()] + [NOTHING], dtype=pl.String)
    probabilities = pl.Series(np.append(picked.probability, np.nan)).fill_nan(None)
    whys = pl.concat([why_words(events[0], picked, events[1]), pl.Series("why", [None], dtype=pl.String)])
    return {
        f"kind_{when}": kinds.gather(slots),
        f"probability_{when}": probabilities.gather(slots),
        f"why_{when}": whys.gather(slots),
    }
