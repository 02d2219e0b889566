"""The compiled code says what the equations say, written out plainly in numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.attribution_cases import (
    CATALOGUE,
    CRATER,
    EVERY,
    FIELD,
    MEDIA,
    MODEL,
    NETWORK,
    PARTIES,
    RADAR,
    REPORTS,
    SILENCE,
    SOUND,
    TEAM,
    case,
    decided,
    direction,
    item,
    item_lists,
    point,
    renumbered,
    teller_lists,
)
from truceline.attribute.decide import decide_cases, log_odds_of, pack_cases, posterior
from truceline.attribute.layout import (
    ACROSS_SECOND,
    NEITHER,
    ORIGIN_PLAYER_MOST_COUNT,
    OWN_SECOND,
    PLAYER_MOST_COUNT,
)
from truceline.model.evidence import (
    EvidenceCatalogue,
    EvidenceItem,
    OriginPoint,
    OriginSegment,
    OriginSilence,
    PlaceTeller,
    RangeBand,
)
from truceline.testing.attribution_reference import decide_reference


@dataclass
class Told:
    """What a case is besides its evidence."""

    anchor: str
    longitude_deg: float
    usable: bool
    also_told: tuple[PlaceTeller, ...]


told = st.builds(
    Told,
    st.sampled_from(["impact", "launch"]),
    st.sampled_from([36.7, 36.9, 37.0, 37.05]),
    st.booleans(),
    teller_lists,
)


@settings(max_examples=60, deadline=None)
@given(items=item_lists.filter(lambda items: len({entry.cluster_id for entry in items}) <= 6), about=told)
def test_the_engine_agrees_with_the_plain_equations(items: list[EvidenceItem], about: Told) -> None:
    """Log-likelihoods, shares, ratios alone and what stays without each group agree to 1e-10."""
    made = case(
        *items,
        anchor=about.anchor,
        longitude_deg=about.longitude_deg,
        place_usable=about.usable,
        also_told=about.also_told,
    )
    found = decided(made)
    _, columns, distinct, _ = pack_cases([made], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    expected = decide_reference(columns, 0, distinct[0])

    assert found.log_likelihoods[0] == pytest.approx(expected.log_likelihood, abs=1e-10)
    assert found.shares == pytest.approx(expected.shares, abs=1e-10)
    assert found.alone == pytest.approx(expected.alone, abs=1e-10)
    assert found.group_log_likelihoods == pytest.approx(expected.group_log_likelihoods, abs=1e-10)


def read_with(
    *, together_m: float = 10_000.0, still: float = 0.5, wrong_within_m: float = 30_000.0
) -> EvidenceCatalogue:
    """Give the catalogue with other numbers for the line's common error, a wrong place, and what goes off there."""
    place = renumbered("place", line_together_m=together_m, wrong_within_m=wrong_within_m).place
    return msgspec.structs.replace(renumbered("priors", still=still), place=place)


