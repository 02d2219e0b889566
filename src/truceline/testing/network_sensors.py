"""How events of a synthetic network reach its stations: sound through wind and behind hills, ground waves, light."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.testing.network_air import (
    WIND_GAIN_MAX_DB,
    Floats,
    PathAir,
    along_paths,
    arrival_bearing_deg,
    shadow_db,
    travel_time_s,
    wind_gain_db,
)
from truceline.testing.network_ground import Ints, Places, offsets_m, places_of
from truceline.testing.network_parameters import EVENT_TYPES
from truceline.testing.network_records import (
    DIFFRACTED,
    DIRECT,
    ECHO,
    LIGHT,
    SEISMIC_P,
    SEISMIC_RG,
    UNLABELLED_INDEX,
    Records,
    Setting,
    bearings_of,
    joined_records,
    noise_db,
    onset_noise_s,
    records_of,
    weakness_ratio,
)
from truceline.testing.network_stations import ACOUSTIC, CAMERA, SEISMIC
from truceline.testing.network_truth import Happenings

CHUNK_COUNT = 1_500
"""Emissions taken at a time: bounds memory, and is part of how chance is drawn."""
DISTANCE_LEAST_M = 30.0
SURE_RATIO = 3.0
DEEP_SHADOW_RATIO = 0.25
"""Fresnel number (twice the detour in wavelengths) from which on the first onset is lost and a later one is picked."""
ECHO_GAP_S = 0.25
ECHO_LOSS_DB = 6.0
PHASE_SPEEDS_M_PER_S = (6_000.0, 3_000.0)
PHASE_SPREADS = (0.03, 0.05)
PHASE_LOSSES_DB = (10.0, 0.0)
"""Of P and Rg: usual speed, relative spread of speeds from place to place, and how much weaker it is than Rg."""
GROUND_SPREADING_RATIO = 1.3
GROUND_ABSORPTION_DB_PER_KM = 0.25
GROUND_RANGE_MAX_M = 60_000.0


class Paths(NamedTuple):
    """Pairs of an emission and a station, arrays of shape (n,): indices, offsets in metres, half convergence."""

    emission_index: Ints
    station_index: Ints
    east_m: Floats
    north_m: Floats
    turn_deg: Floats

    @property
    def distance_m(self) -> Floats:
        """How far the station is from the emission; never less than 30 m."""
        return np.maximum(np.hypot(self.east_m, self.north_m), DISTANCE_LEAST_M)

    def taken(self, index: Ints) -> Paths:
        """Give some of them."""
        return Paths._make(column[index] for column in self)


def paths_within(setting: Setting, places: Places, radius_m: Floats, *, modality_index: int) -> Paths:
    """Give all pairs of a place (shape (n,)) and a station of one modality within that place's radius, in order."""
    from scipy.spatial import cKDTree

    stations = np.flatnonzero(setting.stations.modality_index == modality_index)
    if stations.size == 0 or radius_m.size == 0:
        nothing = np.zeros(0)
        return Paths(nothing.astype(np.int64), nothing.astype(np.int64), nothing, nothing, nothing)
    there = setting.stations.places.taken(stations)
    found = cKDTree(there.in_plane.T).query_ball_point(places.in_plane.T, radius_m, return_sorted=True)
    counts = np.array([len(entry) for entry in found])
    emission = np.repeat(np.arange(counts.size), counts)
    near = np.concatenate([np.asarray(entry, dtype=np.int64) for entry in found])
    ends_deg = there.in_degrees[:, near]
    east_m, north_m, turn_deg = offsets_m(places.in_degrees[:, emission], ends_deg)
    return Paths(emission, stations[near], east_m, north_m, turn_deg)


class _Part(NamedTuple):
    """Some emissions with all that is asked of them, arrays of shape (n,)."""

    event_index: Ints
    type_index: Ints
    time_s: Floats
    places: Places
    pressure_db: Floats


def heard(setting: Setting, happenings: Happenings, chance: np.random.Generator) -> Records:
    """Give what acoustic stations notice of all emissions; each is noticed if it stands out of the noise there."""
    events, emissions = happenings
    parts = []
    for low in range(0, emissions.time_s.size, CHUNK_COUNT):
        rows = slice(low, low + CHUNK_COUNT)
        part = _Part(
            event_index=emissions.event_index[rows],
            type_index=events.type_index[emissions.event_index[rows]],
            time_s=emissions.time_s[rows],
            places=places_of(setting.frame, emissions.along_m[rows], emissions.across_m[rows]),
            pressure_db=20.0 * np.log10(emissions.pressure_pa[rows]),
        )
        parts.append(_heard_part(setting, part, chance))
    return joined_records([records_of(np.zeros(0, np.int64), np.zeros(0), DIRECT), *parts])


