"""A solution's tables held against a reference's: the figures of one view of them, of every level, and of revisions."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl

from truceline.errors import InputUnusable
from truceline.testing.association_agreement import (
    AssociationFigures,
    CountingRule,
    ReferenceEvents,
    SolvedEvents,
    Standing,
    association_figures,
    standing_of,
)
from truceline.testing.association_members import MEMBER_LEAST_PROBABILITY, Members
from truceline.testing.association_revisions import LatencyFigures, RevisionFigures, latency_figures, revision_figures
from truceline.testing.association_tables import (
    DETECTION_COLUMNS,
    ECHO_CAUSE,
    LEVELS,
    MEMBER_COLUMNS,
    TRUTH_DETECTION_COLUMNS,
    Frame,
    Level,
    Tables,
    checked,
    frame_for,
    members_of_revisions,
    reference_events,
    solution_rows,
    solved_events,
    standing_revisions,
    truth_rows,
    usable,
)
from truceline.testing.event_matching import STRICT_GATES, WIDE_GATES, MatchGates
from truceline.testing.location_agreement import location_agreement
from truceline.testing.proportions import Agreement


class EvaluationWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: which view of the solution, and what counts.

    `level` is the last level looked at, `None` for the newest revision of every event. `start_ns` and `end_ns` bound
    the recording in nanoseconds since 1970; `None` is found from the detections, or else from the reference.
    """

    level: Level | None = None
    detected_min_count: int = 5
    tail_s: float = 75.0
    start_ns: int | None = None
    end_ns: int | None = None
    wide: MatchGates = WIDE_GATES
    strict: MatchGates = STRICT_GATES


class LevelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How the solution stood when a level had come out."""

    level: Level
    solved_count: int
    agreement: Agreement
    distance_median_m: float | None
    distance_q95_m: float | None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one evaluation, as they are written to JSON.

    The span is that in which events count. `unusable_*` counts rows without a time or a place on earth, and members of
    events or detections that are not there.
    """

    reviewed: bool
    level: Level | None
    span_start: datetime
    span_end: datetime
    unusable_reference_count: int
    unusable_solved_count: int
    unusable_member_count: int
    figures: AssociationFigures
    levels: tuple[LevelFigures, ...]
    revisions: RevisionFigures
    latency: LatencyFigures | None


class EvaluatedEvents(msgspec.Struct, frozen=True, kw_only=True):
    """The events behind the figures, for the map of errors."""

    reference: ReferenceEvents
    solved: SolvedEvents
    standing: Standing


class _Lists(msgspec.Struct, frozen=True, kw_only=True):
    """Checked rows of both lists, in one frame; `revisions` are all of the solution, `rows` the view asked for."""

    reference_rows: pl.DataFrame
    revisions: pl.DataFrame
    rows: pl.DataFrame
    detections: pl.DataFrame | None
    frame: Frame
    unusable_counts: tuple[int, int]


def evaluate(tables: Tables, wish: EvaluationWish) -> tuple[Evaluation, EvaluatedEvents]:
    """Hold a solution against its reference; raise `InputUnusable` where the tables cannot serve."""
    lists = _lists(tables, wish)
    rule = _rule(lists, wish, reviewed=tables.reviewed)
    reference = reference_events(lists.reference_rows, lists.frame)
    solved = solved_events(lists.rows, lists.frame)
    members, unusable_member_count = _members(tables, lists)
    figures = association_figures(reference, solved, rule=rule, members=members)
    standing = standing_of(reference, solved, rule=rule, gates=rule.wide)
    evaluation = Evaluation(
        reviewed=tables.reviewed,
        level=wish.level,
        span_start=_moment(lists.frame, rule.span_start_s),
        span_end=_moment(lists.frame, rule.span_end_s),
        unusable_reference_count=lists.unusable_counts[0],
        unusable_solved_count=lists.unusable_counts[1],
        unusable_member_count=unusable_member_count,
        figures=figures,
        levels=_levels(lists, reference, rule),
        revisions=revision_figures(lists.revisions, lists.frame),
        latency=_latency(tables, lists, standing),
    )
    return evaluation, EvaluatedEvents(reference=reference, solved=solved, standing=standing)


