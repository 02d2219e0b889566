"""Early, one-hour and six-hour solutions under one event id: what was said is revised, and never changed silently.

A later solution's events are matched to what was issued: by shared members first, then by place and time. What is the
same in every number is not said again. What a later solution no longer has is issued once more, as rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from truceline.associate.event_type import TYPES
from truceline.associate.network import Floats
from truceline.associate.seams import SHARED_MIN_RATIO, Candidates, Members, selected, shared_ratios
from truceline.associate.tiles import NS_PER_S_COUNT, Tile, TileGrid, nanoseconds, owners_of
from truceline.model.quantity import content_id, require_between

LevelName = Literal["early", "hour", "six_hour"]
Status = Literal["preliminary", "confirmed", "final", "rejected"]

LEVEL_STATUS: dict[LevelName, Status] = {"early": "preliminary", "hour": "confirmed", "six_hour": "final"}
"""QuakeML's evaluation status of each level, in the order of the levels; `reviewed` is left to people."""

Numbers = tuple[float, ...]
"""Several numbers of one event, in the order in which `Candidates` has their columns, each in its unit."""

_RANK = {name: rank for rank, name in enumerate(LEVEL_STATUS)}
_BUCKET_NS = 300 * NS_PER_S_COUNT
_DEFINING_PROBABILITY = 0.5


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One of the solutions of a slab: on which grid, and how long after the slab's end it is made.

    It uses every detection received by then. The early level waits for `after_s` only, so that an event is first issued
    at most `slab_s + after_s` after it happened, whichever part of the slab it lies in.
    """

    name: LevelName
    grid: TileGrid
    delay_s: float

    def __post_init__(self) -> None:
        """Check that a slab is solved once all it needs can have been received."""
        require_between("delay_s", self.delay_s, self.grid.after_s, 604_800.0)

    def due_ns(self, slab_index: int) -> int:
        """Give the time of receipt up to which a slab's solution uses detections, UTC nanoseconds."""
        return self.grid.slab_end_ns(slab_index) + nanoseconds(self.delay_s)


class RevisionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a later solution's event is one that was issued, and how many events a slab may hold.

    `place_gap_max_m` and `time_gap_max_s` serve events without common members. Of one level a solution with the same
    members is only said again when place or time moved by `place_change_min_m` or `time_change_min_s`, or any other
    number by `change_min_ratio` of itself: a late detection elsewhere in a tile moves every event of it a little, and
    until a revision is issued the numbers issued before stand. More than `issued_slab_max_count` events of one slab are
    not issued: those with the least log-odds are left out and counted.
    """

    place_gap_max_m: float = 500.0
    time_gap_max_s: float = 2.0
    place_change_min_m: float = 0.1
    time_change_min_s: float = 0.000_5
    change_min_ratio: float = 0.001
    issued_slab_max_count: int = 20_000

    def __post_init__(self) -> None:
        """Check the limits."""
        require_between("place_gap_max_m", self.place_gap_max_m, 1.0, 10_000.0)
        require_between("time_gap_max_s", self.time_gap_max_s, 0.001, 60.0)
        require_between("place_change_min_m", self.place_change_min_m, 0.0, 100.0)
        require_between("time_change_min_s", self.time_change_min_s, 0.0, 1.0)
        require_between("change_min_ratio", self.change_min_ratio, 0.0, 0.1)
        require_between("issued_slab_max_count", self.issued_slab_max_count, 1, 1_000_000)


class IssuedEvent(msgspec.Struct, frozen=True, array_like=True):
    """The newest revision of an event as it was issued: metres in the plane, UTC nanoseconds, members as raw columns.

    `covariance` and `region_tail_ratio` are as in `Solution`; `numbers` are log-odds, probability, range in metres, and
    the alternative's place and probability (-inf: none). `level` is that of the revision, `solved_level` that of the
    solution its numbers are from: a rejection keeps them.
    """

    event_id: str
    revision_index: int
    level: LevelName
    solved_level: LevelName
    evaluation_status: Status
    time_ns: int
    x_m: float
    y_m: float
    covariance: Numbers
    region_tail_ratio: float
    numbers: Numbers
    defining_count: int
    event_type: str
    type_probability: float
    tile: Tile
    member_key: bytes
    member_probability: bytes


class IssuedMemory(msgspec.Struct, frozen=True):
    """Everything issued and not yet forgotten, by stretches of 300 s of origin time, then by event id."""

    buckets: dict[int, dict[str, IssuedEvent]] = {}


class SolvedSlab(NamedTuple):
    """The solution of one slab at one level, tiles merged: events by time, and (column, row) of what was solved.

    `unchanged` are tiles whose detections are those of their last solution, so that it holds and was not made again.
    """

    level: Level
    slab_index: int
    candidates: Candidates | None
    solved: frozenset[tuple[int, int]]
    unchanged: frozenset[tuple[int, int]]


class SlabIssue(NamedTuple):
    """What is said of a slab, and the memory; a revision with an index has the members of that candidate.

    `None` stands for the members it had before. `candidates` are the slab's within their limit.
    """

    memory: IssuedMemory
    revisions: list[tuple[IssuedEvent, int | None]]
    candidates: Candidates | None
    seam_count: int
    not_issued_count: int


def issue_slab(memory: IssuedMemory, slab: SolvedSlab, *, settings: RevisionSettings) -> SlabIssue:
    """Give the revisions that a slab's solution leads to, in the order of time and id, and the memory afterwards."""
    slab, not_issued_count = _bounded(slab, settings)
    scope = _scope(memory, slab)
    questioned = [_is_questioned(event, slab) for event in scope]
    solved = list(_issues_of(slab))
    same = _same_events(slab.candidates, scope)
    standing = {i for _, j, i in same if not questioned[j] and _stands_elsewhere(scope[j], solved[i])}
    same = [(ratio, j, i) for ratio, j, i in same if i not in standing]
    matched = _one_to_one(same, {})
    matched = _one_to_one(_near_pairs(solved, scope, questioned, settings), matched, left_out=standing)
    pairs = [(event, scope[matched[i]] if i in matched else None) for i, event in enumerate(solved)]
    new = [i for i in range(len(solved)) if i not in matched and i not in standing]
    revisions = _of_candidates(pairs, _named(slab.candidates, new, scope), settings)
    found = set(matched.values())
    replaced = {j for _, j, _ in same} - found
    for j, event in enumerate(scope):
        if event.evaluation_status == "rejected" or j in found:
            continue
        if questioned[j] or j in replaced:
            revisions.append((_revised(event, slab.level.name, "rejected"), None))
        elif _is_confirmed_unsolved(event, slab):
            revisions.append((_revised(event, slab.level.name, LEVEL_STATUS[slab.level.name]), None))
    revisions.sort(key=lambda revision: (revision[0].time_ns, revision[0].event_id))
    before = {event.event_id: event for event in scope}
    remembered = _remembered(memory, before, revisions)
    return SlabIssue(remembered, revisions, slab.candidates, len(standing), not_issued_count)


def forgotten_before(memory: IssuedMemory, time_ns: int) -> IssuedMemory:
    """Give the memory without the stretches that ended before a time."""
    kept = {bucket: events for bucket, events in memory.buckets.items() if (bucket + 1) * _BUCKET_NS > time_ns}
    return IssuedMemory(kept)


