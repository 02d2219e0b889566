"""Laws of the tile runner: what is said follows from the set of detections and their times of receipt, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from laws.tile_world import (
    CENTRE_X_M,
    CENTRE_Y_M,
    GRID,
    PLANE,
    START_NS,
    Blast,
    blasts,
    detection_table,
    network,
    new_run,
    settings,
    solve_simply,
    table_of,
)
from truceline.associate.network import Solution
from truceline.physics.geodesy import points_of
from truceline.runners.tile_solving import Solving, TileTask
from truceline.runners.tile_tables import DIGEST_START, rows_digest
from truceline.runners.tiles import TileOutput, TileRun

AFTER_ALL_NS = START_NS + 100_000 * 10**9
STATIONS = network()
DETECTIONS = detection_table(blasts(), STATIONS)


def received_ns(table: pa.Table) -> np.ndarray:
    """Give times of receipt."""
    return np.asarray(table["received_time"].cast(pa.int64()))


def in_batches(table: pa.Table, size_count: int) -> Iterator[tuple[pa.Table, int]]:
    """Cut a table, each batch with the watermark that nothing still to come contradicts."""
    received = received_ns(table)
    for begin in range(0, table.num_rows, size_count):
        rest = received[begin + size_count :]
        yield table.slice(begin, size_count), int(rest.min()) - 1 if len(rest) else AFTER_ALL_NS


def run_through(run: TileRun, batches: Iterator[tuple[pa.Table, int]]) -> TileOutput:
    """Give everything a run says of its batches."""
    outputs = [run.step([table], watermark_ns) for table, watermark_ns in batches]
    return TileOutput(*(pa.concat_tables(column) for column in zip(*outputs, strict=True)))


def shuffled(table: pa.Table, *, seed: int = 1) -> pa.Table:
    """Give the rows in another order."""
    return table.take(np.random.default_rng(seed).permutation(table.num_rows))


def with_duplicates(table: pa.Table) -> pa.Table:
    """Deliver a tenth of the rows again, received when they were received the first time, in any order."""
    again = np.random.default_rng(2).choice(table.num_rows, table.num_rows // 10, replace=False)
    return shuffled(pa.concat_tables([table, table.take(again)]))


def newest(events: pa.Table) -> pl.DataFrame:
    """Give the newest revision of each event, with metres from the network's middle and seconds after the start."""
    frame = pl.from_arrow(events)
    assert isinstance(frame, pl.DataFrame)
    last = frame.sort("event_id", "revision_index").group_by("event_id", maintain_order=True).last()
    x_m, y_m = PLANE.project_m(points_of(last["longitude_deg"].to_numpy(), last["latitude_deg"].to_numpy()))
    return last.with_columns(
        east_m=pl.Series(x_m - CENTRE_X_M),
        north_m=pl.Series(y_m - CENTRE_Y_M),
        time_s=(last["origin_time"].cast(pl.Int64) - START_NS) / 1e9,
    ).sort("time_s", "east_m")


def of_blasts(frame: pl.DataFrame, truth: Sequence[Blast]) -> list[int]:
    """Count the events in force within 200 m and 1 s of each explosion."""
    standing = frame.filter(pl.col("evaluation_status") != "rejected")
    east_m, north_m, time_s = (standing[name].to_numpy() for name in ("east_m", "north_m", "time_s"))
    near = [np.hypot(east_m - blast.east_m, north_m - blast.north_m) < 200.0 for blast in truth]
    then = [np.abs(time_s - blast.time_s) < 1.0 for blast in truth]
    return [int(np.count_nonzero(place & time)) for place, time in zip(near, then, strict=True)]


@pytest.fixture(scope="module")
def at_once() -> tuple[TileRun, TileOutput]:
    """Run everything in one batch."""
    run = new_run(STATIONS)
    return run, run.step([DETECTIONS], AFTER_ALL_NS)


