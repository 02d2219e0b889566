"""Places on WGS 84 as vectors in metres: there is no date line in space, and no pole.

A straight chord of 200 km is shorter than the way over the ground by 0.004 % (`c = d (1 - d^2 / 24 R^2)`), so vectors
find what is nearest anywhere on Earth; the small rest is put right by the radius of curvature (`ground_m`).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.assess.zone_columns import Floats
from truceline.physics.geodesy import FLATTENING_RATIO, SEMI_MAJOR_AXIS_M

_A = SEMI_MAJOR_AXIS_M
_E2 = FLATTENING_RATIO * (2.0 - FLATTENING_RATIO)
_B = _A * (1.0 - FLATTENING_RATIO)


def vectors_m(longitude_deg: Floats, latitude_deg: Floats) -> Floats:
    """Give places on the ellipsoid as vectors [N, 3] from its middle (Snyder 1987, p. 90, height 0)."""
    up = up_vectors(longitude_deg, latitude_deg)
    across_m = _A / np.sqrt(1.0 - _E2 * up[:, 2] ** 2)
    vectors: Floats = up * across_m[:, None] * np.array([1.0, 1.0, 1.0 - _E2])
    return vectors


def up_vectors(longitude_deg: Floats, latitude_deg: Floats) -> Floats:
    """Give the unit vectors [N, 3] that point straight up."""
    east_rad, north_rad = np.radians(longitude_deg), np.radians(latitude_deg)
    level = np.cos(north_rad)
    return np.column_stack([level * np.cos(east_rad), level * np.sin(east_rad), np.sin(north_rad)])


def geodetic_deg(vectors: Floats) -> tuple[Floats, Floats]:
    """Give longitude and latitude of places whose vectors [N, 3] end on the ellipsoid."""
    level_m = np.hypot(vectors[:, 0], vectors[:, 1])
    latitude_deg = np.degrees(np.arctan2(vectors[:, 2], (1.0 - _E2) * level_m))
    return np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])), latitude_deg


@njit(cache=True)
def frame_at(longitude_deg: float, latitude_deg: float, frame: Floats) -> float:
    """Fill `frame` (4 x 3) with a place (m) and its unit vectors east, north and up; give its radius of curvature (m).

    The radius is Gauss's mean one, `a sqrt(1 - e^2) / (1 - e^2 sin^2 latitude)`.
    """
    east_rad, north_rad = math.radians(longitude_deg), math.radians(latitude_deg)
    sin_e, cos_e = math.sin(east_rad), math.cos(east_rad)
    sin_n, cos_n = math.sin(north_rad), math.cos(north_rad)
    squeeze = 1.0 - _E2 * sin_n * sin_n
    across = _A / math.sqrt(squeeze)
    frame[0, 0], frame[0, 1], frame[0, 2] = across * cos_n * cos_e, across * cos_n * sin_e, across * (1.0 - _E2) * sin_n
    frame[1, 0], frame[1, 1], frame[1, 2] = -sin_e, cos_e, 0.0
    frame[2, 0], frame[2, 1], frame[2, 2] = -sin_n * cos_e, -sin_n * sin_e, cos_n
    frame[3, 0], frame[3, 1], frame[3, 2] = cos_n * cos_e, cos_n * sin_e, sin_n
    return _B / squeeze


@njit(cache=True)
def frame_beside(frame: Floats, radius: float, east: float, north: float, beside: Floats) -> tuple[float, float]:
    """Fill `beside` with the frame of the place some metres east and north of a frame's; give longitude and latitude.

    The way is laid on the sphere of that radius and the place then put back on the ellipsoid along its normal's
    meridian: 60 km away it is off by less than 0.1 % of the way.
    """
    way = math.hypot(east, north)
    if way == 0.0:
        ahead, drop = 1.0, 0.0
    else:
        ahead = math.sin(way / radius) * radius / way
        drop = radius * (1.0 - math.cos(way / radius))
    x = frame[0, 0] + ahead * (east * frame[1, 0] + north * frame[2, 0]) - drop * frame[3, 0]
    y = frame[0, 1] + ahead * (east * frame[1, 1] + north * frame[2, 1]) - drop * frame[3, 1]
    z = frame[0, 2] + ahead * (east * frame[1, 2] + north * frame[2, 2]) - drop * frame[3, 2]
    longitude = math.degrees(math.atan2(y, x))
    latitude = math.degrees(math.atan2(z, (1.0 - _E2) * math.hypot(x, y)))
    frame_at(longitude, latitude, beside)
    return longitude, latitude


@njit(cache=True)
def ground_m(chord: float, radius: float) -> float:
    """Give the way over the ground (m) for a chord (m): `2 R asin(c / 2R)`."""
    return 2.0 * radius * math.asin(min(1.0, 0.5 * chord / radius))
