"""Maps of the contact line (GeoJSON, Parquet or GeoParquet) to dated lines.

Polygons are ground that one party holds; lines are the contact line itself. All features of one date and one party make
one dated line: their ground is joined, their lines are collected. A line that names no party goes with the ground of
its date. What cannot be used comes out as a rejection of its feature or row, and only of that one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
import pyarrow as pa
import shapely

from truceline.model.observation import Rejection
from truceline.model.reference_line import LINE_SIGMA_DEFAULT_M, DatedLine
from truceline.model.source import SourceManifest
from truceline.observe.geojson import (
    Unusable,
    geometry_from_json,
    geometry_from_wkb,
    is_ground,
    joined_ground,
    joined_lines,
    repaired_ground,
    require_json_crs,
    require_projjson,
)

MANIFEST = SourceManifest(
    source_id="contact_lines",
    title="Contact line as drawn day by day",
    kind="contact_line",
    observes="which ground a party holds, and the line between the parties, one drawing per day",
    procedure="drawn by map analysts from open sources; polygons and lines as GeoJSON or (Geo)Parquet",
    operator="the map's publisher (for example DeepStateMap analysts)",
    influenced_by_parties=("UA",),
    licence="as stated by the publisher",
    position_sigma_m=LINE_SIGMA_DEFAULT_M,
    latency_hours=72.0,
)
"""The feed of drawn lines; the analysts of the best known map work on one party's side, and lag by days."""

DATE_NAMES = ("date", "valid_date", "line_date", "day")
"""Properties or columns that state a line's day, in the order in which they are looked for."""

GROUND_COLUMNS = ("occupied_wkb_wgs84", "held_wkb_wgs84", "held_wkb")
"""Columns of WKB that hold ground."""

LINE_COLUMNS = ("line_wkb_wgs84", "line_wkb")
"""Columns of WKB that hold the line."""

GEOMETRY_COLUMNS = ("geometry", "geom", "wkb_geometry")
"""Columns of WKB that hold ground or the line, told apart by their type."""

POINT_COLUMNS = frozenset({"latitude", "longitude", "lat", "lon"})
"""A table with these is one of points, whatever else it holds."""

RAW_CHARACTER_COUNT = 2_000
"""How much of a rejected feature or row is kept."""

SIGMA_MAX_M = 1.0e6
"""Largest uncertainty a line may state."""

_FILE_NAME_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)([01]\d)\2([0-3]\d)(?!\d)")


class LinesDecoded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of lines: each of its features or rows went into a line or is a rejection.

    `row_count` counts features or rows, several of which may make one line; `repaired_count` how many polygons crossed
    themselves and were made valid.
    """

    lines: tuple[DatedLine, ...]
    rejections: tuple[Rejection, ...]
    row_count: int
    repaired_count: int = 0

    def __post_init__(self) -> None:
        """Hold that no more was rejected than was received."""
        assert len(self.rejections) <= self.row_count, f"{len(self.rejections)} rejections out of {self.row_count} rows"

    @property
    def accepted_count(self) -> int:
        """Number of features or rows that went into a line."""
        return self.row_count - len(self.rejections)


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows come from, and what holds for a row that does not say."""

    file_sha256: str
    source_id: str
    held_by: str
    received_time: datetime


class _Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """One feature's or row's geometries with the day, the party (`None` where it names none) and the uncertainty."""

    valid_date: date
    held_by: str | None
    sigma_m: float
    ground: tuple[shapely.Geometry, ...]
    lines: tuple[shapely.Geometry, ...]
    repaired_count: int


class _Collected:
    """The drawings and rejections of one file while it is read."""

    def __init__(self, origin: _Origin) -> None:
        """Start with nothing."""
        self._origin = origin
        self._drawings: list[_Drawing] = []
        self._rejections: list[Rejection] = []

    def take(self, drawing: _Drawing) -> None:
        """Add a drawing."""
        self._drawings.append(drawing)

    def reject(self, row_index: int, raw: str, reason: str) -> None:
        """Keep a row that cannot be used, with the reason."""
        rejection = Rejection(
            source_id=self._origin.source_id,
            file_sha256=self._origin.file_sha256,
            row_index=row_index,
            raw=raw[:RAW_CHARACTER_COUNT],
            reason=reason,
            received_time=self._origin.received_time,
        )
        self._rejections.append(rejection)

    def decoded(self) -> LinesDecoded:
        """Join what belongs together, and give everything."""
        return LinesDecoded(
            lines=tuple(_dated_lines(self._drawings, self._origin)),
            rejections=tuple(self._rejections),
            row_count=len(self._drawings) + len(self._rejections),
            repaired_count=sum(drawing.repaired_count for drawing in self._drawings),
        )


def recognises_line_columns(columns: frozenset[str]) -> bool:
    """Say whether a table with these columns holds dated lines."""
    geometries = columns.intersection(GROUND_COLUMNS + LINE_COLUMNS)
    if not geometries and not columns & POINT_COLUMNS:
        geometries = columns.intersection(GEOMETRY_COLUMNS)
    return bool(geometries) and not columns.isdisjoint(DATE_NAMES)


