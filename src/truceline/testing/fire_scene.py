"""Made-up fire across a contact line, with known ground truth: missions of launches and impacts among other events.

It has its own physics and its own error shapes (elevation drawn evenly, drag, volleys, shared aim points), so that what
the direction of fire assumes is not what it is tried on. Chance comes in as a generator; all is synthetic.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.associate.fire_columns import FireEvents, LineAtEvents, plain_events

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WEAPON_SHARES = (0.4, 0.4, 0.2)
_RANGES_M = np.array([[1_500.0, 6_500.0], [5_000.0, 20_000.0], [8_000.0, 30_000.0]])
_ELEVATIONS_DEG = np.array([[48.0, 78.0], [15.0, 42.0], [25.0, 48.0]])
_STANDOFFS_M = np.array([700.0, 3_000.0, 5_000.0])
_FLIGHT_SPREADS = np.array([0.008, 0.005, 0.010])
_HOT_SPOTS_COUNT = 12
_LEAD_S = 150.0
_DEGREE_M = 111_195.0
_LATITUDE_DEG = 48.0


class FireSceneParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What is fired and what is located of it.

    `events_per_minute_count` counts launches, impacts and other events before any is missed.
    `class_accuracy_probability` is how often a class is right, 0 for no class; `class_stated_probability` what the
    class likelihoods claim (the same if 0). `class_dependence_share` of missions have one class error for all rounds.
    `flight_spread_factor_ratio` multiplies how much rounds of a mission differ in flight time.
    """

    length_m: float = 300_000.0
    duration_s: float = 600.0
    events_per_minute_count: float = 60.0
    detection_probability: float = 0.9
    other_share: float = 0.1
    rounds_counts: tuple[int, ...] = (1, 2, 4, 8)
    class_accuracy_probability: float = 0.0
    class_stated_probability: float = 0.0
    class_dependence_share: float = 0.0
    flight_spread_factor_ratio: float = 1.0
    regular_share: float = 0.05
    volley_share: float = 0.25
    shared_share: float = 0.1
    line_sigma_m: float = 500.0


class FireScene(NamedTuple):
    """Events as located, the line at them, and what truly happened.

    `event_role_index` is 0 outgoing, 1 impact, 2 other; `event_mission_index` the mission, -1 for other events.
    `mission_on_a` says which missions were launched from ground A; `mission_rounds_count` how many rounds they fired,
    and `mission_whole` whether all of it lies inside the window.
    """

    events: FireEvents
    line: LineAtEvents
    event_role_index: Ints
    event_mission_index: Ints
    mission_on_a: NDArray[np.bool_]
    mission_rounds_count: Ints
    mission_whole: NDArray[np.bool_]


class _Missions(NamedTuple):
    """One element per mission."""

    on_a: NDArray[np.bool_]
    weapon: Ints
    impact_m: Floats
    source_m: Floats
    flight_s: Floats
    rounds: Ints
    start_s: Floats


def line_northing_m(x_m: Floats) -> Floats:
    """Give the line's northing in metres: two waves along it; ground A lies north of it."""
    return 4_000.0 * np.sin(2 * np.pi * x_m / 90_000.0) + 2_000.0 * np.sin(2 * np.pi * x_m / 37_000.0 + 1.0)


def line_for(x_m: Floats, y_m: Floats, *, sigma_m: float) -> LineAtEvents:
    """Give the line as seen from places: signed distance and normal at the nearest of points 100 m apart, refined."""
    near_x_m = x_m.copy()
    offsets_m = np.linspace(-12_000.0, 12_000.0, 241)
    for step_ratio in (1.0, 0.01):
        tried_x_m = near_x_m[:, None] + step_ratio * offsets_m
        squares = (tried_x_m - x_m[:, None]) ** 2 + (line_northing_m(tried_x_m) - y_m[:, None]) ** 2
        near_x_m = np.take_along_axis(tried_x_m, squares.argmin(axis=1)[:, None], axis=1)[:, 0]
    slope = (line_northing_m(near_x_m + 10.0) - line_northing_m(near_x_m - 10.0)) / 20.0
    norm = np.hypot(slope, 1.0)
    distance_m = np.hypot(near_x_m - x_m, line_northing_m(near_x_m) - y_m)
    sign = np.where(y_m >= line_northing_m(x_m), 1.0, -1.0)
    return LineAtEvents(sign * distance_m, -slope / norm, 1.0 / norm, np.full(len(x_m), sigma_m))


