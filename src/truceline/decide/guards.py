"""The guards of the consultation, each named once, and what is said where one refuses an act."""

from __future__ import annotations

from typing import NamedTuple


class Guards(NamedTuple):
    """Every condition that a law rests on; all hold in use, and a test takes one away at a time."""

    right_role: bool = True
    own_people: bool = True
    machine_never_decides: bool = True
    silence_is_no_answer: bool = True
    own_state_decides: bool = True
    office_decides: bool = True
    consulted_first: bool = True
    cites_current: bool = True
    cites_acknowledged: bool = True
    own_constitutional_step: bool = True
    assist_first: bool = True
    notice_read_first: bool = True
    review_first: bool = True
    mandate_runs: bool = True
    tells_everyone: bool = True
    flags_decisions: bool = True
    serves_released: bool = True
    party_heard: bool = True
    dissent_told: bool = True
    clock_ran: bool = True
    basis_first: bool = True
    basis_to_meet: bool = True
    lapse_without_basis: bool = True


ALL_GUARDS = Guards()


class Refusal(NamedTuple):
    """Why an act has no effect: the guard or the missing thing, and a sentence about it."""

    guard: str
    reason: str


WRONG_ROLE = Refusal("right_role", "this act is not this role's to do")
NOT_OWN = Refusal("own_people", "only a guarantor's own people act for it")


def _missing(reason: str) -> Refusal:
    return Refusal("order", reason)


NO_VERSION = _missing("there is no such version, or it is not in the state for this")
NOT_SERVED = _missing("nothing newer was served to this guarantor")
NO_NOTICE = _missing("there is no such notice")
NOT_ASKED = _missing("no clarification was asked that this could answer")
NO_DECISION = _missing("there is no decision that needs this")
NO_MEASURE = _missing("there is no measure in the state for this")
NO_MANDATE = _missing("this guarantor's own rules need no mandate, or it is so already")
WRONG_PHASE = _missing("the consultation is not in the state for this")
ALREADY = _missing("it is so already")
MACHINE_DECIDES = Refusal("machine_never_decides", "a program never decides")
SILENCE = Refusal("silence_is_no_answer", "silence is not an answer, and nobody enters one for a silent state")
OTHER_STATE = Refusal("own_state_decides", "no state decides for another")
NOT_OFFICE = Refusal("office_decides", "only a named office-holder of the state decides")
NOT_CONSULTED = Refusal("consulted_first", "no consultation was held")
NOT_CURRENT = Refusal("cites_current", "the version cited is not the one that stands: draft, corrected or withdrawn")
NOT_ACKNOWLEDGED = Refusal("cites_acknowledged", "the version cited was not acknowledged by this guarantor")
NO_OWN_STEP = Refusal("own_constitutional_step", "this guarantor's own constitutional step is not done, or it ended")
NO_ASSIST = Refusal("assist_first", "this guarantor has not decided to assist")
UNREAD = Refusal("notice_read_first", "a notice of correction, withdrawal or lapse is unread")
REVIEW_OPEN = Refusal("review_first", "the decision is flagged for review: affirm, amend or revoke it first")
MANDATE_OVER = Refusal("mandate_runs", "the mandate was recalled or has ended")
NOT_RELEASED = Refusal("serves_released", "only a released version is served or found upon")
NOT_HEARD = Refusal("party_heard", "the party was not asked, or neither replied nor let its time pass")
NO_DISSENT = Refusal("dissent_told", "no consensus is recorded with the dissent's text")
TOO_EARLY = Refusal("clock_ran", "the time to reply has not passed")
NO_BASIS = Refusal("basis_first", "a request needs a standing version that the requesting guarantor acknowledged")
NO_BASIS_TO_MEET = Refusal("basis_to_meet", "no released version stands")
HAS_BASIS = Refusal("lapse_without_basis", "a released version stands, so the consultation does not lapse")
