"""What a register says at one moment under some texts, as facts: visits, notices, counts, clocks, steps, impediments.

Entries that were made after that moment are left aside, so that an earlier day can be looked at again. None of it is
about fire, and nothing here starts or answers anything: people act, and what they did is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import Conduct, columns_of
from truceline.assess.compile_times import timezone_of
from truceline.assess.compile_zones import place_of
from truceline.assess.exceptions import lacking_of_notice
from truceline.model.agreement import Agreement
from truceline.model.in_force import calendar_days_later
from truceline.model.provision import Ceiling, Exemption, ResponseLadder, ResponseRung, Verification
from truceline.model.quantity import require_utc
from truceline.model.register import (
    CeilingCount,
    CeilingState,
    ClaimSummary,
    ClockState,
    CoverageLoss,
    Impediment,
    InventoryCheck,
    InventoryItem,
    NoticeState,
    Notification,
    PreconditionState,
    Register,
    RegisterState,
    ResponseStep,
    StageState,
    VisitState,
)

SURELY_PROBABILITY = 0.95
"""A count was taken inside a zone, or outside it, if that is at least as probable as this; else it may be either."""

HOUR = timedelta(hours=1)


def register_state(
    register: Register,
    assessors: Sequence[Assessor],
    *,
    now: datetime,
    preconditions: Sequence[PreconditionState] = (),
) -> RegisterState:
    """Give everything a register says at a moment under some texts; texts that do not go together come apart.

    `preconditions` are those counted from events, where there were any.
    """
    require_utc("now", now)
    layers = list({_named(layer): layer for one in assessors for layer in layers_of(one)}.values())
    return RegisterState(
        now=now,
        visits=tuple(visit_states(register, layers, now=now)),
        notices=tuple(notice_states(register, layers, now=now)),
        ceilings=tuple(_distinct(ceiling_states(one, register, now=now) for one in assessors)),
        clocks=tuple(clock_states(register, layers, now=now)),
        stages=tuple(stage_states(register, layers, now=now)),
        preconditions=tuple(preconditions),
        losses=tuple(coverage_losses(one for one in register.impediments if one.span.start <= now)),
        claims=tuple(
            claim
            for party in sorted({one.actor for one in register.claims})
            for claim in claims_about(register.claims, party)
            if claim.window.start <= now
        ),
    )


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


def layers_of(assessor: Assessor) -> list[Agreement]:
    """Give every text that was made ready, each once, in the order of the stacks."""
    layers = (layer for stack in assessor.compiled.stacks for layer in stack.layers)
    return list({_named(layer): layer for layer in layers}.values())


def _named(layer: Agreement) -> tuple[str, str, str | None]:
    return layer.agreement_id, layer.version, layer.version_by


def _distinct(states: Iterable[list[CeilingState]]) -> list[CeilingState]:
    """Give the state of each ceiling and party once, though several groups of texts share a layer."""
    by_name = {(_named(one.layer), one.provision.provision_id, one.party): one for some in states for one in some}
    return list(by_name.values())


def visit_states(register: Register, layers: Sequence[Agreement], *, now: datetime) -> list[VisitState]:
    """Give every visit up to `now` by site, party and time; without its text the next is due as the visit says."""
    by_site: dict[tuple[str, str, str], list[InventoryCheck]] = {}
    for check in sorted(register.inventory_checks, key=lambda one: (one.check_time, one.check_id)):
        if check.check_time <= now:
            by_site.setdefault((check.agreement_id, check.site_id, check.party), []).append(check)
    rules = {layer.agreement_id: layer for layer in layers}
    return [
        _visit_state(visit, rules.get(name[0]), now=now, is_latest=visit is visits[-1])
        for name, visits in sorted(by_site.items())
        for visit in visits
    ]


def _visit_state(visit: InventoryCheck, layer: Agreement | None, *, now: datetime, is_latest: bool) -> VisitState:
    """Hold a visit against its inventory, by serial number where there is one, else by type and number."""
    listed, seen = Counter(visit.listed), Counter(visit.seen)
    missing, first_seen = listed - seen, seen - listed
    due = _next_due(visit, layer) if is_latest else None
    return VisitState(
        visit=visit,
        matched_count=(listed & seen).total(),
        missing=_sorted(missing) if visit.access == "full" else (),
        first_seen=_sorted(first_seen),
        due_time=due,
        overdue_hours=None if due is None or now < due else (now - due) / HOUR,
    )


def _sorted(items: Counter[InventoryItem]) -> tuple[tuple[InventoryItem, int], ...]:
    return tuple(sorted(items.items(), key=lambda entry: (entry[0].type_id, entry[0].serial)))


def _next_due(visit: InventoryCheck, layer: Agreement | None) -> datetime | None:
    """Give when the next visit is due: as recorded, or as often as the text's most frequent check says."""
    if visit.next_due_time is not None or layer is None:
        return visit.next_due_time
    checks = [one.every_days for one in layer.provisions if isinstance(one, Verification) and one.every_days]
    return calendar_days_later(visit.check_time, min(checks), timezone_of(layer)) if checks else None


def notice_states(register: Register, layers: Sequence[Agreement], *, now: datetime) -> list[NoticeState]:
    """Give every notice that was given by `now` and whose window is not over, in the order of windows."""
    found = []
    for notice in sorted(register.notifications, key=lambda one: (one.window.start, one.notification_id)):
        if not notice.given_time <= now < notice.window.end:
            continue
        acknowledged = notice.acknowledged_time is not None and notice.acknowledged_time <= now
        withdrawn = notice.withdrawn_time is not None and notice.withdrawn_time <= now
        lacking = () if withdrawn else tuple(_lacking(notice, layers, acknowledged=acknowledged))
        found.append(NoticeState(notice=notice, acknowledged=acknowledged, withdrawn=withdrawn, lacking=lacking))
    return found


