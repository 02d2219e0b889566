"""Detections of nothing that happened: each station's own clutter, bursts, gusts, and reports that people invent."""

from __future__ import annotations

import numpy as np

from truceline.testing.network_air import PathAir, arrival_bearing_deg, travel_time_s
from truceline.testing.network_ground import Ints, offsets_m, places_of
from truceline.testing.network_records import (
    CLUTTER,
    CLUTTER_BURST,
    DIFFRACTED,
    DIRECT,
    GUST,
    NO_EVENT_INDEX,
    REPLAYED,
    SPOOFED,
    Records,
    Setting,
    joined_records,
    noise_db,
    records_of,
)
from truceline.testing.network_stations import ACOUSTIC, CAMERA

EXCESS_MEAN_DB = 3.0
"""How far clutter stands above the threshold (exponential)."""
WAY_SPREAD_DEG = 25.0
"""How far the bearings of a station's clutter spread around its road or its gate."""
ANY_WAY_SHARE = 0.3
BURST_GAP_S = 1.7
GUST_SPEED_LEAST_M_PER_S = 4.0
GUST_SPREAD_S = 12.0
GUST_MEAN_COUNT = 2.0
FALSE_REACH_M = 6_000.0
FALSE_MISS_PROBABILITY = 0.1
FALSE_SIGMA_S = 0.05
FALSE_PRESSURE_PA = 25.0
REPLAY_DELAY_S = (60.0, 180.0)


def clutter(setting: Setting, chance: np.random.Generator) -> Records:
    """Give all detections of nothing: single ones, bursts at one station, and gusts that cross many."""
    single, burst, gust = chance.spawn(3)
    return joined_records([_single(setting, single), _bursts(setting, burst), _gusts(setting, gust)])


def _made_up(
    setting: Setting, station_index: Ints, time_s: np.ndarray, cause_index: int, chance: np.random.Generator
) -> Records:
    """Give clutter at stations and times its bearing (mostly from where the road is) and its amplitude."""
    stations, size = setting.stations, time_s.size
    way_deg = stations.clutter_bearing_deg[station_index] + WAY_SPREAD_DEG * chance.normal(0.0, 1.0, size)
    anywhere = chance.random(size) < ANY_WAY_SHARE
    bearing_deg = np.where(anywhere, chance.uniform(0.0, 360.0, size), way_deg) % 360.0
    has_bearing = ~np.isnan(stations.bearing_sigma_deg[station_index])
    excess_db = EXCESS_MEAN_DB * chance.exponential(1.0, size)
    level_db = noise_db(setting, station_index, time_s) + setting.parameters.stations.threshold_db + excess_db
    level_db = level_db + stations.calibration_db[station_index]
    return records_of(
        station_index,
        time_s,
        cause_index,
        bearing_deg=np.where(has_bearing, bearing_deg, np.nan),
        amplitude_pa=10.0 ** (level_db / 20.0),
    )


def _single(setting: Setting, chance: np.random.Generator) -> Records:
    length_s = setting.parameters.length_s
    counts = chance.poisson(setting.stations.clutter_rate_hz * length_s)
    station = np.repeat(np.arange(counts.size), counts)
    return _made_up(setting, station, chance.uniform(0.0, length_s, station.size), CLUTTER, chance)


def _bursts(setting: Setting, chance: np.random.Generator) -> Records:
    """Draw bursts at single stations: a convoy, a building site, a bird on the microphone."""
    parameters = setting.parameters
    rate = parameters.clutter.clutter_bursts_per_hour_count / 3_600.0
    count = int(chance.poisson(rate * parameters.length_s))
    loud = np.flatnonzero(setting.stations.modality_index != CAMERA)
    if loud.size == 0 or count == 0:
        return records_of(np.zeros(0, np.int64), np.zeros(0), CLUTTER_BURST)
    station = chance.choice(loud, count)
    counts = chance.geometric(1.0 / parameters.clutter.clutter_burst_mean_count, count)
    burst = np.repeat(np.arange(count), counts)
    gap_s = BURST_GAP_S * chance.exponential(1.0, burst.size)
    elapsed_s = np.cumsum(gap_s)
    first = np.cumsum(counts) - counts
    time_s = chance.uniform(0.0, parameters.length_s, count)[burst] + elapsed_s - elapsed_s[first[burst]]
    return _made_up(setting, station[burst], time_s, CLUTTER_BURST, chance)


