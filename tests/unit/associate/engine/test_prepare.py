"""What is made once for a window: neighbours, lookups, curves and rows, each against its definition."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from laws.engine_world import detections_of, make_world, network_of, rows_of, stations
from truceline.associate.engine.layout import (
    CURVE_COUNT,
    DET_BEARING,
    DET_BEARING_SIGMA,
    DET_SIGMA,
    STA_CLUTTER,
    STA_LISTENS,
    STA_SECOND_SLOWNESS,
    STA_SLOWNESS,
    TH_OF_ARRAYS,
)
from truceline.associate.engine.prepare import (
    EDGE_REACH_M,
    MESH_M,
    NEAR_COUNT,
    SEISMIC_INDEX,
    covered_area_m2,
    detection_curve,
    detection_rows,
    distinct,
    fill_buckets,
    in_order,
    nearest_stations,
    range_grid,
    station_lookup,
    station_rows,
    taken,
)
from truceline.associate.engine.weigh import cell_of
from unit.associate.engine.made_scene import scene_of

EVERYONE = np.ones(50, dtype=np.bool_)


def test_the_lookup_holds_every_station_within_reach_of_a_cell() -> None:
    """From any place the lookup gives every station within the greatest range, nearest to the cell's middle first."""
    network, chance = stations(), np.random.default_rng(2)
    lookup = station_lookup(network, 15_000.0)
    for _ in range(50):
        x_m, y_m = chance.uniform(-25e3, 25e3), chance.uniform(-15e3, 15e3)
        cell = cell_of(lookup, x_m, y_m)
        listed = lookup.station[lookup.start[cell] : lookup.start[cell + 1]]
        middle_x_m = lookup.x0_m + (cell % lookup.nx_count + 0.5) * MESH_M
        middle_y_m = lookup.y0_m + (cell // lookup.nx_count + 0.5) * MESH_M
        away_m = np.hypot(network.x_m[listed] - middle_x_m, network.y_m[listed] - middle_y_m)
        near = np.flatnonzero(np.hypot(network.x_m - x_m, network.y_m - y_m) < 15_000.0)

        assert set(near) <= set(listed)
        assert (np.diff(away_m) >= 0.0).all()
        assert np.array_equal(lookup.place[lookup.start[cell] : lookup.start[cell + 1], 0], network.x_m[listed])


def test_the_lookup_grows_with_the_network() -> None:
    """A dense network's lookup holds more than it first had room for."""
    chance = np.random.default_rng(4)
    lookup = station_lookup(network_of(chance.uniform(0, 2e4, 400), chance.uniform(0, 2e4, 400)), 15_000.0)

    assert len(lookup.station) == lookup.start[-1] > 4096


def test_neighbours_are_the_nearest_others() -> None:
    """Each station's neighbours are the nearest sixteen that are not itself, also where stations stand on one point."""
    network = stations()
    near, reach_m = nearest_stations(network, EVERYONE)
    distance_m = np.hypot(network.x_m[:, None] - network.x_m, network.y_m[:, None] - network.y_m)
    np.fill_diagonal(distance_m, np.inf)
    stacked, _ = nearest_stations(network_of(np.zeros(12), np.zeros(12)), EVERYONE[:12])

    assert np.array_equal(np.argsort(distance_m, axis=1)[:, :NEAR_COUNT], near)
    assert not (stacked == np.arange(12)[:, None]).any()
    assert (reach_m[[0, 9, 40, 49]] == EDGE_REACH_M).all()
    assert reach_m.min() < 20_000.0


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_small_network_has_fewer_neighbours(count: int) -> None:
    """Where there are too few stations the places of the missing ones are marked, and the reach is that of an edge."""
    near, reach_m = nearest_stations(network_of(1_000.0 * np.arange(count), np.arange(count) ** 2.0), EVERYONE[:count])

    assert [count - 1] * count == (near >= 0).sum(axis=1).tolist()
    assert (reach_m == EDGE_REACH_M).all()


@pytest.mark.parametrize("deaf", ["weight_ratio", "modality_index"])
def test_neighbours_listen(deaf: str) -> None:
    """A station that hears no sound, or has no weight, is nobody's neighbour: three arrivals make a proposal."""
    network = stations()
    column = getattr(network, deaf).copy()
    column[::2] = SEISMIC_INDEX if deaf == "modality_index" else 0.0
    listens = station_rows(network._replace(**{deaf: column}), 0.001)[:, STA_LISTENS] > 0.0
    near, reach_m = nearest_stations(network, listens)

    assert (near[1::2] % 2 == 1).all()
    assert (near[::2] == -1).all()
    assert (reach_m[::2] == EDGE_REACH_M).all()


def test_where_nobody_listens_nobody_is_near() -> None:
    """Without a station that listens there is no neighbour, and the reach is that of an edge."""
    near, reach_m = nearest_stations(stations(), ~EVERYONE)

    assert (near == -1).all()
    assert (reach_m == EDGE_REACH_M).all()


def test_an_unknown_clutter_rate_starts_as_is_usual() -> None:
    """A station whose rate is not known has the median of the others, and none has less than the floor."""
    network = stations()._replace(clutter_rate_hz=np.where(np.arange(50) < 25, np.nan, 1e-9 + 0.001 * np.arange(50)))
    rows = station_rows(network, 0.03)
    unknown = station_rows(network._replace(clutter_rate_hz=np.full(50, np.nan)), 0.03)

    assert np.allclose(rows[:25, STA_CLUTTER], 0.037, atol=1e-6)
    assert np.allclose(rows[25:30, STA_CLUTTER], 0.03)
    assert (unknown[:, STA_CLUTTER] == 0.03).all()


def test_only_sound_with_weight_listens() -> None:
    """Seismic stations have the slownesses of two phases; they and those without weight do not count as listening."""
    network = stations()
    network.modality_index[3], network.weight_ratio[4] = SEISMIC_INDEX, 0.0
    rows = station_rows(network, 0.001)

    assert [3, 4] == np.flatnonzero(rows[:, STA_LISTENS] == 0.0).tolist()
    assert np.allclose((1.0 / 6_000.0, 1.0 / 3_000.0), rows[3, STA_SLOWNESS : STA_SECOND_SLOWNESS + 1])


def test_a_detection_without_a_sigma_has_its_stations() -> None:
    """What a detection says of its error stands; what it leaves out is its station's, and no sigma is no bearing."""
    network = network_of(np.arange(4.0), np.zeros(4))
    nan = np.nan
    detections = detections_of([0, 0, 1, 0], [1.0, 2.0, 3.0, 4.0])._replace(
        sigma_s=np.array([nan, 0.5, nan, nan]),
        bearing_deg=np.array([90.0, 90.0, 90.0, nan]),
        bearing_sigma_deg=np.array([nan, 7.0, nan, nan]),
    )
    rows = detection_rows(detections, network)

    assert [0.02, 0.5, 0.02, 0.02] == rows[:, DET_SIGMA].tolist()
    assert np.allclose(np.radians([3.0, 7.0, nan, 3.0]), rows[:, DET_BEARING_SIGMA], equal_nan=True)
    assert np.allclose(np.radians([90.0, 90.0, nan, nan]), rows[:, DET_BEARING], equal_nan=True)


@pytest.mark.parametrize(("with_bearing_count", "expected"), [(0, 0.0), (10, 0.0), (11, 1.0), (20, 1.0)])
def test_most_detections_with_bearings_make_a_network_of_arrays(with_bearing_count: int, expected: float) -> None:
    """A network is one of arrays where more than half of the detections say from where the sound came."""
    network = network_of(np.arange(4.0), np.zeros(4))._replace(bearing_sigma_deg=np.full(4, 3.0))
    detections = detections_of(np.arange(20) % 2, np.arange(20.0))
    bearing_deg = np.where(np.arange(20) < with_bearing_count, 45.0, np.nan)
    scene = scene_of(network, detections._replace(bearing_deg=bearing_deg))

    assert expected == scene.theta[TH_OF_ARRAYS]


@pytest.mark.parametrize("start_s", [-3.0, 0.0, 0.3, 17.0])
def test_buckets_hold_the_first_detection_of_every_second(start_s: float) -> None:
    """Whenever the first bucket begins, each holds its station's first detection that is not before it."""
    chance = np.random.default_rng(9)
    time_s = np.concatenate([np.sort(chance.uniform(-5.0, 40.0, 60).round(1)), np.sort(chance.uniform(5.0, 6.0, 9))])
    start, first = np.array([0, 60, 60, 69]), np.full((3, 30), -1, dtype=np.int32)
    fill_buckets(time_s, start, start_s, first)
    begins_s = start_s + np.arange(30.0)
    expected = [low + np.searchsorted(time_s[low:high], begins_s) for low, high in pairwise(start.tolist())]

    assert np.array_equal(expected, first)


def test_the_curve_is_the_logistic() -> None:
    """The tabulated detection probability and its complement are those of the logistic, and sum to 1."""
    curve = detection_curve(0.8, 0.1)
    at_range = 0.8 / (1.0 + math.exp(0.1))

    assert (4, CURVE_COUNT) == curve.shape
    assert np.allclose(curve[2:].sum(axis=0), 1.0)
    assert np.allclose(np.log(curve[2:]), curve[:2])
    assert math.isclose(at_range, math.exp(curve[0, 50]))


def test_ranges_are_even_in_their_logarithm() -> None:
    """The grid goes from the least to the most range by one ratio."""
    ranges_m = range_grid(3_000.0, 27_000.0)

    assert np.allclose([3_000.0, 27_000.0], ranges_m[[0, -1]])
    assert np.allclose(np.diff(np.log(ranges_m)), np.log(9.0) / (len(ranges_m) - 1))


def test_the_scene_is_in_order_and_found_by_second() -> None:
    """Detections stand by station and time, and each station's first detection of every second is where it is said."""
    world = make_world(1)
    scene = scene_of(world.network, world.detections)
    order = in_order(world.detections)
    station = world.detections.station_index[order]

    assert (np.diff(scene.time_s)[np.diff(station) == 0] >= 0.0).all()
    for s in (0, 17, 49):
        own = scene.time_s[scene.start[s] : scene.start[s + 1]]
        expected = scene.start[s] + np.searchsorted(own, np.arange(scene.bucket.first.shape[1]))

        assert np.array_equal(expected, scene.bucket.first[s])
    assert math.isclose(1.0, np.exp(scene.log_range).sum())


def test_only_exact_copies_are_not_distinct() -> None:
    """Of detections the same in every column one is kept; what differs in any one of them is another detection."""
    one = detections_of([3], [7.0])._replace(sigma_s=np.array([0.02]))
    changed = {"station_index": 4, "phase_index": 1, "time_s": 7.5, "sigma_s": np.nan}
    changed |= {"bearing_deg": 10.0, "bearing_sigma_deg": 2.0, "amplitude_log10_ratio": 0.1}
    pairs = rows_of(one, np.zeros(2, dtype=np.int64))
    for name, value in changed.items():
        column = getattr(pairs, name).copy()
        column[1] = value
        pair = pairs._replace(**{name: column})

        assert [True, True] == distinct(taken(pair, in_order(pair))).tolist()
    assert set(changed) == set(one._fields)
    assert [True, False] == distinct(pairs).tolist()
    assert [True] == distinct(one).tolist()
    assert 0 == len(distinct(rows_of(one, np.zeros(0, dtype=np.int64))))


def test_the_covered_area_is_where_five_stations_are_near() -> None:
    """The area in which events are expected grows with the network and never vanishes."""
    network = stations()
    lone = network_of(np.array([0.0, 9e5, 0.0, 9e5]), np.array([0.0, 0.0, 9e5, 9e5]))

    assert 40e3 * 18e3 < covered_area_m2(network) < 64e3 * 42e3
    assert MESH_M**2 == covered_area_m2(lone)
    assert covered_area_m2(network._replace(weight_ratio=(network.x_m < 0.0) * 1.0)) < covered_area_m2(network)
