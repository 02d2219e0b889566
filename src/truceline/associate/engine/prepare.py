"""Everything the compiled parts need, made once for a window: lookups, detection curve, first estimates."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from truceline.associate.engine.layout import (
    CURVE_COUNT,
    CURVE_STEP_RATIO,
    DET_AMPLITUDE,
    DET_BEARING,
    DET_BEARING_SIGMA,
    DET_SIGMA,
    DETECTION_COLUMNS_COUNT,
    RANGE_COUNT,
    STA_BEARING_SIGMA,
    STA_CLUTTER,
    STA_DEAD,
    STA_LISTENS,
    STA_SECOND_SLOWNESS,
    STA_SIGMA,
    STA_SLOWNESS,
    STA_WEIGHT,
    STA_X,
    STA_Y,
    STATION_COLUMNS_COUNT,
    TH_BEARING_DOUBT,
    TH_EDGE,
    TH_GATE,
    TH_KAPPA,
    TH_KIN_COUNT,
    TH_KIN_SIGMA,
    TH_KIN_TIME,
    TH_OF_ARRAYS,
    TH_PD,
    TH_RANGE_MAX,
    TH_SIGMA_RATIO,
    TH_SPAN_END,
    TH_SPAN_START,
    THETA_COUNT,
    Bools,
    Buckets,
    Counts,
    Floats,
    Longs,
    Lookup,
    Scene,
)
from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.network import Detections, Network
from truceline.associate.settings_engine import EngineSettings

SEISMIC_INDEX = [modality.name for modality in MODALITIES].index("seismic")
MESH_M = 4_000.0
NEAR_COUNT = 16
AROUND_COUNT = 7
COVERED_M = 12_000.0
EDGE_REACH_M = 20_000.0
BEARING_SIGMA_LEAST_DEG = 0.1
EDGE_GAP_RAD = 1.8
REACH_RATIO = 2.5
EDGE_RATIO = 0.15
OF_ARRAYS_RATIO = 0.5
"""A network is one of arrays if a larger share of its detections has bearings."""

SLOWNESSES_S_PER_M = {SEISMIC_INDEX: (1.0 / 6_000.0, 1.0 / 3_000.0)}
"""By modality, slownesses of its phases in the ground: P and Rg (docs/method/modalities.md)."""


@njit(cache=True, error_model="numpy")
def _fill_mesh(
    x_m: Floats, y_m: Floats, mesh: tuple[float, float, float, int, int], reach_m: float, eastward: Longs
) -> tuple[Longs, Longs]:
    """Give for every cell where its stations start, and the stations, nearest first; `eastward` orders them by x."""
    x0, y0, cell_m, nx, ny = mesh
    start = np.zeros(nx * ny + 1, dtype=np.int64)
    index = np.empty(4096, dtype=np.int64)
    near = np.empty(len(x_m), dtype=np.int64)
    square = np.empty(len(x_m))
    sorted_x = x_m[eastward]
    used = 0
    for j in range(ny):
        for i in range(nx):
            cx, cy = x0 + (i + 0.5) * cell_m, y0 + (j + 0.5) * cell_m
            n = 0
            for k in range(np.searchsorted(sorted_x, cx - reach_m), np.searchsorted(sorted_x, cx + reach_m)):
                s = eastward[k]
                d = (x_m[s] - cx) ** 2 + (y_m[s] - cy) ** 2
                if d <= reach_m * reach_m:
                    square[n], near[n] = d, s
                    n += 1
            while used + n > len(index):
                index = np.concatenate((index, np.empty_like(index)))
            index[used : used + n] = near[:n][np.argsort(square[:n], kind="mergesort")]
            used += n
            start[j * nx + i + 1] = used
    return start, index[:used].copy()


def station_lookup(network: Network, range_max_m: float) -> Lookup:
    """Give the mesh of stations within a range of every place around a network."""
    nx = max(1, math.ceil((float(np.ptp(network.x_m)) + 2.0 * range_max_m) / MESH_M))
    ny = max(1, math.ceil((float(np.ptp(network.y_m)) + 2.0 * range_max_m) / MESH_M))
    x0 = 0.5 * (float(network.x_m.min()) + float(network.x_m.max()) - nx * MESH_M)  # even about the middle:
    y0 = 0.5 * (float(network.y_m.min()) + float(network.y_m.max()) - ny * MESH_M)  # mirrored networks mirror
    reach_m = range_max_m + MESH_M * math.sqrt(0.5)
    start, index = _fill_mesh(
        network.x_m, network.y_m, (x0, y0, MESH_M, nx, ny), reach_m, np.lexsort((network.y_m, network.x_m))
    )
    place = np.stack([network.x_m[index], network.y_m[index]], axis=1)
    return Lookup(start, index, place, x0, y0, MESH_M, nx, ny)


def nearest_stations(network: Network, listens: Bools) -> tuple[Longs, Floats]:
    """Give each listening station's nearest such others (-1: none), and how far an event first heard there may lie.

    Amid others, that is 2.5 times the distance of the fifth; where the nearest seven leave 100 degrees empty, at an
    edge, `EDGE_REACH_M`.
    """
    near = np.full((len(network.x_m), NEAR_COUNT), -1, dtype=np.int64)
    reach_m = np.full(len(network.x_m), EDGE_REACH_M)
    listening = np.flatnonzero(listens)
    if len(listening) > 1:
        place = np.stack([network.x_m[listening], network.y_m[listening]], axis=1)
        others, reach = _nearest(place)
        near[listening, : others.shape[1]] = listening[others]
        reach_m[listening] = reach
    return near, reach_m


def _nearest(place: Floats) -> tuple[Longs, Floats]:
    """Give the same for places of shape (n, 2), all of which listen."""
    count = len(place)
    reach_m = np.full(count, EDGE_REACH_M)
    most = min(NEAR_COUNT + 1, count)
    distance_m, index = cKDTree(place).query(place, k=np.arange(1, most + 1))
    rank = np.lexsort((index, distance_m))
    index = np.take_along_axis(index, rank, axis=1)
    distance_m = np.take_along_axis(distance_m, rank, axis=1)
    own = index == np.arange(count)[:, None]
    own[~own.any(axis=1), -1] = True  # stations that stand on one point
    others = index[~own].reshape(count, most - 1)
    if most - 1 < AROUND_COUNT:
        return others, reach_m
    way = place[others[:, :AROUND_COUNT]] - place[:, None, :]
    turned = np.sort(np.arctan2(way[:, :, 1], way[:, :, 0]), axis=1)
    around = 2.0 * np.pi - (turned[:, -1] - turned[:, 0])
    gap = np.maximum(np.diff(turned, axis=1).max(axis=1), around)
    fifth_m = distance_m[~own].reshape(count, most - 1)[:, 4]
    return others, np.where(gap < EDGE_GAP_RAD, REACH_RATIO * fifth_m, reach_m)


def station_rows(network: Network, clutter_floor_hz: float) -> Floats:
    """Give the stations as rows; an unknown clutter rate starts at the network's median, or the floor."""
    rows = np.zeros((len(network.x_m), STATION_COLUMNS_COUNT))
    rows[:, STA_X], rows[:, STA_Y] = network.x_m, network.y_m
    rows[:, STA_SIGMA], rows[:, STA_DEAD] = network.timing_sigma_s, network.dead_time_s
    known = network.clutter_rate_hz[np.isfinite(network.clutter_rate_hz)]
    usual = float(np.median(known)) if known.size else clutter_floor_hz
    rate = np.where(np.isfinite(network.clutter_rate_hz), network.clutter_rate_hz, usual)
    rows[:, STA_CLUTTER] = np.maximum(rate, clutter_floor_hz)
    rows[:, STA_BEARING_SIGMA] = network.bearing_sigma_deg
    rows[:, STA_WEIGHT] = network.weight_ratio
    for index, slownesses in SLOWNESSES_S_PER_M.items():
        rows[network.modality_index == index, STA_SLOWNESS : STA_SECOND_SLOWNESS + 1] = slownesses
    rows[:, STA_LISTENS] = (rows[:, STA_WEIGHT] > 0.0) & (rows[:, STA_SLOWNESS] == 0.0)
    return rows