def _lists(tables: Tables, wish: EvaluationWish) -> _Lists:
    """Check all rows and bring both lists into one frame."""
    if tables.reviewed:
        reference = standing_revisions(solution_rows(tables.reference, "the reviewed bulletin"), None)
    else:
        reference = truth_rows(tables.reference, "the table of ground truth")
    known, solved = usable(reference), usable(solution_rows(tables.events, "the solution"))
    rows = standing_revisions(solved.rows, wish.level)
    for name, part in (("the reference", known.rows), ("the solution", rows)):
        if part.is_empty():
            raise InputUnusable(f"{name}: none of its events stands, with a time and a place on earth")
    _require_overlap(known.rows, rows)
    detections = None
    if tables.detections is not None:
        detections = checked(tables.detections, columns=DETECTION_COLUMNS, name="the detections")
    return _Lists(
        reference_rows=known.rows,
        revisions=solved.rows,
        rows=rows,
        detections=detections,
        frame=frame_for(known.rows, rows),
        unusable_counts=(known.unusable_count, solved.unusable_count),
    )


def _require_overlap(reference: pl.DataFrame, solved: pl.DataFrame) -> None:
    """Raise where no event of one list could be one of the other for its time alone."""
    low, high = _bounds(reference)
    solved_low, solved_high = _bounds(solved)
    if solved_low > high or solved_high < low:
        raise InputUnusable(
            f"no overlap in time: the reference's events are from {_utc(low)} to {_utc(high)}, "
            f"the solution's from {_utc(solved_low)} to {_utc(solved_high)}"
        )


def _bounds(rows: pl.DataFrame) -> tuple[int, int]:
    times = rows["time"].to_numpy()
    return int(times.min()), int(times.max())


