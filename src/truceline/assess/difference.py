"""What if: which findings change between two texts, versions or layers, and which clause makes the difference."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import NOT_TOLD_INDEX, EventColumns
from truceline.assess.compiled import Compiled
from truceline.assess.finding_columns import COMPLIANT, EXEMPT, INDETERMINATE, POTENTIAL, REASONS, FindingColumns
from truceline.assess.wording import Wording

CHANGE_LEAST_PROBABILITY = 0.01
"""Two probabilities that differ by less are called the same."""

KIND_WORDS = {
    COMPLIANT: "compliant",
    EXEMPT: "exempt",
    POTENTIAL: "potential_violation",
    INDETERMINATE: "indeterminate",
}

Why = Literal["clause added", "clause left out", "clause changed", "what it rests on changed"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one stack says of an event under a clause; the probability is there where the kind has one."""

    kind: str
    probability: float | None = None
    reason: str = ""
    lacking: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One finding that changes; the clause named is the one that makes the difference.

    `before` or `after` is `None` where that stack has no such clause for the event. `fields` are the parts of the
    clause that differ, where both stacks have it.
    """

    event_id: str
    revision_index: int
    provision_id: str
    version_by: str | None
    reading_id: str | None
    before: Verdict | None
    after: Verdict | None
    agreement_id: str
    article: str
    summary: str
    why: Why
    fields: tuple[str, ...] = ()


_Key = tuple[int, str, str | None, str | None]


def difference(columns: EventColumns, before: Assessor, after: Assessor) -> list[Change]:
    """Give every finding that changes, in the order of events and clauses; what stays the same is left out.

    A clause that one of the stacks lacks, and under which the event is in keeping, changes nothing and is left out too.
    Both stacks have to bind the same two parties.
    """
    old, new = _verdicts(columns, before), _verdicts(columns, after)
    changes = [
        _change(columns, key, (old.get(key), new.get(key)), (before.compiled, after.compiled))
        for key in dict.fromkeys([*old, *new])
        if _differ(old.get(key), new.get(key))
    ]
    return sorted(changes, key=lambda one: (one.event_id, one.revision_index, one.provision_id, one.version_by or ""))


def _differ(before: Verdict | None, after: Verdict | None) -> bool:
    kinds = [KIND_WORDS[COMPLIANT] if one is None else one.kind for one in (before, after)]
    if kinds[0] != kinds[1]:
        return True
    both = [0.0 if one is None or one.probability is None else one.probability for one in (before, after)]
    return abs(both[0] - both[1]) >= CHANGE_LEAST_PROBABILITY


def _verdicts(columns: EventColumns, assessor: Assessor) -> dict[_Key, Verdict]:
    """Give what a stack says, by event, clause, version and reading."""
    compiled = assessor.compiled
    table: FindingColumns = assessor.assess(columns)
    wording = Wording(compiled, columns)
    verdicts: dict[_Key, Verdict] = {}
    for index in range(len(table)):
        clause_index = int(table.clause[index])
        if clause_index == NOT_TOLD_INDEX:
            continue
        clause = compiled.clauses[clause_index]
        version_by = compiled.stacks[clause.version_index].version_by
        kind = int(table.kind[index])
        verdicts[int(table.row[index]), clause.provision.provision_id, version_by, clause.reading_id] = Verdict(
            kind=KIND_WORDS[kind],
            probability=float(table.probability[index]) if kind == POTENTIAL else None,
            reason=REASONS[int(table.reason[index])],
            lacking=tuple(wording.lacking(table, index)) if kind == INDETERMINATE else (),
        )
    return verdicts


def _change(
    columns: EventColumns,
    key: _Key,
    verdicts: tuple[Verdict | None, Verdict | None],
    stacks: tuple[Compiled, Compiled],
) -> Change:
    """Say what changed for an event under a clause, and why."""
    row, provision_id, version_by, reading_id = key
    clauses = [
        next((one for one in stack.clauses if one.provision.provision_id == provision_id), None) for stack in stacks
    ]
    named = clauses[1] if clauses[1] is not None else clauses[0]
    assert named is not None, "a finding has a clause"
    why, fields = _why(clauses[0] and clauses[0].provision, clauses[1] and clauses[1].provision)
    replacing = _replacing(stacks, provision_id) if why == "what it rests on changed" else None
    article, summary, agreement_id = named.provision.article, named.provision.summary, named.layer.agreement_id
    if replacing is not None:
        agreement_id, article, summary = replacing
    return Change(
        event_id=columns.event_ids[row] if columns.event_ids else f"row-{row}",
        revision_index=columns.revision_index[row] if columns.revision_index else 0,
        provision_id=provision_id,
        version_by=version_by,
        reading_id=reading_id,
        before=verdicts[0],
        after=verdicts[1],
        agreement_id=agreement_id,
        article=article,
        summary=summary,
        why=why,
        fields=fields,
    )


def _why(before: msgspec.Struct | None, after: msgspec.Struct | None) -> tuple[Why, tuple[str, ...]]:
    if before is None:
        return "clause added", ()
    if after is None:
        return "clause left out", ()
    if type(before) is not type(after):
        return "clause changed", ("kind",)
    fields = tuple(name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name))
    return ("clause changed", fields) if fields else ("what it rests on changed", ())


def _replacing(stacks: tuple[Compiled, Compiled], provision_id: str) -> tuple[str, str, str] | None:
    """Give text, article and summary of a clause that replaces or excepts another and that only one stack has."""
    found: list[dict[str, tuple[str, str, str]]] = []
    for compiled in stacks:
        by_id: dict[str, tuple[str, str, str]] = {}
        for layer, provision in compiled.provisions:
            excepted = getattr(provision, "excepts_provision_ids", ())
            if provision_id in provision.replaces_provision_ids or provision_id in excepted:
                by_id[provision.provision_id] = (layer.agreement_id, provision.article, provision.summary)
        found.append(by_id)
    only = set(found[0]) ^ set(found[1])
    return next(((found[0] | found[1])[name] for name in sorted(only)), None)
