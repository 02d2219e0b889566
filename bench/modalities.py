"""What each modality adds where stations are few: share of events found at log-odds above 3, and false ones among them.

Run `nice -n 19 taskset -c 0 python bench/modalities.py --seeds 5`. A theatre of sparse acoustic stations is made;
candidates come from sound alone (every pick as an anchor, a grid of places, refined by Gauss-Newton steps with soft
membership, best first), and those with log-odds above -2 are given to `combine` with the evidence of other modalities.
Compare with association.md: arrivals .54/.40, + bearings .60/.55, + seismic .81/.84, + thermal .69/.63, all with
humans .86/.87 (share of all events / of those heard by 4 stations). The theatre draws from the same laws as the model:
it shows what the arithmetic is worth, not what real ground does to it.
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from truceline.associate.combine import LOG_ODDS_ACCEPTED_RATIO, LOG_ODDS_MIN_RATIO, Candidates, combine
from truceline.associate.gaussian import packed
from truceline.associate.modalities import acoustic, bearing, human, seismic, thermal
from truceline.associate.modalities.term import Coverage, States, Term, air_of, product, rows_of
from truceline.associate.pairing import Attached, Items, Pairs, Stream, expectations, find_pairs
from truceline.physics.detectability import detection_probability
from truceline.physics.travel_time import travel_time

Floats = NDArray[np.float64]
WIDTH_M, HEIGHT_M, LENGTH_S = 60_000.0, 40_000.0, 600.0
RANGES_M = np.array([4e3, 5.5e3, 7.5e3, 10e3, 13e3, 18e3])
GUARD_LOG_RATIO = -3.0
MATCH_M, MATCH_S = 1_500.0, 5.0
SIGMA_MAX_M = 3_000.0
BINS = (-np.inf, 0.0, 3.0, 6.0, np.inf)
SHARES = (0.5, 0.9, 0.95)
PIXEL_SIGMA_M = 375.0 / np.sqrt(12.0)
ROWS = (
    ("arrivals", "", ()),
    ("+ bearings", "bearing", ()),
    ("+ bearings, seismic", "bearing", ("seismic",)),
    ("+ bearings, thermal", "bearing", ("thermal",)),
    ("+ bearings, humans", "bearing", ("human",)),
    ("all", "bearing", ("seismic", "thermal", "human")),
)


class Theatre(NamedTuple):
    """What happened and what was noticed: true states, how many acoustic stations heard each, and evidence by name."""

    truth: States
    heard_count: NDArray[np.int64]
    streams: dict[str, Stream]


def states_at(x_m: Floats, y_m: Floats, time_s: Floats, range_m: Floats, wind: tuple[float, float]) -> States:
    """Give states in air of one wind, as the engine would know it."""
    whole = np.ones_like(x_m)
    return States(x_m, y_m, time_s, range_m, 340.0 * whole, wind[0] * whole, wind[1] * whole, 0.004 * whole)


def watchers(rng: np.random.Generator, count: int, *, probability: float, rate: float) -> Coverage:
    """Scatter observers over the theatre; they watch for the whole time and half a minute more."""
    whole = np.ones(count)
    return Coverage(
        x_m=rng.uniform(0.0, WIDTH_M, count),
        y_m=rng.uniform(0.0, HEIGHT_M, count),
        time_low_s=-100.0 * whole,
        time_high_s=(LENGTH_S + 100.0) * whole,
        detection_probability=probability * whole,
        range_m=np.nan * whole,
        dead_time_s=0.3 * whole,
        background_rate=rate * whole,
        region_index=np.full(count, -1),
    )


def noticed(
    rng: np.random.Generator, modality: object, coverage: Coverage, truth: States
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw which observer notices which event."""
    event, watcher = (index.ravel() for index in np.indices((len(truth.x_m), len(coverage.x_m))))
    expected = modality.expect(rows_of(truth, event), rows_of(coverage, watcher))
    hit = rng.random(len(event)) < expected.probability
    return event[hit], watcher[hit]


