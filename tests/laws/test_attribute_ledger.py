"""What must hold of every decision, whatever the evidence: exchange mirrors, rows add up, one deceiver is bounded."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.attribution_cases import (
    BLAMES,
    CATALOGUE,
    CRATER,
    EVERY,
    FIELD,
    MEDIA,
    MODEL,
    NETWORK,
    RADAR,
    REPORTS,
    SOUND,
    ahead,
    answered,
    case,
    decided,
    direction,
    exchanged_item,
    exchanged_tellers,
    item,
    item_lists,
    point,
    said,
    teller_lists,
)
from laws.test_attribute import _stage
from truceline.attribute.case import Case
from truceline.attribute.control import exchanged_field, straight_field
from truceline.attribute.decide import posterior
from truceline.attribute.layout import EXCHANGED
from truceline.attribute.tiers import REASON_CONFLICT, TIERS
from truceline.model.evidence import EvidenceItem, PlaceTeller
from truceline.testing.attribution_mirror import check_exchange_mirrors
from unit.attribute.test_stage import made as made_event

quick = settings(max_examples=25, deadline=None)


@quick
@given(items=item_lists, tellers=teller_lists)
def test_exchanging_the_parties_mirrors_answer_tier_and_reason(
    items: list[EvidenceItem], tellers: tuple[PlaceTeller, ...]
) -> None:
    """Exchange ground, speakers and shares: the accounts are exchanged bit for bit, the tier and reason stay."""
    plain = case(*items, also_told=tellers)
    other = case(*(exchanged_item(entry) for entry in items), also_told=exchanged_tellers(tellers))
    here, there = decided(plain), decided(other, field=exchanged_field(FIELD))
    said_here, said_there = answered(plain), answered(other, field=exchanged_field(FIELD))

    assert np.array_equal(here.log_odds_ratio, -there.log_odds_ratio)
    assert np.array_equal(here.shares, -there.shares)
    assert np.array_equal(here.alone, -there.alone)
    assert np.array_equal(
        posterior(here.log_likelihoods, here.log_priors)[:, list(EXCHANGED)],
        posterior(there.log_likelihoods, there.log_priors),
    )
    assert (said_here.tier[0], said_here.reasons) == (said_there.tier[0], said_there.reasons)
    assert said_here.party[0] == {0: 1, 1: 0, -1: -1}[int(said_there.party[0])]


@quick
@given(items=item_lists, tellers=teller_lists, seed_index=st.integers(0, 1_000))
def test_the_order_of_items_does_not_matter(
    items: list[EvidenceItem], tellers: tuple[PlaceTeller, ...], seed_index: int
) -> None:
    """However the evidence is handed in, the answer is the same bit for bit."""
    mixed = [items[index] for index in np.random.default_rng(seed_index).permutation(len(items))]
    here, there = decided(case(*items, also_told=tellers)), decided(case(*mixed, also_told=tellers[::-1]))

    assert np.array_equal(here.log_likelihoods, there.log_likelihoods)
    assert np.array_equal(here.shares, there.shares)


@quick
@given(items=item_lists, tellers=teller_lists)
def test_the_rows_add_up_to_the_whole(items: list[EvidenceItem], tellers: tuple[PlaceTeller, ...]) -> None:
    """Shapley shares sum to the log-odds, to 1e-8."""
    found = decided(case(*items, also_told=tellers))

    assert float(found.log_odds_ratio[0]) == pytest.approx(float(found.shares.sum()), abs=1e-8)


@quick
@given(items=item_lists)
def test_another_cluster_never_changes_what_one_says_alone(items: list[EvidenceItem]) -> None:
    """A cluster's ratio by itself does not depend on what else is known."""
    names = {entry.cluster_id for entry in items}
    added = item("fired_position_trace_sar_optical", direction(60.0))
    before, after = decided(case(*items)), decided(case(*items, added))
    alone = [
        {cluster.cluster_id: float(value) for cluster, value in zip(found.sorted[0].clusters, found.alone, strict=True)}
        for found in (before, after)
    ]

    assert [alone[0][name] for name in sorted(names)] == pytest.approx([alone[1][name] for name in sorted(names)])


@pytest.mark.parametrize("kind", EVERY, ids=lambda entry: entry.item_type)
def test_an_item_that_is_certainly_wrong_says_nothing(kind: EvidenceItem) -> None:
    """With contamination 1 an item moves neither party against the other."""
    useless = msgspec.structs.replace(kind, contamination_probability=1.0)
    (with_it, without_it) = ahead(case(CRATER, SOUND, useless), case(CRATER, SOUND))
    alone = decided(case(useless, place_usable=False)).alone

    assert alone[0] == pytest.approx(0.0, abs=1e-12)
    if kind.cluster_id not in {CRATER.cluster_id, SOUND.cluster_id}:
        assert with_it == pytest.approx(without_it, abs=1e-12)


