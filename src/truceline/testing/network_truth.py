"""What truly happens in a synthetic sensor network: fire missions, firefights, drones, quarry blasts and storms.

An *event* is one occurrence; its *emissions* are the moments and places from which it is heard. Most events have one
emission; a burst of fire, a drone on its way and a flash of lightning have many.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np

from truceline.testing.network_air import LEAD_S, Floats
from truceline.testing.network_ground import Bools, ContactLine, Ints
from truceline.testing.network_parameters import EVENT_TYPES, NetworkParameters, SourceParameters

Columns = dict[str, Any]
"""Columns of events or emissions by their names, arrays of shape (n,)."""

NOBODY_INDEX = -1
"""Index of the party of what no party did, and of a mission or a pair that there is not."""
OUTGOING, IMPACT, AIRBURST, BURST, SHOT, DRONE, QUARRY_BLAST, THUNDER = range(len(EVENT_TYPES))
_STANDARD_GRAVITY = 9.80665
ROUND_SPREAD_RATIO = 0.25
"""How much rounds of one mission differ in loudness, as a ratio of how much missions differ."""
AIM_SPREAD_DEG = 35.0
DEPTH_SHARES = (0.3, 0.8)
"""How much of a mission's range lies behind the line on the ground of the party that fires."""
FIREFIGHT_MEAN_COUNT, FIREFIGHT_GAP_S, FIREFIGHT_REACH_M = 8.0, 9.0, 1_500.0
SHOT_SHARE = 0.35
BURST_LENGTHS_COUNT = (3, 9)
BURST_GAP_S = 0.085
DRONE_DEPTH_M = (4_000.0, 16_000.0)
DRONE_STEP_S = 7.0
CLAPS_COUNT = (2, 6)
CHANNEL_M = (1_500.0, 5_000.0)
STORM_SIZE_M = 4_000.0
QUARRY_DEPTH_M = (3_000.0, 18_000.0)


class Events(NamedTuple):
    """Events, arrays of shape (n,); times in seconds after the theatre's start, places in metres.

    `end_*` differs from where it began for what moves. Parties are by role: 0 holds the ground to the right hand.
    """

    type_index: Ints
    time_s: Floats
    end_s: Floats
    along_m: Floats
    across_m: Floats
    end_along_m: Floats
    end_across_m: Floats
    role: Ints
    mission_index: Ints
    pair_index: Ints


class Emissions(NamedTuple):
    """Emissions, arrays of shape (n,): of which event, when, where, how loud (pascal at 1 km), whether it shines."""

    event_index: Ints
    time_s: Floats
    along_m: Floats
    across_m: Floats
    pressure_pa: Floats
    flash: Bools


class Happenings(NamedTuple):
    """Events with their emissions."""

    events: Events
    emissions: Emissions

    def in_order(self, *, start_s: float, end_s: float) -> Happenings:
        """Give the events that begin in [start, end) in order of time, with their emissions."""
        events, emissions = self
        kept = np.flatnonzero((events.time_s >= start_s) & (events.time_s < end_s))
        kept = kept[np.lexsort((events.across_m[kept], events.along_m[kept], events.time_s[kept]))]
        new_index = np.full(events.time_s.size, -1, dtype=np.int64)
        new_index[kept] = np.arange(kept.size)
        renamed = emissions._replace(event_index=new_index[emissions.event_index])
        rows = np.flatnonzero(renamed.event_index >= 0)
        rows = rows[np.lexsort((renamed.time_s[rows], renamed.event_index[rows]))]
        return Happenings(
            events=Events._make(column[kept] for column in events),
            emissions=Emissions._make(column[rows] for column in renamed),
        )


def joined(parts: list[Happenings]) -> Happenings:
    """Put happenings together; indices of events, missions and pairs are kept apart."""
    event_low, mission_low, pair_low = 0, 0, 0
    events, emissions = [], []
    for part in parts:
        mission, pair = part.events.mission_index, part.events.pair_index
        shifted = part.events._replace(
            mission_index=np.where(mission == NOBODY_INDEX, NOBODY_INDEX, mission + mission_low),
            pair_index=np.where(pair == NOBODY_INDEX, NOBODY_INDEX, pair + pair_low),
        )
        events.append(shifted)
        emissions.append(part.emissions._replace(event_index=part.emissions.event_index + event_low))
        event_low += mission.size
        mission_low += int(mission.max(initial=NOBODY_INDEX)) + 1
        pair_low += int(pair.max(initial=NOBODY_INDEX)) + 1
    return Happenings(
        events=Events._make(np.concatenate(columns) for columns in zip(*events, strict=True)),
        emissions=Emissions._make(np.concatenate(columns) for columns in zip(*emissions, strict=True)),
    )


