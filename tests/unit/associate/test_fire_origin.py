"""Direction of fire on fire made by hand: what is decided, what is not, and what is told of it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from truceline.associate.fire_columns import CoarseOrigins, FireEvents, FireOrigins, LineAtEvents, plain_events
from truceline.associate.fire_origin import fire_origins
from truceline.associate.fire_settings import WEAPONS, FireSettings
from truceline.physics.contact_line import Floats

SETTINGS = FireSettings()
GAPS_S = np.array([0.0, 7.3, 3.1, 14.2, 5.7, 9.9])
LAUNCH_S = 100.0 + np.cumsum(GAPS_S)


def mission(launch_y_m: float = 6_000.0, *, lags_s: Floats | float = 31.0, impact_y_m: float = -3_000.0) -> FireEvents:
    """Give six launches at (0, launch_y_m) and their impacts: rows 0 to 5 and 6 to 11."""
    count = len(LAUNCH_S)
    events = plain_events(
        np.zeros(2 * count),
        np.repeat([launch_y_m, impact_y_m], count),
        np.concatenate([LAUNCH_S, LAUNCH_S + lags_s]),
    )
    return events._replace(longitude_deg=37.03 + events.x_m / 74_000.0, latitude_deg=48.0 + events.y_m / 111_000.0)


def straight_line(events: FireEvents, *, sigma_m: float = 500.0) -> LineAtEvents:
    """Give a line along y = 0 with ground A north of it."""
    count = len(events.y_m)
    return LineAtEvents(events.y_m, np.zeros(count), np.ones(count), np.full(count, sigma_m))


def picked(events: FireEvents, rows: Floats | list[int]) -> FireEvents:
    """Give some of the events."""
    return FireEvents(*(column[rows] for column in events))


def told(events: FireEvents, settings: FireSettings = SETTINGS) -> FireOrigins:
    """Tell the origins for the straight line."""
    return fire_origins(events, straight_line(events), settings)


def impact_probabilities(found: FireOrigins) -> list[float]:
    """Give (A, B, undetermined) of the mission to which the last event belongs."""
    row = found.event_mission_index[-1]
    coarse = found.coarse
    columns = (coarse.ground_a_probability, coarse.ground_b_probability, coarse.undetermined_probability)
    return [float(column[row]) for column in columns]


def test_a_constant_lag_decides() -> None:
    """Six rounds that all fly equally long decide whose ground they came from, and name its cell first."""
    found = told(mission())
    coarse, row = found.coarse, found.event_mission_index[-1]

    assert impact_probabilities(found)[0] >= 0.95
    assert coarse.cell_probability[row, 0] >= 0.95
    assert abs(coarse.cell_latitude_deg[row, 0] - (48.0 + 6_000.0 / 111_000.0)) <= 0.5 * coarse.cell_deg[row, 0]
    assert abs(coarse.cell_longitude_deg[row, 0] - 37.03) <= 0.5 * coarse.cell_deg[row, 0]


def test_the_launch_decides_and_not_the_impact() -> None:
    """Rounds that fall short, on the ground of those who fired them, are still theirs."""
    assert impact_probabilities(told(mission(impact_y_m=1_000.0, lags_s=25.0)))[0] >= 0.95


def test_a_launch_not_located_leaves_it_undetermined() -> None:
    """Impacts alone say nothing about who fired them, wherever they fell."""
    for impact_y_m in (-9_000.0, -1_000.0, 4_000.0):
        alone = picked(mission(impact_y_m=impact_y_m), list(range(6, 12)))

        assert [0.0, 0.0, 1.0] == impact_probabilities(told(alone))


def test_lags_that_wander_do_not_decide() -> None:
    """Two unrelated rhythms do not become a launch and its impacts."""
    wandering = np.array([31.0, 27.5, 36.0, 29.0, 33.5, 25.0])

    assert max(impact_probabilities(told(mission(lags_s=wandering)))[:2]) < 0.5


def test_a_lag_too_long_or_too_short_for_the_range_does_not_decide() -> None:
    """No weapon class carries nine kilometres in two seconds or in ten minutes."""
    for lag_s in (2.0, 600.0):
        assert [0.0, 0.0, 1.0] == impact_probabilities(told(mission(lags_s=lag_s)))


def test_a_launch_on_the_line_is_of_neither_ground() -> None:
    """The source is known, but not whose ground it is: each gets about half."""
    probability_a, probability_b, _ = impact_probabilities(told(mission(0.0, impact_y_m=-9_000.0)))

    assert (probability_a, probability_b) == pytest.approx((0.48, 0.48), abs=0.03)


def test_no_line_means_undetermined() -> None:
    """Where the line is not known, no ground is named, though the cell is."""
    events = mission()
    unknown = np.full(len(events.x_m), np.nan)
    found = fire_origins(events, LineAtEvents(unknown, unknown, unknown, unknown), SETTINGS)

    assert [0.0, 0.0, 1.0] == impact_probabilities(found)
    assert found.coarse.cell_probability[found.event_mission_index[-1], 0] >= 0.95


def test_an_unknown_normal_is_no_surer() -> None:
    """Without the line's direction the larger error of position holds."""
    events = mission(1_000.0, impact_y_m=-8_000.0)
    events = events._replace(covariance_m2=np.tile(np.diag([1_000.0**2, 10.0**2]), (len(events.x_m), 1, 1)))
    line = straight_line(events)
    unknown = np.full(len(events.x_m), np.nan)
    careful = fire_origins(events, line._replace(normal_x_ratio=unknown, normal_y_ratio=unknown), SETTINGS)

    assert impact_probabilities(careful)[0] < impact_probabilities(fire_origins(events, line, SETTINGS))[0]


