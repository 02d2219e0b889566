"""The direction of fire keeps its laws on made-up fire: exchange, mirror, order, time, background, even prior."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from truceline.associate.fire_columns import FireEvents, FireOrigins, LineAtEvents, plain_events
from truceline.associate.fire_origin import fire_origins
from truceline.associate.fire_settings import FireSettings
from truceline.testing.fire_scene import FireScene, FireSceneParameters, line_for, make_fire

SETTINGS = FireSettings()
ONE_HUNDREDTH = 0.0101
PARAMETERS = FireSceneParameters(length_m=150_000.0, events_per_minute_count=40.0, duration_s=420.0)


@pytest.fixture(scope="module")
def scene() -> FireScene:
    """Give one window of fire."""
    return make_fire(msgspec.structs.replace(PARAMETERS, class_accuracy_probability=0.8), np.random.default_rng(11))


@pytest.fixture(scope="module")
def found(scene: FireScene) -> FireOrigins:
    """Give its origins."""
    return fire_origins(scene.events, scene.line, SETTINGS)


def test_something_is_decided(found: FireOrigins) -> None:
    """The window holds decided missions of both grounds and undetermined ones, so that the laws hold for something."""
    coarse = found.coarse

    assert (coarse.ground_a_probability >= 0.95).sum() > 3
    assert (coarse.ground_b_probability >= 0.95).sum() > 3
    assert (coarse.undetermined_probability > 0.5).sum() > 10


def test_exchanging_the_parties_exchanges_the_answer(scene: FireScene, found: FireOrigins) -> None:
    """With the grounds exchanged every mission's probabilities are exchanged and nothing else."""
    line = scene.line._replace(signed_distance_m=-scene.line.signed_distance_m)
    exchanged = fire_origins(scene.events, line, SETTINGS).coarse

    np.testing.assert_allclose(exchanged.ground_b_probability, found.coarse.ground_a_probability, atol=ONE_HUNDREDTH)
    np.testing.assert_allclose(exchanged.ground_a_probability, found.coarse.ground_b_probability, atol=ONE_HUNDREDTH)
    np.testing.assert_array_equal(exchanged.cell_longitude_deg, found.coarse.cell_longitude_deg)


def test_mirrored_ground_mirrors_the_answer(scene: FireScene, found: FireOrigins) -> None:
    """Mirrored from east to west, every pairing weighs the same and the bearings are mirrored."""
    events, line = scene.events, scene.line
    mirrored = fire_origins(
        events._replace(x_m=-events.x_m, source_bearing_deg=-events.source_bearing_deg),
        line._replace(normal_x_ratio=-line.normal_x_ratio),
        SETTINGS,
    ).restricted
    there = found.restricted

    np.testing.assert_allclose(mirrored.log_weight_ratio, there.log_weight_ratio, atol=1e-6)
    np.testing.assert_allclose(mirrored.pairing_probability, there.pairing_probability, atol=1e-6)
    np.testing.assert_allclose(np.cos(np.radians(mirrored.bearing_deg + there.bearing_deg)), 1.0, atol=1e-9)


def test_the_order_of_events_does_not_matter(scene: FireScene, found: FireOrigins) -> None:
    """Shuffled events give the same bytes, each event's own answer in its own place."""
    order = np.random.default_rng(2).permutation(len(scene.events.x_m))
    shuffled = fire_origins(
        FireEvents(*(column[order] for column in scene.events)),
        LineAtEvents(*(column[order] for column in scene.line)),
        SETTINGS,
    )

    for name in found.coarse._fields:
        np.testing.assert_array_equal(getattr(shuffled.coarse, name), getattr(found.coarse, name))
    np.testing.assert_array_equal(shuffled.event_mission_index, found.event_mission_index[order])
    np.testing.assert_array_equal(shuffled.event_ground_a_probability, found.event_ground_a_probability[order])


def test_a_later_hour_changes_nothing(scene: FireScene, found: FireOrigins) -> None:
    """With a second added to every time the answer is the same."""
    later = fire_origins(scene.events._replace(time_s=scene.events.time_s + 1.0), scene.line, SETTINGS)

    np.testing.assert_allclose(later.coarse.ground_a_probability, found.coarse.ground_a_probability, atol=ONE_HUNDREDTH)
    np.testing.assert_allclose(later.restricted.lag_s, found.restricted.lag_s, atol=1e-9)


