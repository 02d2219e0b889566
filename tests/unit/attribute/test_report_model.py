"""Reports attributed by place, day and line."""

from __future__ import annotations

import numpy as np
import pytest

from truceline.attribute.report_model import REASONS, ReportPlaces, attribute_reports
from truceline.attribute.report_settings import ReportSettings
from truceline.physics.contact_line import LineHistory
from unit.attribute.report_lines import days_before, line_at, places_at, stand_ins_at

EAST_KM = [-200.0, -30.0, -8.0, -2.0, -0.1, 0.1, 2.0, 8.0, 30.0, 200.0]
SETTINGS = ReportSettings()
NONE = stand_ins_at()


def reasons(indices: np.ndarray) -> list[str]:
    """Name the reasons."""
    return [REASONS[index] for index in indices.tolist()]


def test_exchanging_the_parties_mirrors_every_answer() -> None:
    """With the parties exchanged every answer is the complement, and every reason the same."""
    lines = [line_at(9.98, days_before(30)), line_at(10.0)]
    plain = attribute_reports(places_at(EAST_KM), LineHistory(lines, held_by="A"), NONE, settings=SETTINGS)
    swapped = attribute_reports(places_at(EAST_KM), LineHistory(lines, held_by="B"), NONE, settings=SETTINGS)

    assert plain.first_probability == pytest.approx(1.0 - swapped.first_probability, abs=1e-12)
    assert reasons(plain.reason) == reasons(swapped.reason)


def test_mirrored_ground_mirrors_every_answer() -> None:
    """The same distance on the other side of the line gives the complement."""
    answers = attribute_reports(places_at(EAST_KM), LineHistory([line_at(10.0)]), NONE, settings=SETTINGS)

    assert answers.first_probability == pytest.approx(1.0 - answers.first_probability[::-1], abs=1e-4)


def test_near_the_line_nothing_is_sure() -> None:
    """Within three sigmas of the line no answer leaves .35 to .65, and one beyond them may."""
    east_km = np.linspace(-2.95, 2.95, 60).tolist()
    near = attribute_reports(places_at(east_km), LineHistory([line_at(10.0)]), NONE, settings=SETTINGS)
    beyond = attribute_reports(places_at([3.1]), LineHistory([line_at(10.0)]), NONE, settings=SETTINGS)

    assert {"near_line"} == set(reasons(near.reason))
    assert (np.abs(near.first_probability - 0.5) <= 0.15 + 1e-12).all()
    assert beyond.first_probability[0] > 0.65


def test_no_report_is_certain() -> None:
    """A report whose place may be wrong leaves both parties at least half of that probability."""
    answers = attribute_reports(places_at(EAST_KM), LineHistory([line_at(10.0)]), NONE, settings=SETTINGS)
    least = SETTINGS.misplaced_probability / 2.0

    assert ((answers.first_probability >= least) & (answers.first_probability <= 1.0 - least)).all()


def test_a_line_drawn_later_changes_nothing() -> None:
    """A drawing of a later day changes no earlier day's answer, to the last bit."""
    history = LineHistory([line_at(10.0)])
    later = LineHistory([line_at(10.0), line_at(12.0, days_before(-1))])
    before = attribute_reports(places_at(EAST_KM), history, NONE, settings=SETTINGS)
    after = attribute_reports(places_at(EAST_KM), later, NONE, settings=SETTINGS)

    assert before.first_probability.tolist() == after.first_probability.tolist()


def test_an_advancing_line_is_taken_to_have_moved_on() -> None:
    """Where a party gained ground in the days before, the drawn line is behind: the other's fire becomes likelier."""
    still = LineHistory([line_at(10.0, days_before(30)), line_at(10.0)])
    moved = LineHistory([line_at(9.98, days_before(30)), line_at(10.0)])
    at_rest = attribute_reports(places_at([0.5]), still, NONE, settings=SETTINGS)
    gained = attribute_reports(places_at([0.5]), moved, NONE, settings=SETTINGS)

    assert gained.first_probability[0] < at_rest.first_probability[0]
    assert 0.0 == at_rest.advance_m[0] < gained.advance_m[0]


def test_a_corrected_map_moves_nothing_far() -> None:
    """A jump of the line by a hundred kilometres moves no distance by more than the limit."""
    history = LineHistory([line_at(9.0, days_before(10)), line_at(10.0)])
    answers = attribute_reports(places_at(EAST_KM), history, NONE, settings=SETTINGS)

    assert (np.abs(answers.advance_m) <= SETTINGS.advance_max_m).all()


def test_what_cannot_be_told_has_no_answer_and_a_reason() -> None:
    """Without a line, with an old one, or where it shows no ground, there is no answer, and the reason says which."""
    old_day = days_before(-8)
    cases = [
        (places_at([50.0], days_before(1)), [line_at(10.0)], "no_line"),
        (places_at([50.0], old_day), [line_at(10.0)], "stale_line"),
        (places_at([50.0]), [line_at(10.0, has_ground=False)], "no_side"),
        (places_at([50.0], name="Northern Oblast"), [line_at(10.0)], "region_name"),
        (places_at([0.0]), [], "no_line"),
    ]
    answers = [
        attribute_reports(places, LineHistory(lines, held_by="A"), NONE, settings=SETTINGS)
        for places, lines, _ in cases
    ]

    assert [reason for _, _, reason in cases] == [reasons(answer.reason)[0] for answer in answers]
    assert all(np.isnan(answer.first_probability[0]) for answer in answers)


def test_stand_in_points_get_no_answer_on_either_side() -> None:
    """A report on a point that stands for a region is undetermined, whoever holds the ground there."""
    east, west = places_at([50.0]).longitude_deg[0], places_at([-50.0]).longitude_deg[0]
    points = stand_ins_at((east, 0.0, True), (west, 0.0, False))
    answers = attribute_reports(places_at([50.0, -50.0, 51.0]), LineHistory([line_at(10.0)]), points, settings=SETTINGS)

    assert ["region_point", "repeated_point", "position"] == reasons(answers.reason)
    assert [True, True, False] == np.isnan(answers.first_probability).tolist()


def test_each_report_stands_for_itself() -> None:
    """Order and company of the reports change no answer."""
    history = LineHistory([line_at(10.0)])
    together = attribute_reports(places_at(EAST_KM), history, NONE, settings=SETTINGS)
    backwards = attribute_reports(places_at(EAST_KM[::-1]), history, NONE, settings=SETTINGS)
    alone = attribute_reports(places_at([EAST_KM[2]]), history, NONE, settings=SETTINGS)

    assert together.first_probability.tolist() == backwards.first_probability[::-1].tolist()
    assert together.first_probability[2] == alone.first_probability[0]


def test_a_weapon_hint_stays_within_what_position_allows() -> None:
    """A hint at the weapon's reach changes how sure the answer is, and never whom it leans to."""
    places = places_at([15.0, 15.0, 15.0])
    hinted = ReportPlaces(
        longitude_deg=places.longitude_deg,
        latitude_deg=places.latitude_deg,
        dates=places.dates,
        place_name=places.place_name,
        close_share=np.array([np.nan, 0.98, 0.02]),
    )
    plain, close, far = attribute_reports(
        hinted, LineHistory([line_at(10.0)]), NONE, settings=SETTINGS
    ).first_probability.tolist()

    assert 0.5 < close < plain < far
