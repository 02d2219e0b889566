"""What the engine makes of a day's detections: where, when, how sure, and from which of them."""

from __future__ import annotations

import math
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from laws.engine_world import Conditions, World, network_of, with_events
from laws.made import DAY
from laws.sensor_day import WORLD_PLANE, SensorDay, day_of, event_span, sensor_day, sensor_settings
from truceline.associate.rows import KEPT_OUT_LOAD, KEPT_OUT_STATION_MOVED, Row, row_from_observation
from truceline.associate.sensor_events import SensedDay, SensorEvent, sense_day
from truceline.associate.tiles import TileGrid
from truceline.model.event import SensorOrigin
from truceline.physics.geodesy import Points, geodesic_distance_m, plane_for, points_of
from truceline.testing.records import Spot, made_detection, moment


def rows_of(day: SensorDay) -> list[Row]:
    """Give a day's detections as the association keeps them."""
    return [row_from_observation(detection) for detection in day.detections]


def without_bearings(world: World) -> World:
    """Give a world in which no station gives bearings."""
    network = world.network._replace(bearing_sigma_deg=np.full(len(world.network.x_m), np.nan))
    nothing = np.full(len(world.detections.time_s), np.nan)
    return world._replace(network=network, detections=world.detections._replace(bearing_deg=nothing))


def misses_m(day: SensorDay, sensed: SensedDay) -> list[float]:
    """Give how far from each event that truly happened the nearest sensor event of its time lies."""
    found = points_of(
        [event.place.longitude_deg for event in sensed.events], [event.place.latitude_deg for event in sensed.events]
    )
    missed = []
    for index in range(len(day.places)):
        true = Points(
            np.repeat(day.places.longitude_deg[index], len(found)),
            np.repeat(day.places.latitude_deg[index], len(found)),
        )
        late_s = [abs((event.place.start - event_span(day, index).start).total_seconds()) for event in sensed.events]
        missed.append(float(np.where(np.array(late_s) < 1.0, geodesic_distance_m(true, found), math.inf).min()))
    return missed


def test_what_happened_is_found_once_where_and_when_it_was() -> None:
    """Over a calm network every explosion is one sensor event, within metres and hundredths of a second."""
    day = sensor_day()
    sensed = sense_day(rows_of(day), sensor_settings())

    assert len(day.places) == len(sensed.events)
    assert max(misses_m(day, sensed)) < 60.0
    assert {"explosion undetermined"} == {event.origin.named_type for event in sensed.events}


def test_an_event_says_how_it_was_placed() -> None:
    """Its circle has the mean variance of the ellipse, its span reaches two sigmas, and the grid stands in it."""
    event = sense_day(rows_of(sensor_day()), sensor_settings()).events[0]
    origin = event.origin
    ellipse = [
        [origin.covariance_east_m2, origin.covariance_east_north_m2],
        [origin.covariance_east_north_m2, origin.covariance_north_m2],
    ]

    assert event.place.sigma_m == pytest.approx(math.sqrt(np.linalg.eigvalsh(ellipse).mean()), abs=1e-3)
    assert (event.place.end - event.place.start).total_seconds() == pytest.approx(4.0 * origin.time_sigma_s, abs=1e-5)
    assert origin.grid_id.startswith("grid-")
    assert origin.alternative_probability is None
    assert len(event.members) == len(event.residuals_s) >= 4


def test_the_order_of_detections_does_not_show() -> None:
    """What is made of a day is a function of the set of its detections."""
    rows = rows_of(sensor_day())
    order = np.random.default_rng(5).permutation(len(rows))

    assert sense_day(rows, sensor_settings()) == sense_day([rows[index] for index in order], sensor_settings())


def test_a_detection_defines_one_event_at_most() -> None:
    """However events compete for them, no detection is used twice."""
    rows = rows_of(sensor_day(event_count=24, seed=8, clutter_hz=0.01))
    names = [row.observation_id for event in sense_day(rows, sensor_settings()).events for row in event.members]

    assert len(names) > 100
    assert len(set(names)) == len(names)


def test_the_plane_does_not_show_in_place_or_ellipse() -> None:
    """On a plane whose north is turned by seven degrees, the same is said in true east and north, bearings included."""
    rows = rows_of(sensor_day())
    turned = plane_for(points_of([17.0, 37.5], [47.5, 48.5]))
    x_m, y_m = (float(value[0]) for value in turned.project_m(points_of([37.0], [48.0])))
    grid = TileGrid(plane=turned, origin_x_m=x_m - 150_000.0, origin_y_m=y_m - 150_000.0)
    near, far = (sense_day(rows, sensor_settings(grid=one)) for one in (TileGrid(), grid))

    assert turned.cone_constant_ratio * 9.75 > 7.0
    assert len(near.events) == len(far.events)
    for one, other in zip(near.events, far.events, strict=True):
        assert {row.observation_id for row in one.members} == {row.observation_id for row in other.members}
        _assert_same_ellipse(one, other)


def _assert_same_ellipse(one: SensorEvent, other: SensorEvent) -> None:
    """Hold that two origins lie within metres, with axes alike to a tenth of the larger one's variance."""
    first, second = (points_of([event.place.longitude_deg], [event.place.latitude_deg]) for event in (one, other))
    scale_m2 = one.origin.covariance_east_m2 + one.origin.covariance_north_m2

    assert float(geodesic_distance_m(first, second)[0]) < 15.0
    for name in ("covariance_east_m2", "covariance_east_north_m2", "covariance_north_m2"):
        assert getattr(one.origin, name) == pytest.approx(getattr(other.origin, name), abs=0.1 * scale_m2)


