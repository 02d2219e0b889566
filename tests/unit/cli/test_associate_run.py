"""`truceline associate run`: files in, parts of a solution out, and a run that can be ended and continued."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from laws.tile_world import MODALITIES, START_NS, blasts, detection_table, network, solve_simply, station_table
from truceline.associate.network import Solution
from truceline.cli import associate_run, associate_run_input
from truceline.errors import InputUnusable, SourceUnavailable, StoreUnavailable
from truceline.runners.tile_solving import TileTask
from truceline.runners.tile_tables import DIGEST_START, rows_digest

TABLE = detection_table(blasts(4), network(), late_share=0.2)
SOLVER = (solve_simply, "simple")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write stations and detections as Parquet, in small row groups, by time of receipt."""
    ordered = TABLE.take(np.argsort(TABLE["received_time"].to_numpy(), kind="stable"))
    pq.write_table(station_table(), tmp_path / "stations.parquet")
    pq.write_table(ordered, tmp_path / "heard.parquet", row_group_size=40)
    return tmp_path


def options(folder: Path, out: str, *more: str, heard: tuple[str, ...] = ("heard.parquet",)) -> argparse.Namespace:
    """Give the options of a command line."""
    parser = argparse.ArgumentParser()
    associate_run.add_parser(parser.add_subparsers())
    files = ["--stations", str(folder / "stations.parquet"), "--detections", *(str(folder / name) for name in heard)]
    return parser.parse_args(["run", *files, "--out", str(folder / out), *more])


def run(args: argparse.Namespace, solver: Callable[[TileTask], Solution] = solve_simply) -> int:
    """Run with the simple solver."""
    return associate_run.run_with(args, (solver, "simple"), MODALITIES)


def digest_of(out: Path) -> str:
    """Compute the digest of a solution from its files alone."""
    events, members = (
        pa.concat_tables([pq.read_table(path) for path in sorted((out / name).glob("*.parquet"))])
        for name in ("events", "members")
    )
    return rows_digest(DIGEST_START, events, members).hex()


