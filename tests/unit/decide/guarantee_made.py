"""Made-up records of the register of guarantees: states XA to XD, which do not exist."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from truceline.model.guarantee import (
    Assertion,
    Citation,
    EntryRule,
    Instrument,
    NationalProcedure,
    ProcedureRecord,
    ProcedureStep,
    SilenceRule,
    StateName,
    SupportStep,
    TreatyAction,
)

DAY = date(2026, 1, 1)
SOURCE = Citation(url="gazette 1", publisher="a gazette", published=DAY)
CODES = ("XA", "XB", "XC", "XD")
STATES = tuple(
    StateName(code=code, name=f"State {code}", row_index=0, column_index=index) for index, code in enumerate(CODES)
)


def day(days: int) -> date:
    """Give a day by its number."""
    return DAY + timedelta(days=days)


def said(answer: Any = "stated", **given: Any) -> Assertion:
    """Give an assertion of XA about its forces on the ground."""
    content = {
        "assertion_id": f"a-{given}",
        "subject": "XA",
        "predicate": "ground_force",
        "answer": answer,
        "asserted_at": DAY,
        "reliability": "official",
        "entered_by": "test",
        "sources": () if answer == "unknown" else (SOURCE,),
        "conditions": ("truce",) if answer == "conditional" else (),
    }
    return Assertion(**(content | given))


def instrument(rule: EntryRule | None, **given: Any) -> Instrument:
    """Give a treaty between all made-up states."""
    content = {
        "instrument_id": "pact",
        "title": "Pact",
        "kind": "treaty",
        "binding": "legal",
        "states": CODES,
        "asserted_at": DAY,
        "sources": (SOURCE,),
        "entry_rule": rule,
    }
    return Instrument(**(content | given))


def act(state: str, action: Any, days: int, effect_days: int | None = None) -> TreatyAction:
    """Give what a state did about the pact on a day."""
    return TreatyAction(
        action_id=f"{state}-{action}-{days}",
        instrument_id="pact",
        state=state,
        action=action,
        done_at=day(days),
        effect_at=None if effect_days is None else day(effect_days),
        sources=(SOURCE,),
    )


def step(
    step_id: str, *, decides: bool = False, silence_days: int | None = None, verified: bool = True
) -> ProcedureStep:
    """Give a step of a procedure."""
    silence = None
    if silence_days is not None:
        silence = SilenceRule(days=silence_days, objection_by="a tenth of the house", source=SOURCE)
    return ProcedureStep(
        step_id=step_id,
        body="House",
        title=f"step {step_id}",
        threshold="simple",
        verified=verified,
        source=SOURCE if verified else None,
        decides=decides,
        silence=silence,
    )


def procedure(*steps: ProcedureStep, state: str = "XA", name: str = "law") -> NationalProcedure:
    """Give a procedure towards a deployment mandate."""
    return NationalProcedure(
        procedure_id=f"{state}-{name}",
        state=state,
        ladder="deployment_mandate",
        title=name,
        asserted_at=DAY,
        steps=steps,
    )


def noted(step_id: str, outcome: Any, days: int, name: str = "XA-law", **given: Any) -> ProcedureRecord:
    """Give what became of a step on a day."""
    return ProcedureRecord(
        record_id=f"{name}-{step_id}-{outcome}-{days}",
        procedure_id=name,
        step_id=step_id,
        matter="force of 2026",
        outcome=outcome,
        done_on=day(days),
        sources=(SOURCE,),
        **given,
    )


def support(step_id: str, rung: Any, amount: int | Decimal, days: int = 0, **given: Any) -> SupportStep:
    """Give an amount on a rung."""
    content = {
        "step_id": step_id,
        "donor": "XA",
        "item": "shells",
        "currency": "EUR",
        "rung": rung,
        "amount": Decimal(amount),
        "done_on": day(days),
        "sources": (SOURCE,),
    }
    return SupportStep(**(content | given))
