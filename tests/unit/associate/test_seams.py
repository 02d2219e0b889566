"""Seams: each event exactly once, whichever tiles found it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from truceline.associate.network import Solution
from truceline.associate.seams import (
    Candidates,
    Members,
    candidates_of,
    kept_mask,
    put_together,
    selected,
    shared_ratios,
    with_mirrored,
    without_seams,
)
from truceline.associate.tiles import Tile, TileGrid, line_through
from unit.associate.test_tile_rows import rows_of

GRID = TileGrid(core_m=10_000.0, halo_m=4_000.0, slab_s=60.0)
SECOND_NS = 10**9


def found(
    members: list[list[str]],
    *,
    log_odds: list[float] | None = None,
    tile: tuple[int, int, int] = (0, 0, 0),
    places: list[tuple[float, float, float]] | None = None,
    probability: float = 0.9,
    tail_ratio: float = 0.1,
) -> Candidates:
    """Make events by the ids of their members, each member's time one second after the one before."""
    count = len(members)
    flat = [name for names in members for name in names]
    rows = rows_of([(name, 0, at, 1.0) for at, name in enumerate(flat)] or [("none", 0, 0, 1.0)])
    where = np.array(places or [(100.0 * at, 0.0, 1.0 + at) for at in range(count)]).reshape(count, 3)
    return Candidates(
        x_m=where[:, 0],
        y_m=where[:, 1],
        time_ns=np.rint(where[:, 2] * SECOND_NS).astype(np.int64),
        covariance=np.ones((count, 6)),
        region_tail_ratio=np.full(count, tail_ratio),
        log_odds_ratio=np.array(log_odds or [10.0] * count),
        event_probability=np.full(count, 0.99),
        detection_range_m=np.full(count, 9_000.0),
        defining_count=np.array([len(names) for names in members], np.int64),
        alternative_x_m=np.full(count, np.nan),
        alternative_y_m=np.full(count, np.nan),
        alternative_probability=np.full(count, np.nan),
        type_index=np.zeros(count, np.int64),
        type_probability=np.full(count, 0.99),
        tile_column=np.full(count, tile[0], np.int64),
        tile_row=np.full(count, tile[1], np.int64),
        tile_slab=np.full(count, tile[2], np.int64),
        member_count=np.array([len(names) for names in members], np.int64),
        member_key=rows.key[: len(flat)],
        member_time_ns=rows.time_ns[: len(flat)] * SECOND_NS,
        member_probability=np.full(len(flat), probability),
        member_residual_s=np.zeros(len(flat)),
        member_id=pa.array(flat, pa.string()),
    )


def named(candidates: Candidates) -> list[list[str]]:
    """Give the member ids of each event."""
    ids = iter(candidates.member_id.to_pylist())
    return [[next(ids) for _ in range(count)] for count in candidates.member_count.tolist()]


def test_shared_weight_is_the_part_of_the_lesser_event() -> None:
    """Two events share the lesser probability of each common detection, over the weight of the lighter one."""
    first = Members(np.array([0, 0, 1, 1]), np.array([1, 2, 3, 4], np.uint64), np.array([0.9, 0.5, 0.2, 0.8]))
    second = Members(np.array([0, 1, 1, 2]), np.array([2, 1, 3, 9], np.uint64), np.array([0.4, 0.6, 0.9, 0.7]))
    i, j, ratio = shared_ratios(first, second)

    assert [(0, 0), (0, 1), (1, 1)] == list(zip(i.tolist(), j.tolist(), strict=True))
    np.testing.assert_allclose([0.4 / 0.4, 0.6 / 1.4, 0.2 / 1.0], ratio)


def test_events_without_weight_share_nothing() -> None:
    """A pair whose lighter event has no weight at all is no pair."""
    nothing = Members(np.array([0]), np.array([1], np.uint64), np.array([0.0]))

    assert [0.0] == shared_ratios(nothing, nothing)[2].tolist()


def test_the_likelier_of_two_solutions_of_one_event_stands() -> None:
    """Of two tiles' solutions that share half their weight the one with larger log-odds stands, else both do."""
    here = found([["a", "b", "c"], ["p", "q", "r"], ["s", "t"]], log_odds=[5.0, 4.0, 8.0])
    there = found([["b", "c", "d"], ["p", "x", "y"], ["t", "u"]], log_odds=[7.0, 9.0, 6.0], tile=(1, 0, 0))
    kept, twice_count = without_seams(put_together([here, there]))

    assert [["b", "c", "d"], ["p", "q", "r"], ["p", "x", "y"], ["s", "t"]] == named(kept)
    assert 2 == twice_count


