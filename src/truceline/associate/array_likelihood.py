"""The likelihood of array detections against clutter: bearings, arrival times over all phases, and silent arrays.

Everything is the natural logarithm of a ratio: density if there was an event at a place and time, over density if the
detection was clutter, which comes at a constant rate from any bearing alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from truceline.associate.array_records import ArrayColumns, ArrayDetection, ArraySettings, Evidence, Floats, Ints
from truceline.physics.celerity import CelerityModel, normal_density

HALF_WIDTH_MIN_DEG = 4.0
HALF_WIDTH_MAX_DEG = 12.0
"""Narrowest and widest half width at half maximum of an array's measured beam (InfraPy, propagation/likelihoods.py)."""

PROPAGATION_HALF_WIDTH_DEG = 4.0
"""What winds across the path add to the half width of the beam (InfraPy, propagation/likelihoods.py)."""

TIME_NODE_COUNT = 64
"""Points of the rule that integrates over the origin time."""

_DENSITY_FLOOR = 1e-280


def bearing_concentration_ratio(f_statistic_ratio: float | None, element_count: int | None) -> float:
    """Give the concentration of the von Mises distribution of a bearing; the wider the beam, the smaller.

    Blom, Marcillo and Arrowsmith 2015, GJI 203, 1682, as InfraPy has it (propagation/likelihoods.py): the beam of N
    elements with F-statistic F has the concentration 2 (N - 1) F; its half width, held between 4 and 12 degrees, is
    widened by 4 degrees for what the path does, and `ln 2 / (1 - cos(half width))` makes a concentration of it again.
    """
    half_width_deg = HALF_WIDTH_MAX_DEG
    if f_statistic_ratio is not None and element_count is not None:
        measured = max(2.0 * (element_count - 1) * f_statistic_ratio, math.log(2.0))
        measured_deg = math.degrees(math.acos(1.0 - math.log(2.0) / measured))
        half_width_deg = min(max(measured_deg, HALF_WIDTH_MIN_DEG), HALF_WIDTH_MAX_DEG)
    return math.log(2.0) / (1.0 - math.cos(math.radians(half_width_deg + PROPAGATION_HALF_WIDTH_DEG)))


def canonical_order(detections: Sequence[ArrayDetection]) -> list[ArrayDetection]:
    """Put detections in the one order in which they are worked on, each once, however they came."""
    by_id = {detection.detection_id: detection for detection in detections}
    return sorted(by_id.values(), key=lambda entry: (entry.time, entry.array_id, entry.bearing_deg))


def columns_of(detections: Sequence[ArrayDetection], settings: ArraySettings) -> ArrayColumns:
    """Make columns of detections in canonical order; an array is where its first detection says it stands."""
    places = {entry.array_id: (entry.latitude_deg, entry.longitude_deg) for entry in reversed(detections)}
    names = sorted(places)
    array_index = np.array([names.index(entry.array_id) for entry in detections], dtype=np.int64)
    time_s = np.array([(entry.time - detections[0].time).total_seconds() for entry in detections])
    counts = np.bincount(array_index, minlength=len(names))
    rate_hz = (1.0 + counts) / (settings.clutter_prior_s + time_s[-1])
    return ArrayColumns(
        time_s=time_s,
        bearing_deg=np.array([entry.bearing_deg for entry in detections]),
        concentration_ratio=np.array(
            [bearing_concentration_ratio(entry.f_statistic_ratio, entry.element_count) for entry in detections]
        ),
        log_clutter_hz=np.log(rate_hz)[array_index],
        array_index=array_index,
        array_latitude_deg=np.array([places[name][0] for name in names]),
        array_longitude_deg=np.array([places[name][1] for name in names]),
    )


def log_bearing_ratio(difference_deg: Floats, concentration_ratio: Floats, outlier_share: float) -> Floats:
    """Give the log of a bearing's density over that of any bearing alike (1 / 2 pi); shapes are broadcast.

    Von Mises (Blom, Marcillo and Arrowsmith 2015) with a share of outliers that come from anywhere, so that no single
    bearing can rule a place out: the ratio is never below that share.
    """
    kappa = np.minimum(concentration_ratio, 600.0)
    ratio = np.exp(kappa * np.cos(np.radians(difference_deg))) / np.i0(kappa)
    logs: Floats = np.log(outlier_share + (1.0 - outlier_share) * ratio)
    return logs


