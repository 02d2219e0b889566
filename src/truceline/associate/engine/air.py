"""The air between stations, estimated from the events themselves and from a forecast: a Gaussian process on nodes.

Events are eliminated by their Schur complement (gather.py), so what remains is a linear system for (c, u, v) at every
node; the forecast's mean and the process's covariance are its prior (Rasmussen and Williams 2006, chapter 2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpotri
from scipy.spatial import cKDTree

from truceline.associate.engine.accept import Events
from truceline.associate.engine.gather import air_equations
from truceline.associate.engine.layout import Air, Floats, Longs, Scene, Work
from truceline.associate.network import Network
from truceline.associate.settings_engine import MediumPrior

NODE_M = 15_000.0
"""Distance of nodes; bilinear between them, so a little under the correlation length."""

Factor = Floats
"""The Cholesky factor of an information, the upper one in column order."""

UNKNOWN_M = 20_000.0
"""Nodes farther than this from every station stay as forecast."""

NODE_S = 700.0
"""Longest time between nodes."""

NODES_LEAST_COUNT = 16
NODES_MOST_COUNT = 700
"""Nodes of one window; a wider network has them farther apart."""

_NUGGET_RATIO = 1e-3

DOUBLINGS = (-4, 2)
"""How far the air's prior deviations may be from what they turn out to be: from a sixteenth to four times."""

_DEVIATIONS_LOG_SIGMA = 3.0


class AirPrior(NamedTuple):
    """The air before any event: its mean on every node, and its inverse covariance on those near stations.

    `unknown` are the places of (c, u, v) of those nodes in the flattened values; the others stay as forecast.
    """

    air: Air
    precision: Floats
    unknown: Longs


def prior_air(network: Network, span_s: tuple[float, float], *, medium: MediumPrior, nodes_max_count: int) -> AirPrior:
    """Give the forecast on nodes over a network and a span of seconds, even about the network's middle."""
    width, height = float(np.ptp(network.x_m)), float(np.ptp(network.y_m))
    nt = max(2, math.ceil((span_s[1] - span_s[0]) / NODE_S) + 1)
    step_m = NODE_M
    most = min(max(nodes_max_count, NODES_LEAST_COUNT), NODES_MOST_COUNT)
    while (math.ceil(width / step_m) + 1) * (math.ceil(height / step_m) + 1) * nt > most:
        step_m *= 1.25
        if step_m > max(width, height):
            break
    nx, ny = math.ceil(width / step_m) + 1, math.ceil(height / step_m) + 1
    middle = 0.5 * (network.x_m.min() + network.x_m.max()), 0.5 * (network.y_m.min() + network.y_m.max())
    value = np.empty((nt, ny, nx, 3))
    value[...] = (medium.sound_speed_m_per_s, medium.wind_east_m_per_s, medium.wind_north_m_per_s)
    step_s = max((span_s[1] - span_s[0]) / (nt - 1), 1.0)
    x0, y0 = middle[0] - 0.5 * (nx - 1) * step_m, middle[1] - 0.5 * (ny - 1) * step_m
    air = Air(value, float(x0), float(y0), span_s[0], step_m, step_s)
    near = _near_stations(air, network)
    unknown = (3 * near[:, None] + np.arange(3)).ravel()
    return AirPrior(air, _precision(air, near, medium), unknown)


def _near_stations(air: Air, network: Network) -> Longs:
    """Give the nodes, of all times, that lie within `UNKNOWN_M` of some station: no path leads by the others."""
    nt, ny, nx, _ = air.value.shape
    y, x = np.meshgrid(air.y0_m + np.arange(ny) * air.step_m, air.x0_m + np.arange(nx) * air.step_m, indexing="ij")
    stations = cKDTree(np.stack([network.x_m, network.y_m], axis=1))
    distance_m, _ = stations.query(np.stack([x.ravel(), y.ravel()], axis=1), k=1)
    near = np.flatnonzero(distance_m <= max(UNKNOWN_M, air.step_m))
    return np.asarray((np.arange(nt)[:, None] * (nx * ny) + near).ravel(), dtype=np.int64)


def _precision(air: Air, near: Longs, medium: MediumPrior) -> Floats:
    """Give the inverse covariance of some nodes' (c, u, v): a squared exponential each, about an unknown mean."""
    nt, ny, nx, _ = air.value.shape
    t, y, x = np.meshgrid(
        np.arange(nt) * air.step_s / medium.time_s,
        np.arange(ny) * air.step_m / medium.length_m,
        np.arange(nx) * air.step_m / medium.length_m,
        indexing="ij",
    )
    place = np.stack([t.ravel(), y.ravel(), x.ravel()])[:, near]
    square = ((place[:, :, None] - place[:, None, :]) ** 2).sum(axis=0)
    smooth = np.exp(-0.5 * square) + _NUGGET_RATIO * np.eye(len(square))
    size = len(square)
    precision = np.zeros((size, 3, size, 3))
    sound = medium.sound_speed_variation_m_per_s**2, medium.sound_speed_sigma_m_per_s**2
    wind = medium.wind_variation_m_per_s**2, medium.wind_sigma_m_per_s**2
    precision[:, 0, :, 0] = np.linalg.inv(sound[0] * smooth + sound[1])
    precision[:, 1, :, 1] = np.linalg.inv(wind[0] * smooth + wind[1])
    precision[:, 2, :, 2] = precision[:, 1, :, 1]
    return precision.reshape(3 * size, 3 * size)


