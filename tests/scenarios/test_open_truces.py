"""The truces of 2023 to 2025 on data that others collected; skipped where the data is not at hand."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from truceline.adapters.agreements import shipped_folder
from truceline.cli import main

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FEEDS = [DATA / "air_war_claims", DATA / "media_events" / "media_events.parquet"]

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the open data is not at hand"),
]


def judged(folder: Path, *question: str) -> list[dict[str, Any]]:
    """Run the command as a user would and read the JSON it writes."""
    out = folder / "verdicts.json"
    code = main(["adherence", "--data", *map(str, FEEDS), *question, "--json", str(out)])

    assert code == 0
    return list(json.loads(out.read_text()))


def expected_rows() -> list[dict[str, str]]:
    """Read the open rows with their expected verdicts."""
    with (DATA / "truce_windows" / "windows.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def agreeing(verdicts: list[dict[str, Any]]) -> int:
    """Count the open rows whose expected verdict begins with the verdict given."""
    given = {(entry["window_id"], entry["domain"]): entry["verdict"] for entry in verdicts}
    return sum(row["expected_verdict"].startswith(given[row["window_id"], row["domain"]]) for row in expected_rows())


@pytest.fixture(scope="module")
def by_windows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Judge the open windows once."""
    return judged(tmp_path_factory.mktemp("w"), "--windows", str(DATA / "truce_windows" / "windows.csv"))


def test_eight_of_ten_open_rows_by_windows(by_windows: list[dict[str, Any]]) -> None:
    """Without agreement texts, all rows are found but the one out of scope and the one without a series."""
    assert agreeing(by_windows) == 8


def test_nine_of_ten_open_rows_by_agreements(tmp_path: Path) -> None:
    """With the shipped texts, all rows are found but the one without a series, and that one says so."""
    verdicts = judged(tmp_path, "--agreement", str(shipped_folder("agreements")))
    missing = next(e for e in verdicts if e["window_id"] == "christmas_2023" and e["domain"] == "ground")

    assert agreeing(verdicts) == 9
    assert missing["verdict"] == "insufficient_evidence"


@pytest.mark.parametrize(
    ("window_id", "resumed"), [("easter_2025", "2025-04-21T02:00+03:00"), ("vday_2025", "2025-05-11T02:00+03:00")]
)
def test_the_first_raid_after_each_truce_is_found(
    by_windows: list[dict[str, Any]], window_id: str, resumed: str
) -> None:
    """The resumption of long-range raids is found within an hour."""
    given = next(e for e in by_windows if e["window_id"] == window_id and e["domain"] == "long_range_ru")
    difference = datetime.fromisoformat(given["resumption_utc"]) - datetime.fromisoformat(resumed)

    assert abs(difference) <= timedelta(hours=1)


def affected_and_all(folder: Path, placebo: Path) -> tuple[set[str], set[str]]:
    """Give the windows of a list of such in which nothing was agreed that show an effect, and all of them."""
    verdicts = judged(folder, "--windows", str(placebo))
    affected = {entry["window_id"] for entry in verdicts if entry["verdict"] in {"held", "reduced"}}
    return affected, {entry["window_id"] for entry in verdicts}


def test_one_ordinary_window_in_twenty_at_most_shows_an_effect(tmp_path: Path) -> None:
    """Of every third window in which nothing was agreed, at most 5 % show an effect in any of seven domains."""
    head, *rows = (DATA / "truce_windows" / "placebo.csv").read_text().splitlines(keepends=True)
    third = tmp_path / "third.csv"
    third.write_text("".join([head, *rows[::3]]))
    affected, windows = affected_and_all(tmp_path, third)

    assert len(rows[::3]) == len(windows) > 60
    assert len(affected) <= 0.05 * len(windows)


@pytest.mark.long
def test_of_all_ordinary_windows_one_in_twenty_at_most_shows_an_effect(tmp_path: Path) -> None:
    """Of all windows in which nothing was agreed, at most 5 % show an effect in any of seven domains."""
    affected, windows = affected_and_all(tmp_path, DATA / "truce_windows" / "placebo.csv")

    assert len(affected) <= 0.05 * len(windows)
