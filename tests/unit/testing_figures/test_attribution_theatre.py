"""The made-up theatre has two parties alike, events as they are known, and attacks that do what they say."""

from __future__ import annotations

from collections import Counter
from functools import cache

import msgspec
import numpy as np
import pytest

from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.attribute.case import Case
from truceline.model.evidence import OriginPoint, PlaceTeller
from truceline.testing.attribution_theatre import Theatre, TheatreWish, make_theatre, theatre_days
from truceline.testing.attribution_theatre_attacks import (
    ATTACK_WORDS,
    ATTACKS,
    BURST_NAMED_PROBABILITY,
    PAIR_NAMED_PROBABILITY,
    Attack,
)
from truceline.testing.attribution_theatre_ground import PARTIES, make_days
from truceline.testing.attribution_theatre_places import with_place_rates
from truceline.testing.attribution_theatre_truth import draw_false_flag, draw_happening

COUNT = 500


@cache
def theatre(attack: Attack = "none", *, count: int = COUNT, own: float = 0.03, seed: int = 8) -> Theatre:
    """Make a theatre of a fixed seed, once for all tests that look at it."""
    wish = TheatreWish(events_count=count, own_side_probability=own, attack=attack)
    return make_theatre(wish, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def plain() -> Theatre:
    """Make one without attack, once."""
    return theatre()


def test_one_seed_is_one_theatre(plain: Theatre) -> None:
    """The same seed gives the same events, item for item; another gives others."""
    again, other = theatre.__wrapped__(), theatre(seed=9)

    assert plain.cases == again.cases
    assert plain.responsible.tolist() == again.responsible.tolist()
    assert plain.cases != other.cases


def test_places_are_held_wrong_as_the_catalogue_says(plain: Theatre) -> None:
    """By the catalogue as it is read nothing changes; by another every place does, and no item but what it rests on."""
    place = load_evidence_catalogue().place
    number = msgspec.structs.replace(place.patrol_wrong, number=0.03)
    other = msgspec.structs.replace(place, patrol_wrong=number, report_wrong=number, sensor_wrong=number)
    again = tuple(guessed(with_place_rates(case, place)) for case in plain.cases)
    moved = [with_place_rates(case, other) for case in plain.cases]
    own = {item.contamination_probability for case in moved for item in case.items}

    told = {round(teller.contamination_probability, 9) for case in moved for teller in case.tellers}
    named = {round(1.0 - 0.97 * surely, 9) for surely in (1.0, PAIR_NAMED_PROBABILITY, BURST_NAMED_PROBABILITY)}

    assert [rounded(case) for case in plain.cases] == [rounded(case) for case in again]
    assert named == told
    assert {None, 0.03, 0.5} == {None if entry is None else round(entry, 9) for entry in own}


def rounded(case: Case) -> Case:
    """Give a case with its tellers' probabilities rounded, for they are reckoned back and forth."""
    wrong = round(case.place_contamination_probability, 9)
    also_told = tuple(
        msgspec.structs.replace(one, contamination_probability=round(one.contamination_probability, 9))
        for one in case.also_told
    )
    items = tuple(
        entry
        if entry.contamination_probability is None
        else msgspec.structs.replace(entry, contamination_probability=round(entry.contamination_probability, 9))
        for entry in case.items
    )
    return msgspec.structs.replace(case, items=items, place_contamination_probability=wrong, also_told=also_told)


def guessed(case: Case) -> Case:
    """Give a case with nothing said of where its places' numbers come from."""
    also_told = tuple(msgspec.structs.replace(teller, basis="guess") for teller in case.also_told)
    return msgspec.structs.replace(case, place_basis="guess", also_told=also_told)


def test_places_of_impacts_are_told_by_one_to_three(plain: Theatre) -> None:
    """Of all who tell one the most precise comes first; fire going out has one place, and so has what is asked for."""
    counts = Counter(len(case.tellers) for case in plain.cases)
    alone = make_theatre(TheatreWish(events_count=COUNT, tellers_most_count=1), np.random.default_rng(8))

    assert min(counts[1], counts[2], counts[3]) > COUNT / 10
    for case in plain.cases:
        assert case.position_sigma_m == min(teller.position_sigma_m for teller in case.tellers)
        assert case.anchor == "impact" or not case.also_told
    assert {()} == {case.also_told for case in alone.cases}
    assert [case.items for case in plain.cases] == [case.items for case in alone.cases]


def test_days_made_before_are_the_same_days() -> None:
    """With the days of the same chance at hand the theatre is the same, event for event, on the very same days."""
    wish = TheatreWish(events_count=30)
    days = theatre_days(wish, np.random.default_rng(5))
    whole, handed = (make_theatre(wish, np.random.default_rng(5), days=given) for given in (None, days))

    assert whole.cases == handed.cases
    assert [one.distances_m.tobytes() for one in whole.fields] == [one.distances_m.tobytes() for one in handed.fields]
    assert {id(field) for field in handed.fields} <= {id(day.field) for day in days}


def test_who_puts_it_elsewhere_tells_of_another_event(plain: Theatre) -> None:
    """Places that are told of one event lie within three of their common sigma of the witness's."""
    for case in plain.cases:
        witness = next(teller for teller in case.tellers if teller.modality != "sound")
        for teller in case.tellers:
            north_m = 111_195.0 * (teller.latitude_deg - witness.latitude_deg)
            sigma_m = np.hypot(teller.position_sigma_m, witness.position_sigma_m)

            assert abs(north_m) <= 3.01 * sigma_m + 2.0


def test_events_are_of_the_usual_size(plain: Theatre) -> None:
    """Nine in ten events have 3 to 12 items, and none has the same item twice."""
    counts = [len(case.items) for case in plain.cases]

    assert 3 <= np.percentile(counts, 5) + 1
    assert np.percentile(counts, 95) <= 12
    assert 5 <= np.median(counts) <= 9
    assert all(len({item.item_id for item in case.items}) == len(case.items) for case in plain.cases)


def test_the_parties_are_drawn_alike() -> None:
    """Of many events each party did about half, and each is spoken of by as many items of every kind."""
    made = theatre(count=1_500)
    did = Counter(made.responsible.tolist())
    items = [item for case in made.cases for item in case.items]
    spoken = Counter(item.speaker for item in items if item.item_type == "party_blames_other")

    assert abs(did[0] - did[1]) < 5 * np.sqrt(did[0] + did[1])
    assert abs(spoken[PARTIES[0]] - spoken[PARTIES[1]]) < 5 * np.sqrt(spoken.total())


def test_accounts_fit_the_ground() -> None:
    """Across: from own ground to the other's; else: it lands on the doer's; a false flag starts near the line."""
    chance = np.random.default_rng(4)
    for day in make_days(2, chance, back_dated=False):
        for party in (0, 1):
            across = draw_happening("across", party, day=day, chance=chance)
            short = draw_happening("short_round", party, day=day, chance=chance)
            staged = draw_false_flag(party, day, chance)

            assert across.launch is not None
            assert staged.launch is not None
            assert (party, 1 - party) == (day.holder_index(across.launch), day.holder_index(across.impact))
            assert party == day.holder_index(short.impact)
            assert (party, party) == (day.holder_index(staged.launch), day.holder_index(staged.impact))
            assert abs(day.depth_m(staged.launch)) < 1_300.0


def test_days_come_in_mirrored_pairs() -> None:
    """What one day of a pair shows as the first party's ground, the other shows as the second's, errors and all."""
    first, second = make_days(1, np.random.default_rng(5), back_dated=False)
    along_m = np.linspace(-40_000.0, 40_000.0, 33).tolist()
    spots = [(along, first.line_across_m(along) + 900.0) for along in along_m]
    here = [first.field.signed_distance_m(*reversed(first.coordinates_deg(spot))) for spot in spots]
    there = [second.field.signed_distance_m(*reversed(second.coordinates_deg((a, -b)))) for a, b in spots]

    assert [first.line_across_m(along) for along in along_m] == [-second.line_across_m(along) for along in along_m]
    np.testing.assert_allclose(here, np.negative(there), atol=400.0)
    assert np.std(np.array(here) - 900.0) > 200.0


def test_the_share_of_own_ground_events_is_as_asked() -> None:
    """More of them are drawn where more are asked for, of all three kinds."""
    few, many = (Counter(theatre(own=own).accounts) for own in (0.005, 0.5))

    assert few["across"] > 0.94 * COUNT
    assert 0.4 * COUNT < many["staged"] + many["short_round"] + many["accident"] < 0.58 * COUNT


def test_every_attack_has_its_words() -> None:
    """Each can be asked for by name and says what it does."""
    assert list(ATTACKS) == list(ATTACK_WORDS)


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if not attack.startswith("false_flag")])
def test_attacks_change_evidence_and_not_events(plain: Theatre, attack: Attack) -> None:
    """Under attack the same things happened at the same places; what other owners noticed stays as it was."""
    attacked = theatre(attack)
    kept = {"patrol", "watching", "satellite"}

    assert plain.responsible.tolist() == attacked.responsible.tolist()
    assert plain.accounts == attacked.accounts
    for before, after in zip(plain.cases, attacked.cases, strict=True):
        assert others(before, attack) == others(after, attack)
        assert [i.shapes for i in before.items if i.cluster_id.split()[0] in kept] == [
            i.shapes for i in after.items if i.cluster_id.split()[0] in kept
        ]


