"""Columns of events x compiled texts -> columns of findings, one stretch of events at a time.

For each clause: which events it speaks of, every factor but the place, then the place (each line searched once for all
clauses), then what lets an event pass. No event's finding depends on any other event, so order and stretches do not
matter, and memory is that of one stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from truceline.assess.candidates import Candidates, Coverage, find_candidates
from truceline.assess.columns import NOT_TOLD_INDEX, Bools, EventColumns, Floats, Longs
from truceline.assess.compile_times import timezone_of
from truceline.assess.compile_zones import Place
from truceline.assess.compiled import ACTOR_INDEX, Case, Clause, Compiled
from truceline.assess.disputes import mark_disputed
from truceline.assess.exceptions import Asked, exempt_share, permitted
from truceline.assess.factors import NEGLIGIBLE_PROBABILITY
from truceline.assess.finding_columns import (
    COMPLIANT,
    EXCEPTED_BY_CLAUSE_INDEX,
    EXEMPT,
    INDETERMINATE,
    POTENTIAL,
    REASON_NO_RULE,
    REASON_NO_WINDOW,
    REASON_OUTSIDE,
    REASON_PERIOD,
    REASON_PERMITTED,
    REASON_STORED,
    REASON_WITHDRAWN,
    REASONS,
    FindingColumns,
    blank,
    by_event,
    flag_bit,
    joined,
    lacking_bit,
)
from truceline.assess.spans import share_within
from truceline.assess.watchers import NOTICED_PROBABILITY, watched_bits

if TYPE_CHECKING:
    from truceline.assess.places import Chunk, Places

STRETCH_COUNT = 262_144
"""Events held against the texts at a time; memory grows with this and not with their number."""

STORED_PROBABILITY = 0.5
"""A weapon that is more probably in a designated site than not is taken to be in it."""


class Assessor:
    """Compiled texts with what was measured and looked up for them so far; it answers for any number of events."""

    def __init__(self, compiled: Compiled) -> None:
        """Fix the texts; nothing is drawn before an event asks for it."""
        self.compiled = compiled
        self._coverage: Coverage = {}
        self._places: list[Places] | None = None

    def assess(self, columns: EventColumns) -> FindingColumns:
        """Give every finding about some events, ordered by event and then by clause."""
        parts = []
        for start, found in zip(range(0, len(columns), STRETCH_COUNT), self._stretches(columns), strict=True):
            parts.append(msgspec.structs.replace(found, row=found.row + start))
        return joined(parts)

    def stream(self, batches: Iterable[EventColumns]) -> Iterator[tuple[EventColumns, FindingColumns]]:
        """Give each batch with its findings, in turn; nothing is kept from one to the next but drawn lines."""
        for columns in batches:
            yield columns, self.assess(columns)

    def noticed(self, columns: EventColumns, *, least_probability: float = NOTICED_PROBABILITY) -> Longs:
        """Give for each event the watchers (bits) that notice it: acts that restart a clock or may release a party."""
        parts = [np.zeros(0, dtype=np.int64)]
        for start in range(0, len(columns), STRETCH_COUNT):
            some = columns.take(slice(start, start + STRETCH_COUNT))
            parts.append(watched_bits(self.compiled, some, self._chunks(some), least_probability=least_probability))
        return np.concatenate(parts)

    def _stretches(self, columns: EventColumns) -> Iterator[FindingColumns]:
        assert columns.parties == self.compiled.parties, f"parties {columns.parties} are not those of the texts"
        for start in range(0, len(columns), STRETCH_COUNT):
            whole = start == 0 and len(columns) <= STRETCH_COUNT
            yield self._assess(columns if whole else columns.take(slice(start, start + STRETCH_COUNT)))

    def _chunks(self, columns: EventColumns) -> list[Chunk | None]:
        """Give what measures places for each version; nothing is loaded for texts that name no place."""
        if next(_places_of(self.compiled), None) is None:
            return [None] * len(self.compiled.stacks)
        if self._places is None:
            self._places = self._drawn()
        return [places.chunk(columns) for places in self._places]

    def _drawn(self) -> list[Places]:
        """Make ready every place that a clause, exemption or watcher names."""
        from truceline.assess.places import Places

        compiled = self.compiled
        drawn = [Places(one, compiled.lines, timezone_name=timezone_of(one.layers[0])) for one in compiled.stacks]
        for version_index, place in _places_of(compiled):
            drawn[version_index].know(place)
        return drawn

    def _assess(self, columns: EventColumns) -> FindingColumns:
        """Hold one stretch of events against every clause."""
        compiled = self.compiled
        chunks = self._chunks(columns)
        asked = []
        for clause in compiled.clauses:
            found = find_candidates(compiled, clause, columns, known=self._coverage)
            timed = _Timed(clause, columns, found)
            timed.need(chunks[clause.version_index])
            asked.append(timed)
        parts = [
            timed.findings(compiled, chunks[timed.clause.version_index], self._coverage)
            for timed in asked
            if len(timed)
        ]
        bits = watched_bits(compiled, columns, chunks)
        table = by_event([*parts, *self._no_rule(columns, parts)])
        return mark_disputed(compiled, _watched(compiled, table, bits))

    def _no_rule(self, columns: EventColumns, parts: list[FindingColumns]) -> Iterator[FindingColumns]:
        """Say of events that no clause speaks of that none does."""
        spoken = np.zeros(len(columns), dtype=np.bool_)
        for part in parts:
            spoken[part.row] = True
        table = blank(np.flatnonzero(~spoken), NOT_TOLD_INDEX)
        table["reason"][:] = REASONS.index(REASON_NO_RULE)
        table["flags"][:] = flag_bit("no_rule")
        yield FindingColumns(**table)  # type: ignore[arg-type]


def _places_of(compiled: Compiled) -> Iterator[tuple[int, Place]]:
    """Give every place that may have to be measured, with the number of its version."""
    for clause in compiled.clauses:
        found = [place for case in clause.cases for place in (case.place, case.storage)]
        exemptions = [compiled.exemptions[index] for index in clause.exemption_index]
        found += [place for one in exemptions for place in (*one.places, *one.notified_places.values())]
        yield from ((clause.version_index, place) for place in found if place is not None)
    for watcher in compiled.watchers:
        if watcher.place is not None:
            yield watcher.version_index, watcher.place


def _watched(compiled: Compiled, table: FindingColumns, bits: Longs) -> FindingColumns:
    """Put what watchers noticed of an event on what was found potential about it, in the same version."""
    if not compiled.watchers:
        return table
    versions = np.array([*(clause.version_index for clause in compiled.clauses), NOT_TOLD_INDEX], dtype=np.int64)
    of_version = np.zeros(len(compiled.stacks) + 1, dtype=np.int64)
    for index, watcher in enumerate(compiled.watchers):
        of_version[watcher.version_index] |= 1 << index
    potential = np.flatnonzero(table.kind == POTENTIAL)
    table.watchers[potential] = bits[table.row[potential]] & of_version[versions[table.clause[potential]]]
    return table


class _Timed:
    """One clause's candidates with the time factor of each case; which of them need their place measured."""

    def __init__(self, clause: Clause, columns: EventColumns, found: Candidates) -> None:
        self.clause, self.columns, self.found = clause, columns, found
        rows = found.rows
        start_s, end_s = columns.start_s[rows], columns.end_s[rows]
        self.breach = [share_within(case.force.breach, start_s, end_s) for case in clause.cases]
        self.untold = [share_within(case.force.untold, start_s, end_s) for case in clause.cases]
        self.period = [share_within(case.force.period, start_s, end_s) for case in clause.cases]
        likely = found.interval.high >= NEGLIGIBLE_PROBABILITY
        self.placed = [
            likely & (breach + untold + period >= NEGLIGIBLE_PROBABILITY) & self.weight(case, most=True).astype(bool)
            for case, breach, untold, period in zip(clause.cases, self.breach, self.untold, self.period, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.found.rows)

    def weight(self, case: Case, *, most: bool = False) -> Floats:
        """Give the probability that a case is the one that counts; with `most`, what is unattributed goes to it."""
        found, index = self.found, case.bound_index
        rest = found.unattributed if most else 0.0
        if index is None:
            everyone: Floats = np.minimum(
                found.bound[0] + found.bound[1] + found.bound[ACTOR_INDEX] + found.unattributed, 1.0
            )
            return everyone
        own: Floats = found.bound[index].copy()
        if index != ACTOR_INDEX:
            own += rest
            if not any(one.bound_index == ACTOR_INDEX for one in self.clause.cases) and index == self._first_bound():
                own += found.bound[ACTOR_INDEX]
        return own

    def _first_bound(self) -> int | None:
        """Give for whom a third actor stands that only an exception names."""
        return next((case.bound_index for case in self.clause.cases), None)

    def need(self, chunk: Chunk | None) -> None:
        """Note which rows have to be measured."""
        for case, placed in zip(self.clause.cases, self.placed, strict=True):
            for place in (case.place, case.storage):
                if place is not None and chunk is not None and placed.any():
                    chunk.need(place, self.found.rows[placed])

    def findings(self, compiled: Compiled, chunk: Chunk | None, known: Coverage) -> FindingColumns:
        """Give the findings of one clause."""
        table = blank(self.found.rows, self.clause.clause_index)
        sums = _Sums(self, chunk)
        interval = self.found.interval
        interval.times(sums.time_low, sums.time_high, lacking="time", reason=REASON_NO_WINDOW)
        interval.times(sums.low_ratio, sums.high_ratio, lacking="place", reason=REASON_OUTSIDE)
        self._decide(table, sums)
        self._except(table, compiled, Asked(self.columns, self.found.rows, chunk, known))
        self._flag(table, sums)
        table["window"] = self._window()
        return FindingColumns(**table)  # type: ignore[arg-type]

    def _decide(self, table: dict[str, Longs | Floats | Bools], sums: _Sums) -> None:
        """Give each row its kind, probabilities and reason."""
        interval = self.found.interval
        table["kind"] = np.where(
            interval.is_nothing, COMPLIANT, np.where(interval.is_untold, INDETERMINATE, POTENTIAL)
        ).astype(np.int64)
        table["probability"] = np.clip(interval.low, 0.0, 1.0)
        table["inside_probability"] = sums.inside
        table["time_probability"] = np.clip(sums.time_low, 0.0, 1.0)
        table["class_probability"] = self.found.class_probability
        reason = np.where(interval.is_nothing, interval.reason, 0)
        unforced = (sums.time_high < NEGLIGIBLE_PROBABILITY) & (reason != REASONS.index(REASON_WITHDRAWN))
        unforced |= interval.is_nothing & (reason == 0)
        table["reason"] = np.where(unforced, REASONS.index(REASON_NO_WINDOW), reason).astype(np.int64)
        place = lacking_bit("place")
        lacking = np.where(
            (interval.lacking & place) != 0, (interval.lacking & ~place) | sums.lacking, interval.lacking
        )
        table["lacking"] = np.where(interval.is_untold, lacking, 0).astype(np.int64)

    def _except(self, table: dict[str, Longs | Floats | Bools], compiled: Compiled, asked: Asked) -> None:
        """Let pass what exemptions cover, and what documents say was permitted."""
        clause = self.clause
        touched = np.flatnonzero(table["kind"] != COMPLIANT)
        if not (clause.exemption_index or clause.permission_index or clause.excepted_actor_ids) or len(touched) == 0:
            return
        named = np.array([*(name in self.clause.excepted_actor_ids for name in self.columns.actor_ids), False])
        share = named[self.columns.actor[asked.rows[touched]]].astype(np.float64)
        table["exemption"][touched[share > 0.0]] = EXCEPTED_BY_CLAUSE_INDEX
        some = asked._replace(rows=asked.rows[touched])
        for index in self.clause.exemption_index:
            passed = exempt_share(compiled, index, some)
            better = passed.share > share
            share = np.where(better, passed.share, share)
            table["exemption"][touched[better]] = index
            table["notification"][touched[better]] = passed.notification[better]
        left = self.found.interval.high[touched] * (1.0 - share)
        exempt = (share > 0.0) & (left < NEGLIGIBLE_PROBABILITY)
        table["kind"][touched[exempt]] = EXEMPT
        table["probability"][touched] *= 1.0 - share
        for index in self.clause.permission_index:
            self._permit(table, compiled, some, touched=touched, index=index)

    def _permit(
        self, table: dict[str, Longs | Floats | Bools], compiled: Compiled, asked: Asked, *, touched: Longs, index: int
    ) -> None:
        permission = compiled.permissions[index]
        met, applies = permitted(compiled, permission, self.columns, rows=asked.rows)
        open_still = table["kind"][touched] == POTENTIAL
        table["permission"][touched[applies & open_still]] = index
        if permission.unsaid:
            rows = touched[applies & open_still]
            table["kind"][rows] = INDETERMINATE
            table["lacking"][rows] = np.asarray(table["lacking"])[rows].astype(np.int64) | lacking_bit("permission")
            return
        rows = touched[met & open_still]
        table["kind"][rows] = COMPLIANT
        table["reason"][rows] = REASONS.index(REASON_PERMITTED)
        table["flags"][rows] = np.asarray(table["flags"])[rows].astype(np.int64) | flag_bit("permitted_to_verify")

    def _flag(self, table: dict[str, Longs | Floats | Bools], sums: _Sums) -> None:
        """Raise flags; where the time still ran, or the weapon was stored, say that as the reason."""
        reason = np.asarray(table["reason"]).astype(np.int64)
        flags = np.asarray(table["flags"]).astype(np.int64)
        compliant = np.asarray(table["kind"]) == COMPLIANT
        outside = compliant & (reason == REASONS.index(REASON_OUTSIDE))
        unforced = compliant & (reason == REASONS.index(REASON_NO_WINDOW))
        period = unforced & (sums.in_period >= NEGLIGIBLE_PROBABILITY)
        reason[period] = REASONS.index(REASON_PERIOD)
        flags[period] |= flag_bit("in_withdrawal_period")
        flags[unforced & ~period] |= flag_bit("not_in_force")
        flags[compliant & (reason == REASONS.index(REASON_WITHDRAWN))] |= flag_bit("withdrawn_event")
        if self.clause.outside_is_recorded:
            flags[outside] |= flag_bit("recorded_outside_zone")
        if sums.stored is not None:
            kept = outside & (sums.stored > STORED_PROBABILITY)
            reason[kept] = REASONS.index(REASON_STORED)
            flags[outside & ~kept & ~sums.storage_untold] |= flag_bit("outside_designated_site")
        if self.clause.is_approximate:
            flags |= flag_bit("approximate_geometry")
        table["reason"], table["flags"] = reason, flags
        hidden = np.asarray(table["kind"]) != POTENTIAL
        for name in ("probability", "inside_probability", "time_probability", "class_probability"):
            table[name][hidden] = np.nan

    def _window(self) -> Longs:
        """Give the number of the window that each event most probably fell into; of equal ones the last by id."""
        windows = sorted(self.clause.cases[0].force.windows) if self.clause.cases else []
        best = np.full(len(self), NEGLIGIBLE_PROBABILITY)
        chosen = np.full(len(self), NOT_TOLD_INDEX, dtype=np.int64)
        rows = self.found.rows
        for index, (_, spans) in enumerate(windows):
            share = share_within(spans, self.columns.start_s[rows], self.columns.end_s[rows])
            better = share >= best
            best, chosen = np.where(better, share, best), np.where(better, index, chosen)
        return chosen


class _Sums:
    """A clause's cases taken together: weighted sums over who it was, and unions over zones that start apart."""

    def __init__(self, timed: _Timed, chunk: Chunk | None) -> None:
        count = len(timed)
        self.lacking = np.zeros(count, dtype=np.int64)
        self.stored: Floats | None = None
        self.storage_untold = np.zeros(count, dtype=np.bool_)
        low, high = np.zeros((4, count)), np.zeros((4, count))
        self.inside, self.in_period = np.zeros(count), np.zeros(count)
        self.time_low, self.time_high = np.zeros(count), np.zeros(count)
        for case, placed, breach, untold, period in zip(
            timed.clause.cases, timed.placed, timed.breach, timed.untold, timed.period, strict=True
        ):
            most = timed.weight(case, most=True)
            inside_low, inside_high = self._inside(timed, case, chunk, placed)
            slot = 3 if case.bound_index is None else case.bound_index
            low[slot] += breach * inside_low
            high[slot] += (breach + untold) * inside_high
            here = most > 0.0
            self.time_low = np.maximum(self.time_low, np.where(here, breach, 0.0))
            self.time_high = np.maximum(self.time_high, np.where(here, np.minimum(breach + untold, 1.0), 0.0))
            self.inside += timed.weight(case) * inside_low
            self.in_period = np.maximum(self.in_period, np.where(here, period * inside_high, 0.0))
        self._weigh(timed, np.minimum(low, 1.0), np.minimum(high, 1.0))
        self.inside = np.clip(self.inside, 0.0, 1.0)

    def _weigh(self, timed: _Timed, low: Floats, high: Floats) -> None:
        """Give what place and party leave of the time factor: its two ends, as ratios of it."""
        rest = timed.found.unattributed
        slots = {3 if case.bound_index is None else case.bound_index: case for case in timed.clause.cases}
        total_low, total_high = np.zeros(len(timed)), np.zeros(len(timed))
        for slot, case in slots.items():
            weight = timed.weight(case)
            total_low += weight * low[slot]
            total_high += weight * high[slot]
        if 3 not in slots:
            total_high = total_high + rest * np.maximum(high[0], high[1])
            unsure = (rest > 0.0) & (total_high > total_low)
            self.lacking[unsure] |= lacking_bit("party")
        self.low_ratio = np.minimum(total_low / np.where(self.time_low > 0.0, self.time_low, 1.0), 1.0)
        self.high_ratio = np.minimum(total_high / np.where(self.time_high > 0.0, self.time_high, 1.0), 1.0)

    def _inside(self, timed: _Timed, case: Case, chunk: Chunk | None, placed: Bools) -> tuple[Floats, Floats]:
        """Give the least and the most probability of lying in a case's place and in no designated site."""
        count = len(timed)
        if case.place is None:
            return np.ones(count), np.ones(count)
        low, high = np.zeros(count), np.zeros(count)
        rows = timed.found.rows[placed]
        if chunk is None or len(rows) == 0:
            return low, high
        measured = chunk.measured(case.place, rows)
        nowhere = np.isnan(timed.columns.points.longitude_deg[rows])
        drawn_all = not case.place.lacking
        low[placed] = np.where(nowhere, 0.0, measured.probability)
        high[placed] = np.where(nowhere | measured.untold | (not drawn_all), 1.0, measured.probability)
        self._note(placed, nowhere, measured.untold, drawn_all=drawn_all)
        if case.storage is not None:
            stored = chunk.measured(case.storage, rows)
            untold = stored.untold | nowhere | bool(case.storage.lacking)
            low[placed] *= 1.0 - np.where(untold, 1.0, stored.probability)
            high[placed] *= 1.0 - np.where(untold, 0.0, stored.probability)
            self.stored = np.zeros(count) if self.stored is None else self.stored
            self.stored[placed] = np.maximum(self.stored[placed], np.where(untold, 0.0, stored.probability))
            self.storage_untold[placed] |= untold
            self.lacking[np.flatnonzero(placed)[untold]] |= lacking_bit("storage")
        return low, high

    def _note(self, placed: Bools, nowhere: Bools, untold: Bools, *, drawn_all: bool) -> None:
        """Note what is lacking to place an event: its position, the line of its day, or the drawing of the zone."""
        slots = np.flatnonzero(placed)
        self.lacking[slots[nowhere]] |= lacking_bit("position")
        self.lacking[slots[untold & ~nowhere]] |= lacking_bit("line")
        if not drawn_all:
            self.lacking[slots] |= lacking_bit("place")
