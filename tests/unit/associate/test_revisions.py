"""Revisions: one id for one event through all its solutions, and nothing changed silently."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from truceline.associate.revisions import (
    IssuedEvent,
    IssuedMemory,
    Level,
    LevelName,
    RevisionSettings,
    SlabIssue,
    SolvedSlab,
    forgotten_before,
    issue_slab,
    issued_events,
    memory_of,
)
from truceline.associate.seams import Candidates
from truceline.associate.tiles import TileGrid
from unit.associate.test_seams import found

GRID = TileGrid(core_m=10_000.0, halo_m=4_000.0, slab_s=60.0)
EARLY_GRID = msgspec.structs.replace(GRID, slab_s=30.0, before_s=45.0, after_s=60.0)
LEVELS = {
    "early": Level(name="early", grid=EARLY_GRID, delay_s=60.0),
    "hour": Level(name="hour", grid=GRID, delay_s=3_600.0),
    "six_hour": Level(name="six_hour", grid=GRID, delay_s=21_600.0),
}
SETTINGS = RevisionSettings()
HERE = frozenset({(0, 0)})
SECOND_NS = 10**9
FIVE = ["a", "b", "c", "d", "e"]


def step(
    memory: IssuedMemory,
    level: LevelName,
    candidates: Candidates | None,
    *,
    settings: RevisionSettings = SETTINGS,
    **changes: Any,
) -> SlabIssue:
    """Issue the first slab's solution by the first tile; or another slab, other tiles."""
    slab = SolvedSlab(LEVELS[level], 0, candidates, HERE, frozenset())._replace(**changes)
    return issue_slab(memory, slab, settings=settings)


def said(issue: SlabIssue) -> list[tuple[int, str, str]]:
    """Give revision index, level and status of what was issued."""
    return [(event.revision_index, event.level, event.evaluation_status) for event, _ in issue.revisions]


def ids(issue: SlabIssue) -> list[str]:
    """Give the ids of what was issued."""
    return [event.event_id for event, _ in issue.revisions]


def at(*seconds_s: float, east_m: float = 5_000.0) -> dict[str, Any]:
    """Place events in the middle of the first tile."""
    return {"places": [(east_m, 5_000.0, second) for second in seconds_s]}


def test_one_event_keeps_its_id_through_all_levels() -> None:
    """Early, hour and six-hour solutions of one event are its revisions 0, 1, 2, with QuakeML's statuses."""
    first = step(IssuedMemory(), "early", found([FIVE[:3]], **at(10.0)))
    second = step(first.memory, "hour", found([FIVE], **at(10.2)))
    third = step(second.memory, "six_hour", found([FIVE], **at(10.2)))

    assert [(0, "early", "preliminary"), (1, "hour", "confirmed"), (2, "six_hour", "final")] == [
        *said(first),
        *said(second),
        *said(third),
    ]
    assert 1 == len({*ids(first), *ids(second), *ids(third)})
    assert [0] == [index for _, index in third.revisions]


@pytest.mark.parametrize(
    ("change", "is_said"),
    [
        ({}, False),
        (at(10.0003, east_m=5_000.05), False),
        (at(10.0, east_m=5_000.2), True),
        (at(10.001), True),
        ({"log_odds": [10.005]}, False),
        ({"log_odds": [10.1]}, True),
        ({"probability": 0.5}, True),
        ({"tail_ratio": 0.100_05}, False),
        ({"tail_ratio": 0.2}, True),
        ({"members": [["a", "b", "c", "d", "f"]]}, True),
    ],
)
def test_only_what_changed_is_said_again(change: dict[str, Any], is_said: bool) -> None:
    """A second solution of one level with the same members and numbers is no revision, any change is the next one."""
    events = {"members": [FIVE], **at(10.0)}
    first = step(IssuedMemory(), "six_hour", found(**events))
    again = step(first.memory, "six_hour", found(**{**events, **change}))

    assert ([(1, "six_hour", "final")] if is_said else []) == said(again)
    assert is_said == (first.memory != again.memory)


