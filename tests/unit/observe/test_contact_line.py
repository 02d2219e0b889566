"""Drawn lines come in whole or are rejected feature by feature, with the value that is at fault."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from truceline.observe.contact_line import (
    MANIFEST,
    LinesDecoded,
    decode_geojson,
    decode_line_table,
    recognises_line_columns,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "contact_line"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "contact_line"
RECEIVED = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
DAY = date(2025, 4, 20)
BOX = shapely.box(36.0, 47.0, 37.0, 48.0)
LINE = shapely.LineString([(36.0, 48.0), (37.0, 48.0)])


def from_json(content: bytes, file_name: str = "line.geojson") -> LinesDecoded:
    """Decode GeoJSON."""
    return decode_geojson(
        content, file_name=file_name, file_sha256="0" * 64, source_id="drawn", held_by="A", received_time=RECEIVED
    )


def from_fixture(name: str) -> LinesDecoded:
    """Decode one of the fixture files."""
    return from_json((FIXTURES / name).read_bytes(), name)


def from_feature(geometry: object = None, **properties: object) -> LinesDecoded:
    """Decode one feature; its geometry is a box where none is given."""
    drawn = geometry or json.loads(shapely.to_geojson(BOX))
    return from_json(json.dumps({"type": "Feature", "properties": properties, "geometry": drawn}).encode())


def from_rows(rows: list[dict[str, Any]], metadata: dict[str, str] | None = None) -> LinesDecoded:
    """Decode a table."""
    table = pa.Table.from_pylist(rows).replace_schema_metadata(metadata)
    return decode_line_table(
        table, file_sha256="0" * 64, source_id="drawn", held_by="A", received_time=RECEIVED, first_row_index=7
    )


def reasons(decoded: LinesDecoded) -> str:
    """Give all reasons as one text."""
    return "\n".join(rejection.reason for rejection in decoded.rejections)


def area_deg2(wkb: bytes | None) -> float:
    """Give the area of ground."""
    return float(shapely.area(shapely.from_wkb(wkb)))


def test_features_of_a_day_make_one_line() -> None:
    """Ground of one day and party is joined, lines are collected, the larger uncertainty counts."""
    decoded = from_fixture("good_two_days.geojson")
    first, second = decoded.lines

    assert (decoded.rejections, decoded.row_count, decoded.accepted_count) == ((), 4, 4)
    assert (first.valid_date, first.held_by, first.sigma_m) == (DAY, "A", 1_500.0)
    assert (area_deg2(first.held_wkb), second.line_wkb) == (pytest.approx(1.5), None)
    assert shapely.from_wkb(first.line_wkb).length == pytest.approx(1.5)


def test_bare_geometry_takes_its_day_from_the_file_name() -> None:
    """A bare line is dated by its file's name, and tells no ground; heights are left out."""
    (line,) = from_fixture("good_20250422.geojson").lines

    assert (line.valid_date, line.held_wkb, line.sigma_m) == (date(2025, 4, 22), None, MANIFEST.position_sigma_m)
    assert shapely.from_wkb(line.line_wkb).has_z is False


def test_ground_that_crosses_itself_is_repaired_and_counted() -> None:
    """A bow tie becomes two triangles, and the repair is told."""
    decoded = from_fixture("good_bowtie_2025-04-23.geojson")

    assert (area_deg2(decoded.lines[0].held_wkb), decoded.repaired_count) == (pytest.approx(0.5), 1)


def test_another_reference_system_is_named() -> None:
    """A file in a projected system is rejected with that system's name."""
    decoded = from_fixture("broken_crs.geojson")

    assert (decoded.lines, len(decoded.rejections)) == ((), 1)
    assert "EPSG::3857' is not WGS 84 in degrees" in reasons(decoded)


