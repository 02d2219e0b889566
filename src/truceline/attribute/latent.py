"""Compiled: the ground an event may have been launched from, as points with weights, and what items say of each.

Equations: docs/method/attribution.md, "One latent origin". Everything is in metres east and north of the case's place.
"""

from __future__ import annotations

import math

from numba import njit

from truceline.attribute.layout import (
    LAUNCH_RADIUS_M,
    PATCH_REACH_RATIO,
    PATCH_SIDE_COUNT,
    SHAPE_BAND,
    SHAPE_DIRECTION,
    SHAPE_POINT,
    SHAPE_SEGMENT,
    Floats,
    Integers,
)

_METRES_PER_DEGREE_M = 111_195.0
_TWO_PI = 2.0 * math.pi
_SQRT_HALF = math.sqrt(0.5)
_FAR_RATIO = 30.0
_NOT_HELD_PROBABILITY = 1e-9


@njit(cache=True)
def ring_weight(low_m: float, high_m: float, bands: Floats, is_launch: bool) -> float:
    """Give the probability that the origin lies in a ring: by range of fire, or by area around a launch's place."""
    if is_launch:
        top = min(high_m, LAUNCH_RADIUS_M)
        return max(0.0, top * top - low_m * low_m) / (LAUNCH_RADIUS_M * LAUNCH_RADIUS_M)
    total = 0.0
    for b in range(bands.shape[0]):
        low, high = bands[b, 0], bands[b, 1]
        inner, outer = max(low, low_m), min(high, high_m)
        if outer > inner:
            total += bands[b, 2] * math.log(outer / inner) / math.log(high / low)
    return total


@njit(cache=True)
def density_per_m2(r: float, bands: Floats, is_launch: bool) -> float:
    """Give the same as a density over area, at distance r: sum_b P_b / (ln(high_b / low_b) 2 pi r^2)."""
    if is_launch:
        return 1.0 / (math.pi * LAUNCH_RADIUS_M * LAUNCH_RADIUS_M) if r < LAUNCH_RADIUS_M else 0.0
    total = 0.0
    for b in range(bands.shape[0]):
        if bands[b, 0] <= r < bands[b, 1]:
            total += bands[b, 2] / math.log(bands[b, 1] / bands[b, 0])
    return total / (_TWO_PI * r * r) if r > 0.0 else 0.0


@njit(cache=True)
def patch_of(kinds: Integers, shapes: Floats, start: int, end: int) -> tuple[float, float, float]:
    """Give middle and half side of the square around located origins; half side 0 where none was located.

    The middle is the mean weighed by 1 / trace; the half side 3.5 times the largest axis of the most precise one.
    """
    east, north, weight, least = 0.0, 0.0, 0.0, math.inf
    for k in range(start, end):
        if kinds[k] != SHAPE_POINT:
            continue
        trace = shapes[k, 2] + shapes[k, 4]
        east += shapes[k, 0] / trace
        north += shapes[k, 1] / trace
        weight += 1.0 / trace
        gap = shapes[k, 2] - shapes[k, 4]
        axis_2 = 0.5 * (trace + math.sqrt(gap * gap + 4.0 * shapes[k, 3] * shapes[k, 3]))
        least = min(least, axis_2)
    if weight == 0.0:
        return 0.0, 0.0, 0.0
    return east / weight, north / weight, PATCH_REACH_RATIO * math.sqrt(least)


