"""Where an impact was, told by several: who tells it, on whose custody, and what stays when one is taken out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from laws.attribution_cases import CATALOGUE, SETTINGS
from laws.made import AFTER_ALL, DAY
from laws.test_attribute import PARTIES
from truceline.attribute.evidence import Ground, case_of
from truceline.attribute.items import Collected
from truceline.attribute.stage import AttributeStage
from truceline.attribute.tellers import tellers_of, with_tellers
from truceline.model.attribution import Attribution, LedgerRow
from truceline.model.event import Event
from truceline.model.evidence import PlaceTeller
from truceline.model.testimony import ToldPlace
from truceline.testing.records import moment
from unit.attribute.test_stage import ORIGIN, OUTGOING, TODAY, at, link, made

PLACE = CATALOGUE.place
SEEN = ToldPlace(observation_id="patrol_report", kind="patrol_report", position=at(48.001, sigma_m=150.0))
REPORTED = ToldPlace(observation_id="media_report", kind="media_report", position=at(48.006, sigma_m=1_500.0))
LANDED = msgspec.structs.replace(ORIGIN, named_type="impact", named_probability=0.9)
BOTH = made(associations=(link("patrol_report"), link("media_report")))
ALL = made(
    associations=(link("patrol_report"), link("media_report"), link("detection")),
    sensor_origin=LANDED,
    origin_position=at(48.0, sigma_m=120.0),
)
ONE_NETWORK = msgspec.structs.replace(
    link("detection"), observation_id="made by one hand", source_id="made_patrol_report"
)
ONE_FEED = msgspec.structs.replace(link("media_report"), source_id="made_patrol_report")
FILES = {"patrol_report": "a" * 64, "media_report": "b" * 64, "detection": "c" * 64}


def told(event: Event, *places: ToldPlace) -> list[tuple[str, float, float, tuple[str, ...]]]:
    """Give who tells the place: kind, latitude, how often wrong, and on which records it rests."""
    return [
        (one.modality, one.latitude_deg, one.contamination_probability, one.observation_ids)
        for one in tellers_of(event, places, PLACE)
    ]


def answer(event: Event, *places: ToldPlace, **tellers: Any) -> Attribution:
    """Give the attribution of an event that these records tell of, by the line of its day."""
    stage = AttributeStage(SETTINGS, parties=PARTIES, lines=[TODAY])
    given = tellers.get("tellers", tellers_of(event, places, PLACE))
    known = {(event.event_id, event.revision_index): Collected(tellers=given)}
    return stage.step(stage.initial(), [event], AFTER_ALL, files=FILES, collected=known)[1][0]


def place_rows(found: Attribution) -> list[LedgerRow]:
    """Give the rows that tell the place."""
    return [row for row in found.ledger if any(item.item_type == "place" for item in row.items)]


def test_a_patrol_and_a_report_are_two_who_tell_it() -> None:
    """The patrol by the event's place, the report by its own, each as often wrong as the catalogue says."""
    assert [
        ("patrol_report", 48.0, PLACE.patrol_wrong.number, ("patrol_report",)),
        ("media_report", 48.006, PLACE.report_wrong.number, ("media_report",)),
    ] == told(BOTH, SEEN, REPORTED)


def test_sensors_that_name_an_impact_tell_it_first() -> None:
    """The event's place is theirs then, wrong where the place is or where it was none; the others have their own."""
    wrong = 1.0 - (1.0 - PLACE.sensor_wrong.number) * 0.9
    names = [(kind, latitude_deg) for kind, latitude_deg, _, _ in told(ALL, SEEN, REPORTED)]

    assert [("detection", 48.0), ("patrol_report", 48.001), ("media_report", 48.006)] == names
    assert wrong == pytest.approx(told(ALL, SEEN)[0][2])
    assert ("detection",) == told(ALL, SEEN)[0][3]