def _lacking(
    notice: Notification, layers: Sequence[Agreement], *, acknowledged: bool
) -> Iterator[tuple[Exemption, Literal["lead_time", "acknowledgement"]]]:
    """Give what a notice lacks for the exemptions of its text that it could serve."""
    clauses = (one for layer in layers if layer.agreement_id == notice.agreement_id for one in layer.provisions)
    for clause in clauses:
        if isinstance(clause, Exemption) and clause.notification_needed and set(clause.acts) & set(notice.acts):
            for lacking in lacking_of_notice(notice, clause, acknowledged=acknowledged):
                yield clause, lacking


def stage_states(register: Register, layers: Sequence[Agreement], *, now: datetime) -> list[StageState]:
    """Give every step of a schedule that somebody dated by `now`, text by text in the order of time."""
    return [
        StageState(layer=layer, stage=stage, start=start, deadline=stage.deadline(start.start_time, timezone_of(layer)))
        for layer in layers
        for start in sorted(register.stage_starts, key=lambda one: (one.start_time, one.start_id))
        if start.agreement_id == layer.agreement_id and start.stage_id is not None and start.start_time <= now
        for stage in (layer.stage(start.stage_id),)
        if stage is not None
    ]


def clock_states(register: Register, layers: Sequence[Agreement], *, now: datetime) -> list[ClockState]:
    """Give the clock of every rung after every breach that people confirmed by `now`; a procedure has none.

    Hours are counted from that confirmation. A rung is overdue where no record says that it was carried out, or where
    it was carried out later. Without a confirmed breach no clock runs.
    """
    found = []
    steps = sorted((one for one in register.response_steps if one.step_time <= now), key=_order)
    for layer in layers:
        for clause in layer.provisions:
            if not isinstance(clause, ResponseLadder) or clause.is_procedure:
                continue
            names = (layer.agreement_id, clause.provision_id)
            own = [one for one in steps if (one.agreement_id, one.provision_id) == names]
            begun = [one for one in own if one.step == "breach_confirmed"]
            found += [
                _clock_state((layer, clause), first, rung=rung, done=own, now=now)
                for first in begun
                for rung in clause.rungs
            ]
    return found


def _order(step: ResponseStep) -> tuple[datetime, str]:
    return step.step_time, step.step_id


def _clock_state(
    ladder: tuple[Agreement, ResponseLadder],
    begun: ResponseStep,
    *,
    rung: ResponseRung,
    done: Iterable[ResponseStep],
    now: datetime,
) -> ClockState:
    due = None if rung.within_hours is None else begun.step_time + timedelta(hours=rung.within_hours)
    answers = (one for one in done if one.rung_index == rung.rung_index and one.step_time >= begun.step_time)
    answer = next(answers, None)
    late_hours = None if due is None else ((now if answer is None else answer.step_time) - due) / HOUR
    return ClockState(
        layer=ladder[0],
        provision=ladder[1],
        begun=begun,
        rung=rung,
        due_time=due,
        done=answer,
        overdue_hours=late_hours if late_hours is not None and late_hours > 0.0 else None,
    )


def ceiling_states(assessor: Assessor, register: Register, *, now: datetime) -> list[CeilingState]:
    """Give for each ceiling and party what was counted by `now`, where anything was."""
    require_utc("now", now)
    found = []
    for layer, provision in assessor.compiled.provisions:
        if not isinstance(provision, Ceiling):
            continue
        of_item = [
            one
            for one in register.ceiling_counts
            if one.agreement_id == layer.agreement_id and one.item == provision.item and one.span.start <= now
        ]
        for party in provision.parties or layer.parties:
            own = [one for one in of_item if one.party == party]
            state = _ceiling_state(assessor, layer, provision, party=party, counts=own)
            found += [] if state is None else [state]
    return found


def _ceiling_state(
    assessor: Assessor, layer: Agreement, provision: Ceiling, *, party: str, counts: Sequence[CeilingCount]
) -> CeilingState | None:
    together = _made_together([one for one in counts if one.centre or one.zone_id in provision.zone_ids])
    placed = [one for one in together if one.centre is not None]
    used = [one for one in together if one.centre is None]
    low = sum(one.count.low_count for one in used)
    inside = _inside(assessor, layer, provision, party=party, counts=placed)
    for one, probability in zip(placed, inside, strict=True):
        low += one.count.low_count if probability >= SURELY_PROBABILITY else 0.0
        used += [one] if probability > 1.0 - SURELY_PROBABILITY else []
    if not used:
        return None
    highs = [one.count.high_count for one in used]
    known = [high for high in highs if high is not None]
    return CeilingState(
        layer=layer,
        provision=provision,
        party=party,
        low_count=low,
        high_count=sum(known) if len(known) == len(highs) else None,
        records=tuple(used),
    )


def _made_together(counts: Sequence[CeilingCount]) -> list[CeilingCount]:
    """Give of each zone the latest count and those made at the same time; an earlier one gives way to them."""
    latest: dict[str, CeilingCount] = {}
    for one in sorted(counts, key=lambda one: (one.span.end, one.span.start, one.count_id)):
        latest[one.zone_id] = one
    return [one for one in counts if one.span.end >= latest[one.zone_id].span.start]


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
