"""Laws of what a synthetic sensor network hears: its equations hold, and each adversity can be taken away."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scenarios.networks import (
    GEOD,
    GUN_TYPES,
    detections_with_truth,
    frame_of,
    part_changed,
    sounds_of,
    still,
    theatre_of,
)
from truceline.errors import InputUnusable
from truceline.testing.network_air import Box, PathAir, arrival_bearing_deg, draw_field, shadow_db, travel_time_s
from truceline.testing.network_ground import offsets_m
from truceline.testing.network_parameters import ADVERSITIES, load_network, only_adversities, without_adversities
from truceline.testing.network_records import CLUTTER, after_dead_time, records_of
from truceline.testing.network_stations import Outages
from truceline.testing.network_theatre import NetworkTheatre, build_network_theatre
from truceline.testing.network_truth import flight_time_s

SOUND_SPEED_0_C_M_PER_S = 331.3


@given(
    st.lists(st.floats(-3e4, 3e4), min_size=2, max_size=2),
    st.lists(st.floats(-20.0, 20.0), min_size=2, max_size=2),
    st.floats(320.0, 360.0),
)
def test_the_front_is_a_carried_sphere(offset_m: list[float], wind: list[float], speed: float) -> None:
    """Travel time T fulfils |D - w T| = c T for every offset, wind and speed of sound."""
    east, north, wind_east, wind_north, sound = (np.array([value]) for value in (*offset_m, *wind, speed))
    time_s = travel_time_s(east, north, PathAir(wind_east=wind_east, wind_north=wind_north, sound_speed=sound))

    assert np.hypot(east - wind_east * time_s, north - wind_north * time_s) == pytest.approx(sound * time_s, abs=1e-5)


def test_a_wind_across_turns_the_bearing_and_still_air_does_not() -> None:
    """In still air an array sees the source; a wind w across the path turns the bearing by asin(w / c)."""
    east, north = np.array([0.0, 0.0]), np.array([10_000.0, 10_000.0])
    wind = np.array([0.0, 10.0])
    air = PathAir(wind_east=wind, wind_north=np.zeros(2), sound_speed=np.full(2, 340.0))
    turned_deg = np.degrees(np.arcsin(10.0 / 340.0))

    assert arrival_bearing_deg(east, north, air) == pytest.approx([180.0, 180.0 - turned_deg], abs=1e-6)
    assert arrival_bearing_deg(east, north, air, wind_ratio=0.0) == pytest.approx([180.0, 180.0], abs=1e-6)


@given(st.floats(-65.0, 65.0), st.floats(0.0, 360.0), st.floats(100.0, 60_000.0))
def test_offsets_agree_with_the_geodesic(latitude_deg: float, azimuth_deg: float, length_m: float) -> None:
    """Offsets from longitudes and latitudes give the geodesic's length and its azimuth at the station."""
    longitude_deg, end_deg, back_deg = GEOD.fwd(20.0, latitude_deg, azimuth_deg, length_m)
    start, end = np.array([[20.0], [latitude_deg]]), np.array([[longitude_deg], [end_deg]])
    east_m, north_m, turn_deg = offsets_m(start, end)
    seen_deg = np.degrees(np.arctan2(-east_m, -north_m)) + turn_deg

    assert np.hypot(east_m, north_m) == pytest.approx(length_m, abs=1.25)
    assert np.abs((seen_deg - back_deg + 180.0) % 360.0 - 180.0) == pytest.approx(0.0, abs=0.01)


def test_without_adversity_every_sound_keeps_to_the_textbook() -> None:
    """With every adversity taken away a detection's time is distance over the speed of sound, to the sheet's sigma."""
    parameters = still(load_network("network_300km"))
    rows, travel_s, east_m, north_m = sounds_of(build_network_theatre(parameters))
    speed = SOUND_SPEED_0_C_M_PER_S * np.sqrt(1.0 + parameters.air.temperature_c / 273.15)
    residual = (travel_s - np.hypot(east_m, north_m) / speed) / rows["sheet_sigma_s"].to_numpy()

    assert rows.height > 10_000
    assert np.abs(residual).max() < 7.0
    assert residual.std() == pytest.approx(1.0, abs=0.05)
    assert residual.mean() == pytest.approx(0.0, abs=0.05)


