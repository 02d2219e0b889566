"""What tests of synthetic sensor networks share: shipped theatres drawn once, and their tables side by side."""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyproj

from truceline.testing.network_files import network_files
from truceline.testing.network_parameters import ADVERSITIES, NetworkParameters, load_network, without_adversities
from truceline.testing.network_theatre import NetworkTheatre, build_network_theatre

NETWORK_NAMES = ["network_1200km", "network_300km", "network_tiny"]
GEOD = pyproj.Geod(ellps="WGS84")
GUN_TYPES = ("outgoing", "impact", "airburst")
Column = npt.NDArray[np.float64]


@cache
def theatre_of(name: str) -> NetworkTheatre:
    """Draw a shipped theatre once."""
    return build_network_theatre(load_network(name))


@cache
def files_of(name: str) -> dict[str, bytes]:
    """Write a shipped theatre once."""
    return network_files(theatre_of(name))


def frame_of(table: pa.Table) -> pl.DataFrame:
    """Give an Arrow table as a frame."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def detections_with_truth(theatre: NetworkTheatre) -> pl.DataFrame:
    """Give detections with their causes, stations and, where there is one, their event."""
    events = frame_of(theatre.truth_events).select(
        "event_id",
        "event_type",
        pl.col("time").alias("event_time"),
        pl.col("longitude_deg").alias("event_longitude_deg"),
        pl.col("latitude_deg").alias("event_latitude_deg"),
    )
    stations = frame_of(theatre.stations).select(
        "station_id",
        "longitude_deg",
        "latitude_deg",
        "modality",
        pl.col("timing_sigma_s").alias("sheet_sigma_s"),
        "dead_time_s",
    )
    detections = frame_of(theatre.detections).join(frame_of(theatre.truth_detections), on="detection_id")
    return detections.join(stations, on="station_id").join(events, on="event_id", how="left")


def sounds_of(theatre: NetworkTheatre) -> tuple[pl.DataFrame, Column, Column, Column]:
    """Give direct sounds of guns, their travel times, and east and north offsets by the geodesic's middle azimuth."""
    rows = detections_with_truth(theatre).filter((pl.col("cause") == "direct") & pl.col("event_type").is_in(GUN_TYPES))
    places = [rows[name].to_numpy() for name in ("event_longitude_deg", "event_latitude_deg")]
    places += [rows[name].to_numpy() for name in ("longitude_deg", "latitude_deg")]
    out_deg, back_deg, distance_m = GEOD.inv(*places)
    there_deg = np.asarray(back_deg) + 180.0
    middle_rad = np.arctan2(
        np.sin(np.deg2rad(out_deg)) + np.sin(np.deg2rad(there_deg)),
        np.cos(np.deg2rad(out_deg)) + np.cos(np.deg2rad(there_deg)),
    )
    travel_s = (rows["time"] - rows["event_time"]).dt.total_nanoseconds().to_numpy() / 1e9
    return rows, travel_s, distance_m * np.sin(middle_rad), distance_m * np.cos(middle_rad)


def still(parameters: NetworkParameters) -> NetworkParameters:
    """Give the theatre without any adversity."""
    return without_adversities(parameters, ADVERSITIES)


def part_changed(parameters: NetworkParameters, part: str, **numbers: object) -> NetworkParameters:
    """Give the theatre with some numbers of one of its parts changed."""
    return msgspec.structs.replace(parameters, **{part: msgspec.structs.replace(getattr(parameters, part), **numbers)})
