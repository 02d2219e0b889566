"""Every prior, gate and bound of the direction of fire, with its unit; reasons stand in docs/method/fire_origin.md."""

from __future__ import annotations

import math

import msgspec

from truceline.model.quantity import require_between

_GRAVITY_M_PER_S2 = 9.80665
"""Standard acceleration of gravity (ISO 80000-3)."""

CELL_LADDER_DEG: tuple[float, ...] = (0.05, 0.2, 1.0, 5.0)
"""Cell sizes of the release policy, degrees; a test holds that they are the same. Each divides the next."""

CELL_EDGE_MIN_M = 5_000.0
"""No area is told finer than this, in either direction."""


class WeaponClass(msgspec.Struct, frozen=True, kw_only=True):
    """One class of weapon: how far it fires, and how long its rounds fly.

    Flight time is that of the parabola which reaches the range at an effective elevation, `T = sqrt(2 R tan(e) / g)`;
    `ln tan(e)` is normal about `ln elevation_tangent_ratio` with `elevation_spread_ratio`. Within a mission the flight
    time is constant up to `flight_spread_ratio` of itself (1 sigma).
    """

    name: str
    prior_probability: float
    range_min_m: float
    range_max_m: float
    elevation_tangent_ratio: float
    elevation_spread_ratio: float
    flight_spread_ratio: float

    def __post_init__(self) -> None:
        """Check the limits of the numbers on which the arithmetic rests."""
        require_between("prior_probability", self.prior_probability, 1e-6, 1.0)
        require_between("range_min_m", self.range_min_m, 100.0, 100_000.0)
        require_between("range_max_m", self.range_max_m, self.range_min_m + 100.0, 200_000.0)
        require_between("elevation_tangent_ratio", self.elevation_tangent_ratio, 0.05, 10.0)
        require_between("elevation_spread_ratio", self.elevation_spread_ratio, 0.05, 3.0)
        require_between("flight_spread_ratio", self.flight_spread_ratio, 1e-4, 0.2)


WEAPONS: tuple[WeaponClass, ...] = (
    WeaponClass(
        name="mortar",
        prior_probability=0.4,
        range_min_m=500.0,
        range_max_m=7_500.0,
        elevation_tangent_ratio=2.0,
        elevation_spread_ratio=0.5,
        flight_spread_ratio=0.008,
    ),
    WeaponClass(
        name="gun",
        prior_probability=0.4,
        range_min_m=3_000.0,
        range_max_m=25_000.0,
        elevation_tangent_ratio=0.6,
        elevation_spread_ratio=0.55,
        flight_spread_ratio=0.005,
    ),
    WeaponClass(
        name="rocket",
        prior_probability=0.2,
        range_min_m=5_000.0,
        range_max_m=35_000.0,
        elevation_tangent_ratio=0.85,
        elevation_spread_ratio=0.4,
        flight_spread_ratio=0.01,
    ),
)
"""Three wide classes: where they overlap it is left open which it was."""


class FireSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is assumed of missions, of the other events among them, and where the work ends.

    `other_share` is the share of missions, single events among them, that are neither launch nor impact.
    `strayed_share` is how many of a mission's
    rounds are located but not grouped with it. `spread_factor_ratios` multiply every `flight_spread_ratio`, with
    `spread_factor_shares`: nobody knows it well. `class_dependence_ratio` is the correlation of the errors of
    class within a mission. `ground_share_min_ratio` bounds how much the evenness of the prior between the parties may
    lift a launch on the lesser ground.
    """

    weapons: tuple[WeaponClass, ...] = WEAPONS
    detection_probability: float = 0.9
    other_share: float = 0.15
    strayed_share: float = 0.1
    spread_factor_ratios: tuple[float, ...] = (1.0, 2.5)
    spread_factor_shares: tuple[float, ...] = (0.75, 0.25)
    class_dependence_ratio: float = 0.05
    bearing_outlier_probability: float = 0.1
    ground_share_min_ratio: float = 0.1
    mission_radius_m: float = 600.0
    mission_gap_max_s: float = 35.0
    mission_events_max_count: int = 32
    density_neighbours_count: int = 6
    density_window_s: float = 400.0
    density_radius_min_m: float = 1_500.0
    density_radius_max_m: float = 12_000.0
    gap_default_s: float = 8.0
    pairings_max_count: int = 48
    pairing_weight_min_ratio: float = 1e-4
    cell_deg: float = 0.05

    def __post_init__(self) -> None:
        """Check the limits of the numbers on which the arithmetic rests."""
        names = ("detection_probability", "other_share", "strayed_share", "bearing_outlier_probability")
        for name in names:
            require_between(name, getattr(self, name), 0.001, 0.999)
        require_between("class_dependence_ratio", self.class_dependence_ratio, 0.0, 1.0)
        require_between("ground_share_min_ratio", self.ground_share_min_ratio, 0.01, 0.5)
        require_between("mission_radius_m", self.mission_radius_m, 10.0, 5_000.0)
        require_between("mission_gap_max_s", self.mission_gap_max_s, 0.5, 600.0)
        require_between("mission_events_max_count", self.mission_events_max_count, 1, 64)
        require_between("density_neighbours_count", self.density_neighbours_count, 2, 64)
        require_between("pairings_max_count", self.pairings_max_count, 1, 512)
        require_between("weapon prior total", sum(weapon.prior_probability for weapon in self.weapons), 0.999, 1.001)
        require_between("spread prior total", sum(self.spread_factor_shares), 0.999, 1.001)
        if len(self.spread_factor_ratios) != len(self.spread_factor_shares):
            raise ValueError(f"spread_factor_ratios={self.spread_factor_ratios} do not go with their shares")
        if self.cell_deg not in CELL_LADDER_DEG:
            raise ValueError(f"cell_deg={self.cell_deg} is not one of {CELL_LADDER_DEG}")

    @property
    def missed_probability(self) -> float:
        """The probability that a round's other end is not in the mission it is paired with."""
        return 1.0 - self.detection_probability * (1.0 - self.strayed_share)

    def flight_log_s(self, weapon: WeaponClass) -> float:
        """Give the mean of `ln T - ln sqrt(R)`, T in seconds and R in metres."""
        return 0.5 * math.log(2.0 * weapon.elevation_tangent_ratio / _GRAVITY_M_PER_S2)