def clutter(rng: np.random.Generator, coverage: Coverage) -> tuple[NDArray[np.int64], Floats]:
    """Draw what is noticed without an event."""
    span_s = coverage.time_high_s - coverage.time_low_s
    watcher = np.repeat(np.arange(len(span_s)), rng.poisson(coverage.background_rate * span_s))
    return watcher, rng.uniform(coverage.time_low_s[watcher], coverage.time_high_s[watcher])


def sorted_stream(modality: object, coverage: Coverage, watcher: Floats, columns: object, time_s: Floats) -> Stream:
    """Put what was noticed in canonical order."""
    order = np.lexsort((time_s, watcher))
    items = Items(watcher[order], time_s[order], np.ones(len(order), dtype=np.int64))
    return Stream(modality, coverage, items, rows_of(columns, order))


def acoustic_stream(rng: np.random.Generator, truth: States, count: int) -> tuple[Stream, NDArray[np.int64]]:
    """Make arrivals at stations, a third of which are arrays that give bearings to 3 degrees."""
    coverage = watchers(rng, count, probability=0.9, rate=0.01)
    event, watcher = noticed(rng, acoustic.MODALITY, coverage, truth)
    there, at = rows_of(truth, event), rows_of(coverage, watcher)
    travel = travel_time(at.x_m - there.x_m, at.y_m - there.y_m, air_of(there)).time_s
    sigma_s = rng.uniform(0.02, 0.05, count)
    time_s = there.time_s + travel * rng.normal(1.0, 0.004, len(travel)) + rng.normal(0.0, sigma_s[watcher])
    front = (there.x_m + there.wind_x_m_per_s * travel - at.x_m, there.y_m + there.wind_y_m_per_s * travel - at.y_m)
    bearing_deg = np.degrees(np.arctan2(*front)) + rng.normal(0.0, 3.0, len(travel))
    more, more_s = clutter(rng, coverage)
    every, every_s = np.r_[watcher, more], np.r_[time_s, more_s]
    every_deg = np.r_[bearing_deg, rng.uniform(0.0, 360.0, len(more))]
    order = np.lexsort((every_s, every))
    stream = sorted_stream(acoustic.MODALITY, coverage, every, acoustic.Arrivals(every_s, sigma_s[every]), every_s)
    pointing = np.flatnonzero((every % 3 == 0)[order])
    whole = np.ones(len(pointing))
    said = bearing.Bearings(every_deg[order][pointing], 3.0 * whole, whole)
    attached = (Attached(bearing.MODALITY, pointing, said),)
    return stream._replace(attached=attached), np.bincount(event, minlength=len(truth.x_m))


def seismic_stream(rng: np.random.Generator, truth: States, count: int) -> Stream:
    """Make unlabelled picks of either phase, with errors of speed along each path."""
    coverage = watchers(rng, count, probability=0.8, rate=0.005)
    event, watcher = noticed(rng, seismic.MODALITY, coverage, truth)
    there, at = rows_of(truth, event), rows_of(coverage, watcher)
    phase = rng.integers(0, 2, len(event))
    speed, error = np.array(seismic.PHASES).T
    path_s = np.hypot(at.x_m - there.x_m, at.y_m - there.y_m) / speed[phase]
    time_s = there.time_s + path_s * rng.normal(1.0, error[phase]) + rng.normal(0.0, 0.05, len(event))
    more, more_s = clutter(rng, coverage)
    every, every_s = np.r_[watcher, more], np.r_[time_s, more_s]
    picks = seismic.SeismicPicks(every_s, np.full(len(every), 0.05), np.full(len(every), -1))
    return sorted_stream(seismic.MODALITY, coverage, every, picks, every_s)