def test_patrols_that_disagree_tell_nothing_beside_sensors_and_a_report() -> None:
    """That it was an impact is known by sound and by the report, so these two tell where."""
    event = msgspec.structs.replace(ALL, observed_as="undetermined")

    assert ["detection", "media_report"] == [kind for kind, *_ in told(event, SEEN, REPORTED)]


def test_sensors_of_the_patrols_own_source_stand_behind_its_word() -> None:
    """One hand is no second teller: what it heard and what it saw are one row that rests on both."""
    event = msgspec.structs.replace(ALL, associations=(link("patrol_report"), ONE_NETWORK, link("media_report")))

    assert [
        ("patrol_report", 48.0, ("made by one hand", "patrol_report")),
        ("media_report", 48.006, ("media_report",)),
    ] == [(kind, latitude_deg, ids) for kind, latitude_deg, _, ids in told(event, SEEN, REPORTED)]


def test_only_the_records_that_tell_it_are_named() -> None:
    """A patrol that saw no impact is part of the event, and of no teller's word."""
    other = msgspec.structs.replace(link("patrol_report"), observation_id="another patrol")
    event = msgspec.structs.replace(BOTH, associations=(*BOTH.associations, other))

    assert [("patrol_report",), ("media_report",)] == [ids for *_, ids in told(event, SEEN, REPORTED)]


def test_sensors_that_heard_an_explosion_tell_it_as_often_as_it_is_an_impact() -> None:
    """What cannot be told apart may be an impact: the sensors' place then counts for so much."""
    heard = msgspec.structs.replace(ORIGIN, named_type="explosion undetermined", named_probability=0.9)
    event = msgspec.structs.replace(ALL, sensor_origin=heard)
    (first, *_) = told(event, SEEN)
    held = (1.0 - PLACE.sensor_wrong.number) * 0.9 * PLACE.impact_share.number

    (row,) = [row for row in place_rows(answer(event, SEEN)) if row.cluster_id == "made_detection"]

    assert row.statement.startswith("sound of explosion; ground held by A")
    assert ("detection", 48.0) == first[:2]
    assert 1.0 - held == pytest.approx(first[2])


def test_sensors_that_cannot_say_what_it_was_stand_behind_the_patrol() -> None:
    """The place is still theirs, but that something landed there is the patrol's word: one custody."""
    event = msgspec.structs.replace(ALL, sensor_origin=ORIGIN)

    assert [
        ("patrol_report", 48.0, ("detection", "patrol_report")),
        ("media_report", 48.006, ("media_report",)),
    ] == [(kind, latitude_deg, ids) for kind, latitude_deg, _, ids in told(event, SEEN, REPORTED)]
    said = {row.cluster_id: row.items[0].statement for row in place_rows(answer(event, SEEN, REPORTED))}
    assert said["made_patrol_report"].endswith("located by sensors to 2002 m")
    assert "sensors" not in said["made_media_report"]


@pytest.mark.parametrize(
    ("event", "places"),
    [
        (made(), (SEEN,)),
        (BOTH, (REPORTED,)),
        (msgspec.structs.replace(BOTH, place_is_region=True), (SEEN, REPORTED)),
        (msgspec.structs.replace(BOTH, evaluation_status="rejected"), (SEEN, REPORTED)),
        (msgspec.structs.replace(BOTH, observed_as="undetermined"), (SEEN, REPORTED)),
        (BOTH, (SEEN, msgspec.structs.replace(REPORTED, position=at(48.0, sigma_m=12_000.0)))),
        (made(associations=(link("patrol_report"), ONE_FEED)), (SEEN, REPORTED)),
        (msgspec.structs.replace(ALL, associations=(link("patrol_report"), ONE_NETWORK)), (SEEN,)),
        (OUTGOING, (SEEN, REPORTED)),
    ],
)
def test_where_one_alone_tells_it_nobody_is_named_beside(event: Event, places: tuple[ToldPlace, ...]) -> None:
    """So it is of a region, of fire going out, where patrols disagree, a place is vague, or one hand holds both."""
    assert () == tellers_of(event, places, PLACE)