def others(case: Case, attack: Attack) -> dict[str, PlaceTeller]:
    """Give who tells a case's place, but for arrays where they are spoofed."""
    return {one.cluster_id: one for one in case.tellers if "spoofed" not in attack or one.modality != "sound"}


def test_planted_media_are_thirty_copies_and_ten_outlets(plain: Theatre) -> None:
    """The doer's media say it 30 times in one cluster; ten outlets that nobody knows name the other."""
    attacked = theatre("planted_media")
    for before, after, did in zip(plain.cases, attacked.cases, attacked.responsible.tolist(), strict=True):
        planted = [item for item in after.items if item.cluster_id.startswith("planted")]

        assert len(before.items) + 40 == len(after.items)
        assert 10 == len({item.cluster_id for item in planted})
        assert did < 0 or {PARTIES[1 - did]} == {item.about for item in planted}


@pytest.mark.parametrize("attack", ["spoofed_array", "false_flag_spoofed_sensors"])
def test_spoofed_arrays_put_the_impact_where_the_witness_does(attack: Attack) -> None:
    """Nobody is told of another place, so that all are sure of it."""
    for case in theatre(attack, count=200).cases:
        told = {teller.modality: (teller.latitude_deg, teller.longitude_deg) for teller in case.tellers}
        witness = told.get("patrol_report", told.get("media_report"))

        assert case.anchor == "launch" or told["sound"] == witness