def make_fire(parameters: FireSceneParameters, rng: np.random.Generator) -> FireScene:
    """Make one window of fire; the same parameters and generator state give the same scene."""
    fired = _missions(parameters, rng)
    columns = [*_rounds(fired, parameters, rng), _others(parameters, rng)]
    whole = fired.start_s >= 0.0
    whole[columns[1][4][columns[1][2] >= parameters.duration_s]] = False
    x_m, y_m, time_s, role, mission = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    located = (rng.random(len(x_m)) < parameters.detection_probability) & (time_s >= 0.0)
    located &= time_s < parameters.duration_s
    x_m, y_m, time_s, role, mission = (column[located] for column in (x_m, y_m, time_s, role, mission))
    count = len(x_m)
    sigma_m, time_sigma_s = rng.uniform(10.0, 30.0, count), rng.uniform(0.03, 0.09, count)
    x_m, y_m = x_m + rng.normal(0.0, sigma_m), y_m + rng.normal(0.0, sigma_m)
    events = plain_events(x_m, y_m, time_s + rng.normal(0.0, time_sigma_s))._replace(
        time_sigma_s=time_sigma_s,
        covariance_m2=np.eye(2) * (sigma_m**2)[:, None, None],
        class_log_likelihood=_classes(role, mission, parameters, rng),
        longitude_deg=30.0 + x_m / (_DEGREE_M * np.cos(np.radians(_LATITUDE_DEG))),
        latitude_deg=_LATITUDE_DEG + y_m / _DEGREE_M,
    )
    line = line_for(x_m, y_m, sigma_m=parameters.line_sigma_m)
    return FireScene(events, line, role, mission, fired.on_a, fired.rounds, whole)


def _along_m(count: int, parameters: FireSceneParameters, rng: np.random.Generator) -> Floats:
    """Draw places along the line: half evenly, half in hot spots."""
    hot_m = rng.uniform(0.0, parameters.length_m, _HOT_SPOTS_COUNT)
    even_m = rng.uniform(0.0, parameters.length_m, count)
    near_m = hot_m[rng.integers(0, _HOT_SPOTS_COUNT, count)] + rng.normal(0.0, 4_000.0, count)
    return np.where(rng.random(count) < 0.5, even_m, near_m)


def _missions(parameters: FireSceneParameters, rng: np.random.Generator) -> _Missions:
    """Draw missions: who, with what, from where to where, when; some share the last one's aim point and time."""
    span_minutes = (parameters.duration_s + _LEAD_S) / 60.0
    rate = parameters.events_per_minute_count * (1.0 - parameters.other_share)
    count = int(rng.poisson(rate * span_minutes / (2.0 * np.mean(parameters.rounds_counts))))
    on_a = rng.random(count) < 0.5
    weapon = rng.choice(3, count, p=_WEAPON_SHARES)
    depth_m = np.where(rng.random(count) < 0.3, rng.normal(0.0, 800.0, count), rng.exponential(2_500.0, count))
    depth_m = np.minimum(depth_m, 0.6 * (_RANGES_M[weapon, 1] - _STANDOFFS_M[weapon]))
    x_m = _along_m(count, parameters, rng)
    impact_m = np.column_stack([x_m, line_northing_m(x_m) - np.where(on_a, 1.0, -1.0) * depth_m])
    start_s = rng.uniform(-_LEAD_S, parameters.duration_s, count)
    shared = np.flatnonzero((rng.random(count) < parameters.shared_share) & (np.arange(count) > 0))
    shared = shared[(on_a[shared] == on_a[shared - 1]) & (weapon[shared] >= weapon[shared - 1])]
    impact_m[shared] = impact_m[shared - 1] + rng.normal(0.0, 150.0, (len(shared), 2))
    start_s[shared] = start_s[shared - 1] + rng.uniform(-20.0, 20.0, len(shared))
    source_m = _sources_m(impact_m, on_a, weapon, rng)
    range_m = np.hypot(*(source_m - impact_m).T)
    elevation_rad = np.radians(rng.uniform(*_ELEVATIONS_DEG[weapon].T))
    drag = 1.0 + rng.uniform(0.0, 0.12, count)
    flight_s = drag * np.sqrt(2.0 * range_m * np.tan(elevation_rad) / 9.81)
    return _Missions(on_a, weapon, impact_m, source_m, flight_s, rng.choice(parameters.rounds_counts, count), start_s)