def test_the_summary_says_what_became_of_every_detection(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run writes its rows and says events, revisions, reasons, rate, grid and the digest that the files have."""
    run(options(folder, "solution", "--level", "all"))
    shown = capsys.readouterr()
    summary = json.loads((folder / "solution" / "summary.json").read_text())

    assert "4 events in" in shown.out
    assert f"from {TABLE.num_rows} detections delivered" in shown.out
    assert f"rows sha256 {digest_of(folder / 'solution')}" in shown.out
    assert summary["rows_sha256"] == digest_of(folder / "solution")
    assert summary["grid_id"] in shown.out
    assert summary["grid_id"] in shown.err
    assert {"preliminary", "confirmed", "final"} <= set(summary["totals"]["status_counts"])


def test_files_of_any_kind_and_order_give_one_digest(folder: Path) -> None:
    """Text or Parquet, one file or several, in order of receipt or not, the rows are the same."""
    half = TABLE.num_rows // 2
    pacsv.write_csv(TABLE.slice(half), folder / "late.csv")
    pq.write_table(TABLE.slice(0, half), folder / "soon.parquet")
    run(options(folder, "one"))
    run(options(folder, "two", heard=("late.csv", "soon.parquet")))
    run(options(folder, "three", "--processes", "2", heard=("soon.parquet", "late.csv")))

    assert digest_of(folder / "one") == digest_of(folder / "two") == digest_of(folder / "three")


class Ended(Exception):
    """The process would have ended here."""


def test_a_run_that_was_ended_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run ended in any piece and started again writes the rows of one that was not ended."""
    monkeypatch.setattr(associate_run, "SAVE_ROW_COUNT", 1)
    monkeypatch.setattr(associate_run_input, "PIECE_ROW_COUNT", 15)
    run(options(folder, "whole", "--level", "all"))
    calls = {"left_count": 3}

    def ends_now_and_then(task: TileTask) -> Solution:
        calls["left_count"] -= 1
        if calls["left_count"] < 0:
            raise Ended
        return solve_simply(task)

    ended_count = 0
    for _ in range(60):
        calls["left_count"] = 1 + ended_count
        try:
            run(options(folder, "parts", "--level", "all", "--state", str(folder / "state")), ends_now_and_then)
            break
        except Ended:
            ended_count += 1

    assert ended_count > 2
    assert digest_of(folder / "whole") == digest_of(folder / "parts")


def test_a_run_kept_open_takes_the_next_day(folder: Path) -> None:
    """With --keep-open what is not due waits for the next files, and both calls say what one would have said."""
    ordered = pq.read_table(folder / "heard.parquet")
    pq.write_table(ordered.slice(0, 100), folder / "first.parquet")
    pq.write_table(ordered.slice(100), folder / "second.parquet")
    state = ("--state", str(folder / "state"))
    run(options(folder, "whole"))
    run(options(folder, "parts", *state, "--keep-open", heard=("first.parquet",)))
    run(options(folder, "parts", *state, heard=("second.parquet",)))

    assert digest_of(folder / "whole") == digest_of(folder / "parts")
    with pytest.raises(InputUnusable, match="was brought to its end without --keep-open"):
        run(options(folder, "parts", *state, heard=("first.parquet",)))


def test_a_second_call_with_the_same_files_says_nothing_new(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finished run called again reads nothing and leaves its files as they are."""
    state = ("--state", str(folder / "state"))
    run(options(folder, "out", *state))
    before = {path: path.read_bytes() for path in (folder / "out").rglob("*.parquet")}
    run(options(folder, "out", *state))

    assert before == {path: path.read_bytes() for path in (folder / "out").rglob("*.parquet")}
    assert "0 detections in this call" in capsys.readouterr().out


def test_a_state_in_the_middle_of_other_files_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that stands in the middle of some files does not go on with others."""
    monkeypatch.setattr(associate_run, "SAVE_ROW_COUNT", 1)
    monkeypatch.setattr(associate_run, "_write_summary", _end)
    pq.write_table(TABLE.slice(0, 10), folder / "other.parquet")
    state = folder / "state"
    with pytest.raises(Ended):
        run(options(folder, "out", "--state", str(state)))
    import msgspec

    stored = msgspec.msgpack.decode(state.read_bytes())
    state.write_bytes(msgspec.msgpack.encode({**stored, "is_done": False, "is_closed": False}))

    with pytest.raises(InputUnusable, match="stands in the middle of other files"):
        run(options(folder, "out", "--state", str(state), heard=("other.parquet",)))


def _end(*_: object) -> None:
    raise Ended


def test_what_cannot_be_served_is_said(folder: Path) -> None:
    """A folder in use, a state that is none, a file that cannot be read and a wrong kind of file are each refused."""
    run(options(folder, "out"))
    (folder / "state").write_bytes(b"\xc1")
    (folder / "broken.parquet").write_bytes(b"PAR1")
    (folder / "x.txt").write_text("x")
    pq.write_table(TABLE.drop_columns(["received_time"]), folder / "short.parquet")

    with pytest.raises(InputUnusable, match="holds a solution already"):
        run(options(folder, "out"))
    with pytest.raises(StoreUnavailable, match="is no state of a run"):
        run(options(folder, "other", "--state", str(folder / "state")))
    with pytest.raises(SourceUnavailable, match=r"broken\.parquet: cannot be read"):
        run(options(folder, "other", heard=("broken.parquet",)))
    with pytest.raises(SourceUnavailable, match=r"none\.csv: cannot be read"):
        run(options(folder, "other", heard=("none.csv",)))
    with pytest.raises(InputUnusable, match=r"x\.txt: is neither"):
        run(options(folder, "other", heard=("x.txt",)))
    with pytest.raises(InputUnusable, match=r"short\.parquet: columns \['received_time'\] are missing"):
        run(options(folder, "other", heard=("short.parquet",)))
    with pytest.raises(InputUnusable, match="--keep-open needs --state"):
        run(options(folder, "other", "--keep-open"))
    with pytest.raises(SystemExit):
        options(folder, "other", "--processes", "0")


def test_watermarks_never_pass_what_is_still_to_come(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each piece the watermark lies before everything received in the pieces after it."""
    monkeypatch.setattr(associate_run_input, "PIECE_ROW_COUNT", 25)
    pq.write_table(TABLE.slice(0, 0), folder / "empty.parquet")
    plan = associate_run_input.plan_of([folder / "heard.parquet", folder / "empty.parquet"])
    taken = list(associate_run_input.pieces(plan, skipped_count=0))
    received = [piece.table["received_time"].cast(pa.int64()).to_numpy() for piece in taken]

    assert TABLE.num_rows == plan.total_row_count
    assert max(plan.row_counts) <= 25
    for at, piece in enumerate(taken):
        later = np.concatenate([*received[at + 1 :], [2**62]])
        assert piece.watermark_ns is None or piece.watermark_ns < later.min()
    assert [None, None] == list(plan.watermarks_ns[-2:])
    assert plan.last_received_ns is not None
    assert plan.last_received_ns > START_NS


def test_a_file_that_changes_while_it_is_read_is_refused(folder: Path) -> None:
    """A file whose pieces are not those of the first look is refused instead of half used."""
    plan = associate_run_input.plan_of([folder / "heard.parquet"])
    pq.write_table(TABLE.slice(0, 10), folder / "heard.parquet")

    with pytest.raises(InputUnusable, match="changed while it was read"):
        list(associate_run_input.pieces(plan, skipped_count=0))
