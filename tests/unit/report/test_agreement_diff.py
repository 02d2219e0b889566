"""Laws of what changes between two texts: nothing between a text and itself, and each change names its clause."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from truceline.report.agreement_diff import (
    CHANGE_SCHEMA,
    ROWS_PAGE_MAX_COUNT,
    ROWS_SHOWN_MAX_COUNT,
    Diff,
    DiffCounts,
    changes_of,
    diff_page,
    diff_text,
    steps_of,
)

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)
CLAUSES = ({"p": "point 1", "only_before": "point 2"}, {"p": "point 1", "only_after": "point 9"})
SCHEMA = {
    "event_id": pl.String(),
    "start": pl.Datetime("us", "UTC"),
    "provision_id": pl.String(),
    "party": pl.String(),
    "reading_id": pl.String(),
    "kind": pl.String(),
    "probability": pl.Float64(),
    "why": pl.String(),
}


def findings(*rows: tuple[str, str, str, float | None]) -> pl.DataFrame:
    """Give findings of events a, b, ... under clauses, each with its kind and probability."""
    table: list[dict[str, Any]] = [
        {
            "event_id": event_id,
            "start": MOMENT,
            "provision_id": clause,
            "party": None,
            "reading_id": None,
            "kind": kind,
            "probability": probability,
            "why": "said <why>",
        }
        for event_id, clause, kind, probability in rows
    ]
    return pl.DataFrame(table, schema=SCHEMA)


def pairs(changes: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    """Give event, what it was, what it becomes, and where the clause stands."""
    return changes.select("event_id", "kind_before", "kind_after", "clause_stands_in").rows()


ALL = findings(
    ("a", "p", "potential_violation", 0.9),
    ("b", "p", "compliant", None),
    ("c", "p", "indeterminate", None),
    ("d", "only_before", "potential_violation", 0.5),
)


def test_between_a_text_and_itself_nothing_changes() -> None:
    """The same findings on both hands give no change."""
    changes = changes_of(ALL, ALL, (CLAUSES[0], CLAUSES[0]))

    assert 0 == changes.height
    assert CHANGE_SCHEMA == dict(changes.schema)


def test_exchanging_the_texts_exchanges_before_and_after() -> None:
    """What appears one way disappears the other way."""
    after = findings(("a", "p", "exempt", None), ("b", "p", "potential_violation", 0.4))
    there = pairs(changes_of(ALL, after, CLAUSES))
    back = pairs(changes_of(after, ALL, CLAUSES[::-1]))
    swapped = {"before": "after", "after": "before", "both": "both"}

    assert [
        ("a", "potential_violation", "exempt", "both"),
        ("b", "compliant", "potential_violation", "both"),
        ("c", "indeterminate", "none", "both"),
        ("d", "potential_violation", "none", "before"),
    ] == there
    assert [(event, was, became, swapped[stands]) for event, became, was, stands in there] == back


@pytest.mark.parametrize(("probability", "count"), [(0.9, 0), (0.902, 0), (0.91, 1)])
def test_a_probability_has_to_change_visibly(probability: float, count: int) -> None:
    """A change below what is shown is none."""
    before = findings(("a", "p", "potential_violation", 0.9))
    after = findings(("a", "p", "potential_violation", probability))

    assert count == changes_of(before, after, CLAUSES).height


def test_having_no_clause_and_being_in_keeping_are_alike() -> None:
    """A compliant finding that appears or disappears is no change."""
    assert 0 == changes_of(findings(("a", "p", "compliant", None)), findings(), CLAUSES).height


def test_of_several_findings_of_one_clause_the_gravest_counts() -> None:
    """Layers may give one clause more than one finding for an event; the gravest is set beside the other text's."""
    before = findings(("a", "p", "compliant", None), ("a", "p", "potential_violation", 0.2))
    changes = changes_of(before, findings(), CLAUSES)

    assert [("a", "potential_violation", "none", "both")] == pairs(changes)


def test_text_and_page_name_the_clause_and_count() -> None:
    """Both say which clause makes the change, where it stands, and how many findings change."""
    changes = changes_of(ALL, findings(("e", "only_after", "potential_violation", 0.25)), CLAUSES)
    counts = DiffCounts(5, 4, changes.height)
    names = ("A & co", "B")
    text = diff_text(Diff(names, counts, steps_of(changes), changes))
    page = diff_page(Diff(names, counts, steps_of(changes), changes))

    assert "4 findings change, on 4 of 5 events" in text
    assert "potential violation -> none  only_before (point 2; only before)" in text
    assert "none -> potential violation  only_after (point 9; only after)" in text
    assert "e: none -> potential violation 0.25" in text
    assert "A &amp; co" in page
    assert "said &lt;why&gt;" in page
    assert "<script" not in page


def test_long_lists_are_cut_and_say_so() -> None:
    """What is not listed is counted."""
    many = findings(*((f"e{index:05}", "p", "indeterminate", None) for index in range(ROWS_PAGE_MAX_COUNT + 5)))
    changes = changes_of(many, findings(), CLAUSES)
    counts = DiffCounts(changes.height, changes.height, changes.height)

    assert f"and {changes.height - ROWS_SHOWN_MAX_COUNT:,} more" in diff_text(
        Diff(("A", "B"), counts, steps_of(changes), changes)
    )
    assert "<p>and 5 more</p>" in diff_page(Diff(("A", "B"), counts, steps_of(changes), changes))


def test_no_change_is_said_in_one_line() -> None:
    """Without a change there is neither list."""
    changes = changes_of(ALL, ALL, CLAUSES)
    text = diff_text(Diff(("A", "A"), DiffCounts(4, 0, 0), steps_of(changes), changes))

    assert text.endswith("0 findings change, on 0 of 4 events\n")
