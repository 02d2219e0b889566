"""Events held against the whole Minsk family with a real line of each day, against plain shapely event by event.

Run `taskset -c 0 python bench/assess.py` (one core). With `--lines FILE` (Parquet: date, occupied_wkb_wgs84,
line_wkb_wgs84) depths of the package are measured from the line of each event's own day; without, lines are made up.
The peer is what a careful programmer writes first: for each event and clause the shapely distance in a local plane and
the normal distribution across the belt's edge; it knows no layers, stages, ellipses or exceptions, and gets its lines
projected beforehand. Times are those of the processor, the best of several runs.
`--stream-count` shows that memory
does not grow with the number of events.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import shapely

from truceline.adapters.agreements import load_agreement, load_weapons, shipped_folder
from truceline.assess.assess_columns import STRETCH_COUNT, Assessor
from truceline.assess.columns import ACTS, ACTS_AT_WEAPON, NOT_TOLD_INDEX, EventColumns, WeaponKind
from truceline.assess.compile_stack import compile_texts
from truceline.assess.zone_columns import spread_of
from truceline.model.agreement import Agreement
from truceline.model.provision import Prohibition, Withdrawal
from truceline.model.reference_line import DatedLine
from truceline.model.zone import Belt, LineSeries
from truceline.physics.geodesy import geodesic_destination, plane_for, points_of

LAYERS = (
    "minsk_memorandum_2014",
    "minsk_2_2015",
    "minsk_addendum_2015",
    "tcg_framework_2016",
    "tcg_measures_2016_2020",
)
LINES_OF_DAY = {"de_facto_2015", "contact_line"}
FIRST_DAY = date(2025, 3, 20)
TYPES = ("bm_21_grad", "d_30", "t_64", "bm_30_smerch", "mt_12", "msta_s_2s19", "mortar_120", "bm_27_uragan")
MIXES = {
    "monitors": {"fire": 0.985, "presence": 0.008, "placement": 0.002, "flight": 0.003, "live_fire_exercise": 0.002},
    "weapons": {"fire": 0.80, "presence": 0.08, "placement": 0.02, "flight": 0.05, "live_fire_exercise": 0.05},
    "heavy": {"fire": 0.55, "presence": 0.25, "placement": 0.05, "flight": 0.10, "live_fire_exercise": 0.05},
}
"""Shares of acts. *monitors* is near what the OSCE mission counted in 2017: almost 400,000 times fire beside almost
4,000 weapons beyond withdrawal lines (its principal deputy chief monitor, 22 December 2017), 99 to 1; how the rest
divides is a guess. The others hold more of what has to be placed on the ground, to see what that costs."""

SIGMAS_M = (100.0, 400.0, 1_000.0)


class Mix(NamedTuple):
    """Which events are made: shares of acts by the name of a mix, and position uncertainties, each as frequent."""

    name: str
    sigmas_m: tuple[float, ...] = SIGMAS_M


def family(*, of_each_day: bool) -> list[Agreement]:
    """Give every layer; with the lines of the package and of the measures taken from each event's own day."""
    texts = [load_agreement(shipped_folder("agreements") / f"{name}.yaml").agreement for name in LAYERS]
    return [
        msgspec.structs.replace(
            text,
            lines=tuple(
                msgspec.structs.replace(line, drawn=None, series=LineSeries(), length_low_m=None)
                if of_each_day and line.line_id in LINES_OF_DAY
                else line
                for line in text.lines
            ),
        )
        for text in texts
    ]


def real_lines(path: Path, day_count: int) -> list[DatedLine]:
    """Read a month of real lines."""
    import polars as pl

    table = pl.read_parquet(path).filter(pl.col("date") >= FIRST_DAY).head(day_count)
    return [
        DatedLine(
            valid_date=row["date"],
            held_by="CADLR",
            held_wkb=row["occupied_wkb_wgs84"],
            line_wkb=row["line_wkb_wgs84"],
            sigma_m=1_000.0,
            source_id="contact_line",
            file_sha256="0" * 64,
        )
        for row in table.iter_rows(named=True)
    ]


