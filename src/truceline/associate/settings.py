"""Every gate and bound of the association, each with its unit; the reasons stand in docs/method/association.md."""

from __future__ import annotations

import math

import msgspec

from truceline.associate.settings_engine import EngineSettings, MediumPrior
from truceline.associate.tiles import TileGrid
from truceline.model.quantity import require_between


class StationSheet(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a station beforehand; one that is listed here counts also on days on which it is silent.

    `modality` names a file of `truceline.associate.modalities`; `None` where the station gives no bearing, or where its
    history is not known.
    """

    station_id: str
    latitude_deg: float
    longitude_deg: float
    modality: str = "acoustic"
    timing_sigma_s: float = 0.05
    dead_time_s: float = 0.5
    bearing_sigma_deg: float | None = None
    clutter_rate_hz: float | None = None

    def __post_init__(self) -> None:
        """Check place, errors and rates; `modality` is checked where the modalities are known."""
        require_between("latitude_deg", self.latitude_deg, -90.0, 90.0)
        require_between("longitude_deg", self.longitude_deg, -180.0, 180.0)
        require_between("timing_sigma_s", self.timing_sigma_s, 0.0001, 60.0)
        require_between("dead_time_s", self.dead_time_s, 0.0, 3_600.0)
        if self.bearing_sigma_deg is not None:
            require_between("bearing_sigma_deg", self.bearing_sigma_deg, 0.01, 180.0)
        if self.clutter_rate_hz is not None:
            require_between("clutter_rate_hz", self.clutter_rate_hz, 0.0, 100.0)


class SensorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a day's detections become sensor events: stations known beforehand, grid, air, priors and bounds.

    A station that is heard of only by its detections has `station_timing_sigma_s` and `station_dead_time_s`. Where
    `grid` has no plane, plane and origin are laid through the day's stations. A detection belongs to an event from
    `member_least_probability` on; an event below `sure_least_probability` is preliminary.
    """

    stations: tuple[StationSheet, ...] = ()
    grid: TileGrid = TileGrid()
    medium: MediumPrior = MediumPrior()
    engine: EngineSettings = EngineSettings()
    station_timing_sigma_s: float = 0.05
    station_dead_time_s: float = 0.5
    station_place_max_m: float = 50.0
    member_least_probability: float = 0.5
    sure_least_probability: float = 0.9
    station_slab_max_count: int = 600
    tile_max_count: int = 400_000

    def __post_init__(self) -> None:
        """Check the limits of the numbers, and that no station is listed twice."""
        require_between("station_timing_sigma_s", self.station_timing_sigma_s, 0.0001, 60.0)
        require_between("station_dead_time_s", self.station_dead_time_s, 0.0, 3_600.0)
        require_between("station_place_max_m", self.station_place_max_m, 0.0, 1_000.0)
        require_between("member_least_probability", self.member_least_probability, 0.5, 1.0)
        require_between("sure_least_probability", self.sure_least_probability, 0.0, 1.0)
        require_between("station_slab_max_count", self.station_slab_max_count, 1, 1_000_000)
        require_between("tile_max_count", self.tile_max_count, 1, 10_000_000)
        names = [sheet.station_id for sheet in self.stations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stations lists {', '.join(twice)} more than once")


class AssociationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When two observations are taken for one occurrence, and how long days are remembered.

    `gate_probability` is the share of true pairs that a position gate lets through. `occurrence_gap_max_s` bounds the
    time between two patrol reports of one occurrence, `fire_gap_max_s` the time between two overpasses that see one
    fire, or between an explosion and the fire it left. `report_time_sigma_s` is the error of the times patrols write,
    by which they choose among sensor events; `sensors` says how those are made.
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
    report_time_sigma_s: float = 120.0
    slab_max_count: int = 4_000
    sensors: SensorSettings = SensorSettings()

    def __post_init__(self) -> None:
        """Check the limits of the numbers on which the arithmetic rests."""
        require_between("gate_probability", self.gate_probability, 0.5, 0.999_999)
        require_between("pair_distance_max_m", self.pair_distance_max_m, 1.0, 100_000.0)
        require_between("same_place_distance_max_m", self.same_place_distance_max_m, 0.0, self.pair_distance_max_m)
        require_between("position_floor_sigma_m", self.position_floor_sigma_m, 1.0, 100_000.0)
        require_between("sound_speed_m_per_s", self.sound_speed_m_per_s, 250.0, 450.0)
        require_between("report_time_sigma_s", self.report_time_sigma_s, 1.0, 3_600.0)
        require_between("slab_max_count", self.slab_max_count, 1, 100_000)

    @property
    def gate_chi2_ratio(self) -> float:
        """The squared distance in sigmas that the gate lets through; chi-squared with two degrees of freedom."""
        return -2.0 * math.log(1.0 - self.gate_probability)
