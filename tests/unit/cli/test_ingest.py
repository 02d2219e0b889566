"""`truceline ingest` says of every file and every row what became of it, and keeps each once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main

FIXTURES = Path(__file__).parents[2] / "fixtures"


def ingest(store: Path, *arguments: object) -> int:
    """Run the command on a store."""
    return main(["ingest", *map(str, arguments), "--store", str(store)])


def invented(folder: Path, *kinds: str) -> list[Path]:
    """Copy the fixtures of some kinds into folders, each file marked as invented."""
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for path in (FIXTURES / kind).glob("*.csv"):
            (folder / kind / path.name).write_text(f"# SYNTHETIC: invented\n{path.read_text()}")
    return [folder / kind for kind in kinds]


def test_files_are_taken_in_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Taken in twice, a folder is kept once: the second time nothing is new and nothing is wrong."""
    folders = invented(tmp_path / "feeds", "thermal", "media_report")
    codes = [ingest(tmp_path / "store", *folders) for _ in range(2)]

    assert codes == [0, 0]
    said = capsys.readouterr().out
    assert "good_viirs.csv: thermal, 4 accepted, 0 rejected, 0 duplicate [SYNTHETIC]" in said
    assert "good_viirs.csv: had before, as good_viirs.csv" in said
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        kinds = sorted(store.observations()["kind"].to_pylist())
        assert kinds == ["media_report"] * 4 + ["thermal"] * 9
        assert len(store.rejections()) == 27


def test_rejections_are_grouped_shown_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reasons are counted with an example; the rejected rows can be seen in full, then and later."""
    path = tmp_path / "a.csv"
    path.write_text("lat,lon,date\n95,7,2021-08-01\n96,7,2021-08-01\n48,7,2021-08-01\n48\n")
    store = tmp_path / "store"
    code = ingest(store, path, "--show-rejections", 1)
    said = capsys.readouterr().out

    assert code == 0
    assert "a.csv: thermal, 1 accepted, 3 rejected, 0 duplicate\n" in said
    assert "  2 x lat is outside [-90, 90]: latitude and longitude look swapped; such as a.csv row 0: lat=95.0" in said
    assert f"truceline ingest --store {store} --show-rejections 3" in said
    assert said.endswith("row 3: fields=1 is not the header's 3\n    '48'\n")
    assert ingest(store, "--show-rejections", 10) == 0
    assert "'95,7,2021-08-01'" in capsys.readouterr().out


def test_many_reasons_are_shown_in_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of many kinds of rejection the commonest are listed, and how many more there are."""
    patrols, thermal = invented(tmp_path / "feeds", "patrol_report", "thermal")
    code = ingest(tmp_path / "store", patrols / "broken.csv", thermal / "broken.csv")

    assert code == 1
    said = capsys.readouterr().out
    assert said.count(" x ") == 8
    assert "more reasons\n" in said


def test_nothing_usable_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no file can be used the command fails and says of each why."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "empty.csv").touch()
    (tmp_path / "feeds" / "cut.parquet").write_bytes(b"PAR1 and no more")
    code = ingest(tmp_path / "store", tmp_path / "feeds")

    assert code == 1
    said = capsys.readouterr().out
    assert "empty.csv: not taken in: is empty\n" in said
    assert "cut.parquet begins as Parquet but has no end" in said
    assert "nothing usable was found" in said


def test_a_good_file_counts_beside_bad_ones(tmp_path: Path) -> None:
    """One usable file is enough for the command to have done its work; a half-written one leaves nothing."""
    good = tmp_path / "a.parquet"
    pl.DataFrame({"lat": [48.1], "lon": [37.8], "date": ["2021-08-01"]}).write_parquet(good)
    (tmp_path / "b.parquet").write_bytes(good.read_bytes()[:-5])

    assert ingest(tmp_path / "store", good, tmp_path / "b.parquet") == 0
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        assert [file.file_name for file in store.ingested_files()] == ["a.parquet"]


