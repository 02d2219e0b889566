"""Laws of `truceline attribution evaluate`: what it prints and writes agree, and what cannot be used is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truceline.cli import main
from truceline.testing.attribution_theatre_labelled import read_labelled

SMALL = ("--events-count", "60", "--calibration-events-count", "120")


def evaluate(*options: str) -> int:
    """Run the command."""
    return main(["attribution", "evaluate", *options])


def test_text_and_files_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables are printed and written alike, figures hold the rows that were asked for, and pictures open offline."""
    code = evaluate(*SMALL, "--attack", "spoofed_array", "--own-side-probability", "0.1", "--out", str(tmp_path))
    told = capsys.readouterr()
    made = json.loads((tmp_path / "figures.json").read_text())

    assert 0 == code
    assert told.out == (tmp_path / "tables.txt").read_text()
    assert told.out.startswith("SYNTHETIC DATA")
    assert ["no attack, own 0.1", "spoofed_array"] == [row["row"]["name"] for row in made["rows"]]
    assert all(60 == row["figures"]["case_count"] for row in made["rows"])
    for name in ("reliability", "risk_coverage"):
        picture = (tmp_path / f"{name}.svg").read_text()
        assert picture.startswith("<svg")
        assert "nan" not in picture
        assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert "theatre 2 of 2" in told.err


def test_the_same_seed_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Twice the same command prints the same bytes; another seed prints others."""
    printed = []
    for seed in ("3", "3", "4"):
        evaluate(*SMALL, "--attack", "none", "--own-side-probability", "0.03", "--seed", seed)
        printed.append(capsys.readouterr().out)

    assert printed[0] == printed[1]
    assert printed[0] != printed[2]


def test_rates_learned_once_are_used_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rates that were learned and written down give the same figures when read back; the text says what they are."""
    plain = (*SMALL, "--attack", "none", "--own-side-probability", "0.03")
    learned = evaluate(*plain, "--rates-events-count", "40", "--out", str(tmp_path))
    first = capsys.readouterr().out
    used = evaluate(*plain, "--rates", str(tmp_path / "learned_rates.json"))
    second = capsys.readouterr().out

    assert [0, 0] == [learned, used]
    assert first == second
    assert "rates: " in first


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rates", "no_such_file.json"), "cannot be read"),
        (("--rates", __file__), "holds no learned rates"),
        (("--rates-events-count", "-5"), "rates_events_count=-5 is outside"),
        (("--attack", "bribery"), "there are none, planted_media"),
        (("--own-side-probability", "1.5"), "outside [0, 1]"),
        (("--events-count", "2"), "events_count=2 is outside"),
        (("--seed", "-1"), "below 0"),
        (("--labelled", "no_such_file.csv"), "cannot be read"),
        (("--labelled", "x.csv", "--answer-probability", "0.4"), "outside (0.5, 1]"),
    ],
)
def test_what_cannot_be_used_is_said(options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name or number that cannot be one ends the command with a message that says what could be."""
    code = evaluate(*options)

    assert 1 == code
    assert words in capsys.readouterr().err


def test_labelled_answers_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of six cases one names the wrong party and one has no answer; the parties are found in the file."""
    path = tmp_path / "answers.csv"
    path.write_text(
        "rid,p_ost,responsible\n1,0.98,ost\n2,0.99,west\n3,0.01,west\n4,,ost\n5,0.6,ost\n6,0.03,west\n",
        encoding="utf-8",
    )
    code = evaluate("--labelled", str(path), "--out", str(tmp_path / "out"))
    told = capsys.readouterr().out
    made = json.loads((tmp_path / "out" / "figures.json").read_text())

    assert 0 == code
    assert "6 labelled cases of answers.csv; 1 without an answer" in told
    assert "SYNTHETIC" not in told
    assert (1, 6) == (made["false_of_all"]["part_count"], made["false_of_all"]["whole_count"])
    assert (4, 6) == (made["answered"]["part_count"], made["answered"]["whole_count"])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no row"),
        ([{"p_a": "0.5"}], "no column responsible"),
        ([{"responsible": "a"}], "no column p_PARTY"),
        ([{"responsible": "a", "p_a": "0.5"}], "not two parties"),
        ([{"responsible": "a", "p_a": "often", "p_b": ""}], "row 1: often is not a probability"),
        ([{"responsible": "a", "p_a": "1.5", "p_b": ""}], "row 1: probability=1.5 is outside"),
        ([{"responsible": "a", "p_a": "0.7", "p_b": "0.7"}], "sum to more than 1"),
        (
            [{"responsible": "a", "p_a": "1", "p_b": ""}, {"responsible": "", "p_a": "1", "p_b": ""}],
            "row 2: responsible",
        ),
    ],
)
def test_a_bad_table_is_refused(rows: list[dict[str, str]], words: str) -> None:
    """A table without what is needed, or with numbers that are none, is refused with the row."""
    with pytest.raises(ValueError, match=words):
        read_labelled(rows, answer_probability=0.95)


def test_a_column_says_who_was_named() -> None:
    """With a column `answer` it decides, an empty one names nobody, and `neither` is a way to be responsible."""
    rows = [
        {"responsible": "A", "p_a": "0.7", "p_b": "0.2", "answer": "a"},
        {"responsible": "neither", "p_a": "0.99", "p_b": "0.0", "answer": ""},
    ]
    answers, parties, empty_count = read_labelled(rows, answer_probability=0.95)

    assert ("a", "b") == parties
    assert [0, -1] == answers.named.tolist()
    assert [0, -1] == answers.responsible.tolist()
    assert 0 == empty_count
