"""The ground of a made-up theatre: a winding line, a drawing of it that errs in its own way, and both as coordinates.

Places are metres along and across a straight middle: across is positive on the first party's ground. Nothing here is
taken from the catalogue: the drawing errs smoothly along the line, and has not seen where ground was taken lately.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import numpy as np
import shapely

from truceline.attribute.control import METRES_PER_DEGREE_M, ControlField, control_field
from truceline.attribute.layout import Floats
from truceline.model.reference_line import DatedLine

PARTIES = ("A", "B")
"""Names of the two made-up parties; everything is drawn for both alike."""

MIDDLE_LATITUDE_DEG, MIDDLE_LONGITUDE_DEG = 47.5, 33.0
FIRST_DAY = date(2031, 3, 1)
REACH_M = 80_000.0
"""How far the line and the ground drawn behind it reach from the middle."""

STATED_SIGMA_M = 1_000.0
"""What the drawing says of its own error; its true error has heavier tails, see `_drawing_error`."""

BACK_DATED_M = 6_000.0
"""How far a back-dated drawing has the line from where it is now."""

Wave = tuple[float, float, float]
"""Amplitude in metres, length in metres, phase in radians."""

Bump = tuple[float, float, float]
"""Middle in metres along, half width in metres, height in metres: ground that the drawing has not seen taken."""

Spot = tuple[float, float]
"""Metres along and across the middle of the line."""


class Day(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One day: where the line truly is, how it was drawn, and what the drawing would be with an old date.

    `moved_fields`: the drawing with the line moved into the first party's ground, and into the second's,
    where that was asked for.
    `hearing_ratio`: how well sound carries that day; `array_bias_m`: what its atmosphere adds to every located sound.
    """

    line_date: date
    bearing_rad: float
    waves: tuple[Wave, ...]
    field: ControlField
    moved_fields: tuple[ControlField, ControlField] | None
    hearing_ratio: float
    array_bias_m: Spot

    def line_across_m(self, along_m: float) -> float:
        """Give where the line truly is."""
        return _wound(self.waves, along_m)

    def depth_m(self, spot: Spot) -> float:
        """Give how far a spot lies across the line, positive on the first party's ground."""
        return spot[1] - _wound(self.waves, spot[0])

    def holder_index(self, spot: Spot) -> int:
        """Give whose ground a spot truly is: 0 first, 1 second party."""
        return 0 if self.depth_m(spot) > 0.0 else 1

    def coordinates_deg(self, spot: Spot) -> tuple[float, float]:
        """Give latitude and longitude of a spot."""
        return _coordinates(self.bearing_rad, spot)

    def direction_deg(self, start: Spot, end: Spot) -> float:
        """Give the bearing from one spot to another, degrees from true north in [0, 360)."""
        east_m, north_m = _turned(self.bearing_rad, (end[0] - start[0], end[1] - start[1]))
        return math.degrees(math.atan2(east_m, north_m)) % 360.0


def make_days(pairs_count: int, chance: np.random.Generator, *, back_dated: bool) -> tuple[Day, ...]:
    """Make days in pairs, each pair with a line of its own in a direction of its own.

    The second of a pair is the first with the parties exchanged: events of one day share the errors of one drawing, and
    so neither party is favoured by which days were drawn. Old drawings are made where `back_dated`.
    """
    days: list[Day] = []
    for index in range(pairs_count):
        seed = int(chance.integers(2**63))
        days += [
            _make_day(FIRST_DAY + timedelta(days=2 * index + number), sign, np.random.default_rng(seed), back_dated)
            for number, sign in enumerate((1.0, -1.0))
        ]
    return tuple(days)


def _make_day(line_date: date, sign: float, chance: np.random.Generator, back_dated: bool) -> Day:
    bearing_rad = float(chance.uniform(0.0, 2.0 * math.pi))
    waves = tuple(
        (sign * amplitude, length, phase)
        for amplitude, length, phase in _waves(chance, amplitude_m=(600.0, 4_500.0), length_m=(14_000.0, 90_000.0))
    )
    error = _drawing_error(chance)

    def drawn(moved_m: float) -> ControlField:
        return _field(
            line_date,
            bearing_rad,
            lambda along_m: _wound_along(waves, along_m) + sign * error(along_m) + moved_m,
            party=PARTIES[0],
        )

    return Day(
        line_date=line_date,
        bearing_rad=bearing_rad,
        waves=waves,
        field=drawn(0.0),
        moved_fields=(drawn(BACK_DATED_M), drawn(-BACK_DATED_M)) if back_dated else None,
        hearing_ratio=float(chance.uniform(0.6, 1.08)),
        array_bias_m=(float(chance.normal(0.0, 180.0)), sign * float(chance.normal(0.0, 180.0))),
    )


