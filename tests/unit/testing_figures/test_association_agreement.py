"""Laws of holding a solution against its reference, in the plane: what counts, and every figure by hand."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.physics.region import agreed_scale_ratio
from truceline.testing.association_agreement import (
    AssociationFigures,
    CountingRule,
    ReferenceEvents,
    SolvedEvents,
    association_figures,
    is_undetermined,
)
from truceline.testing.association_members import Members, members_of
from truceline.testing.event_matching import EventPlaces

RULE = CountingRule(span_start_s=0.0, span_end_s=100.0)
SHARED_BENCH = Path(__file__).parents[4] / "shared" / "bench"


def reference_of(rows: list[tuple[float, float, int]], **more: Any) -> ReferenceEvents:
    """Make reference events on the x axis from x, time and count of detections."""
    x_m, time_s, counts = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    return ReferenceEvents(EventPlaces(x_m, np.zeros(x_m.size), time_s), counts.astype(np.int64), **more)


def solved_of(rows: list[tuple[float, float]], **more: Any) -> SolvedEvents:
    """Make solved events on the x axis from x and time, with regions of 10 m."""
    x_m, time_s = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    ordinary: dict[str, Any] = {
        "covariance_m2": np.tile([100.0, 0.0, 100.0], (x_m.size, 1)),
        "time_sigma_s": np.full(x_m.size, 0.1),
        "event_probability": np.full(x_m.size, 0.9),
        "defining_count": np.full(x_m.size, 8),
    }
    return SolvedEvents(EventPlaces(x_m, np.zeros(x_m.size), time_s), **(ordinary | more))


def test_what_counts_is_what_could_be_heard() -> None:
    """Events with too few detections or outside the span do not count, and what matches them is neutral."""
    reference = reference_of([(0.0, 10.0, 5), (10e3, 10.0, 4), (20e3, -1.0, 9), (30e3, 101.0, 9), (40e3, 50.0, 9)])
    solved = solved_of([(100.0, 10.1), (10e3, 10.0), (20e3, -1.0), (30e3, 101.0), (60e3, 50.0), (60e3, 120.0)])
    figures = association_figures(reference, solved, rule=RULE)

    assert (2, 5, 6, 4) == (
        figures.counted_reference_count,
        figures.reference_count,
        figures.solved_count,
        figures.neutral_count,
    )
    assert (1, 1, 1) == (figures.wide.matched_count, figures.wide.false_count, figures.wide.missed_count)
    assert 0.5 == figures.wide.f1_ratio


def test_strict_gates_are_stricter() -> None:
    """An event 600 m off is found by the wide gates and both missed and false by the strict ones."""
    figures = association_figures(reference_of([(0.0, 10.0, 9)]), solved_of([(600.0, 10.0)]), rule=RULE)

    assert (1, 0, 0) == (figures.wide.matched_count, figures.wide.false_count, figures.wide.missed_count)
    assert (0, 1, 1) == (figures.strict.matched_count, figures.strict.false_count, figures.strict.missed_count)


def test_errors_are_solved_less_reference() -> None:
    """Shifts of 3, 6 and 30 m and of -.2, .1 and .1 s give these medians and means."""
    reference = reference_of([(0.0, 10.0, 9), (10e3, 10.0, 9), (20e3, 10.0, 9)])
    location = association_figures(
        reference, solved_of([(3.0, 9.8), (10_006.0, 10.1), (20_030.0, 10.1)]), rule=RULE
    ).location

    assert (6.0, 13.0) == pytest.approx((location.distance_m.median, location.distance_m.mean))
    assert 6.0 + 0.9 * 24.0 == pytest.approx(location.distance_m.quantile_95)
    assert (0.1, 0.1) == pytest.approx((location.time_s.median, location.time_size_s.median))
    assert (6.0, 0.0) == pytest.approx((location.bias_x_m, location.bias_y_m))


def test_a_region_holds_what_lies_inside_its_ellipse() -> None:
    """Errors of 1, 2 and 3 sigma are in 1, 2 and 2 of the regions of 50, 90 and 95 %."""
    reference = reference_of([(0.0, 10.0, 9), (10e3, 10.0, 9), (20e3, 10.0, 9)])
    regions = association_figures(
        reference, solved_of([(10.0, 10.0), (10_020.0, 10.0), (20_030.0, 10.0)]), rule=RULE
    ).regions

    assert regions is not None
    assert [(0.5, 1), (0.9, 2), (0.95, 2)] == [
        (entry.nominal_probability, entry.observed.part_count) for entry in regions.coverage
    ]
    assert 2.0 / np.sqrt(-2.0 * np.log(0.5)) == pytest.approx(regions.scale_ratio)
    assert np.pi * -2.0 * np.log(0.1) * 100.0 == pytest.approx(regions.area_90_m2.median)


def test_what_is_no_region_is_counted_and_left_out() -> None:
    """A covariance that is not positive definite, or not there, is in no coverage and stands in a count of its own."""
    reference = reference_of([(0.0, 10.0, 9), (10e3, 10.0, 9), (20e3, 10.0, 9)])
    covariance_m2 = np.array([[100.0, 0.0, 100.0], [100.0, 100.0, 100.0], [np.nan, 0.0, 1.0]])
    solved = solved_of([(5.0, 10.0), (10e3, 10.0), (20e3, 10.0)], covariance_m2=covariance_m2)
    regions = association_figures(reference, solved, rule=RULE).regions

    assert regions is not None
    assert (1, 2) == (regions.event_count, regions.unusable_count)
    assert 1 == regions.coverage[0].observed.whole_count


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 3.0))
def test_honest_regions_cover_and_scaled_ones_tell_the_scale(seed: int, scale_ratio: float) -> None:
    """Errors drawn from the claimed covariance are covered as claimed; multiplied, their scale is found."""
    chance, count = np.random.default_rng(seed), 3000
    turn = chance.uniform(-0.9, 0.9, count)
    covariance_m2 = np.column_stack([np.full(count, 900.0), turn * 30.0 * 10.0, np.full(count, 100.0)])
    normal = chance.normal(size=(count, 2)) * scale_ratio
    x_m = 30.0 * normal[:, 0]
    y_m = 10.0 * (turn * normal[:, 0] + np.sqrt(1.0 - turn**2) * normal[:, 1])
    at_m = np.arange(count) * 5_000.0
    reference = ReferenceEvents(EventPlaces(at_m, np.zeros(count), np.full(count, 50.0)), np.full(count, 9))
    solved = solved_of([(0.0, 0.0)] * count, covariance_m2=covariance_m2)._replace(
        places=EventPlaces(at_m + x_m, y_m, np.full(count, 50.0))
    )
    regions = association_figures(reference, solved, rule=RULE).regions

    assert regions is not None
    assert scale_ratio == pytest.approx(regions.scale_ratio, rel=0.12)
    for entry in regions.curve:
        expected = 1.0 - (1.0 - entry.nominal_probability) ** (1.0 / scale_ratio**2)
        assert expected == pytest.approx(entry.observed.share, abs=0.05)


@pytest.mark.parametrize("tail_ratio", [0.0, 0.2, 0.8])
def test_each_region_is_that_of_its_own_tail(tail_ratio: float) -> None:
    """Errors drawn from a t are covered as claimed where the tail is told, and sigmas half as wide are found."""
    chance, count = np.random.default_rng(11), 20_000
    freedom = 1.0 / max(tail_ratio, 1e-9)
    tail = np.full(count, tail_ratio)
    drawn = chance.normal(size=(2, count)) / np.sqrt(chance.gamma(freedom / 2.0, 2.0 / freedom, count))
    x_m, y_m = 3.0 * drawn / np.sqrt(agreed_scale_ratio(tail_ratio))
    at_m = np.arange(count) * 5_000.0
    reference = ReferenceEvents(EventPlaces(at_m, np.zeros(count), np.full(count, 50.0)), np.full(count, 9))
    places = EventPlaces(at_m + x_m, y_m, np.full(count, 50.0))
    said = solved_of([(0.0, 0.0)] * count, covariance_m2=np.tile([9.0, 0.0, 9.0], (count, 1)), region_tail_ratio=tail)
    honest = association_figures(reference, said._replace(places=places), rule=RULE).regions
    small = said._replace(places=places, covariance_m2=said.covariance_m2 / 4.0)
    overconfident = association_figures(reference, small, rule=RULE).regions

    assert honest is not None
    assert overconfident is not None
    assert 0.999 * count < honest.event_count
    for entry in honest.curve:
        assert entry.nominal_probability == pytest.approx(entry.observed.share, abs=0.012)
    assert 1.0 == pytest.approx(honest.scale_ratio, abs=0.02)
    assert 2.0 * (honest.scale_ratio or 0.0) == pytest.approx(overconfident.scale_ratio)
    assert np.pi * -2.0 * np.log(0.1) * 9.0 == pytest.approx(honest.area_90_m2.median)


def test_a_tail_that_is_none_is_counted_and_left_out() -> None:
    """A tail ratio outside [0, 1], or not there, makes a region unusable."""
    reference = reference_of([(10e3 * index, 10.0, 9) for index in range(4)])
    solved = solved_of(
        [(10e3 * index, 10.0) for index in range(4)], region_tail_ratio=np.array([0.3, -0.1, 1.1, np.nan])
    )
    regions = association_figures(reference, solved, rule=RULE).regions

    assert regions is not None
    assert (1, 3) == (regions.event_count, regions.unusable_count)


def test_probability_is_of_there_being_an_event() -> None:
    """A match with an event that does not count was an event all the same; one outside the span is left out."""
    reference = reference_of([(0.0, 10.0, 9), (10e3, 10.0, 2)])
    claimed = np.array([0.9, 0.8, 0.3, 0.99])
    solved = solved_of([(0.0, 10.0), (10e3, 10.0), (50e3, 10.0), (60e3, 500.0)], event_probability=claimed)
    of = association_figures(reference, solved, rule=RULE).calibration

    assert of is not None
    assert (3, 2) == (of.claim_count, of.observed.part_count)
    assert (0.01 + 0.04 + 0.09) / 3 == pytest.approx(of.brier_ratio)


def test_a_threshold_turns_found_into_missed() -> None:
    """What is below the least probability is neither found nor false, and its reference event is missed."""
    reference = reference_of([(0.0, 10.0, 9), (10e3, 10.0, 9)])
    solved = solved_of([(0.0, 10.0), (10e3, 10.0), (50e3, 10.0)], event_probability=np.array([0.97, 0.5, 0.7]))
    points = {
        point.least_probability: point.agreement
        for point in association_figures(reference, solved, rule=RULE).by_probability
    }

    assert (2, 1, 0) == (points[0.4].matched_count, points[0.4].false_count, points[0.4].missed_count)
    assert (1, 1, 1) == (points[0.6].matched_count, points[0.6].false_count, points[0.6].missed_count)
    assert (1, 0, 1) == (points[0.95].matched_count, points[0.95].false_count, points[0.95].missed_count)


def test_groups_by_detections_add_up() -> None:
    """Recall is grouped by recorded detections, precision by defining ones, and the groups add up to the whole."""
    reference = reference_of([(0.0, 10.0, 5), (10e3, 10.0, 30), (20e3, 10.0, 60)])
    solved = solved_of([(0.0, 10.0), (10e3, 10.0), (50e3, 10.0)], defining_count=np.array([4, 28, 5]))
    groups = association_figures(reference, solved, rule=RULE).by_detections

    assert [(0, 0, 1), (5, 1, 0), (25, 1, 1), (50, 0, 0)] == [
        (group.low_count, group.recall.part_count, group.precision.part_count) for group in groups
    ]
    assert (3, 3) == (
        sum(group.recall.whole_count for group in groups),
        sum(group.precision.whole_count for group in groups),
    )


def test_types_are_told_where_one_is_decided() -> None:
    """Undetermined is an answer of its own: neither right nor wrong."""
    reference = reference_of(
        [(10e3 * index, 10.0, 9) for index in range(4)],
        event_type=np.array(["impact", "impact", "outgoing", "explosion_undetermined"]),
    )
    solved = solved_of(
        [(10e3 * index, 10.0) for index in range(4)],
        event_type=np.array(["impact", "outgoing", "unknown", "impact"]),
        event_type_probability=np.array([0.8, 0.6, 0.5, 0.7]),
    )
    types = association_figures(reference, solved, rule=RULE).types

    assert types is not None
    assert (2, 3) == (types.decided.part_count, types.decided.whole_count)
    assert (1, 2) == (types.right_when_decided.part_count, types.right_when_decided.whole_count)
    assert (0.04 + 0.36) / 2 == pytest.approx(types.calibration.brier_ratio)
    assert 4 == sum(cell.event_count for cell in types.cells)
    assert is_undetermined("explosion_undetermined")


def test_what_is_not_said_is_not_told() -> None:
    """Without regions, probabilities, types and members there are no figures of them."""
    solved = solved_of(
        [(0.0, 10.0)],
        covariance_m2=np.full((1, 3), np.nan),
        time_sigma_s=np.full(1, np.nan),
        event_probability=np.full(1, np.nan),
    )
    figures = association_figures(reference_of([(0.0, 10.0, 9)]), solved, rule=RULE)

    assert (None, None, None, None) == (figures.regions, figures.calibration, figures.types, figures.members)
    assert () == figures.by_probability


def test_members_are_right_where_event_and_detection_agree() -> None:
    """Of five claimed detections three are right; of four recorded ones three are recalled, one is added by review."""
    reference = reference_of([(0.0, 10.0, 5), (10e3, 10.0, 5)])
    solved = solved_of([(10e3, 10.0), (0.0, 10.0), (50e3, 10.0)])
    true_event = np.array([0, 0, 1, 1, -1, -1])
    said_event = np.array([1, 0, 0, -1, 0, 2])
    members = (members_of(true_event), members_of(said_event))
    of = association_figures(reference, solved, rule=RULE, members=members).members

    assert of is not None
    assert (2, 5) == (of.precision.part_count, of.precision.whole_count)
    assert (2, 4) == (of.recall.part_count, of.recall.whole_count)
    assert (2, 4) == (of.kept.part_count, of.kept.whole_count)
    assert (2, 2) == (of.removed.part_count, of.added.part_count)
    assert (None, None) == (of.calibration, of.residual_s)


def test_an_unlikely_member_is_not_claimed() -> None:
    """A detection given to two events is claimed for the likelier one, and both claims are held to account."""
    reference, solved = reference_of([(0.0, 10.0, 5), (10e3, 10.0, 5)]), solved_of([(0.0, 10.0), (10e3, 10.0)])
    said = Members(np.array([0, 1]), np.array([0, 0]), np.array([0.8, 0.2]), np.array([0.01, -0.03]))
    of = association_figures(reference, solved, rule=RULE, members=(members_of(np.array([0])), said)).members

    assert of is not None
    assert (1, 1) == (of.precision.part_count, of.precision.whole_count)
    assert of.calibration is not None
    assert 0.04 == pytest.approx(of.calibration.brier_ratio)
    assert of.residual_s is not None
    assert 1 == sum(of.residual_s.bin_counts)


def test_an_echo_may_be_claimed_or_left() -> None:
    """Of an event's optional detections one that is claimed is right, and one that is left is not missed."""
    echoes = np.array([False, True, True])
    unsaid = np.full(3, np.nan)
    true = Members(np.zeros(3, dtype=np.int64), np.arange(3), unsaid, unsaid, echoes)
    of = association_figures(
        reference_of([(0.0, 10.0, 5)]),
        solved_of([(0.0, 10.0)]),
        rule=RULE,
        members=(true, members_of(np.array([0, 0, -1]))),
    ).members

    assert of is not None
    assert (2, 2) == (of.precision.part_count, of.precision.whole_count)
    assert (1, 1, 0) == (of.recall.part_count, of.recall.whole_count, of.added.part_count)


