"""What detectors at stations claim: that a signal was present, when, from where, how strong; one row is one detection.

Columns: `station_id`, `station_lat`, `station_lon` (or `station_latitude_deg`, `station_longitude_deg`), `time_utc`,
`bearing_deg`, `bearing_sigma_deg`, `amplitude_pa`; optional `detection_id`. Bearing (degrees from north, to the source)
and amplitude (pascal) may be empty. A detection has no position of its own, only its station's.
"""

from __future__ import annotations

import pyarrow as pa

from truceline.model.source import SourceManifest
from truceline.observe.parsing import (
    coordinate_columns,
    fault_where,
    number_column,
    required_text,
    text_column,
    utc_column,
)
from truceline.observe.tables import DecodeContext, Decoded, Decoder, ReadRows, frame_from_raw, one_each, sort_rows

ALIASES = {"station_latitude_deg": "station_lat", "station_longitude_deg": "station_lon"}
"""Other names of columns."""

COLUMNS = frozenset({"station_id", "station_lat", "station_lon", "time_utc", "bearing_deg"})
"""Columns every file of detections must have."""

AMPLITUDE_MAX_PA = 1.0e6
"""Above this an amplitude is a fault of the file (ten times the air's own pressure)."""

MANIFEST = SourceManifest(
    source_id="detections",
    title="Acoustic and infrasound detections",
    kind="detection",
    observes="that a signal stood out of a station's noise",
    procedure="array processing at the station; time is the onset there, not at the source",
    operator="the station's owner",
    influenced_by_parties=(),
    licence="the owner's",
    position_sigma_m=1.0e6,
    latency_hours=1.0,
)
"""What the feed is; a detection alone says nothing of where its source lies, but for a bearing."""


def recognises(columns: frozenset[str]) -> bool:
    """Say whether these are the columns of a file of detections."""
    return frozenset(ALIASES.get(name, name) for name in columns) >= COLUMNS


def decode(raw: pa.Table, context: DecodeContext) -> Decoded:
    """Turn rows of a file of detections into observations, or say why not."""
    frame = frame_from_raw(raw)
    frame = frame.rename({name: meant for name, meant in ALIASES.items() if name in frame.columns})
    name, own_name = required_text(frame, "station_id"), text_column(frame, "detection_id")
    latitude, longitude = coordinate_columns(frame, "station_lat", "station_lon")
    time = utc_column(frame, "time_utc")
    bearing = number_column(frame, "bearing_deg", low=0.0, high=360.0)
    sigma = number_column(frame, "bearing_sigma_deg", low=0.0, high=180.0)
    amplitude = number_column(frame, "amplitude_pa", low=0.0, high=AMPLITUDE_MAX_PA)
    unsure = bearing.values.is_not_null() & sigma.values.is_null()
    columns = {
        "phenomenon_start": time.values,
        "phenomenon_end": time.values,
        "result_time": time.values,
        "station_id": name.values,
        "observer_latitude_deg": latitude.values,
        "observer_longitude_deg": longitude.values,
        "bearing_deg": bearing.values,
        "bearing_sigma_deg": sigma.values,
        "amplitude_pa": amplitude.values,
        **one_each(frame.height),
    }
    parsed = (name, latitude, longitude, time, bearing, sigma, amplitude)
    no_sigma = fault_where(unsure, "bearing_deg", bearing.values, says="has no bearing_sigma_deg: how sure is it?")
    return sort_rows(
        raw,
        context,
        ReadRows(
            kind=MANIFEST.kind,
            columns=columns,
            identity=[own_name, *(entry.values for entry in parsed)],
            faults=[*(entry.faults for entry in parsed), no_sigma],
        ),
    )


DECODER = Decoder(manifest=MANIFEST, forms={"detections": COLUMNS}, recognises=recognises, decode=decode)
"""The way in for detections."""