def _gusts(setting: Setting, chance: np.random.Generator) -> Records:
    """Draw gusts that travel with the mean wind and make every acoustic station they cross declare something."""
    parameters, places = setting.parameters, setting.stations.places
    rate = parameters.clutter.gusts_per_hour_count / 3_600.0
    count = int(chance.poisson(rate * parameters.length_s))
    half_m = 0.5e3 * parameters.ground.line_length_km
    wind = setting.air.mean_wind
    speed_m_per_s = max(float(np.hypot(*wind)), GUST_SPEED_LEAST_M_PER_S)
    blow_rad = float(np.arctan2(wind[0], wind[1])) - np.deg2rad(parameters.ground.line_bearing_deg)
    stations, times = [np.zeros(0, np.int64)], [np.zeros(0)]
    for _ in range(count):
        middle_m, moment_s = chance.uniform(-half_m, half_m), chance.uniform(0.0, parameters.length_s)
        along_m = places.along_m - middle_m
        across_m = places.across_m - setting.line.at(np.array([middle_m]))[0]
        near = np.hypot(along_m, across_m) < 0.5e3 * parameters.clutter.gust_width_km
        crossed = np.flatnonzero(near & (setting.stations.modality_index == ACOUSTIC))
        downwind_m = along_m[crossed] * np.cos(blow_rad) - across_m[crossed] * np.sin(blow_rad)
        counts = chance.poisson(GUST_MEAN_COUNT, crossed.size)
        arrival_s = np.repeat(moment_s + downwind_m / speed_m_per_s, counts)
        stations.append(np.repeat(crossed, counts))
        times.append(arrival_s + GUST_SPREAD_S * chance.normal(0.0, 1.0, arrival_s.size))
    return _made_up(setting, np.concatenate(stations), np.concatenate(times), GUST, chance)


def spoofed(setting: Setting, chance: np.random.Generator) -> Records:
    """Give what stations in false hands report together: events that never were, with times that fit the forecast.

    Whoever writes them knows the stations' places, the forecast wind and the sheets, so times, bearings and amplitudes
    agree with one another; only other stations' silence speaks against it.
    """
    parameters, ring = setting.parameters, setting.stations.false_ring
    rate = parameters.faults.false_events_per_minute_count / 60.0
    count = int(chance.poisson(rate * parameters.length_s))
    if ring.size == 0 or count == 0:
        return records_of(np.zeros(0, np.int64), np.zeros(0), SPOOFED)
    places = setting.stations.places.taken(ring)
    origin = places.in_plane.mean(axis=1)[:, None] + chance.uniform(-FALSE_REACH_M, FALSE_REACH_M, (2, count))
    false_places = places_of(setting.frame, origin[0], origin[1])
    event, member = (grid.ravel() for grid in np.meshgrid(np.arange(count), np.arange(ring.size), indexing="ij"))
    told = chance.random(event.size) >= FALSE_MISS_PROBABILITY
    event, member = event[told], member[told]
    east_m, north_m, turn_deg = offsets_m(false_places.in_degrees[:, event], places.in_degrees[:, member])
    ones = np.ones(event.size)
    wind_east, wind_north = setting.air.forecast_wind
    still = np.full(event.size, setting.air.sound_speed(np.zeros(1), np.zeros(1), np.zeros(1))[0])
    medium = PathAir(wind_east=wind_east * ones, wind_north=wind_north * ones, sound_speed=still)
    moment_s = chance.uniform(0.0, parameters.length_s, count)
    bearing_deg = arrival_bearing_deg(east_m, north_m, medium) + turn_deg
    bearing_deg = bearing_deg + setting.stations.bearing_sigma_deg[ring[member]] * chance.normal(0.0, 1.0, event.size)
    distance_km = np.maximum(np.hypot(east_m, north_m) / 1e3, 0.1)
    pressure_pa = FALSE_PRESSURE_PA * distance_km ** (-parameters.air.spreading_ratio)
    return records_of(
        ring[member],
        moment_s[event] + travel_time_s(east_m, north_m, medium) + FALSE_SIGMA_S * chance.normal(0.0, 1.0, event.size),
        SPOOFED,
        bearing_deg=bearing_deg % 360.0,
        amplitude_pa=pressure_pa * 10.0 ** (0.1 * chance.normal(0.0, 1.0, event.size)),
    )


def replayed(setting: Setting, records: Records, chance: np.random.Generator) -> Records:
    """Give old detections that some stations send again as new ones, each station by a delay of its own."""
    replaying = setting.stations.replaying
    delay_s = np.zeros(setting.stations.station_count)
    delay_s[replaying] = chance.uniform(*REPLAY_DELAY_S, replaying.size)
    genuine = (records.cause_index == DIRECT) | (records.cause_index == DIFFRACTED)
    again = records.taken(genuine & (delay_s[records.station_index] > 0))
    return again._replace(
        time_s=again.time_s + delay_s[again.station_index],
        event_index=np.full(again.time_s.size, NO_EVENT_INDEX),
        cause_index=np.full(again.time_s.size, REPLAYED),
    )
