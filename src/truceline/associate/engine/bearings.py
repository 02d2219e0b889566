"""Compiled: whether bearings lead to a place, asked of very many places."""

from __future__ import annotations

import math

from numba import njit

from truceline.associate.engine.layout import DET_BEARING, DET_BEARING_SIGMA, STA_X, STA_Y, Floats

BEARER_COLUMNS_COUNT = 5
"""Columns of a bearer: x and y of its station (m), the unit vector of its bearing, the least cosine beside it."""

_BESIDE_SIGMAS_MAX = 8.0


@njit(cache=True, error_model="numpy")
def write_bearer(station: Floats, detection: Floats, out: Floats) -> None:
    """Write what `leads_away` asks of a detection: a bearer's columns, `nan` where it has no bearing."""
    bearing, most = detection[DET_BEARING], _BESIDE_SIGMAS_MAX * detection[DET_BEARING_SIGMA]
    out[0], out[1] = station[STA_X], station[STA_Y]
    out[2], out[3] = math.sin(bearing), math.cos(bearing)
    out[4] = math.cos(most) if most < math.pi else -math.inf


@njit(cache=True, error_model="numpy")
def leads_away(bearer: Floats, x_m: float, y_m: float) -> bool:
    """Say whether a bearing leads far beside a place, by more than eight sigmas; one that was not given does not."""
    dx, dy = x_m - bearer[0], y_m - bearer[1]
    return bool(dx * bearer[2] + dy * bearer[3] < bearer[4] * math.sqrt(dx * dx + dy * dy))
