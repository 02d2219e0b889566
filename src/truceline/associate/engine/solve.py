"""One window of detections becomes located events: propose, weigh jointly, learn, and say how sure.

First some of the detections propose events, the surest of which teach air, clocks and errors; then all begins anew
with what was learnt. A pure function: the same columns give the same bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from truceline.associate.engine.accept import Events, accept, merge, new_events, polish, reconsider
from truceline.associate.engine.air import AirPrior, Factor, air_covariance, estimate_air, fitted_air, prior_air
from truceline.associate.engine.clocks import find_clock_offsets
from truceline.associate.engine.echo import echo_rates
from truceline.associate.engine.effort import Effort, effort_at
from truceline.associate.engine.exchange import exchange, part
from truceline.associate.engine.gather import (
    ME_DETECTION,
    ME_EVENT,
    ME_PROBABILITY,
    ME_RESIDUAL,
    MEMBER_COLUMNS_COUNT,
    gather,
)
from truceline.associate.engine.layout import (
    CURVE_COUNT,
    DET_ECHO,
    DET_EXPLAINED,
    DET_SIGMA,
    EV_ALIVE,
    EV_COUNT,
    EV_LOG_ODDS,
    EV_PURITY,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    STA_CLUTTER,
    STA_SIGMA,
    STA_WEIGHT,
    TH_DENSITY,
    TH_KAPPA,
    TH_OF_ARRAYS,
    TH_QUICK_RATIO,
    TH_QUICK_S,
    Air,
    Floats,
    Longs,
    Scene,
    Work,
    new_work,
)
from truceline.associate.engine.learn import (
    learn_amplitude,
    learn_clutter,
    learn_detection,
    learn_free_rate,
    learn_kin,
    learn_timing,
)
from truceline.associate.engine.mirror import AL_LOG_ODDS, AL_X, AL_Y, alternatives, prefer_likelier
from truceline.associate.engine.posterior import covariances, widening_and_tail
from truceline.associate.engine.prepare import build_scene, covered_area_m2, distinct, fill_buckets, in_order, taken
from truceline.associate.engine.propose import Care, propose
from truceline.associate.engine.repeat import repeat
from truceline.associate.engine.shared_error import SharedError, shared_error, tally_sharing
from truceline.associate.network import Detections, Network, Solution
from truceline.associate.settings_engine import EngineSettings, MediumPrior

STATIONS_LEAST_COUNT = 4
"""With fewer stations a place and a time cannot be told apart from chance."""

BURST_RATIO = 10.0
"""A station reports a burst if it has so many times the detections of the median one; then all begin once more."""

TEACHERS_COUNT = 300
"""Events from which air and errors are learnt on the way, about; the last estimate of the air uses all."""

COMPARED_COUNT = 150
"""Events whose members' residuals are compared to find what neighbouring paths err in common, about."""

BLOCKS_COUNT = 12
"""Stretches of time, as many events in each, that in turn belong to one half of the events and to the other."""

DETECTIONS_PER_NODE_COUNT = 8
"""A window has a node of the air for so many detections at the most: fewer could not tell it."""

EARLIER_OR_LATER = (np.array([[0.0, 0.0, 0.3], [0.0, 0.0, -0.3]]), np.array([0.1, 0.03, 0.0, 0.0]), 0.25)
"""From where events that fit badly are settled anew at the end: steps (m, m, s), each round's wider sigma (s), and how
badly at the least."""

FITTED_MOST_COUNT = 1_200
"""How unsteady the air is, is asked where it has so many unknowns at the most: three a node."""

PROPOSALS_COUNT = 30_000
"""Hypotheses kept of one pass."""

_FIRST = (15.0, 0.8)
_SECOND = (10.0, 0.8)
_THIRD_PURITY, _LAST_PURITY = 0.6, 0.5
_AIR_STEPS_COUNT = 10
_FIRST_QUICK = (0.12, 0.009)
_QUICK_S = 0.09
_QUICK_KAPPAS = 1.3
_MEMBER_LEAST = 0.05
_SURE = (10.0, 0.85, 8)
_SURE_OF_FEW = (30, 6)


class Window(NamedTuple):
    """All that is at hand while one window is solved; `air` stands apart, because it is replaced."""

    scene: Scene
    work: Work
    events: Events
    proposals: Floats
    members: Floats
    order: Longs
    station_of: Longs
    tried: np.ndarray[tuple[int], np.dtype[np.bool_]]
    watched_s: float
    area_m2: float
    prior: AirPrior
    log_odds_min_ratio: float
    effort: Effort


