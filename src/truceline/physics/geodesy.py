"""Distances and positions on the WGS 84 ellipsoid, for whole columns; and a plane in which scale is nearly equal."""

from __future__ import annotations

import math
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

SEMI_MAJOR_AXIS_M = 6_378_137.0
"""Equatorial radius of WGS 84 (NIMA TR8350.2, table 3.1)."""

FLATTENING_RATIO = 1.0 / 298.257223563
"""Flattening of WGS 84 (NIMA TR8350.2, table 3.1)."""

_ECCENTRICITY_SQUARED = FLATTENING_RATIO * (2.0 - FLATTENING_RATIO)
_ECCENTRICITY = math.sqrt(_ECCENTRICITY_SQUARED)
_CONE_CONSTANT_MIN = 1e-6
_STANDARD_LATITUDE_MAX_DEG = 85.0
_LATITUDE_ROUNDS_COUNT = 6

Floats = NDArray[np.float64]


@lru_cache(maxsize=1)
def _ellipsoid() -> Geod:
    """Give WGS 84 with Karney's geodesic routines."""
    return Geod(a=SEMI_MAJOR_AXIS_M, f=FLATTENING_RATIO)


class Points(msgspec.Struct, frozen=True, eq=False):
    """A column of points on WGS 84: longitudes and latitudes of equal length, in degrees; `nan` where there is none."""

    longitude_deg: Floats
    latitude_deg: Floats

    def __post_init__(self) -> None:
        """Check that both columns are flat and equally long."""
        shapes = (self.longitude_deg.shape, self.latitude_deg.shape)
        assert shapes[0] == shapes[1], f"shapes {shapes} of longitude_deg and latitude_deg differ"
        assert len(shapes[0]) == 1, f"shape {shapes[0]} of longitude_deg is not that of one column"

    def __len__(self) -> int:
        """Give the number of points."""
        return len(self.longitude_deg)


def points_of(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> Points:
    """Make a column of points from anything that numpy can read as two columns of numbers."""
    return Points(
        np.atleast_1d(np.asarray(longitude_deg, dtype=np.float64)),
        np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64)),
    )


def geodesic_distance_m(start: Points, end: Points) -> Floats:
    """Give the length of the shortest way on the ellipsoid from each start to its end; `nan` where either is `nan`.

    Karney 2013, "Algorithms for geodesics", J. Geodesy 87: error below 15 nm.
    """
    _, _, distance_m = _inverse(start, end)
    return distance_m


def geodesic_bearing_deg(start: Points, end: Points) -> Floats:
    """Give the bearing, in [0, 360) degrees from true north, in which each end is seen from its start."""
    forward_deg, _, _ = _inverse(start, end)
    return np.mod(forward_deg, 360.0)


def _inverse(start: Points, end: Points) -> tuple[Floats, Floats, Floats]:
    """Solve the inverse problem on whole columns: azimuths at both ends and the distance."""
    return _ellipsoid().inv(start.longitude_deg, start.latitude_deg, end.longitude_deg, end.latitude_deg)


def geodesic_destination(start: Points, bearing_deg: ArrayLike, distance_m: ArrayLike) -> Points:
    """Give the points reached from each start by going a distance in a bearing (degrees from true north)."""
    bearings_deg = np.broadcast_to(np.asarray(bearing_deg, dtype=np.float64), len(start)).copy()
    distances_m = np.broadcast_to(np.asarray(distance_m, dtype=np.float64), len(start)).copy()
    longitude_deg, latitude_deg, _ = _ellipsoid().fwd(
        start.longitude_deg, start.latitude_deg, bearings_deg, distances_m
    )
    return points_of(longitude_deg, latitude_deg)


class EqualScalePlane(msgspec.Struct, frozen=True, kw_only=True):
    """Lambert's conformal conic plane in metres: within a band of latitudes its scale is one, up to a small bound.

    Snyder 1987, "Map projections - a working manual", USGS PP 1395, eqs. 14-1 to 15-9. Conformal: at a point the scale
    is the same in every direction, and it depends on the latitude only (`scale_ratio`). So inside the band the length
    of any way, at any longitude, is wrong by at most `scale_error_ratio`; so is the distance of two points, as long as
    the straight way in the plane and the geodesic both stay in the band.
    """

    longitude_origin_deg: float
    latitude_low_deg: float
    latitude_high_deg: float
    cone_constant_ratio: float
    radius_factor_m: float

    def project_m(self, points: Points) -> tuple[Floats, Floats]:
        """Give easting and northing in metres, counted from the origin's meridian; `nan` stays `nan`."""
        turned_deg = np.mod(points.longitude_deg - self.longitude_origin_deg + 180.0, 360.0) - 180.0
        isometric_latitude = _isometric_latitude(points.latitude_deg)
        cone = self.cone_constant_ratio
        if abs(cone) < _CONE_CONSTANT_MIN:  # the band is even about the equator: the cone is a cylinder (eqs. 7-6, 7-7)
            return self.radius_factor_m * np.radians(turned_deg), self.radius_factor_m * isometric_latitude
        radius_m = self.radius_factor_m / cone * np.exp(-cone * isometric_latitude)
        turned_rad = cone * np.radians(turned_deg)
        return radius_m * np.sin(turned_rad), -radius_m * np.cos(turned_rad)

    def points_at(self, easting_m: Floats, northing_m: Floats) -> Points:
        """Give the points that `project_m` shows there (Snyder 1987, eqs. 14-9 to 14-11; 7-12 for the cylinder)."""
        cone = self.cone_constant_ratio
        if abs(cone) < _CONE_CONSTANT_MIN:
            turned_rad, isometric_latitude = easting_m / self.radius_factor_m, northing_m / self.radius_factor_m
        else:
            turned_rad = np.arctan2(math.copysign(1.0, cone) * easting_m, -math.copysign(1.0, cone) * northing_m) / cone
            radius_m = np.hypot(easting_m, northing_m)
            isometric_latitude = -np.log(radius_m * abs(cone) / self.radius_factor_m) / cone
        longitude_deg = np.mod(self.longitude_origin_deg + np.degrees(turned_rad) + 180.0, 360.0) - 180.0
        return Points(longitude_deg, _latitude_deg(isometric_latitude))

    def scale_ratio(self, latitude_deg: ArrayLike) -> Floats:
        """Give the length in the plane over the length on the ellipsoid, at a latitude (Snyder 1987, eq. 15-5)."""
        latitudes_deg = np.asarray(latitude_deg, dtype=np.float64)
        in_plane_m = self.radius_factor_m * np.exp(-self.cone_constant_ratio * _isometric_latitude(latitudes_deg))
        return in_plane_m / (SEMI_MAJOR_AXIS_M * _parallel_radius_ratio(latitudes_deg))

    @property
    def scale_error_ratio(self) -> float:
        """The largest departure of the scale from one inside the band (at its edges and near its middle)."""
        latitudes_deg = np.linspace(self.latitude_low_deg, self.latitude_high_deg, 33)
        return float(np.abs(self.scale_ratio(latitudes_deg) - 1.0).max())