def test_every_broken_feature_is_rejected_for_its_own_fault() -> None:
    """Each fault is named, in the order of the features, and nothing is lost."""
    decoded = from_fixture("broken_geometries.geojson")
    expected = (
        "latitude_deg=136 is outside [-90, 90]",
        "longitude_deg=4e+06 is outside [-180, 180]; coordinates look projected",
        "latitude_deg=nan is outside",
        "it is not closed",
        "ground has no area",
        "type='Point' is neither",
        "corner_count=1 of a path is below 2",
        "are not pairs of numbers",
        "are not all of one length",
        "are not a list of parts",
        "is not a GeoJSON geometry",
        "is not a GeoJSON feature",
    )

    assert (decoded.lines, decoded.row_count) == ((), len(expected))
    for index, (said, rejection) in enumerate(zip(expected, decoded.rejections, strict=True)):
        assert (rejection.row_index, said in rejection.reason) == (index, True), rejection.reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "holds a list"),
        (b'{"type": "FeatureCollection"}', "features of the FeatureCollection"),
    ],
)
def test_a_file_that_is_no_geojson_is_one_rejection(content: bytes, said: str) -> None:
    """What cannot be parsed is kept as a whole, with the reason."""
    decoded = from_json(content)

    assert (len(decoded.rejections), said in reasons(decoded)) == (1, True)


@given(content=st.binary(max_size=200))
def test_no_bytes_break_the_decoder(content: bytes) -> None:
    """Whatever bytes come, the decoder answers."""
    assert from_json(content).row_count >= 0


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"date": "2025-06-02"}, "date=2025-06-02 is after received_time=2025-06-01"),
        ({"date": "20 April"}, "date='20 April' is not a day"),
        ({"date": "2025-02-30"}, "is not a day"),
        ({"date": "2025-04-20", "held_by": 7}, "held_by=7 is not the name"),
        ({"date": "2025-04-20", "sigma_m": -1}, "sigma_m=-1 is outside [0, 1e+06]"),
        ({"date": "2025-04-20", "sigma_m": "wide"}, "sigma_m='wide' is outside"),
        ({}, "states 0 dates, not 1"),
    ],
)
def test_a_false_statement_is_rejected_by_value(properties: dict[str, object], said: str) -> None:
    """A property that cannot be used is named with its value and limit."""
    assert said in reasons(from_feature(**properties))


