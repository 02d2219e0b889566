"""Weapons: a term means what its words and bounds say, and says so when it cannot be told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.model.weapon import WeaponCatalogue, WeaponTerm, WeaponType


def weapon(type_id: str = "d_30", weapon_class: str = "howitzer", **changes: Any) -> WeaponType:
    """Make a type, changed as asked."""
    given: dict[str, Any] = {"calibre_mm": 122.0, "range_low_m": 4_000.0, "range_high_m": 15_000.0, **changes}
    whole = {"mobile": False, "source": "made", "basis": "general_knowledge", "names": (type_id.upper(),), **given}
    return msgspec.convert({"type_id": type_id, "weapon_class": weapon_class, **whole}, WeaponType)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"names": ()}, "lack a name"),
        ({"names": (" ",)}, "lack a name"),
        ({"source": " "}, "source is empty"),
        ({"calibre_mm": 0.0}, "calibre_mm"),
        ({"range_low_m": -1.0}, "range_low_m"),
        ({"range_high_m": 3_000.0}, "range_high_m"),
        ({"range_extended_m": 14_000.0}, "range_extended_m"),
        ({"tube_count": 0}, "tube_count"),
    ],
)
def test_a_type_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    """A type has a name, a source, and numbers in order."""
    with pytest.raises(ValueError, match=fault):
        weapon(**changes)


def test_a_type_may_lack_its_numbers() -> None:
    """Calibre and ranges may be unknown, and an extended range may stand alone."""
    made = weapon(calibre_mm=None, range_low_m=None, range_high_m=None, range_extended_m=5.0, tube_count=4)

    assert (None, None, 5.0, 4) == (made.calibre_mm, made.range_high_m, made.range_extended_m, made.tube_count)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"calibre_low_mm": -1.0}, "lower bound of calibre_mm"),
        ({"calibre_low_mm": 120.0, "calibre_high_mm": 100.0}, "upper bound of calibre_mm"),
        ({"range_low_m": -1.0}, "lower bound of range_m"),
        ({"range_high_m": 1e9}, "upper bound of range_m"),
        ({"type_ids": ("x",), "excluded_type_ids": ("x",)}, "named and excluded"),
    ],
)
def test_a_term_that_cannot_be_meant_is_refused(changes: dict[str, Any], fault: str) -> None:
    """Bounds are in order, and no type is named and excluded at once."""
    with pytest.raises(ValueError, match=fault):
        WeaponTerm(title="", **changes)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({}, True),
        ({"type_ids": ("d_30",)}, True),
        ({"type_ids": ("d_20",)}, False),
        ({"excluded_type_ids": ("d_30",)}, False),
        ({"classes": ("howitzer",)}, True),
        ({"classes": ("mortar",)}, False),
        ({"classes": ("mortar",), "type_ids": ("d_30",)}, True),
        ({"calibre_low_mm": 122.0}, True),
        ({"calibre_low_mm": 122.0, "calibre_low_included": False}, False),
        ({"calibre_high_mm": 122.0}, True),
        ({"calibre_high_mm": 122.0, "calibre_high_included": False}, False),
        ({"calibre_low_mm": 100.0, "calibre_high_mm": 152.0}, True),
        ({"range_high_m": 20_000.0}, True),
        ({"range_high_m": 10_000.0}, False),
        ({"range_low_m": 16_000.0}, False),
        ({"type_ids": ("d_20",), "calibre_low_mm": 100.0}, True),
    ],
)
def test_a_term_means_what_it_says(term: dict[str, Any], expected: bool) -> None:
    """A howitzer of 122 mm is meant by its name, by its class and by bounds around it, and by nothing else."""
    assert expected is WeaponTerm(title="", **term).covers(weapon())


def test_what_cannot_be_told_is_not_guessed() -> None:
    """A bound on a number that is not known is answered with `None`, and a class that is not meant still with no."""
    heavy = WeaponTerm(title="", classes=("mortar",), calibre_low_mm=100.0)
    far = WeaponTerm(title="", range_low_m=20_000.0)

    assert heavy.covers_class("mortar") is None
    assert heavy.covers_class("howitzer") is False
    assert far.covers_class("mortar") is None
    assert WeaponTerm(title="", calibre_low_mm=200.0, range_low_m=1.0).covers_class("gun", calibre_mm=100.0) is False
    assert (True, False) == (WeaponTerm(title="").is_any, far.is_any)


def test_a_catalogue_answers_for_a_class_by_all_its_types() -> None:
    """A class of which every type is meant is meant, one of which some are cannot be told, and an unknown one is asked
    of the bounds.
    """
    rockets = [weapon("light", "mlrs", calibre_mm=122.0), weapon("heavy", "mlrs", calibre_mm=300.0)]
    catalogue = WeaponCatalogue(version="1", types=(*rockets, weapon("m", "mortar", calibre_mm=120.0)))
    named = WeaponTerm(title="", type_ids=("heavy",))

    assert catalogue.covers_kind(named, "mlrs") is None
    assert catalogue.covers_kind(named, "mlrs", calibre_mm=300.0) is True
    assert catalogue.covers_kind(named, "mortar") is False
    assert catalogue.covers_kind(WeaponTerm(title="", calibre_low_mm=100.0), "gun", calibre_mm=130.0) is True


def test_a_catalogue_finds_types_by_id_and_by_name() -> None:
    """A type is found by its id and any of its names, capital letters aside; one that is not there is not."""
    catalogue = WeaponCatalogue(version="1", types=(weapon("d_30", names=("D-30", "2A18")),))

    assert catalogue.find("d_30") == catalogue.named("2a18") == catalogue.named(" D_30 ") == catalogue.types[0]
    assert catalogue.find("D-30") is catalogue.named("M-30") is None
    with pytest.raises(ValueError, match="stand twice"):
        WeaponCatalogue(version="1", types=(weapon(), weapon()))


@given(calibre_mm=st.floats(1.0, 400.0), low_mm=st.floats(1.0, 400.0))
def test_below_and_from_a_calibre_on_are_each_others_rest(calibre_mm: float, low_mm: float) -> None:
    """Of "from a calibre on" and "below it" exactly one means a weapon."""
    low = WeaponTerm(title="", calibre_low_mm=low_mm)
    high = WeaponTerm(title="", calibre_high_mm=low_mm, calibre_high_included=False)
    gun = weapon(calibre_mm=calibre_mm)

    assert low.covers(gun) is not high.covers(gun)