def draw_happenings(parameters: NetworkParameters, line: ContactLine, chance: np.random.Generator) -> Happenings:
    """Draw all that happens from a little before the theatre's start to its end; each kind has a stream of its own."""
    guns, arms, drones, quarries, storms = chance.spawn(5)
    parts = [_fire_missions(parameters, line, role, stream) for role, stream in enumerate(guns.spawn(2))]
    parts += [
        _firefights(parameters, line, arms),
        _drones(parameters, line, drones),
        _quarry_blasts(parameters, line, quarries),
        _storms(parameters, line, storms),
    ]
    return joined(parts).in_order(start_s=-0.5 * LEAD_S, end_s=parameters.length_s)


def flight_time_s(range_m: Floats, elevation_rad: Floats) -> Floats:
    """Give the time of flight over level ground without drag: T = sqrt(2 R tan(theta) / g).

    From R = v^2 sin(2 theta) / g and T = 2 v sin(theta) / g. Range in metres, elevation in radians, shape (n,).
    """
    return np.sqrt(2.0 * range_m * np.tan(elevation_rad) / _STANDARD_GRAVITY)


def _happenings(events: Columns, emissions: Columns, size: int) -> Happenings:
    """Fill in what is not given: what does not last ends when and where it begins, and nobody did it."""
    nobody = np.full(size, NOBODY_INDEX, dtype=np.int64)
    filled: Columns = {"role": nobody, "mission_index": nobody, "pair_index": nobody} | events
    for end, start in (("end_s", "time_s"), ("end_along_m", "along_m"), ("end_across_m", "across_m")):
        filled.setdefault(end, filled[start])
    return Happenings(events=Events(**filled), emissions=Emissions(**emissions))


def _once(events: Columns, loudness: tuple[Floats, Bools]) -> Happenings:
    """Give events that are heard from one moment and place each."""
    size = events["time_s"].size
    emissions: Columns = {
        "event_index": np.arange(size),
        **{name: events[name] for name in ("time_s", "along_m", "across_m")},
        "pressure_pa": loudness[0],
        "flash": loudness[1],
    }
    return _happenings(events, emissions, size)


def _loudness(
    sources: list[SourceParameters], type_index: Ints, group: Ints, chance: np.random.Generator
) -> tuple[Floats, Bools]:
    """Draw how loud each emission is and whether it shines: groups (missions) differ more than their members."""
    median_pa = np.array([source.pressure_at_1_km_pa for source in sources])[type_index]
    spread_db = np.array([source.pressure_spread_db for source in sources])[type_index]
    shines = np.array([source.flash_probability for source in sources])[type_index]
    shared = chance.normal(0.0, 1.0, int(group.max(initial=-1)) + 1)[group]
    own = chance.normal(0.0, 1.0, group.size)
    pressure_pa = median_pa * 10.0 ** (spread_db * (shared + ROUND_SPREAD_RATIO * own) / 20.0)
    return pressure_pa, chance.random(group.size) < shines


def _sources(parameters: NetworkParameters) -> list[SourceParameters]:
    return [parameters.sources[name] for name in EVENT_TYPES]


def _along_places(parameters: NetworkParameters, count: int, chance: np.random.Generator) -> Floats:
    """Draw where along the line something is: a share of it at a few hot spots, the rest anywhere."""
    ground = parameters.ground
    half_m = 0.5e3 * ground.line_length_km
    spots_m = chance.uniform(-half_m, half_m, ground.hot_spot_count)
    anywhere_m = chance.uniform(-half_m, half_m, count)
    near_m = spots_m[chance.integers(0, spots_m.size, count)]
    near_m = near_m + 1e3 * ground.hot_spot_width_km * chance.normal(0.0, 1.0, count)
    hot = chance.random(count) < parameters.fire.hot_spot_share
    return np.clip(np.where(hot, near_m, anywhere_m), -half_m, half_m)


