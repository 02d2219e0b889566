"""Laws of how changes between two texts are laid out: each names its clause, and what is not listed is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from truceline.adapters.change_frames import CHANGE_SCHEMA
from truceline.report.agreement_diff import (
    ROWS_PAGE_MAX_COUNT,
    ROWS_SHOWN_MAX_COUNT,
    Diff,
    DiffCounts,
    diff_page,
    diff_text,
    steps_of,
)

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)
POTENTIAL = "potential_violation"


def change(event_id: str, clause: str, before: str, after: str, **more: Any) -> dict[str, Any]:
    """Give one change of a finding under a clause."""
    told = {
        "event_id": event_id,
        "start": MOMENT,
        "provision_id": clause,
        "article": "point 1",
        "kind_before": before,
        "why_before": None if before == "none" else "said <why>",
        "kind_after": after,
        "why_after": None if after == "none" else "said <why>",
        "clause_stands_in": "both",
        "cause": "clause changed",
        "fields": "acts",
        "made_by": "text",
        "summary": "Nobody fires.",
    }
    return told | more


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Give changes as a table."""
    return pl.DataFrame(list(rows), schema=CHANGE_SCHEMA)


def test_text_and_page_name_the_clause_and_count() -> None:
    """Both say which clause makes the change, where it stands, what of it differs, and how many findings change."""
    changes = frame(
        change(
            "d",
            "only_before",
            POTENTIAL,
            "none",
            article="point 2",
            clause_stands_in="before",
            cause="clause left out",
            fields=None,
        ),
        change("a", "p", POTENTIAL, "exempt", probability_before=0.9),
        change("b", "p", "indeterminate", "compliant"),
        change(
            "e", "only_after", "none", POTENTIAL, article="point 9", clause_stands_in="after", probability_after=0.25
        ),
    )
    counts = DiffCounts(5, 4, changes.height)
    diff = Diff(("A & co", "B"), counts, steps_of(changes), changes)
    text, page = diff_text(diff), diff_page(diff)

    assert "4 findings change, on 4 of 5 events" in text
    assert "potential violation -> none  only_before (point 2; only before; clause left out)" in text
    assert "none -> potential violation  only_after (point 9; only after; clause changed: acts)" in text
    assert "e: none -> potential violation 0.25" in text
    assert "Nobody fires." in text
    assert "A &amp; co" in page
    assert "said &lt;why&gt;" in page
    assert "clause changed: acts" in page
    assert "<script" not in page


def test_long_lists_are_cut_and_say_so() -> None:
    """What is not listed is counted."""
    changes = frame(*(change(f"e{index:05}", "p", "indeterminate", "none") for index in range(ROWS_PAGE_MAX_COUNT + 5)))
    counts = DiffCounts(changes.height, changes.height, changes.height)
    diff = Diff(("A", "B"), counts, steps_of(changes), changes)

    assert f"and {changes.height - ROWS_SHOWN_MAX_COUNT:,} more" in diff_text(diff)
    assert "<p>and 5 more</p>" in diff_page(diff)


def test_no_change_is_said_in_one_line() -> None:
    """Without a change there is neither list."""
    text = diff_text(Diff(("A", "A"), DiffCounts(4, 0, 0), steps_of(frame()), frame()))

    assert text.endswith("0 findings change, on 0 of 4 events\n")
