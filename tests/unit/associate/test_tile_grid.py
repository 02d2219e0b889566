"""The tile grid: half-open cores, halos that reach as far as sound, and a name that follows from its numbers."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.associate.network import Network
from truceline.associate.tile_rows import taken
from truceline.associate.tiles import (
    Tile,
    TileGrid,
    line_through,
    owners_of,
    slabs_needing,
    slabs_of,
    station_rows,
    tile_detections,
    tile_network,
    tile_stations,
    window_mask,
)
from unit.associate.test_tile_rows import rows_of

GRID = TileGrid(
    origin_x_m=-500.0,
    origin_y_m=250.0,
    origin_time_ns=7,
    core_m=10_000.0,
    halo_m=4_000.0,
    slab_s=60.0,
    before_s=20.0,
    after_s=90.0,
)
SECOND_NS = 10**9


def test_a_grid_is_named_by_its_numbers() -> None:
    """Equal grids have one id, and a grid that differs in any number has another."""
    names = {name for name in TileGrid.__struct_fields__ if name not in {"plane", "origin_time_ns"}}
    changed = [msgspec.structs.replace(GRID, **{name: getattr(GRID, name) + 1.0}) for name in sorted(names)]

    assert GRID.grid_id == msgspec.structs.replace(GRID).grid_id
    assert 1 + len(changed) == len({grid.grid_id for grid in [GRID, *changed]})


@pytest.mark.parametrize(
    ("name", "value"), [("core_m", 0.0), ("slab_s", float("nan")), ("seam_m", 4_001.0), ("seam_s", 16.0)]
)
def test_a_grid_has_limits(name: str, value: float) -> None:
    """A number outside its limits is refused with its name."""
    with pytest.raises(ValueError, match=f"{name}="):
        msgspec.structs.replace(GRID, **{name: value})


@settings(deadline=None)
@given(st.integers(-(10**13), 10**13))
def test_a_detection_is_needed_by_the_slabs_whose_window_holds_it(time_ns: int) -> None:
    """The slabs that need a detection are exactly those in whose window it lies, and its own is one of them."""
    times = np.array([time_ns])
    first, last = (int(value[0]) for value in slabs_needing(GRID, times))
    around = range(first - 2, last + 3)

    assert [first <= slab <= last for slab in around] == [bool(window_mask(GRID, slab, times)[0]) for slab in around]
    assert first <= int(slabs_of(GRID, times)[0]) <= last


@settings(deadline=None)
@given(st.floats(-4e4, 4e4), st.floats(-4e4, 4e4))
def test_a_place_has_one_owner_and_its_tile_hears_around_it(x_m: float, y_m: float) -> None:
    """Every place lies in one half-open core, whose tile has every station within the halo of that place."""
    column, row = (int(value[0]) for value in owners_of(GRID, np.array([x_m]), np.array([y_m])))
    west_m = GRID.origin_x_m + column * GRID.core_m
    south_m = GRID.origin_y_m + row * GRID.core_m
    near_x_m, near_y_m = np.array([x_m, x_m + 3_999.0, x_m]), np.array([y_m, y_m, y_m - 3_999.0])
    tiles = tile_stations(GRID, near_x_m, near_y_m)

    assert west_m <= x_m < west_m + GRID.core_m or np.isclose(x_m, west_m)
    assert south_m <= y_m < south_m + GRID.core_m or np.isclose(y_m, south_m)
    assert [0, 1, 2] == tiles[column, row].tolist()
    assert list(tiles) == sorted(tiles)


def test_the_edge_between_two_cores_belongs_to_the_later_one() -> None:
    """A core holds its western, southern and earlier edge and not the others."""
    edges_x_m = np.array([9_499.999, 9_500.0])
    edges_ns = np.array([7 + 60 * SECOND_NS - 1, 7 + 60 * SECOND_NS])

    assert [0, 1] == owners_of(GRID, edges_x_m, np.zeros(2))[0].tolist()
    assert [0, 1] == slabs_of(GRID, edges_ns).tolist()
    assert "0.-1.3" == Tile(0, -1, 3).tile_id
    assert (4_500.0, 5_250.0) == GRID.centre_m(0, 0)
    assert (-20.0, 150.0) == GRID.span


def test_a_tile_counts_from_its_own_middle_and_start() -> None:
    """A tile's stations are counted in the tile, metres from its middle, seconds from its slab's start."""
    rows = rows_of([("a", 1, 7 + 61 * SECOND_NS, 1.0), ("b", 4, 7 + 59 * SECOND_NS, 2.0), ("c", 2, 7, 3.0)])
    some = station_rows(rows, np.array([1, 4]), station_count=5)
    network = Network._make(np.arange(5.0) for _ in Network._fields)
    local = tile_network(network, np.array([1, 4]), centre_m=(10.0, 20.0))
    detections = tile_detections(some, np.array([1, 4]), start_ns=GRID.slab_start_ns(1))

    assert ["a", "b"] == some.detection_id.to_pylist()
    assert rows is station_rows(rows, np.arange(5), station_count=5)
    assert ([-9.0, -6.0], [-19.0, -16.0], [1.0, 4.0]) == (
        local.x_m.tolist(),
        local.y_m.tolist(),
        local.dead_time_s.tolist(),
    )
    assert ([0, 1], [1.0, -1.0]) == (detections.station_index.tolist(), detections.time_s.tolist())
    assert 0 == taken(rows, np.zeros(3, bool)).row_count


@settings(deadline=None)
@given(st.floats(0.0, 3.1), st.floats(-5e4, 5e4))
def test_stations_on_one_line_mirror_a_place(angle_rad: float, across_m: float) -> None:
    """The mirrored place is as far from every station of the line, and mirroring twice gives the place itself."""
    along_m = np.array([-20e3, -5e3, 0.0, 9e3, 40e3])
    x_m, y_m = 1_000.0 + along_m * np.cos(angle_rad), -3_000.0 + along_m * np.sin(angle_rad)
    line = line_through(x_m, y_m)
    assert line is not None
    place = (np.array([500.0 - across_m * np.sin(angle_rad)]), np.array([across_m * np.cos(angle_rad)]))
    other = line.mirrored_m(*place)
    again = line.mirrored_m(*other)
    distance_m, other_m = (np.hypot(x_m - east[0], y_m - north[0]) for east, north in (place, other))

    np.testing.assert_allclose(distance_m, other_m, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(place), np.concatenate(again), rtol=1e-9, atol=1e-6)


def test_stations_that_spread_are_on_no_line() -> None:
    """One station half a per cent of the network's length off the line is enough to tell the two places apart."""
    x_m = np.array([0.0, 10e3, 20e3, 30e3])

    assert line_through(x_m, np.array([0.0, 0.0, 200.0, 0.0])) is None
    assert line_through(x_m, np.array([0.0, 0.0, 5.0, 0.0])) is not None
