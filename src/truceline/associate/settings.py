"""Every gate and bound of the association, each with its unit; the reasons stand in docs/method/association.md."""

from __future__ import annotations

import math

import msgspec

from truceline.model.quantity import require_between


class AssociationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When two observations are taken for one occurrence, and how long days are remembered.

    `gate_probability` is the share of true pairs that a position gate lets through. `occurrence_gap_max_s` bounds the
    time between two patrol reports of one occurrence, `fire_gap_max_s` the time between two overpasses that see one
    fire, or between an explosion and the fire it left.
    """

    timezone_name: str = "UTC"
    gate_probability: float = 0.99
    pair_distance_max_m: float = 10_000.0
    same_place_distance_max_m: float = 2_000.0
    occurrence_gap_max_s: float = 900.0
    fire_gap_max_s: float = 10_800.0
    position_floor_sigma_m: float = 100.0
    settlement_floor_sigma_m: float = 1_000.0
    sound_speed_m_per_s: float = 340.0
    detection_distance_max_m: float = 40_000.0
    detection_residual_max_s: float = 15.0
    detection_bearing_default_sigma_deg: float = 5.0
    slab_max_count: int = 4_000

    def __post_init__(self) -> None:
        """Check the limits of the numbers on which the arithmetic rests."""
        require_between("gate_probability", self.gate_probability, 0.5, 0.999_999)
        require_between("pair_distance_max_m", self.pair_distance_max_m, 1.0, 100_000.0)
        require_between("same_place_distance_max_m", self.same_place_distance_max_m, 0.0, self.pair_distance_max_m)
        require_between("position_floor_sigma_m", self.position_floor_sigma_m, 1.0, 100_000.0)
        require_between("sound_speed_m_per_s", self.sound_speed_m_per_s, 250.0, 450.0)
        require_between("slab_max_count", self.slab_max_count, 1, 100_000)

    @property
    def gate_chi2_ratio(self) -> float:
        """The squared distance in sigmas that the gate lets through; chi-squared with two degrees of freedom."""
        return -2.0 * math.log(1.0 - self.gate_probability)
