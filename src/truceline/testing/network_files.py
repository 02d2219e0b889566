"""The files of a synthetic sensor network: feeds, ground truth and a readme; every one says SYNTHETIC."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from truceline.testing.network_air import Floats
from truceline.testing.network_ground import Places
from truceline.testing.network_observers import Feed, patrol_feed, post_places, thermal_feed
from truceline.testing.network_parameters import NetworkParameters
from truceline.testing.network_theatre import NetworkTheatre

FEEDS_FOLDER = "feeds"
TRUTH_EVENTS_FILE = "ground_truth_events.parquet"
TRUTH_DETECTIONS_FILE = "ground_truth_detections.parquet"
TRUTH_STATIONS_FILE = "ground_truth_stations.parquet"
TRUTH_CAUSES_FILE = "ground_truth_causes.csv"
README_FILE = "README.txt"
OBSERVER_STREAM_INDEX = 9
"""Keeps what people and satellites make of it apart from what the sensors drew."""
HELD_DEPTH_M = 40_000.0
"""How deep behind the line the map draws the second party's ground."""


def mark(parameters: NetworkParameters) -> str:
    """Give the sentence that every file of a synthetic network carries."""
    return f"SYNTHETIC scenario {parameters.scenario_id}, seed {parameters.seed}: no real place, party or event"


def network_files(theatre: NetworkTheatre) -> dict[str, bytes]:
    """Give every file's content by its path; the same theatre gives the same bytes."""
    parameters = theatre.parameters
    chance = np.random.default_rng([parameters.seed, OBSERVER_STREAM_INDEX])
    post_chance, patrols, pixels = chance.spawn(3)
    posts = post_places(theatre.setting, post_chance)
    heard = patrol_feed(theatre.setting, theatre.happenings, patrols, posts=posts)
    seen = thermal_feed(theatre.setting, theatre.happenings, pixels)
    feeds = {
        "stations.parquet": _parquet(parameters, theatre.stations),
        "detections.parquet": _parquet(parameters, theatre.detections),
        "lines.parquet": _lines(theatre),
        "wind_forecast.csv": _wind(theatre),
    }
    observed = {"patrols.csv": heard}
    if parameters.observers.post_count:
        feeds["patrols.csv"] = _patrols(theatre, heard, posts)
    if seen.rows.height:
        observed["firms_viirs.csv"] = seen
        feeds["firms_viirs.csv"] = _thermal(theatre, seen)
    if parameters.detections_as_csv:
        feeds["detections.csv"] = _detections(theatre)
    files = {f"{FEEDS_FOLDER}/{name}": content for name, content in feeds.items()}
    return files | {
        TRUTH_EVENTS_FILE: _parquet(parameters, theatre.truth_events),
        TRUTH_DETECTIONS_FILE: _parquet(parameters, theatre.truth_detections),
        TRUTH_STATIONS_FILE: _parquet(parameters, theatre.truth_stations),
        TRUTH_CAUSES_FILE: _causes(theatre, observed),
        README_FILE: _readme(theatre),
    }


def _parquet(parameters: NetworkParameters, table: pa.Table) -> bytes:
    marked = table.replace_schema_metadata({"synthetic": "true", "title": mark(parameters)})
    sink = io.BytesIO()
    pq.write_table(marked, sink, compression="zstd")
    return sink.getvalue()


def _csv(parameters: NetworkParameters, frame: pl.DataFrame) -> bytes:
    return f"# {mark(parameters)}\n".encode() + frame.write_csv(line_terminator="\n").encode()


def _moments(parameters: NetworkParameters, time_s: Floats) -> pl.Series:
    start = parameters.start_time.replace(tzinfo=None)
    past_ms = np.rint(np.asarray(time_s) * 1e3).astype(np.int64)
    return pl.Series(past_ms + round((start - datetime(1970, 1, 1)).total_seconds() * 1e3)).cast(  # noqa: DTZ001
        pl.Datetime("ms")
    )


