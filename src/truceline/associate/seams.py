"""What tiles say of events at their borders: each event is kept exactly once, and none is lost between two cores.

A tile keeps what lies in its core or in a narrow margin around it, because two tiles may place one event a few metres
on either side of their border. Two tiles' solutions that share at least half of their members' weight are one event;
the one with the larger log-odds stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from truceline.associate.event_type import UNDETERMINED_INDEX
from truceline.associate.network import Floats, Ints, Solution
from truceline.associate.tile_rows import DetectionRows, Keys
from truceline.associate.tiles import NS_PER_S_COUNT, Mask, StationLine, Tile, TileGrid, nanoseconds, owners_of

SHARED_MIN_RATIO = 0.5
"""Two solutions are of one event when they share at least this part of the lesser one's member weight."""

MIRROR_PROBABILITY = 0.5
"""The probability of the mirrored place where all stations stand on one line: nothing there tells the two apart."""


class Members(NamedTuple):
    """The members of several events, flat, in the order of events: event, detection key, probability of membership."""

    event_index: Ints
    key: Keys
    probability: Floats


class Candidates(NamedTuple):
    """Events as tiles found them, metres in the plane, UTC nanoseconds; members flat, event by event.

    `covariance` has shape (events, 6) and goes with `region_tail_ratio` as in `Solution`; `type_index` counts into
    `event_type.TYPES`; tiles are given by their indices. An event's members are in canonical order of their detections:
    by station, time and id.
    """

    x_m: Floats
    y_m: Floats
    time_ns: Ints
    covariance: Floats
    region_tail_ratio: Floats
    log_odds_ratio: Floats
    event_probability: Floats
    detection_range_m: Floats
    defining_count: Ints
    alternative_x_m: Floats
    alternative_y_m: Floats
    alternative_probability: Floats
    type_index: Ints
    type_probability: Floats
    tile_column: Ints
    tile_row: Ints
    tile_slab: Ints
    member_count: Ints
    member_key: Keys
    member_time_ns: Ints
    member_probability: Floats
    member_residual_s: Floats
    member_id: Any

    @property
    def event_count(self) -> int:
        """The number of events."""
        return len(self.x_m)

    @property
    def members(self) -> Members:
        """The members as flat columns with their event's index."""
        event_index = np.repeat(np.arange(len(self.x_m)), self.member_count)
        return Members(event_index, self.member_key, self.member_probability)


_EVENT_FIELDS = Candidates._fields[: Candidates._fields.index("member_count") + 1]
_MEMBER_FIELDS = Candidates._fields[len(_EVENT_FIELDS) : -1]


def candidates_of(solution: Solution, rows: DetectionRows, *, grid: TileGrid, tile: Tile) -> Candidates:
    """Give a tile's solution with places in the plane and times in UTC, its members named by their detections.

    Every event begins as an explosion undetermined; `tile_types` says more.

    `rows` are the tile's detections in the order in which the engine had them.
    """
    centre_x_m, centre_y_m = grid.centre_m(tile.column_index, tile.row_index)
    order = np.lexsort((solution.member_detection_index, solution.member_event_index))
    places = solution.member_detection_index[order]
    count = len(solution.x_m)
    assert len(places) == 0 or int(places.max()) < rows.row_count, "a member is none of the tile's detections"
    return Candidates(
        x_m=solution.x_m + centre_x_m,
        y_m=solution.y_m + centre_y_m,
        time_ns=grid.slab_start_ns(tile.slab_index) + np.rint(solution.time_s * NS_PER_S_COUNT).astype(np.int64),
        covariance=solution.covariance.reshape(count, 6),
        region_tail_ratio=solution.region_tail_ratio,
        log_odds_ratio=solution.log_odds_ratio,
        event_probability=solution.event_probability,
        detection_range_m=solution.detection_range_m,
        defining_count=solution.defining_count.astype(np.int64),
        alternative_x_m=solution.alternative_x_m + centre_x_m,
        alternative_y_m=solution.alternative_y_m + centre_y_m,
        alternative_probability=solution.alternative_probability,
        type_index=np.full(count, UNDETERMINED_INDEX, np.int64),
        type_probability=solution.event_probability,
        tile_column=np.full(count, tile.column_index, np.int64),
        tile_row=np.full(count, tile.row_index, np.int64),
        tile_slab=np.full(count, tile.slab_index, np.int64),
        member_count=np.bincount(solution.member_event_index, minlength=count).astype(np.int64),
        member_key=rows.key[places],
        member_time_ns=rows.time_ns[places],
        member_probability=solution.member_probability[order],
        member_residual_s=solution.member_residual_s[order],
        member_id=rows.detection_id.take(places),
    )


def with_mirrored(candidates: Candidates, line: StationLine | None) -> Candidates:
    """Give the events with their mirrored place beside them, where stations on one line cannot tell the two apart.

    An alternative that the engine found itself stands as it is; without a line nothing changes.
    """
    if line is None:
        return candidates
    open_ones = np.isnan(candidates.alternative_probability)
    x_m, y_m = line.mirrored_m(candidates.x_m, candidates.y_m)
    return candidates._replace(
        alternative_x_m=np.where(open_ones, x_m, candidates.alternative_x_m),
        alternative_y_m=np.where(open_ones, y_m, candidates.alternative_y_m),
        alternative_probability=np.where(open_ones, MIRROR_PROBABILITY, candidates.alternative_probability),
    )


