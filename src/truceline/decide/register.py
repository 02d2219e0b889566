"""The register of guarantees as a view: what was said of every question by one day, and what nobody knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from truceline.model.guarantee import PARTICIPATION, QUESTIONS, Assertion, Pillar, StateName
from truceline.model.guarantee_view import GuaranteeCell

NOT_ENTERED = "nothing is entered"
"""What a cell says that no assertion is about."""


def holds_on(assertion: Assertion, as_of: date) -> bool:
    """Say whether an assertion had been made by a day, and says that it holds on it.

    >>> from truceline.model.guarantee import Assertion
    >>> made = date(2026, 1, 8)
    >>> one = Assertion(
    ...     assertion_id="a",
    ...     subject="XA",
    ...     predicate="programme",
    ...     answer="unknown",
    ...     asserted_at=made,
    ...     reliability="unknown",
    ...     entered_by="me",
    ... )
    >>> holds_on(one, date(2026, 1, 7)), holds_on(one, date(2026, 1, 8))
    (False, True)
    """
    begun = assertion.valid_from is None or assertion.valid_from <= as_of
    return assertion.asserted_at <= as_of and begun and (assertion.valid_to is None or as_of < assertion.valid_to)


def cells_on(assertions: Iterable[Assertion], *, states: Sequence[StateName], as_of: date) -> list[GuaranteeCell]:
    """Give every cell of every state as of a day, states by name and questions in their fixed order.

    Each question has at least one cell; without an assertion that holds on the day it is *unknown*.
    """
    found: dict[tuple[str, str], dict[str, list[Assertion]]] = defaultdict(lambda: defaultdict(list))
    for assertion in assertions:
        if holds_on(assertion, as_of):
            found[assertion.subject, assertion.predicate][assertion.topic].append(assertion)
    cells = []
    for state in sorted(states, key=lambda state: (state.name, state.code)):
        for pillar, question in _questions():
            topics = found.get((state.code, question)) or {"": []}
            cells += [_cell(state.code, pillar, question, (topic, topics[topic])) for topic in sorted(topics)]
    return cells


def history_of(assertions: Iterable[Assertion], *, subject: str, predicate: str | None = None) -> list[Assertion]:
    """Give everything that was ever said of a subject (and one question), in the order in which it was said."""
    chosen = (one for one in assertions if one.subject == subject and predicate in {None, one.predicate})
    return sorted(chosen, key=lambda one: (one.asserted_at, one.predicate, one.topic, one.assertion_id))


def _questions() -> Iterator[tuple[Pillar | None, str]]:
    yield None, PARTICIPATION
    for pillar, names in QUESTIONS.items():
        yield from ((pillar, name) for name in names)


def _cell(state: str, pillar: Pillar | None, question: str, about: tuple[str, list[Assertion]]) -> GuaranteeCell:
    """Put the newest assertions of one question and topic together; the order of entry is no matter."""
    topic, said = about
    if not said:
        return GuaranteeCell(
            state=state, pillar=pillar, predicate=question, topic=topic, answer="unknown", text=NOT_ENTERED
        )
    newest = max(one.asserted_at for one in said)
    current = sorted((one for one in said if one.asserted_at == newest), key=lambda one: one.assertion_id)
    answers = {one.answer for one in current}
    return GuaranteeCell(
        state=state,
        pillar=pillar,
        predicate=question,
        topic=topic,
        answer=current[0].answer if len(answers) == 1 else "undecided",
        text="; ".join(one.text for one in current if one.text),
        current=tuple(current),
        earlier_count=len(said) - len(current),
        is_disputed=len(answers) > 1,
    )
