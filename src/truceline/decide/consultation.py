"""The consultation as one pure transition function: who may do what next, and what it changes.

`step` is the only implementation: the stored consultations replay it, and the explorer of `truceline.testing` walks all
of it. Every law rests on a guard of `Guards`; the tests take each away once, and a law must then be broken. Whatever
is refused is refused with a reason. Clocks are acts of the machine (`clock`) that raise flags; nothing is decided,
started or ended by one, and silence is never consent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from truceline.decide.guards import (
    ALL_GUARDS,
    ALREADY,
    HAS_BASIS,
    MACHINE_DECIDES,
    MANDATE_OVER,
    NO_ASSIST,
    NO_BASIS,
    NO_BASIS_TO_MEET,
    NO_DECISION,
    NO_DISSENT,
    NO_MANDATE,
    NO_MEASURE,
    NO_NOTICE,
    NO_OWN_STEP,
    NO_VERSION,
    NOT_ACKNOWLEDGED,
    NOT_ASKED,
    NOT_CONSULTED,
    NOT_CURRENT,
    NOT_HEARD,
    NOT_OFFICE,
    NOT_OWN,
    NOT_RELEASED,
    NOT_SERVED,
    OTHER_STATE,
    REVIEW_OPEN,
    SILENCE,
    TOO_EARLY,
    UNREAD,
    WRONG_PHASE,
    WRONG_ROLE,
    Guards,
    Refusal,
)

Role = Literal["machine", "reviewers", "party", "commission", "secretariat", "liaison", "parliament", "office"]
"""Who acts; the last three are people of one guarantor, named by `actor_index`."""

Act = Literal[
    "draft",
    "release",
    "withdraw",
    "serve",
    "acknowledge",
    "deliver",
    "read",
    "ask",
    "reply",
    "non_reply",
    "find",
    "request",
    "meet",
    "conclude",
    "lapse",
    "mandate",
    "decide",
    "authorise",
    "start",
    "suspend",
    "end",
    "review",
    "clock",
]
"""What is done; `clock` says that a time limit passed."""

IN_FORCE = ("authorised", "executing", "suspended")
"""States in which a measure is in force."""


class Guarantor(NamedTuple):
    """One guarantor: what it was served and has read, its own step, its decision, its measures.

    `decided_by` keeps who entered the decision (role, index), so that a law can hold that against the state itself.
    `is_late` is a flag of a clock and has no other effect.
    """

    needs_mandate: bool
    served_index: int = 0
    acknowledged_index: int = 0
    notice: str = "none"
    mandate: str = "none"
    mandate_ended: bool = False
    outcome: str = "none"
    cites_index: int = 0
    decided_by: tuple[str, int] | None = None
    review: str = "none"
    measures: tuple[str, ...] = ()
    is_late: bool = False


class State(NamedTuple):
    """A whole consultation at one moment; versions and findings are counted from 1, guarantors from 0."""

    phase: str
    versions: tuple[str, ...]
    clarification: str
    findings: tuple[str, ...]
    flags: tuple[str, ...]
    guarantors: tuple[Guarantor, ...]


class Step(NamedTuple):
    """One act: what, by whom, about which guarantor and version, with which answer; `told` of a dissent's text."""

    act: str
    actor: str
    actor_index: int = -1
    guarantor_index: int = -1
    version_index: int = 0
    answer: str = ""
    measure_index: int = 0
    told: bool = False


ROLES: dict[str, tuple[str, ...]] = {
    "draft": ("machine", "reviewers"),
    "release": ("reviewers",),
    "withdraw": ("reviewers",),
    "serve": ("secretariat",),
    "acknowledge": ("liaison", "office"),
    "deliver": ("machine",),
    "read": ("liaison", "office"),
    "ask": ("secretariat",),
    "reply": ("party",),
    "non_reply": ("secretariat",),
    "find": ("commission",),
    "request": ("office",),
    "meet": ("secretariat",),
    "conclude": ("secretariat",),
    "lapse": ("secretariat",),
    "mandate": ("parliament",),
    "authorise": ("office",),
    "start": ("office",),
    "suspend": ("office",),
    "end": ("office",),
    "review": ("office",),
    "clock": ("machine",),
}
"""Who may do what; `decide` has guards of its own."""