def _iso(parameters: NetworkParameters, time_s: Floats) -> pl.Series:
    return _moments(parameters, time_s).dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def _lines(theatre: NetworkTheatre) -> bytes:
    """Write the drawn line with the ground the second party holds, for every local day that the theatre touches."""
    parameters, setting = theatre.parameters, theatre.setting
    after = timedelta(hours=parameters.local_after_utc_hours)
    first = (parameters.start_time + after).date()
    last = (parameters.start_time + after + timedelta(seconds=parameters.length_s)).date()
    days = [first + timedelta(days=index) for index in range((last - first).days + 1)]
    edge_deg = np.stack(
        setting.frame.to_degrees(setting.line.grid_m, np.full(setting.line.grid_m.size, HELD_DEPTH_M)), axis=1
    )
    course_deg = shapely.get_coordinates(theatre.line)
    held = shapely.Polygon(np.concatenate([course_deg, edge_deg[::-1]]))
    table = pa.table(
        {
            "date": pa.array(days, pa.date32()),
            "held_by": pa.array([parameters.role_names[1]] * len(days), pa.string()),
            "held_wkb": pa.array([shapely.to_wkb(held)] * len(days), pa.binary()),
            "line_wkb": pa.array([shapely.to_wkb(theatre.line)] * len(days), pa.binary()),
        }
    )
    return _parquet(parameters, table)


def _wind(theatre: NetworkTheatre) -> bytes:
    parameters = theatre.parameters
    span_s = np.array([0.0, parameters.length_s])
    start, end = _iso(parameters, span_s).to_list()
    east, north = theatre.wind_forecast
    frame = pl.DataFrame(
        {
            "start_utc": [start],
            "end_utc": [end],
            "east_m_per_s": [round(east, 3)],
            "north_m_per_s": [round(north, 3)],
            "temperature_c": [parameters.air.temperature_c],
        }
    )
    return _csv(parameters, frame)


def _patrols(theatre: NetworkTheatre, feed: Feed, posts: Places) -> bytes:
    """Write what patrols wrote down, with the posts' places as their receivers have them (to about a metre)."""
    parameters, rows = theatre.parameters, feed.rows
    post = rows["post_index"].to_numpy()
    place = posts.taken(post)
    frame = pl.DataFrame(
        {
            "post": pl.Series([f"P{index + 1:03d}" for index in post.tolist()], dtype=pl.String),
            "start_utc": _iso(parameters, rows["start_s"].to_numpy()),
            "end_utc": _iso(parameters, rows["end_s"].to_numpy()),
            "observer_latitude_deg": np.round(place.latitude_deg, 5),
            "observer_longitude_deg": np.round(place.longitude_deg, 5),
            "bearing_deg": rows["bearing_deg"],
            "bearing_width_deg": np.full(rows.height, 22.5),
            "range_low_km": rows["range_low_km"],
            "range_high_km": rows["range_high_km"],
            "means": rows["means"],
            "count": rows["count"],
            "description": rows["description"],
            "weapon": pl.Series(["N/K"] * rows.height, dtype=pl.String),
        }
    )
    return _csv(parameters, frame)


def _thermal(theatre: NetworkTheatre, feed: Feed) -> bytes:
    """Write hot pixels with the official columns of the FIRMS archive."""
    parameters, rows = theatre.parameters, feed.rows
    longitude_deg, latitude_deg = theatre.setting.frame.to_degrees(
        rows["along_m"].to_numpy(), rows["across_m"].to_numpy()
    )
    moments, power_mw = _moments(parameters, rows["pass_s"].to_numpy()), rows["power_mw"].to_numpy()
    words = np.where(power_mw < 1.0, "l", np.where(power_mw > 15.0, "h", "n"))
    size = rows.height
    solar_hours = (moments.dt.hour().to_numpy() + parameters.ground.middle_longitude_deg / 15.0) % 24.0
    by_day = (solar_hours > 6.0) & (solar_hours < 18.0)
    frame = pl.DataFrame(
        {
            "latitude": np.round(latitude_deg, 5),
            "longitude": np.round(longitude_deg, 5),
            "bright_ti4": np.round(np.minimum(305.0 + 18.0 * np.sqrt(power_mw), 367.0), 2),
            "scan": np.full(size, 0.42),
            "track": np.full(size, 0.38),
            "acq_date": moments.dt.strftime("%Y-%m-%d"),
            "acq_time": moments.dt.strftime("%H%M"),
            "satellite": pl.Series(["N20"] * size, dtype=pl.String),
            "instrument": pl.Series(["VIIRS"] * size, dtype=pl.String),
            "confidence": pl.Series(words, dtype=pl.String),
            "version": pl.Series(["2.0NRT"] * size, dtype=pl.String),
            "bright_ti5": np.round(285.0 + 4.0 * np.sqrt(power_mw), 2),
            "frp": power_mw,
            "daynight": pl.Series(np.where(by_day, "D", "N"), dtype=pl.String),
        }
    )
    return _csv(parameters, frame)


