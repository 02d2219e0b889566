"""What each guarantor could bring to a consultation, laid side by side for people: no order of merit, no tasking."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from truceline.model.guarantee import Capability, StateName
from truceline.model.guarantee_view import GuaranteeCell, LadderState, MatchRow, RegisterView

OFFERED = frozenset({"stated", "conditional", "undecided", "reported"})
"""Answers that are shown as something on offer, each with its own word; *reported* is not the state's own."""


def match_rows(
    view: RegisterView,
    *,
    asked: Sequence[Capability] = (),
    guarantors: Collection[str] | None = None,
    conditions_met: Collection[str] = (),
) -> list[MatchRow]:
    """Give one row for each guarantor, in the order of names, whatever they offer.

    `asked` limits offers and support to kinds of measures (all where empty); `conditions_met` are those conditions that
    people declared met, word for word: no program judges that. An offer that no kind is entered for is always shown.
    """
    states = [one for one in view.states if guarantors is None or one.code in guarantors]
    ordered = sorted(states, key=lambda one: (one.name, one.code))
    return [_row(one, view, asked=tuple(asked), conditions_met=frozenset(conditions_met)) for one in ordered]


def _row(
    state: StateName, view: RegisterView, *, asked: tuple[Capability, ...], conditions_met: frozenset[str]
) -> MatchRow:
    cells = [one for one in view.cells if one.state == state.code and one.pillar is not None]
    ladders = tuple(one for one in view.ladders if one.state == state.code)
    offers = tuple(one for one in cells if one.answer in OFFERED and _is_asked(one, asked))
    conditions = _conditions(offers, ladders)
    return MatchRow(
        state=state,
        ladders=ladders,
        asked=asked,
        offers=offers,
        refusals=tuple(one for one in cells if one.answer in {"refused", "none"} and _is_asked(one, asked)),
        unknown_questions=tuple(dict.fromkeys(one.predicate for one in cells if one.answer == "unknown")),
        conditions_unmet=tuple(one for one in conditions if one not in conditions_met),
        conditions_met=tuple(one for one in conditions if one in conditions_met),
        support=tuple(
            one for one in view.support if one.donor == state.code and (not asked or one.capability in asked)
        ),
    )


def _is_asked(cell: GuaranteeCell, asked: tuple[Capability, ...]) -> bool:
    kinds = {kind for one in cell.current for kind in one.capabilities}
    return not asked or not kinds or bool(kinds & set(asked))


def _conditions(offers: Sequence[GuaranteeCell], ladders: Sequence[LadderState]) -> list[str]:
    """Give every condition of the offers and mandates once, in the order of the alphabet."""
    named = {text for cell in offers for one in cell.current for text in one.conditions}
    return sorted(named | {text for ladder in ladders for text in ladder.conditions})
