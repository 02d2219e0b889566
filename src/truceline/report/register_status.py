"""Says in words what is open in a register at one moment: visits, notices, counts, clocks, quiet days. Flags only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from truceline.model.register import (
    CeilingState,
    ClaimSummary,
    ClockState,
    CoverageLoss,
    NoticeState,
    PreconditionState,
    RegisterState,
    StageState,
    VisitState,
)
from truceline.report.counts import count_words

Section = Literal["visit", "notice", "ceiling", "clock", "step", "precondition", "impediment", "claim"]

SECTION_TITLES: dict[Section, str] = {
    "visit": "Storage sites: last visit and next one due",
    "notice": "Notices that run or are to come",
    "ceiling": "Counts against ceilings",
    "clock": "Response clocks (they flag and start nothing)",
    "step": "Steps of schedules",
    "precondition": "Quiet days that something waits for (counted from the events at hand; people declare)",
    "impediment": "Impediments: less was covered; none is conduct under fire",
    "claim": "Claims, each as it was made: nothing is added up",
}
"""What each section of the status is called, in the order they are shown."""


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the status: what it is about, in which state, by when, and whether people should look at it."""

    section: Section
    name: str
    state: str
    due_time: datetime | None = None
    flagged: bool = False


def register_status(state: RegisterState) -> list[StatusRow]:
    """Give every line of the status of a register at its moment, section by section."""
    return [
        *_visits(state.visits, state.now),
        *(_notice(one) for one in state.notices),
        *(_ceiling(one) for one in state.ceilings),
        *(_clock(one, state.now) for one in state.clocks),
        *(_step(one, state.now) for one in state.stages),
        *(_precondition(one) for one in state.preconditions),
        *_losses(state.losses),
        *(_claim(one) for one in state.claims),
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


def _visits(states: Sequence[VisitState], now: datetime) -> Iterator[StatusRow]:
    """Give one line for the latest visit to each site."""
    latest = {(one.visit.site_id, one.visit.party): one for one in states}
    for (site_id, party), one in sorted(latest.items()):
        visit = one.visit
        missing_count, first_seen_count = (sum(count for _, count in some) for some in (one.missing, one.first_seen))
        words = [f"visited {visit.check_time:%Y-%m-%d %H:%M}", f"access {visit.access}"]
        if visit.access != "denied":
            words.append(f"{one.matched_count} of {len(visit.listed)} seen")
            words += [f"{missing_count} missing"] if missing_count else []
            words += [f"{first_seen_count} seen that no inventory lists"] if first_seen_count else []
        if one.due_time is not None:
            late = "" if one.overdue_hours is None else f" (overdue by {_hours(now - one.due_time)})"
            words.append(f"next due {one.due_time:%Y-%m-%d %H:%M}{late}")
        yield StatusRow(
            section="visit",
            name=f"{site_id} of {party}",
            state=", ".join(words),
            due_time=one.due_time,
            flagged=one.overdue_hours is not None or visit.access != "full" or bool(missing_count or first_seen_count),
        )


def _notice(one: NoticeState) -> StatusRow:
    notice = one.notice
    words = [
        f"{notice.notice} by {notice.notified_by}",
        f"{notice.window.start:%Y-%m-%d %H:%M} to {notice.window.end:%Y-%m-%d %H:%M}",
        f"given {notice.lead_time_hours:.1f} h before",
        f"acknowledged by {notice.acknowledged_by}" if one.acknowledged else "not acknowledged",
    ]
    words += ["withdrawn"] if one.withdrawn else []
    for clause, lacking in one.lacking:
        if lacking == "lead_time":
            words.append(f"too late for {clause.provision_id} ({clause.lead_time_hours:g} h)")
        else:
            words.append(f"{clause.provision_id} asks for acknowledgement")
    return StatusRow(
        section="notice",
        name=notice.notification_id,
        state=", ".join(words),
        due_time=notice.window.start,
        flagged=bool(one.lacking),
    )


def _ceiling(one: CeilingState) -> StatusRow:
    clause, low_count, high_count = one.provision, one.low_count, one.high_count
    high = "?" if high_count is None else f"{high_count:g}"
    shown = f"{low_count:g}" if high_count == low_count else f"{low_count:g} to {high}"
    word = {
        "above": f"above the ceiling by {low_count - clause.ceiling_count:g} or more",
        "untold": "may be above the ceiling",
        "within": "within",
    }[one.verdict]
    return StatusRow(
        section="ceiling",
        name=f"{clause.provision_id}, {one.party}",
        state=f"{shown} {clause.item} in {len(one.records)} counts to {one.last.span.end:%Y-%m-%d}, "
        f"ceiling {clause.ceiling_count:g}: {word}",
        flagged=one.verdict != "within",
    )


def _clock(one: ClockState, now: datetime) -> StatusRow:
    rung, due, done = one.rung, one.due_time, one.done
    late = one.overdue_hours is not None
    words = [f"if {rung.condition}"] if rung.condition else []
    if done is not None:
        words.append(f"recorded {done.step_time:%Y-%m-%d %H:%M}" + (" (after its time)" if late else ""))
    elif due is None:
        words.append("no clock, nothing recorded")
    else:
        left = f"overdue by {_hours(now - due)}" if late else f"{_hours(due - now)} left"
        words.append(f"foreseen by {due:%Y-%m-%d %H:%M}, nothing recorded, {left}")
    name = f"{one.begun.step_id}, rung {rung.rung_index} ({rung.title})"
    return StatusRow(section="clock", name=name, state=", ".join(words), due_time=due, flagged=late)


def _step(one: StageState, now: datetime) -> StatusRow:
    where = f" in {one.start.zone_id}" if one.start.zone_id else ""
    begun = f"begun {one.start.start_time:%Y-%m-%d %H:%M} as {one.start.declared_by} said"
    if one.deadline is None:
        word = "no deadline"
    else:
        word = f"deadline {one.deadline:%Y-%m-%d %H:%M} " + ("passed" if one.deadline <= now else "to come")
    name = f"{one.stage.title}{where}"
    return StatusRow(section="step", name=name, state=f"{begun}, {word}", due_time=one.deadline)


def _precondition(one: PreconditionState) -> StatusRow:
    return StatusRow(
        section="precondition",
        name=f"{one.title}" + (f" in {one.zone_id}" if one.zone_id else ""),
        state=precondition_words(one),
        due_time=one.met_time,
        flagged=bool(one.unsure_count),
    )


def precondition_words(one: PreconditionState) -> str:
    """Say how far a precondition has come: day 5 of 7, or by when it was met, and what restarted it last."""
    if one.begun is None or one.met_time is None:
        return "not counted: the text does not hold yet, or from when is not known"
    if one.is_met:
        words = [f"{one.quiet_days:g} quiet days were full on {one.met_time:%Y-%m-%d %H:%M} by the events at hand"]
    else:
        words = [f"day {one.day_index} of {one.quiet_days:g}, counted from {one.begun:%Y-%m-%d %H:%M}"]
    if one.reset_count:
        last = f", the last by {one.last_reset_id}" if one.last_reset_id else ""
        words.append(f"{one.reset_count:,} acts that restart it{last}")
    if one.unsure_count:
        words.append(f"{one.unsure_count:,} acts of which that is less probable than not")
    return ", ".join(words)


def _losses(losses: Sequence[CoverageLoss]) -> Iterator[StatusRow]:
    """Add up what was lost by kind and place; hours of different places are not added."""
    minutes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for loss in losses:
        minutes[loss.kind, _lost_where(loss)].append(60.0 * loss.lost_hours)
    for (kind, where), found in sorted(minutes.items()):
        state = f"{len(found)}, together {sum(found):.0f} min{where}"
        yield StatusRow(section="impediment", name=kind.replace("_", " "), state=state)


def _lost_where(loss: CoverageLoss) -> str:
    words = [f" at {loss.place_name}", f" on ground of {loss.ground_of}" if loss.ground_of else ""]
    words.append("" if loss.radius_m is None else f", within {loss.radius_m / 1_000.0:g} km")
    words.append(f", for {', '.join(loss.source_ids)}" if loss.source_ids else "")
    return "".join(words)


def _claim(claim: ClaimSummary) -> StatusRow:
    counts = ", ".join(f"{count_words(one.count)} {one.unit}" for one in claim.counts)
    span = f"{claim.window.start:%Y-%m-%d %H:%M} to {claim.window.end:%Y-%m-%d %H:%M}"
    return StatusRow(section="claim", name=f"{claim.claimant} about {claim.actor}", state=f"{span}, claimed: {counts}")
