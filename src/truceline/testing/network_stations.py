"""The stations of a synthetic network: what their sheets say, what they truly are, and what is wrong with them."""

from __future__ import annotations

import msgspec
import numpy as np

from truceline.testing.network_air import Floats
from truceline.testing.network_ground import Bools, Ints, Places
from truceline.testing.network_parameters import NetworkParameters, StationParameters

ACOUSTIC, SEISMIC, CAMERA = 0, 1, 2
MODALITIES = ("acoustic", "seismic", "flash")
"""What a station's modality is called in the table of stations, by index."""
OPERATOR_COUNT = 5
RATE_ERROR_DB = 2.0
"""How far the clutter rate that a station's history tells is from the true one (1 sigma)."""
OUTAGE_MEAN_SHARE = 0.35
"""Mean length of an outage, as a share of the theatre's length."""
CAMERA_SIGMA_S, CAMERA_BEARING_DEG = 0.04, 0.4
CAMERA_RATE_RATIO = 0.2
"""A camera's clutter rate as a ratio of an acoustic station's."""
CONSTANT, DRIFT, JUMP, GPS_STEP, SOUND = "offset", "drift", "jump", "gps_step", "none"
"""What may be wrong with a clock."""


class Outages(msgspec.Struct, frozen=True, kw_only=True):
    """When stations were silent: index, start and end in seconds after the theatre's start, arrays of shape (n,)."""

    station_index: Ints
    start_s: Floats
    end_s: Floats

    def silent(self, station_index: Ints, time_s: Floats) -> Bools:
        """Say which of (station, time), shape (n,), fall into an outage."""
        found = np.zeros(time_s.size, dtype=np.bool_)
        order = np.argsort(station_index, kind="stable")
        grouped = station_index[order]
        for station, start_s, end_s in zip(self.station_index, self.start_s, self.end_s, strict=True):
            rows = order[np.searchsorted(grouped, station) : np.searchsorted(grouped, station, side="right")]
            found[rows] |= (time_s[rows] >= start_s) & (time_s[rows] < end_s)
        return found


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """What each station's clock adds to the true time, shape (stations,); times after the theatre's start."""

    offset_s: Floats
    drift_ratio: Floats
    jump_time_s: Floats
    jump_s: Floats
    gps_time_s: float
    gps_step_s: Floats

    def error_s(self, station_index: Ints, time_s: Floats) -> Floats:
        """Give what the clock of each station says too much at true times, shape (n,)."""
        error_s = self.offset_s[station_index] + self.drift_ratio[station_index] * time_s
        error_s = error_s + np.where(time_s >= self.jump_time_s[station_index], self.jump_s[station_index], 0.0)
        return error_s + np.where(time_s >= self.gps_time_s, self.gps_step_s[station_index], 0.0)

    def faults(self) -> list[str]:
        """Name what is wrong with each station's clock; of several things the last in this order."""
        names = np.full(self.offset_s.size, SOUND, dtype=object)
        for name, column in (
            (CONSTANT, self.offset_s),
            (DRIFT, self.drift_ratio),
            (JUMP, self.jump_s),
            (GPS_STEP, self.gps_step_s),
        ):
            names[column != 0] = name
        return [str(name) for name in names]


class Stations(msgspec.Struct, frozen=True, kw_only=True):
    """All stations, arrays of shape (stations,); `stated_*` is what the sheet says, the rest is so.

    `bearing_sigma_deg` is nan where a station gives no bearing. Noise is in dB re 1 Pa for sound, in dB re 1 um/s for
    the ground. Indices in `false_ring` report invented events together, those in `replaying` old detections again.
    """

    places: Places
    modality_index: Ints
    operator_index: Ints
    stated_sigma_s: Floats
    true_sigma_s: Floats
    bearing_sigma_deg: Floats
    bearing_bias_deg: Floats
    noise_db: Floats
    calibration_db: Floats
    dead_time_s: Floats
    clutter_rate_hz: Floats
    stated_rate_hz: Floats
    clutter_bearing_deg: Floats
    states_sigma: Bools
    states_amplitude: Bools
    clocks: Clocks
    outages: Outages
    false_ring: Ints
    replaying: Ints

    @property
    def station_count(self) -> int:
        """How many there are."""
        return int(self.modality_index.size)


