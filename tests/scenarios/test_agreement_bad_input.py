"""Texts that cannot be used, as a user meets them: each is refused whole, with file, line and limit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from truceline.adapters.agreements import shipped_folder
from truceline.cli import main

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "docs" / "examples" / "events" / "minsk_example.csv"
LINES_FILE = "geometry/approximate_minsk_lines.geojson"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Copy the shipped texts, to be spoiled."""
    folder = tmp_path / "texts"
    shutil.copytree(shipped_folder("agreements"), folder)
    return folder


def respelt(old: str, new: str) -> Callable[[Path], None]:
    """Give a spoiler that writes something else into the text of 2015."""

    def spoil(folder: Path) -> None:
        path = folder / "minsk_2_2015.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return spoil


def redrawn(change: Callable[[list[list[float]]], list[list[float]]]) -> Callable[[Path], None]:
    """Give a spoiler that draws the line of 2015 otherwise."""

    def spoil(folder: Path) -> None:
        path = folder / LINES_FILE
        content: dict[str, Any] = json.loads(path.read_text())
        for feature in content["features"]:
            if feature["properties"]["name"] == "de_facto_2015":
                feature["geometry"]["coordinates"] = change(feature["geometry"]["coordinates"])
        path.write_text(json.dumps(content))

    return spoil


def cut_off(folder: Path) -> None:
    """Cut the geometry file off in the middle."""
    path = folder / LINES_FILE
    path.write_bytes(path.read_bytes()[:500])


def circle(folder: Path) -> None:
    """Let the base amend its own layer."""
    path = folder / "minsk_memorandum_2014.yaml"
    path.write_text(path.read_text().replace("theatre: donbas", "theatre: donbas\namends: minsk_2_2015", 1))


def many(corners: list[list[float]]) -> list[list[float]]:
    """Draw a line with a million and a half corners."""
    west, south = corners[0]
    return [[round(west + index * 1e-6, 7), south] for index in range(1_500_000)]


SPOILERS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "malformed": (cut_off, (LINES_FILE, "line 2", "is not JSON")),
    "self-crossing": (
        redrawn(lambda corners: [*corners[:20], corners[3], corners[10], *corners[20:]]),
        (LINES_FILE, "crosses itself"),
    ),
    "too many corners": (redrawn(many), (LINES_FILE, "1,500,0", "the limit is 200,000")),
    "half covered": (
        redrawn(lambda corners: corners[: len(corners) // 2]),
        (LINES_FILE, "km are drawn of", "the limit is 90%"),
    ),
    "unknown weapon": (
        respelt("bm_30_smerch]", "bm_31_smerch]"),
        ("minsk_2_2015.yaml, line", "unknown weapon 'bm_31_smerch'"),
    ),
    "no source": (
        respelt("    source_ids: [freeukrainenow, moscowtimes]", "    source_ids: []"),
        ("minsk_2_2015.yaml, line", "provision without source"),
    ),
    "circular amendment": (circle, ("minsk_2_2015.yaml, line", "in a circle")),
    "unknown key": (respelt("width_total_km: 50", "width_totl_km: 50"), ("minsk_2_2015.yaml, line", "did you mean")),
    "not YAML": (respelt("zones:\n", "zones: [\n"), ("minsk_2_2015.yaml, line", "is not YAML")),
    "missing file": (lambda folder: (folder / LINES_FILE).unlink(), (LINES_FILE, "cannot be read")),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_a_text_that_cannot_be_used_is_refused_whole(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """`check` and `assess` say file, line and limit of what is wrong, and nothing is written."""
    spoil, said = SPOILERS[name]
    spoil(texts)
    path = texts / "minsk_2_2015.yaml"
    out = tmp_path / "findings.csv"

    assert 1 == main(["agreement", "check", str(path)])
    checked = capsys.readouterr().out
    for words in said:
        assert words in checked
    assert 1 == main(["agreement", "assess", "--agreement", str(path), "--events", str(EVENTS), "--out", str(out)])
    assert said[0].split(",")[0] in capsys.readouterr().err
    assert [texts] == list(tmp_path.iterdir())


def test_a_register_with_a_fault_stops_the_assessment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An entry about a step that the text does not have is said with its line, and nothing is written."""
    register = tmp_path / "stage_starts.csv"
    register.write_text(
        "start_id,agreement_id,stage_id,start_time,declared_by,source\n"
        "s,minsk_2_2015,stage_7,2015-02-17T00:00+02:00,people,S\n"
    )
    out = tmp_path / "findings.csv"
    question = ["--agreement", str(shipped_folder("agreements") / "minsk_2_2015.yaml"), "--events", str(EVENTS)]

    assert 1 == main(["agreement", "assess", *question, "--register", str(register), "--out", str(out)])
    assert f"{register}, line 2: stage_id='stage_7' is not in minsk_2_2015" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--events", "absent.csv"], "absent.csv: cannot be read"),
        (["--events", str(EVENTS), "--line", str(EVENTS)], "--line: no contact line can be used"),
        (["--events", str(EVENTS), "--register", "absent.csv"], "absent.csv"),
    ],
)
def test_what_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """A file that is missing, or is not what its option asks for, is named."""
    text = shipped_folder("agreements") / "easter_2025.yaml"
    out = tmp_path / "findings.csv"

    assert 1 == main(["agreement", "assess", "--agreement", str(text), *arguments, "--out", str(out)])
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_findings_are_written_in_known_forms_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another ending is refused before anything is assessed."""
    text = shipped_folder("agreements") / "easter_2025.yaml"
    question = ["--agreement", str(text), "--events", str(EVENTS), "--out", str(tmp_path / "findings.xlsx")]

    assert 1 == main(["agreement", "assess", *question])
    assert "does not end in .parquet, .csv, .jsonl" in capsys.readouterr().err