def detection_rows(detections: Detections, network: Network) -> Floats:
    """Give what detections say besides their time, as rows; where one states no sigma, its station's stands."""
    rows = np.zeros((len(detections.time_s), DETECTION_COLUMNS_COUNT))
    station = detections.station_index
    rows[:, DET_SIGMA] = np.where(np.isnan(detections.sigma_s), network.timing_sigma_s[station], detections.sigma_s)
    sigma_deg = detections.bearing_sigma_deg
    sigma_deg = np.where(np.isnan(sigma_deg), network.bearing_sigma_deg[station], sigma_deg)
    rows[:, DET_BEARING_SIGMA] = np.radians(np.maximum(sigma_deg, BEARING_SIGMA_LEAST_DEG))
    rows[:, DET_BEARING] = np.where(np.isnan(sigma_deg), np.nan, np.radians(detections.bearing_deg))
    rows[:, DET_AMPLITUDE] = detections.amplitude_log10_ratio
    return rows


def detection_curve(pd_probability: float, edge_ratio: float) -> Floats:
    """Give ln p, ln(1 - p), p, 1 - p of p = pd / (1 + exp((u - 1) / edge)) at the middle of every step of u = d / R."""
    u = (np.arange(CURVE_COUNT) + 0.5) * CURVE_STEP_RATIO
    p = pd_probability / (1.0 + np.exp((u - 1.0) / edge_ratio))
    return np.stack([np.log(p), np.log1p(-p), p, 1.0 - p])


def range_grid(least_m: float, most_m: float) -> Floats:
    """Give the detection ranges that are weighed, evenly in their logarithm."""
    return np.geomspace(least_m, most_m, RANGE_COUNT)


def in_order(detections: Detections) -> Longs:
    """Give the canonical order of detections: station, time, then everything else they say."""
    columns = detections
    return np.lexsort(
        (
            columns.phase_index,
            np.nan_to_num(columns.amplitude_log10_ratio, nan=-1e9),
            np.nan_to_num(columns.bearing_sigma_deg, nan=-1.0),
            np.nan_to_num(columns.bearing_deg, nan=-1.0),
            np.nan_to_num(columns.sigma_s, nan=-1.0),
            columns.time_s,
            columns.station_index,
        )
    )