def made_lines(day_count: int, rng: np.random.Generator) -> list[DatedLine]:
    """Draw lines of 1,300 corners that move a little from day to day."""
    share = np.linspace(0.0, 1.0, 1_300)
    corners = np.column_stack([34.0 + 4.0 * share, 46.8 + 3.0 * share]) + rng.normal(0.0, 0.01, (1_300, 2))
    lines = []
    for day_index in range(day_count):
        moved = rng.integers(0, 1_300, 20)
        corners = corners.copy()
        corners[moved] += rng.normal(0.0, 0.003, (20, 2))
        ground = shapely.make_valid(shapely.Polygon([*corners, (41.0, 45.0), (34.0, 45.0)]))
        lines.append(
            DatedLine(
                valid_date=FIRST_DAY + timedelta(day_index),
                held_by="CADLR",
                held_wkb=shapely.to_wkb(ground),
                line_wkb=shapely.to_wkb(shapely.LineString(corners)),
                sigma_m=1_000.0,
                source_id="made",
                file_sha256="0" * 64,
            )
        )
    return lines


def made_events(count: int, lines: list[DatedLine], rng: np.random.Generator, mix: Mix) -> EventColumns:
    """Strew events up to 80 km around the line, over its days, of every act, weapon and party."""
    corners = shapely.get_coordinates(shapely.from_wkb(lines[0].line_wkb))
    near = corners[rng.integers(0, len(corners), count)]
    places = geodesic_destination(
        points_of(near[:, 0], near[:, 1]), rng.uniform(0.0, 360.0, count), rng.uniform(0.0, 80_000.0, count)
    )
    shares = MIXES[mix.name]
    acts = np.array([ACTS.index(act) for act in shares])[rng.choice(len(shares), count, p=list(shares.values()))]
    at_weapon = np.isin(acts, [ACTS.index(act) for act in ACTS_AT_WEAPON])
    start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC).timestamp()
    start_s = start + rng.uniform(0.0, 86_400.0 * len(lines), count)
    party = rng.integers(0, 2, count)
    codes = {name: np.full(count, NOT_TOLD_INDEX) for name in ("actor", "domain", "purpose", "unit_size", "lacking")}
    codes["domain"] = np.where(acts == ACTS.index("flight"), 1, 0)
    return EventColumns(
        points=places,
        spread=spread_of(rng.choice(mix.sigmas_m, count), count=count),
        start_s=start_s,
        end_s=start_s + rng.choice([0.0, 60.0], count),
        act=acts,
        act_probability=np.full(count, 0.95),
        party_probability=np.vstack([party == 0, party == 1]).astype(np.float64),
        parties=("UA", "CADLR"),
        mixture=np.where(at_weapon, rng.integers(0, len(TYPES), count), NOT_TOLD_INDEX),
        objects=np.zeros(count, dtype=np.int64),
        objects_not=np.zeros(count, dtype=np.int64),
        at_weapon=at_weapon,
        withdrawn=np.zeros(count, dtype=np.bool_),
        mixtures=tuple(((WeaponKind(name), 1.0),) for name in TYPES),
        **codes,
    )


