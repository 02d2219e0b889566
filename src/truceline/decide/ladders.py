"""Domestic authority and deployment mandate of each state, by its own procedure and by what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from truceline.model.guarantee import Citation, Ladder, NationalProcedure, ProcedureRecord, ProcedureStep
from truceline.model.guarantee_view import LadderState, RungName

NATIONAL_LADDERS: tuple[Ladder, ...] = ("domestic_authority", "deployment_mandate")
"""The two ladders that a state climbs by its own law; consent to be bound is climbed between states."""


def national_ladder(
    procedures: Iterable[NationalProcedure],
    records: Sequence[ProcedureRecord],
    *,
    state: str,
    ladder: Ladder,
    as_of: date,
) -> LadderState:
    """Give how far a state has come on one of its own ladders by a day.

    Of several procedures the one with the latest record counts. Silence is consent only where a step of that very
    state's procedure holds a rule that says so, after its days, and with nobody's objection recorded.
    """
    own = sorted(
        (one for one in procedures if (one.state, one.ladder) == (state, ladder) and one.asserted_at <= as_of),
        key=lambda one: one.procedure_id,
    )
    if not own:
        return LadderState(state=state, ladder=ladder, rung="unknown", why="no national procedure is entered")
    known = {one.procedure_id: one for one in own}
    done = sorted(
        (one for one in records if one.procedure_id in known and one.done_on <= as_of),
        key=lambda one: (one.done_on, one.record_id),
    )
    if not done:
        return _without_record(own, state=state, ladder=ladder)
    procedure = known[done[-1].procedure_id]
    return _with_records(procedure, [one for one in done if one.procedure_id == procedure.procedure_id], as_of=as_of)


def _sources(procedure: NationalProcedure) -> list[Citation]:
    cited = [step.source for step in procedure.steps if step.source is not None]
    return cited + [step.silence.source for step in procedure.steps if step.silence is not None]


def _step_words(step: ProcedureStep) -> str:
    mark = "" if step.verified else " [unverified]"
    return f"{step.title} ({step.body}){mark}"


def _without_record(procedures: Sequence[NationalProcedure], *, state: str, ladder: Ladder) -> LadderState:
    """Nobody recorded a step: it is unknown how far the state has come, and what it would take is shown."""
    ways = [f"{one.title}: " + " -> ".join(_step_words(step) for step in one.steps) for one in procedures]
    steps = [step for one in procedures for step in one.steps]
    return LadderState(
        state=state,
        ladder=ladder,
        rung="unknown",
        why="no step is recorded",
        next_step="; or ".join(ways),
        sources=tuple(dict.fromkeys(source for one in procedures for source in _sources(one))),
        unverified_count=sum(not step.verified for step in steps),
    )


def _with_records(procedure: NationalProcedure, records: Sequence[ProcedureRecord], *, as_of: date) -> LadderState:
    last = records[-1]
    steps = {step.step_id: step for step in procedure.steps}
    rung, why = _rung(procedure, records, as_of=as_of)
    cited = [*(source for one in records for source in one.sources), *_sources(procedure)]
    return LadderState(
        state=procedure.state,
        ladder=procedure.ladder,
        rung=rung,
        why=f"{last.matter}: {why}",
        since=last.done_on,
        window_from=last.window_from,
        window_to=last.window_to,
        cap_text=last.cap_text,
        conditions=last.conditions,
        sources=tuple(dict.fromkeys(cited)),
        next_step=_next_step(procedure, last, rung),
        unverified_count=sum(not step.verified for step in steps.values()),
    )


def _rung(procedure: NationalProcedure, records: Sequence[ProcedureRecord], *, as_of: date) -> tuple[RungName, str]:
    """Give the rung that the last record leads to, and why."""
    last = records[-1]
    step = next(one for one in procedure.steps if one.step_id == last.step_id)
    title = f"{step.title} ({step.body}), {last.done_on}"
    if last.outcome == "failed":
        return "refused", f"{title}: did not pass"
    if last.outcome == "recalled":
        return "ended", f"{title}: recalled"
    if last.outcome == "objected":
        return "begun", f"{title}: objection, so the ordinary procedure is needed"
    if last.outcome == "passed" and step.decides:
        return _within_window(last, as_of=as_of, rung="granted", why=f"{title}: passed")
    if last.outcome == "begun" and step.silence is not None:
        return _after_silence(step, last, as_of=as_of, title=title)
    return "begun", f"{title}: {last.outcome}"


def _after_silence(step: ProcedureStep, last: ProcedureRecord, *, as_of: date, title: str) -> tuple[RungName, str]:
    """Apply a state's own rule of silence: only the day after its days have run out is it deemed granted."""
    assert step.silence is not None, "asked of steps that have such a rule"
    due = last.done_on + timedelta(days=step.silence.days)
    if as_of <= due:
        return "begun", f"{title}: {step.silence.objection_by} can object until {due}"
    why = f"{title}: no objection by {step.silence.objection_by} is recorded until {due}; deemed approved by that law"
    return _within_window(last, as_of=as_of, rung="deemed_granted", why=why)


def _within_window(record: ProcedureRecord, *, as_of: date, rung: RungName, why: str) -> tuple[RungName, str]:
    if record.window_to is not None and as_of > record.window_to:
        return "ended", f"{why}; ran until {record.window_to}"
    if record.window_from is not None and as_of < record.window_from:
        return rung, f"{why}; runs from {record.window_from}"
    return rung, why


def _next_step(procedure: NationalProcedure, last: ProcedureRecord, rung: RungName) -> str:
    if rung in {"granted", "deemed_granted", "refused"}:
        return ""
    ids = [step.step_id for step in procedure.steps]
    following = procedure.steps[ids.index(last.step_id) + 1 :]
    return " -> ".join(_step_words(step) for step in following)


def record_faults(procedures: Iterable[NationalProcedure], records: Iterable[ProcedureRecord]) -> dict[str, str]:
    """Give the records that cannot stand, each with the reason.

    They name a procedure or step which does not exist, or say *passed* of votes that do not reach the step's majority.
    """
    known = {one.procedure_id: {step.step_id: step for step in one.steps} for one in procedures}
    wrong = {}
    for one in records:
        if one.procedure_id not in known:
            wrong[one.record_id] = f"procedure_id={one.procedure_id!r} is not among the procedures"
        elif one.step_id not in known[one.procedure_id]:
            wrong[one.record_id] = f"step_id={one.step_id!r} is no step of {one.procedure_id}"
        elif not _reaches(known[one.procedure_id][one.step_id], one):
            threshold = known[one.procedure_id][one.step_id].threshold
            wrong[one.record_id] = (
                f"outcome='passed' does not go with votes {one.votes_for_count} to {one.votes_against_count} "
                f"and threshold={threshold!r}"
            )
    return wrong


def _reaches(step: ProcedureStep, record: ProcedureRecord) -> bool:
    """Say whether votes bear out that a step passed; of an absolute majority only that it is at least a simple one."""
    if record.outcome != "passed" or record.votes_for_count is None or record.votes_against_count is None:
        return True
    if step.threshold == "two_thirds":
        return 3 * record.votes_for_count >= 2 * (record.votes_for_count + record.votes_against_count)
    if step.threshold in {"simple", "absolute"}:
        return record.votes_for_count > record.votes_against_count
    return step.threshold != "consensus" or record.votes_against_count == 0
