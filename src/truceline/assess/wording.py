"""Rows of findings -> records: every code in words, with the clause, terms, zones, documents and texts it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from truceline.assess.columns import NOT_TOLD_INDEX, Bits, EventColumns
from truceline.assess.compiled import Clause, Compiled
from truceline.assess.disputes import clause_groups
from truceline.assess.finding_columns import (
    COMPLIANT,
    EXEMPT,
    FLAGS,
    FLOAT_COLUMNS,
    INDETERMINATE,
    LACKING,
    REASON_NO_OBJECT,
    REASON_NOT_ENERGY,
    REASONS,
    FindingColumns,
)
from truceline.model.agreement import Agreement
from truceline.model.finding import (
    Compliant,
    Exempt,
    Finding,
    FindingFlag,
    FlagKind,
    Indeterminate,
    PotentialViolation,
)
from truceline.model.provision import Freeze, Prohibition, Withdrawal
from truceline.model.quantity import content_id

WORDS_OF_LACKING = {
    "act": "which act it was",
    "weapon": "type or calibre of the weapon",
    "party": "whose conduct it was",
    "domain": "whether it was on land, in the air or at sea",
    "size": "size of the formation",
    "object": "which object was concerned",
    "list": "list of the objects that the text protects (unpublished)",
    "time": "when the clause began to hold",
    "place": "where the zone is",
    "line": "line of contact of that day, or which ground is whose",
    "position": "where it happened",
    "storage": "places of the designated storage sites",
    "permission": "what the permission covers",
    "definition": "a definition",
}
"""What is lacking, in words, where the text has no words of its own for it."""

Names = dict[str, Any]


class Wording:
    """Says findings about one batch of events in words; `identity` names each event's own content in finding ids."""

    def __init__(self, compiled: Compiled, columns: EventColumns, *, identities: Sequence[bytes] = ()) -> None:
        """Take the texts and the events in."""
        self._compiled = compiled
        self._columns = columns
        self._identities = identities
        self._groups = {one: set(members) for members in clause_groups(compiled) for one in members}

    def findings(self, table: FindingColumns) -> list[Finding]:
        """Give the record of every row, in order; disputed ones name those that they differ from."""
        ids = [self._finding_id(table, index) for index in range(len(table))]
        by_event: dict[int, list[int]] = {}
        for index, row in enumerate(table.row.tolist()):
            by_event.setdefault(row, []).append(index)
        return [
            self._finding(table, index, ids=ids, of_event=by_event[int(table.row[index])])
            for index in range(len(table))
        ]

    def lacking(self, table: FindingColumns, index: int) -> Iterator[str]:
        """Name what one indeterminate finding lacks."""
        return self._lacking(self._compiled.clauses[int(table.clause[index])], table, index)

    def _finding_id(self, table: FindingColumns, index: int) -> str:
        row, clause_index = int(table.row[index]), int(table.clause[index])
        identity = self._identities[row] if self._identities else repr(self._named(row)).encode()
        return content_id("finding", identity, *(part.encode() for part in self._clause_name(clause_index)))

    def _clause_name(self, clause_index: int) -> tuple[str, ...]:
        if clause_index == NOT_TOLD_INDEX:
            layers = [layer for stack in self._compiled.stacks for layer in stack.layers]
            return tuple(f"{one.agreement_id}:{one.version}:{one.version_by or ''}" for one in layers)
        clause = self._compiled.clauses[clause_index]
        layer = clause.layer
        own = (layer.agreement_id, layer.version, layer.version_by or "", clause.provision.provision_id)
        stack = self._compiled.stacks[clause.version_index]
        more = () if clause.reading_id is None else (clause.reading_id,)
        return (*own, *more, *((stack.version_by,) if stack.version_by not in {None, layer.version_by} else ()))

    def _named(self, row: int) -> tuple[str, int]:
        columns = self._columns
        if not columns.event_ids:
            return f"row-{row}", 0
        return columns.event_ids[row], columns.revision_index[row]

    def _finding(self, table: FindingColumns, index: int, *, ids: list[str], of_event: list[int]) -> Finding:
        """Give one record."""
        row, clause_index = int(table.row[index]), int(table.clause[index])
        event_id, revision_index = self._named(row)
        common: Names = {"finding_id": ids[index], "event_id": event_id, "event_revision_index": revision_index}
        common["flags"] = tuple(self._flags(table, index))
        if clause_index == NOT_TOLD_INDEX:
            return Compliant(**common, **self._of_stack(), reason=REASONS[int(table.reason[index])])
        clause = self._compiled.clauses[clause_index]
        common |= self._of_clause(clause, table, index)
        if table.disputed[index]:
            rivals = self._groups.get(clause_index, set())
            others = [
                one for one in of_event if int(table.clause[one]) in rivals and table.kind[one] != table.kind[index]
            ]
            common |= {"disputed": True, "differs_from_ids": tuple(ids[one] for one in others)}
        return self._of_kind(common, clause, table, index=index)

    def _of_stack(self) -> Names:
        layer = self._compiled.stacks[0].layers[-1]
        return {
            "agreement_id": layer.agreement_id,
            "agreement_version": layer.version,
            "window_id": None,
            "provision_id": None,
            "depends_on": tuple(
                dict.fromkeys(one.agreement_id for stack in self._compiled.stacks for one in stack.layers)
            ),
        }

    def _of_clause(self, clause: Clause, table: FindingColumns, index: int) -> Names:
        """Give what every finding says of its clause."""
        window = int(table.window[index])
        windows = sorted(clause.cases[0].force.windows) if clause.cases else []
        stack = self._compiled.stacks[clause.version_index]
        return {
            "agreement_id": clause.layer.agreement_id,
            "agreement_version": clause.layer.version,
            "version_by": stack.version_by,
            "window_id": windows[window][0] if window >= 0 else None,
            "provision_id": clause.provision.provision_id,
            "definition_ids": clause.provision.definition_ids,
            "reading_id": clause.reading_id,
            "party": self._party(clause, int(table.row[index])),
            "depends_on": tuple(
                dict.fromkeys(
                    rests_on(
                        self._compiled,
                        clause,
                        notification_index=int(table.notification[index]),
                        permission_index=int(table.permission[index]),
                        watcher_bits=int(table.watchers[index]),
                    )
                )
            ),
        }

    def _party(self, clause: Clause, row: int) -> str | None:
        """Give whose conduct it was held to be, if that is sure; `None` where the clause binds all alike."""
        columns = self._columns
        actor = int(columns.actor[row])
        if actor != NOT_TOLD_INDEX:
            return columns.actor_ids[actor]
        if all(case.bound_index is None for case in clause.cases) and all(clause.bound_parties):
            return None
        sure = np.flatnonzero(columns.party_probability[:, row] >= 1.0 - 1e-9)
        return columns.parties[int(sure[0])] if len(sure) else None

    def _of_kind(self, common: Names, clause: Clause, table: FindingColumns, *, index: int) -> Finding:
        kind = int(table.kind[index])
        if kind == COMPLIANT:
            return Compliant(**common, reason=self._reason(clause, int(table.reason[index])))
        if kind == EXEMPT:
            notification, exemption = int(table.notification[index]), int(table.exemption[index])
            notices = self._compiled.register.notifications
            by_clause = clause.provision.provision_id
            return Exempt(
                **common,
                notification_id=notices[notification].notification_id if notification >= 0 else None,
                exemption_id=self._compiled.exemptions[exemption].provision.provision_id
                if exemption >= 0
                else by_clause,
            )
        if kind == INDETERMINATE:
            return Indeterminate(**common, lacking=tuple(self._lacking(clause, table, index)))
        parts: Names = {name: float(getattr(table, name)[index]) for name in FLOAT_COLUMNS}
        return PotentialViolation(**common, **parts)

    def _reason(self, clause: Clause, code: int) -> str:
        """Say why; where only energy objects are protected, say so in their name."""
        reason = REASONS[code]
        if reason == REASON_NO_OBJECT and _is_about_energy(clause.layer, clause.provision):
            return REASON_NOT_ENERGY
        return reason

    def _lacking(self, clause: Clause, table: FindingColumns, index: int) -> Iterator[str]:
        code = int(self._columns.lacking[int(table.row[index])])
        act = self._columns.lackings[code] if code != NOT_TOLD_INDEX else ""
        return words_of_lacking(
            self._compiled, clause, int(table.lacking[index]), act=act, permission_index=int(table.permission[index])
        )

    def _flags(self, table: FindingColumns, index: int) -> Iterator[FindingFlag]:
        bits, noticed = int(table.flags[index]), int(table.watchers[index])
        for number, name in enumerate(FLAGS):
            if bits >> number & 1:
                yield FindingFlag(kind=_flag_kind(name))
        for number, watcher in enumerate(self._compiled.watchers):
            if noticed >> number & 1:
                yield FindingFlag(kind=_flag_kind(watcher.flag), text=watcher.text)


