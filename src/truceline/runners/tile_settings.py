"""The levels and bounds of a run, and when each slab is due: a function of the detections alone, not of batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from truceline.associate.network import Ints
from truceline.associate.revisions import Level, LevelName, RevisionSettings
from truceline.associate.tile_rows import DetectionRows
from truceline.associate.tiles import TileGrid, nanoseconds, slabs_needing
from truceline.model.quantity import require_between
from truceline.runners.tile_intake import IntakeLimits
from truceline.runners.tile_state import Job

EARLY_SLAB_S = 30.0
EARLY_BEFORE_S = 45.0
EARLY_AFTER_S = 60.0
"""The early level's grid: an event is issued at most slab and after, 90 s, after it happened."""

HOUR_S = 3_600.0
SIX_HOURS_S = 21_600.0


class TileRunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The levels to solve, lowest first, and every bound of a run.

    `remembered_s`: how long after its end a slab can be revised. `station_slab_max_count`: detections of one station in
    one slab; `tile_max_count`: detections of one solution; `waiting_max_count`: detections handed in before their time
    of receipt has passed. `watermark_jump_max_s`: a longer step of the stream's clock is said.
    """

    levels: tuple[Level, ...]
    revisions: RevisionSettings = RevisionSettings()
    intake: IntakeLimits = IntakeLimits()
    remembered_s: float = 43_200.0
    station_slab_max_count: int = 600
    tile_max_count: int = 400_000
    waiting_max_count: int = 5_000_000
    watermark_jump_max_s: float = 21_600.0

    def __post_init__(self) -> None:
        """Check that levels come in order, on the same cores, and that a slab is remembered until the last is due."""
        assert self.levels, "a run has at least one level"
        assert self.levels[-1].name != "early", "a run ends with the hour or the six-hour level"
        delays_s = [level.delay_s for level in self.levels]
        assert delays_s == sorted(delays_s), f"levels are not in order of delay_s={delays_s}"
        cores = {(level.grid.plane, level.grid.core_m, level.grid.halo_m) for level in self.levels}
        origins = {(level.grid.origin_x_m, level.grid.origin_y_m, level.grid.origin_time_ns) for level in self.levels}
        assert len(cores) == len(origins) == 1, "levels are solved on the same cores"
        require_between("remembered_s", self.remembered_s, self.levels[-1].delay_s, 2_592_000.0)
        require_between("station_slab_max_count", self.station_slab_max_count, 1, 1_000_000)
        require_between("tile_max_count", self.tile_max_count, 1, 10_000_000)
        require_between("waiting_max_count", self.waiting_max_count, 1, 100_000_000)
        require_between("watermark_jump_max_s", self.watermark_jump_max_s, 1.0, 31_622_400.0)

    @property
    def grid(self) -> TileGrid:
        """The grid of the hour and six-hour levels, by whose slabs detections are held."""
        return self.levels[-1].grid


def levels_on(grid: TileGrid, *, names: Sequence[LevelName] = ("early", "hour", "six_hour")) -> tuple[Level, ...]:
    """Give the levels of a run on a grid; the early one is on the same cores with shorter slabs."""
    early = msgspec.structs.replace(grid, slab_s=EARLY_SLAB_S, before_s=EARLY_BEFORE_S, after_s=EARLY_AFTER_S)
    known = (
        Level(name="early", grid=early, delay_s=EARLY_AFTER_S),
        Level(name="hour", grid=grid, delay_s=HOUR_S),
        Level(name="six_hour", grid=grid, delay_s=SIX_HOURS_S),
    )
    return tuple(level for level in known if level.name in names)


def jobs_for(rows: DetectionRows, levels: Sequence[Level]) -> Iterator[Job]:
    """Give when each slab that needs one of the rows is to be solved with it.

    At each level a slab is due once, and uses what was received by then. What is received after the last level is due
    makes the slab due again, at the next full slab of the grid's clock.
    """
    for level_index, level in enumerate(levels):
        grid = level.grid
        first, last = slabs_needing(grid, rows.time_ns)
        for offset in range(int((last - first).max(initial=-1)) + 1):
            slab = first + offset
            due_ns = grid.origin_time_ns + (slab + 1) * grid.slab_ns + nanoseconds(level.delay_s)
            needed = slab <= last
            in_time = needed & (rows.received_ns <= due_ns)
            for slab_index in np.unique(slab[in_time]).tolist():
                yield Job(level.due_ns(slab_index), level_index, slab_index)
            if level_index == len(levels) - 1:
                yield from _late_jobs(slab[needed & ~in_time], rows.received_ns[needed & ~in_time], levels)


def _late_jobs(slabs: Ints, received_ns: Ints, levels: Sequence[Level]) -> Iterator[Job]:
    grid = levels[-1].grid
    due_ns = grid.origin_time_ns - (grid.origin_time_ns - received_ns) // grid.slab_ns * grid.slab_ns
    for due, slab_index in np.unique(np.column_stack([due_ns, slabs]), axis=0).tolist():
        yield Job(due, len(levels) - 1, slab_index)
