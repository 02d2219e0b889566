"""A network of stations and what is made of its detections, as columns: for volumes that no list of records holds."""

from __future__ import annotations

import pyarrow as pa

INSTANT = pa.timestamp("ns", tz="UTC")

STATION_SCHEMA = pa.schema(
    [
        pa.field("station_id", pa.string(), nullable=False),
        pa.field("longitude_deg", pa.float64(), nullable=False),
        pa.field("latitude_deg", pa.float64(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("timing_sigma_s", pa.float64(), nullable=False),
        pa.field("bearing_sigma_deg", pa.float64()),
        pa.field("dead_time_s", pa.float64(), nullable=False),
        pa.field("clutter_rate_hz", pa.float64()),
        pa.field("operator", pa.string()),
    ]
)
"""One row per station. `modality` names a file of `truceline.associate.modalities`; `bearing_sigma_deg` is null where a
station gives no bearing, `clutter_rate_hz` where its history is not known."""

DETECTION_SCHEMA = pa.schema(
    [
        pa.field("detection_id", pa.string(), nullable=False),
        pa.field("station_id", pa.string(), nullable=False),
        pa.field("time", INSTANT, nullable=False),
        pa.field("received_time", INSTANT, nullable=False),
        pa.field("timing_sigma_s", pa.float64()),
        pa.field("bearing_deg", pa.float64()),
        pa.field("bearing_sigma_deg", pa.float64()),
        pa.field("amplitude_pa", pa.float64()),
        pa.field("phase", pa.string()),
    ]
)
"""One row per detection: the onset's time at the station, when it was received, and what else the detector says. Null
where it says nothing: then the station's own sigma holds, and the phase is unlabelled."""

SOLUTION_EVENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("revision_index", pa.int32(), nullable=False),
        pa.field("level", pa.string(), nullable=False),
        pa.field("evaluation_status", pa.string(), nullable=False),
        pa.field("issued_time", INSTANT, nullable=False),
        pa.field("origin_time", INSTANT, nullable=False),
        pa.field("longitude_deg", pa.float64(), nullable=False),
        pa.field("latitude_deg", pa.float64(), nullable=False),
        pa.field("covariance_east_m2", pa.float64(), nullable=False),
        pa.field("covariance_east_north_m2", pa.float64(), nullable=False),
        pa.field("covariance_north_m2", pa.float64(), nullable=False),
        pa.field("region_tail_ratio", pa.float64(), nullable=False),
        pa.field("time_sigma_s", pa.float64(), nullable=False),
        pa.field("log_odds_ratio", pa.float64(), nullable=False),
        pa.field("event_probability", pa.float64(), nullable=False),
        pa.field("detection_range_m", pa.float64(), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("event_type_probability", pa.float64(), nullable=False),
        pa.field("defining_count", pa.int32(), nullable=False),
        pa.field("alternative_longitude_deg", pa.float64()),
        pa.field("alternative_latitude_deg", pa.float64()),
        pa.field("alternative_probability", pa.float64()),
        pa.field("tile_id", pa.string(), nullable=False),
        pa.field("grid_id", pa.string(), nullable=False),
    ]
)
"""One row per revision of an event. `issued_time` is the time of receipt up to which detections were used: when the
revision came out, if nothing waits. `level` is early, hour or six_hour; covariances are of east and north in metres
squared, the normal's with the same 90 % region, and `region_tail_ratio` says how much heavier the tail of errors is
than the normal's, from 0 to 1 (`truceline.physics.region`). `log_odds_ratio` is the natural logarithm of the odds that
there was an event. `alternative_*` are null unless a second place explains the same detections about as well."""

SOLUTION_MEMBER_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("revision_index", pa.int32(), nullable=False),
        pa.field("detection_id", pa.string(), nullable=False),
        pa.field("member_probability", pa.float64(), nullable=False),
        pa.field("time_residual_s", pa.float64(), nullable=False),
    ]
)
"""One row per detection that may belong to a revision of an event, with the probability that it does."""
