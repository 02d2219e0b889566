"""The tile runner and bad input: every record is used or counted, with value, name and limit."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from laws.tile_world import (
    GRID,
    MODALITIES,
    PLANE,
    START_NS,
    Blast,
    detection_table,
    network,
    new_run,
    settings,
    solve_simply,
    station_table,
    table_of,
)
from truceline.associate.tiles import TileGrid
from truceline.errors import InputUnusable, TrucelineError
from truceline.runners.tile_counts import REASONS
from truceline.runners.tile_network import grid_for, read_stations, solvable_tiles
from truceline.runners.tile_settings import levels_on
from truceline.runners.tile_solving import Solving, TileTask
from truceline.runners.tiles import TileRun

STATIONS = network()
ONE_BLAST = [Blast(-9_000.0, 1_000.0, 10.0)]
GOOD = detection_table(ONE_BLAST, STATIONS, late_share=0.0, clutter_count=0)
AFTER_ALL_NS = START_NS + 50_000 * 10**9
SOON_NS = START_NS + 10**9


def changed(table: pa.Table, name: str, value: Any, *, at: int = 0, kind: Any = None) -> pa.Table:
    """Give a table with one value replaced, in a column of another type where one is given."""
    column = table[name].cast(kind) if kind is not None else table[name]
    values = column.to_pylist()
    values[at] = value
    place = table.column_names.index(name)
    field = pa.field(name, kind or table[name].type, nullable=table.schema.field(name).nullable or value is None)
    return table.set_column(place, field, pa.array(values, field.type))


def extra(**values: Any) -> pa.Table:
    """Make one detection beside the good ones, with some values of its own; times count from the start."""
    row = table_of(["zz"], [STATIONS.station_ids[40]], np.array([SOON_NS]), np.array([SOON_NS + 10**9]))
    for name, value in values.items():
        kind = pa.string() if isinstance(value, str) else None
        row = changed(row, name, value, kind=kind)
    return row


def ns_text(seconds_s: float) -> str:
    """Write a time after the start as ISO 8601."""
    return f"{np.datetime64(START_NS + int(seconds_s * 1e9), 'ns')}Z"


BAD_DETECTIONS: list[tuple[str, Callable[[], pa.Table], str]] = [
    ("station_unknown", lambda: extra(station_id="nowhere"), "station_id='nowhere' is none of 60 listed"),
    ("station_unknown", lambda: extra(station_id=""), "station_id='' is none of 60 listed"),
    ("detection_id_missing", lambda: extra(detection_id=""), "detection_id is empty"),
    ("detection_id_too_long", lambda: extra(detection_id="x" * 257), "length 257 is over 256 bytes"),
    ("time_missing", lambda: extra(time=None), "time is null or no time with a zone"),
    ("time_missing", lambda: extra(time="nan"), "time is null or no time with a zone"),
    ("time_missing", lambda: extra(time="inf"), "time is null or no time with a zone"),
    ("time_missing", lambda: extra(time="2025-04-19T22:00:01"), "time is null or no time with a zone"),
    ("time_missing", lambda: floats("time", float("nan")), "time is null or no time with a zone"),
    ("time_missing", lambda: floats("time", float("inf")), "time is null or no time with a zone"),
    ("received_missing", lambda: extra(received_time=None), "received_time is null or no time with a zone"),
    ("time_in_future", lambda: extra(time=ns_text(60.0)), "is 58.000 s after received_time, limit 5 s"),
    (
        "number_unreadable",
        lambda: extra(timing_sigma_s=float("inf")),
        "timing_sigma_s=inf is no number in [0.0001, 60]",
    ),
    ("number_unreadable", lambda: extra(timing_sigma_s=-1.0), "timing_sigma_s=-1.0 is no number in [0.0001, 60]"),
    ("number_unreadable", lambda: extra(bearing_deg="north"), "bearing_deg=nan is no number in [-360, 360]"),
    ("number_unreadable", lambda: extra(amplitude_pa=0.0), "amplitude_pa=0.0 is no number in [1e-09, 1e+09]"),
    ("phase_unknown", lambda: extra(phase="Lg"), "phase='Lg' is none of ['P', 'Rg']"),
]


def floats(name: str, value: float) -> pa.Table:
    """Make one detection whose column of times holds bare numbers."""
    row = extra()
    return row.set_column(row.column_names.index(name), name, pa.array([value], pa.float64()))


@pytest.mark.parametrize(("reason", "row", "message"), BAD_DETECTIONS)
def test_a_bad_detection_is_counted_and_changes_nothing(reason: str, row: Callable[[], pa.Table], message: str) -> None:
    """A detection that cannot be used is counted with value, name and limit, and the rest is solved as without it."""
    run, without = new_run(STATIONS), new_run(STATIONS)
    run.step([row(), GOOD], AFTER_ALL_NS)
    without.step([GOOD] if reason != "phase_unknown" else [extra(), GOOD], AFTER_ALL_NS)

    assert 1 == run.counts.reason_counts[reason]
    assert message in run.counts.examples[reason].message
    assert without.digest == run.digest
    assert 1 == run.totals.event_count
    assert any(f"1 {reason}: {REASONS[reason]}" in line for line in run.counts.shown_lines())


def test_what_a_detection_may_say_is_taken_from_text_and_numbers_alike() -> None:
    """A table of text gives the same rows as a typed one, and empty text is nothing said."""
    said = extra(timing_sigma_s=0.5, bearing_deg=-90.0, bearing_sigma_deg=3.0, amplitude_pa=2.0, phase="Rg")
    table = pa.concat_tables([said, GOOD.select(said.column_names).cast(said.schema)])
    instants = {"time", "received_time"}
    text = pa.table(
        {
            name: [
                "" if value is None else f"{np.datetime64(value, 'ns')}Z" if name in instants else str(value)
                for value in (table[name].cast(pa.int64()) if name in instants else table[name]).to_pylist()
            ]
            for name in table.column_names
        }
    )
    typed_run, text_run = new_run(STATIONS), new_run(STATIONS)
    typed_run.step([table], AFTER_ALL_NS)
    text_run.step([text], AFTER_ALL_NS)

    assert typed_run.digest == text_run.digest
    assert typed_run.counts == text_run.counts


def test_the_same_id_with_other_content_is_counted() -> None:
    """Of two detections of one id the smaller content stands, whichever came first, and the other is counted."""
    other = changed(GOOD.slice(0, 1), "station_id", "s059")
    runs = [new_run(STATIONS) for _ in range(2)]
    runs[0].step([GOOD, other], AFTER_ALL_NS)
    runs[1].step([other, GOOD], AFTER_ALL_NS)

    assert {"duplicate": 1, "equivocation": 1} == {
        name: count for name, count in runs[0].counts.reason_counts.items() if name != "seam"
    }
    assert runs[0].digest == runs[1].digest


def test_the_stream_clock_moves_forward_and_its_jumps_are_said() -> None:
    """A watermark that steps back is not followed, one that leaps ahead is, and both are counted with the step."""
    run = new_run(STATIONS)
    run.step([GOOD], START_NS + 30 * 10**9)
    run.step([], START_NS)
    run.step([extra()], AFTER_ALL_NS)

    assert {"watermark_back": 1, "watermark_jump": 1, "behind_watermark": 1} == {
        name: count for name, count in run.counts.reason_counts.items() if name != "seam"
    }
    assert "step of -30.000 s" in run.counts.examples["watermark_back"].message
    assert "limit 21,600 s" in run.counts.examples["watermark_jump"].message
    assert AFTER_ALL_NS == run.watermark_ns == run.last_due_ns


def test_what_waits_has_a_limit() -> None:
    """More detections ahead of the watermark than the limit are refused with the way out."""
    run = new_run(STATIONS, run_settings=settings(waiting_max_count=5))

    with pytest.raises(InputUnusable, match=r"waiting_count=\d+ .* is over 5: hand them in by received_time"):
        run.step([GOOD], START_NS)


def test_a_tile_beyond_its_limit_is_solved_from_a_fair_share() -> None:
    """A solution takes no more detections than its limit, those left out are counted, and the event is still found."""
    noise = table_of(
        [f"n{at}" for at in range(300)],
        [STATIONS.station_ids[20]] * 300,
        START_NS + np.arange(300) * 10**8,
        START_NS + np.arange(300) * 10**8 + 10**9,
    )
    run = new_run(STATIONS, run_settings=settings(tile_max_count=60))
    run.step([GOOD, noise], AFTER_ALL_NS)

    assert run.counts.reason_counts["shed_tile"] > 200
    assert STATIONS.station_ids[20] in run.counts.shed_by_station
    assert 1 == run.totals.event_count


def read(table: pa.Table) -> Any:
    """Read stations in the plane of the tests."""
    return read_stations(table, modality_index=MODALITIES, plane=PLANE)


def other_station(**values: Any) -> pa.Table:
    """Give the stations with one more, that differs from the first in some values."""
    row = station_table().slice(0, 1)
    for name, value in values.items():
        row = changed(row, name, value)
    return pa.concat_tables([station_table(), row])


@pytest.mark.parametrize(
    ("reason", "values", "message"),
    [
        ("station_duplicate", {}, "2 rows, 0 m apart, that differ in nothing"),
        ("station_contradiction", {"latitude_deg": 48.5}, "m apart, that differ in ['latitude_deg']"),
        ("station_contradiction", {"dead_time_s": 9.0}, "2 rows, 0 m apart, that differ in ['dead_time_s']"),
        ("station_id_missing", {"station_id": ""}, "station_id is empty"),
        ("station_position", {"station_id": "new", "latitude_deg": 91.2}, "latitude_deg=91.2 is outside"),
        ("station_position", {"station_id": "new", "longitude_deg": float("nan")}, "longitude_deg=nan"),
        ("station_number", {"station_id": "new", "timing_sigma_s": 0.0}, "timing_sigma_s=0.0 is outside [0.0001, 60]"),
        ("station_modality", {"station_id": "new", "modality": "smell"}, "modality='smell' is none of ['acoustic']"),
        ("station_outside_plane", {"station_id": "new", "latitude_deg": 12.0}, "is over 1,500,000"),
    ],
)
def test_a_bad_station_is_counted_and_its_detections_too(reason: str, values: dict[str, Any], message: str) -> None:
    """A station that cannot be used is kept out with value, name and limit, and so is what it says."""
    stations = read(other_station(**values))
    run = new_run(stations)
    run.step([GOOD, extra(station_id=values.get("station_id", "s000") or "s001")], AFTER_ALL_NS)
    expected_count = 2 if reason == "station_contradiction" else 1
    is_kept_out = values.get("station_id") == "new" or expected_count == 2

    assert expected_count == stations.counts.reason_counts[reason]
    assert message in stations.counts.examples[reason].message
    assert is_kept_out == ("station_not_used" in run.counts.reason_counts)
    assert 1 == run.totals.event_count


def test_stations_of_any_order_are_one_network() -> None:
    """The order of the rows of the table of stations changes nothing."""
    table = station_table()
    mixed = read(table.take(np.random.default_rng(1).permutation(table.num_rows)))

    assert STATIONS.station_ids == mixed.station_ids
    assert STATIONS.network_id == mixed.network_id


@pytest.mark.parametrize(
    "table", [station_table().slice(0, 0), changed(station_table().slice(0, 1), "modality", "smell")]
)
def test_an_empty_network_is_refused(table: pa.Table) -> None:
    """Without a station in use there is nothing to speak of, and the reason is said."""
    with pytest.raises(InputUnusable, match=r"station_count=0 of \d rows can be used: .*(empty|smell)"):
        read(table)


@pytest.mark.parametrize(
    ("table", "name"),
    [(station_table().drop_columns(["modality"]), "stations"), (GOOD.drop_columns(["time"]), "detections")],
)
def test_missing_columns_are_named(table: pa.Table, name: str) -> None:
    """A table without a column that is needed is refused with the column's name."""
    with pytest.raises(InputUnusable, match=rf"{name}: columns \['(modality|time)'\] are missing"):
        read(table) if name == "stations" else new_run(STATIONS).step([table], AFTER_ALL_NS)


