"""Everything a synthetic sensor network depends on besides its seed, read from a scenario file and checked.

The files say what every number means (`scenarios/network_*.yaml`); this module gives their types, their limits and the
list of adversities, each of which can be taken away alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec
import yaml

from truceline.adapters.yaml_loader import load_yaml
from truceline.errors import InputUnusable
from truceline.model.quantity import require_between, require_utc
from truceline.testing.scenario_parameters import PARTY_PATTERN, Pair, scenario_text

SCHEMA = "truceline.network_scenario/1"
"""What the first line of such a scenario file names."""

EVENT_TYPES = ("outgoing", "impact", "airburst", "burst", "shot", "drone", "quarry_blast", "thunder")
"""All there is to hear. The first three are a fire mission's; `burst` and `shot` are of small arms."""

UNIT_LIMITS: dict[str, tuple[float, float]] = {
    "c": (-60.0, 60.0),
    "count": (0.0, 100_000.0),
    "db": (0.0, 120.0),
    "deg": (-360.0, 360.0),
    "hour": (0.0, 24.0),
    "hours": (-14.0, 14.0),
    "hz": (0.0, 10_000.0),
    "k": (0.0, 40.0),
    "km": (0.0, 2_000.0),
    "m": (0.0, 5_000.0),
    "minutes": (0.0, 3_000.0),
    "pa": (0.0, 100_000.0),
    "probability": (0.0, 1.0),
    "ratio": (0.0, 100.0),
    "s": (0.0, 10_000.0),
    "share": (0.0, 1.0),
}
"""Least and most of a number, by the unit in which its name ends."""

LIMITS: dict[str, tuple[float, float]] = {
    "middle_longitude_deg": (-170.0, 170.0),
    "middle_latitude_deg": (-70.0, 70.0),
    "line_length_km": (10.0, 2_000.0),
    "station_half_width_km": (1.0, 60.0),
    "ridge_width_km": (1.0, 50.0),
    "field_width_km": (20.0, 500.0),
    "field_small_width_km": (5.0, 500.0),
    "path_error_width_km": (2.0, 500.0),
    "field_minutes": (5.0, 1_000.0),
    "field_small_minutes": (2.0, 1_000.0),
    "wind_mean_m_per_s": (0.0, 40.0),
    "wind_variation_m_per_s": (0.0, 15.0),
    "wind_small_variation_m_per_s": (0.0, 10.0),
    "wind_shift_m_per_s": (0.0, 20.0),
    "path_error_smooth_ratio": (0.0, 0.1),
    "path_error_independent_ratio": (0.0, 0.1),
    "station_count": (1, 20_000),
    "rounds_mean_count": (1.0, 200.0),
    "tube_count": (1, 50),
    "range_low_km": (0.5, 40.0),
    "range_high_km": (0.5, 40.0),
    "elevation_low_deg": (10.0, 80.0),
    "elevation_high_deg": (10.0, 80.0),
    "frequency_hz": (1.0, 5_000.0),
    "hearing_range_max_km": (1.0, 60.0),
    "hot_spot_count": (1, 1_000),
    "hot_spot_width_km": (0.1, 100.0),
    "quarry_count": (1, 1_000),
    "length_minutes": (1.0, 3_000.0),
    "clutter_burst_mean_count": (1.0, 1_000.0),
    "gust_width_km": (0.5, 100.0),
}
"""Limits of numbers that need others than their unit's."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a scenario whose numbers all lie inside the limits that their name, or else their unit, sets."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            low, high = LIMITS.get(name, UNIT_LIMITS[name.rsplit("_", 1)[-1]])
            for number in value if isinstance(value, tuple) else (value,):
                require_between(name, number, low, high)


class GroundParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the invented ground lies, its line, its ridges, and what stands on it."""

    middle_longitude_deg: float
    middle_latitude_deg: float
    line_bearing_deg: float
    line_length_km: float
    line_wave_km: float
    drawing_error_km: float
    station_half_width_km: float
    ridge_height_m: float
    ridge_width_km: float
    quarry_count: int
    hot_spot_count: int
    hot_spot_width_km: float


class AirParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the air does to sound: its wind and temperature, what a forecast knows of them, and what nobody knows."""

    temperature_c: float
    temperature_variation_k: float
    wind_mean_m_per_s: float
    wind_shift_m_per_s: float
    wind_variation_m_per_s: float
    wind_small_variation_m_per_s: float
    wind_forecast_error_m_per_s: float
    field_width_km: float
    field_minutes: float
    field_small_width_km: float
    field_small_minutes: float
    path_error_smooth_ratio: float
    path_error_width_km: float
    path_error_independent_ratio: float
    shadow_late_s: float
    spreading_ratio: float
    wind_gain_ratio: float
    level_fluctuation_db: float
    hearing_range_max_km: float


class SourceParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one type of event sounds, shakes the ground and shines."""

    pressure_at_1_km_pa: float
    pressure_spread_db: float
    frequency_hz: float
    absorption_db_per_km: float
    onset_blur_s: float
    ground_motion_at_1_km_um_per_s: float
    flash_probability: float


class StationParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the stations are, what their data sheets say, and how far the sheets are from the truth."""

    station_count: int
    second_ground_share: float
    array_share: float
    seismic_share: float
    camera_share: float
    timing_sigma_low_s: float
    timing_sigma_high_s: float
    timing_spread_ratio: float
    timing_poor_share: float
    timing_poor_ratio: float
    timing_tail_count: int
    timing_weak_ratio: float
    onset_late_s: float
    bearing_sigma_deg: float
    bearing_bias_deg: float
    bearing_wind_ratio: float
    bearing_outlier_probability: float
    noise_median_pa: float
    noise_spread_db: float
    noise_change_db: float
    threshold_db: float
    miss_probability: float
    calibration_spread_db: float
    amplitude_silent_share: float
    sigma_stated_share: float
    dead_time_s: float
    rate_known_share: float
    ground_noise_um_per_s: float
    phase_label_share: float
    phase_wrong_probability: float
    camera_range_km: float
    camera_miss_probability: float


class FireParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the parties fire: missions of guns, and small arms."""

    events_per_minute_count: float
    fire_share: Pair
    rounds_mean_count: float
    round_gap_s: float
    tube_count: int
    range_low_km: float
    range_high_km: float
    elevation_low_deg: float
    elevation_high_deg: float
    battery_scatter_m: float
    impact_range_ratio: float
    impact_deflection_ratio: float
    hot_spot_share: float
    airburst_share: float
    dud_share: float
    firefights_per_minute_count: float


class DecoyParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is heard and is no fire of guns: drones on their way, quarries and storms."""

    drones_per_minute_count: float
    drone_speed_m_per_s: float
    quarry_blasts_per_hour_count: float
    quarry_start_hour: float
    quarry_end_hour: float
    storm_count: int
    storm_flashes_per_minute_count: float
    storm_speed_m_per_s: float


class FaultParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong with stations: silence, echoes, clocks, and people who write what was never heard."""

    outage_share: float
    region_outage_count: int
    region_outage_width_km: float
    echo_probability: float
    echo_first_missed_probability: float
    echo_delay_s: float
    clock_offset_share: float
    clock_offset_s: float
    clock_drift_share: float
    clock_drift_ms_per_minutes: float
    clock_jump_share: float
    clock_jump_s: float
    gps_step_station_count: int
    gps_step_s: float
    spoofed_station_count: int
    false_events_per_minute_count: float
    replaying_station_count: int
    delivery_median_s: float
    late_share: float
    late_s: float


class ClutterParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Detections of nothing that happened: each station's own, in bursts, and in gusts over a whole area."""

    clutter_rate_hz: float
    clutter_spread_db: float
    clutter_bursts_per_hour_count: float
    clutter_burst_mean_count: float
    gusts_per_hour_count: float
    gust_width_km: float


