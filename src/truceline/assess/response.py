"""Clocks of response ladders: how long after a breach that people confirmed each rung was foreseen. Flags only.

Nothing here starts a clock, answers one or asks for anything: people confirm, people act, and both are recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from truceline.assess.assess_columns import Assessor
from truceline.model.agreement import Agreement
from truceline.model.finding import Compliant, Finding, FindingFlag
from truceline.model.provision import ResponseLadder, ResponseRung
from truceline.model.quantity import canonical_bytes, content_id, require_utc
from truceline.model.register import Register, ResponseStep

REASON_CLOCK = "a clock of the text; it decides nothing and starts nothing"


def clock_findings(assessor: Assessor, register: Register, *, now: datetime) -> list[Finding]:
    """Give for each ladder one finding about the first breach that people confirmed, with every clock that ran out.

    The hours of a rung are counted from that confirmation; it is overdue where no record says that it was carried out,
    or where it was carried out later. Without a confirmed breach no clock runs.
    """
    require_utc("now", now)
    found: list[Finding] = []
    for layer, provision in assessor.compiled.provisions:
        if isinstance(provision, ResponseLadder) and not provision.is_procedure:
            names = (layer.agreement_id, provision.provision_id)
            steps = [one for one in register.response_steps if (one.agreement_id, one.provision_id) == names]
            found += _of_ladder(layer, provision, steps, now=now)
    return found


def _of_ladder(
    layer: Agreement, provision: ResponseLadder, steps: Sequence[ResponseStep], *, now: datetime
) -> Iterator[Finding]:
    confirmed = sorted(
        (one for one in steps if one.step == "breach_confirmed" and one.step_time <= now),
        key=lambda one: (one.step_time, one.step_id),
    )
    if not confirmed:
        return
    first = confirmed[0]
    done = [one for one in steps if one.step == "rung_done" and first.step_time <= one.step_time <= now]
    flags = tuple(flag for rung in provision.rungs for flag in _overdue(rung, first, done, now=now))
    names = (layer.agreement_id, layer.version, layer.version_by or "", provision.provision_id, now.isoformat())
    yield Compliant(
        finding_id=content_id("finding", canonical_bytes(first), *(name.encode() for name in names)),
        event_id=first.step_id,
        event_revision_index=0,
        agreement_id=layer.agreement_id,
        agreement_version=layer.version,
        version_by=layer.version_by,
        window_id=None,
        provision_id=provision.provision_id,
        subject="response_step",
        depends_on=(*first.event_ids, *(one.step_id for one in done)),
        flags=flags,
        reason=REASON_CLOCK,
    )


def _overdue(
    rung: ResponseRung, first: ResponseStep, done: Sequence[ResponseStep], *, now: datetime
) -> Iterator[FindingFlag]:
    """Flag a rung whose hours ran out before anyone recorded that it was carried out."""
    if rung.within_hours is None:
        return
    moments = [one.step_time for one in done if one.rung_index == rung.rung_index]
    until = min(moments, default=now)
    overdue_hours = (until - first.step_time).total_seconds() / 3_600.0 - rung.within_hours
    if overdue_hours > 0.0:
        said = "carried out late" if moments else "no record that it was carried out"
        text = (
            f"rung {rung.rung_index} ({rung.title}): {said}; foreseen only if {rung.condition}"
            if rung.condition
            else (f"rung {rung.rung_index} ({rung.title}): {said}")
        )
        yield FindingFlag(kind="clock_overdue", count=overdue_hours, text=text)