def _detections(theatre: NetworkTheatre) -> bytes:
    """Write the detections in the columns that the decoder of detector bulletins reads, to the microsecond."""
    stations = pl.from_arrow(theatre.stations)
    detections = pl.from_arrow(theatre.detections)
    assert isinstance(stations, pl.DataFrame)
    assert isinstance(detections, pl.DataFrame)
    placed = detections.join(
        stations.select("station_id", "longitude_deg", "latitude_deg"), on="station_id", how="left"
    )
    frame = placed.sort("detection_id").select(
        "detection_id",
        "station_id",
        pl.col("latitude_deg").alias("station_latitude_deg"),
        pl.col("longitude_deg").alias("station_longitude_deg"),
        pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias("time_utc"),
        "bearing_deg",
        "bearing_sigma_deg",
        "amplitude_pa",
    )
    return _csv(theatre.parameters, frame)


def _causes(theatre: NetworkTheatre, observed: dict[str, Feed]) -> bytes:
    """Write the true events behind every row of the feeds of people and satellites; one row for each pair."""
    event_ids = pl.Series(theatre.truth_events["event_id"].to_pylist(), dtype=pl.String)
    frames = [
        feed.causes.select(
            pl.lit(name).alias("file_name"),
            pl.col("row_index").cast(pl.Int64),
            pl.Series("event_id", event_ids.gather(feed.causes["event_index"].to_numpy()), dtype=pl.String),
        )
        for name, feed in observed.items()
    ]
    return _csv(theatre.parameters, pl.concat(frames))


def _readme(theatre: NetworkTheatre) -> bytes:
    """Write what the folder holds, and what is known to be wrong with the stations."""
    parameters = theatre.parameters
    first, second = parameters.role_names
    end = parameters.start_time + timedelta(seconds=parameters.length_s)
    types = Counter(theatre.truth_events["event_type"].to_pylist())
    causes = Counter(theatre.truth_detections["cause"].to_pylist())
    faults = Counter(theatre.truth_stations["clock_fault"].to_pylist())
    lines = [
        mark(parameters),
        "",
        parameters.title,
        f"From {parameters.start_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} to {end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}.",
        f"Parties {first} (holds the ground to the right of the line's course) and {second} (to its left).",
        f"{theatre.stations.num_rows} stations, {theatre.detections.num_rows} detections.",
        "",
        "feeds/                           what is known: stations.parquet, detections.parquet (one row per detection),",
        "                                 lines.parquet (the drawn line), wind_forecast.csv, patrols.csv, and",
        "                                 firms_viirs.csv where a satellite passed and saw something",
        "ground_truth_events.parquet      every true event, whose, of which mission, paired launch with impact",
        "ground_truth_detections.parquet  the true event or else the cause behind every detection",
        "ground_truth_stations.parquet    what is wrong with each station",
        "ground_truth_causes.csv          the true events behind the rows of patrols.csv and firms_viirs.csv",
        "",
        "True events:",
        *(f"  {count:7d} {name}" for name, count in sorted(types.items())),
        "Detections by cause:",
        *(f"  {count:7d} {name}" for name, count in sorted(causes.items())),
        "Stations by fault of the clock:",
        *(f"  {count:7d} {name}" for name, count in sorted(faults.items())),
    ]
    return ("\n".join(lines) + "\n").encode()
