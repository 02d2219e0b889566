"""Files of any kind, good and bad: recognised by content, read once, and nothing lost without a word."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import shapely
from msgspec.structs import replace
from pyarrow import parquet

from truceline.adapters.sources import files, opening
from truceline.adapters.sources.files import (
    FeedContext,
    NotRecognised,
    Reading,
    TableFile,
    discover,
    open_table,
    read_observations,
)
from truceline.errors import SourceUnavailable

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHARED = Path(__file__).parents[4] / "shared" / "data"
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
UKRAINE = FeedContext(parties=("RU", "UA"), timezone_name="Europe/Kyiv", received_time=RECEIVED)


def read(*paths: Path, parties: tuple[str, str] = ("RU", "UA")) -> Reading:
    """Read files into memory."""
    return read_observations(paths, replace(UKRAINE, parties=parties))


def archive_csv(path: Path, row_count: int) -> Path:
    """Write a reduced archive of hot pixels."""
    rows = "".join(f"{44 + index / 1e5:.5f},{37 + index / 1e5:.5f},2021-08-01\n" for index in range(row_count))
    path.write_text("lat,lon,date\n" + rows)
    return path


def refusal(path: Path) -> str:
    """Give why a file is not recognised."""
    found = open_table(path)
    assert isinstance(found, NotRecognised)
    return found.reason


@pytest.mark.parametrize("kind", ["thermal", "media_report", "party_claim", "patrol_report", "detection", "statement"])
def test_every_row_of_every_fixture_is_accounted_for(kind: str) -> None:
    """Accepted, rejected and duplicate rows of a file are all of its rows."""
    for path in sorted((FIXTURES / kind).glob("*.csv")):
        row_count = sum(1 for line in path.read_text().splitlines() if not line.startswith("#")) - 1
        reading = read(path)

        assert reading.not_recognised == []
        assert [file.kind for file in reading.files] == [kind]
        assert _row_counts(reading) == [row_count]
        assert len(reading.rejections) == reading.files[0].rejected_count
        assert reading.observations.num_rows == reading.files[0].accepted_count


def _row_counts(reading: Reading) -> list[int]:
    return [file.accepted_count + file.rejected_count + file.duplicate_count for file in reading.files]


def test_parquet_is_csv(tmp_path: Path) -> None:
    """A Parquet file with the values of a CSV file gives the same observations; read after it, only duplicates."""
    path = FIXTURES / "thermal" / "good_archive.csv"
    pl.read_csv(path, try_parse_dates=True).write_parquet(tmp_path / "archive.bin")
    first, second = read(path), read(tmp_path / "archive.bin")
    both = read(path, tmp_path)

    dropped = ["file_sha256"]
    assert first.observations.drop_columns(dropped).equals(second.observations.drop_columns(dropped))
    assert [file.duplicate_count for file in both.files] == [0, 2]
    assert both.observations.num_rows == 2


def test_a_row_counts_once(tmp_path: Path) -> None:
    """A row that stands twice in a file, or in two files, is one observation and otherwise a duplicate."""
    path = archive_csv(tmp_path / "one.csv", 3)
    lines = path.read_text().splitlines()
    (tmp_path / "two.csv").write_text("\n".join([*lines, *lines[1:]]))
    reading = read(tmp_path)

    assert [(file.accepted_count, file.duplicate_count) for file in reading.files] == [(3, 0), (0, 6)]


def test_chunks_hold_no_more_than_their_limit(tmp_path: Path) -> None:
    """A long file comes in chunks of at most 131,072 rows, and row indices run through."""
    path = archive_csv(tmp_path / "long.csv", 300_000)
    frame = pl.read_csv(path, try_parse_dates=True)
    frame.write_parquet(tmp_path / "long.parquet", row_group_size=200_000)
    for name in ("long.csv", "long.parquet"):
        found = open_table(tmp_path / name)
        assert isinstance(found, TableFile)
        blocks = list(found.chunks())

        assert max(block.table.num_rows for block in blocks) <= 131_072
        assert [index for block in blocks for index in block.row_indices.tolist()] == list(range(300_000))


def test_lines_of_the_wrong_length_are_rejections(tmp_path: Path) -> None:
    """A line with too few or too many fields is kept with its text, and its neighbours keep their places."""
    path = tmp_path / "a.csv"
    path.write_text("lat,lon,date\n48.1,37.8,2021-08-01\n48.1\n48.2,37.8,2021-08-01,x\n48.3,37.8,1021-08-01\n")
    reading = read(path)

    assert reading.observations["row_index"].to_pylist() == [0]
    assert [(entry.row_index, entry.raw) for entry in reading.rejections] == [
        (1, "48.1"),
        (2, "48.2,37.8,2021-08-01,x"),
        (3, "48.3,37.8,1021-08-01"),
    ]
    assert reading.rejections[0].reason == "fields=1 is not the header's 3"


def test_a_long_raw_text_is_cut(tmp_path: Path) -> None:
    """Of a rejected line at most 2,000 characters are kept."""
    path = tmp_path / "a.csv"
    path.write_text("lat,lon,date\n" + "x" * 5_000 + "\n")

    assert [len(entry.raw) for entry in read(path).rejections] == [2_000]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x1f\x8b\x08rest", "is compressed (gzip)"),
        (b"PK\x03\x04rest", "is a ZIP archive or a spreadsheet"),
        (b"\xff\xfel\x00a\x00", "is UTF-16 text"),
        (b"[1, 2]", "is a JSON list"),
        (b"\x00\x01\x02", "is neither CSV text nor Parquet nor GeoJSON"),
        (b"\xe9t\xe9,b\n", "is neither UTF-8 CSV"),
        (b"lat,lon,date,lat\n", "columns lat stand there twice"),
        (b"colour;taste\n", "does not begin with a header of a known kind, but with 'colour, taste'"),
        (b"lat|lon|date\n", "does not begin with a header of a known kind"),
        (b"latitude,longitude,acq_date\n", "nearest is thermal (FIRMS"),
        (b"posted_utc,oblasts\n", "nearest is party_claim (ministry posts), which lacks claimed_ua_drones_downed"),
    ],
)
def test_what_is_not_recognised_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    """An empty file, another format or unknown columns: the reason says which, and what is lacking."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    assert says in refusal(path)
    assert [(entry[0], says in entry[1]) for entry in read(path).not_recognised] == [(path, True)]