def thermal_stream(rng: np.random.Generator, truth: States) -> Stream:
    """Make one overpass at the end, half of it clear, with wild fires as dense as one in 2,000 km2."""
    pass_s, rate = LENGTH_S + 300.0, 1.0 / 2e9
    coverage = rows_of(watchers(rng, 1, probability=0.45, rate=rate), np.array([0]))
    coverage = coverage._replace(time_low_s=np.array([pass_s]), time_high_s=np.array([pass_s]))
    event, watcher = noticed(rng, thermal.MODALITY, coverage, truth)
    more = rng.poisson(rate * WIDTH_M * HEIGHT_M)
    x_m = np.r_[truth.x_m[event] + rng.normal(0, PIXEL_SIGMA_M, len(event)), rng.uniform(0, WIDTH_M, more)]
    y_m = np.r_[truth.y_m[event] + rng.normal(0, PIXEL_SIGMA_M, len(event)), rng.uniform(0, HEIGHT_M, more)]
    every = np.r_[watcher, np.zeros(more, dtype=np.int64)]
    pixels = thermal.Pixels(x_m, y_m, np.full(len(x_m), PIXEL_SIGMA_M))
    return sorted_stream(thermal.MODALITY, coverage, every, pixels, np.full(len(x_m), pass_s))


def human_stream(rng: np.random.Generator, truth: States, count: int) -> Stream:
    """Make reports by compass word and range in kilometres, to the minute; one in ten points and measures anyhow."""
    coverage = watchers(rng, count, probability=0.6, rate=1.0 / 1_200.0)
    event, watcher = noticed(rng, human.MODALITY, coverage, truth)
    there, at = rows_of(truth, event), rows_of(coverage, watcher)
    way = there.x_m - at.x_m, there.y_m - at.y_m
    heard_s = there.time_s + travel_time(-way[0], -way[1], air_of(there)).time_s + rng.normal(0.0, 10.0, len(event))
    bearing_deg = np.degrees(np.arctan2(*way)) + rng.normal(0.0, human.BEARING_SIGMA_DEG, len(event))
    range_m = np.hypot(*way) * np.exp(rng.normal(0.0, human.RANGE_SIGMA_RATIO, len(event)))
    more, more_s = clutter(rng, coverage)
    bounds = np.log([human.RANGE_LEAST_M, human.RANGE_MOST_M])
    anyhow_deg = rng.uniform(0.0, 360.0, len(event) + len(more))
    anyhow_m = np.exp(rng.uniform(*bounds, len(event) + len(more)))
    wrong = np.r_[rng.random(len(event)) < human.GROSS_ERROR_PROBABILITY, np.ones(len(more), dtype=bool)]
    bearing_deg = np.where(wrong, anyhow_deg, np.r_[bearing_deg, np.zeros(len(more))])
    range_m = np.where(wrong, anyhow_m, np.r_[range_m, np.ones(len(more))])
    every, every_s = np.r_[watcher, more], np.r_[heard_s, more_s]
    start_s = np.floor(every_s / 60.0) * 60.0
    word_deg = np.round(bearing_deg / 22.5) * 22.5
    low_m = np.floor(range_m / 1e3) * 1e3
    reports = human.Reports(
        time_s=start_s + 30.0,
        time_low_s=start_s,
        time_high_s=start_s + 60.0,
        time_sigma_s=np.full(len(every), 6.0),
        bearing_deg=word_deg,
        width_deg=np.full(len(every), 22.5),
        range_low_m=low_m,
        range_high_m=low_m + 1e3,
    )
    return sorted_stream(human.MODALITY, coverage, every, reports, start_s + 30.0)


