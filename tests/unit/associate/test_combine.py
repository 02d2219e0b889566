"""Candidates and evidence of every kind: the ledger adds up, items are shared, silence counts, and order does not
matter."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.associate import combine as combining
from truceline.associate.combine import Candidates, Combined, combine
from truceline.associate.modalities import acoustic, bearing, human, thermal
from truceline.associate.modalities.registry import LEDGER_NAMES
from truceline.associate.modalities.term import Coverage, States, rows_of
from truceline.associate.pairing import Attached, Items, Stream, find_pairs
from unit.associate.modalities.made_pairs import coverage_of, moved, states_of

STATION_X_M = np.array([0.0, 4e3, 0.0, 4e3, 2e3])
STATION_Y_M = np.array([0.0, 0.0, 4e3, 4e3, -2e3])
EVENT = (1.5e3, 2.5e3, 10.0)


def candidates(states: States, *, sigma_m: float = 150.0, sigma_s: float = 0.4, log_odds: float = -1.0) -> Candidates:
    """Give candidates with independent errors of place and time."""
    row = [sigma_m**2, 0.0, 0.0, sigma_m**2, 0.0, sigma_s**2]
    return Candidates(states, np.tile(row, (len(states.x_m), 1)), np.full(len(states.x_m), log_odds))


def at_event(count: int = 1) -> States:
    """Give the event's state, so many times."""
    return states_of(*(np.full(count, value) for value in EVENT), wind_x_m_per_s=5.0)


def stream_of(modality: object, coverage: Coverage, watcher: list[int], time_s: np.ndarray, columns: object) -> Stream:
    """Give a stream with its items in canonical order."""
    own = np.asarray(watcher, dtype=np.int64)
    order = np.lexsort((time_s, own))
    items = Items(own[order], time_s[order], np.ones(len(order), dtype=np.int64))
    return Stream(modality, coverage, items, rows_of(columns, order))


def sound(*, off_s: float = 0.0, stations: tuple[int, ...] = (0, 1, 2, 3, 4), clutter_s: float | None = None) -> Stream:
    """Give arrivals of the event at some stations, and a later one at each if wanted."""
    coverage = coverage_of(STATION_X_M, STATION_Y_M)
    picked = np.array(stations, dtype=np.int64)
    there = rows_of(at_event(), np.zeros(len(picked), dtype=np.int64))
    time_s = acoustic.expect(there, rows_of(coverage, picked)).arrival_time_s + off_s
    more_s = time_s + clutter_s if clutter_s is not None else np.zeros(0)
    every, every_s = [*stations, *(stations if clutter_s is not None else ())], np.r_[time_s, more_s]
    arrivals = acoustic.Arrivals(every_s, np.full(len(every), 0.03))
    return stream_of(acoustic.MODALITY, coverage, every, every_s, arrivals)


def fire(x_m: float, y_m: float, *, probability: float = 0.5) -> Stream:
    """Give one overpass at 100 s with one hot pixel."""
    coverage = coverage_of(np.zeros(1), np.zeros(1), background_rate=1e-9)
    coverage = coverage._replace(time_high_s=np.array([100.0]), detection_probability=np.array([probability]))
    pixel = thermal.Pixels(np.array([x_m]), np.array([y_m]), np.array([110.0]))
    return stream_of(thermal.MODALITY, coverage, [0], np.array([100.0]), pixel)


def column(result: Combined, name: str) -> np.ndarray:
    """Give one column of the ledger."""
    return result.ledger[:, LEDGER_NAMES.index(name)]


def test_weak_candidates_are_raised_by_what_agrees() -> None:
    """An event below the threshold is lifted over it by arrivals that fit, found where it was, and known better."""
    start = candidates(moved(at_event(), (120.0, -90.0, 0.3)))
    result = combine(start, [sound()])
    away_m = np.hypot(result.states.x_m - EVENT[0], result.states.y_m - EVENT[1])

    assert result.log_odds_ratio[0] > combining.LOG_ODDS_ACCEPTED_RATIO
    assert away_m[0] < 30.0
    assert result.states.time_s[0] == pytest.approx(EVENT[2], abs=0.1)
    assert result.covariance[0, 0] < 0.1 * start.covariance[0, 0]
    assert 5 == (result.member_probability > 0.9).sum()