def test_members_decide_before_place_and_time() -> None:
    """An event goes on as the one with which it shares most members, even where another is nearer."""
    first = step(IssuedMemory(), "early", found([["a", "b", "c"], ["x", "y", "z"]], **at(10.0, 11.0)))
    second = step(first.memory, "hour", found([["a", "b", "c"], ["x", "y", "z"]], **at(11.0, 10.0)))
    by_member = {name: event.event_id for name, (event, _) in zip("ax", first.revisions, strict=True)}

    assert [by_member["x"], by_member["a"]] == ids(second)


def test_place_and_time_decide_without_common_members() -> None:
    """Without common members the nearest event in question goes on; what is too far is a new one."""
    first = step(IssuedMemory(), "early", found([["a", "b"], ["c", "d"]], **at(10.0, 20.0)))
    second = step(first.memory, "hour", found([["p", "q"], ["r", "s"]], **at(10.5, 26.0)))

    assert [(1, "hour", "confirmed"), (1, "hour", "rejected"), (0, "hour", "confirmed")] == said(second)
    assert ids(first) == ids(second)[:2]


def test_what_is_gone_is_rejected_once_and_can_come_back() -> None:
    """An event that its tile no longer finds is rejected under its id; found again, it goes on under the same."""
    first = step(IssuedMemory(), "hour", found([FIVE], **at(10.0)))
    second = step(first.memory, "six_hour", None)
    third = step(second.memory, "six_hour", None)
    fourth = step(third.memory, "six_hour", found([FIVE], **at(10.0)))

    assert [[(1, "six_hour", "rejected")], [], [(2, "six_hour", "final")]] == [said(second), said(third), said(fourth)]
    assert [None] == [index for _, index in second.revisions]
    assert ids(first) == ids(fourth)


def test_an_early_event_is_judged_by_the_core_it_lies_in() -> None:
    """The hour solution of another slab or of another tile says nothing of an early event."""
    first = step(IssuedMemory(), "early", found([FIVE], **at(10.0)))
    elsewhere = step(first.memory, "hour", None, solved=frozenset({(1, 0)}))
    later = step(first.memory, "hour", None, slab_index=1)
    here = step(first.memory, "hour", None)
    early_again = step(first.memory, "early", None, slab_index=1)

    assert [[], [], [(1, "hour", "rejected")], []] == [said(elsewhere), said(later), said(here), said(early_again)]


@pytest.mark.parametrize(("log_odds", "stands"), [(9.0, True), (10.0, True), (11.0, False)])
def test_a_neighbouring_slab_only_improves_an_event(log_odds: float, stands: bool) -> None:
    """The next slab's solution of an event at the border is taken where it is likelier, else counted as a seam."""
    first = step(IssuedMemory(), "hour", found([FIVE], **at(59.5)))
    beside = found([FIVE[1:]], log_odds=[log_odds], tile=(0, 0, 1), **at(60.1))
    second = step(first.memory, "hour", beside, slab_index=1)

    assert ([] if stands else [(1, "hour", "confirmed")]) == said(second)
    assert int(stands) == second.seam_count
    assert 1 == len(list(issued_events(second.memory)))


def test_pieces_at_a_border_give_way_to_the_whole() -> None:
    """Where the next slab sees one event in what a slab took for two, one goes on and the other is rejected."""
    pieces = found([["a", "b", "c"], ["d", "e"]], log_odds=[5.0, 4.0], **at(59.5, 59.9))
    first = step(IssuedMemory(), "hour", pieces)
    second = step(first.memory, "hour", found([FIVE], log_odds=[20.0], tile=(0, 0, 1), **at(60.0)), slab_index=1)
    third = step(second.memory, "six_hour", pieces)

    assert {(1, "hour", "confirmed"), (1, "hour", "rejected")} == set(said(second))
    assert ([], 2) == (said(third), third.seam_count)


def test_an_early_event_gives_way_and_a_full_one_does_not() -> None:
    """Against the early grid's solution the full one stands whatever the log-odds, and the other way round."""
    early = step(IssuedMemory(), "early", found([FIVE], log_odds=[90.0], **at(61.0)))
    full = step(early.memory, "hour", found([FIVE], log_odds=[5.0], **at(61.0)))
    early_again = step(full.memory, "early", found([FIVE], log_odds=[99.0], tile=(0, 0, 2), **at(61.0)), slab_index=2)

    assert [(1, "hour", "confirmed")] == said(full)
    assert ([], 1) == (said(early_again), early_again.seam_count)


