"""A seeded synthetic sensor network with ground truth: stations, detections, and what truly happened, as Arrow tables.

`build_network_theatre` draws it; `truceline.testing.network_files` writes it. Everything follows from the parameters
and their seed; parts draw from generators of their own, so that the guns fire alike whichever adversity is taken away.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import shapely

from truceline.model.network import DETECTION_SCHEMA, INSTANT, STATION_SCHEMA
from truceline.testing.network_air import Floats, WindForecast, draw_air, draw_field, draw_hills
from truceline.testing.network_clutter import clutter, replayed, spoofed
from truceline.testing.network_ground import Bools, ContactLine, Frame, Ints, draw_line, station_places, theatre_box
from truceline.testing.network_parameters import EVENT_TYPES, NetworkParameters
from truceline.testing.network_records import (
    CAUSES,
    DEFINING_CAUSES,
    ECHO,
    NO_EVENT_INDEX,
    PHASES,
    Records,
    Setting,
    after_dead_time,
    joined_records,
)
from truceline.testing.network_sensors import felt, heard, seen, with_echoes
from truceline.testing.network_stations import MODALITIES, Stations, draw_stations
from truceline.testing.network_truth import NOBODY_INDEX, Events, Happenings, draw_happenings

TIME_STEP_S = 1.0e-6
"""To what a detector's time is rounded."""
DELIVERY_SPREAD_RATIO = 0.5
GEOLOGY_WIDTH_M = 25_000.0
NOISE_WIDTH_M, NOISE_WIDTH_S = 8_000.0, 300.0

TRUTH_EVENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("time", INSTANT, nullable=False),
        pa.field("longitude_deg", pa.float64(), nullable=False),
        pa.field("latitude_deg", pa.float64(), nullable=False),
        pa.field("party", pa.string()),
        pa.field("mission_id", pa.string()),
        pa.field("pair_id", pa.string()),
        pa.field("detected_count", pa.int32(), nullable=False),
        pa.field("echo_count", pa.int32(), nullable=False),
        pa.field("station_count", pa.int32(), nullable=False),
        pa.field("is_point", pa.bool_(), nullable=False),
        pa.field("end_time", INSTANT, nullable=False),
        pa.field("end_longitude_deg", pa.float64(), nullable=False),
        pa.field("end_latitude_deg", pa.float64(), nullable=False),
    ]
)
"""One row per true event. `party` is null where no party did it; a launch and its impact share `pair_id`, rounds of one
mission `mission_id`. `detected_count` leaves echoes out; `station_count` counts the stations that recorded it. What
moves or has no one place (drone, thunder) is no point."""

TRUTH_DETECTION_SCHEMA = pa.schema(
    [
        pa.field("detection_id", pa.string(), nullable=False),
        pa.field("event_id", pa.string()),
        pa.field("cause", pa.string(), nullable=False),
    ]
)
"""One row per detection; `event_id` is null where nothing happened. `cause` is one of `CAUSES`."""

TRUTH_STATION_SCHEMA = pa.schema(
    [
        pa.field("station_id", pa.string(), nullable=False),
        pa.field("timing_sigma_s", pa.float64(), nullable=False),
        pa.field("clutter_rate_hz", pa.float64(), nullable=False),
        pa.field("bearing_bias_deg", pa.float64()),
        pa.field("clock_fault", pa.string(), nullable=False),
        pa.field("clock_error_start_s", pa.float64(), nullable=False),
        pa.field("clock_error_end_s", pa.float64(), nullable=False),
        pa.field("reports_invented", pa.bool_(), nullable=False),
        pa.field("replays", pa.bool_(), nullable=False),
        pa.field("silent_share", pa.float64(), nullable=False),
    ]
)
"""One row per station: what its sheet does not say. `silent_share` is the part of the theatre it was silent in."""