def test_one_item_of_evidence_counts_as_bayes_says() -> None:
    """A single pixel adds log(1 - p + p N(z; x, S + C) / b), exactly, and moves the place as Kalman's filter does."""
    start = candidates(at_event())
    result = combine(start, [fire(EVENT[0] + 200.0, EVENT[1])])
    probability = 0.5 * np.exp(-90.0 / thermal.BURN_MEAN_S)
    variance_m2 = 110.0**2 + 150.0**2
    ratio = np.exp(-0.5 * 200.0**2 / variance_m2) / (2.0 * np.pi * variance_m2) / 1e-9
    added = result.log_odds_ratio[0] - start.log_odds_ratio[0]
    share = probability * ratio / (1.0 - probability + probability * ratio)

    assert added == pytest.approx(np.log(1.0 - probability + probability * ratio), abs=1e-3)
    assert result.states.x_m[0] - EVENT[0] == pytest.approx(share * 200.0 * 150.0**2 / variance_m2, rel=1e-3)
    assert result.member_probability[0] == pytest.approx(share / (1.0 + np.exp(-result.log_odds_ratio[0])), rel=0.02)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_ledger_adds_up_and_items_are_shared(seed: int) -> None:
    """Log-odds are the sum of the ledger, no item is owned more than once, covariances stay covariances."""
    rng = np.random.default_rng(seed)
    count = 6
    states = moved(at_event(count), (0.0, 0.0, 0.0))
    states = states._replace(x_m=states.x_m + rng.normal(0, 300, count), time_s=states.time_s + rng.normal(0, 1, count))
    start = candidates(states, sigma_m=300.0, sigma_s=1.0, log_odds=1.0)
    streams = [sound(clutter_s=1.0), fire(EVENT[0], EVENT[1] + 100.0)]
    result = combine(start, streams)

    assert np.allclose(result.ledger.sum(axis=1), result.log_odds_ratio)
    assert np.array_equal(start.log_odds_ratio, column(result, "candidate"))
    assert np.all(column(result, "silence") <= 0.0)
    for index in range(len(streams)):
        of_stream = result.member_stream_index == index
        owned = np.bincount(result.member_item_index[of_stream], weights=result.member_probability[of_stream])
        assert owned.max(initial=0.0) <= 1.0 + 1e-9
    for row in result.covariance:
        matrix = np.array([[row[0], row[1], row[2]], [row[1], row[3], row[4]], [row[2], row[4], row[5]]])
        assert np.all(np.linalg.eigvalsh(matrix) > 0.0)


def test_order_does_not_matter() -> None:
    """Streams and candidates in another order give the same answer in that order."""
    states = moved(at_event(3), (0.0, 0.0, 0.0))
    states = states._replace(x_m=states.x_m + np.array([0.0, 900.0, 5e3]))
    start, streams = candidates(states), [sound(), fire(EVENT[0], EVENT[1])]
    turned = np.array([2, 0, 1])
    first = combine(start, streams)
    second = combine(
        Candidates(*(rows_of(start.states, turned), start.covariance[turned], start.log_odds_ratio[turned])),
        streams[::-1],
    )

    assert np.allclose(first.log_odds_ratio[turned], second.log_odds_ratio)
    assert np.allclose(first.covariance[turned], second.covariance)
    assert {0, 1} == set(first.member_stream_index.tolist())
    assert len(first.member_item_index) == len(second.member_item_index)


def test_two_claimants_share_what_one_made() -> None:
    """Of an event and a weaker copy of it, both together own each arrival once, and the copy is worth less than
    alone."""
    alone = combine(candidates(at_event(), log_odds=-1.0), [sound()])
    pair = candidates(at_event(2))._replace(log_odds_ratio=np.array([6.0, -1.0]))
    both = combine(pair, [sound()])

    assert both.log_odds_ratio[1] < alone.log_odds_ratio[0] - 5.0
    assert both.log_odds_ratio[0] > combining.LOG_ODDS_ACCEPTED_RATIO


def test_silence_takes_away_unless_something_excuses_it() -> None:
    """Stations that heard nothing count against an event, but not outside their region nor while they were deaf."""
    start = candidates(at_event(), sigma_m=20.0, sigma_s=0.02)
    mute = sound(stations=())
    region = mute._replace(coverage=mute.coverage._replace(region_index=np.zeros(5, dtype=np.int64)))
    dead = sound(off_s=-0.9)
    dead = dead._replace(coverage=dead.coverage._replace(dead_time_s=np.full(5, 1.0)))

    assert combine(start, [mute]).log_odds_ratio[0] == pytest.approx(-1.0 + 5.0 * np.log(0.1), abs=0.05)
    assert -1.0 == combine(start, [region], [shapely.box(-10.0, -10.0, 0.0, 0.0)]).log_odds_ratio[0]
    assert combine(start, [region], [shapely.box(0.0, 0.0, 5e3, 5e3)]).log_odds_ratio[0] < -10.0
    assert combine(start, [dead]).log_odds_ratio[0] == pytest.approx(-1.0, abs=0.01)