@quick
@given(items=item_lists)
def test_a_teller_that_is_certainly_wrong_changes_nothing(items: list[EvidenceItem]) -> None:
    """Who is wrong for certain tells no place: the answer is the same bit for bit."""
    useless = msgspec.structs.replace(REPORTS, contamination_probability=1.0)
    with_it, without_it = decided(case(*items, also_told=(useless,))), decided(case(*items))

    assert np.array_equal(with_it.log_likelihoods, without_it.log_likelihoods)
    assert np.array_equal(with_it.group_log_likelihoods, without_it.group_log_likelihoods)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_however_many_tell_a_place_it_can_be_wrong(count: int) -> None:
    """Each teller more says more, and all together no more than what misleads all of them allows."""
    tellers = (REPORTS, NETWORK)[: count - 1]
    told, fewer = (abs(float(ahead(case(also_told=some))[0])) for some in (tellers, tellers[:-1]))
    least = CATALOGUE.place.wrong_together.number * case().place_contamination_probability

    assert told > fewer or count == 1
    assert told < math.log((1.0 - least / 2.0) / (least / 2.0))


def test_what_stays_without_one_teller_is_told_by_the_others() -> None:
    """Taken out, a teller leaves the place to the others, by their own places; without any the place says nothing."""
    found = decided(case(also_told=(REPORTS, NETWORK)))
    left = dict(zip(found.sorted[0].gone_index, found.group_log_likelihoods, strict=True))
    alone = decided(case(**told_alone_by(REPORTS)))

    assert {(0,), (1,), (2,)} == set(left)
    assert left[(2,)] == pytest.approx(decided(case(also_told=(NETWORK,))).log_likelihoods[0], abs=1e-12)
    assert left[(1,)] == pytest.approx(decided(case(also_told=(REPORTS,))).log_likelihoods[0], abs=1e-12)
    assert left[(0,)] == pytest.approx(
        decided(case(**told_alone_by(NETWORK), also_told=(REPORTS,))).log_likelihoods[0], abs=1e-12
    )
    assert alone.log_likelihoods[0] == pytest.approx(decide_group(case(also_told=(REPORTS,)), gone=(0,)), abs=1e-12)


def decide_group(made: Case, *, gone: tuple[int, ...]) -> np.ndarray:
    """Give what stays of a case without some of its clusters."""
    found = decided(made)
    return found.group_log_likelihoods[found.sorted[0].gone_index.index(gone)]


def told_alone_by(teller: PlaceTeller) -> dict[str, Any]:
    """Give what a case is whose place one teller alone tells."""
    return {
        "latitude_deg": teller.latitude_deg,
        "longitude_deg": teller.longitude_deg,
        "position_sigma_m": teller.position_sigma_m,
        "place_contamination_probability": teller.contamination_probability,
    }


def test_nothing_known_on_the_line_is_even() -> None:
    """An impact exactly on the line without other evidence gives log-odds 0 and names nobody."""
    there = case(longitude_deg=37.0)

    assert ahead(there)[0] == pytest.approx(0.0, abs=1e-9)
    assert answered(there).party[0] == -1


@quick
@given(offset_m=st.floats(0.0, 30_000.0))
def test_moving_an_impact_across_the_line_mirrors(offset_m: float) -> None:
    """As far on the other's ground, the answer is the same for the other party."""
    here, there = ahead(case(place_signed_distance_m=offset_m), case(place_signed_distance_m=-offset_m))

    assert here == -there


def test_a_more_precise_agreeing_sensor_never_says_less() -> None:
    """The sharper an origin deep on one party's ground, the further from even, to a hundredth, up to its bound."""
    # At its bound an item is measured by the account that it fits best, which need not be the leader's: the same ground
    # with the place held wrong. How well either is fitted moves a little with the error (6.26, 6.22, 6.21): not 1e-3.
    for kind in ("counter_battery_or_track_backprojection", "acoustic_seismic_origin"):
        ladder = [
            case(item(kind, point(37.12, sigma_m=sigma_m))) for sigma_m in (8e3, 4e3, 2e3, 1e3, 500.0, 250.0, 100.0)
        ]
        found = ahead(*ladder)

        assert (np.diff(found) >= -0.01 * found[:-1]).all(), found
        assert (found[2:] > found[1]).all(), found