def test_probabilities_sum_to_one(found: FireOrigins) -> None:
    """Each mission's and each event's probabilities of ground A, ground B and undetermined are shares of one."""
    coarse = found.coarse
    for columns in (
        (coarse.ground_a_probability, coarse.ground_b_probability, coarse.undetermined_probability),
        (found.event_ground_a_probability, found.event_ground_b_probability, found.event_undetermined_probability),
    ):
        np.testing.assert_allclose(sum(columns), 1.0, atol=1e-9)
        assert min(float(column.min()) for column in columns) >= 0.0


def decided_counts(scene: FireScene) -> tuple[int, int]:
    """Count the decided missions of a scene, and the wrong ones: no impact, or of the other party."""
    found = fire_origins(scene.events, scene.line, SETTINGS)
    rows = found.event_mission_index
    is_impact = scene.event_role_index == 1
    on_a = np.append(scene.mission_on_a, False)[scene.event_mission_index]
    count = len(found.coarse.event_count)
    all_count = np.bincount(rows, minlength=count)
    from_a = np.bincount(rows, weights=is_impact & on_a, minlength=count)
    from_b = np.bincount(rows, weights=is_impact & ~on_a, minlength=count)
    on_a_decided = found.coarse.ground_a_probability >= 0.95
    on_b_decided = found.coarse.ground_b_probability >= 0.95
    wrong = (on_a_decided & (2 * from_a <= all_count)) | (on_b_decided & (2 * from_b <= all_count))
    return int((on_a_decided | on_b_decided).sum()), int(wrong.sum())


def with_background(scene: FireScene, rng: np.random.Generator, *, count: int) -> FireScene:
    """Add single events that have nothing to do with anything."""
    x_m, y_m = rng.uniform(0.0, PARAMETERS.length_m, count), rng.normal(0.0, 9_000.0, count)
    added = plain_events(x_m, y_m, rng.uniform(0.0, PARAMETERS.duration_s, count))
    line = line_for(x_m, y_m, sigma_m=PARAMETERS.line_sigma_m)
    return scene._replace(
        events=FireEvents(*(np.concatenate(pair) for pair in zip(scene.events, added, strict=True))),
        line=LineAtEvents(*(np.concatenate(pair) for pair in zip(scene.line, line, strict=True))),
        event_role_index=np.append(scene.event_role_index, np.full(count, 2)),
        event_mission_index=np.append(scene.event_mission_index, np.full(count, -1)),
    )


def test_decided_is_right_and_background_makes_it_no_worse() -> None:
    """Of decided missions at least 98 in 100 are right, and unrelated events make fewer decided, not more wrong."""
    plain, crowded = np.zeros(2), np.zeros(2)
    for seed in range(12):
        rng = np.random.default_rng([77, seed])
        scene = make_fire(PARAMETERS, rng)
        plain += decided_counts(scene)
        crowded += decided_counts(with_background(scene, rng, count=200))

    assert plain[0] > 100
    assert plain[1] <= 0.02 * plain[0]
    assert crowded[1] <= 0.02 * crowded[0]
    assert crowded[0] < plain[0]


def test_chance_pairings_favour_neither_party() -> None:
    """Among events that have nothing to do with each other neither ground is favoured, wherever they are."""
    rng = np.random.default_rng(21)
    scene = with_background(
        make_fire(msgspec.structs.replace(PARAMETERS, events_per_minute_count=0.5), rng), rng, count=900
    )
    found = fire_origins(scene.events, scene.line, SETTINGS)
    for sign in (1.0, -1.0):
        deep = scene.line.signed_distance_m * sign > 3_000.0
        on_a = found.event_ground_a_probability[deep].sum()
        on_b = found.event_ground_b_probability[deep].sum()

        assert on_a + on_b > 3.0
        assert 0.5 == pytest.approx(on_a / (on_a + on_b), abs=0.15)


def test_nothing_is_decided_where_nothing_was_fired() -> None:
    """Unrelated events alone give no decided mission."""
    rng = np.random.default_rng(31)
    scene = with_background(
        make_fire(msgspec.structs.replace(PARAMETERS, events_per_minute_count=0.5), rng), rng, count=400
    )
    unrelated = scene.event_role_index == 2
    found = fire_origins(
        FireEvents(*(column[unrelated] for column in scene.events)),
        LineAtEvents(*(column[unrelated] for column in scene.line)),
        SETTINGS,
    )

    assert found.coarse.ground_a_probability.max() < 0.95
    assert found.coarse.ground_b_probability.max() < 0.95
