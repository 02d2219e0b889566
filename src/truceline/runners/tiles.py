"""The streaming runner of the association: detections in any order and size in, revisions of events out, tile by tile.

What is said follows from the set of detections and their times of receipt alone. A slab's solution at a level uses what
was received by its due time, whichever batch brought it; so batches, order, duplicates, restarts and the number of
processes change nothing, down to the digest of all rows.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from truceline.associate.network import Ints
from truceline.associate.revisions import Level, SolvedSlab, forgotten_before, issue_slab
from truceline.associate.seams import (
    Candidates,
    candidates_of,
    core_mask,
    kept_mask,
    put_together,
    selected,
    with_mirrored,
    without_seams,
)
from truceline.associate.tile_residuals import TileResiduals, strong_residuals
from truceline.associate.tile_rows import (
    DetectionRows,
    in_canonical_order,
    joined,
    no_rows,
    rows_bytes,
    station_share,
    taken,
    tile_share,
    without_duplicates,
)
from truceline.associate.tile_types import event_types
from truceline.associate.tiles import (
    NS_PER_S_COUNT,
    Mask,
    StationLine,
    Tile,
    TileGrid,
    line_through,
    nanoseconds,
    slabs_of,
    station_rows,
    tile_detections,
    tile_network,
    window_mask,
)
from truceline.errors import InputUnusable
from truceline.model.quantity import canonical_bytes, content_id
from truceline.runners.tile_counts import Example, TileCounts, counted, shed
from truceline.runners.tile_health import station_report, tallied
from truceline.runners.tile_intake import read_detections, shown_time
from truceline.runners.tile_network import StationNetwork, solvable_tiles
from truceline.runners.tile_settings import TileRunSettings, jobs_for
from truceline.runners.tile_solving import Answer, Solving, TileTask
from truceline.runners.tile_state import (
    BEFORE_ALL_NS,
    Job,
    Slab,
    TileRunState,
    TileTotals,
    state_bytes,
    state_from_bytes,
)
from truceline.runners.tile_tables import no_tables, rows_digest, solution_tables

_NEIGHBOURS_COUNT = 4


class TileOutput(NamedTuple):
    """What one step said: revisions in `SOLUTION_EVENT_SCHEMA`, their members in `SOLUTION_MEMBER_SCHEMA`."""

    events: pa.Table
    members: pa.Table


class _Answering(NamedTuple):
    """A tile that was handed in: its detections, what it is solved from, and its answer to come."""

    tile: Tile
    rows: DetectionRows
    task: TileTask
    answer: Answer


class _Found(NamedTuple):
    """What a tile said: the events it speaks for, and how its stations did."""

    candidates: Candidates
    residuals: tuple[Ints, TileResiduals]


class _Asked(NamedTuple):
    """A slab whose tiles were handed in, in order."""

    job: Job
    answers: list[_Answering]
    solved: frozenset[tuple[int, int]]
    unchanged: frozenset[tuple[int, int]]


class TileRun:
    """One run over a network; `step` takes detections and a watermark, `state` gives what a later run goes on from."""

    def __init__(
        self, stations: StationNetwork, solving: Solving, *, settings: TileRunSettings, state: bytes | None = None
    ) -> None:
        """Begin, or go on from a state; raise `InputUnusable` where that goes with other stations or settings."""
        self._stations, self._solving, self._settings = stations, solving, settings
        self._health_level_index = next(i for i, level in enumerate(settings.levels) if level.name != "early")
        self._grids = {level.name: level.grid for level in settings.levels}
        self._tiles = solvable_tiles(stations, settings.grid)
        self._lines = {place: self._line_of(members) for place, members in self._tiles.items()}
        self._solvable = np.zeros(len(stations.station_ids), bool)
        for members in self._tiles.values():
            self._solvable[members] = True
        self.settings_id = content_id(
            "tilerun", canonical_bytes(settings), stations.network_id.encode(), solving.solver_id.encode()
        )
        if state is not None:
            self._state = state_from_bytes(state, settings_id=self.settings_id)
        else:
            self._state = TileRunState(counts=stations.counts)

    @property
    def counts(self) -> TileCounts:
        """What was not used so far, and why."""
        return self._state.counts

    @property
    def totals(self) -> TileTotals:
        """How much went in and out so far."""
        return self._state.totals

    @property
    def digest(self) -> str:
        """The SHA-256 over all rows said so far (`rows_digest`), in hexadecimal."""
        return self._state.digest.hex()

    @property
    def mirror_ambiguous(self) -> tuple[tuple[int, int], ...]:
        """The (column, row) of tiles whose stations stand on one line without bearings: two places fit each event."""
        return tuple(place for place, line in self._lines.items() if line is not None)

    @property
    def tiles(self) -> dict[tuple[int, int], Ints]:
        """The stations (by index) of each (column, row) that is solved."""
        return self._tiles

    @property
    def can_solve(self) -> bool:
        """Whether any tile has stations enough."""
        return bool(self._tiles)

    @property
    def grid(self) -> TileGrid:
        """The grid of the hour and six-hour levels."""
        return self._settings.grid

    @property
    def watermark_ns(self) -> int:
        """The time of receipt up to which everything was handed in."""
        return self._state.watermark_ns

    @property
    def last_due_ns(self) -> int:
        """The latest time at which anything waits to be solved; the watermark, where nothing does."""
        return max([self._state.watermark_ns, *(job.due_ns for job in self._state.jobs)])

    def state(self) -> bytes:
        """Give everything that the next step depends on."""
        return state_bytes(self._state, settings_id=self.settings_id)

    def step(self, tables: Sequence[pa.Table], watermark_ns: int) -> TileOutput:
        """Take detections, and say what is due now that everything received by the watermark has been handed in.

        Tables are in `DETECTION_SCHEMA`, in any order, and may hold what is received later than the watermark; that
        waits. Raise `InputUnusable` where a table lacks columns or too much waits.
        """
        for table in tables:
            self._take(table)
        self._move_watermark(watermark_ns)
        return self._solve_due()

    def finish(self) -> TileOutput:
        """Say all that is still due, now that nothing more comes: the end of a stream is no jump of its clock."""
        self._state.watermark_ns = self.last_due_ns
        return self._solve_due()

    def _solve_due(self) -> TileOutput:
        """Solve what is due by the watermark, in order."""
        state = self._state
        waiting = _in_order_of_receipt(joined(state.waiting or [no_rows()]))
        settled_count = 0
        said = [no_tables()]
        asked: deque[_Asked] = deque()
        for job in sorted(job for job in state.jobs if job.due_ns <= state.watermark_ns):
            state.jobs.discard(job)
            settled_count = self._settle(waiting, settled_count, job.due_ns)
            self._forget(job.due_ns)
            asked.append(self._ask(job))
            if len(asked) >= self._solving.ahead_count:
                said.append(self._answer(asked.popleft()))
        said += [self._answer(one) for one in asked]
        settled_count = self._settle(waiting, settled_count, state.watermark_ns)
        rest = taken(waiting, np.arange(settled_count, waiting.row_count))
        state.waiting = [rest] if rest.row_count else []
        self._let_rest()
        events, members = zip(*said, strict=True)
        return TileOutput(pa.concat_tables(events), pa.concat_tables(members))

    def _line_of(self, members: Ints) -> StationLine | None:
        network = self._stations.network
        if np.isfinite(network.bearing_sigma_deg[members]).any():
            return None
        return line_through(network.x_m[members], network.y_m[members])

    def _count(self, reason: str, count: int, example: Example | None = None) -> None:
        self._state.counts = counted(self._state.counts, reason, count, example=example)

    def _move_watermark(self, watermark_ns: int) -> None:
        """Move the stream's clock on; never back."""
        state = self._state
        before_ns = state.watermark_ns
        step_s = (watermark_ns - before_ns) / NS_PER_S_COUNT
        said = f"watermark {shown_time(watermark_ns)} after {shown_time(before_ns)}: step of {step_s:,.3f} s"
        if watermark_ns < before_ns:
            self._count("watermark_back", 1, Example("stream", said))
            return
        limit_s = self._settings.watermark_jump_max_s
        if before_ns != BEFORE_ALL_NS and step_s > limit_s:
            self._count("watermark_jump", 1, Example("stream", f"{said}, limit {limit_s:,.0f} s"))
        state.watermark_ns = watermark_ns

    def _take(self, table: pa.Table) -> None:
        """Read a table; what is usable waits until its time of receipt has passed."""
        state, settings = self._state, self._settings
        rows, counts = read_detections(table, self._stations, solvable=self._solvable, limits=settings.intake)
        for reason, count in counts.reason_counts.items():
            self._count(reason, count, counts.examples.get(reason))
        delivered_count = state.totals.delivered_count + table.num_rows
        state.totals = msgspec.structs.replace(state.totals, delivered_count=delivered_count)
        rows = self._not_too_late(self._not_behind(rows))
        state.jobs |= set(jobs_for(rows, settings.levels))
        waiting_count = rows.row_count + sum(part.row_count for part in state.waiting)
        if waiting_count > settings.waiting_max_count:
            raise InputUnusable(
                f"waiting_count={waiting_count:,} detections received after the watermark "
                f"{shown_time(state.watermark_ns)} is over {settings.waiting_max_count:,}: "
                "hand them in by received_time"
            )
        state.waiting.append(rows)

    def _not_behind(self, rows: DetectionRows) -> DetectionRows:
        """Take what should have been handed in before as received just after all that was settled."""
        settled_ns = self._state.watermark_ns
        behind = rows.received_ns <= settled_ns
        if not behind.any():
            return rows
        at = _smallest(rows, behind)
        said = f"received_time={shown_time(rows.received_ns[at])} is not after {shown_time(settled_ns)}"
        self._count("behind_watermark", int(behind.sum()), Example(rows.detection_id[at].as_py(), said))
        return rows._replace(received_ns=np.where(behind, settled_ns + 1, rows.received_ns))

    def _not_too_late(self, rows: DetectionRows) -> DetectionRows:
        """Leave out what came after its slab was remembered."""
        grid, remembered_s = self._settings.grid, self._settings.remembered_s
        end_ns = grid.origin_time_ns + (slabs_of(grid, rows.time_ns) + 1) * grid.slab_ns
        late_ns = rows.received_ns - end_ns
        late = late_ns > nanoseconds(remembered_s)
        if not late.any():
            return rows
        at = _smallest(rows, late)
        said = f"received {late_ns[at] / NS_PER_S_COUNT:,.1f} s after its slab's end, limit {remembered_s:,.0f} s"
        self._count("time_too_late", int(late.sum()), Example(rows.detection_id[at].as_py(), said))
        return taken(rows, ~late)

    def _settle(self, waiting: DetectionRows, settled_count: int, through_ns: int) -> int:
        """Put what was received by a time into its slabs, each detection once and no station beyond its limit."""
        end = int(np.searchsorted(waiting.received_ns, through_ns, "right"))
        if end == settled_count:
            return end
        rows = taken(waiting, np.arange(settled_count, end))
        slabs = slabs_of(self._settings.grid, rows.time_ns)
        for slab_index in np.unique(slabs).tolist():
            self._merge(slab_index, taken(rows, slabs == slab_index))
        return end

    def _merge(self, slab_index: int, rows: DetectionRows) -> None:
        slabs = self._state.slabs
        before = slabs[slab_index].rows if slab_index in slabs else no_rows()
        merged = without_duplicates(joined([before, rows]))
        kept, left_out = station_share(merged, station_max_count=self._settings.station_slab_max_count)
        slabs[slab_index] = Slab(kept)
        self._count("duplicate", _duplicate_count(kept) - _duplicate_count(before))
        self._count("equivocation", _different_count(kept) - _different_count(before))
        self._shed("shed_station", left_out.station_index, left_out.copy_count)

    def _shed(self, reason: str, station_index: NDArray[np.int32], weights: NDArray[np.int32]) -> None:
        """Count what was left out, by station."""
        by_station = np.bincount(station_index, weights)
        names = self._stations.station_ids
        shown = {names[at]: int(by_station[at]) for at in np.flatnonzero(by_station).tolist()}
        self._state.counts = shed(self._state.counts, reason, shown)

    def _remembered_from_ns(self, due_ns: int) -> int:
        """Give the time before which no job that is due then or later can ask for anything."""
        slack_ns = _NEIGHBOURS_COUNT * self._settings.grid.slab_ns
        return due_ns - nanoseconds(self._settings.remembered_s) - slack_ns

    def _forget(self, due_ns: int) -> None:
        """Let go of slabs and hashes that no later job can ask for."""
        state, grid = self._state, self._settings.grid
        limit_ns = self._remembered_from_ns(due_ns)
        for slab_index in [slab for slab in state.slabs if grid.slab_end_ns(slab) < limit_ns]:
            del state.slabs[slab_index]
        for tile in [tile for tile in state.input_hashes if grid.slab_end_ns(tile[0]) < limit_ns]:
            del state.input_hashes[tile]

    def _let_rest(self) -> None:
        """Hold slabs packed once their first full solution is made: few are asked for again."""
        level = next(level for level in self._settings.levels if level.name != "early")
        after_count = _NEIGHBOURS_COUNT
        for slab_index, slab in self._state.slabs.items():
            if level.due_ns(slab_index + after_count) <= self._state.watermark_ns:
                slab.rest()

    def _window(self, job: Job) -> DetectionRows:
        """Give the detections that a slab's tiles need, in canonical order."""
        grid = self._settings.levels[job.level_index].grid
        start_ns = grid.slab_start_ns(job.slab_index) - nanoseconds(grid.before_s)
        end_ns = grid.slab_end_ns(job.slab_index) + nanoseconds(grid.after_s)
        first, last = slabs_of(self._settings.grid, np.array([start_ns, end_ns - 1])).tolist()
        held = [self._state.slabs[slab].rows for slab in range(first, last + 1) if slab in self._state.slabs]
        rows = joined(held or [no_rows()])
        return in_canonical_order(taken(rows, window_mask(grid, job.slab_index, rows.time_ns)))

    def _ask(self, job: Job) -> _Asked:
        """Hand in the tiles of a slab that are not as they were, with their neighbours, in order."""
        level = self._settings.levels[job.level_index]
        window = self._window(job)
        inputs = {place: self._tile_rows(window, members) for place, members in self._tiles.items()}
        changed = set(inputs) if level.name == "early" else self._changed(job, inputs)
        solved = [place for place in inputs if changed & _around(place)]
        answers = []
        for place in solved:
            if inputs[place].row_count:
                tile = Tile(*place, job.slab_index)
                task = self._task(tile, inputs[place], level)
                answers.append(_Answering(tile, inputs[place], task, self._solving.ask(task)))
        unchanged = frozenset(inputs) - frozenset(solved)
        totals = self._state.totals
        self._state.totals = msgspec.structs.replace(
            totals,
            solved_tile_count=totals.solved_tile_count + len(answers),
            unchanged_tile_count=totals.unchanged_tile_count + len(unchanged),
        )
        return _Asked(job, answers, frozenset(solved), unchanged)

    def _tile_rows(self, window: DetectionRows, members: Ints) -> DetectionRows:
        """Give a tile's detections under the limit of one solution."""
        rows = station_rows(window, members, station_count=len(self._stations.station_ids))
        stays = tile_share(rows, tile_max_count=self._settings.tile_max_count)
        if stays.all():
            return rows
        left_out = rows.station_index[~stays]
        self._shed("shed_tile", left_out, np.ones(len(left_out), np.int32))
        return taken(rows, stays)

    def _changed(self, job: Job, inputs: Mapping[tuple[int, int], DetectionRows]) -> set[tuple[int, int]]:
        """Give the tiles whose detections are not those of their last solution, and remember them."""
        changed = set()
        for place, rows in inputs.items():
            key = (job.slab_index, *place)
            digest = hashlib.sha256(rows_bytes(rows)).digest()[:16]
            if self._state.input_hashes.get(key) != digest:
                self._state.input_hashes[key] = digest
                changed.add(place)
        return changed

    def _task(self, tile: Tile, rows: DetectionRows, level: Level) -> TileTask:
        grid = level.grid
        members = self._tiles[tile[:2]]
        network = tile_network(self._stations.network, members, centre_m=grid.centre_m(*tile[:2]))
        start_ns = grid.slab_start_ns(tile.slab_index)
        return TileTask(network, tile_detections(rows, members, start_ns=start_ns), grid.span)

    def _answer(self, asked: _Asked) -> TileOutput:
        """Wait for a slab's tiles, and say what is new of their events."""
        state, settings = self._state, self._settings
        level = settings.levels[asked.job.level_index]
        found = [self._found(answering, level) for answering in asked.answers]
        if asked.job == Job(level.due_ns(asked.job.slab_index), self._health_level_index, asked.job.slab_index):
            self._tally([one.residuals for one in found], asked.job.slab_index)
        candidates, twice_count = without_seams(put_together([one.candidates for one in found])) if found else (None, 0)
        slab = SolvedSlab(level, asked.job.slab_index, candidates, asked.solved, asked.unchanged)
        slack_ns = _NEIGHBOURS_COUNT * settings.grid.slab_ns
        memory = forgotten_before(state.memory, self._remembered_from_ns(asked.job.due_ns) - slack_ns)
        issue = issue_slab(memory, slab, settings=settings.revisions)
        state.memory = issue.memory
        self._count("seam", twice_count + issue.seam_count)
        self._count("not_issued", issue.not_issued_count)
        events, members = solution_tables(issue.revisions, issue.candidates, self._grids, issued_ns=asked.job.due_ns)
        state.digest = rows_digest(state.digest, events, members)
        status_counts = dict(state.totals.status_counts)
        for event, _ in issue.revisions:
            status_counts[event.evaluation_status] = status_counts.get(event.evaluation_status, 0) + 1
        state.totals = msgspec.structs.replace(
            state.totals,
            event_count=state.totals.event_count + sum(event.revision_index == 0 for event, _ in issue.revisions),
            status_counts=status_counts,
            member_count=state.totals.member_count + members.num_rows,
        )
        return TileOutput(events, members)

    def _found(self, answering: _Answering, level: Level) -> _Found:
        """Wait for a tile's solution; give the events it speaks for with their types, and how its stations did."""
        grid, tile, task = level.grid, answering.tile, answering.task
        solution = answering.answer()
        types = event_types(task.network, task.detections, solution)
        candidates = candidates_of(solution, answering.rows, grid=grid, tile=tile)
        candidates = candidates._replace(type_index=types.named_index, type_probability=types.named_probability)
        kept = kept_mask(candidates, grid=grid, tile=tile, solved=set(self._tiles))
        own = core_mask(candidates, grid=grid, tile=tile, solved=set(self._tiles))
        residuals = strong_residuals(task.network, task.detections, solution, kept=own)
        spoken = with_mirrored(selected(candidates, np.flatnonzero(kept)), self._lines[tile[:2]])
        return _Found(spoken, (self._tiles[tile[:2]], residuals))

    def _tally(self, tiles: list[tuple[Ints, TileResiduals]], slab_index: int) -> None:
        """Add up how the stations did in a slab, when it is first solved in full."""
        state, grid = self._state, self._settings.grid
        stations = self._stations
        rows = state.slabs[slab_index].rows if slab_index in state.slabs else no_rows()
        counts = np.bincount(rows.station_index, minlength=len(stations.station_ids)).astype(np.int64)
        if rows.row_count == 0:
            return
        since_ns = rows.time_ns - grid.slab_start_ns(slab_index)
        span_s = (float(since_ns.min()) / NS_PER_S_COUNT, float(since_ns.max() + NS_PER_S_COUNT) / NS_PER_S_COUNT)
        state.health = tallied(state.health, stations.network, tiles, counts=counts, span_s=span_s)

    def station_report(self) -> pa.Table:
        """Give how every station in use did so far, in `STATION_REPORT_SCHEMA`."""
        return station_report(self._state.health, self._stations.station_ids)


def _around(place: tuple[int, int]) -> set[tuple[int, int]]:
    """Give a tile and its eight neighbours: what they say of a common border depends on all of them."""
    return {(place[0] + east, place[1] + north) for east in (-1, 0, 1) for north in (-1, 0, 1)}


def _in_order_of_receipt(rows: DetectionRows) -> DetectionRows:
    return taken(rows, np.argsort(rows.received_ns, kind="stable"))


def _duplicate_count(rows: DetectionRows) -> int:
    return int(rows.copy_count.sum()) - rows.row_count


def _different_count(rows: DetectionRows) -> int:
    return int(rows.copy_count.sum()) - int(rows.same_count.sum())


def _smallest(rows: DetectionRows, mask: Mask) -> int:
    """Give the place of the smallest id among some rows."""
    places = np.flatnonzero(mask)
    names = rows.detection_id.take(places).to_pylist()
    return int(places[min(range(len(places)), key=names.__getitem__)])