def solve_window(
    network: Network,
    detections: Detections,
    *,
    span_s: tuple[float, float],
    medium: MediumPrior,
    settings: EngineSettings,
) -> Solution:
    """Give the events of one window, their members, and what was learnt of stations.

    Columns are as `Network` and `Detections` say: metres in a plane, seconds of one origin; `span_s` (start, end)
    is what the detections cover. The order of detections does not matter; fewer than four stations give no event.
    """
    usable = int((network.weight_ratio > 0.0).sum()) if len(network.x_m) else 0
    if usable < STATIONS_LEAST_COUNT or len(detections.time_s) < STATIONS_LEAST_COUNT or span_s[1] <= span_s[0]:
        return empty_solution(network)
    order = in_order(detections)
    ordered = taken(detections, order)
    kept = distinct(ordered)
    order, ordered = order[kept], taken(ordered, np.flatnonzero(kept))
    window = _window(network, ordered, span_s, medium, settings)
    air, offset_s, sigma_s = _learn_first(window, window.prior.air)
    air = _learn(window, air)
    _search(window, air, _SECOND, window.effort.quick)
    merge(window.scene, air, window.work, window.events, _weakest_first(window))
    window, air = _learn_weather(window, air)
    if _has_burst(window):
        window.tried[...] = False
    _search(window, air, (window.log_odds_min_ratio, _THIRD_PURITY), window.effort.quick)
    polish(window.scene, air, window.work, window.events, window.log_odds_min_ratio, False)
    _search_with_care(window, air)
    air, factor = _settle(window, air)
    return _solution(window, air, air_covariance(window.prior, factor), order, (offset_s, sigma_s))


