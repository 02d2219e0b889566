"""Where commands write: the store they share, and files whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from truceline.errors import StoreUnavailable

STORE_DEFAULT = Path("truceline-store")
"""The store of the commands that are told none: beside where one stands."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file through a temporary neighbour, so that a reader never sees half of it; or say what failed."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreUnavailable(f"{path}: cannot be written ({error.strerror})") from error
