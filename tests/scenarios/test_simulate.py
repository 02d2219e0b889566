"""Laws of the synthetic theatre: seeded, marked, symmetric, read by the real decoders, with a truth that adds up."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import polars as pl
import pyarrow.parquet as pq
import pytest

from truceline.adapters.agreements import load_agreement
from truceline.adapters.sources.files import FeedContext, Reading, read_observations
from truceline.cli import main
from truceline.errors import InputUnusable
from truceline.testing.scenario import (
    AGREEMENT_FILE,
    CAUSES_FILE,
    FEEDS_FOLDER,
    TRUTH_FILE,
    SyntheticTheatre,
    build_theatre,
    write_theatre,
)
from truceline.testing.scenario_comparison import MonitorOutput, compare, render_comparison
from truceline.testing.scenario_parameters import (
    Scenario,
    changed_scenario,
    load_scenario,
    scenario_text,
    shipped_scenario_names,
)
from truceline.testing.scenario_truth import FIRE_KINDS

RECEIVED = datetime(2025, 1, 1, tzinfo=UTC)
SCENARIO_NAMES = ["first_light", "tiny"]


@cache
def theatre_of(name: str) -> SyntheticTheatre:
    """Draw a shipped theatre once."""
    return build_theatre(load_scenario(name))


def read_back(theatre: SyntheticTheatre, folder: Path) -> Reading:
    """Read a theatre's feeds with the decoders that read real ones."""
    write_theatre(theatre.files, folder)
    scenario = theatre.truth.scenario
    return read_observations(
        [folder / FEEDS_FOLDER],
        FeedContext(parties=scenario.parties, timezone_name=scenario.timezone, received_time=RECEIVED),
    )


def csv_frame(content: bytes) -> pl.DataFrame:
    """Read a CSV of the theatre as a frame of text."""
    return pl.read_csv(io.BytesIO(content), comment_prefix="#", infer_schema=False)


def test_the_shipped_scenarios_are_found() -> None:
    """The first-light theatres are among what is shipped."""
    assert set(SCENARIO_NAMES) <= set(shipped_scenario_names())


@pytest.mark.parametrize("name", SCENARIO_NAMES)
def test_same_seed_gives_same_bytes(name: str) -> None:
    """A scenario and its seed are all that the files depend on."""
    again = build_theatre(load_scenario(name))

    assert theatre_of(name).files == again.files


def test_another_seed_gives_other_events() -> None:
    """Chance enters through the seed."""
    other = build_theatre(changed_scenario(load_scenario("tiny"), seed=1, exchange_parties=False))

    assert theatre_of("tiny").files[TRUTH_FILE] != other.files[TRUTH_FILE]


@pytest.mark.parametrize("name", SCENARIO_NAMES)
def test_every_file_says_synthetic(name: str) -> None:
    """No file of a made-up theatre can be taken for a real one."""
    files = theatre_of(name).files
    marks = {path: content.splitlines()[0] for path, content in files.items() if not path.endswith(".parquet")}
    metadata = pq.read_schema(io.BytesIO(files[f"{FEEDS_FOLDER}/lines.parquet"])).metadata

    assert {path: b"SYNTHETIC" in line for path, line in marks.items()} == dict.fromkeys(marks, True)
    assert metadata[b"synthetic"] == b"true"


@pytest.mark.parametrize("name", SCENARIO_NAMES)
def test_every_row_of_every_feed_is_accepted(name: str, tmp_path: Path) -> None:
    """The decoders of real feeds read the synthetic ones without a rejection, a duplicate or a file left out."""
    reading = read_back(theatre_of(name), tmp_path)
    feeds = {path.removeprefix(f"{FEEDS_FOLDER}/") for path in theatre_of(name).files if path.startswith(FEEDS_FOLDER)}

    assert reading.not_recognised == []
    assert reading.rejections == []
    assert {file.file_name for file in reading.files} == feeds
    assert {file.file_name: file.duplicate_count for file in reading.files if file.duplicate_count} == {}
    assert all(file.synthetic and file.accepted_count > 0 for file in reading.files)


