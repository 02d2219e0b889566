"""Laws of a synthetic sensor network's files: seeded, marked, read by the real decoders, with a truth that adds up."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from scenarios.networks import GUN_TYPES, NETWORK_NAMES, files_of, frame_of, part_changed, still, theatre_of
from truceline.adapters.sources.files import FeedContext, read_observations
from truceline.cli import main
from truceline.errors import InputUnusable
from truceline.model.network import DETECTION_SCHEMA, STATION_SCHEMA
from truceline.testing.network_files import (
    FEEDS_FOLDER,
    README_FILE,
    TRUTH_CAUSES_FILE,
    TRUTH_DETECTIONS_FILE,
    TRUTH_EVENTS_FILE,
    network_files,
)
from truceline.testing.network_parameters import EVENT_TYPES, changed_network, is_network_scenario, load_network
from truceline.testing.network_records import CAUSES, DEFINING_CAUSES
from truceline.testing.network_theatre import (
    TRUTH_DETECTION_SCHEMA,
    TRUTH_EVENT_SCHEMA,
    TRUTH_STATION_SCHEMA,
    build_network_theatre,
)
from truceline.testing.scenario import write_theatre
from truceline.testing.scenario_parameters import scenario_text, shipped_scenario_names

NOT_OBSERVATIONS = {"stations.parquet", "detections.parquet", "wind_forecast.csv"}
RECEIVED = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", NETWORK_NAMES)
def test_the_shipped_networks_are_found_and_told_apart(name: str) -> None:
    """Every shipped sensor network can be named, read, and told from a first-light theatre by its first words."""
    assert name in shipped_scenario_names()
    assert load_network(name).scenario_id == name
    assert is_network_scenario(scenario_text(name))
    assert not is_network_scenario(scenario_text("tiny"))
    assert not is_network_scenario("a: [")


def test_same_seed_gives_same_bytes() -> None:
    """A scenario and its seed are all that the files depend on."""
    again = network_files(build_network_theatre(load_network("network_tiny")))

    assert files_of("network_tiny") == again


def test_another_seed_gives_another_theatre() -> None:
    """Chance enters through the seed, given with the scenario or beside it."""
    parameters = load_network("network_tiny")
    other = build_network_theatre(parameters, seed=1)
    same = build_network_theatre(changed_network(parameters, seed=1, exchange_parties=False))

    assert not other.detections.equals(theatre_of("network_tiny").detections)
    assert other.detections.equals(same.detections)


def test_every_file_says_synthetic() -> None:
    """No file of a made-up network can be taken for a real one."""
    files = files_of("network_tiny")
    marks = {path: content.splitlines()[0] for path, content in files.items() if not path.endswith(".parquet")}
    tables = {
        path: pq.read_schema(io.BytesIO(content)).metadata for path, content in files.items() if "parquet" in path
    }

    assert {path: b"SYNTHETIC" in line for path, line in marks.items()} == dict.fromkeys(marks, True)
    assert {path: metadata[b"synthetic"] for path, metadata in tables.items()} == dict.fromkeys(tables, b"true")


@pytest.mark.parametrize("name", ["network_300km", "network_tiny"])
def test_the_tables_keep_their_schemas_and_refer_to_each_other(name: str) -> None:
    """Every detection has a known station and a cause, and every cause of an event a true event."""
    theatre = theatre_of(name)
    stations, detections = frame_of(theatre.stations), frame_of(theatre.detections)
    events, causes = frame_of(theatre.truth_events), frame_of(theatre.truth_detections)

    assert theatre.stations.schema == STATION_SCHEMA
    assert theatre.detections.schema == DETECTION_SCHEMA
    assert theatre.truth_events.schema == TRUTH_EVENT_SCHEMA
    assert theatre.truth_detections.schema == TRUTH_DETECTION_SCHEMA
    assert theatre.truth_stations.schema == TRUTH_STATION_SCHEMA
    assert stations["station_id"].n_unique() == stations.height == load_network(name).stations.station_count
    assert set(detections["station_id"]) <= set(stations["station_id"])
    assert detections["detection_id"].to_list() == causes["detection_id"].to_list()
    assert detections["time"].is_sorted()
    assert set(causes["event_id"].drop_nulls()) <= set(events["event_id"])
    assert set(causes["cause"]) <= set(CAUSES)
    assert set(causes.filter(pl.col("event_id").is_null())["cause"]).isdisjoint(CAUSES[:6])
    assert causes.filter(pl.col("event_id").is_not_null() & pl.col("cause").is_in(CAUSES[6:])).height == 0


def test_the_counts_of_the_truth_are_the_detections() -> None:
    """A true event's count is of the detections whose cause it is, echoes apart."""
    theatre = theatre_of("network_300km")
    causes, events = frame_of(theatre.truth_detections), frame_of(theatre.truth_events)
    defining = Counter(causes.filter(pl.col("cause").is_in([CAUSES[i] for i in DEFINING_CAUSES]))["event_id"])
    echoes = Counter(causes.filter(pl.col("cause") == "echo")["event_id"])

    assert [defining[name] for name in events["event_id"]] == events["detected_count"].to_list()
    assert [echoes[name] for name in events["event_id"]] == events["echo_count"].to_list()
    assert events.filter(pl.col("station_count") > pl.col("detected_count") + pl.col("echo_count")).height == 0


