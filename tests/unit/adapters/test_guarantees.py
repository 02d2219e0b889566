"""Laws of reading the register: every bad row is kept with file and line, every good one stands, the seed is whole."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from truceline.adapters.guarantees import LoadedGuarantees, guarantee_files, load_guarantees
from truceline.decide.register_view import view_on
from truceline.errors import InputUnusable, SourceUnavailable, TrucelineError
from truceline.report.guarantee_status import PillarRow, pillar_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEAD = """\
schema: truceline.guarantees/1
sources:
  gazette: {url: gazette 7, publisher: a gazette, published: 2026-01-02}
"""
SAID = "subject: FR, predicate: programme, asserted_at: 2026-01-08, reliability: official, entered_by: test"
PACT = "title: Pact, kind: treaty, binding: legal, asserted_at: 2026-01-01, sources: [gazette]"
ACT = "action_id: z, instrument_id: declaration_of_intent_2026, state: FR, action: ratification"
MONEY = "donor: FR, item: shells, currency: EUR, done_on: 2026-01-02, sources: [gazette]"
HUB = "facility_id: h, kind: hub, status: open, asserted_at: 2026-01-02, sources: [gazette]"
STEP = "record_id: r, matter: m, outcome: begun, done_on: 2026-01-02, sources: [gazette]"


def read(tmp_path: Path, rows: str, name: str = "mine.yaml") -> LoadedGuarantees:
    """Read one file on top of the shipped register."""
    path = tmp_path / name
    path.write_text(HEAD + rows, encoding="utf-8")
    return load_guarantees([path], received_time=NOW)


BAD = {
    "an unknown state": (
        f"assertions: [{{assertion_id: z, answer: unknown, {SAID.replace('FR', 'QQ')}}}]",
        "subject='QQ'",
    ),
    "a body as a state": (
        f"assertions: [{{assertion_id: z, answer: unknown, {SAID.replace('FR', 'EU')}}}]",
        "is a body",
    ),
    "a missing source": (f"assertions: [{{assertion_id: z, answer: stated, {SAID}}}]", "has no source"),
    "an unknown source": (
        f"assertions: [{{assertion_id: z, answer: stated, sources: [nowhere], {SAID}}}]",
        "source 'nowhere' is not among the sources",
    ),
    "an unknown question": (
        f"assertions: [{{assertion_id: z, answer: unknown, {SAID.replace('programme', 'mood')}}}]",
        "predicate='mood'",
    ),
    "an unknown answer": (f"assertions: [{{assertion_id: z, answer: maybe, {SAID}}}]", "maybe"),
    "an unknown field": (f"assertions: [{{assertion_id: z, answer: unknown, mood: good, {SAID}}}]", "mood"),
    "an id twice": (f"assertions: [{{assertion_id: fr-participation-1, answer: unknown, {SAID}}}]", "already"),
    "no mapping": ("assertions: [hello]", "Expected `object`"),
    "an effect before the deed": (
        f"actions: [{{{ACT}, done_at: 2026-02-02, effect_at: 2026-02-01, sources: [gazette]}}]",
        "effect_at=2026-02-01 is before done_at=2026-02-02",
    ),
    "an action without a text": (
        f"actions: [{{{ACT.replace('declaration_of_intent_2026', 'pact')}, done_at: 2026-02-02, sources: [gazette]}}]",
        "instrument_id='pact' is not among the instruments",
    ),
    "an action of nobody": (
        f"actions: [{{{ACT.replace('FR', 'QQ')}, done_at: 2026-02-02, sources: [gazette]}}]",
        "state='QQ'",
    ),
    "a rule that names nobody known": (
        f"instruments: [{{instrument_id: z, {PACT}, states: [FR], entry_rule: {{kind: all_of, rules: "
        "[{kind: named, states: [QQ]}]}}]",
        "entry_rule='QQ'",
    ),
    "an empty rule": (
        f"instruments: [{{instrument_id: z, {PACT}, states: [FR], entry_rule: {{kind: share}}}}]",
        "share_ratio=0.0 is outside",
    ),
    "more delivered than allocated": (
        f"support: [{{step_id: a, rung: commitment, amount: 9, {MONEY}}}, {{step_id: b, rung: allocation, amount: 5, "
        f"{MONEY}}}, {{step_id: c, rung: delivery, amount: 6, {MONEY}}}]",
        "delivery=6 EUR is more than allocation=5 of FR",
    ),
    "a facility too fine": (f"facilities: [{{holder: FR, area_id: UA-05-1, {HUB}}}]", "finer than admin-1"),
    "a facility of nobody": (f"facilities: [{{holder: QQ, area_id: UA-05, {HUB}}}]", "holder='QQ'"),
    "an extent too fine": (
        "areas: [{area_id: UA-05, south_deg: 49.0, north_deg: 49.01, west_deg: 28.0, east_deg: 29.0}]",
        "admin-1 only",
    ),
    "a record of no procedure": (f"procedure_records: [{{procedure_id: zz, step_id: a, {STEP}}}]", "procedure_id='zz'"),
    "a record of no step": (f"procedure_records: [{{procedure_id: de_parlbg, step_id: a, {STEP}}}]", "step_id='a'"),
    "a tally that does not add up": (
        f"procedure_records: [{{procedure_id: us_treaty, step_id: senate, {STEP.replace('begun', 'passed')}, "
        "votes_for_count: 60, votes_against_count: 40}]",
        "does not go with votes 60 to 40",
    ),
    "a date that is none": (
        f"assertions: [{{assertion_id: z, answer: unknown, {SAID.replace('2026-01-08', 'soon')}}}]",
        "asserted_at",
    ),
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_bad_row_is_kept_with_file_line_and_reason(what: str, tmp_path: Path) -> None:
    """Whatever is wrong with a row, it is one rejection that says where and why, and all other rows stand."""
    rows, reason = BAD[what]
    whole = load_guarantees([], received_time=NOW)
    loaded = read(tmp_path, rows)
    (rejection,) = loaded.rejections

    assert reason in rejection.reason
    assert f"{tmp_path / 'mine.yaml'}, line {rejection.row_index}: " in rejection.reason
    assert 4 == rejection.row_index
    assert (NOW, True) == (rejection.received_time, len(rejection.raw) > 2)
    assert whole.register.assertions == loaded.register.assertions


def test_a_table_reads_as_the_same_records(tmp_path: Path) -> None:
    """A CSV of support gives what the same YAML gives, and a short row is a rejection with its line."""
    head = "step_id,donor,item,currency,rung,amount,done_on,source_url,source_publisher,source_published\n"
    row = "a,FR,shells,EUR,commitment,9.5,2026-01-02,gazette 7,a gazette,2026-01-02\n"
    (tmp_path / "support_mine.csv").write_text(head + row + "b,FR\n", encoding="utf-8")
    table = load_guarantees([tmp_path / "support_mine.csv"], received_time=NOW)
    text = read(tmp_path, f"support: [{{step_id: a, rung: commitment, amount: 9.5, {MONEY}}}]")

    assert text.register.support == table.register.support != ()
    assert [(3, True)] == [(one.row_index, "cells" in one.reason) for one in table.rejections]


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("mine.yaml", b"schema: other/1\n", "line 1: schema"),
        ("mine.yaml", b"schema: truceline.guarantees/1\nmoods: []\n", "line 2: key 'moods'"),
        ("mine.yaml", b"a: [", "is not YAML"),
        ("moods.csv", b"a,b\n", "begins with one of"),
        ("support.csv", b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused_whole(name: str, body: bytes, reason: str, tmp_path: Path) -> None:
    """A file that is no register file is refused with its line, because nothing in it can be trusted."""
    (tmp_path / name).write_bytes(body)

    with pytest.raises(InputUnusable, match=reason):
        load_guarantees([tmp_path / name], received_time=NOW)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A missing file and an empty folder are failures of the world, and say so."""
    for path, kind in ((tmp_path / "support.csv", SourceUnavailable), (tmp_path, InputUnusable)):
        with pytest.raises(TrucelineError) as caught:
            load_guarantees([path], received_time=NOW)

        assert kind is type(caught.value)
    assert [Path("a.yaml")] == guarantee_files([Path("a.yaml"), Path("a.yaml")])


