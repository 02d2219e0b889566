"""What `agreement assess`, `status` and `check` put out: hashes, rivals, what people entered, counts and quiet days."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest
import shapely

from truceline.adapters.agreements import load_agreement, shipped_folder
from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main

ROOT = Path(__file__).resolve().parents[2]
REGISTERS = ROOT / "docs" / "examples" / "registers"
MINSK_EVENTS = ROOT / "docs" / "examples" / "events" / "minsk_example.csv"
AGREEMENTS = shipped_folder("agreements")
HEAD = "event_id,start,longitude_deg,latitude_deg,sigma_m,act"


def text(name: str) -> str:
    """Give the path of a shipped text."""
    return str(AGREEMENTS / f"{name}.yaml")


def table(folder: Path, head: str, *rows: str) -> str:
    """Write an event table and give its path."""
    path = folder / "events.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


def assessed(out: Path, *arguments: str) -> pl.DataFrame:
    """Run the command as a user would and read what it writes."""
    assert 0 == main(["agreement", "assess", *arguments, "--out", str(out)])
    return pl.read_parquet(out)


def test_every_finding_names_its_text_by_hash_and_its_rivals(tmp_path: Path) -> None:
    """The hash is that of the text's file; a disputed finding names one of another kind, which names it in turn."""
    events = table(tmp_path, f"{HEAD},object_category,actor", "e,2025-03-20T10:00Z,36,50,100,attack,energy,RU")
    versions = [text("energy_2025.ru"), text("energy_2025.ua")]
    found = assessed(tmp_path / "f.parquet", "--agreement", *versions, "--events", events, "--all")
    hashes = {
        Path(path).name.split(".")[1].upper(): hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in versions
    }
    rivals = dict(found.filter("disputed").select("finding_id", "differs_from_ids").iter_rows())
    kinds = dict(found.select("finding_id", "kind").iter_rows())

    assert len(rivals) > 0
    assert all(hashes[by] == sha256 for by, sha256 in found.select("version_by", "text_sha256").iter_rows())
    for finding_id, others in rivals.items():
        for other in others.split("; "):
            assert kinds[other] != kinds[finding_id]
            assert finding_id in rivals[other].split("; ")
    assert {("RU", 1.0)} == set(found.select("party", "party_probability").iter_rows())


def test_a_text_below_another_has_the_hash_of_its_own_file() -> None:
    """A layer is read with what it amends, each with its own file's hash."""
    loaded = load_agreement(AGREEMENTS / "minsk_addendum_2015.yaml")
    files = [AGREEMENTS / f"{one.agreement.agreement_id}.yaml" for one in loaded.texts]

    assert 3 == len(files)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == [
        one.file_sha256 for one in loaded.texts
    ]


def test_what_people_entered_has_findings_beside_those_on_events(tmp_path: Path) -> None:
    """A sum above a ceiling, missing guns, and a clock that ran out stand in the same table, with their numbers."""
    events = table(tmp_path, HEAD, "e,2020-05-04T10:00Z,36.0,33.0,100,fire")
    register = ["--register", str(REGISTERS), "--events", events]
    undof = assessed(tmp_path / "u.parquet", "--agreement", text("undof_1974"), *register, "--now", "2020-05-05T00:00Z")
    paris = assessed(tmp_path / "p.parquet", "--agreement", text("paris_2026"), *register, "--now", "2026-03-05T09:00Z")
    of_ceiling = undof.filter(pl.col("subject") == "ceiling_count")
    of_clock = paris.filter(pl.col("subject") == "response_step")

    assert [("potential_violation", "ceiling_exceeded=5", "SY")] == of_ceiling.select("kind", "flags", "party").rows()
    assert [("compliant", "clock_overdue=1")] == of_clock.select("kind", "flags").rows()
    assert 0 == of_clock["article"].null_count() + of_clock["start"].null_count() + of_clock["text_sha256"].null_count()


def test_an_inventory_is_held_against_its_visit(tmp_path: Path) -> None:
    """Two of six guns that were not seen are two missing; a visit in the future is left aside."""
    events = table(tmp_path, HEAD, "e,2020-08-05T10:00Z,38.0,48.0,100,fire")
    options = ["--agreement", text("minsk_addendum_2015"), "--register", str(REGISTERS), "--events", events]
    after = assessed(tmp_path / "a.parquet", *options, "--now", "2020-08-06T00:00Z")
    before = assessed(tmp_path / "b.parquet", *options, "--now", "2020-08-01T00:00Z")
    flags = after.filter(pl.col("subject") == "inventory_check")["flags"].to_list()

    assert any("missing_at_site=2" in flag for flag in flags)
    assert 0 == before.filter(pl.col("subject") == "inventory_check").height


