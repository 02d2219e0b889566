"""What people entered, held against a text: inventories, ceilings, checks that are due, and lost observation.

None of it is about fire. An impediment lowers what was covered and is never held against anyone; a claim stays a claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np

from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import Conduct, columns_of
from truceline.assess.compile_times import timezone_of
from truceline.assess.compile_zones import place_of
from truceline.model.agreement import Agreement
from truceline.model.finding import Compliant, Finding, FindingFlag, Indeterminate, PotentialViolation
from truceline.model.in_force import calendar_days_later
from truceline.model.provision import Ceiling, Provision, Verification
from truceline.model.quantity import Position, TimeSpan, canonical_bytes, content_id, require_utc
from truceline.model.register import CeilingCount, ClaimSummary, Impediment, InventoryCheck, Register

REASON_INVENTORY = "inventory was checked"
REASON_WITHIN = "the ceiling is kept"

SURELY_PROBABILITY = 0.95
"""A count was taken inside a zone, or outside it, if that is at least as probable as this; else it may be either."""


class CoverageLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What an impediment took away: for how long, where, within which radius, from which sources. No conduct."""

    impediment_id: str
    kind: str
    span: TimeSpan
    lost_hours: float
    place_name: str
    ground_of: str | None
    position: Position | None
    radius_m: float | None
    source_ids: tuple[str, ...]


def coverage_losses(impediments: Iterable[Impediment]) -> list[CoverageLoss]:
    """Give the loss of observation that each impediment means, in the order of time."""
    return [
        CoverageLoss(
            impediment_id=one.impediment_id,
            kind=one.kind,
            span=one.span,
            lost_hours=one.span.duration_s / 3_600.0,
            place_name=one.place_name,
            ground_of=one.ground_of,
            position=one.position,
            radius_m=one.radius_m,
            source_ids=one.affected_source_ids,
        )
        for one in sorted(impediments, key=lambda one: (one.span.start, one.impediment_id))
    ]


def claims_about(claims: Iterable[ClaimSummary], party: str) -> list[ClaimSummary]:
    """Give what was claimed about a party, claim by claim in the order of time: nothing is added up or converted."""
    about = [one for one in claims if one.actor == party]
    return sorted(about, key=lambda one: (one.window.start, one.claimant, one.claim_id))


def register_findings(assessor: Assessor, register: Register, *, now: datetime) -> list[Finding]:
    """Give the findings about inventories and ceilings, and the flags of checks that are due by `now`."""
    require_utc("now", now)
    found: list[Finding] = []
    for layer, provision in assessor.compiled.provisions:
        if isinstance(provision, Verification):
            checks = [one for one in register.inventory_checks if one.agreement_id == layer.agreement_id]
            found += _inventory_findings(layer, provision, checks, now=now)
        if isinstance(provision, Ceiling):
            counts = [one for one in register.ceiling_counts if one.agreement_id == layer.agreement_id]
            found += _ceiling_findings(assessor, layer, provision, counts=counts)
    return found


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


def _inventory_findings(
    layer: Agreement, provision: Verification, checks: Sequence[InventoryCheck], *, now: datetime
) -> Iterator[Finding]:
    """Give a finding for each visit: what is missing, what was seen first, whether the next visit is due."""
    by_site: dict[tuple[str, str], list[InventoryCheck]] = {}
    for check in sorted(checks, key=lambda one: (one.check_time, one.check_id)):
        by_site.setdefault((check.site_id, check.party), []).append(check)
    for visits in by_site.values():
        for visit in visits:
            due = next_due(visit, provision, timezone_name=timezone_of(layer))
            overdue_days = None if due is None or visit is not visits[-1] else (now - due) / timedelta(days=1)
            common = _common(layer, provision, visit, record_id=visit.check_id)
            common |= {"subject": "inventory_check", "party": visit.party, "depends_on": (visit.site_id,)}
            common["flags"] = tuple(_inventory_flags(visit, overdue_days))
            if visit.access == "denied":
                yield Indeterminate(**common, lacking=(f"access to {visit.site_id}",))
            else:
                yield Compliant(**common, reason=REASON_INVENTORY)


def next_due(visit: InventoryCheck, provision: Verification, *, timezone_name: str) -> datetime | None:
    """Give when the next visit is due: as recorded, or as often as the clause says; `None` where it does not."""
    if visit.next_due_time is not None:
        return visit.next_due_time
    if provision.every_days is not None:
        return calendar_days_later(visit.check_time, provision.every_days, timezone_name)
    return None