def theatre(seed: int, options: argparse.Namespace) -> Theatre:
    """Make a theatre: events at random places and times, each heard as far as a log-normal range."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(options.rate * LENGTH_S / 60.0)
    range_m = np.clip(11e3 * np.exp(rng.normal(0.0, 0.35, count)), 5e3, 25e3)
    turn = rng.uniform(0.0, 2.0 * np.pi)
    wind = (6.0 * float(np.cos(turn)), 6.0 * float(np.sin(turn)))
    x_m, y_m = rng.uniform(3e3, WIDTH_M - 3e3, count), rng.uniform(3e3, HEIGHT_M - 3e3, count)
    truth = states_at(x_m, y_m, rng.uniform(0.0, LENGTH_S - 60.0, count), range_m, wind)
    sound, heard_count = acoustic_stream(rng, truth, options.stations)
    streams = {
        "acoustic": sound,
        "seismic": seismic_stream(rng, truth, options.seismometers),
        "thermal": thermal_stream(rng, truth),
        "human": human_stream(rng, truth, options.patrols),
    }
    return Theatre(truth, heard_count, streams)


def proposals(stream: Stream, wind: tuple[float, float], *, per_pick_count: int = 8) -> States:
    """Take every pick as an anchor and give the likeliest places of a 1 km grid from which it may have come."""
    coverage, items = stream.coverage, stream.items
    grid = [axis.ravel() for axis in np.meshgrid(np.arange(0.5e3, WIDTH_M, 1e3), np.arange(0.5e3, HEIGHT_M, 1e3))]
    whole = np.ones_like(grid[0])
    place = states_at(grid[0], grid[1], 0.0 * whole, 11e3 * whole, wind)
    ways = coverage.x_m - grid[0][:, None], coverage.y_m - grid[1][:, None]
    speed = air_of(rows_of(place, np.zeros((1, 1), dtype=np.int64)))
    times_s, distances_m = travel_time(ways[0], ways[1], speed).time_s, np.hypot(*ways)
    heard = detection_probability(distances_m, np.full_like(distances_m, 10e3), np.full_like(distances_m, 0.9))
    found = []
    for watcher, pick_s in zip(items.coverage_index, items.time_s, strict=True):
        near = np.flatnonzero(distances_m[:, watcher] < 18e3)
        predicted_s = pick_s - times_s[near, watcher][:, None] + times_s[near]
        total = np.zeros(len(near))
        for station in range(len(coverage.x_m)):
            own = items.time_s[items.coverage_index == station]
            after = np.searchsorted(own, predicted_s[:, station])
            padded = np.r_[-1e9, own, 1e9]
            off_s = np.minimum(padded[after + 1] - predicted_s[:, station], predicted_s[:, station] - padded[after])
            chance = heard.probability[near, station]
            total += np.log1p(chance * (np.exp(-0.5 * (off_s / 0.8) ** 2) / (0.8 * 2.5066 * 0.03) - 1.0))
        best = near[np.argsort(-total)[:per_pick_count]]
        found.append(np.column_stack([grid[0][best], grid[1][best], pick_s - times_s[best, watcher]]))
    x_m, y_m, time_s = np.concatenate(found).T.copy()
    return states_at(x_m, y_m, time_s, np.full(len(x_m), 10e3), wind)


class Fit(NamedTuple):
    """Hypotheses of sound: states, information `(n, 3, 3)`, log-odds."""

    states: States
    information: Floats
    log_odds: Floats


def refined(stream: Stream, start: States, *, with_bearings: bool) -> Fit:
    """Refine hypotheses by Gauss-Newton steps with soft membership, ever sharper; choose the range; share picks."""
    states = start
    wide = np.tile([9e6, 0.0, 0.0, 9e6, 0.0, 4.0], (len(start.x_m), 1))
    for sharpness_s in (0.8, 0.8, 0.3, 0.3, 0.1, 0.0, 0.0, 0.0):
        pairs = find_pairs(stream, states, wide * (0.1 + sharpness_s))
        term, probability = compared(stream, pairs, states, sharpness_s, with_bearings=with_bearings)
        fit = stepped(states, pairs, term, probability, None)
        states = fit.states
        if sharpness_s <= 0.1:
            states = with_best_range(stream, pairs, states, term)
    pairs = find_pairs(stream, states, wide * 0.1)
    term, probability = compared(stream, pairs, states, 0.0, with_bearings=with_bearings)
    fit = stepped(states, pairs, term, probability, None)
    for _ in range(3):
        others = better_claims(pairs, term, probability, fit.log_odds)
        fit = stepped(states, pairs, term, probability, others)
    return fit._replace(states=states)


def compared(
    stream: Stream, pairs: Pairs, states: States, sharpness_s: float, *, with_bearings: bool
) -> tuple[Term, Floats]:
    """Compare every hit at the present states, with picks blurred; give terms and probabilities of detection."""
    there = rows_of(states, pairs.event_index)
    at = rows_of(stream.coverage, pairs.coverage_index)
    probability = expectations(stream, there, pairs.coverage_index).probability
    hit = pairs.hit_opportunity_index
    picks = rows_of(stream.columns, pairs.hit_item_index)
    picks = picks._replace(sigma_s=np.hypot(picks.sigma_s, sharpness_s))
    term = acoustic.compare(rows_of(there, hit), rows_of(at, hit), picks)
    if with_bearings:
        row = np.full(len(stream.items.time_s), -1)
        row[stream.attached[0].item_index] = np.arange(len(stream.attached[0].item_index))
        said = row[pairs.hit_item_index]
        columns = rows_of(stream.attached[0].columns, np.maximum(said, 0))
        more = bearing.compare(rows_of(there, hit), rows_of(at, hit), columns)
        known = said >= 0
        more.log_ratio[:, ~known] = np.array([[0.0], [-np.inf]])
        more.gradient[:, ~known] = 0.0
        more.information[:, ~known] = 0.0
        term = product(term, more)
    return term, probability


def stepped(states: States, pairs: Pairs, term: Term, probability: Floats, others: Floats | None) -> Fit:
    """Take one Gauss-Newton step; give the log-odds of where it began (association.md, Laplace's approximation)."""
    hit, count = pairs.hit_opportunity_index, len(states.x_m)
    weight = probability[hit] * np.exp(np.minimum(term.log_ratio, 500.0))
    weight = weight if others is None else weight / (1.0 + others)
    total = 1.0 - probability + np.bincount(hit, weights=weight.sum(axis=0), minlength=len(probability))
    share = weight / total[hit]
    gradient, information = np.zeros((count, 3)), np.zeros((count, 3, 3))
    information[:] = np.diag([1 / 30e3**2, 1 / 30e3**2, 1 / 90.0**2])
    np.add.at(gradient, pairs.event_index[hit], np.einsum("kn,kni->ni", share, term.gradient))
    np.add.at(information, pairs.event_index[hit], np.einsum("kn,knij->nij", share, term.information))
    step = np.linalg.solve(information, gradient[..., None])[..., 0]
    limit = np.minimum(1.0, 2e3 / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9))
    x_m, y_m, time_s = (limit[:, None] * step).T
    moved = states._replace(x_m=states.x_m + x_m, y_m=states.y_m + y_m, time_s=states.time_s + time_s)
    likelihood = np.bincount(pairs.event_index, weights=np.log(total), minlength=count)
    density = EVENT_DENSITY["per_m2_s"]
    volume = np.log(density) + 1.5 * np.log(2.0 * np.pi) - 0.5 * np.linalg.slogdet(information)[1]
    return Fit(moved, information, likelihood + volume + GUARD_LOG_RATIO)