class ObserverParameters(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people at posts and satellites that pass over make of it."""

    post_count: int
    patrol_hearing_km: float
    pass_after_minutes: tuple[float, ...]
    impact_burns_probability: float
    wild_fire_count: int


class NetworkParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One synthetic sensor network before its seed is drawn from; parties are in the order of the ground they hold."""

    schema: str
    scenario_id: str
    title: str
    seed: int
    parties: tuple[str, str]
    exchange_parties: bool
    start_time: datetime
    length_minutes: float
    local_after_utc_hours: float
    detections_as_csv: bool
    ground: GroundParameters
    air: AirParameters
    sources: dict[str, SourceParameters]
    stations: StationParameters
    fire: FireParameters
    decoys: DecoyParameters
    faults: FaultParameters
    clutter: ClutterParameters
    observers: ObserverParameters

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        if self.schema != SCHEMA:
            raise ValueError(f"schema={self.schema} is not {SCHEMA}")
        if self.parties[0].lower() == self.parties[1].lower():
            raise ValueError(f"parties={self.parties} are one and the same")
        if not all(PARTY_PATTERN.fullmatch(party) for party in self.parties):
            raise ValueError(f"parties={self.parties} are not two names of up to 20 letters and digits")
        require_utc("start_time", self.start_time)
        require_between("length_minutes", self.length_minutes, *LIMITS["length_minutes"])
        require_between("local_after_utc_hours", self.local_after_utc_hours, *UNIT_LIMITS["hours"])
        require_between("seed", self.seed, 0, 2**63)
        if set(self.sources) != set(EVENT_TYPES):
            raise ValueError(f"sources={sorted(self.sources)} are not {sorted(EVENT_TYPES)}")
        for low, high in ORDERED_PAIRS:
            least, most = number_of(self, low), number_of(self, high)
            if least > most:
                raise ValueError(f"{low}={least} is above {high}={most}")
        shares = (self.stations.seismic_share, self.stations.camera_share)
        require_between("stations.seismic_share + stations.camera_share", sum(shares), 0.0, 1.0)

    @property
    def role_names(self) -> tuple[str, str]:
        """The party that holds the first ground, and the one that holds the second; exchanged where that is asked."""
        return (self.parties[1], self.parties[0]) if self.exchange_parties else self.parties

    @property
    def length_s(self) -> float:
        """How long the theatre is watched."""
        return self.length_minutes * 60.0


ORDERED_PAIRS = (
    ("stations.timing_sigma_low_s", "stations.timing_sigma_high_s"),
    ("fire.range_low_km", "fire.range_high_km"),
    ("fire.elevation_low_deg", "fire.elevation_high_deg"),
    ("decoys.quarry_start_hour", "decoys.quarry_end_hour"),
)
"""(least, most): numbers that must stand in this order."""

ADVERSITIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wind": (
            "air.wind_mean_m_per_s",
            "air.wind_shift_m_per_s",
            "air.wind_variation_m_per_s",
            "air.wind_small_variation_m_per_s",
            "air.wind_forecast_error_m_per_s",
        ),
        "small_wind": ("air.wind_small_variation_m_per_s", "air.wind_shift_m_per_s"),
        "forecast_error": ("air.wind_forecast_error_m_per_s",),
        "temperature_variation": ("air.temperature_variation_k",),
        "path_error": ("air.path_error_smooth_ratio", "air.path_error_independent_ratio"),
        "terrain_shadow": ("ground.ridge_height_m",),
        "level_fluctuation": ("air.level_fluctuation_db", "air.wind_gain_ratio"),
        "noise_variation": ("stations.noise_spread_db", "stations.noise_change_db"),
        "timing_beyond_sheet": (
            "stations.timing_spread_ratio",
            "stations.timing_poor_share",
            "stations.timing_tail_count",
            "stations.timing_weak_ratio",
            "stations.onset_late_s",
        ),
        "bearing_errors": (
            "stations.bearing_bias_deg",
            "stations.bearing_wind_ratio",
            "stations.bearing_outlier_probability",
        ),
        "amplitude_errors": ("stations.calibration_spread_db", "stations.amplitude_silent_share"),
        "missed_detections": ("stations.miss_probability", "stations.camera_miss_probability"),
        "dead_time": ("stations.dead_time_s",),
        "phase_labels_wrong": ("stations.phase_wrong_probability",),
        "outages": ("faults.outage_share", "faults.region_outage_count"),
        "echoes": ("faults.echo_probability",),
        "clock_faults": ("faults.clock_offset_share", "faults.clock_drift_share", "faults.clock_jump_share"),
        "gps_step": ("faults.gps_step_station_count",),
        "spoofed_stations": ("faults.spoofed_station_count", "faults.replaying_station_count"),
        "late_delivery": ("faults.late_share",),
        "clutter": ("clutter.clutter_rate_hz",),
        "clutter_bursts": ("clutter.clutter_bursts_per_hour_count",),
        "gusts": ("clutter.gusts_per_hour_count",),
        "storms": ("decoys.storm_count",),
        "drones": ("decoys.drones_per_minute_count",),
        "quarry_blasts": ("decoys.quarry_blasts_per_hour_count",),
        "small_arms": ("fire.firefights_per_minute_count",),
    }
)
"""What makes a theatre hard, and the numbers that are zero in a theatre without it."""


