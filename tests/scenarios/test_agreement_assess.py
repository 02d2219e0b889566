"""Texts held against events as a user would: files in, findings out; the clause, the minute and the version decide."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from truceline.adapters.agreements import shipped_folder
from truceline.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
AGREEMENTS = shipped_folder("agreements")
SHARED = ROOT.parent / "shared" / "data"
MINSK = ("minsk_addendum_2015", "tcg_framework_2016", "tcg_measures_2016_2020")

STARTS = """\
start_id,agreement_id,stage_id,start_time,declared_by,zone_id,source
a,minsk_addendum_2015,stage_1,2015-10-03T00:00+03:00,contact group,,S
z,tcg_framework_2016,disengagement,2016-10-01T00:00+03:00,monitors,zolote,S
"""


def text(name: str) -> str:
    """Give the path of a shipped text."""
    return str(AGREEMENTS / f"{name}.yaml")


def assessed(out: Path, *arguments: str) -> pl.DataFrame:
    """Run the command as a user would and read what it writes."""
    assert 0 == main(["agreement", "assess", *arguments, "--out", str(out)])
    return pl.read_parquet(out)


def table(folder: Path, head: str, *rows: str) -> str:
    """Write an event table and give its path."""
    path = folder / "events.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


def kinds(findings: pl.DataFrame, event_id: str) -> dict[str, str]:
    """Give what was found about one event, clause by clause."""
    found = findings.filter(pl.col("event_id") == event_id)
    return dict(found.sort("probability", nulls_last=False).select("provision_id", "kind").iter_rows())


@pytest.fixture(scope="module")
def minsk(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Hold the example's events against the whole family of layers."""
    folder = tmp_path_factory.mktemp("minsk")
    register = folder / "stage_starts.csv"
    register.write_text(STARTS)
    layers = ["--with", *map(text, MINSK)]
    events = ["--events", str(EXAMPLES / "events" / "minsk_example.csv"), "--register", str(register)]
    return assessed(folder / "f.parquet", "--agreement", text("minsk_2_2015"), *layers, *events, "--all")


def test_a_weapon_in_the_zone_is_a_potential_violation_of_that_clause(minsk: pl.DataFrame) -> None:
    """A rocket launcher within 35 km of its party's own line is found under the clause on rocket launchers."""
    found = kinds(minsk, "example-1")

    assert "potential_violation" == found["minsk_2_2015.mlrs"]
    assert "potential_violation" != found.get("minsk_2_2015.artillery")
    assert "potential_violation" != found.get("minsk_memorandum_2014.grad")


def test_a_decision_holds_from_its_minute_on(minsk: pl.DataFrame) -> None:
    """Thirty seconds before 00:01 Kyiv time a flight is not prohibited, and at 00:01 it is."""
    clause = "tcg_measures_2016_2020.flights"

    assert "potential_violation" != kinds(minsk, "example-4").get(clause)
    assert "potential_violation" == kinds(minsk, "example-5")[clause]
    assert "potential_violation" == kinds(minsk, "example-3")["tcg_measures_2016_2020.live_fire"]


def test_an_observer_is_exempt_where_a_soldier_is_not(minsk: pl.DataFrame) -> None:
    """In a disengaged area the joint centre's observers may be, and the parties' soldiers may not."""
    clause = "tcg_framework_2016.no_presence"

    assert "exempt" == kinds(minsk, "example-6")[clause]
    assert "potential_violation" == kinds(minsk, "example-7")[clause]


def test_a_tank_is_found_under_the_addendum_once_its_stage_is_over(minsk: pl.DataFrame) -> None:
    """A tank near the line in 2020 is found under the addendum, and under no clause of the package of 2015."""
    found = kinds(minsk, "example-8")

    assert "potential_violation" == found["minsk_addendum_2015.tanks"]
    assert "potential_violation" != found.get("minsk_2_2015.artillery")


def test_return_fire_without_documents_stays_a_potential_violation(minsk: pl.DataFrame) -> None:
    """Nobody recorded that its conditions were met."""
    assert "potential_violation" == kinds(minsk, "example-9")["tcg_measures_2016_2020.fire"]


def test_every_finding_names_clause_text_and_version(minsk: pl.DataFrame) -> None:
    """No finding about conduct is without its clause, its article, its text and version, and probabilities are such."""
    events = minsk.filter(pl.col("subject") == "event", pl.col("provision_id").is_not_null())
    potential = minsk.filter(pl.col("kind") == "potential_violation")

    assert events.height > 0
    for name in ("article", "agreement_id", "agreement_version", "finding_id"):
        assert 0 == events[name].null_count(), name
    assert potential["probability"].is_between(0.0, 1.0).all()
    assert minsk.filter(pl.col("kind") == "indeterminate")["why"].null_count() == 0
    assert minsk["finding_id"].n_unique() == minsk.height


