"""The ground of a synthetic sensor network: where things are, the line of contact, and the stations with their faults.

Places are kept as `along_m` (along a geodesic, the line's mean course, from its middle) and `across_m` (along the
geodesic square to it, positive to the left hand, which is the second party's ground). Offsets between places are taken
from their longitudes and latitudes, so that no map projection enters the physics.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from truceline.testing.network_air import LEAD_S, MARGIN_M, Box, Floats
from truceline.testing.network_parameters import GroundParameters, NetworkParameters

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LINE_STEP_M = 1_000.0
WAVE_LENGTHS_KM = (137.0, 71.0, 43.0, 23.0)
DRAWING_WIDTH_M = 6_000.0
ACROSS_MARGIN_M = 40_000.0
STATION_FREE_M = 250.0
"""No station stands nearer than this to the line."""
STATION_CROWD_RATIO = 1.3
"""Exponent that draws stations towards the line: 1 spreads them evenly."""
EQUATOR_RADIUS_M = 6_378_137.0
ECCENTRICITY_SQUARED_RATIO = 6.69437999014e-3
"""WGS 84."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Turns (along, across) into longitude and latitude on WGS 84."""

    middle_longitude_deg: float
    middle_latitude_deg: float
    line_bearing_deg: float

    def to_degrees(self, along_m: Floats, across_m: Floats) -> tuple[Floats, Floats]:
        """Give longitude and latitude of places, degrees of shape (n,), rounded to about a centimetre."""
        geod = pyproj.Geod(ellps="WGS84")
        along_m, across_m = (np.asarray(value, dtype=np.float64) for value in (along_m, across_m))
        ones = np.ones(along_m.shape)
        longitude_deg, latitude_deg, back_deg = geod.fwd(
            self.middle_longitude_deg * ones,
            self.middle_latitude_deg * ones,
            np.where(along_m >= 0, self.line_bearing_deg, self.line_bearing_deg + 180.0),
            np.abs(along_m),
        )
        course_deg = np.where(along_m >= 0, np.asarray(back_deg) + 180.0, np.asarray(back_deg))
        square_deg = np.where(across_m >= 0, course_deg - 90.0, course_deg + 90.0)
        longitude_deg, latitude_deg, _ = geod.fwd(longitude_deg, latitude_deg, square_deg, np.abs(across_m))
        return np.round(np.asarray(longitude_deg), 7), np.round(np.asarray(latitude_deg), 7)


def offsets_m(start_deg: Floats, end_deg: Floats) -> tuple[Floats, Floats, Floats]:
    """Give east and north offsets in metres from start to end, and half the meridian convergence in degrees.

    Both ends are (longitude, latitude) in degrees, shape (2, n). By the mid-latitude formula: radii of curvature of WGS
    84 at the middle (Gauss; Rapp 1991, *Geometric Geodesy I*); its error is at most 1.2 m at 60 km up to 65 degrees.
    """
    middle_rad = np.deg2rad(0.5 * (start_deg[1] + end_deg[1]))
    turn_rad = np.deg2rad(end_deg[0] - start_deg[0])
    bend = 1.0 - ECCENTRICITY_SQUARED_RATIO * np.sin(middle_rad) ** 2
    east_m = EQUATOR_RADIUS_M / np.sqrt(bend) * np.cos(middle_rad) * turn_rad
    meridian_m = EQUATOR_RADIUS_M * (1.0 - ECCENTRICITY_SQUARED_RATIO) / bend**1.5
    north_m = meridian_m * np.deg2rad(end_deg[1] - start_deg[1])
    return east_m, north_m, np.degrees(0.5 * turn_rad * np.sin(middle_rad))


class ContactLine(msgspec.Struct, frozen=True, kw_only=True):
    """The true line and the line as drawn on the map: where each stands across, at points along."""

    grid_m: Floats
    true_m: Floats
    drawn_m: Floats

    def at(self, along_m: Floats) -> Floats:
        """Give where the true line stands across, metres, at places along it."""
        return np.interp(along_m, self.grid_m, self.true_m)

    def holder_role(self, along_m: Floats, across_m: Floats) -> Ints:
        """Say whose ground it truly is: 0 the first party's (right hand), 1 the second's (left hand)."""
        return (across_m > self.at(along_m)).astype(np.int64)

    def as_degrees(self, frame: Frame, *, drawn: bool) -> shapely.LineString:
        """Give the line as longitudes and latitudes."""
        across_m = self.drawn_m if drawn else self.true_m
        return shapely.LineString(np.stack(frame.to_degrees(self.grid_m, across_m), axis=1))