def _fire_missions(
    parameters: NetworkParameters, line: ContactLine, role: int, chance: np.random.Generator
) -> Happenings:
    """Draw one party's missions: a battery, a place fired at, and rounds that leave and arrive.

    A dud leaves and is never heard to arrive, so a launch may stand alone; so may an impact whose launch lies before
    the theatre's start. The party of both is the one on whose ground the launch lies.
    """
    fire, places, rounds, bangs = parameters.fire, *chance.spawn(3)
    heard_per_round = 2.0 - fire.dud_share
    per_s = fire.events_per_minute_count / 60.0 * fire.fire_share[role] / (heard_per_round * fire.rounds_mean_count)
    mission_count = int(places.poisson(per_s * (parameters.length_s + LEAD_S)))
    geometry = _mission_geometry(parameters, line, role, mission_count, places)
    counts = rounds.geometric(1.0 / fire.rounds_mean_count, mission_count)
    mission = np.repeat(np.arange(mission_count), counts)
    gap_s = 0.3 * fire.round_gap_s + rounds.exponential(0.7 * fire.round_gap_s, mission.size)
    elapsed_s = np.cumsum(gap_s)
    first = np.cumsum(counts) - counts
    start_s = rounds.uniform(-LEAD_S, parameters.length_s, mission_count)
    launch_s = start_s[mission] + elapsed_s - elapsed_s[first[mission]]
    guns = _rounds_geometry(parameters, geometry, mission, rounds)
    arrives = rounds.random(mission.size) >= fire.dud_share
    in_air = rounds.random(mission_count) < fire.airburst_share
    both = np.concatenate([mission, mission[arrives]])
    pair = np.concatenate([np.arange(mission.size), np.flatnonzero(arrives)])
    arrival_type = np.where(in_air[mission[arrives]], AIRBURST, IMPACT)
    type_index = np.concatenate([np.full(mission.size, OUTGOING), arrival_type])
    loudness = _loudness(_sources(parameters), type_index, both, bangs)
    events: Columns = {
        "type_index": type_index,
        "time_s": np.concatenate([launch_s, (launch_s + guns.flight_s)[arrives]]),
        "along_m": np.concatenate([guns.launch[0], guns.impact[0][arrives]]),
        "across_m": np.concatenate([guns.launch[1], guns.impact[1][arrives]]),
        "role": line.holder_role(guns.launch[0], guns.launch[1])[pair],
        "mission_index": both,
        "pair_index": pair,
    }
    return _once(events, loudness)


class _Missions(NamedTuple):
    """Where missions fire from and at, (along, across) of shape (2, n); direction and elevation in radians, (n,)."""

    battery: Floats
    aimed: Floats
    direction: Floats
    elevation: Floats


class _Rounds(NamedTuple):
    """Where rounds leave and arrive, (along, across) of shape (2, n), and how long they fly, seconds, (n,)."""

    launch: Floats
    impact: Floats
    flight_s: Floats


def _mission_geometry(
    parameters: NetworkParameters, line: ContactLine, role: int, count: int, chance: np.random.Generator
) -> _Missions:
    fire = parameters.fire
    crossing_m = _along_places(parameters, count, chance)
    range_m = 1e3 * chance.uniform(fire.range_low_km, fire.range_high_km, count)
    aside_rad = np.deg2rad(chance.uniform(-AIM_SPREAD_DEG, AIM_SPREAD_DEG, count))
    direction = np.stack([np.sin(aside_rad), np.cos(aside_rad) * (1.0 if role == 0 else -1.0)])
    crossing = np.stack([crossing_m, line.at(crossing_m)])
    behind = chance.uniform(*DEPTH_SHARES, count)
    elevation_rad = np.deg2rad(chance.uniform(fire.elevation_low_deg, fire.elevation_high_deg, count))
    return _Missions(
        battery=crossing - direction * behind * range_m,
        aimed=crossing + direction * (1.0 - behind) * range_m,
        direction=direction,
        elevation=elevation_rad,
    )


def _rounds_geometry(
    parameters: NetworkParameters, missions: _Missions, mission: Ints, chance: np.random.Generator
) -> _Rounds:
    """Scatter guns around their battery and impacts around where the mission aims, more in range than sideways."""
    fire = parameters.fire
    gun_count = missions.elevation.size * fire.tube_count
    guns = fire.battery_scatter_m * chance.normal(0.0, 1.0, (2, gun_count))
    rank = np.arange(mission.size) - np.searchsorted(mission, mission)
    launch = missions.battery[:, mission] + guns[:, mission * fire.tube_count + rank % fire.tube_count]
    range_m = np.hypot(*(missions.aimed - missions.battery))[mission]
    ahead = missions.direction[:, mission]
    aside = np.stack([-ahead[1], ahead[0]])
    errors = chance.normal(0.0, 1.0, (2, mission.size)) * range_m
    impact = missions.aimed[:, mission] + fire.impact_range_ratio * errors[0] * ahead
    impact = impact + fire.impact_deflection_ratio * errors[1] * aside
    flight_s = flight_time_s(np.hypot(*(impact - launch)), missions.elevation[mission])
    return _Rounds(launch=launch, impact=impact, flight_s=flight_s)