def test_no_events_give_no_origins() -> None:
    """Nothing in, nothing out."""
    none = picked(mission(), [])
    found = told(none)

    assert 0 == len(found.coarse.event_count)
    assert 0 == len(found.restricted.lag_s)


def test_one_event_is_undetermined() -> None:
    """A single event has nothing to be paired with."""
    found = told(picked(mission(), [11]))

    assert [1] == found.coarse.event_count.tolist()
    assert [0.0, 0.0, 1.0] == impact_probabilities(found)


def test_classes_speak() -> None:
    """Rounds classed as launch and impact weigh more than rounds of no class, and those of reversed classes less."""
    pair = picked(mission(), [0, 1, 6, 7])
    fits, reverse = np.log([[0.8, 0.2, 0.5]]), np.log([[0.2, 0.8, 0.5]])
    plain, right, wrong = (
        told(
            pair._replace(class_log_likelihood=np.repeat(np.vstack(rows), 2, axis=0))
        ).restricted.log_weight_ratio.max()
        for rows in ((np.zeros((1, 3)), np.zeros((1, 3))), (fits, reverse), (reverse, fits))
    )

    assert right > plain > wrong


def test_a_bearing_from_the_crater_speaks() -> None:
    """A bearing towards the launch makes the pairing likelier, one away from it less likely, never impossible."""
    pair = picked(mission(), [0, 1, 6, 7])
    weights = []
    for bearing_deg in (0.0, np.nan, 180.0):
        bearings_deg = np.array([np.nan, np.nan, bearing_deg, np.nan])
        found = told(pair._replace(source_bearing_deg=bearings_deg, source_bearing_sigma_deg=np.full(4, 5.0)))
        weights.append(found.restricted.log_weight_ratio.max())

    assert weights[0] > weights[1] > weights[2] > weights[1] - 3.0


def test_an_uncertain_event_weighs_less() -> None:
    """Events that may not have been there make the pairing less likely."""
    certain = mission()
    doubtful = certain._replace(event_probability=np.full(12, 0.5))

    assert told(doubtful).restricted.log_weight_ratio.max() < told(certain).restricted.log_weight_ratio.max()


def test_a_round_heard_at_one_end_is_less_certain_than_its_mission() -> None:
    """A round whose launch was missed takes less of the mission's answer than its neighbours."""
    found = told(picked(mission(), [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]))
    probabilities = found.event_ground_a_probability[5:]

    assert probabilities[3] < 0.6 < 0.9 <= probabilities[[0, 1, 2, 4, 5]].min()