@pytest.mark.parametrize("attack", ["spoofed_array", "spoofed_sensors", "false_flag_spoofed_sensors"])
def test_spoofed_sensors_locate_the_launch_on_the_others_ground(attack: Attack) -> None:
    """Every event has such an origin, and the drawn line shows it on the other's ground."""
    attacked = theatre(attack, count=200)
    for case, field, did in zip(attacked.cases, attacked.fields, attacked.responsible.tolist(), strict=True):
        owners = {"array network", "track radar"} if "sensors" in attack else {"array network"}
        spoofed = [item for item in case.items if item.cluster_id in owners]
        points = [shape for item in spoofed for shape in item.shapes if isinstance(shape, OriginPoint)]

        assert points
        if did >= 0 and "sensors" in attack:
            assert 2 == len(spoofed)
        if did >= 0:
            deep_m = field.signed_distance_m(points[0].longitude_deg, points[0].latitude_deg)
            assert (deep_m < 3_000.0) if did == 0 else (deep_m > -3_000.0)


def test_a_back_dated_line_is_another_line(plain: Theatre) -> None:
    """It shows less ground as the doer's than the line of the day, so that launches lie on the other's."""
    attacked = theatre("back_dated_line")
    moved = [
        float(new.signed_distance_m(case.longitude_deg, case.latitude_deg))
        - float(old.signed_distance_m(case.longitude_deg, case.latitude_deg))
        for case, old, new in zip(plain.cases, plain.fields, attacked.fields, strict=True)
    ]
    did = plain.responsible

    assert np.median(np.array(moved)[did == 0]) < -2_000.0
    assert np.median(np.array(moved)[did == 1]) > 2_000.0


@pytest.mark.parametrize(
    "wrong",
    [{"events_count": 0}, {"events_count": 5, "own_side_probability": 1.5}, {"events_count": 5, "notice_ratio": 3.0}],
)
def test_a_wish_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """No events, a share above 1, or more noticed than can be, are said at once."""
    with pytest.raises(ValueError, match="outside"):
        TheatreWish(**wrong)  # type: ignore[arg-type]