def number_of(parameters: NetworkParameters, place: str) -> float:
    """Give the number at a place such as `faults.echo_probability`."""
    part, name = place.split(".")
    return float(getattr(getattr(parameters, part), name))


def without_adversities(parameters: NetworkParameters, names: Iterable[str]) -> NetworkParameters:
    """Give the same theatre with some of `ADVERSITIES` taken away, each of their numbers set to zero.

    Every part of the theatre draws from a generator of its own, so the rest is drawn as before as far as it can be: an
    event's place and time never depend on a fault of a station.
    """
    changes: dict[str, dict[str, int]] = {}
    for name in names:
        if name not in ADVERSITIES:
            raise InputUnusable(f"adversity={name!r} is not one of {sorted(ADVERSITIES)}")
        for place in ADVERSITIES[name]:
            part, field = place.split(".")
            changes.setdefault(part, {})[field] = 0
    return msgspec.structs.replace(
        parameters,
        **{part: msgspec.structs.replace(getattr(parameters, part), **zeros) for part, zeros in changes.items()},
    )


def only_adversities(parameters: NetworkParameters, names: Iterable[str]) -> NetworkParameters:
    """Give the same theatre with all of `ADVERSITIES` taken away but some; a number that two share is kept."""
    kept = frozenset(names)
    unknown = kept - set(ADVERSITIES)
    if unknown:
        raise InputUnusable(f"adversity={min(unknown)!r} is not one of {sorted(ADVERSITIES)}")
    calm = without_adversities(parameters, ADVERSITIES)
    changes: dict[str, dict[str, object]] = {}
    for name in sorted(kept):
        for place in ADVERSITIES[name]:
            part, field = place.split(".")
            changes.setdefault(part, {})[field] = getattr(getattr(parameters, part), field)
    return msgspec.structs.replace(
        calm, **{part: msgspec.structs.replace(getattr(calm, part), **numbers) for part, numbers in changes.items()}
    )


def is_network_scenario(text: str) -> bool:
    """Say whether a scenario file's text describes a sensor network and not a first-light theatre."""
    try:
        content = load_yaml(text)
    except yaml.YAMLError:
        return False
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def load_network(name_or_path: str) -> NetworkParameters:
    """Read a shipped network scenario by its name or any by its path, or say what is wrong with it."""
    text = scenario_text(name_or_path)
    try:
        return msgspec.convert(load_yaml(text), NetworkParameters)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputUnusable(f"scenario {name_or_path}: {' '.join(str(error).split())}") from error


def changed_network(parameters: NetworkParameters, *, seed: int | None, exchange_parties: bool) -> NetworkParameters:
    """Give the scenario with another seed and with the parties' names exchanged, where that is asked."""
    if seed is not None and seed < 0:
        raise InputUnusable(f"seed={seed} is outside [0, inf)")
    return msgspec.structs.replace(
        parameters,
        seed=parameters.seed if seed is None else seed,
        exchange_parties=parameters.exchange_parties != exchange_parties,
    )
