"""What people entered, held against a text: inventories, ceilings, checks that are due, and lost observation.

None of it is about fire. An impediment lowers what was covered and is never held against anyone; a claim stays a claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from truceline.assess.assess_columns import Assessor
from truceline.assess.register_state import ceiling_states, layers_of, visit_states
from truceline.model.agreement import Agreement
from truceline.model.finding import Compliant, Finding, FindingFlag, Indeterminate, PotentialViolation
from truceline.model.provision import Provision, Verification
from truceline.model.quantity import canonical_bytes, content_id, require_utc
from truceline.model.register import CeilingState, InventoryItem, Register, VisitState

HOURS_OF_DAY = 24.0

REASON_INVENTORY = "inventory was checked"
REASON_WITHIN = "the ceiling is kept"


def register_findings(assessor: Assessor, register: Register, *, now: datetime) -> list[Finding]:
    """Give the findings about inventories and ceilings, and the flags of checks that are due by `now`.

    Entries made after `now` are left aside. A visit is held against its text where one of its clauses has it checked.
    """
    require_utc("now", now)
    found: list[Finding] = []
    visits = visit_states(register, layers_of(assessor), now=now)
    for layer, provision in assessor.compiled.provisions:
        if isinstance(provision, Verification):
            found += [
                _of_visit(layer, provision, one) for one in visits if one.visit.agreement_id == layer.agreement_id
            ]
    return found + [_of_ceiling(state) for state in ceiling_states(assessor, register, now=now)]


def _common(layer: Agreement, provision: Provision, record: msgspec.Struct, *, record_id: str) -> dict[str, Any]:
    """Give what every finding about a record says."""
    names = (layer.agreement_id, layer.version, layer.version_by or "", provision.provision_id)
    return {
        "finding_id": content_id("finding", canonical_bytes(record), *(name.encode() for name in names)),
        "event_id": record_id,
        "event_revision_index": 0,
        "agreement_id": layer.agreement_id,
        "agreement_version": layer.version,
        "version_by": layer.version_by,
        "window_id": None,
        "provision_id": provision.provision_id,
        "definition_ids": provision.definition_ids,
    }


def _of_visit(layer: Agreement, provision: Verification, state: VisitState) -> Finding:
    """Give the finding about a visit: what is missing, what was seen first, whether the next visit is due."""
    visit = state.visit
    common = _common(layer, provision, visit, record_id=visit.check_id)
    common |= {"subject": "inventory_check", "party": visit.party, "depends_on": (visit.site_id,)}
    common["flags"] = tuple(_visit_flags(state))
    if visit.access == "denied":
        return Indeterminate(**common, lacking=(f"access to {visit.site_id}",))
    return Compliant(**common, reason=REASON_INVENTORY)


def _visit_flags(state: VisitState) -> Iterator[FindingFlag]:
    """Flag what is missing, what was first seen, and a visit that is due."""
    for kind, items in (("missing_at_site", state.missing), ("first_seen_at_site", state.first_seen)):
        if items:
            total_count = float(sum(count for _, count in items))
            yield FindingFlag(kind=kind, count=total_count, text=named_items(items))  # type: ignore[arg-type]
    if state.overdue_hours is not None:
        text = f"days since the next check of {state.visit.site_id} was due"
        yield FindingFlag(kind="check_due", count=state.overdue_hours / HOURS_OF_DAY, text=text)


def named_items(items: Sequence[tuple[InventoryItem, int]]) -> str:
    """Name weapons of an inventory with their numbers."""
    return ", ".join(f"{count} x {item.type_id} {item.serial}".strip() for item, count in items)


def _of_ceiling(state: CeilingState) -> Finding:
    """Give the finding about the counts of one party in the zones of a ceiling."""
    common = _common(state.layer, state.provision, state.last, record_id=state.last.count_id)
    common |= {"subject": "ceiling_count", "party": state.party}
    common["depends_on"] = (*state.provision.zone_ids, *(one.count_id for one in state.records))
    if state.verdict == "above":
        above_count = state.low_count - state.provision.ceiling_count
        flag = FindingFlag(kind="ceiling_exceeded", count=above_count, text="at least so many above it")
        return PotentialViolation(**common, flags=(flag,), probability=1.0)
    if state.verdict == "within":
        return Compliant(**common, reason=REASON_WITHIN)
    return Indeterminate(**common, lacking=("a count narrow enough to tell whether the ceiling is kept",))
