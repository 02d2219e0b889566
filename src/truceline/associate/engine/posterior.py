"""How uncertain an event's place and time are, the air's own uncertainty and doubt about the members included."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events
from truceline.associate.engine.gather import NodeRoom, add_path, node_room, own_rate
from truceline.associate.engine.layout import (
    DET_ECHO,
    DET_EXPLAINED,
    EV_ALIVE,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_X,
    EV_Y,
    WK_DX,
    WK_DY,
    WK_PROBABILITY,
    WK_SIGMA,
    Air,
    Floats,
    Scene,
    Work,
)
from truceline.associate.engine.refine import (
    FULL_REACH_RATIO,
    doubts,
    event_of,
    inverse,
    is_singular,
    normal_equations,
)
from truceline.associate.engine.shared_error import SharedError, add_shared
from truceline.associate.engine.weigh import look, weigh_members
from truceline.physics.region import TAIL_MAX_RATIO, agreed_scale_ratio

INFLATION = {
    "always": -0.193,
    "misfit": 0.426,
    "undecided": -0.46,
    "thin": 0.013,
    "missing": -0.07,
    "crowd": 0.161,
    "contested": 0.394,
    "misfit x misfit": 0.296,
    "thin x thin": -0.065,
    "missing x missing": 0.058,
    "misfit x undecided": 0.164,
    "undecided x crowd": 0.497,
    "thin x crowd": 0.055,
    "misfit x contested": 0.827,
    "contested x crowd": -0.236,
    "crowd x crowd": 0.002,
    "quiet": -0.115,
    "overwhelmed": -3.94,
    "undecided x overwhelmed": 8.28,
    "thin x overwhelmed": 1.96,
    "misfit x overwhelmed": 6.79,
}
"""Coefficients of ln f, the scale of errors over the linear model's, by what tells of doubt and by products of two."""

TAIL = {
    "always": -3.195,
    "misfit": 2.487,
    "undecided": 0.934,
    "thin": 1.78,
    "missing": 1.501,
    "crowd": -0.231,
    "contested": 1.007,
    "untaught": 0.609,
    "overwhelmed": 1.43,
}
"""Coefficients of ln k, the tail of errors (`truceline.physics.region`), by what tells of doubt."""

INFLATION_MAX_RATIO = 1e4
"""No variance is widened more."""

TAIL_MIN_RATIO = math.exp(-7.0)
"""Lighter tails than this cannot be told from the normal's."""

CONTESTED_RATE_HZ = 0.05
"""A detection that others explain at this rate is half contested."""

_USUAL_RATE_HZ = 0.05
_CROWD_LOW, _CROWD_HIGH = -0.5, 2.3
_QUIET_RATE_HZ = 0.02
_QUIET_MOST = 1.1
_OVERWHELMED_MOST = 0.7


@njit(cache=True, error_model="numpy")
def _contested(scene: Scene, work: Work, n: int) -> float:
    """Give which share of n weighed rows' members others or echoes explain too; the own rate must be taken out."""
    total, contested = 1e-9, 0.0
    for i in range(n):
        if work.detection[i] >= 0:
            p = work.row[i, WK_PROBABILITY]
            detection = scene.detections[work.detection[i]]
            others = max(detection[DET_EXPLAINED], 0.0) + detection[DET_ECHO]
            total += p
            contested += p * others / (others + CONTESTED_RATE_HZ)
    return contested / total


@njit(cache=True, error_model="numpy")
def _add_air(cov: Floats, cross: Floats, room: NodeRoom, touched: int, air_covariance: Floats, total: Floats) -> None:
    """Add G C G' to a covariance of (x, y, t), G = H^-1 J'W Q; `cross` is J'W Q, and is cleared."""
    gain = np.zeros((3, touched))
    for a in range(touched):
        for i in range(3):
            for j in range(3):
                gain[i, a] += cov[i, j] * cross[j, room.touched[a]]
    for a in range(touched):
        for b in range(touched):
            ka, kb = room.touched[a], room.touched[b]
            w = air_covariance[max(ka, kb), min(ka, kb)]
            for i in range(3):
                for j in range(3):
                    total[i, j] += gain[i, a] * w * gain[j, b]
    for a in range(touched):
        place = room.touched[a]
        room.is_touched[place] = False
        for i in range(3):
            cross[i, place] = 0.0


