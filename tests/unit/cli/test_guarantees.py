"""Laws of the guarantees commands: what they print, write and give, on the shipped register and on bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from truceline.adapters.kiel_tracker import HEADER_ROW_INDEX, MAIN_COLUMNS, MAIN_SHEET
from truceline.cli import main

DAY = ["--as-of", "2026-01-08"]
BAD = """\
schema: truceline.guarantees/1
assertions:
  - {assertion_id: z, subject: QQ, predicate: programme, answer: unknown, asserted_at: 2026-01-08,
     reliability: unknown, entered_by: test}
"""
HUBS = """\
schema: truceline.guarantees/1
sources: {gazette: {url: gazette 7, publisher: a gazette}}
facilities:
  - {facility_id: h1, holder: FR, kind: hub, area_id: UA-99, status: open, asserted_at: 2026-01-02, sources: [gazette]}
areas:
  - {area_id: UA-99, south_deg: 48.0, north_deg: 49.0, west_deg: 30.0, east_deg: 31.0, synthetic: true}
exclusion_rules:
  - {rule_id: r, agreement_id: a, distance_min_m: 100000, source: gazette}
"""
LINE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "LineString", "coordinates": [[37.0, 46.0], [37.0, 50.0]]},
        }
    ],
}


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Run a command of the group; give its code and what it wrote."""
    code = main(["guarantees", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_status_prints_five_pillars_with_a_source_or_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    """For every seeded state each of the five pillars is printed, and a line without a source below it says unknown."""
    code, out, err = said(capsys, "status", *DAY)
    lines = out.partition("\ninstruments\n")[0].splitlines()
    states = [line for line in lines if re.fullmatch(r".+ \([A-Z]{2}\)", line) and not line.startswith(" ")]
    cells = [(line, after) for line, after in zip(lines, [*lines[1:], ""], strict=True) if re.match(r" {4}\S", line)]

    assert (0, "", 36) == (code, err, len(states))
    assert all(36 == len(re.findall(rf"^  {number} ", out, re.MULTILINE)) for number in range(1, 6))
    assert len(cells) >= 36 * 17
    assert [] == [line for line, after in cells if not after.startswith("      source: ") and ": unknown" not in line]


def test_status_as_json_says_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The JSON has every line with all its sources, and only the states that were asked for."""
    said(capsys, "status", *DAY, "--state", "FR", "--json", tmp_path / "s.json")
    body = json.loads((tmp_path / "s.json").read_bytes())

    assert ("2026-01-08", {"FR"}) == (body["as_of"], {row["state"] for row in body["rows"]})
    assert all(row["sources"] or row["answer"] == "unknown" for row in body["rows"])
    assert [] == body["support_sums"], "the seed records no support in money"


def test_a_past_day_knows_less(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first assertion of the seed everything is unknown."""
    _, out, _ = said(capsys, "status", "--as-of", "2024-01-01")

    assert "source:" not in out


def test_history_lists_what_was_said_in_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Days of a history never go back, and one question can be asked for."""
    code, out, _ = said(capsys, "history", "SE", "--json", tmp_path / "h.json")
    days = re.findall(r"^\d{4}-\d\d-\d\d", out, re.MULTILINE)
    _, one, _ = said(capsys, "history", "SE", "--question", "ground_force")

    assert (0, sorted(days)) == (code, days)
    assert len(days) == len(json.loads((tmp_path / "h.json").read_bytes())) > 1
    assert one.startswith("1 assertions about SE")


def test_match_prints_guarantors_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Text, JSON and page give the guarantors by name, with conditions nobody declared met."""
    given = ["--guarantor", "GB", "--guarantor", "FR", "--guarantor", "DE", "--condition-met", "ceasefire"]
    files = ["--json", tmp_path / "m.json", "--html", tmp_path / "m.html"]
    code, out, _ = said(capsys, "match", *DAY, "--kind", "military", *given, *files)
    rows = json.loads((tmp_path / "m.json").read_bytes())["rows"]

    assert (0, ["France", "Germany", "United Kingdom"]) == (code, [row["state"]["name"] for row in rows])
    assert out.index("France (FR)") < out.index("Germany (DE)") < out.index("United Kingdom (GB)")
    assert "condition not declared met: support of the United States" in out
    assert "condition declared met: ceasefire" in out
    assert "no order of merit" in (tmp_path / "m.html").read_text(encoding="utf-8")


def test_page_opens_offline(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The page names every state and asks nothing of a network or a script."""
    code, _, _ = said(capsys, "page", *DAY, "--out", tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text(encoding="utf-8")

    assert 0 == code
    assert "<title>Türkiye: unknown</title>" in page
    assert not re.search(r"<script|<link|<img|src=|href=", page)


def test_check_says_every_bad_row_and_gives_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The shipped register is sound; a bad row is said with file and line, and other commands say it as well."""
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    sound, bad = said(capsys, "check"), said(capsys, "check", "--data", tmp_path)
    _, _, err = said(capsys, "history", "FR", "--data", tmp_path)

    assert 0 == sound[0]
    assert "0 cannot" in sound[1]
    assert (1, True) == (bad[0], f"{tmp_path / 'bad.yaml'}, line 3: assertions: subject='QQ'" in bad[1])
    assert "line 3" in err


def test_check_holds_our_own_facilities_against_the_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without a line a facility is indeterminate, with one of that day its distance is a band."""
    (tmp_path / "hubs.yaml").write_text(HUBS, encoding="utf-8")
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "line_2026-01-05.geojson").write_text(json.dumps(LINE), encoding="utf-8")
    given = ["check", *DAY, "--data", tmp_path / "hubs.yaml"]
    without, held = said(capsys, *given), said(capsys, *given, "--line", tmp_path / "lines")

    assert "h1 of FR in UA-99 on 2026-01-08: indeterminate; no contact line" in without[1]
    assert re.search(r"outside; .*; 4\d\d to 5\d\d km from the line of 2026-01-05", held[1])
    assert 1 == said(capsys, *given, "--rule", "other")[0]


def kiel(path: Path, *rows: dict[str, object]) -> Path:
    """Write a release."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, row_index in HEADER_ROW_INDEX.items():
        names = MAIN_COLUMNS if name == MAIN_SHEET else ("GDP (2021)", "GDP (2021)")
        sheet = book.create_sheet(name)
        for column, title in enumerate(names, start=1):
            sheet.cell(row=row_index, column=column, value=title)
    for row in rows:
        book[MAIN_SHEET].append([row.get(name) for name in MAIN_COLUMNS])
    book.save(path)
    return path


def test_a_release_is_added_up_and_written_for_the_register(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Totals are printed for every donor, written for those with a code, and then shown under the second pillar."""
    money = {"tot_activity_value_EUR": 9, "tot_sub_activity_value_EUR_redistr": 7, "month": 3}
    row = {"aid_type_general": "Military", "measure": "Allocation", "item": "x"} | money
    path = kiel(tmp_path / "k.xlsx", row | {"donor": "Turkey"}, row | {"donor": "Atlantis"}, row)
    files = ["--out", tmp_path / "support.csv", "--json", tmp_path / "k.json"]
    code, out, _ = said(capsys, "import-kiel", path, "--released", "2026-04-14", *files)
    shown = said(capsys, "status", "--state", "TR", "--as-of", "2026-04-14", "--data", tmp_path / "support.csv")

    assert (1, True) == (code, "row 4: donor='' is empty" in out)
    assert "Atlantis (not in the table of states: not written): allocated 7 EUR, committed 9 EUR" in out
    assert "EUR: pledged not recorded, committed 9.00, allocated 7.00, delivered 0.00, backlog 7.00" in shown[1]
    assert ["Atlantis", "Turkey"] == [one["donor"] for one in json.loads((tmp_path / "k.json").read_bytes())["totals"]]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["status", "--as-of", "soon"], "is not a date"),
        (["status", "--state", "QQ"], "state='QQ' is none of"),
        (["history", "FR", "--question", "mood"], "is none of"),
        (["import-kiel", "k.xlsx", "--released", "soon"], "is not a date"),
        (["status", "--data", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_a_wrong_word_is_said(words: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked wrongly ends with one line that says what, and with 1."""
    code, _, err = said(capsys, *words)

    assert 1 == code
    assert reason in err