def test_seams_of_the_grid_leave_each_event_once() -> None:
    """Where cores and slabs meet amid the network, the same happened, once."""
    day = sensor_day()
    x_m, y_m = (float(value[0]) for value in WORLD_PLANE.project_m(points_of([37.0], [48.0])))
    grid = TileGrid(plane=WORLD_PLANE, origin_x_m=x_m, origin_y_m=y_m, core_m=40_000.0, slab_s=60.0)
    sensed = sense_day(rows_of(day), sensor_settings(grid=grid))

    assert len(day.places) == len(sensed.events)
    assert max(misses_m(day, sensed)) < 60.0
    assert len({event.origin.tile_id for event in sensed.events}) > 2


def test_under_load_stations_are_held_to_their_share_and_it_is_said() -> None:
    """Detections beyond the limit of a station or a tile take no part, with that as the reason."""
    rows = rows_of(sensor_day())
    by_station = sense_day(rows, sensor_settings(station_slab_max_count=1))
    by_tile = sense_day(rows, sensor_settings(tile_max_count=60))

    assert {KEPT_OUT_LOAD} == set(by_station.reasons.values()) == set(by_tile.reasons.values())
    assert set(by_station.reasons).isdisjoint(
        row.observation_id for event in by_station.events for row in event.members
    )


def test_where_too_few_heard_at_a_time_nothing_is_solved() -> None:
    """Four stations that each heard something at another hour have heard no event together."""
    rows = [
        row_from_observation(
            made_detection(Spot(48.0 + 0.05 * n, 37.0, moment(DAY, offset_s=7_200.0 * n)), station_id=f"S{n}")
        )
        for n in range(4)
    ]
    moved = row_from_observation(made_detection(Spot(47.0, 37.0, moment(DAY, offset_s=60.0)), station_id="S9"))
    again = row_from_observation(made_detection(Spot(47.5, 37.0, moment(DAY, offset_s=90.0)), station_id="S9"))
    sensed = sense_day([*rows, moved, again], sensor_settings())

    assert () == sensed.events
    assert {
        moved.observation_id: KEPT_OUT_STATION_MOVED,
        again.observation_id: KEPT_OUT_STATION_MOVED,
    } == sensed.reasons
    assert SensedDay() == sense_day(rows[:3], sensor_settings())


def test_stations_on_one_line_leave_two_places() -> None:
    """Without bearings little tells the two hands of a nearly straight line apart: the mirrored place is said."""
    along_m = np.arange(-24_000.0, 24_001.0, 1_500.0)
    network = network_of(along_m, np.where(np.arange(len(along_m)) % 2 == 0, 24.0, -24.0))
    events = np.array([[-9e3, 2e3, 8e3], [3e3, -3e3, 2.4e3], [20.0, 80.0, 140.0], [12e3, 12e3, 12e3]])
    heard = with_events(np.random.default_rng(4), network, events, Conditions(clutter_hz=0.001))
    day = day_of(without_bearings(heard))
    sensed = sense_day(rows_of(day), sensor_settings())

    assert sensed.events
    for event in sensed.events:
        assert event.origin.alternative_probability is not None
        assert event.origin.alternative_latitude_deg != event.place.latitude_deg


def test_a_sensor_origin_is_checked() -> None:
    """Probabilities and tail ratios lie in [0, 1] and variances are not negative."""
    origin = sense_day(rows_of(sensor_day()), sensor_settings()).events[0].origin

    for name in (
        "event_probability",
        "named_probability",
        "region_tail_ratio",
        "covariance_east_m2",
        "covariance_north_m2",
    ):
        with pytest.raises(ValueError, match=name):
            msgspec.convert({**msgspec.structs.asdict(origin), name: -0.5}, SensorOrigin)
    with pytest.raises(ValueError, match="region_tail_ratio"):
        msgspec.convert({**msgspec.structs.asdict(origin), "region_tail_ratio": 1.5}, SensorOrigin)


def test_an_origin_without_a_tail_is_normal() -> None:
    """What was written before tails were said is read as the normal's."""
    written = msgspec.structs.asdict(sense_day(rows_of(sensor_day()), sensor_settings()).events[0].origin)
    tail_ratio = written.pop("region_tail_ratio")

    assert 0.0 < tail_ratio <= 1.0
    assert 0.0 == msgspec.convert(written, SensorOrigin).region_tail_ratio


def test_a_day_s_hours_do_not_matter() -> None:
    """Whole slabs of the grid later, the same is said of the same places."""
    rows = rows_of(sensor_day())
    shift = timedelta(seconds=40.0 * TileGrid().slab_s)
    later = [msgspec.structs.replace(row, start=row.start + shift, end=row.end + shift) for row in rows]
    now, then = sense_day(rows, sensor_settings()), sense_day(later, sensor_settings())

    assert [event.place.latitude_deg for event in now.events] == [event.place.latitude_deg for event in then.events]
    assert [event.place.start + shift for event in now.events] == [event.place.start for event in then.events]
