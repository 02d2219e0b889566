"""Progress is one line that changes on a terminal, and a line now and then elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from truceline.cli import progress
from truceline.cli.progress import Progress, say_compiling


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a clock that stands where it is put."""
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    return clock


def test_a_terminal_shows_one_line_that_changes(now_s: list[float]) -> None:
    """On a terminal each line covers the one before, and the end leaves none."""
    stream = Terminal()
    shown = Progress("reading", stream)
    for moment_s, row_count in ((0.1, 5), (0.3, 123_456), (0.4, 130_000), (0.6, 7)):
        now_s[0] = moment_s
        shown(Path("a.csv"), row_count)
    shown.done()

    lines = stream.getvalue().split("\r")
    assert [line.strip() for line in lines] == ["", "reading a.csv: 123,456 rows", "reading a.csv: 7 rows", "", ""]
    assert len(lines[2]) == len(lines[1])


def test_a_file_gets_a_line_now_and_then(now_s: list[float]) -> None:
    """Where standard error is no terminal a line is written every few seconds, and nothing is cleared."""
    stream = io.StringIO()
    shown = Progress("reading", stream)
    for moment_s in (1.0, 6.0, 7.0, 12.0):
        now_s[0] = moment_s
        shown(Path("a.csv"), int(moment_s))
    shown.done()

    assert stream.getvalue() == "reading a.csv: 6 rows\nreading a.csv: 12 rows\n"


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream the progress is shown on standard error, so that output can be piped."""
    Progress("reading").done()

    assert capsys.readouterr().out == ""


def test_compiling_is_said_only_where_nothing_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute that the first run takes is announced, and no other."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(progress, "__file__", str(tmp_path / "cli" / "progress.py"))
    first, second = io.StringIO(), io.StringIO()
    say_compiling(first)
    cache = tmp_path / "associate" / "engine" / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "solve.nbi").touch()
    say_compiling(second)

    assert "compiling the association engine" in first.getvalue()
    assert not second.getvalue()
