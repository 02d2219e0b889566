"""What every modality speaks: states of events, who could have noticed them, and terms of one likelihood.

Everything is in one plane, in metres east and north and seconds after the window's origin, as columns of equal length:
row i of a state is held against row i of a coverage and of a modality's own columns. Bearings are in degrees from
north, clockwise, seen from the observer.

A term is the logarithm of a ratio of densities, event against background, as a quadratic about the state at which it
was taken: `l(x) = l0 + g.(x - x0) - (x - x0)' L (x - x0) / 2`. Terms of one detection add, so that time, bearing and
amplitude of one arrival are three files; ambiguity within a file (a phase, a gross error) is a mixture, one row per
component.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from truceline.physics.travel_time import Air

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Table = TypeVar("Table", bound=tuple[Any, ...])

GATE_RATIO = 4.0
"""Residuals beyond so many sigmas are not looked at: 6 in 100,000 of a normal distribution lie there."""

DISTANCE_LEAST_M = 1.0
"""A bearing or a level at a smaller distance than this is taken there: both are singular at the observer."""

_LOG_ROOT_TWO_PI = 0.5 * np.log(2.0 * np.pi)


class States(NamedTuple):
    """Where and when events may have been, how far they are heard, and the air about them; one row each.

    `detection_range_m` is the distance at which half of the attentive acoustic stations hear the event;
    `model_error_ratio` is kappa, the error of sound's travel time as a share of it.
    """

    x_m: Floats
    y_m: Floats
    time_s: Floats
    detection_range_m: Floats
    sound_speed_m_per_s: Floats
    wind_x_m_per_s: Floats
    wind_y_m_per_s: Floats
    model_error_ratio: Floats


class Coverage(NamedTuple):
    """What could have been noticed: one row for each stretch in which a station, camera, patrol or satellite watched.

    `detection_probability` is that of a near event while watching (cloud and cover included); `range_m` is where half
    of it is left, `nan` for "as far as the event is heard". `background_rate` is the density of what is noticed
    without an event: per second, for thermal per square metre and overpass. `region_index` counts into the regions, -1
    for everywhere.
    """

    x_m: Floats
    y_m: Floats
    time_low_s: Floats
    time_high_s: Floats
    detection_probability: Floats
    range_m: Floats
    dead_time_s: Floats
    background_rate: Floats
    region_index: Ints


class Expectation(NamedTuple):
    """What a coverage row should show of an event: with which probability, when, and how far from then to look."""

    probability: Floats
    arrival_time_s: Floats
    reach_s: Floats


class Term(NamedTuple):
    """Log ratios `(components, pairs)`, their gradients `(.., 3)` by x, y and time, and information `(.., 3, 3)`."""

    log_ratio: Floats
    gradient: Floats
    information: Floats


class Modality(NamedTuple):
    """One kind of evidence: how its columns compare with an event and, if it stands alone, where it is expected.

    A modality without `expect` says more about a detection of another one. `slowness_max_s_per_m` is how much an
    expected time can move for each metre that an event moves.
    """

    name: str
    compare: Callable[[States, Coverage, Any], Term]
    expect: Callable[[States, Coverage], Expectation] | None
    slowness_max_s_per_m: float


def rows_of(table: Table, index: Ints | NDArray[np.bool_]) -> Table:
    """Give the rows of a table of columns, as the same table; an index may repeat rows."""
    make: Any = type(table)
    return cast("Table", make(*(column[index] for column in table)))


def air_of(states: States) -> Air:
    """Give the air about each state."""
    return Air(states.sound_speed_m_per_s, states.wind_x_m_per_s, states.wind_y_m_per_s)


def range_of_m(states: States, coverage: Coverage, *, share_of_heard_ratio: float = 1.0) -> Floats:
    """Give the range of each pair in metres: the coverage's own, else a share of the event's."""
    own = np.isfinite(coverage.range_m)
    return np.where(own, coverage.range_m, share_of_heard_ratio * states.detection_range_m)


def is_watched(coverage: Coverage, time_s: Floats) -> NDArray[np.bool_]:
    """Say of each row whether the observer was watching at a time."""
    return (coverage.time_low_s <= time_s) & (time_s <= coverage.time_high_s)


def normal_term(residual: Floats, sigma: Floats, by_state: Floats) -> Term:
    """Give the term of a measurement with a normal error: `log N(z; h(x), s)`, one component, no background taken off.

    `residual` is z - h(x) and `by_state` the derivative of h by x, y and time, shape (pairs, 3); units of the
    measurement.
    """
    pull = residual / sigma**2
    log_density = -0.5 * residual * pull - np.log(sigma) - _LOG_ROOT_TWO_PI
    gradient = by_state * pull[:, None]
    information = by_state[:, :, None] * by_state[:, None, :] / (sigma**2)[:, None, None]
    return Term(log_density[None], gradient[None], information[None])


def flat_term(log_ratio: Floats) -> Term:
    """Give the term of what says nothing about place and time; one component."""
    count = len(log_ratio)
    return Term(log_ratio[None], np.zeros((1, count, 3)), np.zeros((1, count, 3, 3)))


def shifted(term: Term, log_ratio: Floats) -> Term:
    """Give a term with a logarithm added: a background taken off, or the weight of a component."""
    return Term(term.log_ratio + log_ratio, term.gradient, term.information)


def mixture(*terms: Term) -> Term:
    """Give the components of several terms as one: either of them holds."""
    return Term(*(np.concatenate(parts) for parts in zip(*terms, strict=True)))


def product(first: Term, second: Term) -> Term:
    """Give the term of both, independent given the event: components multiply, so logarithms add."""
    count = len(first.log_ratio) * len(second.log_ratio)
    sums = [
        (left[:, None] + right[None]).reshape(count, *left.shape[1:]) for left, right in zip(first, second, strict=True)
    ]
    return Term(*sums)


def total_log_ratio(term: Term) -> Floats:
    """Give the log ratio of each pair over all its components, at the state it was taken; `log sum exp`."""
    largest = np.maximum(term.log_ratio.max(axis=0), -700.0)
    with np.errstate(divide="ignore"):
        return np.asarray(largest + np.log(np.exp(term.log_ratio - largest).sum(axis=0)), dtype=np.float64)
