"""The tile grid: how space and time are cut so that any machine, alone or one of many, says the same of every event.

The grid belongs to the algorithm and not to the deployment: two grids agree on nearly all events, not on all. So its id
stands in every row. A tile's answer is a pure function of the detections in its core and halo, in canonical order; an
event belongs to the tile in whose half-open core it lies.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.associate.network import Detections, Floats, Ints, Network
from truceline.associate.tile_rows import DetectionRows, taken
from truceline.model.quantity import canonical_bytes, content_id, require_between
from truceline.physics.geodesy import EqualScalePlane

NS_PER_S_COUNT = 1_000_000_000
STATIONS_MIN_COUNT = 4
"""Arrival times at three stations leave place and time of an event undetermined but for a tie; four can contradict."""

LINE_SPREAD_MAX_RATIO = 0.002
"""Stations whose spread across their line is less than this share of the spread along it stand on one line."""

Mask = NDArray[np.bool_]


def nanoseconds(seconds_s: float) -> int:
    """Give a duration in whole nanoseconds."""
    return round(seconds_s * NS_PER_S_COUNT)


class Tile(NamedTuple):
    """One cell of the grid: place and stretch of time counted from the origin. Tiles sort as these numbers do."""

    column_index: int
    row_index: int
    slab_index: int

    @property
    def tile_id(self) -> str:
        """The tile's name as it stands in rows."""
        return f"{self.column_index}.{self.row_index}.{self.slab_index}"


