"""Laws of the guarantees page and status: symbols with words, all states, disputed and recorded answers in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from truceline.decide.matching import match_rows
from truceline.decide.register_view import view_on
from truceline.model.guarantee import AnswerKind, Facility, GuaranteeRegister
from truceline.model.guarantee_view import RegisterView, RungName
from truceline.report.guarantee_page import (
    ANSWER_WORDS,
    RUNG_WORDS,
    days_of_change,
    force_map,
    over_time_rows,
    render_guarantees,
)
from truceline.report.guarantee_status import PillarRow, history_text, match_text, pillar_rows, pillars_text
from unit.decide.guarantee_made import DAY, SOURCE, STATES, act, day, instrument, noted, procedure, said, step, support

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ASSERTIONS = (
    said("stated", text="yes", note="as relayed"),
    said("refused", assertion_id="b"),
    said("conditional", subject="XB", valid_to=day(30), topic=""),
    said("stated", subject="XB", predicate="programme", topic="bridge", sources=(SOURCE,) * 4),
)
HUB = Facility(
    facility_id="hub", holder="XA", kind="hub", area_id="XA-1", status="open", asserted_at=DAY, sources=(SOURCE,)
)


def view(days: int = 0) -> RegisterView:
    """Give a made-up register on a day."""
    register = GuaranteeRegister(
        states=STATES,
        assertions=ASSERTIONS,
        instruments=(instrument(None, note="a note"),),
        actions=(act("XA", "signature", 1), act("XB", "ratification", 2)),
        procedures=(procedure(step("motion"), step("vote", decides=True)),),
        procedure_records=(
            noted("motion", "passed", 1),
            noted("vote", "passed", 2, window_to=day(20), cap_text="500"),
        ),
        support=(support("c", "commitment", 9), support("s", "commitment", 2, item="share", share_of="XE")),
        facilities=(HUB,),
    )
    return view_on(register, as_of=day(days))


def test_every_rung_and_answer_has_a_symbol_and_words() -> None:
    """No rung and no answer is told apart by colour alone."""
    assert set(RungName.__args__) == set(RUNG_WORDS)  # type: ignore[attr-defined]
    assert set(AnswerKind.__args__) == set(ANSWER_WORDS)  # type: ignore[attr-defined]
    assert len(ANSWER_WORDS) == len({symbol for symbol, _, _ in ANSWER_WORDS.values()})


def test_ladders_are_shown_over_time() -> None:
    """Each day shows the rung that held on it, on three ladders, for every state."""
    rows = over_time_rows([view(0), view(1), view(2)])
    words = [[word for _, word in shown] for shown in rows[0].days]

    assert [state.code for state in STATES] == [row.state.code for row in rows]
    assert [["unknown"] * 3, ["signed", "unknown", "begun"], ["signed", "unknown", "granted"]] == words
    assert any("caps: 500" in one for one in rows[0].now_words)
    assert () == rows[3].now_words


def test_the_map_has_a_square_for_every_state() -> None:
    """A state without an answer is on the map as unknown."""
    tiles = force_map(view()).tiles

    assert ["undecided or disputed", "on conditions", "unknown", "unknown"] == [
        tile.words.partition(": ")[2] for tile in tiles
    ]
    assert len({(tile.x_px, tile.y_px) for tile in tiles}) == len(STATES)


def test_the_page_says_what_the_status_says() -> None:
    """Answers, sources, support, facilities, instruments and matches stand on the page."""
    shown = view(2)
    page = render_guarantees([view(1), shown], matches=match_rows(shown), generated_time=NOW, synthetic=True)

    for words in ("the newest sources disagree", "gazette 1", "EUR: pledged not recorded", "hub in XA-1, open"):
        assert words in page
    assert "Pact" in page
    assert "SYNTHETIC" in page


def test_the_texts_say_all_there_is() -> None:
    """Text names topics, notes, spans, shares, further sources and refusals, and says what is not recorded."""
    shown = view(2)
    text = pillars_text(shown, pillar_rows(shown))
    history = history_text(ASSERTIONS, subject="XB")
    match = match_text(match_rows(shown), shown)

    assert all(words in text for words in ("programme (bridge)", "and 2 more", "note: as relayed", "share of XE"))
    assert "\n  committed: EUR 11.00\n\ninstruments\n" in text
    assert "over all donors" not in pillars_text(view(-1), [])
    assert f"holds ... to {day(30)}" in history
    assert "source: none" in history_text([said("unknown")], subject="XA")
    assert "window open to" in match
    assert "support: unknown (nothing is recorded)" in match


def test_a_line_without_source_can_only_say_unknown() -> None:
    """A cell that says something without a source is our mistake and is never shown."""
    with pytest.raises(AssertionError, match="has no source"):
        PillarRow(state="XA", name="A", pillar="force", question="q", answer="stated", words="", sources=())


def test_days_of_change_are_the_last_ones_in_order() -> None:
    """Later days are left out, the day itself is always there."""
    days = [date(2026, 2, 1), date(2026, 1, 1), date(2025, 1, 1)]

    assert [date(2025, 1, 1), date(2026, 1, 1), date(2026, 1, 8)] == days_of_change(days, as_of=date(2026, 1, 8))
