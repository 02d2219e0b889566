"""Event -> Attribution as a stage: every event revision once, by the newest line on or before its day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from truceline.attribute.ledger import Ground, attribute_event
from truceline.attribute.settings import AttributionSettings
from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.quantity import require_utc
from truceline.model.reference_line import DatedLine
from truceline.physics.contact_line import LineHistory, side_probability


class AttributionState(msgspec.Struct, frozen=True, kw_only=True):
    """Which revisions of which events were attributed."""

    attributed: dict[str, tuple[int, ...]] = {}


class AttributeStage:
    """Says of every event with what probability it was whose conduct."""

    def __init__(self, settings: AttributionSettings, *, parties: tuple[str, str], lines: Sequence[DatedLine]) -> None:
        """Fix the priors, the parties and the lines; a line that names neither party as holder is of no use here."""
        assert parties[0] != parties[1], f"parties={parties} are one and the same"
        self.settings = settings
        self.parties = parties
        usable = [line for line in lines if line.held_by in parties]
        self._history = LineHistory(usable, held_by=parties[0])

    def initial(self) -> AttributionState:
        """Give the state before any event."""
        return AttributionState()

    def key(self, record: Event) -> str:
        """Give the event id: nothing but the revisions of one event must meet."""
        return record.event_id

    def step(
        self, state: AttributionState, batch: Sequence[Event], watermark: datetime
    ) -> tuple[AttributionState, list[Attribution]]:
        """Attribute every event revision not attributed yet; each stands for itself, so none waits."""
        require_utc("watermark", watermark)
        attributed = dict(state.attributed)
        fresh: list[Event] = []
        for event in sorted(batch, key=lambda event: (event.origin_time.start, event.event_id, event.revision_index)):
            known = attributed.get(event.event_id, ())
            if event.revision_index not in known:
                attributed[event.event_id] = tuple(sorted((*known, event.revision_index)))
                fresh.append(event)
        answers = [
            attribute_event(event, ground, parties=self.parties, settings=self.settings)
            for event, ground in zip(fresh, self._grounds(fresh), strict=True)
        ]
        return AttributionState(attributed=attributed), answers

    def _grounds(self, events: Sequence[Event]) -> list[Ground | None]:
        """Give where each event lies against the line of its day (the UTC date of the middle of its time)."""
        if not events:
            return []
        days = [event.origin_time.middle.date() for event in events]
        located = self._history.locate(
            np.array([event.origin_position.longitude_deg for event in events]),
            np.array([event.origin_position.latitude_deg for event in events]),
            np.array(days, dtype="datetime64[D]"),
        )
        position_sigma_m = np.array([event.origin_position.sigma_m for event in events])
        holds_probability = side_probability(located.distance_m, located.sigma_m, position_sigma_m)
        sides = zip(located.side, holds_probability, strict=True)
        lines = zip(located.distance_m, located.line_date, located.line_age_days, strict=True)
        return [
            None
            if side == 0
            else Ground(
                holder=self.parties[0] if side > 0 else self.parties[1],
                holds_probability=float(probability),
                distance_m=float(distance_m),
                line_date=line_day.item(),
                age_days=int(age_days),
            )
            for (side, probability), (distance_m, line_day, age_days) in zip(sides, lines, strict=True)
        ]
