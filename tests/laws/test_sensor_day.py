"""The association keeps every law of a stage also where a network of sensors locates what happened."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from laws.made import AFTER_ALL, BEFORE_ALL, DAY
from laws.sensor_day import START, SensorDay, event_spot, sensor_day, sensor_settings
from truceline.associate.rows import KEPT_OUT_DETECTION
from truceline.associate.stage import AssociateStage, AssociationState
from truceline.model.event import Event
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan
from truceline.testing.laws import StageCase, check_stage_laws
from truceline.testing.records import made_claim, made_patrol, made_thermal

STAGE = AssociateStage(sensor_settings())


def mixed_day() -> tuple[SensorDay, list[Observation]]:
    """Give a day of detections, with patrols, a fire after one event, a claim, and another day beside it."""
    day = sensor_day()
    people = [made_patrol(event_spot(day, 1)), made_patrol(event_spot(day, 3), description="outgoing")]
    fire = made_thermal(event_spot(day, 1, sigma_m=300.0))
    claim = made_claim(TimeSpan(start=DAY, end=DAY + timedelta(hours=1)))
    elsewhere = [moved(one, timedelta(days=1)) for one in day.detections[:3]]
    return day, [*day.detections, *people, fire, claim, *elsewhere]


def moved(observation: Observation, by: timedelta) -> Observation:
    """Give an observation of the same at another time."""
    span = TimeSpan(start=observation.phenomenon_time.start + by, end=observation.phenomenon_time.end + by)
    return msgspec.structs.replace(
        observation, observation_id=f"{observation.observation_id}-{by}", phenomenon_time=span
    )


def standing(events: list[Event]) -> list[Event]:
    """Give what events say that are not withdrawn, the last of each, without names and numbers of revisions."""
    last = {event.event_id: event for event in sorted(events, key=lambda event: event.revision_index)}
    bare = [
        msgspec.structs.replace(event, event_id="", revision_index=0, supersedes_revision_index=None)
        for event in last.values()
        if event.evaluation_status != "rejected"
    ]
    return sorted(bare, key=lambda event: event.associations[0].observation_id)


@pytest.mark.parametrize("seed_index", [0, 1])
def test_the_laws_of_a_stage_hold_with_sensor_events(seed_index: int) -> None:
    """Order, duplicates, batch sizes, restarts from bytes and partition by day do not show in sensor events."""
    _, records = mixed_day()
    case = StageCase(stage=STAGE, records=records, watermark=AFTER_ALL, state_type=AssociationState)

    assert any(event.sensor_origin is not None for event in STAGE.step(STAGE.initial(), records, AFTER_ALL)[1])
    check_stage_laws(case, seed_index=seed_index, open_watermark=BEFORE_ALL)


def test_every_observation_is_in_one_event_or_counted() -> None:
    """Detections that define, support or fit nothing, and all the others, stand in one event or under a reason."""
    day, records = mixed_day()
    state, events = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    linked = [link.observation_id for event in events for link in event.associations]

    assert len(set(linked)) == len(linked)
    assert len(records) == len(linked) + sum(STAGE.kept_out_counts(state).values())
    assert STAGE.kept_out_counts(state)[KEPT_OUT_DETECTION] < len(day.detections) / 2


def test_people_and_satellites_join_the_sensor_events() -> None:
    """A patrol's report and a fire stand in the event that sensors located where they were, and nowhere else."""
    day, records = mixed_day()
    _, events = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    sensed = [event for event in events if event.sensor_origin is not None]
    kinds = {link.observation_kind for event in sensed for link in event.associations}

    assert len(day.places) == len(sensed) == len(events)
    assert {"detection", "patrol_report", "thermal"} == kinds
    assert {"impact", "outgoing", "undetermined"} == {event.observed_as for event in sensed}


def test_late_detections_revise_and_end_where_timely_ones_would() -> None:
    """Whatever part of the detections came late, the events that stand say in the end what they would have in time."""
    _, records = mixed_day()
    _, in_time = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    late = np.random.default_rng(2).random(len(records)) < 0.4
    late_ones, timely = ([one for one, flag in zip(records, late, strict=True) if flag == wanted] for wanted in (1, 0))
    state, first = STAGE.step(STAGE.initial(), timely, AFTER_ALL)
    _, later = STAGE.step(state, late_ones, AFTER_ALL)

    assert later
    assert standing(in_time) == standing(first + later)


def test_sound_from_before_midnight_has_its_evidence() -> None:
    """An event whose sound was first heard on the following day rests on the rows of that day."""
    day = sensor_day(event_count=1, seed=12, clutter_hz=0.0)
    true_s = float(day.world.event_time_s[0])
    first_s = float(day.world.detections.time_s.min())
    midnight = DAY + timedelta(hours=21)
    shift = midnight - START - timedelta(seconds=(true_s + first_s) / 2.0)
    records = [moved(one, shift) for one in day.detections]
    state, (event,) = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    evidence = STAGE.evidence(state, [event])[(event.event_id, 0)]

    assert event.origin_time.end < midnight
    assert ["2025-04-20"] == list(state.slabs)
    assert {link.observation_id for link in event.associations} == {entry.observation_id for entry in evidence.used}


def test_evidence_of_a_sensor_event_leaves_out_what_cannot_be_its_sound() -> None:
    """Of the other detections only those that came when the event's sound could have are known and not used."""
    day, records = mixed_day()
    state, events = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    evidence = STAGE.evidence(state, events)
    detections = {one.observation_id for one in day.detections}
    unused = [
        {entry.observation_id for entry in evidence[(event.event_id, 0)].known_not_used} & detections
        for event in events
    ]

    assert all(unused)
    assert max(len(names) for names in unused) < len(detections) / 2


def test_too_few_stations_only_support() -> None:
    """Heard by three stations, an explosion that a patrol reported is what the patrol reported, with support."""
    day, _ = mixed_day()
    three = sorted({one.result.station_id for one in day.detections if one.result.bearing_deg is not None})[:3]  # type: ignore[union-attr]
    few = [one for one in day.detections if one.result.station_id in three]  # type: ignore[union-attr]
    _, events = STAGE.step(STAGE.initial(), [*few, *(made_patrol(event_spot(day, n)) for n in range(5))], AFTER_ALL)
    links = [link for event in events for link in event.associations if link.observation_kind == "detection"]

    assert {None} == {event.sensor_origin for event in events}
    assert links
    assert {False} == {link.defining for link in links}