def test_a_very_long_header_is_shown_in_part(tmp_path: Path) -> None:
    """Of a header with thousands of columns only the beginning is shown."""
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"column{index}" for index in range(2_000)) + "\n")

    assert len(refusal(path)) < 400


def test_a_file_still_being_written_does_not_stop_the_others(tmp_path: Path) -> None:
    """A Parquet file that is cut off, or damaged inside, is noted as such, and the files beside it are read."""
    whole = tmp_path / "b.parquet"
    pl.read_csv(FIXTURES / "thermal" / "good_archive.csv", try_parse_dates=True).write_parquet(whole)
    content = whole.read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[:-9])
    (tmp_path / "c.parquet").write_bytes(content[:8] + b"\xff" * 40 + content[48:])
    (tmp_path / "d.parquet").write_bytes(content[:-20] + b"\xff" * 12 + content[-8:])
    reading = read(tmp_path)

    assert [file.file_name for file in reading.files] == ["b.parquet"]
    reasons = {path.name: reason for path, reason in reading.not_recognised}
    assert "is cut off, or still being written" in reasons["a.parquet"]
    assert "is damaged Parquet" in reasons["c.parquet"]
    assert "is damaged Parquet" in reasons["d.parquet"]


def test_a_file_that_changes_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    """A file that grew between its hash and its end gives nothing, and says so."""
    path = archive_csv(tmp_path / "a.csv", 3)
    found = open_table(path)
    assert isinstance(found, TableFile)
    with path.open("a") as stream:
        stream.write("48.1,37.8,2021-08-01\n")

    with pytest.raises(SourceUnavailable, match="changed while it was being read"):
        list(found.chunks())


def test_a_file_that_vanished_cannot_be_read(tmp_path: Path) -> None:
    """A file that is gone before or after its first look is said to be unreadable."""
    path = archive_csv(tmp_path / "a.csv", 3)
    found = open_table(path)
    assert isinstance(found, TableFile)
    path.unlink()

    with pytest.raises(SourceUnavailable, match="cannot be read"):
        list(found.chunks())
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        open_table(path)