def seeded(as_of: date) -> list[PillarRow]:
    """Give the status of the shipped register."""
    return pillar_rows(view_on(load_guarantees([], received_time=NOW).register, as_of=as_of))


def test_the_seed_has_a_source_or_says_unknown_in_every_cell() -> None:
    """Of the shipped register no row is rejected, and every cell of every state has a source or is unknown."""
    loaded = load_guarantees([], received_time=NOW)
    rows = seeded(date(2026, 1, 8))
    cells = {(row.state, row.pillar) for row in rows}

    assert () == loaded.rejections
    assert all(row.sources or row.answer == "unknown" for row in rows)
    assert 36 == len({row.state for row in rows})
    assert 36 * 6 == len(cells)


def test_the_seed_knows_what_was_refused_offered_and_not_known() -> None:
    """Refused, conditional, reported and unknown forces of the seed are those of its sources."""
    answers = {row.state: row.answer for row in seeded(date(2026, 1, 8)) if row.question == "ground_force"}
    by_answer = {
        answer: {state for state, given in answers.items() if given == answer} for answer in set(answers.values())
    }

    assert {"IT", "PL", "HR", "GR", "CZ", "RO", "BG", "IE"} == by_answer["refused"]
    assert {"FR", "GB", "DE", "ES", "LT", "EE"} == by_answer["conditional"]
    assert {"LV", "DK", "NO", "NL", "AU", "SE"} == by_answer["reported"]
    assert {"AT", "CY", "FI", "IS", "JP", "LU", "NZ", "PT", "SI", "AL", "TR", "BE", "XX", "UA", "US"} == by_answer[
        "unknown"
    ]


@pytest.mark.parametrize("as_of", [date(2025, 5, 1), date(2025, 9, 30), date(2026, 1, 6), date(2026, 1, 8)])
def test_no_day_knows_a_source_of_later(as_of: date) -> None:
    """On no past day a source is cited that was published after it."""
    late = [source for row in seeded(as_of) for source in row.sources if source.published and source.published > as_of]

    assert [] == late


def test_only_one_states_own_law_has_a_rule_of_silence() -> None:
    """In the seed a rule of silence stands in one national procedure, with its source, and nowhere else."""
    register = load_guarantees([], received_time=NOW).register
    silent = [(one.procedure_id, step.silence) for one in register.procedures for step in one.steps if step.silence]

    assert ["de_parlbg_simplified"] == [name for name, _ in silent]
    assert 7 == silent[0][1].days


def test_what_is_from_memory_has_no_source_and_says_so() -> None:
    """A step of the seed without a source is marked as not verified."""
    steps = [step for one in load_guarantees([], received_time=NOW).register.procedures for step in one.steps]

    assert any(step.verified for step in steps)
    assert all(step.verified == (step.source is not None) for step in steps)