def test_no_members_are_no_error() -> None:
    """A solution that claims no detection has recall zero and no precision."""
    empty = members_of(np.array([-1, -1]))
    of = association_figures(
        reference_of([(0.0, 10.0, 5)]),
        solved_of([(0.0, 10.0)]),
        rule=RULE,
        members=(members_of(np.array([0, 0])), empty),
    ).members

    assert of is not None
    assert (None, 0.0) == (of.precision.share, of.recall.share)


def test_nothing_solved_is_all_missed() -> None:
    """An empty solution finds nothing and claims nothing falsely."""
    none = solved_of([(0.0, 0.0)])
    empty = SolvedEvents(
        EventPlaces(*(column[:0] for column in none.places)),
        none.covariance_m2[:0],
        none.time_sigma_s[:0],
        none.event_probability[:0],
        none.defining_count[:0],
    )
    figures = association_figures(reference_of([(0.0, 10.0, 9)]), empty, rule=RULE)

    assert (0, 0, 1) == (figures.wide.matched_count, figures.wide.false_count, figures.wide.missed_count)
    assert (None, 0) == (figures.location.distance_m.median, figures.location.distance_m.event_count)


def test_a_span_that_ends_before_it_starts_is_our_mistake() -> None:
    """A rule holds a span of time."""
    with pytest.raises(AssertionError, match="is before span_start_s=2"):
        CountingRule(span_start_s=2.0, span_end_s=1.0)