def _firefights(parameters: NetworkParameters, line: ContactLine, chance: np.random.Generator) -> Happenings:
    """Draw exchanges of small arms near the line: shots and bursts, by whoever holds the ground they come from."""
    rate = parameters.fire.firefights_per_minute_count / 60.0
    fight_count = int(chance.poisson(rate * (parameters.length_s + LEAD_S)))
    middle_m = _along_places(parameters, fight_count, chance)
    counts = chance.geometric(1.0 / FIREFIGHT_MEAN_COUNT, fight_count)
    fight = np.repeat(np.arange(fight_count), counts)
    size = fight.size
    gap_s = chance.exponential(FIREFIGHT_GAP_S, size)
    elapsed_s = np.cumsum(gap_s)
    first = np.cumsum(counts) - counts
    start_s = chance.uniform(-LEAD_S, parameters.length_s, fight_count)
    along_m = middle_m[fight] + chance.normal(0.0, 300.0, size)
    across_m = line.at(along_m) + chance.uniform(-FIREFIGHT_REACH_M, FIREFIGHT_REACH_M, size)
    type_index = np.where(chance.random(size) < SHOT_SHARE, SHOT, BURST)
    shots = np.where(type_index == SHOT, 1, chance.integers(*BURST_LENGTHS_COUNT, size))
    time_s = start_s[fight] + elapsed_s - elapsed_s[first[fight]]
    loudness = _loudness(_sources(parameters), type_index, fight, chance)
    event = np.repeat(np.arange(size), shots)
    rank = np.arange(event.size) - np.searchsorted(event, event)
    events: Columns = {
        "type_index": type_index,
        "time_s": time_s,
        "end_s": time_s + (shots - 1) * BURST_GAP_S,
        "along_m": along_m,
        "across_m": across_m,
        "role": line.holder_role(along_m, across_m),
        "mission_index": fight,
    }
    emissions: Columns = {
        "event_index": event,
        "time_s": time_s[event] + rank * BURST_GAP_S,
        "along_m": along_m[event],
        "across_m": across_m[event],
        "pressure_pa": loudness[0][event],
        "flash": loudness[1][event] & (rank == 0),
    }
    return _happenings(events, emissions, size)


def _drones(parameters: NetworkParameters, line: ContactLine, chance: np.random.Generator) -> Happenings:
    """Draw drones that cross the line on a straight way and are heard every few seconds by whoever is near."""
    decoys = parameters.decoys
    size = int(chance.poisson(decoys.drones_per_minute_count / 60.0 * (parameters.length_s + LEAD_S)))
    role = chance.integers(0, 2, size)
    crossing_m = _along_places(parameters, size, chance)
    depth_m = chance.uniform(*DRONE_DEPTH_M, (2, size))
    slant_m = chance.normal(0.0, 3_000.0, (2, size))
    hand = np.where(role == 0, 1.0, -1.0)
    start = np.stack([crossing_m + slant_m[0], line.at(crossing_m + slant_m[0]) - hand * depth_m[0]])
    end = np.stack([crossing_m + slant_m[1], line.at(crossing_m + slant_m[1]) + hand * depth_m[1]])
    speed = np.maximum(decoys.drone_speed_m_per_s * chance.lognormal(0.0, 0.2, size), 5.0)
    lasting_s = np.hypot(*(end - start)) / speed
    time_s = chance.uniform(-0.5 * LEAD_S, parameters.length_s, size)
    steps = np.ceil(lasting_s / DRONE_STEP_S).astype(np.int64)
    event = np.repeat(np.arange(size), steps)
    rank = np.arange(event.size) - np.searchsorted(event, event)
    gone_s = np.minimum((rank + chance.uniform(0.0, 1.0, event.size)) * DRONE_STEP_S, lasting_s[event])
    place = start[:, event] + (end - start)[:, event] * gone_s / np.maximum(lasting_s[event], 1.0)
    type_index = np.full(size, DRONE)
    loudness = _loudness(_sources(parameters), type_index[event], event, chance)
    events: Columns = {
        "type_index": type_index,
        "time_s": time_s,
        "end_s": time_s + lasting_s,
        "along_m": start[0],
        "across_m": start[1],
        "end_along_m": end[0],
        "end_across_m": end[1],
        "role": line.holder_role(start[0], start[1]),
    }
    emissions: Columns = {
        "event_index": event,
        "time_s": time_s[event] + gone_s,
        "along_m": place[0],
        "across_m": place[1],
        "pressure_pa": loudness[0],
        "flash": loudness[1],
    }
    return _happenings(events, emissions, size)


