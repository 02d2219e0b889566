"""The air and the hills of a synthetic sensor network: smooth random fields, wind, sound speed, shadow, travel times.

All fields are functions of place (`along_m`, `across_m`) and time (`time_s` after the theatre's start), drawn on a
lattice and interpolated linearly, so that anything can be asked anywhere with whole columns.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from truceline.testing.network_parameters import AirParameters, NetworkParameters

Floats = npt.NDArray[np.float64]

NODES_PER_WIDTH_COUNT = 3
"""Lattice nodes in one correlation width: linear interpolation then loses under 6 % of the variance."""
KERNEL_REACH_RATIO = 2.1
"""How far a lattice kernel reaches, in correlation widths: three of its own standard deviations."""
SOUND_SPEED_20_C_M_PER_S = 343.2
"""Speed of sound in air of 20 degrees; ISO 9613-1:1993, eq. A.5."""
KELVIN_OFFSET_K = 273.15
MARGIN_M = 60_000.0
"""How far beyond the line's ends the fields are drawn."""
LEAD_S = 240.0
"""How long before the theatre's start things begin, so that their sound is under way when it starts."""
PATH_SHARES = (0.0, 0.5, 1.0)
PATH_WEIGHTS = (1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0)
"""Simpson's rule: where along a path the air is asked, and what each answer counts."""
SHADOW_SHARES = tuple((step + 1) / 12.0 for step in range(11))
"""Where along a path the ground is asked."""
SOURCE_HEIGHT_M, SENSOR_HEIGHT_M = 2.0, 4.0
SHADOW_MAX_DB = 24.0
"""Most that a ridge takes away: turbulence scatters sound over it (ISO 9613-2:1996, 7.4, gives 20 to 25 dB)."""
WIND_GAIN_MAX_DB = 12.0


class Box(NamedTuple):
    """The space and time that a field covers: least and most of along and across (metres) and of time (seconds)."""

    along_m: tuple[float, float]
    across_m: tuple[float, float]
    time_s: tuple[float, float]


class SmoothField(NamedTuple):
    """A Gaussian random field of mean 0 and variance 1 on a lattice.

    `values` has shape (along, across, time); `low` and `step` are the first node and the nodes' distance, in metres,
    metres and seconds, shape (3,).
    """

    values: Floats
    low: Floats
    step: Floats

    def at(self, along_m: Floats, across_m: Floats, time_s: Floats) -> Floats:
        """Interpolate at places and times, arrays of shape (n,); outside the box the nearest edge holds."""
        from scipy.ndimage import map_coordinates

        asked = np.stack(np.broadcast_arrays(along_m, across_m, time_s)).astype(np.float64)
        nodes = (asked - self.low[:, None]) / self.step[:, None]
        return np.asarray(map_coordinates(self.values, nodes, order=1, mode="nearest"))


def draw_field(chance: np.random.Generator, box: Box, *, width_m: float, width_s: float) -> SmoothField:
    """Draw a field whose correlation falls as exp(-(d / width)^2 / 2), by smoothing white noise with a Gaussian.

    Noise smoothed with exp(-x^2 / w^2) has that correlation; the kernel's squares sum to 1, so the variance stays 1.
    """
    from scipy.ndimage import convolve1d

    widths = (width_m, width_m, width_s)
    steps = tuple(width / NODES_PER_WIDTH_COUNT for width in widths)
    reach = int(np.ceil(NODES_PER_WIDTH_COUNT * KERNEL_REACH_RATIO))
    kernel = np.exp(-((np.arange(-reach, reach + 1) / NODES_PER_WIDTH_COUNT) ** 2))
    kernel /= np.sqrt(np.sum(kernel**2))
    sizes = [int(np.ceil((high - low) / step)) + 2 for (low, high), step in zip(box, steps, strict=True)]
    values = chance.normal(0.0, 1.0, [size + 2 * reach for size in sizes])
    for axis in range(3):
        smoothed = convolve1d(values, kernel, axis=axis, mode="nearest")
        values = np.take(smoothed, np.arange(reach, reach + sizes[axis]), axis=axis)
    return SmoothField(values=values, low=np.array([low for low, _ in box]), step=np.array(steps))


class WindForecast(NamedTuple):
    """What a forecast says of the mean wind over the whole theatre and its time."""

    east_m_per_s: float
    north_m_per_s: float