def test_reports_of_one_round_are_three_signatures_and_one_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A camera's three rows and a patrol's one about one round: what an observer counted is added up, observers not."""
    head = f"{HEAD},report_id,source,cites,signature_count"
    told = (
        "90,fire,flash,camera,,1",
        "50,fire,flight,camera,,1",
        "80,fire,impact,camera,,1",
        "900,fire,heard,patrol,,1",
    )
    rows = [f"round,2016-06-01T10:00Z,38,48,{one}" for one in told]
    options = ["--agreement", text("minsk_2_2015"), "--events", table(tmp_path, head, *rows)]
    found = assessed(tmp_path / "f.parquet", *options)

    assert "minsk_2_2015 1: 1 events, 3 signatures" in capsys.readouterr().out
    assert ["round"] == found.filter(pl.col("provision_id") == "minsk_2_2015.ceasefire")["event_id"].to_list()


def test_a_report_that_cites_another_is_no_event_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The monitors' row stands, the data set's row that cites it is given back as a copy, beside a row at fault."""
    head = f"{HEAD},report_id,source,cites,signature_count"
    where = "2016-06-01T10:00Z,38,48"
    rows = [
        f"broken,{where},100,shelling,x-1,osce,,1",
        f"b,{where},100,fire,acled-9,acled,smm-1,1",
        f"a,{where},500,fire,smm-1,osce,,2",
    ]
    options = ["--agreement", text("minsk_2_2015"), "--events", table(tmp_path, head, *rows)]
    found = assessed(tmp_path / "f.parquet", *options)
    said = capsys.readouterr().out
    rejected = pl.read_csv(tmp_path / "f.parquet.rejected.csv")

    assert "1 events, 2 signatures" in said
    assert "1 reports are copies of others" in said
    assert {"a"} == set(found["event_id"])
    assert [0, 1] == rejected["row_index"].to_list()
    assert rejected["reason"][0].startswith("act=shelling")
    assert "acled-9: is a copy, it cites smm-1" == rejected["reason"][1]


def test_quiet_days_are_counted_from_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shot restarts the two days; in an area drawn from descriptions it may; `assess` says the same as `status`."""
    agreement = load_agreement(AGREEMENTS / "tcg_framework_2016.yaml").agreement
    area = next(one for one in agreement.geometries if one.reference.feature == "zolote")
    centre = shapely.from_wkb(area.wkb).centroid
    events = table(tmp_path, HEAD, f"shot,2016-09-25T10:00Z,{centre.x},{centre.y},10,fire")
    now = ["--now", "2016-09-26T12:00Z"]
    layers = [text("tcg_framework_2016"), text("minsk_addendum_2015")]
    options = ["--agreement", *layers, "--events", events]

    assert 0 == main(["agreement", "status", *options, *now])
    status = capsys.readouterr().out
    assert 0 == main(["agreement", "assess", *options, *now, "--out", str(tmp_path / "f.csv")])
    said = capsys.readouterr().out
    quiet = "in zolote: day 6 of 7, counted from 2016-09-20 21:00, 1 acts of which that is less probable than not"
    assert quiet in status
    assert "in petrivske: day 6 of 7, counted from 2016-09-20 21:00\n" in status
    assert "The ceasefire held in full for two days: 2 quiet days were full on " in status
    assert quiet in said


def test_a_status_needs_a_register_or_events(capsys: pytest.CaptureFixture[str]) -> None:
    """Without either there is nothing to say, and events need a text."""
    assert 1 == main(["agreement", "status"])
    assert "--register and --events are both missing" in capsys.readouterr().err
    assert 1 == main(["agreement", "status", "--events", str(MINSK_EVENTS)])
    assert "--agreement is missing" in capsys.readouterr().err


def test_the_weapons_catalogue_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sound catalogue is said to be sound, a faulty one has its line, and it is no agreement."""
    wrong = tmp_path / "mine.yaml"
    wrong.write_text(
        (AGREEMENTS / "weapons.yaml").read_text().replace("weapon_class: howitzer", "weapon_class: hat", 1)
    )
    code = main(["agreement", "check", str(AGREEMENTS / "weapons.yaml"), str(wrong)])
    said = capsys.readouterr().out

    assert 1 == code
    assert "weapons.yaml: sound" in said
    assert f"{wrong}, line " in said
    assert 1 == main(
        ["agreement", "status", "--register", str(REGISTERS), "--agreement", str(AGREEMENTS / "weapons.yaml")]
    )
    assert "is a weapons catalogue and no agreement" in capsys.readouterr().err


def test_what_an_event_itself_lacks_is_said_in_its_own_words(tmp_path: Path) -> None:
    """A row that says no act is indeterminate for want of just that."""
    head = "event_id,start,longitude_deg,latitude_deg,sigma_m,weapon_class"
    events = table(tmp_path, head, "e,2016-06-01T10:00Z,38,48,100,mortar")
    found = assessed(tmp_path / "f.parquet", "--agreement", text("minsk_2_2015"), "--events", events)
    why = found.filter(pl.col("provision_id") == "minsk_2_2015.ceasefire")["why"].to_list()

    assert ["what happened: whether anything was fired"] == why


def test_texts_between_other_parties_have_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two texts that bind other parties are not compared."""
    events = table(tmp_path, HEAD, "e,2016-06-01T10:00Z,38,48,100,fire")
    code = main(["agreement", "diff", text("minsk_2_2015"), text("undof_1974"), "--events", events])

    assert 1 == code
    assert "the texts bind other parties" in capsys.readouterr().err


def test_a_store_without_events_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that was never run holds nothing to assess, and says so."""
    with Workspace.open(tmp_path / "store", create=True):
        pass
    options = ["--agreement", text("minsk_2_2015"), "--events", str(tmp_path / "store")]

    assert 1 == main(["agreement", "assess", *options, "--out", str(tmp_path / "f.csv")])
    assert "the store holds no event" in capsys.readouterr().err