def arrival_density_hz(delay_s: Floats, distance_m: Floats, spread_s: Floats, *, model: CelerityModel) -> Floats:
    """Give the density of an arrival so long after the origin, over all phases; shapes are broadcast.

    `sum_k w_k N(delay; r m_k, (r s_k)^2 + spread^2)` with range r, and shares, means and standard deviations of the
    model's reciprocal celerities (Blom, Marcillo and Arrowsmith 2015, as a density of time).
    """
    total = np.full(np.broadcast_shapes(delay_s.shape, distance_m.shape, spread_s.shape), _DENSITY_FLOOR)
    for share, mean, sigma in zip(model.phase_shares, model.mean_s_per_m, model.sigma_s_per_m, strict=True):
        total += share * normal_density(delay_s - distance_m * mean, np.hypot(distance_m * sigma, spread_s))
    return total


def log_heard(distance_m: Floats, count: Ints, settings: ArraySettings) -> Floats:
    """Give the log probability that each array made so many detections of an event at each place.

    `distance_m` has shape (arrays, places), `count` (arrays,). How far an event is heard, R, depends on its strength
    and on the winds, neither of which is known: it is summed over `hearing_range_m`, all alike. Given R, an array at
    range r hears the first phase with probability `p exp(-(r / R)^2)`, and each further phase with a probability of its
    own.
    """
    is_member = count[:, None] > 0
    logs = []
    for reach_m in settings.hearing_range_m:
        fade = -((distance_m / reach_m) ** 2)
        silent = np.log1p(-settings.detection_probability * np.exp(fade))
        logs.append(np.where(is_member, math.log(settings.detection_probability) + fade, silent).sum(axis=0))
    further_count = int(np.maximum(count - 1, 0).sum())
    total: Floats = np.logaddexp.reduce(logs) - math.log(len(logs))
    return total + further_count * math.log(settings.further_phase_probability)


class TimeTable(NamedTuple):
    """The origin time at each of some places: points of time, and the log density of all arrivals with an origin there.

    Both have shape (places, time points); points are evenly spaced, `step_s` apart at each place.
    """

    node_s: Floats
    log_density: Floats
    step_s: Floats

    def log_integral(self) -> Floats:
        """Give the log of the integral over the origin time at each place (the rectangle rule)."""
        top = self.log_density.max(axis=1)
        inner = np.exp(self.log_density - top[:, None]).sum(axis=1)
        logs: Floats = top + np.log(inner * self.step_s)
        return logs


def origin_times(distance_m: Floats, arrival_s: Floats, cell_m: Floats, *, settings: ArraySettings) -> TimeTable:
    """Tabulate, at each place, every origin time that the arrivals allow; distances have shape (detections, places).

    The points span the times that no arrival rules out; where there is none, the span between the two arrivals that
    disagree most. `cell_m` is the width of the cell that a place stands for: half the sound's way across it is added to
    the spread of each arrival, so that a coarse cell shows what its inside can explain (a uniform cell's variance is
    width^2 / 12).
    """
    model = settings.celerity
    slow_s_per_m = float(np.dot(model.phase_shares, model.mean_s_per_m))
    spread_s = np.hypot(settings.timing_sigma_s, cell_m * slow_s_per_m / math.sqrt(12.0))
    margin_s = 3.0 * spread_s
    low_s = (arrival_s[:, None] - distance_m * model.slowest_s_per_m).max(axis=0) - margin_s
    high_s = (arrival_s[:, None] - distance_m * model.fastest_s_per_m).min(axis=0) + margin_s
    start_s, end_s = np.minimum(low_s, high_s) - margin_s, np.maximum(low_s, high_s) + margin_s
    step_s = (end_s - start_s) / TIME_NODE_COUNT
    node_s = start_s[:, None] + (np.arange(TIME_NODE_COUNT) + 0.5) * step_s[:, None]
    apart = np.zeros_like(node_s)
    for index, arrived_s in enumerate(arrival_s):
        apart += np.log(
            arrival_density_hz(arrived_s - node_s, distance_m[index][:, None], spread_s[:, None], model=model)
        )
    share = settings.shared_celerity_probability
    if share == 0.0:
        return TimeTable(node_s, apart, step_s)
    together = log_shared_celerity(distance_m, arrival_s, (node_s, spread_s), settings=settings)
    return TimeTable(node_s, np.logaddexp(math.log1p(-share) + apart, math.log(share) + together), step_s)


