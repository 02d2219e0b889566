"""Compiled: the ground an event may have been launched from, as points with weights, and what items say of each.

Equations: docs/method/attribution.md, "One latent origin". Everything is in metres east and north of the case's place.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.attribute.layout import (
    ACROSS_FIRST,
    ACROSS_SECOND,
    ALIKE,
    EAST,
    EVEN_WEIGHT,
    FIRST_HOLDS,
    HYPOTHESIS_COUNT,
    NEITHER,
    NORTH,
    OWN_FIRST,
    OWN_SECOND,
    PATCH_REACH_RATIO,
    PATCH_SIDE_COUNT,
    SECOND_HOLDS,
    SHAPE_BAND,
    SHAPE_DIRECTION,
    SHAPE_POINT,
    SHAPE_SEGMENT,
    VARIANCE,
    WEIGHT,
    Floats,
    Integers,
    Place,
)

_METRES_PER_DEGREE_M = 111_195.0
_TWO_PI = 2.0 * math.pi
_SQRT_HALF = math.sqrt(0.5)
_FAR_RATIO = 30.0
_NOT_HELD_PROBABILITY = 1e-9


@njit(cache=True)
def ring_weight(low_m: float, high_m: float, bands: Floats) -> float:
    """Give the probability that the origin lies in a ring, by range of fire."""
    total = 0.0
    for b in range(bands.shape[0]):
        low, high = bands[b, 0], bands[b, 1]
        inner, outer = max(low, low_m), min(high, high_m)
        if outer > inner:
            total += bands[b, 2] * math.log(outer / inner) / math.log(high / low)
    return total


@njit(cache=True)
def even_ring_weight(low_m: float, high_m: float, within_m: float) -> float:
    """Give the probability that the origin lies in a ring, where it is anywhere within a distance, by area."""
    top = min(high_m, within_m)
    return max(0.0, top * top - low_m * low_m) / (within_m * within_m)


@njit(cache=True)
def density_per_m2(r: float, bands: Floats) -> float:
    """Give the density over area at distance r by range of fire: sum_b P_b / (ln(high_b / low_b) 2 pi r^2)."""
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
    rings: Floats,
    directions: Floats,
    bands: Floats,
    is_launch: bool,
    patch: tuple[float, float, float],
    place: Place,
    nodes: Floats,
) -> int:
    """Fill the first five rows of `nodes` and give how many points there are; the last one is the place itself.

    Rows: east, north, weight by range of fire (or about a launch), variance of the cell per axis, weight of the even
    disc that a wrong place leaves. `rings`: (rings, 3) inner edge, middle, outer edge. `directions`: (bearings, 2) sine
    and cosine. Points of the rings that lie inside the patch are left to it. `place`: how wide that disc is, and the
    place's own variance.
    """
    count = 0
    bearing_count = directions.shape[0]
    within_m = place.wrong_within_m
    for i in range(rings.shape[0]):
        low, r, high = rings[i, 0], rings[i, 1], rings[i, 2]
        even = even_ring_weight(low, high, within_m) / bearing_count
        weight = even if is_launch else ring_weight(low, high, bands) / bearing_count
        if weight <= 0.0 and even <= 0.0:
            continue
        variance = math.pi * (high * high - low * low) / bearing_count / 12.0
        for k in range(bearing_count):
            east, north = r * directions[k, 0], r * directions[k, 1]
            if abs(east - patch[0]) < patch[2] and abs(north - patch[1]) < patch[2]:
                continue
            nodes[EAST, count], nodes[NORTH, count] = east, north
            nodes[WEIGHT, count], nodes[VARIANCE, count], nodes[EVEN_WEIGHT, count] = weight, variance, even
            count += 1
    if patch[2] > 0.0:
        count = _lay_patch(bands, is_launch, patch, within_m, nodes, count)
    nodes[EAST, count], nodes[NORTH, count], nodes[WEIGHT, count] = 0.0, 0.0, 0.0
    nodes[VARIANCE, count], nodes[EVEN_WEIGHT, count] = place.variance_m2, 0.0
    return count + 1


@njit(cache=True)
def _lay_patch(
    bands: Floats, is_launch: bool, patch: tuple[float, float, float], within_m: float, nodes: Floats, start: int
) -> int:
    """Lay the finer square around located origins after the first `start` points, and give how many there are."""
    count = start
    step = 2.0 * patch[2] / PATCH_SIDE_COUNT
    even_density = 1.0 / (math.pi * within_m * within_m)
    for i in range(PATCH_SIDE_COUNT):
        for k in range(PATCH_SIDE_COUNT):
            east = patch[0] + (i - 0.5 * (PATCH_SIDE_COUNT - 1)) * step
            north = patch[1] + (k - 0.5 * (PATCH_SIDE_COUNT - 1)) * step
            r = math.sqrt(east * east + north * north)
            even = even_density * step * step if r < within_m else 0.0
            weight = even if is_launch else density_per_m2(r, bands) * step * step
            if weight <= 0.0 and even <= 0.0:
                continue
            nodes[EAST, count], nodes[NORTH, count] = east, north
            nodes[WEIGHT, count], nodes[VARIANCE, count], nodes[EVEN_WEIGHT, count] = weight, 0.0, even
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
) -> None:
    """Fill the last two rows of `nodes`: the probabilities that the first and the second party hold the ground there.

    P = Phi(distance / hypot(sigma of the line, cell)), and one half where nothing was drawn: on cells of distance 0 and
    beyond the raster. Both parties go through the same operations, so that exchanging them exchanges the rows bit for
    bit.
    """
    west, south, step_x, step_y, sigma = frame[0], frame[1], frame[2], frame[3], frame[4]
    per_north = 1.0 / (_METRES_PER_DEGREE_M * step_y)
    per_east = 1.0 / (_METRES_PER_DEGREE_M * math.cos(math.radians(place[1])) * step_x)
    x0, y0 = (place[0] - west) / step_x, (place[1] - south) / step_y
    for k in range(count):
        x, y = x0 + nodes[EAST, k] * per_east, y0 + nodes[NORTH, k] * per_north
        known = x >= 0.0 and y >= 0.0 and x <= columns - 1.0 and y <= rows - 1.0
        x, y = min(max(x, 0.0), columns - 1.000001), min(max(y, 0.0), rows - 1.000001)
        c, r = int(x), int(y)
        fx, fy = x - c, y - r
        at = r * columns + c
        lower = raster[at] * (1.0 - fx) + raster[at + 1] * fx
        upper = raster[at + columns] * (1.0 - fx) + raster[at + columns + 1] * fx
        distance = lower * (1.0 - fy) + upper * fy if known else 0.0
        spread = math.sqrt(sigma * sigma + min(nodes[VARIANCE, k], 4.0e6))
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
        nodes[FIRST_HOLDS, k], nodes[SECOND_HOLDS, k] = first, second


@njit(cache=True)
def weigh_points(still: float, nodes: Floats, count: int, held: Floats) -> bool:
    """Fill rows 0 to 4 of `held`, without the word of the place; say whether anything can have come from any point.

    p(x | party across) ~ P(party holds x) g(x); of what nobody fired across, a share `still` went off at the place
    itself: p(x | own) = (1 - s) p(x | across) + s [x is the place], p(x | neither) = (1 - s) g(x) + s [x is the place].
    """
    last = count - 1
    first_sum, second_sum, total = 0.0, 0.0, 0.0
    for k in range(last):
        w = nodes[WEIGHT, k]
        first_sum += w * nodes[FIRST_HOLDS, k]
        second_sum += w * nodes[SECOND_HOLDS, k]
        total += w
    if total <= 0.0:
        return False
    first_ratio, second_ratio, ratio, moved = 1.0 / first_sum, 1.0 / second_sum, (1.0 - still) / total, 1.0 - still
    for k in range(last):
        w = nodes[WEIGHT, k]
        first, second = w * nodes[FIRST_HOLDS, k] * first_ratio, w * nodes[SECOND_HOLDS, k] * second_ratio
        held[ACROSS_FIRST, k], held[ACROSS_SECOND, k] = first, second
        held[OWN_FIRST, k], held[OWN_SECOND, k], held[NEITHER, k] = moved * first, moved * second, w * ratio
    held[ACROSS_FIRST, last], held[ACROSS_SECOND, last] = 0.0, 0.0
    held[OWN_FIRST, last], held[OWN_SECOND, last], held[NEITHER, last] = still, still, still
    return True


@njit(cache=True)
def err_alike(together_m: float, nodes: Floats, count: int) -> None:
    """Fill the last row of `nodes`: how probably the line errs alike at point and place, exp(-r / together_m)."""
    for k in range(count):
        nodes[ALIKE, k] = 0.0
        if together_m > 0.0:
            r2 = nodes[EAST, k] * nodes[EAST, k] + nodes[NORTH, k] * nodes[NORTH, k]
            nodes[ALIKE, k] = math.exp(-math.sqrt(r2) / together_m)


@njit(cache=True)
def _join_ground(on_first: float, nodes: Floats, count: int, told_held: Floats, sums: Floats) -> None:
    """Fill four rows of `told_held` with who holds point and place, times weight, and `sums` with their sums.

    The line errs alike at point and place with probability k (`err_alike`), else by itself at each:
    P(A at x, B at z) = k max(0, P(B at z) - P(B at x)) + (1 - k) P(A at x) P(B at z), and
    P(A at x, A at z) = k min(P(A at x), P(A at z)) + (1 - k) P(A at x) P(A at z) (Frechet 1951, the upper bound).
    """
    on_second = 1.0 - on_first
    across_first, across_second = told_held[ACROSS_FIRST], told_held[ACROSS_SECOND]
    own_first, own_second = told_held[OWN_FIRST], told_held[OWN_SECOND]
    for h in range(OWN_SECOND + 1):
        sums[h] = 0.0
    for k in range(count - 1):
        w, a, b = nodes[WEIGHT, k], nodes[FIRST_HOLDS, k], nodes[SECOND_HOLDS, k]
        alike = nodes[ALIKE, k]
        apart = 1.0 - alike
        across_first[k] = w * (alike * max(0.0, on_second - b) + apart * a * on_second)
        across_second[k] = w * (alike * max(0.0, on_first - a) + apart * b * on_first)
        own_first[k] = w * (alike * min(a, on_first) + apart * a * on_first)
        own_second[k] = w * (alike * min(b, on_second) + apart * b * on_second)
        sums[ACROSS_FIRST] += across_first[k]
        sums[ACROSS_SECOND] += across_second[k]
        sums[OWN_FIRST] += own_first[k]
        sums[OWN_SECOND] += own_second[k]


@njit(cache=True)
def weigh_points_told(place: Place, told: int, nodes: Floats, count: int, held: Floats) -> None:
    """Fill the five rows of `held` of one set of tellers, `told` of them all: weights, their word being known.

    p(x | h, place) = r_h p(x | h, place right) + (1 - r_h) p(x | h, place wrong), r_h = (1-e) P_h / ((1-e) P_h + e/2),
    P_h how probable the ground at the place is under h. Right: who holds point and place together, or at the place
    itself. Wrong: an even disc about it, times who holds the point. Rows 0 to 4 must hold what `weigh_points` fills,
    and the last row of `nodes` what `err_alike` does.
    """
    on_first, e = place.told[told, 0], place.told[told, 1]
    still, last = place.still_probability, count - 1
    told_held = held[HYPOTHESIS_COUNT * (told + 1) : HYPOTHESIS_COUNT * (told + 2)]
    sums = np.zeros(HYPOTHESIS_COUNT)
    _join_ground(on_first, nodes, count, told_held, sums)
    first_sum, second_sum, total = 0.0, 0.0, 0.0
    for k in range(last):
        first_sum += nodes[EVEN_WEIGHT, k] * nodes[FIRST_HOLDS, k]
        second_sum += nodes[EVEN_WEIGHT, k] * nodes[SECOND_HOLDS, k]
        total += nodes[EVEN_WEIGHT, k]
    for h in range(OWN_SECOND + 1):
        probable = on_first if h in (ACROSS_SECOND, OWN_FIRST) else 1.0 - on_first
        right = (1.0 - e) * probable / ((1.0 - e) * probable + 0.5 * e) if probable > 0.0 and sums[h] > 0.0 else 0.0
        joined, across, share = told_held[h], held[h & 1], right * still if h >= OWN_FIRST else 0.0
        inner = (right - share) / sums[h] if right > 0.0 else 0.0
        party_sum, holds = (second_sum, nodes[SECOND_HOLDS]) if h & 1 else (first_sum, nodes[FIRST_HOLDS])
        outer, plain = ((1.0 - right) / party_sum, 0.0) if total > 0.0 else (0.0, 1.0 - right)
        for k in range(last):
            joined[k] = inner * joined[k] + outer * nodes[EVEN_WEIGHT, k] * holds[k] + plain * across[k]
        joined[last] = share
    neither = told_held[NEITHER]
    outer, plain = (e / total, 1.0 - e) if total > 0.0 else (0.0, 1.0)
    for k in range(last):
        neither[k] = plain * held[NEITHER, k] + outer * nodes[EVEN_WEIGHT, k]
    neither[last] = plain * still


@njit(cache=True)
def _fill_point(shape: Floats, inside: bool, nodes: Floats, count: int, out: Floats) -> None:
    east, north, cee, cen, cnn = shape[0], shape[1], shape[2], shape[3], shape[4]
    for k in range(count):
        dx, dy = nodes[EAST, k] - east, nodes[NORTH, k] - north
        extra = 0.0 if inside and k < count - 1 else nodes[VARIANCE, k]
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
        dx, dy = nodes[EAST, k] - east, nodes[NORTH, k] - north
        r = math.sqrt(dx * dx + dy * dy)
        along = (dx * sine + dy * cosine) / r if r > 0.0 else 0.0
        exponent = kappa * (along - 1.0)
        out[k] *= math.exp(exponent) if exponent > -60.0 else 0.0


@njit(cache=True)
def _fill_band(shape: Floats, nodes: Floats, count: int, out: Floats) -> None:
    east, north, low, high = shape[0], shape[1], shape[2], shape[3]
    for k in range(count):
        dx, dy = nodes[EAST, k] - east, nodes[NORTH, k] - north
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
        dx, dy = nodes[EAST, k] - x0, nodes[NORTH, k] - y0
        t = min(1.0, max(0.0, (dx * way_x + dy * way_y) / length_2)) if length_2 > 0.0 else 0.0
        ox, oy = dx - t * way_x, dy - t * way_y
        variance = sigma * sigma + nodes[VARIANCE, k]
        exponent = 0.5 * (ox * ox + oy * oy) / variance
        out[k] *= math.exp(-exponent) / math.sqrt(variance) if exponent < 60.0 else 0.0


@njit(cache=True)
def _fill_silence(shape: Floats, nodes: Floats, count: int, out: Floats) -> None:
    east, north, half, p = shape[0], shape[1], shape[2], shape[3]
    for k in range(count - 1):
        dx, dy = nodes[EAST, k] - east, nodes[NORTH, k] - north
        ratio = (dx * dx + dy * dy) / (half * half)
        out[k] *= 1.0 - p / (1.0 + ratio * ratio)


@njit(cache=True)
def fill_shape(
    kind: int, shape: Floats, patch: tuple[float, float, float], nodes: Floats, count: int, out: Floats
) -> None:
    """Multiply into `out` what one shape says of every point: a density up to a factor, or a probability.

    A located origin inside the patch is read sharply, since the patch resolves it; one outside is widened by the cell,
    and at the last point, the place itself, by that place's own uncertainty. At a place where nothing was fired no
    station missed anything.
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
