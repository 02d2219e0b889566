"""When a clause holds: its span, windows, stages, preconditions and grace, less the time in which another replaces it.

Days are counted on the calendar of the text's time zone, so that a day of a change of clocks has 23 or 25 hours; hours
are exact. All bounds are half-open and exact to the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from truceline.assess.spans import NEVER, Floats, cut, spans_of, united, without
from truceline.assess.stack import Stack
from truceline.model.agreement import Agreement
from truceline.model.in_force import InForce, Stage, calendar_days_later
from truceline.model.provision import Provision
from truceline.model.register import StageStart

ZONE_OF_TIME_DEFAULT = "UTC"
"""In which zone days are counted where a text of windows names none."""

DAY_SLACK_DAYS = 1.0
"""By how much exact days and days of the calendar may differ at most; nearer than this the calendar is asked."""

STAGES_MAX_COUNT = 100
"""Longest chain of stages that wait for each other."""


class Force(NamedTuple):
    """When a clause holds, as stretches [K, 2] of seconds since 1970.

    In `breach` it is held against conduct; in `period` the time to carry it out still runs; in `untold` it may hold,
    and `lacking` says what nobody recorded. `windows` name the stretches of declared truces. The three do not overlap.
    """

    breach: Floats
    period: Floats = NEVER
    untold: Floats = NEVER
    lacking: str = ""
    windows: tuple[tuple[str, Floats], ...] = ()


class Clock(NamedTuple):
    """From when to when a stage runs; `lacking` says why its start is not known."""

    start: datetime | None
    end: datetime | None
    lacking: str = ""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """A stack and what people recorded of its starts."""

    stack: Stack
    starts: tuple[StageStart, ...] = ()

    def dated(self, layer: Agreement, rule: InForce | None) -> InForce | None:
        """Give a rule with its trigger dated by the record of its start, where there is one."""
        if rule is None or rule.start is not None:
            return rule
        start = self.recorded(layer, None, None)
        return rule if start is None else msgspec.structs.replace(rule, start=start)

    def recorded(self, layer: Agreement, stage_id: str | None, zone_id: str | None) -> datetime | None:
        """Give the recorded start of a stage (in a zone), or of the text's trigger; of several the earliest."""
        of_stage = [
            entry for entry in self.starts if entry.agreement_id == layer.agreement_id and entry.stage_id == stage_id
        ]
        of_zone = [entry.start_time for entry in of_stage if entry.zone_id == zone_id and zone_id is not None]
        anywhere = [entry.start_time for entry in of_stage if entry.zone_id is None]
        return min(of_zone or anywhere, default=None)

    def zones_started_apart(self, layer: Agreement, stage_id: str | None) -> frozenset[str]:
        """Give the zones in which the start of a stage, or of one it waits for, was recorded by itself."""
        chain = {one.stage_id for _, one in self._chain(layer, stage_id)}
        return frozenset(
            entry.zone_id
            for entry in self.starts
            if entry.zone_id is not None and entry.agreement_id == layer.agreement_id and entry.stage_id in chain
        )

    def _chain(self, layer: Agreement, stage_id: str | None) -> Iterator[tuple[int, Stage]]:
        """Give a stage and those it waits for, in turn."""
        layer_index = self.stack.layers.index(layer)
        for _ in range(STAGES_MAX_COUNT):
            found = None if stage_id is None else self.stack.stage(layer_index, stage_id)
            if found is None:
                return
            yield found
            stage_id = found[1].after_stage_id
        raise ValueError(f"stages of {layer.agreement_id} wait for each other in a circle")

    def clock(self, layer: Agreement, stage_id: str, zone_id: str | None) -> Clock:
        """Give from when to when a stage runs: as recorded, as the text dates it, or after what it waits for."""
        chain = list(self._chain(layer, stage_id))
        if not chain:
            return Clock(None, None, f"stage {stage_id}, which no layer here describes")
        clock = Clock(None, None)
        for index, stage in reversed(chain):
            clock = self._clock_after(self.stack.layers[index], stage, clock, zone_id=zone_id)
        return clock

    def _clock_after(self, layer: Agreement, stage: Stage, before: Clock, *, zone_id: str | None) -> Clock:
        """Give a stage's clock from that of the stage it waits for."""
        timezone_name = timezone_of(layer)
        start = self.recorded(layer, stage.stage_id, zone_id) or stage.start
        if start is None and stage.precondition_id is not None:
            return Clock(None, None, f"when {stage.title!r} began: its precondition was met on no recorded day")
        if start is None and stage.after_stage_id is not None:
            if before.start is None:
                return Clock(None, None, before.lacking)
            start = stage.begins_after(before.end or before.start, timezone_name)
        if start is None:
            rule = self.dated(layer, layer.in_force)
            if rule is None or rule.start is None:
                return Clock(None, None, f"when {stage.title!r} began")
            start = stage.begins_after(rule.start, timezone_name)
        return Clock(start, stage.deadline(start, timezone_name))

    def force(self, layer: Agreement, provision: Provision, *, zone_id: str | None = None) -> Force:
        """Give when a clause holds (in a zone), before any other clause replaces it."""
        base, windows = self.base(layer, provision)
        if provision.stage_id is not None:
            clock = self.clock(layer, provision.stage_id, zone_id)
            if clock.start is None:
                return Force(NEVER, untold=base, lacking=clock.lacking, windows=windows)
            end_s = (clock.end or clock.start).timestamp()
            period = cut(base, start_s=clock.start.timestamp(), end_s=end_s)
            return Force(cut(base, start_s=end_s), period, windows=windows)
        if provision.precondition_ids:
            index = self.stack.layers.index(layer)
            met = [self.stack.precondition(index, name) for name in provision.precondition_ids]
            titles = ", ".join(one.title for one in met if one is not None)
            return Force(NEVER, untold=base, lacking=f"whether and when this was met: {titles}", windows=windows)
        rule = self.dated(layer, provision.in_force or layer.in_force)
        if rule is not None and rule.start is not None and rule.grace_hours > 0.0:
            end_s = (rule.start + timedelta(hours=rule.grace_hours)).timestamp()
            return Force(cut(base, start_s=end_s), cut(base, end_s=end_s), windows=windows)
        return Force(base, windows=windows)

    def base(self, layer: Agreement, provision: Provision) -> tuple[Floats, tuple[tuple[str, Floats], ...]]:
        """Give every stretch in which a clause stands in the text at all, and the windows that name some of them."""
        own = self.dated(layer, provision.in_force)
        text = self.dated(layer, layer.in_force)
        dated_layer = msgspec.structs.replace(layer, in_force=text)
        spans = dated_layer.spans_of(msgspec.structs.replace(provision, in_force=own))
        windows = tuple((one.window_id, spans_of([one.span])) for one in spans if one.window_id is not None)
        return spans_of(one.span for one in spans), windows

    def replaced(self, provision: Provision, party: str | None) -> Floats:
        """Give the time in which other clauses stand in the place of this one, for a party (`None`: for everyone)."""
        taken: list[tuple[float, float]] = []
        for index, other in self.stack.provisions():
            names = provision.provision_id in other.replaces_provision_ids
            binds = not other.parties or party in other.parties
            if names and binds and other.provision_id != provision.provision_id:
                base, _ = self.base(self.stack.layers[index], other)
                taken += [(first, last) for first, last in base.tolist()]
        return united(taken)