def _disturbed(truth: dict[str, Any], minutes: float) -> dict[str, Any]:
    """Make a prediction for a benchmark's truth: most events, some far off, some false, some detections swapped."""
    chance, count = np.random.default_rng(1), truth["ev_x"].size
    kept = np.flatnonzero(chance.random(count) < 0.9)
    off_km = np.where(chance.random(kept.size) < 0.9, 0.02, 1.0)
    false_count = kept.size // 20
    own = np.full(count, -1)
    own[kept] = np.arange(kept.size)
    said = np.where(truth["pick_ev"] >= 0, own[np.maximum(truth["pick_ev"], 0)], -1)
    swapped = chance.random(said.size) < 0.05
    said[swapped] = chance.integers(-1, kept.size + false_count, swapped.sum())
    square = np.full(kept.size + false_count, 0.02**2)
    return {
        "x": np.r_[truth["ev_x"][kept] + chance.normal(0, off_km), chance.uniform(0, 300, false_count)],
        "y": np.r_[truth["ev_y"][kept] + chance.normal(0, off_km), chance.normal(0, 8, false_count)],
        "t": np.r_[truth["ev_t"][kept] + chance.normal(0, off_km), chance.uniform(-60, 60 * minutes, false_count)],
        "pick_ev": said,
        "cxx": square,
        "cxy": 0.3 * square,
        "cyy": square,
    }