def test_what_agrees_in_one_patrol_never_says_less() -> None:
    """Craters and a weapon model that a patrol adds to the place it saw, each agreeing, never lower the odds."""
    patrol = [
        msgspec.structs.replace(entry, cluster_id="patrol", operator="patrol")
        for entry in (CRATER, item("crater_bearing", direction(92.0), item_id="second"), MODEL)
    ]
    ladder = [case(*patrol[:count], place_cluster_id="patrol", place_operator="patrol") for count in range(4)]
    found = ahead(*ladder)

    assert (np.diff(found) >= 0.0).all(), found
    assert found[-1] > found[0] + 1.0


def test_ground_far_from_every_origin_does_not_matter() -> None:
    """Exchanging who holds the ground beyond 60 km to the north changes nothing once an origin is located."""
    distances_m = FIELD.distances_m.copy()
    distances_m[330:, :] *= -1.0
    other = msgspec.structs.replace(FIELD, distances_m=distances_m)
    here = ahead(case(RADAR, CRATER))[0]
    there = ahead(case(RADAR, CRATER), field=other)[0]

    assert here == pytest.approx(there, rel=0.02)


@pytest.mark.parametrize("copies_count", [1, 3, 30, 100, 10_000])
def test_copies_of_one_publisher_are_bounded(copies_count: int) -> None:
    """However often one publisher repeats itself, its cluster says no more than its cap."""
    copies = [msgspec.structs.replace(MEDIA, item_id=f"copy {number}") for number in range(copies_count)]
    found = decided(case(*copies))
    cap = math.log(CATALOGUE.item_type(MEDIA.item_type).cap.number)

    assert 0.0 < found.alone[1] <= cap + 1e-9


def test_all_statements_together_never_pass_their_limit() -> None:
    """A hundred outlets, both parties' media, a mission and an admission move the odds by five at most."""
    outlets = [
        msgspec.structs.replace(MEDIA, item_id=f"m{number}", cluster_id=f"m{number}", operator=f"m{number}")
        for number in range(100)
    ]
    flood = [
        *outlets,
        said("party_admits_or_claims", "A"),
        said("party_blames_other", "B"),
        item("international_mission_statement", about="A"),
    ]
    with_words, without_words = ahead(case(*flood), case())
    found = decided(case(*flood))

    assert CATALOGUE.dependence.statements_together.number == 5.0
    assert with_words - without_words <= math.log(5.0) + 1e-9
    assert with_words == pytest.approx(float(found.shares.sum()), abs=1e-8)
    assert found.merged.sum() >= 100


def test_when_both_parties_flood_nothing_moves() -> None:
    """As many outlets on one side as on the other leave the odds where they were."""
    flood = [
        msgspec.structs.replace(MEDIA, item_id=f"{name}{n}", cluster_id=f"{name}{n}", operator=f"{name}{n}", about=name)
        for n in range(8)
        for name in ("A", "B")
    ]
    with_words, without_words = ahead(case(*flood), case())

    assert with_words == pytest.approx(without_words, abs=1e-9)


shapes = st.one_of(
    st.floats(36.6, 37.4).map(lambda lon: point(lon, sigma_m=50.0)),
    st.floats(0.0, 360.0).map(lambda bearing: direction(bearing, sigma_deg=1.0)),
)


@quick
@given(shape=shapes, number=st.integers(1, 5), longitude_deg=st.floats(36.9, 37.1))
def test_one_cluster_of_any_content_cannot_make_an_assessment(shape: object, number: int, longitude_deg: float) -> None:
    """Whatever one custody domain says, and however often: with no other evidence the tier is at most indicated."""
    forged = [
        item("camera_or_uav_sees_firing", shape, item_id=f"f{k}", cluster_id="forged", operator="forged")  # type: ignore[arg-type]
        for k in range(number)
    ]
    found = answered(case(*forged, longitude_deg=longitude_deg, place_usable=False))

    assert found.tier[0] <= TIERS.index("indicated")


@quick
@given(shape=shapes, second=shapes)
def test_one_deceived_domain_cannot_make_the_highest_tier(shape: object, second: object) -> None:
    """Two forged sensors of one operator are one custody: the tier never reaches assessed high."""
    forged = [
        item("camera_or_uav_sees_firing", shape, cluster_id="one", operator="same"),  # type: ignore[arg-type]
        item("acoustic_seismic_origin", second, cluster_id="two", operator="same"),  # type: ignore[arg-type]
    ]

    assert answered(case(*forged)).tier[0] < TIERS.index("assessed_high")


def test_a_forged_admission_does_not_outweigh_a_sensor() -> None:
    """An impostor's admission against a radar and a place leaves the answer with the sensor."""
    admission = said("party_admits_or_claims", "B")

    assert ahead(case(RADAR, admission))[0] > 0.0