def timezone_of(layer: Agreement) -> str:
    """Give the time zone in which a text counts days."""
    return ZONE_OF_TIME_DEFAULT if layer.in_force is None else layer.in_force.timezone_name


def less(force: Force, taken: Floats) -> Force:
    """Give a clause's time without stretches in which another holds in its place."""
    return force._replace(
        breach=without(force.breach, taken),
        period=without(force.period, taken),
        untold=without(force.untold, taken),
        windows=tuple((name, without(spans, taken)) for name, spans in force.windows),
    )


class QuietRun(NamedTuple):
    """The count of quiet days that stands at the end: when it began, and when it is or was full."""

    begun: datetime
    met: datetime


def quiet_run(resets: Sequence[datetime], start: datetime, *, quiet_days: float, timezone_name: str) -> QuietRun:
    """Give when so many quiet days in a row have passed after a start, if each of the moments restarts the clock.

    A moment at which the days have already passed restarts nothing: what waited for them has begun.
    """
    begun = start
    nearly = timedelta(days=max(quiet_days - DAY_SLACK_DAYS, 0.0))
    for moment in sorted(moment for moment in resets if moment >= start):
        if moment - begun >= nearly:
            met = calendar_days_later(begun, quiet_days, timezone_name)
            if moment >= met:
                return QuietRun(begun, met)
        begun = moment
    return QuietRun(begun, calendar_days_later(begun, quiet_days, timezone_name))
