"""What is known of a weapon says how far its launch can lie, and nothing of whose it was."""

from __future__ import annotations

import math

import numpy as np
import pytest

from laws.attribution_cases import CRATER, LATITUDE_DEG, ahead, case, item
from truceline.adapters.agreements import load_weapons
from truceline.attribute.weapons import REACH_MOST_M, band_from_impact, bands_of_weapons, reach_m, weapons_of

WEAPONS = load_weapons()


def test_a_named_type_is_read_as_itself() -> None:
    """A name stands for its type alone, whatever class is given with it."""
    assert ["ags_17"] == [one.type_id for one in weapons_of(WEAPONS, "AGS-17", weapon_class="mortar")]


def test_a_class_stands_for_all_its_types() -> None:
    """Where the name is not known, every type of the class that has a range may be meant, each as likely."""
    meant = weapons_of(WEAPONS, "unheard of", weapon_class="mortar")
    bands = bands_of_weapons(meant)
    assert bands is not None

    assert {"mortar"} == {one.weapon_class for one in meant}
    assert math.isclose(1.0, sum(band.probability for band in bands))
    assert [(band.low_m, band.high_m) for band in bands] == [reach_m(one) for one in meant]


def test_nothing_known_gives_no_band() -> None:
    """Neither name nor class: the mixture of the catalogue of evidence stays."""
    meant = weapons_of(WEAPONS, "")

    assert ([], None) == (meant, bands_of_weapons(meant))
    assert band_from_impact(meant, latitude_deg=48.0, longitude_deg=37.0) is None


def test_every_shipped_weapon_has_a_band_that_may_be_used() -> None:
    """Limits are in order and within what the catalogue of evidence allows, for each type with a range."""
    for weapon in WEAPONS.types:
        if weapon.range_high_m:
            low_m, high_m = reach_m(weapon)

            assert 100.0 <= low_m < high_m <= REACH_MOST_M


@pytest.mark.parametrize("impact_deg", [36.97, 37.03])
def test_a_short_range_speaks_for_whoever_holds_the_ground_within_it(impact_deg: float) -> None:
    """With the place left out, 2.2 km inside one party's ground, a range that hardly reaches across speaks for it."""
    meant = weapons_of(WEAPONS, "AGS-17")
    shape = band_from_impact(meant, latitude_deg=LATITUDE_DEG, longitude_deg=impact_deg)
    assert shape is not None
    known = case(item("weapon_class_from_remnant", shape), longitude_deg=impact_deg, place_usable=False)
    own = case(CRATER, longitude_deg=impact_deg, place_usable=False, bands=bands_of_weapons(meant))
    holder = np.sign(impact_deg - 37.0)

    assert holder * ahead(known)[0] > 0.2
    assert np.isfinite(ahead(own)[0])
