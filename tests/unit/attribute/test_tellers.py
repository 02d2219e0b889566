"""Where an impact was, told by several: who tells it, on whose custody, and what stays when one is taken out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from laws.attribution_cases import CATALOGUE, SETTINGS
from laws.made import AFTER_ALL, DAY
from laws.test_attribute import PARTIES
from truceline.attribute.stage import AttributeStage
from truceline.attribute.tellers import tellers_of
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
    revision = (event.event_id, event.revision_index)
    return stage.step(stage.initial(), [event], AFTER_ALL, files=FILES, tellers={revision: given})[1][0]


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


def test_sensors_that_cannot_say_what_it_was_stand_behind_the_patrol() -> None:
    """The place is still theirs, but that something landed there is the patrol's word: one custody."""
    event = msgspec.structs.replace(ALL, sensor_origin=ORIGIN)

    assert [
        ("patrol_report", 48.0, ("detection", "patrol_report")),
        ("media_report", 48.006, ("media_report",)),
    ] == [(kind, latitude_deg, ids) for kind, latitude_deg, _, ids in told(event, SEEN, REPORTED)]


@pytest.mark.parametrize(
    ("event", "places"),
    [
        (made(), (SEEN,)),
        (BOTH, (REPORTED,)),
        (msgspec.structs.replace(BOTH, place_is_region=True), (SEEN, REPORTED)),
        (msgspec.structs.replace(BOTH, evaluation_status="rejected"), (SEEN, REPORTED)),
        (msgspec.structs.replace(BOTH, observed_as="undetermined", event_type="explosion"), (SEEN,)),
        (OUTGOING, (SEEN, REPORTED)),
    ],
)
def test_where_one_alone_tells_it_nobody_is_named_beside(event: Event, places: tuple[ToldPlace, ...]) -> None:
    """One who tells it is the event's own word; a region, fire going out, or a withdrawn event has no such place."""
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
        "located by sensors to 2002 m, and named an impact with probability 0.90"
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


def test_whose_ground_no_line_tells_is_left_out() -> None:
    """Before the first line nobody's place says anything, and the reason is the line."""
    early = msgspec.structs.replace(
        BOTH, origin_time=moment(DAY - timedelta(days=3), offset_s=0.0), event_id="before the first line"
    )
    found = answer(early, SEEN, REPORTED)

    assert [] == place_rows(found)
    assert TODAY.valid_date > date(2025, 4, 16)


def test_one_hand_tells_a_place_once() -> None:
    """Two who hang on the same custody are one, the first of them."""
    first, second = tellers_of(BOTH, (SEEN, REPORTED), PLACE)
    same: tuple[PlaceTeller, ...] = (first, msgspec.structs.replace(second, cluster_id=first.cluster_id))

    assert [first.cluster_id] == [row.cluster_id for row in place_rows(answer(BOTH, tellers=same))]
