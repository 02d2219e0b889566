"""The columnar form of records, for volume: one Arrow schema per record, units in the column names."""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

OBSERVATION_SCHEMA = pa.schema(
    [
        pa.field("observation_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("file_sha256", pa.string(), nullable=False),
        pa.field("row_index", pa.int64(), nullable=False),
        pa.field("phenomenon_start", TIME, nullable=False),
        pa.field("phenomenon_end", TIME, nullable=False),
        pa.field("result_time", TIME, nullable=False),
        pa.field("latitude_deg", pa.float64()),
        pa.field("longitude_deg", pa.float64()),
        pa.field("position_sigma_m", pa.float64()),
        pa.field("low_count", pa.float64(), nullable=False),
        pa.field("high_count", pa.float64()),
        pa.field("count_is_approximate", pa.bool_(), nullable=False),
        pa.field("count_text", pa.string()),
        # thermal
        pa.field("satellite", pa.string()),
        pa.field("instrument", pa.string()),
        pa.field("brightness_k", pa.float64()),
        pa.field("radiative_power_mw", pa.float64()),
        pa.field("detector_class", pa.string()),
        pa.field("daytime", pa.bool_()),
        # media_report
        pa.field("place_name", pa.string()),
        pa.field("place_is_region", pa.bool_()),
        pa.field("kinetic", pa.bool_()),
        pa.field("energy_object", pa.bool_()),
        pa.field("named_party", pa.string()),
        pa.field("weapon_hints", pa.list_(pa.string())),
        # party_claim
        pa.field("claimant", pa.string()),
        pa.field("actor", pa.string()),
        pa.field("weapon_class", pa.string()),
        pa.field("weapon_model", pa.string()),
        pa.field("launched_count", pa.float64()),
        pa.field("destroyed_count", pa.float64()),
        pa.field("time_is_stated", pa.bool_()),
        pa.field("places", pa.list_(pa.string())),
        # patrol_report
        pa.field("observer_latitude_deg", pa.float64()),
        pa.field("observer_longitude_deg", pa.float64()),
        pa.field("bearing_deg", pa.float64()),
        pa.field("bearing_width_deg", pa.float64()),
        pa.field("range_low_m", pa.float64()),
        pa.field("range_high_m", pa.float64()),
        pa.field("means", pa.string()),
        pa.field("description", pa.string()),
        pa.field("weapon", pa.string()),
        # detection (station position stands in observer_latitude_deg, observer_longitude_deg)
        pa.field("station_id", pa.string()),
        pa.field("bearing_sigma_deg", pa.float64()),
        pa.field("amplitude_pa", pa.float64()),
        # statement (its place's name stands in place_name)
        pa.field("speaker_role", pa.string()),
        pa.field("speaker", pa.string()),
        pa.field("says", pa.string()),
        pa.field("about", pa.string()),
        pa.field("bloc", pa.string()),
        pa.field("first_publisher", pa.string()),
    ]
)
"""One row per observation of any kind; columns of other kinds are null. Times are UTC; counts as monitors write them.

`kind` is the tag of the result struct in `truceline.model.observation`; `file_sha256` and `row_index` (from 0, header
not counted) say where the row came from.
"""


def empty_observations() -> pa.Table:
    """Give a table of no observations with every column in place."""
    return OBSERVATION_SCHEMA.empty_table()


def complete_columns(columns: dict[str, pa.Array | pa.ChunkedArray], row_count: int) -> pa.Table:
    """Build an observation table from the columns one modality fills; all others become null, in schema order."""
    unknown = set(columns) - set(OBSERVATION_SCHEMA.names)
    assert not unknown, f"columns not of the observation schema: {sorted(unknown)}"
    arrays = []
    for field in OBSERVATION_SCHEMA:
        column = columns.get(field.name)
        if column is None:
            assert field.nullable, f"column {field.name} must be filled"
            arrays.append(pa.nulls(row_count, field.type))
        else:
            arrays.append(column.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=OBSERVATION_SCHEMA)
