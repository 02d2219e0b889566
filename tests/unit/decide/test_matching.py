"""Laws of matching: by name whatever is offered, unmet until people say otherwise, nothing to rank by."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.decide.matching import match_rows
from truceline.decide.register_view import view_on
from truceline.model.guarantee import Assertion, GuaranteeRegister, Instrument
from truceline.model.guarantee_view import MatchRow
from unit.decide.guarantee_made import DAY, STATES, day, instrument, noted, procedure, said, step, support


def rows(assertions: list[Assertion], **asked: Any) -> list[MatchRow]:
    """Give the rows of a register with one mandate and some support of XA."""
    register = GuaranteeRegister(
        states=tuple(reversed(STATES)),
        assertions=tuple(assertions),
        procedures=(procedure(step("vote", decides=True)),),
        procedure_records=(noted("vote", "passed", 0, window_to=day(9), cap_text="500", conditions=("rules",)),),
        support=(support("c", "commitment", 9), support("a", "allocation", 8), support("d", "delivery", 5)),
    )
    return match_rows(view_on(register, as_of=DAY), **asked)


def test_a_row_has_ladders_windows_conditions_backlog_and_what_is_unknown() -> None:
    """Everything people need of one guarantor stands in its row, with unknown questions by name."""
    told = [said("conditional"), said("refused", predicate="facility_offer")]
    first = rows(told)[0]

    assert {"granted"} == {one.rung for one in first.ladders if one.ladder == "deployment_mandate"}
    assert ("500", day(9)) == next((one.cap_text, one.window_to) for one in first.ladders if one.cap_text)
    assert (("rules", "truce"), ()) == (first.conditions_unmet, first.conditions_met)
    assert ["ground_force", "facility_offer"] == [one.predicate for one in (*first.offers, *first.refusals)]
    assert "milestone" in first.unknown_questions
    assert [Decimal(3)] == [one.backlog for one in first.support]


def test_a_condition_is_met_only_where_people_said_so_word_for_word() -> None:
    """No condition is taken as met from anything but people's own words."""
    first = rows([said("conditional")], conditions_met=["truce", "Rules"])[0]

    assert (("rules",), ("truce",)) == (first.conditions_unmet, first.conditions_met)


def test_what_is_asked_limits_offers_and_what_has_no_kind_stays() -> None:
    """Offers of other kinds are left out, offers without a kind are not, and support follows its kind."""
    told = [
        said(predicate="force_contribution", topic="sea", capabilities=("military",)),
        said(predicate="force_contribution", topic="roads", capabilities=("logistical",)),
        said(predicate="programme"),
    ]
    first = rows(told, asked=["logistical"])[0]

    assert ["roads", ""] == [one.topic for one in first.offers]
    assert () == first.support
    assert 3 == len(rows(told)[0].offers)


def test_only_named_guarantors_are_shown() -> None:
    """A consultation shows its own guarantors and no other state."""
    assert ["XB", "XD"] == [one.state.code for one in rows([], guarantors={"XD", "XB"})]


offers = st.lists(
    st.builds(
        said,
        st.sampled_from(["stated", "conditional", "refused", "none", "unknown"]),
        subject=st.sampled_from([state.code for state in STATES]),
        predicate=st.sampled_from(["ground_force", "force_contribution", "programme"]),
        topic=st.sampled_from(["", "a", "b"]),
    ),
    max_size=25,
)


@given(offers, st.randoms(use_true_random=False))
def test_rows_stand_by_name_whatever_is_offered(told: list[Assertion], chance: random.Random) -> None:
    """No offer, refusal or amount moves a row: the order is that of the names."""
    mixed = list(told)
    chance.shuffle(mixed)

    assert ["XA", "XB", "XC", "XD"] == [one.state.code for one in rows(mixed)]


def test_a_row_has_no_number_to_rank_by() -> None:
    """No field of a row is a number, and rows cannot be compared with each other."""
    kinds = {type(getattr(rows([])[0], name)) for name in MatchRow.__struct_fields__}

    assert not kinds & {int, float, Decimal}
    with pytest.raises(TypeError):
        sorted(rows([]))  # type: ignore[type-var]


def test_an_instrument_has_a_source() -> None:
    """No text is taken for an instrument without a place where it was read."""
    assert isinstance(instrument(None), Instrument)
    with pytest.raises(ValueError, match="no source"):
        instrument(None, sources=())