EVENT_DENSITY = {"per_m2_s": 1.0}
"""Events per square metre and second, as the engine would have learnt it from the day; set by each run."""


def with_best_range(stream: Stream, pairs: Pairs, states: States, term: Term) -> States:
    """Choose for each hypothesis the range that explains best who heard it and who did not."""
    totals = []
    for range_m in RANGES_M:
        here = states._replace(detection_range_m=np.full_like(states.x_m, range_m))
        expected = expectations(stream, rows_of(here, pairs.event_index), pairs.coverage_index)
        hit = pairs.hit_opportunity_index
        weight = expected.probability[hit] * np.exp(np.minimum(term.log_ratio, 500.0)).sum(axis=0)
        total = 1.0 - expected.probability + np.bincount(hit, weights=weight, minlength=len(pairs.event_index))
        totals.append(np.bincount(pairs.event_index, weights=np.log(total), minlength=len(states.x_m)))
    return states._replace(detection_range_m=RANGES_M[np.argmax(totals, axis=0)])


def better_claims(pairs: Pairs, term: Term, probability: Floats, log_odds: Floats) -> Floats:
    """Give for each hit what likelier hypotheses claim of its pick: the greedy order of association.md."""
    hit = pairs.hit_opportunity_index
    event = pairs.event_index[hit]
    claim = probability[hit] * np.exp(np.minimum(term.log_ratio, 500.0)).sum(axis=0)
    claim = claim / (1.0 + np.exp(-np.clip(log_odds[event], -30.0, 30.0)))
    order = np.lexsort((event, -log_odds[event], pairs.hit_item_index))
    running = np.cumsum(claim[order])
    item = pairs.hit_item_index[order]
    first = np.r_[True, item[1:] != item[:-1]]
    base = np.maximum.accumulate(np.where(first, running - claim[order], 0.0))
    others = np.empty_like(claim)
    others[order] = running - claim[order] - base
    return np.maximum(others, 0.0)


