"""From said to delivered: totals per donor, item and currency, and what cannot be right about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from truceline.model.guarantee import SupportRung, SupportStep
from truceline.model.guarantee_view import SupportTotal

LIMITED_BY: dict[SupportRung, SupportRung] = {"delivery": "allocation", "allocation": "commitment"}
"""No more can be delivered than was allocated, nor allocated than was committed; a pledge limits nothing."""

RUNGS: tuple[SupportRung, ...] = ("pledge", "commitment", "allocation", "delivery")
"""From said to delivered."""

_Key = tuple[str, str, str]


def support_faults(steps: Iterable[SupportStep]) -> dict[str, str]:
    """Give the steps that cannot stand, each with the reason; the others stand and are not lost with them.

    Steps are taken in the order of their days (commitments before allocations before deliveries of one day). A step
    that would put more on its rung than the rung below it holds cannot stand, unless a correction recorded by its day
    has raised what it rests on. A correction must name an earlier step of the same donor, item, currency and rung.
    """
    wrong: dict[str, str] = {}
    standing: dict[str, SupportStep] = {}
    for step in sorted(steps, key=_in_order):
        reason = _correction_fault(step, standing) or _excess(step, standing)
        if reason is None:
            standing[step.step_id] = step
        else:
            wrong[step.step_id] = reason
    return wrong


def support_totals(steps: Iterable[SupportStep], *, as_of: date) -> list[SupportTotal]:
    """Add up what stands by a day for each donor, item and currency, in the order of their names."""
    counted = _counted([one for one in steps if one.done_on <= as_of])
    groups: dict[tuple[str, str, str, str], list[SupportStep]] = defaultdict(list)
    for one in counted:
        groups[one.donor, one.item, one.currency, one.share_of or ""].append(one)
    return [_total(groups[key]) for key in sorted(groups)]


def sum_over_donors(totals: Sequence[SupportTotal], rung: SupportRung) -> dict[str, Decimal]:
    """Add one rung up over donors, per currency; a share in a body's support is left out where that body stands itself.

    Currencies are never added to each other.
    """
    donors = {one.donor for one in totals}
    sums: dict[str, Decimal] = {}
    for one in totals:
        amount: Decimal | None = getattr(one, rung)
        if amount is not None and one.share_of not in donors:
            sums[one.currency] = sums.get(one.currency, Decimal(0)) + amount
    return dict(sorted(sums.items()))


def _in_order(step: SupportStep) -> tuple[date, bool, int, str]:
    return step.done_on, step.corrects is None, RUNGS.index(step.rung), step.step_id


def _key(step: SupportStep) -> _Key:
    return step.donor, step.item, step.currency


def _correction_fault(step: SupportStep, standing: dict[str, SupportStep]) -> str | None:
    if step.corrects is None:
        return None
    corrected = standing.get(step.corrects)
    if corrected is None:
        return f"corrects={step.corrects!r} names no earlier step that stands"
    if (_key(corrected), corrected.rung) != (_key(step), step.rung):
        return f"corrects={step.corrects!r} is of another donor, item, currency or rung"
    return None


def _excess(step: SupportStep, standing: dict[str, SupportStep]) -> str | None:
    """Say which rung would hold more than the one it rests on, if any."""
    counted = [one for one in _counted([*standing.values(), step]) if _key(one) == _key(step)]
    held = {rung: _sum(counted, rung) for rung in ("commitment", "allocation", "delivery")}
    for rung, limit in LIMITED_BY.items():
        if step.rung in {rung, limit} and (held[rung] or 0) > (held[limit] or 0):
            return (
                f"{rung}={held[rung]} {step.currency} is more than {limit}={held[limit] or 0} of {step.donor} "
                f"for {step.item!r}, and no correction is recorded"
            )
    return None


def _counted(steps: Sequence[SupportStep]) -> list[SupportStep]:
    """Leave out what a later step corrects."""
    corrected = {one.corrects for one in steps if one.corrects is not None}
    return [one for one in steps if one.step_id not in corrected]


def _sum(steps: Iterable[SupportStep], rung: str) -> Decimal | None:
    amounts = [one.amount for one in steps if one.rung == rung]
    return sum(amounts, Decimal(0)) if amounts else None


def _total(steps: Sequence[SupportStep]) -> SupportTotal:
    first = steps[0]
    return SupportTotal(
        donor=first.donor,
        item=first.item,
        currency=first.currency,
        capability=first.capability,
        pledge=_sum(steps, "pledge"),
        commitment=_sum(steps, "commitment"),
        allocation=_sum(steps, "allocation"),
        delivery=_sum(steps, "delivery"),
        sources=tuple(dict.fromkeys(source for one in steps for source in one.sources)),
        share_of=first.share_of,
    )
