"""Laws of reading registers: what people entered is read whole, or refused with every fault and its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truceline.adapters.agreement_yaml import FaultsFound
from truceline.adapters.agreements import load_agreement, shipped_folder
from truceline.adapters.register_rows import TABLE_ROW_MAX_COUNT, TABLE_SIZE_MAX_BYTES
from truceline.adapters.registers import KINDS, load_register, register_files
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.agreement import Agreement
from truceline.model.register import Register

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples" / "registers"

HEAD = "schema: truceline.register/1\ntimezone_name: Europe/Kyiv\n"
SPAN = "span: {start: 2020-08-02T11:00, end: 2020-08-02T11:15}"
IMPEDIMENT = f"  - {{impediment_id: i, kind: delay, place_name: P, source: S, {SPAN}}}"


def written(folder: Path, name: str, content: str) -> Path:
    """Write a file and give its path."""
    path = folder / name
    path.write_text(content)
    return path


def faults_of(path: Path, *, texts: tuple[Agreement, ...] = ()) -> list[str]:
    """Read a register that cannot be used and give what is wrong, one text for each fault."""
    with pytest.raises(FaultsFound) as error:
        load_register([path], texts=texts)
    return str(error.value).splitlines()


def stack(agreement_id: str) -> tuple[Agreement, ...]:
    """Give a shipped text with those below it."""
    loaded = load_agreement(shipped_folder("agreements") / f"{agreement_id}.yaml")
    return (*loaded.bases, loaded.agreement)


def test_the_examples_of_the_documents_are_read_whole() -> None:
    """Every kind of entry stands in the examples, and every example is sound and fits the texts it is about."""
    loaded = load_register([EXAMPLES])
    for agreement_id in ("undof_1974", "paris_2026", "tcg_measures_2016_2020", "cma_korea_2018", "tcg_framework_2016"):
        load_register([EXAMPLES], texts=stack(agreement_id))

    assert all(getattr(loaded.register, kind) for kind in KINDS)
    assert ["impediments.csv", "inventory_checks.csv", "notifications.csv", "register.yaml"] == [
        name for name, _ in loaded.files
    ]


def test_the_same_entries_in_any_form_are_the_same_records(tmp_path: Path) -> None:
    """YAML, CSV and JSON lines of one entry give one record."""
    yaml = written(tmp_path, "a.yaml", f"{HEAD}impediments:\n{IMPEDIMENT}\n")
    row = {
        "impediment_id": "i",
        "kind": "delay",
        "place_name": "P",
        "source": "S",
        "span": {"start": "2020-08-02T11:00+03:00", "end": "2020-08-02T08:15:00Z"},
    }
    lines = written(tmp_path, "impediments.jsonl", f"{json.dumps(row)}\n\n")
    table = written(
        tmp_path,
        "impediments_2.csv",
        "# a note\nimpediment_id,kind,place_name,source,span.start,span.end,position.latitude_deg,ground_of\n"
        "i,delay,P,S,2020-08-02T11:00+03:00,2020-08-02T11:15+03:00,,\n",
    )
    registers = [load_register([path]).register for path in (yaml, lines, table)]

    assert registers[0] == registers[1] == registers[2]
    assert 15.0 == registers[0].impediments[0].duration_minutes


@pytest.mark.parametrize(
    ("words", "low", "high", "approximate"),
    [
        ("5", 5.0, 5.0, False),
        ("about 20", 20.0, 20.0, True),
        ("at least 5", 5.0, None, False),
        ("5-7", 5.0, 7.0, False),
    ],
)
def test_counts_are_read_in_the_words_of_monitors(
    tmp_path: Path, words: str, low: float, high: float | None, approximate: bool
) -> None:
    """A count keeps its wording and has the limits that the wording gives it."""
    path = written(
        tmp_path,
        "ceiling_counts.csv",
        "count_id,agreement_id,zone_id,party,item,span.start,span.end,count,source\n"
        f"c,x,z,A,tank,2020-01-01T00:00Z,2020-01-02T00:00Z,{words},S\n",
    )
    count = load_register([path]).register.ceiling_counts[0].count

    assert (low, high, approximate, words) == (count.low_count, count.high_count, count.approximate, count.text)


def test_lengths_in_kilometres_are_held_in_metres(tmp_path: Path) -> None:
    """A radius written in kilometres is the same in every form."""
    table = written(
        tmp_path,
        "impediments.csv",
        "impediment_id,kind,place_name,source,span.start,span.end,radius_km\n"
        "i,jamming,P,S,2020-08-02T11:00Z,2020-08-02T11:15Z,2.5\n",
    )
    entry = IMPEDIMENT.replace("kind: delay", "kind: jamming, radius_km: 2.5")
    yaml = written(tmp_path, "a.yaml", f"{HEAD}impediments:\n{entry}\n")

    assert [2500.0, 2500.0] == [load_register([path]).register.impediments[0].radius_m for path in (table, yaml)]


CSV_HEAD = "start_id,agreement_id,stage_id,start_time,declared_by,source\n"
SOUND_ROW = "s,minsk_addendum_2015,stage_1,2015-10-03T00:00Z,tcg,S\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("stage_starts.csv", f"{CSV_HEAD}{SOUND_ROW}a,b\n", "line 3: has 2 cells, the header has 6"),
        (
            "stage_starts.csv",
            f"# n\n{CSV_HEAD}s,x,,2015-10-03,tcg,S\n",
            "line 3: start_time=2015-10-03 has no time zone",
        ),
        ("stage_starts.csv", f"{CSV_HEAD}s,x,,soon,tcg,S\n", "line 2: start_time='soon' is not a time"),
        ("stage_starts.csv", f"{CSV_HEAD}{SOUND_ROW}{SOUND_ROW}", "line 3: start_id='s' stands here and in"),
        ("stage_starts.csv", 'start_id,source\n"open,S\n', "is not CSV: unexpected end of data"),
        ("stage_starts.csv", "start_id,start_id\na,b\n", "line 1: columns ['start_id'] stand twice"),
        ("stage_starts.csv", "span,span.start\na,b\n", "line 1: columns ['span'] stand beside their own parts"),
        ("stage_starts.csv", f"{CSV_HEAD.strip()},extra\n{SOUND_ROW.strip()},1\n", "line 2: unknown key 'extra'"),
        ("stage_starts.csv", CSV_HEAD.replace(",source", "") + "s,x,,2015-10-03T00:00Z,tcg\n", "source is missing"),
        ("stage_starts.jsonl", "{\n", "line 1: is not JSON"),
        ("stage_starts.jsonl", "[1]\n", "line 1: expected a StageStart (a mapping), found a list"),
        ("other.csv", CSV_HEAD, "is no register file: the name of a .csv begins with one of notifications"),
        ("a.yaml", "schema: truceline.register/2\n", "line 1: schema='truceline.register/2' is not"),
        ("a.yaml", "- 1\n", "line 1: is not a mapping"),
        ("a.yaml", f"{HEAD}impediment: []\n", "line 3: unknown key 'impediment'"),
        ("a.yaml", f"{HEAD}impediments: 3\n", "line 3: impediments is not a list"),
        ("a.yaml", f"{HEAD}impediments:\n{IMPEDIMENT.replace('delay', 'dely')}\n", "did you mean 'delay'?"),
        ("a.yaml", f"{HEAD}impediments:\n{IMPEDIMENT.replace('11:15', '10:15')}\n", "line 4: end="),
        ("ceiling_counts.csv", "count_id,count\nc,a few\n", "line 2: count='a few' is no count such as 5"),
    ],
)
def test_every_fault_is_said_with_its_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    """What cannot be read is said with file, line and what is wrong."""
    path = written(tmp_path, name, content)
    faults = faults_of(path)

    assert any(said in fault for fault in faults), faults
    assert all(str(path) in fault for fault in faults)


def test_all_faults_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    """One reading shows everything that is wrong, and nothing is half-loaded."""
    written(tmp_path, "stage_starts.csv", f"{CSV_HEAD}s,x,,soon,tcg,S\nt,x,,later,tcg,S\n")
    written(tmp_path, "claims.jsonl", "{\n")

    assert 3 == len(faults_of(tmp_path))


@pytest.mark.parametrize(
    ("kind", "row", "agreement_id", "said"),
    [
        ("stage_starts", {"stage_id": "stage_9"}, "minsk_addendum_2015", "stage_id='stage_9' is not in"),
        (
            "conditions",
            {"condition": "nobody_looked"},
            "tcg_measures_2016_2020",
            "condition='nobody_looked' is not one",
        ),
        (
            "response_steps",
            {"rung_index": 9, "step": "rung_done"},
            "paris_2026",
            "rung_index=9 is not one of [1, 2, 3]",
        ),
        ("response_steps", {"provision_id": "paris_2026.monitoring"}, "paris_2026", "is no response ladder"),
        ("inventory_checks", {"listed": [{"type_id": "d_300"}]}, "minsk_addendum_2015", "unknown weapon 'd_300'"),
        ("ceiling_counts", {"party": "XX", "zone_id": "nowhere"}, "undof_1974", "party='XX' is not in undof_1974"),
    ],
)
def test_entries_are_held_against_the_text_they_are_about(
    tmp_path: Path, kind: str, row: dict[str, object], agreement_id: str, said: str
) -> None:
    """An entry about a clause, step, zone or weapon that its text does not have is a fault."""
    record_type, name = KINDS[kind]
    records = getattr(load_register([EXAMPLES]).register, kind)
    base = next(entry for entry in records if getattr(entry, "agreement_id", agreement_id) == agreement_id)
    content = json.loads(msgspec_json(base)) | row
    content.pop("schema_name")
    path = written(tmp_path, f"{kind}.jsonl", json.dumps(content) + "\n")

    assert any(said in fault for fault in faults_of(path, texts=stack(agreement_id)))
    assert record_type.__struct_fields__[0] == name


def msgspec_json(record: object) -> bytes:
    """Write a record as JSON."""
    import msgspec

    return msgspec.json.encode(record)


def test_entries_about_other_texts_are_kept(tmp_path: Path) -> None:
    """A register may hold more than one text's entries; those of others are not held against this one."""
    path = written(tmp_path, "stage_starts.csv", f"{CSV_HEAD}s,other,stage_77,2015-10-03T00:00Z,tcg,S\n")

    assert 1 == len(load_register([path], texts=stack("paris_2026")).register.stage_starts)


