"""Laws of the register of guarantees as a view: sourced or unknown, by day, whatever the order of entry."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.decide.register import NOT_ENTERED, cells_on, history_of
from truceline.decide.register_view import view_on
from truceline.model.guarantee import QUESTIONS, Assertion, Citation, GuaranteeRegister, StateName
from truceline.model.guarantee_view import GuaranteeCell
from unit.decide.guarantee_made import CODES, DAY, SOURCE, STATES, day, instrument, said


def cell(assertions: list[Assertion], as_of: date = DAY, question: str = "ground_force") -> GuaranteeCell:
    """Give the one cell of XA for a question."""
    (found,) = [one for one in cells_on(assertions, states=STATES[:1], as_of=as_of) if one.predicate == question]
    return found


def test_unknown_none_and_refused_are_three_answers() -> None:
    """What nobody knows, what is not there and what was refused are never taken for each other."""
    answers = [cell([said(answer)]).answer for answer in ("unknown", "none", "refused")]

    assert ["unknown", "none", "refused"] == answers
    assert ("unknown", NOT_ENTERED) == (cell([]).answer, cell([]).text)


def test_a_later_assertion_takes_the_place_from_its_day_on() -> None:
    """The past is shown as it was known then, and nothing that was said is lost."""
    told = [said("stated"), said("refused", asserted_at=day(5))]

    assert ["unknown", "stated", "stated", "refused"] == [cell(told, day(n)).answer for n in (-1, 0, 4, 5)]
    assert 1 == cell(told, day(5)).earlier_count
    assert told == history_of(told, subject="XA", predicate="ground_force")
    assert [] == history_of(told, subject="XA", predicate="milestone")


def test_a_span_ends_before_its_last_day() -> None:
    """An assertion holds from its first day to before its last, and not outside."""
    told = [said(valid_from=day(2), valid_to=day(4))]

    assert ["unknown", "stated", "stated", "unknown"] == [cell(told, day(n)).answer for n in (1, 2, 3, 4)]


def test_sources_of_one_day_that_differ_are_shown_as_disputed() -> None:
    """Where the newest assertions differ, both stand and neither is chosen."""
    found = cell([said("stated", text="yes"), said("refused", text="no", assertion_id="b")])

    assert (True, "undecided", "yes; no") == (found.is_disputed, found.answer, found.text)
    assert (SOURCE, SOURCE) == found.sources


def test_topics_of_one_question_stand_apart() -> None:
    """An answer about ships does not take the place of one about aircraft."""
    told = [said(predicate="force_contribution", topic=topic) for topic in ("sea", "air")]
    found = cells_on(told, states=STATES[:1], as_of=DAY)

    assert ["air", "sea"] == [one.topic for one in found if one.predicate == "force_contribution"]


assertions = st.builds(
    said,
    st.sampled_from(["stated", "refused", "none", "unknown", "conditional"]),
    subject=st.sampled_from(CODES),
    predicate=st.sampled_from([name for names in QUESTIONS.values() for name in names]),
    topic=st.sampled_from(["", "sea"]),
    asserted_at=st.integers(0, 9).map(day),
    assertion_id=st.uuids().map(str),
)


@given(st.lists(assertions, max_size=30), st.integers(-1, 10), st.randoms(use_true_random=False))
def test_every_cell_has_a_source_or_is_unknown(told: list[Assertion], days: int, chance: random.Random) -> None:
    """For any assertions in any order, each question of each state has a cell, with a source or unknown."""
    found = cells_on(told, states=STATES, as_of=day(days))
    mixed = list(told)
    chance.shuffle(mixed)

    assert all(one.sources or one.answer == "unknown" for one in found if not one.is_disputed)
    assert len({(one.state, one.predicate) for one in found}) == len(STATES) * (
        1 + sum(len(names) for names in QUESTIONS.values())
    )
    assert found == cells_on(mixed, states=STATES, as_of=day(days))


@given(st.lists(assertions, max_size=20), st.lists(assertions, max_size=20), st.integers(0, 9))
def test_what_is_said_later_changes_no_earlier_day(told: list[Assertion], more: list[Assertion], days: int) -> None:
    """The view of a past day stays the same, whatever is entered with a later date."""
    later = [one for one in more if one.asserted_at > day(days)]

    assert cells_on(told, states=STATES, as_of=day(days)) == cells_on(told + later, states=STATES, as_of=day(days))


def test_bodies_are_no_guarantors_and_later_instruments_not_yet_known() -> None:
    """A body has no row among the states, and an instrument is not known before somebody said it exists."""
    body = StateName(code="XE", name="Union", row_index=0, column_index=0, kind="body")
    register = GuaranteeRegister(states=(*STATES, body), instruments=(instrument(None, asserted_at=day(3)),))

    assert STATES == view_on(register, as_of=DAY).states
    assert [0, 1] == [len(view_on(register, as_of=day(n)).instruments) for n in (2, 3)]
    assert {"consent_to_be_bound", "domestic_authority", "deployment_mandate"} == {
        one.ladder for one in view_on(register, as_of=DAY).ladders if one.state == "XA"
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"predicate": "mood"}, "predicate='mood'"),
        ({"sources": ()}, "has no source"),
        ({"answer": "conditional", "conditions": ()}, "names no condition"),
        ({"valid_from": day(2), "valid_to": day(1)}, "is before valid_from"),
        ({"entered_by": " "}, "entered_by is empty"),
    ],
)
def test_an_assertion_that_cannot_stand_says_why(content: dict[str, object], reason: str) -> None:
    """A record that lacks its ground is not built."""
    with pytest.raises(ValueError, match=reason):
        said(**content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [({"url": ""}, "must not be empty"), ({"archive_sha256": "ab"}, "64 hexadecimal digits")],
)
def test_a_source_says_where_it_is(content: dict[str, str], reason: str) -> None:
    """A source without a place, or with a hash that is none, is not built."""
    with pytest.raises(ValueError, match=reason):
        Citation(**({"url": "x", "publisher": "y"} | content))

    assert "0" * 64 == Citation(url="x", publisher="y", archive_sha256="0" * 64).archive_sha256


def test_a_state_has_two_letters() -> None:
    """A code that is not of two capital letters names no state."""
    with pytest.raises(ValueError, match="two capital letters"):
        StateName(code="xa", name="x", row_index=0, column_index=0)