def _quarry_blasts(parameters: NetworkParameters, line: ContactLine, chance: np.random.Generator) -> Happenings:
    """Draw blasts at fixed sites, in working hours on working days of the invented country."""
    decoys, count = parameters.decoys, parameters.ground.quarry_count
    half_m = 0.5e3 * parameters.ground.line_length_km
    site_along_m = chance.uniform(-half_m, half_m, count)
    hand = np.where(np.arange(count) % 2 == 0, 1.0, -1.0)
    site_across_m = line.at(site_along_m) + hand * chance.uniform(*QUARRY_DEPTH_M, count)
    size = int(chance.poisson(decoys.quarry_blasts_per_hour_count / 3_600.0 * parameters.length_s))
    site = chance.integers(0, count, size)
    time_s = chance.uniform(0.0, parameters.length_s, size)
    along_m = site_along_m[site] + chance.normal(0.0, 120.0, size)
    across_m = site_across_m[site] + chance.normal(0.0, 120.0, size)
    type_index = np.full(size, QUARRY_BLAST)
    loudness = _loudness(_sources(parameters), type_index, np.arange(size), chance)
    working = _working(parameters, time_s)
    events: Columns = {
        "type_index": type_index[working],
        "time_s": time_s[working],
        "along_m": along_m[working],
        "across_m": across_m[working],
    }
    return _once(events, (loudness[0][working], loudness[1][working]))


def _working(parameters: NetworkParameters, time_s: Floats) -> Bools:
    """Say which times lie in a quarry's hours, Monday to Friday, by the invented country's clock."""
    decoys = parameters.decoys
    local = parameters.start_time + timedelta(hours=parameters.local_after_utc_hours)
    first_h = local.hour + local.minute / 60.0 + local.second / 3_600.0
    passed_h = first_h + time_s / 3_600.0
    weekday = (local.weekday() + np.floor(passed_h / 24.0)) % 7
    hour = passed_h % 24.0
    return np.asarray((weekday < 5) & (hour >= decoys.quarry_start_hour) & (hour < decoys.quarry_end_hour))


def _storms(parameters: NetworkParameters, line: ContactLine, chance: np.random.Generator) -> Happenings:
    """Draw storms that travel: every flash is one event, heard as claps from along a channel kilometres long."""
    decoys = parameters.decoys
    half_m = 0.5e3 * parameters.ground.line_length_km
    minutes = (parameters.length_s + LEAD_S) / 60.0
    counts = chance.poisson(decoys.storm_flashes_per_minute_count * minutes, decoys.storm_count)
    middle = np.stack(
        [
            chance.uniform(-half_m, half_m, decoys.storm_count),
            chance.uniform(-10_000.0, 10_000.0, decoys.storm_count),
        ]
    )
    heading_rad = chance.uniform(0.0, 2.0 * np.pi, decoys.storm_count)
    travel = decoys.storm_speed_m_per_s * np.stack([np.cos(heading_rad), np.sin(heading_rad)])
    storm = np.repeat(np.arange(decoys.storm_count), counts)
    size = storm.size
    time_s = chance.uniform(-LEAD_S, parameters.length_s, size)
    place = middle[:, storm] + travel[:, storm] * time_s + STORM_SIZE_M * chance.normal(0.0, 1.0, (2, size))
    place[1] += line.at(place[0])
    claps = chance.integers(*CLAPS_COUNT, size)
    event = np.repeat(np.arange(size), claps)
    lie_rad = chance.uniform(0.0, 2.0 * np.pi, size)
    reach_m = (chance.uniform(*CHANNEL_M, size)[event]) * chance.uniform(-0.5, 0.5, event.size)
    type_index = np.full(size, THUNDER)
    loudness = _loudness(_sources(parameters), type_index[event], event, chance)
    events: Columns = {
        "type_index": type_index,
        "time_s": time_s,
        "along_m": place[0],
        "across_m": place[1],
    }
    emissions: Columns = {
        "event_index": event,
        "time_s": time_s[event] + chance.uniform(0.0, 0.4, event.size),
        "along_m": place[0][event] + reach_m * np.cos(lie_rad[event]),
        "across_m": place[1][event] + reach_m * np.sin(lie_rad[event]),
        "pressure_pa": loudness[0],
        "flash": loudness[1],
    }
    return _happenings(events, emissions, size)
