"""Reads the geometry files beside a text: within limits, sound, and covering what the text uses them for."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely

from truceline.adapters.agreement_yaml import Fault
from truceline.errors import SourceUnavailable
from truceline.model.reference_line import LINE_SIGMA_DEFAULT_M
from truceline.observe.geojson import Unusable, geometry_from_json, require_degrees, require_json_crs
from truceline.physics.geodesy import Floats, geodesic_distance_m, points_of

VERTEX_MAX_COUNT = 200_000
"""Most vertices of one geometry file: a daily contact line of 1,500 km has 3,000."""

GEOMETRY_SIZE_MAX_BYTES = 256_000_000
"""Most bytes that are read at all, so that the vertices of a file that is too large can still be counted."""

APPROXIMATE_PREFIX = "approximate_"
"""How the name of a geometry file begins that was drawn from descriptions."""

_FEATURE = re.compile(rb'"type"\s*:\s*"Feature"')


class Feature(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One feature of a geometry file: its name, geometry and uncertainty, and the line of the file it begins on."""

    name: str
    geometry: Any
    sigma_m: float
    marker_index: int | None
    of_line: str
    line_index: int


class GeometryFile(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A geometry file that was read: every sound feature, and the hash of its bytes."""

    path: Path
    features: tuple[Feature, ...]
    file_sha256: str
    approximate: bool


def read_geometry_file(path: Path) -> tuple[GeometryFile | None, list[Fault]]:
    """Read a GeoJSON file; give it with no fault, or nothing with all of them."""
    body = _bytes_of(path)
    vertex_count = body.count(b"[")
    if len(body) > GEOMETRY_SIZE_MAX_BYTES:
        return None, [Fault(str(path), 1, f"has more than {GEOMETRY_SIZE_MAX_BYTES} bytes")]
    if vertex_count > VERTEX_MAX_COUNT + VERTEX_MAX_COUNT // 10:
        said = f"has about {vertex_count:,} vertices, the limit is {VERTEX_MAX_COUNT:,}"
        return None, [Fault(str(path), 1, said)]
    try:
        root = json.loads(body)
        if not isinstance(root, dict):
            raise Unusable("is not a GeoJSON object")
        require_json_crs(root)
    except json.JSONDecodeError as error:
        return None, [Fault(str(path), error.lineno, f"is not JSON: {error.msg} (column {error.colno})")]
    except (UnicodeDecodeError, RecursionError, Unusable) as error:
        return None, [Fault(str(path), 1, f"is not GeoJSON: {error}")]
    features, faults = _features(root, body, path)
    if faults:
        return None, faults
    return GeometryFile(
        path=path,
        features=tuple(features),
        file_sha256=hashlib.sha256(body).hexdigest(),
        approximate=path.name.startswith(APPROXIMATE_PREFIX),
    ), []


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(GEOMETRY_SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error


def _features(root: dict[str, Any], body: bytes, path: Path) -> tuple[list[Feature], list[Fault]]:
    members = root.get("features") if root.get("type") == "FeatureCollection" else [root]
    if not isinstance(members, list) or not members:
        return [], [Fault(str(path), 1, "features is not a list that holds something")]
    starts = [match.start() for match in _FEATURE.finditer(body)]
    features: list[Feature] = []
    faults: list[Fault] = []
    for index, member in enumerate(members):
        line_index = body.count(b"\n", 0, starts[index]) + 1 if index < len(starts) else 1
        name = _property(member, "name")
        try:
            features.append(_feature(member, line_index))
        except (Unusable, ValueError, shapely.errors.ShapelyError) as error:
            faults.append(Fault(str(path), line_index, f"feature {name or index!r}: {error}"))
    return features, faults


def _property(member: object, name: str) -> Any:
    properties = member.get("properties") if isinstance(member, dict) else None
    return properties.get(name) if isinstance(properties, dict) else None


def _feature(member: object, line_index: int) -> Feature:
    if not isinstance(member, dict):
        raise Unusable(f"{str(member)[:40]} is not a feature")
    geometry = _geometry(member.get("geometry", member))
    sigma_m = _property(member, "sigma_m")
    sigma_m = LINE_SIGMA_DEFAULT_M if sigma_m is None else sigma_m
    if isinstance(sigma_m, bool) or not isinstance(sigma_m, int | float) or not 0.0 <= sigma_m <= 1.0e6:
        raise Unusable(f"sigma_m={sigma_m!r} is outside [0, 1e+06]")
    marker = _property(member, "marker")
    if marker is not None and (isinstance(marker, bool) or not isinstance(marker, int)):
        raise Unusable(f"marker={marker!r} is not a whole number")
    return Feature(
        name=str(_property(member, "name") or ""),
        geometry=geometry,
        sigma_m=float(sigma_m),
        marker_index=marker,
        of_line=str(_property(member, "line") or ""),
        line_index=line_index,
    )


def _geometry(member: object) -> Any:
    """Build a point, line or ground whose corners are in order; one that crosses itself is `Unusable`."""
    if isinstance(member, dict) and member.get("type") == "Point":
        corner = np.asarray(member.get("coordinates"))
        if corner.dtype.kind not in "fiu" or corner.ndim != 1 or len(corner) < 2:
            raise Unusable(f"coordinates {str(member.get('coordinates'))[:40]} are not a pair of numbers")
        require_degrees(corner[None, :2].astype(np.float64))
        return shapely.Point(corner[:2].astype(np.float64))
    geometry = geometry_from_json(member)
    flat: Any = shapely.transform(geometry, _unturned)
    if flat.geom_type in {"Polygon", "MultiPolygon"}:
        if not flat.is_valid:
            raise Unusable(f"crosses itself or is malformed ({shapely.is_valid_reason(flat)})")
    elif flat.length == 0.0:
        raise Unusable("has no length: all of its corners are one point")
    elif not all(part.is_simple for part in shapely.get_parts(flat)):
        raise Unusable("crosses itself, so that it cannot be said which ground lies to its left")
    return geometry


def _unturned(corners: Floats) -> Floats:
    """Give corners whose longitudes do not jump at the date line: east of it they go on above 180 degrees."""
    if (np.ptp(corners[:, 0]) if len(corners) else 0.0) <= 180.0:
        return corners
    return np.column_stack([np.mod(corners[:, 0], 360.0), corners[:, 1]])


def length_m(geometry: shapely.Geometry) -> float:
    """Give the length of a line on the ellipsoid, in metres; gaps between its parts do not count."""
    return sum(float(np.sum(pieces_m(part))) for part in shapely.get_parts(geometry))


def pieces_m(line: shapely.LineString) -> Floats:
    """Give the length of each piece between two corners of a line, in metres."""
    corners = shapely.get_coordinates(line)
    points = points_of(corners[:, 0], corners[:, 1])
    return geodesic_distance_m(
        points_of(points.longitude_deg[:-1], points.latitude_deg[:-1]),
        points_of(points.longitude_deg[1:], points.latitude_deg[1:]),
    )


def along_m(geometry: shapely.Geometry, point: shapely.Point) -> float:
    """Give how far along a line the foot of a point lies, in metres from its start; gaps do not count."""

    def seen_from_point(corners: Floats) -> Floats:
        return np.column_stack([np.mod(corners[:, 0] - point.x + 180.0, 360.0) - 180.0, corners[:, 1]])

    origin = shapely.Point(0.0, point.y)
    parts = list(shapely.get_parts(geometry))
    turned = [shapely.transform(part, seen_from_point) for part in parts]
    nearest_index = int(np.argmin([part.distance(origin) for part in turned]))
    part = turned[nearest_index]
    before_m = sum(float(np.sum(pieces_m(other))) for other in parts[:nearest_index])
    pieces_deg = np.hypot(*np.diff(shapely.get_coordinates(part), axis=0).T)
    reached_deg = np.concatenate([[0.0], np.cumsum(pieces_deg)])
    reached_m = np.concatenate([[0.0], np.cumsum(pieces_m(parts[nearest_index]))])
    return before_m + float(np.interp(shapely.line_locate_point(part, origin), reached_deg, reached_m))
