"""How far a tile's detections lie from where its strong events lead one to expect them, station by station.

All detections near an expected arrival, not members only: a station with a wrong clock has none. Expected arrivals come
from the members' own: for each event the slowness that its members show, as a constant and a part of the direction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from truceline.associate.health import RESIDUAL_MAX_S, ResidualColumns
from truceline.associate.network import Detections, Floats, Ints, Network, Solution
from truceline.associate.tile_types import MEMBER_LEAST_PROBABILITY, SEISMIC_INDEX

STRONG_LEAST_RATIO = 10.0
"""Events of at least these log-odds are taken as true."""

MEMBERS_LEAST_COUNT = 6
"""So many members must show an event's slowness."""

NEAR_RATIO = 0.7
"""Stations within this part of an event's range surely had the chance to hear it."""

HEARD_PROBABILITY = 0.85
"""How often a station in order hears an event within that part of its range; a guess."""

PATH_ERROR_RATIO = 0.005
"""Error of an expected travel time, as a part of it."""

NEAREST_M = 500.0
_TOWARDS_MEAN_WEIGHT = 2.0
_STATION_STEP_S = 1.0e6


class TileResiduals(NamedTuple):
    """Residuals of a tile (stations counted in the tile, seconds after the slab's start), and what was expected.

    The counts have one element per station of the tile: how many hits of the strong events it should have, and how many
    of its detections belong to other events, or to these from farther off: they are neither hits nor clutter.
    """

    residuals: ResidualColumns
    expected_count: Floats
    other_count: Ints


def strong_residuals(
    network: Network, detections: Detections, solution: Solution, *, kept: NDArray[np.bool_]
) -> TileResiduals:
    """Give the residuals of all detections about a tile's strong events; `kept` says which events are its own."""
    strong = np.flatnonzero(kept & (solution.log_odds_ratio >= STRONG_LEAST_RATIO))
    slowness, known = _slownesses(network, detections, solution)
    strong = strong[known[strong]]
    event, station = _near(network, solution, strong)
    east_m, north_m = network.x_m[station] - solution.x_m[event], network.y_m[station] - solution.y_m[event]
    travel_s = _travel_s(slowness[event], east_m, north_m)
    due_s = solution.time_s[event] + travel_s
    expected: Floats = HEARD_PROBABILITY * np.bincount(station, minlength=len(network.x_m)).astype(np.float64)
    order = np.lexsort((detections.time_s, detections.station_index))
    line = detections.station_index[order] * _STATION_STEP_S + detections.time_s[order]
    low = np.searchsorted(line, station * _STATION_STEP_S + due_s - RESIDUAL_MAX_S, "left")
    counts = np.searchsorted(line, station * _STATION_STEP_S + due_s + RESIDUAL_MAX_S, "right") - low
    pair = np.repeat(np.arange(len(low)), counts)
    found = order[low[pair] + np.arange(len(pair)) - (np.cumsum(counts) - counts)[pair]]
    own_s = detections.sigma_s[found]
    sigma_s = np.where(np.isfinite(own_s), own_s, network.timing_sigma_s[station[pair]])
    residuals = ResidualColumns(
        station_index=station[pair],
        time_s=due_s[pair],
        residual_s=detections.time_s[found] - due_s[pair],
        sigma_s=np.hypot(sigma_s, PATH_ERROR_RATIO * travel_s[pair]),
    )
    return TileResiduals(
        residuals, expected, _others(detections, solution, kept, pairs=(event, station, len(network.x_m)))
    )


def _others(
    detections: Detections, solution: Solution, kept: NDArray[np.bool_], *, pairs: tuple[Ints, Ints, int]
) -> Ints:
    """Count each station's members of the tile's own events that are not among the pairs looked at."""
    event, station, station_count = pairs
    own = (solution.member_probability > MEMBER_LEAST_PROBABILITY) & kept[solution.member_event_index]
    member_event = solution.member_event_index[own]
    member_station = detections.station_index[solution.member_detection_index[own]]
    other = ~np.isin(member_event * station_count + member_station, event * station_count + station)
    return np.bincount(member_station[other], minlength=station_count).astype(np.int64)


def _near(network: Network, solution: Solution, strong: Ints) -> tuple[Ints, Ints]:
    """Give all pairs of a strong event and a station that surely could hear it, by event, then station."""
    from scipy.spatial import cKDTree

    hears = np.flatnonzero((network.modality_index != SEISMIC_INDEX) & (network.weight_ratio > 0.0))
    if not len(hears) or not len(strong):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    tree = cKDTree(np.column_stack([network.x_m[hears], network.y_m[hears]]))
    places = np.column_stack([solution.x_m[strong], solution.y_m[strong]])
    lists = tree.query_ball_point(places, NEAR_RATIO * solution.detection_range_m[strong], return_sorted=True)
    counts = np.array([len(found) for found in lists], np.int64)
    station = hears[np.concatenate([np.zeros(0, np.int64), *(np.array(found, np.int64) for found in lists)])]
    return np.repeat(strong, counts), station


def _slownesses(network: Network, detections: Detections, solution: Solution) -> tuple[Floats, NDArray[np.bool_]]:
    """Fit each event's slowness `a + b east + c north` (of the unit vector) to its members; say which has it.

    The engine's expected time of a member is its time less its residual; the fit leans on the mean of all events, so
    that stations in one direction do not decide what comes from others. Shape (events, 3), seconds per metre.
    """
    event, place = solution.member_event_index, solution.member_detection_index
    station = detections.station_index[place]
    east_m, north_m = network.x_m[station] - solution.x_m[event], network.y_m[station] - solution.y_m[event]
    distance_m = np.hypot(east_m, north_m)
    sound = network.modality_index[station] != SEISMIC_INDEX
    used = (solution.member_probability > MEMBER_LEAST_PROBABILITY) & sound & (distance_m >= NEAREST_M)
    event, station, distance_m = event[used], station[used], distance_m[used]
    offset_s = solution.station_clock_offset_s[station]
    heard_s = detections.time_s[place[used]] - offset_s - solution.member_residual_s[used]
    value = (heard_s - solution.time_s[event]) / distance_m
    factor = np.column_stack([np.ones(len(value)), east_m[used] / distance_m, north_m[used] / distance_m])
    count = len(solution.x_m)
    known = np.bincount(event, minlength=count) >= MEMBERS_LEAST_COUNT
    if not len(value):
        return np.zeros((count, 3)), known
    mean = np.linalg.lstsq(factor, value, rcond=None)[0]
    normal = np.tile(_TOWARDS_MEAN_WEIGHT * np.eye(3), (count, 1, 1))
    right = np.tile(_TOWARDS_MEAN_WEIGHT * mean, (count, 1))
    for i in range(3):
        right[:, i] += np.bincount(event, factor[:, i] * value, count)
        for j in range(3):
            normal[:, i, j] += np.bincount(event, factor[:, i] * factor[:, j], count)
    return np.linalg.solve(normal, right[:, :, None])[:, :, 0], known


def _travel_s(slowness: Floats, east_m: Floats, north_m: Floats) -> Floats:
    """Give the travel time over each path: `a d + b east + c north`."""
    return slowness[:, 0] * np.hypot(east_m, north_m) + slowness[:, 1] * east_m + slowness[:, 2] * north_m
