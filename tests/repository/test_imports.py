"""Who may import whom: the contracts hold, and each of them catches what it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repository.house import PACKAGE, ROOT

BREACHES = [
    ("layers", "model/event.py", "import truceline.physics"),
    ("layers", "physics/geodesy.py", "def _late() -> None:\n    import truceline.observe.tables"),
    ("layers", "observe/tables.py", "import truceline.adapters"),
    ("layers", "runners/embedded.py", "import truceline.adapters.clock"),
    ("layers", "drawer.py", '"""A module outside every layer."""'),
    ("birth", "model/quantity.py", "import truceline.model.event"),
    ("birth", "model/newborn.py", '"""A noun without a place."""'),
    ("stages", "assess/series.py", "import truceline.associate"),
    ("stages", "report/__init__.py", "import truceline.dossier"),
    ("modalities", "observe/thermal.py", "import truceline.observe.detection"),
    ("evidence", "associate/modalities/acoustic.py", "import truceline.associate.modalities.bearing"),
    ("purity", "associate/stage.py", "import time"),
    ("purity", "dossier/stage.py", "from random import Random"),
    ("purity", "release/coarsen.py", "def _late() -> None:\n    import urllib.request"),
    ("purity", "model/columns.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os"),
    ("world", "observe/thermal.py", "from truceline.errors import TrucelineError"),
    ("political", "pipeline.py", "import truceline.release"),
    ("political", "runners/embedded.py", "import truceline.report"),
    ("political", "pipeline.py", "import truceline.decide"),
    ("political", "runners/embedded.py", "import truceline.model.decision"),
    ("stages", "decide/replay.py", "import truceline.report"),
    ("cleared", "adapters/clock.py", "import truceline.model.released"),
]


def lint(source: Path) -> tuple[int, str]:
    """Hold the contracts against the package in a folder; give the exit code and what was said."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"]
    environment = {**os.environ, "PYTHONPATH": str(source), "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def names_of_contracts() -> dict[str, str]:
    """Give the name of each contract by its id."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}


def test_every_contract_holds() -> None:
    """Imports go one way, stages are strangers, the core is pure, and nothing automatic leads to a release."""
    code, said = lint(PACKAGE.parent)

    assert 0 == code, said


@pytest.mark.parametrize(("contract_id", "place", "addition"), BREACHES)
def test_a_seeded_breach_is_caught(contract_id: str, place: str, addition: str, tmp_path: Path) -> None:
    """A contract that cannot fail protects nothing: each seeded import breaks the contract it is meant for."""
    shutil.copytree(PACKAGE, tmp_path / "truceline", ignore=shutil.ignore_patterns("__pycache__"))
    seeded = tmp_path / "truceline" / place
    before = seeded.read_text(encoding="utf-8") if seeded.exists() else ""
    seeded.write_text(f"{before}\n{addition}\n", encoding="utf-8")

    code, said = lint(tmp_path)

    broken = [line for line in said.splitlines() if line.rstrip().endswith("BROKEN")]
    unlisted = Path(place).stem in {"drawer", "newborn"} and Path(place).stem in said
    assert 1 == code, said
    assert unlisted or any(names_of_contracts()[contract_id] in line for line in broken), said


def test_every_contract_has_a_seeded_breach() -> None:
    """No contract stands untested; circles inside a package are left to the linter's own tests."""
    assert set(names_of_contracts()) - {"cycles"} == {contract_id for contract_id, _, _ in BREACHES}