def selected(candidates: Candidates, places: Ints) -> Candidates:
    """Give the events at some indices, in that order, with their members."""
    begins = np.cumsum(candidates.member_count) - candidates.member_count
    counts = candidates.member_count[places]
    flat = np.repeat(begins[places] - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    changed = {name: getattr(candidates, name)[places] for name in _EVENT_FIELDS}
    changed |= {name: getattr(candidates, name)[flat] for name in _MEMBER_FIELDS}
    return Candidates(**changed, member_id=candidates.member_id.take(flat))


def put_together(parts: Sequence[Candidates]) -> Candidates:
    """Give the events of several tiles, one tile after the other; at least one part is wanted."""
    columns = [np.concatenate(column) for column in zip(*(part[:-1] for part in parts), strict=True)]
    return Candidates._make([*columns, pa.concat_arrays([part.member_id for part in parts])])


def kept_mask(candidates: Candidates, *, grid: TileGrid, tile: Tile, solved: set[tuple[int, int]]) -> Mask:
    """Say which of a tile's events it speaks for: those in its core or margin, and those in a core that nobody solves.

    `solved` holds (column, row) of every tile with stations enough to be solved.
    """
    centre_x_m, centre_y_m = grid.centre_m(tile.column_index, tile.row_index)
    reach_m = grid.core_m / 2.0 + grid.seam_m
    near: Mask = (np.abs(candidates.x_m - centre_x_m) <= reach_m) & (np.abs(candidates.y_m - centre_y_m) <= reach_m)
    columns, rows = owners_of(grid, candidates.x_m, candidates.y_m)
    owners = zip(columns.tolist(), rows.tolist(), strict=True)
    own: Mask = np.array([owner == tile[:2] or owner not in solved for owner in owners], bool)
    seam_ns = nanoseconds(grid.seam_s)
    start_ns = grid.slab_start_ns(tile.slab_index) - seam_ns
    end_ns = grid.slab_end_ns(tile.slab_index) + seam_ns
    in_time: Mask = (candidates.time_ns >= start_ns) & (candidates.time_ns < end_ns)
    return (near | own) & in_time


def core_mask(candidates: Candidates, *, grid: TileGrid, tile: Tile, solved: set[tuple[int, int]]) -> Mask:
    """Say which of a tile's events are its own alone: in its half-open core (or one nobody solves) and its slab."""
    columns, rows = owners_of(grid, candidates.x_m, candidates.y_m)
    owners = zip(columns.tolist(), rows.tolist(), strict=True)
    own: Mask = np.array([owner == tile[:2] or owner not in solved for owner in owners], bool)
    start_ns, end_ns = grid.slab_start_ns(tile.slab_index), grid.slab_end_ns(tile.slab_index)
    in_time: Mask = (candidates.time_ns >= start_ns) & (candidates.time_ns < end_ns)
    return own & in_time


def shared_ratios(first: Members, second: Members) -> tuple[Ints, Ints, Floats]:
    """Give every pair of events with common members, and how large a part of the lesser one's weight they share.

    The shared weight of a detection is the lesser of its two probabilities. Pairs come by first, then second event.
    """
    order = np.argsort(second.key, kind="stable")
    keys = second.key[order]
    low, high = np.searchsorted(keys, first.key, "left"), np.searchsorted(keys, first.key, "right")
    counts = high - low
    left = np.repeat(np.arange(len(first.key)), counts)
    right = order[np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))]
    width = int(second.event_index.max(initial=0)) + 1
    pairs, place = np.unique(first.event_index[left] * width + second.event_index[right], return_inverse=True)
    shared = np.bincount(place, np.minimum(first.probability[left], second.probability[right]), len(pairs))
    i, j = pairs // width, pairs % width
    weight_i = np.bincount(first.event_index, first.probability)[i]
    weight_j = np.bincount(second.event_index, second.probability)[j]
    lesser = np.minimum(weight_i, weight_j)
    return i, j, np.divide(shared, lesser, out=np.zeros(len(pairs)), where=lesser > 0.0)


def without_seams(candidates: Candidates) -> tuple[Candidates, int]:
    """Give each event of several tiles once, by time, then place; and how many solutions stood for one twice.

    In the order of log-odds (then of tiles, then of time and place) a solution stands unless one that stands already,
    of another tile, shares at least `SHARED_MIN_RATIO` with it.
    """
    i, j, ratio = shared_ratios(candidates.members, candidates.members)
    tiles = np.column_stack([candidates.tile_column, candidates.tile_row])
    twice = (ratio >= SHARED_MIN_RATIO) & (tiles[i] != tiles[j]).any(axis=1)
    rivals: dict[int, list[int]] = {}
    for one, other in zip(i[twice].tolist(), j[twice].tolist(), strict=True):
        rivals.setdefault(one, []).append(other)
    c = candidates
    order = np.lexsort((c.y_m, c.x_m, c.time_ns, c.tile_row, c.tile_column, -c.log_odds_ratio))
    stands = np.zeros(c.event_count, bool)
    for index in order.tolist():
        stands[index] = not any(stands[rival] for rival in rivals.get(index, ()))
    kept = np.flatnonzero(stands)
    kept = kept[np.lexsort((c.y_m[kept], c.x_m[kept], c.time_ns[kept]))]
    return selected(c, kept), c.event_count - len(kept)
