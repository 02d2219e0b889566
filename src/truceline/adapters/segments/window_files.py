"""Files of a gateway's windows: their records as the log takes them, and which segments stand in each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from truceline.adapters.segments.files import read_file
from truceline.adapters.segments.format import HASH_BYTES, KEY_ID_BYTES
from truceline.adapters.segments.gateway import GatewayWindow, Member, WindowRoots
from truceline.adapters.segments.outputs import write_table
from truceline.adapters.stores.durable import durable_file
from truceline.errors import InputUnusable

WINDOWS_NAME = "windows.jsonl"
MEMBERS_NAME = "window_segments.parquet"
_HASH = re.compile("[0-9a-f]{64}")

MEMBERS_SCHEMA = pa.schema(
    [
        pa.field("window_start_ms", pa.int64(), nullable=False),
        pa.field("leaf_index", pa.int32(), nullable=False),
        pa.field("key_id", pa.binary(KEY_ID_BYTES), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("digest", pa.binary(HASH_BYTES), nullable=False),
    ]
)
"""One row per leaf of a window, in the order of the leaves: all it takes to prove a segment again years later."""


def write_windows(folder: Path, roots: WindowRoots) -> None:
    """Write the records of all windows, one a line in canonical bytes, and the segments of each."""
    with durable_file(folder / WINDOWS_NAME) as stream:
        stream.write(b"".join(window.leaf_bytes() + b"\n" for window in roots.windows()))
    write_table(folder / MEMBERS_NAME, members_table(roots.members()))


def members_table(members: Sequence[Member]) -> pa.Table:
    """Give members in `MEMBERS_SCHEMA`, in the order given."""
    columns = zip(*members, strict=True) if members else [()] * len(MEMBERS_SCHEMA)
    return pa.table(dict(zip(MEMBERS_SCHEMA.names, map(list, columns), strict=True)), schema=MEMBERS_SCHEMA)


def read_windows(path: Path) -> list[GatewayWindow]:
    """Read the records of windows; raise `InputUnusable` for a line that is none in canonical bytes."""
    windows = []
    for number, line in enumerate(read_file(path).splitlines(), start=1):
        try:
            window = msgspec.json.decode(line, type=GatewayWindow)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputUnusable(f"{path}: line {number} is no record of a window ({error})") from error
        if window.leaf_bytes() != line:
            raise InputUnusable(f"{path}: line {number} is not in canonical bytes, so it was changed")
        if not _HASH.fullmatch(window.root):
            raise InputUnusable(f"{path}: line {number} has no SHA-256 for a root ({window.root!r:.80})")
        windows.append(window)
    return windows


def read_members(path: Path) -> list[Member]:
    """Read which segments stand in which window; raise `InputUnusable` for a file of another kind."""
    try:
        table = pq.read_table(pa.BufferReader(read_file(path)), schema=MEMBERS_SCHEMA)
    except (pa.ArrowException, ValueError) as error:
        raise InputUnusable(f"{path}: is no table of windows' segments ({error})") from error
    return [Member(*row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
