"""Runs side by side: means over seeds and the worst seed of each figure, as one Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from associate_worlds.world import FIGURES, Figures

RATE = "detections_per_s"
MEMORY = "peak_mb"
LARGER_IS_WORSE = frozenset({"error_median_m", "error_95_m", MEMORY})
REFERENCE = "pyocto"
NAMES = {"ours": "Truceline", "pyocto": "PyOcto", "gamma": "GaMMA"}
HEAD = (
    "preset",
    "who",
    "seeds",
    "detections/s",
    "x PyOcto",
    "F1",
    "F1 in 500 m",
    "precision",
    "recall",
    "error median (m)",
    "error 95 % (m)",
    "coverage 50 / 90 / 95 %",
    "detections' precision",
    "detections' recall",
    "memory (MB)",
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter on one data set: its figures, or why there are none."""

    preset: str
    case: str
    seed_offset: int
    who: str
    version: str
    detections_count: int
    cpu_s: float | None = None
    peak_mb: float | None = None
    figures: Figures = {}
    failure: str | None = None

    @property
    def values(self) -> Figures:
        """All figures by name, speed and memory among them."""
        rate = None if self.cpu_s is None else self.detections_count / max(self.cpu_s, 1e-9)
        return self.figures | {RATE: rate, MEMORY: self.peak_mb}


class Summary(NamedTuple):
    """One row: who on what, over how many seeds of how many, each figure's (mean, worst), and the first failure."""

    title: str
    who: str
    done_count: int
    asked_count: int
    figures: dict[str, tuple[float, float]]
    failure: str | None


def summaries(runs: Iterable[Run]) -> list[Summary]:
    """Give one row for every preset, case and adapter, in the order in which they first ran."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        title = f"{run.preset}, {run.case}" if run.case else run.preset
        groups.setdefault((title, run.who), []).append(run)
    return [_summary(title, who, group) for (title, who), group in groups.items()]


def _summary(title: str, who: str, group: Sequence[Run]) -> Summary:
    figures = {}
    for name in (RATE, MEMORY, *FIGURES):
        known = [value for run in group if (value := run.values.get(name)) is not None]
        if known:
            worst = max(known) if name in LARGER_IS_WORSE else min(known)
            figures[name] = (sum(known) / len(known), worst)
    failures = [run.failure for run in group if run.failure is not None]
    return Summary(title, who, len(group) - len(failures), len(group), figures, failures[0] if failures else None)


def markdown(rows: Sequence[Summary]) -> str:
    """Write the table; the ratio to PyOcto is of the mean speeds, in the same run."""
    reference = {row.title: row.figures.get(RATE) for row in rows if row.who == REFERENCE}
    lines = [list(HEAD), ["---"] * len(HEAD), *(_line(row, reference.get(row.title)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(row: Summary, reference: tuple[float, float] | None) -> list[str]:
    who = NAMES[row.who]
    seeds = str(row.done_count) if row.done_count == row.asked_count else f"{row.done_count} of {row.asked_count}"
    if not row.figures:
        return [row.title, who, seeds, row.failure or "", *[""] * (len(HEAD) - 4)]
    several = row.done_count > 1
    ratio = ""
    if reference is not None and RATE in row.figures:
        ratio = f"{row.figures[RATE][0] / reference[0]:,.3g}"
    shares = [f"{row.figures[name][0]:.3f}" for name in FIGURES if name.startswith("coverage_") and name in row.figures]
    cells = {name: _cell(row.figures.get(name), digits, several) for name, digits in DIGITS.items()}
    return [
        row.title,
        who,
        seeds,
        cells[RATE],
        ratio,
        *(cells[name] for name in ("f1", "f1_strict", "precision", "recall", "error_median_m", "error_95_m")),
        " / ".join(shares) or "none given",
        *(cells[name] for name in ("detection_precision", "detection_recall", MEMORY)),
    ]


SHARES = ("f1", "f1_strict", "precision", "recall", "detection_precision", "detection_recall")
DIGITS = {RATE: 0, MEMORY: 0, "error_median_m": 1, "error_95_m": 1} | dict.fromkeys(SHARES, 4)
"""Decimals shown of each figure."""


def _cell(figure: tuple[float, float] | None, digits: int, several: bool) -> str:
    """Write the mean, and behind it the worst seed where there are several."""
    if figure is None:
        return ""
    mean, worst = (f"{value:,.{digits}f}" for value in figure)
    return f"{mean} ({worst})" if several else mean


def as_json(runs: Sequence[Run], about: dict[str, Any]) -> bytes:
    """Write every run and every row, and what they were asked with."""
    rows = [row._asdict() for row in summaries(runs)]
    return msgspec.json.format(msgspec.json.encode({"about": about, "rows": rows, "runs": list(runs)}), indent=2)
