"""Laws of writing findings: the same rows in every form, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from truceline.adapters.agreement_events import Rejected
from truceline.adapters.finding_files import ENDINGS, FINDING_SCHEMA, FindingWriter, RejectedWriter
from truceline.errors import InputUnusable, StoreUnavailable


def findings(*event_ids: str) -> pl.DataFrame:
    """Give one finding for each event."""
    rows = [
        dict.fromkeys(FINDING_SCHEMA)
        | {"event_id": event_id, "kind": "exempt", "start": datetime(2030, 1, 1, tzinfo=UTC)}
        for event_id in event_ids
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA)


def read(path: Path) -> list[str]:
    """Read the event ids of a table of findings."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path)["event_id"].to_list()
    if path.suffix == ".csv":
        return pl.read_csv(path)["event_id"].to_list()
    return [json.loads(line)["event_id"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", ENDINGS)
def test_frames_written_one_after_the_other_are_one_table(tmp_path: Path, ending: str) -> None:
    """However findings are cut into frames, the file holds all of them in order."""
    path = tmp_path / "new" / f"findings{ending}"
    with FindingWriter(path) as writer:
        writer.write(findings("a", "b"))
        writer.write(findings())
        writer.write(findings("c"))

    assert ["a", "b", "c"] == read(path)
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_fails_leaves_nothing_behind(tmp_path: Path, ending: str) -> None:
    """A file that was there before stays as it was if the writing fails."""
    path = tmp_path / f"findings{ending}"
    path.write_text("before")

    def stopped() -> None:
        with FindingWriter(path) as writer:
            writer.write(findings("a"))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped()

    assert "before" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Another ending and a folder that is a file are refused with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputUnusable, match=r"does not end in \.parquet"):
        FindingWriter(tmp_path / "findings.xlsx")
    with pytest.raises(StoreUnavailable, match="cannot be written"), FindingWriter(tmp_path / "file" / "a.csv"):
        pass


def test_rejected_rows_stand_beside_the_findings(tmp_path: Path) -> None:
    """Each row that cannot be used has its file, place and reason; without any, an earlier list goes."""
    out = tmp_path / "findings.csv"
    writer = RejectedWriter(out)
    writer.write([])
    writer.write([Rejected("a.csv", 3, "is, no time")])
    writer.write([Rejected("a.csv", 9, "b")])
    writer.close()

    assert 2 == writer.row_count
    assert 'file_name,row_index,reason\na.csv,3,"is, no time"\na.csv,9,b\n' == writer.path.read_text()
    RejectedWriter(out).close()
    assert not writer.path.exists()


def test_rejected_rows_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    """A folder that is not there is a failure of the world, said with the path."""
    with pytest.raises(StoreUnavailable, match=r"rejected\.csv: cannot be written"):
        RejectedWriter(tmp_path / "absent" / "a.csv").write([Rejected("a.csv", 0, "b")])
