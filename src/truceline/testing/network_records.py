"""What stations of a synthetic network notice, as columns, before clocks and silence have had their part in it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from truceline.testing.network_air import Air, Floats, Hills, SmoothField
from truceline.testing.network_ground import Bools, ContactLine, Frame, Ints
from truceline.testing.network_parameters import NetworkParameters
from truceline.testing.network_stations import Stations

CAUSES = (
    "direct",
    "diffracted",
    "echo",
    "seismic_p",
    "seismic_rg",
    "light",
    "clutter",
    "clutter_burst",
    "gust",
    "spoofed",
    "replayed",
)
"""Why a detection was recorded; only the first six have a true event behind them."""
DIRECT, DIFFRACTED, ECHO, SEISMIC_P, SEISMIC_RG, LIGHT, CLUTTER, CLUTTER_BURST, GUST, SPOOFED, REPLAYED = range(11)
DEFINING_CAUSES = (DIRECT, DIFFRACTED, SEISMIC_P, SEISMIC_RG, LIGHT)
"""Causes that count as a detection of the event itself: an echo belongs to it and says nothing of when it was."""
PHASES = ("P", "Rg")
UNLABELLED_INDEX = -1
NO_EVENT_INDEX = -1


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """All in which things happen: the scenario, the ground, the air, the stations and their noise.

    `geology` says how far the seismic speeds of a place are from usual; both fields have mean 0 and variance 1.
    """

    parameters: NetworkParameters
    frame: Frame
    line: ContactLine
    air: Air
    hills: Hills
    noise: SmoothField
    geology: SmoothField
    stations: Stations


class Records(NamedTuple):
    """Detections as they come about, arrays of shape (n,); `nan` where the detector says nothing.

    `time_s` is the onset by a clock that is right, after the theatre's start; `weak_ratio` says how much less sure the
    onset is than that of a strong signal at the same station (1: just as sure).
    """

    station_index: Ints
    time_s: Floats
    event_index: Ints
    cause_index: Ints
    phase_index: Ints
    bearing_deg: Floats
    amplitude_pa: Floats
    weak_ratio: Floats

    def taken(self, index: Ints | Bools) -> Records:
        """Give some of them."""
        return Records._make(column[index] for column in self)


def records_of(station_index: Ints, time_s: Floats, cause_index: int | Ints, **given: Floats | Ints) -> Records:
    """Give records with all that is not given left out: no event, no phase, no bearing, no amplitude."""
    size = time_s.size
    nothing = np.full(size, np.nan)
    return Records(
        station_index=np.asarray(station_index, dtype=np.int64),
        time_s=time_s,
        event_index=np.asarray(given.get("event_index", np.full(size, NO_EVENT_INDEX)), dtype=np.int64),
        cause_index=np.broadcast_to(np.asarray(cause_index, dtype=np.int64), (size,)),
        phase_index=np.asarray(given.get("phase_index", np.full(size, UNLABELLED_INDEX)), dtype=np.int64),
        bearing_deg=np.asarray(given.get("bearing_deg", nothing), dtype=np.float64),
        amplitude_pa=np.asarray(given.get("amplitude_pa", nothing), dtype=np.float64),
        weak_ratio=np.asarray(given.get("weak_ratio", np.ones(size)), dtype=np.float64),
    )


def joined_records(parts: list[Records]) -> Records:
    """Put records together."""
    return Records._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def noise_db(setting: Setting, station_index: Ints, time_s: Floats) -> Floats:
    """Give the noise of stations at times, in dB re 1 Pa (the ground: re 1 um/s): wind and traffic change it."""
    places = setting.stations.places
    change = setting.noise.at(places.along_m[station_index], places.across_m[station_index], time_s)
    return np.asarray(setting.stations.noise_db[station_index] + setting.parameters.stations.noise_change_db * change)


def unit_noise(setting: Setting, count: int, chance: np.random.Generator) -> Floats:
    """Draw timing noise of variance 1: Student's t, or Gaussian where its degrees of freedom are 0."""
    degrees_count = setting.parameters.stations.timing_tail_count
    if degrees_count == 0:
        return chance.normal(0.0, 1.0, count)
    degrees_count = max(degrees_count, 3)
    return np.asarray(chance.standard_t(degrees_count, count) * np.sqrt((degrees_count - 2) / degrees_count))


def weakness_ratio(setting: Setting, above_db: Floats) -> Floats:
    """Give how much less sure the onset of a signal so far above the threshold is: sqrt(1 + (k / SNR ratio)^2)."""
    weak = setting.parameters.stations.timing_weak_ratio * 10.0 ** (-np.maximum(above_db, 0.0) / 20.0)
    return np.asarray(np.sqrt(1.0 + weak**2))


def onset_noise_s(setting: Setting, station_index: Ints, above_db: Floats, *, chance: np.random.Generator) -> Floats:
    """Draw how far off the onset is picked: the station's own noise, and a late bias that weak signals have."""
    weak_ratio = weakness_ratio(setting, above_db)
    noise_s = setting.stations.true_sigma_s[station_index] * weak_ratio * unit_noise(setting, above_db.size, chance)
    late_s = setting.parameters.stations.onset_late_s * 10.0 ** (-np.maximum(above_db, 0.0) / 20.0)
    return np.asarray(noise_s + late_s * chance.exponential(1.0, above_db.size))


def bearings_of(setting: Setting, station_index: Ints, true_deg: Floats, *, chance: np.random.Generator) -> Floats:
    """Draw the bearings that arrays and cameras give: noise, the station's own turn, and outliers; nan for others."""
    stations, sheet = setting.stations, setting.parameters.stations
    error_deg = stations.bearing_sigma_deg[station_index] * chance.normal(0.0, 1.0, true_deg.size)
    told_deg = true_deg + error_deg + stations.bearing_bias_deg[station_index]
    lost = chance.random(true_deg.size) < sheet.bearing_outlier_probability
    anywhere_deg = chance.uniform(0.0, 360.0, true_deg.size)
    has_bearing = ~np.isnan(stations.bearing_sigma_deg[station_index])
    return np.where(has_bearing, np.where(lost, anywhere_deg, told_deg) % 360.0, np.nan)


def after_dead_time(records: Records, dead_time_s: Floats) -> Bools:
    """Say which records a detector makes that hears nothing for a while after each one it makes.

    Only a record that closely follows another at its station is in question; the others need no look. `dead_time_s` has
    shape (stations,); the answer has shape (records,).
    """
    order = np.lexsort((records.time_s, records.station_index))
    station, time_s = records.station_index[order], records.time_s[order]
    dead_s = dead_time_s[station]
    follows = np.zeros(order.size, dtype=np.bool_)
    follows[1:] = (station[1:] == station[:-1]) & (time_s[1:] - time_s[:-1] < dead_s[1:])
    kept = np.ones(order.size, dtype=np.bool_)
    last_s = 0.0
    for index in np.flatnonzero(follows).tolist():
        if not follows[index - 1]:
            last_s = float(time_s[index - 1])
        kept[index] = time_s[index] - last_s >= dead_s[index]
        if kept[index]:
            last_s = float(time_s[index])
    answer = np.empty(order.size, dtype=np.bool_)
    answer[order] = kept
    return answer
