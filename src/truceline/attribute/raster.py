"""Compiled: a drawn line and the ground it bounds, laid on a raster of degrees."""

from __future__ import annotations

import math

from numba import njit

from truceline.attribute.layout import Flags, Floats

_METRES_PER_DEGREE_M = 111_195.0


@njit(cache=True)
def fill_distances(edges: Floats, frame: Floats, distances_m: Floats) -> None:
    """Lower every cell's distance to that from the nearest piece of the line, within the distance it starts with.

    `edges`: (pieces, 4) degrees. `frame`: west, south, step in longitude, step in latitude, degrees. East-west metres
    are those of each piece's middle latitude.
    """
    rows_count, columns_count = distances_m.shape
    reach_m = distances_m[0, 0]
    west, south, step_x, step_y = frame[0], frame[1], frame[2], frame[3]
    for k in range(edges.shape[0]):
        x0, y0, x1, y1 = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        per_x = _METRES_PER_DEGREE_M * math.cos(math.radians(0.5 * (y0 + y1)))
        reach_x, reach_y = reach_m / per_x, reach_m / _METRES_PER_DEGREE_M
        low_c = max(0, math.floor((min(x0, x1) - reach_x - west) / step_x))
        high_c = min(columns_count - 1, math.ceil((max(x0, x1) + reach_x - west) / step_x))
        low_r = max(0, math.floor((min(y0, y1) - reach_y - south) / step_y))
        high_r = min(rows_count - 1, math.ceil((max(y0, y1) + reach_y - south) / step_y))
        way_x, way_y = (x1 - x0) * per_x, (y1 - y0) * _METRES_PER_DEGREE_M
        length_2 = way_x * way_x + way_y * way_y
        for r in range(low_r, high_r + 1):
            dy = (south + r * step_y - y0) * _METRES_PER_DEGREE_M
            for c in range(low_c, high_c + 1):
                dx = (west + c * step_x - x0) * per_x
                t = 0.0
                if length_2 > 0.0:
                    t = min(1.0, max(0.0, (dx * way_x + dy * way_y) / length_2))
                ox, oy = dx - t * way_x, dy - t * way_y
                distance = math.sqrt(ox * ox + oy * oy)
                if distance < distances_m[r, c]:
                    distances_m[r, c] = distance


@njit(cache=True)
def fill_ground(edges: Floats, frame: Floats, ground: Flags) -> None:
    """Mark every cell whose middle lies inside the rings, by counting crossings to its west (even-odd rule)."""
    rows_count, columns_count = ground.shape
    west, south, step_x, step_y = frame[0], frame[1], frame[2], frame[3]
    for k in range(edges.shape[0]):
        x0, y0, x1, y1 = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        if y0 == y1:
            continue
        low_r = max(0, math.floor((min(y0, y1) - south) / step_y))
        high_r = min(rows_count - 1, math.ceil((max(y0, y1) - south) / step_y))
        for r in range(low_r, high_r + 1):
            y = south + r * step_y
            if (y0 <= y) == (y1 <= y):
                continue
            x = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
            c = max(0, math.ceil((x - west) / step_x))
            if c < columns_count:
                ground[r, c] = not ground[r, c]
    for r in range(rows_count):
        inside = False
        for c in range(columns_count):
            inside = inside != ground[r, c]
            ground[r, c] = inside
