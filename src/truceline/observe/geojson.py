"""Geometries of ground and lines from GeoJSON members and WKB: built with every fault named, nothing guessed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

GROUND_TYPES = frozenset({"Polygon", "MultiPolygon"})
"""Geometry types that are drawn ground."""

LINE_TYPES = frozenset({"LineString", "MultiLineString"})
"""Geometry types that are a drawn line."""

DEGREES_NAME = re.compile(r"(?:\bCRS84h?|\bEPSG[:/]+(?:[\d.]*[:/]+)?(?:4326|4979)|^WGS ?84)$", re.IGNORECASE)
"""How files name WGS 84 in degrees, longitude first."""


class Unusable(ValueError):
    """A geometry, date or reference system cannot be used; the text says which value and which limit."""


def require_degrees_name(name: object) -> None:
    """Hold that a reference system is WGS 84 in degrees, or raise `Unusable` naming it."""
    if not isinstance(name, str) or DEGREES_NAME.search(name.strip()) is None:
        raise Unusable(f"crs={name!r} is not WGS 84 in degrees (OGC:CRS84 or EPSG:4326)")


def require_json_crs(root: dict[str, Any]) -> None:
    """Hold that the `crs` member of GeoJSON 2008, where there is one, names WGS 84 in degrees."""
    if "crs" not in root:
        return
    crs = root["crs"]
    properties = crs.get("properties") if isinstance(crs, dict) else None
    require_degrees_name(properties.get("name") if isinstance(properties, dict) else crs)


def require_projjson(crs: object) -> None:
    """Hold that the reference system of a GeoParquet column (PROJJSON) is WGS 84 in degrees."""
    identity = crs.get("id") if isinstance(crs, dict) else None
    if isinstance(identity, dict):
        require_degrees_name(f"{identity.get('authority')}:{identity.get('code')}")
    else:
        require_degrees_name(crs.get("name") if isinstance(crs, dict) else crs)


def geometry_from_json(member: object) -> shapely.Geometry:
    """Build ground or a line from a GeoJSON geometry; points and unknown types are `Unusable`."""
    if not isinstance(member, dict):
        raise Unusable(f"geometry={str(member)[:60]} is not a GeoJSON geometry")
    kind, coordinates = member.get("type"), member.get("coordinates")
    match kind:
        case "Polygon":
            return _polygon(coordinates)
        case "MultiPolygon":
            return shapely.MultiPolygon([_polygon(part) for part in _parts(coordinates)])
        case "LineString":
            return shapely.LineString(_path(coordinates, corner_count_min=2))
        case "MultiLineString":
            return shapely.MultiLineString([_path(part, corner_count_min=2) for part in _parts(coordinates)])
        case _:
            raise Unusable(f"geometry type={kind!r} is neither ground (polygons) nor a line")


def _parts(coordinates: object) -> list[Any]:
    """Give the members of a list that must hold something."""
    if not isinstance(coordinates, list) or not coordinates:
        raise Unusable(f"coordinates={str(coordinates)[:60]} are not a list of parts")
    return coordinates


def _polygon(coordinates: object) -> shapely.Polygon:
    """Build one polygon: the first ring is the shell, the others are holes."""
    rings = [_path(ring, corner_count_min=4) for ring in _parts(coordinates)]
    return shapely.Polygon(rings[0], rings[1:])


def _path(coordinates: object, *, corner_count_min: int) -> NDArray[np.float64]:
    """Give the corners of one path as longitudes and latitudes (a height is left out)."""
    try:
        corners = np.asarray(_parts(coordinates))
    except ValueError:
        raise Unusable("coordinates are not all of one length") from None
    if corners.dtype.kind not in "fiu" or corners.ndim != 2 or corners.shape[1] < 2:
        raise Unusable(f"coordinates {str(coordinates)[:60]} are not pairs of numbers")
    if len(corners) < corner_count_min:
        raise Unusable(f"corner_count={len(corners)} of a path is below {corner_count_min}")
    path = corners[:, :2].astype(np.float64)
    require_degrees(path)
    if corner_count_min == 4 and not np.array_equal(path[0], path[-1]):
        raise Unusable(f"ring begins at {path[0].tolist()} and ends at {path[-1].tolist()}: it is not closed")
    return path


def require_degrees(corners: NDArray[np.float64]) -> None:
    """Hold that corners are finite longitudes and latitudes, or raise `Unusable` naming the first that is not."""
    for name, values, limit_deg in (("longitude_deg", corners[:, 0], 180.0), ("latitude_deg", corners[:, 1], 90.0)):
        outside = ~(np.abs(values) <= limit_deg)
        if outside.any():
            hint = "; coordinates look projected" if np.abs(values[outside][0]) > 360.0 else ""
            raise Unusable(f"{name}={values[outside][0]:g} is outside [-{limit_deg:g}, {limit_deg:g}]{hint}")


def geometry_from_wkb(content: object) -> shapely.Geometry:
    """Build ground or a line from WKB (bytes, or hexadecimal text); anything else is `Unusable`."""
    geometry = shapely.from_wkb(content, on_invalid="ignore") if isinstance(content, bytes | str) else None
    if geometry is None:
        raise Unusable(f"geometry={_shown(content)} is not well-known binary")
    kind = str(geometry.geom_type)
    if kind not in GROUND_TYPES | LINE_TYPES or geometry.is_empty:
        state = "empty" if geometry.is_empty else "neither ground (polygons) nor a line"
        raise Unusable(f"geometry type={kind!r} is {state}")
    require_degrees(shapely.get_coordinates(geometry))
    return geometry


def _shown(content: object) -> str:
    """Show the beginning of a value that is no geometry."""
    return f"{content[:8].hex()}..." if isinstance(content, bytes) else str(content)[:40]


def is_ground(geometry: shapely.Geometry) -> bool:
    """Say whether a geometry is ground rather than a line."""
    return isinstance(geometry, shapely.Polygon | shapely.MultiPolygon)


def repaired_ground(geometry: shapely.Geometry) -> shapely.Geometry:
    """Give ground whose rings do not cross each other; ground that has no area left is `Unusable`."""
    if not shapely.is_valid(geometry):
        made = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
        polygons = [part for part in shapely.get_parts(made) if is_ground(part)]
        geometry = shapely.union_all(polygons)
    if shapely.area(geometry) <= 0.0:
        raise Unusable("ground has no area")
    return geometry


def joined_ground(geometries: list[shapely.Geometry]) -> bytes:
    """Give the union of ground as WKB, the same bytes in whatever order the parts came."""
    return _written(shapely.union_all(geometries) if len(geometries) > 1 else geometries[0])


def joined_lines(geometries: list[shapely.Geometry]) -> bytes:
    """Give all lines as one multi-line in WKB, the same bytes in whatever order the parts came."""
    return _written(shapely.multilinestrings(shapely.get_parts(shapely.force_2d(geometries)).tolist()))


def _written(geometry: shapely.Geometry) -> bytes:
    """Write a geometry as little-endian WKB of two dimensions, in its canonical order."""
    return bytes(shapely.to_wkb(shapely.normalize(shapely.force_2d(geometry)), byte_order=1, output_dimension=2))
