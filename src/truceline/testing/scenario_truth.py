"""What truly happened in a synthetic theatre: fire missions, UAV waves, attacks on energy objects, and decoys.

Every event is first drawn as on an ordinary day and then, inside the truce, kept with its party's share; so a share
of 0 leaves nothing, a share of 1 changes nothing, and all else stays as it was drawn.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from truceline.model.quantity import TimeSpan
from truceline.testing.scenario_ground import Bools, Floats, Ground, Ints, pick
from truceline.testing.scenario_parameters import Scenario

NO_ROLE_INDEX = -1
NO_PLACE_INDEX = -1
DAY_S = 86_400.0
HOUR_S = 3_600.0
ARTILLERY, UAV_IMPACT, ENERGY_ATTACK = "artillery", "uav_impact", "energy_attack"
WILD_FIRE, QUARRY_BLAST, INDUSTRIAL_HEAT = "wild_fire", "quarry_blast", "industrial_heat"
FIRE_KINDS = (ARTILLERY, UAV_IMPACT, ENERGY_ATTACK)
TRUTH_SCHEMA = {
    "kind": pl.String,
    "role": pl.Int64,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "along_km": pl.Float64,
    "across_km": pl.Float64,
    "from_along_km": pl.Float64,
    "from_across_km": pl.Float64,
    "rounds_count": pl.Int64,
    "settlement_index": pl.Int64,
    "energy_index": pl.Int64,
    "wave_index": pl.Int64,
    "burn_hours": pl.Float64,
    "power_mw": pl.Float64,
}
"""One row per true event; `from_*` is where it was fired from, an index of -1 says there is none."""
WAVE_SCHEMA = {
    "role": pl.Int64,
    "wave_index": pl.Int64,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "launched_count": pl.Int64,
    "through_count": pl.Int64,
}


class Truth:
    """All that truly happened: `events` (one row each, in order of time) and `waves` of one-way UAVs."""

    def __init__(self, scenario: Scenario, ground: Ground, events: pl.DataFrame, waves: pl.DataFrame):
        """Hold the frames; events get their ids `E000001`, ... in order of time."""
        self.scenario = scenario
        self.ground = ground
        ordered = events.sort("start_s", "kind", "role", "along_km", maintain_order=True)
        names = [f"E{index + 1:06d}" for index in range(ordered.height)]
        self.events = ordered.insert_column(0, pl.Series("event_id", names, dtype=pl.String))
        self.waves = waves.sort("start_s", "role", maintain_order=True)

    @property
    def week_start_s(self) -> float:
        """When the week with every sensor begins, seconds since 1970."""
        return self.scenario.midnight_s(self.scenario.background_days)

    @property
    def week_end_s(self) -> float:
        """When it ends."""
        return self.scenario.midnight_s(self.scenario.day_count)

    def week_events(self) -> pl.DataFrame:
        """Give the events of the week with every sensor."""
        return self.events.filter(pl.col("start_s").is_between(self.week_start_s, self.week_end_s, closed="left"))


def day_of(scenario: Scenario, time_s: Floats) -> Ints:
    """Give the local day of times, counted from the first ordinary day."""
    return np.floor((time_s - scenario.midnight_s(0)) / DAY_S).astype(np.int64)


def inside(span: TimeSpan, time_s: Floats) -> Bools:
    """Say which times lie in a span."""
    return np.asarray((time_s >= span.start.timestamp()) & (time_s < span.end.timestamp()))


def build_truth(scenario: Scenario, ground: Ground, chance: np.random.Generator) -> Truth:
    """Draw all that happens; each party and kind has a stream of its own."""
    artillery, long_range, energy, decoys, burning = chance.spawn(5)
    frames = [_artillery(scenario, ground, role, stream) for role, stream in enumerate(artillery.spawn(2))]
    waves = []
    for role, stream in enumerate(long_range.spawn(2)):
        launched = _waves(scenario, role, stream)
        waves.append(launched)
        frames.append(_wave_impacts(scenario, ground, launched, stream))
    frames += [_energy_attacks(scenario, ground, role, stream) for role, stream in enumerate(energy.spawn(2))]
    frames += _decoys(scenario, ground, decoys)
    return Truth(scenario, ground, _with_fires(pl.concat(frames), scenario, burning), pl.concat(waves))


def _hand(role: int) -> float:
    """The direction across in which a party fires: the first to the left hand of the line, the second to the right."""
    return 1.0 if role == 0 else -1.0


def _kept(scenario: Scenario, time_s: Floats, share: float, chance: np.random.Generator) -> Bools:
    lots = chance.random(time_s.size)
    return np.asarray(~inside(scenario.truce_span, time_s) | (lots < share))


def _daily_times(
    scenario: Scenario, per_day_count: float, chance: np.random.Generator, *, hour_middle: float, hour_sigma: float
) -> Floats:
    """Draw times over all days: a level that swings slowly from day to day, most of them around one hour."""
    days = scenario.day_count
    swing = np.convolve(chance.normal(0.0, 0.35, days + 6), np.full(7, 1 / 7), mode="valid")
    numbers = chance.poisson(per_day_count * np.exp(swing))
    day = np.repeat(np.arange(days), numbers)
    usual = chance.normal(hour_middle, hour_sigma, day.size) % 24.0
    hour = np.where(chance.random(day.size) < 0.8, usual, chance.uniform(0.0, 24.0, day.size))
    return np.round(scenario.midnight_s(0) + day * DAY_S + hour * HOUR_S)


def _frame(size: int, **columns: object) -> pl.DataFrame:
    """Fill what was not given with what says that there is none."""
    empty: dict[str, object] = {
        "from_along_km": np.full(size, np.nan),
        "from_across_km": np.full(size, np.nan),
        "rounds_count": np.ones(size, np.int64),
        "settlement_index": np.full(size, NO_PLACE_INDEX),
        "energy_index": np.full(size, NO_PLACE_INDEX),
        "wave_index": np.full(size, NO_PLACE_INDEX),
        "burn_hours": np.zeros(size),
        "power_mw": np.zeros(size),
    }
    filled = {**empty, **columns}
    filled["kind"] = pl.Series([columns["kind"]] * size, dtype=pl.String)
    filled["role"] = np.full(size, columns["role"])
    return pl.DataFrame({name: filled[name] for name in TRUTH_SCHEMA}, schema_overrides=TRUTH_SCHEMA)


def _artillery(scenario: Scenario, ground: Ground, role: int, chance: np.random.Generator) -> pl.DataFrame:
    conduct = scenario.conduct
    time_s = _daily_times(scenario, conduct.fire_missions_per_day_count[role], chance, hour_middle=13.0, hour_sigma=4.0)
    time_s = time_s[_kept(scenario, time_s, scenario.truce.artillery_share[role], chance)]
    size, hand, day = time_s.size, _hand(role), day_of(scenario, time_s)
    towns = ground.settlements_of(1 - role, reach_km=14.0)
    town = pick(chance, towns, size, what="settlements to fire at")
    half_km = scenario.ground.line_length_km / 2 - 4.0
    along_km = chance.uniform(-half_km, half_km, size)
    across_km = ground.line_km(day, along_km) + hand * (0.3 + chance.gamma(2.0, 2.0, size))
    near_town = chance.random(size) < 0.6
    along_km = np.where(near_town, ground.settlements.along_km[town] + chance.normal(0.0, 0.7, size), along_km)
    across_km = np.where(near_town, ground.settlements.across_km[town] + chance.normal(0.0, 0.7, size), across_km)
    gun_along_km = along_km + chance.normal(0.0, 3.5, size)
    rounds = 1 + chance.poisson(chance.gamma(1.5, (conduct.rounds_mean_count - 1) / 1.5, size))
    made = _frame(
        size,
        kind=ARTILLERY,
        role=role,
        start_s=time_s,
        end_s=time_s + np.round(rounds * chance.uniform(10.0, 40.0, size)),
        along_km=along_km,
        across_km=across_km,
        from_along_km=gun_along_km,
        from_across_km=ground.line_km(day, gun_along_km) - hand * (3.0 + chance.gamma(3.0, 2.0, size)),
        rounds_count=rounds,
        settlement_index=np.where(near_town, town, NO_PLACE_INDEX),
    )
    return made.filter(pl.Series(ground.holder_role(day, along_km, across_km) != role))


def _waves(scenario: Scenario, role: int, chance: np.random.Generator) -> pl.DataFrame:
    conduct, days = scenario.conduct, scenario.day_count
    night = np.flatnonzero(chance.random(days) < conduct.wave_night_probability[role])
    launched = chance.poisson(conduct.wave_launched_mean_count[role] * np.exp(chance.normal(-0.1, 0.45, night.size)))
    start_s = scenario.midnight_s(0) + night * DAY_S + chance.integers(19 * 4, 23 * 4, night.size) * HOUR_S / 4
    end_s = start_s + chance.integers(4 * 4, 8 * 4, night.size) * HOUR_S / 4
    kept = _kept(scenario, start_s, scenario.truce.long_range_share[role], chance) & (launched > 0)
    through = chance.binomial(launched, conduct.wave_through_share)
    made = pl.DataFrame(
        {
            "role": np.full(night.size, role),
            "wave_index": 2 * np.arange(night.size) + role,
            "start_s": start_s,
            "end_s": end_s,
            "launched_count": launched,
            "through_count": through,
        },
        schema_overrides=WAVE_SCHEMA,
    )
    return made.filter(pl.Series(kept))


def _wave_impacts(scenario: Scenario, ground: Ground, waves: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    if waves.height == 0:
        return pl.DataFrame(schema=TRUTH_SCHEMA)
    role = int(waves["role"][0])
    wave = np.repeat(np.arange(waves.height), waves["through_count"].to_numpy())
    size = wave.size
    length_s = (waves["end_s"] - waves["start_s"]).to_numpy()[wave]
    time_s = np.round(waves["start_s"].to_numpy()[wave] + length_s * chance.uniform(0.25, 1.0, size))
    towns = ground.settlements_of(1 - role, reach_km=scenario.ground.depth_km)
    town = pick(chance, towns, size, what="settlements to fire at")
    half_km = scenario.ground.line_length_km / 2
    return _frame(
        size,
        kind=UAV_IMPACT,
        role=role,
        start_s=time_s,
        end_s=time_s,
        along_km=ground.settlements.along_km[town] + chance.normal(0.0, 1.0, size),
        across_km=ground.settlements.across_km[town] + chance.normal(0.0, 1.0, size),
        from_along_km=chance.uniform(-half_km, half_km, size),
        from_across_km=-_hand(role) * chance.uniform(50.0, scenario.ground.depth_km, size),
        settlement_index=town,
        wave_index=waves["wave_index"].to_numpy()[wave],
    )


def _energy_attacks(scenario: Scenario, ground: Ground, role: int, chance: np.random.Generator) -> pl.DataFrame:
    time_s = _daily_times(
        scenario, scenario.conduct.energy_attacks_per_day_count[role], chance, hour_middle=2.0, hour_sigma=3.0
    )
    time_s = time_s[_kept(scenario, time_s, scenario.truce.long_range_share[role], chance)]
    size = time_s.size
    objects = ground.on_ground_of(ground.energy_objects, 1 - role)
    chosen = pick(chance, objects, size, what="energy objects")
    half_km = scenario.ground.line_length_km / 2
    return _frame(
        size,
        kind=ENERGY_ATTACK,
        role=role,
        start_s=time_s,
        end_s=time_s,
        along_km=ground.energy_objects.along_km[chosen] + chance.normal(0.0, 0.2, size),
        across_km=ground.energy_objects.across_km[chosen] + chance.normal(0.0, 0.2, size),
        from_along_km=chance.uniform(-half_km, half_km, size),
        from_across_km=-_hand(role) * chance.uniform(50.0, scenario.ground.depth_km, size),
        energy_index=chosen,
    )


def _decoys(scenario: Scenario, ground: Ground, chance: np.random.Generator) -> list[pl.DataFrame]:
    """Draw what looks like fire and is none; only in the week with sensors, since nobody reports it."""
    week = scenario.midnight_s(scenario.background_days)
    fires = chance.poisson(scenario.conduct.wild_fires_per_day_count * scenario.week_days)
    half_km, depth_km = scenario.ground.line_length_km / 2, scenario.ground.depth_km
    fire_s = np.round(week + chance.uniform(0.0, scenario.week_days, fires) * DAY_S)
    wild = _frame(
        fires,
        kind=WILD_FIRE,
        role=NO_ROLE_INDEX,
        start_s=fire_s,
        end_s=fire_s,
        along_km=chance.uniform(-half_km, half_km, fires),
        across_km=chance.uniform(-0.6 * depth_km, 0.6 * depth_km, fires),
    )
    works = ground.industry.along_km.size
    industry = _frame(
        works,
        kind=INDUSTRIAL_HEAT,
        role=NO_ROLE_INDEX,
        start_s=np.full(works, week),
        end_s=np.full(works, week + scenario.week_days * DAY_S),
        along_km=ground.industry.along_km,
        across_km=ground.industry.across_km,
    )
    return [wild, _quarry_blasts(scenario, ground, chance), industry]


def _quarry_blasts(scenario: Scenario, ground: Ground, chance: np.random.Generator) -> pl.DataFrame:
    """Draw blasts on working days between ten and four."""
    first_weekday = (scenario.first_day.weekday() + scenario.background_days) % 7
    working = [day for day in range(scenario.week_days) if (first_weekday + day) % 7 < 5]
    numbers = chance.poisson(scenario.conduct.quarry_blasts_per_day_count, len(working))
    day = np.repeat(np.array(working, dtype=np.float64), numbers)
    hour = chance.uniform(10.0, 16.0, day.size)
    blast_s = np.round(scenario.midnight_s(scenario.background_days) + day * DAY_S + hour * HOUR_S)
    chosen = chance.integers(0, ground.quarries.along_km.size, day.size)
    return _frame(
        day.size,
        kind=QUARRY_BLAST,
        role=NO_ROLE_INDEX,
        start_s=blast_s,
        end_s=blast_s,
        along_km=ground.quarries.along_km[chosen] + chance.normal(0.0, 0.1, day.size),
        across_km=ground.quarries.across_km[chosen] + chance.normal(0.0, 0.1, day.size),
    )


def _with_fires(events: pl.DataFrame, scenario: Scenario, chance: np.random.Generator) -> pl.DataFrame:
    """Decide which events set something alight, for how long and how fiercely (fire radiative power in MW)."""
    sensing = scenario.sensing
    burning = {
        ARTILLERY: (sensing.artillery_burns_probability, 3.0, 4.0),
        UAV_IMPACT: (sensing.uav_burns_probability, 4.0, 7.0),
        ENERGY_ATTACK: (sensing.energy_burns_probability, 10.0, 30.0),
        WILD_FIRE: (1.0, 14.0, 12.0),
        QUARRY_BLAST: (0.0, 0.0, 0.0),
        INDUSTRIAL_HEAT: (1.0, 0.0, 9.0),
    }
    size = events.height
    lots, hours, power = chance.random(size), chance.exponential(1.0, size), chance.lognormal(0.0, 0.7, size)
    kinds = events["kind"].to_numpy()
    table = {kind: np.array(entry) for kind, entry in burning.items()}
    chosen = np.array([table[str(kind)] for kind in kinds]).reshape(size, 3)
    burns = lots < chosen[:, 0]
    burn_hours = np.where(
        kinds == INDUSTRIAL_HEAT, scenario.week_days * 24.0, np.where(burns, hours * chosen[:, 1], 0.0)
    )
    return events.with_columns(
        pl.Series("burn_hours", np.round(burn_hours, 2)),
        pl.Series("power_mw", np.round(np.where(burns, power * chosen[:, 2], 0.0), 2)),
    )
