"""Normal distributions of place and time, many at once: packing, taking a term in, and matching a mixture by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from truceline.associate.modalities.term import Term

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROWS, _COLUMNS = np.triu_indices(3)


class Normals(NamedTuple):
    """Means `(n, 3)` of x, y (m) and time (s), and covariances `(n, 3, 3)`."""

    mean: Floats
    covariance: Floats


class Absorbed(NamedTuple):
    """What a term does to a normal: log predictive ratios `(k, n)`, and means and covariances after each component."""

    log_predictive_ratio: Floats
    mean: Floats
    covariance: Floats


def unpacked(packed: Floats) -> Floats:
    """Give symmetric matrices `(n, 3, 3)` from rows of xx, xy, xt, yy, yt, tt."""
    full = np.zeros((len(packed), 3, 3))
    full[:, _ROWS, _COLUMNS] = packed
    full[:, _COLUMNS, _ROWS] = packed
    return full


def packed(full: Floats) -> Floats:
    """Give rows of xx, xy, xt, yy, yt, tt from symmetric matrices `(n, 3, 3)`."""
    return np.ascontiguousarray(full[:, _ROWS, _COLUMNS])


def absorb(normals: Normals, reference: Floats, term: Term) -> Absorbed:
    """Give the integral of `N(x; m, C) exp(l(x))` and the normal it is proportional to, for each component and row.

    With the term moved from its reference x0 to m (`g = g0 - L (m - x0)`): `C' = (I + C L)^-1 C`, `m' = m + C' g`, and
    the log of the integral is `l(m) + g' C' g / 2 - log det(I + C L) / 2`. Kalman's update, written for information.
    """
    shift = normals.mean - reference
    pulled = np.einsum("knij,nj->kni", term.information, shift)
    log_here = term.log_ratio + np.einsum("kni,ni->kn", term.gradient - 0.5 * pulled, shift)
    gradient = term.gradient - pulled
    spread = np.eye(3) + normals.covariance @ term.information
    solved = np.linalg.solve(spread, np.broadcast_to(normals.covariance, spread.shape))
    after: Floats = np.asarray(0.5 * (solved + np.swapaxes(solved, -1, -2)), dtype=np.float64)
    step = np.einsum("knij,knj->kni", after, gradient)
    log_determinant = np.linalg.slogdet(spread)[1]
    log_predictive = log_here + 0.5 * np.einsum("kni,kni->kn", gradient, step) - 0.5 * log_determinant
    return Absorbed(log_predictive, normals.mean + step, after)


def matched(prior: Normals, absorbed: Absorbed, *, weights: Floats, group_index: Ints) -> Normals:
    """Give the normal with mean and covariance of each group's mixture: its prior, and weighted components of its rows.

    `weights` has shape (k, rows) and sums, over the rows of a group, to at most 1; what is left is the prior's. This is
    the update of the probabilistic data association filter (Bar-Shalom and Tse 1975).
    """
    count = len(prior.mean)
    left = 1.0 - np.bincount(group_index, weights=weights.sum(axis=0), minlength=count)
    moved = np.einsum("kn,kni->ni", weights, absorbed.mean - prior.mean[group_index])
    offset = np.zeros((count, 3))
    np.add.at(offset, group_index, moved)
    mean = prior.mean + offset
    covariance = left[:, None, None] * (prior.covariance + offset[:, :, None] * offset[:, None, :])
    apart = absorbed.mean - mean[group_index]
    inside = absorbed.covariance + apart[..., :, None] * apart[..., None, :]
    np.add.at(covariance, group_index, np.einsum("kn,knij->nij", weights, inside))
    return Normals(mean, covariance)