def decode_geojson(
    content: bytes, *, file_name: str, file_sha256: str, source_id: str, held_by: str, received_time: datetime
) -> LinesDecoded:
    """Turn a GeoJSON file (a collection, a feature or a bare geometry) into dated lines, or say what is wrong with it.

    The day stands in a feature's properties, else in the file's members, else in the file's name.
    """
    origin = _Origin(file_sha256=file_sha256, source_id=source_id, held_by=held_by, received_time=received_time)
    collected = _Collected(origin)
    try:
        root = _json_object(content)
    except Unusable as error:
        collected.reject(0, content[:RAW_CHARACTER_COUNT].decode("utf-8", "replace"), str(error))
        return collected.decoded()
    common = _members(root)
    for row_index, feature in enumerate(_features(root)):
        try:
            require_json_crs(root)
            collected.take(_feature_drawing(feature, common, file_name=file_name, origin=origin))
        except Unusable as error:
            collected.reject(row_index, json.dumps(feature), str(error))
    return collected.decoded()


def decode_line_table(
    table: pa.Table,
    *,
    file_sha256: str,
    source_id: str,
    held_by: str,
    received_time: datetime,
    first_row_index: int = 0,
) -> LinesDecoded:
    """Turn a table whose columns hold WKB (Parquet, GeoParquet, or text in hexadecimal) into dated lines."""
    origin = _Origin(file_sha256=file_sha256, source_id=source_id, held_by=held_by, received_time=received_time)
    collected = _Collected(origin)
    names = {str(name).lower(): str(name) for name in table.column_names}
    geometry_names = _geometry_names(frozenset(names))
    faults = {name: _column_fault(table.schema.metadata, names[name]) for name in geometry_names}
    for offset, row in enumerate(table.rename_columns(list(names)).to_pylist()):
        try:
            collected.take(_row_drawing(row, faults, origin))
        except Unusable as error:
            raw = {name: f"<{len(value)} bytes>" if isinstance(value, bytes) else value for name, value in row.items()}
            collected.reject(first_row_index + offset, json.dumps(raw, default=str), str(error))
    return collected.decoded()


def _json_object(content: bytes) -> dict[str, Any]:
    """Parse a GeoJSON file's outermost object."""
    try:
        root = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"file is not JSON: {error}") from None
    if not isinstance(root, dict):
        raise Unusable(f"file holds a {type(root).__name__}, not a GeoJSON object")
    if root.get("type") == "FeatureCollection" and not isinstance(root.get("features"), list):
        raise Unusable("features of the FeatureCollection are not a list")
    return root


def _features(root: dict[str, Any]) -> list[Any]:
    """Give the features of a collection, or the one feature or geometry the file is."""
    match root.get("type"):
        case "FeatureCollection":
            features: list[Any] = root["features"]
            return features
        case "Feature":
            return [root]
        case _:
            return [{"type": "Feature", "properties": None, "geometry": root}]


def _members(root: dict[str, Any]) -> dict[str, Any]:
    """Give what a file says of all its features, beside or inside `properties`."""
    properties = root.get("properties")
    return {**root, **properties} if isinstance(properties, dict) else root


