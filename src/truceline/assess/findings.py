"""Event x Agreement -> Finding: events of the pipeline, in the words of texts, held against compiled texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import Conduct, EventColumns, ObjectCategory, columns_of
from truceline.assess.compile_stack import NO_CATALOGUE, compile_texts
from truceline.assess.compiled import Compiled
from truceline.assess.finding_columns import (
    REASON_NO_WINDOW,
    REASON_NOT_ENERGY,
    REASON_WITHDRAWN,
    FindingColumns,
)
from truceline.assess.spans import share_within, united
from truceline.assess.wording import Wording
from truceline.model.agreement import Agreement
from truceline.model.conduct import ActKind
from truceline.model.event import Event
from truceline.model.finding import Finding
from truceline.model.quantity import TimeSpan, canonical_bytes, require_utc
from truceline.model.reference_line import DatedLine
from truceline.model.register import Register
from truceline.model.weapon import WeaponCatalogue

__all__ = [
    "CERTAINTY_KNOWN_PROBABILITY",
    "CERTAINTY_SUSPECTED_PROBABILITY",
    "LACKING_CAUSE",
    "LACKING_OCCURRENCE",
    "REASON_NOT_ENERGY",
    "REASON_NO_WINDOW",
    "REASON_WITHDRAWN",
    "FindingsStage",
    "FindingsState",
    "assess_conduct",
    "assess_events",
    "conduct_of",
    "overlap_probability",
]

LACKING_CAUSE = "cause of fire"
LACKING_OCCURRENCE = "what happened"

CERTAINTY_KNOWN_PROBABILITY = 0.95
"""Probability that a type given as known is right. Basis: guess, until reviewed events can be counted."""

CERTAINTY_SUSPECTED_PROBABILITY = 0.85
"""Probability that a type given as suspected is right (the keyword rule was right in 0.89 to 0.94 of hand labels;
patrols that only heard are taken alike). Basis: seen for reports, guess for patrols."""


class FindingsState(msgspec.Struct, frozen=True, kw_only=True):
    """Which revisions of which events were assessed: the last one by event id, and any that came before its time."""

    assessed: dict[str, tuple[int, ...]] = {}


class FindingsStage:
    """Holds every event against a text and its layers: for each event revision, one finding for each clause concerned.

    An event that no clause speaks of has one finding that says so.
    """

    def __init__(
        self,
        agreement: Agreement,
        *,
        layers: Sequence[Agreement] = (),
        lines: Sequence[DatedLine] = (),
        catalogue: WeaponCatalogue = NO_CATALOGUE,
        register: Register | None = None,
    ) -> None:
        """Fix the text, the layers under and over it, and what is known beside the events."""
        self.agreement = agreement
        compiled = compile_texts((agreement, *layers), lines=lines, catalogue=catalogue, register=register)
        self._assessor = Assessor(compiled)

    def initial(self) -> FindingsState:
        """Give the state before any event."""
        return FindingsState()

    def key(self, record: Event) -> str:
        """Give the event id: nothing but the revisions of one event must meet."""
        return record.event_id

    def step(
        self, state: FindingsState, batch: Sequence[Event], watermark: datetime
    ) -> tuple[FindingsState, list[Finding]]:
        """Assess every event revision not assessed yet; each stands for itself, so none waits for the watermark."""
        require_utc("watermark", watermark)
        assessed = dict(state.assessed)
        fresh: list[Event] = []
        for event in sorted(batch, key=lambda event: (event.origin_time.start, event.event_id, event.revision_index)):
            known = assessed.get(event.event_id, ())
            if event.revision_index not in known:
                assessed[event.event_id] = tuple(sorted((*known, event.revision_index)))
                fresh.append(event)
        return FindingsState(assessed=assessed), assess_events(fresh, self._assessor)


def assess_events(events: Sequence[Event], assessor: Assessor) -> list[Finding]:
    """Give the findings about events, in their order and that of the clauses."""
    if not events:
        return []
    columns = columns_of([conduct_of(event) for event in events], parties=assessor.compiled.parties)
    identities = [canonical_bytes(event) for event in events]
    return Wording(assessor.compiled, columns, identities=identities).findings(assessor.assess(columns))


def assess_conduct(conducts: Sequence[Conduct], assessor: Assessor) -> list[Finding]:
    """Give the findings about conduct, in its order and that of the clauses."""
    columns = columns_of(conducts, parties=assessor.compiled.parties)
    identities = [canonical_bytes(entry) for entry in conducts]
    return Wording(assessor.compiled, columns, identities=identities).findings(assessor.assess(columns))


def findings_of(compiled: Compiled, columns: EventColumns, table: FindingColumns) -> list[Finding]:
    """Give the records of a table of findings."""
    return Wording(compiled, columns).findings(table)


def conduct_of(event: Event) -> Conduct:
    """Say in the words of texts what an event was: fire, or an attack where an object of a class was concerned.

    A hot pixel may be any fire and something not reported anything: then what is lacking is said, and the act is the
    one it would be. Whose conduct it was is for attribution; where a clause turns on it, the finding says that this is
    lacking. A sensor's ellipse goes in whole.
    """
    lacking = {"fire": LACKING_CAUSE, "not reported": LACKING_OCCURRENCE}.get(event.event_type, "")
    is_attack = event.event_type == "attack" or event.energy_object
    act: ActKind = "attack" if is_attack else "fire"
    energy: tuple[ObjectCategory, ...] = ("energy",)
    origin = event.sensor_origin
    known = event.event_type_certainty == "known"
    return Conduct(
        event_id=event.event_id,
        revision_index=event.revision_index,
        act=act,
        act_probability=CERTAINTY_KNOWN_PROBABILITY if known else CERTAINTY_SUSPECTED_PROBABILITY,
        time=event.origin_time,
        position=event.origin_position,
        covariance_m2=None
        if origin is None
        else (origin.covariance_east_m2, origin.covariance_north_m2, origin.covariance_east_north_m2),
        objects=energy if event.energy_object else (),
        objects_not=() if event.energy_object else energy,
        at_weapon=event.observed_as == "outgoing",
        lacking=lacking,
        withdrawn=event.evaluation_status == "rejected",
    )


def overlap_probability(span: TimeSpan, window: TimeSpan) -> float:
    """Give the probability that something fell into a window, if every instant of its span is equally likely."""
    stretch = united([(window.start.timestamp(), window.end.timestamp())])
    start_s, end_s = np.array([span.start.timestamp()]), np.array([span.end.timestamp()])
    return float(share_within(stretch, start_s, end_s)[0])