def test_every_event_is_found_once_at_every_level(at_once: tuple[TileRun, TileOutput]) -> None:
    """Events far apart are each issued once, at their true place, and end as final."""
    frame = newest(at_once[1].events)

    assert [1] * len(blasts()) == of_blasts(frame, blasts())
    assert {"final": len(blasts())} == dict(frame["evaluation_status"].value_counts().iter_rows())
    assert {"preliminary", "confirmed", "final"} == set(at_once[1].events["evaluation_status"].to_pylist())


@pytest.mark.parametrize("size_count", [3, 17, 50, 120, 1_000])
def test_order_and_batch_size_do_not_matter(at_once: tuple[TileRun, TileOutput], size_count: int) -> None:
    """Whatever the order of rows and the size of batches, the same rows are said in the same order."""
    run = new_run(STATIONS)
    said = run_through(run, in_batches(shuffled(DETECTIONS, seed=size_count), size_count))

    assert at_once[0].digest == run.digest
    assert at_once[1].events.equals(said.events)
    assert at_once[1].members.equals(said.members)


@pytest.mark.parametrize("size_count", [40, 1_000])
def test_twice_is_once(at_once: tuple[TileRun, TileOutput], size_count: int) -> None:
    """A tenth delivered twice changes nothing that is said, and each second delivery is counted."""
    run = new_run(STATIONS)
    run_through(run, in_batches(with_duplicates(DETECTIONS), size_count))

    assert at_once[0].digest == run.digest
    assert {"duplicate": DETECTIONS.num_rows // 10} == {
        reason: count for reason, count in run.counts.reason_counts.items() if reason not in {"seam", "watermark_jump"}
    }


def test_a_run_ended_after_every_batch_goes_on(at_once: tuple[TileRun, TileOutput]) -> None:
    """A run that is written to bytes and read back after every batch says the same, and its bytes are the same."""
    ordered = DETECTIONS.take(np.argsort(received_ns(DETECTIONS), kind="stable"))
    whole, state = new_run(STATIONS), new_run(STATIONS).state()
    for table, watermark_ns in in_batches(ordered, 25):
        whole.step([table], watermark_ns)
        run = new_run(STATIONS, state=state)
        run.step([table], watermark_ns)
        state = run.state()

        assert whole.state() == state
    assert at_once[0].digest == run.digest
    assert at_once[0].totals == run.totals


def test_two_processes_say_what_one_says(at_once: tuple[TileRun, TileOutput]) -> None:
    """The number of processes changes neither what is said nor its order."""
    with Solving(solve_simply, solver_id="simple", processes_count=2) as solving:
        run = new_run(STATIONS, solving=solving)
        said = run.step([DETECTIONS], AFTER_ALL_NS)

    assert at_once[0].digest == run.digest
    assert at_once[1].members.equals(said.members)


def test_the_digest_follows_from_the_rows(at_once: tuple[TileRun, TileOutput]) -> None:
    """Whoever has the rows can compute the digest of the run, and one changed number gives another."""
    run, said = at_once
    changed = said.members.set_column(
        3, "member_probability", pa.array(said.members["member_probability"].to_numpy() * 0.5)
    )

    assert run.digest == rows_digest(DIGEST_START, *said).hex()
    assert run.digest != rows_digest(DIGEST_START, said.events, changed).hex()


BORDER = [
    Blast(0.0, 0.0, 15.0),
    Blast(20.0, -4_000.0, 40.0),
    Blast(3_000.0, 10.0, 60.0),
    Blast(-6_000.0, 2_000.0, 89.999),
    Blast(6_000.0, -1.0, 120.001),
    Blast(-30.0, 5.0, 150.0),
]
"""Explosions on the borders of tiles, of slabs, and of both, one where four tiles meet."""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_events_on_borders_appear_once(seed: int) -> None:
    """An event at the border of tiles or slabs is issued once and not lost, wherever the noise puts it."""
    chance = np.random.default_rng(seed)
    truth = [Blast(b.east_m + chance.normal(0.0, 20.0), b.north_m, b.time_s + chance.normal(0.0, 0.01)) for b in BORDER]
    run = new_run(STATIONS)
    said = run.step([detection_table(truth, STATIONS)], AFTER_ALL_NS)
    frame = newest(said.events)

    assert [1] * len(truth) == of_blasts(frame, truth)
    assert len(truth) == frame.filter(pl.col("evaluation_status") != "rejected").height
    assert run.counts.reason_counts["seam"] > 0