def test_there_is_a_line_for_every_day(tmp_path: Path) -> None:
    """Each day of the theatre has its drawn line with the ground one party holds."""
    scenario = load_scenario("tiny")
    lines = read_back(theatre_of("tiny"), tmp_path).lines

    assert len({line.valid_date for line in lines}) == scenario.day_count
    assert {line.held_by for line in lines} == {scenario.role_names[1]}


def test_the_agreement_file_is_read_back(tmp_path: Path) -> None:
    """The truce in the agreement file is the scenario's, and covers every domain of its theatre."""
    write_theatre(theatre_of("tiny").files, tmp_path)
    loaded = load_agreement(tmp_path / AGREEMENT_FILE)
    window = loaded.agreement.windows[0]

    assert window.span == load_scenario("tiny").truce_span
    assert set(window.covered_domain_ids) == {domain.domain_id for domain in loaded.theatre.domains}
    assert loaded.theatre.parties == load_scenario("tiny").parties


def exchanged(text: str) -> str:
    """Exchange the names of the parties in a text of comma-separated fields."""
    names = {"A": "B", "B": "A"}
    return "\n".join(",".join(names.get(field, field) for field in line.split(",")) for line in text.split("\n"))


@pytest.mark.parametrize("name", SCENARIO_NAMES)
def test_exchanging_the_parties_mirrors_every_file(name: str) -> None:
    """Exchanging the parties' names exchanges the names in the files and nothing else."""
    scenario = load_scenario(name)
    there = theatre_of(name).files
    here = build_theatre(changed_scenario(scenario, seed=None, exchange_parties=True)).files
    renamed = {"claims_a.csv": "claims_b.csv", "claims_b.csv": "claims_a.csv"}
    mirrored = {
        f"{FEEDS_FOLDER}/{renamed.get(Path(path).name, Path(path).name)}"
        if path.startswith(FEEDS_FOLDER)
        else path: content
        for path, content in here.items()
        if path.endswith(".csv")
    }

    assert {path: exchanged(content.decode()) for path, content in mirrored.items()} == {
        path: content.decode() for path, content in there.items() if path.endswith(".csv")
    }


def test_the_party_that_holds_the_truce_is_silent_in_it() -> None:
    """A party whose share inside the truce is nothing does nothing inside it; the other goes on."""
    truth = csv_frame(theatre_of("first_light").files[TRUTH_FILE])
    inside = truth.filter((pl.col("in_truce") == "true") & pl.col("kind").is_in(FIRE_KINDS))

    assert inside.filter(pl.col("party") == "A").height == 0
    assert inside.filter(pl.col("party") == "B").height > 20


@pytest.mark.parametrize("name", SCENARIO_NAMES)
def test_the_truth_adds_up(name: str) -> None:
    """Files of truth say what was drawn: every event once, every cause an event, every wave's impacts counted."""
    theatre = theatre_of(name)
    truth = csv_frame(theatre.files[TRUTH_FILE])
    causes = csv_frame(theatre.files[CAUSES_FILE])
    drawn = Counter(theatre.truth.events["kind"])
    through_count = int(theatre.truth.waves["through_count"].sum())

    assert Counter(truth["kind"]) == drawn
    assert truth["event_id"].n_unique() == truth.height
    assert set(causes["event_id"].drop_nulls()) <= set(truth["event_id"])
    assert drawn["uav_impact"] == through_count
    assert truth.filter(pl.col("party").is_null() & pl.col("kind").is_in(FIRE_KINDS)).height == 0


def test_every_feed_row_has_its_place_among_the_causes() -> None:
    """The table of causes has one row per row of the feeds it speaks of."""
    theatre = theatre_of("tiny")
    feeds = {name: csv_frame(theatre.files[f"{FEEDS_FOLDER}/{name}"]).height for name in theatre.causes}

    assert {name: len(cause) for name, cause in theatre.causes.items()} == feeds