NATIONAL_ACTS = frozenset(
    {"acknowledge", "read", "mandate", "authorise", "start", "suspend", "end", "review", "request"}
)
"""Acts that only a state's own people may do."""

Result = State | Refusal


def initial(needs_mandate: tuple[bool, ...]) -> State:
    """Give the state before anything happened, for guarantors that need a mandate of their parliament or do not."""
    return State("none", (), "none", (), (), tuple(Guarantor(one) for one in needs_mandate))


def step(state: State, act: Step, guards: Guards = ALL_GUARDS) -> State | Refusal:
    """Give the state after an act, or why the act has no effect; nothing else is read, neither clock nor store."""
    name = act.act
    if name != "decide" and guards.right_role and act.actor not in ROLES[name]:
        return WRONG_ROLE
    if name in NATIONAL_ACTS and guards.own_people and act.actor_index != act.guarantor_index:
        return NOT_OWN
    return _ACTS[name](state, act, guards)


def _status(state: State, version_index: int) -> str:
    return state.versions[version_index - 1] if 0 < version_index <= len(state.versions) else "none"


def _set(state: State, act: Step, **changed: Any) -> State:
    index = act.guarantor_index
    all_ = state.guarantors
    mine = all_[index]._replace(**changed)
    return State(*state[:5], (*all_[:index], mine, *all_[index + 1 :]))


def _with_status(state: State, version_index: int, status: str) -> State:
    versions = state.versions
    return state._replace(versions=(*versions[: version_index - 1], status, *versions[version_index:]))


def _told(state: State, guards: Guards) -> State:
    """Make a notice due to everyone ever served, and open a review of every decision that stands."""
    return state._replace(guarantors=tuple(_told_one(one, guards) for one in state.guarantors))


def _told_one(one: Guarantor, guards: Guards) -> Guarantor:
    is_standing = one.decided_by is not None and one.outcome != "revoked"
    return one._replace(
        notice="due" if one.served_index and guards.tells_everyone else one.notice,
        review="open" if is_standing and guards.flags_decisions else one.review,
    )


def _draft(state: State, act: Step, guards: Guards) -> Result:
    del guards
    if act.version_index != len(state.versions) + 1 or "draft" in state.versions:
        return NO_VERSION
    return state._replace(versions=(*state.versions, "draft"), findings=(*state.findings, "none"))


def _release(state: State, act: Step, guards: Guards) -> Result:
    if _status(state, act.version_index) != "draft":
        return NO_VERSION
    corrected = tuple("corrected" if one == "released" else one for one in state.versions)
    after = _with_status(state._replace(versions=corrected), act.version_index, "released")
    return after if act.version_index == 1 else _told(after, guards)


def _withdraw(state: State, act: Step, guards: Guards) -> Result:
    if _status(state, act.version_index) != "released":
        return NO_VERSION
    return _told(_with_status(state, act.version_index, "withdrawn"), guards)


def _serve(state: State, act: Step, guards: Guards) -> Result:
    status = _status(state, act.version_index)
    if status == "none":
        return NO_VERSION
    if guards.serves_released and status != "released":
        return NOT_RELEASED
    if act.version_index <= state.guarantors[act.guarantor_index].served_index:
        return ALREADY
    return _set(state, act, served_index=act.version_index)


def _acknowledge(state: State, act: Step, guards: Guards) -> Result:
    del guards
    one = state.guarantors[act.guarantor_index]
    if act.version_index != one.served_index or one.acknowledged_index == one.served_index:
        return NOT_SERVED
    return _set(state, act, acknowledged_index=one.served_index)


def _deliver(state: State, act: Step, guards: Guards) -> Result:
    del guards
    if state.guarantors[act.guarantor_index].notice != "due":
        return NO_NOTICE
    return _set(state, act, notice="delivered")


def _read(state: State, act: Step, guards: Guards) -> Result:
    del guards
    if state.guarantors[act.guarantor_index].notice != "delivered":
        return NO_NOTICE
    return _set(state, act, notice="none")


def _ask(state: State, act: Step, guards: Guards) -> Result:
    if state.clarification in {"asked", "overdue"}:
        return ALREADY
    status = _status(state, act.version_index)
    if status == "none":
        return NO_VERSION
    return NOT_RELEASED if guards.serves_released and status != "released" else state._replace(clarification="asked")


