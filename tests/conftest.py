"""What holds in every test: whatever is attributed anywhere is attributed once more with the parties exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from truceline.model.attribution import Attribution
from truceline.model.event import Event

EVENTS_MOST_COUNT = 400
"""Events of one batch that are held to their mirror image; of more, so many spread evenly over the batch."""


@pytest.fixture(autouse=True, scope="session")
def exchange_mirrors_everywhere() -> Iterator[None]:
    """Hold every batch of events that any test has attributed to the exchange of the parties."""
    from truceline.attribute.stage import AttributeStage
    from truceline.testing.attribution_mirror import check_exchange_mirrors

    plain = AttributeStage.answers
    within: list[bool] = []

    def answers(self: AttributeStage, events: Sequence[Event], **files: Any) -> list[Attribution]:
        given = plain(self, events, **files)
        if not within and events:
            within.append(True)
            try:
                step = max(1, len(events) // EVENTS_MOST_COUNT)
                check_exchange_mirrors(self, events[::step], given[::step])
            finally:
                within.clear()
        return given

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AttributeStage, "answers", answers)
        yield