@njit(cache=True)
def lay_nodes(
    rings: Floats, directions: Floats, bands: Floats, is_launch: bool, patch: tuple[float, float, float], nodes: Floats
) -> int:
    """Fill `nodes` (east, north, weight, variance of the cell per axis) and give how many there are.

    `rings`: (rings, 3) inner edge, middle, outer edge. `directions`: (bearings, 2) sine, cosine. Points of the rings
    that lie inside the patch are left to it.
    """
    count = 0
    bearing_count = directions.shape[0]
    for i in range(rings.shape[0]):
        low, r, high = rings[i, 0], rings[i, 1], rings[i, 2]
        weight = ring_weight(low, high, bands, is_launch) / bearing_count
        if weight <= 0.0:
            continue
        variance = math.pi * (high * high - low * low) / bearing_count / 12.0
        for k in range(bearing_count):
            east, north = r * directions[k, 0], r * directions[k, 1]
            if abs(east - patch[0]) < patch[2] and abs(north - patch[1]) < patch[2]:
                continue
            nodes[0, count], nodes[1, count] = east, north
            nodes[2, count], nodes[3, count] = weight, variance
            count += 1
    if patch[2] > 0.0:
        step = 2.0 * patch[2] / PATCH_SIDE_COUNT
        for i in range(PATCH_SIDE_COUNT):
            for k in range(PATCH_SIDE_COUNT):
                east = patch[0] + (i - 0.5 * (PATCH_SIDE_COUNT - 1)) * step
                north = patch[1] + (k - 0.5 * (PATCH_SIDE_COUNT - 1)) * step
                weight = density_per_m2(math.sqrt(east * east + north * north), bands, is_launch) * step * step
                if weight <= 0.0:
                    continue
                nodes[0, count], nodes[1, count] = east, north
                nodes[2, count], nodes[3, count] = weight, 0.0
                count += 1
    return count


@njit(cache=True)
def hold_ground(
    raster: Floats,
    rows: int,
    columns: int,
    frame: Floats,
    place: tuple[float, float],
    nodes: Floats,
    count: int,
    held: Floats,
) -> None:
    """Fill `held`: weights of the points under first party, second party, anybody; each row sums to 1.

    p(x | party) is proportional to P(party holds x) g(x), with P = Phi(distance / hypot(sigma of the line, cell)), and
    one half where nothing was drawn: on cells of distance 0 and beyond the raster.
    Both parties go through the same operations, so that exchanging them exchanges the rows bit for bit.
    """
    west, south, step_x, step_y, sigma = frame[0], frame[1], frame[2], frame[3], frame[4]
    per_north = 1.0 / (_METRES_PER_DEGREE_M * step_y)
    per_east = 1.0 / (_METRES_PER_DEGREE_M * math.cos(math.radians(place[1])) * step_x)
    x0, y0 = (place[0] - west) / step_x, (place[1] - south) / step_y
    first_sum, second_sum, total = 0.0, 0.0, 0.0
    for k in range(count):
        x, y = x0 + nodes[0, k] * per_east, y0 + nodes[1, k] * per_north
        known = x >= 0.0 and y >= 0.0 and x <= columns - 1.0 and y <= rows - 1.0
        x, y = min(max(x, 0.0), columns - 1.000001), min(max(y, 0.0), rows - 1.000001)
        c, r = int(x), int(y)
        fx, fy = x - c, y - r
        at = r * columns + c
        lower = raster[at] * (1.0 - fx) + raster[at + 1] * fx
        upper = raster[at + columns] * (1.0 - fx) + raster[at + columns + 1] * fx
        distance = lower * (1.0 - fy) + upper * fy if known else 0.0
        spread = math.sqrt(sigma * sigma + min(nodes[3, k], 4.0e6))
        sharp = 40.0 * ((distance > 0.0) - (distance < 0.0))
        deviation = _SQRT_HALF * distance / spread if spread > 0.0 else sharp
        if deviation > 4.2:
            first, second = 1.0, _NOT_HELD_PROBABILITY
        elif deviation < -4.2:
            first, second = _NOT_HELD_PROBABILITY, 1.0
        else:
            tail = 0.5 * math.erfc(abs(deviation))
            first = 1.0 - tail if deviation > 0.0 else tail
            second = tail if deviation > 0.0 else 1.0 - tail
        w = nodes[2, k]
        held[0, k], held[1, k], held[2, k] = w * first, w * second, w
        first_sum += w * first
        second_sum += w * second
        total += w
    for k in range(count):
        held[0, k] /= first_sum
        held[1, k] /= second_sum
        held[2, k] /= total


