"""Laws of evaluating tables: one frame for both lists, levels and revisions as they stood, and clear refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from truceline.errors import InputUnusable
from truceline.model.network import SOLUTION_MEMBER_SCHEMA
from truceline.physics.geodesy import points_of
from truceline.testing.association_evaluation import Evaluation, EvaluationWish, evaluate
from truceline.testing.association_tables import Tables, frame_for, usable
from unit.testing_figures.made import START_NS, instants, made, moved, solution_events, truth_events

ANY_SPAN = EvaluationWish(tail_s=0.0, start_ns=START_NS, end_ns=START_NS + 100_000_000_000)


def a_solution(at_s: Sequence[float], *, east_m: float = 0.0, north_m: float = 0.0, **rows: Any) -> pa.Table:
    """Make a solution with an event at each of these times, shifted from where `a_truth` has it."""
    base = points_of(31.0 + np.arange(len(at_s)), np.full(len(at_s), 48.0))
    at = moved(base, np.full(len(at_s), east_m), np.full(len(at_s), north_m))
    columns: dict[str, Any] = {
        "event_id": [f"event-{index}" for index in range(len(at_s))],
        "origin_time": instants(np.array(at_s)),
        "longitude_deg": at.longitude_deg,
        "latitude_deg": at.latitude_deg,
    }
    return solution_events(columns | rows, len(at_s))


def a_truth(at_s: Sequence[float], **rows: Any) -> pa.Table:
    """Make ground truth with an event at each of these times, one degree of longitude apart."""
    return truth_events(31.0 + np.arange(len(at_s)), np.full(len(at_s), 48.0), np.array(at_s), **rows)


def evaluated(events: pa.Table, truth: pa.Table, wish: EvaluationWish = ANY_SPAN) -> Evaluation:
    """Evaluate events against truth and nothing else."""
    return evaluate(Tables(events, None, truth, None, None, reviewed=False), wish)[0]


def test_metres_in_the_plane_are_metres_on_the_ground() -> None:
    """A solution 300 m east and 400 m south of the truth is 500 m off, all along 9 degrees of longitude."""
    times = [10.0 * index for index in range(9)]
    distance_m = evaluated(a_solution(times, east_m=300.0, north_m=-400.0), a_truth(times)).figures.location.distance_m

    assert 500.0 == pytest.approx(distance_m.values[0], rel=2e-3)
    assert 500.0 == pytest.approx(distance_m.values[-1], rel=2e-3)


def test_a_region_is_turned_with_the_meridians() -> None:
    """An error of 200 m north is inside a region that is long to the north, also where north is not the plane's y."""
    times = [10.0 * index for index in range(9)]
    thin = {"covariance_east_m2": np.full(9, 4.0), "covariance_north_m2": np.full(9, 250.0**2)}
    north = evaluated(a_solution(times, north_m=200.0, **thin), a_truth(times)).figures.regions
    east = evaluated(a_solution(times, east_m=200.0, **thin), a_truth(times)).figures.regions
    assert north is not None
    assert east is not None

    assert 200.0 / 250.0 / np.sqrt(-2.0 * np.log(0.5)) == pytest.approx(north.scale_ratio, rel=5e-3)
    assert 0 == east.coverage[-1].observed.part_count


def test_a_file_without_tails_is_the_normal_s() -> None:
    """A solution of before tails were said, and one with tails of 0, are held to the same; a heavy tail is not."""
    times = [10.0 * index for index in range(9)]
    normal, truth = a_solution(times, north_m=35.0), a_truth(times)
    heavy = a_solution(times, north_m=35.0, region_tail_ratio=np.full(9, 0.5))
    before = evaluated(normal.drop_columns(["region_tail_ratio"]), truth)
    now, tailed = evaluated(normal, truth), evaluated(heavy, truth)
    assert now.figures.regions is not None
    assert tailed.figures.regions is not None

    assert before == now
    assert now.figures.regions.scale_ratio != tailed.figures.regions.scale_ratio
    assert now.figures.regions.area_90_m2 == tailed.figures.regions.area_90_m2


