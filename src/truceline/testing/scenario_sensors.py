"""What satellites, acoustic stations and patrols make of a synthetic week; they miss much and err."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from truceline.testing.scenario_ground import Bools, Floats, Ints
from truceline.testing.scenario_parameters import Scenario
from truceline.testing.scenario_truth import (
    ARTILLERY,
    DAY_S,
    ENERGY_ATTACK,
    HOUR_S,
    QUARRY_BLAST,
    UAV_IMPACT,
    Truth,
)


class Satellite(msgspec.Struct, frozen=True, kw_only=True):
    """One satellite as a table of hot pixels shows it; `pass_hours` are local solar hours of its passes."""

    satellite: str
    instrument: str
    version: str
    pass_hours: tuple[float, float]
    half_power_mw: float
    position_sigma_km: float
    pixel_mean_count: float


SATELLITES = (
    Satellite(
        satellite="N", instrument="VIIRS", version="2.0NRT", pass_hours=(1.5, 13.4),
        half_power_mw=2.5, position_sigma_km=0.19, pixel_mean_count=1.6,
    ),
    Satellite(
        satellite="N20", instrument="VIIRS", version="2.0NRT", pass_hours=(2.3, 14.2),
        half_power_mw=2.5, position_sigma_km=0.19, pixel_mean_count=1.6,
    ),
    Satellite(
        satellite="Terra", instrument="MODIS", version="6.1NRT", pass_hours=(10.6, 22.5),
        half_power_mw=11.0, position_sigma_km=0.5, pixel_mean_count=1.1,
    ),
    Satellite(
        satellite="Aqua", instrument="MODIS", version="6.1NRT", pass_hours=(1.6, 13.5),
        half_power_mw=11.0, position_sigma_km=0.5, pixel_mean_count=1.1,
    ),
)  # fmt: skip
CLOUD_CELL_KM = 50.0
SOUND_SPEED_KM_PER_S = 0.34
WIND_SIGMA_KM_PER_S = 0.004
BEARING_SIGMA_DEG = 3.0
BEARING_BIAS_SIGMA_DEG = 1.5
ONSET_SIGMA_S = 0.25
AMPLITUDE_AT_1_KM_PA = {ARTILLERY: 4.0, UAV_IMPACT: 8.0, ENERGY_ATTACK: 8.0, QUARRY_BLAST: 10.0}
AMPLITUDE_LEAST_PA = 0.06
DAMPING_KM = 12.0
COMPASS_STEP_DEG = 22.5
PATROL_HOURS = (8.0, 18.0)
PATROL_REACH_KM = 12.0
PATROL_SIGHT_KM = 3.0
MORTAR_REACH_KM = 7.0
WEAPON_NOT_TOLD_SHARE = 0.3
WEAPON_WRONG_SHARE = 0.1


class Outages(msgspec.Struct, frozen=True, kw_only=True):
    """When stations were silent: index, start and end (seconds since 1970), arrays of shape (n,)."""

    station_index: Ints
    start_s: Floats
    end_s: Floats

    def silent(self, station_index: Ints, time_s: Floats) -> Bools:
        """Say which of (station, time) fall into an outage."""
        same = station_index[:, None] == self.station_index[None, :]
        inside = (time_s[:, None] >= self.start_s[None, :]) & (time_s[:, None] < self.end_s[None, :])
        return np.asarray((same & inside).any(axis=1))


def thermal_passes(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    """Give the hot pixels of every satellite's passes over the week, in order of time."""
    burning = truth.events.filter(pl.col("burn_hours") > 0).filter(
        pl.col("start_s") + pl.col("burn_hours") * HOUR_S >= truth.week_start_s
    )
    frames = [
        _one_satellite(scenario, truth, burning, satellite, stream)
        for satellite, stream in zip(SATELLITES, chance.spawn(len(SATELLITES)), strict=True)
    ]
    return pl.concat(frames).sort("pass_s", "satellite", "along_km", "across_km", maintain_order=True)


def _pass_times(truth: Truth, satellite: Satellite, chance: np.random.Generator) -> Floats:
    """Draw pass times: the orbit's solar hour, shifting by up to 40 minutes from day to day."""
    solar_offset_h = truth.scenario.ground.middle_longitude_deg / 15.0
    days = np.arange(truth.scenario.week_days)
    hour = np.array(satellite.pass_hours)[None, :] + chance.uniform(-0.65, 0.65, (days.size, 2))
    utc_midnight_s = np.floor(truth.week_start_s / DAY_S) * DAY_S + DAY_S
    pass_s = utc_midnight_s + days[:, None] * DAY_S + (hour - solar_offset_h) * HOUR_S
    return np.asarray(np.round(pass_s.reshape(-1) / 60.0) * 60.0)


