"""Our engine behind the interface of the benchmark: one window, settings as they come, the wind as forecast."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from exchange import Answer, Floats, Ints, Prepared, Scene, run

from truceline.associate.engine import solve_window
from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.network import Detections, Network, Solution
from truceline.associate.settings_engine import EngineSettings, MediumPrior

MEMBER_LEAST_PROBABILITY = 0.5
"""From this probability on a detection is given to the event that it most probably belongs to."""

ACOUSTIC_INDEX = [modality.name for modality in MODALITIES].index("acoustic")


def network_of(scene: Scene) -> Network:
    """Give the scene's stations as our network, all in good health."""
    count = len(scene.station_x_m)
    return Network(
        x_m=scene.station_x_m,
        y_m=scene.station_y_m,
        timing_sigma_s=scene.station_timing_sigma_s,
        dead_time_s=scene.station_dead_time_s,
        clutter_rate_hz=scene.station_clutter_rate_hz,
        bearing_sigma_deg=scene.station_bearing_sigma_deg,
        modality_index=np.full(count, ACOUSTIC_INDEX, dtype=np.int64),
        weight_ratio=np.ones(count),
    )


def detections_of(scene: Scene) -> Detections:
    """Give the scene's detections as ours, as they stand."""
    count = len(scene.detection_time_s)
    return Detections(
        station_index=scene.detection_station_index,
        time_s=scene.detection_time_s,
        sigma_s=scene.detection_sigma_s,
        bearing_deg=scene.detection_bearing_deg,
        bearing_sigma_deg=np.full(count, np.nan),
        amplitude_log10_ratio=scene.detection_amplitude_log10_ratio,
        phase_index=np.full(count, -1, dtype=np.int64),
    )


def owners(solution: Solution, detections_count: int) -> Ints:
    """Give each detection to the event of its likeliest membership, where that is likely enough."""
    likely = np.flatnonzero(solution.member_probability >= MEMBER_LEAST_PROBABILITY)
    rising = likely[np.argsort(solution.member_probability[likely], kind="stable")]
    event_of = np.full(detections_count, -1, dtype=np.int64)
    event_of[solution.member_detection_index[rising]] = solution.member_event_index[rising]
    return event_of


def prepare(scene: Scene) -> Prepared:
    """Give what solves the scene."""
    network, detections = network_of(scene), detections_of(scene)
    wind: Floats = scene.wind_m_per_s
    medium = MediumPrior(
        wind_east_m_per_s=float(wind[0]),
        wind_north_m_per_s=float(wind[1]),
        sound_speed_m_per_s=float(scene.sound_speed_m_per_s),
    )
    span_s = (float(scene.span_s[0]), float(scene.span_s[1]))

    def associate() -> Answer:
        solution = solve_window(network, detections, span_s=span_s, medium=medium, settings=EngineSettings())
        covariance_m2 = solution.covariance[:, [0, 1, 3]]
        event_of = owners(solution, len(detections.time_s))
        return Answer(
            x_m=solution.x_m,
            y_m=solution.y_m,
            time_s=solution.time_s,
            covariance_m2=covariance_m2,
            region_tail_ratio=solution.region_tail_ratio,
            event_of=event_of,
        )

    associate()  # a running service has its compiled code loaded; the tiny scene does not reach all of it
    return associate


if __name__ == "__main__":
    run(prepare, version("truceline"))
