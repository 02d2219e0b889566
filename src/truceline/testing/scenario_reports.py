"""What outlets and bulletins of either party make of a synthetic theatre: biased, late, misplaced, partly invented."""

from __future__ import annotations

import numpy as np
import polars as pl

from truceline.testing.scenario_ground import Floats, Ground, Ints, pick
from truceline.testing.scenario_parameters import Scenario
from truceline.testing.scenario_truth import (
    ARTILLERY,
    DAY_S,
    ENERGY_ATTACK,
    FIRE_KINDS,
    HOUR_S,
    NO_PLACE_INDEX,
    NO_ROLE_INDEX,
    UAV_IMPACT,
    Truth,
    day_of,
    inside,
)

WEEKEND_VOLUME_RATIOS = (1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.65)
VOLUME_SIGMA_RATIO = 0.12
NEXT_DAY_SHARE = 0.12
REPORT_SCHEMA = {
    "day_index": pl.Int64,
    "hour": pl.Float64,
    "kind": pl.String,
    "bloc": pl.Int64,
    "named_role": pl.Int64,
    "settlement_index": pl.Int64,
    "cause": pl.String,
}
"""One row per report: `bloc` is whose outlet wrote it, `named_role` whom it names (-1: nobody), `kind` of what, and
`cause` the id of the true event behind it (null: none)."""
CLAIM_SCHEMA = {
    "claimant_role": pl.Int64,
    "weapon_class": pl.String,
    "weapon_model": pl.String,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "time_stated": pl.Boolean,
    "launched_count": pl.Int64,
    "destroyed_count": pl.Int64,
    "settlement_index": pl.Int64,
}
OTHER = "other"