def distinct(fit: Fit, least: float) -> NDArray[np.int64]:
    """Choose hypotheses best first, none without a place, none within 500 m and 1.5 s of a better one."""
    kept: list[int] = []
    covariance = np.linalg.inv(fit.information)
    width_m = np.sqrt(covariance[:, 0, 0] + covariance[:, 1, 1])
    for index in np.argsort(-fit.log_odds):
        if fit.log_odds[index] < least:
            break
        if width_m[index] > SIGMA_MAX_M:
            continue
        away_m = np.hypot(fit.states.x_m[kept] - fit.states.x_m[index], fit.states.y_m[kept] - fit.states.y_m[index])
        if not np.any((away_m < 500.0) & (np.abs(fit.states.time_s[kept] - fit.states.time_s[index]) < 1.5)):
            kept.append(int(index))
    return np.array(kept, dtype=np.int64)


def found_share(
    truth: States, states: States, log_odds: Floats, *, least: float = LOG_ODDS_ACCEPTED_RATIO
) -> tuple[NDArray[np.bool_], int, int]:
    """Match events above some log-odds to true ones, best first; give which were found, and how many there are and
    false."""
    found = np.zeros(len(truth.x_m), dtype=bool)
    accepted = [index for index in np.argsort(-log_odds) if log_odds[index] > least]
    false_count = 0
    for index in accepted:
        away_m = np.hypot(truth.x_m - states.x_m[index], truth.y_m - states.y_m[index])
        near = (away_m < MATCH_M) & (np.abs(truth.time_s - states.time_s[index]) < MATCH_S) & ~found
        if near.any():
            found[np.flatnonzero(near)[np.argmin(away_m[near])]] = True
        else:
            false_count += 1
    return found, len(accepted), false_count


def reliability(truth: States, states: States, log_odds: Floats, covariance: Floats) -> Floats:
    """Give by bin of log-odds how many events there are and are true; and of those accepted, how many regions hold.

    Regions are ellipses of the covariance about the place, by the chi-squared law of two degrees of freedom.
    """
    away_m = np.hypot(truth.x_m - states.x_m[:, None], truth.y_m - states.y_m[:, None])
    near = (away_m < MATCH_M) & (np.abs(truth.time_s - states.time_s[:, None]) < MATCH_S)
    is_true = near.any(axis=1)
    rows = [[inside.sum(), is_true[inside].sum()] for inside in (np.digitize(log_odds, BINS) == b for b in range(1, 5))]
    chosen = np.flatnonzero(is_true & (log_odds > LOG_ODDS_ACCEPTED_RATIO))
    best = np.where(near, away_m, np.inf).argmin(axis=1)[chosen]
    off_m = np.stack([truth.x_m[best] - states.x_m[chosen], truth.y_m[best] - states.y_m[chosen]], axis=-1)
    xx, xy, _, yy, _, _ = covariance[chosen].T
    square = (yy * off_m[:, 0] ** 2 - 2.0 * xy * off_m[:, 0] * off_m[:, 1] + xx * off_m[:, 1] ** 2) / (xx * yy - xy**2)
    inside_counts = [(square < -2.0 * np.log(1.0 - share)).sum() for share in SHARES]
    return np.array([*np.ravel(rows), len(chosen), *inside_counts], dtype=np.float64)


