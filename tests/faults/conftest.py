"""Where the tests of this folder work: in memory, where the machine has room for that.

A process that is ended leaves what it wrote to the system, whatever the disk did, and losses of power are simulated:
the machine's own disk adds nothing but its waiting.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY_DISK = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
NEEDED_BYTES = 4 << 30


def _has_room() -> bool:
    return os.access(MEMORY_DISK, os.W_OK) and shutil.disk_usage(MEMORY_DISK).free > NEEDED_BYTES


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory, or the usual one."""
    if not _has_room():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="truceline-faults-", dir=MEMORY_DISK) as folder:
        yield Path(folder)
