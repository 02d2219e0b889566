"""When the first solution of an event came, and how far later revisions moved it."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
import polars as pl

from truceline.testing.association_tables import LEVELS, NS_PER_S, Frame, Level, members_of_revisions
from truceline.testing.event_matching import Floats
from truceline.testing.location_agreement import Spread, spread
from truceline.testing.proportions import Histogram, Proportion, histogram, proportion_of

FIRST_SOLUTION_MAX_S = 90.0
"""The first solution is to come within this of the last detection that an event is to have."""

_LATENCY_EDGES_S = np.linspace(0.0, 180.0, 19)

LatencyBasis = Literal["issued", "received"]


class LevelCount(msgspec.Struct, frozen=True, kw_only=True):
    """So many events first came out at this level."""

    level: Level
    event_count: int


class RevisionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What revisions did, over all events of the solution.

    Shifts are of the last revision against the first, of revised events; `withdrawn_count` events were taken back.
    """

    event_count: int
    revised: Proportion
    withdrawn_count: int
    first_levels: tuple[LevelCount, ...]
    shift_m: Spread
    shift_s: Spread


class LatencyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How long after the last detection of a matched event its first solution came.

    `basis` is `issued` where the solution says when it came out; else `received`: when the last detection that the
    first solution rests on was received, before which it cannot have come. `from_reference` is true where the last
    detection is that of the reference, false where it is that of the newest revision itself. Below zero the first
    solution came before the last detection.
    """

    basis: LatencyBasis
    from_reference: bool
    latency_s: Spread
    within_limit: Proportion
    bins_s: Histogram


def revision_figures(revisions: pl.DataFrame, frame: Frame) -> RevisionFigures:
    """Give what revisions did; rows are all revisions in order of event and revision."""
    first = revisions.unique("event_id", keep="first", maintain_order=True)
    last = revisions.unique("event_id", keep="last", maintain_order=True)
    revised = (first["revision_index"] != last["revision_index"]).to_numpy()
    places, moved = frame.places(first), frame.places(last)
    counts = dict(first["level"].value_counts().iter_rows())
    return RevisionFigures(
        event_count=first.height,
        revised=proportion_of(revised),
        withdrawn_count=int((last["evaluation_status"] == "rejected").sum()),
        first_levels=tuple(LevelCount(level=level, event_count=counts.get(level, 0)) for level in LEVELS),
        shift_m=spread(np.hypot(moved.x_m - places.x_m, moved.y_m - places.y_m)[revised]),
        shift_s=spread((moved.time_s - places.time_s)[revised]),
    )


def latency_figures(
    revisions: pl.DataFrame, members: pl.DataFrame, *, detections: pl.DataFrame, heard: pl.DataFrame | None
) -> LatencyFigures | None:
    """Give the latency of first solutions; `None` where no event has all times that it takes.

    `revisions` are those of the events looked at, in order; `heard` gives the detections (`event_id`, `detection_id`)
    that each of them truly has, `None` where nobody says.
    """
    first = revisions.unique("event_id", keep="first", maintain_order=True)
    last = revisions.unique("event_id", keep="last", maintain_order=True)
    own = members_of_revisions(members, last)
    ends = _latest(heard if heard is not None else own, detections, "time").rename({"time": "end_ns"})
    if "issued_time" in first.columns:
        come = first.select("event_id", pl.col("issued_time").alias("come_ns"))
    else:
        rests_on = members_of_revisions(members, first)
        come = _latest(rests_on, detections, "received_time").rename({"received_time": "come_ns"})
    joined = come.join(ends, on="event_id", maintain_order="left").drop_nulls()
    if joined.is_empty():
        return None
    latency_s: Floats = (joined["come_ns"] - joined["end_ns"]).to_numpy() / NS_PER_S
    return LatencyFigures(
        basis="issued" if "issued_time" in first.columns else "received",
        from_reference=heard is not None,
        latency_s=spread(latency_s),
        within_limit=proportion_of(latency_s <= FIRST_SOLUTION_MAX_S),
        bins_s=histogram(latency_s, _LATENCY_EDGES_S),
    )


def _latest(pairs: pl.DataFrame, detections: pl.DataFrame, column: str) -> pl.DataFrame:
    """Give of each event the latest time in a column over its detections."""
    joined = pairs.select("event_id", "detection_id").join(detections, on="detection_id")
    return joined.group_by("event_id", maintain_order=True).agg(pl.col(column).max())