def test_a_flood_of_rejections_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with more rejected rows than the limit is left out as a whole, with the last reason."""
    monkeypatch.setattr(files, "REJECTION_MAX_COUNT", 2)
    path = tmp_path / "a.csv"
    path.write_text("lat,lon,date\n" + "99,7,2021-08-01\n" * 3)
    reading = read(path)

    assert reading.files == []
    assert "more than 2 rows rejected; the last: lat=99.0" in reading.not_recognised[0][1]


def test_folders_are_walked_in_order_and_once(tmp_path: Path) -> None:
    """Files come by name, hidden ones not at all, and none twice however it is named."""
    for name in ("b/2.csv", "b/1.csv", "a/3.csv", ".hidden/4.csv", "a/.5.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = list(discover([tmp_path / "b" / "2.csv", tmp_path, tmp_path / "a" / ".." / "b"]))

    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["b/2.csv", "a/3.csv", "b/1.csv"]


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A path that does not exist is a mistake of the caller's, and said at once."""
    with pytest.raises(SourceUnavailable, match="does not exist"):
        list(discover([tmp_path / "nowhere"]))


def test_an_unreadable_folder_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed is noted, and what lies beside it is read; asked without, it is a failure."""
    (tmp_path / "closed").mkdir()
    archive_csv(tmp_path / "open.csv", 2)
    scandir = os.scandir

    def guarded(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    reading = read(tmp_path)

    assert reading.observations.num_rows == 2
    assert reading.not_recognised == [(tmp_path / "closed", "cannot be listed: Permission denied")]
    with pytest.raises(SourceUnavailable, match="cannot be listed: Permission denied"):
        list(discover([tmp_path]))


@pytest.mark.parametrize(
    ("text", "synthetic"),
    [
        ("# SYNTHETIC: invented\nlat,lon,date\n48.1,37.8,2021-08-01\n", True),
        ("lat,lon,date,synthetic\n48.1,37.8,2021-08-01,false\n48.2,37.8,2021-08-01,TRUE\n", True),
        ("lat,lon,date,synthetic\n48.1,37.8,2021-08-01,false\n", False),
        ("lat,lon,date\n48.1,37.8,2021-08-01\n", False),
    ],
)
def test_invented_files_are_marked(tmp_path: Path, text: str, *, synthetic: bool) -> None:
    """A file is synthetic when its first comment or any of its rows says so."""
    path = tmp_path / "a.csv"
    path.write_text(text)

    assert [file.synthetic for file in read(path).files] == [synthetic]


def test_invented_parquet_is_marked(tmp_path: Path) -> None:
    """A Parquet file is synthetic when its schema's metadata or a column says so."""
    table = pa.table({"lat": [48.1], "lon": [37.8], "date": [date(2021, 8, 1)]})
    parquet.write_table(table.replace_schema_metadata({"synthetic": "true"}), tmp_path / "a.parquet")
    parquet.write_table(table.append_column("synthetic", pa.array([True])), tmp_path / "b.parquet")
    parquet.write_table(table, tmp_path / "c.parquet")

    assert [file.synthetic for file in read(tmp_path).files] == [True, True, False]


def test_other_parties_are_read_as_such(tmp_path: Path) -> None:
    """In a theatre of other parties, claims of its own parties are read, and those of strangers rejected."""
    text = (FIXTURES / "party_claim" / "good_claims.csv").read_text()
    path = tmp_path / "claims.csv"
    path.write_text(text.replace("UA,RU", "A,B"))
    reading = read(path, parties=("A", "B"))

    assert reading.observations["claimant"].to_pylist() == ["A"]
    assert [entry.reason for entry in reading.rejections] == ["claimant=RU is not a party of this theatre (A, B)"]


def test_exchanging_the_parties_exchanges_the_claims(tmp_path: Path) -> None:
    """Claims with the parties exchanged are the same claims with claimant and actor exchanged."""
    text = (FIXTURES / "party_claim" / "good_claims.csv").read_text()
    path = tmp_path / "claims.csv"
    path.write_text(text.replace("UA,RU", "x").replace("RU,UA", "UA,RU").replace("x", "RU,UA", 1))
    other, own = read(path).observations, read(FIXTURES / "party_claim" / "good_claims.csv").observations

    assert other["claimant"].to_pylist() == own["actor"].to_pylist()
    assert other["launched_count"].to_pylist() == own["launched_count"].to_pylist()