def test_a_tile_with_the_same_detections_confirms_its_events() -> None:
    """Events of a tile that was not solved again rise to the level with their numbers, once; rejected ones do not."""
    first = step(IssuedMemory(), "hour", found([FIVE, ["x", "y"]], **at(10.0, 20.0)))
    partly = step(first.memory, "hour", found([FIVE], **at(10.0)))
    second = step(partly.memory, "six_hour", None, solved=frozenset(), unchanged=HERE)
    again = step(second.memory, "six_hour", None, solved=frozenset(), unchanged=HERE)

    assert [(1, "hour", "rejected")] == said(partly)
    assert [(1, "six_hour", "final")] == said(second)
    assert [] == said(again)


def test_a_neighbour_that_takes_an_event_over_leaves_one_revision() -> None:
    """An event of an unchanged tile that a solved neighbour has better, or in one piece, is said once and not twice."""
    first = step(IssuedMemory(), "hour", found([["a", "b", "c"], ["d", "e"]], **at(10.0, 10.5)))
    whole = found([FIVE], log_odds=[30.0], tile=(1, 0, 0), **at(10.0))
    second = step(first.memory, "six_hour", whole, solved=frozenset({(1, 0)}), unchanged=HERE)

    assert {(1, "six_hour", "final"), (1, "six_hour", "rejected")} == set(said(second))
    assert 2 == len(second.revisions)


def test_an_event_is_named_after_its_first_defining_detection() -> None:
    """The id follows from the earliest likely member alone; a second event of the same anchor is numbered."""
    plain = step(IssuedMemory(), "hour", found([FIVE], **at(10.0)))
    doubtful = step(IssuedMemory(), "hour", found([FIVE], probability=0.2, **at(10.0)))
    candidates = found([FIVE, ["a", "p"], ["a", "q"]], **at(10.0, 20.0, 30.0))
    several = step(IssuedMemory(), "hour", candidates)
    unlikely = candidates.member_probability.copy()
    unlikely[0] = 0.1
    second_first = step(IssuedMemory(), "hour", candidates._replace(member_probability=unlikely))

    assert ids(plain) == ids(doubtful) == ids(several)[:1]
    assert 3 == len(set(ids(several)))
    assert ids(plain) != ids(second_first)[:1]


def test_a_slab_holds_so_many_events_and_counts_the_rest() -> None:
    """Beyond the limit of a slab the least likely events are not issued, and counted."""
    events = found([["a"], ["b"], ["c"]], log_odds=[5.0, 9.0, 7.0], **at(1.0, 2.0, 3.0))
    issue = step(IssuedMemory(), "hour", events, settings=RevisionSettings(issued_slab_max_count=2))

    assert (1, [9.0, 7.0]) == (issue.not_issued_count, [event.numbers[0] for event, _ in issue.revisions])
    assert issue.candidates is not None
    assert 2 == issue.candidates.event_count


def test_memory_is_kept_by_time_and_forgotten_by_time() -> None:
    """An event that moves in time is remembered once; what is older than a time is forgotten, the rest is not."""
    first = step(IssuedMemory(), "hour", found([FIVE], tile=(0, 0, 4), **at(299.9)), slab_index=4)
    moved = step(first.memory, "six_hour", found([FIVE], tile=(0, 0, 4), **at(300.1)), slab_index=4)
    events = list(issued_events(moved.memory))

    assert 1 == len(events)
    assert moved.memory == memory_of(events)
    assert moved.memory == forgotten_before(moved.memory, 599 * SECOND_NS)
    assert [] == list(issued_events(forgotten_before(moved.memory, 600 * SECOND_NS)))
    assert 1 == len(list(issued_events(first.memory)))


def test_memory_survives_a_round_trip_through_bytes() -> None:
    """What is remembered of an event is the same after it was written and read."""
    event = next(issued_events(step(IssuedMemory(), "hour", found([FIVE], **at(10.0))).memory))

    assert event == msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=IssuedEvent)


def test_a_level_waits_for_what_it_needs() -> None:
    """A level that would be solved before its detections can have come is refused."""
    with pytest.raises(ValueError, match="delay_s=59"):
        Level(name="early", grid=EARLY_GRID, delay_s=59.0)

    assert 90 * SECOND_NS == LEVELS["early"].due_ns(0)
    assert np.isfinite(SETTINGS.place_gap_max_m)