def test_every_row_of_the_feeds_is_accepted(tmp_path: Path) -> None:
    """The decoders of real feeds read the synthetic ones without a rejection; tables of a network are not theirs."""
    parameters = load_network("network_tiny")
    write_theatre(files_of("network_tiny"), tmp_path)
    reading = read_observations(
        [tmp_path / FEEDS_FOLDER],
        FeedContext(parties=parameters.parties, timezone_name="Etc/GMT-4", received_time=RECEIVED),
    )
    accepted = {file.file_name: file.accepted_count for file in reading.files}

    assert {path.name for path, _ in reading.not_recognised} == NOT_OBSERVATIONS
    assert reading.rejections == []
    assert accepted["detections.csv"] == theatre_of("network_tiny").detections.num_rows
    assert accepted["patrols.csv"] > 5
    assert accepted["firms_viirs.csv"] > 0
    assert {line.held_by for line in reading.lines} == {"B"}
    assert all(file.synthetic for file in reading.files)


def test_exchanging_the_parties_exchanges_their_names_only() -> None:
    """Exchanging the parties mirrors whose every event was, and changes no detection."""
    parameters = load_network("network_tiny")
    here = build_network_theatre(changed_network(parameters, seed=None, exchange_parties=True))
    there = theatre_of("network_tiny")
    swapped = frame_of(here.truth_events).with_columns(pl.col("party").replace({"A": "B", "B": "A"}))

    assert swapped.equals(frame_of(there.truth_events))
    assert here.detections.equals(there.detections)
    assert here.stations.equals(there.stations)


@pytest.mark.parametrize("name", ["network_300km", "network_1200km"])
def test_the_large_networks_are_as_busy_as_they_say(name: str) -> None:
    """Guns make about as many events a minute as the scenario says, by both parties, and most are heard by many."""
    parameters = load_network(name)
    guns = frame_of(theatre_of(name).truth_events).filter(pl.col("event_type").is_in(GUN_TYPES))
    inside = guns.filter(pl.col("time") >= parameters.start_time)
    per_minute_count = inside.height / parameters.length_minutes

    assert per_minute_count == pytest.approx(parameters.fire.events_per_minute_count, rel=0.25)
    assert set(guns["party"]) == {"A", "B"}
    assert (inside["detected_count"] >= 4).mean() > 0.4
    assert set(theatre_of(name).truth_events["event_type"].to_pylist()) <= set(EVENT_TYPES)