def test_a_large_drawing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GeoJSON above the limit is not read into memory."""
    monkeypatch.setattr(opening, "GEOJSON_SIZE_MAX_BYTES", 10)
    path = tmp_path / "line.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')

    assert "is above 10 for GeoJSON" in refusal(path)


def map_of(held_by: str | None = None, **members: object) -> str:
    """Give a map of invented ground for one day."""
    ring = [[37.0, 48.0], [38.0, 48.0], [38.0, 49.0], [37.0, 48.0]]
    properties = {"date": "2025-04-20"} | ({} if held_by is None else {"held_by": held_by})
    feature = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    return json.dumps({"type": "FeatureCollection", "features": [feature], **members})


def test_maps_are_recognised_beside_tables(tmp_path: Path) -> None:
    """A map becomes a contact line; ground that names no party is the first party's; invented maps are marked."""
    (tmp_path / "a.json").write_text(map_of())
    (tmp_path / "b.json").write_text("\ufeff" + map_of("UA", synthetic=True))
    reading = read(tmp_path)

    assert [line.held_by for line in reading.lines] == ["RU", "UA"]
    assert [(file.kind, file.accepted_count, file.synthetic) for file in reading.files] == [
        ("contact_line", 1, False),
        ("contact_line", 1, True),
    ]


def test_a_map_of_a_strange_party_is_rejected(tmp_path: Path) -> None:
    """Ground of a party that is not of the theatre gives no line, and says so."""
    (tmp_path / "a.json").write_text(map_of("C"))
    reading = read(tmp_path)

    assert reading.lines == []
    reason = "held_by=C is not a party of this theatre (RU, UA)"
    assert reading.not_recognised == [(tmp_path / "a.json", reason)]


BOUNDED = replace(UKRAINE, bounds_deg=(22.0, 44.0, 41.0, 53.0))
"""A feed whose theatre's ground is given; its coordinates exchanged lie outside it."""