def _reply(state: State, act: Step, guards: Guards) -> Result:
    del act, guards
    return (
        state._replace(clarification="replied") if state.clarification in {"asked", "overdue", "silent"} else NOT_ASKED
    )


def _non_reply(state: State, act: Step, guards: Guards) -> Result:
    del act
    if state.clarification == "asked" and guards.clock_ran:
        return TOO_EARLY
    return state._replace(clarification="silent") if state.clarification in {"asked", "overdue"} else NOT_ASKED


def _find(state: State, act: Step, guards: Guards) -> Result:
    if _status(state, act.version_index) != "released":
        return NO_VERSION
    if guards.party_heard and state.clarification not in {"replied", "silent"}:
        return NOT_HEARD
    if guards.dissent_told and act.answer == "no_consensus" and not act.told:
        return NO_DISSENT
    answer = act.answer if act.told or act.answer != "no_consensus" else "no_consensus_untold"
    index = act.version_index
    if state.findings[index - 1] == answer:
        return ALREADY
    return state._replace(findings=(*state.findings[: index - 1], answer, *state.findings[index:]))


def _request(state: State, act: Step, guards: Guards) -> Result:
    if state.phase in {"requested", "open"}:
        return ALREADY
    acknowledged_index = state.guarantors[act.guarantor_index].acknowledged_index
    if guards.basis_first and _status(state, acknowledged_index) != "released":
        return NO_BASIS
    return state._replace(phase="requested")


def _meet(state: State, act: Step, guards: Guards) -> Result:
    del act
    if state.phase != "requested":
        return WRONG_PHASE
    return (
        NO_BASIS_TO_MEET if guards.basis_to_meet and "released" not in state.versions else state._replace(phase="open")
    )


def _conclude(state: State, act: Step, guards: Guards) -> Result:
    del act, guards
    return state._replace(phase="concluded") if state.phase == "open" else WRONG_PHASE


def _lapse(state: State, act: Step, guards: Guards) -> Result:
    del act
    if state.phase not in {"none", "requested", "open"} or not state.versions:
        return WRONG_PHASE
    if guards.lapse_without_basis and "released" in state.versions:
        return HAS_BASIS
    told = tuple(one._replace(notice="due") if one.served_index else one for one in state.guarantors)
    return state._replace(phase="lapsed", guarantors=told)


def _mandate(state: State, act: Step, guards: Guards) -> Result:
    """Record the parliament's own vote; a recall opens a review and ends nothing by itself."""
    del guards
    one = state.guarantors[act.guarantor_index]
    if not one.needs_mandate or (one.mandate == act.answer and not one.mandate_ended):
        return NO_MANDATE
    recalled = one.mandate == "granted" and act.answer == "refused" and one.outcome == "assist"
    review = "open" if recalled else one.review
    return _set(state, act, mandate=act.answer, mandate_ended=False, review=review)


def _wrong_decider(act: Step, guards: Guards) -> Refusal | None:
    if act.actor == "machine":
        return MACHINE_DECIDES if guards.machine_never_decides else None
    if act.actor_index < 0:
        return SILENCE if guards.silence_is_no_answer else None
    if act.actor_index != act.guarantor_index:
        return OTHER_STATE if guards.own_state_decides else None
    return NOT_OFFICE if guards.office_decides and act.actor != "office" else None


def _wrong_basis(state: State, act: Step, guards: Guards) -> Refusal | None:
    """Say why a version cannot be cited by this guarantor."""
    status = _status(state, act.version_index)
    if status == "none":
        return NO_VERSION
    if guards.cites_current and status != "released":
        return NOT_CURRENT
    acknowledged_index = state.guarantors[act.guarantor_index].acknowledged_index
    return NOT_ACKNOWLEDGED if guards.cites_acknowledged and acknowledged_index != act.version_index else None


def _decide(state: State, act: Step, guards: Guards) -> Result:
    if (wrong := _wrong_decider(act, guards)) is not None:
        return wrong
    if guards.consulted_first and state.phase not in {"open", "concluded"}:
        return NOT_CONSULTED
    if (wrong := _wrong_basis(state, act, guards)) is not None:
        return wrong
    one = state.guarantors[act.guarantor_index]
    if act.answer == "assist" and guards.own_constitutional_step and not has_own_step(one):
        return NO_OWN_STEP
    measures = one.measures if act.answer == "assist" else _ended(one.measures)
    by = (act.actor, act.actor_index)
    return _set(
        state,
        act,
        outcome=act.answer,
        cites_index=act.version_index,
        decided_by=by,
        review="none",
        measures=measures,
    )


