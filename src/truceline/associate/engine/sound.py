"""Compiled: the air between two points, and how long sound takes through it."""

from __future__ import annotations

import math

from numba import njit

from truceline.associate.engine.layout import Air


@njit(cache=True, error_model="numpy")
def _cell(place: float, origin: float, step: float, count: int) -> tuple[int, float]:
    """Give the node before a place and the share of the way to the next one; outside, the end node itself."""
    if count == 1:
        return 0, 0.0
    scaled = (place - origin) / step
    if scaled <= 0.0:
        return 0, 0.0
    if scaled >= count - 1:
        return count - 2, 1.0
    node = int(scaled)
    return node, scaled - node


@njit(cache=True, error_model="numpy")
def air_at(air: Air, x_m: float, y_m: float, t_s: float) -> tuple[float, float, float]:
    """Give (sound speed, wind east, wind north) in m/s at a place and time, linear between nodes."""
    nt, ny, nx, _ = air.value.shape
    i, a = _cell(x_m, air.x0_m, air.step_m, nx)
    j, b = _cell(y_m, air.y0_m, air.step_m, ny)
    k, g = _cell(t_s, air.t0_s, air.step_s, nt)
    c = 0.0
    u = 0.0
    v = 0.0
    for dk in range(1 if nt == 1 else 2):
        wk = g if dk else 1.0 - g
        for dj in range(1 if ny == 1 else 2):
            wj = wk * (b if dj else 1.0 - b)
            for di in range(1 if nx == 1 else 2):
                w = wj * (a if di else 1.0 - a)
                c += w * air.value[k + dk, j + dj, i + di, 0]
                u += w * air.value[k + dk, j + dj, i + di, 1]
                v += w * air.value[k + dk, j + dj, i + di, 2]
    return c, u, v


@njit(cache=True, error_model="numpy")
def travel_factors(speeds: tuple[float, float, float]) -> tuple[float, float, float, float]:
    """Give (u, v, a, 1 / a) with a = c^2 - u^2 - v^2, (m/s)^2: what travel times from one place have in common."""
    c, u, v = speeds
    a = c * c - u * u - v * v
    return u, v, a, 1.0 / a


@njit(cache=True, error_model="numpy")
def travel_by(dx_m: float, dy_m: float, factors: tuple[float, float, float, float]) -> float:
    """Give the time T in which a front reaches a point at D = (dx, dy): the solution of |D - w T| = c T."""
    u, v, a, per_a = factors
    b = dx_m * u + dy_m * v
    return (math.sqrt(b * b + a * (dx_m * dx_m + dy_m * dy_m)) - b) * per_a


@njit(cache=True, error_model="numpy")
def travel_s(dx_m: float, dy_m: float, speeds: tuple[float, float, float]) -> float:
    """Give the time in which a front reaches a point at D = (dx, dy) from speeds (c, u, v), see `travel_by`."""
    return travel_by(dx_m, dy_m, travel_factors(speeds))


_SPREAD_M = 7_000.0


@njit(cache=True, error_model="numpy")
def air_around(
    air: Air, x_m: float, y_m: float, t_s: float
) -> tuple[float, float, float, float, float, float, float, float, float]:
    """Give (c, u, v) at a place and how each changes per metre east and north, for paths that start there."""
    c, u, v = air_at(air, x_m, y_m, t_s)
    if air.value.shape[1] == 1 and air.value.shape[2] == 1:
        return c, u, v, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    ce, ue, ve = air_at(air, x_m + _SPREAD_M, y_m, t_s)
    cw, uw, vw = air_at(air, x_m - _SPREAD_M, y_m, t_s)
    cn, un, vn = air_at(air, x_m, y_m + _SPREAD_M, t_s)
    cs, us, vs = air_at(air, x_m, y_m - _SPREAD_M, t_s)
    w = 0.5 / _SPREAD_M
    return c, u, v, (ce - cw) * w, (ue - uw) * w, (ve - vw) * w, (cn - cs) * w, (un - us) * w, (vn - vs) * w


@njit(cache=True, error_model="numpy")
def air_on_path(
    around: tuple[float, float, float, float, float, float, float, float, float], dx_m: float, dy_m: float
) -> tuple[float, float, float]:
    """Give (c, u, v) in the middle of the path that leads from the place by (dx, dy)."""
    hx, hy = 0.5 * dx_m, 0.5 * dy_m
    return (
        around[0] + hx * around[3] + hy * around[6],
        around[1] + hx * around[4] + hy * around[7],
        around[2] + hx * around[5] + hy * around[8],
    )