def test_shooting_goes_to_the_other_party_s_ground() -> None:
    """True fire always lands on ground that the other party holds."""
    truth = csv_frame(theatre_of("first_light").files[TRUTH_FILE])
    fire = truth.filter(pl.col("kind") == "artillery")

    assert fire.filter(pl.col("party") == pl.col("ground_held_by")).height == 0


def test_a_monitor_that_says_nothing_finds_nothing() -> None:
    """Without any answer everything is missed, nothing is false, and all that happened is still counted."""
    truth = theatre_of("tiny").truth
    nothing = MonitorOutput(events=(), attributions=(), findings=(), adherence=())
    comparison = compare(truth, nothing, {})
    everything = [entry for entry in comparison.kinds if entry.span == "all days"]

    assert sum(entry.found_count for entry in comparison.kinds) == 0
    assert sum(entry.false_count for entry in comparison.causes) == 0
    assert sum(entry.happened_count for entry in everything) == sum(kind in FIRE_KINDS for kind in truth.events["kind"])
    assert "SYNTHETIC" in render_comparison(comparison)


def test_a_wrong_scenario_is_refused(tmp_path: Path) -> None:
    """A scenario file that says what cannot be is refused with the name and the limit."""
    path = tmp_path / "wrong.yaml"
    content = msgspec.yaml.encode(msgspec.to_builtins(load_scenario("tiny")))
    path.write_bytes(content.replace(b"length_hours: 60.0", b"length_hours: 600.0"))

    with pytest.raises(InputUnusable, match=r"truce.length_hours=666.0 is outside \[0, 168\]"):
        load_scenario(str(path))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("parties: [A, B]", "parties: [A, ../B]", "letters and digits"),
        ("region_stand_in_share: 0.2", "region_stand_in_share: 1.2", r"region_stand_in_share=1.2 is outside \[0, 1\]"),
        ("quarry_count: 2", "quarry_count: 0", "quarry_count=0 is outside"),
        ("seed: 20240729", "sed: 1", "sed"),
        ("station_dead_count: 1", "station_dead_count: 13", r"station_dead_count=13 is outside \[0, 12\]"),
    ],
)
def test_a_number_outside_its_limits_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    """A scenario that cannot be drawn is refused before anything is, with name, value and limit."""
    path = tmp_path / "wrong.yaml"
    text = scenario_text("tiny")
    path.write_text(text.replace(before, after), encoding="utf-8")

    assert before in text
    with pytest.raises(InputUnusable, match=said):
        load_scenario(str(path))


@pytest.mark.parametrize("seed", range(8))
def test_a_sparse_scenario_can_be_drawn(seed: int) -> None:
    """Where hardly anything happens, and much is zero, a theatre is still drawn or refused in words."""
    scenario = load_scenario("tiny")
    nothing = {"energy_attacks_per_day_count": (0.0, 0.0), "wild_fires_per_day_count": 0.0, "industrial_heat_count": 0}
    conduct = msgspec.structs.replace(scenario.conduct, **nothing, fire_missions_per_day_count=(0.05, 0.0))
    sparse = msgspec.structs.replace(scenario, seed=seed, conduct=conduct, background_days=2)

    try:
        theatre = build_theatre(sparse)
    except InputUnusable as error:
        assert "the scenario leaves no" in str(error)  # noqa: PT017 - either answer is right
    else:
        assert theatre.files


def test_a_name_that_is_no_scenario_is_refused() -> None:
    """An unknown name is answered with the known ones."""
    with pytest.raises(InputUnusable, match="first_light"):
        load_scenario("second_light")


def test_a_scenario_is_checked_when_built() -> None:
    """Two parties of one name are none."""
    scenario = load_scenario("tiny")
    content = msgspec.structs.asdict(scenario) | {"parties": ("A", "A")}

    with pytest.raises(ValueError, match="one and the same"):
        Scenario(**content)


def test_simulate_writes_what_the_library_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes the files that the library draws, and running it again changes nothing."""
    command = ["simulate", "--scenario", "tiny", "--out", str(tmp_path)]
    codes = [main(command), main(command)]
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    said = capsys.readouterr().out

    assert codes == [0, 0]
    assert written == theatre_of("tiny").files
    assert "SYNTHETIC" in said
