"""The one byte layout of a dossier file: a zip of stored entries in fixed order, with nothing else in it.

Stored, because compressed bytes depend on the library that made them: two machines would not write the same file, and
a small file could unfold into a large one. Dates, attributes and versions are constants, extra fields and comments are
not there. So a file has exactly one form, and `unpack` takes no other (PKWARE APPNOTE 6.3.10, 4.3.6 to 4.3.16).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping

ENTRY_MAX_COUNT = 2_000
"""Entries a dossier file may have."""

ENTRY_MAX_BYTES = 64 << 20
"""Size of one entry; a received file that is larger stays outside, named by its hash."""

FILE_MAX_BYTES = 256 << 20
"""Size of a dossier file: the bound on memory of whoever reads it."""

PATH_MAX_CHARACTER_COUNT = 160
"""Length of an entry's path."""

MANIFEST_PATH = "manifest.json"
"""The first entry: what the file is about, and path, size and SHA-256 of every other entry."""

SINGLE_PATHS = (
    "README.txt",
    "dossier.json",
    "files.jsonl",
    "lines.jsonl",
    "log/index.json",
    "log/policy.txt",
    "not_held.json",
    "observations/known_not_used.jsonl",
    "observations/same_day.jsonl",
    "observations/used.jsonl",
    "replies.json",
    "settings.json",
    "supersession.json",
    "verify_dossier.py",
)
"""Entries of which there is one; which of them must be there says `REQUIRED_PATHS`."""

REQUIRED_PATHS = tuple(path for path in SINGLE_PATHS if not path.startswith(("log/", "observations/same_day")))
"""Entries without which a file is no dossier file. `log/` is there where a log was named, the day where it fits."""

NUMBERED_PATHS = re.compile(
    r"received/[0-9a-f]{64}|texts/[0-9a-f]{64}|replies/[0-9a-f]{64}"
    r"|log/proofs/[0-9]{4}\.tlog-proof|log/stamps/[0-9]{4}\.tsr"
)
"""Entries of which there may be many: received bytes, texts and replies by SHA-256, proofs and stamps by number."""

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _MADE_BY, _DATE, _MODE = 20, 0x0314, 0x0021, 0o100644 << 16


class LayoutFault(ValueError):
    """The bytes are not a dossier file; the message says where and why."""


def pack(entries: Mapping[str, bytes]) -> bytes:
    """Give the one file of these entries: the manifest first, the others in the order of their paths."""
    _require_bounds(entries)
    parts: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for path in ordered_paths(entries):
        name, content = path.encode(), entries[path]
        crc, size = zlib.crc32(content), len(content)
        local = _LOCAL.pack(b"PK\3\4", _VERSION, 0, 0, 0, _DATE, crc, size, size, len(name), 0) + name
        central = (_MADE_BY, _VERSION, 0, 0, 0, _DATE, crc, size, size, len(name), 0, 0, 0, 0, _MODE, offset)
        directory.append(_CENTRAL.pack(b"PK\1\2", *central) + name)
        parts += (local, content)
        offset += len(local) + size
    listed = b"".join(directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), len(listed), offset, 0)
    return b"".join((*parts, listed, end))


def unpack(body: bytes) -> dict[str, bytes]:
    """Give the entries of a dossier file, or raise `LayoutFault` where a single byte is not where it belongs."""
    if len(body) > FILE_MAX_BYTES:
        raise LayoutFault(f"size={len(body)} bytes is above {FILE_MAX_BYTES}")
    entries: dict[str, bytes] = {}
    offset = 0
    while body[offset : offset + 4] == b"PK\3\4":
        path, content, offset = _entry_at(body, offset)
        if path in entries:
            raise LayoutFault(f"{path} stands in the file twice")
        entries[path] = content
        if len(entries) > ENTRY_MAX_COUNT:
            raise LayoutFault(f"entries are more than {ENTRY_MAX_COUNT}")
    _require_bounds(entries)
    expected = pack(entries)
    if expected != body:
        place = next((i for i, (a, b) in enumerate(zip(expected, body, strict=False)) if a != b), len(expected))
        raise LayoutFault(f"byte {place} is not that of the canonical form")
    return entries


def ordered_paths(paths: Mapping[str, bytes]) -> list[str]:
    """Give paths in the order in which they stand in a file."""
    return sorted(paths, key=lambda path: (path != MANIFEST_PATH, path))


def is_known_path(path: str) -> bool:
    """Say whether an entry of this path may be in a dossier file: so nothing can be written anywhere else."""
    if len(path) > PATH_MAX_CHARACTER_COUNT:
        return False
    return path == MANIFEST_PATH or path in SINGLE_PATHS or NUMBERED_PATHS.fullmatch(path) is not None


def _entry_at(body: bytes, offset: int) -> tuple[str, bytes, int]:
    """Give path and content of the entry that begins at an offset, and where the next one begins."""
    if offset + _LOCAL.size > len(body):
        raise LayoutFault(f"the file ends at byte {len(body)}, within an entry's header")
    _, _, _, method, _, _, crc, packed_size, size, name_length, extra_length = _LOCAL.unpack_from(body, offset)
    if method != 0 or packed_size != size or extra_length != 0:
        raise LayoutFault(f"the entry at byte {offset} is compressed or has extra fields; dossier files store plainly")
    if size > ENTRY_MAX_BYTES or name_length > PATH_MAX_CHARACTER_COUNT:
        raise LayoutFault(f"the entry at byte {offset} has size={size} bytes, path length={name_length}: too much")
    begin = offset + _LOCAL.size + name_length
    content = body[begin : begin + size]
    if len(content) != size:
        raise LayoutFault(f"the file ends at byte {len(body)}, within an entry")
    path = body[offset + _LOCAL.size : begin].decode("ascii", "replace")
    if not is_known_path(path):
        raise LayoutFault(f"{path[:PATH_MAX_CHARACTER_COUNT]!r} is no entry of a dossier file")
    if zlib.crc32(content) != crc:
        raise LayoutFault(f"{path}: its CRC-32 does not match its content")
    return path, content, begin + size


def _require_bounds(entries: Mapping[str, bytes]) -> None:
    """Hold that the entries are those of a dossier file and within every bound."""
    strange = sorted(path for path in entries if not is_known_path(path))
    if strange:
        raise LayoutFault(f"{strange[0]!r} is no entry of a dossier file")
    missing = [path for path in (MANIFEST_PATH, *REQUIRED_PATHS) if path not in entries]
    if missing:
        raise LayoutFault(f"{missing[0]} is missing")
    if len(entries) > ENTRY_MAX_COUNT:
        raise LayoutFault(f"entries={len(entries)} is above {ENTRY_MAX_COUNT}")
    largest = max(entries, key=lambda path: len(entries[path]))
    if len(entries[largest]) > ENTRY_MAX_BYTES:
        raise LayoutFault(f"{largest}: size={len(entries[largest])} bytes is above {ENTRY_MAX_BYTES}")
    if sum(map(len, entries.values())) > FILE_MAX_BYTES - ENTRY_MAX_COUNT * 512:
        raise LayoutFault(f"the entries together are above {FILE_MAX_BYTES} bytes")
