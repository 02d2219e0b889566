"""Signatures and events side by side; copies of reports count once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.assess.counts import SourcedReport, added, counts_of_reports, without_copies
from truceline.model.quantity import Count, exactly


def report(report_id: str, *cites: str, event_id: str = "e", number: float = 1.0) -> SourcedReport:
    """Give a row of a report."""
    return SourcedReport(
        report_id=report_id, source_id="s", event_id=event_id, signature_count=exactly(number), cites_ids=cites
    )


@pytest.mark.parametrize(
    ("reports", "kept"),
    [
        ([report("b", "a"), report("a")], ["a"]),
        ([report("c", "b"), report("b", "a"), report("a")], ["a"]),
        ([report("b", "gone"), report("c", "gone")], ["b"]),
        ([report("a"), report("b")], ["a", "b"]),
        ([report("d", "a", "b"), report("a"), report("b")], ["a"]),
    ],
)
def test_of_a_lineage_the_original_stands(reports: list[SourcedReport], kept: list[str]) -> None:
    """Rows that cite each other, or one that is not here, are one lineage."""
    assert kept == sorted(one.report_id for one in without_copies(reports))


@given(st.permutations([report("a"), report("b", "a"), report("c", "b", event_id="f"), report("x", event_id="g")]))
def test_the_order_of_reports_does_not_matter(reports: list[SourcedReport]) -> None:
    """The counts are the same in any order."""
    counts = counts_of_reports(reports)

    assert (2.0, 2, 2) == (counts.signature_count.low_count, counts.event_count, counts.copy_count)


def test_sums_of_intervals_are_intervals() -> None:
    """Without an upper limit the sum has none; about stays about."""
    about = Count(low_count=2.0, high_count=None, approximate=True)

    assert (5.0, None, True) == (
        added([exactly(3), about]).low_count,
        added([exactly(3), about]).high_count,
        added([exactly(3), about]).approximate,
    )
    assert (3.0, 3.0) == (added([exactly(3)]).low_count, added([exactly(3)]).high_count)