def _source_column(setting: Setting, name: str) -> Floats:
    """One number of every type of event, in the order of their indices."""
    return np.array([float(getattr(setting.parameters.sources[kind], name)) for kind in EVENT_TYPES])


def _loss_db(setting: Setting, distance_m: Floats, absorption_db_per_km: Floats) -> Floats:
    """Give what spreading and absorption take from the level at 1 km: 20 n log10(r) + a r, r in km."""
    distance_km = distance_m / 1e3
    return 20.0 * setting.parameters.air.spreading_ratio * np.log10(distance_km) + absorption_db_per_km * distance_km


def _reach_m(setting: Setting, part: _Part) -> Floats:
    """Give how far each emission could be heard at most: by the quietest station, downwind, with luck."""
    air, sheet = setting.parameters.air, setting.parameters.stations
    grid_m = np.geomspace(DISTANCE_LEAST_M, 1e3 * air.hearing_range_max_km, 400)
    sound = setting.stations.modality_index == ACOUSTIC
    quiet_db = np.min(setting.stations.noise_db, where=sound, initial=np.inf) - SURE_RATIO * sheet.noise_change_db
    luck_db = WIND_GAIN_MAX_DB * (air.wind_gain_ratio > 0) + SURE_RATIO * air.level_fluctuation_db
    spare_db = part.pressure_db + luck_db - quiet_db - sheet.threshold_db
    absorption = _source_column(setting, "absorption_db_per_km")
    reach_m = np.empty(part.time_s.size)
    for kind in np.unique(part.type_index):
        rows = part.type_index == kind
        reach_m[rows] = np.interp(spare_db[rows], _loss_db(setting, grid_m, absorption[kind]), grid_m)
    return reach_m


def _heard_part(setting: Setting, part: _Part, chance: np.random.Generator) -> Records:
    paths = paths_within(setting, part.places, _reach_m(setting, part), modality_index=ACOUSTIC)
    air, sheet = setting.parameters.air, setting.parameters.stations
    kind = part.type_index[paths.emission_index]
    level_db = part.pressure_db[paths.emission_index] - _loss_db(
        setting, paths.distance_m, _source_column(setting, "absorption_db_per_km")[kind]
    )
    level_db = level_db + air.level_fluctuation_db * chance.normal(0.0, 1.0, level_db.size)
    noticed = chance.random(level_db.size) >= sheet.miss_probability
    start_s = part.time_s[paths.emission_index]
    above_db = level_db - noise_db(setting, paths.station_index, start_s + paths.distance_m / 340.0)
    able = np.flatnonzero(noticed & (above_db + WIND_GAIN_MAX_DB > sheet.threshold_db))
    paths, level_db, above_db, start_s = paths.taken(able), level_db[able], above_db[able], start_s[able]
    medium = _path_air(setting, part, paths)
    east, north = paths.east_m / paths.distance_m, paths.north_m / paths.distance_m
    wind_along = medium.wind_east * east + medium.wind_north * north
    gain_db = wind_gain_db(wind_along, paths.distance_m, gain_ratio=air.wind_gain_ratio)
    detour_m, loss_db = _shadow(setting, part, paths, medium)
    above_db = above_db + gain_db - loss_db - sheet.threshold_db
    loud = np.flatnonzero(above_db > 0)
    return _onsets(
        setting,
        part,
        paths.taken(loud),
        _Arriving(
            air=PathAir._make(column[loud] for column in medium),
            level_db=(level_db + gain_db - loss_db)[loud],
            above_db=above_db[loud],
            detour_m=detour_m[loud],
        ),
        chance,
    )


class _Arriving(NamedTuple):
    """Signals that are noticed, arrays of shape (n,): the air on the way, level, height above threshold, detour."""

    air: PathAir
    level_db: Floats
    above_db: Floats
    detour_m: Floats


def _ends(setting: Setting, part: _Part, paths: Paths) -> tuple[Floats, Floats]:
    start = part.places.in_plane[:, paths.emission_index]
    return start, setting.stations.places.in_plane[:, paths.station_index]


