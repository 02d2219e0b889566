"""The clocks of a consultation: when each began and is due. They raise flags; none decides, starts or ends anything.

Limits are for answering and meeting: 48 h to reply (Vienna Document 2011, III), 24 h to meet (bilateral agreements of
2024), the reported ladder of 24 h and 72 h. Silence after a limit is printed as silence and is never consent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from truceline.decide.consultation import State, Step


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One clock: its name, whose it is ('' for all), its beginning and limit; `stopped` when what it waits for came."""

    name: str
    guarantor: str
    started: datetime
    due: datetime
    stopped: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the limit passed before what it waits for came."""
        return (self.stopped or now) >= self.due


ClockKey = tuple[str, str]
"""A clock's name and the guarantor it is for."""


def due_steps(clocks: Mapping[ClockKey, Clock], state: State, now: datetime) -> Iterator[Step]:
    """Give the machine's acts for every clock whose limit passed by a moment, in the order of their limits."""
    for clock in sorted(clocks.values(), key=lambda one: (one.due, one.name, one.guarantor)):
        if clock.stopped is not None or now < clock.due:
            continue
        if clock.name == "acknowledge":
            continue  # shown on the board; the machine's state has no flag for it
        index = int(clock.guarantor) if clock.guarantor else -1
        act = Step("clock", "machine", -1, index, answer=clock.name)
        if not _is_raised(state, act):
            yield act


def _is_raised(state: State, act: Step) -> bool:
    if act.answer == "clarification":
        return state.clarification != "asked"
    if act.answer == "answer":
        return state.guarantors[act.guarantor_index].is_late
    if act.answer == "mandate":
        one = state.guarantors[act.guarantor_index]
        return one.mandate_ended or one.mandate != "granted"
    return act.answer in state.flags