def plane_for(points: Points, *, margin_deg: float = 0.0) -> EqualScalePlane:
    """Make the plane whose scale error is least over the band of latitudes that the points span, with a margin.

    The standard parallels stand `half band / sqrt(2)` from its middle: for parallels `a` radians from the middle the
    scale at `x` radians from it is `1 + (x^2 - a^2) / 2`, so this makes the errors at the middle and the edges equal.
    The band 44..53 degrees gives 0.16 %.
    """
    finite = np.isfinite(points.longitude_deg) & np.isfinite(points.latitude_deg)
    assert finite.any(), f"none of {len(points)} points has coordinates: there is no plane for them"
    longitude_deg, latitude_deg = points.longitude_deg[finite], points.latitude_deg[finite]
    if np.ptp(longitude_deg) > 180.0:  # drawn across the antimeridian
        longitude_deg = np.mod(longitude_deg, 360.0)
    low_deg = max(float(latitude_deg.min()) - margin_deg, -90.0)
    high_deg = min(float(latitude_deg.max()) + margin_deg, 90.0)
    middle_deg, offset_deg = (low_deg + high_deg) / 2.0, (high_deg - low_deg) / 2.0 / math.sqrt(2.0)
    cone, radius_factor_m = _cone(middle_deg - offset_deg, middle_deg + offset_deg)
    return EqualScalePlane(
        longitude_origin_deg=float(longitude_deg.min() + longitude_deg.max()) / 2.0,
        latitude_low_deg=low_deg,
        latitude_high_deg=high_deg,
        cone_constant_ratio=cone,
        radius_factor_m=radius_factor_m,
    )


def _cone(south_deg: float, north_deg: float) -> tuple[float, float]:
    """Give the cone constant `n` and `a F n` in metres for two standard parallels (Snyder 1987, eqs. 15-8, 15-10)."""
    limit_deg = _STANDARD_LATITUDE_MAX_DEG
    parallels_deg = np.clip([south_deg, north_deg], -limit_deg, limit_deg)
    isometric_latitude = _isometric_latitude(parallels_deg)
    parallel_radius_ratio = _parallel_radius_ratio(parallels_deg)
    width = float(isometric_latitude[1] - isometric_latitude[0])
    if width < 1e-6:  # one parallel only: n = sin(latitude)
        cone = math.sin(math.radians(float(parallels_deg[0])))
    else:
        cone = float(np.log(parallel_radius_ratio[0] / parallel_radius_ratio[1])) / width
    return cone, SEMI_MAJOR_AXIS_M * float(parallel_radius_ratio[0] * np.exp(cone * isometric_latitude[0]))


def _isometric_latitude(latitude_deg: Floats) -> Floats:
    """Give the isometric latitude, which is `-ln t` of Snyder 1987, eq. 15-9; `nan` outside (-90, 90) degrees."""
    inside = np.abs(latitude_deg) < 90.0
    sine = np.sin(np.radians(np.where(inside, latitude_deg, np.nan)))
    return np.arctanh(sine) - _ECCENTRICITY * np.arctanh(_ECCENTRICITY * sine)


def _latitude_deg(isometric_latitude: Floats) -> Floats:
    """Invert `_isometric_latitude`: each round brings the latitude nearer by a factor of more than 100."""
    sine = np.tanh(isometric_latitude)
    for _ in range(_LATITUDE_ROUNDS_COUNT):
        sine = np.tanh(isometric_latitude + _ECCENTRICITY * np.arctanh(_ECCENTRICITY * sine))
    return np.degrees(np.arcsin(sine))


def _parallel_radius_ratio(latitude_deg: Floats) -> Floats:
    """Give a parallel's radius over the semi-major axis (`m` of Snyder 1987, eq. 14-15)."""
    latitude_rad = np.radians(latitude_deg)
    return np.cos(latitude_rad) / np.sqrt(1.0 - _ECCENTRICITY_SQUARED * np.sin(latitude_rad) ** 2)
