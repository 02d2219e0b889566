"""Laws of reading YAML: limits are held before anything is built, and everything keeps its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from truceline.adapters.agreement_yaml import (
    DEPTH_MAX_COUNT,
    FAULTS_SHOWN_MAX_COUNT,
    FILE_SIZE_MAX_BYTES,
    NODE_MAX_COUNT,
    Fault,
    FaultsFound,
    read_document,
)
from truceline.errors import SourceUnavailable


def written(folder: Path, content: str | bytes) -> Path:
    """Write a file and give its path."""
    path = folder / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_everything_keeps_its_line(tmp_path: Path) -> None:
    """Keys, items and values inside them are found on the line they stand on; what has none is found above."""
    document = read_document(written(tmp_path, "a: 1\nb:\n  - c: 2\n    d: {e: 3,\n       f: 4}\n"))

    assert {"a": 1, "b": [{"c": 2, "d": {"e": 3, "f": 4}}]} == document.content
    assert [1, 2, 3, 4, 5] == [
        document.lines[place] for place in (("a",), ("b",), ("b", 0, "c"), ("b", 0, "d"), ("b", 0, "d", "f"))
    ]
    assert 5 == document.fault(("b", 0, "d", "f", "g", 7), "x").line_index


def test_words_stay_words(tmp_path: Path) -> None:
    """A party called NO, an answer yes, an hour and a date are text; true, decimal numbers and null are not."""
    text = "[NO, yes, 12:30, 2014-09-19, 0o17, 0x1F, .inf, true, False, 7, -2.5, .5, null, ~]"
    content = read_document(written(tmp_path, text)).content

    assert ["NO", "yes", "12:30", "2014-09-19", "0o17", "0x1F", ".inf"] == content[:7]
    assert [True, False, 7, -2.5, 0.5, None, None] == content[7:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: &x 1\nb: *x\n", "line 2: alias \\*x: limit 0 aliases"),
        ("a: " + "[" * (DEPTH_MAX_COUNT + 1) + "]" * (DEPTH_MAX_COUNT + 1), f"more than {DEPTH_MAX_COUNT} levels"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("- 1\n" * (NODE_MAX_COUNT + 1), f"more than {NODE_MAX_COUNT} values"),
        ("#" * (FILE_SIZE_MAX_BYTES + 1), f"more than {FILE_SIZE_MAX_BYTES} bytes"),
        ("a: [1\n", "line 2: is not YAML"),
        ("a: 1\nb: 2\na: 3\n", "line 3: key 'a' stands here and on line 1"),
        ("? [1, 2]\n: 3\n", "line 1: a key is not a word"),
        (b"a: \xff\xfe\n", "is not YAML"),
        ("a: \x00\n", "is not YAML"),
    ],
)
def test_what_is_no_text_by_its_form_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    """Aliases, depth, number of values, size, syntax and double keys are named with file, line and limit."""
    path = written(tmp_path, content)

    with pytest.raises(FaultsFound, match=words) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}, line ")


def test_an_empty_file_and_a_missing_one_differ(tmp_path: Path) -> None:
    """An empty file has no content; one that is not there cannot be read."""
    assert read_document(written(tmp_path, "# nothing\n")).content is None
    with pytest.raises(SourceUnavailable, match="absent"):
        read_document(tmp_path / "absent.yaml")


def test_faults_are_listed_in_order_up_to_a_limit() -> None:
    """Faults come by file and line, each once, and beyond the limit they are counted."""
    faults = [Fault("f", index, "x") for index in range(FAULTS_SHOWN_MAX_COUNT + 3, 0, -1)]
    lines = str(FaultsFound([*faults, faults[0]])).splitlines()

    assert "f, line 1: x" == lines[0]
    assert f"and 3 more (limit {FAULTS_SHOWN_MAX_COUNT})" == lines[-1]
