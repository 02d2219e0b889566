"""What the core asks of the world and of itself: the contract every stage keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

StateT = TypeVar("StateT")
InputT_contra = TypeVar("InputT_contra", contravariant=True)
OutputT = TypeVar("OutputT")


class Stage(Protocol[StateT, InputT_contra, OutputT]):
    """A pure step of the pipeline: state and a batch of records in, new state and records out.

    Laws (tested in `tests/laws` for every stage): the order of a batch does not matter; a record seen twice counts
    once; batch sizes do not matter; state survives a round trip through bytes; same input, same bytes out. A record
    later than the watermark never changes a closed event: it issues a revision under the same event id.
    """

    def initial(self) -> StateT:
        """Give the state before any record."""
        ...

    def key(self, record: InputT_contra) -> str:
        """Say how an engine may partition the records: equal keys must meet in one state."""
        ...

    def step(self, state: StateT, batch: Sequence[InputT_contra], watermark: datetime) -> tuple[StateT, list[OutputT]]:
        """Take a batch in; give the new state and what is certain once nothing before `watermark` is still to come."""
        ...
