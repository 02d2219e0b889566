"""Infrasound array detections at long range: events, regions, and why detections are in none."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely

from truceline.associate.array_grid import EqualAreaPlane, Question, adaptive_cells, plane_about
from truceline.associate.array_likelihood import canonical_order, columns_of
from truceline.associate.array_location import locate, region_cells, region_of, region_share_at
from truceline.associate.array_packing import Weighed, is_same, weigh
from truceline.associate.array_proposals import Proposal, propose
from truceline.associate.array_records import ArrayDetection, ArraySettings, ArraySolution
from truceline.associate.arrays import _Case, _event, _timing, associate_arrays, locate_together, share_at
from truceline.physics.celerity import great_circle
from truceline.physics.geodesy import geodesic_distance_m, points_of
from truceline.testing.array_events import (
    FIRST_TIME,
    ArrayPlace,
    ArrayWorld,
    MadeEvent,
    clutter,
    heard_events,
    moved,
)

SETTINGS = ArraySettings(cell_mass_max_share=2e-3, cell_min_m=4_000.0)
"""Coarser than by default, so that tests are quick."""

MIDDLE_DEG = (48.5, 34.0)
PLACES = tuple(
    ArrayPlace(array_id=name, latitude_deg=latitude_deg, longitude_deg=longitude_deg)
    for name, latitude_deg, longitude_deg in (
        ("N", 51.0, 34.0),
        ("E", 48.5, 38.5),
        ("S", 46.0, 34.0),
        ("W", 48.5, 29.5),
    )
)


def exact_event(at_deg: tuple[float, float] = MIDDLE_DEG, celerity_m_per_s: float = 290.0) -> list[ArrayDetection]:
    """Make an event heard by all four arrays without any error."""
    found = []
    for place in PLACES:
        distance_m, bearing_deg = great_circle(place.latitude_deg, place.longitude_deg, at_deg)
        found.append(
            ArrayDetection(
                array_id=place.array_id,
                latitude_deg=place.latitude_deg,
                longitude_deg=place.longitude_deg,
                time=FIRST_TIME + timedelta(seconds=float(distance_m) / celerity_m_per_s),
                bearing_deg=float(bearing_deg),
                f_statistic_ratio=15.0,
                element_count=4,
            )
        )
    return found


def question_of(detections: list[ArrayDetection], settings: ArraySettings = SETTINGS) -> Question:
    """Ask where detections are from, all taken together."""
    ordered = canonical_order(detections)
    return Question(columns_of(ordered, settings), np.arange(len(ordered)), "both", settings)


def drawn_events(count: int, seed: int) -> list[MadeEvent]:
    """Draw events from the model that at least three arrays heard."""
    drawn = heard_events(
        PLACES,
        within=(MIDDLE_DEG, 4e5),
        heard_min_count=3,
        world=ArrayWorld(settings=SETTINGS),
        chance=np.random.default_rng(seed),
    )
    return list(itertools.islice(drawn, count))


@pytest.fixture(scope="module")
def solved() -> tuple[list[ArrayDetection], ArraySolution]:
    """Associate one event, one detection that agrees with nothing, and one that comes hours later."""
    event = exact_event()
    strange = msgspec.structs.replace(event[0], time=FIRST_TIME + timedelta(seconds=700), bearing_deg=0.0)
    late = msgspec.structs.replace(event[1], time=FIRST_TIME + timedelta(hours=9))
    return [*event, strange, late], associate_arrays([*event, strange, late], SETTINGS)


def test_an_event_is_found_where_it_was(solved: tuple[list[ArrayDetection], ArraySolution]) -> None:
    """Four arrays all around give one event near the truth, inside its 50 % region, at the right time."""
    _, solution = solved
    (event,) = solution.events
    error_m = geodesic_distance_m(points_of(event.longitude_deg, event.latitude_deg), points_of(34.0, 48.5))[0]

    assert error_m < 15_000.0
    assert {"N", "E", "S", "W"} == {member.array_id for member in event.members}
    assert event.origin_low is not None
    assert event.origin_high is not None
    assert event.origin_low < FIRST_TIME < event.origin_high
    assert event.event_probability > 0.99
    assert all(member.member_probability > 0.9 for member in event.members)
    assert {"N", "E", "S", "W"} == {member.array_id for member in event.members}


def test_every_detection_is_in_one_event_or_says_why_not(solved: tuple[list[ArrayDetection], ArraySolution]) -> None:
    """No detection is lost, none is used twice, and one outside all events has a reason."""
    detections, solution = solved
    used = [member.detection_id for event in solution.events for member in event.members]
    left = [entry.detection_id for entry in solution.not_associated]

    assert sorted(entry.detection_id for entry in detections) == sorted(used + left)
    assert any("no detection of another array agrees" in entry.reason for entry in solution.not_associated)
    assert all(entry.reason for entry in solution.not_associated)


def test_order_and_repetition_do_not_matter(solved: tuple[list[ArrayDetection], ArraySolution]) -> None:
    """Detections in another order, some twice, give the same bytes."""
    detections, solution = solved

    assert solution == associate_arrays([*reversed(detections), detections[2]], SETTINGS)


def test_later_by_an_hour_is_only_later() -> None:
    """When all detections move in time, places and odds stay and the origin moves along."""
    event = drawn_events(1, 5)[0]
    first = locate_together(event.detections, SETTINGS)
    second = locate_together(moved(event, 3600.0).detections, SETTINGS)

    assert first.origin_time is not None
    assert first.origin_time + timedelta(hours=1) == second.origin_time
    assert (first.latitude_deg, first.longitude_deg) == (second.latitude_deg, second.longitude_deg)
    assert first.log_odds_ratio == pytest.approx(second.log_odds_ratio)


def test_the_antimeridian_is_no_edge() -> None:
    """An event moved round the globe by 150 degrees is found moved by 150 degrees."""
    event = exact_event((48.0, 33.0))
    there = [
        msgspec.structs.replace(entry, longitude_deg=(entry.longitude_deg + 150.0 + 180.0) % 360.0 - 180.0)
        for entry in event
    ]
    first, second = locate_together(event, SETTINGS), locate_together(there, SETTINGS)

    assert (first.longitude_deg + 150.0 + 180.0) % 360.0 - 180.0 == pytest.approx(second.longitude_deg, abs=0.02)
    assert first.latitude_deg == pytest.approx(second.latitude_deg, abs=0.02)


def test_each_evidence_answers_for_itself() -> None:
    """Bearings give no origin time, and each kind of evidence has the truth inside its 90 % region."""
    event = exact_event()
    for evidence in ("bearings", "times", "both"):
        found = locate_together(event, SETTINGS, evidence=evidence)

        assert (evidence == "bearings") == (found.origin_time is None)
        assert (evidence == "bearings") == (found.members[0].celerity_m_per_s is None)
        assert share_at(event, SETTINGS, evidence=evidence, place_deg=MIDDLE_DEG) < 0.9


def test_regions_grow_and_hold_their_share() -> None:
    """Each region holds at least its share of the posterior, contains the smaller one, and has the area it says."""
    location = locate(question_of(list(drawn_events(1, 6)[0].detections)))
    regions = [region_of(location, share) for share in (0.5, 0.9, 0.95)]
    shares = location.cells.shares()
    cells = [region_cells(location.cells, share) for share in (0.5, 0.9, 0.95)]

    for chosen, share, region in zip(cells, (0.5, 0.9, 0.95), regions, strict=True):
        drawn_m2 = 0.0
        for patch in region.patches:
            rings = [np.column_stack(location.plane.project_m(points_of(*np.array(ring).T))) for ring in patch]
            drawn_m2 += shapely.Polygon(rings[0], rings[1:]).area

        assert shares[chosen].sum() >= share
        assert region.area_m2 == pytest.approx(drawn_m2, rel=1e-3)
    assert set(cells[0]) < set(cells[1]) < set(cells[2])


def test_the_share_at_a_place_tells_its_region() -> None:
    """A cell of the 50 % region has a share below one half, one outside above; outside all cells it is one."""
    location = locate(question_of(list(drawn_events(1, 6)[0].detections)))
    inside = region_cells(location.cells, 0.5)
    outside = np.setdiff1d(np.arange(len(location.cells.east_m)), inside)
    for index, expected in ((inside[0], True), (outside[0], False)):
        place = location.plane.points_at(location.cells.east_m[[index]], location.cells.north_m[[index]])

        assert expected == (region_share_at(location, place) < 0.5)
    assert 1.0 == region_share_at(location, points_of(-146.0, -48.5))


def test_cells_cover_the_prior_once() -> None:
    """However often cells are split, together they have the area of the first square."""
    question = question_of(exact_event())
    cells = adaptive_cells(question, plane_about(question.columns, question.members))

    assert (2.0 * SETTINGS.range_max_m) ** 2 == pytest.approx(float((cells.width_m**2).sum()))
    assert cells.width_m.min() >= SETTINGS.cell_min_m
    assert 1.0 == pytest.approx(cells.shares().sum())


def test_cells_end_at_their_number() -> None:
    """No more cells are made than the settings allow."""
    settings = ArraySettings(cell_mass_max_share=1e-6, cell_max_count=5_000)
    question = question_of(exact_event(), settings)
    cells = adaptive_cells(question, plane_about(question.columns, question.members))

    assert 2_304 < len(cells.east_m) <= 5_000


def test_a_plane_brings_places_back() -> None:
    """What a plane shows is where it was, at a pole and across 180 degrees as well."""
    for plane in (EqualAreaPlane(48.5, 34.0), EqualAreaPlane(89.0, 0.0), EqualAreaPlane(10.0, 179.0)):
        points = plane.points_at(np.array([3e5, -4e5]), np.array([2e5, 5e5]))
        east_m, north_m = plane.project_m(points)

        assert [3e5, -4e5] == pytest.approx(east_m, abs=0.5)
        assert [2e5, 5e5] == pytest.approx(north_m, abs=0.5)


def test_a_fan_and_the_grid_agree_on_the_odds() -> None:
    """The odds with which a set is proposed are those of its location, to within half a unit of the logarithm."""
    for event in drawn_events(4, 7):
        ordered = canonical_order(event.detections)
        columns = columns_of(ordered, SETTINGS)
        proposals, _ = propose(columns, np.arange(len(ordered)), SETTINGS)
        best = max(
            (entry for entries in proposals.values() for entry in entries), key=lambda entry: entry.log_odds_ratio
        )
        exact = locate(Question(columns, np.array(best.members), "both", SETTINGS)).cells.log_odds_ratio()

        assert exact == pytest.approx(best.log_odds_ratio, abs=0.5)


def test_gates_lose_no_partner() -> None:
    """A pair that the gates stop would have been worth nothing: no event drawn from the model falls apart."""
    for event in drawn_events(6, 8):
        ordered = canonical_order(event.detections)
        _, pairs = propose(columns_of(ordered, SETTINGS), np.arange(len(ordered)), SETTINGS)
        quiet = [entry for entry in ordered if abs(_off_deg(entry, event)) < 20.0]

        assert pairs.gated_count >= len(quiet) * (len(quiet) - 1)
        assert pairs.in_reach_count == len(ordered) * (len(ordered) - 1)


def _off_deg(entry: ArrayDetection, event: MadeEvent) -> float:
    _, bearing_deg = great_circle(entry.latitude_deg, entry.longitude_deg, (event.latitude_deg, event.longitude_deg))
    return (entry.bearing_deg - float(bearing_deg) + 180.0) % 360.0 - 180.0


def test_clutter_alone_is_not_called_an_event() -> None:
    """In ten hours of clutter at four arrays nothing is called an event, and each detection says why."""
    found = clutter(
        PLACES, rate_hz=0.5 / 3600.0, duration_s=36_000.0, world=ArrayWorld(), chance=np.random.default_rng(4)
    )
    solution = associate_arrays(found, SETTINGS)

    assert () == solution.events
    assert len(found) == len(solution.not_associated)
    assert any("is below 2" in entry.reason for entry in solution.not_associated)


def test_two_events_at_once_come_apart() -> None:
    """Two events hundreds of kilometres and minutes apart share no detection and are both found."""
    first = exact_event((49.5, 32.0))
    second = [
        msgspec.structs.replace(entry, time=entry.time + timedelta(seconds=400)) for entry in exact_event((47.5, 36.5))
    ]
    solution = associate_arrays([*first, *second], msgspec.structs.replace(SETTINGS, log_odds_min_ratio=1.0))
    members = [{member.detection_id for member in event.members} for event in solution.events]

    assert 2 == len(members)
    assert {entry.detection_id for entry in first} in members
    assert {entry.detection_id for entry in second} in members


def test_a_second_way_to_share_out_is_kept() -> None:
    """Where a detection fits either of two sets, both are weighed, and the lesser stands with its probability."""
    first, second, apart = Proposal((0, 1, 2), 4.0), Proposal((2, 3, 4), 3.0), Proposal((7, 8), 1.0)
    weighed = weigh([second, apart, first], 1000)
    odds = np.exp([4.0, 3.0])

    assert [first, apart] == [entry.proposal for entry in weighed]
    assert odds[0] / (1.0 + odds.sum()) == pytest.approx(weighed[0].event_probability)
    assert ((second, pytest.approx(odds[1] / (1.0 + odds.sum()))),) == weighed[0].rivals
    assert np.e / (1.0 + np.e) == pytest.approx(weighed[1].event_probability)


def test_an_event_with_and_without_one_detection_is_the_same() -> None:
    """Sets that share most of the smaller speak for each other, and are no rivals."""
    whole, part = Proposal((0, 1, 2, 3), 5.0), Proposal((0, 1, 2), 4.0)
    (weighed,) = weigh([whole, part], 1000)
    odds = np.exp([5.0, 4.0]).sum()

    assert is_same(whole, part)
    assert not is_same(Proposal((0, 1), 1.0), Proposal((1, 2), 1.0))
    assert odds / (1.0 + odds) == pytest.approx(weighed.event_probability)
    assert () == weighed.rivals


def test_ways_end_at_their_number() -> None:
    """However many ways there are to share detections out, only so many are weighed, the best beginning among them."""
    chain = [Proposal((index, index + 1), 2.0 - index / 100.0) for index in range(20)]
    weighed = weigh(chain, 50)

    assert (0, 1) in [entry.proposal.members for entry in weighed]
    assert 10 == len(weighed)


def test_a_rival_is_located_and_a_loser_told() -> None:
    """A detection that two events could use stays in one; the other event stands as an alternative or is explained."""
    first = exact_event((49.2, 33.0))
    copy = msgspec.structs.replace(
        first[3], time=first[3].time + timedelta(seconds=12), bearing_deg=first[3].bearing_deg
    )
    settings = msgspec.structs.replace(SETTINGS, further_phase_probability=1e-6, alternative_min_probability=1e-6)
    solution = associate_arrays([*first, copy], settings)
    used = [member.detection_id for event in solution.events for member in event.members]

    assert len(used) == len(set(used))
    assert 1 == len(solution.events)
    assert 1 == len(solution.not_associated)
    assert "better explained by another event" in solution.not_associated[0].reason


def test_a_likely_rival_stands_beside_the_event() -> None:
    """What else an event's detections could be is located if it is likely enough, and left out if it is not."""
    ordered = canonical_order(exact_event())
    case = _Case(ordered, columns_of(ordered, SETTINGS), SETTINGS)
    rivals = ((Proposal((1, 2, 3), 2.0), 0.2), (Proposal((2, 3), 0.1), 0.01))
    (other,) = _event(case, Weighed(Proposal((0, 1, 2, 3), 3.0), 0.8, rivals)).alternatives

    assert tuple(ordered[index].detection_id for index in (1, 2, 3)) == other.detection_ids
    assert 0.2 == other.event_probability
    assert geodesic_distance_m(points_of(other.longitude_deg, other.latitude_deg), points_of(34.0, 48.5))[0] < 1e5