@njit(cache=True, error_model="numpy")
def covariances(
    scene: Scene, air: Air, work: Work, events: Events, air_covariance: Floats, shared: SharedError
) -> Floats:
    """Give (xx, xy, xt, yy, yt, tt) of every event: H^-1 + G C G' with G = H^-1 J'W Q and C the air's covariance.

    Metres and seconds; `nan` where the detections do not fix a place. `air_covariance` is (p, p) in (m/s)^2, its lower
    half is read; what paths err in common is added. Four more columns say how far that can be trusted: the members'
    reduced chi-squared, the mean of p (1 - p) over p, the share of them that others or echoes explain too, and the
    share of the region's area that the air makes, in [0, 1].
    """
    out = np.full((events.used[0], 10), np.nan)
    size = len(air_covariance)
    cross = np.zeros((3, size))
    room = node_room(size)
    for e in range(events.used[0]):
        if events.row[e, EV_ALIVE] == 0.0:
            continue
        row = events.row[e]
        own_rate(scene, events, e, -1.0)
        n = look(scene, air, work, event_of(row), FULL_REACH_RATIO)
        weigh_members(scene, work, n, row[EV_RANGE])
        contested = _contested(scene, work, n)
        own_rate(scene, events, e, 1.0)
        normal = normal_equations(scene, work, n, (row[EV_X], row[EV_Y]))
        if is_singular(normal):
            continue
        cov = inverse(normal)
        out[e, 6], out[e, 7] = doubts(work, n)
        out[e, 8] = contested
        touched = 0
        for i in range(n):
            if work.detection[i] >= 0 and work.row[i, WK_PROBABILITY] > 0.05:
                weight = work.row[i, WK_PROBABILITY] / work.row[i, WK_SIGMA] ** 2
                jx, jy = work.row[i, WK_DX], work.row[i, WK_DY]
                k = add_path(scene, air, work, row, i, room)
                for a in range(k):
                    place = room.place[a]
                    if not room.is_touched[place]:
                        room.is_touched[place] = True
                        room.touched[touched] = place
                        touched += 1
                    cross[0, place] += weight * jx * room.slope[a]
                    cross[1, place] += weight * jy * room.slope[a]
                    cross[2, place] += weight * room.slope[a]
        total = cov.copy()
        add_shared(scene, work, n, cov, shared, total)
        still = _area_square(total)
        _add_air(cov, cross, room, touched, air_covariance, total)
        out[e, 0], out[e, 1], out[e, 2] = total[0, 0], total[0, 1], total[0, 2]
        out[e, 3], out[e, 4], out[e, 5] = total[1, 1], total[1, 2], total[2, 2]
        out[e, 9] = 1.0 - math.sqrt(min(still / _area_square(total), 1.0))
    return out


@njit(cache=True, error_model="numpy")
def _area_square(cov: Floats) -> float:
    """Give what the square of the area of a region in x and y is proportional to."""
    return float(cov[0, 0] * cov[1, 1] - cov[0, 1] ** 2)


def widening_and_tail(
    doubted: Floats, rows: Floats, *, rate_hz: float, nodes_per_teacher_ratio: float
) -> tuple[Floats, Floats]:
    """Give by how much variances are widened, and the tail ratio of errors, for what the linear model does not know.

    Errors of place are Student's t with scale f C0 and tail k: ln f = b . (1, d, products of d), ln k = c . (1, d) in
    [-7, 0]. The widening is f times what makes the normal's 90 % region that of the t (`truceline.physics.region`), in
    [1, 10,000]. `doubted` is (n, 4), chi-squared, undecided, contested and the air's share; `rows` the events
    (n, `EV_*`); `rate_hz` the detections of a station per second; the last the air's nodes over the events that taught
    it. Fitted by maximum likelihood to events of a benchmark, checked on other seeds (docs/method/association.md).
    """
    doubt = _doubts_by_name(doubted, rows, rate_hz, nodes_per_teacher_ratio)
    tail_ratio = np.clip(np.exp(_linear(TAIL, doubt)), TAIL_MIN_RATIO, TAIL_MAX_RATIO)
    widening_ratio = np.exp(_linear(INFLATION, doubt)) * agreed_scale_ratio(tail_ratio)
    return np.asarray(np.clip(widening_ratio, 1.0, INFLATION_MAX_RATIO)), np.asarray(tail_ratio)


def _doubts_by_name(doubted: Floats, rows: Floats, rate_hz: float, nodes_per_teacher_ratio: float) -> dict[str, Floats]:
    """Give each doubt of every event, and 1 under *always*.

    Misfit is ln max(chi2, 1); undecided ln(1 + 10 u) - 0.6; thin ln(25 / log-odds) below 25; missing
    3 max(0, 1 - purity); crowd ln(rate / 0.05) between -0.5 and 2.3, overwhelmed what is beyond up to 0.7, quiet
    ln(0.02 / rate) up to 1.1; contested 4 c. Untaught is sqrt(a) ln(nodes / teachers) where the air has more nodes than
    events taught it, a its share of the region: of an air that is known it asks nothing.
    """
    chi2 = np.nan_to_num(doubted[:, 0], nan=1.0)
    undecided, contested, air_share = np.nan_to_num(doubted[:, 1:4], nan=0.0).T
    crowd = np.log(rate_hz / _USUAL_RATE_HZ)
    quiet = np.clip(np.log(_QUIET_RATE_HZ / rate_hz), 0.0, _QUIET_MOST)
    return {
        "always": np.ones(len(rows)),
        "misfit": np.log(np.maximum(chi2, 1.0)),
        "undecided": np.log1p(10.0 * undecided) - 0.6,
        "thin": np.log(25.0 / np.clip(rows[:, EV_LOG_ODDS], 1.0, 25.0)),
        "missing": 3.0 * np.maximum(0.0, 1.0 - rows[:, EV_PURITY]),
        "crowd": np.full(len(rows), np.clip(crowd, _CROWD_LOW, _CROWD_HIGH)),
        "overwhelmed": np.full(len(rows), np.clip(crowd - _CROWD_HIGH, 0.0, _OVERWHELMED_MOST)),
        "contested": 4.0 * contested,
        "quiet": np.full(len(rows), quiet),
        "untaught": np.sqrt(air_share) * max(0.0, np.log(nodes_per_teacher_ratio)),
    }


def _linear(coefficients: dict[str, float], doubt: dict[str, Floats]) -> Floats:
    """Add up coefficients times doubts, or times products of two."""
    total = np.zeros(len(doubt["always"]))
    for name, coefficient in coefficients.items():
        first, _, second = name.partition(" x ")
        total += coefficient * (doubt[first] * doubt[second] if second else doubt[first])
    return total
