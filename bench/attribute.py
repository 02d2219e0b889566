"""Time full attributions, leave-one-out included, against the same equations in plain numpy; prints rates and ratios.

Run: python bench/attribute.py [--cases N]. A full decision is: items to columns, every set of clusters, shares, what
stays without each cluster, operator and modality, sensitivity, tier and reason. The record with its texts and hashes
is timed apart. Seconds are of the processor, on one core: set NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
from datetime import date

import msgspec
import numpy as np

from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.attribute.case import Case
from truceline.attribute.control import ControlField, straight_field
from truceline.attribute.decide import Decisions, decide_cases, pack_cases
from truceline.attribute.explain import Subject, attribution_of
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.tiers import Tiers, tiers_of
from truceline.model.evidence import EvidenceItem, OriginBand, OriginDirection, OriginPoint, OriginSilence, PlaceTeller
from truceline.testing.attribution_reference import decide_reference
from truceline.testing.attribution_theatre import TheatreWish, make_theatre

PARTIES = ("A", "B")
CATALOGUE = load_evidence_catalogue()
SETTINGS = AttributionSettings(catalogue=CATALOGUE)
FIELD = straight_field(
    latitude_deg=48.0, longitude_deg=37.0, bearing_deg=20.0, sigma_m=1_000.0, line_date=date(2025, 4, 19)
)
WORDS = ("party_blames_other", "party_denies", "third_party_media_names_party", "international_mission_statement")
ITEMS_MOST_COUNT = 12
REFERENCE_COUNT = 20
ROUNDS_COUNT = 5


def located(name: str, chance: np.random.Generator, impact: tuple[float, float]) -> EvidenceItem:
    """Give an origin some kilometres from the impact, by one of three kinds of sensor."""
    kind = ("counter_battery_or_track_backprojection", "acoustic_seismic_origin", "thermal_or_flash_at_origin")
    number = int(chance.integers(3))
    sigma_m = float(chance.uniform(200.0, 1_500.0))
    shape = OriginPoint(
        latitude_deg=impact[0] + float(chance.normal(0.0, 0.08)),
        longitude_deg=impact[1] + float(chance.normal(0.15, 0.1)),
        covariance_east_m2=sigma_m**2,
        covariance_east_north_m2=0.2 * sigma_m**2,
        covariance_north_m2=(0.7 * sigma_m) ** 2,
    )
    return EvidenceItem(
        item_id=name, item_type=kind[number], cluster_id=f"owner {number}", operator=f"owner {number}",
        modality=kind[number], shapes=(shape,),
    )  # fmt: skip


def found_at_impact(name: str, chance: np.random.Generator, impact: tuple[float, float]) -> EvidenceItem:
    """Give a crater's bearing or a weapon class, by the team at the impact."""
    where = {"latitude_deg": impact[0], "longitude_deg": impact[1]}
    bearing = OriginDirection(**where, bearing_deg=float(chance.uniform(0.0, 360.0)), bearing_sigma_deg=15.0)
    band = OriginBand(**where, range_low_m=3_000.0, range_high_m=25_000.0)
    crater = bool(chance.integers(2))
    return EvidenceItem(
        item_id=name, item_type="crater_bearing" if crater else "weapon_class_from_remnant", cluster_id="team",
        operator="mission", modality="impact site", shapes=(bearing if crater else band,),
    )  # fmt: skip


def silence(name: str, chance: np.random.Generator, impact: tuple[float, float]) -> EvidenceItem:
    """Give four stations in order that heard nothing."""
    shapes = tuple(
        OriginSilence(
            latitude_deg=impact[0] + float(chance.normal(0.0, 0.2)),
            longitude_deg=impact[1] + float(chance.normal(0.0, 0.2)),
            range_half_m=9_000.0,
            detection_probability=0.9,
        )
        for _ in range(4)
    )
    return EvidenceItem(
        item_id=name, item_type="expected_detection_absent", cluster_id="network", operator="network",
        modality="sound", shapes=shapes,
    )  # fmt: skip


def statement(name: str, chance: np.random.Generator) -> EvidenceItem:
    """Give what a party or one of four others says."""
    kind = WORDS[int(chance.integers(len(WORDS)))]
    party = PARTIES[int(chance.integers(2))]
    own = kind.startswith("party")
    source = f"bloc {party}" if own else f"outlet {chance.integers(4)}"
    return EvidenceItem(
        item_id=name, item_type=kind, cluster_id=source, operator=source, modality="words",
        speaker=party if own else None, about=None if own else party,
    )  # fmt: skip


def drawn_case(number: int, chance: np.random.Generator) -> Case:
    """Draw one event near the line with 1 to 12 items of evidence, half of them statements."""
    impact = (48.0 + float(chance.normal(0.0, 0.3)), 37.0 + float(chance.normal(0.0, 0.15)))
    items = []
    for index in range(int(chance.integers(1, ITEMS_MOST_COUNT + 1))):
        name, sort = f"item {index:02}", chance.random()
        if sort < 0.25:
            items.append(located(name, chance, impact))
        elif sort < 0.45:
            items.append(found_at_impact(name, chance, impact))
        elif sort < 0.5:
            items.append(silence(name, chance, impact))
        else:
            items.append(statement(name, chance))
    return Case(
        case_id=f"case {number}", latitude_deg=impact[0], longitude_deg=impact[1], position_sigma_m=300.0,
        items=tuple(items),
    )  # fmt: skip