def log_shared_celerity(
    distance_m: Floats, arrival_s: Floats, origin: tuple[Floats, Floats], *, settings: ArraySettings
) -> Floats:
    """Give the log density of all arrivals if they came as one phase, at one celerity but for a little scatter.

    `origin` is (origin times of shape (places, time points), spread of arrivals at each place). For each phase the
    arrivals are jointly normal: with d = t - t0 - r m, variances v = spread^2 + (r scatter)^2, and s the phase's
    standard deviation, the covariance is diag(v) + s^2 r r'. Its inverse and determinant are those of a rank-one update
    (Sherman and Morrison 1950), so only sums over the arrivals are needed. Infrasound of one event that goes through
    one air may come alike at neighbouring arrays; taken as independent, such arrivals seem to say more than they do.
    """
    node_s, spread_s = origin
    model = settings.celerity
    weight = 1.0 / (spread_s**2 + (distance_m * settings.celerity_scatter_s_per_m) ** 2)
    middle_s = float(arrival_s.mean())
    later_s, since_s = (arrival_s - middle_s)[:, None], node_s - middle_s
    rr, r1 = ((weight * value).sum(axis=0)[:, None] for value in (distance_m**2, distance_m))
    rt, tt, t1, w1 = (
        (weight * value).sum(axis=0)[:, None] for value in (distance_m * later_s, later_s**2, later_s, 1.0)
    )
    squares = tt - 2.0 * since_s * t1 + since_s**2 * w1
    products = rt - since_s * r1
    normal = -0.5 * (len(arrival_s) * math.log(2.0 * math.pi) - np.log(weight).sum(axis=0))[:, None]
    logs = []
    for share, mean, sigma in zip(model.phase_shares, model.mean_s_per_m, model.sigma_s_per_m, strict=True):
        update = 1.0 + sigma**2 * rr
        misfit = squares - 2.0 * mean * products + mean**2 * rr - sigma**2 * (products - mean * rr) ** 2 / update
        logs.append(math.log(share) + normal - 0.5 * (np.log(update) + misfit))
    total: Floats = np.logaddexp.reduce(logs)
    return total


class Explained(NamedTuple):
    """What some detections say at each of some places: log posterior density per square metre, and the time table.

    Not normalised: `log_density` integrates to the log odds of the event. `times` is `None` where only bearings count.
    """

    log_density: Floats
    times: TimeTable | None


class Geometry(NamedTuple):
    """From every array to every place: distances in metres and bearings in degrees, of shape (arrays, places).

    `cell_m` is the width of the cell that each place stands for.
    """

    distance_m: Floats
    bearing_deg: Floats
    cell_m: Floats


def explain(
    columns: ArrayColumns, members: Ints, geometry: Geometry, *, evidence: Evidence, settings: ArraySettings
) -> Explained:
    """Hold some detections against an event at each place: the log of prior times likelihood, over that of clutter.

    log rho + sum_i [log p(bearing) 2 pi] + log int dt0 prod_i [p(arrival) / clutter rate] + log p(who heard, who not)
    (docs/method/infrasound.md, eq. 1). With `bearings`, or `times`, the other term is left out.
    """
    arrays = columns.array_index[members]
    distance_m = geometry.distance_m[arrays]
    log_density = np.full(distance_m.shape[1], math.log(settings.event_density_hz_per_m2))
    count = np.bincount(arrays, minlength=len(columns.array_latitude_deg))
    log_density += log_heard(geometry.distance_m, count, settings)
    if evidence != "times":
        log_density += bearings_at(columns, members, geometry, outlier_share=settings.outlier_share).sum(axis=0)
    times = None
    if evidence != "bearings":
        times = origin_times(distance_m, columns.time_s[members], geometry.cell_m, settings=settings)
        log_density += times.log_integral() - columns.log_clutter_hz[members].sum()
    is_near = (distance_m <= settings.range_max_m).all(axis=0)
    return Explained(np.where(is_near, log_density, -np.inf), times)


def bearings_at(columns: ArrayColumns, members: Ints, geometry: Geometry, *, outlier_share: float) -> Floats:
    """Give the log bearing ratio of each member at each place; a cell's width, seen from the array, widens the bearing.

    The variances add: 1 / kappa' = 1 / kappa + width^2 / (12 range^2).
    """
    arrays = columns.array_index[members]
    distance_m = np.maximum(geometry.distance_m[arrays], 1.0)
    kappa = 1.0 / (1.0 / columns.concentration_ratio[members][:, None] + (geometry.cell_m / distance_m) ** 2 / 12.0)
    difference_deg = geometry.bearing_deg[arrays] - columns.bearing_deg[members][:, None]
    return log_bearing_ratio(difference_deg, kappa, outlier_share)