@pytest.mark.parametrize("seed", range(4))
def test_a_theatre_in_which_hardly_anything_happens_can_be_drawn(seed: int) -> None:
    """One station of each kind in turn, no event and no clutter still give every file."""
    calm = still(load_network("network_tiny"))
    calm = part_changed(calm, "fire", events_per_minute_count=0.0)
    shares = [{"seismic_share": 0.0, "camera_share": 0.0}, {"seismic_share": 1.0, "camera_share": 0.0}]
    shares += [{"seismic_share": 0.0, "camera_share": 1.0}, {"second_ground_share": 1.0}]
    calm = part_changed(calm, "stations", station_count=1, **shares[seed])
    calm = part_changed(calm, "observers", post_count=0, wild_fire_count=0)
    theatre = build_network_theatre(calm, seed=seed)
    files = network_files(theatre)

    assert theatre.truth_events.num_rows == theatre.detections.num_rows == 0
    assert f"{FEEDS_FOLDER}/patrols.csv" not in files
    assert {TRUTH_EVENTS_FILE, TRUTH_DETECTIONS_FILE, TRUTH_CAUSES_FILE, README_FILE} <= set(files)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_stations_can_stand_on_one_ground_only(share: float) -> None:
    """With a share of none or all on the second party's ground, every station stands on one hand of the line."""
    parameters = part_changed(load_network("network_tiny"), "stations", second_ground_share=share)
    setting = build_network_theatre(parameters).setting
    places = setting.stations.places

    assert setting.line.holder_role(places.along_m, places.across_m).tolist() == [int(share)] * places.along_m.size


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("parties: [A, B]", "parties: [A, a]", "one and the same"),
        ("parties: [A, B]", "parties: [A, ../B]", "letters and digits"),
        ("echo_probability: 0.10", "echo_probability: 1.2", r"echo_probability=1.2 is outside \[0, 1\]"),
        ("wind_mean_m_per_s: 8.0", "wind_mean_m_per_s: 400.0", "wind_mean_m_per_s=400.0 is outside"),
        ("station_count: 60", "station_count: 0", "station_count=0 is outside"),
        ("range_low_km: 5.0", "range_low_km: 30.0", "range_low_km=30.0 is above"),
        ("seismic_share: 0.05", "seismic_share: 0.99", "seismic_share \\+ stations.camera_share=1.02"),
        ("seed: 20260303", "sed: 1", "sed"),
        ("network_scenario/1", "network_scenario/9", "schema=truceline.network_scenario/9"),
        ("  thunder:", "  hail:", "sources="),
        ("2024-07-10T07:30:00Z", "2024-07-10T07:30:00+04:00", "start_time"),
    ],
)
def test_a_number_outside_its_limits_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    """A network that cannot be drawn is refused before anything is, with name, value and limit."""
    path = tmp_path / "wrong.yaml"
    text = scenario_text("network_tiny")
    path.write_text(text.replace(before, after), encoding="utf-8")

    assert before in text
    with pytest.raises(InputUnusable, match=said):
        load_network(str(path))


def test_a_negative_seed_is_refused() -> None:
    """A seed is a number from 0 on."""
    with pytest.raises(InputUnusable, match="seed=-1"):
        changed_network(load_network("network_tiny"), seed=-1, exchange_parties=False)


def test_simulate_writes_what_the_library_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command tells a network by its scenario, writes what the library draws, and again changes nothing."""
    command = ["simulate", "--scenario", "network_tiny", "--out", str(tmp_path)]
    codes = [main(command), main(command)]
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    said = capsys.readouterr().out

    assert codes == [0, 0]
    assert written == files_of("network_tiny")
    assert "SYNTHETIC sensor network" in said


def test_simulate_prints_a_network_s_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped file with what every number means can be printed and changed."""
    code = main(["simulate", "--scenario", "network_300km", "--print-scenario"])

    assert code == 0
    assert capsys.readouterr().out == scenario_text("network_300km")
