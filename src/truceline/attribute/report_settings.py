"""Every number the attribution of media reports rests on, with where it comes from; none knows a party from the other.

No number here was fitted to who a report names. `docs/method/attribution_reports.md` tells what refitting would gain.
"""

from __future__ import annotations

import msgspec

from truceline.model.quantity import require_between

PROBABILITIES = (
    "own_side_probability",
    "misplaced_probability",
    "placed_knowing_probability",
    "meant_min_probability",
    "close_share",
    "region_min_share",
    "repeated_min_share",
)
"""Settings that lie between 0 and 1."""


class FireClass(msgspec.Struct, frozen=True, kw_only=True):
    """One class of weapons: how far it reaches and how far behind its line it stands, both as exponential scales."""

    range_m: float
    depth_m: float

    def __post_init__(self) -> None:
        """Check the scales; they must differ, as the closed form divides by the difference of their inverses."""
        require_between("range_m", self.range_m, 1.0, 1.0e7)
        require_between("depth_m", self.depth_m, 1.0, 1.0e7)
        if self.range_m == self.depth_m:
            raise ValueError(f"depth_m={self.depth_m:g} is the same as range_m; they must differ")


class ReportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the model of media reports assumes.

    `close`, `long`: tube artillery, mortars and small drones against missiles, bombs and long-range drones (published
    classes of reach, rounded). `close_share`: how much of reported fire is close where a report does not hint at a
    weapon (guess; between .6 and .9 nothing changes). `own_side_probability`: fire on ground of one's own, for one
    report across the line (guess, the same as everywhere in this project). `place_sigma_m`: how far from a settlement's
    point the impact was (guess: a village's radius). `misplaced_probability`: a report's place is wrong although it
    looks precise (seen: 8 of 121 hand-read headlines, odd weeks). `placed_knowing_probability`: whoever placed a report
    knew which settlement of that name it means (guess, even; from .1 to .75 hardly anything changes).
    `settlement_density_ratio`: mean density of fire over all settlements, as a ratio to that at the line (seen: .048 to
    .052 on three days over 5,488 settlements). `meant_min_probability`: a place that is more probably not the one meant
    answers nothing. `line_lag_days`: how far a drawn line lags behind what happened; `advance_window_days`: over which
    its own movement is measured; `advance_max_m`: the most the lag may move it, so that a correction of the map moves
    nothing far. `near_sigma_ratio`, `near_probability`: within so many sigmas of the line no answer is surer than that.
    `line_age_max_days`: an older line answers nothing.
    `region_min_share`, `repeated_min_share`, `repeated_min_count`, `town_min_count`, `town_distance_m`: which points
    stand for a region (see `report_places`). `stand_in_distance_m`: how near to such a point a report is placed on it.
    """

    close: FireClass = FireClass(range_m=10_000.0, depth_m=5_000.0)
    long: FireClass = FireClass(range_m=300_000.0, depth_m=100_000.0)
    close_share: float = 0.7
    own_side_probability: float = 0.03
    place_sigma_m: float = 1_100.0
    misplaced_probability: float = 0.06
    placed_knowing_probability: float = 0.5
    settlement_density_ratio: float = 0.05
    meant_min_probability: float = 0.5
    line_lag_days: float = 10.0
    advance_window_days: int = 30
    advance_max_m: float = 3_000.0
    near_sigma_ratio: float = 3.0
    near_probability: float = 0.65
    line_age_max_days: int = 7
    region_min_share: float = 1.0 / 3.0
    repeated_min_share: float = 0.98
    repeated_min_count: int = 20
    town_min_count: int = 15_000
    town_distance_m: float = 2_500.0
    stand_in_distance_m: float = 200.0

    def __post_init__(self) -> None:
        """Check that probabilities are probabilities and lengths are lengths."""
        for name in PROBABILITIES:
            require_between(name, getattr(self, name), 0.0, 1.0)
        require_between("near_probability", self.near_probability, 0.5, 1.0)
        require_between("settlement_density_ratio", self.settlement_density_ratio, 1.0e-6, 1.0)
        require_between("advance_window_days", self.advance_window_days, 1, 3_650)
        for name in ("place_sigma_m", "advance_max_m", "town_distance_m", "stand_in_distance_m"):
            require_between(name, getattr(self, name), 0.0, 1.0e6)
        for name in ("line_lag_days", "near_sigma_ratio", "line_age_max_days"):
            require_between(name, getattr(self, name), 0.0, 3_650.0)