def test_known_missions_are_kept() -> None:
    """Events that are known to be one mission are grouped, however far apart, and unknown ones found as ever."""
    events = mission()
    scattered = events._replace(
        x_m=np.where(np.arange(12) < 6, 700.0 * np.arange(12), 0.0),
        mission_index=np.where(np.arange(12) < 6, 3, -1),
    )
    found = told(scattered)

    alone = told(scattered._replace(mission_index=events.mission_index))

    assert [0] * 6 + [1] * 6 == found.event_mission_index.tolist()
    assert [1, 1, 1, 1, 1, 1, 6] == sorted(alone.coarse.event_count.tolist())


def test_large_missions_are_cut_and_counted() -> None:
    """A mission of more events than the limit is cut in time and said to be."""
    count = 70
    burst = plain_events(np.zeros(count), np.zeros(count), np.arange(count) * 5.0)
    found = told(burst)

    assert [32, 32, 6] == found.coarse.event_count.tolist()
    assert 1 == found.split_count


def test_pairings_beyond_the_limit_are_shed_and_counted() -> None:
    """The heaviest pairing of a mission stays, the others are counted."""
    rival = picked(mission(9_000.0), list(range(6)))
    both = FireEvents(*(np.concatenate(columns) for columns in zip(rival, mission(), strict=True)))
    full, short = told(both), told(both, msgspec.structs.replace(SETTINGS, pairings_max_count=1))

    full_rows, short_rows = (np.flatnonzero(found.restricted.mission_index == 2) for found in (full, short))

    assert 0 == full.shed_count < short.shed_count
    assert 1 == len(short_rows) < len(full_rows)
    assert full.restricted.log_weight_ratio[full_rows].max() == short.restricted.log_weight_ratio[short_rows[0]]


def test_two_batteries_at_one_place_share_it() -> None:
    """Of impacts from both grounds on one place and time, neither ground gets the mission."""
    north, south = mission(), mission(-9_000.0, lags_s=24.0)
    south = south._replace(
        time_s=south.time_s[0] + 3.3 + np.tile(np.cumsum(GAPS_S[::-1]), 2) + np.repeat([0.0, 24.0], 6)
    )
    both = FireEvents(*(np.concatenate(columns) for columns in zip(north, south, strict=True)))

    assert max(impact_probabilities(told(both))[:2]) < 0.95


def test_the_coarse_record_names_no_place_finer_than_a_cell() -> None:
    """A launch moved inside its cell gives the same cells, and probabilities are whole hundredths."""
    records = [told(mission(launch_y_m)).coarse for launch_y_m in (6_000.0, 6_120.0)]
    cells = ("cell_longitude_deg", "cell_latitude_deg", "cell_deg")
    probabilities = ("ground_a_probability", "ground_b_probability", "undetermined_probability", "cell_probability")

    for name in cells:
        np.testing.assert_array_equal(getattr(records[0], name), getattr(records[1], name))
    for name in probabilities:
        hundredths = 100.0 * getattr(records[0], name)
        np.testing.assert_allclose(hundredths, np.round(hundredths), atol=1e-9)
    assert {*cells, *probabilities, "event_count"} == set(CoarseOrigins._fields)


def test_columns_of_unequal_length_are_our_own_mistake() -> None:
    """Columns that do not go together, and numbers that are none, end the process."""
    events = mission()

    with pytest.raises(AssertionError, match="lengths"):
        fire_origins(events._replace(x_m=events.x_m[:-1]), straight_line(events), SETTINGS)
    with pytest.raises(AssertionError, match="time_s holds"):
        told(events._replace(time_s=events.time_s * np.nan))


@pytest.mark.parametrize(
    "change",
    [
        {"detection_probability": 1.5},
        {"weapons": WEAPONS[:1]},
        {"spread_factor_shares": (0.5, 0.2)},
        {"spread_factor_ratios": (1.0,)},
        {"cell_deg": 0.01},
        {"mission_events_max_count": 65},
    ],
)
def test_settings_outside_their_limits_are_refused(change: dict[str, object]) -> None:
    """A setting on which the arithmetic cannot rest is refused with its name."""
    with pytest.raises(ValueError, match=r"outside|do not go|not one of"):
        msgspec.structs.replace(SETTINGS, **change)
