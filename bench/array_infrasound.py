"""Infrasound arrays at long range: do regions hold what they say, what is associated rightly, and how long it takes.

Run `taskset -c 0 python bench/array_infrasound.py coverage`, or `association`, or `speed`. All explosions are made up
(`truceline.testing.array_events`), on the geometry of five arrays in a row at 230 to 470 km for `coverage`, and on
twelve arrays in a circle of 600 km for the others. Times are those of the processor.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence

import msgspec
import numpy as np

from truceline.associate.array_grid import Question
from truceline.associate.array_likelihood import canonical_order, columns_of
from truceline.associate.array_location import locate, region_share_at
from truceline.associate.array_proposals import propose
from truceline.associate.array_records import ArrayDetection, ArraySettings, ArraySolution, Evidence
from truceline.associate.arrays import associate_arrays
from truceline.physics.celerity import CELERITY_MODELS
from truceline.physics.geodesy import geodesic_distance_m, points_of
from truceline.testing.array_events import (
    ArrayPlace,
    ArrayWorld,
    MadeEvent,
    clutter,
    draw_event,
    heard_events,
    moved,
)

ROW = tuple(
    ArrayPlace(array_id=name, latitude_deg=latitude, longitude_deg=longitude, element_count=count)
    for name, latitude, longitude, count in (
        ("W220", 34.3115, -108.6894, 4),
        ("W240", 34.2294, -108.8691, 3),
        ("W340", 34.2875, -110.0240, 4),
        ("W420", 33.1097, -110.9237, 6),
        ("W460", 33.0736, -111.3581, 6),
    )
)
"""Where the arrays of Humming Roadrunner 5 stood that detected it (InfraPy, examples/data)."""

SITE_DEG = (33.5377, -106.3340)
ROW_MIDDLE_DEG = (33.8, -110.0)
CIRCLE_MIDDLE_DEG = (48.5, 34.0)
CIRCLE_RADIUS_M = 600_000.0
WORLDS = {
    "each its own celerity": ArrayWorld(),
    "one celerity for all arrays": ArrayWorld(one_celerity=True),
    "bearing errors x 1.5": ArrayWorld(bearing_width_ratio=1.5),
    "one bias of 6 deg an event": ArrayWorld(bearing_bias_sigma_deg=6.0),
    "20 % bearing outliers": ArrayWorld(outlier_share=0.2),
    "celerities of regional_high": ArrayWorld(celerity=CELERITY_MODELS["regional_high"]),
    "all of these": ArrayWorld(
        bearing_width_ratio=1.5,
        bearing_bias_sigma_deg=6.0,
        outlier_share=0.2,
        one_celerity=True,
        celerity=CELERITY_MODELS["regional_high"],
    ),
    "bearing errors of 3 deg, as measured": ArrayWorld(bearing_width_ratio=0.3, outlier_share=1e-6),
}


def posterior_of(event: MadeEvent, evidence: Evidence, settings: ArraySettings) -> tuple[float, float]:
    """Locate one event; give the share of the posterior denser than at the truth, and the error in metres."""
    ordered = canonical_order(event.detections)
    columns = columns_of(ordered, settings)
    location = locate(Question(columns, np.arange(len(ordered)), evidence, settings))
    truth = points_of(event.longitude_deg, event.latitude_deg)
    return region_share_at(location, truth), float(geodesic_distance_m(location.mean, truth)[0])


def row_of(name: str, found: Sequence[tuple[float, float]]) -> str:
    """Write one row of the coverage table."""
    shares, errors_m = np.array(found).T
    covered = [(shares <= share).mean() for share in (0.5, 0.9, 0.95)]
    figures = " | ".join(f"{value:.3f}" for value in covered)
    median, high = np.percentile(errors_m, [50, 90]) / 1e3
    return f"| {name} | {len(found)} | {figures} | {median:.0f} / {high:.0f} |"


def coverage(event_count: int) -> None:
    """Print how often the regions hold the truth: sources anywhere and at the site, as published and guarded."""
    guarded = ArraySettings(shared_celerity_probability=0.5)
    print("| world | events | 50 % | 90 % | 95 % | error median / 90 % (km) |\n|---|---|---|---|---|---|")
    for settings, note in ((ArraySettings(), ""), (guarded, "; shared celerity 0.5")):
        for name, world in WORLDS.items():
            if note and not world.one_celerity and world != ArrayWorld():
                continue
            chance = np.random.default_rng(7)
            events = heard_events(
                ROW, within=(ROW_MIDDLE_DEG, settings.range_max_m), heard_min_count=3, world=world, chance=chance
            )
            found = [posterior_of(event, "both", settings) for event in itertools.islice(events, event_count)]
            print(row_of(f"anywhere, {name}{note}", found), flush=True)
    for name, world in WORLDS.items():
        chance = np.random.default_rng(8)
        everyone = msgspec.structs.replace(
            world, settings=ArraySettings(detection_probability=0.99, hearing_range_m=(3e6,))
        )
        drawn = (draw_event(ROW, at_deg=SITE_DEG, world=everyone, chance=chance) for _ in range(event_count))
        found = [posterior_of(event, "both", ArraySettings()) for event in drawn if len(event.detections) > 2]
        print(row_of(f"at the site, {name}", found), flush=True)


def circle_of_arrays(array_count: int, chance: np.random.Generator) -> list[ArrayPlace]:
    """Place arrays anywhere in the circle."""
    drawn = heard_events(
        [], within=(CIRCLE_MIDDLE_DEG, CIRCLE_RADIUS_M), heard_min_count=0, world=ArrayWorld(), chance=chance
    )
    return [
        ArrayPlace(array_id=f"A{index:02}", latitude_deg=event.latitude_deg, longitude_deg=event.longitude_deg)
        for index, event in enumerate(itertools.islice(drawn, array_count))
    ]


def scene(
    *, array_count: int, event_count: int, clutter_per_hour: float, hours: float, seed: int
) -> tuple[list[MadeEvent], list[ArrayDetection]]:
    """Draw arrays, events over some hours, and clutter."""
    chance = np.random.default_rng(seed)
    places = circle_of_arrays(array_count, chance)
    world = ArrayWorld()
    drawn = heard_events(
        places, within=(CIRCLE_MIDDLE_DEG, CIRCLE_RADIUS_M), heard_min_count=3, world=world, chance=chance
    )
    events = [
        moved(event, float(chance.uniform(0.0, hours * 3600.0))) for event in itertools.islice(drawn, event_count)
    ]
    noise = clutter(places, rate_hz=clutter_per_hour / 3600.0, duration_s=hours * 3600.0, world=world, chance=chance)
    return events, [detection for event in events for detection in event.detections] + noise


def found_in(solution: ArraySolution, events: Sequence[MadeEvent]) -> list[tuple[float, int | None]]:
    """Give each found event's log odds with the true event that most of its detections are of, or none."""
    ids = [{detection.detection_id for detection in event.detections} for event in events]
    found: list[tuple[float, int | None]] = []
    for event in solution.events:
        own = {member.detection_id for member in event.members}
        overlaps = [len(own & truth) for truth in ids] or [0]
        best = int(np.argmax(overlaps))
        is_right = 2 * overlaps[best] > len(own) and overlaps[best] > 1
        found.append((event.log_odds_ratio, best if is_right else None))
    return found