def rests_on(
    compiled: Compiled, clause: Clause, *, notification_index: int, permission_index: int, watcher_bits: Bits
) -> Iterator[str]:
    """Name zones, stages, preconditions, lines, notifications and documents that a finding rests on."""
    provision = clause.provision
    if isinstance(provision, Prohibition | Withdrawal):
        yield from provision.zone_ids
    if isinstance(provision, Withdrawal):
        yield from provision.storage_zone_ids
    if isinstance(provision, Freeze):
        yield provision.line_id
    if provision.stage_id is not None:
        yield provision.stage_id
    yield from provision.precondition_ids
    if notification_index >= 0:
        yield compiled.register.notifications[notification_index].notification_id
    if permission_index >= 0:
        allowed = compiled.permissions[permission_index].provision
        yield allowed.provision_id
        yield from allowed.conditions
    yield from (one.depends_on for number, one in enumerate(compiled.watchers) if watcher_bits >> number & 1)


def words_of_lacking(
    compiled: Compiled, clause: Clause, bits: Bits, *, act: str, permission_index: int
) -> Iterator[str]:
    """Name everything that a set of bits says is lacking, in the text's own words where it has some.

    `act` is what the event itself lacks to say which act it was; `permission_index` the permission that was asked.
    """
    for number, name in enumerate(LACKING):
        if not bits >> number & 1:
            continue
        match name:
            case "act":
                yield act or WORDS_OF_LACKING[name]
            case "definition":
                yield from clause.unsaid
            case "time":
                yield from dict.fromkeys(case.force.lacking for case in clause.cases if case.force.lacking)
            case "place":
                places = [case.place for case in clause.cases if case.place is not None]
                yield from dict.fromkeys(word for place in places for word in place.lacking)
            case "permission":
                yield from compiled.permissions[permission_index].unsaid
            case _:
                yield WORDS_OF_LACKING[name]


def _flag_kind(name: str) -> FlagKind:
    kind: Any = name
    return kind  # type: ignore[no-any-return]


def _is_about_energy(layer: Agreement, provision: Prohibition | Withdrawal | Freeze) -> bool:
    """Say whether a clause protects energy objects and nothing else."""
    protected = provision.object_class_ids if isinstance(provision, Prohibition) else ()
    return {one.category for one in layer.object_classes if one.object_class_id in protected} == {"energy"}
