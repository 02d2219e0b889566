"""Laws of the words in which a finding leaves the house."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.model.finding import Compliant, Exempt, Finding, Indeterminate, PotentialViolation
from truceline.release.wording import percent, released_finding

BASE = {
    "finding_id": "finding-1",
    "event_id": "event-1",
    "event_revision_index": 0,
    "agreement_id": "made_up",
    "agreement_version": "1",
    "window_id": None,
    "provision_id": "p1",
}


@given(st.floats(0.0, 1.0, exclude_min=True, exclude_max=True))
def test_what_is_uncertain_is_never_written_as_certain(probability: float) -> None:
    """A probability between 0 and 1 is never rounded to either."""
    assert percent(probability) not in {"0 %", "100 %"}


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0.0, "0 %"), (0.005, "below 1 %"), (0.5, "50 %"), (0.995, "above 99 %"), (1.0, "100 %")],
)
def test_a_percentage_is_written_in_one_way(probability: float, expected: str) -> None:
    """Whole percents in the middle, a limit at both ends, certainty only where it is certain."""
    assert expected == percent(probability)


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (Compliant(reason="no clause was in force", **BASE), ("compliant", None)),
        (Exempt(notification_id="n1", **BASE), ("exempt", None)),
        (Exempt(notification_id=None, exemption_id="airliners", **BASE), ("exempt", None)),
        (PotentialViolation(probability=0.8, **BASE), ("potential_violation", 0.8)),
        (Indeterminate(lacking=("a type",), **BASE), ("indeterminate", None)),
    ],
)
def test_only_a_potential_violation_has_a_probability(finding: Finding, expected: tuple[str, float | None]) -> None:
    """Each kind of finding is released under its own name, and no other than the potential ones with a number."""
    released = released_finding(finding)

    assert expected == (released.kind, released.probability)
