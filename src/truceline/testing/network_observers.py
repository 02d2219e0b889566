"""What people at posts and satellites make of a synthetic network's events, as feeds with their true causes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from truceline.testing.network_ground import Ints, Places, offsets_m, places_of
from truceline.testing.network_parameters import EVENT_TYPES
from truceline.testing.network_records import Setting
from truceline.testing.network_truth import (
    AIRBURST,
    BURST,
    IMPACT,
    NOBODY_INDEX,
    OUTGOING,
    QUARRY_BLAST,
    SHOT,
    Happenings,
)

NOTICED_TYPES = (OUTGOING, IMPACT, AIRBURST, BURST, SHOT, QUARRY_BLAST)
"""What a patrol writes down; it knows thunder for what it is and does not note every drone."""
SMALL_ARMS_RATIO = 0.3
"""How far small arms are heard, as a ratio of how far guns are."""
REACH_MAX_KM = 15.0
SIGHT_KM = 3.0
COMPASS_STEP_DEG = 22.5
UNDETERMINED_SHARE, MISTAKEN_SHARE = 0.35, 0.05
POST_DEPTH_M = (1_500.0, 6_000.0)
PIXEL_SIGMA_M = 190.0
FIRE_REACH_M = 30_000.0


class Feed(NamedTuple):
    """Rows of a feed, and for every row the index of each true event behind it (columns `row_index`, `event_index`)."""

    rows: pl.DataFrame
    causes: pl.DataFrame


def patrol_feed(setting: Setting, happenings: Happenings, chance: np.random.Generator, *, posts: Places) -> Feed:
    """Give what patrols wrote down: a row for each minute, post, mission and kind of sound, with sector and count."""
    noticed = _noticed(setting, happenings, posts, chance)
    grouped = noticed.group_by("post", "minute", "mission_index", "type_index", maintain_order=True).agg(
        pl.col("bearing_deg").first(),
        pl.col("distance_km").mean(),
        pl.len().alias("heard_count"),
        pl.col("event_index"),
    )
    grouped = grouped.sort("minute", "post", "type_index", "mission_index", "bearing_deg", maintain_order=True)
    size = grouped.height
    guessed_km = grouped["distance_km"].to_numpy() * chance.lognormal(0.0, 0.2, size)
    bearing_deg = grouped["bearing_deg"].to_numpy() + chance.normal(0.0, 7.0, size)
    rows = pl.DataFrame(
        {
            "post_index": grouped["post"],
            "start_s": grouped["minute"] * 60.0,
            "end_s": grouped["minute"] * 60.0 + 60.0,
            "bearing_deg": np.round(bearing_deg / COMPASS_STEP_DEG) * COMPASS_STEP_DEG % 360.0,
            "range_low_km": np.maximum(np.floor(guessed_km * 0.7), 0.2),
            "range_high_km": np.ceil(guessed_km * 1.4) + 1.0,
            "means": pl.Series(np.where(grouped["distance_km"].to_numpy() < SIGHT_KM, "saw", "heard"), dtype=pl.String),
            "description": _described(grouped["type_index"].to_numpy(), chance),
            "count": _count_words(grouped["heard_count"].to_numpy(), chance),
        }
    )
    causes = grouped.with_row_index("row_index").select("row_index", "event_index").explode("event_index")
    return Feed(rows=rows, causes=causes)


def post_places(setting: Setting, chance: np.random.Generator) -> Places:
    """Set the patrols' posts along the line, by turns on either ground."""
    count = setting.parameters.observers.post_count
    length_m = 1e3 * setting.parameters.ground.line_length_km
    along_m = (np.arange(count) + chance.uniform(0.2, 0.8, count)) / max(count, 1) * length_m - 0.5 * length_m
    hand = np.where(np.arange(count) % 2 == 0, -1.0, 1.0)
    across_m = setting.line.at(along_m) + hand * chance.uniform(*POST_DEPTH_M, count)
    return places_of(setting.frame, along_m, across_m)