class Air(msgspec.Struct, frozen=True, kw_only=True):
    """Wind, temperature and all else that the air does to sound; `mean_wind` and `shift_wind` are (east, north)."""

    parameters: AirParameters
    length_s: float
    mean_wind: Floats
    shift_wind: Floats
    forecast_wind: WindForecast
    wind_fields: tuple[tuple[SmoothField, SmoothField], tuple[SmoothField, SmoothField]]
    temperature_field: SmoothField
    path_fields: tuple[SmoothField, SmoothField]

    def wind(self, along_m: Floats, across_m: Floats, time_s: Floats) -> tuple[Floats, Floats]:
        """Give the wind's east and north components in metres per second at places and times, shape (n,)."""
        parts = []
        share = time_s / self.length_s - 0.5
        for axis, (large, small) in enumerate(self.wind_fields):
            part = self.mean_wind[axis] + self.shift_wind[axis] * share
            part = part + self.parameters.wind_variation_m_per_s * large.at(along_m, across_m, time_s)
            part = part + self.parameters.wind_small_variation_m_per_s * small.at(along_m, across_m, time_s)
            parts.append(part)
        return parts[0], parts[1]

    def sound_speed(self, along_m: Floats, across_m: Floats, time_s: Floats) -> Floats:
        """Give the speed of sound in still air, metres per second, from the temperature there (ISO 9613-1)."""
        variation = self.parameters.temperature_variation_k * self.temperature_field.at(along_m, across_m, time_s)
        temperature = self.parameters.temperature_c + variation
        kelvin_ratio = (temperature + KELVIN_OFFSET_K) / (20.0 + KELVIN_OFFSET_K)
        return np.asarray(SOUND_SPEED_20_C_M_PER_S * np.sqrt(kelvin_ratio))

    def path_error(self, start: Floats, end: Floats, time_s: Floats) -> Floats:
        """Give the smooth part of a path's relative travel-time error; `start` and `end` have shape (2, n).

        It is asked at the path's middle and near its end, so that neighbouring stations share most of it and events
        from the same place share it too: it does not average out.
        """
        middle, late = 0.5 * (start + end), 0.15 * start + 0.85 * end
        near, far = self.path_fields
        total = near.at(middle[0], middle[1], time_s) + far.at(late[0], late[1], time_s)
        return np.asarray(self.parameters.path_error_smooth_ratio * total / np.sqrt(2.0))


def draw_air(parameters: NetworkParameters, box: Box, chance: np.random.Generator) -> Air:
    """Draw the air over the theatre; the direction of the mean wind is drawn too."""
    air = parameters.air
    mean, east, north, heat, path = chance.spawn(5)
    angle_rad, turn_rad = mean.uniform(0.0, 2.0 * np.pi, 2)
    mean_wind = air.wind_mean_m_per_s * np.array([np.sin(angle_rad), np.cos(angle_rad)])
    shift_wind = air.wind_shift_m_per_s * np.array([np.sin(turn_rad), np.cos(turn_rad)])
    error = air.wind_forecast_error_m_per_s * mean.normal(0.0, 1.0, 2)
    forecast = mean_wind + error
    large = (air.field_width_km * 1e3, air.field_minutes * 60.0)
    small = (air.field_small_width_km * 1e3, air.field_small_minutes * 60.0)
    scales = [
        tuple(
            draw_field(stream, box, width_m=width_m, width_s=width_s)
            for stream, (width_m, width_s) in zip(parent.spawn(2), (large, small), strict=True)
        )
        for parent in (east, north)
    ]
    width_m, width_s = air.path_error_width_km * 1e3, air.field_minutes * 60.0
    near, far = (draw_field(stream, box, width_m=width_m, width_s=width_s) for stream in path.spawn(2))
    return Air(
        parameters=air,
        length_s=parameters.length_s,
        mean_wind=mean_wind,
        shift_wind=shift_wind,
        forecast_wind=WindForecast(east_m_per_s=float(forecast[0]), north_m_per_s=float(forecast[1])),
        wind_fields=((scales[0][0], scales[0][1]), (scales[1][0], scales[1][1])),
        temperature_field=draw_field(heat, box, width_m=large[0], width_s=large[1]),
        path_fields=(near, far),
    )


class PathAir(NamedTuple):
    """The air along paths, averaged: wind east and north, and speed of sound, metres per second, shape (n,)."""

    wind_east: Floats
    wind_north: Floats
    sound_speed: Floats


def along_paths(air: Air, start: Floats, end: Floats, *, time_s: Floats) -> PathAir:
    """Average the air along straight paths from `start` to `end`, both (along, across) of shape (2, n) in metres."""
    east, north, speed = (np.zeros(time_s.size) for _ in range(3))
    for share, weight in zip(PATH_SHARES, PATH_WEIGHTS, strict=True):
        place = start + share * (end - start)
        wind_east, wind_north = air.wind(place[0], place[1], time_s)
        east += weight * wind_east
        north += weight * wind_north
        speed += weight * air.sound_speed(place[0], place[1], time_s)
    return PathAir(wind_east=east, wind_north=north, sound_speed=speed)