def _sources_m(impact_m: Floats, on_a: NDArray[np.bool_], weapon: Ints, rng: np.random.Generator) -> Floats:
    """Draw launch places on the firing party's ground, behind its standoff; where 60 draws fail, straight behind it."""
    outward = np.where(on_a, 1.0, -1.0)
    source_m = np.column_stack(
        [impact_m[:, 0], line_northing_m(impact_m[:, 0]) + outward * (_STANDOFFS_M[weapon] + 500.0)]
    )
    left = np.arange(len(impact_m))
    for _ in range(60):
        range_m = rng.uniform(*_RANGES_M[weapon[left]].T)
        turned_rad = rng.uniform(-1.0, 1.0, len(left))
        tried_m = impact_m[left] + (range_m * np.vstack([np.sin(turned_rad), outward[left] * np.cos(turned_rad)])).T
        seen = line_for(tried_m[:, 0], tried_m[:, 1], sigma_m=0.0)
        fits = seen.signed_distance_m * outward[left] >= _STANDOFFS_M[weapon[left]]
        source_m[left[fits]] = tried_m[fits]
        left = left[~fits]
    return source_m


def _rounds(
    fired: _Missions, parameters: FireSceneParameters, rng: np.random.Generator
) -> list[tuple[Floats, Floats, Floats, Ints, Ints]]:
    """Give launches and impacts of all rounds: (x, y, time, role, mission)."""
    mission = np.repeat(np.arange(len(fired.rounds)), fired.rounds)
    first = np.repeat(np.cumsum(fired.rounds) - fired.rounds, fired.rounds)
    within = np.arange(len(mission)) - first
    gap_s = 0.5 + rng.exponential(6.0, len(mission))
    style = rng.random(len(fired.rounds))[mission]
    volley_s = np.where(
        within % 3 != 0, 0.3 + rng.exponential(0.6, len(mission)), 12.0 + rng.exponential(8.0, len(mission))
    )
    gap_s = np.where(style < parameters.volley_share, volley_s, gap_s)
    beat_s = rng.uniform(4.0, 12.0, len(fired.rounds))[mission] * (1.0 + rng.normal(0.0, 0.02, len(mission)))
    gap_s = np.where(style > 1.0 - parameters.regular_share, beat_s, gap_s)
    passed_s = np.cumsum(np.where(within == 0, 0.0, gap_s))
    launch_s = fired.start_s[mission] + passed_s - passed_s[first]
    spread = parameters.flight_spread_factor_ratio * _FLIGHT_SPREADS[fired.weapon[mission]]
    impact_s = launch_s + fired.flight_s[mission] * (1.0 + rng.normal(0.0, 1.0, len(mission)) * spread)
    launch_m = fired.source_m[mission] + rng.normal(0.0, 60.0, (len(mission), 2))
    impact_m = fired.impact_m[mission] + rng.normal(0.0, 120.0, (len(mission), 2))
    return [
        (launch_m[:, 0], launch_m[:, 1], launch_s, np.zeros(len(mission), dtype=np.int64), mission),
        (impact_m[:, 0], impact_m[:, 1], impact_s, np.ones(len(mission), dtype=np.int64), mission),
    ]


def _others(parameters: FireSceneParameters, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Ints, Ints]:
    """Give other events: mostly single, some in short series, about the line."""
    rate = parameters.events_per_minute_count * parameters.other_share
    series = rng.geometric(0.7, int(rng.poisson(rate * parameters.duration_s / 60.0 * 0.7)))
    group = np.repeat(np.arange(len(series)), series)
    x_m = _along_m(len(series), parameters, rng)
    y_m = line_northing_m(x_m) + rng.normal(0.0, 6_000.0, len(series))
    start_s = rng.uniform(0.0, parameters.duration_s, len(series))
    time_s = start_s[group] + rng.exponential(8.0, len(group)) * (np.arange(len(group)) > 0)
    x_m, y_m = x_m[group] + rng.normal(0.0, 120.0, len(group)), y_m[group] + rng.normal(0.0, 120.0, len(group))
    return x_m, y_m, time_s, np.full(len(group), 2), np.full(len(group), -1)


def _classes(role: Ints, mission: Ints, parameters: FireSceneParameters, rng: np.random.Generator) -> Floats:
    """Draw launch-or-impact classes that are right as often as asked, and what they claim; other events draw either."""
    accuracy, stated = parameters.class_accuracy_probability, parameters.class_stated_probability
    if accuracy == 0.0:
        return np.zeros((len(role), 3))
    draws = rng.random(len(role))
    common = rng.random(max(int(mission.max(initial=0)), 0) + 2)
    bound = (common < parameters.class_dependence_share)[mission] & (mission >= 0)
    draws = np.where(bound, rng.random(len(common))[mission], draws)
    coin = rng.integers(0, 2, len(role))
    said = np.where(role == 2, coin, np.where(draws < accuracy, role, 1 - role))
    claimed = stated or accuracy
    table: Floats = np.log(np.array([[claimed, 1.0 - claimed, 0.5], [1.0 - claimed, claimed, 0.5]]))
    likelihoods: Floats = table[said]
    return likelihoods
