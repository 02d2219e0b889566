"""What is open in a register at one moment: visits due, notices, counts against ceilings, clocks. Flags only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from truceline.model.agreement import Agreement
from truceline.model.provision import Ceiling, Exemption, ResponseLadder, ResponseRung
from truceline.model.quantity import require_utc
from truceline.model.register import CeilingCount, InventoryCheck, Notification, Register, ResponseStep

Section = Literal["visit", "notice", "ceiling", "clock", "step", "impediment"]

SECTION_TITLES: dict[Section, str] = {
    "visit": "Storage sites: last visit and next one due",
    "notice": "Notices that run or are to come",
    "ceiling": "Counts against ceilings",
    "clock": "Response clocks (they flag and start nothing)",
    "step": "Steps of schedules",
    "impediment": "Impediments: less was covered; none is conduct under fire",
}
"""What each section of the status is called, in the order they are shown."""


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the status: what it is about, in which state, by when, and whether people should look at it."""

    section: Section
    name: str
    state: str
    due_time: datetime | None = None
    flagged: bool = False


def register_status(register: Register, texts: Sequence[Agreement], *, now: datetime) -> list[StatusRow]:
    """Give every line of the status of a register under some texts at a moment, section by section.

    Entries that were made after `now` are left aside, so that the status of an earlier day can be shown again.
    """
    require_utc("now", now)
    return [
        *_visits(register, now),
        *_notices(register, texts, now),
        *_ceilings(register, texts, now),
        *_clocks(register, texts, now),
        *_steps(register, texts, now),
        *_impediments(register, now),
    ]


def status_text(rows: Sequence[StatusRow], *, now: datetime) -> str:
    """Lay the status out in plain lines; `!` stands before what people should look at."""
    lines = [f"status at {now:%Y-%m-%d %H:%M} UTC; ! asks for attention and decides nothing"]
    for section, title in SECTION_TITLES.items():
        found = [row for row in rows if row.section == section]
        if found:
            lines += ["", title]
            lines += [f"{'!' if row.flagged else ' '} {row.name}: {row.state}" for row in found]
    if len(lines) == 1:
        lines.append("nothing is open")
    return "\n".join(lines) + "\n"


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3_600.0:.1f} h"


def _visits(register: Register, now: datetime) -> Iterator[StatusRow]:
    latest: dict[tuple[str, str], InventoryCheck] = {}
    for check in sorted(register.inventory_checks, key=lambda check: (check.check_time, check.check_id)):
        if check.check_time <= now:
            latest[check.site_id, check.party] = check
    for (site_id, party), check in sorted(latest.items()):
        listed, seen = set(check.listed), set(check.seen)
        missing_count, first_seen_count = len(listed - seen), len(seen - listed)
        words = [f"visited {check.check_time:%Y-%m-%d %H:%M}", f"access {check.access}"]
        if check.access != "denied":
            words.append(f"{len(listed & seen)} of {len(listed)} seen")
            words += [f"{missing_count} missing"] if missing_count else []
            words += [f"{first_seen_count} seen that no inventory lists"] if first_seen_count else []
        overdue = check.next_due_time is not None and check.next_due_time < now
        if check.next_due_time is not None:
            late = f" (overdue by {_hours(now - check.next_due_time)})" if overdue else ""
            words.append(f"next due {check.next_due_time:%Y-%m-%d %H:%M}{late}")
        yield StatusRow(
            section="visit",
            name=f"{site_id} of {party}",
            state=", ".join(words),
            due_time=check.next_due_time,
            flagged=overdue or check.access != "full" or bool(missing_count or first_seen_count),
        )


def _notices(register: Register, texts: Sequence[Agreement], now: datetime) -> Iterator[StatusRow]:
    for notice in sorted(register.notifications, key=lambda entry: (entry.window.start, entry.notification_id)):
        if not notice.given_time <= now < notice.window.end:
            continue
        words = [
            f"{notice.notice} by {notice.notified_by}",
            f"{notice.window.start:%Y-%m-%d %H:%M} to {notice.window.end:%Y-%m-%d %H:%M}",
            f"given {notice.lead_time_hours:.1f} h before",
        ]
        acknowledged = notice.acknowledged_time is not None and notice.acknowledged_time <= now
        words.append(f"acknowledged by {notice.acknowledged_by}" if acknowledged else "not acknowledged")
        withdrawn = notice.withdrawn_time is not None and notice.withdrawn_time <= now
        words += ["withdrawn"] if withdrawn else []
        lacking = [] if withdrawn else _lacking(notice, texts, acknowledged=acknowledged)
        yield StatusRow(
            section="notice",
            name=notice.notification_id,
            state=", ".join(words + lacking),
            due_time=notice.window.start,
            flagged=bool(lacking),
        )


def _lacking(notice: Notification, texts: Sequence[Agreement], *, acknowledged: bool) -> list[str]:
    """Say what a notice lacks for the exemptions of its text that it could serve."""
    clauses = [
        clause
        for text in texts
        if text.agreement_id == notice.agreement_id
        for clause in text.provisions
        if isinstance(clause, Exemption) and clause.notification_needed and set(clause.acts) & set(notice.acts)
    ]
    lacking = []
    for clause in clauses:
        if notice.lead_time_hours < clause.lead_time_hours:
            lacking.append(f"too late for {clause.provision_id} ({clause.lead_time_hours:g} h)")
        if clause.acknowledgement_needed and not acknowledged:
            lacking.append(f"{clause.provision_id} asks for acknowledgement")
    return lacking