def test_turning_keeps_a_covariance_what_it_is() -> None:
    """Determinant and trace of a covariance are the same in the plane's axes."""
    rows = usable(
        pl.DataFrame(pl.from_arrow(a_solution([0.0, 1.0, 2.0]))).with_columns(
            pl.col("origin_time").dt.timestamp("ns").alias("time"),
            pl.lit(90.0).alias("covariance_east_m2"),
            pl.lit(-20.0).alias("covariance_east_north_m2"),
        )
    ).rows
    xx, xy, yy = frame_for(rows, rows).covariance_m2(rows).T

    assert np.full(3, 490.0) == pytest.approx(xx + yy)
    assert np.full(3, 90.0 * 400.0 - 400.0) == pytest.approx(xx * yy - xy * xy)
    assert 1e-3 < abs(xx[0] - 90.0)


def test_the_newest_revision_stands_unless_withdrawn() -> None:
    """Of an event's revisions the last one counts, an earlier one where asked up to its level, none if taken back."""
    first = a_solution([10.0, 20.0, 30.0], east_m=900.0)
    last = a_solution(
        [10.0, 20.0],
        east_m=9.0,
        revision_index=np.array([1, 1], dtype=np.int32),
        level=["hour", "six_hour"],
        evaluation_status=["confirmed", "rejected"],
    )
    events = pa.concat_tables([last, first])
    truth = a_truth([10.0, 20.0, 30.0])
    newest = evaluated(events, truth)
    early = evaluated(
        events, truth, EvaluationWish(level="early", tail_s=0.0, start_ns=START_NS, end_ns=START_NS + 10**11)
    )

    assert (2, 3) == (newest.figures.solved_count, early.figures.solved_count)
    assert 9.0 == pytest.approx(newest.figures.location.distance_m.values[0], rel=1e-2)
    assert 900.0 == pytest.approx(early.figures.location.distance_m.values[0], rel=1e-2)
    assert [("early", 3), ("hour", 3), ("six_hour", 2)] == [
        (entry.level, entry.solved_count) for entry in newest.levels
    ]
    assert (2, 3, 1) == (
        newest.revisions.revised.part_count,
        newest.revisions.event_count,
        newest.revisions.withdrawn_count,
    )
    assert 891.0 == pytest.approx(newest.revisions.shift_m.median, rel=1e-2)


def latency_tables(**columns: Any) -> Tables:
    """Make one event heard three times, of which the first solution has two and the second all."""
    detections = pa.table(
        {
            "detection_id": ["a", "b", "c"],
            "time": instants(np.array([12.0, 20.0, 40.0])),
            "received_time": instants(np.array([15.0, 65.0, 90.0])),
        }
    )
    events = pa.concat_tables([a_solution([10.0]), a_solution([10.0], revision_index=np.array([1], dtype=np.int32))])
    for name, column in columns.items():
        events = events.append_column(name, column)
    members = pa.Table.from_pydict(
        {
            "event_id": ["event-0"] * 5,
            "revision_index": [0, 0, 1, 1, 1],
            "detection_id": ["a", "b", "a", "b", "c"],
            "member_probability": [0.9] * 5,
            "time_residual_s": [0.01] * 5,
        },
        schema=SOLUTION_MEMBER_SCHEMA,
    )
    caused = pa.table({"detection_id": ["a", "b", "c"], "event_id": ["true-0", "true-0", None]})
    return Tables(events, members, a_truth([10.0]), caused, detections, reviewed=False)


def test_latency_counts_from_the_last_detection_of_the_reference() -> None:
    """The first solution could come when its last detection was received, 45 s after the event's last detection."""
    tables = latency_tables()
    latency = evaluate(tables, EvaluationWish(tail_s=0.0, start_ns=START_NS))[0].latency
    own = evaluate(tables._replace(reference_members=None), EvaluationWish(tail_s=0.0, start_ns=START_NS))[0].latency
    assert latency is not None
    assert own is not None

    assert ("received", True, 45.0) == (latency.basis, latency.from_reference, latency.latency_s.median)
    assert ("received", False, 25.0) == (own.basis, own.from_reference, own.latency_s.median)
    assert 1 == latency.within_limit.part_count


