"""A disk that writes down what was done to it, and what may stand on it after a loss of power."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import msgspec
import numpy as np

SECTOR_BYTES = 512
"""What a disk writes whole; a longer write may be cut between sectors."""


class Operation(msgspec.Struct, frozen=True):
    """One thing done to a file; `content` is `None` for a sync, and a cut to `offset` where `is_cut`."""

    file_name: str
    offset: int
    content: bytes | None
    is_cut: bool = False


class RecordingDisk(apsw.VFS):
    """Does everything, and writes down what was done in which order."""

    def __init__(self, operations: list[Operation]) -> None:
        """Stand in for the usual disk from now on."""
        super().__init__("recording", "unix", makedefault=True)
        self.operations = operations

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- SQLite's name
        """Open a file whose writes are noted."""
        operations = self.operations
        file_name = Path(name.filename()).name if isinstance(name, apsw.URIFilename) else Path(str(name)).name

        class RecordingFile(apsw.VFSFile):
            def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802
                operations.append(Operation(file_name, offset, bytes(content)))
                super().xWrite(content, offset)

            def xTruncate(self, size: int) -> None:  # noqa: N802
                operations.append(Operation(file_name, size, b"", is_cut=True))
                super().xTruncate(size)

            def xSync(self, flags: int) -> None:  # noqa: N802, ARG002 -- what is safe is what this disk says
                operations.append(Operation(file_name, 0, None))

        return RecordingFile("unix", name, flags)


def _apply(content: bytearray, operation: Operation, kept: slice) -> None:
    if operation.is_cut:
        del content[operation.offset :]
    elif operation.content is not None:
        start = operation.offset + kept.start
        part = operation.content[kept]
        content.extend(b"\0" * max(0, start - len(content)))
        content[start : start + len(part)] = part


def after_power_loss(
    operations: list[Operation], bases: dict[str, bytes], generator: np.random.Generator
) -> dict[str, bytes]:
    """Give what may stand on the disk: all that was synced, and of the rest any part, cut between sectors."""
    synced_until = {entry.file_name: place for place, entry in enumerate(operations) if entry.content is None}
    files = {name: bytearray(content) for name, content in bases.items()}
    for place, operation in enumerate(operations):
        content = files.setdefault(operation.file_name, bytearray())
        whole = slice(0, len(operation.content or b""))
        if place < synced_until.get(operation.file_name, -1):
            _apply(content, operation, whole)
        elif generator.random() < 0.5:
            sector_count = int(generator.integers(0, whole.stop // SECTOR_BYTES + 2))
            _apply(content, operation, slice(0, min(whole.stop, sector_count * SECTOR_BYTES)))
    return {name: bytes(content) for name, content in files.items()}