def media_reports(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    """Give the reports of both blocs' outlets over all days, in order of day and hour."""
    streams = chance.spawn(3)
    frames = []
    for bloc, (volume, stream) in enumerate(zip(streams[0].spawn(2), streams[1].spawn(2), strict=True)):
        volume_ratio = _daily_volume(scenario, volume)
        frames.append(_of_events(scenario, truth, bloc, volume_ratio, stream))
        frames.append(_invented(scenario, truth.ground, bloc, volume_ratio, stream))
        frames.append(_other(scenario, truth.ground, bloc, volume_ratio, stream))
    reports = pl.concat(frames).sort(
        "day_index", "hour", "bloc", "settlement_index", "kind", "named_role", maintain_order=True
    )
    return _placed(scenario, truth.ground, reports, streams[2])


def _daily_volume(scenario: Scenario, chance: np.random.Generator) -> Floats:
    """Draw how much a bloc writes on each day, against its usual: chance, and less on the weekend."""
    weekday = (scenario.first_day.weekday() + np.arange(scenario.day_count)) % 7
    swing = np.exp(chance.normal(0.0, VOLUME_SIGMA_RATIO, scenario.day_count))
    return np.asarray(np.array(WEEKEND_VOLUME_RATIOS)[weekday] * swing)


def _of_events(
    scenario: Scenario, truth: Truth, bloc: int, volume_ratio: Floats, chance: np.random.Generator
) -> pl.DataFrame:
    """Draw a bloc's reports of true events: many of the other's fire, few of its own party's."""
    reporting = scenario.reporting
    means = {
        ARTILLERY: reporting.artillery_reports_mean_count,
        UAV_IMPACT: reporting.uav_reports_mean_count,
        ENERGY_ATTACK: reporting.energy_reports_mean_count,
    }
    events = truth.events.filter(pl.col("kind").is_in(FIRE_KINDS))
    start_s, role = events["start_s"].to_numpy(), events["role"].to_numpy()
    day = np.clip(day_of(scenario, start_s), 0, scenario.day_count - 1)
    usual = np.array([means[str(kind)] for kind in events["kind"].to_numpy()])
    expected = np.where(role == bloc, reporting.own_fire_reports_mean_count, usual) * volume_ratio[day]
    index = np.repeat(np.arange(events.height), chance.poisson(expected))
    delayed = chance.random(index.size) < NEXT_DAY_SHARE
    named = _named_roles(scenario, role[index], bloc, chance)
    hour = (start_s[index] - scenario.midnight_s(0)) % DAY_S / HOUR_S + chance.exponential(1.5, index.size)
    return pl.DataFrame(
        {
            "day_index": day[index] + delayed,
            "hour": np.minimum(hour, 23.9),
            "kind": events["kind"].gather(index),
            "bloc": np.full(index.size, bloc),
            "named_role": named,
            "settlement_index": _nearest_settlement(truth.ground, events, index),
            "cause": events["event_id"].gather(index),
        },
        schema_overrides=REPORT_SCHEMA,
    ).filter(pl.col("day_index") < scenario.day_count)


def _named_roles(scenario: Scenario, role: Ints, bloc: int, chance: np.random.Generator) -> Ints:
    """Draw whom reports name: mostly nobody, mostly rightly; of its own party's fire a bloc mostly names the other."""
    size = role.size
    named = chance.random(size) < scenario.reporting.party_named_share
    wrong_probability = np.where(role == bloc, 0.7, scenario.reporting.party_named_wrong_share)
    wrong = chance.random(size) < wrong_probability
    return np.where(named, np.where(wrong, 1 - role, role), NO_ROLE_INDEX)


def _nearest_settlement(ground: Ground, events: pl.DataFrame, index: Ints) -> Ints:
    """Give the settlement nearest to each event on the ground of the party fired upon: that is where it is told of."""
    along_km = events["along_km"].to_numpy()[:, None] - ground.settlements.along_km[None, :]
    across_km = events["across_km"].to_numpy()[:, None] - ground.settlements.across_km[None, :]
    distance_km = np.hypot(along_km, across_km)
    of_first = np.zeros(ground.settlements.along_km.size, dtype=np.bool_)
    of_first[ground.settlements_of(0)] = True
    of_other = np.where(events["role"].to_numpy()[:, None] == 0, ~of_first[None, :], of_first[None, :])
    return np.asarray(np.argmin(np.where(of_other, distance_km, np.inf), axis=1)[index])


def _invented(
    scenario: Scenario, ground: Ground, bloc: int, volume_ratio: Floats, chance: np.random.Generator
) -> pl.DataFrame:
    """Draw a bloc's reports of fire by the other party that never was, at settlements near the line."""
    mean = scenario.reporting.false_reports_per_day_count[bloc]
    day = np.repeat(np.arange(scenario.day_count), chance.poisson(mean * volume_ratio))
    hour = chance.uniform(6.0, 23.0, day.size)
    time_s = scenario.midnight_s(0) + day * DAY_S + hour * HOUR_S
    calm = inside(scenario.truce_span, time_s)
    kept = ~calm | (chance.random(day.size) < scenario.truce.false_report_share)
    own_ground = ground.settlements_of(bloc, reach_km=25.0)
    frame = pl.DataFrame(
        {
            "day_index": day,
            "hour": hour,
            "kind": pl.Series([ARTILLERY] * day.size, dtype=pl.String),
            "bloc": np.full(day.size, bloc),
            "named_role": np.where(chance.random(day.size) < 0.6, 1 - bloc, NO_ROLE_INDEX),
            "settlement_index": pick(chance, own_ground, day.size, what="settlements near the line"),
            "cause": pl.Series([None] * day.size, dtype=pl.String),
        },
        schema_overrides=REPORT_SCHEMA,
    )
    return frame.filter(pl.Series(kept))


def _other(
    scenario: Scenario, ground: Ground, bloc: int, volume_ratio: Floats, chance: np.random.Generator
) -> pl.DataFrame:
    """Draw a bloc's reports of everything else: politics, prices, aid; they measure how much was written that day."""
    mean = scenario.reporting.other_reports_per_day_count[bloc]
    day = np.repeat(np.arange(scenario.day_count), chance.poisson(mean * volume_ratio))
    return pl.DataFrame(
        {
            "day_index": day,
            "hour": chance.uniform(6.0, 23.5, day.size),
            "kind": pl.Series([OTHER] * day.size, dtype=pl.String),
            "bloc": np.full(day.size, bloc),
            "named_role": np.full(day.size, NO_ROLE_INDEX),
            "settlement_index": chance.integers(0, ground.settlements.along_km.size, day.size),
            "cause": pl.Series([None] * day.size, dtype=pl.String),
        },
        schema_overrides=REPORT_SCHEMA,
    )


def _placed(scenario: Scenario, ground: Ground, reports: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """Give each report its place: its settlement, a wrong one, or the stand-in point of a whole region."""
    size = reports.height
    settlement = reports["settlement_index"].to_numpy()
    wrong = chance.random(size) < scenario.reporting.wrong_place_share
    settlement = np.where(wrong, chance.integers(0, ground.settlements.along_km.size, size), settlement)
    stands_in = chance.random(size) < scenario.reporting.region_stand_in_share
    along_km, across_km = ground.settlements.along_km[settlement], ground.settlements.across_km[settlement]
    region = np.argmin(np.abs(along_km[:, None] - ground.regions.along_km[None, :]), axis=1)
    names = np.where(stands_in, np.array(ground.regions.names)[region], np.array(ground.settlements.names)[settlement])
    return reports.with_columns(
        pl.Series("place_name", names, dtype=pl.String),
        pl.Series("place_is_region", stands_in),
        pl.Series("along_km", np.where(stands_in, ground.regions.along_km[region], along_km)),
        pl.Series("across_km", np.where(stands_in, ground.regions.across_km[region], across_km)),
        pl.Series("time_known", chance.random(size) < 0.5),
        pl.Series("key", chance.integers(0, 2**63, size, dtype=np.int64)),
    )


def party_claims(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    """Give both parties' bulletins of the other's launches, in order of time; the claimant is the one fired upon."""
    frames = []
    for actor, stream in enumerate(chance.spawn(2)):
        frames.append(_wave_claims(scenario, truth, actor, stream))
        frames.append(_tactical_claims(scenario, truth, actor, stream))
    return pl.concat(frames).sort("start_s", "end_s", "claimant_role", "weapon_class", maintain_order=True)


def _excess(scenario: Scenario, count: Ints, chance: np.random.Generator) -> Ints:
    """Overstate counts as bulletins do."""
    factor = 1.0 + np.abs(chance.normal(0.0, scenario.reporting.claim_excess_share * 1.25, count.size))
    return np.rint(count * factor).astype(np.int64)


def _wave_claims(scenario: Scenario, truth: Truth, actor: int, chance: np.random.Generator) -> pl.DataFrame:
    """Draw one bulletin per wave; without stated hours it names only the day on which it was given out."""
    waves = truth.waves.filter(pl.col("role") == actor)
    size = waves.height
    launched = _excess(scenario, waves["launched_count"].to_numpy(), chance)
    admitted = chance.binomial(waves["through_count"].to_numpy(), 0.6)
    stated = chance.random(size) >= scenario.reporting.claim_untimed_share
    start_s, end_s = waves["start_s"].to_numpy(), waves["end_s"].to_numpy()
    midnight_s = scenario.midnight_s(0) + day_of(scenario, end_s) * DAY_S
    rounded_s = np.round(start_s / 1800.0) * 1800.0
    settlements = truth.ground.settlements_of(1 - actor, reach_km=25.0)
    return pl.DataFrame(
        {
            "claimant_role": np.full(size, 1 - actor),
            "weapon_class": pl.Series(["oneway_uav"] * size, dtype=pl.String),
            "weapon_model": pl.Series([f"Model {actor + 1}"] * size, dtype=pl.String),
            "start_s": np.where(stated, rounded_s, midnight_s),
            "end_s": np.where(stated, end_s, midnight_s + DAY_S),
            "time_stated": stated,
            "launched_count": launched,
            "destroyed_count": np.maximum(launched - admitted, 0),
            "settlement_index": pick(chance, settlements, size, what="settlements near the line"),
        },
        schema_overrides=CLAIM_SCHEMA,
    )


def _tactical_claims(scenario: Scenario, truth: Truth, actor: int, chance: np.random.Generator) -> pl.DataFrame:
    """Draw a daily row of short-range UAVs downed: never with hours; it goes with the actor's artillery that day."""
    fire = truth.events.filter((pl.col("kind") == ARTILLERY) & (pl.col("role") == actor))
    day = day_of(scenario, fire["start_s"].to_numpy())
    missions = np.bincount(np.clip(day, 0, scenario.day_count - 1), minlength=scenario.day_count)
    count = chance.poisson(0.3 * missions)
    written = np.flatnonzero(count > 0)
    midnight_s = scenario.midnight_s(0) + written * DAY_S
    size = written.size
    return pl.DataFrame(
        {
            "claimant_role": np.full(size, 1 - actor),
            "weapon_class": pl.Series(["tactical_uav"] * size, dtype=pl.String),
            "weapon_model": pl.Series(["short-range UAV"] * size, dtype=pl.String),
            "start_s": midnight_s,
            "end_s": midnight_s + DAY_S,
            "time_stated": np.zeros(size, dtype=np.bool_),
            "launched_count": count[written],
            "destroyed_count": count[written],
            "settlement_index": np.full(size, NO_PLACE_INDEX),
        },
        schema_overrides=CLAIM_SCHEMA,
    )