def draw_stations(parameters: NetworkParameters, places: Places, chance: np.random.Generator) -> Stations:
    """Draw everything about the stations but their places; each kind of fault has a stream of its own."""
    kinds, timing, bearing, level, rate, clock, outage, people, telling = chance.spawn(9)
    sheet = parameters.stations
    count = places.along_m.size
    modality = _modalities(sheet, count, kinds)
    stated_sigma_s, true_sigma_s = _timing(sheet, modality, timing)
    sigma_deg, bias_deg = _bearings(sheet, modality, bearing)
    clutter_rate_hz, stated_rate_hz = _rates(parameters, modality, rate)
    noise_median = np.where(modality == SEISMIC, sheet.ground_noise_um_per_s, sheet.noise_median_pa)
    sound = np.flatnonzero(modality == ACOUSTIC)
    ring = _cluster(places, sound, parameters.faults.spoofed_station_count, people)
    others = np.setdiff1d(sound, ring)
    replaying = people.permutation(others)[: parameters.faults.replaying_station_count]
    return Stations(
        places=places,
        modality_index=modality,
        operator_index=telling.integers(0, OPERATOR_COUNT, count),
        stated_sigma_s=stated_sigma_s,
        true_sigma_s=true_sigma_s,
        bearing_sigma_deg=sigma_deg,
        bearing_bias_deg=bias_deg,
        noise_db=20.0 * np.log10(noise_median) + sheet.noise_spread_db * level.normal(0.0, 1.0, count),
        calibration_db=sheet.calibration_spread_db * level.normal(0.0, 1.0, count),
        dead_time_s=np.round(sheet.dead_time_s * level.lognormal(0.0, 0.25, count), 3),
        clutter_rate_hz=clutter_rate_hz,
        stated_rate_hz=stated_rate_hz,
        clutter_bearing_deg=bearing.uniform(0.0, 360.0, count),
        states_sigma=telling.random(count) < sheet.sigma_stated_share,
        states_amplitude=(telling.random(count) >= sheet.amplitude_silent_share) & (modality == ACOUSTIC),
        clocks=_clocks(parameters, places, clock),
        outages=_outages(parameters, places, outage),
        false_ring=ring,
        replaying=np.sort(replaying),
    )


def _modalities(sheet: StationParameters, count: int, chance: np.random.Generator) -> Ints:
    order = chance.permutation(count)
    modality = np.full(count, ACOUSTIC, dtype=np.int64)
    seismic_count, camera_count = round(sheet.seismic_share * count), round(sheet.camera_share * count)
    modality[order[:seismic_count]] = SEISMIC
    modality[order[seismic_count : seismic_count + camera_count]] = CAMERA
    return modality


