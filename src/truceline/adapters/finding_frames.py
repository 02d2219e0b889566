"""Turns findings from columns of codes into a table that says everything in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from truceline.adapters.finding_files import FINDING_SCHEMA
from truceline.assess.columns import Longs
from truceline.assess.compiled import Clause, Compiled
from truceline.assess.finding_columns import EXCEPTED_BY_CLAUSE_INDEX, FLAGS, REASONS, FindingColumns
from truceline.model.provision import Freeze

KINDS = ("compliant", "exempt", "potential_violation", "indeterminate")
"""The four kinds of findings in the order of their codes."""

CLAUSE_COLUMNS = (
    "agreement_id",
    "agreement_version",
    "version_by",
    "provision_id",
    "article",
    "definition_ids",
    "reading_id",
    "depends_on",
)
"""Columns that are the same for every finding of one compiled clause."""

EVENT_COLUMNS = ("event_id", "start", "end", "signature_count")
"""Columns that a finding takes over from its event."""


def frame_of_findings(
    compiled: Compiled, found: FindingColumns, events: pl.DataFrame, *, lacking_words: Callable[[int, int], str]
) -> pl.DataFrame:
    """Give findings as a table (columns of `FINDING_SCHEMA`), in their order.

    `events` are the events they are about (columns of `EVENT_FRAME`), `lacking_words` says in words what a set of bits
    stands for under a clause. Probabilities that were not worked out are null.
    """
    about = events.select(*EVENT_COLUMNS, "revision_index", "actor")[found.row]
    clauses = pl.DataFrame([_clause_row(clause) for clause in compiled.clauses], schema=_strings(CLAUSE_COLUMNS))
    none_row = pl.DataFrame({name: [None] for name in CLAUSE_COLUMNS}, schema=clauses.schema)
    by_clause = pl.concat([clauses, none_row])[np.where(found.clause < 0, clauses.height, found.clause)]
    columns = {name: by_clause[name] for name in CLAUSE_COLUMNS}
    columns |= {name: about[name] for name in EVENT_COLUMNS}
    columns |= {
        name: pl.Series(name, getattr(found, name)).fill_nan(None)
        for name in ("probability", "inside_probability", "time_probability", "class_probability")
    }
    columns["event_revision_index"] = about["revision_index"]
    columns["kind"] = _words(found.kind, KINDS)
    columns["party"] = pl.select(pl.when(about["actor"].is_in(list(compiled.parties))).then(about["actor"])).to_series()
    columns["window_id"] = _windows(compiled, found)
    exemption_ids = [one.provision.provision_id for one in compiled.exemptions]
    by_clause_itself = pl.Series(found.exemption == EXCEPTED_BY_CLAUSE_INDEX)
    notification_ids = [one.notification_id for one in compiled.register.notifications]
    own = pl.select(pl.when(by_clause_itself).then(columns["provision_id"]))
    columns["exemption_id"] = _words(found.exemption, exemption_ids).fill_null(own.to_series())
    columns["notification_id"] = _words(found.notification, notification_ids)
    columns["flags"] = _flags(compiled, found)
    columns["why"] = _why(found, lacking_words)
    columns["disputed"] = pl.Series(found.disputed)
    columns["subject"] = pl.repeat("event", len(found), eager=True)
    held_in = [compiled.stacks[clause.version_index].version_by for clause in compiled.clauses]
    columns["finding_id"] = _names(columns, _words(found.clause, held_in))
    return pl.DataFrame({name: columns[name].cast(kind) for name, kind in FINDING_SCHEMA.items()})


def _strings(names: Sequence[str]) -> dict[str, pl.DataType]:
    return {name: pl.String() for name in names}


def _clause_row(clause: Clause) -> dict[str, str | None]:
    provision = clause.provision
    zone_ids = (provision.line_id,) if isinstance(provision, Freeze) else provision.zone_ids
    rests_on = [*zone_ids, *([provision.stage_id] if provision.stage_id else [])]
    return {
        "agreement_id": clause.layer.agreement_id,
        "agreement_version": clause.layer.version,
        "version_by": clause.layer.version_by,
        "provision_id": provision.provision_id,
        "article": provision.article,
        "definition_ids": "; ".join(provision.definition_ids) or None,
        "reading_id": clause.reading_id,
        "depends_on": "; ".join(rests_on) or None,
    }


def _words(codes: Longs, words: Sequence[str | None]) -> pl.Series:
    """Give the word of each code, null below 0."""
    table = pl.Series("words", [*words, None], dtype=pl.String)
    return table.gather(np.where(codes < 0, len(words), codes))


def _by_distinct(codes: Longs, word_of: Callable[[int], str | None]) -> pl.Series:
    """Give a word for each code, asking once for each distinct one."""
    distinct, places = np.unique(codes, return_inverse=True)
    return pl.Series("words", [word_of(int(code)) for code in distinct], dtype=pl.String).gather(places)


def _flags(compiled: Compiled, found: FindingColumns) -> pl.Series:
    raised = _by_distinct(
        found.flags, lambda bits: "; ".join(flag for index, flag in enumerate(FLAGS) if bits >> index & 1) or None
    )
    watched = _by_distinct(
        found.watchers,
        lambda bits: (
            "; ".join(dict.fromkeys(one.flag for index, one in enumerate(compiled.watchers) if bits >> index & 1))
            or None
        ),
    )
    return pl.select(pl.concat_str(raised, watched, separator="; ", ignore_nulls=True).replace("", None)).to_series()


def _why(found: FindingColumns, lacking_words: Callable[[int, int], str]) -> pl.Series:
    """Say what is lacking where something is, and else the reason."""
    pairs = np.stack([found.clause, found.lacking])
    distinct, places = np.unique(pairs, axis=1, return_inverse=True)
    texts = [lacking_words(int(clause), int(bits)) if bits else None for clause, bits in distinct.T]
    lacking = pl.Series("lacking", texts, dtype=pl.String).gather(places.reshape(-1))
    reason = _words(found.reason, REASONS)
    untold = pl.Series("untold", found.kind == KINDS.index("indeterminate"))
    return pl.select(pl.when(untold).then(lacking).otherwise(reason.replace("", None))).to_series()


def _windows(compiled: Compiled, found: FindingColumns) -> pl.Series:
    """Give the declared window that a finding lies in: of the windows of its clause, the one of that number."""
    pairs = np.stack([found.clause, found.window])
    distinct, places = np.unique(pairs, axis=1, return_inverse=True)
    texts = [_window_of(compiled, int(clause), int(window)) for clause, window in distinct.T]
    return pl.Series("window_id", texts, dtype=pl.String).gather(places.reshape(-1))


def _window_of(compiled: Compiled, clause: int, window: int) -> str | None:
    if clause < 0 or window < 0:
        return None
    return sorted(compiled.clauses[clause].cases[0].force.windows)[window][0]


def _names(columns: dict[str, pl.Series], held_in: pl.Series) -> pl.Series:
    """Name each finding by what it is about: event and revision, text, version and party, clause and reading.

    `held_in` is in whose version of the texts above it a clause was held, where these have versions.
    """
    parts = {
        name: columns[name].cast(pl.String)
        for name in (
            "event_id",
            "event_revision_index",
            "agreement_id",
            "agreement_version",
            "provision_id",
            "reading_id",
        )
    }
    parts["held_in"] = held_in
    return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator="/", ignore_nulls=True))["event_id"]
