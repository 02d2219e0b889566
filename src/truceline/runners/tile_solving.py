"""Where tiles are solved: in this process or on workers; the answers are the same, and are taken in the order asked."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import NamedTuple, Self

from truceline.associate.network import Detections, Network, Solution
from truceline.errors import TrucelineError

IN_FLIGHT_COUNT = 2
"""Slabs handed to each worker ahead of the one that is waited for: bounds memory."""


class TileTask(NamedTuple):
    """What a tile is solved from: metres from the middle of its core, seconds after its slab's start.

    `span_s` is the time that the detections cover, (start, end) in seconds.
    """

    network: Network
    detections: Detections
    span_s: tuple[float, float]


Solver = Callable[[TileTask], Solution]
"""A pure function of a tile's input; for worker processes it must be picklable."""

Answer = Callable[[], Solution]


class Solving:
    """Solves tiles with one solver, on so many processes; `solver_id` names solver and settings in the state."""

    def __init__(self, solver: Solver, *, solver_id: str, processes_count: int = 1) -> None:
        """Begin; worker processes start when the first tile is handed in."""
        assert processes_count >= 1, f"processes_count={processes_count} is below 1"
        self.solver_id = solver_id
        self._solver = solver
        self._processes_count = processes_count
        self._pool: ProcessPoolExecutor | None = None

    @property
    def ahead_count(self) -> int:
        """How many slabs to hand in before waiting for the first answer."""
        return 1 if self._processes_count == 1 else IN_FLIGHT_COUNT * self._processes_count

    def ask(self, task: TileTask) -> Answer:
        """Hand in a tile; what is given back waits for its solution when it is called."""
        if self._processes_count == 1:
            return lambda: self._solver(task)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._processes_count,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(self._solver,),
            )
        return _awaited(self._pool.submit(_solve, task))

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers; what they have not begun is not begun."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _awaited(future: Future[Solution]) -> Answer:
    def wait() -> Solution:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise TrucelineError("a worker process ended before its tile was solved (out of memory?)") from error

    return wait


_solver: list[Solver] = []


def _begin(solver: Solver) -> None:
    """Set a worker up; Ctrl-C is for the process that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _solver[:] = [solver]


def _solve(task: TileTask) -> Solution:
    return _solver[0](task)
