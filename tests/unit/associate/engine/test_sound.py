"""Compiled sound: the travel time is that of the reference, and air is linear between nodes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.engine_world import travel_time_s
from truceline.associate.engine.layout import WK_DT, WK_DX, WK_DY, WK_TRAVEL, new_work
from truceline.associate.engine.sound import air_around, air_at, air_on_path, travel_s
from truceline.associate.engine.weigh import look
from truceline.physics.travel_time import Air, travel_time
from unit.associate.engine.made_scene import even_air, scene_of, sloping_air

METRES = st.floats(-2.5e4, 2.5e4)
many = settings(max_examples=60, deadline=None, derandomize=True)


@many
@given(dx_m=METRES, dy_m=METRES, c=st.floats(300.0, 370.0), u=st.floats(-30.0, 30.0), v=st.floats(-30.0, 30.0))
def test_travel_time_is_that_of_the_reference(dx_m: float, dy_m: float, c: float, u: float, v: float) -> None:
    """Compiled travel times are those of the physics, and the front that the wind has carried is just there."""
    air = Air(np.array([c]), np.array([u]), np.array([v]))
    expected_s = float(travel_time(np.array([dx_m]), np.array([dy_m]), air).time_s[0])
    time_s = travel_s(dx_m, dy_m, (c, u, v))

    assert math.isclose(expected_s, time_s, rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(c * time_s, math.hypot(dx_m - u * time_s, dy_m - v * time_s), rel_tol=1e-9, abs_tol=1e-6)


@many
@given(x_m=st.floats(-6e4, 6e4), y_m=st.floats(-4e4, 4e4), t_s=st.floats(0.0, 200.0))
def test_air_is_linear_between_nodes(x_m: float, y_m: float, t_s: float) -> None:
    """Air that is linear in place and time is given as it is at every place and time within the nodes."""
    air, base, slopes = sloping_air()
    expected = base + x_m * slopes[0] + y_m * slopes[1] + t_s * slopes[2]

    assert np.allclose(expected, air_at(air, x_m, y_m, t_s), rtol=0.0, atol=1e-9)


def test_air_outside_the_nodes_is_that_of_the_nearest() -> None:
    """Beyond the last node the air is that of the edge."""
    air, _, _ = sloping_air()

    assert np.allclose(air.value[0, 0, 0], air_at(air, -9e5, -9e5, -50.0))
    assert np.allclose(air.value[2, 4, 6], air_at(air, 9e5, 9e5, 5e3))
    assert np.allclose((340.0, 5.0, -3.0), air_at(even_air(), 1e6, -1e6, 77.0))


@many
@given(dx_m=st.floats(-9e3, 9e3), dy_m=st.floats(-9e3, 9e3))
def test_the_air_on_a_path_is_that_of_its_middle(dx_m: float, dy_m: float) -> None:
    """Air that is linear about a place is given exactly in the middle of a path from there."""
    air, _, _ = sloping_air()
    around = air_around(air, 1_000.0, 2_000.0, 50.0)
    expected = air_at(air, 1_000.0 + 0.5 * dx_m, 2_000.0 + 0.5 * dy_m, 50.0)

    assert np.allclose(expected, air_on_path(around, dx_m, dy_m), rtol=0.0, atol=1e-9)
    assert np.allclose((340.0, 5.0, -3.0), air_on_path(air_around(even_air(), 0.0, 0.0, 0.0), dx_m, dy_m))


def test_slopes_of_arrivals_are_finite_differences() -> None:
    """What Gauss-Newton takes for the change of an arrival with the event's place is what moving it changes."""
    from laws.engine_world import make_world

    world = make_world(0)
    scene, work = scene_of(world.network, world.detections), new_work()
    n = look(scene, even_air(), work, (1_500.0, -700.0, 60.0, 12_000.0), 1.5)
    rows, station = work.row[:n], work.station[:n]
    way_x_m, way_y_m = world.network.x_m[station] - 1_500.0, world.network.y_m[station] + 700.0
    step_m = 0.5
    by_x = (travel_time_s(way_x_m - step_m, way_y_m) - travel_time_s(way_x_m + step_m, way_y_m)) / (2.0 * step_m)
    by_y = (travel_time_s(way_x_m, way_y_m - step_m) - travel_time_s(way_x_m, way_y_m + step_m)) / (2.0 * step_m)
    reference = travel_time(way_x_m, way_y_m, Air(*(np.full(n, value) for value in (340.0, 5.0, -3.0))))

    assert n > 20
    assert np.allclose(by_x, rows[:, WK_DX], rtol=0.0, atol=1e-9)
    assert np.allclose(by_y, rows[:, WK_DY], rtol=0.0, atol=1e-9)
    assert np.allclose(reference.time_s, rows[:, WK_TRAVEL], rtol=1e-9)
    assert np.allclose(-reference.by_x_s_per_m, rows[:, WK_DX], rtol=0.0, atol=1e-12)
    assert np.allclose(reference.by_sound_speed_s2_per_m, -rows[:, WK_TRAVEL] / rows[:, WK_DT], rtol=1e-6)
    assert np.allclose(reference.by_wind_x_s2_per_m, rows[:, WK_TRAVEL] * rows[:, WK_DX], rtol=1e-6, atol=1e-9)
