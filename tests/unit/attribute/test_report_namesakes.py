"""Which settlement of a name a report means."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from truceline.attribute.report_model import REASONS, attribute_reports
from truceline.attribute.report_namesakes import Namesakes, count_namesakes, meant_probability, name_key
from truceline.attribute.report_origin import density_ratio
from truceline.attribute.report_settings import ReportSettings
from truceline.physics.contact_line import LineHistory
from unit.attribute.report_lines import line_at, places_at, stand_ins_at

SETTINGS = ReportSettings()
COUNTS = np.array([1, 2, 5, 20, 100])


@pytest.mark.parametrize(
    "spellings",
    [
        ("Олексіївка", "Oleksiivka", "Oleksiyivka", "Oleksiyevka", "OLEKSIIVKA"),
        ("Зелений Гай", "Zelenyi Hai", "Zelenyy Gay", "zelenyj  haj"),
        ("Вільне", "Vil’ne", "Vil'ne", "Vilne"),
        ("Слобожанське", "Slobozhans’ke", "Slobozhanskoe"),
        ("Дем'янівка", "Demianivka", "Demyanovka"),
        ("Рожеве", "Rozhevo", "Rozhove"),
        ("Ново-Петрівка", "Novo Petrivka"),
    ],
)
def test_spellings_of_one_name_have_one_key(spellings: tuple[str, ...]) -> None:
    """Letters, apostrophes, transliterations and endings of either language make no difference."""
    assert 1 == len({name_key(name) for name in spellings})


def test_different_names_have_different_keys() -> None:
    """Names that differ by more than spelling stay apart."""
    names = ["Калинове", "Калинівка", "Калинова", "Іванівка", "Іванків", "Мар'янівка", "Мар'янське", "Лиман", "Лимани"]

    assert len(names) == len({name_key(name) for name in names})


def test_settlements_are_counted_by_name_and_cities_are_left_out() -> None:
    """Settlements of one name are counted; a city's name means the city, and a district is no settlement."""
    listed = [("C", "Вільне"), ("X", "Вільне"), ("T", "Вільне"), ("M", "Лиман"), ("C", "Лиман"), ("C", "Одна")]
    listed += [("P", "Покровський"), ("P", "Покровський")]

    assert {"vilne": 3} == count_namesakes(listed)


def test_names_are_counted_by_their_key() -> None:
    """Every spelling finds its count; names that are empty, missing or not listed are borne by one."""
    namesakes = Namesakes(settlement_counts={"vilne": 44, "odd": 0})
    names = pl.Series(["Vil’ne", "Вільне", "Other", "", None, "Odd"], dtype=pl.String)

    assert [44, 44, 1, 1, 1, 1] == namesakes.count(names).tolist()
    assert [1] == namesakes.count(pl.Series([None])).tolist()


def test_a_place_without_namesakes_is_meant() -> None:
    """The only settlement of its name is the one meant, however far from the line."""
    ratio = np.array([1.0, 1e-2, 1e-6])

    assert meant_probability(ratio, np.ones(3, dtype=np.int64), settings=SETTINGS) == pytest.approx(1.0)


def test_more_namesakes_make_a_place_less_sure() -> None:
    """With every further namesake the place is less probably the one meant, far from the line below a half."""
    far = meant_probability(np.full(5, 0.01), COUNTS, settings=SETTINGS)

    assert (np.diff(far) < 0.0).all()
    assert far[-1] < SETTINGS.meant_min_probability


def test_the_denser_the_fire_the_surer_the_place() -> None:
    """Among twenty namesakes the one near the line is meant more probably than one far behind it, on either side."""
    distance_m = np.array([0.0, 5e3, 2e4, 1e5])
    ratio = density_ratio(distance_m, np.full(4, 1_500.0), SETTINGS.close_share, settings=SETTINGS)
    meant = meant_probability(ratio, np.full(4, 20), settings=SETTINGS)

    assert 1.0 == pytest.approx(ratio[0])
    assert ratio == pytest.approx(
        density_ratio(-distance_m, np.full(4, 1_500.0), SETTINGS.close_share, settings=SETTINGS)
    )
    assert (np.diff(meant) < 0.0).all()
    assert meant[0] > 0.9


def test_a_weapon_of_long_reach_makes_a_far_place_surer() -> None:
    """Far behind the line a report of a missile more probably means the place it stands on than one of a mortar."""
    missile, mortar = density_ratio(np.full(2, 8e4), np.full(2, 1_500.0), [0.0, 0.98], settings=SETTINGS)

    assert missile > 5.0 * mortar


def test_it_is_bayes_rule_over_the_settlements() -> None:
    """The closed form is what is counted one settlement after the other."""
    knowing, mean = SETTINGS.placed_knowing_probability, SETTINGS.settlement_density_ratio
    densities = [0.3, mean, mean, mean]
    placed_here = [
        density * (knowing * (index == 0) + (1.0 - knowing) / 4.0) for index, density in enumerate(densities)
    ]
    meant = meant_probability(np.array([0.3]), np.array([4]), settings=SETTINGS)

    assert placed_here[0] / sum(placed_here) == pytest.approx(meant[0])


def test_a_homonym_far_from_the_line_has_no_answer_on_either_side() -> None:
    """Far from the line a name of many settlements is undetermined, and near it, or of one settlement, it is not."""
    history, namesakes = LineHistory([line_at(10.0)]), Namesakes(settlement_counts={"vilne": 44})
    east_km = [-100.0, -5.0, 5.0, 100.0]
    many, one = (
        attribute_reports(
            places_at(east_km, name=name), history, stand_ins_at(), settings=SETTINGS, namesakes=namesakes
        )
        for name in ("Vilne", "Elsewhere")
    )

    assert ["homonym", "position", "position", "homonym"] == [REASONS[index] for index in many.reason.tolist()]
    assert {"position"} == {REASONS[index] for index in one.reason.tolist()}
    assert np.isnan(many.first_probability).tolist() == [True, False, False, True]
    assert many.first_probability[1] == pytest.approx(1.0 - many.first_probability[2], abs=1e-4)
    assert (np.abs(many.first_probability[1:3] - 0.5) < np.abs(one.first_probability[1:3] - 0.5)).all()


def test_exchanging_the_parties_mirrors_answers_of_homonyms() -> None:
    """With the parties exchanged every answer is the complement, namesakes or not."""
    namesakes = Namesakes(settlement_counts={"vilne": 9})
    plain, swapped = (
        attribute_reports(
            places_at([-30.0, -4.0, 4.0, 30.0], name="Vilne"),
            LineHistory([line_at(10.0)], held_by=held_by),
            stand_ins_at(),
            settings=SETTINGS,
            namesakes=namesakes,
        )
        for held_by in ("A", "B")
    )

    assert plain.first_probability == pytest.approx(1.0 - swapped.first_probability, abs=1e-12, nan_ok=True)
