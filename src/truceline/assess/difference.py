"""What if: which findings change between two texts, versions or layers, and which clause makes the difference.

Both are held against the same columns; findings about one event under one clause are set beside each other. Where both
hold several parties' versions, version stands beside version; otherwise one party's version may be compared with the
other's.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
import numpy as np

from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import NOT_TOLD_INDEX, EventColumns, Floats, Longs
from truceline.assess.compiled import Clause, Compiled
from truceline.assess.finding_columns import COMPLIANT, EXEMPT, INDETERMINATE, POTENTIAL, REASONS, FindingColumns
from truceline.assess.wording import Wording

CHANGE_LEAST_PROBABILITY = 0.005
"""Smallest change of a probability that is one: half of the second digit that is shown."""

KIND_WORDS = {
    COMPLIANT: "compliant",
    EXEMPT: "exempt",
    POTENTIAL: "potential_violation",
    INDETERMINATE: "indeterminate",
}

GRAVITY = np.array([0, 1, 3, 2], dtype=np.int64)
"""By kind of finding: of several about one event under one clause the gravest counts."""

Why = Literal["clause added", "clause left out", "clause changed", "what it rests on changed"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one stack says of an event under a clause; the probability is there where the kind has one."""

    kind: str
    probability: float | None = None
    reason: str = ""
    lacking: tuple[str, ...] = ()


class ClauseChange(msgspec.Struct, frozen=True, kw_only=True):
    """Why findings under a clause change: the clause that makes the difference, and what of it differs.

    `agreement_id`, `article` and `summary` are of the clause that makes it: of the clause itself, or of one that
    replaces or excepts it and that only one of the two has. `fields` are the parts of the clause that differ, where
    both have it. `stands_in` says which of the two texts have the clause at all.
    """

    provision_id: str
    version_by: str | None
    reading_id: str | None
    agreement_id: str
    article: str
    summary: str
    why: Why
    stands_in: Literal["before", "after", "both"]
    fields: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One finding that changes; `before` or `after` is `None` where that stack says nothing of it under the clause."""

    event_id: str
    revision_index: int
    clause: ClauseChange
    before: Verdict | None
    after: Verdict | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Findings that change, as columns [K] in the order of events and then of clauses.

    `row` is the event's number, `clause` indexes `clauses`; `before` and `after` are rows of the two tables of
    findings, or -1 where that one says nothing.
    """

    tables: tuple[FindingColumns, FindingColumns]
    clauses: tuple[ClauseChange, ...]
    row: Longs
    clause: Longs
    before: Longs
    after: Longs

    def __len__(self) -> int:
        """Give the number of findings that change."""
        return len(self.row)


class _Key(NamedTuple):
    """By what a finding of one stack is set beside that of the other; `version_by` where both have several."""

    provision_id: str
    version_by: str
    reading_id: str


class Comparer:
    """Two sets of texts made ready to be held against the same events; both bind the same two parties."""

    def __init__(self, before: Assessor, after: Assessor) -> None:
        """Take both in and say of every clause of either why findings under it would change."""
        self.assessors = (before, after)
        compiled = (before.compiled, after.compiled)
        several = all(len(one.stacks) > 1 for one in compiled)
        keys = [[_key(one, clause, several=several) for clause in one.clauses] for one in compiled]
        ordered = sorted({*keys[0], *keys[1]})
        number = {key: index for index, key in enumerate(ordered)}
        self._codes = [np.array([number[key] for key in own], dtype=np.int64) for own in keys]
        self.clauses = tuple(_clause_change(key, compiled) for key in ordered)

    def compare(self, columns: EventColumns) -> Comparison:
        """Give every finding about some events that changes; what stays the same is left out.

        A clause that one of the two lacks, and under which the event is in keeping, changes nothing and is left out.
        """
        tables = (self.assessors[0].assess(columns), self.assessors[1].assess(columns))
        count = max(len(self.clauses), 1)
        picked = [_gravest(table, codes, count) for table, codes in zip(tables, self._codes, strict=True)]
        pairs = np.union1d(picked[0].pairs, picked[1].pairs)
        before, after = (one.at(pairs) for one in picked)
        sides = [_side(table, index) for table, index in zip(tables, (before, after), strict=True)]
        step = np.abs(sides[0][1] - sides[1][1])
        changed = (sides[0][0] != sides[1][0]) | (step >= CHANGE_LEAST_PROBABILITY)
        return Comparison(
            tables=tables,
            clauses=self.clauses,
            row=pairs[changed] // count,
            clause=pairs[changed] % count,
            before=before[changed],
            after=after[changed],
        )