def association(seed_count: int) -> None:
    """Print precision and recall against the threshold, for quiet and busy hours and with no events at all."""
    settings = ArraySettings(log_odds_min_ratio=0.5, cell_mass_max_share=2e-3)
    print(
        "| events in 4 h | clutter an array an hour | log odds at least | found | right | true | precision | recall |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for event_count, clutter_per_hour in ((0, 1.0), (0, 5.0), (4, 1.0), (4, 5.0), (12, 1.0)):
        scenes: list[list[tuple[float, int | None]]] = []
        for seed in range(seed_count):
            events, detections = scene(
                array_count=12, event_count=event_count, clutter_per_hour=clutter_per_hour, hours=4.0, seed=seed
            )
            scenes.append(found_in(associate_arrays(detections, settings), events))
        for low in (0.5, 1.0, 2.0, 3.0, 4.0):
            kept = [[entry for odds, entry in found if odds >= low] for found in scenes]
            found_count, true_count = sum(map(len, kept)), event_count * seed_count
            right_count = sum(len(set(entries) - {None}) for entries in kept)
            shares = [f"{right_count / whole:.2f}" if whole else "-" for whole in (found_count, true_count)]
            print(
                f"| {event_count} | {clutter_per_hour:g} | {low:g} | {found_count} | {right_count} | {true_count} "
                f"| {shares[0]} | {shares[1]} |",
                flush=True,
            )


def speed() -> None:
    """Print how long detections take to propose and to associate, and how many pairs the gates let through."""
    print("| detections | pairs in all | in reach | gated | kept | propose (s) | with location (s) |")
    print("|---|---|---|---|---|---|---|")
    for hours in (2.0, 4.0, 8.0, 16.0, 32.0):
        _, detections = scene(array_count=12, event_count=int(hours * 2), clutter_per_hour=1.0, hours=hours, seed=3)
        settings = ArraySettings()
        ordered = canonical_order(detections)
        started_s = time.process_time()
        _, pairs = propose(columns_of(ordered, settings), np.arange(len(ordered)), settings)
        proposed_s = time.process_time() - started_s
        started_s = time.process_time()
        associate_arrays(detections, settings)
        whole_s = time.process_time() - started_s
        print(
            f"| {len(ordered)} | {math.comb(len(ordered), 2)} | {pairs.in_reach_count} | {pairs.gated_count} "
            f"| {pairs.kept_count} | {proposed_s:.2f} | {whole_s:.2f} |",
            flush=True,
        )


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("coverage", "association", "speed"))
    parser.add_argument("--count", type=int, default=200, help="made-up events, or scenes, of each kind")
    args = parser.parse_args()
    if args.what == "coverage":
        coverage(args.count)
    elif args.what == "association":
        association(args.count)
    else:
        speed()


if __name__ == "__main__":
    main()