def _one_satellite(
    scenario: Scenario, truth: Truth, burning: pl.DataFrame, satellite: Satellite, chance: np.random.Generator
) -> pl.DataFrame:
    pass_s = _pass_times(truth, satellite, chance)
    start_s = burning["start_s"].to_numpy()
    end_s = start_s + burning["burn_hours"].to_numpy() * HOUR_S
    power_mw = burning["power_mw"].to_numpy() * chance.lognormal(0.0, 0.4, burning.height)
    alight = (pass_s[:, None] >= start_s[None, :]) & (pass_s[:, None] < end_s[None, :])
    seen_probability = 1.0 - 0.5 ** (power_mw / satellite.half_power_mw)
    clear = ~_clouds(scenario, burning, pass_s.size, chance)
    seen = alight & clear & (chance.random(alight.shape) < seen_probability[None, :])
    pass_index, fire_index = np.nonzero(seen)
    pixels = 1 + chance.poisson(satellite.pixel_mean_count - 1.0, pass_index.size)
    pass_index, fire_index = np.repeat(pass_index, pixels), np.repeat(fire_index, pixels)
    size = pass_index.size
    along_km = burning["along_km"].to_numpy()[fire_index] + chance.normal(0.0, satellite.position_sigma_km, size)
    across_km = burning["across_km"].to_numpy()[fire_index] + chance.normal(0.0, satellite.position_sigma_km, size)
    return pl.DataFrame(
        {
            "pass_s": pass_s[pass_index],
            "satellite": pl.Series([satellite.satellite] * size, dtype=pl.String),
            "instrument": pl.Series([satellite.instrument] * size, dtype=pl.String),
            "version": pl.Series([satellite.version] * size, dtype=pl.String),
            "along_km": along_km,
            "across_km": across_km,
            "power_mw": np.round(power_mw[fire_index] / np.repeat(pixels, pixels) * chance.lognormal(0, 0.2, size), 2),
            "swath_share": chance.random(size),
            "cause": burning["event_id"].gather(fire_index),
        }
    )


def _clouds(scenario: Scenario, burning: pl.DataFrame, pass_count: int, chance: np.random.Generator) -> Bools:
    """Say which fires are under cloud at which pass: a share of 50 km cells that differs from pass to pass."""
    mean = scenario.sensing.cloud_mean_share
    cover = chance.beta(2.0 * mean, 2.0 * (1.0 - mean), pass_count)
    cells = np.stack([burning["along_km"].to_numpy(), burning["across_km"].to_numpy()]) // CLOUD_CELL_KM
    _, cell = np.unique(cells.astype(np.int64), axis=1, return_inverse=True)
    cell = cell.reshape(-1)
    lots = chance.random((pass_count, int(cell.max(initial=0)) + 1))
    return np.asarray((lots < cover[:, None])[:, cell])