def lines_of(path: Path, points_deg: list[list[tuple[float, float]]], kind: str) -> Path:
    """Write lines of successive days as a drawing or as a table."""
    days = [f"2025-04-{20 + index}" for index in range(len(points_deg))]
    if kind == "table":
        wkbs = [shapely.to_wkb(shapely.LineString(points), hex=True) for points in points_deg]
        path.write_text("date,line_wkb\n" + "".join(f"{day},{wkb}\n" for day, wkb in zip(days, wkbs, strict=True)))
        return path
    features = [
        {
            "type": "Feature",
            "properties": {"date": day},
            "geometry": {"type": "LineString", "coordinates": points},
        }
        for day, points in zip(days, points_deg, strict=True)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize("kind", ["drawing", "table"])
def test_lines_with_coordinates_exchanged_are_left_out(tmp_path: Path, kind: str) -> None:
    """Lines that lie in the theatre only with latitude and longitude exchanged are left out; the straight are kept."""
    straight = [(37.0, 48.0), (38.0, 49.0), (38.5, 49.0)]
    swapped = [(latitude_deg, longitude_deg) for longitude_deg, latitude_deg in straight]
    good = lines_of(tmp_path / "good", [straight, straight], kind)
    bad = lines_of(tmp_path / "bad", [swapped, swapped], kind)
    reading = read_observations([good, bad], BOUNDED)

    assert [file.file_name for file in reading.files] == ["good"]
    assert [path.name for path, _ in reading.not_recognised] == ["bad"]
    assert "latitude and longitude look swapped: 6 of 6 positions" in reading.not_recognised[0][1]


@pytest.mark.parametrize("kind", ["drawing", "table"])
def test_lines_wholly_outside_the_theatre_are_left_out(tmp_path: Path, kind: str) -> None:
    """A line wholly outside the theatre is a rejection, a file of such lines is left out, one that crosses is kept."""
    crossing, outside = [(37.0, 48.0), (60.0, 49.0)], [(10.0, 48.0), (11.0, 49.0)]
    mixed = lines_of(tmp_path / "mixed", [crossing, outside], kind)
    strange = lines_of(tmp_path / "strange", [outside], kind)
    reading = read_observations([mixed, strange], BOUNDED)

    says = "line_deg=[10, 48, 11, 49] lies wholly outside the theatre's bounds [22, 44, 41, 53]"
    assert [line.valid_date.day for line in reading.lines] == [20]
    assert [entry.reason for entry in reading.rejections] == [says]
    assert [(path.name, reason) for path, reason in reading.not_recognised] == [("strange", says)]
    assert len(read_observations([mixed, strange], UKRAINE).lines) == 3


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe that nobody writes to does not hold up the reading; it is noted, and its neighbour is read."""
    os.mkfifo(tmp_path / "a.csv")
    archive_csv(tmp_path / "b.csv", 2)
    reading = read(tmp_path)

    assert reading.not_recognised == [(tmp_path / "a.csv", "is not a regular file")]
    assert reading.observations.num_rows == 2


@pytest.mark.parametrize("content", ["{}", "{broken", '{"type": "FeatureCollection", "features": []}'])
def test_json_without_a_line_is_not_recognised(tmp_path: Path, content: str) -> None:
    """JSON in which no line is found is noted with the reason."""
    (tmp_path / "a.json").write_text(content)
    reading = read(tmp_path)

    assert [path.name for path, _ in reading.not_recognised] == ["a.json"]
    assert reading.files == []


def test_tables_of_lines_keep_their_faulty_rows(tmp_path: Path) -> None:
    """A CSV of lines gives its sound rows as lines, and its faulty ones as rejections in their places."""
    line = shapely.to_wkb(shapely.LineString([(37.0, 48.0), (38.0, 49.0)]), hex=True)
    path = tmp_path / "a.csv"
    path.write_text(f"date,line_wkb\n2025-04-20\n2025-04-21,{line}\n2025-04-22,nothing\n2025-04-23,{line}\n")
    reading = read(path)

    assert [entry.valid_date.day for entry in reading.lines] == [21, 23]
    assert [entry.row_index for entry in reading.rejections] == [0, 2]
    assert [file.rejected_count for file in reading.files] == [2]


def test_progress_is_told_row_by_row(tmp_path: Path) -> None:
    """Progress hears of each chunk with the rows read so far."""
    path = archive_csv(tmp_path / "a.csv", 5)
    told: list[tuple[Path, int]] = []
    read_observations([path], UKRAINE, on_progress=lambda place, row_count: told.append((place, row_count)))

    assert told == [(path, 5)]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="study material is absent")
def test_study_material_is_read_whole() -> None:
    """Of the study's claims and reports every row is accepted or a duplicate."""
    reading = read_observations(
        [SHARED / "air_war_claims", SHARED / "media_events"],
        replace(UKRAINE, received_time=datetime(2026, 11, 1, tzinfo=UTC)),
    )

    counts = {
        file.file_name: (file.accepted_count, file.rejected_count, file.duplicate_count) for file in reading.files
    }
    assert counts == {
        "air_ru.parquet": (1071, 0, 0),
        "air_ua.parquet": (3246, 0, 3),
        "media_events.parquet": (149283, 0, 0),
    }


@pytest.mark.parametrize(
    ("header", "left_out_count"), [("latitude,longitude", 0), ("longitude,latitude", 1)], ids=["straight", "swapped"]
)
def test_a_file_with_exchanged_coordinates_is_left_out(tmp_path: Path, header: str, left_out_count: int) -> None:
    """Where most positions lie in the theatre only when exchanged, the columns are named wrongly, and that is said."""
    tail = "bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight"
    rest = "330.1,0.4,0.4,2025-04-01,0110,N,VIIRS,n,2.0NRT,290.1,5.5,N"
    rows = [f"{48 + index / 10},{37 + index / 10},{rest}" for index in range(5)]
    path = tmp_path / "hot.csv"
    path.write_text("\n".join([f"{header},{tail}", *rows]) + "\n")
    reading = read_observations([path], replace(UKRAINE, bounds_deg=(22.0, 44.0, 41.0, 53.0)))

    assert left_out_count == len(reading.not_recognised)
    assert 5 * (1 - left_out_count) == reading.observations.num_rows
    assert all("look swapped: 5 of 5" in reason for _, reason in reading.not_recognised)