def test_latency_does_not_wait_for_echoes() -> None:
    """An echo is not among the detections that an event's first solution is counted from."""
    tables = latency_tables()
    causes = tables.reference_members.append_column("cause", pa.array(["direct", "echo", "clutter"]))
    latency = evaluate(tables._replace(reference_members=causes), EvaluationWish(tail_s=0.0, start_ns=START_NS))[
        0
    ].latency
    assert latency is not None

    assert 53.0 == latency.latency_s.median


def test_latency_is_of_the_time_it_came_out_where_that_is_said() -> None:
    """A solution that says when it was issued is held to that."""
    tables = latency_tables(issued_time=instants(np.array([120.0, 300.0])))
    latency = evaluate(tables, EvaluationWish(tail_s=0.0, start_ns=START_NS))[0].latency
    assert latency is not None

    assert ("issued", 100.0, 0) == (latency.basis, latency.latency_s.median, latency.within_limit.part_count)


def test_a_reviewed_bulletin_is_a_reference() -> None:
    """Against a bulletin all its events count, regions are compared, and what review kept and added is told."""
    reviewed = a_solution([10.0, 20.0], defining_count=np.array([3, 9], dtype=np.int32))
    events = a_solution([10.0], east_m=50.0)

    def members(detections: list[str]) -> pa.Table:
        return pa.Table.from_pydict(
            {
                "event_id": ["event-0"] * len(detections),
                "revision_index": [0] * len(detections),
                "detection_id": detections,
                "member_probability": [0.9] * len(detections),
                "time_residual_s": [0.0] * len(detections),
            },
            schema=SOLUTION_MEMBER_SCHEMA,
        )

    tables = Tables(events, members(["a", "b", "x"]), reviewed, members(["a", "b", "c"]), None, reviewed=True)
    figures = evaluate(tables, EvaluationWish())[0].figures
    assert figures.members is not None
    assert figures.review.regions_overlap is not None

    assert (2, 1, 1) == (
        figures.review.reviewed_count,
        figures.review.automatic_count,
        figures.review.added.part_count,
    )
    assert 1 == figures.review.regions_overlap.part_count
    assert (2, 1, 1) == (
        figures.members.kept.part_count,
        figures.members.removed.part_count,
        figures.members.added.part_count,
    )


def test_a_solution_agrees_with_itself() -> None:
    """Held against itself as a reviewed bulletin, a solution is right in everything and moved by nothing."""
    tables = made(np.random.default_rng(3), 60)
    events, members = tables.events, tables.members
    figures = evaluate(Tables(events, members, events, members, None, reviewed=True), EvaluationWish())[0].figures
    assert figures.members is not None

    assert (1.0, 1.0, 0.0) == (figures.wide.f1_ratio, figures.strict.f1_ratio, figures.location.distance_m.values[-1])
    assert (1.0, 1.0, 0.0) == (
        figures.members.precision.share,
        figures.members.kept.share,
        figures.members.added.share,
    )


def test_the_order_of_rows_does_not_matter() -> None:
    """Shuffle the rows of every table and every figure is the same."""
    tables, chance = made(np.random.default_rng(4), 80), np.random.default_rng(5)
    given = (tables.events, tables.members, tables.truth, tables.truth_detections, tables.detections)
    mixed = tuple(table.take(chance.permutation(table.num_rows)) for table in given)
    plain = evaluate(Tables(*given, reviewed=False), EvaluationWish())[0]
    shuffled = evaluate(Tables(*mixed, reviewed=False), EvaluationWish())[0]

    assert plain.figures.wide == shuffled.figures.wide
    assert plain.figures.members is not None
    assert shuffled.figures.members is not None
    assert plain.figures.members.precision == shuffled.figures.members.precision
    assert plain.figures.regions is not None
    assert shuffled.figures.regions is not None
    assert plain.figures.regions.coverage == shuffled.figures.regions.coverage
    assert plain.latency == shuffled.latency


