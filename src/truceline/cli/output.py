"""Where commands write: the store they share, and files whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from truceline.errors import StoreUnavailable

SYNTHETIC_MARK = "SYNTHETIC DATA: no real place, party or event"
"""The first line of everything a command prints about a made-up theatre."""

STORE_DEFAULT = Path("truceline-store")
"""The store of the commands that are told none: beside where one stands."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file through a temporary neighbour, so that a reader never sees half of it; or say what failed.

    A link is followed; what is there and is not a regular file (a device, a pipe, a folder) is never replaced.
    """
    place = path.resolve()
    partial = place.with_name(f".{place.name}.partial")
    try:
        if place.exists() and not place.is_file():
            raise StoreUnavailable(f"{path}: is not a regular file, and is not replaced")
        place.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(place)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreUnavailable(f"{path}: cannot be written ({error.strerror})") from error
