"""What the register of guarantees amounts to on one day: cells, ladders, entry into force, support, rows for people."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from truceline.model.guarantee import (
    AnswerKind,
    Assertion,
    Capability,
    Citation,
    Facility,
    Instrument,
    Ladder,
    Pillar,
    StateName,
    SupportRung,
)

RungName = Literal[
    "unknown", "not_begun", "begun", "signed", "consented", "in_force", "granted", "deemed_granted", "refused", "ended"
]


class GuaranteeCell(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question for one state on one day: with its sources, or *unknown*.

    `current` are the newest assertions (several where a day gave several), `earlier_count` says how many came before.
    `is_disputed` says that the newest ones differ in their answer.
    """

    state: str
    pillar: Pillar | None
    predicate: str
    topic: str
    answer: AnswerKind
    text: str
    current: tuple[Assertion, ...] = ()
    earlier_count: int = 0
    is_disputed: bool = False

    @property
    def sources(self) -> tuple[Citation, ...]:
        """Give the sources of everything the cell says."""
        return tuple(source for one in self.current for source in one.sources)


class EntryState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an instrument is in force on a day, since when, who consented, and what is lacking in words."""

    instrument: Instrument
    entered_on: date | None
    is_in_force: bool
    consented: tuple[str, ...]
    signed: tuple[str, ...]
    lacking: str


class LadderState(msgspec.Struct, frozen=True, kw_only=True):
    """How far one state has come on one ladder: the rung, why, in which window and caps, and what was read for it.

    `unverified_count` counts the steps of the procedure that were written down from memory.
    """

    state: str
    ladder: Ladder
    rung: RungName
    why: str
    since: date | None = None
    window_from: date | None = None
    window_to: date | None = None
    cap_text: str = ""
    conditions: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    next_step: str = ""
    unverified_count: int = 0


class SupportTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What one donor said, committed, allocated and delivered of one item in one currency; `None` is not recorded."""

    donor: str
    item: str
    currency: str
    capability: Capability
    pledge: Decimal | None
    commitment: Decimal | None
    allocation: Decimal | None
    delivery: Decimal | None
    sources: tuple[Citation, ...]
    share_of: str | None = None

    @property
    def backlog(self) -> Decimal | None:
        """Give what was allocated and not yet delivered, `None` where either is not recorded."""
        if self.allocation is None or self.delivery is None:
            return None
        return self.allocation - self.delivery


class SupportSum(msgspec.Struct, frozen=True, kw_only=True):
    """What all donors together put on one rung, in one currency; a share in a body's support is not added again."""

    rung: SupportRung
    currency: str
    amount: Decimal


class ExclusionFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A facility of our own held against the distance it has to keep from the line of one day; distance as a band.

    *inside* and *outside* say that the whole band is; *possibly_inside* that part of it is.
    """

    facility_id: str
    holder: str
    area_id: str
    day: date
    outcome: Literal["outside", "possibly_inside", "inside", "indeterminate"]
    reason: str
    distance_low_m: float | None = None
    distance_high_m: float | None = None
    distance_min_m: float | None = None
    line_date: date | None = None


class MatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """What people should see of one guarantor in a consultation: ladders, windows, conditions, offers, backlog.

    There is no number to rank by, and rows stand in the order of their names.
    """

    state: StateName
    ladders: tuple[LadderState, ...]
    asked: tuple[Capability, ...]
    offers: tuple[GuaranteeCell, ...]
    refusals: tuple[GuaranteeCell, ...]
    unknown_questions: tuple[str, ...]
    conditions_unmet: tuple[str, ...]
    conditions_met: tuple[str, ...]
    support: tuple[SupportTotal, ...]


class RegisterView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole register as of one day, in the order of the states' names."""

    as_of: date
    states: tuple[StateName, ...]
    cells: tuple[GuaranteeCell, ...]
    ladders: tuple[LadderState, ...]
    instruments: tuple[EntryState, ...]
    support: tuple[SupportTotal, ...]
    facilities: tuple[Facility, ...]
    sums: tuple[SupportSum, ...] = ()
