"""Where stations stand in one line, the place across it is named if it explains an event about as well."""

from __future__ import annotations

import numpy as np

from laws.engine_world import Conditions, World, make_world, on_one_line
from truceline.associate.engine.layout import DET_EXPLAINED, EV_ALIVE, EV_LOG_ODDS, new_work
from truceline.associate.engine.mirror import AL_LOG_ODDS, ALTERNATIVE_COLUMNS, alternatives, prefer_likelier
from truceline.associate.engine.refine import state_odds
from unit.associate.engine.made_scene import even_air, events_of, row_of, scene_of


def other_places(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Give the alternatives of a world's true events, and their own log-odds; the last is not alive."""
    scene, events, work = scene_of(world.network, world.detections), events_of(world), new_work()
    for row in events.row[: events.used[0]]:
        state_odds(scene, even_air(), work, row)
    events.row[events.used[0] - 1, EV_ALIVE] = 0.0
    before = scene.detections[:, DET_EXPLAINED].copy()
    out = alternatives(scene, even_air(), work, events)

    assert np.array_equal(before, scene.detections[:, DET_EXPLAINED])
    return out, events.row[: events.used[0], EV_LOG_ODDS]


def test_across_a_line_there_is_another_place() -> None:
    """Stations on a line give nearly every event a second place, as far on the other flank, and about as likely."""
    world = on_one_line(0.0)
    out, log_odds = other_places(world)
    named = np.flatnonzero(np.isfinite(out[:, 0]))

    assert len(named) >= 5
    assert np.allclose(-world.event_y_m[named], out[named, 1], atol=250.0)
    assert np.allclose(world.event_x_m[named], out[named, 0], atol=250.0)
    assert (out[named, AL_LOG_ODDS] > log_odds[named] - 4.0).all()
    assert np.isnan(out[-1]).all()


def test_in_a_plane_there_is_one_place() -> None:
    """Stations all round an event leave no second place."""
    out, _ = other_places(make_world(3, Conditions(event_count=8)))

    assert np.isnan(out).all()


def test_the_likelier_of_two_places_is_the_events() -> None:
    """The whole solution, its time too, is exchanged where the alternative is likelier; where none is, nothing."""
    rows = np.stack([row_of(1_000.0 * e, 500.0, 10.0 + e) for e in range(4)])
    rows[:, EV_LOG_ODDS] = 20.0
    other = np.full((3, len(ALTERNATIVE_COLUMNS)), np.nan)
    other[0] = 0.0, -500.0, 10.5, 6_000.0, 4.0, 19.0
    other[1] = 1_100.0, -510.0, 11.5, 6_500.0, 5.0, 21.0
    before, likelier = rows.copy(), other[1].copy()
    prefer_likelier(rows, other)
    expected = before.copy()
    expected[1, list(ALTERNATIVE_COLUMNS)] = likelier

    assert np.array_equal(expected, rows)
    assert before[1, list(ALTERNATIVE_COLUMNS)].tolist() == other[1].tolist()
    assert [0.0, -500.0, 10.5, 6_000.0, 4.0, 19.0] == other[0].tolist()
    assert np.isnan(other[2]).all()
