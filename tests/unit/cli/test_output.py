"""Laws of writing files, and of a command whose output cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from truceline.cli.output import write_bytes
from truceline.errors import StoreUnavailable

FULL = Path("/dev/full")


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    """What a link points to is written; the link itself is not replaced."""
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_bytes(b"old")
    link.symlink_to(real)

    write_bytes(link, b"new")

    assert (True, b"new") == (link.is_symlink(), real.read_bytes())


def test_what_is_not_a_regular_file_is_never_replaced(tmp_path: Path) -> None:
    """A pipe and a folder are refused, and stay what they are."""
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()

    for place in (pipe, folder):
        with pytest.raises(StoreUnavailable, match="not a regular file"):
            write_bytes(place, b"x")

    assert pipe.is_fifo()
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """Writing below a regular file is answered in one sentence, and leaves nothing behind."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StoreUnavailable, match="cannot be written"):
        write_bytes(tmp_path / "file" / "out.json", b"x")

    assert [tmp_path / "file"] == list(tmp_path.iterdir())


@pytest.mark.skipif(not FULL.is_char_device(), reason="this machine has no full device")
def test_a_full_output_is_said_in_one_line(tmp_path: Path) -> None:
    """A command whose printed answer cannot be written ends with 1 and one line, not with a trace."""
    claims = tmp_path / "claims.csv"
    claims.write_text(
        "claimant,actor,start_utc,end_utc,weapon_class,model,launched,destroyed\n"
        "UA,RU,2025-04-01T10:00Z,2025-04-01T12:00Z,missile,X,1,1\n"
    )
    windows = tmp_path / "windows.csv"
    windows.write_text("window_id,start_utc,end_utc\nx,2025-04-01T00:00Z,2025-04-02T00:00Z\n")
    words = ["adherence", "--data", str(claims), "--windows", str(windows)]
    with FULL.open("wb") as full:
        ended = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", "import sys; from truceline.cli import main; sys.exit(main(sys.argv[1:]))", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert b"cannot be written" in ended.stderr