def _equations(
    scene: Scene, work: Work, taught_by: tuple[Events, Longs], air: Air, prior: AirPrior
) -> tuple[Floats, Floats]:
    """Give what some of the events say of the unknown nodes about the present air: information (lower half), pull."""
    size = air.value.size
    matrix, right = np.zeros((size, size)), np.zeros(size)
    air_equations(scene, air, work, taught_by[0], taught_by[1], matrix, right)
    if len(prior.unknown) < size:
        matrix = matrix[np.ix_(prior.unknown, prior.unknown)]
    return matrix, right[prior.unknown]


def _factored(matrix: Floats) -> Floats:
    """Give the Cholesky factor, upper in column order, of a matrix of which the lower half in row order is read.

    Thus nothing is copied; the matrix is no more afterwards.
    """
    return np.asarray(cho_factor(matrix.T, lower=False, overwrite_a=True, check_finite=False)[0])


def _solved(factor: Floats, right: Floats) -> Floats:
    """Give what a factored matrix makes the right-hand side of."""
    return np.asarray(cho_solve((factor, False), right, check_finite=False))


def estimate_air(
    scene: Scene, work: Work, *, taught_by: tuple[Events, Longs], air: Air, prior: AirPrior
) -> tuple[Air, Factor, float]:
    """Give the air as some of the events make it, one Gauss-Newton step on, its information, factored, and the gain.

    The gain is how much likelier the step makes air and detections together if memberships stay, in nats: half of
    Newton's decrement squared (Boyd and Vandenberghe 2004, section 9.5.1).
    """
    matrix, right = _equations(scene, work, taught_by, air, prior)
    matrix += prior.precision
    factor = _factored(matrix)
    off = (prior.air.value - air.value).reshape(-1)[prior.unknown]
    pull = right + prior.precision @ off
    step = _solved(factor, pull)
    return _moved(air, prior, step), factor, 0.5 * float(step @ pull)


def _moved(air: Air, prior: AirPrior, step: Floats) -> Air:
    """Give the air with a step of the unknown nodes' values added."""
    value = air.value.copy()
    value.reshape(-1)[prior.unknown] += step
    return air._replace(value=value)


def fitted_air(
    scene: Scene, work: Work, *, taught_by: tuple[Events, Longs], air: Air, prior: AirPrior
) -> tuple[Air, AirPrior]:
    """Give the air one step on, and the prior with deviations doubled or halved so that what events show is likeliest.

    The evidence of a linear model (Rasmussen and Williams 2006, eq. 5.8), with deviations a priori right to a factor
    of e^3. So calm air is not taken for as unsteady as the prior, which was made for windy days, and a gale for steady.
    """
    matrix, right = _equations(scene, work, taught_by, air, prior)
    matrix += np.tril(matrix, -1).T
    off = (air.value - prior.air.value).reshape(-1)[prior.unknown]
    pull = right + matrix @ off
    found, (most, best) = 0, _evidence(matrix, pull, prior.precision, 0)
    asked = {0: most}
    for way in (-1, 1):
        while DOUBLINGS[0] <= found + way <= DOUBLINGS[1]:
            asked[found + way], place = _evidence(matrix, pull, prior.precision, found + way)
            if asked[found + way] <= most:
                break
            found, most, best = found + way, asked[found + way], place
    return _moved(air, prior, best - off), prior._replace(precision=prior.precision * 0.25 ** _summit(asked, found))


def _summit(asked: dict[int, float], best: int) -> float:
    """Give where a parabola through the best of evenly spaced places and its neighbours is highest."""
    if best - 1 not in asked or best + 1 not in asked:
        return float(best)
    low, high = asked[best] - asked[best - 1], asked[best] - asked[best + 1]
    return best + 0.5 * (low - high) / (low + high) if low + high > 0.0 else float(best)


def _evidence(matrix: Floats, pull: Floats, precision: Floats, doublings: int) -> tuple[float, Floats]:
    """Give the evidence's logarithm, but for what is alike for all, of deviations doubled so often, and the air then.

    The air is given as what it differs from the prior's mean.
    """
    factor = _factored(matrix + precision * 0.25**doublings)
    halves = len(pull) * doublings * math.log(2.0) + float(np.log(np.diag(factor)).sum())
    place = _solved(factor, pull)
    return 0.5 * float(pull @ place) - halves - 0.5 * (doublings * math.log(2.0) / _DEVIATIONS_LOG_SIGMA) ** 2, place


def air_covariance(prior: AirPrior, factor: Factor) -> Floats:
    """Give the lower half of the covariance ((m/s)^2) of all nodes' flattened (c, u, v): zero for those as forecast."""
    size = prior.air.value.size
    half, failed = dpotri(factor, lower=False)
    assert failed == 0, f"the air's information has no inverse: {failed}"
    if len(prior.unknown) == size:
        return np.asarray(half.T)
    covariance = np.zeros((size, size))
    covariance[np.ix_(prior.unknown, prior.unknown)] = half.T
    return covariance