def test_rows_without_place_are_counted() -> None:
    """What has no place on earth is left out of both lists and stands in counts of its own."""
    events = a_solution([10.0, 20.0], latitude_deg=np.array([48.0, 95.0]))
    truth = a_truth([10.0, 20.0, 30.0])
    truth = truth.set_column(truth.column_names.index("longitude_deg"), "longitude_deg", pa.array([31.0, None, 33.0]))
    evaluation = evaluated(events, truth)

    assert (1, 1) == (evaluation.unusable_solved_count, evaluation.unusable_reference_count)
    assert (1, 1) == (evaluation.figures.wide.matched_count, evaluation.figures.wide.missed_count)


def test_what_has_no_one_place_does_not_count() -> None:
    """A drone or thunder is not missed where it is not found, and what matches it is neutral."""
    figures = evaluated(a_solution([10.0, 20.0]), a_truth([10.0, 20.0, 30.0], is_point=[True, False, False])).figures

    assert (1, 1, 1) == (figures.counted_reference_count, figures.wide.matched_count, figures.neutral_count)
    assert (0, 0) == (figures.wide.false_count, figures.wide.missed_count)


def test_members_of_unknown_detections_are_counted() -> None:
    """A member whose detection is not in the table of detections is counted, and the rest is told."""
    tables = latency_tables()
    fewer = tables._replace(detections=tables.detections.slice(0, 2))
    evaluation = evaluate(fewer, EvaluationWish(tail_s=0.0, start_ns=START_NS))[0]

    assert 1 == evaluation.unusable_member_count


@pytest.mark.parametrize("kind", [pa.int64(), pa.timestamp("us"), pa.timestamp("ns", tz="UTC")])
def test_times_are_read_in_every_form(kind: pa.DataType) -> None:
    """Nanoseconds since 1970 and timestamps of any grain mean the same instant."""
    truth = a_truth([10.0, 20.0])
    column = truth["time"].cast(kind) if kind != pa.int64() else truth["time"].cast(pa.int64())
    evaluation = evaluated(a_solution([10.0, 20.0]), truth.set_column(0, "time", column))

    assert 2 == evaluation.figures.wide.matched_count
    assert 0.0 == evaluation.figures.location.time_size_s.values[-1]


def refusals() -> list[tuple[str, pa.Table, pa.Table, EvaluationWish]]:
    """List what cannot serve: the words of the answer, a solution, a truth, and what is asked."""
    good, truth = a_solution([10.0]), a_truth([10.0])
    twice = pa.concat_tables([good, good])
    return [
        (r"the solution: columns \['origin_time'\] are missing", good.drop_columns(["origin_time"]), truth, ANY_SPAN),
        (
            r"ground truth: columns \['detected_count'\] are missing",
            good,
            truth.drop_columns(["detected_count"]),
            ANY_SPAN,
        ),
        (r"the solution: has no rows", good.slice(0, 0), truth, ANY_SPAN),
        (r"the table of ground truth: has no rows", good, truth.slice(0, 0), ANY_SPAN),
        (r"event_id='event-0', revision_index=0 stands there more than once", twice, truth, ANY_SPAN),
        (r"level='day' is none of", a_solution([10.0], level=["day"]), truth, ANY_SPAN),
        (r"no overlap in time: the reference's events are from 2025-04-20", a_solution([9e4]), truth, ANY_SPAN),
        (r"the solution: none of its events stands", a_solution([10.0], latitude_deg=[99.0]), truth, ANY_SPAN),
        (r"no time is left in which events count", good, truth, EvaluationWish(tail_s=75.0)),
        (
            r"no overlap in time: no reference event lies in the span",
            good,
            truth,
            EvaluationWish(tail_s=0.0, start_ns=START_NS + 50 * 10**9, end_ns=START_NS + 90 * 10**9),
        ),
        (r"time is String, neither", good, truth.set_column(0, "time", pa.array(["noon"])), ANY_SPAN),
    ]


@pytest.mark.parametrize(
    ("words", "events", "truth", "wish"),
    refusals(),
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_what_cannot_serve_is_refused(words: str, events: pa.Table, truth: pa.Table, wish: EvaluationWish) -> None:
    """A table that cannot serve is named, with what it lacks."""
    with pytest.raises(InputUnusable, match=words):
        evaluated(events, truth, wish)
