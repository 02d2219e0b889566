"""Laws of tiles and entry bundles as files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.log import tiles_check
from truceline.adapters.log.tiles import (
    EMPTY_EDGE,
    TileReader,
    TileWriter,
    bundle_path,
    decode_bundle,
    encode_bundle,
    extend,
    tile_path,
)
from truceline.adapters.log.tiles_check import check_tiles
from truceline.adapters.log.tiles_rebuild import Piece, rebuild_tiles
from truceline.adapters.log.tree import Frontier, consistency_proof, inclusion_proof, leaf_hashes_of, root_of
from truceline.errors import StoreUnavailable
from unit.log.rfc6962 import numbered, tree_hash

LARGE_COUNT = 70_000
LARGE = [number.to_bytes(4, "big") * 12 for number in range(LARGE_COUNT)]


def files_of(folder: Path) -> dict[str, bytes]:
    """Read everything below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(folder: Path, entries: list[bytes], *, batch_count: int) -> Frontier:
    """Write entries in batches of one length."""
    folder.mkdir(exist_ok=True)
    writer, frontier = TileWriter(folder), Frontier()
    for start in range(0, len(entries), batch_count):
        frontier = writer.write(entries[start : start + batch_count], before=frontier)
    return frontier


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (tile_path(0, 0), "tile/0/000"),
        (tile_path(1, 1_234_067), "tile/1/x001/x234/067"),
        (tile_path(2, 0, width_count=1), "tile/2/000.p/1"),
        (tile_path(63, 999), "tile/63/999"),
        (bundle_path(1_000, width_count=255), "tile/entries/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_standard(path: str, expected: str) -> None:
    """A tile's path is what c2sp.org/tlog-tiles makes of its level, number and width."""
    assert expected == path


def test_the_files_of_a_tree_are_those_of_the_standard(tmp_path: Path) -> None:
    """A tree of 70,000 has the 273 full and 1 + 1 + 1 partial tiles that c2sp.org/tlog-tiles counts for it."""
    frontier = written(tmp_path, LARGE, batch_count=LARGE_COUNT)
    files = files_of(tmp_path)
    tiles = {path: content for path, content in files.items() if "entries" not in path}
    hashes = leaf_hashes_of(LARGE)

    assert 273 + 1 + 1 + 1 + 1 == len(tiles)
    assert {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"} == {path for path in tiles if ".p/" in path}
    assert 274 == len(files) - len(tiles)
    assert b"".join(hashes[512:768]) == files["tile/0/002"]
    assert root_of(hashes[256 * 7 : 256 * 8]) == files["tile/1/000"][32 * 7 : 32 * 8]
    assert root_of(hashes[: 1 << 16]) == files["tile/2/000.p/1"]
    assert LARGE[256:512] == decode_bundle(files["tile/entries/001"])
    assert root_of(hashes) == frontier.root()


@pytest.mark.parametrize("batch_count", [1, 7, 255, 256, 257, 600])
def test_batches_do_not_matter(tmp_path: Path, batch_count: int) -> None:
    """However entries come in, the same full tiles and last partial tiles stand there, and all of them check."""
    entries = numbered(1_100)
    at_once = files_of_after(tmp_path / "once", entries, batch_count=len(entries))
    in_batches = files_of_after(tmp_path / "batches", entries, batch_count=batch_count)

    assert at_once.items() <= in_batches.items()
    assert 0 == check_tiles(tmp_path / "batches", [entries]).faults_count


def files_of_after(folder: Path, entries: list[bytes], *, batch_count: int) -> dict[str, bytes]:
    """Write entries and read the files."""
    written(folder, entries, batch_count=batch_count)
    return files_of(folder)


@given(st.lists(st.integers(0, 700), max_size=6))
@settings(max_examples=40, deadline=None)
def test_the_edge_leads_to_the_frontier(lengths: list[int]) -> None:
    """The edge that tiles keep and the frontier that the journal keeps are the same tree."""
    edge, size_count = EMPTY_EDGE, 0
    for length in lengths:
        edge, _ = extend(edge, LARGE[size_count : size_count + length])
        size_count += length

    assert Frontier().append_all(leaf_hashes_of(LARGE[:size_count])) == edge.frontier()


def test_a_writer_goes_on_where_another_ended(tmp_path: Path) -> None:
    """A writer that finds the tiles of the frontier before it writes what one writer would have written."""
    entries, frontier = numbered(1_000), Frontier()
    for start in range(0, 1_000, 90):
        frontier = TileWriter(tmp_path).write(entries[start : start + 90], before=frontier)

    assert tree_hash(entries) == frontier.root()
    assert 0 == check_tiles(tmp_path, [entries]).faults_count


@pytest.mark.parametrize("path", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
@pytest.mark.parametrize("change", ["flip", "cut", "gone"])
def test_a_writer_does_not_build_on_a_damaged_edge(tmp_path: Path, path: str, change: str) -> None:
    """A writer that would go on from partial tiles that were changed, cut off or lost refuses and asks for new ones."""
    frontier = written(tmp_path, numbered(300), batch_count=300)
    content = (tmp_path / path).read_bytes()
    (tmp_path / path).write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if change == "flip" else content[:-1])
    if change == "gone":
        (tmp_path / path).unlink()

    with pytest.raises(StoreUnavailable, match=r"make (the tiles|them) again"):
        TileWriter(tmp_path).write([b"more"], before=frontier)


def test_a_failed_write_is_made_good_by_the_same_write(tmp_path: Path) -> None:
    """After a write that the disk refused, the same write by the same writer leaves what one write would have left."""
    entries, writer = numbered(700), TileWriter(tmp_path)
    before = writer.write(entries[:300], before=Frontier())
    (tmp_path / "tile/0/002.p").write_bytes(b"in the way")
    with pytest.raises(StoreUnavailable, match="journal is untouched"):
        writer.write(entries[300:], before=before)
    (tmp_path / "tile/0/002.p").unlink()
    after = writer.write(entries[300:], before=before)

    assert tree_hash(entries) == after.root()
    assert 0 == check_tiles(tmp_path, [entries]).faults_count


def test_proofs_from_tiles_are_those_of_the_tree(tmp_path: Path) -> None:
    """A reader gives the entry, root and proofs that the leaves themselves give, at any size the tiles hold."""
    written(tmp_path, LARGE, batch_count=9_000)
    reader, hashes, chance = TileReader(tmp_path), leaf_hashes_of(LARGE), np.random.default_rng(7)
    sizes = [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, LARGE_COUNT]
    for size in [*sizes, *chance.integers(1, LARGE_COUNT, 15).tolist()]:
        index, old = int(chance.integers(size)), int(chance.integers(size + 1))

        assert root_of(hashes[:size]) == reader.root(tree_size_count=size)
        assert LARGE[index] == reader.entry(index)
        assert hashes[index] == reader.leaf_hash(index, tree_size_count=size)
        assert inclusion_proof(hashes, index, size) == reader.inclusion_proof(index, tree_size_count=size)
        assert consistency_proof(hashes, old, size) == reader.consistency_proof(old, size)


def test_a_reader_says_what_is_missing_or_cut_off(tmp_path: Path) -> None:
    """A tile or bundle that is not there, not whole, or beyond the tree is said to be so, and nothing is made up."""
    written(tmp_path, numbered(600), batch_count=600)
    (tmp_path / "tile/0/000").unlink()
    (tmp_path / "tile/0/001").write_bytes(bytes(100))
    (tmp_path / "tile/entries/001").write_bytes(b"\xff\xff")
    (tmp_path / "tile/entries/000").unlink()
    (tmp_path / "tile/entries/000").mkdir()
    reader = TileReader(tmp_path)

    for index in (0, 300):
        with pytest.raises(StoreUnavailable, match="make the tiles again"):
            reader.inclusion_proof(index, tree_size_count=600)
    with pytest.raises(StoreUnavailable, match="missing"):
        reader.inclusion_proof(5_000, tree_size_count=9_000)
    with pytest.raises(StoreUnavailable, match="damaged"):
        reader.entry(300)
    with pytest.raises(StoreUnavailable, match="reading failed"):
        reader.entry(3)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    """Entries of any lengths, the same or different, come back from their bundle."""
    assert entries == decode_bundle(encode_bundle(entries))


def test_a_bundle_that_is_cut_off_is_no_bundle() -> None:
    """A bundle that ends inside a length or an entry is not read as a shorter one."""
    content = encode_bundle([b"abc", b"de"])
    whole = {length for length in range(len(content) + 1) if decode_bundle(content[:length]) is not None}

    assert {0, 5, 9} == whole


def test_any_byte_changed_in_any_file_is_found(tmp_path: Path) -> None:
    """One byte changed, added or taken away anywhere in tiles and bundles is found, and so is a file that is gone."""
    entries = numbered(1_000)
    written(tmp_path, entries, batch_count=90)
    files, chance = files_of(tmp_path), np.random.default_rng(11)
    for _ in range(300):
        path = sorted(files)[chance.integers(len(files))]
        content, place = files[path], int(chance.integers(len(files[path])))
        changed = bytes([content[place] ^ int(chance.integers(1, 256))])
        beginning = content[:place]
        spoiled = (beginning + changed + content[place + 1 :], beginning, content + changed)[chance.integers(3)]
        (tmp_path / path).write_bytes(spoiled)
        found = check_tiles(tmp_path, [entries[:500], entries[500:]])
        (tmp_path / path).write_bytes(content)

        assert (1, True) == (found.faults_count, path in found.faults[0])


def test_a_file_that_is_gone_or_does_not_belong_is_found(tmp_path: Path) -> None:
    """A tile removed, and a file that no tree of this size has, are faults; an unfinished one is none."""
    entries = numbered(700)
    written(tmp_path, entries, batch_count=700)
    (tmp_path / "tile/0/001").unlink()
    for path in ("0/002.p/999", "0/002.p/0200", "0/007", "0/003.p/2", "entries/x", "entries/002.p/250"):
        (tmp_path / "tile" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "tile" / path).write_bytes(b"\x00\x00")
    (tmp_path / "tile/0/001.part").write_bytes(b"half")
    found = check_tiles(tmp_path, [entries])

    assert 7 == found.faults_count, found.faults
    assert tree_hash(entries) == found.frontier.root()


def test_tiles_made_again_are_the_same(tmp_path: Path) -> None:
    """Tiles made again from the same batches are the same files, whatever stood there before."""
    entries = numbered(900)
    written(tmp_path, entries, batch_count=120)
    whole = files_of(tmp_path)
    (tmp_path / "tile/0/001").write_bytes(b"damaged")
    (tmp_path / "tile/0/777").write_bytes(b"does not belong")
    pieces = [Piece(entries[start : start + 120], is_end=True) for start in range(0, 900, 120)]
    frontier = rebuild_tiles(tmp_path, pieces).frontier

    assert whole == files_of(tmp_path)
    assert tree_hash(entries) == frontier.root()


def test_tiles_can_be_made_where_none_were(tmp_path: Path) -> None:
    """Without any tiles they are made from the journal alone; where the folder is a file, that is said."""
    (tmp_path / "file").write_bytes(b"")

    assert tree_hash(numbered(300)) == rebuild_tiles(tmp_path, [Piece(numbered(300), is_end=True)]).frontier.root()
    assert 0 == check_tiles(tmp_path, [numbered(300)]).faults_count
    with pytest.raises(StoreUnavailable, match="making the tiles again failed"):
        rebuild_tiles(tmp_path / "file", [Piece([b"entry"], is_end=True)])


def test_a_disk_that_takes_less_than_was_given_is_given_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that takes only part of a tile is gone on with, so that no tile is cut off."""
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: whole(descriptor, content[:1000]))
    written(tmp_path, numbered(600), batch_count=600)

    assert 0 == check_tiles(tmp_path, [numbered(600)]).faults_count


def test_all_faults_are_counted_and_some_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files are damaged or unreadable, each is counted, and only the first are named."""
    entries = numbered(1_024)
    written(tmp_path, entries, batch_count=1_024)
    for path in (tmp_path / "tile/0").iterdir():
        path.write_bytes(b"damaged")
    (tmp_path / "tile/entries/000").unlink()
    (tmp_path / "tile/entries/000").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(tiles_check, "FAULTS_SAID_COUNT", 3)
    found = check_tiles(tmp_path, [entries])

    assert (4 + 1, 3) == (found.faults_count, len(found.faults))