def test_three_stations_locate_nothing_and_say_so() -> None:
    """With fewer than four stations nothing is solved and every detection is counted."""
    stations = read(station_table().slice(0, 3))
    heard = table_of(["a", "b"], ["s000", "s001"], np.array([START_NS] * 2), np.array([SOON_NS] * 2))
    run = TileRun(stations, Solving(solve_simply, solver_id="simple"), settings=settings())
    run.step([heard], AFTER_ALL_NS)

    assert not run.can_solve
    assert {"too_few_stations": 2} == run.counts.reason_counts
    assert "has fewer than 3 others in reach" in run.counts.examples["too_few_stations"].message


def test_stations_on_one_line_give_two_places() -> None:
    """With all stations on one line events are solved, flagged, and have the mirrored place beside them at one half."""
    stations = read(station_table(on_a_line=True))
    truth = [Blast(2_000.0, 5_000.0, 10.0)]
    run = new_run(stations)
    said = run.step([detection_table(truth, stations, late_share=0.0, clutter_count=0)], AFTER_ALL_NS)
    column = {name: said.events[name].to_numpy() for name in said.events.column_names if name.endswith("_deg")}
    places = np.round([column["longitude_deg"], column["latitude_deg"]], 2)
    others = np.round([column["alternative_longitude_deg"], column["alternative_latitude_deg"]], 2)

    assert len(solvable_tiles(stations, GRID)) == len(run.mirror_ambiguous) > 0
    assert said.events.num_rows > 0
    assert {0.5} == set(said.events["alternative_probability"].to_pylist())
    assert np.abs(places - others).max(axis=0).min() > 0.02
    assert () == new_run(STATIONS).mirror_ambiguous


