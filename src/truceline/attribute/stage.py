"""Event -> Attribution as a stage: every event revision once, by the newest line on or before its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.attribute.control import ControlField, bare_field, control_field
from truceline.attribute.decide import decide_cases
from truceline.attribute.evidence import NO_FILES, Files, Ground, case_of, subject_of
from truceline.attribute.explain import attribution_of
from truceline.attribute.items import NOTHING, Collected, with_items
from truceline.attribute.layout import Floats
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.tellers import with_tellers
from truceline.attribute.tiers import tiers_of
from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.evidence import PlaceTeller
from truceline.model.quantity import require_utc
from truceline.model.reference_line import DatedLine
from truceline.physics.contact_line import LineHistory, side_probability

CollectedOf = Mapping[tuple[str, int], Collected]
"""By event id and revision, what speaks of it beyond its own place, and who tells that."""

NO_COLLECTED: CollectedOf = {}
"""Where nothing is known of events but themselves."""

FIELDS_MOST_COUNT = 128
"""How many days' rasters are kept at a time (about 2 MB each)."""


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
        self.lines = tuple(line for line in lines if line.held_by in parties)
        self._history = LineHistory(self.lines, held_by=parties[0])
        self._fields: dict[tuple[date, bool], ControlField | None] = {}

    def initial(self) -> AttributionState:
        """Give the state before any event."""
        return AttributionState()

    def key(self, record: Event) -> str:
        """Give the event id: nothing but the revisions of one event must meet."""
        return record.event_id

    def step(
        self,
        state: AttributionState,
        batch: Sequence[Event],
        watermark: datetime,
        *,
        files: Files = NO_FILES,
        collected: CollectedOf = NO_COLLECTED,
    ) -> tuple[AttributionState, list[Attribution]]:
        """Attribute every event revision not attributed yet; each stands for itself, so none waits.

        `files`: by observation, the hash of the file it came in; what is not there is not named in the ledger.
        `collected`: by event and revision, what else speaks of it, and who tells its place.
        """
        require_utc("watermark", watermark)
        attributed = dict(state.attributed)
        fresh: list[Event] = []
        for event in sorted(batch, key=lambda event: (event.origin_time.start, event.event_id, event.revision_index)):
            known = attributed.get(event.event_id, ())
            if event.revision_index not in known:
                attributed[event.event_id] = tuple(sorted((*known, event.revision_index)))
                fresh.append(event)
        return AttributionState(attributed=attributed), self.answers(fresh, files=files, collected=collected)

    def answers(
        self, events: Sequence[Event], *, files: Files = NO_FILES, collected: CollectedOf = NO_COLLECTED
    ) -> list[Attribution]:
        """Decide events together and make the record of each, in their order; nothing is remembered."""
        if not events:
            return []
        catalogue = self.settings.catalogue
        beside = [collected.get((event.event_id, event.revision_index), NOTHING) for event in events]
        grounds, told = self._grounds(events, [one.tellers for one in beside])
        cases = []
        for event, ground, tellers, one in zip(events, grounds, told, beside, strict=True):
            case = case_of(event, ground, parties=self.parties, catalogue=catalogue, files=files)
            case = with_tellers(case, event, tellers, parties=self.parties, files=files)
            cases.append(with_items(case, event, one.items))
        fields = [
            self._field(ground, speaks_of_origin=bool(case.items)) for case, ground in zip(cases, grounds, strict=True)
        ]
        decisions = decide_cases(cases, fields, parties=self.parties, catalogue=catalogue)
        answers = (decisions, tiers_of(decisions, self.settings))
        return [
            attribution_of(
                subject_of(event, ground, catalogue),
                cases[index],
                index,
                answers=answers,
                said_by=(self.parties, self.settings),
            )
            for index, (event, ground) in enumerate(zip(events, grounds, strict=True))
        ]

    def _field(self, ground: Ground | None, *, speaks_of_origin: bool) -> ControlField | None:
        """Give the raster of the line that a ground was read from; the one made first makes room when there are many.

        Where no item speaks of an origin, the place's own distance is enough and no raster is made.
        """
        if ground is None:
            return None
        key = (ground.line_date, speaks_of_origin)
        if key not in self._fields:
            if len(self._fields) >= FIELDS_MOST_COUNT:
                del self._fields[next(iter(self._fields))]
            line = next(line for line in self._history.lines if line.valid_date == ground.line_date)
            self._fields[key] = (
                control_field(line, first_party=self.parties[0]) if speaks_of_origin else bare_field(line)
            )
        return self._fields[key]

    def _grounds(
        self, events: Sequence[Event], told: Sequence[tuple[PlaceTeller, ...]]
    ) -> tuple[list[Ground | None], list[list[tuple[PlaceTeller, Ground | None]]]]:
        """Give where each event, and with whoever tells of it that place, lies against the line of its day.

        The day is the UTC date of the middle of the event's time.
        """
        days = [event.origin_time.middle.date() for event in events]
        places = [(at.longitude_deg, at.latitude_deg, at.sigma_m) for at in (event.origin_position for event in events)]
        places += [(one.longitude_deg, one.latitude_deg, one.position_sigma_m) for tellers in told for one in tellers]
        days += [day for day, tellers in zip(days, told, strict=True) for _ in tellers]
        located = iter(self._located(np.array(places), np.array(days, dtype="datetime64[D]")))
        own = list(islice(located, len(events)))
        return own, [[(teller, next(located)) for teller in tellers] for tellers in told]

    def _located(self, places: Floats, days: NDArray[np.datetime64]) -> list[Ground | None]:
        """Give where places (longitude and latitude in degrees, sigma in metres) lie against the lines of days."""
        located = self._history.locate(places[:, 0], places[:, 1], days)
        position_sigma_m = places[:, 2]
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