def distinct(ordered: Detections) -> Bools:
    """Say which detections, in canonical order, are not exact copies of the one before."""
    same = np.ones(max(len(ordered.time_s) - 1, 0), dtype=np.bool_)
    for column in ordered:
        equal = (column[1:] == column[:-1]) | ((column[1:] != column[1:]) & (column[:-1] != column[:-1]))
        same &= equal
    return np.concatenate([np.ones(min(len(ordered.time_s), 1), dtype=np.bool_), ~same])


def taken(detections: Detections, order: Longs) -> Detections:
    """Give the detections at some places, in that order."""
    return Detections(
        detections.station_index[order],
        detections.time_s[order],
        detections.sigma_s[order],
        detections.bearing_deg[order],
        detections.bearing_sigma_deg[order],
        detections.amplitude_log10_ratio[order],
        detections.phase_index[order],
    )


def covered_area_m2(network: Network) -> float:
    """Give the area in which events are to be expected: mesh cells with a fifth station within 12 km."""
    used = network.weight_ratio > 0.0
    x_m, y_m = network.x_m[used], network.y_m[used]
    i, j = np.floor(x_m / MESH_M).astype(np.int64), np.floor(y_m / MESH_M).astype(np.int64)
    tree = cKDTree(np.stack([x_m, y_m], axis=1))
    x0, y0 = i.min() - 5, j.min() - 5
    gx, gy = np.meshgrid(np.arange(x0, i.max() + 6), np.arange(y0, j.max() + 6), indexing="ij")
    centres = np.stack([(gx.ravel() + 0.5) * MESH_M, (gy.ravel() + 0.5) * MESH_M], axis=1)
    fifth, _ = tree.query(centres, k=[min(5, len(x_m))])
    return max(float((fifth < COVERED_M).sum()), 1.0) * MESH_M * MESH_M


BUCKET_S = 1.0


@njit(cache=True, error_model="numpy")
def fill_buckets(time_s: Floats, start: Longs, start_s: float, first: Counts) -> None:
    """Write for every station and second the first detection not before it."""
    for s in range(len(start) - 1):
        filled, count = 0, first.shape[1]
        for k in range(start[s], start[s + 1]):
            until = min(max(int((time_s[k] - start_s) / BUCKET_S), 0), count)
            while until < count and start_s + until * BUCKET_S <= time_s[k]:
                until += 1
            if until > filled:
                first[s, filled:until] = k
                filled = until
        first[s, filled:] = start[s + 1]


def build_scene(
    network: Network, ordered: Detections, *, span_s: tuple[float, float], settings: EngineSettings
) -> Scene:
    """Give everything the compiled parts need of one window, from detections in canonical order."""
    theta = np.zeros(THETA_COUNT)
    theta[TH_SIGMA_RATIO], theta[TH_KAPPA], theta[TH_GATE] = 1.0, settings.path_error_ratio, settings.gate_ratio
    theta[TH_PD], theta[TH_EDGE] = settings.detection_probability, EDGE_RATIO
    theta[TH_RANGE_MAX] = 1.04 * settings.range_max_m
    theta[TH_SPAN_START], theta[TH_SPAN_END] = span_s
    theta[TH_KIN_COUNT], theta[TH_KIN_SIGMA] = settings.kin_count, settings.kin_sigma_m
    theta[TH_KIN_TIME], theta[TH_BEARING_DOUBT] = settings.kin_time_s, settings.bearing_doubt_probability
    range_m = range_grid(settings.range_min_m, settings.range_max_m)
    share = np.exp(-0.5 * (np.log(range_m / settings.range_usual_m) / settings.range_spread_ratio) ** 2)
    stations = station_rows(network, settings.clutter_floor_hz)
    near, reach_m = nearest_stations(network, stations[:, STA_LISTENS] > 0.0)
    start = np.searchsorted(ordered.station_index, np.arange(len(network.x_m) + 1)).astype(np.int64)
    time_s = ordered.time_s.astype(np.float64).copy()
    detections = detection_rows(ordered, network)
    bearing_count = np.isfinite(detections[:, DET_BEARING]).sum()
    theta[TH_OF_ARRAYS] = bearing_count > OF_ARRAYS_RATIO * len(detections)
    first = np.zeros((len(network.x_m), max(2, math.ceil(span_s[1] - span_s[0]) + 2)), dtype=np.int32)
    fill_buckets(time_s, start, span_s[0], first)
    return Scene(
        stations=stations,
        start=start,
        time_s=time_s,
        detections=detections,
        lookup=station_lookup(network, theta[TH_RANGE_MAX]),
        near=near,
        reach_m=reach_m,
        theta=theta,
        range_m=range_m,
        log_range=np.log(share / share.sum()),
        curve=detection_curve(settings.detection_probability, EDGE_RATIO),
        bucket=Buckets(first, span_s[0], 1.0 / BUCKET_S),
    )