def test_a_steady_wind_carries_every_sound_by_the_equation() -> None:
    """With a uniform wind alone, times fulfil |D - w T| = c T with the wind that was drawn."""
    parameters = still(load_network("network_300km"))
    theatre = build_network_theatre(part_changed(parameters, "air", wind_mean_m_per_s=12.0))
    rows, travel_s, east_m, north_m = sounds_of(theatre)
    wind = theatre.setting.air.mean_wind
    speed = SOUND_SPEED_0_C_M_PER_S * np.sqrt(1.0 + parameters.air.temperature_c / 273.15)
    ones = np.ones(rows.height)
    expected_s = travel_time_s(east_m, north_m, PathAir(wind[0] * ones, wind[1] * ones, speed * ones))
    residual = (travel_s - expected_s) / rows["sheet_sigma_s"].to_numpy()

    assert np.hypot(*wind) == pytest.approx(12.0)
    assert np.abs(residual).max() < 7.0
    assert np.abs(travel_s - np.hypot(east_m, north_m) / speed).max() > 0.5


def test_with_all_adversities_no_simple_medium_fits() -> None:
    """In the full theatre times scatter by several times the sheet's sigma, even about the true mean wind."""
    theatre = theatre_of("network_300km")
    rows, travel_s, east_m, north_m = sounds_of(theatre)
    wind, ones = theatre.setting.air.mean_wind, np.ones(rows.height)
    expected_s = travel_time_s(east_m, north_m, PathAir(wind[0] * ones, wind[1] * ones, 339.7 * ones))
    residual = (travel_s - expected_s) / rows["sheet_sigma_s"].to_numpy()

    assert 3.0 < np.median(np.abs(residual)) < 30.0


def gone(name: str, theatre: NetworkTheatre) -> bool:
    """Say whether a theatre shows no trace of an adversity where it leaves one that can be looked for."""
    causes, types = (
        set(theatre.truth_detections["cause"].to_pylist()),
        set(theatre.truth_events["event_type"].to_pylist()),
    )
    stations, detections = frame_of(theatre.truth_stations), frame_of(theatre.detections)
    latency = (detections["received_time"] - detections["time"]).dt.total_seconds()
    wind = theatre.setting.air.mean_wind
    traces = {
        "wind": np.hypot(*wind) > 0 or any(theatre.wind_forecast),
        "forecast_error": theatre.wind_forecast != (wind[0], wind[1]),
        "terrain_shadow": "diffracted" in causes,
        "dead_time": max(theatre.stations["dead_time_s"].to_pylist()) > 0,
        "timing_beyond_sheet": stations["timing_sigma_s"].to_list() != theatre.stations["timing_sigma_s"].to_pylist(),
        "bearing_errors": bool((stations["bearing_bias_deg"].fill_null(0.0) != 0).any()),
        "amplitude_errors": bool(theatre.setting.stations.calibration_db.any()),
        "outages": bool((stations["silent_share"] > 0).any()),
        "echoes": "echo" in causes,
        "clock_faults": bool({"offset", "drift", "jump"} & set(stations["clock_fault"])),
        "gps_step": "gps_step" in set(stations["clock_fault"]),
        "spoofed_stations": bool({"spoofed", "replayed"} & causes),
        "late_delivery": int(latency.max() or 0) > 30,
        "clutter": "clutter" in causes,
        "clutter_bursts": "clutter_burst" in causes,
        "gusts": "gust" in causes,
        "storms": "thunder" in types,
        "drones": "drone" in types,
        "quarry_blasts": "quarry_blast" in types,
        "small_arms": bool({"burst", "shot"} & types),
    }
    return not traces.get(name, False)


@pytest.mark.parametrize("name", sorted(ADVERSITIES))
def test_each_adversity_can_be_taken_away_alone(name: str) -> None:
    """Without one adversity its traces are gone, the guns fire as before, and the detections are others."""
    full = theatre_of("network_tiny")
    without = build_network_theatre(without_adversities(full.parameters, [name]))
    shared = ("time", "longitude_deg", "latitude_deg", "event_type", "party")
    guns = [frame_of(theatre.truth_events).filter(pl.col("event_type").is_in(GUN_TYPES)) for theatre in (full, without)]

    assert gone(name, without)
    assert guns[0].select(shared).equals(guns[1].select(shared))
    if name not in {"forecast_error", "phase_labels_wrong"}:
        assert not without.detections.equals(full.detections)


@pytest.mark.parametrize("name", sorted(ADVERSITIES))
def test_only_one_adversity_leaves_no_other(name: str) -> None:
    """With a single adversity kept, exactly its numbers are as in the scenario and all others are zero."""
    parameters = load_network("network_300km")
    kept = only_adversities(parameters, [name])

    for other, places in ADVERSITIES.items():
        for place in places:
            part, field = place.split(".")
            expected = getattr(getattr(parameters, part), field) if place in ADVERSITIES[name] else 0
            assert expected == getattr(getattr(kept, part), field), (other, place)


def test_the_full_theatre_shows_every_adversity() -> None:
    """What can be taken away is there: the 300 km theatre has a trace of each adversity that leaves one."""
    theatre = theatre_of("network_300km")
    untraceable = {"small_wind", "temperature_variation", "path_error", "level_fluctuation", "noise_variation"}
    untraceable |= {"missed_detections", "phase_labels_wrong"}

    assert {name for name in ADVERSITIES if gone(name, theatre)} == untraceable