def test_nothing_gives_nothing() -> None:
    """No detections give no events and no reasons; one gives its reason."""
    assert ArraySolution(events=(), not_associated=()) == associate_arrays([], SETTINGS)

    alone = associate_arrays(exact_event()[:1], SETTINGS)

    assert () == alone.events
    assert 1 == len(alone.not_associated)


def test_one_array_alone_is_no_event() -> None:
    """However many detections one array makes, they are called no event: it cannot say where."""
    one = exact_event()[0]
    many = [msgspec.structs.replace(one, time=one.time + timedelta(seconds=20.0 * index)) for index in range(6)]

    assert () == associate_arrays(many, msgspec.structs.replace(SETTINGS, log_odds_min_ratio=-5.0)).events


def test_what_cannot_be_an_arrival_has_no_celerity() -> None:
    """A detection before the origin has no celerity and no phase; one after it has both."""
    before = _timing(-5.0, 1e5, SETTINGS.celerity)
    after = _timing(1e5 / 260.0, 1e5, SETTINGS.celerity)

    assert (None, None, None, None) == before
    assert "thermospheric" == after.phase
    assert 260.0 == pytest.approx(after.celerity_m_per_s)
    assert 0.0 == pytest.approx(after.time_residual_s, abs=1e-6)


def test_two_detections_are_located_without_leaving_one_out() -> None:
    """An event of two detections has no location without either."""
    event = locate_together(exact_event()[:2], SETTINGS)

    assert () == event.without_one
    assert 2 == len(event.members)