class _Picked(NamedTuple):
    """Of one table: pairs of event and clause (one number each, rising), and the gravest finding of each."""

    pairs: Longs
    chosen: Longs

    def at(self, pairs: Longs) -> Longs:
        """Give the finding of each pair, -1 for none."""
        if len(self.pairs) == 0:
            return np.full(len(pairs), NOT_TOLD_INDEX, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        return np.where(self.pairs[place] == pairs, self.chosen[place], NOT_TOLD_INDEX)


def _key(compiled: Compiled, clause: Clause, *, several: bool) -> _Key:
    version_by = compiled.stacks[clause.version_index].version_by if several else None
    return _Key(clause.provision.provision_id, version_by or "", clause.reading_id or "")


def _gravest(table: FindingColumns, codes: Longs, count: int) -> _Picked:
    """Give for each event and clause its gravest finding; rows that no clause speaks of are left out."""
    spoken = np.flatnonzero(table.clause != NOT_TOLD_INDEX)
    pairs = table.row[spoken] * count + codes[table.clause[spoken]]
    probability = np.nan_to_num(table.probability[spoken])
    order = np.lexsort((-probability, -GRAVITY[table.kind[spoken]], pairs))
    distinct, first = np.unique(pairs[order], return_index=True)
    return _Picked(distinct, spoken[order[first]])


def _side(table: FindingColumns, index: Longs) -> tuple[Longs, Floats]:
    """Give kind and probability of findings; nothing said is in keeping, with probability 0."""
    said = index != NOT_TOLD_INDEX
    kind = np.full(len(index), COMPLIANT, dtype=np.int64)
    probability = np.zeros(len(index))
    kind[said] = table.kind[index[said]]
    probability[said] = np.nan_to_num(table.probability[index[said]])
    return kind, probability


def difference(columns: EventColumns, before: Assessor, after: Assessor) -> list[Change]:
    """Give every finding that changes as a record, in the order of events and clauses."""
    found = Comparer(before, after).compare(columns)
    words = [Wording(one.compiled, columns) for one in (before, after)]
    changes = []
    for index in range(len(found)):
        row = int(found.row[index])
        verdicts = [
            _verdict(wording, table, int(which[index]))
            for wording, table, which in zip(words, found.tables, (found.before, found.after), strict=True)
        ]
        changes.append(
            Change(
                event_id=columns.event_ids[row] if columns.event_ids else f"row-{row}",
                revision_index=columns.revision_index[row] if columns.revision_index else 0,
                clause=found.clauses[int(found.clause[index])],
                before=verdicts[0],
                after=verdicts[1],
            )
        )
    return changes


def _verdict(wording: Wording, table: FindingColumns, index: int) -> Verdict | None:
    if index == NOT_TOLD_INDEX:
        return None
    kind = int(table.kind[index])
    return Verdict(
        kind=KIND_WORDS[kind],
        probability=float(table.probability[index]) if kind == POTENTIAL else None,
        reason=REASONS[int(table.reason[index])],
        lacking=tuple(wording.lacking(table, index)) if kind == INDETERMINATE else (),
    )


def _clause_change(key: _Key, stacks: tuple[Compiled, Compiled]) -> ClauseChange:
    """Say why findings under a clause change, if they do."""
    clauses = [
        next((one for one in stack.clauses if one.provision.provision_id == key.provision_id), None) for stack in stacks
    ]
    named = clauses[1] if clauses[1] is not None else clauses[0]
    assert named is not None, "a key comes from a clause"
    why, fields = _why(clauses[0] and clauses[0].provision, clauses[1] and clauses[1].provision)
    replacing = _replacing(stacks, key.provision_id) if why == "what it rests on changed" else None
    agreement_id, article, summary = replacing or (
        named.layer.agreement_id,
        named.provision.article,
        named.provision.summary,
    )
    return ClauseChange(
        provision_id=key.provision_id,
        version_by=key.version_by or None,
        reading_id=key.reading_id or None,
        agreement_id=agreement_id,
        article=article,
        summary=summary,
        why=why,
        stands_in="after" if clauses[0] is None else "before" if clauses[1] is None else "both",
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
