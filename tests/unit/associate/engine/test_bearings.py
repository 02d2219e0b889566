"""A bearing leads beside a place where it is off by more than eight of its sigmas."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from truceline.associate.engine.bearings import BEARER_COLUMNS_COUNT, leads_away, write_bearer
from truceline.associate.engine.layout import (
    DET_BEARING,
    DET_BEARING_SIGMA,
    DETECTION_COLUMNS_COUNT,
    STA_X,
    STA_Y,
    STATION_COLUMNS_COUNT,
    Floats,
)


def bearer_of(bearing_rad: float, sigma_rad: float, place_m: tuple[float, float] = (300.0, -200.0)) -> Floats:
    """Give the bearer of a station's detection."""
    station, detection = np.zeros(STATION_COLUMNS_COUNT), np.zeros(DETECTION_COLUMNS_COUNT)
    station[[STA_X, STA_Y]] = place_m
    detection[[DET_BEARING, DET_BEARING_SIGMA]] = bearing_rad, sigma_rad
    out = np.empty(BEARER_COLUMNS_COUNT)
    write_bearer(station, detection, out)
    return out


@given(st.floats(-7.0, 7.0), st.floats(0.002, 1.0), st.floats(-math.pi, math.pi), st.floats(10.0, 30_000.0))
def test_eight_sigmas_are_beside(bearing_rad: float, sigma_rad: float, off_rad: float, away_m: float) -> None:
    """Seen from the station, a place is led to if its direction is within eight sigmas of the bearing."""
    assume(abs(abs(off_rad) - 8.0 * sigma_rad) > 1e-6)
    turned = bearing_rad + off_rad
    x_m, y_m = 300.0 + away_m * math.sin(turned), -200.0 + away_m * math.cos(turned)

    assert (abs(off_rad) > 8.0 * sigma_rad) == leads_away(bearer_of(bearing_rad, sigma_rad), x_m, y_m)


def test_no_bearing_leads_nowhere_away() -> None:
    """What was not given speaks against no place."""
    assert not leads_away(bearer_of(math.nan, 0.05), 9_000.0, 100.0)
    assert not leads_away(bearer_of(1.0, math.nan), 9_000.0, 100.0)