def test_the_summary_counts_events_and_signatures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both counts stand side by side, and rows that cannot be used are said."""
    head = "event_id,start,longitude_deg,latitude_deg,sigma_m,act,signature_count"
    events = table(tmp_path, head, "a,2025-04-20T00:00Z,38,48,100,fire,3", "b,2025-04-20T01:00Z,38,48,100,shelling,1")
    findings = assessed(tmp_path / "f.parquet", "--agreement", text("easter_2025"), "--events", events)
    said = capsys.readouterr().out

    assert ["potential_violation"] == findings["kind"].unique().to_list()
    assert "held against easter_2025 1: 1 events, 3 signatures" in said
    assert "1 rows could not be used" in said
    assert "act=shelling" in (tmp_path / "f.parquet.rejected.csv").read_text()
    assert " violation" not in said.replace("potential violation", "")


def test_versions_that_differ_are_disputed(tmp_path: Path) -> None:
    """An attack between the two first days is found under one version only, and the finding says it is disputed."""
    head = "event_id,start,longitude_deg,latitude_deg,sigma_m,act,object_category"
    events = table(
        tmp_path,
        head,
        "between,2025-03-20T10:00Z,36,50,100,attack,energy",
        "after,2025-03-26T10:00Z,36,50,100,attack,energy",
    )
    versions = [text("energy_2025.ru"), text("energy_2025.ua")]
    found = assessed(tmp_path / "f.parquet", "--agreement", *versions, "--events", events, "--all")
    clause = found.filter(pl.col("provision_id") == "energy_2025.energy_objects")

    def of(event_id: str, version_by: str) -> list[tuple[str, bool]]:
        rows = clause.filter(pl.col("event_id") == event_id, pl.col("version_by") == version_by)
        return [(kind, disputed) for kind, disputed in rows.select("kind", "disputed").unique().iter_rows()]

    assert [("potential_violation", True)] == of("between", "RU")
    assert [("compliant", True)] in (of("between", "UA"), [("compliant", True)])
    assert [("indeterminate", True)] == of("after", "UA")


FORMS = (".parquet", ".csv", ".jsonl")


def test_every_form_holds_the_same_findings(tmp_path: Path) -> None:
    """The ending of the file decides the form and nothing else."""
    question = ["--agreement", text("easter_2025"), "--events", str(EXAMPLES / "events" / "minsk_example.csv"), "--all"]
    for form in FORMS:
        assert 0 == main(["agreement", "assess", *question, "--out", str(tmp_path / f"f{form}")])
    by_parquet = pl.read_parquet(tmp_path / "f.parquet")
    by_csv = pl.read_csv(tmp_path / "f.csv", infer_schema=False)
    by_lines = pl.read_ndjson(tmp_path / "f.jsonl")

    assert by_parquet.height > 0
    assert by_parquet["finding_id"].to_list() == by_csv["finding_id"].to_list() == by_lines["finding_id"].to_list()
    assert by_parquet["kind"].to_list() == by_csv["kind"].to_list() == by_lines["kind"].to_list()


def test_an_amendment_changes_what_it_speaks_of_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between the package and its addendum only the tank's finding changes, and the change names the clause."""
    register = tmp_path / "stage_starts.csv"
    register.write_text(STARTS.splitlines()[0] + "\n" + STARTS.splitlines()[1] + "\n")
    events = ["--events", str(EXAMPLES / "events" / "minsk_example.csv"), "--register", str(register)]
    texts = [text("minsk_2_2015"), text("minsk_addendum_2015")]
    outputs = ["--out", str(tmp_path / "d.csv"), "--html", str(tmp_path / "d.html")]
    code = main(["agreement", "diff", *texts, *events, *outputs])
    said = capsys.readouterr().out
    changes = pl.read_csv(tmp_path / "d.csv")

    assert 0 == code
    assert ["example-8"] == changes["event_id"].to_list()
    assert ["minsk_addendum_2015.tanks"] == changes["provision_id"].to_list()
    assert ["after"] == changes["clause_stands_in"].to_list()
    assert "1 findings change, on 1 of 10 events" in said
    assert "minsk_addendum_2015.tanks" in (tmp_path / "d.html").read_text()


def test_a_text_and_itself_have_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same text twice changes nothing; changes are written in known forms only."""
    events = ["--events", str(EXAMPLES / "events" / "minsk_example.csv")]
    both = [text("minsk_2_2015"), text("minsk_2_2015")]

    assert 0 == main(["agreement", "diff", *both, *events, "--out", str(tmp_path / "d.parquet")])
    assert "0 findings change, on 0 of 10 events" in capsys.readouterr().out
    assert 0 == pl.read_parquet(tmp_path / "d.parquet").height
    assert 1 == main(["agreement", "diff", *both, *events, "--out", str(tmp_path / "d.txt")])
    assert "does not end in .parquet, .csv" in capsys.readouterr().err


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the open data is not at hand")
def test_eight_reported_attacks_lie_between_the_two_first_days(tmp_path: Path) -> None:
    """Under one version eight reports of attacks on energy objects are potential violations before the other begins."""
    reports = SHARED / "media_events" / "media_events.parquet"
    versions = [text("energy_2025.ru"), text("energy_2025.ua")]
    out = tmp_path / "d.parquet"

    assert 0 == main(["agreement", "diff", *versions, "--events", str(reports), "--out", str(out)])
    changes = pl.read_parquet(out)
    between = changes.filter(pl.col("kind_before") == "potential_violation", pl.col("kind_after") == "compliant")
    assert 8 == between["event_id"].n_unique()


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the open data is not at hand")
def test_a_month_of_reports_is_held_against_the_easter_truce(tmp_path: Path) -> None:
    """Of all reports only those that may lie in the thirty hours are found, each by its share of them."""
    reports = SHARED / "media_events" / "media_events.parquet"
    found = assessed(tmp_path / "f.parquet", "--agreement", text("easter_2025"), "--events", str(reports))
    potential = found.filter(pl.col("kind") == "potential_violation", pl.col("provision_id") == "easter_2025.all_fire")

    assert 10 <= potential["event_id"].n_unique() <= 200
    assert potential["start"].min() >= pl.Series(["2025-04-18T21:00:00Z"]).str.to_datetime(time_zone="UTC")[0]
    assert potential["end"].max() <= pl.Series(["2025-04-21T21:00:00Z"]).str.to_datetime(time_zone="UTC")[0]
    assert {"easter_2025"} == set(potential["window_id"].to_list())
