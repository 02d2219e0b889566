"""The log's journal: what is committed once stays, is known again, and can be made mute but not taken out."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.log.journal import LogJournal
from truceline.adapters.log.leaf import LeafKind, commitment_of, parse_leaf
from truceline.adapters.log.rows import LogRecord
from truceline.errors import StoreUnavailable
from unit.log.made_log import clock_ms, made_log, records


def test_a_record_is_logged_once(tmp_path: Path) -> None:
    """The same records again change nothing, in any batches."""
    with made_log(tmp_path) as log:
        log.journal.append(records(7))
        size_count = log.journal.size_count
        again = log.journal.append(records(3, first=2)[::-1])
        mixed = log.journal.append(records(9, first=0))

        assert (again.new_count, again.known_count) == (0, 3)
        assert (mixed.new_count, mixed.known_count) == (2, 7)
        assert log.journal.size_count == size_count + 2


def test_records_without_number_are_known_by_their_bytes(tmp_path: Path) -> None:
    """Without a sequence the same bytes are the same record, whoever gives them."""
    with made_log(tmp_path) as log:
        first = log.journal.append([LogRecord(b"same", "a"), LogRecord(b"same", "b"), LogRecord(b"other", "a")])
        second = log.journal.append([LogRecord(b"same", "c")])

        assert (first.new_count, second.new_count) == (2, 0)


def test_other_bytes_under_a_number_are_a_leaf_of_their_own(tmp_path: Path) -> None:
    """A second body under a source's number is kept as evidence, once, and the first still stands."""
    with made_log(tmp_path) as log:
        log.journal.append(records(3))
        forged = LogRecord(b"forged", "store", 1)
        appended = [log.journal.append([forged]) for _ in range(2)]
        ((source, sequence, leaf_index),) = log.journal.equivocations()
        first = log.journal.leaf_index_of("store", 1)

        assert [each.equivocation_count for each in appended] == [1, 0]
        assert (source, sequence, log.journal.sealed(leaf_index).body) == ("store", 1, b"forged")
        assert first is not None
        assert log.journal.sealed(first).body == records(3)[1].body


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6), st.sampled_from("xy")), max_size=6), max_size=6
    )
)
def test_order_and_batches_do_not_matter(tmp_path_factory: pytest.TempPathFactory, batches: list) -> None:
    """However records arrive, each (source, sequence, body) has exactly one leaf, and leaves commit to their bodies."""
    with made_log(tmp_path_factory.mktemp("order")) as log:
        start = log.journal.size_count
        for batch in batches:
            log.journal.append([LogRecord(body.encode(), source, number) for source, number, body in batch])
        distinct = {each for batch in batches for each in batch}
        sealed = [log.journal.sealed(at) for at in range(start, log.journal.size_count)]

        assert len(sealed) == len(distinct)
        assert all(parse_leaf(each.leaf).commitment == commitment_of(each.body, each.salt) for each in sealed)
        assert sorted(each.body for each in sealed) == sorted(body.encode() for _, _, body in distinct)


def test_erasing_leaves_the_tree_as_it_was(tmp_path: Path) -> None:
    """After an erasure the leaf is the same and mute, its bytes are in no file, and that it was done is logged."""
    with made_log(tmp_path) as log:
        secret = b"the witness lives in the yellow house"
        log.journal.append([LogRecord(secret, "store", 0), *records(2, first=1)])
        (leaf_index,) = log.leaf_indexes(secret)
        before = log.journal.sealed(leaf_index)
        erased_counts = [log.journal.erase([leaf_index], reason="protection") for _ in range(2)]
        after = log.journal.sealed(leaf_index)
        again = log.journal.append([LogRecord(secret, "elsewhere"), LogRecord(secret, "store", 0)])
        files = b"".join(path.read_bytes() for path in (tmp_path / "log").glob("log.sqlite*"))
        newest = log.journal.sealed(log.journal.size_count - 1)

        assert erased_counts == [1, 0]
        assert (after.leaf, after.salt, after.body) == (before.leaf, None, None)
        assert secret not in files
        assert before.salt is not None
        assert before.salt not in files
        assert again.new_count == 0
        assert parse_leaf(newest.leaf).kind is LeafKind.DECISION
        assert log.erased_sha256s == {sha256(secret).hexdigest()}


def test_no_row_is_altered_through_the_database(tmp_path: Path) -> None:
    """Leaves, checkpoints and erasures refuse to be updated or removed."""
    with made_log(tmp_path) as log:
        log.journal.append(records(2))
        connection = log.journal._connection

        for statement in ("UPDATE batch SET leaves = x''", "DELETE FROM batch", "DELETE FROM key_set"):
            with pytest.raises(Exception, match="append-only"):
                connection.execute(statement)


def test_padding_looks_like_records(tmp_path: Path) -> None:
    """Padded trees have sizes divisible by 256, and no open field tells padding from a record."""
    with made_log(tmp_path) as log:
        appended = log.journal.append(records(300), is_padded=True)
        leaves = [parse_leaf(entry) for entry in log.journal.entries(first_leaf_index=1)]

        assert log.journal.size_count == 512
        assert appended.padding_count == 512 - 301
        assert {leaf.kind for leaf in leaves} == {LeafKind.SEALED}
        assert len({leaf.commitment for leaf in leaves}) == len(leaves)


def test_what_is_committed_is_there_after_an_end_without_closing(tmp_path: Path) -> None:
    """A journal that was never closed gives every acknowledged leaf when it is opened again."""
    with made_log(tmp_path) as log:
        log.journal.append(records(5))
        path = log.journal.path
        copy = tmp_path / "copy"
        copy.mkdir()
        for part in path.parent.glob("log.sqlite*"):
            (copy / part.name).write_bytes(part.read_bytes())
        expected = log.journal.entries(first_leaf_index=0)
    with LogJournal(copy / "log.sqlite", clock_ms=clock_ms) as journal:
        assert journal.entries(first_leaf_index=0) == expected


def test_a_clock_set_back_does_not_turn_time_back(tmp_path: Path) -> None:
    """The times of leaves never decrease."""
    times = iter([50, 40, 60])
    with made_log(tmp_path) as log:
        path = log.journal.path
    with LogJournal(path, clock_ms=lambda: 2_000_000_000_000 + next(times)) as journal:
        for record in records(3):
            journal.append([record])
        said = [parse_leaf(entry).time_ms - 2_000_000_000_000 for entry in journal.entries(first_leaf_index=1)]

    assert said == [50, 50, 60]


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """A file that is no log's journal is said to be none."""
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))

    with pytest.raises(StoreUnavailable):
        LogJournal(path, clock_ms=clock_ms)
    with pytest.raises(StoreUnavailable, match="is missing"):
        LogJournal(tmp_path / "none", clock_ms=clock_ms)