def _timing(sheet: StationParameters, modality: Ints, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw what the sheet says of the timing, and how good it truly is."""
    count = modality.size
    stated_s = np.round(chance.uniform(sheet.timing_sigma_low_s, sheet.timing_sigma_high_s, count), 4)
    spread = np.exp(sheet.timing_spread_ratio * chance.normal(0.0, 1.0, count))
    poor = chance.random(count) < sheet.timing_poor_share
    stated_s = np.where(modality == CAMERA, CAMERA_SIGMA_S, stated_s)
    return stated_s, stated_s * spread * np.where(poor, max(sheet.timing_poor_ratio, 1.0), 1.0)


def _bearings(sheet: StationParameters, modality: Ints, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw which stations give bearings, how well, and how far each is turned."""
    count = modality.size
    is_array = (modality == ACOUSTIC) & (chance.random(count) < sheet.array_share)
    sigma_deg = np.round(sheet.bearing_sigma_deg * chance.uniform(0.7, 1.3, count), 2)
    sigma_deg = np.where(modality == CAMERA, CAMERA_BEARING_DEG, sigma_deg)
    bias_deg = sheet.bearing_bias_deg * chance.normal(0.0, 1.0, count)
    bias_deg = np.where(modality == CAMERA, 0.2 * bias_deg, bias_deg)
    return np.where(is_array | (modality == CAMERA), sigma_deg, np.nan), bias_deg


def _rates(parameters: NetworkParameters, modality: Ints, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw true clutter rates, and what each station's history tells of it, which is nothing for some."""
    clutter, count = parameters.clutter, modality.size
    spread = 10.0 ** (clutter.clutter_spread_db * chance.normal(0.0, 1.0, count) / 10.0)
    rate_hz = clutter.clutter_rate_hz * spread * np.where(modality == CAMERA, CAMERA_RATE_RATIO, 1.0)
    told_hz = np.maximum(rate_hz * 10.0 ** (RATE_ERROR_DB * chance.normal(0.0, 1.0, count) / 10.0), 1e-6)
    known = chance.random(count) < parameters.stations.rate_known_share
    return rate_hz, np.where(known, np.round(told_hz, 7), np.nan)


def _cluster(places: Places, candidates: Ints, count: int, chance: np.random.Generator) -> Ints:
    """Choose one of some stations and those of them nearest to it, so many in all, in order of index."""
    if candidates.size == 0:
        return np.zeros(0, dtype=np.int64)
    first = int(chance.choice(candidates))
    gap_m = np.hypot(
        places.along_m[candidates] - places.along_m[first], places.across_m[candidates] - places.across_m[first]
    )
    return np.sort(candidates[np.argsort(gap_m, kind="stable")[:count]])


def _clocks(parameters: NetworkParameters, places: Places, chance: np.random.Generator) -> Clocks:
    """Draw clocks that are off, drift, jump once, or are all moved at one moment by a false satellite signal."""
    faults, length_s, count = parameters.faults, parameters.length_s, places.along_m.size
    lots = chance.random((3, count))
    sizes = chance.normal(0.0, 1.0, (3, count))
    jump_time_s = chance.uniform(0.1, 0.9, count) * length_s
    moment_s = float(chance.uniform(0.35, 0.65) * length_s)
    step_s = faults.gps_step_s * (1.0 if chance.random() < 0.5 else -1.0)
    moved = np.zeros(count)
    moved[_cluster(places, np.arange(count), faults.gps_step_station_count, chance)] = step_s
    drift_ratio = faults.clock_drift_ms_per_minutes / 60e3
    return Clocks(
        offset_s=np.where(lots[0] < faults.clock_offset_share, faults.clock_offset_s * sizes[0], 0.0),
        drift_ratio=np.where(lots[1] < faults.clock_drift_share, drift_ratio * sizes[1], 0.0),
        jump_time_s=jump_time_s,
        jump_s=np.where(lots[2] < faults.clock_jump_share, faults.clock_jump_s * np.sign(sizes[2]), 0.0),
        gps_time_s=moment_s,
        gps_step_s=moved,
    )


def _outages(parameters: NetworkParameters, places: Places, chance: np.random.Generator) -> Outages:
    """Draw outages of single stations, and of whole stretches whose link is cut."""
    faults, length_s, count = parameters.faults, parameters.length_s, places.along_m.size
    single, region = chance.spawn(2)
    alone = np.flatnonzero(single.random(count) < faults.outage_share)
    start_s = single.uniform(-OUTAGE_MEAN_SHARE, 1.0, alone.size) * length_s
    end_s = start_s + single.exponential(OUTAGE_MEAN_SHARE * length_s, alone.size)
    index, starts, ends = [alone], [start_s], [end_s]
    half_m = 0.5e3 * parameters.ground.line_length_km
    for _ in range(faults.region_outage_count):
        middle_m, from_s = region.uniform(-half_m, half_m), region.uniform(0.0, 0.8) * length_s
        until_s = from_s + region.uniform(0.5, 1.5) * OUTAGE_MEAN_SHARE * length_s
        cut = np.flatnonzero(np.abs(places.along_m - middle_m) < 0.5e3 * faults.region_outage_width_km)
        index.append(cut)
        starts.append(np.full(cut.size, from_s))
        ends.append(np.full(cut.size, until_s))
    return Outages(station_index=np.concatenate(index), start_s=np.concatenate(starts), end_s=np.concatenate(ends))