@pytest.mark.parametrize(
    "stated", [{"date": "2025-04-20"}, {"valid_date": 20250420}, {"date": "", "day": "2025-04-20T03:00:00Z"}]
)
def test_a_day_is_read_in_every_usual_form(stated: dict[str, object]) -> None:
    """ISO days, compact days and times all state the same day."""
    assert from_feature(**stated).lines[0].valid_date == DAY


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326"])
def test_wgs84_is_accepted_under_its_names(name: str) -> None:
    """A file that says it is in degrees is taken, and the file's own members may state the day."""
    root = {"crs": {"type": "name", "properties": {"name": name}}, "date": "2025-04-20"}
    features = [{"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(BOX))}]

    assert len(from_json(json.dumps({"type": "FeatureCollection", "features": features, **root}).encode()).lines) == 1


def test_a_reference_system_said_to_be_unknown_is_rejected() -> None:
    """`crs: null` says that nobody knows what the numbers mean."""
    root = {"type": "FeatureCollection", "crs": None, "features": [None]}

    assert "crs=None is not WGS 84" in reasons(from_json(json.dumps(root).encode()))


def test_parties_of_one_day_have_their_own_lines() -> None:
    """Ground of two parties makes two dated lines; a line that names none goes with both."""
    east = shapely.box(38.0, 47.0, 39.0, 48.0)
    rows = [
        {"date": DAY, "held_by": "A", "geometry": BOX.wkb},
        {"date": DAY, "held_by": "B", "geometry": east.wkb},
        {"date": DAY, "held_by": None, "geometry": LINE.wkb},
    ]
    decoded = from_rows(rows)

    assert [(line.held_by, line.line_wkb is not None) for line in decoded.lines] == [("A", True), ("B", True)]


@pytest.mark.parametrize("as_text", [False, True])
def test_columns_of_stated_role_are_read(as_text: bool) -> None:
    """Ground and line columns make one line per row, from bytes or hexadecimal text."""
    row = {"occupied_wkb_wgs84": BOX.wkb, "line_wkb_wgs84": LINE.wkb}
    stated = {name: value.hex() if as_text else value for name, value in row.items()}
    (line,) = from_rows([{"date": "2025-04-20" if as_text else DAY, "line_km": 75.0, **stated}]).lines

    assert (area_deg2(line.held_wkb), shapely.from_wkb(line.line_wkb).length) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"date": DAY, "held_wkb": b"\x01\x06\x00"}, "geometry=010600... is not well-known binary"),
        ({"date": DAY, "held_wkb": "zz"}, "geometry=zz is not well-known binary"),
        ({"date": DAY, "held_wkb": LINE.wkb}, "held_wkb holds a LineString"),
        ({"date": DAY, "line_wkb": BOX.wkb}, "line_wkb holds a Polygon"),
        ({"date": DAY, "geometry": shapely.Point(1, 2).wkb}, "type='Point' is neither"),
        ({"date": DAY, "geometry": shapely.Polygon().wkb}, "type='Polygon' is empty"),
        ({"date": DAY, "geometry": shapely.box(36.0, 147.0, 37.0, 148.0).wkb}, "latitude_deg=147 is outside"),
        ({"date": DAY, "geometry": None}, "no geometry"),
        ({"date": None, "geometry": BOX.wkb}, "no date: none of"),
        ({"date": datetime(2025, 7, 1, tzinfo=UTC), "geometry": BOX.wkb}, "date=2025-07-01 is after"),
    ],
)
def test_a_broken_row_is_rejected_alone(row: dict[str, Any], said: str) -> None:
    """A row at fault is kept with its index and reason, and its neighbour is used."""
    sound = dict.fromkeys(row) | {"date": DAY}
    name = next(name for name in row if name != "date")
    sound[name] = BOX.wkb if name != "line_wkb" else LINE.wkb
    if isinstance(row[name], str):
        sound[name] = BOX.wkb.hex()
    if isinstance(row["date"], datetime):
        sound["date"] = datetime(2025, 4, 20, tzinfo=UTC)
    decoded = from_rows([sound, row])

    assert (len(decoded.lines), [rejection.row_index for rejection in decoded.rejections]) == (1, [8])
    assert said in reasons(decoded)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"crs": {"id": {"authority": "OGC", "code": "CRS84"}}}, ""),
        ({"crs": {"name": "WGS 84"}}, ""),
        ({}, ""),
        ({"crs": {"id": {"authority": "EPSG", "code": 3857}}}, "crs='EPSG:3857' is not WGS 84"),
        ({"crs": None}, "crs=None is not WGS 84"),
        ({"encoding": "point"}, "encoding='point' of geometry is not WKB"),
    ],
)
def test_geoparquet_metadata_is_heeded(column: dict[str, object], said: str) -> None:
    """The column's reference system and encoding are checked where the file states them."""
    decoded = from_rows([{"date": DAY, "geometry": BOX.wkb}], {"geo": json.dumps({"columns": {"geometry": column}})})

    assert (len(decoded.lines), said in reasons(decoded)) == (0 if said else 1, True)


@pytest.mark.parametrize("geo", ["{", "[]"])
def test_unreadable_geoparquet_metadata_is_told(geo: str) -> None:
    """Metadata that cannot be parsed leave the reference system unknown: the row is rejected."""
    assert "GeoParquet metadata cannot be read" in reasons(
        from_rows([{"date": DAY, "geometry": BOX.wkb}], {"geo": geo})
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"date", "occupied_wkb_wgs84"}, True),
        ({"valid_date", "line_wkb", "lat"}, True),
        ({"date", "geometry"}, True),
        ({"date", "geometry", "latitude", "longitude"}, False),
        ({"geometry"}, False),
        ({"date", "lat", "lon"}, False),
    ],
)
def test_line_columns_are_told_from_points(columns: set[str], expected: bool) -> None:
    """A table of dated ground or lines is recognised; one of points is not."""
    assert recognises_line_columns(frozenset(columns)) == expected


@given(order=st.permutations(range(4)))
def test_order_of_features_does_not_matter(order: list[int]) -> None:
    """The same features in any order make the same lines, byte for byte."""
    root = json.loads((FIXTURES / "good_two_days.geojson").read_bytes())
    shuffled = {**root, "features": [root["features"][index] for index in order]}

    assert from_json(json.dumps(root).encode()).lines == from_json(json.dumps(shuffled).encode()).lines


@pytest.mark.shared
def test_the_real_drawing_is_read_whole() -> None:
    """A day's line as published is one line without ground."""
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is absent")
    decoded = from_json((SHARED / "line_2025-04-20.geojson").read_bytes())

    assert [(line.valid_date, line.held_wkb) for line in decoded.lines] == [(DAY, None)]