def told_by_more(case: Case, count: int) -> Case:
    """Give a case whose place the reports and the sound's owner tell as well, up to so many tellers in all."""
    also = (("reports", "media_report", 0.2, 1_000.0), ("owner 1", "acoustic_seismic_origin", 0.06, 150.0))
    tellers = tuple(
        PlaceTeller(
            cluster_id=owner, operator=owner, modality=modality, contamination_probability=wrong,
            latitude_deg=case.latitude_deg + 0.001, longitude_deg=case.longitude_deg, position_sigma_m=sigma_m,
        )
        for owner, modality, wrong, sigma_m in also[: count - 1]
    )  # fmt: skip
    return msgspec.structs.replace(case, also_told=tellers)


def full(cases: list[Case], fields: list[ControlField | None]) -> tuple[Decisions, Tiers]:
    """Decide a batch to its tiers."""
    decisions = decide_cases(cases, fields, parties=PARTIES, catalogue=CATALOGUE)
    return decisions, tiers_of(decisions, SETTINGS)


def timed(cases: list[Case], fields: list[ControlField | None] | None = None) -> float:
    """Give the least seconds that a batch took, over some rounds; without fields all are of one day."""
    fields = [FIELD] * len(cases) if fields is None else fields
    taken = []
    for _ in range(ROUNDS_COUNT):
        began_s = time.process_time()
        full(cases, fields)
        taken.append(time.process_time() - began_s)
    return min(taken)


def tell_of_theatre(events_count: int) -> None:
    """Print the rate on events of the made-up theatre that are typical: up to so many items, told by one to three."""
    theatre = make_theatre(TheatreWish(events_count=events_count), np.random.default_rng(4))
    typical = [index for index, case in enumerate(theatre.cases) if len(case.items) <= ITEMS_MOST_COUNT]
    cases = [theatre.cases[index] for index in typical]
    seconds = timed(cases, [theatre.fields[index] for index in typical])
    told = [np.mean([len(case.tellers) == count for case in cases]) for count in (1, 2, 3)]
    shares = ", ".join(f"{100 * share:.0f} %" for share in told)
    print(f"  events of the made-up theatre (mean {np.mean([len(case.items) for case in cases]):.1f} items,")
    print(f"    places told by one, two, three: {shares}) {len(cases) / seconds:8.0f} /s")


def main() -> None:
    """Print rates by number of items, and the ratio to the plain reference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000, help="events in the batch (default: 1000)")
    chance = np.random.default_rng(4)
    cases = [drawn_case(number, chance) for number in range(parser.parse_args().cases)]
    full(cases[:2], [FIELD, FIELD])
    seconds = timed(cases)
    mean_items = np.mean([len(case.items) for case in cases])
    print(f"attribute: {len(cases)} events of 1-{ITEMS_MOST_COUNT} items (mean {mean_items:.1f}), one core")
    print(f"  full decisions {len(cases) / seconds:8.0f} /s   {1e6 * seconds / len(cases):6.0f} us each")
    for low, high in ((1, 4), (5, 8), (9, 12)):
        some = [case for case in cases if low <= len(case.items) <= high]
        print(f"    {low:2}-{high:2} items {len(some) / timed(some):8.0f} /s")
    for count in (2, 3):
        told = [told_by_more(case, count) for case in cases]
        print(f"    place told by {count}, all {len(told) / timed(told):8.0f} /s")
    tell_of_theatre(len(cases))
    fields: list[ControlField | None] = [FIELD] * len(cases)
    answers = full(cases, fields)
    began_s = time.process_time()
    for index, case in enumerate(cases):
        subject = Subject(event_id=case.case_id, event_revision_index=0)
        msgspec.json.encode(attribution_of(subject, case, index, answers=answers, said_by=(PARTIES, SETTINGS)))
    print(f"  records with texts and ids {len(cases) / (time.process_time() - began_s):8.0f} /s")
    few = cases[:REFERENCE_COUNT]
    _, columns, _, _ = pack_cases(few, fields[: len(few)], parties=PARTIES, catalogue=CATALOGUE)
    began_s = time.process_time()
    plain = [decide_reference(columns, index, FIELD) for index in range(len(few))]
    plain_s = time.process_time() - began_s
    ours_s = timed(few)
    off = max(
        float(np.abs(one.log_likelihood - answers[0].log_likelihoods[index]).max()) for index, one in enumerate(plain)
    )
    print(f"  plain numpy, same equations {len(few) / plain_s:6.1f} /s, ratio {plain_s / ours_s:.0f}, off by {off:.1e}")


if __name__ == "__main__":
    main()