def _waves(
    chance: np.random.Generator, *, amplitude_m: tuple[float, float], length_m: tuple[float, float]
) -> tuple[Wave, ...]:
    return tuple(
        (float(amplitude), float(length), float(chance.uniform(0.0, 2.0 * math.pi)))
        for amplitude, length in zip(chance.uniform(*amplitude_m, 5), chance.uniform(*length_m, 5), strict=True)
    )


def _wound(waves: tuple[Wave, ...], along_m: float) -> float:
    return sum(amplitude * math.sin(2.0 * math.pi * along_m / length + phase) for amplitude, length, phase in waves)


def _wound_along(waves: tuple[Wave, ...], along_m: Floats) -> Floats:
    ways = [amplitude * np.sin(2.0 * math.pi * along_m / length + phase) for amplitude, length, phase in waves]
    return np.asarray(sum(ways))


def _drawing_error(chance: np.random.Generator) -> Callable[[Floats], Floats]:
    """Draw how the drawing errs along the line: smooth error of about 800 m, and advances of 1 to 4 km not yet seen."""
    smooth = _waves(chance, amplitude_m=(200.0, 750.0), length_m=(4_000.0, 40_000.0))
    bumps: list[Bump] = [
        (
            float(chance.uniform(-50_000.0, 50_000.0)),
            float(chance.uniform(2_000.0, 6_000.0)),
            float(chance.uniform(1_000.0, 4_000.0) * chance.choice((-1.0, 1.0))),
        )
        for _ in range(int(chance.poisson(4.0)))
    ]

    def error(along_m: Floats) -> Floats:
        missed_m = sum(height * np.exp(-(((along_m - middle) / half) ** 2)) for middle, half, height in bumps)
        return _wound_along(smooth, along_m) + missed_m

    return error


def _turned(bearing_rad: float, way: Spot) -> tuple[float, float]:
    """Give east and north of a way along and across; across lies to the right of the line's bearing."""
    sine, cosine = math.sin(bearing_rad), math.cos(bearing_rad)
    return way[0] * sine + way[1] * cosine, way[0] * cosine - way[1] * sine


def _coordinates(bearing_rad: float, spot: Spot) -> tuple[float, float]:
    east_m, north_m = _turned(bearing_rad, spot)
    per_degree_m = METRES_PER_DEGREE_M * math.cos(math.radians(MIDDLE_LATITUDE_DEG))
    return MIDDLE_LATITUDE_DEG + north_m / METRES_PER_DEGREE_M, MIDDLE_LONGITUDE_DEG + east_m / per_degree_m


def _field(line_date: date, bearing_rad: float, line: Callable[[Floats], Floats], *, party: str) -> ControlField:
    """Lay the drawn ground of the first party out as a polygon and read it as any drawing is read.

    The drawn line stays the limit however far out: a polygon ends somewhere, and what lies beyond would be the other's.
    """
    steps_m = np.arange(-REACH_M, REACH_M + 1.0, 500.0)
    along, across = steps_m.tolist(), line(steps_m).tolist()
    edge = [_coordinates(bearing_rad, spot) for spot in zip(along, across, strict=True)]
    far = [_coordinates(bearing_rad, (entry, REACH_M)) for entry in (along[-1], along[0])]
    line_deg = [(longitude, latitude) for latitude, longitude in edge]
    held_deg = line_deg + [(longitude, latitude) for latitude, longitude in far]
    field = control_field(
        DatedLine(
            valid_date=line_date,
            held_by=party,
            held_wkb=shapely.to_wkb(shapely.Polygon(held_deg)),
            line_wkb=shapely.to_wkb(shapely.LineString(line_deg)),
            sigma_m=STATED_SIGMA_M,
            source_id="made_up_drawing",
            file_sha256="0" * 64,
        ),
        first_party=party,
    )
    assert field is not None, "a drawing with ground has a field"
    along_m, across_m = _spots_of_cells(field, bearing_rad)
    beyond = across_m > np.interp(along_m, along, across)
    size_m = np.abs(field.distances_m)
    return msgspec.structs.replace(field, distances_m=np.where(beyond, size_m, -size_m))


def _spots_of_cells(field: ControlField, bearing_rad: float) -> tuple[Floats, Floats]:
    """Give metres along and across of every cell of a raster."""
    rows_count, columns_count = field.distances_m.shape
    north_deg = field.south_deg + field.step_latitude_deg * np.arange(rows_count) - MIDDLE_LATITUDE_DEG
    east_deg = field.west_deg + field.step_longitude_deg * np.arange(columns_count) - MIDDLE_LONGITUDE_DEG
    east_m, north_m = np.meshgrid(
        east_deg * METRES_PER_DEGREE_M * math.cos(math.radians(MIDDLE_LATITUDE_DEG)), north_deg * METRES_PER_DEGREE_M
    )
    sine, cosine = math.sin(bearing_rad), math.cos(bearing_rad)
    return east_m * sine + north_m * cosine, east_m * cosine - north_m * sine