@pytest.mark.parametrize(
    ("kept_mark", "other_mark", "says"),
    [
        ("", "# SYNTHETIC\n", "is SYNTHETIC and this store holds real data: take it into a store of its own"),
        ("# SYNTHETIC\n", "", "is real data and this store is SYNTHETIC: take it into a store of its own"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_invented_and_real_files_do_not_mix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kept_mark: str, other_mark: str, says: str, *, at_once: bool
) -> None:
    """Of invented and real files a store holds only what it was begun with; the other is left out whole and named."""
    kept, other = tmp_path / "a.csv", tmp_path / "b.csv"
    kept.write_text(f"{kept_mark}lat,lon,date\n48.1,37.8,2021-08-01\n")
    other.write_text(f"{other_mark}lat,lon,date\n48.2,37.8,2021-08-01\n95,7,2021-08-01\n")
    for paths in [[kept, other]] if at_once else [[kept], [other]]:
        ingest(tmp_path / "store", *paths)

    assert f"b.csv: not taken in: {says}\n" in capsys.readouterr().out
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        assert [file.file_name for file in store.ingested_files()] == ["a.csv"]
        assert (store.observations().num_rows, store.rejections()) == (1, [])
        assert store.synthetic == bool(kept_mark)


def test_what_is_no_regular_file_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe that nobody writes to is left out with the reason, and the files beside it are taken in."""
    os.mkfifo(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("lat,lon,date\n48.1,37.8,2021-08-01\n")
    code = ingest(tmp_path / "store", tmp_path / "a.csv", tmp_path / "b.csv")

    assert code == 0
    said = capsys.readouterr().out
    assert "a.csv: not taken in: is not a regular file\n" in said
    assert "b.csv: thermal, 1 accepted" in said


def test_a_file_that_fails_in_its_middle_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read to its end is not kept, not even in part."""
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"lat": [48.1] * 300_000, "lon": range(300_000), "date": ["2021-08-01"] * 300_000})
    frame.with_columns(pl.col("lon") / 1e4).write_parquet(path, row_group_size=100_000, compression="zstd")
    content = bytearray(path.read_bytes())
    middle = len(content) * 5 // 6
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    code = ingest(tmp_path / "store", path)

    assert code == 1
    assert "is damaged Parquet" in capsys.readouterr().out
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        assert store.ingested_files() == []
        assert store.observations().num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--parties", "RU"], "--parties='RU' does not name two different parties"),
        (["--parties", "A,A"], "--parties='A,A' does not name two different parties"),
        (["--timezone", "Europe/Nowhere"], "--timezone='Europe/Nowhere' is not a zone"),
        (["--held-by", "C"], "--held-by='C' is not one of the parties RU, UA"),
        (["--theatre", "nowhere"], "theatre='nowhere' is not one of"),
    ],
)
def test_wrong_options_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    """A party, zone or theatre that is none is named, and nothing is made."""
    code = ingest(tmp_path / "store", FIXTURES / "thermal", *arguments)

    assert code == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_other_parties_and_zones_are_used(tmp_path: Path) -> None:
    """Parties and zone given by option are those the rows are read with."""
    path = tmp_path / "claims.csv"
    path.write_text("claimant,actor,posted_utc,weapon_class,launched,destroyed\nA,B,2025-04-20T05:00Z,missile,1,1\n")
    code = ingest(tmp_path / "store", path, "--parties", "A,B", "--timezone", "UTC")

    assert code == 0
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        assert store.observations()["actor"].to_pylist() == ["B"]


def test_without_paths_there_is_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither paths nor a wish to see rejections is wrong use."""
    assert ingest(tmp_path / "store") == 2
    assert "give files or folders" in capsys.readouterr().err


def test_a_store_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the store is no folder the command fails with a message."""
    (tmp_path / "store").write_text("a file")

    assert ingest(tmp_path / "store", FIXTURES / "thermal") == 1
    assert "is a file; a store is a folder" in capsys.readouterr().err


def test_maps_are_kept_as_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A map becomes a contact line of the party that is named; one without a line is not taken in."""
    ground = {"type": "Polygon", "coordinates": [[[37.0, 48.0], [38.0, 48.0], [38.0, 49.0], [37.0, 48.0]]]}
    (tmp_path / "line_2025-04-20.geojson").write_text(json.dumps(ground))
    (tmp_path / "nothing.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (tmp_path / "undated.geojson").write_text(json.dumps(ground, indent=1))
    code = ingest(tmp_path / "store", *sorted(tmp_path.glob("*.geojson")), "--held-by", "UA")

    assert code == 0
    said = capsys.readouterr().out
    assert "nothing.geojson: not taken in: holds no contact line\n" in said
    assert "undated.geojson: not taken in: no date in properties" in said
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        assert [(line.held_by, line.valid_date.day) for line in store.lines()] == [("UA", 20)]


def test_why_a_file_gives_no_line_is_kept_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rejections of a file without a usable line are counted, shown and kept, once; a better name takes it in."""
    ground = {"type": "Polygon", "coordinates": [[[37.0, 48.0], [38.0, 48.0], [38.0, 49.0], [37.0, 48.0]]]}
    path, dated = tmp_path / "undated.geojson", tmp_path / "line_2025-04-20.geojson"
    path.write_text(json.dumps(ground))
    dated.write_text(json.dumps(ground))
    codes = [ingest(tmp_path / "store", path) for _ in range(2)]
    said = capsys.readouterr().out

    assert codes == [1, 1]
    assert "0 accepted, 1 rejected, 0 duplicate" in said
    assert "1 x no date in properties" in said
    assert "such as undated.geojson row 0" in said
    with Workspace.open(tmp_path / "store", create=False, read_only=True) as store:
        assert len(store.rejections()) == 1
    assert ingest(tmp_path / "store", dated) == 0


def test_rows_of_another_theatre_bring_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where most rows of a file name a party that is none here, how to give the right theatre is said; else not."""
    head = "claimant,actor,posted_utc,weapon_class,launched,destroyed\n"
    strange, own = "A,B,2025-04-20T05:00Z,missile,1,1\n", "UA,RU,2025-04-20T05:00Z,missile,1,1\n"
    (tmp_path / "other.csv").write_text(head + strange + strange.replace("05:", "06:") + own)
    (tmp_path / "ours.csv").write_text(head + strange + own.replace("05:", "07:"))
    ingest(tmp_path / "store", tmp_path / "other.csv", tmp_path / "ours.csv")
    said = capsys.readouterr().out

    assert "most rows of other.csv name a party other than RU and UA:\n" in said
    assert "--agreement FILE or --theatre NAME, and a new --store" in said


def test_an_agreement_gives_parties_and_zone(tmp_path: Path) -> None:
    """With an agreement its theatre's parties are those the rows are read with."""
    agreement = Path(__file__).parents[3] / "agreements" / "easter_2025.yaml"
    code = ingest(tmp_path / "store", FIXTURES / "party_claim" / "good_claims.csv", "--agreement", agreement)

    assert code == 0