def _path_air(setting: Setting, part: _Part, paths: Paths) -> PathAir:
    start, end = _ends(setting, part, paths)
    return along_paths(setting.air, start, end, time_s=part.time_s[paths.emission_index])


def _shadow(setting: Setting, part: _Part, paths: Paths, medium: PathAir) -> tuple[Floats, Floats]:
    """Give the detour over the highest ridge in metres, and what the ridge takes from the level."""
    start, end = _ends(setting, part, paths)
    detour_m = setting.hills.detour_m(start, end, paths.distance_m)
    frequency_hz = _source_column(setting, "frequency_hz")[part.type_index[paths.emission_index]]
    return detour_m, shadow_db(detour_m, medium.sound_speed / frequency_hz)


def _onsets(setting: Setting, part: _Part, paths: Paths, arriving: _Arriving, chance: np.random.Generator) -> Records:
    """Draw when, from where and how strong each noticed signal is declared."""
    air, sheet = setting.parameters.air, setting.parameters.stations
    size = paths.station_index.size
    kind = part.type_index[paths.emission_index]
    start, end = _ends(setting, part, paths)
    left_s = part.time_s[paths.emission_index]
    travel_s = travel_time_s(paths.east_m, paths.north_m, arriving.air)
    error = setting.air.path_error(start, end, left_s)
    error = error + air.path_error_independent_ratio * chance.normal(0.0, 1.0, size)
    wavelength_m = arriving.air.sound_speed / _source_column(setting, "frequency_hz")[kind]
    is_deep = 2.0 * arriving.detour_m / wavelength_m > DEEP_SHADOW_RATIO
    shadow_late_s = arriving.detour_m / arriving.air.sound_speed
    shadow_late_s = shadow_late_s + np.where(is_deep, air.shadow_late_s * chance.exponential(1.0, size), 0.0)
    blur_s = _source_column(setting, "onset_blur_s")[kind] * chance.normal(0.0, 1.0, size)
    onset_s = onset_noise_s(setting, paths.station_index, arriving.above_db, chance=chance)
    bearing_deg = paths.turn_deg + arrival_bearing_deg(
        paths.east_m, paths.north_m, arriving.air, wind_ratio=sheet.bearing_wind_ratio
    )
    told_db = arriving.level_db + setting.stations.calibration_db[paths.station_index]
    return records_of(
        paths.station_index,
        left_s + travel_s * (1.0 + error) + shadow_late_s + blur_s + onset_s,
        np.where(is_deep, DIFFRACTED, DIRECT),
        event_index=part.event_index[paths.emission_index],
        bearing_deg=bearings_of(setting, paths.station_index, bearing_deg, chance=chance),
        amplitude_pa=10.0 ** (told_db / 20.0),
        weak_ratio=weakness_ratio(setting, arriving.above_db),
    )


def with_echoes(setting: Setting, records: Records, chance: np.random.Generator) -> Records:
    """Add a later, weaker arrival to some records; with some of these the first is missed, and only the echo stays.

    Echoes stand for reflections at slopes and edges of woods: 0.25 s later and more, exponentially distributed.
    """
    faults, size = setting.parameters.faults, records.time_s.size
    echoing = chance.random(size) < faults.echo_probability
    missed = echoing & (chance.random(size) < faults.echo_first_missed_probability)
    late_s = ECHO_GAP_S + faults.echo_delay_s * chance.exponential(1.0, size)
    turned_deg = (records.bearing_deg + chance.normal(0.0, 20.0, size)) % 360.0
    echo = records._replace(
        time_s=records.time_s + late_s,
        cause_index=np.full(size, ECHO),
        bearing_deg=turned_deg,
        amplitude_pa=records.amplitude_pa * 10.0 ** (-ECHO_LOSS_DB / 20.0),
    )
    return joined_records([records.taken(~missed), echo.taken(echoing)])


def _firsts(happenings: Happenings) -> Ints:
    """Give the first emission of every event."""
    return np.asarray(np.unique(happenings.emissions.event_index, return_index=True)[1])