def draw_outages(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> Outages:
    """Draw the stations that are dead all week and one outage for every other."""
    count = scenario.ground.station_count
    order = chance.permutation(count)
    dead, others = order[: scenario.sensing.station_dead_count], order[scenario.sensing.station_dead_count :]
    start_s = np.round(truth.week_start_s + chance.uniform(0.0, scenario.week_days - 1.0, others.size) * DAY_S)
    length_s = np.round(chance.exponential(scenario.sensing.station_outage_hours, others.size) * HOUR_S)
    return Outages(
        station_index=np.concatenate([dead, others]),
        start_s=np.concatenate([np.full(dead.size, truth.week_start_s), start_s]),
        end_s=np.concatenate([np.full(dead.size, truth.week_end_s), start_s + length_s]),
    )


def station_detections(
    scenario: Scenario, truth: Truth, chance: np.random.Generator, *, outages: Outages
) -> pl.DataFrame:
    """Give what the acoustic stations' detectors declare: sounds of fire, impacts and blasts, and noise."""
    heard, noise = chance.spawn(2)
    frame = pl.concat([_heard(scenario, truth, heard), _noise(scenario, truth, noise)])
    silent = outages.silent(frame["station_index"].to_numpy(), frame["time_s"].to_numpy())
    return frame.filter(pl.Series(~silent)).sort("time_s", "station_index", "bearing_deg", maintain_order=True)


def _sounds(truth: Truth) -> pl.DataFrame:
    """List the sources of sound: every impact or blast, and the guns of every fire mission."""
    loud = truth.week_events().filter(pl.col("kind").is_in(list(AMPLITUDE_AT_1_KM_PA)))
    impacts = loud.select("event_id", "kind", "start_s", "along_km", "across_km", pl.lit(0.0).alias("lead_s"))
    guns = loud.filter(pl.col("kind") == ARTILLERY).select(
        "event_id",
        "kind",
        "start_s",
        pl.col("from_along_km").alias("along_km"),
        pl.col("from_across_km").alias("across_km"),
        pl.lit(25.0).alias("lead_s"),
    )
    return pl.concat([impacts, guns])


def _heard(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    ground, sounds = truth.ground, _sounds(truth)
    along_km = sounds["along_km"].to_numpy()[:, None] - ground.stations.along_km[None, :]
    across_km = sounds["across_km"].to_numpy()[:, None] - ground.stations.across_km[None, :]
    distance_km = np.maximum(np.hypot(along_km, across_km), 0.2)
    loudness = np.array([AMPLITUDE_AT_1_KM_PA[str(kind)] for kind in sounds["kind"].to_numpy()])
    amplitude_pa = (loudness[:, None] / distance_km) * np.exp(-distance_km / DAMPING_KM)
    amplitude_pa = amplitude_pa * chance.lognormal(0.0, 0.5, amplitude_pa.shape)
    sound, station = np.nonzero(amplitude_pa > AMPLITUDE_LEAST_PA)
    size = sound.size
    bias_deg = chance.normal(0.0, BEARING_BIAS_SIGMA_DEG, scenario.ground.station_count)
    course_deg = np.rad2deg(np.arctan2(-across_km, along_km))[sound, station]
    bearing_deg = ground.bearing_deg(course_deg + bias_deg[station] + chance.normal(0.0, BEARING_SIGMA_DEG, size))
    speed = SOUND_SPEED_KM_PER_S + chance.normal(0.0, WIND_SIGMA_KM_PER_S, size)
    left_s = (sounds["start_s"] - sounds["lead_s"]).to_numpy()[sound]
    return pl.DataFrame(
        {
            "station_index": station,
            "time_s": left_s + distance_km[sound, station] / speed + chance.normal(0.0, ONSET_SIGMA_S, size),
            "bearing_deg": np.round(bearing_deg, 1) % 360.0,
            "amplitude_pa": np.round(amplitude_pa[sound, station], 4),
            "cause": sounds["event_id"].gather(sound),
        }
    )


def _noise(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    """Draw detections of nothing of ours: engines, thunder, gusts; more by day."""
    hours = scenario.week_days * 24.0
    size = int(chance.poisson(scenario.sensing.station_noise_per_hour_count * hours * scenario.ground.station_count))
    day = chance.integers(0, scenario.week_days, size)
    hour = np.where(chance.random(size) < 0.7, chance.uniform(6.0, 21.0, size), chance.uniform(0.0, 24.0, size))
    return pl.DataFrame(
        {
            "station_index": chance.integers(0, scenario.ground.station_count, size),
            "time_s": truth.week_start_s + day * DAY_S + hour * HOUR_S,
            "bearing_deg": np.round(chance.uniform(0.0, 360.0, size), 1) % 360.0,
            "amplitude_pa": np.round(AMPLITUDE_LEAST_PA * (1.0 + chance.exponential(0.8, size)), 4),
            "cause": pl.Series([None] * size, dtype=pl.String),
        }
    )


def patrol_reports(scenario: Scenario, truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    """Give what patrols saw and heard by day from their posts, as bearing-range sectors with counts as people give."""
    ground, sounds = truth.ground, _noticeable(truth)
    along_km = sounds["along_km"].to_numpy()[:, None] - ground.posts.along_km[None, :]
    across_km = sounds["across_km"].to_numpy()[:, None] - ground.posts.across_km[None, :]
    distance_km = np.hypot(along_km, across_km)
    noticed = chance.random(distance_km.shape) < np.exp(-distance_km / scenario.sensing.patrol_hearing_km)
    sound, post = np.nonzero(noticed & (distance_km < PATROL_REACH_KM))
    size = sound.size
    course_deg = np.rad2deg(np.arctan2(-across_km, along_km))[sound, post]
    seen = distance_km[sound, post] < PATROL_SIGHT_KM
    guessed_km = distance_km[sound, post] * chance.lognormal(0.0, 0.15, size)
    bearing_deg = ground.bearing_deg(course_deg + chance.normal(0.0, 5.0, size))
    return pl.DataFrame(
        {
            "post_index": post,
            "time_s": np.round(sounds["start_s"].to_numpy()[sound] / 60.0) * 60.0,
            "end_s": np.round(sounds["end_s"].to_numpy()[sound] / 60.0) * 60.0,
            "bearing_deg": np.round(bearing_deg / COMPASS_STEP_DEG) * COMPASS_STEP_DEG % 360.0,
            "range_low_km": np.maximum(np.floor(guessed_km * 0.7), 0.2),
            "range_high_km": np.ceil(guessed_km * 1.4) + 1.0,
            "means": _chosen(seen, "saw", "heard"),
            "description": _described(sounds["heard_as"].to_numpy()[sound], chance),
            "count_text": _count_texts(sounds["rounds_count"].to_numpy()[sound], chance),
            "weapon": _weapons(sounds["fired_km"].to_numpy()[sound], seen, chance.spawn(1)[0]),
            "cause": sounds["event_id"].gather(sound),
        }
    ).sort("time_s", "post_index", "bearing_deg", "range_low_km", "cause", maintain_order=True)


def _noticeable(truth: Truth) -> pl.DataFrame:
    """List what a patrol could notice in its hours: impacts, blasts, and the guns of fire missions."""
    local_h = ((pl.col("start_s") - truth.week_start_s) % DAY_S) / HOUR_S
    by_day = truth.week_events().filter((local_h >= PATROL_HOURS[0]) & (local_h < PATROL_HOURS[1]))
    shared = ("event_id", "start_s", "end_s", "rounds_count")
    impacts = by_day.filter(pl.col("kind").is_in([ARTILLERY, UAV_IMPACT, QUARRY_BLAST])).select(
        *shared,
        "along_km",
        "across_km",
        pl.when(pl.col("kind") == QUARRY_BLAST)
        .then(pl.lit("undetermined"))
        .otherwise(pl.lit("impact"))
        .alias("heard_as"),
        pl.when(pl.col("kind") == ARTILLERY)
        .then(
            (
                (pl.col("along_km") - pl.col("from_along_km")) ** 2
                + (pl.col("across_km") - pl.col("from_across_km")) ** 2
            )
            ** 0.5
        )
        .alias("fired_km"),
    )
    guns = by_day.filter(pl.col("kind") == ARTILLERY).select(
        *shared,
        pl.col("from_along_km").alias("along_km"),
        pl.col("from_across_km").alias("across_km"),
        pl.lit("outgoing").alias("heard_as"),
        pl.lit(None, dtype=pl.Float64).alias("fired_km"),
    )
    return pl.concat([impacts, guns])


def _chosen(condition: Bools, yes: str, no: str) -> pl.Series:
    return pl.Series(np.where(condition, yes, no), dtype=pl.String)


def _described(heard_as: npt.NDArray[np.object_], chance: np.random.Generator) -> pl.Series:
    """Name what was noticed; often the patrol could not tell, and now and then it takes one for the other."""
    lots = chance.random(heard_as.size)
    other = np.where(heard_as == "impact", "outgoing", "impact")
    told = np.where((lots > 0.95) & (heard_as != "undetermined"), other, heard_as)
    return pl.Series(np.where(lots < 0.35, "undetermined", told).astype(str))


def _weapons(fired_km: Floats, seen: Bools, chance: np.random.Generator) -> pl.Series:
    """Name what had landed, where a patrol saw it: often not told, now and then the wrong weapon."""
    lots = chance.random(fired_km.size)
    near = (fired_km < MORTAR_REACH_KM) ^ (lots > 1.0 - WEAPON_WRONG_SHARE)
    told = seen & np.isfinite(fired_km) & (lots > WEAPON_NOT_TOLD_SHARE)
    return pl.Series(np.where(told, np.where(near, "120 mm mortar", "D-30"), "N/K").astype(str), dtype=pl.String)


def _count_texts(counts: Ints, chance: np.random.Generator) -> list[str]:
    """Word counts as monitors do: exact, about, at least, uncountable."""
    lots = chance.random(counts.size)
    near = np.maximum(np.rint(counts * chance.lognormal(0.0, 0.15, counts.size)), 1).astype(np.int64)
    least = np.maximum(np.floor(counts * 0.8), 1).astype(np.int64)
    texts = []
    for lot, count, about, low in zip(lots.tolist(), counts.tolist(), near.tolist(), least.tolist(), strict=True):
        if lot < 0.5:
            texts.append(f"{count}")
        elif lot < 0.75:
            texts.append(f"about {about}")
        elif lot < 0.93:
            texts.append(f"at least {low}")
        else:
            texts.append("uncountable")
    return texts
