"""Everything a synthetic theatre depends on besides its seed, read from a scenario file and checked."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import yaml

from truceline.adapters.agreements import shipped_folder
from truceline.adapters.yaml_loader import load_yaml
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.quantity import TimeSpan, require_between

Pair = tuple[float, float]

PARTY_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9]{0,19}")
"""What a party may be called: its name becomes part of file names."""

UNIT_LIMITS: dict[str, tuple[float, float]] = {
    "count": (0.0, 2_000.0),
    "days": (1.0, 700.0),
    "deg": (-360.0, 360.0),
    "hours": (0.0, 2_000.0),
    "km": (0.0, 2_000.0),
    "probability": (0.0, 1.0),
    "share": (0.0, 1.0),
}
"""Least and most of a number, by the unit in which its name ends."""

LIMITS: dict[str, tuple[float, float]] = {
    "middle_longitude_deg": (-170.0, 170.0),
    "middle_latitude_deg": (-70.0, 70.0),
    "line_length_km": (60.0, 1_000.0),
    "depth_km": (40.0, 400.0),
    "settlement_count": (20, 2_000),
    "energy_object_count": (2, 500),
    "quarry_count": (1, 500),
    "station_count": (1, 500),
    "post_count": (1, 500),
    "rounds_mean_count": (1.0, 500.0),
    "cloud_mean_share": (0.01, 0.99),
    "patrol_hearing_km": (0.1, 50.0),
}
"""Limits of numbers that need others than their unit's: what is chosen from must not be empty."""


class TruceParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the truce is declared for, and how much of each party's ordinary conduct goes on inside it."""

    start_hours: float
    length_hours: float
    artillery_share: Pair
    long_range_share: Pair
    false_report_share: float


class GroundParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the invented ground lies, how long and restless its line is, and what stands on it."""

    middle_longitude_deg: float
    middle_latitude_deg: float
    line_bearing_deg: float
    line_length_km: float
    depth_km: float
    line_wave_km: float
    line_move_km: float
    drawing_error_km: float
    settlement_count: int
    energy_object_count: int
    quarry_count: int
    station_count: int
    post_count: int


class ConductParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens on an ordinary day, by either party and by neither."""

    fire_missions_per_day_count: Pair
    rounds_mean_count: float
    wave_night_probability: Pair
    wave_launched_mean_count: Pair
    wave_through_share: float
    energy_attacks_per_day_count: Pair
    wild_fires_per_day_count: float
    quarry_blasts_per_day_count: float
    industrial_heat_count: int


class SensingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well satellites, acoustic stations and patrols see and hear it."""

    cloud_mean_share: float
    artillery_burns_probability: float
    uav_burns_probability: float
    energy_burns_probability: float
    station_dead_count: int
    station_noise_per_hour_count: float
    station_outage_hours: float
    patrol_hearing_km: float


class ReportingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How outlets and bulletins of either party write about it."""

    artillery_reports_mean_count: float
    uav_reports_mean_count: float
    energy_reports_mean_count: float
    own_fire_reports_mean_count: float
    false_reports_per_day_count: Pair
    other_reports_per_day_count: Pair
    region_stand_in_share: float
    wrong_place_share: float
    party_named_share: float
    party_named_wrong_share: float
    claim_untimed_share: float
    claim_excess_share: float


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One synthetic theatre before its seed is drawn from; `parties` are named in the order of the ground they hold."""

    schema: str
    scenario_id: str
    title: str
    seed: int
    parties: tuple[str, str]
    exchange_parties: bool
    first_day: date
    background_days: int
    week_days: int
    timezone: str
    evening_cutoff_hour: float
    truce: TruceParameters
    ground: GroundParameters
    conduct: ConductParameters
    sensing: SensingParameters
    reporting: ReportingParameters

    def __post_init__(self) -> None:
        """Check that the days fit the truce and that the parties differ."""
        if self.parties[0].lower() == self.parties[1].lower():
            raise ValueError(f"parties={self.parties} are one and the same")
        if not all(PARTY_PATTERN.fullmatch(party) for party in self.parties):
            raise ValueError(f"parties={self.parties} are not two names of up to 20 letters and digits")
        for part in (self.truce, self.ground, self.conduct, self.sensing, self.reporting):
            _require_sound(part)
        dead_count = self.sensing.station_dead_count
        require_between("station_dead_count", dead_count, 0, self.ground.station_count)
        require_between("background_days", self.background_days, 1, 700)
        require_between("week_days", self.week_days, 1, 31)
        require_between("truce.start_hours", self.truce.start_hours, 0.0, self.week_days * 24.0)
        end_hours = self.truce.start_hours + self.truce.length_hours
        require_between("truce.start_hours + truce.length_hours", end_hours, 0.0, self.week_days * 24.0)

    @property
    def day_count(self) -> int:
        """All days: ordinary ones and those of the week."""
        return self.background_days + self.week_days

    @property
    def role_names(self) -> tuple[str, str]:
        """The party that holds the first ground, and the one that holds the second; exchanged where that is asked."""
        return (self.parties[1], self.parties[0]) if self.exchange_parties else self.parties

    @property
    def zone(self) -> ZoneInfo:
        """The theatre's time zone."""
        return ZoneInfo(self.timezone)

    def midnight_s(self, day_index: int) -> float:
        """Seconds since 1970 of the local midnight that begins a day, counted from the first ordinary day."""
        local = datetime.combine(self.first_day + timedelta(days=day_index), datetime.min.time(), tzinfo=self.zone)
        return local.timestamp()

    @property
    def truce_span(self) -> TimeSpan:
        """The declared truce in UTC."""
        start_s = self.midnight_s(self.background_days) + self.truce.start_hours * 3600.0
        start = datetime.fromtimestamp(start_s, tz=UTC)
        return TimeSpan(start=start, end=start + timedelta(hours=self.truce.length_hours))


def _require_sound(part: msgspec.Struct) -> None:
    """Hold that every number of a part is inside the limits that its name, or else its unit, sets."""
    for name in part.__struct_fields__:
        value = getattr(part, name)
        low, high = LIMITS.get(name, UNIT_LIMITS[name.rsplit("_", 1)[-1]])
        for number in value if isinstance(value, tuple) else (value,):
            require_between(name, number, low, high)


def shipped_scenario_names() -> list[str]:
    """Name the scenarios that come with Truceline."""
    return sorted(path.stem for path in shipped_folder("scenarios").glob("*.yaml"))


def scenario_path(name_or_path: str) -> Path:
    """Find a scenario file: a shipped one by its name, or any by its path."""
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        return path
    path = shipped_folder("scenarios") / f"{name_or_path}.yaml"
    if not path.is_file():
        raise InputUnusable(f"scenario={name_or_path!r} is not one of {shipped_scenario_names()} and not a .yaml file")
    return path


def scenario_text(name_or_path: str) -> str:
    """Give a scenario file's text, or say why it cannot be read."""
    path = scenario_path(name_or_path)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputUnusable(f"{path}: is not UTF-8 text (byte {error.start})") from error


def load_scenario(name_or_path: str) -> Scenario:
    """Read a shipped scenario by its name or any scenario file by its path, or say what is wrong with it."""
    text = scenario_text(name_or_path)
    try:
        return msgspec.convert(load_yaml(text), Scenario)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputUnusable(f"scenario {name_or_path}: {' '.join(str(error).split())}") from error


def changed_scenario(scenario: Scenario, *, seed: int | None, exchange_parties: bool) -> Scenario:
    """Give the scenario with another seed and with the parties' names exchanged, where that is asked."""
    if seed is not None and seed < 0:
        raise InputUnusable(f"seed={seed} is outside [0, inf)")
    return msgspec.structs.replace(
        scenario,
        seed=scenario.seed if seed is None else seed,
        exchange_parties=scenario.exchange_parties != exchange_parties,
    )