@pytest.mark.parametrize("names", [["weather"], ["wind", "weather"]])
def test_an_unknown_adversity_is_refused(names: list[str]) -> None:
    """An adversity that is none is answered with those there are."""
    parameters = load_network("network_tiny")

    with pytest.raises(InputUnusable, match="'weather' is not one of"):
        without_adversities(parameters, names)
    with pytest.raises(InputUnusable, match="'weather' is not one of"):
        only_adversities(parameters, names)


def test_ridges_only_take_away() -> None:
    """Flat ground is heard over better than hills, and a longer detour never costs less."""
    hilly, flat = (
        Counter(theatre.truth_detections["cause"].to_pylist())
        for theatre in (
            theatre_of("network_300km"),
            build_network_theatre(without_adversities(load_network("network_300km"), ["terrain_shadow"])),
        )
    )
    loss_db = shadow_db(np.array([0.0, 1e-6, 0.5, 5.0, 500.0]), np.full(5, 10.0))

    assert hilly["direct"] + hilly["diffracted"] < 0.8 * flat["direct"]
    assert loss_db[0] == 0.0
    assert loss_db[1] == pytest.approx(10.0 * np.log10(3.0), abs=0.01)
    assert np.all(np.diff(loss_db) > 0)


def test_no_station_hears_within_its_dead_time() -> None:
    """Two detections at one station are never closer than its dead time, where clocks and people do not interfere."""
    honest = without_adversities(load_network("network_300km"), ["clock_faults", "gps_step", "spoofed_stations"])
    rows = detections_with_truth(build_network_theatre(honest)).sort("station_id", "time")
    gap_s = pl.col("time").diff().over("station_id").dt.total_microseconds() / 1e6
    short = rows.filter(gap_s < pl.col("dead_time_s") - 2e-6)

    assert rows.height > 10_000
    assert short.height == 0


@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0.0, 5.0)), max_size=40),
    st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=3, max_size=3),
)
def test_dead_time_is_that_of_one_detector_after_another(rows: list[tuple[int, float]], dead_s: list[float]) -> None:
    """Whole columns give what one gets by going through a station's records in order of time."""
    station = np.array([row[0] for row in rows], dtype=np.int64)
    time_s = np.array([row[1] for row in rows], dtype=np.float64)
    kept = after_dead_time(records_of(station, time_s, CLUTTER), np.array(dead_s))
    expected = np.zeros(len(rows), dtype=bool)
    last_s: dict[int, float] = {}
    for index in np.lexsort((time_s, station)).tolist():
        where = int(station[index])
        expected[index] = where not in last_s or time_s[index] - last_s[where] >= dead_s[where]
        if expected[index]:
            last_s[where] = float(time_s[index])

    assert expected.tolist() == kept.tolist()


def test_a_silent_station_records_nothing() -> None:
    """No detection but an invented one falls into an outage of its station, and spans are half-open."""
    theatre = theatre_of("network_300km")
    outages = theatre.setting.stations.outages
    two = Outages(station_index=np.array([3, 3]), start_s=np.array([1.0, 5.0]), end_s=np.array([2.0, 6.0]))
    asked = two.silent(np.array([3, 3, 3, 2, 3]), np.array([1.0, 2.0, 5.5, 5.5, 7.0]))
    always = [row for row in frame_of(theatre.truth_stations).rows(named=True) if row["silent_share"] == 1.0]
    detecting = set(theatre.detections["station_id"].to_pylist())

    assert [True, False, True, False, False] == asked.tolist()
    assert outages.station_index.size > 20
    assert {row["station_id"] for row in always if not row["reports_invented"]}.isdisjoint(detecting)


def test_launch_and_impact_are_a_pair() -> None:
    """A pair is one launch and what it led to, of one mission and party, apart by a flight time that can be."""
    theatre, fire = theatre_of("network_300km"), load_network("network_300km").fire
    events = frame_of(theatre.truth_events).filter(pl.col("pair_id").is_not_null())
    launches = events.filter(pl.col("event_type") == "outgoing")
    pairs = launches.join(events.filter(pl.col("event_type") != "outgoing"), on="pair_id", suffix="_there")
    places = [pairs[name].to_numpy() for name in ("longitude_deg", "latitude_deg")]
    places += [pairs[f"{name}_there"].to_numpy() for name in ("longitude_deg", "latitude_deg")]
    range_m = np.asarray(GEOD.inv(*places)[2])
    flight_s = (pairs["time_there"] - pairs["time"]).dt.total_nanoseconds().to_numpy() / 1e9
    bounds_s = [
        flight_time_s(range_m, np.deg2rad(value)) for value in (fire.elevation_low_deg, fire.elevation_high_deg)
    ]

    assert pairs.height > 100
    assert launches["pair_id"].n_unique() == launches.height
    assert (pairs["mission_id"] == pairs["mission_id_there"]).all()
    assert (pairs["party"] == pairs["party_there"]).all()
    assert np.all((flight_s > bounds_s[0] - 0.01) & (flight_s < bounds_s[1] + 0.01))
    assert np.all((range_m > 4_500.0) & (range_m < 24_000.0))


