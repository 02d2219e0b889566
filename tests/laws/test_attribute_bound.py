"""However sharp and wherever, one item says no more between any two accounts than its contamination allows."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from laws.attribution_cases import (
    CATALOGUE,
    FIELD,
    LATITUDE_DEG,
    PARTIES,
    case,
    direction,
    exchanged_tellers,
    item,
    point,
    teller_lists,
)
from truceline.attribute.case import Case
from truceline.attribute.control import exchanged_field
from truceline.attribute.decide import decide_cases, pack_cases
from truceline.attribute.layout import EXCHANGED
from truceline.model.evidence import CatalogueNumber, EvidenceItem, OriginShape
from truceline.testing.attribution_reference import decide_reference

NO_CAP = CatalogueNumber(number=1e6, basis="guess", source="made: nothing but the contamination bounds an item")
UNCAPPED = msgspec.structs.replace(
    CATALOGUE,
    items=tuple(msgspec.structs.replace(entry, cap=NO_CAP) for entry in CATALOGUE.items),
    place=msgspec.structs.replace(CATALOGUE.place, cap=NO_CAP),
)
IMPACT_DEG = 36.9

offsets_deg = st.one_of(st.just(0.0), st.floats(-0.02, 0.02), st.floats(-0.6, 0.6))
items = st.one_of(
    st.builds(
        lambda east, north, sigma_m: item(
            "acoustic_seismic_origin", point(IMPACT_DEG + east, sigma_m=sigma_m, latitude_deg=LATITUDE_DEG + north)
        ),
        offsets_deg,
        offsets_deg,
        st.sampled_from([10.0, 100.0, 1_000.0, 10_000.0]),
    ),
    st.builds(
        lambda bearing_deg, sigma_deg: item("crater_bearing", direction(bearing_deg, sigma_deg=sigma_deg)),
        st.floats(0.0, 360.0),
        st.sampled_from([1.0, 10.0]),
    ),
)
cases = st.builds(
    lambda one, wrong, depth_m, anchor, usable, tellers: case(
        one,
        anchor=anchor,
        place_usable=usable,
        place_contamination_probability=wrong,
        place_signed_distance_m=depth_m,
        also_told=tellers,
    ),
    items,
    st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]),
    st.sampled_from([None, -60_000.0, -800.0, 0.0, 800.0, 60_000.0]),
    st.sampled_from(["impact", "launch"]),
    st.booleans(),
    teller_lists,
)


def limit_of(one: EvidenceItem, contamination: float) -> float:
    """Give the log of what one item may say: 1 + 2 (1 - e) / e."""
    assert len(one.shapes) == 1
    return math.log1p(2.0 * (1.0 - contamination) / contamination)


def said_by_the_item(made: Case, contamination: float) -> list[float]:
    """Give how far apart the accounts come by one item, among what is known of the place and by itself."""
    (one,) = made.items
    read = msgspec.structs.replace(one, contamination_probability=contamination)
    told, apart, without = (
        decide_cases([entry], [FIELD], parties=PARTIES, catalogue=UNCAPPED).log_likelihoods[0]
        for entry in (
            msgspec.structs.replace(made, items=(read,)),
            msgspec.structs.replace(made, items=(read,), place_usable=False),
            msgspec.structs.replace(made, items=()),
        )
    )
    return [float(np.ptp(told - without)), float(np.ptp(apart))]


@settings(max_examples=60, deadline=None)
@given(made=cases, contamination=st.sampled_from([0.001, 0.03, 0.3, 0.9]))
def test_one_item_is_bounded_wherever_it_stands(made: Case, contamination: float) -> None:
    """No cap holding it, an item parts two accounts by 1 + 2 (1 - e) / e at most, the place told or not."""
    most = limit_of(made.items[0], contamination)

    assert [] == [parted for parted in said_by_the_item(made, contamination) if parted > most + 1e-9]


@pytest.mark.parametrize("sigma_m", [10.0, 100.0, 300.0])
def test_the_bound_is_reached_at_the_impact_itself(sigma_m: float) -> None:
    """A sharp origin at the place parts what was fired across from what went off there by the bound, and no more."""
    made = case(item("acoustic_seismic_origin", point(IMPACT_DEG, sigma_m=sigma_m)))
    most = limit_of(made.items[0], 0.06)

    assert said_by_the_item(made, 0.06) == pytest.approx([most, most], rel=0.05)


@settings(max_examples=30, deadline=None)
@given(made=cases)
def test_what_is_bounded_is_mirrored_bit_for_bit(made: Case) -> None:
    """The bound knows no party: exchanging the ground exchanges the accounts and turns every row."""
    depth_m = made.place_signed_distance_m
    other = msgspec.structs.replace(
        made,
        place_signed_distance_m=None if depth_m is None else -depth_m,
        also_told=exchanged_tellers(made.also_told),
    )
    here = decide_cases([made], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    there = decide_cases([other], [exchanged_field(FIELD)], parties=PARTIES, catalogue=CATALOGUE)

    assert np.array_equal(here.log_likelihoods[:, list(EXCHANGED)], there.log_likelihoods)
    assert np.array_equal(here.shares, -there.shares)
    assert float(here.log_odds_ratio[0]) == pytest.approx(float(here.shares.sum()), abs=1e-8)


def within_disc(shape: OriginShape) -> bool:
    """Say whether an origin lies in the disc of launches about the place; beyond, only tails of 1e-300 are left."""
    north_deg, east_deg = shape.latitude_deg - LATITUDE_DEG, shape.longitude_deg - IMPACT_DEG  # type: ignore[union-attr]
    return math.hypot(111.2 * north_deg, 74.4 * east_deg) < 28.0


@settings(max_examples=30, deadline=None)
@given(made=cases)
def test_the_bound_is_that_of_the_plain_equations(made: Case) -> None:
    """Wherever an item stands on ground that can be seen from the place, compiled code and numpy agree to 1e-10."""
    assume(all(within_disc(shape) for shape in made.items[0].shapes))
    _, columns, distinct, _ = pack_cases([made], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    found = decide_cases([made], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    expected = decide_reference(columns, 0, distinct[0])

    assert found.log_likelihoods[0] == pytest.approx(expected.log_likelihood, abs=1e-10)
    assert found.shares == pytest.approx(expected.shares, abs=1e-10)
