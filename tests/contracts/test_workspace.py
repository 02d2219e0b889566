"""The contract of the workspace: what was acknowledged is there after reopening, once, and as it was."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from truceline.adapters.stores.workspace import Workspace
from truceline.errors import SourceUnavailable, StoreUnavailable
from truceline.model.columns import empty_observations
from truceline.model.observation import Rejection
from truceline.model.reference_line import DatedLine
from truceline.testing.observation_tables import FIRST_START, observation_table, received_file

LINE = shapely.to_wkb(shapely.LineString([(36.0, 48.0), (38.0, 48.0)]))


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A record with no id of its own."""

    text: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A record that bears an id, so that two may contradict each other."""

    finding_id: str
    text: str


def rows(seed_index: int, row_count: int = 50) -> pa.Table:
    """Give a table of its own for each seed."""
    return observation_table(row_count, np.random.default_rng(seed_index))


def rejection(name: str, row_index: int) -> Rejection:
    """Give one unusable row of a file."""
    return Rejection(
        source_id="synthetic-feed",
        file_sha256=received_file(name).file_sha256,
        row_index=row_index,
        raw="?",
        reason="latitude_deg=91.2 is outside [-90, 90]",
        received_time=FIRST_START,
    )


def dated_line(day: int, *, name: str = "lines") -> DatedLine:
    """Give the line of one day of March."""
    return DatedLine(
        valid_date=date(2025, 3, day),
        held_by="A",
        held_wkb=None,
        line_wkb=LINE,
        sigma_m=1_000.0,
        source_id="drawing",
        file_sha256=received_file(name).file_sha256,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a folder for a store."""
    return tmp_path / "store"


def test_what_was_kept_is_there_after_reopening(folder: Path) -> None:
    """Everything a workspace took is read back from the folder alone, equal to what was given."""
    with Workspace.open(folder, create=True) as store:
        kept = store.append_file(received_file("a"), [rows(1)], [rejection("a", 7)])
        store.append_lines([dated_line(2), dated_line(1)], received_file("lines", kind="contact_line"))
        store.append_records("note", [Note(text="one"), Note(text="two")])
        store.checkpoint("state", b"\x00\xff")
        before = store.observations()
    with Workspace.open(folder, create=False, read_only=True) as store:
        found = (store.observations(), store.ingested_files()[0], store.rejections(), store.restore("state"))

        assert found == (before, kept, [rejection("a", 7)], b"\x00\xff")
        assert store.lines() == [dated_line(1), dated_line(2)]
        assert store.records("note", Note) == [Note(text="one"), Note(text="two")]


def test_counts_are_of_what_became_of_the_rows(folder: Path) -> None:
    """Accepted, rejected and duplicate rows add up to the rows received."""
    table = rows(1)
    with Workspace.open(folder, create=True) as store:
        kept = store.append_file(
            received_file("a"), [table, table.slice(0, 10), rows(2)], [rejection("a", 1), rejection("a", 2)]
        )

    assert (kept.accepted_count, kept.duplicate_count, kept.rejected_count) == (100, 10, 2)


def test_a_file_kept_twice_is_kept_once(folder: Path) -> None:
    """The same content is given back as it was kept, without its tables being read."""

    def untouched() -> Iterator[pa.Table]:
        raise AssertionError("read again")
        yield

    with Workspace.open(folder, create=True) as store:
        first = store.append_file(received_file("a"), [rows(1)])
        again = store.append_file(received_file("a"), untouched())

        assert again == first
        assert store.observations().num_rows == 50


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=25), min_size=1, max_size=5), st.booleans())
@example([[1], [1]], False)
@example([[1], [1]], True)
def test_an_observation_is_archived_once_whatever_files_it_came_in(files: list[list[int]], reopened: bool) -> None:
    """The archive holds each id once and every row is counted once, whether or not the store was reopened between."""
    pool = rows(3, row_count=31)
    with tempfile.TemporaryDirectory() as name:
        store = Workspace.open(Path(name), create=True)
        counts = []
        for index, picked in enumerate(files):
            kept = store.append_file(
                received_file(f"file {index}"), [pool.take(pa.array(picked, pa.int64())), empty_observations()]
            )
            counts.append(kept.accepted_count + kept.duplicate_count)
            if reopened:
                store.close()
                store = Workspace.open(Path(name), create=False)
        found = store.observations()["observation_id"].to_pylist()
        store.close()
    expected = {pool["observation_id"][index].as_py() for picked in files for index in picked}

    assert sorted(expected) == sorted(found)
    assert [len(picked) for picked in files] == counts


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 30 * 86_400), max_size=4))
def test_adjacent_spans_give_every_row_once_in_order(cuts_s: list[int]) -> None:
    """However time is cut, the spans put together are the whole."""
    edges = [None, *(FIRST_START + timedelta(seconds=cut) for cut in sorted(cuts_s)), None]
    with tempfile.TemporaryDirectory() as name, Workspace.open(Path(name), create=True) as store:
        for index in range(3):
            store.append_file(received_file(str(index)), [rows(index, row_count=200)])
        whole = store.observations()
        spans = [
            store.observations(start=low, end=high)
            for low, high in itertools.pairwise(edges)
            if low is None or high is None or low < high
        ]

    assert whole == pa.concat_tables(spans)


