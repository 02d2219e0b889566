"""Where versions or readings of one clause give different kinds of findings for one event: disputed."""

from __future__ import annotations

import msgspec
import numpy as np

from truceline.assess.columns import NOT_TOLD_INDEX
from truceline.assess.compiled import Compiled
from truceline.assess.finding_columns import COMPLIANT, FindingColumns


def mark_disputed(compiled: Compiled, table: FindingColumns) -> FindingColumns:
    """Mark findings that another version or reading of the same clause answers with another kind.

    A version in which no such clause speaks of the event counts as one that finds it in keeping.
    """
    groups = clause_groups(compiled)
    if len(table) == 0 or not groups:
        return table
    count = int(table.row.max()) + 1
    disputed = np.zeros(len(table), dtype=np.bool_)
    for members in groups:
        mine = np.isin(table.clause, members)
        kinds = np.full((len(members), count), COMPLIANT, dtype=np.int64)
        for index, clause_index in enumerate(members):
            of_clause = table.clause == clause_index
            kinds[index, table.row[of_clause]] = table.kind[of_clause]
        differs = (kinds != kinds[0]).any(axis=0)
        disputed |= mine & differs[table.row] & (table.clause != NOT_TOLD_INDEX)
    return msgspec.structs.replace(table, disputed=disputed)


def clause_groups(compiled: Compiled) -> list[list[int]]:
    """Give the numbers of clauses that are one in several versions or readings, or that not every version has."""
    by_id: dict[str, list[int]] = {}
    for clause in compiled.clauses:
        by_id.setdefault(clause.provision.provision_id, []).append(clause.clause_index)
    count = len(compiled.stacks)
    return [
        [*members, *([-2] if len({compiled.clauses[one].version_index for one in members}) < count else [])]
        for members in by_id.values()
        if len(members) > 1 or count > 1
    ]