def _figures_of(truth: dict[str, Any], said: dict[str, Any], minutes: float) -> AssociationFigures:
    unsaid = np.full(said["x"].size, np.nan)
    reference = ReferenceEvents(
        EventPlaces(1e3 * truth["ev_x"], 1e3 * truth["ev_y"], truth["ev_t"]), truth["ev_n"].astype(np.int64)
    )
    solved = SolvedEvents(
        EventPlaces(1e3 * said["x"], 1e3 * said["y"], said["t"]),
        1e6 * np.column_stack([said["cxx"], said["cxy"], said["cyy"]]),
        unsaid,
        unsaid,
        np.bincount(said["pick_ev"][said["pick_ev"] >= 0], minlength=said["x"].size),
    )
    rule = CountingRule(span_start_s=0.0, span_end_s=60.0 * minutes - 75.0)
    members = (members_of(truth["pick_ev"]), members_of(said["pick_ev"]))
    return association_figures(reference, solved, rule=rule, members=members)


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.skipif(not SHARED_BENCH.is_dir(), reason="the shared benchmark is not here")
def test_the_benchmark_counts_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a benchmark's truth and a disturbed copy of it our figures are those of the benchmark's own program."""
    monkeypatch.syspath_prepend(SHARED_BENCH)
    counting = next(path.stem for path in sorted(SHARED_BENCH.glob("*.py")) if path.stem not in {"gen", "run"})
    generator = importlib.import_module("gen")
    theirs = vars(importlib.import_module(counting))[counting]  # its function is called as its file
    truth, meta = generator.generate(generator.PRESETS["sm_r200"])[2:]
    said = _disturbed(truth, meta["minutes"])
    np.savez(tmp_path / "truth.npz", **truth)
    np.savez(tmp_path / "said.npz", **said)
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    expected = theirs(str(tmp_path), str(tmp_path / "said.npz"))
    figures = _figures_of(truth, said, meta["minutes"])
    wide, distance_m, members, regions = figures.wide, figures.location.distance_m, figures.members, figures.regions
    assert members is not None
    assert regions is not None
    ours = {
        "scored": figures.counted_reference_count,
        "pred": figures.solved_count,
        "tp": wide.matched_count,
        "fp": wide.false_count,
        "fn": wide.missed_count,
        "precision": round(wide.precision.share or 0.0, 4),
        "recall": round(wide.recall.share or 0.0, 4),
        "f1": round(wide.f1_ratio or 0.0, 4),
        "err_med_m": round(distance_m.median or 0.0, 1),
        "err_p95_m": round(distance_m.quantile_95 or 0.0, 1),
        "t_med_s": round(figures.location.time_size_s.median or 0.0, 3),
        "f1_strict500m": round(figures.strict.f1_ratio or 0.0, 4),
        "pick_prec": round(members.precision.share or 0.0, 4),
        "pick_rec": round(members.recall.share or 0.0, 4),
        **{
            f"cov{100 * entry.nominal_probability:.0f}": round(entry.observed.share or 0.0, 3)
            for entry in regions.coverage
        },
        "ell90_area_km2_med": round((regions.area_90_m2.median or 0.0) / 1e6, 3),
    }

    assert expected == ours
