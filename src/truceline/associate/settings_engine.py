"""What the engine takes as given: the air as forecast, and every prior and bound, each with its unit."""

from __future__ import annotations

import msgspec

from truceline.model.quantity import require_between


class MediumPrior(msgspec.Struct, frozen=True, kw_only=True):
    """The air as forecast, and how wrong the forecast may be; the engine estimates the field from there.

    `wind_sigma_m_per_s` and `sound_speed_sigma_m_per_s` are errors of the mean; `*_variation_m_per_s` the rms of smooth
    variation about it, with correlation length `length_m` and time `time_s` (a Gaussian process).
    """

    wind_east_m_per_s: float = 0.0
    wind_north_m_per_s: float = 0.0
    wind_sigma_m_per_s: float = 2.0
    sound_speed_m_per_s: float = 340.0
    sound_speed_sigma_m_per_s: float = 1.0
    wind_variation_m_per_s: float = 2.5
    sound_speed_variation_m_per_s: float = 1.0
    length_m: float = 25_000.0
    time_s: float = 900.0

    def __post_init__(self) -> None:
        """Check the limits within which the travel-time equation has one solution."""
        require_between("wind_east_m_per_s", self.wind_east_m_per_s, -60.0, 60.0)
        require_between("wind_north_m_per_s", self.wind_north_m_per_s, -60.0, 60.0)
        require_between("sound_speed_m_per_s", self.sound_speed_m_per_s, 280.0, 400.0)
        require_between("wind_sigma_m_per_s", self.wind_sigma_m_per_s, 0.01, 30.0)
        require_between("length_m", self.length_m, 5_000.0, 500_000.0)
        require_between("time_s", self.time_s, 60.0, 86_400.0)


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Priors and bounds of the engine; what can be estimated from the events themselves starts here and is estimated.

    `log_odds_min_ratio` is the natural logarithm of the odds below which a hypothesis is not an event.
    """

    log_odds_min_ratio: float = 2.0
    detection_probability: float = 0.9
    range_usual_m: float = 11_000.0
    range_spread_ratio: float = 0.5
    range_min_m: float = 3_500.0
    range_max_m: float = 26_000.0
    path_error_ratio: float = 0.01
    gate_ratio: float = 4.0
    clutter_floor_hz: float = 0.0005
    kin_count: float = 2.0
    kin_sigma_m: float = 250.0
    kin_time_s: float = 15.0
    bearing_doubt_probability: float = 0.03
    events_max_count: int = 30_000

    def __post_init__(self) -> None:
        """Check the limits of what the arithmetic rests on."""
        require_between("detection_probability", self.detection_probability, 0.05, 0.99)
        require_between("range_min_m", self.range_min_m, 100.0, self.range_max_m)
        require_between("range_max_m", self.range_max_m, self.range_min_m, 60_000.0)
        require_between("path_error_ratio", self.path_error_ratio, 1e-4, 0.1)
        require_between("gate_ratio", self.gate_ratio, 2.0, 8.0)
        require_between("clutter_floor_hz", self.clutter_floor_hz, 1e-6, 1.0)
        require_between("events_max_count", self.events_max_count, 1, 1_000_000)
