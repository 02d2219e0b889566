"""The command that makes events of array detections."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from truceline.associate.array_likelihood import canonical_order
from truceline.associate.array_records import ArrayDetection
from truceline.cli import associate_arrays
from truceline.errors import InputUnusable
from truceline.physics.celerity import great_circle
from truceline.testing.array_events import ArrayPlace, ArrayWorld, clutter

SITE_DEG = (48.5, 34.0)
PLACES = (("N<1>", 51.0, 34.0), ("E", 48.5, 38.5), ("S", 46.0, 34.0), ("W", 48.5, 29.5))


def entry(name: str, latitude_deg: float, longitude_deg: float) -> dict[str, object]:
    """Make one exact detection of an event at the site."""
    distance_m, bearing_deg = great_circle(latitude_deg, longitude_deg, SITE_DEG)
    minutes, seconds = divmod(int(float(distance_m) / 290.0), 60)
    return {
        "Peak F-Stat Time (UTC)": f"2025-01-01T00:{minutes:02}:{seconds:02}",
        "Latitude": latitude_deg,
        "Longitude": longitude_deg,
        "Back Azimuth": float(bearing_deg),
        "F Statistic": 15.0,
        "Array Dimension": 4,
        "Station": name,
    }


def run(folder: Path, entries: object, *options: str) -> int:
    """Run the command on entries, as its own parser reads the options."""
    path = folder / "dets.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    parser = argparse.ArgumentParser()
    associate_arrays.add_parser(parser.add_subparsers())
    args = parser.parse_args(["arrays", "--detections", str(path), *options])
    return int(args.run(args))


def test_an_event_is_printed_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Event, rejected entry and unassociated detection are said, and the files hold them."""
    entries = [entry(*place) for place in PLACES]
    lone = {**entries[1], "Peak F-Stat Time (UTC)": "2025-01-01T09:00:00"}
    outputs = {name: tmp_path / f"out.{name}" for name in ("json", "svg", "html")}
    options = [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
    code = run(tmp_path, [*entries, lone, {"Latitude": 95}], "--site", "48.5,34.0", *options)
    said = capsys.readouterr().out

    assert 0 == code
    assert "5 detections used, 1 rejected, 0 repeated" in said
    assert "entry 5 rejected: lacks" in said
    assert "1 events, 1 detections in none" in said
    assert "by bearings" in said
    assert "in no event:" in said
    (event,) = json.loads(outputs["json"].read_text())["events"]
    assert abs(event["latitude_deg"] - 48.5) < 0.2
    assert abs(event["longitude_deg"] - 34.0) < 0.2
    root = ET.fromstring(outputs["svg"].read_text())  # noqa: S314 - written by the command itself
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"event 1", "site", "N<1>", "E", "S", "W"} <= set(words)
    assert "N&lt;1&gt;" in outputs["html"].read_text()


def test_without_events_it_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Detections that agree with nothing give no event, a reason for each, and a map of the arrays."""
    path = tmp_path / "map.svg"
    code = run(tmp_path, [entry(*PLACES[0])], "--svg", str(path))
    said = capsys.readouterr().out

    assert 0 == code
    assert "0 events, 1 detections in none" in said
    assert "no detection of another array agrees" in said
    ET.fromstring(path.read_text())  # noqa: S314 - written by the command itself


def test_a_file_without_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no entry can be used the command fails, having listed the first reasons and counted the rest."""
    with pytest.raises(InputUnusable, match="holds no usable detection"):
        run(tmp_path, [{"Latitude": 95}] * 25)

    assert "and 5 more" in capsys.readouterr().out


@pytest.mark.parametrize("site", ["48.5", "north,east", "91,0", "0,nan"])
def test_a_site_that_is_none_is_a_wrong_call(tmp_path: Path, site: str) -> None:
    """What is no latitude and longitude ends the command as called wrongly."""
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, [], f"--site={site}")

    assert 2 == ended.value.code


def test_a_setting_outside_its_limits_is_told(tmp_path: Path) -> None:
    """A farthest range of no use is refused with its limits."""
    with pytest.raises(InputUnusable, match=r"range_max_m=1000\.0 is outside"):
        run(tmp_path, [entry(*PLACES[0])], "--range-max-km", "1")


def test_made_up_clutter_has_no_place_in_common() -> None:
    """Clutter comes at its rate, at every array, from all round."""
    places = [ArrayPlace(array_id=name, latitude_deg=lat, longitude_deg=lon) for name, lat, lon in PLACES]
    found = clutter(places, rate_hz=0.01, duration_s=36_000.0, world=ArrayWorld(), chance=np.random.default_rng(1))
    ordered: list[ArrayDetection] = canonical_order(found)
    turned = np.radians([detection.bearing_deg for detection in ordered])

    assert 4 * 360 == pytest.approx(len(ordered), rel=0.1)
    assert np.hypot(np.cos(turned).mean(), np.sin(turned).mean()) < 0.1
