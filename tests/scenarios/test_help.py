"""The help of the commands that make synthetic theatres teaches by example."""

from __future__ import annotations

import pytest

from truceline.cli import main


@pytest.mark.parametrize("command", ["simulate", "demo"])
def test_help_shows_examples_and_what_is_written(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of a command names what it writes, gives examples, and says that all of it is made up."""
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    said = capsys.readouterr().out

    assert left.value.code == 0
    assert "examples:" in said
    assert "what is written:" in said
    assert "SYNTHETIC" in said


def test_simulate_prints_the_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    """A shipped scenario can be printed, to be copied and changed."""
    code = main(["simulate", "--print-scenario"])
    said = capsys.readouterr().out

    assert code == 0
    assert "scenario_id: first_light" in said