def test_kinds_are_kept_apart(folder: Path) -> None:
    """Asking for one kind gives that kind only, and each kind knows its own ids."""
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("a"), [rows(1)])
        thermal = observation_table(20, np.random.default_rng(2), kind="thermal")
        store.append_file(received_file("b", kind="thermal"), [thermal])
        found = store.observations(kinds=["thermal"])

    assert found["kind"].to_pylist() == ["thermal"] * 20


def test_nothing_is_kept_of_a_file_that_could_not_be_read_to_its_end(folder: Path) -> None:
    """Where reading breaks off, neither rows nor ids nor a half-written file remain, and the file can be tried anew."""

    def broken() -> Iterator[pa.Table]:
        yield rows(1, row_count=200_000)
        raise SourceUnavailable("cut off")

    with Workspace.open(folder, create=True) as store:
        with pytest.raises(SourceUnavailable):
            store.append_file(received_file("a"), broken())
        parts = [path for path in folder.rglob("*.part*") if path.is_file()]
        kept = store.append_file(received_file("a"), [rows(1, row_count=200_000)])

    assert parts == []
    assert (kept.accepted_count, kept.duplicate_count) == (200_000, 0)


def test_rejections_and_the_synthetic_mark_may_fill_while_tables_stream(folder: Path) -> None:
    """What is learnt only from the last row still stands in the file's record."""
    learnt: list[Rejection] = []

    def streaming() -> Iterator[pa.Table]:
        yield rows(1)
        learnt.append(rejection("a", 51))

    with Workspace.open(folder, create=True) as store:
        kept = store.append_file(received_file("a"), streaming(), learnt, found_synthetic=lambda: bool(learnt))

        assert (kept.rejected_count, kept.synthetic) == (1, True)
        assert store.rejections(file_sha256=kept.file_sha256) == learnt


def test_one_made_up_file_marks_the_whole_store(folder: Path) -> None:
    """A store is synthetic as soon as one of its files is."""
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("a"), [rows(1)])
        before = store.synthetic
        store.append_lines([dated_line(1)], received_file("lines", kind="contact_line", synthetic=True))

        assert (before, store.synthetic) == (False, True)


def test_a_line_drawn_in_two_files_is_kept_once(folder: Path) -> None:
    """The same drawing in another file is a duplicate and counted as one."""
    with Workspace.open(folder, create=True) as store:
        store.append_lines([dated_line(1)], received_file("lines", kind="contact_line"))
        again = [dated_line(1, name="more"), dated_line(2, name="more")]
        kept = store.append_lines(again, received_file("more", kind="contact_line"))

        assert (kept.accepted_count, kept.duplicate_count) == (1, 1)
        assert [line.valid_date.day for line in store.lines()] == [1, 2]


def test_the_same_record_again_changes_nothing(folder: Path) -> None:
    """Keeping is idempotent: by id where a record has one, by content where not."""
    notes, named = [Note(text="one")], [Named(finding_id="f", text="one")]
    with Workspace.open(folder, create=True) as store:
        first = store.append_records("note", notes) + store.append_records("finding", named)
        place = store.last_sequence()
        again = store.append_records("note", notes) + store.append_records("finding", named)

        assert (first, again) == (2, 0)
        assert store.last_sequence() == place


def test_two_bodies_under_one_id_are_both_kept_and_the_second_is_marked(folder: Path) -> None:
    """A contradiction is evidence: it is shown apart and never takes the place of the first."""
    with Workspace.open(folder, create=True) as store:
        store.append_records("finding", [Named(finding_id="f", text="one")])
        store.append_records("finding", [Named(finding_id="f", text="two")])

        assert store.records("finding", Named) == [Named(finding_id="f", text="one")]
        assert [row.body for row in store.equivocations()] == [b'{"finding_id":"f","text":"two"}']


