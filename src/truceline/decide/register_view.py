"""Puts the whole register of guarantees together as of one day: answers, ladders, instruments, support, facilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from truceline.decide.force import is_there
from truceline.decide.instruments import consent_ladder, entry_state
from truceline.decide.ladders import NATIONAL_LADDERS, national_ladder
from truceline.decide.pledges import RUNGS, sum_over_donors, support_totals
from truceline.decide.register import cells_on
from truceline.model.guarantee import GuaranteeRegister, Instrument, StateName
from truceline.model.guarantee_view import LadderState, RegisterView, SupportSum


def view_on(register: GuaranteeRegister, *, as_of: date) -> RegisterView:
    """Give the register as it stood on a day; what was entered or done later has no part in it."""
    guarantors = (state for state in register.states if state.kind != "body")
    states = tuple(sorted(guarantors, key=lambda state: (state.name, state.code)))
    instruments = sorted(
        (one for one in register.instruments if one.asserted_at <= as_of), key=lambda one: one.instrument_id
    )
    support = support_totals(register.support, as_of=as_of)
    return RegisterView(
        as_of=as_of,
        states=states,
        cells=tuple(cells_on(register.assertions, states=states, as_of=as_of)),
        ladders=tuple(ladder for state in states for ladder in _ladders(state, register, instruments, as_of)),
        instruments=tuple(entry_state(one, register.actions, as_of=as_of) for one in instruments),
        support=tuple(support),
        sums=tuple(
            SupportSum(rung=rung, currency=currency, amount=amount)
            for rung in RUNGS
            for currency, amount in sum_over_donors(support, rung).items()
        ),
        facilities=tuple(
            sorted((one for one in register.facilities if is_there(one, as_of)), key=lambda one: one.facility_id)
        ),
    )


def _ladders(
    state: StateName, register: GuaranteeRegister, instruments: Sequence[Instrument], as_of: date
) -> Iterator[LadderState]:
    yield consent_ladder(state.code, instruments, register.actions, as_of=as_of)
    for ladder in NATIONAL_LADDERS:
        yield national_ladder(
            register.procedures, register.procedure_records, state=state.code, ladder=ladder, as_of=as_of
        )
