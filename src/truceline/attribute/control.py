"""Who held which ground on a day: the drawn line as a raster of signed distances, made once and asked many times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import msgspec
import numpy as np
import shapely
from numpy.typing import ArrayLike

from truceline.attribute.layout import Fields, Flags, Floats
from truceline.model.reference_line import DatedLine

METRES_PER_DEGREE_M = 111_195.0
"""One degree of latitude on a sphere of 6,371 km."""

CELL_M = 2_000.0
"""Side of a raster's cell; between cells the distance is interpolated."""

REACH_LEAST_M = 12_000.0
"""Beyond this from the line, distances are cut off: nobody doubts there who holds the ground."""

REACH_SIGMA_RATIO = 6.0
"""And never nearer than so many of the line's own sigma."""

MARGIN_LEAST_M = 60_000.0
"""A raster reaches at least so far beyond what was drawn; beyond it the ground is nobody's."""

DEPTH_MOST_M = 300_000.0
"""And at most so far."""

CELL_MOST_COUNT = 4_000_000
"""A raster of more cells is a mistake in the line's coordinates."""


class ControlField(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One day's raster: metres from the line, positive on the first party's ground; rows run north, columns east.

    0 means the line itself, or ground of which nothing was drawn: there either party is as likely to be.
    """

    distances_m: Floats
    west_deg: float
    south_deg: float
    step_longitude_deg: float
    step_latitude_deg: float
    sigma_m: float
    line_date: date

    def signed_distance_m(self, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> Floats:
        """Give distances at points, by the four cells around each; cut off at the reach, 0 beyond the raster."""
        return _sampled(self, np.asarray(longitude_deg, dtype=np.float64), np.asarray(latitude_deg, dtype=np.float64))


def _sampled(field: ControlField, longitude_deg: Floats, latitude_deg: Floats) -> Floats:
    rows_count, columns_count = field.distances_m.shape
    asked_x = (longitude_deg - field.west_deg) / field.step_longitude_deg
    asked_y = (latitude_deg - field.south_deg) / field.step_latitude_deg
    x, y = np.clip(asked_x, 0.0, columns_count - 1.000001), np.clip(asked_y, 0.0, rows_count - 1.000001)
    inside = (np.abs(x - asked_x) < 1e-5) & (np.abs(y - asked_y) < 1e-5)
    column, row = x.astype(np.int64), y.astype(np.int64)
    fx, fy = x - column, y - row
    south = field.distances_m[row, column] * (1.0 - fx) + field.distances_m[row, column + 1] * fx
    north = field.distances_m[row + 1, column] * (1.0 - fx) + field.distances_m[row + 1, column + 1] * fx
    return np.where(inside, south * (1.0 - fy) + north * fy, 0.0)


def control_field(line: DatedLine, *, first_party: str, home: Sequence[tuple[str, bytes]] = ()) -> ControlField | None:
    """Make the raster of one day's line, or `None` where no ground was drawn.

    `home` is ground nobody disputes (party, WKB): a drawing of ground held abroad does not show the holder's own
    country. Ground of the holder joins what was drawn. A drawing ends somewhere, and what lies beyond its end is not
    the other's for that: see `_ground_of`.
    """
    if line.held_wkb is None:
        return None
    held = shapely.from_wkb(line.held_wkb)
    joined = shapely.union_all([held, *(shapely.from_wkb(wkb) for party, wkb in home if party == line.held_by)])
    drawn = shapely.from_wkb(line.line_wkb) if line.line_wkb is not None else shapely.boundary(held)
    sign = 1.0 if line.held_by == first_party else -1.0
    return _raster(joined, drawn, sign=sign, line=line)


def _raster(held: shapely.Geometry, drawn: shapely.Geometry, *, sign: float, line: DatedLine) -> ControlField:
    from truceline.attribute.raster import fill_distances, fill_ground

    frame, (rows_count, columns_count) = _frame(held, drawn, line)
    reach_m = max(REACH_LEAST_M, REACH_SIGMA_RATIO * line.sigma_m)
    distances_m = np.full((rows_count, columns_count), reach_m)
    fill_distances(_edges(drawn), frame, distances_m)
    ground = np.zeros((rows_count, columns_count), dtype=np.bool_)
    fill_ground(_edges(shapely.boundary(held)), frame, ground)
    edge_m = np.full((rows_count, columns_count), 2.0 * CELL_M)
    fill_distances(_edges(_away_from(shapely.boundary(held), drawn)), frame, edge_m)
    tip_m = np.full((rows_count, columns_count), 2.0 * CELL_M)
    tips = shapely.get_coordinates(shapely.boundary(shapely.line_merge(drawn)))
    fill_distances(np.column_stack([tips, tips]), frame, tip_m)
    whose = _ground_of(ground, distances_m < CELL_M, (edge_m < CELL_M, tip_m < 1.5 * CELL_M))
    return ControlField(
        distances_m=sign * whose * distances_m,
        west_deg=float(frame[0]),
        south_deg=float(frame[1]),
        step_longitude_deg=float(frame[2]),
        step_latitude_deg=float(frame[3]),
        sigma_m=line.sigma_m,
        line_date=line.valid_date,
    )


def _frame(held: shapely.Geometry, drawn: shapely.Geometry, line: DatedLine) -> tuple[Floats, tuple[int, int]]:
    """Give west, south and both steps in degrees, and how many rows and columns cover what was drawn and its margin."""
    bounds = shapely.total_bounds([held, drawn])
    middle_rad = math.radians(min(80.0, abs(float(bounds[1]) + float(bounds[3])) / 2.0))
    step_latitude_deg = CELL_M / METRES_PER_DEGREE_M
    step_longitude_deg = step_latitude_deg / math.cos(middle_rad)
    size_m = METRES_PER_DEGREE_M * max(
        float(bounds[3] - bounds[1]), float(bounds[2] - bounds[0]) * math.cos(middle_rad)
    )
    margin_count = math.ceil(min(DEPTH_MOST_M, max(MARGIN_LEAST_M, size_m)) / CELL_M)
    west_deg = float(bounds[0]) - margin_count * step_longitude_deg
    south_deg = float(bounds[1]) - margin_count * step_latitude_deg
    rows_count = math.ceil((float(bounds[3]) - south_deg) / step_latitude_deg) + margin_count + 1
    columns_count = math.ceil((float(bounds[2]) - west_deg) / step_longitude_deg) + margin_count + 1
    if rows_count * columns_count > CELL_MOST_COUNT:
        raise ValueError(
            f"cells={rows_count * columns_count} of line {line.valid_date} is outside [0, {CELL_MOST_COUNT}]"
        )
    return np.array([west_deg, south_deg, step_longitude_deg, step_latitude_deg]), (rows_count, columns_count)


def _away_from(boundary: shapely.Geometry, drawn: shapely.Geometry) -> shapely.Geometry:
    """Give where the drawing of held ground ends without a contact line: the rest of its boundary."""
    return shapely.difference(boundary, shapely.buffer(drawn, CELL_M / METRES_PER_DEGREE_M))


def _ground_of(ground: Flags, on_line: Flags, ends: tuple[Flags, Flags]) -> Floats:
    """Give whose each cell is: 1 the holder's, -1 the other's, 0 nobody's that was drawn.

    `ends`: cells on the edge of the drawing that is no contact line, and at the tips of that line. Drawn ground is the
    holder's. Other ground is the other's where the contact line is nearer than the edge and runs past it (its nearest
    cell is no tip), and only so deep behind the line that it is as large as the holder's (12 km at least): else whoever
    drew less of his own land would be favoured. A drawing of one party's ground, and one as large of what lies across,
    say the same of both. Distances are between cells (Euclidean distance transform).
    """
    from scipy.ndimage import distance_transform_edt

    if not on_line.any():
        return np.where(ground, 1.0, 0.0)
    on_edge, on_tip = ends
    from_line, nearest = distance_transform_edt(~on_line, return_indices=True)
    from_edge = distance_transform_edt(~on_edge) if on_edge.any() else np.full(ground.shape, np.inf)
    across = ~ground & ~on_tip[nearest[0], nearest[1]] & (from_line < from_edge)
    depths = np.sort(from_line[across])
    as_large = float(depths[min(len(depths), int(ground.sum())) - 1]) if len(depths) else 0.0
    across &= from_line <= max(REACH_LEAST_M / CELL_M, as_large)
    return np.where(ground, 1.0, np.where(across, -1.0, 0.0))


def _edges(lines: shapely.Geometry) -> Floats:
    """Give the straight pieces of lines: (pieces, 4) of start and end in degrees."""
    parts = shapely.get_parts(lines)
    corners, owners = shapely.get_coordinates(parts, return_index=True)
    same = owners[1:] == owners[:-1]
    return np.ascontiguousarray(np.column_stack([corners[:-1], corners[1:]])[same])


def straight_field(
    *, latitude_deg: float, longitude_deg: float, bearing_deg: float, sigma_m: float, line_date: date
) -> ControlField:
    """Make the raster of a straight line through a place; the first party's ground lies to the right of its bearing.

    For made-up theatres and tests: 600 km each way.
    """
    half_count = 300
    step_latitude_deg = CELL_M / METRES_PER_DEGREE_M
    step_longitude_deg = step_latitude_deg / math.cos(math.radians(latitude_deg))
    offsets_m = (np.arange(2 * half_count + 1) - half_count) * CELL_M
    along_rad = math.radians(bearing_deg)
    east_m, north_m = np.meshgrid(offsets_m, offsets_m)
    reach_m = max(REACH_LEAST_M, REACH_SIGMA_RATIO * sigma_m)
    across_m = east_m * math.cos(along_rad) - north_m * math.sin(along_rad)
    return ControlField(
        distances_m=np.clip(across_m, -reach_m, reach_m),
        west_deg=longitude_deg - half_count * step_longitude_deg,
        south_deg=latitude_deg - half_count * step_latitude_deg,
        step_longitude_deg=step_longitude_deg,
        step_latitude_deg=step_latitude_deg,
        sigma_m=sigma_m,
        line_date=line_date,
    )


def bare_field(line: DatedLine) -> ControlField:
    """Give a field that knows the line's uncertainty and nothing of the ground: for places whose distance is given."""
    return ControlField(
        distances_m=np.zeros((2, 2)),
        west_deg=0.0,
        south_deg=0.0,
        step_longitude_deg=1.0,
        step_latitude_deg=1.0,
        sigma_m=line.sigma_m,
        line_date=line.valid_date,
    )


def exchanged_field(field: ControlField) -> ControlField:
    """Give the same ground with the parties exchanged."""
    return msgspec.structs.replace(field, distances_m=-field.distances_m)


def stacked(fields: Sequence[ControlField]) -> Fields:
    """Lay rasters end to end for compiled code."""
    shapes = np.array([field.distances_m.shape for field in fields], dtype=np.int64).reshape(-1, 2)
    sizes = shapes[:, 0] * shapes[:, 1]
    frames = [
        (field.west_deg, field.south_deg, field.step_longitude_deg, field.step_latitude_deg, field.sigma_m)
        for field in fields
    ]
    return Fields(
        distances_m=np.concatenate([field.distances_m.ravel() for field in fields]) if fields else np.zeros(0),
        offsets=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)]),
        row_counts=np.ascontiguousarray(shapes[:, 0]),
        column_counts=np.ascontiguousarray(shapes[:, 1]),
        frames=np.array(frames, dtype=np.float64).reshape(-1, 5),
    )