@njit(cache=True)
def _fill_point(shape: Floats, inside: bool, nodes: Floats, count: int, out: Floats) -> None:
    east, north, cee, cen, cnn = shape[0], shape[1], shape[2], shape[3], shape[4]
    for k in range(count):
        dx, dy = nodes[0, k] - east, nodes[1, k] - north
        extra = 0.0 if inside else nodes[3, k]
        a, d = cee + extra, cnn + extra
        square = dx * dx + dy * dy
        if square > 2.0 * _FAR_RATIO * (a + d):
            out[k] = 0.0
            continue
        determinant = a * d - cen * cen
        deviation = (d * dx * dx - 2.0 * cen * dx * dy + a * dy * dy) / determinant
        out[k] *= math.exp(-0.5 * deviation) / math.sqrt(determinant)


@njit(cache=True)
def _fill_direction(shape: Floats, nodes: Floats, count: int, out: Floats) -> None:
    east, north, sine, cosine, kappa = shape[0], shape[1], shape[2], shape[3], shape[4]
    for k in range(count):
        dx, dy = nodes[0, k] - east, nodes[1, k] - north
        r = math.sqrt(dx * dx + dy * dy)
        along = (dx * sine + dy * cosine) / r if r > 0.0 else 0.0
        exponent = kappa * (along - 1.0)
        out[k] *= math.exp(exponent) if exponent > -60.0 else 0.0


@njit(cache=True)
def _fill_band(shape: Floats, nodes: Floats, count: int, out: Floats) -> None:
    east, north, low, high = shape[0], shape[1], shape[2], shape[3]
    for k in range(count):
        dx, dy = nodes[0, k] - east, nodes[1, k] - north
        square = dx * dx + dy * dy
        top = square / (high * high)
        top *= top
        inside = 1.0 / (1.0 + top * top)
        if low > 0.0:
            bottom = square / (low * low)
            bottom *= bottom
            inside *= bottom * bottom / (1.0 + bottom * bottom)
        out[k] *= inside


@njit(cache=True)
def _fill_segment(shape: Floats, nodes: Floats, count: int, out: Floats) -> None:
    x0, y0, sigma = shape[0], shape[1], shape[4]
    way_x, way_y = shape[2] - x0, shape[3] - y0
    length_2 = way_x * way_x + way_y * way_y
    for k in range(count):
        dx, dy = nodes[0, k] - x0, nodes[1, k] - y0
        t = min(1.0, max(0.0, (dx * way_x + dy * way_y) / length_2)) if length_2 > 0.0 else 0.0
        ox, oy = dx - t * way_x, dy - t * way_y
        variance = sigma * sigma + nodes[3, k]
        exponent = 0.5 * (ox * ox + oy * oy) / variance
        out[k] *= math.exp(-exponent) / math.sqrt(variance) if exponent < 60.0 else 0.0


@njit(cache=True)
def _fill_silence(shape: Floats, nodes: Floats, count: int, out: Floats) -> None:
    east, north, half, p = shape[0], shape[1], shape[2], shape[3]
    for k in range(count):
        dx, dy = nodes[0, k] - east, nodes[1, k] - north
        ratio = (dx * dx + dy * dy) / (half * half)
        out[k] *= 1.0 - p / (1.0 + ratio * ratio)


@njit(cache=True)
def fill_shape(
    kind: int, shape: Floats, patch: tuple[float, float, float], nodes: Floats, count: int, out: Floats
) -> None:
    """Multiply into `out` what one shape says of every point: a density up to a factor, or a probability.

    A located origin inside the patch is read sharply, since the patch resolves it; one outside is widened by the cell.
    """
    if kind == SHAPE_POINT:
        inside = abs(shape[0] - patch[0]) < patch[2] and abs(shape[1] - patch[1]) < patch[2]
        _fill_point(shape, inside, nodes, count, out)
    elif kind == SHAPE_DIRECTION:
        _fill_direction(shape, nodes, count, out)
    elif kind == SHAPE_BAND:
        _fill_band(shape, nodes, count, out)
    elif kind == SHAPE_SEGMENT:
        _fill_segment(shape, nodes, count, out)
    else:
        _fill_silence(shape, nodes, count, out)
