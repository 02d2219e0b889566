"""What is installed is whole, and everyone sets it up in the same way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import setup
from repository.house import ROOT, files_in, hold_none, repository_files, shown, text_of
from truceline import __version__


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel and list what is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.builders.wheel import WheelBuilder as Builder; print(*Builder(sys.argv[1])"
    build += ".build(directory=sys.argv[2]))"
    command = [sys.executable, "-c", build, str(ROOT), str(folder)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own interpreter
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return wheel.namelist()


def test_the_wheel_is_whole(wheel_names: list[str]) -> None:
    """Whoever installs the package without this folder has every module, agreement, scenario and template."""
    package = [path.relative_to(ROOT / "src").as_posix() for path in repository_files() if ROOT / "src" in path.parents]
    data = [
        f"truceline/{shown(path)}" for part in ("agreements", "scenarios") for path in files_in(part, ending=".yaml")
    ]

    hold_none(f"{name} is not in the wheel" for name in [*package, *data] if name not in wheel_names)


def test_the_version_is_said_once() -> None:
    """The package and the project file give the same version."""
    assert f'version = "{__version__}"' in text_of(ROOT / "pyproject.toml")


def test_continuous_integration_runs_what_everyone_runs() -> None:
    """.ci/run calls `make test` and nothing that a user would not."""
    script = ROOT / ".ci" / "run"
    lines = [line for line in text_of(script).splitlines() if line and not line.startswith("#")]

    assert ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "exec make test"] == lines
    assert os.access(script, os.X_OK)


def test_set_up_of_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong word is answered with the right ones."""
    code = setup.main(["play"])

    assert 2 == code
    assert "['run', 'test']" in capsys.readouterr().err


def test_an_old_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Python before 3.11 is refused in one line that says what was found, what is needed, and what to type."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))

    assert 1 == setup.main(["run"])
    assert re.search(r"needs Python 3\.11 or newer; .* is 3\.9\.2\. Try: ", capsys.readouterr().err)


def test_a_mark_of_another_place_or_lock_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set-up is passed over only where it was done for the same lock files in the same folder."""
    monkeypatch.setattr(setup, "MARK", tmp_path / "ready.json")
    (tmp_path / "ready.json").write_text('{"profile": "test", "digest": "1", "root": "elsewhere"}', encoding="utf-8")

    assert not setup._is_ready("run", {"run": "0", "test": "2"})


def test_a_fetched_installer_must_be_the_locked_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python came without pip, only the file whose hash is locked is ever run."""
    version = re.search(r"^pip==(\S+)", text_of(ROOT / "requirements-setup.txt"), re.MULTILINE)
    assert version is not None
    name = f"pip-{version[1]}-py3-none-any.whl"
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "index.html").write_text(f'<a href="{name}">{name}</a>', encoding="utf-8")
    (tmp_path / "pip" / name).write_bytes(b"not the locked one")
    pages = {f"{tmp_path.as_uri()}/pip/": tmp_path / "pip" / "index.html"}
    monkeypatch.setenv("PIP_INDEX_URL", tmp_path.as_uri())
    monkeypatch.setattr(setup, "INSTALLER", tmp_path / "installer")
    open_address = setup.urllib.request.urlopen
    monkeypatch.setattr(
        setup.urllib.request,
        "urlopen",
        lambda address, **more: open_address(pages[address].as_uri() if address in pages else address, **more),
    )

    with pytest.raises(ValueError, match="is not among those"):
        setup._fetch_pip()
    assert not (tmp_path / "installer").exists()
