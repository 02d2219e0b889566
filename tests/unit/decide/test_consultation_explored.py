"""Every reachable state of the consultation, and what each guard is there for."""

from __future__ import annotations

import pytest

from truceline.decide.consultation import Step, initial, step
from truceline.decide.guards import ALL_GUARDS, Guards
from truceline.decide.invariants import broken_by_state
from truceline.testing.consultation_explorer import HEARING, ONE, TWO, explore

LAW_OF_GUARD = {
    "right_role": "T1",
    "own_people": "T2",
    "machine_never_decides": "T1",
    "silence_is_no_answer": "T2",
    "own_state_decides": "T2",
    "office_decides": "I1",
    "consulted_first": "T9",
    "cites_current": "I5",
    "cites_acknowledged": "I3",
    "own_constitutional_step": "I4",
    "assist_first": "I2",
    "notice_read_first": "T3",
    "review_first": "T3",
    "mandate_runs": "T8",
    "tells_everyone": "T5",
    "flags_decisions": "T5",
    "serves_released": "I8",
    "party_heard": "T7",
    "dissent_told": "I7",
    "clock_ran": "T6",
    "basis_first": "T10",
    "basis_to_meet": "T10",
    "lapse_without_basis": "T11",
}
"""Which law breaks first where a guard is taken away; each guard has one, so none is empty."""

HEARING_GUARDS = ("party_heard", "dissent_told", "clock_ran")


@pytest.mark.no_cover  # millions of steps: traced it takes twice as long, and reaches no branch that others do not
def test_every_state_of_one_guarantor_keeps_every_law() -> None:
    """No reachable state or act of one guarantor breaks a law, and rest can be reached from each state."""
    found = explore(ONE)

    assert found.broken is None, found.path
    assert found.state_count >= 30_000
    assert 0 == found.stuck_count


def test_every_state_of_the_hearing_keeps_every_law() -> None:
    """The commission, the party that it hears and its clock keep every law in every state."""
    found = explore(HEARING)

    assert (None, 0) == (found.broken, found.stuck_count)


@pytest.mark.long
def test_every_state_of_two_guarantors_keeps_every_law() -> None:
    """With two guarantors, one of which asks its parliament, no law breaks in any of over 1.2 million states."""
    found = explore(TWO)

    assert found.broken is None, found.path
    assert found.state_count >= 1_200_000
    assert 0 == found.stuck_count


@pytest.mark.parametrize("guard", Guards._fields)
def test_a_guard_taken_away_breaks_its_law(guard: str) -> None:
    """Each guard holds a law: without it the same function reaches a state or act that breaks that law."""
    alphabet = HEARING if guard in HEARING_GUARDS else ONE
    found = explore(alphabet, ALL_GUARDS._replace(**{guard: False}))

    assert found.broken is not None
    assert LAW_OF_GUARD[guard] == found.broken.partition(":")[0]
    assert 0 < len(found.path) <= 13


def test_a_decision_on_a_draft_needs_two_faults() -> None:
    """The law against decisions on drafts is not empty: where drafts are served and any version cited, it breaks."""
    guards = ALL_GUARDS._replace(serves_released=False, cites_current=False, basis_first=False, basis_to_meet=False)
    state = initial((False,))
    for act in (
        Step("draft", "machine", version_index=1),
        Step("serve", "secretariat", -1, 0, 1),
        Step("acknowledge", "liaison", 0, 0, 1),
        Step("request", "office", 0, 0),
        Step("meet", "secretariat"),
        Step("decide", "office", 0, 0, 1, "no"),
    ):
        after = step(state, act, guards)
        assert not isinstance(after, tuple) or hasattr(after, "phase"), after
        state = after  # type: ignore[assignment]
    drafted = state._replace(guarantors=(state.guarantors[0]._replace(served_index=0),))

    assert "I6: no decision cites a draft" == broken_by_state(drafted)
