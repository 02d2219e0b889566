"""Laws of reading events for the agreement commands: one form comes out, whatever went in, and no row is lost."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from truceline.adapters.agreement_events import (
    EVENT_FRAME,
    PIECE_ROW_COUNT,
    Rejected,
    event_pieces,
    mixture_of,
)
from truceline.adapters.sources.files import FeedContext
from truceline.errors import InputUnusable, SourceUnavailable

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "events" / "minsk_example.csv"
REPORTS = ROOT / "tests" / "fixtures" / "media_report"
FEED = FeedContext(parties=("RU", "UA"), timezone_name="Europe/Kyiv", received_time=datetime(2030, 1, 1, tzinfo=UTC))
HEAD = "event_id,start,longitude_deg,latitude_deg,sigma_m,act"
ROW = "e,2020-01-01T00:00Z,38,48,100,fire"


def read(path: Path) -> tuple[pl.DataFrame, list[Rejected]]:
    """Read a file or folder whole."""
    pieces = list(event_pieces(path, FEED))
    return pl.concat([piece.frame for piece in pieces]), [row for piece in pieces for row in piece.rejected]


def table(folder: Path, *rows: str, head: str = HEAD) -> Path:
    """Write an event table as CSV."""
    path = folder / "events.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_the_example_of_the_documents_is_read_whole() -> None:
    """Every row of the example is an event, also the one whose place nobody knows."""
    frame, rejected = read(EXAMPLE)

    assert 10 == frame.height
    assert [] == rejected
    assert dict(frame.schema) == EVENT_FRAME
    assert 1 == frame["latitude_deg"].null_count()


def test_csv_and_parquet_of_one_table_are_the_same_events(tmp_path: Path) -> None:
    """The form of a file changes nothing in what is read from it."""
    by_csv, _ = read(EXAMPLE)
    raw = pl.read_csv(EXAMPLE, comment_prefix="#", infer_schema=False)
    typed = raw.with_columns(pl.col("longitude_deg", "latitude_deg", "sigma_m").cast(pl.Float64))
    typed.write_parquet(tmp_path / "events.parquet")
    by_parquet, _ = read(tmp_path / "events.parquet")

    assert by_csv.equals(by_parquet)


def test_a_circle_and_a_covariance_say_the_same(tmp_path: Path) -> None:
    """`sigma_m` stands for a round covariance; where nothing is said, the place is known to a region."""
    head = f"{HEAD},covariance_east_m2,covariance_north_m2,covariance_east_north_m2"
    frame, _ = read(
        table(
            tmp_path,
            f"{ROW},,,",
            "f,2020-01-01T00:00Z,38,48,,fire,10000,10000,0",
            "g,2020-01-01T00:00Z,38,48,,fire,,,",
            head=head,
        )
    )

    assert [10_000.0, 10_000.0, 2.5e9] == frame["covariance_east_m2"].to_list()
    assert frame["covariance_east_m2"].equals(frame["covariance_north_m2"].alias("covariance_east_m2"))


@pytest.mark.parametrize(
    ("head", "row", "reason"),
    [
        (HEAD, "e,soon,38,48,100,fire", "start=soon is not a time"),
        (HEAD, "e,,38,48,100,fire", "start= is not a time"),
        (HEAD, ",2020-01-01T00:00Z,38,48,100,fire", "event_id= is missing"),
        (HEAD, "e,2020-01-01T00:00Z,380,48,100,fire", "longitude_deg=380.0 is outside [-180, 180]"),
        (HEAD, "e,2020-01-01T00:00Z,38,,100,fire", "longitude_deg=38.0 stands without latitude_deg"),
        (HEAD, "e,2020-01-01T00:00Z,38,48,-1,fire", "sigma_m=-1.0 is outside [0, 1e+06]"),
        (HEAD, "e,2020-01-01T00:00Z,38,48,100,shelling", "act=shelling is not one of fire, live_fire_exercise"),
        (f"{HEAD},weapon", f"{ROW},D-31", "weapon=D-31 is not in the weapons catalogue"),
        (f"{HEAD},weapon_class", f"{ROW},cannon", "weapon_class=cannon is not one of small_arms"),
        (
            f"{HEAD},class_probabilities",
            f"{ROW},howitzer:0.7;mortar:0.4",
            "class_probabilities=howitzer:0.7;mortar:0.4",
        ),
        (f"{HEAD},actor_probability", f"{ROW},1.5", "actor_probability=1.5 is outside [0, 1]"),
        (f"{HEAD},end", f"{ROW},2019-12-31T00:00Z", "end=2019-12-31T00:00Z is before the start"),
        (f"{HEAD},covariance_east_m2,covariance_north_m2,covariance_east_north_m2", f"{ROW},1,1,5", "is no covariance"),
        (f"{HEAD},covariance_north_m2", f"{ROW},-4", "covariance_north_m2=-4.0 is below 0"),
    ],
)
def test_a_row_at_fault_is_given_back_with_its_reason(tmp_path: Path, head: str, row: str, reason: str) -> None:
    """A bad row is left out, named by its place in the file, and the rows around it are read."""
    sound = ROW + "," * (head.count(",") - HEAD.count(","))
    frame, rejected = read(table(tmp_path, sound, row, sound.replace("e,", "g,", 1), head=head))

    assert ["e", "g"] == frame["event_id"].to_list()
    assert [1] == [entry.row_index for entry in rejected]
    assert reason in rejected[0].reason


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("event_id,start,longitude_deg", "columns ['latitude_deg'] are missing"),
        ("event_id,longitude_deg,latitude_deg,act", "columns ['start'] are missing"),
        ("event_id,start,longitude_deg,latitude_deg", "has no column beside place and time"),
        ("a,b", "is no event table (a column event_id is missing) and no known feed"),
    ],
)
def test_a_table_that_lacks_columns_is_refused_whole(tmp_path: Path, head: str, said: str) -> None:
    """What cannot be an event table says which columns it lacks."""
    with pytest.raises(InputUnusable) as error:
        read(table(tmp_path, ",".join("1" * len(head.split(","))), head=head))

    assert said in str(error.value)


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    """Another ending, a missing file, a broken file, a folder without a store: each says what it is."""
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputUnusable, match=r"is neither \.parquet nor \.csv"):
        read(tmp_path / "a.txt")
    for name in ("b.parquet", "absent.csv"):
        with pytest.raises(SourceUnavailable, match="cannot be read"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "mixture"),
    [
        ("howitzer:0.7;mortar:0.3", {"howitzer": 0.7, "mortar": 0.3}),
        ("howitzer:0.2", {"howitzer": 0.2}),
        ("cannon:0.2", None),
        ("howitzer", None),
        ("howitzer:0.7;mortar:0.4", None),
        ("howitzer:-0.1", None),
    ],
)
def test_mixtures_are_of_known_classes_and_sum_to_one_at_most(text: str, mixture: dict[str, float] | None) -> None:
    """A mixture that does not hold is none."""
    assert mixture == mixture_of(text)


def test_reports_of_fighting_in_a_feed_become_events() -> None:
    """Each report of fighting is one event; every other row is given back, so that the numbers add up."""
    path = REPORTS / "good.csv"
    frame, rejected = read(path)
    row_count = sum(not line.startswith("#") for line in path.read_text().splitlines()) - 1

    assert frame.height > 0
    assert row_count == frame.height + len(rejected)
    assert {"fire", "attack"} >= set(frame["act"].to_list())
    assert (
        frame.filter(pl.col("act") == "attack")["object_category"].to_list()
        == ["energy"] * (frame["act"] == "attack").sum()
    )


def test_the_last_revision_of_a_located_event_counts(tmp_path: Path) -> None:
    """Of a solution each event comes once, by its last revision, and its time is as wide as its sigma says."""
    origin = datetime(2030, 1, 1, 12, tzinfo=UTC)
    rows = pl.DataFrame(
        {
            "event_id": ["a", "b", "a"],
            "revision_index": [0, 0, 1],
            "evaluation_status": ["preliminary", "preliminary", "rejected"],
            "origin_time": [origin, origin, origin],
            "longitude_deg": [38.0, 38.0, 38.5],
            "latitude_deg": [48.0, 48.0, 48.5],
            "covariance_east_m2": [1.0, 4.0, 9.0],
            "covariance_east_north_m2": [0.0, 0.0, 0.0],
            "covariance_north_m2": [1.0, 4.0, 9.0],
            "time_sigma_s": [0.1, 0.2, 0.3],
            "event_probability": [0.9, 0.8, 0.7],
        }
    )
    (tmp_path / "events").mkdir()
    rows.write_parquet(tmp_path / "events" / "part-0.parquet")
    frame, rejected = read(tmp_path)

    assert [] == rejected
    assert [("a", 1, True), ("b", 0, False)] == frame.select("event_id", "revision_index", "withdrawn").rows()
    assert timedelta(seconds=2 * 0.2 * math.sqrt(3)).total_seconds() == pytest.approx(
        (frame["end"][1] - frame["start"][1]).total_seconds(), abs=2e-6
    )


def test_tables_are_read_in_bounded_pieces(tmp_path: Path) -> None:
    """No piece is longer than the limit, and the place of a bad row counts from the beginning of the file."""
    row_count = PIECE_ROW_COUNT + 10
    frame = pl.DataFrame(
        {
            "event_id": pl.int_range(row_count, eager=True).cast(pl.String),
            "start": pl.repeat(datetime(2030, 1, 1, tzinfo=UTC), row_count, eager=True),
            "longitude_deg": pl.repeat(38.0, row_count, eager=True),
            "latitude_deg": pl.repeat(48.0, row_count, eager=True),
            "act": ["fire"] * (row_count - 1) + ["shelling"],
        }
    )
    frame.write_parquet(tmp_path / "many.parquet")
    pieces = list(event_pieces(tmp_path / "many.parquet", FEED))

    assert [PIECE_ROW_COUNT, 9] == [piece.frame.height for piece in pieces]
    assert [row_count - 1] == [entry.row_index for piece in pieces for entry in piece.rejected]
