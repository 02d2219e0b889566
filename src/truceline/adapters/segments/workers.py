"""Verification in worker processes, for more segments than one core takes; the answers are those of one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from truceline.adapters.segments.enrolment import KeyState
from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.verify import Quarantined, Signed, Verifier

PIECE_SEGMENT_COUNT = 500
"""Segments given to a worker at once: some tens of milliseconds of work."""

PIECES_AHEAD_COUNT = 4
"""Pieces waiting for each worker, at most."""

_verifiers: list[Verifier] = []


def _begin(states: dict[bytes, KeyState], shared_secrets: dict[bytes, bytes]) -> None:
    _verifiers[:] = [Verifier(states, shared_secrets=shared_secrets)]


def _verify(piece: Sequence[tuple[bytes, int]]) -> list[Signed | Quarantined]:
    return [_verifiers[0].verify(content, received_ns=received_ns) for content, received_ns in piece]


def verified_by(
    verifier: Verifier, received: Iterable[ReceivedSegment], *, process_count: int
) -> Iterator[tuple[ReceivedSegment, Signed | Quarantined]]:
    """Give each segment with what came of it by itself, in the order of `received`, from so many processes."""
    if process_count <= 1:
        for entry in received:
            yield entry, verifier.verify(entry.content, received_ns=entry.received_ns)
        return
    source = iter(received)
    pieces = iter(lambda: list(islice(source, PIECE_SEGMENT_COUNT)), [])
    with ProcessPoolExecutor(
        process_count, mp_context=get_context("spawn"), initializer=_begin, initargs=verifier.knowledge()
    ) as pool:

        def given(piece: list[ReceivedSegment]) -> tuple[list[ReceivedSegment], Future[list[Signed | Quarantined]]]:
            return piece, pool.submit(_verify, [(entry.content, entry.received_ns) for entry in piece])

        waiting = deque(map(given, islice(pieces, process_count * PIECES_AHEAD_COUNT)))
        while waiting:
            piece, answer = waiting.popleft()
            outcomes = answer.result()
            waiting.extend(map(given, islice(pieces, 1)))
            yield from zip(piece, outcomes, strict=True)
