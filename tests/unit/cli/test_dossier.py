"""The command `dossier`: what it writes is what was bound, and any change to it is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from laws.dossier_case import made_case
from truceline.cli import main


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of dossiers of the tiny synthetic theatre."""
    out = tmp_path_factory.mktemp("dossiers") / "out"
    assert main(["dossier", "write", "--store", str(made_case().store), "--out", str(out)]) == 0
    return out


def test_what_is_written_is_what_was_bound(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file is named by its id and passes the check."""
    files = sorted(map(str, written.glob("*.json")))
    code = main(["dossier", "check", *files])

    assert code == 0
    assert f"{len(files)} of {len(files)} dossiers" in capsys.readouterr().out
    assert len(files) > 0


def test_a_changed_dossier_is_found(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One byte changed in a file is found, and the file is named."""
    body = next(written.glob("*.json")).read_bytes()
    place = body.index(b'"probability":') + len(b'"probability":0.')
    changed = tmp_path / "changed.json"
    changed.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])

    assert main(["dossier", "check", str(changed)]) == 1
    assert "changed.json" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["taken", "taken/below"])
@pytest.mark.parametrize("command", ["demo", "dossier"])
def test_a_file_where_a_folder_is_to_be_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, place: str
) -> None:
    """Where a file stands in the place of a folder to write into, one line names it and the file stays as it was."""
    (tmp_path / "taken").write_text("kept")
    write = ["dossier", "write", "--store", str(made_case().store)]
    arguments = {"demo": ["demo", "--scenario", "tiny"], "dossier": write}[command]
    code = main([*arguments, "--out", str(tmp_path / place)])

    assert code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"truceline: {tmp_path / place}")
    assert said.count("\n") == 1
    assert (tmp_path / "taken").read_text() == "kept"


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there ends the check with its name."""
    assert main(["dossier", "check", str(tmp_path / "absent.json")]) == 1
    assert "absent.json" in capsys.readouterr().err


def test_a_page_is_written_for_every_sound_dossier(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each sound file gets a page named by its id, marked as made up; a changed one gets none, and is named."""
    files = sorted(written.glob("*.json"))[:3]
    changed = tmp_path / "changed.json"
    changed.write_bytes(files[0].read_bytes()[:-2] + b" }")
    sound = main(["dossier", "page", *map(str, files), "--out", str(tmp_path / "pages")])
    faulty = main(["dossier", "page", str(changed), "--out", str(tmp_path / "none")])

    assert (0, 1) == (sound, faulty)
    assert [f"{path.stem}.html" for path in files] == sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert all("SYNTHETIC" in path.read_text() for path in (tmp_path / "pages").iterdir())
    assert "changed.json" in capsys.readouterr().out