def test_the_party_is_the_one_on_whose_ground_the_launch_lies() -> None:
    """Every launch lies on its party's hand of the true line, and nearly every impact on the other's."""
    theatre = theatre_of("network_300km")
    ends = shapely.get_coordinates(theatre.true_line)[[0, -1]]
    far_deg = np.array([[55.0, 50.0], [58.0, 52.0]])
    left = shapely.Polygon(
        [*shapely.get_coordinates(theatre.true_line), ends[1] + [-3, 3], *far_deg, ends[0] + [-3, 3]]
    )
    guns = frame_of(theatre.truth_events).filter(pl.col("event_type").is_in(GUN_TYPES))
    launch = (guns["event_type"] == "outgoing").to_numpy()
    points = shapely.points(guns["longitude_deg"].to_numpy(), guns["latitude_deg"].to_numpy())
    on_second = shapely.contains(left, points)
    second = (guns["party"] == "B").to_numpy()
    inner = shapely.distance(points, shapely.Point(*ends[0])) > 0.3
    inner &= shapely.distance(points, shapely.Point(*ends[1])) > 0.3

    assert np.mean(on_second[launch & inner] == second[launch & inner]) == 1.0
    assert np.mean(on_second[~launch & inner] != second[~launch & inner]) > 0.97


@pytest.mark.parametrize("name", ["clock_faults", "gps_step"])
def test_a_wrong_clock_moves_times_by_its_error_and_nothing_else(name: str) -> None:
    """With wrong clocks alone, a detection's time is off by just what its station's clock says too much then."""
    parameters = only_adversities(load_network("network_300km"), [name])
    theatre = build_network_theatre(
        part_changed(parameters, "faults", gps_step_station_count=25 if name == "gps_step" else 0)
    )
    rows, travel_s, east_m, north_m = sounds_of(theatre)
    speed = SOUND_SPEED_0_C_M_PER_S * np.sqrt(1.0 + parameters.air.temperature_c / 273.15)
    index = {station: row for row, station in enumerate(theatre.stations["station_id"].to_pylist())}
    station = np.array([index[name] for name in rows["station_id"]])
    passed_s = (rows["event_time"] - parameters.start_time).dt.total_nanoseconds().to_numpy() / 1e9
    clock_s = theatre.setting.stations.clocks.error_s(station, passed_s + np.hypot(east_m, north_m) / speed)
    residual = (travel_s - clock_s - np.hypot(east_m, north_m) / speed) / rows["sheet_sigma_s"].to_numpy()

    assert np.abs(clock_s).max() > 0.4
    assert (np.abs(residual) < 7.0).mean() > 0.999


def test_people_who_invent_an_event_agree_with_one_another() -> None:
    """Invented detections come from the stations in false hands only, many at a time, and belong to no event."""
    theatre = theatre_of("network_300km")
    rows = detections_with_truth(theatre).filter(pl.col("cause") == "spoofed").sort("time")
    liars = frame_of(theatre.truth_stations).filter("reports_invented")["station_id"]
    gap_s = rows["time"].diff().dt.total_microseconds().drop_nulls().to_numpy() / 1e6

    assert set(rows["station_id"]) == set(liars)
    assert len(liars) == theatre.parameters.faults.spoofed_station_count
    assert rows.height > 20
    assert np.median(gap_s) < 6.0
    assert rows["event_id"].null_count() == rows.height


def test_a_field_has_the_variance_and_correlation_it_is_asked_for() -> None:
    """A smooth field has mean 0, variance 1, and falls to exp(-1/2) at one width."""
    box = Box(along_m=(0.0, 400_000.0), across_m=(0.0, 400_000.0), time_s=(0.0, 0.0))
    field = draw_field(np.random.default_rng(5), box, width_m=6_000.0, width_s=1.0)
    values = field.values[:, :, 0]
    step = 3
    correlation = np.corrcoef(values[step:].ravel(), values[:-step].ravel())[0, 1]

    assert values.mean() == pytest.approx(0.0, abs=0.05)
    assert values.std() == pytest.approx(1.0, abs=0.05)
    assert correlation == pytest.approx(np.exp(-0.5), abs=0.04)
    assert field.at(np.array([2_000.0]), np.array([4_000.0]), np.zeros(1)) == pytest.approx([values[1, 2]])