def test_limits_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are too large or too long are refused with the limit."""
    monkeypatch.setattr("truceline.adapters.register_rows.TABLE_ROW_MAX_COUNT", 1)
    path = written(tmp_path, "stage_starts.csv", f"{CSV_HEAD}{SOUND_ROW}t{SOUND_ROW[1:]}")
    long = faults_of(path)
    monkeypatch.setattr("truceline.adapters.register_rows.TABLE_SIZE_MAX_BYTES", 10)
    large = faults_of(path)

    assert "line 3: has more than 1 rows" in long[0]
    assert "has more than 10 bytes" in large[0]
    assert TABLE_ROW_MAX_COUNT > 100_000
    assert TABLE_SIZE_MAX_BYTES > 10_000_000


def test_what_cannot_be_read_at_all_is_said(tmp_path: Path) -> None:
    """A missing file is a failure of the world, an empty folder an unusable input, bytes that are no text a fault."""
    (tmp_path / "claims.csv").write_bytes(b"claim_id\n\xff\n")
    (tmp_path / "empty").mkdir()

    assert "line 2: is not UTF-8 text" in faults_of(tmp_path / "claims.csv")[0]
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        load_register([tmp_path / "claims_absent.csv"])
    with pytest.raises(InputUnusable, match="holds no register file"):
        register_files([tmp_path / "empty"])
    assert Register() == load_register([]).register
