"""CSV as feeds write it: every line comes out once, as a row or a faulty one, however the file is cut into blocks."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truceline.adapters.sources import csv_rows
from truceline.adapters.sources.csv_rows import FaultyRow, csv_form, read_rows
from truceline.errors import SourceUnavailable

FIELDS = st.text(st.sampled_from("ab 1.,;\"'é\t#"), max_size=6)
BROKEN_LINES = st.sampled_from(['5" gun,2,3', 'x","y,2,3', "x", "1,2", "1,2,3,4", '"never closed,2,3', "\udcff,2,3"])

GIVEN_FILES = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_all(path: Path) -> tuple[list[tuple[int, list[str]]], list[FaultyRow]]:
    """Read a file; give its rows with their index, and its faulty lines."""
    form = csv_form(path.read_bytes()[:65536])
    assert form is not None
    rows, faulty = [], []
    for block in read_rows(path, form):
        cells = [list(row.values()) for row in block.table.to_pylist()]
        rows.extend(zip(block.row_indices.tolist(), cells, strict=True))
        faulty.extend(block.faulty)
    return rows, faulty


@GIVEN_FILES
@given(
    rows=st.lists(st.lists(FIELDS, min_size=3, max_size=3)),
    delimiter=st.sampled_from(",;\t"),
    ending=st.sampled_from(["\n", "\r\n"]),
    block_size_bytes=st.integers(1, 64),
    last_ending=st.booleans(),
)
def test_what_python_writes_is_read_back(
    tmp_path: Path, rows: list[list[str]], delimiter: str, ending: str, block_size_bytes: int, *, last_ending: bool
) -> None:
    """Rows written by Python's csv come back as they were, for any delimiter, ending and block size."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b", "c"], *rows])
    content = text.getvalue()
    path = tmp_path / "rows.csv"
    path.write_bytes((content if last_ending else content.removesuffix(ending)).encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "BLOCK_SIZE_BYTES", block_size_bytes)
        read, faulty = read_all(path)

    assert faulty == []
    assert read == list(enumerate(rows))


@GIVEN_FILES
@given(
    lines=st.lists(
        st.sampled_from(["1,2,3", "  ", "1,2\r3,3", '"a\nb",2,3', '"say ""so""",2,3', ""]) | BROKEN_LINES, max_size=12
    ),
    block_size_bytes=st.sampled_from([1, 7, 32, 4096]),
)
def test_no_line_is_lost(tmp_path: Path, lines: list[str], block_size_bytes: int) -> None:
    """Sound and faulty lines in any order: indices run without gap, and blocks do not matter."""
    path = tmp_path / "rows.csv"
    path.write_bytes("\n".join(["a,b,c", *lines]).encode(errors="surrogateescape"))
    whole_rows, whole_faulty = read_all(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "BLOCK_SIZE_BYTES", block_size_bytes)
        rows, faulty = read_all(path)

    indices = sorted([index for index, _ in rows] + [row.row_index for row in faulty])
    assert indices == list(range(len(indices)))
    assert rows == whole_rows
    assert faulty == whole_faulty
    texts = [cell for _, cells in rows for cell in cells] + [row.raw for row in faulty]
    line_counts = [sum(bool(line.strip()) for line in "\n".join(lines).split("\n")), len("\n".join(lines).split("\n"))]
    assert line_counts[0] <= len(indices) + sum(text.count("\n") for text in texts) <= line_counts[1]


def test_faulty_lines_say_why(tmp_path: Path) -> None:
    """A line that is no row keeps its text and says what is wrong with it."""
    path = tmp_path / "rows.csv"
    huge = "x" * 200_000
    path.write_bytes(f'a,b,c\n1,2,3\n1,2\n\n"open,2,3\n1,2,3,4\n{huge},2,3\n'.encode() + b"\xe9,2,3\n4,5,6\n")
    rows, faulty = read_all(path)

    assert rows == [(0, ["1", "2", "3"]), (6, ["4", "5", "6"])]
    assert [(row.row_index, row.reason) for row in faulty] == [
        (1, "fields=2 is not the header's 3"),
        (2, "a quotation mark on this line is never closed"),
        (3, "fields=4 is not the header's 3"),
        (4, "is not a CSV record: field larger than field limit (131072)"),
        (5, "byte 0xe9 is not UTF-8 text; save the file as UTF-8"),
    ]
    assert faulty[1].raw == '"open,2,3'


def test_a_quotation_mark_is_given_up_after_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quotation mark that is not closed within the limit costs its own line only."""
    monkeypatch.setattr(csv_rows, "RECORD_SIZE_MAX_BYTES", 64)
    path = tmp_path / "rows.csv"
    path.write_bytes(b'a,b\n"open,2\n' + b"1,2\n" * 100 + b'"3",4\n')
    rows, faulty = read_all(path)

    assert [row.row_index for row in faulty] == [0]
    assert len(rows) == 101


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than the limit is no line, and is not held in memory."""
    monkeypatch.setattr(csv_rows, "LINE_SIZE_MAX_BYTES", 32)
    monkeypatch.setattr(csv_rows, "BLOCK_SIZE_BYTES", 16)
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n" + b"x" * 100)

    with pytest.raises(SourceUnavailable, match="is no line of a table"):
        read_all(path)


@pytest.mark.parametrize(
    ("head", "columns", "delimiter", "synthetic"),
    [
        (b"a,b\n1,2\n", ("a", "b"), ",", False),
        (b"\xef\xbb\xbf A ;B;c\r\n", ("a", "b", "c"), ";", False),
        (b"a\tb", ("a", "b"), "\t", False),
        (b"# SYNTHETIC week 7\n# more\n\na,b\n", ("a", "b"), ",", True),
        (b"#synthetic\na,b\n", ("a", "b"), ",", True),
        (b"# not SYNTHETIC\na,b\n", ("a", "b"), ",", False),
        (b'"a, b";c\n', ("a, b", "c"), ";", False),
    ],
)
def test_layouts(head: bytes, columns: tuple[str, ...], delimiter: str, *, synthetic: bool) -> None:
    """Byte order mark, comment lines, delimiter, blanks and case of a header are all understood."""
    form = csv_form(head)

    assert form is not None
    assert (form.columns, form.delimiter, form.synthetic) == (columns, delimiter, synthetic)


@pytest.mark.parametrize("head", [b"", b"# only a comment\n", b"\xff\xfea,b\n"])
def test_what_has_no_header_has_no_form(head: bytes) -> None:
    """Without a header line of UTF-8 text there is no layout."""
    assert csv_form(head) is None