def _utc(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(frame: Frame, time_s: float) -> datetime:
    return datetime.fromtimestamp(frame.origin_ns / 1e9 + time_s, UTC)


def _rule(lists: _Lists, wish: EvaluationWish, *, reviewed: bool) -> CountingRule:
    """Find the span that counts: that of the recording less its tail, or as asked."""
    recorded = (
        lists.reference_rows if lists.detections is None else lists.detections.filter(pl.col("time").is_not_null())
    )
    low, high = _bounds(recorded if recorded.height else lists.reference_rows)
    start_ns = low if wish.start_ns is None else wish.start_ns
    end_ns = (high if wish.end_ns is None else wish.end_ns) - (0 if reviewed else round(wish.tail_s * 1e9))
    if start_ns >= end_ns:
        raise InputUnusable(
            f"no time is left in which events count: from {_utc(start_ns)} to {_utc(end_ns)}; "
            f"tail_s={wish.tail_s:g} is taken off the end of a recording"
        )
    rule = CountingRule(
        span_start_s=(start_ns - lists.frame.origin_ns) / 1e9,
        span_end_s=(end_ns - lists.frame.origin_ns) / 1e9,
        detected_min_count=0 if reviewed else wish.detected_min_count,
        wide=wish.wide,
        strict=wish.strict,
    )
    times_s = lists.frame.time_s(lists.reference_rows["time"])
    if not ((times_s >= rule.span_start_s) & (times_s <= rule.span_end_s)).any():
        raise InputUnusable(
            f"no overlap in time: no reference event lies in the span where events count, "
            f"{_utc(start_ns)} to {_utc(end_ns)}"
        )
    return rule


def _members(tables: Tables, lists: _Lists) -> tuple[tuple[Members, Members] | None, int]:
    """Make the members of both lists, with detections numbered alike; and count those of nothing."""
    if tables.members is None or tables.reference_members is None:
        return None, 0
    solved = _pairs_of_solution(checked(tables.members, columns=MEMBER_COLUMNS, name="the members"), lists.rows)
    reference = _reference_pairs(tables, lists)
    detection_ids = pl.concat([reference["detection_id"], solved["detection_id"]]).unique().sort()
    numbers = pl.DataFrame({"detection_id": detection_ids, "detection_index": np.arange(len(detection_ids))})
    made = []
    for pairs in (reference, solved):
        joined = pairs.join(numbers, on="detection_id", how="left", maintain_order="left")
        made.append(
            Members(
                joined["event_index"].cast(pl.Int64).to_numpy(),
                joined["detection_index"].to_numpy(),
                joined["member_probability"].cast(pl.Float64).to_numpy(),
                joined["time_residual_s"].cast(pl.Float64).to_numpy(),
                joined["is_optional"].to_numpy(),
            )
        )
    unknown_count = 0
    if lists.detections is not None:
        unknown_count = solved.filter(~pl.col("detection_id").is_in(lists.detections["detection_id"].implode())).height
    return (made[0], made[1]), unknown_count


def _pairs_of_solution(members: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the members of the revisions looked at, with the number of their event; once each."""
    keys = rows.select("event_id", "revision_index").with_row_index("event_index")
    own = members_of_revisions(members, rows)
    joined = own.join(keys, on=["event_id", "revision_index"], how="inner", maintain_order="left")
    once = joined.unique(["event_index", "detection_id"], keep="first", maintain_order=True)
    return once.with_columns(is_optional=pl.lit(value=False))


def _reference_pairs(tables: Tables, lists: _Lists) -> pl.DataFrame:
    """Give the reference's pairs of event and detection: an analyst's, or what truly caused each detection."""
    assert tables.reference_members is not None, "the caller has looked"
    if tables.reviewed:
        members = checked(tables.reference_members, columns=MEMBER_COLUMNS, name="the reviewed members")
        return _pairs_of_solution(members, lists.reference_rows)
    caused = checked(tables.reference_members, columns=TRUTH_DETECTION_COLUMNS, name="the causes of detections")
    keys = lists.reference_rows.select("event_id").with_row_index("event_index")
    unsaid = pl.lit(None, dtype=pl.Float64)
    pairs = caused.join(keys, on="event_id", how="inner", maintain_order="left")
    optional = pl.col("cause") == ECHO_CAUSE if "cause" in pairs.columns else pl.lit(value=False)
    return pairs.with_columns(
        member_probability=unsaid, time_residual_s=unsaid, is_optional=optional.fill_null(value=False)
    )


def _levels(lists: _Lists, reference: ReferenceEvents, rule: CountingRule) -> tuple[LevelFigures, ...]:
    """Give how the solution stood at every level that its revisions name."""
    made = []
    present = set(lists.revisions["level"].unique())
    for level in (name for name in LEVELS if name in present):
        solved = solved_events(standing_revisions(lists.revisions, level), lists.frame)
        standing = standing_of(reference, solved, rule=rule, gates=rule.wide)
        distance_m = location_agreement(reference.places, solved.places, standing.counted_pairs).distance_m
        made.append(
            LevelFigures(
                level=level,
                solved_count=solved.places.time_s.size,
                agreement=standing.agreement,
                distance_median_m=distance_m.median,
                distance_q95_m=distance_m.quantile_95,
            )
        )
    return tuple(made)


def _latency(tables: Tables, lists: _Lists, standing: Standing) -> LatencyFigures | None:
    """Give how long the first solution of each matched event took, where detections say when they were made."""
    if lists.detections is None or tables.members is None:
        return None
    every_member = checked(tables.members, columns=MEMBER_COLUMNS, name="the members")
    members = every_member.filter(pl.col("member_probability") >= MEMBER_LEAST_PROBABILITY)
    pairs = standing.counted_pairs
    matched = lists.rows["event_id"].gather(pairs.solved_index)
    heard = None
    if tables.reference_members is not None:
        pairs_asked = _reference_pairs(tables, lists).filter(~pl.col("is_optional"))
        true_pairs = pairs_asked.select("event_index", "detection_id")
        true_index = pl.DataFrame({"event_index": pairs.reference_index, "event_id": matched})
        heard = true_pairs.with_columns(pl.col("event_index").cast(pl.Int64)).join(true_index, on="event_index")
    return latency_figures(
        lists.revisions.filter(pl.col("event_id").is_in(matched.implode())),
        members,
        detections=lists.detections,
        heard=heard,
    )