def run(seed: int, options: argparse.Namespace) -> tuple[list[tuple[str, Floats]], dict[str, Floats]]:
    """Run all rows on one theatre; give counts (found, events, of 4, accepted, false, seconds), and `reliability`."""
    made = theatre(seed, options)
    EVENT_DENSITY["per_m2_s"] = options.rate / 60.0 / (WIDTH_M * HEIGHT_M)
    wind = (float(made.truth.wind_x_m_per_s[0]), float(made.truth.wind_y_m_per_s[0]))
    sound = made.streams["acoustic"]
    start = proposals(sound, wind)
    fits = {name: refined(sound, start, with_bearings=bool(name)) for name in ("", "bearing")}
    table, honest = [], {}
    four = made.heard_count == 4
    for name, by, modalities in ROWS:
        begin_s = time.process_time()
        kept = distinct(fits[by], options.least)
        states, log_odds = rows_of(fits[by].states, kept), fits[by].log_odds[kept]
        covariance = packed(np.linalg.inv(fits[by].information[kept]))
        if modalities:
            raised = combine(Candidates(states, covariance, log_odds), [made.streams[each] for each in modalities])
            states, log_odds, covariance = raised.states, raised.log_odds_ratio, raised.covariance
        found, accepted_count, false_count = found_share(made.truth, states, log_odds)
        honest[name] = reliability(made.truth, states, log_odds, covariance)
        counts = [found.sum(), len(found), found[four].sum(), four.sum(), accepted_count, false_count]
        table.append((name, np.array([*counts, time.process_time() - begin_s], dtype=np.float64)))
    kept = distinct(fits["bearing"], options.least)
    ceiling = found_share(
        made.truth, rows_of(fits["bearing"].states, kept), fits["bearing"].log_odds[kept], least=-np.inf
    )
    found, accepted_count, false_count = ceiling
    counts = [found.sum(), len(found), found[four].sum(), four.sum(), accepted_count, false_count, 0.0]
    return [*table, ("(any candidate)", np.array(counts, dtype=np.float64))], honest


def main() -> None:
    """Print the table over several seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=10.0, help="events a minute")
    parser.add_argument("--stations", type=int, default=40)
    parser.add_argument("--seismometers", type=int, default=60)
    parser.add_argument("--patrols", type=int, default=8)
    parser.add_argument("--least", type=float, default=LOG_ODDS_MIN_RATIO, help="log-odds of the weakest candidate")
    parser.add_argument("--offset", type=int, default=1_000)
    options = parser.parse_args()
    runs = [run(options.offset + seed, options) for seed in range(options.seeds)]
    print(f"{sum(table[0][1][1] for table, _ in runs):.0f} events")
    print(f"{'evidence':<22} {'all':>6} {'of 4':>6} {'false':>6} {'accepted':>9} {'s':>6}")
    for index, name in enumerate(name for name, _ in runs[0][0]):
        total = np.sum([table[index][1] for table, _ in runs], axis=0)
        shares = total[0] / total[1], total[2] / max(total[3], 1.0), total[5] / max(total[4], 1.0)
        print(f"{name:<22} {shares[0]:6.2f} {shares[1]:6.2f} {shares[2]:6.2f} {total[4]:9.0f} {total[6]:6.2f}")
    for name in ("+ bearings", "all"):
        honest = np.sum([found[name] for _, found in runs], axis=0)
        print(f"{name}: true of how many, by log-odds", end=": ")
        bins = enumerate(("below 0", "0 to 3", "3 to 6", "above 6"))
        print(", ".join(f"{by} {honest[2 * index + 1]:.0f}/{honest[2 * index]:.0f}" for index, by in bins))
        print("  true place inside the region of " + ", ".join(f"{share:.0%}" for share in SHARES), end=": ")
        print(", ".join(f"{count / max(honest[8], 1.0):.2f}" for count in honest[9:]), f"of {honest[8]:.0f}")


if __name__ == "__main__":
    main()