class NetworkTheatre(msgspec.Struct, frozen=True, kw_only=True):
    """A whole theatre as tables; all times are UTC, all places WGS 84.

    `stations` follows STATION_SCHEMA, `detections` DETECTION_SCHEMA (in order of time, then station). `line` is as
    drawn on the map, `true_line` as it is; `wind_forecast` is (east, north) in metres per second, one for all of it.
    """

    parameters: NetworkParameters
    stations: pa.Table
    detections: pa.Table
    truth_events: pa.Table
    truth_detections: pa.Table
    truth_stations: pa.Table
    line: shapely.LineString
    true_line: shapely.LineString
    wind_forecast: WindForecast
    setting: Setting
    happenings: Happenings


def build_network_theatre(parameters: NetworkParameters, *, seed: int | None = None) -> NetworkTheatre:
    """Draw a whole theatre; nothing but the parameters and the seed (theirs, where none is given) goes in."""
    if seed is not None:
        parameters = msgspec.structs.replace(parameters, seed=seed)
    chance = np.random.default_rng(parameters.seed)
    ground_chance, truth_chance, sensor_chance, telling_chance = chance.spawn(4)
    setting = _setting(parameters, ground_chance)
    happenings = draw_happenings(parameters, setting.line, truth_chance)
    records = _recorded(setting, happenings, sensor_chance)
    order, recorded_s = _in_recorded_order(setting, records)
    records, recorded_s = records.taken(order), recorded_s[order]
    event_ids = _ids("E", happenings.events.time_s.size)
    detection_ids = _ids("D", records.time_s.size)
    return NetworkTheatre(
        parameters=parameters,
        stations=_station_table(setting),
        detections=_detection_table(setting, records, recorded_s, telling_chance),
        truth_events=_truth_event_table(setting, happenings.events, records, event_ids),
        truth_detections=_truth_detection_table(records, event_ids, detection_ids),
        truth_stations=_truth_station_table(setting),
        line=setting.line.as_degrees(setting.frame, drawn=True),
        true_line=setting.line.as_degrees(setting.frame, drawn=False),
        wind_forecast=setting.air.forecast_wind,
        setting=setting,
        happenings=happenings,
    )


def _setting(parameters: NetworkParameters, chance: np.random.Generator) -> Setting:
    line_chance, place, air, hills, noise, geology, station = chance.spawn(7)
    ground, box = parameters.ground, theatre_box(parameters)
    frame = Frame(
        middle_longitude_deg=ground.middle_longitude_deg,
        middle_latitude_deg=ground.middle_latitude_deg,
        line_bearing_deg=ground.line_bearing_deg,
    )
    line: ContactLine = draw_line(ground, line_chance)
    places = station_places(parameters, line, frame, chance=place)
    return Setting(
        parameters=parameters,
        frame=frame,
        line=line,
        air=draw_air(parameters, box, air),
        hills=draw_hills(parameters, box, hills),
        noise=draw_field(noise, box, width_m=NOISE_WIDTH_M, width_s=NOISE_WIDTH_S),
        geology=draw_field(geology, box._replace(time_s=(0.0, 0.0)), width_m=GEOLOGY_WIDTH_M, width_s=1.0),
        stations=draw_stations(parameters, places, station),
    )


def _recorded(setting: Setting, happenings: Happenings, chance: np.random.Generator) -> Records:
    """Give all records: noticed, echoed, cluttered, silenced, and what people put in, which no silence stops."""
    sound, echo, ground, light, nothing, false, again = chance.spawn(7)
    parts = [
        with_echoes(setting, heard(setting, happenings, sound), echo),
        felt(setting, happenings, ground),
        seen(setting, happenings, light),
        clutter(setting, nothing),
    ]
    records = joined_records(parts)
    silent = setting.stations.outages.silent(records.station_index, records.time_s)
    records = records.taken(~silent)
    records = records.taken(after_dead_time(records, setting.stations.dead_time_s))
    records = joined_records([records, spoofed(setting, false), replayed(setting, records, again)])
    inside = (records.time_s >= 0.0) & (records.time_s < setting.parameters.length_s)
    return records.taken(inside)


