"""The laws every stage keeps, as checks that anyone can hold their own stage to.

A check raises `AssertionError` naming the law. Stages are given with their inputs and the type of their state; nothing
here knows what a stage does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
import numpy as np

from truceline.model.quantity import canonical_bytes
from truceline.ports import Stage

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741 -- the letter of the contract: state, input, output
O = TypeVar("O")  # noqa: E741


class StageCase(msgspec.Struct, Generic[S, I, O], frozen=True, kw_only=True):
    """A stage, records to give it, the watermark that passes them all, and how its state is written."""

    stage: Stage[S, I, O]
    records: Sequence[I]
    watermark: datetime
    state_type: type[S]


def _state_bytes(state: object) -> bytes:
    """Write a state as bytes; the same state always gives the same bytes."""
    return msgspec.msgpack.encode(state, order="deterministic")


def _said(outputs: Sequence[O]) -> bytes:
    """Give what was said as one string of canonical bytes, in the order in which it was said."""
    return b"\n".join(canonical_bytes(output) for output in outputs)


def _said_as_set(outputs: Sequence[O]) -> bytes:
    """Give what was said, sorted, for laws in which the order of separate steps is the caller's."""
    return b"\n".join(sorted(canonical_bytes(output) for output in outputs))


def _batches(records: Sequence[I], generator: np.random.Generator) -> Iterator[Sequence[I]]:
    """Cut records into batches of random sizes, some of them empty."""
    position = 0
    while position < len(records):
        size_count = int(generator.integers(0, 1 + max(1, len(records) // 2)))
        yield records[position : position + size_count]
        position += size_count


def run_at_once(case: StageCase[S, I, O]) -> tuple[S, list[O]]:
    """Give state and outputs for all records in one batch."""
    return case.stage.step(case.stage.initial(), case.records, case.watermark)


def check_order_does_not_matter(case: StageCase[S, I, O], generator: np.random.Generator) -> None:
    """Hold that the order of a batch shows neither in the outputs nor in the state."""
    state, outputs = run_at_once(case)
    shuffled = [case.records[index] for index in generator.permutation(len(case.records))]
    other_state, other_outputs = case.stage.step(case.stage.initial(), shuffled, case.watermark)

    assert _said(outputs) == _said(other_outputs), "order of a batch shows in the outputs"
    assert _state_bytes(state) == _state_bytes(other_state), "order of a batch shows in the state"


def check_twice_is_once(case: StageCase[S, I, O], generator: np.random.Generator) -> None:
    """Hold that a record seen twice counts once: within one batch, and again in a later one."""
    state, outputs = run_at_once(case)
    doubled = [*case.records, *case.records]
    mixed = [doubled[index] for index in generator.permutation(len(doubled))]
    other_state, other_outputs = case.stage.step(case.stage.initial(), mixed, case.watermark)
    _, again = case.stage.step(state, case.records, case.watermark)

    assert _said(outputs) == _said(other_outputs), "a record seen twice in one batch shows in the outputs"
    assert _state_bytes(state) == _state_bytes(other_state), "a record seen twice in one batch shows in the state"
    assert again == [], "a record seen again in a later batch is said again"


def check_batch_sizes_do_not_matter(
    case: StageCase[S, I, O], generator: np.random.Generator, *, open_watermark: datetime
) -> None:
    """Hold that where batches are cut does not show; `open_watermark` lies before every record."""
    state, outputs = run_at_once(case)
    current, said = case.stage.initial(), []
    for batch in _batches(case.records, generator):
        current, new = case.stage.step(current, batch, open_watermark)
        said.extend(new)
    current, new = case.stage.step(current, [], case.watermark)
    said.extend(new)

    assert _said_as_set(outputs) == _said_as_set(said), "batch sizes show in the outputs"
    assert _state_bytes(state) == _state_bytes(current), "batch sizes show in the state"


def check_restart_from_bytes(
    case: StageCase[S, I, O], generator: np.random.Generator, *, open_watermark: datetime
) -> None:
    """Hold that writing the state as bytes and reading it back between all steps changes nothing."""
    state, outputs = run_at_once(case)
    current, said = case.stage.initial(), []
    steps = [(batch, open_watermark) for batch in _batches(case.records, generator)]
    for batch, watermark in [*steps, ([], case.watermark)]:
        current, new = case.stage.step(current, batch, watermark)
        said.extend(new)
        current = msgspec.msgpack.decode(_state_bytes(current), type=case.state_type)

    assert _said_as_set(outputs) == _said_as_set(said), "a restart from bytes shows in the outputs"
    assert _state_bytes(state) == _state_bytes(current), "a restart from bytes shows in the state"


def check_same_bytes_out(case: StageCase[S, I, O]) -> None:
    """Hold that the same input gives the same bytes, and that a step leaves the state it was given alone."""
    initial = case.stage.initial()
    before = _state_bytes(initial)
    _, outputs = case.stage.step(initial, case.records, case.watermark)
    _, other_outputs = case.stage.step(initial, case.records, case.watermark)

    assert _said(outputs) == _said(other_outputs), "the same input gave different bytes"
    assert before == _state_bytes(initial), "a step changed the state it was given"


def check_partition_by_key(case: StageCase[S, I, O]) -> None:
    """Hold that records parted by the stage's own key and stepped apart say the same as together."""
    _, outputs = run_at_once(case)
    parts: dict[str, list[I]] = {}
    for record in case.records:
        parts.setdefault(case.stage.key(record), []).append(record)
    said: list[O] = []
    for name in sorted(parts):
        said.extend(case.stage.step(case.stage.initial(), parts[name], case.watermark)[1])

    assert _said_as_set(outputs) == _said_as_set(said), "a partition by key shows in the outputs"


def check_stage_laws(case: StageCase[S, I, O], *, seed_index: int, open_watermark: datetime) -> None:
    """Hold a stage to every law of the contract that needs no knowledge of what it does."""
    generator = np.random.default_rng(seed_index)
    check_same_bytes_out(case)
    check_order_does_not_matter(case, generator)
    check_twice_is_once(case, generator)
    check_batch_sizes_do_not_matter(case, generator, open_watermark=open_watermark)
    check_restart_from_bytes(case, generator, open_watermark=open_watermark)
    check_partition_by_key(case)


class Revised(msgspec.Struct, frozen=True, kw_only=True):
    """What the lateness check needs to know of an output: what it is about, and which revision of it."""

    record_id: str
    revision_index: int
    supersedes_revision_index: int | None


def check_lateness_issues_a_revision(first: Sequence[Revised], later: Sequence[Revised]) -> None:
    """Hold that what is said after closing either is new, or follows what was said under the same id by one."""
    last = {entry.record_id: entry.revision_index for entry in first}
    for entry in later:
        if entry.record_id in last:
            assert entry.revision_index == last[entry.record_id] + 1, "a late record skipped a revision"
            assert entry.supersedes_revision_index == last[entry.record_id], "a revision does not name what it replaces"
        else:
            assert entry.revision_index == 0, "a new record does not begin at revision 0"
        last[entry.record_id] = entry.revision_index
