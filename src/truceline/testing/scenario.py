"""A seeded synthetic theatre with ground truth: two parties, invented ground, and a truce that may be broken.

Everything follows from the scenario and a `numpy.random.Generator` made from its seed; the same seed gives the same
bytes. The two parties are drawn alike, by the ground they hold; exchanging their names exchanges nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from truceline.errors import StoreUnavailable
from truceline.testing.scenario_files import (
    agreement_yaml,
    causes_csv,
    claims_csv,
    detections_csv,
    lines_parquet,
    media_csv,
    patrols_csv,
    readme_text,
    statements_csv,
    thermal_csv,
    truth_csv,
    waves_csv,
)
from truceline.testing.scenario_ground import build_ground
from truceline.testing.scenario_parameters import Scenario
from truceline.testing.scenario_reports import media_reports, party_claims
from truceline.testing.scenario_sensors import Outages, draw_outages, patrol_reports, station_detections, thermal_passes
from truceline.testing.scenario_statements import statements
from truceline.testing.scenario_truth import Truth, build_truth

FEEDS_FOLDER = "feeds"
AGREEMENT_FILE = "agreement.yaml"
TRUTH_FILE = "ground_truth.csv"
WAVES_FILE = "ground_truth_waves.csv"
CAUSES_FILE = "ground_truth_causes.csv"
README_FILE = "README.txt"


class SyntheticTheatre(msgspec.Struct, frozen=True, kw_only=True):
    """A whole theatre: what truly happened, every file's content by its path, and the true cause of every row.

    `causes` gives for each feed the id of the true event behind each row; null where there was none.
    """

    truth: Truth
    files: dict[str, bytes]
    causes: dict[str, pl.Series]


def build_theatre(scenario: Scenario) -> SyntheticTheatre:
    """Draw a whole theatre; nothing but the scenario and its seed goes in."""
    chance = np.random.default_rng(scenario.seed)
    ground_chance, truth_chance, thermal, outage, acoustic, patrol, media, claim, say = chance.spawn(9)
    ground = build_ground(scenario, ground_chance)
    truth = build_truth(scenario, ground, truth_chance)
    outages = draw_outages(scenario, truth, outage)
    pixels = thermal_passes(scenario, truth, thermal)
    detections = station_detections(scenario, truth, acoustic, outages=outages)
    patrols = patrol_reports(scenario, truth, patrol)
    reports = media_reports(scenario, truth, media)
    claims = party_claims(scenario, truth, claim)
    said = statements(truth, say)
    feeds = {
        "lines.parquet": lines_parquet(scenario, ground),
        "firms_viirs.csv": thermal_csv(scenario, ground, pixels, instrument="VIIRS"),
        "firms_modis.csv": thermal_csv(scenario, ground, pixels, instrument="MODIS"),
        "detections.csv": detections_csv(scenario, ground, detections),
        "patrols.csv": patrols_csv(scenario, ground, patrols),
        "media.csv": media_csv(scenario, ground, reports),
        "statements.csv": statements_csv(scenario, ground, said),
        **{
            f"claims_{party.lower()}.csv": claims_csv(scenario, ground, claims, claimant=party)
            for party in scenario.parties
        },
    }
    causes = {
        "firms_viirs.csv": pixels.filter(pl.col("instrument") == "VIIRS")["cause"],
        "firms_modis.csv": pixels.filter(pl.col("instrument") == "MODIS")["cause"],
        "detections.csv": detections["cause"],
        "patrols.csv": patrols["cause"],
        "media.csv": reports["cause"],
        "statements.csv": said["cause"],
    }
    files = {f"{FEEDS_FOLDER}/{name}": content for name, content in feeds.items()}
    files |= _other_files(scenario, truth, outages, causes)
    return SyntheticTheatre(truth=truth, files=files, causes=causes)


def _other_files(scenario: Scenario, truth: Truth, outages: Outages, causes: dict[str, pl.Series]) -> dict[str, bytes]:
    """Write what no feed brings: the agreement, the truth, and the readme."""
    return {
        AGREEMENT_FILE: agreement_yaml(scenario),
        TRUTH_FILE: truth_csv(scenario, truth),
        WAVES_FILE: waves_csv(scenario, truth),
        CAUSES_FILE: causes_csv(scenario, causes),
        README_FILE: readme_text(scenario, truth, outages),
    }


def write_theatre(
    files: dict[str, bytes], folder: Path, *, on_file: Callable[[str, int], None] = lambda _name, _size: None
) -> None:
    """Write the files into a folder, each whole or not at all; what stood there under the same name is replaced."""
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            part.write_bytes(content)
            part.replace(path)
            on_file(name, len(content))
    except OSError as error:
        raise StoreUnavailable(f"{folder}: cannot be written ({error.strerror})") from error


def theatre_sha256(theatre: SyntheticTheatre) -> str:
    """Name a theatre by its content: the SHA-256 of all its files in the order of their paths."""
    digest = hashlib.sha256()
    for name in sorted(theatre.files):
        digest.update(name.encode() + b"\x1f" + hashlib.sha256(theatre.files[name]).digest())
    return digest.hexdigest()