def _inventory_flags(visit: InventoryCheck, overdue_days: float | None) -> Iterator[FindingFlag]:
    """Flag what is missing and what was first seen, by serial number where there is one, else by type and number."""
    listed = Counter((item.type_id, item.serial) for item in visit.listed)
    seen = Counter((item.type_id, item.serial) for item in visit.seen)
    missing, first_seen = listed - seen, seen - listed
    if missing and visit.access == "full":
        yield FindingFlag(kind="missing_at_site", count=float(missing.total()), text=_named(missing))
    if first_seen:
        yield FindingFlag(kind="first_seen_at_site", count=float(first_seen.total()), text=_named(first_seen))
    if overdue_days is not None and overdue_days >= 0.0:
        yield FindingFlag(
            kind="check_due", count=overdue_days, text=f"days since the next check of {visit.site_id} was due"
        )


def _named(items: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{count} x {type_id} {serial}".strip() for (type_id, serial), count in sorted(items.items()))


class _Total(NamedTuple):
    """Counts of one item of one party, added up over zones as intervals; `high` is `None` where there is no limit."""

    low: float
    high: float | None
    records: tuple[CeilingCount, ...]


def _ceiling_findings(
    assessor: Assessor, layer: Agreement, provision: Ceiling, *, counts: Sequence[CeilingCount]
) -> Iterator[Finding]:
    """Give a finding for each party: the counts of the item in the zones together, as an interval, and the ceiling.

    Counts of one zone and party supersede each other, the latest stands; those with a place of their own are each
    counted, as far as they lie in the zones.
    """
    for party in provision.parties or layer.parties:
        own = [one for one in counts if one.party == party and one.item == provision.item]
        total = _total(assessor, layer, provision, party=party, counts=own)
        if not total.records:
            continue
        last = max(total.records, key=lambda one: (one.span.end, one.count_id))
        common = _common(layer, provision, last, record_id=last.count_id)
        common |= {"subject": "ceiling_count", "party": party}
        common["depends_on"] = (*provision.zone_ids, *(one.count_id for one in total.records))
        yield _held_against(total, provision.ceiling_count, common)


def _held_against(total: _Total, ceiling_count: float, common: dict[str, Any]) -> Finding:
    if total.low > ceiling_count:
        flag = FindingFlag(kind="ceiling_exceeded", count=total.low - ceiling_count, text="at least so many above it")
        return PotentialViolation(**common, flags=(flag,), probability=1.0)
    if total.high is not None and total.high <= ceiling_count:
        return Compliant(**common, reason=REASON_WITHIN)
    return Indeterminate(**common, lacking=("a count narrow enough to tell whether the ceiling is kept",))


def _total(
    assessor: Assessor, layer: Agreement, provision: Ceiling, *, party: str, counts: Sequence[CeilingCount]
) -> _Total:
    placed = [one for one in counts if one.centre is not None]
    latest: dict[str, CeilingCount] = {}
    for one in sorted(counts, key=lambda one: (one.span.end, one.count_id)):
        if one.centre is None and one.zone_id in provision.zone_ids:
            latest[one.zone_id] = one
    low = sum(one.count.low_count for one in latest.values())
    highs = [one.count.high_count for one in latest.values()]
    used = list(latest.values())
    for one, inside in zip(placed, _inside(assessor, layer, provision, party=party, counts=placed), strict=True):
        low += one.count.low_count if inside >= SURELY_PROBABILITY else 0.0
        if inside > 1.0 - SURELY_PROBABILITY:
            highs.append(one.count.high_count)
            used.append(one)
    known = [high for high in highs if high is not None]
    return _Total(low, sum(known) if len(known) == len(highs) else None, tuple(used))


def _inside(
    assessor: Assessor, layer: Agreement, provision: Ceiling, *, party: str, counts: Sequence[CeilingCount]
) -> list[float]:
    """Give the probability that each count was taken in the ceiling's zones; one half where that cannot be told."""
    if not counts:
        return []
    from truceline.assess.places import Places

    compiled = assessor.compiled
    stack = next(one for one in compiled.stacks if layer in one.layers)
    place = place_of(stack, stack.layers.index(layer), provision.zone_ids, party=party)
    places = Places(stack, compiled.lines, timezone_name=timezone_of(stack.layers[0]))
    places.know(place)
    conducts = [Conduct(event_id=one.count_id, act="presence", time=one.span, position=one.centre) for one in counts]
    chunk = places.chunk(columns_of(conducts, parties=compiled.parties))
    rows = np.arange(len(counts))
    chunk.need(place, rows)
    measured = chunk.measured(place, rows)
    untold = measured.untold | bool(place.lacking)
    return [float(value) for value in np.where(untold, 0.5, measured.probability)]
