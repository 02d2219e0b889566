"""PyOcto (Münchmeyer 2024) behind the interface of the benchmark, in the setting that was found best for it.

Three things serve it, all within its public interface. Its search splits space and time as if waves went at 5 km/s, so
distances are stretched until sound does nearly that, and shrunk again in the answer. Its least time between two events
holds for the whole network, so it is zero. And it is told that nothing is heard beyond 10 km while it searches.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd
import pyocto
from exchange import Answer, Prepared, Scene, answer_of, no_answer, run

STRETCH_RATIO = 14.7
DETECTIONS_LEAST_COUNT = 8
SHARE_LEAST_RATIO = 0.5
TOLERANCE_S = 0.3
MATCH_S = 0.3
REACH_KM = 10.0
OTHER_SETTINGS = {
    "zlim": (0.0, 0.1),
    "time_before": 75.0,
    "min_node_size": 10.0,
    "min_node_size_location": 2.0,
    "min_interevent_time": 0.0,
    "max_pick_overlap": 2,
    "n_s_picks": 0,
    "n_p_and_s_picks": 0,
    "time_slicing": 60.0,
    "n_threads": 1,
}
"""Stretched kilometres, seconds and counts, in PyOcto's own words; what is not named stays as it comes."""


def associator_of(scene: Scene) -> pyocto.OctoAssociator:
    """Give PyOcto with its setting, for the scene's bounds."""
    speed = float(scene.sound_speed_m_per_s) / 1e3 * STRETCH_RATIO
    x_low, x_high, y_low, y_high = (scene.bounds_m / 1e3 * STRETCH_RATIO).tolist()
    model = pyocto.VelocityModel0D(
        p_velocity=speed,
        s_velocity=speed / 1.7,
        tolerance=TOLERANCE_S,
        association_cutoff_distance=REACH_KM * STRETCH_RATIO,
    )
    return pyocto.OctoAssociator(
        xlim=(x_low, x_high),
        ylim=(y_low, y_high),
        velocity_model=model,
        pick_match_tolerance=MATCH_S,
        n_picks=DETECTIONS_LEAST_COUNT,
        n_p_picks=DETECTIONS_LEAST_COUNT,
        min_pick_fraction=SHARE_LEAST_RATIO,
        **OTHER_SETTINGS,
    )


def prepare(scene: Scene) -> Prepared:
    """Give what associates the scene's detections, all as the one phase there is."""
    names = np.array([f"S{index}" for index in range(len(scene.station_x_m))])
    stretched = {
        "x": scene.station_x_m / 1e3 * STRETCH_RATIO,
        "y": scene.station_y_m / 1e3 * STRETCH_RATIO,
        "z": 0.0,
    }
    stations = pd.DataFrame({"id": names, **stretched})
    whose = names[scene.detection_station_index]
    detections = pd.DataFrame({"station": whose, "time": scene.detection_time_s, "phase": "P"})

    def associate() -> Answer:
        events, members = associator_of(scene).associate(detections, stations)
        if len(events) == 0:
            return no_answer(scene)
        row_of = pd.Series(np.arange(len(events)), index=events["idx"].to_numpy())
        event_of = np.full(len(detections), -1, dtype=np.int64)
        event_of[members["pick_idx"].to_numpy()] = row_of[members["event_idx"].to_numpy()].to_numpy()
        x_m, y_m = (1e3 / STRETCH_RATIO * events[axis].to_numpy() for axis in ("x", "y"))
        return answer_of((x_m, y_m, events["time"].to_numpy()), event_of)

    return associate


if __name__ == "__main__":
    run(prepare, f"pyocto {version('pyocto')}")
