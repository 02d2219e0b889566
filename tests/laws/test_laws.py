"""The law checks themselves: stages that break a law are caught, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from truceline.testing.laws import (
    Revised,
    StageCase,
    check_batch_sizes_do_not_matter,
    check_lateness_issues_a_revision,
    check_order_does_not_matter,
    check_partition_by_key,
    check_restart_from_bytes,
    check_same_bytes_out,
    check_stage_laws,
    check_twice_is_once,
)

EARLY = datetime(2025, 1, 1, tzinfo=UTC)
LATE = datetime(2025, 2, 1, tzinfo=UTC)


class SeenState(msgspec.Struct, frozen=True):
    """The words seen."""

    words: frozenset[str] = frozenset()


class SoundStage:
    """A stage that keeps every law: says each word once."""

    def initial(self) -> SeenState:
        """Give the empty state."""
        return SeenState()

    def key(self, record: str) -> str:
        """Give the word."""
        return record

    def step(self, state: SeenState, batch: Sequence[str], watermark: datetime) -> tuple[SeenState, list[str]]:
        """Say what is new."""
        assert watermark in {EARLY, LATE}
        return SeenState(state.words | set(batch)), sorted(set(batch) - state.words)


class ForgetfulStage(SoundStage):
    """Breaks "twice is once": says a word again."""

    def step(self, state: SeenState, batch: Sequence[str], watermark: datetime) -> tuple[SeenState, list[str]]:
        """Say everything."""
        assert watermark in {EARLY, LATE}
        return SeenState(state.words | set(batch)), sorted(batch)


class OrderedStage(SoundStage):
    """Breaks "order does not matter": says words in the order in which they came."""

    def step(self, state: SeenState, batch: Sequence[str], watermark: datetime) -> tuple[SeenState, list[str]]:
        """Say what is new as it comes."""
        assert watermark in {EARLY, LATE}
        return SeenState(state.words | set(batch)), [word for word in dict.fromkeys(batch) if word not in state.words]


class CountingStage(SoundStage):
    """Breaks "batch sizes do not matter": says how many words came in one batch, and so breaks partition too."""

    def step(self, state: SeenState, batch: Sequence[str], watermark: datetime) -> tuple[SeenState, list[str]]:
        """Say the number of new words."""
        assert watermark in {EARLY, LATE}
        new = set(batch) - state.words
        return SeenState(state.words | set(batch)), [str(len(new))] if new else []


class MemoryStage(SoundStage):
    """Breaks "restart from bytes": keeps what it saw in itself and not in its state."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.said: set[str] = set()

    def step(self, state: SeenState, batch: Sequence[str], watermark: datetime) -> tuple[SeenState, list[str]]:
        """Say what this object never said before."""
        assert watermark in {EARLY, LATE}
        new = sorted(set(batch) - self.said)
        self.said |= set(batch)
        return state, new


def _case(stage: SoundStage) -> StageCase[SeenState, str, str]:
    return StageCase(stage=stage, records=["b", "a", "d", "c", "e", "g", "f"], watermark=LATE, state_type=SeenState)


def _generator() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_sound_stage_passes_every_check() -> None:
    """A stage that keeps the laws is not accused."""
    check_stage_laws(_case(SoundStage()), seed_index=7, open_watermark=EARLY)


def test_saying_a_record_twice_is_caught() -> None:
    """A stage that says a record each time it comes breaks "twice is once"."""
    with pytest.raises(AssertionError, match="seen twice"):
        check_twice_is_once(_case(ForgetfulStage()), _generator())


def test_dependence_on_order_is_caught() -> None:
    """A stage that follows the order of a batch breaks "order does not matter"."""
    with pytest.raises(AssertionError, match="order of a batch"):
        check_order_does_not_matter(_case(OrderedStage()), _generator())


def test_dependence_on_batch_sizes_is_caught() -> None:
    """A stage that counts within batches breaks "batch sizes do not matter", and the partition by key."""
    with pytest.raises(AssertionError, match="batch sizes"):
        check_batch_sizes_do_not_matter(_case(CountingStage()), _generator(), open_watermark=EARLY)
    with pytest.raises(AssertionError, match="partition by key"):
        check_partition_by_key(_case(CountingStage()))


def test_memory_outside_the_state_is_caught() -> None:
    """A stage that remembers outside its state breaks "same bytes out" and the restart."""
    with pytest.raises(AssertionError, match="the same input gave different bytes"):
        check_same_bytes_out(_case(MemoryStage()))
    with pytest.raises(AssertionError, match="restart"):
        check_restart_from_bytes(_case(MemoryStage()), _generator(), open_watermark=EARLY)


@pytest.mark.parametrize(
    ("later", "fault"),
    [
        (Revised(record_id="x", revision_index=2, supersedes_revision_index=0), "skipped"),
        (Revised(record_id="x", revision_index=1, supersedes_revision_index=None), "does not name"),
        (Revised(record_id="y", revision_index=1, supersedes_revision_index=0), "does not begin"),
    ],
)
def test_a_wrong_revision_is_caught(later: Revised, fault: str) -> None:
    """A late record must issue the next revision of what stands, or something new from revision 0."""
    first = [Revised(record_id="x", revision_index=0, supersedes_revision_index=None)]

    with pytest.raises(AssertionError, match=fault):
        check_lateness_issues_a_revision(first, [later])