def test_a_state_goes_with_its_settings() -> None:
    """A state is refused by a run with other stations, limits or solver, and by one that cannot read it."""
    state = new_run(STATIONS).state()
    other_solver = Solving(solve_simply, solver_id="other")
    runs: list[Callable[[], TileRun]] = [
        lambda: new_run(read(station_table().slice(1)), state=state),
        lambda: new_run(STATIONS, run_settings=settings(tile_max_count=7), state=state),
        lambda: new_run(STATIONS, solving=other_solver, state=state),
        lambda: new_run(STATIONS, state=b"\x00\x01"),
    ]

    for begin in runs:
        with pytest.raises(InputUnusable, match="state"):
            begin()


def test_a_grid_is_laid_over_the_network_with_few_tiles() -> None:
    """A network smaller than a core gets one tile, and a few more stations do not move the grid."""
    stations = read_stations(station_table(), modality_index=MODALITIES)
    fewer = read_stations(station_table().slice(3), modality_index=MODALITIES)
    grid = grid_for(stations, TileGrid())

    assert [(0, 0)] == list(solvable_tiles(stations, grid))
    assert grid == grid_for(fewer, TileGrid())
    assert len(solvable_tiles(stations, grid_for(stations, TileGrid(core_m=60_000.0, halo_m=20_000.0)))) >= 2