def test_an_authenticated_but_false_witness_turns_nothing() -> None:
    """An intercept that others vouch for, and that names the wrong party, does not turn what sensor and place say."""
    false_witness = item("intercept_independently_authenticated", about="B")
    found = answered(case(RADAR, false_witness))

    assert (found.leader[0], found.tier[0] > 0) == (0, True)


@pytest.mark.parametrize("shift_deg", [-0.3, -0.2, 0.2])
def test_a_sensor_whose_clock_is_off_cannot_add_certainty(shift_deg: float) -> None:
    """A network that places the launch elsewhere, for a wrong clock, never turns the answer of two others."""
    shifted = msgspec.structs.replace(SOUND, shapes=(point(37.1 + shift_deg, sigma_m=300.0),))
    right, wrong = answered(case(RADAR, CRATER, SOUND)), answered(case(RADAR, CRATER, shifted))

    assert wrong.leader[0] == 0
    assert wrong.probabilities[0, 0] <= right.probabilities[0, 0]


def test_a_line_drawn_later_or_moved_shows_only_near_it() -> None:
    """A control map that was shifted by its own error turns no answer that a located origin and the place give."""
    moved = straight_field(
        latitude_deg=48.0, longitude_deg=37.02, bearing_deg=0.0, sigma_m=1_500.0, line_date=date(2025, 4, 19)
    )

    assert answered(case(RADAR, SOUND)).party[0] == answered(case(RADAR, SOUND), field=moved).party[0] == 0


def test_what_contradicts_is_undetermined_and_says_so() -> None:
    """A radar on one party's ground against a place that speaks for the other names nobody, for conflict."""
    other = item("counter_battery_or_track_backprojection", point(36.8))
    found = answered(case(other))

    assert (found.reasons[0], found.tier[0]) == (REASON_CONFLICT, 0)


def test_names_languages_and_alphabets_change_nothing() -> None:
    """Other names of parties, sources and clusters give the same numbers."""
    named = [
        msgspec.structs.replace(entry, operator=f"оператор {k}", modality=entry.modality, statement="текст")
        for k, entry in enumerate((RADAR, CRATER, BLAMES, MEDIA))
    ]
    here, there = ahead(case(RADAR, CRATER, BLAMES, MEDIA), case(*named))

    assert here == there


def test_a_replayed_record_is_one_cluster() -> None:
    """The same record handed in again under one custody says less than a second sensor, and never more than the cap."""
    copies = [msgspec.structs.replace(SOUND, item_id=f"copy {number}") for number in range(50)]
    second = msgspec.structs.replace(SOUND, item_id="second", cluster_id="second", operator="second")
    once, twice, often, apart = ahead(case(SOUND), case(*copies[:2]), case(*copies), case(SOUND, second))
    cap = math.log(CATALOGUE.item_type(SOUND.item_type).cap.number)

    assert twice - once < 0.5 * (apart - once)
    assert decided(case(*copies)).alone[1] <= cap + 1e-9
    assert once <= often


@pytest.mark.parametrize("owner", ["A", "B"])
def test_who_owns_a_sensor_is_taken_out_as_one(owner: str) -> None:
    """Taking out a party as operator takes out its sensor and its words together, whichever party it is."""
    sensor = msgspec.structs.replace(RADAR, operator=f"bloc {owner}")
    found = decided(case(sensor, said("party_blames_other", owner), CRATER))
    gone = [mask for kind, name, mask in found.sorted[0].groups if (kind, name) == ("operator", f"bloc {owner}")]

    assert 2 == len(found.sorted[0].gone_index[gone[0]])


def test_an_answer_that_knows_a_party_is_caught() -> None:
    """The check that runs over the whole suite sees a stage that favours one party by the smallest amount."""
    stage = _stage()
    events = [made_event()]
    answers = stage.answers(events)
    (first, second, rest) = answers[0].probabilities
    tilted = (
        msgspec.structs.replace(first, probability=first.probability + 1e-15),
        second,
        msgspec.structs.replace(rest, probability=rest.probability - 1e-15),
    )

    check_exchange_mirrors(stage, events, answers)
    with pytest.raises(AssertionError, match="exchanging"):
        check_exchange_mirrors(stage, events, [msgspec.structs.replace(answers[0], probabilities=tilted)])
    rows = [msgspec.structs.replace(row, alone_log_ratio=1.0) for row in answers[0].ledger]
    with pytest.raises(AssertionError, match="row"):
        check_exchange_mirrors(stage, events, [msgspec.structs.replace(answers[0], ledger=tuple(rows))])