def _noticed(setting: Setting, happenings: Happenings, posts: Places, chance: np.random.Generator) -> pl.DataFrame:
    """Give (post, event) pairs in which the post noticed the event in the theatre's time."""
    events, hearing_km = happenings.events, setting.parameters.observers.patrol_hearing_km
    inside = (events.time_s >= 0.0) & np.isin(events.type_index, NOTICED_TYPES)
    heard = np.flatnonzero(inside)
    places = places_of(setting.frame, events.along_m[heard], events.across_m[heard])
    event, post = (
        grid.ravel() for grid in np.meshgrid(np.arange(heard.size), np.arange(posts.along_m.size), indexing="ij")
    )
    east_m, north_m, _ = offsets_m(posts.in_degrees[:, post], places.in_degrees[:, event])
    distance_km = np.hypot(east_m, north_m) / 1e3
    small = np.isin(events.type_index[heard][event], (BURST, SHOT))
    reach_km = hearing_km * np.where(small, SMALL_ARMS_RATIO, 1.0)
    lots = chance.random(event.size)
    rows = np.flatnonzero((distance_km < REACH_MAX_KM) & (lots < np.exp(-distance_km / np.maximum(reach_km, 1e-6))))
    index = heard[event[rows]]
    mission = events.mission_index[index]
    return pl.DataFrame(
        {
            "post": post[rows],
            "minute": np.floor(events.time_s[index] / 60.0).astype(np.int64),
            "mission_index": np.where(mission == NOBODY_INDEX, -1 - index, mission),
            "type_index": events.type_index[index],
            "bearing_deg": np.degrees(np.arctan2(east_m, north_m))[rows] % 360.0,
            "distance_km": distance_km[rows],
            "event_index": index,
        }
    )


def _described(type_index: Ints, chance: np.random.Generator) -> pl.Series:
    """Name what was noticed; often the patrol could not tell, and now and then it takes a launch for an impact."""
    words = np.array([*EVENT_TYPES])
    words[QUARRY_BLAST] = "undetermined"
    lots = chance.random(type_index.size)
    other = np.where(type_index == IMPACT, "outgoing", "impact")
    gun = np.isin(type_index, (OUTGOING, IMPACT))
    told = np.where(gun & (lots > 1.0 - MISTAKEN_SHARE), other, words[type_index])
    return pl.Series(np.where(gun & (lots < UNDETERMINED_SHARE), "undetermined", told).astype(str), dtype=pl.String)


def _count_words(counts: Ints, chance: np.random.Generator) -> pl.Series:
    """Word counts as monitors do: exact, about, at least."""
    lots = chance.random(counts.size)
    near = np.maximum(np.rint(counts * chance.lognormal(0.0, 0.15, counts.size)), 1).astype(np.int64)
    least = np.maximum(np.floor(counts * 0.8), 1).astype(np.int64)
    forms = zip(lots.tolist(), counts.tolist(), near.tolist(), least.tolist(), strict=True)
    texts = [
        f"{count}" if lot < 0.6 else f"about {about}" if lot < 0.8 else f"at least {low}"
        for lot, count, about, low in forms
    ]
    return pl.Series(texts, dtype=pl.String)


def thermal_feed(setting: Setting, happenings: Happenings, chance: np.random.Generator) -> Feed:
    """Give the hot pixels of passes in the theatre's time: what impacts set alight before, and fires nobody lit."""
    parameters, events = setting.parameters, happenings.events
    impacts = np.flatnonzero((events.type_index == IMPACT) | (events.type_index == AIRBURST))
    alight = impacts[chance.random(impacts.size) < parameters.observers.impact_burns_probability]
    wild_count = parameters.observers.wild_fire_count
    half_m = 0.5e3 * parameters.ground.line_length_km
    wild_m = chance.uniform(-half_m, half_m, wild_count)
    along_m = np.concatenate([events.along_m[alight], wild_m])
    wild_across_m = setting.line.at(wild_m) + chance.uniform(-FIRE_REACH_M, FIRE_REACH_M, wild_count)
    across_m = np.concatenate([events.across_m[alight], wild_across_m])
    lit_s = np.concatenate([events.time_s[alight], np.full(wild_count, -np.inf)])
    cause = np.concatenate([alight, np.full(wild_count, -1)])
    power_mw = chance.exponential(6.0, along_m.size) + 0.5
    frames = []
    for pass_minutes in parameters.observers.pass_after_minutes:
        pass_s = 60.0 * pass_minutes
        seen = np.flatnonzero((lit_s < pass_s) & (chance.random(along_m.size) < 1.0 - 0.5 ** (power_mw / 2.5)))
        off_m = PIXEL_SIGMA_M * chance.normal(0.0, 1.0, (2, seen.size))
        if pass_s < parameters.length_s:
            frames.append(
                pl.DataFrame(
                    {
                        "pass_s": np.full(seen.size, pass_s),
                        "along_m": along_m[seen] + off_m[0],
                        "across_m": across_m[seen] + off_m[1],
                        "power_mw": np.round(power_mw[seen], 2),
                        "event_index": cause[seen],
                    }
                )
            )
    empty = dict.fromkeys(("pass_s", "along_m", "across_m", "power_mw"), pl.Float64) | {"event_index": pl.Int64}
    table = pl.concat([pl.DataFrame(schema=empty), *frames]).with_row_index("row_index")
    causes = table.filter(pl.col("event_index") >= 0).select("row_index", "event_index")
    return Feed(rows=table.drop("row_index", "event_index"), causes=causes)