def _ceilings(register: Register, texts: Sequence[Agreement], now: datetime) -> Iterator[StatusRow]:
    for text in texts:
        counts = [
            entry
            for entry in register.ceiling_counts
            if entry.agreement_id == text.agreement_id and entry.span.start <= now
        ]
        for clause in text.provisions:
            if isinstance(clause, Ceiling):
                for party in clause.parties or text.parties:
                    of_party = [entry for entry in counts if _counts_for(entry, clause, party)]
                    if of_party:
                        yield _ceiling_row(of_party, clause, party)


def _counts_for(entry: CeilingCount, clause: Ceiling, party: str) -> bool:
    return entry.party == party and entry.item == clause.item and entry.zone_id in clause.zone_ids


def _ceiling_row(counts: Sequence[CeilingCount], clause: Ceiling, party: str) -> StatusRow:
    """Add up what was counted at the same time as the last count, as an interval, and hold it against the ceiling."""
    last = max(counts, key=lambda entry: (entry.span.end, entry.count_id))
    together = [entry for entry in counts if entry.span.end >= last.span.start]
    low_count = sum(entry.count.low_count for entry in together)
    highs = [entry.count.high_count for entry in together]
    high_count = None if None in highs else sum(high for high in highs if high is not None)
    shown = (
        f"{low_count:g}"
        if high_count == low_count
        else f"{low_count:g} to {'?' if high_count is None else f'{high_count:g}'}"
    )
    if low_count > clause.ceiling_count:
        word = f"above the ceiling by {low_count - clause.ceiling_count:g} or more"
    elif high_count is None or high_count > clause.ceiling_count:
        word = "may be above the ceiling"
    else:
        word = "within"
    return StatusRow(
        section="ceiling",
        name=f"{clause.provision_id}, {party}",
        state=f"{shown} {clause.item} in {len(together)} counts to {last.span.end:%Y-%m-%d}, "
        f"ceiling {clause.ceiling_count:g}: {word}",
        flagged=word != "within",
    )


def _clocks(register: Register, texts: Sequence[Agreement], now: datetime) -> Iterator[StatusRow]:
    steps = sorted(register.response_steps, key=lambda step: (step.step_time, step.step_id))
    for text in texts:
        for clause in text.provisions:
            if not isinstance(clause, ResponseLadder):
                continue
            own = [
                step
                for step in steps
                if step.agreement_id == text.agreement_id
                and step.provision_id == clause.provision_id
                and step.step_time <= now
            ]
            for begun in (step for step in own if step.step == "breach_confirmed"):
                for rung in clause.rungs:
                    yield _clock_row(begun, rung, own, now)


def _clock_row(begun: ResponseStep, rung: ResponseRung, steps: Sequence[ResponseStep], now: datetime) -> StatusRow:
    name = f"{begun.step_id}, rung {rung.rung_index} ({rung.title})"
    due = None if rung.within_hours is None else begun.step_time + timedelta(hours=rung.within_hours)
    done = next(
        (step for step in steps if step.rung_index == rung.rung_index and step.step_time >= begun.step_time), None
    )
    words = [f"if {rung.condition}"] if rung.condition else []
    if done is not None:
        late = due is not None and done.step_time > due
        words.append(f"recorded {done.step_time:%Y-%m-%d %H:%M}" + (" (after its time)" if late else ""))
        return StatusRow(section="clock", name=name, state=", ".join(words), due_time=due, flagged=late)
    if due is None:
        return StatusRow(section="clock", name=name, state=", ".join([*words, "no clock, nothing recorded"]))
    overdue = now > due
    word = f"overdue by {_hours(now - due)}" if overdue else f"{_hours(due - now)} left"
    words.append(f"foreseen by {due:%Y-%m-%d %H:%M}, nothing recorded, {word}")
    return StatusRow(section="clock", name=name, state=", ".join(words), due_time=due, flagged=overdue)


def _steps(register: Register, texts: Sequence[Agreement], now: datetime) -> Iterator[StatusRow]:
    for text in texts:
        zone_name = text.in_force.timezone_name if text.in_force is not None else "UTC"
        for start in sorted(register.stage_starts, key=lambda entry: (entry.start_time, entry.start_id)):
            stage = None if start.stage_id is None else text.stage(start.stage_id)
            if start.agreement_id != text.agreement_id or stage is None:
                continue
            deadline = stage.deadline(start.start_time, zone_name)
            where = f" in {start.zone_id}" if start.zone_id else ""
            begun = f"begun {start.start_time:%Y-%m-%d %H:%M} as {start.declared_by} said"
            if deadline is None:
                word = "no deadline"
            else:
                word = f"deadline {deadline:%Y-%m-%d %H:%M} " + ("passed" if deadline <= now else "to come")
            yield StatusRow(section="step", name=f"{stage.title}{where}", state=f"{begun}, {word}", due_time=deadline)


def _impediments(register: Register, now: datetime) -> Iterator[StatusRow]:
    by_kind: dict[str, list[float]] = defaultdict(list)
    for entry in register.impediments:
        if entry.span.start <= now:
            by_kind[entry.kind].append(entry.duration_minutes)
    for kind, minutes in sorted(by_kind.items()):
        yield StatusRow(
            section="impediment", name=kind.replace("_", " "), state=f"{len(minutes)}, together {sum(minutes):.0f} min"
        )
