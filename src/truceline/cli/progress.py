"""A counter on standard error while files are read: one line that changes on a terminal, a line now and then else."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TextIO

TERMINAL_PERIOD_S = 0.2
"""How often the line changes on a terminal."""

LOG_PERIOD_S = 5.0
"""How often a line is written where standard error is a file or a pipe."""


class Progress:
    """Says which file is being read and how far; `done` clears the line."""

    def __init__(self, verb: str, stream: TextIO | None = None) -> None:
        """Begin; `verb` says what is being done (`reading`)."""
        self._verb = verb
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = self._stream.isatty()
        self._period_s = TERMINAL_PERIOD_S if self._is_terminal else LOG_PERIOD_S
        self._shown_s = time.monotonic()
        self._width_count = 0

    def __call__(self, path: Path, row_count: int) -> None:
        """Say that so many rows of a file were read; most calls write nothing."""
        now_s = time.monotonic()
        if now_s - self._shown_s < self._period_s:
            return
        self._shown_s = now_s
        self._show(f"{self._verb} {path.name}: {row_count:,} rows")

    def _show(self, text: str) -> None:
        if not self._is_terminal:
            self._stream.write(text + "\n")
        else:
            self._stream.write("\r" + text.ljust(self._width_count))
            self._width_count = len(text)
        self._stream.flush()

    def done(self) -> None:
        """Clear the line on a terminal."""
        if self._is_terminal and self._width_count:
            self._stream.write("\r" + " " * self._width_count + "\r")
            self._stream.flush()


def say_compiling(stream: TextIO | None = None) -> None:
    """Say that the engine is compiled first, where no earlier run left it compiled: that takes about a minute, once."""
    folder = Path(__file__).resolve().parent.parent / "associate" / "engine" / "__pycache__"
    if not os.environ.get("NUMBA_CACHE_DIR") and not any(folder.glob("*.nbi")):
        (stream or sys.stderr).write("compiling the association engine, once: this takes about a minute\n")