def memory_of(events: Iterable[IssuedEvent]) -> IssuedMemory:
    """Give the memory of events as `issued_events` gave them."""
    buckets: dict[int, dict[str, IssuedEvent]] = {}
    for event in events:
        buckets.setdefault(event.time_ns // _BUCKET_NS, {})[event.event_id] = event
    return IssuedMemory(buckets)


def issued_events(memory: IssuedMemory) -> Iterator[IssuedEvent]:
    """Give the newest revision of every event remembered, by time and id."""
    events = (event for bucket in memory.buckets.values() for event in bucket.values())
    yield from sorted(events, key=lambda event: (event.time_ns, event.event_id))


def _bounded(slab: SolvedSlab, settings: RevisionSettings) -> tuple[SolvedSlab, int]:
    """Leave out the least likely events beyond the limit of a slab."""
    candidates, most_count = slab.candidates, settings.issued_slab_max_count
    if candidates is None or candidates.event_count <= most_count:
        return slab, 0
    kept = np.sort(np.argsort(-candidates.log_odds_ratio, kind="stable")[:most_count])
    return slab._replace(candidates=selected(candidates, kept)), candidates.event_count - most_count


def _scope(memory: IssuedMemory, slab: SolvedSlab) -> list[IssuedEvent]:
    """Give what was issued near a slab, rejected events too, by time and id: nothing else can share a detection."""
    grid = slab.level.grid
    reach_ns = nanoseconds(grid.before_s + grid.after_s)
    first = (grid.slab_start_ns(slab.slab_index) - reach_ns) // _BUCKET_NS
    last = (grid.slab_end_ns(slab.slab_index) + reach_ns) // _BUCKET_NS
    near = (event for bucket in range(first, last + 1) for event in memory.buckets.get(bucket, {}).values())
    return sorted(near, key=lambda event: (event.time_ns, event.event_id))


def _is_of_tiles(event: IssuedEvent, slab: SolvedSlab, tiles: frozenset[tuple[int, int]]) -> bool:
    """Say whether an event's numbers are the last solution of one of these tiles of the slab, on the same grid."""
    same_grid = (event.solved_level == "early") == (slab.level.name == "early")
    return same_grid and event.tile[2] == slab.slab_index and event.tile[:2] in tiles


def _is_questioned(event: IssuedEvent, slab: SolvedSlab) -> bool:
    """Say whether a slab's solution must have an event or else reject it.

    So it is with what these very tiles said before, and with what the early level placed in their half-open cores.
    """
    if event.evaluation_status == "rejected":
        return False
    if event.solved_level != "early" or slab.level.name == "early":
        return _is_of_tiles(event, slab, slab.solved)
    grid = slab.level.grid
    in_slab = grid.slab_start_ns(slab.slab_index) <= event.time_ns < grid.slab_end_ns(slab.slab_index)
    column, row = owners_of(grid, np.array([event.x_m]), np.array([event.y_m]))
    return in_slab and (int(column[0]), int(row[0])) in slab.solved


def _is_confirmed_unsolved(event: IssuedEvent, slab: SolvedSlab) -> bool:
    """Say whether an event rises to a level because its tile's detections are those of its last solution."""
    return _RANK[event.level] < _RANK[slab.level.name] and _is_of_tiles(event, slab, slab.unchanged)


def _members_of(scope: Sequence[IssuedEvent]) -> Members:
    keys = [np.frombuffer(event.member_key, "<u8") for event in scope]
    index = np.repeat(np.arange(len(scope)), [len(key) for key in keys])
    probability = np.frombuffer(b"".join(event.member_probability for event in scope), "<f8")
    return Members(index, np.concatenate([np.zeros(0, np.uint64), *keys]), probability)


def _same_events(candidates: Candidates | None, scope: Sequence[IssuedEvent]) -> list[tuple[float, int, int]]:
    """Give (minus the shared part, issued event, candidate) of all that are one event, the largest part first."""
    if candidates is None or not scope:
        return []
    i, j, ratio = shared_ratios(candidates.members, _members_of(scope))
    enough = ratio >= SHARED_MIN_RATIO
    return sorted(zip((-ratio[enough]).tolist(), j[enough].tolist(), i[enough].tolist(), strict=True))


def _near_pairs(
    solved: Sequence[IssuedEvent],
    scope: Sequence[IssuedEvent],
    questioned: Sequence[bool],
    settings: RevisionSettings,
) -> list[tuple[float, int, int]]:
    """Give (how far apart, issued event, candidate) for all close in place and time, of events in question."""
    pairs = []
    x_m, y_m = np.array([event.x_m for event in solved]), np.array([event.y_m for event in solved])
    time_ns = np.array([event.time_ns for event in solved], np.int64)
    for j in np.flatnonzero(questioned).tolist():
        event = scope[j]
        place = np.hypot(x_m - event.x_m, y_m - event.y_m) / settings.place_gap_max_m
        time = np.abs(time_ns - event.time_ns) / nanoseconds(settings.time_gap_max_s)
        close = np.flatnonzero((place <= 1.0) & (time <= 1.0))
        pairs += [(float(place[at] + time[at]), j, int(at)) for at in close]
    return sorted(pairs)


def _one_to_one(
    pairs: Sequence[tuple[float, int, int]], matched: dict[int, int], *, left_out: AbstractSet[int] = frozenset()
) -> dict[int, int]:
    """Add to what is matched (candidate: issued event) pairs in their order, each candidate and event once."""
    matched = dict(matched)
    taken = set(matched.values())
    for _, issued, candidate in pairs:
        if candidate not in matched and issued not in taken and candidate not in left_out:
            matched[candidate] = issued
            taken.add(issued)
    return matched


def _named(candidates: Candidates | None, new: Sequence[int], scope: Sequence[IssuedEvent]) -> dict[int, str]:
    """Give the ids of new events."""
    names: dict[int, str] = {}
    if candidates is None:
        return names
    used = {event.event_id for event in scope}
    ends = np.cumsum(candidates.member_count)
    for i in new:
        begin = int(ends[i] - candidates.member_count[i])
        names[i] = _new_id(candidates, slice(begin, int(ends[i])), used)
        used.add(names[i])
    return names


def _of_candidates(
    pairs: Sequence[tuple[IssuedEvent, IssuedEvent | None]], names: dict[int, str], settings: RevisionSettings
) -> list[tuple[IssuedEvent, int | None]]:
    """Give a revision for each (candidate, what it is) that says something new; a candidate without either is left."""
    revisions: list[tuple[IssuedEvent, int | None]] = []
    for i, (event, before) in enumerate(pairs):
        if before is not None and not _says_the_same(event, before, settings):
            number = before.revision_index + 1
            revisions.append((msgspec.structs.replace(event, event_id=before.event_id, revision_index=number), i))
        elif i in names:
            revisions.append((msgspec.structs.replace(event, event_id=names[i]), i))
    return revisions


def _says_the_same(event: IssuedEvent, before: IssuedEvent, settings: RevisionSettings) -> bool:
    """Say whether a solution adds nothing to what was issued at its level: the same members, and no number moved."""
    said, said_before = (
        (each.level, each.evaluation_status, each.event_type, each.member_key) for each in (event, before)
    )
    if said != said_before:
        return False
    if np.hypot(event.x_m - before.x_m, event.y_m - before.y_m) > settings.place_change_min_m:
        return False
    if abs(event.time_ns - before.time_ns) > nanoseconds(settings.time_change_min_s):
        return False
    new, old = (
        np.array([*each.covariance, each.region_tail_ratio, *each.numbers, each.defining_count])
        for each in (event, before)
    )
    new_members, old_members = (np.frombuffer(each.member_probability, "<f8") for each in (event, before))
    ratio = settings.change_min_ratio
    return bool(np.allclose(new, old, ratio, 0.0) and np.allclose(new_members, old_members, ratio, 0.0))


def _stands_elsewhere(before: IssuedEvent, solved: IssuedEvent) -> bool:
    """Say whether another tile's solution of an event stands against this one: it is likelier, or less preliminary."""
    if before.evaluation_status == "rejected":
        return False
    if (before.solved_level == "early") != (solved.level == "early"):
        return solved.level == "early"
    return (-before.numbers[0], before.tile) <= (-solved.numbers[0], solved.tile)


def _issues_of(slab: SolvedSlab) -> Iterator[IssuedEvent]:
    """Give each candidate as a first revision without an id."""
    c = slab.candidates
    if c is None:
        return
    ends = np.cumsum(c.member_count)
    numbers = np.column_stack(_numbers(c)).tolist()
    tiles = np.column_stack([c.tile_column, c.tile_row, c.tile_slab]).tolist()
    for index, end in enumerate(ends.tolist()):
        begin = end - int(c.member_count[index])
        yield IssuedEvent(
            event_id="",
            revision_index=0,
            level=slab.level.name,
            solved_level=slab.level.name,
            evaluation_status=LEVEL_STATUS[slab.level.name],
            time_ns=int(c.time_ns[index]),
            x_m=float(c.x_m[index]),
            y_m=float(c.y_m[index]),
            covariance=tuple(c.covariance[index].tolist()),
            region_tail_ratio=float(c.region_tail_ratio[index]),
            numbers=tuple(numbers[index]),
            defining_count=int(c.defining_count[index]),
            event_type=TYPES[int(c.type_index[index])],
            type_probability=float(c.type_probability[index]),
            tile=Tile(*tiles[index]),
            member_key=c.member_key[begin:end].astype("<u8").tobytes(),
            member_probability=c.member_probability[begin:end].astype("<f8").tobytes(),
        )


def _numbers(c: Candidates) -> list[Floats]:
    """List what `IssuedEvent.numbers` holds, in its order; unknown alternatives as -inf, which equals itself."""
    there = np.isfinite(c.alternative_probability)
    alternatives = (c.alternative_x_m, c.alternative_y_m, c.alternative_probability)
    return [
        c.log_odds_ratio,
        c.event_probability,
        c.detection_range_m,
        *(np.where(there, column, -np.inf) for column in alternatives),
    ]


def _new_id(candidates: Candidates, members: slice, used: set[str]) -> str:
    """Name an event after its anchor, the earliest defining detection; a second one of the same anchor is numbered."""
    probability = candidates.member_probability[members]
    assert len(probability), "an event without detections was found by nobody"
    defining = np.flatnonzero(probability >= min(_DEFINING_PROBABILITY, float(probability.max())))
    anchor = members.start + int(defining[np.argmin(candidates.member_time_ns[members][defining])])
    name = str(candidates.member_id[anchor].as_py()).encode()
    event_id, number = content_id("event", name), 0
    while event_id in used:
        number += 1
        event_id = content_id("event", name, str(number).encode())
    return event_id


def _revised(event: IssuedEvent, level: LevelName, status: Status) -> IssuedEvent:
    """Give the next revision of an event with the same numbers."""
    return msgspec.structs.replace(
        event, revision_index=event.revision_index + 1, level=level, evaluation_status=status
    )


def _remembered(
    memory: IssuedMemory, before: dict[str, IssuedEvent], revisions: Sequence[tuple[IssuedEvent, int | None]]
) -> IssuedMemory:
    """Give the memory with the newest revisions; the memory before stays as it is."""
    buckets = dict(memory.buckets)
    copied: set[int] = set()
    for event, _ in revisions:
        places = [event.time_ns // _BUCKET_NS]
        if event.event_id in before:
            places.append(before[event.event_id].time_ns // _BUCKET_NS)
        for place in set(places) - copied:
            buckets[place] = dict(buckets.get(place, {}))
            copied.add(place)
        buckets[places[-1]].pop(event.event_id, None)
        buckets[places[0]][event.event_id] = event
    return IssuedMemory({place: buckets[place] for place in sorted(buckets) if buckets[place]})