def _in_recorded_order(setting: Setting, records: Records) -> tuple[Ints, Floats]:
    """Give what the stations' clocks said, rounded, and the order by it, then by station, then by cause."""
    error_s = setting.stations.clocks.error_s(records.station_index, records.time_s)
    recorded_s = np.round((records.time_s + error_s) / TIME_STEP_S) * TIME_STEP_S
    order = np.lexsort((records.event_index, records.cause_index, records.station_index, recorded_s))
    return order, recorded_s


def _ids(letter: str, size: int) -> list[str]:
    return [f"{letter}{index:08d}" for index in range(1, size + 1)]


def _station_ids(stations: Stations) -> list[str]:
    return [f"N{index:05d}" for index in range(1, stations.station_count + 1)]


def _instants(parameters: NetworkParameters, time_s: Floats) -> pa.Array:
    """Turn seconds after the theatre's start into instants; exact to the microsecond."""
    start_us = round((parameters.start_time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)
    return pa.array((start_us + np.rint(time_s * 1e6).astype(np.int64)) * 1_000).cast(INSTANT)


def _given(column: Floats) -> pa.Array:
    """Turn a column into an Arrow array in which nan is null."""
    return pa.array(column, mask=np.isnan(column))


def _picked(labels: tuple[str, ...] | list[str], index: Ints) -> pl.Series:
    """Give the label at each index; a negative index gives null."""
    table = pl.Series([*labels, None], dtype=pl.String)
    return table.gather(np.where(index < 0, len(labels), index))


def _station_table(setting: Setting) -> pa.Table:
    stations = setting.stations
    operators = [f"operator {index + 1}" for index in range(int(stations.operator_index.max(initial=0)) + 1)]
    return pa.table(
        {
            "station_id": pa.array(_station_ids(stations)),
            "longitude_deg": stations.places.longitude_deg,
            "latitude_deg": stations.places.latitude_deg,
            "modality": _picked(MODALITIES, stations.modality_index).to_arrow().cast(pa.string()),
            "timing_sigma_s": stations.stated_sigma_s,
            "bearing_sigma_deg": _given(stations.bearing_sigma_deg),
            "dead_time_s": stations.dead_time_s,
            "clutter_rate_hz": _given(stations.stated_rate_hz),
            "operator": _picked(operators, stations.operator_index).to_arrow().cast(pa.string()),
        },
        schema=STATION_SCHEMA,
    )


def _detection_table(setting: Setting, records: Records, recorded_s: Floats, chance: np.random.Generator) -> pa.Table:
    """Give what is received: the clock's time, when it came, and what the detector says of it."""
    stations, faults, size = setting.stations, setting.parameters.faults, records.time_s.size
    station = records.station_index
    latency_s = faults.delivery_median_s * np.exp(DELIVERY_SPREAD_RATIO * chance.normal(0.0, 1.0, size))
    late = chance.random(size) < faults.late_share
    latency_s = latency_s + np.where(late, faults.late_s * chance.exponential(1.0, size), 0.0)
    sigma_s = stations.stated_sigma_s[station] * records.weak_ratio
    told_pa: Floats = np.where(stations.states_amplitude[station], records.amplitude_pa, np.nan)
    bearing_deg: Floats = np.round(records.bearing_deg, 2) % 360.0
    sigma_deg: Floats = np.where(np.isnan(bearing_deg), np.nan, stations.bearing_sigma_deg[station])
    return pa.table(
        {
            "detection_id": pa.array(_ids("D", size), pa.string()),
            "station_id": _picked(_station_ids(stations), station).to_arrow().cast(pa.string()),
            "time": _instants(setting.parameters, recorded_s),
            "received_time": _instants(setting.parameters, records.time_s + latency_s),
            "timing_sigma_s": _given(np.where(stations.states_sigma[station], np.round(sigma_s, 4), np.nan)),
            "bearing_deg": _given(bearing_deg),
            "bearing_sigma_deg": _given(sigma_deg),
            "amplitude_pa": _given(np.round(told_pa, 5)),
            "phase": _picked(PHASES, records.phase_index).to_arrow().cast(pa.string()),
        },
        schema=DETECTION_SCHEMA,
    )


def _truth_event_table(setting: Setting, events: Events, records: Records, event_ids: list[str]) -> pa.Table:
    parameters, frame, size = setting.parameters, setting.frame, events.time_s.size
    real = records.event_index != NO_EVENT_INDEX
    defining = real & np.isin(records.cause_index, DEFINING_CAUSES)
    echo = real & (records.cause_index == ECHO)
    pairs = np.unique(np.stack([records.event_index[real], records.station_index[real]]), axis=1)
    longitude_deg, latitude_deg = frame.to_degrees(events.along_m, events.across_m)
    end_longitude_deg, end_latitude_deg = frame.to_degrees(events.end_along_m, events.end_across_m)
    types = np.array(EVENT_TYPES)[events.type_index]
    names = parameters.role_names
    return pa.table(
        {
            "event_id": pa.array(event_ids, pa.string()),
            "event_type": _picked(EVENT_TYPES, events.type_index).to_arrow().cast(pa.string()),
            "time": _instants(parameters, events.time_s),
            "longitude_deg": longitude_deg,
            "latitude_deg": latitude_deg,
            "party": _picked(names, events.role).to_arrow().cast(pa.string()),
            "mission_id": pa.array(_numbered("M", events.mission_index), pa.string()),
            "pair_id": pa.array(_numbered("R", events.pair_index), pa.string()),
            "detected_count": _counts(records.event_index[defining], size),
            "echo_count": _counts(records.event_index[echo], size),
            "station_count": _counts(pairs[0], size),
            "is_point": ~np.isin(types, ["drone", "thunder"]),
            "end_time": _instants(parameters, events.end_s),
            "end_longitude_deg": end_longitude_deg,
            "end_latitude_deg": end_latitude_deg,
        },
        schema=TRUTH_EVENT_SCHEMA,
    )


def _counts(event_index: Ints, size: int) -> pa.Array:
    return pa.array(np.bincount(event_index, minlength=size)[:size].astype(np.int32))


def _numbered(letter: str, index: Ints) -> list[str | None]:
    return [None if number == NOBODY_INDEX else f"{letter}{number + 1:06d}" for number in index.tolist()]


def _truth_detection_table(records: Records, event_ids: list[str], detection_ids: list[str]) -> pa.Table:
    return pa.table(
        {
            "detection_id": pa.array(detection_ids, pa.string()),
            "event_id": _picked(event_ids, records.event_index).to_arrow().cast(pa.string()),
            "cause": _picked(CAUSES, records.cause_index).to_arrow().cast(pa.string()),
        },
        schema=TRUTH_DETECTION_SCHEMA,
    )


def _truth_station_table(setting: Setting) -> pa.Table:
    stations, length_s = setting.stations, setting.parameters.length_s
    everyone = np.arange(stations.station_count)
    return pa.table(
        {
            "station_id": pa.array(_station_ids(stations)),
            "timing_sigma_s": stations.true_sigma_s,
            "clutter_rate_hz": stations.clutter_rate_hz,
            "bearing_bias_deg": _given(
                np.where(np.isnan(stations.bearing_sigma_deg), np.nan, stations.bearing_bias_deg)
            ),
            "clock_fault": pa.array(stations.clocks.faults()),
            "clock_error_start_s": stations.clocks.error_s(everyone, np.zeros(everyone.size)),
            "clock_error_end_s": stations.clocks.error_s(everyone, np.full(everyone.size, length_s)),
            "reports_invented": _among(stations.false_ring, everyone),
            "replays": _among(stations.replaying, everyone),
            "silent_share": _silent_share(stations, length_s),
        },
        schema=TRUTH_STATION_SCHEMA,
    )


def _among(some: Ints, everyone: Ints) -> Bools:
    return np.isin(everyone, some)


def _silent_share(stations: Stations, length_s: float) -> Floats:
    """Give the part of the theatre in which each station was silent, asked a thousand times."""
    asked_s = (np.arange(1_000, dtype=np.float64) + 0.5) / 1_000.0 * length_s
    share = np.zeros(stations.station_count)
    for station in np.unique(stations.outages.station_index):
        rows = np.full(asked_s.size, station)
        share[station] = stations.outages.silent(rows, asked_s).mean()
    return share
