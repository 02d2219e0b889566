"""What was heard near a place and is free: by which stations, within which time, and when an event would have been."""

from __future__ import annotations

import numpy as np

from laws.engine_world import network_of
from truceline.associate.engine.free import STATIONS_COUNT, Heard, free_near
from truceline.associate.engine.layout import DET_EXPLAINED, STA_SLOWNESS, STA_WEIGHT, Floats, Scene
from truceline.associate.network import Detections
from unit.associate.engine.made_scene import even_air, scene_of

STILL = even_air((340.0, 0.0, 0.0))
EAST_M = np.array([3_400.0, 6_800.0, -10_200.0, 0.0])
SITE = (0.0, 0.0, 100.0, 9_000.0)
"""An event at the origin after 100 s that is heard within 9 km: not at the third station."""


def heard_by(station: list[int], time_s: list[float]) -> Scene:
    """Build the scene of some detections at four stations, on one line with the site."""
    none = np.full(len(time_s), np.nan)
    detections = Detections(np.array(station), np.array(time_s), none, none, none, none, np.full(len(time_s), -1))
    return scene_of(network_of(EAST_M, np.zeros(4)), detections)


def free(scene: Scene, room_count: int = 8) -> tuple[list[int], Floats]:
    """Give the stations of what is free near the site, and when the event would have been (s)."""
    out = Heard(np.zeros(room_count, dtype=np.int64), np.zeros(room_count, dtype=np.int64), np.zeros(room_count))
    n = free_near(scene, STILL, SITE, 10.0, out)
    return out.station[:n].tolist(), out.origin_s[:n]


def test_free_detections_say_when_an_event_would_have_been() -> None:
    """The nearest station comes first; what is too early or late, or too far away, is left out."""
    scene = heard_by([0, 0, 1, 1, 2, 3], [110.5, 121.0, 119.0, 140.0, 130.0, 95.0])
    stations, origin_s = free(scene)

    assert [3, 0, 1] == stations
    assert np.allclose([95.0, 100.5, 99.0], origin_s)


def test_what_an_event_explains_is_not_free() -> None:
    """A detection that others explain far beyond clutter is left to them."""
    scene = heard_by([0, 1, 3], [110.5, 119.0, 99.0])
    scene.detections[0, DET_EXPLAINED] = 100.0

    assert [3, 1] == free(scene)[0]


def test_stations_without_weight_and_ground_waves_are_not_asked() -> None:
    """Both would be read with a travel time that is not theirs."""
    scene = heard_by([0, 1, 3], [110.5, 119.0, 99.0])
    scene.stations[0, STA_WEIGHT] = 0.0
    scene.stations[1, STA_SLOWNESS] = 1.0 / 6_000.0

    assert [3] == free(scene)[0]


def test_a_full_room_keeps_the_nearest() -> None:
    """What does not fit any more is what is farther away."""
    scene = heard_by([0, 1, 3], [110.5, 119.0, 99.0])

    assert [3, 0] == free(scene, 2)[0]


def test_only_so_many_stations_are_asked() -> None:
    """Of more stations than that those which come last in the order of the mesh are left out."""
    count = STATIONS_COUNT + 3
    east_m = 200.0 * np.arange(1, count + 1)
    none = np.full(count, np.nan)
    time_s = 100.0 + east_m / 340.0
    detections = Detections(np.arange(count), time_s, none, none, none, none, np.full(count, -1))
    stations, _ = free(scene_of(network_of(east_m, np.zeros(count)), detections), count)

    assert STATIONS_COUNT == len(set(stations))