EDGES = {
    "an ellipse wider than the disc of a wrong place": case(
        item("acoustic_seismic_origin", point(37.5, sigma_m=300_000.0)), CRATER
    ),
    "a place that cannot be wrong, deep on one party's ground": case(
        RADAR, SILENCE, place_contamination_probability=0.0, place_signed_distance_m=-80_000.0
    ),
    "a place that is certainly wrong": case(RADAR, SILENCE, place_contamination_probability=1.0),
    "an origin located sharply at the place itself": case(item("acoustic_seismic_origin", point(36.9, sigma_m=100.0))),
    "two of them, and nobody knows the place": case(
        RADAR, item("acoustic_seismic_origin", point(36.9, sigma_m=100.0)), place_usable=False
    ),
    "fire that went out, located at the place": case(
        item("acoustic_seismic_origin", point(36.9, sigma_m=100.0)), anchor="launch"
    ),
    "a place and a crater by one hand": case(RADAR, CRATER, place_cluster_id=CRATER.cluster_id),
    "a place told by two": case(RADAR, SILENCE, also_told=(REPORTS,)),
    "a place told by three, two of them with origins of their own": case(
        RADAR, SOUND, CRATER, MODEL, also_told=(NETWORK, TEAM)
    ),
    "a place told by two who cannot be wrong": case(
        RADAR,
        place_contamination_probability=0.0,
        place_signed_distance_m=-80_000.0,
        also_told=(msgspec.structs.replace(REPORTS, contamination_probability=0.0),),
    ),
    "a place told by three, and nothing else known": case(also_told=(REPORTS, NETWORK)),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize(("together_m", "still"), [(0.0, 0.0), (10_000.0, 0.5), (1.0e6, 1.0)])
@pytest.mark.parametrize("wrong_within_m", [6_000.0, 60_000.0])
def test_the_equations_hold_to_their_edges(name: str, together_m: float, still: float, wrong_within_m: float) -> None:
    """With errors of the line apart or alike, nothing or all gone off there, a wrong place near or far: both agree."""
    catalogue = read_with(together_m=together_m, still=still, wrong_within_m=wrong_within_m)
    found = decide_cases([EDGES[name]], [FIELD], parties=PARTIES, catalogue=catalogue)
    _, columns, _, _ = pack_cases([EDGES[name]], [FIELD], parties=PARTIES, catalogue=catalogue)
    expected = decide_reference(columns, 0, FIELD)

    assert found.log_likelihoods[0] == pytest.approx(expected.log_likelihood, abs=1e-10)
    assert found.shares == pytest.approx(expected.shares, abs=1e-10)
    assert found.group_log_likelihoods == pytest.approx(expected.group_log_likelihoods, abs=1e-10)


def test_without_a_line_no_origin_is_anybody_s() -> None:
    """Where the line is not known, sensors say nothing of a party and statements still do."""
    made = case(RADAR, MEDIA)
    (found,) = [decided(made, field=None)]
    _, columns, _, _ = pack_cases([made], [None], parties=PARTIES, catalogue=CATALOGUE)

    assert 0.0 == found.alone[0]
    assert found.log_likelihoods[0] == pytest.approx(decide_reference(columns, 0, None).log_likelihood, abs=1e-9)
    assert found.log_odds_ratio[0] > 0.5


def test_cases_do_not_know_each_other() -> None:
    """Decided together or apart, a case gets the same numbers bit for bit."""
    cases = [case(*EVERY[:number]) for number in range(len(EVERY))]
    together = decided(*cases)
    apart = [decided(one) for one in cases]

    assert np.array_equal(together.log_likelihoods, np.concatenate([one.log_likelihoods for one in apart]))
    assert np.array_equal(together.shares, np.concatenate([one.shares for one in apart]))


def test_a_case_without_evidence_keeps_the_prior() -> None:
    """Nothing known: the probabilities are the published ones."""
    found = decided(case(place_usable=False))
    (row,) = posterior(found.log_likelihoods, found.log_priors)

    assert row == pytest.approx([0.98 * 0.97 / 2, 0.98 * 0.97 / 2, 0.98 * 0.03 / 2, 0.98 * 0.03 / 2, 0.02])
    assert 0 == len(found.shares)


@pytest.mark.parametrize("sensors_count", [ORIGIN_PLAYER_MOST_COUNT + 1, 2 * PLAYER_MOST_COUNT])
def test_beyond_the_exact_limit_the_weakest_are_shared_as_one(sensors_count: int) -> None:
    """The rows still add up; the whole and what stays are exact, taken straight from their definition."""
    sensors = [
        item(
            "thermal_or_flash_at_origin",
            point(37.05 + 0.01 * number, sigma_m=400.0 + 50.0 * number),
            item_id=f"s{number:02}",
            cluster_id=f"s{number:02}",
            operator=f"s{number:02}",
        )
        for number in range(sensors_count)
    ]
    found = decided(case(*sensors, RADAR))
    plain = decide_cases([case(*sensors, RADAR)], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    _, columns, distinct, _ = pack_cases([case(*sensors[:3], RADAR)], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    few = decide_reference(columns, 0, distinct[0])
    names = [cluster.cluster_id for cluster in found.sorted[0].clusters]

    assert float(found.log_odds_ratio[0]) == pytest.approx(float(found.shares.sum()), abs=1e-8)
    assert np.array_equal(found.log_likelihoods, plain.log_likelihoods)
    assert 2 <= found.merged.sum() < len(names)
    assert not found.merged[names.index(RADAR.cluster_id)]
    assert log_odds_of(few.log_likelihood, columns.log_priors[0]) < found.log_odds_ratio[0]


def test_tellers_that_are_taken_together_with_others_keep_their_words() -> None:
    """Two weak tellers become one player with weak sensors; the whole, what stays and the rows are as by definition."""
    sensors = [
        item(
            "acoustic_seismic_origin",
            point(37.05 + 0.01 * number, sigma_m=400.0),
            **dict.fromkeys(("item_id", "cluster_id", "operator"), f"s{number:02}"),
        )
        for number in range(ORIGIN_PLAYER_MOST_COUNT)
    ]
    weak = [msgspec.structs.replace(teller, contamination_probability=0.97) for teller in (REPORTS, NETWORK)]
    made = case(*sensors, also_told=tuple(weak))
    found = decided(made)
    _, columns, distinct, _ = pack_cases([made], [FIELD], parties=PARTIES, catalogue=CATALOGUE)
    expected = decide_reference(columns, 0, distinct[0])
    merged = [found.merged[t] for t in range(3)]

    assert merged.count(True) >= 2
    assert found.log_likelihoods[0] == pytest.approx(expected.log_likelihood, abs=1e-8)
    assert found.group_log_likelihoods == pytest.approx(expected.group_log_likelihoods, abs=1e-8)
    assert float(found.log_odds_ratio[0]) == pytest.approx(float(found.shares.sum()), abs=1e-8)


def test_an_origin_where_nothing_fires_from_says_nothing() -> None:
    """An origin beyond every range has no density to compare, so it moves nothing."""
    far = item("acoustic_seismic_origin", point(70.0, sigma_m=100.0))

    assert decided(case(far, place_usable=False)).log_odds_ratio[0] == pytest.approx(0.0, abs=1e-9)


def test_a_range_beyond_every_point_says_nothing() -> None:
    """Where nothing that is looked at lies within range, no origin can be compared, and nothing moves."""
    beyond = RangeBand(name="beyond", low_m=1.6e6, high_m=1.9e6, probability=1.0)
    crater = item("crater_bearing", direction(90.0))

    assert decided(case(crater, bands=(beyond,), place_usable=False)).log_odds_ratio[0] == pytest.approx(0.0, abs=1e-12)


def test_a_track_without_length_is_a_place() -> None:
    """A segment whose ends are the same speaks as a circle around it."""
    single = item(
        "drone_track_crossing",
        OriginSegment(
            start_latitude_deg=48.0,
            start_longitude_deg=37.1,
            end_latitude_deg=48.0,
            end_longitude_deg=37.1,
            sigma_m=1e3,
        ),
    )

    assert decided(case(single)).alone[-1] > math.log(3.0)


def test_tilted_ellipses_count_as_tilted() -> None:
    """An ellipse along the line says less of whose ground it is on than one across, where the line is near."""
    long_m2, short_m2 = 4_000.0**2, 300.0**2
    near_deg = 37.0 + 1_500.0 / 74_400.0
    along = OriginPoint(
        latitude_deg=48.0,
        longitude_deg=near_deg,
        covariance_east_m2=short_m2,
        covariance_east_north_m2=0.0,
        covariance_north_m2=long_m2,
    )
    across = msgspec.structs.replace(along, covariance_east_m2=long_m2, covariance_north_m2=short_m2)
    alone = [decided(case(item("acoustic_seismic_origin", shape))).alone[-1] for shape in (along, across)]

    assert alone[0] > alone[1] > 0.0


def test_a_wide_ellipse_beside_a_sharp_one_is_still_read() -> None:
    """Two located origins that disagree are both read, though only one is looked at closely."""
    other = msgspec.structs.replace(SOUND, shapes=(point(36.8, sigma_m=700.0),))
    found = decided(case(RADAR, other))
    names = [cluster.cluster_id for cluster in found.sorted[0].clusters]

    assert found.alone[names.index(RADAR.cluster_id)] > 1.0
    assert found.alone[names.index(other.cluster_id)] < -1.0


NEAR_DEG = 37.0 - 800.0 / 74_400.0
"""An impact on the second party's ground, nearer to the line than the line is known."""


def fired_from(longitude_deg: float, *, together_m: float, anchor_deg: float = NEAR_DEG) -> float:
    """Give the log-odds of the first party, an impact and where fire came from being known."""
    camera = item("camera_or_uav_sees_firing", point(longitude_deg, sigma_m=100.0))
    catalogue = read_with(together_m=together_m)
    made = case(camera, longitude_deg=anchor_deg)
    return float(decide_cases([made], [FIELD], parties=PARTIES, catalogue=catalogue).log_odds_ratio[0])


def test_a_line_drawn_wrong_is_wrong_for_launch_and_impact() -> None:
    """Fire that came 1.5 km back from the drawn line is likelier to have crossed it where both ends err alike."""
    back_deg = NEAR_DEG + 2_300.0 / 74_400.0
    apart, alike = fired_from(back_deg, together_m=0.0), fired_from(back_deg, together_m=1.0e6)

    assert 0.5 < apart < alike


@pytest.mark.parametrize("together_m", [0.0, 3_000.0, 1.0e6])
def test_launch_and_impact_say_the_same_from_either_bank(together_m: float) -> None:
    """The mirror image across the line names the other party just as surely, however the line errs."""
    here = fired_from(37.05, together_m=together_m, anchor_deg=36.96)
    there = fired_from(36.95, together_m=together_m, anchor_deg=37.04)

    assert here == pytest.approx(-there, abs=1e-9)


def test_far_from_the_line_its_errors_do_not_matter() -> None:
    """Where nobody doubts who holds launch and impact, it is all one whether errors are common."""
    apart, alike = (fired_from(37.3, together_m=reach_m, anchor_deg=36.7) for reach_m in (0.0, 1.0e6))

    assert apart == pytest.approx(alike, abs=1e-6)


def accounts_of(*items: EvidenceItem, still: float) -> list[float]:
    """Give the probabilities of the five accounts of an impact with such evidence."""
    found = decide_cases([case(*items)], [FIELD], parties=PARTIES, catalogue=read_with(still=still))
    row: list[float] = posterior(found.log_likelihoods, found.log_priors)[0].tolist()
    return row


def test_a_sound_at_the_impact_itself_may_be_an_accident() -> None:
    """Where a blast is located at the impact, own ground and neither gain on fire across if things go off there."""
    blast = item("acoustic_seismic_origin", point(36.9, sigma_m=300.0))
    never, often = accounts_of(blast, still=0.0), accounts_of(blast, still=0.5)

    assert often[OWN_SECOND] / often[ACROSS_SECOND] > 1.5 * never[OWN_SECOND] / never[ACROSS_SECOND]
    assert often[NEITHER] / often[ACROSS_SECOND] > 1.5 * never[NEITHER] / never[ACROSS_SECOND]


def test_a_sharper_sound_at_the_impact_says_no_more() -> None:
    """Once a blast is surely at the place, a smaller error changes no account by more than a hundredth."""
    sharp, sharper = (
        accounts_of(item("acoustic_seismic_origin", point(36.9, sigma_m=sigma_m)), still=0.5)
        for sigma_m in (300.0, 30.0)
    )

    assert sharper == pytest.approx(sharp, abs=0.01)


def test_a_bearing_of_a_crater_is_no_accident() -> None:
    """What left the crater of something that flew in takes from accounts in which nothing was fired."""
    before, after = accounts_of(still=0.5), accounts_of(CRATER, still=0.5)

    assert after[NEITHER] < 0.8 * before[NEITHER]
    assert after[OWN_SECOND] < 0.8 * before[OWN_SECOND]


def test_silence_is_what_an_accident_would_leave() -> None:
    """Stations around the launch that heard none speak for accounts in which none was."""
    near = msgspec.structs.replace(
        SILENCE,
        shapes=tuple(
            OriginSilence(latitude_deg=48.0, longitude_deg=36.9, range_half_m=30_000.0, detection_probability=0.9)
            for _ in range(3)
        ),
    )
    before, after = accounts_of(still=0.5), accounts_of(near, still=0.5)

    assert after[NEITHER] > before[NEITHER]


def test_a_place_that_is_certainly_wrong_says_nothing_of_whose_ground_it_is_on() -> None:
    """Then whether the launch and the place lie on one bank of the line is all one."""
    here, there = (
        decided(
            case(RADAR, place_contamination_probability=1.0, place_signed_distance_m=distance_m),
        ).log_odds_ratio[0]
        for distance_m in (-9_000.0, 9_000.0)
    )

    assert here > 1.0
    assert here == pytest.approx(there, abs=1e-12)


def far_ahead(anchor: str, wrong_probability: float, wrong_within_m: float) -> float:
    """Give the log-odds of the first party, an origin being located on its ground 26 km from the place."""
    far = item("camera_or_uav_sees_firing", point(37.25, sigma_m=300.0))
    made = case(far, anchor=anchor, place_contamination_probability=wrong_probability)
    catalogue = read_with(wrong_within_m=wrong_within_m)
    return float(decide_cases([made], [FIELD], parties=PARTIES, catalogue=catalogue).log_odds_ratio[0])


@pytest.mark.parametrize(("anchor", "wrong_probability"), [("impact", 1.0), ("launch", 0.1)])
def test_beyond_where_a_wrong_place_may_be_off_no_origin_is_believed(anchor: str, wrong_probability: float) -> None:
    """Where the place is wrong, or fire went out there, an origin 26 km away speaks only if it may lie so far off."""
    near, far = (far_ahead(anchor, wrong_probability, within_m) for within_m in (20_000.0, 40_000.0))

    assert 0.0 == pytest.approx(near, abs=1e-6)
    assert far > 1.0


def test_how_far_off_a_wrong_place_is_says_nothing_of_a_right_one() -> None:
    """Where the place of an impact is certainly right, both distances give the same answer."""
    near, far = (far_ahead("impact", 0.0, within_m) for within_m in (20_000.0, 40_000.0))

    assert near == pytest.approx(far, abs=1e-12)
    assert near > 1.0


@pytest.mark.parametrize(("sigma_m", "expected_m"), [(1.0, 200.0), (200.0, 200.0), (300.0, 300.0)])
def test_no_place_is_better_known_than_the_catalogue_lets_it_be(sigma_m: float, expected_m: float) -> None:
    """A smaller error of a place is taken for the catalogue's least; a larger one stays."""
    catalogue = renumbered("place", sigma_least_m=200.0)
    made = case(RADAR, position_sigma_m=sigma_m)
    _, columns, _, _ = pack_cases([made], [FIELD], parties=PARTIES, catalogue=catalogue)

    assert expected_m**2 == columns.place_variances_m2[0]
