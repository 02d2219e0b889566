"""Files of array detections: every entry is used or rejected with its reason, and a file that is none says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from truceline.adapters.sources import array_detections
from truceline.adapters.sources.array_detections import read_array_detections
from truceline.errors import InputUnusable, SourceUnavailable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "Name": "X1",
    "Peak F-Stat Time (UTC)": "2025-08-27T23:14:58",
    "F Statistic": 12.9,
    "Trace Velocity (m/s)": 350.0,
    "Back Azimuth": -69.0,
    "Latitude": 48.3,
    "Longitude": 34.7,
    "Elevation": None,
    "Array Dimension": 4,
    "Station": "X1",
    "Network": "NN",
}


def written(folder: Path, entries: object) -> Path:
    """Write entries as a file."""
    path = folder / "dets.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def test_an_entry_is_read_as_it_says(tmp_path: Path) -> None:
    """Names, place, time in UTC, bearing from north, F-statistic and elements are those of the entry."""
    (found,) = read_array_detections(written(tmp_path, [GOOD]), NOW).detections

    assert "NN.X1" == found.array_id
    assert (48.3, 34.7, 291.0) == (found.latitude_deg, found.longitude_deg, found.bearing_deg)
    assert datetime(2025, 8, 27, 23, 14, 58, tzinfo=UTC) == found.time
    assert (12.9, 4) == (found.f_statistic_ratio, found.element_count)


def test_an_entry_may_say_less(tmp_path: Path) -> None:
    """Without station the place names the array; without F-statistic and elements they are unknown; zones are kept."""
    entry = {name: GOOD[name] for name in ("Latitude", "Longitude", "Back Azimuth")}
    entry["Peak F-Stat Time (UTC)"] = "2025-08-28T01:14:58+02:00"
    (found,) = read_array_detections(written(tmp_path, [entry]), NOW).detections

    assert "48.3000,34.7000" == found.array_id
    assert datetime(2025, 8, 27, 23, 14, 58, tzinfo=UTC) == found.time
    assert found.f_statistic_ratio is None
    assert found.element_count is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Latitude": 91.2}, "latitude_deg=91.2 is outside [-90, 90]"),
        ({"Longitude": -181.0}, "longitude_deg=-181.0 is outside [-180, 180]"),
        ({"Latitude": float("nan")}, "Latitude=nan is not finite"),
        ({"F Statistic": float("inf")}, "F Statistic=inf is not finite"),
        ({"F Statistic": -2.0}, "f_statistic_ratio=-2.0 is outside [0, 1e+09]"),
        ({"Back Azimuth": 400.0}, "Back Azimuth=400 is outside [-180, 360]"),
        ({"Back Azimuth": "north"}, "Back Azimuth='north' is not a number"),
        ({"Back Azimuth": True}, "Back Azimuth=True is not a number"),
        ({"Latitude": None, "Back Azimuth": None}, "lacks Latitude, Back Azimuth"),
        ({"Peak F-Stat Time (UTC)": "noon"}, "='noon' is not a time such as 2012-08-27T23:14:58"),
        ({"Peak F-Stat Time (UTC)": "2031-01-01T00:00:00"}, "lies after the receipt at 2026-01-01"),
        ({"Array Dimension": 3.5}, "Array Dimension=3.5 is not a whole number"),
        ({"Array Dimension": 1}, "element_count=1 is outside [2, 1000]"),
    ],
)
def test_what_cannot_be_used_is_kept_with_its_reason(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    """A bad entry is rejected with value, name and limit, and the good ones around it are used."""
    file = read_array_detections(written(tmp_path, [GOOD, {**GOOD, **change}, {**GOOD, "Back Azimuth": 5.0}]), NOW)

    assert 2 == len(file.detections)
    assert reason in file.rejections[0].reason
    assert 1 == file.rejections[0].row_index


def test_an_entry_that_is_no_object_is_rejected(tmp_path: Path) -> None:
    """A number or a list among the entries is kept as a rejection."""
    file = read_array_detections(written(tmp_path, [GOOD, 7, [1]]), NOW)

    assert ["is int, not a JSON object", "is list, not a JSON object"] == [entry.reason for entry in file.rejections]


def test_an_array_that_moved_is_rejected(tmp_path: Path) -> None:
    """One array cannot stand in two places: the later entry is rejected with the distance."""
    file = read_array_detections(written(tmp_path, [GOOD, {**GOOD, "Latitude": 48.4}]), NOW)

    assert 1 == len(file.detections)
    assert "stands 11.1 km from where it stood before, above 5 km" in file.rejections[0].reason


def test_a_repeated_entry_counts_once(tmp_path: Path) -> None:
    """The same detection three times is one, with two repeats counted."""
    file = read_array_detections(written(tmp_path, [GOOD, GOOD, GOOD]), NOW)

    assert (1, 2) == (len(file.detections), file.duplicate_count)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"[{", "is not JSON: .* at line 1, column 3"),
        (b'{"Latitude": 3}', "is JSON, but not a list"),
        (b"\x1f\x8b\x08", "is compressed"),
        (b"\xff\xfe[\x00]\x00", "is not UTF-8 text"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no list of detections is refused as a whole, with what it is."""
    path = tmp_path / "dets.json"
    path.write_bytes(content)

    with pytest.raises(SourceUnavailable, match=message):
        read_array_detections(path, NOW)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """A missing file is a failure of the world."""
    with pytest.raises(SourceUnavailable, match="cannot be read: No such file"):
        read_array_detections(tmp_path / "none.json", NOW)


def test_files_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More entries, or more bytes, than the limit are refused before any work."""
    path = written(tmp_path, [GOOD, {**GOOD, "Back Azimuth": 5.0}])
    monkeypatch.setattr(array_detections, "ENTRY_MAX_COUNT", 1)
    with pytest.raises(InputUnusable, match="holds 2 entries, above 1"):
        read_array_detections(path, NOW)

    monkeypatch.setattr(array_detections, "SIZE_MAX_BYTES", 10)
    with pytest.raises(InputUnusable, match="is above 10"):
        read_array_detections(path, NOW)
