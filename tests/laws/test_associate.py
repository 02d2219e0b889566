"""The association keeps every law of a stage, and late records issue revisions."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.made import AFTER_ALL, BEFORE_ALL, observations
from truceline.associate.settings import AssociationSettings
from truceline.associate.stage import AssociateStage, AssociationState
from truceline.model.event import Event
from truceline.model.observation import Observation
from truceline.testing.laws import (
    Revised,
    StageCase,
    check_lateness_issues_a_revision,
    check_stage_laws,
)

STAGE = AssociateStage(AssociationSettings(timezone_name="Europe/Kyiv"))


def _revised(events: list[Event]) -> list[Revised]:
    return [
        Revised(
            record_id=event.event_id,
            revision_index=event.revision_index,
            supersedes_revision_index=event.supersedes_revision_index,
        )
        for event in events
    ]


def _standing(events: list[Event]) -> dict[str, Event]:
    """Give the last revision of each event that is not withdrawn."""
    last = {event.event_id: event for event in sorted(events, key=lambda event: event.revision_index)}
    return {name: event for name, event in last.items() if event.evaluation_status != "rejected"}


def _unnamed(events: dict[str, Event]) -> list[Event]:
    """Give what events say, without their names and revision numbers."""
    bare = [
        msgspec.structs.replace(event, event_id="", revision_index=0, supersedes_revision_index=None)
        for event in events.values()
    ]
    return sorted(bare, key=lambda event: event.associations[0].observation_id)


@settings(max_examples=60, deadline=None)
@given(records=st.lists(observations, max_size=40), seed_index=st.integers(0, 1_000))
def test_association_keeps_the_laws_of_a_stage(records: list[Observation], seed_index: int) -> None:
    """Order, duplicates, batch sizes, restarts from bytes and partition by key do not show in the events."""
    case = StageCase(stage=STAGE, records=records, watermark=AFTER_ALL, state_type=AssociationState)

    check_stage_laws(case, seed_index=seed_index, open_watermark=BEFORE_ALL)


@settings(max_examples=60, deadline=None)
@given(records=st.lists(observations, max_size=40), split_count=st.integers(0, 40))
def test_late_records_issue_revisions_and_end_where_timely_ones_would(
    records: list[Observation], split_count: int
) -> None:
    """Whatever came late, the events that stand say in the end what they would have said in time."""
    state, first = STAGE.step(STAGE.initial(), records[:split_count], AFTER_ALL)
    _, later = STAGE.step(state, records[split_count:], AFTER_ALL)
    _, in_time = STAGE.step(STAGE.initial(), records, AFTER_ALL)

    check_lateness_issues_a_revision(_revised(first), _revised(later))
    assert _unnamed(_standing(in_time)) == _unnamed(_standing(first + later))


@settings(max_examples=60, deadline=None)
@given(records=st.lists(observations, max_size=40))
def test_every_observation_is_in_one_event_or_counted(records: list[Observation]) -> None:
    """Nothing is lost: each distinct observation stands in exactly one event or under a named reason."""
    state, events = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    linked = [link.observation_id for event in events for link in event.associations]
    distinct = {record.observation_id for record in records}

    assert len(distinct) == len(linked) + sum(STAGE.kept_out_counts(state).values())
    assert len(set(linked)) == len(linked)


@settings(max_examples=40, deadline=None)
@given(records=st.lists(observations, max_size=30))
def test_moving_the_watermark_in_steps_gives_the_same_events(records: list[Observation]) -> None:
    """A watermark that creeps and one that jumps close the same days with the same events, in the same order."""
    _, at_once = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    state, crept = STAGE.step(STAGE.initial(), records, BEFORE_ALL)
    for day in range(15, 25):
        state, new = STAGE.step(state, [], datetime(2025, 4, day, 12, tzinfo=UTC))
        crept.extend(new)

    assert at_once == crept