def felt(setting: Setting, happenings: Happenings, chance: np.random.Generator) -> Records:
    """Give what seismic stations notice of impacts and blasts: P and Rg, where they stand out of the ground's noise.

    Amplitude falls as r^-1.3 with a little absorption; speeds are 6 and 3 km/s, by a few per cent other from place to
    place, so that a fixed speed is wrong in the same way for neighbouring stations.
    """
    events, emissions = happenings
    motion = _source_column(setting, "ground_motion_at_1_km_um_per_s")
    first = _firsts(happenings)
    first = first[motion[events.type_index[emissions.event_index[first]]] > 0]
    places = places_of(setting.frame, emissions.along_m[first], emissions.across_m[first])
    paths = paths_within(setting, places, np.full(first.size, GROUND_RANGE_MAX_M), modality_index=SEISMIC)
    event = emissions.event_index[first][paths.emission_index]
    kind = events.type_index[event]
    source_pa = _source_column(setting, "pressure_at_1_km_pa")[kind]
    loudness_db = 20.0 * np.log10(emissions.pressure_pa[first][paths.emission_index] / source_pa)
    distance_km = paths.distance_m / 1e3
    level_db = 20.0 * np.log10(motion[kind]) + loudness_db
    level_db -= 20.0 * GROUND_SPREADING_RATIO * np.log10(distance_km) + GROUND_ABSORPTION_DB_PER_KM * distance_km
    start_s = emissions.time_s[first][paths.emission_index]
    middle = 0.5 * (places.in_plane[:, paths.emission_index] + setting.stations.places.in_plane[:, paths.station_index])
    odd = setting.geology.at(middle[0], middle[1], np.zeros(start_s.size))
    noise = noise_db(setting, paths.station_index, start_s)
    parts = []
    for phase, cause in enumerate((SEISMIC_P, SEISMIC_RG)):
        fluctuation = setting.parameters.air.level_fluctuation_db * chance.normal(0.0, 1.0, start_s.size)
        above_db = level_db + fluctuation - PHASE_LOSSES_DB[phase] - noise - setting.parameters.stations.threshold_db
        lucky = chance.random(start_s.size) >= setting.parameters.stations.miss_probability
        speed = PHASE_SPEEDS_M_PER_S[phase] * (1.0 + PHASE_SPREADS[phase] * odd)
        rows = np.flatnonzero(lucky & (above_db > 0))
        onset_s = onset_noise_s(setting, paths.station_index[rows], above_db[rows], chance=chance)
        parts.append(
            records_of(
                paths.station_index[rows],
                (start_s + paths.distance_m / speed)[rows] + onset_s,
                cause,
                event_index=event[rows],
                phase_index=_labels(setting, phase, rows.size, chance),
                weak_ratio=weakness_ratio(setting, above_db[rows]),
            )
        )
    return joined_records(parts)


def _labels(setting: Setting, phase: int, size: int, chance: np.random.Generator) -> Ints:
    """Draw what the detector calls a phase: mostly nothing, now and then the other phase's name."""
    sheet = setting.parameters.stations
    told = np.where(chance.random(size) < sheet.phase_wrong_probability, 1 - phase, phase)
    return np.where(chance.random(size) < sheet.phase_label_share, told, UNLABELLED_INDEX)


def seen(setting: Setting, happenings: Happenings, chance: np.random.Generator) -> Records:
    """Give the flashes that cameras see: at once, with a bearing, where no ridge stands between."""
    emissions, sheet = happenings.emissions, setting.parameters.stations
    flash = np.flatnonzero(emissions.flash)
    places = places_of(setting.frame, emissions.along_m[flash], emissions.across_m[flash])
    radius_m = np.full(flash.size, 1e3 * sheet.camera_range_km)
    paths = paths_within(setting, places, radius_m, modality_index=CAMERA)
    start = places.in_plane[:, paths.emission_index]
    end = setting.stations.places.in_plane[:, paths.station_index]
    free = setting.hills.detour_m(start, end, paths.distance_m) == 0
    lucky = chance.random(free.size) >= sheet.camera_miss_probability
    paths = paths.taken(np.flatnonzero(free & lucky))
    row = flash[paths.emission_index]
    true_deg = np.degrees(np.arctan2(-paths.east_m, -paths.north_m)) + paths.turn_deg
    strong_db = np.full(row.size, 60.0)
    return records_of(
        paths.station_index,
        emissions.time_s[row] + onset_noise_s(setting, paths.station_index, strong_db, chance=chance),
        LIGHT,
        event_index=emissions.event_index[row],
        bearing_deg=bearings_of(setting, paths.station_index, true_deg, chance=chance),
    )