def test_a_late_detection_revises_under_the_same_id() -> None:
    """What is received seven hours later is added to its event as the next revision, and other events stay."""
    truth = blasts(3)
    table = detection_table(truth, STATIONS, late_share=0.0, clutter_count=0)
    held_back = 4
    late_ns = START_NS + 7 * 3_600 * 10**9
    run = new_run(STATIONS)
    first = newest(run.step([table.slice(held_back)], late_ns - 1).events)
    late = table.slice(0, held_back)
    late = table_of(
        late["detection_id"].to_pylist(),
        late["station_id"].to_pylist(),
        np.asarray(late["time"].cast(pa.int64())),
        np.full(held_back, late_ns),
    )
    second = pl.from_arrow(run.step([late], AFTER_ALL_NS).events)
    assert isinstance(second, pl.DataFrame)

    assert 3 == first.height
    assert [first["event_id"][0]] == second["event_id"].to_list()
    assert [first["revision_index"][0] + 1] == second["revision_index"].to_list()
    assert [first["defining_count"][0] + held_back] == second["defining_count"].to_list()


def solve_unless_loud(task: TileTask) -> Solution:
    """Find nothing where a detection is louder than 100 Pa: a solver that changes its mind."""
    if (task.detections.amplitude_log10_ratio > 2.0).any():
        task = task._replace(detections=type(task.detections)(*(column[:0] for column in task.detections)))
    return solve_simply(task)


def loud(received_s: float) -> pa.Table:
    """Make one loud detection, received so many seconds after the start."""
    at_ns = START_NS + 20 * 10**9
    received = np.array([START_NS + int(received_s * 1e9)])
    table = table_of(["loud"], [STATIONS.station_ids[0]], np.array([at_ns]), received)
    return table.set_column(table.column_names.index("amplitude_pa"), "amplitude_pa", pa.array([1_000.0]))


@pytest.mark.parametrize(("received_s", "level"), [(1_000.0, "hour"), (9_000.0, "six_hour"), (30_000.0, "six_hour")])
def test_what_is_gone_is_issued_as_rejected(received_s: float, level: str) -> None:
    """An event that a later solution no longer has is issued once more under its id, as rejected."""
    truth = [Blast(-9_000.0, 1_000.0, 10.0)]
    table = detection_table(truth, STATIONS, late_share=0.0, clutter_count=0)
    run = new_run(STATIONS, solving=Solving(solve_unless_loud, solver_id="fickle"))
    said = run.step([table, loud(received_s)], AFTER_ALL_NS)
    frame = newest(said.events)

    assert 1 == frame.height
    assert ("rejected", level) == (frame["evaluation_status"][0], frame["level"][0])
    assert 1 == said.events["evaluation_status"].to_pylist().count("rejected")
    assert list(range(said.events.num_rows)) == said.events["revision_index"].to_pylist()


