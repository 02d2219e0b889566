"""Clocks of response ladders: how long after a breach that people confirmed each rung was foreseen. Flags only.

Nothing here starts a clock, answers one or asks for anything: people confirm, people act, and both are recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from truceline.assess.assess_columns import Assessor
from truceline.assess.register_state import clock_states, layers_of
from truceline.model.finding import Compliant, Finding, FindingFlag
from truceline.model.quantity import canonical_bytes, content_id, require_utc
from truceline.model.register import ClockState, Register

REASON_CLOCK = "a clock of the text; it decides nothing and starts nothing"


def clock_findings(assessor: Assessor, register: Register, *, now: datetime) -> list[Finding]:
    """Give for each ladder one finding about each breach that people confirmed, with every clock that ran out."""
    require_utc("now", now)
    states = clock_states(register, layers_of(assessor), now=now)
    by_breach = groupby(states, key=lambda one: (one.layer.agreement_id, one.provision.provision_id, one.begun.step_id))
    return [_of_breach(list(clocks), now=now) for _, clocks in by_breach]


def _of_breach(clocks: Sequence[ClockState], *, now: datetime) -> Finding:
    """Give the finding about one confirmed breach from the clocks of its rungs."""
    layer, provision, first = clocks[0].layer, clocks[0].provision, clocks[0].begun
    names = (layer.agreement_id, layer.version, layer.version_by or "", provision.provision_id, now.isoformat())
    done = (one.done.step_id for one in clocks if one.done is not None)
    return Compliant(
        finding_id=content_id("finding", canonical_bytes(first), *(name.encode() for name in names)),
        event_id=first.step_id,
        event_revision_index=0,
        agreement_id=layer.agreement_id,
        agreement_version=layer.version,
        version_by=layer.version_by,
        window_id=None,
        provision_id=provision.provision_id,
        subject="response_step",
        depends_on=(*first.event_ids, *done),
        flags=tuple(flag for clock in clocks for flag in _overdue(clock)),
        reason=REASON_CLOCK,
    )


def _overdue(clock: ClockState) -> Iterator[FindingFlag]:
    """Flag a rung whose hours ran out before anyone recorded that it was carried out."""
    if clock.overdue_hours is None:
        return
    said = "carried out late" if clock.done is not None else "no record that it was carried out"
    condition = f"; foreseen only if {clock.rung.condition}" if clock.rung.condition else ""
    text = f"rung {clock.rung.rung_index} ({clock.rung.title}): {said}{condition}"
    yield FindingFlag(kind="clock_overdue", count=clock.overdue_hours, text=text)