def test_what_else_is_said_of_an_item_has_its_own_column() -> None:
    """A bearing that points at the event raises it in the bearing's column, one that points away lowers it, none
    changes nothing."""
    start, plain = candidates(at_event()), sound()
    toward_deg = np.degrees(np.arctan2(EVENT[0] - STATION_X_M[0], EVENT[1] - STATION_Y_M[0]))

    def with_bearing(bearing_deg: float, item: list[int]) -> Combined:
        whole = np.ones(len(item))
        said = bearing.Bearings(bearing_deg * whole, 3.0 * whole, 0.0 * whole)
        more = Attached(bearing.MODALITY, np.array(item, dtype=np.int64), said)
        return combine(start, [plain._replace(attached=(more,))])

    assert column(with_bearing(toward_deg, [0]), "bearing")[0] > 1.0
    assert column(with_bearing(toward_deg + 180.0, [0]), "bearing")[0] < -1.0
    assert column(with_bearing(toward_deg, []), "bearing")[0] == pytest.approx(0.0, abs=1e-9)
    assert with_bearing(toward_deg, []).log_odds_ratio == pytest.approx(combine(start, [plain]).log_odds_ratio)


def test_a_count_is_owned_by_as_many_events() -> None:
    """A report of three rounds raises three events where a report of one raises them less."""
    states = at_event(3)._replace(time_s=EVENT[2] + np.array([0.0, 15.0, 30.0]))
    start = candidates(states, log_odds=2.0)
    coverage = coverage_of(np.zeros(1), np.zeros(1), background_rate=1e-4)
    whole = np.ones(1)
    said = human.Reports(
        60.0 * whole, 0.0 * whole, 120.0 * whole, 10.0 * whole, 31.0 * whole, 22.5 * whole, 2e3 * whole, 4e3 * whole
    )
    one = stream_of(human.MODALITY, coverage, [0], 60.0 * whole, said)
    three = one._replace(items=one.items._replace(capacity_count=np.array([3])))
    once, thrice = combine(start, [one]), combine(start, [three])

    assert np.all(thrice.log_odds_ratio > once.log_odds_ratio + 0.5)
    assert once.member_probability.sum() <= 1.0 + 1e-9
    assert 1.5 < thrice.member_probability.sum() <= 3.0 + 1e-9


def test_without_evidence_or_events_nothing_changes() -> None:
    """Candidates that nobody could notice leave as they came, and no candidates give no events."""
    far = candidates(moved(at_event(), (5e5, 0.0, 0.0)))
    none = candidates(at_event(0))
    same = combine(far, [sound(), fire(0.0, 0.0, probability=0.0)])

    assert np.array_equal(far.log_odds_ratio, same.log_odds_ratio)
    assert np.allclose(far.covariance, same.covariance)
    assert np.array_equal(far.covariance, combine(far, []).covariance)
    assert 0 == len(combine(none, [sound()]).log_odds_ratio)
    assert 0 == len(combine(none, []).member_probability)


def test_a_station_of_no_weight_changes_nothing() -> None:
    """A station whose probability of detection is nil neither raises nor lowers, whatever it says."""
    start, with_it = candidates(at_event()), sound()
    probability = with_it.coverage.detection_probability * np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    weightless = with_it._replace(coverage=with_it.coverage._replace(detection_probability=probability))
    watched = sound(stations=(0, 1, 2, 3))
    without = watched._replace(coverage=watched.coverage._replace(detection_probability=probability))

    assert combine(start, [weightless]).log_odds_ratio == pytest.approx(combine(start, [without]).log_odds_ratio)


def test_what_only_adds_cannot_stand_alone() -> None:
    """A stream of bearings without detections is our mistake, and so are items out of order."""
    alone = sound()._replace(modality=bearing.MODALITY)
    jumbled = sound()
    jumbled = jumbled._replace(items=Items(*(part[::-1] for part in jumbled.items)))

    with pytest.raises(AssertionError, match="does not stand alone"):
        find_pairs(alone, at_event(), candidates(at_event()).covariance)
    with pytest.raises(AssertionError, match="not sorted"):
        find_pairs(jumbled, at_event(), candidates(at_event()).covariance)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few pairs are held in memory at once, the same pairs are found."""
    states = at_event(7)._replace(x_m=np.linspace(-3e3, 9e3, 7))
    covariance = candidates(states).covariance
    whole = find_pairs(sound(), states, covariance)
    monkeypatch.setattr("truceline.associate.pairing.PAIRS_MAX_COUNT", 3)

    assert all(
        np.array_equal(one, other) for one, other in zip(whole, find_pairs(sound(), states, covariance), strict=True)
    )