class TileGrid(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that cut space and time; `plane` is the map the metres are in, `None` for a plane that is given.

    Defaults: sound is followed over 25 km (75 s); with what competes for the same detections that makes a halo of 40
    km, 75 s before and 90 s after. The plane's scale error (0.16 % over nine degrees of latitude) is smooth, and
    looks to the engine like a sound speed that differs by as much, which its estimate of the medium absorbs.
    """

    plane: EqualScalePlane | None = None
    origin_x_m: float = 0.0
    origin_y_m: float = 0.0
    origin_time_ns: int = 0
    core_m: float = 300_000.0
    slab_s: float = 900.0
    halo_m: float = 40_000.0
    before_s: float = 75.0
    after_s: float = 90.0
    seam_m: float = 1_000.0
    seam_s: float = 2.0

    def __post_init__(self) -> None:
        """Check that a tile needs its neighbours at most, and that seams lie inside halos."""
        require_between("origin_x_m", self.origin_x_m, -1.0e8, 1.0e8)
        require_between("origin_y_m", self.origin_y_m, -1.0e8, 1.0e8)
        require_between("core_m", self.core_m, 1_000.0, 10_000_000.0)
        require_between("slab_s", self.slab_s, 1.0, 86_400.0)
        require_between("halo_m", self.halo_m, 0.0, 200_000.0)
        require_between("before_s", self.before_s, 0.0, 3_600.0)
        require_between("after_s", self.after_s, 0.0, 3_600.0)
        require_between("seam_m", self.seam_m, 0.0, min(self.halo_m, self.core_m / 4.0))
        require_between("seam_s", self.seam_s, 0.0, min(self.before_s, self.after_s, self.slab_s / 4.0))

    @property
    def grid_id(self) -> str:
        """The grid's name: the hash of its numbers."""
        return content_id("grid", canonical_bytes(self))

    @property
    def slab_ns(self) -> int:
        """The length of a slab in nanoseconds."""
        return nanoseconds(self.slab_s)

    @property
    def span(self) -> tuple[float, float]:
        """The time a tile's detections cover, in seconds after its slab's start."""
        return (-self.before_s, self.slab_s + self.after_s)

    def slab_start_ns(self, slab_index: int) -> int:
        """Give a slab's start in UTC nanoseconds."""
        return self.origin_time_ns + slab_index * self.slab_ns

    def slab_end_ns(self, slab_index: int) -> int:
        """Give a slab's end in UTC nanoseconds; it belongs to the next slab."""
        return self.slab_start_ns(slab_index + 1)

    def centre_m(self, column_index: int, row_index: int) -> tuple[float, float]:
        """Give the middle of a core, metres in the plane: the place a tile's coordinates are counted from."""
        return (
            self.origin_x_m + (column_index + 0.5) * self.core_m,
            self.origin_y_m + (row_index + 0.5) * self.core_m,
        )


def slabs_of(grid: TileGrid, time_ns: Ints) -> Ints:
    """Give the slab in which each time lies."""
    return (time_ns - grid.origin_time_ns) // grid.slab_ns


def slabs_needing(grid: TileGrid, time_ns: Ints) -> tuple[Ints, Ints]:
    """Give the first and last slab whose tiles need a detection of each time: in core, before or after."""
    since_ns = time_ns - grid.origin_time_ns
    last = (since_ns + nanoseconds(grid.before_s)) // grid.slab_ns
    first = (since_ns - nanoseconds(grid.after_s)) // grid.slab_ns
    return first, last


def tile_stations(grid: TileGrid, x_m: Floats, y_m: Floats) -> dict[tuple[int, int], Ints]:
    """Give, for each (column, row) whose core or halo holds stations, their indices in rising order."""
    edges = [
        np.floor((value_m + shift_m - origin_m) / grid.core_m).astype(np.int64)
        for value_m, origin_m in ((x_m, grid.origin_x_m), (y_m, grid.origin_y_m))
        for shift_m in (-grid.halo_m, grid.halo_m)
    ]
    found: dict[tuple[int, int], list[int]] = {}
    for station, (west, east, south, north) in enumerate(zip(*(edge.tolist() for edge in edges), strict=True)):
        for column in range(west, east + 1):
            for row in range(south, north + 1):
                found.setdefault((column, row), []).append(station)
    return {place: np.array(found[place], np.int64) for place in sorted(found)}


def owners_of(grid: TileGrid, x_m: Floats, y_m: Floats) -> tuple[Ints, Ints]:
    """Give column and row of the half-open core in which each place lies."""
    column = np.floor((x_m - grid.origin_x_m) / grid.core_m).astype(np.int64)
    row = np.floor((y_m - grid.origin_y_m) / grid.core_m).astype(np.int64)
    return column, row


def window_mask(grid: TileGrid, slab_index: int, time_ns: Ints) -> Mask:
    """Say which times lie in a slab or in the stretch before and after it."""
    start_ns = grid.slab_start_ns(slab_index) - nanoseconds(grid.before_s)
    end_ns = grid.slab_end_ns(slab_index) + nanoseconds(grid.after_s)
    return (time_ns >= start_ns) & (time_ns < end_ns)


def station_rows(rows: DetectionRows, stations: Ints, *, station_count: int) -> DetectionRows:
    """Give the rows of some stations, in their present order."""
    if len(stations) == station_count:
        return rows
    wanted = np.zeros(station_count, bool)
    wanted[stations] = True
    return taken(rows, wanted[rows.station_index])


def tile_network(network: Network, stations: Ints, *, centre_m: tuple[float, float]) -> Network:
    """Give the network of a tile: its stations, metres counted from the middle of the core."""
    local = Network._make(column[stations] for column in network)
    return local._replace(x_m=local.x_m - centre_m[0], y_m=local.y_m - centre_m[1])


def tile_detections(rows: DetectionRows, stations: Ints, *, start_ns: int) -> Detections:
    """Give a tile's rows as the engine takes them: stations counted in the tile, seconds after the slab's start."""
    return Detections(
        station_index=np.searchsorted(stations, rows.station_index).astype(np.int64),
        time_s=(rows.time_ns - start_ns) / NS_PER_S_COUNT,
        sigma_s=rows.sigma_s,
        bearing_deg=rows.bearing_deg,
        bearing_sigma_deg=rows.bearing_sigma_deg,
        amplitude_log10_ratio=rows.amplitude_log10_ratio,
        phase_index=rows.phase_index.astype(np.int64),
    )


class StationLine(NamedTuple):
    """The straight line on which all stations of a network stand: a point on it and its direction."""

    x_m: float
    y_m: float
    direction_x_ratio: float
    direction_y_ratio: float

    def mirrored_m(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """Give the places on the other side of the line from which sound reaches every station just as soon."""
        across_m = (y_m - self.y_m) * self.direction_x_ratio - (x_m - self.x_m) * self.direction_y_ratio
        return (
            x_m + 2.0 * across_m * self.direction_y_ratio,
            y_m - 2.0 * across_m * self.direction_x_ratio,
        )


def line_through(x_m: Floats, y_m: Floats) -> StationLine | None:
    """Give the line on which the stations stand, or `None` where they spread (principal axes, Pearson 1901)."""
    centre_x_m, centre_y_m = float(x_m.mean()), float(y_m.mean())
    east_m, north_m = x_m - centre_x_m, y_m - centre_y_m
    xx, yy, xy = float(east_m @ east_m), float(north_m @ north_m), float(east_m @ north_m)
    half_gap = math.hypot((xx - yy) / 2.0, xy)
    along, across = (xx + yy) / 2.0 + half_gap, max((xx + yy) / 2.0 - half_gap, 0.0)
    if across > LINE_SPREAD_MAX_RATIO**2 * along:
        return None
    angle_rad = 0.5 * math.atan2(2.0 * xy, xx - yy)
    return StationLine(centre_x_m, centre_y_m, math.cos(angle_rad), math.sin(angle_rad))
