"""Bad input with the real engine behind the tile runner: each a clear answer, and the rest is solved as without it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scenarios.networks import theatre_of
from truceline.associate.modalities.registry import MODALITIES
from truceline.associate.settings_engine import EngineSettings, MediumPrior
from truceline.associate.tiles import TileGrid
from truceline.cli.associate_run import EngineSolver
from truceline.errors import InputUnusable
from truceline.model.network import INSTANT
from truceline.runners.tile_network import StationNetwork, grid_for, read_stations
from truceline.runners.tile_settings import TileRunSettings, levels_on
from truceline.runners.tile_solving import Solving
from truceline.runners.tiles import TileOutput, TileRun

INDEX = {modality.name: at for at, modality in enumerate(MODALITIES)}
THEATRE = theatre_of("network_tiny")
STATIONS, DETECTIONS = THEATRE.stations, THEATRE.detections
SOLVER = EngineSolver(
    MediumPrior(wind_east_m_per_s=THEATRE.wind_forecast[0], wind_north_m_per_s=THEATRE.wind_forecast[1]),
    EngineSettings(),
)


def solved(detections: pa.Table, stations: pa.Table = STATIONS, **bounds: int) -> tuple[TileRun, TileOutput]:
    """Solve detections at the hour level with the real engine."""
    network: StationNetwork = read_stations(stations, modality_index=INDEX)
    settings = TileRunSettings(levels=levels_on(grid_for(network, TileGrid()), names=("hour",)), **bounds)
    run = TileRun(network, Solving(SOLVER, solver_id="engine"), settings=settings)
    run.step([detections], 0)
    return run, run.finish()


@cache
def good() -> TileRun:
    """Solve what was recorded, as it is."""
    return solved(DETECTIONS)[0]


def beside(**values: Any) -> pa.Table:
    """Give the detections with one more, a copy of the first under its own id with some values changed."""
    row = DETECTIONS.slice(0, 1).to_pylist()[0] | {"detection_id": "extra"} | values
    return pa.concat_tables([DETECTIONS, pa.Table.from_pylist([row], schema=DETECTIONS.schema)])


FIRST = pc.min(DETECTIONS["time"]).cast(pa.int64()).as_py()
LATER = pa.scalar(FIRST + 3_600 * 10**9).cast(INSTANT).as_py()

BAD: list[tuple[str, pa.Table, str]] = [
    ("station_unknown", beside(station_id="nowhere"), "station_id='nowhere' is none of 60 listed"),
    ("time_in_future", beside(time=LATER), "after received_time, limit 5 s"),
    ("number_unreadable", beside(timing_sigma_s=float("inf")), "timing_sigma_s=inf is no number in [0.0001, 60]"),
    ("number_unreadable", beside(bearing_deg=1e9), "bearing_deg=1000000000.0 is no number in [-360, 360]"),
]


@pytest.mark.parametrize(("reason", "table", "message"), BAD)
def test_what_cannot_be_used_is_counted_and_changes_nothing(reason: str, table: pa.Table, message: str) -> None:
    """An unknown station, a time to come and a number that is none are counted with value, name and limit."""
    run, _ = solved(table)

    assert 1 == run.counts.reason_counts[reason]
    assert message in run.counts.examples[reason].message
    assert good().digest == run.digest


def test_no_time_is_no_detection() -> None:
    """A detection whose time is not a number is counted, and the others are solved as without it."""
    said = [f"{np.datetime64(value, 'ns')}Z" for value in DETECTIONS["time"].cast(pa.int64()).to_pylist()]
    texts = beside().set_column(
        DETECTIONS.column_names.index("time"),
        "time",
        pa.array([*said, "nan"]),
    )
    run, _ = solved(texts)

    assert 1 == run.counts.reason_counts["time_missing"]
    assert good().digest == run.digest


def test_a_station_listed_twice_is_used_once_or_not_at_all() -> None:
    """The same row twice changes nothing; two places under one id are both left out, with what they say."""
    twice = pa.concat_tables([STATIONS, STATIONS.slice(3, 1)])
    moved = STATIONS.slice(3, 1).set_column(
        1, STATIONS.schema.field(1), pc.add(STATIONS.slice(3, 1)["longitude_deg"], 0.1)
    )
    once, _ = solved(DETECTIONS, twice)
    neither, _ = solved(DETECTIONS, pa.concat_tables([STATIONS, moved]))

    assert 1 == once.counts.reason_counts["station_duplicate"]
    assert good().digest == once.digest
    assert 2 == neither.counts.reason_counts["station_contradiction"]
    assert neither.counts.reason_counts["station_not_used"] > 0
    assert neither.totals.event_count > 10


def test_a_clock_that_jumps_takes_no_events_along() -> None:
    """A station whose clock jumps by minutes adds no event and loses at most few: its detections fit nobody."""
    busiest = Counter(DETECTIONS["station_id"].to_pylist()).most_common(1)[0][0]
    own = np.array([name == busiest for name in DETECTIONS["station_id"].to_pylist()])
    time_ns = np.asarray(DETECTIONS["time"].cast(pa.int64()))
    jumped = np.where(own & (time_ns > np.median(time_ns)), time_ns - 97 * 10**9, time_ns)
    table = DETECTIONS.set_column(2, DETECTIONS.schema.field("time"), pa.array(jumped).cast(INSTANT))
    run, _ = solved(table)

    assert abs(run.totals.event_count - good().totals.event_count) <= 3


def test_a_burst_is_shed_within_its_limit_and_counted() -> None:
    """A station that says ten times what all do is cut to its limit, counted by name, and the fire is still found."""
    count = 10 * DETECTIONS.num_rows
    time_ns = np.linspace(FIRST, FIRST + 240e9, count).astype(np.int64)
    station = STATIONS["station_id"][7].as_py()
    nothing = {name: pa.nulls(count, DETECTIONS.schema.field(name).type) for name in DETECTIONS.column_names[4:]}
    flood = pa.table(
        {
            "detection_id": [f"flood{at}" for at in range(count)],
            "station_id": [station] * count,
            "time": pa.array(time_ns).cast(INSTANT),
            "received_time": pa.array(time_ns + 10**9).cast(INSTANT),
            **nothing,
        },
        schema=DETECTIONS.schema,
    )
    run, output = solved(pa.concat_tables([DETECTIONS, flood]), station_slab_max_count=200)

    assert {station} == set(run.counts.shed_by_station)
    assert run.counts.shed_by_station[station] >= count - 200
    assert run.totals.event_count >= 0.6 * good().totals.event_count
    assert output.events.num_rows > 0


def test_an_empty_network_is_refused() -> None:
    """Without stations there is nowhere to speak of, and the answer says so."""
    with pytest.raises(InputUnusable, match="station_count=0 of 0 rows can be used: the table is empty"):
        solved(DETECTIONS, STATIONS.slice(0, 0))


def test_stations_on_one_line_give_two_places() -> None:
    """Where all stations stand on one line and give no bearing it is said, and no event comes without another place."""
    longitude = STATIONS["longitude_deg"].to_numpy()
    latitude = 46.0 + 0.7 * (longitude - longitude.mean())
    table = STATIONS.set_column(2, STATIONS.schema.field("latitude_deg"), pa.array(latitude))
    table = table.set_column(5, STATIONS.schema.field("bearing_sigma_deg"), pa.nulls(table.num_rows, pa.float64()))
    run, output = solved(_heard_on_a_line(table), table)

    assert ((0, 0),) == run.mirror_ambiguous
    assert run.totals.event_count >= 1
    assert 0 == output.events["alternative_longitude_deg"].null_count


def _heard_on_a_line(stations: pa.Table) -> pa.Table:
    """Make what stations on a line hear of five explosions beside it."""
    network = read_stations(stations, modality_index=INDEX)
    hears = np.flatnonzero(network.network.modality_index == INDEX["acoustic"])
    x_m, y_m = network.network.x_m[hears], network.network.y_m[hears]
    chance = np.random.default_rng(2)
    station, time_ns = [], []
    for number in range(5):
        at = hears[10 + 7 * number]
        off_m = np.hypot(x_m - network.network.x_m[at] - 1_500.0, y_m - network.network.y_m[at] + 2_500.0)
        near = np.flatnonzero(off_m < 12_000.0)
        station += hears[near].tolist()
        heard_s = 40.0 * number + off_m[near] / 340.0 + chance.normal(0.0, 0.02, len(near))
        time_ns += (FIRST + np.rint(heard_s * 1e9)).astype(np.int64).tolist()
    count = len(station)
    return pa.table(
        {
            "detection_id": [f"d{at}" for at in range(count)],
            "station_id": [network.station_ids[at] for at in station],
            "time": pa.array(time_ns).cast(INSTANT),
            "received_time": pa.array([value + 10**9 for value in time_ns]).cast(INSTANT),
            **{name: pa.nulls(count, DETECTIONS.schema.field(name).type) for name in DETECTIONS.column_names[4:]},
        },
        schema=DETECTIONS.schema,
    )
