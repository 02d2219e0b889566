"""One window, whatever is in it: too little gives nothing, broken columns give less, and a burst is borne."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from laws.engine_world import (
    MEDIUM,
    SETTINGS,
    SPAN_S,
    Conditions,
    World,
    detections_of,
    found_of,
    joined,
    make_world,
    network_of,
    rows_of,
    solve,
    stations,
    stations_kept,
    with_events,
)
from truceline.associate.engine import solve_window
from truceline.associate.engine.air import AirPrior, prior_air
from truceline.associate.engine.prepare import SEISMIC_INDEX
from truceline.associate.engine.solve import DETECTIONS_PER_NODE_COUNT, STATIONS_LEAST_COUNT, empty_solution
from truceline.associate.network import Detections, Network, Solution
from truceline.associate.settings_engine import EngineSettings, MediumPrior

WORLD = make_world(0)
NOBODY = np.zeros(0, dtype=np.int64)


def window(network: Network, detections: Detections, span: tuple[float, float] = SPAN_S) -> Solution:
    """Solve one window with the usual forecast and settings."""
    return solve_window(network, detections, span_s=span, medium=MEDIUM, settings=SETTINGS)


def first_stations(count: int) -> World:
    """Give the world of the first few stations."""
    return stations_kept(WORLD, np.arange(50) < count)


@pytest.mark.parametrize(
    ("network", "detections", "span"),
    [
        (Network(*(column[:0] for column in WORLD.network)), rows_of(WORLD.detections, NOBODY), SPAN_S),
        (*first_stations(STATIONS_LEAST_COUNT - 1)[0:6:5], SPAN_S),
        (WORLD.network, rows_of(WORLD.detections, NOBODY), SPAN_S),
        (WORLD.network, rows_of(WORLD.detections, np.arange(1)), SPAN_S),
        (WORLD.network, WORLD.detections, (240.0, 240.0)),
        (WORLD.network, WORLD.detections, (240.0, 0.0)),
        (WORLD.network._replace(weight_ratio=np.zeros(50)), WORLD.detections, SPAN_S),
    ],
    ids=["no station", "three stations", "no detection", "one detection", "no time", "time backwards", "no weight"],
)
def test_too_little_gives_no_event(network: Network, detections: Detections, span: tuple[float, float]) -> None:
    """Where a place cannot be told from chance nothing is claimed, and every station is reported as it was."""
    solution, nothing = window(network, detections, span), empty_solution(network)

    assert 0 == len(solution.x_m) == len(solution.member_event_index)
    assert (0, 6) == solution.covariance.shape
    assert [column.dtype for column in nothing] == [column.dtype for column in window(WORLD.network, WORLD.detections)]
    for name in Solution._fields:
        assert np.array_equal(getattr(nothing, name), getattr(solution, name), equal_nan=True)


@pytest.mark.parametrize("seed", range(3))
def test_few_arrays_locate_by_bearings_too(seed: int) -> None:
    """A wide network of few arrays finds most of what five of them heard, half of it within some tens of metres."""
    grid = np.arange(16)
    network = network_of(9_000.0 * (grid % 8 - 3.5), 12_000.0 * (grid // 8 - 0.5))
    arrays = network._replace(bearing_sigma_deg=np.full(16, 3.0))
    world = make_world(seed, Conditions(event_count=10, range_median_m=22_000.0), arrays)
    solution = solve(world)
    event = found_of(world, solution)
    found, event = np.flatnonzero(event >= 0), event[event >= 0]
    off_m = np.hypot(world.event_x_m[event] - solution.x_m[found], world.event_y_m[event] - solution.y_m[found])

    assert np.isfinite(world.detections.bearing_deg).all()
    assert len(found) >= 7
    assert np.median(off_m) < 80.0


def test_all_detections_at_one_station_are_no_event() -> None:
    """One station alone, however much it says, and times that no detector could have made, claim no place."""
    own = rows_of(WORLD.detections, np.flatnonzero(WORLD.detections.station_index == 7))
    burst = detections_of(np.full(60, 7), np.linspace(20.0, 30.0, 60))

    assert 0 == len(window(WORLD.network, own).x_m)
    assert 0 == len(window(WORLD.network, burst).x_m)
    assert 0 == len(window(WORLD.network, detections_of(np.zeros(50), np.full(50, 30.0))).x_m)


@pytest.mark.xfail(strict=True, reason="neighbours that say the same time are taken for four independent coincidences")
def test_one_instant_at_every_station_is_no_sure_event() -> None:
    """All stations reporting at one instant is a fault or a flash, which no sound explains: nothing sure is said."""
    solution = window(WORLD.network, detections_of(np.arange(50), np.full(50, 30.0)))

    assert solution.event_probability.max(initial=0.0) < 0.9


def test_stations_on_one_point_are_no_network() -> None:
    """Stations that all stand on one point give no event and no failure."""
    network = network_of(np.zeros(8), np.zeros(8))
    detections = detections_of(np.arange(8), 30.0 + 0.01 * np.arange(8))

    assert 0 == len(window(network, detections).x_m)


def test_what_detectors_do_not_say_is_not_needed() -> None:
    """Without bearings, amplitudes and known clutter rates the same events are found."""
    nan, network, detections = np.full(len(WORLD.event_of), np.nan), WORLD.network, WORLD.detections
    bare = WORLD._replace(
        network=network._replace(bearing_sigma_deg=np.full(50, np.nan), clutter_rate_hz=np.full(50, np.nan)),
        detections=detections._replace(bearing_deg=nan, amplitude_log10_ratio=nan),
    )

    assert set(found_of(WORLD, solve(WORLD))) == set(found_of(bare, solve(bare)))


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -math.inf, 1e9])
def test_a_detection_at_no_time_takes_no_event_away(time_s: float) -> None:
    """A time that is none, or lies years ahead, is of no event, and the others are found as ever."""
    times_s = WORLD.detections.time_s.copy()
    clutter = int(np.flatnonzero(WORLD.event_of < 0)[3])
    times_s[clutter] = time_s
    solution = window(WORLD.network, WORLD.detections._replace(time_s=times_s))

    assert set(found_of(WORLD, solve(WORLD))) == set(found_of(WORLD, solution))
    assert clutter not in solution.member_detection_index
    assert np.isfinite(solution.covariance).all()


def test_a_bearing_without_error_ends_nothing() -> None:
    """A stated bearing sigma of 0 is a bad record, and the events are found all the same."""
    zero = np.zeros(len(WORLD.event_of))
    solution = window(WORLD.network, WORLD.detections._replace(bearing_sigma_deg=zero))

    assert len(solution.x_m) >= 14


def test_the_air_has_as_many_nodes_as_detections_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window has one node of the air for so many detections, and exact copies of detections count for nothing."""
    asked: list[int] = []

    def listened_to(*given: object, nodes_max_count: int, **named: object) -> AirPrior:
        """Note how many nodes are asked for, and give the air as ever."""
        asked.append(nodes_max_count)
        return prior_air(*given, nodes_max_count=nodes_max_count, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("truceline.associate.engine.solve.prior_air", listened_to)
    count = len(WORLD.event_of)
    window(WORLD.network, WORLD.detections)
    window(WORLD.network, rows_of(WORLD.detections, np.repeat(np.arange(count), 3)))

    assert [count // DETECTIONS_PER_NODE_COUNT] * 2 == asked


def test_a_wide_window_keeps_its_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the air has too many unknowns to ask how unsteady it is, the same events are found."""
    found = set(found_of(WORLD, solve(WORLD)))
    monkeypatch.setattr("truceline.associate.engine.solve.FITTED_MOST_COUNT", 0)

    assert found == set(found_of(WORLD, solve(WORLD)))


def test_stated_sigmas_of_zero_end_nothing() -> None:
    """A stated timing sigma of 0 leaves the model error, and the events are found with regions that are regions."""
    solution = window(WORLD.network, WORLD.detections._replace(sigma_s=np.zeros(len(WORLD.event_of))))

    assert set(found_of(WORLD, solve(WORLD))) == set(found_of(WORLD, solution))
    assert (solution.covariance[:, [0, 3, 5]] > 0.0).all()


def test_a_burst_at_one_station_is_borne() -> None:
    """Ten detections a second at one station make no event, cost none, and stand as its clutter rate."""
    times_s = np.sort(np.random.default_rng(3).uniform(0.0, SPAN_S[1], 2_400))
    solution = window(WORLD.network, joined(WORLD.detections, detections_of(np.full(2_400, 22), times_s)))
    found = found_of(WORLD, solution)

    assert set(found_of(WORLD, solve(WORLD))) == set(found)
    assert (found >= 0).all()
    assert solution.station_clutter_rate_hz[22] > 5.0


def test_what_lies_outside_the_span_is_no_event() -> None:
    """A span in which nothing was detected has no event."""
    assert 0 == len(window(WORLD.network, WORLD.detections, (1_000.0, 1_100.0)).x_m)


@pytest.mark.parametrize("count", [4, 6, 9])
def test_few_stations_suffice(count: int) -> None:
    """From four stations on, events that all of them heard are found, and hardly anything else."""
    nearest = np.argsort(np.hypot(stations().x_m, stations().y_m))[:count]
    network = Network(*(column[np.sort(nearest)] for column in stations()))
    world = make_world(1, Conditions(), network)
    found = found_of(world, window(world.network, world.detections))

    assert (found >= 0).sum() >= 8
    assert (found < 0).sum() <= 1


def test_solving_changes_none_of_its_input() -> None:
    """A window's columns are as they were after it was solved, and solving again gives the same bytes."""
    before = [column.copy() for column in (*WORLD.network, *WORLD.detections)]
    first, second = solve(WORLD), solve(WORLD)

    assert all(
        np.array_equal(old, new, equal_nan=True)
        for old, new in zip(before, (*WORLD.network, *WORLD.detections), strict=True)
    )
    assert [column.tobytes() for column in first] == [column.tobytes() for column in second]


def test_a_window_that_finds_nothing_new_ends_early() -> None:
    """Under heavy overlap later passes still find events; where all is found, they end at once with the same answer."""
    heavy = make_world(1, Conditions(event_count=90, clutter_hz=0.01))
    found = found_of(heavy, solve(heavy))

    assert (found >= 0).sum() >= 78
    assert (found < 0).sum() <= 2


def seismic_help(event: tuple[float, float, float], seed: int) -> tuple[Solution, Solution]:
    """Solve an event that few heard alone, and with six seismic stations off the network that felt its P wave."""
    chance = np.random.default_rng(seed)
    heard = stations()
    x_m, y_m, time_s = event
    world = with_events(chance, heard, np.array([[x_m], [y_m], [time_s], [6_500.0]]), Conditions(clutter_hz=0.002))
    angle = np.arange(6) * np.pi / 3.0
    more_x_m, more_y_m = x_m + 5_000.0 * np.cos(angle), y_m + 5_000.0 * np.sin(angle)
    felt_s = time_s + np.full(6, 5_000.0 / 6_000.0) + chance.normal(0.0, 0.02, 6)
    network = network_of(np.append(heard.x_m, more_x_m), np.append(heard.y_m, more_y_m))._replace(
        bearing_sigma_deg=np.append(heard.bearing_sigma_deg, np.full(6, np.nan)),
        modality_index=np.append(heard.modality_index, np.full(6, SEISMIC_INDEX)),
    )
    both = joined(world.detections, detections_of(50 + np.arange(6), felt_s))
    return window(heard, world.detections), window(network, both)


def test_the_ground_makes_an_event_surer() -> None:
    """Seismic stations that felt an event raise its odds and narrow its time."""
    pairs = [seismic_help((1_000.0 + 500.0 * seed, -800.0, 60.0), seed) for seed in range(6)]
    found = [(alone, both) for alone, both in pairs if len(alone.x_m) and len(both.x_m)]

    assert len(found) >= 4
    for alone, both in found:
        assert both.log_odds_ratio.max() > alone.log_odds_ratio.max() + 5.0
        assert both.covariance[0, 5] < 0.5 * alone.covariance[0, 5]


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (MediumPrior, {"wind_east_m_per_s": 61.0}),
        (MediumPrior, {"wind_north_m_per_s": -61.0}),
        (MediumPrior, {"wind_sigma_m_per_s": 0.0}),
        (MediumPrior, {"sound_speed_m_per_s": 0.34}),
        (MediumPrior, {"length_m": 25.0}),
        (MediumPrior, {"time_s": 1.0}),
        (EngineSettings, {"detection_probability": 1.0}),
        (EngineSettings, {"range_min_m": 30_000.0}),
        (EngineSettings, {"range_max_m": 1e6}),
        (EngineSettings, {"path_error_ratio": 0.0}),
        (EngineSettings, {"gate_ratio": 1.0}),
        (EngineSettings, {"clutter_floor_hz": 0.0}),
        (EngineSettings, {"events_max_count": 0}),
    ],
)
def test_settings_outside_their_limits_are_not_built(
    make: type[MediumPrior | EngineSettings], changes: dict[str, float]
) -> None:
    """A prior or bound with which the arithmetic would not hold is refused by name when it is built."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        make(**changes)

    assert msgspec.structs.asdict(make())