def _feature_drawing(feature: object, common: Mapping[str, Any], *, file_name: str, origin: _Origin) -> _Drawing:
    """Read one feature."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise Unusable(f"feature={str(feature)[:60]} is not a GeoJSON feature")
    properties = feature.get("properties")
    stated = properties if isinstance(properties, dict) else {}
    valid_date = _stated_date(stated) or _stated_date(common) or _file_name_date(file_name)
    return _drawing([geometry_from_json(feature.get("geometry"))], stated, valid_date=valid_date, origin=origin)


def _row_drawing(row: Mapping[str, Any], faults: Mapping[str, str], origin: _Origin) -> _Drawing:
    """Read one row of a table."""
    valid_date = _stated_date(row)
    if valid_date is None:
        raise Unusable(f"no date: none of {', '.join(DATE_NAMES)} is filled")
    geometries = []
    for name, fault in faults.items():
        if row[name] is None:
            continue
        if fault:
            raise Unusable(fault)
        geometry = geometry_from_wkb(row[name])
        if (name in GROUND_COLUMNS) != is_ground(geometry) and name not in GEOMETRY_COLUMNS:
            raise Unusable(f"{name} holds a {type(geometry).__name__}")
        geometries.append(geometry)
    return _drawing(geometries, row, valid_date=valid_date, origin=origin)


def _drawing(
    geometries: list[shapely.Geometry], stated: Mapping[str, Any], *, valid_date: date, origin: _Origin
) -> _Drawing:
    """Make the drawing of one feature or row from its geometries and what it states."""
    if not geometries:
        raise Unusable("no geometry")
    if valid_date > origin.received_time.date():
        raise Unusable(f"date={valid_date} is after received_time={origin.received_time.date()}")
    ground = [geometry for geometry in geometries if is_ground(geometry)]
    return _Drawing(
        valid_date=valid_date,
        held_by=_stated_party(stated),
        sigma_m=_stated_sigma_m(stated),
        ground=tuple(repaired_ground(geometry) for geometry in ground),
        lines=tuple(geometry for geometry in geometries if not is_ground(geometry)),
        repaired_count=sum(not shapely.is_valid(geometry) for geometry in ground),
    )


def _stated_party(stated: Mapping[str, Any]) -> str | None:
    """Give the party a feature or row names, or `None`."""
    party = stated.get("held_by")
    if party is not None and not isinstance(party, str):
        raise Unusable(f"held_by={party!r} is not the name of a party")
    return party or None


def _stated_sigma_m(stated: Mapping[str, Any]) -> float:
    """Give the stated uncertainty, or the usual one of a drawn line."""
    stated_sigma = stated.get("sigma_m")
    if stated_sigma is None:
        return LINE_SIGMA_DEFAULT_M
    try:
        sigma_m = float(stated_sigma)
    except (TypeError, ValueError):
        sigma_m = math.nan
    if not 0.0 <= sigma_m <= SIGMA_MAX_M:
        raise Unusable(f"sigma_m={stated_sigma!r} is outside [0, {SIGMA_MAX_M:g}]")
    return sigma_m


def _stated_date(stated: Mapping[str, Any]) -> date | None:
    """Give the day a feature, file or row states, or `None` where it states none."""
    for name in DATE_NAMES:
        value = stated.get(name)
        if value is not None and value != "":
            return _date_of(name, value)
    return None


def _date_of(name: str, value: object) -> date:
    """Read a day: a date, a time (its own calendar day), or text or number beginning with YYYY-MM-DD or YYYYMMDD."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = re.match(r"(\d{4}-\d\d-\d\d|\d{8})(?!\d)", str(value).strip())
    try:
        return date.fromisoformat(text[0] if text else str(value))
    except ValueError:
        raise Unusable(f"{name}={str(value)[:40]!r} is not a day (YYYY-MM-DD or YYYYMMDD)") from None


def _file_name_date(file_name: str) -> date:
    """Give the one day a file's name states."""
    found = {"-".join((match[1], match[3], match[4])) for match in _FILE_NAME_DATE.finditer(file_name)}
    if len(found) != 1:
        raise Unusable(f"no date in properties, and file_name={file_name!r} states {len(found)} dates, not 1")
    return _date_of("file_name", found.pop())


def _geometry_names(columns: frozenset[str]) -> list[str]:
    """Give the geometry columns to read: those of a stated role, and only without them those of any geometry."""
    stated = [name for name in GROUND_COLUMNS + LINE_COLUMNS if name in columns]
    return stated or [name for name in GEOMETRY_COLUMNS if name in columns]


def _column_fault(metadata: Mapping[bytes, bytes] | None, name: str) -> str:
    """Say what is wrong with a column by the file's GeoParquet metadata; empty where nothing is, or there is none.

    GeoParquet 1.1: without `crs` a column is OGC:CRS84; `null` says that the reference system is not known.
    """
    try:
        geo = json.loads((metadata or {}).get(b"geo", b"{}"))
        column = geo.get("columns", {}).get(name, {})
        encoding = column.get("encoding", "WKB")
        if encoding != "WKB":
            return f"encoding={encoding!r} of {name} is not WKB"
        if "crs" in column:
            require_projjson(column["crs"])
    except Unusable as error:
        return str(error)
    except (ValueError, AttributeError) as error:
        return f"GeoParquet metadata cannot be read: {error}"
    return ""


def _dated_lines(drawings: Iterable[_Drawing], origin: _Origin) -> Iterable[DatedLine]:
    """Join drawings by day and party, in that order; lines that name no party go with all the ground of their day."""
    days: dict[date, list[_Drawing]] = {}
    for drawing in drawings:
        days.setdefault(drawing.valid_date, []).append(drawing)
    for _, day in sorted(days.items()):
        parties = {drawing.held_by or origin.held_by for drawing in day if drawing.ground or drawing.held_by}
        for party in sorted(parties or {origin.held_by}):
            yield _dated_line(party, day, origin)


def _dated_line(party: str, day: list[_Drawing], origin: _Origin) -> DatedLine:
    """Make one party's line of one day."""
    own = [drawing for drawing in day if drawing.held_by == party or (drawing.held_by is None)]
    ground = [part for drawing in own if (drawing.held_by or origin.held_by) == party for part in drawing.ground]
    lines = [part for drawing in own for part in drawing.lines]
    return DatedLine(
        valid_date=day[0].valid_date,
        held_by=party,
        held_wkb=joined_ground(ground) if ground else None,
        line_wkb=joined_lines(lines) if lines else None,
        sigma_m=max(drawing.sigma_m for drawing in own),
        source_id=origin.source_id,
        file_sha256=origin.file_sha256,
    )