def test_regions_hold_what_they_say() -> None:
    """Over events drawn from the model itself, the 90 % region holds the truth in about nine of ten."""
    held = []
    for event in drawn_events(30, 9):
        truth = points_of(event.longitude_deg, event.latitude_deg)
        held.append(region_share_at(locate(question_of(list(event.detections))), truth) <= 0.9)

    assert 0.8 <= np.mean(held) <= 1.0


@pytest.mark.parametrize(
    "part",
    [{"latitude_deg": 91.0}, {"bearing_deg": float("nan")}, {"f_statistic_ratio": -1.0}, {"element_count": 1}],
)
def test_a_detection_that_is_none_is_refused(part: dict[str, Any]) -> None:
    """Numbers outside their limits are refused with value, name and limit."""
    with pytest.raises(ValueError, match=f"{next(iter(part))}=.* is outside"):
        msgspec.structs.replace(exact_event()[0], **part)


def test_a_detection_may_say_less() -> None:
    """A detection without F-statistic and number of elements is located with the widest beam."""
    bare = [msgspec.structs.replace(entry, f_statistic_ratio=None, element_count=None) for entry in exact_event()]
    wide, narrow = locate_together(bare, SETTINGS), locate_together(exact_event(), SETTINGS)

    assert wide.regions[1].area_m2 > narrow.regions[1].area_m2
