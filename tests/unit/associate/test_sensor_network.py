"""Which stations of a day are a network, on which grid, and why the others are not."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from laws.made import DAY
from laws.sensor_day import WORLD_PLANE, sensor_settings
from truceline.associate.rows import (
    KEPT_OUT_STATION_FAR,
    KEPT_OUT_STATION_MODALITY,
    KEPT_OUT_STATION_MOVED,
    Row,
    row_from_observation,
)
from truceline.associate.sensor_network import DayNetwork, day_network
from truceline.associate.settings import SensorSettings, StationSheet
from truceline.associate.tiles import TileGrid
from truceline.testing.records import Spot, made_detection, moment


def heard(number: int, *, latitude_deg: float | None = None, **changes: Any) -> Row:
    """Give a detection of one of several stations on a slanting line."""
    at = 48.0 + 0.05 * number if latitude_deg is None else latitude_deg
    spot = Spot(at, 37.0 + 0.02 * number**2, moment(DAY, offset_s=36_000.0 + number))
    return row_from_observation(made_detection(spot, station_id=f"S{number}", **changes))


def network_of_day(*rows: Row, **changes: Any) -> DayNetwork:
    """Give the network of a day that has one."""
    day = day_network(rows, sensor_settings(**changes))
    assert day is not None, "enough stations detected something"
    return day


FOUR = tuple(heard(number) for number in range(4))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"station_timing_sigma_s": 0.0}, "station_timing_sigma_s"),
        ({"station_dead_time_s": -1.0}, "station_dead_time_s"),
        ({"station_place_max_m": 5_000.0}, "station_place_max_m"),
        ({"member_least_probability": 0.4}, "member_least_probability"),
        ({"sure_least_probability": 1.5}, "sure_least_probability"),
        ({"station_slab_max_count": 0}, "station_slab_max_count"),
        ({"tile_max_count": 0}, "tile_max_count"),
        ({"stations": [{"station_id": "S1", "latitude_deg": 48.0, "longitude_deg": 37.0}] * 2}, "S1 more than once"),
    ],
)
def test_sensor_settings_out_of_bounds_are_refused(changes: dict[str, Any], name: str) -> None:
    """Each bound has its own limits, named in the message, and no station is listed twice."""
    with pytest.raises(ValueError, match=name):
        msgspec.convert(changes, SensorSettings)


@pytest.mark.parametrize(
    "changes",
    [
        {"latitude_deg": 91.0},
        {"longitude_deg": 181.0},
        {"timing_sigma_s": 0.0},
        {"dead_time_s": -1.0},
        {"bearing_sigma_deg": 0.0},
        {"clutter_rate_hz": -1.0},
    ],
)
def test_a_sheet_out_of_bounds_is_refused(changes: dict[str, float]) -> None:
    """What a sheet says of a station has limits, named in the message; the most it may leave out is fine."""
    whole = {"station_id": "S1", "latitude_deg": 48.0, "longitude_deg": 37.0}

    assert msgspec.convert(whole, StationSheet).clutter_rate_hz is None
    with pytest.raises(ValueError, match=next(iter(changes))):
        msgspec.convert(whole | changes, StationSheet)


def test_three_stations_are_no_network() -> None:
    """Below four stations that detected something there is none, however many others are listed."""
    silent = [StationSheet(station_id=f"L{n}", latitude_deg=48.0 + n / 10, longitude_deg=37.0) for n in range(5)]

    assert day_network(FOUR[:3], sensor_settings(stations=silent)) is None
    assert day_network([], sensor_settings()) is None


def test_stations_that_were_silent_count_where_they_are_listed() -> None:
    """A listed station is in the network of a day on which it was not heard, with what its sheet says of it."""
    silent = StationSheet(
        station_id="A",
        latitude_deg=48.1,
        longitude_deg=37.0,
        modality="seismic",
        bearing_sigma_deg=2.0,
        clutter_rate_hz=0.1,
    )
    day = network_of_day(*FOUR, stations=[silent])

    assert ("A", "S0", "S1", "S2", "S3") == day.station_ids
    assert (2.0, 0.1) == (day.network.bearing_sigma_deg[0], day.network.clutter_rate_hz[0])
    assert day.network.modality_index[0] != day.network.modality_index[1]
    assert np.isnan(day.network.clutter_rate_hz[1:]).all()


def test_the_order_of_detections_does_not_matter() -> None:
    """The network and its grid are functions of the set of detections."""
    forward, backward = network_of_day(*FOUR), network_of_day(*FOUR[::-1])

    assert (forward.station_ids, forward.grid) == (backward.station_ids, backward.grid)
    for one, other in zip(forward.network, backward.network, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_placed_is_left_out_with_the_reason() -> None:
    """A station that moved, one beyond the plane, and one of no known modality are not in the network."""
    moved = [heard(4), heard(4, latitude_deg=48.3)]
    unlike = StationSheet(station_id="S5", latitude_deg=47.0, longitude_deg=37.0)
    smell = StationSheet(station_id="S6", latitude_deg=48.0, longitude_deg=37.0, modality="smell")
    far = heard(7, latitude_deg=0.0)
    day = network_of_day(*FOUR, *moved, heard(5), far, stations=[unlike, smell])

    assert ("S0", "S1", "S2", "S3") == day.station_ids
    assert {
        "S4": KEPT_OUT_STATION_MOVED,
        "S5": KEPT_OUT_STATION_MOVED,
        "S6": KEPT_OUT_STATION_MODALITY,
        "S7": KEPT_OUT_STATION_FAR,
    } == day.reasons


def test_where_no_station_can_be_used_there_is_no_network() -> None:
    """A day on which every station moved has none."""
    rows = [heard(number, latitude_deg=latitude_deg) for number in range(4) for latitude_deg in (48.0, 48.5)]

    assert day_network(rows, sensor_settings()) is None


def test_a_station_s_bearings_are_as_good_as_they_usually_are() -> None:
    """Without a sheet the sigma is the median of its detections', the default where none is given, none without any."""
    rows = [
        heard(0, bearing_deg=10.0, bearing_sigma_deg=2.0),
        heard(1, bearing_deg=10.0, bearing_sigma_deg=None),
        heard(2, bearing_deg=None, bearing_sigma_deg=None),
        heard(3, bearing_deg=10.0, bearing_sigma_deg=4.0),
    ]
    sigma_deg = network_of_day(*rows).network.bearing_sigma_deg.tolist()

    assert [2.0, 5.0, 4.0] == [sigma_deg[0], sigma_deg[1], sigma_deg[3]]
    assert math.isnan(sigma_deg[2])


def test_a_laid_grid_covers_the_stations_and_a_given_one_stands() -> None:
    """Without a plane, plane and origin follow the stations on coarse steps; with one, the grid is as it was given."""
    laid = network_of_day(*FOUR).grid
    nearly = network_of_day(*FOUR[:3], heard(3, latitude_deg=48.151)).grid
    given = TileGrid(plane=WORLD_PLANE)
    x_m, y_m = network_of_day(*FOUR).network[:2]

    assert laid == nearly
    assert (laid.origin_x_m < x_m).all()
    assert (y_m < laid.origin_y_m + laid.core_m).all()
    assert given == network_of_day(*FOUR, grid=given).grid