def test_ties_are_for_the_first_tile_and_one_tile_is_left_alone() -> None:
    """Of equal log-odds the first tile's solution stands, and what one tile holds apart stays apart."""
    here = found([["a", "b"], ["a", "b", "c"]], tile=(0, 1, 0))
    there = found([["a", "b"]], tile=(0, 0, 0))
    alone, alone_count = without_seams(here)
    kept, twice_count = without_seams(put_together([here, there]))

    assert ([["a", "b"], ["a", "b", "c"]], 0) == (named(alone), alone_count)
    assert ([["a", "b"]], 2) == (named(kept), twice_count)
    assert [0] == kept.tile_row.tolist()


def test_order_of_tiles_does_not_matter() -> None:
    """The same solutions in any order of tiles give the same events in the same order."""
    parts = [found([["a", "b"], ["c", "d"]], tile=(at, 0, 0), log_odds=[3.0 + at, 9.0 - at]) for at in range(3)]
    one, _ = without_seams(put_together(parts))
    other, _ = without_seams(put_together(parts[::-1]))

    assert named(one) == named(other)
    assert one.log_odds_ratio.tolist() == other.log_odds_ratio.tolist()


def test_a_tile_speaks_for_its_core_and_margin_and_for_what_nobody_solves() -> None:
    """A tile keeps what lies in its core, a narrow margin around it, or a core without tile, and in its time."""
    places = [
        (5_000.0, 5_000.0, 30.0),
        (-900.0, 5_000.0, 30.0),
        (-1_100.0, 5_000.0, 30.0),
        (5_000.0, 10_900.0, 61.9),
        (5_000.0, 11_500.0, 30.0),
        (5_000.0, 5_000.0, 62.1),
        (5_000.0, 5_000.0, -1.9),
        (5_000.0, 5_000.0, -2.1),
    ]
    events = found([["a"]] * len(places), places=places)
    kept = kept_mask(events, grid=GRID, tile=Tile(0, 0, 0), solved={(0, 0), (-1, 0)})

    assert [True, True, False, True, True, False, True, False] == kept.tolist()


def test_a_solution_is_named_by_its_detections() -> None:
    """Places and times move from the tile's middle and start, members come in order and by their ids."""
    rows = rows_of([("a", 0, 1, 1.0), ("b", 0, 2, 1.0), ("c", 1, 0, 1.0)])
    one, two = np.array([1.0, 2.0]), np.array([3, 2], np.int64)
    solution = Solution(
        x_m=one,
        y_m=-one,
        time_s=one,
        covariance=np.ones((2, 6)),
        region_tail_ratio=np.array([0.1, 0.2]),
        log_odds_ratio=one,
        event_probability=one,
        detection_range_m=one,
        defining_count=two,
        alternative_x_m=one,
        alternative_y_m=one,
        alternative_probability=np.array([np.nan, 0.2]),
        member_event_index=np.array([1, 0, 0]),
        member_detection_index=np.array([1, 2, 0]),
        member_probability=np.array([0.1, 0.2, 0.3]),
        member_residual_s=np.array([1.0, 2.0, 3.0]),
        station_clock_offset_s=one,
        station_clock_sigma_s=one,
        station_clutter_rate_hz=one,
    )
    candidates = candidates_of(solution, rows, grid=GRID, tile=Tile(1, 0, 2))
    mirrored = with_mirrored(candidates, line_through(np.array([0.0, 1e3, 2e3]), np.zeros(3)))

    assert [["a", "c"], ["b"]] == named(candidates)
    assert [0.3, 0.2, 0.1] == candidates.member_probability.tolist()
    assert [15_001.0, 15_002.0] == candidates.x_m.tolist()
    assert [121 * SECOND_NS, 122 * SECOND_NS] == candidates.time_ns.tolist()
    assert [["b"], ["a", "c"]] == named(selected(candidates, np.array([1, 0])))
    assert [0.2, 0.1] == selected(candidates, np.array([1, 0])).region_tail_ratio.tolist()
    assert candidates is with_mirrored(candidates, None)
    assert ([0.5, 0.2], [-4_999.0, 5_002.0]) == (
        mirrored.alternative_probability.tolist(),
        mirrored.alternative_y_m.tolist(),
    )
    assert (
        0
        == candidates_of(
            Solution._make([column[:0] for column in solution]), rows, grid=GRID, tile=Tile(0, 0, 0)
        ).event_count
    )
