"""`truceline agreement status`: what a user sees of a register."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truceline.adapters.agreements import shipped_folder
from truceline.cli import main

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples" / "registers"
AGREEMENTS = shipped_folder("agreements")


def status(*arguments: str) -> int:
    """Ask for the status of the examples."""
    return main(["agreement", "status", "--register", str(EXAMPLES), *arguments])


def test_everything_open_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Missing weapons, a sum above a ceiling and an overdue clock are flagged; delays are minutes and no conduct."""
    texts = [str(AGREEMENTS / f"{name}.yaml") for name in ("paris_2026", "undof_1974", "minsk_addendum_2015")]
    code = status("--agreement", *texts, "--now", "2026-03-05T09:00:00Z", "--json", str(tmp_path / "status.json"))
    said = capsys.readouterr().out
    rows = json.loads((tmp_path / "status.json").read_text())

    assert 0 == code
    assert "! site-17 of UA: visited 2020-08-05 07:00, access full, 4 of 6 seen, 2 missing" in said
    assert (
        "! undof_1974.tanks_1, SY: 80 tank in 2 counts to 2020-05-04, ceiling 75: above the ceiling by 5 or more"
        in said
    )
    assert "rung 1 (Warning): foreseen by 2026-03-05 08:00, nothing recorded, overdue by 1.0 h" in said
    assert "delay: 1, together 15 min at " in said
    assert "UA about CADLR: 2020-08-01 21:00 to 2020-08-02 21:00, claimed: 12 shellings, at least 40 shots" in said
    assert said.count("\n! ") == sum(row["flagged"] for row in rows)


def test_without_texts_what_needs_none_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Visits and impediments need no text; clocks, steps and ceilings are left out without one."""
    assert 0 == status("--now", "2020-08-06T00:00:00")
    said = capsys.readouterr().out

    assert "site-17 of UA" in said
    assert "ceiling" not in said


def test_a_status_now_needs_no_date(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --now the present counts."""
    assert 0 == status()
    assert "status at " in capsys.readouterr().out


def test_wrong_times_and_registers_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A time that is none, and a register that does not fit its text, are refused."""
    assert 1 == status("--now", "soon")
    assert "--now='soon' is not an ISO 8601 time" in capsys.readouterr().err
    (tmp_path / "claims.csv").write_text("claim_id\nc\n")
    assert 1 == main(["agreement", "status", "--register", str(tmp_path)])
    assert "claims.csv, line 2: c: claimant is missing" in capsys.readouterr().err
