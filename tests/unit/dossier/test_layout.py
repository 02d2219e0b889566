"""A dossier file has one byte form, and nothing else is taken for one."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.dossier import layout
from truceline.dossier.layout import MANIFEST_PATH, REQUIRED_PATHS, LayoutFault, is_known_path, pack, unpack

SMALL = {path: path.encode() for path in (MANIFEST_PATH, *REQUIRED_PATHS)}
NUMBERED = {f"received/{'a' * 64}": b"", "log/proofs/0001.tlog-proof": b"x", "log/stamps/0000.tsr": b"y"}


@given(contents=st.lists(st.binary(max_size=200), min_size=len(SMALL), max_size=len(SMALL)))
def test_what_is_packed_is_unpacked(contents: list[bytes]) -> None:
    """Every set of entries comes back as it was, in whatever order it was given, as the same bytes."""
    entries = {**dict(zip(SMALL, contents, strict=True)), **NUMBERED}
    body = pack(entries)

    assert entries == unpack(body)
    assert body == pack(dict(reversed(entries.items())))


def test_it_is_a_zip_that_other_programs_read() -> None:
    """The standard library's reader gives the same entries, the manifest first, all of one date and none compressed."""
    with zipfile.ZipFile(io.BytesIO(pack({**SMALL, **NUMBERED}))) as opened:
        infos = opened.infolist()

        assert opened.testzip() is None
        assert infos[0].filename == MANIFEST_PATH
        assert {(1980, 1, 1, 0, 0, 0)} == {info.date_time for info in infos}
        assert {zipfile.ZIP_STORED} == {info.compress_type for info in infos}
        assert sorted({**SMALL, **NUMBERED}) == sorted(opened.namelist())


@settings(max_examples=400)
@given(place=st.integers(0, len(pack(SMALL)) - 1), bits=st.integers(1, 255))
def test_any_changed_byte_is_found(place: int, bits: int) -> None:
    """A file with one byte changed, wherever and however, is none."""
    body = bytearray(pack(SMALL))
    body[place] ^= bits

    with pytest.raises(LayoutFault):
        unpack(bytes(body))


@given(length=st.integers(0, len(pack(SMALL)) - 1))
def test_a_cut_off_file_is_found(length: int) -> None:
    """A file that ends early is none, wherever it ends."""
    with pytest.raises(LayoutFault):
        unpack(pack(SMALL)[:length])


@pytest.mark.parametrize("tail", [b"\0", b"PK\5\6" + bytes(18)])
def test_nothing_may_stand_behind_or_before_it(tail: bytes) -> None:
    """Bytes behind the end or before the beginning are found, so that no second file can hide in the first."""
    for body in (pack(SMALL) + tail, tail + pack(SMALL)):
        with pytest.raises(LayoutFault):
            unpack(body)


@pytest.mark.parametrize(
    "path",
    [
        "../dossier.json",
        "/etc/passwd",
        "received/../../x",
        "received/short",
        "observations\\used.jsonl",
        "DOSSIER.JSON",
        "log/proofs/00001.tlog-proof",
        "log/proofs/١٢٣٤.tlog-proof",
        "dossier.json\n",
        "x" * 300,
    ],
)
def test_only_known_paths_are_taken(path: str) -> None:
    """No path leads out of the file, and none is there that the layout does not name."""
    assert not is_known_path(path)
    with pytest.raises(LayoutFault):
        pack({**SMALL, path: b""})


def _zip_of(entries: list[tuple[str, bytes]], *, compression: int = zipfile.ZIP_STORED) -> bytes:
    """Give a zip as the standard library writes it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as opened:
        for path, content in entries:
            opened.writestr(path, content)
    return stream.getvalue()


def test_a_compressed_file_is_refused_unread() -> None:
    """Nothing is inflated, so a small file cannot unfold into a large one."""
    bomb = _zip_of([(MANIFEST_PATH, bytes(50_000_000))], compression=zipfile.ZIP_DEFLATED)

    with pytest.raises(LayoutFault, match="compressed"):
        unpack(bomb)


def test_a_name_twice_is_refused() -> None:
    """Of two entries of one name readers might take different ones, so there may be only one."""
    local = pack(SMALL)[: 30 + 2 * len(MANIFEST_PATH)]

    with pytest.raises(LayoutFault, match="twice"):
        unpack(local + pack(SMALL))


@pytest.mark.parametrize(
    ("name", "limit_count"),
    [
        ("ENTRY_MAX_COUNT", len(SMALL)),
        ("ENTRY_MAX_BYTES", 20),
        ("FILE_MAX_BYTES", 600),
        ("PATH_MAX_CHARACTER_COUNT", 15),
    ],
)
def test_every_bound_holds(monkeypatch: pytest.MonkeyPatch, name: str, limit_count: int) -> None:
    """More entries, larger ones, a larger file or longer names than the bounds are refused, written and read."""
    body = pack({**SMALL, **NUMBERED})
    monkeypatch.setattr(layout, name, limit_count)

    with pytest.raises(LayoutFault):
        unpack(body)
    with pytest.raises(LayoutFault):
        pack({**SMALL, **NUMBERED})


def test_a_missing_entry_is_named() -> None:
    """A file without one of the entries that must be there is none."""
    with pytest.raises(LayoutFault, match=r"settings\.json is missing"):
        pack({path: body for path, body in SMALL.items() if path != "settings.json"})


def test_a_size_beyond_the_end_is_refused() -> None:
    """An entry that says it is longer than the file is found before anything is made of it."""
    body = bytearray(pack(SMALL))
    struct.pack_into("<II", body, 18, 1 << 20, 1 << 20)

    with pytest.raises(LayoutFault, match="within an entry"):
        unpack(bytes(body))