def by_plain_shapely(texts: list[Agreement], events: EventColumns, lines: list[DatedLine]) -> int:
    """Hold events against belts one by one; give how many are potential."""
    plane = plane_for(points_of([33.0, 40.0], [44.0, 51.0]))

    def in_plane(wkb: bytes) -> shapely.Geometry:
        return shapely.transform(
            shapely.from_wkb(wkb), lambda corners: np.column_stack(plane.project_m(points_of(*corners.T)))
        )

    drawn = {line.valid_date: in_plane(line.line_wkb) for line in lines}
    catalogue = load_weapons()
    clauses = [one for text in texts for one in text.provisions if isinstance(one, Prohibition | Withdrawal)]
    zones = {zone.zone_id: zone for text in texts for zone in text.zones if isinstance(zone, Belt)}
    easting_m, northing_m = plane.project_m(events.points)
    found = 0
    for row in range(len(events)):
        day = datetime.fromtimestamp(events.start_s[row], tz=UTC).date()
        line = drawn.get(day, lines and drawn[lines[0].valid_date])
        here = shapely.Point(easting_m[row], northing_m[row])
        mixture = events.mixture[row]
        weapon = None if mixture < 0 else catalogue.find(TYPES[mixture])
        for clause in clauses:
            if isinstance(clause, Prohibition) and ACTS[events.act[row]] not in clause.acts:
                continue
            if clause.weapons is not None and (weapon is None or clause.weapons.covers(weapon) is False):
                continue
            inside = 0.0 if clause.zone_ids else 1.0
            for zone_id in clause.zone_ids:
                if zone_id in zones:
                    sigma_m = math.hypot(math.sqrt(events.spread.east_m2[row]), 1_000.0)
                    gap_m = zones[zone_id].depth_m - here.distance(line)
                    inside = max(inside, 0.5 * math.erfc(-gap_m / sigma_m / math.sqrt(2.0)))
            found += inside > 1e-3
    return found


def batches(count: int, lines: list[DatedLine], rng: np.random.Generator, mix: Mix) -> Iterator[EventColumns]:
    """Give events a stretch at a time."""
    for start in range(0, count, STRETCH_COUNT):
        yield made_events(min(STRETCH_COUNT, count - start), lines, rng, mix)


def peak_mb() -> float:
    """Give the most memory used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024.0


def main() -> None:
    """Measure rate, peer and memory, and say them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--day-count", type=int, default=31)
    parser.add_argument("--event-count", type=int, default=524_288)
    parser.add_argument("--run-count", type=int, default=4)
    parser.add_argument("--peer-count", type=int, default=2_000)
    parser.add_argument("--stream-count", type=int, default=0)
    parser.add_argument("--mix", choices=sorted(MIXES), default="monitors")
    parser.add_argument("--sigma-m", type=float, nargs="+", default=list(SIGMAS_M), help="each as frequent")
    chosen = parser.parse_args()
    mix = Mix(chosen.mix, tuple(chosen.sigma_m))
    rng = np.random.default_rng(1)
    lines = made_lines(chosen.day_count, rng) if chosen.lines is None else real_lines(chosen.lines, chosen.day_count)
    texts = family(of_each_day=True)
    compiled = compile_texts(texts, catalogue=load_weapons(), lines=lines)
    print(f"mix {mix.name}, sigmas {', '.join(f'{sigma_m:g} m' for sigma_m in mix.sigmas_m)}")
    print(f"{len(texts)} layers, {len(compiled.clauses)} clauses, {len(lines)} days of lines")
    assessor = Assessor(compiled)
    assessor.assess(made_events(STRETCH_COUNT, lines, rng, mix))
    events = made_events(chosen.event_count, lines, rng, mix)
    spent_s = math.inf
    for _ in range(chosen.run_count):
        begun = time.process_time()
        table = assessor.assess(events)
        spent_s = min(spent_s, time.process_time() - begun)
    rate = len(events) / spent_s
    print(f"{len(events):,} events: {spent_s:.2f} s of one core, {rate:,.0f} events/s, {len(table):,} findings")
    begun = time.process_time()
    by_plain_shapely(texts, events.take(slice(0, chosen.peer_count)), lines)
    peer_rate = chosen.peer_count / (time.process_time() - begun)
    print(f"plain shapely: {peer_rate:,.0f} events/s; ours is {rate / peer_rate:,.0f} times as fast")
    if chosen.stream_count:
        del events, table
        before_mb, finding_count = peak_mb(), 0
        for _, found in assessor.stream(batches(chosen.stream_count, lines, rng, mix)):
            finding_count += len(found)
        print(
            f"{chosen.stream_count:,} events streamed: {finding_count:,} findings, "
            f"peak {before_mb:.0f} to {peak_mb():.0f} MB"
        )


if __name__ == "__main__":
    main()