def test_records_and_state_are_kept_together(folder: Path) -> None:
    """A commit that cannot be completed leaves neither its records nor its state."""
    with Workspace.open(folder, create=True) as store:
        store.commit({"note": [Note(text="one")]}, checkpoint_name="run", checkpoint_body=b"1")
        with pytest.raises(TypeError):
            store.commit({"note": [Note(text="two"), object()]}, checkpoint_name="run", checkpoint_body=b"2")
        store.commit({"note": [Note(text="three")]}, checkpoint_name="run", checkpoint_body=b"3")

        assert store.records("note", Note) == [Note(text="one"), Note(text="three")]
        assert store.restore("run") == b"3"


def test_logged_time_never_goes_back(folder: Path) -> None:
    """A clock that was set back does not reorder the journal, not even over a reopening."""
    moments = iter([datetime(2025, 5, day, tzinfo=UTC) for day in (3, 1, 2, 4)])
    for index in range(4):
        with Workspace.open(folder, create=True, clock=lambda: next(moments)) as store:
            store.append_records("note", [Note(text=str(index))])
    with Workspace.open(folder, create=False, read_only=True) as store:
        days = [row.logged_time.day for row in store.rows()]

    assert days == [3, 3, 3, 4]


def test_one_process_writes_while_others_read(folder: Path) -> None:
    """A second writer is refused with the first one's process id; a reader sees what was acknowledged."""
    reading = "import sys; from pathlib import Path; from truceline.adapters.stores.workspace import Workspace\n"
    reading += "store = Workspace.open(Path(sys.argv[1]), create=False, read_only=True); print(store.last_sequence())"
    with Workspace.open(folder, create=True) as store:
        store.append_records("note", [Note(text="one")])
        with pytest.raises(StoreUnavailable, match=rf"process {os.getpid()} is writing"):
            Workspace.open(folder, create=False)
        command = [sys.executable, "-c", reading, str(folder)]
        seen = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 -- our own program

    assert seen.stdout == "1\n"


def test_the_lock_is_let_go_on_closing_and_after_a_failed_opening(folder: Path) -> None:
    """A store can be opened again at once, also where the opening before went wrong."""
    Workspace.open(folder, create=True).close()
    content = (folder / "journal.sqlite").read_bytes()
    (folder / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match=r"journal\.sqlite"):
        Workspace.open(folder, create=False)
    (folder / "journal.sqlite").write_bytes(content)
    with Workspace.open(folder, create=False) as store:
        place = store.last_sequence()

    assert place == 0


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """Neither a missing store, nor a folder of other things, nor a file is written into."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("x")

    with pytest.raises(StoreUnavailable, match="is not a store"):
        Workspace.open(tmp_path / "missing", create=False)
    with pytest.raises(StoreUnavailable, match="is a file"):
        Workspace.open(tmp_path / "file", create=True)
    with pytest.raises(StoreUnavailable, match=r"thesis\.txt"):
        Workspace.open(tmp_path / "other", create=True)


def test_leftovers_are_passed_over_by_readers_and_removed_by_the_writer(folder: Path) -> None:
    """A file the journal does not name was never acknowledged: it is not read, and the next writer removes it."""
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("a"), [rows(1)])
    half = folder / "archive" / "media_report" / "x.parquet.part"
    unnamed = folder / "archive" / "media_report" / "y.parquet"
    half.write_bytes(b"PAR1")
    unnamed.write_bytes(b"PAR1")
    with Workspace.open(folder, create=False, read_only=True) as store:
        assert store.observations().num_rows == 50
        assert half.exists()
    with Workspace.open(folder, create=False) as store:
        removed = store.removed_leftovers

    assert removed == (half, unnamed)
    assert not half.exists()
    assert not unnamed.exists()


def test_a_damaged_archive_file_is_named(folder: Path) -> None:
    """One flipped bit is found by the check, a cut-off file already by reading."""
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("a"), [rows(1)])
        path = next(folder.rglob("*.parquet"))
        content = bytearray(path.read_bytes())
        content[100] ^= 1
        path.write_bytes(content)
        damages = list(store.damages())
        path.write_bytes(content[:-1])
        with pytest.raises(StoreUnavailable, match=path.name):
            store.observations()

    assert len(damages) == 1
    assert path.name in damages[0]


def test_a_sound_store_has_no_damages(folder: Path) -> None:
    """The check finds nothing where nothing was altered."""
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("a"), [rows(1)], [rejection("a", 1)])
        store.append_lines([dated_line(1)], received_file("lines", kind="contact_line"))
        store.checkpoint("state", b"1")

        assert list(store.damages()) == []
