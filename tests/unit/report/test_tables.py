"""Laws of what the report counts an event as."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from truceline.report.tables import leading_kind, tally
from unit.report.conftest import an_event


@pytest.mark.parametrize(
    ("probability", "kind"), [(0.49, "less_likely"), (0.5, "potential_violation"), (None, "potential_violation")]
)
def test_an_event_counts_as_what_it_more_likely_is(probability: float | None, kind: str) -> None:
    """A finding under one half is shown, but not counted among the potential violations; the parts still add up."""
    event = an_event(4, ("A", "B"))
    unsure = replace(event, findings=(replace(event.findings[0], probability=probability),))

    assert kind == leading_kind(unsure)
    assert (kind == "potential_violation") == tally([unsure]).potential_count
    assert tally([unsure]).event_count == 1
