"""Direction of fire on made-up missions: how many are decided, how many of those are right, how honest it is.

Run `python bench/fire_origin.py`; `--case NAME` for one case, `--windows N` for more windows of ten minutes. A
mission is decided where the coarse record gives a party's ground at least .95; shares are of missions that lie wholly
in their window. Wrong is everything decided that is not an impact launched from that ground: the other party's, and
launches and other events taken for impacts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np

from truceline.associate.fire_columns import FireOrigins
from truceline.associate.fire_origin import fire_origins
from truceline.associate.fire_settings import FireSettings
from truceline.testing.fire_scene import FireScene, FireSceneParameters, make_fire

DECIDED_PROBABILITY = 0.95
ROUNDS_COUNTS = (1, 2, 4, 8)
FLOORS = {"timing": (0.04, 0.11, 0.41, 0.71), "class": (0.11, 0.24, 0.55, 0.78)}
BANDS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01)

CASES: dict[str, dict[str, float]] = {
    "timing": {},
    "class": {"class_accuracy_probability": 0.8},
    "timing, 5 % other": {"other_share": 0.05},
    "class, 5 % other": {"other_share": 0.05, "class_accuracy_probability": 0.8},
    "timing, 20 % other": {"other_share": 0.2},
    "class, 20 % other": {"other_share": 0.2, "class_accuracy_probability": 0.8},
    "timing, 40 % other": {"other_share": 0.4},
    "timing, flights spread x0.5": {"flight_spread_factor_ratio": 0.5},
    "timing, flights spread x2": {"flight_spread_factor_ratio": 2.0},
    "timing, flights spread x4": {"flight_spread_factor_ratio": 4.0},
    "class .7 stated as .8": {"class_accuracy_probability": 0.7, "class_stated_probability": 0.8},
    "class, half of errors shared": {"class_accuracy_probability": 0.8, "class_dependence_share": 0.5},
    "timing, detection .7": {"detection_probability": 0.7},
    "timing, half at one beat": {"regular_share": 0.5},
    "timing, a third share aim points": {"shared_share": 0.33},
    "timing, line sigma 1 km": {"line_sigma_m": 1_000.0},
    "timing, 200 events/min": {"events_per_minute_count": 200.0},
    "class, 200 events/min": {"events_per_minute_count": 200.0, "class_accuracy_probability": 0.8},
    "timing, 10 events/min": {"events_per_minute_count": 10.0, "duration_s": 1800.0},
}
"""What is fired otherwise than by default; what is assumed is the same throughout."""


class Tally:
    """What was found, over all windows of a case."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.missions = np.zeros(len(ROUNDS_COUNTS))
        self.decided = np.zeros(len(ROUNDS_COUNTS))
        self.right_count = 0
        self.other_party_count = 0
        self.no_impact_count = 0
        self.stated: list[np.ndarray] = []
        self.held: list[np.ndarray] = []
        self.duration_s = 0.0
        self.events_count = 0

    def add(self, scene: FireScene, found: FireOrigins) -> None:
        """Count one window."""
        coarse = found.coarse
        of_mission, truth_impact, truth_on_a = _truth(scene, found, len(coarse.event_count))
        for decided, on_a in (
            (coarse.ground_a_probability >= DECIDED_PROBABILITY, True),
            (coarse.ground_b_probability >= DECIDED_PROBABILITY, False),
        ):
            self.right_count += int((decided & truth_impact & (truth_on_a == on_a)).sum())
            self.other_party_count += int((decided & truth_impact & (truth_on_a != on_a)).sum())
            self.no_impact_count += int((decided & ~truth_impact).sum())
        for probability, on_a in ((coarse.ground_a_probability, True), (coarse.ground_b_probability, False)):
            self.stated.append(probability)
            self.held.append(truth_impact & (truth_on_a == on_a))
        largest = np.maximum(coarse.ground_a_probability, coarse.ground_b_probability)
        for mission, found_index in of_mission.items():
            if not scene.mission_whole[mission]:
                continue
            row = ROUNDS_COUNTS.index(int(scene.mission_rounds_count[mission]))
            self.missions[row] += 1
            self.decided[row] += largest[found_index] >= DECIDED_PROBABILITY

    def show(self, name: str) -> None:
        """Print what was found."""
        shares = self.decided / np.maximum(self.missions, 1.0)
        decided_count = self.right_count + self.other_party_count + self.no_impact_count
        right_share = self.right_count / max(decided_count, 1)
        print(f"{name}: decided {_by_rounds(shares)}; right {right_share:.4f} of {decided_count}", end="")
        print(f" (other party {self.other_party_count}, no impact {self.no_impact_count})", end="")
        print(f"; {self.events_count / self.duration_s:,.0f} events/s")
        if name in FLOORS:
            print(f"   floor {_by_rounds(FLOORS[name])}")

    def show_calibration(self) -> None:
        """Print the probability stated against the share that held."""
        stated, held = np.concatenate(self.stated), np.concatenate(self.held)
        cells = []
        for low, high in pairwise(BANDS):
            inside = (stated >= low) & (stated < high) & (stated > 0.0)
            if inside.any():
                cells.append(f"{stated[inside].mean():.2f}:{held[inside].mean():.2f} ({int(inside.sum())})")
        print("   stated:held (count)  " + "  ".join(cells))


def _by_rounds(shares: Sequence[float] | np.ndarray) -> str:
    return " ".join(f"{rounds} rounds {share:.2f}" for rounds, share in zip(ROUNDS_COUNTS, shares, strict=True))


def _truth(scene: FireScene, found: FireOrigins, found_count: int) -> tuple[dict[int, int], np.ndarray, np.ndarray]:
    """Give which found mission holds most impacts of each true one, and what each found mission mostly is."""
    impacts = np.flatnonzero(scene.event_role_index == 1)
    of_mission = {}
    for mission in np.unique(scene.event_mission_index[impacts]):
        rows = impacts[scene.event_mission_index[impacts] == mission]
        of_mission[int(mission)] = int(np.bincount(found.event_mission_index[rows]).argmax())
    impact_count = np.bincount(found.event_mission_index[impacts], minlength=found_count)
    all_count = np.bincount(found.event_mission_index, minlength=found_count)
    on_a = scene.mission_on_a[scene.event_mission_index[impacts]]
    on_a_count = np.bincount(found.event_mission_index[impacts], weights=on_a, minlength=found_count)
    return of_mission, 2 * impact_count > all_count, 2 * on_a_count > impact_count


def run_case(name: str, *, windows_count: int, seed: int) -> Tally:
    """Make the windows of a case, tell their origins, and count."""
    parameters, settings, tally = msgspec.structs.replace(FireSceneParameters(), **CASES[name]), FireSettings(), Tally()
    for window in range(windows_count):
        scene = make_fire(parameters, np.random.default_rng([seed, window]))
        begin_s = time.process_time()
        found = fire_origins(scene.events, scene.line, settings)
        tally.duration_s += time.process_time() - begin_s
        tally.events_count += len(scene.events.x_m)
        tally.add(scene, found)
    return tally


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=sorted(CASES), action="append")
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run_case("timing", windows_count=1, seed=options.seed + 1_000_000)  # compiles
    for name in options.case or CASES:
        tally = run_case(name, windows_count=options.windows, seed=options.seed)
        tally.show(name)
        tally.show_calibration()


if __name__ == "__main__":
    main()
