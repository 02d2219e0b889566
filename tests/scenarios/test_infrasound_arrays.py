"""Real array detections of explosions heard over hundreds of kilometres; skipped where they are not at hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from truceline.adapters.sources.array_detections import read_array_detections
from truceline.associate.array_records import ArraySettings
from truceline.associate.arrays import associate_arrays, share_at
from truceline.physics.geodesy import geodesic_distance_m, points_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "infrasound"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the open recordings are not at hand"),
]


def test_five_detections_of_one_explosion_are_one_event() -> None:
    """Humming Roadrunner 5: all five are associated, the mean is within 50 km, and the site is in the 50 % region."""
    file = read_array_detections(DATA / "HRR-5.dets.json", NOW)
    site = json.loads((DATA / "truth.json").read_text())["HRR-5"]
    solution = associate_arrays(file.detections, ArraySettings())
    (event,) = solution.events
    there = points_of(site["lon"], site["lat"])
    error_m = geodesic_distance_m(points_of(event.longitude_deg, event.latitude_deg), there)[0]
    share = share_at(file.detections, ArraySettings(), evidence="both", place_deg=(site["lat"], site["lon"]))

    assert () == file.rejections
    assert 5 == len(event.members)
    assert error_m < 50_000.0
    assert share < 0.5


def test_one_event_of_four_arrays_is_found_among_ten_detections() -> None:
    """Of ten detections, four from four arrays are one event, and the other six say why they are in none."""
    file = read_array_detections(DATA / "example1.dets.json", NOW)
    solution = associate_arrays(file.detections, ArraySettings())
    (event,) = solution.events

    assert 10 == len(file.detections)
    assert 4 == len({member.array_id for member in event.members})
    assert 6 == len(solution.not_associated)