def travel_time_s(east_m: Floats, north_m: Floats, air: PathAir) -> Floats:
    """Give the time T that sound takes over an offset D in a uniform wind w: |D - w T| = c T.

    A wave front is a sphere that grows with c and is carried along with w (Pierce 1989, *Acoustics*, section 8-1);
    T solves (c^2 - w^2) T^2 + 2 (D.w) T - D^2 = 0. Offsets in metres of shape (n,), seconds of shape (n,).
    """
    quadratic = air.sound_speed**2 - air.wind_east**2 - air.wind_north**2
    assert np.all(quadratic > 0), "the wind is slower than sound"
    linear = east_m * air.wind_east + north_m * air.wind_north
    square = east_m**2 + north_m**2
    return np.asarray((-linear + np.sqrt(linear**2 + quadratic * square)) / quadratic)


def arrival_bearing_deg(east_m: Floats, north_m: Floats, air: PathAir, *, wind_ratio: float = 1.0) -> Floats:
    """Give the direction, from north, in which an array sees the source: square to the wave front, not along the ray.

    The front's normal is n = (D / T - w) / c, so a wind across the path turns the bearing by about w / c (Pierce 1989,
    section 8-1). `wind_ratio` 0 gives the true direction. Offsets are from source to station.
    """
    travel_s = np.maximum(travel_time_s(east_m, north_m, air), 1e-9)
    normal_east = east_m / travel_s - wind_ratio * air.wind_east
    normal_north = north_m / travel_s - wind_ratio * air.wind_north
    return np.asarray(np.degrees(np.arctan2(-normal_east, -normal_north)) % 360.0)


def wind_gain_db(along_wind_m_per_s: Floats, distance_m: Floats, *, gain_ratio: float) -> Floats:
    """Give what the wind along a path adds to the level: downwind sound bends down, upwind it is lost in shadow.

    `gain_ratio` decibels for each metre per second, grown in over 5 km, at most 12 dB either way: the size, not the
    detail, of what Embleton 1996 (*J. Acoust. Soc. Am.* 100, 31) shows.
    """
    grown = 1.0 - np.exp(-distance_m / 5_000.0)
    return np.clip(gain_ratio * along_wind_m_per_s * grown, -WIND_GAIN_MAX_DB, WIND_GAIN_MAX_DB)


class Hills(msgspec.Struct, frozen=True, kw_only=True):
    """The ground's height: winding ridges where a smooth random field goes through zero."""

    field: SmoothField
    ridge_height_m: float

    def height_m(self, along_m: Floats, across_m: Floats) -> Floats:
        """Give the ground's height at places, metres, shape (n,)."""
        value = self.field.at(along_m, across_m, np.zeros(np.shape(along_m)))
        return np.asarray(self.ridge_height_m * np.exp(-((value / 0.35) ** 2)))

    def detour_m(self, start: Floats, end: Floats, distance_m: Floats) -> Floats:
        """Give how much longer than the straight line the way over the highest ridge between is, 0 where it is free.

        For an edge h above the line of sight, d1 and d2 from the ends: h^2 / 2 (1 / d1 + 1 / d2) (Fresnel).
        """
        low_m = self.height_m(start[0], start[1]) + SOURCE_HEIGHT_M
        high_m = self.height_m(end[0], end[1]) + SENSOR_HEIGHT_M
        most_m = np.zeros(distance_m.size)
        for share in SHADOW_SHARES:
            place = start + share * (end - start)
            above_m = self.height_m(place[0], place[1]) - (low_m + share * (high_m - low_m))
            detour_m = 0.5 * above_m**2 / np.maximum(distance_m * share * (1.0 - share), 1.0)
            np.maximum(most_m, np.where(above_m > 0, detour_m, 0.0), out=most_m)
        return most_m


def draw_hills(parameters: NetworkParameters, box: Box, chance: np.random.Generator) -> Hills:
    """Draw the ridges; they do not change with time."""
    flat = box._replace(time_s=(0.0, 0.0))
    field = draw_field(chance, flat, width_m=parameters.ground.ridge_width_km * 1e3, width_s=1.0)
    return Hills(field=field, ridge_height_m=parameters.ground.ridge_height_m)


def shadow_db(detour_m: Floats, wavelength_m: Floats) -> Floats:
    """Give what a ridge takes from the level: 10 log10(3 + 20 N), N = 2 detour / wavelength.

    The usual fit to Maekawa 1968 (*Applied Acoustics* 1, 157); ISO 9613-2:1996, eq. 14, with C2 = 40. 0 where nothing
    stands between; `detour_m` and `wavelength_m` in metres, shape (n,).
    """
    fresnel_ratio = 2.0 * detour_m / wavelength_m
    loss_db = np.minimum(10.0 * np.log10(3.0 + 20.0 * fresnel_ratio), SHADOW_MAX_DB)
    return np.asarray(np.where(detour_m > 0, loss_db, 0.0))