def test_levels_share_their_cores() -> None:
    """The early level has the cores of the grid and shorter slabs, so that an event is out after 90 s at most."""
    early, hour, six_hour = levels_on(TileGrid())

    assert 90 * 10**9 == early.due_ns(0)
    assert early.grid.core_m == hour.grid.core_m
    assert hour.grid == six_hour.grid
    assert ["hour"] == [level.name for level in levels_on(TileGrid(), names=("hour",))]


def fail_to_solve(task: TileTask) -> Any:
    """End the worker in the middle of a tile."""
    os._exit(3 if task.span_s else 4)


def test_a_worker_that_ends_is_a_failure_of_the_world() -> None:
    """When a worker process ends before its answer, the run fails with a message instead of waiting."""
    with Solving(fail_to_solve, solver_id="ends", processes_count=2) as solving:
        run = new_run(STATIONS, solving=solving)

        with pytest.raises(TrucelineError, match="a worker process ended"):
            run.step([GOOD], AFTER_ALL_NS)


def test_quiet_gives_nothing() -> None:
    """Without detections nothing is solved and nothing said."""
    run = new_run(STATIONS)
    said = run.step([GOOD.slice(0, 0)], AFTER_ALL_NS)

    assert (0, 0) == (said.events.num_rows, said.members.num_rows)
    assert 0 == run.totals.solved_tile_count