def test_the_first_solution_is_out_in_time() -> None:
    """An event is issued at most 90 s after its last expected detection, and what it rests on was received by then."""
    truth = blasts(6)
    table = detection_table(truth, STATIONS, late_share=0.0, clutter_count=0)
    run = new_run(STATIONS)
    run.step([table], START_NS)
    first_s: dict[str, float] = {}
    origin_s: dict[str, float] = {}
    for second in range(1, 260):
        said = run.step([], START_NS + second * 10**9)
        for row in said.events.cast(said.events.schema.set(5, pa.field("origin_time", pa.int64()))).to_pylist():
            first_s.setdefault(row["event_id"], float(second))
            origin_s[row["event_id"]] = (row["origin_time"] - START_NS) / 1e9
    x_m, y_m = STATIONS.network.x_m - CENTRE_X_M, STATIONS.network.y_m - CENTRE_Y_M
    waits = []
    for blast in truth:
        event_id = next(name for name, at_s in origin_s.items() if abs(at_s - blast.time_s) < 1.0)
        distance_m = np.hypot(x_m - blast.east_m, y_m - blast.north_m)
        waits.append(first_s[event_id] - blast.time_s - distance_m[distance_m < 12_000.0].max() / 340.0)

    assert len(truth) == len(first_s)
    assert max(waits) <= 90.0


def test_a_shift_by_one_slab_moves_times_only(at_once: tuple[TileRun, TileOutput]) -> None:
    """When everything happens and is received one slab later, the same is said with times and slabs one later."""
    slab_ns = GRID.slab_ns
    times = {name: np.asarray(DETECTIONS[name].cast(pa.int64())) + slab_ns for name in ("time", "received_time")}
    moved = table_of(
        DETECTIONS["detection_id"].to_pylist(),
        DETECTIONS["station_id"].to_pylist(),
        times["time"],
        times["received_time"],
    )
    said = new_run(STATIONS).step([moved], AFTER_ALL_NS + slab_ns)
    before, after = at_once[1].events, said.events
    still = [name for name in before.column_names if name not in {"origin_time", "issued_time", "tile_id"}]
    gap_ns = np.asarray(after["origin_time"].cast(pa.int64())) - np.asarray(before["origin_time"].cast(pa.int64()))

    assert before.select(still).equals(after.select(still))
    assert {slab_ns} == set(gap_ns.tolist())
    assert at_once[1].members.equals(said.members)


def flood(count: int) -> pa.Table:
    """Make one station say something ten times a second."""
    time_ns = START_NS + np.linspace(0, 59e9, count).astype(np.int64)
    return table_of([f"f{at}" for at in range(count)], [STATIONS.station_ids[0]] * count, time_ns, time_ns + 10**9)


def test_a_flood_is_shed_the_same_in_any_batches() -> None:
    """A station beyond its limit loses the same detections however they come, all counted under its name."""
    bounds = settings(station_slab_max_count=50)
    table = pa.concat_tables([detection_table(blasts(2), STATIONS), with_duplicates(flood(600))])
    digests, counts = set(), []
    for size_count in (30, 130, 5_000):
        run = new_run(STATIONS, run_settings=bounds)
        run_through(run, in_batches(shuffled(table, seed=size_count), size_count))
        digests.add(run.digest)
        reasons = {name: count for name, count in run.counts.reason_counts.items() if name != "watermark_jump"}
        counts.append((reasons, run.counts.shed_by_station))

    assert 1 == len(digests)
    assert counts[0] == counts[1] == counts[2]
    assert [STATIONS.station_ids[0]] == list(counts[0][1])
    held = 600 + 60 - counts[0][0]["shed_station"] - counts[0][0]["duplicate"]
    assert 50 - 5 <= held <= 50


def test_what_comes_after_the_slab_is_forgotten_is_counted() -> None:
    """A detection received later than a slab is remembered changes nothing and is counted as too late."""
    truth = blasts(2)
    table = detection_table(truth, STATIONS, late_share=0.0, clutter_count=0)
    late = table_of(["late"], [STATIONS.station_ids[3]], np.array([START_NS]), np.array([AFTER_ALL_NS]))
    run, again = new_run(STATIONS), new_run(STATIONS)
    run.step([table, late], AFTER_ALL_NS + 10**9)
    again.step([table], AFTER_ALL_NS + 10**9)

    assert 1 == run.counts.reason_counts["time_too_late"]
    assert "limit 43,200 s" in run.counts.examples["time_too_late"].message
    assert again.digest == run.digest
