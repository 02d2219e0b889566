"""Acts that restart a clock, or that may release a party: noticed on the event itself, answered by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from truceline.assess.columns import ACTS, NOT_TOLD_INDEX, EventColumns, Longs
from truceline.assess.compiled import Compiled
from truceline.assess.spans import share_within

if TYPE_CHECKING:
    from truceline.assess.places import Chunk

NOTICED_PROBABILITY = 0.5
"""An act that more probably than not was one, and in the zone, restarts its clock."""

PERHAPS_PROBABILITY = 0.05
"""An act that is less probable than that to have been one, and in the zone, is not even said to be a doubtful one."""

WATCHERS_MAX_COUNT = 62
"""Watchers are bits of one number."""


def watched_bits(
    compiled: Compiled,
    columns: EventColumns,
    chunks: list[Chunk | None],
    *,
    least_probability: float = NOTICED_PROBABILITY,
) -> Longs:
    """Give for each event the set of watchers that notice it with more than a probability, as bits; [N].

    An event of which it cannot be told which act it was is noticed by none.
    """
    assert len(compiled.watchers) <= WATCHERS_MAX_COUNT, (
        f"{len(compiled.watchers)} watchers, limit {WATCHERS_MAX_COUNT}"
    )
    bits = np.zeros(len(columns), dtype=np.int64)
    for index, watcher in enumerate(compiled.watchers):
        acts = np.array([act in watcher.acts for act in ACTS], dtype=np.bool_)
        told = (columns.lacking == NOT_TOLD_INDEX) & (columns.act_probability > least_probability)
        rows = np.flatnonzero(acts[columns.act] & ~columns.withdrawn & told)
        held = share_within(watcher.spans.breach, columns.start_s[rows], columns.end_s[rows])
        rows = rows[held > least_probability]
        chunk = chunks[watcher.version_index]
        if watcher.place is not None and chunk is not None and len(rows) > 0:
            chunk.need(watcher.place, rows)
            rows = rows[chunk.measured(watcher.place, rows).probability > least_probability]
        bits[rows] |= 1 << index
    return bits