def has_own_step(one: Guarantor) -> bool:
    """Say whether a guarantor's own rules let it assist at this moment."""
    return not one.needs_mandate or (one.mandate == "granted" and not one.mandate_ended)


def _ended(measures: tuple[str, ...]) -> tuple[str, ...]:
    return ("ended",) * len(measures)


def _authorise(state: State, act: Step, guards: Guards) -> Result:
    one = state.guarantors[act.guarantor_index]
    if act.measure_index != len(one.measures):
        return NO_MEASURE
    if guards.assist_first and one.outcome != "assist":
        return NO_ASSIST
    return _set(state, act, measures=(*one.measures, "authorised"))


def _start(state: State, act: Step, guards: Guards) -> Result:
    one = state.guarantors[act.guarantor_index]
    if _measure(one, act) not in {"authorised", "suspended"}:
        return NO_MEASURE
    if guards.notice_read_first and one.notice != "none":
        return UNREAD
    if guards.review_first and one.review == "open":
        return REVIEW_OPEN
    return MANDATE_OVER if guards.mandate_runs and not has_own_step(one) else _move(state, act, "executing")


def _suspend(state: State, act: Step, guards: Guards) -> Result:
    del guards
    found = _measure(state.guarantors[act.guarantor_index], act)
    return _move(state, act, "suspended") if found == "executing" else NO_MEASURE


def _end(state: State, act: Step, guards: Guards) -> Result:
    del guards
    found = _measure(state.guarantors[act.guarantor_index], act)
    return _move(state, act, "ended") if found in IN_FORCE else NO_MEASURE


def _measure(one: Guarantor, act: Step) -> str:
    return one.measures[act.measure_index] if 0 <= act.measure_index < len(one.measures) else "none"


def _move(state: State, act: Step, to: str) -> State:
    measures = state.guarantors[act.guarantor_index].measures
    return _set(state, act, measures=(*measures[: act.measure_index], to, *measures[act.measure_index + 1 :]))


def _review(state: State, act: Step, guards: Guards) -> Result:
    """Affirm, amend or revoke a flagged decision; only the state's own revocation ends its measures."""
    one = state.guarantors[act.guarantor_index]
    if one.review != "open":
        return NO_DECISION
    if act.answer == "affirm":
        return _set(state, act, review="affirmed")
    if act.answer == "revoke":
        return _set(state, act, review="none", outcome="revoked", measures=_ended(one.measures))
    wrong = _wrong_basis(state, act, guards)
    return _set(state, act, review="none", cites_index=act.version_index) if wrong is None else wrong


def _clock(state: State, act: Step, guards: Guards) -> Result:
    """Raise the flag of one clock; no clock does anything else."""
    del guards
    if act.answer == "clarification":
        return state._replace(clarification="overdue") if state.clarification == "asked" else NOT_ASKED
    if act.answer in {"answer", "mandate"}:
        return _national_clock(state, act)
    return ALREADY if act.answer in state.flags else state._replace(flags=tuple(sorted((*state.flags, act.answer))))


def _national_clock(state: State, act: Step) -> Result:
    one = state.guarantors[act.guarantor_index]
    if act.answer == "answer":
        return ALREADY if one.is_late or one.decided_by is not None else _set(state, act, is_late=True)
    is_running = one.mandate == "granted" and not one.mandate_ended
    return _set(state, act, mandate_ended=True) if is_running else NO_MANDATE


_ACTS: dict[str, Callable[[State, Step, Guards], Result]] = {
    "draft": _draft,
    "release": _release,
    "withdraw": _withdraw,
    "serve": _serve,
    "acknowledge": _acknowledge,
    "deliver": _deliver,
    "read": _read,
    "ask": _ask,
    "reply": _reply,
    "non_reply": _non_reply,
    "find": _find,
    "request": _request,
    "meet": _meet,
    "conclude": _conclude,
    "lapse": _lapse,
    "mandate": _mandate,
    "decide": _decide,
    "authorise": _authorise,
    "start": _start,
    "suspend": _suspend,
    "end": _end,
    "review": _review,
    "clock": _clock,
}