def draw_line(ground: GroundParameters, chance: np.random.Generator) -> ContactLine:
    """Draw the line's waves, and the map's error, which is smooth along it."""
    half_m = 0.5e3 * ground.line_length_km
    grid_m = np.arange(-half_m, half_m + 0.5 * LINE_STEP_M, LINE_STEP_M)
    phases_rad = chance.uniform(0.0, 2.0 * np.pi, len(WAVE_LENGTHS_KM))
    true_m = np.zeros(grid_m.size)
    for order, (length_km, phase_rad) in enumerate(zip(WAVE_LENGTHS_KM, phases_rad, strict=True)):
        height_m = 1e3 * ground.line_wave_km / 2.0**order
        true_m += height_m * np.sin(2.0 * np.pi * grid_m / (length_km * 1e3) + phase_rad)
    reach = int(3 * DRAWING_WIDTH_M / LINE_STEP_M)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * LINE_STEP_M / DRAWING_WIDTH_M) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    error = np.convolve(chance.normal(0.0, 1.0, grid_m.size + 2 * reach), kernel, mode="valid")
    return ContactLine(grid_m=grid_m, true_m=true_m, drawn_m=true_m + 1e3 * ground.drawing_error_km * error)


def theatre_box(parameters: NetworkParameters) -> Box:
    """Give the space and time that the theatre's fields must cover."""
    ground = parameters.ground
    half_m = 0.5e3 * ground.line_length_km + MARGIN_M
    deep_m = 1e3 * (ground.station_half_width_km + 2.0 * ground.line_wave_km) + ACROSS_MARGIN_M
    return Box(along_m=(-half_m, half_m), across_m=(-deep_m, deep_m), time_s=(-LEAD_S, parameters.length_s + LEAD_S))


class Places(NamedTuple):
    """Points of the ground, shape (n,): along and across in metres, longitude and latitude in degrees."""

    along_m: Floats
    across_m: Floats
    longitude_deg: Floats
    latitude_deg: Floats

    @property
    def in_plane(self) -> Floats:
        """The places as (along, across), shape (2, n)."""
        return np.stack([self.along_m, self.across_m])

    @property
    def in_degrees(self) -> Floats:
        """The places as (longitude, latitude), shape (2, n)."""
        return np.stack([self.longitude_deg, self.latitude_deg])

    def taken(self, index: Ints | Bools) -> Places:
        """Give some of them."""
        return Places._make(column[index] for column in self)


def places_of(frame: Frame, along_m: Floats, across_m: Floats) -> Places:
    """Give points with their longitudes and latitudes."""
    longitude_deg, latitude_deg = frame.to_degrees(along_m, across_m)
    return Places(along_m=along_m, across_m=across_m, longitude_deg=longitude_deg, latitude_deg=latitude_deg)


def station_places(
    parameters: NetworkParameters, line: ContactLine, frame: Frame, *, chance: np.random.Generator
) -> Places:
    """Set stations in a shaken grid on either ground, denser towards the line, and number them along it."""
    ground = parameters.ground
    count = parameters.stations.station_count
    second_count = round(count * parameters.stations.second_ground_share)
    along, across = [], []
    for hand, wanted in ((-1.0, count - second_count), (1.0, second_count)):
        length_m, width_m = 1e3 * ground.line_length_km, 1e3 * ground.station_half_width_km
        side_m = np.sqrt(length_m * width_m / max(wanted, 1))
        rows = max(1, round(width_m / side_m))
        columns = int(np.ceil(wanted / rows)) + 1
        chosen = chance.permutation(rows * columns)[:wanted]
        shake = chance.uniform(0.1, 0.9, (2, wanted))
        along.append((chosen % columns + shake[0]) / columns * length_m - 0.5 * length_m)
        depth_share = (chosen // columns + shake[1]) / rows
        across.append(hand * (STATION_FREE_M + (width_m - STATION_FREE_M) * depth_share**STATION_CROWD_RATIO))
    along_m, depth_m = np.concatenate(along), np.concatenate(across)
    order = np.argsort(along_m, kind="stable")
    return places_of(frame, along_m[order], (depth_m + line.at(along_m))[order])
