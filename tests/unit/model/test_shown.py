"""Records that are shown: likelihood words, released events, verdicts."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.made import DAY
from truceline.model.adherence import Adherence
from truceline.model.likelihood import LIKELIHOOD_BANDS, likelihood_phrase
from truceline.model.quantity import TimeSpan, exactly
from truceline.model.released import ReleasedEvent, Withheld

PHRASES = [phrase for _, phrase in LIKELIHOOD_BANDS]


@given(first=st.floats(0.0, 1.0), second=st.floats(0.0, 1.0))
def test_a_greater_probability_never_gets_a_weaker_phrase(first: float, second: float) -> None:
    """Phrases rise with the probability, and both ends have one."""
    low, high = sorted((first, second))

    assert PHRASES.index(likelihood_phrase(low)) <= PHRASES.index(likelihood_phrase(high))
    assert [PHRASES[0], PHRASES[-1]] == [likelihood_phrase(0.0), likelihood_phrase(1.0)]


def test_no_phrase_for_what_is_no_probability() -> None:
    """A number outside [0, 1] is refused."""
    with pytest.raises(ValueError, match="probability"):
        likelihood_phrase(1.01)


@pytest.mark.parametrize("name", ["cell_latitude_deg", "cell_longitude_deg", "cell_deg"])
def test_a_released_cell_lies_on_the_globe(name: str) -> None:
    """Each side of a cell has its limits."""
    fields: dict[str, Any] = {
        "event_id": "made",
        "revision_index": 0,
        "event_type": "fire",
        "event_type_certainty": "suspected",
        "time": TimeSpan(start=DAY, end=DAY),
        "cell_latitude_deg": 48.0,
        "cell_longitude_deg": 37.0,
        "cell_deg": 0.1,
        "place_name": None,
        "place_is_region": False,
        "signature_count": exactly(1),
        "findings": (),
        "attribution": None,
    }

    assert ReleasedEvent(**fields).cell_deg == 0.1
    with pytest.raises(ValueError, match=name):
        ReleasedEvent(**{**fields, name: 500.0})


def test_what_is_withheld_says_until_when_in_utc() -> None:
    """A time of another zone is refused; none is an answer."""
    elsewhere = DAY.astimezone(timezone(timedelta(hours=3)))

    assert Withheld(event_id="made", reason="made", release_time=None).release_time is None
    assert Withheld(event_id="made", reason="made", release_time=DAY).release_time == DAY
    with pytest.raises(ValueError, match="release_time"):
        Withheld(event_id="made", reason="made", release_time=elsewhere)


def test_a_verdict_needs_no_numbers_where_none_can_be_given() -> None:
    """Insufficient evidence is a whole answer."""
    answer = Adherence(
        window_id="made",
        domain="ground",
        verdict="insufficient_evidence",
        observed_count=None,
        expected_count=None,
        expected_low_count=None,
        expected_high_count=None,
        ratio=None,
        placebo_percentile=None,
        resumption_utc=None,
        claimants=(),
        reason="made",
    )

    assert answer.verdict == "insufficient_evidence"