def _window(
    network: Network,
    ordered: Detections,
    span_s: tuple[float, float],
    medium: MediumPrior,
    settings: EngineSettings,
) -> Window:
    """Put together what one window is solved with."""
    count = len(ordered.time_s)
    area_m2 = covered_area_m2(network)
    scene = build_scene(network, ordered, span_s=span_s, settings=settings)
    scene.theta[TH_DENSITY] = max(1.0, 0.01 * count) / (area_m2 * (span_s[1] - span_s[0]))
    most = min(settings.events_max_count, count // 3 + 16)
    return Window(
        scene=scene,
        work=new_work(),
        events=new_events(most),
        proposals=np.zeros((min(PROPOSALS_COUNT, count + 16), EVENT_COLUMNS_COUNT)),
        members=np.zeros((3 * count + 4096, MEMBER_COLUMNS_COUNT)),
        order=np.argsort(ordered.time_s, kind="stable"),
        station_of=ordered.station_index,
        tried=np.zeros(count, dtype=np.bool_),
        watched_s=span_s[1] - span_s[0],
        area_m2=area_m2,
        prior=prior_air(network, span_s, medium=medium, nodes_max_count=count // DETECTIONS_PER_NODE_COUNT),
        log_odds_min_ratio=settings.log_odds_min_ratio,
        effort=effort_at(_usual_rate_hz(network, ordered, span_s)),
    )


def _usual_rate_hz(network: Network, ordered: Detections, span_s: tuple[float, float]) -> float:
    """Give the median over usable stations of detections per second: a burst at one does not change it."""
    count = np.bincount(ordered.station_index, minlength=len(network.x_m))
    return float(np.median(count[network.weight_ratio > 0.0])) / (span_s[1] - span_s[0])


def _has_burst(window: Window) -> bool:
    """Say whether a station reports very much more than usual: that spoils first tries far around it."""
    count = np.diff(window.scene.start)
    return bool(count.max() > BURST_RATIO * max(float(np.median(count)), 1.0))


def _accept(window: Window, air: Air, found_count: int, least: tuple[float, float]) -> None:
    """Accept the pass's hypotheses, the surest first."""
    proposals = window.proposals[:found_count]
    order = np.lexsort((proposals[:, EV_X], proposals[:, EV_T], -proposals[:, EV_LOG_ODDS]))
    accept(window.scene, air, window.work, window.events, proposals, order, least)


def _standing(window: Window) -> Floats:
    """Give the rows of the events that stand."""
    rows = window.events.row[: window.events.used[0]]
    return rows[rows[:, EV_ALIVE] > 0.0]


def _learn_first(window: Window, air: Air) -> tuple[Air, Floats, Floats]:
    """Let the surest events of a sample of detections teach air, clocks and errors; then keep the events only as sites.

    Gives the air, and the stations' clock offsets and sigmas in seconds; the times are corrected by them.
    """
    scene, events = window.scene, window.events
    scene.theta[TH_QUICK_S], scene.theta[TH_QUICK_RATIO] = _FIRST_QUICK
    learn_free_rate(scene, window.station_of, window.watched_s)
    stride = max(1, len(window.order) // window.effort.first_anchors_count)
    anchors = np.ascontiguousarray(window.order[::stride])
    found = propose(
        scene,
        air,
        window.work,
        anchors,
        window.station_of,
        window.tried,
        _FIRST[1],
        window.effort.quick,
        events,
        window.proposals,
    )
    _accept(window, air, found, _FIRST)
    for _ in range(2):
        air = _learn(window, air)
    offset_s, sigma_s = find_clock_offsets(scene, air, events)
    _correct_clocks(window, offset_s, sigma_s)
    window.proposals[: events.used[0]] = events.row[: events.used[0]]
    sites = _standing(window).copy()
    events.used[0] = 0
    scene.detections[:, DET_EXPLAINED] = 0.0
    window.tried[...] = False
    for _ in range(2):
        _accept(window, air, repeat(scene, air, window.work, sites, events, window.proposals), _SECOND)
    return air, offset_s, sigma_s


def _correct_clocks(window: Window, offset_s: Floats, sigma_s: Floats) -> None:
    """Take found offsets out of the times; a corrected station's sigma grows by the offset's."""
    scene = window.scene
    if np.isnan(sigma_s).all():
        return
    scene.time_s[...] -= offset_s[window.station_of]
    fill_buckets(scene.time_s, scene.start, scene.bucket.start_s, scene.bucket.first)
    more_s = np.nan_to_num(sigma_s, nan=0.0)
    scene.stations[:, STA_SIGMA] = np.hypot(scene.stations[:, STA_SIGMA], more_s)
    scene.detections[:, DET_SIGMA] = np.hypot(scene.detections[:, DET_SIGMA], more_s[window.station_of])


def _search(window: Window, air: Air, least: tuple[float, float], care: Care) -> None:
    """Find more events: at the places of known ones, then everywhere."""
    scene, events, work = window.scene, window.events, window.work
    _accept(window, air, repeat(scene, air, work, _standing(window), events, window.proposals), least)
    scene.theta[TH_QUICK_S], scene.theta[TH_QUICK_RATIO] = _QUICK_S, _QUICK_KAPPAS * scene.theta[TH_KAPPA]
    learn_free_rate(scene, window.station_of, window.watched_s)
    found = propose(
        scene, air, work, window.order, window.station_of, window.tried, least[1], care, events, window.proposals
    )
    _accept(window, air, found, least)


def _search_with_care(window: Window, air: Air) -> None:
    """Find what few detections speak for, among those left free: every anchor once more, with farther partners."""
    window.tried[...] = False
    least = window.log_odds_min_ratio, _LAST_PURITY
    _search(window, air, least, window.effort.careful)
    polish(window.scene, air, window.work, window.events, window.log_odds_min_ratio, False)


def _teachers(window: Window, most_count: int) -> Longs:
    """Give sure events from which to learn, evenly taken where there are more than so many.

    Sure ones have eight members. Where fewer than thirty events do, as in a network of few arrays, six are enough if
    most have bearings; without, a mirrored place would teach the air that it is right.
    """
    rows = window.events.row[: window.events.used[0]]
    sure = (rows[:, EV_ALIVE] > 0.0) & (rows[:, EV_LOG_ODDS] >= _SURE[0]) & (rows[:, EV_PURITY] >= _SURE[1])
    found = np.flatnonzero(sure & (rows[:, EV_COUNT] >= _SURE[2]))
    if len(found) < _SURE_OF_FEW[0] and window.scene.theta[TH_OF_ARRAYS]:
        found = np.flatnonzero(sure & (rows[:, EV_COUNT] >= _SURE_OF_FEW[1]))
    return found[:: max(1, -(-len(found) // most_count))]


def _weakest_first(window: Window) -> Longs:
    """Give the events in the order of their log-odds."""
    return np.argsort(window.events.row[: window.events.used[0], EV_LOG_ODDS], kind="stable")


def _learn(window: Window, air: Air) -> Air:
    """Let the sure events teach the air, then errors, detection, amplitudes, clutter and kinship; give the air."""
    scene, events, work = window.scene, window.events, window.work
    teachers = _teachers(window, TEACHERS_COUNT)
    air, _, _ = estimate_air(scene, work, taught_by=(events, teachers), air=air, prior=window.prior)
    _follow(window, air)
    return air


def _follow(window: Window, air: Air) -> None:
    """Let the events follow the air that they taught, then teach errors."""
    polish(window.scene, air, window.work, window.events, window.log_odds_min_ratio, True)
    _learn_errors(window, air)


def _learn_errors(window: Window, air: Air) -> None:
    """Let the sure events teach timing errors, detection, amplitudes, clutter and kinship."""
    scene, events, work = window.scene, window.events, window.work
    scene.theta[TH_DENSITY] = max(1.0, float(len(_standing(window)))) / (window.area_m2 * window.watched_s)
    sums = np.zeros((3, CURVE_COUNT))
    count = gather(scene, air, work, events, _teachers(window, TEACHERS_COUNT), window.members, sums)
    members = window.members[:count]
    learn_timing(scene, members)
    learn_detection(scene, sums)
    learn_amplitude(scene, members, window.station_of)
    learn_clutter(scene, window.station_of, window.watched_s)
    learn_kin(scene, events)


def _learn_weather(window: Window, air: Air) -> tuple[Window, Air]:
    """Let all sure events teach as `_learn`, and how unsteady the air is; give the window with that, and the air.

    A window so wide that asking costs more than it tells keeps its prior; tiles are not.
    """
    if len(window.prior.unknown) > FITTED_MOST_COUNT:
        return window, _learn(window, air)
    scene, events, work = window.scene, window.events, window.work
    taught_by = events, _teachers(window, len(events.row))
    air, prior = fitted_air(scene, work, taught_by=taught_by, air=air, prior=window.prior)
    _follow(window, air)
    return window._replace(prior=prior), air


def _at_rest(window: Window, air: Air) -> tuple[Air, Factor]:
    """Let the sure events teach the air, and the air move the events, until a step gains little.

    Where the air is far from what was forecast, events near each other are off alike and hold it back: then it takes
    more than one step.
    """
    scene, events, work = window.scene, window.events, window.work
    least = window.effort.gain_per_event_ratio
    steps = 0
    while True:
        taught_by = events, _teachers(window, len(events.row))
        air, factor, gain = estimate_air(scene, work, taught_by=taught_by, air=air, prior=window.prior)
        polish(scene, air, work, events, window.log_odds_min_ratio, True)
        steps += 1
        if gain <= least * len(taught_by[1]) or steps == _AIR_STEPS_COUNT:
            return air, factor


def _sort_out(window: Window, air: Air) -> None:
    """Take rounds of one mission apart that hold each other's detections, and look for more where known ones were."""
    scene, events, work = window.scene, window.events, window.work
    exchange(scene, air, work, events)
    part(scene, air, work, events, window.log_odds_min_ratio)
    found = repeat(scene, air, work, _standing(window), events, window.proposals)
    _accept(window, air, found, (window.log_odds_min_ratio, _LAST_PURITY))
    polish(scene, air, work, events, window.log_odds_min_ratio, False)


def _settle(window: Window, air: Air) -> tuple[Air, Factor]:
    """Bring events, errors and air to rest together; give the air and its factored information."""
    scene, events, work = window.scene, window.events, window.work
    _learn_errors(window, air)
    merge(scene, air, work, events, _weakest_first(window))
    scene.detections[:, DET_ECHO] = echo_rates(scene, air, events, work=work, station_of=window.station_of)
    _sort_out(window, air)
    air, factor = _at_rest(window, air)
    reconsider(scene, air, work, events, EARLIER_OR_LATER)
    polish(scene, air, work, events, window.log_odds_min_ratio, False)
    return air, factor


def _shared(window: Window, air: Air) -> SharedError:
    """Give what neighbouring paths err in common; where they do, by the air that other events teach (two halves).

    The air follows the events that teach it, and so takes up some of what their paths err in common.
    """
    scene, events, work = window.scene, window.events, window.work
    found = shared_error(tally_sharing(scene, air, work, events, _teachers(window, COMPARED_COUNT)))
    if found.share_ratio == 0.0:
        return found
    teachers = _teachers(window, len(events.row))
    rank = np.argsort(np.argsort(events.row[teachers, EV_T], kind="stable"), kind="stable")
    half = rank * BLOCKS_COUNT // len(teachers) % 2
    sums = []
    for own in range(2):
        taught_by = events, teachers[half != own]
        other, _, _ = estimate_air(scene, work, taught_by=taught_by, air=air, prior=window.prior)
        sums.append(tally_sharing(scene, other, work, events, teachers[half == own]))
    again = shared_error(np.concatenate(sums))
    return max(found, again, key=lambda shared: shared.share_ratio)


def _solution(window: Window, air: Air, of_air: Floats, order: Longs, clocks: tuple[Floats, Floats]) -> Solution:
    """Read the standing events off the window, in order of time, x and y."""
    scene, events, work = window.scene, window.events, window.work
    rows = events.row[: events.used[0]]
    other = alternatives(scene, air, work, events)
    prefer_likelier(rows, other)
    standing = np.flatnonzero(rows[:, EV_ALIVE] > 0.0)
    standing = standing[np.lexsort((rows[standing, EV_Y], rows[standing, EV_X], rows[standing, EV_T]))]
    place_of = np.full(len(rows), -1)
    place_of[standing] = np.arange(len(standing))
    count = gather(scene, air, work, events, standing, window.members, np.zeros((3, CURVE_COUNT)))
    members = window.members[:count]
    members = members[members[:, ME_PROBABILITY] >= _MEMBER_LEAST]
    event = place_of[members[:, ME_EVENT].astype(np.int64)]
    by_event = np.lexsort((members[:, ME_DETECTION], event))
    members, event = members[by_event], event[by_event]
    doubted = covariances(scene, air, work, events, of_air, _shared(window, air))[standing]
    other = other[standing]
    log_odds = rows[standing, EV_LOG_ODDS]
    listening = scene.stations[:, STA_WEIGHT] > 0.0
    rate_hz = listening[window.station_of].sum() / (listening.sum() * window.watched_s)
    untaught_ratio = len(of_air) / 3.0 / max(1, len(_teachers(window, len(events.row))))
    widening_ratio, tail_ratio = widening_and_tail(
        doubted[:, 6:], rows[standing], rate_hz=rate_hz, nodes_per_teacher_ratio=untaught_ratio
    )
    return Solution(
        x_m=rows[standing, EV_X],
        y_m=rows[standing, EV_Y],
        time_s=rows[standing, EV_T],
        covariance=doubted[:, :6] * widening_ratio[:, None],
        region_tail_ratio=tail_ratio,
        log_odds_ratio=log_odds,
        event_probability=1.0 / (1.0 + np.exp(-np.clip(log_odds, -50.0, 50.0))),
        detection_range_m=rows[standing, EV_RANGE],
        defining_count=rows[standing, EV_COUNT].astype(np.int64),
        alternative_x_m=other[:, AL_X],
        alternative_y_m=other[:, AL_Y],
        alternative_probability=1.0 / (1.0 + np.exp(log_odds - other[:, AL_LOG_ODDS])),
        member_event_index=event,
        member_detection_index=order[members[:, ME_DETECTION].astype(np.int64)],
        member_probability=members[:, ME_PROBABILITY],
        member_residual_s=members[:, ME_RESIDUAL],
        station_clock_offset_s=clocks[0],
        station_clock_sigma_s=clocks[1],
        station_clutter_rate_hz=scene.stations[:, STA_CLUTTER].copy(),
    )


def empty_solution(network: Network) -> Solution:
    """Give the solution without an event: what too few stations or detections allow to say."""
    none, no_index = np.zeros(0), np.zeros(0, dtype=np.int64)
    count = len(network.x_m)
    return Solution(
        x_m=none,
        y_m=none,
        time_s=none,
        covariance=np.zeros((0, 6)),
        region_tail_ratio=none,
        log_odds_ratio=none,
        event_probability=none,
        detection_range_m=none,
        defining_count=no_index,
        alternative_x_m=none,
        alternative_y_m=none,
        alternative_probability=none,
        member_event_index=no_index,
        member_detection_index=no_index,
        member_probability=none,
        member_residual_s=none,
        station_clock_offset_s=np.zeros(count),
        station_clock_sigma_s=np.full(count, np.nan),
        station_clutter_rate_hz=np.array(network.clutter_rate_hz, dtype=np.float64),
    )
