"""The laws of the consultation: of every state (I1-I8) and of every act (T1-T11), each said apart from `step`.

They are what the explorer holds against every reachable state and what the stored consultations are tested against;
they read states only, never a guard. An act's law gets the state before, the act and the state after.
"""

from __future__ import annotations

from truceline.decide.consultation import IN_FORCE, Guarantor, State, Step

DECIDED = frozenset({"assist", "no", "abstain", "defer"})
"""Outcomes under which a decision stands; a revoked one does not."""

OWN_PEOPLE = frozenset({"office", "parliament", "liaison"})
"""Roles of a guarantor's own people."""


def broken_by_state(state: State) -> str | None:
    """Name the first law that a state breaks, or give `None`."""
    if "no_consensus_untold" in state.findings:
        return "I7: no consensus carries a dissent"
    for index, one in enumerate(state.guarantors):
        if one.served_index and state.versions[one.served_index - 1] == "draft":
            return "I8: a draft is never served"
        if (found := _broken_by_guarantor(state, index, one)) is not None:
            return found
    return None


def _broken_by_guarantor(state: State, index: int, one: Guarantor) -> str | None:
    if one.outcome == "none":
        return "I2: a measure in force needs the own 'assist'" if one.measures else None
    if one.decided_by != ("office", index):
        return "I1: a decision is that state's own recorded human's"
    if one.outcome != "assist" and any(measure in IN_FORCE for measure in one.measures):
        return "I2: a measure in force needs the own 'assist'"
    status = state.versions[one.cites_index - 1]
    if one.outcome in DECIDED and status == "draft":
        return "I6: no decision cites a draft"
    if one.cites_index > one.acknowledged_index:
        return "I3: a decision cites a version that was acknowledged"
    if one.outcome in DECIDED and status != "released" and one.review not in {"open", "affirmed"}:
        return "I5: a decision on a corrected or withdrawn version is flagged for review"
    return None


def broken_by_step(before: State, act: Step, after: State) -> str | None:
    """Name the first law that an act breaks, or give `None`."""
    if act.actor == "machine" and (found := _broken_by_machine(before, after)) is not None:
        return found
    if before.guarantors is not after.guarantors and (found := _broken_by_people(before, act, after)) is not None:
        return found
    return _broken_by_order(before, act, after)


def _broken_by_machine(before: State, after: State) -> str | None:
    if before.findings != after.findings[: len(before.findings)]:
        return "T4: the machine changes no finding"
    if before.versions != after.versions and after.versions != (*before.versions, "draft"):
        return "T4: the machine releases and withdraws nothing"
    if before.phase != after.phase or before.clarification != after.clarification not in {"overdue"}:
        return "T1: the machine opens, answers and ends nothing"
    if [_political(one) for one in before.guarantors] != [_political(one) for one in after.guarantors]:
        return "T1: the machine changes no decision, measure or mandate"
    return None


def _political(one: Guarantor) -> tuple[object, ...]:
    return one.outcome, one.cites_index, one.decided_by, one.measures, one.mandate, one.acknowledged_index


def _broken_by_people(before: State, act: Step, after: State) -> str | None:
    for index, (old, new) in enumerate(zip(before.guarantors, after.guarantors, strict=True)):
        if old is new:
            continue
        is_own = act.actor in OWN_PEOPLE and act.actor_index == index
        if not is_own and (_political(old) != _political(new) or (old.review == "open" != new.review)):
            return "T2: only a guarantor's own people change its part"
        if not is_own and old.notice == "delivered" and new.notice == "none":
            return "T2: only a guarantor's own people read its notices"
        if (found := _broken_by_measure(before, old, new)) is not None:
            return found
    return None


def _broken_by_measure(before: State, old: Guarantor, new: Guarantor) -> str | None:
    """Hold what a guarantor's own change rests on: no start past a notice, a review or a mandate's end."""
    has_own_step = not old.needs_mandate or (old.mandate == "granted" and not old.mandate_ended)
    if _executing_count(new) > _executing_count(old):
        if old.notice != "none" or old.review == "open":
            return "T3: nothing starts while a notice is unread or a review open"
        if not has_own_step:
            return "T8: nothing starts without the mandate that it needs"
    if new.decided_by is not None and (old.outcome, old.cites_index) != (new.outcome, new.cites_index):
        if new.outcome == "assist" and old.outcome != "assist" and not has_own_step:
            return "I4: 'assist' needs the own constitutional step"
        if before.phase not in {"open", "concluded"} and old.decided_by is None:
            return "T9: a decision follows a consultation"
    return None


def _executing_count(one: Guarantor) -> int:
    return one.measures.count("executing")


def _broken_by_order(before: State, act: Step, after: State) -> str | None:
    if before.versions != after.versions and (found := _untold(before, after)) is not None:
        return found
    if before.findings != after.findings and before.clarification not in {"replied", "silent"} and act.act == "find":
        return "T7: a finding hears the party, or records that it did not reply"
    if after.clarification == "silent" != before.clarification and before.clarification != "overdue":
        return "T6: a non-reply is recorded only after its time"
    return _broken_by_phase(before, act, after) if before.phase != after.phase else None


def _untold(before: State, after: State) -> str | None:
    """Hold that a correction, a withdrawal or a reissue tells all who were ever served and flags what they decided."""
    is_new = before.versions.count("draft") > after.versions.count("draft") and len(after.versions) > 1
    is_taken_back = after.versions.count("withdrawn") > before.versions.count("withdrawn")
    if not (is_new or is_taken_back):
        return None
    for one in after.guarantors:
        if one.served_index and one.notice != "due":
            return "T5: a correction or withdrawal notifies everyone ever served"
        if one.outcome in DECIDED and one.review != "open":
            return "T5: a correction or withdrawal flags every decision"
    return None


def _broken_by_phase(before: State, act: Step, after: State) -> str | None:
    stands = "released" in before.versions
    if after.phase == "open" and not stands:
        return "T10: a consultation meets on a released version"
    if after.phase == "requested":
        one = before.guarantors[act.guarantor_index]
        if not one.acknowledged_index or before.versions[one.acknowledged_index - 1] != "released":
            return "T10: a request rests on a version that stands and was acknowledged"
    return "T11: nothing lapses while a released version stands" if after.phase == "lapsed" and stands else None


def is_at_rest(state: State) -> bool:
    """Say whether all is said: concluded or lapsed, every notice delivered and read, every flag set."""
    if state.phase not in {"concluded", "lapsed"}:
        return False
    return all(one.notice == "none" for one in state.guarantors) and broken_by_state(state) is None