def test_of_several_patrols_the_most_precise_place_counts() -> None:
    """They are one teller where sensors are another, and it knows the place as well as the best of them."""
    vague = ToldPlace(observation_id="another patrol", kind="patrol_report", position=at(48.02, sigma_m=900.0))
    (_, patrols) = tellers_of(ALL, (vague, SEEN), PLACE)

    assert (48.001, 150.0) == (patrols.latitude_deg, patrols.position_sigma_m)


def test_no_teller_knows_a_place_better_than_the_catalogue_lets_it() -> None:
    """What a record states below the least is taken for the least."""
    sharp = msgspec.structs.replace(SEEN, position=at(48.001, sigma_m=1.0))

    assert PLACE.sigma_least_m.number == tellers_of(ALL, (sharp,), PLACE)[1].position_sigma_m


def test_every_teller_is_a_row_of_its_own_with_its_files() -> None:
    """The ledger shows who put it where, on which ground, and which bytes say so."""
    rows = place_rows(answer(ALL, SEEN, REPORTED))
    said = {row.cluster_id: row.items[0] for row in rows}

    assert ["made_detection", "made_media_report", "made_patrol_report"] == sorted(said)
    assert ("c" * 64,) == said["made_detection"].file_sha256s
    assert ("a" * 64,) == said["made_patrol_report"].file_sha256s
    assert said["made_detection"].statement.startswith("sound of impact; ground held by A")
    assert said["made_detection"].statement.endswith(
        "located by sensors to 2002 m, and named impact with probability 0.90"
    )
    assert "located by sensors" not in said["made_patrol_report"].statement
    assert all("ground held by A" in item.statement for item in said.values())


def test_a_second_teller_makes_the_place_surer_and_no_single_one_carries_it() -> None:
    """Two who agree say more than one, and each one's share is less than the one's alone."""
    one, two = answer(made()), answer(BOTH, SEEN, REPORTED)
    (alone,), shared = place_rows(one), place_rows(two)

    assert one.probability_of("B") < two.probability_of("B")
    assert max(abs(row.context_log_ratio) for row in shared) < abs(alone.context_log_ratio)
    assert abs(sum(row.context_log_ratio for row in shared)) > abs(alone.context_log_ratio)


def test_before_the_first_line_nobody_tells_anything() -> None:
    """Where no line is known no place is evidence, however many tell it."""
    early = msgspec.structs.replace(
        BOTH, origin_time=moment(DAY - timedelta(days=3), offset_s=0.0), event_id="before the first line"
    )
    found = answer(early, SEEN, REPORTED)

    assert [] == place_rows(found)


def test_whose_place_is_nobodys_ground_tells_nothing() -> None:
    """A teller without ground is left out; where one alone is left, the case stays as the event's own word."""
    held = Ground(holder="A", holds_probability=1.0, distance_m=9_000.0, line_date=date(2025, 4, 19), age_days=0)
    plain = case_of(ALL, held, parties=PARTIES, catalogue=CATALOGUE)
    given = tellers_of(ALL, (SEEN, REPORTED), PLACE)
    two, one = (
        with_tellers(plain, ALL, list(zip(given, grounds, strict=True)), parties=PARTIES, files={})
        for grounds in ((held, None, held), (held, None, None))
    )

    assert ["detection", "media_report"] == [teller.modality for teller in two.tellers]
    assert plain == one


def test_one_hand_tells_a_place_once() -> None:
    """Two who hang on the same custody are one, the first of them."""
    first, second = tellers_of(BOTH, (SEEN, REPORTED), PLACE)
    same: tuple[PlaceTeller, ...] = (first, msgspec.structs.replace(second, cluster_id=first.cluster_id))

    assert [first.cluster_id] == [row.cluster_id for row in place_rows(answer(BOTH, tellers=same))]
