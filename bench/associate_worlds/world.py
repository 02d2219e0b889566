"""What a data set of the association benchmark is: a scene that everyone is given, and a way to hold answers to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from associate_peers.exchange import Answer, Scene


class Case(NamedTuple):
    """What is made worse than a preset has it; ratios and shares, 0 where nothing is.

    `path_error_ratio` is the independent error of the travel time, as a ratio of it. `noise_ratio` multiplies timing
    errors, of which the stations' sheet says nothing. `echo_share` of the true detections get a second one 0.2 to 2 s
    later, and half of those lose the first. `bad_clock_share` of the stations have a constant clock error of about 1 s.
    """

    name: str = ""
    path_error_ratio: float = 0.0
    noise_ratio: float = 0.0
    echo_share: float = 0.0
    bad_clock_share: float = 0.0


PLAIN = Case()
ROBUSTNESS_CASES = (
    Case("path error 1 %", path_error_ratio=0.01),
    Case("path error 2 %", path_error_ratio=0.02),
    Case("timing noise x3", noise_ratio=3.0),
    Case("15 % echoes", echo_share=0.15),
    Case("5 % bad clocks", bad_clock_share=0.05),
)

FIGURES = {
    "f1": "F1",
    "f1_strict": "F1 within 500 m",
    "precision": "precision",
    "recall": "recall",
    "error_median_m": "error, median (m)",
    "error_95_m": "error, 95 % (m)",
    "coverage_50": "coverage of the 50 % region",
    "coverage_90": "coverage of the 90 % region",
    "coverage_95": "coverage of the 95 % region",
    "detection_precision": "precision of detections",
    "detection_recall": "recall of detections",
}
"""What every answer is held to, by name; None where an answer does not say (no regions), or nothing was found."""

Figures = dict[str, float | None]


class World(NamedTuple):
    """One data set: what everyone is given, and what holds an answer to the truth."""

    scene: Scene
    hold: Callable[[Answer], Figures]
