"""Laws of `truceline associate evaluate`: text, JSON and page say the same, and what cannot be used is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from pyarrow import csv, parquet

from truceline.cli import main
from unit.testing_figures.made import Made, made


@pytest.fixture(scope="module")
def tables() -> Made:
    """Make a small theatre once."""
    return made(np.random.default_rng(11), 150)


@pytest.fixture
def folder(tables: Made, tmp_path: Path) -> Path:
    """Write its tables as Parquet."""
    for name, table in tables._asdict().items():
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


def evaluate(folder: Path, *options: str) -> int:
    """Run the command on all five tables."""
    named = {"events": "events", "members": "members", "truth": "truth", "detections": "detections"}
    words = [word for option, name in named.items() for word in (f"--{option}", str(folder / f"{name}.parquet"))]
    causes = ["--truth-detections", str(folder / "truth_detections.parquet")]
    return main(["associate", "evaluate", *words, *causes, *options])


def test_text_json_and_page_say_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recall stands in all three with the same counts, and all three are marked as synthetic."""
    code = evaluate(folder, "--json", str(folder / "out.json"), "--html", str(folder / "out.html"))
    text, page = capsys.readouterr().out, (folder / "out.html").read_text()
    told = json.loads((folder / "out.json").read_text())
    recall = told["evaluation"]["figures"]["wide"]["recall"]
    words = f"{recall['part_count']} of {recall['whole_count']}"

    assert 0 == code
    assert recall["whole_count"] > 50
    assert all(words in shown for shown in (text, page))
    assert text.startswith("SYNTHETIC DATA")
    assert "SYNTHETIC DATA" in page
    assert told["synthetic"] is True


def test_the_page_opens_offline_and_draws_every_figure(folder: Path) -> None:
    """The page loads nothing, draws its twelve pictures, and no shape of them has a place that is no number."""
    evaluate(folder, "--html", str(folder / "out.html"))
    page = (folder / "out.html").read_text()

    assert 12 == page.count("<svg")
    assert not re.search(r"(src|href)=", page)
    assert not re.search(r"\bnan\b|\binf\b", page, re.IGNORECASE)
    for heading in ("Coverage of regions", "Reliability", "Residuals", "Automatic against reviewed", "First solution"):
        assert heading in page


def test_the_page_shows_no_coordinates(folder: Path, tables: Made) -> None:
    """No latitude of any event stands in the page, to two decimals or more."""
    evaluate(folder, "--html", str(folder / "out.html"))
    page = (folder / "out.html").read_text()

    assert not [value for value in tables.truth["latitude_deg"].to_pylist() if f"{value:.3f}" in page]


def test_same_tables_same_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV, with a remark above its header, and Parquet of the same tables give the same text."""
    evaluate(folder)
    from_parquet = capsys.readouterr().out
    for name in ("events", "members", "truth", "truth_detections", "detections"):
        csv.write_csv(parquet.read_table(folder / f"{name}.parquet"), folder / f"{name}.csv")
        rows = (folder / f"{name}.csv").read_bytes()
        (folder / f"{name}.parquet").write_bytes(b"# a remark\n" + rows)
    evaluate(folder)

    assert from_parquet == capsys.readouterr().out


def test_a_folder_of_parts_is_one_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table cut into parts in a folder gives the same text as whole, and an empty folder is refused."""
    evaluate(folder)
    whole = capsys.readouterr().out
    events = parquet.read_table(folder / "events.parquet")
    (folder / "events").mkdir()
    (folder / "nothing").mkdir()
    parquet.write_table(events.slice(0, 90), folder / "events" / "part-0.parquet")
    parquet.write_table(events.slice(90), folder / "events" / "part-1.parquet")
    evaluate(folder, "--events", str(folder / "events"))

    assert whole == capsys.readouterr().out
    assert 1 == evaluate(folder, "--events", str(folder / "nothing"))
    assert "is a folder without Parquet files" in capsys.readouterr().err


def test_events_alone_are_enough(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without members and detections the rest is told, and nothing is made up for what is missing."""
    places = ["--events", str(folder / "events.parquet"), "--reviewed", str(folder / "events.parquet")]
    code = main(["associate", "evaluate", *places, "--html", str(folder / "alone.html")])
    text = capsys.readouterr().out

    assert 0 == code
    assert "against a reviewed bulletin" in text
    assert "SYNTHETIC" not in text
    assert "First solution" not in text
    assert "90 % regions overlap" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--distance-m", "0"], "a gate of the match: distance_m=0"),
        (["--tail-s", "-1"], "--tail-s -1 is outside"),
        (["--start", "noon"], "--start noon: is not a time"),
        (["--end", "2025-04-20T12:00:00"], "--end 2025-04-20T12:00:00: has no time zone"),
        (["--end", "2025-04-20T12:00:30Z"], "no time is left in which events count"),
        (["--reviewed-members", "x"], "--reviewed-members with --reviewed"),
        (["--members", "absent.parquet"], "absent.parquet cannot be read: No such file"),
    ],
)
def test_what_cannot_be_is_said(
    folder: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong number, time, file or pair of options ends the command with one line that names it."""
    assert 1 == evaluate(folder, *options)
    assert words in capsys.readouterr().err


def test_a_missing_column_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table without a column it needs is named, with the column."""
    short = parquet.read_table(folder / "members.parquet").drop_columns(["member_probability"])
    parquet.write_table(short, folder / "members.parquet")

    assert 1 == evaluate(folder)
    assert "the members: columns ['member_probability'] are missing" in capsys.readouterr().err


def test_a_file_that_is_no_table_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that only begins like a table is refused by name."""
    (folder / "events.parquet").write_bytes(b"PAR1 and no more")

    assert 1 == evaluate(folder)
    assert "events.parquet is neither Parquet nor CSV" in capsys.readouterr().err
