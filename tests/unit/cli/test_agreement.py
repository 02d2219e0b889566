"""The commands on texts: check, show and schema say what is so, and answer with their exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from truceline.cli import main

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "agreement"


def test_sound_texts_are_said_to_be_sound(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of sound texts is answered with 0 and one line for each."""
    assert main(["agreement", "check", str(FIXTURES)]) == 0
    assert 2 == capsys.readouterr().out.count(": sound\n")


def test_every_fault_is_said_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults go to standard output, one to a line, the answer is 1, and sound files beside are still checked."""
    shutil.copytree(FIXTURES, tmp_path / "texts")
    path = tmp_path / "texts" / "every_kind.yaml"
    path.write_text(path.read_text().replace("tornado_s", "tornado_z").replace("zone_id: far,", "zone_id: farther,"))
    code = main(["agreement", "check", str(path), str(FIXTURES / "every_kind.yaml"), str(tmp_path / "absent.yaml")])
    said = capsys.readouterr().out

    assert 1 == code
    assert 2 == said.count(f"{path}, line ")
    assert f"{FIXTURES / 'every_kind.yaml'}: sound" in said
    assert "absent.yaml: cannot be read" in said
    assert "2 of 3 files cannot be used" in said


def test_a_text_is_shown_clause_by_clause(capsys: pytest.CaptureFixture[str]) -> None:
    """Every clause is shown with its name, and with `--layers` those of the text below, which come first."""
    assert main(["agreement", "show", "--layers", str(FIXTURES / "amendment.yaml")]) == 0
    said = capsys.readouterr().out

    assert said.index("[fire] 1") < said.index("[mortars] 1")
    assert "in the place of tanks" in said
    assert main(["agreement", "show", str(FIXTURES / "amendment.yaml")]) == 0
    assert "[fire] 1" not in capsys.readouterr().out


def test_the_schema_names_every_kind_of_clause(capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is JSON that knows each kind of clause and zone."""
    assert main(["agreement", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    kinds = {name: entry["properties"].get("kind", {}).get("enum") for name, entry in schema["$defs"].items()}

    assert ["response_ladder"] == kinds["ResponseLadder"]
    assert ["between_places"] == kinds["BetweenPlaces"]
    assert {"depth_high_m", "depth_high_km"} <= set(schema["$defs"]["Belt"]["properties"])
    assert {"schema", "theatre"} <= set(schema["required"])
