"""Turns findings from columns of codes into a table that says everything in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from truceline.adapters.finding_files import FINDING_SCHEMA
from truceline.assess.columns import NOT_TOLD_INDEX, EventColumns, Longs
from truceline.assess.compiled import Clause, Compiled
from truceline.assess.disputes import clause_groups
from truceline.assess.finding_columns import EXCEPTED_BY_CLAUSE_INDEX, FLAGS, REASONS, FindingColumns
from truceline.assess.wording import rests_on, words_of_lacking
from truceline.model.finding import Finding, Indeterminate
from truceline.model.quantity import TimeSpan
from truceline.model.register import Register

KINDS = ("compliant", "exempt", "potential_violation", "indeterminate")
"""The four kinds of findings in the order of their codes."""

CLAUSE_COLUMNS = (
    "agreement_id",
    "agreement_version",
    "text_sha256",
    "version_by",
    "provision_id",
    "article",
    "definition_ids",
    "reading_id",
)
"""Columns that are the same for every finding of one compiled clause."""

EVENT_COLUMNS = ("event_id", "start", "end", "signature_count")
"""Columns that a finding takes over from its event."""


TextName = tuple[str, str, str | None]
"""A text by its id, its version and whose version it is."""


class Held(NamedTuple):
    """Events as they were read (columns of `EVENT_FRAME`) and as they were held against texts."""

    frame: pl.DataFrame
    columns: EventColumns


def frame_of_findings(
    compiled: Compiled, found: FindingColumns, events: Held, *, sha256s: Mapping[TextName, str]
) -> pl.DataFrame:
    """Give findings as a table (columns of `FINDING_SCHEMA`), in their order.

    `events` are the events they are about, `sha256s` names each text's file by its hash. Probabilities that
    were not worked out are null.
    """
    about = events.frame.select(*EVENT_COLUMNS, "revision_index", "actor", "actor_probability")[found.row]
    clauses = pl.DataFrame(
        [_clause_row(clause, sha256s) for clause in compiled.clauses], schema=_strings(CLAUSE_COLUMNS)
    )
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
    columns["party"], columns["party_probability"] = party_columns(about, compiled.parties)
    columns["window_id"] = _windows(compiled, found)
    exemption_ids = [one.provision.provision_id for one in compiled.exemptions]
    by_clause_itself = pl.Series(found.exemption == EXCEPTED_BY_CLAUSE_INDEX)
    notification_ids = [one.notification_id for one in compiled.register.notifications]
    own = pl.select(pl.when(by_clause_itself).then(columns["provision_id"]))
    columns["exemption_id"] = _words(found.exemption, exemption_ids).fill_null(own.to_series())
    columns["notification_id"] = _words(found.notification, notification_ids)
    columns["depends_on"] = _depends_on(compiled, found)
    columns["flags"] = _flags(compiled, found)
    columns["why"] = why_words(compiled, found, events.columns)
    columns["disputed"] = pl.Series(found.disputed)
    columns["subject"] = pl.repeat("event", len(found), eager=True)
    held_in = [compiled.stacks[clause.version_index].version_by for clause in compiled.clauses]
    columns["finding_id"] = _names(columns, _words(found.clause, held_in))
    columns["differs_from_ids"] = _differs_from(compiled, found, columns["finding_id"])
    return pl.DataFrame({name: columns[name].cast(kind) for name, kind in FINDING_SCHEMA.items()})


def party_columns(about: pl.DataFrame, parties: tuple[str, str]) -> tuple[pl.Series, pl.Series]:
    """Give the party whose conduct an event is said to be, and how probably; null where nobody or a third is named."""
    is_party = about["actor"].is_in(list(parties)).fill_null(value=False)
    named = pl.select(pl.when(is_party).then(about["actor"])).to_series()
    return named, pl.select(pl.when(is_party).then(about["actor_probability"])).to_series()


def _differs_from(compiled: Compiled, found: FindingColumns, finding_ids: pl.Series) -> pl.Series:
    """Name for each disputed finding those of other versions or readings of its clause that are of another kind."""
    group_of = np.full(len(compiled.clauses) + 1, -1, dtype=np.int64)
    for number, members in enumerate(clause_groups(compiled)):
        group_of[[one for one in members if one >= 0]] = number
    rows = np.flatnonzero(found.disputed)
    mine = pl.DataFrame(
        {
            "at": rows,
            "row": found.row[rows],
            "group": group_of[found.clause[rows]],
            "kind": found.kind[rows],
            "id": finding_ids.gather(rows),
        }
    )
    rivals = mine.join(mine, on=["row", "group"], how="left", suffix="_other", maintain_order="left_right")
    rivals = rivals.filter(pl.col("kind") != pl.col("kind_other"))
    joined = rivals.group_by("at").agg(pl.col("id_other").str.join("; "))
    places = pl.DataFrame({"at": np.arange(len(found))})
    return places.join(joined, on="at", how="left", maintain_order="left")["id_other"]


def _strings(names: Sequence[str]) -> dict[str, pl.DataType]:
    return {name: pl.String() for name in names}


def _clause_row(clause: Clause, sha256s: Mapping[TextName, str]) -> dict[str, str | None]:
    provision = clause.provision
    layer = clause.layer
    return {
        "text_sha256": sha256s.get((layer.agreement_id, layer.version, layer.version_by)),
        "agreement_id": clause.layer.agreement_id,
        "agreement_version": clause.layer.version,
        "version_by": clause.layer.version_by,
        "provision_id": provision.provision_id,
        "article": provision.article,
        "definition_ids": "; ".join(provision.definition_ids) or None,
        "reading_id": clause.reading_id,
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


def why_words(compiled: Compiled, found: FindingColumns, columns: EventColumns) -> pl.Series:
    """Say what is lacking where something is (of the act: what the event itself says is lacking), and else the reason.

    Each distinct combination is put in words once.
    """
    codes = np.stack([found.clause, found.lacking, columns.lacking[found.row], found.permission])
    distinct, places = np.unique(codes, axis=1, return_inverse=True)
    texts = [_lacking(compiled, columns, tuple(column.tolist())) for column in distinct.T]
    lacking = pl.Series("lacking", texts, dtype=pl.String).gather(places.reshape(-1))
    reason = _words(found.reason, REASONS)
    untold = pl.Series("untold", found.kind == KINDS.index("indeterminate"))
    return pl.select(pl.when(untold).then(lacking).otherwise(reason.replace("", None))).to_series()


def _lacking(compiled: Compiled, columns: EventColumns, codes: tuple[int, ...]) -> str | None:
    clause, bits, act, permission = codes
    if not bits:
        return None
    own = columns.lackings[act] if act != NOT_TOLD_INDEX else ""
    words = words_of_lacking(compiled, compiled.clauses[clause], bits, act=own, permission_index=permission)
    return "; ".join(dict.fromkeys(words))


def _depends_on(compiled: Compiled, found: FindingColumns) -> pl.Series:
    """Name what each finding rests on; each distinct combination is put in words once."""
    codes = np.stack([found.clause, found.notification, found.permission, found.watchers])
    distinct, places = np.unique(codes, axis=1, return_inverse=True)
    texts = [_rests_on(compiled, *(int(code) for code in column)) for column in distinct.T]
    return pl.Series("depends_on", texts, dtype=pl.String).gather(places.reshape(-1))


def _rests_on(compiled: Compiled, clause: int, notification: int, permission: int, watchers: int) -> str | None:
    if clause == NOT_TOLD_INDEX:
        return None
    names = rests_on(
        compiled,
        compiled.clauses[clause],
        notification_index=notification,
        permission_index=permission,
        watcher_bits=watchers,
    )
    return "; ".join(dict.fromkeys(names)) or None


def frame_of_records(
    compiled: Compiled, findings: Sequence[Finding], *, sha256s: Mapping[TextName, str]
) -> pl.DataFrame:
    """Give findings about what people entered as a table (columns of `FINDING_SCHEMA`), in their order.

    `start` and `end` are those of the entry; a flag with a number stands as `kind=number`.
    """
    articles = {provision.provision_id: provision.article for _, provision in compiled.provisions}
    spans = _entry_spans(compiled.register)
    rows = [_record_row(finding, articles, spans.get(finding.event_id), sha256s=sha256s) for finding in findings]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA)


def _entry_spans(register: Register) -> dict[str, TimeSpan]:
    """Give when what people entered was so, by the id of each entry that a finding can be about."""
    checks = {one.check_id: TimeSpan(start=one.check_time, end=one.check_time) for one in register.inventory_checks}
    steps = {one.step_id: TimeSpan(start=one.step_time, end=one.step_time) for one in register.response_steps}
    return {**checks, **{one.count_id: one.span for one in register.ceiling_counts}, **steps}


def _record_row(
    finding: Finding, articles: Mapping[str, str], span: TimeSpan | None, *, sha256s: Mapping[TextName, str]
) -> dict[str, Any]:
    common: dict[str, Any] = {
        name: getattr(finding, name) for name in FINDING_SCHEMA if name in finding.__struct_fields__
    }
    lists = {name: "; ".join(getattr(finding, name)) or None for name in ("definition_ids", "depends_on")}
    flags = [one.kind if one.count is None else f"{one.kind}={one.count:g}" for one in finding.flags]
    texts = [one.text for one in finding.flags if one.text]
    why = "; ".join(finding.lacking) if isinstance(finding, Indeterminate) else getattr(finding, "reason", None)
    return common | {
        **lists,
        "kind": str(finding.__struct_config__.tag),
        "start": None if span is None else span.start,
        "end": None if span is None else span.end,
        "text_sha256": sha256s.get((finding.agreement_id, finding.agreement_version, finding.version_by)),
        "article": articles.get(finding.provision_id or ""),
        "party_probability": None if finding.party is None else 1.0,
        "differs_from_ids": "; ".join(finding.differs_from_ids) or None,
        "flags": "; ".join(flags) or None,
        "why": "; ".join([*([why] if why else []), *texts]) or None,
    }


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
